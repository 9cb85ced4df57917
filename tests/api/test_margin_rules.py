# SPDX-License-Identifier: Apache-2.0
"""Rule sets of margin, quotes, what a deal locks, simulation, accelerators (domain.md §5.7, §5.8, §5.15)."""
import pytest

from support.judge import command_is_consistent, is_as_missing
from support.world import World, unique

RULES = [
    {"key": "deal_size", "name": "Deals of 50,000 and more", "delta_bps": 200,
     "conditions": [{"fact": "amount_minor", "comparison": "gte", "value": 5_000_000}]},
    {"key": "first_line", "name": "First-line support", "delta_bps": 300,
     "conditions": [{"fact": "first_line_support", "comparison": "eq", "value": True}]},
    {"key": "bundle", "name": "White label", "delta_bps": 200,
     "conditions": [{"fact": "white_label", "comparison": "eq", "value": True}]},
    {"key": "green", "name": "Green rating", "delta_bps": 100,
     "conditions": [{"fact": "rating", "comparison": "eq", "value": "green"}]},
]


@pytest.fixture
def place(server, database_url):
    """Rules are the program's as a whole, so each test has a program of its own."""
    return World(server, database_url)


def draft(world, expect=201, **members):
    return world.admin.post("/v1/margin-rule-sets", {"name": unique("Rules"), "rules": RULES, **members}, expect=expect)


def publish(world, body=None, **members):
    return world.act("margin-rule-sets", draft(world, **members).json, "publish", body)


def product(world, unit_minor=2000, kind="licence", **members):
    row = world.admin.post("/v1/products", {
        "key": unique("p").replace("-", "_"), "name": unique("Product"), "kind": kind, "unit": "seat"}, expect=201).json
    world.admin.post("/v1/product-prices", {
        "product_id": row["id"], "unit_amount": {"amount_minor": unit_minor, "currency": "EUR"}, **members}, expect=201)
    return row


def quote(by, lines, expect=201, **members):
    return by.post("/v1/margin-quotes", {"currency": "EUR", "lines": [
        {"product_id": row["id"], "quantity": quantity, **({"periods": periods} if periods else {})}
        for row, quantity, periods in lines], **members}, expect=expect)


def money(minor):
    return {"amount_minor": minor, "currency": "EUR"}


def worth(world, minor):
    return [(product(world, minor), 1, None)]


# ---- rule sets ----

def test_drafted_edited_published(place):
    answer = draft(place)
    row = command_is_consistent(place.admin, answer)
    assert row["status"] == "draft" and row["number"] is None and row["currency"] == "EUR"
    assert row["allowed_actions"] == ["publish", "discard"] and row["warnings"] == []
    assert row["rules"][0]["valid_from"] is None
    row = place.admin.patch(f"/v1/margin-rule-sets/{row['id']}", {"rules": RULES[:1]}, if_match=1, expect=200).json
    assert len(row["rules"]) == 1
    row = place.act("margin-rule-sets", row, "publish")
    assert row["status"] == "in_force" and row["number"] == 1 and row["allowed_actions"] == []
    refused = place.admin.patch(f"/v1/margin-rule-sets/{row['id']}", {"name": "x"}, if_match=row["version"],
                                expect=409, problem="invalid_transition")
    assert refused["from"] == "in_force"


def test_effective_dates(place):
    place.set_clock("2027-01-10T12:00:00Z")
    first = publish(place)
    second = publish(place, {"effective_at": "2027-02-01T00:00:00Z"})
    assert (first["status"], second["status"], second["number"]) == ("in_force", "planned", 2)
    place.set_clock("2027-02-01T00:00:00Z")
    assert [place.refresh(row)["status"] for row in (first, second)] == ["past", "in_force"]
    row = draft(place).json
    refused = place.admin.post(f"/v1/margin-rule-sets/{row['id']}/publish", {"effective_at": "2027-01-31T00:00:00Z"},
                               if_match=1, expect=422)
    assert refused.errors() == {("#/effective_at", "too_small")}
    assert place.act("margin-rule-sets", row, "discard")["status"] == "discarded"


def test_partners_see_no_rules(place):
    row = publish(place)
    partner = place.partner("a").api
    is_as_missing(partner, "/v1/margin-rule-sets/{}", row["id"])
    assert partner.list("/v1/margin-rule-sets") == []


