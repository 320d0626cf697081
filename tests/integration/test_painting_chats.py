"""`{CREATE_IMAGE_MODEL}-chat`: a chat model that paints, whichever way its model is asked."""

from typing import cast

import orjson

from gateway.protocols.media import Media
from gateway.upstream.hosting import Hosting
from tests.fakes import gemini_replies
from tests.fakes.gemini_replies import PNG_BASE64
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import call, chat
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

PAINTER = "gemini-3.1-flash-image"
IMAGEN = "imagen-4.0-generate-001"
MARKDOWN = f"![image](data:image/png;base64,{PNG_BASE64})"
PREDICTED = {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": PNG_BASE64}]}


def test_a_gemini_painter_chats_by_itself(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = chat(gateway, model=f"{PAINTER}-chat")

    assert answer.json["model"] == f"{PAINTER}-chat"
    assert MARKDOWN in answer.json["choices"][0]["message"]["content"]
    (seen,) = fake_upstream.requests
    assert seen.model == PAINTER
    assert seen.json["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]


def test_the_paid_key_serves_it(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(PAID_KEY="AIza-the-paid-one-000000001")
    fake_upstream.reply(gemini_replies.image())

    chat(gateway, model=f"{PAINTER}-chat")
    chat(gateway, model=PAINTER)

    painted, chatted = (seen.key for seen in fake_upstream.requests if seen.verb == "generateContent")
    assert painted == "AIza-the-paid-one-000000001"
    assert chatted != painted


def test_imagen_paints_the_last_message(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(CREATE_IMAGE_MODEL=IMAGEN)
    fake_upstream.reply(PREDICTED, verb="predict")
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": [{"type": "text", "text": "A kitten {ratio:16:9}"}]},
    ]

    whole = chat(gateway, model=f"{IMAGEN}-chat", messages=messages)
    streamed = chat(gateway, model=f"{IMAGEN}-chat", messages=messages, stream=True)

    assert whole.json["choices"][0]["message"]["content"] == MARKDOWN
    chunks = [orjson.loads(event) for event in streamed.events[:-1]]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == MARKDOWN
    assert streamed.events[-1] == b"[DONE]"
    sent = fake_upstream.requests[0].json
    assert sent["instances"] == [{"prompt": "A kitten"}]
    assert sent["parameters"]["aspectRatio"] == "16:9"


def test_imagens_pictures_are_hosted_too(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(CREATE_IMAGE_MODEL=IMAGEN)
    fake_upstream.reply(PREDICTED, verb="predict")

    async def host(_: Media) -> str:
        return "https://pictures.example/a.png"

    assert gateway.services is not None
    gateway.services.host = cast(Hosting, host)

    answer = chat(gateway, model=f"{IMAGEN}-chat")

    assert answer.json["choices"][0]["message"]["content"] == "![image](https://pictures.example/a.png)"


def test_imagens_refusal_is_a_policy_violation(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(CREATE_IMAGE_MODEL=IMAGEN)
    fake_upstream.reply({"predictions": [{"raiFilteredReason": "Not this one."}]}, verb="predict")

    answer = chat(gateway, model=f"{IMAGEN}-chat")

    assert (answer.status, answer.error["code"]) == (400, "content_policy_violation")
    assert "Not this one." in answer.error["message"]


def test_the_painter_is_listed_with_its_chat(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.models(PAINTER), verb="list")

    listed = call(gateway, "/v1/models", None, method="GET").json["data"]

    assert [model["id"] for model in listed] == [PAINTER, f"{PAINTER}-chat"]


def test_a_real_model_of_that_name_wins(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.models(PAINTER, f"{PAINTER}-chat"), verb="list")
    call(gateway, "/v1/models", None, method="GET")

    chat(gateway, model=f"{PAINTER}-chat")

    assert fake_upstream.requests[-1].model == f"{PAINTER}-chat"


def test_a_hidden_painter_is_refused(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(FILTERED_MODELS=PAINTER)

    answers = [
        chat(gateway, model=f"{PAINTER}-chat"),
        call(gateway, "/v1/images/generations", orjson.dumps({"prompt": "A kitten"})),
    ]

    assert [answer.status for answer in answers] == [404, 404]
    assert all("FILTERED_MODELS" in answer.error["message"] for answer in answers)
    assert fake_upstream.requests == []
