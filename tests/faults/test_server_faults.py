# SPDX-License-Identifier: Apache-2.0
"""The server goes away, gently or not: what was answered is kept, what was in flight is answered, nothing is stuck."""
import select
import socket
import threading

import pytest

from faults.conftest import as_before
from support import wait
from support.parallel import Load
from support.world import DEAL

THREADS = 8
STALLED = 500


def test_a_restart_keeps_everything(start, new_world):
    """Tokens, cursors, keys and rows outlive the process."""
    first = start()
    world = new_world(first)
    partner = world.partner("a")
    deals = [partner.api.post("/v1/deals", DEAL, key=f"kept-{index}", expect=201) for index in range(5)]
    page = partner.api.get("/v1/deals", {"limit": 2, "sort": "created_at"}).json
    first.stop()
    api = as_before(partner.api, start())
    rest = api.get("/v1/deals", {"limit": 3, "sort": "created_at", "cursor": page["next_cursor"]}).json
    assert [row["id"] for row in page["data"] + rest["data"]] == [deal["id"] for deal in deals]
    again = api.post("/v1/deals", DEAL, key="kept-0", expect=201)
    assert again.is_replay and again.json == deals[0].json


def test_sigterm_answers_what_is_in_flight(start, new_world, deals_locked):
    running = start(statement_timeout_ms=60_000, jobs="false")  # a job would wait for the table, too
    partner = new_world(running).partner("a")
    deals_locked()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(partner.api.post("/v1/deals", DEAL)), daemon=True)
               for _ in range(6)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        wait.until(lambda: deals_locked.waiting() == count, f"{count} requests wait in the database")
    running.terminate()
    wait.until(lambda: running.probe("/readyz") in (503, None), "no longer ready")
    assert running.child.poll() is None and not answers
    deals_locked.release()
    running.wait_end()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 6
    assert running.probe("/livez") is None
    kept = {row["id"] for row in as_before(partner.api, start()).list("/v1/deals")}
    assert {answer["id"] for answer in answers} <= kept


def test_sigterm_under_load_loses_no_answer(start, new_world, writers):
    """Whoever got no answer was not served: what is stored is exactly what was acknowledged."""
    running = start()
    world = new_world(running)
    work = writers(world.partner("a"))
    work.may_break = True
    load = Load(work, THREADS)
    wait.until(lambda: len(work.acknowledged) > 60 or load.failures, "writers are under way")
    running.terminate()
    running.wait_end()
    work.is_over.set()
    load.stop()
    api = as_before(work.partner.api, start())
    assert work.stored(api) == work.acknowledged


def test_a_killed_server_leaves_nothing_stuck(start, new_world, writers):
    """kill -9 under load: all that was acknowledged is there, every intent can be repeated with its key."""
    running = start()
    world = new_world(running)
    work = writers(world.partner("a"))
    work.may_break = True
    load = Load(work, THREADS)
    wait.until(lambda: len(work.acknowledged) > 60 or load.failures, "writers are under way")
    running.kill()
    work.is_over.set()
    load.stop()
    api = as_before(work.partner.api, start())
    stored = work.stored(api)
    assert work.acknowledged.items() <= stored.items()
    for name in work.broken:
        def repeat():
            answer = api.post("/v1/deals", {**DEAL, "customer_name": name}, key=name.replace(" ", "-"))
            return answer if answer.status == 201 else None
        answer = wait.until(repeat, "the key is free again")
        assert answer.is_replay == (name in stored) and answer["id"] == stored.get(name, answer["id"])
    work.stored(api)


@pytest.fixture
def stall():
    """Opens connections that send `head` and then nothing."""
    made = []

    def connect(port, head, count):
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            made.append(connection)
            connection.sendall(head)
        return made

    yield connect
    for connection in made:
        connection.close()


HEADS = {
    "silent": b"",
    "half a head": b"GET /v1/deals HTTP/1.1\r\nHost: x\r\nAccept: appl",
    "half a body": b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Content-Length: 100\r\n\r\n{",
}


@pytest.mark.parametrize("head", HEADS)
def test_livez_answers_while_500_connections_stall(start, new_world, stall, head):
    running = start(max_connections=1200, max_connections_per_address=0, idle_timeout_ms=60_000,
                    read_timeout_ms=60_000)
    world = new_world(running)
    stall(running.port, HEADS[head], STALLED)
    for _ in range(20):
        assert running.probe("/livez") == 200
    world.admin.get("/v1/deals")


@pytest.mark.parametrize("head", ["half a head", "half a body"])
def test_a_stalled_request_is_ended(start, stall, head):
    running = start(max_connections_per_address=0, read_timeout_ms=1000, idle_timeout_ms=1000)
    connections = stall(running.port, HEADS[head], 20)

    def all_ended():
        ready, _, _ = select.select(connections, [], [], 0.1)
        return len(ready) == len(connections)

    wait.until(all_ended, "every stalled connection is answered or closed", 60)
    for connection in connections:
        answer = connection.recv(65536)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer
    assert running.probe("/livez") == 200


def test_more_connections_than_allowed(start, new_world, stall):
    """Beyond the limit newcomers are refused or wait, those who are in go on, and room made is room used."""
    running = start(max_connections=40, max_connections_per_address=0, idle_timeout_ms=60_000, read_timeout_ms=60_000)
    world = new_world(running)
    connections = stall(running.port, b"", 60)
    world.admin.get("/v1/deals")
    for connection in connections:
        connection.close()
    wait.until(lambda: running.probe("/livez") == 200, "closed connections make room")
