# SPDX-License-Identifier: Apache-2.0
"""Who buys through whom: one parent at a time, no circles, moves from an instant on; and what a distributor sees."""
import pytest

from support.judge import command_is_consistent, events_of, is_as_missing, nobody
from support.parallel import at_once
from support.world import World

PATH = "/v1/partner-relations"


def relate(world, child, parent, expect=201, **members):
    return world.admin.post(PATH, {"partner_id": child.id, "parent_id": parent.id, **members}, expect=expect)


@pytest.fixture()
def place(server, database_url):
    made = World(server, database_url)
    made.set_clock("2026-06-01T00:00:00Z")
    return made


def distributor(world):
    return world.make_partner(type="distributor")


def act_on_partner(world, partner, action, body):
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    return world.admin.post(f"/v1/partners/{partner.id}/{action}", body, if_match=row["version"], expect=200)


def test_related(place):
    child, parent = place.make_partner(), distributor(place)
    row = command_is_consistent(place.admin, relate(place, child, parent))
    assert (row["status"], row["starts_at"], row["ends_at"]) == ("current", "2026-06-01T00:00:00.000Z", None)
    assert (row["partner_name"], row["parent_name"]) == (child.name, parent.name)
    assert row["allowed_actions"] == ["end"]


def test_a_move_takes_effect_on_its_day(place):
    child, old, new = place.make_partner(), distributor(place), distributor(place)
    first = relate(place, child, old).json
    second = relate(place, child, new, starts_at="2026-07-01T00:00:00Z").json
    assert second["status"] == "planned"
    first = place.admin.get(f"{PATH}/{first['id']}").json
    assert (first["status"], first["ends_at"]) == ("current", "2026-07-01T00:00:00.000Z")
    below = lambda top: [row["id"] for row in place.admin.list(f"/v1/partners/{top.id}/resellers")]
    assert (below(old), below(new)) == ([child.id], [])
    place.set_clock("2026-06-30T23:59:59.999Z")
    assert (below(old), below(new)) == ([child.id], [])
    place.set_clock("2026-07-01T00:00:00Z")
    assert (below(old), below(new)) == ([], [child.id])
    assert place.admin.get(f"{PATH}/{first['id']}")["status"] == "ended"
    at = lambda instant: [row["parent_id"] for row in place.admin.list(PATH, {"partner_id": child.id, "valid_at": instant})]
    assert at("2026-06-15T00:00:00Z") == [old.id] and at("2026-07-15T00:00:00Z") == [new.id]


def test_one_parent_at_a_time(place):
    child = place.make_partner()
    relate(place, child, distributor(place), starts_at="2026-08-01T00:00:00Z")
    refused = relate(place, child, distributor(place), expect=409)
    assert refused.problem == "conflict"
    relate(place, child, distributor(place), ends_at="2026-08-01T00:00:00Z")


def test_no_circles(place):
    a, b, c = (distributor(place) for _ in range(3))
    relate(place, b, a)
    relate(place, c, b)
    for parent in (b, c):
        refused = relate(place, a, parent, expect=422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}
    assert relate(place, a, a, expect=422).errors() == {("#/parent_id", "inconsistent")}


def test_a_circle_is_one_only_while_all_of_it_holds(place):
    a, b = distributor(place), distributor(place)
    relate(place, b, a, ends_at="2026-07-01T00:00:00Z")
    relate(place, a, b, starts_at="2026-06-30T00:00:00Z", expect=422)
    relate(place, a, b, starts_at="2026-07-01T00:00:00Z")
    assert relate(place, b, a, starts_at="2026-09-01T00:00:00Z", expect=422).errors() == {
        ("#/parent_id", "inconsistent")}


def test_circles_closed_at_once_are_closed_once(place):
    """Each of the relations alone is good; not all of them are."""
    for _ in range(4):
        ring = [distributor(place) for _ in range(4)]
        calls = [lambda one=one, two=two: place.admin.post(PATH, {"partner_id": one.id, "parent_id": two.id})
                 for one, two in zip(ring, ring[1:] + ring[:1])]
        answers = at_once(calls)
        assert sorted(answer.status for answer in answers) == [201, 201, 201, 422]
        refused = next(answer for answer in answers if answer.status == 422)
        assert refused.errors() == {("#/parent_id", "inconsistent")}


def test_two_parents_at_once(place):
    for _ in range(4):
        child, parents = place.make_partner(), [distributor(place) for _ in range(2)]
        calls = [lambda parent=parent: place.admin.post(PATH, {
            "partner_id": child.id, "parent_id": parent.id, "starts_at": "2026-06-01T00:00:00Z"}) for parent in parents]
        assert sorted(answer.status for answer in at_once(calls)) == [201, 409]


@pytest.mark.parametrize("members, error", [
    ({"partner_id": "nobody"}, ("#/partner_id", "reference_not_found")),
    ({"parent_id": "nobody"}, ("#/parent_id", "reference_not_found")),
    ({"parent_id": "reseller"}, ("#/parent_id", "inconsistent")),
    ({"parent_id": "terminated"}, ("#/parent_id", "inconsistent")),
    ({"starts_at": "2026-05-31T23:59:59Z"}, ("#/starts_at", "too_small")),
    ({"ends_at": "2026-06-01T00:00:00Z"}, ("#/ends_at", "too_small")),
])
def test_refused(place, members, error):
    gone = distributor(place)
    act_on_partner(place, gone, "terminate", {"reason": "x"})
    named = {"nobody": nobody(), "reseller": place.make_partner().id, "terminated": gone.id}
    sent = {"partner_id": place.make_partner().id, "parent_id": distributor(place).id,
            **{name: named.get(value, value) for name, value in members.items()}}
    assert place.admin.post(PATH, sent, expect=422).errors() == {error}


