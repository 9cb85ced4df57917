# SPDX-License-Identifier: Apache-2.0
"""The audit log: every change with who, where from and what; a hash chain that tells of tampering (domain.md §5.19).

Who tampers is a superuser with psql; each case does so in a database of its own.
"""
import contextlib
import re

import pytest

from support import wait
from support.parallel import at_once
from support.server import partnerd
from support.world import World


def verify(client):
    return client.get("/v1/audit-log/verify").json


def sealed(client):
    """Waits until every entry stands in the chain."""
    return wait.until(lambda: (lambda answer: answer if answer["unsealed"] == 0 else None)(verify(client)),
                      "all entries are sealed")


def test_every_change_is_there(world):
    deal = world.deal_in("won")
    entries = world.admin.list("/v1/audit-log", {"resource_id": deal["id"], "sort": "occurred_at"})
    assert [entry["action"] for entry in entries] == ["deal.submitted", "deal.approved", "deal.won"]
    assert entries[0]["client_id"] == world.partner("a").client_id
    assert entries[1]["actor"] == {"type": "user", "id": world.admin_id} and entries[1]["client_id"] is None
    assert entries[2]["changes"]["status"] == {"from": "approved", "to": "won"}
    assert all(entry["partner_id"] == deal["partner_id"] and entry["address"] for entry in entries)


def test_changes_are_written_as_members_are(world):
    deal = world.deal_in("approved")
    changes = world.admin.list("/v1/audit-log", {"resource_id": deal["id"], "sort": "-occurred_at"})[0]["changes"]
    assert changes["protection_expires_at"] == {"from": None, "to": deal["protection_expires_at"]}
    assert changes["margin_amount.amount_minor"]["to"] == deal["margin_amount"]["amount_minor"]
    assert not {"version", "updated_at", "object", "allowed_actions"} & set(changes)
    assert not [name for name in changes if name.startswith("_") or name.startswith("vendor:")]


def test_refusals_leave_no_entry(world):
    deal = world.deal_in("won")
    world.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match=deal["version"], expect=409)
    world.admin.patch(f"/v1/deals/{deal['id']}", {"status": "lost"}, if_match=deal["version"], expect=422)
    assert len(world.admin.list("/v1/audit-log", {"resource_id": deal["id"]})) == 3


def test_no_secrets(world):
    user = world.make_user("viewer")
    text = str(world.admin.list("/v1/audit-log", {"resource_id": user.id}))
    assert user.password not in text and "argon2" not in text and "password_hash" not in text
    client_id, secret = world.make_client(["deals:read"])
    text = str(world.admin.list("/v1/audit-log", {"resource_id": client_id}))
    assert secret not in text and "secret_hash" not in text


def test_filters(world):
    deal = world.deal_in("approved")
    sealed(world.admin)
    everything = world.admin.list("/v1/audit-log")
    kinds, moment = ["deal.approved", "deal.submitted"], everything[5]["occurred_at"]
    for query, holds in [
        ({"action": "deal.approved"}, lambda row: row["action"] == "deal.approved"),
        ({"action": kinds}, lambda row: row["action"] in kinds),
        ({"actor_id": world.admin_id}, lambda row: row["actor"]["id"] == world.admin_id),
        ({"resource_id": deal["id"]}, lambda row: row["resource"]["id"] == deal["id"]),
        ({"actor_type": "user"}, lambda row: row["actor"]["type"] == "user"),
        ({"actor_type": "client"}, lambda row: row["actor"]["type"] == "client"),
        ({"actor_type": "system"}, lambda row: row["actor"]["type"] == "system"),
        ({"client_id": world.partner("a").client_id}, lambda row: row["client_id"] == world.partner("a").client_id),
        ({"partner_id": deal["partner_id"]}, lambda row: row["partner_id"] == deal["partner_id"]),
        ({"partner_id": [deal["partner_id"], world.admin_id]}, lambda row: row["partner_id"] == deal["partner_id"]),
        ({"resource_object": "deal"}, lambda row: row["resource"]["object"] == "deal"),
        ({"resource_object": ["deal", "tier"]}, lambda row: row["resource"]["object"] in ("deal", "tier")),
        ({"request_id": everything[3]["request_id"]}, lambda row: row["request_id"] == everything[3]["request_id"]),
        ({"address": everything[3]["address"]}, lambda row: row["address"] == everything[3]["address"]),
        ({"sequence_gte": 3, "sequence_lt": 6}, lambda row: 3 <= row["sequence"] < 6),
        ({"actor_type": "user", "resource_object": "deal", "action": "deal.approved", "actor_id": world.admin_id},
         lambda row: row["action"] == "deal.approved" and row["actor"]["id"] == world.admin_id),
        ({"occurred_at_lt": moment}, lambda row: row["occurred_at"] < moment),
        ({"occurred_at_gte": moment}, lambda row: row["occurred_at"] >= moment),
    ]:
        expected = [row["id"] for row in everything if holds(row)]
        assert [row["id"] for row in world.admin.list("/v1/audit-log", query)] == expected and expected


