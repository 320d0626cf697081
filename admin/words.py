"""Words for what the gateway calls by short names: states, endings, failures. See rendering.py's filters.

English here, each marked for scripts/catalogue.py by `_`; `in_words` gives them in the reader's language.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from admin.catalogues import translations_of
from admin.readers import Language, Reader
from gateway.control.endings import Ending
from gateway.control.results import Refused
from gateway.pool.bucket import BucketState
from gateway.pool.key import KeyState
from gateway.protocols.failure_kinds import FailureKind
from gateway.settings.unusable import Phrase


def _(message: str) -> str:
    return message


KEY_STATES: Mapping[str, str] = MappingProxyType(
    {
        KeyState.ACTIVE: _("ready"),
        KeyState.RESTING: _("resting"),
        KeyState.DEAD: _("invalid"),
        KeyState.DISABLED: _("disabled"),
    }
)
BUCKET_STATES: Mapping[str, str] = MappingProxyType(
    {
        BucketState.OPEN: _("ready"),
        BucketState.COOLING: _("resting"),
        BucketState.EXHAUSTED: _("used up today"),
        BucketState.UNAVAILABLE: _("not offered"),
    }
)
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        Ending.SUCCESS: _("succeeded"),
        Ending.CLIENT: _("refused or left by the client"),
        Ending.LIMITED: _("without a key"),
        Ending.FAILED: _("failed"),
    }
)
FAILURES: Mapping[str, str] = MappingProxyType(
    {
        FailureKind.CLIENT_ERROR: _("the request was refused"),
        FailureKind.NOT_FOUND: _("no such model or object"),
        FailureKind.OBJECT_DENIED: _("a file of another key"),
        FailureKind.GATEWAY_FAULT: _("fault of the gateway"),
        FailureKind.KEY_INVALID: _("key not valid"),
        FailureKind.KEY_LEAKED: _("key reported as leaked"),
        FailureKind.KEY_BLOCKED: _("key restricted to other uses"),
        FailureKind.PROJECT_SUSPENDED: _("project suspended"),
        FailureKind.PROJECT_DENIED: _("project denied access"),
        FailureKind.SERVICE_DISABLED: _("Gemini API not enabled"),
        FailureKind.BILLING: _("no billing or credit"),
        FailureKind.RATE_MINUTE: _("requests of the minute used up"),
        FailureKind.TOKENS_MINUTE: _("tokens of the minute used up"),
        FailureKind.RATE_DAY: _("quota of the day used up"),
        FailureKind.NO_ALLOWANCE: _("model not offered to the project"),
        FailureKind.RATE_UNKNOWN: _("a limit that was not named"),
        FailureKind.LOCATION: _("country not served"),
        FailureKind.OVERLOADED: _("model overloaded"),
        FailureKind.INTERNAL: _("error at Google"),
        FailureKind.DEADLINE: _("took too long at Google"),
        FailureKind.NETWORK: _("network"),
        FailureKind.TIMEOUT: _("timeout"),
        FailureKind.EMPTY: _("empty answer"),
        FailureKind.MALFORMED: _("answer not understood"),
        FailureKind.TRUNCATED: _("answer cut off"),
        FailureKind.BLOCKED: _("content blocked"),
        FailureKind.ACCOUNT_LIMITED: _("account limited"),
        FailureKind.CANCELLED: _("cancelled by the client"),
        FailureKind.UNKNOWN: _("unexplained"),
    }
)
KEY_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        KeyState.ACTIVE: _("in use again"),
        KeyState.RESTING: _("began to rest"),
        KeyState.DEAD: _("became invalid"),
        KeyState.DISABLED: _("disabled"),
        "added": _("added"),
        "changed": _("changed"),
        "enabled": _("enabled"),
        "reset": _("reset"),
        "deleted": _("deleted"),
        "restored": _("brought back"),
    }
)
ACTORS: Mapping[str, str] = MappingProxyType(
    {
        "admin": _("admin page"),
        "api": _("API"),
        "command line": _("command line"),
        "environment": _("environment"),
    }
)
"""By what way somebody made a change."""
PROVIDERS: Mapping[str, str] = MappingProxyType(
    {"gemini": _("Gemini API"), "vertex": _("Vertex AI"), "paid": _("Paid, for pictures")}
)
TASKS: Mapping[str, str] = MappingProxyType(
    {
        "check keys": _("Checking keys"),
        "generate keys": _("Checking keys with a generation"),
        "admit keys": _("Checking new keys before use"),
        "reset keys": _("Resetting keys"),
        "enable keys": _("Enabling keys"),
        "disable keys": _("Disabling keys"),
        "edit keys": _("Changing keys"),
        "delete keys": _("Deleting keys"),
        "delete calls": _("Deleting calls"),
        "import calls": _("Taking in the calls of gemini-balance"),
    }
)
TASK_STATES: Mapping[str, str] = MappingProxyType(
    {
        "running": _("under way"),
        "done": _("done"),
        "stopped": _("stopped"),
        "failed": _("broke off"),
        "lost": _("lost with its process"),
    }
)
UNITS: Mapping[str, str] = MappingProxyType(
    {
        "seconds": _("seconds"),
        "hours": _("hours"),
        "days": _("days"),
        "MB": _("MB"),
        "keys": _("keys"),
        "failures": _("failures"),
        "characters": _("characters"),
        "processes": _("processes"),
    }
)
"""What the numbers of settings count."""
AGES: Mapping[str, str] = MappingProxyType(
    {"s": _("%(count)s s"), "min": _("%(count)s min"), "h": _("%(count)s h"), "d": _("%(count)s d")}
)
"""How long ago something was, by unit."""
RANGES: Mapping[str, str] = MappingProxyType({"today": _("today"), "quota_day": _("since Google's midnight")})
"""Ranges of time that have names."""
PICTURES: Mapping[str, str] = MappingProxyType(
    {"spark": _("24 hours: %(attempts)s attempts, %(failures)s failed")}
)
"""What small pictures say to whoever does not see them."""
MARKS: Mapping[str, str] = MappingProxyType(
    {
        KeyState.ACTIVE: "ready",
        KeyState.RESTING: "resting",
        KeyState.DEAD: "dead",
        KeyState.DISABLED: "disabled",
        BucketState.OPEN: "ready",
        BucketState.COOLING: "resting",
        BucketState.EXHAUSTED: "exhausted",
        BucketState.UNAVAILABLE: "disabled",
        Ending.SUCCESS: "ready",
        Ending.CLIENT: "disabled",
        Ending.LIMITED: "resting",
        Ending.FAILED: "dead",
    }
)
"""The mark of a state: its shape in the sprite and its colour."""


def in_words(words: Mapping[str, str], name: str, language: Language) -> str:
    """What a short name is called; one that has no words yet speaks for itself."""
    message = words.get(name)
    return name.replace("_", " ") if message is None else _translated(message, language)


def phrase(words: str, values: Mapping[str, object], reader: Reader) -> str:
    """Words with values in them, in the reader's language; numbers in the reader's form."""
    text = translations_of(reader.language).gettext(words)
    return text % {name: _value(each, reader) for name, each in values.items()} if values else text


def refusals(refused: Refused, reader: Reader) -> dict[str, str]:
    """What is wrong by the field it concerns, "" for the whole of it."""
    found: dict[str, list[str]] = {}
    for error in refused.errors:
        found.setdefault(error.field, []).append(phrase(error.words, error.values, reader))
    return {field: " ".join(each) for field, each in found.items()}


def _value(value: object, reader: Reader) -> str:
    match value:
        case Phrase():
            return phrase(value.words, value.values, reader)
        case int() | float():
            return reader.number(value)
        case _:
            return str(value)


@lru_cache(maxsize=1024)
def _translated(message: str, language: Language) -> str:
    return translations_of(language).gettext(message)
