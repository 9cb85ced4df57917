# SPDX-License-Identifier: Apache-2.0
"""ETag, If-Match and If-None-Match (api.md §1): the same law on every versioned resource, taken from the contract."""
import pytest

from support import contract, second_factor, wait
from support.judge import nobody
from support.world import World, unique


def expired_deal(world):
    """Stored as such while the clock of the program stood after the end of its protection."""
    deal = world.act("deals", world.refresh(world.partner("a").deal(customer_name=unique("Expired"))), "approve",
                     {"protection_days": 1})
    world.advance_clock(2 * 86_400)
    expired = wait.until(lambda: (row := world.refresh(deal))["version"] > deal["version"] and row, "the expiry")
    world.admin.post("/v1/program/test-clock", {"now_at": None}, expect=200)  # others need a clock that goes
    return expired


ACTIONS = {  # an operation that asks for If-Match, and how to make a row on which it would succeed
    "updateProgram": (lambda world: world.admin.patch(
        "/v1/program", {"name": unique("Programme")}, if_match="*", expect=200).json, {"name": "Renamed"}),
    "updateTier": (lambda world: world.make_tier(publish=False), {"name": "Renamed"}),
    "publishTier": (lambda world: world.make_tier(publish=False), None),
    "discardTierDraft": (lambda world: revised_tier(world), None),
    "retireTier": (lambda world: world.make_tier(), None),
    "updateBenefit": (lambda world: world.make_benefit(), {"name": "Renamed"}),
    "retireBenefit": (lambda world: world.make_benefit(), None),
    "updateProduct": (lambda world: world.make_product(), {"name": "Renamed"}),
    "retireProduct": (lambda world: world.make_product(), None),
    "reinstateProduct": (lambda world: world.act("products", world.make_product(), "retire"), None),
    "withdrawProductPrice": (lambda world: world.make_price(
        world.make_product()["id"], valid_from="2999-01-01T00:00:00Z"), None),
    "reassignDeal": (lambda world: world.deal_in("submitted"), {"owner_id": None, "reason": "x"}),
    "splitDealCredit": (lambda world: world.deal_in("submitted"), "alone"),
    "updateDealLimit": (lambda world: world.make_deal_limit(), {"open_limit": 9}),
    "endDealLimit": (lambda world: world.make_deal_limit(), None),
    "updateCustomField": (lambda world: world.make_custom_field(), {"label": "Renamed"}),
    "retireCustomField": (lambda world: world.make_custom_field(), None),
    "reinstateCustomField": (lambda world: world.act("custom-fields", world.make_custom_field(), "retire"), None),
    "validateImport": (lambda world: world.make_import(), None),
    "startImport": (lambda world: world.make_import(until="validated"), None),
    "cancelImport": (lambda world: world.make_import(), None),
    "updateMarginRuleSet": (lambda world: world.make_rule_set(), {"name": "Renamed"}),
    "publishMarginRuleSet": (lambda world: world.make_rule_set(), {}),
    "discardMarginRuleSet": (lambda world: world.make_rule_set(), None),
    "startDisputeEvidence": (lambda world: world.dispute_in("opened"), {}),
    "finishDisputeEvidence": (lambda world: world.dispute_in("evidence"), {"party": "claimant"}),
    "decideDispute": (lambda world: world.dispute_in("frozen"), {
        "outcome": "upheld", "rule": "program_policy", "reason": "x"}),
    "appealDispute": (lambda world: world.dispute_in("decided"), {"party": "claimant", "reason": "x"}),
    "closeDispute": (lambda world: world.dispute_in("final"), {}),
    "withdrawDispute": (lambda world: world.dispute_in("opened"), {}),
    "updatePartner": (lambda world: world.new_partner(), {"website": "https://renamed.example"}),
    "updatePartnerApplication": (lambda world: world.apply(), {"message": "x"}),
    "submitPartnerApplication": (lambda world: world.apply(draft=True), None),
    "startPartnerApplicationReview": (lambda world: world.apply(), None),
    "requestPartnerApplicationInfo": (lambda world: world.apply(), {"message": "x"}),
    "approvePartnerApplication": (lambda world: world.apply(), {}),
    "rejectPartnerApplication": (lambda world: world.apply(), {"reason": "x"}),
    "withdrawPartnerApplication": (lambda world: world.apply(), {}),
    "erasePartnerApplication": (lambda world: world.act("partner-applications", world.apply(), "withdraw", {}), None),
    "updateFormKey": (lambda world: world.make_form_key(), {"name": "Renamed"}),
    "revokeFormKey": (lambda world: world.make_form_key(), None),
    "mergePartner": (lambda world: partner_row(world), "into"),
    "endPartnerRelation": (lambda world: world.relate(world.new_partner()["id"]), {}),
    "updateAgreementTemplate": (lambda world: world.make_template(), {"title": "Renamed"}),
    "publishAgreementTemplate": (lambda world: world.make_template(), None),
    "retireAgreementTemplate": (lambda world: world.make_template(publish=True), None),
    "acceptPartnerAgreement": (lambda world: world.offer(world.new_partner()["id"]), "sign"),
    "withdrawPartnerAgreement": (lambda world: world.offer(world.new_partner()["id"]), None),
    "updatePartnerContact": (lambda world: world.make_contact(world.partner("a").id), {"name": "Renamed"}),
    "erasePartnerContact": (lambda world: world.make_contact(world.partner("a").id), None),
    "updatePartnerType": (lambda world: world.admin.patch(
        f"/v1/partner-types/{world.partner_type('referral')['id']}", {"name": unique("Referrers")}, if_match="*",
        expect=200).json, {"name": "Renamed"}),
    "activatePartner": (lambda world: world.new_partner(), None),
    "suspendPartner": (lambda world: partner_row(world), {"reason": "x"}),
    "reinstatePartner": (lambda world: world.act("partners", partner_row(world), "suspend", {"reason": "x"}), None),
    "terminatePartner": (lambda world: partner_row(world), {"reason": "x"}),
    "changePartnerTier": (lambda world: partner_row(world), "tier"),
    "overridePartnerTier": (lambda world: partner_row(world), "override"),
    "clearPartnerTierOverride": (lambda world: world.act("partners", partner_row(world), "override-tier", override(world)), None),
    "updatePartnerCertification": (lambda world: world.make_certification(), {"expires_on": "2099-12-31"}),
    "revokePartnerCertification": (lambda world: world.make_certification(), {"reason": "x"}),
    "updateRegion": (lambda world: world.make_region(), {"name": "Renamed"}),
    "retireRegion": (lambda world: world.make_region(), None),
    "endBenefitOverride": (lambda world: world.override(world.partner("a").id), {"reason": "x"}),
    "updateTerritoryAssignment": (lambda world: world.assign(world.partner("a"), world.make_region()), {"note": "x"}),
    "endTerritoryAssignment": (lambda world: world.assign(world.partner("a"), world.make_region()), {"reason": "x"}),
    "withdrawFxRate": (lambda world: world.make_rate(), {"reason": "x"}),
    "deactivateUser": (lambda world: world.admin.get(f"/v1/users/{world.make_user('viewer').id}").json, None),
    "eraseUser": (lambda world: world.invite("viewer"), None),
    "updateUser": (lambda world: world.admin.get(f"/v1/users/{world.make_user('viewer').id}").json, {"name": "Renamed"}),
    "updateMe": (lambda world: world.admin.patch(
        "/v1/me", {"name": unique("Robin")}, if_match="*", expect=200).json, {"name": "Renamed"}),
    "resendInvitation": (lambda world: world.invite("viewer"), None),
    "reactivateUser": (lambda world: world.act("users", world.invite("viewer"), "deactivate"), None),
    "changeUserRole": (lambda world: world.invite("viewer"), {"role": "support"}),
    "resetSecondFactor": (lambda world: world.admin.get(f"/v1/users/{second_factor.person(world).id}").json, None),
    "revokeApiClient": (lambda world: world.admin.get(
        f"/v1/api-clients/{world.make_client(['deals:read'])[0]}").json, None),
    "updateIdentityProvider": (lambda world: world.make_provider(), {"name": "Renamed"}),
    "enableIdentityProvider": (lambda world: world.act(
        "identity-providers", world.make_provider(), "disable"), None),
    "disableIdentityProvider": (lambda world: world.make_provider(), None),
    "unlinkUserIdentity": (lambda world: world.make_link(
        world.make_provider()["id"], world.user("viewer").id), None),
    "updateApiClient": (lambda world: world.admin.get(
        f"/v1/api-clients/{world.make_client(['deals:read'])[0]}").json, {"name": "Renamed"}),
    "rotateApiClientSecret": (lambda world: world.admin.get(
        f"/v1/api-clients/{world.make_client(['deals:read'])[0]}").json, {"overlap_seconds": 60}),
    **{name: (lambda world: world.ask_help(), body) for name, body in (
        ("acceptDealHelpRequest", {}), ("declineDealHelpRequest", {"reason": "x"}), ("withdrawDealHelpRequest", None))},
    "completeDealHelpRequest": (lambda world: world.act("deal-help-requests", world.ask_help(), "accept"), None),
    **{name: (lambda world: world.ask_price(), body) for name, body in (
        ("approveSpecialPricingRequest", {}), ("rejectSpecialPricingRequest", {"reason": "x"}),
        ("withdrawSpecialPricingRequest", None))},
    "updateDealNote": (lambda world: world.make_note(), {"body": "Otherwise."}),
    "removeDealNote": (lambda world: world.make_note(), None),
    "removeDealDocument": (lambda world: world.make_document(), None),
    "updateDealStage": (lambda world: world.make_stage(), {"name": "Renamed"}),
    "retireDealStage": (lambda world: world.make_stage(), None),
    "reinstateDealStage": (lambda world: world.act("deal-stages", world.make_stage(), "retire"), None),
    "updateLostReason": (lambda world: world.make_reason(), {"name": "Renamed"}),
    "retireLostReason": (lambda world: world.make_reason(), None),
    "reinstateLostReason": (lambda world: world.act("lost-reasons", world.make_reason(), "retire"), None),
    "updateDeal": (lambda world: world.deal_in("submitted"), {"description": "x"}),
    "submitDeal": (lambda world: world.deal_in("draft"), None),
    "startDealReview": (lambda world: world.deal_in("submitted"), None),
    "requestDealInfo": (lambda world: world.deal_in("submitted"), {"message": "x"}),
    "approveDeal": (lambda world: world.deal_in("submitted"), {}),
    "rejectDeal": (lambda world: world.deal_in("submitted"), {"reason": "x"}),
    "withdrawDeal": (lambda world: world.deal_in("submitted"), {}),
    "winDeal": (lambda world: world.deal_in("approved"), {}),
    "loseDeal": (lambda world: world.deal_in("approved"), {"reason": "x"}),
    "cancelDeal": (lambda world: world.deal_in("approved"), {"reason": "x"}),
    "updateDealApprovalPolicy": (lambda world: world.make_approval_policy(), {"name": "Renamed"}),
    "retireDealApprovalPolicy": (lambda world: world.make_approval_policy(), None),
    "reopenDeal": (expired_deal, {"reason": "x"}),
    "postponeDeal": (lambda world: world.deal_in("approved"), {"days": 1, "reason": "x"}),
    "resolveDealConflict": (lambda world: world.make_conflict(), "winner"),
    "approveDealExtension": (lambda world: world.make_extension(), {}),
    "rejectDealExtension": (lambda world: world.make_extension(), {"reason": "x"}),
    "withdrawDealExtension": (lambda world: world.make_extension(), {}),
}
READS = ["getPartnerCertification", "getPartnerMetric", "getTierEvaluation", "getTierReview", "getProgram", "getTier", "getBenefit", "getPartner", "getRegion", "getTerritoryAssignment", "getBenefitOverride", "getFxRate", "getUser", "getApiClient",
         "getUserIdentity", "getDeal", "getDealExtension"]


