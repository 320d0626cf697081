"""What the pages of access tokens are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.control.token_desk import ModelUse, NewToken, TokenView


@dataclass(frozen=True, slots=True)
class TokenFields:
    """A token's form as it was typed, or as it stands: texts, empty for no limit.

    models    one a line · expires   local time of the reader, as `datetime-local` writes it
    """

    name: str = ""
    secret: str = field(default="", repr=False)
    requests_per_minute: str = ""
    tokens_per_day: str = ""
    models: str = ""
    expires: str = ""

    @property
    def has_limits(self) -> bool:
        return any((self.requests_per_minute, self.tokens_per_day, self.models, self.expires))


@dataclass(frozen=True, slots=True)
class TokensPage:
    """pages/tokens.html and fragments/tokens/list.html.

    tokens   those the filter matches, at most as many as are shown; `more` is how many are left out
    sought   the filter
    fields   the form to add one; `errors` by field, "" for the whole
    added    the token just added, shown this once
    undo     the name of a deletion that may be taken back
    """

    tokens: tuple[TokenView, ...]
    more: int
    sought: str
    now_ms: int
    fields: TokenFields = TokenFields()
    errors: Mapping[str, str] = field(default_factory=dict)
    added: NewToken | None = None
    undo: str = ""


@dataclass(frozen=True, slots=True)
class TokenPage:
    """pages/token.html and fragments/tokens/token.html.

    uses     what it used by model in the last `days`, today included
    secret   the token itself, once somebody asked for it; "" else
    saved    the change was just made
    """

    token: TokenView
    uses: tuple[ModelUse, ...]
    days: int
    now_ms: int
    fields: TokenFields
    errors: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    saved: bool = False
