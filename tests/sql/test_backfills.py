# SPDX-License-Identifier: Apache-2.0
"""Migrations bring rows from before along, whoever owns the database.

Row-level security is forced upon the owner: a migration that fills something from older rows finds none of them unless
it looks past the walls. So the same rows go through all migrations twice, once with a superuser, whom no wall stops, and
once with a plain owner, and what comes out is the same. A migration that reads a table nobody has filled yet adds its
row to BEFORE.
"""
import contextlib
import re
from pathlib import Path

import psycopg2
import pytest

MIGRATIONS = sorted((Path(__file__).parents[2] / "sql" / "migrations").glob("*.sql"))
OWNER = "partnerd_plain_owner"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROGRAM, TIER, PARTNER, USER, CLIENT, DEAL, WON, QUOTE, FAMILY = (f"0000000{n}-0000-4000-8000-000000000000" for n in range(1, 10))

BEFORE = {
    "0004_sessions.sql": f"""
        insert into programs (id, slug, name) values ('{PROGRAM}', 'old', 'Old');
        insert into tiers (program_id, id, key, name, rank, status, floor_bps, base_bps, cap_bps, benefits, published_at)
        values ('{PROGRAM}', '{TIER}', 'gold', 'Gold', 1, 'published', 0, 1000, 2000,
            '[{{"key": "leads", "name": "Leads", "value": "10"}}]', '2026-01-01Z');
        insert into partners (program_id, id, number, name, type, tier_id, country)
        values ('{PROGRAM}', '{PARTNER}', 'P-1', 'Partner', 'reseller', '{TIER}', 'DE');
        insert into users (program_id, id, partner_id, email, name, role)
        values ('{PROGRAM}', '{USER}', '{PARTNER}', 'a@b.example', 'A', 'partner_admin');
        insert into api_clients (program_id, id, partner_id, name, scopes, secret_hash)
        values ('{PROGRAM}', '{CLIENT}', '{PARTNER}', 'C', '{{}}', '');
        insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at)
        values ('', '{PROGRAM}', '{USER}', '{FAMILY}', '2036-01-01Z');
        insert into idempotency_keys (program_id, principal_id, key, fingerprint, event_id)
        values ('{PROGRAM}', '{USER}', 'k', 'f', '{USER}'), ('{PROGRAM}', '{CLIENT}', 'k', 'f', '{CLIENT}');
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id)
        values ('{PROGRAM}', '{DEAL}', '{PARTNER}', 'D-1', 'submitted', 'Acme', 1, 'EUR', '{USER}');
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id,
            margin_bps, margin_minor, actual_amount_minor, protection_starts_at, protection_expires_at)
        values ('{PROGRAM}', '{WON}', '{PARTNER}', 'D-2', 'won', 'Other', 1, 'EUR', '{USER}', 1000, 1, 7, '2026-01-01Z',
            '2026-04-01Z');""",
    "0016_channel.sql": f"""
        insert into margin_quotes (program_id, id, partner_id, number, currency, terms, lines, list_minor, discount_minor,
            net_minor, margin_bps, margin_minor, clipped_bps, vendor_side, steps, tier_id, rule_set_version, decision_id,
            valid_until, created_by_id)
        values ('{PROGRAM}', '{QUOTE}', '{PARTNER}', 'Q-1', 'EUR', '{{}}', '[]', 1, 0, 1, 1000, 1, 0, '{{}}', '[]', '{TIER}',
            1, '{QUOTE}', '2036-01-01Z', '{USER}');""",
    "0026_jobs_imports.sql": f"""
        insert into files (program_id, id, partner_id, status, name, media_type, size_bytes, sha256, upload_id, stored_at,
            created_by_id)
        values ('{PROGRAM}', '{QUOTE}', '{PARTNER}', 'stored', 'f', 'text/csv', 7, repeat('0', 64), '{USER}', '2026-01-01Z',
            '{USER}');
        insert into file_chunks (program_id, file_id, upload_id, sequence, bytes)
        values ('{PROGRAM}', '{QUOTE}', '{USER}', 0, 'stored'), ('{PROGRAM}', '{QUOTE}', '{CLIENT}', 0, 'failed');""",
    "0028_actions.sql": f"""
        insert into special_pricing_requests (program_id, id, deal_id, requested_margin_bps, reason, created_by_id)
        values ('{PROGRAM}', '{QUOTE}', '{DEAL}', 2000, 'Cheap rival', '{USER}');""",
    "0029_lists.sql": f"update deals set product_ids = '{{{QUOTE}}}' where id = '{DEAL}'",
}


def migrate(postgres, name, owner):
    """All migrations as this owner, each in one go, with the rows of BEFORE put in by a superuser."""
    with contextlib.closing(postgres.connect(name)) as outside, \
            contextlib.closing(psycopg2.connect(postgres.url(name, owner))) as inside:
        inside.autocommit = True
        for path in MIGRATIONS:
            with outside.cursor() as cursor:
                cursor.execute(BEFORE.get(path.name, "select"))
            with inside.cursor() as cursor:
                cursor.execute(path.read_text())


def contents(postgres, name):
    """{table: its rows as text}, without what differs from run to run: moments, secrets and ids that were made up."""
    columns = postgres.execute(name, """
        select c.relname, string_agg(format('%I', a.attname), ', ' order by a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.atttypid not in ('timestamptz'::regtype, 'bytea'::regtype)
        group by c.relname""")
    known = {PROGRAM, TIER, PARTNER, USER, CLIENT, DEAL, WON, QUOTE, FAMILY}
    return {table: sorted(
        UUID.sub(lambda id: id.group() if id.group() in known else "?", row)
        for row, in postgres.execute(name, f"select row({names})::text from {table}")) for table, names in columns}


@pytest.fixture(scope="module")
def plain_owner(postgres, demo_variables):
    """May make databases of its own and nothing else; the application's role is there and granted, as hosters do it."""
    postgres.execute("postgres", f"create role {OWNER} login nosuperuser; grant partnerd_app to {OWNER}")
    yield OWNER
    postgres.execute("postgres", f"drop role {OWNER}")


def test_a_plain_owner_brings_along_what_a_superuser_does(postgres, plain_owner):
    seen = {}
    for owner in ("postgres", plain_owner):
        name = postgres.create(f"partnerd_of_{owner}", "template0")
        try:
            postgres.execute("postgres", f"alter database {name} owner to {owner}")
            migrate(postgres, name, owner)
            seen[owner] = contents(postgres, name)
        finally:
            postgres.drop(name)
    assert seen[plain_owner] == seen["postgres"]
    assert len(seen[plain_owner]["deal_search"]) == 2
    assert len(seen[plain_owner]["file_chunks"]) == 1
    assert seen[plain_owner]["file_usage"] == [f"({PROGRAM},{PARTNER},7)"]
    assert len(seen[plain_owner]["deal_products"]) == 1
