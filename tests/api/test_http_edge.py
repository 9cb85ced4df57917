# SPDX-License-Identifier: Apache-2.0
"""The edge with raw sockets: what a client library would never send, and what every answer must carry.

The HTTP library below the server is lenient; each row here is a way in which it, or a proxy before it, reads something
else than what was meant. A refusal whose framing is in doubt must also close the connection.
"""
import concurrent.futures
import json
import re
import socket
import time

import pytest

from support import wait

HOST = "Host: t\r\n"
JSON = "Content-Type: application/json\r\n"
ORIGIN = "https://app.example"
ID = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11"


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __getitem__(self, name):
        """The value of a header field that must be there at most once."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        if self["Content-Type"] != "application/problem+json":
            return None
        assert self.json["status"] == self.status
        return self.json["code"]

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Wire:
    """One TCP connection; reads answers one after the other."""

    def __init__(self, server, timeout_s=20):
        self.socket = socket.create_connection((server.host, server.port), timeout=timeout_s)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.buffer += piece
        return bool(piece)

    def answer(self, to_head=False):
        """The next answer, None when the connection ended before one began."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                assert not self.buffer, f"half an answer: {self.buffer!r}"
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        status = int(lines[0].split(" ")[1])
        length = next((int(v) for k, v in fields if k.lower() == "content-length"), 0)
        if to_head or status in (204, 304) or status < 200:
            length = 0
        while len(self.buffer) < length:
            assert self._more(), "the body was cut"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, fields, body)

    def is_closed(self):
        """True when the server ends the connection, False when it leaves it open for a moment."""
        self.socket.settimeout(0.5)
        try:
            return not self._more()
        except TimeoutError:
            return False


@pytest.fixture(scope="module")
def token(world):
    return world.admin.token


@pytest.fixture(scope="module")
def bearer(token):
    return f"Authorization: Bearer {token}\r\n"


def ask(server, method, target, fields="", body=b""):
    """One request on a connection of its own."""
    if isinstance(body, str):
        body = body.encode()
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    with Wire(server) as wire:
        wire.send(f"{method} {target} HTTP/1.1\r\n{HOST}{fields}{length}\r\n".encode("latin-1") + body)
        return wire.answer(to_head=method == "HEAD")


# ---- heads that can be read in two ways ----

