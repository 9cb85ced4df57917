# SPDX-License-Identifier: Apache-2.0
"""Foreign tokens that must not be taken: the attacks of RFC 8725 and of libraries.md §2, each signed with the provider's own
key where that makes the attack stronger, and providers that publish what they should not.

Every case starts from a token that is good but for one thing.
"""
import base64
import hashlib
import hmac
import socket
import time

import pytest

from support.client import Client
from support.issuer import Issuer, Key, known_key, openssl
from support.tokens import decode, encode
from support.trusting import fetched, me, near, refused, trust, url, world  # noqa: F401 — fixtures
from support.world import World, unique

NOW = int(time.time())


@pytest.fixture(scope="module")
def rsa():
    """An issuer with one RSA key and alice, who is a viewer."""
    made = Issuer([known_key("RS256")])
    yield made
    made.close()


@pytest.fixture(scope="module")
def provider(world, rsa):
    row = trust(world, rsa)
    world.make_link(row["id"], world.user("viewer").id, "alice")
    return row


@pytest.fixture(scope="module")
def plain_issuer():
    made = Issuer([known_key("RS256"), known_key("ES256")])
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(world, plain_issuer):
    row = trust(world, plain_issuer, accepts_plain_jwt=True)
    world.make_link(row["id"], world.user("viewer").id, "alice")
    return row


def test_forging_works_when_nothing_is_changed(near, rsa, provider):
    """Otherwise the tests below would prove nothing."""
    assert me(near, rsa.token(provider["audience"], "alice")).status == 200


@pytest.mark.parametrize("header", [
    {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "RS384"}, {"alg": "RS512"}, {"alg": "ES256"},
    {"alg": "PS256"}, {"alg": "rs256"}, {"alg": None}, {"alg": 256}, {"kid": None}, {"kid": ""}, {"kid": 1},
    {"kid": "x" * 300}, {"kid": "' or 1=1 --"}, {"kid": "../../../dev/null"}, {"crit": ["exp"]},
    {"crit": ["b64"], "b64": False}, {"typ": "JWT"}, {"typ": None}, {"typ": "id+jwt"}, {"typ": "logout+jwt"},
    {"typ": "dpop+jwt"}, {"typ": ""}, {"typ": 1},
], ids=str)
def test_headers(near, rsa, provider, header):
    refused(near, rsa.token(provider["audience"], "alice", header=header))


@pytest.mark.parametrize("claims", [
    {"iss": None}, {"iss": "https://evil.example"}, {"iss": ["{url}"]}, {"iss": "{url}/"}, {"iss": "{URL}"},
    {"iss": "{url} "}, {"aud": None}, {"aud": "https://evil.example"}, {"aud": []}, {"aud": "{audience}/"},
    {"aud": ["https://evil.example"]}, {"aud": {"a": "{audience}"}}, {"aud": ["{audience}", 1]}, {"aud": "{AUDIENCE}"},
    {"exp": None}, {"exp": "soon"}, {"exp": NOW + 300.5}, {"exp": True}, {"exp": -1}, {"exp": 10 ** 18},
    {"iat": None}, {"iat": NOW + 3600, "exp": NOW + 7200}, {"iat": str(NOW)}, {"nbf": NOW + 3600}, {"nbf": "0"},
    {"sub": None}, {"sub": ""}, {"sub": 1}, {"sub": "a" * 256}, {"sub": ["alice"]},
], ids=" ".join)
def test_claims(near, rsa, provider, claims):
    def fill(value):
        if isinstance(value, list):
            return [fill(one) for one in value]
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        if not isinstance(value, str):
            return value
        return (value.replace("{url}", rsa.url).replace("{URL}", rsa.url.upper())
                .replace("{audience}", provider["audience"]).replace("{AUDIENCE}", provider["audience"].upper()))
    changed = {name: fill(value) for name, value in claims.items()}
    refused(near, rsa.token(provider["audience"], "alice", **changed))


def test_expired(near, rsa, provider):
    past = {"iat": NOW - 1000, "exp": NOW - 400}
    me(near, rsa.token(provider["audience"], "alice", **past), expect=401, problem="token_expired")
    refused(near, rsa.token(provider["audience"], "alice", Key(kid=rsa.keys[0].kid), **past))


def test_no_token_is_good_for_longer_than_a_day(near, rsa, provider):
    me(near, rsa.token(provider["audience"], "alice", iat=NOW - 90_000, exp=NOW + 90_000), expect=401,
       problem="token_expired")
    me(near, rsa.token(provider["audience"], "alice", iat=NOW - 80_000, exp=NOW + 10 ** 9), expect=200)


def test_another_key_of_the_same_name(near, rsa, provider):
    refused(near, rsa.token(provider["audience"], "alice", Key(kid=rsa.keys[0].kid)))


