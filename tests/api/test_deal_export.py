# SPDX-License-Identifier: Apache-2.0
"""Deals as a file: a table that is safe in spreadsheets, or lines of JSON; streamed, with the filters of the list."""
import csv
import io
import json
import socket

import pytest

from support import wait
from support.judge import nobody

CSV, NDJSON = {"Accept": "text/csv"}, {"Accept": "application/x-ndjson"}
NAMES = ["=1+1", "+49 30 1234", "-2+3", "@SUM(A1)", "\tTab", "＝1+1", " =1", "'quoted", "comma, and \"quote\"", "two\nlines",
         "semi;colon", "Plain", "ends with space ", "ünïcödé 東京 😀"]


@pytest.fixture(scope="module")
def deals(world):
    for index, name in enumerate(NAMES):
        world.partner("ab"[index % 2]).deal(
            customer_name=name, description=name, custom_fields={"note": name}, external_ids={"crm": f"o-{index}"},
            draft=index % 4 == 0, expected_close_on=[None, "2027-01-31"][index % 2])
    world.act("deals", world.refresh(world.admin.list("/v1/deals", {"status": "submitted"})[0]), "approve", {})
    return world.admin.list("/v1/deals", {"sort": "created_at"})


def lines(client, query=None):
    answer = client.get("/v1/deals/export", query, headers=NDJSON, expect=200)
    return [json.loads(line) for line in answer.body.decode().splitlines()]


def table(client, query=None):
    answer = client.get("/v1/deals/export", query, headers=CSV, expect=200)
    text = answer.body.decode()
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def without_actions(row):
    return {name: value for name, value in row.items() if name != "allowed_actions"}


def test_lines_are_what_the_list_shows(world, deals):
    for client in (world.admin, world.partner("a").api, world.partner("b").api):
        assert lines(client) == client.list("/v1/deals", {"sort": "created_at"})
    assert lines(world.admin, {"sort": "-created_at"}) == list(reversed(deals))


@pytest.mark.parametrize("query", [
    {"status": "draft"}, {"status": ["approved", "submitted"], "expected_close_on_gte": "2027-01-01"}, {"q": "comma"},
    {"q": "l"}, {"external_id": "crm:o-3"}, {"customer_name": "PLAIN"}, {"q": "nobody"}], ids=str)
def test_filters_are_those_of_the_list(world, deals, query):
    for client in (world.admin, world.partner("b").api):
        expected = client.list("/v1/deals", {**query, "sort": "created_at"})
        assert lines(client, query) == expected
        assert [row["id"] for row in table(client, query)] == [row["id"] for row in expected]


def test_a_table_has_a_column_for_each_member(world, deals):
    rows = table(world.admin)
    assert [row["id"] for row in rows] == [deal["id"] for deal in deals]
    for row, deal in zip(rows, deals):
        assert row["amount.amount_minor"] == str(deal["amount"]["amount_minor"])
        assert row["amount.currency"] == deal["amount"]["currency"]
        assert row["status"] == deal["status"] and row["created_at"] == deal["created_at"]
        assert row["expected_close_on"] == (deal["expected_close_on"] or "")
        assert json.loads(row["external_ids"]) == deal["external_ids"]
        assert "allowed_actions" not in row and not any(name.startswith("_") for name in row)


def test_no_cell_is_a_formula(world, deals):
    """What people wrote and a spreadsheet would compute has an apostrophe before it, and no more than that."""
    for row, deal in zip(table(world.admin), deals):
        for name in ("customer_name", "description"):
            harmless = row[name]
            assert harmless.lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "＝")
            assert harmless in (deal[name], "'" + deal[name])
            assert (harmless != deal[name]) == (deal[name].lstrip(" ")[:1] in tuple("=+-@\t＝'"))


def test_partners_have_no_column_for_what_they_never_see(world, deals):
    of_vendor, of_partner = table(world.admin)[0], table(world.partner("a").api)[0]
    assert "review_note" in of_vendor and "review_note" not in of_partner
    assert set(of_partner) < set(of_vendor)
    assert {row["partner_id"] for row in table(world.partner("a").api)} == {world.partner("a").id}


def test_a_byte_order_mark_on_request(world, deals):
    plain = world.admin.get("/v1/deals/export", headers=CSV, expect=200).body
    marked = world.admin.get("/v1/deals/export", {"bom": "true"}, headers=CSV, expect=200).body
    assert marked == b"\xef\xbb\xbf" + plain
    unmarked = world.admin.get("/v1/deals/export", {"bom": "true"}, headers=NDJSON, expect=200).body
    assert unmarked.startswith(b"{")


def test_nothing_to_export(world, deals):
    nothing = {"customer_name": "nobody at all"}
    assert world.admin.get("/v1/deals/export", nothing, headers=NDJSON, expect=200).body == b""
    head = world.admin.get("/v1/deals/export", nothing, headers=CSV, expect=200).body
    assert head.startswith(b"id,object,version,number,status,") and head.count(b"\r\n") == 1


