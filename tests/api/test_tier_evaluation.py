# SPDX-License-Identifier: Apache-2.0
"""Reviews of tiers (domain.md §5.12): what partners are measured by, who moves when, and how far everybody is."""
import datetime
import uuid

import pytest

from support import wait
from support.judge import command_is_consistent, events_of, is_as_missing, nobody, without
from support.world import World, unique

QUARTERS = [f"{year}-{month:02d}-10T12:00:00Z" for year in (2031, 2032, 2033) for month in (1, 4, 7, 10)]


def need(metric, value, comparison="gte", window_days=None):
    return {"metric": metric, "comparison": comparison, "value": value, "window_days": window_days}


class Reviewed(World):
    """A program in the first quarter of 2031 with two tiers above those that ship; its partners are not new."""

    def __init__(self, server, database_url, silver, gold, **settings):
        super().__init__(server, database_url)
        self.silver = self.make_tier(rank=20, name="Silver", requirements=silver)
        self.gold = self.make_tier(rank=21, name="Gold", requirements=gold)
        self.settings(tier_immunity_days=0, **settings)
        self.quarter = -1
        self.next_quarter()

    def settings(self, **members):
        return self.admin.patch("/v1/program", members, if_match="*", expect=200).json

    def next_quarter(self):
        """The clock moves on, and the job reviews everybody."""
        self.quarter += 1
        self.set_clock(QUARTERS[self.quarter])
        period = QUARTERS[self.quarter][:8] + "01"
        done = lambda: [run for run in self.admin.list("/v1/tier-evaluations", {"kind": "all", "status": "completed"})
                        if run["period_on"] == period]
        return wait.until(done, f"the partners are reviewed for {period}")[0]

    def report(self, partner, metric, value, expect=201, **members):
        return self.admin.post("/v1/partner-metrics", {
            "partner_id": partner.id, "metric": metric, "value": value, "measured_at": QUARTERS[self.quarter],
            "source": "lms", **members}, expect=expect)

    def review(self, *partners, expect=201, **options):
        body = {"partner_ids": [partner.id for partner in partners]}
        return self.admin.post("/v1/tier-evaluations", body, expect=expect, **options).json

    def standing(self, partner):
        row = self.admin.get(f"/v1/partners/{partner.id}").json
        return row["tier_name"], row["failed_reviews"]

    def progress(self, partner, by=None):
        return (by or self.admin).get(f"/v1/partners/{partner.id}/tier-progress").json


@pytest.fixture(scope="module")
def users(server, database_url):
    """Silver for 75 active users, gold for 300; G = 2."""
    return Reviewed(server, database_url, [need("active_users", 75)], [need("active_users", 300)])


@pytest.fixture
def partner(users):
    return users.make_partner("registered")


def outcome(evaluation):
    [result] = evaluation["results"]
    return result["outcome"]


# ---- the worked cases ----
def test_the_highest_tier_with_all_requirements(server, database_url):
    """Silver 75/3/70 %, Gold 300/6/80 %: 320 users, 5 certified, 85 % ⇒ Silver; when people leave, less."""
    terms = lambda users, certified, retention: [
        need("active_users", users), need("certified_people", certified), need("retention_bps", retention)]
    world = Reviewed(server, database_url, terms(75, 3, 7000), terms(300, 6, 8000))
    partner = world.make_partner("registered")
    people = [world.make_user("partner_member", partner.id) for _ in range(5)]
    awards = [award(world, person) for person in people]
    world.report(partner, "active_users", 320)
    world.report(partner, "retention_bps", 8500)
    before = world.progress(partner)
    assert (before["earned_tier"]["name"], before["outcome"]) == ("Silver", "upgraded")
    made = world.review(partner)
    assert outcome(made) == "upgraded" and made["upgraded_count"] == 1
    assert world.standing(partner) == ("Silver", 0)
    progress = world.progress(partner)
    assert progress["tier"]["name"] == "Silver" and progress["next_tier"]["name"] == "Gold"
    assert [(row["metric"], row["need"], row["have"], row["gap"], row["surplus"], row["is_met"])
            for row in progress["next_tier"]["requirements"]] == [
        ("active_users", 300, 320, 0, 20, True), ("certified_people", 6, 5, 1, 0, False),
        ("retention_bps", 8000, 8500, 0, 500, True)]
    assert (progress["requirements_missing"], progress["requirements_missing_for_next"]) == (0, 1)
    # A certification belongs to a person: one leaves, one lapses, one is revoked.
    world.act("users", world.admin.get(f"/v1/users/{people[0].id}").json, "deactivate")
    world.admin.patch(f"/v1/partner-certifications/{awards[1]['id']}", {"expires_on": "2031-01-10"}, if_match=1, expect=200)
    assert certified(world.progress(partner)) == 3
    world.act("partner-certifications", awards[2], "revoke", {"reason": "x"})
    assert certified(world.progress(partner)) == 2
    assert outcome(world.review(partner)) == "at_risk"


