# SPDX-License-Identifier: Apache-2.0
"""The first wall, tried on every operation of the contract that takes an id, and on every list (domain.md §5.20).

The cases come from the contract: an operation that is added with a path id nobody knows here fails the run.
"""
import pytest

from support import contract, holdings
from support.judge import events_of, nobody, same_refusal
from support.world import World

BODIES = {  # what would be accepted, so that only the wall can refuse
    "updateApiClient": {"name": "x"}, "updateTier": {"name": "x"}, "updateBenefit": {"name": "x"}, "updatePartner": {"name": "x"}, "suspendPartner": {"reason": "x"},
    "mergePartner": {"into_partner_id": "0193ffff-0000-7000-8000-000000000000"},
    "updateAgreementTemplate": {"title": "x"}, "updatePartnerContact": {"name": "x"}, "updateFormKey": {"name": "x"},
    "acceptPartnerAgreement": {"text_hash": "0" * 64, "signatory_name": "x"},
    "updatePartnerType": {"name": "x"}, "updatePartnerApplication": {"message": "x"},
    "requestPartnerApplicationInfo": {"message": "x"}, "rejectPartnerApplication": {"reason": "x"},
    "terminatePartner": {"reason": "x"}, "changePartnerTier": {"tier_id": None, "reason": "x"},
    "overridePartnerTier": {"tier_id": None, "reason": "x", "ends_at": "2100-01-01T00:00:00Z"},
    "updatePartnerCertification": {"expires_on": None}, "revokePartnerCertification": {"reason": "x"},
    "updateIdentityProvider": {"name": "x"},
    "updateRegion": {"name": "x"}, "updateTerritoryAssignment": {"note": "x"}, "endTerritoryAssignment": {"reason": "x"},
    "withdrawFxRate": {"reason": "x"}, "endBenefitOverride": {"reason": "x"},
    "updateProduct": {"name": "x"}, "updateCustomField": {"label": "x"}, "updateMarginRuleSet": {"name": "x"},
    "updateDealLimit": {"open_limit": 1}, "reassignDeal": {"owner_id": None, "reason": "x"},
    "splitDealCredit": {"collaborators": [{"partner_id": "0193ffff-0000-7000-8000-000000000000", "contribution": "sourced",
                                            "share_bps": 10_000}]},
    "updateUser": {"name": "x"}, "changeUserRole": {"role": "partner_member"},
    "declineDealHelpRequest": {"reason": "x"}, "rejectSpecialPricingRequest": {"reason": "x"},
    "updateDealNote": {"body": "x"},
    "updateDealStage": {"name": "x"}, "updateLostReason": {"name": "x"}, "updateDeal": {"description": "x"}, "requestDealInfo": {"message": "x"}, "rejectDeal": {"reason": "x"},
    "decideDispute": {"outcome": "upheld", "rule": "program_policy", "reason": "x"}, "appealDispute": {"reason": "x"},
    "loseDeal": {"reason": "x"}, "cancelDeal": {"reason": "x"},
    "resolveDealConflict": {"winner_deal_id": "0193ffff-0000-7000-8000-000000000000", "rule": "other", "reason": "x"},
    "postponeDeal": {"days": 1, "reason": "x"}, "reopenDeal": {"reason": "x"}, "rejectDealExtension": {"reason": "x"},
    "updateDealApprovalPolicy": {"name": "x"},
}


BOTH_ENDS = "distributor above partner A"  # the relation is seen from both ends; the rest only in resellers and their deals
SHARED = {"stage_id", "reason_id", "region_id", "rate_id", "benefit_id", "product_id", "price_id"}  # the program's, which all of its partners read


def with_ids():
    if not (contract.ROOT / "openapi.yaml").exists():
        return []
    return [entry for entry in contract.operations() if any(name.endswith("_id") for name in entry.path_ids)]


PERSONAL = {"listSessions", "listApiRequests"}  # lists of what is the caller's own; each has a test of that


def lists():
    if not (contract.ROOT / "openapi.yaml").exists():
        return []
    return [entry for entry in contract.operations()
            if entry.method == "GET" and entry.parameter("cursor") and not entry.path_ids
            and entry.id not in PERSONAL]


@pytest.fixture(scope="module")
def owned(world):
    """The ids of everything partner A has; a tier is the program's."""
    return holdings.of_partner(world, world.partner("a"))


@pytest.fixture(scope="module")
def strangers(world, server, database_url):
    other = World(server, database_url)
    b = world.partner("b")
    return {"machine of partner B": b.api, "admin of partner B": b.user(),
            "member of partner B": b.user("partner_member"),
            "distributor above partner A": world.above(world.partner("a")).user(),
            "admin of another program": other.admin, "partner of another program": other.partner("x").user()}


@pytest.fixture(scope="module")
def scopes(strangers):
    return {who: set(client.get("/v1/me")["scopes"]) for who, client in strangers.items()}


