"""What the pages of keys are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from admin.charts import OutcomeChart
from admin.key_filters import KeyAddress
from admin.sparklines import Sparkline, sparkline
from gateway.control.key_views import KeyDetail, KeyPage, KeyView
from gateway.control.keys import Revealed
from gateway.control.pasting import Preview
from gateway.control.tasks import Task
from gateway.pool.changes import BucketExplanation, LimitExplanation
from gateway.store.records import StoredCall


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key in the list; `last_hour` is the epoch hour under way."""

    key: KeyView
    last_hour: int

    @property
    def spark(self) -> Sparkline:
        """Its attempts of 24 hours; drawn when the row is, in the row's turn."""
        return sparkline(self.key.hours, self.last_hour)


@dataclass(frozen=True, slots=True)
class KeyRows:
    """fragments/keys/rows.html: keys that are on the screen, as they stand now."""

    now_ms: int
    lines: tuple[KeyLine, ...]


@dataclass(frozen=True, slots=True)
class KeysPage:
    """pages/keys.html and fragments/keys/list.html.

    now_ms    when all this was so
    address   what is asked for · listing: what was found · lines: its keys
    tags      those in use · models: names to choose from
    beside    keys that match and are settings, not rows
    work      what was begun and is under way, or was just begun
    undo      the name of a deletion that may be taken back
    """

    now_ms: int
    address: KeyAddress
    listing: KeyPage
    lines: tuple[KeyLine, ...]
    tags: tuple[str, ...]
    models: tuple[str, ...]
    beside: tuple[KeyLine, ...] = ()
    work: tuple[Task, ...] = ()
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """fragments/keys/answer.html: what came of an action, told where it was made.

    said    a toast · tone: "dead" for one that did not work
    undo    the address that takes it back
    task    work that was begun
    shown   keys in the clear, because somebody asked
    keys    the list as it is now; None to leave it
    """

    said: str = ""
    tone: str = ""
    undo: str = ""
    task: Task | None = None
    shown: tuple[Revealed, ...] = field(default=(), repr=False)
    keys: KeysPage | None = None


@dataclass(frozen=True, slots=True)
class RevealedPage:
    """pages/revealed.html and fragments/keys/revealed.html: keys in the clear, because somebody asked."""

    shown: tuple[Revealed, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyFields:
    """What is typed about keys, as text."""

    text: str = field(default="", repr=False)
    provider: str = "gemini"
    note: str = ""
    tags: str = ""
    project: str = ""
    weight: str = "1"
    check: bool = True


@dataclass(frozen=True, slots=True)
class AddPage:
    """pages/add_keys.html and fragments/keys/preview.html.

    preview   what the text holds; None before it was looked at
    errors    by field
    """

    fields: KeyFields = field(repr=False)
    preview: Preview | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """How a key stands with one model: the rest, if it does, and the limits that were learned."""

    model: str
    bucket: BucketExplanation | None
    limits: tuple[LimitExplanation, ...]


@dataclass(frozen=True, slots=True)
class KeyDetailPage:
    """pages/key.html.

    models   how it stands with each model that is known of it
    chart    its attempts of 24 hours
    calls    the last that were tried with it
    fields   the form as it was typed; errors: by field
    """

    now_ms: int
    detail: KeyDetail
    models: tuple[ModelStanding, ...]
    chart: OutcomeChart
    calls: tuple[StoredCall, ...]
    fields: KeyFields
    errors: Mapping[str, str] = field(default_factory=dict)
