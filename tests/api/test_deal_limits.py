# SPDX-License-Identifier: Apache-2.0
"""Limits of open registrations: which one counts, what is open, room by the clock, and the report of who has what."""
import pytest

from support.judge import command_is_consistent
from support.world import DEAL, World

LIMITS, REPORT, DAY = "/v1/deal-limits", "/v1/deal-capacities", 86_400


def limit(world, open_limit, expect=201, **members):
    return world.admin.post(LIMITS, {"open_limit": open_limit, **members}, expect=expect)


def refused(partner, **members):
    return partner.api.post("/v1/deals", {**DEAL, **members}, expect=409, problem="deal_limit_reached")


def capacity(world, partner, by=None):
    [row] = (by or world.admin).list(REPORT, {"partner_id": partner.id})
    return row


def figures(row):
    return row["open_count"], row["open_limit"], row["available"]


def test_a_limit(world):
    partner = world.make_partner()
    row = command_is_consistent(world.admin, limit(world, 5, partner_id=partner.id, reason="New"))
    assert (row["status"], row["partner_name"], row["tier_id"], row["ends_at"]) == ("active", partner.name, None, None)
    limit(world, 7, partner_id=partner.id, expect=409)
    after = world.admin.patch(f"{LIMITS}/{row['id']}", {"open_limit": 6, "reason": None}, if_match=1, expect=200)
    assert (after["open_limit"], after["reason"]) == (6, None)
    ended = world.act("deal-limits", after.json, "end")
    assert (ended["status"], ended["allowed_actions"]) == ("ended", [])
    world.admin.patch(f"{LIMITS}/{row['id']}", {"open_limit": 9}, if_match="*", expect=409, problem="invalid_transition")
    assert limit(world, 8, partner_id=partner.id)["open_limit"] == 8
    assert partner.user().list(LIMITS) == [], "limits are the vendor's"


@pytest.mark.parametrize("members, error", [
    ({"partner_id": "own", "tier_id": "own"}, ("#/partner_id", "inconsistent")),
    ({"partner_id": "6f1c0de0-0000-4000-8000-000000000000"}, ("#/partner_id", "reference_not_found")),
    ({"tier_id": "6f1c0de0-0000-4000-8000-000000000000"}, ("#/tier_id", "reference_not_found")),
    ({"ends_at": "2020-01-01T00:00:00Z"}, ("#/ends_at", "too_small")),
    ({"open_limit": -1}, ("#/open_limit", "too_small")),
], ids=["both", "no-partner", "no-tier", "past", "negative"])
def test_refused(world, members, error):
    own = {"partner_id": world.partner("a").id, "tier_id": world.tiers["strategic"]["id"]}
    sent = {name: own[name] if value == "own" else value for name, value in members.items()}
    assert limit(world, sent.pop("open_limit", 1), 422, **sent).errors() == {error}


def test_the_narrower_counts(server, database_url):
    world = World(server, database_url)
    partner, other = world.make_partner("preferred"), world.make_partner("registered")
    assert figures(capacity(world, partner)) == (0, None, None)
    everybody = limit(world, 3).json
    assert capacity(world, other)["open_limit"] == 3
    tier = limit(world, 2, tier_id=world.tiers["preferred"]["id"]).json
    own = limit(world, 1, partner_id=partner.id).json
    partner.deal()
    assert figures(capacity(world, partner)) == (1, 1, 0)
    told = refused(partner)
    assert "1 registrations open and may have 1" in told["detail"]
    world.act("deal-limits", own, "end")
    partner.deal()
    refused(partner)
    world.act("deal-limits", tier, "end")
    partner.deal()
    refused(partner)
    assert {row["partner_id"] for row in world.admin.list(REPORT, {"is_at_limit": "true"})} == {partner.id}
    world.act("deal-limits", everybody, "end")
    partner.deal()
    assert figures(capacity(world, partner, partner.api)) == (4, None, None)


