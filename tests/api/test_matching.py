# SPDX-License-Identifier: Apache-2.0
"""Whose account it is (domain.md §5.5): duplicates, conflicts, who waits and who moves on, and what nobody is told."""
import json
import uuid

import pytest

from support import wait
from support.world import DEAL, unique


def domain():
    return f"c{uuid.uuid4().hex[:12]}.example"


def customer(site=None, **members):
    site = site or domain()
    return {"customer_name": f"Qx{uuid.uuid4().hex[:10]} Academy", "customer_country": "DE",
            "customer_website": f"https://www.{site}/about", **members}


def timeline(by, deal):
    return [entry["type"] for entry in by.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})]


def decision_of(by, deal):
    """The one that says why the deal waits."""
    sealed = lambda: by.list("/v1/events", {"resource_id": deal["id"]})
    return wait.until(sealed, "the event is in the feed")[0]["decision_id"]


@pytest.fixture
def pair(world):
    """Two registrations of one customer, by two partners, in this order."""
    same = customer()
    first = world.partner("a").deal(**same)
    return first, world.partner("b").deal(**same)


def test_the_second_waits_and_is_told_no_more(world, pair):
    first, second = pair
    assert (first["status"], second["status"]) == ("submitted", "conflict_hold")
    assert first["customer_match"] is None and second["customer_match"] is None
    assert world.refresh(second)["customer_match"] == "conflict"
    for name, other, own in (("b", "a", second), ("a", "b", first)):
        by, stranger = world.partner(name), world.partner(other)
        told = [by.api.get(path).body.decode() for path in (
            f"/v1/deals/{own['id']}", f"/v1/deals/{own['id']}/timeline", "/v1/events?limit=100", "/v1/deals?limit=100",
            "/v1/decisions/" + decision_of(by.api, own) if name == "b" else "/v1/me")]
        for text in told:
            assert stranger.name not in text and stranger.id not in text
            assert {"a": second, "b": first}[name]["id"] not in text and '"deals_ahead"' not in text
            assert '"customer_match":"' not in text.replace(" ", "")
    assert world.partner("b").api.list("/v1/deals", {"customer_match": ["conflict", "review", "none"]}) == []
    assert second["id"] in {row["id"] for row in world.admin.list("/v1/deals", {"customer_match": "conflict"})}


@pytest.mark.parametrize("action, by_partner", [("reject", False), ("withdraw", True)], ids=["rejected", "withdrawn"])
def test_the_next_in_line_moves_on_by_itself(world, pair, action, by_partner):
    first, second = pair
    third = world.partner("c").deal(**{name: second[name] for name in ("customer_name", "customer_country", "customer_website")})
    by = world.partner("a").api if by_partner else world.admin
    world.act("deals", first, action, {"reason": "x"}, by=by)
    assert world.refresh(second)["status"] == "in_review" and world.refresh(third)["status"] == "conflict_hold"
    assert timeline(world.partner("b").api, second) == ["deal.submitted", "deal.conflict_cleared"]
    world.act("deals", world.refresh(second), "withdraw", {"reason": "x"}, by=world.partner("b").api)
    assert world.refresh(third)["status"] == "in_review"


def order(world, deal):
    """The conflict that the deal stands in, and its deals in line."""
    [conflict] = world.admin.list("/v1/deal-conflicts", {"deal_id": deal["id"], "status": "open"})
    return conflict, [row["deal_id"] for row in conflict["deals"]]


def check(by, **members):
    return by.post("/v1/deals/check", members, expect=200).json


# ---- who is the same customer ----

