# SPDX-License-Identifier: Apache-2.0
"""Judges one HTTP exchange against openapi.yaml: check_exchange(…) → list of faults, empty when all is well.

Every black-box test runs its exchanges through this, so nothing the server says can drift from what the contract
promises: operation, status, media type, header fields, the body against its schema with formats, and problem documents.
What was answered with 2xx must also have been a request the contract allows. UNLESS_DRY_RUN is the one promise that
OpenAPI itself cannot say.
"""
import functools
import json
import re
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import fastjsonschema
import yaml
from jsonschema import Draft202012Validator, FormatChecker

CONTRACT = Path(__file__).resolve().parents[2] / "openapi.yaml"
METHODS = ("get", "put", "post", "patch", "delete")
PROBLEM = "application/problem+json"
LINES = "application/x-ndjson"
# What the front of the server may answer to anything, before it knows the operation.
EDGE_STATUSES = {400, 404, 408, 413, 414, 429, 431, 500, 503, 504}
# Header components that are only missing on a dry run.
UNLESS_DRY_RUN = {"ETag", "Location"}
INSTANT_OUT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
INSTANT_IN = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
UUID_OUT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
UUID_IN = re.compile(UUID_OUT.pattern, re.ASCII | re.IGNORECASE)


def is_date(text):
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False


def formats(instant, uuid):
    """Ours instead of the library's, whose set depends on what else is installed."""
    return {
        "date-time": lambda text: bool(instant.fullmatch(text) and is_date(text[:10])),
        "date": is_date,
        "uuid": lambda text: bool(uuid.fullmatch(text)),
        "email": lambda text: bool(re.fullmatch(r"[^@\s]+@[^@\s]+", text)),
        **dict.fromkeys(("int32", "int64", "uri", "hostname", "country-code"), lambda text: True),
    }


def format_checker(rules):
    checker = FormatChecker(formats=())
    for name, rule in rules.items():
        checker.checks(name)(lambda value, rule=rule: not isinstance(value, str) or rule(value))
    return checker


OUT, IN = formats(INSTANT_OUT, UUID_OUT), formats(INSTANT_IN, UUID_IN)


class Judge:
    """Judges values by a schema. Most of a run's time went into this, so what is asked often is compiled; whatever the
    compiled form does not pass is judged by the complete validator, whose faults are the ones reported."""
    COMPILED_FROM = 6

    def __init__(self, schema, rules):
        self.schema, self.rules, self.asked, self.compiled = schema, rules, 0, None
        self.validator = Draft202012Validator(schema, format_checker=format_checker(rules))

    def passes(self, value):
        self.asked += 1
        if self.asked < self.COMPILED_FROM:
            return False
        self.compiled = self.compiled or fastjsonschema.compile(self.schema, formats=self.rules, use_default=False)
        try:
            self.compiled(value)
        except (fastjsonschema.JsonSchemaValueException, UnboundLocalError):  # the latter is a fault in its code of some anyOf
            return False
        return True

    def faults(self, value, what):
        if self.passes(value):
            return []
        found = sorted(self.validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
        return [f"{what} /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found[:10]]


def load(path=CONTRACT):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(), Loader=loader)


def inline(document):
    """The document with every $ref replaced by what it names, so that schemas stand alone. Recursion is refused."""
    done = {}

    def target(ref):
        node = document
        for part in ref.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def walk(node, open_refs):
        if isinstance(node, list):
            return [walk(item, open_refs) for item in node]
        if not isinstance(node, dict):
            return node
        ref = node.get("$ref")
        if not isinstance(ref, str):
            return {name: walk(item, open_refs) for name, item in node.items()}
        if ref in open_refs:
            raise ValueError(f"{ref} contains itself")
        if ref not in done:
            done[ref] = walk(target(ref), open_refs | {ref})
        return done[ref]

    return walk(document, frozenset())


class Operation:
    def __init__(self, method, path, body):
        self.method, self.path, self.id = method.upper(), path, body["operationId"]
        self.responses = body["responses"]
        self.parameters = body.get("parameters", [])
        self.query_names = {entry["name"] for entry in self.parameters if entry["in"] == "query"}
        self.request_content = body.get("requestBody", {}).get("content", {})
        self.body_required = body.get("requestBody", {}).get("required", False)
        self.security = body["security"]

    @functools.lru_cache(maxsize=None)
    def answer_judge(self, status, media_type):
        schema = self.responses[str(status)]["content"][media_type]["schema"]
        return Judge(schema, OUT)

    @functools.lru_cache(maxsize=None)
    def request_judge(self):
        schema = self.request_content["application/json"]["schema"]
        return Judge(schema, IN)


class Contract:
    def __init__(self, document):
        self.document = inline(document)
        self.paths = []
        for path, item in self.document["paths"].items():
            pattern = re.compile("".join(
                "([^/]+)" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path)))
            operations = {method.upper(): Operation(method, path, item[method]) for method in METHODS if method in item}
            self.paths.append((path.count("{"), pattern, operations))
        self.paths.sort(key=lambda entry: entry[0])
        self.problem = Judge(self.document["components"]["schemas"]["Problem"], OUT)

    def operations(self):
        return [operation for _, _, operations in self.paths for operation in operations.values()]

    def find(self, path):
        """The operations of a path by method; None when there is no such path. A literal wins over a parameter."""
        for _, pattern, operations in self.paths:
            if pattern.fullmatch(path):
                return operations
        return None


@functools.lru_cache(maxsize=None)
def contract():
    return Contract(load())


