# SPDX-License-Identifier: Apache-2.0
"""A merge thinks of every table that refers to partners (sql/functions/partner_ends.sql)."""
import psycopg2

MOVED = {"deals", "users", "api_clients", "identity_providers", "margin_quotes", "partner_applications",
         "partner_certifications", "partner_contacts", "files"}
KEPT = {
    "partner_tier_changes": "the duplicate's own history",
    "partner_measurements": "what was reported of the duplicate",
    "tier_reviews": "the duplicate's own history",
    "partners": "what a duplicate became part of",
    "partner_agreements": "what the duplicate agreed to, it agreed to",
    "partner_relations": "they end",
    "sessions": "they end",
    "territory_assignments": "they end: two partners' exclusives may exclude each other",
}


def test_every_reference_is_moved_or_kept_for_a_reason(new_database):
    session = psycopg2.connect(new_database())
    with session.cursor() as cursor:
        cursor.execute("""
            select distinct c.relname from pg_constraint k join pg_class c on c.oid = k.conrelid
            where k.contype = 'f' and k.confrelid = 'partners'::regclass""")
        tables = {name for name, in cursor.fetchall()}
    session.close()
    silent = tables - MOVED - set(KEPT)
    assert not silent, f"does partner_merge move {sorted(silent)}? Do it there, and say so here"
    assert tables == MOVED | set(KEPT)
