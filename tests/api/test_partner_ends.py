# SPDX-License-Identifier: Apache-2.0
"""What suspension, termination and a merge mean for a partner's open deals, its people and everything else it has."""
import contextlib

import pytest

from support import wait
from support.client import Client
from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.parallel import at_once
from support.world import DEAL, PASSWORD, unique

OPEN = ["draft", "submitted", "in_review", "info_requested"]
CLOSED = ["rejected", "withdrawn", "won", "lost", "cancelled"]
ZERO = {"deals_waiting": 0, "deals_withdrawn": 0, "deals_cancelled": 0, "deals_kept": 0, "deals_moved": 0}


def row_of(world, partner):
    return world.admin.get(f"/v1/partners/{partner.id}").json


def act(world, partner, action, body, **how):
    row = row_of(world, partner)
    return world.admin.post(f"/v1/partners/{row['id']}/{action}", body, if_match=row["version"], **how)


def with_deals(world):
    partner = world.make_partner()
    return partner, {status: world.deal_in(status, partner) for status in OPEN + ["approved"] + CLOSED}


def test_a_suspension_lets_everything_wait(world):
    partner, deals = with_deals(world)
    answer = act(world, partner, "suspend", {"reason": "Audit.", "reason_code": "compliance"}, expect=200)
    command_is_consistent(world.admin, answer, moving=("effects",))
    assert answer["effects"] == {**ZERO, "deals_waiting": 4, "deals_kept": 1}
    assert answer["status_reason_code"] == "compliance"
    for status, deal in deals.items():
        after = world.refresh(deal)
        assert after["status"] == status and after["version"] == deal["version"]
        assert not {"submit", "approve"} & set(after["allowed_actions"])
    partner.api.post("/v1/deals", DEAL, expect=409, problem="partner_not_active")
    path = lambda status, action: f"/v1/deals/{deals[status]['id']}/{action}"
    for status in ("submitted", "in_review"):
        world.admin.post(path(status, "approve"), {}, if_match=deals[status]["version"], expect=409,
                         problem="partner_not_active")
    for status in ("draft", "info_requested"):
        partner.api.post(path(status, "submit"), if_match=deals[status]["version"], expect=409,
                         problem="partner_not_active")
    world.admin.post(path("approved", "win"), {}, if_match=deals["approved"]["version"], expect=200)
    dry = act(world, partner, "reinstate", {"reason": "Audit passed."}, query={"dry_run": "true"}, expect=200)
    assert dry["status"] == "active" and row_of(world, partner)["status"] == "suspended"
    after = act(world, partner, "reinstate", None, expect=200)
    assert after["status_reason"] is None and after["status_reason_code"] is None
    act(world, partner, "suspend", {"reason": "Unpaid.", "reason_code": "payment_overdue"}, expect=200)
    after = act(world, partner, "reinstate", {"reason": "Paid."}, expect=200)
    assert command_is_consistent(world.admin, after)["status_reason"] == "Paid." and after["status_reason_code"] is None
    event = events_of(world.admin, partner.id, after["version"])[-1]
    assert (event["type"], event["data"]["status_reason"]) == ("partner.reinstated", "Paid.")
    world.admin.post(path("submitted", "approve"), {}, if_match=deals["submitted"]["version"], expect=200)


def test_a_termination_withdraws_what_was_open(world):
    partner, deals = with_deals(world)
    answer = act(world, partner, "terminate", {"reason": "Not renewed.", "reason_code": "agreement_ended"}, expect=200)
    assert answer["effects"] == {**ZERO, "deals_withdrawn": 4, "deals_kept": 1}
    for status, deal in deals.items():
        after = world.refresh(deal)
        assert after["status"] == ("withdrawn" if status in OPEN else status), status
        assert after["version"] == deal["version"] + (status in OPEN)
    after = world.refresh(deals["submitted"])
    assert after["decision_comment"] == "The partner was terminated." and after["decided_at"]
    event = events_of(world.admin, after["id"], 2)[-1]
    assert event["type"] == "deal.withdrawn" and event["actor"]["type"] == "system"
    assert event["data"] == after and event["previous"]["status"] == "submitted"
    won = world.act("deals", deals["approved"], "win", {})
    assert won["margin_bps"] == deals["approved"]["margin_bps"], "the vendor closes what is kept"


