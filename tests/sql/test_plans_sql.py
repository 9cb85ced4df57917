# SPDX-License-Identifier: Apache-2.0
"""What is done often reads what it is about, however much there is beside it: the plans of the real functions, as the
application's role and behind the walls, with few and with many values known to the planner (architecture.md §4)."""
import json
from types import SimpleNamespace

import psycopg2
import pytest

from support import plans

MANY = 4_000


def copied_program(cursor):
    """The demo's program with its tiers and partners, and nothing that happened there."""
    cursor.execute("select gen_random_uuid()::text")
    program = cursor.fetchone()[0]
    for name, members in {
        "programs": {"id": program, "slug": "plans", "test_now": None},
        "tiers": {"program_id": program}, "partners": {"program_id": program},
    }.items():
        cursor.execute("""
            select string_agg(attname, ', '), string_agg('(x.row).' || attname, ', ') from pg_attribute
            where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''""", (name,))
        columns, values = cursor.fetchone()
        cursor.execute(f"insert into {name} ({columns}) select {values} "
                       f"from (select jsonb_populate_record(o, %s) as row from {name} o) x", (json.dumps(members),))
    cursor.execute("select set_config('app.program', %s, false)", (program,))
    return program


@pytest.fixture(scope="module")
def place(new_database):
    """Many deals that are protected, and one of them: the statements below are about that one."""
    url = new_database()
    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    cursor.execute("set session_replication_role = replica")
    program = copied_program(cursor)
    cursor.execute("select p.id from partners p where p.program_id = %s order by p.id limit 2", (program,))
    (partner,), (other,) = cursor.fetchall()
    cursor.execute("""
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id,
            earns, margin_bps, margin_minor, protection_starts_at, protection_expires_at, next_notice_at)
        select %s, gen_random_uuid(), case when n < 5 then %s::uuid else %s end, 'X-' || n, case when n %% 2 = 0 then 'approved' else 'won' end, 'c' || n, 100, 'EUR',
            gen_random_uuid(), 'margin', 1000, 10, program_now(), program_now() + interval '90 days',
            case when n %% 2 = 0 then program_now() + interval '80 days' end
        from generate_series(1, %s) n""", (program, other, partner, MANY))
    cursor.execute("""
        insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
        select d.program_id, d.id, d.partner_id, 'domain', d.customer_name || '.example', true from deals d
        where d.number like 'X-%'""")
    cursor.execute("""
        insert into deal_protections (program_id, deal_id, partner_id, kind, key, period, is_live)
        select d.program_id, d.id, d.partner_id, 'domain', d.customer_name || '.example',
            tstzrange(d.protection_starts_at, d.protected_until), true
        from deals d where d.number like 'X-%'""")
    cursor.execute("""
        insert into decisions (program_id, id, partner_id, kind, resource_type, resource_id, rule_set, rule_set_version, steps,
            outcome, inputs, created_at)
        select d.program_id, gen_random_uuid(), d.partner_id, 'deal.approved', 'deal', d.id, 'deal_review', 1, '[]', '{}', '{}',
            d.created_at
        from deals d where d.number like 'X-%'""")
    cursor.execute("""
        insert into dispute_parties (program_id, dispute_id, role, partner_id, deal_id)
        select d.program_id, gen_random_uuid(), 'claimant', d.partner_id, d.id from deals d where d.number = 'X-1'""")
    cursor.execute("select d.id from deals d where d.number = 'X-42'")
    deal = cursor.fetchone()[0]
    connection.commit()
    connection.autocommit = True
    cursor.execute("analyze")
    connection.close()
    return SimpleNamespace(url=url, program=program, partner=partner, other=other, deal=deal)


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


def test_who_gets_a_deal_gets_the_decisions_behind_it(place, cursor):
    found = plans.scans(cursor, "select deal_follow_partner(%s, gen_random_uuid(), %s)", (place.deal, place.other))
    assert indexes(found, "decisions") == {"decisions_by_resource"}


def test_a_merged_partner_brings_the_decisions_behind_what_it_had(place, cursor):
    cursor.execute("select p.version, (select count(*) from deals d where d.partner_id = p.id) from partners p where p.id = %s",
                   (place.other,))
    version, deals = cursor.fetchone()
    found = plans.scans(cursor, "select partner_merge(%s, %s, %s)", (
        json.dumps({"actor_type": "system", "actor_id": place.program}), place.other,
        json.dumps({"into_partner_id": place.partner, "expected_version": version, "deals": deals})))
    assert cursor.fetchone()[0] == 1
    assert indexes(found, "decisions") == {"decisions_by_resource"}


@pytest.mark.parametrize("due", ["job_expire_due", "job_remind_due", "job_accounts_due"])
def test_a_job_with_nothing_to_do_reads_nothing(place, cursor, due):
    """Jobs look several times a second, at every program."""
    found = plans.statement(cursor, due, place.program, decision={"batch": 100})
    assert {index for relation, index, _ in found if relation.startswith("deal")}.isdisjoint({None}), found
    assert sum(in_vain for _, _, in_vain in found) < 10, found