def certified(progress):
    return [row["have"] for row in progress["tier"]["requirements"] if row["metric"] == "certified_people"][0]


def award(world, person, expect=201, **members):
    return world.admin.post("/v1/partner-certifications", {
        "user_id": person.id, "certification": "pedagogical", "awarded_on": "2030-06-01", **members}, expect=expect).json


@pytest.mark.parametrize("reviews, failed", [("F", [1]), ("FP", [1, 0]), ("FPFF", [1, 0, 1, 0])])
def test_down_after_two_failed_reviews_in_a_row(server, database_url, reviews, failed):
    """G = 2: F ⇒ at risk; F, P ⇒ cleared; F, P, F, F ⇒ down after the fourth, one step. By the job, a quarter each."""
    world = Reviewed(server, database_url, [need("active_users", 75)], [need("active_users", 300)])
    partner = world.make_partner("registered")
    world.report(partner, "active_users", 100)
    world.review(partner)
    assert world.standing(partner) == ("Silver", 0)
    for letter, count in zip(reviews, failed):
        world.report(partner, "active_users", 100 if letter == "P" else 5)
        world.next_quarter()
        assert world.standing(partner)[1] == count
    assert world.standing(partner)[0] == ("Strategic" if reviews == "FPFF" else "Silver"), "one step, whatever is met below"
    if reviews == "FPFF":
        row = world.admin.get(f"/v1/partners/{partner.id}/tier-history").json["data"][0]
        assert (row["from_tier_name"], row["to_tier_name"]) == ("Silver", "Strategic") and row["reason"]
        types = [event["type"] for event in events_of(world.admin, partner.id, 7)]
        assert types[2:] == ["partner.tier_changed", "partner.at_risk", "partner.risk_cleared", "partner.at_risk",
                             "partner.tier_changed"]


# ---- moving ----
def test_up_at_once(users, partner):
    users.report(partner, "active_users", 5000)
    made = users.admin.post("/v1/tier-evaluations", {"partner_ids": [partner.id]}, expect=201)
    row = command_is_consistent_but_results(users, made)
    assert (row["kind"], row["status"], row["reviewed_count"], row["upgraded_count"]) == ("selected", "completed", 1, 1)
    [review] = users.admin.list("/v1/tier-reviews", {"evaluation_id": row["id"]})
    assert (review["outcome"], review["from_tier_name"], review["to_tier_name"]) == ("upgraded", "Registered", "Gold")
    assert users.admin.get(f"/v1/tier-reviews/{review['id']}").json == review
    decision = users.admin.get(f"/v1/decisions/{review['decision_id']}").json
    assert decision["rule_set"] == "tier_evaluation" and decision["partner_id"] == partner.id
    assert [step["rule"] for step in decision["steps"]] == ["earned", "failed_reviews", "upgraded"]
    assert decision["outcome"]["tiers"] == review["tiers"]
    [event] = events_of(users.admin, review["id"], 1)
    assert event["type"] == "partner.tier_reviewed" and event["data"] == review


