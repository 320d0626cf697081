"""The Response object of OpenAI's Responses API: what stands around its output items.

Pure; response_stream fills it, whole or at each of a stream's landmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.protocols.error_bodies import Problem, openai_code
from gateway.protocols.shapes import JsonObject

INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Chat's finish_reason → why a response is incomplete; with any other it is completed."""
_ERROR_CODES = frozenset({"rate_limit_exceeded", "context_length_exceeded"})


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What is the same in every form of one response.

    response_id   the whole id, `resp_…`
    created_s     Unix time
    model         as the client wrote it
    echoed        members that repeat the request
    """

    response_id: str
    created_s: int
    model: str
    echoed: JsonObject


def response_object(
    facts: ResponseFacts,
    status: str,
    *,
    output: Sequence[JsonObject] = (),
    usage: JsonObject | None = None,
    completed_s: int | None = None,
    incomplete: str | None = None,
    error: JsonObject | None = None,
) -> JsonObject:
    """The object with all its members.

    status        in_progress, completed, incomplete or failed
    completed_s   Unix time, for a completed one
    incomplete    a reason out of INCOMPLETE_REASONS

    Source: OpenAI, Responses reference. `output_text` is the SDKs' own.
    """
    return {
        "id": facts.response_id,
        "object": "response",
        "created_at": facts.created_s,
        "completed_at": completed_s,
        "status": status,
        "error": error,
        "incomplete_details": None if incomplete is None else {"reason": incomplete},
        **facts.echoed,
        "model": facts.model,
        "output": output,
        "usage": usage,
    }


def response_error(problem: Problem) -> JsonObject:
    """The `error` of a failed response.

    Source: OpenAI's ResponseError, whose codes SDKs declare as a closed list; clients tell by
    `rate_limit_exceeded` and `context_length_exceeded` what to do next, everything else is a server_error or,
    where the request is at fault, an invalid_prompt.
    """
    code = openai_code(problem)
    if code not in _ERROR_CODES:
        code = "server_error" if problem.status >= 500 else "invalid_prompt"
    return {"code": code, "message": problem.message}
