# SPDX-License-Identifier: Apache-2.0
"""A deal in other hands: what goes with it, what stays, and what either partner hears and does not hear."""
import pytest

from support.judge import command_is_consistent, is_as_missing, nobody, without
from support import wait
from support.world import unique

MOVING = {"version", "updated_at", "partner_id", "partner_name", "owner_id", "allowed_actions"}


def reassign(world, deal, by=None, expect=200, **body):
    return (by or world.admin).post(f"/v1/deals/{deal['id']}/reassign", {"reason": "Nearer by.", **body},
                                    if_match=deal["version"], expect=expect)


def feed(client, deal):
    return [event for event in client.list("/v1/events", {"resource_id": deal["id"]}) if event["resource"]["object"] == "deal"]


@pytest.mark.parametrize("status", ["draft", "submitted", "in_review", "info_requested", "approved"])
def test_to_another_partner(world, status):
    a, b = world.partner("a"), world.partner("b")
    deal = world.deal_in(status, a, customer_website=f"https://{unique('site')}.example",
                         external_ids={"crm": unique("opp")})
    after = command_is_consistent(world.admin, reassign(world, deal, partner_id=b.id))
    assert (after["partner_id"], after["partner_name"], after["owner_id"]) == (b.id, b.name, None)
    assert without(after, *MOVING) == without(deal, *MOVING), "everything else stays"
    is_as_missing(a.api, "/v1/deals/{}", deal["id"])
    assert b.api.get(f"/v1/deals/{deal['id']}")["status"] == status
    source, value = next(iter(deal["external_ids"].items()))
    assert [row["id"] for row in b.api.list("/v1/deals", {"external_id": f"{source}:{value}"})] == [deal["id"]]
    assert a.api.list("/v1/deals", {"external_id": f"{source}:{value}"}) == []


def test_an_approved_deal_keeps_quote_margin_and_protection(world):
    a, b = world.make_partner("strategic"), world.make_partner("registered")
    quote = world.make_quote(a.id, 900_000)
    deal = world.deal_in("approved", a, quote_id=quote["id"], amount=quote["net_amount"])
    after = reassign(world, deal, partner_id=b.id).json
    for name in ("quote_id", "margin_bps", "margin_amount", "tier_id", "protection_expires_at", "protected_until"):
        assert after[name] == deal[name] is not None, name
    assert b.api.get(f"/v1/margin-quotes/{quote['id']}")["partner_id"] == b.id
    assert b.api.get(f"/v1/decisions/{deal['margin_decision_id']}")["partner_id"] == b.id
    is_as_missing(a.api, "/v1/margin-quotes/{}", quote["id"])
    is_as_missing(a.api, "/v1/decisions/{}", deal["margin_decision_id"])
    assert world.act("deals", after, "win", {}, by=b.api)["status"] == "won"


def test_neither_learns_of_the_other(world):
    a, b = world.make_partner(), world.make_partner()
    person = a.user()
    deal = reassign(world, a.deal(), by=person, owner_id=person.id).json
    deal = reassign(world, deal, partner_id=b.id, reason="Too slow.").json
    wait.until(lambda: len(feed(world.admin, deal)) == 4, "two events of the owner and two of the partner")
    told = {event["type"]: event for event in feed(world.admin, deal)}
    assert list(told) == ["deal.submitted", "deal.owner_changed", "deal.released", "deal.reassigned"]
    assert [event["type"] for event in feed(a.api, deal)] == ["deal.submitted", "deal.owner_changed", "deal.released"]
    assert [event["type"] for event in feed(b.api, deal)] == ["deal.reassigned"]
    assert told["deal.released"]["data"]["partner_id"] == a.id and told["deal.reassigned"]["data"]["partner_id"] == b.id
    timeline = b.api.list(f"/v1/deals/{deal['id']}/timeline")
    assert [entry["type"] for entry in timeline] == ["deal.reassigned"] and timeline[0]["previous"] == {}
    seen_by_b = str([feed(b.api, deal), timeline, b.api.get(f"/v1/deals/{deal['id']}").json])
    seen_by_a = str([feed(a.api, deal)])
    assert a.id not in seen_by_b and a.name not in seen_by_b and person.id not in seen_by_b.replace(
        str(deal["created_by_id"]), "")
    assert b.id not in seen_by_a and b.name not in seen_by_a
    decision = b.api.get(f"/v1/decisions/{timeline[0]['decision_id']}").json
    assert decision["inputs"] is None and "Too slow" not in str(decision) and a.id not in str(decision)
    inputs = world.admin.get(f"/v1/decisions/{decision['id']}")["inputs"]
    assert inputs == {"from_partner_id": a.id, "to_partner_id": b.id, "from_owner_id": person.id, "to_owner_id": None,
                      "reason": "Too slow."}
    [entry] = world.admin.list("/v1/audit-log", {"resource_id": deal["id"], "action": "deal.reassigned"})
    assert entry["changes"]["partner_id"] == {"from": a.id, "to": b.id}


