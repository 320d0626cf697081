"""Embeddings through a whole gateway: long lists in batches, each on a key of its own, and one answer."""

import base64
import struct
from typing import Any

import orjson

from tests.fakes import gemini_errors
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, kinds_of, record_of
from tests.integration.running import KEYS, RunningGateway

MODEL = "gemini-embedding-001"


def embed(gateway: RunningGateway, texts: Any, path: str = "/v1/embeddings", **fields: Any) -> Answer:
    return call(gateway, path, orjson.dumps({"model": MODEL, "input": texts, **fields}))


def texts_of(seen: SeenRequest) -> list[str]:
    return [request["content"]["parts"][0]["text"] for request in seen.json["requests"]]


def numbered(seen: SeenRequest) -> dict[str, Any]:
    """Each text's own number as its vector."""
    return {"embeddings": [{"values": [float(text.removeprefix("t"))]} for text in texts_of(seen)]}


def test_a_long_list_is_split_and_put_together_in_order(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(numbered)

    answer = embed(gateway, [f"t{number}" for number in range(250)])

    assert answer.status == 200
    assert sorted(len(texts_of(seen)) for seen in fake_upstream.requests) == [50, 100, 100]
    entries = [(entry["index"], entry["embedding"]) for entry in answer.json["data"]]
    assert entries == [(number, [float(number)]) for number in range(250)]


def test_a_batch_moves_to_another_key(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)

    answer = embed(gateway, "hello")

    assert answer.status == 200
    assert len({seen.key for seen in fake_upstream.requests} & set(KEYS)) == 2
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.model, kinds_of(record)) == ("embeddings", MODEL, ["rate_minute", None])


def test_one_batch_that_fails_fails_the_request(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(
        gemini_errors.invalid_argument("too long"), when=lambda seen: texts_of(seen)[0] == "t100"
    )

    answer = embed(gateway, [f"t{number}" for number in range(150)])

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


def test_an_answer_of_the_wrong_length_is_not_given_away(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply({"embeddings": [{"values": [1.0]}]})

    answer = embed(gateway, ["one", "two"])

    assert answer.status == 502
    assert "vector for each text" in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_base64_is_little_endian_float32(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply({"embeddings": [{"values": [0.5, -1.25]}]})

    answer = embed(gateway, "hello", encoding_format="base64")

    packed = base64.b64decode(answer.json["data"][0]["embedding"])
    assert struct.unpack("<2f", packed) == (0.5, -1.25)


def test_azures_clients_name_the_model_in_the_path(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    path = f"/openai/deployments/{MODEL}/embeddings?api-version=2025-01-01"

    answer = call(gateway, path, orjson.dumps({"input": "hello"}))

    assert answer.status == 200
    assert fake_upstream.requests[0].path == f"/v1beta/models/{MODEL}:batchEmbedContents"


def test_another_method_is_not_taken(gateway: RunningGateway) -> None:
    answer = call(gateway, "/v1/embeddings", None, method="GET")

    assert answer.status == 405
    assert answer.error["code"] == "method_not_allowed"
