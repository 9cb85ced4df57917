# SPDX-License-Identifier: Apache-2.0
"""Deals from a file: read, tried line by line with nothing kept, registered line by line by the rules of POST /v1/deals."""
import json

import pytest

from support import wait
from support.judge import nobody
from support.world import unique

HEAD = "customer_name,amount_minor,currency,external_id"

def ndjson(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)

def line(name="Northwind", minor=1000, **members):
    return {"customer_name": name, "amount": {"amount_minor": minor, "currency": "EUR"}, **members}

def csv_import(by, world, text, until="validated", **members):
    return world.make_import(text, by, until, media_type="text/csv", **members)

def rows_of(client, made, **query):
    return client.list(f"/v1/imports/{made['id']}/rows", query)

def pointers(row):
    return [error["pointer"] for error in row["problem"]["errors"]]

def test_lines_of_json_become_deals(world):
    partner = world.make_partner()
    made = world.make_import(ndjson(
        line("Alpha GmbH", 1000, external_ids={"crm": "1"}, draft=True),
        line("Beta KG", 2000, customer_country="DE", line_items=[{"product": "Seats", "quantity": 2, "unit_amount_minor": 1000}])),
        partner.api, "validated")
    assert (made["rows_total"], made["rows_valid"], made["rows_invalid"]) == (2, 2, 0)
    assert made["read_bytes"] == made["size_bytes"] and made["problem"] is None
    assert partner.api.list("/v1/deals") == [], "a dry run keeps nothing"
    assert partner.api.get(f"/v1/imports/{made['id']}")["allowed_actions"] == ["start", "cancel"]
    world.act("imports", made, "start", by=partner.api)
    made = world.import_in(made, "completed", partner.api)
    assert (made["rows_registered"], made["rows_existing"], made["rows_failed"]) == (2, 0, 0) and made["finished_at"]
    rows = rows_of(partner.api, made)
    deals = {deal["id"]: deal for deal in partner.api.list("/v1/deals")}
    assert [row["status"] for row in rows] == ["registered", "registered"] and len(deals) == 2
    first, second = (deals[row["deal_id"]] for row in rows)
    assert first["customer_name"] == "Alpha GmbH" and first["status"] == "draft" and first["external_ids"] == {"crm": "1"}
    assert second["customer_country"] == "DE" and second["line_items"][0]["quantity"] == 2
    assert {deal["created_by_id"] for deal in deals.values()} == {partner.client_id}
    kinds = lambda of: [event["type"] for event in world.admin.list("/v1/events", {"resource_id": of})]
    wait.until(lambda: "import.completed" in kinds(made["id"]), "the feed has the end of the import")
    assert kinds(first["id"]) == ["deal.created"] and kinds(second["id"]) == ["deal.submitted"]
    assert kinds(made["id"]) == ["import.created", "import.validation_started", "import.validated", "import.started", "import.completed"]

def test_a_table_becomes_deals(world):
    """Quotes, lines in cells, empty cells, apostrophes of our own export, columns of objects, lists as JSON."""
    partner = world.make_partner()
    text = ("\ufeffcustomer_name,amount.amount_minor,amount.currency,description,draft,external_ids,line_items,"
            "customer_country\r\n"
            "\"Comma, \"\"Quote\"\"\",1000,EUR,\"two\nlines\",true,\"{\"\"crm\"\": \"\"7\"\"}\",,\r\n"
            "'=1+1,2000,USD,,,,\"[{\"\"product\"\": \"\"A\"\", \"\"quantity\"\": 1, \"\"unit_amount_minor\"\": 2000}]\",FR\r\n"
            "\r\n"
            "007,3000,EUR,12,,,,\r\n")
    made = csv_import(partner.api, world, text, "completed")
    assert (made["format"], made["rows_total"], made["rows_registered"]) == ("csv", 3, 3), rows_of(partner.api, made)
    first, second, third = (partner.api.get(f"/v1/deals/{row['deal_id']}").json for row in rows_of(partner.api, made))
    assert first["customer_name"] == 'Comma, "Quote"' and first["description"] == "two\nlines"
    assert first["status"] == "draft" and first["external_ids"] == {"crm": "7"}
    assert second["customer_name"] == "=1+1" and second["amount"] == {"amount_minor": 2000, "currency": "USD"}
    assert second["line_items"][0]["product"] == "A" and second["customer_country"] == "FR"
    assert third["customer_name"] == "007" and third["description"] == "12", "text that looks like a number stays text"

