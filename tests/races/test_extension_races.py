# SPDX-License-Identifier: Apache-2.0
"""Extensions at the end of protection, with the test clock: the deal is extended or expired, never both."""
from support import wait
from support.judge import events_of
from support.parallel import at_once
from support.world import World


def test_extension_against_expiry(server, database_url):
    """The clock passes the end of a pending request while it is granted: whichever the database takes first decides."""
    world = World(server, database_url)
    partner = world.partner("a")
    outcomes = set()
    for day in range(1, 6):
        world.set_clock(f"2026-01-{day:02}T10:00:00Z")
        deal = world.act("deals", partner.deal(), "approve", {"protection_days": 1})
        row = world.make_extension(partner, deal)
        until = row["pending_until"]
        grant = lambda: world.admin.post(f"/v1/deal-extensions/{row['id']}/approve", {}, if_match="*")
        granted, _ = at_once([grant, lambda: world.set_clock(until)])
        outcomes.add(granted.status)
        end = wait.until(lambda: settled(world, deal), "the job has been there")
        if granted.status == 200:
            assert end["status"] == "approved" and end["protection_expires_at"] == granted["extends_to_at"]
        else:
            assert granted.status == 409 and granted.problem in ("invalid_transition", "deal_not_protected", "conflict")
            assert end["status"] == "expired"
            types = [event["type"] for event in events_of(world.admin, row["id"], 2)]
            assert types == ["deal_extension.requested", "deal_extension.withdrawn"]
        world.admin.post("/v1/program/test-clock", {"now_at": None}, expect=200)
    assert outcomes <= {200, 409}


def settled(world, deal):
    """As it stays: extended, or expired with the event that says so."""
    row = world.refresh(deal)
    kinds = [event["type"] for event in world.admin.list("/v1/events", {"resource_id": deal["id"]})]
    return row if (row["status"] == "approved" and "deal.extended" in kinds) or "deal.expired" in kinds else None


def test_many_requests_one_open(world):
    partner = world.partner("a")
    deal = world.deal_in("approved", partner)
    ask = lambda: partner.api.post("/v1/deal-extensions", {"deal_id": deal["id"], "reason": "x"})
    answers = at_once([ask] * 10)
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1, [answer.status for answer in answers]
    for answer in answers:
        if answer is not won[0]:
            assert answer.status == 409 and answer.problem == "already_exists", answer
            assert answer["resource_id"] == won[0]["id"]


def test_grant_against_win(world):
    """The deal is won with the request withdrawn, or extended and then won."""
    partner = world.partner("a")
    for _ in range(4):
        row = world.make_extension(partner)
        deal = world.admin.get(f"/v1/deals/{row['deal_id']}").json
        won, granted = at_once([
            lambda: partner.api.post(f"/v1/deals/{deal['id']}/win", {}, if_match="*", expect=200),
            lambda: world.admin.post(f"/v1/deal-extensions/{row['id']}/approve", {}, if_match="*")])
        assert won["status"] == "won"
        seen = world.refresh(row)["status"]
        assert seen == ("approved" if granted.status == 200 else "withdrawn"), granted