def test_bad_rules_are_refused_at_their_place_all_at_once(world):
    refused = draft(world, expect=422, rules=[
        {"key": "a", "name": "A", "delta_bps": 1, "conditions": [
            {"fact": "colour", "comparison": "eq", "value": "red"},
            {"fact": "amount_minor", "comparison": "eq", "value": "lots"},
            {"fact": "rating", "comparison": "gte", "value": "green"},
            {"fact": "rating", "comparison": "eq", "value": "blue"}]},
        {"key": "a", "name": "A", "delta_bps": 1, "valid_from": "2027-01-02T00:00:00Z",
         "valid_until": "2027-01-01T00:00:00Z"}],
        accelerators=[{"key": "x", "name": "X", "target_minor": 1, "rate_bps": 2, "above_bps": 1, "mode": "marginal"}])
    assert refused.errors() == {
        ("#/rules/0/conditions/0/fact", "invalid_choice"), ("#/rules/0/conditions/1/value", "wrong_type"),
        ("#/rules/0/conditions/2/comparison", "invalid_choice"), ("#/rules/0/conditions/3/value", "invalid_choice"),
        ("#/rules/1/key", "not_unique"), ("#/rules/1/valid_until", "inconsistent"),
        ("#/accelerators/0/above_bps", "inconsistent")}


def test_rules_that_never_apply_are_told(world):
    row = draft(world, rules=[{"key": "never", "name": "Never", "delta_bps": 100, "conditions": [
        {"fact": "amount_minor", "comparison": "gte", "value": 10},
        {"fact": "amount_minor", "comparison": "lt", "value": 10}]},
        {"key": "huge", "name": "Huge", "delta_bps": 9000}]).json
    assert [(w["pointer"], w["code"]) for w in row["warnings"]] == [
        ("#/rules/0/conditions/1", "never_applies"), ("#/rules/1/delta_bps", "never_in_full")]


def test_the_catalogue_of_facts(world):
    facts = {fact["key"]: fact for fact in world.admin.get("/v1/margin-facts")["data"]}
    assert facts["rating"]["choices"] == ["green", "amber", "red"]
    assert facts["amount_minor"]["comparisons"] == ["eq", "gte", "gt", "lte", "lt"]


# ---- deals ----

def test_approval_goes_by_the_rules_in_force(place):
    partner = place.make_partner("preferred")
    before = place.act("deals", partner.deal(amount=money(5_000_000)), "approve", {})
    assert before["margin_bps"] == 2500
    rules = publish(place)
    deal = partner.deal(amount=money(5_000_000), terms={"first_line_support": True})
    assert deal["terms"]["first_line_support"] is True and deal["terms"]["annual_commitment_minor"] is None
    after = place.act("deals", deal, "approve", {})
    assert after["margin_bps"] == 3000 and after["margin_amount"] == money(1_500_000)
    assert place.refresh(before)["margin_bps"] == 2500, "what is locked stays"
    decision = place.admin.get(f"/v1/decisions/{after['margin_decision_id']}").json
    assert [step["rule"] for step in decision["steps"]][:3] == ["tier_base", "deal_size", "first_line"]
    assert decision["inputs"]["margin_rule_set"] == {"id": rules["id"], "version": 1}
    assert [rule["verdict"] for rule in decision["inputs"]["rules"]] == [
        "applied", "applied", "condition_not_met", "fact_unknown"]
    seen = partner.api.get(f"/v1/decisions/{after['margin_decision_id']}").json
    assert seen["inputs"] is None and "green" not in str(seen)


def test_terms_are_merged(place):
    partner = place.make_partner("preferred")
    deal = partner.deal(terms={"white_label": True})
    after = partner.api.patch(f"/v1/deals/{deal['id']}", {"terms": {"annual_commitment_minor": 7}},
                              if_match=deal["version"], expect=200)
    assert after["terms"]["white_label"] is True and after["terms"]["annual_commitment_minor"] == 7


