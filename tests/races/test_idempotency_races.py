# SPDX-License-Identifier: Apache-2.0
"""One key, many clients at once: the effect happens once, whoever loses gets the same answer or is told to wait."""
from support.judge import events_of
from support.parallel import at_once
from support.world import DEAL, unique

CLIENTS = 50


def judge(answers, success):
    """Exactly one fresh success; everybody else a replay of it or 409 with Retry-After."""
    fresh = [answer for answer in answers if answer.status == success and not answer.is_replay]
    assert len(fresh) == 1, [answer.status for answer in answers]
    for answer in answers:
        if answer is fresh[0]:
            continue
        if answer.status == 409:
            assert answer.problem == "idempotency_in_progress" and answer.headers["Retry-After"] == "1"
        else:
            assert answer.is_replay and (answer.status, answer.json) == (success, fresh[0].json), answer
    return fresh[0]


def test_fifty_registrations_with_one_key_make_one_deal(world):
    partner = world.partner("a")
    for _ in range(3):
        key, name = unique("key"), unique("Customer")
        answers = at_once([lambda: partner.api.post("/v1/deals", {**DEAL, "customer_name": name}, key=key)] * CLIENTS)
        made = judge(answers, 201)
        assert [row["id"] for row in partner.api.list("/v1/deals", {"customer_name": name})] == [made["id"]]
        assert len(events_of(partner.api, made["id"], 1)) == 1
        assert len(world.admin.list("/v1/audit-log", {"resource_id": made["id"]})) == 1
        again = partner.api.post("/v1/deals", {**DEAL, "customer_name": name}, key=key, expect=201)
        assert again.is_replay and again.json == made.json


def test_fifty_approvals_with_one_key_approve_once(world):
    deal = world.deal_in("submitted")
    key = unique("key")
    answers = at_once([lambda: world.admin.post(
        f"/v1/deals/{deal['id']}/approve", {"comment": "one"}, if_match=deal["version"], key=key)] * CLIENTS)
    made = judge(answers, 200)
    assert made["version"] == deal["version"] + 1
    assert len(world.admin.list(f"/v1/deals/{deal['id']}/timeline")) == 2


def test_one_key_with_many_bodies_keeps_one(world):
    partner, key = world.partner("a"), unique("key")
    answers = at_once([lambda name=f"Customer {index}": partner.api.post(
        "/v1/deals", {**DEAL, "customer_name": name}, key=key) for index in range(20)])
    assert [answer.status for answer in answers].count(201) == 1
    for answer in answers:
        assert answer.status == 201 or answer.problem in ("idempotency_key_reused", "idempotency_in_progress"), answer


def test_one_external_id_names_one_deal(world):
    partner, source = world.partner("a"), {"crm": unique("opp")}
    answers = at_once([lambda: partner.api.post("/v1/deals", {**DEAL, "external_ids": source})] * 20)
    made = [answer for answer in answers if answer.status == 201]
    assert len(made) == 1
    for answer in answers:
        assert answer is made[0] or answer.problem == "already_exists", answer
    later = partner.api.post("/v1/deals", {**DEAL, "external_ids": source}, expect=409)
    assert later["resource_id"] == made[0]["id"]
