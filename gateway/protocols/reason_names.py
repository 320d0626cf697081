"""The names of finish and block reasons, which come as numbers when the client asked for
`$alt=json;enum-encoding=int`. Vertex counts finish reasons differently from 10 on.

Used by reply_signs.py and finish_reasons.py, which say what the reasons mean.
"""

from collections.abc import Sequence
from typing import Final

FINISH_REASONS: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
)
BLOCK_REASONS: Final = (
    "BLOCK_REASON_UNSPECIFIED",
    "SAFETY",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
)


def reason_named(reason: object, names: Sequence[str], unknown: str) -> str | None:
    """A reason's name, also for its number; None for what is neither.

    unknown   what the name of a number begins with that has none: "FINISH_REASON" makes "FINISH_REASON_99"
    """
    if isinstance(reason, str):
        return reason or None
    if isinstance(reason, int) and not isinstance(reason, bool):
        return names[reason] if 0 <= reason < len(names) else f"{unknown}_{reason}"
    return None
