"""What the SDKs for JavaScript tell their user when the upstream fails: never a cut text as a whole one."""

import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS
from tests.sdk.flows import Flows, run_javascript


@pytest.fixture
def faults(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> Flows:
    """Run both SDKs over an upstream with a fault for each model."""
    pieces = gemini_replies.text_events("One", " two", " three")
    fake_upstream.stream(pieces[:2], then="reset", model="model-broken")
    fake_upstream.error(gemini_errors.rate_day(), model="model-spent")
    fake_upstream.stream([gemini_replies.blocked_prompt()], model="model-blocked")
    fake_upstream.stream([gemini_replies.empty()], model="model-silent")
    fake_upstream.error(gemini_errors.api_key_invalid(), model="model-dead")
    return run_javascript("faults", start_gateway(MAX_RETRIES="2").url)


@pytest.mark.parametrize("sdk", ["openai", "google"])
def test_a_failure_is_told_as_what_it_is(faults: Flows, fake_upstream: FakeUpstream, sdk: str) -> None:
    broken, spent, blocked, dead = (
        faults[f"{sdk} {fault}"] for fault in ("broken", "spent", "blocked", "dead")
    )

    assert broken["text"] == "One two"
    assert broken["finish"] is None
    assert "connection to Google failed" in broken["error"]["message"]
    assert (spent["text"], spent["error"]["status"]) == ("", 429)
    assert blocked["error"] is None
    assert blocked["finish"] == ("content_filter" if sdk == "openai" else "PROHIBITED_CONTENT")
    assert dead["error"]["status"] == 503
    assert not any(key in str(faults.found) for key in KEYS)
    # The gateway has tried what there was: the SDK is told not to try it all again.
    assert len([seen for seen in fake_upstream.requests if seen.model == "model-spent"]) == len(KEYS)


def test_an_answer_of_nothing_is_no_answer(faults: Flows) -> None:
    assert faults["openai silent"]["error"]["status"] == 502
    assert faults["google silent"]["finish"] == "STOP"
