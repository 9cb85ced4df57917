# SPDX-License-Identifier: Apache-2.0
"""Sessions as their owner sees them: where one is signed in, and signing out there, here or everywhere."""

import pytest

from support import wait
from support.client import Client
from support.judge import NOBODY, nobody, same_refusal
from support.parallel import at_once
from support.server import Server
from support.tokens import claims_of

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def second(server, database_url):
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def user(world):
    """A new user who is signed in nowhere."""
    made = world.make_user("viewer")
    made.request("DELETE", "/v1/sessions", expect=204)
    return made


def enter(world, user, server=None, **headers):
    """Signs in once more: a client with .session (the answer) and .session_id."""
    body = {"email": user.email, "password": user.password, "program": world.slug}
    session = Client(server or world.server).post(
        "/v1/sessions", body, headers={name.replace("_", "-"): value for name, value in headers.items()}, expect=201)
    client = Client(server or world.server, session["access_token"])
    client.session, client.session_id = session.json, claims_of(session["access_token"])["sid"]
    return client


def renew(client, **options):
    form = {"grant_type": "refresh_token", "refresh_token": client.session["refresh_token"]}
    return Client(client.server).post("/oauth/token", form=form, **options)


def is_in(client):
    return client.get("/v1/me", expect=None).status == 200


def is_out(client):
    assert client.get("/v1/me", expect=401, problem="token_invalid")
    assert renew(client, expect=400)["error"] == "invalid_grant"


def test_a_session_shows_where_one_is_signed_in(world, user):
    client = enter(world, user, User_Agent=BROWSER)
    [row] = client.list("/v1/sessions")
    assert row["id"] == client.session_id and row["is_current"] is True
    assert (row["object"], row["profile"], row["user_agent"]) == ("session", "bearer", BROWSER)
    assert row["address"] == row["last_address"] == "127.0.0.1"
    assert row["created_at"] == row["last_used_at"] < row["expires_at"]
    assert client.get("/v1/sessions/current").json == row


def test_only_one_is_the_present_one(world, user):
    clients = [enter(world, user) for _ in range(3)]
    for client in clients:
        rows = client.list("/v1/sessions")
        assert [row["id"] for row in rows if row["is_current"]] == [client.session_id]
        assert {row["id"] for row in rows} == {each.session_id for each in clients}


@pytest.mark.parametrize("sort", ["last_used_at", "-last_used_at", "created_at", "-created_at"])
def test_order_and_pages(world, user, sort):
    ids = [enter(world, user).session_id for _ in range(4)]
    client = enter(world, user)
    ids.append(client.session_id)
    rows = client.list("/v1/sessions", {"sort": sort}, limit=2)
    assert [row["id"] for row in rows] == (ids[::-1] if sort.startswith("-") else ids)
    assert client.get("/v1/sessions", {"include_total": "true", "limit": 1})["total_count"] == 5


def test_renewing_is_use(world, user):
    client = enter(world, user)
    before = client.get("/v1/sessions/current").json
    after = Client(client.server, renew(client, expect=200)["access_token"]).get("/v1/sessions/current").json
    assert after["last_used_at"] > before["last_used_at"] and after["expires_at"] > before["expires_at"]
    assert {name: value for name, value in after.items() if name not in ("last_used_at", "expires_at")} == \
        {name: value for name, value in before.items() if name not in ("last_used_at", "expires_at")}


@pytest.mark.parametrize("sent, kept", [
    ("x" * 298 + "é", "x" * 298 + "é"), ("x" * 299 + "é", "x" * 299), ("x" * 2000, "x" * 300), ("é" * 200, "é" * 150),
    ("a\tb\"\\{}", "a\tb\"\\{}")], ids=range(5))
def test_devices_call_themselves_anything(world, user, sent, kept):
    client = enter(world, user, User_Agent=sent.encode())
    assert client.get("/v1/sessions/current")["user_agent"] == kept


def test_a_device_may_say_nothing(world, user):
    assert enter(world, user).get("/v1/sessions/current")["user_agent"] is None
    assert enter(world, user, User_Agent=b"\xff\xfe").get("/v1/sessions/current")["user_agent"] is None


def test_ending_one(world, user, second):
    here, there = enter(world, user), enter(world, user)
    assert here.request("DELETE", f"/v1/sessions/{there.session_id}", expect=204).body == b""
    is_out(there)
    wait.until(lambda: not is_in(there.on(second)), "the session has ended at the other instance")
    assert [row["id"] for row in here.list("/v1/sessions")] == [here.session_id]
    assert is_in(here) and renew(here).status == 200
    here.request("DELETE", f"/v1/sessions/{there.session_id}", expect=404, problem="not_found")


