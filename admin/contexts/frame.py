"""What stands around every page: who reads it, where it is, how the gateway is doing."""

from dataclasses import dataclass

from gateway.control.pulse import Pulse


@dataclass(frozen=True, slots=True)
class Gate:
    """layouts/gate.html: pages for whoever is not signed in.

    here   the page's own address, to come back to after a switch of language or theme
    """

    version: str
    xsrf: str
    here: str


@dataclass(frozen=True, slots=True)
class Frame:
    """layouts/frame.html: pages of the admin.

    section   the place in the navigation this page belongs to
    pulse     how the gateway is doing
    tokens    how many access tokens there are
    events    where the page's live parts come from
    said      what the last change did, told once; "" for nothing
    """

    version: str
    xsrf: str
    here: str
    section: str
    pulse: Pulse
    tokens: int
    events: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """fragments/frame/sentence.html: is it working right now?"""

    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Refused:
    """pages/refused.html: what went wrong with a page or a change, and what to do.

    status   the HTTP status; the template has words for the usual ones
    """

    status: int
    here: str
