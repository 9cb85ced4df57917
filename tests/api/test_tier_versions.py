# SPDX-License-Identifier: Apache-2.0
"""Terms of tiers in versions: a draft, publication with notice, what is in force by the clock, bands beside each other."""
import pytest

from support.judge import command_is_consistent, events_of
from support.world import World

START = "2027-03-01T09:00:00.000Z"
NOTICE = "2027-03-31T08:00:00.000Z"  # thirty days on in Berlin, where summer time has begun


@pytest.fixture
def place(server, database_url):
    """A program without tiers at a known time, its zone Berlin."""
    world = World(server, database_url, tiers="none")
    world.set_clock(START)
    version = world.admin.get("/v1/program")["version"]
    world.admin.patch("/v1/program", {"zone": "Europe/Berlin"}, if_match=version, expect=200)
    return world


def make(world, rank=1, band=(2000, 2500, 3000), publish=True, **members):
    members = {"benefits": [{"key": "co_selling", "value": True}, {"key": "mdf_rate_bps", "value": 200},
                            {"key": "support_level", "value": "priority"}],
               "requirements": [{"metric": "won_deals", "comparison": "gte", "value": 3, "window_days": 365}], **members}
    for key, kind, extra in (("co_selling", "boolean", {}), ("mdf_rate_bps", "bps", {}),
                             ("support_level", "choice", {"choices": ["community", "priority", "dedicated"]}),
                             ("greeting", "text", {})):
        world.admin.post("/v1/benefits", {"key": key, "name": key, "kind": kind, **extra})
    return world.make_tier(rank=rank, band=band, publish=publish, **members)


def draft(world, tier, **terms):
    return world.admin.patch(f"/v1/tiers/{tier['id']}", terms, if_match=world.refresh(tier)["version"], expect=200).json


def publish(world, tier, effective_at=None, **how):
    body = {"effective_at": effective_at} if effective_at else None
    row = world.refresh(tier)
    return world.admin.post(f"/v1/tiers/{tier['id']}/publish", body, if_match=row["version"], **{"expect": 200, **how})


def versions(world, tier, by=None):
    return [(row["terms_version"], row["status"], row["margin_band"]["base_bps"])
            for row in (by or world.admin).list(f"/v1/tiers/{tier['id']}/versions")]


def test_a_draft_changes_nothing_until_it_is_published(place):
    tier = make(place)
    changed = draft(place, tier, margin_band={"base_bps": 2600})
    assert changed["margin_band"]["base_bps"] == 2500 and changed["terms_version"] == 1
    assert changed["draft"]["margin_band"] == {"floor_bps": 2000, "base_bps": 2600, "cap_bps": 3000}
    assert changed["draft"]["benefits"] == tier["benefits"], "a draft begins as what was published"
    assert changed["allowed_actions"] == ["publish", "discard-draft", "retire"] and changed["status"] == "published"
    again = draft(place, tier, margin_band={"cap_bps": 3100})
    assert again["draft"]["margin_band"] == {"floor_bps": 2000, "base_bps": 2600, "cap_bps": 3100}
    assert versions(place, tier) == [(1, "in_force", 2500), (None, "draft", 2600)]


def test_what_only_gives_begins_at_once(place):
    tier = make(place)
    now = place.advance_clock(60)["test_now_at"]
    draft(place, tier, margin_band={"base_bps": 2600}, benefits=[
        *tier["benefits"][:2], {"key": "support_level", "value": "dedicated"}, {"key": "greeting", "value": "Hello"}],
        requirements=[])
    row = command_is_consistent(place.admin, publish(place, tier))
    assert row["terms_version"] == 2 and row["margin_band"]["base_bps"] == 2600 and row["valid_from"] == now
    assert row["draft"] is None and row["upcoming"] is None and row["requirements"] == []
    assert versions(place, tier) == [(1, "ended", 2500), (2, "in_force", 2600)]


AGAINST = {
    "a lower floor": {"margin_band": {"floor_bps": 1999}},
    "a lower base": {"margin_band": {"base_bps": 2499}},
    "a lower cap": {"margin_band": {"cap_bps": 2999}},
    "a benefit gone": {"benefits": [{"key": "co_selling", "value": True}, {"key": "mdf_rate_bps", "value": 200}]},
    "a lower rate": {"benefits": [{"key": "co_selling", "value": True}, {"key": "mdf_rate_bps", "value": 199},
                                  {"key": "support_level", "value": "priority"}]},
    "a lower choice": {"benefits": [{"key": "co_selling", "value": True}, {"key": "mdf_rate_bps", "value": 200},
                                    {"key": "support_level", "value": "community"}]},
    "more required": {"requirements": [{"metric": "won_deals", "comparison": "gte", "value": 4, "window_days": 365}]},
    "something new required": {"requirements": [
        {"metric": "won_deals", "comparison": "gte", "value": 3, "window_days": 365},
        {"metric": "certified_people", "comparison": "gte", "value": 1, "window_days": None}]},
    "better and worse": {"margin_band": {"base_bps": 2400, "cap_bps": 3500}},
}


