# SPDX-License-Identifier: Apache-2.0
"""The schema keeps its own house rules, and migrations can be run again and by many at once."""
import psycopg2
import pytest

from support.parallel import at_once
from support.server import partnerd


@pytest.fixture(scope="module")
def catalogue(postgres, new_database):
    url = new_database()
    session = psycopg2.connect(url)
    session.autocommit = True

    def rows(sql, *values):
        with session.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    yield rows
    session.close()


def test_constraints_are_named_after_their_table(catalogue):
    """<table>_<what>: the name is what the server maps to a problem code."""
    names = catalogue("""
        select k.conname, c.relname from pg_constraint k join pg_class c on c.oid = k.conrelid
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'""")
    assert names
    assert [name for name, table in names if not name.startswith(f"{table}_")] == []


def test_tenants_rows_are_keyed_by_tenant(catalogue):
    exempt = {"refresh_tokens", "revocations"}  # keyed by a hash or by an id that is unique everywhere
    keys = catalogue("""
        select c.relname, array(select a.attname::text from unnest(k.conkey) with ordinality u(n, o)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = u.n order by u.o)
        from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
        where c.relnamespace = 'public'::regnamespace and exists (select from pg_attribute a
            where a.attrelid = c.oid and a.attname = 'program_id')""")
    assert len(keys) > 8
    assert [table for table, columns in keys if columns[0] != "program_id" and table not in exempt] == []


def test_every_foreign_key_of_a_child_can_be_looked_up(catalogue):
    """Referencing columns lead some index, so that a parent is not locked by a scan."""
    exempt = catalogue("""
        select k.conname from pg_constraint k where k.contype = 'f' and k.connamespace = 'public'::regnamespace
        and not exists (select from pg_index i where i.indrelid = k.conrelid
            and (i.indkey::int2[])[0] = k.conkey[1])""")
    assert exempt == [], "no index begins with the first column of these"


def test_times_have_zones_and_money_is_whole(catalogue):
    wrong = catalogue("""
        select table_name, column_name, data_type from information_schema.columns
        where table_schema = 'public' and data_type in ('timestamp without time zone', 'real', 'double precision',
            'numeric', 'money', 'json')""")
    assert wrong == []


def test_migrating_again_changes_nothing(postgres, new_database):
    url = new_database()
    before = postgres.execute(url.rsplit("/", 1)[1], "select oid::regclass::text, relfilenode from pg_class "
                              "where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1")
    partnerd("migrate", database_url=url)
    after = postgres.execute(url.rsplit("/", 1)[1], "select oid::regclass::text, relfilenode from pg_class "
                             "where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1")
    assert after == before


def test_many_migrate_at_once(postgres):
    name = postgres.create("partnerd_race", "template0")
    try:
        at_once([lambda: partnerd("migrate", database_url=postgres.url(name))] * 4)
        assert postgres.execute(name, "select to_regclass('public.deals') is not null") == [(True,)]
    finally:
        postgres.drop(name)


def test_check_agrees_with_the_schema(new_database):
    partnerd("check", database_url=new_database())


def test_check_finds_a_constraint_nobody_knows(postgres, new_database):
    url = new_database()
    postgres.execute(url.rsplit("/", 1)[1],
                     "alter table deals add constraint deals_surprise_check check (amount_minor < 1e17)")
    done = partnerd("check", database_url=url, status=None)
    assert done.returncode != 0 and "deals_surprise_check" in done.stdout + done.stderr


def test_the_server_refuses_a_schema_that_is_not_its_own(postgres):
    name = postgres.create("partnerd_empty", "template0")
    try:
        done = partnerd("serve", database_url=postgres.url(name), status=None)
        assert done.returncode not in (0, None)
    finally:
        postgres.drop(name)


def test_an_edited_migration_is_refused(postgres, new_database):
    url = new_database()
    name = url.rsplit("/", 1)[1]
    [(table,)] = postgres.execute(name, "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
                                  "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' "
                                  "and c.relname like '%%migration%%' and a.attname in ('hash', 'sha256', 'checksum')")
    [(column,)] = postgres.execute(name, "select attname from pg_attribute where attrelid = %s::regclass "
                                   "and attname in ('hash', 'sha256', 'checksum')", (table,))
    kind = postgres.execute(name, "select format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass "
                            "and attname = %s", (table, column))[0][0]
    other = "'\\x00'::bytea" if kind == "bytea" else "'edited'"
    postgres.execute(name, f"update {table} set {column} = {other}")
    done = partnerd("migrate", database_url=url, status=None)
    assert done.returncode != 0
