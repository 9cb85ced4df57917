# SPDX-License-Identifier: Apache-2.0
"""Extensions of protection, its postponement, and what is told before its end (domain.md §5.6), by the test clock."""
import pytest

from support import wait
from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.world import World


@pytest.fixture(scope="module")
def berlin(server, database_url):
    """A sandbox in Berlin whose clock only these tests turn; a deal may be extended twice."""
    made = World(server, database_url)
    version = made.admin.get("/v1/program")["version"]
    made.admin.patch("/v1/program", {"zone": "Europe/Berlin", "max_extensions": 2}, if_match=version, expect=200)
    return made


START, END = "2026-01-15T14:00:00Z", "2026-04-15T13:00:00.000Z"  # a Thursday and a Wednesday, 15:00 in Berlin


@pytest.fixture
def deal(berlin):
    """Approved for 90 days, as the partner has it."""
    berlin.set_clock(START)
    deal = berlin.act("deals", berlin.partner("a").deal(), "approve", {})
    assert deal["protection_expires_at"] == END
    return deal


def ask(berlin, deal, expect=201, **members):
    return berlin.partner("a").api.post(
        "/v1/deal-extensions", {"deal_id": deal["id"], "reason": "The board meets in May.", **members}, expect=expect)


def decide(berlin, extension, action, body=None, **how):
    by = berlin.partner("a").api if action == "withdraw" else berlin.admin
    return by.post(f"/v1/deal-extensions/{extension['id']}/{action}", body, if_match=extension["version"], **how)


def test_it_counts_from_the_end_not_from_the_decision(berlin, deal):
    """Worked case: asked for in time, granted 3 days after the end: 30 days from the end, and protection never stopped."""
    berlin.set_clock("2026-04-14T08:00:00Z")
    asked = ask(berlin, deal)
    row = command_is_consistent(berlin.partner("a").api, asked, moving=("allowed_actions",))
    assert (row["status"], row["days"], row["extends_from_at"]) == ("requested", 30, END)
    assert row["extends_to_at"] == "2026-05-15T13:00:00.000Z" and row["granted_days"] is None
    assert row["allowed_actions"] == ["withdraw"] and row["pending_until"] == "2026-04-22T13:00:00.000Z"
    pending = berlin.refresh(deal)
    assert pending["protection_expires_at"] == END and pending["protected_until"] == "2026-04-22T13:00:00.000Z"
    assert pending["version"] == deal["version"] + 1
    berlin.set_clock("2026-04-18T12:00:00Z")
    assert berlin.refresh(deal)["status"] == "approved"
    assert berlin.refresh(row)["allowed_actions"] == ["approve", "reject", "withdraw"]
    granted = decide(berlin, row, "approve", {"comment": "Last time"}, expect=200)
    assert granted["status"] == "approved" and granted["granted_days"] == 30 and granted["pending_until"] is None
    assert granted["extends_to_at"] == "2026-05-15T13:00:00.000Z" and granted["decision_comment"] == "Last time"
    assert granted["decided_by_id"] == berlin.admin_id
    assert berlin.partner("a").api.get(f"/v1/deal-extensions/{row['id']}")["decided_by_id"] is None
    after = berlin.refresh(deal)
    assert after["protection_expires_at"] == after["protected_until"] == "2026-05-15T13:00:00.000Z"
    assert (after["status"], after["margin_bps"]) == ("approved", deal["margin_bps"])
    types = [event["type"] for event in events_of(berlin.admin, deal["id"], 4)]
    assert types[-2:] == ["deal.extension_requested", "deal.extended"]
    assert [event["type"] for event in events_of(berlin.partner("a").api, row["id"], 2)] == [
        "deal_extension.requested", "deal_extension.approved"]