def test_uplifts_count_in_their_time_only(place):
    place.set_clock("2027-01-10T12:00:00Z")
    publish(place, rules=[{"key": "u", "name": "January", "delta_bps": 100, "valid_from": "2027-01-15T00:00:00Z",
                           "valid_until": "2027-01-20T00:00:00Z"}])
    partner = place.make_partner("preferred")
    for now, bps in (("2027-01-14T23:59:59Z", 2500), ("2027-01-15T00:00:00Z", 2600), ("2027-01-20T00:00:00Z", 2500)):
        place.set_clock(now)
        admin = place.admin
        deal = admin.post("/v1/deals", {"partner_id": partner.id, "customer_name": unique("C"),
                                        "amount": money(100)}, expect=201).json
        assert place.act("deals", deal, "approve", {})["margin_bps"] == bps


# ---- quotes ----

def test_the_handbooks_rules_are_clamped(place):
    publish(place)
    partner = place.make_partner("preferred")
    row = quote(place.admin, worth(place, 5_000_000), partner_id=partner.id, rating="green",
                terms={"first_line_support": True, "white_label": True}).json
    assert (row["margin_bps"], row["clipped_bps"]) == (3000, 300)
    assert row["margin_amount"] == money(1_500_000) and row["partner_price"] == money(3_500_000)
    assert [step["rule"] for step in row["steps"]] == [
        "list_price", "volume_discount", "tier_base", "deal_size", "first_line", "bundle", "green", "band_clamp",
        "program_cap", "margin_amount", "partner_price"]


def test_volume_discount_comes_first(place):
    partner = place.make_partner("preferred")
    seat = product(place, 2000, volume_mode="slab", volume_bands=[{"from_quantity": 100, "discount_bps": 1000}])
    answer = quote(partner.api, [(seat, 100, 12)])
    row = command_is_consistent(partner.api, answer)
    assert row["list_amount"] == money(2_400_000) and row["volume_discount"] == money(240_000)
    assert row["net_amount"] == money(2_160_000) and row["margin_amount"] == money(540_000)
    assert row["partner_price"] == money(1_620_000) and row["status"] == "open"
    assert row["vendor_side"] is None and row["rule_set_id"] is None and row["rule_set_version"] == 0
    assert place.admin.get(f"/v1/margin-quotes/{row['id']}")["vendor_side"]["vendor_net"] == money(1_620_000)


def test_a_basket_of_all_kinds(place):
    partner = place.make_partner("preferred")
    lines = [(product(place, 2000), 10, 12), (product(place, 500, "content"), 10, None),
             (product(place, 90_000, "service"), 2, None)]
    row = quote(partner.api, lines).json
    assert [line["kind"] for line in row["lines"]] == ["licence", "content", "service"]
    assert row["net_amount"] == money(240_000 + 5_000 + 180_000)


def test_what_cannot_be_quoted(place):
    partner = place.make_partner("preferred")
    good, priceless = product(place), place.admin.post("/v1/products", {
        "key": "no_price", "name": "x", "kind": "service", "unit": "day"}, expect=201).json
    refused = quote(partner.api, [(good, 1, None), ({"id": place.program_id}, 1, None), (priceless, 1, None)],
                    expect=422)
    assert refused.errors() == {("#/lines/1/product_id", "reference_not_found"),
                                ("#/lines/2/product_id", "inconsistent")}
    refused = quote(partner.api, [(good, 1, None)], expect=422, rating="green")
    assert refused.errors() == {("#/rating", "unknown_field")}
    refused = quote(place.admin, [(good, 1, None)], expect=422)
    assert refused.errors() == {("#/partner_id", "required")}
    refused = quote(partner.api, [(good, 1, None)], expect=422, partner_id=place.partner("b").id)
    assert refused.errors() == {("#/partner_id", "reference_not_found")}
    new = place.new_partner()
    quote(place.admin, [(good, 1, None)], expect=409, partner_id=new["id"])


