# SPDX-License-Identifier: Apache-2.0
"""A small world per test module: a sandbox program of its own, with tiers, two partners and everybody who works there.

Everything is made over the API by those who may make it, except the program and its first admin, which the operator
makes on the command line. Names are unique, so worlds share a server without seeing each other.
"""
import hashlib
import itertools
import json
import uuid

from support import wait
from support.client import Client
from support.judge import path_of
from support.server import partnerd

PASSWORD = "correct horse battery staple"
TIERS = {
    "registered": (1, 1000, 1000, 1500), "preferred": (2, 2000, 2500, 3000), "strategic": (3, 3500, 3500, 4500),
}
PARTNER_SCOPES = ["program:read", "tiers:read", "partners:read", "deals:read", "deals:write", "events:read", "files:read",
                  "files:write"]
DEAL = {"customer_name": "Northwind Academy", "amount": {"amount_minor": 4_800_000, "currency": "EUR"}}
numbers = itertools.count(1)


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def sign_in(server, email, password, program=None):
    body = {"email": email, "password": password}
    if program:
        body["program"] = program
    return Client(server).post("/v1/sessions", body, expect=201)


def accept(server, token, password=PASSWORD, **members):
    """The invited person chooses a password; answers what signing in takes."""
    return Client(server).post("/v1/invitations/accept", {"token": token, "password": password, **members}, expect=200)


def client_token(server, client_id, secret, scope=None):
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    if scope:
        form["scope"] = scope
    return Client(server).post("/oauth/token", form=form, expect=200)["access_token"]


def send_content(client, file_id, content, headers=None, **options):
    """The bytes of a declared file, in one request."""
    return client.request("PUT", f"/v1/files/{file_id}/content", content, **options,
                          headers={"Content-Type": "application/octet-stream", **(headers or {})})


class Partner:
    """A partner as the tests use it: its id and its machine client; people are made on demand."""

    def __init__(self, world, partner):
        self.world, self.id, self.name = world, partner["id"], partner["name"]
        self.client_id, self.secret = world.make_client(PARTNER_SCOPES, self.id)
        self.api = Client(world.server, client_token(world.server, self.client_id, self.secret))
        self.people = {}

    def user(self, role="partner_admin"):
        if role not in self.people:
            self.people[role] = self.world.make_user(role, self.id)
        return self.people[role]

    def deal(self, **members):
        return self.api.post("/v1/deals", {**DEAL, **members}, expect=201).json


