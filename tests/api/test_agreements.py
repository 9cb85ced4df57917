# SPDX-License-Identifier: Apache-2.0
"""Agreements in editions: what was offered, who accepted exactly which words, and who needs to before being activated."""
import hashlib

import pytest

from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.parallel import at_once

TEMPLATES, AGREEMENTS = "/v1/agreement-templates", "/v1/partner-agreements"


def accept(by, row, expect=200, **members):
    return by.post(f"{AGREEMENTS}/{row['id']}/accept", {
        "text_hash": row["text_hash"], "signatory_name": "Jana Vogt", **members}, if_match=row["version"], expect=expect)


def digest(text, annex=None):
    return hashlib.sha256((text + ("\n" + annex if annex else "")).encode()).hexdigest()


def test_editions(world):
    first = command_is_consistent(world.admin, world.admin.post(TEMPLATES, {
        "key": "main", "title": "Agreement", "text": "Wir arbeiten zusammen – fair.", "sla_annex": "4 h"}, expect=201))
    assert (first["edition"], first["status"]) == (1, "draft")
    assert first["text_hash"] == digest("Wir arbeiten zusammen – fair.", "4 h")
    refused = world.admin.post(TEMPLATES, {"key": "main", "title": "x", "text": "x"}, expect=409)
    assert refused.problem == "already_exists" and refused.errors() == {("#/key", "not_unique")}
    first = world.admin.patch(f"{TEMPLATES}/{first['id']}", {"sla_annex": None}, if_match=1, expect=200).json
    assert first["text_hash"] == digest(first["text"])
    first = world.act("agreement-templates", first, "publish")
    second = world.act("agreement-templates", world.make_template("main", text="Anders."), "publish")
    assert second["edition"] == 2 and world.admin.get(f"{TEMPLATES}/{first['id']}")["status"] == "retired"
    world.admin.patch(f"{TEMPLATES}/{second['id']}", {"text": "x"}, if_match=second["version"], expect=409)
    assert world.act("agreement-templates", second, "retire")["status"] == "retired"


def test_accepted(world):
    partner = world.make_partner()
    offered = world.offer(partner.id)
    row = partner.api.get(f"{AGREEMENTS}/{offered['id']}").json
    words = partner.api.get(f"{TEMPLATES}/{row['template_id']}").json
    assert digest(words["text"], words["sla_annex"]) == row["text_hash"]
    signed = accept(partner.user(), row, signatory_title="Managing director")
    after = command_is_consistent(partner.user(), signed)
    assert (after["status"], after["signatory_name"], after["signatory_title"]) == (
        "accepted", "Jana Vogt", "Managing director")
    assert after["accepted_by_id"] == partner.user().id and after["accepted_hash"] == row["text_hash"]
    assert after["accepted_at"] and after["accepted_from"] == "127.0.0.1"
    assert [event["type"] for event in events_of(world.admin, row["id"], 2)] == [
        "partner_agreement.offered", "partner_agreement.accepted"]


def test_only_the_words_that_were_read(world):
    row = world.offer(world.new_partner()["id"])
    refused = accept(world.admin, row, text_hash="0" * 64, expect=422)
    assert refused.errors() == {("#/text_hash", "inconsistent")}
    accept(world.admin, row, text_hash=row["text_hash"].upper())


def test_the_next_edition_supersedes(world):
    partner = world.new_partner()
    first = world.make_template(publish=True)
    old = accept(world.admin, world.offer(partner["id"], first)).json
    second = world.make_template(first["key"], publish=True, text="More.")
    assert world.refresh(old)["status"] == "accepted", "until the new one is accepted"
    new = world.offer(partner["id"], second)
    accept(world.admin, new)
    assert world.refresh(old)["status"] == "superseded" and world.refresh(new)["status"] == "accepted"
    assert events_of(world.admin, old["id"], 3)[-1]["type"] == "partner_agreement.superseded"
    other = accept(world.admin, world.offer(partner["id"])).json
    assert world.refresh(new)["status"] == "accepted" and other["status"] == "accepted", "another key is another matter"


def test_what_is_offered(world):
    partner, draft = world.new_partner()["id"], world.make_template()
    offer = lambda **members: world.admin.post(AGREEMENTS, {"partner_id": partner, "template_id": draft["id"], **members})
    assert offer().errors() == {("#/template_id", "inconsistent")}
    assert offer(partner_id=nobody(), template_id=nobody()).errors() == {
        ("#/template_id", "reference_not_found"), ("#/partner_id", "reference_not_found")}
    published = world.act("agreement-templates", draft, "publish")
    row = offer(template_id=published["id"])
    assert row.status == 201 and offer(template_id=published["id"]).problem == "already_exists"
    gone = world.act("partner-agreements", row.json, "withdraw")
    accept(world.admin, gone, expect=409)
    assert offer(template_id=published["id"]).status == 201


def test_accepted_once(world):
    row = world.offer(world.new_partner()["id"])
    answers = at_once([lambda: world.admin.post(f"{AGREEMENTS}/{row['id']}/accept", {
        "text_hash": row["text_hash"], "signatory_name": f"N{number}"}, if_match=row["version"]) for number in range(12)])
    assert sorted(answer.status for answer in answers) == [200] + [412] * 11


def test_needed_before_activation(world):
    template = world.make_template("needed", publish=True)
    kind = world.partner_type("content_provider")
    change = lambda key, expect=200: world.admin.patch(
        f"/v1/partner-types/{kind['id']}", {"agreement_key": key}, if_match="*", expect=expect)
    assert change("never_heard_of", expect=422).errors() == {("#/agreement_key", "reference_not_found")}
    change("needed")
    row = world.new_partner(type="content_provider")
    activate = lambda expect, **how: world.admin.post(
        f"/v1/partners/{row['id']}/activate", if_match=row["version"], expect=expect, **how)
    assert "needed" in activate(409, problem="agreement_required")["detail"]
    offered = world.offer(row["id"], template)
    activate(409, problem="agreement_required")
    accept(world.admin, offered)
    assert activate(200)["status"] == "active"
    change(None)
    world.act("partners", world.new_partner(type="content_provider"), "activate")


def test_walls(world):
    a, b = world.partner("a"), world.partner("b")
    row = world.offer(a.id)
    is_as_missing(b.api, AGREEMENTS + "/{}", row["id"])
    b.user().post(f"{AGREEMENTS}/{row['id']}/accept", {"text_hash": row["text_hash"], "signatory_name": "x"},
                  if_match="*", expect=404)
    a.user("partner_member").post(f"{AGREEMENTS}/{row['id']}/accept", {
        "text_hash": row["text_hash"], "signatory_name": "x"}, if_match="*", expect=403)
    is_as_missing(a.api, TEMPLATES + "/{}", world.make_template()["id"])


@pytest.mark.parametrize("members, where", [
    ({"key": "Main"}, "#/key"), ({"text": ""}, "#/text"), ({"title": " "}, "#/title"), ({"edition": 3}, "#/edition")])
def test_refused_templates(world, members, where):
    refused = world.admin.post(TEMPLATES, {"key": "k", "title": "t", "text": "x", **members}, expect=422)
    assert where in {place for place, _ in refused.errors()}
