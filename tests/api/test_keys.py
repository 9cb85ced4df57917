# SPDX-License-Identifier: Apache-2.0
"""Signing keys: their life from announced to retired, on the command line, and how they lie in the database."""
import secrets

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.parallel import at_once
from support.server import DEFAULTS, Server, partnerd
from support.tokens import claims_of, header_of, new_private_key, sign, verifies, verifies_es256
from support.vault import signing_key, unseal
from support.world import PASSWORD, World, sign_in

KEY = DEFAULTS["PARTNERD_ENCRYPTION_KEY"]


@pytest.fixture(scope="module")
def place(postgres, new_database, new_server):
    """Two instances on a database of their own."""
    url = new_database()
    one, two = new_server(url), new_server(url)
    world = World(one, url)
    world.url, world.two = url, two
    world.execute = lambda sql, *values: postgres.execute(url.rsplit("/", 1)[1], sql, values)
    return world


def key(place, *arguments, status=0, **options):
    done = partnerd("key", *arguments, database_url=place.url, status=status, **options)
    return done.stderr if status else dict(line.split("=", 1) for line in done.stdout.splitlines())


def states(place):
    rows = [line.split("\t") for line in partnerd("key", "list", database_url=place.url).stdout.splitlines()]
    return {row[0]: row[2] for row in rows}


def only(place, state):
    [kid] = [kid for kid, found in states(place).items() if found == state]
    return kid


def jwks(server):
    return {jwk["kid"] for jwk in Client(server).get("/.well-known/jwks.json")["keys"]}


def fresh_token(place, server=None):
    return sign_in(server or place.server, place.email, PASSWORD, place.slug)["access_token"]


def is_good(server, token):
    return Client(server, token).get("/v1/me", expect=None).status == 200


def age(place, kid, seconds=301):
    place.execute("update signing_keys set created_at = created_at - make_interval(secs => %s) where kid = %s",
                  seconds, kid)


# ---- their life ----

def test_create_announces_a_key_everywhere(place):
    made = key(place, "create")["next_kid"]
    assert states(place)[made] == "next"
    for server in (place.server, place.two):
        wait.until(lambda: made in jwks(server), "the key is published")
    key(place, "retire", made)
    for server in (place.server, place.two):
        wait.until(lambda: made not in jwks(server), "a key that never signed just goes")
    assert states(place)[made] == "retired"


def test_activate_takes_a_key_that_everybody_could_learn_of(place):
    before, made = only(place, "active"), key(place, "create")["next_kid"]
    refused = key(place, "activate", made, status=1)
    assert "announced" in refused and "--now" in refused and only(place, "active") == before
    old = fresh_token(place)
    age(place, made)
    assert key(place, "activate", made) == {"active_kid": made}
    assert states(place)[made] == "active" and states(place)[before] == "retiring"
    for server in (place.server, place.two):
        wait.until(lambda: header_of(fresh_token(place, server))["kid"] == made, "the new key signs")
        assert is_good(server, old), "a token of the key before stays good"
    assert "only one that is announced" in key(place, "activate", made, status=1)
    assert "only one that is announced" in key(place, "activate", before, status=1)


def test_activate_at_once(place):
    made = key(place, "create")["next_kid"]
    assert key(place, "activate", made, "--now") == {"active_kid": made}
    token = fresh_token(place, place.two)
    assert is_good(place.server, token) and is_good(place.two, token)


def test_rotate_waits_for_the_announcement(place):
    place.execute("update signing_keys set created_at = now() where state = 'next'")
    assert "--now" in key(place, "rotate", status=1)
    announced = [kid for kid, state in states(place).items() if state == "next"]
    for kid in announced:
        age(place, kid)
    rotated = key(place, "rotate")
    assert rotated["active_kid"] in announced and states(place)[rotated["next_kid"]] == "next"


