# SPDX-License-Identifier: Apache-2.0
"""The migration that makes secrets rows of their own: every client made before keeps the secret it has."""
import uuid

import psycopg2
import pytest

from support.server import ROOT

MIGRATIONS = sorted((ROOT / "sql/migrations").glob("*.sql"))
OURS = next(path for path in MIGRATIONS if path.name.startswith("0005"))


@pytest.fixture
def owner(postgres):
    """A session as a database's owner that is no superuser, whom forced row-level security binds like everybody."""
    name, role = postgres.create("partnerd_secrets", "template0"), f"owner_{uuid.uuid4().hex[:8]}"
    session = psycopg2.connect(postgres.url(name))
    session.autocommit = True
    cursor = session.cursor()
    cursor.execute("select count(*) from pg_roles where rolname = 'partnerd_app'")
    if cursor.fetchone() == (0,):
        cursor.execute("create role partnerd_app nologin")
    cursor.execute(f"create role {role}; grant partnerd_app to {role}; grant create, usage on schema public to {role};"
                   f"set role {role}")
    yield cursor
    cursor.execute(f"reset role; drop owned by {role} cascade; drop role {role}")
    session.close()
    postgres.drop(name)


def test_secrets_move_with_their_clients(owner):
    for path in MIGRATIONS[:MIGRATIONS.index(OURS)]:
        owner.execute("begin; " + path.read_text() + "; commit")
    program, client = str(uuid.uuid4()), str(uuid.uuid4())
    owner.execute("begin")
    owner.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true)", (program,))
    owner.execute("insert into programs (id, slug, name) values (%s, 'x', 'x')", (program,))
    owner.execute("insert into api_clients (program_id, id, name, scopes, secret_hash) values (%s, %s, 'x', '{}', 'hash')",
                  (program, client))
    owner.execute("commit")
    owner.execute("begin; " + OURS.read_text() + "; commit")
    owner.execute("begin; select set_config('app.program', %s, true), set_config('app.partner', '*', true)", (program,))
    owner.execute("select client_id, convert_from(secret_hash, 'UTF8'), expires_at from api_client_secrets")
    assert owner.fetchall() == [(client, "hash", None)]
    owner.execute("rollback")
    owner.execute("select count(*) from api_client_secrets")
    assert owner.fetchone() == (0,), "the wall stands, for the owner too"
