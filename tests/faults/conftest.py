# SPDX-License-Identifier: Apache-2.0
"""A durable PostgreSQL that may be killed, and writers who remember what they were promised."""
import threading
import uuid

import psycopg2
import pytest

from support.client import Client
from support.postgres import Cluster
from support.server import Server, partnerd
from support.world import DEAL, World

DATABASE = "partnerd_faults"


@pytest.fixture(scope="module")
def durable():
    """A cluster that keeps what it acknowledged; .database_url is a migrated database."""
    cluster = Cluster(durable=True)
    cluster.database_url = cluster.url(cluster.create(DATABASE, "template0"))
    partnerd("migrate", database_url=cluster.database_url)
    yield cluster
    cluster.remove()


@pytest.fixture
def start(durable):
    """Starts servers on the durable database; what still runs in the end is stopped and checked."""
    started = []

    def make(**settings):
        started.append(Server(durable.database_url, **settings).wait_ready())
        return started[-1]

    yield make
    for running in started:
        running.stop()


@pytest.fixture
def new_world(durable):
    return lambda running: World(running, durable.database_url)


class Writers:
    """Threads' work: register deals, each with a key of its own, again until it is acknowledged."""

    def __init__(self, partner):
        self.partner = partner
        self.acknowledged = {}  # customer name → deal id
        self.refused = []       # problems met on the way
        self.broken = {}        # customer name → the exception, where connections may break
        self.may_break = False
        self.is_over = threading.Event()

    def __call__(self, index):
        name = f"Customer {uuid.uuid4()}"
        while not self.is_over.is_set():
            try:
                answer = self.partner.api.post("/v1/deals", {**DEAL, "customer_name": name}, key=name.replace(" ", "-"))
            except OSError as failure:
                if not self.may_break:
                    raise
                self.broken[name] = failure
                return
            except Exception as failure:
                if not self.may_break or "Remote" not in type(failure).__name__:
                    raise
                self.broken[name] = failure
                return
            if answer.status == 201:
                self.acknowledged[name] = answer["id"]
                return
            self.note(answer)

    def note(self, answer):
        """While the database is away: a problem document that says so, nothing else."""
        assert answer.status in (503, 504, 409), answer
        assert answer.problem in ("unavailable", "timeout", "idempotency_in_progress"), answer
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        self.refused.append(answer.problem)

    def stored(self, client=None):
        """What is really there: customer name → deal id."""
        rows = (client or self.partner.api).list("/v1/deals")
        names = [row["customer_name"] for row in rows]
        assert len(names) == len(set(names)), "an intent was stored twice"
        return {row["customer_name"]: row["id"] for row in rows}


@pytest.fixture
def writers():
    return Writers


class DealsLocked:
    """Holds the deals table, so that whoever wants it waits: locked() … locked.release()."""

    def __init__(self, durable):
        self.durable, self.session = durable, None

    def __call__(self):
        self.session = psycopg2.connect(self.durable.database_url)
        self.session.cursor().execute("lock table deals in access exclusive mode")

    def waiting(self):
        """How many wait for it, to read or to write."""
        return self.durable.execute("postgres", "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                                    "and wait_event = 'relation'")[0][0]

    def release(self):
        if self.session:
            self.session.close()
            self.session = None


@pytest.fixture
def deals_locked(durable):
    lock = DealsLocked(durable)
    yield lock
    lock.release()


def as_before(client, server):
    """The same token at another server."""
    return Client(server, client.token)
