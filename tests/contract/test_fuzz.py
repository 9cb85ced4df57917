# SPDX-License-Identifier: Apache-2.0
"""Throws requests made from the contract, good ones and bad ones, at every operation of the running server.

Whatever comes in, the server answers: never a 5xx, never a dropped connection, every refusal a problem document; the
client checks each exchange against the contract. Actions get rows in the state they need, so that the requests reach
the rules and the statements and do not all end at the door. The run is the same every time and bounded.
"""
import functools
import itertools
import json
import re
import uuid
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from checker import contract
from generate import JUNK, mutated, places, valid
from support import holdings, second_factor, wait
from support.client import Client
from support.world import PASSWORD, World, sign_in, unique

OPERATIONS = {operation.id: operation for operation in contract().operations()}
FUZZ = settings(max_examples=12, derandomize=True, deadline=None, database=None, phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck))
NEW_ROWS = 4  # rows in the right state for each action
FRESH = "a key nobody has used"
CONTENT = b"%PDF-1.7 offer"  # of the files that wait for theirs
NOWHERE = "01890000-0000-7000-8000-000000000000"

SHOTS = {
    "nothing": b"", "half": b'{"a"', "trailing": b"{} x", "twice": b'{"a": 1, "a": 2}', "list": b"[]", "null": b"null",
    "text": b'"x"', "nan": b'{"a": NaN}', "not utf-8": b'{"a": "\xff"}', "latin-1": b"\xe9", "bom": b"\xef\xbb\xbf{}",
    "utf-16": '{"a": 1}'.encode("utf-16"), "nul": b'{"a": "\\u0000"}', "nul byte": b'{"a": "\x00"}',
    "surrogate": b'{"a": "\\ud800"}', "control": b'{"a": "\x01"}', "open": b"[" * 5000,
    "deep lists": b"[" * 5000 + b"]" * 5000, "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "30 digits": b'{"a": ' + b"9" * 30 + b"}", "huge": b'{"a": 1e400}', "wide": b'{"a": [' + b"0," * 20000 + b"0]}",
    "large": b'{"a": "' + b"x" * 1_100_000 + b'"}',
}
# What reads a body or a query is the same code for every operation: each gets a share of what no operation may accept, by its
# place in the contract, and those next to it the rest.
SHARES = 3
MEDIA_TYPES = [
    "text/plain", "application/xml", "application/json; charset=utf-16", "application/jsonx", "json", "*/*", ";",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain",
]
QUERIES = [
    "unknown=1", "=", "&", "a", "limit=0", "limit=101", "limit=1&limit=2", "limit=%31%30", "cursor=AAAA", "sort=id",
    "status=%FF", "status=%zz", "status=%00", "%FF=1", "limit=1;sort=id", "limit=" + "9" * 400, "dry_run=yes",
    "include_total=1", "x=" + "y" * 9000, "status=won%2Cstatus=lost", "limit=+1", "after=-1", "created_at_gte=now",
]
BAD_IDS = [NOWHERE, NOWHERE.upper(), NOWHERE + "0", "x", "..", "%", "'", "\u0000", "é", "a/b", "x" * 300]
BAD_TAGS = ['"0"', '"999"', 'W/"1"', '"1", "2"', "1", '"', '""', '"99999999999999999999"', "*, *", None]
# What does not fit into a connection's memory is refused by the HTTP library itself, with a bare 414.
QUERY_MOST = 12_000
BAD_KEYS = [None, "same", '"quoted"', "x" * 255, "x" * 256, "a b", '"', "é".encode().decode("latin-1")]
BAD_ACCEPTS = ["*/*", "text/html", "application/json;q=0", "application/*, ;q=x", "text/*;q=0.3, */*;q=0.1"]
DEAL_STATES = {
    "submitDeal": "draft", "startDealReview": "submitted", "requestDealInfo": "submitted", "approveDeal": "submitted",
    "rejectDeal": "submitted", "withdrawDeal": "submitted", "winDeal": "approved", "loseDeal": "approved",
    "cancelDeal": "approved", "postponeDeal": "approved",
    "reassignDeal": "submitted", "splitDealCredit": "draft",
}