def test_the_same_file_again_is_harmless(world):
    """Idempotent by external id: nothing is registered twice, and each line says which deal it is."""
    partner = world.make_partner()
    text = HEAD + "\nAlpha,1000,EUR,o-1\nBeta,2000,EUR,o-2\n"
    first = csv_import(partner.api, world, text, "completed", external_source="crm")
    again = csv_import(partner.api, world, text + "Gamma,3000,EUR,o-3\n", "completed", external_source="crm")
    assert (first["rows_registered"], first["rows_existing"]) == (2, 0)
    assert (again["rows_registered"], again["rows_existing"], again["rows_failed"]) == (1, 2, 0)
    of_first, of_again = rows_of(partner.api, first), rows_of(partner.api, again)
    assert [row["deal_id"] for row in of_again[:2]] == [row["deal_id"] for row in of_first]
    assert [row["status"] for row in of_again] == ["existing", "existing", "registered"]
    deals = partner.api.list("/v1/deals")
    assert sorted(deal["external_ids"]["crm"] for deal in deals) == ["o-1", "o-2", "o-3"]

FAULTY = [
    (line(minor=-1), ["#/amount/amount_minor"]),
    (line(surprise=1), ["#/surprise"]),
    ({"customer_name": "No amount"}, ["#/amount"]),
    (line(name=""), ["#/customer_name"]),
    (line(expected_close_on="2027-02-30", customer_country="XX"), ["#/expected_close_on", "#/customer_country"]),
    ({"customer_name": "Odd", "amount": {"amount_minor": 1, "currency": "XXQ"}}, ["#/amount/currency"]),
    (line(line_items=[{"product": "A", "quantity": 1, "unit_amount_minor": 1}]), None),
    (line(quote_id=nobody()), ["#/quote_id"]),
]

def test_each_line_says_what_is_wrong(world):
    partner = world.make_partner()
    text = ndjson(*(row for row, _ in FAULTY), line("Good")) + "not json\n[1]\n\"text\"\n{\"a\":1,\"a\":2}\n" + "[" * 50 + "\n"
    made = world.make_import(text, partner.api, "validated")
    rows = rows_of(partner.api, made)
    assert [row["line"] for row in rows] == list(range(1, len(FAULTY) + 7))
    for row, (body, expected) in zip(rows, FAULTY):
        assert row["status"] == "invalid" and row["input"] == body, row
        if expected:
            assert set(expected) <= set(pointers(row)), row
    assert rows[len(FAULTY)]["status"] == "valid"
    for row in rows[len(FAULTY) + 1:]:
        assert row["status"] == "invalid" and row["input"] is None and row["problem"]["code"] == "malformed_json"
    assert made["rows_invalid"] == len(FAULTY) + 5 and made["rows_valid"] == 1
    only = rows_of(partner.api, made, status=["valid"])
    assert [row["line"] for row in only] == [len(FAULTY) + 1]
    partner.api.post(f"/v1/imports/{made['id']}/start", {}, if_match=made["version"], expect=409, problem="conflict")
    world.act("imports", made, "start", {"skip_invalid": True}, by=partner.api)
    made = world.import_in(made, "completed", partner.api)
    assert made["rows_registered"] == 1 and len(partner.api.list("/v1/deals")) == 1