def test_duplicate_members(near, rsa, provider):
    key = rsa.keys[0]
    header = {"alg": key.alg, "kid": key.kid, "typ": "at+jwt"}
    text = decode(rsa.token(provider["audience"], "stranger").split(".")[1]).decode()
    refused(near, key.sign(header, (text[:-1] + ',"sub":"alice"}').encode()))
    refused(near, key.sign(f'{{"alg":"none","alg":"RS256","kid":"{key.kid}","typ":"at+jwt"}}'.encode(), text.encode()))


def test_no_signature(near, rsa, provider):
    token = rsa.token(provider["audience"], "alice")
    header, claims, signature = token.split(".")
    none = encode({"alg": "none", "kid": rsa.keys[0].kid, "typ": "at+jwt"})
    for forged in (f"{header}.{claims}.", f"{header}.{claims}", f"{none}.{claims}.", f"{none}.{claims}.{signature}",
                   f"{header}.{claims}.{signature[:-4]}", f"{header}.{claims}.{'A' * len(signature)}"):
        refused(near, forged)


def test_the_public_key_is_no_secret(near, rsa, provider):
    public = openssl("pkey", "-pubout", data=rsa.keys[0].pem)
    _, claims, _ = rsa.token(provider["audience"], "alice").split(".")
    for alg in ("HS256", "RS256"):
        signed = f"{encode({'alg': alg, 'kid': rsa.keys[0].kid, 'typ': 'at+jwt'})}.{claims}"
        for secret in (public, public.strip(), base64.b64decode(b"".join(public.split(b"\n")[1:-2]))):
            refused(near, f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}")


def test_the_token_names_no_key(near, rsa, provider):
    """jku, x5u, jwk, x5c: nobody is asked and nothing is taken."""
    thief = Key(kid="thief")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        extra = {"jku": place, "x5u": place, "jwk": thief.jwk(), "x5c": ["MIIB"]}
        for kid in (rsa.keys[0].kid, "thief"):
            refused(near, rsa.token(provider["audience"], "alice", thief, header={**extra, "kid": kid}))
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("mangle", [
    lambda t: t + "=", lambda t: t + ".", lambda t: "." + t, lambda t: t.replace(".", "..", 1), lambda t: t[:-1],
    lambda t: t + "AAAA", lambda t: t.replace("-", "+").replace("_", "/") + "=", lambda t: t[:40] + " " + t[40:],
])
def test_mangled(near, rsa, provider, mangle):
    refused(near, mangle(rsa.token(provider["audience"], "alice")))


def test_size(near, rsa, provider):
    me(near, rsa.token(provider["audience"], "alice", extra="x" * 4000))
    refused(near, rsa.token(provider["audience"], "alice", extra="x" * 6500))


# ---- one key, one algorithm ----
def test_a_key_is_for_its_algorithm_only(near, world):
    """A key whose JWK says nothing is for RS256; one that says RS512 is for nothing else."""
    silent, loud = known_key("RS256"), known_key("RS512")
    issuer = Issuer([])
    issuer.changed = {"/jwks": {"keys": [silent.jwk(alg=None), loud.jwk()]}}
    row = trust(world, issuer)
    world.make_link(row["id"], world.user("viewer").id, "alice")
    token = lambda key, alg, digest: key.sign({"alg": alg, "kid": key.kid, "typ": "at+jwt"},
                                              issuer.claims(row["audience"], "alice"), digest)
    me(near, token(silent, "RS256", "sha256"))
    me(near, token(loud, "RS512", "sha512"))
    refused(near, token(silent, "RS512", "sha512"))
    refused(near, token(loud, "RS256", "sha256"))
    issuer.close()


def test_ecdsa_signatures_have_one_form(near, world):
    issuer = Issuer([known_key("ES256")])
    row = trust(world, issuer)
    world.make_link(row["id"], world.user("viewer").id, "alice")
    token = issuer.token(row["audience"], "alice")
    me(near, token)
    signed, _, signature = token.rpartition(".")
    raw = decode(signature)
    for forged in (b"\0" * 64, b"\xff" * 64, raw[:63], raw + b"\0", b"\0" + raw[:32] + b"\0" + raw[32:],
                   b"\0" * 32 + raw[32:], raw[:32] + b"\0" * 32, raw[32:] + raw[:32]):
        refused(near, f"{signed}.{encode(forged)}")
    issuer.close()


