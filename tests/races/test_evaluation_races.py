# SPDX-License-Identifier: Apache-2.0
"""Evaluations of tiers at once: one result for the period, one failure, one move, whoever else asks."""
import pytest

from support import wait
from support.parallel import at_once
from support.world import World

NEED = {"metric": "active_users", "comparison": "gte", "value": 75, "window_days": None}


@pytest.fixture
def alone(new_database, new_server):
    """A program whose jobs do not run, with a tier that asks for 75 users; two instances."""
    url = new_database()
    world = World(new_server(url, jobs="false"), url)
    world.admin.patch("/v1/program", {"tier_immunity_days": 0, "tier_grace_reviews": 2}, if_match="*", expect=200)
    world.silver = world.make_tier(rank=20, name="Silver", requirements=[NEED])
    world.other = world.admin.on(new_server(url, jobs="false"))
    world.set_clock("2031-01-10T12:00:00Z")
    return world


def partner_in_silver(world, users):
    partner = world.make_partner("registered")
    world.make_figure(partner.id, value=users)
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    world.act("partners", row, "change-tier", {"tier_id": world.silver["id"], "reason": "x"})
    return partner


def row_of(world, partner):
    return world.admin.get(f"/v1/partners/{partner.id}").json


def test_all_partners_at_once_give_one_result(alone):
    partners = [partner_in_silver(alone, 5) for _ in range(3)]
    answers = at_once([lambda by=by: by.post("/v1/tier-evaluations") for by in [alone.admin, alone.other] * 10])
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1, answers
    assert {answer.problem for answer in answers if answer is not won[0]} == {"already_exists"}
    assert {answer["resource_id"] for answer in answers if answer is not won[0]} == {won[0]["id"]}
    assert len(alone.admin.list("/v1/tier-evaluations")) == 1
    assert len(alone.admin.list("/v1/tier-reviews")) == len(partners)
    assert [row_of(alone, partner)["failed_reviews"] for partner in partners] == [1, 1, 1]


def test_one_partner_at_once_fails_once_and_falls_once(alone):
    partner = partner_in_silver(alone, 5)
    for month, standing in (("01", ("Silver", 1)), ("04", ("Strategic", 0)), ("07", None)):
        alone.set_clock(f"2031-{month}-11T12:00:00Z")
        answers = at_once([lambda by=by: by.post("/v1/tier-evaluations", {"partner_ids": [partner.id]})
                           for by in [alone.admin, alone.other] * 6])
        assert {answer.status for answer in answers} <= {201, 409}
        if standing:
            row = row_of(alone, partner)
            assert (row["tier_name"], row["failed_reviews"]) == standing
    moves = alone.admin.list(f"/v1/partners/{partner.id}/tier-history")
    assert [row["to_tier_name"] for row in moves].count("Strategic") == 1


def test_one_rise_at_once(alone):
    partner = alone.make_partner("registered")
    alone.make_figure(partner.id, value=500)
    answers = at_once([lambda by=by: by.post("/v1/tier-evaluations", {"partner_ids": [partner.id]})
                       for by in [alone.admin, alone.other] * 6])
    results = [answer["results"][0]["outcome"] for answer in answers if answer.status == 201]
    assert results.count("upgraded") == 1 and set(results) <= {"upgraded", "kept"}
    assert len(alone.admin.list(f"/v1/partners/{partner.id}/tier-history")) == 2


def test_jobs_of_several_processes_review_once(new_database, new_server):
    """The job in three processes, with more partners than a batch has, and a request in the same moment."""
    url = new_database()
    servers = [new_server(url) for _ in range(3)]
    world = World(servers[0], url)
    partners = [world.make_partner("registered") for _ in range(4)]
    world.set_clock("2031-01-10T12:00:00Z")
    world.admin.post("/v1/tier-evaluations")
    done = lambda: world.admin.list("/v1/tier-evaluations", {"status": "completed"})
    [run] = wait.until(done, "the period is reviewed")
    assert (run["kind"], run["period_on"], run["reviewed_count"]) == ("all", "2031-01-01", len(partners))
    assert len(world.admin.list("/v1/tier-reviews", {"evaluation_id": run["id"]})) == len(partners)


def test_figures_at_once(alone):
    partner = alone.make_partner("registered")
    answers = at_once([lambda value=value: alone.admin.post("/v1/partner-metrics", {
        "partner_id": partner.id, "metric": "active_users", "value": value, "measured_at": "2031-01-01T00:00:00Z",
        "source": "lms"}) for value in range(8)])
    assert {answer.status for answer in answers} <= {201, 409}
    rows = alone.admin.list("/v1/partner-metrics", {"partner_id": partner.id, "status": "current"})
    assert len(rows) == 1
