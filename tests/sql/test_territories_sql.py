# SPDX-License-Identifier: Apache-2.0
"""Exclusivity by the schema alone (domain.md §5.18): region × product × period, with no statement of ours before it."""
import uuid

import psycopg2
import psycopg2.errors
import pytest

from support.world import World


@pytest.fixture(scope="module")
def place(new_database, new_server):
    url = new_database()
    world = World(new_server(url), url)
    world.url = url
    return world


@pytest.fixture
def cursor(place):
    """As the owner, who is past the walls; what a test writes is rolled back."""
    session = psycopg2.connect(place.url)
    yield session.cursor()
    session.rollback()
    session.close()


def assign(cursor, place, partner, region, product=None, exclusive=True, start="2026-01-01", end=None):
    cursor.execute("""
        insert into territory_assignments (program_id, id, partner_id, region_id, region_path, product_id, is_exclusive,
            valid_from, valid_to, created_by_id)
        select program_id, gen_random_uuid(), %s, id, path, %s, %s, %s, %s, id from regions where id = %s returning id""",
        (place.partner(partner).id, product, exclusive, start, end, region["id"]))
    return cursor.fetchone()[0]


def is_refused(cursor, constraint, *arguments, **members):
    cursor.execute("savepoint s")
    with pytest.raises(psycopg2.errors.ExclusionViolation) as refused:
        assign(cursor, *arguments, **members)
    assert refused.value.diag.constraint_name in constraint
    cursor.execute("rollback to savepoint s")


EITHER = {"territory_assignments_exclusive_excl", "territory_assignments_others_excl"}
ONE, OTHER = "one", "other"


@pytest.mark.parametrize("held, wanted, is_free", [
    (None, None, False), (None, ONE, False), (ONE, None, False), (ONE, ONE, False), (ONE, OTHER, True), (OTHER, ONE, True)])
def test_products(place, cursor, held, wanted, is_free):
    """No product is every product."""
    region = place.make_region()
    below = place.make_region(region)
    ids = {None: None, ONE: place.make_product()["id"], OTHER: place.make_product()["id"]}
    held, wanted = ids[held], ids[wanted]
    assign(cursor, place, "a", region, held)
    for exclusive in (True, False):
        if is_free:
            assign(cursor, place, "b", below, wanted, exclusive)
        else:
            is_refused(cursor, EITHER, place, "b", below, wanted, exclusive)


def test_keys_that_begin_alike_are_not_below_each_other(place, cursor):
    """de, de_by and dea: only what lies behind the slash lies below."""
    stem = f"k{uuid.uuid4().hex[:8]}"
    for index, key in enumerate((stem, f"{stem}_by", f"{stem}a", f"{stem}0", stem[:-1])):
        assign(cursor, place, "ab"[index % 2], place.make_region(key=key))


def test_a_move_is_held_against_everything_below(place, cursor):
    """By the owner, past our statements: the foreign keys carry the new path, and the constraint judges it."""
    taken, top = place.make_region(), place.make_region()
    lower = place.make_region(place.make_region(top))
    assign(cursor, place, "a", taken)
    mine = assign(cursor, place, "b", lower)
    with pytest.raises(psycopg2.errors.ExclusionViolation):
        cursor.execute("update regions set parent_id = %s, parent_path = %s where id = %s",
                       (taken["id"], taken["path"] + "/", top["id"]))
    assert mine


@pytest.mark.parametrize("path", ["", "wrong/"])
def test_a_path_is_the_parents(place, cursor, path):
    parent, child = place.make_region(), place.make_region()
    with pytest.raises((psycopg2.errors.ForeignKeyViolation, psycopg2.errors.CheckViolation)):
        cursor.execute("update regions set parent_id = %s, parent_path = %s where id = %s", (parent["id"], path, child["id"]))


def test_there_is_no_cycle_to_be_made(place, cursor):
    one = place.make_region()
    two = place.make_region(one)
    for row, below in ((one, two), (one, one)):
        cursor.execute("savepoint s")
        with pytest.raises(psycopg2.errors.CheckViolation) as refused:
            cursor.execute("update regions set parent_id = %s, parent_path = %s where id = %s",
                           (below["id"], below["path"] + "/", row["id"]))
        assert refused.value.diag.constraint_name == "regions_cycle_check"
        cursor.execute("rollback to savepoint s")
