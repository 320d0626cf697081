"""Which conversation a request goes on with, told by the thought signatures it brings back.

Signatures are reported to fail across accounts, so a conversation prefers the key that made its last one.
Only digests leave this module: nothing of what was said is kept. Pure.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from gateway.protocols.signatures import PLACEHOLDER

MOST_SIGNATURES = 16
"""Of one reply no more are remembered; a reply has one for each step of calls, and one for its text."""
_TO_STANDARD = str.maketrans("-_", "+/", "=")
_SIGNATURE = re.compile(rb'"thought_?[sS]ignature"\s*:\s*"([^"\\]+)"')


def fingerprint(signature: str) -> bytes:
    """16 bytes that stand for a signature, in whichever base64 alphabet a client writes it back."""
    plain = signature.translate(_TO_STANDARD)
    return hashlib.blake2b(plain.encode("ascii", "replace"), digest_size=16).digest()


def conversation_of(contents: object) -> bytes | None:
    """The fingerprint of the last real signature in a request's contents, None when it brings none.

    contents   parsed JSON of any shape; field names in camelCase or snake_case
    """
    if not isinstance(contents, list):
        return None
    for content in reversed(contents):
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in reversed(parts) if isinstance(parts, list) else ():
            if (signature := signature_of(part)) is not None:
                return fingerprint(signature)
    return None


def signature_of(part: Any) -> str | None:
    """The real signature a part bears, None for none and for the placeholder."""
    if not isinstance(part, dict) or not ("thoughtSignature" in part or "thought_signature" in part):
        return None
    signature = part.get("thoughtSignature") or part.get("thought_signature")
    return signature if isinstance(signature, str) and signature != PLACEHOLDER else None


def signatures_in(data: bytes) -> Iterable[str]:
    """The signatures in whole events that are passed on unparsed. Costs a glance where there are none."""
    if data.rfind(b"ignature") < 0:  # from behind, CPython looks twice as fast
        return ()
    return [found.decode("ascii", "replace") for found in _SIGNATURE.findall(data)]
