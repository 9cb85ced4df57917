# SPDX-License-Identifier: Apache-2.0
"""Applications: from the form over questions and a review to a partner with its first user, or to a wait."""
import pytest

from support import wait
from support.client import Client
from support.judge import NOBODY, command_is_consistent, events_of, nobody
from support.parallel import at_once
from support.world import World, accept, sign_in, unique

PATH = "/v1/partner-applications"
MOVES = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"start-review": "in_review", "request-info": "info_requested", "approve": "approved",
                  "reject": "rejected", "withdraw": "withdrawn"},
    "in_review": {"request-info": "info_requested", "approve": "approved", "reject": "rejected", "withdraw": "withdrawn"},
    "info_requested": {"submit": "submitted", "reject": "rejected", "withdraw": "withdrawn"},
    "approved": {}, "rejected": {"erase": "rejected"}, "withdrawn": {"erase": "withdrawn"},
}
BODIES = {"request-info": {"message": "Which platforms?"}, "reject": {"reason": "No market."}, "approve": {},
          "withdraw": {"reason": "Changed plans."}}
WAYS = {"draft": [], "submitted": [], "in_review": ["start-review"], "info_requested": ["request-info"],
        "approved": ["approve"], "rejected": ["reject"], "withdrawn": ["withdraw"]}


def act(world, row, action, body=None, **how):
    return world.admin.post(f"{PATH}/{row['id']}/{action}", body if body is not None else BODIES.get(action),
                            if_match=row["version"], **how)


def application_in(world, status, **members):
    row = world.apply(draft=status == "draft", **members)
    for action in WAYS[status]:
        row = act(world, row, action, expect=200).json
    return row


def test_applied(world):
    sent = {"name": unique("Fjord Learning"), "legal_name": "Fjord AS", "type": "consultant", "country": "NO",
            "website": "https://www.fjord.example/about", "industries": ["maritime"], "languages": ["no"],
            "regions": ["nordics"], "applicant_name": "Mara Lind", "applicant_email": f"{unique('Mara')}@Fjord.example",
            "message": "We train crews.", "external_ids": {"form": "77"}, "custom_fields": {"seats": 40}}
    answer = world.admin.post(PATH, sent, expect=201)
    row = command_is_consistent(world.admin, answer)
    assert {name: row[name] for name in sent} == {**sent, "applicant_email": sent["applicant_email"].lower()}
    assert row["status"] == "submitted" and row["submitted_at"] and row["number"].startswith("A-")
    assert [event["type"] for event in events_of(world.admin, row["id"], 1)] == ["partner_application.submitted"]


@pytest.mark.parametrize("status", MOVES)
def test_moves(world, status):
    row = application_in(world, status)
    row = world.admin.get(f"{PATH}/{row['id']}").json
    assert row["status"] == status and sorted(row["allowed_actions"]) == sorted(MOVES[status])
    for action in {name for moves in MOVES.values() for name in moves} - set(MOVES[status]):
        refused = act(world, row, action, expect=409, problem="invalid_transition")
        assert refused["from"] == status and sorted(refused["allowed"]) == sorted(row["allowed_actions"])


@pytest.mark.parametrize("status, action", [(status, action) for status in MOVES for action in MOVES[status]])
def test_each_move(world, status, action):
    row = application_in(world, status)
    after = act(world, row, action, expect=200).json
    assert after["status"] == MOVES[status][action] and after["version"] == row["version"] + 1
    assert (after["decided_at"] is not None) == (after["status"] in ("approved", "rejected", "withdrawn"))
    assert (after["reapply_from_at"] is not None) == (after["status"] == "rejected")


def test_approval_makes_the_partner_and_its_first_user(world, server):
    row = world.apply(type="consultant", country="AT", industries=["rail"], languages=["de"],
                      external_ids={"form": "9"}, website="https://alpin.example")
    answer = act(world, row, "approve", {"comment": "Welcome."}, expect=200)
    after = answer.json
    assert after["status"] == "approved" and after["decision_comment"] == "Welcome."
    partner = world.admin.get(f"/v1/partners/{after['partner_id']}").json
    for name in ("name", "type", "country", "website", "industries", "languages", "external_ids"):
        assert partner[name] == row[name]
    assert partner["status"] == "onboarding" and partner["tier_key"] == "registered"
    assert len(world.admin.list(f"/v1/partners/{partner['id']}/tier-history")) == 1
    person = world.admin.get(f"/v1/users/{after['user_id']}").json
    assert (person["email"], person["role"], person["status"], person["partner_id"]) == (
        row["applicant_email"], "partner_admin", "invited", partner["id"])
    accept(server, after["invitation_token"])
    session = sign_in(server, person["email"], "correct horse battery staple", world.slug)
    assert Client(server, session["access_token"]).get("/v1/me")["partner"]["id"] == partner["id"]
    told = {event["type"] for resource in (partner, person, after) for event in events_of(world.admin, resource["id"], 1)}
    assert {"partner.created", "user.invited", "partner_application.approved"} <= told
    assert "invitation_token" not in str(events_of(world.admin, after["id"], 2))


