"""Which secrets open the gateway."""

import hypothesis
import pytest
from hypothesis import strategies

from gateway.control.tokens import Token, TokenBook

ALICE = Token(1, "alice")


@pytest.fixture
def book() -> TokenBook:
    tokens = TokenBook()
    tokens.replace([("sk-alice", ALICE), ("sk-bob", Token(2, "bob"))], admin_secret="sk-admin")
    return tokens


def test_a_known_secret_is_admitted_as_its_token(book: TokenBook) -> None:
    assert book.admit("sk-alice") is ALICE
    assert not ALICE.is_admin


def test_the_admin_s_secret_is_admitted_as_the_admin(book: TokenBook) -> None:
    admin = book.admit("sk-admin")

    assert admin is not None
    assert admin.is_admin
    assert admin.id is None


@pytest.mark.parametrize("secret", ["", "sk-alic", "sk-alicee", "SK-ALICE", " sk-alice", "sk-\udcff", "None"])
def test_anything_else_is_not_admitted(book: TokenBook, secret: str) -> None:
    assert book.admit(secret) is None


@hypothesis.given(strategies.text())
def test_no_text_is_admitted_by_chance(secret: str) -> None:
    tokens = TokenBook()
    tokens.replace([("sk-alice", ALICE)], admin_secret="sk-admin")

    assert (tokens.admit(secret) is not None) == (secret in ("sk-alice", "sk-admin"))


def test_an_empty_secret_opens_nothing_even_when_it_is_configured() -> None:
    tokens = TokenBook()
    tokens.replace([("", ALICE)], admin_secret="")

    assert tokens.admit("") is None
    assert len(tokens) == 0


def test_replacing_forgets_the_old_tokens(book: TokenBook) -> None:
    book.replace([("sk-carol", Token(3, "carol"))], admin_secret="sk-new-admin")

    assert [book.admit(secret) is None for secret in ("sk-alice", "sk-bob", "sk-admin")] == [True] * 3
    assert book.admit("sk-carol") == Token(3, "carol")
    assert len(book) == 1


def test_a_client_token_that_is_also_the_admin_s_counts_as_the_admin_s() -> None:
    tokens = TokenBook()
    tokens.replace([("sk-123456", ALICE)], admin_secret="sk-123456")

    admitted = tokens.admit("sk-123456")
    assert admitted is not None
    assert admitted.is_admin


@pytest.mark.parametrize(
    ("secret", "others", "same"),
    [
        ("a", ("b", "a"), True),
        ("a", ("b", ""), False),
        ("", ("",), False),
        ("a", (), False),
    ],
)
def test_sameness_of_a_few_secrets(secret: str, others: tuple[str, ...], same: bool) -> None:
    assert TokenBook.is_same(secret, others) is same


def test_a_token_book_shows_no_secret(book: TokenBook) -> None:
    assert "sk-alice" not in repr(book)
    assert "sk-alice" not in repr(book.admit("sk-alice"))
