# SPDX-License-Identifier: Apache-2.0
"""Files: declared, filled once with exactly what was declared, read back byte for byte, by nobody else's people."""
import hashlib
import re
import socket
from pathlib import Path

import pytest

from support import server as servers, wait
from support.parallel import at_once
from support.world import send_content

CHUNK = 256 * 1024
PDF = b"%PDF-1.7 "
SIZES = [9, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 17]


def noise(size, seed=7):
    """The same bytes every time."""
    return hashlib.shake_256(str(seed).encode()).digest(size)


def download(client, file_id, **options):
    return client.get(f"/v1/files/{file_id}/content", headers={"Accept": "*/*"}, **options)


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(world, size):
    content = (PDF + noise(size))[:size]
    client = world.partner("a").api
    made = world.declare_file(content, client)
    assert (made["status"], made["version"], made["used_by"]) == ("pending", 1, None)
    stored = send_content(client, made["id"], content, expect=200)
    assert (stored["status"], stored["size_bytes"], stored.etag) == ("stored", len(content), '"2"')
    assert stored.json == client.get(f"/v1/files/{made['id']}").json
    answer = download(client, made["id"])
    assert answer.body == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.etag == f'"{hashlib.sha256(content).hexdigest()}"'
    assert download(client, made["id"], if_match=None, expect=200).body == content


def test_head_and_not_modified(world):
    stored = world.upload()
    path = f"/v1/files/{stored['id']}/content"
    head = world.admin.request("HEAD", path, headers={"Accept": "*/*"}, expect=200)
    assert (head.headers["Content-Length"], head.body) == (str(stored["size_bytes"]), b"")
    same = world.admin.get(path, headers={"If-None-Match": f'"{stored["sha256"]}"', "Accept": "*/*"}, expect=304)
    assert same.body == b""


@pytest.mark.parametrize("content", [PDF + b"x", b"", PDF + b"short", PDF + b"longer than was said"],
                         ids=["digest", "empty", "short", "long"])
def test_other_content_is_refused_and_can_be_sent_again(world, content):
    declared = PDF + b"12345678"
    made = world.declare_file(declared)
    refused = send_content(world.admin, made["id"], content, expect=422, problem="validation_failed")
    assert {place for place, _ in refused.errors()} == {"#"}
    assert world.admin.get(f"/v1/files/{made['id']}")["status"] == "pending"
    world.admin.get(f"/v1/files/{made['id']}/content", headers={"Accept": "*/*"}, expect=404)
    send_content(world.admin, made["id"], declared, expect=200)


@pytest.mark.parametrize("media_type, content, fits", [
    ("application/pdf", PDF, True), ("application/pdf", b"MZ\x90\x00", False), ("image/png", b"\x89PNG\r\n\x1a\nx", True),
    ("image/png", b"GIF89a", False), ("text/plain", "Größe\n".encode(), True), ("text/plain", b"\xff\xfe", False),
    ("text/csv", b"a,b\n1,\x00\n", False), ("text/csv", "é".encode()[:1], False),
    ("text/plain", b"x" * (CHUNK - 1) + "é".encode() + b"y", True),
    ("text/plain", b"x" * (CHUNK - 1) + b"\xc3(" + b"y", False), ("application/zip", b"PK\x03\x04", True),
], ids=["pdf", "program", "png", "gif", "text", "not text", "nul", "cut text", "cut at a chunk", "broken at a chunk", "zip"])
def test_content_must_look_like_its_kind(world, media_type, content, fits):
    made = world.declare_file(content, media_type=media_type)
    send_content(world.admin, made["id"], content, expect=200 if fits else 422)


@pytest.mark.parametrize("members, place", [
    ({"name": "a/b.pdf"}, "#/name"), ({"name": "..\\x"}, "#/name"), ({"media_type": "text/html"}, "#/media_type"),
    ({"media_type": "image/svg+xml"}, "#/media_type"), ({"size_bytes": 0}, "#/size_bytes"),
    ({"size_bytes": 52428801}, "#/size_bytes"), ({"sha256": "A" * 64}, "#/sha256"), ({"partner_id": None}, "#/partner_id"),
], ids=str)
def test_bad_declarations(world, members, place):
    body = {"name": "x.pdf", "media_type": "application/pdf", "size_bytes": 9, "sha256": "0" * 64, **members}
    refused = world.admin.post("/v1/files", body, expect=422)
    assert place in {where for where, _ in refused.errors()}


