# SPDX-License-Identifier: Apache-2.0
"""allowed_actions is what the server accepts: every action is tried by everybody, in every state and before every step.

Who builds buttons from the list alone must never draw one that is refused, nor miss one. Left to the attempt is only what
the request brings along, and whether somebody else has the account.
"""
import pytest

from support.world import DEAL, World, unique

LARGE = {"amount_minor": 10_000_000, "currency": "EUR"}
STEPS = [{"name": "Manager", "role": "partner_manager"}, {"name": "Director", "role": "admin", "four_eyes": True}]


def post(action, body=None):
    return lambda office, client, deal: client.post(f"/v1/deals/{deal['id']}/{action}", body, if_match="*")


def split(office, client, deal):
    return post("split-credit", {"collaborators": [
        {"partner_id": deal["partner_id"], "contribution": "sourced", "share_bps": 10_000}]})(office, client, deal)


def patch(**members):
    return lambda office, client, deal: client.patch(f"/v1/deals/{deal['id']}", members, if_match="*")


def ask(path, **members):
    return lambda office, client, deal: client.post(path, {"deal_id": deal["id"], **members})


ACTIONS = {  # how each is tried
    "submit": post("submit"), "start-review": post("start-review"), "request-info": post("request-info", {"message": "Why?"}),
    "approve": post("approve", {}), "reject": post("reject", {"reason": "x"}), "withdraw": post("withdraw", {}),
    "win": post("win", {}), "lose": post("lose", {"reason": "x"}), "cancel": post("cancel", {"reason": "x"}),
    "reassign": post("reassign", {"owner_id": None, "reason": "x"}), "split-credit": split,
    "postpone": post("postpone", {"days": 10, "reason": "x"}), "reopen": post("reopen", {"reason": "x"}),
    "update": patch(description="Twice as many seats."), "update-progress": patch(next_step="Call the board."),
    "extend": ask("/v1/deal-extensions", reason="x"),
    "request-special-price": ask("/v1/special-pricing-requests", requested_margin_bps=4000, reason="x"),
    "request-help": ask("/v1/deal-help-requests", kind="demo", message="A demo."),
}


@pytest.fixture(scope="module")
def office(server, database_url, postgres):
    """A program in which large deals take two steps."""
    made = World(server, database_url)
    made.make_approval_policy(conditions=[{"fact": "amount_minor", "comparison": "gte", "value": LARGE["amount_minor"]}],
                              steps=STEPS)
    made.sql = lambda *query: postgres.execute(database_url.rsplit("/", 1)[1], *query)
    return made


@pytest.fixture(scope="module")
def callers(office):
    return {"admin": office.admin, "manager": office.user("partner_manager"), "viewer": office.user("viewer"),
            "machine": office.machine(["deals:read", "deals:write", "deals:approve"]),
            "partner": office.partner("a").api, "person": office.partner("a").user("partner_member")}


def large(office, *moves):
    deal = office.refresh(office.partner("a").deal(amount=LARGE, customer_name=unique("Customer")))
    for by, action, body in moves:
        deal = office.act("deals", deal, action, body, by=by)
    return deal


def half_way(office, *moves):
    return large(office, (office.user("partner_manager"), "approve", {}), *moves)


def priced(office, deal):
    office.ask_price(deal["id"])
    return deal


def held_up(office):
    customer = {"customer_name": unique("Customer"), "customer_website": f"https://{unique('c')}.example"}
    office.partner("b").deal(**customer)
    return office.partner("a").deal(**customer)


def expired(office):
    deal = office.deal_in("approved")
    office.sql("update deals set protection_starts_at = now() - interval '2 days', "
               "protection_expires_at = now() - interval '1 day' where id = %s", (deal["id"],))
    return deal


def extended(office, *moves):
    deal = office.deal_in("approved")
    asked = office.make_extension(deal=deal)
    for action in moves:
        office.act("deal-extensions", asked, action, {"reason": "x"} if action == "reject" else {})
    return deal


def in_state(status):
    return lambda office: office.deal_in(status)


SITUATIONS = {
    **{status: in_state(status) for status in ("draft", "submitted", "in_review", "info_requested", "approved", "rejected",
                                               "withdrawn", "won", "lost", "cancelled")},
    "expired": expired,
    "conflict hold": held_up,
    "an extension is asked": extended,
    "an extension was rejected": lambda office: extended(office, "reject"),
    "as often extended as may be": lambda office: extended(office, "approve"),
    "first step": large,
    "second step": half_way,
    "a price is asked": lambda office: priced(office, office.deal_in("submitted")),
    "first step, a price is asked": lambda office: priced(office, large(office)),
    "second step, a price is asked": lambda office: priced(office, half_way(office)),
    "asked back after a step": lambda office: half_way(office, (office.admin, "request-info", {"message": "Why?"})),
}