@pytest.mark.parametrize("grace, last, over", [
    (5, "2026-04-22T12:59:59.999Z", "2026-04-22T13:00:00Z"),  # Wednesday to Wednesday
    (1, "2026-04-16T12:59:59.999Z", "2026-04-16T13:00:00Z"),
    (3, "2026-04-20T12:59:59.999Z", "2026-04-20T13:00:00Z"),  # over a weekend
    (0, "2026-04-15T12:59:59.999Z", "2026-04-15T13:00:00Z"),
])
def test_a_pending_request_keeps_protection_for_business_days(berlin, deal, grace, last, over):
    berlin.admin.patch("/v1/program", {"extension_grace_days": grace}, if_match="*", expect=200)
    row = ask(berlin, deal)
    berlin.set_clock(last)
    assert berlin.refresh(deal)["status"] == "approved" and berlin.refresh(row.json)["status"] == "requested"
    berlin.set_clock(over)
    assert berlin.refresh(deal)["status"] == "expired"
    seen = berlin.refresh(row.json)
    assert seen["status"] == "withdrawn" and seen["allowed_actions"] == []
    decide(berlin, seen, "approve", {}, expect=409, problem="invalid_transition")
    events = events_of(berlin.admin, row["id"], 2)
    assert events[-1]["type"] == "deal_extension.withdrawn" and events[-1]["actor"]["type"] == "system"
    assert events[-1]["previous"]["status"] == "requested"
    berlin.admin.patch("/v1/program", {"extension_grace_days": 5}, if_match="*", expect=200)


def test_it_is_asked_for_before_the_end(berlin, deal):
    berlin.set_clock("2026-04-15T12:59:59.999Z")
    assert ask(berlin, deal).json["status"] == "requested"
    other = berlin.partner("a").deal()
    late = berlin.act("deals", other, "approve", {"protection_days": 1})
    berlin.set_clock("2026-04-16T12:59:59.999Z")
    refused = ask(berlin, late, expect=409)
    assert refused.problem == "deal_not_protected", refused


def test_one_at_a_time_and_as_often_as_the_program_says(berlin, deal):
    first = ask(berlin, deal).json
    twice = ask(berlin, deal, expect=409)
    assert twice.problem == "already_exists" and twice["resource_id"] == first["id"]
    gone = decide(berlin, first, "withdraw", {"reason": "Not needed"}, expect=200)
    assert gone["status"] == "withdrawn" and gone["decision_comment"] == "Not needed"
    refused = decide(berlin, ask(berlin, deal).json, "reject", {"reason": "No progress"}, expect=200)
    assert refused["status"] == "rejected"
    for month in ("05", "06"):
        granted = decide(berlin, ask(berlin, deal).json, "approve", {}, expect=200)
        assert granted["extends_to_at"] == f"2026-{month}-{'15' if month == '05' else '14'}T13:00:00.000Z"
    limited = ask(berlin, deal, expect=409)
    assert limited.problem == "extension_limit_reached", limited


@pytest.mark.parametrize("action, body", [("win", {}), ("lose", {"reason": "x"}), ("cancel", {"reason": "x"})],
                         ids=["won", "lost", "cancelled"])
def test_what_was_asked_for_does_not_protect_beyond_the_deal(berlin, deal, action, body):
    row = ask(berlin, deal).json
    assert berlin.refresh(deal)["protected_until"] == "2026-04-22T13:00:00.000Z"
    closed = berlin.act("deals", berlin.refresh(deal), action, body)
    assert closed["protected_until"] == closed["protection_expires_at"] == END
    assert berlin.refresh(row)["status"] == "withdrawn"


def test_who_wins_after_the_end_is_protected_until_then(berlin):
    """The account, held beyond its end by the request alone, is free for the next in line."""
    berlin.set_clock(START)
    site = "https://www.won-in-grace.example"
    first = berlin.act("deals", berlin.partner("a").deal(customer_website=site), "approve", {})
    second = berlin.partner("b").deal(customer_website=site)
    ask(berlin, first)
    berlin.set_clock("2026-04-17T08:00:00Z")
    assert berlin.refresh(second)["status"] == "conflict_hold"
    won = berlin.act("deals", berlin.refresh(first), "win", {})
    assert (won["protection_expires_at"], won["protected_until"]) == (END, "2026-04-17T08:00:00.000Z")
    assert berlin.refresh(second)["status"] == "in_review"


def test_a_refusal_after_the_end_ends_protection(berlin, deal):
    row = ask(berlin, deal).json
    berlin.set_clock("2026-04-17T08:00:00Z")
    assert berlin.refresh(deal)["status"] == "approved"
    decide(berlin, row, "reject", {"reason": "No progress"}, expect=200)
    assert berlin.refresh(deal)["status"] == "expired"