@pytest.mark.parametrize("terms", AGAINST.values(), ids=AGAINST)
def test_what_takes_something_is_announced(place, terms):
    tier = make(place)
    draft(place, tier, **terms)
    for early in (START, "2027-03-31T07:59:59.999Z"):
        refused = publish(place, tier, early, expect=422)
        assert refused.errors() == {("#/effective_at", "too_small")}
    row = publish(place, tier).json
    assert row["upcoming"]["valid_from"] == NOTICE and row["upcoming"]["announced_at"] == START
    assert row["margin_band"] == tier["margin_band"] and row["valid_until"] == NOTICE and row["draft"] is None


def test_announced_terms_come_into_force_by_the_clock(place):
    tier = make(place)
    partner = place.make_partner(tier=tier["id"])
    draft(place, tier, margin_band={"base_bps": 2100})
    tag = publish(place, tier, NOTICE).etag
    approved = lambda: place.act("deals", partner.deal(), "approve", {})["margin_bps"]
    seen = partner.api.get(f"/v1/tiers/{tier['id']}")
    assert seen["upcoming"]["margin_band"]["base_bps"] == 2100, "partners are told in time"
    assert versions(place, tier, partner.api) == [(1, "in_force", 2500), (2, "upcoming", 2100)]
    place.set_clock("2027-03-31T07:59:59.999Z")
    assert approved() == 2500 and versions(place, tier)[0][1] == "in_force"
    place.set_clock(NOTICE)
    assert approved() == 2100 and versions(place, tier) == [(1, "ended", 2500), (2, "in_force", 2100)]
    now = place.admin.get(f"/v1/tiers/{tier['id']}", headers={"If-None-Match": tag}, expect=200)
    assert now["margin_band"]["base_bps"] == 2100 and now["upcoming"] is None and now["terms_version"] == 2


def test_the_notice_is_the_programs(place):
    tier = make(place)
    version = place.admin.get("/v1/program")["version"]
    place.admin.patch("/v1/program", {"tier_notice_days": 0}, if_match=version, expect=200)
    draft(place, tier, margin_band={"base_bps": 2100})
    assert publish(place, tier)["margin_band"]["base_bps"] == 2100


def test_a_tier_can_be_announced(place):
    tier = make(place, publish=False)
    row = publish(place, tier, "2027-06-01T00:00:00+02:00").json
    assert row["status"] == "scheduled" and row["upcoming"]["valid_from"] == "2027-05-31T22:00:00.000Z"
    assert row["allowed_actions"] == ["retire"]
    sent = {"name": "Early", "type": "reseller", "country": "DE", "tier_id": tier["id"]}
    place.admin.post("/v1/partners", sent, expect=409, problem="tier_not_published")
    nowhere = {name: value for name, value in sent.items() if name != "tier_id"}
    assert place.admin.post("/v1/partners", nowhere, expect=201)["tier_id"] is None
    place.set_clock("2027-05-31T22:00:00Z")
    assert place.refresh(tier)["status"] == "published"
    place.admin.post("/v1/partners", sent, expect=201)


@pytest.mark.parametrize("when, code", [("2027-03-01T08:59:59.999Z", "too_small"), ("2027-13-01T00:00:00Z", "invalid_format"),
                                        ("tomorrow", "invalid_format"), (None, "wrong_type"), (5, "wrong_type")])
def test_no_time_to_begin(place, when, code):
    tier = make(place, publish=False)
    refused = place.admin.post(f"/v1/tiers/{tier['id']}/publish", {"effective_at": when}, if_match=1, expect=422)
    assert refused.errors() == {("#/effective_at", code)}


def test_later_terms_do_not_go_before_announced_ones(place):
    tier = make(place)
    draft(place, tier, margin_band={"base_bps": 2100})
    publish(place, tier, "2027-06-01T00:00:00Z")
    draft(place, tier, margin_band={"base_bps": 2200})
    refused = publish(place, tier, "2027-05-01T00:00:00Z", expect=422)
    assert refused.errors() == {("#/effective_at", "too_small")}
    row = publish(place, tier).json
    assert row["upcoming"]["margin_band"]["base_bps"] == 2200 and row["upcoming"]["valid_from"] == "2027-06-01T00:00:00.000Z"
    assert versions(place, tier) == [(1, "in_force", 2500), (2, "replaced", 2100), (3, "upcoming", 2200)]


