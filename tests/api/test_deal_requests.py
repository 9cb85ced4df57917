# SPDX-License-Identifier: Apache-2.0
"""What partners ask for while they work a deal: help, and a special price, which the approval of the deal locks."""
import pytest

from support.judge import events_of, nobody
from support.world import PATHS, World

HELP, PRICE = "deal-help-requests", "special-pricing-requests"


def step(world, row, action, body=None, by=None, expect=200, plural=None):
    return world.act(plural or (HELP if row["object"] == "deal_help_request" else PRICE), row, action, body, by=by, expect=expect)


# ---- help ----
def test_help_from_question_to_done(world):
    a, reviewer = world.partner("a"), world.user("reviewer")
    asked = world.ask_help(by=a.api, needed_by_on="2026-12-01")
    assert (asked["status"], asked["allowed_actions"]) == ("requested", ["withdraw"])
    assert world.refresh(asked)["allowed_actions"] == ["accept", "decline", "withdraw"]
    accepted = step(world, asked, "accept", {"response": "On the 18th."}, by=reviewer)
    assert (accepted["status"], accepted["assignee_id"], accepted["response"]) == ("accepted", reviewer.id, "On the 18th.")
    assert world.refresh(asked, a.api)["assignee_id"] is None
    done = step(world, accepted, "complete", {"response": "They liked it."}, by=world.user("partner_manager"))
    assert (done["status"], done["allowed_actions"]) == ("completed", []) and done["completed_at"]
    told = [(row["type"], row["comment"]) for row in a.api.list(f"/v1/deals/{asked['deal_id']}/timeline", {"sort": "occurred_at"})]
    assert told[1:] == [("deal_help_request.requested", "A demo for the board."), ("deal_help_request.accepted", "On the 18th."),
                        ("deal_help_request.completed", "They liked it.")]


def test_help_is_given_by_the_vendors_people(world):
    viewer = world.user("viewer")
    assert step(world, world.ask_help(), "accept", {"assignee_id": viewer.id})["assignee_id"] == viewer.id
    for wrong in (nobody(), world.partner("a").user().id):
        asked = world.ask_help()
        refused = world.admin.post(f"/v1/{HELP}/{asked['id']}/accept", {"assignee_id": wrong}, if_match="*", expect=422)
        assert refused.errors() == {("#/assignee_id", "reference_not_found")}


@pytest.mark.parametrize("moves, action", [
    ([], "complete"), (["decline"], "accept"), (["accept"], "accept"), (["withdraw"], "decline"), (["accept", "complete"], "withdraw"),
], ids=str)
def test_help_has_an_order(world, moves, action):
    row = world.ask_help()
    for move in moves:
        row = step(world, row, move, {"reason": "x"} if move == "decline" else None)
    refused = world.admin.post(f"/v1/{HELP}/{row['id']}/{action}", {"reason": "x"} if action == "decline" else None, if_match="*")
    assert refused.problem == "invalid_transition" and refused["from"] == row["status"]


@pytest.mark.parametrize("status", ["rejected", "withdrawn", "won", "lost", "cancelled"])
def test_nothing_is_asked_for_what_is_over(world, status):
    body = {"deal_id": world.deal_in(status)["id"]}
    api = world.partner("a").api
    api.post(f"/v1/{HELP}", {**body, "kind": "demo", "message": "x"}, expect=409, problem="deal_not_open")
    api.post(f"/v1/{PRICE}", {**body, "requested_margin_bps": 4000, "reason": "x"}, expect=409, problem="deal_not_open")


@pytest.mark.parametrize("status, by_partner", [
    ("rejected", False), ("withdrawn", True), ("won", False), ("lost", False), ("cancelled", False)],
    ids=["rejected", "withdrawn", "won", "lost", "cancelled"])
