# SPDX-License-Identifier: Apache-2.0
"""The margin of a billing period in which the rate changes (domain.md §5.10); the rule itself is tested by
tests/unit/domain/cases/prorate.tsv."""
import pytest

from support.judge import nobody
from support.world import World, unique

PATH = "/v1/margin-prorations"
JUNE = {"starts_on": "2026-06-01", "ends_on": "2026-07-01", "amount": {"amount_minor": 30_000, "currency": "EUR"}}


@pytest.fixture(scope="module")
def place(server, database_url):
    """Berlin; partners of the tier preferred have 20 % until the 15th of June and 25 % from the 16th."""
    world = World(server, database_url)
    world.admin.patch("/v1/program", {"zone": "Europe/Berlin"}, if_match="*", expect=200)
    world.set_clock("2026-05-01T00:00:00Z")
    made = world.admin.post("/v1/margin-rule-sets", {"name": unique("Rules"), "rules": [
        {"key": "start", "name": "The start of the programme", "delta_bps": -500, "valid_until": "2026-06-15T22:00:00Z"},
        {"key": "support", "name": "First-line support", "delta_bps": 300, "conditions": [
            {"fact": "first_line_support", "comparison": "eq", "value": True}]}]}, expect=201).json
    world.act("margin-rule-sets", made, "publish")
    world.set_clock("2026-05-10T00:00:00Z")
    return world


@pytest.fixture(scope="module")
def partner(place):
    return place.make_partner("preferred")


def ask(place, partner, by=None, expect=200, **members):
    body = {**JUNE, **({} if by else {"partner_id": partner.id}), **members}
    return (by or place.admin).post(PATH, body, key=None, expect=expect)


def parts(answer):
    return [(part["from_on"], part["days"], part["margin_bps"]) for part in answer["segments"]]


def test_june(place, partner):
    """300.00 for June, 20 % and 25 % from the 16th: 67.50 by the day, 60.00 by the day of the invoice."""
    daily = ask(place, partner, rate_at="daily")
    assert daily["margin_amount"] == {"amount_minor": 6_750, "currency": "EUR"}
    assert daily["partner_price"]["amount_minor"] == 23_250
    assert parts(daily) == [("2026-06-01", 15, 2000), ("2026-06-16", 15, 2500)]
    assert [step["rule"] for step in daily["segments"][0]["steps"]][:2] == ["tier_base", "start"]
    invoice = ask(place, partner, rate_at="invoice")
    assert invoice["margin_amount"]["amount_minor"] == 6_000 and parts(invoice) == [("2026-06-01", 30, 2000)]
    assert daily["zone"] == "Europe/Berlin" and daily["days"] == 30


def test_the_program_says_which_where_nobody_does(place, partner):
    assert ask(place, partner)["rate_at"] == "invoice"
    place.admin.patch("/v1/program", {"proration_rate_at": "daily"}, if_match="*", expect=200)
    assert ask(place, partner)["margin_amount"]["amount_minor"] == 6_750
    place.admin.patch("/v1/program", {"proration_rate_at": "invoice"}, if_match="*", expect=200)
    assert ask(place, partner, by=partner.api, rate_at="daily")["margin_amount"]["amount_minor"] == 6_750


def test_terms_and_a_credit_note(place, partner):
    better = ask(place, partner, rate_at="daily", terms={"first_line_support": True})
    assert parts(better) == [("2026-06-01", 15, 2300), ("2026-06-16", 15, 2800)]
    again = ask(place, partner, rate_at="daily")
    assert again["margin_amount"]["amount_minor"] == 6_750, "the same question has the same answer"


def test_another_tier_counts_from_the_next_day(place):
    """Moved at noon of the 20th of May: the day began with the old tier."""
    moving = place.make_partner("registered")
    place.set_clock("2026-05-20T12:00:00Z")
    row = place.admin.get(f"/v1/partners/{moving.id}").json
    place.act("partners", row, "change-tier", {"tier_id": place.tiers["preferred"]["id"], "reason": "x"})
    answer = ask(place, moving, rate_at="daily", starts_on="2026-05-19", ends_on="2026-05-23")
    assert parts(answer) == [("2026-05-19", 2, 1000), ("2026-05-21", 2, 2000)]
    assert [part["tier_key"] for part in answer["segments"]] == ["registered", "preferred"]
    refused = ask(place, moving, expect=422, starts_on="2026-04-01", ends_on="2026-05-01")
    assert refused.errors() == {("#/starts_on", "inconsistent")}


def test_a_deal_keeps_what_was_locked(place, partner):
    deal = place.act("deals", partner.deal(), "approve", {})
    answer = place.admin.post(PATH, {**JUNE, "deal_id": deal["id"], "rate_at": "daily"}, key=None, expect=200)
    assert parts(answer) == [("2026-06-01", 30, 2000)] and answer["margin_amount"]["amount_minor"] == 6_000
    other = place.make_partner("preferred")
    refused = other.api.post(PATH, {**JUNE, "deal_id": deal["id"]}, key=None, expect=422)
    assert refused.errors() == {("#/deal_id", "reference_not_found")}
    waiting = partner.deal()
    refused = place.admin.post(PATH, {**JUNE, "deal_id": waiting["id"]}, key=None, expect=422)
    assert refused.errors() == {("#/deal_id", "inconsistent")}


def test_days_are_the_programs(place, partner):
    """March has the night in which the clocks change: still 31 days."""
    answer = ask(place, partner, expect=200, rate_at="daily", starts_on="2027-03-01", ends_on="2027-04-01")
    assert answer["days"] == 31 and parts(answer) == [("2027-03-01", 31, 2500)]
    leap = ask(place, partner, rate_at="daily", starts_on="2028-01-01", ends_on="2029-01-01")
    assert leap["days"] == 366


def test_commission_has_no_margin(place):
    ask(place, place.make_partner(type="referral"), expect=409).problem == "no_margin"


@pytest.mark.parametrize("members, errors", [
    ({"ends_on": "2026-06-01"}, {("#/ends_on", "inconsistent")}),
    ({"ends_on": "2026-05-01"}, {("#/ends_on", "inconsistent")}),
    ({"ends_on": "2027-06-03"}, {("#/ends_on", "too_large")}),
    ({"starts_on": "0001-01-01", "ends_on": "9999-12-31"}, {("#/ends_on", "too_large")}),
    ({"starts_on": "2026-02-30"}, {("#/starts_on", "invalid_format")}),
    ({"amount": {"amount_minor": 1, "currency": "XXX"}, "ends_on": "2026-05-01"},
     {("#/amount/currency", "invalid_choice"), ("#/ends_on", "inconsistent")}),
    ({"rate_at": "weekly"}, {("#/rate_at", "invalid_choice")}),
    ({"partner_id": nobody()}, {("#/partner_id", "reference_not_found")}),
    ({"terms": {"colour": True}}, {("#/terms/colour", "unknown_field")}),
], ids=range(9))
def test_what_is_no_question(place, partner, members, errors):
    assert ask(place, partner, expect=422, **members).errors() == errors


def test_of_whom(place, partner):
    refused = place.admin.post(PATH, JUNE, key=None, expect=422)
    assert refused.errors() == {("#/partner_id", "required")}
    other = place.make_partner("preferred")
    refused = other.api.post(PATH, {**JUNE, "partner_id": partner.id}, key=None, expect=422)
    assert refused.errors() == {("#/partner_id", "reference_not_found")}
