"""Pictures through a whole gateway: several calls for one request, files in forms, words for a refusal."""

import base64
from typing import Any, cast

import orjson
import pytest

from gateway.programs.ffmpeg import find_ffmpeg
from gateway.protocols.media import Media
from gateway.services import Services
from gateway.upstream.hosting import Hosting
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.gemini_replies import PNG_BASE64
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, kinds_of, record_of
from tests.integration.conftest import StartGateway
from tests.integration.forms import form, send_form
from tests.integration.running import KEYS, RunningGateway

MODEL = "gemini-3.1-flash-image"
IMAGEN = "imagen-4.0-generate-001"
PNG = base64.b64decode(PNG_BASE64)


def paint(gateway: RunningGateway, path: str = "/v1/images/generations", **fields: Any) -> Answer:
    return call(gateway, path, orjson.dumps({"prompt": "A kitten", **fields}))


def test_a_picture_is_painted_by_the_default_model(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, size="1536x1024")

    assert answer.status == 200
    assert answer.json["data"] == [{"revised_prompt": "A kitten", "b64_json": PNG_BASE64}]
    (seen,) = fake_upstream.requests
    assert seen.path == f"/v1beta/models/{MODEL}:generateContent"
    assert seen.json["generationConfig"]["imageConfig"] == {"aspectRatio": "3:2"}
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.model, record.total_tokens) == ("images", MODEL, 13)


def test_several_are_painted_by_calls_on_several_keys(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, n=3)

    assert len(answer.json["data"]) == 3
    assert {seen.key for seen in fake_upstream.requests} == set(KEYS)
    assert answer.json["usage"]["total_tokens"] == 3 * 13


def test_what_was_painted_is_given_when_another_call_failed(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(MAX_RETRIES="0")
    fake_upstream.error(gemini_errors.internal(), times=1)
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, n=2)

    assert answer.status == 200
    assert len(answer.json["data"]) == 1


def test_a_failure_of_all_is_the_clients_error(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute())

    answer = paint(gateway, n=2)

    assert answer.status == 429
    assert answer.error["code"] == "rate_limit_exceeded"
    assert int(answer.headers["retry-after"]) > 0


def test_words_instead_of_a_picture_are_a_policy_violation(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text("I would rather not."))

    answer = paint(gateway)

    assert answer.status == 400
    assert answer.error["code"] == "content_policy_violation"
    assert "I would rather not." in answer.error["message"]


def test_a_blocked_prompt_is_a_policy_violation(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.blocked_prompt())

    answer = paint(gateway)

    assert (answer.status, answer.error["code"]) == (400, "content_policy_violation")
    assert "PROHIBITED_CONTENT" in answer.error["message"]
    assert len(fake_upstream.requests) == 1


def test_an_empty_answer_is_tried_again(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.empty(), times=1)
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway)

    assert answer.status == 200
    assert kinds_of(record_of(gateway, answer.request_id)) == ["empty", None]


def test_imagen_paints_up_to_four_in_one_call(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    prediction = {"mimeType": "image/png", "bytesBase64Encoded": PNG_BASE64}
    fake_upstream.reply(
        lambda seen: {"predictions": [prediction] * seen.json["parameters"]["sampleCount"]}, verb="predict"
    )

    answer = paint(gateway, model=IMAGEN, n=6)

    assert len(answer.json["data"]) == 6
    counts = sorted(seen.json["parameters"]["sampleCount"] for seen in fake_upstream.requests)
    assert counts == [2, 4]


def test_a_url_is_a_data_url_while_there_is_no_host(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.image())

    (entry,) = paint(gateway, response_format="url").json["data"]

    assert entry["url"] == f"data:image/png;base64,{PNG_BASE64}"
    assert "b64_json" not in entry


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, "url"),
        ({"response_format": "url"}, "url"),
        ({"response_format": "b64_json"}, "b64_json"),
        ({"model": "gpt-image-2"}, "b64_json"),
    ],
)
def test_a_hosted_picture_is_given_by_its_address(
    gateway: RunningGateway, fake_upstream: FakeUpstream, fields: dict[str, Any], kept: str
) -> None:
    fake_upstream.reply(gemini_replies.image())

    async def host(picture: Media) -> str:
        return f"https://pictures.example/{picture.mime_type.partition('/')[2]}"

    assert gateway.services is not None
    gateway.services.host = cast(Hosting, host)

    (entry,) = paint(gateway, **fields).json["data"]

    expected = {"url": "https://pictures.example/png", "b64_json": PNG_BASE64}[kept]
    assert entry == {"revised_prompt": "A kitten", kept: expected}


