"""The lines of OpenAI's batch files ⇄ those of Gemini's: requests on their way in, results on their way out.

    {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {…}}
    {"key": "1", "request": {…}}
    {"key": "1", "response": {…}} or {"key": "1", "error": {"code": 400, "message": "…"}}
    {"id": "batch_req_…", "custom_id": "1", "response": {"status_code": 200, "body": {…}, …}, "error": null}

What a reply's translation usually knows of its request is gone when a batch is done, so requests that need
it are refused.
"""

from collections.abc import Callable, Container, Iterator
from typing import Any

import orjson

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions, ReplyContext
from gateway.protocols.error_bodies import Problem, openai_error
from gateway.protocols.fields import as_object, as_str, unsupported, wrong_value
from gateway.protocols.lines import LineSplitter, LineTooLong
from gateway.protocols.model_suffixes import NOTHING_KNOWN
from gateway.protocols.openai_request import ChatCall, translate_chat
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.shapes import JsonObject

ENDPOINT = "/v1/chat/completions"
MAX_LINES = 50_000
"""OpenAI's own limit."""
MAX_LINE_BYTES = 32 * 1024 * 1024
_MARKS = (b'"custom_id"', b'"body"')
# google.rpc.Code, which operations and batches use, to the HTTP status of the same error.
_STATUSES: dict[Any, int] = {1: 499, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503}
_UNREADABLE = Problem(502, "Google's result cannot be read.", "malformed")


class BatchRequests:
    """Turns OpenAI's lines into Gemini's as they come; all of them must ask one model.

    model, client_model   the one they ask: its bare upstream name, and as the client wrote it
    lines                 how many there were
    """

    def __init__(self, options: ChatOptions, known: Container[str] = NOTHING_KNOWN) -> None:
        self._options = options
        self._known = known
        self._splitter = LineSplitter(MAX_LINE_BYTES)
        self._ids: set[str] = set()
        self.model = ""
        self.client_model = ""
        self.lines = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take the next piece and give what can be sent of it. Raises BadRequest, which names the line."""
        try:
            return self._translated(self._splitter.feed(chunk))
        except LineTooLong as error:
            raise BadRequest(f"The batch file cannot be read: {error}.", param="file") from None

    def end(self) -> bytes:
        """The rest. Raises BadRequest, also for a file without requests."""
        rest = self._translated(self._splitter.end())
        if not self.lines:
            raise BadRequest("The batch file holds no requests.", param="file", code="empty_file")
        return rest

    def _translated(self, lines: list[bytes]) -> bytes:
        return b"".join(self._line(line) for line in lines if line.strip())

    def _line(self, line: bytes) -> bytes:
        self.lines += 1
        if self.lines > MAX_LINES:
            raise BadRequest(f"A batch file may hold at most {MAX_LINES} requests.", param="file")
        try:
            return self._request(line)
        except BadRequest as error:
            where = f"Line {self.lines} of the batch file: {error.message}"
            raise BadRequest(where, status=error.status, param="file", code=error.code) from None

    def _request(self, line: bytes) -> bytes:
        try:
            asked = as_object(orjson.loads(line), "line")
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"it is not valid JSON: {error}.", code="invalid_json_line") from None
        custom_id = as_str(asked.get("custom_id"), "custom_id")
        if custom_id in self._ids:
            raise wrong_value("custom_id", f"{custom_id[:64]!r} stands twice.")
        self._ids.add(custom_id)
        if asked.get("method", "POST") != "POST":
            raise unsupported("method", "The method must be POST.")
        if asked.get("url") != ENDPOINT:
            raise unsupported("url", f"Gemini's batches hold chat completions; the url must be {ENDPOINT}.")
        call = translate_chat(as_object(asked.get("body"), "body"), options=self._options, known=self._known)
        _need_stateless(call)
        if self.model and call.model != self.model:
            raise wrong_value("body.model", f"a batch asks one model, and this one began with {self.model}.")
        self.model = call.model
        self.client_model = self.client_model or call.context.client_model
        return orjson.dumps({"key": custom_id, "request": call.body}) + b"\n"


class BatchResults:
    """Turns Gemini's lines into OpenAI's as they come.

    errors   gives the requests that failed, else those that were answered
    """

    def __init__(
        self, client_model: str, new_id: Callable[[], str], *, created_s: int, errors: bool = False
    ) -> None:
        self._context = ReplyContext(
            client_model=client_model, new_id=new_id, tool_names={}, keep_text=True, signatures_in_ids=True
        )
        self._new_id = new_id
        self._created_s = created_s
        self._errors = errors
        self._splitter = LineSplitter(MAX_LINE_BYTES)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next piece and give what can be told of it. Raises LineTooLong."""
        return b"".join(self._results(self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """The rest."""
        return b"".join(self._results(self._splitter.end()))

    def _results(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            result = _parsed(line)
            if result is None:
                continue
            response = result.get("response")
            if isinstance(response, dict) != self._errors:
                yield self._written(result, response if isinstance(response, dict) else None)

    def _written(self, result: JsonObject, response: JsonObject | None) -> bytes:
        written = {
            "id": f"batch_req_{self._new_id()}",
            "custom_id": str(result.get("key") or ""),
            "response": {"request_id": self._new_id(), **self._answer(result, response)},
            "error": None,
        }
        return orjson.dumps(written) + b"\n"

    def _answer(self, result: JsonObject, response: JsonObject | None) -> JsonObject:
        if response is None:
            return _failure(result.get("error") or result.get("status"))
        completion_id = f"chatcmpl-{response.get('responseId') or self._new_id()}"
        body = translate_reply(
            response, self._context, completion_id=completion_id, created_s=self._created_s
        )
        return {"status_code": 200, "body": body}


def looks_like_requests(first_bytes: bytes) -> bool:
    """Whether a file begins like a batch's, for clients that say its purpose behind it."""
    return first_bytes.lstrip()[:1] == b"{" and all(mark in first_bytes for mark in _MARKS)


def _need_stateless(call: ChatCall) -> None:
    context = call.context
    if call.paints:
        raise unsupported("body.model", "Painting models are not served in batches.")
    if context.tool_names or context.custom_tools or context.legacy_calls:
        raise unsupported(
            "body.tools",
            "In a batch, tools must be functions whose names are letters, digits, _ and -.",
        )


def _parsed(line: bytes) -> JsonObject | None:
    if not line.strip():
        return None
    try:
        result = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return result if isinstance(result, dict) else {}


def _failure(error: Any) -> JsonObject:
    """The status and body of a request that Google refused: as if it had been asked by itself."""
    problem = _UNREADABLE
    if isinstance(error, dict):
        code = error.get("code")
        status = code if isinstance(code, int) and 400 <= code <= 599 else _STATUSES.get(code, 500)
        message = str(error.get("message") or "Google refused the request.")
        problem = Problem(status, message, "upstream_error")
    return {"status_code": problem.status, "body": orjson.loads(openai_error(problem))}
