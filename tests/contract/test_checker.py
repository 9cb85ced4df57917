# SPDX-License-Identifier: Apache-2.0
"""The checker finds what it is there to find: a good exchange has no fault, and each fault planted in it is named."""
import copy
import json

import pytest

from checker import Judge, check_exchange, contract, load

ID = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11"
EXAMPLES = load()["components"]["examples"]
DEAL = EXAMPLES["DealApproved"]["value"]
HEADERS = {"Request-Id": ID, "Content-Type": "application/json", "ETag": '"2"'}
PROBLEM = {
    "type": "/problems/not_found", "title": "Not found", "status": 404, "detail": "There is no deal with this id.",
    "instance": f"/v1/deals/{ID}", "code": "not_found", "request_id": ID,
}
PROBLEM_HEADERS = {"Request-Id": ID, "Content-Type": "application/problem+json"}


@pytest.fixture(params=[1, 10**9], ids=["compiled", "complete"])
def form(request, monkeypatch):
    """Both forms of a judge find the same."""
    monkeypatch.setattr(Judge, "COMPILED_FROM", request.param)


def faults_of(value, headers=HEADERS, status=200, method="GET", path=f"/v1/deals/{ID}", request_body=None):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return check_exchange(method, path, status, headers, body, request_body)


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


def test_good_exchanges_have_no_fault(form):
    assert faults_of(DEAL) == []
    assert faults_of(PROBLEM, PROBLEM_HEADERS, 404) == []
    assert faults_of(b"", {"Request-Id": ID, "ETag": '"2"'}, 304) == []
    assert faults_of(b"", HEADERS, method="HEAD") == []
    assert faults_of(PROBLEM, PROBLEM_HEADERS, 404, path="/nowhere") == []
    assert faults_of(b"", {"Request-Id": ID, "Allow": "GET, HEAD, PATCH"}, 204, "OPTIONS") == []


@pytest.mark.parametrize("change, words", [
    (dict(headers=without(HEADERS, "Request-Id")), "Request-Id"),
    (dict(headers=without(HEADERS, "ETag")), "ETag is missing"),
    (dict(headers={**HEADERS, "ETag": "2"}), "header ETag"),
    (dict(headers={**HEADERS, "Content-Type": "text/html"}), "text/html"),
    (dict(status=201), "does not declare"),
    (dict(path="/v1/nowhere"), "not possible here"),
    (dict(method="HEAD"), "has a body"),
    (dict(method="DELETE"), "not possible here"),
    (dict(value=without(DEAL, "closed_at")), "closed_at"),
    (dict(value={**DEAL, "status": "open"}), "status"),
    (dict(value={**DEAL, "amount": {"amount_minor": 12.5, "currency": "EUR"}}), "amount_minor"),
    (dict(value={**DEAL, "amount": {"amount_minor": 1, "currency": "eur"}}), "currency"),
    (dict(value={**DEAL, "created_at": "2026-01-02T03:04:05Z"}), "created_at"),
    (dict(value={**DEAL, "expected_close_on": "2026-02-30"}), "expected_close_on"),
    (dict(value={**DEAL, "id": ID.upper()}), "/id"),
    (dict(value={**DEAL, "customer_name": "x" * 201}), "customer_name"),
    (dict(value=b'{"id": 1, "id": 2}'), "twice"),
    (dict(value=b"<html>"), "not JSON"),
    (dict(path=f"/v1/deals/{ID}?statuss=won"), "unknown parameter statuss"),
])
def test_planted_faults_are_found(form, change, words):
    faults = faults_of(**{"value": DEAL, **change})
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize("problem, words", [
    ({**PROBLEM, "status": 400}, "the problem says 400"),
    ({**PROBLEM, "code": "oops"}, "/code"),
    ({**PROBLEM, "type": "about:blank"}, "does not lead"),
    (without(PROBLEM, "request_id"), "request_id"),
    ({**PROBLEM, "errors": [{"code": "required", "detail": "Is required."}]}, "names no place"),
])
def test_planted_faults_of_problems_are_found(form, problem, words):
    faults = faults_of(problem, PROBLEM_HEADERS, 404)
    assert any(words in fault for fault in faults), faults


def test_405_needs_allow(form):
    problem = {**PROBLEM, "status": 405, "code": "method_not_allowed", "type": "/problems/method_not_allowed"}
    assert faults_of(problem, {**PROBLEM_HEADERS, "Allow": "GET"}, 405, "DELETE") == []
    assert faults_of(problem, PROBLEM_HEADERS, 405, "DELETE") == ["405 without Allow"]


def test_a_dry_run_needs_no_etag_and_nothing_else_goes_without(form):
    body = json.dumps({"comment": "ok"}).encode()
    bare = without(HEADERS, "ETag")
    path = f"/v1/deals/{ID}/approve"
    assert faults_of(DEAL, bare, method="POST", path=path + "?dry_run=true", request_body=body) == []
    assert faults_of(DEAL, bare, method="POST", path=path, request_body=body) == ["the header ETag is missing"]


def test_what_the_contract_refuses_cannot_have_been_accepted(form):
    path = f"/v1/deals/{ID}/reject"
    accept = lambda body: faults_of(DEAL, HEADERS, method="POST", path=path, request_body=body)
    assert accept(b'{"reason": "Price"}') == []
    assert "without the body" in accept(None)[0]
    assert "Additional properties" in accept(b'{"reason": "Price", "status": "won"}')[0]
    assert "too short" in accept(b'{"reason": ""}')[0]


def test_every_example_of_the_contract_is_valid():
    """Shown requests and answers are what people copy; they pass the same checks as real ones."""
    seen = 0
    for operation in contract().operations():
        for media_type, content in operation.request_content.items():
            if media_type.endswith("json"):
                assert operation.request_judge().faults(content["example"], "request") == [], operation.id
            seen += 1
        for status, response in operation.responses.items():
            for media_type, content in response.get("content", {}).items():
                if not media_type.endswith("json"):
                    continue
                judge = operation.answer_judge(status, media_type)
                shown = [entry["value"] for entry in content.get("examples", {}).values()]
                shown += [content["example"]] if "example" in content else []
                assert shown, f"{operation.id} {status} shows no example"
                for value in shown:
                    assert judge.faults(value, "answer") == [], f"{operation.id} {status}"
                    seen += 1
    assert seen > 500


def test_answers_are_open_and_complete():
    """null, never absent: every member of an answer is required, but for documents other standards define."""
    def walk(schema, path):
        properties = schema.get("properties", {})
        if properties:
            assert set(schema.get("required", ())) == set(properties), path
            assert schema.get("additionalProperties") is not False, path
        for name, item in properties.items():
            walk(item, f"{path}/{name}")
        if isinstance(schema.get("items"), dict):
            walk(schema["items"], f"{path}/items")

    for operation in contract().operations():
        for status, response in operation.responses.items():
            content = response.get("content", {}).get("application/json")
            elsewhere = ("createToken", "getJwks", "introspectToken")  # RFC 6749, 7517, 7662
            if status.startswith("2") and content and operation.id not in elsewhere:
                walk(copy.deepcopy(content["schema"]), f"{operation.id} {status}")