def test_emergency_retirement_cuts_the_tokens_of_the_key(place):
    lost = only(place, "active")
    stolen = [fresh_token(place), fresh_token(place, place.two)]
    session = sign_in(place.server, place.email, PASSWORD, place.slug)
    for server in (place.server, place.two):
        assert all(is_good(server, token) for token in stolen), "they are in the caches now"
    assert "--now" in key(place, "retire", lost, status=1) and states(place)[lost] == "active"
    done = key(place, "retire", lost, "--now")
    assert done["retired_kid"] == lost and done["active_kid"] == only(place, "active") != lost
    for server in (place.server, place.two):
        wait.until(lambda: not any(is_good(server, token) for token in stolen), "tokens of the key are refused")
        assert lost not in jwks(server)
        assert header_of(fresh_token(place, server))["kid"] == done["active_kid"]
    # Sessions live on: whoever refreshes gets a token of the new key.
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    again = Client(place.server).post("/oauth/token", form=form, expect=200)["access_token"]
    assert is_good(place.two, again) and header_of(again)["kid"] == done["active_kid"]
    assert place.execute("select private_key from signing_keys where kid = %s", lost) == [("",)]
    assert "retired already" in key(place, "retire", lost, "--now", status=1)
    assert place.admin.server is place.server
    place.admin.token = again
    assert place.admin.get("/v1/audit-log/verify")["valid"], "what the key signed before stays verifiable"


def test_there_is_always_an_active_and_an_announced_key(place):
    for kid, state in states(place).items():
        if state in ("next", "active"):
            key(place, "retire", kid, "--now")
    after = list(states(place).values())
    assert after.count("active") == 1 and after.count("next") >= 1
    wait.until(lambda: is_good(place.two, fresh_token(place)), "what is signed is known")


@pytest.mark.parametrize("arguments", [["activate"], ["retire"], ["activate", "short"], ["retire", "x" * 43],
                                       ["activate", "-" * 43], ["create", "x"], ["list", "--now", "--now"]])
def test_what_is_no_command(place, arguments):
    before = states(place)
    assert key(place, *arguments, status=1).startswith("partnerd: ") and states(place) == before


def test_no_more_keys_than_every_instance_can_hold(place):
    while len([state for state in states(place).values() if state != "retired"]) < 16:
        key(place, "create")
    assert "16" in key(place, "create", status=1) and "16" in key(place, "rotate", "--now", status=1)
    for kid, state in list(states(place).items()):
        if state != "active":
            place.execute("update signing_keys set state = 'retired', private_key = '' where kid = %s", kid)
    key(place, "create")


def test_commands_at_once_leave_one_active_key(place):
    announced = [key(place, "create")["next_kid"] for _ in range(3)]
    calls = [lambda kid=kid: partnerd("key", "activate", kid, "--now", database_url=place.url, status=None)
             for kid in announced]
    calls += [lambda: partnerd("key", "retire", announced[0], "--now", database_url=place.url, status=None)]
    calls += [lambda: partnerd("key", "rotate", "--now", database_url=place.url, status=None)]
    at_once(calls)
    after = list(states(place).values())
    assert after.count("active") == 1 and after.count("next") >= 1
    token = fresh_token(place)
    wait.until(lambda: is_good(place.two, token), "the other instance knows the key")


# ---- at rest ----

def private_keys(place):
    return dict(place.execute("select kid, private_key from signing_keys where private_key <> ''"))


def test_private_keys_are_sealed(place):
    found = private_keys(place)
    assert len(found) >= 2
    for kid, stored in found.items():
        assert "PRIVATE" not in stored and stored.startswith("v1.")
        pem = unseal(f"signing key {kid}", stored)
        assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
        assert unseal(f"signing key {kid}", stored, "00" * 32) is None, "with another key"
        assert unseal("signing key x", stored) is None, "in another place"
    [(dump,)] = place.execute("select string_agg(k::text, ' ') from signing_keys k")
    assert "PRIVATE" not in dump


def test_a_key_cannot_be_put_in_anothers_place(place, new_server):
    """A sealed text moved to another row does not open: the thief's row does not become the active key."""
    active = only(place, "active")
    other = next(kid for kid in private_keys(place) if kid != active)
    stored = private_keys(place)
    place.execute("update signing_keys set private_key = %s where kid = %s", stored[other], active)
    try:
        with pytest.raises(AssertionError, match="another encryption_key"):
            Server(place.url)
    finally:
        place.execute("update signing_keys set private_key = %s where kid = %s", stored[active], active)


def test_keys_from_before_are_sealed_at_the_start(place, postgres):
    kid = only(place, "active")
    with psycopg2.connect(place.url) as connection, connection.cursor() as cursor:
        pem = signing_key(cursor, kid)
    token = fresh_token(place)
    place.execute("update signing_keys set private_key = %s where kid = %s", pem, kid)
    server = Server(place.url).wait_ready()
    try:
        assert unseal(f"signing key {kid}", private_keys(place)[kid]).decode() == pem
        assert is_good(server, token) and is_good(server, fresh_token(place, server))
    finally:
        server.stop()


