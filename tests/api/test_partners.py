# SPDX-License-Identifier: Apache-2.0
"""Partners: onboarding → active ⇄ suspended → terminated, their tiers with a history, what each state allows."""
import pytest

from support import wait
from support.client import Client
from support.judge import NOBODY, command_is_consistent, events_of, is_as_missing, nobody
from support.world import DEAL, unique

MOVES = {  # state: {action: the state it leads to}
    "onboarding": {"activate": "active", "terminate": "terminated", "change-tier": "onboarding",
                   "override-tier": "onboarding", "merge": "terminated"},
    "active": {"suspend": "suspended", "terminate": "terminated", "change-tier": "active",
               "override-tier": "active", "merge": "terminated"},
    "suspended": {"reinstate": "active", "terminate": "terminated", "change-tier": "suspended",
                  "override-tier": "suspended", "merge": "terminated"},
    "terminated": {},
}
ACTIONS = ["activate", "suspend", "reinstate", "terminate", "change-tier", "override-tier", "merge"]


def body_of(world, action):
    return {"suspend": {"reason": "Invoice open."}, "terminate": {"reason": "Contract ended."},
            "override-tier": {"tier_id": world.tiers["strategic"]["id"], "reason": "Contract.", "ends_at": "2100-01-01T00:00:00Z"},
            "change-tier": {"tier_id": world.tiers["strategic"]["id"], "reason": "Annual review."},
            "merge": {"into_partner_id": world.partner("merged").id}}.get(action)


def partner_in(world, status):
    row = world.new_partner()
    for action in {"onboarding": [], "active": ["activate"], "suspended": ["activate", "suspend"],
                   "terminated": ["activate", "terminate"]}[status]:
        row = world.act("partners", row, action, body_of(world, action))
    return world.refresh(row)


def test_created_in_onboarding(world):
    sent = {"name": unique("Blue Ridge Learning"), "legal_name": "Blue Ridge Learning GmbH", "type": "training_partner",
            "country": "AT", "website": "https://blue.example", "industries": ["education", "health"],
            "tier_id": world.tiers["preferred"]["id"],
            "external_ids": {"crm": unique("acc")}, "custom_fields": {"segment": "mid"}}
    answer = world.admin.post("/v1/partners", sent, expect=201)
    row = command_is_consistent(world.admin, answer)
    assert {name: row[name] for name in sent} == sent
    assert row["status"] == "onboarding" and row["activated_at"] is None and row["tier_key"] == "preferred"
    assert row["number"].startswith("P-")
    assert answer.headers["Location"] == f"/v1/partners/{row['id']}"


def test_default_tier_is_the_lowest_published(world):
    row = world.admin.post("/v1/partners", {"name": unique("P"), "type": "reseller", "country": "DE"}, expect=201)
    assert row["tier_key"] == "registered"


def test_numbers_are_unique(world):
    assert len({world.new_partner()["number"] for _ in range(5)}) == 5


@pytest.mark.parametrize("member, value, code", [
    ("name", None, "wrong_type"), ("name", "", "too_short"), ("type", "agency", "invalid_choice"),
    ("country", "de", "invalid_format"), ("country", "UK", "invalid_format"), ("country", "Germany", None),
    ("tier_id", "gold", None),
    ("tier_id", "g" * 36, "invalid_format"), ("website", "", "too_short"),
    ("status", "active", "read_only_field"), ("number", "P-1", "read_only_field"), ("tire", 1, "unknown_field"),
    ("industries", "education", "wrong_type"), ("external_ids", [], "wrong_type"),
])
def test_refused_members(world, member, value, code):
    sent = {"name": unique("P"), "type": "reseller", "country": "DE", member: value}
    refused = world.admin.post("/v1/partners", sent, expect=422, problem="validation_failed")
    found = {place: found for place, found in refused.errors()}
    assert f"#/{member}" in found and code in (None, found[f"#/{member}"]), refused


def test_missing_members_are_all_named(world):
    refused = world.admin.post("/v1/partners", {}, expect=422)
    assert refused.errors() >= {("#/name", "required"), ("#/type", "required")}


def test_tier_must_exist(world):
    sent = {"name": unique("P"), "type": "reseller", "country": "DE", "tier_id": nobody()}
    refused = world.admin.post("/v1/partners", sent, expect=422, problem="validation_failed")
    assert refused.errors() == {("#/tier_id", "reference_not_found")}


def test_tier_must_be_published(world):
    draft = world.make_tier(publish=False)
    sent = {"name": unique("P"), "type": "reseller", "country": "DE", "tier_id": draft["id"]}
    world.admin.post("/v1/partners", sent, expect=409, problem="tier_not_published")
    row = partner_in(world, "active")
    world.admin.post(f"/v1/partners/{row['id']}/change-tier", {"tier_id": draft["id"], "reason": "x"},
                     if_match=row["version"], expect=409, problem="tier_not_published")


