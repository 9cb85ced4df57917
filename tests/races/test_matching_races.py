# SPDX-License-Identifier: Apache-2.0
"""One account and many who want it at once: one is first, the rest stand in line, and the ledger says in which order."""
import uuid

import pytest

from support import wait
from support.parallel import at_once
from support.world import DEAL, World

OPEN = {"submitted", "in_review", "info_requested"}


@pytest.fixture(scope="module")
def crowd(new_database, new_server):
    """A program with fifty partners, each with its machine client, on two instances. Who waits for a key holds a connection
    meanwhile: on a slow machine that is longer than requests are let wait otherwise."""
    url = new_database()
    patience = {"database_wait_ms": 60000, "statement_timeout_ms": 60000}
    world = World(new_server(url, **patience), url)
    world.other = new_server(url, **patience)
    world.crowd = [world.partner(f"p{number}") for number in range(50)]
    return world


def body(site, **members):
    return {**DEAL, "customer_name": f"Race {site}", "customer_website": f"https://{site}.example", **members}


def site():
    return f"r{uuid.uuid4().hex[:10]}"


def conflict_of(world, deal):
    [conflict] = world.admin.list("/v1/deal-conflicts", {"deal_id": deal["id"], "status": "open"})
    return conflict


def test_fifty_partners_register_one_customer_at_once(crowd):
    wanted = body(site())
    apis = [partner.api.on(crowd.other) if number % 2 else partner.api for number, partner in enumerate(crowd.crowd)]
    answers = at_once([lambda by=by: by.post("/v1/deals", wanted, expect=201) for by in apis])
    states = [answer["status"] for answer in answers]
    assert states.count("submitted") == 1 and states.count("conflict_hold") == 49
    first = answers[states.index("submitted")].json
    places = lambda: [row["audit_seq"] for row in conflict_of(crowd, first)["deals"]]
    wait.until(lambda: all(places()), "all are sealed")
    conflict = conflict_of(crowd, first)
    assert conflict["holder_deal_id"] == first["id"] and len(conflict["deals"]) == 50
    assert places() == sorted(places()), "the line is that of the chain"
    line = [row["deal_id"] for row in conflict["deals"]]
    by = {answer["id"]: api for answer, api in zip(answers, apis)}
    # The first ten withdraw at once: whoever is first then has moved on, and nobody else.
    at_once([lambda deal_id=deal_id: by[deal_id].post(
        f"/v1/deals/{deal_id}/withdraw", {"reason": "x"}, if_match="*") for deal_id in line[:10]])
    status = {deal_id: crowd.admin.get(f"/v1/deals/{deal_id}")["status"] for deal_id in line}
    gone = [deal_id for deal_id in line[:10] if status[deal_id] == "withdrawn"]
    left = [deal_id for deal_id in line if deal_id not in gone]
    assert len(gone) >= 9, "one may be moved on while it withdraws, and hears so"
    assert [deal_id for deal_id in left if status[deal_id] in OPEN] == left[:1]
    assert {status[deal_id] for deal_id in left[1:]} == {"conflict_hold"}


def test_chains_of_keys_in_any_order(crowd):
    """Registrations that share keys pairwise, in all orders: no two that share one are open at once, and nothing locks up."""
    names = [site() for _ in range(4)]
    bodies = [body(a, customer_contact_email=f"x@{b}.example") for a in names for b in names if a != b]
    answers = at_once([lambda sent=sent, api=partner.api: api.post("/v1/deals", sent, expect=201)
                       for sent, partner in zip(bodies, crowd.crowd)])
    keys = {answer["id"]: {sent["customer_website"][8:-8], sent["customer_contact_email"][2:-8]}
            for answer, sent in zip(answers, bodies)}

    def judge():
        status = {deal_id: crowd.admin.get(f"/v1/deals/{deal_id}")["status"] for deal_id in keys}
        active = [deal_id for deal_id in keys if status[deal_id] in OPEN]
        for number, one in enumerate(active):
            assert all(not keys[one] & keys[other] for other in active[number + 1:]), "two have one account"
        for deal_id in keys:
            if status[deal_id] == "conflict_hold":
                assert any(keys[deal_id] & keys[other] for other in keys if other != deal_id
                           and status[other] in OPEN | {"conflict_hold"}), "it waits for nobody"
        return status, active

    status, active = judge()
    apis = {answer["id"]: partner.api for answer, partner in zip(answers, crowd.crowd)}
    while active:
        at_once([lambda deal_id=deal_id: apis[deal_id].post(
            f"/v1/deals/{deal_id}/withdraw", {"reason": "x"}, if_match="*", expect=200) for deal_id in active])
        status, active = judge()
    assert set(status.values()) == {"withdrawn"}, "everybody had a turn"


