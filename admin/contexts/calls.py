"""What the pages of calls are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from admin.call_filters import CallAddress, local_text
from admin.contexts.playground import TokenChoice
from gateway.control.call_log import CallPage
from gateway.control.tasks import Task
from gateway.protocols.failure_kinds import FailureKind
from gateway.store.call_ids import ended_at_ms
from gateway.store.records import AttemptRecord, StoredCall


@dataclass(frozen=True, slots=True)
class FirstCall:
    """fragments/calls/first.html: how the first call is made.

    curl     the call, for this address
    token    the access token it shows, or would show; None when there is none yet
    is_shown the token itself stands in it, because somebody asked
    """

    curl: str = field(repr=False)
    token: TokenChoice | None
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class CallsPage:
    """pages/calls.html and fragments/calls/list.html.

    now_ms        when all this was so
    address       what is asked for · listing: what was found
    total         how many match, counted up to `counted_to`; None when no index knows
    token_names   access tokens by id · key_name: what the key asked for is called
    models        names to choose from
    work          what was begun and is under way
    first         how to make the first call; None where there are calls
    """

    now_ms: int
    address: CallAddress
    listing: CallPage
    total: int | None
    counted_to: int
    token_names: Mapping[int, str]
    key_name: str
    models: tuple[str, ...]
    work: tuple[Task, ...] = ()
    first: FirstCall | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every way to fail that there are words for, in the order of the enumeration."""
        return tuple(kind.value for kind in FailureKind)

    def from_text(self, zone: str) -> str:
        """Where the time asked for begins, as a field of a form shows it."""
        return local_text(self.address.filter.since_ms, zone)

    def to_text(self, zone: str) -> str:
        """Where it ends."""
        return local_text(self.address.filter.until_ms, zone)

    @property
    def looked_to_ms(self) -> int | None:
        """How far back was looked when that was not to the end; None when the page is full or whole."""
        listing, size = self.listing, self.address.size
        further_id = listing.next_before_id
        return None if further_id is None or len(listing.calls) >= size else ended_at_ms(further_id)


@dataclass(frozen=True, slots=True)
class NewerCalls:
    """fragments/calls/newer.html: how many calls came since the page was shown, counted up to `most`."""

    address: CallAddress
    top_id: int
    count: int
    most: int


@dataclass(frozen=True, slots=True)
class CallsAnswer:
    """fragments/calls/answer.html: what came of an action, told where it was made.

    said    a toast · tone: "dead" for one that did not work
    task    work that was begun
    calls   the list as it is now; None to leave it
    """

    said: str = ""
    tone: str = ""
    task: Task | None = None
    calls: CallsPage | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An attempt in the time of its call.

    waited_ms   since the attempt before ended, or the call began: for a key, or out of patience
    left, width where its bar stands, in per cent of the call's time
    """

    attempt: AttemptRecord
    waited_ms: int
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class CallDetailPage:
    """pages/call.html.

    steps            the attempts in time
    token_name       "" for a token that is gone, or the administrator's
    error, request   what was kept of them, as text; "" for nothing
    records_bodies   whether request bodies are kept now
    """

    now_ms: int
    found: StoredCall
    steps: tuple[Step, ...]
    token_name: str
    error: str = field(default="", repr=False)
    request: str = field(default="", repr=False)
    records_bodies: bool = False
