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
from gateway.simulator.answers import JSON_TYPE, SSE_TYPE, Answer, error_answer, json_body
from gateway.simulator.belongings import FILE_ADDRESS, Belongings
from gateway.simulator.checks import Prompt, read_prompt
from gateway.simulator.compatible import PATH as COMPATIBLE_PATH
from gateway.simulator.compatible import answer_compatible
from gateway.simulator.embeddings import embed_batch, embed_one
from gateway.simulator.field_names import RefusedError, known_fields, read_json, refuse
from gateway.simulator.http1 import HttpRequest
from gateway.simulator.media import predict
from gateway.simulator.objects import ObjectCall, Objects, read_object_path
from gateway.simulator.phrases import pick
from gateway.simulator.quota_ledger import QuotaLedger
from gateway.simulator.replies import Composition, compose, stream_events, token_count, whole_reply
from gateway.simulator.signatures import is_signed
from gateway.simulator.turns import read_turns, size_bytes
from gateway.simulator.uploads import Uploads
from gateway.simulator.world import KeyHealth, SimulatedKey, SimulatedModel, World

# Vertex's express mode has a version of its own, and a publisher before the models.
_PATH = re.compile(
    r"/(v1|v1beta|v1alpha|v1beta1)/(?:publishers/google/)?models(?:/([^/:]+)(?::([A-Za-z]+))?)?"
)
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
    "batchGenerateContent": "batchGenerateContent",
    "predictLongRunning": "predictLongRunning",
}


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
    _objects: Objects = field(init=False)

    def __post_init__(self) -> None:
        belongings = Belongings(self.world.seed)
        self._objects = Objects(belongings, Uploads(belongings), self._reply)

    def answer(self, request: HttpRequest, now_s: float) -> Answer:
        """Answer one request; `now_s` is seconds since 1970."""
        path, _, query_string = request.target.partition("?")
        if compatible := COMPATIBLE_PATH.fullmatch(unquote(path)):
            return answer_compatible(request, compatible[1], lambda asked: self.answer(asked, now_s))
        match = _PATH.fullmatch(unquote(path))
        query = dict(parse_qsl(query_string, keep_blank_values=True))
        array = match is not None and match[3] == "streamGenerateContent" and query.get("alt") != "sse"
        about = read_object_path(path)
        try:
            if upload_id := query.get("upload_id"):
                return self._objects.uploads.go_on(request, upload_id, now_s)
            key = self._authenticate(request, query)
            if about is not None:
                return self._objects.answer(ObjectCall(request, key.project.number, now_s, *about, query))
            if match is None or (request.method == "GET") != (match[3] is None):
                return Answer(404, "text/html; charset=UTF-8", (_NOT_FOUND_PAGE,))
            _check_query(query)
            call = _Call(key, match[1], match[3] or "", query, request.body, now_s)
            if request.method == "GET":
                found = _get(self.world, match[2], call)
                return Answer(200, JSON_TYPE, (json_body(found),))
            return self._serve(match[2], call)
        except RefusedError as refused:
            return error_answer(refused.answer, array=array)

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
        body = read_json(call.body)
        if call.verb == "countTokens":
            return self._whole(_count(body, model), call, delayed=False)
        if method == "generateContent":
            return self._generate(body, model, call)
        if method == "batchGenerateContent":
            return self._objects.make_batch(model_id, body, call.key.project.number, call.now_s)
        if method == "predictLongRunning":
            return self._objects.make_video(model_id, body, call.key.project.number, call.now_s)
        if method == "predict":
            answer = predict(body)
        else:
            answer = embed_one(body, model) if call.verb == "embedContent" else embed_batch(body, model)
        self._charge(model, call)
        return self._whole(answer, call)

    def _generate(self, body: object, model: SimulatedModel, call: _Call) -> Answer:
        prompt = self._read(body, model, call.key.project.number)
        self._charge(model, call)
        count = self._generations[model.id] = self._generations.get(model.id, 0) + 1
        if model.overloaded_every and pick(self.world.seed, model.id, count) % model.overloaded_every == 0:
            raise RefusedError(error_bodies.overloaded())
        composition = self._compose(prompt, model)
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

    def _reply(self, model_id: str, body: object, project: str) -> dict[str, Any]:
        """Answer a generation that stands in a batch or in an interaction."""
        model = self.world.models.get(model_id)
        if model is None:
            raise RefusedError(error_bodies.model_not_found(model_id, "generateContent", "v1beta"))
        return whole_reply(self._compose(self._read(body, model, project), model))

    def _compose(self, prompt: Prompt, model: SimulatedModel) -> Composition:
        self._ordinal += 1
        return compose(prompt, model, seed=self.world.seed, ordinal=self._ordinal)

    def _read(self, body: object, model: SimulatedModel, project: str) -> Prompt:
        """Check a prompt, and that what it names lives in the project. Raises RefusedError."""
        prompt = read_prompt(body, model, self._is_our_signature)
        belongings = self._objects.belongings
        cache = belongings.get(prompt.cache, project) if prompt.cache else None
        if cache is not None and cache.shown["model"] != f"models/{model.id}":
            refuse("Model used by GenerateContent request and CachedContent has to be the same.")
        for address in prompt.file_addresses:
            if address.startswith(FILE_ADDRESS):
                belongings.get(address.removeprefix(FILE_ADDRESS), project)
        return prompt

    def _whole(self, answer: dict[str, Any], call: _Call, *, delayed: bool = True) -> Answer:
        delay_s = self.world.first_byte_delay_s + call.key.first_byte_delay_s if delayed else 0.0
        return Answer(200, JSON_TYPE, (json_body(answer),), first_byte_delay_s=delay_s)

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


def _sse_pieces(composition: Composition) -> tuple[bytes, ...]:
    return tuple(b"data: " + orjson.dumps(event) + b"\r\n\r\n" for event in stream_events(composition))


def _array_pieces(composition: Composition) -> tuple[bytes, ...]:
    elements = [
        orjson.dumps(event, option=orjson.OPT_INDENT_2) + b"\r\n" for event in stream_events(composition)
    ]
    return (b"[" + elements[0], *(b",\r\n" + element for element in elements[1:]), b"]")
