# SPDX-License-Identifier: Apache-2.0
"""The second wall (architecture.md §4): with every WHERE of ours taken away, PostgreSQL alone shows nothing foreign.

The tests speak to the database as the application's role, in a database with two programs of two partners each. What
tables there are is asked of the catalogue, so a table that is added is tested at once.
"""
import psycopg2
import psycopg2.errors
import pytest

from support.world import World

IDENTITY_ONLY = {"refresh_tokens", "signing_keys"}  # seen only before the tenant is known
NO_TENANT = {"signing_keys"}


@pytest.fixture(scope="module")
def place(new_database, new_server):
    """A database with the demo program and a sandbox, both with deals of two partners; its url and the sandbox."""
    url = new_database()
    running = new_server(url)
    world = World(running, url)
    for name in "ab":
        world.deal_in("won", world.partner(name), external_ids={"crm": "1"})
        world.partner(name).user()
    world.url = url
    return world


@pytest.fixture(scope="module")
def superuser(place):
    session = psycopg2.connect(place.url)
    session.autocommit = True
    yield session.cursor()
    session.close()


@pytest.fixture
def app(place):
    """A transaction as the application's role; rolled back in the end."""
    session = psycopg2.connect(place.url)
    cursor = session.cursor()
    cursor.execute("set local role partnerd_app")
    yield cursor
    session.rollback()
    session.close()


def rows(cursor, sql, *values):
    cursor.execute(sql, values)
    return cursor.fetchall()


def walls(cursor, program=None, partner=None):
    cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', %s, true)",
                   (program or "", partner or ""))


def tables(superuser, column=None):
    found = rows(superuser, """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p')
        and (%s::text is null or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = %s
            and not a.attisdropped)) order by 1""", column, column)
    return [name for name, in found]


def readable(superuser):
    return [name for name in tables(superuser) if rows(
        superuser, "select has_table_privilege('partnerd_app', %s, 'select')", f"public.{name}")[0][0]]


def views(superuser):
    return [name for name, in rows(superuser, """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'v' order by 1""")]


# ---- the role ----

def test_the_role_owns_nothing_and_bypasses_nothing(superuser):
    [(is_super, bypasses, creates_db, creates_role, logs_in)] = rows(superuser, """
        select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolcanlogin from pg_roles
        where rolname = 'partnerd_app'""")
    assert (is_super, bypasses, creates_db, creates_role, logs_in) == (False,) * 5
    assert rows(superuser, "select relname from pg_class where relowner = 'partnerd_app'::regrole") == []
    assert rows(superuser, "select proname from pg_proc where proowner = 'partnerd_app'::regrole") == []


def test_every_table_it_reads_has_forced_row_level_security(superuser):
    names = readable(superuser)
    assert {"deals", "partners", "events", "audit_entries", "users"} <= set(names)
    open_tables = [name for name in names if not rows(superuser, """
        select relrowsecurity and relforcerowsecurity from pg_class
        where oid = %s::regclass""", f"public.{name}")[0][0]]
    assert [name for name in open_tables if not name.startswith("schema_")] == [], "tables about the schema itself"


def test_every_view_runs_with_the_callers_rights(superuser):
    assert views(superuser)
    for name in views(superuser):
        options = rows(superuser, "select reloptions from pg_class where oid = %s::regclass", f"public.{name}")[0][0]
        assert "security_invoker=true" in (options or []), name


def test_no_function_of_ours_runs_with_its_owners_rights(superuser):
    assert rows(superuser, """
        select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.prosecdef""") == []


def test_the_role_cannot_drop_or_truncate(superuser):
    for name in tables(superuser):
        assert not rows(superuser, "select has_table_privilege('partnerd_app', %s, 'truncate')", f"public.{name}")[0][0]


# ---- what it sees ----

def test_without_settings_nothing(superuser, app):
    for name in readable(superuser):
        if name in tables(superuser, "program_id") or name in ("programs", "signing_keys"):
            assert rows(app, f"select count(*) from {name}") == [(0,)], name
    for name in views(superuser):
        assert rows(app, f"select count(*) from {name}") == [(0,)], name