def test_the_decision_names_every_change(place):
    tier = make(place)
    draft(place, tier, margin_band={"base_bps": 2600}, benefits=[{"key": "co_selling", "value": False}])
    publish(place, tier)
    row = [row for row in place.admin.list(f"/v1/tiers/{tier['id']}/versions") if row["terms_version"] == 2][0]
    decision = place.admin.get(f"/v1/decisions/{row['decision_id']}").json
    assert decision["rule_set"] == "tier_publication" and decision["outcome"]["favours_partner"] is False
    assert {(change["member"], change["effect"]) for change in decision["outcome"]["changes"]} == {
        ("base_bps", "better"), ("co_selling", "worse"), ("mdf_rate_bps", "worse"), ("support_level", "worse")}
    steps = {step["rule"]: (step["before"], step["after"]) for step in decision["steps"]}
    assert steps["base"] == (2500, 2600) and steps["benefits_worse"] == (0, 3) and steps["notice"] == (0, 30)
    assert row["published_by_id"] == place.admin_id


def test_a_draft_can_be_discarded(place):
    tier = make(place)
    draft(place, tier, margin_band={"base_bps": 2100}, name="Kept")
    answer = place.admin.post(f"/v1/tiers/{tier['id']}/discard-draft", if_match="*", expect=200)
    row = command_is_consistent(place.admin, answer)
    assert row["draft"] is None and row["name"] == "Kept" and row["margin_band"] == tier["margin_band"]
    place.admin.post(f"/v1/tiers/{tier['id']}/discard-draft", if_match="*", expect=409, problem="invalid_transition")
    place.admin.post(f"/v1/tiers/{tier['id']}/publish", if_match="*", expect=409, problem="invalid_transition")
    assert versions(place, tier) == [(1, "in_force", 2500), (None, "discarded", 2100)]
    first = make(place, rank=9, publish=False)
    place.admin.post(f"/v1/tiers/{first['id']}/discard-draft", if_match="*", expect=409, problem="invalid_transition")


def test_partners_see_no_draft(place):
    tier = make(place)
    partner = place.make_partner(tier=tier["id"])
    draft(place, tier, margin_band={"base_bps": 2100})
    seen = partner.api.get(f"/v1/tiers/{tier['id']}")
    assert seen["draft"] is None and seen["allowed_actions"] == []
    assert versions(place, tier, partner.api) == [(1, "in_force", 2500)]


def test_dry_run_of_a_publication_leaves_nothing(place):
    tier = make(place)
    before = draft(place, tier, margin_band={"base_bps": 2100})
    seen = publish(place, tier, query={"dry_run": "true"})
    assert seen["upcoming"]["valid_from"] == NOTICE
    assert place.refresh(tier) == before and versions(place, tier)[-1][1] == "draft"


class TestRetired:
    def test_without_partners(self, place):
        tier = make(place)
        draft(place, tier, margin_band={"base_bps": 2100})
        publish(place, tier)
        draft(place, tier, margin_band={"base_bps": 2200})
        now = place.advance_clock(60)["test_now_at"]
        row = command_is_consistent(place.admin, place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200))
        assert row["status"] == "retired" and row["retired_at"] == now and row["allowed_actions"] == []
        assert row["upcoming"] is None and row["draft"] is None and row["margin_band"]["base_bps"] == 2500
        assert {status for _, status, _ in versions(place, tier)} <= {"ended", "replaced", "discarded"}
        place.admin.patch(f"/v1/tiers/{tier['id']}", {"name": "x"}, if_match="*", expect=409, problem="conflict")
        place.admin.post(f"/v1/tiers/{tier['id']}/publish", if_match="*", expect=409, problem="invalid_transition")

    def test_not_with_partners(self, place):
        tier = make(place)
        partner = place.make_partner(tier=tier["id"])
        place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=409, problem="tier_in_use")
        place.act("partners", place.admin.get(f"/v1/partners/{partner.id}").json, "terminate", {"reason": "x"})
        place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)

    def test_its_rank_and_band_are_free_again_and_its_key_is_not(self, place):
        tier = make(place)
        place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)
        make(place)
        body = {"key": tier["key"], "name": "x", "rank": 7, "margin_band": tier["margin_band"]}
        assert place.admin.post("/v1/tiers", body, expect=409).errors() == {("#/key", "not_unique")}

    def test_nobody_is_placed_in_it(self, place):
        tier = make(place)
        place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)
        sent = {"name": "Late", "type": "reseller", "country": "DE", "tier_id": tier["id"]}
        place.admin.post("/v1/partners", sent, expect=409, problem="tier_not_published")


