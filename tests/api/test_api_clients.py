# SPDX-License-Identifier: Apache-2.0
"""Machine clients: the secret is shown once, scopes never exceed the side's, a revoked one is out at every instance."""
import pytest

from support import wait
from support.client import Client
from support.judge import NOBODY, events_of, is_as_missing, without
from support.server import Server
from support.world import PARTNER_SCOPES, client_token, unique


@pytest.fixture(scope="module")
def second(server, database_url):
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


def body(scopes=("deals:read",), **members):
    return {"name": unique("script"), "scopes": list(scopes), **members}


def token_answer(server, client_id, secret, scope=None):
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return Client(server).post("/oauth/token", form={**form, **({"scope": scope} if scope else {})})


def test_made_and_used(world, server):
    partner = world.partner("a")
    made = world.admin.post("/v1/api-clients", body(["deals:read", "deals:write"], partner_id=partner.id), expect=201)
    assert made.headers["Location"] == f"/v1/api-clients/{made['id']}" and made.headers["Cache-Control"] == "no-store"
    me = Client(server, client_token(server, made["id"], made["client_secret"])).get("/v1/me").json
    assert (me["type"], me["id"], me["role"]) == ("client", made["id"], None)
    assert me["partner"]["id"] == partner.id and sorted(me["scopes"]) == ["deals:read", "deals:write"]


def test_a_token_may_ask_for_less(world, server):
    client_id, secret = world.make_client(["deals:read", "deals:write"], world.partner("a").id)
    client = Client(server, client_token(server, client_id, secret, "deals:read"))
    client.get("/v1/deals")
    refused = client.post("/v1/deals", {"customer_name": "x", "amount": {"amount_minor": 1, "currency": "EUR"}},
                          expect=403, problem="insufficient_scope")
    assert refused["scope"] == "deals:write"
    assert token_answer(server, client_id, secret, "deals:approve")["error"] == "invalid_scope"


def test_the_secret_is_shown_once(world):
    made = world.admin.post("/v1/api-clients", body(), expect=201)
    assert len(made["client_secret"]) >= 32
    assert world.admin.get(f"/v1/api-clients/{made['id']}").json == without(made.json, "client_secret")
    assert made["client_secret"] not in str(events_of(world.admin, made["id"], 1))
    assert made["client_secret"] not in str(world.admin.list("/v1/audit-log", {"resource_id": made["id"]}))


def test_a_replay_does_not_show_it_again(world):
    sent = body()
    made = world.admin.post("/v1/api-clients", sent, key=sent["name"], expect=201)
    again = world.admin.post("/v1/api-clients", sent, key=sent["name"], expect=201)
    assert again.is_replay and again["id"] == made["id"] and again["client_secret"] is None


@pytest.mark.parametrize("scope", ["deals:approve", "partners:manage", "program:manage", "audit:read"])
def test_partners_clients_get_no_vendor_scopes(world, scope):
    refused = world.admin.post("/v1/api-clients", body([scope], partner_id=world.partner("a").id), expect=422)
    assert any(place.startswith("#/scopes") for place, _ in refused.errors())


@pytest.mark.parametrize("member, value, code", [
    ("scopes", ["deals:everything"], "invalid_choice"), ("scopes", "deals:read", "wrong_type"),
    ("scopes", ["deals:read", "deals:read"], "not_unique"), ("name", "", "too_short"),
    ("partner_id", NOBODY, "reference_not_found"), ("client_secret", "mine", None),
    ("colour", "red", "unknown_field"),
])
def test_refused_members(world, member, value, code):
    refused = world.admin.post("/v1/api-clients", {**body(), member: value}, expect=422, problem="validation_failed")
    assert any(place.startswith(f"#/{member}") and code in (None, found) for place, found in refused.errors()), refused


def test_partner_admins_manage_their_own(world):
    a, b = world.partner("a"), world.partner("b")
    made = a.user().post("/v1/api-clients", body(), expect=201)
    assert made["partner_id"] == a.id
    assert {row["partner_id"] for row in a.user().list("/v1/api-clients")} == {a.id}
    is_as_missing(b.user(), "/v1/api-clients/{}", made["id"])
    is_as_missing(b.user(), "/v1/api-clients/{}/revoke", made["id"], method="POST", if_match="*")
    assert a.user().post("/v1/api-clients", body(partner_id=b.id)).status in (403, 422)
    assert a.user().post("/v1/api-clients", body(["deals:approve"])).status == 422


def test_revoked_clients_are_out_everywhere(world, server, second):
    client_id, secret = world.make_client(PARTNER_SCOPES, world.partner("a").id)
    client = Client(server, client_token(server, client_id, secret))
    client.get("/v1/deals"), client.on(second).get("/v1/deals")
    row = world.admin.get(f"/v1/api-clients/{client_id}").json
    assert world.act("api-clients", row, "revoke")["status"] == "revoked"
    for instance in (server, second):
        wait.until(lambda: client.on(instance).get("/v1/me", expect=None).status == 401,
                   "the token of a revoked client is refused")
        refused = token_answer(instance, client_id, secret)
        assert refused.status == 401 and refused["error"] == "invalid_client"


def test_revoked_once(world):
    client_id, _ = world.make_client(["deals:read"])
    row = world.act("api-clients", world.admin.get(f"/v1/api-clients/{client_id}").json, "revoke")
    world.admin.post(f"/v1/api-clients/{client_id}/revoke", if_match=row["version"], expect=409)


@pytest.mark.parametrize("query", [{"status": "active"}, {"status": "revoked"}, {"status": ["active", "revoked"]}])
def test_filters(world, query):
    everything = world.admin.list("/v1/api-clients")
    wanted = query["status"] if isinstance(query["status"], list) else [query["status"]]
    expected = {row["id"] for row in everything if row["status"] in wanted}
    assert {row["id"] for row in world.admin.list("/v1/api-clients", query)} == expected


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
def test_sorted(world, sort):
    for _ in range(3):
        world.make_client(["deals:read"])
    rows = world.admin.list("/v1/api-clients", {"sort": sort}, limit=3)
    keys = [row[sort.lstrip("-")] for row in rows]
    assert keys == sorted(keys, reverse=sort.startswith("-")) and len({row["id"] for row in rows}) == len(rows)
