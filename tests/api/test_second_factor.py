# SPDX-License-Identifier: Apache-2.0
"""The second factor: setting it up, signing in with it, recovery codes, and roles that must have one."""
import time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from support import wait
from support.client import Client
from support.judge import command_is_consistent, same_refusal
from support.parallel import at_once
from support.second_factor import answer, challenge, code, code_at, enrol, forget, person, start, wrong
from support.world import PASSWORD, World, sign_in

WAYS_OF_WRITING = [str.lower, lambda text: text.replace("-", ""), lambda text: text.replace("-", " "),
                   lambda text: f" {text} "]


def renew(server, session):
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    return Client(server).post("/oauth/token", form=form)


def database(world):
    return world.database_url.rsplit("/", 1)[1]


@pytest.fixture
def user(world):
    return person(world)


# ---- setting it up ----

def test_the_authenticator_is_told_everything(world):
    user = world.make_user("viewer")
    made = start(user)
    assert made.headers["Cache-Control"] == "no-store"
    uri = urlsplit(made["otpauth_uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/Programme {world.slug}:{user.email}"
    assert parse_qs(uri.query) == {"secret": [made["secret"]], "issuer": [f"Programme {world.slug}"],
                                   "algorithm": ["SHA1"], "digits": ["6"], "period": ["30"]}


def test_it_needs_the_password(world):
    user = world.make_user("viewer")
    refused = user.post("/v1/me/totp", {"password": "not the password at all"}, expect=422)
    assert refused.errors() == {("#/password", "inconsistent")}
    user.post("/v1/me/totp", {}, expect=422)
    user.post("/v1/me/totp/confirm", {"code": "000000"}, expect=422)


def test_it_counts_from_its_confirmation_on(world):
    user = world.make_user("viewer")
    secret = start(user)["secret"]
    assert user.get("/v1/me")["has_second_factor"] is False
    sign_in(world.server, user.email, user.password, world.slug)
    done = user.post("/v1/me/totp/confirm", {"code": code(secret)}, expect=200)
    assert done.headers["Cache-Control"] == "no-store" and len(set(done["recovery_codes"])) == 10
    assert user.get("/v1/me")["has_second_factor"] is True
    assert world.admin.get(f"/v1/users/{user.id}")["has_second_factor"] is True
    challenge(world, user)


def test_sessions_that_began_without_one_end(world):
    """Somebody else's, perhaps: a session is no proof of a factor that came after it."""
    user = world.make_user("viewer")
    own, other = (sign_in(world.server, user.email, user.password, world.slug).json for _ in range(2))
    client = Client(world.server, own["access_token"])
    client.password = user.password
    enrol(client)
    assert renew(world.server, other).status == 400 and renew(world.server, own).status == 200
    wait.until(lambda: Client(world.server, other["access_token"]).get("/v1/me", expect=None).problem == "token_invalid",
               "the other session is over")
    client.get("/v1/me")


def test_the_last_seed_counts(world):
    user = world.make_user("viewer")
    first, last = (start(user)["secret"] for _ in range(2))
    refused = user.post("/v1/me/totp/confirm", {"code": code(first)}, expect=422)
    assert refused.errors() == {("#/code", "inconsistent")}
    user.post("/v1/me/totp/confirm", {"code": code(last)}, expect=200)


def test_there_is_one(user):
    start(user, expect=409, problem="already_exists")
    user.post("/v1/me/totp/confirm", {"code": code(user.secret)}, expect=409, problem="already_exists")


def test_without_a_seed_nothing_is_confirmed(world):
    user = world.make_user("viewer")
    user.post("/v1/me/totp/confirm", {"code": "000000"}, expect=422)
    for path in ("/v1/me/totp/disable", "/v1/me/recovery-codes"):
        user.post(path, {"code": "000000"}, expect=404, problem="not_found")


def test_a_stolen_token_does_not_guess_for_ever(world):
    """Whoever has the access token and not the seed is slowed down like somebody who guesses a password."""
    user = world.make_user("viewer")
    secret = start(user)["secret"]
    for _ in range(10):
        user.post("/v1/me/totp/confirm", {"code": wrong(secret)}, expect=422)
    refused = user.post("/v1/me/totp/confirm", {"code": code(secret)}, expect=429, problem="rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1


def test_a_recovery_code_confirms_nothing(world):
    user = world.make_user("viewer")
    start(user)
    user.post("/v1/me/totp/confirm", {"code": "MZXW-6YTB-OI2D-EMRT"}, expect=422)


def test_confirming_at_once(world):
    user = world.make_user("viewer")
    secret = start(user)["secret"]
    body = {"code": code(secret)}
    answers = at_once([lambda: user.post("/v1/me/totp/confirm", body)] * 8)
    assert [each.status for each in answers].count(200) == 1
    assert {each.status for each in answers} <= {200, 409, 422}
    codes = next(each["recovery_codes"] for each in answers if each.status == 200)
    assert answer(world, challenge(world, user), codes[0]).status == 201, "the codes shown are those that count"


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 287082}, {"code": "12345"}, {"code": "1" * 41},
                                  {"code": "123456", "more": 1}])
