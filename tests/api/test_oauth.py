# SPDX-License-Identifier: Apache-2.0
"""Tokens given back (RFC 7009), tokens asked about (RFC 7662), and the documents that say where (RFC 8414, RFC 9728)."""
import base64

import pytest

from support import wait
from support.client import Client
from support.judge import nobody
from support.parallel import at_once
from support.server import Server
from support.tokens import claims_of
from support.world import World, client_token, sign_in

INACTIVE = b'{"active":false}'


@pytest.fixture(scope="module")
def second(server, database_url):
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def vendor(world):
    """A machine client of the vendor: the one that asks."""
    return world.make_client(["deals:read"])


@pytest.fixture(scope="module")
def stranger(server, database_url):
    return World(server, database_url)


def basic(client):
    return {"Authorization": "Basic " + base64.b64encode(":".join(client).encode()).decode()} if client else None


def revoke(server, token, client=None, **form):
    return Client(server).post("/oauth/revoke", form={"token": token, **form}, headers=basic(client))


def introspect(server, token, client=None, **form):
    return Client(server).post("/oauth/introspect", form={"token": token, **form}, headers=basic(client))


def refresh(server, token):
    return Client(server).post("/oauth/token", form={"grant_type": "refresh_token", "refresh_token": token})


def session_of(world, role="viewer"):
    user = world.make_user(role)
    return user, sign_in(world.server, user.email, user.password, world.slug).json


def is_in(server, token):
    return Client(server, token).get("/v1/me", expect=None).status == 200


def is_given_back(answer):
    assert answer.status == 200 and answer.body == b"" and answer.headers["Cache-Control"] == "no-store", answer


def refused(answer, error, status=400):
    assert answer.status == status and answer["error"] == error, answer
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


# ---- documents ----