def test_a_table_names_cells_that_are_wrong(world):
    partner = world.make_partner()
    made = csv_import(partner.api, world, HEAD + "\nA,many,EUR,1\nB,1.5,EUR,2\nC,1000\nD,1000,EUR,3,4,5\nE,10\"00,EUR,4\n\"F\"x,1,EUR,5\n"
                      "G,1000,EUR,6\n", external_source="crm")
    rows = rows_of(partner.api, made)
    assert [row["status"] for row in rows] == ["invalid"] * 6 + ["valid"]
    assert pointers(rows[0]) == pointers(rows[1]) == ["#/amount/amount_minor"]
    assert "2 cells" in rows[2]["problem"]["detail"] and "6 cells" in rows[3]["problem"]["detail"]

def test_twins_in_one_file(world):
    partner = world.make_partner()
    made = csv_import(partner.api, world, HEAD + "\nA,1000,EUR,x\nB,1000,EUR,y\nC,1000,EUR,x\n", external_source="crm")
    rows = rows_of(partner.api, made)
    assert [row["status"] for row in rows] == ["valid", "valid", "invalid"]
    assert pointers(rows[2]) == ["#/external_ids"] and "Line 1" in rows[2]["problem"]["detail"]

def test_one_customer_twice_in_one_file(world):
    """What the second line would be refused for is said before it starts; drafts and other countries are no second line."""
    partner, other, site = world.make_partner(), world.make_partner(), f"{unique('twice')}.example"
    lost = world.act("deals", partner.deal(customer_website="lost." + site, external_ids={"crm": "1"}), "withdraw", {"reason": "x"},
                     by=partner.api)
    of = lambda name, **members: line(name, **{"partner_id": partner.id, "customer_country": "DE", **members})
    made = world.make_import(ndjson(
        of("There", customer_website="lost." + site, external_ids={"crm": "1"}), of("Draft", customer_website=site, draft=True),
        of("First", customer_website=site, customer_tax_id="DE 811 907 980"),
        of("Second", customer_contact_email=f"ann@{site}", customer_tax_id="DE 811 907 999"),
        of("Abroad", customer_website=f"www.{site}", customer_country="FR"), of("Other", customer_website=site, partner_id=other.id),
        of("Like the refused one", customer_tax_id="DE 811 907 999"), of("Tax", customer_tax_id="811907980")), until="validated")
    rows = rows_of(world.admin, made)
    assert [row["status"] for row in rows] == ["valid"] * 3 + ["invalid"] + ["valid"] * 3 + ["invalid"], rows
    for row in rows[3], rows[7]:
        assert row["problem"]["code"] == "duplicate_deal" and "Line 3" in row["problem"]["detail"]
    world.act("imports", made, "start", {"skip_invalid": True})
    made = world.import_in(made, "completed")
    assert (made["rows_registered"], made["rows_existing"], made["rows_failed"]) == (5, 1, 0)
    assert rows_of(world.admin, made)[0]["deal_id"] == lost["id"]

@pytest.mark.parametrize("text, members, places", [
    ("customer_name,amount_minor,currency,colour,number\nA,1,EUR,red,7\n", {}, ["#/columns/3", "#/columns/4"]),
    ("customer_name,amount_minor,amount.amount_minor,currency\nA,1,1,EUR\n", {}, ["#/columns/2"]),
    (HEAD + "\nA,1,EUR,1\n", {}, ["#/columns/3"]),
    ("customer_name," + 59 * "x" + "é,zz_unknown\nA,1,1\n", {}, ["#/columns/1", "#/columns/2"]),
    ("customer_name,amount.,amount.colour,.x\nA,1,EUR,1\n", {}, ["#/columns/1", "#/columns/2", "#/columns/3"]),
    ("\"open\nA,1\n", {}, []),
    (",".join("c" for _ in range(201)) + "\n", {}, []),
])
def test_a_head_that_cannot_be_read(world, text, members, places):
    made = csv_import(world.partner("a").api, world, text, "failed", **members)
    assert [error["pointer"] for error in made["problem"]["errors"]] == places
    assert made["allowed_actions"] == [] and made["finished_at"]

