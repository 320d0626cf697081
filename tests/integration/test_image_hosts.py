"""Generated pictures on an image host: replies name addresses; a host that fails costs nothing."""

import base64
from typing import Any

import orjson
import pytest

from tests.fakes import gemini_replies
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, chat, eventually, native
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

PICTURE = base64.b64encode(b"a picture").decode()
PART = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
DATA_URL = f"data:image/png;base64,{PICTURE}"
PAINTED = gemini_replies.response([{"text": "Here: "}, PART])


def is_upload(seen: SeenRequest) -> bool:
    return seen.path == "/upload"


def hosted(start_gateway: StartGateway, fake_upstream: FakeUpstream, **settings: str) -> RunningGateway:
    """A gateway whose image host is played by the fake upstream."""
    return start_gateway(
        UPLOAD_PROVIDER="cloudflare_imgbed",
        CLOUDFLARE_IMGBED_URL=f"http://127.0.0.1:{fake_upstream.port}/upload",
        CLOUDFLARE_IMGBED_AUTH_CODE="code-of-the-host",
        **settings,
    )


def text_of(answer: Answer) -> str:
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return str(answer.json["choices"][0]["message"]["content"])
    events = [orjson.loads(event) for event in answer.events if event != b"[DONE]"]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def metrics_of(gateway: RunningGateway) -> str:
    answer = call(gateway, "/metrics", None, method="GET", headers={"authorization": "Bearer sk-test-admin"})
    return answer.body.decode()


SHAPES: dict[str, dict[str, str]] = {
    "plain": {},
    "fake": {"FAKE_STREAM_ENABLED": "true"},
    "paced": {"STREAM_OPTIMIZER_ENABLED": "true"},
}


@pytest.mark.parametrize("settings", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_chat_reply_names_the_pictures_address(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, stream: bool, settings: dict[str, str]
) -> None:
    fake_upstream.reply(b'[{"src":"/file/1.png"}]', when=is_upload)
    fake_upstream.stream([PAINTED], verb="streamGenerateContent")
    fake_upstream.reply(PAINTED)
    gateway = hosted(start_gateway, fake_upstream, **settings)

    answer = chat(gateway, stream=stream)

    assert text_of(answer) == f"Here: ![image](http://127.0.0.1:{fake_upstream.port}/file/1.png)"
    (upload,) = [seen for seen in fake_upstream.requests if is_upload(seen)]
    assert b"a picture" in upload.body
    assert "authCode=code-of-the-host" in upload.query
    assert 'gateway_pictures_total{outcome="stored"} 1.0' in metrics_of(gateway)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["refuses", "drops"])
def test_a_host_that_fails_leaves_the_picture_inside(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, stream: bool, fault: str
) -> None:
    if fault == "refuses":
        fake_upstream.reply({"message": "unauthorized"}, status=401, when=is_upload)
    else:
        fake_upstream.drop(when=is_upload)
    fake_upstream.stream([PAINTED], verb="streamGenerateContent")
    fake_upstream.reply(PAINTED)

    answer = chat(hosted(start_gateway, fake_upstream), stream=stream)

    assert (answer.status, text_of(answer)) == (200, f"Here: ![image]({DATA_URL})")


def test_without_a_host_nothing_is_uploaded(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(PAINTED)

    answer = chat(start_gateway(UPLOAD_PROVIDER="smms"))

    assert text_of(answer) == f"Here: ![image]({DATA_URL})"
    assert len(fake_upstream.requests) == 1


def test_native_callers_get_what_google_made(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(orjson.dumps(PAINTED))

    answer = native(hosted(start_gateway, fake_upstream))

    assert answer.json == PAINTED
    assert len(fake_upstream.requests) == 1


@pytest.mark.parametrize(
    ("works", "wanted"),
    [(True, "http://127.0.0.1:{port}/file/1.png"), (False, DATA_URL)],
    ids=["works", "fails"],
)
def test_an_image_call_gives_the_address(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, works: bool, wanted: str
) -> None:
    if works:
        fake_upstream.reply(b'[{"src":"/file/1.png"}]', when=is_upload)
    else:
        fake_upstream.drop(when=is_upload)
    fake_upstream.reply(PAINTED)
    body = orjson.dumps({"prompt": "a cat", "response_format": "url"})

    answer = call(hosted(start_gateway, fake_upstream), "/v1/images/generations", body)

    assert answer.json["data"][0]["url"] == wanted.format(port=fake_upstream.port)


def test_a_bucket_is_asked_with_a_signature(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(b"", when=lambda seen: seen.method == "PUT")
    fake_upstream.reply(PAINTED)
    gateway = start_gateway(
        UPLOAD_PROVIDER="aliyun_oss",
        OSS_ENDPOINT=f"http://127.0.0.1:{fake_upstream.port}",
        OSS_BUCKET_NAME="pics",
        OSS_ACCESS_KEY="ak",
        OSS_ACCESS_KEY_SECRET="sk",
        OSS_REGION="cn-hangzhou",
    )

    text = text_of(chat(gateway))

    (upload,) = [seen for seen in fake_upstream.requests if seen.method == "PUT"]
    assert upload.headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=ak/")
    assert upload.body == b"a picture"
    assert text == f"Here: ![image](http://127.0.0.1:{fake_upstream.port}{upload.path})"


def test_a_host_set_up_later_is_used_from_then_on(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(b'[{"src":"/file/1.png"}]', when=is_upload)
    fake_upstream.reply(PAINTED)
    assert DATA_URL in text_of(chat(gateway))

    update: dict[str, Any] = {
        "upload_provider": "cloudflare_imgbed",
        "cloudflare_imgbed_url": f"http://127.0.0.1:{fake_upstream.port}/upload",
    }
    gateway.on_loop(lambda now: now.live.swap(now.live.current.model_copy(update=update)))

    assert "/file/1.png" in text_of(chat(gateway))
    eventually(lambda: "gateway_pictures_total" in metrics_of(gateway))


def test_a_model_that_paints_sees_its_own_pictures_again(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(
        b"a picture", headers={"Content-Type": "image/png"}, when=lambda seen: seen.path == "/1.png"
    )
    gateway = hosted(start_gateway, fake_upstream, REMOTE_MEDIA_ALLOW_PRIVATE="true")
    here = f"http://127.0.0.1:{fake_upstream.port}"
    messages = [
        {"role": "user", "content": "a cat"},
        {"role": "assistant", "content": f"![image]({here}/1.png)![image]({here}/gone/2.png)"},
        {"role": "user", "content": "in blue"},
    ]

    for model in ("gemini-3.1-flash-image", "gemini-3.5-flash"):
        assert chat(gateway, model=model, messages=messages).status == 200

    painter, other = [
        seen.json["contents"][1]["parts"] for seen in fake_upstream.requests if seen.method == "POST"
    ]
    assert painter == [PART, {"text": f"![image]({here}/gone/2.png)"}]
    assert other == [{"text": messages[1]["content"]}]
