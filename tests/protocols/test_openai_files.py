"""Files of Gemini's as OpenAI's clients see them."""

from typing import Any

import pytest

from gateway.protocols.openai_files import (
    FileNote,
    display_name,
    epoch_s,
    file_id,
    file_name,
    file_object,
    note_of,
    read_note,
)


@pytest.mark.parametrize(
    ("name", "errors", "as_id"),
    [
        ("files/abc-123", False, "file-abc-123"),
        ("files/batch-x_y", False, "file-batch-x_y"),
        ("files/abc", True, "file_errors-abc"),
    ],
)
def test_names_and_ids_are_two_spellings(name: str, errors: bool, as_id: str) -> None:
    assert file_id(name, errors=errors) == as_id
    assert file_name(as_id) == (name, errors)


@pytest.mark.parametrize(
    "text", ["", "abc", "file-", "file-a/b", "file-../x", "files/abc", "file-a b", "file-ä"]
)
def test_what_is_no_id_of_ours_names_nothing(text: str) -> None:
    assert file_name(text) is None


def test_a_note_survives_as_text() -> None:
    note = FileNote("a.jsonl", "batch", 5, "application/jsonl", 1_800_000_000, "m", "m-search", 3)

    assert read_note(note.text()) == note


@pytest.mark.parametrize("text", ["", "{}x", "[]", '{"unheard": 1}'])
def test_what_is_no_note_is_none(text: str) -> None:
    assert read_note(text) is None


def test_google_s_own_words_make_a_note() -> None:
    file = {
        "name": "files/abc",
        "displayName": "a.pdf",
        "mimeType": "application/pdf",
        "sizeBytes": "12",
        "expirationTime": "2026-11-27T10:00:00.5Z",
    }

    assert note_of(file) == FileNote("a.pdf", "user_data", 12, "application/pdf", 1_795_773_600)
    assert note_of({"name": "files/abc", "sizeBytes": None}) == FileNote("abc")


@pytest.mark.parametrize(
    ("file", "status", "details"),
    [
        (None, "processed", None),
        ({"state": "ACTIVE"}, "processed", None),
        ({"state": "PROCESSING"}, "uploaded", None),
        ({"state": "FAILED", "error": {"message": "No video."}}, "error", "No video."),
    ],
)
def test_a_file_object_tells_the_state(file: Any, status: str, details: str | None) -> None:
    shown = file_object("files/abc", FileNote("a.txt", size=3), created_s=100, file=file)

    assert (shown["status"], shown["status_details"]) == (status, details)
    assert (shown["id"], shown["bytes"], shown["created_at"]) == ("file-abc", 3, 100)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a.txt", "a.txt"),
        ("/home/me/a.txt", "a.txt"),
        ("C:\\docs\\a.txt", "a.txt"),
        ("", "file"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_display_name_has_no_folders(given: str, shown: str) -> None:
    assert display_name(given) == shown


@pytest.mark.parametrize("moment", [None, 5, "", "yesterday"])
def test_what_is_no_moment_is_none(moment: object) -> None:
    assert epoch_s(moment) is None
