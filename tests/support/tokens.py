# SPDX-License-Identifier: Apache-2.0
"""Access tokens taken apart, judged and forged without the product's own code: RS256 is a power and a padding."""
import base64
import hashlib
import json
import subprocess
import tempfile

SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header_of(token):
    return json.loads(decode(token.split(".")[0]))


def claims_of(token):
    return json.loads(decode(token.split(".")[1]))


def thumbprint(jwk):
    """RFC 7638 §3."""
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return encode(hashlib.sha256(text.encode()).digest())


def verifies(token, jwk):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2), by arithmetic."""
    signed, _, signature = token.rpartition(".")
    number = int.from_bytes(decode(jwk["n"]), "big")
    size = (number.bit_length() + 7) // 8
    padded = pow(int.from_bytes(decode(signature), "big"), int.from_bytes(decode(jwk["e"]), "big"), number)
    tail = SHA256_PREFIX + hashlib.sha256(signed.encode()).digest()
    return padded.to_bytes(size, "big") == b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail


def sign(header, claims, pem, digest="sha256"):
    """A token with this header and these claims (objects, or bytes as they are), signed with a private key."""
    signed = f"{encode(header)}.{encode(claims)}"
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as key:
        key.write(pem)
        key.flush()
        done = subprocess.run(["openssl", "dgst", f"-{digest}", "-sign", key.name],
                              input=signed.encode(), stdout=subprocess.PIPE, check=True)
    return f"{signed}.{encode(done.stdout)}"


def new_private_key():
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def public_key(pem):
    return subprocess.run(["openssl", "pkey", "-pubout"], input=pem, capture_output=True, text=True, check=True).stdout


# ---- ES256 ----

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
BASE = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
        0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def plus(a, b):
    """The sum of two points of P-256; None is the neutral one."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(number, point):
    total = None
    while number:
        total = plus(total, point) if number & 1 else total
        point, number = plus(point, point), number >> 1
    return total


def verifies_es256(token, jwk):
    """ECDSA with P-256 and SHA-256 (FIPS 186), by arithmetic; r and s are 32 bytes each (RFC 7518 §3.4)."""
    signed, _, signature = token.rpartition(".")
    raw = decode(signature)
    r, s = (int.from_bytes(raw[at:at + 32], "big") for at in (0, 32))
    x, y = (int.from_bytes(decode(jwk[name]), "big") for name in "xy")
    digest = int.from_bytes(hashlib.sha256(signed.encode()).digest(), "big")
    inverse = pow(s, -1, ORDER)
    point = plus(times(digest * inverse % ORDER, BASE), times(r * inverse % ORDER, (x, y)))
    return len(raw) == 64 and point is not None and point[0] % ORDER == r
