# SPDX-License-Identifier: Apache-2.0
"""Fixtures and words of the tests that bring tokens of identity providers: import what is needed."""
import pytest

from support import wait
from support.client import Client
from support.issuer import Issuer
from support.world import World


@pytest.fixture(scope="module")
def url(new_database):
    return new_database()


@pytest.fixture(scope="module")
def near(new_server, url):
    """A server that may go to this machine's own network."""
    return new_server(url, outbound_networks="127.0.0.0/8")


@pytest.fixture(scope="module")
def world(near, url):
    return World(near, url)


@pytest.fixture
def issuer():
    made = Issuer()
    yield made
    made.close()


def fetched(world, provider, fault=None):
    """The provider once its keys were asked for."""
    def done():
        row = world.refresh(provider)
        return row if row["keys_read_at"] or row["fault"] else None
    row = wait.until(done, "the keys of the provider are asked for")
    assert row["fault"] == fault
    return row


def trust(world, issuer, **members):
    return fetched(world, world.make_provider(issuer=issuer.url, **members))


def me(near, token, **expected):
    return Client(near, token).get("/v1/me", **{"expect": 200, **expected})


def refused(near, token):
    answer = me(near, token, expect=401, problem="token_invalid")
    assert answer["detail"] == "The access token is not valid."


def cut_off(near, token):
    """Instances learn of it from the database, within a second."""
    wait.until(lambda: me(near, token, expect=None).problem == "token_invalid", "the token is not good any more")
