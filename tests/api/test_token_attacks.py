# SPDX-License-Identifier: Apache-2.0
"""Tokens as an attacker would send them, over HTTP. Where it makes the attack stronger they are signed with our own key.

tests/unit/http/test_tokens.c tries many more; here it is shown that nothing on the way to it weakens the judgement.
"""
import base64
import hashlib
import hmac
import http.client
import socket
import time

import psycopg2
import pytest

from support.client import Client
from support.tokens import claims_of, encode, header_of, new_private_key, public_key, sign
from support.vault import signing_key

REASON = ', error="invalid_token"'


@pytest.fixture(scope="module")
def genuine(world):
    return world.admin.token


@pytest.fixture(scope="module")
def pem(genuine, database_url):
    """The private key that signs, taken by somebody who has the database and the key it is sealed with."""
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        return signing_key(cursor, header_of(genuine)["kid"])


@pytest.fixture(scope="module")
def stranger():
    return new_private_key()


def changed(members, **changes):
    """A copy with these members set; None takes one away."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def challenge(server):
    resource = Client(server).get("/.well-known/oauth-protected-resource")["resource"]
    return f'Bearer resource_metadata="{resource}/.well-known/oauth-protected-resource"'


def judge(server, token):
    return Client(server, token).get("/v1/me", expect=None)


def is_refused(server, token):
    answer = judge(server, token)
    assert answer.status == 401 and answer.problem == "token_invalid", answer
    assert answer.headers["WWW-Authenticate"] == challenge(server) + REASON and answer.headers["Cache-Control"] == "no-store"
    assert answer["detail"] == "The access token is not valid.", "one answer, whatever is wrong"


def test_forging_works_when_nothing_is_changed(server, genuine, pem):
    """Otherwise the tests below would prove nothing."""
    assert judge(server, sign(header_of(genuine), claims_of(genuine), pem)).status == 200


@pytest.mark.parametrize("changes", [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"alg": "ES256"}, {"alg": "rs256"}, {"alg": None},
    {"typ": "JWT"}, {"typ": None}, {"typ": "id+jwt"}, {"kid": None}, {"kid": 1}, {"kid": ""},
    {"kid": "unknown"}, {"kid": "' or '1'='1"}, {"kid": "../../../../dev/null"}, {"kid": "x" * 2000},
    {"crit": ["exp"]}, {"kid": "unknown", "jku": "http://127.0.0.1/jwks"},
], ids=str)
def test_headers(server, genuine, pem, changes):
    is_refused(server, sign(changed(header_of(genuine), **changes), claims_of(genuine), pem))


NOW = int(time.time())


@pytest.mark.parametrize("changes", [
    {"iss": None}, {"iss": "https://evil.example"}, {"aud": None}, {"aud": "https://evil.example"}, {"aud": []},
    {"exp": None}, {"exp": str(NOW + 500)}, {"exp": NOW + 500.5}, {"exp": -1}, {"exp": True},
    {"iat": None}, {"iat": NOW + 3600, "exp": NOW + 7200}, {"iat": str(NOW)}, {"nbf": NOW + 3600}, {"nbf": "0"},
    {"sub": None}, {"sub": "admin"}, {"client_id": None}, {"client_id": "other"}, {"jti": None}, {"scope": None},
    {"scope": ["deals:read"]}, {"scope": "deals:read root"}, {"program_id": None}, {"program_id": "*"},
    {"partner_id": "*"}, {"role": None}, {"role": "root"}, {"role": "partner_admin"}, {"sid": None},
], ids=" ".join)
def test_claims(server, genuine, pem, changes):
    is_refused(server, sign(header_of(genuine), changed(claims_of(genuine), **changes), pem))


def test_duplicate_claims(server, genuine, pem):
    text = base64.urlsafe_b64decode(genuine.split(".")[1] + "==").decode()
    is_refused(server, sign(header_of(genuine), (text[:-1] + ',"role":"admin"}').encode(), pem))


def test_expired(server, genuine, pem):
    past = {"iat": NOW - 1000, "exp": NOW - 400}
    answer = judge(server, sign(header_of(genuine), {**claims_of(genuine), **past}, pem))
    assert answer.status == 401 and answer.problem == "token_expired"
    assert answer.headers["WWW-Authenticate"].startswith(challenge(server) + REASON + ", error_description=")
    # Whoever cannot sign does not even learn that.
    is_refused(server, sign(header_of(genuine), {**claims_of(genuine), **past}, new_private_key()))


def test_another_key(server, genuine, stranger):
    is_refused(server, sign(header_of(genuine), claims_of(genuine), stranger))


def test_the_key_of_the_token_is_not_asked_for(server, genuine, stranger):
    """jku and x5u name a place that would tell: nobody comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        header = {**header_of(genuine), "jku": place, "x5u": place, "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}
        is_refused(server, sign(header, claims_of(genuine), stranger))
        is_refused(server, sign({**header, "kid": "elsewhere"}, claims_of(genuine), stranger))
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_no_signature(server, genuine):
    header, claims = header_of(genuine), claims_of(genuine)
    for forged in ({**header, "alg": "none"}, {**header, "alg": "None"}, header):
        for signature in ("", "AA", genuine.split(".")[2][:-2]):
            is_refused(server, f"{encode(forged)}.{encode(claims)}.{signature}")
    is_refused(server, genuine.rpartition(".")[0])


def test_the_public_key_is_no_secret(server, genuine, pem):
    for alg in ("HS256", "RS256"):
        signed = f"{encode({**header_of(genuine), 'alg': alg})}.{encode(claims_of(genuine))}"
        mac = hmac.new(public_key(pem).encode(), signed.encode(), hashlib.sha256).digest()
        is_refused(server, f"{signed}.{encode(mac)}")


@pytest.mark.parametrize("mangle", [
    lambda t: t + "=", lambda t: t + ".", lambda t: "." + t, lambda t: t.replace(".", "..", 1), lambda t: t[:-1],
    lambda t: t + "AAAA", lambda t: t.replace("-", "+").replace("_", "/") + "=", lambda t: t.swapcase(),
    lambda t: t[:-1] + chr(ord(t[-1]) + 1), lambda t: t + t, lambda t: "..", lambda t: "x", lambda t: f'"{t}"',
    lambda t: t[:40] + " " + t[40:], lambda t: t[:40] + "%2e" + t[40:],
])
def test_mangled(server, genuine, mangle):
    is_refused(server, mangle(genuine))


def test_every_segment_is_signed(server, world, genuine):
    other = world.user("viewer").token
    parts, others = genuine.split("."), other.split(".")
    for index in range(3):
        swapped = parts[:index] + [others[index]] + parts[index + 1:]
        if swapped != parts:
            is_refused(server, ".".join(swapped))


def test_size(server, genuine, pem):
    fits = sign(header_of(genuine), {**claims_of(genuine), "extra": "x" * 4000}, pem)
    assert judge(server, fits).status == 200
    is_refused(server, sign(header_of(genuine), {**claims_of(genuine), "extra": "x" * 6500}, pem))


@pytest.mark.parametrize("value, problem", [
    (None, "unauthenticated"), ("Basic YTpi", "unauthenticated"), ("Digest x", "unauthenticated"),
    ("{token}", "unauthenticated"), ("Bearer{token}", "unauthenticated"), ("Token {token}", "unauthenticated"),
    ("Bearer", "token_invalid"), ("Bearer ", "token_invalid"), ("Bearer {token} {token}", "token_invalid"),
    ("Bearer Bearer {token}", "token_invalid"),
])
def test_authorization_fields(server, genuine, value, problem):
    headers = {"Authorization": value.replace("{token}", genuine)} if value else None
    answer = Client(server).get("/v1/me", headers=headers, expect=401, problem=problem)
    expected = challenge(server) + ("" if problem == "unauthenticated" else REASON)
    assert answer.headers["WWW-Authenticate"] == expected


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_spellings_of_the_scheme(server, genuine, scheme):
    Client(server).get("/v1/me", headers={"Authorization": f"{scheme} {genuine}"}, expect=200)


@pytest.mark.parametrize("values", [["Bearer {token}", "Bearer {token}"], ["Bearer {token}", "Basic YTpi"],
                                    ["Bearer {token}, Bearer {token}"], ["Bearer {token}", ""]])
def test_more_than_one_authorization(server, genuine, values):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.putrequest("GET", "/v1/me")
    for value in values:
        connection.putheader("Authorization", value.replace("{token}", genuine))
    connection.endheaders()
    assert connection.getresponse().status in (400, 401)
    connection.close()


def test_tokens_never_come_in_the_url(server, genuine):
    answer = Client(server).get("/v1/me", {"access_token": genuine}, expect=None)
    assert answer.status in (400, 401)
    answer = Client(server).post("/v1/deals", form={"access_token": genuine})
    assert answer.status == 401


def test_public_operations_ask_nobody(server):
    for header in ("Bearer broken", "Basic YTpi"):
        Client(server).get("/.well-known/jwks.json", headers={"Authorization": header}, expect=200)


def test_scopes_are_those_of_the_role(server, world, pem):
    """A token of ours that says more than the role has gives no more."""
    viewer = world.user("viewer").token
    claims = {**claims_of(viewer), "scope": "deals:read deals:approve users:manage"}
    client = Client(server, sign(header_of(viewer), claims, pem))
    assert client.get("/v1/me")["scopes"] == ["deals:read"]
    client.post("/v1/users", {}, expect=403, problem="insufficient_scope")
