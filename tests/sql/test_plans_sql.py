# SPDX-License-Identifier: Apache-2.0
"""What is done often reads what it is about, however much there is beside it: the plans of the real functions, as the
application's role and behind the walls, with few and with many values known to the planner (architecture.md §4)."""
import json
from types import SimpleNamespace

import psycopg2
import pytest

from support import plans

MANY, LEDGER = 4_000, 8_000
NOBODY = "00000000-0000-4000-8000-000000000000"


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


def seed_ledger(cursor, program, partner):
    """What the deals of one partner have left behind, sealed."""
    cursor.execute("""
        insert into audit_entries (program_id, id, partner_id, occurred_at, actor_type, actor_id, address, request_id, action,
            resource_type, resource_id, resource_version, previous, current, content_hash, entry_hash, seq, prev_hash, hash)
        select %s, gen_random_uuid(), %s, program_now() - n * interval '1 minute', 'user', md5((n %% 9)::text)::uuid,
            '10.0.0.' || n %% 50, gen_random_uuid(), case when n %% 2 = 0 then 'deal.updated' else 'deal.submitted' end, 'deal',
            gen_random_uuid(), 1, '{}', '{}', 'x', 'x', n, n::text::bytea, 'x'
        from generate_series(1, %s) n""", (program, partner, LEDGER))
    cursor.execute("""
        insert into events (program_id, id, partner_id, type, occurred_at, actor_type, actor_id, resource_type, resource_id,
            resource_version, data, previous)
        select a.program_id, a.id, a.partner_id, a.action, a.occurred_at, a.actor_type, a.actor_id, a.resource_type,
            a.resource_id, 1, '{}', '{}'
        from audit_entries a where a.program_id = %s""", (program,))


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
            earns, margin_bps, margin_minor, protection_starts_at, protection_expires_at, next_notice_at, closed_on,
            actual_amount_minor, worth_minor, worth_currency)
        select %s, gen_random_uuid(), case when n < 5 then %s::uuid else %s end, 'X-' || n, case when n %% 2 = 0 then 'approved' else 'won' end, 'c' || n, 100,
            case when n %% 8 = 1 then 'CHF' else 'EUR' end, gen_random_uuid(), 'margin', 1000, 10, program_now(), program_now() + interval '90 days',
            case when n %% 2 = 0 then program_now() + interval '80 days' end, case when n %% 2 = 1 then '2026-01-31'::date end,
            case when n %% 2 = 1 then 100 end, case when n %% 2 = 1 and n %% 8 <> 1 then 100 end,
            case when n %% 2 = 1 and n %% 8 <> 1 then 'EUR' end
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
    seed_ledger(cursor, program, partner)
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


def rows_read(scans):
    return sum(rows for _, _, rows in scans)


def test_whatever_becomes_of_a_deal_reads_its_own_protections(place, cursor):
    """Not all of them: approval, extension, win, expiry and reassignment all come by here."""
    found = plans.scans(cursor, "update deals d set status = 'expired', version = d.version + 1 where d.program_id = %s and d.id = %s",
                        (place.program, place.deal))
    assert indexes(found, "deal_protections") == {"deal_protections_by_deal"}


def test_who_gets_a_deal_gets_the_decisions_behind_it(place, cursor):
    found = plans.scans(cursor, "select deals_follow_partner(array[%s::uuid], %s)", (place.deal, place.other))
    assert indexes(found, "decisions") == {"decisions_by_resource"}


def test_a_merged_partner_brings_the_decisions_behind_what_it_had(place, cursor):
    cursor.execute("select p.version, partner_deals_count(p.id) from partners p where p.id = %s", (place.other,))
    version, counted = cursor.fetchone()
    found = plans.scans(cursor, "select partner_merge(%s, %s, %s)", (
        json.dumps({"actor_type": "system", "actor_id": place.program}), place.other,
        json.dumps({"into_partner_id": place.partner, "expected_version": version, "counted": counted})))
    assert cursor.fetchone()[0] == 1
    assert indexes(found, "decisions") == {"decisions_by_resource"}


