# SPDX-License-Identifier: Apache-2.0
"""An authenticator: one-time passwords as RFC 6238 has them, written without a look at the server's.

A step of time is good once, so a test that needs more codes than the three of the moment turns back what the server
remembers of it (forget) instead of waiting.
"""
import base64
import hashlib
import hmac
import struct
import time

from support.client import Client


def code_at(secret, instant):
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(instant) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7fffffff) % 1_000_000:06d}"


def code(secret, steps=0):
    return code_at(secret, time.time() + 30 * steps)


def wrong(secret):
    """Six digits that are no code of this time."""
    near = {code(secret, steps) for steps in range(-3, 4)}
    return next(text for text in map("{:06d}".format, range(10)) if text not in near)


def start(client, **options):
    return client.post("/v1/me/totp", {"password": client.password}, **{"expect": 200, **options})


def enrol(client):
    """Sets up a second factor: the secret, and the recovery codes. The code is that of the step before."""
    secret = start(client)["secret"]
    codes = client.post("/v1/me/totp/confirm", {"code": code(secret, -1)}, expect=200)["recovery_codes"]
    return secret, codes


def person(world, role="viewer", partner_id=None):
    """A new user with a second factor: a client with .secret and .recovery_codes."""
    client = world.make_user(role, partner_id)
    client.secret, client.recovery_codes = enrol(client)
    return client


def forget(postgres, world, user):
    """As if the codes of this time had not been used."""
    postgres.execute(world.database_url.rsplit("/", 1)[1], "update second_factors set last_step = 0 where user_id = %s",
                     (user.id,))


def challenge(world, user, server=None, expect=401, **headers):
    body = {"email": user.email, "password": user.password, "program": world.slug}
    answer = Client(server or world.server).post(
        "/v1/sessions", body, headers=headers, expect=expect, problem="second_factor_required")
    return answer["challenge_token"]


def answer(world, token, text, server=None, **headers):
    return Client(server or world.server).post(
        "/v1/sessions", {"challenge_token": token, "code": text}, headers=headers)
