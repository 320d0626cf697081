"""`embeddings` → batches of at most a hundred texts, some at a time, and one list of vectors."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.handlers.planning import Asked, Whole, model_plan, need_method, openai_request
from gateway.protocols.embeddings import (
    Embedded,
    EmbeddingCall,
    batch_body,
    embedding_list,
    read_batch,
    read_embedding_request,
)
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failure_kinds import FailureKind
from gateway.relay.inner import CallFailed
from gateway.relay.plan import Plan

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
    plan = model_plan("embeddings", call.model, "batchEmbedContents", batch_body(call, texts))
    return replace(plan, generates=False)
