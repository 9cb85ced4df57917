# SPDX-License-Identifier: Apache-2.0
"""The benefit catalogue, and what a partner is entitled to now and from which source."""
import pytest

from support.judge import command_is_consistent
from support.world import World, unique


def entry(**members):
    return {"key": unique("b").replace("-", "_"), "name": unique("Benefit"), "kind": "boolean", **members}


def test_a_program_begins_with_a_catalogue(demo):
    kinds = {row["key"]: row["kind"] for row in demo.admin.list("/v1/benefits")}
    assert kinds.items() >= {"support_level": "choice", "account_manager": "boolean", "early_access": "boolean",
                             "marketing": "choice", "territory_rights": "choice", "mdf_rate_bps": "bps"}.items()


@pytest.mark.parametrize("members, shown", [
    ({}, {"better": "higher", "choices": [], "unit": None, "description": None}),
    ({"kind": "number", "unit": "hours", "better": "lower", "description": "How fast."}, {"better": "lower", "unit": "hours"}),
    ({"kind": "text"}, {"better": None}), ({"kind": "bps", "better": None}, {"better": None}),
    ({"kind": "choice", "choices": ["low", "high"]}, {"choices": ["low", "high"], "better": "higher"}),
])
def test_created(world, members, shown):
    sent = entry(**members)
    row = command_is_consistent(world.admin, world.admin.post("/v1/benefits", sent, expect=201))
    assert {**sent, **shown}.items() <= row.items()
    assert row["status"] == "active" and row["allowed_actions"] == ["retire"]


@pytest.mark.parametrize("members, errors", [
    ({"kind": "choice"}, {("#/choices", "required")}),
    ({"kind": "choice", "choices": ["a", "b", "a"]}, {("#/choices/2", "not_unique")}),
    ({"kind": "number", "choices": ["a"]}, {("#/choices", "inconsistent")}),
    ({"kind": "bps", "unit": "percent"}, {("#/unit", "inconsistent")}),
    ({"kind": "text", "better": "higher"}, {("#/better", "inconsistent")}),
    ({"kind": "money"}, {("#/kind", "invalid_choice")}),
    ({"kind": "text", "unit": "x", "choices": ["a"], "better": "lower"},
     {("#/unit", "inconsistent"), ("#/choices", "inconsistent"), ("#/better", "inconsistent")}),
])
def test_refused(world, members, errors):
    assert world.admin.post("/v1/benefits", entry(**members), expect=422).errors() == errors


def test_keys_are_unique(world):
    row = world.make_benefit()
    refused = world.admin.post("/v1/benefits", entry(key=row["key"]), expect=409, problem="already_exists")
    assert refused.errors() == {("#/key", "not_unique")}


def test_choices_that_may_be_in_use_stay(world):
    row = world.make_benefit(kind="choice", choices=["low", "high"])
    path = f"/v1/benefits/{row['id']}"
    assert world.admin.patch(path, {"choices": ["low", "middle", "high"]}, if_match=1, expect=200)["choices"][1] == "middle"
    for choices in (["low", "high"], [], ["middle", "high", "top"]):
        refused = world.admin.patch(path, {"choices": choices}, if_match=2, expect=422)
        assert {place for place, _ in refused.errors()} == {"#/choices"}
    refused = world.admin.patch(path, {"kind": "text", "key": "other"}, if_match=2, expect=422)
    assert refused.errors() == {("#/kind", "read_only_field"), ("#/key", "read_only_field")}


def test_a_retired_benefit_is_in_no_new_terms(world):
    row = world.make_benefit()
    terms = [{"key": row["key"], "value": True}]
    tier = world.make_tier(benefits=terms)
    retired = world.act("benefits", row, "retire")
    assert retired["status"] == "retired" and retired["allowed_actions"] == []
    assert world.refresh(tier)["benefits"] == terms
    refused = world.admin.patch(f"/v1/tiers/{tier['id']}", {"benefits": terms + terms}, if_match=tier["version"], expect=422)
    assert ("#/benefits/0/key", "reference_not_found") in refused.errors()
    assert row["id"] in [found["id"] for found in world.admin.list("/v1/benefits", {"status": "retired"})]
    assert row["id"] not in [found["id"] for found in world.admin.list("/v1/benefits", {"status": "active"})]


