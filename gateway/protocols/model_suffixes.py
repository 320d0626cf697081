"""Wishes in a model's name, as gemini-balance has them: `-search`, `-image`, `-non-thinking`, in any order.

Beside them one `-chat` model that paints. A real model whose name ends like that wins. Called by the
translations and the native routes with the operator's lists and the names the upstream is known to have.
"""

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import lru_cache

from gateway.errors import BadRequest
from gateway.values import value

SEARCH, IMAGE, NO_THINKING = "-search", "-image", "-non-thinking"
_CHAT = "-chat"
_IMAGE_GENERATION = "-image-generation"  # real models of the 2.0 family, which must be asked for pictures

_ANY = (SEARCH, IMAGE, NO_THINKING, _CHAT, _IMAGE_GENERATION)

NOTHING_KNOWN: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelChoices:
    """The operator's lists of bare model names.

    search      are listed with a `-search` twin, and may be asked with it
    any_search  all others may too
    image       may be asked with `-image`, and are listed so
    thinking    are listed with a `-non-thinking` twin; any model may be asked with it
    filtered    are hidden and refused
    painter     the one model that may be asked with `-chat`, and paints then; "" for none
    """

    search: frozenset[str] = frozenset()
    any_search: bool = False
    image: frozenset[str] = frozenset()
    thinking: frozenset[str] = frozenset()
    filtered: frozenset[str] = frozenset()
    painter: str = ""

    def is_painting_chat(self, name: str) -> bool:
        """True for the painter's name with `-chat` behind it."""
        return name.endswith(_CHAT) and name == f"{self.painter}{_CHAT}"


NO_CHOICES = ModelChoices()


@value(frozen=True, slots=True)
class AskedModel:
    """The upstream's bare name, and what the client's name asks for besides.

    search       look things up on the web
    image        answer with pictures too
    no_thinking  think as little as the model can
    paints       it is the operator's painter, asked to chat
    """

    name: str
    search: bool = False
    image: bool = False
    no_thinking: bool = False
    paints: bool = False

    @property
    def plain(self) -> bool:
        return not (self.search or self.image or self.no_thinking)


def ask_model(name: str, choices: ModelChoices, *, known: Container[str] = NOTHING_KNOWN) -> AskedModel:
    """Read a bare name (see model_names) as the model to ask.

    known   the upstream's names; empty when they are not known yet. Then a name is taken apart only as far
            as the operator's lists say, and what is left goes upstream as it is

    Raises BadRequest for a model the operator hides, and for a wish the operator does not allow it.
    """
    if not name.endswith(_ANY):  # nearly always
        if name in choices.filtered:
            raise _refused(name, "it is among this gateway's FILTERED_MODELS")
        return _plain(name)
    asked = _read(name, choices, known) if has_suffix(name) else AskedModel(name)
    if choices.is_painting_chat(name) and name not in known:
        asked = AskedModel(choices.painter, image=True, paints=True)
    if name in choices.filtered or asked.name in choices.filtered:
        raise _refused(name, "it is among this gateway's FILTERED_MODELS")
    if asked.name.endswith(_IMAGE_GENERATION):
        return replace(asked, image=True)
    return asked


@lru_cache(maxsize=512)
def _plain(name: str) -> AskedModel:
    return AskedModel(name)


def has_suffix(name: str) -> bool:
    """True where a name may be a wish or a real model's: worth knowing the upstream's names before."""
    return name.endswith((SEARCH, IMAGE, NO_THINKING))


def twins(name: str, choices: ModelChoices) -> list[str]:
    """The further names to list a model under, in order."""
    found = [name + SEARCH] if name in choices.search else []
    if name in choices.image and not name.endswith(IMAGE):
        found.append(name + IMAGE)
    if name in choices.thinking:
        found.append(name + NO_THINKING)
    if name == choices.painter:
        found.append(name + _CHAT)
    return found


def _read(name: str, choices: ModelChoices, known: Container[str]) -> AskedModel:
    asked = best = AskedModel(name)
    while asked.name not in known:
        if (shorter := _without_suffix(asked)) is None:
            return best
        asked = shorter
        if _allowed(asked, choices):
            best = asked
    if not _allowed(asked, choices):
        setting = "SEARCH_MODELS" if asked.search and not asked.image else "IMAGE_MODELS"
        raise _refused(name, f"{asked.name!r} is not among this gateway's {setting}")
    return asked


def _without_suffix(asked: AskedModel) -> AskedModel | None:
    """The model without its last suffix, None when it has none or has it for the second time."""
    name = asked.name
    if name.endswith(SEARCH) and not asked.search:
        return replace(asked, name=name.removesuffix(SEARCH), search=True)
    if name.endswith(NO_THINKING) and not asked.no_thinking:
        return replace(asked, name=name.removesuffix(NO_THINKING), no_thinking=True)
    if name.endswith(IMAGE) and not asked.image:
        return replace(asked, name=name.removesuffix(IMAGE), image=True)
    return None


def _allowed(asked: AskedModel, choices: ModelChoices) -> bool:
    may_search = choices.any_search or asked.name in choices.search
    return (may_search or not asked.search) and (asked.name in choices.image or not asked.image)


def _refused(name: str, why: str) -> BadRequest:
    return BadRequest(
        f"The model {name!r} is not offered here: {why}.", param="model", code="model_not_found", status=404
    )
