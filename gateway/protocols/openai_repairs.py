"""Changes of a translated request that may turn an upstream's 400 into an answer.

Pure; the relay asks once after a failure that names a repair. Native bodies are never repaired.
"""

from gateway.protocols.failure_kinds import Repair
from gateway.protocols.shapes import GenerateContentRequest
from gateway.protocols.signatures import without_real_signatures


def repaired(request: GenerateContentRequest, repair: Repair) -> GenerateContentRequest | None:
    """The request changed as the repair says, or None where that would change nothing.

    The given request stays as it is. Schemas are not converted yet.
    """
    if repair is Repair.SIGNATURE:
        signed = any(
            "thoughtSignature" in part for content in request["contents"] for part in content["parts"]
        )
        return without_real_signatures(request) if signed else None
    if repair is Repair.SYSTEM_INSTRUCTION:
        return _with_system_in_contents(request)
    if repair is Repair.THINKING:
        return _without_effort(request)
    return None


def _with_system_in_contents(request: GenerateContentRequest) -> GenerateContentRequest | None:
    system = request.get("systemInstruction")
    if system is None:
        return None
    changed = request.copy()
    del changed["systemInstruction"]
    first, *rest = request["contents"]
    changed["contents"] = [{"role": "user", "parts": system["parts"] + first["parts"]}, *rest]
    return changed


def _without_effort(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """Leave level and budget to the model; the wish to see thoughts stays."""
    config = request.get("generationConfig", {})
    thinking = config.get("thinkingConfig", {})
    if "thinkingLevel" not in thinking and "thinkingBudget" not in thinking:
        return None
    changed_config = config.copy()
    del changed_config["thinkingConfig"]
    if "includeThoughts" in thinking:
        changed_config["thinkingConfig"] = {"includeThoughts": thinking["includeThoughts"]}
    changed = request.copy()
    changed["generationConfig"] = changed_config
    return changed
