# SPDX-License-Identifier: Apache-2.0
"""Opens what the server seals at rest, by the format alone: "v1.<key name>.<base64url of nonce and ciphertext>".

What a thief can do who has the database and the encryption key; who has only the database can do nothing.
"""
import base64
import ctypes
import ctypes.util

from support.server import DEFAULTS

SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
NONCE_BYTES, TAG_BYTES = 24, 16


def unseal(purpose, sealed, key=DEFAULTS["PARTNERD_ENCRYPTION_KEY"]):
    """The bytes, or None when the key, the purpose or the text is another."""
    version, _, body = sealed.split(".")
    assert version == "v1"
    box = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    nonce, boxed, bound = box[:NONCE_BYTES], box[NONCE_BYTES:], purpose.encode()
    plain, length = ctypes.create_string_buffer(len(boxed)), ctypes.c_ulonglong(0)
    failed = SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(length), None, boxed, ctypes.c_ulonglong(len(boxed)), bound,
        ctypes.c_ulonglong(len(bound)), nonce, bytes.fromhex(key))
    return None if failed else plain.raw[:length.value]


def signing_key(cursor, kid, key=DEFAULTS["PARTNERD_ENCRYPTION_KEY"]):
    """The PEM of a signing key, or None without the right encryption key."""
    cursor.execute("select private_key from signing_keys where kid = %s", [kid])
    pem = unseal(f"signing key {kid}", cursor.fetchone()[0], key)
    return pem and pem.decode()