def test_the_paid_key_paints_alone(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(PAID_KEY="AIza-the-paid-one-000000001")
    fake_upstream.reply(gemini_replies.image(), verb="generateContent")

    paint(gateway, n=2)
    call(gateway, "/v1/models", None, method="GET")

    painted = [seen.key for seen in fake_upstream.requests if seen.verb == "generateContent"]
    assert painted == ["AIza-the-paid-one-000000001"] * 2
    assert fake_upstream.requests[-1].key in KEYS


def test_a_changed_paid_key_acts_at_once(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(PAID_KEY="AIza-the-paid-one-000000001")
    fake_upstream.reply(gemini_replies.image())

    def change(secret: str) -> None:
        def swap(services: Services) -> None:
            services.live.swap(services.live.current.model_copy(update={"paid_key": secret}))

        gateway.on_loop(swap)

    for secret in ("AIza-the-paid-one-000000002", ""):
        change(secret)
        paint(gateway)

    first, second = [seen.key for seen in fake_upstream.requests]
    assert first == "AIza-the-paid-one-000000002"
    assert second in KEYS


def test_a_paid_key_that_is_dead_is_not_replaced_by_the_free_ones(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(PAID_KEY="AIza-the-paid-one-000000001")
    fake_upstream.error(gemini_errors.api_key_invalid())

    answers = [paint(gateway), paint(gateway)]

    assert [answer.status for answer in answers] == [503, 503]
    assert len(fake_upstream.requests) == 1
    assert "paid-one" not in answers[0].body.decode()


def test_a_form_brings_pictures_and_a_mask(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.image())
    body = form(
        ("prompt", "A hat for the 猫"), ("n", "2"), ("size", "auto"), ("model", MODEL),
        ("image[]", PNG), ("image[]", PNG), ("mask", PNG),
    )  # fmt: skip

    answer = send_form(gateway, "/v1/images/edits", body)

    assert answer.status == 200
    assert len(answer.json["data"]) == 2
    parts = fake_upstream.requests[0].json["contents"][0]["parts"]
    assert [part.get("inlineData") for part in parts[:3]] == [
        {"mimeType": "image/png", "data": PNG_BASE64}
    ] * 3
    assert "mask" in parts[3]["text"]
    assert parts[4] == {"text": "A hat for the 猫"}


def test_a_variation_is_an_edit_that_says_little(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = send_form(gateway, "/v1/images/variations", form(("image", PNG)))

    assert answer.status == 200
    assert "variation" in fake_upstream.requests[0].json["contents"][0]["parts"][1]["text"]


def test_pictures_at_addresses_are_fetched(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(REMOTE_MEDIA_ALLOW_PRIVATE="true")
    fake_upstream.reply(PNG, headers={"content-type": "image/png"}, when=lambda seen: seen.path == "/a.png")
    fake_upstream.reply(gemini_replies.image(), verb="generateContent")
    origin = f"http://127.0.0.1:{fake_upstream.port}"

    found = paint(gateway, "/v1/images/edits", images=[{"image_url": f"{origin}/a.png"}])
    missed = paint(gateway, "/v1/images/edits", images=[{"image_url": f"{origin}/none.png"}])

    assert found.status == 200
    part = fake_upstream.requests[1].json["contents"][0]["parts"][0]
    assert part == {"inlineData": {"mimeType": "image/png", "data": PNG_BASE64}}
    assert (missed.status, missed.error["param"]) == (400, "images[0].image_url")
    assert "404" in missed.error["message"]


BROKEN_FORMS = {
    "cut": form(("prompt", "x"), ("image", PNG), end=""),
    "no name": form(("", "x")),
    "no picture": form(("prompt", "x")),
    "not a picture": form(("prompt", "x"), ("image", b"%PDF-1.7 something")),
    "of nothing known": form(("prompt", "x"), ("image", b"\x00\x01\x02")),
    "empty file": form(("prompt", "x"), ("image", b"")),
    "no number": form(("prompt", "x"), ("image", PNG), ("n", "two")),
    "not utf-8": form(("prompt", "x"), ("image", PNG)).replace(b"\r\n\r\nx\r\n", b"\r\n\r\n\xff\xfe\r\n"),
    "many parts": form(*(("prompt", "x") for _ in range(70))),
    "empty": b"",
}


@pytest.mark.parametrize("body", BROKEN_FORMS.values(), ids=BROKEN_FORMS.keys())
def test_a_broken_form_is_the_clients_error(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes
) -> None:
    answer = send_form(gateway, "/v1/images/edits", body)

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"]
    assert fake_upstream.requests == []


def test_a_stream_ends_with_the_picture(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, stream=True, partial_images=2)

    assert answer.headers["content-type"] == "text/event-stream"
    name, data = answer.body.decode().strip().split("\n")
    assert name == "event: image_generation.completed"
    event = orjson.loads(data.removeprefix("data: "))
    assert (event["b64_json"], event["usage"]["total_tokens"]) == (PNG_BASE64, 13)


@pytest.mark.skipif(find_ffmpeg() is None, reason="this machine has no ffmpeg")
@pytest.mark.parametrize(
    ("encoding", "magic"), [("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF"), ("png", b"\x89PNG")]
)
def test_a_picture_is_given_in_the_format_asked_for(
    gateway: RunningGateway, fake_upstream: FakeUpstream, encoding: str, magic: bytes
) -> None:
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, output_format=encoding, output_compression=50)

    assert base64.b64decode(answer.json["data"][0]["b64_json"]).startswith(magic)
    assert answer.json["output_format"] == encoding


def test_a_picture_that_cannot_be_converted_is_given_as_what_it_is(
    gateway: RunningGateway, fake_upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.services is not None
    monkeypatch.setattr(gateway.services.ffmpeg, "_path", "/bin/false")
    fake_upstream.reply(gemini_replies.image())

    answer = paint(gateway, output_format="webp")

    assert answer.json["data"][0]["b64_json"] == PNG_BASE64
    assert answer.json["output_format"] == "png"


def test_a_format_nobody_can_make_is_refused_before_anything_is_painted(
    gateway: RunningGateway, fake_upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.services is not None
    monkeypatch.setattr(gateway.services.ffmpeg, "_path", None)

    answer = paint(gateway, output_format="webp")

    assert (answer.status, answer.error["param"]) == (400, "output_format")
    assert "ffmpeg" in answer.error["message"]
    assert fake_upstream.requests == []


@pytest.mark.parametrize("path", ["generations", "edits", "variations"])
def test_another_method_is_not_taken(gateway: RunningGateway, path: str) -> None:
    assert call(gateway, f"/v1/images/{path}", None, method="GET").status == 405
