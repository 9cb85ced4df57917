# SPDX-License-Identifier: Apache-2.0
"""Terms of machine clients: secrets that overlap, an end, networks, and what happens to tokens when they are narrowed."""
import base64

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.judge import command_is_consistent, events_of, without
from support.server import Server, partnerd
from support.tokens import claims_of
from support.world import World, client_token, unique

HERE, THERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(scope="module")
def second(server, database_url):
    running = Server(database_url).wait_ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def proxied(server, database_url):
    """An instance that believes what its neighbours say of the caller's address."""
    running = Server(database_url, trusted_proxies="127.0.0.0/8").wait_ready()
    yield running
    running.stop()


@pytest.fixture
def sandbox(server, database_url):
    """A program whose clock stands still until the test turns it."""
    world = World(server, database_url)
    world.set_clock("2031-05-01T00:00:00Z")
    return world


def make(world, scopes=("deals:read", "deals:write"), **members):
    return world.admin.post("/v1/api-clients", {"name": unique("script"), "scopes": list(scopes), **members},
                            expect=201).json


def row_of(world, made):
    return world.admin.get(f"/v1/api-clients/{made['id']}").json


def change(world, made, expect=200, **members):
    return world.admin.patch(f"/v1/api-clients/{made['id']}", members, if_match=row_of(world, made)["version"],
                             expect=expect)


def rotate(world, made, by=None, expect=200, **members):
    return (by or world.admin).post(f"/v1/api-clients/{made['id']}/rotate-secret", members or None,
                                    if_match=row_of(world, made)["version"], expect=expect)


def ask(server, made, secret=None, address=None, **form):
    return Client(server).post("/oauth/token", form={
        "grant_type": "client_credentials", "client_id": made["id"],
        "client_secret": secret or made["client_secret"], **form}, headers=from_address(address))


def from_address(address):
    return {"X-Forwarded-For": address} if address else None


def is_let_in(answer):
    assert answer.status in (200, 401), answer
    if answer.status == 401:
        assert answer["error"] == "invalid_client"
        assert answer["error_description"] == "The client is not known, or its secret is wrong."
    return answer.status == 200


def is_in(server, token):
    return Client(server, token).get("/v1/me", expect=None).status == 200


def is_cut(server, second, token):
    for instance in (server, second):
        wait.until(lambda: not is_in(instance, token), "the token is cut at both instances")


# ---- secrets ----

def test_both_secrets_are_good_for_the_overlap(sandbox, server):
    made = make(sandbox)
    rotated = rotate(sandbox, made, overlap_seconds=3600)
    assert rotated.headers["Cache-Control"] == "no-store" and rotated["version"] == 2
    assert rotated["client_secret"] != made["client_secret"]
    assert without(rotated.json, "client_secret") == row_of(sandbox, made)
    newest, oldest = rotated["secrets"]
    assert newest["hint"] == rotated["client_secret"][-4:] and oldest["hint"] == made["client_secret"][-4:]
    assert newest["expires_at"] is None and oldest["expires_at"] > oldest["created_at"]
    assert is_let_in(ask(server, made)) and is_let_in(ask(server, rotated))
    sandbox.advance_clock(3599)
    assert is_let_in(ask(server, made))
    sandbox.advance_clock(1)
    assert not is_let_in(ask(server, made)) and is_let_in(ask(server, rotated))
    again = rotate(sandbox, made)
    assert [entry["hint"] for entry in again["secrets"]] == [again["client_secret"][-4:], newest["hint"]]


def test_a_day_is_the_overlap_when_nothing_is_said(sandbox, server):
    made = make(sandbox)
    rotated = rotate(sandbox, made)
    sandbox.advance_clock(86_399)
    assert is_let_in(ask(server, made))
    sandbox.advance_clock(1)
    assert not is_let_in(ask(server, made)) and is_let_in(ask(server, rotated))


def test_a_token_does_not_outlive_its_secret(sandbox, server):
    made = make(sandbox)
    rotate(sandbox, made, overlap_seconds=120)
    answer = ask(server, made)
    claims = claims_of(answer["access_token"])
    assert 1 <= answer["expires_in"] <= 120 and claims["exp"] - claims["iat"] == answer["expires_in"]


