"""OpenAI's embeddings → Gemini's batchEmbedContents, and the vectors back.

Pure. Vectors are turned into the bytes of the answer batch by batch, because Python's own floats would take
ten times their room. Called by handlers/openai_embeddings.
"""

import base64
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from gateway.protocols.fields import (
    as_str,
    missing,
    optional_int32,
    optional_str,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.model_names import parse_model, resource_name
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import estimated_tokens, read_usage

MAX_INPUTS = 2048
"""OpenAI's own bound of one request."""
BATCH_INPUTS = 100
"""Gemini's bound of one batch."""
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """A request for embeddings, read.

    model         the bare upstream name
    client_model  as the client wrote it
    dimensions    the length of vectors asked for, None for the model's own
    base64        vectors as base64 of little-endian float32, which OpenAI's SDKs ask for; else as numbers
    """

    model: str
    client_model: str
    texts: tuple[str, ...]
    dimensions: int | None
    base64: bool

    def batches(self) -> Iterator[Sequence[str]]:
        for start in range(0, len(self.texts), BATCH_INPUTS):
            yield self.texts[start : start + BATCH_INPUTS]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of one batch: each vector as it stands in the answer, and the tokens of its texts."""

    vectors: Sequence[bytes]
    tokens: int


def read_embedding_request(body: JsonObject) -> EmbeddingCall:
    """Read a parsed request. Raises BadRequest.

    Source: OpenAI embeddings reference.
    """
    client_model = as_str(body.get("model"), "model")
    encoding = optional_str(body, "encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise wrong_value("encoding_format", "supported values are 'float' and 'base64'.")
    dimensions = optional_int32(body, "dimensions")
    if dimensions is not None and dimensions < 1:
        raise wrong_value("dimensions", "expected a positive integer.")
    return EmbeddingCall(
        model=parse_model(client_model),
        client_model=client_model,
        texts=_texts(body.get("input")),
        dimensions=dimensions,
        base64=encoding == "base64",
    )


def batch_body(call: EmbeddingCall, texts: Sequence[str]) -> bytes:
    """The BatchEmbedContentsRequest for some of a call's texts.

    Each text is a request of its own: gemini-embedding-2 makes one vector of all parts of a content.
    Source: Gemini API, embeddings guide.
    """
    model = resource_name(call.model)
    requests: list[JsonObject] = []
    for text in texts:
        request: JsonObject = {"model": model, "content": {"parts": [{"text": text}]}}
        if call.dimensions is not None:
            request["outputDimensionality"] = call.dimensions
        requests.append(request)
    return orjson.dumps({"requests": requests})


def read_batch(reply: JsonObject, call: EmbeddingCall, texts: Sequence[str]) -> Embedded | None:
    """The vectors of a BatchEmbedContentsResponse; None when it does not hold one for each text.

    Only a model's full vector has length 1 by itself: a shorter one is brought to it.
    """
    embeddings = reply.get("embeddings")
    if not isinstance(embeddings, list) or len(embeddings) != len(texts):
        return None
    vectors: list[bytes] = []
    for embedding in embeddings:
        values = embedding.get("values") if isinstance(embedding, dict) else None
        if not isinstance(values, list) or not values:
            return None
        try:
            vector = values if call.dimensions is None else _normalised(values)
            vectors.append(_base64(vector) if call.base64 else orjson.dumps(vector))
        except (TypeError, struct.error, OverflowError):
            return None
    counted = read_usage(reply.get("usageMetadata")).prompt
    return Embedded(vectors, counted or sum(map(estimated_tokens, texts)))


def embedding_list(call: EmbeddingCall, batches: Sequence[Embedded]) -> bytes:
    """OpenAI's answer."""
    vectors = [vector for batch in batches for vector in batch.vectors]
    entries = [b'{"object":"embedding","index":%d,"embedding":%b}' % entry for entry in enumerate(vectors)]
    tokens = sum(batch.tokens for batch in batches)
    return b'{"object":"list","data":[%b],"model":%b,"usage":{"prompt_tokens":%d,"total_tokens":%d}}' % (
        b",".join(entries),
        orjson.dumps(call.client_model),
        tokens,
        tokens,
    )


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        raise missing("input")
    if isinstance(value, str):
        return (_text(value, "input"),)
    if not isinstance(value, list):
        raise wrong_type("input", "a string or an array of strings", value)
    if not value:
        raise wrong_value("input", "the array is empty.")
    if isinstance(value[0], int | list):
        raise unsupported(
            "input",
            "This gateway takes text, not token ids: Gemini's models have other tokens than OpenAI's. With "
            "LangChain, set check_embedding_ctx_length=False.",
        )
    if len(value) > MAX_INPUTS:
        raise wrong_value("input", f"the array may have at most {MAX_INPUTS} members.")
    return tuple(_text(as_str(item, f"input[{at}]"), f"input[{at}]") for at, item in enumerate(value))


def _text(text: str, param: str) -> str:
    if not text:
        raise wrong_value(param, "the text is empty.")
    return text


def _normalised(values: list[float]) -> list[float]:
    length = math.hypot(*values)
    if length == 0 or abs(length - 1) < _ROUNDING:
        return values
    return [value / length for value in values]


def _base64(values: list[float]) -> bytes:
    return b'"' + base64.b64encode(struct.pack(f"<{len(values)}f", *values)) + b'"'
