# SPDX-License-Identifier: Apache-2.0
"""What is done to people after they were invited: each rule, who is told no and why, and how fast a change bites."""
import pytest

from support import wait
from support.client import Client
from support.judge import events_of
from support.world import PASSWORD, World, accept, sign_in


def row_of(world, user):
    return world.admin.get(f"/v1/users/{user.id}").json


def allowed(world, row, by=None):
    return world.refresh(row, by)["allowed_actions"]


class TestInvitingAgain:
    def test_only_the_last_token_is_good(self, world, server):
        made = world.invite("viewer")
        again = world.act("users", made, "resend-invite")
        assert again["invitation_token"] not in (None, made["invitation_token"]) and again["status"] == "invited"
        refused = Client(server).post("/v1/invitations/accept", {"token": made["invitation_token"], "password": PASSWORD})
        assert refused.errors() == {("#/token", "reference_not_found")}
        accept(server, again["invitation_token"])
        assert world.refresh(made)["status"] == "active"

    def test_a_replay_does_not_show_the_token_again(self, world):
        made = world.invite("viewer")
        send = lambda: world.admin.post(f"/v1/users/{made['id']}/resend-invite", None, if_match=1, key=made["id"], expect=200)
        first, again = send(), send()
        assert again.is_replay and first["invitation_token"] and again["invitation_token"] is None
        assert again["version"] == first["version"] == 2

    def test_not_who_has_accepted(self, world):
        user = world.make_user("viewer")
        refused = world.admin.post(f"/v1/users/{user.id}/resend-invite", None, if_match="*", expect=409,
                                   problem="invalid_transition")
        assert refused["from"] == "active" and refused["allowed"] == ["change-role", "deactivate", "erase"]


class TestDeactivating:
    def test_withdraws_an_invitation(self, world, server):
        made = world.invite("viewer")
        after = world.act("users", made, "deactivate")
        assert after["status"] == "disabled" and after["allowed_actions"] == ["change-role", "reactivate", "erase"]
        refused = Client(server).post("/v1/invitations/accept", {"token": made["invitation_token"], "password": PASSWORD})
        assert refused.errors() == {("#/token", "reference_not_found")}

    def test_back_to_invited_with_a_new_token(self, world, server):
        made = world.invite("viewer")
        back = world.act("users", world.act("users", made, "deactivate"), "reactivate")
        assert back["status"] == "invited"
        accept(server, world.act("users", back, "resend-invite")["invitation_token"])
        assert world.refresh(made)["status"] == "active"

    def test_back_with_the_password_of_before_but_no_session(self, world, server):
        user = world.make_user("viewer")
        session = sign_in(server, user.email, PASSWORD, world.slug)
        row = world.act("users", row_of(world, user), "deactivate")
        assert world.act("users", row, "reactivate")["status"] == "active"
        refresh = Client(server).post("/oauth/token", form={
            "grant_type": "refresh_token", "refresh_token": session["refresh_token"]})
        assert refresh.status == 400 and refresh["error"] == "invalid_grant"
        wait.until(lambda: user.get("/v1/me", expect=None).status == 401, "the access token of before is refused")
        sign_in(server, user.email, PASSWORD, world.slug)

    def test_reactivated_once(self, world):
        user = world.make_user("viewer")
        world.admin.post(f"/v1/users/{user.id}/reactivate", None, if_match="*", expect=409, problem="invalid_transition")


