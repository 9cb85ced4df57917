# SPDX-License-Identifier: Apache-2.0
"""Margin at approval (domain.md §5.7, §5.9): base, band, cap; whole minor units; locked from then on; explained."""
import pytest

from support.parallel import at_once
from support.world import World


@pytest.fixture(scope="module")
def partners(world):
    return {key: world.make_partner(tier=key) for key in ("registered", "preferred", "strategic")}


def approve(world, partner, amount_minor, currency="EUR"):
    deal = partner.deal(amount={"amount_minor": amount_minor, "currency": currency})
    return world.act("deals", deal, "approve", {})


@pytest.fixture
def bare(server, database_url):
    """A program without tiers, where any band has room."""
    return World(server, database_url, tiers="none")


def tier_partner(world, floor, base, cap):
    tier = world.make_tier(band=(floor, base, cap))
    return tier, world.make_partner(tier=tier["id"])


@pytest.mark.parametrize("tier, amount, bps, margin", [
    ("registered", 4_800_000, 1000, 480_000),
    ("preferred", 2_160_000, 2500, 540_000),   # 216 × 100.00 net, 25 % = 5,400.00
    ("preferred", 4_800_000, 2500, 1_200_000),
    ("strategic", 4_800_000, 3500, 1_680_000),
    ("preferred", 0, 2500, 0),
    ("preferred", 1, 2500, 0), ("preferred", 2, 2500, 1), ("preferred", 3, 2500, 1),
    ("strategic", 2 ** 53 - 1, 3500, 3_152_519_739_159_347),
])
def test_worked_cases(world, partners, tier, amount, bps, margin):
    deal = approve(world, partners[tier], amount)
    assert deal["margin_bps"] == bps
    assert deal["margin_amount"] == {"amount_minor": margin, "currency": "EUR"}
    assert deal["tier_id"] == world.tiers[tier]["id"] and deal["tier_name"] == world.tiers[tier]["name"]


def test_half_is_rounded_away_from_zero(bare):
    _, partner = tier_partner(bare, 1250, 1250, 1250)
    assert approve(bare, partner, 100)["margin_amount"]["amount_minor"] == 13  # 12.5 % of 1.00
    assert approve(bare, partner, 99)["margin_amount"]["amount_minor"] == 12


def test_full_band_pays_what_the_handbook_says(bare):
    _, partner = tier_partner(bare, 2000, 3000, 3000)
    assert approve(bare, partner, 4_800_000)["margin_amount"]["amount_minor"] == 1_440_000


@pytest.mark.parametrize("currency", ["JPY", "KWD", "EUR"])
def test_minor_units_are_the_currencys_own(world, partners, currency):
    deal = approve(world, partners["preferred"], 1001, currency)
    assert deal["margin_amount"] == {"amount_minor": 250, "currency": currency}


def test_no_band_reaches_over_the_programmes_cap(server, database_url):
    """Neither by a band that is too high nor by a cap that is too low."""
    world = World(server, database_url)
    version = world.admin.get("/v1/program")["version"]
    refused = world.admin.patch("/v1/program", {"margin_cap_bps": 4499}, if_match=version, expect=422)
    assert refused.errors() == {("#/margin_cap_bps", "inconsistent")}
    band = {"floor_bps": 1000, "base_bps": 2000, "cap_bps": 4501}
    body = {"key": "over", "name": "Over", "rank": 50, "margin_band": band}
    refused = world.admin.post("/v1/tiers", body, expect=422)
    assert {place for place, _ in refused.errors()} == {"#/margin_band/cap_bps"}
    world.admin.patch("/v1/program", {"margin_cap_bps": 4501}, if_match=version, expect=200)
    world.admin.post("/v1/tiers", body, expect=201)


def test_a_tier_and_a_cap_at_once_cannot_pass_each_other(server, database_url):
    """The cap is lowered while a band that needs it is made: never both."""
    world = World(server, database_url)
    for rank in range(60, 66):
        cap = 5000 + rank
        version = world.admin.get("/v1/program")["version"]
        world.admin.patch("/v1/program", {"margin_cap_bps": cap}, if_match=version, expect=200)
        band = {"floor_bps": 1000, "base_bps": 2000, "cap_bps": cap}
        low = max(tier["margin_band"]["cap_bps"] for tier in world.admin.list("/v1/tiers"))
        at_once([
            lambda: world.admin.post("/v1/tiers", {"key": f"t{rank}", "name": "x", "rank": rank, "margin_band": band}),
            lambda: world.admin.patch("/v1/program", {"margin_cap_bps": low}, if_match="*")])
        highest = max(tier["margin_band"]["cap_bps"] for tier in world.admin.list("/v1/tiers"))
        assert highest <= world.admin.get("/v1/program")["margin_cap_bps"]


def test_every_step_is_explained_also_the_one_that_changed_nothing(world, partners):
    deal = approve(world, partners["preferred"], 1_000_000)
    decision = world.admin.get(f"/v1/decisions/{deal['margin_decision_id']}").json
    rules = [step["rule"] for step in decision["steps"]]
    assert len(rules) == len(set(rules)) and len([rule for rule in rules if "cap" in rule or "clamp" in rule]) >= 2
    assert any(step["before"] == step["after"] for step in decision["steps"] if step["unit"] == "bps")
    assert decision["inputs"], "the vendor sees what the rule looked at"


class TestLocked:
    def test_against_a_change_of_tier(self, world):
        partner = world.make_partner(tier="preferred")
        before = approve(world, partner, 1_000_000)
        row = world.admin.get(f"/v1/partners/{partner.id}").json
        world.act("partners", row, "change-tier", {"tier_id": world.tiers["strategic"]["id"], "reason": "Up."})
        assert world.refresh(before) == before
        assert approve(world, partner, 1_000_000)["margin_bps"] == 3500

    def test_against_a_change_of_the_band(self, bare):
        tier, partner = tier_partner(bare, 2000, 2500, 3000)
        before = approve(bare, partner, 1_000_000)
        draft = bare.admin.patch(f"/v1/tiers/{tier['id']}", {"margin_band": {"base_bps": 2800}},
                                 if_match=tier["version"], expect=200).json
        assert approve(bare, partner, 1_000_000)["margin_bps"] == 2500, "a draft decides nothing"
        bare.act("tiers", draft, "publish")
        assert bare.refresh(before) == before
        assert approve(bare, partner, 1_000_000)["margin_bps"] == 2800
        decision = bare.admin.get(f"/v1/decisions/{before['margin_decision_id']}")
        assert [step["after"] for step in decision["steps"] if step["unit"] == "bps"][-1] == 2500

    def test_the_vendor_does_not_edit_it(self, world, partners):
        deal = approve(world, partners["preferred"], 1_000_000)
        refused = world.admin.patch(f"/v1/deals/{deal['id']}", {"margin_bps": 4000}, if_match=deal["version"],
                                    expect=422)
        assert refused.errors() == {("#/margin_bps", "read_only_field")}

    def test_an_edit_of_the_amount_does_not_move_it(self, world, partners):
        deal = approve(world, partners["preferred"], 1_000_000)
        answer = world.admin.patch(f"/v1/deals/{deal['id']}", {"amount": {"amount_minor": 9}}, if_match=deal["version"])
        after = world.refresh(deal)
        assert after["margin_amount"] == deal["margin_amount"] and after["margin_bps"] == deal["margin_bps"]
        assert answer.problem == "deal_not_open" and after["amount"] == deal["amount"]
