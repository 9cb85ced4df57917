# SPDX-License-Identifier: Apache-2.0
"""Sessions in cookies: what a browser keeps and sends by itself, and what a page must show beside it."""
import re

import pytest

from support import second_factor
from support.client import Client
from support.tokens import claims_of
from support.world import World, sign_in

APP, API = "https://app.partner.example", "https://api.vendor.example"
ACCESS, REFRESH = "__Host-partnerd_access", "__Secure-partnerd_refresh"


@pytest.fixture(scope="module")
def url(new_database):
    return new_database()


@pytest.fixture(scope="module")
def site(new_server, url):
    server = new_server(url, cookie_sessions="true", cors_origins=APP, public_url=f"{API}/base")
    return World(server, url)


class Browser:
    """Keeps cookies as a browser does: by name, sent where their path reaches; forgets what has ended."""

    def __init__(self, world, origin=APP):
        self.world, self.origin, self.cookies, self.csrf = world, origin, {}, None

    def send(self, method, path, body=None, headers=None, csrf=True, check=True, **options):
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, (value, reach) in self.cookies.items()
                                    if path.startswith(reach)) or None, "Origin": self.origin}
        if csrf and method not in ("GET", "HEAD"):
            sent["X-CSRF-Token"] = self.csrf
        answer = Client(self.world.server, check=check).request(method, path, body, headers={**sent, **(headers or {})}, **options)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.keep(line)
        if answer.status in (200, 201) and "cookie-sessions" in path:
            self.csrf = answer["csrf_token"]
        return answer

    def keep(self, line):
        name, value = re.match(r"([^=]+)=([^;]*)", line).groups()
        if "1970" in line:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = (value, re.search(r"Path=([^;]+)", line)[1])

    def enter(self, user, **options):
        body = {"email": user.email, "password": user.password, "program": self.world.slug}
        return self.send("POST", "/v1/cookie-sessions", body, **options)

    def is_in(self):
        return self.send("GET", "/v1/me").status == 200


@pytest.fixture
def user(site):
    return site.make_user("admin")


@pytest.fixture
def browser(site, user):
    made = Browser(site)
    made.enter(user, expect=201)
    return made


# ---- signing in ----

def test_tokens_are_in_cookies_only(site, user):
    browser = Browser(site)
    answer = browser.enter(user, expect=201)
    assert set(browser.cookies) == {ACCESS, REFRESH} and len(answer.headers.get_all("Set-Cookie")) == 2
    for value, _ in browser.cookies.values():
        assert value and value not in answer.body.decode()
    assert answer.headers["Cache-Control"] == "no-store" and answer["user_id"] == user.id
    assert browser.send("GET", "/v1/sessions/current")["profile"] == "cookie"


def test_what_the_cookies_are_like(site, user):
    lines = {line.split("=")[0]: line for line in Browser(site).enter(user).headers.get_all("Set-Cookie")}
    for name, path, life in ((ACCESS, "/", "600"), (REFRESH, "/v1/cookie-sessions", "604800")):
        parts = {part.strip().lower() for part in lines[name].split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", f"path={path}", f"max-age={life}"} <= parts, lines[name]
        assert not any(part.startswith("domain") for part in parts)


@pytest.mark.parametrize("same_site", ["strict", "none"])
def test_same_site_is_a_setting(new_server, url, site, user, same_site):
    server = new_server(url, cookie_sessions="true", cookie_same_site=same_site, cors_origins=APP)
    answer = Client(server).post("/v1/cookie-sessions", {"email": user.email, "password": user.password}, expect=201)
    assert all(f"samesite={same_site}" in line.lower() for line in answer.headers.get_all("Set-Cookie"))


def test_a_second_factor_is_asked_for_here_too(site, postgres):
    user = second_factor.person(site)
    browser = Browser(site)
    token = browser.enter(user, expect=401, problem="second_factor_required")["challenge_token"]
    assert not browser.cookies
    browser.send("POST", "/v1/cookie-sessions", {"challenge_token": token, "code": second_factor.code(user.secret)}, expect=201)
    assert browser.is_in()


def test_refusals_set_no_cookie(site, user):
    browser = Browser(site)
    user.password = "wrong"
    browser.enter(user, expect=401, problem="invalid_credentials")
    browser.send("POST", "/v1/cookie-sessions", {"email": "x"}, expect=422)
    assert not browser.cookies


def test_pages_of_others_sign_nobody_in(site, user):
    browser = Browser(site, origin="https://evil.example")
    browser.enter(user, expect=403, problem="csrf_invalid")
    assert not browser.cookies


# ---- using it ----

def test_reading_needs_the_cookie_only(browser):
    assert browser.send("GET", "/v1/deals").status == 200
    answer = browser.send("GET", "/v1/program")
    assert "Cookie" in answer.headers["Vary"] and answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Origin"] == APP


def write(browser, **options):
    """Something that changes something."""
    version = browser.world.admin.get("/v1/program")["version"]
    return browser.send("PATCH", "/v1/program", {"extension_days": version}, if_match=version, **options)


@pytest.mark.parametrize("origin", [APP, API, None])
def test_writing_needs_the_csrf_token(browser, origin):
    browser.origin = origin
    assert write(browser).status == 200
    for token in (None, "", "x", "A" * 43, browser.csrf[:-1], browser.csrf + "A"):
        refused = write(browser, csrf=False, headers={"X-CSRF-Token": token or None})
        assert refused.status == 403 and refused.problem == "csrf_invalid", token


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.partner.example", f"{APP}.evil.example",
                                    f"{API}:8443", "https://api.vendor", f"{API}/base", ""])
