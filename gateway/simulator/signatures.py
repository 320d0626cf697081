"""Thought signatures that the simulator can tell from any other string.

Pure: the same world seed and words give the same signature. Real ones are longer and opaque likewise.
"""

import base64
import binascii
import hashlib

_NONCE_BYTES = 16
_MAC_BYTES = 32


def sign(seed: int, words: str) -> str:
    """Make the signature of a thought, which `words` stands for."""
    nonce = hashlib.blake2b(words.encode(), digest_size=_NONCE_BYTES).digest()
    return base64.b64encode(nonce + _mac(seed, nonce)).decode()


def is_signed(seed: int, signature: str) -> bool:
    """Say whether a world with this seed made the signature, and nobody changed it. Both alphabets pass."""
    try:
        raw = base64.b64decode(signature.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return raw[_NONCE_BYTES:] == _mac(seed, raw[:_NONCE_BYTES])


def _mac(seed: int, nonce: bytes) -> bytes:
    return hashlib.blake2b(nonce, key=b"simulator-%d" % seed, digest_size=_MAC_BYTES).digest()
