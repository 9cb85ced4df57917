# SPDX-License-Identifier: Apache-2.0
"""Notes and documents of a deal: internal ones never leave the vendor's side, shared ones follow the deal, what is removed is
gone everywhere; and the timeline tells all of it in one call."""
import json

import pytest

from support.judge import nobody
from support.world import World

SECRET, OPEN = "Their champion left: be careful.", "The board decides on the 20th."
PDF = b"%PDF-1.7 offer"


@pytest.fixture(scope="module")
def deal(world):
    return world.deal_in("approved", world.partner("a"))


def content(client, file_id, expect=200):
    return client.get(f"/v1/files/{file_id}/content", headers={"Accept": "*/*"}, expect=expect).body


# ---- who sees what ----
def test_internal_is_for_the_vendor(world, deal):
    a = world.partner("a")
    hidden, shown = world.make_note(deal["id"], body=SECRET), world.make_note(deal["id"], body=OPEN, visibility="shared")
    assert (hidden["visibility"], shown["written_by"]) == ("internal", "vendor")
    for client in (a.api, a.user(), a.user("partner_member")):
        client.get(f"/v1/deal-notes/{hidden['id']}", expect=404)
        seen = client.get(f"/v1/deal-notes/{shown['id']}").json
        assert (seen["body"], seen["author_name"]) == (OPEN, None)
        assert SECRET not in json.dumps(client.list("/v1/deal-notes", {"deal_id": deal["id"]}))
        assert SECRET not in json.dumps(client.list(f"/v1/deals/{deal['id']}/timeline"))
        client.patch(f"/v1/deal-notes/{hidden['id']}", {"body": "x"}, if_match="*", expect=404)
    assert {hidden["id"], shown["id"]} <= {row["id"] for row in world.user("viewer").list("/v1/deal-notes", {"deal_id": deal["id"]})}
    assert SECRET not in json.dumps(a.user().list("/v1/events", {"resource_id": hidden["id"]}))


def test_a_partner_shares_what_it_writes(world, deal):
    a = world.partner("a")
    note = world.make_note(deal["id"], a.user("partner_member"), body="They asked for a demo.")
    assert (note["visibility"], note["written_by"], note["author_name"]) == ("shared", "partner", "Robin partner_member")
    assert world.user("reviewer").get(f"/v1/deal-notes/{note['id']}")["body"] == note["body"]
    refused = a.api.post("/v1/deal-notes", {"deal_id": deal["id"], "body": "x", "visibility": "internal"}, expect=422)
    assert refused.errors() == {("#/visibility", "invalid_choice")}
    world.partner("b").api.get(f"/v1/deal-notes/{note['id']}", expect=404)
    for foreign in (deal["id"], nobody()):
        refused = world.partner("b").api.post("/v1/deal-notes", {"deal_id": foreign, "body": "x"}, expect=422)
        assert refused.errors() == {("#/deal_id", "reference_not_found")}


def test_only_the_author_writes_and_admins_take_away(world, deal):
    a = world.partner("a")
    note = world.make_note(deal["id"], a.user("partner_member"), body=OPEN)
    path = f"/v1/deal-notes/{note['id']}"
    for client in (a.user(), a.api, world.user("partner_manager"), world.admin):
        client.patch(path, {"body": "Not what was said."}, if_match="*", expect=403, problem="forbidden")
    for client in (a.user(), world.user("partner_manager")):
        client.request("DELETE", path, if_match="*", expect=403)
    changed = a.user("partner_member").patch(path, {"body": "On the 27th."}, if_match="*", expect=200)
    gone = world.admin.request("DELETE", path, if_match=changed["version"], expect=200).json
    assert gone["body"] is None and gone["removed_at"]
    for client in (world.admin, a.user("partner_member")):
        assert "On the 27th." not in json.dumps(client.list("/v1/deal-notes", {"deal_id": deal["id"]}))
        timeline = client.list(f"/v1/deals/{deal['id']}/timeline")
        assert "On the 27th." not in json.dumps(timeline) and note["id"] in json.dumps(timeline)
        client.request("DELETE", path, if_match="*", expect=409)
    a.user("partner_member").patch(path, {"body": "x"}, if_match="*", expect=409, problem="conflict")


@pytest.mark.parametrize("body", [{"body": ""}, {"body": "x" * 4001}, {"body": None}, {"visibility": "secret", "body": "x"},
                                  {}], ids=["empty", "long", "null", "visibility", "none"])
def test_bad_notes(world, deal, body):
    world.admin.post("/v1/deal-notes", {"deal_id": deal["id"], **body}, expect=422)