def test_bodies(user, body):
    for path in ("/v1/me/totp/confirm", "/v1/me/totp/disable", "/v1/me/recovery-codes"):
        user.post(path, body, expect=422, problem="validation_failed")


def test_machines_have_none(world):
    machine = world.partner("a").api
    assert machine.get("/v1/me")["has_second_factor"] is None
    machine.post("/v1/me/totp", {"password": PASSWORD}, expect=403, problem="forbidden")
    for path in ("/v1/me/totp/confirm", "/v1/me/totp/disable", "/v1/me/recovery-codes"):
        machine.post(path, {"code": "123456"}, expect=403, problem="forbidden")


def test_seeds_and_codes_are_not_in_the_database(world, user, postgres):
    sign = challenge(world, user)
    rows = postgres.execute(database(world), """
        select (select jsonb_agg(to_jsonb(f)) from second_factors f)::text || (select jsonb_agg(to_jsonb(r)) from recovery_codes r)
            || (select jsonb_agg(to_jsonb(c)) from sign_in_challenges c) || (select jsonb_agg(to_jsonb(a)) from audit_entries a)
            || (select jsonb_agg(to_jsonb(e)) from events e)""")[0][0]
    for secret in (user.secret, sign, *user.recovery_codes, user.recovery_codes[0].replace("-", "")):
        assert secret not in rows


def test_a_seed_is_sealed_for_its_user(world, user, postgres):
    """Copied to somebody else's row it opens nothing."""
    thief = person(world)
    postgres.execute(database(world), """
        update second_factors f set seed = t.seed, last_step = 0 from second_factors t
        where f.user_id = %s and t.user_id = %s""", (user.id, thief.id))
    refused = answer(world, challenge(world, user), code(thief.secret))
    assert refused.status == 401 and refused.problem == "invalid_code"


# ---- signing in ----

def test_signing_in(world, user):
    refused = Client(world.server).post(
        "/v1/sessions", {"email": user.email, "password": user.password}, expect=401, problem="second_factor_required")
    assert refused.headers["Cache-Control"] == "no-store"
    session = answer(world, refused["challenge_token"], code(user.secret))
    assert session.status == 201 and session["user_id"] == user.id
    client = Client(world.server, session["access_token"])
    assert client.get("/v1/me")["must_enrol"] is False and client.get("/v1/deals")
    assert set(session["scope"].split()) == set(client.get("/v1/me")["scopes"])


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_clocks_may_differ_by_a_step(world, user, postgres, steps):
    forget(postgres, world, user)
    while time.time() % 30 > 25:  # the step must not end between here and the server
        time.sleep(0.2)
    assert answer(world, challenge(world, user), code(user.secret, steps)).status == 201


