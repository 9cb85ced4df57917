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
