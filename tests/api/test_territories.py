# SPDX-License-Identifier: Apache-2.0
"""Regions as a tree, and whose they are: an exclusive keeps all others out of its region, of what lies below and above."""
import pytest

from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.world import World, unique

NOW = "2026-06-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def world(server, database_url):
    made = World(server, database_url)
    made.set_clock(NOW)
    return made


@pytest.fixture
def dach(world):
    """EMEA over DACH over Germany over Bavaria, and Austria beside Germany."""
    emea = world.make_region()
    tree = {"emea": emea, "dach": world.make_region(emea)}
    tree["de"], tree["at"] = world.make_region(tree["dach"]), world.make_region(tree["dach"])
    tree["by"] = world.make_region(tree["de"])
    return tree


def post(world, partner, region, **members):
    return world.admin.post("/v1/territory-assignments", {
        "partner_id": partner.id, "region_id": region["id"], **members})


def is_taken(answer, by=None):
    assert answer.status == 409 and answer.problem == "territory_taken", answer
    assert answer.errors() == {("#/region_id", "not_unique")}
    assert by is None or answer["resource_id"] == by["id"]


# ---- regions ----

class TestRegions:
    def test_created(self, world):
        root = world.make_region(countries=["LU", "BE"])
        answer = world.admin.post("/v1/regions", {"key": "r_" + unique("x")[2:], "name": "Flanders", "parent_id": root["id"]},
                                  expect=201)
        row = command_is_consistent(world.admin, answer)
        assert row["path"] == f"{root['key']}/{row['key']}" and row["countries"] == []
        assert root["countries"] == ["BE", "LU"] and root["parent_id"] is None and root["path"] == root["key"]

    def test_the_tree_in_its_order(self, world, dach):
        keys = [row["key"] for row in world.admin.list("/v1/regions", {"below": dach["emea"]["id"]})]
        below = sorted([("de", dach["de"]["key"]), ("at", dach["at"]["key"])], key=lambda entry: entry[1])
        expected = [dach["dach"]["key"]]
        for name, key in below:
            expected += [key] + ([dach["by"]["key"]] if name == "de" else [])
        assert keys == expected
        paths = [row["path"] for row in world.admin.list("/v1/regions", {"sort": "-path"}, limit=3)]
        assert paths == sorted(paths, key=lambda path: path + "/", reverse=True)
        right_below = world.admin.list("/v1/regions", {"parent_id": dach["dach"]["id"]})
        assert {row["id"] for row in right_below} == {dach["de"]["id"], dach["at"]["id"]}

    def test_a_country_lies_in_one_region(self, world, dach):
        world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"countries": ["DE"]}, if_match=1, expect=200)
        refused = world.admin.post("/v1/regions", {"key": "other_germany", "name": "x", "countries": ["NL", "DE", "FR"]},
                                   expect=422)
        assert refused.errors() == {("#/countries/1", "not_unique")}
        found = {row["id"] for row in world.admin.list("/v1/regions", {"country": "DE"})}
        assert found == {dach[name]["id"] for name in ("de", "dach", "emea")}
        assert world.admin.list("/v1/regions", {"country": "AQ"}) == []
        changed = world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"countries": []}, if_match=2, expect=200)
        assert changed["countries"] == []

    def test_all_faults_at_once(self, world):
        world.make_region(countries=["IS", "NO"])
        refused = world.admin.post("/v1/regions", {"key": "nordics", "name": "x", "parent_id": nobody(),
                                                   "countries": ["NO", "SE", "IS"]}, expect=422)
        assert refused.errors() == {("#/parent_id", "reference_not_found"), ("#/countries/0", "not_unique"),
                                    ("#/countries/2", "not_unique")}
        refused = world.admin.post("/v1/regions", {"key": "No", "name": " ", "countries": ["XX", "DE", "DE"]}, expect=422)
        assert {place for place, _ in refused.errors()} >= {"#/key", "#/name", "#/countries/0"}

    def test_keys_are_unique(self, world, dach):
        refused = world.admin.post("/v1/regions", {"key": dach["de"]["key"], "name": "x"}, expect=409,
                                   problem="already_exists")
        assert refused.errors() == {("#/key", "not_unique")}
        refused = world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"key": "new"}, if_match=1, expect=422)
        assert refused.errors() == {("#/key", "read_only_field")}

    @pytest.mark.parametrize("parent", ["dach", "de", "by"])
    def test_no_cycles(self, world, dach, parent):
        refused = world.admin.patch(f"/v1/regions/{dach['dach']['id']}", {"parent_id": dach[parent]["id"]}, if_match=1,
                                    expect=422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}

    def test_eight_levels(self, world):
        rows = [world.make_region()]
        for _ in range(7):
            rows.append(world.make_region(rows[-1]))
        refused = world.admin.post("/v1/regions", {"key": "ninth", "name": "x", "parent_id": rows[-1]["id"]}, expect=422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}
        other = world.make_region()
        refused = world.admin.patch(f"/v1/regions/{rows[1]['id']}", {"parent_id": world.make_region(other)["id"]}, if_match=1,
                                    expect=422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}
        world.admin.patch(f"/v1/regions/{rows[1]['id']}", {"parent_id": other["id"]}, if_match=1, expect=200)

    def test_what_lies_below_moves_along(self, world, dach):
        partner = world.make_partner()
        made = world.assign(partner, dach["by"])
        tag = world.admin.get(f"/v1/regions/{dach['by']['id']}").etag
        answer = world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"parent_id": dach["emea"]["id"]}, if_match=1, expect=200)
        command_is_consistent(world.admin, answer)
        path = f"{dach['emea']['key']}/{dach['de']['key']}/{dach['by']['key']}"
        after = world.admin.get(f"/v1/regions/{dach['by']['id']}", headers={"If-None-Match": tag})
        assert after["path"] == path, "a path is newer than the version of the region"
        assert world.refresh(made)["region_path"] == path
        root = world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"parent_id": None}, if_match=2, expect=200)
        assert root["path"] == dach["de"]["key"]

    def test_a_dry_run_moves_nothing(self, world, dach):
        moved = world.admin.request("PATCH", f"/v1/regions/{dach['de']['id']}", {"parent_id": None},
                                    query={"dry_run": "true"}, if_match=1, expect=200)
        assert moved["path"] == dach["de"]["key"]
        assert world.refresh(dach["by"]) == dach["by"]

    def test_retired_when_nobody_needs_it(self, world, dach):
        partner = world.make_partner()
        made = world.assign(partner, dach["by"], valid_from="2026-07-01T00:00:00Z")
        for name in ("by", "de"):
            world.admin.post(f"/v1/regions/{dach[name]['id']}/retire", if_match=1, expect=409, problem="region_in_use")
        world.act("territory-assignments", made, "end", {"reason": "x"})
        row = world.act("regions", dach["by"], "retire")
        assert row["status"] == "retired" and row["allowed_actions"] == []
        world.admin.post(f"/v1/regions/{row['id']}/retire", if_match=2, expect=409, problem="invalid_transition")
        refused = world.admin.post("/v1/territory-assignments", {"partner_id": partner.id, "region_id": row["id"]}, expect=422)
        assert refused.errors() == {("#/region_id", "inconsistent")}
        refused = world.admin.post("/v1/regions", {"key": "below_it", "name": "x", "parent_id": row["id"]}, expect=422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}
        assert world.act("regions", dach["de"], "retire")["status"] == "retired"

    def test_partners_read_the_map(self, world, dach):
        partner = world.partner("a").api
        assert partner.get(f"/v1/regions/{dach['de']['id']}")["allowed_actions"] == []
        assert dach["de"]["id"] in {row["id"] for row in partner.list("/v1/regions")}
        partner.post("/v1/regions", {"key": "mine", "name": "x"}, expect=403, problem="insufficient_scope")


