"""Wire shapes of the Gemini and OpenAI APIs as TypedDicts, for what the translation builds.

What arrives from outside is untrusted and therefore `JsonObject`; it is read through `fields` (clients) or
with type tests (upstreams). Only fields the gateway writes are listed; wire bodies may hold more.
"""

from typing import Any, TypedDict

JsonObject = dict[str, Any]
"""A parsed JSON object whose members have not been looked at yet."""


class InlineData(TypedDict):
    mimeType: str
    data: str  # base64


class FileData(TypedDict, total=False):
    fileUri: str
    mimeType: str


class FunctionCall(TypedDict, total=False):
    id: str
    name: str
    args: JsonObject


class FunctionResponse(TypedDict, total=False):
    id: str
    name: str
    response: JsonObject
    parts: list["Part"]


class MediaResolution(TypedDict):
    level: str


class Part(TypedDict, total=False):
    """One of text, inlineData, fileData, functionCall, functionResponse, with modifiers."""

    text: str
    inlineData: InlineData
    fileData: FileData
    functionCall: FunctionCall
    functionResponse: FunctionResponse
    thoughtSignature: str
    mediaResolution: MediaResolution


class Content(TypedDict):
    role: str  # "user" or "model"
    parts: list[Part]


class SystemInstruction(TypedDict):
    parts: list[Part]


class ThinkingConfig(TypedDict, total=False):
    includeThoughts: bool
    thinkingBudget: int
    thinkingLevel: str


class GenerationConfig(TypedDict, total=False):
    temperature: float
    topP: float
    topK: int
    candidateCount: int
    maxOutputTokens: int
    stopSequences: list[str]
    presencePenalty: float
    frequencyPenalty: float
    seed: int
    responseLogprobs: bool
    logprobs: int
    responseMimeType: str
    responseJsonSchema: JsonObject
    responseSchema: JsonObject
    responseModalities: list[str]
    mediaResolution: str
    speechConfig: JsonObject
    imageConfig: JsonObject
    thinkingConfig: ThinkingConfig


class FunctionDeclaration(TypedDict, total=False):
    name: str
    description: str
    parametersJsonSchema: JsonObject
    parameters: JsonObject


class Tool(TypedDict, total=False):
    functionDeclarations: list[FunctionDeclaration]
    googleSearch: JsonObject
    codeExecution: JsonObject
    urlContext: JsonObject
    googleMaps: JsonObject


class FunctionCallingConfig(TypedDict, total=False):
    mode: str  # AUTO, ANY, NONE, VALIDATED
    allowedFunctionNames: list[str]


class ToolConfig(TypedDict, total=False):
    functionCallingConfig: FunctionCallingConfig
    includeServerSideToolInvocations: bool


class GenerateContentRequest(TypedDict, total=False):
    contents: list[Content]
    systemInstruction: SystemInstruction
    tools: list[Tool]
    toolConfig: ToolConfig
    safetySettings: list[JsonObject]
    generationConfig: GenerationConfig
    cachedContent: str
    serviceTier: str


class OpenAIFunction(TypedDict):
    name: str
    arguments: str  # JSON text


class OpenAICustomCall(TypedDict):
    name: str
    input: str


class OpenAIToolCall(TypedDict, total=False):
    """A call as the client sees it; `index` stands only in stream deltas."""

    index: int
    id: str
    type: str
    function: OpenAIFunction
    custom: OpenAICustomCall
    extra_content: JsonObject


class UrlCitation(TypedDict):
    start_index: int  # characters of the message's content
    end_index: int
    title: str
    url: str


class Annotation(TypedDict):
    type: str  # "url_citation"
    url_citation: UrlCitation


class OpenAIMessage(TypedDict, total=False):
    role: str
    content: str | None
    refusal: str | None
    reasoning_content: str
    annotations: list[Annotation]
    tool_calls: list[OpenAIToolCall]
    function_call: OpenAIFunction
    images: list[JsonObject]
    audio: JsonObject
    extra_content: JsonObject


class OpenAIChoice(TypedDict):
    index: int
    message: OpenAIMessage
    logprobs: JsonObject | None
    finish_reason: str


class ChatCompletion(TypedDict):
    id: str
    object: str
    created: int
    model: str
    system_fingerprint: None
    choices: list[OpenAIChoice]
    usage: JsonObject


class OpenAIModel(TypedDict):
    id: str
    object: str
    created: int
    owned_by: str


class OpenAIModelList(TypedDict):
    object: str
    data: list[OpenAIModel]