def test_no_overlap_cuts_at_once(world, server, second):
    """The way out when a secret has leaked: nothing that was had for it is good, and the owner goes on at once."""
    made = make(world)
    token = client_token(server, made["id"], made["client_secret"])
    assert is_in(second, token)
    rotated = rotate(world, made, overlap_seconds=0)
    assert len(rotated["secrets"]) == 1
    assert not is_let_in(ask(server, made)) and not is_let_in(ask(second, made))
    fresh = client_token(server, made["id"], rotated["client_secret"])
    is_cut(server, second, token)
    assert is_in(server, fresh) and is_in(second, fresh)


def test_an_overlap_leaves_tokens_alone(world, server):
    made = make(world)
    token = client_token(server, made["id"], made["client_secret"])
    rotate(world, made, overlap_seconds=60)
    assert is_in(server, token)


def test_an_overlap_makes_no_secret_live_longer(sandbox, server):
    made = make(sandbox)
    rotate(sandbox, made, overlap_seconds=60)
    rotate(sandbox, made, overlap_seconds=3600)
    sandbox.advance_clock(61)
    assert not is_let_in(ask(server, made))


def test_a_few_secrets_at_a_time(sandbox, server):
    made = make(sandbox)
    latest = [made] + [rotate(sandbox, made).json for _ in range(4)]
    assert len(latest[-1]["secrets"]) == 5
    rotate(sandbox, made, expect=409)
    for each in latest:
        assert is_let_in(ask(server, made, each["client_secret"]))
    assert len(rotate(sandbox, made, overlap_seconds=0)["secrets"]) == 1


def test_the_use_of_each_secret_is_noted(world, server):
    made = make(world)
    rotated = rotate(world, made)
    assert [entry["last_used_at"] for entry in rotated["secrets"]] == [None, None]
    ask(server, made)
    newest, oldest = row_of(world, made)["secrets"]
    assert newest["last_used_at"] is None and oldest["last_used_at"] == row_of(world, made)["last_used_at"]
    ask(server, rotated)
    newest, oldest = row_of(world, made)["secrets"]
    assert newest["last_used_at"] >= oldest["last_used_at"] and row_of(world, made)["version"] == 2


def test_a_new_secret_is_shown_once(world):
    made, key = make(world), unique("key")
    send = lambda: world.admin.post(f"/v1/api-clients/{made['id']}/rotate-secret", {}, if_match=1, key=key, expect=200)
    first, again = send(), send()
    assert first["client_secret"] and again.is_replay and again["client_secret"] is None
    assert without(first.json, "client_secret") == without(again.json, "client_secret")
    told = str(events_of(world.admin, made["id"], 2)) + str(
        world.admin.list("/v1/audit-log", {"resource_id": made["id"]}))
    assert first["client_secret"] not in told and "secret_rotated" in told


@pytest.mark.parametrize("overlap, code", [
    (-1, "too_small"), (2_592_001, "too_large"), ("60", "wrong_type"), (1.5, "wrong_type"), (None, "wrong_type")])
def test_overlaps_that_are_refused(world, overlap, code):
    refused = rotate(world, make(world), expect=422, overlap_seconds=overlap)
    assert ("#/overlap_seconds", code) in refused.errors()


def test_a_secret_is_for_who_has_the_scopes(world, server, database_url):
    """A client that can do more than the one who asks, as the operator or an earlier rule may have made it."""
    admin, made = world.partner("a").user(), make(world, partner_id=world.partner("a").id)
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("update api_clients set scopes = scopes || '{audit:read}' where id = %s", (made["id"],))
    refused = rotate(world, made, by=admin, expect=403)
    assert refused.problem == "forbidden" and "client_secret" not in refused.json
    assert is_let_in(ask(server, made))
    # It may still be disarmed by them.
    admin.patch(f"/v1/api-clients/{made['id']}", {"scopes": ["deals:read"]}, if_match=1, expect=200)
    assert rotate(world, made, by=admin)["client_secret"]


# ---- changes ----

def test_a_change(world):
    made = make(world)
    answer = change(world, made, name="Renamed", allowed_networks=["192.0.2.7", "2001:DB8::/32", "::ffff:10.0.0.0/104"])
    row = command_is_consistent(world.admin, answer)
    assert row["name"] == "Renamed" and row["version"] == 2
    assert row["allowed_networks"] == ["192.0.2.7/32", "2001:db8::/32", "10.0.0.0/8"]
    assert change(world, made, allowed_networks=None)["allowed_networks"] is None
    types = [event["type"] for event in events_of(world.admin, made["id"], 3)]
    assert types.count("api_client.updated") == 2


