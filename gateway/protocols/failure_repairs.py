"""Which change of the request a 400 asks for: the table of Google's words. What is changed: request_repairs.

Called by failures. The words may quote the client, so a repair is only a try, and only a try that worked is
remembered.
"""

import re

from gateway.protocols.failure_kinds import Repair

_REFUSED = r"(?:is|are) not (?:enabled|supported|available|allowed)"
_BUILT_IN = r"(?:search(?: grounding| as (?:a )?tool)?|code execution|url[ _]?context|google maps)"

# The first that fits is meant. Wordings as publicly reported, loosely: Google changes them.
_REPAIRS = tuple(
    (re.compile(text, re.IGNORECASE), repair)
    for text, repair in (
        (r"thought.{0,3}signature", Repair.SIGNATURE),
        (r"thinking[ _]?level:? [A-Z]+ is not supported", Repair.THINKING_LEVEL),
        (r"^Budget 0 is invalid|only works in thinking mode", Repair.THINKING_OFF),
        (r"thinking[ _]?budget.{0,60}(?:supported|deprecated|no longer)", Repair.THINKING_BUDGET),
        (r"^Budget -?\d+ is invalid", Repair.THINKING),
        (
            r"thinking(?:[ _]?(?:config|level|budget))?\b.{0,60}"
            r"(?:not supported|not enabled|unsupported|invalid)",
            Repair.THINKING,
        ),
        (
            rf"Developer instruction {_REFUSED}|system[ _]?instructions?\b.{{0,40}}{_REFUSED}",
            Repair.SYSTEM_INSTRUCTION,
        ),
        (rf"JSON mode {_REFUSED}", Repair.JSON_MODE),
        (r"function calling with a response mime type", Repair.JSON_WITH_TOOLS),
        (r"too many states|(?:response|parameters)_?(?:json_?)?schema|additionalProperties", Repair.SCHEMA),
        (rf"(?:(?:presence|frequency)[ _]?)?penalt(?:y|ies) {_REFUSED}", Repair.PENALTIES),
        (rf"\bseed {_REFUSED}", Repair.SEED),
        (r"ends? with a user role|prefill", Repair.PREFILL),
        (rf"media[ _]?resolution.{{0,40}}{_REFUSED}", Repair.MEDIA_RESOLUTION),
        (r"service[ _]?tier", Repair.SERVICE_TIER),
        (
            rf"{_BUILT_IN}\b.{{0,40}}{_REFUSED}|tool use with function calling|built-in tools"
            r"|multiple tools are|include_?server_?side",
            Repair.TOOLS,
        ),
        (r"safety[ _]?setting|harm_?(?:category|block_?threshold)", Repair.SAFETY),
    )
)


def repair_for(message: str) -> Repair | None:
    """Say what change of the request might turn this 400 into an answer."""
    for text, repair in _REPAIRS:
        if text.search(message):
            return repair
    return None
