# SPDX-License-Identifier: Apache-2.0
"""Disputes about deals (domain.md §3): from the statement to the last decision, as each side sees it."""
import pytest

from support import wait
from support.judge import command_is_consistent, nobody
from support.world import World, unique

DOCUMENT = {"name": "mail.eml", "media_type": "message/rfc822", "size_bytes": 18244, "sha256": "9f" * 32}


@pytest.fixture(scope="module")
def case(world):
    """Two partners want one account; b has it, a disputes that. The deals as their partners see them."""
    a, b = world.partner("a"), world.partner("b")
    first = world.deal_in("approved", b, customer_name="Northwind of B")
    second = world.deal_in("rejected", a, customer_name="Northwind of A")
    row = world.open_dispute(second, by=a.api, ground="order_of_submission", desired_outcome="The account is ours.")
    row = world.act("disputes", row, "start-evidence", {"respondent_deal_id": first["id"]})
    return {"a": a, "b": b, "first": first, "second": second, "row": row}


def of(client, row):
    return client.get(f"/v1/disputes/{row['id']}").json


class TestOpening:
    def test_a_partner_opens_one_about_its_own(self, world):
        a = world.partner("a")
        deal = world.deal_in("rejected", a)
        row = a.api.post("/v1/disputes", {"deal_id": deal["id"], "ground": "rejection", "statement": "Why?"}, expect=201)
        assert row["status"] == row["phase"] == "opened" and row["role"] == "claimant" and row["opened_by"] == "partner"
        assert row["number"].startswith("C-") and row["deal_number"] == deal["number"] and row["partner_id"] == a.id
        assert row["allowed_actions"] == ["withdraw"]
        assert world.refresh(row)["allowed_actions"] == ["start-evidence", "withdraw"]
        again = a.api.post("/v1/disputes", {"deal_id": deal["id"], "ground": "other", "statement": "x"}, expect=409)
        assert again.problem == "already_exists" and again["resource_id"] == row["id"]
        world.act("disputes", row.json, "withdraw", by=a.api)
        assert world.open_dispute(deal)["opened_by"] == "vendor"

    def test_what_nobody_disputes(self, world):
        a, b = world.partner("a"), world.partner("b")
        foreign, draft = world.deal_in("rejected", b)["id"], world.deal_in("draft", a)["id"]
        body = {"ground": "rejection", "statement": "x"}
        for client, deal_id, code in ((a.api, foreign, "reference_not_found"), (a.api, nobody(), "reference_not_found"),
                                      (a.api, draft, "inconsistent"), (world.admin, draft, "inconsistent")):
            assert client.post("/v1/disputes", {**body, "deal_id": deal_id}, expect=422).errors() == {("#/deal_id", code)}
        foreign = a.api.post("/v1/disputes", {**body, "deal_id": foreign}, expect=422)
        missing = a.api.post("/v1/disputes", {**body, "deal_id": nobody()}, expect=422)
        assert foreign["errors"] == missing["errors"]

    def test_who_stands_against_it(self, world):
        row = world.open_dispute()
        other = world.deal_in("rejected", world.partner("b"))
        for deal_id, code in ((nobody(), "reference_not_found"), (row["deal_id"], "inconsistent"),
                              (world.deal_in("draft", world.partner("b"))["id"], "inconsistent")):
            answer = world.admin.post(f"/v1/disputes/{row['id']}/start-evidence", {"respondent_deal_id": deal_id},
                                      if_match="*", expect=422)
            assert answer.errors() == {("#/respondent_deal_id", code)}
        tried = world.admin.post(f"/v1/disputes/{row['id']}/start-evidence?dry_run=true",
                                 {"respondent_deal_id": other["id"]}, if_match="*", expect=200)
        assert tried["respondent_partner_id"] == world.partner("b").id
        assert world.refresh(row)["status"] == "opened"


