# SPDX-License-Identifier: Apache-2.0
"""The state machine of a deal (domain.md §3), walked in full: every move, every refusal, who is offered what."""
import pytest

from support.judge import command_is_consistent, events_of
from support.world import PATHS

MOVES = {  # state: {action: the state it leads to}
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"start-review": "in_review", "request-info": "info_requested", "approve": "approved",
                  "reject": "rejected", "withdraw": "withdrawn"},
    "in_review": {"request-info": "info_requested", "approve": "approved", "reject": "rejected",
                  "withdraw": "withdrawn"},
    "info_requested": {"submit": "submitted", "reject": "rejected", "withdraw": "withdrawn"},
    "conflict_hold": {"reject": "rejected", "withdraw": "withdrawn"},
    "approved": {"win": "won", "lose": "lost", "cancel": "cancelled"},
    "rejected": {}, "withdrawn": {}, "won": {}, "lost": {}, "expired": {}, "cancelled": {},
}
OPEN = {"draft", "submitted", "in_review", "info_requested", "conflict_hold"}
KEEPING = {  # these have tests of their own
    "postpone": {"approved"}, "reassign": OPEN | {"approved"}, "split-credit": OPEN, "reopen": {"expired"},
    "update": OPEN - {"conflict_hold"}, "update-progress": OPEN | {"approved"}, "extend": {"approved"},
    "request-special-price": OPEN, "request-help": OPEN | {"approved"}}


def offered_in(status, partner=False):
    """A partner leaves alone what is in review."""
    return set(MOVES[status]) | {action for action, states in KEEPING.items() if status in states
                                 and not (partner and (action, status) == ("update", "in_review"))}


BODIES = {
    "submit": None, "start-review": None, "request-info": {"message": "Which seats?"}, "approve": {"comment": "Fine."},
    "reject": {"reason": "Known customer."}, "withdraw": {"reason": "Lost interest."}, "win": {},
    "lose": {"reason": "Price."}, "cancel": {"reason": "By agreement."},
}
VENDOR_ONLY = {"start-review", "request-info", "approve", "reject", "cancel"}  # and tried as partners
VENDORS = VENDOR_ONLY | {"postpone", "split-credit", "reopen"}
EVENTS = {
    "submit": "deal.submitted", "start-review": "deal.review_started", "request-info": "deal.info_requested",
    "approve": "deal.approved", "reject": "deal.rejected", "withdraw": "deal.withdrawn", "win": "deal.won",
    "lose": "deal.lost", "cancel": "deal.cancelled",
}
REACHABLE = ["draft", *PATHS]


@pytest.fixture(scope="module")
def resting(world):
    """One deal in each state, for refusals, which change nothing."""
    return {status: world.deal_in(status) for status in REACHABLE}


@pytest.mark.parametrize("status, action", [(status, action) for status in REACHABLE for action in MOVES[status]])
def test_move(world, status, action):
    row = world.deal_in(status)
    answer = world.admin.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"], expect=200)
    after = command_is_consistent(world.admin, answer)
    assert after["status"] == MOVES[status][action] and after["version"] == row["version"] + 1
    entries = world.admin.list(f"/v1/deals/{row['id']}/timeline", {"sort": "occurred_at"})
    assert entries[-1]["type"] == EVENTS[action] and entries[-1]["status"] == after["status"]
    assert entries[-1]["previous"]["status"] == status


@pytest.mark.parametrize("status, action", [
    (status, action) for status in REACHABLE for action in BODIES if action not in MOVES[status]])
def test_refusal(world, resting, status, action):
    row = resting[status]
    refused = world.admin.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"],
                               expect=409, problem="invalid_transition")
    assert refused["from"] == status
    assert sorted(refused["allowed"]) == sorted(offered_in(status)) == sorted(row["allowed_actions"])
    assert world.refresh(row) == row


@pytest.mark.parametrize("action", sorted(set(BODIES) - VENDOR_ONLY))
def test_refusal_offers_a_partner_what_the_partner_may(world, resting, action):
    partner = world.partner("a").api
    for status, row in resting.items():
        if action in MOVES[status]:
            continue
        refused = partner.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"], expect=409)
        assert sorted(refused["allowed"]) == sorted(partner.get(f"/v1/deals/{row['id']}")["allowed_actions"])


