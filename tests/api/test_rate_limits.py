# SPDX-License-Identifier: Apache-2.0
"""Limits of rate on every way in: who has used up what a minute allows hears 429 and when to come again.

Which operations count as a way to sign in is read from the contract: whatever anybody may post. A new one is limited
because it is there; one that shall not be has to be named here.
"""
import pytest

from support import contract
from support.client import Client
from support.wire import JSON, ask
from support.world import PASSWORD, World, send_content

UNLIMITED = {"introspectToken"}  # asked by resource servers for each of their own requests; nothing can be guessed there
QUOTA = 3
WAYS_IN = [entry for entry in contract.operations()
           if entry.method == "POST" and entry.is_public and entry.id not in UNLIMITED]


@pytest.fixture(scope="module")
def place(new_server, new_database):
    url = new_database()
    return World(new_server(url), url)


@pytest.fixture(scope="module")
def spent(place, new_server):
    """A server at which this address has no sign-ins left."""
    server = new_server(place.database_url, rate_limit_sign_in_per_minute=QUOTA)
    answers = [ask(server, "POST", "/v1/sessions", JSON, "{}") for _ in range(QUOTA + 1)]
    assert [answer.status for answer in answers] == [422] * QUOTA + [429]
    return server


def is_refused(answer, policy):
    assert answer.status == 429 and answer.code == "rate_limited", answer
    assert answer["RateLimit-Policy"].startswith(f'"{policy}";q=') and answer["RateLimit"].startswith(f'"{policy}";r=0;t=')
    assert int(answer["Retry-After"]) >= int(answer["RateLimit"].rsplit("=", 1)[1]) >= 1


@pytest.mark.parametrize("operation", WAYS_IN, ids=repr)
def test_every_way_in_is_limited(spent, operation):
    is_refused(ask(spent, "POST", operation.path, JSON, "{}"), "sign-in")
    is_refused(ask(spent, "POST", operation.path, "Content-Type: application/x-www-form-urlencoded\r\n", "a=b"), "sign-in")


def test_a_new_password_counts_as_a_sign_in(place, spent):
    answer = place.admin.on(spent).post("/v1/me/change-password", {"current_password": PASSWORD, "new_password": "x" * 20})
    assert answer.status == 429 and int(answer.headers["Retry-After"]) >= 1


def test_the_rest_goes_on(place, spent):
    place.admin.on(spent).get("/v1/me")
    assert ask(spent, "GET", "/v1/meta").status == 200
    answer = ask(spent, "POST", "/oauth/introspect", "Content-Type: application/x-www-form-urlencoded\r\n", "token=x")
    assert answer.status == 401


def test_each_user_and_client_has_a_budget(place, new_server):
    server = new_server(place.database_url, rate_limit_per_minute=QUOTA)
    callers = [place.admin, place.user("viewer"), place.partner("a").api, place.partner("a").user()]
    for caller in [client.on(server) for client in callers]:
        assert [caller.get("/v1/me", expect=None).status for _ in range(QUOTA + 1)] == [200] * QUOTA + [429]
    second_token = Client(server, place.user("viewer").token)
    assert second_token.get("/v1/roles", expect=429, problem="rate_limited").headers["Retry-After"]


def test_addresses_are_told_apart_behind_a_proxy(new_server, place):
    server = new_server(place.database_url, rate_limit_sign_in_per_minute=QUOTA, trusted_proxies="127.0.0.1")

    def ask_from(address):
        return ask(server, "POST", "/v1/sessions", f"{JSON}X-Forwarded-For: {address}\r\n", "{}")

    for _ in range(QUOTA):
        assert ask_from("198.51.100.7").status == 422
    is_refused(ask_from("198.51.100.7"), "sign-in")
    is_refused(ask_from("203.0.113.9, 198.51.100.7"), "sign-in")  # what a client writes itself does not count
    assert ask_from("198.51.100.8").status == 422
    for host in range(QUOTA):
        assert ask_from(f"2001:db8:1:2::{host + 1}").status == 422
    is_refused(ask_from("2001:db8:1:2:ffff::1"), "sign-in")  # one subscriber has all of a /64
    assert ask_from("2001:db8:1:3::1").status == 422


def test_an_upload_counts_when_it_begins(new_server, place):
    """And when it is answered: one that is never ended has cost something, too."""
    admin = place.admin.on(new_server(place.database_url, rate_limit_per_minute=QUOTA))
    file = place.declare_file(b"a" * 1000)
    assert send_content(admin, file["id"], b"b" * 1000, expect=422).headers["RateLimit"].startswith('"default";r=1;')
    send_content(admin, file["id"], b"b" * 1000, expect=429, problem="rate_limited")


def test_a_spent_address_is_refused_before_anything_is_judged(new_server, place):
    server = new_server(place.database_url, rate_limit_address_per_minute=QUOTA)
    for _ in range(QUOTA):
        assert ask(server, "GET", "/v1/meta").status == 200
    for method, path in (("GET", "/v1/me"), ("GET", "/v1/deals"), ("POST", "/oauth/introspect"), ("GET", "/v1/meta")):
        is_refused(ask(server, method, path), "address")
    assert ask(server, "GET", "/livez").status == 200
