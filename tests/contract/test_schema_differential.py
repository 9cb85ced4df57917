# SPDX-License-Identifier: Apache-2.0
"""The server's validator against python3-jsonschema: the same schemas and values, the same judgement.

Hypothesis makes schemas of the supported subset and seeds values that obey them, nearly obey them or have nothing to do
with them. The oracle differs from plain JSON Schema on purpose: 1.0 is not an integer here, \\d and \\w are ASCII, $ is
the very end and a dot is no line end (ECMA 262, where Python's `re` differs), and formats are asserted. A new keyword
needs a line in the strategy of its type and, to be met often, in `near_…`.
"""
import datetime
import functools
import json
import os
import pathlib
import re
import subprocess
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("PARTNERD_BUILD_DIR", ROOT / "build" / "dev")) / "contract_schema_driver"

# ---- the oracle ----


def is_integer(_, value):
    return isinstance(value, int) and not isinstance(value, bool)


@functools.lru_cache(maxsize=None)
def translate(source):
    """ECMA 262 in words of `re`: $ is the very end, a dot is none of four line ends."""
    words = {"$": r"\Z", ".": "[^\n\r\u2028\u2029]"}
    return re.compile(re.sub(r"\\.|[$.]", lambda token: words.get(token[0], token[0]), source), re.ASCII)


def pattern(_, source, value, __):
    if isinstance(value, str) and not translate(source).search(value):
        yield ValidationError(f"{value!r} does not match {source!r}")


Oracle = extend(
    Draft202012Validator,
    validators={"pattern": pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer),
)

formats = FormatChecker(formats=())
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@formats.checks("uuid")
def is_uuid(value):
    return not isinstance(value, str) or bool(UUID.fullmatch(value))


@formats.checks("date", raises=ValueError)
def is_date(value):
    if not isinstance(value, str):
        return True
    return bool(DATE.fullmatch(value) and datetime.datetime.strptime(value, "%Y-%m-%d"))


@formats.checks("int32")
def is_int32(value):
    return isinstance(value, bool) or not isinstance(value, (int, float)) or -(2**31) <= value < 2**31


# ---- schemas: strategies are built once, from named functions, because hypothesis is slow at making them ----

ALPHABET = "abcABC019_-.: é😀~/%\n"
NAMES = ["a", "b", "name", "amount", "a/b", "m~n", "é", "long_name_of_a_member", ""]
INTEGERS = [0, 1, 2, 3, 5, 7, 10, -1, -7, 20, -(2**63), 2**63 - 1, 2**53, 2**53 + 1, 2**31, -(2**31) - 1]
REALS = [0.0, 1.0, -3.0, 0.5, 2.5, -0.25, 7.75, 1e10, 2.0**53]
texts = st.text(ALPHABET, max_size=6)
numbers_at = st.sampled_from(INTEGERS + REALS)
scalars = st.one_of(st.sampled_from([None, True, False, *INTEGERS, *REALS]), texts)
consts = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.sampled_from(NAMES), scalars, max_size=2))
sizes = st.integers(0, 5)
masks = st.integers(0, 15)


def optional(**strategies):
    return st.fixed_dictionaries({}, optional=strategies)


ATOMS = ["a", "b", "é", "0", "\\.", "\\-", "\\d", "\\w", "\\D", "\\W", ".", "[a-c]", "[^a-c]", "[\\d_]"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}"]


def regex_more(inner):
    atoms = st.one_of(st.sampled_from(ATOMS), st.builds("({}|{})".format, inner, inner), inner.map("(?:{})".format))
    piece = st.builds("{}{}".format, atoms, st.sampled_from(QUANTIFIERS))
    return st.lists(piece, min_size=1, max_size=3).map("".join)


regexes = st.builds("{}{}{}".format, st.sampled_from(["^", "^", ""]),
                    st.recursive(st.just("a"), regex_more, max_leaves=4), st.sampled_from(["$", "$", ""]))
strings = optional(minLength=sizes, maxLength=sizes, pattern=regexes, format=st.sampled_from(["uuid", "date"]))
numbers = optional(minimum=numbers_at, maximum=numbers_at, exclusiveMinimum=numbers_at, exclusiveMaximum=numbers_at,
                   multipleOf=st.integers(1, 7), format=st.just("int32"))


def with_type(name, how, rest):
    """One type, or that type and null, now and then without a type at all."""
    return {**({}, {"type": [name, "null"]}, {"type": name}, {"type": name})[how], **rest}


def typed(name, rest):
    return st.builds(with_type, st.just(name), st.integers(0, 3), rest)


def bound_unique(schema, most):
    return {**schema, "maxItems": schema.get("maxItems", most)} if schema.get("uniqueItems") else schema


def chosen(names, mask):
    return [name for i, name in enumerate(names) if mask >> i & 1]


def with_required(rest, properties, mask):
    return {**rest, "properties": properties, "required": chosen(properties, mask)}