def test_a_deal_locks_its_quote(place):
    publish(place)
    partner = place.make_partner("preferred")
    row = quote(partner.api, worth(place, 5_000_000), terms={"first_line_support": True}).json
    assert row["margin_bps"] == 3000
    deal = partner.deal(amount=money(5_000_000), quote_id=row["id"])
    assert deal["quote_id"] == row["id"] and deal["terms"]["first_line_support"] is True
    used = partner.api.get(f"/v1/margin-quotes/{row['id']}").json
    assert used["status"] == "used" and used["deal_id"] == deal["id"]
    publish(place, rules=[])
    refused = partner.api.patch(f"/v1/deals/{deal['id']}", {
        "amount": {"amount_minor": 9}, "terms": {"white_label": True}}, if_match=deal["version"], expect=422)
    assert refused.errors() == {("#/amount", "inconsistent"), ("#/terms", "inconsistent")}
    done = place.act("deals", deal, "approve", {})
    assert done["margin_bps"] == 3000 and done["margin_amount"] == money(1_500_000)
    decision = place.admin.get(f"/v1/decisions/{done['margin_decision_id']}").json
    assert decision["steps"][0]["rule"] == "quote"
    again = partner.api.post("/v1/deals", {"customer_name": "x", "amount": money(5_000_000), "quote_id": row["id"]},
                             expect=409, problem="already_exists")
    assert again.errors() == {("#/quote_id", "not_unique")}


def test_quotes_that_do_not_fit(place):
    place.set_clock("2027-01-10T12:00:00Z")
    partner, other = place.make_partner("preferred"), place.make_partner("preferred")
    register = lambda by, quote_id, **members: by.post("/v1/deals", {
        "customer_name": "x", "amount": money(700), "quote_id": quote_id, **members}, expect=422).errors()
    row = quote(partner.api, worth(place, 700)).json
    assert row["valid_until"] == "2027-02-09T12:00:00.000Z"
    assert register(other.api, row["id"]) == {("#/quote_id", "reference_not_found")}
    assert register(partner.api, row["id"], amount=money(701), terms={"white_label": True}) == {
        ("#/amount", "inconsistent"), ("#/terms/white_label", "inconsistent")}
    place.set_clock("2027-02-09T12:00:00Z")
    assert partner.api.get(f"/v1/margin-quotes/{row['id']}")["status"] == "expired"
    assert register(partner.api, row["id"]) == {("#/quote_id", "inconsistent")}


def test_a_draft_does_not_keep_its_quote(place):
    """It is submitted while the quote is valid; what was asked about is answered at any time."""
    place.set_clock("2027-03-10T12:00:00Z")
    partner = place.make_partner("preferred")
    drafts = [partner.deal(amount=money(700), quote_id=quote(partner.api, worth(place, 700)).json["id"], draft=True)
              for _ in range(2)]
    place.set_clock("2027-04-09T11:59:59.999Z")
    asked = place.act("deals", place.act("deals", drafts[0], "submit", by=partner.api), "request-info", {"message": "Who?"})
    place.set_clock("2027-04-09T12:00:00Z")
    refused = partner.api.post(f"/v1/deals/{drafts[1]['id']}/submit", if_match="*", expect=422)
    assert refused.errors() == {("#/quote_id", "inconsistent")}
    assert place.refresh(drafts[1])["status"] == "draft"
    assert place.act("deals", asked, "submit", by=partner.api)["status"] == "submitted"
    assert place.act("deals", drafts[1], "withdraw", by=partner.api)["status"] == "withdrawn"


def test_a_quote_gives_its_deal_the_amount(place):
    partner = place.make_partner("preferred")
    bare = lambda expect, **members: partner.api.post("/v1/deals", {"customer_name": unique("Bare"), **members}, expect=expect)
    assert bare(422).errors() == {("#/amount", "required")}
    assert bare(422, quote_id=partner.id).errors() == {("#/quote_id", "reference_not_found")}
    row = quote(partner.api, worth(place, 700)).json
    lines = lambda minor: [{"product": "Seats", "quantity": 1, "unit_amount_minor": minor}]
    assert bare(422, quote_id=row["id"], line_items=lines(699)).status == 422, "lines add up to what was quoted"
    deal = bare(201, quote_id=row["id"], line_items=lines(700)).json
    assert deal["amount"] == row["net_amount"] == money(700) and deal["quote_id"] == row["id"]
    assert partner.api.get(f"/v1/margin-quotes/{row['id']}")["deal_id"] == deal["id"]


def test_dry_run_of_a_quote(place):
    partner = place.make_partner("preferred")
    lines = [{"product_id": product(place)["id"], "quantity": 1}]
    partner.api.post("/v1/margin-quotes", {"currency": "EUR", "lines": lines}, query={"dry_run": "true"}, expect=201)
    assert partner.api.list("/v1/margin-quotes") == []


# ---- simulation ----

