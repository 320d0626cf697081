"""Signatures of thinking blocks: Gemini's own, or one made up where it gave none.

Anthropic's clients refuse a thinking block without a signature, so it gets one that is known again when it
comes back. Used by the translation of Messages to the client and back.
"""

import re

MADE_UP_SIGNATURE = "bm90IHNpZ25lZCBieSBhbnkgbW9kZWw="  # base64 of "not signed by any model"

_SIGNATURE = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}", re.ASCII)


def signature_of_gemini(signature: str) -> str | None:
    """The signature of a thinking block where Gemini may have made it; None for the made-up one."""
    if signature == MADE_UP_SIGNATURE or _SIGNATURE.fullmatch(signature) is None:
        return None
    return signature
