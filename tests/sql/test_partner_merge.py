# SPDX-License-Identifier: Apache-2.0
"""A merge thinks of every table that refers to partners (sql/functions/partner_ends.sql)."""
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
