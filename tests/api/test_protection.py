# SPDX-License-Identifier: Apache-2.0
"""Protection (domain.md §5.6): calendar days in the programme's zone, judged by the clock at read time."""
import pytest

from support import wait
from support.judge import events_of
from support.world import World


@pytest.fixture(scope="module")
def berlin(server, database_url):
    """A sandbox in Berlin whose clock only these tests turn."""
    made = World(server, database_url)
    version = made.admin.get("/v1/program")["version"]
    made.admin.patch("/v1/program", {"zone": "Europe/Berlin"}, if_match=version, expect=200)
    return made


def approved_at(world, now_at, **body):
    world.set_clock(now_at)
    return world.act("deals", world.partner("a").deal(), "approve", body)


@pytest.mark.parametrize("now_at, days, expires_at", [
    ("2026-01-15T14:00:00Z", None, "2026-04-15T13:00:00.000Z"),  # 15:00 winter → 15:00 summer, 90 days
    ("2026-07-20T13:00:00Z", None, "2026-10-18T13:00:00.000Z"),  # summer throughout
    ("2026-10-20T13:00:00Z", 10, "2026-10-30T14:00:00.000Z"),    # summer → winter
    ("2026-03-27T01:30:00Z", 2, "2026-03-29T01:30:00.000Z"),     # 02:30 does not exist on the 29th: 03:30 summer
    ("2026-12-31T23:30:00Z", 1, "2027-01-01T23:30:00.000Z"),
    ("2028-02-28T12:00:00Z", 1, "2028-02-29T12:00:00.000Z"),
    ("2026-01-15T14:00:00.123456Z", 1, "2026-01-16T14:00:00.123Z"),
])
def test_calendar_days_in_the_programmes_zone(berlin, now_at, days, expires_at):
    deal = approved_at(berlin, now_at, **({"protection_days": days} if days else {}))
    assert deal["protection_expires_at"] == deal["protected_until"] == expires_at
    assert deal["protection_starts_at"] == deal["decided_at"] == f"{now_at[:19]}.{'123' if '.' in now_at else '000'}Z"


def test_the_programmes_days_are_the_default(berlin):
    berlin.admin.patch("/v1/program", {"protection_days": 30}, if_match="*", expect=200)
    assert approved_at(berlin, "2026-06-01T10:00:00Z")["protection_expires_at"] == "2026-07-01T10:00:00.000Z"
    berlin.admin.patch("/v1/program", {"protection_days": 90}, if_match="*", expect=200)


@pytest.mark.parametrize("days", [0, -1, 100_000, 1.5, "90"])
def test_refused_days(berlin, days):
    deal = berlin.partner("a").deal()
    refused = berlin.admin.post(f"/v1/deals/{deal['id']}/approve", {"protection_days": days}, if_match=1, expect=422)
    assert {place for place, _ in refused.errors()} == {"#/protection_days"}


class TestExpiry:
    @pytest.fixture
    def deal(self, berlin):
        return approved_at(berlin, "2026-01-15T14:00:00Z", protection_days=10)  # until 2026-01-25T14:00Z

    def test_the_last_millisecond_is_protected(self, berlin, deal):
        berlin.set_clock("2026-01-25T13:59:59.999Z")
        seen = berlin.partner("a").api.get(f"/v1/deals/{deal['id']}").json
        assert seen["status"] == "approved" and sorted(seen["allowed_actions"]) == [
            "extend", "lose", "reassign", "request-help", "update-progress", "win"]

    def test_the_end_is_not(self, berlin, deal):
        berlin.set_clock("2026-01-25T14:00:00Z")
        seen = berlin.refresh(deal)
        assert seen["status"] == "expired" and seen["allowed_actions"] == ["reopen"]
        assert seen["protection_expires_at"] == deal["protection_expires_at"]

    @pytest.mark.parametrize("action, body", [("win", {}), ("lose", {"reason": "x"}), ("cancel", {"reason": "x"}),
                                              ("approve", {})])
    def test_commands_judge_by_the_clock_too(self, berlin, deal, action, body):
        berlin.set_clock("2026-02-01T00:00:00Z")
        refused = berlin.admin.post(f"/v1/deals/{deal['id']}/{action}", body, if_match="*", expect=409,
                                    problem="invalid_transition")
        assert refused["from"] == "expired" and refused["allowed"] == ["reopen"]

    def test_lists_filter_by_what_they_show(self, berlin, deal):
        berlin.set_clock("2026-02-01T00:00:00Z")
        api = berlin.partner("a").api
        ids = {status: {row["id"] for row in api.list("/v1/deals", {"status": status})}
               for status in ("approved", "expired")}
        assert deal["id"] in ids["expired"] and deal["id"] not in ids["approved"]
        total = api.get("/v1/deals", {"status": "expired", "include_total": "true", "limit": 1})["total_count"]
        assert total == len(ids["expired"])

    def test_a_job_writes_the_event(self, berlin, deal):
        berlin.set_clock("2026-02-01T00:00:00Z")
        seen = berlin.refresh(deal)
        event = events_of(berlin.partner("a").api, deal["id"], 3)[-1]
        assert event["type"] == "deal.expired" and event["actor"]["type"] == "system"
        assert event["previous"]["status"] == "approved" and event["data"]["status"] == "expired"
        assert event["occurred_at"] == "2026-02-01T00:00:00.000Z"
        after = berlin.refresh(deal)
        assert after["status"] == seen["status"] == "expired" and after["version"] == deal["version"] + 1
        entries = berlin.admin.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})
        assert [entry["status"] for entry in entries] == ["submitted", "approved", "expired"]
        actions = [entry["action"] for entry in berlin.admin.list("/v1/audit-log", {"resource_id": deal["id"]})]
        assert actions.count("deal.expired") == 1

    def test_what_was_won_in_time_stays_won(self, berlin, deal):
        won = berlin.act("deals", deal, "win", {})
        other = approved_at(berlin, "2026-01-15T14:00:00Z", protection_days=10)
        berlin.set_clock("2026-03-01T00:00:00Z")
        wait.until(lambda: berlin.refresh(other)["version"] > other["version"], "the job has expired the other deal")
        assert berlin.refresh(won) == won

    def test_protection_expires_at_filter(self, berlin, deal):
        api = berlin.partner("a").api
        assert deal["id"] in [row["id"] for row in api.list(
            "/v1/deals", {"protection_expires_at_lt": "2026-01-25T14:00:00.001Z"})]
        assert deal["id"] not in [row["id"] for row in api.list(
            "/v1/deals", {"protection_expires_at_lt": "2026-01-25T14:00:00Z"})]
