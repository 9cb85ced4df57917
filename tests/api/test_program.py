# SPDX-License-Identifier: Apache-2.0
"""The program: its settings with defaults that ship, who may change them, and the test clock of a sandbox."""
import pytest

from support.world import World

DEFAULTS = {
    "fiscal_year_start_month": 1, "protection_days": 90, "extension_days": 30, "max_extensions": 1,
    "attribution_model": "shared", "attribution_window_days": 365,
    "claim_window_hours": 48, "urgent_claim_window_hours": 24, "margin_cap_bps": 4500, "test_now_at": None,
}


@pytest.fixture
def program(world):
    return world.admin.get("/v1/program").json


def change(world, body, **options):
    version = world.admin.get("/v1/program")["version"]
    return world.admin.patch("/v1/program", body, if_match=version, **options)


def test_defaults_that_ship(server, database_url):
    made = World(server, database_url).admin.get("/v1/program").json
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert made["object"] == "program" and made["environment"] == "test"


def test_everybody_sees_their_own_program(world):
    seen = [client.get("/v1/program").json for client in (
        world.admin, world.user("viewer"), world.partner("a").api, world.partner("a").user("partner_member"))]
    assert {row["id"] for row in seen} == {world.program_id}
    assert all(row == seen[0] for row in seen)


def test_settings_change_and_the_rest_stays(world, program):
    answer = change(world, {"name": "Learning Alliance", "zone": "Europe/Berlin", "protection_days": 120}, expect=200)
    row = answer.json
    assert (row["name"], row["zone"], row["protection_days"]) == ("Learning Alliance", "Europe/Berlin", 120)
    assert row["version"] == program["version"] + 1
    untouched = set(program) - {"name", "zone", "protection_days", "version", "updated_at"}
    assert {name: row[name] for name in untouched} == {name: program[name] for name in untouched}
    assert world.admin.get("/v1/program").json == row
    assert answer.etag == f'"{row["version"]}"'


@pytest.mark.parametrize("member, value, code", [
    ("zone", "Europe/Atlantis", None), ("zone", "+02:00", None), ("zone", None, None), ("currency", "EURO", None),
    ("currency", "ZZZ", None), ("protection_days", 0, "too_small"), ("protection_days", "90", "wrong_type"),
    ("protection_days", 90.5, "wrong_type"), ("fiscal_year_start_month", 13, "too_large"),
    ("margin_cap_bps", -1, "too_small"), ("margin_cap_bps", 10_001, "too_large"), ("name", "", "too_short"),
    ("slug", "other", "read_only_field"), ("environment", "live", "read_only_field"), ("id", "x", "read_only_field"),
    ("version", 9, "read_only_field"), ("created_at", "2026-01-01T00:00:00Z", "read_only_field"),
    ("test_now_at", "2026-01-01T00:00:00Z", "read_only_field"), ("protection_dayz", 90, "unknown_field"),
])
def test_refused_settings(world, program, member, value, code):
    refused = change(world, {member: value}, expect=422, problem="validation_failed")
    places = {place: found for place, found in refused.errors()}
    assert f"#/{member}" in places, refused
    assert code is None or places[f"#/{member}"] == code
    assert world.admin.get("/v1/program").json == program


def test_all_faults_are_reported_at_once(world):
    refused = change(world, {"zone": "Nowhere/Land", "protection_days": -5, "nonsense": 1, "slug": "s"}, expect=422)
    assert {place for place, _ in refused.errors()} >= {"#/protection_days", "#/nonsense", "#/slug"}


def test_dry_run_changes_nothing(world, program):
    answer = world.admin.patch("/v1/program", {"protection_days": 33}, if_match=program["version"],
                               query={"dry_run": "true"}, expect=200)
    assert answer["protection_days"] == 33
    assert world.admin.get("/v1/program").json == program


@pytest.mark.parametrize("role", ["partner_manager", "reviewer", "finance", "support", "viewer"])
def test_only_admins_manage(world, role):
    user = world.user(role)
    user.patch("/v1/program", {"name": "Mine"}, if_match="*", expect=403, problem="insufficient_scope")
    user.post("/v1/program/test-clock", {"now_at": None}, expect=403, problem="insufficient_scope")


