# SPDX-License-Identifier: Apache-2.0
"""People: made by those who may, each on their own side, and out at every instance once they are disabled."""
import pytest

from support import wait
from support.client import Client
from support.judge import events_of, is_as_missing, without
from support.server import Server
from support.world import PASSWORD, accept, sign_in, unique

VENDOR_ROLES = ["admin", "partner_manager", "reviewer", "finance", "support", "viewer"]
PARTNER_ROLES = ["partner_admin", "partner_member"]


def body(role="viewer", **members):
    return {"email": f"{unique('p')}@people.example", "name": "Kim Person", "role": role, **members}


def refused_at(server, client):
    return client.on(server).get("/v1/me", expect=None).status == 401


@pytest.fixture(scope="module")
def second(server, database_url):
    """Another instance on the same database."""
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.mark.parametrize("role", VENDOR_ROLES)
def test_vendor_users(world, server, role):
    made = world.admin.post("/v1/users", body(role), expect=201)
    assert made.etag == '"1"' and made.headers["Location"] == f"/v1/users/{made['id']}"
    assert made.headers["Cache-Control"] == "no-store"
    accept(server, made["invitation_token"])
    session = sign_in(server, made["email"], PASSWORD, world.slug)
    me = Client(server, session["access_token"]).get("/v1/me").json
    assert (me["id"], me["type"], me["role"], me["partner"]) == (made["id"], "user", role, None)
    assert sorted(session["scope"].split()) == sorted(me["scopes"])
    assert me["program"]["id"] == world.program_id


@pytest.mark.parametrize("role", PARTNER_ROLES)
def test_partner_users(world, server, role):
    partner = world.partner("a")
    made = world.admin.post("/v1/users", body(role, partner_id=partner.id), expect=201)
    accept(server, made["invitation_token"])
    session = sign_in(server, made["email"], PASSWORD, world.slug)
    assert session["partner_id"] == partner.id
    me = Client(server, session["access_token"]).get("/v1/me").json
    assert me["partner"]["id"] == partner.id and me["partner"]["name"] == partner.name
    assert not {"deals:approve", "partners:manage", "program:manage", "tiers:manage", "audit:read"} & set(me["scopes"])


def test_the_token_is_shown_once(world):
    made = world.admin.post("/v1/users", body(), expect=201)
    assert len(made["invitation_token"]) >= 43 and made["status"] == "invited"
    seen = world.admin.get(f"/v1/users/{made['id']}")
    assert "invitation_token" not in seen.json
    assert seen.json == without(made.json, "invitation_token")
    assert made["invitation_token"] not in str(events_of(world.admin, made["id"], 1))
    assert made["invitation_token"] not in str(world.admin.list("/v1/audit-log", {"resource_id": made["id"]}))


def test_a_replay_does_not_show_it_again(world):
    sent = body()
    made = world.admin.post("/v1/users", sent, key=sent["email"], expect=201)
    again = world.admin.post("/v1/users", sent, key=sent["email"], expect=201)
    assert again.is_replay and again["id"] == made["id"] and again["invitation_token"] is None


@pytest.mark.parametrize("role, is_partners", [("partner_admin", False), ("partner_member", False), ("admin", True),
                                               ("viewer", True)])
def test_roles_belong_to_a_side(world, role, is_partners):
    sent = body(role, **({"partner_id": world.partner("a").id} if is_partners else {}))
    refused = world.admin.post("/v1/users", sent, expect=422, problem="validation_failed")
    assert {place for place, _ in refused.errors()} & {"#/role", "#/partner_id"}


@pytest.mark.parametrize("member, value, code", [
    ("email", "nobody", "invalid_format"), ("email", None, "wrong_type"), ("name", "", "too_short"),
    ("role", "root", "invalid_choice"), ("partner_id", "x" * 36, "invalid_format"),
    ("partner_id", "00000000-0000-4000-8000-000000000000", "reference_not_found"),
    ("status", "active", "read_only_field"), ("password", "secret", "unknown_field"),
])
def test_refused_members(world, member, value, code):
    sent = {**body("partner_member", partner_id=world.partner("a").id), member: value}
    refused = world.admin.post("/v1/users", sent, expect=422, problem="validation_failed")
    assert (f"#/{member}", code) in refused.errors(), refused


def test_addresses_are_unique_whatever_their_case(world):
    sent = body()
    made = world.admin.post("/v1/users", sent, expect=201)
    assert made["email"] == sent["email"]
    refused = world.admin.post("/v1/users", {**sent, "email": sent["email"].upper()}, expect=409,
                               problem="already_exists")
    assert refused.errors() == {("#/email", "not_unique")}


def test_the_same_address_in_two_programs(world, demo, server):
    sent = body()
    here = world.admin.post("/v1/users", sent, expect=201)
    there = demo.admin.post("/v1/users", sent, expect=201)
    accept(server, here["invitation_token"])
    assert sign_in(server, sent["email"], PASSWORD, world.slug)["user_id"] == here["id"]
    assert there["id"] != here["id"]


