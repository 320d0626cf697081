"""OpenAI's client and pictures: addresses it asks about, addresses it is given."""

import base64
from typing import Any

import openai
import pytest

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.sdk.clients import MODEL, openai_client

PNG = b"\x89PNG\r\n\x1a\npicture"


def asking_about(address: str) -> Any:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": address}}]
    return [{"role": "user", "content": parts}]


def test_a_picture_at_an_address_is_seen_by_the_model(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(REMOTE_MEDIA_ALLOW_PRIVATE="true")
    fake_upstream.reply(PNG, headers={"Content-Type": "image/png"}, when=lambda seen: seen.path == "/cat.png")

    with openai_client(gateway) as client:
        messages = asking_about(f"http://127.0.0.1:{fake_upstream.port}/cat.png")
        answer = client.chat.completions.create(model=MODEL, messages=messages)

    assert answer.choices[0].message.content
    inline = fake_upstream.requests[-1].json["contents"][0]["parts"][1]["inlineData"]
    assert inline == {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}


def test_a_picture_that_cannot_be_had_is_a_bad_request_that_names_it(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    messages = asking_about(f"http://127.0.0.1:{fake_upstream.port}/cat.png")

    with openai_client(start_gateway()) as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=messages)

    assert (caught.value.code, caught.value.param) == (
        "invalid_image_url",
        "messages[0].content[1].image_url.url",
    )
    assert "private or reserved" in str(caught.value)
    assert fake_upstream.requests == []


def test_a_painted_picture_is_given_by_its_address(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    here = f"http://127.0.0.1:{fake_upstream.port}"
    fake_upstream.reply(b'[{"src":"/file/1.png"}]', when=lambda seen: seen.path == "/upload")
    fake_upstream.reply(gemini_replies.image())
    gateway = start_gateway(UPLOAD_PROVIDER="cloudflare_imgbed", CLOUDFLARE_IMGBED_URL=f"{here}/upload")

    with openai_client(gateway) as client:
        painted = client.images.generate(prompt="a kitten", response_format="url")

    assert painted.data is not None
    assert painted.data[0].url == f"{here}/file/1.png"
