# SPDX-License-Identifier: Apache-2.0
"""Tokens of identity providers: whose they are, what they may do, and when they cease to be good."""
import pytest

from support import wait
from support.client import Client
from support.issuer import Issuer, Key, known_key
from support.judge import events_of
from support.parallel import at_once
from support.trusting import cut_off, fetched, issuer, me, near, refused, trust, url, world  # noqa: F401 — fixtures
from support.world import World, unique

LINKS = "/v1/user-identities"


# ---- whose token it is ----
def test_a_linked_subject_is_the_user(world, near, issuer):
    provider = trust(world, issuer)
    person = world.user("viewer")
    link = world.make_link(provider["id"], person.id, "alice")
    token = issuer.token(provider["audience"], "alice")
    who = me(near, token)
    assert (who["id"], who["type"], who["role"]) == (person.id, "user", "viewer")
    assert who["program"]["id"] == world.program_id
    assert Client(near, token).get("/v1/deals").status == 200
    Client(near, token).post("/v1/partners", {}, expect=403, problem="insufficient_scope")
    used = world.refresh(link)
    assert used["last_used_at"] is not None and used["version"] == 1


def test_an_unknown_subject_is_nobody(world, near, issuer):
    provider = trust(world, issuer)
    me(near, issuer.token(provider["audience"], "stranger"), expect=403, problem="forbidden")
    me(near, issuer.token(provider["audience"], "stranger", email=world.email, email_verified=True),
       expect=403, problem="forbidden")
    assert world.admin.list(LINKS, {"provider_id": provider["id"]}) == []


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "ES256", "ES384"])
def test_algorithms(world, near, alg):
    issuer = Issuer([known_key(alg)])
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    assert me(near, issuer.token(provider["audience"], "alice"))["role"] == "viewer"
    issuer.close()


def test_a_partners_person_sees_the_partners_rows(world, near, issuer):
    a, b = world.partner("a"), world.partner("b")
    provider = trust(world, issuer, partner_id=a.id)
    world.make_link(provider["id"], a.user().id, "anna")
    client = Client(near, issuer.token(provider["audience"], "anna"))
    mine, theirs = a.deal(), b.deal()
    assert client.get(f"/v1/deals/{mine['id']}").status == 200
    client.get(f"/v1/deals/{theirs['id']}", expect=404)
    assert client.get("/v1/me")["partner"]["id"] == a.id