class TestSides:
    """What each side is shown (domain.md §5.20): nothing of the other."""

    def test_the_claimant(self, world, case):
        seen = of(case["a"].api, case["row"])
        assert seen["role"] == "claimant" and seen["deal_id"] == case["second"]["id"]
        assert seen["statement"] == "We were first."
        assert seen["respondent_partner_id"] is seen["respondent_deal_id"] is seen["respondent_partner_name"] is None
        assert seen["allowed_actions"] == ["finish-evidence", "withdraw"]

    def test_the_respondent(self, world, case):
        seen = of(case["b"].api, case["row"])
        assert seen["role"] == "respondent" and seen["deal_id"] == case["first"]["id"]
        assert seen["partner_id"] == case["b"].id and seen["partner_name"] == case["b"].name
        assert seen["statement"] is seen["desired_outcome"] is seen["created_by_id"] is None
        assert seen["allowed_actions"] == ["finish-evidence"]
        case["b"].api.post(f"/v1/disputes/{case['row']['id']}/withdraw", {}, if_match="*", expect=403, problem="forbidden")

    def test_the_vendor(self, world, case):
        seen = world.refresh(case["row"])
        assert seen["role"] == "claimant" and seen["respondent_partner_id"] == case["b"].id
        assert seen["respondent_deal_id"] == case["first"]["id"] and seen["statement"] == "We were first."
        listed = world.admin.list("/v1/disputes", {"deal_id": case["second"]["id"]})
        assert [row["id"] for row in listed] == [case["row"]["id"]], "once, though two sides have it"

    def test_evidence(self, world, case):
        row, a, b = case["row"], case["a"], case["b"]
        own = world.submit_evidence(row, by=a.api, document=DOCUMENT)
        assert own["document"] == DOCUMENT and own["audience"] == own["submitted_by"] == "claimant"
        theirs = world.submit_evidence(row, by=b.api, title="From B")
        internal = world.submit_evidence(row, title="Internal")
        told = world.submit_evidence(row, title="For B", audience="respondent")
        assert internal["audience"] == "vendor" and told["submitted_by"] == "vendor"
        ids = lambda client: {entry["id"] for entry in client.list("/v1/dispute-evidence", {"dispute_id": row["id"]})}
        assert ids(a.api) == {own["id"]} and ids(b.api) == {theirs["id"], told["id"]}
        assert ids(world.admin) == {own["id"], theirs["id"], internal["id"], told["id"]}
        for client, entry in ((a.api, theirs), (a.api, internal), (a.api, told), (b.api, own), (b.api, internal)):
            client.get(f"/v1/dispute-evidence/{entry['id']}", expect=404)

    def test_nothing_of_the_other_side_anywhere(self, world, case):
        """Every list and feed of each side, searched for what is the other's."""
        secrets = {"a": [case["a"].id, case["a"].name, case["second"]["id"], case["second"]["number"], "Northwind of A",
                         "We were first.", case["a"].client_id],
                   "b": [case["b"].id, case["b"].name, case["first"]["id"], case["first"]["number"], "Northwind of B",
                         "From B", case["b"].client_id]}
        world.submit_evidence(case["row"], by=case["b"].api, title="From B")
        events = lambda client: [event for event in client.list("/v1/events", {"resource_id": case["row"]["id"]})]
        wait.until(lambda: len(events(case["b"].api)) >= 1 and len(events(case["a"].api)) >= 2, "the feeds are sealed")
        for name, other in (("a", "b"), ("b", "a")):
            client = case[name].user()
            text = "".join(str(client.list(path)) for path in ("/v1/disputes", "/v1/dispute-evidence", "/v1/events"))
            assert case["row"]["id"] in text
            assert [secret for secret in secrets[other] if secret in text] == [], f"{name} reads of {other}"

    def test_both_are_told(self, world, case):
        kinds = lambda client: [event["type"] for event in client.list(
            "/v1/events", {"resource_id": case["row"]["id"]})]
        wait.until(lambda: "dispute.evidence_started" in kinds(case["b"].api), "the respondent hears of it")
        assert "dispute.opened" not in kinds(case["b"].api), "it was nobody's business then"
        assert {"dispute.opened", "dispute.evidence_started"} <= set(kinds(case["a"].api))
        actors = {event["actor"]["type"] for event in case["b"].api.list("/v1/events", {"resource_id": case["row"]["id"]})}
        assert actors == {"system"}