WITH_COOKIES = {"createCookieSession", "refreshCookieSession"}  # off by default: tests/api/test_cookie_sessions.py

HARMLESS_POLICY = {"conditions": [{"fact": "amount_minor", "comparison": "gte", "value": 2 ** 53 - 1}], "steps": [],
                   "is_automatic": False, "escalation": None}
positions = itertools.count(1000)


class Targets:
    """A world with rows for every path parameter; `rows` makes those an action needs."""

    def __init__(self, world):
        self.world, self.partner, self.wanted = world, world.partner("a"), {}
        approved = world.deal_in("approved")
        self.ids = {
            "deal_id": [approved["id"]], "decision_id": [approved["margin_decision_id"]],
            "partner_id": [self.partner.id], "tier_id": [world.tiers["preferred"]["id"]],
            "benefit_id": [world.make_benefit()["id"]], "custom_field_id": [world.make_custom_field()["id"]],
            "deal_limit_id": [world.make_deal_limit()["id"]],
            "collaborator_id": [world.admin.list("/v1/deal-collaborators")[0]["id"]],
            "user_id": [world.user("viewer").id], "client_id": [self.partner.client_id],
            "mail_id": [holdings.mail_to(world, world.user("viewer").id)], "code": ["not_found", "internal"],
        }
        self.ids["conflict_id"] = [world.make_conflict()["id"]]
        self.ids["provider_id"] = [world.make_provider()["id"]]
        self.ids["identity_id"] = [world.make_link(self.ids["provider_id"][0], self.ids["user_id"][0])["id"]]
        self.ids.update({name: [value] for name, value in holdings.territory(world, self.partner).items()})
        self.ids.update({name: [value] for name, value in holdings.reviews(world, self.partner).items()})
        self.ids.update({name: [value] for name, value in holdings.words(world).items()})
        self.ids.update({name: [value] for name, value in holdings.parts(world, approved["id"]).items()})
        self.ids.update({name: [value] for name, value in holdings.asked(world, self.partner).items()})
        self.ids["file_id"] = [world.upload(by=self.partner.api)["id"]]
        self.ids["import_id"] = [world.make_import()["id"]]
        self.ids["rate_id"] = [world.make_rate()["id"]]
        self.ids.update({name: [value] for name, value in holdings.sales(world).items()})
        self.ids["quote_id"] = [world.make_quote(self.partner.id)["id"]]
        self.ids["policy_id"] = [world.make_approval_policy()["id"]]
        self.ids["extension_id"] = [world.make_extension()["id"]]
        self.ids["application_id"] = [world.apply(draft=True)["id"]]
        self.ids["override_id"] = [world.override(self.partner.id)["id"]]
        self.template = world.make_template(publish=True)
        self.ids["template_id"] = [self.template["id"]]
        self.ids["agreement_id"] = [world.offer(self.partner.id)["id"]]
        self.form_key = world.make_form_key(daily_limit=10000)
        self.ids["form_key_id"] = [self.form_key["id"]]
        self.ids["contact_id"] = [world.make_contact(self.partner.id)["id"]]
        self.distributor = world.make_partner(type="distributor").id
        self.ids["relation_id"] = [world.relate(self.partner.id)["id"]]
        self.ids.update({name: [value] for name, value in holdings.dispute(world, self.partner).items()})
        self.ids["partner_type_id"] = [world.partner_type("distributor")["id"]]
        self.strangers = [self.partner.api, Client(world.server), Client(world.server, "x.y.z")]
        # People with a second factor, and on the way to one.
        self.people = {
            "changePassword": world.make_user("viewer"), "startTotp": world.make_user("viewer"), "confirmTotp": world.make_user("viewer"),
            "disableTotp": second_factor.person(world), "renewRecoveryCodes": second_factor.person(world)}
        self.people["confirmTotp"].secret = second_factor.start(self.people["confirmTotp"])["secret"]
        # Not among them is what keeps the test alive: its admin and the partner's client are never hit by actions.
        self.makers = {
            "publishTier": lambda: world.make_tier(publish=False), "updateTier": world.make_tier,
            "discardTierDraft": self.revised, "retireTier": world.make_tier,
            "updateBenefit": world.make_benefit, "retireBenefit": world.make_benefit,
            "activatePartner": world.new_partner, "suspendPartner": self.active, "terminatePartner": self.active,
            "reinstatePartner": self.suspended, "changePartnerTier": self.active, "updatePartner": self.active,
            "endOwnSession": self.session, "deactivateUser": lambda: {"id": world.make_user("viewer").id},
            "eraseUser": lambda: {"id": world.make_user("viewer").id},
            **{name: lambda: world.invite("viewer") for name in ("updateUser", "resendInvitation", "changeUserRole")},
            "resetSecondFactor": lambda: {"id": second_factor.person(world).id},
            "reactivateUser": lambda: world.act("users", world.invite("viewer"), "deactivate"),
            **{name: lambda: {"id": world.make_client(["deals:read"])[0]}
               for name in ("revokeApiClient", "updateApiClient", "rotateApiClientSecret")},
            **{name: world.make_provider for name in ("updateIdentityProvider", "disableIdentityProvider")},
            "enableIdentityProvider": lambda: world.act("identity-providers", world.make_provider(), "disable"),
            "unlinkUserIdentity": lambda: world.make_link(self.ids["provider_id"][0], self.ids["user_id"][0]),
            **{name: world.make_region for name in ("updateRegion", "retireRegion")},
            **{name: lambda: world.assign(self.partner, world.make_region())
               for name in ("updateTerritoryAssignment", "endTerritoryAssignment")},
            "resolveDealConflict": self.want(world.make_conflict),
            **{name: world.make_approval_policy for name in ("updateDealApprovalPolicy", "retireDealApprovalPolicy")},
            "reopenDeal": self.expired,
            **{name: world.make_extension
               for name in ("approveDealExtension", "rejectDealExtension", "withdrawDealExtension")},
            "endBenefitOverride": lambda: world.override(self.partner.id),
            "withdrawFxRate": world.make_rate, "overridePartnerTier": self.active, "clearPartnerTierOverride": self.overridden,
            **{name: world.make_certification for name in ("updatePartnerCertification", "revokePartnerCertification")},
            **{name: world.make_deal_limit for name in ("updateDealLimit", "endDealLimit")},
            **{name: world.make_custom_field for name in ("updateCustomField", "retireCustomField")},
            "reinstateCustomField": lambda: world.act("custom-fields", world.make_custom_field(), "retire"),
            **{name: world.make_product for name in ("updateProduct", "retireProduct")},
            "reinstateProduct": lambda: world.act("products", world.make_product(), "retire"),
            "withdrawProductPrice": lambda: world.make_price(
                world.make_product()["id"], valid_from="2999-01-01T00:00:00Z"),
            **{name: world.make_rule_set
               for name in ("updateMarginRuleSet", "publishMarginRuleSet", "discardMarginRuleSet")},
            **{name: lambda: world.apply(draft=True)
               for name in ("updatePartnerApplication", "submitPartnerApplication")},
            **{name: world.apply for name in ("startPartnerApplicationReview", "requestPartnerApplicationInfo",
                                              "approvePartnerApplication", "rejectPartnerApplication",
                                              "withdrawPartnerApplication")},
            **{name: world.make_template for name in ("updateAgreementTemplate", "publishAgreementTemplate")},
            "retireAgreementTemplate": lambda: world.make_template(publish=True),
            "acceptPartnerAgreement": self.signable, "withdrawPartnerAgreement": self.signable,
            **{name: lambda: world.make_contact(self.partner.id) for name in ("updatePartnerContact", "erasePartnerContact")},
            "erasePartnerApplication": lambda: world.act("partner-applications", world.apply(), "withdraw", {}),
            **{name: world.make_form_key for name in ("updateFormKey", "revokeFormKey")},
            "endPartnerRelation": lambda: world.relate(world.new_partner()["id"]),
            "updatePartnerType": lambda: world.partner_type("distributor"), "mergePartner": self.active,
            **{name: world.make_stage for name in ("updateDealStage", "retireDealStage")},
            "reinstateDealStage": lambda: world.act("deal-stages", world.make_stage(), "retire"),
            **{name: world.make_reason for name in ("updateLostReason", "retireLostReason")},
            "reinstateLostReason": lambda: world.act("lost-reasons", world.make_reason(), "retire"),
            **{name: world.open_dispute for name in ("startDisputeEvidence", "withdrawDispute")},
            **{name: lambda phase=phase: world.dispute_in(phase) for name, phase in (
                ("finishDisputeEvidence", "evidence"), ("decideDispute", "frozen"), ("appealDispute", "decided"),
                ("closeDispute", "final"))},
            **{name: world.make_note for name in ("updateDealNote", "removeDealNote")},
            "removeDealDocument": world.make_document,
            **{f"{action}DealHelpRequest": world.ask_help for action in ("accept", "decline", "withdraw")},
            "completeDealHelpRequest": lambda: world.act("deal-help-requests", world.ask_help(), "accept"),
            **{f"{action}SpecialPricingRequest": world.ask_price for action in ("approve", "reject", "withdraw")},
            "putFileContent": world.declare_file, "updateDeal": lambda: world.deal_in("draft"),
            **{name: world.make_import for name in ("validateImport", "cancelImport")},
            "startImport": lambda: world.make_import(until="validated"),
            **{name: lambda state=state: world.deal_in(state) for name, state in DEAL_STATES.items()},
        }

    def want(self, maker):
        """A maker whose last row the bodies speak of."""
        def make():
            self.wanted = maker()
            return self.wanted
        return make

    def revised(self):
        tier = self.world.make_tier()
        return self.world.admin.patch(f"/v1/tiers/{tier['id']}", {"margin_band": {"floor_bps": 4400}}, if_match=2, expect=200).json

    def signable(self):
        """An offer of the words whose hash `example` knows."""
        return self.world.offer(self.world.new_partner()["id"], self.template)

    def active(self):
        row = self.world.new_partner()
        return self.world.act("partners", row, "activate")

    def overridden(self):
        return self.world.act("partners", self.active(), "override-tier", {
            "tier_id": self.world.tiers["strategic"]["id"], "reason": "Late.", "ends_at": "2100-01-01T00:00:00Z"})

    def expired(self):
        deal = self.world.act("deals", self.partner.deal(customer_name=unique("Expired")), "approve", {"protection_days": 1})
        self.world.advance_clock(2 * 86_400)
        return deal

    def suspended(self):
        return self.world.act("partners", self.active(), "suspend", {"reason": "Late."})

    @functools.cached_property
    def reset_token(self):
        """Of a mail to somebody who forgot the password; spent by the first request that gets through."""
        user = self.world.make_user("viewer")
        Client(self.world.server).post("/v1/password-resets", {"email": user.email}, expect=202)
        mailer = self.world.mailer()
        mails = lambda: [event["resource"]["id"] for event in mailer.list("/v1/events", {"type": "mail.queued"})
                         if (event["data"]["user_id"], event["data"]["kind"]) == (user.id, "password_reset")]
        mail_id = wait.until(mails, "the mail is in the feed")[0]
        return re.search(r"^pdw_\S+$", mailer.get(f"/v1/mails/{mail_id}")["text"], re.M).group()

    def session(self):
        answer = sign_in(self.world.server, self.world.email, PASSWORD, self.world.slug)
        return Client(self.world.server, answer["access_token"]).get("/v1/sessions/current").json

    def principal(self, operation):
        """Who may do it. The sessions of the admin, by which the test lives, are not those that are ended."""
        if not operation.security:
            return Client(self.world.server)
        if operation.id == "getMail":
            return self.world.mailer()
        if operation.id in self.people:
            return self.people[operation.id]
        if not operation.id.startswith("endSession"):
            return self.world.admin
        user = self.world.make_user("viewer")
        session = sign_in(self.world.server, user.email, user.password, self.world.slug)
        return Client(self.world.server, session["access_token"])

    def sensible(self, operation, body):
        """A body the schema allows, with what no schema can say: ids and currencies that exist, sums, credentials."""
        client = {"client_id": self.partner.client_id, "client_secret": self.partner.secret}
        whole = {
            "createToken": {"grant_type": "client_credentials", **client},
            "introspectToken": {"token": "x.y.z", **client},
            "createSession": {"email": self.world.email, "password": PASSWORD, "program": self.world.slug},
            "setTestClock": {"now_at": None},
            "checkDeal": {"partner_id": self.partner.id, "customer_name": "Nordwind Logistik"},
            "startTotp": {"password": PASSWORD},
            "changePassword": {"current_password": PASSWORD, "new_password": PASSWORD},
        }
        if operation.id == "acceptInvitation":
            return {"token": self.world.invite("viewer")["invitation_token"], "password": PASSWORD}
        if operation.id == "requestDealExtension":  # one that nobody has asked to extend yet
            return {"deal_id": self.world.deal_in("approved")["id"], "days": 30, "reason": body["reason"]}
        if operation.id == "createImport":
            return {"file_id": self.world.upload(b"{}", name="deals", media_type="application/x-ndjson")["id"]}
        if operation.id == "openDispute":
            return {"deal_id": self.world.deal_in("rejected")["id"], "ground": "rejection", "statement": body["statement"]}
        if operation.id == "submitDisputeEvidence":
            return {"dispute_id": self.world.dispute_in("evidence")["id"], "title": body["title"], "text": "As we wrote."}
        if operation.id == "confirmPasswordReset":
            return {"token": self.reset_token, "new_password": PASSWORD}
        if operation.id in whole:
            return whole[operation.id]
        if operation.id in self.people and operation.id != "startTotp":
            return {"code": second_factor.code(self.people[operation.id].secret)}
        for holder, key in [*places(body)]:
            if key == "currency":
                holder[key] = "EUR"
        terms = {"allowed_networks": ["192.0.2.0/24"], "expires_at": None}
        strategic = self.world.tiers["strategic"]["id"]
        newcomer = self.world.new_partner()["id"] if operation.id in ("offerPartnerAgreement", "createPartnerRelation") else None
        parts = {
            "mergePartner": {"into_partner_id": self.partner.id},
            "createAgreementTemplate": {"key": unique("k").replace("-", "_")},
            "updatePartnerType": {"default_tier_id": None, "agreement_key": None},
            "offerPartnerAgreement": {"partner_id": newcomer, "template_id": self.template["id"]},
            "acceptPartnerAgreement": {"text_hash": self.template["text_hash"]},
            "submitPartnerApplicationForm": {"form_key": self.form_key["public_key"]},
            "createPartnerContact": {"partner_id": self.partner.id},
            "createPartnerRelation": {"partner_id": newcomer, "parent_id": self.distributor,
                                      "starts_at": None, "ends_at": None},
            "endPartnerRelation": {"ends_at": None},
            "createPartner": {"tier_id": strategic}, "changePartnerTier": {"tier_id": strategic},
            "overridePartnerTier": {"tier_id": strategic, "ends_at": "2100-01-01T00:00:00Z"},
            "createPartnerCertification": {"user_id": self.partner.user().id, "expires_on": None},
            "recordPartnerMetric": {"partner_id": self.partner.id, "metric": "active_users", "value": 1,
                                    "measured_at": "2026-01-31T23:00:00Z"},
            "createTierEvaluation": {"partner_ids": [self.partner.id], "use_drafts": False},
            "updateProgram": {"second_factor_roles": [], "extension_days": 30, "max_extensions": 1, "protection_days": 90},
            "createTier": {"margin_band": {"floor_bps": 0, "base_bps": 1000, "cap_bps": 2000}, "benefits": [],
                           "requirements": []},
            "updateTier": {"margin_band": {"base_bps": 4500}, "benefits": [], "requirements": []},
            "publishTier": {"effective_at": "2999-01-01T00:00:00Z"},
            "applyTierPreset": {"preset": "registered_preferred_strategic"},
            "createBenefit": {"kind": "boolean", "unit": None, "choices": []}, "updateBenefit": {"unit": None, "choices": []},
            "createUser": {"partner_id": self.partner.id if body.get("role", "").startswith("partner_") else None},
            "createApiClient": {"partner_id": None, **terms}, "updateApiClient": terms,
        }
        provider = {"audience": unique("api"), "role_rules": [], "default_role": "viewer", "partner_id": None,
                    "partner_claim": None}
        parts.update({
            "createIdentityProvider": {"issuer": f"https://{unique('login')}.example.invalid", **provider},
            "updateIdentityProvider": provider,
            "linkUserIdentity": {"user_id": self.ids["user_id"][0], "provider_id": self.ids["provider_id"][0]}})
        parts.update({
            "createRegion": {"parent_id": self.ids["region_id"][0], "countries": []},
            "updateRegion": {"parent_id": None, "countries": []},
            "createTerritoryAssignment": {"partner_id": self.partner.id, "region_id": self.world.make_region()["id"], "product_id": None,
                                          "valid_to": None},
            "updateTerritoryAssignment": {"valid_to": None}, "endTerritoryAssignment": {"ends_at": "2999-01-01T00:00:00Z"},
            "createBenefitOverride": {"partner_id": self.partner.id, "benefit_id": self.world.make_benefit()["id"], "value": True,
                                      "valid_from": "2998-01-01T00:00:00Z", "valid_until": "2999-01-01T00:00:00Z"},
            "createFxRate": {"base": "USD", "quote": "EUR", "rate": "0.92"}})
        parts.update({"createDealNote": {"deal_id": self.ids["deal_id"][0]}, "createDealDocument": {
            "deal_id": self.ids["deal_id"][0],
            **({"file_id": self.world.upload()["id"]} if operation.id == "createDealDocument" else {})}})
        parts.update({"acceptDealHelpRequest": {"assignee_id": self.ids["user_id"][0]}, "createDealHelpRequest": {
            "deal_id": self.ids["deal_id"][0]}, "createSpecialPricingRequest": {"requested_margin_bps": 4000, **(
                {"deal_id": self.world.deal_in("submitted")["id"]} if operation.id == "createSpecialPricingRequest" else {})},
            "approveSpecialPricingRequest": {"granted_margin_bps": 4000, "valid_until": "2999-01-01T00:00:00Z"}})
        item = {"product_id": self.ids["product_id"][0], "quantity": 3}
        rules = {"rules": [], "accelerators": []}
        parts.update({
            "createDealApprovalPolicy": {**HARMLESS_POLICY, "position": next(positions)},
            "updateDealApprovalPolicy": {**HARMLESS_POLICY, "position": next(positions)},
            "requestDealExtension": {"deal_id": self.ids["deal_id"][0], "days": 1}, "approveDealExtension": {"days": 1},
            "createCustomField": {"kind": "text", "choices": [], "is_required": False, "visibility": "vendor"},
            "reassignDeal": {"partner_id": self.active()["id"] if operation.id == "reassignDeal" else None,
                             "owner_id": None},
            "splitDealCredit": {"collaborators": [
                {"partner_id": self.partner.id, "contribution": "sourced", "share_bps": 10_000}]},
            "createDealLimit": {"partner_id": None, "tier_id": self.world.tiers["strategic"]["id"], "open_limit": 10_000,
                                "ends_at": None},
            "updateDealLimit": {"ends_at": None},
            "updateCustomField": {"choices": [], "is_required": False},
            "registerDeal": {"partner_id": self.partner.id, "line_items": [], "custom_fields": {}, "vendor_custom_fields": {}},
            "updateDeal": {"line_items": [], "custom_fields": {}, "vendor_custom_fields": {}},
            "loseDeal": {"reason_key": "competitor", "closed_on": "2026-01-01"},
            "resolveDealConflict": {"winner_deal_id": self.wanted.get("holder_deal_id")},
            "createProductPrice": {"product_id": item["product_id"], "valid_from": "2999-01-01T00:00:00Z",
                                   "volume_bands": [{"from_quantity": 10, "discount_bps": 500}]},
            "createMarginRuleSet": rules, "updateMarginRuleSet": rules,
            "publishMarginRuleSet": {"effective_at": "2999-01-01T00:00:00Z"},
            "createMarginQuote": {"partner_id": self.partner.id, "lines": [item]},
            "prorateMargin": {"partner_id": self.partner.id, "starts_on": "2030-06-01", "ends_on": "2030-07-01"},
            "simulateMargins": {"rule_set_id": self.ids["rule_set_id"][0], "deals": {
                "decided_from": "2026-01-01T00:00:00Z", "decided_until": "2999-01-01T00:00:00Z"},
                "baskets": [{"partner_id": self.partner.id, "currency": "EUR", "lines": [item]}]}})
        return {**{name: value for name, value in body.items() if name not in ("quote_id", "deal_id")}, **parts.get(operation.id, {})}

    def rows(self, operation, count=NEW_ROWS):
        names = [entry["name"] for entry in operation.parameters if entry["in"] == "path"]
        if operation.id in self.makers:
            return {names[0]: [self.makers[operation.id]()["id"] for _ in range(count)]}
        return {name: self.ids[name] for name in names}

    def path(self, operation):
        """With the ids of one row."""
        return path_of(operation, {name: known[0] for name, known in self.rows(operation, 1).items()})


