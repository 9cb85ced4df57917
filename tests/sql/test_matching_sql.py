# SPDX-License-Identifier: Apache-2.0
"""Protection by the schema alone, and what a look for rivals costs when there are many deals (domain.md §5.5, §5.6)."""
import json

import psycopg2
import psycopg2.errors
import pytest

from support.world import World

MANY = 20_000
ONE, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture(scope="module")
def place(new_database, new_server):
    url = new_database()
    world = World(new_server(url, jobs="false"), url)
    world.url = url
    world.deals = [world.partner(name).deal() for name in "abc"]
    return world


@pytest.fixture
def cursor(place):
    """As the owner; what a test writes is rolled back."""
    session = psycopg2.connect(place.url)
    cursor = session.cursor()
    cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true)", (place.program_id,))
    yield cursor
    session.rollback()
    session.close()


def protect(cursor, place, deal, key="acme.com", product=None, country="DE", start="2026-01-01T00:00:00Z", end="2026-04-01T00:00:00Z"):
    cursor.execute("""
        insert into deal_protections (program_id, deal_id, partner_id, kind, key, product_id, country, period, is_live)
        values (%s, %s, %s, 'domain', %s, %s, %s, tstzrange(%s, %s), true)""",
        (place.program_id, deal["id"], deal["partner_id"], key, product, country, start, end))


@pytest.mark.parametrize("held, wanted, is_free", [
    ({}, {}, False), ({}, {"key": "acme.org"}, True), ({}, {"country": "FR"}, True), ({}, {"country": None}, False),
    ({"country": None}, {}, False), ({"product": ONE}, {}, False), ({}, {"product": ONE}, False),
    ({"product": ONE}, {"product": ONE}, False), ({"product": ONE}, {"product": OTHER}, True),
    ({}, {"start": "2026-04-01T00:00:00Z", "end": "2026-07-01T00:00:00Z"}, True),
    ({}, {"start": "2026-03-31T23:59:59Z", "end": "2026-07-01T00:00:00Z"}, False),
    ({"end": "2026-01-01T00:00:00Z"}, {}, True),
], ids=["the same", "another key", "another country", "all countries", "held everywhere", "all products are held", "one product",
        "that product", "another product", "from its end on", "a second before", "called off at once"])
def test_two_are_never_protected_for_one_account(place, cursor, held, wanted, is_free):
    first, second, _ = place.deals
    protect(cursor, place, first, **held)
    protect(cursor, place, first, **held)  # its own, with another key or product, is in nobody's way
    if is_free:
        protect(cursor, place, second, **wanted)
        return
    with pytest.raises(psycopg2.errors.ExclusionViolation) as refused:
        protect(cursor, place, second, **wanted)
    assert refused.value.diag.constraint_name == "deal_protections_overlap_excl"


def plans(cursor, sql, values):
    """The kinds of nodes and the relations and indexes they read, from the bottom of what a function runs."""
    cursor.execute("explain (format json) " + sql, values)
    found = []

    def walk(node):
        found.append((node["Node Type"], node.get("Index Name") or node.get("Relation Name")))
        for child in node.get("Plans", []):
            walk(child)

    walk(cursor.fetchone()[0][0]["Plan"])
    return found


def test_a_look_for_rivals_reads_what_it_finds_and_no_more(place, cursor):
    """Beside many deals of others, live and dead, every look goes by the partial index."""
    cursor.execute("""
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id)
        select %s, gen_random_uuid(), %s, 'X-' || n, case when n %% 2 = 0 then 'submitted' else 'rejected' end, 'c' || n, 1, 'EUR', %s
        from generate_series(1, %s) n""", (place.program_id, place.partner("a").id, place.admin_id, MANY))
    cursor.execute("""
        insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
        select d.program_id, d.id, d.partner_id, k.kind, k.key, d.status = 'submitted'
        from deals d cross join lateral (values ('domain', d.customer_name || '.example'), ('word', d.customer_name || ' DE')) k(kind, key)
        where d.number like 'X-%%'""")
    cursor.execute("analyze deal_keys, deals")
    keys = json.dumps([{"kind": "domain", "key": "c42.example"}, {"kind": "word", "key": "c42"}])
    exact = plans(cursor, """select r.deal_id from jsonb_to_recordset(%s) w(kind text, key text)
        join deal_keys r on r.program_id = app_program() and r.kind = w.kind and r.key = w.key and r.is_live""", (keys,))
    named = plans(cursor, """select r.deal_id from deal_keys r where r.program_id = app_program() and r.kind = 'word'
        and r.is_live and r.key >= 'c42 ' and r.key < 'c42!' limit 20""", ())
    for plan in (exact, named):
        assert ("Seq Scan", "deal_keys") not in plan and any(index == "deal_keys_live" for _, index in plan), plan
    cursor.execute("select c.* from deal_candidates(null, null, 'DE', '{}', %s) c", (keys,))
    assert len(cursor.fetchall()) == 1
