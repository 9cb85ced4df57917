# SPDX-License-Identifier: Apache-2.0
"""The table of deals: its further filters and orders, each with its index, and the search `q`."""
import psycopg2
import pytest

from support.judge import nobody

FAR_DAY, FAR_INSTANT = "9999-12-31", "9999-12-31T23:59:59.999Z"
ORDERS = {"customer_name": None, "expected_close_on": FAR_DAY, "submitted_at": FAR_INSTANT, "decided_at": FAR_INSTANT,
          "protected_until": FAR_INSTANT, "closed_on": FAR_DAY, "review_due_at": FAR_INSTANT, "next_step_due_on": FAR_DAY}
NAMES = ["Ärzte Akademie", "100% Safety", "snake_case Ltd", "Back\\slash GmbH", "Zoo", "zoo west", "Nordwind \"A\"",
         "東京電力", "O'Brien & Söhne", "x"]


@pytest.fixture(scope="module")
def deals(world):
    """Twenty deals that differ in what the filters look at, as the vendor's admin sees them."""
    for index in range(20):
        partner = world.partner("ab"[index % 2])
        deal = partner.deal(
            customer_name=NAMES[index % 10], customer_country=[None, "DE", "FR", "AT"][index % 4],
            amount={"amount_minor": 1000 + index, "currency": "EUR"}, draft=index % 5 == 0,
            expected_close_on=[None, "2027-01-31", "2027-02-01"][index % 3])
        if index % 4:
            deal = partner.api.patch(f"/v1/deals/{deal['id']}", {"next_step_due_on": f"2026-09-{index // 2 + 1:02d}"},
                                     if_match="*", expect=200).json
        if index % 5 in (1, 2):
            deal = world.act("deals", deal, "approve", {"protection_days": 10 + index})
        if index % 5 == 2:
            world.act("deals", deal, "win", {"actual_amount": {"amount_minor": 500 + index, "currency": "EUR"},
                                             "closed_on": f"2026-01-{index + 1:02d}"})
        if index % 5 == 3:
            world.act("deals", deal, "reject", {"reason": "x"})
    return world.admin.list("/v1/deals", {"sort": "created_at"})


def found(client, query):
    rows = client.list("/v1/deals", query)
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"] for row in rows}


def value_of(row, name):
    return row["actual_amount"] and row["actual_amount"]["amount_minor"] if name == "actual_amount_minor" else row[name]


@pytest.mark.parametrize("query, holds", [
    ({"customer_country": "DE"}, lambda row: row["customer_country"] == "DE"),
    ({"customer_country": ["FR", "AT"]}, lambda row: row["customer_country"] in ("FR", "AT")),
    ({"customer_country": "CH"}, lambda row: False),
], ids=["one", "several", "none"])
def test_country(world, deals, query, holds):
    assert found(world.admin, query) == {row["id"] for row in deals if holds(row)}


@pytest.mark.parametrize("name", ["tier_id", "created_by_id"])
def test_by_reference(world, deals, name):
    wanted = next(row[name] for row in deals if row[name])
    expected = {row["id"] for row in deals if row[name] == wanted}
    assert found(world.admin, {name: wanted}) == found(world.admin, {name: [wanted, nobody()]}) == expected
    assert found(world.admin, {name: nobody()}) == set()


def test_by_quote(world, deals):
    partner = world.partner("q")
    quote = world.make_quote(partner.id)
    deal = partner.deal(amount=quote["net_amount"], quote_id=quote["id"], draft=True)
    assert found(world.admin, {"quote_id": quote["id"]}) == found(partner.api, {"quote_id": quote["id"]}) == {deal["id"]}
    assert found(world.partner("a").api, {"quote_id": quote["id"]}) == set()
    world.act("deals", deal, "withdraw", by=partner.api)


def test_by_how_it_earns(world, deals):
    approved = {row["id"] for row in deals if row["status"] in ("approved", "won")}
    assert found(world.admin, {"earns": "margin"}) == found(world.admin, {"earns": ["margin", "both"]}) == approved
    assert found(world.admin, {"earns": ["commission", "both"]}) == set()