def test_fewer_days_may_be_granted_but_not_days_that_are_over(berlin, deal):
    row = ask(berlin, deal).json
    berlin.set_clock("2026-04-18T13:00:00Z")
    over = decide(berlin, row, "approve", {"days": 3}, expect=422)
    assert over.errors() == {("#/days", "too_small")}
    many = decide(berlin, row, "approve", {"days": 31}, expect=422)
    assert many.errors() == {("#/days", "too_large")}
    granted = decide(berlin, row, "approve", {"days": 4}, expect=200)
    assert granted["granted_days"] == 4 and granted["days"] == 30
    assert berlin.refresh(deal)["protection_expires_at"] == "2026-04-19T13:00:00.000Z"


def test_the_end_of_a_deal_ends_what_is_asked_for(berlin, deal):
    row = ask(berlin, deal).json
    berlin.act("deals", berlin.refresh(deal), "win", {})
    seen = berlin.refresh(row)
    assert seen["status"] == "withdrawn" and seen["version"] == 2 and seen["decided_by_id"] is None


def test_refused_requests(berlin, deal):
    assert ask(berlin, {"id": nobody()}, expect=422).errors() == {("#/deal_id", "reference_not_found")}
    assert ask(berlin, deal, days=31, expect=422).errors() == {("#/days", "too_large")}
    assert ask(berlin, deal, days=0, expect=422).errors() == {("#/days", "too_small")}
    open_deal = berlin.partner("a").deal()
    assert ask(berlin, open_deal, expect=409).problem == "deal_not_protected"
    foreign = berlin.deal_in("approved", berlin.partner("b"))
    assert ask(berlin, foreign, expect=422).errors() == {("#/deal_id", "reference_not_found")}
    row = ask(berlin, deal).json
    is_as_missing(berlin.partner("b").api, "/v1/deal-extensions/{}", row["id"])
    assert berlin.partner("b").api.list("/v1/deal-extensions", {"deal_id": deal["id"]}) == []
    berlin.partner("a").api.post(f"/v1/deal-extensions/{row['id']}/approve", {}, if_match="*", expect=403)


def test_a_dry_run_leaves_nothing(berlin, deal):
    path = "/v1/deal-extensions?dry_run=true"
    tried = berlin.partner("a").api.post(path, {"deal_id": deal["id"], "reason": "x"}, expect=201)
    assert tried["status"] == "requested"
    assert berlin.admin.list("/v1/deal-extensions", {"deal_id": deal["id"]}) == []
    assert berlin.refresh(deal) == deal | {"allowed_actions": berlin.refresh(deal)["allowed_actions"]}


def test_lists(berlin, deal):
    row = ask(berlin, deal).json
    found = lambda **query: [each["id"] for each in berlin.admin.list("/v1/deal-extensions", query)]
    assert found(deal_id=deal["id"]) == [row["id"]] == found(deal_id=deal["id"], status="requested")
    assert found(deal_id=deal["id"], status=["approved", "rejected"]) == []
    assert row["id"] in found(partner_id=berlin.partner("a").id)


class TestPostpone:
    def test_the_vendor_moves_the_end(self, berlin, deal):
        moved = berlin.admin.post(f"/v1/deals/{deal['id']}/postpone", {"days": 14, "reason": "Holidays"},
                                  if_match=deal["version"], expect=200)
        row = command_is_consistent(berlin.admin, moved)
        assert row["protection_expires_at"] == row["protected_until"] == "2026-04-29T13:00:00.000Z"
        assert row["decision_comment"] == "Holidays" and row["status"] == "approved"
        assert events_of(berlin.admin, deal["id"], 3)[-1]["type"] == "deal.postponed"

    def test_what_is_asked_for_goes_on_waiting(self, berlin, deal):
        row = ask(berlin, deal).json
        berlin.act("deals", berlin.refresh(deal), "postpone", {"days": 14, "reason": "Holidays"})
        assert berlin.refresh(row)["pending_until"] == "2026-05-06T13:00:00.000Z"
        granted = decide(berlin, row, "approve", {}, expect=200)
        assert granted["extends_from_at"] == "2026-04-29T13:00:00.000Z"
        assert berlin.refresh(deal)["protection_expires_at"] == "2026-05-29T13:00:00.000Z"

    def test_not_what_is_over(self, berlin, deal):
        berlin.set_clock("2026-04-15T13:00:00Z")
        refused = berlin.admin.post(f"/v1/deals/{deal['id']}/postpone", {"days": 14, "reason": "x"}, if_match="*",
                                    expect=409, problem="invalid_transition")
        assert refused["from"] == "expired"