class TestEvidence:
    def test_it_needs_content(self, world, case):
        for body in ({}, {"text": None}, {"text": None, "document": None}):
            answer = world.admin.post("/v1/dispute-evidence", {"dispute_id": case["row"]["id"], "title": "x", **body},
                                      expect=422)
            assert answer.errors() == {("#/text", "required")}
        for document in ({**DOCUMENT, "sha256": "9F" * 32}, {**DOCUMENT, "size_bytes": -1}, {"name": "x"}):
            world.admin.post("/v1/dispute-evidence", {"dispute_id": case["row"]["id"], "title": "x", "document": document},
                             expect=422)

    def test_a_file_is_pinned_and_read_by_whom_the_evidence_is_for(self, world, case):
        row, a, b = case["row"], case["a"], case["b"]
        file = world.upload(by=a.api)
        own = world.submit_evidence(row, by=a.api, text=None, file_id=file["id"])
        assert own["file_id"] == file["id"]
        assert own["document"] == {name: file[name] for name in ("name", "media_type", "size_bytes", "sha256")}
        told, internal = world.upload(b"%PDF-1.7 to b"), world.upload(b"%PDF-1.7 internal")
        world.submit_evidence(row, audience="respondent", file_id=told["id"])
        world.submit_evidence(row, file_id=internal["id"])
        readers = {file["id"]: {a}, told["id"]: {b}, internal["id"]: set()}
        for file_id, those in readers.items():
            assert world.admin.get(f"/v1/files/{file_id}")["used_by"]["object"] == "dispute_evidence"
            for partner in (a, b):
                partner.api.get(f"/v1/files/{file_id}/content", expect=200 if partner in those else 404)

    def test_which_files_are_none(self, world, case):
        row, a, b = case["row"], case["a"].api, case["b"].api
        used, foreign = world.upload(by=a), world.upload(by=b)
        world.submit_evidence(row, by=a, file_id=used["id"])
        body = {"dispute_id": row["id"], "title": "x"}
        for by, file_id, code in ((a, used["id"], "inconsistent"), (a, foreign["id"], "reference_not_found"),
                                  (a, nobody(), "reference_not_found"), (world.admin, foreign["id"], "inconsistent"),
                                  (a, world.declare_file(by=a)["id"], "inconsistent")):
            assert by.post("/v1/dispute-evidence", {**body, "file_id": file_id}, expect=422).errors() == {("#/file_id", code)}
        both = a.post("/v1/dispute-evidence", {**body, "file_id": world.upload(by=a)["id"], "document": DOCUMENT}, expect=422)
        assert both.errors() == {("#/document", "inconsistent")}

    def test_a_foreign_dispute_is_a_missing_one(self, world):
        row = world.open_dispute()
        b = world.partner("b").api
        body = {"title": "x", "text": "x"}
        foreign = b.post("/v1/dispute-evidence", {**body, "dispute_id": row["id"]}, expect=422)
        missing = b.post("/v1/dispute-evidence", {**body, "dispute_id": nobody()}, expect=422)
        assert foreign["errors"] == missing["errors"] and foreign.errors() == {("#/dispute_id", "reference_not_found")}

    def test_no_respondent_no_word_for_it(self, world):
        row = world.dispute_in("evidence")
        answer = world.admin.post("/v1/dispute-evidence", {
            "dispute_id": row["id"], "title": "x", "text": "x", "audience": "respondent"}, expect=422)
        assert answer.errors() == {("#/audience", "inconsistent")}
        answer = world.admin.post(f"/v1/disputes/{row['id']}/finish-evidence", {"party": "respondent"}, if_match="*",
                                  expect=422)
        assert answer.errors() == {("#/party", "inconsistent")}
        answer = world.admin.post(f"/v1/disputes/{row['id']}/finish-evidence", {}, if_match="*", expect=422)
        assert answer.errors() == {("#/party", "required")}

    def test_a_party_finishes_once(self, world):
        row = world.open_dispute()
        row = world.act("disputes", row, "start-evidence",
                        {"respondent_deal_id": world.deal_in("rejected", world.partner("b"))["id"]})
        row = world.act("disputes", row, "finish-evidence", {}, by=world.partner("a").api)
        assert row["phase"] == "evidence" and row["finished_at"] is not None and row["allowed_actions"] == ["withdraw"]
        assert "finish-evidence" in world.refresh(row)["allowed_actions"], "the vendor may for the other side"
        assert of(world.partner("b").api, row)["finished_at"] is None
        world.partner("a").api.post(f"/v1/disputes/{row['id']}/finish-evidence", {}, if_match="*", expect=409,
                                    problem="conflict")
        row = world.act("disputes", row, "finish-evidence", {}, by=world.partner("b").api)
        assert row["phase"] in ("evidence_closed", "frozen")
        refused = world.admin.post("/v1/dispute-evidence", {"dispute_id": row["id"], "title": "x", "text": "x"}, expect=409)
        assert refused.problem == "evidence_closed"


