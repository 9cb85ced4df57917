# SPDX-License-Identifier: Apache-2.0
"""Tiers: three that ship, drafts that only the vendor sees, bands that hold together."""
import pytest

from support.judge import command_is_consistent, is_as_missing
from support.world import unique

TIER = {
    "name": "Gold", "margin_band": {"floor_bps": 4500, "base_bps": 4500, "cap_bps": 4500},
    "benefits": [{"key": "mdf_rate_bps", "value": 300}, {"key": "support_level", "value": "priority"},
                 {"key": "co_selling", "value": True}],
    "requirements": [{"metric": "sourced_arr_minor", "comparison": "gte", "value": 100000, "window_days": 365},
                     {"metric": "certified_people", "comparison": "gte", "value": 3, "window_days": None}],
}
ranks = iter(range(100, 1000))


def body(**members):
    return {"key": unique("gold").replace("-", "_"), "rank": next(ranks), **TIER, **members}


@pytest.fixture
def draft(world):
    return world.admin.post("/v1/tiers", body(), expect=201).json


def test_three_ship(demo):
    bands = {tier["key"]: tuple(tier["margin_band"].values()) + (tier["status"],)
             for tier in demo.admin.list("/v1/tiers", {"sort": "rank"})[:3]}
    assert bands == {
        "registered": (1000, 1000, 1500, "published"), "preferred": (2000, 2500, 3000, "published"),
        "strategic": (3500, 3500, 4500, "published")}


def test_created_as_a_draft(world):
    sent = body()
    answer = world.admin.post("/v1/tiers", sent, expect=201)
    row = command_is_consistent(world.admin, answer)
    assert {name: row[name] for name in sent} == sent
    assert row["status"] == "draft" and row["published_at"] is None and row["version"] == 1
    assert answer.headers["Location"] == f"/v1/tiers/{row['id']}"


def test_published_once(world, draft):
    answer = world.admin.post(f"/v1/tiers/{draft['id']}/publish", if_match=1, expect=200)
    row = command_is_consistent(world.admin, answer)
    assert row["status"] == "published" and row["published_at"] is not None
    again = world.admin.post(f"/v1/tiers/{draft['id']}/publish", if_match=2, expect=409, problem="invalid_transition")
    assert again["from"] == "published" and again["allowed"] == row["allowed_actions"]


def test_partners_see_published_tiers_only(world, draft):
    partner = world.partner("a").api
    is_as_missing(partner, "/v1/tiers/{}", draft["id"])
    assert draft["id"] not in [tier["id"] for tier in partner.list("/v1/tiers")]
    world.act("tiers", draft, "publish")
    assert partner.get(f"/v1/tiers/{draft['id']}")["name"] == "Gold"


def test_partners_do_not_manage(world, draft):
    for client in (world.partner("a").api, world.partner("a").user(), world.user("viewer")):
        client.post("/v1/tiers", body(), expect=403, problem="insufficient_scope")
        client.patch(f"/v1/tiers/{draft['id']}", {"name": "x"}, if_match=1, expect=403, problem="insufficient_scope")
        assert "publish" not in client.get(f"/v1/tiers/{world.tiers['preferred']['id']}")["allowed_actions"]


def test_band_is_merged_and_lists_are_replaced(world, draft):
    answer = world.admin.patch(f"/v1/tiers/{draft['id']}", {
        "margin_band": {"floor_bps": 4400}, "benefits": [{"key": "early_access", "value": True}]},
        if_match=1, expect=200)
    row = command_is_consistent(world.admin, answer)
    assert row["margin_band"] == {"floor_bps": 4400, "base_bps": 4500, "cap_bps": 4500}
    assert row["benefits"] == [{"key": "early_access", "value": True}]
    assert row["requirements"] == TIER["requirements"]


@pytest.mark.parametrize("floor, base, cap", [(2600, 2500, 3000), (2000, 3100, 3000), (-1, 2500, 3000),
                                              (2000, 2500, 10_001)])
def test_bands_hold_together(world, floor, base, cap):
    band = {"floor_bps": floor, "base_bps": base, "cap_bps": cap}
    refused = world.admin.post("/v1/tiers", body(margin_band=band), expect=422, problem="validation_failed")
    assert all(place.startswith("#/margin_band") for place, _ in refused.errors())


def test_a_patch_may_not_break_the_band(world, draft):
    refused = world.admin.patch(f"/v1/tiers/{draft['id']}", {"margin_band": {"base_bps": 1900}}, if_match=1,
                                expect=422, problem="validation_failed")
    assert all(place.startswith("#/margin_band") for place, _ in refused.errors())
    assert world.refresh(draft) == draft


@pytest.mark.parametrize("member", ["key", "rank"])
def test_keys_and_ranks_are_unique(world, draft, member):
    refused = world.admin.post("/v1/tiers", body(**{member: draft[member]}), expect=409, problem="already_exists")
    assert refused.errors() == {(f"#/{member}", "not_unique")}
    other = world.make_tier(publish=False)
    if member == "rank":  # a key never changes
        refused = world.admin.patch(f"/v1/tiers/{other['id']}", {"rank": draft["rank"]}, if_match=1, expect=409)
        assert refused.errors() == {("#/rank", "not_unique")}


@pytest.mark.parametrize("member, value, code", [
    ("key", None, "wrong_type"), ("rank", "1", "wrong_type"), ("status", "published", "read_only_field"),
    ("published_at", None, "read_only_field"), ("colour", "gold", "unknown_field"), ("benefits", {}, "wrong_type"),
    ("requirements", [{"metric": "x", "comparison": "about", "value": 1, "window_days": None}], "invalid_choice"),
])
def test_refused_members(world, member, value, code):
    refused = world.admin.post("/v1/tiers", body(**{member: value}), expect=422, problem="validation_failed")
    assert any(place.startswith(f"#/{member}") and found == code for place, found in refused.errors()), refused


def test_key_never_changes(world, draft):
    refused = world.admin.patch(f"/v1/tiers/{draft['id']}", {"key": "other"}, if_match=1, expect=422)
    assert refused.errors() == {("#/key", "read_only_field")}


def test_dry_run_leaves_nothing(world):
    sent = body()
    world.admin.post("/v1/tiers", sent, query={"dry_run": "true"}, expect=201)
    assert sent["key"] not in [tier["key"] for tier in world.admin.list("/v1/tiers")]
    world.admin.post("/v1/tiers", sent, expect=201)


def test_dry_run_of_a_patch_leaves_nothing(world, draft):
    seen = world.admin.patch(f"/v1/tiers/{draft['id']}", {"name": "Dry"}, if_match=1, query={"dry_run": "true"},
                             expect=200)
    assert seen["name"] == "Dry"
    assert world.refresh(draft) == draft


@pytest.mark.parametrize("sort", ["rank", "-rank", "created_at", "-created_at"])
def test_sorted(world, sort):
    rows = world.admin.list("/v1/tiers", {"sort": sort}, limit=2)
    column = sort.lstrip("-")
    assert rows == sorted(rows, key=lambda row: (row[column], row["id"]), reverse=sort.startswith("-"))


def test_filtered_by_status(world, draft):
    everything = world.admin.list("/v1/tiers")
    for wanted in (["draft"], ["published"], ["draft", "published"]):
        found = world.admin.list("/v1/tiers", {"status": wanted})
        assert {row["id"] for row in found} == {row["id"] for row in everything if row["status"] in wanted}
