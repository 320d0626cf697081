"""What the control plane says no with is said to readers in their language, by field."""

import pytest

from admin.readers import Language, Reader
from admin.words import UNITS, refusals
from gateway.control.results import FieldError, Refused
from gateway.control.setting_desk import read_import
from gateway.settings.catalogue import BY_NAME, DESCRIPTIONS
from gateway.settings.sources import check_value
from gateway.settings.unusable import Unusable


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "A key has at most 20 tags."), ("zh_CN", "每个密钥最多 20 个标签。")],
)
def test_a_refusal_is_told_in_the_readers_language(language: Language, words: str) -> None:
    refused = Refused.because("tags", "A key has at most %(most)s tags.", most=20)

    assert refusals(refused, Reader(language)) == {"tags": words}
    assert refused.message == "tags: A key has at most 20 tags."


def test_what_is_wrong_with_one_field_is_told_together() -> None:
    refused = Refused((FieldError("a", "One."), FieldError("", "100 % wrong."), FieldError("a", "Two.")))

    assert refusals(refused, Reader("zh_CN")) == {"a": "One. Two.", "": "100 % wrong."}


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese"),
    [
        (
            "MAX_RETRIES",
            -1,
            "must be a whole number of keys from 0 to 100",
            "必须是 0 到 100 之间的整数（单位：个密钥）",
        ),
        (
            "PROXIES",
            ["ftp://host"],
            "must be proxy addresses such as http://user:password@host:8080 or socks5://host:1080; "
            "known kinds are http, https, socks5, socks5h",
            "必须是代理地址，例如 http://user:password@host:8080 或 socks5://host:1080；"
            "支持的类型：http, https, socks5, socks5h",
        ),
    ],
)
def test_what_is_wrong_with_a_value_is_told_in_the_readers_language(
    name: str, value: object, english: str, chinese: str
) -> None:
    with pytest.raises(Unusable) as raised:
        check_value(BY_NAME[name], value)
    phrase = raised.value.phrase
    refused = Refused((FieldError(name, phrase.words, phrase.values),))

    assert refused.errors[0].message == str(raised.value) == english
    assert refusals(refused, Reader("zh_CN")) == {name: chinese}


def test_numbers_in_a_refusal_have_the_readers_form() -> None:
    refused = Refused.because("ids", "At most %(most)s at once; export them instead.", most=12_000)

    assert refusals(refused, Reader(numbers="de")) == {"ids": "At most 12.000 at once; export them instead."}
    assert refused.errors[0].message == "At most 12000 at once; export them instead."


def test_an_unreadable_line_of_an_import_is_told_in_the_readers_language() -> None:
    refused = read_import("A=1\nB=[x\n")

    assert isinstance(refused, Refused)
    assert refusals(refused, Reader("zh_CN")) == {"text": "第 2 行：这里打开的括号 [ 没有结束。"}


def test_every_unit_of_a_setting_has_words() -> None:
    assert {each.about.unit for each in DESCRIPTIONS} - {""} == set(UNITS)
