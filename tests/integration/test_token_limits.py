"""Limits of access tokens on real sockets, in each dialect's words."""

from typing import Any

from gateway.services import Services
from gateway.store.records import TokenRow
from tests.integration.calling import Answer, chat, native, record_of
from tests.integration.running import RunningGateway

ALICE = "sk-alice-has-limits"
AS_BEARER = {"authorization": f"Bearer {ALICE}"}
AS_GOOGLE = {"x-goog-api-key": ALICE}


def _limit(gateway: RunningGateway, **limits: Any) -> None:
    async def add(services: Services) -> None:
        row = TokenRow(ALICE, "sk-…", name="Alice", **limits)
        await services.store.write(lambda: services.store.tokens.add([row]))
        await services.following.tokens_changed()

    gateway.wait_for(add)


def _both(gateway: RunningGateway) -> tuple[Answer, Answer]:
    return chat(gateway, AS_BEARER), native(gateway, headers=AS_GOOGLE)


def test_the_requests_of_a_minute_are_counted_over_both_dialects(gateway: RunningGateway) -> None:
    _limit(gateway, requests_per_minute=2)

    pairs = [_both(gateway) for _ in range(4)]  # the minute may change meanwhile, once

    assert [answer.status for answer in pairs[0]] == [200, 200]
    openai, gemini = next(pair for pair in pairs if {answer.status for answer in pair} == {429})
    assert (openai.status, openai.error["type"]) == (429, "rate_limit_error")
    assert (gemini.status, gemini.error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert 1 <= int(openai.headers["retry-after"]) <= 60
    assert "2 requests a minute" in gemini.error["message"]
    assert chat(gateway).status == 200  # another token is not concerned


def test_the_tokens_of_a_day_are_those_of_the_calls_that_are_over(gateway: RunningGateway) -> None:
    _limit(gateway, tokens_per_day=1)

    first, second = _both(gateway)

    assert first.status == 200
    assert second.status == 429
    assert "1 tokens a day" in second.error["message"]
    assert int(second.headers["retry-after"]) <= 90_000


def test_a_model_that_is_not_allowed_is_refused_and_the_call_recorded(gateway: RunningGateway) -> None:
    _limit(gateway, models=("gemini-9-*",))

    openai, gemini = _both(gateway)

    assert (openai.status, openai.error["code"]) == (403, "model_not_found")
    assert (gemini.status, gemini.error["status"]) == (403, "PERMISSION_DENIED")
    record = record_of(gateway, gemini.request_id)
    assert (record.status, record.outcome, record.attempts) == (403, "client_error", ())


def test_an_expired_token_is_answered_401(gateway: RunningGateway) -> None:
    _limit(gateway, expires_at_ms=1)

    openai, gemini = _both(gateway)

    assert (openai.status, openai.error["code"]) == (401, "invalid_api_key")
    assert (gemini.status, gemini.error["message"]) == (401, "This access token has expired.")