def test_by_reason_of_loss(world, deals):
    partner, lost = world.partner("l"), {}
    for key in ("price", "competitor"):
        deal = world.deal_in("approved", partner)
        lost[key] = world.act("deals", deal, "lose", {"reason_key": key}, by=partner.api)["id"]
    assert found(world.admin, {"lost_reason_key": "price"}) == found(partner.api, {"lost_reason_key": "price"}) == {lost["price"]}
    assert found(world.admin, {"lost_reason_key": ["price", "competitor"]}) == set(lost.values())
    assert found(world.admin, {"lost_reason_key": "no_such"}) == found(world.partner("a").api, {"lost_reason_key": "price"}) == set()


def test_by_product(world, deals):
    """What it is registered for, as it is corrected, and for whoever has it."""
    partner, (one, other) = world.partner("p"), (world.make_product()["id"] for _ in "ab")
    both = partner.deal(product_ids=[one, other])
    single = partner.deal(product_ids=[other], draft=True)
    assert found(world.admin, {"product_id": one}) == found(partner.api, {"product_id": one}) == {both["id"]}
    assert found(world.admin, {"product_id": other}) == found(world.admin, {"product_id": [one, other]}) == {both["id"], single["id"]}
    assert found(world.partner("a").api, {"product_id": other}) == found(world.admin, {"product_id": nobody()}) == set()
    path = f"/v1/deals/{single['id']}"
    partner.api.patch(path, {"product_ids": [one]}, if_match="*", expect=200)
    assert found(world.admin, {"product_id": one}) == {both["id"], single["id"]}
    partner.api.patch(path, {"product_ids": []}, if_match="*", expect=200)
    assert found(world.admin, {"product_id": [one, other]}) == {both["id"]}
    world.act("deals", world.refresh(both), "reassign", {"partner_id": world.partner("a").id, "reason": "Moved."})
    assert found(world.partner("a").api, {"product_id": one}) == {both["id"]} and found(partner.api, {"product_id": one}) == set()


def test_what_waits_without_policies(world, deals):
    """Whoever may approve deals decides all that wait; who may not, none."""
    waiting = found(world.admin, {"status": ["submitted", "in_review"]})
    assert found(world.admin, {"awaits_me": "true"}) == found(world.user("reviewer"), {"awaits_me": "true"}) == waiting != set()
    assert found(world.admin, {"awaits_me": "false"}) == found(world.admin, {})
    assert found(world.user("viewer"), {"awaits_me": "true"}) == found(world.partner("a").api, {"awaits_me": "true"}) == set()


@pytest.mark.parametrize("name", [
    "submitted_at", "decided_at", "closed_on", "expected_close_on", "protected_until", "actual_amount_minor", "margin_bps",
    "review_due_at", "next_step_due_on", "protection_expires_at"])
