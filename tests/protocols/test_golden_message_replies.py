"""The golden cases of answers as Messages: add a folder under tests/golden/message_replies, write no code.

options.json    what `messages.translation` is given, if anything
upstream.json   a whole reply → message.json
upstream.sse    a stream → message.sse
"""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.protocols.anthropic_stream import MessagesTranslation
from tests.protocols.messages import accumulated, check_stream, read, translation, whole

CASES = Path(__file__).parents[1] / "golden" / "message_replies"


def cases_with(name: str) -> list[Any]:
    return [pytest.param(found.parent, id=found.parent.name) for found in sorted(CASES.glob(f"*/{name}"))]


def translation_of(case: Path) -> MessagesTranslation:
    options = case / "options.json"
    return translation(**(orjson.loads(options.read_bytes()) if options.exists() else {}))


def stream_of(case: Path) -> bytes:
    translated = translation_of(case)
    blocks = (case / "upstream.sse").read_bytes().split(b"\n\n")
    events = [orjson.loads(block.removeprefix(b"data: ")) for block in blocks if block.strip()]
    return b"".join(map(translated.event, events)) + translated.end()


@pytest.mark.parametrize("case", cases_with("upstream.json"))
def test_a_reply_becomes_what_the_case_says(case: Path) -> None:
    message = whole(translation_of(case), orjson.loads((case / "upstream.json").read_bytes()))

    assert message == orjson.loads((case / "message.json").read_bytes())


@pytest.mark.parametrize("case", cases_with("upstream.sse"))
def test_a_stream_becomes_what_the_case_says(case: Path) -> None:
    sent = stream_of(case)

    assert sent.decode() == (case / "message.sse").read_text(encoding="utf-8")
    check_stream(read(sent))
    accumulated(read(sent))


def test_every_case_is_checked() -> None:
    folders = [folder for folder in CASES.iterdir() if folder.is_dir()]

    assert len(folders) > 5
    assert all({"message.json", "message.sse"} & {file.name for file in each.iterdir()} for each in folders)