def merged(properties, mask):
    """allOf of open objects without a property in common, one requiring names of the others."""
    parts = [{"type": "object", "properties": {name: inner}} for name, inner in properties.items()]
    parts[0]["required"] = chosen(properties, mask)
    return {"allOf": parts}


def variants(members, mask, more):
    branches = []
    for i, (tag, properties) in enumerate(zip(["one", "two", "three"], members)):
        tags = {"enum": [tag, "other"]} if i == 1 else {"const": tag}
        branches.append({"type": "object", "required": ["kind"], "additionalProperties": bool(mask >> i & 1),
                         "properties": {**properties, "kind": tags}})
    return {"oneOf": branches + more, "discriminator": {"propertyName": "kind"}}


def or_null(schema, word):
    """Only where the words mean one thing: a oneOf must not match null twice, and null alone needs no words."""
    if schema == {"type": "null"} or (word == "oneOf" and not isinstance(schema.get("type"), str)):
        return schema
    return {word: [schema, {"type": "null"}]}


leaves = st.one_of(
    typed("string", strings), typed("integer", numbers), typed("number", numbers),
    st.builds(dict, enum=st.lists(scalars, min_size=1, max_size=4)),
    st.builds(dict, const=consts),
    st.sampled_from([{}, {"type": "boolean"}, {"type": "null"}, {"type": ["integer", "string", "null"]},
                     {"$ref": "#/x-defs/node"}, {"$ref": "#/x-defs/leaf", "description": "aside"}]),
)


def containers(inner):
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    branches = st.lists(st.dictionaries(st.sampled_from(NAMES), inner, max_size=2), min_size=1, max_size=3)
    arrays = st.builds(bound_unique, optional(items=inner, minItems=sizes, maxItems=sizes, uniqueItems=st.booleans()),
                       sizes)
    limits = optional(additionalProperties=st.one_of(st.booleans(), inner), minProperties=sizes, maxProperties=sizes,
                      propertyNames=optional(maxLength=sizes, minLength=sizes, pattern=regexes))
    objects = st.builds(with_required, limits, members, masks)
    return st.one_of(
        typed("array", arrays), typed("object", objects), typed("object", objects),
        st.builds(merged, st.dictionaries(st.sampled_from(NAMES), inner, min_size=2, max_size=4), masks),
        st.builds(variants, branches, masks, st.sampled_from([[], [{"type": "null"}]])),
        st.builds(or_null, inner, st.sampled_from(["oneOf", "anyOf"])),
    )


def with_definitions(schema, member, leaf):
    """One of the two definitions refers to itself, through a list, so that it ends."""
    items = {"type": "array", "items": {"$ref": "#/x-defs/node"}}
    leaf = {} if "$ref" in leaf else leaf
    return {**schema, "x-defs": {"node": {"type": "object", "properties": {"a": member, "b": items}}, "leaf": leaf}}


inner_schemas = st.recursive(leaves, containers, max_leaves=5)
schemas = st.builds(with_definitions, inner_schemas, leaves, leaves)

# ---- values: by a random source that hypothesis seeds ----


def any_text(random):
    return "".join(random.choices(ALPHABET, k=random.randrange(6)))


def any_value(random, depth=0):
    kind = random.randrange(8 if depth < 2 else 6)
    if kind < 3:
        return random.choice([None, True, False, *INTEGERS, *REALS])
    if kind < 6:
        return any_text(random)
    if kind == 6:
        return [any_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {name: any_value(random, depth + 1) for name in random.sample(NAMES, random.randrange(4))}


def near_string(random, schema):
    if "pattern" in schema:
        tries = ["".join(random.choices("ab0é-", k=random.randrange(5))) for _ in range(8)]
        return next((text for text in tries if translate(schema["pattern"]).search(text)), tries[0])
    if schema.get("format") == "uuid":
        return random.choice(["01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11", "01932C07-5F1E-7C3A-9B1D-2F6A4F0D9C11", "x"])
    if schema.get("format") == "date":
        return random.choice(["2026-02-28", "2026-02-29", "2024-02-29", "2026-1-1", "2026-13-01"])
    low = schema.get("minLength", 0)
    return "".join(random.choices(ALPHABET, k=random.randint(low, max(low, schema.get("maxLength", 5)))))


BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def near_number(random, schema):
    anchors = [schema[word] for word in BOUNDS if word in schema]
    number = random.choice(anchors or INTEGERS)
    if random.random() < 0.7:
        number = int(number) + random.randint(-1, 1)
        if "multipleOf" in schema and random.random() < 0.8:
            number = number // schema["multipleOf"] * schema["multipleOf"]
    return max(-(2**63), min(2**63 - 1, number)) if isinstance(number, int) else number


def near_object(random, schema, root, depth):
    result = {name: near(random, inner, root, depth + 1) for name, inner in schema.get("properties", {}).items()
              if name in schema.get("required", ()) or random.random() < 0.5}
    additional = schema.get("additionalProperties", True)
    if isinstance(additional, dict) and random.random() < 0.5:
        result.setdefault(random.choice(NAMES), near(random, additional, root, depth + 1))
    return result


def near_array(random, schema, root, depth):
    low = schema.get("minItems", 0)
    count = random.randint(low, max(low, min(4, schema.get("maxItems", 4))))
    return [near(random, schema.get("items", {}), root, depth + 1) for _ in range(count if depth < 4 else low)]


def near(random, schema, root, depth=0):
    """A value that has a fair chance to obey."""
    if "$ref" in schema:
        return near(random, root["x-defs"][schema["$ref"].rsplit("/", 1)[1]], root, depth + 1)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return near(random, random.choice(schema[word]), root, depth + 1)
    if "allOf" in schema:
        parts = [near_object(random, part, root, depth) for part in schema["allOf"]]
        return {name: value for part in parts for name, value in part.items()}
    if "enum" in schema:
        return random.choice(schema["enum"])
    return schema["const"] if "const" in schema else near_type(random, schema, root, depth)


def near_type(random, schema, root, depth):
    kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "")
    kind = random.choice(kinds) if isinstance(kinds, list) else kinds
    if kind == "string" or "pattern" in schema or "maxLength" in schema:
        return near_string(random, schema)
    if kind in ("integer", "number") or "minimum" in schema:
        return near_number(random, schema)
    if kind in ("array", "object"):
        return (near_array if kind == "array" else near_object)(random, schema, root, depth)
    return {"boolean": True, "null": None}.get(kind) if kind else any_value(random)


