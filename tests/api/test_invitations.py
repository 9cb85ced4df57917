# SPDX-License-Identifier: Apache-2.0
"""Invitations: a token that is good once and for seven days, and a password that only the person knows."""
import psycopg2
import pytest

from support.client import Client
from support.judge import events_of
from support.parallel import at_once
from support.world import PASSWORD, accept, sign_in, unique


def invite(client, role="viewer", **members):
    return client.post("/v1/users", {
        "email": f"{unique('p')}@people.example", "name": "Kim Person", "role": role, **members}, expect=201)


def refused(server, token, password=PASSWORD):
    answer = Client(server).post("/v1/invitations/accept", {"token": token, "password": password},
                                 expect=422, problem="validation_failed")
    return answer.errors()


DEAD = {("#/token", "reference_not_found")}


def test_accept_and_sign_in(world, server):
    made = invite(world.admin)
    answer = accept(server, made["invitation_token"])
    assert answer.json == {"user_id": made["id"], "email": made["email"], "program": world.slug}
    assert answer.headers["Cache-Control"] == "no-store"
    assert sign_in(server, made["email"], PASSWORD, world.slug)["user_id"] == made["id"]
    after = world.admin.get(f"/v1/users/{made['id']}")
    assert (after["status"], after["version"], after["name"]) == ("active", 2, "Kim Person")


def test_nobody_signs_in_before(world, server):
    made = invite(world.admin)
    for password in (PASSWORD, made["invitation_token"], "x"):
        Client(server).post("/v1/sessions", {"email": made["email"], "password": password, "program": world.slug},
                            expect=401, problem="invalid_credentials")


def test_the_person_may_spell_the_name(world, server):
    made = invite(world.admin)
    accept(server, made["invitation_token"], name="Zoë Ångström")
    assert world.admin.get(f"/v1/users/{made['id']}")["name"] == "Zoë Ångström"


def test_it_is_the_person_who_accepted(world, server):
    made = invite(world.admin)
    accept(server, made["invitation_token"])
    event = next(event for event in events_of(world.admin, made["id"], 2)
                 if event["type"] == "user.invitation_accepted")
    assert (event["actor"]["type"], event["actor"]["id"]) == ("user", made["id"])
    assert event["previous"]["status"] == "invited"


@pytest.mark.parametrize("token", ["x", "pdi_" + "A" * 43, "pds_" + "A" * 43, "pdi_\u00e9", "' or ''='", "\\x00"])
def test_tokens_that_never_were(server, token):
    assert refused(server, token) == DEAD


def test_good_once(world, server):
    token = invite(world.admin)["invitation_token"]
    accept(server, token)
    assert refused(server, token) == DEAD


def test_good_for_seven_days(world, server, database_url):
    made = invite(world.admin)
    session = psycopg2.connect(database_url)
    with session, session.cursor() as cursor:
        cursor.execute("update user_tokens set expires_at = now() where user_id = %s", (made["id"],))
    session.close()
    assert refused(server, made["invitation_token"]) == DEAD


def test_kept_as_a_hash(world, database_url):
    made = invite(world.admin)
    session = psycopg2.connect(database_url)
    with session, session.cursor() as cursor:
        cursor.execute("select t::text, expires_at - created_at = interval '7 days' from user_tokens t where user_id = %s",
                       (made["id"],))
        (row, is_seven_days), = cursor.fetchall()
    session.close()
    assert is_seven_days and made["invitation_token"][4:] not in row


@pytest.mark.parametrize("members, where", [
    ({"password": "x" * 11}, "#/password"), ({"password": "x" * 129}, "#/password"), ({"password": None}, "#/password"),
    ({"name": " "}, "#/name"), ({"token": ""}, "#/token"), ({"role": "admin"}, "#/role"),
])
def test_bodies(server, members, where):
    body = {"token": "pdi_x", "password": PASSWORD, **members}
    answer = Client(server).post("/v1/invitations/accept", body, expect=422, problem="validation_failed")
    assert where in [place for place, _ in answer.errors()]


def test_only_one_of_many_at_once_wins(world, server):
    token = invite(world.admin)["invitation_token"]
    answers = at_once([lambda: Client(server).post("/v1/invitations/accept", {"token": token, "password": PASSWORD})
                        for _ in range(6)])
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422, 422, 422]
