"""Pictures and files that a chat request names by address: fetched for the model, or refused clearly."""

import base64
from typing import Any

import pytest

from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, Answer, assert_untouched, chat, chat_body, connected
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 10


def asks_for(name: str) -> Any:
    return lambda seen: seen.method == "GET" and seen.path == name


def stands_at(fake_upstream: FakeUpstream, name: str, body: bytes = PNG, **more: Any) -> str:
    """Put something on the fake upstream, which plays the picture's server here; gives its address."""
    fake_upstream.reply(
        body, headers={"Content-Type": more.pop("kind", "image/png")}, when=asks_for(name), **more
    )
    return f"http://127.0.0.1:{fake_upstream.port}{name}"


def picture(address: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": address}}


def ask(gateway: RunningGateway, *parts: dict[str, Any], **fields: Any) -> Answer:
    question = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}
    return chat(gateway, messages=[{"role": "system", "content": "Look."}, question], **fields)


def calls(fake_upstream: FakeUpstream) -> list[SeenRequest]:
    return [seen for seen in fake_upstream.requests if seen.method == "POST"]


@pytest.fixture
def at_home(start_gateway: StartGateway) -> RunningGateway:
    """A gateway that may fetch from this machine, where the tests' servers are."""
    return start_gateway(REMOTE_MEDIA_ALLOW_PRIVATE="true", REMOTE_MEDIA_MAX_MB="1")


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_at_an_address_is_fetched_for_the_model(
    at_home: RunningGateway, fake_upstream: FakeUpstream, stream: bool
) -> None:
    address = stands_at(fake_upstream, "/cat", kind="binary/octet-stream")

    answer = ask(at_home, picture(address), stream=stream)

    assert answer.status == 200
    parts = calls(fake_upstream)[0].json["contents"][0]["parts"]
    inline = {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}
    assert parts == [{"text": "What is it?"}, {"inlineData": inline}]


def test_an_address_that_stands_twice_is_fetched_once(
    at_home: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    address = stands_at(fake_upstream, "/cat")

    assert ask(at_home, picture(address), picture(address)).status == 200

    assert len(calls(fake_upstream)[0].json["contents"][0]["parts"]) == 3
    assert len(fake_upstream.requests) == 2


def test_a_document_at_an_address_is_read_as_text(
    at_home: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    address = stands_at(fake_upstream, "/notes.json", b'{"a": 1}', kind="application/json; charset=utf-8")

    assert ask(at_home, {"type": "file", "file": {"file_url": address}}).status == 200

    inline = calls(fake_upstream)[0].json["contents"][0]["parts"][1]["inlineData"]
    assert inline == {"mimeType": "text/plain", "data": base64.b64encode(b'{"a": 1}').decode()}


def test_what_gemini_reads_itself_is_not_fetched(
    at_home: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    address = "https://www.youtube.com/watch?v=abc"

    assert ask(at_home, {"type": "video_url", "video_url": {"url": address}}).status == 200

    assert len(fake_upstream.requests) == 1
    assert fake_upstream.requests[0].json["contents"][0]["parts"][1] == {"fileData": {"fileUri": address}}


@pytest.mark.parametrize(
    ("body", "more", "why"),
    [
        (b"gone", {"status": 404}, "its server answered 404"),
        (b"<html>", {"kind": "text/html"}, "what stands there is text/html"),
        (PNG * 20_000, {}, "it is larger than what may be fetched for one request"),
        (b"", {}, "there is nothing at it"),
    ],
    ids=["missing", "page", "large", "empty"],
)
def test_a_picture_that_cannot_be_had_is_the_requests_fault_and_named(
    at_home: RunningGateway, fake_upstream: FakeUpstream, body: bytes, more: dict[str, Any], why: str
) -> None:
    good = stands_at(fake_upstream, "/good")
    bad = stands_at(fake_upstream, "/bad", body, **more)

    answer = ask(at_home, picture(good), picture(bad))

    at = "messages[1].content[2].image_url.url"
    assert answer.status == 400
    assert answer.error == {
        "message": f"The media of '{at}' could not be fetched: {why}.",
        "type": "invalid_request_error",
        "param": at,
        "code": "invalid_image_url",
    }
    assert calls(fake_upstream) == []
    assert_untouched(at_home)


def test_addresses_of_this_machine_are_never_called(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    address = stands_at(fake_upstream, "/secret")
    named = address.replace("127.0.0.1", "localhost")

    answers = [ask(gateway, picture(one)) for one in (address, named, gateway.url + "/metrics")]

    assert [answer.status for answer in answers] == [400] * 3
    assert all("private or reserved" in answer.error["message"] for answer in answers)
    assert fake_upstream.requests == []


def test_a_kept_connection_to_the_upstream_is_no_way_in(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    address = stands_at(fake_upstream, "/secret")

    assert chat(gateway).status == 200
    assert ask(gateway, picture(address)).status == 400

    assert [seen.method for seen in fake_upstream.requests] == ["POST"]


def test_a_picture_that_takes_too_long_is_given_up(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(REMOTE_MEDIA_ALLOW_PRIVATE="true", REMOTE_MEDIA_TIMEOUT_SECONDS="1")
    fake_upstream.hang(when=asks_for("/slow"))

    answer = ask(gateway, picture(f"http://127.0.0.1:{fake_upstream.port}/slow"))

    assert answer.status == 400
    assert "not enough time" in answer.error["message"]


def test_a_call_gets_no_longer_for_what_it_fetches(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(REMOTE_MEDIA_ALLOW_PRIVATE="true", TIME_OUT="1.2")
    address = stands_at(fake_upstream, "/slow", delay_s=0.9)
    fake_upstream.reply({}, delay_s=0.8)

    answer = ask(gateway, picture(address))

    assert answer.status == 504


def test_a_client_that_leaves_ends_the_fetching(at_home: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.hang(when=asks_for("/slow"))
    parts = [picture(f"http://127.0.0.1:{fake_upstream.port}/slow")]
    body = chat_body(messages=[{"role": "user", "content": parts}])

    with connected(at_home) as connection:
        headers = {"content-type": "application/json", **BEARER}
        connection.request("POST", "/v1/chat/completions", body, headers)
        (fetching,) = fake_upstream.wait_for(1)

    assert fake_upstream.connection_closed_after(fetching) is not None


def test_fetching_can_be_switched_off(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(REMOTE_MEDIA_MAX_MB="0", REMOTE_MEDIA_ALLOW_PRIVATE="true")

    answer = ask(gateway, picture(stands_at(fake_upstream, "/cat")))

    assert (answer.status, answer.error["code"]) == (400, "unsupported_value")
    assert fake_upstream.requests == []


def test_pictures_go_through_the_proxies_too(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    proxy = f"http://127.0.0.1:{fake_upstream.port}"  # it is sent whole URLs, as a proxy is
    gateway = start_gateway(PROXIES=proxy, REMOTE_MEDIA_ALLOW_PRIVATE="true")
    stands_at(fake_upstream, "/cat.png")

    assert ask(gateway, picture("http://pictures.invalid/cat.png")).status == 200

    assert fake_upstream.requests[0].headers["host"] == "pictures.invalid"