def command_is_consistent_but_results(world, made):
    row = without(made.json, "results")
    assert row == world.admin.get(f"/v1/tier-evaluations/{row['id']}").json
    return row


def test_a_failure_counts_once_in_a_period(users, partner):
    users.report(partner, "active_users", 80)
    users.review(partner)
    users.report(partner, "active_users", 10)
    assert outcome(users.review(partner)) == "at_risk"
    at_risk = users.admin.get(f"/v1/partners/{partner.id}").json
    assert at_risk["failed_reviews"] == 1 and at_risk["at_risk_since"] is not None
    for _ in range(3):
        assert outcome(users.review(partner)) == "at_risk"
    assert users.admin.get(f"/v1/partners/{partner.id}").json == at_risk, "nothing has changed"
    users.report(partner, "active_users", 75)
    assert outcome(users.review(partner)) == "kept"
    assert users.standing(partner) == ("Silver", 0)


def test_new_partners_do_not_fall(users, partner):
    users.report(partner, "active_users", 80)
    users.review(partner)
    users.report(partner, "active_users", 10)
    users.settings(tier_immunity_days=400)
    try:
        progress = users.progress(partner)
        assert progress["outcome"] == "immune" and progress["immune_until"] > QUARTERS[users.quarter]
        assert progress["earliest_demotion_on"] >= progress["immune_until"][:10]
        assert outcome(users.review(partner)) == "immune"
        assert users.standing(partner) == ("Silver", 0)
    finally:
        users.settings(tier_immunity_days=0)


def test_nothing_reported_is_not_zero(server, database_url):
    world = Reviewed(server, database_url, [need("uptime_bps", 0)], [need("uptime_bps", 9950), need("people", 0, "lte")])
    partner = world.make_partner("registered")
    assert outcome(world.review(partner)) == "kept"
    silver = next(tier for tier in ladder(world, partner) if tier["name"] == "Silver")
    assert [(row["have"], row["gap"], row["is_met"]) for row in silver["requirements"]] == [(None, None, False)]
    world.report(partner, "uptime_bps", 0)
    assert outcome(world.review(partner)) == "upgraded"
    assert world.standing(partner)[0] == "Silver"


def test_a_window_counts_its_days(server, database_url):
    """Won deals and reported figures of the last days of the window, the present one included."""
    world = Reviewed(server, database_url, [need("won_deals", 1, window_days=30), need("won_amount_minor", 1, window_days=30),
                                            need("win_rate_bps", 5000, window_days=30), need("registered_deals", 1, window_days=30)],
                     [need("active_users", 1, window_days=30)])
    partner = world.make_partner("registered")
    have = lambda tier: {row["metric"]: row["have"] for row in tier["requirements"]}
    silver = lambda: have(next(tier for tier in ladder(world, partner) if tier["name"] == "Silver"))
    assert silver() == {"won_deals": 0, "won_amount_minor": 0, "win_rate_bps": None, "registered_deals": 0}
    for status in ("won", "won", "lost"):
        world.deal_in(status, partner)
    assert silver() == {"won_deals": 2, "won_amount_minor": 9_600_000, "win_rate_bps": 6666, "registered_deals": 3}
    world.report(partner, "active_users", 7)
    gold = lambda: have(next(tier for tier in ladder(world, partner) if tier["name"] == "Gold"))
    assert gold() == {"active_users": 7}
    world.advance_clock(29 * 86_400)
    assert silver()["won_deals"] == 2 and gold() == {"active_users": 7}
    world.advance_clock(86_400)
    assert silver() | {"registered_deals": 0} == {
        "won_deals": 0, "won_amount_minor": 0, "win_rate_bps": None, "registered_deals": 0}
    assert gold() == {"active_users": None}


def ladder(world, partner):
    """All tiers as they stand for the partner, from a dry run."""
    return world.review(partner, query={"dry_run": "true"})["results"][0]["tiers"]