def test_fewer_scopes_cut_tokens(world, server, second):
    made = make(world)
    token = client_token(server, made["id"], made["client_secret"])
    assert is_in(second, token)
    change(world, made, scopes=["deals:read"])
    fresh = ask(server, made)
    assert fresh["scope"] == "deals:read"
    is_cut(server, second, token)
    assert is_in(server, fresh["access_token"]) and is_in(second, fresh["access_token"]), "no minute of silence"


def test_more_scopes_cut_nothing(world, server):
    made = make(world, ["deals:read"])
    token = client_token(server, made["id"], made["client_secret"])
    change(world, made, name="Renamed", scopes=["deals:read", "events:read"], expires_at=None, allowed_networks=None)
    assert is_in(server, token) and ask(server, made)["scope"] == "deals:read events:read"


@pytest.mark.parametrize("members", [
    {"allowed_networks": ["203.0.113.0/24"]}, {"expires_at": "2100-01-01T00:00:00Z"}], ids=str)
def test_other_narrower_terms_cut_tokens(world, server, second, members):
    made = make(world)
    token = client_token(server, made["id"], made["client_secret"])
    assert is_in(second, token)
    change(world, made, **members)
    is_cut(server, second, token)


@pytest.mark.parametrize("member, value, place, code", [
    ("scopes", [], "#/scopes", "too_short"), ("scopes", ["users:manage"], "#/scopes/0", "invalid_choice"),
    ("scopes", None, "#/scopes", "wrong_type"), ("name", None, "#/name", "wrong_type"),
    ("allowed_networks", [], "#/allowed_networks", "too_short"),
    ("allowed_networks", ["10.0.0.0/8", "localhost"], "#/allowed_networks/1", "invalid_format"),
    ("allowed_networks", ["10.1.2.3/8"], "#/allowed_networks/0", "inconsistent"),
    ("allowed_networks", ["10.0.0.0/33"], "#/allowed_networks/0", "invalid_format"),
    ("allowed_networks", ["::1", "0:0::1/128"], "#/allowed_networks/1", "not_unique"),
    ("allowed_networks", ["10.0.0.0/8"] * 21, "#/allowed_networks", "too_long"),
    ("allowed_networks", "10.0.0.0/8", "#/allowed_networks", "wrong_type"),
    ("allowed_networks", [""], "#/allowed_networks/0", "too_short"),
    ("allowed_networks", ["' or true --"], "#/allowed_networks/0", "invalid_format"),
    ("expires_at", "2001-01-01T00:00:00Z", "#/expires_at", "too_small"),
    ("expires_at", "tomorrow", "#/expires_at", "invalid_format"), ("expires_at", 7, "#/expires_at", "wrong_type"),
    ("status", "active", "#/status", "read_only_field"), ("secrets", [], "#/secrets", "read_only_field"),
    ("client_secret", "mine", "#/client_secret", "unknown_field"), ("grant_id", "x", "#/grant_id", "unknown_field"),
    ("partner_id", None, "#/partner_id", "read_only_field"),
])
def test_refused_members(world, member, value, place, code):
    made = make(world)
    assert (place, code) in change(world, made, expect=422, **{member: value}).errors()
    if member in ("scopes", "allowed_networks", "expires_at", "name") and value is not None:
        body = {"name": "x", "scopes": ["deals:read"], member: value}
        assert (place, code) in world.admin.post("/v1/api-clients", body, expect=422).errors()


def test_everything_that_is_wrong_is_told_at_once(world):
    refused = world.admin.post("/v1/api-clients", {
        "name": "x", "scopes": ["users:manage"], "allowed_networks": ["x"], "expires_at": "2001-01-01T00:00:00Z"},
        expect=422)
    assert {place for place, _ in refused.errors()} == {"#/scopes/0", "#/allowed_networks/0", "#/expires_at"}


def test_a_revoked_client_stays_as_it_is(world):
    made = make(world)
    world.act("api-clients", row_of(world, made), "revoke")
    assert change(world, made, expect=409, name="x")["code"] == "invalid_transition"
    assert rotate(world, made, expect=409)["from"] == "revoked"
    assert row_of(world, made)["allowed_actions"] == []