def test_older_and_newer_codes_are_refused(world, user, postgres):
    forget(postgres, world, user)
    for steps in (-40, -3, 3, 40):
        assert answer(world, challenge(world, user), code(user.secret, steps)).problem == "invalid_code"


def test_a_code_is_good_once(world, user):
    text = code(user.secret)
    assert answer(world, challenge(world, user), text).status == 201
    assert answer(world, challenge(world, user), text).problem == "invalid_code"
    user.post("/v1/me/recovery-codes", {"code": text}, expect=422)


def test_nor_is_one_before_it(world, user):
    now = time.time()
    assert answer(world, challenge(world, user), code_at(user.secret, now + 30)).status == 201
    assert answer(world, challenge(world, user), code_at(user.secret, now)).problem == "invalid_code"


def test_a_code_at_once(world, user):
    """One code, eight challenges: one session."""
    text, tokens = code(user.secret), [challenge(world, user) for _ in range(8)]
    answers = at_once([lambda token=token: answer(world, token, text) for token in tokens])
    assert sorted(each.status for each in answers) == [201] + [401] * 7


def test_a_challenge_is_good_once(world, user, postgres):
    token = challenge(world, user)
    assert answer(world, token, wrong(user.secret)).problem == "invalid_code"
    answers = at_once([lambda text=text: answer(world, token, text) for text in user.recovery_codes[:6]])
    assert sorted(each.status for each in answers) == [201] + [401] * 5
    assert answer(world, token, user.recovery_codes[7]).problem == "invalid_code"
    rest = postgres.execute(database(world), "select count(*) from recovery_codes where user_id = %s and used_at is null",
                            (user.id,))
    assert rest == [(9,)], "a code that opened nothing was not used up"


def test_challenges_end(world, user, postgres):
    token = challenge(world, user)
    postgres.execute(database(world), "update sign_in_challenges set expires_at = now() where user_id = %s", (user.id,))
    refused = answer(world, token, code(user.secret))
    assert refused.problem == "invalid_code"
    same_refusal(refused, answer(world, "pdc_nothing", code(user.secret)))


@pytest.mark.parametrize("change", ["status = 'disabled'", "password_hash = password_hash || ' '"])
def test_a_challenge_is_worth_what_its_password_is(world, user, postgres, change):
    token = challenge(world, user)
    postgres.execute(database(world), f"update users set {change} where id = %s", (user.id,))
    assert answer(world, token, code(user.secret)).problem == "invalid_code"


@pytest.mark.parametrize("body, places", [
    ({}, {"#/email", "#/password"}), ({"challenge_token": "x"}, {"#/code"}), ({"code": "123456"}, {"#/email", "#/password", "#/code"}),
    ({"challenge_token": "x", "code": "123456", "email": "a@b.example"}, {"#/email"}),
    ({"email": "a@b.example", "password": "x", "code": "123456"}, {"#/code"}),
])
def test_the_two_steps_are_not_mixed(server, body, places):
    refused = Client(server).post("/v1/sessions", body, expect=422, problem="validation_failed")
    assert {place for place, _ in refused.errors()} == places


def test_a_wrong_password_says_nothing_of_it(world, user):
    body = {"email": user.email, "password": "wrong"}
    refused = Client(world.server).post("/v1/sessions", body, expect=401, problem="invalid_credentials")
    same_refusal(refused, Client(world.server).post("/v1/sessions", {**body, "email": "nobody@people.example"}))


def test_codes_cannot_be_guessed(world, user):
    """Wrong codes count like wrong passwords, and a right password does not clear them."""
    for _ in range(10):
        assert answer(world, challenge(world, user), wrong(user.secret)).problem == "invalid_code"
    token = None
    refused = Client(world.server).post("/v1/sessions", {"email": user.email, "password": user.password})
    assert refused.status == 429 and int(refused.headers["Retry-After"]) >= 1, (token, refused)
    user.post("/v1/me/totp/disable", {"code": code(user.secret)}, expect=429, problem="rate_limited")