def test_the_owner(world):
    a, b = world.partner("a"), world.partner("b")
    admin, member = a.user(), a.user("partner_member")
    deal = a.deal()
    for by, owner in ((admin, member), (member, admin), (world.admin, member)):
        deal = reassign(world, deal, by=by, owner_id=owner.id).json
        assert deal["owner_id"] == owner.id
    assert [row["id"] for row in a.api.list("/v1/deals", {"owner_id": member.id})] == [deal["id"]]
    deal = reassign(world, deal, by=admin, owner_id=None).json
    assert deal["owner_id"] is None
    moved = reassign(world, deal, partner_id=b.id, owner_id=b.user().id)
    assert moved["owner_id"] == b.user().id


@pytest.mark.parametrize("body, errors", [
    ({}, {("#/owner_id", "required")}),
    ({"reason": ""}, {("#/reason", "too_short")}),
    ({"partner_id": "nobody"}, {("#/partner_id", "reference_not_found")}),
    ({"partner_id": "own"}, {("#/partner_id", "inconsistent")}),
    ({"owner_id": "nobody"}, {("#/owner_id", "reference_not_found")}),
    ({"owner_id": "foreign"}, {("#/owner_id", "reference_not_found")}),
    ({"owner_id": "vendor"}, {("#/owner_id", "reference_not_found")}),
    ({"partner_id": "other", "owner_id": "mine"}, {("#/owner_id", "reference_not_found")}),
], ids=["nothing", "reason", "nobody", "same", "no-person", "foreign", "vendor", "owner-of-the-other"])
def test_refused(world, body, errors):
    a, b = world.partner("a"), world.partner("b")
    ids = {"nobody": nobody(), "own": a.id, "other": b.id, "foreign": b.user().id, "mine": a.user().id,
           "vendor": world.user("viewer").id}
    sent = {name: ids.get(value, value) for name, value in body.items()}
    assert reassign(world, a.deal(), expect=422, **sent).errors() == errors


def test_partners_do_not_give_deals_away(world):
    a, b = world.partner("a"), world.partner("b")
    for target in (b.id, a.id, nobody()):
        assert reassign(world, a.deal(), by=a.user(), expect=422, partner_id=target).errors() == {
            ("#/partner_id", "unknown_field")}


def test_states(world):
    a, b = world.partner("a"), world.partner("b")
    for status in ("won", "lost", "rejected", "withdrawn", "cancelled"):
        assert reassign(world, world.deal_in(status, a), partner_id=b.id, expect=409).problem == "invalid_transition"
    resting = world.new_partner()
    refused = reassign(world, a.deal(), partner_id=resting["id"], expect=409)
    assert refused.problem == "partner_not_active" and "onboarding" in refused["detail"]


def test_room_and_foreign_ids_of_the_other(world):
    a, b = world.partner("a"), world.make_partner()
    world.admin.post("/v1/deal-limits", {"partner_id": b.id, "open_limit": 1}, expect=201)
    source = unique("opp")
    b.deal(draft=True, external_ids={"crm": source})
    assert reassign(world, a.deal(external_ids={"crm": source}), partner_id=b.id, expect=409).problem == "duplicate_deal"
    reassign(world, a.deal(), partner_id=b.id)
    assert reassign(world, a.deal(), partner_id=b.id, expect=409).problem == "deal_limit_reached"
    reassign(world, world.deal_in("draft", a), partner_id=b.id)


