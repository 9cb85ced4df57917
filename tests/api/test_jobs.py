# SPDX-License-Identifier: Apache-2.0
"""What runs beside requests: much at once goes in batches, and what has outlived its use goes all of it, in its time.

Rows are made by hand, by a superuser, as many and as old as a case needs.
"""
import pytest

from support import wait
from support.world import World

BATCH = 1000  # what a job does in one transaction


@pytest.fixture
def beside(postgres, new_database, new_server):
    """A database of its own: beside.execute(sql, …) as superuser, beside.start(**settings) → a world."""
    class Beside:
        url = new_database()
        name = url.rsplit("/", 1)[1]

        def execute(self, sql, *values):
            return postgres.execute(self.name, sql, values)

        def serve(self, **settings):
            return new_server(self.url, **settings)

        def start(self, **settings):
            return World(self.serve(**settings), self.url)

        def program(self):
            return self.execute("select min(id::text) from programs")[0][0]

    return Beside()


def test_a_backlog_is_sealed_under_one_signature(postgres, beside):
    world = beside.start()
    program = world.program_id
    world.partner("a").deal()
    admin = world.admin
    wait.until(lambda: admin.get("/v1/audit-log/verify")["unsealed"] == 0, "all is sealed")
    lease = postgres.connect(beside.name, autocommit=False)
    try:
        lease.cursor().execute("select pg_advisory_xact_lock(hashtextextended('partnerd.seal ' || %s, 0))", (program,))
        before = beside.execute("select count(*) from audit_checkpoints where program_id = %s", program)[0][0]
        beside.execute(
            "insert into audit_entries select (jsonb_populate_record(null::audit_entries, to_jsonb(a) || "
            "jsonb_build_object('id', gen_random_uuid(), 'seq', null, 'hash', null, 'prev_hash', null))).* "
            "from (select * from audit_entries where program_id = %s limit 1) a, generate_series(1, %s)",
            program, 2 * BATCH + 1)
        beside.execute("update audit_entries a set entry_hash = audit_entry_hash(a) "
                       "where program_id = %s and seq is null", program)
    finally:
        lease.close()
    answer = wait.until(lambda: (lambda found: found if found["unsealed"] == 0 else None)(
        admin.get("/v1/audit-log/verify").json), "the backlog is sealed", 60)
    assert answer["valid"]
    head = "select max(seq) from audit_entries where program_id = %s"
    signed = "select max(seq) from audit_checkpoints where program_id = %s"
    wait.until(lambda: beside.execute(head, program) == beside.execute(signed, program), "the head is signed")
    assert beside.execute("select count(*) from audit_checkpoints where program_id = %s", program)[0][0] == before + 1


