# SPDX-License-Identifier: Apache-2.0
"""Approval in steps under real concurrency: each step is decided once, and by the policy as it is."""
import pytest

from support.parallel import at_once
from support.world import World, unique

LARGE = {"amount_minor": 10_000_000, "currency": "EUR"}


@pytest.fixture(scope="module")
def office(server, database_url):
    return World(server, database_url)


def approve(office, deal, by):
    return lambda: by.post(f"/v1/deals/{deal['id']}/approve", {}, if_match="*")


def test_many_decide_one_step(office):
    """Ten at once for two steps of the same people: two are decided, one after the other, each once."""
    people = [office.make_user("reviewer") for _ in range(3)]
    policy = office.make_approval_policy(conditions=[], steps=[
        {"name": "One", "role": "reviewer"}, {"name": "Two", "role": "reviewer", "four_eyes": True}])
    deal = office.partner("a").deal(amount=LARGE, customer_name=unique("Customer"))
    answers = at_once([approve(office, deal, person) for person in people] * 3)
    assert {answer.status for answer in answers} <= {200, 403, 409}
    decided = office.admin.get(f"/v1/deals/{deal['id']}/approvals")["decided"]
    assert [entry["step_name"] for entry in decided] == ["One", "Two"]
    assert decided[0]["decided_by_id"] != decided[1]["decided_by_id"]
    assert len([answer for answer in answers if answer.status == 200]) == 2
    assert office.refresh(deal)["status"] == "approved"
    office.act("deal-approval-policies", policy, "retire")


def test_an_approval_against_a_new_policy(office):
    """Either it was approved before there was a policy, or it was refused by the policy."""
    for _ in range(4):
        deal = office.partner("a").deal(amount=LARGE, customer_name=unique("Customer"))
        approved, made = at_once([
            approve(office, deal, office.admin),
            lambda: office.make_approval_policy(conditions=[], steps=[{"name": "One", "role": "reviewer"}])])
        assert approved.status == 200 or approved.problem == "approver_not_allowed", approved
        assert office.refresh(deal)["status"] == ("approved" if approved.status == 200 else "submitted")
        office.act("deal-approval-policies", made, "retire")


def test_an_approval_against_an_edit(office):
    """What was approved is what the approver's decision says: the edit came before it, or was refused."""
    partner = office.partner("a")
    for _ in range(4):
        deal = partner.deal(customer_name=unique("Customer"))
        approved, edited = at_once([
            approve(office, deal, office.admin),
            lambda: partner.api.patch(f"/v1/deals/{deal['id']}", {"amount": LARGE}, if_match="*")])
        assert approved.status == 200 and edited.status in (200, 409), (approved, edited)
        worth = LARGE["amount_minor"] if edited.status == 200 else 4_800_000
        seen = office.refresh(deal)
        assert seen["amount"]["amount_minor"] == worth
        decision = office.admin.get(f"/v1/decisions/{seen['margin_decision_id']}")
        assert decision["inputs"]["amount_minor"] == worth
