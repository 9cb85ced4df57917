# SPDX-License-Identifier: Apache-2.0
"""Approval in steps: which policy applies, whose step it is, what counts, and what approves itself."""
import pytest

from support import wait
from support.judge import command_is_consistent, events_of
from support.world import DEAL, World, unique

LARGE = {"amount_minor": 10_000_000, "currency": "EUR"}
FROM_LARGE = [{"fact": "amount_minor", "comparison": "gte", "value": 10_000_000}]


@pytest.fixture(scope="module")
def office(server, database_url):
    """A program whose policies only these tests make."""
    return World(server, database_url)


@pytest.fixture(autouse=True)
def no_policies(office):
    yield
    for policy in office.admin.list("/v1/deal-approval-policies", {"status": "active"}):
        office.act("deal-approval-policies", policy, "retire")


def policy(office, *steps, **members):
    return office.make_approval_policy(**{"conditions": FROM_LARGE, "steps": list(steps), **members})


def approve(office, deal, by, expect=200, **body):
    answer = by.post(f"/v1/deals/{deal['id']}/approve", body, if_match="*")
    assert answer.status == expect, answer
    return answer


def standing(office, deal):
    return office.admin.get(f"/v1/deals/{deal['id']}/approvals").json


def large(office, **members):
    return office.partner("a").deal(amount=LARGE, customer_name=unique("Customer"), **members)


STEPS = [{"name": "Manager", "role": "partner_manager"}, {"name": "Director", "role": "admin", "four_eyes": True}]


def test_two_steps_in_order(office):
    made = policy(office, *STEPS)
    deal = large(office)
    manager = office.user("partner_manager")
    before = standing(office, deal)
    assert before["policy"] == {"id": made["id"], "name": made["name"], "version": 1, "is_automatic": False}
    assert [(step["name"], step["status"]) for step in before["steps"]] == [("Manager", "current"), ("Director", "waiting")]
    path = f"/v1/deals/{deal['id']}/approvals"
    assert manager.get(path)["may_decide"] and not before["may_decide"]
    approve(office, deal, office.admin, expect=403)
    first = command_is_consistent(manager, approve(office, deal, manager, comment="Known customer"))
    assert first["status"] == "in_review" and first["margin_bps"] is None and first["decision_comment"] is None
    half = standing(office, deal)
    assert [step["status"] for step in half["steps"]] == ["approved", "current"]
    assert half["may_decide"] and not manager.get(path)["may_decide"]
    assert half["steps"][0]["decided_by_id"] == manager.id and half["steps"][0]["comment"] == "Known customer"
    refused = approve(office, deal, manager, expect=403)
    assert refused.problem == "approver_not_allowed" and "Director" in refused["detail"]
    last = approve(office, deal, office.admin, comment="Go ahead")
    assert last["status"] == "approved" and last["margin_bps"] == 2500 and last["decision_comment"] == "Go ahead"
    after = standing(office, deal)
    assert after["policy"] is None and after["steps"] == [] and not after["may_decide"]
    assert [entry["step_name"] for entry in after["decided"]] == ["Manager", "Director"]
    kinds = [event["type"] for event in events_of(office.admin, deal["id"], 3)]
    assert kinds == ["deal.submitted", "deal.step_approved", "deal.approved"]
    decision = office.admin.get(f"/v1/decisions/{last['margin_decision_id']}")
    assert decision["inputs"]["approval_policy"]["id"] == made["id"]
    said = lambda by: [row["comment"] for row in by.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})]
    assert said(office.admin) == [None, "Known customer", "Go ahead"]
    assert "Known customer" not in said(office.partner("a").api) and said(office.partner("a").api)[-1] == "Go ahead"


def test_below_the_threshold_as_ever(office):
    policy(office, *STEPS)
    small = office.partner("a").deal(customer_name=unique("Customer"))
    assert standing(office, small)["policy"] is None
    assert approve(office, small, office.user("reviewer"))["status"] == "approved"


