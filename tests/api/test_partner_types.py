# SPDX-License-Identifier: Apache-2.0
"""What partners of a type start with, and what more is kept of a partner: addresses, languages, regions, capacity."""
import pytest

from support.judge import command_is_consistent, is_as_missing, nobody
from support.world import World, unique

KEYS = {"reseller": "margin", "referral": "commission", "consultant": "commission", "system_integrator": "margin",
        "training_partner": "margin", "content_provider": "commission", "distributor": "margin"}


def change(world, key, body, expect=200):
    row = world.partner_type(key)
    return world.admin.patch(f"/v1/partner-types/{row['id']}", body, if_match=row["version"], expect=expect)


def test_every_program_has_the_seven(world):
    rows = world.admin.list("/v1/partner-types")
    assert {row["key"]: row["earns"] for row in rows} == KEYS
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    for row in rows:
        assert (row["commission_bps"] is not None) == (row["earns"] == "commission")
        assert row["default_tier_id"] is None and row["protection_days"] is None


def test_new_partners_start_in_the_tier_of_their_type(world):
    tier = world.tiers["preferred"]
    after = command_is_consistent(world.admin, change(world, "training_partner", {"default_tier_id": tier["id"]}))
    assert after["default_tier_name"] == tier["name"]
    made = {"name": unique("P"), "type": "training_partner", "country": "DE"}
    assert world.admin.post("/v1/partners", made, expect=201)["tier_key"] == "preferred"
    named = {**made, "tier_id": world.tiers["strategic"]["id"]}
    assert world.admin.post("/v1/partners", named, expect=201)["tier_key"] == "strategic"
    assert world.admin.post("/v1/partners", {**made, "type": "consultant"}, expect=201)["tier_key"] == "registered"
    change(world, "training_partner", {"default_tier_id": None})
    assert world.admin.post("/v1/partners", made, expect=201)["tier_key"] == "registered"


def test_protection_is_the_types_the_programs_or_what_was_asked_for(server, database_url):
    world = World(server, database_url)
    world.set_clock("2026-06-01T10:00:00Z")
    partner = world.make_partner(type="system_integrator")
    days = lambda body: world.act("deals", world.refresh(partner.deal()), "approve", body)["protection_expires_at"]
    assert days({}) == "2026-08-30T10:00:00.000Z"
    change(world, "system_integrator", {"protection_days": 30})
    assert days({}) == "2026-07-01T10:00:00.000Z"
    assert days({"protection_days": 10}) == "2026-06-11T10:00:00.000Z"
    other = world.make_partner(type="reseller")
    deal = world.act("deals", world.refresh(other.deal()), "approve", {})
    assert deal["protection_expires_at"] == "2026-08-30T10:00:00.000Z"


def test_who_earns_commission_has_a_rate_and_nobody_else(world):
    refused = change(world, "reseller", {"commission_bps": 1500}, expect=422)
    assert refused.errors() == {("#/commission_bps", "inconsistent")}
    refused = change(world, "reseller", {"earns": "commission"}, expect=422)
    assert refused.errors() == {("#/commission_bps", "required")}
    refused = change(world, "referral", {"commission_bps": None}, expect=422)
    assert refused.errors() == {("#/commission_bps", "required")}
    after = change(world, "consultant", {"earns": "margin"})
    assert after["commission_bps"] is None
    assert change(world, "consultant", {"earns": "commission", "commission_bps": 1800})["commission_bps"] == 1800


def test_the_default_tier_is_a_published_one(world):
    assert change(world, "reseller", {"default_tier_id": nobody()}, expect=422).errors() == {
        ("#/default_tier_id", "reference_not_found")}
    draft = world.make_tier(publish=False)
    assert change(world, "reseller", {"default_tier_id": draft["id"]}, expect=409).problem == "tier_not_published"


@pytest.mark.parametrize("body, where", [
    ({"protection_days": 0}, "#/protection_days"), ({"protection_days": 731}, "#/protection_days"),
    ({"commission_bps": 10001}, "#/commission_bps"), ({"earns": "everything"}, "#/earns"), ({"name": " "}, "#/name"),
    ({"key": "agency"}, "#/key")])
def test_refused_members(world, body, where):
    assert where in {place for place, _ in change(world, "referral", body, expect=422).errors()}


def test_a_dry_run_keeps_nothing(world):
    row = world.partner_type("distributor")
    seen = world.admin.patch(f"/v1/partner-types/{row['id']}", {"protection_days": 200}, query={"dry_run": "true"},
                             if_match=row["version"], expect=200)
    assert seen["protection_days"] == 200 and world.partner_type("distributor") == row


def test_a_partner_sees_its_own_type_only(world):
    partner = world.partner("a")
    assert [row["key"] for row in partner.api.list("/v1/partner-types")] == ["reseller"]
    partner.api.get(f"/v1/partner-types/{world.partner_type('reseller')['id']}", expect=200)
    is_as_missing(partner.api, "/v1/partner-types/{}", world.partner_type("referral")["id"])


# ---- margin or commission ----

def approved(world, partner):
    return world.act("deals", world.refresh(partner.deal()), "approve", {})


