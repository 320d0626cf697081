"""Remembers which value the environment last gave, without keeping the value. Used by resolution.py.

A fingerprint is `SALT$HASH`. The text it is made from is a contract: were it to change, every setting of the
environment would look changed after an upgrade and overrule what was edited in the admin page.
"""

import hashlib
import hmac
from collections.abc import Callable

import orjson

from gateway.settings.catalogue import SettingDescription

NewSalt = Callable[[], str]
"""Gives a fresh random text each time, without `$`."""


def canonical(value: object) -> str:
    """Write a parsed value as JSON, names of maps in order: the form the database keeps."""
    return orjson.dumps(value, default=dict, option=orjson.OPT_SORT_KEYS).decode()


def fingerprint(description: SettingDescription, value: object, salt: str) -> str:
    """Give the fingerprint of a parsed value.

    Secret values go through scrypt (about 10 ms): an administrator's token is often short, and whoever has a
    stolen database with ENCRYPTION_KEY on must not find it by trying a word list against the fingerprint.
    """
    text = f"{description.name}={canonical(value)}".encode()
    if description.about.secret:
        digest = hashlib.scrypt(text, salt=salt.encode(), n=4096, r=8, p=1, dklen=32)
    else:
        digest = hashlib.sha256(f"{salt}$".encode() + text).digest()
    return f"{salt}${digest.hex()}"


def matches(description: SettingDescription, value: object, known: str | None) -> bool:
    """Whether `known` is the fingerprint of this value."""
    if known is None:
        return False
    salt, separator, _ = known.partition("$")
    return bool(separator) and hmac.compare_digest(fingerprint(description, value, salt), known)