def test_what_was_asked_for_ends_with_the_deal(world, status, by_partner):
    """Unanswered help and prices are withdrawn; help that is being given goes on."""
    deal, a = world.deal_in("submitted"), world.partner("a").api
    path = PATHS[status]
    open_help, given = world.ask_help(deal["id"]), step(world, world.ask_help(deal["id"]), "accept", {})
    price = world.ask_price(deal["id"]) if len(path) == 1 else None
    for action, body in path:
        deal = world.act("deals", deal, action, body, by=a if by_partner else world.admin)
    for row, text in [(open_help, "response"), (price, "decision_comment")]:
        if row:
            after = world.refresh(row)
            assert (after["status"], after["allowed_actions"], after["version"]) == ("withdrawn", [], row["version"] + 1)
            assert after[text].startswith("The deal ended before")
            told = events_of(world.admin, row["id"], 2)[-1]
            assert told["type"] == f"{row['object']}.withdrawn" and told["actor"]["type"] == "system"
            assert told["data"] == after and told["previous"]["status"] == "requested"
            assert events_of(a, row["id"], 2)[-1]["data"]["status"] == "withdrawn"
    assert world.admin.post(f"/v1/{HELP}/{open_help['id']}/accept", {}, if_match="*", expect=409).problem == "invalid_transition"
    assert step(world, given, "complete", {})["status"] == "completed"


def test_help_outlives_the_approval(world):
    asked = world.ask_help()
    world.admin.post(f"/v1/deals/{asked['deal_id']}/approve", {}, if_match="*", expect=200)
    assert world.refresh(asked)["status"] == "requested"


# ---- special prices ----
def approve(world, deal_id, expect=200, **how):
    return world.admin.post(f"/v1/deals/{deal_id}/approve", {}, if_match="*", expect=expect, **how)


@pytest.mark.parametrize("granted, bps", [({}, 4000), ({"granted_margin_bps": 3500}, 3500), ({"granted_margin_bps": 4500}, 4500)],
                         ids=["as asked", "less", "more"])