AMBIGUOUS = {
    "blank before the colon": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length : 5\r\n\r\n",
    "tab in a name": "GET /livez HTTP/1.1\r\nHost: t\r\nX\ty: 1\r\n\r\n",
    "a line without a name": "GET /livez HTTP/1.1\r\nHost: t\r\n: y\r\nX-After: 1\r\n\r\n",
    "nothing but a colon": "GET /livez HTTP/1.1\r\nHost: t\r\n:\r\nX-After: 1\r\n\r\n",
    "a line without a name first": "GET /livez HTTP/1.1\r\n: y\r\nHost: t\r\n\r\n",
    "bare LF behind the request line": "GET /livez HTTP/1.1\nHost: t\r\n\r\n",
    "two blanks in the request line": "GET  /livez HTTP/1.1\r\nHost: t\r\n\r\n",
    "name with a separator": "GET /livez HTTP/1.1\r\nHost: t\r\nX(y: 1\r\n\r\n",
    "name beyond ASCII": "GET /livez HTTP/1.1\r\nHost: t\r\nX\xe4: 1\r\n\r\n",
    "folded line": "GET /livez HTTP/1.1\r\nHost: t\r\nX-Real: 9.9.9.9\r\n -IP\r\n\r\n",
    "folded value": "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\r\n\tb\r\nY: 1\r\n\r\n",
    "bare LF between lines": "GET /livez HTTP/1.1\r\nHost: t\nX: 1\r\n\r\n",
    "NUL in a value": "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\x00b\r\n\r\n",
    "two NULs in a value": "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\x00\x00b\r\nY: 1\r\n\r\n",
    "NUL in the target": "GET /livez\x00/x HTTP/1.1\r\nHost: t\r\n\r\n",
    "control character in a value": "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\x01b\r\n\r\n",
    "length beside chunks": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "the same length twice": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "chunks in HTTP/1.0": "POST /v1/sessions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": "GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two hosts in other cases": "GET /livez HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n",
    "a list of hosts": "GET /livez HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "two tokens": "GET /livez HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "a list of tokens": "GET /livez HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer a, Bearer b\r\n\r\n",
    "two content types": f"POST /v1/sessions HTTP/1.1\r\nHost: t\r\n{JSON}{JSON}Content-Length: 2\r\n\r\n{{}}",
    "two keys": "POST /v1/deals HTTP/1.1\r\nHost: t\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n",
    "unknown expectation": "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nExpect: cake\r\n\r\n",
    "target without a slash": "GET livez HTTP/1.1\r\nHost: t\r\n\r\n",
    "absolute target": "GET http://t/livez HTTP/1.1\r\nHost: t\r\n\r\n",
    "target of CONNECT": "CONNECT t:443 HTTP/1.1\r\nHost: t\r\n\r\n",
    "fragment": "GET /livez#x HTTP/1.1\r\nHost: t\r\n\r\n",
    "control character in the target": "GET /livez\x01 HTTP/1.1\r\nHost: t\r\n\r\n",
    "blank in the target": "GET /livez x HTTP/1.1\r\nHost: t\r\n\r\n",
    "DEL in the target": "GET /livez\x7f HTTP/1.1\r\nHost: t\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_heads_are_refused(server, name):
    with Wire(server) as wire:
        answer = wire.send(AMBIGUOUS[name]).answer()
        assert (answer.status, answer.code) == (400, "invalid_request"), answer


FRAMING = [name for name in AMBIGUOUS if "target" not in name and name not in ("fragment",)]


@pytest.mark.parametrize("name", FRAMING)
def test_nothing_is_read_behind_a_doubtful_head(server, name):
    smuggled = "GET /v1/meta HTTP/1.1\r\nHost: t\r\n\r\n"
    with Wire(server) as wire:
        answer = wire.send(AMBIGUOUS[name] + smuggled).answer()
        assert answer.status == 400 and answer["Connection"] == "close", answer
        assert wire.answer() is None


@pytest.mark.parametrize("request_line", ["GET", "GET /livez", "GET  HTTP/1.1", "GET /livez HTTP/2.0", "\x16\x03\x01",
                                          "GET /livez HTTP/1.1\x00"])
def test_what_is_no_request_line_ends_the_connection(server, request_line):
    with Wire(server) as wire:
        answer = wire.send(f"{request_line}\r\n{HOST}\r\n").answer()
        assert answer is None or answer.status in (400, 505), answer
        assert wire.is_closed()


def test_a_coding_that_is_not_chunked_gets_no_answer_but_an_end(server, new_server, new_database):
    quick = new_server(new_database(), read_timeout_ms=500)
    with Wire(quick) as wire:
        wire.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
        answer = wire.answer()
        assert answer is None or answer.status == 400, answer


def test_ordinary_oddities_are_fine(server):
    fields = "X-Empty:\r\nX-Blanks:   a  \r\nx-real: 1\r\nX-Real: 2\r\nUser-Agent: \xfc\r\n"
    assert ask(server, "GET", "/livez", fields).status == 200
    assert ask(server, "GET", "/livez?").status == 200
    with Wire(server) as wire:
        assert wire.send("GET /livez HTTP/1.0\r\n\r\n").answer().status == 200
        assert wire.is_closed()


def test_a_head_in_many_pieces_is_one_head(server):
    head = f"GET /livez HTTP/1.1\r\n{HOST}" + "".join(f"X-{i}: {'v' * 40}\r\n" for i in range(200)) + "\r\n"
    with Wire(server) as wire:
        for start in range(0, len(head), 700):
            wire.send(head[start:start + 700])
            time.sleep(0.002)
        assert wire.answer().status == 200


def test_pipelined_requests_are_answered_in_order(server):
    with Wire(server) as wire:
        wire.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\nGET /v1/nothing HTTP/1.1\r\n{HOST}\r\nGET /v1/meta HTTP/1.1\r\n{HOST}\r\n")
        assert [wire.answer().status for _ in range(3)] == [200, 404, 200]


# ---- targets ----

@pytest.mark.parametrize("path", [
    "/", "//v1/meta", "/v1//meta", "/v1/meta/", "/v1/./meta", "/v1/../v1/meta", "/v1/%2e%2e/v1/meta", "/v1%2Fmeta",
    "/v1/deals/%00", f"/v1/deals/{ID}%00", "/v1/%6deta", "/V1/meta", "/v1/meta;x=1", "/v1/nothing", "/metrics",
])
def test_paths_in_a_form_nobody_has_are_not_found(server, path):
    answer = ask(server, "GET", path)
    assert (answer.status, answer.code) == (404, "not_found"), answer


@pytest.mark.parametrize("target", [
    "/v1/deals/%zz", "/v1/deals/%4", "/v1/deals/%", "/v1/deals/%ff", "/v1/deals/%c0%af", "/v1/deals/\xff", "/v1/meta?x=\xff",
])
def test_badly_encoded_targets_are_refused(server, target):
    answer = ask(server, "GET", target)
    assert (answer.status, answer.code) == (400, "invalid_encoding"), answer


@pytest.mark.parametrize("bad", ["x", "1", "01932c07-5f1e-7c3a-9b1d", f"{ID}0", "%20", "a%2Cb", f"{ID},{ID}"])
def test_what_cannot_be_an_id_is_not_found(server, bearer, bad):
    answer = ask(server, "GET", f"/v1/deals/{bad}", bearer)
    assert (answer.status, answer.code) == (404, "not_found"), answer


def test_the_query_cannot_change_the_id(server, bearer):
    answer = ask(server, "GET", f"/v1/deals/{ID}?deal_id=evil", bearer)
    assert (answer.status, answer.code) == (400, "unknown_parameter"), answer


def test_targets_have_a_limit(server):
    answer = ask(server, "GET", "/v1/meta?x=" + "a" * 4096)
    assert (answer.status, answer.code) == (414, "uri_too_long"), answer
    assert ask(server, "GET", "/v1/" + "a" * 4000).status == 404
    assert ask(server, "GET", "/v1/meta?" + "a&" * 2000 + "a").code == "unknown_parameter"


def test_heads_have_a_limit(server):
    answer = ask(server, "GET", "/livez", "X: " + "a" * 12400 + "\r\n")
    assert (answer.status, answer.code) == (431, "headers_too_large"), answer
    assert ask(server, "GET", "/livez", "X: " + "a" * 11000 + "\r\n").status == 200
    assert ask(server, "GET", "/livez", "X: " + "a" * 60000 + "\r\n").status == 431


# ---- methods ----

@pytest.mark.parametrize("method", ["get", "Get", "DELETE", "PUT", "TRACE", "FOO", "M-SEARCH"])
def test_methods_are_exact(server, method):
    answer = ask(server, method, "/v1/meta")
    assert (answer.status, answer.code) == (405, "method_not_allowed"), answer
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_the_path_comes_before_the_method(server):
    assert ask(server, "TRACE", "/v1/nothing").status == 404


def test_head_is_get_without_the_body(server):
    get, head = ask(server, "GET", "/v1/meta"), ask(server, "HEAD", "/v1/meta")
    assert head.status == 200 and head.body == b""
    assert head["Content-Length"] == str(len(get.body))
    assert head["Content-Type"] == get["Content-Type"]
    with Wire(server) as wire:
        wire.send(f"HEAD /v1/meta HTTP/1.1\r\n{HOST}\r\nGET /livez HTTP/1.1\r\n{HOST}\r\n")
        assert wire.answer(to_head=True).status == 200
        assert wire.answer().json == {"status": "ok"}


def test_options_names_the_methods_without_a_token(server):
    answer = ask(server, "OPTIONS", f"/v1/deals/{ID}")
    assert answer.status == 204 and answer.body == b"" and answer["Content-Type"] is None
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "PATCH", "OPTIONS"}
    assert ask(server, "OPTIONS", "/v1/nothing").status == 404