def test_partners_do_not_manage(world):
    refused = world.partner("a").user().patch("/v1/program", {"name": "Mine"}, if_match="*", expect=403)
    assert refused.problem == "insufficient_scope" and refused["scope"] == "program:manage"


class TestClock:
    @pytest.fixture(autouse=True)
    def back_to_real_time(self, world):
        yield
        world.set_clock(None)

    def test_is_set_and_read_as_utc(self, world):
        row = world.set_clock("2026-01-15T15:00:00.25+01:00")
        assert row["test_now_at"] == "2026-01-15T14:00:00.250Z"
        assert world.admin.get("/v1/program").json == row

    def test_is_advanced(self, world):
        world.set_clock("2026-03-28T22:30:00Z")
        assert world.advance_clock(3 * 3600)["test_now_at"] == "2026-03-29T01:30:00.000Z"

    def test_rows_are_stamped_with_it(self, world):
        world.set_clock("2031-05-01T10:00:00Z")
        deal = world.partner("a").deal()
        assert deal["submitted_at"] == "2031-05-01T10:00:00.000Z"
        entry = world.admin.list(f"/v1/deals/{deal['id']}/timeline")[0]
        assert entry["occurred_at"] == "2031-05-01T10:00:00.000Z"

    def test_goes_back_to_real_time(self, world):
        world.set_clock("2031-05-01T10:00:00Z")
        assert world.set_clock(None)["test_now_at"] is None
        assert world.partner("a").deal()["submitted_at"] < "2031"

    def test_bumps_the_version(self, world):
        before = world.admin.get("/v1/program")["version"]
        row = world.admin.post("/v1/program/test-clock", {"now_at": "2031-05-01T10:00:00Z"}, if_match=before,
                               expect=200)
        assert row["version"] == before + 1 and row.etag == f'"{before + 1}"'
        world.admin.post("/v1/program/test-clock", {"now_at": None}, if_match=before, expect=412)

    @pytest.mark.parametrize("body, code", [
        ({"now_at": "1969-12-31T23:59:59Z"}, "too_small"), ({"now_at": "3000-01-01T00:00:00Z"}, "too_large"),
        ({"now_at": "9999-12-31T23:59:59Z"}, "too_large"), ({"advance_seconds": 2**40}, "too_large")])
    def test_stays_in_the_calendar(self, world, body, code):
        refused = world.admin.post("/v1/program/test-clock", body, expect=422)
        assert [error["code"] for error in refused["errors"]] == [code]

    @pytest.mark.parametrize("earlier", ["2031-04-30T10:00:00Z", "2031-05-01T09:59:59.999Z"])
    def test_moves_forward_only(self, world, earlier):
        """What has expired does not come back to life; only by way of real time may the clock be set anew."""
        row = world.set_clock("2031-05-01T10:00:00Z")
        refused = world.admin.post("/v1/program/test-clock", {"now_at": earlier})
        assert refused.status in (409, 422), refused
        assert world.admin.get("/v1/program").json == row

    @pytest.mark.parametrize("body", [
        {"now_at": "2026-01-15"}, {"now_at": "2026-01-15T15:00:00"}, {"now_at": "2026-01-15T15:00:60Z"},
        {"now_at": 5}, {"advance_seconds": 1.5}, {"advance_seconds": "60"}, {"later": True}, {},
        {"advance_seconds": 0}, {"advance_seconds": -60}, {"now_at": "2031-01-01T00:00:00Z", "advance_seconds": 60},
    ])
    def test_refused(self, world, body):
        world.admin.post("/v1/program/test-clock", body, expect=422, problem="validation_failed")

    def test_live_programs_have_none(self, server, database_url):
        live = World(server, database_url, environment="live")
        live.admin.post("/v1/program/test-clock", {"now_at": "2026-01-15T15:00:00Z"},
                        expect=409, problem="test_clock_unavailable")
        assert live.admin.get("/v1/program")["test_now_at"] is None