@pytest.fixture(scope="module")
def frozen(world):
    """B was first by the chain, A disputes it; the evidence is closed."""
    first = world.deal_in("approved", world.partner("b"))
    return world.dispute_in("frozen", world.deal_in("rejected", world.partner("a")), respondent=first)


def decide(client, row, **body):
    return client.post(f"/v1/disputes/{row['id']}/decide", {
        "outcome": "dismissed", "rule": "first_submission", "reason": "The other registration came first.", **body},
        if_match="*", expect=None)


class TestDecision:
    """In this order: one case from the decision to the end."""

    def test_not_before_the_evidence_is_frozen(self, world):
        for phase in ("opened", "evidence"):
            refused = decide(world.admin, world.dispute_in(phase))
            assert refused.problem == "invalid_transition" and refused["from"] == phase
            assert "decide" not in refused["allowed"]

    def test_not_against_the_chain(self, world, frozen):
        assert frozen["bundle_sha256"] != frozen["vendor_bundle_sha256"] and frozen["bundled_at"]
        refused = decide(world.admin, frozen, outcome="upheld")
        assert refused.status == 422 and refused.errors() == {("#/outcome", "inconsistent")}
        tried = world.admin.post(f"/v1/disputes/{frozen['id']}/decide?dry_run=true", {
            "outcome": "upheld", "rule": "different_customer", "reason": "x"}, if_match="*", expect=200)
        assert tried["outcome"] == "upheld", "for another reason it may be"

    def test_it_cites_a_rule_and_is_kept(self, world, frozen):
        decided = decide(world.user("reviewer"), frozen, rule_reference="Guide, 4.2", internal_note="B has it since May.")
        assert decided.status == 200 and decided["phase"] == "decided" and decided["appeal_due_at"]
        a, b = world.partner("a").api, world.partner("b").api
        kept = a.get(f"/v1/decisions/{decided['decision_id']}")
        assert kept["rule_set"] == "dispute_decision" and kept["steps"][0]["rule"] == "first_submission"
        assert kept["outcome"] == {"outcome": "dismissed", "rule": "first_submission", "rule_reference": "Guide, 4.2"}
        assert kept["inputs"] is None, "where the other side stands in the chain is not for a party"
        inputs = world.admin.get(f"/v1/decisions/{decided['decision_id']}")["inputs"]
        assert 0 < inputs["respondent_sequence"] < inputs["claimant_sequence"]
        assert inputs["bundles"]["claimant"] == frozen["bundle_sha256"]
        for client in (a, b):
            seen = of(client, frozen)
            assert seen["outcome"] == "dismissed" and seen["decision_reason"] == "The other registration came first."
            assert seen["internal_note"] is seen["decided_by_id"] is None
        assert of(b, frozen)["decision_id"] is None
        b.get(f"/v1/decisions/{decided['decision_id']}", expect=404)

    def test_either_side_appeals_once(self, world, frozen):
        a, b = world.partner("a").api, world.partner("b").api
        b.post(f"/v1/disputes/{frozen['id']}/appeal", {"reason": "Ours alone."}, if_match="*", expect=200)
        assert of(b, frozen)["appeal_reason"] == "Ours alone." and of(b, frozen)["appealed_by"] == "respondent"
        assert of(a, frozen)["appeal_reason"] is None and of(a, frozen)["status"] == "appealed"
        assert world.refresh(frozen)["respondent_appeal_reason"] == "Ours alone."
        again = a.post(f"/v1/disputes/{frozen['id']}/appeal", {"reason": "x"}, if_match="*", expect=409)
        assert again.problem == "invalid_transition"

    def test_somebody_else_decides_the_appeal_for_good(self, world, frozen):
        assert decide(world.user("reviewer"), frozen).problem == "forbidden"
        assert world.refresh(frozen, world.user("reviewer"))["allowed_actions"] == []
        assert world.refresh(frozen)["allowed_actions"] == ["decide"]
        done = decide(world.admin, frozen, outcome="partly_upheld", rule="program_policy", reason="Shared.")
        assert done.status == 200 and done["status"] == "closed" and done["resolution"] == "decided_on_appeal"
        assert (done["outcome"], done["appeal_outcome"]) == ("dismissed", "partly_upheld")
        assert done["decision_id"] != done["appeal_decision_id"] and done["allowed_actions"] == []
        assert decide(world.admin, frozen).problem == "invalid_transition"

    def test_a_decision_nobody_can_appeal(self, world):
        row = world.dispute_in("final")
        assert row["phase"] == "final" and row["allowed_actions"] == ["close"]
        refused = world.admin.post(f"/v1/disputes/{row['id']}/appeal", {"reason": "x", "party": "claimant"}, if_match="*",
                                   expect=409)
        assert refused.problem == "invalid_transition" and refused["from"] == "final"
        assert world.act("disputes", row, "close", {})["resolution"] == "decided"


