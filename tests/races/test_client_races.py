# SPDX-License-Identifier: Apache-2.0
"""Machine clients changed while they are in use: no token of the old terms survives, none of the new ones is lost."""
import pytest

from support import wait
from support.client import Client
from support.parallel import Load, at_once
from support.server import Server
from support.tokens import claims_of
from support.world import unique


@pytest.fixture(scope="module")
def second(server, database_url):
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


def make(world, scopes):
    return world.admin.post("/v1/api-clients", {"name": unique("script"), "scopes": scopes}, expect=201).json


def ask(server, made, secret=None):
    return Client(server).post("/oauth/token", form={
        "grant_type": "client_credentials", "client_id": made["id"], "client_secret": secret or made["client_secret"]})


def is_in(server, token):
    return Client(server, token).get("/v1/me", expect=None).status == 200


def test_narrowing_under_load(world, server, second):
    """Tokens are had at two instances all the time; those with the scope that goes are all cut, the others are good."""
    made, tokens = make(world, ["deals:read", "events:read"]), []
    load = Load(lambda index: tokens.append(ask((server, second)[index % 2], made)["access_token"]), 6)
    wait.until(lambda: len(tokens) > 60, "tokens are had")
    world.admin.patch(f"/v1/api-clients/{made['id']}", {"scopes": ["deals:read"]}, if_match=1, expect=200)
    count = len(tokens)
    wait.until(lambda: len(tokens) > count + 60, "tokens are had of the new terms")
    load.stop()
    old = [token for token in tokens if "events:read" in claims_of(token)["scope"]]
    new = [token for token in tokens if "events:read" not in claims_of(token)["scope"]]
    assert len({claims_of(token)["grant_id"] for token in tokens}) == 2 and len(old) > 30 and len(new) > 30
    for instance in (server, second):
        wait.until(lambda: not is_in(instance, old[-1]), "the instance has heard of it")
        assert not any(is_in(instance, token) for token in old)
        assert all(is_in(instance, token) for token in new)


@pytest.mark.parametrize("if_match", [1, "*"])
def test_rotations_at_once(world, server, if_match):
    """Each that is told a secret can use it, and there are never more than five."""
    made = make(world, ["deals:read"])
    answers = at_once([lambda: world.admin.post(f"/v1/api-clients/{made['id']}/rotate-secret", {"overlap_seconds": 600},
                                                if_match=if_match)] * 12)
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1 if if_match == 1 else 1 <= len(won) <= 4
    assert all(answer.status in (409, 412) for answer in answers if answer.status != 200), answers
    for answer in won:
        assert ask(server, made, answer["client_secret"]).status == 200
    row = world.admin.get(f"/v1/api-clients/{made['id']}").json
    assert len(row["secrets"]) == len(won) + 1 and row["version"] == len(won) + 1
    assert ask(server, made).status == 200


def test_a_leaked_secret_races_its_end(world, server, second):
    """While somebody keeps asking with a secret, it is ended without overlap: nothing that was had for it stays good."""
    made, tokens = make(world, ["deals:read"]), []

    def steal(index):
        answer = ask((server, second)[index % 2], made)
        if answer.status == 200:
            tokens.append(answer["access_token"])

    load = Load(steal, 6)
    wait.until(lambda: len(tokens) > 40, "tokens are had")
    fresh = world.admin.post(f"/v1/api-clients/{made['id']}/rotate-secret", {"overlap_seconds": 0}, if_match=1, expect=200)
    wait.until(lambda: ask(server, made).status == 401 and ask(second, made).status == 401, "the secret is refused")
    load.stop()
    for instance in (server, second):
        wait.until(lambda: not is_in(instance, tokens[-1]), "the instance has heard of it")
        assert not any(is_in(instance, token) for token in tokens)
        assert is_in(instance, ask(instance, made, fresh["client_secret"])["access_token"])
