# SPDX-License-Identifier: Apache-2.0
"""Erasing a person: nothing in the whole database still tells who it was, and the books and the chain hold.

The person here has a name, an address, a subject at an identity provider, a network address and a browser that occur
nowhere else, so that whatever is left can be found by reading every row of every table.
"""
import json
import subprocess

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.parallel import at_once
from support.server import BINARY, partnerd
from support.world import PASSWORD, World, accept, sign_in, unique

HOME = "203.0.113.77"
BROWSER = "Quaxilon/7.3"


class Person(Client):
    """Acts from an address and a browser of their own."""

    def request(self, *arguments, headers=None, **options):
        return super().request(*arguments, headers={"X-Forwarded-For": HOME, "User-Agent": BROWSER, **(headers or {})},
                               **options)


@pytest.fixture(scope="module")
def place(postgres, new_database, new_server):
    url = new_database()
    world = World(new_server(url, trusted_proxies="127.0.0.0/8"), url)
    name = url.rsplit("/", 1)[1]
    world.execute = lambda sql, *values: postgres.execute(name, sql, values)
    return world


def make_person(place, role="admin", partner_id=None):
    marks = unique("zyx")
    row = place.admin.post("/v1/users", {
        "email": f"{marks}@people.example", "name": f"Xanthippe {marks}", "role": role,
        **({"partner_id": partner_id} if partner_id else {})}, expect=201).json
    nobody = Person(place.server)
    nobody.post("/v1/invitations/accept", {"token": row["invitation_token"], "password": PASSWORD}, expect=200)
    nobody.post("/v1/sessions", {"email": row["email"], "password": "wrong " + PASSWORD}, expect=401)
    session = nobody.post("/v1/sessions", {"email": row["email"], "password": PASSWORD, "program": place.slug}, expect=201)
    person = Person(place.server, session["access_token"])
    person.id, person.email, person.marks = row["id"], row["email"], marks
    person.refresh_token = session["refresh_token"]
    return person


def erase(place, person, **how):
    row = place.admin.get(f"/v1/users/{person.id}").json
    return place.admin.post(f"/v1/users/{person.id}/erase", None, **{"if_match": row["version"], "expect": 200, **how})


def traces(place, *needles):
    """Every row of the database that holds one of these, as (table, row)."""
    tables = [name for name, in place.execute(
        "select quote_ident(relname) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")]
    found = []
    for table in tables:
        for needle in needles:
            found += [(table, row) for row, in place.execute(
                f"select t::text from {table} t where t::text ilike '%%' || %s || '%%'", needle)]
    return found


def verify(place):
    return place.admin.get("/v1/audit-log/verify").json