def test_the_ledger_knows(world, user):
    answer(world, challenge(world, user), wrong(user.secret))
    answer(world, challenge(world, user), code(user.secret))
    actions = [entry["action"] for entry in world.admin.list("/v1/audit-log", {"actor_id": user.id})]
    assert {"user.second_factor_enabled", "session.challenged", "session.refused", "session.started"} <= set(actions)


# ---- recovery codes ----

def test_a_recovery_code_is_good_once(world, user):
    assert answer(world, challenge(world, user), user.recovery_codes[3]).status == 201
    assert answer(world, challenge(world, user), user.recovery_codes[3]).problem == "invalid_code"
    assert answer(world, challenge(world, user), user.recovery_codes[4]).status == 201


@pytest.mark.parametrize("write", WAYS_OF_WRITING, ids=range(len(WAYS_OF_WRITING)))
def test_recovery_codes_are_typed_in_many_ways(world, user, write):
    assert answer(world, challenge(world, user), write(user.recovery_codes[0])).status == 201


def test_recovery_codes_are_ones_own(world, user):
    assert answer(world, challenge(world, user), person(world).recovery_codes[0]).problem == "invalid_code"


def test_new_recovery_codes(world, user):
    codes = user.post("/v1/me/recovery-codes", {"code": user.recovery_codes[0]}, expect=200)["recovery_codes"]
    assert len(codes) == 10 and not set(codes) & set(user.recovery_codes)
    assert answer(world, challenge(world, user), user.recovery_codes[1]).problem == "invalid_code"
    assert answer(world, challenge(world, user), codes[0]).status == 201
    assert len(user.post("/v1/me/recovery-codes", {"code": code(user.secret)}, expect=200)["recovery_codes"]) == 10


# ---- taking it away ----

@pytest.mark.parametrize("by", ["code", "recovery code"])
def test_disabling(world, user, by):
    user.post("/v1/me/totp/disable", {"code": wrong(user.secret)}, expect=422)
    user.post("/v1/me/totp/disable", {"code": code(user.secret) if by == "code" else user.recovery_codes[0]}, expect=204)
    assert user.get("/v1/me")["has_second_factor"] is False
    sign_in(world.server, user.email, user.password, world.slug)
    enrol(user)
    challenge(world, user)


def test_disabling_ends_open_challenges(world, user):
    token = challenge(world, user)
    user.post("/v1/me/totp/disable", {"code": user.recovery_codes[0]}, expect=204)
    secret, _ = enrol(user)
    assert answer(world, token, code(secret)).problem == "invalid_code"


def test_an_administrator_resets_it(world, user):
    row = world.admin.get(f"/v1/users/{user.id}").json
    done = world.admin.post(f"/v1/users/{user.id}/reset-second-factor", if_match=row["version"], expect=200)
    assert command_is_consistent(world.admin, done)["has_second_factor"] is False
    wait.until(lambda: user.get("/v1/me", expect=None).problem == "token_invalid", "the user is signed out")
    sign_in(world.server, user.email, user.password, world.slug)
    world.admin.post(f"/v1/users/{user.id}/reset-second-factor", if_match="*", expect=409, problem="conflict")


def test_nobody_resets_their_own(world):
    world.admin.post(f"/v1/users/{world.admin_id}/reset-second-factor", if_match="*", expect=409, problem="conflict")


def test_partners_reset_their_own_people_only(world):
    partner = world.partner("a")
    colleague, stranger = person(world, "partner_member", partner.id), person(world)
    path = "/v1/users/{}/reset-second-factor"
    partner.user().post(path.format(stranger.id), if_match="*", expect=404)
    partner.user().post(path.format(colleague.id), if_match="*", expect=200)
    partner.user("partner_member").post(path.format(partner.user().id), if_match="*", expect=403)