def test_simulation_of_a_periods_deals(place):
    place.set_clock("2027-01-10T12:00:00Z")
    partner, other = place.make_partner("preferred"), place.make_partner("strategic")
    for who, minor in ((partner, 6_000_000), (partner, 100_000), (other, 6_000_000)):
        place.act("deals", who.deal(amount=money(minor)), "approve", {})
    row = draft(place).json
    body = {"rule_set_id": row["id"], "deals": {
        "decided_from": "2027-01-01T00:00:00Z", "decided_until": "2027-02-01T00:00:00Z"}}
    answer = place.admin.post("/v1/margin-simulations", body, expect=200).json
    assert len(answer["items"]) == 3 and answer["rule_set_version"] == 0
    by_partner = {entry["partner_id"]: entry for entry in answer["partners"]}
    assert by_partner[partner.id]["difference"] == money(120_000) and by_partner[partner.id]["count"] == 2
    assert answer["totals"] == [{"count": 3, "current": money(1_525_000 + 2_100_000),
                                 "simulated": money(1_525_000 + 2_100_000 + 240_000), "difference": money(240_000)}]
    body["deals"]["partner_id"] = other.id
    assert len(place.admin.post("/v1/margin-simulations", body, expect=200)["items"]) == 1
    assert place.refresh(row) == row, "nothing is kept"


def test_simulation_of_baskets(place):
    publish(place, rules=RULES[:1])
    partner = place.make_partner("preferred")
    item = product(place, 5_000_000)
    row = draft(place).json
    basket = {"partner_id": partner.id, "currency": "EUR", "terms": {"first_line_support": True},
              "lines": [{"product_id": item["id"], "quantity": 1}]}
    answer = place.admin.post("/v1/margin-simulations", {"rule_set_id": row["id"], "baskets": [basket]}, expect=200)
    [entry] = answer["items"]
    assert (entry["current"]["margin_bps"], entry["simulated"]["margin_bps"]) == (2700, 3000)
    assert entry["difference"] == money(150_000) and entry["basket"] == 0
    basket["lines"][0]["product_id"] = place.program_id
    refused = place.admin.post("/v1/margin-simulations", {"rule_set_id": row["id"], "baskets": [basket]}, expect=422)
    assert refused.errors() == {("#/baskets/0/lines/0/product_id", "reference_not_found")}
    refused = place.admin.post("/v1/margin-simulations", {"rule_set_id": place.program_id}, expect=422)
    assert refused.errors() == {("#/rule_set_id", "reference_not_found")}


# ---- accelerators ----

@pytest.mark.parametrize("mode, earned", [("marginal", 2_100_000), ("retroactive", 2_600_000)])
def test_accelerators(place, mode, earned):
    publish(place, rules=[], accelerators=[{"key": "year", "name": "Past 100,000", "target_minor": 10_000_000,
                                            "rate_bps": 1500, "above_bps": 2000, "mode": mode}])
    partner = place.make_partner("preferred")
    path = f"/v1/partners/{partner.id}/accelerators"
    [standing] = partner.api.get(path)["accelerators"]
    assert standing["missing"] == money(10_000_000) and standing["is_accelerated"] is False
    deal = place.act("deals", partner.deal(amount=money(13_000_000)), "approve", {})
    place.act("deals", deal, "win", {})
    [standing] = partner.api.get(path)["accelerators"]
    assert standing["earned"] == money(earned) and standing["is_accelerated"] is True
    place.partner("b").api.get(path, expect=404)


def test_regions_are_a_fact(place):
    """A rule on a region holds for the customer's country in it, and for those of the regions below."""
    dach = place.make_region(key="dach", countries=["AT", "CH"])
    place.make_region(dach, key="germany", countries=["DE"])
    publish(place, rules=[{"key": "dach", "name": "Sold in DACH", "delta_bps": 200, "conditions": [
        {"fact": "regions", "comparison": "in", "value": ["dach"]}]}])
    partner = place.make_partner("preferred")
    lines = worth(place, 10_000)
    given = lambda **members: quote(partner.api, lines, **members)["margin_bps"]
    assert [given(customer_country=country) for country in ("DE", "AT", "FR")] == [2700, 2700, 2500]
    assert given() == 2500, "where nobody knows the country no condition holds"
    deal = place.act("deals", partner.deal(customer_country="DE"), "approve", {})
    assert deal["margin_bps"] == 2700
    decision = place.admin.get(f"/v1/decisions/{deal['margin_decision_id']}").json
    assert decision["inputs"]["facts"]["regions"] == ["dach", "germany"]