# ---- a dry run ----
def test_a_dry_run_tells_and_stores_nothing(users):
    up, down, stays = (users.make_partner("registered") for _ in range(3))
    for partner, value in ((up, 300), (down, 300), (stays, 5)):
        users.report(partner, "active_users", value)
    users.review(down)
    users.report(down, "active_users", 80)
    before = [users.admin.get(f"/v1/partners/{partner.id}").json for partner in (up, down, stays)]
    runs = users.admin.list("/v1/tier-evaluations")
    made = users.admin.post("/v1/tier-evaluations", query={"dry_run": "true"}, expect=201).json
    results = {row["partner_id"]: row for row in made["results"]}
    assert made["kind"] == "all" and made["reviewed_count"] == len(results) >= 3
    assert {partner.id: results[partner.id]["outcome"] for partner in (up, down, stays)} == {
        up.id: "upgraded", down.id: "at_risk", stays.id: "kept"}
    why = [row for tier in results[down.id]["tiers"] if tier["name"] == "Gold" for row in tier["requirements"]]
    assert [(row["need"], row["have"], row["gap"]) for row in why] == [(300, 80, 220)]
    assert results[down.id]["steps"][-1]["rule"] == "at_risk"
    assert [users.admin.get(f"/v1/partners/{partner.id}").json for partner in (up, down, stays)] == before
    assert users.admin.list("/v1/tier-evaluations") == runs


def test_a_dry_run_by_drafts(users, partner):
    users.report(partner, "active_users", 80)
    draft = users.admin.patch(f"/v1/tiers/{users.silver['id']}", {"requirements": [need("active_users", 90)]},
                              if_match="*", expect=200).json
    try:
        plain, drafts = (users.review(partner, query={"dry_run": "true"})["results"][0] if not drafts else
                         users.admin.post("/v1/tier-evaluations", {"partner_ids": [partner.id], "use_drafts": True},
                                          query={"dry_run": "true"}, expect=201).json["results"][0]
                         for drafts in (False, True))
        assert (plain["outcome"], drafts["outcome"]) == ("upgraded", "kept")
        refused = users.admin.post("/v1/tier-evaluations", {"use_drafts": True}, expect=422, problem="validation_failed")
        assert refused.errors() == {("#/use_drafts", "inconsistent")}
    finally:
        users.act("tiers", draft, "discard-draft")


# ---- asking for one ----
def test_all_partners_once_in_a_period(users):
    first = users.admin.list("/v1/tier-evaluations", {"kind": "all"})[0]
    refused = users.admin.post("/v1/tier-evaluations", expect=409, problem="already_exists")
    assert refused["resource_id"] == first["id"]


def test_who_cannot_be_reviewed_is_named(users, partner):
    other = users.new_partner("registered")
    refused = users.admin.post("/v1/tier-evaluations", {"partner_ids": [partner.id, nobody(), other["id"]]}, expect=422)
    assert refused.errors() == {("#/partner_ids/1", "reference_not_found"), ("#/partner_ids/2", "inconsistent")}


def test_a_replay_has_no_results(users, partner):
    key, body = str(uuid.uuid4()), {"partner_ids": [partner.id]}
    first = users.admin.post("/v1/tier-evaluations", body, key=key, expect=201)
    again = users.admin.post("/v1/tier-evaluations", body, key=key, expect=201)
    assert again.is_replay and again["results"] is None
    assert without(again.json, "results") == without(first.json, "results")


def test_partners_see_their_own_reviews_only(users, partner):
    other = users.make_partner("registered")
    made = users.review(partner, other)
    reviews = {row["partner_id"]: row for row in users.admin.list("/v1/tier-reviews", {"evaluation_id": made["id"]})}
    assert set(reviews) == {partner.id, other.id}
    assert partner.api.list("/v1/tier-reviews") == [reviews[partner.id]]
    is_as_missing(partner.api, "/v1/tier-reviews/{}", reviews[other.id]["id"])
    is_as_missing(partner.api, "/v1/tier-evaluations/{}", made["id"])
    is_as_missing(partner.api, "/v1/partners/{}/tier-progress", other.id)
    assert partner.api.list("/v1/tier-evaluations") == []
    assert users.progress(partner, partner.api) == users.progress(partner)
    partner.api.post("/v1/tier-evaluations", {"partner_ids": [partner.id]}, expect=403, problem="insufficient_scope")


