# SPDX-License-Identifier: Apache-2.0
"""What is done often reads what it is about, however much there is beside it: the plans of the real functions, as the
application's role and behind the walls, with few and with many values known to the planner (architecture.md §4)."""
from types import SimpleNamespace

import psycopg2
import pytest

from support import plans

MANY = 4_000


@pytest.fixture(scope="module")
def place(new_database):
    """Many deals that are protected, and one of them: the statements below are about that one."""
    url = new_database()
    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    cursor.execute("set session_replication_role = replica")
    cursor.execute("select p.program_id, p.id from partners p order by p.id limit 1")
    program, partner = cursor.fetchone()
    cursor.execute("""
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id,
            earns, margin_bps, margin_minor, protection_starts_at, protection_expires_at, claim_number, claimed_at,
            claim_entry_id)
        select %s, gen_random_uuid(), %s, 'X-' || n, 'approved', 'c' || n, 100, 'EUR', gen_random_uuid(), 'margin', 1000, 10,
            program_now(), program_now() + interval '90 days', n, now(), gen_random_uuid()
        from generate_series(1, %s) n""", (program, partner, MANY))
    cursor.execute("""
        insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
        select d.program_id, d.id, d.partner_id, 'domain', d.customer_name || '.example', true from deals d
        where d.number like 'X-%'""")
    cursor.execute("""
        insert into deal_protections (program_id, deal_id, partner_id, kind, key, period, is_live)
        select d.program_id, d.id, d.partner_id, 'domain', d.customer_name || '.example',
            tstzrange(d.protection_starts_at, d.protected_until), true
        from deals d where d.number like 'X-%'""")
    cursor.execute("select d.id from deals d where d.number = 'X-42'")
    deal = cursor.fetchone()[0]
    connection.commit()
    connection.autocommit = True
    cursor.execute("analyze")
    connection.close()
    return SimpleNamespace(url=url, program=program, partner=partner, deal=deal)


@pytest.fixture(params=plans.MODES)
def cursor(place, request):
    with plans.session(place.url, place.program, mode=request.param) as cursor:
        yield cursor


def indexes(scans, relation):
    return {index for name, index, _ in scans if name == relation}


def test_whatever_becomes_of_a_deal_reads_its_own_protections(place, cursor):
    """Not all of them: approval, extension, win, expiry and reassignment all come by here."""
    found = plans.scans(cursor, "update deals d set status = 'expired', version = d.version + 1 where d.program_id = %s and d.id = %s",
                        (place.program, place.deal))
    assert indexes(found, "deal_protections") == {"deal_protections_by_deal"}