def test_ranges(world, deals, name):
    """From a bound on, and below it: together everything that has a value, and nothing that has none."""
    mine = {row["id"] for row in deals}
    having = {row["id"]: value_of(row, name) for row in deals if value_of(row, name) is not None}
    bound = sorted(having.values())[len(having) // 2]
    from_on = found(world.admin, {f"{name}_gte": bound}) & mine
    below = found(world.admin, {f"{name}_lt": bound}) & mine
    assert from_on == {deal for deal, value in having.items() if value >= bound}
    assert below == {deal for deal, value in having.items() if value < bound}
    assert len(having) < len(deals) and from_on | below == set(having)


@pytest.mark.parametrize("limit", [3, 100])
@pytest.mark.parametrize("sort", [*ORDERS, *(f"-{name}" for name in ORDERS)])
def test_orders(world, deals, sort, limit):
    """Every deal once; who has no value stands at the far end; the id breaks ties in the same direction."""
    name = sort.lstrip("-")
    rows = world.admin.list("/v1/deals", {"sort": sort}, limit=limit)
    assert len({row["id"] for row in rows}) == len(rows) >= len(deals)
    if name == "customer_name":
        names = [row["customer_name"].lower() for row in rows]
        groups = [value for at, value in enumerate(names) if at == 0 or names[at - 1] != value]
        assert len(groups) == len(set(groups)), "equal names stand together"
        turned = world.admin.list("/v1/deals", {"sort": "-customer_name" if sort == name else name}, limit=100)
        assert [row["id"] for row in turned] == [row["id"] for row in reversed(rows)]
    else:
        keys = [row[name] or ORDERS[name] for row in rows]
        assert keys == sorted(keys, reverse=sort.startswith("-"))


@pytest.mark.parametrize("q, matches", [
    ("zoo", ["Zoo", "zoo west"]), ("ZOO", ["Zoo", "zoo west"]), ("oo w", ["zoo west"]), ("ärzte", ["Ärzte Akademie"]),
    ("akad", ["Ärzte Akademie"]), ("ak", ["Ärzte Akademie"]), ("kad", ["Ärzte Akademie"]), ("ka", []),
    ("x", ["x"]), ("%", []), ("100%", ["100% Safety"]), ("0% s", ["100% Safety"]), ("_case", ["snake_case Ltd"]),
    ("snake%", []), ("k\\s", ["Back\\slash GmbH"]), ("___", []), ("%%%", []), ("\\\\\\", []),
    ("東京", ["東京電力"]), ("京電力", ["東京電力"]), ("o'b", ["O'Brien & Söhne"]), ("' or 1=1 --", []),
    ("\"a\"", ["Nordwind \"A\""]), ("nobody has this name", []), ("z" * 200, []),
], ids=ascii)
def test_search(world, deals, q, matches):
    """As it stands, in any case: what LIKE would take for more is a character like others."""
    for client, of in ((world.admin, None), (world.partner("a").api, world.partner("a").id)):
        expected = {row["id"] for row in deals if row["customer_name"] in matches and of in (None, row["partner_id"])}
        assert found(client, {"q": q}) == expected, of


def test_search_by_number(world, deals):
    row = deals[4]
    assert found(world.admin, {"q": row["number"]}) == found(world.admin, {"q": row["number"].lower()}) == {row["id"]}
    tail = row["number"][4:]
    assert row["id"] in found(world.admin, {"q": tail})
    other = next(name for name in "ab" if world.partner(name).id != row["partner_id"])
    assert found(world.partner(other).api, {"q": row["number"]}) == set()


def test_search_joins_other_filters_orders_and_totals(world, deals):
    query = {"q": "zoo", "amount_minor_gte": 1010, "sort": "amount_minor"}
    expected = [row["id"] for row in deals if row["customer_name"].lower().startswith("zoo")
                and row["amount"]["amount_minor"] >= 1010]
    first = world.admin.get("/v1/deals", {**query, "limit": 1, "include_total": "true"}).json
    assert first["total_count"] == len(expected)
    rows = world.admin.list("/v1/deals", query, limit=1)
    assert [row["id"] for row in rows] == expected
    world.admin.get("/v1/deals", {**query, "q": "zoo w", "limit": 1, "cursor": first["next_cursor"]}, expect=400,
                    problem="cursor_mismatch")


def test_search_follows_a_new_name(world):
    partner = world.partner("c")
    deal = partner.deal(customer_name="Qwertz Holding", draft=True)
    assert found(world.admin, {"q": "qwertz"}) == {deal["id"]}
    partner.api.patch(f"/v1/deals/{deal['id']}", {"customer_name": "Dvorak Holding"}, if_match=deal["version"], expect=200)
    assert found(world.admin, {"q": "qwertz"}) == set()
    assert found(world.admin, {"q": "dvorak"}) == {deal["id"]}


def test_search_walks_where_nearly_all_match(world, deals):
    """Found by walking along the list, not by the index: the same answer."""
    partner = world.partner("d")
    made = {partner.deal(customer_name=f"Everywhere {index}", draft=True)["id"] for index in range(15)}
    assert found(world.admin, {"q": "everywhere"}) == made


@pytest.mark.parametrize("query", ["q=", "q=" + "a" * 201, "q=a&q=b", "customer_country=Germany", "margin_bps_gte=-1",
                                   "closed_on_gte=2026-02-30", "tier_id=x", "sort=margin_bps", "awaits_me=maybe",
                                   "earns=nothing", "product_id=x"])
def test_refused(world, query):
    world.admin.request("GET", f"/v1/deals?{query}", expect=400, problem="invalid_parameter")


def test_all_filters_at_once(world, deals):
    """A statement has room for every parameter the contract has."""
    instant, day, some = "2026-01-01T00:00:00Z", "2026-01-01", nobody()
    query = {"q": "zoo", "status": "won", "partner_id": some, "currency": "EUR", "customer_country": "DE", "tier_id": some,
             "created_by_id": some, "customer_name": "Zoo", "number": "D-1", "quote_id": some, "external_id": "crm:1",
             **{f"{name}_{end}": instant for name in ("created_at", "updated_at", "submitted_at", "decided_at", "review_due_at",
                                                      "protected_until", "protection_expires_at") for end in ("gte", "lt")},
             **{f"{name}_{end}": day for name in ("closed_on", "expected_close_on", "next_step_due_on") for end in ("gte", "lt")},
             **{f"{name}_{end}": 1 for name in ("amount_minor", "actual_amount_minor", "margin_bps")
                for end in ("gte", "lt")}, "product_id": some, "lost_reason_key": "price", "earns": "margin",
             "awaits_me": "true", "stage_key": "demo", "owner_id": some, "customer_match": "none", "include_total": "true"}
    assert world.admin.get("/v1/deals", query, expect=200)["total_count"] == 0



def test_orders_are_read_along_their_index(world, deals, database_url):
    """The next page of each order starts where the last has ended, in the index: nothing is sorted or passed over."""
    wanted = {"expected_close_on": ("deals_by_expected_close", "date"), "closed_on": ("deals_by_closed", "date"),
              "submitted_at": ("deals_by_submitted", "timestamptz"), "decided_at": ("deals_by_decision", "timestamptz"),
              "protected_until": ("deals_by_protected", "timestamptz"),
              "review_due_at": ("deals_by_review_due", "timestamptz"), "next_step_due_on": ("deals_by_next_step", "date")}
    with psycopg2.connect(database_url) as session, session.cursor() as cursor:
        cursor.execute("set local role partnerd_app")
        cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true), "
                       "set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)",
                       (world.program_id,))
        for name, (index, kind) in wanted.items():
            key = f"(case when s.{name} is null then 'infinity' else s.{name} end)"
            cursor.execute(f"explain select s.* from deal_shape s where s._program_id = %s and ({key}, s.id) > "
                           f"('2026-01-01'::{kind}, %s) order by {key}, s.id limit 26", (world.program_id, nobody()))
            plan = "\n".join(line for line, in cursor.fetchall())
            assert f"using {index}" in plan and "Sort" not in plan, plan
            condition = plan.split(f"using {index}")[1].split("Index Cond:")[1].split("\n")[0]
            assert "ROW(" in condition, plan


def test_search_is_read_from_the_index_of_trigrams(world, deals, database_url):
    """Behind the wall, as the application: LIKE is not leakproof, so only the wall itself may use the index.

    The primary key would do as well for the few rows of a test; it is gone for as long as the transaction lasts.
    """
    with psycopg2.connect(database_url) as session, session.cursor() as cursor:
        cursor.execute("alter table deal_search drop constraint deal_search_pkey")
        cursor.execute("set local role partnerd_app")
        cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true), "
                       "set_config('app.search', %s, true), set_config('enable_seqscan', 'off', true), "
                       "set_config('enable_indexscan', 'off', true)", (world.program_id, "%dvorak%"))
        cursor.execute("explain select deal_id from deal_search where program_id = app_program() limit 5001")
        plan = "\n".join(line for line, in cursor.fetchall())
        session.rollback()
        assert "search_key ~~" in plan.split("Bitmap Index Scan on deal_search_by_text")[1], plan
