# SPDX-License-Identifier: Apache-2.0
"""The event feed: in order, without gaps for those who follow it, each event what GET showed at that moment."""
import pytest

from support import wait
from support.judge import events_of
from support.parallel import at_once


@pytest.fixture(scope="module")
def deal(world):
    """A deal that was registered, asked about, submitted again and approved."""
    row = world.deal_in("info_requested")
    row = world.act("deals", row, "submit")
    row = world.act("deals", row, "approve", {})
    events_of(world.admin, row["id"], 4)
    return row


READ_BY = {"deal": "deals:read", "partner": "partners:read", "tier": "tiers:read", "program": "program:read",
           "user": "users:read", "api_client": "clients:manage"}


def test_the_feed_tells_only_what_the_caller_may_read(world):
    """A user's event has the user in it: events:read alone shows nobody's name."""
    partner = world.partner("a")
    user, deal = partner.user(), world.deal_in("submitted", partner)
    events_of(world.admin, user.id, 1)
    events_of(world.admin, partner.client_id, 1)
    events_of(world.admin, deal["id"], 1)
    readers = [world.admin, world.user("partner_manager"), world.user("reviewer"), world.user("finance"), user,
               partner.api, world.machine(["events:read"]), world.machine(["events:read", "users:read"])]
    for reader in readers:
        scopes = set(reader.get("/v1/me")["scopes"])
        page = reader.get("/v1/events", {"limit": 1, "include_total": "true"}).json
        rows = reader.list("/v1/events")
        assert page["total_count"] == len(rows)
        seen = {row["resource"]["object"] for row in rows}
        allowed = {name for name, scope in READ_BY.items() if scope in scopes}
        assert seen <= allowed and {"user", "api_client", "deal"} & allowed <= seen, (scopes, seen)


def test_types_and_versions(world, deal):
    events = events_of(world.admin, deal["id"], 4)
    assert [event["type"] for event in events] == [
        "deal.submitted", "deal.info_requested", "deal.submitted", "deal.approved"]
    assert [event["resource"]["version"] for event in events] == [1, 2, 3, 4]
    assert [event["data"]["version"] for event in events] == [1, 2, 3, 4]
    assert [event["data"]["status"] for event in events] == ["submitted", "info_requested", "submitted", "approved"]


def test_previous_has_only_what_changed(world, deal):
    events = events_of(world.admin, deal["id"], 4)
    assert events[0]["previous"] == {}
    assert events[1]["previous"] == {
        "status": "submitted", "info_request": None, "review_due_at": events[0]["data"]["review_due_at"]}
    last = events[3]["previous"]
    assert last["status"] == "submitted" and last["margin_bps"] is None and "customer_name" not in last


def test_after(world, deal):
    everything = world.admin.list("/v1/events")
    for event in everything[:: max(1, len(everything) // 5)]:
        later = world.admin.list("/v1/events", {"after": event["sequence"]})
        assert later[:len(everything)] == [entry for entry in everything if entry["sequence"] > event["sequence"]] \
            + later[len([entry for entry in everything if entry["sequence"] > event["sequence"]]):]
    assert world.admin.list("/v1/events", {"after": everything[-1]["sequence"] + 10 ** 6}) == []


@pytest.mark.parametrize("kinds", [["deal.approved"], ["deal.approved", "deal.submitted"], ["deal.nothing"]])
def test_filter_by_type(world, deal, kinds):
    found = world.admin.list("/v1/events", {"type": kinds, "resource_id": deal["id"]})
    assert [event["type"] for event in found] == [
        event["type"] for event in events_of(world.admin, deal["id"], 4) if event["type"] in kinds]


def test_backwards(world, deal):
    forward = world.admin.list("/v1/events", {"resource_id": deal["id"]})
    assert world.admin.list("/v1/events", {"resource_id": deal["id"], "sort": "-sequence"}) == forward[::-1]


def test_partners_see_their_own(world, deal):
    b = world.partner("b")
    mine = b.deal()
    events_of(b.api, mine["id"], 1)
    assert {event["partner_id"] for event in b.api.list("/v1/events")} == {b.id}
    assert b.api.list("/v1/events", {"resource_id": deal["id"]}) == []


def test_a_follower_misses_nothing_under_parallel_writes(world):
    """Sequence numbers are given after commit, so who goes by the last one seen never skips a late commit."""
    partner = world.make_partner()
    seen, last = [], world.admin.get("/v1/events", {"sort": "-sequence", "limit": 1})["data"][0]["sequence"]
    made = []

    def follow():
        nonlocal last
        for event in world.admin.list("/v1/events", {"after": last}, limit=7):
            assert event["sequence"] > last
            last = event["sequence"]
            seen.append(event)

    for _ in range(3):
        made += [row["id"] for row in at_once([partner.deal] * 10)]
        follow()

    def complete():
        follow()
        return set(made) <= {event["resource"]["id"] for event in seen}

    wait.until(complete, "all registrations in the feed")
    assert len(seen) == len({event["id"] for event in seen})
