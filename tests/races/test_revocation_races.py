# SPDX-License-Identifier: Apache-2.0
"""A revocation at one instance reaches another that has no connection left to serve requests with."""
import threading

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.wire import samples
from support.world import World

POOL = 2
READERS = 3 * POOL


@pytest.fixture(scope="module")
def place(new_server, new_database):
    url = new_database()
    world = World(new_server(url), url)
    world.busy = new_server(url, database_connections=POOL, workers=4 * READERS, database_wait_ms=60000,
                            statement_timeout_ms=60000, jobs="false")
    return world


@pytest.fixture
def full_pool(place):
    """Every connection of the busy server waits for a table, and more requests wait for a connection."""
    reader = place.machine(["deals:read"])
    lock = psycopg2.connect(place.database_url)
    lock.cursor().execute("lock table deals in access exclusive mode")
    threads = [threading.Thread(target=lambda: Client(place.busy, reader.token).get("/v1/deals"), daemon=True)
               for _ in range(READERS)]
    for thread in threads:
        thread.start()
    wait.until(lambda: samples(place.busy)["partnerd_database_requests_waiting"] >= READERS - POOL, "the pool is full")
    yield
    lock.close()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_a_full_pool_does_not_delay_a_revocation(place, full_pool):
    client_id, secret = place.make_client(["deals:read"])
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = Client(place.server).post("/oauth/token", form=form, expect=200)["access_token"]
    there = Client(place.busy, token)
    there.get("/v1/roles")  # asks nothing of the database
    row = place.admin.get(f"/v1/api-clients/{client_id}").json
    place.act("api-clients", row, "revoke")
    wait.until(lambda: there.get("/v1/roles", expect=None).status == 401, "the token is refused there, too")
    assert samples(place.busy)["partnerd_database_requests_waiting"] >= READERS - POOL, "the pool was full all the time"