def test_a_termination_cancels_what_was_approved_when_asked_to(world):
    partner, deals = with_deals(world)
    answer = act(world, partner, "terminate", {"reason": "Breach.", "approved_deals": "cancel"}, expect=200)
    assert answer["effects"] == {**ZERO, "deals_withdrawn": 4, "deals_cancelled": 1}
    assert answer["status_reason_code"] == "other"
    after = world.refresh(deals["approved"])
    assert after["status"] == "cancelled" and after["closed_at"] and after["closed_on"]
    event = events_of(world.admin, after["id"], 3)[-1]
    assert event["type"] == "deal.cancelled" and event["actor"]["type"] == "system"
    for status in CLOSED:
        assert world.refresh(deals[status])["version"] == deals[status]["version"]


def test_the_effects_are_explained(world):
    partner, _ = with_deals(world)
    act(world, partner, "terminate", {"reason": "x", "approved_deals": "cancel"}, expect=200)
    event = events_of(world.admin, partner.id, 3)[-1]
    decision = world.admin.get(f"/v1/decisions/{event['decision_id']}").json
    assert decision["rule_set"] == "partner_termination" and decision["outcome"]["deals_withdrawn"] == 4
    assert [(step["rule"], step["before"], step["after"]) for step in decision["steps"]] == [
        ("open_deals_withdrawn", 4, 0), ("approved_deals_cancelled", 1, 0)]


@pytest.mark.parametrize("action, body, effects", [
    ("suspend", {"reason": "x"}, {"deals_waiting": 4, "deals_kept": 1}),
    ("terminate", {"reason": "x"}, {"deals_withdrawn": 4, "deals_kept": 1}),
    ("terminate", {"reason": "x", "approved_deals": "cancel"}, {"deals_withdrawn": 4, "deals_cancelled": 1}),
    ("merge", "other", {"deals_moved": 10}),
])
def test_a_dry_run_tells_and_keeps_nothing(world, action, body, effects):
    partner, deals = with_deals(world)
    before = row_of(world, partner)
    if body == "other":
        body = {"into_partner_id": world.partner("a").id}
    answer = act(world, partner, action, body, query={"dry_run": "true"}, expect=200)
    assert answer["effects"] == {**ZERO, **effects} and answer["status"] != "active"
    assert row_of(world, partner) == before
    assert all(world.refresh(deal) == deal for deal in deals.values())


@pytest.mark.parametrize("action", ["terminate", "merge"])
def test_what_is_offered_to_it_is_taken_back(world, action):
    partner = world.make_partner()
    offered, kept = world.offer(partner.id), world.offer(partner.id)
    accept = lambda row, **how: world.admin.post(f"/v1/partner-agreements/{row['id']}/accept", {
        "text_hash": row["text_hash"], "signatory_name": "Jana Vogt"}, if_match="*", **how)
    accept(kept, expect=200)
    act(world, partner, action, {"reason": "x"} if action == "terminate" else {"into_partner_id": world.partner("a").id}, expect=200)
    assert [world.refresh(row)["status"] for row in (offered, kept)] == ["withdrawn", "accepted"]
    assert events_of(world.admin, offered["id"], 2)[-1]["type"] == "partner_agreement.withdrawn"
    accept(offered, expect=409)


def test_offers_and_a_termination_at_once(world):
    """Whichever comes first: nothing stays offered to a terminated partner."""
    partner = world.make_partner()
    row = row_of(world, partner)
    templates = [world.make_template(publish=True)["id"] for _ in range(4)]
    offer = lambda template: lambda: world.admin.post("/v1/partner-agreements", {"partner_id": partner.id, "template_id": template})
    end = lambda: world.admin.post(f"/v1/partners/{row['id']}/terminate", {"reason": "x"}, if_match=row["version"], expect=200)
    answers = at_once([offer(templates[0]), offer(templates[1]), end, offer(templates[2]), offer(templates[3])])
    assert all(answer.status == 201 or answer.problem == "partner_not_active" for answer in answers if answer is not answers[2])
    seen = world.admin.list("/v1/partner-agreements", {"partner_id": partner.id})
    assert {agreement["status"] for agreement in seen} <= {"withdrawn"}


def test_a_replay_has_no_effects(world):
    partner = world.make_partner()
    row, key = row_of(world, partner), nobody()
    path = f"/v1/partners/{row['id']}/suspend"
    first = world.admin.post(path, {"reason": "x"}, if_match=row["version"], key=key, expect=200)
    again = world.admin.post(path, {"reason": "x"}, if_match=row["version"], key=key, expect=200)
    assert again.is_replay and again["effects"] is None and {**again.json, "effects": first["effects"]} == first.json


