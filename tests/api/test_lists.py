# SPDX-License-Identifier: Apache-2.0
"""Lists (api.md §1): every filter and sort of deals, pages without loss or repetition, cursors, totals, refusals."""
import base64
import threading
from datetime import datetime, timedelta

import pytest

from support import contract
from support.judge import nobody

SORTS = ["created_at", "updated_at", "amount_minor", "number"]


@pytest.fixture(scope="module")
def deals(world):
    """Thirty deals of two partners that differ in everything a filter looks at, as the vendor's admin sees them."""
    for index in range(30):
        partner = world.partner("ab"[index % 2])
        deal = partner.deal(
            customer_name=["Alpha School", "Bêta Academy", "GAMMA Ltd"][index % 3],
            amount={"amount_minor": [100, 5000, 5000, 70_000][index % 4], "currency": ["EUR", "USD", "CHF"][index % 3]},
            expected_close_on=[None, "2027-01-31", "2027-02-01", "2027-06-30"][index % 4],
            external_ids={"crm": f"o:{index}", "erp": f"{index}"} if index % 2 else {}, draft=index % 5 == 0)
        if index % 5 == 1:
            world.act("deals", deal, "approve", {"protection_days": 10 + index})
        if index % 5 == 2:
            world.act("deals", deal, "reject", {"reason": "x"})
    return world.admin.list("/v1/deals", {"sort": "created_at"})


def value_of(row, name):
    return row["amount"]["amount_minor"] if name == "amount_minor" else row[name]


def is_between(name, low, high):
    def holds(row):
        value = value_of(row, name)
        return value is not None and (low is None or value >= low) and (high is None or value < high)
    return holds


def ids(rows):
    return [row["id"] for row in rows]


def found(world, query, deals):
    return {row["id"] for row in world.admin.list("/v1/deals", query)} & set(ids(deals))


FILTERS = [
    ({"status": "submitted"}, lambda row: row["status"] == "submitted"),
    ({"status": ["approved", "rejected"]}, lambda row: row["status"] in ("approved", "rejected")),
    ({"status": "won"}, lambda row: False),
    ({"currency": "USD"}, lambda row: row["amount"]["currency"] == "USD"),
    ({"currency": ["USD", "CHF"]}, lambda row: row["amount"]["currency"] in ("USD", "CHF")),
    ({"customer_name": "alpha school"}, lambda row: row["customer_name"] == "Alpha School"),
    ({"customer_name": "BÊTA ACADEMY"}, lambda row: row["customer_name"] == "Bêta Academy"),
    ({"customer_name": "Alpha"}, lambda row: False),
    ({"customer_name": "%"}, lambda row: False),
    ({"external_id": "crm:o:7"}, lambda row: row["external_ids"].get("crm") == "o:7"),
    ({"external_id": "erp:7"}, lambda row: row["external_ids"].get("erp") == "7"),
    ({"external_id": "crm:7"}, lambda row: False),
    ({"amount_minor_gte": 5000}, is_between("amount_minor", 5000, None)),
    ({"amount_minor_lt": 5000}, is_between("amount_minor", None, 5000)),
    ({"amount_minor_gte": 100, "amount_minor_lt": 5001}, is_between("amount_minor", 100, 5001)),
    ({"expected_close_on_gte": "2027-02-01"}, is_between("expected_close_on", "2027-02-01", None)),
    ({"expected_close_on_lt": "2027-02-01"}, is_between("expected_close_on", None, "2027-02-01")),
    ({"status": ["submitted", "draft"], "currency": "EUR", "amount_minor_gte": 5000},
     lambda row: row["status"] in ("submitted", "draft") and row["amount"]["currency"] == "EUR"
     and row["amount"]["amount_minor"] >= 5000),
]


@pytest.mark.parametrize("query, holds", FILTERS, ids=[str(query) for query, _ in FILTERS])
def test_filter(world, deals, query, holds):
    assert found(world, query, deals) == {row["id"] for row in deals if holds(row)}


def test_filter_by_partner(world, deals):
    a, b = world.partner("a").id, world.partner("b").id
    for wanted in ([a], [b], [a, b], [nobody()]):
        expected = {row["id"] for row in deals if row["partner_id"] in wanted}
        assert found(world, {"partner_id": wanted}, deals) == expected


def test_filter_by_number(world, deals):
    row = deals[7]
    assert ids(world.admin.list("/v1/deals", {"number": row["number"]})) == [row["id"]]


