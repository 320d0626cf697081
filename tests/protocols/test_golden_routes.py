"""The golden cases of the OpenAI routes beside chat: tests/golden/openai_<route>/<case>, no code for a case.

request.json           the client's body (always)
upstream_request.json  what is sent, or
error.json             what the client is told instead (param, code and a piece of the message)
upstream.json          the upstream's reply → response.json
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest
from gateway.protocols import (
    embeddings,
    image_answers,
    image_bodies,
    image_requests,
    openai_completions,
    speech,
    transcriptions,
)
from gateway.protocols.context import ChatOptions
from gateway.protocols.media import Media
from gateway.protocols.openai_request import encode_body

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True, slots=True)
class Route:
    """A route's translation.

    sent     a request's body → what goes upstream
    answer   a request's body and the upstream's reply → what the client gets
    """

    sent: Callable[[Any], Any]
    answer: Callable[[Any, Any], Any]


def embeddings_sent(request: Any) -> Any:
    call = embeddings.read_embedding_request(request)
    bodies = [orjson.loads(embeddings.batch_body(call, texts)) for texts in call.batches()]
    return {"model": call.model, "bodies": bodies}


def embeddings_answer(request: Any, reply: Any) -> Any:
    call = embeddings.read_embedding_request(request)
    (texts,) = call.batches()
    batch = embeddings.read_batch(reply, call, texts)
    assert batch is not None
    return orjson.loads(embeddings.embedding_list(call, [batch]))


PAINTER = "gemini-3.1-flash-image"


def image_call(request: Any) -> image_requests.ImageCall:
    is_edit = any(name in request for name in ("image", "images"))
    read = image_requests.read_edit if is_edit else image_requests.read_generation
    return read(request, default_model=PAINTER)


def images_sent(request: Any) -> Any:
    call = image_call(request)
    if image_bodies.is_imagen(call.model):
        body = image_bodies.prediction_body(call, call.count)
    else:
        body = image_bodies.generation_body(call)
    return {"model": call.model, "count": call.count, "body": orjson.loads(body)}


def images_answer(request: Any, reply: Any) -> Any:
    call = image_call(request)
    is_imagen = image_bodies.is_imagen(call.model)
    painted = [image_answers.read_predicted(reply) if is_imagen else image_answers.read_generated(reply)]
    if not painted[0].pictures:
        refused = image_answers.no_picture(painted)
        return {"code": refused.code, "message": refused.message}
    shown = [image_answers.Shown(picture) for picture in painted[0].pictures]
    return orjson.loads(image_answers.image_list(call, shown, painted, created_s=1_790_000_000))


def completion_calls(request: Any) -> Any:
    options = ChatOptions(show_thoughts=True, new_id=lambda: "new")
    return openai_completions.read_completion(request, options=options, known=())


def completions_sent(request: Any) -> Any:
    return [
        {"model": call.chat.model, "body": orjson.loads(encode_body(call.chat.body))}
        for call in completion_calls(request)
    ]


def completions_answer(request: Any, replies: Any) -> Any:
    writer = openai_completions.CompletionWriter(
        completion_calls(request), completion_id="cmpl-golden", created_s=1_790_000_000
    )
    return orjson.loads(writer.whole(replies))


def speech_sent(request: Any) -> Any:
    defaults = speech.SpeechDefaults("gemini-2.5-flash-preview-tts", "Zephyr", request.pop("pace", "normal"))
    call = speech.read_speech(request, defaults)
    body = orjson.loads(speech.speech_body(call))
    return {"model": call.model, "encoding": call.encoding, "events": call.events, "body": body}


def speech_answer(request: Any, reply: Any) -> Any:
    """A stream of events, from a reply that came in one piece."""
    stream = speech.SpeechStream(events=request.get("stream_format") == "sse")
    return (stream.event(reply) + stream.end()).decode("latin-1")


def transcription_call(request: Any) -> transcriptions.TranscriptionCall:
    task = transcriptions.Task(request.pop("task", "transcribe"))
    sound = Media("audio/mp3", "SUQz")
    return transcriptions.read_transcription(request, sound, task, default_model="gemini-3.5-flash")


def transcriptions_sent(request: Any) -> Any:
    call = transcription_call(request)
    body = orjson.loads(transcriptions.transcription_body(call))
    return {"model": call.model, "stream": call.stream, "body": body}


def transcriptions_answer(request: Any, reply: Any) -> Any:
    call = transcription_call(request)
    if call.stream:
        stream = transcriptions.TranscriptStream()
        return (stream.event(reply) + stream.end()).decode()
    answer = transcriptions.written(call, transcriptions.read_heard(call, reply))
    is_json = answer is not None and call.form in ("json", "verbose_json")
    return orjson.loads(answer) if is_json and answer else None if answer is None else answer.decode()


ROUTES = {
    "openai_speech": Route(speech_sent, speech_answer),
    "openai_transcriptions": Route(transcriptions_sent, transcriptions_answer),
    "openai_completions": Route(completions_sent, completions_answer),
    "openai_embeddings": Route(embeddings_sent, embeddings_answer),
    "openai_images": Route(images_sent, images_answer),
}


def cases_with(name: str) -> list[Any]:
    return [
        pytest.param(ROUTES[route], found.parent, id=f"{route}-{found.parent.name}")
        for route in ROUTES
        for found in sorted((GOLDEN / route).glob(f"*/{name}"))
    ]


def read(case: Path, name: str) -> Any:
    return orjson.loads((case / name).read_bytes())


@pytest.mark.parametrize(("route", "case"), cases_with("upstream_request.json"))
def test_a_request_becomes_what_the_case_says(route: Route, case: Path) -> None:
    assert route.sent(read(case, "request.json")) == read(case, "upstream_request.json")


@pytest.mark.parametrize(("route", "case"), cases_with("error.json"))
def test_a_request_is_refused_as_the_case_says(route: Route, case: Path) -> None:
    expected = read(case, "error.json")

    with pytest.raises(BadRequest) as refused:
        route.sent(read(case, "request.json"))

    told = (refused.value.param, refused.value.code, refused.value.status)
    assert told == (expected["param"], expected["code"], expected.get("status", 400))
    assert expected["message"] in refused.value.message


@pytest.mark.parametrize(("route", "case"), cases_with("upstream.json"))
def test_a_reply_becomes_what_the_case_says(route: Route, case: Path) -> None:
    answer = route.answer(read(case, "request.json"), read(case, "upstream.json"))

    assert answer == read(case, "response.json")


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_case_is_checked(route: str) -> None:
    outcomes = {"upstream_request.json", "error.json", "response.json"}
    folders = [folder for folder in (GOLDEN / route).iterdir() if folder.is_dir()]

    assert folders
    assert [each.name for each in folders if not outcomes & {file.name for file in each.iterdir()}] == []
