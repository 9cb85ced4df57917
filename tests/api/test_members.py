# SPDX-License-Identifier: Apache-2.0
"""What a partner sees and writes, member by member (OWASP API3), for every operation that a partner can call.

members.tsv says it, written by hand; a member of the contract that it does not name fails the run. Every answer is then
read by the vendor and by each principal of the partner and compared; what a partner may not write is written, and refused;
and what an answer has but a body has not is sent all the same.
"""
import pathlib
from collections import defaultdict

import pytest

from support import contract, holdings, members
from support.judge import events_of, nobody
from test_access import MACHINES, PARTNER, TABLE, ids_of

ANSWERS, BODIES = {"see", "never", "differ", "row"}, {"write", "never", "own"}
ASKING = [*PARTNER, MACHINES[1]]


def read_table():
    """{schema: {member: how}}"""
    lines = [line.split() for line in (pathlib.Path(__file__).parent / "members.tsv").read_text().splitlines()
             if line and not line.startswith("#")]
    assert lines.pop(0) == ["schema", "partner", "members"]
    said = defaultdict(dict)
    for schema, how, *names in lines:
        assert how in ANSWERS | BODIES, f"members.tsv: {schema}: there is no '{how}'"
        for name in names:
            assert name not in said[schema], f"members.tsv: {schema}.{name} is there twice"
            said[schema][name] = how
    return dict(said)


SAID = read_table()
FOR_PARTNERS = [entry for entry in contract.operations()
                if not entry.is_public and any(TABLE.get(entry.id, {}).get(name) == "x" for name in ASKING)]
TAKEN = members.of(FOR_PARTNERS, members.body_schema)
ANSWERED = members.of(FOR_PARTNERS, members.answer_schema)
BY_OBJECT = {schema["properties"]["object"]["const"]: name
             for name, schema in contract.document()["components"]["schemas"].items()
             if name in ANSWERED and "const" in schema.get("properties", {}).get("object", {})
             and not name.startswith("New")}


# ---- everything is said ----
@pytest.mark.parametrize("schema", sorted({*TAKEN, *ANSWERED}))
def test_every_member_is_spoken_for(schema):
    names, allowed = (TAKEN[schema], BODIES) if schema in TAKEN else (ANSWERED[schema], ANSWERS)
    said = SAID.get(schema, {})
    silent = [name for name in names if name not in said]
    assert not silent, (f"may a partner {'write' if schema in TAKEN else 'see'} {silent} of {schema}? Say so in "
                        f"tests/api/members.tsv:\n{schema} {'|'.join(sorted(allowed))} {' '.join(silent)}")
    wrong = {name: how for name, how in said.items() if name not in names or how not in allowed}
    assert not wrong, f"members.tsv: {schema} has no such member, or not this way: {wrong}"


def test_the_table_has_no_other_schemas():
    assert not set(SAID) - {*TAKEN, *ANSWERED}


# ---- reading ----
def decide_everything(world, partner_id):
    """What waits for the vendor is decided, so that it has somebody who did."""
    world.act("deal-help-requests", world.ask_help(), "accept", {})
    world.act("special-pricing-requests", world.ask_price(), "approve", {})
    world.act("deal-extensions", world.make_extension(), "reject", {"reason": "Too late."})
    world.act("benefit-overrides", world.override(partner_id), "end", {"reason": "It was a trial."})


