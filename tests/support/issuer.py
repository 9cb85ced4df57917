# SPDX-License-Identifier: Apache-2.0
"""An identity provider that a test controls: metadata and keys over HTTP, tokens of any shape, every request counted.

Keys are made and used by the openssl command, and nothing is shared with the product: a JWK is written here from the DER
of the public key, an ECDSA signature is taken apart into r and s.
"""
import http.server
import json
import subprocess
import tempfile
import threading
import time
from functools import lru_cache

from support.tokens import encode

KINDS = {
    "RS256": (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "sha256"),
    "RS384": (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "sha384"),
    "RS512": (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "sha512"),
    "ES256": (["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "sha256"),
    "ES384": (["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "sha384"),
    "weak": (["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "sha256"),
}


def openssl(*command, data=None):
    return subprocess.run(["openssl", *command], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout


class Key:
    def __init__(self, alg="RS256", kid=None):
        self.alg, self.kid = alg, kid or f"key-{time.monotonic_ns()}"
        kind, self.digest = KINDS[alg]
        self.pem = openssl("genpkey", "-algorithm", *kind)

    def jwk(self, **members):
        der = openssl("pkey", "-pubout", "-outform", "DER", data=self.pem)
        if self.alg.startswith("ES"):
            size = 32 if self.alg == "ES256" else 48
            numbers = {"kty": "EC", "crv": "P-256" if size == 32 else "P-384",
                       "x": encode(der[-2 * size:-size]), "y": encode(der[-size:])}
        else:
            modulus = openssl("rsa", "-noout", "-modulus", data=self.pem).decode().split("=")[1].strip()
            numbers = {"kty": "RSA", "n": encode(bytes.fromhex(modulus)), "e": "AQAB"}
        jwk = {**numbers, "kid": self.kid, "use": "sig", "alg": self.alg, **members}
        return {name: value for name, value in jwk.items() if value is not None}

    def signature(self, data, digest=None):
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            signed = openssl("dgst", f"-{digest or self.digest}", "-sign", file.name, data=data)
        return self._raw(signed) if self.alg.startswith("ES") else signed

    def _raw(self, der):
        size, numbers, at = 32 if self.alg == "ES256" else 48, b"", 2
        for _ in range(2):
            length = der[at + 1]
            numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(size, b"\0")
            at += 2 + length
        return numbers

    def sign(self, header, claims, digest=None):
        signed = f"{encode(header)}.{encode(claims)}"
        return f"{signed}.{encode(self.signature(signed.encode(), digest))}"


@lru_cache
def known_key(alg, number=0):
    """A key made once for all tests."""
    return Key(alg, f"{alg}-{number}")


class Issuer:
    """Serves what `documents` says; a path that is not there is answered 404, a callable writes its own answer."""

    def __init__(self, keys=None, path=""):
        self.keys = list(keys if keys is not None else [known_key("RS256")])
        self.requests, self.gate = [], threading.Event()
        self.gate.set()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests.append(self.path)
                issuer.gate.wait(30)
                body = issuer.documents().get(self.path)
                if callable(body):
                    body(self)
                    return
                self.send_response(200 if body is not None else 404)
                data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.httpd.server_port}"
        self.url = self.base + path
        self.changed = {}
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def documents(self):
        prefix = self.url[len(self.base):].rstrip("/")
        return {f"{prefix}/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.base}/jwks"},
                "/jwks": {"keys": [key.jwk() for key in self.keys]}, **self.changed}

    def reads(self):
        """How often the keys were asked for."""
        return self.requests.count("/jwks")

    def claims(self, audience, subject, **claims):
        now = int(time.time())
        base = {"iss": self.url, "aud": audience, "sub": subject, "iat": now, "exp": now + 300, "jti": f"{time.monotonic_ns()}",
                "client_id": "spa", "scope": "openid partners:read deals:read deals:write program:read users:read"}
        return {name: value for name, value in {**base, **claims}.items() if value is not None}

    def token(self, audience, subject, key=None, header=None, **claims):
        key = key or self.keys[0]
        head = {"alg": key.alg, "kid": key.kid, "typ": "at+jwt", **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return key.sign(head, self.claims(audience, subject, **claims))

    def close(self):
        self.gate.set()
        self.httpd.shutdown()
        self.httpd.server_close()