def test_columns_may_be_passed_over(world):
    """What was exported can be imported."""
    partner, other = world.make_partner(), world.make_partner()
    partner.deal(customer_name="=cmd|x", description="say \"hi\", twice", external_ids={"crm": "77"}, custom_fields={"a": 1})
    table = partner.api.get("/v1/deals/export", {"bom": "true"}, headers={"Accept": "text/csv"}, expect=200).body.decode()
    table = table.replace(partner.id, other.id)
    made = csv_import(other.api, world, table, "completed", skips_unknown_columns=True)
    assert made["rows_registered"] == 1, rows_of(other.api, made)
    deal = other.api.list("/v1/deals")[0]
    assert deal["customer_name"] == "=cmd|x" and deal["description"] == "say \"hi\", twice"
    assert deal["external_ids"] == {"crm": "77"} and deal["custom_fields"] == {"a": 1}

def test_the_vendor_says_for_whom(world):
    a, b = world.make_partner(), world.make_partner()
    made = world.make_import(ndjson(line("A", partner_id=a.id), line("B", partner_id=b.id), line("C"), line("D", partner_id=nobody())),
                             until="validated")
    assert [row["status"] for row in rows_of(world.admin, made)] == ["valid", "valid", "invalid", "invalid"]
    world.act("imports", made, "start", {"skip_invalid": True})
    made = world.import_in(made, "completed")
    assert [len(partner.api.list("/v1/deals")) for partner in (a, b)] == [1, 1]
    a.api.get(f"/v1/imports/{made['id']}", expect=404)
    a.api.get(f"/v1/imports/{made['id']}/rows", expect=404)
    assert made["id"] not in {row["id"] for row in a.api.list("/v1/imports")}

def test_a_partner_registers_for_itself_only(world):
    a, b = world.make_partner(), world.make_partner()
    made = world.make_import(ndjson(line("A", partner_id=b.id), line("B", partner_id=a.id)), a.api, "validated")
    rows = rows_of(a.api, made)
    assert [row["status"] for row in rows] == ["invalid", "valid"] and pointers(rows[0]) == ["#/partner_id"]
    b.api.get(f"/v1/imports/{made['id']}", expect=404)
    world.act("imports", made, "start", {"skip_invalid": True})  # the vendor may help out
    made = world.import_in(made, "completed")
    assert [deal["customer_name"] for deal in a.api.list("/v1/deals")] == ["B"] and b.api.list("/v1/deals") == []

def test_files_that_are_no_import(world):
    a, b = world.partner("a"), world.partner("b")
    file = world.upload(by=a.api, content=b"{}\n", name="x", media_type="application/x-ndjson")
    refused = [
        (a.api, {"file_id": nobody()}), (b.api, {"file_id": file["id"]}), (a.api, {"file_id": world.upload(by=a.api)["id"]}),
        (a.api, {"file_id": world.declare_file(by=a.api)["id"]})]
    for by, body in refused:
        answer = by.post("/v1/imports", body, expect=422, problem="validation_failed")
        assert [error["pointer"] for error in answer["errors"]] == ["#/file_id"]
    made = a.api.post("/v1/imports", {"file_id": file["id"]}, expect=201).json
    a.api.post("/v1/imports", {"file_id": file["id"]}, expect=422, problem="validation_failed")
    assert a.api.get(f"/v1/files/{file['id']}")["used_by"] == {"object": "import", "id": made["id"]}

def test_states(world):
    by = world.partner("a").api
    made = world.make_import(ndjson(line()), by)
    for action in ("start",):
        refused = by.post(f"/v1/imports/{made['id']}/{action}", None, if_match=made["version"], expect=409,
                          problem="invalid_transition")
        assert refused["allowed"] == ["validate", "cancel"]
    cancelled = world.act("imports", made, "cancel", by=by)
    assert cancelled["status"] == "cancelled" and cancelled["allowed_actions"] == [] and cancelled["finished_at"]
    by.post(f"/v1/imports/{made['id']}/validate", None, if_match=cancelled["version"], expect=409,
            problem="invalid_transition")