def strict_json(body):
    """As I-JSON wants it: UTF-8, every name once, no NaN."""
    def pairs(items):
        names = [name for name, _ in items]
        if len(set(names)) != len(names):
            raise ValueError(f"a member is named twice: {names}")
        return dict(items)

    def constant(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(body.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)


def problem_faults(value, status):
    faults = contract().problem.faults(value, "problem")
    if faults:
        return faults
    if value["status"] != status:
        faults.append(f"the problem says {value['status']}, the status line {status}")
    if value["type"] != f"/problems/{value['code']}":
        faults.append(f"the type {value['type']} does not lead to the page of {value['code']}")
    for entry in value.get("errors", []):
        if len({"pointer", "parameter", "header"} & set(entry)) != 1:
            faults.append(f"an entry of errors names no place, or several: {entry}")
    return faults


def media_type_of(headers):
    return headers.get("content-type", "").split(";")[0].strip().lower()


def any_problem_faults(status, headers, body, allowed, is_head):
    """An answer outside the operations: only a problem with one of these statuses is right."""
    if status not in allowed:
        return [f"the status {status} is not possible here"]
    if media_type_of(headers) != PROBLEM:
        return [f"{status} without a problem document"]
    if is_head:
        return []
    try:
        return problem_faults(strict_json(body), status)
    except ValueError as error:
        return [f"the problem is not JSON: {error}"]


@functools.lru_cache(maxsize=None)
def header_judge(schema_text):
    """Of a schema as text: the same few are in every answer."""
    return Judge(json.loads(schema_text), OUT)


def header_faults(response, headers, is_dry_run):
    faults = []
    for name, header in response.get("headers", {}).items():
        value = headers.get(name.lower())
        if value is None:
            expected = name in UNLESS_DRY_RUN and not is_dry_run
            if header.get("required") or expected:
                faults.append(f"the header {name} is missing")
        else:
            faults += header_judge(json.dumps(header["schema"])).faults(value, f"header {name}")
    return faults


def line_faults(body):
    """Every line is an object of its own, the last one too; there may be none."""
    faults = [] if body.endswith(b"\n") or not body else ["the last line has no end"]
    for number, line in enumerate(body.split(b"\n")[:-1], 1):
        try:
            if not isinstance(strict_json(line), dict):
                faults.append(f"line {number} is no object")
        except ValueError as error:
            faults.append(f"line {number} is not JSON: {error}")
    return faults


def body_faults(operation, status, headers, body):
    content = operation.responses[str(status)].get("content", {})
    media_type = media_type_of(headers)
    if media_type not in content:
        return [f"the media type {media_type or '(none)'} is not declared; {', '.join(content)} is"]
    if media_type == LINES:
        return line_faults(body)
    if not media_type.endswith("json"):
        return [] if body else ["the body is empty"]
    try:
        value = strict_json(body)
    except ValueError as error:
        return [f"the body is not JSON: {error}"]
    if media_type == PROBLEM:
        return problem_faults(value, status)
    return operation.answer_judge(status, media_type).faults(value, "body")


def request_faults(operation, query, request_body):
    """What the contract refuses cannot have been done."""
    faults = [f"accepted the unknown parameter {name}" for name, _ in query if name not in operation.query_names]
    if "application/json" not in operation.request_content:
        return faults
    if not request_body:
        return faults + ["accepted without the body it requires"] * operation.body_required
    try:
        value = strict_json(request_body if isinstance(request_body, bytes) else request_body.encode())
    except ValueError as error:
        return faults + [f"accepted a body that is not JSON: {error}"]
    return faults + operation.request_judge().faults(value, "accepted request")


def answer_faults(operation, method, query, status, headers, body, request_body):
    if str(status) not in operation.responses:
        return [f"{operation.id} does not declare the status {status}"]
    response = operation.responses[str(status)]
    is_dry_run = ("dry_run", "true") in query
    faults = header_faults(response, headers, is_dry_run)
    if method == "HEAD" or "content" not in response:
        faults += [f"{method} → {status} has a body"] if body else []
    else:
        faults += body_faults(operation, status, headers, body)
    if 200 <= status < 300:
        faults += request_faults(operation, query, request_body)
    return faults


def routing_faults(operations, method, status, headers, body):
    """Paths and methods that the contract does not have."""
    if operations is None:
        return any_problem_faults(status, headers, body, EDGE_STATUSES, method == "HEAD")
    if method == "OPTIONS" and status == 204:
        return ([] if "allow" in headers else ["OPTIONS without Allow"]) + (["204 has a body"] if body else [])
    faults = any_problem_faults(status, headers, body, EDGE_STATUSES | {405}, method == "HEAD")
    if status == 405 and "allow" not in headers:
        faults.append("405 without Allow")
    return faults


def check_exchange(method, path, status, headers, body, request_body=None):
    """The faults of one exchange: `path` is the target with its query, `headers` has items(), bodies are bytes."""
    headers = {name.lower(): value for name, value in headers.items()}
    target, _, raw_query = path.partition("?")
    faults = []
    if not UUID_OUT.fullmatch(headers.get("request-id", "")):
        faults.append("Request-Id is missing or no UUID")
    operations = contract().find(unquote(target, errors="replace"))
    operation = operations and operations.get("GET" if method == "HEAD" else method)
    if not operation:
        return faults + routing_faults(operations, method, status, headers, body)
    query = parse_qsl(raw_query, keep_blank_values=True, errors="replace")
    return faults + answer_faults(operation, method, query, status, headers, body, request_body)