def test_content_comes_once(world):
    stored = world.upload(PDF)
    send_content(world.admin, stored["id"], PDF, expect=409, problem="conflict")
    send_content(world.admin, stored["id"], PDF, headers={"If-Match": '"1"'}, expect=412)
    assert download(world.admin, stored["id"]).body == PDF


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_content_is_bytes(world, media_type):
    made = world.declare_file()
    send_content(world.admin, made["id"], b"{}", headers={"Content-Type": media_type}, expect=415)


def test_names_are_data(world):
    name = "Angebot \"ä\" \r\n<b>; x='%41.pdf".replace("\r\n", " ")
    stored = world.upload(PDF, name=name)
    disposition = download(world.admin, stored["id"]).headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=\"[A-Za-z0-9._ -]+\"; filename\*=UTF-8''[A-Za-z0-9._%-]+", disposition)
    assert "%C3%A4" in disposition and "%2541.pdf" in disposition


def test_files_of_others_do_not_exist(world):
    a, b = world.partner("a"), world.partner("b")
    own, foreign, vendors = (world.upload(PDF, by)["id"] for by in (a.api, b.api, world.admin))
    for file_id in (foreign, vendors):
        a.api.get(f"/v1/files/{file_id}", expect=404)
        download(a.api, file_id, expect=404)
        send_content(a.api, file_id, PDF, expect=404)
    pending = world.declare_file(PDF, b.api)
    send_content(a.api, pending["id"], PDF, expect=404)
    assert b.api.get(f"/v1/files/{pending['id']}")["status"] == "pending"
    seen = {row["id"] for row in a.api.list("/v1/files")}
    assert own in seen and not seen & {foreign, vendors, pending["id"]}
    assert {own, foreign, vendors} <= {row["id"] for row in world.admin.list("/v1/files")}