@pytest.mark.parametrize("mine, theirs, status", [
    ({"customer_website": "https://www.learn.{a}.co.uk/x?y#z"}, {"customer_website": "https://{A}.CO.UK"}, "conflict_hold"),
    ({"customer_website": "https://www.learn.{a}.co.uk/x?y#z"}, {"customer_website": "{A}.CO.UK"}, "conflict_hold"),
    ({"customer_website": "{a}.co.uk:8443/x"}, {"customer_website": "HTTPS://{A}.CO.UK"}, "conflict_hold"),
    ({"customer_website": "https://{a}.com"}, {"customer_contact_email": "petra@mail.{a}.com"}, "conflict_hold"),
    ({"customer_website": "https://{a}.com"}, {"customer_website": "https://{a}.co.uk"}, "submitted"),
    ({"customer_contact_email": "{a}@gmail.com"}, {"customer_contact_email": "{b}@gmail.com"}, "submitted"),
    ({"customer_tax_id": "DE {n}"}, {"customer_tax_id": "{n}"}, "conflict_hold"),
    ({"customer_duns": "{d}"}, {"customer_duns": "{d-}"}, "conflict_hold"),
    ({"customer_country": "DE", "customer_website": "https://{a}.com"},
     {"customer_country": "FR", "customer_website": "https://{a}.com"}, "submitted"),
    ({"customer_country": "DE", "customer_website": "https://{a}.com"},
     {"customer_country": None, "customer_website": "https://{a}.com"}, "conflict_hold"),
], ids=["5.5 domain", "5.5 bare domain", "loud scheme", "website and address", "5.5 another suffix", "5.5 free mail",
        "tax id", "duns", "elsewhere", "country not known"])
def test_an_exact_key_is_a_conflict(world, mine, theirs, status):
    digits = f"{uuid.uuid4().int % 899_999_999 + 100_000_000}"
    values = {"{a}": f"a{uuid.uuid4().hex[:10]}", "{b}": "b", "{n}": digits, "{d}": digits,
              "{d-}": f"{digits[:2]}-{digits[2:5]}-{digits[5:]}"}
    values["{A}"] = values["{a}"].upper()

    def filled(members):
        texts = {}
        for name, text in members.items():
            for place, value in values.items():
                text = text.replace(place, value) if text else text
            texts[name] = text
        return {"customer_name": f"Zz{uuid.uuid4().hex[:10]}", **texts}

    world.partner("a").deal(**filled(mine))
    assert world.partner("b").deal(**filled(theirs))["status"] == status


@pytest.mark.parametrize("mine, theirs, match", [
    ("{x} Learning Ltd", "{X} GmbH & Co. KG", "review"), ("{x} traders", "{y} traders", "none"),
    ("International School", "International School", "none"), ("{x} {y} Berlin", "{x} Hamburg Gruppe", "none"),
], ids=["same but for the form", "5.5 a word of many", "nothing distinctive", "less than half"])
def test_a_name_is_for_people(world, mine, theirs, match):
    words = {"{x}": f"x{uuid.uuid4().hex[:8]}", "{y}": f"y{uuid.uuid4().hex[:8]}"}
    words["{X}"] = words["{x}"].upper()
    for place, word in words.items():
        mine, theirs = mine.replace(place, word), theirs.replace(place, word)
    first = world.partner("a").deal(customer_name=mine, customer_country="DE")
    second = world.partner("b").deal(customer_name=theirs, customer_country="DE")
    elsewhere = world.partner("b").deal(customer_name=mine, customer_country="FR")
    assert second["status"] == "submitted" and world.refresh(second)["customer_match"] == match
    assert world.refresh(elsewhere)["customer_match"] == "none"
    found = world.admin.list(f"/v1/deals/{second['id']}/matches")
    assert ([row["id"] for row in found] == [first["id"]]) == (match == "review")
    if found:
        assert (found[0]["kind"], found[0]["matched_on"], found[0]["is_earlier"]) == ("review", ["name"], True)
        assert [row["is_earlier"] for row in world.admin.list(f"/v1/deals/{first['id']}/matches")] == [False]


