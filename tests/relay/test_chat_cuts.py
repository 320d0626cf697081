"""The streams of the golden cases, their source cut at every byte: not one byte of the answer changes."""

import functools
from pathlib import Path

import pytest

from gateway.handlers.openai_chat import ChatTranslation
from gateway.relay.plan import Framing, Translation
from tests.protocols.test_golden import cases_with, translated
from tests.relay.clients import plan, serve


def translation_of(case: Path) -> Translation:
    return ChatTranslation(translated(case).context, "chatcmpl-cut", 1_793_000_000)


class WithoutMore:
    """The same translation, asked for each event in the usual way."""

    def __init__(self, translation: Translation) -> None:
        self.whole, self.event, self.end = translation.whole, translation.event, translation.end


def answered(case: Path, *chunks: bytes, has_more: bool = True) -> bytes:
    make = functools.partial(translation_of, case)
    served = serve(plan(Framing.EVENTS, translation=make if has_more else lambda: WithoutMore(make())))
    served.close(served.feed(*chunks))
    return served.client.body


@pytest.mark.parametrize("case", cases_with("upstream.sse"))
def test_a_stream_is_the_same_wherever_its_source_is_cut(case: Path) -> None:
    came = (case / "upstream.sse").read_bytes()
    whole = answered(case, came)

    answers = {answered(case, came[:cut], came[cut:]) for cut in range(len(came) + 1)}
    byte_by_byte = answered(case, *(came[at : at + 1] for at in range(len(came))))

    assert answers == {byte_by_byte} == {whole}


@pytest.mark.parametrize("case", cases_with("upstream.sse"))
def test_more_text_is_told_as_any_other_event(case: Path) -> None:
    came = (case / "upstream.sse").read_bytes()

    assert answered(case, came, has_more=False) == answered(case, came)
