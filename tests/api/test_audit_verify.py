# SPDX-License-Identifier: Apache-2.0
"""A verification of the whole log is work: one at a time in a process, who comes meanwhile is told to come back."""
from support import wait
from support.parallel import Load
from support.world import World


def test_one_verification_at_a_time(postgres, new_database, new_server):
    url = new_database()
    world = World(new_server(url, statement_timeout_ms=60_000), url)
    name = url.rsplit("/", 1)[1]
    answers = []
    lock = postgres.connect(name, autocommit=False)
    try:
        lock.cursor().execute("lock table audit_checkpoints in access exclusive mode")
        load = Load(lambda index: answers.append(world.admin.get("/v1/audit-log/verify", expect=None)), 1)
        wait.until(lambda: load.failures or postgres.execute(
            "postgres", "select count(*) from pg_stat_activity where datname = %s and wait_event_type = 'Lock' "
            "and query like '%%as checkpoints%%'", (name,))[0][0], "a verification is under way")
        second = world.admin.get("/v1/audit-log/verify", expect=503, problem="unavailable")
        assert int(second.headers["Retry-After"]) >= 1
        load.is_over.set()
    finally:
        lock.close()
    wait.until(lambda: answers or load.failures, "the first has its answer")
    load.stop()
    assert answers[0].status == 200 and answers[0]["valid"]
    assert world.admin.get("/v1/audit-log/verify")["valid"]
