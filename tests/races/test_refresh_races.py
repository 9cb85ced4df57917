# SPDX-License-Identifier: Apache-2.0
"""One refresh token in many hands at once: an impatient client is not taken for a thief, and a thief is not overlooked."""
import hashlib

import pytest

from support.client import Client
from support.parallel import at_once
from support.server import Server
from support.world import sign_in

CROWD = 50


@pytest.fixture(scope="module")
def instances(server, database_url):
    second = Server(database_url).wait_ready()
    yield [server, second]
    second.stop()


def renew(server, token):
    return Client(server).post("/oauth/token", form={"grant_type": "refresh_token", "refresh_token": token})


def session_of(world):
    user = world.make_user("viewer")
    return user, sign_in(world.server, user.email, user.password, world.slug).json


def family(postgres, world, token):
    """(tokens, sessions still open) of the session that this token belongs to."""
    return postgres.execute(world.database_url.rsplit("/", 1)[1], """
        select count(distinct t.token_hash), count(distinct s.id) filter (where s.ended_at is null)
        from refresh_tokens t join sessions s on s.id = t.family_id
        where t.family_id = (select family_id from refresh_tokens where token_hash = %s)""",
                            (hashlib.sha256(token.encode()).digest(),))[0]


def test_fifty_uses_of_one_token_within_the_grace(world, instances, postgres):
    user, session = session_of(world)
    answers = at_once([lambda at=instances[n % 2]: renew(at, session["refresh_token"]) for n in range(CROWD)])
    assert [answer.status for answer in answers] == [200] * CROWD
    [successor] = {answer["refresh_token"] for answer in answers}
    assert family(postgres, world, successor) == (2, 1)
    for answer in answers:
        assert Client(instances[0], answer["access_token"]).get("/v1/me")["id"] == user.id
    assert renew(instances[1], successor).status == 200
    actions = [entry["action"] for entry in world.admin.list("/v1/audit-log", {"actor_id": user.id})]
    assert "session.revoked" not in actions


def test_one_use_after_the_grace_ends_all(world, instances, postgres):
    _, session = session_of(world)
    first = renew(instances[0], session["refresh_token"]).json
    postgres.execute(world.database_url.rsplit("/", 1)[1], """
        update refresh_tokens set used_at = used_at - interval '31 seconds' where token_hash = %s""",
                     (hashlib.sha256(session["refresh_token"].encode()).digest(),))
    answers = at_once([lambda at=instances[n % 2]: renew(at, session["refresh_token"]) for n in range(CROWD)])
    assert {answer.status for answer in answers} == {400}
    assert family(postgres, world, first["refresh_token"])[1] == 0
    assert renew(instances[0], first["refresh_token"]).status == 400


def test_a_chain_in_many_hands_ends_in_one_session_or_none(world, instances, postgres):
    """Every answer is used at once by whoever got it: whatever happens, no second family and no token beside the chain."""
    _, session = session_of(world)
    tokens = [session["refresh_token"]] * 8

    def walk(index):
        for _ in range(4):
            answer = renew(instances[index % 2], tokens[index])
            if answer.status != 200:
                return
            tokens[index] = answer["refresh_token"]

    at_once([lambda n=n: walk(n) for n in range(8)])
    count, open_sessions = family(postgres, world, session["refresh_token"])
    assert count <= 5 and open_sessions <= 1
    last = [renew(instances[0], token).status for token in tokens]
    assert open_sessions == 1 or set(last) == {400}
