"""What people type, and what they meant; what they wrote right stays, and no operation becomes another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.path_repair import read_repaired
from gateway.protocols.paths import Api, Route, read_route

CHAT = Route(Api.OPENAI, "v1", "chat/completions", "")
LIST = Route(Api.SHARED, "v1", "models", "")


def call(verb: str, version: str = "v1beta", model: str = "M") -> Route:
    return Route(Api.GEMINI, version, f"models/{model}", verb)


MEANT = {
    # An unknown prefix.
    "/api/v1/chat/completions": CHAT,
    "/foo/bar/v1/chat/completions": CHAT,
    "/api/chat/completions": CHAT,
    "/proxy/openai/v1/chat/completions": Route(Api.COMPATIBLE, "v1", "chat/completions", ""),
    "/https://host.example/v1/chat/completions": CHAT,
    "/api/v1/models": LIST,
    "/api/models": LIST,
    "/api/v1/embeddings": Route(Api.OPENAI, "v1", "embeddings", ""),
    "/api/v1/audio/speech": Route(Api.OPENAI, "v1", "audio/speech", ""),
    "/api/v1/models/gemini-3.5-flash": Route(Api.SHARED, "v1", "models/gemini-3.5-flash", ""),
    "/foo/v1beta/models/M:generateContent": call("generateContent"),
    "/foo/v1beta/models/M:streamGenerateContent": call("streamGenerateContent"),
    "/foo/v1beta/models/M:countTokens": call("countTokens"),
    "/foo/v1beta/models/M:embedContent": call("embedContent"),
    "/foo/v1beta/models/M:batchEmbedContents": call("batchEmbedContents"),
    "/foo/v1/models/M:countTokens": call("countTokens", "v1"),
    "/foo/models/M:countTokens": call("countTokens", ""),
    "/foo/gemini/v1beta/models/M:countTokens": call("countTokens"),
    "/foo/v1beta/models": Route(Api.GEMINI, "v1beta", "models", ""),
    "/foo/v1beta/files/abc": Route(Api.GEMINI, "v1beta", "files/abc", ""),
    "/foo/v1beta/cachedContents": Route(Api.GEMINI, "v1beta", "cachedContents", ""),
    "/foo/upload/v1beta/files": Route(Api.GEMINI, "v1beta", "files", "", door="upload"),
    "/foo/vertex-express/v1/publishers/google/models/M:generateContent": Route(
        Api.GEMINI, "v1", "models/M", "generateContent", provider="vertex"
    ),
    "/foo/v1/files/file-1/content": Route(Api.SHARED, "v1", "files/file-1/content", ""),
    # A whole endpoint pasted as the base URL: what the client added counts.
    "/v1/chat/completions/chat/completions": CHAT,
    "/v1/chat/completions/v1/chat/completions": CHAT,
    "/v1/chat/chat/completions": CHAT,
    "/v1/models/v1/chat/completions": CHAT,
    "/v1/chat/completions/models": LIST,
    "/v1/chat/completions/v1/models": LIST,
    "/v1/models/models": LIST,
    "/v1/chat/completions/embeddings": Route(Api.OPENAI, "v1", "embeddings", ""),
    "/v1/chat/completions/audio/speech": Route(Api.OPENAI, "v1", "audio/speech", ""),
    "/v1/embeddings/embeddings": Route(Api.OPENAI, "v1", "embeddings", ""),
    "/v1/chat/completions/v1beta/models/M:countTokens": call("countTokens"),
    "/v1beta/models/v1beta/models/M:countTokens": call("countTokens"),
    "/v1beta/models/X:generateContent/v1beta/models/M:countTokens": call("countTokens"),
    "/v1/chat/models/M:countTokens": call("countTokens", ""),
    # The version of the other API, or none.
    "/v1beta/chat/completions": CHAT,
    "/gemini/v1beta/chat/completions": CHAT,
    "/v1beta/embeddings": Route(Api.OPENAI, "v1", "embeddings", ""),
    "/openai/v1/models/M:countTokens": call("countTokens", "v1"),
    "/images/generations": Route(Api.OPENAI, "", "images/generations", ""),
    "/M:generateContent": call("generateContent", ""),
    # Letters and blanks.
    "/V1/Chat/Completions": CHAT,
    "/v1/chat/completions%20": CHAT,
    "/api//v1//chat//completions//": CHAT,
}


@pytest.mark.parametrize("path", MEANT)
def test_a_path_is_read_as_it_was_meant(path: str) -> None:
    assert read_repaired(path) == MEANT[path]


RIGHT = [
    "/v1/chat/completions",
    "/chat/completions",
    "/hf/v1/chat/completions",
    "/v1/v1/chat/completions",
    "/openai/deployments/D/chat/completions",
    "/v1beta/openai/chat/completions",
    "/v1/models",
    "/models",
    "/v1/models/models%2Fgemini-3.5-flash",
    "/v1/models/org/name",
    "/v1/files/file-1/content",
    "/v1/batches/b-1/cancel",
    "/v1/images/edits",
    "/v1/responses/resp_1",
    "/v1/messages/count_tokens",
    "/v1beta/models",
    "/v1beta/models/M:countTokens",
    "/gemini/v1beta/v1/models/M:countTokens",
    "/v1beta/tunedModels/T:generateContent",
    "/v1beta/files/models",
    "/v1beta/corpora/c/documents/d/chunks/models",
    "/v1beta/newThings/files/abc:doIt",
    "/v1beta/newThings/chat/completions",
    "/v1beta/fileSearchStores/s/documents/models",
    "/v1/cachedContents/c",
    "/upload/v1beta/files",
    "/vertex-express/v1beta/models/M:countTokens",
]


@pytest.mark.parametrize("path", RIGHT)
def test_a_path_that_names_something_stays_as_it_is(path: str) -> None:
    assert read_repaired(path) == read_route(path)


NOTHING = [
    "/",
    "/favicon.ico",
    "/keys",
    "/keys/12",
    "/calls/models",
    "/api/admin/tokens/7/models",
    "/api/admin/v1/models",
    "/static/css/models",
    "/foo",
    "/foo/bar",
    "/foo/bar/models",
    "/foo/bar/completions",
    "/foo/files",
    "/foo/v1/unknown",
    "/v1/keys/list",
    "/foo/v1",
    "/robots.txt",
    "/chat",
    "/foo/../v1beta/models",
]


@pytest.mark.parametrize("path", NOTHING)
def test_a_path_that_names_nothing_is_left_alone(path: str) -> None:
    assert read_repaired(path) == read_route(path)


VERBS = (
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
    "predict",
)
_PIECES = st.lists(
    st.sampled_from(["foo", "api", "v1", "v1beta", "gemini", "openai", "models", "chat", "completions", "X"]),
    max_size=4,
)


@given(before=_PIECES, verb=st.sampled_from(VERBS), version=st.sampled_from(["", "v1", "v1beta"]))
def test_no_operation_of_google_becomes_another(before: list[str], verb: str, version: str) -> None:
    path = "/" + "/".join([*before, *([version] if version else []), f"models/M:{verb}"])

    route = read_repaired(path)

    assert route.verb == verb or route.resource.endswith(f":{verb}")


@given(before=_PIECES, endpoint=st.sampled_from(["chat/completions", "images/edits", "audio/speech"]))
def test_no_operation_of_openai_becomes_another(before: list[str], endpoint: str) -> None:
    route = read_repaired("/" + "/".join([*before, endpoint]))

    assert route.api is not Api.NONE
    assert route.resource.endswith(endpoint)
    assert route.verb == ""


@given(st.text(max_size=40))
def test_any_text_is_read(path: str) -> None:
    read_repaired(path)