def test_the_partners_own_is_a_duplicate(world):
    partner, same = world.partner("a"), customer()
    first = partner.deal(**same)
    refused = partner.api.post("/v1/deals", {**first_body(same)}, expect=409, problem="duplicate_deal")
    assert refused["resource_id"] == first["id"]
    draft = partner.deal(draft=True, **same)
    path = f"/v1/deals/{draft['id']}/submit"
    assert partner.api.post(path, if_match=1, expect=409, problem="duplicate_deal")["resource_id"] == first["id"]
    world.act("deals", first, "withdraw", {"reason": "x"}, by=partner.api)
    assert partner.api.post(path, if_match=1, expect=200)["status"] == "submitted"


def first_body(same):
    return {**same, "amount": {"amount_minor": 1, "currency": "EUR"}}


def test_what_it_is_for_decides_too(world):
    seats, courses = world.make_product()["id"], world.make_product()["id"]
    same = customer()
    first = world.partner("a").deal(**same, product_ids=[seats])
    assert first["product_ids"] == [seats]
    assert world.partner("b").deal(**same, product_ids=[courses])["status"] == "submitted"
    assert world.partner("c").deal(**same, product_ids=[seats])["status"] == "conflict_hold"
    assert world.partner("d").deal(**same)["status"] == "conflict_hold"
    refused = world.partner("a").api.post(
        "/v1/deals", {**first_body(customer()), "product_ids": [seats, str(uuid.uuid4())]}, expect=422)
    assert refused.errors() == {("#/product_ids/1", "reference_not_found")}


def test_the_products_of_a_quote_are_those_of_its_deal(world):
    quote = world.make_quote(world.partner("a").id)
    deal = world.partner("a").deal(**customer(), quote_id=quote["id"], amount=quote["net_amount"])
    assert deal["product_ids"] == [quote["lines"][0]["product_id"]]


# ---- the line ----

def test_a_conflict_shows_the_vendor_who_was_first(world, pair):
    first, second = pair
    third = world.partner("c").deal(**{name: second[name] for name in ("customer_name", "customer_country", "customer_website")})
    conflict, line = order(world, first)
    assert line == [first["id"], second["id"], third["id"]] and conflict["holder_deal_id"] == first["id"]
    assert [row["position"] for row in conflict["deals"]] == [1, 2, 3]
    places = lambda: [row["audit_seq"] for row in order(world, first)[0]["deals"]]
    wait.until(lambda: all(places()), "all are sealed")
    assert places() == sorted(places())
    entries = {row["id"]: row for row in world.admin.list("/v1/audit-log", {"action": "deal.submitted"})}
    for row in conflict["deals"]:
        assert entries[row["audit_entry_id"]]["resource"]["id"] == row["deal_id"]
    world.partner("b").api.get("/v1/deal-conflicts", expect=403)
    kinds = {row["kind"]: row["matched_on"] for row in world.admin.list(f"/v1/deals/{second['id']}/matches")}
    assert "domain" in kinds["conflict"]


def test_the_vendor_gives_the_account_to_one(world, pair):
    first, second = pair
    third = world.partner("c").deal(**{name: second[name] for name in ("customer_name", "customer_country", "customer_website")})
    conflict, _ = order(world, first)
    body = {"winner_deal_id": second["id"], "rule": "customer_choice", "reason": "They wrote to us."}
    dry = world.admin.post(f"/v1/deal-conflicts/{conflict['id']}/resolve", body, query={"dry_run": "true"},
                           if_match=conflict["version"], expect=200)
    assert dry["status"] == "resolved" and order(world, first)[0]["status"] == "open"
    done = world.act("deal-conflicts", conflict, "resolve", body)
    assert (done["status"], done["winner_deal_id"], done["rule"]) == ("resolved", second["id"], "customer_choice")
    assert [world.refresh(deal)["status"] for deal in (first, second, third)] == ["rejected", "in_review", "rejected"]
    told = world.partner("a").api.get(f"/v1/deals/{first['id']}")
    assert told["decision_comment"] == "The account went to another registration, by the rule customer_choice."
    assert world.partner("b").name not in told.body.decode()
    refused = world.admin.post(f"/v1/deal-conflicts/{conflict['id']}/resolve", body, if_match="*", expect=409)
    assert refused.problem == "invalid_transition" or refused.errors()
    world.act("deals", world.refresh(second), "approve", {})