def test_registrations_and_a_termination_at_once(world):
    """Whichever comes first: nothing stays open for a terminated partner."""
    partner = world.make_partner()
    row = row_of(world, partner)
    path = f"/v1/partners/{row['id']}/terminate"
    register = lambda: world.admin.post("/v1/deals", {**DEAL, "partner_id": partner.id})
    terminate = lambda: world.admin.post(path, {"reason": "x"}, if_match=row["version"])
    answers = at_once([register] * 15 + [terminate] + [register] * 15)
    assert {answer.status for answer in answers[:15] + answers[16:]} <= {201, 409}
    if answers[15].status == 409:  # twice overtaken by a registration
        act(world, partner, "terminate", {"reason": "x"}, expect=200)
    assert {deal["status"] for deal in world.admin.list("/v1/deals", {"partner_id": partner.id})} <= {"withdrawn"}


# ---- many deals ----
def with_many(world, postgres, count):
    """A partner with so many drafts, in the order in which they come."""
    partner, name = world.make_partner(), world.database_url.rsplit("/", 1)[1]
    rows = postgres.execute(name, """
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency,
            created_by_id, created_at)
        select %s, gen_random_uuid(), %s, %s || n, 'draft', 'Many', 1, 'EUR', %s, now() + make_interval(secs => n)
        from generate_series(1, %s) n returning id""",
        (world.program_id, partner.id, unique("M"), world.admin_id, count))
    return partner, [deal for deal, in rows]


@contextlib.contextmanager
def held(world, postgres, deal):
    """Somebody works on the deal: whoever wants its row waits."""
    session = postgres.connect(world.database_url.rsplit("/", 1)[1], autocommit=False)
    with session.cursor() as cursor:
        cursor.execute("select from deals where id = %s for update", (deal,))
    yield
    session.close()


@pytest.mark.parametrize("action", ["terminate", "merge"])
def test_what_is_too_much_for_one_write_follows(world, postgres, action):
    """The partner has ended at once, and so have its first deals; while others are on their way, it says so."""
    partner, deals = with_many(world, postgres, 130)
    other, third = world.make_partner(), world.make_partner()
    body, left = ({"reason": "x"}, {"status": "withdrawn"}) if action == "terminate" else (
        {"into_partner_id": other.id}, {"partner_id": other.id})
    with held(world, postgres, deals[-1]):
        answer = act(world, partner, action, body, expect=200)
        command_is_consistent(world.admin, answer, moving=("effects",))
        assert answer["status"] == "terminated" and answer["is_ending"]
        assert answer["effects"]["deals_withdrawn"] + answer["effects"]["deals_moved"] == 130
        first, last = (world.admin.get(f"/v1/deals/{deals[at]}").json for at in (0, -1))
        assert first.items() >= left.items() and last["status"] == "draft" and last["partner_id"] == partner.id
        if action == "merge":
            act(world, other, "terminate", {"reason": "x"}, expect=409, problem="conflict")
            act(world, other, "merge", {"into_partner_id": third.id}, expect=409, problem="conflict")
    wait.until(lambda: not row_of(world, partner)["is_ending"], "the others have followed")
    assert all(deal.items() >= left.items() and deal["version"] == 2
               for deal in (world.admin.get(f"/v1/deals/{deal}").json for deal in deals[90:]))
    event = events_of(world.admin, deals[-1], 1)[-1]
    assert event["type"] == ("deal.withdrawn" if action == "terminate" else "deal.reassigned")
    event = events_of(world.admin, partner.id, 4)[-1]
    assert event["type"] == "partner.updated" and event["previous"] == {"is_ending": True}
    act(world, other, "terminate", {"reason": "x"}, expect=200)


