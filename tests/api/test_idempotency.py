# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key (api.md §1, architecture.md §3): same key and request → same answer; only successes are kept."""
import uuid

import pytest

from support import contract
from support.client import Client
from support.judge import without
from support.world import DEAL, PARTNER_SCOPES, client_token, unique


@pytest.fixture
def key():
    return unique("key")


@pytest.fixture
def partner(world):
    return world.partner("a")


def same_answer(first, again):
    assert again.is_replay and not first.is_replay
    assert (again.status, again.json, again.etag) == (first.status, first.json, first.etag)
    assert again.headers.get("Location") == first.headers.get("Location")


def test_replay(partner, key):
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    for _ in range(3):
        same_answer(first, partner.api.post("/v1/deals", DEAL, key=key, expect=201))
    assert len(partner.api.list("/v1/deals", {"number": first["number"]})) == 1


def test_replay_after_the_world_moved(world, partner, key):
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    world.act("deals", first.json, "approve", {})
    same_answer(first, partner.api.post("/v1/deals", DEAL, key=key, expect=201))
    assert partner.api.get(f"/v1/deals/{first['id']}")["status"] == "approved"


def test_replay_comes_before_preconditions_and_state(world, partner, key):
    deal = partner.deal()
    path = f"/v1/deals/{deal['id']}/approve"
    first = world.admin.post(path, {"comment": "ok"}, if_match=1, key=key, expect=200)
    same_answer(first, world.admin.post(path, {"comment": "ok"}, if_match=1, key=key, expect=200))
    world.admin.post(path, {"comment": "ok"}, if_match=1, expect=412)
    assert len(world.admin.list(f"/v1/deals/{deal['id']}/timeline")) == 2


def test_another_body_is_refused(partner, key):
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    partner.api.post("/v1/deals", {**DEAL, "customer_name": "Other"}, key=key, expect=422,
                     problem="idempotency_key_reused")
    same_answer(first, partner.api.post("/v1/deals", DEAL, key=key, expect=201))


def test_another_path_is_refused(world, partner, key):
    one, two = partner.deal(), partner.deal()
    world.admin.post(f"/v1/deals/{one['id']}/approve", {}, if_match=1, key=key, expect=200)
    world.admin.post(f"/v1/deals/{two['id']}/approve", {}, if_match=1, key=key, expect=422,
                     problem="idempotency_key_reused")
    assert world.refresh(two)["status"] == "submitted"


def test_an_invalid_body_with_a_used_key_is_a_reuse(partner, key):
    partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    refused = partner.api.post("/v1/deals", {"customer_name": ""}, key=key, expect=422)
    assert refused.problem in ("idempotency_key_reused", "validation_failed")


@pytest.mark.parametrize("operation", [entry for entry in contract.operations() if entry.requires("Idempotency-Key")]
                         if (contract.ROOT / "openapi.yaml").exists() else [], ids=repr)
def test_required_where_the_contract_says_so(world, operation):
    refused = world.admin.request(operation.method, operation.path, {}, key=None)
    assert refused.status == 400 and refused.problem == "idempotency_key_required", refused


# What spends a password, a code or a token, keeps nothing, or comes from nobody in particular: a key changes nothing.
KEEPS_NOTHING = {
    "createSession", "createCookieSession", "refreshCookieSession", "acceptInvitation", "requestPasswordReset",
    "confirmPasswordReset", "changePassword", "startTotp", "confirmTotp", "disableTotp", "renewRecoveryCodes", "checkDeal",
    "prorateMargin", "simulateMargins", "submitPartnerApplicationForm"}


def test_every_post_takes_a_key():
    """Required on registrations; where it is not looked at, the contract says so in one and the same words."""
    posts = [entry for entry in contract.operations() if entry.method == "POST" and entry.path.startswith("/v1/")]
    assert all(entry.parameter("Idempotency-Key") for entry in posts)
    assert "registerDeal" in {entry.id for entry in posts if entry.requires("Idempotency-Key")}
    assert {entry.id for entry in posts if entry.parameter("Idempotency-Key").get("x-ignored")} == KEEPS_NOTHING


def bare_request(client, operation, key):
    path = operation.path
    for name in operation.path_ids:
        path = path.replace("{%s}" % name, str(uuid.uuid4()))
    content = operation.body.get("requestBody", {}).get("content", {})
    body, headers = (b"x", {"Content-Type": "application/octet-stream"}) if "application/octet-stream" in content \
        else ({} if content else None, {})
    return client.request(operation.method, path, body, headers=headers, key=key)


@pytest.mark.parametrize("key", ["k", "x" * 300, "a b", ""], ids=["good", "long", "two words", "empty"])
def test_a_key_that_is_ignored_is_never_refused(world, key):
    for operation in contract.operations():
        if operation.id in KEEPS_NOTHING - {"startTotp"}:
            answer = bare_request(world.admin, operation, key)
            assert "Idempotency-Key" not in str(answer.json) and answer.problem != "idempotency_key_reused", operation


