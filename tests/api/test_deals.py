# SPDX-License-Identifier: Apache-2.0
"""Deals: registration, what a partner and the vendor may edit, merge patch, duplicates by external id, dry runs."""
import pytest

from support.judge import NOBODY, command_is_consistent, events_of, nobody
from support.world import DEAL, unique

FULL = {
    "customer_name": "Hafen Akademie", "customer_country": "DE", "customer_website": "https://hafen.example",
    "customer_tax_id": "DE123456789", "customer_contact_name": "Ada Hafen",
    "customer_contact_email": "ada@hafen.example", "amount": {"amount_minor": 150_000, "currency": "EUR"},
    "expected_close_on": "2027-06-30", "description": "Two campuses.\nPilot first.",
    "line_items": [{"product": "Seats", "quantity": 100, "unit_amount_minor": 1000},
                   {"product": "Setup", "quantity": 1, "unit_amount_minor": 50_000}],
    "custom_fields": {"campus": "Süd", "seats": "100"},
}
NOBODYS = {"customer_country": None, "customer_website": None, "customer_tax_id": None, "customer_contact_email": None}
EMPTY = {"customer_duns": None, "product_ids": [], "customer_match": None, "customer_country": None, "customer_website": None, "customer_tax_id": None, "customer_contact_name": None,
         "customer_contact_email": None, "expected_close_on": None, "description": None, "line_items": [],
         "external_ids": {}, "custom_fields": {}, "tier_id": None, "margin_bps": None, "margin_amount": None,
         "decided_at": None, "review_note": None, "info_request": None, "protection_expires_at": None,
         "protected_until": None, "closed_on": None, "actual_amount": None, "lost_reason": None}


@pytest.fixture
def partner(world):
    return world.partner("a")


def test_registered_with_everything(world, partner):
    sent = {**FULL, "external_ids": {"crm": unique("opp")}}
    answer = partner.api.post("/v1/deals", sent, expect=201)
    row = command_is_consistent(partner.api, answer)
    assert {name: row[name] for name in sent} == sent
    assert row["partner_id"] == partner.id and row["partner_name"] == partner.name
    assert row["created_by_id"] == partner.client_id and row["number"].startswith("D-")


def test_registered_with_the_least(partner):
    row = command_is_consistent(partner.api, partner.api.post("/v1/deals", DEAL, expect=201))
    assert {name: row[name] for name in EMPTY} == EMPTY


def test_saved_as_a_draft(partner):
    row = partner.deal(draft=True)
    assert row["status"] == "draft" and row["submitted_at"] is None
    answer = partner.api.post(f"/v1/deals/{row['id']}/submit", if_match=1, expect=200)
    after = command_is_consistent(partner.api, answer)
    assert after["status"] == "submitted" and after["submitted_at"] is not None


def test_the_vendor_registers_for_a_partner(world, partner):
    row = world.admin.post("/v1/deals", {**DEAL, "partner_id": partner.id}, expect=201)
    assert row["partner_id"] == partner.id and row["created_by_id"] == world.admin_id
    refused = world.admin.post("/v1/deals", DEAL, expect=422)
    assert refused.errors() == {("#/partner_id", "required")}
    refused = world.admin.post("/v1/deals", {**DEAL, "partner_id": nobody()}, expect=422)
    assert refused.errors() == {("#/partner_id", "reference_not_found")}


def test_a_partner_registers_for_itself_only(world, partner):
    other = world.partner("b")
    assert partner.api.post("/v1/deals", {**DEAL, "partner_id": partner.id}, expect=201)["partner_id"] == partner.id
    refused = partner.api.post("/v1/deals", {**DEAL, "partner_id": other.id}, expect=422)
    missing = partner.api.post("/v1/deals", {**DEAL, "partner_id": nobody()}, expect=422)
    assert refused.json["errors"] == missing.json["errors"], "a foreign partner looks like a missing one"