@pytest.mark.parametrize("status", ["conflict_hold", "expired"])
def test_states_that_no_action_leads_to(world, postgres, database_url, status):
    """A finding of duplicates and the clock put deals there; here a superuser does."""
    def put():
        deal = world.deal_in("submitted")
        postgres.execute(database_url.rsplit("/", 1)[1], "update deals set status = %s where id = %s",
                         (status, deal["id"]))
        return world.refresh(deal)

    row = put()
    assert row["status"] == status and sorted(row["allowed_actions"]) == sorted(offered_in(status))
    for action in set(BODIES) - set(MOVES[status]):
        refused = world.admin.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"],
                                   expect=409, problem="invalid_transition")
        assert refused["from"] == status and sorted(refused["allowed"]) == sorted(offered_in(status))
    for action, target in MOVES[status].items():
        assert world.act("deals", put(), action, BODIES[action])["status"] == target


def test_the_demo_shows_every_state_that_can_be_reached(demo):
    deals = demo.admin.list("/v1/deals")
    assert len(deals) >= 40
    assert {deal["status"] for deal in deals} >= set(REACHABLE) | {"expired"}
    assert {deal["partner_id"] for deal in deals} >= {demo.a_id, demo.b_id}


def scopes_of(client):
    return set(client.get("/v1/me")["scopes"])


@pytest.mark.parametrize("role", ["admin", "partner_manager", "reviewer", "finance", "support", "viewer",
                                  "partner_admin", "partner_member"])
def test_offers_follow_state_and_scopes(world, resting, role):
    client = world.partner("a").user(role) if role.startswith("partner_") and role != "partner_manager" \
        else world.user(role)
    scopes = scopes_of(client)
    for status, row in resting.items():
        offered = client.get(f"/v1/deals/{row['id']}")["allowed_actions"]
        expected = {action for action in offered_in(status, role.startswith("partner_") and role != "partner_manager")
                    if ("deals:approve" if action in VENDORS else "deals:write") in scopes}
        assert set(offered) == expected, (role, status)
        assert len(offered) == len(set(offered))


def test_what_needs_an_active_partner_is_not_offered_without_one(world):
    partner = world.make_partner()
    deals = {status: world.deal_in(status, partner) for status in ("draft", "submitted", "in_review", "info_requested")}
    world.act("partners", world.admin.get(f"/v1/partners/{partner.id}").json, "suspend", {"reason": "Unpaid."})
    for status, row in deals.items():
        row = partner.api.get(f"/v1/deals/{row['id']}").json
        offered = row["allowed_actions"]
        expected = offered_in(status, partner=True) - {"submit", "approve"} - VENDORS
        assert set(offered) == expected, status
        assert next(iter(partner.api.list("/v1/deals", {"number": row["number"]})))["allowed_actions"] == offered
        refused = world.admin.post(f"/v1/deals/{row['id']}/win", {}, if_match=row["version"], expect=409)
        assert set(refused["allowed"]) == offered_in(status) - {"submit", "approve"}
        for action in set(MOVES[status]) & {"submit", "approve"}:
            world.admin.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"],
                             expect=409, problem="partner_not_active")


def test_a_reader_is_offered_nothing(world, resting):
    client = world.machine(["deals:read"], world.partner("a").id)
    assert all(client.get(f"/v1/deals/{row['id']}")["allowed_actions"] == [] for row in resting.values())
    rows = client.list("/v1/deals")
    assert rows and all(row["allowed_actions"] == [] for row in rows)


@pytest.mark.parametrize("action", sorted(VENDOR_ONLY))
def test_partners_do_not_decide(world, resting, action):
    row = resting["submitted"]
    for client in (world.partner("a").api, world.partner("a").user()):
        refused = client.post(f"/v1/deals/{row['id']}/{action}", BODIES[action], if_match=row["version"], expect=403,
                              problem="insufficient_scope")
        assert refused["scope"] == "deals:approve"


