"""Paths as people mistype them → the path they meant: unknown prefixes, an endpoint pasted as the base URL.

Only a path that names nothing is repaired, and only by leaving out what stands before an operation that it
names: none ever becomes another. Pure; asked by the light router where URL_NORMALIZATION_ENABLED says so.
"""

import functools
import re
from collections.abc import Sequence

from gateway.protocols.paths import GOOGLE, VERSIONS, Api, Route, read_route, segments

_STARTS = VERSIONS | {"gemini", "openai", "hf", "vertex-express", "upload"}
# OpenAI's operations of two words: nothing else is called so, wherever they stand.
_ENDPOINTS = (
    ("chat", "completions"),
    ("images", "generations"),
    ("images", "edits"),
    ("images", "variations"),
    ("audio", "speech"),
    ("audio", "transcriptions"),
    ("audio", "translations"),
)
# Those of one word may be the name of anything: they count after a version, an operation or a single prefix.
_WORDS = frozenset({"completions", "embeddings", "models", "responses"})
_OPENAI = re.compile(
    r"chat/completions|completions|embeddings|moderations|images/(?:generations|edits|variations)"
    r"|audio/(?:speech|transcriptions|translations)|models(?:/(?!models$).+)?|responses(?:/.+)?"
    r"|files(?:/[^/]+(?:/content)?)?|batches(?:/[^/]+(?:/cancel)?)?|messages(?:/count_tokens)?"
)
_ONLY_OPENAI = re.compile(r"chat/completions|completions|embeddings|(?:images|audio)/[a-z]+")
_GOOGLE = GOOGLE | {"models", "files", "batches"}
_VERBS = frozenset(
    {
        "generateContent",
        "streamGenerateContent",
        "countTokens",
        "embedContent",
        "batchEmbedContents",
        "batchGenerateContent",
        "predict",
        "predictLongRunning",
    }
)
# What is ours, and no call: no path below them is read as one.
_OURS = frozenset(
    {
        "static",
        "health",
        "metrics",
        "keys",
        "search",
        "tasks",
        "calls",
        "settings",
        "tokens",
        "sign-in",
        "sign-out",
        "playground",
        "connect",
    }
)


@functools.lru_cache(maxsize=1024)
def read_repaired(path: str) -> Route:
    """Read an undecoded request path as `read_route` does, or, where it names nothing, as it was meant."""
    route = read_route(path)
    parts = [part.strip() for part in segments(path)]
    if _is_known(route) or _is_ours(parts):
        return route
    for start in range(len(parts)):
        meant = _meant(parts[:start], parts[start:])
        if meant is not None:
            return meant
    return route


def _meant(before: Sequence[str], tail: Sequence[str]) -> Route | None:
    """The route that begins here, if one does."""
    first = tail[0]
    if first.lower() in _STARTS:
        return _known("/".join((first.lower(), *tail[1:])))
    if tuple(part.lower() for part in tail[:2]) in _ENDPOINTS:
        return _known("/".join(("v1", tail[0].lower(), tail[1].lower(), *tail[2:])))
    if first in ("models", "tunedModels") and ":" in tail[-1]:
        return _known("/".join(tail))
    if first.lower() in _WORDS and _may_stand_behind(before):
        return _known("/".join(("v1", first.lower(), *tail[1:])))
    model, colon, verb = first.partition(":")
    if colon and verb in _VERBS and len(tail) == 1 and model:
        return _known(f"models/{first}")
    return None


def _may_stand_behind(before: Sequence[str]) -> bool:
    if len(before) <= 1:
        return True
    return before[-1] in VERSIONS or before[-1] in _WORDS or tuple(before[-2:]) in _ENDPOINTS


def _known(path: str) -> Route | None:
    route = read_route(f"/{path}")
    return route if _is_known(route) else None


def _is_known(route: Route) -> bool:
    """Whether a path, as it was read, names something there is, or may be for all we know of Google's API."""
    resource = route.resource
    names = resource.split("/")
    if route.api is Api.NONE or not resource or not VERSIONS.isdisjoint(names):
        return False
    if route.api is Api.GEMINI:
        if _ONLY_OPENAI.fullmatch(resource):
            return False
        if route.version in ("", "v1") and route.provider == "gemini":
            return names[0] in _GOOGLE
        return names[0] not in _STARTS
    return _OPENAI.fullmatch(resource) is not None and resource.rpartition(":")[2] not in _VERBS


def _is_ours(parts: Sequence[str]) -> bool:
    return not parts or parts[0] in _OURS or list(parts[:2]) == ["api", "admin"] or ".." in parts