def test_ending(place):
    child, parent = place.make_partner(), distributor(place)
    row = relate(place, child, parent).json
    end = lambda row, body, **how: place.admin.post(f"{PATH}/{row['id']}/end", body, if_match=row["version"], **how)
    assert end(row, {"ends_at": "2026-05-01T00:00:00Z"}, expect=422).errors() == {("#/ends_at", "too_small")}
    row = end(row, {"ends_at": "2026-12-31T00:00:00Z", "reason": "Buys directly."}, expect=200).json
    assert (row["status"], row["end_reason"]) == ("current", "Buys directly.")
    assert end(row, {"ends_at": "2027-01-01T00:00:00Z"}, expect=422).errors() == {("#/ends_at", "too_large")}
    row = end(row, {}, expect=200).json
    assert row["status"] == "ended" and row["ends_at"] == "2026-06-01T00:00:00.000Z"
    end(row, {}, expect=409, problem="invalid_transition")
    planned = relate(place, child, parent, starts_at="2026-10-01T00:00:00Z").json
    assert end(planned, {}, expect=200)["status"] == "ended", "one that has not begun never does"
    relate(place, child, parent, starts_at="2026-10-01T00:00:00Z")


def test_a_termination_ends_what_is_above_and_below(place):
    top, middle, bottom = distributor(place), distributor(place), place.make_partner()
    rows = [relate(place, middle, top).json, relate(place, bottom, middle).json]
    act_on_partner(place, middle, "terminate", {"reason": "x"})
    for row in rows:
        after = place.admin.get(f"{PATH}/{row['id']}").json
        assert after["status"] == "ended" and after["end_reason"] == "The partner was terminated."
    assert events_of(place.admin, rows[0]["id"], 2)[-1]["type"] == "partner_relation.ended"


# ---- what a distributor sees ----
@pytest.fixture()
def chain(place):
    top, middle, bottom, other = distributor(place), distributor(place), place.make_partner(), place.make_partner()
    relate(place, middle, top)
    relate(place, bottom, middle)
    deals = [bottom.deal(), middle.deal(), bottom.deal(draft=True), other.deal(), top.deal()]
    return top, middle, bottom, other, deals


def test_visibility_runs_down(place, chain):
    top, middle, bottom, other, deals = chain
    seen = {row["id"]: row["depth"] for row in top.api.list(f"/v1/partners/{top.id}/resellers")}
    assert seen == {middle.id: 1, bottom.id: 2}
    assert {row["id"] for row in top.api.list(f"/v1/partners/{top.id}/reseller-deals")} == {deals[0]["id"], deals[1]["id"]}
    assert {row["id"] for row in middle.api.list(f"/v1/partners/{middle.id}/reseller-deals")} == {deals[0]["id"]}
    assert bottom.api.list(f"/v1/partners/{bottom.id}/resellers") == []
    vendor = place.admin.list(f"/v1/partners/{top.id}/reseller-deals")
    assert vendor == top.api.list(f"/v1/partners/{top.id}/reseller-deals")


def test_it_only_reads_and_only_there(place, chain):
    top, middle, bottom, other, deals = chain
    for partner in (middle, bottom, other):
        is_as_missing(top.api, "/v1/partners/{}", partner.id)
        is_as_missing(top.api, "/v1/partners/{}/reseller-deals", partner.id)
    is_as_missing(top.api, "/v1/deals/{}", deals[0]["id"])
    assert [row["id"] for row in top.api.list("/v1/deals")] == [deals[4]["id"]]
    assert [row["id"] for row in top.api.list("/v1/partners")] == [top.id]
    top.api.patch(f"/v1/deals/{deals[0]['id']}", {"description": "x"}, if_match="*", expect=404)
    assert "margin" not in str(top.api.list(f"/v1/partners/{top.id}/reseller-deals"))


def test_the_program_says_how_far(place, chain):
    top, middle, *_ = chain
    count = lambda what: len(top.api.list(f"/v1/partners/{top.id}/{what}"))
    allow = lambda what: place.admin.patch("/v1/program", {"distributor_visibility": what}, if_match="*", expect=200)
    assert (count("resellers"), count("reseller-deals")) == (2, 2)
    allow("partners")
    assert (count("resellers"), count("reseller-deals")) == (2, 0)
    allow("none")
    assert (count("resellers"), count("reseller-deals")) == (0, 0)
    assert len(place.admin.list(f"/v1/partners/{top.id}/resellers")) == 2


def test_both_ends_see_a_relation(place, chain):
    top, middle, bottom, other, _ = chain
    ends = lambda partner: {(row["partner_id"], row["parent_id"]) for row in partner.api.list(PATH)}
    assert ends(top) == {(middle.id, top.id)} and ends(other) == set()
    assert ends(middle) == {(middle.id, top.id), (bottom.id, middle.id)}
    row = place.admin.list(PATH, {"partner_id": bottom.id})[0]
    is_as_missing(top.api, PATH + "/{}", row["id"])
    assert bottom.api.get(f"{PATH}/{row['id']}")["parent_name"] is None, "nobody sees upwards"
