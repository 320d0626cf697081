"""The failure table of the pool, end to end: what the client sees, what becomes of the key, what is kept."""

from collections.abc import Callable

import pytest

from gateway.simulator.error_bodies import ErrorAnswer
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    Answer,
    array,
    assert_untouched,
    chat,
    key_state,
    kinds_of,
    native,
    record_of,
    sse,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, RunningGateway

Caller = Callable[[RunningGateway], Answer]

# kind → state of the key, state of its bucket
KEY_FAULTS = {
    "key_invalid": ("dead", None),
    "key_leaked": ("dead", None),
    "key_blocked": ("dead", None),
    "project_suspended": ("dead", None),
    "project_denied": ("dead", None),
    "service_disabled": ("resting", None),
    "billing": ("resting", None),
    "rate_minute": ("active", "cooling"),
    "tokens_minute": ("active", "cooling"),
    "rate_day": ("active", "exhausted"),
    "no_allowance": ("active", "unavailable"),
    "rate_unknown": ("active", "cooling"),
}
FAULTS = [
    pytest.param(kind, error, id=f"{kind}-{number}")
    for kind in KEY_FAULTS
    for number, error in enumerate(gemini_errors.BY_KIND[kind])
    if error != gemini_errors.billing_required()  # speaks of one model: no_allowance to the pool
]
CLIENT_ERRORS = [
    pytest.param(error, id=str(number)) for number, error in enumerate(gemini_errors.BY_KIND["client_error"])
]
# kind → what the client is told when every key fails so: 503 for faults of ours, 429 with a wait for rests
FINAL_STATUS = {kind: 503 if key_state == "dead" else 429 for kind, (key_state, _) in KEY_FAULTS.items()}


def says(answer: Answer, dialect: str) -> str:
    """Check that an error is whole in its dialect; gives its message."""
    error = answer.error
    if dialect == "openai":
        assert set(error) == {"message", "type", "param", "code"}
    else:
        assert error["code"] == answer.status
        assert error["status"].isupper()
    assert answer.headers["content-type"].startswith("application/json")
    return str(error["message"])


@pytest.mark.parametrize(("kind", "error"), FAULTS)
def test_a_faulty_key_is_replaced_within_the_call(
    gateway: RunningGateway, fake_upstream: FakeUpstream, kind: str, error: ErrorAnswer
) -> None:
    fake_upstream.error(error, key=KEYS[0])

    answers = [chat(gateway) for _ in KEYS]

    assert [answer.status for answer in answers] == [200] * len(KEYS)
    assert sum(answer.attempts for answer in answers) == len(KEYS) + 1
    moved = next(answer for answer in answers if answer.attempts == 2)
    record = record_of(gateway, moved.request_id)
    assert kinds_of(record) == [kind, None]
    assert record.attempts[0].status == error.status
    assert (record.status, record.outcome, record.failure_kind) == (200, "success", None)
    of_key, of_bucket = KEY_FAULTS[kind]
    assert [attempt.bucket_state for attempt in record.attempts] == [of_bucket or of_key, None]
    state = key_state(gateway)
    assert (state.state.value, state.in_flight) == (KEY_FAULTS[kind][0], 0)
    assert [bucket.state.value for bucket in state.buckets] == [
        bucket for bucket in (KEY_FAULTS[kind][1],) if bucket
    ]


@pytest.mark.parametrize(
    ("kind", "call"),
    [(kind, call) for kind in FINAL_STATUS for call in (native, chat)]
    + [(kind, call) for kind in ("key_leaked", "rate_day") for call in (sse, array)],
)
def test_when_every_key_fails_so_the_client_is_told_in_its_dialect(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, kind: str, call: Caller
) -> None:
    gateway = start_gateway(API_KEYS=",".join(KEYS[:2]))
    fake_upstream.error(gemini_errors.BY_KIND[kind][0])

    answer = call(gateway)

    assert answer.status == FINAL_STATUS[kind]
    message = says(answer, "openai" if call is chat else "gemini")
    assert answer.headers["x-should-retry"] == "false"
    if answer.status == 429:
        assert int(answer.headers["retry-after"]) >= 1
    for secret in KEYS:
        assert secret not in message
    assert record_of(gateway, answer.request_id).status == answer.status


@pytest.mark.parametrize("error", CLIENT_ERRORS)
def test_a_mistake_of_the_client_is_answered_at_once_and_no_key_suffers(
    gateway: RunningGateway, fake_upstream: FakeUpstream, error: ErrorAnswer
) -> None:
    fake_upstream.error(error)

    answers = [native(gateway), sse(gateway), array(gateway), chat(gateway), chat(gateway, stream=True)]

    assert [answer.status for answer in answers] == [error.status] * 5
    assert [answer.attempts for answer in answers] == [1] * 5
    assert answers[0].json == error.body
    assert answers[1].json == error.body
    assert answers[2].json == [error.body]
    for answer in answers[3:]:
        assert says(answer, "openai") == error.body["error"]["message"]
    assert_untouched(gateway)
    record = record_of(gateway, answers[0].request_id)
    assert record.outcome == "client_error"
    assert len(fake_upstream.requests) == 5


def test_a_refused_location_is_tried_once_more_and_told_as_ours(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.location())

    answer = chat(gateway)

    assert answer.status == 503
    assert answer.attempts == 2
    assert_untouched(gateway)


def test_the_upstreams_own_deadline_is_tried_once_more(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.deadline())

    answer = native(gateway)

    assert (answer.status, answer.attempts) == (504, 2)
    assert_untouched(gateway)


