"""Every line that is logged, ours and any library's, passes the redaction; formats and levels."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import hypothesis
import orjson
import pytest
import structlog
from hypothesis import strategies

from gateway import log
from gateway.log import Redaction, configure, get_logger, set_level

# Shapes that are recognised, and one of someone's own making that must be made known.
GOOGLE_KEY = "AIzaSyA-0123456789abcdefghijklmnopqrstu"
NEW_KEY = "AQ.Ab8RN6-0123456789abcdefghijklmnop"
OWN = "my-very-own-token"


class Written:
    """What was logged, as text and as parsed lines."""

    def __init__(self, *, log_format: str = "json", level: str = "INFO") -> None:
        self._stream = io.StringIO()
        self.redaction = configure(level=level, log_format=log_format, stream=self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


@pytest.fixture(autouse=True)
def logging_put_back() -> Iterator[None]:
    """Undo what `configure` does to the process."""
    guard = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)  # errors go to the streams below, and are meant
    root = logging.getLogger()
    handlers, levels = (
        root.handlers[:],
        {name: logging.getLogger(name).level for name in ("", "gateway", "admin")},
    )
    kept = structlog.get_config()
    yield
    logging.setLogRecordFactory(guard)
    root.handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def written() -> Written:
    written = Written()
    written.redaction.know([OWN])
    return written


def test_a_line_has_time_level_logger_event_and_fields(written: Written) -> None:
    get_logger("gateway.pool").info("key_cooled", key="AI…1k", cooldown_s=30, ok=True, none=None, ratio=0.5)

    line = written.line
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "key_cooled",
        "key": "AI…1k",
        "cooldown_s": 30,
        "ok": True,
        "none": None,
        "ratio": 0.5,
        "level": "info",
        "logger": "gateway.pool",
    }


@pytest.mark.parametrize(
    "value",
    [
        f"the key {GOOGLE_KEY} is bad",
        f"https://host/v1beta/models?key={OWN}&alt=sse",
        f"https://host/?key={GOOGLE_KEY}",
        f"Consumer 'api_key:{NEW_KEY}' has been suspended",
        f"Authorization: Bearer {OWN}",
        f"x-goog-api-key: {GOOGLE_KEY}",
        f"prefix{OWN}suffix",
        {"headers": {"x-api-key": OWN}},
        [GOOGLE_KEY, OWN],
        (NEW_KEY,),
        ValueError(f"no such key: {GOOGLE_KEY}"),
        OWN.encode(),
    ],
)
def test_a_secret_in_any_field_is_hidden(written: Written, value: object) -> None:
    get_logger("gateway.x").info("something", field=value)

    assert_hidden(written)


def test_a_secret_in_the_event_itself_is_hidden(written: Written) -> None:
    get_logger("gateway.x").info(f"called with {GOOGLE_KEY} and {OWN}")

    assert_hidden(written)
    assert written.line["event"].startswith("called with ")


def test_a_library_s_line_is_hidden_alike(written: Written) -> None:
    other = logging.getLogger("some.library")
    other.warning("GET /v1beta/models?key=%s for %r", GOOGLE_KEY, {"token": OWN})
    other.warning("with extra", extra={"header": f"Bearer {OWN}", "count": 3})

    assert_hidden(written)
    first, second = written.lines
    assert first["logger"] == "some.library"
    assert first["level"] == "warning"
    assert second["count"] == 3


def test_an_exception_is_told_without_the_secrets_in_it(written: Written) -> None:
    for logger in (get_logger("gateway.x"), logging.getLogger("some.library")):
        try:
            try:
                raise KeyError(OWN)
            except KeyError as error:
                raise RuntimeError(f"the key {GOOGLE_KEY} failed") from error
        except RuntimeError:
            logger.exception("failed")

    assert_hidden(written)
    assert all(
        "RuntimeError" in line["exception"] and "KeyError" in line["exception"] for line in written.lines
    )


def test_ordinary_words_stay(written: Written) -> None:
    get_logger("gateway.x").info(
        "monkey", said="the key of C, my-very-own-taken, 100% sure", model="gemini-3"
    )

    assert written.line["said"] == "the key of C, my-very-own-taken, 100% sure"
    assert written.line["model"] == "gemini-3"


def test_known_secrets_too_short_to_hide_do_not_hide_words() -> None:
    redaction = Redaction()
    redaction.know(["", "abc", "model"])

    assert redaction(None, "", {"event": "a model abc"}) == {"event": "a model abc"}


def test_the_longest_of_several_known_secrets_is_hidden_whole() -> None:
    redaction = Redaction()
    redaction.know(["secret-1", "secret-1-and-more", "secret-2"])

    shown = redaction(None, "", {"event": "secret-1-and-more, secret-1secret-2."})["event"]

    assert shown == "[redacted], [redacted][redacted]."


def test_knowing_anew_forgets_the_old_ones() -> None:
    redaction = Redaction()
    redaction.know(["the-old-one"])
    redaction.know(["the-new-one"])

    assert redaction(None, "", {"event": "the-old-one the-new-one"})["event"] == "the-old-one [redacted]"


@hypothesis.given(
    strategies.text(alphabet="abc-", max_size=12),
    strategies.lists(strategies.text(alphabet="abc-", min_size=6, max_size=9), min_size=1, max_size=4),
    strategies.text(alphabet="abc-", max_size=12),
)
def test_no_known_secret_survives_in_any_text(before: str, secrets: list[str], after: str) -> None:
    redaction = Redaction()
    redaction.know(secrets)

    shown = redaction(None, "", {"event": f"{before}{secrets[0]}{after}"})["event"]

    assert secrets[0] not in shown
    assert "[redacted]" in shown


def test_a_secret_is_hidden_on_a_console_too() -> None:
    written = Written(log_format="console")
    written.redaction.know([OWN])
    get_logger("gateway.x").info("called", token=OWN, key=GOOGLE_KEY)

    assert_hidden(written)
    assert "called" in written.text


def test_auto_is_json_where_nobody_reads_along() -> None:
    written = Written(log_format="auto")
    get_logger("gateway.x").info("called")

    assert written.line["event"] == "called"


def test_levels_keep_libraries_quiet_but_for_debugging() -> None:
    written = Written(level="INFO")
    ours, theirs = get_logger("gateway.x"), logging.getLogger("some.library")
    ours.debug("no")
    theirs.info("no")
    ours.info("yes")
    set_level("DEBUG")
    ours.debug("yes")
    theirs.info("no")
    set_level("ERROR")
    ours.warning("no")
    theirs.warning("no")

    assert [line["event"] for line in written.lines] == ["yes", "yes"]


@pytest.mark.parametrize("value", [object, {1: "one"}, 2**70, "half a pair: \udcff", float("nan")])
def test_what_json_does_not_know_is_written_all_the_same(written: Written, value: object) -> None:
    get_logger("gateway.x").info("odd", value=value)

    assert "odd" in written.line["event"]


def test_a_logger_may_be_asked_for_before_anything_is_set_up() -> None:
    early = get_logger("gateway.early")
    written = Written()
    early.info("later")

    assert written.line["logger"] == "gateway.early"


def test_the_module_keeps_no_state() -> None:
    assert not [name for name, value in vars(log).items() if isinstance(value, Redaction)]


def assert_hidden(written: Written) -> None:
    assert written.text
    for secret in (GOOGLE_KEY, NEW_KEY, OWN):
        assert secret not in written.text
    assert "redacted" in written.text
