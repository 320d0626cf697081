"""The golden cases of native calls: add a folder under tests/golden/gemini, write no code.

call.json     the name in the path and the client's body
options.json  the operator's choices: `models` and `defaults` as in choices.py, `known` for the upstream's
              list of names
sent.json     the model asked and the body sent; no body: the client's own bytes travel on
"""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.protocols.model_suffixes import ask_model
from gateway.protocols.native_call import NativeOptions, native_bodies
from tests.protocols.choices import call_defaults, model_choices

CASES = sorted(folder for folder in (Path(__file__).parents[1] / "golden" / "gemini").iterdir())


def read(case: Path, name: str) -> Any:
    return orjson.loads((case / name).read_bytes())


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_native_call_is_sent_as_the_case_says(case: Path) -> None:
    call, chosen, expected = read(case, "call.json"), read(case, "options.json"), read(case, "sent.json")
    options = NativeOptions(
        model_choices(chosen.get("models", {})), call_defaults(chosen.get("defaults", {}))
    )
    before = orjson.dumps(call["body"])

    asked = ask_model(call["model"], options.models, known=frozenset(chosen.get("known", ())))
    bodies = native_bodies(call["body"], asked, options=options)

    assert asked.name == expected["model"]
    assert bodies.full == expected.get("body")
    assert bodies.bare == expected.get("bare_body", expected.get("body"))
    assert orjson.dumps(call["body"]) == before
