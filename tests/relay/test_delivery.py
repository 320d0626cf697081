"""Whole answers on their way to a client, and the choice of a delivery."""

import itertools
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import FailureKind
from gateway.relay.delivery import HOLD_BYTES, TRANSLATE_BYTES, RawWhole, TranslatedWhole, open_delivery
from gateway.relay.plan import Framing, Translation
from gateway.relay.raw_array import RawArray
from gateway.relay.raw_stream import RawEvents
from gateway.relay.stream import TranslatedEvents
from tests.fakes import gemini_replies
from tests.relay.clients import chat_translation, plan, serve

RAW = plan(Framing.WHOLE)
CHAT = plan(Framing.WHOLE, translation=chat_translation)
LISTS = plan(Framing.WHOLE, generates=False)
BROKEN = Problem(502, "Google's answer broke off.", "truncated")


@pytest.mark.parametrize(
    ("framing", "translation", "expected"),
    [
        (Framing.WHOLE, None, RawWhole),
        (Framing.WHOLE, chat_translation, TranslatedWhole),
        (Framing.EVENTS, None, RawEvents),
        (Framing.EVENTS, chat_translation, TranslatedEvents),
        (Framing.ARRAY, None, RawArray),
    ],
)
def test_a_plan_names_its_delivery(
    framing: Framing, translation: Callable[[], Translation] | None, expected: type[object]
) -> None:
    assert type(serve(plan(framing, translation=translation)).delivery) is expected
    assert open_delivery is not None


@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_whole_answer_leaves_as_it_came_with_its_length(cuts: list[int]) -> None:
    came = orjson.dumps(gemini_replies.text("wörld"))
    edges = [0, *sorted(min(cut, len(came)) for cut in cuts), len(came)]
    served = serve(RAW)

    served.feed(*(came[a:b] for a, b in itertools.pairwise(edges)))

    assert served.client.writes == []
    assert served.delivery.end() is None
    assert served.client.body == came
    assert served.client.length == len(came)


@pytest.mark.parametrize("the_plan", [RAW, CHAT, LISTS], ids=["raw", "chat", "list"])
@pytest.mark.parametrize("came", [b"", b"<html></html>", b'{"candidates":[', b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_malformed_and_kept_from_the_client(the_plan: Any, came: bytes) -> None:
    served = serve(the_plan)
    served.feed(came)

    failure = served.delivery.end()

    assert failure is not None
    assert failure.kind is FailureKind.MALFORMED
    assert not served.delivery.release()
    assert served.client.status == 0


def test_an_error_inside_a_200_is_that_error() -> None:
    for the_plan in (RAW, CHAT):
        served = serve(the_plan)
        served.feed(orjson.dumps(gemini_replies.stream_error()))

        failure = served.delivery.end()

        assert failure is not None
        assert (failure.kind, failure.status) == (FailureKind.OVERLOADED, 503)


def test_a_long_answer_passes_through_and_is_cut_when_it_breaks() -> None:
    came = orjson.dumps(gemini_replies.text("x" * (2 * HOLD_BYTES)))
    served = serve(RAW)
    served.feed(*(came[at : at + 65536] for at in range(0, len(came) - 65536, 65536)))

    assert served.outlet.committed
    assert came.startswith(served.client.body)
    served.delivery.break_off(BROKEN)

    assert served.client.aborted
    assert not served.client.finished


def test_a_long_answers_usage_is_read_from_its_tail() -> None:
    came = orjson.dumps(gemini_replies.text("x" * (2 * HOLD_BYTES)))
    served = serve(RAW)
    served.feed(*(came[at : at + 65536] for at in range(0, len(came), 65536)))

    assert served.delivery.end() is None
    assert served.client.body == came
    assert served.delivery.signs.usage == gemini_replies.usage()


def test_a_translated_answer_has_its_bound() -> None:
    served = serve(CHAT)

    failure = served.feed(*[b"x" * (16 * 1024 * 1024)] * (TRANSLATE_BYTES // (16 * 1024 * 1024) + 1))

    assert failure is not None
    assert failure.kind is FailureKind.MALFORMED