@pytest.mark.parametrize("program, partner", [
    ("", "*"), ("", "one"), ("00000000-0000-4000-8000-000000000000", "*"),
    ("00000000-0000-4000-8000-000000000000", "one"),
])
def test_half_or_foreign_settings_show_nothing(place, superuser, app, program, partner):
    walls(app, program, place.partner("a").id if partner == "one" else partner)
    for name in readable(superuser):
        if name in tables(superuser, "program_id") or name == "programs":
            assert rows(app, f"select count(*) from {name}") == [(0,)], name


def test_rubbish_in_the_settings_shows_nothing(superuser, app):
    for name in ("deals", "partners", "events"):
        app.execute("savepoint s")
        walls(app, "not-a-uuid", "*")
        try:
            assert rows(app, f"select count(*) from {name}") == [(0,)]
        except psycopg2.Error:
            app.execute("rollback to savepoint s")


def test_the_vendor_sees_its_program_only(place, superuser, app):
    walls(app, place.program_id, "*")
    assert rows(app, "select id from programs") == [(place.program_id,)]
    seen = {}
    for name in set(readable(superuser)) & set(tables(superuser, "program_id")):
        seen[name] = rows(app, f"select count(*), count(*) filter (where program_id <> %s) from {name}",
                          place.program_id)[0]
        assert seen[name][1] == 0, name
    for name in ("deals", "partners", "users", "api_clients", "tiers", "events", "audit_entries", "decisions"):
        total = rows(superuser, f"select count(*) from {name} where program_id = %s", place.program_id)[0][0]
        assert seen[name][0] == total > 0, name
    for name in IDENTITY_ONLY:
        assert rows(app, f"select count(*) from {name}") == [(0,)]


@pytest.mark.parametrize("me, other", ["ab", "ba"])
def test_a_partner_sees_its_own_only(place, superuser, app, me, other):
    own, foreign = place.partner(me).id, place.partner(other).id
    walls(app, place.program_id, own)
    for name in set(readable(superuser)) & set(tables(superuser, "partner_id")):
        seen = {partner for partner, in rows(app, f"select distinct partner_id from {name}")}
        assert seen <= {own}, f"{name}: {seen}"
        if name in ("deals", "events", "users", "api_clients", "decisions", "deal_external_ids"):
            assert seen == {own}, f"{name} shows a partner its own rows"
    assert rows(app, "select id from partners") == [(own,)]
    for name in views(superuser):
        columns = {column for column, in rows(superuser, """
            select attname from pg_attribute where attrelid = %s::regclass and attnum > 0""", f"public.{name}")}
        if "_partner_id" in columns:
            seen = {partner for partner, in rows(app, f'select distinct _partner_id from {name}')}
            assert seen <= {own, None} and foreign not in seen, name
    assert {status for status, in rows(app, "select distinct status from tiers")} == {"published"}


def test_whatever_else_a_partner_reads_is_known(place, superuser, app):
    """A table without a partner is the program's: what a partner sees of it is written down here."""
    walls(app, place.program_id, place.partner("a").id)
    open_tables = set(readable(superuser)) & set(tables(superuser, "program_id")) - set(tables(superuser, "partner_id"))
    seen = {name for name in open_tables if rows(app, f"select count(*) from {name}") != [(0,)]}
    assert seen <= {"tiers", "tier_versions", "agreement_templates", "benefits", "custom_fields", "deal_stages", "lost_reasons", "partners", "partner_types", "revocations", "regions",
                    "region_countries", "fx_rates"}