# ---- queries ----

@pytest.mark.parametrize("query,code", [
    ("statsu=won", "unknown_parameter"), ("limit=0", "invalid_parameter"), ("limit=101", "invalid_parameter"),
    ("limit=1&limit=2", "invalid_parameter"), ("limit=%201", "invalid_parameter"), ("limit=", "invalid_parameter"),
    ("limit=1e1", "invalid_parameter"), ("limit=+5", "invalid_parameter"), ("limit", "invalid_parameter"),
    ("status=nothing", "invalid_parameter"), ("status=won,lost", "invalid_parameter"), ("=x&limit=5", "invalid_parameter"),
    ("&limit=5", "invalid_parameter"), ("limit=5&", "invalid_parameter"), ("status=%FF", "invalid_encoding"),
    ("status=%zz", "invalid_encoding"), ("status=won%00", "invalid_encoding"), ("%FF=1", "invalid_encoding"),
    ("LIMIT=5", "unknown_parameter"), ("limit%00=5", "invalid_encoding"),
])
def test_queries_are_read_strictly(server, bearer, query, code):
    answer = ask(server, "GET", f"/v1/deals?{query}", bearer)
    assert (answer.status, answer.code) == (400, code), answer


def test_a_wrong_name_gets_the_nearest_right_one(server, bearer):
    answer = ask(server, "GET", "/v1/deals?crated_at_gte=2026-01-01T00:00:00Z", bearer)
    assert "'created_at_gte'" in answer.json["detail"]
    assert answer.json["errors"][0]["parameter"] == "crated_at_gte"


