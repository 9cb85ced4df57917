# SPDX-License-Identifier: Apache-2.0
"""Fields that a program defines for its deals: definitions, values of every kind, and whose eyes they are for."""
import pytest

from support.judge import command_is_consistent
from support.world import DEAL, World, unique

PATH = "/v1/custom-fields"
FIELDS = {  # one of each kind, values that fit and that do not, with the code of the refusal
    "note": ({"kind": "text"}, ["", "x" * 1000, "Größe"], [(1, "wrong_type"), (["a"], "wrong_type"), ("x" * 1001, "too_long")]),
    "seats": ({"kind": "integer"}, [0, -5, 2**53 - 1], [("5", "wrong_type"), (1.5, "wrong_type"), (2**53, "too_large")]),
    "rate": ({"kind": "number"}, [1, 1.25, -0.5], [("1", "wrong_type"), (True, "wrong_type")]),
    "pilot": ({"kind": "boolean"}, [True, False], [(0, "wrong_type"), ("true", "wrong_type")]),
    "starts_on": ({"kind": "date"}, ["2026-02-28", "2028-02-29"],
                  [("2026-02-29", "invalid_format"), ("1.2.2026", "invalid_format"), (20260228, "wrong_type")]),
    "campaign": ({"kind": "choice", "choices": ["spring", "autumn"]}, ["spring"],
                 [("winter", "invalid_choice"), (True, "wrong_type"), ("Spring", "invalid_choice")]),
    "modules": ({"kind": "multi_choice", "choices": ["core", "exams", "shop"]}, ["", "shop;core"],
                [(1, "wrong_type"), ("core;core", "not_unique"), ("core;x", "invalid_choice"), ("core,shop", "invalid_choice")]),
}


@pytest.fixture(scope="module")
def place(server, database_url):
    """A program that has defined fields: others of the module's programs take any name."""
    made = World(server, database_url)
    for key, (members, _, _) in FIELDS.items():
        made.make_custom_field(key=key, visibility="all", **members)
    made.make_custom_field(key="region", is_required=True, visibility="all")
    made.make_custom_field(key="margin_note")
    made.make_custom_field(key="risk", kind="choice", choices=["low", "high"])
    return made


def register(place, fields, by=None, expect=201, **members):
    return (by or place.partner("a").api).post(
        "/v1/deals", {**DEAL, "custom_fields": {"region": "north", **fields}, **members}, expect=expect)


def write(place, body, by=None, deal=None, expect=200):
    deal = deal or register(place, {}).json
    return (by or place.partner("a").api).patch(f"/v1/deals/{deal['id']}", body, if_match="*", expect=expect)


def cases(index):
    return [pytest.param(key, value, id=f"{key}-{number}") for key, entry in FIELDS.items()
            for number, value in enumerate(entry[index])]


class TestDefinitions:
    def test_a_definition(self, world):
        key = unique("key").replace("-", "_")
        made = world.admin.post(PATH, {"of_object": "deal", "key": key, "label": "Key", "kind": "text",
                                       "visibility": "vendor"}, expect=201)
        row = command_is_consistent(world.admin, made)
        assert (row["description"], row["choices"], row["is_required"], row["status"]) == (None, [], False, "active")
        after = world.admin.patch(f"{PATH}/{row['id']}", {"label": "Other", "description": "d"}, if_match=1, expect=200)
        assert (after["label"], after["description"], after["version"]) == ("Other", "d", 2)
        retired = world.act("custom-fields", after.json, "retire")
        assert (retired["status"], retired["allowed_actions"]) == ("retired", ["reinstate"])
        assert world.act("custom-fields", retired, "reinstate")["status"] == "active"
        world.admin.post(PATH, {"of_object": "deal", "key": key, "label": "Again", "kind": "text"}, expect=409,
                         problem="already_exists")

    @pytest.mark.parametrize("members, errors", [
        ({"kind": "choice"}, {("#/choices", "required")}),
        ({"kind": "multi_choice", "choices": []}, {("#/choices", "required")}),
        ({"kind": "text", "choices": ["a"]}, {("#/choices", "inconsistent")}),
        ({"kind": "choice", "visibility": "vendor", "is_required": True},
         {("#/choices", "required"), ("#/is_required", "inconsistent")}),
        ({"kind": "choice", "choices": ["a", "a"]}, {("#/choices/1", "not_unique")}),
        ({"kind": "multi_choice", "choices": ["a;b"]}, {("#/choices/0", "invalid_format")}),
        ({"kind": "money"}, {("#/kind", "invalid_choice")}),
        ({"kind": "text", "key": "Not a key"}, {("#/key", "invalid_format")}),
        ({"kind": "text", "of_object": "partner"}, {("#/of_object", "invalid_choice")}),
    ], ids=["no-choices", "empty-choices", "choices-of-a-text", "vendors-required", "twice", "semicolon", "kind", "key", "object"])
    def test_refused(self, world, members, errors):
        body = {"of_object": "deal", "key": "refused", "label": "x", **members}
        assert world.admin.post(PATH, body, expect=422).errors() == errors

    def test_a_patch_is_judged_as_a_whole(self, world):
        row = world.make_custom_field(kind="choice", choices=["a"])
        path = f"{PATH}/{row['id']}"
        assert world.admin.patch(path, {"choices": []}, if_match=1, expect=422).errors() == {("#/choices", "required")}
        assert world.admin.patch(path, {"is_required": True}, if_match=1, expect=422).errors() == {
            ("#/is_required", "inconsistent")}
        for name in ("kind", "key", "of_object", "visibility"):
            refused = world.admin.patch(path, {name: row[name]}, if_match=1, expect=422)
            assert {pointer for pointer, _ in refused.errors()} == {f"#/{name}"}

    def test_who_sees_which(self, place):
        keys = lambda client: {row["key"] for row in client.list(PATH)}
        assert keys(place.partner("a").api) == {*FIELDS, "region"} == keys(place.partner("a").user("partner_member"))
        assert keys(place.user("viewer")) == {*FIELDS, "region", "margin_note", "risk"}
        hidden = place.admin.list(PATH, {"key": "risk"})[0]
        place.partner("a").api.get(f"{PATH}/{hidden['id']}", expect=404)