class TestReopen:
    """Expired deals, by the vendor, unless somebody else has the account."""
    SITE = "https://www.reopened-{}.example"

    def expired(self, berlin, number):
        berlin.set_clock(START)
        deal = berlin.act("deals", berlin.partner("a").deal(customer_website=self.SITE.format(number)), "approve",
                          {"protection_days": 10})
        berlin.set_clock("2026-02-01T14:00:00Z")
        return berlin.refresh(deal)

    def reopen(self, berlin, deal, **how):
        return berlin.admin.post(f"/v1/deals/{deal['id']}/reopen", {"reason": "Back at the table", "protection_days": 30},
                                 if_match="*", **how)

    def test_protection_runs_anew_and_terms_stay(self, berlin):
        deal = self.expired(berlin, 1)
        row = command_is_consistent(berlin.admin, self.reopen(berlin, deal, expect=200))
        assert row["status"] == "approved" and row["margin_bps"] == deal["margin_bps"] == 2500
        assert row["protection_starts_at"] == "2026-02-01T14:00:00.000Z"
        assert row["protection_expires_at"] == row["protected_until"] == "2026-03-03T14:00:00.000Z"
        assert row["decision_comment"] == "Back at the table"
        kinds = [event["type"] for event in events_of(berlin.admin, deal["id"], 4)]
        assert kinds[-2:] == ["deal.expired", "deal.reopened"]

    def test_not_what_is_protected_or_over(self, berlin):
        deal = self.expired(berlin, 2)
        row = self.reopen(berlin, deal, expect=200).json
        assert self.reopen(berlin, deal, expect=409, problem="invalid_transition")["from"] == "approved"
        won = berlin.act("deals", row, "win", {})
        assert self.reopen(berlin, won, expect=409, problem="invalid_transition")["from"] == "won"
        berlin.partner("a").api.post(f"/v1/deals/{deal['id']}/reopen", {"reason": "x"}, if_match="*", expect=403)

    @pytest.mark.parametrize("is_approved", [False, True], ids=["open", "approved"])
    def test_not_when_somebody_else_has_the_account(self, berlin, is_approved):
        deal = self.expired(berlin, f"taken-{is_approved}")
        other = berlin.partner("b").deal(customer_website=deal["customer_website"])
        assert other["status"] == "submitted"
        if is_approved:
            berlin.act("deals", berlin.refresh(other), "approve", {})
        self.reopen(berlin, deal, expect=409, problem="account_unavailable")
        assert berlin.refresh(deal)["status"] == "expired"
        if not is_approved:
            berlin.act("deals", berlin.refresh(other), "reject", {"reason": "x"})
            assert self.reopen(berlin, deal, expect=200)["status"] == "approved"

    def test_who_waited_comes_first(self, berlin):
        """The end lets the next in line move on, and the account is theirs."""
        berlin.set_clock(START)
        deal = berlin.act("deals", berlin.partner("a").deal(customer_website=self.SITE.format("waited")), "approve",
                          {"protection_days": 10})
        waiting = berlin.partner("b").deal(customer_website=self.SITE.format("waited"))
        assert waiting["status"] == "conflict_hold"
        berlin.set_clock("2026-02-01T14:00:00Z")
        wait.until(lambda: berlin.refresh(waiting)["status"] == "in_review", "the next in line")
        self.reopen(berlin, deal, expect=409, problem="account_unavailable")


def told(berlin, deal):
    return [(event["type"], event["occurred_at"][:10]) for event in berlin.admin.list(
        "/v1/events", {"resource_id": deal["id"]}) if event["type"] in ("deal.expiring", "deal.expired")]


