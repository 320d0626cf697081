"""Structured logs: one set-up, one redaction step that every line passes, ours and every library's.

Rooms ask for a logger with `get_logger("gateway.room")` and log events with fields. Called once by __main__.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import orjson

from gateway.protocols.redaction import REDACTED, redact
from gateway.without import without

with without("rich", "better_exceptions"):  # colours for tracebacks, which format_exc_info writes here
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

Logger = structlog.stdlib.BoundLogger
_START_CHARS = 6


def get_logger(name: str) -> Logger:
    """The logger of a room; it may be asked for at import, before `configure`."""
    return structlog.stdlib.get_logger(name)


class Redaction:
    """The processor that takes secrets out of every value of a line.

    Patterns catch what looks like a credential; `know` tells it those that may look anyhow, such as keys and
    tokens of people's own making.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._lengths: dict[str, tuple[int, ...]] = {}  # of secrets with the same start, the longest first

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = redact(self._without_known(value))
            elif not isinstance(value, int | float | bool | None):
                event[name] = redact(self._without_known(str(value)))
        return event

    def know(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, wherever they stand; very short ones would hide ordinary words."""
        self._known, self._lengths = set(), {}
        self.also_know(secrets)

    def also_know(self, secrets: Iterable[str]) -> None:
        """Hide these as well."""
        for secret in secrets:
            if len(secret) < _START_CHARS:
                continue
            self._known.add(secret)
            lengths = self._lengths.get(secret[:_START_CHARS], ())
            if len(secret) not in lengths:  # a new tuple: another thread may be looking through a line
                self._lengths[secret[:_START_CHARS]] = tuple(sorted((*lengths, len(secret)), reverse=True))

    def _without_known(self, text: str) -> str:
        # One look a place and length, however many keys there are: the time depends on the text alone.
        known, lengths = self._known, self._lengths
        kept: list[str] = []
        at = copied = 0
        while lengths and at <= len(text) - _START_CHARS:
            for length in lengths.get(text[at : at + _START_CHARS], ()):
                if text[at : at + length] in known:
                    kept += (text[copied:at], REDACTED)
                    at = copied = at + length
                    break
            else:
                at += 1
        return "".join((*kept, text[copied:])) if kept else text


class _WorkerName:
    """The processor that says which of several workers writes; threads and libraries included."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("worker", self._number)
        return event


def configure(
    *, level: str, log_format: str, stream: TextIO | None = None, worker: int | None = None
) -> Redaction:
    """Set up logging for the process.

    level        DEBUG … CRITICAL
    log_format   "console", "json", or "auto": console on a terminal
    worker       this process's number among several; it stands in every line
    returns      the redaction step, so that secrets can be made known to it
    """
    stream = stream or sys.stderr
    as_console = log_format == "console" or (log_format == "auto" and stream.isatty())
    redaction = Redaction()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=not as_console),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
    ]
    if worker is not None:
        shared.append(_WorkerName(worker))
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redaction]
    if as_console:
        final.append(structlog.dev.ConsoleRenderer(colors=stream.isatty()))
    else:
        final.append(structlog.processors.JSONRenderer(serializer=_dumps))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final))
    root = logging.getLogger()
    root.handlers = [handler]
    set_level(level)
    return redaction


def set_level(level: str) -> None:
    """Change the least important level that is written; libraries stay at WARNING unless it is DEBUG."""
    logging.getLogger().setLevel(level if level in ("WARNING", "ERROR", "CRITICAL") else "WARNING")
    logging.getLogger("gateway").setLevel(level)
    logging.getLogger("admin").setLevel(level)


def _dumps(event: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, half a surrogate pair
        plain = {name: ascii(value) for name, value in event.items()}
        return orjson.dumps(plain).decode()
