# SPDX-License-Identifier: Apache-2.0
"""Who may call what, and on whose rows: every operation of the contract with every kind of principal (domain.md §5.19).

What is expected stands in access.tsv, written by hand and read from nowhere else: neither the scopes of the contract nor
the server's table of roles has a say. An operation without a row there fails the run, as does a row without operation.
"""
import pathlib

import pytest

from support import contract, holdings
from support.client import Client
from support.judge import nobody, same_refusal
from support.world import World, sign_in

VENDOR = ["admin", "partner_manager", "reviewer", "finance", "support", "viewer"]
PARTNER = ["partner_admin", "partner_member"]
MACHINES = ["vendor_client", "partner_client"]
PRINCIPALS = VENDOR + PARTNER + MACHINES
REACHES = {"-", "partner", "shared", "program", "vendor", "user"}


def read_table():
    lines = [line.split() for line in (pathlib.Path(__file__).parent / "access.tsv").read_text().splitlines()
             if line and not line.startswith("#")]
    header = lines.pop(0)
    assert header == ["operation", *PRINCIPALS, "anybody", "reach"]
    rows = {}
    for line in lines:
        assert len(line) == len(header), f"access.tsv: {' '.join(line)}: {len(header)} columns"
        row = dict(zip(header, line))
        assert row["operation"] not in rows, f"access.tsv: {row['operation']} is there twice"
        assert set(line[1:-1]) <= {"x", "-"}, f"access.tsv: {row['operation']}: x or - in each column"
        assert row["reach"] in REACHES, f"access.tsv: {row['operation']}: reach is one of {sorted(REACHES)}"
        rows[row["operation"]] = row
    return rows


TABLE = read_table()


def row_of(operation):
    if operation.id not in TABLE:
        pytest.fail(f"{operation.method} {operation.path}: nobody has said who may call it. Add a line to "
                    f"tests/api/access.tsv, x for whom it is allowed, - for whom it is refused:\n"
                    f"operation {' '.join(PRINCIPALS)} anybody reach\n"
                    f"{operation.id} {'? ' * len(PRINCIPALS)} ? {'?' if operation.path_ids else '-'}")
    return TABLE[operation.id]


# ---- who asks, and for what ----
@pytest.fixture(scope="module")
def principals(world):
    partner = world.partner("a")
    clients = {entry["side"]: entry["scopes"] for entry in world.admin.get("/v1/roles")["clients"]}
    made = {"admin": world.admin, "vendor_client": world.machine(clients["vendor"]),
            "partner_client": world.machine(clients["partner"], partner.id)}
    made.update({role: world.user(role) for role in VENDOR[1:]})
    made.update({role: partner.user(role) for role in PARTNER})
    return made


@pytest.fixture(scope="module")
def places(world, server, database_url):
    """The ids of everything there is to ask for: of one's own partner, of another, of the vendor, of another program."""
    other = World(server, database_url)
    own = holdings.of_partner(world, world.partner("a"))
    return {"own partner": own, "another partner": holdings.of_partner(world, world.partner("b")),
            "vendor": holdings.of_vendor(world), "another program": holdings.of_partner(other, other.partner("x")),
            "shared": {**own, "tier_id": world.tiers["preferred"]["id"],
                       "custom_field_id": world.make_custom_field(visibility="all")["id"],
                       "partner_type_id": world.partner_type("reseller")["id"],
                       "template_id": world.make_template(publish=True)["id"]}}


def ids_of(operation, place):
    """The place's ids for this path; None when there is nothing of the kind."""
    if set(operation.path_ids) == {"code"}:
        return {"code": "not_found"}
    return place if set(operation.path_ids) <= set(place) else None


def probe(client, operation, ids, may=True):
    """Asks so that everybody who may call is known by the answer, and yet nothing happens: a stale version, a member
    or a parameter that does not exist. All are judged after the token and the scopes (api.md §1)."""
    path, options = operation.path, {}
    for name in operation.path_ids:
        path = path.replace("{%s}" % name, ids[name])
    if operation.parameter("If-Match"):
        options["if_match"] = '"0"'
    if operation.parameter("Idempotency-Key"):
        options["key"] = nobody()
    if operation.id == "putFileContent":
        return client.request(operation.method, path, b"x", headers={"Content-Type": "application/octet-stream"}, **options)
    if operation.body.get("requestBody"):
        return client.request(operation.method, path, {"no_such_member": True}, **options)
    if operation.method == "GET" or operation.parameter("If-Match"):
        return client.request(operation.method, path, **options)
    return client.request(operation.method, path, query={"no_such_parameter": "1"} if may else None, **options)


def parametrize(chosen=lambda operation: True):
    operations = [entry for entry in contract.operations() if chosen(entry)]
    return pytest.mark.parametrize("operation", operations, ids=repr)