def test_chain_links(world):
    world.deal_in("won")
    count = sealed(world.admin)["sealed"]
    chain = sorted(world.admin.list("/v1/audit-log"), key=lambda row: row["sequence"])
    assert [row["sequence"] for row in chain] == list(range(1, count + 1))
    for earlier, later in zip(chain, chain[1:]):
        assert later["prev_hash"] == earlier["hash"]
    assert all(re.fullmatch("[0-9a-f]{64}", row[name]) for row in chain for name in ("entry_hash", "prev_hash", "hash"))
    assert len({row["hash"] for row in chain}) == count


def test_200_parallel_writes_make_one_chain(server, database_url):
    world = World(server, database_url)
    partner = world.partner("a")
    before = sealed(world.admin)["sealed"]

    def ten():
        return [partner.deal()["id"] for _ in range(10)]

    made = {deal_id for batch in at_once([ten] * 20) for deal_id in batch}
    after = sealed(world.admin)
    assert len(made) == 200 and after["valid"] and after["first_fault"] is None
    assert after["sealed"] == after["entries"] == before + 200
    chain = sorted(world.admin.list("/v1/audit-log"), key=lambda row: row["sequence"])
    assert [row["sequence"] for row in chain] == list(range(1, before + 201))
    assert made <= {row["resource"]["id"] for row in chain}
    assert all(later["prev_hash"] == earlier["hash"] for earlier, later in zip(chain, chain[1:]))