# ---- assignments ----

def test_assigned(world, dach):
    world.admin.patch(f"/v1/regions/{dach['de']['id']}", {"countries": ["DE"]}, if_match="*", expect=200)
    world.admin.patch(f"/v1/regions/{dach['at']['id']}", {"countries": ["AT", "LI"]}, if_match="*", expect=200)
    partner = world.make_partner()
    answer = post(world, partner, dach["dach"], is_exclusive=True, valid_to="2027-01-01T00:00:00+01:00", note="By contract")
    row = command_is_consistent(world.admin, answer)
    assert row["status"] == "active" and row["allowed_actions"] == ["end"]
    assert row["countries"] == ["AT", "DE", "LI"]
    assert (row["valid_from"], row["valid_to"]) == (NOW, "2026-12-31T23:00:00.000Z")
    assert row["partner_name"] == partner.name and row["region_path"] == dach["dach"]["path"]
    for region in ("de", "at"):
        world.admin.patch(f"/v1/regions/{dach[region]['id']}", {"countries": []}, if_match="*", expect=200)
    assert world.refresh(row)["countries"] == []


@pytest.mark.parametrize("held, wanted, is_free", [
    ("dach", "dach", False), ("dach", "de", False), ("dach", "by", False), ("de", "dach", False), ("by", "emea", False),
    ("de", "at", True), ("by", "at", True),
])
def test_exclusives_over_the_tree(world, dach, held, wanted, is_free):
    first = world.assign(world.make_partner(), dach[held], is_exclusive=True)
    partner = world.make_partner()
    for answer in (post(world, partner, dach[wanted], is_exclusive=True), post(world, partner, dach[wanted])):
        if is_free:
            assert answer.status == 201
        else:
            is_taken(answer, first)