def test_what_changes_is_decided_anew(office):
    """An edit of the deal, or of the policy, ends what was decided; a question without an edit does not."""
    made = policy(office, *STEPS)
    deal, manager = large(office), office.user("partner_manager")
    approve(office, deal, manager)
    office.act("deals", office.refresh(deal), "request-info", {"message": "Since when?"})
    office.act("deals", office.refresh(deal), "submit", by=office.partner("a").api)
    assert [step["status"] for step in standing(office, deal)["steps"]] == ["approved", "current"]
    row = office.refresh(deal)
    office.partner("a").api.patch(f"/v1/deals/{deal['id']}", {"description": "Twice as many"}, if_match=row["version"],
                                  expect=200)
    seen = standing(office, deal)
    assert [step["status"] for step in seen["steps"]] == ["current", "waiting"]
    assert [entry["is_current"] for entry in seen["decided"]] == [False]
    approve(office, deal, office.admin, expect=403)
    approve(office, deal, manager)
    office.admin.patch(f"/v1/deal-approval-policies/{made['id']}", {"name": unique("Anew")}, if_match=made["version"],
                       expect=200)
    assert [step["status"] for step in standing(office, deal)["steps"]] == ["current", "waiting"]


@pytest.mark.parametrize("how", ["reassign", "merge"])
def test_another_partner_is_decided_anew(office, how):
    """Neither the steps that were approved for one partner nor the price that was granted to it are another's."""
    policy(office, *STEPS)
    one, other, manager = office.make_partner(), office.make_partner("registered"), office.user("partner_manager")
    deal = one.deal(amount=LARGE, customer_name=unique("Customer"))
    given = office.act("special-pricing-requests", office.ask_price(deal["id"], by=one.api, margin_bps=4500), "approve", {})
    approve(office, deal, manager)
    if how == "reassign":
        office.act("deals", office.refresh(deal), "reassign", {"partner_id": other.id, "reason": "Nearer by."})
    else:
        office.admin.post(f"/v1/partners/{one.id}/merge", {"into_partner_id": other.id, "reason": "Twice here."}, if_match="*",
                          expect=200)
    seen = standing(office, deal)
    assert [step["status"] for step in seen["steps"]] == ["current", "waiting"]
    assert [entry["is_current"] for entry in seen["decided"]] == [False]
    assert office.refresh(given)["status"] == "expired"
    approve(office, deal, manager)
    assert approve(office, deal, office.admin)["margin_bps"] == 1000


def test_named_people_and_four_eyes(office):
    manager, reviewer = office.user("partner_manager"), office.user("reviewer")
    policy(office, {"name": "One", "user_ids": [manager.id, reviewer.id]},
           {"name": "Two", "user_ids": [manager.id, reviewer.id], "four_eyes": True})
    deal = large(office)
    approve(office, deal, office.admin, expect=403)
    approve(office, deal, reviewer)
    approve(office, deal, reviewer, expect=403)
    assert approve(office, deal, manager)["status"] == "approved"


def test_who_registered_is_no_second_person(office):
    manager = office.user("partner_manager")
    policy(office, {"name": "Review", "role": "partner_manager", "four_eyes": True})
    own = manager.post("/v1/deals", {**DEAL, "amount": LARGE, "partner_id": office.partner("a").id,
                                     "customer_name": unique("Customer")}, expect=201)
    assert "registered" in approve(office, own, manager, expect=403)["detail"]
    approve(office, own, office.make_user("partner_manager"))


def test_machines_decide_no_steps(office):
    policy(office, {"name": "Review", "role": "admin"})
    machine = office.machine(["deals:read", "deals:approve"])
    approve(office, large(office), machine, expect=403)


def test_the_first_by_position_applies(office):
    policy(office, {"name": "Late", "role": "reviewer"}, position=20)
    early = policy(office, {"name": "Early", "role": "admin"}, position=10)
    deal = large(office)
    assert [step["name"] for step in standing(office, deal)["steps"]] == ["Early"]
    office.act("deal-approval-policies", early, "retire")
    assert [step["name"] for step in standing(office, deal)["steps"]] == ["Late"]
    taken = office.admin.post("/v1/deal-approval-policies", {"name": "x", "position": 20}, expect=409)
    assert taken.problem == "already_exists" and taken.errors() == {("#/position", "not_unique")}
    assert policy(office, {"name": "Last", "role": "admin"})["position"] == 30