def test_approval_into_a_named_tier(world):
    tier = world.tiers["strategic"]
    after = act(world, world.apply(), "approve", {"tier_id": tier["id"]}, expect=200)
    assert world.admin.get(f"/v1/partners/{after['partner_id']}")["tier_id"] == tier["id"]
    row = world.apply()
    assert act(world, row, "approve", {"tier_id": nobody()}, expect=422).errors() == {
        ("#/tier_id", "reference_not_found")}
    draft = world.make_tier(publish=False)
    act(world, row, "approve", {"tier_id": draft["id"]}, expect=409, problem="tier_not_published")


def test_an_applicant_who_is_somebody_already_gets_another_address_first(world):
    known = world.invite("viewer")
    row = world.apply(applicant_email=known["email"].upper())
    act(world, row, "approve", expect=409, problem="already_exists")
    row = world.admin.patch(f"{PATH}/{row['id']}", {"applicant_email": f"{unique('x')}@else.example"},
                            if_match=row["version"], expect=200).json
    act(world, row, "approve", expect=200)


def test_a_dry_run_of_an_approval_keeps_nothing(world):
    row = world.apply()
    seen = act(world, row, "approve", query={"dry_run": "true"}, expect=200)
    assert seen["status"] == "approved" and world.admin.get(f"{PATH}/{row['id']}").json == row
    assert seen["invitation_token"] is None, "there is nothing to accept"
    assert row["name"] not in [partner["name"] for partner in world.admin.list("/v1/partners")]
    assert world.admin.list("/v1/users", {"email": row["applicant_email"]}) == []


def test_twenty_approvals_at_once_make_one_partner(world):
    row = world.apply()
    answers = at_once([lambda: act(world, row, "approve")] * 20)
    assert sorted(answer.status for answer in answers) == [200] + [412] * 19
    assert len([partner for partner in world.admin.list("/v1/partners") if partner["name"] == row["name"]]) == 1
    assert len(world.admin.list("/v1/users", {"email": row["applicant_email"]})) == 1


@pytest.fixture(scope="module")
def clocked(server, database_url):
    world = World(server, database_url)
    world.admin.patch("/v1/program", {"zone": "Europe/Berlin", "reapplication_days": 90}, if_match="*", expect=200)
    world.set_clock("2026-01-15T14:00:00Z")
    return world


def test_a_rejected_company_waits(clocked):
    """90 calendar days in the program's zone, over the change to summer time; the last instant of the wait is its end."""
    world = clocked
    sent = {"name": unique("Waiting"), "country": "SE", "website": f"https://{unique('w')}.example"}
    rejected = application_in(world, "rejected", **sent)
    assert rejected["reapply_from_at"] == "2026-04-15T13:00:00.000Z"
    same = [sent, {"name": sent["name"].upper(), "country": "SE"},
            {"website": sent["website"].replace("https://", "http://WWW.") + "/de?x=1"},
            {"website": sent["website"].replace("https://", "").upper() + "/de"},
            {"applicant_email": rejected["applicant_email"]}]
    again = lambda members: world.admin.post(PATH, {
        "name": unique("Other"), "type": "reseller", "country": "DE", "applicant_name": "K",
        "applicant_email": f"{unique('k')}@else.example", **members})
    for members in same:
        refused = again(members)
        assert refused.status == 409 and refused.problem == "application_too_early"
        assert "2026-04-15T13:00:00.000Z" in refused["detail"]
    assert again({"name": sent["name"], "country": "NO"}).status == 201, "another country, another company"
    draft = again({**sent, "draft": True})
    assert draft.status == 201
    world.set_clock("2026-04-15T12:59:59.999Z")
    act(world, draft.json, "submit", expect=409, problem="application_too_early")
    world.set_clock("2026-04-15T13:00:00Z")
    act(world, draft.json, "submit", expect=200)


