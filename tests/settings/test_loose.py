"""The forms people write for lists, maps, switches and numbers."""

import contextlib
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.catalogue import BY_NAME
from gateway.settings.loose import (
    parse,
    parse_list,
    parse_map,
    parse_table,
    unquoted,
    without_comments,
)

LISTS: list[tuple[str, tuple[str, ...] | None]] = [
    ('["a","b"]', ("a", "b")),
    (' [ "a" , "b" ] ', ("a", "b")),
    ("['a','b']", ("a", "b")),
    ("['a', 'b',]", ("a", "b")),
    ('["a","b",]', ("a", "b")),
    ("[a, b]", ("a", "b")),
    ('("key-1","key-2")', ("key-1", "key-2")),
    ('("sk-123456")', ("sk-123456",)),
    ("('key-1','key-2')", ("key-1", "key-2")),
    ("(key-1,key-2)", ("key-1", "key-2")),
    ("a,b", ("a", "b")),
    ("a, b,", ("a", "b")),
    (",a,,b", ("a", "b")),
    ("a;b", ("a", "b")),
    ("a\nb\r\nc", ("a", "b", "c")),
    ("a b\tc", ("a", "b", "c")),
    ("a，b、c；d", ("a", "b", "c", "d")),
    ("- a\n- b", ("a", "b")),
    ("AIzaSyOne", ("AIzaSyOne",)),
    ('"AIzaSyOne"', ("AIzaSyOne",)),
    ("'AIzaSyOne'", ("AIzaSyOne",)),
    ('"a","b"', ("a", "b")),
    ("'a','b'", ("a", "b")),
    ('"a,b"', ("a", "b")),
    ('\'["a","b"]\'', ("a", "b")),
    ('"["a","b"]"', ("a", "b")),
    ('"[\\"a\\",\\"b\\"]"', ("a", "b")),
    ('[\\"a\\",\\"b\\"]', ("a", "b")),
    ("[“a”,“b”]", ("a", "b")),
    ('\ufeff["a"]\u200b', ("a",)),
    ('[\n  "a",\n  "b"\n]', ("a", "b")),
    ("[123456, 7]", ("123456", "7")),
    ('["a","a","b"]', ("a", "b")),
    ('[" a "]', ("a",)),
    ("http://u:p@[::1]:80", ("http://u:p@[::1]:80",)),
    ("[http://[::1]:80]", ("http://[::1]:80",)),
    ("O'Neil,it's", ("O'Neil", "it's")),
    ("[]", ()),
    ("()", ()),
    ("[ ]", ()),
    ('[""]', ()),
    ('"[]"', ()),
    ("", None),
    ("  ", None),
    ('""', None),
    ("''", None),
    (",", None),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_a_list_is_read_in_every_form_people_write(text: str, expected: tuple[str, ...] | None) -> None:
    assert parse_list(unquoted(text)) == expected


@pytest.mark.parametrize(
    "text", ['["hush"', "[", '("hush","b"', '["hush","b]', '{"hush":1}', '"hush', '["hush"]x']
)
def test_a_broken_list_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        parse_list(text)
    assert "hush" not in str(refused.value)


MAPS: list[tuple[str, dict[str, object] | None]] = [
    ('{"X-A":"1","X-B":"two words"}', {"X-A": "1", "X-B": "two words"}),
    ("{'X-A':'1', 'X-B':'2',}", {"X-A": "1", "X-B": "2"}),
    ("X-A:1,X-B:2", {"X-A": "1", "X-B": "2"}),
    ("X-A: 1\nX-B: 2", {"X-A": "1", "X-B": "2"}),
    ("X-A=1,X-B=2", {"X-A": "1", "X-B": "2"}),
    ("X-A = 1", {"X-A": "1"}),
    ("X-Url: https://host/a?b=c", {"X-Url": "https://host/a?b=c"}),
    ("X-Url=https://host", {"X-Url": "https://host"}),
    ('{"X-A":"a, b: c"}', {"X-A": "a, b: c"}),
    ("{'X-A':'a, b: c'}", {"X-A": "a, b: c"}),
    ("User-Agent: My App 1.0", {"User-Agent": "My App 1.0"}),
    ("{}", {}),
    ("[]", {}),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), MAPS)
def test_a_map_is_read_in_every_form_people_write(text: str, expected: dict[str, object] | None) -> None:
    assert parse_map(text) == expected


@pytest.mark.parametrize("text", ["X-A", "X-A: a, b", "{", '{"X-A":"1"', ": x", '["a","b"]'])
def test_a_broken_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        parse_map(text)


ROWS = ({"category": "A", "threshold": "OFF"}, {"category": "B", "threshold": "BLOCK_NONE"})
TABLES: list[tuple[str, object]] = [
    ('[{"category":"A","threshold":"OFF"},{"category":"B","threshold":"BLOCK_NONE"}]', ROWS),
    ("[{'category': 'A', 'threshold': 'OFF'}, {'category': 'B', 'threshold': 'BLOCK_NONE'},]", ROWS),
    ('[{\\"category\\":\\"A\\",\\"threshold\\":\\"OFF\\"}]', ROWS[:1]),
    ('"[{"category":"A","threshold":"OFF"}]"', ROWS[:1]),
    ('{"category":"A","threshold":"OFF"}', ROWS[0]),
    ("A:OFF,B:BLOCK_NONE", {"A": "OFF", "B": "BLOCK_NONE"}),
    ("[]", ()),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), TABLES)
def test_a_list_of_maps_is_read_in_every_form_people_write(text: str, expected: object) -> None:
    assert parse_table(text) == expected