def test_an_exclusive_comes_after_nobody(world, dach):
    """What another partner has in the region stands in the way of an exclusive; one's own does not."""
    a, b = world.make_partner(), world.make_partner()
    shared = [world.assign(partner, dach["de"]) for partner in (a, b)]
    is_taken(post(world, a, dach["dach"], is_exclusive=True), shared[1])
    world.act("territory-assignments", shared[1], "end", {"reason": "x"})
    made = post(world, a, dach["dach"], is_exclusive=True)
    assert made.status == 201
    assert world.refresh(shared[0])["status"] == "active"


def test_periods_are_half_open(world, dach):
    a, b = world.make_partner(), world.make_partner()
    held = world.assign(a, dach["de"], is_exclusive=True, valid_from="2026-07-01T00:00:00Z", valid_to="2026-08-01T00:00:00Z")
    after = {"is_exclusive": True, "valid_from": "2026-08-01T00:00:00Z"}
    before = {"is_exclusive": True, "valid_from": NOW, "valid_to": "2026-07-01T00:00:00Z"}
    is_taken(post(world, b, dach["de"], is_exclusive=True, valid_from="2026-07-31T23:59:59.999999Z"), held)
    is_taken(post(world, b, dach["de"], **{**before, "valid_to": "2026-07-01T00:00:00.000001Z"}), held)
    assert post(world, b, dach["de"], **after).status == post(world, b, dach["de"], **before).status == 201


def test_nobody_has_the_same_twice(world, dach):
    partner = world.make_partner()
    first = world.assign(partner, dach["de"])
    refused = post(world, partner, dach["de"])
    assert refused.problem == "already_exists" and refused["resource_id"] == first["id"]
    assert refused.errors() == {("#/region_id", "not_unique")}
    assert post(world, partner, dach["dach"]).status == 201
    exclusive = post(world, partner, dach["de"], is_exclusive=True)
    assert exclusive.status == 201
    refused = post(world, partner, dach["by"], is_exclusive=True)
    assert refused.problem == "already_exists" and refused["resource_id"] == exclusive["id"], "it is theirs through Germany"