def raw_upload(server, token, file_id, pieces, length):
    """Sends a body piece by piece and reads the answer's first line."""
    with socket.create_connection((server.host, server.port), timeout=30) as link:
        link.sendall(f"PUT /v1/files/{file_id}/content HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                     f"Authorization: Bearer {token}\r\nConnection: close\r\n{length}\r\n\r\n".encode())
        for piece in pieces:
            link.sendall(piece)
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
    return int(answer.split()[1])


def test_chunked_transfer_and_strange_tokens(world, server):
    made = world.declare_file(PDF)
    chunks = [b"%x\r\n%s\r\n" % (1, PDF[at:at + 1]) for at in range(len(PDF))] + [b"0\r\n\r\n"]
    assert raw_upload(server, "nobody", made["id"], chunks, "Transfer-Encoding: chunked") == 401
    reader = world.machine(["files:read"])
    assert raw_upload(server, reader.token, made["id"], chunks, "Transfer-Encoding: chunked") == 403
    assert raw_upload(server, world.admin.token, made["id"], chunks, "Transfer-Encoding: chunked") == 200
    assert download(world.admin, made["id"]).body == PDF


def stored_chunks(postgres, database_url, file):
    return postgres.execute(database_url.rsplit("/", 1)[1],
                            f"select count(*) from file_chunks where file_id = '{file['id']}'")[0][0]


def test_an_upload_that_breaks_off_leaves_the_file_waiting(world, server, postgres, database_url):
    content = PDF + noise(3 * CHUNK)
    made = world.declare_file(content)
    link = socket.create_connection((server.host, server.port), timeout=30)
    link.sendall(f"PUT /v1/files/{made['id']}/content HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                 f"Authorization: Bearer {world.admin.token}\r\nContent-Length: {len(content)}\r\n\r\n".encode())
    link.sendall(content[:2 * CHUNK])
    chunks = lambda: stored_chunks(postgres, database_url, made)
    wait.until(lambda: chunks() == 2, "two chunks are stored")
    link.close()
    wait.until(lambda: [line for line in server.lines("upload cut off") if made["id"] in line["detail"]], "it is told")
    assert world.admin.get(f"/v1/files/{made['id']}")["status"] == "pending"
    send_content(world.admin, made["id"], content[:-1] + b"-", expect=422)
    assert chunks() == 4, "of the last attempt only"
    send_content(world.admin, made["id"], content, expect=200)
    assert download(world.admin, made["id"]).body == content


def test_memory_does_not_grow_with_the_file(world, database_url, monkeypatch):
    """The server holds a chunk, not a file. What is freed is counted as free: no quarantine of the sanitizer."""
    monkeypatch.setitem(servers.DEFAULTS, "ASAN_OPTIONS", servers.DEFAULTS["ASAN_OPTIONS"] + ":quarantine_size_mb=1")
    server = servers.Server(database_url, workers=2, database_connections=2, jobs="false").wait_ready()
    resident = lambda: int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.child.pid}/status").read_text())[1]) // 1024
    client = world.admin.on(server)
    peaks = []
    for size in (4 * CHUNK, 64 * CHUNK):
        content = PDF + noise(size)
        assert download(client, world.upload(content, client)["id"]).body == content
        peaks.append(resident())
    server.stop()
    assert peaks[1] - peaks[0] < 8, peaks


def test_files_of_one_side_are_bounded(world, new_server, postgres, database_url):
    """However many are declared at once; what others declare does not count, and what is deleted makes room."""
    server = new_server(database_url, file_quota_partner_mib=1, file_quota_vendor_mib=1, jobs="false")
    partner, other = world.make_partner(), world.make_partner()
    client = partner.api.on(server)
    body = {"name": "a.pdf", "media_type": "application/pdf", "size_bytes": 300 * 1024, "sha256": "0" * 64}
    answers = at_once([lambda: client.post("/v1/files", body)] * 8)
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 5
    assert {answer.problem for answer in answers if answer.status == 409} == {"file_quota_reached"}
    client.post("/v1/files", {**body, "size_bytes": 1024 * 1024 - 900 * 1024}, expect=201)
    client.post("/v1/files", {**body, "size_bytes": 1}, expect=409, problem="file_quota_reached")
    for by in (other.api, world.admin):
        by.on(server).post("/v1/files", {**body, "size_bytes": 1024 * 1024 + 1}, expect=409, problem="file_quota_reached")
    other.api.on(server).post("/v1/files", body, expect=201)
    postgres.execute(database_url.rsplit("/", 1)[1], "update files set recorded_at = now() - interval '2 days' where id = %s",
                     (next(answer["id"] for answer in answers if answer.status == 201),))
    sweep(world, postgres, database_url)
    client.post("/v1/files", body, expect=201)
    client.post("/v1/files", {**body, "size_bytes": 1}, expect=409, problem="file_quota_reached")
    other.api.on(server).post("/v1/files", {**body, "size_bytes": 1}, expect=201)
    world.admin.post(f"/v1/partners/{partner.id}/merge", {"into_partner_id": other.id, "reason": "Twice."}, if_match="*", expect=200)
    other.api.on(server).post("/v1/files", {**body, "size_bytes": 1}, expect=409, problem="file_quota_reached")


def sweep(world, postgres, database_url):
    postgres.execute(database_url.rsplit("/", 1)[1], "select set_config('app.program', %s, false), "
                     "set_config('app.partner', '*', false); select files_sweep(100)", (world.program_id,))


def test_chunks_of_other_attempts_go_with_the_store(world, postgres, database_url):
    made = world.declare_file(PDF)
    send_content(world.admin, made["id"], PDF[:-1] + b"x", expect=422)
    attempts = lambda: postgres.execute(database_url.rsplit("/", 1)[1], "select count(distinct upload_id) from file_chunks "
                                        "where file_id = %s", (made["id"],))[0][0]
    assert attempts() == 1
    send_content(world.admin, made["id"], PDF, expect=200)
    assert attempts() == 1 and download(world.admin, made["id"]).body == PDF


def test_what_comes_to_nothing_is_swept(world, postgres, database_url):
    """Files without content after a day, with all that was sent of them, files that nothing uses after a week."""
    failed, fresh, unused = world.declare_file(PDF + b"1"), world.declare_file(PDF), world.upload(PDF)
    send_content(world.admin, failed["id"], PDF + b"2", expect=422)
    run = lambda sql: postgres.execute(database_url.rsplit("/", 1)[1], sql)
    old = lambda row, age: run(f"update files set recorded_at = now() - interval '{age}' where id = '{row['id']}'")
    old(failed, "2 days"), old(unused, "8 days")
    sweep(world, postgres, database_url)
    for row, status in ((failed, 404), (unused, 404), (fresh, 200)):
        world.admin.get(f"/v1/files/{row['id']}", expect=status)
