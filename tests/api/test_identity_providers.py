# SPDX-License-Identifier: Apache-2.0
"""Identity providers and links as an admin manages them. What their tokens do is in test_oidc.py."""
import pytest

from support.judge import BOOKKEEPING, command_is_consistent, is_as_missing, nobody, without
from support.world import World, unique

PATH, LINKS = "/v1/identity-providers", "/v1/user-identities"
READ = ("keys_read_at", "fault")  # told by whoever reads the keys, whenever that is
DEFAULTS = {"accepts_plain_jwt": False, "uses_token_scopes": True, "asserts_second_factor": False,
            "matches_verified_email": False, "creates_users": False, "role_claim": None, "role_rules": [],
            "default_role": None, "partner_id": None, "partner_claim": None}


def body(**members):
    return {"name": "Staff", "issuer": f"https://{unique('login')}.example.invalid/tenant", **members}


def test_created_with_careful_defaults(world, server):
    sent = body()
    answer = world.admin.post(PATH, sent, expect=201)
    row = command_is_consistent(world.admin, answer, READ)
    assert {name: row[name] for name in sent} == sent
    assert {name: row[name] for name in DEFAULTS} == DEFAULTS
    assert row["status"] == "active" and row["allowed_actions"] == ["disable"]
    assert row["audience"].endswith(f"/programs/{world.slug}")
    assert row["keys_read_at"] is None


def test_a_patch_keeps_what_it_does_not_name(world):
    row = world.make_provider(creates_users=True, default_role="viewer", role_claim="groups",
                              role_rules=[{"value": "desk", "role": "support"}])
    changed = command_is_consistent(world.admin, world.admin.patch(
        f"{PATH}/{row['id']}", {"matches_verified_email": True, "role_claim": "/realm_access/roles"},
        if_match=1, expect=200), READ)
    expected = {**row, "matches_verified_email": True, "role_claim": "/realm_access/roles"}
    assert without(changed, *READ, *BOOKKEEPING) == without(expected, *READ, *BOOKKEEPING)
    refused = world.admin.patch(f"{PATH}/{row['id']}", {"issuer": "https://other.example"}, if_match=2, expect=422)
    assert refused.errors() == {("#/issuer", "read_only_field")}
    refused = world.admin.patch(f"{PATH}/{row['id']}", {"role_claim": None}, if_match=2, expect=422)
    assert refused.errors() == {("#/role_claim", "required")}


def test_switched_off_and_on(world):
    row = world.make_provider()
    off = world.act("identity-providers", row, "disable")
    assert off["status"] == "disabled" and off["allowed_actions"] == ["enable"]
    world.admin.post(f"{PATH}/{row['id']}/disable", if_match=2, expect=409, problem="invalid_transition")
    assert world.act("identity-providers", off, "enable")["status"] == "active"


@pytest.mark.parametrize("members, errors", [
    ({"issuer": "http://login.example.com"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "https://login.example.com?tenant=1"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "https://login.example.com/#a"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "https://admin:x@login.example.com"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "https:///tenant"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "ftp://login.example.com"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "file:///etc/passwd"}, {("#/issuer", "invalid_format")}),
    ({"issuer": "login.example.com/x"}, {("#/issuer", "invalid_format")}),
    ({"audience": "two words"}, {("#/audience", "invalid_format")}),
    ({"creates_users": True}, {("#/default_role", "required")}),
    ({"role_rules": [{"value": "a", "role": "viewer"}]}, {("#/role_claim", "required")}),
    ({"default_role": "partner_admin"}, {("#/default_role", "inconsistent")}),
    ({"default_role": "root"}, {("#/default_role", "invalid_choice")}),
    ({"role_claim": "r", "role_rules": [{"value": "a", "role": "viewer"}, {"value": "b", "role": "partner_member"}]},
     {("#/role_rules/1/role", "inconsistent")}),
    ({"partner_id": "partner", "default_role": "admin"}, {("#/default_role", "inconsistent")}),
    ({"partner_id": "partner", "partner_claim": "org"}, {("#/partner_claim", "inconsistent")}),
    ({"partner_id": nobody()}, {("#/partner_id", "reference_not_found")}),
    ({"status": "disabled"}, {("#/status", "read_only_field")}),
])
def test_contradictions(world, members, errors):
    if members.get("partner_id") == "partner":
        members = {**members, "partner_id": world.partner("a").id}
    assert world.admin.post(PATH, body(**members), expect=422).errors() == errors


