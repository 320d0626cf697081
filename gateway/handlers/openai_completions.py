"""`completions`, the old route: each choice is a chat of its own."""

import functools
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from gateway.handlers.openai_chat import chat_plan
from gateway.handlers.planning import Asked, Planned, Whole, need_method, openai_request
from gateway.protocols.error_bodies import Problem, openai_error_event
from gateway.protocols.openai_completions import CompletionCall, CompletionWriter, read_completion
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import STREAM_TYPE, Plan

AT_ONCE = 4


class CompletionTranslation:
    """One attempt's answer on its way to a completion of one choice."""

    __slots__ = ("_call", "_writer")

    def __init__(self, call: CompletionCall, writer: CompletionWriter) -> None:
        self._call = call
        self._writer = writer

    def whole(self, reply: JsonObject) -> bytes:
        return self._writer.whole([reply])

    def event(self, reply: JsonObject) -> bytes:
        return self._writer.event(self._call, reply)

    def end(self) -> bytes:
        return self._writer.end()

    def broken(self, problem: Problem) -> bytes:
        return openai_error_event(problem)

    def beat(self) -> bytes:
        return self._writer.beat()


def plan_completions(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a completion. Raises BadRequest."""
    need_method(asked.head, "completions", "POST")
    request = openai_request(asked)
    return _plan_later(asked, request) if asked.names_wanted(request.get("model")) else _plan(asked, request)


async def _plan_later(asked: Asked, request: JsonObject) -> Planned:
    await asked.learn_names()
    planned = _plan(asked, request)
    return planned if isinstance(planned, Plan) else await planned


def _plan(asked: Asked, request: JsonObject) -> Plan | Coroutine[Any, Any, Whole]:
    services = asked.services
    calls = read_completion(request, options=services.chat_options, known=services.model_list.names)
    writer = functools.partial(
        CompletionWriter,
        calls,
        completion_id=f"cmpl-{asked.ticket.request_id}",
        created_s=int(services.engine.wall_s()),
    )
    if len(calls) > 1:
        return _several(asked, calls, writer())
    return chat_plan(
        asked,
        calls[0].chat,
        lambda: CompletionTranslation(calls[0], writer()),
        operation="completions",
    )


async def _several(asked: Asked, calls: Sequence[CompletionCall], writer: CompletionWriter) -> Whole:
    """Several choices, put together when the last has come; as a stream they come all at once."""

    async def ask(call: CompletionCall) -> JsonObject:
        whole = replace(call.chat, stream=False)
        return await asked.reply(
            chat_plan(asked, whole, lambda: CompletionTranslation(call, writer), operation="completions")
        )

    replies = await asked.each(calls, ask, at_once=AT_ONCE)
    if not calls[0].chat.stream:
        return Whole(writer.whole(replies))
    events = [writer.event(call, reply) for call, reply in zip(calls, replies, strict=True)]
    return Whole(b"".join((*events, writer.end())), content_type=STREAM_TYPE)