@pytest.mark.parametrize("action, member", [("request-info", "message"), ("reject", "reason"), ("lose", "reason"),
                                            ("cancel", "reason")])
@pytest.mark.parametrize("shape", ["absent", "no member", "null", "empty"])
def test_reasons_are_required(world, resting, action, member, shape):
    body = {"absent": None, "no member": {}, "null": {member: None}, "empty": {member: ""}}[shape]
    row = resting["approved" if action in ("lose", "cancel") else "submitted"]
    refused = world.admin.post(f"/v1/deals/{row['id']}/{action}", body, if_match=row["version"])
    assert refused.status in (400, 422), refused
    if body is not None:
        assert refused.problem == "validation_failed" and f"#/{member}" in {place for place, _ in refused.errors()}
    assert world.refresh(row) == row


@pytest.mark.parametrize("action", ["approve", "withdraw", "win"])
@pytest.mark.parametrize("body", [None, {}])
def test_bodies_may_be_absent_or_empty(world, action, body):
    row = world.deal_in("approved" if action == "win" else "submitted")
    world.act("deals", row, action, body)


def test_unknown_members_are_refused(world, resting):
    row = resting["submitted"]
    refused = world.admin.post(f"/v1/deals/{row['id']}/approve", {"reason": "x"}, if_match=row["version"], expect=422)
    assert refused.errors() == {("#/reason", "unknown_field")}


class TestWhatMovesWrite:
    def test_info_request_and_answer(self, world):
        row = world.deal_in("info_requested")
        assert row["info_request"] == "Which seats?"
        partner = world.partner("a").api
        row = world.act("deals", row, "submit", by=partner)
        assert row["status"] == "submitted" and row["submitted_at"] is not None

    def test_rejection(self, world):
        row = world.deal_in("rejected")
        assert row["decision_comment"] == "Not our market." and row["decided_at"] is not None
        assert row["margin_bps"] is None and row["protection_expires_at"] is None
        assert world.partner("a").api.get(f"/v1/deals/{row['id']}")["decision_comment"] == "Not our market."

    def test_win_with_the_actual_amount(self, world):
        row = world.deal_in("approved")
        row = world.act("deals", row, "win", {"actual_amount": {"amount_minor": 5_000_000, "currency": "EUR"},
                                              "closed_on": "2026-10-01"}, by=world.partner("a").api)
        assert row["actual_amount"] == {"amount_minor": 5_000_000, "currency": "EUR"}
        assert row["actual_margin_amount"] == {"amount_minor": 5_000_000 * row["margin_bps"] // 10_000, "currency": "EUR"}
        assert row["closed_on"] == "2026-10-01" and row["closed_at"] is not None

    def test_win_in_the_deals_currency_only(self, world):
        row = world.deal_in("approved")
        refused = world.admin.post(f"/v1/deals/{row['id']}/win", {"actual_amount": {
            "amount_minor": 5_000_000, "currency": "USD"}}, if_match=row["version"], expect=422)
        assert {place for place, _ in refused.errors()} <= {"#/actual_amount", "#/actual_amount/currency"}

    def test_win_keeps_the_locked_margin(self, world):
        before = world.deal_in("approved")
        assert before["actual_margin_amount"] is None and before["margin_bps"] is not None
        after = world.act("deals", before, "win", {"actual_amount": {"amount_minor": 1, "currency": "EUR"}})
        for member in ("margin_bps", "margin_amount", "margin_decision_id", "protection_expires_at", "tier_id"):
            assert after[member] == before[member]

    def test_loss(self, world):
        row = world.deal_in("lost")
        assert row["lost_reason"] == "Price." and row["closed_at"] is not None and row["closed_on"] is not None

    def test_events_carry_the_decision(self, world):
        row = world.deal_in("approved")
        event = events_of(world.admin, row["id"], 2)[-1]
        assert event["decision_id"] == row["margin_decision_id"]
        assert event["actor"] == {"type": "user", "id": world.admin_id}
        assert event["environment"] == "test" and event["api_version"] == "v1"
        assert event["partner_id"] == row["partner_id"]