def mutate(random, value):
    """One small change somewhere."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        name = random.choice(sorted(value))
        change = random.choice(["drop", "rename", "inside", "inside"])
        rest = {key: item for key, item in value.items() if key != name}
        if change == "drop":
            return rest
        return {**rest, name + "x" if change == "rename" else name: mutate(random, value[name])}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return value[:at] + random.choice([[], [value[at]] * 2, [mutate(random, value[at])]]) + value[at + 1:]
    if isinstance(value, str) and random.random() < 0.5:
        return value + any_text(random)
    return any_value(random)


def instances_for(schema, seed):
    random = Random(seed)
    obeying = [near(random, schema, schema) for _ in range(3)]
    return obeying + [mutate(random, obeying[0]), mutate(random, obeying[1]), any_value(random)]


# ---- the comparison ----


class Driver:
    def __init__(self):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")

    def judge(self, schema, value):
        self.process.stdin.write(json.dumps({"schema": schema, "instance": value}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def driver():
    assert DRIVER.exists(), f"build contract_schema_driver first, or set PARTNERD_BUILD_DIR: {DRIVER}"
    driver = Driver()
    yield driver
    driver.close()


CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")


def assert_same(driver, schema, value):
    judgement = driver.judge(schema, value)
    assert judgement.split(":")[0] in ("valid", "invalid"), (judgement, schema)
    errors = [error.message for error in Oracle(schema, format_checker=formats).iter_errors(value)]
    assert (judgement == "valid") == (not errors), (judgement, errors, json.dumps(schema), json.dumps(value))
    return not errors


COMPARED = dict(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_judgements_agree(driver):
    counts = {True: 0, False: 0}

    @settings(max_examples=2000, **COMPARED)
    @given(schemas, st.integers(0, 2**32))
    def compare(schema, seed):
        for value in instances_for(schema, seed):
            counts[assert_same(driver, schema, value)] += 1

    compare()
    # Agreement on refusals alone would prove little.
    assert sum(counts.values()) >= 12000
    assert min(counts.values()) > sum(counts.values()) // 5


@settings(max_examples=1000, **COMPARED)
@given(regexes, st.lists(texts, min_size=5, max_size=5), st.data())
def test_patterns_agree(driver, source, subjects, data):
    subjects.append(data.draw(st.from_regex(translate(source))))
    for subject in subjects:
        if not CONTROL.search(subject):
            assert_same(driver, {"pattern": source}, subject)


@pytest.mark.parametrize("value", [*map(chr, range(1, 32)), "\x7f", "\x80", "a\x1b[0m", " "])
def test_control_characters_are_in_no_text(driver, value):
    """Our rule for text, values and names: of C0 only tab and line ends, no U+007F. JSON Schema would take these."""
    is_refused = bool(CONTROL.search(value))
    for schema, instance in (({"type": "string"}, value), ({"type": "object"}, {value: 1})):
        judgement = driver.judge(schema, instance)
        assert (judgement.startswith("invalid: #") and judgement.endswith(" invalid_format")) == is_refused, judgement
        assert (judgement == "valid") != is_refused and Oracle(schema).is_valid(instance)


@pytest.mark.parametrize("value", [1.0, -3.0, 1e3])
def test_whole_reals_are_not_integers(driver, value):
    """Our rule for money: an integer is written as one. JSON Schema would take these."""
    assert driver.judge({"type": "integer"}, value) == "invalid: # wrong_type"
    assert driver.judge({"type": "number"}, value) == "valid"
    assert Draft202012Validator({"type": "integer"}).is_valid(value)