def test_one_deal_never_earns_both(server, database_url):
    world = World(server, database_url)
    referrer, reseller = world.make_partner(type="referral"), world.make_partner()
    paid, bought = approved(world, referrer), approved(world, reseller)
    assert (paid["earns"], paid["commission_bps"], paid["margin_bps"], paid["margin_amount"]) == (
        "commission", 2000, None, None)
    assert (bought["earns"], bought["commission_bps"], bought["margin_bps"]) == ("margin", None, 2500)
    decision = referrer.api.get(f"/v1/decisions/{paid['margin_decision_id']}", expect=200).json
    assert [step["rule"] for step in decision["steps"]] == ["no_margin", "commission", "protection"]
    assert decision["outcome"]["commission_bps"] == 2000 and "margin_bps" not in decision["outcome"]
    change(world, "referral", {"commission_bps": 2500})
    assert world.act("deals", paid, "win")["commission_bps"] == 2000, "what is locked stays"
    assert approved(world, referrer)["commission_bps"] == 2500


def test_both_is_a_rule_of_its_own(server, database_url):
    world = World(server, database_url)
    partner = world.make_partner()
    refused = change(world, "reseller", {"earns": "both"}, expect=422)
    assert refused.errors() == {("#/commission_bps", "required")}
    assert change(world, "reseller", {"earns": "both", "commission_bps": 500})["commission_bps"] == 500
    deal = approved(world, partner)
    assert (deal["earns"], deal["margin_bps"], deal["commission_bps"]) == ("both", 2500, 500)


def test_margin_is_quoted_to_those_who_earn_it(server, database_url):
    world = World(server, database_url)
    partner = world.make_partner(type="referral")
    price = world.make_price(world.make_product()["id"])
    body = {"currency": "EUR", "lines": [{"product_id": price["product_id"], "quantity": 1}]}
    partner.api.post("/v1/margin-quotes", body, expect=409, problem="no_margin")
    change(world, "referral", {"earns": "margin"})
    quote = partner.api.post("/v1/margin-quotes", body, expect=201).json
    change(world, "referral", {"earns": "commission", "commission_bps": 2000})
    deal = partner.deal(amount=quote["net_amount"], quote_id=quote["id"])
    deal = world.act("deals", deal, "approve", {})
    assert (deal["earns"], deal["margin_bps"], deal["commission_bps"]) == ("margin", 2500, None), "a quote was a promise"


# ---- what more is known of a partner ----
LEGAL = {"kind": "legal", "line1": "Hafenstraße 12", "city": "Hamburg", "postal_code": "20457", "country": "DE"}


def test_addresses(world):
    row = world.new_partner(addresses=[LEGAL, {**LEGAL, "kind": "billing", "line2": "c/o Bookkeeping"}])
    whole = {"line2": None, "region": None, **LEGAL}
    assert row["addresses"] == [whole, {**whole, "kind": "billing", "line2": "c/o Bookkeeping"}]
    after = world.admin.patch(f"/v1/partners/{row['id']}", {"addresses": [{**LEGAL, "city": "Kiel"}]}, if_match=1,
                              expect=200)
    assert after["addresses"] == [{**whole, "city": "Kiel"}]
    assert world.new_partner()["addresses"] == []


@pytest.mark.parametrize("addresses, error", [
    ([LEGAL, LEGAL], ("#/addresses/1/kind", "not_unique")),
    ([{**LEGAL, "country": "XX"}], ("#/addresses/0/country", "invalid_format")),
    ([{key: LEGAL[key] for key in ("kind", "line1", "country")}], ("#/addresses/0/city", "required")),
    ([{**LEGAL, "kind": "beach"}], ("#/addresses/0/kind", "invalid_choice")),
    ([{**LEGAL, "planet": "x"}], ("#/addresses/0/planet", "unknown_field")),
])
def test_refused_addresses(world, addresses, error):
    made = {"name": unique("P"), "type": "reseller", "country": "DE", "addresses": addresses}
    assert error in world.admin.post("/v1/partners", made, expect=422).errors()


def test_languages_regions_and_capacity(world):
    row = world.new_partner(languages=["de", "pt-BR"], regions=["dach"], lead_capacity=3)
    assert (row["languages"], row["regions"], row["lead_capacity"]) == (["de", "pt-BR"], ["dach"], 3)
    after = world.admin.patch(f"/v1/partners/{row['id']}", {"lead_capacity": None, "languages": ["fr"]}, if_match=1,
                              expect=200)
    assert (after["languages"], after["regions"], after["lead_capacity"]) == (["fr"], ["dach"], None)
    for name, value in (("languages", ["german"]), ("regions", ["DACH"]), ("lead_capacity", -1)):
        world.admin.patch(f"/v1/partners/{row['id']}", {name: value}, if_match=2, expect=422)


@pytest.mark.parametrize("name, members", [("industry", "industries"), ("language", "languages"), ("region", "regions")])
def test_filters(world, name, members):
    words = {"industries": ["rail", "ships"], "languages": ["et", "lv"], "regions": ["baltics", "nordics"]}[members]
    first, second, both = (world.new_partner(**{members: some})["id"] for some in ([words[0]], [words[1]], words))
    found = lambda *asked: {row["id"] for row in world.admin.list("/v1/partners", {name: list(asked)})}
    assert found(words[0]) == {first, both} and found(*words) == {first, second, both}
    assert found("xx") == set()
