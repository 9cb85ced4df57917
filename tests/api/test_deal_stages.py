# SPDX-License-Identifier: Apache-2.0
"""Stages, next steps and reasons for losing: the program's own words, and the way of a deal through them."""
import pytest

from support.world import World

PRESET = ["qualified", "discovery", "demo", "proposal", "negotiation", "verbal_commitment"]
REASONS = {"price", "competitor", "no_budget", "no_decision", "timing", "missing_feature", "kept_present_system", "other"}


def patch(client, deal, body, **options):
    return client.patch(f"/v1/deals/{deal['id']}", body, if_match="*", **options)


def test_a_program_begins_with_words(world):
    stages = world.partner("a").api.list("/v1/deal-stages", {"sort": "position"})
    assert [row["key"] for row in stages if row["position"] < 100] == PRESET
    assert sorted(row["probability_bps"] for row in stages if row["position"] < 100) == [
        row["probability_bps"] for row in stages if row["position"] < 100]
    assert REASONS <= {row["key"] for row in world.partner("a").api.list("/v1/lost-reasons")}


@pytest.mark.parametrize("status", ["draft", "submitted", "in_review", "info_requested", "approved"])
def test_the_partner_works_its_deal_whatever_its_review(world, status):
    deal = world.deal_in(status)
    seen = patch(world.partner("a").api, deal, {
        "stage_key": "demo", "next_step": "Send the offer", "next_step_due_on": "2026-09-01",
        "expected_close_on": "2026-10-01"}, expect=200)
    assert (seen["stage_key"], seen["stage_name"], seen["stage_probability_bps"]) == ("demo", "Demonstrated", 4000)
    assert (seen["next_step"], seen["next_step_due_on"], seen["status"]) == ("Send the offer", "2026-09-01", status)
    assert seen["stage_entered_at"]


@pytest.mark.parametrize("status", ["won", "lost", "rejected", "withdrawn", "cancelled"])
def test_what_is_over_is_not_worked(world, status):
    patch(world.partner("a").api, world.deal_in(status), {"stage_key": "demo"}, expect=409, problem="deal_not_open")


def test_other_members_of_an_approved_deal_stay(world):
    deal = world.deal_in("approved")
    for body in ({"stage_key": "demo", "description": "x"}, {"description": "x"}, {"next_step": "x", "amount": {"amount_minor": 1}}):
        patch(world.partner("a").api, deal, body, expect=409, problem="deal_not_open")
    assert world.refresh(deal)["version"] == deal["version"]


@pytest.fixture(scope="module")
def still(server, database_url):
    """A program whose clock stands still."""
    made = World(server, database_url)
    made.set_clock("2026-03-02T09:00:00Z")
    return made


def test_the_way_through_the_stages(still):
    partner = still.partner("a")
    deal = partner.deal()
    for key in ("qualified", "demo", None, "demo"):
        still.advance_clock(3600)
        patch(partner.api, deal, {"stage_key": key}, expect=200)
    patch(partner.api, deal, {"stage_key": "demo", "next_step": "Call"}, expect=200)
    stays = partner.api.list(f"/v1/deals/{deal['id']}/stage-changes", {"sort": "entered_at"})
    at = lambda hour: f"2026-03-02T{9 + hour:02d}:00:00.000Z"
    assert [(row["stage_key"], row["entered_at"], row["left_at"]) for row in stays] == [
        ("qualified", at(1), at(2)), ("demo", at(2), at(3)), ("demo", at(4), None)]
    assert partner.api.get(f"/v1/deals/{deal['id']}")["stage_entered_at"] == at(4)
    still.partner("b").api.get(f"/v1/deals/{deal['id']}/stage-changes", expect=404)


def test_retired_words_stay_where_they_are(world):
    stage, deal = world.make_stage(), world.deal_in("submitted")
    patch(world.admin, deal, {"stage_key": stage["key"]}, expect=200)
    gone = world.act("deal-stages", stage, "retire")
    assert world.refresh(deal)["stage_key"] == stage["key"]
    patch(world.admin, deal, {"stage_key": stage["key"], "next_step": "Go on"}, expect=200)
    refused = patch(world.admin, world.deal_in("submitted"), {"stage_key": stage["key"]}, expect=422)
    assert refused.errors() == {("#/stage_key", "reference_not_found")}
    world.act("deal-stages", gone, "reinstate")
    patch(world.admin, world.deal_in("submitted"), {"stage_key": stage["key"]}, expect=200)


@pytest.mark.parametrize("member", ["key", "position"])
def test_words_are_not_said_twice(world, member):
    first, second = world.make_stage(), world.make_stage()
    refused = world.admin.post("/v1/deal-stages", {
        "key": "another_one", "name": "x", "position": 999, "probability_bps": 0, member: first[member]},
        expect=409, problem="already_exists")
    assert f"#/{member}" in {place for place, _ in refused.errors()}
    world.admin.patch(f"/v1/deal-stages/{second['id']}", {"position": first["position"]}, if_match="*", expect=409)


@pytest.mark.parametrize("body, stored", [
    ({"reason_key": "price"}, ("price", None)), ({"reason": "Too dear."}, (None, "Too dear.")),
    ({"reason_key": "competitor", "reason": "By a third."}, ("competitor", "By a third.")),
], ids=["key", "words", "both"])
def test_reasons_for_losing(world, body, stored):
    lost = world.act("deals", world.deal_in("approved"), "lose", body, by=world.partner("a").api)
    assert (lost["lost_reason_key"], lost["lost_reason"]) == stored


@pytest.mark.parametrize("body, place, code", [
    ({}, "#/reason", "required"), ({"reason_key": "no_such"}, "#/reason_key", "reference_not_found"),
    ({"reason_key": "PRICE"}, "#/reason_key", "reference_not_found")], ids=["none", "unknown", "case"])
def test_reasons_are_reasons(world, body, place, code):
    deal = world.deal_in("approved")
    refused = world.admin.post(f"/v1/deals/{deal['id']}/lose", body, if_match="*", expect=422)
    assert refused.errors() == {(place, code)}


def test_deals_are_found_by_stage_and_next_step(still):
    partner = still.partner("c")
    deals = [partner.deal() for _ in range(3)]
    for deal, key, day in zip(deals, ("proposal", "negotiation", "proposal"), ("2026-05-01", "2026-06-01", "2026-07-01")):
        patch(partner.api, deal, {"stage_key": key, "next_step_due_on": day}, expect=200)
    found = lambda **query: {row["id"] for row in partner.api.list("/v1/deals", query)}
    assert found(stage_key="proposal") == {deals[0]["id"], deals[2]["id"]}
    assert found(stage_key=["proposal", "negotiation"]) == {deal["id"] for deal in deals}
    assert found(next_step_due_on_gte="2026-06-01") == {deals[1]["id"], deals[2]["id"]}
    assert found(next_step_due_on_lt="2026-06-01") == {deals[0]["id"]}
