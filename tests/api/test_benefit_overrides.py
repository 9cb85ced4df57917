# SPDX-License-Identifier: Apache-2.0
"""What a single partner is entitled to otherwise than by its tier, with a reason and an end."""
import pytest

from support.judge import command_is_consistent, events_of, nobody
from support.parallel import at_once
from support.world import World

PATH = "/v1/benefit-overrides"
END = "2030-07-01T00:00:00Z"


@pytest.fixture(scope="module")
def place(server, database_url):
    """On the 1st of June 2030 the tier of partner "a" gives an MDF rate of 300; what it does not give is in `extra`."""
    world = World(server, database_url)
    world.set_clock("2030-06-01T00:00:00Z")
    world.rate = world.make_benefit(kind="bps")
    world.extra = world.make_benefit()
    world.tier = world.make_tier(benefits=[{"key": world.rate["key"], "value": 300}])
    return world


@pytest.fixture
def partner(place):
    return place.make_partner(place.tier["id"])


def entitled(by, partner, benefit):
    return next((row for row in by.list(f"/v1/partners/{partner.id}/benefits") if row["key"] == benefit["key"]), None)


def test_given_for_a_time(place, partner):
    row = place.override(partner.id, place.rate["id"], value=500, valid_until=END)
    assert row["status"] == "active" and row["reason"] == "Agreed on the phone" and row["allowed_actions"] == ["end"]
    seen = entitled(partner.api, partner, place.rate)
    assert (seen["value"], seen["valid_until"], seen["next_value"]) == (500, "2030-07-01T00:00:00.000Z", 300)
    assert seen["source"] == {"type": "override", "id": row["id"], "name": "Individual agreement", "terms_version": 1}
    mine = partner.api.get(f"{PATH}/{row['id']}", expect=200).json
    assert (mine["value"], mine["reason"], mine["end_reason"], mine["allowed_actions"]) == (500, None, None, [])
    assert [entry["id"] for entry in partner.api.list(PATH)] == [row["id"]]


def test_ended_before_its_time(place, partner):
    row = place.override(partner.id, place.rate["id"], value=500, valid_until=END)
    answer = place.admin.post(f"{PATH}/{row['id']}/end", {"reason": "Called off"}, if_match=1, expect=200)
    after = command_is_consistent(place.admin, answer)
    assert (after["status"], after["end_reason"]) == ("cancelled", "Called off"), "it began in this instant"
    seen = entitled(partner.api, partner, place.rate)
    assert (seen["value"], seen["source"]["type"], seen["valid_until"]) == (300, "tier", None)
    place.admin.post(f"{PATH}/{row['id']}/end", {"reason": "x"}, if_match=2, expect=409, problem="invalid_transition")


def test_taken_away_and_given_beyond_the_tier(place, partner):
    place.override(partner.id, place.rate["id"], value=None, valid_until=END)
    assert entitled(place.admin, partner, place.rate) is None
    assert entitled(place.admin, partner, place.extra) is None
    place.override(partner.id, place.extra["id"], valid_until=END)
    seen = entitled(place.admin, partner, place.extra)
    assert (seen["value"], seen["next_value"], seen["valid_until"]) == (True, None, "2030-07-01T00:00:00.000Z")


@pytest.mark.parametrize("kind, value", [("boolean", True), ("number", 7), ("text", 'a "text"'), ("choice", "low")])
def test_events_show_a_value_of_any_kind(place, partner, kind, value):
    benefit = place.make_benefit(kind=kind, **({"choices": ["low", "high"]} if kind == "choice" else {}))
    row = place.override(partner.id, benefit["id"], value=value, valid_until=END)
    assert row["value"] == value
    [event] = events_of(place.admin, row["id"], 1)
    assert event["data"]["value"] == value


def test_one_at_a_time(place, partner):
    first = place.override(partner.id, place.rate["id"], value=500, valid_until=END)
    body = {"partner_id": partner.id, "benefit_id": place.rate["id"], "value": 400, "reason": "x"}
    refused = place.admin.post(PATH, {**body, "valid_until": "2030-06-02T00:00:00Z"}, expect=409, problem="already_exists")
    assert refused["resource_id"] == first["id"] and refused.errors() == {("#/benefit_id", "not_unique")}
    later = place.override(partner.id, place.rate["id"], value=400, valid_from=END, valid_until="2030-08-01T00:00:00Z")
    assert later["status"] == "scheduled"
    assert entitled(place.admin, partner, place.rate)["next_value"] == 400, "one follows the other"


def test_of_many_at_once_one_wins(place, partner):
    body = {"partner_id": partner.id, "benefit_id": place.rate["id"], "value": 500, "reason": "x", "valid_until": END}
    answers = at_once([lambda: place.admin.post(PATH, body)] * 6)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5
    assert {answer.problem for answer in answers if answer.status == 409} == {"already_exists"}


@pytest.mark.parametrize("members, errors", [
    ({"value": True}, {("#/value", "wrong_type")}), ({"value": 10001}, {("#/value", "too_large")}),
    ({"value": -1}, {("#/value", "too_small")}), ({"value": "500"}, {("#/value", "wrong_type")}),
    ({"value": ""}, {("#/value", "too_short")}), ({"reason": " "}, {("#/reason", "invalid_format")}),
    ({"valid_until": "2030-06-01T00:00:00Z"}, {("#/valid_until", "inconsistent")}),
    ({"valid_from": "2030-05-01T00:00:00Z", "value": 10001},
     {("#/valid_from", "too_small"), ("#/value", "too_large")}),
    ({"partner_id": nobody(), "benefit_id": nobody()},
     {("#/partner_id", "reference_not_found"), ("#/benefit_id", "reference_not_found")}),
], ids=range(9))
def test_bad_overrides_are_refused_at_their_place(place, members, errors):
    body = {"partner_id": place.partner("a").id, "benefit_id": place.rate["id"], "value": 500, "reason": "x",
            "valid_until": END, **members}
    assert place.admin.post(PATH, body, expect=422).errors() == errors


def test_retired_benefits_and_terminated_partners(place, partner):
    gone = place.act("benefits", place.make_benefit(), "retire")
    body = {"partner_id": partner.id, "benefit_id": gone["id"], "value": True, "reason": "x", "valid_until": END}
    assert place.admin.post(PATH, body, expect=422).errors() == {("#/benefit_id", "inconsistent")}
    row = place.admin.get(f"/v1/partners/{partner.id}").json
    place.act("partners", row, "terminate", {"reason": "x"})
    place.admin.post(PATH, {**body, "benefit_id": place.rate["id"], "value": 1}, expect=409, problem="partner_not_active")
