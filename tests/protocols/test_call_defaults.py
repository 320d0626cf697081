"""What settings and suffixes add to bodies: whatever the body is, nothing a client said is changed."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.call_defaults import CallDefaults
from gateway.protocols.gemini_fields import member
from gateway.protocols.model_suffixes import AskedModel, ModelChoices, ask_model, has_suffix, twins
from gateway.protocols.native_call import NativeOptions, native_bodies

MODEL = "gemini-3.5-flash"
EVERYTHING = NativeOptions(
    defaults=CallDefaults(
        safety=({"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},),
        thinking_budgets={MODEL: 1000},
        url_context=frozenset({MODEL}),
        code_execution=True,
    )
)
NAMES = (
    "contents parts tools toolConfig tool_config generationConfig generation_config thinkingConfig "
    "thinking_config thinkingBudget thinking_level includeThoughts responseMimeType responseModalities "
    "safetySettings safety_settings cachedContent functionDeclarations googleSearch google_search urlContext "
    "code_execution inlineData text other"
).split()
VALUES = ["", "text/plain", "application/json", "TEXT"]
ANY_BODY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=15,
)


def still_said(said: Any, sent: Any) -> bool:
    """True where everything said is in what is sent; lists may have grown at their end.

    A single object where a list may stand counts as a list of one, as proto-JSON has it.
    """
    if isinstance(said, dict) and said:
        kept = sent[0] if isinstance(sent, list) and sent else sent
        kept = kept if isinstance(kept, dict) else {}
        return all(still_said(value, kept.get(name)) for name, value in said.items())
    if isinstance(said, list) and said:
        return isinstance(sent, list) and all(map(still_said, said, sent)) and len(sent) >= len(said)
    return said in (None, [], {}) or bool(said == sent)


@given(
    st.dictionaries(st.sampled_from(NAMES), ANY_BODY, max_size=6),
    st.builds(AskedModel, st.just(MODEL), st.booleans(), st.booleans(), st.booleans()),
)
def test_nothing_a_client_said_is_lost_or_changed(body: dict[str, Any], asked: AskedModel) -> None:
    before = copy.deepcopy(body)

    bodies = native_bodies(body, asked, options=EVERYTHING)

    assert body == before
    for sent in (bodies.full, bodies.bare):
        assert sent is None or still_said(body, sent), sent


@given(st.dictionaries(st.sampled_from(NAMES), ANY_BODY, max_size=6))
def test_without_settings_and_suffixes_a_body_travels_as_it_came(body: dict[str, Any]) -> None:
    bodies = native_bodies(body, AskedModel(MODEL), options=NativeOptions())

    assert (bodies.full, bodies.bare) == (None, None)


@given(st.lists(st.sampled_from(["-search", "-image", "-non-thinking"]), unique=True))
def test_suffixes_mean_the_same_in_any_order(suffixes: list[str]) -> None:
    choices = ModelChoices(search=frozenset({MODEL}), image=frozenset({MODEL}))

    name = MODEL + "".join(suffixes)

    asked = ask_model(name, choices, known=frozenset({MODEL}))

    wishes = ["-search" in suffixes, "-image" in suffixes, "-non-thinking" in suffixes]
    assert asked == AskedModel(MODEL, *wishes)
    assert has_suffix(name) == bool(suffixes)


@given(st.sets(st.sampled_from(["a", "a-search", "a-image", "a-image-search", "a-non-thinking"])), st.data())
def test_a_name_the_upstream_knows_is_asked_as_it_is(known: set[str], data: st.DataObject) -> None:
    choices = ModelChoices(any_search=True, image=frozenset({"a"}), thinking=frozenset({"a"}))
    for name in known:
        assert ask_model(name, choices, known=frozenset(known)) == AskedModel(name)
    if known:
        name = data.draw(st.sampled_from(sorted(known)))
        for twin in set(twins(name, choices)) - known:
            assert ask_model(twin, choices, known=frozenset(known)).name == name


def test_either_spelling_is_read() -> None:
    assert member({"generation_config": 1}, "generationConfig") == 1
    assert member({"generationConfig": None, "generation_config": 2}, "generationConfig") == 2
    assert member([], "generationConfig") is None
