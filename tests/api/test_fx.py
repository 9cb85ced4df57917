# SPDX-License-Identifier: Apache-2.0
"""Exchange rates as dated records, and what an amount is worth by them (domain.md §5.9). The worked cases of conversion
and rounding are in tests/unit/domain/cases/fx_*.tsv; here is what depends on the records."""
import pytest

from support import wait
from support.judge import command_is_consistent, events_of
from support.world import World

PATH = "/v1/fx-rates"
RATE = {"base": "USD", "quote": "EUR", "rate": "0.9200", "source": "ECB", "valid_from": "2026-03-02T15:00:00Z"}


@pytest.fixture
def world(server, database_url):
    """A program without any rate: its currency is the euro."""
    made = World(server, database_url)
    made.set_clock("2026-06-01T00:00:00Z")
    return made


def convert(world, amount_minor, way_from, way_to, at=None, by=None, **how):
    query = {"amount_minor": amount_minor, "from": way_from, "to": way_to, **({"at": at} if at else {})}
    return (by or world.admin).get("/v1/fx-conversions", query, **how)


def worth(*arguments, **how):
    answer = convert(*arguments, **how)
    return answer["converted"]["amount_minor"], answer["way"]


def test_a_rate_is_a_record(world):
    row = command_is_consistent(world.admin, world.admin.post(PATH, RATE, expect=201))
    assert row["rate"] == "0.92" and row["source"] == "ECB" and row["valid_from"] == "2026-03-02T15:00:00.000Z"
    assert row["created_by_id"] == world.admin_id and row["allowed_actions"] == ["withdraw"]
    world.admin.patch(f"{PATH}/{row['id']}", {"rate": "0.93"}, if_match=1, expect=405)
    refused = world.admin.post(PATH, {**RATE, "rate": "0.93", "source": "bank"}, expect=409, problem="already_exists")
    assert refused.errors() == {("#/valid_from", "not_unique")} and refused["resource_id"] == row["id"]


@pytest.mark.parametrize("members, errors", [
    ({"rate": "0"}, {("#/rate", "invalid_format")}), ({"rate": "0.000"}, {("#/rate", "invalid_format")}),
    ({"rate": "-1"}, {("#/rate", "invalid_format")}), ({"rate": "1e3"}, {("#/rate", "invalid_format")}),
    ({"rate": "01.5"}, {("#/rate", "invalid_format")}), ({"rate": "1."}, {("#/rate", "invalid_format")}),
    ({"rate": ".5"}, {("#/rate", "invalid_format")}), ({"rate": "1,5"}, {("#/rate", "invalid_format")}),
    ({"rate": "1234567890"}, {("#/rate", "invalid_format")}), ({"rate": 0.92}, {("#/rate", "wrong_type")}),
    ({"rate": "123456789.1234567891"}, {("#/rate", "invalid_format")}),
    ({"quote": "USD"}, {("#/quote", "inconsistent")}),
    ({"base": "XXX", "quote": "ABC"}, {("#/base", "invalid_choice"), ("#/quote", "invalid_choice")}),
    ({"base": "ABC", "rate": "0"}, {("#/base", "invalid_choice"), ("#/rate", "invalid_format")}),
    ({"source": " "}, {("#/source", "invalid_format")}), ({"status": "withdrawn"}, {("#/status", "read_only_field")}),
])
def test_what_is_no_rate(world, members, errors):
    assert world.admin.post(PATH, {**RATE, **members}, expect=422).errors() == errors


def test_accrued_at_one_rate_reversed_at_the_same(world):
    """1,000.00 USD at 0.9200 is 920.00 EUR, and stays so when the market has moved."""
    frozen = world.make_rate(**RATE)
    world.make_rate(**{**RATE, "rate": "0.9500", "valid_from": "2026-05-01T00:00:00Z"})
    then = convert(world, 100_000, "USD", "EUR", "2026-03-10T00:00:00Z")
    assert then["converted"] == {"amount_minor": 92_000, "currency": "EUR"} and then["way"] == "direct"
    assert then["at"] == "2026-03-10T00:00:00.000Z"
    assert then["legs"] == [{"fx_rate_id": frozen["id"], "base": "USD", "quote": "EUR", "rate": "0.92", "is_inverse": False,
                             "source": "ECB", "valid_from": "2026-03-02T15:00:00.000Z"}]
    assert worth(world, -100_000, "USD", "EUR", "2026-03-10T00:00:00Z") == (-92_000, "direct")
    assert worth(world, 100_000, "USD", "EUR") == (95_000, "direct")


