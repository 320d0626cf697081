"""What the page for clients is given."""

from dataclasses import dataclass, field

from admin.contexts.playground import TokenChoice
from admin.snippets import Snippet


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """pages/connect.html and fragments/connect/clients.html.

    origin     scheme and host as the reader reached us
    token      what stands for the token in every snippet: the token itself once it was asked for
    is_shown   it is the token itself
    model      the name of a model to begin with
    openai, gemini   a first call in each dialect
    """

    origin: str
    tokens: tuple[TokenChoice, ...]
    token_id: int
    token: str = field(repr=False)
    is_shown: bool
    model: str
    openai: tuple[Snippet, ...] = field(repr=False)
    gemini: tuple[Snippet, ...] = field(repr=False)