class TestReopening:
    """The claim was upheld: the deal that was rejected for another's sake comes back, when the other has made room."""

    @pytest.fixture(scope="class")
    def contest(self, world):
        customer = {"customer_name": unique("Customer"), "customer_website": f"https://{unique('c')}.example"}
        held = world.deal_in("approved", world.partner("b"), **customer)
        lost = world.refresh(world.partner("a").deal(**customer))
        assert lost["status"] == "conflict_hold"
        lost = world.act("deals", lost, "reject", {"reason": "The account went to another registration."})
        return {"held": held, "lost": lost, "row": world.dispute_in("frozen", lost, respondent=held)}

    def test_only_when_it_was_upheld(self, world, contest):
        row, lost = contest["row"], contest["lost"]
        refused = world.admin.post(f"/v1/deals/{lost['id']}/reopen", {"reason": "x"}, if_match="*", expect=409)
        assert refused.problem == "invalid_transition" and (refused["from"], refused["allowed"]) == ("rejected", [])
        upheld = decide(world.user("reviewer"), row, outcome="upheld", rule="different_customer")
        assert upheld["next_step"] == {"action": "cancel", "deal_id": contest["held"]["id"]}
        assert of(world.partner("a").api, row)["next_step"] is None
        assert world.refresh(lost)["allowed_actions"] == ["reopen"]
        assert world.refresh(lost, world.partner("a").api)["allowed_actions"] == []
        appealed = world.act("disputes", world.refresh(row), "appeal", {"reason": "No."}, by=world.partner("b").api)
        assert appealed["next_step"] is None and world.refresh(lost)["allowed_actions"] == []
        final = decide(world.admin, row, outcome="partly_upheld", rule="program_policy", reason="Shared.")
        assert final["status"] == "closed" and final["next_step"]["action"] == "cancel"

    def test_the_other_makes_room_first(self, world, contest):
        held, lost = world.refresh(contest["held"]), world.refresh(contest["lost"])
        refused = world.admin.post(f"/v1/deals/{lost['id']}/reopen", {"reason": "x"}, if_match="*", expect=409)
        assert refused.problem == "account_unavailable" and refused["resource_id"] == held["id"]
        assert held["number"] in refused["detail"] and "cancel it first" in refused["detail"]
        world.act("deals", held, "cancel", {"reason": "By the decision."})
        assert world.refresh(contest["row"])["next_step"] == {"action": "reopen", "deal_id": lost["id"]}

    def test_and_it_is_decided_anew_in_its_place(self, world, contest):
        lost = world.refresh(contest["lost"])
        row = command_is_consistent(world.admin, world.admin.post(
            f"/v1/deals/{lost['id']}/reopen", {"reason": "By the decision."}, if_match=lost["version"], expect=200))
        assert row["status"] == "in_review" and row["decided_at"] is None and row["customer_match"] == "none"
        assert row["submitted_at"] == lost["submitted_at"] and "reopen" not in row["allowed_actions"]
        assert world.refresh(contest["row"])["next_step"] is None
        late = world.partner("b").deal(customer_name=row["customer_name"], customer_website=row["customer_website"])
        assert late["status"] == "conflict_hold"
        row = world.act("deals", row, "reject", {"reason": "Once more."})
        world.admin.post(f"/v1/deals/{row['id']}/reopen", {"reason": "x"}, if_match="*", expect=409, problem="invalid_transition")


