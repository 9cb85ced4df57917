# SPDX-License-Identifier: Apache-2.0
"""Who has part in a deal: shares that add up, credit by the program's model and window, frozen at approval (domain.md §5.21)."""
import pytest

from support import wait
from support.judge import events_of, is_as_missing, nobody
from support.world import World

PARTS = "/v1/deal-collaborators"


def part(partner, share_bps, contribution="influenced", **members):
    return {"partner_id": getattr(partner, "id", partner), "contribution": contribution, "share_bps": share_bps, **members}


def split(world, deal, *parts, expect=200, by=None):
    return (by or world.admin).post(f"/v1/deals/{deal['id']}/split-credit", {"collaborators": list(parts)},
                                    if_match=deal["version"], expect=expect)


def parts_of(world, deal, by=None):
    return {row["partner_id"]: row for row in (by or world.admin).list(PARTS, {"deal_id": deal["id"]})}


def credited(world, deal):
    return {partner_id: (row["credited_bps"], row["credited_amount"]["amount_minor"])
            for partner_id, row in parts_of(world, deal).items()}


@pytest.fixture(scope="module")
def trio(world):
    return world.make_partner(), world.make_partner(), world.make_partner()


def test_a_deal_that_nobody_shares(world):
    partner = world.partner("a")
    deal = partner.deal()
    assert parts_of(world, deal) == {}
    deal = world.act("deals", deal, "approve", {})
    [row] = parts_of(world, deal, partner.api).values()
    assert (row["contribution"], row["share_bps"], row["credited_bps"], row["credited_amount"]) == (
        "sourced", 10_000, 10_000, deal["amount"])
    assert (row["attribution_model"], row["attribution_window_days"], row["credited_at"]) == (
        "shared", 365, row["updated_at"])
    world.act("deals", deal, "win", {"actual_amount": {"amount_minor": 77, "currency": "EUR"}})
    [row] = parts_of(world, deal).values()
    assert row["won_amount"] == {"amount_minor": 77, "currency": "EUR"} and row["credited_amount"] == deal["amount"]


def test_five_cents_in_three(world, trio):
    """0.05 split 50/25/25 is 0.03, 0.01 and 0.01 (domain.md §5.9)."""
    a, b, c = trio
    deal = a.deal(amount={"amount_minor": 5, "currency": "EUR"})
    deal = split(world, deal, part(a, 5000, "sourced"), part(b, 2500), part(c, 2500)).json
    deal = world.act("deals", deal, "approve", {})
    assert credited(world, deal) == {a.id: (5000, 3), b.id: (2500, 1), c.id: (2500, 1)}
    deal = world.act("deals", deal, "win", {"actual_amount": {"amount_minor": 10, "currency": "EUR"}}, by=a.api)
    won = {key: row["won_amount"]["amount_minor"] for key, row in parts_of(world, deal).items()}
    assert won.pop(a.id) == 5 and sorted(won.values()) == [2, 3], "of equal remainders one gets the cent"


def test_each_sees_its_own_part(world, trio):
    a, b, c = trio
    deal = a.deal(customer_name="Shared School")
    split(world, deal, part(a, 6000, "sourced", note="Confidential"), part(b, 4000))
    row = parts_of(world, deal, b.api)[b.id]
    assert (row["customer_name"], row["deal_number"], row["share_bps"]) == ("Shared School", deal["number"], 4000)
    assert list(parts_of(world, deal, a.api)) == [a.id] and parts_of(world, deal, a.api)[a.id]["note"] is None
    assert parts_of(world, deal, c.api) == {}
    is_as_missing(c.api, PARTS + "/{}", row["id"])
    is_as_missing(b.api, "/v1/deals/{}", deal["id"])
    told = wait.until(lambda: [event["type"] for event in b.api.list("/v1/events", {"resource_id": row["id"]})], "its event")
    assert told == ["deal_collaborator.added"]
    assert b.id not in str(a.api.list("/v1/events", {"resource_id": deal["id"]})) + str(
        a.api.list(f"/v1/deals/{deal['id']}/timeline"))


