# SPDX-License-Identifier: Apache-2.0
"""Territories at once: of what overlaps one wins, the tree stays a tree, and nothing slips through between two tables."""
import pytest

from support.parallel import at_once


def assign(world, partner, region, **members):
    return lambda: world.admin.post("/v1/territory-assignments", {
        "partner_id": partner.id, "region_id": region["id"], "is_exclusive": True, **members})


def in_force(world, *regions):
    return world.admin.list("/v1/territory-assignments", {"region_id": [region["id"] for region in regions],
                                                          "status": "active"})


def refused_with_the_field(answer):
    assert answer.status == 409 and answer.problem == "territory_taken", answer
    assert answer.errors() == {("#/region_id", "not_unique")}


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_two_overlapping_exclusives_one_wins(world, levels):
    a, b = world.partner("a"), world.partner("b")
    for _ in range(5):
        upper = lower = world.make_region()
        for _ in range(levels):
            lower = world.make_region(lower)
        answers = at_once([assign(world, a, upper), assign(world, b, lower)] * 6)
        assert [answer.status for answer in answers].count(201) == 1, answers
        winner = next(index for index, answer in enumerate(answers) if answer.status == 201) % 2
        for index, answer in enumerate(answers):
            if index % 2 != winner:
                refused_with_the_field(answer)
                assert answer["resource_id"] == answers[[x.status for x in answers].index(201)]["id"]
            elif answer.status != 201:
                assert answer.problem == "already_exists", answer
        assert len(in_force(world, upper, lower)) == 1


def test_an_exclusive_against_another_partners_plain_one(world):
    a, b = world.partner("a"), world.partner("b")
    for _ in range(5):
        upper = world.make_region()
        lower = world.make_region(upper)
        answers = at_once([assign(world, a, upper), assign(world, b, lower, is_exclusive=False)])
        assert sorted(answer.status for answer in answers) == [201, 409]
        refused_with_the_field(next(answer for answer in answers if answer.status == 409))


def test_all_products_against_one(world):
    """They overlap in a product, so one wins; of two products both do."""
    a, b, region = world.partner("a"), world.partner("b"), world.make_region()
    one, two = world.make_product()["id"], world.make_product()["id"]
    answers = at_once([assign(world, a, region), assign(world, b, region, product_id=one)])
    assert sorted(answer.status for answer in answers) == [201, 409]
    region = world.make_region()
    answers = at_once([assign(world, a, region, product_id=two), assign(world, b, region, product_id=one)])
    assert [answer.status for answer in answers] == [201, 201]


def test_periods_that_touch_both_win(world):
    region, a, b = world.make_region(), world.partner("a"), world.partner("b")
    answers = at_once([assign(world, a, region, valid_from="2026-01-01T00:00:00Z", valid_to="2026-07-01T00:00:00Z"),
                       assign(world, b, region, valid_from="2026-07-01T00:00:00Z")])
    assert [answer.status for answer in answers] == [201, 201]


def test_an_assignment_against_a_move(world):
    """The region moves below one that is another partner's: it moved first, or was given away first, never both."""
    a, b = world.partner("a"), world.partner("b")
    for _ in range(6):
        taken, moving = world.make_region(), world.make_region()
        world.assign(a, taken, is_exclusive=True)
        move = lambda: world.admin.patch(f"/v1/regions/{moving['id']}", {"parent_id": taken["id"]}, if_match=1)
        moved, given = at_once([move, assign(world, b, moving)])
        assert sorted([moved.status, given.status]) in ([200, 409], [201, 409]), (moved, given)
        if moved.status == 409:
            assert moved.problem == "territory_taken" and moved.errors() == {("#/parent_id", "not_unique")}, moved
        else:
            refused_with_the_field(given)


def test_two_moves_make_no_cycle(world):
    for _ in range(6):
        one, two = world.make_region(), world.make_region()
        move = lambda row, below: lambda: world.admin.patch(
            f"/v1/regions/{row['id']}", {"parent_id": below["id"]}, if_match=1)
        answers = at_once([move(one, two), move(two, one)])
        assert sorted(answer.status for answer in answers) == [200, 422], answers
        refused = next(answer for answer in answers if answer.status == 422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}
        paths = {world.refresh(row)["path"].count("/") for row in (one, two)}
        assert paths == {0, 1}


def test_retired_or_assigned_never_both(world):
    for _ in range(6):
        region = world.make_region()
        retire = lambda: world.admin.post(f"/v1/regions/{region['id']}/retire", if_match=1)
        retired, given = at_once([retire, assign(world, world.partner("a"), region)])
        if retired.status == 200:
            assert given.status == 422 and given.errors() == {("#/region_id", "inconsistent")}, given
        else:
            assert retired.problem == "region_in_use" and given.status == 201, (retired, given)


def test_terminated_or_assigned_never_both(world):
    for _ in range(6):
        partner, region = world.make_partner(), world.make_region()
        terminate = lambda: world.admin.post(f"/v1/partners/{partner.id}/terminate", {"reason": "x"}, if_match="*")
        ended, given = at_once([terminate, assign(world, partner, region)])
        assert ended.status == 200, ended
        assert given.status == 201 or given.problem == "partner_not_active", given
        assert in_force(world, region) == []


def test_one_country_two_regions(world):
    body = lambda key: {"key": key, "name": "x", "countries": ["VU"]}
    answers = at_once([lambda index=index: world.admin.post("/v1/regions", body(f"vu_{index}")) for index in range(8)])
    assert [answer.status for answer in answers].count(201) == 1
    for answer in answers:
        assert answer.status in (201, 409, 422), answer
        if answer.status != 201:
            assert {code for _, code in answer.errors()} == {"not_unique"}, answer


def test_one_rate_an_instant(world):
    body = {"base": "CHF", "quote": "EUR", "rate": "1.05", "source": "ECB", "valid_from": "2026-01-01T00:00:00Z"}
    answers = at_once([lambda: world.admin.post("/v1/fx-rates", body)] * 8)
    assert [answer.status for answer in answers].count(201) == 1
    for answer in answers:
        if answer.status != 201:
            assert answer.problem == "already_exists" and answer.errors() == {("#/valid_from", "not_unique")}, answer