def test_who_withdrew_may_come_again(world):
    row = application_in(world, "withdrawn")
    world.admin.post(PATH, {name: row[name] for name in ("name", "type", "country", "applicant_name",
                                                        "applicant_email")}, expect=201)


def test_hints_of_the_same_company(world):
    host = f"{unique('dup')}.example"
    partner = world.new_partner(website=f"https://www.{host}/start")
    first = world.apply(website=f"http://{host}", country="FI")
    gone = application_in(world, "withdrawn", website=f"http://{host}")
    second = world.apply(name=first["name"].upper(), country="FI", applicant_email=first["applicant_email"])
    found = {row["id"]: row for row in world.admin.list(f"{PATH}/{first['id']}/duplicates")}
    assert set(found) == {partner["id"], second["id"]} and gone["id"] not in found
    assert found[partner["id"]]["matches_on"] == ["website"] and found[partner["id"]]["resource_type"] == "partner"
    assert found[second["id"]]["matches_on"] == ["name", "email"]
    assert world.admin.list(f"{PATH}/{world.apply()['id']}/duplicates") == []


def test_merge_patch_until_the_decision(world):
    row = world.apply(legal_name="Old", external_ids={"a": "1", "b": "2"})
    after = world.admin.patch(f"{PATH}/{row['id']}", {"legal_name": None, "external_ids": {"a": None}}, if_match=1,
                              expect=200)
    assert after["legal_name"] is None and after["external_ids"] == {"b": "2"}
    done = act(world, after.json, "reject", expect=200)
    world.admin.patch(f"{PATH}/{row['id']}", {"message": "x"}, if_match=done["version"], expect=409, problem="conflict")


@pytest.mark.parametrize("member, value", [
    ("name", " "), ("type", "agency"), ("country", "XX"), ("applicant_email", "nobody"), ("website", "ftp://x"),
    ("applicant_name", None), ("status", "approved"), ("partner_id", NOBODY)])
def test_refused_members(world, member, value):
    sent = {"name": "N", "type": "reseller", "country": "DE", "applicant_name": "A",
            "applicant_email": "a@b.example", member: value}
    refused = world.admin.post(PATH, sent, expect=422)
    assert f"#/{member}" in {place for place, _ in refused.errors()}


def test_a_form_only_sends(world):
    form = world.machine(["applications:write"])
    row = world.apply(by=form)
    form.get(f"{PATH}/{row['id']}", expect=403)
    form.post(f"{PATH}/{row['id']}/approve", {}, if_match=1, expect=403)
    form.post(f"{PATH}/{row['id']}/withdraw", {}, if_match=1, expect=200)


def test_no_partner_ever_sees_one(world):
    for client in (world.partner("a").api, world.partner("a").user()):
        client.get(PATH, expect=403, problem="insufficient_scope")


@pytest.mark.parametrize("query", [{"status": ["rejected", "approved"]}, {"type": "consultant"}, {"country": "SE"}])
def test_filters(world, query):
    application_in(world, "rejected")
    world.apply(type="consultant", country="SE")
    everything = world.admin.list(PATH)
    expected = {row["id"] for row in everything if all(
        row[name] in (value if isinstance(value, list) else [value]) for name, value in query.items())}
    assert expected and {row["id"] for row in world.admin.list(PATH, query)} == expected


@pytest.mark.parametrize("status", ["rejected", "withdrawn"])
def test_an_applicant_can_be_forgotten(world, status):
    """The person goes out of the row, the feed and the ledger; the company keeps what was decided, its wait included."""
    name, mail, words = unique("Nobody"), f"{unique('gone')}@people.example", unique("Call me at home")
    row = application_in(world, status, applicant_name=name, applicant_email=mail, message=words)
    wait.until(lambda: world.admin.get("/v1/audit-log/verify")["unsealed"] == 0, "the chain is sealed so far")
    after = act(world, row, "erase", expect=200).json
    assert (after["status"], after["name"], after["reapply_from_at"]) == (status, row["name"], row["reapply_from_at"])
    assert after["erased_at"] and after["message"] is after["decision_comment"] is None and after["allowed_actions"] == []
    assert events_of(world.admin, row["id"], 3)[-1]["type"] == "partner_application.erased"
    everywhere = str([world.admin.list(path, {"resource_id": row["id"]}) for path in ("/v1/events", "/v1/audit-log")]) + str(
        world.admin.get(f"{PATH}/{row['id']}").json)
    assert not [trace for trace in (name, mail, words) if trace in everywhere]
    assert world.admin.get("/v1/audit-log/verify")["valid"]
    act(world, after, "erase", expect=409, problem="invalid_transition")