def test_what_takes_a_place_and_what_gives_it_back(world):
    partner = world.make_partner()
    limit(world, 1, partner_id=partner.id)
    draft = partner.deal(draft=True)
    deal = partner.deal()
    partner.deal(draft=True)
    refused(partner)
    partner.api.post(f"/v1/deals/{draft['id']}/submit", if_match=1, expect=409, problem="deal_limit_reached")
    world.admin.post("/v1/deals", {**DEAL, "partner_id": partner.id}, expect=409, problem="deal_limit_reached")
    partner.api.post("/v1/deals?dry_run=true", DEAL, expect=409, problem="deal_limit_reached")
    for action, body in (("start-review", None), ("request-info", {"message": "?"}), ("submit", None)):
        deal = world.act("deals", deal, action, body, by=partner.api if action == "submit" else world.admin)
        refused(partner)
    deal = world.act("deals", deal, "approve", {})
    refused(partner)
    world.act("deals", deal, "win", {})
    for end in ("rejected", "withdrawn", "lost", "cancelled"):
        world.deal_in(end, partner)
    draft = world.act("deals", draft, "submit", by=partner.api)
    assert figures(capacity(world, partner)) == (1, 1, 0) and draft["status"] == "submitted"


def test_the_end_of_protection_makes_room(new_database, new_server):
    """By the clock: no job stores the expiry here."""
    url = new_database()
    world = World(new_server(url, jobs="false"), url)
    world.set_clock("2026-01-05T09:00:00Z")
    partner = world.make_partner()
    limit(world, 1, partner_id=partner.id, ends_at="2026-12-31T00:00:00Z")
    first = world.deal_in("approved", partner)
    refused(partner)
    world.set_clock(first["protected_until"][:19] + "Z" if first["protected_until"][20:23] == "000" else first["protected_until"])
    partner.deal(customer_name="Second")
    refused(partner)
    again = {"reason": "Back at the table", "protection_days": 30}
    reopen = lambda **how: world.admin.post(f"/v1/deals/{first['id']}/reopen", again, if_match="*", **how)
    reopen(expect=409, problem="deal_limit_reached")
    row = capacity(world, partner)
    assert figures(row) == (1, 1, 0) and (row["won_count"], row["won_bps"]) == (0, 0)
    world.set_clock("2027-01-02T00:00:00Z")
    assert [entry["status"] for entry in world.admin.list(LIMITS)] == ["ended"]
    partner.deal(customer_name="Third")


def test_the_report(new_database, new_server):
    url = new_database()
    world = World(new_server(url, jobs="false"), url)
    world.set_clock("2026-01-05T09:00:00Z")
    hoarder, worker = world.make_partner(), world.make_partner()
    old = [world.deal_in("in_review", hoarder, customer_name=f"Customer {number}") for number in range(3)]
    world.deal_in("approved", hoarder, customer_name="Lapses")
    world.deal_in("won", worker)
    for status in ("lost", "cancelled"):
        world.deal_in(status, worker)
    world.advance_clock(30 * DAY)
    row = capacity(world, hoarder)
    assert (row["open_count"], row["idle_count"], row["won_bps"], row["oldest_open_at"]) == (
        4, 4, None, old[0]["submitted_at"])
    world.advance_clock(61 * DAY)
    hoarder.deal(customer_name="New")
    row = capacity(world, hoarder)
    assert (row["open_count"], row["idle_count"], row["won_count"], row["won_bps"]) == (4, 3, 0, 0)
    row = capacity(world, worker)
    assert (row["open_count"], row["idle_count"], row["won_count"], row["won_bps"], row["oldest_open_at"]) == (
        0, 0, 1, 3333, None)
    ranked = [entry["partner_id"] for entry in world.admin.list(REPORT, {"sort": "-open_count"})]
    assert ranked[0] == hoarder.id
    assert [entry["partner_id"] for entry in world.admin.list(REPORT, {"idle_count_gte": 1})] == [hoarder.id]
    assert [entry["partner_id"] for entry in worker.api.list(REPORT)] == [worker.id]
    assert worker.api.list(REPORT, {"partner_id": hoarder.id}) == []
