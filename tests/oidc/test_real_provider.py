# SPDX-License-Identifier: Apache-2.0
"""People who sign in at a real provider (npm oidc-provider, code flow with PKCE) and come here with its access token."""
import base64
import hashlib
import http.client
import json
import secrets
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from support import process, wait
from support.client import Client
from support.tokens import claims_of, header_of
from support.trusting import near, url  # noqa: F401 — fixtures
from support.world import World

HERE = Path(__file__).parent
AUDIENCE = "https://api.example.test/real"
PEOPLE = {
    "linked": {},
    "matched": {"email": "matched@people.example", "email_verified": True},
    "unverified": {"email": "matched@people.example", "email_verified": False},
    "new": {"email": "new@people.example", "email_verified": True, "name": "Nina Neu", "groups": ["desk"]},
    "stranger": {"groups": ["desk"]},
}


def ask(url, cookies, form=None):
    """One request to the provider, without following what it answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("POST" if form is not None else "GET", f"{parts.path}?{parts.query}",
                       urlencode(form) if form is not None else None, headers)
    answer = connection.getresponse()
    body = answer.read()
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        name, _, value = cookie.split(";")[0].partition("=")
        cookies[name] = value
        if not value:
            del cookies[name]
    connection.close()
    return answer, body


class RealProvider:
    def __init__(self, alg, log):
        self.log = log
        with open(log, "wb") as out:
            self.child = process.spawn(
                ["node", "provider.mjs", json.dumps({"audience": AUDIENCE, "people": PEOPLE, "alg": alg})],
                cwd=HERE, stdout=out, stderr=out)
        self.issuer = wait.until(self._issuer, f"the provider listens, see {log}", 60)

    def _issuer(self):
        assert self.child.poll() is None, self.log.read_text()
        for line in self.log.read_text().splitlines():
            if line.startswith('{"issuer"'):
                return json.loads(line)["issuer"]
        return None

    def sign_in(self, person):
        """The answer of the token endpoint: access_token, id_token."""
        verifier, cookies = secrets.token_urlsafe(32), {}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        url = self.issuer + "/auth?" + urlencode({
            "client_id": "spa", "response_type": "code", "redirect_uri": "http://127.0.0.1/callback",
            "scope": "openid email profile deals:read partners:read program:read", "resource": AUDIENCE,
            "login_hint": person, "code_challenge": challenge, "code_challenge_method": "S256"})
        for _ in range(10):
            answer, body = ask(url, cookies)
            assert answer.status in (302, 303), body
            url = urljoin(url, answer.headers["Location"])
            if urlsplit(url).path == "/callback":
                break
        code = parse_qs(urlsplit(url).query)["code"][0]
        answer, body = ask(self.issuer + "/token", cookies, {
            "grant_type": "authorization_code", "client_id": "spa", "code": code, "code_verifier": verifier,
            "redirect_uri": "http://127.0.0.1/callback", "resource": AUDIENCE})
        assert answer.status == 200, body
        return json.loads(body)

    def stop(self):
        self.child.terminate()
        self.child.wait(30)


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def real(request, tmp_path_factory):
    assert (HERE / "node_modules").exists(), "npm ci --prefix tests/oidc"
    made = RealProvider(request.param, tmp_path_factory.mktemp("oidc") / "provider.log")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def world(near, url, real):
    made = World(near, url)
    made.provider = made.make_provider(
        issuer=real.issuer, audience=AUDIENCE, matches_verified_email=True, creates_users=True, role_claim="groups",
        role_rules=[{"value": "desk", "role": "support"}])
    wait.until(lambda: made.refresh(made.provider)["keys_read_at"], "its keys are read")
    return made


def test_a_linked_person(world, near, real):
    world.make_link(world.provider["id"], world.user("viewer").id, "linked")
    tokens = real.sign_in("linked")
    header, claims = header_of(tokens["access_token"]), claims_of(tokens["access_token"])
    assert header["typ"] == "at+jwt" and claims["aud"] == AUDIENCE, "the provider follows RFC 9068"
    client = Client(near, tokens["access_token"])
    who = client.get("/v1/me")
    assert who["id"] == world.user("viewer").id
    assert set(who["scopes"]) == {"deals:read", "partners:read", "program:read"}
    client.get("/v1/deals")


def test_an_id_token_is_no_access_token(world, near, real):
    tokens = real.sign_in("linked")
    assert claims_of(tokens["id_token"])["sub"] == "linked"
    Client(near, tokens["id_token"]).get("/v1/me", expect=401, problem="token_invalid")


def test_a_verified_address(world, near, real):
    """Whoever was invited and comes by the provider has come; the invitation is spent."""
    person = world.admin.post("/v1/users", {
        "email": "matched@people.example", "name": "Mara", "role": "support"}, expect=201).json
    Client(near, real.sign_in("unverified")["access_token"]).get("/v1/me", expect=403, problem="forbidden")
    assert Client(near, real.sign_in("matched")["access_token"]).get("/v1/me")["id"] == person["id"]
    assert world.refresh(person)["status"] == "active"
    Client(near).post("/v1/invitations/accept", {
        "token": person["invitation_token"], "password": "correct horse battery staple 7"}, expect=422)


def test_a_newcomer(world, near, real):
    who = Client(near, real.sign_in("new")["access_token"]).get("/v1/me")
    assert (who["email"], who["name"], who["role"]) == ("new@people.example", "Nina Neu", "support")


def test_a_stranger(world, near, real):
    Client(near, real.sign_in("stranger")["access_token"]).get("/v1/me", expect=403, problem="forbidden")