@pytest.fixture(scope="module")
def own(world, postgres):
    """The ids of partner A's things, filled so that what is hidden has a value."""
    ids = holdings.of_partner(world, world.partner("a"))
    deal = world.admin.get(f"/v1/deals/{ids['deal_id']}").json
    world.admin.patch(f"/v1/deals/{deal['id']}", {
        "review_note": "Confidential", "vendor_custom_fields": {world.make_custom_field()["key"]: "Confidential"}}, if_match=deal["version"], expect=200)
    events_of(world.admin, deal["id"], 3)
    world.act("deals", world.deal_in("submitted"), "split-credit", {"collaborators": [
        {"partner_id": ids["partner_id"], "contribution": "sourced", "share_bps": 10_000, "note": "Confidential"}]})
    decide_everything(world, ids["partner_id"])
    postgres.execute("partnerd_shared", "update deals set review_due_at = now() - interval '1 hour' where id = %s",
                     (world.deal_in("submitted")["id"],))
    tier = world.make_tier()
    world.admin.patch(f"/v1/tiers/{tier['id']}", {"benefits": [{"key": "co_selling", "value": True}]}, if_match=2, expect=200)
    world.act("margin-rule-sets", world.make_rule_set(), "publish")
    price = world.make_price(ids["product_id"], currency="USD", volume_mode="slab",
                             volume_bands=[{"from_quantity": 10, "discount_bps": 9000}])
    quote = world.make_quote(ids["partner_id"], rating="green")
    case = world.dispute_in("appealed", world.deal_in("rejected", world.partner("a")),
                            respondent=world.deal_in("rejected", world.partner("b")), internal_note="Confidential")
    world.act("disputes", case, "decide", {"outcome": "upheld", "rule": "program_policy", "reason": "After all."},
              by=world.user("reviewer"))
    return {**ids, "dispute_id": case["id"], "tier_id": tier["id"], "price_id": price["id"], "quote_id": quote["id"],
            "custom_field_id": world.make_custom_field(visibility="all")["id"],
            "partner_type_id": world.partner_type("reseller")["id"],
            "template_id": world.make_template(publish=True)["id"]}


@pytest.fixture(scope="module")
def asking(world):
    partner = world.partner("a")
    scopes = world.admin.get("/v1/roles")["clients"][1]["scopes"]
    return {**{role: partner.user(role) for role in PARTNER}, MACHINES[1]: world.machine(scopes, partner.id)}


class Comparison:
    """Walks two answers along the schema; keeps what was seen of each member that partners never see."""

    def __init__(self):
        self.hidden = defaultdict(int)

    def value(self, schema, fallback, whole, part, place):
        name, schema = members.named(schema, fallback)
        if "properties" in schema and whole is not None:
            self.object(name, schema, whole, part, place)
        elif "items" in schema and isinstance(members.named(schema["items"], name)[1].get("properties"), dict):
            self.items(name, schema, whole, part, place)
        else:
            assert part == whole, place

    def items(self, name, schema, whole, part, place):
        if all("id" in row for row in whole + part):
            known = {row["id"]: row for row in whole}
            assert not [row for row in part if row["id"] not in known], place
            pairs = [(known[row["id"]], row) for row in part]
        else:
            assert len(whole) == len(part), place
            pairs = zip(whole, part)
        for index, (one, other) in enumerate(pairs):
            self.value(schema["items"], name, one, other, f"{place}[{index}]")

    def object(self, name, schema, whole, part, place):
        assert set(part) == set(whole) if not members.is_page(schema) else True, place
        for member, entry in schema["properties"].items():
            how = "see" if members.is_page(schema) else SAID.get(name, {}).get(member)
            at = f"{place}.{member}"
            if members.is_page(schema) and member != "data":
                continue
            if how == "see":
                self.value(entry, f"{name}.{member}", whole[member], part[member], at)
            elif how == "never":
                assert part[member] is None, f"{at} is not for partners"
                self.hidden[f"{name}.{member}"] += whole[member] is not None
            elif how == "row":
                self.row(whole, part, member, at)

    def row(self, whole, part, member, place):
        """A stored row, whole or only what has changed of it."""
        shape = BY_OBJECT[whole["resource"]["object"] if "resource" in whole else "deal"]
        for name, value in part[member].items():
            if SAID[shape].get(name) == "never":
                assert value is None and member == "data", f"{place}.{name} is not for partners"
                self.hidden[f"{shape}.{name}"] += whole[member][name] is not None
            elif SAID[shape].get(name) == "see":
                assert value == whole[member][name], f"{place}.{name}"


def readable(operation):
    return operation.method == "GET" and members.answer_schema(operation) and TABLE[operation.id]["reach"] in ("-", "partner", "shared", "program")


def asked(operation):
    """What the query must say, as the contract's examples have it."""
    query = [entry for entry in operation.parameters if entry["in"] == "query"]
    return {entry["name"]: entry["example"] for entry in query} if any(entry.get("required") for entry in query) else None


def read(client, operation, path):
    """The answer; of a list every page, so that who sees more does not seem to see less."""
    if operation.parameter("limit"):
        return {"data": client.list(path, asked(operation))}
    return client.get(path, asked(operation)).json