def test_partner_admins_manage_their_own_people(world):
    a, b = world.partner("a"), world.partner("b")
    made = a.user().post("/v1/users", body("partner_member"), expect=201)
    assert made["partner_id"] == a.id
    assert {row["partner_id"] for row in a.user().list("/v1/users")} == {a.id}
    is_as_missing(b.user(), "/v1/users/{}", made["id"])
    is_as_missing(b.user(), "/v1/users/{}/deactivate", made["id"], method="POST", if_match="*")
    is_as_missing(a.user(), "/v1/users/{}", world.admin_id)
    assert a.user().get(f"/v1/users/{made['id']}")["status"] == "invited"


def test_partner_admins_make_no_people_elsewhere(world):
    a, b = world.partner("a"), world.partner("b")
    refused = a.user().post("/v1/users", body("partner_member", partner_id=b.id))
    assert refused.status in (403, 422), refused
    assert a.user().post("/v1/users", body("admin")).status == 422
    assert not [row for row in world.admin.list("/v1/users", {"partner_id": b.id}) if row["name"] == "Kim Person"]


def test_members_and_viewers_manage_nobody(world):
    for client in (world.partner("a").user("partner_member"), world.user("viewer")):
        client.post("/v1/users", body(), expect=403, problem="insufficient_scope")
        client.post(f"/v1/users/{world.admin_id}/deactivate", if_match="*", expect=403, problem="insufficient_scope")


def test_disabled_users_are_out_everywhere(world, server, second):
    user = world.make_user("reviewer")
    user.on(second).get("/v1/me")
    row = world.admin.get(f"/v1/users/{user.id}").json
    after = world.act("users", row, "deactivate")
    assert after["status"] == "disabled"
    for instance in (server, second):
        wait.until(lambda: refused_at(instance, user), "the token of a disabled user is refused")
        Client(instance).post("/v1/sessions", {"email": user.email, "password": user.password, "program": world.slug},
                              expect=401, problem="invalid_credentials")
    assert world.refresh(row)["status"] == "disabled"


def test_nobody_deactivates_themselves(world):
    admin = world.make_user("admin")
    admin.post(f"/v1/users/{admin.id}/deactivate", if_match="*", expect=409, problem="conflict")


def test_deactivated_once(world):
    user = world.make_user("viewer")
    row = world.act("users", world.admin.get(f"/v1/users/{user.id}").json, "deactivate")
    world.admin.post(f"/v1/users/{user.id}/deactivate", if_match=row["version"], expect=409,
                     problem="invalid_transition")


def test_disabling_takes_their_sessions_along(world, server):
    made = world.admin.post("/v1/users", body(), expect=201)
    accept(server, made["invitation_token"])
    session = sign_in(server, made["email"], PASSWORD, world.slug)
    world.act("users", world.admin.get(f"/v1/users/{made['id']}").json, "deactivate")
    refused = Client(server).post("/oauth/token", form={
        "grant_type": "refresh_token", "refresh_token": session["refresh_token"], "client_id": "partnerd"})
    assert refused.status == 400 and refused["error"] == "invalid_grant"


def test_sign_in_is_remembered(world, server):
    made = world.admin.post("/v1/users", body(), expect=201)
    assert made["last_signed_in_at"] is None
    accept(server, made["invitation_token"])
    sign_in(server, made["email"], PASSWORD, world.slug)
    assert world.admin.get(f"/v1/users/{made['id']}")["last_signed_in_at"] is not None


@pytest.mark.parametrize("query", [
    {"role": "viewer"}, {"role": ["viewer", "partner_admin"]}, {"status": "disabled"},
    {"status": "active", "role": "admin"},
])
def test_filters(world, query):
    world.user("viewer"), world.partner("a").user()
    everything = world.admin.list("/v1/users")
    expected = {row["id"] for row in everything if all(
        row[name] in (value if isinstance(value, list) else [value]) for name, value in query.items())}
    assert {row["id"] for row in world.admin.list("/v1/users", query)} == expected


def test_looked_up_by_name_or_address(world):
    """By the vendor, and by a partner's own admin among its own people."""
    a, b = world.partner("a").user(), world.partner("b").user()
    found = lambda client, q: {row["id"] for row in client.list("/v1/users", {"q": q})}
    assert found(world.admin, a.email.upper()) == found(a, a.email) == {a.id} and found(a, b.email) == set()
    name = world.admin.get(f"/v1/users/{a.id}")["name"]
    assert {a.id} == found(a, name.lower()) <= found(world.admin, name)
    assert found(world.admin, "%%%") == found(world.admin, "nobody has this name") == set()


def test_filter_by_address_and_partner(world):
    user = world.partner("b").user()
    assert [row["id"] for row in world.admin.list("/v1/users", {"email": user.email.upper()})] == [user.id]
    found = world.admin.list("/v1/users", {"partner_id": world.partner("b").id})
    assert user.id in [row["id"] for row in found]
    assert {row["partner_name"] for row in found} == {world.partner("b").name}


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "email", "-email"])
def test_sorted(world, sort):
    for _ in range(3):
        world.admin.post("/v1/users", body(), expect=201)
    keys = [row[sort.lstrip("-")] for row in world.admin.list("/v1/users", {"sort": sort}, limit=3)]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