def test_all_faults_of_a_query_are_told_at_once(server, bearer):
    answer = ask(server, "GET", "/v1/deals?limit=0&status=x&include_total=maybe", bearer)
    assert {entry["parameter"] for entry in answer.json["errors"]} == {"limit", "status", "include_total"}


def test_good_queries_pass(server, bearer):
    assert ask(server, "GET", "/v1/deals?status=won&status=lost&limit=1&sort=-created_at", bearer).status == 200
    assert ask(server, "GET", "/v1/deals?customer_name=A+%26%20B%C3%A4&limit=%31", bearer).status == 200


# ---- media types ----

@pytest.mark.parametrize("accept,status", [
    ("", 200), ("*/*", 200), ("application/*", 200), ("application/json", 200), ("Application/JSON", 200),
    ("text/html, application/json;q=0.1", 200), ("application/json;q=0", 406), ("text/html", 406),
    ("*/*, application/json;q=0", 406), ("application/*;q=0, application/json", 200), ("text/plain;x=application/json", 406),
    ("application/problem+json", 406), ("application/json;version=2", 200),
])
def test_accept(server, accept, status):
    answer = ask(server, "GET", "/v1/meta", f"Accept: {accept}\r\n" if accept else "")
    assert answer.status == status, answer
    if status == 406:
        assert answer.code == "not_acceptable"


def test_two_accept_lines_are_one_list(server):
    assert ask(server, "GET", "/v1/meta", "Accept: text/html\r\nAccept: application/json\r\n").status == 200


@pytest.mark.parametrize("content_type", [
    None, "text/plain", "text/plain; application/json", "application/json; charset=latin1", "application/merge-patch+json",
    "application/x-www-form-urlencoded", "application/jsonx", "json", "application/json; charset",
])
def test_bodies_of_another_type_are_refused(server, content_type):
    fields = f"Content-Type: {content_type}\r\n" if content_type else ""
    answer = ask(server, "POST", "/v1/sessions", fields, "{}")
    assert (answer.status, answer.code) == (415, "unsupported_media_type"), answer
    assert answer["Accept"] == "application/json"


@pytest.mark.parametrize("content_type", [
    "application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"',
])
def test_bodies_of_json_are_read(server, content_type):
    answer = ask(server, "POST", "/v1/sessions", f"Content-Type: {content_type}\r\n", "{}")
    assert (answer.status, answer.code) == (422, "validation_failed"), answer


def test_patch_says_what_it_accepts(server, bearer):
    answer = ask(server, "PATCH", f"/v1/deals/{ID}", f"{bearer}Content-Type: text/plain\r\n", "{}")
    assert answer.status == 415
    assert answer["Accept-Patch"] == "application/merge-patch+json, application/json"


def test_coded_bodies_are_refused(server):
    answer = ask(server, "POST", "/v1/sessions", f"{JSON}Content-Encoding: gzip\r\n", "{}")
    assert (answer.status, answer.code) == (415, "unsupported_media_type"), answer


# ---- bodies ----

