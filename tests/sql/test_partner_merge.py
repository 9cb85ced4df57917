# SPDX-License-Identifier: Apache-2.0
"""A merge thinks of every table that refers to partners (sql/functions/partner_ends.sql)."""
import json

import psycopg2

MOVED = {
    "deal_collaborators.partner_id",
    "api_clients.partner_id",
    "deals.distributor_id",
    "deals.partner_id",
    "dispute_parties.partner_id",
    "files.partner_id",
    "identity_providers.partner_id",
    "imports.partner_id",
    "margin_quotes.partner_id",
    "partner_applications.partner_id",
    "partner_certifications.partner_id",
    "partner_contacts.partner_id",
    "users.partner_id",
}
KEPT = {
    "partner_tier_changes.partner_id": "the duplicate's own history",
    "partner_measurements.partner_id": "what was reported of the duplicate",
    "tier_reviews.partner_id": "the duplicate's own history",
    "partners.merged_into_id": "what a duplicate became part of",
    "partner_agreements.partner_id": "what the duplicate agreed to, it agreed to",
    "partner_relations.partner_id": "they end",
    "partner_relations.parent_id": "they end",
    "sessions.partner_id": "they end",
    "territory_assignments.partner_id": "they end: two partners' exclusives may exclude each other",
    "benefit_overrides.partner_id": "agreed with the duplicate, which is entitled to nothing any more",
    "deal_limits.partner_id": "it was the duplicate's",
}


def test_every_reference_is_moved_or_kept_for_a_reason(new_database):
    """The last column of a reference: the first is the program."""
    session = psycopg2.connect(new_database())
    with session.cursor() as cursor:
        cursor.execute("""
            select distinct c.relname || '.' || a.attname from pg_constraint k join pg_class c on c.oid = k.conrelid
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[array_length(k.conkey, 1)]
            where k.contype = 'f' and k.confrelid = 'partners'::regclass""")
        columns = {name for name, in cursor.fetchall()}
    session.close()
    silent = columns - MOVED - set(KEPT)
    assert not silent, f"does partner_merge move {sorted(silent)}? Do it there, and say so here"
    assert columns == MOVED | set(KEPT)


def test_only_keys_that_somebody_may_wait_for_are_locked(new_database, demo_variables):
    """A partner's closed deals may be any number; the locks of all programs share one table of a fixed size."""
    partner, target = demo_variables["PARTNER_A_ID"], demo_variables["PARTNER_B_ID"]
    session = psycopg2.connect(new_database())
    with session.cursor() as cursor:
        cursor.execute("select set_config('app.program', program_id::text, true), "
                       "set_config('app.partner', '*', true), program_id from partners where id = %s", (partner,))
        program = cursor.fetchone()[2]
        cursor.execute("""
            insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency,
                created_by_id)
            select %s, gen_random_uuid(), %s, 'X-' || n, case when n > 3 then 'rejected' else 'submitted' end, 'c' || n,
                1, 'EUR', %s
            from generate_series(1, 50) n""", (program, partner, partner))
        cursor.execute("""
            insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
            select d.program_id, d.id, d.partner_id, k.kind, d.customer_name || ' ' || k.kind, d.status = 'submitted'
            from deals d
            cross join (values ('domain'), ('tax_id'), ('word')) k(kind) where d.number like 'X-%%'""")
        cursor.execute("select count(distinct (k.kind, k.key)) from deal_keys k where k.partner_id = %s and k.is_live "
                       "and k.kind <> 'word'", (partner,))
        live = cursor.fetchone()[0]
        cursor.execute("select partner_move_deals(%s, %s, %s, 1000)", (
            json.dumps({"actor_type": "system", "actor_id": program}), partner, target))
        assert cursor.fetchone()[0] > 50
        cursor.execute("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == live
    session.close()