def names_rows(operation):
    return any(name.endswith("_id") for name in operation.path_ids)


# ---- the matrix ----
@parametrize()
def test_the_gate(principals, places, operation):
    """Who may call it is not told 403, who may not is told nothing else."""
    row = row_of(operation)
    ids = ids_of(operation, places["shared"])
    assert ids is not None, f"{operation}: say in support/holdings.py what {operation.path_ids} are"
    for name in PRINCIPALS:
        answer = probe(principals[name], operation, ids, may=row[name] == "x")
        if row[name] == "x":
            assert answer.status not in (401, 403), f"{name} may call {operation}: {answer}"
        else:
            assert answer.status == 403, f"{name} may not call {operation}: {answer}"
            assert answer.problem in ("insufficient_scope", "forbidden"), answer


@parametrize()
def test_nobody_in_particular(server, places, operation):
    answer = probe(Client(server), operation, ids_of(operation, places["shared"]))
    if row_of(operation)["anybody"] == "x":
        assert answer.problem not in ("unauthenticated", "token_invalid", "insufficient_scope"), answer
    else:
        assert answer.status == 401 and answer.problem == "unauthenticated", answer


ENROLLING = {"getMe", "getCurrentSession", "endSession", "startTotp", "confirmTotp"}


@pytest.fixture(scope="module")
def enrolling(server, database_url):
    """Somebody whose role asks for a second factor that is not there yet: signed in, and no further."""
    strict = World(server, database_url)
    person = strict.make_user("admin")
    strict.admin.patch("/v1/program", {"second_factor_roles": ["admin"]}, if_match="*", expect=200)
    return Client(server, sign_in(server, person.email, person.password, strict.slug)["access_token"])


@parametrize(lambda operation: not operation.is_public)
def test_who_has_to_enrol_does_that_or_leaves(enrolling, places, operation):
    answer = probe(enrolling, operation, ids_of(operation, places["shared"]), may=operation.id in ENROLLING)
    if operation.id in ENROLLING:
        assert answer.status not in (401, 403), answer
    else:
        assert answer.status == 403 and answer.problem == "second_factor_missing", answer


def reaches(row, name, place):
    """Does this principal reach the rows of that place?"""
    if place == "another program" or row["reach"] == "user":
        return False
    if name in VENDOR or name == "vendor_client" or row["reach"] == "program":
        return True
    return place == "shared" or row["reach"] == "program" or place == "own partner" and row["reach"] == "partner"


@parametrize(names_rows)
def test_whose_rows(principals, places, operation):
    """A row that the caller reaches is found; any other is missing, and cannot be told from one that never was."""
    row = row_of(operation)
    assert row["reach"] != "-", f"access.tsv: {operation} names a row, so say whose in the column reach"
    tried = ["another partner", "vendor", "another program", "shared" if row["reach"] == "shared" else "own partner"]
    for name in [name for name in PRINCIPALS if row[name] == "x"]:
        missing = probe(principals[name], operation, {given: nobody() for given in places["own partner"]})
        assert missing.status == 404 or missing.status == 400 and not is_telling(operation), missing
        for place in tried:
            ids = ids_of(operation, places[place])
            if ids is None:
                continue
            answer = probe(principals[name], operation, ids)
            if not reaches(row, name, place):
                same_refusal(answer, missing)
            elif is_telling(operation):
                found = {412} if operation.parameter("If-Match") else {422} if operation.method != "GET" else {200}
                assert answer.status in found, f"{name} on {place}: {answer}"


def is_telling(operation):
    """Does the probe reach the row? A DELETE without a body can only be stopped before it."""
    return operation.method == "GET" or operation.parameter("If-Match") or operation.body.get("requestBody")


def test_the_table_has_no_other_rows():
    known = {operation.id for operation in contract.operations()}
    assert not set(TABLE) - known, f"access.tsv: no such operation: {sorted(set(TABLE) - known)}"


# ---- the roles ----
def test_roles_are_told_as_they_are(world, principals):
    table = world.admin.get("/v1/roles").json
    assert [row["name"] for row in table["data"]] == VENDOR + PARTNER
    assert [row["side"] for row in table["data"]] == ["vendor"] * 6 + ["partner"] * 2
    assert [row["side"] for row in table["clients"]] == ["vendor", "partner"]
    for row in table["data"]:
        assert principals[row["name"]].get("/v1/me")["scopes"] == row["scopes"]
    for row in table["clients"]:
        assert principals[f"{row['side']}_client"].get("/v1/me")["scopes"] == row["scopes"]
    for name in PRINCIPALS:
        assert principals[name].get("/v1/roles").json == table