NO_JSON = {
    "nothing": ("", "malformed_json"), "half an object": ("{", "malformed_json"), "more behind": ("{} x", "malformed_json"),
    "a string": ('"text"', "malformed_json"), "a number": ("1", "malformed_json"), "null": ("null", "malformed_json"),
    "single quotes": ("{'a':1}", "malformed_json"), "a last comma": ('{"a":1,}', "malformed_json"),
    "NaN": ('{"a":NaN}', "malformed_json"), "a leading zero": ('{"a":01}', "malformed_json"),
    "beyond 64 bits": ('{"a":9223372036854775808}', "malformed_json"), "an infinite number": ('{"a":1e999}', "malformed_json"),
    "U+0000": ('{"a":"\\u0000"}', "malformed_json"), "half a surrogate": ('{"a":"\\ud800"}', "malformed_json"),
    "a byte order mark": ("\ufeff{}", "malformed_json"), "a key twice": ('{"a":1,"a":2}', "duplicate_key"),
    "a key twice in two spellings": ('{"a":1,"\\u0061":2}', "duplicate_key"),
    "not UTF-8": (b'{"a":"\xff"}', "invalid_encoding"), "40 levels": ("[" * 40 + "]" * 40, "malformed_json"),
    "5,000 levels": ('{"a":' * 5000 + "1" + "}" * 5000, "malformed_json"),
    "10,001 values": ("[" + "1," * 10001 + "1]", "malformed_json"), "a NUL": (b"\x00{}", "malformed_json"),
    "a control character": ('{"a":"\x01"}', "malformed_json"),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_bodies_that_are_no_json_of_ours(server, name):
    body, code = NO_JSON[name]
    with Wire(server) as wire:
        data = body if isinstance(body, bytes) else body.encode()
        wire.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        answer = wire.answer()
        assert (answer.status, answer.code) == (400, code), answer


def test_violations_of_a_body_name_their_places(server):
    answer = ask(server, "POST", "/v1/sessions", JSON, '{"email": 1, "nothing": true}')
    assert (answer.status, answer.code) == (422, "validation_failed")
    found = {(entry["pointer"], entry["code"]) for entry in answer.json["errors"]}
    assert {("#/email", "wrong_type"), ("#/nothing", "unknown_field"), ("#/password", "required")} <= found, found


def test_a_chunked_body_is_a_body(server):
    with Wire(server) as wire:
        wire.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n"
                  "1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert wire.answer().status == 422
        assert wire.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\n").answer().status == 200


def test_expect_continue(server):
    with Wire(server) as wire:
        wire.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert wire.answer().status == 100
        assert wire.send("{}").answer().status == 422


def limit_of(server):
    return ask(server, "GET", "/v1/meta").json["limits"]["body_bytes"]


def padded(size):
    return b'{"email":"' + b"a" * (size - 12) + b'"}'


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(server):
    limit = limit_of(server)
    assert ask(server, "POST", "/v1/sessions", JSON, padded(limit)).status == 422
    answer = ask(server, "POST", "/v1/sessions", JSON, padded(limit + 1))
    assert (answer.status, answer.code) == (413, "payload_too_large"), answer
    assert answer["Connection"] == "close"


def test_a_body_that_is_cut_at_the_limit_is_never_parsed(server):
    limit = limit_of(server)
    body = b"{}" + b" " * (limit - 1) + b"x" * 5000
    assert ask(server, "POST", "/v1/sessions", JSON, body).status == 413


def test_chunks_beyond_the_limit_close_the_connection(server):
    piece = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    with Wire(server) as wire:
        wire.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(limit_of(server) // 0x8000 + 1):
            wire.send(piece)
        answer = wire.send(b"0\r\n\r\n").answer()
        assert (answer.status, answer.code, answer["Connection"]) == (413, "payload_too_large", "close"), answer
        assert wire.answer() is None


def test_an_action_without_a_body_takes_none_or_an_empty_object(server, bearer):
    for body in ("", "{}"):
        answer = ask(server, "POST", f"/v1/deals/{ID}/submit", f'{bearer}{JSON}If-Match: "1"\r\n', body)
        assert answer.status in (404, 200), answer


# ---- keys ----

def test_registration_needs_a_key(server, bearer):
    answer = ask(server, "POST", "/v1/deals", bearer + JSON, "{}")
    assert (answer.status, answer.code) == (400, "idempotency_key_required"), answer


@pytest.mark.parametrize("key", ['""', pytest.param("a" * 256, id="too long"), "a b", pytest.param("\xe4", id="not ASCII")])
def test_keys_are_visible_ascii(server, bearer, key):
    answer = ask(server, "POST", "/v1/deals", f"{bearer}{JSON}Idempotency-Key: {key}\r\n", "{}")
    assert (answer.status, answer.code) == (400, "invalid_parameter"), answer
    assert answer.json["errors"][0]["header"] == "Idempotency-Key"


# ---- order of checks ----

def test_order_of_checks(server, bearer):
    """Each request has all faults that come later; the earliest is the one that is told."""
    wrong = "Accept: text/html\r\nContent-Type: text/plain\r\n"
    too_long = b"x" * (limit_of(server) + 1)
    assert ask(server, "DELETE", "/v1/nothing?x=1", wrong, too_long).status == 413
    assert ask(server, "DELETE", "/v1/nothing?x=1", wrong, "x").status == 404
    assert ask(server, "DELETE", "/v1/deals?x=1", wrong, "x").status == 405
    assert ask(server, "POST", "/v1/deals?x=1", wrong, "x").status == 401
    assert ask(server, "POST", "/v1/deals?x=1", bearer + wrong, "x").status == 406
    assert ask(server, "POST", "/v1/deals?x=1", bearer + "Content-Type: text/plain\r\n", "x").status == 415
    assert ask(server, "POST", "/v1/deals?x=1", bearer + JSON, "x").code == "unknown_parameter"
    assert ask(server, "POST", "/v1/deals", bearer + JSON, "x").code == "idempotency_key_required"
    assert ask(server, "POST", "/v1/deals", f"{bearer}{JSON}Idempotency-Key: k\r\n", "x").code == "malformed_json"


# ---- what every answer carries ----

PLACES = {
    "success": ("GET", "/v1/meta", "", 200), "not found": ("GET", "/v1/nothing", "", 404),
    "no token": ("GET", "/v1/deals", "", 401), "method": ("PUT", "/v1/meta", "", 405),
    "not acceptable": ("GET", "/v1/meta", "Accept: text/html\r\n", 406), "query": ("GET", "/v1/meta?x=1", "", 400),
    "framing": ("GET", "/v1/meta", "Host: again\r\n", 400), "target": ("GET", "/v1/meta?x=" + "a" * 5000, "", 414),
    "options": ("OPTIONS", "/v1/meta", "", 204),
}


@pytest.mark.parametrize("place", PLACES)
def test_fields_of_every_answer(server, place):
    method, target, fields, status = PLACES[place]
    answer = ask(server, method, target, fields)
    assert answer.status == status
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer["Request-Id"])
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Server"] is None
    assert "Origin" in answer["Vary"]
    assert all(value.strip() for _, value in answer.fields)
    assert answer["Cache-Control"] == ("public, max-age=300" if status == 200 else "no-store")
    if status >= 400:
        problem = answer.json
        assert problem["request_id"] == answer["Request-Id"] and problem["type"] == f"/problems/{problem['code']}"
        assert problem["title"] and problem["detail"] and problem["instance"].startswith("/")
        assert "?" not in problem["instance"]


def test_request_ids_are_new_each_time(server):
    assert ask(server, "GET", "/livez", f"Request-Id: {ID}\r\n")["Request-Id"] != ID
    assert len({ask(server, "GET", "/livez")["Request-Id"] for _ in range(5)}) == 5


def test_private_answers_may_be_kept_by_their_owner_only(server, bearer):
    answer = ask(server, "GET", "/v1/deals?limit=1", bearer)
    assert answer["Cache-Control"] == "private, no-cache"
    assert set(answer["Vary"].split(", ")) == {"Authorization", "Accept", "Origin"}


def test_challenges(server):
    assert ask(server, "GET", "/v1/deals")["WWW-Authenticate"] == "Bearer"
    answer = ask(server, "GET", "/v1/deals", "Authorization: Bearer x\r\n")
    assert answer.code == "token_invalid" and answer["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


# ---- browsers ----

@pytest.fixture(scope="module")
def browsed(new_server, new_database):
    return new_server(new_database(), cors_origins=f"https://other.example, {ORIGIN}")


@pytest.mark.parametrize("place", PLACES)
def test_listed_origins_may_read_every_answer(browsed, place):
    method, target, fields, status = PLACES[place]
    answer = ask(browsed, method, target, f"Origin: {ORIGIN}\r\n{fields}")
    assert (answer.status, answer["Access-Control-Allow-Origin"]) == (status, ORIGIN), answer
    exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Location", "Link", "Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy",
            "Idempotency-Replayed", "WWW-Authenticate"} <= exposed


@pytest.mark.parametrize("origin", ["https://evil.example", f"{ORIGIN}.evil.example", f"{ORIGIN}:444", "null", "HTTPS://APP.EXAMPLE"])
def test_other_origins_may_not(browsed, origin):
    answer = ask(browsed, "GET", "/v1/meta", f"Origin: {origin}\r\n")
    assert answer.status == 200 and answer["Access-Control-Allow-Origin"] is None
    assert "Origin" in answer["Vary"]


def test_preflight_comes_before_everything(browsed):
    fields = f"Origin: {ORIGIN}\r\nAccess-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: if-match\r\n"
    for target in (f"/v1/deals/{ID}", "/v1/nothing"):
        answer = ask(browsed, "OPTIONS", target, fields)
        assert answer.status == 204 and answer.body == b""
        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        assert "PATCH" in answer["Access-Control-Allow-Methods"]
        assert {"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "traceparent"} <= set(
            answer["Access-Control-Allow-Headers"].split(", "))
        assert answer["Access-Control-Max-Age"] == "7200"
    refused = ask(browsed, "OPTIONS", "/v1/deals", fields.replace(ORIGIN, "https://evil.example"))
    assert refused.status == 204 and refused["Access-Control-Allow-Origin"] is None


# ---- limits of rate ----

@pytest.fixture(scope="module")
def limited(new_server, new_database):
    return new_server(new_database(), rate_limit_address_per_minute=30, rate_limit_sign_in_per_minute=4)


def test_sign_in_has_a_limit_of_its_own_and_an_address_has_one(limited):
    answers = [ask(limited, "POST", "/v1/sessions", JSON, "{}") for _ in range(5)]
    assert [answer.status for answer in answers] == [422] * 4 + [429]
    assert answers[0]["RateLimit-Policy"] == '"sign-in";q=4;w=60'
    assert answers[0]["RateLimit"].startswith('"sign-in";r=3;t=')
    refused = answers[-1]
    assert refused.code == "rate_limited"
    left = re.fullmatch(r'"sign-in";r=0;t=(\d+)', refused["RateLimit"])
    assert left and int(refused["Retry-After"]) >= int(left.group(1)) >= 1
    answers = [ask(limited, "GET", "/v1/meta") for _ in range(31)]
    assert answers[0]["RateLimit-Policy"] == '"address";q=30;w=60'
    assert answers[0].status == 200 and answers[-1].status == 429
    assert ask(limited, "GET", "/livez").status == 200 and ask(limited, "GET", "/readyz").status == 200


def test_without_limits_nothing_is_said_about_them(server):
    answer = ask(server, "GET", "/v1/meta")
    assert answer["RateLimit"] is None and answer["RateLimit-Policy"] is None


# ---- clients that hold their place ----

@pytest.fixture(scope="module")
def impatient(new_server, new_database):
    return new_server(new_database(), read_timeout_ms=700, idle_timeout_ms=900, max_connections=600)


BEGINNINGS = {
    "nothing": "", "request line": "G", "head": f"GET /livez HTTP/1.1\r\n{HOST}X: ",
    "body": f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 1000\r\n\r\n",
    "chunks": f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_dripping_client_is_cut(impatient, name):
    """A byte now and then is activity, but no progress: the connection must end all the same."""
    begin = BEGINNINGS[name]
    drip = b"1\r\na\r\n" if "chunked" in begin else b"a"
    with Wire(impatient) as wire:
        wire.send(begin)
        wire.socket.settimeout(0.1)

        def is_cut():
            try:
                if begin:
                    wire.send(drip)
                return wire.socket.recv(100) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
        wait.until(is_cut, "the connection is cut")


def test_an_idle_connection_is_closed_after_an_answer_too(impatient):
    with Wire(impatient) as wire:
        assert wire.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\n").answer().status == 200
        assert wire.answer() is None


def test_probes_answer_beside_hundreds_of_stalled_connections(new_server, new_database):
    crowded = new_server(new_database(), max_connections=1200)
    stalled = [Wire(crowded) for _ in range(500)]
    try:
        for wire in stalled:
            wire.send("POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n{")
        for _ in range(20):
            assert ask(crowded, "GET", "/livez").status == 200
        assert crowded.probe("/livez", crowded.admin_port) == 200
    finally:
        for wire in stalled:
            wire.socket.close()


# ---- the end ----

def test_a_request_in_flight_is_answered_before_the_end(new_server, new_database):
    ending = new_server(new_database(), drain_timeout_ms=20000)
    with Wire(ending) as busy, Wire(ending) as idle:
        assert idle.send(f"GET /livez HTTP/1.1\r\n{HOST}\r\n").answer().status == 200
        busy.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 2\r\n\r\n")
        assert ask(ending, "GET", "/livez").status == 200
        ending.terminate()
        wait.until(lambda: ending.probe("/readyz", ending.admin_port) in (503, None), "it is draining")
        wait.until(lambda: ending.probe("/livez") is None, "new connections are refused")
        answer = busy.send("{}").answer()
        assert (answer.status, answer["Connection"]) == (422, "close"), answer
    ending.wait_end()


def test_a_request_that_never_ends_does_not_hold_the_end(new_server, new_database):
    ending = new_server(new_database(), drain_timeout_ms=300)
    with Wire(ending) as busy:
        busy.send(f"POST /v1/sessions HTTP/1.1\r\n{HOST}{JSON}Content-Length: 2\r\n\r\n")
        ending.terminate()
        ending.wait_end()
        assert busy.answer() is None


# ---- what is told to those who run it ----

def admin(server, target, fields=""):
    with Wire(type("Admin", (), {"host": server.host, "port": server.admin_port})) as wire:
        wire.send(f"GET {target} HTTP/1.1\r\n{HOST}{fields}\r\n")
        return wire.answer()


def samples(server):
    page = admin(server, "/metrics").body.decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line[:1] != "#"}


def test_metrics_count_by_route_and_never_by_path(server):
    name = 'partnerd_http_requests_total{method="GET",route="/v1/deals/{deal_id}",status="401"}'
    before = samples(server).get(name, 0)
    ask(server, "GET", f"/v1/deals/{ID}")
    ask(server, "GET", "/v1/no/such/path")
    after = samples(server)
    assert after[name] == before + 1
    assert after['partnerd_http_requests_total{method="any",route="unmatched",status="404"}'] >= 1
    assert not any(ID in sample or "/v1/no/such" in sample for sample in after)
    count = 'partnerd_http_request_duration_seconds_count{method="GET",route="/v1/deals/{deal_id}"}'
    last = 'partnerd_http_request_duration_seconds_bucket{method="GET",route="/v1/deals/{deal_id}",le="+Inf"}'
    assert after[count] == after[last] >= 1
    for gauge in ("partnerd_http_connections", "partnerd_http_requests_in_flight", "partnerd_database_connections_open"):
        assert gauge in after


def test_metrics_as_openmetrics(server):
    answer = admin(server, "/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n")
    assert answer["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    page = answer.body.decode()
    assert page.endswith("# EOF\n") and "# TYPE partnerd_http_requests counter\n" in page
    assert admin(server, "/metrics")["Content-Type"].startswith("text/plain; version=0.0.4")
    assert admin(server, "/v1/meta").status == 404


def test_one_line_is_logged_for_a_request_without_its_query(server):
    secret = "sentinel-in-a-query"
    answer = ask(server, "GET", f"/v1/deals?customer_name={secret}")
    lines = wait.until(
        lambda: [line for line in server.lines("request") if line["request_id"] == answer["Request-Id"]], "it is logged")
    assert len(lines) == 1
    line = lines[0]
    assert (line["status"], line["route"], line["problem"]) == (401, "/v1/deals", "unauthenticated")
    assert line["method"] == "GET" and line["duration_us"] >= 0 and line["bytes"] == len(answer.body)
    assert line["address"] == "127.0.0.1"
    assert secret not in json.dumps(server.lines())


# ---- what the server says about itself ----

def test_probes(server):
    assert ask(server, "GET", "/livez").json == {"status": "ok"}
    assert ask(server, "GET", "/readyz").json == {"status": "ok"}


def test_the_contract_is_served_and_can_be_kept(server):
    as_json, as_yaml = ask(server, "GET", "/openapi.json"), ask(server, "GET", "/openapi.yaml")
    assert as_json.json["openapi"].startswith("3.1")
    assert as_yaml["Content-Type"] == "application/yaml" and b"openapi: " in as_yaml.body
    again = ask(server, "GET", "/openapi.json", f"If-None-Match: {as_json['ETag']}\r\n")
    assert again.status == 304 and again.body == b"" and again["ETag"] == as_json["ETag"]
    assert ask(server, "GET", "/openapi.json", 'If-None-Match: "other"\r\n').status == 200


def test_every_problem_has_a_page(server):
    known = ask(server, "GET", "/v1/meta").json["problems"]
    assert {"not_found", "internal", "rate_limited"} <= {problem["code"] for problem in known}
    for problem in known:
        page = ask(server, "GET", f"/problems/{problem['code']}").json
        assert {key: page[key] for key in ("code", "status", "title")} == problem and page["description"]
    assert ask(server, "GET", "/problems/nothing").status == 404
    assert ask(server, "GET", "/problems/NOT_FOUND").status == 404


def test_meta_names_enums_and_currencies(server):
    meta = ask(server, "GET", "/v1/meta").json
    assert {"code": "JPY", "exponent": 0} in meta["currencies"] and meta["api_version"] == "v1"
    assert meta["limits"]["page_max"] == 100 and meta["limits"]["page_default"] == 25
    assert "approved" in meta["enums"]["deal_status"]


# ---- many at once ----

def test_many_hostile_and_honest_connections_at_once(server):
    hostile = list(AMBIGUOUS.values())

    def honest(_):
        return ask(server, "GET", "/v1/meta").status

    def nasty(index):
        with Wire(server) as wire:
            answer = wire.send(hostile[index % len(hostile)]).answer()
            return answer.status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        good, bad = pool.map(honest, range(150)), pool.map(nasty, range(150))
        assert set(good) == {200} and set(bad) == {400}