@pytest.fixture(scope="module")
def targets(server, database_url):
    return Targets(World(server, database_url))


def header_of(operation, name):
    return any(entry["in"] == "header" and entry["name"] == name for entry in operation.parameters)


def share(name, things):
    """Those that fall to an operation; nothing is left out over any three that follow each other."""
    return list(things)[[*OPERATIONS].index(name) % SHARES::SHARES]


def path_of(operation, ids):
    path = operation.path
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def paths(operation, rows, is_bad):
    names = sorted(rows)
    junk = st.sampled_from(BAD_IDS)
    each = {name: junk if is_bad else st.sampled_from(rows[name]) for name in names}
    return st.fixed_dictionaries(each).map(lambda ids: path_of(operation, ids))


def as_text(value):
    text = json.dumps(value) if isinstance(value, (bool, dict, list)) or value is None else str(value)
    return text.encode("utf-8", "replace")


@st.composite
def queries(draw, operation, is_bad):
    """Some of the parameters with values they allow, and one that is junk when it is to be bad."""
    entries = {entry["name"]: entry["schema"] for entry in operation.parameters
               if entry["in"] == "query" and entry["name"] not in ("cursor", "dry_run")}
    if is_bad and not entries:
        return draw(st.sampled_from(QUERIES))
    chosen = draw(st.lists(st.sampled_from(sorted(entries)), max_size=4, unique=True)) if entries else []
    values = {entry["name"]: entry["example"] for entry in operation.parameters
              if entry["in"] == "query" and entry.get("required")}
    values.update({name: draw(valid(entries[name])) for name in chosen})
    if is_bad:
        values[draw(st.sampled_from(sorted(entries)))] = draw(st.sampled_from(JUNK))
    elif header_of(operation, "If-Match") or operation.method == "POST":
        values.update({"dry_run": True} if "dry_run" in operation.query_names and draw(st.integers(0, 3)) == 0 else {})
    return urlencode([(name, as_text(item)) for name, value in values.items()
                      for item in (value if isinstance(value, list) else [value])])[:QUERY_MOST]