def test_set_anew_as_a_whole(world, trio):
    a, b, c = trio
    deal = a.deal()
    deal = split(world, deal, part(a, 6000, "sourced"), part(b, 4000)).json
    before = parts_of(world, deal)
    deal = split(world, deal, part(a, 9000, "sourced"), part(c, 1000)).json
    after = parts_of(world, deal)
    assert set(after) == {a.id, c.id} and after[a.id]["id"] == before[a.id]["id"] and after[a.id]["version"] == 2
    timeline = world.admin.list(f"/v1/deals/{deal['id']}/timeline")
    splits = [entry for entry in timeline if entry["type"] == "deal.credit_split"]
    assert len(splits) == 2
    kept = world.admin.get(f"/v1/decisions/{splits[-1]['decision_id']}")["inputs"]["shares"]
    assert [(entry["partner_id"], entry["share_bps"]) for entry in kept] == [(a.id, 9000), (c.id, 1000)]


@pytest.mark.parametrize("parts, errors", [
    ([("a", 9999, "sourced")], {("#/collaborators", "inconsistent")}),
    ([("a", 6000, "sourced"), ("b", 4001, "influenced")], {("#/collaborators", "inconsistent")}),
    ([("a", 10_000, "influenced")], {("#/collaborators", "inconsistent")}),
    ([("a", 5000, "sourced"), ("b", 5000, "sourced")], {("#/collaborators", "inconsistent")}),
    ([("a", 5000, "sourced"), ("a", 5000, "influenced")], {("#/collaborators/1/partner_id", "not_unique")}),
    ([("a", 5000, "sourced"), ("nobody", 5000, "influenced")], {("#/collaborators/1/partner_id", "reference_not_found")}),
    ([("a", 10_001, "sourced")], {("#/collaborators/0/share_bps", "too_large")}),
    ([], {("#/collaborators", "too_short")}),
], ids=["less", "more", "no-source", "two-sources", "twice", "nobody", "too-much", "none"])
def test_refused(world, parts, errors):
    ids = {"a": world.partner("a").id, "b": world.partner("b").id, "nobody": nobody()}
    refused = split(world, world.partner("a").deal(), *[part(ids[who], bps, how) for who, bps, how in parts], expect=422)
    assert refused.errors() == errors


def test_all_faults_at_once(world):
    a = world.partner("a")
    refused = split(world, a.deal(), part(a, 10, "sourced", engaged_on="2999-01-01"), part(nobody(), 10), expect=422)
    assert refused.errors() == {("#/collaborators/0/engaged_on", "too_large"), ("#/collaborators", "inconsistent"),
                                ("#/collaborators/1/partner_id", "reference_not_found")}


def test_only_before_approval_and_only_by_the_vendor(world):
    a = world.partner("a")
    deal = world.deal_in("approved", a)
    assert split(world, deal, part(a, 10_000, "sourced"), expect=409).problem == "invalid_transition"
    assert split(world, a.deal(), part(a, 10_000, "sourced"), by=a.user(), expect=403).problem == "insufficient_scope"


@pytest.fixture(scope="module")
def place(server, database_url):
    made = World(server, database_url)
    made.set_clock("2026-06-30T10:00:00Z")
    return made, [made.make_partner() for _ in range(4)]


@pytest.mark.parametrize("model, window, expected", [
    ("sourced", 365, [10_000, 0, 0, 0]),
    ("shared", 365, [4000, 3000, 2000, 1000]),
    ("shared", 30, [5714, 4286, 0, 0]),
    ("shared", 0, [10_000, 0, 0, 0]),
    ("even", 365, [2500, 2500, 2500, 2500]),
    ("even", 90, [3334, 3333, 3333, 0]),
])
def test_models_and_windows(place, model, window, expected):
    """Shares of 40, 30, 20 and 10 %; help of 30, 90 and 91 days ago. What does not count goes to those who do."""
    world, partners = place
    world.admin.patch("/v1/program", {"attribution_model": model, "attribution_window_days": window}, if_match="*", expect=200)
    deal = partners[0].deal(amount={"amount_minor": 100_000, "currency": "EUR"})
    deal = split(world, deal, part(partners[0], 4000, "sourced"), part(partners[1], 3000, engaged_on="2026-05-31"),
                 part(partners[2], 2000, engaged_on="2026-04-01"), part(partners[3], 1000, engaged_on="2026-03-31")).json
    deal = world.act("deals", deal, "approve", {})
    assert credited(world, deal) == {
        partner.id: (bps, bps * 10) for partner, bps in zip(partners, expected)}
    inputs = world.admin.get(f"/v1/decisions/{deal['margin_decision_id']}")["inputs"]["credit"]
    assert (inputs["model"], inputs["window_days"]) == (model, window)
    assert [share["counts"] for share in inputs["shares"]] == [bps > 0 for bps in expected]
    seen = partners[0].api.get(f"/v1/decisions/{deal['margin_decision_id']}").json
    assert partners[1].id not in str(seen)


