# SPDX-License-Identifier: Apache-2.0
"""What is forgotten and what never is: keys have an end, deals and their story do not (domain.md §5.19)."""
import pytest

from support import wait
from support.world import DEAL, World

DAYS = 86_400


@pytest.fixture(scope="module")
def later(postgres, new_database, new_server):
    """A deal, 200 days on: the job that forgets has run since. A key made old by hand tells when."""
    url = new_database()
    first = new_server(url)
    world = World(first, url)
    deal = world.partner("a").api.post("/v1/deals", DEAL, key="old", expect=201).json
    world.deal = world.act("deals", deal, "approve", {"protection_days": 300})
    world.done, world.left = world.make_import(until="completed"), world.make_import()
    wait.until(lambda: world.admin.get("/v1/audit-log/verify")["unsealed"] == 0, "all is sealed")
    world.advance_clock(200 * DAYS)
    first.stop()
    name = url.rsplit("/", 1)[1]
    postgres.execute(name, "update idempotency_keys set created_at = now() - interval '30 days'")
    world.second = new_server(url)
    wait.until(lambda: postgres.execute(name, "select count(*) from idempotency_keys")[0][0] == 0, "old keys are gone")
    return world


def test_an_old_key_is_free_again(later):
    answer = later.partner("a").api.on(later.second).post("/v1/deals", DEAL, key="old", expect=201)
    assert not answer.is_replay and answer["id"] != later.deal["id"]


def test_the_story_of_a_deal_stays(later):
    admin = later.admin.on(later.second)
    entries = admin.list(f"/v1/deals/{later.deal['id']}/timeline")
    assert [entry["status"] for entry in entries] == ["submitted", "approved"]
    assert admin.get(f"/v1/decisions/{later.deal['margin_decision_id']}")["kind"] == "deal.approved"
    assert admin.get(f"/v1/deals/{later.deal['id']}").json == later.deal


def test_the_ledger_stays_and_verifies(later):
    admin = later.admin.on(later.second)
    assert len(admin.list("/v1/audit-log", {"resource_id": later.deal["id"]})) == 2
    assert admin.get("/v1/audit-log/verify")["valid"]


def test_what_an_import_has_read_is_forgotten(later):
    """Its lines and its file, not what became of them; one that was left alone has ended by then."""
    admin = later.admin.on(later.second)
    row_of = lambda made: admin.get(f"/v1/imports/{made['id']}").json
    wait.until(lambda: admin.get(f"/v1/files/{later.done['file_id']}", expect=None).status == 404, "the file is gone")
    assert admin.list(f"/v1/imports/{later.done['id']}/rows") == [] and row_of(later.done) == later.done
    assert admin.get(f"/v1/deals/{later.deal['id']}").status == 200
    left = wait.until(lambda: row_of(later.left)["finished_at"] and row_of(later.left), "the other one has ended")
    assert left["status"] == "cancelled" and admin.get(f"/v1/files/{left['file_id']}").status == 200
