"""Vectors of the simulated embedding models: any text has its own, of length 1.

Pure. Texts alike have vectors that are not: a hash knows no meaning.
"""

import hashlib
import math
import struct
from typing import Any

from gateway.simulator import field_names
from gateway.simulator.field_names import known_fields, list_of, refuse, refuse_value
from gateway.simulator.turns import read_turn
from gateway.simulator.world import SimulatedModel

_MAX_BATCH = 100


def embed_one(body: object, model: SimulatedModel) -> dict[str, Any]:
    """Answer an EmbedContentRequest."""
    return {"embedding": {"values": _values(known_fields(body, field_names.EMBED), model)}}


def embed_batch(body: object, model: SimulatedModel) -> dict[str, Any]:
    """Answer a BatchEmbedContentsRequest; each request in it must name the model of the path."""
    fields = known_fields(body, field_names.BATCH_EMBED)
    requests = list_of(fields.get("requests"), "requests")
    if not requests:
        refuse("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    if len(requests) > _MAX_BATCH:
        refuse("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n")
    embeddings = []
    size_chars = 0
    for index, value in enumerate(requests):
        request = known_fields(value, field_names.EMBED, f"requests[{index}]")
        if request.get("model") != f"models/{model.id}":
            refuse(f"* BatchEmbedContentsRequest.requests[{index}].model: unexpected model name format\n")
        embeddings.append({"values": _values(request, model)})
        size_chars += len(str(request["content"]))
    tokens = size_chars // 4 + 1
    return {
        "embeddings": embeddings,
        "usageMetadata": {
            "promptTokenCount": tokens,
            "promptTokenDetails": [{"modality": "TEXT", "tokenCount": tokens}],
        },
    }


def _values(request: dict[str, Any], model: SimulatedModel) -> list[float]:
    if "content" not in request:
        refuse("* EmbedContentRequest.content: contents is not specified\n")
    text = read_turn(request["content"], "content").text
    if not text:
        refuse("* EmbedContentRequest.content: content is empty\n")
    dimensions = request.get("outputDimensionality") or model.dimensions
    if not isinstance(dimensions, int) or isinstance(dimensions, bool):
        refuse_value(dimensions, "output_dimensionality", "TYPE_INT32")
    if not 1 <= dimensions <= model.dimensions:
        refuse(
            f"* EmbedContentRequest.output_dimensionality: must be in the range [1, {model.dimensions}].\n"
        )
    digest = hashlib.shake_256(f"{model.id}\n{text}".encode()).digest(model.dimensions * 2)
    vector = struct.unpack(f"<{model.dimensions}h", digest)
    # As Google's: only the full vector has length 1, a shorter one is cut from it.
    length = math.sqrt(sum(value * value for value in vector))
    return [round(value / length, 9) for value in vector[:dimensions]]