def test_partner_admins_change_their_own(world, server):
    a, b = world.partner("a"), world.partner("b")
    made = a.user().post("/v1/api-clients", {"name": "x", "scopes": ["deals:read"]}, expect=201).json
    path = f"/v1/api-clients/{made['id']}"
    assert a.user().patch(path, {"scopes": ["deals:read", "events:read"]}, if_match=1, expect=200)["version"] == 2
    refused = a.user().patch(path, {"scopes": ["deals:approve"]}, if_match=2, expect=422)
    assert refused.errors() == {("#/scopes/0", "invalid_choice")}
    rotated = a.user().post(f"{path}/rotate-secret", {"overlap_seconds": 0}, if_match=2, expect=200).json
    b.user().patch(path, {"name": "mine"}, if_match=3, expect=404)
    b.user().post(f"{path}/rotate-secret", if_match=3, expect=404)
    assert is_let_in(ask(server, rotated))


# ---- the end of a client ----

def test_an_end(sandbox, server):
    made = make(sandbox, expires_at="2031-05-01T02:00:00+01:00")
    assert made["expires_at"] == "2031-05-01T01:00:00.000Z" and made["status"] == "active"
    assert ask(server, made)["expires_in"] == 600
    sandbox.advance_clock(3500)
    assert ask(server, made)["expires_in"] == 100, "a token ends with its client"
    sandbox.advance_clock(100)
    assert not is_let_in(ask(server, made))
    row = row_of(sandbox, made)
    assert row["status"] == "expired" and row["version"] == 1
    assert [each["id"] for each in sandbox.admin.list("/v1/api-clients", {"status": "expired"})] == [made["id"]]
    assert change(sandbox, made, expires_at=None)["status"] == "active"
    assert is_let_in(ask(server, made))


def test_an_expired_client_can_be_revoked(sandbox, server):
    made = make(sandbox, expires_at="2100-01-01T00:00:00Z")
    sandbox.set_clock("2100-01-01T00:00:00Z")
    assert row_of(sandbox, made)["allowed_actions"] == ["rotate-secret", "revoke"]
    assert sandbox.act("api-clients", row_of(sandbox, made), "revoke")["status"] == "revoked"


# ---- networks ----

def test_a_client_comes_from_its_networks(world, proxied):
    made = make(world, allowed_networks=["198.51.100.0/24", "2001:db8::/32"])
    token = ask(proxied, made, address=HERE)["access_token"]
    get = lambda address: Client(proxied, token).get("/v1/deals", headers=from_address(address), expect=None)
    for address in (HERE, "2001:db8::7", f"::ffff:{HERE}", f"{THERE}, {HERE}", f"{THERE}, {HERE}, 127.0.0.9"):
        assert get(address).status == 200, address
        assert is_let_in(ask(proxied, made, address=address)), address
    for address in (THERE, None, "2001:db9::1", f"{HERE}, {THERE}", "nonsense", f"{HERE}, nonsense", ""):
        assert get(address).problem == "address_not_allowed" and get(address).status == 403, address
        assert not is_let_in(ask(proxied, made, address=address)), address


def test_what_a_stranger_says_of_itself_counts_for_nothing(world, server):
    made = make(world, allowed_networks=["198.51.100.0/24"])
    assert not is_let_in(ask(server, made, address=HERE))
    made = make(world, allowed_networks=["127.0.0.0/8", "::1"])
    token = ask(server, made)["access_token"]
    assert Client(server, token).get("/v1/deals", headers=from_address(THERE)).status == 200


def test_networks_count_wherever_a_client_authenticates(world, proxied):
    made = make(world, allowed_networks=["198.51.100.0/24"])
    token = ask(proxied, made, address=HERE)["access_token"]
    basic = base64.b64encode(f"{made['id']}:{made['client_secret']}".encode()).decode()
    for path in ("/oauth/introspect", "/oauth/revoke"):
        send = lambda address: Client(proxied).post(
            path, form={"token": token}, headers={"Authorization": f"Basic {basic}", "X-Forwarded-For": address})
        assert send(THERE)["error"] == "invalid_client"
        assert send(HERE).status == 200
    assert not is_in(proxied, token)


