"""States as JSON: there and back, and what does not come back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketChange, KeyChange, LimitCount, LimitState, State
from gateway.pool.key import KeyState
from gateway.pool.wire import from_json, to_json
from gateway.protocols.failures import FailureKind

TEXT = st.text(max_size=20)
WHOLE = st.integers(0, 2**50)
MOMENT = st.floats(0, 4e9, allow_nan=False)
OWNER = st.one_of(WHOLE, TEXT)
STATES = st.one_of(
    st.builds(
        KeyChange,
        key_id=WHOLE, alias=TEXT, provider=TEXT, state=st.sampled_from(KeyState),
        kind=st.one_of(st.none(), st.sampled_from(FailureKind)), message=TEXT, since_s=MOMENT,
        until_s=st.one_of(st.none(), MOMENT), project=st.one_of(st.none(), TEXT),
        activation_url=st.one_of(st.none(), TEXT),
    ),
    st.builds(
        BucketChange,
        provider=TEXT, owner=OWNER, model=TEXT, alias=TEXT, state=st.sampled_from(BucketState),
        kind=st.sampled_from(FailureKind), message=TEXT, since_s=MOMENT,
        until_s=st.one_of(st.none(), MOMENT), streak=WHOLE,
    ),
    st.builds(
        LimitState,
        provider=TEXT, owner=OWNER, model=TEXT, as_of_s=MOMENT,
        limits=st.lists(
            st.builds(
                LimitCount,
                quota_id=TEXT, window=TEXT, tokens=st.booleans(), value=WHOLE, allowed=WHOLE,
                heard_s=MOMENT, used=WHOLE,
            ),
            max_size=3,
        ).map(tuple),
        typical_tokens=WHOLE, fresh_requests=WHOLE, fresh_tokens=WHOLE,
    ),
)  # fmt: skip
BUCKET = BucketChange(
    "gemini", "projects/7", "m", "AIza…1", BucketState.COOLING, FailureKind.RATE_MINUTE, "Quota", 1.5, 31.5, 0
)


@given(STATES)
def test_every_state_comes_back_as_it_was(state: State) -> None:
    assert from_json(to_json(state)) == state
    assert from_json(to_json(state).encode()) == state


def test_the_form_is_stable() -> None:
    assert json.loads(to_json(BUCKET)) == {
        "v": 1,
        "is": "bucket",
        "of": {
            "provider": "gemini", "owner": "projects/7", "model": "m", "alias": "AIza…1", "state": "cooling",
            "kind": "rate_minute", "message": "Quota", "since_s": 1.5, "until_s": 31.5, "streak": 0,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{", "{}", '"x"', '{"v":2,"is":"bucket","of":{}}', '{"v":1,"is":"moon","of":{}}',
        '{"v":1,"is":"key","of":{}}', '{"v":1,"is":"key","of":null}', '{"v":1,"is":"limits","of":[]}',
        to_json(BUCKET).replace("rate_minute", "a kind of next year"),
        to_json(BUCKET).replace('"projects/7"', "1.5"),
        to_json(BUCKET).replace('"streak":0', '"streak":"0"'),
        to_json(BUCKET).replace("31.5", '"later"'),
    ],
)  # fmt: skip
def test_what_another_release_wrote_is_passed_over(text: str) -> None:
    assert from_json(text) is None


def test_a_field_that_only_a_later_release_knows_does_no_harm() -> None:
    assert from_json(to_json(BUCKET).replace('"streak":0', '"streak":0,"mood":"fine"')) == BUCKET
