# SPDX-License-Identifier: Apache-2.0
"""What the path parameters of the contract name, for whoever is asked about: {"deal_id": "0193…", …}.

The tests of the walls and of the authorization matrix try every operation with these ids. An operation whose path has a
new parameter needs one line here: an id of that kind which belongs to the partner, or to the vendor's side.
"""
from support import wait


def of_partner(world, partner):
    """The ids of everything a partner has; a tier is the program's, and this one is not published."""
    relation = world.relate(partner.id, world.above(partner).id)
    deal = world.deal_in("approved", partner)
    return {"partner_id": partner.id, "deal_id": deal["id"], "decision_id": deal["margin_decision_id"],
            "mail_id": mail_to(world, partner.user().id), "user_id": partner.user().id,
            "client_id": partner.client_id, **federation(world),
            "import_id": world.make_import(by=partner.api)["id"],
            "tier_id": world.make_tier(publish=False)["id"], "benefit_id": world.make_benefit()["id"],
            "custom_field_id": world.make_custom_field()["id"],  # the vendor's own
            "deal_limit_id": world.make_deal_limit(partner.id)["id"],
            "collaborator_id": world.admin.list("/v1/deal-collaborators", {"deal_id": deal["id"]})[0]["id"],
            "application_id": world.apply(draft=True)["id"],
            "template_id": world.make_template()["id"], "agreement_id": world.offer(partner.id)["id"],
            "contact_id": world.make_contact(partner.id)["id"], "form_key_id": world.make_form_key()["id"],
            "relation_id": relation["id"],
            "partner_type_id": world.partner_type("content_provider")["id"],  # not what the partners of tests are
            "file_id": world.upload(by=partner.api)["id"], **words(world), **parts(world, deal["id"], partner.api),
            **asked(world, partner),
            **sales(world), "quote_id": world.make_quote(partner.id)["id"],
            "session_id": partner.user().get("/v1/sessions/current")["id"],
            **dispute(world, partner), **reviews(world, partner), **territory(world, partner), "rate_id": world.make_rate()["id"],
            "override_id": world.override(partner.id)["id"],
            "extension_id": world.make_extension(partner)["id"], "policy_id": world.make_approval_policy()["id"],
            "conflict_id": world.make_conflict()["id"]}  # the vendor's, whoever stands in it


def dispute(world, partner):
    """A case of the partner's, and what it submitted."""
    row = world.open_dispute(world.deal_in("rejected", partner), by=partner.api)
    evidence = world.submit_evidence(row, by=partner.api)
    row = world.act("disputes", world.act("disputes", row, "start-evidence", {}), "finish-evidence", {}, by=partner.api)
    return {"dispute_id": world.until_frozen(row)["id"], "evidence_id": evidence["id"]}


def reviews(world, partner):
    """What a partner is measured by and what came of it; the evaluation is the vendor's."""
    review = world.make_review(partner.id)
    return {"evaluation_id": review["evaluation_id"], "review_id": review["id"],
            "certification_id": world.make_certification(partner.user().id)["id"],
            "measurement_id": world.make_figure(partner.id)["id"]}


def territory(world, partner):
    """A region, and that the partner has it; the region is the program's."""
    region = world.make_region()
    return {"region_id": region["id"],
            "assignment_id": world.assign(partner, region, note="Confidential")["id"]}


def of_vendor(world):
    """What belongs to the vendor's side and to no partner, though partners have things of the kind."""
    return {"user_id": world.user("viewer").id, "client_id": world.make_client(["deals:read"])[0], **sales(world),
            **parts(world, world.deal_in("submitted")["id"]), "file_id": world.upload()["id"], "application_id": world.apply(draft=True)["id"],
            "session_id": world.user("viewer").get("/v1/sessions/current")["id"], **federation(world),
            "import_id": world.make_import()["id"], "custom_field_id": world.make_custom_field()["id"]}


def parts(world, deal_id, by=None):
    """What was added to a deal; the vendor keeps for itself what it adds."""
    return {"note_id": world.make_note(deal_id, by)["id"], "document_id": world.make_document(deal_id, by)["id"]}


def asked(world, partner):
    """What a partner asked the vendor for."""
    return {"help_id": world.ask_help(partner.deal()["id"], partner.api)["id"],
            "pricing_id": world.ask_price(partner.deal()["id"], partner.api)["id"]}


def words(world):
    """The program's words for what happens to deals."""
    return {"stage_id": world.make_stage()["id"], "reason_id": world.make_reason()["id"]}


def sales(world):
    """What is sold is the program's; its rules of margin are the vendor's."""
    price = world.make_price(world.make_product()["id"])
    return {"product_id": price["product_id"], "price_id": price["id"], "rule_set_id": world.make_rule_set()["id"]}


def federation(world):
    """Only the vendor's side has identity providers and links, those of partners' people included."""
    provider = world.make_provider()
    link = world.make_link(provider["id"], world.user("viewer").id)
    return {"provider_id": provider["id"], "identity_id": link["id"]}


def mail_to(world, user_id):
    """The invitation by which the person came, as the feed names it."""
    queued = lambda: [event["resource"]["id"] for event in world.mailer().list("/v1/events", {"type": "mail.queued"})
                      if event["data"]["user_id"] == user_id]
    return wait.until(queued, "the invitation is in the feed")[0]
