# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes away: no acknowledged write is lost, no connection is dropped, the server recovers by itself."""
import pytest

from support import wait
from support.parallel import Load, at_once
from support.world import DEAL

THREADS = 8


@pytest.mark.parametrize("how", ["kill -9", "fast shutdown"])
def test_no_acknowledged_write_is_lost(durable, start, new_world, writers, how):
    running = start(database_wait_ms=1000)
    world = new_world(running)
    work = writers(world.partner("a"))
    pid = running.child.pid
    load = Load(work, THREADS)
    wait.until(lambda: len(work.acknowledged) > 60 or load.failures, "writers are under way")
    if how == "kill -9":
        durable.kill()
    else:
        durable.stop()
    wait.until(lambda: len(work.refused) >= 2 * THREADS or load.failures, "writers are told that the database is away")
    assert running.probe("/livez") == 200
    wait.until(lambda: running.probe("/readyz") == 503, "/readyz says so")
    reader = world.partner("a").api.get("/v1/deals", expect=503, problem="unavailable")
    assert int(reader.headers["Retry-After"]) >= 1
    durable.start()
    before = len(work.acknowledged)
    wait.until(lambda: len(work.acknowledged) > before + 60 or load.failures, "writers go on", 60)
    load.stop()
    assert running.child.poll() is None and running.child.pid == pid, "without a restart of the server"
    running.wait_ready()
    assert work.stored() == work.acknowledged
    answer = wait.until(lambda: (lambda found: found if found["unsealed"] == 0 else None)(
        world.admin.get("/v1/audit-log/verify").json), "the chain is sealed")
    assert answer["valid"]


def test_lost_connections_are_replaced(durable, start, new_world):
    """An administrator ends every session: reads do not even notice, writes are answered."""
    running = start()
    world = new_world(running)
    partner = world.partner("a")
    at_once([partner.deal] * 8)
    for _ in range(3):
        durable.execute("postgres", "select pg_terminate_backend(pid) from pg_stat_activity "
                        "where datname = 'partnerd_faults' and pid <> pg_backend_pid()")
        answers = at_once([lambda: partner.api.get("/v1/deals")] * 8)
        assert all(answer.status == 200 for answer in answers)
        answers = at_once([lambda: partner.api.post("/v1/deals", DEAL)] * 8)
        assert {answer.status for answer in answers} <= {201, 503}


def test_an_exhausted_pool_says_when_to_come_back(start, new_world, deals_locked):
    running = start(database_connections=4, database_wait_ms=300, statement_timeout_ms=60_000)
    world = new_world(running)
    partner = world.partner("a")
    partner.deal()
    answers = []
    deals_locked()
    load = Load(lambda index: answers.append(partner.api.get("/v1/deals", expect=None)), 12)
    wait.until(lambda: len(answers) >= 12 or load.failures, "who finds no connection is told")
    early = list(answers)
    assert running.probe("/livez") == 200, "a new connection goes to a worker that does not wait"
    assert [answer.status for answer in early] == [503] * len(early)
    assert all(answer.problem == "unavailable" and int(answer.headers["Retry-After"]) >= 1 for answer in early)
    deals_locked.release()
    wait.until(lambda: len([answer for answer in answers if answer.status == 200]) > 24 or load.failures,
               "it goes on by itself")
    load.stop()
    assert {answer.status for answer in answers} == {200, 503}


def test_a_statement_that_takes_too_long_is_a_504(start, new_world, deals_locked):
    running = start(statement_timeout_ms=300)
    world = new_world(running)
    partner = world.partner("a")
    partner.deal()
    deals_locked()
    partner.api.get("/v1/deals", expect=504, problem="timeout")
    partner.api.post("/v1/deals", DEAL, key="slow", expect=504, problem="timeout")
    deals_locked.release()
    assert not partner.api.post("/v1/deals", DEAL, key="slow", expect=201).is_replay
    assert len(partner.api.list("/v1/deals")) == 2


def test_starts_before_its_database(durable, start, new_world):
    """A database that is restarting is no reason to give up: /readyz turns when it is there."""
    running = start()
    durable.stop()
    wait.until(lambda: running.probe("/readyz") == 503, "/readyz notices")
    durable.start()
    wait.until(lambda: running.probe("/readyz") == 200, "/readyz notices again")
    new_world(running).partner("a").deal()
