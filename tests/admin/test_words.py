"""What the control plane says no with is said to readers in their language, by field."""

import pytest

from admin.readers import Language
from admin.words import refusals
from gateway.control.results import FieldError, Refused


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "A key has at most 20 tags."), ("zh_CN", "每个密钥最多 20 个标签。")],
)
def test_a_refusal_is_told_in_the_readers_language(language: Language, words: str) -> None:
    refused = Refused.because("tags", "A key has at most %(most)s tags.", most=20)

    assert refusals(refused, language) == {"tags": words}
    assert refused.message == "tags: A key has at most 20 tags."


def test_what_is_wrong_with_one_field_is_told_together() -> None:
    refused = Refused((FieldError("a", "One."), FieldError("", "100 % wrong."), FieldError("a", "Two.")))

    assert refusals(refused, "zh_CN") == {"a": "One. Two.", "": "100 % wrong."}
