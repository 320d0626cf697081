"""The golden cases of the translations: add a folder under tests/golden/openai, write no code.

request.json           the client's body (always)
options.json           the operator's choices that differ from the usual ones: `models` and `defaults` as in
                       choices.py, `known` for the upstream's list of names
attachments.json       what was found for addresses ("fetched" and "shown": [mime type, text], "missed": why)
                       and for file ids ("files")
upstream_request.json  the model asked and the body sent, or
error.json             what the client is told instead (param, code and a piece of the message)
upstream.json          a whole reply → response.json
upstream.sse           a stream → response.sse
"""

import itertools
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.genai import types

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.openai_stream import ChatStream
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments, FetchedMedia, StoredFile
from tests.protocols.choices import call_defaults, model_choices

CASES = Path(__file__).parents[1] / "golden" / "openai"
COMPLETION_ID = "chatcmpl-golden"
CREATED_S = 1_790_000_000


def cases_with(name: str) -> list[Any]:
    return [pytest.param(found.parent, id=found.parent.name) for found in sorted(CASES.glob(f"*/{name}"))]


def read(case: Path, name: str) -> Any:
    return orjson.loads((case / name).read_bytes())


def translated(case: Path) -> ChatCall:
    numbers = itertools.count(1)
    chosen: dict[str, Any] = {"show_thoughts": False}
    if (case / "options.json").exists():
        chosen |= read(case, "options.json")
    known = frozenset(chosen.pop("known", ()))
    options = ChatOptions(
        new_id=lambda: f"new{next(numbers)}",
        models=model_choices(chosen.pop("models", {})),
        defaults=call_defaults(chosen.pop("defaults", {})),
        **chosen,
    )
    return translate_chat(
        read(case, "request.json"), options=options, known=known, attachments=attachments(case)
    )


def attachments(case: Path) -> Attachments:
    if not (case / "attachments.json").exists():
        return NO_ATTACHMENTS
    found = read(case, "attachments.json")
    return Attachments(
        fetched={
            url: FetchedMedia(kind, content.encode("latin-1"))
            for url, (kind, content) in found.get("fetched", {}).items()
        },
        missed=found.get("missed", {}),
        shown={
            url: FetchedMedia(kind, content.encode("latin-1"))
            for url, (kind, content) in found.get("shown", {}).items()
        },
        files={name: StoredFile(*place) for name, place in found.get("files", {}).items()},
    )


def stream_of(case: Path) -> bytes:
    stream = ChatStream(translated(case).context, completion_id=COMPLETION_ID, created_s=CREATED_S)
    blocks = (case / "upstream.sse").read_text(encoding="utf-8").split("\n\n")
    events = [orjson.loads(block.removeprefix("data: ")) for block in blocks if block.strip()]
    return b"".join(stream.event(event) for event in events) + stream.end()


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_a_request_becomes_what_the_case_says(case: Path) -> None:
    call = translated(case)

    sent = orjson.loads(encode_body(call.body))
    assert {"model": call.model, "body": sent} == read(case, "upstream_request.json")


@pytest.mark.parametrize("case", cases_with("error.json"))
def test_a_request_is_refused_as_the_case_says(case: Path) -> None:
    expected = read(case, "error.json")

    with pytest.raises(BadRequest) as refused:
        translated(case)

    assert (refused.value.param, refused.value.code, refused.value.status) == (
        expected["param"],
        expected["code"],
        expected.get("status", 400),
    )
    assert expected["message"] in refused.value.message


@pytest.mark.parametrize("case", cases_with("upstream.json"))
def test_a_reply_becomes_what_the_case_says(case: Path) -> None:
    reply = translate_reply(
        read(case, "upstream.json"),
        translated(case).context,
        completion_id=COMPLETION_ID,
        created_s=CREATED_S,
    )

    assert orjson.loads(orjson.dumps(reply)) == read(case, "response.json")


@pytest.mark.parametrize("case", cases_with("upstream.sse"))
def test_a_stream_becomes_what_the_case_says(case: Path) -> None:
    assert stream_of(case).decode() == (case / "response.sse").read_text(encoding="utf-8")


def test_every_case_is_checked() -> None:
    outcomes = {"upstream_request.json", "error.json", "response.json", "response.sse"}
    folders = [folder for folder in CASES.iterdir() if folder.is_dir()]

    assert len(folders) > 50
    assert [
        folder.name for folder in folders if not outcomes & {file.name for file in folder.iterdir()}
    ] == []


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_what_is_sent_has_the_fields_that_googles_sdk_knows(case: Path) -> None:
    sent = read(case, "upstream_request.json")["body"]

    for content in sent["contents"]:
        types.Content.model_validate(content)
    types.Content.model_validate(sent.get("systemInstruction", {}))
    config = sent.get("generationConfig", {})
    types.ImageConfig.model_validate(config.pop("imageConfig", {}))  # the SDK knows it elsewhere
    types.GenerationConfig.model_validate(config)
    types.ToolConfig.model_validate(sent.get("toolConfig", {}))
    for tool in sent.get("tools", []):
        types.Tool.model_validate(tool)