def test_who_stands_outside_cannot_win(world, pair):
    conflict, _ = order(world, pair[0])
    path = f"/v1/deal-conflicts/{conflict['id']}/resolve"
    stranger = world.partner("a").deal(**customer())
    refused = world.admin.post(path, {"winner_deal_id": stranger["id"], "rule": "other", "reason": "x"},
                               if_match="*", expect=422)
    assert refused.errors() == {("#/winner_deal_id", "inconsistent")}


def test_a_protected_deal_is_cancelled_first(world, pair):
    first, second = pair
    first = world.act("deals", world.refresh(first), "approve", {})
    conflict, line = order(world, second)
    assert line[0] == first["id"]
    body = {"winner_deal_id": second["id"], "rule": "other", "reason": "x"}
    world.admin.post(f"/v1/deal-conflicts/{conflict['id']}/resolve", body, if_match="*", expect=409,
                     problem="account_unavailable")
    world.act("deals", world.refresh(first), "cancel", {"reason": "x"})
    assert world.refresh(second)["status"] == "in_review"
    world.act("deals", world.refresh(second), "approve", {})


def test_a_protection_that_does_not_meet_the_winner_is_in_nobodys_way(world):
    """One conflict, of which the winner shares nothing with the protected deal: only who is in between loses."""
    seats, courses, same = world.make_product()["id"], world.make_product()["id"], customer()
    first = world.act("deals", world.partner("a").deal(**same, product_ids=[seats]), "approve", {})
    between = world.partner("b").deal(**same, product_ids=[seats, courses])
    last = world.partner("c").deal(**same, product_ids=[courses])
    conflict, line = order(world, last)
    assert line == [first["id"], between["id"], last["id"]]
    path, body = f"/v1/deal-conflicts/{conflict['id']}/resolve", {"rule": "other", "reason": "x"}
    world.admin.post(path, {**body, "winner_deal_id": between["id"]}, if_match="*", expect=409, problem="account_unavailable")
    world.admin.post(path, {**body, "winner_deal_id": last["id"]}, if_match="*", expect=200)
    assert [world.refresh(deal)["status"] for deal in (first, between, last)] == ["approved", "rejected", "in_review"]
    world.act("deals", world.refresh(last), "approve", {})


# ---- how an account becomes free ----

def test_a_change_of_the_customer_takes_its_place_in_line(world):
    """Whoever turns to another customer comes after those who are there, however old the registration is."""
    old = world.partner("a").deal(**customer())
    there = world.partner("b").deal(**customer())
    behind = world.partner("c").deal(**{name: old[name] for name in ("customer_name", "customer_country", "customer_website")})
    changed = world.partner("a").api.patch(f"/v1/deals/{old['id']}", {"customer_website": there["customer_website"]},
                                           if_match=1, expect=200)
    assert changed["status"] == "conflict_hold"
    assert world.refresh(there)["status"] == "submitted" and world.refresh(behind)["status"] == "in_review"
    assert order(world, there)[1] == [there["id"], old["id"]]


def test_a_terminated_partner_holds_nothing(world):
    gone, same = world.make_partner(), customer()
    gone.deal(**same)
    second = world.partner("b").deal(**same)
    world.act("partners", world.admin.get(f"/v1/partners/{gone.id}").json, "terminate", {"reason": "x"})
    assert world.refresh(second)["status"] == "in_review"


@pytest.fixture(scope="module")
def clocked(new_database, new_server):
    """A program whose clock the tests set."""
    from support.world import World
    url = new_database()
    return World(new_server(url), url)


