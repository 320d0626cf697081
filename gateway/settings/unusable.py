"""What is wrong with a setting, said so that it can be said in other languages: words, and values in them.

The words are plain literals where an `Unusable` is made: scripts/catalogue.py finds them there, and pages
have them in the reader's language. Logs, the API and the command line say them in English.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words with `%(name)s` for each of `values`, which may be numbers, texts, or phrases again."""

    words: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            self.words % {name: _plain(each) for name, each in self.values.items()}
            if self.values
            else self.words
        )


class Unusable(ValueError):
    """A text or value no setting can be made of.

    Its words begin with "must" where they are about a value, follow the line's number where they are about a
    file, and never contain the value: it may be a secret.
    """

    def __init__(self, words: str, **values: object) -> None:
        self.phrase = Phrase(words, values)
        super().__init__(str(self.phrase))


def _plain(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