@pytest.mark.parametrize("jwk", [
    {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    "weak", {"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"alg": "HS256"}, {"alg": "ES256"},
    {"alg": "none"}, {"e": "AQ"}, {"kid": None}, {"kid": 1}, {"n": "!"},
], ids=str)
def test_keys_that_are_not_taken(world, near, jwk):
    """Where nothing else is published there are no keys, and no token is good."""
    key = known_key("weak") if jwk == "weak" else known_key("RS256")
    issuer = Issuer([key])
    issuer.changed = {"/jwks": {"keys": [
        {**known_key("weak").jwk(alg="RS256")} if jwk == "weak" else key.jwk(**jwk)]}}
    row = fetched(world, world.make_provider(issuer=issuer.url), "bad_keys")
    world.make_link(row["id"], world.user("viewer").id, "alice")
    token = key.sign({"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}, issuer.claims(row["audience"], "alice"))
    me(near, token, expect=503, problem="unavailable")
    issuer.close()


def test_a_bad_key_does_not_spoil_the_others(world, near):
    good = known_key("ES384")
    issuer = Issuer([])
    issuer.changed = {"/jwks": {"keys": [1, None, [], {"kty": "oct"}, *[{"kty": "RSA", "kid": str(n)} for n in range(100)],
                                         good.jwk(), {**good.jwk(kid="off"), "x": good.jwk()["y"]}]}}
    row = trust(world, issuer)
    world.make_link(row["id"], world.user("viewer").id, "alice")
    me(near, issuer.token(row["audience"], "alice", good))
    issuer.close()


# ---- ID tokens ----
def test_plain_tokens_only_where_they_are_taken(near, plain_issuer, plain):
    token = lambda **members: plain_issuer.token(plain["audience"], "alice", **members)
    for header in ({"typ": "JWT"}, {"typ": "jwt"}, {"typ": None}, {"typ": "at+jwt"}, {"typ": "application/at+jwt"}):
        assert me(near, token(header=header)).status == 200
    for header in ({"typ": "logout+jwt"}, {"typ": "id+jwt"}, {"typ": "dpop+jwt"}):
        refused(near, token(header=header))


@pytest.mark.parametrize("claims", [
    {"nonce": "n"}, {"at_hash": "x"}, {"c_hash": "x"}, {"s_hash": "x"},
    {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, {"token_use": "id"}, {"typ": "ID"},
    {"typ": "Refresh"}, {"token_use": 1},
], ids=str)
def test_what_looks_like_an_id_token(near, plain_issuer, plain, claims):
    refused(near, plain_issuer.token(plain["audience"], "alice", header={"typ": "JWT"}, **claims))


def test_an_id_token_is_for_the_client(near, plain_issuer, plain):
    """Its audience is the client, so it is refused by that alone."""
    refused(near, plain_issuer.token("spa", "alice", header={"typ": "JWT"}))


# ---- one issuer for another ----
def test_issuers_do_not_speak_for_each_other(near, world, rsa, provider):
    """Another trusted provider that claims to be this one, with the same kid and its own key."""
    other = Issuer([Key(kid=rsa.keys[0].kid)])
    row = trust(world, other)
    world.make_link(row["id"], world.user("support").id, "alice")
    assert me(near, other.token(row["audience"], "alice"))["role"] == "support"
    refused(near, other.token(provider["audience"], "alice", iss=rsa.url))
    refused(near, rsa.token(row["audience"], "alice", iss=other.url))
    other.close()


def test_our_own_claims_mean_nothing_there(near, world, rsa, provider):
    """role, program_id, partner_id, sid and client_id in a foreign token are only claims."""
    other = World(near, world.database_url)
    token = rsa.token(provider["audience"], "alice", role="admin", program_id=other.program_id, client_id="partnerd",
                      partner_id=world.partner("a").id, sid=world.admin_id, scope="users:manage deals:read")
    who = me(near, token)
    assert (who["role"], who["program"]["id"], who["partner"]) == ("viewer", world.program_id, None)
    assert who["scopes"] == ["deals:read"]


def test_nobody_is_us(near, world, rsa, provider):
    """A token that names our own issuer is judged as ours, by our own keys."""
    own = provider["audience"].rpartition("/programs/")[0]
    refused(near, rsa.token(own, world.admin_id, iss=own))


@pytest.mark.parametrize("name", ["x\u0000y", "x\ny", "x" * 5000, "", 1, None, "<script>"])
def test_names_of_newcomers(near, world, rsa, name):
    issuer = Issuer()
    row = trust(world, issuer, creates_users=True, default_role="viewer")
    email = f"{unique('new')}@people.example"
    answer = me(near, issuer.token(row["audience"], "nora", name=name, email=email, email_verified=True), expect=None)
    if name == "x\u0000y":
        assert answer.status == 401
    else:
        assert answer.status == 200 and answer["name"] == (name if name == "<script>" else email)
    issuer.close()


@pytest.mark.parametrize("subject", ["a\u00e4\U0001f600", "' or '1'='1", "x" * 255, " ", "\\", "%s"])
def test_subjects_are_data(near, world, rsa, provider, subject):
    world.make_link(provider["id"], world.user("viewer").id, subject)
    assert me(near, rsa.token(provider["audience"], subject))["role"] == "viewer"
    me(near, rsa.token(provider["audience"], subject[:-1] + "z" if len(subject) > 1 else "z"), expect=403)
