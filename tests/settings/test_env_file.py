"""The layouts people give a `.env` file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.env_file import parse_env_file

LAYOUTS: list[tuple[str, dict[str, str]]] = [
    ("A=1", {"A": "1"}),
    ("A=1\nB=2\n", {"A": "1", "B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("A=1\rB=2", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("export A=1", {"A": "1"}),
    ("export\tA = 1 ", {"A": "1"}),
    ("  A  =  1  ", {"A": "1"}),
    ("A=", {"A": ""}),
    ("A=\nB=2", {"A": "", "B": "2"}),
    ("A= # nothing yet\nB=2", {"A": "", "B": "2"}),
    ("A=#1", {"A": "#1"}),
    ("A=a#b", {"A": "a#b"}),
    ("A=1 # one", {"A": "1"}),
    ("A=1\t#one", {"A": "1"}),
    ("A='1' # one", {"A": "1"}),
    ('A="1 # one"', {"A": "1 # one"}),
    ("A='it is' ", {"A": "it is"}),
    ("A='1',", {"A": "1"}),
    ('A="1";', {"A": "1"}),
    ("# 数据库配置\nA=1 # 每天\n", {"A": "1"}),
    ("A=猫", {"A": "猫"}),
    ("A: 1", {"A": "1"}),
    ('A: "1"', {"A": "1"}),
    ("A:\n", {"A": ""}),
    ('"A"=1', {"A": "1"}),
    ("A=https://host:80/x?y=z", {"A": "https://host:80/x?y=z"}),
    ("A=O'Neil", {"A": "O'Neil"}),
    ('A=["a","b"]', {"A": '["a","b"]'}),
    ('A=["a","b"] # two', {"A": '["a","b"]'}),
    ("A=['a','b']", {"A": "['a','b']"}),
    ('A=("key-1","key-2")        # loose', {"A": '("key-1","key-2")'}),
    ('A={"x": 1}', {"A": '{"x": 1}'}),
    ('A="a","b"', {"A": '"a","b"'}),
    ("A='a', 'b' # two", {"A": "'a', 'b'"}),
    ('A=[\n  "a",\n  "b"\n]\nB=2', {"A": '[\n  "a",\n  "b"\n]', "B": "2"}),
    ('A=[\r\n"a"]\r\nB=2', {"A": '[\r\n"a"]', "B": "2"}),
    ('A=[\n"a", # one ]\n# "b",\n"c"\n]', {"A": '[\n"a", \n\n"c"\n]'}),
    ('A=["a]",\n"b"]', {"A": '["a]",\n"b"]'}),
    ('A=\'[\n"a",\n"b"\n]\'\nB=2', {"A": '[\n"a",\n"b"\n]', "B": "2"}),
    ('A="[\\"a\\"]"', {"A": '["a"]'}),
    ("A=(b)c", {"A": "(b)c"}),
    ("A=1\nA=2", {"A": "2"}),
    ("", {}),
    ("\n \t\n# only\n", {}),
]


@pytest.mark.parametrize(("text", "expected"), LAYOUTS)
def test_a_file_is_read_in_every_layout_people_write(text: str, expected: dict[str, str]) -> None:
    read = parse_env_file(text.encode())
    assert read.problems == ()
    assert {binding.name: binding.text for binding in read.bindings} == expected


def test_a_file_saved_as_utf_16_is_read() -> None:
    assert parse_env_file("A=猫\r\n".encode("utf-16")).bindings[0].text == "猫"


def test_comments_may_be_in_another_encoding() -> None:
    read = parse_env_file("# 数据库\nA=1 # 每天\n".encode("gbk"))
    assert [(binding.name, binding.text) for binding in read.bindings] == [("A", "1")]
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("A=1\nhush hush\nB=2", 2, "NAME=value"),
        ("A=1\nhush", 2, "NAME=value"),
        ("A=1\n\n=hush", 3, "NAME=value"),
        ('A=1\nB="hush\nC=3', 2, 'quote " opened'),
        ("B='hush' and more'", 1, "quote ' opened"),
        ('A=1\r\n\r\nB=["hush",\r\nC=3', 3, "bracket [ opened"),
        ("B=(hush", 1, "bracket ( opened"),
        ('A=["x",\n"y"]\nB=["z"]\nhush-\nC=1', 4, "NAME=value"),
        ('"hush",', 1, "NAME=value"),
        ("- A=hush", 1, "NAME=value"),
        ("A:hush", 1, "NAME=value"),
        ("A=hu\0sh", 1, "zero byte"),
    ],
)
def test_an_unreadable_line_is_named_and_not_repeated(text: str, line: int, says: str) -> None:
    ((found, what),) = parse_env_file(text.encode()).problems
    assert found == line
    assert says in str(what)
    assert "hush" not in str(what)


def test_a_value_in_another_encoding_is_named() -> None:
    ((line, what),) = parse_env_file("A=1\nB=每天\n".encode("gbk")).problems
    assert (line, "UTF-8" in str(what)) == (2, True)


def test_what_follows_an_unreadable_line_is_still_read() -> None:
    read = parse_env_file(b'A=[1\nnonsense here\nB="x\nC=3')
    assert [line for line, _ in read.problems] == [1, 2, 3]
    assert [binding.name for binding in read.bindings] == ["C"]


def test_a_binding_does_not_show_its_value() -> None:
    assert "hush" not in repr(parse_env_file(b"A=hush"))


@given(st.binary())
def test_any_bytes_are_read_or_named(content: bytes) -> None:
    parse_env_file(content)


PIECES = st.sampled_from(
    [
        "A",
        "=",
        ":",
        " ",
        "\n",
        "\r\n",
        '"',
        "'",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "#",
        "\\",
        ",",
        "export ",
        "é",
        "\x85",
    ]
)


@given(st.lists(PIECES, max_size=40))
def test_any_mixture_of_signs_ends_and_lines_stay_in_the_file(pieces: list[str]) -> None:
    text = "".join(pieces)
    read = parse_env_file(text.encode())
    lines = [line for line, _ in read.problems] + [binding.line for binding in read.bindings]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffd"))


@given(VALUES)
def test_a_value_in_double_quotes_comes_back_the_same(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    (binding,) = parse_env_file(f'BEFORE="x"\nA="{escaped}" # end\n'.encode()).bindings[1:]
    assert (binding.text, binding.line, binding.quoted) == (value, 2, True)