class TestNotices:
    def test_fourteen_and_three_days_ahead_once_each(self, berlin, deal):
        for now_at, known in [("2026-04-01T12:59:59Z", 0), ("2026-04-01T13:00:00Z", 1), ("2026-04-05T13:00:00Z", 1),
                              ("2026-04-12T13:00:00Z", 2), ("2026-04-14T13:00:00Z", 2), ("2026-04-15T13:00:00Z", 3)]:
            marker = berlin.set_clock(now_at)
            wait.until(lambda: len(told(berlin, deal)) >= known, f"what is told by {now_at}")
            assert marker["test_now_at"] is not None and len(told(berlin, deal)) == known
        assert told(berlin, deal) == [("deal.expiring", "2026-04-01"), ("deal.expiring", "2026-04-12"),
                                      ("deal.expired", "2026-04-15")]
        seen = berlin.partner("a").api.list("/v1/events", {"resource_id": deal["id"], "type": "deal.expiring"})
        assert len(seen) == 2 and seen[0]["data"]["protection_expires_at"] == END and seen[0]["previous"] == {}
        assert berlin.refresh(deal)["version"] == deal["version"] + 1  # the end's; notices are no change

    def test_a_new_end_is_told_anew(self, berlin, deal):
        berlin.set_clock("2026-04-13T13:00:00Z")
        wait.until(lambda: len(told(berlin, deal)) == 1, "one notice, though two were due")
        berlin.act("deals", berlin.refresh(deal), "postpone", {"days": 30, "reason": "x"})
        berlin.set_clock("2026-05-02T13:00:00Z")
        wait.until(lambda: len(told(berlin, deal)) == 2, "the notice of the new end")

    def test_days_are_the_programs(self, berlin, deal):
        settings = lambda days: berlin.admin.patch(
            "/v1/program", {"expiry_notice_days": days}, if_match="*", expect=200)
        try:
            settings([7])
            other = berlin.act("deals", berlin.partner("a").deal(), "approve", {"protection_days": 10})
            berlin.set_clock("2026-01-18T14:00:00Z")
            wait.until(lambda: told(berlin, other) == [("deal.expiring", "2026-01-18")], "seven days ahead")
        finally:
            settings([14, 3])

    @pytest.mark.parametrize("days", [[0], [366], [3, 3], [1, 2, 3, 4, 5, 6], ["3"], 3, None])
    def test_refused_settings(self, berlin, days):
        refused = berlin.admin.patch("/v1/program", {"expiry_notice_days": days}, if_match="*", expect=422)
        assert {place.split("/")[1] for place, _ in refused.errors()} == {"expiry_notice_days"}


class TestReviewDeadline:
    @pytest.fixture
    def open_deal(self, berlin):
        berlin.set_clock("2026-01-15T14:00:00Z")  # a Thursday
        return berlin.partner("a").deal()

    def test_business_days_from_the_submission(self, berlin, open_deal):
        assert open_deal["review_due_at"] == "2026-01-22T14:00:00.000Z"
        taken = berlin.act("deals", open_deal, "start-review")
        assert taken["review_due_at"] == open_deal["review_due_at"]
        asked = berlin.act("deals", taken, "request-info", {"message": "Which seats?"})
        assert asked["review_due_at"] is None
        berlin.set_clock("2026-01-20T09:00:00Z")
        again = berlin.act("deals", asked, "submit", by=berlin.partner("a").api)
        assert again["review_due_at"] == "2026-01-27T09:00:00.000Z"
        assert berlin.act("deals", again, "reject", {"reason": "x"})["review_due_at"] is None

    def test_escalation_is_told_once_and_to_the_vendor(self, berlin, open_deal):
        berlin.set_clock("2026-01-22T14:00:00Z")
        late = wait.until(lambda: berlin.refresh(open_deal)["review_escalated_at"], "the escalation")
        assert late == "2026-01-22T14:00:00.000Z"
        seen = berlin.partner("a").api.get(f"/v1/deals/{open_deal['id']}")
        assert seen["review_escalated_at"] is None and seen["review_due_at"] == late
        assert events_of(berlin.admin, open_deal["id"], 2)[-1]["type"] == "deal.review_escalated"
        assert [event["type"] for event in berlin.partner("a").api.list(
            "/v1/events", {"resource_id": open_deal["id"]})] == ["deal.submitted"]
        assert berlin.act("deals", berlin.refresh(open_deal), "approve", {})["review_escalated_at"] is None

    def test_no_deadline(self, berlin):
        berlin.admin.patch("/v1/program", {"review_days": 0}, if_match="*", expect=200)
        assert berlin.partner("a").deal()["review_due_at"] is None
        berlin.admin.patch("/v1/program", {"review_days": 5}, if_match="*", expect=200)
        assert berlin.partner("a").deal(draft=True)["review_due_at"] is None