@pytest.mark.parametrize("fact, value, members", [
    ("customer_country", "DE", {"customer_country": "DE"}),
    ("currency", "JPY", {"amount": {"amount_minor": 1, "currency": "JPY"}}),
    ("white_label", True, {"terms": {"white_label": True}}),
    ("products", "review_seats", {"line_items": [{"product": "review_seats", "quantity": 1, "unit_amount_minor": 4_800_000}]}),
])
def test_conditions_look_at_the_deal(office, fact, value, members):
    if fact == "products":
        office.make_product(key=value)
        office.make_product(key="review_other")
    policy(office, {"name": "Review", "role": "reviewer"},
           conditions=[{"fact": fact, "comparison": "eq", "value": value}])
    partner = office.partner("a")
    met = partner.deal(customer_name=unique("Customer"), **members)
    other = partner.deal(customer_name=unique("Customer"), customer_country="FR", line_items=[
        {"product": "review_other", "quantity": 1, "unit_amount_minor": 4_800_000}])
    assert len(standing(office, met)["steps"]) == 1 and standing(office, other)["steps"] == []


@pytest.fixture(scope="module")
def sold(office):
    """A licence, and a service that costs the same."""
    licence, workshop = office.make_product(), office.make_product(kind="service")
    office.make_price(licence["id"], 4_800_000)
    return licence, workshop


def line(name):
    return [{"product": name, "quantity": 1, "unit_amount_minor": 4_800_000}]


def quoted(office, product):
    quote = office.admin.post("/v1/margin-quotes", {
        "partner_id": office.partner("a").id, "currency": "EUR",
        "lines": [{"product_id": product["id"], "quantity": 1}]}, expect=201)
    return {"quote_id": quote["id"], "amount": quote["net_amount"]}


@pytest.mark.parametrize("label", ["none", "of another product", "of no product"])
@pytest.mark.parametrize("how", ["product_ids", "quote"])
def test_no_label_hides_a_product(office, sold, how, label):
    """What a deal is for is what it is registered for and what was quoted, whatever its lines are called."""
    licence, workshop = sold
    policy(office, {"name": "Licences", "role": "admin"},
           conditions=[{"fact": "products", "comparison": "in", "value": [licence["key"]]}])
    members = {"product_ids": [licence["id"]]} if how == "product_ids" else quoted(office, licence)
    if label != "none":
        members["line_items"] = line(workshop["name"] if label == "of another product" else "Odds and ends")
    deal = office.partner("a").deal(customer_name=unique("Customer"), **members)
    assert [step["name"] for step in standing(office, deal)["steps"]] == ["Licences"]
    approve(office, deal, office.user("partner_manager"), expect=403)


@pytest.mark.parametrize("comparison, kind, steps", [
    ("in", "licence", 1), ("not_in", "licence", 1), ("in", "service", 1), ("not_in", "service", 0)])
def test_a_line_that_names_no_product_is_not_known(office, sold, comparison, kind, steps):
    """A safeguard applies to it, and nothing is approved by itself."""
    conditions = [{"fact": "product_kinds", "comparison": comparison, "value": [kind]}]
    guard = policy(office, {"name": "Look", "role": "admin"}, conditions=conditions)
    deal = office.partner("a").deal(customer_name=unique("Customer"), product_ids=[sold[1]["id"]], line_items=line("LMS (new)"))
    assert len(standing(office, deal)["steps"]) == steps
    office.act("deal-approval-policies", guard, "retire")
    policy(office, is_automatic=True, conditions=conditions)
    assert standing(office, deal)["policy"] is None


def test_a_discount_needs_more_people(office):
    """The volume discount of the quote it was registered with, in basis points of the list price."""
    policy(office, {"name": "Discount", "role": "reviewer"},
           conditions=[{"fact": "discount_bps", "comparison": "gte", "value": 1000}])
    partner = office.partner("a")
    product = office.make_product()
    office.make_price(product["id"], 1000, volume_mode="slab", volume_bands=[{"from_quantity": 10, "discount_bps": 1000}])
    for quantity, count in ((9, 0), (10, 1)):
        quote = partner.api.post("/v1/margin-quotes", {
            "currency": "EUR", "lines": [{"product_id": product["id"], "quantity": quantity}]}, expect=201)
        deal = partner.deal(amount=quote["net_amount"], quote_id=quote["id"], customer_name=unique("Customer"))
        assert len(standing(office, deal)["steps"]) == count, quantity


def test_an_amount_that_cannot_be_compared_counts_as_large(office):
    policy(office, {"name": "Review", "role": "reviewer"})
    deal = office.partner("a").deal(amount={"amount_minor": 1, "currency": "USD"}, customer_name=unique("Customer"))
    assert len(standing(office, deal)["steps"]) == 1