@pytest.mark.parametrize("status", MOVES)
def test_moves(world, status):
    row = partner_in(world, status)
    assert sorted(row["allowed_actions"]) == sorted(MOVES[status])
    for action in ACTIONS:
        if action in MOVES[status]:
            continue
        refused = world.admin.post(f"/v1/partners/{row['id']}/{action}", body_of(world, action),
                                   if_match=row["version"], expect=409, problem="invalid_transition")
        assert refused["from"] == status and sorted(refused["allowed"]) == sorted(row["allowed_actions"])
    assert world.refresh(row) == row


@pytest.mark.parametrize("status, action", [(status, action) for status in MOVES for action in MOVES[status]])
def test_each_move(world, status, action):
    row = partner_in(world, status)
    answer = world.admin.post(f"/v1/partners/{row['id']}/{action}", body_of(world, action),
                              if_match=row["version"], expect=200)
    after = command_is_consistent(world.admin, answer, moving=("effects",))
    assert after["status"] == MOVES[status][action] and after["version"] == row["version"] + 1
    if action == "suspend":
        assert after["status_reason"] == "Invoice open."
    if action == "terminate":
        assert after["terminated_at"] is not None and after["status_reason"] == "Contract ended."
    if action == "activate":
        assert after["activated_at"] is not None
    if action == "reinstate":
        assert after["activated_at"] == row["activated_at"] and after["status_reason"] is None


@pytest.mark.parametrize("action, member", [("suspend", "reason"), ("terminate", "reason"), ("change-tier", "tier_id")])
def test_reasons_are_required(world, action, member):
    row = partner_in(world, "active")
    refused = world.admin.post(f"/v1/partners/{row['id']}/{action}", {}, if_match=row["version"], expect=422)
    assert (f"#/{member}", "required") in refused.errors()


def test_merge_patch(world):
    row = world.new_partner(legal_name="Old GmbH", website="https://old.example", industries=["a", "b"],
                            external_ids={"crm": unique("a"), "erp": unique("b")}, custom_fields={"x": "1", "y": "2"})
    answer = world.admin.patch(f"/v1/partners/{row['id']}", {
        "legal_name": None, "industries": ["c"], "external_ids": {"erp": None, "lms": "7"},
        "custom_fields": {"y": "3"}}, if_match=1, expect=200)
    after = command_is_consistent(world.admin, answer)
    assert after["legal_name"] is None and after["website"] == "https://old.example" and after["industries"] == ["c"]
    assert after["external_ids"] == {"crm": row["external_ids"]["crm"], "lms": "7"}
    assert after["custom_fields"] == {"x": "1", "y": "3"}


@pytest.mark.parametrize("member, value", [("type", "referral"), ("tier_id", NOBODY), ("status", "active"),
                                           ("number", "P-1"), ("activated_at", None), ("allowed_actions", [])])
def test_members_that_a_patch_may_not_touch(world, member, value):
    row = world.new_partner()
    refused = world.admin.patch(f"/v1/partners/{row['id']}", {member: value}, if_match=1, expect=422)
    assert refused.errors() == {(f"#/{member}", "read_only_field")}


def test_tier_history(world):
    row = partner_in(world, "active")
    for key in ("strategic", "registered"):
        row = world.act("partners", row, "change-tier", {"tier_id": world.tiers[key]["id"], "reason": f"To {key}."})
        assert row["tier_key"] == key
    changes = world.admin.list(f"/v1/partners/{row['id']}/tier-history")
    changes.sort(key=lambda change: (change["effective_at"], change["id"]))
    names = {key: world.tiers[key]["name"] for key in world.tiers}
    assert [(change["from_tier_name"], change["to_tier_name"], change["reason"]) for change in changes[-2:]] == [
        (names["preferred"], names["strategic"], "To strategic."),
        (names["strategic"], names["registered"], "To registered.")]
    assert all(change["changed_by_id"] == world.admin_id for change in changes)


def test_dry_runs_leave_nothing(world):
    name = unique("Dry")
    world.admin.post("/v1/partners", {"name": name, "type": "reseller", "country": "DE"}, query={"dry_run": "true"},
                     expect=201)
    assert name not in [partner["name"] for partner in world.admin.list("/v1/partners")]
    row = partner_in(world, "active")
    seen = world.admin.post(f"/v1/partners/{row['id']}/change-tier", body_of(world, "change-tier"),
                            if_match=row["version"], query={"dry_run": "true"}, expect=200)
    assert seen["tier_key"] == "strategic"
    assert world.refresh(row) == row
    new = world.new_partner()
    seen = world.admin.post(f"/v1/partners/{new['id']}/activate", if_match=new["version"], query={"dry_run": "true"}, expect=200)
    assert seen["status"] == "active" and world.refresh(new) == new
    assert len(world.admin.list(f"/v1/partners/{row['id']}/tier-history")) == len(
        world.admin.list(f"/v1/partners/{world.new_partner()['id']}/tier-history"))


