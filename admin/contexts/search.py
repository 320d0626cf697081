"""What the search is given."""

from dataclasses import dataclass

from admin.places import Place
from gateway.control.key_views import KeyView
from gateway.control.token_desk import TokenView
from gateway.store.records import StoredCall


@dataclass(frozen=True, slots=True)
class SettingHit:
    """A setting that matches; `help` in the reader's language."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """pages/search.html and fragments/search/found.html: what matches, a few of each kind.

    keys_total, settings_total   how many there are in all
    is_partial                   the database could not be asked: keys, tokens and calls are missing
    is_whole_key                 a key was asked for whole: the one in `keys`
    """

    sought: str
    now_ms: int
    places: tuple[Place, ...] = ()
    settings: tuple[SettingHit, ...] = ()
    settings_total: int = 0
    keys: tuple[KeyView, ...] = ()
    keys_total: int = 0
    tokens: tuple[TokenView, ...] = ()
    models: tuple[str, ...] = ()
    call: StoredCall | None = None
    is_partial: bool = False
    is_whole_key: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all matches."""
        lists = (self.places, self.settings, self.keys, self.tokens, self.models)
        return not any(lists) and self.call is None