@pytest.mark.parametrize("won", [False, True], ids=["expired", "won"])
def test_an_account_is_free_when_its_protection_ends(clocked, won):
    """5.6: approved on 15 January at 15:00 in Berlin, 90 days, ends on 15 April at 13:00Z."""
    clocked.admin.patch("/v1/program", {"zone": "Europe/Berlin"}, if_match="*", expect=200)
    clocked.set_clock("2026-01-15T14:00:00Z")
    same = customer()
    first = clocked.act("deals", clocked.partner("a").deal(**same), "approve", {"protection_days": 90})
    assert first["protection_expires_at"] == "2026-04-15T13:00:00.000Z"
    second = clocked.partner("b").deal(**same)
    answer = check(clocked.partner("c").api, customer_website=same["customer_website"])
    assert (answer["result"], answer["earliest_free_on"], answer["own_deal_id"]) == ("taken", None, None), \
        "somebody waits already: nobody knows"
    if won:
        clocked.act("deals", clocked.refresh(first), "win", {}, by=clocked.partner("a").api)
    clocked.set_clock("2026-04-15T12:59:59.999Z")
    assert clocked.refresh(second)["status"] == "conflict_hold"
    clocked.set_clock("2026-04-15T13:00:00Z")
    wait.until(lambda: clocked.refresh(second)["status"] == "in_review", "the second moves on")
    clocked.act("deals", clocked.refresh(second), "approve", {})


@pytest.mark.parametrize("action, body", [("lose", {"reason": "x"}), ("cancel", {"reason": "x"})], ids=["lost", "cancelled"])
def test_an_account_is_free_when_the_deal_is_over(world, pair, action, body):
    first, second = pair
    first = world.act("deals", world.refresh(first), "approve", {})
    world.act("deals", world.refresh(first), action, body)
    assert world.refresh(second)["status"] == "in_review"
    world.act("deals", world.refresh(second), "approve", {})


# ---- the question beforehand ----

def test_may_i_work_this_account(world):
    same = customer()
    site = {"customer_website": same["customer_website"]}
    ask = world.partner("c").api
    assert check(ask, **site)["result"] == "free"
    deal = world.partner("a").deal(**same)
    open_one = check(ask, **site)
    assert (open_one["result"], open_one["earliest_free_on"], open_one["own_deal_id"]) == ("taken", None, None)
    world.act("deals", world.refresh(deal), "approve", {"protection_days": 30})
    protected = check(ask, **site)
    assert protected["result"] == "taken" and protected["earliest_free_on"] == world.refresh(deal)["protected_until"][:10]
    assert check(ask, customer_name=same["customer_name"], customer_country="DE")["result"] == "review"
    assert check(ask, customer_name=same["customer_name"], customer_country="FR")["result"] == "free"
    own = check(world.partner("a").api, **site)
    assert (own["result"], own["own_deal_id"]) == ("taken", deal["id"])
    assert check(world.admin, partner_id=world.partner("a").id, **site)["own_deal_id"] == deal["id"]
    assert check(world.admin, **site)["own_deal_id"] is None


def test_the_answer_names_nobody(world, pair):
    answer = world.partner("c").api.post("/v1/deals/check", {"customer_website": pair[0]["customer_website"]}, expect=200)
    assert set(answer.json) == {"object", "result", "earliest_free_on", "own_deal_id", "checked_at"}


def test_every_question_is_kept(world, pair):
    asked = {"customer_website": pair[0]["customer_website"], "customer_contact_email": "ada@kept.example"}
    for by in (world.partner("c").api, world.admin):
        check(by, **asked)
    entries = world.admin.list("/v1/audit-log", {"action": "deal.checked", "sort": "occurred_at"})[-2:]
    assert [row["actor"]["id"] for row in entries] == [world.partner("c").client_id, world.admin_id]
    assert [row["changes"]["result"]["to"] for row in entries] == ["taken", "taken"]
    assert all("kept.example" not in str(row) for row in entries)