@pytest.mark.parametrize("breakage", ["drop", "reset", "truncate", "page"])
def test_a_broken_connection_moves_to_the_next_try(
    gateway: RunningGateway, fake_upstream: FakeUpstream, breakage: str
) -> None:
    if breakage == "truncate":
        fake_upstream.truncate(gemini_replies.text(), times=2)
    elif breakage == "page":
        fake_upstream.reply("<html>a captive portal</html>", times=1)
    else:
        fake_upstream.drop(reset=breakage == "reset", times=2)

    answer = native(gateway)

    assert answer.status == 200
    assert answer.json == gemini_replies.text()
    assert_untouched(gateway)


def test_a_dead_network_is_a_502_in_either_dialect(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.drop()

    answers = native(gateway), chat(gateway)

    assert [(answer.status, answer.attempts) for answer in answers] == [(502, 4), (502, 4)]
    says(answers[0], "gemini")
    says(answers[1], "openai")
    assert kinds_of(record_of(gateway, answers[0].request_id)) == ["network"] * 4
    assert_untouched(gateway)


def test_a_limited_account_rests_and_the_next_key_answers(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.account_limited(), key=KEYS[0], verb="generateContent")
    fake_upstream.stream([gemini_replies.account_limited()], key=KEYS[0])

    answers = [sse(gateway) for _ in KEYS]

    assert [answer.status for answer in answers] == [200] * 3
    assert key_state(gateway).state.value == "resting"


def test_an_unknown_failure_moves_on_and_after_three_the_key_rests(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply({"error": {"code": 418, "message": "odd"}}, status=418, key=KEYS[0])

    answers = [native(gateway) for _ in range(9)]

    assert [answer.status for answer in answers] == [200] * 9
    assert key_state(gateway).state.value == "resting"


def test_a_project_that_is_suspended_takes_all_its_keys_along(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    # Both keys show that they belong to the project; the second then goes with the first.
    fake_upstream.error(gemini_errors.suspended(), key=KEYS[0])

    answers = [native(gateway) for _ in range(6)]

    assert [answer.status for answer in answers] == [200] * 6
    assert [seen.key for seen in fake_upstream.requests].count(KEYS[0]) == 1


@pytest.mark.parametrize("secret", ["ключ-не-латиницей", "key with spaces", "plain"])
def test_a_key_of_any_shape_is_tried(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, secret: str
) -> None:
    gateway = start_gateway(API_KEYS=f'["{secret}"]')

    answer = native(gateway)

    assert answer.status == 200
    raw = fake_upstream.requests[0].headers["x-goog-api-key"]
    assert raw.encode("latin-1", "surrogateescape").decode() == secret or raw == secret


def test_no_retries_means_one_try(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(MAX_RETRIES="0")
    fake_upstream.error(gemini_errors.rate_minute(), key=KEYS[0])
    fake_upstream.error(gemini_errors.overloaded(), key=KEYS[1])
    fake_upstream.drop(key=KEYS[2])

    answers = [native(gateway) for _ in KEYS]

    assert sorted(answer.status for answer in answers) == [429, 502, 503]
    assert [answer.attempts for answer in answers] == [1, 1, 1]


def test_max_retries_bounds_the_further_keys(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(MAX_RETRIES="1")
    fake_upstream.error(gemini_errors.rate_minute())

    answer = native(gateway)

    assert (answer.status, answer.attempts) == (429, 2)


@pytest.mark.parametrize("call", [native, chat], ids=["native", "chat"])
def test_with_no_key_at_all_the_503_says_so(start_gateway: StartGateway, call: Caller) -> None:
    gateway = start_gateway(API_KEYS="")

    answer = call(gateway)

    assert (answer.status, answer.attempts) == (503, 0)
    assert "API_KEYS" in answer.error["message"]


def test_when_all_rest_the_429_names_the_model_and_the_time(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_day())
    native(gateway)
    before = len(fake_upstream.requests)

    answers = native(gateway), chat(gateway)

    for answer in answers:
        assert answer.status == 429
        wait_s = int(answer.headers["retry-after"])
        assert 0 < wait_s <= 25 * 3600
        message = answer.error["message"]
        assert gemini_replies.MODEL in message
        assert "UTC" in message
        assert f"in {wait_s} s" in message
    delays = [d["retryDelay"] for d in answers[0].error["details"] if "retryDelay" in d]
    assert delays == [f"{answers[0].headers['retry-after']}s"]
    assert answers[1].error["code"] == "rate_limit_exceeded"
    assert len(fake_upstream.requests) == before  # no try is wasted on keys known to rest
    assert native(gateway, model="gemini-3.1-pro-preview").status == 429  # …that model's own first try
    assert record_of(gateway, answers[0].request_id).outcome == "no_key"


def test_a_key_at_rest_for_one_model_serves_another(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_day(), model=gemini_replies.MODEL)

    assert native(gateway).status == 429
    assert native(gateway, model="gemini-3.1-pro-preview").status == 200


@pytest.mark.parametrize("error", [gemini_errors.overloaded(), gemini_errors.internal()], ids=["503", "500"])
def test_an_overloaded_model_is_waited_for(
    gateway: RunningGateway, fake_upstream: FakeUpstream, error: ErrorAnswer
) -> None:
    fake_upstream.error(error, times=1)

    answer = chat(gateway)

    assert (answer.status, answer.attempts) == (200, 2)
    first, second = fake_upstream.requests
    assert 0.45 < second.at - first.at < 2.0
    assert_untouched(gateway)
