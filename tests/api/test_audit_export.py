# SPDX-License-Identifier: Apache-2.0
"""The ledger outside of the database: exported line by line, and judged from the file alone.

Who tampers here has the file and an editor, or a superuser's session before the export is made.
"""
import hashlib
import json
import re
import subprocess

import pytest

from support import wait
from support.client import Client
from support.server import BINARY, partnerd
from support.tokens import encode, new_private_key, thumbprint
from support.world import World, client_token


def export(world):
    done = partnerd("audit", "export", "--program", world.slug, database_url=world.database_url)
    return done.stdout


def offline(path, *arguments, status=None):
    """The binary with nothing in its environment: no database, no settings, no key."""
    done = subprocess.run([str(BINARY), "audit", "verify", str(path), *arguments], env={}, capture_output=True,
                          text=True, timeout=60)
    if status is not None:
        assert done.returncode == status, done.stdout + done.stderr
    return done


def lines_of(text):
    return [json.loads(line) for line in text.split("\n") if line]


def text_of(lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


def sealed(world):
    return wait.until(lambda: (lambda answer: answer if answer["unsealed"] == 0 else None)(
        world.admin.get("/v1/audit-log/verify").json), "all entries are sealed")


@pytest.fixture(scope="module")
def told(server, database_url):
    """A program with a history, all sealed; names that need escapes are part of it."""
    world = World(server, database_url)
    world.deal_in("won", customer_name='Zoë "Q" \\ Ünï\u2028 日本', description="line\none\ttwo")
    world.deal_in("rejected")
    world.make_user("viewer")
    sealed(world)
    return world


@pytest.fixture
def judge(told, tmp_path):
    """Writes lines to a file and says what the verifier says: (status, first line of stdout, stderr)."""
    def say(content, *arguments):
        path = tmp_path / "export.ndjson"
        path.write_text(content if isinstance(content, str) else text_of(content))
        done = offline(path, *arguments)
        return done.returncode, done.stdout, done.stderr
    return say


def test_an_export_is_verified_offline(told, judge):
    content = export(told)
    status, said, error = judge(content)
    assert status == 0, said + error
    count = sealed(told)["sealed"]
    assert ": valid, " in said and f"entries {count}, " in said and told.program_id in said
    lines = lines_of(content)
    assert lines[0]["object"] == "audit_export" and lines[-1]["object"] == "audit_export_end"
    assert lines[0]["slug"] == told.slug and lines[-1]["seq"] == count
    entries = [line for line in lines if line["object"] == "audit_entry"]
    assert [entry["seq"] for entry in entries] == list(range(1, count + 1))
    shown = {row["id"]: row for row in told.admin.list("/v1/audit-log")}
    for entry in entries:
        assert shown[entry["id"]]["hash"] == entry["hash"] and shown[entry["id"]]["entry_hash"] == entry["entry_hash"]


def test_the_hashes_are_what_the_readme_says(told):
    """An independent verifier, as somebody else would write it."""
    def jsonb(values):
        return json.dumps(values, ensure_ascii=False, separators=(", ", ": ")).encode()

    lines = lines_of(export(told))
    head = hashlib.sha256(f"partnerd audit chain {told.program_id}".encode()).hexdigest()
    for entry in lines:
        if entry["object"] != "audit_entry":
            continue
        content = hashlib.sha256(bytes.fromhex(entry["content_salt"]) + entry["previous"].encode() +
                                 entry["current"].encode()).hexdigest()
        assert content == entry["content_hash"]
        if entry["address"]:
            assert entry["address_hash"] == hashlib.sha256(
                bytes.fromhex(entry["address_salt"]) + entry["address"].encode()).hexdigest()
        names = ["id", "partner_id", "recorded_at_us", "occurred_at_us", "actor_type", "actor_id", "client_id",
                 "address_hash", "request_id", "action", "resource_type", "resource_id", "resource_version",
                 "content_hash"]
        own = hashlib.sha256(jsonb([2, told.program_id, *[entry[name] for name in names]])).hexdigest()
        assert own == entry["entry_hash"] and entry["prev_hash"] == head
        head = hashlib.sha256(bytes.fromhex(head) + bytes.fromhex(own) + entry["seq"].to_bytes(8, "big")).hexdigest()
        assert head == entry["hash"]
    assert lines[-1]["hash"] == head


def test_salts_are_never_used_twice(told):
    entries = [line for line in lines_of(export(told)) if line["object"] == "audit_entry"]
    salts = [entry[name] for entry in entries for name in ("content_salt", "address_salt") if entry[name]]
    assert len(salts) == len(set(salts)) > len(entries) and all(len(salt) == 32 for salt in salts)


@pytest.mark.parametrize("change, kind", [
    (lambda entry: entry.update(action="deal.lost"), "entry_changed"),
    (lambda entry: entry.update(actor_id="00000000-0000-7000-8000-000000000000"), "entry_changed"),
    (lambda entry: entry.update(occurred_at_us=entry["occurred_at_us"] + 1), "entry_changed"),
    (lambda entry: entry.update(address="10.0.0.1"), "entry_changed"),
    (lambda entry: entry.update(address=None), "address_missing"),
    (lambda entry: entry.update(current=entry["current"] + " "), "entry_changed"),
    (lambda entry: entry.update(current=None, previous=None, content_salt=None), "content_missing"),
    (lambda entry: entry.update(previous=None), "content_missing"),
    (lambda entry: entry.update(partner_id=None), "entry_changed"),
    (lambda entry: entry.update(resource_version=1.5), "entry_changed"),
    (lambda entry: entry.update(client_id={}), "entry_changed"),
    (lambda entry: entry.update(note="approved by the board"), "entry_changed"),
    (lambda entry: entry.pop("request_id"), "entry_changed"),
    (lambda entry: entry.update(content_salt="00" * 16), "entry_changed"),
    (lambda entry: entry.update(content_salt="zz"), "entry_changed"),
    (lambda entry: entry.update(format=1), "entry_changed"),
    (lambda entry: entry.update(format=3), "entry_changed"),
    (lambda entry: entry.update(format=-1), "entry_changed"),
    (lambda entry: entry.update(format="2"), "entry_changed"),
    (lambda entry: entry.update(entry_hash="00" * 32), "entry_changed"),
    (lambda entry: entry.update(hash="00" * 32), "chain_broken"),
    (lambda entry: entry.update(prev_hash="00" * 32), "chain_broken"),
    (lambda entry: entry.update(seq=entry["seq"] + 1), "entry_missing"),
])
def test_a_changed_entry_is_named(told, judge, change, kind):
    lines = lines_of(export(told))
    entry = next(line for line in lines if line.get("action") == "deal.approved")
    seq = entry["seq"]
    change(entry)
    status, said, error = judge(lines)
    assert status == 1 and ": broken, " in said
    assert f": {kind} at sequence " in error and entry["id"] in error, error
    assert f"sequence {seq}," in error or kind == "entry_missing"


def test_removed_and_swapped_lines(told, judge):
    lines = lines_of(export(told))
    entries = [index for index, line in enumerate(lines) if line["object"] == "audit_entry"]
    for cut in (entries[0], entries[len(entries) // 2]):
        status, _, error = judge(lines[:cut] + lines[cut + 1:])
        # An entry may have been sealed alone: then the chain does not reach what was signed for it.
        assert status == 1 and ("entry_missing" in error or "checkpoint_unreached" in error)
    swapped = list(lines)
    swapped[entries[2]], swapped[entries[3]] = swapped[entries[3]], swapped[entries[2]]
    assert judge(swapped)[0] == 1
    assert "export_cut" in judge(lines[:-1])[2]
    assert "export_cut" in judge(lines[:entries[-1]])[2]
    assert "line_unreadable" in judge(lines + [lines[-1]])[2]
    assert "line_unreadable" in judge(lines[1:])[2]
    assert "line_unreadable" in judge([lines[0], *lines])[2]
    # A rewritten end: what is left is whole, but nobody signed it as the head.
    last = lines[entries[-2]]
    forged = {**lines[-1], "seq": last["seq"], "hash": last["hash"]}
    kept = [line for line in lines[:entries[-1]] if line.get("seq", 0) <= last["seq"]]
    status, _, error = judge([*kept, forged])
    assert status == 1 and "checkpoint_forged" in error


@pytest.mark.parametrize("content", ["", "\n", "[]\n", "{}\n", "null\n", "not json\n", '{"object":"audit_export"}\n',
                                     '{"object":"audit_export","format":2,"program_id":"x"}\n',
                                     '{"object":"audit_export","format":1,"program_id":"../x"}\n', "\0\0\0",
                                     '{"object":"audit_entry","seq":1}\n', "[" * 10000 + "\n"])
def test_what_is_no_export(judge, content):
    status, said, _ = judge(content)
    assert status == 1 and ": broken, " in said


def parts_of(client, limit):
    path, found = f"/v1/audit-log/export?limit={limit}", []
    while path:
        answer = client.get(path)
        assert answer.headers["Content-Type"] == "application/x-ndjson" and answer.headers["Cache-Control"] == "no-store"
        found.append(answer.body.decode())
        link = answer.headers.get("Link")
        path = link and re.fullmatch('<([^>]+)>; rel="next"', link)[1]
    return found


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_the_parts_over_http_make_the_file(told, judge, limit):
    """The entry that tells of the export may come after its head."""
    least = sealed(told)["sealed"]
    parts = parts_of(told.admin, limit)
    lines = lines_of("".join(parts))
    count = sum(line["object"] == "audit_entry" for line in lines)
    assert least <= count <= sealed(told)["sealed"] and len(parts) == count // limit + 1
    status, said, error = judge("".join(parts))
    assert status == 0 and f"entries {count}, " in said, error
    drop = lambda lines: [line for line in lines if line["object"] in ("audit_entry", "audit_checkpoint")]
    assert drop(lines) == drop(lines_of(export(told)))[:len(drop(lines))]


@pytest.mark.parametrize("path", ["?limit=5", "?limit=5&after_sequence=1"], ids=["from the beginning", "from a place"])
def test_an_export_is_kept_once(told, path):
    """In however many parts it comes."""
    client_id, secret = told.make_client(["audit:read"])
    reader = Client(told.server, client_token(told.server, client_id, secret))
    link = reader.get(f"/v1/audit-log/export{path}").headers["Link"]
    reader.get(re.match("<([^>]+)>", link)[1], expect=200)
    kept = [row for row in told.admin.list("/v1/audit-log", {"action": "audit_log.exported"})
            if row["actor"]["id"] == client_id]
    assert [row["changes"]["format"]["to"] for row in kept] == ["ndjson"]
    assert kept[0]["changes"]["filters"]["to"]["limit"] == ["5"] and kept[0]["partner_id"] is None


def test_a_part_alone_is_no_export(told, judge):
    parts = parts_of(told.admin, 3)
    assert "export_cut" in judge(parts[0])[2] and "line_unreadable" in judge(parts[1])[2]
    assert "entry_missing" in judge(parts[0] + parts[2])[2]


def test_who_may_export(told):
    for client in (told.user("viewer"), told.partner("a").user()):
        client.get("/v1/audit-log/export", expect=403, problem="insufficient_scope")
    told.user("finance").get("/v1/audit-log/export?limit=1")
    assert len(parts_of(told.machine(["audit:read"]), 1000)) == 1
    beyond = told.admin.get("/v1/audit-log/export?after_sequence=9007199254740991")
    assert [line["object"] for line in lines_of(beyond.body.decode())] == ["signing_key", "audit_export_end"]
    for query in ("limit=0", "limit=1001", "after_sequence=-1", "after_sequence=x", "after=1"):
        told.admin.get(f"/v1/audit-log/export?{query}", expect=400)


def test_an_export_holds_its_own_program_only(told, server, database_url):
    other = World(server, database_url)
    sealed(other)
    text = "".join(parts_of(other.admin, 1000))
    assert other.program_id in text and told.program_id not in text and told.partner("a").id not in text


def test_a_file_that_is_not_there(tmp_path):
    assert "cannot be read" in offline(tmp_path / "none", status=1).stderr


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def forged_key(folder):
    """A key of the forger's own, as a line of an export, and the file with its private half."""
    path = folder / "forger.pem"
    path.write_text(new_private_key())
    modulus = openssl("rsa", "-in", str(path), "-noout", "-modulus").decode().strip().split("=")[1]
    jwk = {"e": "AQAB", "kty": "RSA", "n": encode(bytes.fromhex(modulus))}
    return path, {"object": "signing_key", "kid": thumbprint(jwk), "jwk": jwk}


def test_a_key_of_the_forgers_own(told, judge, tmp_path, server):
    """Signing the head anew with another key gives a whole file: only who knows the right key can tell."""
    path, key = forged_key(tmp_path)
    lines = lines_of(export(told))
    end = lines[-1]
    text = f"partnerd checkpoint {told.program_id} {end['seq']} {end['hash']}".encode()
    end["signature"] = f"{key['kid']}.{encode(openssl('dgst', '-sha256', '-sign', str(path), data=text))}"
    forged = [lines[0], key, *lines[1:]]
    status, said, _ = judge(forged)
    assert status == 0 and f"signed by {key['kid']} (that key came with the file and was not checked" in said
    trusted = tmp_path / "jwks.json"
    trusted.write_bytes(Client(server).get("/.well-known/jwks.json").body)
    status, _, error = judge(forged, "--keys", str(trusted))
    assert status == 1 and "signer_unknown" in error
    status, said, _ = judge(lines_of(export(told)), "--keys", str(trusted))
    assert status == 0 and "not checked" not in said
    # Under a name that is trusted the key is found out by its thumbprint.
    known = next(line for line in lines if line["object"] == "signing_key")
    assert "key_forged" in judge([lines[0], {**key, "kid": known["kid"]}, *lines[1:]])[2]


def test_a_place_that_was_noted(told, judge):
    lines = lines_of(export(told))
    entry = [line for line in lines if line["object"] == "audit_entry"][3]
    assert judge(lines, "--known", f"{entry['seq']}:{entry['hash']}")[0] == 0
    status, _, error = judge(lines, "--known", f"{entry['seq']}:{'0' * 64}")
    assert status == 1 and "history_rewritten" in error
    status, _, error = judge(lines, "--known", f"{lines[-1]['seq'] + 1}:{'0' * 64}")
    assert status == 1 and "history_rewritten" in error


@pytest.mark.parametrize("arguments", [
    ["--known", "1"], ["--known", "x:" + "0" * 64], ["--known", "0:" + "0" * 64], ["--program", "demo"], ["more"]])
def test_usage(judge, arguments):
    status, said, error = judge("", *arguments)
    assert status == 1 and said == "" and "usage: " in error


def test_export_needs_a_program_that_is_there(told):
    assert "no program" in partnerd("audit", "export", "--program", "nobody", database_url=told.database_url,
                                    status=1).stderr
    assert "usage" in partnerd("audit", "export", database_url=told.database_url, status=1).stderr


class TestTampering:
    """The database was changed before the export: the file says so, wherever it is read."""

    @pytest.fixture
    def crime(self, postgres, new_database, new_server):
        url = new_database()
        world = World(new_server(url), url)
        world.deal_in("won")
        sealed(world)
        name = url.rsplit("/", 1)[1]
        world.execute = lambda sql, *values: postgres.execute(name, sql, values)
        return world

    @pytest.mark.parametrize("change, kind", [
        ("update audit_entries set actor_id = gen_random_uuid() where id = %s", "entry_changed"),
        ("update audit_entries set current = current || '{\"margin_bps\": 1}' where id = %s", "entry_changed"),
        ("update audit_entries set address = null, address_salt = null where id = %s", "address_missing"),
        ("delete from audit_entries where id = %s", "entry_missing"),
    ])
    def test_the_entry_is_named(self, crime, judge, change, kind):
        [(entry_id,)] = crime.execute("select id from audit_entries where program_id = %s and action = 'deal.approved'",
                                      crime.program_id)
        crime.execute(change, entry_id)
        status, _, error = judge(export(crime))
        assert status == 1 and kind in error, error
        answer = crime.admin.get("/v1/audit-log/verify").json
        assert not answer["valid"] and answer["first_fault"]["kind"] == kind

    def test_a_cut_tail(self, crime, judge):
        wait.until(lambda: crime.execute(
            "select (select max(seq) from audit_checkpoints where program_id = %s) = max(seq) from audit_entries "
            "where program_id = %s", crime.program_id, crime.program_id)[0][0], "the head of the chain is signed")
        crime.execute("delete from audit_entries where program_id = %s and seq = (select max(seq) from audit_entries "
                      "where program_id = %s)", crime.program_id, crime.program_id)
        status, _, error = judge(export(crime))
        assert status == 1 and "checkpoint_unreached" in error

    def test_entries_from_before_there_were_salts(self, crime, judge):
        """Format 1, as the first version wrote it: the address is hashed with the entry, the content has no salt."""
        crime.execute("alter table audit_entries disable trigger user")
        crime.execute(
            "update audit_entries set format = 1, content_salt = null, address_salt = null, address_hash = null, "
            "content_hash = audit_content_hash(null, previous, current) where program_id = %s", crime.program_id)
        crime.execute("update audit_entries a set entry_hash = audit_entry_hash(a) where program_id = %s",
                      crime.program_id)
        crime.execute("delete from audit_checkpoints where program_id = %s", crime.program_id)
        crime.execute(
            "do $$ declare e record; head bytea := audit_genesis('" + crime.program_id + "'); begin for e in select * "
            "from audit_entries where program_id = '" + crime.program_id + "' and seq is not null order by seq loop "
            "update audit_entries set prev_hash = head, hash = audit_link(head, e.entry_hash, e.seq) "
            "where id = e.id; head := audit_link(head, e.entry_hash, e.seq); end loop; end $$")
        assert crime.admin.get("/v1/audit-log/verify")["valid"]
        content = export(crime)
        assert judge(content)[0] == 0
        lines = lines_of(content)
        next(line for line in lines if line.get("action") == "deal.won")["address"] = "10.0.0.1"
        assert "entry_changed" in judge(lines)[2]
