"""Keys in whatever people paste."""

import pytest

from gateway.control.key_paste import MOST_KEYS, read_pasted
from gateway.control.pasting import Malformed
from tests.control.gateways import fake_key

ONE, TWO = fake_key(1), fake_key(2)
EXPRESS = "AQ.Test0123456789-abcdefghij_xyz"


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (ONE, [ONE]),
        (f"{ONE}\n{TWO}\n", [ONE, TWO]),
        (f'API_KEYS=["{ONE}","{TWO}"]', [ONE, TWO]),
        (f"Hi, my keys: {ONE}, and\tthe other one ({TWO}).", [ONE, TWO]),
        (f"https://host/v1beta/models?key={ONE}&alt=sse", [ONE]),
        (f"{EXPRESS};{ONE}", [EXPRESS, ONE]),
        (f"密钥：{ONE}。", [ONE]),
        ("my-own-key-1\n  'my-own-key-2',\r\n\n", ["my-own-key-1", "my-own-key-2"]),
        ("", []),
        ("\n \n", []),
    ],
)
def test_keys_are_found(text: str, secrets: list[str]) -> None:
    pasted = read_pasted(text)

    assert list(pasted.secrets) == secrets
    assert (pasted.repeated, pasted.malformed) == (0, ())


def test_a_key_that_stands_twice_counts_once() -> None:
    pasted = read_pasted(f"{ONE} {ONE}\n{TWO}\n{ONE}")

    assert (pasted.secrets, pasted.repeated) == ((ONE, TWO), 2)


@pytest.mark.parametrize("wrong", [ONE[:-1], ONE + "x", "AIzaSyTooShort"])
def test_what_is_almost_a_key_is_told_with_its_line_and_not_added(wrong: str) -> None:
    pasted = read_pasted(f"{TWO}\nsome words\n{wrong}\n")

    assert pasted.secrets == (TWO,)
    assert [each.line for each in pasted.malformed] == [3]
    assert wrong not in str(pasted)


def test_without_a_known_shape_a_line_with_spaces_is_no_key() -> None:
    pasted = read_pasted("my-own-key-1\nthese are my keys\nshort\n")

    assert pasted.secrets == ("my-own-key-1",)
    assert pasted.malformed == (Malformed(2, "th…ys"), Malformed(3, "…"))


@pytest.mark.parametrize("between", [",", "\n", "\r\n", " and "])
def test_no_key_of_a_long_text_is_cut(between: str) -> None:
    keys = [fake_key(number) for number in range(5_000)]

    pasted = read_pasted(between.join(keys))

    assert list(pasted.secrets) == keys
    assert pasted.malformed == ()


def test_lines_of_a_long_text_are_counted_right() -> None:
    text = "\n".join([*(fake_key(number) for number in range(5_000)), "AIzaSyTooShort", ""])

    assert [each.line for each in read_pasted(text).malformed] == [5_001]


def test_a_long_line_without_a_known_shape_is_no_key() -> None:
    pasted = read_pasted("my-own-key-1\n" + "word " * 40_000 + "my-own-key-2\n")

    assert pasted.secrets == ("my-own-key-1",)
    assert [each.line for each in pasted.malformed] == [2]


def test_a_text_has_a_bound() -> None:
    pasted = read_pasted("\n".join(f"key-number-{number}" for number in range(MOST_KEYS + 5)))

    assert (len(pasted.secrets), pasted.left_out) == (MOST_KEYS, 5)


def test_no_secret_stands_in_a_repr() -> None:
    assert ONE not in repr(read_pasted(ONE))