@pytest.mark.parametrize("text", ["[1]", '["a"]', "[{", "[open('x')]", "(1).real", '[{"a":1}'])
def test_a_broken_list_of_maps_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        parse_table(text)


SINGLES: list[tuple[str, str, object]] = [
    ("SHOW_THINKING_PROCESS", "true", True),
    ("SHOW_THINKING_PROCESS", "True", True),
    ("SHOW_THINKING_PROCESS", "TRUE", True),
    ("SHOW_THINKING_PROCESS", "1", True),
    ("SHOW_THINKING_PROCESS", "Yes", True),
    ("SHOW_THINKING_PROCESS", "on", True),
    ("SHOW_THINKING_PROCESS", '" on "', True),
    ("SHOW_THINKING_PROCESS", "false", False),
    ("SHOW_THINKING_PROCESS", "0", False),
    ("SHOW_THINKING_PROCESS", "No", False),
    ("SHOW_THINKING_PROCESS", "OFF", False),
    ("SHOW_THINKING_PROCESS", "", None),
    ("MAX_RETRIES", " 5 ", 5),
    ("MAX_RETRIES", '"5"', 5),
    ("MAX_RETRIES", "'5'", 5),
    ("MAX_RETRIES", "5.0", 5),
    ("MAX_RETRIES", "+5", 5),
    ("MAX_RETRIES", "[5]", 5),
    ("MAX_RETRIES", "''", None),
    ("TIME_OUT", "300", 300.0),
    ("TIME_OUT", " 0.5 ", 0.5),
    ("TIME_OUT", ".5", 0.5),
    ("DATABASE_TYPE", "SQLite", "sqlite"),
    ("DATABASE_TYPE", '"mysql"', "mysql"),
    ("AUTH_TOKEN", "sk-123456", "sk-123456"),
    ("AUTH_TOKEN", '["sk-123456"]', "sk-123456"),
    ("AUTH_TOKEN", '("sk-123456")', "sk-123456"),
    ("AUTH_TOKEN", "[]", None),
    ("AUTH_TOKEN", "a[b", "a[b"),
    ("BASE_URL", '["https://host/v1beta"]', "https://host/v1beta"),
]


@pytest.mark.parametrize(("name", "text", "expected"), SINGLES)
def test_a_single_value_is_read_in_every_form_people_write(name: str, text: str, expected: object) -> None:
    parsed = parse(BY_NAME[name], text)
    assert parsed == expected
    assert type(parsed) is type(expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SHOW_THINKING_PROCESS", "maybe"),
        ("SHOW_THINKING_PROCESS", "2"),
        ("MAX_RETRIES", "abc"),
        ("MAX_RETRIES", "5.5"),
        ("MAX_RETRIES", "1_0"),
        ("MAX_RETRIES", "9" * 5000),
        ("MAX_RETRIES", "٣"),
        ("TIME_OUT", "300s"),
        ("TIME_OUT", "nan"),
        ("TIME_OUT", "inf"),
        ("TIME_OUT", "1e5"),
        ("AUTH_TOKEN", '["one","two"]'),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        parse(BY_NAME[name], text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default_db          # or the five MYSQL_… names", "default_db          "),
        ('["a"] # one', '["a"] '),
        ('["a # b"] # c', '["a # b"] '),
        ('[\n"a", # one\n# two\n"b"]', '[\n"a", \n\n"b"]'),
        ("a#b", "a#b"),
        ("#a", "#a"),
        (" # a", " "),
        ("O'Neil # x", "O'Neil "),
    ],
)
def test_a_trailing_comment_is_dropped_outside_quotes(text: str, expected: str) -> None:
    assert without_comments(text) == expected


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z", "Cf")), min_size=1)


@given(st.lists(WORDS.filter(lambda word: unquoted(word) == word), unique=True))
def test_a_list_written_as_json_comes_back_the_same(items: list[str]) -> None:
    assert parse_list(orjson.dumps(items).decode()) == tuple(items)


@given(st.dictionaries(WORDS, st.text()))
def test_a_map_written_as_json_comes_back_the_same(items: dict[str, str]) -> None:
    assert parse_map(orjson.dumps(items).decode()) == items


KEYS = st.lists(
    st.from_regex(r"[A-Za-z0-9_.-]*[A-Za-z0-9][A-Za-z0-9_.-]*", fullmatch=True), min_size=1, unique=True
)
FORMS: dict[str, Callable[[list[str]], str]] = {
    "json": lambda keys: orjson.dumps(keys).decode(),
    "python": lambda keys: repr(keys),
    "tuple": lambda keys: "(" + ",".join(f'"{key}"' for key in keys) + ")",
    "commas": ",".join,
    "semicolons": "; ".join,
    "lines": "\r\n".join,
    "spaces": " ".join,
    "quoted": lambda keys: '"' + ", ".join(keys) + '"',
    "json in quotes": lambda keys: f"'{orjson.dumps(keys).decode()}'",
    "escaped": lambda keys: '"' + orjson.dumps(keys).decode().replace('"', '\\"') + '"',
}


@pytest.mark.parametrize("form", FORMS)
@given(keys=KEYS)
def test_keys_come_back_the_same_from_every_form(form: str, keys: list[str]) -> None:
    assert parse_list(FORMS[form](keys)) == tuple(keys)


@given(st.text())
def test_any_text_is_a_list_or_refused(text: str) -> None:
    try:
        parsed = parse_list(text)
    except ValueError:
        return
    assert parsed is None or all(parsed)


@given(st.sampled_from(sorted(BY_NAME)), st.text())
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(BY_NAME[name], text)