def dry_run(by, **body):
    return by.post("/v1/deals?dry_run=true", {**DEAL, "customer_name": "Qqx", **body})


def test_a_dry_run_is_a_question(world, pair):
    """It tells whether the account is free, so it is kept; what tells nothing of others is not."""
    c = world.partner("c")
    asked = {"customer_website": pair[0]["customer_website"], "customer_contact_email": "ada@kept.example"}
    assert dry_run(c.api, **asked)["status"] == "conflict_hold"
    assert dry_run(c.api, customer_website=f"https://{unique('free')}.example")["status"] == "submitted"
    assert dry_run(c.api, draft=True, **asked)["status"] == "draft"
    assert dry_run(world.admin, partner_id=c.id, **asked)["status"] == "conflict_hold"
    entries = world.admin.list("/v1/audit-log", {"action": "deal.checked", "sort": "occurred_at"})[-2:]
    assert [(row["actor"]["id"], row["changes"]["result"]["to"]) for row in entries] == [
        (c.client_id, "taken"), (c.client_id, "free")]
    assert entries[0]["changes"]["customer_website"]["to"] == asked["customer_website"]
    assert all("kept.example" not in str(row) and "amount" not in str(row) for row in entries)


def test_an_import_that_is_tried_tells_nothing_of_others(world, pair):
    c, before = world.partner("c"), len(world.admin.list("/v1/audit-log", {"action": "deal.checked"}))
    lines = [{**DEAL, "customer_name": "Qqx", "customer_website": site} for site in (
        pair[0]["customer_website"], f"https://{unique('free')}.example")]
    made = world.make_import("\n".join(map(json.dumps, lines)), by=c.api, until="validated")
    rows = c.api.list(f"/v1/imports/{made['id']}/rows")
    assert [(row["status"], row["deal_id"], row["problem"]) for row in rows] == [("valid", None, None)] * 2
    assert len(world.admin.list("/v1/audit-log", {"action": "deal.checked"})) == before


@pytest.mark.parametrize("body, errors", [
    ({}, {("#/customer_name", "required")}), ({"customer_name": "International School GmbH"}, {("#/customer_name", "required")}),
    ({"customer_website": "https://www.facebook.com/x"}, {("#/customer_name", "required")}),
    ({"customer_duns": "123"}, {("#/customer_duns", "too_short"), ("#/customer_duns", "invalid_format")}),
    ({"customer_name": "Qqx", "partner_id": str(uuid.UUID(int=7))}, {("#/partner_id", "reference_not_found")}),
    ({"customer_name": "Qqx", "product_ids": [str(uuid.UUID(int=7))]}, {("#/product_ids/0", "reference_not_found")}),
], ids=["nothing", "common words", "a shared host", "short number", "no such partner", "no such product"])
def test_a_question_that_says_too_little(world, body, errors):
    refused = world.partner("c").api.post("/v1/deals/check", body, expect=422)
    assert refused.errors() <= errors and refused.errors()


def test_questions_are_rationed_by_partner(world, new_server):
    server = new_server(world.database_url, rate_limit_account_checks_per_minute=3)
    asks = [world.partner("c").api.on(server), world.partner("c").user().on(server)]
    answers = [by.post("/v1/deals/check", {"customer_name": "Qqx"}) for by in asks * 2]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].problem == "rate_limited" and answers[3].headers["RateLimit-Policy"].startswith('"account-checks";q=3')
    refused = dry_run(asks[0])
    assert refused.problem == "rate_limited" and refused.headers["RateLimit-Policy"].startswith('"account-checks";q=3')
    asks[0].get("/v1/deals", expect=200)
    asks[0].post("/v1/deals", {**DEAL, "customer_name": unique("Customer")}, expect=201)
    for _ in range(4):
        dry_run(world.admin.on(server), partner_id=world.partner("c").id)
    world.partner("b").api.on(server).post("/v1/deals/check", {"customer_name": "Qqx"}, expect=200)
