# SPDX-License-Identifier: Apache-2.0
"""GET /v1/api-requests: one's own requests, and what the log of them may not do: tell more, slow down, get in the way."""
import contextlib

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.judge import nobody
from support.parallel import at_once
from support.wire import samples
from support.world import World

PATH = "/v1/api-requests"
RING = 4096


def kept(client, query=None, until=lambda rows: True):
    """The rows, as soon as there are some that fulfil `until`: they are written a moment after the answer."""
    def read():
        rows = client.list(PATH, query)
        return rows if until(rows) else None
    return wait.until(read, "the requests are logged")


def find(client, request_id):
    """The row of one request."""
    rows = kept(client, until=lambda rows: any(row["id"] == request_id for row in rows))
    return next(row for row in rows if row["id"] == request_id)


def test_a_request_is_kept_as_it_went(world):
    client = world.machine(["deals:read"])
    deal = world.partner("a").deal()
    answer = client.get(f"/v1/deals/{deal['id']}")
    row = find(client, answer.headers["Request-Id"])
    assert row["object"] == "api_request" and row["method"] == "GET" and row["route"] == "/v1/deals/{deal_id}"
    assert row["status"] == 200 and row["problem_code"] is None and row["address"] == "127.0.0.1"
    assert 0 <= row["duration_ms"] < 60_000
    assert deal["id"] not in str(row)


@pytest.mark.parametrize("call, status, code", [
    (lambda client: client.get(f"/v1/deals/{nobody()}", expect=404), 404, "not_found"),
    (lambda client: client.get("/v1/users", expect=403), 403, "insufficient_scope"),
    (lambda client: client.get("/v1/deals", {"limit": 0}, expect=400), 400, "invalid_parameter"),
    (lambda client: client.post("/v1/deals", {}, key=None, expect=400), 400, "idempotency_key_required"),
])
def test_a_refusal_is_kept_with_its_code(world, call, status, code):
    client = world.partner("a").api
    row = find(client, call(client).headers["Request-Id"])
    assert (row["status"], row["problem_code"]) == (status, code)


def test_everybody_sees_their_own_only(world, server, database_url):
    everybody = {"admin": world.admin, "viewer": world.user("viewer"), "partner": world.partner("a").api,
                 "colleague": world.partner("a").user(), "other partner": world.partner("b").api,
                 "other program": World(server, database_url).admin}
    asked = {name: client.get("/v1/me").headers["Request-Id"] for name, client in everybody.items()}
    for name, client in everybody.items():
        find(client, asked[name])
    for name, client in everybody.items():
        seen = {row["id"] for row in client.list(PATH)}
        assert seen & set(asked.values()) == {asked[name]}, name


def test_who_is_not_known_has_no_log(server):
    Client(server).get(PATH, expect=401)
    Client(server, "no.such.token").get(PATH, expect=401)


def test_filters(world):
    client = world.machine(["deals:read", "tiers:read"])
    client.get("/v1/tiers")
    client.get("/v1/deals")
    client.get(f"/v1/deals/{nobody()}", expect=404)
    client.request("HEAD", "/v1/tiers", expect=200)
    client.post("/v1/tiers", {}, expect=403)
    kept(client, until=lambda rows: len(rows) >= 5)

    def routes(**query):
        return sorted((row["method"], row["status"]) for row in client.list(PATH, query) if row["route"] != PATH)

    assert routes(status=404) == [("GET", 404)]
    assert routes(status=[404, 403]) == [("GET", 404), ("POST", 403)]
    assert routes(status_gte=400) == [("GET", 404), ("POST", 403)]
    assert routes(method=["HEAD", "POST"]) == [("HEAD", 200), ("POST", 403)]
    assert routes(problem_code="not_found") == [("GET", 404)]
    assert routes(duration_ms_gte=3_600_000) == []
    rows = client.list(PATH, {"sort": "requested_at"})
    assert [row["requested_at"] for row in rows] == sorted(row["requested_at"] for row in rows)
    assert client.list(PATH, {"requested_at_lt": rows[0]["requested_at"]}) == []
    newest = client.get(PATH, {"limit": 1}).json
    assert newest["next_cursor"]
    for wrong in ({"status": "abc"}, {"status": 99}, {"method": "BREW"}, {"problem_code": "none"}, {"actor_id": nobody()}):
        client.get(PATH, wrong, expect=400)