# ---- roles that must have one ----

@pytest.fixture(scope="module")
def strict(server, database_url):
    """A program that asks for a second factor of its reviewers and of partners' administrators."""
    world = World(server, database_url)
    world.old = world.make_user("reviewer")
    world.old_session = sign_in(server, world.old.email, world.old.password, world.slug).json
    version = world.admin.get("/v1/program")["version"]
    world.admin.patch("/v1/program", {"second_factor_roles": ["reviewer", "partner_admin"]}, if_match=version, expect=200)
    return world


def test_what_a_program_asks_for(strict):
    program = strict.admin.get("/v1/program")
    assert program["second_factor_roles"] == ["reviewer", "partner_admin"]
    for roles in (["reviewer", "reviewer"], ["nobody"], "reviewer", [None]):
        strict.admin.patch("/v1/program", {"second_factor_roles": roles}, if_match=program["version"], expect=422)


@pytest.mark.parametrize("role", ["reviewer", "partner_admin"])
def test_without_one_there_is_nothing_else_to_do(strict, role):
    partner = strict.partner("a")
    user = strict.make_user(role, partner.id if role == "partner_admin" else None)
    session = sign_in(strict.server, user.email, user.password, strict.slug)
    client = Client(strict.server, session["access_token"])
    client.password = user.password
    assert session["scope"] == "" and client.get("/v1/me")["scopes"] == [] and client.get("/v1/me")["must_enrol"] is True
    for path in ("/v1/deals", "/v1/program", "/v1/sessions", "/v1/roles"):
        client.get(path, expect=403, problem="second_factor_missing")
    client.post("/v1/deals", {}, expect=403, problem="second_factor_missing")
    enrol(client)
    client.get("/v1/deals", expect=403, problem="second_factor_missing")
    renewed = renew(strict.server, session).json
    client = Client(strict.server, renewed["access_token"])
    assert renewed["scope"] and client.get("/v1/me")["must_enrol"] is False
    client.get("/v1/deals")


def test_enrolling_lets_nobody_else_in(strict):
    """Whoever has only the password waits in vain for its owner to enrol."""
    user = strict.make_user("reviewer")
    own, stolen = (sign_in(strict.server, user.email, user.password, strict.slug).json for _ in range(2))
    client = Client(strict.server, own["access_token"])
    client.password = user.password
    enrol(client)
    assert renew(strict.server, stolen).status == 400
    assert renew(strict.server, own)["scope"]


def test_who_has_to_enrol_may_leave(strict):
    user = strict.make_user("reviewer")
    assert user.get("/v1/sessions/current")["is_current"]
    user.request("DELETE", "/v1/sessions/current", expect=204)


def test_sessions_of_before_lose_their_scopes_at_the_next_refresh(strict):
    client = Client(strict.server, strict.old_session["access_token"])
    client.get("/v1/deals")
    renewed = renew(strict.server, strict.old_session).json
    assert renewed["scope"] == ""
    Client(strict.server, renewed["access_token"]).get("/v1/deals", expect=403, problem="second_factor_missing")


def test_other_roles_go_on(strict):
    user = strict.make_user("viewer")
    assert user.get("/v1/me")["must_enrol"] is False and user.get("/v1/deals")


def test_who_takes_it_away_has_to_enrol_again(strict):
    user = strict.make_user("reviewer")
    session = sign_in(strict.server, user.email, user.password, strict.slug)
    enrolling = Client(strict.server, session["access_token"])
    enrolling.password = user.password
    _, codes = enrol(enrolling)
    session = renew(strict.server, session).json
    Client(strict.server, session["access_token"]).post("/v1/me/totp/disable", {"code": codes[0]}, expect=204)
    assert renew(strict.server, session)["scope"] == ""