def partner_row(world):
    return world.act("partners", world.new_partner(), "activate")


def revised_tier(world):
    tier = world.make_tier()
    return world.admin.patch(f"/v1/tiers/{tier['id']}", {"benefits": [{"key": "co_selling", "value": True}]},
                             if_match=tier["version"], expect=200).json


def override(world):
    return {"tier_id": world.tiers["strategic"]["id"], "reason": "x", "ends_at": "2100-01-01T00:00:00Z"}


def guarded():
    return [entry for entry in contract.operations() if entry.requires("If-Match")]


def call(world, operation, row, if_match, body="default"):
    if body == "default":
        body = ACTIONS[operation.id][1]
    if body == "tier":
        body = {"tier_id": world.tiers["strategic"]["id"], "reason": "x"}
    if body == "winner":
        body = {"winner_deal_id": row["holder_deal_id"], "rule": "first_submission", "reason": "x"}
    if body == "alone":
        body = {"collaborators": [{"partner_id": row["partner_id"], "contribution": "sourced", "share_bps": 10_000}]}
    if body == "override":
        body = override(world)
    if body == "sign":
        body = {"text_hash": row["text_hash"], "signatory_name": "Kim"}
    if body == "into":
        body = {"into_partner_id": world.partner("merged").id}
    path = operation.path
    for name in operation.path_ids:
        path = path.replace("{%s}" % name, row["id"])
    return world.admin.request(operation.method, path, body, if_match=if_match)


