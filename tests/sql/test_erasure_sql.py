# SPDX-License-Identifier: Apache-2.0
"""Every table that knows people is emptied of an erased one, or it is written here why it need not be.

tests/api/test_erasure.py shows for the tables a person gets into that nothing is left; this asks the catalogue, so that a
new table cannot be forgotten.
"""
import re

import psycopg2
import pytest

KEPT = {
    "users": "the row stays with its id, role and partner; name, address and password go",
    "events": "data and previous lose what they say of the person",
    "audit_entries": "content and address go, hashes stay",
    "erasures": "ids only",
    "idempotency_keys": "ids and the client's own key; the answer is the event's data",
    "recovery_codes": "go with second_factors",
    "deals": "the owner's id: it says nothing of a person once the user is erased",
    "partner_contacts": "people of partners, no users: erased one by one (row_erase)",
    "imports": "who started one is an id",
    "deal_help_requests": "who helps is an id",
    "partner_certifications": "ids, a key and days: the headcounts of the past stand on them",
}


@pytest.fixture(scope="module")
def rows(new_database):
    session = psycopg2.connect(new_database())
    session.autocommit = True

    def ask(sql, *values):
        with session.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    yield ask
    session.close()


def test_no_table_is_forgotten(rows):
    [(forgets,)] = rows("select prosrc from pg_proc where proname = 'person_forget'")
    people = {table for table, in rows("""
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and a.attname in ('user_id', 'actor_id', 'principal_id', 'email', 'address', 'user_agent', 'password_hash')
        union
        select k.conrelid::regclass::text from pg_constraint k
        where k.contype = 'f' and k.confrelid = 'users'::regclass""")} - {"revocations"}
    assert {"sessions", "users", "user_tokens", "audit_entries"} <= people
    assert {table for table in people - set(KEPT) if not re.search(f"(delete from|update) {table} ", forgets)} == set()
    assert {table for table in KEPT if table != "recovery_codes"} <= people, "nothing is excused that is not there"


def test_an_erasure_is_found_without_a_walk(rows):
    """What looks for a person's events and entries has an index for it."""
    indexes = {name for name, in rows("select indexname from pg_indexes where schemaname = 'public'")}
    assert {"events_by_person", "events_by_resource", "audit_entries_by_actor", "audit_entries_by_resource"} <= indexes
