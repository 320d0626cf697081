"""The three ways to tell a model what JSON to write: real JSON Schema, Gemini's older `Schema`, plain words.

The translation writes the first; these functions change a request to another one, for models that do not know
it. Called by openai_request and request_repairs.
"""

import orjson

from gateway.protocols.openapi_schema import openapi_schema
from gateway.protocols.shapes import FunctionDeclaration, GenerateContentRequest, JsonObject, Tool

_WORDS = "Answer with JSON only: no other text, and no code fence around it."


def with_openapi_schemas(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """The request with `parameters` and `responseSchema` for its JSON Schemas, None where it has none."""
    changed = request.copy()
    found = False
    config = request.get("generationConfig", {})
    if "responseJsonSchema" in config:
        found = True
        kept = config.copy()
        kept["responseSchema"] = openapi_schema(kept.pop("responseJsonSchema"))
        changed["generationConfig"] = kept
    tools = request.get("tools", [])
    if any("parametersJsonSchema" in each for tool in tools for each in tool.get("functionDeclarations", [])):
        found = True
        changed["tools"] = [_with_parameters(tool) for tool in tools]
    return changed if found else None


def json_in_words(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """The request with its wish for JSON as a sentence of the system instruction, None where it has none."""
    config = request.get("generationConfig", {}).copy()
    if config.pop("responseMimeType", None) != "application/json":
        return None
    schema: JsonObject | None = config.pop("responseJsonSchema", None) or config.pop("responseSchema", None)
    words = _WORDS
    if schema is not None:
        words += f" It must fit this JSON Schema: {orjson.dumps(schema).decode()}"
    changed = request.copy()
    changed["generationConfig"] = config
    if not config:
        del changed["generationConfig"]
    said = request["systemInstruction"]["parts"] if "systemInstruction" in request else []
    changed["systemInstruction"] = {"parts": [*said, {"text": words}]}
    return changed


def _with_parameters(tool: Tool) -> Tool:
    declared = tool.get("functionDeclarations")
    if declared is None:
        return tool
    changed = tool.copy()
    changed["functionDeclarations"] = [_declaration(each) for each in declared]
    return changed


def _declaration(declared: FunctionDeclaration) -> FunctionDeclaration:
    if "parametersJsonSchema" not in declared:
        return declared
    changed = declared.copy()
    changed["parameters"] = openapi_schema(changed.pop("parametersJsonSchema"))
    return changed
