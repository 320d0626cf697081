"""Pictures as OpenAI's SDK asks for them, over the strict simulator."""

import base64
import io

import openai
import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import async_openai_client

PAINTER = "gemini-3.1-flash-image"
IMAGEN = "imagen-4.0-generate-001"
PNG_START = b"\x89PNG"


def picture(client: openai.OpenAI) -> bytes:
    painted = client.images.generate(prompt="A kitten")
    assert painted.data
    return base64.b64decode(painted.data[0].b64_json or "")


@pytest.mark.parametrize("model", [PAINTER, "gemini-2.5-flash-image", IMAGEN, "gpt-image-2", "dall-e-3"])
def test_every_kind_of_model_paints(openai_sdk: openai.OpenAI, model: str) -> None:
    painted = openai_sdk.images.generate(model=model, prompt="A kitten", size="1024x1536", quality="hd", n=2)

    assert painted.data
    pictures = [base64.b64decode(each.b64_json or "") for each in painted.data]
    assert len(pictures) == 2
    assert all(each.startswith(PNG_START) for each in pictures)
    assert painted.output_format == "png"
    if model != IMAGEN:
        assert painted.usage
        assert painted.usage.output_tokens_details
        assert painted.usage.output_tokens_details.image_tokens > 0


def test_a_url_can_be_opened(openai_sdk: openai.OpenAI) -> None:
    painted = openai_sdk.images.generate(prompt="A kitten", response_format="url")

    assert painted.data
    assert (painted.data[0].url or "").startswith("data:image/png;base64,")


def test_one_picture_and_several_are_changed(openai_sdk: openai.OpenAI) -> None:
    kitten = picture(openai_sdk)

    one = openai_sdk.images.edit(image=io.BytesIO(kitten), prompt="A hat", size="1536x1024")
    several = openai_sdk.images.edit(
        model=PAINTER,
        image=[("a.png", kitten, "image/png"), ("b.png", kitten)],
        mask=("mask.png", kitten),
        prompt="A hat",
        n=2,
    )

    assert one.data
    assert base64.b64decode(one.data[0].b64_json or "").startswith(PNG_START)
    assert len(several.data or []) == 2


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's word on its own method
def test_variations_are_made(openai_sdk: openai.OpenAI) -> None:
    varied = openai_sdk.images.create_variation(image=("a.png", picture(openai_sdk)), n=1)

    assert varied.data
    assert varied.data[0].b64_json


async def test_streams_give_events_the_sdk_knows(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        painted = await client.images.generate(prompt="A kitten", stream=True, partial_images=1)
        events = [event async for event in painted]
        changed = await client.images.edit(
            image=("a.png", base64.b64decode(events[-1].b64_json)), prompt="A hat", stream=True
        )
        edits = [event async for event in changed]

    assert [event.type for event in events] == ["image_generation.completed"]
    assert [event.type for event in edits] == ["image_edit.completed"]
    assert base64.b64decode(edits[0].b64_json).startswith(PNG_START)


@pytest.mark.parametrize("model", [PAINTER, IMAGEN])
def test_a_refusal_tells_the_models_words(openai_sdk: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        openai_sdk.images.generate(model=model, prompt="Please refuse this")

    assert caught.value.code == "content_policy_violation"
    assert "simulated" in caught.value.message


def test_imagen_cannot_change_pictures(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot change pictures"):
        openai_sdk.images.edit(model=IMAGEN, image=("a.png", picture(openai_sdk)), prompt="A hat")