@pytest.mark.parametrize("key, value", cases(1))
def test_values_that_fit(place, key, value):
    assert register(place, {key: value}).json["custom_fields"] == {"region": "north", key: value}


@pytest.mark.parametrize("key, bad", cases(2))
def test_values_that_do_not_fit(place, key, bad):
    value, code = bad
    for refused in (register(place, {key: value}, expect=422), write(place, {"custom_fields": {key: value}}, expect=422)):
        assert refused.errors() == {(f"#/custom_fields/{key}", code)}, refused


def test_all_faults_at_once(place):
    body = {**DEAL, "custom_fields": {"seats": "x", "campaign": "x", "a/b~ü": 1}}
    refused = place.partner("a").api.post("/v1/deals", body, expect=422)
    assert refused.errors() == {
        ("#/custom_fields/seats", "wrong_type"), ("#/custom_fields/campaign", "invalid_choice"),
        ("#/custom_fields/a~1b~0%C3%BC", "unknown_field"), ("#/custom_fields/region", "required")}


def test_what_is_required(place):
    partner = place.partner("a")
    missing = {("#/custom_fields/region", "required")}
    assert partner.api.post("/v1/deals", {**DEAL}, expect=422).errors() == missing
    assert register(place, {"region": None}, expect=422).errors() == missing
    draft = partner.deal(draft=True, custom_fields={"seats": 4})
    refused = partner.api.post(f"/v1/deals/{draft['id']}/submit", if_match=draft["version"], expect=422)
    assert refused.errors() == missing
    deal = write(place, {"custom_fields": {"region": "south"}}, deal=draft).json
    assert deal["custom_fields"] == {"seats": 4, "region": "south"}
    deal = place.act("deals", deal, "submit", by=partner.api)
    assert write(place, {"custom_fields": {"region": None}}, deal=deal, expect=422).errors() == missing
    assert write(place, {"custom_fields": {"seats": None}}, deal=deal)["custom_fields"] == {"region": "south"}


def test_the_vendors_own(place):
    partner = place.partner("a")
    deal = register(place, {}).json
    assert deal["vendor_custom_fields"] is None
    own = {"vendor_custom_fields": {"risk": "high"}}
    after = write(place, {"vendor_custom_fields": {"risk": "high", "margin_note": "thin"}}, place.admin, deal)
    assert after["vendor_custom_fields"] == {"risk": "high", "margin_note": "thin"}
    after = write(place, {"vendor_custom_fields": {"margin_note": None}}, place.admin, deal)
    assert after["vendor_custom_fields"] == {"risk": "high"}
    assert partner.api.get(f"/v1/deals/{deal['id']}")["vendor_custom_fields"] is None
    assert "high" not in str(partner.api.list(f"/v1/deals/{deal['id']}/timeline"))
    unknown = {("#/vendor_custom_fields", "unknown_field")}
    assert write(place, own, deal=deal, expect=422).errors() == unknown
    assert register(place, {}, expect=422, **own).errors() == unknown
    assert write(place, {"custom_fields": {"risk": "high"}}, deal=deal, expect=422).errors() == {
        ("#/custom_fields/risk", "unknown_field")}
    assert write(place, {"vendor_custom_fields": {"risk": "none", "seats": 1}}, place.admin, deal, 422).errors() == {
        ("#/vendor_custom_fields/risk", "invalid_choice"), ("#/vendor_custom_fields/seats", "unknown_field")}
    won = place.deal_in("won", partner, custom_fields={"region": "x"})
    assert write(place, own, place.admin, won)["vendor_custom_fields"] == {"risk": "high"}
    write(place, {"custom_fields": {"region": "y"}, **own}, place.admin, won, 409)


def test_a_retired_field_keeps_its_values(place):
    field = place.make_custom_field(key="legacy", kind="integer", is_required=True, visibility="all")
    deal = register(place, {"legacy": 7}).json
    place.act("custom-fields", field, "retire")
    after = write(place, {"custom_fields": {"seats": 1}}, deal=deal)
    assert after["custom_fields"] == {"region": "north", "legacy": 7, "seats": 1}
    for fields in ({"legacy": 8}, {"legacy": None}):
        assert write(place, {"custom_fields": fields}, deal=deal, expect=422).errors() == {
            ("#/custom_fields/legacy", "unknown_field")}
    register(place, {})


def test_without_definitions_any_name_goes(world):
    deal = world.partner("a").deal(custom_fields={"Anything at all": "x", "n": 1.5, "b": True})
    assert deal["custom_fields"] == {"Anything at all": "x", "n": 1.5, "b": True}