def test_the_ledger_tells_of_the_right_secret_from_the_wrong_place(world, proxied):
    made = make(world, allowed_networks=["198.51.100.0/24"])
    for _ in range(3):
        assert not is_let_in(ask(proxied, made, address=THERE))
    assert not is_let_in(ask(proxied, made, secret="wrong", address=THERE))
    told = [entry for entry in world.admin.list("/v1/audit-log", {"resource_id": made["id"]})
            if entry["action"] == "api_client.refused"]
    assert len(told) == 1, "once a minute, however often it is tried"
    assert told[0]["address"] == THERE and told[0]["actor"] == {"type": "client", "id": made["id"]}
    assert row_of(world, made)["last_used_at"] is None


def test_other_networks_count_from_the_next_token_on(world, proxied):
    made = make(world, allowed_networks=["198.51.100.0/24"])
    token = ask(proxied, made, address=HERE)["access_token"]
    change(world, made, allowed_networks=["198.51.100.0/24", "203.0.113.0/24"])
    ask_with = lambda token, address: Client(proxied, token).get("/v1/me", headers=from_address(address), expect=None)
    assert ask_with(token, HERE).status == 200 and ask_with(token, THERE).status == 403
    wider = ask(proxied, made, address=THERE)["access_token"]
    assert ask_with(wider, THERE).status == 200
    change(world, made, allowed_networks=["203.0.113.0/24"])
    wait.until(lambda: ask_with(wider, HERE).status == 401, "tokens for more networks are cut")


def test_many_networks_fit_into_a_token(world, proxied):
    networks = [f"2001:db8:{i:x}:ffff:ffff:ffff:ffff:ff00/120" for i in range(4096, 4116)]
    made = make(world, allowed_networks=networks)
    token = ask(proxied, made, address="2001:db8:1013:ffff:ffff:ffff:ffff:ff01")["access_token"]
    assert Client(proxied, token).get("/v1/me", headers=from_address("2001:db8:1000:ffff:ffff:ffff:ffff:ffff")).status == 200


# ---- the command line ----

def operator(database_url, *arguments, status=0):
    done = partnerd("client", *arguments, database_url=database_url, status=status)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def test_the_operator_sets_terms_and_rotates(world, server, second, database_url):
    made = operator(database_url, "create", "--program", world.slug, "--name", "CRM", "--scopes", "deals:read",
                    "--networks", "127.0.0.0/8 ::1", "--expires-at", "2100-01-01T00:00:00Z")
    row = world.admin.get(f"/v1/api-clients/{made['client_id']}").json
    assert row["allowed_networks"] == ["127.0.0.0/8", "::1/128"] and row["expires_at"] == "2100-01-01T00:00:00.000Z"
    one = {"id": made["client_id"], "client_secret": made["client_secret"]}
    token = ask(server, one)["access_token"]
    two = {**one, **operator(database_url, "rotate-secret", one["id"], "--overlap", "60")}
    assert is_let_in(ask(server, one)) and is_let_in(ask(server, two)) and is_in(second, token)
    three = {**one, **operator(database_url, "rotate-secret", one["id"], "--overlap", "0")}
    assert not is_let_in(ask(server, one)) and not is_let_in(ask(server, two)) and is_let_in(ask(server, three))
    is_cut(server, second, token)
    entry = world.admin.list("/v1/audit-log", {"resource_id": one["id"]})[0]
    assert entry["action"] == "api_client.secret_rotated" and entry["actor"]["type"] == "system"
    operator(database_url, "revoke", one["id"])
    operator(database_url, "rotate-secret", one["id"], status=1)


@pytest.mark.parametrize("arguments", [
    ["--networks", "localhost"], ["--networks", ""], ["--networks", "10.1.2.3/8"], ["--networks", "10.0.0.0/8,::1"],
    ["--expires-at", "tomorrow"]], ids=str)
def test_terms_the_operator_cannot_set(world, database_url, arguments):
    operator(database_url, "create", "--program", world.slug, "--name", "x", "--scopes", "deals:read", *arguments,
             status=1)


@pytest.mark.parametrize("overlap", ["-1", "x", "", "99999999", "1h"])
def test_overlaps_the_operator_cannot_set(world, database_url, overlap):
    operator(database_url, "rotate-secret", make(world)["id"], "--overlap", overlap, status=1)