@st.composite
def header_sets(draw, operation, is_bad):
    chosen = {"Accept": draw(st.sampled_from(BAD_ACCEPTS)) if is_bad else "application/json"}
    for name, bad, good in (("If-Match", BAD_TAGS, ["*"]), ("If-None-Match", BAD_TAGS, [None, '"1"', "*"]),
                            ("Idempotency-Key", BAD_KEYS, [FRESH])):
        if header_of(operation, name):
            chosen[name] = draw(st.sampled_from(bad if is_bad else good))
    return chosen


@st.composite
def bodies(draw, operation, is_bad, targets):
    """(media type, bytes); (None, None) where the operation takes none."""
    if not operation.request_content:
        return None, None
    media_type = draw(st.sampled_from(sorted(operation.request_content)))
    schema = operation.request_content[media_type]["schema"]
    if schema.get("format") == "binary":
        return media_type, draw(st.binary(max_size=300)) if is_bad else CONTENT
    value = draw(mutated(schema)) if is_bad else targets.sensible(operation, draw(valid(schema)))
    if not media_type.endswith("form-urlencoded"):
        return media_type, json.dumps(value).encode()
    return media_type, urlencode({name: as_text(item) for name, item in value.items()}
                                 if isinstance(value, dict) else {"x": as_text(value)}).encode()