@pytest.mark.parametrize("due", ["job_expire_due", "job_remind_due", "job_accounts_due", "job_worth_due"])
def test_a_job_with_nothing_to_do_reads_nothing(place, cursor, due):
    """Jobs look several times a second, at every program. Some of what is won has no rate, and waits for one."""
    found = plans.statement(cursor, due, place.program, decision={"batch": 100})
    assert {index for relation, index, _ in found if relation.startswith("deal")}.isdisjoint({None}), found
    assert rows_read(found) < 20, found


def worth_due(place, cursor):
    """How many deals are to be converted, and the deals that were read to say so."""
    found = plans.statement(cursor, "job_worth_due", place.program, decision={"batch": 100})
    count = len(cursor.fetchall())
    cursor.execute("deallocate asked")
    return count, rows_read([scan for scan in found if scan[0] == "deals"])


def test_a_rate_converts_the_deals_that_it_is_for(place, cursor):
    """By the day on which they were closed, and a batch at a time."""
    add = """
        insert into fx_rates (program_id, id, base, quote, rate, source, valid_from, created_by_id)
        values (%s, gen_random_uuid(), %s, %s, '0.9', 'ECB', %s, gen_random_uuid())"""
    cursor.execute(add, (place.program, "CHF", "EUR", "2026-02-01T00:00:00+01:00"))
    count, read = worth_due(place, cursor)
    assert count == 0 and read < 20
    cursor.execute(add, (place.program, "EUR", "CHF", "2026-01-31T23:59:00+01:00"))
    count, read = worth_due(place, cursor)
    assert count == 100 and read < 120


def test_another_currency_of_the_program_converts_everything_anew(place, cursor):
    cursor.execute("update programs set currency = 'CHF' where id = %s", (place.program,))
    count, read = worth_due(place, cursor)
    assert count == 100 and read < 120, "those in its currency"
    cursor.execute("update programs set currency = 'SEK' where id = %s", (place.program,))
    count, read = worth_due(place, cursor)
    assert count == 0 and read < 20, "there is no rate"


def log_page(cursor, program, condition, kind, value):
    """A page of the audit log by one filter, as the server composes it."""
    cursor.execute(f"""
        prepare log_page (uuid, {kind}) as select s.*, s.occurred_at::text as _key from audit_entry_shape s
        where s._program_id = $1 and {condition} order by s.occurred_at, s.id limit 26""")
    return plans.scans(cursor, "execute log_page (%s, %s)", (program, value))


def feed_page(cursor, program, condition, kind, value):
    cursor.execute(f"""
        prepare feed_page (uuid, {kind}, text[]) as select s.*, s.sequence::text as _key from event_shape s
        where s._program_id = $1 and s."resource.object" = any($3) and {condition} order by s.sequence limit 26""")
    return plans.scans(cursor, "execute feed_page (%s, %s, '{deal,user,partner}')", (program, value))


@pytest.mark.parametrize("condition, kind, value", [
    ("s.partner_id = $2", "uuid", NOBODY), ("s.request_id = $2", "uuid", NOBODY), ("s.address = $2", "text", "192.0.2.1"),
    ("s.action = $2", "text", "deal.won"), ("s.\"resource.object\" = $2", "text", "user"),
    ("s.\"resource.id\" = $2", "uuid", NOBODY), ("s.\"actor.id\" = $2", "uuid", NOBODY),
], ids=["partner_id", "request_id", "address", "action", "resource_object", "resource_id", "actor_id"])
def test_what_few_entries_have_in_common_is_found_without_the_others(place, cursor, condition, kind, value):
    assert rows_read(log_page(cursor, place.program, condition, kind, value)) < 20


@pytest.mark.parametrize("condition, kind, value", [
    ("s.type = $2", "text", "deal.won"), ("s.\"resource.id\" = $2", "uuid", NOBODY), ("s.sequence > $2", "bigint", LEDGER),
], ids=["type", "resource_id", "after"])
def test_rare_events_are_found_without_the_others(place, cursor, condition, kind, value):
    assert rows_read(feed_page(cursor, place.program, condition, kind, value)) < 20


@pytest.mark.parametrize("mode", plans.MODES)
def test_a_quiet_partner_is_not_told_by_way_of_all_others(place, mode):
    with plans.session(place.url, place.program, str(place.other), mode) as cursor:
        for page in feed_page, log_page:
            assert rows_read(page(cursor, place.program, "s._partner_id = $2", "uuid", place.other)) < 20
