"""What people are told about a key."""

import pytest

from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.effects import EFFECTS, Effect
from gateway.pool.sentences import because, span
from gateway.protocols.failures import FailureKind
from tests.pool.builders import MODEL, NOON_S, fail, key, pool_of, turns

K = FailureKind
TOUCHING = [kind for kind, effect in EFFECTS.items() if effect not in (Effect.NONE, Effect.BUSY_MODEL)]


def sentence(kind: FailureKind) -> str:
    pool = pool_of(1)
    fail(pool, kind)
    told = pool.explain(1, NOON_S + 60)
    assert told is not None
    return told.buckets[0].sentence if told.buckets else told.sentence


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            K.SERVICE_DISABLED,
            "Resting until 2026-01-14 22:00:00 UTC (in 1 h 59 min) because the Gemini API is not enabled"
            " in its project.",
        ),
        (
            K.KEY_LEAKED,
            "Not used any more, until someone revives it, because Google says that the key has leaked.",
        ),
        (
            K.RATE_DAY,
            f"Resting for {MODEL} until 2026-01-15 08:00:00 UTC (in 11 h 59 min) because the day's quota is"
            " used up.",
        ),
        (
            K.NO_ALLOWANCE,
            f"Not offered for {MODEL}; asked again after 2026-01-16 20:00:00 UTC (in 47 h 59 min) because the"
            " model is not offered to its project.",
        ),
    ],
)
def test_a_rest_is_told_with_its_end_and_its_cause(kind: FailureKind, words: str) -> None:
    assert sentence(kind) == words


def test_a_key_without_fault_is_in_use_and_a_disabled_one_is_told_so() -> None:
    pool = pool_of(1, key(2, enabled=False), key(3, enabled=False, dead_reason="key_invalid"))
    told = [pool.explain(key_id, NOON_S) for key_id in (1, 2, 3)]
    assert [each.sentence for each in told if each is not None] == [
        "In use.",
        "Disabled by the admin.",
        "Disabled by the admin; before that, not used because Google says that the key is not valid.",
    ]


def test_a_bucket_open_again_tells_what_was_seen_lately() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_UNKNOWN)
    told = pool.explain(1, NOON_S + 60)
    assert told is not None
    assert told.buckets[0].sentence == (
        f"Open for {MODEL}; it was refused lately because Google refused calls without saying which limit"
        " they met."
    )


def test_what_nothing_explains_is_quoted() -> None:
    assert because(K.UNKNOWN, "The caller has no luck") == "“The caller has no luck”"
    assert "nothing explains" in because(K.UNKNOWN, "")


@pytest.mark.parametrize("kind", TOUCHING)
def test_every_kind_that_touches_a_key_has_words(kind: FailureKind) -> None:
    assert because(kind, "") not in ("", kind.value)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.2, "1 s"), (99, "99 s"), (100, "2 min"), (3600, "60 min"), (6000, "1 h 40 min"),
     (7200, "2 h"), (2 * 86_400, "2 d"), (183_600, "2 d 3 h")],
)  # fmt: skip
def test_lengths_of_time_are_told_in_fitting_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_sentence_of_a_day_names_the_midnight_that_counts() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    told = pool.explain(1, NOON_S)
    assert told is not None
    assert told.buckets[0].until_s == next_pacific_midnight(NOON_S)
    assert turns(pool, 1, now_s=next_pacific_midnight(NOON_S)) == [1]
