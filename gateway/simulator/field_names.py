"""Which names the API's messages have, and Google's refusal of any other.

Bodies come as proto-JSON: camelCase and snake_case may be mixed. `known_fields` gives them in camelCase.
Source: Gemini API v1beta, GenerateContentRequest and the messages inside it.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from gateway.errors import GatewayError
from gateway.simulator.error_bodies import ErrorAnswer, invalid_argument, unknown_field


class RefusedError(GatewayError):
    """The request is answered with this error."""

    def __init__(self, answer: ErrorAnswer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def snake_case(name: str) -> str:
    """Give a camelCase name as Google writes it in messages."""
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def _names(camel_case: str) -> dict[str, str]:
    names = camel_case.split()
    return {name: name for name in names} | {snake_case(name): name for name in names}


GENERATE = _names(
    "model contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent "
    "serviceTier store labels"
)
COUNT_TOKENS = _names("model contents generateContentRequest")
EMBED = _names("model content taskType title outputDimensionality embedContentConfig")
BATCH_EMBED = _names("model requests")
CONTENT = _names("role parts")
PART_DATA = _names(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall "
    "toolResponse"
)
PART = PART_DATA | _names("thought thoughtSignature videoMetadata mediaResolution partMetadata")
FUNCTION_CALL = _names("id name args")
FUNCTION_RESPONSE = _names("id name response parts willContinue scheduling")
GENERATION_CONFIG = _names(
    "temperature topP topK candidateCount maxOutputTokens stopSequences presencePenalty frequencyPenalty "
    "seed responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema responseModalities "
    "mediaResolution speechConfig thinkingConfig imageConfig responseFormat enableEnhancedCivicAnswers "
    "audioTranscriptionConfig translationConfig"
)
IMAGE_CONFIG = _names("aspectRatio imageSize")
SPEECH_CONFIG = _names("languageCode voiceConfig multiSpeakerVoiceConfig")
VOICE_CONFIG = _names("prebuiltVoiceConfig voiceCloneConfig")
PREBUILT_VOICE_CONFIG = _names("voiceName")
PREDICT = _names("instances parameters")
PREDICT_PARAMETERS = _names(
    "sampleCount aspectRatio sampleImageSize safetySetting personGeneration outputOptions includeRaiReason "
    "language seed guidanceScale negativePrompt addWatermark enhancePrompt"
)
THINKING_CONFIG = _names("includeThoughts thinkingBudget thinkingLevel")
TOOL = _names(
    "functionDeclarations googleSearch googleSearchRetrieval urlContext codeExecution googleMaps fileSearch "
    "computerUse mcpServers"
)
FUNCTION_DECLARATION = _names(
    "name description parameters parametersJsonSchema response responseJsonSchema behavior"
)
TOOL_CONFIG = _names("functionCallingConfig retrievalConfig includeServerSideToolInvocations")
SAFETY_SETTING = _names("category threshold")
FUNCTION_CALLING_CONFIG = _names("mode allowedFunctionNames streamFunctionCallArguments")
SCHEMA = {"$ref": "$ref", "$defs": "$defs"} | _names(
    "type format title description nullable enum items prefixItems minItems maxItems properties required "
    "propertyOrdering minProperties maxProperties minimum maximum minLength maxLength pattern example anyOf "
    "default additionalProperties"
)
FILE = _names("name displayName mimeType sizeBytes")
UPLOAD = _names("file displayName mimeType customMetadata chunkingConfig fileName")
CACHED_CONTENT = _names("model contents systemInstruction tools toolConfig ttl expireTime displayName")
BATCH = _names("displayName inputConfig priority model")
FILE_SEARCH_STORE = _names("displayName embeddingModel")
AUTH_TOKEN = _names("uses expireTime newSessionExpireTime bidiGenerateContentSetup fieldMask")
QUERY = frozenset(
    (
        "alt",
        "$alt",
        "key",
        "$key",
        "prettyPrint",
        "$prettyPrint",
        "fields",
        "$fields",
        "pageSize",
        "pageToken",
    )
)


def read_json(body: bytes) -> object:
    """Parse a request's body. Raises RefusedError."""
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        line = body.decode("utf-8", "replace")[max(0, error.pos - 20) : error.pos + 20]
        refuse(f"Invalid JSON payload received. {error.msg.capitalize()}.\n{line}\n{'^':>21}")


def refuse(message: str, *, violation: bool = False) -> NoReturn:
    """Answer 400 INVALID_ARGUMENT with this message, repeated as a field violation if so."""
    raise RefusedError(invalid_argument(message, violation=message if violation else None))


def known_fields(value: object, names: Mapping[str, str], where: str = "") -> dict[str, Any]:
    """Give a message with its names in camelCase, without nulls, which in proto-JSON are absent members.

    raises   RefusedError for a name the message does not have, and for what is no object
    """
    if not isinstance(value, dict):
        refuse_value(value, where or "request", "message")
    fields = {}
    for name, member in value.items():
        if name not in names:
            raise RefusedError(unknown_field(name, where))
        if member is not None:
            fields[names[name]] = member
    return fields


def list_of(value: object, where: str) -> list[Any]:
    """Give a repeated field; as proto-JSON does, a single object passes for a list of one."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        refuse_value(value, where, "list")
    return value


def strings(value: object, where: str) -> list[str]:
    """Give a repeated string field."""
    items = list_of(value, where)
    for index, item in enumerate(items):
        if not isinstance(item, str):
            refuse_value(item, f"{where}[{index}]", "TYPE_STRING")
    return items


def refuse_value(value: object, where: str, kind: str) -> NoReturn:
    """Answer 400 for a value of the wrong type; `kind` as Google names it, such as TYPE_INT32."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    refuse(f"Invalid value at '{where}' ({kind}), {shown[:100]}", violation=True)
