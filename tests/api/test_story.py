# SPDX-License-Identifier: Apache-2.0
"""The main job from end to end on the demo data: a partner's script registers a deal, a manager approves it."""
import pytest

from support.judge import events_of, is_as_missing, without
from support.client import Client
from support.world import PASSWORD, accept, sign_in, unique

REGISTRATION = {
    "customer_name": "Lakeside University", "customer_country": "DE", "customer_website": "https://lakeside.example",
    "amount": {"amount_minor": 2_400_000, "currency": "EUR"}, "expected_close_on": "2027-03-31",
    "line_items": [{"product": "LMS seat", "quantity": 1000, "unit_amount_minor": 2400}],
    "custom_fields": {"region": "north"},
}


@pytest.fixture(scope="module")
def manager(demo, server):
    made = demo.admin.post("/v1/users", {
        "email": f"{unique('manager')}@vendor.example", "name": "Maria Manager", "role": "partner_manager"},
        expect=201).json
    accept(server, made["invitation_token"])
    return Client(server, sign_in(server, made["email"], PASSWORD)["access_token"])


@pytest.fixture(scope="module")
def story(demo, manager):
    """Registers and approves; the tests below look at what is left."""
    source = {"crm": unique("opp")}
    registered = demo.a.post("/v1/deals", {**REGISTRATION, "external_ids": source}, expect=201)
    queue = manager.list("/v1/deals", {"status": "submitted"})
    approved = manager.post(f"/v1/deals/{registered['id']}/approve", {"comment": "Go ahead."},
                            if_match=registered.etag, expect=200)
    return registered, queue, approved


def test_registration_is_submitted(demo, story):
    registered, _, _ = story
    assert registered.headers["Location"] == f"/v1/deals/{registered['id']}"
    assert registered.etag == '"1"' and registered["version"] == 1
    assert registered["status"] == "submitted" and registered["submitted_at"] is not None
    assert registered["partner_id"] == demo.a_id
    assert {name: registered[name] for name in REGISTRATION} == REGISTRATION
    assert registered["margin_bps"] is None and registered["protection_expires_at"] is None


def test_manager_sees_it_in_the_queue(story):
    registered, queue, _ = story
    assert registered["id"] in [deal["id"] for deal in queue]
    assert {deal["status"] for deal in queue} == {"submitted"}


def test_partner_reads_margin_and_protection(demo, story):
    registered, _, approved = story
    seen = demo.a.get(f"/v1/deals/{registered['id']}").json
    tier = demo.a.get(f"/v1/tiers/{seen['tier_id']}").json
    assert seen["status"] == "approved" and seen["version"] == 2
    assert seen["tier_name"] == tier["name"]
    assert seen["margin_bps"] == tier["margin_band"]["base_bps"]
    assert seen["margin_amount"]["amount_minor"] == 2_400_000 * seen["margin_bps"] // 10_000
    assert seen["protection_expires_at"] > seen["protection_starts_at"]
    assert seen["decision_comment"] == "Go ahead."
    hidden = ("allowed_actions", "customer_match", "channel")
    assert without(seen, *hidden) == without(approved.json, *hidden)


def test_other_partner_sees_nothing(demo, story):
    deal_id = story[0]["id"]
    is_as_missing(demo.b, "/v1/deals/{}", deal_id)
    is_as_missing(demo.b, "/v1/deals/{}/timeline", deal_id)
    assert deal_id not in [deal["id"] for deal in demo.b.list("/v1/deals")]


def test_timeline_tells_the_story(demo, manager, story):
    registered, _, approved = story
    entries = demo.a.list(f"/v1/deals/{registered['id']}/timeline", {"sort": "occurred_at"})
    assert [(entry["status"], entry["version"]) for entry in entries] == [("submitted", 1), ("approved", 2)]
    assert entries[0]["actor"]["type"] == "client" and entries[0]["actor"]["name"]
    assert entries[1]["type"] == "deal.approved" and entries[1]["comment"] == "Go ahead."
    assert entries[1]["previous"]["status"] == "submitted"
    assert entries[1]["decision_id"] == approved["margin_decision_id"]
    by_manager = manager.list(f"/v1/deals/{registered['id']}/timeline", {"sort": "occurred_at"})
    assert by_manager[1]["actor"]["name"] == "Maria Manager"


def test_audit_log_tells_the_story(demo, story):
    registered, _, approved = story
    entries = demo.admin.list("/v1/audit-log", {"resource_id": registered["id"], "sort": "occurred_at"})
    assert [entry["actor"]["type"] for entry in entries] == ["client", "user"]
    assert entries[1]["action"] == "deal.approved"
    assert entries[1]["changes"]["status"] == {"from": "submitted", "to": "approved"}
    assert entries[1]["request_id"] == approved.headers["Request-Id"]
    assert entries[1]["address"] == "127.0.0.1"
    assert all(entry["resource"] == {"object": "deal", "id": registered["id"]} for entry in entries)


def test_feed_tells_the_story(demo, story):
    registered, _, _ = story
    events = events_of(demo.a, registered["id"], 2)
    assert [event["resource"]["version"] for event in events] == [1, 2]
    assert events[1]["type"] == "deal.approved" and events[1]["data"]["status"] == "approved"
    assert events[0]["origin"] == {"client_id": events[0]["actor"]["id"]} and events[1]["origin"] is None
    assert events[0]["sequence"] < events[1]["sequence"]


def test_decision_explains_the_margin(demo, story):
    _, _, approved = story
    decision = demo.a.get(f"/v1/decisions/{approved['margin_decision_id']}").json
    assert decision["kind"] == "deal.approved"
    assert decision["resource"] == {"object": "deal", "id": approved["id"]}
    assert decision["rule_set_version"] >= 1
    in_bps = [step for step in decision["steps"] if step["unit"] == "bps"]
    assert in_bps[-1]["after"] == approved["margin_bps"]
    assert all(later["before"] == earlier["after"] for earlier, later in zip(in_bps, in_bps[1:]))
    assert all(step["detail"] for step in decision["steps"])
