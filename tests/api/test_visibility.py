# SPDX-License-Identifier: Apache-2.0
"""What only the vendor may see (OWASP API3): notes and inputs reach no partner, on no path (api.md §5)."""
import json

import pytest

from support.judge import events_of, is_as_missing

NOTE = "Confidential: rival bids at 12 percent"


@pytest.fixture(scope="module")
def deal(world):
    row = world.deal_in("submitted")
    for note in (NOTE, NOTE + " again"):
        row = world.admin.patch(f"/v1/deals/{row['id']}", {"review_note": note}, if_match=row["version"],
                                expect=200).json
    row = world.act("deals", row, "approve", {"comment": "Welcome."})
    events_of(world.admin, row["id"], 4)
    return row


@pytest.fixture(scope="module", params=["machine", "partner_admin", "partner_member"])
def reader(request, world):
    partner = world.partner("a")
    return partner.api if request.param == "machine" else partner.user(request.param)


def test_the_vendor_sees_it(world, deal):
    assert world.refresh(deal)["review_note"] == NOTE + " again"
    events = events_of(world.admin, deal["id"], 4)
    assert events[-1]["data"]["review_note"] == NOTE + " again"
    assert events[2]["previous"]["review_note"] == NOTE


@pytest.mark.parametrize("path", ["/v1/deals/{id}", "/v1/deals?number={number}", "/v1/deals/{id}/timeline",
                                  "/v1/events?resource_id={id}"])
def test_no_path_shows_it_to_a_partner(reader, deal, path):
    answer = reader.get(path.format(**deal), expect=None)
    if answer.status == 403:  # members of a partner do not read the feed
        assert "events" in path
        return
    assert answer.status == 200
    rows = answer.json.get("data", [answer.json])
    assert rows
    assert NOTE not in answer.body.decode()
    for row in rows:
        for part in (row, row.get("data", {}), row.get("previous", {})):
            assert part.get("review_note") is None


def test_previous_does_not_even_name_it(world, deal):
    partner = world.partner("a").api
    for row in partner.list(f"/v1/deals/{deal['id']}/timeline") + partner.list(
            "/v1/events", {"resource_id": deal["id"]}):
        assert "review_note" not in row["previous"]


def test_what_only_the_vendor_sees_is_no_event_for_a_partner(world, deal):
    partner, types = world.partner("a").api, ["deal.submitted", "deal.approved"]
    for path, query in ((f"/v1/deals/{deal['id']}/timeline", {}), ("/v1/events", {"resource_id": deal["id"]})):
        assert [row["type"] for row in partner.list(path, query)][:2] == types
        assert [row["type"] for row in world.admin.list(path, query)][:4] == [
            "deal.submitted", "deal.updated", "deal.updated", "deal.approved"]


def test_answers_of_the_partners_own_commands_hide_it(world, deal):
    answer = world.partner("a").api.post(f"/v1/deals/{deal['id']}/win", {}, if_match=deal["version"], expect=200)
    assert answer["review_note"] is None and NOTE not in answer.body.decode()


def test_inputs_of_a_decision(world, deal):
    path = f"/v1/decisions/{deal['margin_decision_id']}"
    full, short = world.admin.get(path).json, world.partner("a").api.get(path).json
    assert full["inputs"] and short["inputs"] is None
    assert {**full, "inputs": None} == short
    is_as_missing(world.partner("b").api, "/v1/decisions/{}", deal["margin_decision_id"])


def test_partners_have_no_audit_log(world):
    for client in (world.partner("a").api, world.partner("a").user()):
        client.get("/v1/audit-log", expect=403, problem="insufficient_scope")
        client.get("/v1/audit-log/verify", expect=403, problem="insufficient_scope")


def test_partners_do_not_see_who_works_for_the_vendor(world, deal):
    partner = world.partner("a")
    for row in partner.api.list(f"/v1/deals/{deal['id']}/timeline"):
        assert row["actor"]["name"] is None or row["actor"]["type"] == "client"
    assert world.email not in json.dumps(partner.user().list("/v1/users"))