def test_in_force_from_its_instant_on(world):
    world.make_rate(**RATE)
    world.make_rate(**{**RATE, "rate": "0.95", "valid_from": "2026-05-01T00:00:00Z"})
    world.make_rate(**{**RATE, "rate": "0.99", "valid_from": "2026-07-01T00:00:00Z"})
    convert(world, 100, "USD", "EUR", "2026-03-02T14:59:59.999Z", expect=409, problem="rate_missing")
    assert worth(world, 100, "USD", "EUR", "2026-03-02T15:00:00Z") == (92, "direct")
    assert worth(world, 100, "USD", "EUR", "2026-04-30T23:59:59.999999Z") == (92, "direct")
    assert worth(world, 100, "USD", "EUR", "2026-05-01T00:00:00Z") == (95, "direct")
    assert worth(world, 100, "USD", "EUR") == (95, "direct"), "what is to come does not count yet"
    world.set_clock("2026-07-01T00:00:00Z")
    assert worth(world, 100, "USD", "EUR") == (99, "direct")


def test_the_other_way_round(world):
    world.make_rate(**RATE)
    assert worth(world, 92_000, "EUR", "USD") == (100_000, "inverse")
    assert worth(world, 100, "EUR", "USD") == (109, "inverse"), "108.695…, rounded once"
    world.make_rate("EUR", "USD", "1.1", valid_from="2026-04-01T00:00:00Z")
    assert worth(world, 100, "EUR", "USD") == (110, "direct")
    assert worth(world, 110, "USD", "EUR") == (100, "inverse"), "the younger rate of a pair counts, both ways"
    assert worth(world, 100, "USD", "EUR", "2026-03-31T00:00:00Z") == (92, "direct")


def test_over_the_currency_of_the_program(world):
    usd, jpy = world.make_rate(**RATE), world.make_rate("EUR", "JPY", "160.5", valid_from="2026-03-03T00:00:00Z")
    answer = convert(world, 100_000, "USD", "JPY")
    assert (answer["converted"], answer["way"]) == ({"amount_minor": 147_660, "currency": "JPY"}, "cross")
    assert [leg["fx_rate_id"] for leg in answer["legs"]] == [usd["id"], jpy["id"]]
    assert worth(world, 147_660, "JPY", "USD") == (100_000, "cross")
    world.make_rate("JPY", "USD", "0.007", valid_from="2026-03-01T00:00:00Z")
    assert worth(world, 1_000, "JPY", "USD") == (700, "direct"), "the pair's own rate goes before any detour"
    convert(world, 1, "USD", "GBP", expect=409, problem="rate_missing")


def test_currencies_have_their_decimals(world):
    world.make_rate("EUR", "KWD", "0.333", valid_from="2026-03-01T00:00:00Z")
    world.make_rate("EUR", "CLF", "0.025", valid_from="2026-03-01T00:00:00Z")
    assert worth(world, 100, "EUR", "KWD") == (333, "direct")
    assert worth(world, 333, "KWD", "EUR") == (100, "inverse")
    assert worth(world, 100, "EUR", "CLF") == (250, "direct")
    assert worth(world, 100, "EUR", "EUR") == (100, "same")
    assert convert(world, 100, "EUR", "EUR")["legs"] == []


def test_out_of_range(world):
    world.make_rate("EUR", "IRR", "999999999", valid_from="2026-03-01T00:00:00Z")
    convert(world, 2**53 - 1, "EUR", "IRR", expect=422, problem="validation_failed")
    assert worth(world, 2**53 - 1, "IRR", "EUR") == (9_007_199, "inverse")
    assert worth(world, 9_007_199, "EUR", "IRR") == (9_007_198_990_992_801, "direct")


def test_a_wrong_rate_is_withdrawn(world):
    world.make_rate(**RATE)
    wrong = world.make_rate(**{**RATE, "rate": "9.5", "valid_from": "2026-05-01T00:00:00Z"})
    assert worth(world, 100, "USD", "EUR") == (950, "direct")
    row = world.act("fx-rates", wrong, "withdraw", {"reason": "A digit was lost."})
    assert (row["status"], row["withdraw_reason"], row["allowed_actions"]) == ("withdrawn", "A digit was lost.", [])
    assert worth(world, 100, "USD", "EUR") == (92, "direct"), "the one before is in force again"
    world.make_rate(**{**RATE, "rate": "0.95", "valid_from": "2026-05-01T00:00:00Z"})
    assert worth(world, 100, "USD", "EUR") == (95, "direct")
    world.admin.post(f"{PATH}/{row['id']}/withdraw", {"reason": "x"}, if_match=2, expect=409, problem="invalid_transition")


def test_filters(world):
    rows = [world.make_rate(**RATE), world.make_rate("GBP", "EUR", "1.17", source="bank", valid_from="2026-04-01T00:00:00Z"),
            world.make_rate("EUR", "JPY", "160", valid_from="2026-05-01T00:00:00Z")]
    ids = [row["id"] for row in rows]
    found = lambda **query: [ids.index(row["id"]) for row in world.admin.list(PATH, query)]
    assert found() == [2, 1, 0] and found(sort="valid_from") == [0, 1, 2]
    assert found(base=["USD", "GBP"]) == [1, 0] and found(quote="JPY") == [2] and found(source="bank") == [1]
    assert found(valid_from_gte="2026-04-01T00:00:00Z", valid_from_lt="2026-05-01T00:00:00Z") == [1]
    world.act("fx-rates", rows[0], "withdraw", {"reason": "x"})
    assert found(status="active") == [2, 1]


