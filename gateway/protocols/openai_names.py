"""OpenAI's own names of models that paint, speak and listen: here they stand for the operator's choice.

Apps offer such names where no other can be typed in. Pure; called by the translations of those routes. Chat
and embeddings are not among them: there an answer from another model than the one asked would surprise.
"""

import re

from gateway.protocols.fields import as_str
from gateway.protocols.model_names import parse_model
from gateway.protocols.shapes import JsonObject

_OPENAIS = re.compile(r"(?:dall-e|gpt-|chatgpt-|tts-1|whisper-)", re.ASCII)


def model_or(default: str, body: JsonObject) -> str:
    """The bare upstream name a request asks for: the default for none, and for one of OpenAI's own.

    Raises BadRequest for what is no model name.
    """
    name = body.get("model")
    if name is None or name == "":
        return default
    bare = parse_model(as_str(name, "model"))
    return default if _OPENAIS.match(bare) else bare