class TestBands:
    """Bands do not overlap and rise with the rank, for all the time that published terms meet."""

    @pytest.mark.parametrize("rank, band, members", [
        (3, (2999, 3500, 4000), {"floor_bps"}), (3, (0, 0, 0), {"floor_bps"}), (1, (1000, 1500, 2001), {"cap_bps"}),
        (1, (3000, 3500, 4000), {"cap_bps"}), (3, (2100, 2200, 2300), {"floor_bps"}), (1, (2100, 2200, 2300), {"cap_bps"}),
    ])
    def test_refused(self, place, rank, band, members):
        make(place, rank=2)
        tier = make(place, rank=rank, band=band, publish=False)
        refused = publish(place, tier, expect=422)
        assert refused.errors() == {(f"#/draft/margin_band/{name}", "inconsistent") for name in members}

    @pytest.mark.parametrize("rank, band", [(3, (3000, 3000, 4000)), (1, (0, 1000, 2000)), (3, (4000, 4500, 4500))])
    def test_touching_is_no_overlap(self, place, rank, band):
        make(place, rank=2)
        publish(place, make(place, rank=rank, band=band, publish=False))

    def test_both_sides_are_told_at_once(self, place):
        make(place, rank=1, band=(1000, 1000, 1500))
        make(place, rank=3, band=(2000, 2500, 3000))
        refused = publish(place, make(place, rank=2, band=(1400, 2000, 2100), publish=False), expect=422)
        assert refused.errors() == {("#/draft/margin_band/floor_bps", "inconsistent"),
                                    ("#/draft/margin_band/cap_bps", "inconsistent")}

    def test_judged_for_the_time_from_which_they_hold(self, place):
        low, high = make(place, rank=1, band=(1000, 1500, 2000)), make(place, rank=2, band=(2000, 2500, 3000))
        draft(place, high, margin_band={"floor_bps": 2500})
        publish(place, high, "2027-05-01T00:00:00Z")
        draft(place, low, margin_band={"cap_bps": 2500})
        refused = publish(place, low, "2027-04-30T23:59:59Z", expect=422)
        assert refused.errors() == {("#/draft/margin_band/cap_bps", "inconsistent")}
        publish(place, low, "2027-05-01T00:00:00Z")

    def test_a_new_rank_must_fit(self, place):
        make(place, rank=1, band=(1000, 1500, 2000))
        high = make(place, rank=5, band=(2000, 2500, 3000))
        place.make_tier(rank=9, band=(3000, 3000, 3000))
        for rank, expected in ((3, 200), (10, 422), (4, 200)):
            answer = place.admin.patch(f"/v1/tiers/{high['id']}", {"rank": rank}, if_match="*", expect=expected)
            if expected == 422:
                assert answer.errors() == {("#/rank", "inconsistent")}
        unborn = make(place, rank=20, band=(0, 0, 0), publish=False)
        place.admin.patch(f"/v1/tiers/{unborn['id']}", {"rank": 21}, if_match="*", expect=200)


BAD = [
    ({"margin_band": {"floor_bps": 2600}}, {("#/margin_band/base_bps", "inconsistent")}),
    ({"margin_band": {"cap_bps": 4501}}, {("#/margin_band/cap_bps", "inconsistent")}),
    ({"benefits": [{"key": "no_such", "value": True}]}, {("#/benefits/0/key", "reference_not_found")}),
    ({"benefits": [{"key": "co_selling", "value": "yes"}, {"key": "co_selling", "value": True}]},
     {("#/benefits/0/value", "wrong_type"), ("#/benefits/1/key", "not_unique")}),
    ({"benefits": [{"key": "mdf_rate_bps", "value": 10_001}]}, {("#/benefits/0/value", "too_large")}),
    ({"benefits": [{"key": "mdf_rate_bps", "value": -1}]}, {("#/benefits/0/value", "too_small")}),
    ({"benefits": [{"key": "mdf_rate_bps", "value": True}]}, {("#/benefits/0/value", "wrong_type")}),
    ({"benefits": [{"key": "support_level", "value": "gold"}]}, {("#/benefits/0/value", "invalid_choice")}),
    ({"benefits": [{"key": "greeting", "value": 5}]}, {("#/benefits/0/value", "wrong_type")}),
    ({"benefits": [{"key": "greeting", "value": None}]}, {("#/benefits/0/value", "wrong_type")}),
    ({"requirements": [{"metric": "charm", "comparison": "gte", "value": 1, "window_days": None}]},
     {("#/requirements/0/metric", "invalid_choice")}),
    ({"requirements": [{"metric": "won_deals", "comparison": "gte", "value": 1, "window_days": None}]},
     {("#/requirements/0/window_days", "required")}),
    ({"requirements": [{"metric": "certified_people", "comparison": "gte", "value": -1, "window_days": 30}]},
     {("#/requirements/0/window_days", "inconsistent"), ("#/requirements/0/value", "too_small")}),
    ({"requirements": [{"metric": "retention_bps", "comparison": "gte", "value": 10_001, "window_days": None}]},
     {("#/requirements/0/value", "too_large")}),
    ({"requirements": [{"metric": "people", "comparison": "gte", "value": value, "window_days": None} for value in (1, 2)]},
     {("#/requirements/1/metric", "not_unique")}),
    ({"margin_band": {"base_bps": 3001}, "benefits": [{"key": "x", "value": 1}],
      "requirements": [{"metric": "y", "comparison": "lte", "value": 1, "window_days": 1}]},
     {("#/margin_band/cap_bps", "inconsistent"), ("#/benefits/0/key", "reference_not_found"),
      ("#/requirements/0/metric", "invalid_choice")}),
]