def offered(client, deal):
    """In the answer for one, which is the same as in a list."""
    alone = client.get(f"/v1/deals/{deal['id']}")["allowed_actions"]
    assert client.get("/v1/deals", {"number": deal["number"]})["data"][0]["allowed_actions"] == alone
    return alone


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_offered_is_accepted_and_what_is_not_is_refused(office, callers, situation):
    deal = SITUATIONS[situation](office)
    offers = {name: offered(client, deal) for name, client in callers.items()}
    assert {action for actions in offers.values() for action in actions} <= set(ACTIONS)
    assert offers["viewer"] == []
    for name in ("admin", "manager", "machine", "partner"):
        for action in sorted(set(ACTIONS) - set(offers[name])):
            refused = ACTIONS[action](office, callers[name], deal)
            assert refused.status in (403, 409), f"{name} may {action}, which is not offered: {refused}"
    tried = set()
    for name, actions in offers.items():
        for action in sorted(set(actions) - tried):
            accepted = ACTIONS[action](office, callers[name], SITUATIONS[situation](office))
            assert accepted.status in (200, 201), f"{name} is offered {action}, and it is refused: {accepted}"
            tried.add(action)


def test_steps_follow_their_people(office, callers):
    """The case of an SPA that shows the button to who decides now, and to nobody else."""
    deal = large(office)
    may = lambda: {name for name, client in callers.items() if "approve" in offered(client, deal)}
    assert may() == {"manager"}
    first = office.act("deals", office.refresh(deal), "approve", {}, by=callers["manager"])
    assert "approve" not in first["allowed_actions"] and may() == {"admin"}
    office.act("deals", office.refresh(deal), "request-info", {"message": "Why?"})
    assert may() == set()
    office.act("deals", office.refresh(deal), "submit", by=callers["partner"])
    assert may() == {"admin"}
    refused = callers["manager"].post(f"/v1/deals/{deal['id']}/submit", if_match="*", expect=409)
    assert refused["allowed"] == offered(callers["manager"], deal)


def test_a_page_asks_once_about_each(office, callers):
    """Deals at different steps in one list, each with its own answer."""
    rows = {large(office)["id"]: False, half_way(office)["id"]: True, office.deal_in("submitted")["id"]: True}
    seen = {row["id"]: "approve" in row["allowed_actions"] for row in office.admin.list("/v1/deals", {"status": [
        "submitted", "in_review"]}) if row["id"] in rows}
    assert seen == rows


def test_a_copy_is_fresh_while_somebody_else_decides_what_may_be_done(world):
    """The list of actions changes without a version of the deal: 304 would keep the old one."""
    deal = world.deal_in("submitted")
    get = lambda: world.admin.get(f"/v1/deals/{deal['id']}", headers={"If-None-Match": f'"{deal["version"]}"'}, expect=None)
    assert get().status == 304
    asked = world.ask_price(deal["id"])
    assert get().status == 200 and "approve" not in get()["allowed_actions"]
    world.act("special-pricing-requests", asked, "reject", {"reason": "No."})
    assert get().status == 200 and "approve" in get()["allowed_actions"]


def test_nothing_to_take_a_margin_from(office):
    partner = office.make_partner()
    deal = partner.deal()
    assert "approve" in offered(office.admin, deal)
    office.sql("update partners set tier_id = null where id = %s", (partner.id,))
    assert "approve" not in offered(office.admin, deal)
    office.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match="*", expect=409, problem="tier_not_published")


def test_special_prices(office):
    """Who asked does not decide, and what was granted is not taken back once the deal is decided."""
    other = office.make_user("admin")
    deal = office.deal_in("submitted")
    asked = office.ask_price(deal["id"], by=office.admin)
    of = lambda client: client.get(f"/v1/special-pricing-requests/{asked['id']}")["allowed_actions"]
    assert of(office.admin) == ["reject", "withdraw"] and of(other) == ["approve", "reject", "withdraw"]
    office.act("special-pricing-requests", asked, "approve", {}, by=other)
    assert of(other) == ["withdraw"]
    office.act("deals", office.refresh(deal), "approve", {})
    assert of(other) == []
    office.admin.post(f"/v1/special-pricing-requests/{asked['id']}/withdraw", {}, if_match="*", expect=409)
