# SPDX-License-Identifier: Apache-2.0
"""The limit of open registrations holds however many ask at once."""
from support.parallel import at_once
from support.world import DEAL


def test_the_last_places(world):
    partner = world.make_partner()
    world.admin.post("/v1/deal-limits", {"partner_id": partner.id, "open_limit": 5}, expect=201)
    drafts = [partner.deal(draft=True) for _ in range(5)]
    register = [lambda number=number: partner.api.post(
        "/v1/deals", {**DEAL, "customer_name": f"Customer {number}"}) for number in range(15)]
    submit = [lambda draft=draft: partner.api.post(f"/v1/deals/{draft['id']}/submit", if_match=1) for draft in drafts]
    answers = at_once(register + submit)
    good = [answer for answer in answers if answer.status in (200, 201)]
    assert len(good) == 5, answers
    assert {answer.problem for answer in answers if answer not in good} == {"deal_limit_reached"}
    [row] = world.admin.list("/v1/deal-capacities", {"partner_id": partner.id})
    assert (row["open_count"], row["available"]) == (5, 0)