@pytest.mark.parametrize("action, sent", [("approve", {}), ("reject", {"reason": "x"})], ids=["approve", "reject"])
def test_a_decision_against_a_withdrawal(crowd, action, sent):
    """Whatever comes first: the next in line moves on exactly when the account is free."""
    for _ in range(4):
        wanted = body(site())
        first, second = (partner.api.post("/v1/deals", wanted, expect=201).json for partner in crowd.crowd[:2])
        answers = at_once([
            lambda: crowd.admin.post(f"/v1/deals/{first['id']}/{action}", sent, if_match="*"),
            lambda: crowd.crowd[0].api.post(f"/v1/deals/{first['id']}/withdraw", {"reason": "x"}, if_match="*")] * 2)
        won = [answer for answer in answers if answer.status == 200]
        assert len(won) == 1, answers
        after = crowd.refresh(first)["status"]
        assert after == won[0]["status"]
        assert crowd.refresh(second)["status"] == ("conflict_hold" if after == "approved" else "in_review")


def test_everybody_asks_while_it_changes_hands(crowd):
    """The pre-check beside registrations and withdrawals: an answer, whatever happens."""
    wanted = body(site())
    holder = crowd.crowd[0].api.post("/v1/deals", wanted, expect=201).json
    question = {"customer_website": wanted["customer_website"]}
    answers = at_once(
        [lambda api=partner.api: api.post("/v1/deals/check", question, expect=200) for partner in crowd.crowd[1:9]]
        + [lambda: crowd.crowd[0].api.post(f"/v1/deals/{holder['id']}/withdraw", {"reason": "x"}, if_match="*", expect=200)])
    assert {answer["result"] for answer in answers[:-1]} <= {"free", "taken"}
    assert crowd.crowd[9].api.post("/v1/deals/check", question, expect=200)["result"] == "free"


def test_a_deal_is_given_to_who_registers_the_same(crowd):
    """Whatever comes first: the partner has one deal for the account, and one of the two is open."""
    for _ in range(3):
        wanted, (a, b) = body(site()), crowd.crowd[:2]
        first = a.api.post("/v1/deals", wanted, expect=201).json
        given, registered = at_once([
            lambda: crowd.admin.post(f"/v1/deals/{first['id']}/reassign", {"partner_id": b.id, "reason": "x"}, if_match="*"),
            lambda: b.api.on(crowd.other).post("/v1/deals", wanted)])
        assert (given.status, registered.status) in {(200, 409), (409, 201)}, (given, registered)
        assert [answer.problem for answer in (given, registered) if answer.status == 409] == ["duplicate_deal"]
        assert registered.status == 409 or registered["status"] == "conflict_hold"


def test_resolutions_of_one_conflict(crowd):
    """Each of three is made the winner, all at once: one resolution holds, and one deal is open."""
    wanted = body(site())
    deals = [partner.api.post("/v1/deals", wanted, expect=201).json for partner in crowd.crowd[:3]]
    conflict = conflict_of(crowd, deals[0])
    answers = at_once([lambda deal=deal: crowd.admin.post(
        f"/v1/deal-conflicts/{conflict['id']}/resolve",
        {"winner_deal_id": deal["id"], "rule": "other", "reason": "x"}, if_match=conflict["version"]) for deal in deals] * 2)
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1 and {answer.status for answer in answers} <= {200, 409, 412, 422}
    for deal in deals:
        assert (crowd.refresh(deal)["status"] in OPEN) == (deal["id"] == won[0]["winner_deal_id"])
