"""The stream optimizer: texts in pieces at a pace, everything else as soon as its turn comes."""

from collections.abc import Sequence
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from gateway.streaming.pacing import MOST_HELD, MOST_LAG_S, Pace, Pacer

PACE = Pace(min_delay_s=0.01, max_delay_s=0.04, short_text=10, long_text=50, chunk_size=5)
FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"


def event(*parts: Any, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    finish = more.pop("finish", None)
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m", **more}


def text(value: str, **more: Any) -> dict[str, Any]:
    return event({"text": value}, **more)


def text_of(events: Sequence[dict[str, Any]]) -> str:
    return "".join(
        part.get("text", "")
        for one in events
        for candidate in one.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    )


def run(pacer: Pacer, until_s: float = 1e9) -> list[tuple[float, dict[str, Any]]]:
    """Play the clock forward: what leaves, and when."""
    out: list[tuple[float, dict[str, Any]]] = []
    while (next_s := pacer.next_s) is not None and next_s <= until_s:
        out += [(next_s, one) for one in pacer.due(next_s)]
    return out


def test_a_short_text_goes_character_by_character_at_the_slow_pace() -> None:
    pacer = Pacer(PACE)
    pacer.put(text("Hello"), 100.0)

    left = run(pacer)

    assert [text_of([one]) for _, one in left] == ["H", "e", "l", "l", "o"]
    assert [moment for moment, _ in left] == pytest.approx([100.0, 100.04, 100.08, 100.12, 100.16])


def test_a_long_text_goes_in_chunks_at_the_fast_pace() -> None:
    pacer = Pacer(PACE)
    pacer.put(text("a" * 52), 0.0)

    left = run(pacer)

    assert [len(text_of([one])) for _, one in left] == [5] * 10 + [2]
    assert left[-1][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("length", "delay_s"), [(1, 0.04), (10, 0.04), (22, 0.02531), (50, 0.01), (9000, 0.01)]
)
def test_the_pause_shrinks_with_the_length_on_a_logarithmic_scale(length: int, delay_s: float) -> None:
    assert PACE.delay_s(length) == pytest.approx(delay_s, abs=1e-5)


def test_thresholds_that_cross_do_no_harm() -> None:
    crossed = Pace(min_delay_s=0.1, max_delay_s=0.2, short_text=100, long_text=10, chunk_size=5)

    assert [crossed.delay_s(length) for length in (1, 10, 50, 100, 200)] == [0.2, 0.1, 0.1, 0.1, 0.1]


def test_a_text_begins_when_the_one_before_has_ended() -> None:
    pacer = Pacer(PACE)
    pacer.put(text("abc"), 0.0)
    pacer.put(text("de"), 0.01)

    assert [round(moment, 2) for moment, _ in run(pacer)] == [0.0, 0.04, 0.08, 0.12, 0.16]


@pytest.mark.parametrize(
    "cluster",
    [FAMILY, FLAG, "é", "각", "👍🏽", "नि", "\r\n", "ก็", "1️⃣", "ﷺ̈̈"],
)
def test_a_character_as_people_see_it_is_never_cut(cluster: str) -> None:
    for count in (3, 60):
        pacer = Pacer(PACE)
        pacer.put(text(cluster * count), 0.0)

        pieces = [text_of([one]) for _, one in run(pacer)]

        assert len(pieces) > 1
        assert all(piece == cluster * (len(piece) // len(cluster)) for piece in pieces)
        assert "".join(pieces) == cluster * count


def test_what_is_not_text_stands_on_the_last_piece() -> None:
    pacer = Pacer(PACE)
    signed = {"text": "ab", "thoughtSignature": "c2ln"}
    whole = event(signed, finish="STOP", usageMetadata={"totalTokenCount": 3}, novelty=1)
    pacer.put(whole, 0.0)

    first, last = pacer.rest()

    assert first == event({"text": "a"})
    assert last == event(
        {"text": "b", "thoughtSignature": "c2ln"},
        finish="STOP",
        usageMetadata={"totalTokenCount": 3},
        novelty=1,
    )


def test_thoughts_and_text_of_one_event_stay_what_they_are() -> None:
    pacer = Pacer(PACE)
    pacer.put(event({"text": "hm", "thought": True}, {"text": "ok"}), 0.0)

    parts = [one["candidates"][0]["content"]["parts"] for one in pacer.rest()]

    assert parts == [
        [{"text": "h", "thought": True}],
        [{"text": "m", "thought": True}],
        [{"text": "o"}],
        [{"text": "k"}],
    ]


CALL = event({"functionCall": {"name": "f", "args": {}}})


@pytest.mark.parametrize(
    "urgent",
    [CALL, event({"text": "a picture:"}, {"inlineData": {"mimeType": "image/png", "data": "AA"}})],
    ids=["call", "picture"],
)
def test_what_is_not_text_leaves_at_once_and_all_before_it_too(urgent: dict[str, Any]) -> None:
    pacer = Pacer(PACE)
    pacer.put(text("Let me look."), 0.0)
    pacer.put(urgent, 0.02)

    left = pacer.due(0.02)

    assert text_of(left[:-1]) == "Let me look."
    assert left[-1] is urgent
    assert not pacer


@pytest.mark.parametrize(
    "last",
    [
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {}},
        {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]},
        event({"text": "", "thoughtSignature": "c2ln"}, finish="STOP"),
        {"usageMetadata": {"totalTokenCount": 3}},
        {"promptFeedback": {"blockReason": "SAFETY"}},
    ],
)
def test_an_end_without_text_leaves_right_after_the_text(last: dict[str, Any]) -> None:
    pacer = Pacer(PACE)
    pacer.put(text("abc"), 0.0)
    pacer.put(last, 0.0)

    left = run(pacer)

    assert left[-1][1] is last
    assert left[-1][0] == pytest.approx(0.12)


def test_no_text_is_later_than_the_bound() -> None:
    slow = Pacer(Pace(min_delay_s=1.0, max_delay_s=1.0, short_text=1, long_text=2, chunk_size=1))
    slow.put(text("a" * 100), 10.0)

    left = run(slow)

    assert text_of([one for _, one in left]) == "a" * 100
    assert left[-1][0] == 10.0 + MOST_LAG_S


def test_what_stands_in_line_is_bounded() -> None:
    pacer = Pacer(Pace(min_delay_s=1.0, max_delay_s=1.0, short_text=1, long_text=2, chunk_size=1))

    pacer.put(text("a" * (MOST_HELD + 1)), 0.0)

    assert len(pacer.due(0.0)) == MOST_HELD + 1


_PARTS = st.one_of(
    st.builds(lambda value: {"text": value}, st.text(max_size=80)),
    st.builds(lambda value: {"text": value, "thought": True}, st.text(max_size=5)),
    st.just({"functionCall": {"name": "f"}}),
    st.just({"text": 5}),
    st.just("no part"),
)
_EVENTS = st.one_of(
    st.builds(lambda parts: event(*parts), st.lists(_PARTS, max_size=3)),
    st.sampled_from([{}, {"candidates": None}, {"candidates": [1]}, {"candidates": [{"content": 5}]}]),
)


@given(st.lists(st.tuples(_EVENTS, st.floats(0, 0.5)), max_size=6), st.integers(1, 9))
def test_nothing_is_lost_and_nothing_passes_anything_else(
    came: list[tuple[dict[str, Any], float]], chunk_size: int
) -> None:
    pacer = Pacer(Pace(0.01, 0.03, 3, 10, chunk_size))
    left: list[dict[str, Any]] = []
    now_s = 0.0
    for one, gap_s in came:
        now_s += gap_s
        left += pacer.due(now_s)
        pacer.put(one, now_s)
    last = run(pacer)
    left += [one for _, one in last]
    moments = [moment for moment, _ in last]

    assert _flat(left) == _flat([one for one, _ in came])
    assert moments == sorted(moments)


@given(st.text(max_size=200), st.integers(1, 9))
def test_pieces_end_where_characters_end(value: str, chunk_size: int) -> None:
    pieces, _ = Pace(0.01, 0.03, 3, 20, chunk_size).cut(value)

    assert "".join(pieces) == value
    assert [cluster for piece in pieces for cluster in regex.findall(r"\X", piece)] == regex.findall(
        r"\X", value
    )


def _flat(events: Sequence[dict[str, Any]]) -> list[Any]:
    """What the events say, with neighbouring texts of one kind joined."""
    said: list[Any] = []
    for one in events:
        candidates = one.get("candidates")
        content = candidates[0].get("content") if candidates and isinstance(candidates[0], dict) else None
        if not isinstance(content, dict):
            said.append(one)
            continue
        for part in content["parts"]:
            plain = isinstance(part, dict) and isinstance(part.get("text"), str)
            if not plain:
                said.append(part)
            elif said and isinstance(said[-1], tuple) and said[-1][0] == part.get("thought"):
                said[-1] = (said[-1][0], said[-1][1] + part["text"])
            elif part["text"]:
                said.append((part.get("thought"), part["text"]))
    return said
