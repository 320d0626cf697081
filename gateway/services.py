"""What exists in a running gateway, built once in __main__ and handed down. No globals anywhere else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.control.background import Background
from gateway.control.desk import Desk
from gateway.control.following import Following
from gateway.control.kept_responses import KeptResponses
from gateway.control.ledger import Ledger
from gateway.control.limiter import Limiter
from gateway.control.model_list import ModelList
from gateway.control.tokens import TokenBook
from gateway.gather import Siblings
from gateway.log import Redaction
from gateway.metrics.metrics import Metrics
from gateway.pool.pool import Pool
from gateway.programs.ffmpeg import Ffmpeg
from gateway.protocols.context import ChatOptions
from gateway.protocols.native_call import NativeOptions
from gateway.relay.engine import Engine
from gateway.relay.shaping import Shape
from gateway.settings.live import LiveHolder
from gateway.settings.model import BootSettings
from gateway.store.store import Store
from gateway.upstream.downloads import Downloads
from gateway.upstream.hosting import Hosting


@dataclass(slots=True)
class Services:
    """The parts.

    chat_options   replaced whole when a setting changes, like `engine.policy`
    native_options the same for native calls
    shape          what is done to answers of both; None leaves them as they come
    new_id         a fresh random token of letters and digits
    model_list     the upstream's models
    downloads      fetches what requests only point at
    host           puts a picture where anybody can see it; None when there is no such place or it failed
    ffmpeg         the machine's, or the knowledge that it has none
    background     what the process does beside its calls
    kept_responses what clients of the Responses API go on from
    desk           what an operator reads and changes
    following      carries changes of keys, tokens and settings out, here and in the others
    siblings       the other workers; None when there is one process
    farewells      called when a stop begins, by whoever has answers that would never end by themselves
    """

    boot: BootSettings
    live: LiveHolder
    store: Store
    pool: Pool
    engine: Engine
    tokens: TokenBook
    limiter: Limiter
    ledger: Ledger
    metrics: Metrics
    redaction: Redaction
    chat_options: ChatOptions
    native_options: NativeOptions
    shape: Shape | None
    new_id: Callable[[], str]
    model_list: ModelList
    downloads: Downloads
    host: Hosting
    ffmpeg: Ffmpeg
    background: Background
    kept_responses: KeptResponses
    following: Following
    desk: Desk
    siblings: Siblings | None = None
    draining: bool = False
    farewells: list[Callable[[], None]] = field(default_factory=list)