class World:
    def __init__(self, server, database_url, environment="test", tiers="registered_preferred_strategic"):
        self.server, self.database_url = server, database_url
        self.slug, self.email = unique("prog"), f"{unique('admin')}@vendor.example"
        partnerd("program", "create", "--slug", self.slug, "--name", f"Programme {self.slug}",
                 "--environment", environment, "--tiers", tiers, "--admin-email", self.email, "--admin-password", PASSWORD,
                 database_url=database_url)
        session = sign_in(server, self.email, PASSWORD, self.slug)
        self.admin, self.admin_id = Client(server, session["access_token"]), session["user_id"]
        self.program_id = session["program_id"]
        self.tiers = self._tiers() if tiers == "registered_preferred_strategic" else {}
        self.people, self.named = {}, {}

    def _tiers(self):
        known = {tier["key"]: tier for tier in self.admin.list("/v1/tiers")}
        for key, (rank, floor, base, cap) in TIERS.items():
            if key not in known:
                known[key] = self.make_tier(key, rank=rank, band=(floor, base, cap))
            elif known[key]["status"] == "draft":
                known[key] = self.act("tiers", known[key], "publish")
        return known

    def refresh(self, row, by=None):
        return (by or self.admin).get(path_of(row)).json

    def act(self, plural, row, action, body=None, by=None, expect=200):
        """One action on a row with the row's own version."""
        answer = (by or self.admin).post(
            f"/v1/{plural}/{row['id']}/{action}", body, if_match=row["version"], expect=expect)
        return answer.json

    # ---- who works here ----
    def invite(self, role, partner_id=None, by=None):
        """Somebody who has not accepted yet; the row with its token."""
        return (by or self.admin).post("/v1/users", {
            "email": f"{unique(role.replace('_', '-'))}@people.example", "name": f"Robin {role}", "role": role,
            **({"partner_id": partner_id} if partner_id else {})}, expect=201).json

    def make_user(self, role, partner_id=None):
        made = self.invite(role, partner_id)
        accept(self.server, made["invitation_token"])
        session = sign_in(self.server, made["email"], PASSWORD, self.slug)
        client = Client(self.server, session["access_token"])
        client.id, client.email, client.password = made["id"], made["email"], PASSWORD
        return client

    def user(self, role):
        """A vendor's user with this role, made once."""
        if role not in self.people:
            self.people[role] = self.make_user(role)
        return self.people[role]

    def make_client(self, scopes, partner_id=None):
        made = self.admin.post("/v1/api-clients", {
            "name": unique("client"), "scopes": scopes,
            **({"partner_id": partner_id} if partner_id else {})}, expect=201).json
        return made["id"], made["client_secret"]

    def mailer(self):
        """The machine client that sends mail, to which the operator gave what no role has; made once."""
        if "mailer" not in self.people:
            made = partnerd("client", "create", "--program", self.slug, "--name", "Mailer", "--scopes",
                            "mails:read events:read", database_url=self.database_url).stdout
            found = dict(line.split("=", 1) for line in made.splitlines())
            self.people["mailer"] = Client(
                self.server, client_token(self.server, found["client_id"], found["client_secret"]))
        return self.people["mailer"]

    def machine(self, scopes, partner_id=None):
        client_id, secret = self.make_client(scopes, partner_id)
        return Client(self.server, client_token(self.server, client_id, secret))

    def make_provider(self, **members):
        """An identity provider; its issuer is nowhere unless the test says where."""
        return self.admin.post("/v1/identity-providers", {
            "name": unique("Provider"), "issuer": f"https://{unique('login')}.example.invalid", **members},
            expect=201).json

    def make_link(self, provider_id, user_id, subject=None):
        return self.admin.post("/v1/user-identities", {
            "provider_id": provider_id, "user_id": user_id, "subject": subject or unique("sub")}, expect=201).json

    # ---- things ----
    def make_tier(self, key=None, rank=None, band=(4500, 4500, 4500), publish=True, **members):
        """At the top, where bands of any number of tiers meet and do not overlap."""
        floor, base, cap = band
        tier = self.admin.post("/v1/tiers", {
            "key": key or f"t{uuid.uuid4().hex[:8]}", "name": f"Tier {key or 'extra'} {uuid.uuid4().hex[:6]}",
            "rank": rank or self.free_rank(), "benefits": [], "requirements": [],
            "margin_band": {"floor_bps": floor, "base_bps": base, "cap_bps": cap}, **members}, expect=201).json
        return self.act("tiers", tier, "publish") if publish else tier

    def free_rank(self):
        """One that no tier has, whoever else made tiers in the same program (the contract fuzzer does, with any rank)."""
        taken = {tier["rank"] for tier in self.admin.list("/v1/tiers")}
        return next(rank for rank in (10 + number for number in numbers) if rank not in taken)

    def make_certification(self, user_id=None, **members):
        """Of somebody new, unless the test names the person."""
        return self.admin.post("/v1/partner-certifications", {
            "user_id": user_id or self.invite("partner_member", self.partner("a").id)["id"],
            "certification": f"c{uuid.uuid4().hex[:8]}", "awarded_on": "2026-01-15", **members}, expect=201).json

    def make_figure(self, partner_id, **members):
        return self.admin.post("/v1/partner-metrics", {
            "partner_id": partner_id, "metric": "active_users", "value": 320, "measured_at": "2026-01-31T23:00:00Z",
            "source": "lms", **members}, expect=201).json

    def make_review(self, partner_id):
        """One partner's, of an evaluation of its own."""
        made = self.admin.post("/v1/tier-evaluations", {"partner_ids": [partner_id]}, expect=201)
        return self.admin.list("/v1/tier-reviews", {"evaluation_id": made["id"]})[0]

    def make_region(self, parent=None, **members):
        return self.admin.post("/v1/regions", {
            "key": f"r{uuid.uuid4().hex[:10]}", "name": unique("Region"),
            **({"parent_id": parent["id"]} if parent else {}), **members}, expect=201).json

    def assign(self, partner, region, expect=201, **members):
        return self.admin.post("/v1/territory-assignments", {
            "partner_id": partner.id, "region_id": region["id"], **members}, expect=expect).json

    def make_rate(self, base="USD", quote="EUR", rate="0.92", **members):
        """In force from an instant of its own, unless the test says which."""
        valid_from = f"2026-01-01T00:00:00.{next(numbers):06d}Z"
        return self.admin.post("/v1/fx-rates", {
            "base": base, "quote": quote, "rate": rate, "source": "ECB", "valid_from": valid_from, **members},
            expect=201).json

    def make_benefit(self, **members):
        return self.admin.post("/v1/benefits", {
            "key": f"b{uuid.uuid4().hex[:8]}", "name": unique("Benefit"), "kind": "boolean", **members}, expect=201).json

    def override(self, partner_id, benefit_id=None, **members):
        return self.admin.post("/v1/benefit-overrides", {
            "partner_id": partner_id, "benefit_id": benefit_id or self.make_benefit()["id"], "value": True,
            "reason": "Agreed on the phone", "valid_until": "2099-01-01T00:00:00Z", **members}, expect=201).json

    def make_product(self, **members):
        return self.admin.post("/v1/products", {
            "key": unique("product").replace("-", "_"), "name": unique("Product"), "kind": "licence", "unit": "seat",
            **members}, expect=201).json

    def make_price(self, product_id, unit_minor=2000, currency="EUR", **members):
        return self.admin.post("/v1/product-prices", {
            "product_id": product_id, "unit_amount": {"amount_minor": unit_minor, "currency": currency}, **members},
            expect=201).json

    def make_rule_set(self, **members):
        return self.admin.post("/v1/margin-rule-sets", {"name": unique("Rules"), **members}, expect=201).json

    def declare_file(self, content=b"%PDF-1.7 offer", by=None, name="offer.pdf", media_type="application/pdf", **members):
        return (by or self.admin).post("/v1/files", {
            "name": name, "media_type": media_type, "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), **members}, expect=201).json

    def upload(self, content=b"%PDF-1.7 offer", by=None, **members):
        """A stored file."""
        made = self.declare_file(content, by, **members)
        return send_content(by or self.admin, made["id"], content, expect=200).json

    def make_stage(self, **members):
        taken = {stage["position"] for stage in self.admin.list("/v1/deal-stages")}
        return self.admin.post("/v1/deal-stages", {
            "key": unique("stage").replace("-", "_"), "name": unique("Stage"), "probability_bps": 5000,
            "position": next(number for number in range(100, 1001) if number not in taken), **members}, expect=201).json

    def make_note(self, deal_id=None, by=None, **members):
        return (by or self.admin).post("/v1/deal-notes", {
            "deal_id": deal_id or self.deal_in("submitted")["id"], "body": "The board decides on the 20th.", **members},
            expect=201).json

    def ask_help(self, deal_id=None, by=None, **members):
        return (by or self.partner("a").api).post("/v1/deal-help-requests", {
            "deal_id": deal_id or self.deal_in("submitted")["id"], "kind": "demo", "message": "A demo for the board.",
            **members}, expect=201).json

    def ask_price(self, deal_id=None, by=None, margin_bps=4000, **members):
        return (by or self.partner("a").api).post("/v1/special-pricing-requests", {
            "deal_id": deal_id or self.deal_in("submitted")["id"], "requested_margin_bps": margin_bps,
            "reason": "A competitor offers a third less.", **members}, expect=201).json

    def make_document(self, deal_id=None, by=None, **members):
        return (by or self.admin).post("/v1/deal-documents", {
            "deal_id": deal_id or self.deal_in("submitted")["id"], "file_id": self.upload(by=by)["id"], "kind": "offer",
            "title": "Offer", **members}, expect=201).json

    def make_reason(self, **members):
        return self.admin.post("/v1/lost-reasons", {
            "key": unique("reason").replace("-", "_"), "name": unique("Reason"), **members}, expect=201).json

    def make_import(self, content=None, by=None, until="created", expect=201, **members):
        """Of a file of one line, unless the test has another; brought as far as `until`."""
        by = by or self.admin
        text = content if content is not None else json.dumps({**DEAL, "partner_id": self.partner("a").id, "draft": True})
        media_type = members.pop("media_type", "application/x-ndjson")
        file = self.upload(text.encode() if isinstance(text, str) else text, by, name="deals", media_type=media_type)
        made = by.post("/v1/imports", {"file_id": file["id"], **members}, expect=expect).json
        if until == "created":
            return made
        self.act("imports", made, "validate", by=by)
        made = self.import_in(made, until if until in ("validating", "failed") else "validated", by)
        if until in ("validating", "validated", "failed"):
            return made
        self.act("imports", made, "start", {"skip_invalid": True}, by=by)
        return self.import_in(made, until, by)

    def import_in(self, made, status, by=None, seconds=60):
        """As soon as the job has brought it there."""
        seen = {}

        def is_there():
            seen.update((by or self.admin).get(f"/v1/imports/{made['id']}", expect=200).json)
            return seen["status"] == status or seen["status"] in ("failed", "cancelled", "completed")

        wait.until(is_there, f"the import is {status}", seconds, 0.05)
        assert seen["status"] == status, seen
        return seen

    def make_quote(self, partner_id, unit_minor=2000, **members):
        price = self.make_price(self.make_product()["id"], unit_minor)
        return self.admin.post("/v1/margin-quotes", {
            "partner_id": partner_id, "currency": "EUR", "lines": [{"product_id": price["product_id"], "quantity": 1}],
            **members}, expect=201).json

    def make_deal_limit(self, partner_id=None, **members):
        """Of one partner, somebody new unless the test says who, and wide enough to keep nobody from anything."""
        partner_id = partner_id or self.new_partner()["id"]
        for row in self.admin.list("/v1/deal-limits", {"partner_id": partner_id, "status": "active"}):
            self.act("deal-limits", row, "end")
        return self.admin.post("/v1/deal-limits", {"partner_id": partner_id, "open_limit": 10_000, **members}, expect=201).json

    def make_custom_field(self, **members):
        """The vendor's own unless the test says otherwise: partners' deals then still take any name."""
        row = {"of_object": "deal", "key": f"f{uuid.uuid4().hex[:10]}", "label": unique("Field"), "kind": "text",
               "visibility": "vendor", **members}
        return self.admin.post("/v1/custom-fields", row, expect=201).json

    def new_partner(self, tier="preferred", **members):
        """A partner that is still being onboarded."""
        tier_id = self.tiers[tier]["id"] if tier in self.tiers else tier
        return self.admin.post("/v1/partners", {
            "name": unique("Partner"), "type": "reseller", "country": "DE", "tier_id": tier_id, **members},
            expect=201).json

    def apply(self, by=None, **members):
        """An application to become a partner, submitted unless it is a draft."""
        name = unique("Applicant")
        return (by or self.admin).post("/v1/partner-applications", {
            "name": name, "type": "reseller", "country": "DE", "applicant_name": "Kim Applicant",
            "applicant_email": f"kim@{name.lower()}.example", **members}, expect=201).json

    def make_form_key(self, **members):
        """For any page and any type, unless the test says which."""
        return self.admin.post("/v1/form-keys", {"name": unique("Form"), **members}, expect=201).json

    def make_template(self, key=None, publish=False, **members):
        made = self.admin.post("/v1/agreement-templates", {
            "key": key or f"a{uuid.uuid4().hex[:10]}", "title": "Partner agreement", "text": "We work together.",
            "sla_annex": "Answer within 4 business hours.", **members}, expect=201).json
        return self.act("agreement-templates", made, "publish") if publish else made

    def offer(self, partner_id, template=None):
        """An agreement put before a partner."""
        template = template or self.make_template(publish=True)
        return self.admin.post("/v1/partner-agreements", {
            "partner_id": partner_id, "template_id": template["id"]}, expect=201).json

    def make_contact(self, partner_id, **members):
        return self.admin.post("/v1/partner-contacts", {
            "partner_id": partner_id, "name": "Juno Contact", "email": f"{unique('juno')}@people.example",
            **members}, expect=201).json

    def relate(self, partner_id, parent_id=None, **members):
        """The partner buys through a distributor from now on."""
        parent_id = parent_id or self.make_partner(type="distributor").id
        return self.admin.post("/v1/partner-relations", {
            "partner_id": partner_id, "parent_id": parent_id, **members}, expect=201).json

    def open_dispute(self, deal=None, by=None, **members):
        """About a rejected deal of partner a, unless the test has one."""
        deal = deal or self.deal_in("rejected")
        return (by or self.admin).post("/v1/disputes", {
            "deal_id": deal["id"], "ground": "rejection", "statement": "We were first.", **members}, expect=201).json

    def submit_evidence(self, dispute, by=None, **members):
        return (by or self.admin).post("/v1/dispute-evidence", {
            "dispute_id": dispute["id"], "title": "A mail", "text": "As we wrote.", **members}, expect=201).json

    def until_frozen(self, dispute):
        """The evidence is closed; a job makes the bundles."""
        frozen = lambda: (lambda row: row if row["phase"] == "frozen" else None)(self.refresh(dispute))
        return wait.until(frozen, "the bundles are signed")

    def dispute_in(self, phase, deal=None, respondent=None, **decision):
        """A dispute brought to this phase by the actions that lead there; frozen and what follows take seconds."""
        row = self.open_dispute(deal)
        if phase == "opened":
            return row
        row = self.act("disputes", row, "start-evidence", {"respondent_deal_id": respondent["id"]} if respondent else {})
        if phase == "evidence":
            return row
        for party in ["claimant", *(["respondent"] if respondent else [])]:
            row = self.act("disputes", row, "finish-evidence", {"party": party})
        row = self.until_frozen(row)
        if phase == "frozen":
            return row
        row = self.act("disputes", row, "decide", {"outcome": "dismissed", "rule": "program_policy", "reason": "Late.",
                                                   "appeal_days": 0 if phase == "final" else 14, **decision})
        if phase == "appealed":
            row = self.act("disputes", row, "appeal", {"party": "respondent" if respondent else "claimant", "reason": "No."})
        return row

    def above(self, partner):
        """The distributor that a partner buys through where a test relates them, made once."""
        name = f"above {partner.id}"
        if name not in self.named:
            self.named[name] = self.make_partner(type="distributor")
        return self.named[name]

    def partner_type(self, key):
        return self.admin.list("/v1/partner-types", {"key": key})[0]

    def make_partner(self, tier="preferred", **members):
        return Partner(self, self.act("partners", self.new_partner(tier, **members), "activate"))

    def partner(self, name):
        """An active partner by a name that only the test knows, made once: partner("a")."""
        if name not in self.named:
            self.named[name] = self.make_partner()
        return self.named[name]

    def deal_in(self, status, partner=None, **members):
        """A deal brought to this status by the actions that lead there, as the vendor's admin sees it."""
        partner = partner or self.partner("a")
        if status == "draft":
            return self.refresh(partner.deal(draft=True, **members))
        deal = self.refresh(partner.deal(**members))
        for action, body in PATHS[status]:
            by = partner.api if action == "withdraw" else self.admin
            deal = self.act("deals", deal, action, body, by=by)
        return self.refresh(deal)

    def make_conflict(self):
        """Two partners want one customer; the second waits."""
        customer = {"customer_name": unique("Customer"), "customer_website": f"https://{unique('c')}.example"}
        self.partner("first in line").deal(**customer)
        waits = self.partner("second in line").deal(**customer)
        return self.admin.list("/v1/deal-conflicts", {"deal_id": waits["id"]})[0]

    def make_approval_policy(self, **members):
        """For deals of more than anything is worth, unless the test says for which."""
        return self.admin.post("/v1/deal-approval-policies", {
            "name": unique("Policy"), "conditions": [{"fact": "amount_minor", "comparison": "gte", "value": 2 ** 53 - 1}],
            "steps": [{"name": "Review", "role": "reviewer"}], **members}, expect=201).json

    def make_extension(self, partner=None, deal=None, **members):
        """A request for more protection, of a deal of its own unless the test gives one."""
        partner = partner or self.partner("a")
        deal = deal or self.deal_in("approved", partner)
        return partner.api.post("/v1/deal-extensions", {"deal_id": deal["id"], "reason": "The board meets.", **members},
                                expect=201).json

    def set_clock(self, now_at):
        """Sets the test clock. Only an earlier instant goes by way of real time, at which jobs may find something due."""
        set_to = lambda instant, **how: self.admin.post("/v1/program/test-clock", {"now_at": instant}, **how)
        answer = set_to(now_at)
        if answer.status == 422:
            set_to(None, expect=200)
            answer = set_to(now_at)
        assert answer.status == 200, answer
        return answer.json

    def advance_clock(self, seconds):
        return self.admin.post("/v1/program/test-clock", {"advance_seconds": seconds}, expect=200).json


PATHS = {
    "submitted": [],
    "in_review": [("start-review", None)],
    "info_requested": [("request-info", {"message": "Which seats?"})],
    "approved": [("approve", {})],
    "rejected": [("reject", {"reason": "Not our market."})],
    "withdrawn": [("withdraw", {"reason": "The customer left."})],
    "won": [("approve", {}), ("win", {})],
    "lost": [("approve", {}), ("lose", {"reason": "Price."})],
    "cancelled": [("approve", {}), ("cancel", {"reason": "Programme ended."})],
}