def test_all_old_keys_are_forgotten(beside):
    beside.execute(
        "insert into idempotency_keys (program_id, principal_id, key, fingerprint, event_id, created_at) "
        "select %s, gen_random_uuid(), n::text, '', gen_random_uuid(), now() - make_interval(days => 6 + n %% 2 * 2) "
        "from generate_series(1, %s) n", beside.program(), 5 * BATCH + 2)
    left = "select count(*) filter (where created_at < now() - interval '7 days'), count(*) from idempotency_keys " \
           "where fingerprint = ''"
    assert beside.execute(left) == [(5 * BATCH // 2 + 1, 5 * BATCH + 2)]
    beside.start()
    wait.until(lambda: beside.execute(left) == [(0, 5 * BATCH // 2 + 1)], "old keys are gone, the others are not")


def test_all_old_tokens_are_forgotten(beside):
    """A token may live a day: what would let it through again may not be forgotten before it has ended."""
    beside.execute(
        "with session as (insert into sessions (program_id, id, user_id, expires_at, idle_expires_at) "
        "select u.program_id, gen_random_uuid(), u.id, now(), now() from (select * from users limit 1) u returning *) "
        "insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at) "
        "select sha256(n::text::bytea), s.program_id, s.user_id, s.id, "
        "now() - make_interval(hours => n %% 3 * 23) from generate_series(1, %s) n, session s", 6 * BATCH)
    beside.execute(
        "insert into sessions (program_id, id, user_id, user_agent, expires_at, idle_expires_at, ended_at, end_reason) "
        "select u.program_id, gen_random_uuid(), u.id, 'many', now() - make_interval(days => n %% 2 * 31), now(), "
        "case n %% 3 when 0 then now() - interval '31 days' end, case n %% 3 when 0 then 'ended' end "
        "from generate_series(1, %s) n, (select * from users limit 1) u", 6 * BATCH)
    beside.execute(
        "insert into revocations (principal_id, program_id, revoked_at) "
        "select gen_random_uuid(), %s, now() - make_interval(hours => 25 + n %% 3 * 12) "
        "from generate_series(1, %s) n", beside.program(), 6 * BATCH)
    beside.start(access_token_s=86_400)
    wait.until(lambda: beside.execute("select count(*) from revocations where revoked_at < now() - interval '40 hours'")
               == [(0,)], "revocations that no token needs are gone")
    assert beside.execute("select count(*) from revocations where revoked_at < now() - interval '24 hours'") == \
        [(4 * BATCH,)]
    assert beside.execute("select count(*) filter (where expires_at < now() - interval '1 day'), "
                          "count(*) filter (where expires_at < now()) from refresh_tokens") == [(0, 4 * BATCH)]
    assert beside.execute("select count(*) from sessions where user_agent = 'many'") == [(2 * BATCH,)]


POISON = """
    create function poison() returns trigger language plpgsql as $$
    begin
        if new.customer_name like 'Poison%%' then
            raise exception 'poisoned';
        end if;
        perform pg_sleep(0.4);
        return new;
    end $$;
    create trigger poison before update on deals for each row
        when (new.status is distinct from old.status) execute function poison();
    create function poison_bundle() returns trigger language plpgsql as $$ begin raise exception 'poisoned'; end $$;
"""


def test_what_fails_holds_up_nothing_behind_it(beside):
    """A row that fails is the first in its line; the others are more than one statement has time for."""
    world = beside.start(jobs="false")
    partner = world.partner("a")

    def deal(name, **members):
        return partner.deal(customer_name=name, **members)["id"]

    due = [deal(name) for name in ("Poison Due", "Slow One", "Slow Two", "Slow Three", "Slow Four")]
    for row in due:
        world.admin.post(f"/v1/deals/{row}/approve", {"protection_days": 1}, if_match="*", expect=200)
    world.advance_clock(86_400)
    world.admin.post("/v1/deal-approval-policies", {"name": "All", "is_automatic": True, "conditions": []}, expect=201)
    submitted = [deal(name) for name in ("Poison Orchard", "Hilltop Bakery")]
    cases = [world.dispute_in("evidence", deal=world.deal_in("rejected"))["id"] for _ in range(2)]
    for row in cases:
        world.admin.post(f"/v1/disputes/{row}/finish-evidence", {"party": "claimant"}, if_match="*", expect=200)
    beside.execute(POISON)
    beside.execute("create trigger poison before insert on dispute_bundles for each row "
                   f"when (new.dispute_id = '{cases[0]}') execute function poison_bundle()")
    beside.serve(statement_timeout_ms=1000)

    def standing(table, column, ids):
        return [found for found, in beside.execute(
            f"select {column}::text from {table} where id = any(%s::uuid[]) order by array_position(%s::uuid[], id)", ids, ids)]

    def failed():
        return dict(beside.execute("select job, row_id::text from job_failures"))

    wait.until(lambda: standing("deals", "status", due) == ["approved", *["expired"] * 4], "all but one have expired", 60)
    wait.until(lambda: standing("deals", "status", submitted) == ["submitted", "approved"], "all but one are approved", 60)
    wait.until(lambda: standing("disputes", "bundled_at is null", cases) == ["true", "false"], "all but one are frozen", 60)
    wait.until(lambda: failed() == {"expire": due[0], "auto_approve": submitted[0], "bundles": cases[0]}, "they rest", 60)
    beside.execute("drop function poison, poison_bundle cascade")
    beside.execute("update job_failures set retry_at = now()")
    wait.until(lambda: standing("deals", "status", [due[0], submitted[0]]) == ["expired", "approved"], "the second try", 60)
    wait.until(lambda: standing("disputes", "bundled_at is null", cases) == ["false", "false"], "the second try", 60)