def test_every_guarded_operation_is_tested():
    assert {entry.id for entry in guarded()} == set(ACTIONS)


@pytest.mark.parametrize("operation", [entry for entry in guarded() if entry.method == "PATCH"], ids=repr)
def test_a_patch_that_changes_nothing_makes_no_version(world, operation):
    row = ACTIONS[operation.id][0](world)
    first = call(world, operation, row, row["version"])
    assert first.status == 200, first
    for if_match in (first["version"], "*"):
        again = call(world, operation, row, if_match)
        assert again.status == 200 and steady(again) == steady(first) and again.etag == first.etag, again
    nothing = call(world, operation, row, first["version"], {})
    assert nothing.status == 200 and steady(nothing) == steady(first), nothing
    assert call(world, operation, row, first["version"] - 1).problem == "precondition_failed"
    events = world.admin.list("/v1/events", {"resource_id": row["id"]})
    assert all(event["previous"] or event["resource"]["version"] == 1 for event in events)


def steady(answer):
    """Without what a provider's keys were found to be: they are read beside."""
    return {name: value for name, value in answer.json.items() if name not in ("fault", "keys_read_at")}


def test_every_patch_is_guarded():
    once = {"putFileContent"}  # what has its content takes no other
    assert once == {entry.id for entry in contract.operations() if entry.method in ("PATCH", "PUT") and entry not in guarded()}