def test_the_encryption_key_is_replaced_without_a_gap(new_database, new_server, postgres, tmp_path):
    url = new_database()
    fresh = secrets.token_hex(32)
    running = new_server(url)
    world = World(running, url)
    world.url = url
    world.execute = lambda sql, *values: postgres.execute(url.rsplit("/", 1)[1], sql, values)
    with pytest.raises(AssertionError, match="another encryption_key"):
        Server(url, encryption_key=fresh)
    with pytest.raises(AssertionError, match="no key for secrets at rest"):
        Server(url, encryption_key="")
    assert set(private_keys(world)) == set(states(world)), "nothing was made or lost by failed starts"
    file = tmp_path / "key"
    file.write_text(fresh + "\n")
    second = new_server(url, encryption_key="", encryption_key_file=file, encryption_key_previous=KEY)
    for kid, stored in private_keys(world).items():
        assert unseal(f"signing key {kid}", stored, KEY) is None
        assert unseal(f"signing key {kid}", stored, fresh).startswith(b"-----BEGIN")
    # The instance with the old key goes on, whatever is read again or rotated beside it.
    settings = {"encryption_key": fresh}
    partnerd("key", "rotate", "--now", database_url=url, settings=settings)
    token = fresh_token(world, second)
    wait.until(lambda: is_good(running, token), "it knew the key before it was sealed anew")
    old = fresh_token(world, running)
    assert is_good(second, old)
    third = new_server(url, **settings)
    assert is_good(third, token) and is_good(third, old)


def test_a_forged_row_is_no_key(place):
    """Who can write the table but has no encryption key: a key of his own, in clear or sealed by himself."""
    pem = new_private_key()
    token = fresh_token(place)
    forged = sign({**header_of(token), "kid": "x" * 43}, claims_of(token), pem)
    place.execute("insert into signing_keys (kid, alg, private_key, public_jwk, state) "
                  "values (%s, 'RS256', 'v1.00000000.AAAA', '{}', 'next')", "x" * 43)
    place.execute("notify partnerd, 'keys'")
    made = key(place, "create")["next_kid"]
    wait.until(lambda: made in jwks(place.server), "the table was read")
    assert "x" * 43 not in jwks(place.server) and not is_good(place.server, forged)
    place.execute("delete from signing_keys where kid = %s", "x" * 43)


# ---- another algorithm ----

def test_es256_by_configuration(new_database, new_server):
    """Keys made from now on are of the other kind; tokens of both kinds are good side by side, and so is the audit chain."""
    url = new_database()
    first = new_server(url)
    world = World(first, url)
    known = lambda server: {jwk["kid"]: jwk for jwk in Client(server).get("/.well-known/jwks.json")["keys"]}
    fresh = lambda server: sign_in(server, world.email, PASSWORD, world.slug)["access_token"]
    old = fresh(first)
    assert header_of(old)["alg"] == "RS256" and verifies(old, known(first)[header_of(old)["kid"]])
    setting = {"signing_alg": "ES256"}
    made = partnerd("key", "create", database_url=url, settings=setting).stdout.strip().partition("=")[2]
    partnerd("key", "activate", made, "--now", database_url=url, settings=setting)
    second = new_server(url, signing_alg="ES256")
    token = fresh(second)
    jwk = known(second)[made]
    assert header_of(token) == {"alg": "ES256", "kid": made, "typ": "at+jwt"}
    assert {name: jwk[name] for name in ("kty", "crv", "alg")} == {"kty": "EC", "crv": "P-256", "alg": "ES256"}
    assert verifies_es256(token, jwk) and not {"n", "e", "d"} & jwk.keys()
    for server in (first, second):
        for good in (old, token):
            Client(server, good).get("/v1/me", expect=200)
    head, rest = token.split(".", 1)
    forged = sign({**header_of(token), "alg": "RS256"}, claims_of(token), new_private_key())
    Client(second, forged).get("/v1/me", expect=401, problem="token_invalid")
    Client(second, token[:-8] + "AAAAAAAA").get("/v1/me", expect=401, problem="token_invalid")
    world.make_benefit()
    Client(second, token).get("/v1/audit-log/verify", expect=200)
    done = wait.until(lambda: partnerd("audit", "verify", database_url=url).stdout, "the chain is sealed and verifies")
    assert "valid" in done


def test_no_other_algorithm_is_a_setting(new_database):
    fault = partnerd("key", "list", database_url=new_database(), status=1, settings={"signing_alg": "HS256"}).stderr
    assert "signing_alg" in fault and "RS256 or ES256" in fault
