# SPDX-License-Identifier: Apache-2.0
"""Applying by a form in the vendor's web site: with a key that everybody can read, and that reads nothing."""
import pytest

from support.client import Client
from support.judge import command_is_consistent, events_of
from support.parallel import at_once
from support.wire import JSON, ask
from support.world import World, unique

KEYS, FORM, APPLICATIONS = "/v1/form-keys", "/v1/forms/partner-applications", "/v1/partner-applications"
PAGE = "https://www.vendor.example"


@pytest.fixture(scope="module")
def place(server, database_url):
    return World(server, database_url)


def filled(key, **members):
    name = unique("Fjord")
    return {"form_key": key["public_key"], "name": name, "type": "reseller", "country": "NO",
            "applicant_name": "Mara Lind", "applicant_email": f"mara@{name.lower()}.example", **members}


def send(place, body, expect=202, origin=None, **how):
    headers = {"Origin": origin} if origin else {}
    return Client(place.server).request("POST", FORM, body, headers=headers, expect=expect, **how)


def kept(place, body):
    return place.admin.list(APPLICATIONS, {"applicant_email": body["applicant_email"]})


def test_a_key(place):
    answer = place.admin.post(KEYS, {"name": "Become a partner", "allowed_origins": [PAGE], "partner_types": ["reseller"],
                                     "daily_limit": 5}, expect=201)
    row = command_is_consistent(place.admin, answer)
    assert row["public_key"].startswith("pdf_") and row["allowed_actions"] == ["revoke"]
    row = place.admin.patch(f"{KEYS}/{row['id']}", {"daily_limit": 6}, if_match=row["version"], expect=200).json
    done = place.act("form-keys", row, "revoke")
    assert (done["status"], done["daily_limit"], done["allowed_actions"]) == ("revoked", 6, []) and done["revoked_at"]
    place.admin.patch(f"{KEYS}/{row['id']}", {"name": "x"}, if_match=done["version"], expect=409, problem="invalid_transition")
    assert place.act("form-keys", done, "revoke", expect=409)["from"] == "revoked"


@pytest.mark.parametrize("origin", ["https://www.vendor.example/", "www.vendor.example", "https://", "https://Vendor.example",
                                    "ftp://vendor.example", "https://a.example https://b.example"])
def test_origins_are_as_browsers_say_them(place, origin):
    refused = place.admin.post(KEYS, {"name": "x", "allowed_origins": [origin]}, expect=422)
    assert {where for where, _ in refused.errors()} == {"#/allowed_origins/0"}


def test_received(place):
    key = place.make_form_key()
    body = filled(key, website="https://www.fjord.example", industries=["maritime"], message="We train crews.")
    answer = send(place, body)
    assert answer.json == {"status": "received"} and answer.headers["Cache-Control"] == "no-store"
    [row] = kept(place, body)
    assert row["status"] == "submitted" and row["form_key_id"] == row["created_by_id"] == key["id"] and row["submitted_at"]
    assert {name: row[name] for name in body if name != "form_key"} == {**{
        name: value for name, value in body.items() if name != "form_key"}}
    event = events_of(place.admin, row["id"], 1)[0]
    assert event["type"] == "partner_application.submitted" and event["actor"] == {"type": "system", "id": key["id"]}
    approved = place.admin.post(f"{APPLICATIONS}/{row['id']}/approve", {}, if_match=row["version"], expect=200)
    assert approved["status"] == "approved" and approved["partner_id"]


def test_nothing_can_be_read(place):
    """Known, repeated, rejected, new: one answer. What has to wait is the vendor's to see."""
    key = place.make_form_key()
    body = filled(key)
    answers = [send(place, body)]
    [row] = kept(place, body)
    answers += [send(place, body), send(place, {**body, "applicant_email": body["applicant_email"].upper()})]
    assert len(kept(place, body)) == 1
    place.act("partner-applications", row, "reject", {"reason": "No market."})
    answers.append(send(place, body))
    statuses = sorted(row["status"] for row in kept(place, body))
    assert statuses == ["draft", "rejected"]
    partner = place.make_partner()
    answers.append(send(place, filled(key, name=partner.name, country="DE")))
    told = {(answer.status, answer.body, tuple(sorted(set(answer.headers) - {"Date"}))) for answer in answers}
    assert len(told) == 1
    for method, path in [("GET", FORM), ("GET", f"{KEYS}?key={key['public_key']}"), ("GET", f"{APPLICATIONS}/{row['id']}")]:
        refused = Client(place.server, key["public_key"]).request(method, path)
        assert refused.status in (401, 405)


def test_twins_at_once_are_one(place):
    body = filled(place.make_form_key())
    answers = at_once([lambda: send(place, body)] * 8)
    assert {answer.status for answer in answers} == {202} and len(kept(place, body)) == 1


def test_so_many_in_a_day(place):
    key = place.make_form_key(daily_limit=3)
    answers = at_once([lambda: send(place, filled(key), expect=None)] * 8)
    assert sorted(answer.status for answer in answers) == [202] * 3 + [429] * 5
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.problem == "rate_limited" and refused.headers["Retry-After"] == "3600"
    place.advance_clock(24 * 3600)
    send(place, filled(key))


def test_unknown_and_revoked_are_refused_alike(place):
    revoked = place.make_form_key()
    place.act("form-keys", revoked, "revoke")
    for key in (revoked, {"public_key": "pdf_nothing"}, {"public_key": "%"}):
        assert send(place, filled(key), expect=422).errors() == {("#/form_key", "reference_not_found")}


def test_what_the_key_allows(place):
    key = place.make_form_key(allowed_origins=[PAGE], partner_types=["reseller"])
    send(place, filled(key), origin=PAGE)
    for origin in (None, "https://evil.example", "null"):
        send(place, filled(key), origin=origin, expect=403, problem="forbidden")
    assert send(place, filled(key, type="distributor"), origin=PAGE, expect=422).errors() == {("#/type", "invalid_choice")}


@pytest.mark.parametrize("members, error", [
    ({"external_ids": {"crm": "1"}}, ("#/external_ids", "unknown_field")),
    ({"status": "approved"}, ("#/status", "read_only_field")), ({"draft": True}, ("#/draft", "unknown_field")),
    ({"country": "XX"}, ("#/country", "invalid_format")), ({"applicant_email": "x"}, ("#/applicant_email", "invalid_format")),
    ({"website": "javascript:alert(1)"}, ("#/website", "invalid_format")), ({"name": " "}, ("#/name", "invalid_format")),
], ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_faults_are_named(place, members, error):
    assert error in send(place, filled(place.make_form_key(), **members), expect=422).errors()


def test_any_page_may_ask_and_read_the_answer(place):
    """Not with cookies, and nothing but forms."""
    preflight = lambda path: ask(place.server, "OPTIONS", path, f"Origin: {PAGE}\r\nAccess-Control-Request-Method: POST\r\n")
    answer = preflight(FORM)
    assert answer.status == 204 and answer["Access-Control-Allow-Origin"] == "*"
    assert "Content-Type" in answer["Access-Control-Allow-Headers"]
    sent = ask(place.server, "POST", FORM, f"{JSON}Origin: {PAGE}\r\n", "{}")
    assert sent.status == 422 and sent["Access-Control-Allow-Origin"] == "*"
    assert sent["Access-Control-Allow-Credentials"] is None
    assert preflight(APPLICATIONS)["Access-Control-Allow-Origin"] is None