@pytest.mark.parametrize("operation_id", ACTIONS)
def test_the_law(world, operation_id):
    operation = contract.operation(operation_id)
    row = ACTIONS[operation_id][0](world)
    version = row["version"]
    missing = call(world, operation, row, None)
    assert missing.status == 428 and missing.problem == "precondition_required", missing
    for stale in (f'"{version + 1}"', '"0"', f'W/"{version}"', f'"{version + 1}", W/"{version}"', '"abc"'):
        refused = call(world, operation, row, stale)
        assert refused.status == 412 and refused.problem == "precondition_failed", refused
        assert refused.etag == f'"{version}"', "the current tag travels with the refusal"
    listed = call(world, operation, row, f'"999", W/"1" , "{version}"')
    assert listed.status == 200 and listed.etag == f'"{version + 1}"', listed
    assert call(world, operation, row, f'"{version}"').status == 412


def test_a_star_matches_whatever_exists(world):
    row = world.deal_in("submitted")
    after = world.admin.patch(f"/v1/deals/{row['id']}", {"description": "x"}, if_match="*", expect=200)
    assert after["version"] == row["version"] + 1
    world.admin.patch(f"/v1/deals/{nobody()}", {"description": "x"}, if_match="*", expect=404)


def test_two_header_lines_are_one_list(world):
    row = world.deal_in("submitted")
    connection = world.admin._connection()
    connection.putrequest("PATCH", f"/v1/deals/{row['id']}")
    body = b'{"description": "two"}'
    for name, value in (("Authorization", f"Bearer {world.admin.token}"), ("If-Match", '"77"'), ("If-Match", '"1"'),
                        ("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200


class TestOrderOfChecks:
    """404 before 428 and 412, those before fields (422), fields before state (409): api.md §1."""

    def test_missing_row_first(self, world):
        world.admin.patch(f"/v1/deals/{nobody()}", {"description": "x"}, expect=404)
        world.admin.post(f"/v1/deals/{nobody()}/approve", {"nonsense": 1}, expect=404)

    def test_precondition_before_fields(self, world):
        row = world.deal_in("submitted")
        path = f"/v1/deals/{row['id']}"
        world.admin.patch(path, {"nonsense": 1}, expect=428)
        world.admin.patch(path, {"nonsense": 1}, if_match=row["version"] + 1, expect=412)
        world.admin.patch(path, {"nonsense": 1}, if_match=row["version"], expect=422)

    def test_fields_before_state(self, world):
        row = world.deal_in("won")
        path = f"/v1/deals/{row['id']}/reject"
        world.admin.post(path, {"nonsense": 1}, if_match=row["version"], expect=422)
        world.admin.post(path, {"reason": "x"}, if_match=row["version"] + 1, expect=412)
        world.admin.post(path, {"reason": "x"}, if_match=row["version"], expect=409)

    def test_scope_before_everything_about_the_row(self, world):
        partner = world.partner("a").api
        for deal_id in (world.deal_in("submitted")["id"], nobody()):
            partner.post(f"/v1/deals/{deal_id}/approve", {"nonsense": 1}, expect=403)


def reviewed(world, partner):
    review = world.make_review(partner.id)
    return {"getTierEvaluation": f"/v1/tier-evaluations/{review['evaluation_id']}",
            "getTierReview": f"/v1/tier-reviews/{review['id']}"}


@pytest.fixture(scope="module")
def readable(world):
    partner = world.partner("a")
    person = world.admin.post("/v1/users", {"email": f"{unique('p')}@example.com", "name": "P", "role": "viewer"}, expect=201)
    region = world.make_region()
    draft = partner.deal(draft=True)  # where approval takes steps, what may be done under review is judged at each look
    client_id, _ = world.make_client(["deals:read"], partner.id)  # not used: a sign-in is newer than the version
    return {"getProgram": "/v1/program", "getTier": f"/v1/tiers/{world.tiers['preferred']['id']}",
            "getPartnerCertification": f"/v1/partner-certifications/{world.make_certification()['id']}",
            "getPartnerMetric": f"/v1/partner-metrics/{world.make_figure(partner.id)['id']}",
            **reviewed(world, partner),
            "getBenefit": f"/v1/benefits/{world.make_benefit()['id']}",
            "getPartner": f"/v1/partners/{partner.id}", "getUser": f"/v1/users/{person['id']}",
            "getRegion": f"/v1/regions/{region['id']}",
            "getBenefitOverride": f"/v1/benefit-overrides/{world.override(partner.id)['id']}",
            "getTerritoryAssignment": f"/v1/territory-assignments/{world.assign(partner, region)['id']}",
            "getFxRate": f"/v1/fx-rates/{world.make_rate()['id']}",
            "getApiClient": f"/v1/api-clients/{client_id}", "getDeal": f"/v1/deals/{draft['id']}",
            "getDealExtension": f"/v1/deal-extensions/{world.make_extension(partner)['id']}",
            "getUserIdentity": "/v1/user-identities/" + world.make_link(world.make_provider()["id"], person["id"])["id"]}


@pytest.mark.parametrize("operation_id", READS)
def test_not_modified(world, readable, operation_id):
    path = readable[operation_id]
    full = world.admin.get(path)
    assert full.etag == f'"{full["version"]}"'
    assert "no-cache" in full.headers["Cache-Control"] and "Authorization" in full.headers["Vary"]
    for tags in (full.etag, f'W/{full.etag}', f'"0", {full.etag}', "*"):
        for method in ("GET", "HEAD"):
            short = world.admin.request(method, path, headers={"If-None-Match": tags})
            assert (short.status, short.body, short.etag) == (304, b"", full.etag)
            assert short.headers["Cache-Control"] == full.headers["Cache-Control"]
            assert short.headers["Vary"] == full.headers["Vary"]
    for tags in ('"0"', f'"{full["version"] + 1}"', 'W/"0", "x"'):
        assert world.admin.get(path, headers={"If-None-Match": tags}).json == full.json


def not_modified(client, path, tag):
    return client.request("GET", path, headers={"If-None-Match": tag})


def test_what_comes_from_elsewhere_is_seen_too(world):
    """The version is the row's; a partner's new name, a sign-in and the clock are newer than it."""
    partner = world.make_partner()
    path = f"/v1/deals/{partner.deal(draft=True)['id']}"
    tag = world.admin.get(path).etag
    assert not_modified(world.admin, path, tag).status == 304
    row = world.admin.get(f"/v1/partners/{partner.id}")
    world.admin.patch(f"/v1/partners/{partner.id}", {"name": "Renamed"}, if_match=row["version"], expect=200)
    assert not_modified(world.admin, path, tag)["partner_name"] == "Renamed"
    used = f"/v1/api-clients/{partner.client_id}"
    answer = not_modified(world.admin, used, world.admin.get(used).etag)
    assert answer.status == 200 and answer["last_used_at"] is not None


def test_an_end_of_protection_is_seen_at_once(new_database, new_server):
    url = new_database()
    server = new_server(url, jobs="false")  # nothing stores the expiry
    world = World(server, url)
    path = f"/v1/deals/{world.deal_in('approved')['id']}"
    tag = world.admin.get(path).etag
    assert not_modified(world.admin, path, tag).status == 304
    world.advance_clock(91 * 86_400)
    assert not_modified(world.admin, path, tag)["status"] == "expired"


def test_a_change_is_seen(world, readable):
    path = readable["getDeal"]
    tag = world.admin.get(path).etag
    world.admin.patch(path, {"description": "new"}, if_match=tag, expect=200)
    after = world.admin.get(path, headers={"If-None-Match": tag}, expect=200)
    assert after["description"] == "new"


def test_lists_have_no_tag(world):
    assert world.admin.get("/v1/deals").etag is None
