# SPDX-License-Identifier: Apache-2.0
"""Contacts: both sides keep them, and who asks to be forgotten is gone from feed and ledger, too."""
import pytest

from support import wait
from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.world import unique

PATH = "/v1/partner-contacts"


def test_added_by_either_side(world):
    partner = world.partner("a")
    sent = {"name": "Jana Vogt", "email": f"{unique('Jana')}@Nord.example", "phone": "+49 40 123456",
            "job_title": "Head of sales", "purposes": ["sales", "primary"], "language": "de"}
    row = command_is_consistent(world.admin, world.admin.post(PATH, {**sent, "partner_id": partner.id}, expect=201))
    assert {name: row[name] for name in sent} == {**sent, "email": sent["email"].lower()}
    own = partner.user().post(PATH, {"name": "Own"}, expect=201)
    assert own["partner_id"] == partner.id and own["partner_name"] == partner.name
    after = partner.user().patch(f"{PATH}/{row['id']}", {"phone": None, "purposes": ["legal"]}, if_match=1, expect=200)
    assert after["phone"] is None and after["purposes"] == ["legal"] and after["name"] == "Jana Vogt"


def test_whose(world):
    a, b = world.partner("a"), world.partner("b")
    row = world.make_contact(a.id)
    is_as_missing(b.api, PATH + "/{}", row["id"])
    b.user().patch(f"{PATH}/{row['id']}", {"name": "x"}, if_match="*", expect=404)
    b.user().post(f"{PATH}/{row['id']}/erase", if_match="*", expect=404)
    assert world.admin.post(PATH, {"name": "x"}, expect=422).errors() == {("#/partner_id", "required")}
    assert world.admin.post(PATH, {"name": "x", "partner_id": nobody()}, expect=422).errors() == {
        ("#/partner_id", "reference_not_found")}
    a.user("partner_member").post(PATH, {"name": "x"}, expect=403)


@pytest.mark.parametrize("member, value", [("name", " "), ("email", "x"), ("phone", "call me"), ("purposes", ["fun"]),
                                           ("purposes", ["sales", "sales"]), ("language", "german"), ("status", "erased")])
def test_refused(world, member, value):
    refused = world.admin.post(PATH, {"name": "N", "partner_id": world.partner("a").id, member: value}, expect=422)
    assert {place.split("/")[1] for place, _ in refused.errors()} == {member}


@pytest.mark.parametrize("by", ["vendor", "partner"])
def test_erased(world, by):
    partner = world.partner("a")
    name, mail, phone = unique("Nobody"), f"{unique('gone')}@people.example", "+49 555 0199"
    row = world.make_contact(partner.id, name=name, email=mail, phone=phone)
    world.admin.patch(f"{PATH}/{row['id']}", {"name": name + " Jr"}, if_match=1, expect=200)
    who = world.admin if by == "vendor" else partner.user()
    wait.until(lambda: world.admin.get("/v1/audit-log/verify")["unsealed"] == 0, "the chain is sealed so far")
    after = who.post(f"{PATH}/{row['id']}/erase", if_match=2, expect=200).json
    assert (after["status"], after["email"], after["phone"], after["allowed_actions"]) == ("erased", None, None, [])
    events = events_of(world.admin, row["id"], 3)
    assert [event["type"] for event in events][-1] == "partner_contact.erased"
    everywhere = str(world.admin.list("/v1/events", {"resource_id": row["id"]})) + str(
        world.admin.list("/v1/audit-log", {"resource_id": row["id"]})) + str(world.admin.get(f"{PATH}/{row['id']}").json)
    assert not [trace for trace in (name, mail, phone) if trace in everywhere]
    assert world.admin.get("/v1/audit-log/verify")["valid"]
    world.admin.patch(f"{PATH}/{row['id']}", {"name": "Back"}, if_match="*", expect=409)


def test_filters(world):
    partner = world.make_partner()
    rows = {purpose: world.make_contact(partner.id, purposes=[purpose])["id"] for purpose in ("legal", "technical")}
    found = lambda **query: {row["id"] for row in world.admin.list(PATH, {"partner_id": partner.id, **query})}
    assert found() == set(rows.values()) and found(purpose="legal") == {rows["legal"]}
    assert found(purpose=["legal", "technical"]) == set(rows.values()) and found(status="erased") == set()
    mailbox = f"{unique('Iris')}@example.com"
    iris = world.make_contact(partner.id, email=mailbox)["id"]
    assert found(email=mailbox) == found(email=mailbox.upper()) == {iris} and found(email=mailbox[1:]) == set()
    assert world.partner("b").api.list(PATH, {"email": mailbox}) == []
