# SPDX-License-Identifier: Apache-2.0
"""Deals and quotes of a partner that buys through a distributor (domain.md §5.15): its override, within the channel's cap."""
import pytest

from support.judge import events_of
from support.world import World

NET = 10_000_000  # 100,000.00


@pytest.fixture(scope="module")
def place(server, database_url):
    """A programme where Preferred gets 20 % and a distributor 5 %, of 30 % at most."""
    made = World(server, database_url)
    made.set_clock("2026-06-01T00:00:00Z")
    made.publish = lambda **members: made.act("margin-rule-sets", made.make_rule_set(
        rules=[{"key": "twenty", "name": "Twenty", "delta_bps": -500, "conditions": []}], **members), "publish")
    made.publish(distributor_override_bps=500, channel_cap_bps=3000)
    made.top = made.make_partner(type="distributor")
    made.child = made.make_partner()
    made.relate(made.child.id, made.top.id)
    made.priced = made.make_product()["id"]
    made.make_price(made.priced, NET)
    return made


def approve(place, partner, **members):
    deal = place.refresh(partner.deal(amount={"amount_minor": NET, "currency": "EUR"}, **members))
    return place.act("deals", deal, "approve", {})


def quote(place, partner):
    return place.admin.post("/v1/margin-quotes", {
        "partner_id": partner.id, "currency": "EUR", "lines": [{"product_id": place.priced, "quantity": 1}]},
        expect=201).json


def channel_inputs(place, deal):
    return place.admin.get(f"/v1/decisions/{deal['margin_decision_id']}")["inputs"]["channel"]


def test_the_worked_case(place):
    deal = approve(place, place.child)
    assert deal["margin_amount"]["amount_minor"] == 2_000_000
    assert deal["channel"] == {"distributor_id": place.top.id,
                               "distributor_override": {"amount_minor": 500_000, "currency": "EUR"}}
    kept = channel_inputs(place, deal)
    assert (kept["total_minor"], kept["clipped_minor"], kept["exceeds_cap"]) == (2_500_000, 0, False)


def test_a_quote_says_the_same(place):
    side = quote(place, place.child)["vendor_side"]
    amounts = [side[name]["amount_minor"] for name in (
        "distributor_override", "override_clipped", "channel_cost", "vendor_net")]
    assert amounts == [500_000, 0, 2_500_000, 7_500_000]
    assert (side["distributor_id"], side["exceeds_channel_cap"]) == (place.top.id, False)


def test_who_buys_directly_costs_its_margin(place):
    direct = place.make_partner()
    deal = approve(place, direct)
    assert deal["channel"] is None and channel_inputs(place, deal)["total_minor"] == 2_000_000
    assert quote(place, direct)["vendor_side"]["channel_cost"]["amount_minor"] == 2_000_000


def test_the_partner_knows_nothing_of_it(place):
    deal = approve(place, place.child)
    own = place.child.api.get(f"/v1/deals/{deal['id']}").json
    assert own["channel"] is None
    decision = place.child.api.get(f"/v1/decisions/{deal['margin_decision_id']}").json
    assert decision["inputs"] is None and "istributor" not in str(decision)
    assert place.top.id not in str([event["data"] for event in place.child.api.list("/v1/events")
                                    if event["type"] == "deal.approved"])


def test_the_distributor_sees_its_own_part(place):
    deal = approve(place, place.child)
    [row] = [row for row in place.top.api.list(f"/v1/partners/{place.top.id}/reseller-deals") if row["id"] == deal["id"]]
    assert row["distributor_override"] == {"amount_minor": 500_000, "currency": "EUR"}
    assert "margin" not in str(row)


class TestInAWorldOfItsOwn:
    @pytest.fixture()
    def place(self, place):
        """What changes rules and hierarchy does it after the others have looked."""
        return place

    def test_the_hierarchy_of_the_day_decides(self, place):
        child, old, new = place.make_partner(), *(place.make_partner(type="distributor") for _ in range(2))
        place.relate(child.id, old.id)
        place.relate(child.id, new.id, starts_at="2026-06-02T00:00:00Z")
        quoted = quote(place, child)
        place.set_clock("2026-06-01T23:59:59.999Z")
        first = approve(place, child)
        place.set_clock("2026-06-02T00:00:00Z")
        second = approve(place, child)
        assert first["channel"]["distributor_id"] == old.id and second["channel"]["distributor_id"] == new.id
        assert place.refresh(first)["channel"]["distributor_id"] == old.id, "locked"
        place.set_clock("2026-06-02T00:00:01Z")
        deal = place.refresh(child.deal(amount={"amount_minor": NET, "currency": "EUR"}, quote_id=quoted["id"]))
        deal = place.act("deals", deal, "approve", {})
        assert deal["channel"]["distributor_id"] == new.id, "a quote promises the partner's margin, not who is above it"

    def test_the_cap_takes_it_from_the_distributor(self, place):
        place.publish(distributor_override_bps=500, channel_cap_bps=2200)
        deal = approve(place, place.child)
        assert deal["margin_bps"] == 2000
        assert deal["channel"]["distributor_override"]["amount_minor"] == 200_000
        kept = channel_inputs(place, deal)
        assert (kept["total_minor"], kept["clipped_minor"]) == (2_200_000, 300_000)

    def test_a_merge_moves_what_the_distributor_gets(self, place):
        deal = approve(place, place.child)
        into = place.make_partner(type="distributor")
        row = place.admin.get(f"/v1/partners/{place.top.id}").json
        place.admin.post(f"/v1/partners/{place.top.id}/merge", {"into_partner_id": into.id, "reason": "One firm."},
                         if_match=row["version"], expect=200)
        after = place.refresh(deal)
        assert after["channel"]["distributor_id"] == into.id and after["version"] > deal["version"]
        assert events_of(place.admin, deal["id"], after["version"])[-1]["type"] == "deal.updated"

    @pytest.mark.parametrize("way", ["reassigned", "merged into its distributor", "distributor merged into it"])
    def test_nobody_is_its_own_distributor(self, place, way):
        top, child, other = place.make_partner(type="distributor"), place.make_partner(), place.make_partner()
        place.relate(child.id, top.id)
        place.relate(other.id, top.id)
        deal, others = approve(place, child), approve(place, other)
        assert deal["channel"]["distributor_id"] == top.id
        if way == "reassigned":
            deal = place.act("deals", deal, "reassign", {"partner_id": top.id, "reason": "Sold itself."})
        else:
            gone, left = (child, top) if way.startswith("merged") else (top, child)
            row = place.admin.get(f"/v1/partners/{gone.id}").json
            place.act("partners", row, "merge", {"into_partner_id": left.id, "reason": "One firm."})
        after = place.refresh(deal)
        assert after["channel"] is None and after["margin_amount"] == deal["margin_amount"]
        heir = child.id if way.startswith("distributor") else top.id
        assert after["partner_id"] == heir and place.refresh(others)["channel"]["distributor_id"] == heir
