"""What the page of settings is given."""

from dataclasses import dataclass, field

from gateway.control.pasting import Preview
from gateway.control.proxies import ProxyView
from gateway.control.reach import WayOut


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting's field.

    kind       Kind's name · choices: of a CHOICE · suggests: models are offered
    origin     whose the value is · default: as a person would write it
    text       the value as it stands in the field; of a secret one never
    rows       of a TABLE, cells in the order of `columns` · offers: values to choose from for each
    is_filled  a secret one has a value
    """

    name: str
    kind: str
    help: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    origin: str
    default: str
    secret: bool
    suggests: bool
    is_filled: bool = False
    text: str = field(default="", repr=False)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    offers: tuple[tuple[str, ...], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """fragments/settings/group.html: settings that are saved together.

    sought    the page's filter, to stay with · said: what the last change did, "" for nothing
    """

    id: str
    heading: str
    fields: tuple[SettingField, ...]
    sought: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class BootSetting:
    """A setting that counts from the next start, as it holds now; a secret one hidden."""

    name: str
    text: str
    help: str


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the audit. `before` and `after` are as a person would write them, secrets hidden."""

    at_ms: int
    actor: str
    peer: str
    action: str
    names: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class WayLine:
    """fragments/settings/way.html: the way through a proxy, or the direct one.

    proxy   None for the direct way
    way     what came of trying it; None before anybody asked
    """

    proxy: ProxyView | None = None
    way: WayOut | None = None

    @property
    def id(self) -> str:
        return "direct" if self.proxy is None else self.proxy.id


@dataclass(frozen=True, slots=True)
class ProxiesPanel:
    """fragments/settings/proxies.html: the ways to the upstream, and the form to add proxies.

    given     the text that was pasted · preview: what it holds; None before it was looked at
    error     why it was not added · said: what the last change did; both "" for nothing
    """

    lines: tuple[WayLine, ...]
    given: str = field(default="", repr=False)
    preview: Preview | None = None
    error: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """pages/settings.html.

    groups    those with a setting the filter matches · models: the names known now
    wrong     what is wrong with the text to import, `given`
    old_rows  at most so many rows of gemini-balance's logs can be taken in; 0 without an offer
    """

    sought: str
    groups: tuple[SettingGroup, ...]
    boot: tuple[BootSetting, ...]
    changes: tuple[Change, ...]
    models: tuple[str, ...]
    proxies: ProxiesPanel
    given: str = field(default="", repr=False)
    wrong: str = ""
    old_rows: int = 0
