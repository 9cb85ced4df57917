# SPDX-License-Identifier: Apache-2.0
"""What every answer carries, whoever asks and whatever went wrong; and what those who run the server are told."""
import json
import re

import pytest

from support import wait
from support.wire import ID, JSON, admin, ask, samples

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def bearer(world):
    return f"Authorization: Bearer {world.admin.token}\r\n"


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
    resource = json.loads(ask(server, "GET", "/.well-known/oauth-protected-resource").body)["resource"]
    challenge = f'Bearer resource_metadata="{resource}/.well-known/oauth-protected-resource"'
    assert ask(server, "GET", "/v1/deals")["WWW-Authenticate"] == challenge
    answer = ask(server, "GET", "/v1/deals", "Authorization: Bearer x\r\n")
    assert answer.code == "token_invalid" and answer["WWW-Authenticate"] == f'{challenge}, error="invalid_token"'


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


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{ORIGIN}.evil.example", f"{ORIGIN}:444", "null", "HTTPS://APP.EXAMPLE"])
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


def test_a_client_has_a_budget_wherever_it_calls_from(new_server, new_database, demo_variables):
    strict = new_server(new_database(), rate_limit_per_minute=5)

    def token(email, password):
        body = json.dumps({"email": demo_variables[email], "password": demo_variables[password]})
        return ask(strict, "POST", "/v1/sessions", JSON, body).json["access_token"]

    def call(token):
        return ask(strict, "GET", "/v1/me", f"Authorization: Bearer {token}\r\n")

    admin_token = token("VENDOR_ADMIN_EMAIL", "VENDOR_ADMIN_PASSWORD")
    answers = [call(admin_token) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[0]["RateLimit-Policy"] == '"default";q=5;w=60'
    assert answers[4]["RateLimit"].startswith('"default";r=0;t=')
    assert answers[5].code == "rate_limited" and int(answers[5]["Retry-After"]) >= 1
    assert call("x").status == 401
    assert ask(strict, "GET", "/v1/meta").status == 200


def test_without_limits_nothing_is_said_about_them(new_server, new_database):
    boundless = new_server(new_database(), rate_limit_per_minute=0, rate_limit_address_per_minute=0,
                           rate_limit_sign_in_per_minute=0)
    answer = ask(boundless, "GET", "/v1/meta")
    assert answer["RateLimit"] is None and answer["RateLimit-Policy"] is None


# ---- what is told to those who run it ----

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
    assert {"partnerd_http_connections", "partnerd_http_requests_in_flight",
            "partnerd_database_connections_open"} <= set(after)


def test_metrics_as_openmetrics(server):
    answer = admin(server, "/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n")
    assert answer["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    page = answer.body.decode()
    assert page.endswith("# EOF\n") and "# TYPE partnerd_http_requests counter\n" in page
    assert admin(server, "/metrics")["Content-Type"].startswith("text/plain; version=0.0.4")
    assert admin(server, "/v1/meta").status == 404


@pytest.mark.parametrize("trace,is_taken", [
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
    ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", False),
    ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
    ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False), ("nonsense", False),
])
def test_a_trace_is_logged_when_it_is_one(server, trace, is_taken):
    answer = ask(server, "GET", "/livez", f"traceparent: {trace}\r\n")
    line = wait.until(
        lambda: [line for line in server.lines("request") if line["request_id"] == answer["Request-Id"]],
        "it is logged")[0]
    assert line.get("traceparent") == (trace if is_taken else None)


def test_one_line_is_logged_for_a_request_without_its_query(server):
    secret = "sentinel-in-a-query"
    answer = ask(server, "GET", f"/v1/deals?customer_name={secret}")
    lines = wait.until(
        lambda: [line for line in server.lines("request") if line["request_id"] == answer["Request-Id"]],
        "it is logged")
    assert len(lines) == 1
    line = lines[0]
    assert (line["status"], line["route"], line["problem"]) == (401, "/v1/deals", "unauthenticated")
    assert line["method"] == "GET" and line["duration_us"] >= 0 and line["bytes"] == len(answer.body)
    assert line["address"] == "127.0.0.1"
    assert secret not in json.dumps(server.lines())


def address_logged(server, answer):
    return wait.until(
        lambda: [line for line in server.lines("request") if line["request_id"] == answer["Request-Id"]],
        "it is logged")[0]["address"]


def test_the_client_behind_a_trusted_proxy_is_seen(new_database, new_server):
    behind = new_server(new_database(), trusted_proxies="127.0.0.0/8, 192.0.2.0/24")
    forwarded = "X-Forwarded-For: 6.6.6.6, 198.51.100.7, 192.0.2.9\r\n"
    assert address_logged(behind, ask(behind, "GET", "/livez", forwarded)) == "198.51.100.7"
    assert address_logged(behind, ask(behind, "GET", "/livez", "X-Forwarded-For: nonsense\r\n")) == "127.0.0.1"
    assert address_logged(behind, ask(behind, "GET", "/livez")) == "127.0.0.1"


def test_nobody_is_believed_without_trusted_proxies(server):
    answer = ask(server, "GET", "/livez", "X-Forwarded-For: 198.51.100.7\r\n")
    assert address_logged(server, answer) == "127.0.0.1"


def test_a_network_that_is_none_keeps_the_server_from_starting(new_database, new_server):
    with pytest.raises(Exception, match="trusted_proxies"):
        new_server(new_database(), trusted_proxies="10.0.0/8")


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