def test_who_was_terminated_is_not_credited(world):
    """A split refuses a terminated partner; what was agreed before is judged again when it is frozen."""
    a, gone = world.partner("a"), world.make_partner()
    deal = split(world, a.deal(), part(a, 4000, "sourced"), part(gone, 6000)).json
    world.act("partners", world.admin.get(f"/v1/partners/{gone.id}").json, "terminate", {"reason": "x"})
    path = f"/v1/deals/{deal['id']}/approve"
    world.admin.post(path, {}, if_match=deal["version"], expect=409, problem="partner_not_active")
    deal = split(world, deal, part(a, 10_000, "sourced")).json
    approved = world.act("deals", deal, "approve", {})
    assert credited(world, approved) == {a.id: (10_000, approved["amount"]["amount_minor"])}


def test_frozen_at_approval(place):
    world, (a, b, *_) = place
    world.admin.patch("/v1/program", {"attribution_model": "shared", "attribution_window_days": 365}, if_match="*", expect=200)
    deal = split(world, a.deal(), part(a, 7500, "sourced"), part(b, 2500)).json
    deal = world.act("deals", deal, "approve", {})
    before = credited(world, deal)
    world.admin.patch("/v1/program", {"attribution_model": "sourced"}, if_match="*", expect=200)
    moved = world.admin.post(f"/v1/deals/{deal['id']}/reassign", {"partner_id": b.id, "reason": "x"},
                             if_match=deal["version"], expect=200).json
    world.act("deals", moved, "win", {}, by=b.api)
    assert credited(world, deal) == before == {a.id: (7500, 3_600_000), b.id: (2500, 1_200_000)}
    assert {key: row["won_amount"]["amount_minor"] for key, row in parts_of(world, deal).items()} == {
        a.id: 3_600_000, b.id: 1_200_000}


@pytest.mark.parametrize("has_part, event", [(False, "added"), (True, "updated")], ids=["a stranger", "who helps already"])
def test_a_share_goes_with_the_deal(world, trio, has_part, event):
    """Who has the deal no more is credited with nothing of it, and does not see it any more."""
    a, helper, stranger = trio
    target = helper if has_part else stranger
    deal = a.deal()
    deal = split(world, deal, part(a, 7000, "sourced", note="x", engaged_on="2026-01-02"), part(helper, 3000)).json
    before = parts_of(world, deal)
    deal = world.act("deals", deal, "reassign", {"partner_id": target.id, "reason": "Nearer by."})
    after = parts_of(world, deal)
    assert {key: row["share_bps"] for key, row in after.items()} == (
        {helper.id: 10_000} if has_part else {stranger.id: 7000, helper.id: 3000})
    row = after[target.id]
    assert (row["contribution"], row["engaged_on"]) == ("sourced", "2026-01-02")
    assert has_part or after[helper.id] == before[helper.id], "who helped has what it had"
    is_as_missing(a.api, PARTS + "/{}", before[a.id]["id"])
    assert parts_of(world, deal, a.api) == {} and set(parts_of(world, deal, target.api)) == {target.id}
    told = events_of(a.api, before[a.id]["id"], 2)
    assert told[-1]["type"] == "deal_collaborator.removed" and target.id not in str(told)
    told = events_of(target.api, row["id"], row["version"])
    assert told[-1]["type"] == f"deal_collaborator.{event}" and a.id not in str(told)
    approved = world.act("deals", deal, "approve", {})
    assert {key: bps for key, (bps, _) in credited(world, approved).items()} == {
        key: row["share_bps"] for key, row in after.items()}


def test_a_merged_partner_keeps_its_part(place):
    world, (a, *_) = place
    twin, other = world.make_partner(), world.make_partner()
    alone = split(world, a.deal(), part(a, 7500, "sourced"), part(twin, 2500)).json
    both = split(world, a.deal(customer_name="Both"), part(a, 5000, "sourced"), part(twin, 2500), part(other, 2500)).json
    row = world.admin.get(f"/v1/partners/{twin.id}").json
    world.act("partners", row, "merge", {"into_partner_id": other.id})
    assert {key: entry["share_bps"] for key, entry in parts_of(world, alone).items()} == {a.id: 7500, other.id: 2500}
    assert {key: entry["share_bps"] for key, entry in parts_of(world, both).items()} == {a.id: 5000, other.id: 5000}