def test_pages_do_not_repeat(world):
    client = world.machine(["deals:read"])
    at_once([lambda: client.get("/v1/deals")] * 12)
    kept(client, until=lambda rows: len(rows) >= 12)
    query = {"sort": "requested_at", "limit": 5, "requested_at_lt": client.get(PATH, {"limit": 1})["data"][0]["requested_at"]}
    seen = []
    while True:
        page = client.get(PATH, query).json
        seen += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) >= 11


# ---- the log does not get in the way ----
@pytest.fixture(scope="module")
def place(new_database, new_server, postgres):
    """A database of its own, to take the table away from the log."""
    url = new_database()
    server = new_server(url)
    world = World(server, url)
    world.sql = lambda text: postgres.execute(url.rsplit("/", 1)[1], text)
    return world


@contextlib.contextmanager
def locked(database_url, table):
    """Nobody writes the table meanwhile."""
    session = psycopg2.connect(database_url)
    try:
        session.cursor().execute(f"lock table {table} in exclusive mode")
        yield
    finally:
        session.close()


def test_what_is_waiting_is_written_at_the_end(place, new_server):
    second = new_server(place.database_url, request_log_per_second=1)  # one line in each quarter of a second
    client = place.machine(["deals:read"])
    asked = {client.on(second).get("/v1/deals").headers["Request-Id"] for _ in range(50)}
    second.stop()
    assert asked <= {row["id"] for row in client.list(PATH)}


def test_requests_do_not_wait_for_their_log(place):
    """With the table locked the writer hangs; requests do not."""
    client = place.machine(["deals:read"])
    with locked(place.database_url, "api_requests"):
        asked = [client.get("/v1/deals").headers["Request-Id"] for _ in range(30)]
        assert wait.until(lambda: samples(place.server)["partnerd_request_log_waiting"] >= 20, "lines wait")
    kept(client, until=lambda rows: set(asked) <= {row["id"] for row in rows})
    assert samples(place.server)["partnerd_request_log_dropped_total"] == 0


def test_a_full_ring_drops_and_counts(place, new_server):
    slow = new_server(place.database_url, request_log_per_second=1)
    client = place.machine(["deals:read"]).on(slow)

    def many():
        for _ in range(RING // 8 + 40):
            client.get("/v1/me")

    at_once([many] * 8)
    seen = samples(slow)
    assert seen["partnerd_request_log_dropped_total"] > 0
    assert seen["partnerd_request_log_waiting"] <= RING


def test_a_log_may_be_none(place, new_server):
    without = new_server(place.database_url, request_log_per_second=0)
    client = place.machine(["deals:read"])
    request_id = client.on(without).get("/v1/deals").headers["Request-Id"]
    without.stop()
    assert request_id not in {row["id"] for row in client.list(PATH)}


def test_requests_are_kept_for_a_week(place):
    client = place.machine(["deals:read"])
    old, young = (client.get("/v1/deals").headers["Request-Id"] for _ in range(2))
    kept(client, until=lambda rows: {old, young} <= {row["id"] for row in rows})
    place.sql(f"update api_requests set requested_at = requested_at - interval '7 days 1 hour' where id = '{old}'")
    place.sql(f"update api_requests set requested_at = requested_at - interval '6 days 23 hours' where id = '{young}'")
    rows = kept(client, until=lambda rows: old not in {row["id"] for row in rows})
    assert young in {row["id"] for row in rows}
