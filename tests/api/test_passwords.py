# SPDX-License-Identifier: Apache-2.0
"""Which passwords are taken, wherever one is set, and changing one's own."""
import pytest

from support import wait
from support.client import Client
from support.server import partnerd
from support.world import PASSWORD, accept, sign_in, unique

NEW = "a lighthouse above the fog"


def signs_in(server, world, user, password):
    body = {"email": user.email, "password": password, "program": world.slug}
    return Client(server).post("/v1/sessions", body).status == 201


class TestRule:
    @pytest.mark.parametrize("password, code", [
        ("x" * 11, "too_short"), ("x" * 129, "too_long"), ("P@ssw0rd-2026!", "invalid_choice"),
        ("passwordpassword", "invalid_choice"), ("123456789012", "invalid_choice"), ("qwertyuiop[]", "invalid_choice"),
        ("Winniethepooh", "invalid_choice"), ("\u0000 and the rest", None), ("a\x07b and some more", "invalid_format"),
    ])
    def test_of_an_invitation(self, world, server, password, code):
        made = world.invite("viewer")
        refused = Client(server).post("/v1/invitations/accept", {"token": made["invitation_token"], "password": password})
        assert refused.status == (422 if code else 400), refused
        assert not code or refused.errors() == {("#/password", code)}
        assert password not in refused.body.decode()
        accept(server, made["invitation_token"])  # a refused password does not spend the token

    def test_whose_it_is(self, world, server):
        made = world.invite("viewer")
        for password in (made["email"], made["email"].upper(), made["email"].split("@")[0] + "!!", f"{world.slug}--1",
                         f"programme {world.slug}"):
            refused = Client(server).post("/v1/invitations/accept", {
                "token": made["invitation_token"], "password": password}, expect=422)
            assert refused.errors() == {("#/password", "invalid_choice")}, password

    @pytest.mark.parametrize("password", ["päßwörter gibt es", "日本語の合言葉は長いです", " leading and trailing ", "x1" + "é" * 126])
    def test_any_characters_are_good(self, world, server, password):
        made = world.invite("viewer")
        accept(server, made["invitation_token"], password)
        sign_in(server, made["email"], password, world.slug)

    @pytest.mark.parametrize("password", ["short", "passwordpassword", "boss@vendor.example"])
    def test_of_the_operators_hand(self, database_url, password):
        done = partnerd("program", "create", "--slug", unique("p"), "--name", "P", "--admin-email", "boss@vendor.example",
                        "--admin-password", password, database_url=database_url, status=1)
        assert "the admin's password" in done.stderr and password not in done.stderr.replace("the admin's password", "")

    def test_no_list_no_server(self, database_url):
        done = partnerd("serve", database_url=database_url, settings={"common_passwords_file": "/nowhere"}, status=1)
        assert "common_passwords_file /nowhere" in done.stderr


class TestChanging:
    def test_the_old_one_is_gone_and_other_sessions_end(self, world, server):
        user = world.make_user("viewer")
        other = sign_in(server, user.email, PASSWORD, world.slug)
        answer = user.post("/v1/me/change-password", {"current_password": PASSWORD, "new_password": NEW}, expect=204)
        assert answer.body == b""
        user.get("/v1/me", expect=200)
        held = Client(server, other["access_token"])
        wait.until(lambda: held.get("/v1/me", expect=None).status == 401, "the other session's token is refused")
        refresh = Client(server).post("/oauth/token", form={
            "grant_type": "refresh_token", "refresh_token": other["refresh_token"]})
        assert refresh["error"] == "invalid_grant"
        assert signs_in(server, world, user, NEW) and not signs_in(server, world, user, PASSWORD)

    def test_only_who_knows_the_present_one(self, world, server):
        user = world.make_user("viewer")
        refused = user.post("/v1/me/change-password", {"current_password": "not this one", "new_password": NEW}, expect=422)
        assert refused.errors() == {("#/current_password", "inconsistent")}
        assert signs_in(server, world, user, PASSWORD)

    def test_guessing_is_slowed_down_like_a_sign_in(self, world):
        user = world.make_user("viewer")
        guess = {"current_password": "not this one", "new_password": NEW}
        answers = [user.post("/v1/me/change-password", guess) for _ in range(12)]
        assert [answer.status for answer in answers][:3] == [422] * 3 and answers[-1].status == 429
        assert answers[-1].problem == "rate_limited" and int(answers[-1].headers["Retry-After"]) > 0
        right = {"current_password": PASSWORD, "new_password": NEW}
        user.post("/v1/me/change-password", right, expect=429)

    @pytest.mark.parametrize("password", ["short", "passwordpassword"])
    def test_to_a_good_one(self, world, password):
        user = world.user("viewer")
        refused = user.post("/v1/me/change-password", {"current_password": PASSWORD, "new_password": password}, expect=422)
        assert {place for place, _ in refused.errors()} == {"#/new_password"}

    def test_noted_without_the_password(self, world):
        user = world.make_user("viewer")
        user.post("/v1/me/change-password", {"current_password": PASSWORD, "new_password": NEW}, expect=204)
        entries = world.admin.list("/v1/audit-log", {"actor_id": user.id})
        assert "user.password_changed" in [entry["action"] for entry in entries]
        assert NEW not in str(entries) and "argon2" not in str(entries)

    def test_machines_have_none(self, world):
        world.partner("a").api.post("/v1/me/change-password", {"current_password": "x", "new_password": NEW}, expect=403,
                                    problem="forbidden")
