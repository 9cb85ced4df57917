# SPDX-License-Identifier: Apache-2.0
"""Commands on one row at once: one wins, the others get the rule's own refusal, nothing is half done."""
import threading
import uuid

import pytest

from support import wait
from support.parallel import at_once
from support.server import Server
from support.world import World, unique


def approve(world, deal, if_match):
    return lambda: world.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match=if_match)


@pytest.mark.parametrize("if_match", [1, "*"])
def test_fifty_approvals_one_wins(world, if_match):
    deal = world.deal_in("submitted")
    answers = at_once([approve(world, deal, if_match)] * 50)
    statuses = [answer.status for answer in answers]
    assert statuses.count(200) == 1 and set(statuses) <= {200, 409, 412}, statuses
    for answer in answers:
        if answer.status == 409:
            assert answer.problem == "invalid_transition" and answer["from"] == "approved", answer
        if answer.status == 412:
            assert if_match != "*" and answer.etag == '"2"', answer
    after = world.refresh(deal)
    assert after["version"] == 2 and after["status"] == "approved"
    entries = world.admin.list(f"/v1/deals/{deal['id']}/timeline")
    assert [entry["status"] for entry in entries] == ["submitted", "approved"]
    assert len(world.admin.list("/v1/audit-log", {"resource_id": deal["id"]})) == 2
    assert entries[1]["decision_id"] == after["margin_decision_id"]


@pytest.mark.parametrize("if_match", [1, "*"])
@pytest.mark.parametrize("rival, body, by_partner", [
    ("withdraw", {}, True), ("reject", {"reason": "x"}, False), ("request-info", {"message": "x"}, False)])
def test_approve_against_another_action(world, rival, body, by_partner, if_match):
    partner = world.partner("a").api
    for _ in range(5):
        deal = world.deal_in("submitted")
        client = partner if by_partner else world.admin
        answers = at_once([
            approve(world, deal, if_match),
            lambda: client.post(f"/v1/deals/{deal['id']}/{rival}", body, if_match=if_match)] * 4)
        won = [answer for answer in answers if answer.status == 200]
        assert len(won) == 1, [(answer.path, answer.status) for answer in answers]
        assert all(answer.status in (409, 412) for answer in answers if answer is not won[0])
        after = world.refresh(deal)
        assert after["status"] == won[0]["status"] and after["version"] == 2
        assert (after["margin_bps"] is None) == (after["status"] != "approved")


