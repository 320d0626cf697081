"""`embeddings` → batches of at most a hundred texts, some at a time, and one list of vectors."""

from collections.abc import Sequence

from gateway.handlers.planning import JSON_HEADER, Asked, Whole, need_method, openai_request
from gateway.protocols.embeddings import (
    Embedded,
    EmbeddingCall,
    batch_body,
    embedding_list,
    read_batch,
    read_embedding_request,
)
from gateway.protocols.error_bodies import Problem, openai_error, openai_error_event
from gateway.protocols.failure_kinds import FailureKind
from gateway.protocols.model_names import resource_name
from gateway.relay.inner import CallFailed
from gateway.relay.plan import Framing, Plan

AT_ONCE = 4
_ODD = Problem(502, "Google's answer does not hold a vector for each text.", FailureKind.MALFORMED)


async def plan_embeddings(asked: Asked) -> Whole:
    """The vectors of the request's texts. Raises BadRequest and CallFailed."""
    need_method(asked.head, "embeddings", "POST")
    call = read_embedding_request(openai_request(asked))
    asked.refuse_hidden(call.model)

    async def embed(texts: Sequence[str]) -> Embedded:
        embedded = read_batch(await asked.reply(_plan(call, texts)), call, texts)
        if embedded is None:
            raise CallFailed(_ODD)
        return embedded

    return Whole(embedding_list(call, await asked.each(tuple(call.batches()), embed, at_once=AT_ONCE)))


def _plan(call: EmbeddingCall, texts: Sequence[str]) -> Plan:
    return Plan(
        dialect="openai",
        operation="embeddings",
        model=call.model,
        resource=f"{resource_name(call.model)}:batchEmbedContents",
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        body=batch_body(call, texts),
        generates=False,
        forwarded=(JSON_HEADER,),
    )
