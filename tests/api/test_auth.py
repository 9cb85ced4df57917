# SPDX-License-Identifier: Apache-2.0
"""Signing in, tokens for machines, refresh tokens, signing out, and the keys behind them."""
import base64
import hashlib
from urllib.parse import quote

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.judge import nobody, same_refusal
from support.parallel import at_once
from support.server import Server, partnerd
from support.tokens import claims_of, header_of, thumbprint, verifies
from support.world import PASSWORD, World, accept, client_token, sign_in, unique

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def second(server, database_url):
    """Another instance on the same database."""
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def machine(world):
    return world.make_client(["deals:read", "deals:write", "events:read"], world.partner("a").id)


def execute(url, sql, *values):
    """As the database's owner: what the tests change behind the server's back."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def token(server, headers=None, expect=None, body=None, **form):
    client = Client(server)
    if body is not None:
        return client.post("/oauth/token", body, headers={**FORM, **(headers or {})}, expect=expect)
    return client.post("/oauth/token", form=form, headers=headers, expect=expect)


def refused(answer, error, status=400):
    assert answer.status == status and answer["error"] == error, answer
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-store"
    return answer


def refresh(server, refresh_token, **form):
    return token(server, grant_type="refresh_token", refresh_token=refresh_token, **form)


def session_of(world, role="viewer"):
    """A new user and a session: the answer of POST /v1/sessions."""
    user = world.make_user(role)
    return user, sign_in(world.server, user.email, user.password, world.slug)


def is_out(server, access_token):
    return Client(server, access_token).get("/v1/me", expect=None).problem == "token_invalid"


def hash_of(refresh_token):
    return hashlib.sha256(refresh_token.encode()).digest()


# ---- signing in ----

def test_sign_in(world, server):
    user = world.user("reviewer")
    answer = sign_in(server, user.email, user.password, world.slug)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 600
    assert answer["user_id"] == user.id and answer["program_id"] == world.program_id and answer["partner_id"] is None
    me = Client(server, answer["access_token"]).get("/v1/me").json
    assert sorted(me["scopes"]) == sorted(answer["scope"].split())
    assert me["program"]["slug"] == world.slug and me["email"] == user.email


def test_case_of_the_address_does_not_matter(world, server):
    user = world.user("reviewer")
    assert sign_in(server, user.email.upper(), user.password, world.slug)["user_id"] == user.id


def test_the_program_is_found_by_the_address(world, server):
    user = world.user("reviewer")
    assert sign_in(server, user.email, user.password)["program_id"] == world.program_id


def attempt(server, email, password, program=None):
    body = {"email": email, "password": password, **({"program": program} if program else {})}
    return Client(server).post("/v1/sessions", body)


def test_refusals_cannot_be_told_apart(world, server):
    user = world.user("reviewer")
    disabled = world.make_user("viewer")
    world.act("users", world.admin.get(f"/v1/users/{disabled.id}").json, "deactivate")
    wrong = attempt(server, user.email, "wrong")
    assert wrong.status == 401 and wrong.problem == "invalid_credentials"
    same_refusal(wrong, attempt(server, f"{unique('nobody')}@people.example", "wrong"))
    same_refusal(wrong, attempt(server, user.email, user.password, unique("program")))
    same_refusal(wrong, attempt(server, disabled.email, disabled.password))
    same_refusal(wrong, attempt(server, user.email, user.password + " "))
    same_refusal(wrong, attempt(server, user.email, user.password.swapcase()))


def test_an_address_of_two_programs_needs_the_program(world, server, database_url):
    other = World(server, database_url)
    made = other.admin.post("/v1/users", {
        "email": world.user("reviewer").email, "name": "The Same", "role": "viewer"}, expect=201)
    password = "another one than over there"
    accept(server, made["invitation_token"], password)
    assert attempt(server, made["email"], password).problem == "invalid_credentials"
    assert sign_in(server, made["email"], password, other.slug)["program_id"] == other.program_id
    assert attempt(server, made["email"], password, world.slug).problem == "invalid_credentials"
    assert sign_in(server, made["email"], world.user("reviewer").password, world.slug)["user_id"] != made["id"]


@pytest.mark.parametrize("body, where", [
    ({"email": "a@b.example"}, "#/password"), ({"password": "x"}, "#/email"),
    ({"email": "a@b.example", "password": 7}, "#/password"),
    ({"email": "a@b.example", "password": "x", "remember": True}, "#/remember"),
    ({"email": "a@b.example", "password": "x" * 2000}, "#/password"),
])
def test_bodies_of_sign_in(server, body, where):
    answer = Client(server).post("/v1/sessions", body, expect=422, problem="validation_failed")
    assert where in [place for place, _ in answer.errors()]


def test_passwords_do_not_come_back(server):
    answer = attempt(server, "a@b.example", "a-very-secret-word")
    assert "a-very-secret-word" not in answer.body.decode()


def test_signing_in_is_no_edit(world, server):
    user = world.make_user("viewer")
    before = world.admin.get(f"/v1/users/{user.id}").json
    sign_in(server, user.email, user.password, world.slug)
    after = world.admin.get(f"/v1/users/{user.id}").json
    assert after["version"] == before["version"] and after["updated_at"] == before["updated_at"]
    assert after["last_signed_in_at"] > before["last_signed_in_at"]


def test_the_ledger_knows_who_came(world, server):
    user, session = session_of(world)
    attempt(server, user.email, "wrong")
    Client(server, session["access_token"]).request("DELETE", "/v1/sessions/current", expect=204)
    entries = world.admin.list("/v1/audit-log", {"actor_id": user.id})
    actions = [entry["action"] for entry in entries]
    assert sorted(set(actions)) == ["session.ended", "session.refused", "session.started", "user.invitation_accepted"]
    assert actions.count("session.started") == 2
    assert {entry["actor"]["type"] for entry in entries} == {"user"} and all(entry["address"] for entry in entries)


def test_cheaper_hashes_are_replaced_at_sign_in(world, server, database_url):
    user = world.make_user("viewer")
    old = execute(database_url, "select password_hash from users where id = %s", user.id)[0][0]
    dearer = Server(database_url, password_memory_kib=16384).wait_ready()
    sign_in(dearer, user.email, user.password, world.slug)
    dearer.stop()
    new = execute(database_url, "select password_hash from users where id = %s", user.id)[0][0]
    assert "m=8192" in old and "m=16384" in new
    sign_in(server, user.email, user.password, world.slug)


def test_crowds_at_the_door(world, server):
    """More sign-ins at once than may be hashed: each is let in or told to come again, none fails otherwise."""
    user = world.user("reviewer")
    answers = at_once([lambda: attempt(server, user.email, user.password, world.slug)] * 24)
    for answer in answers:
        assert answer.status == 201 or (answer.problem == "unavailable" and int(answer.headers["Retry-After"]) > 0)
    assert any(answer.status == 201 for answer in answers)


# ---- signing out ----

def test_sign_out(world, server, second):
    user, session = session_of(world)
    other = sign_in(server, user.email, user.password, world.slug)
    client = Client(server, session["access_token"])
    client.on(second).get("/v1/me")
    assert client.request("DELETE", "/v1/sessions/current", expect=204).body == b""
    assert is_out(server, session["access_token"])
    wait.until(lambda: is_out(second, session["access_token"]), "the session has ended at the other instance")
    refused(refresh(server, session["refresh_token"]), "invalid_grant")
    Client(server, other["access_token"]).get("/v1/me")
    assert refresh(server, other["refresh_token"]).status == 200


def test_machines_have_no_session(server, machine):
    client = Client(server, client_token(server, *machine))
    client.request("DELETE", "/v1/sessions/current", expect=403, problem="forbidden")
    client.get("/v1/me")


# ---- client credentials ----

def test_machines_by_form_and_by_basic(world, server, machine):
    client_id, secret = machine
    encoded = basic(client_id.replace("-", "%2D"), quote(secret, safe=""))
    answers = [
        token(server, grant_type="client_credentials", client_id=client_id, client_secret=secret, expect=200),
        token(server, basic(client_id, secret), grant_type="client_credentials", expect=200),
        token(server, encoded, grant_type="client_credentials", expect=200),
        token(server, {"Authorization": basic(client_id, secret)["Authorization"].replace("Basic", "bAsIc")},
              grant_type="client_credentials", unknown="ignored", expect=200),
    ]
    for answer in answers:
        assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
        assert answer["token_type"] == "Bearer" and answer["scope"] == "deals:read deals:write events:read"
        assert answer.headers["Cache-Control"] == "no-store"
        me = Client(server, answer["access_token"]).get("/v1/me").json
        assert me["id"] == client_id and me["partner"]["id"] == world.partner("a").id and me["email"] is None


def test_fewer_scopes(server, machine):
    client_id, secret = machine
    answer = token(server, basic(client_id, secret), grant_type="client_credentials", scope="events:read", expect=200)
    assert answer["scope"] == "events:read"
    client = Client(server, answer["access_token"])
    client.get("/v1/events")
    denied = client.get("/v1/deals", expect=403, problem="insufficient_scope")
    assert denied["scope"] == "deals:read" and 'scope="deals:read"' in denied.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scope", [
    "deals:approve", "deals:read deals:approve", "everything", "deals:read everything", "*", " ", "deals:read,deals:write"])
def test_more_scopes(server, machine, scope):
    refused(token(server, basic(*machine), grant_type="client_credentials", scope=scope), "invalid_scope")


def test_unknown_clients_cannot_be_told_apart(world, server, machine):
    client_id, secret = machine
    gone, gone_secret = world.make_client(["deals:read"])
    world.act("api-clients", world.admin.get(f"/v1/api-clients/{gone}").json, "revoke")
    attempts = [(client_id, "wrong"), (client_id, secret + "x"), (client_id, ""), (nobody(), secret), ("", secret),
                ("not-a-uuid", secret), ("' or '1'='1", secret), (gone, gone_secret), (client_id.upper(), "wrong")]
    for headers in [{}, *[basic(*pair) for pair in attempts]]:
        answer = token(server, headers, grant_type="client_credentials")
        refused(answer, "invalid_client", 401)
        assert answer["error_description"] == "The client is not known, or its secret is wrong."
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    for pair in attempts:
        refused(token(server, grant_type="client_credentials", client_id=pair[0], client_secret=pair[1]),
                "invalid_client", 401)


@pytest.mark.parametrize("header", [
    "Basic", "Basic ", "Basic !!!", "Basic YQ==", "Basic YTpi YTpi", "Basic " + "QUJD" * 1000, "Bearer abc", "Digest x",
    "Basic " + base64.b64encode(b"a%zz:b").decode(), "Basic " + base64.b64encode(b"a:\xff").decode()])
def test_broken_basic(server, header):
    refused(token(server, {"Authorization": header}, grant_type="client_credentials"), "invalid_client", 401)


def test_one_way_to_say_who_one_is(server, machine):
    client_id, secret = machine
    for extra in ({"client_id": client_id}, {"client_secret": secret}, {"client_id": client_id, "client_secret": secret}):
        refused(token(server, basic(client_id, secret), grant_type="client_credentials", **extra), "invalid_request")


@pytest.mark.parametrize("body, error", [
    (b"", "invalid_request"), (b"&&", "invalid_request"), (b"grant_type=", "invalid_request"),
    (b"scope=deals:read", "invalid_request"), (b"grant_type=password&username=a&password=b", "unsupported_grant_type"),
    (b"grant_type=authorization_code&code=x", "unsupported_grant_type"),
    (b"grant_type=CLIENT_CREDENTIALS", "unsupported_grant_type"),
    (b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
    (b"grant_type=client_credentials&scope=a&scope=b", "invalid_request"),
    (b"grant_type=%zz", "invalid_request"), (b"grant_type=%00", "invalid_request"), (b"grant_type=%ff", "invalid_request"),
    (b"&".join(b"p%d=1" % i for i in range(40)), "invalid_request"),
    (b"grant_type=refresh_token", "invalid_request"), (b"grant_type=refresh_token&refresh_token=", "invalid_request"),
])
def test_requests_outside_the_rfc(server, body, error):
    refused(token(server, body=body), error)


@pytest.mark.parametrize("body,media", [
    (None, None), (b"", "application/x-www-form-urlencoded"), (b"", "application/json"),
    (b'{"grant_type": "client_credentials"}', "application/json"), (b"grant_type=client_credentials", "text/plain"),
    (b"grant_type=client_credentials", "application/x-www-form-urlencoded; charset=latin1"),
])
def test_what_is_no_form_is_refused_in_the_words_of_the_rfc(server, body, media):
    headers = {"Content-Type": media} if media else {}
    refused(Client(server).post("/oauth/token", body, headers=headers), "invalid_request")


def test_use_is_noted_once_a_minute(world, server, database_url):
    client_id, secret = world.make_client(["deals:read"])
    path = f"/v1/api-clients/{client_id}"
    assert world.admin.get(path)["last_used_at"] is None
    client_token(server, client_id, secret)
    first = world.admin.get(path).json
    assert first["last_used_at"] is not None and first["version"] == 1
    client_token(server, client_id, secret)
    assert world.admin.get(path).json == first
    execute(database_url, "update api_clients set last_used_at = now() - interval '61 seconds' where id = %s", client_id)
    client_token(server, client_id, secret)
    assert world.admin.get(path)["last_used_at"] > first["last_used_at"]


def test_suspended_partners_may_read(world, server):
    partner = world.make_partner()
    user = partner.user()
    world.act("partners", world.admin.get(f"/v1/partners/{partner.id}").json, "suspend", {"reason": "Late fees."})
    machine = Client(server, client_token(server, partner.client_id, partner.secret))
    machine.get("/v1/deals")
    assert machine.get("/v1/me")["partner"]["status"] == "suspended"
    sign_in(server, user.email, user.password, world.slug)


def test_terminated_partners_are_out(world, server):
    partner = world.make_partner()
    user = partner.user()
    session = sign_in(server, user.email, user.password, world.slug)
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    world.act("partners", row, "terminate", {"reason": "Contract ended."})
    refused(token(server, basic(partner.client_id, partner.secret), grant_type="client_credentials"),
            "invalid_client", 401)
    assert attempt(server, user.email, user.password, world.slug).problem == "invalid_credentials"
    refused(refresh(server, session["refresh_token"]), "invalid_grant")


# ---- refresh tokens ----

def test_rotation(world, server):
    user, session = session_of(world)
    seen = {session["refresh_token"]}
    for _ in range(3):
        session = refresh(server, session["refresh_token"]).json
        assert set(session) == {
            "access_token", "token_type", "expires_in", "scope", "refresh_token", "refresh_expires_in"}
        assert session["refresh_token"] not in seen and 0 < session["refresh_expires_in"] <= 30 * 86400
        seen.add(session["refresh_token"])
        assert Client(server, session["access_token"]).get("/v1/me")["id"] == user.id


def test_a_lost_answer_is_given_again(world, server, second):
    _, session = session_of(world)
    first = refresh(server, session["refresh_token"])
    again = refresh(second, session["refresh_token"])
    assert again.status == 200 and again["refresh_token"] == first["refresh_token"]
    assert refresh(server, again["refresh_token"]).status == 200


def ended(server, session, *tokens):
    for each in tokens:
        refused(refresh(server, each), "invalid_grant")
    assert is_out(server, session["access_token"])


def test_a_spent_token_ends_the_session(world, server, second):
    """Its successor has been used, so nobody lost an answer: two parties have the token."""
    user, session = session_of(world)
    other = sign_in(server, user.email, user.password, world.slug)
    first = refresh(server, session["refresh_token"]).json
    latest = refresh(server, first["refresh_token"]).json
    refused(refresh(server, session["refresh_token"]), "invalid_grant")
    ended(server, session, latest["refresh_token"], first["refresh_token"])
    for token_of in (session, first, latest):
        wait.until(lambda: is_out(second, token_of["access_token"]), "the session has ended at the other instance")
    Client(server, other["access_token"]).get("/v1/me")
    assert "session.revoked" in [
        entry["action"] for entry in world.admin.list("/v1/audit-log", {"actor_id": user.id})]


def test_grace_ends(world, server, database_url):
    _, session = session_of(world)
    first = refresh(server, session["refresh_token"]).json
    execute(database_url, "update refresh_tokens set used_at = used_at - interval '31 seconds' where token_hash = %s",
            hash_of(session["refresh_token"]))
    refused(refresh(server, session["refresh_token"]), "invalid_grant")
    ended(server, first, first["refresh_token"])


@pytest.mark.parametrize("change", [
    "issued_at = issued_at - interval '7 days 1 second'",
    "expires_at = now()",
])
def test_refresh_tokens_end(world, server, database_url, change):
    _, session = session_of(world)
    execute(database_url, f"update refresh_tokens set {change} where token_hash = %s", hash_of(session["refresh_token"]))
    refused(refresh(server, session["refresh_token"]), "invalid_grant")
    Client(server, session["access_token"]).get("/v1/me")


def test_the_absolute_end_is_inherited(world, server, database_url):
    _, session = session_of(world)
    execute(database_url, "update refresh_tokens set expires_at = now() + interval '100 seconds' where token_hash = %s",
            hash_of(session["refresh_token"]))
    assert 0 < refresh(server, session["refresh_token"])["refresh_expires_in"] <= 100


def test_refreshing_at_once(world, server, second):
    """Eight requests with one token: all get the same successor, on two instances, and the session lives on."""
    _, session = session_of(world)
    instances = [server, second] * 4
    answers = at_once([lambda at=at: refresh(at, session["refresh_token"]) for at in instances])
    assert [answer.status for answer in answers] == [200] * 8
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert refresh(server, answers[0]["refresh_token"]).status == 200


def test_scopes_of_a_refresh(world, server):
    _, session = session_of(world, "admin")
    refused(refresh(server, session["refresh_token"], scope="everything"), "invalid_scope")
    narrow = refresh(server, session["refresh_token"], scope="deals:read")
    assert narrow["scope"] == "deals:read"
    assert refresh(server, narrow["refresh_token"])["scope"] == session["scope"]


def test_disabled_users_do_not_refresh(world, server):
    user, session = session_of(world)
    world.act("users", world.admin.get(f"/v1/users/{user.id}").json, "deactivate")
    refused(refresh(server, session["refresh_token"]), "invalid_grant")


def test_sessions_belong_to_no_machine(world, server, machine):
    _, session = session_of(world)
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    refused(token(server, basic(*machine), **form), "invalid_client", 401)
    refused(token(server, client_id=machine[0], **form), "invalid_client", 401)
    refused(token(server, client_secret="x", **form), "invalid_client", 401)
    assert token(server, client_id="partnerd", **form).status == 200


@pytest.mark.parametrize("text", ["x", "pdr_" + "A" * 43, "' or true --", "\N{SNOWMAN}", "A" * 5000])
def test_unknown_refresh_tokens(server, text):
    refused(refresh(server, text), "invalid_grant")


def test_access_tokens_do_not_refresh(world, server):
    _, session = session_of(world)
    refused(refresh(server, session["access_token"]), "invalid_grant")
    Client(server, session["refresh_token"]).get("/v1/me", expect=401, problem="token_invalid")


def test_secrets_are_stored_as_hashes(world, server, database_url, machine):
    user, session = session_of(world)
    successor = refresh(server, session["refresh_token"])["refresh_token"]
    rows = execute(database_url, """
        select (select jsonb_agg(to_jsonb(t)) from refresh_tokens t)::text
            || (select jsonb_agg(to_jsonb(c)) from api_clients c)::text
            || (select jsonb_agg(to_jsonb(s)) from api_client_secrets s)::text || (select jsonb_agg(to_jsonb(u)) from users u)::text
            || (select jsonb_agg(to_jsonb(a)) from audit_entries a)::text""")[0][0]
    for secret in (session["refresh_token"], successor, machine[1], user.password, PASSWORD):
        assert secret not in rows
    assert hash_of(successor).hex() in rows


# ---- keys ----

def jwks(server):
    answer = Client(server).get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    return {key["kid"]: key for key in answer["keys"]}


def test_others_can_verify_our_tokens(world, server):
    _, session = session_of(world)
    published = jwks(server)
    key = published[header_of(session["access_token"])["kid"]]
    assert verifies(session["access_token"], key)
    assert header_of(session["access_token"]) == {"alg": "RS256", "typ": "at+jwt", "kid": key["kid"]}
    claims = claims_of(session["access_token"])
    assert set(claims) == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "program_id", "role", "sid",
                           "grant_id"}
    assert claims["exp"] - claims["iat"] == 600 and claims["client_id"] == "partnerd"


def test_published_keys(server):
    published = jwks(server)
    assert len(published) >= 2, "the next key is published before it signs"
    for kid, key in published.items():
        assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
        assert kid == thumbprint(key) and (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def listed(url):
    rows = [line.split("\t") for line in partnerd("key", "list", database_url=url).stdout.splitlines()]
    return {row[0]: row[2] for row in rows}


def rotate(url, **options):
    done = partnerd("key", "rotate", "--now", database_url=url, **options)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_rotation_of_keys(new_database, new_server):
    url = new_database()
    one, two = new_server(url), new_server(url)
    world = World(one, url)
    old = world.admin.token
    states = listed(url)
    assert sorted(states.values()) == ["active", "next"]
    announced = next(kid for kid, state in states.items() if state == "next")
    rotated = rotate(url)
    assert rotated["active_kid"] == announced and rotated["next_kid"] not in states
    for instance in (one, two):
        wait.until(lambda: rotated["next_kid"] in jwks(instance), "the new next key is published")
        assert header_of(old)["kid"] in jwks(instance)
        Client(instance, old).get("/v1/me")
        fresh = sign_in(instance, world.email, PASSWORD, world.slug)["access_token"]
        assert header_of(fresh)["kid"] == announced and verifies(fresh, jwks(instance)[announced])
    for instance in (one, two):
        Client(instance, fresh).get("/v1/me")
    assert listed(url)[header_of(old)["kid"]] == "retiring"

    # The old key's time is over: its tokens go, and the next rotation forgets the private half.
    execute(url, "update signing_keys set retired_at = now() where state = 'retiring'")
    execute(url, "notify partnerd, 'keys'")
    for instance in (one, two):
        wait.until(lambda: is_out(instance, old), "tokens of a retired key are refused")
        assert header_of(old)["kid"] not in jwks(instance)
        Client(instance, fresh).get("/v1/me")
    rotate(url)
    assert listed(url)[header_of(old)["kid"]] == "retired"
    kept = execute(url, "select private_key from signing_keys where kid = %s", header_of(old)["kid"])
    assert kept == [("",)]


def test_tokens_of_a_key_just_made(new_database, new_server):
    """An instance that is behind takes a token of the new key at once: it knows it as the next one."""
    url = new_database()
    one, two = new_server(url), new_server(url)
    world = World(one, url)
    for _ in range(3):
        rotate(url)
        fresh = sign_in(two, world.email, PASSWORD, world.slug)["access_token"]
        Client(one, fresh).get("/v1/me")


def test_rotating_at_once(new_database):
    url = new_database()
    at_once([lambda: rotate(url)] * 4)
    states = sorted(listed(url).values())
    assert states == ["active", "next"] + ["retiring"] * 4


def test_instances_that_start_together_make_one_pair(new_database):
    url = new_database()
    execute(url, "delete from signing_keys")
    started = [Server(url), Server(url), Server(url)]
    for instance in started:
        instance.wait_ready()
    assert sorted(listed(url).values()) == ["active", "next"]
    published = [jwks(instance) for instance in started]
    for instance in started:
        instance.stop()
    assert published[0] == published[1] == published[2]


def test_key_list_shows_no_secret(database_url):
    done = partnerd("key", "list", database_url=database_url)
    assert "PRIVATE" not in done.stdout and len(done.stdout.splitlines()) >= 2


@pytest.mark.parametrize("arguments", [["key"], ["key", "burn"], ["client"], ["client", "create"], ["client", "revoke"],
                                       ["client", "list"], ["key", "list", "--colour", "red"]])
def test_usage(database_url, arguments):
    done = partnerd(*arguments, database_url=database_url, status=None)
    assert done.returncode != 0 and done.stderr.startswith("partnerd: ")


# ---- machine clients of the operator ----

def create_client(database_url, *arguments):
    done = partnerd("client", "create", *arguments, database_url=database_url)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_clients_from_the_command_line(world, server, second, database_url):
    partner = world.partner("a")
    number = world.admin.get(f"/v1/partners/{partner.id}")["number"]
    made = create_client(database_url, "--program", world.slug, "--name", "CRM", "--scopes", "deals:read events:read",
                         "--partner", number)
    client = Client(server, client_token(server, made["client_id"], made["client_secret"]))
    me = client.get("/v1/me").json
    assert me["partner"]["id"] == partner.id and sorted(me["scopes"]) == ["deals:read", "events:read"]
    client.on(second).get("/v1/me")
    lines = partnerd("client", "list", "--program", world.slug, database_url=database_url).stdout.splitlines()
    assert any(line.split("\t")[:3] == [made["client_id"], "CRM", "active"] for line in lines)
    assert made["client_secret"] not in "".join(lines)
    named = world.admin.post("/v1/api-clients", {"name": "a\nb\tc", "scopes": ["deals:read"]}, expect=201)
    again = partnerd("client", "list", "--program", world.slug, database_url=database_url).stdout.splitlines()
    assert len(again) == len(lines) + 1
    assert [line.split("\t")[1] for line in again if line.startswith(named["id"])] == ["a b c"]
    for _ in range(2):  # twice is no error
        partnerd("client", "revoke", made["client_id"], database_url=database_url)
    for instance in (server, second):
        wait.until(lambda: is_out(instance, client.token), "a revoked client is out")
    actions = {entry["action"]: entry for entry in world.admin.list("/v1/audit-log", {"resource_id": made["client_id"]})}
    assert set(actions) == {"api_client.created", "api_client.revoked"}
    assert actions["api_client.revoked"]["actor"]["type"] == "system"
    assert world.admin.get(f"/v1/api-clients/{made['client_id']}")["version"] == 2


@pytest.mark.parametrize("arguments", [
    ["--program", "no-such-program", "--name", "x", "--scopes", "deals:read"],
    ["--name", "x", "--scopes", "everything"],
    ["--name", "x", "--scopes", "deals:approve", "--partner", "first"],
    ["--name", "x", "--scopes", "deals:read", "--partner", "P-999999999"],
])
def test_clients_the_operator_cannot_make(world, database_url, arguments):
    arguments = [world.partner("a").id if word == "first" else word for word in arguments]
    if "--program" not in arguments:
        arguments += ["--program", world.slug]
    done = partnerd("client", "create", *arguments, database_url=database_url, status=1)
    assert done.stdout == "" and done.stderr.startswith("partnerd: ")