# ---- progress and overrides ----
def test_progress_has_distances_and_dates(users, partner):
    users.report(partner, "active_users", 80)
    assert users.progress(partner)["lower_tier"] is None and users.progress(partner)["reviews_until_demotion"] is None
    users.review(partner)
    progress = users.progress(partner)
    period = datetime.date.fromisoformat(QUARTERS[users.quarter][:8] + "01")
    later = lambda months: f"{period.year + (period.month + months - 1) // 12}-{(period.month + months - 1) % 12 + 1:02d}-01"
    assert (progress["tier"]["name"], progress["lower_tier"]["name"]) == ("Silver", "Strategic")
    assert progress["tier"]["requirements"][0]["surplus"] == 5
    assert progress["next_review_on"] == later(3)
    assert (progress["reviews_until_demotion"], progress["earliest_demotion_on"]) == (2, later(6))
    users.report(partner, "active_users", 10)
    users.review(partner)
    progress = users.progress(partner)
    assert (progress["failed_reviews"], progress["reviews_until_demotion"]) == (1, 1)
    assert progress["earliest_demotion_on"] == later(3) and progress["at_risk_since"] is not None
    assert progress["requirements_missing"] == 1 and progress["last_reviewed_at"] is not None


def override(world, partner, tier, ends_at="2039-01-01T00:00:00Z", expect=200):
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    return world.admin.post(f"/v1/partners/{partner.id}/override-tier", {
        "tier_id": tier["id"], "reason": "Framework contract", "ends_at": ends_at}, if_match=row["version"], expect=expect)


def test_an_override_holds_until_its_end(users, partner):
    answer = override(users, partner, users.silver, "2031-02-01T00:00:00Z" if users.quarter == 0 else "2039-01-01T00:00:00Z")
    row = command_is_consistent(users.admin, answer)
    assert row["tier_name"] == "Silver" and row["tier_override"]["reason"] == "Framework contract"
    assert row["tier_override"]["set_by_id"] == users.admin_id
    assert outcome(users.review(partner)) == "overridden"
    users.report(partner, "active_users", 400)
    assert outcome(users.review(partner)) == "overridden"
    assert users.progress(partner)["override_until"] == row["tier_override"]["ends_at"]
    cleared = users.act("partners", row, "clear-override")
    assert cleared["tier_override"] is None and cleared["tier_name"] == "Silver"
    users.admin.post(f"/v1/partners/{partner.id}/clear-override", if_match=cleared["version"], expect=409)
    assert outcome(users.review(partner)) == "upgraded"


def test_an_override_ends_by_the_clock(server, database_url):
    world = Reviewed(server, database_url, [need("active_users", 75)], [need("active_users", 300)])
    partner = world.make_partner("registered")
    override(world, partner, world.gold, "2031-03-01T00:00:00Z")
    path = f"/v1/partners/{partner.id}"
    tag = world.admin.get(path).etag
    world.set_clock("2031-02-28T23:59:59.999Z")
    assert world.admin.get(path)["tier_override"] is not None
    world.set_clock("2031-03-01T00:00:00Z")
    seen = world.admin.request("GET", path, headers={"If-None-Match": tag})
    assert seen.status == 200 and seen["tier_override"] is None
    assert outcome(world.review(partner)) == "at_risk"


def test_a_tier_changed_by_hand_ends_the_override(users, partner):
    row = override(users, partner, users.silver).json
    row = users.act("partners", row, "change-tier", {"tier_id": users.tiers["registered"]["id"], "reason": "x"})
    assert row["tier_override"] is None