def test_for_a_product(world, dach):
    """No product is every product; two of them keep out of each other's way."""
    a, b = world.make_partner(), world.make_partner()
    seats, content = world.make_product(), world.make_product()
    answer = post(world, a, dach["de"], is_exclusive=True, product_id=seats["id"])
    row = command_is_consistent(world.admin, answer)
    assert (row["product_id"], row["product_key"], row["product_name"]) == (seats["id"], seats["key"], seats["name"])
    is_taken(post(world, b, dach["dach"], product_id=seats["id"]), row)
    is_taken(post(world, b, dach["by"]), row)
    other = post(world, b, dach["by"], is_exclusive=True, product_id=content["id"])
    assert other.status == 201
    found = {entry["id"] for entry in world.admin.list("/v1/territory-assignments", {"product_id": content["id"]})}
    assert found == {other["id"]}
    world.act("products", seats, "retire")
    for product_id, code in ((nobody(), "reference_not_found"), (seats["id"], "inconsistent")):
        refused = post(world, a, dach["at"], product_id=product_id)
        assert refused.status == 422 and refused.errors() == {("#/product_id", code)}
    ended = world.act("territory-assignments", row, "end", {"reason": "It is not sold any more."})
    assert ended["product_name"] == seats["name"], "what is there can be ended all the same"


def test_all_faults_at_once(world, dach):
    refused = world.admin.post("/v1/territory-assignments", {
        "partner_id": nobody(), "region_id": nobody(), "valid_from": "2026-08-01T00:00:00Z",
        "valid_to": "2026-08-01T00:00:00Z"}, expect=422)
    assert refused.errors() == {("#/partner_id", "reference_not_found"), ("#/region_id", "reference_not_found"),
                                ("#/valid_to", "inconsistent")}


def test_a_terminated_partner_gets_nothing(world, dach):
    partner = world.new_partner()
    world.act("partners", partner, "terminate", {"reason": "x"})
    world.admin.post("/v1/territory-assignments", {"partner_id": partner["id"], "region_id": dach["de"]["id"]}, expect=409,
                     problem="partner_not_active")


def test_termination_ends_what_the_partner_has(world, dach):
    """What runs ends, what was to come is cancelled, what is over stays; each is told, and all of it is free again."""
    partner = world.make_partner()
    over = world.assign(partner, dach["at"], valid_from="2026-01-01T00:00:00Z", valid_to="2026-03-01T00:00:00Z")
    runs = world.assign(partner, dach["de"], is_exclusive=True, valid_from="2026-05-01T00:00:00Z")
    comes = world.assign(partner, dach["at"], is_exclusive=True, valid_from="2026-08-01T00:00:00Z")
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    world.admin.post(f"/v1/partners/{partner.id}/terminate", {"reason": "x"}, if_match=row["version"], key=nobody(), expect=200)
    after = [world.refresh(entry) for entry in (runs, comes, over)]
    assert [entry["status"] for entry in after] == ["ended", "cancelled", "ended"]
    assert [entry["version"] for entry in after] == [2, 2, 1] and after[0]["valid_to"] == NOW
    assert {entry["end_reason"] for entry in after[:2]} == {"The partner was terminated."}
    for entry in after[:2]:
        events = events_of(world.admin, entry["id"], 2)
        assert [event["type"] for event in events] == ["territory_assignment.created", "territory_assignment.ended"]
        assert events[1]["data"] == entry and events[1]["actor"] == {"type": "user", "id": world.admin_id}
    assert post(world, world.make_partner(), dach["dach"], is_exclusive=True).status == 201


def test_a_dry_run_keeps_nothing(world, dach):
    partner = world.make_partner()
    body = {"partner_id": partner.id, "region_id": dach["de"]["id"], "is_exclusive": True}
    row = world.admin.request("POST", "/v1/territory-assignments", body, query={"dry_run": "true"}, expect=201)
    assert row["status"] == "active"
    assert world.admin.list("/v1/territory-assignments", {"partner_id": partner.id}) == []
    world.assign(world.make_partner(), dach["by"])
    refused = world.admin.request("POST", "/v1/territory-assignments", body, query={"dry_run": "true"})
    is_taken(refused)