def test_writing_needs_an_origin_of_ours(browser, origin):
    browser.origin = origin
    assert write(browser).problem == "csrf_invalid"


def test_every_method_that_may_change_something(browser):
    for method, path in (("POST", "/v1/tiers"), ("DELETE", "/v1/sessions/current"), ("DELETE", "/v1/sessions")):
        browser.send(method, path, {} if method == "POST" else None, csrf=False, expect=403, problem="csrf_invalid")
    assert browser.is_in()


def test_the_token_of_another_session_is_none(site, user, browser):
    other = Browser(site)
    other.enter(user, expect=201)
    assert other.csrf != browser.csrf
    assert write(browser, csrf=False, headers={"X-CSRF-Token": other.csrf}).problem == "csrf_invalid"


def test_authorization_wins(site, browser):
    """Who sends a token means it: the cookie is not looked at, nor is its CSRF token needed."""
    viewer = site.make_user("viewer")
    sent = {"Authorization": f"Bearer {viewer.token}"}
    assert browser.send("GET", "/v1/me", headers=sent)["id"] == viewer.id
    assert browser.send("DELETE", "/v1/sessions/current", headers=sent, csrf=False).status == 204
    assert browser.is_in()
    for bad in ("Bearer x.y.z", "Bearer", "Basic YTpi", ""):
        assert browser.send("GET", "/v1/me", headers={"Authorization": bad}).status in (200, 401)
    assert browser.send("GET", "/v1/me", headers={"Authorization": "Bearer x.y.z"}).problem == "token_invalid"


@pytest.mark.parametrize("cookie", ["{name}={value}; {name}={value}", "{name}=", "{name}", "x{name}={value}", "{name}x={value}",
                                    "{upper}={value}", '{name}="{value}"', ";;;=;", "{name}={value}x"])
def test_cookies_that_are_none(browser, cookie):
    value = browser.cookies[ACCESS][0]
    sent = {"Cookie": cookie.format(name=ACCESS, upper=ACCESS.upper(), value=value)}
    assert browser.send("GET", "/v1/me", headers=sent).status == 401


@pytest.mark.parametrize("cookie", ["a=b; {}; c=d", "  {}  ", "a;{};b", '{}; x="y z"', "a=__Host-partnerd_access=1; {}"])
def test_cookies_among_others(browser, cookie):
    sent = {"Cookie": cookie.format(f"{ACCESS}={browser.cookies[ACCESS][0]}")}
    assert browser.send("GET", "/v1/me", headers=sent).status == 200


# ---- renewing ----

def test_renewing(browser):
    before, csrf = dict(browser.cookies), browser.csrf
    browser.send("POST", "/v1/cookie-sessions/refresh", expect=200)
    assert browser.cookies[REFRESH] != before[REFRESH] and browser.csrf == csrf and browser.is_in()