@pytest.mark.parametrize("member, value, where, code", [
    ("customer_name", "", "", "too_short"), ("customer_name", None, "", "wrong_type"),
    ("customer_name", "x" * 5000, "", "too_long"), ("customer_name", ["x"], "", "wrong_type"),
    ("customer_country", "Germany", "", None), ("customer_website", "", "", "too_short"),
    ("customer_contact_email", "ada@", "", "invalid_format"), ("amount", None, "", "wrong_type"),
    ("amount", {"amount_minor": 1.5, "currency": "EUR"}, "/amount_minor", "wrong_type"),
    ("amount", {"amount_minor": "100", "currency": "EUR"}, "/amount_minor", "wrong_type"),
    ("amount", {"amount_minor": -1, "currency": "EUR"}, "/amount_minor", "too_small"),
    ("amount", {"amount_minor": 2 ** 53, "currency": "EUR"}, "/amount_minor", "too_large"),
    ("amount", {"amount_minor": 100, "currency": "EURO"}, "/currency", None),
    ("amount", {"amount_minor": 100, "currency": "XQX"}, "/currency", None),
    ("amount", {"amount_minor": 100}, "/currency", "required"),
    ("amount", {"amount_minor": 100, "currency": "EUR", "cents": 1}, "/cents", "unknown_field"),
    ("expected_close_on", "2027-02-29", "", "invalid_format"),
    ("expected_close_on", "31.03.2027", "", "invalid_format"),
    ("line_items", [{"product": "x", "quantity": 0, "unit_amount_minor": 1}], "/0/quantity", "too_small"),
    ("line_items", [{"product": "x", "quantity": 1}], "/0/unit_amount_minor", "required"),
    ("external_ids", {"crm": 5}, "/crm", "wrong_type"), ("status", "approved", "", "read_only_field"),
    ("number", "D-1", "", "read_only_field"), ("margin_bps", 9000, "", "read_only_field"),
    ("custumer_name", "x", "", "unknown_field"),
])
def test_refused_members(partner, member, value, where, code):
    refused = partner.api.post("/v1/deals", {**DEAL, member: value}, expect=422, problem="validation_failed")
    found = {place: entry for place, entry in refused.errors()}
    assert f"#/{member}{where}" in found and code in (None, found[f"#/{member}{where}"]), refused


def test_the_largest_amount_fits(partner):
    row = partner.deal(amount={"amount_minor": 2 ** 53 - 1, "currency": "JPY"})
    assert row["amount"] == {"amount_minor": 2 ** 53 - 1, "currency": "JPY"}


def test_all_faults_at_once(partner):
    refused = partner.api.post("/v1/deals", {
        "customer_name": "", "amount": {"amount_minor": 1.5, "currency": "EURO"}}, expect=422)
    assert {place for place, _ in refused.errors()} == {"#/customer_name", "#/amount/amount_minor", "#/amount/currency"}
    assert refused["detail"] and all(entry["detail"] for entry in refused["errors"])


def test_typos_get_a_hint(partner):
    refused = partner.api.post("/v1/deals", {**DEAL, "custumer_website": "https://x.example"}, expect=422)
    assert "customer_website" in refused["errors"][0]["detail"]


def test_line_items_add_up(partner):
    sent = {**FULL, "amount": {"amount_minor": 150_001, "currency": "EUR"}}
    refused = partner.api.post("/v1/deals", sent, expect=422, problem="validation_failed")
    assert refused.errors() == {("#/amount", "inconsistent")}


def test_line_items_still_add_up_after_a_patch(partner):
    row = partner.api.post("/v1/deals", {**FULL, **NOBODYS}, expect=201)
    path = f"/v1/deals/{row['id']}"
    refused = partner.api.patch(path, {"amount": {"amount_minor": 7}}, if_match=1, expect=422)
    assert refused.errors() == {("#/amount", "inconsistent")}
    refused = partner.api.patch(path, {"line_items": FULL["line_items"][:1]}, if_match=1, expect=422)
    assert refused.errors() == {("#/amount", "inconsistent")}
    both = {"amount": {"amount_minor": 100_000}, "line_items": FULL["line_items"][:1]}
    assert partner.api.patch(path, both, if_match=1, expect=200)["line_items"] == both["line_items"]
    assert partner.api.patch(path, {"line_items": []}, if_match=2, expect=200)["amount"]["amount_minor"] == 100_000


