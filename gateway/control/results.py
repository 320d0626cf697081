"""How the control plane says no: as values that name the field, for pages and the API alike."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.settings.unusable import Phrase


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with what was asked; `field` is "" for the whole of it.

    words    what is wrong, in English, with `%(name)s` for each of `values`: numbers, texts, or phrases.
             A plain literal where it is made: scripts/catalogue.py finds it there, and pages have it in
             other languages
    """

    field: str
    words: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def message(self) -> str:
        """The words with the values in place."""
        return str(Phrase(self.words, self.values))


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed, and why."""

    errors: tuple[FieldError, ...]

    @classmethod
    def because(cls, field: str, words: str, **values: object) -> "Refused":
        """Refused for one reason."""
        return cls((FieldError(field, words, values),))

    @classmethod
    def of(cls, errors: Iterable[FieldError]) -> "Refused | None":
        """Refused if there is an error at all."""
        found = tuple(errors)
        return cls(found) if found else None

    @property
    def message(self) -> str:
        """All of it in one text."""
        return " ".join(
            f"{each.field}: {each.message}" if each.field else each.message for each in self.errors
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change.

    name   "admin" (the pages), "api", "command line" or the like
    peer   the address it comes from, "" for none
    """

    name: str
    peer: str = ""