def places_of(operation):
    """Where a request can be spoilt."""
    return ["client", "query", "headers", *["path"] * ("{" in operation.path), *["body"] * bool(operation.request_content)]


@st.composite
def requests(draw, operation, targets, rows, is_spoilt):
    """A request that may well succeed, or one that is spoilt in one or two places."""
    spoilt = draw(st.sets(st.sampled_from(places_of(operation)), min_size=1, max_size=2)) if is_spoilt else ()
    clients = targets.strangers if "client" in spoilt else [targets.principal(operation)]
    return {
        "client": draw(st.sampled_from(clients)),
        "path": draw(paths(operation, rows, "path" in spoilt)),
        "query": draw(queries(operation, "query" in spoilt)),
        "headers": draw(header_sets(operation, "headers" in spoilt)),
        "body": draw(bodies(operation, "body" in spoilt, targets)),
    }


def send(client, operation, path, query="", headers=None, body=(None, None)):
    """One exchange; the client checks it against the contract and fails when the connection drops."""
    media_type, data = body
    sent = dict(headers or {})
    if sent.get("Idempotency-Key") == FRESH:
        sent["Idempotency-Key"] = str(uuid.uuid4())
    if media_type:
        sent["Content-Type"] = media_type
    answer = client.request(operation.method, path + ("?" + query if query else ""), data, headers=sent, key=None)
    assert answer.status < 500, answer
    return answer


