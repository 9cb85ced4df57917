# SPDX-License-Identifier: Apache-2.0
"""Roll-ups of the hierarchy count a deal once (domain.md §5.15), and as much as who asks may see."""
import pytest

from support.judge import is_as_missing
from support.world import World

PATH = "/v1/partners/{}/roll-up"
AMOUNT = 4_800_000


@pytest.fixture(scope="module")
def place(server, database_url):
    """top over middle over bottom, and somebody who buys directly; deals of all."""
    made = World(server, database_url)
    made.set_clock("2026-06-01T00:00:00Z")
    made.top, made.middle = (made.make_partner(type="distributor") for _ in range(2))
    made.bottom, made.direct = made.make_partner(), made.make_partner()
    made.relate(made.middle.id, made.top.id)
    made.relate(made.bottom.id, made.middle.id)
    for partner, states in {made.top: ["submitted"], made.middle: ["approved", "draft", "lost"],
                            made.bottom: ["won", "in_review", "rejected"], made.direct: ["won"]}.items():
        for state in states:
            made.deal_in(state, partner)
    made.bottom.deal(amount={"amount_minor": 700, "currency": "USD"})
    return made


def lines(client, partner, **query):
    answer = client.get(PATH.format(partner.id), query or None).json
    return answer["reseller_count"], {
        (row["part"], row["currency"]): (row["open_count"], row["open_amount"]["amount_minor"], row["won_count"],
                                         row["won_amount"]["amount_minor"]) for row in answer["lines"]}


def test_it_runs_down_to_the_bottom(place):
    assert lines(place.admin, place.top) == (2, {
        ("own", "EUR"): (1, AMOUNT, 0, 0), ("resellers", "EUR"): (2, 2 * AMOUNT, 1, AMOUNT),
        ("total", "EUR"): (3, 3 * AMOUNT, 1, AMOUNT), ("resellers", "USD"): (1, 700, 0, 0),
        ("total", "USD"): (1, 700, 0, 0)})
    assert lines(place.admin, place.middle)[0] == 1
    assert lines(place.admin, place.bottom)[1][("total", "EUR")] == (1, AMOUNT, 1, AMOUNT)


def test_all_tops_together_are_all_deals_once(place):
    tops = [lines(place.admin, partner)[1] for partner in (place.top, place.direct)]
    everybody = [lines(place.admin, partner)[1] for partner in (place.top, place.middle, place.bottom, place.direct)]
    add = lambda answers, part: [sum(answer.get((part, "EUR"), (0, 0, 0, 0))[i] for answer in answers) for i in range(4)]
    assert add(tops, "total") == add(everybody, "own") == [3, 3 * AMOUNT, 2, 2 * AMOUNT]


def test_a_period_bounds_what_was_won(place):
    closed = lambda **query: lines(place.admin, place.direct, **query)[1].get(("own", "EUR"))
    assert closed(closed_on_gte="2026-06-01", closed_on_lt="2026-06-02") == (0, 0, 1, AMOUNT)
    assert closed(closed_on_gte="2026-06-02") is None and closed(closed_on_lt="2026-06-01") is None


def test_what_a_partner_sees(place):
    assert lines(place.top.api, place.top) == lines(place.admin, place.top)
    assert lines(place.bottom.api, place.bottom) == lines(place.admin, place.bottom)
    for partner in (place.middle, place.bottom, place.direct):
        is_as_missing(place.top.api, PATH, partner.id)


def test_as_far_as_the_program_lets_it(place):
    for visibility, count in (("partners", 2), ("none", 0), ("deals", 2)):
        place.admin.patch("/v1/program", {"distributor_visibility": visibility}, if_match="*", expect=200)
        seen, parts = lines(place.top.api, place.top)
        assert seen == count and (("resellers", "EUR") in parts) == (visibility == "deals")


def test_a_move_takes_its_deals_along(place):
    other = place.make_partner(type="distributor")
    place.relate(place.bottom.id, other.id, starts_at="2026-07-01T00:00:00Z")
    assert lines(place.admin, other) == (0, {})
    place.set_clock("2026-07-01T00:00:00Z")
    assert lines(place.admin, other)[1][("total", "EUR")] == (1, AMOUNT, 1, AMOUNT)
    assert lines(place.admin, place.top)[1][("resellers", "EUR")] == (1, AMOUNT, 0, 0)
