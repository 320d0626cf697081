"""Which addresses and ids of a request must be looked up before it can be translated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.remote_media import file_ids, remote_urls, shown_pictures, upstream_file


def message(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": "see"}, {"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/a"}},
        {"type": "image_url", "image_url": " https://example.org/a\n"},
        {"type": "input_image", "image_url": "https://example.org/a"},
        {"type": "video_url", "video_url": {"url": "https://example.org/a"}},
        {"type": "audio_url", "audio_url": {"url": "https://example.org/a"}},
        {"type": "file", "file": {"file_url": "https://example.org/a"}},
        {"type": "file", "file": {"file_data": "https://example.org/a"}},
        {"type": "input_file", "file_url": "https://example.org/a"},
        {"type": "input_audio", "input_audio": {"data": "https://example.org/a", "format": "mp3"}},
    ],
)
def test_an_address_is_found_wherever_media_may_stand(part: Any) -> None:
    assert remote_urls(message(part)) == ("https://example.org/a",)


@pytest.mark.parametrize(
    "address",
    [
        "data:image/png;base64,AAAA",
        "iVBORw0KGgo=",
        "https://www.youtube.com/watch?v=abc",
        "https://youtu.be/abc",
        "https://generativelanguage.googleapis.com/v1beta/files/abc-1",
        "gs://bucket/picture.png",
        "ftp://example.org/a",
    ],
)
def test_what_gemini_reads_itself_or_stands_inline_is_not_listed(address: str) -> None:
    assert remote_urls(message({"type": "image_url", "image_url": {"url": address}})) == ()


def test_each_address_is_listed_once_in_order() -> None:
    pictures = [{"type": "image_url", "image_url": {"url": f"HTTPS://example.org/{name}"}} for name in "bab"]

    assert remote_urls(message(*pictures)) == ("HTTPS://example.org/b", "HTTPS://example.org/a")


def test_addresses_in_the_output_of_a_response_call_are_found() -> None:
    item = {"type": "function_call_output", "output": [{"type": "input_image", "image_url": "http://x.y/z"}]}

    assert remote_urls([item]) == ("http://x.y/z",)


def test_the_last_pictures_that_answers_showed_are_found() -> None:
    def said(role: str, content: Any) -> Any:
        return {"role": role, "content": content}

    shown = "![image](https://host.example/{}.png)"
    messages = [
        said("assistant", " ".join(shown.format(number) for number in range(3))),
        said("user", shown.format("user's")),
        said("assistant", [{"type": "text", "text": f"See {shown.format(3)}, {shown.format(4)}."}]),
        said(
            "assistant",
            "![a map](https://host.example/map.png) ![image](data:image/png;base64,AA) " + shown.format(4),
        ),
    ]

    assert shown_pictures(messages) == tuple(f"https://host.example/{number}.png" for number in (1, 2, 3, 4))


def test_ids_of_files_are_listed_and_geminis_own_names_are_not() -> None:
    parts = [{"type": "file", "file": {"file_id": name}} for name in ("file-1", "files/abc", "file-1")]

    assert file_ids(message(*parts, {"type": "input_file", "file_id": "file-2"})) == ("file-1", "file-2")


@pytest.mark.parametrize(
    ("file_id", "uri"),
    [
        ("files/abc", "https://generativelanguage.googleapis.com/v1beta/files/abc"),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc", None),
    ],
)
def test_geminis_own_file_names_become_its_uris(file_id: str, uri: str | None) -> None:
    assert upstream_file(file_id) == (uri or file_id)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4) | st.just("https://example.org"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from("content output type image_url url file file_data file_id data".split()),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_nothing_a_client_sends_makes_the_search_fail(messages: Any) -> None:
    assert all(
        isinstance(found, str) for find in (remote_urls, file_ids, shown_pictures) for found in find(messages)
    )