def is_valid_everywhere(place, tmp_path):
    wait.until(lambda: verify(place)["unsealed"] == 0, "all is sealed")
    answer = verify(place)
    assert answer["valid"], answer
    path = tmp_path / "export.ndjson"
    path.write_text(partnerd("audit", "export", "--program", place.slug, database_url=place.database_url).stdout)
    done = subprocess.run([str(BINARY), "audit", "verify", str(path)], env={}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text(), done.stdout


def test_nothing_is_left_and_everything_holds(place, tmp_path):
    person = make_person(place)
    deal = place.deal_in("submitted")
    person.patch("/v1/me", {"name": f"Xanthippe {person.marks} the Second"}, if_match="*", expect=200)
    person.post(f"/v1/deals/{deal['id']}/approve", {}, if_match=deal["version"], expect=200)
    approved = place.refresh(deal)
    provider = place.make_provider()
    place.make_link(provider["id"], person.id, f"sub-{person.marks}")
    Person(place.server).post("/v1/password-resets", {"email": person.email}, expect=None)
    assert {table for table, _ in traces(place, person.marks, HOME, BROWSER)} >= {
        "users", "events", "audit_entries", "sessions", "user_identities"}
    before = place.admin.get("/v1/deals", {"include_total": "true"}).json

    after = erase(place, person).json
    assert after["status"] == "erased" and after["allowed_actions"] == [] and after["role"] == "admin"
    assert after["name"] == "Erased user" and after["email"] == f"{person.id}@erased.invalid"
    assert after["last_signed_in_at"] is None
    assert traces(place, person.marks) == []
    left = traces(place, HOME, BROWSER)
    assert left == [], left

    # What they did stays, by its id, and totals do not move.
    assert place.refresh(deal) == approved
    assert place.admin.get("/v1/deals", {"include_total": "true"}).json["total_count"] == before["total_count"]
    timeline = place.admin.list(f"/v1/deals/{deal['id']}/timeline")
    assert person.id in json.dumps(timeline) and person.marks not in json.dumps(timeline)
    events = place.admin.list("/v1/events", {"resource_id": person.id})
    assert {event["type"] for event in events} >= {"user.invited", "user.updated", "user.erased"}
    assert all(event["data"]["name"] == "Erased user" for event in events if "name" in event["data"])
    entries = place.admin.list("/v1/audit-log", {"resource_id": person.id})
    assert {entry["action"] for entry in entries} >= {"user.invited", "user.personal_data_erased", "user.erased"}
    assert all(entry["changes"] == {} for entry in entries if entry["action"] not in ("user.erased",))
    [last] = [entry for entry in entries if entry["action"] == "user.erased"]
    assert last["changes"] == {"status": {"from": "active", "to": "erased"}}
    acts = place.admin.list("/v1/audit-log", {"actor_id": person.id})
    assert acts and all(entry["address"] is None for entry in acts)

    content, said = is_valid_everywhere(place, tmp_path)
    assert person.marks not in content and HOME not in content and "erased 0" not in said


def test_they_are_out(place):
    person = make_person(place, "viewer")
    erase(place, person)
    wait.until(lambda: person.get("/v1/me", expect=None).status == 401, "their token is refused")
    form = {"grant_type": "refresh_token", "refresh_token": person.refresh_token}
    assert Client(place.server).post("/oauth/token", form=form, expect=None).status == 400
    refused = Client(place.server).post("/v1/sessions", {"email": person.email, "password": PASSWORD}, expect=401)
    assert refused.problem == "invalid_credentials"
    Client(place.server).post("/v1/sessions", {"email": f"{person.id}@erased.invalid", "password": PASSWORD}, expect=401)


def test_the_address_is_free_again(place):
    person = make_person(place, "viewer")
    erase(place, person)
    again = place.admin.post("/v1/users", {"email": person.email, "name": "Somebody", "role": "viewer"}, expect=201).json
    assert again["id"] != person.id
    accept(place.server, again["invitation_token"])
    sign_in(place.server, person.email, PASSWORD, place.slug)


def test_an_erasure_is_for_good(place):
    person = make_person(place, "viewer")
    row = erase(place, person).json
    for action in ("erase", "reactivate", "deactivate", "resend-invite"):
        place.admin.post(f"/v1/users/{person.id}/{action}", None, if_match=row["version"], expect=409,
                         problem="invalid_transition")
    place.admin.patch(f"/v1/users/{person.id}", {"name": "Back"}, if_match=row["version"], expect=409)


def test_invited_and_deactivated_people(place):
    invited = place.invite("viewer")
    erased = place.act("users", invited, "erase")
    assert erased["status"] == "erased"
    Client(place.server).post("/v1/invitations/accept", {"token": invited["invitation_token"], "password": PASSWORD},
                              expect=None).status in (400, 401, 404, 410, 422)
    disabled = make_person(place, "viewer")
    place.act("users", place.admin.get(f"/v1/users/{disabled.id}").json, "deactivate")
    assert erase(place, disabled)["status"] == "erased"
    assert traces(place, invited["email"], disabled.marks) == []


def test_who_may(place):
    partner = place.make_partner()
    admin, member = partner.user(), partner.user("partner_member")
    refused = admin.post(f"/v1/users/{member.id}/erase", None, if_match="*", expect=403, problem="insufficient_scope")
    assert "users:erase" in refused.headers["WWW-Authenticate"]
    assert "erase" not in admin.get(f"/v1/users/{member.id}")["allowed_actions"]
    assert "erase" in place.admin.get(f"/v1/users/{member.id}")["allowed_actions"]
    place.admin.post(f"/v1/users/{place.admin_id}/erase", None, if_match="*", expect=409, problem="conflict")
    place.admin.post(f"/v1/users/{member.id}/erase", None, expect=428)
    place.admin.post(f"/v1/users/{member.id}/erase", None, if_match=99, expect=412)
    assert erase(place, member)["status"] == "erased"


def test_the_last_admin_stays(server, database_url):
    world = World(server, database_url)
    other = world.make_user("admin")
    world.act("users", other.get(f"/v1/users/{world.admin_id}").json, "erase", by=other)
    machine = other.get("/v1/users", {"role": "admin", "status": "active"}).json["data"]
    assert [row["id"] for row in machine] == [other.id]


def test_two_admins_erase_each_other(server, database_url):
    """One of them stays: whoever comes second is told so, or is out already."""
    world = World(server, database_url)
    other = world.make_user("admin")
    rows = [world.admin.get(f"/v1/users/{one}").json for one in (other.id, world.admin_id)]
    answers = at_once([
        lambda: world.admin.post(f"/v1/users/{other.id}/erase", None, if_match=rows[0]["version"], expect=None),
        lambda: other.post(f"/v1/users/{world.admin_id}/erase", None, if_match=rows[1]["version"], expect=None)])
    assert sorted(answer.status for answer in answers) in ([200, 401], [200, 409])


def test_a_replayed_command_tells_nothing(place):
    key, marks = unique("key"), unique("zyx")
    body = {"email": f"{marks}@people.example", "name": f"Xanthippe {marks}", "role": "viewer"}
    made = place.admin.post("/v1/users", body, key=key, expect=201).json
    place.act("users", place.admin.get(f"/v1/users/{made['id']}").json, "erase")
    again = place.admin.post("/v1/users", body, key=key, expect=201)
    assert again.is_replay and again["id"] == made["id"] and marks not in again.body.decode()


def test_what_was_still_under_way_is_erased_later(place, tmp_path):
    """An entry recorded behind the erasure, by a request that had begun before it, gets an erasure of its own."""
    person = make_person(place, "viewer")
    erase(place, person)
    place.execute(
        "do $$ begin perform set_config('app.program', '" + place.program_id + "', true), "
        "set_config('app.partner', '*', true); perform audit_append(jsonb_build_object('actor_type', 'user', 'actor_id', "
        "'" + person.id + "', 'address', '" + HOME + "'), gen_random_uuid(), 'session.ended', 'session', "
        "gen_random_uuid(), null, null, '{}', '{}'); end $$")
    assert traces(place, HOME)
    place.execute("update erasures set erased_at = erased_at - interval '2 minutes' where user_id = %s", person.id)
    wait.until(lambda: not traces(place, HOME), "the address is gone", 90)
    wait.until(lambda: place.execute("select completed_at is not null from erasures where user_id = %s", person.id)
               == [(True,)], "nothing is left to do", 90)
    assert len(place.admin.list("/v1/audit-log", {"action": "user.personal_data_erased", "resource_id": person.id})) == 2
    is_valid_everywhere(place, tmp_path)


def test_a_long_history_goes_in_batches(place, tmp_path):
    person = make_person(place, "viewer")
    place.execute(
        "do $$ begin perform set_config('app.program', '" + place.program_id + "', true), "
        "set_config('app.partner', '*', true); perform audit_append(jsonb_build_object('actor_type', 'user', 'actor_id', "
        "'" + person.id + "', 'address', '" + HOME + "'), gen_random_uuid(), 'session.ended', 'session', "
        "gen_random_uuid(), null, null, '{}', '{}') from generate_series(1, 4500); end $$")
    erase(place, person)
    wait.until(lambda: not traces(place, HOME), "all addresses are gone", 60)
    is_valid_everywhere(place, tmp_path)


class TestTampering:
    """An erasure is no excuse for removing more than it names."""

    def fault(self, place):
        wait.until(lambda: verify(place)["unsealed"] == 0, "all is sealed")
        return verify(place)["first_fault"]

    @pytest.mark.parametrize("change, kind", [
        ("previous = null, current = null, content_salt = null", "content_missing"),
        ("address = null, address_salt = null", "address_missing"),
    ])
    def test_of_somebody_else(self, place, tmp_path, change, kind):
        person, other = make_person(place, "viewer"), make_person(place, "viewer")
        other.patch("/v1/me", {"name": "Renamed"}, if_match="*", expect=200)
        erase(place, person)
        [(entry, kept)] = place.execute("select id, to_jsonb(a) from audit_entries a where resource_id = %s "
                                        "and action = 'user.updated'", other.id)
        place.execute(f"update audit_entries set {change} where id = %s", entry)
        try:
            found = self.fault(place)
            assert found["kind"] == kind and found["entry_id"] == entry
            content = partnerd("audit", "export", "--program", place.slug, database_url=place.database_url).stdout
            path = tmp_path / "export.ndjson"
            path.write_text(content)
            done = subprocess.run([str(BINARY), "audit", "verify", str(path)], env={}, capture_output=True, text=True)
            assert done.returncode == 1 and kind in done.stderr and entry in done.stderr
        finally:
            place.execute("update audit_entries a set previous = r.previous, current = r.current, address = r.address, "
                          "content_salt = r.content_salt, address_salt = r.address_salt "
                          "from jsonb_populate_record(null::audit_entries, %s) r where a.id = r.id", json.dumps(kept))
        assert verify(place)["valid"]

    def test_what_came_after_the_erasure(self, place):
        person = make_person(place, "viewer")
        erase(place, person)
        [(entry, kept)] = place.execute("select id, to_jsonb(a) from audit_entries a where resource_id = %s "
                                        "and action = 'user.erased'", person.id)
        place.execute("update audit_entries set previous = null, current = null, content_salt = null where id = %s", entry)
        try:
            assert self.fault(place)["kind"] == "content_missing" and self.fault(place)["entry_id"] == entry
        finally:
            place.execute("update audit_entries a set previous = r.previous, current = r.current, "
                          "content_salt = r.content_salt from jsonb_populate_record(null::audit_entries, %s) r "
                          "where a.id = r.id", json.dumps(kept))

    def test_content_that_is_put_back(self, place):
        """A guess at what was erased cannot be proved right: the salt is gone."""
        person = make_person(place, "viewer")
        [(entry, previous, current)] = place.execute(
            "select id, previous::text, current::text from audit_entries where resource_id = %s and action = 'user.invited'",
            person.id)
        erase(place, person)
        assert place.execute("select content_salt, content_hash <> audit_content_hash(null, %s, %s) from audit_entries "
                             "where id = %s", previous, current, entry) == [(None, True)]


class TestTheApplicationsRole:
    """What the server's own role may empty is what an erasure of this transaction covers, and nothing else."""

    @pytest.fixture
    def app(self, place):
        session = psycopg2.connect(place.database_url)
        cursor = session.cursor()
        cursor.execute("set local role partnerd_app")
        cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true)",
                       (place.program_id,))
        yield cursor
        session.rollback()
        session.close()

    @pytest.mark.parametrize("statement", [
        "update audit_entries set previous = null, current = null, content_salt = null",
        "update audit_entries set address = null, address_salt = null",
        "update audit_entries set current = '{}'",
        "update audit_entries set hash = ''",
        "update audit_entries set seq = 1",
        "update events set data = '{}'",
        "update events set previous = '{}'",
    ])
    @pytest.mark.parametrize("pretended", ["none", "an erasure", "another entry"])
    def test_nothing_else(self, place, app, statement, pretended):
        other = make_person(place, "viewer")
        erased = make_person(place, "viewer")
        erase(place, erased)
        action = "user.personal_data_erased" if pretended == "an erasure" else "user.invited"
        [(entry,)] = place.execute("select id from audit_entries where resource_id = %s and action = %s", erased.id, action)
        if pretended != "none":
            app.execute("select set_config('app.erasure', %s, true)", (entry,))
        app.execute("savepoint s")
        changed = 0
        try:
            app.execute(statement + " where resource_id = %s", (other.id,))
            changed = app.rowcount
        except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.CheckViolation):
            app.execute("rollback to savepoint s")
        assert changed == 0