class TestDeadlines:
    """By the test clock, in the program's zone, and judged when somebody looks, whether a job has run or not."""

    @pytest.fixture(scope="class")
    def sandbox(self, new_database, new_server):
        url = new_database()
        made = World(new_server(url, jobs="false"), url)
        made.admin.patch("/v1/program", {"zone": "Europe/Berlin", "dispute_decision_days": 21}, if_match="*", expect=200)
        made.set_clock("2026-03-20T14:00:00Z")
        return made

    def test_local_days(self, sandbox):
        row = sandbox.dispute_in("evidence")
        assert row["evidence_due_at"] == "2026-04-03T13:00:00.000Z", "15:00 in Berlin, before and after the clocks change"
        assert row["decision_due_at"] == "2026-04-24T13:00:00.000Z"
        given = sandbox.act("disputes", sandbox.open_dispute(), "start-evidence", {"evidence_days": 1})
        assert given["evidence_due_at"] == "2026-03-21T14:00:00.000Z"
        sandbox.set_clock("2026-03-21T13:59:59.999Z")
        sandbox.submit_evidence(given)
        sandbox.set_clock("2026-03-21T14:00:00Z")
        refused = sandbox.admin.post("/v1/dispute-evidence", {"dispute_id": given["id"], "title": "x", "text": "x"},
                                     expect=409)
        assert refused.problem == "evidence_closed"
        late = sandbox.refresh(given)
        assert late["phase"] == "evidence_closed" and late["status"] == "evidence" and late["evidence_closed_at"] is None
        answer = sandbox.admin.post(f"/v1/disputes/{given['id']}/finish-evidence", {"party": "claimant"}, if_match="*",
                                    expect=409)
        assert answer.problem == "invalid_transition" and answer["from"] == "evidence_closed"
        assert sandbox.refresh(row)["phase"] == "evidence"


def test_a_late_decision_is_announced_once(world):
    row = world.dispute_in("evidence")
    world.advance_clock(29 * 86_400)
    late = wait.until(lambda: (lambda now: now if now["overdue_at"] and now["phase"] == "frozen" else None)(
        world.refresh(row)), "it is late and frozen")
    assert late["evidence_closed_at"] == row["evidence_due_at"], "when it was due, not when the job came by"
    kinds = [event["type"] for event in wait.until(lambda: (lambda found: found if len(found) >= 5 else None)(
        world.admin.list("/v1/events", {"resource_id": row["id"]})), "five events")]
    assert sorted(kinds) == ["dispute.bundles_signed", "dispute.decision_overdue", "dispute.evidence_closed",
                             "dispute.evidence_started", "dispute.opened"]
