# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time, many clients at once, and the end of the server. Nothing here measures time."""
import concurrent.futures

import pytest

from support import wait
from support.wire import HOST, JSON, Wire, ask, samples

# ---- clients that hold their place ----

@pytest.fixture(scope="module")
def impatient(new_server, new_database):
    return new_server(new_database(), read_timeout_ms=700, idle_timeout_ms=900, max_connections=600)


BEGINNINGS = {
    "nothing": "", "request line": "G", "head": f"GET /livez HTTP/1.1\r\n{HOST}X: ",
    "body": f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 1000\r\n\r\n",
    "chunks": f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_dripping_client_is_cut(impatient, name):
    """A byte now and then is activity, but no progress: the connection must end all the same."""
    begin = BEGINNINGS[name]
    drip = b"1\r\na\r\n" if "chunked" in begin else b"a"
    with Wire(impatient) as wire:
        wire.send(begin)
        wire.socket.settimeout(0.1)

        def is_cut():
            try:
                if begin:
                    wire.send(drip)
                return wire.socket.recv(100) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
        wait.until(is_cut, "the connection is cut")


def test_an_idle_connection_is_closed_after_an_answer_too(impatient):
    with Wire(impatient) as wire:
        assert wire.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\n").answer().status == 200
        assert wire.answer() is None


def test_probes_answer_beside_hundreds_of_stalled_connections(new_server, new_database):
    crowded = new_server(new_database(), max_connections=1200)
    stalled = [Wire(crowded) for _ in range(500)]
    try:
        for wire in stalled:
            wire.send("POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n{")
        for _ in range(20):
            assert ask(crowded, "GET", "/livez").status == 200
        assert crowded.probe("/livez", crowded.admin_port) == 200
    finally:
        for wire in stalled:
            wire.socket.close()


# ---- the end ----

def test_a_request_in_flight_is_answered_before_the_end(new_server, new_database):
    ending = new_server(new_database(), drain_timeout_ms=20000)
    with Wire(ending) as busy, Wire(ending) as idle:
        assert idle.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\n").answer().status == 200
        busy.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 2\r\n\r\n")
        wait.until(lambda: samples(ending)["partnerd_http_requests_in_flight"] == 1, "the request is in flight")
        ending.terminate()
        wait.until(lambda: ending.probe("/readyz", ending.admin_port) in (503, None), "it is draining")
        wait.until(lambda: ending.probe("/livez") is None, "new connections are refused")
        answer = busy.send("{}").answer()
        assert (answer.status, answer["Connection"]) == (422, "close"), answer
    ending.wait_end()


def test_a_request_that_never_ends_does_not_hold_the_end(new_server, new_database):
    ending = new_server(new_database(), drain_timeout_ms=300)
    with Wire(ending) as busy:
        busy.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 2\r\n\r\n")
        wait.until(lambda: samples(ending)["partnerd_http_requests_in_flight"] == 1, "the request is in flight")
        ending.terminate()
        assert busy.answer() is None
        ending.is_ended = True
        assert ending.child.wait(60) == 1  # requests were cut off


# ---- many at once ----

HOSTILE = [
    "GET /livez HTTP/1.1\r\nHost: t\r\nX y: 1\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: t\r\n: y\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n", "GET livez HTTP/1.1\r\nHost: t\r\n\r\n",
    "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
]


def test_many_hostile_and_honest_connections_at_once(server):
    def honest(_):
        return ask(server, "GET", "/v1/meta").status

    def hostile(index):
        with Wire(server) as wire:
            return wire.send(HOSTILE[index % len(HOSTILE)]).answer().status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        good, bad = pool.map(honest, range(150)), pool.map(hostile, range(150))
        assert set(good) == {200} and set(bad) == {400}