@pytest.mark.parametrize("name", OPERATIONS)
def test_generated_requests(targets, name):
    operation = OPERATIONS[name]
    rows = targets.rows(operation)
    seen = set()
    for is_spoilt in (False, True):
        @FUZZ
        @given(requests(operation, targets, rows, is_spoilt))
        def shoot(request):
            seen.add(send(operation=operation, **request).status)

        shoot()
    if name not in WITH_COOKIES:
        assert any(200 <= status < 300 for status in seen), f"nothing got through: {seen}"
    assert any(400 <= status < 500 for status in seen), f"nothing was refused: {seen}"


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.request_content])
def test_bodies_that_are_no_json(targets, name):
    operation = OPERATIONS[name]
    path = targets.path(operation)
    media_type = next(iter(operation.request_content))
    headers = {"If-Match": '"999"', "Idempotency-Key": FRESH}
    headers = {key: value for key, value in headers.items() if header_of(operation, key)}
    for what, data in share(name, SHOTS.items()):
        if not data and "If-Match" not in headers and not operation.body_required:
            continue
        answer = send(targets.world.admin, operation, path, "", headers, (media_type, data))
        assert 400 <= answer.status < 500, f"{what}: {answer}"
    for other in share(name, MEDIA_TYPES):
        if other in operation.request_content:
            continue
        answer = send(targets.world.admin, operation, path, "", headers, (other, b"{}"))
        assert 400 <= answer.status < 500, f"{other}: {answer}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_queries_nobody_knows(targets, name):
    """An unknown parameter is refused everywhere, on operations without parameters too."""
    operation = OPERATIONS[name]
    path = targets.path(operation)
    headers = {"If-Match": '"999"'} if header_of(operation, "If-Match") else {}
    reader = targets.world.mailer() if name == "getMail" else targets.world.admin
    for query in ["unknown=1", *share(name, QUERIES)]:
        answer = send(reader, operation, path, query, headers)
        names = {part.split("=")[0] for part in query.split("&")}
        if not names <= operation.query_names:
            assert answer.status in (400, 414), f"{query}: {answer}"
        else:
            assert answer.status != 404, f"{query}: {answer}"