def test_who_may(world):
    partner = world.partner("a").api
    row = world.make_rate(**RATE)
    assert partner.get(f"{PATH}/{row['id']}")["allowed_actions"] == []
    assert worth(world, 100, "USD", "EUR", by=partner) == (92, "direct")
    partner.post(PATH, RATE, expect=403, problem="insufficient_scope")
    world.user("finance").post(PATH, {**RATE, "valid_from": "2026-04-01T00:00:00Z"}, expect=201)


@pytest.mark.parametrize("query, place", [
    ({"from": "USD", "to": "EUR"}, "amount_minor"), ({"amount_minor": 1, "to": "EUR"}, "from"),
    ({"amount_minor": 1, "from": "USD", "to": "XXX"}, "to"), ({"amount_minor": 1, "from": "usd", "to": "EUR"}, "from"),
    ({"amount_minor": 2**53, "from": "USD", "to": "EUR"}, "amount_minor"),
    ({"amount_minor": "1.5", "from": "USD", "to": "EUR"}, "amount_minor"),
    ({"amount_minor": 1, "from": "USD", "to": "EUR", "at": "yesterday"}, "at"),
])
def test_what_is_no_question(world, query, place):
    refused = world.admin.get("/v1/fx-conversions", query, expect=400)
    assert {where for where, _ in refused.errors()} == {place}


# ---- what a won deal is worth ----
def won(world, minor, currency="USD", body=None):
    amount = {"amount_minor": minor, "currency": currency}
    deal = world.act("deals", world.refresh(world.partner("a").deal(amount=amount)), "approve", {})
    return world.act("deals", deal, "win", body or {})


def won_metric(world):
    """What a review counts for the partner now, by a tier that asks for it."""
    if not any(tier["rank"] == 50 for tier in world.admin.list("/v1/tiers")):
        world.make_tier(rank=50, requirements=[
            {"metric": "won_amount_minor", "comparison": "gte", "value": 10**12, "window_days": 365}])
    review = world.make_review(world.partner("a").id)
    return [need["have"] for tier in review["tiers"] for need in tier["requirements"]
            if need["metric"] == "won_amount_minor"][0]


def test_the_rate_is_frozen_with_the_deal(world):
    rate = world.make_rate(**RATE)
    deal = won(world, 100_000)
    assert deal["actual_amount"] == {"amount_minor": 100_000, "currency": "USD"}
    assert deal["program_amount"] == {"amount_minor": 92_000, "currency": "EUR"}
    frozen = deal["program_amount_conversion"]
    assert frozen["way"] == "direct" and frozen["at"] == "2026-06-01T00:00:00.000Z"
    assert frozen["legs"] == [{"fx_rate_id": rate["id"], "base": "USD", "quote": "EUR", "rate": "0.92", "is_inverse": False,
                               "source": "ECB", "valid_from": "2026-03-02T15:00:00.000Z"}]
    world.admin.post(PATH, {**RATE, "rate": "0.9500", "valid_from": "2026-05-31T00:00:00Z"}, expect=201)
    assert world.refresh(deal)["program_amount"]["amount_minor"] == 92_000, "whatever the market says later"
    assert won(world, 100_000)["program_amount"]["amount_minor"] == 95_000
    own = won(world, 4_800_000, "EUR")
    assert own["program_amount"] == own["actual_amount"] and own["program_amount_conversion"] is None


def test_a_deal_counts_by_the_rate_of_the_day_it_was_closed(world):
    world.make_rate(**RATE)
    world.admin.post(PATH, {**RATE, "rate": "0.9500", "valid_from": "2026-05-02T00:00:00Z"}, expect=201)
    worth = lambda day: won(world, 100_000, body={"closed_on": day})["program_amount"]["amount_minor"]
    assert [worth(day) for day in ("2026-05-01", "2026-05-02", "2026-06-01")] == [92_000, 95_000, 95_000]


def test_won_amounts_are_counted_in_the_programs_currency(world):
    world.make_rate(**RATE)
    won(world, 100_000)
    won(world, 300_000, "EUR")
    won(world, 7_000, "JPY")  # no rate leads there
    assert won_metric(world) == 392_000


def test_a_rate_that_comes_late_is_not_too_late(world):
    deal = won(world, 100_000)
    assert deal["program_amount"] is None and deal["program_amount_conversion"] is None
    world.make_rate(**RATE)
    after = wait.until(lambda: (row := world.refresh(deal))["program_amount"] and row, "the deal is converted")
    assert after["program_amount"]["amount_minor"] == 92_000 and after["version"] == deal["version"] + 1
    [event] = [row for row in events_of(world.admin, deal["id"], 4) if row["type"] == "deal.converted"]
    assert event["actor"]["type"] == "system"
    assert won_metric(world) == 92_000
