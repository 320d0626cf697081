"""The places of the admin: what the navigation shows, the keyboard goes to, and the search finds."""

from dataclasses import dataclass


def _(message: str) -> str:
    return message


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or a part of one.

    name     also its icon
    words    what it is called, in English
    letter   goes there after `g`; "" for none
    """

    name: str
    address: str
    words: str
    letter: str = ""


PLACES = (
    Place("overview", "/", _("Overview"), "o"),
    Place("keys", "/keys", _("Keys"), "k"),
    Place("tokens", "/tokens", _("Tokens"), "t"),
    Place("calls", "/calls", _("Calls"), "c"),
    Place("settings", "/settings", _("Settings"), "s"),
    Place("playground", "/playground", _("Playground"), "p"),
    Place("connect", "/connect", _("Connect"), "n"),
)
"""In the order of the navigation."""
PARTS = (
    Place("keys", "/keys/add", _("Add keys")),
    Place("tokens", "/tokens#add-title", _("Add a token")),
    Place("settings", "/settings#proxies-title", _("Proxies and ways to Gemini")),
    Place("settings", "/settings#changes-title", _("Who changed what")),
    Place("settings", "/settings#moving-title", _("Export, import, reset")),
)
"""What people look for by itself."""