def test_one_may_end_the_present_one_by_its_id(world, user):
    client = enter(world, user)
    client.request("DELETE", f"/v1/sessions/{client.session_id}", expect=204)
    is_out(client)


def test_ending_the_others(world, user, second):
    here, others = enter(world, user), [enter(world, user) for _ in range(3)]
    here.request("DELETE", "/v1/sessions", query={"keep_current": "true"}, expect=204)
    for other in others:
        is_out(other)
        wait.until(lambda: not is_in(other.on(second)), "the session has ended at the other instance")
    assert is_in(here) and renew(here).status == 200
    assert [row["id"] for row in here.list("/v1/sessions")] == [here.session_id]


def test_ending_all(world, user):
    clients = [enter(world, user) for _ in range(3)]
    clients[0].request("DELETE", "/v1/sessions", expect=204)
    for client in clients:
        is_out(client)
    assert is_in(enter(world, user)), "who comes back is not refused for having left"


def test_ended_sessions_are_not_shown(world, user):
    gone, client = enter(world, user), enter(world, user)
    gone.request("DELETE", "/v1/sessions/current", expect=204)
    assert [row["id"] for row in client.list("/v1/sessions")] == [client.session_id]


@pytest.mark.parametrize("change", ["expires_at = now()", "idle_expires_at = now()"])
def test_sessions_that_are_over_are_not_shown(world, user, postgres, change):
    over, client = enter(world, user), enter(world, user)
    postgres.execute(world.database_url.rsplit("/", 1)[1], f"update sessions set {change} where id = %s",
                     (over.session_id,))
    assert [row["id"] for row in client.list("/v1/sessions")] == [client.session_id]
    client.request("DELETE", f"/v1/sessions/{over.session_id}", expect=404)
    over.get("/v1/sessions/current", expect=404, problem="not_found")


def test_sessions_are_nobody_elses(world, user):
    """Not a colleague's, not an admin's: all are as missing as what does not exist."""
    mine = enter(world, user)
    for other in (world.admin, world.user("viewer"), world.partner("a").user(), world.partner("a").api):
        foreign = other.request("DELETE", f"/v1/sessions/{mine.session_id}", expect=404)
        same_refusal(foreign, other.request("DELETE", f"/v1/sessions/{nobody()}", expect=404))
        if other is not world.partner("a").api:
            assert mine.session_id not in str(other.list("/v1/sessions"))
    assert is_in(mine)


def test_machines_have_no_sessions(world):
    machine = world.partner("a").api
    for method, path in (("GET", "/v1/sessions"), ("GET", "/v1/sessions/current"), ("DELETE", "/v1/sessions")):
        machine.request(method, path, expect=403, problem="forbidden")


@pytest.mark.parametrize("text", ["x", "1", NOBODY[:-1], "current2"])
def test_ids_that_are_none(world, text):
    assert world.admin.request("DELETE", f"/v1/sessions/{text}").status == 404


def test_the_ledger_knows_what_was_ended(world, user):
    here, there = enter(world, user), enter(world, user)
    here.request("DELETE", f"/v1/sessions/{there.session_id}", expect=204)
    here.request("DELETE", "/v1/sessions", expect=204)
    entries = world.admin.list("/v1/audit-log", {"actor_id": user.id})
    by_session = {entry["resource"]["id"] for entry in entries if entry["action"] == "session.ended"}
    assert by_session == {there.session_id}
    assert "sessions.ended" in [entry["action"] for entry in entries]


def test_ending_and_renewing_at_once(world, user):
    """A renewal that runs beside the end is either before it, and ended too, or refused: no session survives its end."""
    for _ in range(5):
        here, there = enter(world, user), enter(world, user)
        answers = at_once([lambda: renew(there)] * 4 + [
            lambda: here.request("DELETE", f"/v1/sessions/{there.session_id}", expect=204)])
        for answer in answers[:4]:
            if answer.status == 200:
                there.session = answer.json
        assert renew(there)["error"] == "invalid_grant"


def test_deactivated_users_are_signed_out(world, user):
    client = enter(world, user)
    world.act("users", world.admin.get(f"/v1/users/{user.id}").json, "deactivate")
    wait.until(lambda: not is_in(client), "the user is signed out")
    is_out(client)
