# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all black-box tests (tests/api, races, faults, sql, contract).

One PostgreSQL and one server for the whole run; `world` gives each module a sandbox program of its own on them. Tests
that break things (tampering, kill -9, limits) take `new_database` and `new_server`, which nobody else sees.
"""
import itertools
from types import SimpleNamespace

import pytest

from support import server as servers
from support.client import Client
from support.postgres import Cluster
from support.server import Server, partnerd, shell_variables
from support.world import World, client_token, sign_in

TEMPLATE = "partnerd_template"
names = itertools.count(1)


def make_template(cluster):
    """A migrated database with the demo data, copied by every test database."""
    assert servers.BINARY.exists(), f"{servers.BINARY} is missing: cmake --preset dev && cmake --build --preset dev"
    cluster.create(TEMPLATE, "template0")
    url = cluster.url(TEMPLATE)
    partnerd("migrate", database_url=url)
    return shell_variables(partnerd("seed", "--demo", database_url=url).stdout)


@pytest.fixture(scope="session")
def postgres():
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def demo_variables(postgres):
    """What `partnerd seed --demo` printed: ids and credentials of the demo data."""
    return make_template(postgres)


@pytest.fixture(scope="session")
def database_url(postgres, demo_variables):
    return postgres.url(postgres.create("partnerd_shared", TEMPLATE))


@pytest.fixture(scope="session")
def server(database_url):
    """The server of the run: default settings, no limits of rate."""
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def new_database(postgres, demo_variables):
    """Makes databases of the module's own from the template, with the demo data: new_database() → url."""
    made = []

    def make():
        made.append(postgres.create(f"partnerd_{next(names)}", TEMPLATE))
        return postgres.url(made[-1])

    yield make
    for name in made:
        postgres.drop(name)


@pytest.fixture(scope="module")
def new_server(new_database):
    """Starts instances of the module's own: new_server(url, database_connections=2); stopped and checked at its end."""
    started = []

    def start(url, **settings):
        started.append(Server(url, **settings).wait_ready())
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="module")
def world(server, database_url):
    """A sandbox program of the module's own on the shared server."""
    return World(server, database_url)


@pytest.fixture(scope="session")
def demo(server, demo_variables):
    """The demo program: .admin, .a and .b (machine clients of the two partners), .a_id, .b_id."""
    get = demo_variables.__getitem__

    def machine(name):
        token = client_token(server, get(f"PARTNER_{name}_CLIENT_ID"), get(f"PARTNER_{name}_CLIENT_SECRET"))
        return Client(server, token)

    session = sign_in(server, get("VENDOR_ADMIN_EMAIL"), get("VENDOR_ADMIN_PASSWORD"))
    return SimpleNamespace(
        admin=Client(server, session["access_token"]), a=machine("A"), b=machine("B"),
        a_id=get("PARTNER_A_ID"), b_id=get("PARTNER_B_ID"), program_id=session["program_id"])