def test_a_key_that_is_ignored_keeps_no_answer(world, partner, key):
    """The same key with another question is another question."""
    first, second = ({"customer_name": name, "customer_country": "DE", "customer_website": f"https://{name.lower()}.example"}
                     for name in (unique("Numbat"), unique("Quoll")))
    answers = [partner.api.post("/v1/deals/check", body, key=key, expect=200) for body in (first, second, first)]
    assert not any(answer.is_replay for answer in answers)


def test_a_change_that_keeps_no_key_takes_none(world):
    """No POST: what changes a row by its version, or a file as a whole."""
    for operation in contract.operations():
        if operation.method == "GET" or operation.is_public or operation.parameter("Idempotency-Key"):
            continue
        refused = bare_request(world.admin, operation, "k")
        assert refused.status == 400 and refused.problem == "invalid_parameter", operation
        assert refused.errors() == {("Idempotency-Key", "unknown_field")}, operation


def test_each_client_has_its_own_keys(world, partner, key):
    other = world.partner("b")
    second_of_a = world.machine(PARTNER_SCOPES, partner.id)
    ids = {client.post("/v1/deals", DEAL, key=key, expect=201)["id"]
           for client in (partner.api, other.api, second_of_a)}
    assert len(ids) == 3


def test_a_key_belongs_to_the_client_not_to_the_token(world, server, key):
    partner = world.partner("a")
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    other = Client(server, client_token(server, partner.client_id, partner.secret))
    same_answer(first, other.post("/v1/deals", DEAL, key=key, expect=201))


@pytest.mark.parametrize("failing, status", [
    ({**DEAL, "customer_name": ""}, 422), ({**DEAL, "nonsense": True}, 422), (b"{", 400),
])
def test_a_failed_command_is_not_kept(partner, key, failing, status):
    partner.api.post("/v1/deals", failing, key=key, expect=status)
    assert not partner.api.post("/v1/deals", DEAL, key=key, expect=201).is_replay


def test_a_refused_command_is_judged_again(world, partner, key):
    deal = world.deal_in("draft")
    path = f"/v1/deals/{deal['id']}/approve"
    world.admin.post(path, {}, if_match="*", key=key, expect=409)
    world.act("deals", deal, "submit")
    assert not world.admin.post(path, {}, if_match="*", key=key, expect=200).is_replay


def test_quoted_and_bare_are_the_same_key(partner, key):
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    same_answer(first, partner.api.post("/v1/deals", DEAL, key=f'"{key}"', expect=201))


@pytest.mark.parametrize("bad", ["", '""', "x" * 256, "has space", "käse".encode().decode("latin-1")])
def test_bad_keys(partner, bad):
    refused = partner.api.post("/v1/deals", DEAL, key=bad, expect=400)
    assert refused.problem in ("idempotency_key_required", "invalid_parameter", "invalid_request", "invalid_encoding")


@pytest.mark.parametrize("good", ["x", "x" * 255, "a/b:c=d?e#f~!%", "{}"])
def test_good_keys(partner, good):
    key = unique("k") + good if len(good) < 200 else unique("k").ljust(255, "x")
    first = partner.api.post("/v1/deals", DEAL, key=key, expect=201)
    same_answer(first, partner.api.post("/v1/deals", DEAL, key=key, expect=201))


def test_two_keys_make_two_deals(partner):
    one, two = (partner.api.post("/v1/deals", DEAL, key=unique("k"), expect=201) for _ in range(2))
    assert one["id"] != two["id"] and one["number"] != two["number"]


def test_the_answer_for_a_reader_is_the_writers(world, key):
    """A replay is rendered for the side that asks: no member of the vendor's leaks through it."""
    deal = world.deal_in("submitted")
    noted = world.admin.patch(f"/v1/deals/{deal['id']}", {"review_note": "Careful."}, if_match=1, expect=200)
    partner = world.partner("a").api
    path = f"/v1/deals/{deal['id']}/withdraw"
    first = partner.post(path, {}, if_match=noted["version"], key=key, expect=200)
    again = partner.post(path, {}, if_match=noted["version"], key=key, expect=200)
    assert again.is_replay and first["review_note"] is None and again["review_note"] is None
    assert without(again.json, "allowed_actions") == without(first.json, "allowed_actions")


@pytest.mark.parametrize("make", ["/v1/partners", "/v1/tiers"])
def test_other_creations(world, key, make):
    body = {"name": key, "type": "reseller", "country": "DE"} if make == "/v1/partners" else {
        "key": key.replace("-", "_"), "name": key, "rank": 700, "benefits": [], "requirements": [],
        "margin_band": {"floor_bps": 1, "base_bps": 2, "cap_bps": 3}}
    first = world.admin.post(make, body, key=key, expect=201)
    same_answer(first, world.admin.post(make, body, key=key, expect=201))