@pytest.fixture(scope="module")
def comparison(world, own, asking):
    """Every GET that a partner may call, asked by the vendor's admin and by each principal of the partner."""
    made = Comparison()
    for operation in filter(readable, FOR_PARTNERS):
        ids = ids_of(operation, own)
        path = operation.path
        for name in operation.path_ids:
            path = path.replace("{%s}" % name, ids[name])
        for who in [name for name in ASKING if TABLE[operation.id][name] == "x"]:
            part, whole = (read(client, operation, path) for client in (asking[who], world.admin))
            made.value(members.answer_schema(operation), operation.id, whole, part, f"{who}: {path}")
    return made


def test_partners_see_what_is_theirs_to_see(comparison):
    expected = {f"{schema}.{name}" for schema, said in SAID.items() if schema in ANSWERED
                for name, how in said.items() if how == "never"}
    seen = {name for name, count in comparison.hidden.items() if count}
    assert seen == expected, "members that no vendor has seen with a value prove nothing: fill them in `own`"


# ---- writing ----
def example_of(schema, fallback="x"):
    """A value that the schema takes."""
    _, schema = members.named(schema, fallback)
    kind = schema["type"][0] if isinstance(schema.get("type"), list) else schema.get("type")
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("format") == "uuid":
        return nobody()
    return {"string": "x", "integer": schema.get("minimum", 1), "boolean": True, "array": [], "object": {},
            "null": None}[kind]


def send(client, operation, ids, body):
    path = operation.path
    for name in operation.path_ids:
        path = path.replace("{%s}" % name, ids[name])
    options = {"if_match": "*"} if operation.parameter("If-Match") else {}
    key = nobody() if operation.parameter("Idempotency-Key") else None
    return client.request(operation.method, path, body, key=key, **options)


def bodies(how):
    return [(operation, name) for operation in FOR_PARTNERS if members.body_schema(operation)
            for name, said in SAID.get(members.named(members.body_schema(operation), "")[0], {}).items() if said == how]


@pytest.mark.parametrize("operation, name", bodies("never"), ids=str)
def test_what_a_partner_may_not_write(asking, own, operation, name):
    _, schema = members.named(members.body_schema(operation), "")
    body = {**filled(operation), name: example_of(schema["properties"][name])}
    for who in [name for name in ASKING if TABLE[operation.id][name] == "x"]:
        answer = send(asking[who], operation, own, body)
        assert answer.status in (403, 422), f"{who}: {answer}"
        assert answer.status == 403 or f"#/{name}" in {place for place, _ in answer.errors()}, f"{who}: {answer}"


@pytest.mark.parametrize("operation, name", bodies("own"), ids=str)
def test_whose_partner_a_partner_may_name(world, asking, own, operation, name):
    others = {"another": world.partner("b").id, "nobody's": nobody()}
    for who in [name for name in ASKING if TABLE[operation.id][name] == "x"]:
        for whose, partner_id in others.items():
            answer = send(asking[who], operation, own, {**filled(operation), name: partner_id})
            assert answer.status == 422 and (f"#/{name}", "reference_not_found") in answer.errors(), (who, whose, answer)


def filled(operation):
    """The contract's own example of the body: what the operation would take."""
    content = contract.resolve(operation.body["requestBody"])["content"]
    media = next(iter(content.values()))
    return media.get("example") or contract.resolve(next(iter(media["examples"].values())))["value"]


def assignable():
    """(operation, members of its answer that its body does not have)"""
    found = []
    for operation in contract.operations():
        body, answer = members.body_schema(operation), members.answer_schema(operation)
        if operation.is_public or not body or not answer or body.get("format") == "binary":
            continue
        taken, shown = (set(members.named(entry, "")[1].get("properties", ())) for entry in (body, answer))
        if shown - taken:
            found.append((operation, sorted(shown - taken)))
    return found


@pytest.mark.parametrize("operation, names", assignable(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_server_keeps_nobody_writes(world, asking, own, operation, names):
    """Every member of the answer that the body does not have is refused by name, whoever sends it (mass assignment)."""
    _, answer = members.named(members.answer_schema(operation), "")
    body = {name: example_of(answer["properties"][name]) for name in names}
    for who, client in {"admin": world.admin, **asking}.items():
        if TABLE[operation.id][who] != "x":
            continue
        refused = send(client, operation, own, body)
        assert refused.status == 422, f"{who}: {refused}"
        told = {place: code for place, code in refused.errors()}
        unnamed = [name for name in names if told.get(f"#/{name}") not in ("unknown_field", "read_only_field")]
        assert not unnamed or len(told) >= 20, f"{who}: {unnamed}: {refused}"