def test_filtered_and_sorted(world):
    world.make_benefit(kind="number")
    assert {row["kind"] for row in world.admin.list("/v1/benefits", {"kind": ["number", "bps"]})} == {"number", "bps"}
    for sort in ("name", "-created_at"):
        rows = world.admin.list("/v1/benefits", {"sort": sort}, limit=3)
        assert rows == sorted(rows, key=lambda row: (row[sort.lstrip("-")], row["id"]), reverse=sort.startswith("-"))


# ---- of a partner ----
def entitled(client, partner_id):
    return {row["key"]: row for row in client.list(f"/v1/partners/{partner_id}/benefits")}


def test_what_a_partner_is_entitled_to(world):
    partner = world.make_partner(tier="preferred")
    seen = entitled(partner.api, partner.id)
    tier = world.refresh(world.tiers["preferred"])
    assert {key: row["value"] for key, row in seen.items()} == {row["key"]: row["value"] for row in tier["benefits"]}
    assert seen == entitled(world.admin, partner.id)
    support = seen["support_level"]
    assert support["source"] == {"type": "tier", "id": tier["id"], "name": tier["name"], "terms_version": 1}
    assert support["name"] == "Support level" and support["kind"] == "choice"
    assert support["valid_until"] is None and support["next_value"] is None
    history = partner.api.list(f"/v1/partners/{partner.id}/tier-history")
    assert support["valid_from"] == history[0]["effective_at"]


def test_another_tier_gives_other_benefits(world):
    partner = world.make_partner(tier="registered")
    assert "co_selling" not in entitled(partner.api, partner.id)
    row = world.admin.get(f"/v1/partners/{partner.id}").json
    world.act("partners", row, "change-tier", {"tier_id": world.tiers["strategic"]["id"], "reason": "Up."})
    assert entitled(partner.api, partner.id)["account_manager"]["value"] is True


def test_who_is_suspended_has_none(world):
    partner = world.make_partner(tier="preferred")
    row = world.act("partners", world.admin.get(f"/v1/partners/{partner.id}").json, "suspend", {"reason": "x"})
    assert entitled(world.admin, partner.id) == {}
    world.act("partners", row, "reinstate")
    assert entitled(world.admin, partner.id)


def test_announced_changes_are_told_with_their_date(server, database_url):
    world = World(server, database_url)
    world.set_clock("2027-01-10T12:00:00Z")
    partner = world.make_partner(tier="preferred")
    tier = world.refresh(world.tiers["preferred"])
    left = [benefit for benefit in tier["benefits"] if benefit["key"] not in ("mdf_rate_bps", "training_seats")]
    row = world.admin.patch(f"/v1/tiers/{tier['id']}", {"benefits": [*left, {"key": "mdf_rate_bps", "value": 100}]},
                            if_match=tier["version"], expect=200).json
    world.act("tiers", row, "publish", {"effective_at": "2027-04-01T00:00:00Z"})
    seen = entitled(partner.api, partner.id)
    told = {key: (row["value"], row["valid_until"], row["next_value"]) for key, row in seen.items()}
    assert told["mdf_rate_bps"] == (200, "2027-04-01T00:00:00.000Z", 100)
    assert told["training_seats"] == (5, "2027-04-01T00:00:00.000Z", None)
    assert told["co_selling"] == (True, None, None)
    world.set_clock("2027-04-01T00:00:00Z")
    seen = entitled(world.admin, partner.id)
    assert seen["mdf_rate_bps"]["value"] == 100 and "training_seats" not in seen
    assert seen["mdf_rate_bps"]["valid_from"] == "2027-04-01T00:00:00.000Z"


def test_metrics(world):
    rows = world.admin.get("/v1/tier-metrics")["data"]
    kinds = {row["key"]: (row["unit"], row["source"], row["window"]) for row in rows}
    assert kinds["won_amount_minor"] == ("minor", "computed", "required")
    assert kinds["certified_people"] == ("count", "computed", "none")
    assert kinds["retention_bps"] == ("bps", "reported", "optional")
    assert len(kinds) == len(rows)
