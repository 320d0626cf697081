"""Secrets that anybody could guess: copied from a guide, tried before others, or too short. Pure."""

import re

SHORTEST = 8
"""Characters of a token or password that takes more than an afternoon to find."""
_PLACEHOLDER = re.compile(
    r"x{4,}|\.\.\.|…|your[-_ ]?(\w+[-_ ])?(key|token|password|secret)|change[-_ ]?(me|this)|<[^>]*>"
    r"|^sk-123456$|^key-?\d$",
    re.IGNORECASE,
)
_TRIED_FIRST = frozenset(
    "123456 12345678 123456789 1234567890 password passwort passw0rd admin admin123 administrator root toor "
    "test secret qwerty letmein gemini gemini-balance mysql example sk-12345678 sk-test sk-admin".split()
)


def looks_copied(secret: str) -> bool:
    """Whether a secret looks like the placeholder of a guide."""
    return _PLACEHOLDER.search(secret) is not None


def weakness(secret: str) -> str:
    """Why a secret is easily guessed, as it completes "… ": "" when nothing is seen."""
    if looks_copied(secret):
        return "is one copied from a guide"
    if secret.lower() in _TRIED_FIRST:
        return "is among the first that are tried"
    if len(secret) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    return ""