def test_a_page_that_was_reloaded_gets_the_csrf_token_again(browser):
    csrf, browser.csrf = browser.csrf, None
    assert browser.send("POST", "/v1/cookie-sessions/refresh", csrf=False, expect=200)["csrf_token"] == csrf


def test_renewing_without_an_origin_needs_the_csrf_token(browser):
    browser.origin = None
    browser.send("POST", "/v1/cookie-sessions/refresh", csrf=False, expect=403, problem="csrf_invalid")
    browser.send("POST", "/v1/cookie-sessions/refresh", expect=200)


def test_pages_of_others_renew_nothing(browser):
    browser.origin = "https://evil.example"
    browser.send("POST", "/v1/cookie-sessions/refresh", expect=403, problem="csrf_invalid")


def test_a_spent_cookie_ends_the_session_and_is_forgotten(site, browser):
    stolen = Browser(site)
    stolen.cookies = dict(browser.cookies)
    for _ in range(2):
        browser.send("POST", "/v1/cookie-sessions/refresh", expect=200)
    stolen.send("POST", "/v1/cookie-sessions/refresh", expect=401, problem="token_invalid")
    assert not stolen.cookies
    assert browser.send("GET", "/v1/me").problem == "token_invalid"


def test_without_a_cookie_there_is_nothing_to_renew(site):
    Browser(site).send("POST", "/v1/cookie-sessions/refresh", expect=401, problem="unauthenticated")


def test_the_two_kinds_of_session_do_not_mix(site, user, browser):
    """A token out of a cookie is no bearer's, where no CSRF token would be asked for; nor the other way round."""
    form = {"grant_type": "refresh_token", "refresh_token": browser.cookies[REFRESH][0]}
    assert Client(site.server).post("/oauth/token", form=form, expect=400)["error"] == "invalid_grant"
    browser.send("POST", "/v1/cookie-sessions/refresh", expect=200)
    bearer = sign_in(site.server, user.email, user.password, site.slug)
    browser.cookies[REFRESH] = (bearer["refresh_token"], "/v1/cookie-sessions")
    browser.send("POST", "/v1/cookie-sessions/refresh", expect=401)
    form["refresh_token"] = bearer["refresh_token"]
    assert Client(site.server).post("/oauth/token", form=form).status == 200


# ---- leaving ----

@pytest.mark.parametrize("path", ["/v1/sessions/current", "/v1/sessions", "/v1/sessions/{}"])
def test_signing_out_clears(browser, path):
    cookies = dict(browser.cookies)
    sid = claims_of(cookies[ACCESS][0])["sid"]
    browser.send("DELETE", path.format(sid), expect=204)
    assert not browser.cookies
    browser.cookies = cookies
    assert browser.send("GET", "/v1/me").problem == "token_invalid"


def test_ending_others_clears_nothing(site, user, browser):
    other = Browser(site)
    other.enter(user, expect=201)
    browser.send("DELETE", "/v1/sessions", query={"keep_current": "true"}, expect=204)
    assert browser.is_in() and set(browser.cookies) == {ACCESS, REFRESH} and not other.is_in()


# ---- where it is off ----

def test_it_is_off_unless_it_is_allowed(world, server, browser):
    user = world.user("viewer")
    plain = Browser(world, origin=None)
    plain.enter(user, expect=403, problem="forbidden")
    plain.cookies = dict(browser.cookies)
    assert plain.send("GET", "/v1/me").problem == "unauthenticated"
    plain.send("POST", "/v1/cookie-sessions/refresh", expect=401, problem="unauthenticated")
    answer = Client(server, user.token).get("/v1/me", headers={"Origin": APP})
    assert "Access-Control-Allow-Credentials" not in answer.headers and "Cookie" not in answer.headers["Vary"]


def test_preflights(site, browser):
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-csrf-token"}
    answer = browser.send("OPTIONS", "/v1/program", headers=asked, check=False)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "X-CSRF-Token" in answer.headers["Access-Control-Allow-Headers"]
    browser.origin = "https://evil.example"
    answer = browser.send("OPTIONS", "/v1/program", headers=asked, check=False)
    assert "Access-Control-Allow-Credentials" not in answer.headers