class TestMergePatch:
    @pytest.fixture
    def row(self, partner):
        sent = {**FULL, **NOBODYS, "customer_website": f"https://{unique('c')}.example", "line_items": [], "external_ids": {"crm": unique("c"), "erp": unique("e")}}
        return partner.api.post("/v1/deals", sent, expect=201).json

    def patch(self, partner, row, body, **options):
        return partner.api.patch(f"/v1/deals/{row['id']}", body, if_match=row["version"], **options)

    def test_absent_keeps_and_null_clears(self, partner, row):
        answer = self.patch(partner, row, {"customer_website": None, "description": "One campus."}, expect=200)
        after = command_is_consistent(partner.api, answer)
        changed = {"customer_website": None, "description": "One campus.", "version": 2}
        assert {**after, "updated_at": None} == {**row, **changed, "updated_at": None}
        assert after["updated_at"] >= row["updated_at"]

    def test_nested_amount_is_merged(self, partner, row):
        after = self.patch(partner, row, {"amount": {"amount_minor": 7}}, expect=200)
        assert after["amount"] == {"amount_minor": 7, "currency": "EUR"}

    def test_maps_are_merged_and_null_deletes_a_key(self, partner, row):
        after = self.patch(partner, row, {"external_ids": {"erp": None, "lms": "L1"},
                                          "custom_fields": {"seats": "250"}}, expect=200)
        assert after["external_ids"] == {"crm": row["external_ids"]["crm"], "lms": "L1"}
        assert after["custom_fields"] == {"campus": "Süd", "seats": "250"}

    @pytest.mark.parametrize("member", ["external_ids", "custom_fields", "line_items"])
    def test_a_collection_is_never_null(self, partner, row, member):
        refused = self.patch(partner, row, {member: None}, expect=422)
        assert refused.errors() == {(f"#/{member}", "wrong_type")}

    def test_lists_are_replaced(self, partner, row):
        items = [{"product": "Seats", "quantity": 150, "unit_amount_minor": 1000}]
        assert self.patch(partner, row, {"line_items": items}, expect=200)["line_items"] == items

    def test_an_empty_patch_is_fine(self, partner, row):
        after = self.patch(partner, row, {}, expect=200)
        assert after["customer_name"] == row["customer_name"]

    @pytest.mark.parametrize("member", ["customer_name", "amount"])
    def test_what_is_required_cannot_be_cleared(self, partner, row, member):
        refused = self.patch(partner, row, {member: None}, expect=422)
        assert (f"#/{member}", "wrong_type") in refused.errors()

    @pytest.mark.parametrize("member, value", [
        ("status", "approved"), ("margin_bps", 1), ("protection_expires_at", None), ("partner_id", NOBODY),
        ("version", 7), ("allowed_actions", []), ("number", "D-1"), ("tier_name", "x")])
    def test_read_only(self, world, partner, row, member, value):
        for client in (partner.api, world.admin):
            refused = client.patch(f"/v1/deals/{row['id']}", {member: value}, if_match=1, expect=422)
            assert refused.errors() == {(f"#/{member}", "read_only_field")}

    @pytest.mark.parametrize("body", [b"[]", b'"x"', b"5", b"null"])
    def test_a_patch_is_an_object(self, partner, row, body):
        assert self.patch(partner, row, body).status in (400, 422)

    def test_plain_json_is_taken_too(self, partner, row):
        after = self.patch(partner, row, {"description": "x"}, headers={"Content-Type": "application/json"}, expect=200)
        assert after["description"] == "x"


@pytest.mark.parametrize("status", ["draft", "submitted", "info_requested"])
def test_partners_edit_what_is_still_theirs(world, partner, status):
    row = world.deal_in(status)
    after = partner.api.patch(f"/v1/deals/{row['id']}", {"description": "More."}, if_match=row["version"], expect=200)
    assert after["description"] == "More." and after["status"] == status


@pytest.mark.parametrize("status", ["in_review", "approved", "rejected", "withdrawn", "won", "lost", "cancelled"])
def test_partners_do_not_edit_the_rest(world, partner, status):
    row = world.deal_in(status)
    partner.api.patch(f"/v1/deals/{row['id']}", {"description": "More."}, if_match=row["version"], expect=409,
                      problem="deal_not_open")
    assert world.refresh(row) == row


def test_partners_do_not_write_review_notes(world, partner):
    row = partner.deal()
    refused = partner.api.patch(f"/v1/deals/{row['id']}", {"review_note": "x"}, if_match=1)
    assert refused.status in (403, 422), refused
    assert world.refresh(row)["review_note"] is None


def test_reviewers_note_at_any_time(world):
    row = world.deal_in("won")
    answer = world.admin.patch(f"/v1/deals/{row['id']}", {"review_note": "Ask for a quote."}, if_match=row["version"],
                               expect=200)
    assert command_is_consistent(world.admin, answer)["review_note"] == "Ask for a quote."


class TestExternalIds:
    def test_name_one_deal_of_a_partner(self, partner):
        source = {"crm": unique("opp")}
        row = partner.deal(external_ids=source)
        again = partner.api.post("/v1/deals", {**DEAL, "external_ids": source}, expect=409, problem="already_exists")
        assert again["resource_id"] == row["id"]
        assert again.errors() == {("#/external_ids", "not_unique")}

    def test_are_each_partners_own(self, world, partner):
        source = {"crm": unique("opp")}
        assert partner.deal(external_ids=source)["id"] != world.partner("b").deal(external_ids=source)["id"]

    def test_are_free_again_when_removed(self, partner):
        source = unique("opp")
        row = partner.deal(external_ids={"crm": source})
        partner.api.patch(f"/v1/deals/{row['id']}", {"external_ids": {"crm": None}}, if_match=1, expect=200)
        assert partner.deal(external_ids={"crm": source})["external_ids"] == {"crm": source}

    def test_are_taken_by_a_patch_too(self, partner):
        source = unique("opp")
        first, second = partner.deal(external_ids={"crm": source}), partner.deal()
        refused = partner.api.patch(f"/v1/deals/{second['id']}", {"external_ids": {"crm": source}}, if_match=1,
                                    expect=409, problem="already_exists")
        assert refused["resource_id"] == first["id"]