def test_who_lost_the_right_registers_nothing(world):
    partner = world.make_partner()
    person = world.make_user("partner_member", partner.id)
    made = world.make_import(ndjson(*(line(f"N{at}") for at in range(3))), person, "validated")
    world.act("users", world.admin.get(f"/v1/users/{person.id}").json, "deactivate")
    person_row = world.admin.get(f"/v1/users/{person.id}").json
    assert person_row["status"] == "disabled"
    with_sql(world, "update imports set status = 'running' where id = %s", made["id"])
    failed = world.import_in(made, "failed")
    assert failed["problem"]["code"] == "forbidden" and partner.api.list("/v1/deals") == []

def with_sql(world, statement, *values):
    import psycopg2
    with psycopg2.connect(world.database_url) as session, session.cursor() as cursor:
        cursor.execute(statement, values)
    session.close()

def test_a_partner_that_is_suspended_meanwhile(world):
    """Valid at the dry run, refused later: the line fails, and says why."""
    partner = world.make_partner()
    made = world.make_import(ndjson(line("A"), line("B")), partner.api, "validated")
    world.act("partners", world.refresh({"object": "partner", "id": partner.id}), "suspend", {"reason": "x"})
    world.act("imports", made, "start")
    made = world.import_in(made, "completed")
    assert made["rows_failed"] == 2 and made["rows_registered"] == 0
    assert {row["problem"]["code"] for row in rows_of(world.admin, made)} == {"partner_not_active"}

def test_more_lines_than_a_part(world):
    """Read in several parts, tried and registered in many batches; lines that begin in one chunk and end in the next."""
    partner = world.make_partner()
    lines = [f"Customer {at},{at + 1},EUR,o-{at},\"{'x' * 900},\n{at}\"" for at in range(620)]
    made = csv_import(partner.api, world, HEAD + ",description\n" + "\n".join(lines), "validating", external_source="crm")
    wait.until(lambda: partner.api.get(f"/v1/imports/{made['id']}")["read_bytes"] == made["size_bytes"], "all of it is read")
    made = world.act("imports", made, "cancel", by=partner.api)
    assert made["rows_total"] == 620
    rows = rows_of(partner.api, made)
    assert [row["input"]["external_ids"]["crm"] for row in rows] == [f"o-{at}" for at in range(620)]
    assert rows[600]["input"]["description"].endswith("x,\n600")


def test_a_line_that_never_ends(world):
    made = world.make_import("{\"customer_name\": \"" + "x" * 600_000, world.partner("a").api, "failed")
    assert made["problem"]["code"] == "payload_too_large" and made["rows_total"] == 0
    made = world.make_import(ndjson(line("ok")) + "{\"description\": \"" + "x" * 70_000 + "\"}\n", world.partner("a").api, "validated")
    assert [row["status"] for row in rows_of(world.partner("a").api, made)] == ["valid", "invalid"]

def test_erased_keys_are_not_shown(world):
    """A row shows what was read and nothing of the server's own."""
    made = world.make_import(ndjson(line("A", draft=True)), world.partner("a").api, "validated")
    row = rows_of(world.partner("a").api, made)[0]
    assert set(row) == {"id", "object", "line", "status", "input", "deal_id", "problem"}
    assert row["input"] == line("A", draft=True)

@pytest.mark.parametrize("body, pointer", [
    ({}, "#/file_id"), ({"file_id": "x"}, "#/file_id"), ({"file_id": nobody(), "external_source": "Sales Force"}, "#/external_source"),
    ({"file_id": nobody(), "format": "csv"}, "#/format")])
def test_bad_bodies(world, body, pointer):
    answer = world.admin.post("/v1/imports", body, expect=422, problem="validation_failed")
    assert pointer in [error["pointer"] for error in answer["errors"]]
