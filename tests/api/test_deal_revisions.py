# SPDX-License-Identifier: Apache-2.0
"""What was submitted and what became of it: a revision for each submission and each edit after the first."""
from support.judge import is_as_missing


def revisions(client, deal, **query):
    return client.list(f"/v1/deals/{deal['id']}/revisions", query)


def edit(client, deal, **members):
    return client.patch(f"/v1/deals/{deal['id']}", members, if_match=deal["version"], expect=200).json


def test_the_answer_to_a_question_is_a_diff(world):
    """Submitted, asked, edited, submitted again: the reviewer sees what changed and what had been asked."""
    partner = world.partner("a").api
    deal = world.partner("a").deal(description="Two campuses")
    deal = world.act("deals", world.refresh(deal), "request-info", {"message": "How many seats?"})
    amount = {"amount_minor": 5_000_000, "currency": "EUR"}
    deal = edit(partner, deal, amount=amount, customer_country="FR")
    deal = edit(partner, deal, customer_country="DE")
    deal = world.act("deals", deal, "submit", by=partner)
    for client in (world.admin, partner):
        first, edited, twice, again = revisions(client, deal)
        assert [row["number"] for row in (first, edited, twice, again)] == [1, 2, 3, 4]
        assert [row["kind"] for row in (first, edited, twice, again)] == ["submitted", "edited", "edited", "resubmitted"]
        assert first["changes"] == {} and first["info_request"] is None and first["deal_version"] == 1
        assert edited["changes"]["customer_country"] == {"from": None, "to": "FR"}
        assert edited["changes"]["amount.amount_minor"] == {"from": 4_800_000, "to": 5_000_000}
        assert set(edited["changes"]) == {"customer_country", "amount.amount_minor"}
        assert again["info_request"] == "How many seats?" and again["changes"] == {}
        assert again["deal_version"] == deal["version"]
        assert first["changes_since_submission"] == {} and edited["changes_since_submission"] == edited["changes"]
        assert twice["changes"] == {"customer_country": {"from": "FR", "to": "DE"}}
        assert again["changes_since_submission"] == twice["changes_since_submission"] == {
            "customer_country": {"from": None, "to": "DE"}, "amount.amount_minor": {"from": 4_800_000, "to": 5_000_000}}
    deal = world.act("deals", world.refresh(deal), "request-info", {"message": "And when?"})
    deal = edit(partner, deal, expected_close_on="2027-03-01")
    deal = world.act("deals", deal, "submit", by=partner)
    assert revisions(partner, deal)[-1]["changes_since_submission"] == {"expected_close_on": {"from": None, "to": "2027-03-01"}}


def test_a_draft_has_none_and_steps_make_none(world):
    partner = world.partner("a").api
    deal = world.partner("a").deal(draft=True)
    deal = edit(partner, deal, description="Pilot first")
    assert revisions(partner, deal) == []
    deal = world.act("deals", deal, "submit", by=partner)
    deal = world.act("deals", deal, "start-review")
    deal = world.admin.patch(f"/v1/deals/{deal['id']}", {"review_note": "Looks good"}, if_match=deal["version"],
                             expect=200).json
    world.act("deals", deal, "approve", {})
    rows = revisions(world.admin, deal, sort="-number")
    assert [row["kind"] for row in rows] == ["submitted"] and rows[0]["changes"] == rows[0]["changes_since_submission"] == {}


def test_of_others_there_are_none(world):
    deal = world.partner("a").deal()
    is_as_missing(world.partner("b").api, "/v1/deals/{}/revisions", deal["id"])