class TestRoles:
    def test_the_token_of_before_is_cut_and_the_session_goes_on(self, world, server):
        user = world.make_user("admin")
        session = sign_in(server, user.email, PASSWORD, world.slug)
        held = Client(server, session["access_token"])
        held.get("/v1/audit-log", expect=200)
        after = world.act("users", row_of(world, user), "change-role", {"role": "viewer"})
        assert after["role"] == "viewer" and after["status"] == "active"
        wait.until(lambda: held.get("/v1/me", expect=None).status == 401, "a token with the scopes of before is refused")
        fresh = Client(server).post("/oauth/token", form={
            "grant_type": "refresh_token", "refresh_token": session["refresh_token"]}, expect=200)
        assert "audit:read" not in fresh["scope"].split() and "deals:read" in fresh["scope"].split()
        assert Client(server, fresh["access_token"]).get("/v1/me")["role"] == "viewer"
        held.get("/v1/me", expect=401)

    def test_within_a_partner(self, world):
        partner = world.partner("a")
        made = world.invite("partner_member", by=partner.user())
        after = world.act("users", made, "change-role", {"role": "partner_admin"}, by=partner.user())
        assert (after["role"], after["partner_id"]) == ("partner_admin", partner.id)

    @pytest.mark.parametrize("role", ["admin", "viewer", "partner_manager"])
    def test_a_partners_admin_gives_partner_roles_only(self, world, role):
        partner = world.partner("a")
        made = world.invite("partner_member", by=partner.user())
        refused = partner.user().post(f"/v1/users/{made['id']}/change-role", {"role": role}, if_match=1, expect=422)
        assert refused.errors() == {("#/role", "inconsistent")}
        assert world.refresh(made)["role"] == "partner_member"

    def test_nobody_changes_sides(self, world):
        made = world.invite("viewer")
        refused = world.admin.post(f"/v1/users/{made['id']}/change-role", {"role": "partner_admin"}, if_match=1, expect=422)
        assert refused.errors() == {("#/role", "inconsistent")}

    def test_not_ones_own_and_not_the_same(self, world):
        admin = world.make_user("admin")
        admin.post(f"/v1/users/{admin.id}/change-role", {"role": "viewer"}, if_match="*", expect=409, problem="conflict")
        made = world.invite("viewer")
        world.admin.post(f"/v1/users/{made['id']}/change-role", {"role": "viewer"}, if_match=1, expect=409,
                         problem="conflict")

    def test_published_with_the_role_of_before(self, world):
        made = world.invite("viewer")
        world.act("users", made, "change-role", {"role": "finance"})
        event = next(event for event in events_of(world.admin, made["id"], 2) if event["type"] == "user.role_changed")
        assert event["previous"] == {"role": "viewer"} and event["data"]["role"] == "finance"


class TestTheLastAdmin:
    """Somebody must be left who can invite others. One after the other the last one is always oneself; who removes whom
    in the same moment is in races/test_people_races.py."""

    @pytest.fixture
    def lonely(self, server, database_url):
        return World(server, database_url)

    def test_stays(self, lonely, server):
        other = lonely.make_user("admin")
        lonely.invite("admin")
        row = lonely.act("users", other.get(f"/v1/users/{lonely.admin_id}").json, "deactivate", by=other)
        assert row["status"] == "disabled"
        for action, body in (("deactivate", None), ("change-role", {"role": "viewer"})):
            other.post(f"/v1/users/{other.id}/{action}", body, if_match="*", expect=409, problem="conflict")

    def test_a_machine_or_a_manager_cannot(self, lonely):
        manager = lonely.user("partner_manager")
        manager.post(f"/v1/users/{lonely.admin_id}/deactivate", None, if_match="*", expect=403)


class TestNames:
    def test_of_others(self, world):
        made = world.invite("viewer")
        after = world.admin.patch(f"/v1/users/{made['id']}", {"name": "Ana María"}, if_match=1, expect=200)
        assert (after["name"], after["version"]) == ("Ana María", 2)

    @pytest.mark.parametrize("member, value, code", [
        ("email", "a@b.example", "unknown_field"), ("role", "admin", "read_only_field"), ("name", None, "wrong_type"),
        ("status", "active", "read_only_field"), ("partner_id", None, "read_only_field"),
    ])
    def test_of_nothing_else(self, world, member, value, code):
        made = world.invite("viewer")
        refused = world.admin.patch(f"/v1/users/{made['id']}", {member: value}, if_match=1, expect=422)
        assert {place for place, _ in refused.errors()} == {f"#/{member}"}

    @pytest.mark.parametrize("role", ["viewer", "partner_member"])
    def test_of_oneself(self, world, role):
        user = world.partner("a").user(role) if role.startswith("partner") else world.user(role)
        me = user.get("/v1/me")
        assert me.etag == f'"{me["version"]}"'
        after = user.patch("/v1/me", {"name": f"New {role}"}, if_match=me.etag, expect=200)
        assert (after["id"], after["name"]) == (me["id"], f"New {role}") and after.etag != me.etag
        assert user.get("/v1/me")["name"] == f"New {role}"

    def test_a_machine_has_none_here(self, world):
        world.partner("a").api.patch("/v1/me", {"name": "x"}, if_match="*", expect=403, problem="forbidden")
