# SPDX-License-Identifier: Apache-2.0
"""The contract has not broken a client since the last release, and the gate that says so finds every kind of break."""
import copy
from pathlib import Path

import pytest

from checker import load
from compat import compare

RELEASED = Path(__file__).resolve().parent / "released/openapi.yaml"

THING = {
    "type": "object", "required": ["id", "name"],
    "properties": {
        "id": {"type": "string", "format": "uuid"}, "name": {"type": ["string", "null"]},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "parts": {"type": "array", "items": {
            "type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}},
    },
}
INPUT = {
    "type": "object", "additionalProperties": False, "required": ["name"],
    "properties": {
        "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 10},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "count": {"type": "number", "minimum": 0, "maximum": 9},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 5}},
        "parts": {"type": "array", "maxItems": 3, "items": {
            "type": "object", "properties": {"n": {"type": "integer"}}}},
    },
}
BASE = {"paths": {
    "/things": {
        "get": {
            "operationId": "listThings", "security": [{"oauth2": ["things:read"]}],
            "parameters": [{"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["a", "b"]}}],
            "responses": {"200": {
                "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
        },
        "post": {
            "operationId": "createThing", "security": [],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}},
            "responses": {"201": {}, "404": {}},
        },
    }},
    "components": {"schemas": {"Thing": THING, "Input": INPUT}},
}


def at(document, *path):
    for part in path:
        document = document[part]
    return document


def changed(*steps):
    """BASE after one change: a path ending in (name, value), or (name, None) to delete."""
    document = copy.deepcopy(BASE)
    *path, name, value = steps
    target = at(document, *path)
    if value is None:
        del target[name]
    else:
        target[name] = value
    return document


GET, POST = ("paths", "/things", "get"), ("paths", "/things", "post")
THINGS, INPUTS = ("components", "schemas", "Thing"), ("components", "schemas", "Input")
OUT, IN = (*THINGS, "properties"), (*INPUTS, "properties")


@pytest.mark.parametrize("change, words", [
    (("paths", "/things", None), "the path /things is gone"),
    (("paths", "/things", "get", None), "the operation is gone"),
    ((*GET, "operationId", "things"), "operationId was listThings"),
    ((*GET, "security", [{"oauth2": ["things:read", "x:read"]}]), "the scope x:read"),
    ((*POST, "security", [{"oauth2": []}]), "needs a token now"),
    ((*GET, "parameters", []), "the parameter kind is gone"),
    ((*GET, "parameters", 0, "required", True), "the parameter kind is required"),
    ((*GET, "parameters", 0, "schema", "enum", ["a"]), "the value b is gone"),
    ((*GET, "parameters", 0, "schema", {"type": "integer"}), "the type string is refused"),
    ((*POST, "parameters", [{"name": "Key", "in": "header", "required": True, "schema": {}}]), "Key is required"),
    ((*POST, "requestBody", None), "the body is gone"),
    ((*POST, "requestBody", "required", True), "a body is required"),
    ((*GET, "requestBody", {"required": True, "content": {}}), "a body is required"),
    ((*POST, "requestBody", "content", {"text/plain": {"schema": {}}}), "the media type application/json is gone"),
    ((*INPUTS, "required", ["name", "count"]), "/count: is required now"),
    ((*INPUTS, "minProperties", 1), "minProperties was raised"),
    ((*IN, "count", None), "the member count is gone"),
    ((*IN, "name", "type", "string"), "the type null is refused"),
    ((*IN, "name", "minLength", 2), "minLength was raised"),
    ((*IN, "name", "maxLength", 9), "maxLength was lowered"),
    ((*IN, "name", "pattern", "^a$"), "pattern is new"),
    ((*IN, "name", "enum", ["x"]), "the value any is gone"),
    ((*IN, "kind", "enum", ["a", "c"]), "the value b is gone"),
    ((*IN, "count", "maximum", 8), "maximum was lowered"),
    ((*IN, "count", "exclusiveMinimum", 0), "exclusiveMinimum was raised"),
    ((*IN, "count", "type", "integer"), "the type number is refused"),
    ((*IN, "labels", "additionalProperties", "maxLength", 4), "maxLength was lowered"),
    ((*IN, "labels", "additionalProperties", False), "unknown members are refused"),
    ((*IN, "labels", "propertyNames", {"maxLength": 3}), "maxLength was lowered"),
    ((*IN, "parts", "uniqueItems", True), "uniqueItems is new"),
    ((*IN, "parts", "maxItems", 2), "maxItems was lowered"),
    ((*IN, "parts", "items", "required", ["n"]), "/n: is required now"),
    ((*POST, "responses", "404", None), "the status 404 is gone"),
    ((*GET, "responses", "200", "content", {}), "the media type application/json is gone"),
    ((*GET, "responses", "200", "headers", {}), "the header ETag is gone"),
    ((*GET, "responses", "200", "headers", "ETag", "required", False), "ETag is no longer always there"),
    ((*OUT, "kind", None), "the member kind is gone"),
    ((*OUT, "id", "type", ["string", "null"]), "may be null now"),
    ((*OUT, "id", "type", "integer"), "may be integer now"),
    ((*OUT, "id", "format", None), "format is another"),
    ((*THINGS, "required", ["id"]), "/name: is no longer always there"),
    ((*OUT, "parts", "items", "properties", "n", "type", "number"), "may be number now"),
    ((*OUT, "parts", "items", "required", []), "/n: is no longer always there"),
])
def test_a_break_is_found(change, words):
    faults = compare(BASE, changed(*change))
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize("change", [
    ("paths", "/others", {"get": {"operationId": "listOthers", "responses": {}}}),
    ("paths", "/things", "patch", {"operationId": "updateThing", "responses": {}}),
    (*GET, "parameters", [*BASE["paths"]["/things"]["get"]["parameters"], {"name": "q", "in": "query", "schema": {}}]),
    (*GET, "parameters", 0, "schema", "enum", ["a", "b", "c"]),
    (*GET, "security", []),
    (*POST, "responses", "409", {}),
    (*INPUTS, "required", []),
    (*IN, "extra", {"type": "string", "maxLength": 5}),
    (*IN, "name", "maxLength", 20),
    (*IN, "name", "minLength", None),
    (*IN, "count", "type", ["number", "null"]),
    (*IN, "kind", "enum", None),
    (*IN, "parts", "items", "properties", "m", {"type": "integer"}),
    (*OUT, "extra", {"type": "string"}),
    (*OUT, "kind", "enum", ["a", "b", "c"]),
    (*OUT, "name", "type", "string"),
    (*THINGS, "required", ["id", "name", "kind"]),
    (*GET, "responses", "200", "headers", "Link", {"schema": {}}),
])
def test_growth_is_no_break(change):
    assert compare(BASE, changed(*change)) == []


@pytest.mark.parametrize("pattern, is_break", [("^a$|^b$", False), ("^b$|^a$", True), ("^ab$", True)])
def test_a_pattern_may_take_something_else_too(pattern, is_break):
    old = changed(*IN, "name", "pattern", "^a$")
    assert bool(compare(old, changed(*IN, "name", "pattern", pattern))) == is_break


@pytest.mark.parametrize("name, is_break", [("dry_run", False), ("other", True)])
def test_who_asks_for_no_dry_run_has_its_headers(name, is_break):
    new = changed(*GET, "responses", "200", "headers", "ETag", "required", False)
    at(new, *GET)["parameters"].append({"name": name, "in": "query", "schema": {"type": "boolean"}})
    assert bool(compare(BASE, new)) == is_break


def test_nothing_has_broken_since_the_last_release():
    assert compare(load(RELEASED), load()) == []
