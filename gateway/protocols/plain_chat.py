"""A chat that is nothing but texts → contents and systemInstruction, the short way.

Most conversations are such. What is said here is what openai_messages says of them, in a tenth of the time;
of all others it says nothing. Called by openai_request.
"""

from typing import Any

from gateway.protocols.model_names import ModelTraits
from gateway.protocols.openai_parts import SHOWN_DATA
from gateway.protocols.shapes import Content, GenerateContentRequest, Part

# What an answer in the history may have beside its text that is sent back.
_BESIDE_TEXT = frozenset({"tool_calls", "function_call", "extra_content"})


def plain_contents(messages: Any, traits: ModelTraits) -> GenerateContentRequest | None:
    """A request's contents and systemInstruction; None where a message holds more than a text, or none.

    messages   of any shape, of a request without attachments
    """
    contents: list[Content] = []
    system: list[Part] = []
    last = None
    try:
        for message in messages:
            role, text = message["role"], message["content"]
            if type(text) is not str or not text:
                return None
            if role == "user":
                turn = "user"
            elif role == "assistant" and _BESIDE_TEXT.isdisjoint(message):
                turn = "model"
            elif role == "system" or role == "developer":
                system.append({"text": text})
                continue
            else:
                return None
            if SHOWN_DATA in text:
                return None
            if turn == last:
                contents[-1]["parts"].append({"text": text})
            else:
                contents.append({"role": turn, "parts": [{"text": text}]})
                last = turn
    except (KeyError, TypeError):
        return None
    if not contents or contents[0]["role"] != "user":
        return None
    if not system:
        return {"contents": contents}
    if not traits.accepts_system:
        return None
    return {"contents": contents, "systemInstruction": {"parts": system}}