def test_after_the_deadline_others_may(office):
    office.set_clock("2027-01-11T09:00:00Z")
    policy(office, {"name": "Review", "role": "reviewer"}, escalation={"role": "admin"})
    deal = large(office)
    approve(office, deal, office.admin, expect=403)
    office.set_clock("2027-01-18T09:00:00Z")
    assert standing(office, deal)["is_overdue"] is True
    assert approve(office, deal, office.admin)["status"] == "approved"


def test_a_dry_run_decides_nothing(office):
    policy(office, *STEPS)
    deal, manager = large(office), office.user("partner_manager")
    tried = manager.post(f"/v1/deals/{deal['id']}/approve?dry_run=true", {}, if_match="*", expect=200)
    assert tried["status"] == "in_review"
    assert office.refresh(deal)["status"] == "submitted" and standing(office, deal)["decided"] == []


def test_what_waits_for_somebody(office):
    """The list's awaits_me is what each deal's approvals say of the caller."""
    partner, manager, reviewer = office.partner("w"), office.user("partner_manager"), office.user("reviewer")
    policy(office, *STEPS)
    deals = [partner.deal(amount=LARGE, customer_name=unique("Customer")) for _ in range(3)]
    deals += [partner.deal(customer_name=unique("Customer")), partner.deal(customer_name=unique("Customer"), draft=True)]
    approve(office, deals[1], manager)
    approve(office, deals[2], manager)
    approve(office, deals[2], office.admin)
    callers = {"admin": office.admin, "manager": manager, "reviewer": reviewer, "viewer": office.user("viewer"),
               "machine": office.machine(["deals:read", "deals:approve"]), "partner": partner.api}
    waiting = {name: {row["id"] for row in by.list("/v1/deals", {"awaits_me": "true", "partner_id": partner.id})}
               for name, by in callers.items()}
    first, second, _, small, _ = (deal["id"] for deal in deals)
    assert waiting == {"admin": {second, small}, "manager": {first, small}, "reviewer": {small}, "viewer": set(),
                       "machine": {small}, "partner": set()}
    for name in ("admin", "manager", "reviewer"):
        said = {deal["id"] for deal in deals if callers[name].get(f"/v1/deals/{deal['id']}/approvals")["may_decide"]}
        assert said == waiting[name], name
    page = office.admin.get("/v1/deals", {"awaits_me": "true", "q": deals[1]["number"], "include_total": "true"}).json
    assert [row["id"] for row in page["data"]] == [second] and page["total_count"] == 1


class TestAutomatic:
    SMALL = [{"fact": "amount_minor", "comparison": "lt", "value": 10_000_000}]

    def test_under_a_threshold_by_itself(self, office):
        policy(office, is_automatic=True, conditions=self.SMALL)
        deal = office.partner("a").deal(customer_name=unique("Customer"))
        done = wait.until(lambda: office.refresh(deal)["decided_at"] and office.refresh(deal), "the approval")
        assert done["status"] == "approved" and done["margin_bps"] == 2500 and done["decision_comment"] is None
        events = events_of(office.admin, deal["id"], 2)
        assert events[-1]["type"] == "deal.approved" and events[-1]["actor"]["type"] == "system"
        assert office.admin.get(f"/v1/decisions/{done['margin_decision_id']}")["inputs"]["approval_policy"]["is_automatic"]

    def test_not_above_it_and_not_for_others(self, office):
        policy(office, is_automatic=True, conditions=self.SMALL)
        partner = office.partner("a")
        above, foreign, draft = (large(office), partner.deal(amount={"amount_minor": 1, "currency": "USD"},
                                                             customer_name=unique("Customer")),
                                 partner.deal(draft=True, customer_name=unique("Customer")))
        marker = partner.deal(customer_name=unique("Customer"))
        wait.until(lambda: office.refresh(marker)["status"] == "approved", "those before it were looked at")
        assert [office.refresh(row)["status"] for row in (above, foreign, draft)] == ["submitted", "submitted", "draft"]
        office.act("deals", draft, "submit", by=partner.api)
        wait.until(lambda: office.refresh(draft)["status"] == "approved", "the draft once it is submitted")

    def test_a_correction_is_looked_at_again(self, office):
        policy(office, is_automatic=True, conditions=self.SMALL)
        deal = large(office)
        wait.until(lambda: office.partner("a").api.patch(
            f"/v1/deals/{deal['id']}", {"amount": {"amount_minor": 100}}, if_match="*").status == 200, "the correction")
        wait.until(lambda: office.refresh(deal)["status"] == "approved", "the approval")

    def test_what_has_waited_for_the_account_too(self, office):
        """Once it is free, and nobody had to take it into review."""
        policy(office, is_automatic=True, conditions=self.SMALL)
        customer = {"customer_name": unique("Customer"), "customer_website": f"https://{unique('c')}.example"}
        first = office.partner("b").deal(amount=LARGE, **customer)
        waits = office.partner("a").deal(**customer)
        assert waits["status"] == "conflict_hold"
        office.act("deals", first, "withdraw", by=office.partner("b").api)
        wait.until(lambda: office.refresh(waits)["status"] == "approved", "the approval")

    def test_a_similar_name_is_for_people(self, office):
        policy(office, is_automatic=True, conditions=self.SMALL)
        name = unique("Quokkaschule").replace("-", " ")
        first = office.partner("b").deal(customer_name=name, customer_country="DE", amount=LARGE)
        similar = office.partner("a").deal(customer_name=f"{name} GmbH", customer_country="DE")
        assert office.refresh(similar)["customer_match"] == "review", first
        marker = office.partner("a").deal(customer_name=unique("Customer"))
        wait.until(lambda: office.refresh(marker)["status"] == "approved", "those before it were looked at")
        assert office.refresh(similar)["status"] == "submitted"


