"""OpenAI requests → the planner of their operation: one module each, handlers/openai_*.py."""

from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.openai_batches import plan_batches
from gateway.handlers.openai_completions import plan_completions
from gateway.handlers.openai_embeddings import plan_embeddings
from gateway.handlers.openai_files import plan_files
from gateway.handlers.openai_images import plan_edits, plan_generations, plan_variations
from gateway.handlers.openai_models import plan_models
from gateway.handlers.openai_painting import plan_chat_or_painting
from gateway.handlers.openai_responses import plan_responses
from gateway.handlers.openai_speech import plan_speech
from gateway.handlers.openai_transcriptions import plan_transcriptions, plan_translations
from gateway.handlers.planning import Asked, Planned, Planner
from gateway.protocols.paths import Route

# The first segments of a resource, the longest match wins.
OPERATIONS: Mapping[str, Planner] = MappingProxyType(
    {
        "audio/speech": plan_speech,
        "audio/transcriptions": plan_transcriptions,
        "audio/translations": plan_translations,
        "batches": plan_batches,
        "chat/completions": plan_chat_or_painting,
        "completions": plan_completions,
        "embeddings": plan_embeddings,
        "files": plan_files,
        "images/edits": plan_edits,
        "images/generations": plan_generations,
        "images/variations": plan_variations,
        "models": plan_models,
        "responses": plan_responses,
    }
)
_NOT_OFFERED = MappingProxyType(
    {
        "moderations": "Gemini has no method that only judges a text. Its own filters judge every prompt and "
        "answer; SAFETY_SETTINGS says how strictly.",
        "fine_tuning": "Gemini's models cannot be tuned through this API.",
        "conversations": "This gateway keeps responses, not conversations: go on with previous_response_id.",
        "assistants": "Gemini has no assistants; use responses or chat/completions.",
        "threads": "Gemini has no threads; use responses or chat/completions.",
    }
)


def openai_planner(route: Route) -> Planner:
    """Who plans what is asked under an OpenAI path."""
    return OPERATIONS.get(route.resource) or OPERATIONS.get(route.resource.partition("/")[0]) or _refuse


def plan_openai(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of an OpenAI request. Raises BadRequest for what is not served or cannot be read."""
    return openai_planner(asked.route)(asked)


def _refuse(asked: Asked) -> Planned:
    if (why := _NOT_OFFERED.get(asked.route.resource.partition("/")[0])) is not None:
        raise BadRequest(why, status=404, code="not_offered")
    raise BadRequest(
        f"There is no route {asked.head.method} {asked.head.path} here.", status=404, code="unknown_url"
    )