class TestDryRun:
    def test_of_a_registration_leaves_nothing(self, world, partner):
        sent = {**DEAL, "customer_name": unique("Dry"), "external_ids": {"crm": unique("dry")}}
        key = unique("key")
        seen = partner.api.post("/v1/deals", sent, key=key, query={"dry_run": "true"}, expect=201)
        assert seen["status"] == "submitted" and not seen.is_replay
        assert seen.etag is None and "Location" not in seen.headers
        partner.api.get(f"/v1/deals/{seen['id']}", expect=404)
        assert partner.api.list("/v1/deals", {"customer_name": sent["customer_name"]}) == []
        real = partner.api.post("/v1/deals", sent, key=key, expect=201)
        assert not real.is_replay
        assert len(world.admin.list("/v1/audit-log", {"resource_id": real["id"]})) == 1
        assert world.admin.list("/v1/audit-log", {"resource_id": seen["id"]}) == []

    def test_of_an_approval_leaves_nothing(self, world, partner):
        row = world.refresh(partner.deal())
        seen = world.admin.post(f"/v1/deals/{row['id']}/approve", {"comment": "x"}, if_match=1,
                                query={"dry_run": "true"}, expect=200)
        assert seen["status"] == "approved" and seen["margin_bps"] == 2500
        assert world.refresh(row) == row
        world.admin.get(f"/v1/decisions/{seen['margin_decision_id']}", expect=404)
        assert len(world.admin.list(f"/v1/deals/{row['id']}/timeline")) == 1

    def test_judges_like_the_real_thing(self, partner):
        partner.api.post("/v1/deals", {**DEAL, "customer_name": ""}, query={"dry_run": "true"}, expect=422)

    def test_is_not_for_every_command(self, partner):
        row = partner.deal()
        partner.api.post(f"/v1/deals/{row['id']}/withdraw", {}, if_match=1, query={"dry_run": "true"}, expect=400,
                         problem="unknown_parameter")


def test_events_show_what_get_shows(world, partner):
    row = partner.deal()
    events = events_of(partner.api, row["id"], 1)
    assert events[-1]["data"] == partner.api.get(f"/v1/deals/{row['id']}").json
    world.act("deals", row, "request-info", {"message": "Which seats?"})
    for client in (partner.api, world.admin):
        event = events_of(client, row["id"], 2)[-1]
        assert event["data"] == client.get(f"/v1/deals/{row['id']}").json
        assert event["previous"]["status"] == "submitted"
        assert event["type"] == "deal.info_requested" and event["resource"]["version"] == 2


def test_maps_stay_within_the_contract_however_many_patches_it_takes(world):
    row = world.deal_in("submitted")
    path = f"/v1/deals/{row['id']}"
    for member in ("custom_fields", "external_ids"):
        row = world.admin.patch(path, {member: {f"a{index}": "x" for index in range(50)}}, if_match=row["version"],
                                expect=200).json
        refused = world.admin.patch(path, {member: {"one-more": "x"}}, if_match=row["version"], expect=422)
        assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [(f"#/{member}", "too_long")]
        row = world.admin.patch(path, {member: {"a0": None, "one-more": "x"}}, if_match=row["version"], expect=200).json
        assert len(row[member]) == 50


def test_a_deal_is_not_closed_on_a_day_to_come(world):
    deal = world.deal_in("approved")
    refused = world.admin.post(f"/v1/deals/{deal['id']}/win", {"closed_on": "2999-01-01"}, if_match=deal["version"],
                               expect=422)
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [("#/closed_on", "too_large")]


def test_fields_are_judged_before_the_state(world):
    deal = world.deal_in("submitted")
    body = {"actual_amount": {"amount_minor": 1, "currency": "USD"}}
    world.admin.post(f"/v1/deals/{deal['id']}/win", body, if_match=deal["version"], expect=422)
    gone = world.deal_in("withdrawn")
    world.admin.patch(f"/v1/deals/{gone['id']}", {"amount": {"currency": "XXX"}}, if_match=gone["version"], expect=422)
