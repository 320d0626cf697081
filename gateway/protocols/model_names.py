"""Model names: how they are written, and what a name tells about the model behind it.

No list of models lives here; the upstream's own list is the truth. What is read from a name is only what a
request must know before it is sent. Called by the handlers (paths) and the request translations (bodies).
"""

import enum
import functools
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from gateway.errors import BadRequest

MAX_NAME_CHARS = 256
_MAX_WRITTEN_CHARS = MAX_NAME_CHARS + len("/models/")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+~\[\]()-]*", re.ASCII)
_VERSION = re.compile(r"gemini-(\d{1,3})(?:\.(\d{1,3}))?(?!\d)")
_SILENT = ("tts", "image", "embedding", "imagen", "veo", "aqa")


class Thinking(enum.Enum):
    """How a model is told how much to think."""

    NONE = "none"  # it does not think and refuses thinkingConfig
    BUDGET = "budget"  # thinkingBudget, the 2.5 family
    LEVEL = "level"  # thinkingLevel, Gemini 3 and later, and names unknown to us


class Tier(enum.Enum):
    PRO = "pro"
    FLASH = "flash"  # Flash and Flash-Lite
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What a model's name says about requests to it.

    version         (major, minor); None when the name has none
    third_or_later  Gemini 3 and later, `…-latest` aliases included: signed function calls, thinkingLevel,
                    media in function responses, tools together with structured output
    accepts_system  False: system text must go into the first user turn
    accepts_tools   False for models that only speak, draw or count, and for Gemma
    json_schema     takes real JSON Schema; False: only Gemini's older `Schema`
    speaks          answers with sound and nothing else
    known_to_think  True only for names known to accept `includeThoughts`, not for unknown ones
    """

    version: tuple[int, int] | None
    tier: Tier
    thinking: Thinking
    third_or_later: bool
    accepts_system: bool
    accepts_tools: bool
    json_schema: bool
    speaks: bool
    known_to_think: bool


def parse_model(text: str, *, param: str = "model") -> str:
    """Give the bare model name of a request's body: `models/` stripped, `tunedModels/x` kept whole.

    Raises BadRequest for an empty or overlong name, `..`, further slashes, and anything that is not a
    letter, a digit or one of ``._:@+~[]()-``: names end in paths, logs and pages.
    """
    text = text.strip()
    # Only what may be a name is remembered: a client's text may be as long as its body.
    name = _bare_name(text) if len(text) <= _MAX_WRITTEN_CHARS else None
    if name is None:
        raise BadRequest(
            "The model name is empty, too long, or holds characters that no model name has.",
            param=param,
            code="invalid_value",
        )
    return name


@functools.lru_cache(maxsize=512)
def _bare_name(text: str) -> str | None:
    name = text.removeprefix("/").removeprefix("models/")
    bare = name.removeprefix("tunedModels/")
    if not name or len(name) > MAX_NAME_CHARS or ".." in name or _NAME.fullmatch(bare) is None:
        return None
    return name


@functools.lru_cache(maxsize=512)
def parse_path_model(segment: str) -> str:
    """The same for a name taken from a path, percent-decoded first: `models%2Fgemini-x` → `gemini-x`."""
    return parse_model(unquote(segment))


@functools.lru_cache(maxsize=512)
def resource_name(model: str) -> str:
    """The name as it stands in an upstream path: `models/gemini-x`, `tunedModels/x`, percent-encoded."""
    if model.startswith("tunedModels/"):
        return quote(model, safe="/")
    return "models/" + quote(model, safe="")


@functools.lru_cache(maxsize=512)
def model_traits(model: str) -> ModelTraits:
    """Read a model's name.

    Sources: ai.google.dev model pages and thinking guide; from 1 December 2026 the 2.5 ids are routed to
    newer models, so a caller must still be ready to adapt when the upstream answers 400.
    """
    name = model.lower()
    found = _VERSION.match(name)
    version = (int(found[1]), int(found[2] or 0)) if found else None
    latest = name.startswith("gemini-") and name.endswith("-latest") and version is None
    third_or_later = latest or (version is not None and version >= (3, 0))
    gemma = name.startswith("gemma")
    tier = Tier.PRO if "-pro" in name else Tier.FLASH if "-flash" in name else Tier.OTHER
    speaks = "tts" in name
    thinking = _thinking(name, version, gemma=gemma)
    return ModelTraits(
        version=version,
        tier=tier,
        thinking=thinking,
        third_or_later=third_or_later,
        accepts_system=not gemma and not speaks and (third_or_later or "image" not in name),
        accepts_tools=not gemma and not any(word in name for word in _SILENT),
        json_schema=not gemma and (version is None or version >= (2, 5)),
        speaks=speaks,
        known_to_think=thinking is Thinking.BUDGET or (thinking is Thinking.LEVEL and third_or_later),
    )


def _thinking(name: str, version: tuple[int, int] | None, *, gemma: bool) -> Thinking:
    if gemma or any(word in name for word in _SILENT):
        return Thinking.NONE
    if version is None or version >= (3, 0):
        return Thinking.LEVEL
    return Thinking.BUDGET if version >= (2, 5) else Thinking.NONE