class TestTampering:
    @pytest.fixture
    def crime(self, postgres, new_database, new_server):
        """A chain of its own, all sealed, and how a superuser gets at it."""
        url = new_database()
        running = new_server(url)
        world = World(running, url)
        world.deal_in("won")
        sealed(world.admin)
        wait.until(lambda: verify(world.admin)["checkpoints"] > 0, "a checkpoint is signed")
        database = url.rsplit("/", 1)[1]

        def execute(sql, *values):
            return postgres.execute(database, sql, values)

        world.execute, world.url = execute, url
        return world

    def entry(self, crime, action):
        return crime.execute("select id, seq from audit_entries where program_id = %s and action = %s",
                             crime.program_id, action)[0]

    @contextlib.contextmanager
    def sealer_held_off(self, crime, postgres):
        """Holds the lease of this program's sealer: writers go on, nothing is sealed."""
        lease = postgres.connect(crime.url.rsplit("/", 1)[1], autocommit=False)
        try:
            lease.cursor().execute("select pg_advisory_xact_lock(hashtextextended('partnerd.seal ' || %s, 0))",
                                   (crime.program_id,))
            yield
        finally:
            lease.close()

    def command(self, crime, status):
        return partnerd("audit", "verify", "--program", crime.slug, database_url=crime.url, status=status)

    def test_an_honest_chain_is_valid(self, crime):
        answer = verify(crime.admin)
        assert answer["valid"] and answer["first_fault"] is None
        assert answer["entries"] == answer["sealed"] == crime.execute(
            "select count(*) from audit_entries where program_id = %s", crime.program_id)[0][0]
        said = self.command(crime, 0).stdout
        assert said.startswith(f"{crime.slug}: valid, entries {answer['entries']}, sealed {answer['sealed']}, "), said

    @pytest.mark.parametrize("change", [
        "current = jsonb_set(current, '{margin_bps}', '2501')", "actor_id = gen_random_uuid()",
        "occurred_at = occurred_at + interval '1 microsecond'", "address = '10.0.0.1'",
        "entry_hash = set_byte(entry_hash, 0, get_byte(entry_hash, 0) # 1)",
        "resource_version = resource_version + 1", "previous = '{}'"])
    def test_one_flipped_byte_names_the_entry(self, crime, change):
        entry_id, sequence = self.entry(crime, "deal.approved")
        crime.execute(f"update audit_entries set {change} where id = %s", entry_id)
        answer = verify(crime.admin)
        assert not answer["valid"]
        assert (answer["first_fault"]["entry_id"], answer["first_fault"]["sequence"]) == (entry_id, sequence)
        done = self.command(crime, 1)
        assert entry_id in done.stdout + done.stderr

    def test_a_forged_link_names_the_entry(self, crime):
        entry_id, sequence = self.entry(crime, "deal.approved")
        crime.execute("update audit_entries set hash = set_byte(hash, 5, get_byte(hash, 5) # 1) where id = %s",
                      entry_id)
        answer = verify(crime.admin)
        assert not answer["valid"] and answer["first_fault"]["sequence"] in (sequence, sequence + 1)

    def test_a_missing_entry_in_the_middle(self, crime):
        entry_id, sequence = self.entry(crime, "deal.approved")
        crime.execute("delete from audit_entries where id = %s", entry_id)
        answer = verify(crime.admin)
        assert not answer["valid"] and answer["first_fault"]["sequence"] in (sequence, sequence + 1)
        self.command(crime, 1)

    def test_a_cut_tail_does_not_reach_the_checkpoint(self, crime):
        wait.until(lambda: crime.execute(
            "select (select max(seq) from audit_checkpoints where program_id = %s) = max(seq) from audit_entries "
            "where program_id = %s", crime.program_id, crime.program_id)[0][0], "the head of the chain is signed")
        crime.execute("delete from audit_entries where program_id = %s and seq = (select max(seq) from audit_entries "
                      "where program_id = %s)", crime.program_id, crime.program_id)
        answer = verify(crime.admin)
        assert not answer["valid"] and "checkpoint" in answer["first_fault"]["kind"]
        self.command(crime, 1)

    def test_a_checkpoint_cannot_be_forged(self, crime):
        """Who can write the tables but has no key cannot sign: a checkpoint moved to fit a cut chain is found out."""
        crime.execute("delete from audit_entries where program_id = %s and seq = (select max(seq) from audit_entries "
                      "where program_id = %s)", crime.program_id, crime.program_id)
        crime.execute(
            "update audit_checkpoints k set seq = a.seq, hash = a.hash from audit_entries a where k.program_id = %s "
            "and a.program_id = k.program_id and a.seq = (select max(seq) from audit_entries where program_id = %s) "
            "and k.seq = (select max(seq) from audit_checkpoints where program_id = %s)",
            crime.program_id, crime.program_id, crime.program_id)
        answer = verify(crime.admin)
        assert not answer["valid"], "a checkpoint whose signature does not hold"
        self.command(crime, 1)

    def test_an_unsealed_entry_is_told_by_its_own_hash(self, crime, postgres):
        """Changed between commit and seal: the sealer is held off by its own lease, which the test takes."""
        with self.sealer_held_off(crime, postgres):
            deal = crime.partner("a").deal()
            [(entry_id,)] = crime.execute("select id from audit_entries where resource_id = %s and seq is null",
                                          deal["id"])
            crime.execute("update audit_entries set current = jsonb_set(current, '{customer_name}', '\"Forged\"') "
                          "where id = %s", entry_id)
            answer = verify(crime.admin)
            assert not answer["valid"] and answer["unsealed"] >= 1
            assert answer["first_fault"]["entry_id"] == entry_id
        sealed(crime.admin)
        after = verify(crime.admin)
        assert not after["valid"] and after["first_fault"]["entry_id"] == entry_id
        self.command(crime, 1)

    def test_writers_do_not_wait_for_the_sealer(self, crime, postgres):
        with self.sealer_held_off(crime, postgres):
            made = at_once([crime.partner("a").deal] * 5)
            assert len({deal["id"] for deal in made}) == 5
        assert sealed(crime.admin)["valid"]