BAD = [
    ({"conditions": [{"fact": "amount", "comparison": "gte", "value": 1}]}, {("#/conditions/0/fact", "invalid_choice")}),
    ({"conditions": FROM_LARGE + [{"fact": "currency", "comparison": "gte", "value": "EUR"}]},
     {("#/conditions/1/comparison", "invalid_choice")}),
    ({"conditions": [{"fact": "amount_minor", "comparison": "gte", "value": "much"}]},
     {("#/conditions/0/value", "wrong_type")}),
    ({"steps": [{"name": "One", "role": "finance"}, {"name": "One", "role": "admin"}]},
     {("#/steps/0/role", "invalid_choice"), ("#/steps/1/name", "not_unique")}),
    ({"steps": [{"name": "One"}]}, {("#/steps/0/role", "required")}),
    ({"steps": [{"name": "One", "role": "boss"}]}, {("#/steps/0/role", "invalid_choice")}),
    ({"is_automatic": True, "steps": [{"name": "One", "role": "admin"}]}, {("#/steps", "inconsistent")}),
    ({"escalation": {}}, {("#/escalation/role", "required")}),
    ({"position": 0}, {("#/position", "too_small")}),
]


@pytest.mark.parametrize("members, errors", BAD, ids=[f"fault-{index}" for index in range(len(BAD))])
def test_refused_policies(office, members, errors):
    refused = office.admin.post("/v1/deal-approval-policies", {"name": "x", **members}, expect=422)
    assert refused.errors() == errors


def test_people_who_cannot_approve(office):
    own, partners, viewer = office.user("reviewer"), office.partner("a").user(), office.user("viewer")
    refused = office.admin.post("/v1/deal-approval-policies", {"name": "x", "steps": [
        {"name": "One", "user_ids": [own.id, partners.id]}, {"name": "Two", "user_ids": [viewer.id]}],
        "escalation": {"user_ids": ["6f1c0de0-0000-4000-8000-000000000000"]}}, expect=422)
    assert refused.errors() == {(f"#/{place}/user_ids/{index}", "reference_not_found") for place, index in (
        ("steps/0", 1), ("steps/1", 0), ("escalation", 0))}


def test_a_policy_is_read_as_it_is_written(office):
    made = command_is_consistent(office.admin, office.admin.post("/v1/deal-approval-policies", {
        "name": "Large", "conditions": FROM_LARGE, "steps": [{"name": "One", "role": "admin"}]}, expect=201))
    assert made["steps"] == [{"name": "One", "role": "admin", "user_ids": [], "four_eyes": False}]
    assert made["escalation"] is None and made["currency"] == "EUR" and made["allowed_actions"] == ["retire"]
    changed = office.admin.patch(f"/v1/deal-approval-policies/{made['id']}", {
        "steps": [], "is_automatic": True, "escalation": None}, if_match=made["version"], expect=200)
    assert changed["is_automatic"] and changed["steps"] == [] and changed["conditions"] == FROM_LARGE
    retired = office.act("deal-approval-policies", changed, "retire")
    assert retired["status"] == "retired" and retired["allowed_actions"] == []
    office.admin.patch(f"/v1/deal-approval-policies/{made['id']}", {"name": "x"}, if_match="*", expect=409,
                       problem="invalid_transition")
