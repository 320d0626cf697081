"""Nothing secret leaves: a whole run shows no key, token or password in log, metrics, bodies or headers."""

import io
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from gateway import log
from gateway.log import Redaction
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, array, call, chat, native, sse
from tests.integration.running import RunningGateway

ODD_KEY = "plain-and-odd-key-of-no-known-shape"
KEYS = ("AIza-Secret-Secret-Secret-0001", "AQ.SecretSecretSecretSecret00000002", ODD_KEY)
TOKEN = "my-own-words-as-a-token"
ADMIN = "admin-words-as-a-token"
METRICS = "metrics-words-as-a-token"
PROXY_PASSWORD = "proxy-pass-word"
GUESS = "somebodys-mistyped-token"
SECRETS = (*KEYS, TOKEN, ADMIN, METRICS, PROXY_PASSWORD, GUESS)


@dataclass(slots=True)
class Lines:
    """The log as an operator sees it."""

    stream: io.StringIO
    redaction: Redaction


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        yield Lines(stream, log.configure(level="DEBUG", log_format="json", stream=stream))
    finally:
        log.configure(level="DEBUG", log_format="json", stream=io.StringIO())
        root.handlers = handlers
        root.setLevel(level)


def assert_clean(what: str, text: str) -> None:
    for secret in SECRETS:
        assert secret not in text, f"{secret} stands in {what}"


def echo_of_key(seen: SeenRequest) -> bytes:
    """An error that repeats the key it was called with, as Google's do for suspended consumers."""
    words = f"Bad request with key {seen.key} and api_key:{seen.key}."
    return orjson.dumps({"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}})


def collect(gateway: RunningGateway, fake: FakeUpstream) -> list[Answer]:
    """A run in which every secret has a reason to slip out."""
    bearer = {"authorization": f"Bearer {TOKEN}"}
    answers = []
    fake.reply(echo_of_key, status=400, model="gemini-echo")
    for _ in KEYS:
        answers += [each(gateway, model="gemini-echo", headers=bearer) for each in (native, sse, array, chat)]
    faults = [
        gemini_errors.rate_minute(),
        gemini_errors.invalid_argument(f"The proxy http://user:{PROXY_PASSWORD}@host said no."),
    ]
    for number, fault in enumerate(faults):
        fake.error(fault, model=f"gemini-fault-{number}")
        answers += [
            each(gateway, model=f"gemini-fault-{number}", headers=bearer)
            for each in (native, sse, array, chat)
        ]
    for key in KEYS:
        fake.error(gemini_errors.suspended(key), key=key, model="gemini-last")
    early = gemini_replies.stream_error(400, f"No stream for {ODD_KEY}.", "INVALID_ARGUMENT")
    fake.stream([early], key=ODD_KEY, model="gemini-early")
    for _ in KEYS:
        answers += [
            sse(gateway, model="gemini-early", headers=bearer),
            chat(gateway, model="gemini-early", stream=True, headers=bearer),
        ]
    answers.append(native(gateway, model="gemini-last", headers=bearer))
    answers.append(native(gateway, headers={"authorization": f"Bearer {GUESS}"}))
    answers.append(native(gateway, query=f"?key={GUESS}", headers={}))
    answers.append(call(gateway, f"/nothing?key={TOKEN}", None, method="GET", headers=bearer))
    answers.append(call(gateway, f"/v1/nothing?key={TOKEN}", None, method="GET", headers=bearer))
    answers.append(call(gateway, "/v1/chat/completions", b"{", headers=bearer))
    for path in ("/", "/health", f"/metrics?key={METRICS}", f"/metrics?key={GUESS}"):
        answers.append(call(gateway, path, None, method="GET", headers={}))
    return answers


@pytest.mark.parametrize("with_proxy", [False, True], ids=["direct", "proxy"])
def test_no_secret_shows_anywhere(
    tmp_path: Path, fake_upstream: FakeUpstream, front: str, log_lines: Lines, with_proxy: bool
) -> None:
    settings = {
        "HTTP_FRONT": front,
        "API_KEYS": orjson.dumps(KEYS).decode(),
        "ALLOWED_TOKENS": TOKEN,
        "AUTH_TOKEN": ADMIN,
        "METRICS_TOKEN": METRICS,
        "LOG_LEVEL": "DEBUG",
    }
    if with_proxy:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        settings["PROXIES"] = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{port}"
    with RunningGateway(tmp_path, fake_upstream.url, settings, redaction=log_lines.redaction) as gateway:
        answers = collect(gateway, fake_upstream)
        services = gateway.services
        assert services is not None
    written = log_lines.stream.getvalue()

    assert len({answer.status for answer in answers}) >= 4
    for number, answer in enumerate(answers):
        assert_clean(f"body {number}", answer.body.decode())
        assert_clean(f"headers {number}", str(answer.headers))
    assert written.count("\n") > 10
    assert all(orjson.loads(line)["event"] for line in written.splitlines())
    assert_clean("the log", written)
    assert_clean("reprs", repr(services))
    assert "Traceback" not in written