def test_approval_locks_what_was_granted(world, granted, bps):
    """Preferred ends at 3000: a special price goes beyond the band."""
    asked = world.ask_price(competitor="Learnwell")
    given = step(world, asked, "approve", {**granted, "comment": "As far as we can go."}, by=world.user("partner_manager"))
    assert (given["status"], given["granted_margin_bps"], given["requested_margin_bps"]) == ("approved", bps, 4000)
    assert world.refresh(asked, world.partner("a").api)["decided_by_id"] is None
    deal = approve(world, asked["deal_id"])
    assert (deal["margin_bps"], deal["margin_amount"]["amount_minor"]) == (bps, 4_800_000 * bps // 10_000)
    steps = world.partner("a").api.get(f"/v1/decisions/{deal['margin_decision_id']}")["steps"]
    assert [(entry["rule"], entry["after"]) for entry in steps if entry["rule"] == "special_price"] == [("special_price", bps)]
    refused = world.partner("a").api.post(f"/v1/{PRICE}/{asked['id']}/withdraw", if_match="*", expect=409)
    assert refused.problem == "deal_not_open"


def test_a_deal_waits_for_the_price_that_is_asked_for(world):
    asked = world.ask_price()
    approve(world, asked["deal_id"], expect=409, problem="conflict")
    world.partner("a").api.post(f"/v1/{PRICE}", {
        "deal_id": asked["deal_id"], "requested_margin_bps": 3000, "reason": "x"}, expect=409, problem="already_exists")
    step(world, asked, "reject", {"reason": "The list price is the price."})
    assert approve(world, asked["deal_id"])["margin_bps"] == 2500


def test_what_was_withdrawn_does_not_count(world):
    given = step(world, world.ask_price(), "approve", {})
    step(world, given, "withdraw", by=world.partner("a").api)
    assert approve(world, given["deal_id"])["margin_bps"] == 2500


def test_the_last_word_counts(world):
    first = step(world, world.ask_price(margin_bps=3200), "approve", {})
    step(world, world.ask_price(first["deal_id"], margin_bps=3400), "approve", {})
    assert approve(world, first["deal_id"])["margin_bps"] == 3400


@pytest.mark.parametrize("change", [
    {"amount": {"amount_minor": 15_000_000}}, {"customer_name": "Somebody Else"}, {"line_items": [
        {"product": "Something else", "quantity": 1, "unit_amount_minor": 4_800_000}]}], ids=lambda change: next(iter(change)))
def test_what_was_granted_is_for_the_deal_as_it_was(world, change):
    given = step(world, world.ask_price(margin_bps=4500), "approve", {})
    a, path = world.partner("a").api, f"/v1/deals/{given['deal_id']}"
    a.patch(path, {"next_step": "Call them"}, if_match="*", expect=200)
    assert world.refresh(given)["status"] == "approved"
    a.patch(path, change, if_match="*", expect=200)
    for who in (world.admin, a):
        assert (world.refresh(given, who)["status"], world.refresh(given, who)["allowed_actions"]) == ("expired", [])
    assert given["id"] in {row["id"] for row in a.list(f"/v1/{PRICE}", {"deal_id": given["deal_id"], "status": "expired"})}
    a.post(f"/v1/{PRICE}/{given['id']}/withdraw", if_match="*", expect=409, problem="invalid_transition")
    tried = world.admin.post(f"{path}/approve?dry_run=true", {}, if_match="*", expect=200)
    assert tried["margin_bps"] == 2500
    again = step(world, world.ask_price(given["deal_id"], margin_bps=3200), "approve", {})
    assert approve(world, given["deal_id"])["margin_bps"] == 3200 and world.refresh(again)["status"] == "approved"


def test_what_was_granted_ends(server, database_url):
    world = World(server, database_url)
    world.set_clock("2026-03-02T09:00:00Z")
    given = step(world, world.ask_price(), "approve", {"valid_until": "2026-03-03T09:00:00Z"})
    default = step(world, world.ask_price(), "approve", {})
    assert default["valid_until"] == "2026-05-31T09:00:00.000Z"
    world.set_clock("2026-03-03T08:59:59.999Z")
    assert world.refresh(given)["status"] == "approved"
    world.set_clock("2026-03-03T09:00:00Z")
    assert (world.refresh(given)["status"], world.refresh(given)["allowed_actions"]) == ("expired", [])
    assert approve(world, given["deal_id"])["margin_bps"] == 2500
    late = world.ask_price()
    refused = world.admin.post(f"/v1/{PRICE}/{late['id']}/approve", {"valid_until": "2026-03-03T09:00:00Z"}, if_match="*", expect=422)
    assert refused.errors() == {("#/valid_until", "too_small")}


def test_nobody_goes_beyond_the_program(world):
    refused = world.partner("a").api.post(f"/v1/{PRICE}", {
        "deal_id": world.deal_in("submitted")["id"], "requested_margin_bps": 4501, "reason": "x"}, expect=422)
    assert refused.errors() == {("#/requested_margin_bps", "too_large")}
    asked = world.ask_price()
    refused = world.admin.post(f"/v1/{PRICE}/{asked['id']}/approve", {"granted_margin_bps": 4501}, if_match="*", expect=422)
    assert refused.errors() == {("#/granted_margin_bps", "too_large")}


def test_no_margin_is_asked_for_where_none_is_earned(world):
    """Nor granted, when the type of the partner has come to earn commission meanwhile; what was asked is rejected then."""
    referrer, kind = world.make_partner(type="referral"), world.partner_type("consultant")
    body = {"deal_id": referrer.deal()["id"], "requested_margin_bps": 4000, "reason": "x"}
    referrer.api.post(f"/v1/{PRICE}", body, expect=409, problem="no_margin")
    consultant = world.make_partner(type="consultant")
    deal = consultant.deal()
    earn = lambda **how: world.admin.patch(f"/v1/partner-types/{kind['id']}", how, if_match="*", expect=200)
    earn(earns="both")
    asked = world.ask_price(deal["id"], by=consultant.api)
    earn(earns="commission")
    world.admin.post(f"/v1/{PRICE}/{asked['id']}/approve", {}, if_match="*", expect=409, problem="no_margin")
    assert step(world, asked, "reject", {"reason": "There is no margin."})["status"] == "rejected"


def test_who_asks_does_not_decide(world):
    asked = world.ask_price(by=world.admin)
    world.admin.post(f"/v1/{PRICE}/{asked['id']}/approve", {}, if_match="*", expect=403, problem="forbidden")
    step(world, asked, "approve", {}, by=world.user("reviewer"))


def test_prices_of_others_do_not_exist(world):
    asked, b = world.ask_price(), world.partner("b")
    b.api.get(f"/v1/{PRICE}/{asked['id']}", expect=404)
    refused = b.api.post(f"/v1/{PRICE}", {"deal_id": asked["deal_id"], "requested_margin_bps": 1, "reason": "x"}, expect=422)
    assert refused.errors() == {("#/deal_id", "reference_not_found")}
    assert asked["id"] not in str(b.api.list(f"/v1/{PRICE}"))
    assert {row["id"] for row in world.admin.list(f"/v1/{PRICE}", {"deal_id": asked["deal_id"], "status": "requested"})} == {asked["id"]}
