# SPDX-License-Identifier: Apache-2.0
"""A flood of sign-ins: passwords are dear to check, and who does not sign in must not notice.

The server under test has two workers, each of which serves every other connection: one that hashes a password itself
keeps half of all connections waiting. A hash takes long enough here that whatever waits for one is seen to.
"""
import socket
import threading

import pytest

from support import wait
from support.client import Client
from support.parallel import at_once
from support.wire import HOST, JSON, Wire, samples
from support.world import PASSWORD, World, unique

LANES = 10
FLOOD = LANES + 6
DEAR = {"password_memory_kib": 65536, "password_iterations": 6}


def stranger():
    """Costs what the settings say, a known user what is stored; and nobody is tried so often that they have to wait."""
    return {"email": f"{unique('nobody')}@flood.example", "password": PASSWORD}


class Flood:
    """Sign-ins of a stranger, all at once, each on a connection of its own."""

    def __init__(self, server, count=FLOOD):
        self.answers = []
        self.threads = [threading.Thread(target=self._sign_in, args=(server,), daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _sign_in(self, server):
        self.answers.append(Client(server).post("/v1/sessions", stranger()))

    def statuses(self):
        return [answer.status for answer in self.answers]

    def end(self):
        for thread in self.threads:
            thread.join(120)
        return self.answers


@pytest.fixture(scope="module")
def place(new_server, new_database):
    url = new_database()
    world = World(new_server(url), url)
    return world, new_server(url, workers=2, **DEAR)


def test_requests_pass_a_flood_of_sign_ins(place):
    world, server = place
    flood = Flood(server)
    wait.until(lambda: samples(server)["partnerd_http_sign_ins"] == LANES, "all lanes are taken")
    for _ in range(20):
        world.admin.on(server).get("/v1/deals")  # a new connection each
    assert flood.statuses().count(401) < LANES, "requests had to wait for passwords"
    assert sorted(set(answer.status for answer in flood.end())) == [401, 503]


def test_who_comes_too_late_is_told_to_come_again(place):
    _, server = place
    refused = samples(server)["partnerd_http_sign_ins_refused_total"]
    answers = Flood(server).end()
    late = [answer for answer in answers if answer.status == 503]
    assert len(answers) - len(late) >= LANES
    assert late and samples(server)["partnerd_http_sign_ins_refused_total"] >= refused + len(late)
    for answer in late:
        assert answer.problem == "unavailable" and int(answer.headers["Retry-After"]) >= 1


def test_a_refusal_leaves_the_connection_usable(place):
    world, server = place
    client = world.admin.on(server)

    def one():
        status = client.post("/v1/sessions", stranger()).status
        return status, client.get("/v1/me").status

    assert {me for _, me in at_once([one] * FLOOD)} == {200}


def test_the_right_password_is_right_on_a_lane(place):
    world, server = place
    session = Client(server).post(
        "/v1/sessions", {"email": world.email, "password": PASSWORD, "program": world.slug}, expect=201)
    assert session.headers["Cache-Control"] == "no-store"
    Client(server, session["access_token"]).get("/v1/me")


def test_a_server_that_ends_answers_whoever_signs_in(new_server, new_database):
    server = new_server(new_database(), **DEAR)
    flood = Flood(server, 3)
    wait.until(lambda: samples(server)["partnerd_http_sign_ins"] > 0, "the flood has begun")
    server.stop()
    assert {401, 503} >= {answer.status for answer in flood.end()}
    assert 401 in flood.statuses()


def test_clients_that_hang_up_free_their_lane(place):
    _, server = place
    body = b'{"email":"nobody@flood.example","password":"correct horse battery staple"}'
    head = f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: {len(body)}\r\n\r\n"
    for _ in range(LANES):
        with socket.create_connection((server.host, server.port)) as connection:
            connection.sendall(head.encode() + body)
    wait.until(lambda: samples(server)["partnerd_http_sign_ins"] == 0, "the lanes are free again", 60)
    assert Client(server).post("/v1/sessions", stranger()).status == 401


def test_requests_behind_a_sign_in_on_one_connection_keep_their_order(place):
    _, server = place
    body = '{"email":"someone@flood.example","password":"correct horse battery staple"}'
    sign_in = f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: {len(body)}\r\n\r\n{body}"
    probe = f"GET /livez HTTP/1.1\r\n{HOST}\r\n"
    with Wire(server) as wire:
        wire.send((sign_in + probe) * 3)
        assert [wire.answer().status for _ in range(6)] == [401, 200] * 3