def test_the_place_in_the_queue_stays(world):
    """Who waits for the account goes on waiting when it changes hands, and moves on when it falls free."""
    a, b, c = world.partner("a"), world.partner("b"), world.partner("c")
    site = f"https://{unique('queue')}.example"
    first = a.deal(customer_website=site)
    second = b.deal(customer_website=site)
    assert (first["status"], second["status"]) == ("submitted", "conflict_hold")
    first = reassign(world, first, partner_id=c.id).json
    assert world.refresh(second)["status"] == "conflict_hold"
    world.act("deals", first, "reject", {"reason": "x"})
    assert world.refresh(second)["status"] == "in_review"


def line(world, deal):
    """The deals of the open conflict that the deal stands in."""
    [conflict] = world.admin.list("/v1/deal-conflicts", {"deal_id": deal["id"], "status": "open"})
    return [row["deal_id"] for row in conflict["deals"]]


@pytest.mark.parametrize("action", [None, "approve"], ids=["open", "approved"])
def test_nobody_gets_the_same_account_twice(world, action):
    """Neither who waits for it nor who has it: that would be a duplicate, as it would be at registration."""
    a, b = world.partner("a"), world.partner("b")
    site = f"https://{unique('twice')}.example"
    first, second = a.deal(customer_website=site), b.deal(customer_website=site)
    if action:
        first = world.act("deals", world.refresh(first), action, {})
    for deal, target, other in ((second, a, first), (first, b, second)):
        refused = reassign(world, deal, partner_id=target.id, expect=409)
        assert (refused.problem, refused["resource_id"]) == ("duplicate_deal", other["id"])
    assert world.refresh(second)["status"] == "conflict_hold"
    reassign(world, world.deal_in("draft", a, customer_website=site), partner_id=b.id)
    world.act("deals", world.refresh(second), "withdraw", {"reason": "x"}, by=b.api)
    assert reassign(world, first, partner_id=b.id)["partner_id"] == b.id


def test_what_it_is_for_decides_too(world):
    a, b, seats, courses = world.partner("a"), world.partner("b"), world.make_product()["id"], world.make_product()["id"]
    site = f"https://{unique('scope')}.example"
    b.deal(customer_website=site, product_ids=[courses])
    moved = reassign(world, a.deal(customer_website=site, product_ids=[seats]), partner_id=b.id)
    assert (moved["partner_id"], moved["status"]) == (b.id, "submitted")


@pytest.mark.parametrize("moves, action", [("first", None), ("second", None), ("first", "approve")],
                         ids=["the first", "the second", "the protected"])
def test_what_a_merge_made_one_partners_is_two_partners_again(world, moves, action):
    """A partner may come to have two for one account. Once they part, the later one waits, whichever of them moved."""
    a, twin, b = world.make_partner(), world.make_partner(), world.partner("b")
    site = f"https://{unique('parted')}.example"
    first, second = a.deal(customer_website=site), twin.deal(customer_website=site)
    world.act("partners", world.admin.get(f"/v1/partners/{twin.id}").json, "merge", {"into_partner_id": a.id})
    first, second = world.refresh(first), world.refresh(second)
    assert (first["status"], second["status"]) == ("submitted", "in_review")
    if action:
        first = world.act("deals", first, action, {})
    answer = reassign(world, first if moves == "first" else second, partner_id=b.id)
    command_is_consistent(world.admin, answer)
    after = world.refresh(second)
    assert (world.refresh(first)["status"], after["status"]) == (first["status"], "conflict_hold")
    assert (after["customer_match"], after["version"]) == ("conflict", second["version"] + 1)
    assert line(world, second) == [first["id"], second["id"]]
    assert [row["id"] for row in world.admin.list(f"/v1/deals/{second['id']}/matches", {"kind": "conflict"})] == [first["id"]]
    world.act("deals", world.refresh(first), "cancel" if action else "reject", {"reason": "x"})
    assert world.refresh(second)["status"] == "in_review"


def test_a_trial_changes_nothing(world):
    a, b = world.partner("a"), world.partner("b")
    deal = world.refresh(a.deal())
    tried = world.admin.post(f"/v1/deals/{deal['id']}/reassign?dry_run=true", {"reason": "x", "partner_id": b.id},
                             if_match=deal["version"], expect=200)
    assert tried["partner_id"] == b.id and world.refresh(deal) == deal
