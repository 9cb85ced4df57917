# SPDX-License-Identifier: Apache-2.0
"""Products and price lists: effective-dated, never edited once they count, odd slab prices told (domain.md §5.7)."""
import pytest

from support.judge import command_is_consistent
from support.world import unique


def key():
    return unique("p").replace("-", "_")


def product(world, **members):
    return world.admin.post("/v1/products", {
        "key": key(), "name": "LMS seat", "kind": "licence", "unit": "seat and month", **members}, expect=201).json


def price(world, product_id, expect=201, **members):
    return world.admin.post("/v1/product-prices", {
        "product_id": product_id, "unit_amount": {"amount_minor": 2000, "currency": "EUR"}, **members}, expect=expect)


def test_a_product_is_created_edited_retired(world):
    answer = world.admin.post("/v1/products", {
        "key": key(), "name": "Courses", "kind": "content", "unit": "learner"}, expect=201)
    row = command_is_consistent(world.admin, answer)
    assert row["status"] == "active" and row["allowed_actions"] == ["retire"] and row["description"] is None
    row = world.admin.patch(f"/v1/products/{row['id']}", {"name": "Course library"}, if_match=1, expect=200).json
    assert row["name"] == "Course library"
    refused = world.admin.patch(f"/v1/products/{row['id']}", {"kind": "service"}, if_match=2, expect=422)
    assert refused.errors() == {("#/kind", "read_only_field")}
    row = world.act("products", row, "retire")
    assert row["status"] == "retired" and row["allowed_actions"] == ["reinstate"]
    refused = price(world, row["id"], expect=422)
    assert refused.errors() == {("#/product_id", "inconsistent")}
    assert world.act("products", row, "reinstate")["status"] == "active"


def test_keys_are_unique(world):
    row = product(world)
    refused = world.admin.post("/v1/products", {
        "key": row["key"], "name": "x", "kind": "service", "unit": "day"}, expect=409, problem="already_exists")
    assert refused.errors() == {("#/key", "not_unique")}


def test_partners_read_and_do_not_write(world):
    row = product(world)
    made = price(world, row["id"], volume_mode="slab",
                 volume_bands=[{"from_quantity": 100, "unit_amount_minor": 1800}]).json
    partner = world.partner("a").api
    assert partner.get(f"/v1/products/{row['id']}")["name"] == "LMS seat"
    seen = partner.get(f"/v1/product-prices/{made['id']}")
    assert seen["unit_amount"] == made["unit_amount"] and seen["warnings"] is None and seen["allowed_actions"] == []
    partner.post("/v1/products", {"key": key(), "name": "x", "kind": "service", "unit": "x"}, expect=403)


def test_slab_prices_that_undercut_themselves_are_told(world):
    made = price(world, product(world)["id"], volume_mode="slab",
                 volume_bands=[{"from_quantity": 100, "unit_amount_minor": 1800}]).json
    assert [(w["pointer"], w["code"]) for w in made["warnings"]] == [("#/volume_bands/0", "slab_anomaly")]
    assert "91 units" in made["warnings"][0]["detail"]
    assert made["volume_bands"] == [{"from_quantity": 100, "unit_amount_minor": 1800, "discount_bps": None}]
    graduated = price(world, product(world)["id"], volume_bands=[{"from_quantity": 100, "discount_bps": 1000}]).json
    assert graduated["volume_mode"] == "graduated" and graduated["warnings"] == []


def test_bad_bands_are_refused_at_their_place(world):
    refused = price(world, product(world)["id"], expect=422, volume_bands=[
        {"from_quantity": 10}, {"from_quantity": 10, "discount_bps": 1},
        {"from_quantity": 5, "discount_bps": 1, "unit_amount_minor": 1}])
    assert refused.errors() == {
        ("#/volume_bands/0", "inconsistent"), ("#/volume_bands/1/from_quantity", "inconsistent"),
        ("#/volume_bands/2", "inconsistent"), ("#/volume_bands/2/from_quantity", "inconsistent")}


def test_all_faults_at_once(world):
    refused = world.admin.post("/v1/product-prices", {
        "product_id": world.program_id, "unit_amount": {"amount_minor": 1, "currency": "XXX"},
        "valid_from": "2001-01-01T00:00:00Z"}, expect=422)
    assert refused.errors() == {("#/product_id", "reference_not_found"), ("#/valid_from", "too_small"),
                                ("#/unit_amount/currency", "invalid_choice")}


class TestByTheClock:
    @pytest.fixture(autouse=True)
    def clock(self, world):
        world.set_clock("2027-01-10T12:00:00Z")

    def test_a_price_begins_and_ends(self, world):
        item = product(world)["id"]
        first = price(world, item).json
        assert first["status"] == "in_force" and first["allowed_actions"] == []
        second = price(world, item, valid_from="2027-02-01T00:00:00Z").json
        assert second["status"] == "planned" and second["allowed_actions"] == ["withdraw"]
        world.set_clock("2027-01-31T23:59:59.999Z")
        assert [world.refresh(row)["status"] for row in (first, second)] == ["in_force", "planned"]
        world.set_clock("2027-02-01T00:00:00Z")
        assert [world.refresh(row)["status"] for row in (first, second)] == ["past", "in_force"]
        assert [row["id"] for row in world.admin.list("/v1/product-prices", {
            "product_id": item, "status": "in_force"})] == [second["id"]]
        world.act("product-prices", second, "withdraw", expect=409)

    def test_a_planned_price_is_withdrawn(self, world):
        item = product(world)["id"]
        planned = price(world, item, valid_from="2027-02-01T00:00:00Z").json
        refused = price(world, item, valid_from="2027-02-01T00:00:00Z", expect=409)
        assert refused.errors() == {("#/valid_from", "not_unique")}
        assert world.act("product-prices", planned, "withdraw")["status"] == "withdrawn"
        assert price(world, item, valid_from="2027-02-01T00:00:00Z")["status"] == "planned"


def test_dry_run_leaves_nothing(world):
    sent = {"key": key(), "name": "x", "kind": "service", "unit": "day"}
    world.admin.post("/v1/products", sent, query={"dry_run": "true"}, expect=201)
    assert world.admin.list("/v1/products", {"key": sent["key"]}) == []