def test_keys_of_others_are_not_there(place, superuser, app):
    kept = rows(superuser, "select partner_id, count(*) from idempotency_keys where program_id = %s group by 1",
                place.program_id)
    assert {place.partner("a").id, place.partner("b").id} <= {partner for partner, _ in kept}
    walls(app, place.program_id, place.partner("a").id)
    assert rows(app, "select distinct partner_id from idempotency_keys") == [(place.partner("a").id,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        app.execute("insert into idempotency_keys (program_id, principal_id, key, fingerprint, event_id, partner_id)"
                    " select id, id, 'x', 'x', id, null from programs")


def test_what_is_told_in_passing_is_walled_too(place, app):
    """The same through joins and subqueries: the policy stands on the table, not on the statement."""
    walls(app, place.program_id, place.partner("a").id)
    foreign = place.partner("b").id
    assert rows(app, "select (select count(*) from deals x where x.partner_id = %s) from programs", foreign) == [(0,)]
    assert rows(app, "select 1 from deals d full join partners p on true where p.id = %s or d.partner_id = %s",
                foreign, foreign) == []


# ---- what it writes ----

@pytest.mark.parametrize("table", ["deals", "partners", "users", "api_clients", "tiers"])
def test_foreign_rows_cannot_be_changed(place, superuser, app, table):
    [(demo,)] = rows(superuser, "select id from programs where id <> %s limit 1", place.program_id)
    walls(app, place.program_id, "*")
    app.execute(f"update {table} set version = version + 1 where program_id = %s", (demo,))
    assert app.rowcount == 0
    app.execute(f"update {table} set version = version where program_id = %s", (place.program_id,))
    assert app.rowcount > 0


def test_rows_cannot_be_written_over_the_wall(place, superuser, app):
    [(demo,)] = rows(superuser, "select id from programs where id <> %s limit 1", place.program_id)
    walls(app, place.program_id, "*")
    for statement in (
            "insert into tiers (program_id, id, key, name, rank) values (%s, gen_random_uuid(), 'x', 'x', 900)",
            "update tiers set program_id = %s"):
        app.execute("savepoint s")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            app.execute(statement, (demo,))
        app.execute("rollback to savepoint s")


def test_a_partner_cannot_hand_its_rows_over(place, app):
    walls(app, place.program_id, place.partner("a").id)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        app.execute("update deals set partner_id = %s", (place.partner("b").id,))


# ---- references ----

def test_references_between_tenants_rows_carry_the_tenant(superuser):
    """Every foreign key from a table with program_id to a table with program_id joins on it."""
    keys = rows(superuser, """
        select k.conname, k.conrelid::regclass::text, k.confrelid::regclass::text,
            array(select a.attname::text from unnest(k.conkey) with ordinality u(n, o)
                join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.o),
            array(select a.attname::text from unnest(k.confkey) with ordinality u(n, o)
                join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.o)
        from pg_constraint k where k.contype = 'f' and k.connamespace = 'public'::regnamespace""")
    tenants = set(tables(superuser, "program_id"))
    checked = 0
    for name, source, target, here, there in keys:
        if source in tenants and target in tenants:
            pairs = dict(zip(here, there))
            assert pairs.get("program_id") == "program_id", name
            checked += 1
    assert checked >= 8


@pytest.mark.parametrize("statement", [
    "insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency,"
    " created_by_id) values (%(demo)s, gen_random_uuid(), %(partner)s, 'X', 'draft', 'x', 1, 'EUR', gen_random_uuid())",
    "update partners set tier_id = %(tier)s where program_id = %(demo)s",
    "insert into users (program_id, id, partner_id, email, name, role, password_hash)"
    " values (%(demo)s, gen_random_uuid(), %(partner)s, 'x@x.example', 'x', 'partner_member', 'x')",
    "insert into api_clients (program_id, id, partner_id, name, scopes)"
    " values (%(demo)s, gen_random_uuid(), %(partner)s, 'x', '{}')",
])
def test_references_across_programs_are_refused_even_to_a_superuser(place, superuser, statement):
    [(demo,)] = rows(superuser, "select id from programs where id <> %s limit 1", place.program_id)
    values = {"demo": demo, "partner": place.partner("a").id, "tier": place.tiers["preferred"]["id"]}
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        superuser.execute(statement, values)


# ---- the ledger ----

@pytest.mark.parametrize("statement", [
    "update audit_entries set current = '{}'", "update audit_entries set actor_id = gen_random_uuid()",
    "update audit_entries set entry_hash = ''", "delete from audit_entries", "truncate audit_entries",
    "update events set data = '{}'", "update decisions set steps = '[]'", "delete from decisions",
    "update audit_checkpoints set seq = 1", "delete from audit_checkpoints",
])
def test_the_ledger_is_append_only(place, app, statement):
    walls(app, place.program_id, "*")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        app.execute(statement)


def test_a_sealed_entry_is_never_sealed_again(place, app):
    walls(app, place.program_id, "*")
    app.execute("update audit_entries set seq = seq, prev_hash = prev_hash, hash = ''::bytea where seq is not null")
    assert app.rowcount == 0


def test_a_chain_cannot_fork(place, superuser):
    with pytest.raises(psycopg2.errors.UniqueViolation):
        superuser.execute("""
            update audit_entries a set prev_hash = b.prev_hash from audit_entries b
            where a.program_id = %s and b.program_id = a.program_id and b.seq = 1 and a.seq = 2""", (place.program_id,))