class TestChanges:
    def test_the_end_moves(self, world, dach):
        a, b = world.make_partner(), world.make_partner()
        row = world.assign(a, dach["de"], is_exclusive=True, valid_to="2026-09-01T00:00:00Z")
        later = world.assign(b, dach["de"], valid_from="2026-10-01T00:00:00Z")
        path = f"/v1/territory-assignments/{row['id']}"
        changed = world.admin.patch(path, {"valid_to": "2026-10-01T00:00:00Z"}, if_match=1, expect=200)
        command_is_consistent(world.admin, changed)
        is_taken(world.admin.patch(path, {"valid_to": None}, if_match=2), later)
        refused = world.admin.patch(path, {"valid_to": "2026-05-31T23:59:59Z"}, if_match=2, expect=422)
        assert ("#/valid_to", "too_small") in refused.errors()
        refused = world.admin.patch(path, {"valid_from": NOW}, if_match=2, expect=422)
        assert refused.errors() == {("#/valid_from", "read_only_field")}

    def test_it_becomes_exclusive(self, world, dach):
        a, b = world.make_partner(), world.make_partner()
        row, other = world.assign(a, dach["de"]), world.assign(b, dach["by"])
        path = f"/v1/territory-assignments/{row['id']}"
        is_taken(world.admin.patch(path, {"is_exclusive": True}, if_match=1), other)
        world.act("territory-assignments", other, "end", {"reason": "x"})
        assert world.admin.patch(path, {"is_exclusive": True}, if_match=1, expect=200)["is_exclusive"] is True

    def test_a_move_may_not_break_exclusivity(self, world, dach):
        apart = world.make_region()
        held = world.assign(world.make_partner(), dach["dach"], is_exclusive=True)
        mine = world.assign(world.make_partner(), apart)
        refused = world.admin.patch(f"/v1/regions/{apart['id']}", {"parent_id": dach["de"]["id"]}, if_match=1, expect=409,
                                    problem="territory_taken")
        assert refused.errors() == {("#/parent_id", "not_unique")} and refused["resource_id"] == mine["id"]
        world.act("territory-assignments", held, "end", {"reason": "x"})
        world.admin.patch(f"/v1/regions/{apart['id']}", {"parent_id": dach["de"]["id"]}, if_match=1, expect=200)

    def test_a_region_that_is_added_below_is_taken_too(self, world, dach):
        held = world.assign(world.make_partner(), dach["dach"], is_exclusive=True)
        is_taken(post(world, world.make_partner(), world.make_region(dach["by"])), held)


class TestEnding:
    def test_now(self, world, dach):
        row = world.assign(world.make_partner(), dach["de"], is_exclusive=True, valid_from="2026-05-01T00:00:00Z")
        ended = world.act("territory-assignments", row, "end", {"reason": "The partner left the market."})
        assert (ended["status"], ended["valid_to"], ended["end_reason"]) == ("ended", NOW, "The partner left the market.")
        assert ended["allowed_actions"] == []
        world.admin.post(f"/v1/territory-assignments/{row['id']}/end", {"reason": "x"}, if_match=2, expect=409,
                         problem="invalid_transition")
        world.admin.patch(f"/v1/territory-assignments/{row['id']}", {"note": "x"}, if_match=2, expect=409)
        assert post(world, world.make_partner(), dach["de"], is_exclusive=True).status == 201

    def test_later(self, world, dach):
        row = world.assign(world.make_partner(), dach["de"], valid_to="2026-12-01T00:00:00Z")
        path = f"/v1/territory-assignments/{row['id']}/end"
        for ends_at, code in (("2026-05-31T00:00:00Z", "too_small"), ("2026-12-01T00:00:00.000001Z", "too_large")):
            refused = world.admin.post(path, {"reason": "x", "ends_at": ends_at}, if_match=1, expect=422)
            assert refused.errors() == {("#/ends_at", code)}
        later = world.admin.post(path, {"reason": "x", "ends_at": "2026-09-01T00:00:00Z"}, if_match=1, expect=200)
        assert (later["status"], later["valid_to"]) == ("active", "2026-09-01T00:00:00.000Z")

    def test_before_it_began(self, world, dach):
        row = world.assign(world.make_partner(), dach["de"], is_exclusive=True, valid_from="2026-08-01T00:00:00Z")
        assert row["status"] == "scheduled"
        row = world.act("territory-assignments", row, "end", {"reason": "x"})
        assert (row["status"], row["valid_to"]) == ("cancelled", row["valid_from"])
        assert post(world, world.make_partner(), dach["de"], is_exclusive=True).status == 201