def test_partner_sees_itself_only(world):
    a, b = world.partner("a"), world.partner("b")
    assert [row["id"] for row in a.api.list("/v1/partners")] == [a.id]
    assert a.api.get(f"/v1/partners/{a.id}")["allowed_actions"] == []
    is_as_missing(a.api, "/v1/partners/{}", b.id)
    is_as_missing(a.api, "/v1/partners/{}/tier-history", b.id)


@pytest.mark.parametrize("status", ["onboarding", "suspended", "terminated"])
def test_only_active_partners_register_deals(world, status):
    row = partner_in(world, status)
    world.admin.post("/v1/deals", {**DEAL, "partner_id": row["id"]}, expect=409, problem="partner_not_active")


def test_a_suspended_partner_gets_no_approval(world):
    partner = world.make_partner()
    deal = partner.deal()
    world.act("partners", world.refresh({"object": "partner", "id": partner.id}), "suspend", {"reason": "Audit."})
    world.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match=1, expect=409, problem="partner_not_active")


def test_termination_ends_every_token_of_the_partner(world, server):
    partner = world.make_partner()
    people = [partner.api, partner.user(), partner.user("partner_member")]
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    world.act("partners", row, "terminate", {"reason": "Contract ended."})
    for client in people:
        wait.until(lambda: client.get("/v1/me", expect=None).status == 401, "a terminated partner's token is refused")
    refused = Client(server).post("/oauth/token", form={
        "grant_type": "client_credentials", "client_id": partner.client_id, "client_secret": partner.secret})
    assert refused.status in (400, 401) and refused["error"] == "invalid_client"


def test_events(world):
    row = partner_in(world, "suspended")
    events = events_of(world.admin, row["id"], 3)
    assert [event["type"] for event in events][1:] == ["partner.activated", "partner.suspended"]
    assert events[-1]["data"] == world.refresh(row)
    assert events[-1]["previous"]["status"] == "active"


@pytest.mark.parametrize("query", [
    {"status": "onboarding"}, {"status": ["active", "suspended"]}, {"type": "referral"}, {"country": ["AT", "CH"]},
    {"type": ["referral", "distributor"], "country": "CH"}, {"status": "terminated"},
])
def test_filters(world, query):
    if not world.admin.list("/v1/partners", {"type": "referral"}):
        for kind, country in [("referral", "AT"), ("referral", "CH"), ("distributor", "CH"), ("consultant", "AT")]:
            world.new_partner(type=kind, country=country)
    everything = world.admin.list("/v1/partners")
    expected = {row["id"] for row in everything if all(
        row[name] in (value if isinstance(value, list) else [value]) for name, value in query.items())}
    assert {row["id"] for row in world.admin.list("/v1/partners", query)} == expected


def test_looked_up_by_name_number_and_foreign_id(world):
    word = unique("Kiwi")
    mine = {"crm": unique("acc"), "erp": "a:b"}
    row, other = world.new_partner(name=f"100% {word}", external_ids=mine), world.new_partner(name=word)
    found = lambda client=world.admin, **query: {entry["id"] for entry in client.list("/v1/partners", query)}
    assert found(q=word.upper()) == {row["id"], other["id"]} and found(q=f"% {word}") == {row["id"]}
    assert found(q=row["number"][1:]) == found(number=row["number"]) == {row["id"]}
    assert found(external_id=f"crm:{mine['crm']}") == {row["id"]} and row["id"] in found(external_id="erp:a:b")
    assert found(external_id=f"erp:{mine['crm']}") == found(external_id=f"crm:{mine['crm'][1:]}") == found(q="_" * 3) == set()
    stranger = world.partner("a").api
    assert found(stranger, q=word) == found(stranger, external_id=f"crm:{mine['crm']}") == set()
    world.admin.get("/v1/partners", {"external_id": mine["crm"]}, expect=400, problem="invalid_parameter")


def test_filter_by_tier(world):
    row = world.new_partner(tier="strategic")
    found = world.admin.list("/v1/partners", {"tier_id": world.tiers["strategic"]["id"]})
    assert row["id"] in [entry["id"] for entry in found]
    assert {entry["tier_key"] for entry in found} == {"strategic"}


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name", "number", "-number"])
def test_sorted(world, sort):
    for _ in range(3):
        world.new_partner()
    rows = world.admin.list("/v1/partners", {"sort": sort}, limit=3)
    keys = [row[sort.lstrip("-")] for row in rows]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len({row["id"] for row in rows}) == len(rows) == len(world.admin.list("/v1/partners"))
