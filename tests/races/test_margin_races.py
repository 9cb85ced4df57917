# SPDX-License-Identifier: Apache-2.0
"""Quotes and rule sets at once: a quote is used by one deal, publications get numbers of their own."""
from support.parallel import at_once
from support.world import World, unique


def test_twenty_registrations_with_one_quote(world):
    partner = world.partner("a")
    quote = world.make_quote(partner.id, unit_minor=700)
    answers = at_once([lambda: partner.api.post("/v1/deals", {
        "customer_name": unique("Customer"), "amount": {"amount_minor": 700, "currency": "EUR"},
        "quote_id": quote["id"]})] * 20)
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1, [answer.status for answer in answers]
    for answer in answers:
        if answer is not won[0]:
            assert answer.status == 409 and answer.problem == "already_exists", answer
            assert answer.errors() == {("#/quote_id", "not_unique")}
    used = partner.api.get(f"/v1/margin-quotes/{quote['id']}")
    assert used["status"] == "used" and used["deal_id"] == won[0]["id"]


def test_publications_at_once_have_one_order(server, database_url):
    """Of many that are published in one moment each gets a number of its own, and one is in force."""
    world = World(server, database_url)
    drafts = [world.make_rule_set() for _ in range(6)]
    publish = lambda row: lambda: world.admin.post(f"/v1/margin-rule-sets/{row['id']}/publish", {}, if_match="*")
    waiting = [publish(row) for row in drafts]
    while waiting:
        answers = at_once(waiting)
        assert {answer.status for answer in answers} <= {200, 409} and any(a.status == 200 for a in answers), answers
        waiting = [call for call, answer in zip(waiting, answers) if answer.status == 409]
    rows = [world.refresh(row) for row in drafts]
    assert sorted(row["number"] for row in rows) == list(range(1, 7))
    assert [row["number"] for row in rows if row["status"] == "in_force"] == [6]


def test_an_approval_and_a_publication(server, database_url):
    """A deal is approved by the rules that are in force when it is written, and says by which."""
    world = World(server, database_url)
    partner = world.make_partner("preferred")
    for delta in (100, 200, 300, 400):
        deal = partner.deal()
        rules = world.make_rule_set(rules=[{"key": "all", "name": "All", "delta_bps": delta}])
        at_once([
            lambda: world.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match="*", expect=200),
            lambda: world.admin.post(f"/v1/margin-rule-sets/{rules['id']}/publish", {}, if_match="*", expect=200)])
        after = world.refresh(deal)
        decision = world.admin.get(f"/v1/decisions/{after['margin_decision_id']}")
        number = decision["inputs"]["margin_rule_set"]["version"]
        assert number in (delta // 100 - 1, delta // 100) and after["margin_bps"] == 2500 + 100 * number