def test_who_sees_what(world, dach):
    a, b = world.make_partner(), world.make_partner()
    row = world.assign(a, dach["de"], note="Confidential")
    world.assign(b, dach["at"])
    assert a.api.get(f"/v1/territory-assignments/{row['id']}")["note"] is None
    assert world.refresh(row)["note"] == "Confidential"
    is_as_missing(b.api, "/v1/territory-assignments/{}", row["id"])
    assert [entry["id"] for entry in a.api.list("/v1/territory-assignments")] == [row["id"]]
    assert [entry["id"] for entry in a.api.list(f"/v1/partners/{a.id}/territories")] == [row["id"]]
    is_as_missing(b.api, "/v1/partners/{}/territories", a.id)
    a.api.post("/v1/territory-assignments", {"partner_id": a.id, "region_id": dach["by"]["id"]}, expect=403,
               problem="insufficient_scope")


def test_filters(world, dach):
    world.admin.patch(f"/v1/regions/{dach['by']['id']}", {"countries": ["SM"]}, if_match="*", expect=200)
    a, b = world.make_partner(), world.make_partner()
    rows = [world.assign(a, dach["dach"]), world.assign(b, dach["by"], valid_from="2026-07-01T00:00:00Z"),
            world.assign(b, dach["at"], valid_from="2026-01-01T00:00:00Z", valid_to="2026-03-01T00:00:00Z")]

    def found(path="/v1/territory-assignments", **query):
        ids = [row["id"] for row in rows]
        return [ids.index(row["id"]) for row in world.admin.list(path, query) if row["id"] in ids]

    assert found(partner_id=[a.id, b.id]) == [1, 0, 2], "the newest first"
    assert found(partner_id=[a.id, b.id], sort="valid_from") == [2, 0, 1]
    assert found(country="SM", sort="created_at") == [0, 1]
    assert found(region_id=dach["at"]["id"]) == [2]
    assert found(valid_at="2026-02-01T00:00:00Z") == [2] and found(valid_at="2026-07-01T00:00:00Z") == [1, 0]
    assert found(status="scheduled") == [1] and found(status=["ended"]) == [2]
    assert found(is_exclusive="true") == []
    assert found(f"/v1/partners/{b.id}/territories", valid_at="2026-02-01T00:00:00Z") == [2]
    assert found(f"/v1/partners/{b.id}/territories", status="scheduled") == [1]
    world.admin.get(f"/v1/partners/{nobody()}/territories", expect=404)


def test_the_clock_alone_starts_and_ends_it(server, database_url):
    own = World(server, database_url)
    own.set_clock("2026-06-01T00:00:00Z")
    row = own.assign(own.partner("a"), own.make_region(), valid_from="2026-07-01T00:00:00Z", valid_to="2026-08-01T00:00:00Z")
    tag = f'"{row["version"]}"'
    for now, status in (("2026-06-30T23:59:59.999Z", "scheduled"), ("2026-07-01T00:00:00Z", "active"),
                        ("2026-07-31T23:59:59.999Z", "active"), ("2026-08-01T00:00:00Z", "ended")):
        own.set_clock(now)
        seen = own.admin.get(f"/v1/territory-assignments/{row['id']}", headers={"If-None-Match": tag})
        assert seen["status"] == status, now
