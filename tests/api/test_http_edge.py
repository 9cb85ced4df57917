# SPDX-License-Identifier: Apache-2.0
"""The edge with raw sockets: what a client library would never send, and what every answer must carry.

The HTTP library below the server is lenient; each row here is a way in which it, or a proxy before it, reads something
else than what was meant. A refusal whose framing is in doubt must also close the connection.
"""
import time

import pytest

from support.wire import HOST, ID, JSON, Wire, ask


@pytest.fixture(scope="module")
def bearer(world):
    return f"Authorization: Bearer {world.admin.token}\r\n"


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
    "the same length twice":
        "POST /v1/sessions HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
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
    head = f"GET /livez HTTP/1.1\r\n{HOST}" + "".join(f"X-{i}: {'v' * 40}\r\n" for i in range(120)) + "\r\n"
    with Wire(server) as wire:
        for start in range(0, len(head), 700):
            wire.send(head[start:start + 700])
            time.sleep(0.002)
        assert wire.answer().status == 200


def test_pipelined_requests_are_answered_in_order(server):
    with Wire(server) as wire:
        wire.send("".join(f"GET {path} HTTP/1.1\r\n{HOST}\r\n" for path in ("/livez", "/v1/nothing", "/v1/meta")))
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
    "/v1/deals/%zz", "/v1/deals/%4", "/v1/deals/%", "/v1/deals/%ff", "/v1/deals/%c0%af", "/v1/deals/\xff",
    "/v1/meta?x=\xff",
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
    ("status=nothing", "invalid_parameter"), ("status=won,lost", "invalid_parameter"),
    ("=x&limit=5", "invalid_parameter"),
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
    ("*/*, application/json;q=0", 406), ("application/*;q=0, application/json", 200),
    ("text/plain;x=application/json", 406),
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
    None, "text/plain", "text/plain; application/json", "application/json; charset=latin1",
    "application/merge-patch+json", "application/x-www-form-urlencoded", "application/jsonx", "json",
    "application/json; charset",
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
    "nothing": ("", "malformed_json"), "half an object": ("{", "malformed_json"),
    "more behind": ("{} x", "malformed_json"),
    "a string": ('"text"', "malformed_json"), "a number": ("1", "malformed_json"), "null": ("null", "malformed_json"),
    "single quotes": ("{'a':1}", "malformed_json"), "a last comma": ('{"a":1,}', "malformed_json"),
    "NaN": ('{"a":NaN}', "malformed_json"), "a leading zero": ('{"a":01}', "malformed_json"),
    "beyond 64 bits": ('{"a":9223372036854775808}', "malformed_json"),
    "an infinite number": ('{"a":1e999}', "malformed_json"),
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
    answer = ask(server, "POST", "/v1/invitations/accept", JSON, '{"token": 1, "nothing": true}')
    assert (answer.status, answer.code) == (422, "validation_failed")
    found = {(entry["pointer"], entry["code"]) for entry in answer.json["errors"]}
    assert {("#/token", "wrong_type"), ("#/nothing", "unknown_field"), ("#/password", "required")} <= found, found


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


@pytest.mark.parametrize(
    "key", ['""', pytest.param("a" * 256, id="too long"), "a b", pytest.param("\xe4", id="not ASCII")])
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