# ---- documents ----
def test_documents_are_read_by_whom_they_are_for(world, deal):
    a, b = world.partner("a"), world.partner("b")
    internal = world.make_document(deal["id"])
    shared = world.make_document(deal["id"], visibility="shared")
    own = world.make_document(deal["id"], a.api)
    for document, seen in ((internal, False), (shared, True), (own, True)):
        assert content(world.user("viewer"), document["file"]["id"]) == PDF
        assert world.admin.get(f"/v1/files/{document['file']['id']}")["used_by"] == {
            "object": "deal_document", "id": document["id"]}
        content(b.api, document["file"]["id"], expect=404)
        b.api.get(f"/v1/deal-documents/{document['id']}", expect=404)
        a.api.get(f"/v1/deal-documents/{document['id']}", expect=200 if seen else 404)
        content(a.api, document["file"]["id"], expect=200 if seen else 404)
    listed = {row["id"] for row in a.api.list("/v1/deal-documents", {"deal_id": deal["id"], "kind": "offer"})}
    assert listed >= {shared["id"], own["id"]} and internal["id"] not in listed


def test_what_the_vendor_takes_away_is_gone(world, deal):
    a = world.partner("a")
    shared = world.make_document(deal["id"], visibility="shared")
    a.user().request("DELETE", f"/v1/deal-documents/{shared['id']}", if_match="*", expect=403)
    gone = world.admin.request("DELETE", f"/v1/deal-documents/{shared['id']}", if_match="*", expect=200)
    assert gone["removed_at"]
    assert a.api.get(f"/v1/deal-documents/{shared['id']}")["file"] is None
    content(a.api, shared["file"]["id"], expect=404)
    assert content(world.admin, shared["file"]["id"]) == PDF


@pytest.mark.parametrize("which, code", [("none", "reference_not_found"), ("pending", "inconsistent"), ("used", "inconsistent"),
                                         ("foreign", "inconsistent")])
def test_files_that_are_no_documents(world, deal, which, code):
    file_id = {"none": nobody, "pending": lambda: world.declare_file()["id"],
               "used": lambda: world.make_document(deal["id"])["file"]["id"],
               "foreign": lambda: world.upload(by=world.partner("b").api)["id"]}[which]()
    body = {"deal_id": deal["id"], "file_id": file_id, "kind": "offer", "title": "x"}
    assert world.admin.post("/v1/deal-documents", body, expect=422).errors() == {("#/file_id", code)}
    if which == "foreign":
        refused = world.partner("a").api.post("/v1/deal-documents", body, expect=422)
        assert refused.errors() == {("#/file_id", "reference_not_found")}


def test_shared_documents_follow_the_deal_to_another_partner(server, database_url):
    world = World(server, database_url)
    old, new = world.make_partner(), world.make_partner()
    deal = world.deal_in("approved", old)
    shared, internal = world.make_document(deal["id"], visibility="shared"), world.make_document(deal["id"])
    note = world.make_note(deal["id"], visibility="shared")
    partner = world.admin.get(f"/v1/partners/{old.id}").json
    world.act("partners", partner, "merge", {"into_partner_id": new.id})
    assert content(new.api, shared["file"]["id"]) == PDF
    content(new.api, internal["file"]["id"], expect=404)
    assert new.api.get(f"/v1/deal-notes/{note['id']}")["body"] == OPEN
    assert world.admin.get(f"/v1/files/{shared['file']['id']}")["partner_id"] == new.id


# ---- the timeline ----
def test_the_timeline_tells_everything_once(world):
    a = world.partner("a")
    deal = a.deal()
    a.api.patch(f"/v1/deals/{deal['id']}", {"stage_key": "proposal", "next_step": "Send it"}, if_match="*", expect=200)
    world.make_note(deal["id"], body=SECRET)
    note = world.make_note(deal["id"], a.api, body=OPEN)
    world.make_document(deal["id"], a.api, title="Offer for 150 seats")
    world.act("deals", world.refresh(deal), "approve", {})
    told = world.admin.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})
    assert [(row["type"], row["status"], row["comment"]) for row in told] == [
        ("deal.submitted", "submitted", None), ("deal.updated", "submitted", None), ("deal_note.created", "submitted", SECRET),
        ("deal_note.created", "submitted", OPEN), ("deal_document.created", "submitted", "Offer for 150 seats"),
        ("deal.approved", "approved", None)]
    assert told[3]["resource"] == {"object": "deal_note", "id": note["id"]}
    assert told[1]["previous"] == {"stage_key": None, "stage_name": None, "stage_probability_bps": None, "next_step": None,
                                   "stage_entered_at": None}
    partners = a.api.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})
    assert [row["id"] for row in partners] == [row["id"] for row in told if row["comment"] != SECRET]
    page = a.api.get(f"/v1/deals/{deal['id']}/timeline", {"limit": 2, "sort": "occurred_at", "include_total": "true"}).json
    assert page["total_count"] == 5 and page["next_cursor"]