def test_our_own_tokens_need_no_provider(world, server):
    own = world.make_provider()["audience"].rpartition("/programs/")[0]
    refused = world.admin.post(PATH, {"name": "Us", "issuer": own}, expect=422)
    assert {where for where, _ in refused.errors()} == {"#/issuer"}


def test_an_audience_at_our_place_is_the_programs_own(world):
    own = world.make_provider()["audience"]
    assert world.make_provider(audience=own)["audience"] == own
    assert world.make_provider(audience="api://partners")["audience"] == "api://partners"
    for foreign in (own + "x", own.rpartition("/")[0] + "/other", own.rpartition("/programs")[0]):
        refused = world.admin.post(PATH, body(audience=foreign), expect=422)
        assert refused.errors() == {("#/audience", "invalid_choice")}


def test_issuer_and_audience_name_one_program(world, server, database_url):
    """Over the whole installation: a token says by them which program it is for."""
    sent = body(audience=unique("api"))
    world.admin.post(PATH, sent, expect=201)
    world.admin.post(PATH, sent, expect=409, problem="already_exists")
    other = World(server, database_url)
    refused = other.admin.post(PATH, sent, expect=409, problem="already_exists")
    assert world.program_id not in str(refused.json)


def test_links(world):
    provider, person = world.make_provider(), world.user("viewer")
    sent = {"user_id": person.id, "provider_id": provider["id"], "subject": "auth0|123"}
    row = command_is_consistent(world.admin, world.admin.post(LINKS, sent, expect=201))
    assert {name: row[name] for name in sent} == sent
    assert (row["status"], row["origin"], row["issuer"]) == ("linked", "linked", provider["issuer"])
    world.admin.post(LINKS, sent, expect=409, problem="already_exists")
    assert [link["id"] for link in world.admin.list(LINKS, {"provider_id": provider["id"], "subject": "auth0|123"})] \
        == [row["id"]]
    gone = world.act("user-identities", row, "unlink")
    assert gone["status"] == "unlinked" and gone["allowed_actions"] == []
    world.admin.post(f"{LINKS}/{row['id']}/unlink", if_match=2, expect=409, problem="invalid_transition")
    again = world.admin.post(LINKS, sent, expect=201)
    assert again["id"] != row["id"]
    found = world.admin.list(LINKS, {"user_id": person.id, "status": "linked", "provider_id": provider["id"]})
    assert [link["id"] for link in found] == [again["id"]]


def test_links_name_what_exists_in_the_program(world, server, database_url):
    other = World(server, database_url)
    provider, person = world.make_provider(), world.user("viewer")
    refused = other.admin.post(
        LINKS, {"user_id": person.id, "provider_id": provider["id"], "subject": "x"}, expect=422)
    assert refused.errors() == {("#/user_id", "reference_not_found"), ("#/provider_id", "reference_not_found")}


def test_a_partners_provider_has_that_partners_people(world):
    a, b = world.partner("a"), world.partner("b")
    provider = world.make_provider(partner_id=a.id)
    world.make_link(provider["id"], a.user().id)
    for stranger in (b.user(), world.user("viewer")):
        refused = world.admin.post(
            LINKS, {"user_id": stranger.id, "provider_id": provider["id"], "subject": "x"}, expect=422)
        assert refused.errors() == {("#/user_id", "inconsistent")}


def test_partners_see_nothing_of_it(world):
    partner = world.partner("a")
    provider = world.make_provider(partner_id=partner.id)
    link = world.make_link(provider["id"], partner.user().id)
    client = partner.user()
    for path in (PATH, LINKS, f"{PATH}/{provider['id']}", f"{LINKS}/{link['id']}"):
        client.get(path, expect=403, problem="insufficient_scope")
    seen = str(client.list("/v1/events"))
    assert provider["id"] not in seen and link["id"] not in seen


def test_no_machine_may_say_who_is_who(world):
    refused = world.admin.post("/v1/api-clients", {"name": "x", "scopes": ["providers:manage"]}, expect=422)
    assert refused.errors() == {("#/scopes/0", "invalid_choice")}


def test_another_program_has_others(world, server, database_url):
    provider = world.make_provider()
    link = world.make_link(provider["id"], world.user("viewer").id)
    other = World(server, database_url)
    is_as_missing(other.admin, PATH + "/{}", provider["id"])
    is_as_missing(other.admin, LINKS + "/{}", link["id"])
    assert other.admin.list(PATH) == [] and other.admin.list(LINKS) == []