def test_overrides_are_checked(users, partner):
    refused = override(users, partner, users.silver, "2030-01-01T00:00:00Z", expect=422)
    assert refused.errors() == {("#/ends_at", "too_small")}
    refused = override(users, partner, {"id": nobody()}, expect=422)
    assert refused.errors() == {("#/tier_id", "reference_not_found")}
    draft = users.make_tier(publish=False)
    assert override(users, partner, draft, expect=409).problem == "tier_not_published"
    again = override(users, partner, users.tiers["registered"]).json
    assert again["tier_name"] == "Registered" and again["tier_override"] is not None
    history = users.admin.get(f"/v1/partners/{partner.id}/tier-history").json["data"]
    assert len(history) == 1, "holding a partner where it is moves nobody"


# ---- figures and certifications ----
def test_a_figure_takes_the_place_of_the_one_before(users, partner):
    first = users.report(partner, "active_users", 10).json
    other = users.report(partner, "active_users", 30, source="crm").json
    second = users.report(partner, "active_users", 20).json
    rows = {row["id"]: row for row in users.admin.list("/v1/partner-metrics", {"partner_id": partner.id})}
    assert {row_id: row["status"] for row_id, row in rows.items()} == {
        first["id"]: "superseded", other["id"]: "current", second["id"]: "current"}
    assert users.admin.list("/v1/partner-metrics", {"partner_id": partner.id, "status": "superseded"}) == [rows[first["id"]]]
    assert without(rows[second["id"]], "recorded_by_id") == without(partner.api.get(f"/v1/partner-metrics/{second['id']}").json,
                                                                 "recorded_by_id")


@pytest.mark.parametrize("members, errors", [
    ({"metric": "happiness"}, {("#/metric", "invalid_choice")}),
    ({"metric": "won_deals"}, {("#/metric", "invalid_choice")}),
    ({"metric": "retention_bps", "value": 10_001}, {("#/value", "too_large")}),
    ({"value": -1}, {("#/value", "too_small")}),
    ({"measured_at": "2040-01-01T00:00:00Z"}, {("#/measured_at", "too_large")}),
    ({"partner_id": nobody()}, {("#/partner_id", "reference_not_found")}),
    ({"partner_id": nobody(), "metric": "x", "measured_at": "2040-01-01T00:00:00Z"},
     {("#/partner_id", "reference_not_found"), ("#/metric", "invalid_choice"), ("#/measured_at", "too_large")}),
])
def test_figures_are_checked(users, partner, members, errors):
    assert users.report(partner, **{"metric": "active_users", "value": 1, **members}, expect=422).errors() == errors


def test_a_machine_that_reports_needs_one_scope(users, partner):
    machine = users.machine(["metrics:write"])
    body = {"partner_id": partner.id, "metric": "enrolments", "value": 5, "measured_at": QUARTERS[users.quarter], "source": "lms"}
    machine.post("/v1/partner-metrics", body, expect=201)
    machine.get("/v1/partner-metrics", expect=403)


def test_certifications_are_checked(users, partner):
    person = users.make_user("partner_member", partner.id)
    made = award(users, person, awarded_on="2031-01-01", expires_on="2031-01-02")
    assert made["status"] == "expired" and made["counts"] is False
    refused = users.admin.post("/v1/partner-certifications", {
        "user_id": person.id, "certification": "pedagogical", "awarded_on": "2031-01-01"}, expect=409, problem="already_exists")
    assert refused.errors() == {("#/certification", "not_unique")}
    refused = users.admin.post("/v1/partner-certifications", {
        "user_id": users.admin_id, "certification": "x", "awarded_on": "2031-01-01", "expires_on": "2031-01-01"}, expect=422)
    assert refused.errors() == {("#/user_id", "reference_not_found"), ("#/expires_on", "inconsistent")}
    row = users.act("partner-certifications", made, "revoke", {"reason": "Not in person"})
    assert row["status"] == "revoked" and row["allowed_actions"] == []
    users.admin.post(f"/v1/partner-certifications/{row['id']}/revoke", {"reason": "x"}, if_match=row["version"],
                     expect=409, problem="invalid_transition")
    assert award(users, person, awarded_on="2039-01-01")["status"] == "upcoming"
