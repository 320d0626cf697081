"""The simulated Gemini without its sockets: a request in, an answer out, counters in between.

`server.py` puts it on a port. Order of refusals as Google's: credentials, key, project, path, query,
body, quota, capacity.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from gateway.simulator import error_bodies, field_names
from gateway.simulator.checks import read_prompt
from gateway.simulator.embeddings import embed_batch, embed_one
from gateway.simulator.error_bodies import ErrorAnswer
from gateway.simulator.field_names import RefusedError, known_fields, refuse
from gateway.simulator.http1 import HttpRequest
from gateway.simulator.media import predict
from gateway.simulator.phrases import pick
from gateway.simulator.quota_ledger import QuotaLedger
from gateway.simulator.replies import Composition, compose, stream_events, token_count, whole_reply
from gateway.simulator.signatures import is_signed
from gateway.simulator.turns import read_turns, size_bytes
from gateway.simulator.world import KeyHealth, SimulatedKey, SimulatedModel, World

JSON_TYPE = "application/json; charset=UTF-8"
SSE_TYPE = "text/event-stream"

_PATH = re.compile(r"/(v1|v1beta|v1alpha)/models(?:/([^:]+)(?::([A-Za-z]+))?)?")
_NOT_FOUND_PAGE = b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
_MAX_PAGE_SIZE = 1000
_USUAL_PAGE_SIZE = 50

# What a method of a model is called in `supportedGenerationMethods`.
_METHODS = {
    "generateContent": "generateContent",
    "streamGenerateContent": "generateContent",
    "countTokens": "countTokens",
    "embedContent": "embedContent",
    "batchEmbedContents": "embedContent",
    "predict": "predict",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer.

    pieces               the body; more than one when `streamed`, each to be sent by itself
    first_byte_delay_s   before the head
    piece_delay_s        between two pieces
    """

    status: int
    content_type: str
    pieces: tuple[bytes, ...]
    streamed: bool = False
    first_byte_delay_s: float = 0.0
    piece_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way through: what the path and the key say."""

    key: SimulatedKey
    version: str
    verb: str
    query: dict[str, str]
    body: bytes
    now_s: float = 0.0

    @property
    def sse(self) -> bool:
        return self.query.get("alt") == "sse"


@dataclass(slots=True)
class SimulatedGemini:
    """A world, and what has been used up in it."""

    world: World
    _ledger: QuotaLedger = field(default_factory=QuotaLedger)
    _generations: dict[str, int] = field(default_factory=dict)
    _ordinal: int = 0

    def answer(self, request: HttpRequest, now_s: float) -> Answer:
        """Answer one request; `now_s` is seconds since 1970."""
        path, _, query_string = request.target.partition("?")
        match = _PATH.fullmatch(unquote(path))
        query = dict(parse_qsl(query_string, keep_blank_values=True))
        array = match is not None and match[3] == "streamGenerateContent" and query.get("alt") != "sse"
        try:
            key = self._authenticate(request, query)
            if match is None or (request.method == "GET") != (match[3] is None):
                return Answer(404, "text/html; charset=UTF-8", (_NOT_FOUND_PAGE,))
            _check_query(query)
            call = _Call(key, match[1], match[3] or "", query, request.body, now_s)
            if request.method == "GET":
                found = _get(self.world, match[2], call)
                return Answer(200, JSON_TYPE, (_json(found),))
            return self._serve(match[2], call)
        except RefusedError as refused:
            return _error(refused.answer, array=array)

    def _authenticate(self, request: HttpRequest, query: dict[str, str]) -> SimulatedKey:
        secret = request.header("x-goog-api-key") or query.get("key") or query.get("$key")
        if request.header("authorization") is not None:
            two = secret is not None
            raise RefusedError(
                error_bodies.two_credentials() if two else error_bodies.token_type_unsupported()
            )
        if secret is None:
            raise RefusedError(error_bodies.unregistered_caller())
        key = self.world.keys.get(secret)
        if key is None or key.health is KeyHealth.INVALID:
            raise RefusedError(error_bodies.api_key_invalid())
        if key.health is KeyHealth.LEAKED:
            raise RefusedError(error_bodies.leaked())
        if key.project.suspended:
            raise RefusedError(error_bodies.suspended(secret, key.project.number))
        return key

    def _serve(self, model_id: str, call: _Call) -> Answer:
        method = _METHODS.get(call.verb)
        model = self.world.models.get(model_id)
        if model is None or method is None or method not in model.methods:
            raise RefusedError(error_bodies.model_not_found(model_id, call.verb, call.version))
        body = _body(call.body)
        if call.verb == "countTokens":
            return self._whole(_count(body, model), call, delayed=False)
        if method == "generateContent":
            return self._generate(body, model, call)
        if method == "predict":
            answer = predict(body)
        else:
            answer = embed_one(body, model) if call.verb == "embedContent" else embed_batch(body, model)
        self._charge(model, call)
        return self._whole(answer, call)

    def _generate(self, body: object, model: SimulatedModel, call: _Call) -> Answer:
        prompt = read_prompt(body, model, self._is_our_signature)
        self._charge(model, call)
        self._ordinal += 1
        count = self._generations[model.id] = self._generations.get(model.id, 0) + 1
        if model.overloaded_every and pick(self.world.seed, model.id, count) % model.overloaded_every == 0:
            raise RefusedError(error_bodies.overloaded())
        composition = compose(prompt, model, seed=self.world.seed, ordinal=self._ordinal)
        if call.verb == "generateContent":
            return self._whole(whole_reply(composition), call)
        pieces = _sse_pieces(composition) if call.sse else _array_pieces(composition)
        return Answer(
            200,
            SSE_TYPE if call.sse else JSON_TYPE,
            pieces,
            streamed=True,
            first_byte_delay_s=self.world.first_byte_delay_s + call.key.first_byte_delay_s,
            piece_delay_s=self.world.chunk_delay_s,
        )

    def _whole(self, answer: dict[str, Any], call: _Call, *, delayed: bool = True) -> Answer:
        delay_s = self.world.first_byte_delay_s + call.key.first_byte_delay_s if delayed else 0.0
        return Answer(200, JSON_TYPE, (_json(answer),), first_byte_delay_s=delay_s)

    def _charge(self, model: SimulatedModel, call: _Call) -> None:
        refusal = self._ledger.charge(call.key.project, model.id, call.now_s)
        if refusal is not None:
            raise RefusedError(refusal)

    def _is_our_signature(self, signature: str) -> bool:
        return is_signed(self.world.seed, signature)


def _check_query(query: dict[str, str]) -> None:
    for name in query:
        if name not in field_names.QUERY:
            refuse(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. Field '
                f"'{name}' could not be found in request message.",
                violation=True,
            )


def _body(body: bytes) -> object:
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        line = body.decode("utf-8", "replace")[max(0, error.pos - 20) : error.pos + 20]
        refuse(f"Invalid JSON payload received. {error.msg.capitalize()}.\n{line}\n{'^':>21}")


def _get(world: World, model_id: str | None, call: _Call) -> dict[str, Any]:
    if model_id is not None:
        model = world.models.get(model_id)
        if model is None:
            raise RefusedError(error_bodies.model_not_found(model_id, "generateContent", call.version))
        return _model(model)
    models = list(world.models.values())
    start = _query_number(call.query, "pageToken", 0)
    size = min(_query_number(call.query, "pageSize", 0) or _USUAL_PAGE_SIZE, _MAX_PAGE_SIZE)
    page: dict[str, Any] = {"models": [_model(model) for model in models[start : start + size]]}
    if start + size < len(models):
        page["nextPageToken"] = str(start + size)
    return page


def _query_number(query: dict[str, str], name: str, usual: int) -> int:
    text = query.get(name, "")
    if text and not text.isdecimal():
        refuse(f"* ListModelsRequest.{field_names.snake_case(name)}: is not valid.\n")
    return int(text) if text else usual


def _model(model: SimulatedModel) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": f"models/{model.id}",
        "version": "001",
        "displayName": model.display_name,
        "description": f"{model.display_name}, simulated",
        "inputTokenLimit": 2048 if model.embeds else 1_048_576,
        "outputTokenLimit": 1 if model.embeds else 65_536,
        "supportedGenerationMethods": list(model.methods),
    }
    if not model.embeds:
        described |= {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2}
        if model.thinks:
            described["thinking"] = True
    return described


def _count(body: object, model: SimulatedModel) -> dict[str, Any]:
    fields = known_fields(body, field_names.COUNT_TOKENS)
    whole = fields.get("generateContentRequest")
    if whole is not None:
        # Signatures are nobody's business while only counting.
        size = read_prompt(whole, model, _any_signature).size_bytes
    else:
        size = size_bytes(read_turns(fields.get("contents"), "CountTokensRequest"))
    total = token_count(size)
    return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}


def _any_signature(_: str) -> bool:
    return True


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _error(error: ErrorAnswer, *, array: bool) -> Answer:
    body = _json(error.body)
    return Answer(error.status, JSON_TYPE, (b"[" + body + b"]\n" if array else body,))


def _sse_pieces(composition: Composition) -> tuple[bytes, ...]:
    return tuple(b"data: " + orjson.dumps(event) + b"\r\n\r\n" for event in stream_events(composition))


def _array_pieces(composition: Composition) -> tuple[bytes, ...]:
    elements = [
        orjson.dumps(event, option=orjson.OPT_INDENT_2) + b"\r\n" for event in stream_events(composition)
    ]
    return (b"[" + elements[0], *(b",\r\n" + element for element in elements[1:]), b"]")