def call(world, client, operation, ids):
    body = BODIES.get(operation.id)
    if body and "tier_id" in body:
        body = {**body, "tier_id": world.tiers["registered"]["id"]}
    path = operation.path
    for name in operation.path_ids:
        path = path.replace("{%s}" % name, ids[name])
    options = {"if_match": "*"} if operation.parameter("If-Match") else {}
    return client.request(operation.method, path, body, **options)


@pytest.mark.parametrize("operation", with_ids(), ids=repr)
def test_a_foreign_id_is_a_missing_one(world, owned, strangers, scopes, operation):
    unknown = [name for name in operation.path_ids if name not in owned]
    assert not unknown, f"{operation}: say in support/holdings.py what a partner's {unknown} is"
    missing_ids = {name: nobody() for name in owned}
    if "relation_id" in operation.path_ids and operation.method == "GET":
        strangers = {who: client for who, client in strangers.items() if who != BOTH_ENDS}
    if SHARED & set(operation.path_ids) and operation.method == "GET":
        strangers = {who: client for who, client in strangers.items() if "program" in who}
    for who, client in strangers.items():
        foreign = call(world, client, operation, owned)
        missing = call(world, client, operation, missing_ids)
        if set(operation.scopes) <= scopes[who]:
            assert foreign.status == 404 and foreign.problem == "not_found", f"{who}: {foreign}"
        else:
            assert foreign.status == 403 and foreign.problem == "insufficient_scope", f"{who}: {foreign}"
        same_refusal(foreign, missing)


def test_nothing_has_happened(world, owned):
    """After all those calls everything of partner A is as it was made."""
    assert world.admin.get(f"/v1/deals/{owned['deal_id']}")["version"] == 2
    assert world.admin.get(f"/v1/partners/{owned['partner_id']}")["version"] == 2
    assert world.admin.get(f"/v1/users/{owned['user_id']}")["status"] == "active"
    assert world.admin.get(f"/v1/api-clients/{owned['client_id']}")["status"] == "active"
    assert world.admin.get(f"/v1/tiers/{owned['tier_id']}")["version"] == 1
    assert world.admin.get(f"/v1/territory-assignments/{owned['assignment_id']}")["version"] == 1
    assert world.admin.get(f"/v1/regions/{owned['region_id']}")["version"] == 1
    assert world.admin.get(f"/v1/fx-rates/{owned['rate_id']}")["version"] == 1
    assert world.admin.get(f"/v1/deal-extensions/{owned['extension_id']}")["version"] == 1


@pytest.mark.parametrize("operation", lists(), ids=repr)
def test_lists_show_nothing_foreign(world, owned, strangers, scopes, operation):
    events_of(world.admin, owned["deal_id"], 2)
    seen = str(world.admin.list(operation.path))
    assert any(value in seen for value in owned.values()), "their own admin sees something there"
    shared = {tier["id"] for tier in world.tiers.values()} | {world.program_id}
    for who, client in strangers.items():
        if not set(operation.scopes) <= scopes[who]:
            client.get(operation.path, expect=403, problem="insufficient_scope")
            continue
        text = str(client.list(operation.path))
        leaked = [name for name, value in owned.items() if value in text and value not in shared
                  and not (name in SHARED and "program" not in who)
                  and not (who == BOTH_ENDS and operation.id == "listPartnerRelations")]
        assert not leaked, f"{who} sees {leaked} of partner A in {operation.path}"
        if "program" in who:
            assert world.program_id not in text


def test_filters_by_foreign_ids_find_nothing(world, owned, strangers):
    for who, client in strangers.items():
        for path, name in (("/v1/deals", "partner_id"), ("/v1/users", "partner_id"), ("/v1/api-clients", "partner_id"),
                           ("/v1/events", "resource_id"), ("/v1/audit-log", "resource_id")):
            value = owned["deal_id" if name == "resource_id" else "partner_id"]
            answer = client.get(path, {name: value, "include_total": "true"}, expect=None)
            if answer.status != 403:
                assert (answer["data"], answer["total_count"]) == ([], 0), f"{who} {path}"


def test_references_into_another_program_do_not_exist(world, strangers):
    other = strangers["admin of another program"]
    tier, partner = world.tiers["preferred"]["id"], world.partner("a").id
    made = {"name": "x", "type": "reseller", "country": "DE", "tier_id": tier}
    refused = other.post("/v1/partners", made, expect=422)
    assert refused.errors() == {("#/tier_id", "reference_not_found")}
    deal = {"customer_name": "x", "amount": {"amount_minor": 1, "currency": "EUR"}, "partner_id": partner}
    refused = other.post("/v1/deals", deal, expect=422)
    assert refused.errors() == {("#/partner_id", "reference_not_found")}
    person = {"email": "x@people.example", "name": "x", "role": "partner_member", "partner_id": partner}
    refused = other.post("/v1/users", person, expect=422)
    assert refused.errors() == {("#/partner_id", "reference_not_found")}
