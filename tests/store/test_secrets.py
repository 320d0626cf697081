"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import StoreError, StoreUnavailable
from gateway.store.secrets import Cipher, secret_hash

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()
AMBIGUOUS = ["fernet:", "fernet:abc", "plain:", "plain:fernet:abc", "plain:plain:", "sk-1", ""]


@pytest.mark.parametrize("secret", AMBIGUOUS)
@pytest.mark.parametrize("keys", [(), (FIRST,)])
def test_a_secret_that_looks_like_a_mark_comes_back_as_it_was(secret: str, keys: tuple[str, ...]) -> None:
    cipher = Cipher(keys)

    assert cipher.open(cipher.seal(secret)) == secret


@given(st.text(), st.sampled_from(["", "fernet:", "plain:"]))
def test_every_text_comes_back_as_it_was(text: str, start: str) -> None:
    assert Cipher().open(Cipher().seal(start + text)) == start + text


def test_a_plain_secret_is_stored_as_it_is() -> None:
    assert Cipher().seal("sk-123456") == "sk-123456"


def test_a_sealed_secret_is_not_in_its_stored_form() -> None:
    assert "sk-123456" not in Cipher([FIRST]).seal("sk-123456")


def test_secrets_stored_plain_are_readable_once_there_is_a_key() -> None:
    assert Cipher([FIRST]).open(Cipher().seal("fernet:sk")) == "fernet:sk"


def test_an_old_key_opens_after_a_rotation_and_the_new_one_seals() -> None:
    stored = Cipher([FIRST]).seal("sk-1")
    rotated = Cipher([SECOND, FIRST])

    assert rotated.open(stored) == "sk-1"
    assert Cipher([SECOND]).open(rotated.seal("sk-1")) == "sk-1"


def test_a_missing_key_is_said_in_words() -> None:
    with pytest.raises(StoreUnavailable, match="set ENCRYPTION_KEY"):
        Cipher().open(Cipher([FIRST]).seal("sk-1"))


def test_a_wrong_key_is_said_in_words() -> None:
    with pytest.raises(StoreUnavailable, match="ENCRYPTION_KEY does not open"):
        Cipher([SECOND]).open(Cipher([FIRST]).seal("sk-1"))


@pytest.mark.parametrize("keys", [(), (FIRST,)])
def test_a_secret_that_is_no_text_is_refused_in_words(keys: tuple[str, ...]) -> None:
    with pytest.raises(StoreError, match="no text"):
        Cipher(keys).seal("sk-\ud800")


def test_even_what_is_no_text_has_a_hash() -> None:
    assert len(secret_hash("sk-\ud800")) == 64