@pytest.mark.parametrize("name", ["created_at", "updated_at", "protection_expires_at"])
def test_filter_by_time(world, deals, name):
    """The API shows milliseconds and keeps microseconds: a bound between two shown instants parts them exactly."""
    shown = sorted({row[name] for row in deals if row[name]})
    bound = shown[len(shown) // 2]
    before = {row["id"] for row in deals if row[name] and row[name] < bound}
    assert found(world, {f"{name}_lt": bound}, deals) == before
    if name != "protection_expires_at":
        after = {row["id"] for row in deals if row[name] and row[name] >= bound}
        assert found(world, {f"{name}_gte": bound}, deals) == after
        shifted = datetime.fromisoformat(bound.replace("Z", "+00:00")) + timedelta(hours=5, minutes=45)
        local = shifted.strftime("%Y-%m-%dT%H:%M:%S.%f+05:45")
        assert found(world, {f"{name}_gte": local}, deals) == after


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
def test_sort(world, deals, sort, limit):
    if limit == 1:
        rows, query = [], {"sort": sort, "limit": 1}
        for _ in range(5):
            page = world.admin.get("/v1/deals", query).json
            rows += page["data"]
            query["cursor"] = page["next_cursor"]
    else:
        rows = world.admin.list("/v1/deals", {"sort": sort}, limit=limit)
        assert sorted(ids(rows)) == sorted(ids(deals))
    keys = [(value_of(row, sort.lstrip("-")), row["id"]) for row in rows]
    assert [key[0] for key in keys] == sorted((key[0] for key in keys), reverse=sort.startswith("-"))
    if sort.lstrip("-") == "amount_minor":
        assert keys == sorted(keys, reverse=sort.startswith("-")), "the id breaks ties, in the same direction"


def test_newest_first_by_default(world, deals):
    assert ids(world.admin.list("/v1/deals")) == ids(world.admin.list("/v1/deals", {"sort": "-created_at"}))


def test_a_page_is_25_by_default(world, deals):
    page = world.admin.get("/v1/deals").json
    assert len(page["data"]) == 25 and page["next_cursor"] is not None
    assert page["total_count"] is None and page["total_count_capped"] is None


def test_the_end_is_a_null_cursor(world, deals):
    page = world.admin.get("/v1/deals", {"limit": len(deals)}).json
    assert len(page["data"]) == len(deals) and page["next_cursor"] is None
    assert world.admin.get("/v1/deals", {"status": "won"}).json["data"] == []


def test_link_header_leads_on(world, deals):
    first = world.admin.get("/v1/deals", {"limit": 3, "status": ["submitted", "approved"]})
    target, relation = first.headers["Link"].split(";")
    assert relation.strip() == 'rel="next"' and target.startswith("<") and target.endswith(">")
    path = target[1:-1]
    path = path[path.index("/v1/"):]
    second = world.admin.request("GET", path, expect=200)
    by_cursor = world.admin.get("/v1/deals", {"limit": 3, "status": ["submitted", "approved"],
                                              "cursor": first["next_cursor"]})
    assert second.json == by_cursor.json
    assert "Link" not in world.admin.get("/v1/deals", {"limit": 100}).headers


def test_total_counts_what_matches(world, deals):
    for query in ({}, {"status": "submitted"}, {"partner_id": world.partner("a").id, "currency": "EUR"}):
        page = world.admin.get("/v1/deals", {**query, "limit": 2, "include_total": "true"}).json
        assert page["total_count"] == len(world.admin.list("/v1/deals", query))
        assert page["total_count_capped"] is False
        if page["next_cursor"]:
            later = world.admin.get("/v1/deals", {**query, "limit": 2, "include_total": "true",
                                                  "cursor": page["next_cursor"]}).json
            assert later["total_count"] == page["total_count"]


def test_partners_count_their_own(world, deals):
    for name in "ab":
        partner = world.partner(name)
        rows = partner.api.list("/v1/deals")
        assert set(ids(rows)) == {row["id"] for row in deals if row["partner_id"] == partner.id}
        assert partner.api.get("/v1/deals", {"include_total": "true", "limit": 1})["total_count"] == len(rows)


def test_a_foreign_partner_in_the_filter_finds_nothing(world, deals):
    page = world.partner("a").api.get("/v1/deals", {"partner_id": world.partner("b").id, "include_total": "true"})
    assert page["data"] == [] and page["total_count"] == 0


class TestCursor:
    @pytest.fixture
    def cursor(self, world, deals):
        return world.admin.get("/v1/deals", {"limit": 2, "sort": "created_at"})["next_cursor"]

    @pytest.mark.parametrize("change", [{"sort": "-created_at"}, {"sort": "number"}, {"status": "submitted"},
                                        {"currency": "EUR"}, {"amount_minor_gte": 1}, {"customer_name": "x"}])
    def test_belongs_to_its_query(self, world, cursor, change):
        world.admin.get("/v1/deals", {"limit": 2, "sort": "created_at", "cursor": cursor, **change}, expect=400,
                        problem="cursor_mismatch")

    def test_belongs_to_its_list(self, world, cursor):
        refused = world.admin.get("/v1/partners", {"sort": "created_at", "cursor": cursor}, expect=400)
        assert refused.problem in ("cursor_mismatch", "invalid_cursor")

    def test_order_of_filters_and_repeats_does_not_matter(self, world, deals):
        first = world.admin.get("/v1/deals?status=submitted&currency=EUR&status=draft&limit=1")
        again = world.admin.get("/v1/deals?currency=EUR&status=draft&status=submitted&limit=1&cursor="
                                + first["next_cursor"])
        assert ids(again["data"]) != ids(first["data"])

    def test_another_limit_is_fine(self, world, cursor):
        page = world.admin.get("/v1/deals", {"limit": 5, "sort": "created_at", "cursor": cursor})
        assert len(page["data"]) == 5

    def test_every_flipped_bit_is_found(self, world, cursor):
        raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        for index in range(len(raw)):
            forged = bytes(raw[:index]) + bytes([raw[index] ^ 1]) + bytes(raw[index + 1:])
            text = base64.urlsafe_b64encode(forged).decode().rstrip("=")
            world.admin.get("/v1/deals", {"limit": 2, "sort": "created_at", "cursor": text}, expect=400,
                            problem="invalid_cursor")

    @pytest.mark.parametrize("bad", ["x", "AAAA", "e30", "=", "a" * 2048, "../../etc", "%00"])
    def test_rubbish(self, world, bad):
        world.admin.get("/v1/deals", {"cursor": bad}, expect=400, problem="invalid_cursor")

    def test_of_another_principal_shows_nothing_foreign(self, world, cursor):
        partner = world.partner("a")
        page = partner.api.get("/v1/deals", {"limit": 100, "sort": "created_at", "cursor": cursor}, expect=None)
        assert page.status == 400 or {row["partner_id"] for row in page["data"]} <= {partner.id}


class TestUnderWrites:
    def walk(self, client, query):
        seen = []
        query = dict(query)
        while True:
            page = client.get("/v1/deals", query).json
            seen += ids(page["data"])
            if page["next_cursor"] is None:
                return seen
            query["cursor"] = page["next_cursor"]

    @pytest.mark.parametrize("sort", ["created_at", "-created_at", "number", "amount_minor"])
    def test_nothing_is_lost_or_repeated(self, world, deals, sort):
        """Others register at the same time: whoever was there before is seen exactly once, newcomers at most once."""
        is_over = threading.Event()
        partner = world.partner("c")

        def register():
            for _ in range(60):
                partner.deal(amount={"amount_minor": 5000, "currency": "EUR"})
                if is_over.is_set():
                    return

        writer = threading.Thread(target=register)
        writer.start()
        try:
            seen = self.walk(world.admin, {"sort": sort, "limit": 3})
        finally:
            is_over.set()
            writer.join()
        assert len(seen) == len(set(seen))
        assert set(ids(deals)) <= set(seen)

    def test_the_anchor_may_move_away(self, world):
        """The row a cursor stands on leaves the filter: the next page goes on behind it."""
        partner = world.make_partner()
        rows = [partner.deal() for _ in range(4)]
        query = {"status": "submitted", "sort": "created_at", "limit": 2}
        page = partner.api.get("/v1/deals", query).json
        anchor = page["data"][-1]
        world.act("deals", anchor, "reject", {"reason": "x"})
        rest = partner.api.get("/v1/deals", {**query, "cursor": page["next_cursor"]}).json
        assert ids(rest["data"]) == ids(rows[2:])


REFUSED = [
    ("limit=0", "invalid_parameter"), ("limit=101", "invalid_parameter"), ("limit=-1", "invalid_parameter"),
    ("limit=ten", "invalid_parameter"), ("limit=1.5", "invalid_parameter"), ("limit=", "invalid_parameter"),
    ("limit=1&limit=2", "invalid_parameter"), ("sort=partner_name", "invalid_parameter"),
    ("sort=created_at&sort=number", "invalid_parameter"), ("sort=", "invalid_parameter"),
    ("status=open", "invalid_parameter"), ("status=submitted,won", "invalid_parameter"),
    ("status=", "invalid_parameter"), ("partner_id=x", "invalid_parameter"), ("currency=EURO", "invalid_parameter"),
    ("created_at_gte=yesterday", "invalid_parameter"), ("created_at_gte=2026-01-01", "invalid_parameter"),
    ("created_at_gte=2026-01-01T00:00:60Z", "invalid_parameter"),
    ("expected_close_on_lt=2027-02-29", "invalid_parameter"),
    ("amount_minor_gte=1e3", "invalid_parameter"), ("amount_minor_gte=99999999999999999999", "invalid_parameter"),
    ("include_total=yes", "invalid_parameter"), ("external_id=novalue", "invalid_parameter"),
    ("statsu=won", "unknown_parameter"), ("Status=won", "unknown_parameter"), ("id=x", "unknown_parameter"),
    ("created_at=2026-01-01T00:00:00Z", "unknown_parameter"), ("expand=partner", "unknown_parameter"),
    ("status=%FF", "invalid_encoding"), ("customer_name=%C3%28", "invalid_encoding"),
    ("customer_name=%zz", "invalid_encoding"),
    ("customer_name=%00", None),
]


@pytest.mark.parametrize("query, problem", REFUSED)
def test_refused_queries(world, query, problem):
    refused = world.admin.request("GET", f"/v1/deals?{query}", expect=400)
    assert problem in (None, refused.problem), refused


def test_a_typo_gets_a_hint(world):
    refused = world.admin.request("GET", "/v1/deals?statsu=won", expect=400, problem="unknown_parameter")
    assert "status" in str(refused.json)


def listing():
    return [entry for entry in contract.operations()
            if entry.method == "GET" and entry.parameter("cursor")] if (contract.ROOT / "openapi.yaml").exists() else []


@pytest.mark.parametrize("operation", listing(), ids=repr)
def test_every_list_keeps_the_law(world, operation):
    """limit, sort, cursor, totals and refusals are the same everywhere, taken from the contract."""
    own = {"partner_id": world.partner("a").id, "deal_id": world.deal_in("approved")["id"],
           "tier_id": world.tiers["preferred"]["id"], "application_id": world.apply()["id"], "import_id": world.make_import()["id"]}
    path = operation.path.format(**{name: own[name] for name in operation.path_ids})
    page = world.admin.get(path, {"limit": 1, "include_total": "true"}).json
    assert set(page) == {"data", "next_cursor", "total_count", "total_count_capped"}
    assert isinstance(page["total_count"], int) and len(page["data"]) <= 1
    for sort in operation.parameter("sort")["schema"]["enum"]:
        walked = ids(world.admin.list(path, {"sort": sort}, limit=13))
        assert len(walked) == len(set(walked)) and set(walked) >= set(ids(page["data"])), sort
    for bad in ("limit=0", "limit=101", "sort=nonsense", "nonsense=1", "cursor=nonsense"):
        refused = world.admin.request("GET", f"{path}?{bad}", expect=400)
        assert refused.problem in ("invalid_parameter", "unknown_parameter", "invalid_cursor")


def test_long_names_are_paged_whole(world):
    """200 code points of four bytes each: the cursor carries all of it."""
    names = [chr(0x1F600 + index) * 200 for index in range(3)]
    for name in names:
        world.admin.post("/v1/partners", {"name": name, "type": "reseller", "country": "DE"}, expect=201)
    for sort in ("name", "-name"):
        rows, cursor = [], None
        while cursor or not rows:
            query = {"sort": sort, "limit": 1, **({"cursor": cursor} if cursor else {})}
            page = world.admin.get("/v1/partners", query).json
            rows += page["data"]
            cursor = page["next_cursor"]
            assert len(rows) < 1000
        assert len({row["id"] for row in rows}) == len(rows) and set(names) <= {row["name"] for row in rows}