# ---- merging ----
def test_a_merge_moves_everything(world, server):
    partner, deals = with_deals(world)
    other = world.make_partner()
    person, invited = partner.user(), world.invite("partner_member", partner.id)
    source, crm = row_of(world, partner), unique("OPP")
    linked = partner.deal(external_ids={"crm": crm})
    answer = act(world, partner, "merge", {"into_partner_id": other.id, "reason": "Registered twice."}, expect=200)
    after = command_is_consistent(world.admin, answer, moving=("effects",))
    assert after["status"] == "terminated" and after["merged_into_id"] == other.id
    assert (after["number"], after["name"]) == (source["number"], source["name"]), "the id still answers"
    assert after["status_reason_code"] == "duplicate" and after["allowed_actions"] == []
    assert answer["effects"]["deals_moved"] == len(deals) + 1
    for status, deal in deals.items():
        moved = world.refresh(deal)
        assert (moved["status"], moved["partner_id"], moved["margin_bps"]) == (status, other.id, deal["margin_bps"])
    event = events_of(world.admin, linked["id"], 2)[-1]
    assert event["type"] == "deal.reassigned" and event["previous"]["partner_id"] == partner.id
    assert {deal["id"] for deal in other.api.list("/v1/deals")} == {deal["id"] for deal in deals.values()} | {linked["id"]}
    other.api.get(f"/v1/decisions/{deals['approved']['margin_decision_id']}", expect=200)
    refused = other.api.post("/v1/deals", {**DEAL, "external_ids": {"crm": crm}}, expect=409)
    assert refused.problem in ("already_exists", "duplicate_deal")
    assert world.admin.get(f"/v1/users/{person.id}")["partner_id"] == other.id
    assert world.admin.get(f"/v1/api-clients/{partner.client_id}")["partner_id"] == other.id
    wait.until(lambda: person.get("/v1/me", expect=None).status == 401, "what they held is refused")
    session = Client(server).post("/v1/sessions", {"email": person.email, "password": PASSWORD, "program": world.slug},
                                  expect=201)
    assert Client(server, session["access_token"]).get("/v1/me")["partner"]["id"] == other.id
    accepted = Client(server).post("/v1/invitations/accept", {"token": invited["invitation_token"],
                                                              "password": PASSWORD}, expect=200)
    assert world.admin.get(f"/v1/users/{accepted['user_id']}")["partner_id"] == other.id


def test_a_merge_moves_a_quote_with_its_deal(world):
    partner, other = world.make_partner(), world.make_partner()
    quote = world.make_quote(partner.id)
    deal = partner.deal(amount={"amount_minor": 2000, "currency": "EUR"}, quote_id=quote["id"])
    act(world, partner, "merge", {"into_partner_id": other.id}, expect=200)
    assert world.admin.get(f"/v1/margin-quotes/{quote['id']}")["partner_id"] == other.id
    moved = world.refresh(deal)
    assert (moved["partner_id"], moved["quote_id"]) == (other.id, quote["id"])
    assert world.act("deals", moved, "approve", {})["margin_bps"] == quote["margin_bps"]


def test_what_a_merge_refuses(world):
    partner, other = world.make_partner(), world.make_partner()
    merge = lambda into, **how: act(world, partner, "merge", {"into_partner_id": into}, **how)
    assert merge(nobody(), expect=422).errors() == {("#/into_partner_id", "reference_not_found")}
    merge(partner.id, expect=409, problem="conflict")
    gone = world.make_partner()
    act(world, gone, "terminate", {"reason": "x"}, expect=200)
    merge(gone.id, expect=409, problem="partner_not_active")
    crm = unique("OPP")
    for one in (partner, other):
        one.deal(external_ids={"crm": crm})
    assert crm in merge(other.id, expect=409, problem="duplicate_deal")["detail"]
    assert row_of(world, partner)["status"] == "active"


def test_two_partners_are_merged_into_each_other_at_once(world):
    """One becomes part of the other; never both, and never a deadlock."""
    for _ in range(5):
        one, two = world.make_partner(), world.make_partner()
        rows = [row_of(world, one), row_of(world, two)]
        merge = lambda source, target: lambda: world.admin.post(
            f"/v1/partners/{source['id']}/merge", {"into_partner_id": target["id"]}, if_match=source["version"])
        answers = at_once([merge(*rows), merge(*reversed(rows))])
        assert sorted(answer.status for answer in answers) == [200, 409]
        assert sorted(row_of(world, partner)["status"] for partner in (one, two)) == ["active", "terminated"]


def test_a_merged_partner_is_nobodys_business(world):
    a, b = world.make_partner(), world.make_partner()
    answer = act(world, a, "merge", {"into_partner_id": b.id}, expect=200)
    assert answer["effects"] == ZERO and not answer["is_ending"]
    is_as_missing(b.api, "/v1/partners/{}", a.id)