class TestBadTerms:
    @pytest.fixture(scope="class")
    def fixed(self, server, database_url):
        world = World(server, database_url, tiers="none")
        return world, make(world)

    @pytest.mark.parametrize("terms, errors", BAD, ids=lambda value: str(value)[:60])
    def test_are_refused_at_the_field(self, fixed, terms, errors):
        world, tier = fixed
        refused = world.admin.patch(f"/v1/tiers/{tier['id']}", terms, if_match="*", expect=422)
        assert refused.errors() == errors
        body = {"key": "bad", "name": "Bad", "rank": 5, **terms,
                "margin_band": {"floor_bps": 2000, "base_bps": 2500, "cap_bps": 3000, **terms.get("margin_band", {})}}
        assert world.admin.post("/v1/tiers", body, expect=422).errors() == errors
        assert world.refresh(tier)["draft"] is None


class TestPresets:
    @pytest.mark.parametrize("preset, keys", [("registered_preferred_strategic", ["registered", "preferred", "strategic"]),
                                              ("bronze_silver_gold", ["bronze", "silver", "gold"])])
    def test_make_three_tiers(self, place, preset, keys):
        place.admin.post("/v1/tiers/apply-preset", {"preset": preset}, query={"dry_run": "true"}, expect=200)
        assert place.admin.list("/v1/tiers") == []
        done = place.admin.post("/v1/tiers/apply-preset", {"preset": preset}, expect=200)
        assert done["object"] == "program"
        rows = place.admin.list("/v1/tiers")
        assert [row["key"] for row in rows] == keys and {row["status"] for row in rows} == {"published"}
        assert [tuple(row["margin_band"].values()) for row in rows] == [
            (1000, 1000, 1500), (2000, 2500, 3000), (3500, 3500, 4500)]
        metrics = {metric["key"] for metric in place.admin.get("/v1/tier-metrics")["data"]}
        known = {row["key"] for row in place.admin.list("/v1/benefits")}
        for row in rows:
            assert {need["metric"] for need in row["requirements"]} <= metrics
            assert {benefit["key"] for benefit in row["benefits"]} <= known
            draft(place, row, name=row["name"] + "!", benefits=row["benefits"], requirements=row["requirements"])
            assert events_of(place.admin, row["id"], 1)[0]["type"] == "tier.published"
        again = place.admin.post("/v1/tiers/apply-preset", {"preset": preset}, expect=200)
        assert again["version"] == done["version"] and len(place.admin.list("/v1/tiers")) == 3

    def test_only_where_there_are_none(self, place):
        tier = make(place)
        preset = {"preset": "bronze_silver_gold"}
        place.admin.post("/v1/tiers/apply-preset", preset, expect=409, problem="conflict")
        place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)
        unborn = make(place, rank=2, publish=False)
        place.admin.post("/v1/tiers/apply-preset", preset, expect=409, problem="already_exists")
        place.admin.patch(f"/v1/tiers/{unborn['id']}", {"rank": 50}, if_match="*", expect=200)
        place.admin.post("/v1/tiers/apply-preset", preset, expect=200)
        place.admin.post("/v1/tiers/apply-preset", {"preset": "gold_only"}, expect=422)

    def test_of_a_new_program(self, server, database_url):
        world = World(server, database_url, tiers="bronze_silver_gold")
        assert [row["key"] for row in world.admin.list("/v1/tiers")] == ["bronze", "silver", "gold"]
