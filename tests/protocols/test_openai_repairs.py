"""A repaired request differs where it must, and the first one stays as it was."""

import pytest

from gateway.protocols.failure_kinds import Repair
from gateway.protocols.openai_repairs import repaired
from gateway.protocols.shapes import GenerateContentRequest
from gateway.protocols.signatures import PLACEHOLDER


def request_with_everything() -> GenerateContentRequest:
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "real"}]},
        ],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}},
    }


def test_system_text_moves_into_the_first_turn() -> None:
    changed = repaired(request_with_everything(), Repair.SYSTEM_INSTRUCTION)

    assert changed is not None
    assert "systemInstruction" not in changed
    assert changed["contents"][0]["parts"] == [{"text": "s"}, {"text": "x"}]


def test_the_effort_goes_and_shown_thoughts_stay() -> None:
    changed = repaired(request_with_everything(), Repair.THINKING)

    assert changed is not None
    assert changed["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}


def test_signatures_become_placeholders() -> None:
    changed = repaired(request_with_everything(), Repair.SIGNATURE)

    assert changed is not None
    assert changed["contents"][1]["parts"][0]["thoughtSignature"] == PLACEHOLDER


@pytest.mark.parametrize("repair", list(Repair))
def test_the_first_request_stays_as_it_was(repair: Repair) -> None:
    request = request_with_everything()

    repaired(request, repair)

    assert request == request_with_everything()


@pytest.mark.parametrize("repair", list(Repair))
def test_nothing_to_change_is_said(repair: Repair) -> None:
    assert repaired({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}, repair) is None