def test_a_margin_is_locked_from_the_tier_the_partner_is_in(world, postgres):
    """The tier moves after the facts were read and before the write: the approval looks again."""
    partner = world.make_partner()
    deal = world.refresh(partner.deal())
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    target = "strategic" if row["tier_key"] != "strategic" else "registered"
    holder = postgres.connect(world.database_url.rsplit("/", 1)[1], autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("update partners set tier_id = %s, version = version + 1 where id = %s",
                       (world.tiers[target]["id"], partner.id))
        answers = []
        thread = threading.Thread(target=lambda: answers.append(approve(world, deal, 1)()))
        thread.start()
        wait.until(lambda: postgres.execute(world.database_url.rsplit("/", 1)[1],
                   "select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0] > 0, "the approval waits")
        holder.commit()
    thread.join()
    holder.close()
    assert answers[0].status == 200
    assert answers[0]["tier_id"] == world.tiers[target]["id"]
    assert answers[0]["margin_bps"] == world.tiers[target]["margin_band"]["base_bps"]


def test_parallel_edits_of_one_version_one_wins(world):
    deal = world.deal_in("submitted")
    answers = at_once([lambda text=f"edit {index}": world.admin.patch(
        f"/v1/deals/{deal['id']}", {"description": text}, if_match=1) for index in range(30)])
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1
    assert all(answer.status == 412 and answer.etag == '"2"' for answer in answers if answer is not won[0])
    assert world.refresh(deal) == won[0].json


def test_readers_who_retry_lose_no_update(world):
    """Ten writers, each adds its own key by read, merge and If-Match, again after 412: all ten keys are there."""
    deal = world.deal_in("submitted")
    path = f"/v1/deals/{deal['id']}"

    def add(name):
        while True:
            tag = world.admin.get(path).etag
            answer = world.admin.patch(path, {"custom_fields": {name: "x"}}, if_match=tag)
            if answer.status == 200:
                return
            assert answer.status == 412, answer

    at_once([lambda name=f"key_{index}": add(name) for index in range(10)])
    after = world.refresh(deal)
    assert len(after["custom_fields"]) == 10 and after["version"] == 11


@pytest.mark.parametrize("member", ["key", "rank"])
def test_tiers_with_one_key_or_rank(world, member):
    key, rank = "t" + uuid.uuid4().hex[:8], 600 if member == "key" else 601

    def body(index):
        return {"key": key if member == "key" else f"{key}_{index}",
                "rank": rank if member == "rank" else rank + 10 + index, "name": "Twin",
                "margin_band": {"floor_bps": 1, "base_bps": 2, "cap_bps": 3}}

    answers = at_once([lambda index=index: world.admin.post("/v1/tiers", body(index)) for index in range(12)])
    assert [answer.status for answer in answers].count(201) == 1
    assert {answer.problem for answer in answers} == {None, "already_exists"}
    assert len([tier for tier in world.admin.list("/v1/tiers")
                if tier["key" if member == "key" else "rank"] == (key if member == "key" else rank)]) == 1


def test_users_with_one_address(world):
    body = {"email": f"{unique('twin')}@people.example", "name": "Twin", "role": "viewer"}
    answers = at_once([lambda: world.admin.post("/v1/users", body)] * 8)
    assert [answer.status for answer in answers].count(201) == 1
    assert {answer.problem for answer in answers} == {None, "already_exists"}


def test_registrations_against_a_suspension(world):
    """Whatever is registered was registered before the suspension: the row lock decides, not the order of reading."""
    for _ in range(3):
        partner = world.make_partner()
        row = world.admin.get(f"/v1/partners/{partner.id}").json
        deal = {"customer_name": "x", "amount": {"amount_minor": 1, "currency": "EUR"}}
        calls = [lambda: partner.api.post("/v1/deals", deal)] * 12
        calls.insert(6, lambda: world.admin.post(f"/v1/partners/{partner.id}/suspend", {"reason": "x"},
                                                 if_match=row["version"], expect=200))
        answers = at_once(calls)
        for answer in answers[:6] + answers[7:]:
            assert answer.status == 201 or answer.problem == "partner_not_active", answer
        made = len([answer for answer in answers[:6] + answers[7:] if answer.status == 201])
        assert len(world.admin.list("/v1/deals", {"partner_id": partner.id})) == made
        partner.api.post("/v1/deals", deal, expect=409, problem="partner_not_active")


def test_tier_changes_one_at_a_time(world):
    partner = world.make_partner()
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    before = len(world.admin.list(f"/v1/partners/{partner.id}/tier-history"))
    answers = at_once([lambda key=key: world.admin.post(
        f"/v1/partners/{partner.id}/change-tier", {"tier_id": world.tiers[key]["id"], "reason": key},
        if_match=row["version"]) for key in ("registered", "strategic") * 5])
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1 and {answer.status for answer in answers} <= {200, 412}
    history = world.admin.list(f"/v1/partners/{partner.id}/tier-history")
    assert len(history) == before + 1
    assert world.admin.get(f"/v1/partners/{partner.id}")["tier_id"] == won[0]["tier_id"]


def test_numbers_are_never_given_twice(world):
    partner = world.partner("a")
    rows = at_once([partner.deal] * 40)
    assert len({row["number"] for row in rows}) == len({row["id"] for row in rows}) == 40


def test_two_instances_expire_once(server, database_url):
    """Both run the job; each deal gets one event, one version, one entry in the ledger."""
    world = World(server, database_url)
    partner = world.partner("a")
    world.set_clock("2026-05-01T10:00:00Z")
    deals = [world.act("deals", partner.deal(), "approve", {"protection_days": 1}) for _ in range(20)]
    second = Server(database_url).wait_ready()
    try:
        world.admin.post("/v1/program/test-clock", {"now_at": "2026-05-03T00:00:00Z"}, expect=200)
        wait.until(lambda: all(world.refresh(deal)["version"] > deal["version"] for deal in deals), "all have expired")
        for deal in deals:
            assert world.refresh(deal)["version"] == deal["version"] + 1
            entries = world.admin.list(f"/v1/deals/{deal['id']}/timeline")
            assert [entry["type"] for entry in entries].count("deal.expired") == 1
    finally:
        second.stop()


def test_expiry_job_against_a_win(server, database_url):
    """The clock passes the end while the partner reports the win: won in time or expired, never both."""
    world = World(server, database_url)
    partner = world.partner("a")
    world.set_clock("2026-05-01T10:00:00Z")
    deals = [world.act("deals", partner.deal(), "approve", {"protection_days": 1}) for _ in range(8)]
    calls = [lambda deal=deal: partner.api.post(f"/v1/deals/{deal['id']}/win", {}, if_match="*") for deal in deals]
    calls.insert(4, lambda: world.admin.post("/v1/program/test-clock", {"now_at": "2026-05-02T10:00:00Z"}, expect=200))
    answers = at_once(calls)
    for deal, answer in zip(deals, answers[:4] + answers[5:]):
        after = world.refresh(deal)
        if answer.status == 200:
            assert after["status"] == "won" and after["closed_at"] == "2026-05-01T10:00:00.000Z"
        else:
            assert answer.problem == "invalid_transition" and answer["from"] == "expired", answer
            assert after["status"] == "expired"