@pytest.mark.parametrize("accept, kind", [
    (None, "text/csv"), ("*/*", "text/csv"), ("text/*", "text/csv"), ("application/x-ndjson", "application/x-ndjson"),
    ("application/*", "application/x-ndjson"), ("text/csv;q=0.5, application/x-ndjson", "application/x-ndjson"),
    ("text/csv;q=0, */*", "application/x-ndjson"), ("text/html, text/csv;q=0.1", "text/csv")])
def test_accept_says_the_form(world, deals, accept, kind):
    answer = world.admin.get("/v1/deals/export", headers={"Accept": accept}, expect=200)
    assert answer.headers["Content-Type"].split(";")[0] == kind
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/csv;q=0"])
def test_another_form_is_not_to_be_had(world, accept):
    world.admin.get("/v1/deals/export", headers={"Accept": accept}, expect=406, problem="not_acceptable")


@pytest.mark.parametrize("query", ["limit=5", "cursor=x", "include_total=true", "sort=number", "bom=maybe", "q="])
def test_refused(world, query):
    world.admin.request("GET", f"/v1/deals/export?{query}", headers=CSV, expect=400)


def test_more_than_a_page(world):
    """Several statements, and several pieces on the wire: each deal once, in order, whatever is registered meanwhile."""
    partner = world.partner("many")
    made = [partner.deal(customer_name=f"Many {index}", description="x" * 300, draft=True)["id"] for index in range(2)]
    with_sql(world, partner, 450)
    rows = lines(partner.api)
    assert len(rows) == len({row["id"] for row in rows}) == 452 and {row["id"] for row in rows} >= set(made)
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert [row["id"] for row in table(partner.api)] == [row["id"] for row in rows]


def with_sql(world, partner, count):
    """As many deals more, all registered at the same instant."""
    import psycopg2
    with psycopg2.connect(world.database_url) as session, session.cursor() as cursor:
        cursor.execute("""insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency,
            created_by_id, description) select program_id, gen_random_uuid(), partner_id, number || '-' || n, status,
            customer_name, amount_minor, currency, created_by_id, description
            from (select * from deals where partner_id = %s limit 1) d, generate_series(1, %s) n""", (partner.id, count))
    session.close()


@pytest.fixture(scope="module")
def slow(world):
    """A partner with more to export than the buffers of a connection hold."""
    partner = world.partner("slow")
    partner.deal(description="x" * 4000, draft=True)
    with_sql(world, partner, 2000)
    return partner


def stalled(server, partner):
    """A reader that has the head of the answer and takes nothing more."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((server.host, server.port))
    reader.sendall(f"GET /v1/deals/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {partner.api.token}\r\n\r\n".encode())
    assert reader.recv(1024).startswith(b"HTTP/1.1 200")
    return reader


def test_nobody_takes_all_places(world, server, slow):
    """Two of one partner run, whose readers stall; a third is refused, and nobody else's."""
    ask = lambda by: by.request("GET", f"/v1/deals/export?quote_id={nobody()}", headers=CSV)
    slow.user(), world.partner("a"), world.user("viewer")
    with stalled(server, slow), stalled(server, slow):
        refused = ask(slow.api)
        assert (refused.status, refused.problem) == (429, "rate_limited") and int(refused.headers["Retry-After"]) > 0
        assert ask(slow.user()).status == 429, "it is the partner's bound, whoever asks"
        assert ask(world.partner("a").api).status == ask(world.user("viewer")).status == 200
    wait.until(lambda: ask(slow.api).status == 200, "places of readers that have gone")


def test_a_reader_that_stalls_holds_no_snapshot(world, server, slow):
    """No transaction waits for it in the database."""
    import psycopg2
    with stalled(server, slow):
        session = psycopg2.connect(world.database_url)
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where datname = current_database() and state = "
                           "'idle in transaction'")
            assert cursor.fetchone() == (0,)
        session.close()
        assert slow.api.get("/v1/deals", {"limit": 1}, expect=200)


def test_head_has_no_body(world, slow):
    """Nor do its chunks end in the next answer."""
    answer = world.admin.request("HEAD", "/v1/deals/export", headers=CSV, expect=200)
    assert answer.body == b"" and answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Connection"] == "close"
    world.admin.get("/v1/me", expect=200)


def test_each_export_is_kept(world, deals):
    """Who took what; not what was searched for, which may be the name of a person."""
    partner = world.partner("a")
    kept = lambda: world.admin.list("/v1/audit-log", {"action": "deals.exported", "sort": "occurred_at"})
    before = len(kept())
    table(partner.api, {"status": ["draft", "approved"], "q": "comma"})
    lines(world.admin)
    world.admin.get("/v1/deals/export", headers={"Accept": "text/html"}, expect=406)
    first, second = kept()[before:]
    assert first["actor"]["id"] == partner.client_id and first["partner_id"] == partner.id
    assert {name: change["to"] for name, change in first["changes"].items()} == {
        "format": "csv", "filters": {"status": ["draft", "approved"], "q": True}}
    assert second["actor"]["id"] == world.admin_id and second["resource"] == {"object": "export", "id": None}
    assert second["changes"]["format"]["to"] == "ndjson" and second["changes"]["filters"]["to"] == {}
