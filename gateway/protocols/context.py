"""What a reply's translation must know of its request.

Built by openai_request, read by the unary and the streamed reply translation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.protocols.call_defaults import NO_DEFAULTS, CallDefaults
from gateway.protocols.model_suffixes import NO_CHOICES, ModelChoices
from gateway.protocols.signatures import SignatureMemory
from gateway.values import value

ImageForm = Literal["markdown", "images", "inside"]
"""Where pictures of a reply go: into the text as markdown, or into `message.images[]` beside it. `inside`
puts those inside the reply beside the text, and those that have an address into it."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """The operator's choices for chat calls, built once per settings snapshot.

    show_thoughts       ask for thought summaries and give them as reasoning_content; else they are dropped
    new_id              a fresh random token of letters, digits and `_`, for ids
    signatures_in_ids   carry thought signatures in call ids too, for clients that drop extra_content
    models              the operator's lists of models
    defaults            what calls get that leave it open
    list_sources        write the sources of a `-search` model's answer under it
    signatures          where signatures are remembered for clients that bring them back in no way
    """

    show_thoughts: bool
    new_id: Callable[[], str]
    images: ImageForm = "markdown"
    signatures_in_ids: bool = True
    models: ModelChoices = NO_CHOICES
    defaults: CallDefaults = NO_DEFAULTS
    list_sources: bool = False
    signatures: SignatureMemory | None = None


@value(frozen=True, slots=True)
class ReplyContext:
    """One request's facts for its reply.

    client_model   the model name as the client wrote it; replies carry it, not modelVersion
    tool_names     upstream name → client name, only for names that were changed
    custom_tools   the client's names of custom tools
    single_call    parallel_tool_calls was false: only the first call of a choice is given
    legacy_calls   the client used `functions`: a call is a `function_call`
    keep_text      citations may come, so the text must be kept to place them
    list_sources   write the sources under the text
    signatures     where the signatures of calls are noted
    audio_format   what the client wants of audio replies: `pcm16` is given raw, everything else as WAV
    """

    client_model: str
    new_id: Callable[[], str]
    tool_names: Mapping[str, str]
    show_thoughts: bool = True
    include_usage: bool = False
    custom_tools: frozenset[str] = frozenset()
    single_call: bool = False
    legacy_calls: bool = False
    keep_text: bool = False
    list_sources: bool = False
    images: ImageForm = "markdown"
    signatures_in_ids: bool = True
    signatures: SignatureMemory | None = None
    audio_format: str = "wav"
