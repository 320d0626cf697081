"""What the playground is given."""

from dataclasses import dataclass

from admin.snippets import Snippet
from admin.trial import Trial
from gateway.store.records import StoredCall


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """An access token that may be used for a trial."""

    id: int
    label: str


@dataclass(frozen=True, slots=True)
class PlaygroundPage:
    """pages/playground.html and fragments/playground/code.html.

    models     the names known now; empty before the upstream's list was read
    tokens     those that are enabled; empty when there is none yet
    snippets   the same call in other words
    sent       a browser without scripts sent the form: the page says what to do instead
    """

    trial: Trial
    models: tuple[str, ...]
    tokens: tuple[TokenChoice, ...]
    token_id: int
    snippets: tuple[Snippet, ...]
    sent: bool = False


@dataclass(frozen=True, slots=True)
class ModelNames:
    """fragments/playground/models.html: names to choose from; None when the list cannot be read."""

    models: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Trace:
    """fragments/playground/trace.html: what the gateway recorded of a call; None while it is not written."""

    request_id: str
    found: StoredCall | None
