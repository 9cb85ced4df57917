# SPDX-License-Identifier: Apache-2.0
"""The members of what the contract takes and answers, schema by schema: {("answer", "Deal"): ["id", …]}.

A schema is known by its name among the components; an object written where it is used by the name of its owner and the
member it stands under ("Me.program"). Pages and lists are walked through, not counted as schemas of their own.
"""
from support import contract

PAGES = ("data", "next_cursor", "total_count", "total_count_capped")


def named(schema, fallback):
    """(name, schema) with references followed; the last name wins."""
    while "$ref" in schema:
        fallback = schema["$ref"].rsplit("/", 1)[1]
        schema = contract.resolve({"$ref": schema["$ref"]})
    return fallback, schema


def is_page(schema):
    return tuple(schema.get("properties", ())) == PAGES


def nested(name, schema):
    """(name, schema) of every object below: of members, of items, of maps."""
    below = [(f"{name}.{member}", entry) for member, entry in schema.get("properties", {}).items()]
    below += [(name, schema["items"])] if "items" in schema else []
    below += [(name, schema["additionalProperties"])] if isinstance(schema.get("additionalProperties"), dict) else []
    return below


def collect(found, schema, fallback):
    name, schema = named(schema, fallback)
    if name in found:
        return
    if schema.get("properties") and not is_page(schema):
        found[name] = list(schema["properties"])
    for below, entry in nested(name, schema):
        collect(found, entry, below)


def body_schema(operation):
    """Of the request, or None."""
    content = contract.resolve(operation.body.get("requestBody", {})).get("content", {})
    return next(iter(content.values()))["schema"] if content else None


def answer_schema(operation):
    """Of the answer in JSON, or None."""
    response = contract.resolve(operation.body["responses"][str(operation.success)])
    return response.get("content", {}).get("application/json", {}).get("schema")


def of(operations, schema_of):
    """{schema: members} of everything these operations take or answer."""
    found = {}
    for operation in operations:
        schema = schema_of(operation)
        if schema:
            collect(found, schema, operation.id)
    return found