def test_authorization_server(server):
    answer = Client(server).get("/.well-known/oauth-authorization-server")
    issuer = answer["issuer"]
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    for member in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        path = answer[member].removeprefix(issuer)
        refused(Client(server).post(path, form={"x": "y"}), "invalid_client" if "introspect" in path else "invalid_request",
                401 if "introspect" in path else 400)
    assert Client(server).get(answer["jwks_uri"].removeprefix(issuer))["keys"]
    assert answer["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert answer["response_types_supported"] == []
    assert "deals:read" in answer["scopes_supported"]


def test_protected_resource(world, server):
    answer = Client(server).get("/.well-known/oauth-protected-resource").json
    issuer = Client(server).get("/.well-known/oauth-authorization-server")["issuer"]
    assert answer["authorization_servers"] == [issuer] and answer["bearer_methods_supported"] == ["header"]
    claims = claims_of(world.admin.token)
    assert claims["iss"] == issuer and claims["aud"] == answer["resource"], "what it says of its tokens is so"


def test_behind_a_public_url(database_url):
    running = Server(database_url, public_url="https://partners.example.com/api").wait_ready()
    answer = Client(running).get("/.well-known/oauth-authorization-server").json
    assert answer["issuer"] == "https://partners.example.com/api"
    assert answer["token_endpoint"] == "https://partners.example.com/api/oauth/token"
    refusal = Client(running).get("/v1/me", expect=401)
    assert refusal.headers["WWW-Authenticate"] == (
        'Bearer resource_metadata="https://partners.example.com/api/.well-known/oauth-protected-resource"')
    running.stop()


# ---- revoke ----

def test_a_refresh_token_ends_its_session(world, server, second):
    user, session = session_of(world)
    other = sign_in(server, user.email, user.password, world.slug)
    assert is_in(second, session["access_token"])
    is_given_back(revoke(server, session["refresh_token"], token_type_hint="refresh_token"))
    refused(refresh(server, session["refresh_token"]), "invalid_grant")
    assert not is_in(server, session["access_token"])
    wait.until(lambda: not is_in(second, session["access_token"]), "it has ended at the other instance, too")
    assert is_in(server, other["access_token"]) and refresh(server, other["refresh_token"]).status == 200
    actions = [entry["action"] for entry in world.admin.list("/v1/audit-log", {"actor_id": user.id})]
    assert actions.count("session.ended") == 1


def test_a_spent_refresh_token_ends_its_session(world, server):
    _, session = session_of(world)
    successor = refresh(server, session["refresh_token"]).json
    is_given_back(revoke(server, session["refresh_token"]))
    refused(refresh(server, successor["refresh_token"]), "invalid_grant")
    assert not is_in(server, successor["access_token"])


def test_an_access_token_ends_alone(world, server, second):
    user, session = session_of(world)
    successor = refresh(server, session["refresh_token"]).json
    assert is_in(second, session["access_token"])
    is_given_back(revoke(server, session["access_token"], token_type_hint="refresh_token"))
    assert not is_in(server, session["access_token"])
    wait.until(lambda: not is_in(second, session["access_token"]), "it has ended at the other instance, too")
    assert is_in(server, successor["access_token"]) and refresh(server, successor["refresh_token"]).status == 200
    is_given_back(revoke(server, session["access_token"]))
    entries = [entry for entry in world.admin.list("/v1/audit-log", {"actor_id": user.id})
               if entry["action"] == "token.revoked"]
    assert [entry["resource"]["object"] for entry in entries] == ["session"], "once, however often it is given back"


def test_a_machine_revokes_its_own(world, server):
    client = world.make_client(["deals:read"], world.partner("a").id)
    one, two = client_token(server, *client), client_token(server, *client)
    is_given_back(revoke(server, one, client))
    assert not is_in(server, one) and is_in(server, two)
    is_given_back(revoke(server, two, client_id=client[0], client_secret=client[1]))
    assert not is_in(server, two) and is_in(server, client_token(server, *client))


def test_who_may_not(world, server, vendor, stranger):
    """Nothing ends by a client it was not issued to, or by one that does not authenticate."""
    _, session = session_of(world)
    token = client_token(server, *vendor)
    others = [world.make_client(["deals:read"]), stranger.make_client(["deals:read"])]
    for other in others:
        for each in (token, session["access_token"], session["refresh_token"]):
            refused(revoke(server, each, other), "invalid_grant")
    refused(revoke(server, token), "invalid_client", 401)
    refused(revoke(server, token, client_id="partnerd"), "invalid_client", 401)
    refused(revoke(server, token, client_id=vendor[0]), "invalid_client", 401)
    refused(revoke(server, token, (vendor[0], "wrong")), "invalid_client", 401)
    refused(revoke(server, token, vendor, client_id=vendor[0]), "invalid_request")
    assert is_in(server, token) and is_in(server, session["access_token"])
    assert refresh(server, session["refresh_token"]).status == 200


@pytest.mark.parametrize("token", ["x", "pdr_" + "A" * 43, "a.b.c", "' or true --", "\N{SNOWMAN}", "A" * 9000])
def test_unknown_tokens_are_given_back_already(server, vendor, token):
    is_given_back(revoke(server, token))
    if not token.startswith("pdr_"):
        is_given_back(revoke(server, token, vendor))


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("body, media", [
    (b"", None), (b"token=", "application/x-www-form-urlencoded"), (b"token=a&token=b", "application/x-www-form-urlencoded"),
    (b"token=%zz", "application/x-www-form-urlencoded"), (b"token=%00", "application/x-www-form-urlencoded"),
    (b'{"token": "x"}', "application/json"), (b"token=x", "text/plain"),
])
def test_requests_outside_the_rfc(server, vendor, path, body, media):
    headers = {**basic(vendor), **({"Content-Type": media} if media else {})}
    refused(Client(server).post(path, body, headers=headers), "invalid_request")


def test_giving_back_at_once(world, server, second):
    """Two instances, one token, many hands: it is revoked once and every answer is the same."""
    user, session = session_of(world)
    answers = at_once([lambda at=at: revoke(at, session["access_token"]) for at in [server, second] * 4])
    for answer in answers:
        is_given_back(answer)
    _, session = session_of(world)
    answers = at_once([lambda at=at: revoke(at, session["refresh_token"]) for at in [server, second] * 4])
    for answer in answers:
        is_given_back(answer)
    refused(refresh(server, session["refresh_token"]), "invalid_grant")


# ---- introspect ----

def test_what_a_token_is_worth(world, server, vendor):
    user, session = session_of(world, "reviewer")
    answer = introspect(server, session["access_token"], vendor)
    claims = claims_of(session["access_token"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
        "active": True, "token_type": "Bearer", "iss": claims["iss"], "aud": claims["aud"], "sub": user.id,
        "client_id": "partnerd", "scope": session["scope"], "iat": claims["iat"], "exp": claims["exp"],
        "jti": claims["jti"], "program_id": world.program_id, "role": "reviewer"}
    partner = world.partner("a")
    answer = introspect(server, client_token(server, partner.client_id, partner.secret), token_type_hint="access_token",
                        client_id=vendor[0], client_secret=vendor[1]).json
    assert (answer["sub"], answer["client_id"], answer["partner_id"]) == (partner.client_id,) * 2 + (partner.id,)
    assert "role" not in answer


def is_unknown(server, token, client):
    answer = introspect(server, token, client)
    assert answer.status == 200 and answer.body == INACTIVE, answer


def test_what_is_no_longer_good(world, server, second, vendor):
    user, session = session_of(world)
    is_unknown(server, session["refresh_token"], vendor)
    is_unknown(server, session["access_token"] + "x", vendor)
    for token in ("x", "a.b.c", "A" * 9000, "\N{SNOWMAN}"):
        is_unknown(server, token, vendor)
    revoke(server, session["access_token"])
    is_unknown(server, session["access_token"], vendor)
    fresh = refresh(server, session["refresh_token"])["access_token"]
    assert introspect(second, fresh, vendor)["active"]
    world.act("users", world.admin.get(f"/v1/users/{user.id}").json, "deactivate")
    for instance in (server, second):
        wait.until(lambda: introspect(instance, fresh, vendor).body == INACTIVE, "a disabled user's token is worth nothing")


def test_what_is_foreign(world, server, vendor, stranger):
    """Another program's, and for a partner everybody else's: as unknown as what was never issued."""
    a, b = world.partner("a"), world.partner("b")
    token_a, token_b = (client_token(server, each.client_id, each.secret) for each in (a, b))
    as_a, as_b = (a.client_id, a.secret), (b.client_id, b.secret)
    assert introspect(server, token_a, as_a)["active"] and introspect(server, a.user().token, as_a)["active"]
    for token in (token_b, b.user().token, world.admin.token, client_token(server, *vendor), stranger.admin.token):
        is_unknown(server, token, as_a)
    is_unknown(server, token_a, as_b)
    is_unknown(server, token_a, stranger.make_client(["deals:read"]))
    is_unknown(server, stranger.partner("x").api.token, vendor)


def test_who_asks_authenticates(world, server, vendor):
    token = client_token(server, *vendor)
    gone = world.make_client(["deals:read"])
    world.act("api-clients", world.admin.get(f"/v1/api-clients/{gone[0]}").json, "revoke")
    for client in (None, (vendor[0], "wrong"), (nobody(), vendor[1]), gone):
        refused(introspect(server, token, client), "invalid_client", 401)
    refused(introspect(server, token, client_id=vendor[0]), "invalid_client", 401)
    refused(introspect(server, token, client_id="partnerd"), "invalid_client", 401)
    bearer = Client(server, token).post("/oauth/introspect", form={"token": token})
    refused(bearer, "invalid_client", 401)
