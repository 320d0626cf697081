"""What Google checks about `contents`: turns, parts, their order, function counts, thought signatures.

Pure; the rest of a request is checks.py's business. Gives turns with camelCase names, or refuses.
Source: Gemini API; messages as reported publicly.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.simulator import field_names
from gateway.simulator.error_bodies import signature_corrupted, signature_missing
from gateway.simulator.field_names import (
    RefusedError,
    known_fields,
    list_of,
    refuse,
    refuse_value,
    snake_case,
)

SKIP_SIGNATURES = frozenset(("skip_thought_signature_validator", "context_engineering_is_the_way_to_go"))

Part = dict[str, Any]
SignatureCheck = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """One content: `role` is user or model; parts have camelCase names."""

    role: str
    parts: tuple[Part, ...]

    def having(self, name: str) -> list[Part]:
        return [part for part in self.parts if name in part]

    @property
    def text(self) -> str:
        return "\n".join(part["text"] for part in self.parts if "text" in part and not part.get("thought"))


def read_turns(contents: object, message: str = "GenerateContentRequest") -> tuple[Turn, ...]:
    """Check `contents`."""
    turns = tuple(
        read_turn(content, f"contents[{index}]")
        for index, content in enumerate(list_of(contents, "contents"))
    )
    if not turns:
        refuse(f"* {message}.contents: contents is not specified\n")
    return _joined(turns)


def _joined(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Join neighbours of one role, as the real API does: google-genai's chats send a model's call and its
    closing empty text as two contents."""
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, joined[-1].parts + turn.parts)
        else:
            joined.append(turn)
    return tuple(joined)


def size_bytes(turns: Iterable[Turn]) -> int:
    """Give the length of all text in turns."""
    return sum(len(str(part.get("text") or part)) for turn in turns for part in turn.parts)


def read_turn(content: object, where: str) -> Turn:
    """Check one content, which stands at `where`."""
    fields = known_fields(content, field_names.CONTENT, where)
    role = fields.get("role") or "user"
    if role not in ("user", "model", "function"):
        refuse("Please use a valid role: user, model.")
    parts = tuple(
        _part(part, f"{where}.parts[{index}]")
        for index, part in enumerate(list_of(fields.get("parts"), f"{where}.parts"))
    )
    if not parts:
        refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n")
    return Turn("user" if role == "function" else role, parts)


def _part(value: object, where: str) -> Part:
    part = known_fields(value, field_names.PART, where)
    data = [name for name in part if name in field_names.PART_DATA]
    if not data:
        refuse(
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized "
            "field\n"
        )
    if len(data) > 1:
        refuse(
            f"Invalid value at '{where}' (oneof), oneof field 'data' is already set. Cannot set '{data[1]}'",
            violation=True,
        )
    for name in ("text", "thoughtSignature"):
        if not isinstance(part.get(name, ""), str):
            refuse_value(part[name], f"{where}.{snake_case(name)}", "TYPE_STRING")
    for name, names in (
        ("functionCall", field_names.FUNCTION_CALL),
        ("functionResponse", field_names.FUNCTION_RESPONSE),
    ):
        if name in part:
            place = f"{where}.{snake_case(name)}"
            part[name] = known_fields(part[name], names, place)
            if not isinstance(part[name].get("name", ""), str):
                refuse_value(part[name]["name"], f"{place}.name", "TYPE_STRING")
            if not part[name].get("name"):
                refuse(f"* GenerateContentRequest.{place}.name: Name cannot be empty.\n")
    if "functionResponse" in part and not isinstance(part["functionResponse"].get("response", {}), dict):
        place = f"{where}.function_response.response"
        refuse_value(part["functionResponse"]["response"], place, "google.protobuf.Struct")
    return part


def check_order(turns: tuple[Turn, ...]) -> None:
    """Check that calls and their responses match, and that the user has the last word."""
    if turns[-1].role == "model":
        refuse("Please ensure that multiturn requests ends with a user role or a function response.")
    before: Turn | None = None
    for turn in turns:
        calls_before = before.having("functionCall") if before else []
        responses = turn.having("functionResponse")
        if turn.having("functionCall") and (before is None or before.role != "user"):
            refuse(
                "Please ensure that function call turn comes immediately after a user turn or after a "
                "function response turn."
            )
        if responses and not calls_before:
            refuse("Please ensure that function response turn comes immediately after a function call turn.")
        if len(responses) != len(calls_before):
            refuse(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )
        before = turn


def check_signatures(turns: tuple[Turn, ...], is_our_signature: SignatureCheck) -> None:
    """Check the current turn: every model step after the last thing the user said himself."""
    asked = max(
        (
            index
            for index, turn in enumerate(turns)
            if turn.role == "user" and any("functionResponse" not in part for part in turn.parts)
        ),
        default=0,
    )
    position = 0
    for index, turn in enumerate(turns):
        first_call = True
        for part in turn.parts:
            position += 1
            signature = part.get("thoughtSignature")
            if index <= asked or turn.role != "model":
                continue
            if "functionCall" in part and first_call:
                first_call = False
                if not signature:
                    raise RefusedError(signature_missing(part["functionCall"]["name"], position))
            if signature and signature not in SKIP_SIGNATURES and not is_our_signature(signature):
                raise RefusedError(signature_corrupted())