def bad_band(floor, base, cap):
    return {"margin_band": {"floor_bps": floor, "base_bps": base, "cap_bps": cap}}


def rule(*conditions):
    return {"key": unique("r").replace("-", "_"), "name": "R", "delta_bps": 1, "conditions": [
        {"fact": fact, "comparison": comparison, "value": value} for fact, comparison, value in conditions]}


BAD = {  # what is written, and the exact fields that are wrong
    "a cap below the base, a base below the floor": ("tiers", bad_band(3000, 2500, 2000), {
        ("#/margin_band/base_bps", "inconsistent"), ("#/margin_band/cap_bps", "inconsistent")}),
    "more than everything": ("tiers", bad_band(0, 0, 10001), {("#/margin_band/cap_bps", "too_large")}),
    "an unknown metric": ("tiers", {"requirements": [
        {"metric": "won_deals", "comparison": "gte", "value": 1, "window_days": 30},
        {"metric": "happiness", "comparison": "gte", "value": 1, "window_days": None}]}, {("#/requirements/1/metric", "invalid_choice")}),
    "bands of quantities that overlap": ("product-prices", {"volume_bands": [
        {"from_quantity": 100, "discount_bps": 500}, {"from_quantity": 100, "discount_bps": 900}]}, {
        ("#/volume_bands/1/from_quantity", "inconsistent")}),
    "an override above the whole": ("margin-rule-sets", {"distributor_override_bps": 10001}, {
        ("#/distributor_override_bps", "too_large")}),
    "an accelerator that slows down": ("margin-rule-sets", {"accelerators": [
        {"key": "x", "name": "X", "target_minor": 1, "rate_bps": 2000, "above_bps": 1500, "mode": "marginal"}]}, {
        ("#/accelerators/0/above_bps", "inconsistent")}),
    "a condition that compares a list with a text": ("margin-rule-sets", {"rules": [
        {"key": "x", "name": "X", "delta_bps": 1, "conditions": [{"fact": "regions", "comparison": "in", "value": "dach"}]}]}, {
        ("#/rules/0/conditions/0/value", "wrong_type")}),
    "keys of nothing": ("margin-rule-sets", {"rules": [
        rule(("white_label", "eq", True)),
        rule(("rating", "eq", "green"), ("regions", "in", ["nowhere"]), ("tier", "eq", "strategic"), ("tier", "ne", "nix")),
        rule(("partner_type", "in", ["reseller", "nix"]), ("products", "not_in", ["nix"]))]}, {
        (f"#/rules/{place}/value", "reference_not_found")
        for place in ("1/conditions/1", "1/conditions/3", "2/conditions/0", "2/conditions/1")}),
    "codes of nothing": ("margin-rule-sets", {"rules": [
        rule(("customer_country", "in", ["DE", "XX"]), ("partner_country", "eq", "de"), ("currency", "ne", "zzz"))]}, {
        (f"#/rules/0/conditions/{place}/value", "invalid_choice") for place in range(3)}),
    "an override above the channel's cap": ("margin-rule-sets", {"channel_cap_bps": 1000, "distributor_override_bps": 1001}, {
        ("#/distributor_override_bps", "inconsistent")}),
    "a policy that could never hold": ("deal-approval-policies", {"conditions": [
        {"fact": "amount_minor", "comparison": "gte", "value": 1}, {"fact": "regions", "comparison": "in", "value": ["nowhere"]}]}, {
        ("#/conditions/1/value", "reference_not_found")}),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_rules_name_their_field(world, what):
    plural, members, errors = BAD[what]
    whole = {
        "tiers": {"key": unique("t").replace("-", "_"), "name": "T", "rank": 90, **bad_band(4500, 4500, 4500)},
        "product-prices": {"product_id": world.make_product()["id"], "unit_amount": money(100)},
        "margin-rule-sets": {"name": unique("Rules")},
        "deal-approval-policies": {"name": unique("Policy"), "position": 900, "steps": [{"name": "A", "role": "admin"}]},
    }[plural]
    assert world.admin.post(f"/v1/{plural}", {**whole, **members}, expect=422).errors() == errors