def test_scopes_of_the_token(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    token = lambda **claims: issuer.token(provider["audience"], "alice", **claims)
    assert me(near, token(scope="openid deals:read users:manage"))["scopes"] == ["deals:read"]
    assert me(near, token(scope=None, scp=["deals:read", "x", 1]))["scopes"] == ["deals:read"]
    assert me(near, token(scope="deals:rea xdeals:read deals:readx"))["scopes"] == []
    assert me(near, token(scope=None))["scopes"] == []
    world.admin.patch(f"/v1/identity-providers/{provider['id']}", {"uses_token_scopes": False}, if_match=1, expect=200)
    everything = world.user("viewer").get("/v1/me")["scopes"]
    wait.until(lambda: me(near, token(scope=None))["scopes"] == everything, "the provider's new way is known")


# ---- by verified e-mail address ----
def test_matched_by_verified_address_only(world, near, issuer):
    provider = trust(world, issuer, matches_verified_email=True)
    person = world.make_user("support")
    token = lambda **claims: issuer.token(provider["audience"], "carol", email=person.email, **claims)
    for claims in ({}, {"email_verified": False}, {"email_verified": "true"}, {"email_verified": 1}):
        me(near, token(**claims), expect=403, problem="forbidden")
    me(near, issuer.token(provider["audience"], "carol", email=[person.email], email_verified=True), expect=403)
    assert me(near, token(email_verified=True))["id"] == person.id
    link, = world.admin.list(LINKS, {"provider_id": provider["id"]})
    assert (link["subject"], link["user_id"], link["origin"]) == ("carol", person.id, "matched")
    assert [event["type"] for event in events_of(world.admin, link["id"], 1)] == ["user_identity.matched"]
    # From now on the subject counts, whatever the address.
    assert me(near, issuer.token(provider["audience"], "carol"))["id"] == person.id


def test_the_case_of_an_address_does_not_matter(world, near, issuer):
    provider = trust(world, issuer, matches_verified_email=True)
    person = world.make_user("support")
    assert me(near, issuer.token(provider["audience"], "carol", email=person.email.upper(), email_verified=True))["id"] \
        == person.id


def test_a_partners_provider_matches_nobody_else(world, near, issuer):
    """Whoever runs the partner's directory could verify any address there."""
    a = world.partner("a")
    provider = trust(world, issuer, partner_id=a.id, matches_verified_email=True)
    for victim in (world.email, world.user("viewer").email, world.partner("b").user().email):
        me(near, issuer.token(provider["audience"], unique("x"), email=victim, email_verified=True),
           expect=403, problem="forbidden")
    own = a.user()
    assert me(near, issuer.token(provider["audience"], "own", email=own.email, email_verified=True))["id"] == own.id


def test_an_unlinked_subject_is_not_matched_again(world, near, issuer):
    provider = trust(world, issuer, matches_verified_email=True, creates_users=True, default_role="viewer")
    person = world.make_user("support")
    token = issuer.token(provider["audience"], "carol", email=person.email, email_verified=True)
    assert me(near, token)["id"] == person.id
    link, = world.admin.list(LINKS, {"provider_id": provider["id"]})
    world.act("user-identities", link, "unlink")
    wait.until(lambda: me(near, token, expect=None).status == 403, "the link is gone here")
    world.make_link(provider["id"], person.id, "carol")
    assert me(near, token)["id"] == person.id


# ---- created at first sight ----
RULES = {"creates_users": True, "role_claim": "groups", "role_rules": [
    {"value": "chiefs", "role": "partner_manager"}, {"value": "staff", "role": "support"}]}


def newcomer(**claims):
    return {"email": f"{unique('new')}@people.example", "email_verified": True, "name": "Nora New", **claims}


@pytest.mark.parametrize("groups, role", [
    (["staff"], "support"), ("staff", "support"), (["staff", "chiefs"], "partner_manager"), (["x"], None), ([1], None),
    (None, None), ("staff chiefs", None), ({"staff": True}, None)])
def test_roles_by_rule(world, near, issuer, groups, role):
    provider = trust(world, issuer, **RULES)
    token = issuer.token(provider["audience"], "nora", groups=groups, **newcomer())
    if role is None:
        me(near, token, expect=403, problem="forbidden")
        assert world.admin.list(LINKS, {"provider_id": provider["id"]}) == []
    else:
        assert me(near, token)["role"] == role


def test_a_newcomer_becomes_a_user(world, near, issuer):
    provider = trust(world, issuer, **RULES, default_role="viewer")
    claims = newcomer()
    who = me(near, issuer.token(provider["audience"], "nora", **claims))
    row = world.admin.get(f"/v1/users/{who['id']}").json
    assert (row["email"], row["name"], row["role"], row["status"]) == (claims["email"], "Nora New", "viewer", "active")
    assert row["last_signed_in_at"] is not None
    events = events_of(world.admin, who["id"], 1)
    assert [event["type"] for event in events] == ["user.created"]
    Client(near).post("/v1/sessions", {"email": claims["email"], "password": "x", "program": world.slug}, expect=401)


def test_a_pointer_finds_a_nested_claim(world, near, issuer):
    provider = trust(world, issuer, **{**RULES, "role_claim": "/realm_access/~1roles~0"})
    token = issuer.token(provider["audience"], "nora", realm_access={"/roles~": ["staff"]}, **newcomer())
    assert me(near, token)["role"] == "support"


@pytest.mark.parametrize("claims", [
    {"email_verified": False}, {"email_verified": None}, {"email": None}, {"email": "nobody"}, {"email": "a b@c.example"},
    {"email": "a@b@c.example"}, {"email": "x" * 250 + "@c.example"}, {"email": "a\n@c.example"}])
def test_nobody_is_created_without_a_verified_address(world, near, issuer, claims):
    provider = trust(world, issuer, **RULES, default_role="viewer")
    me(near, issuer.token(provider["audience"], "nora", **newcomer(**claims)), expect=403, problem="forbidden")


def test_an_address_that_is_taken_is_not_taken_over(world, near, issuer):
    provider = trust(world, issuer, **RULES, default_role="viewer")
    me(near, issuer.token(provider["audience"], "nora", **newcomer(email=world.email)), expect=403, problem="forbidden")


def test_partners_by_claim(world, near, issuer):
    a = world.partner("a")
    number = world.admin.get(f"/v1/partners/{a.id}")["number"]
    provider = trust(world, issuer, creates_users=True, role_claim="role", partner_claim="org", role_rules=[
        {"value": "member", "role": "partner_member"}, {"value": "viewer", "role": "viewer"}])
    token = lambda **claims: issuer.token(provider["audience"], unique("sub"), **newcomer(**claims))
    for org in (a.id, a.id.upper(), number):
        who = me(near, token(role="member", org=org))
        assert (who["partner"]["id"], who["role"]) == (a.id, "partner_member")
    assert me(near, token(role="viewer"))["partner"] is None
    for claims in ({"role": "member"}, {"role": "viewer", "org": number}, {"role": "member", "org": "P-0"},
                   {"role": "member", "org": "' or true --"}):
        me(near, token(**claims), expect=403, problem="forbidden")


def test_partners_of_another_program_are_none(world, near, url, issuer):
    other = World(near, url)
    provider = trust(world, issuer, creates_users=True, default_role="partner_member", partner_claim="org")
    me(near, issuer.token(provider["audience"], "nora", **newcomer(org=other.partner("x").id)), expect=403)


def test_first_sight_by_many_at_once(world, near, issuer):
    provider = trust(world, issuer, **RULES, default_role="viewer")
    tokens = [issuer.token(provider["audience"], "nora", n=n, **newcomer(email="same@people.example"))
              for n in range(12)]
    answers = at_once([lambda token=token: me(near, token) for token in tokens])
    assert len({answer["id"] for answer in answers}) == 1
    assert len(world.admin.list(LINKS, {"provider_id": provider["id"]})) == 1


# ---- when it ceases ----
def test_a_disabled_provider(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    token = issuer.token(provider["audience"], "alice")
    me(near, token)
    off = world.act("identity-providers", provider, "disable")
    cut_off(near, token)
    world.act("identity-providers", off, "enable")
    wait.until(lambda: me(near, token, expect=None).status == 200, "the provider is on here")


def test_a_deactivated_user(world, near, issuer):
    provider = trust(world, issuer)
    person = world.make_user("viewer")
    world.make_link(provider["id"], person.id, "alice")
    token = issuer.token(provider["audience"], "alice")
    me(near, token)
    world.act("users", world.admin.get(f"/v1/users/{person.id}").json, "deactivate")
    cut_off(near, token)
    refused(near, issuer.token(provider["audience"], "alice", jti="another"))


def test_another_role_counts_at_once(world, near, issuer):
    provider = trust(world, issuer)
    person = world.make_user("viewer")
    world.make_link(provider["id"], person.id, "alice")
    token = issuer.token(provider["audience"], "alice")
    assert me(near, token)["role"] == "viewer"
    row = world.admin.get(f"/v1/users/{person.id}").json
    world.act("users", row, "change-role", {"role": "partner_manager"})
    wait.until(lambda: me(near, token)["role"] == "partner_manager", "the token stands for the role of now")


def test_a_terminated_partner(world, near, issuer):
    partner = world.make_partner()
    provider = trust(world, issuer)
    world.make_link(provider["id"], partner.user().id, "anna")
    token = issuer.token(provider["audience"], "anna")
    me(near, token)
    world.act("partners", world.admin.get(f"/v1/partners/{partner.id}").json, "terminate", {"reason": "x"})
    cut_off(near, token)
    refused(near, issuer.token(provider["audience"], "anna", jti="another"))


def test_there_is_no_session(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    client = Client(near, issuer.token(provider["audience"], "alice"))
    client.request("DELETE", "/v1/sessions/current", expect=403, problem="forbidden")
    client.get("/v1/sessions/current", expect=404)
    assert all(not row["is_current"] for row in client.list("/v1/sessions"))


def test_programs_do_not_share(world, near, url, issuer):
    """The same issuer, two programs: the audience says which, and naming both is for none."""
    other = World(near, url)
    mine, theirs = trust(world, issuer), trust(other, issuer)
    world.make_link(mine["id"], world.user("viewer").id, "alice")
    other.make_link(theirs["id"], other.user("viewer").id, "alice")
    for provider, owner in ((mine, world), (theirs, other)):
        assert me(near, issuer.token(provider["audience"], "alice"))["program"]["id"] == owner.program_id
    refused(near, issuer.token([mine["audience"], theirs["audience"]], "alice"))
    assert me(near, issuer.token([mine["audience"], "https://elsewhere"], "alice")).status == 200


# ---- keys ----
def test_a_new_key_is_found_once_a_minute(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    assert issuer.reads() == 1
    first, second = Key(), Key()
    issuer.keys.append(first)
    assert me(near, issuer.token(provider["audience"], "alice", first)).status == 200
    assert issuer.reads() == 2
    issuer.keys.append(second)
    for _ in range(3):
        refused(near, issuer.token(provider["audience"], "alice", second))
    assert issuer.reads() == 2
    assert me(near, issuer.token(provider["audience"], "alice")).status == 200


def test_a_key_that_was_taken_away_is_not_good(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    old, fresh = issuer.keys[0], Key()
    issuer.keys[:] = [fresh]
    me(near, issuer.token(provider["audience"], "alice", fresh))
    refused(near, issuer.token(provider["audience"], "alice", old))


def test_one_reading_for_many(world, near, issuer):
    provider = trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    fresh = Key()
    issuer.keys.append(fresh)
    issuer.gate.clear()
    tokens = [issuer.token(provider["audience"], "alice", fresh, n=n) for n in range(10)]
    clients = [Client(near, token) for token in tokens]

    def ask(client):
        answer = client.get("/v1/me", expect=None)
        if answer.status == 503:  # enough wait already
            assert answer.headers["Retry-After"] == "1"
        return answer.status

    def release():
        wait.until(lambda: len(issuer.requests) > 2, "the reading began")
        issuer.gate.set()

    statuses = at_once([release] + [lambda client=client: ask(client) for client in clients])[1:]
    assert set(statuses) <= {200, 503} and 200 in statuses
    assert issuer.reads() == 2


def test_a_dead_provider_blocks_nobody(world, near, issuer):
    dead = Issuer()
    dead.gate.clear()
    provider, alive = world.make_provider(issuer=dead.url), trust(world, issuer)
    world.make_link(provider["id"], world.user("viewer").id, "alice")
    world.make_link(alive["id"], world.user("viewer").id, "alice")
    token = dead.token(provider["audience"], "alice")

    def ask_dead():
        answer = me(near, token, expect=503, problem="unavailable")
        assert answer.headers["Retry-After"] == "1"

    def ask_alive():
        for n in range(20):
            me(near, alive_tokens[n])

    alive_tokens = [issuer.token(alive["audience"], "alice", n=n) for n in range(20)]
    at_once([ask_dead] * 8 + [ask_alive])
    dead.close()


# ---- a real outage of ours ----
@pytest.mark.parametrize("change, fault", [
    ({"/.well-known/openid-configuration": None}, "bad_status"),
    ({"/.well-known/openid-configuration": b"<html>"}, "bad_metadata"),
    ({"/.well-known/openid-configuration": {"issuer": "https://other.example", "jwks_uri": "x"}}, "issuer_differs"),
    ({"/.well-known/openid-configuration": b'{"issuer":"a","issuer":"b","jwks_uri":"c"}'}, "bad_metadata"),
    ({"/.well-known/openid-configuration": b" " * 70000}, "too_large"),
    ({"/.well-known/openid-configuration": b"[" * 60000}, "bad_metadata"),
    ({"/jwks": None}, "bad_status"), ({"/jwks": {"keys": []}}, "bad_keys"), ({"/jwks": {"keys": "x"}}, "bad_keys"),
    ({"/jwks": b"x" * 70000}, "too_large"),
], ids=str)
def test_what_is_wrong_is_told_to_the_admin(world, near, change, fault):
    issuer = Issuer()
    issuer.changed = change
    provider = fetched(world, world.make_provider(issuer=issuer.url), fault)
    assert provider["keys_read_at"] is None
    me(near, issuer.token(provider["audience"], "alice"), expect=503, problem="unavailable")
    issuer.close()


@pytest.mark.parametrize("place", [
    "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/jwks", "http://[::1]:1/jwks", "https://192.168.0.1/jwks",
    "file:///etc/passwd", "gopher://127.0.0.1:1/x", "http://0x7f.1:1@169.254.169.254/", "ftp://127.0.0.1/x", "jwks"])
def test_metadata_does_not_send_us_elsewhere(world, place):
    issuer = Issuer()
    issuer.changed = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": place}}
    fetched(world, world.make_provider(issuer=issuer.url), "address_refused")
    issuer.close()


def test_redirects_are_not_followed(world):
    issuer, trap = Issuer(), Issuer()

    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", f"{trap.url}/jwks")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    issuer.changed = {"/jwks": redirect}
    fetched(world, world.make_provider(issuer=issuer.url), "bad_status")
    assert trap.requests == []
    issuer.close()
    trap.close()


def test_without_a_list_nothing_here_is_reached(server, database_url, issuer):
    """The shared server names no networks: plain http is refused, and https to this machine goes nowhere."""
    world = World(server, database_url)
    assert world.admin.post("/v1/identity-providers", {"name": "x", "issuer": issuer.url}, expect=422).errors() \
        == {("#/issuer", "invalid_format")}
    provider = world.make_provider(issuer=issuer.url.replace("http:", "https:"))
    fetched(world, provider, "address_refused")
    assert issuer.requests == []


# ---- the second factor ----
@pytest.mark.parametrize("vouches", [False, True])
def test_a_role_that_needs_a_second_factor_needs_one_of_the_provider(near, url, issuer, vouches):
    strict = World(near, url)
    provider = trust(strict, issuer, asserts_second_factor=vouches)
    for role in ("viewer", "reviewer"):
        strict.make_link(provider["id"], strict.user(role).id, role)
    strict.admin.patch("/v1/program", {"second_factor_roles": ["reviewer"]}, if_match="*", expect=200)
    assert me(near, issuer.token(provider["audience"], "viewer"))["role"] == "viewer"
    token = issuer.token(provider["audience"], "reviewer")
    if vouches:
        assert me(near, token)["role"] == "reviewer"
        return
    me(near, token, expect=403, problem="second_factor_missing")
    Client(near, token).post("/v1/me/totp", expect=403, problem="second_factor_missing")
