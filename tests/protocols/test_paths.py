"""What paths mean, in every way that clients join bases and paths; what would escape means nothing."""

import pytest

from gateway.protocols.paths import Api, Route, read_route


def gemini(resource: str, verb: str = "", version: str = "v1beta", door: str = "") -> Route:
    return Route(Api.GEMINI, version, resource, verb, door=door)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/keys/list",
        "/gemini/v1beta/reset-all-fail-counts",
        "/v1beta/reset-fail-count/AIza-x",
        "/v1beta/verify-key/a:b",
        "/gemini/v1beta/verify-selected-keys",
    ],
)
def test_gemini_balances_admin_addresses_are_no_calls(path: str) -> None:
    assert read_route(path).api is Api.NONE


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1beta/files", gemini("files")),
        ("/v1/cachedContents", gemini("cachedContents", version="v1")),
        ("/v1/interactions/i/cancel", gemini("interactions/i/cancel", version="v1")),
        ("/v1/fileSearchStores/s/documents", gemini("fileSearchStores/s/documents", version="v1")),
        ("/v1alpha/auth_tokens", gemini("auth_tokens", version="v1alpha")),
        ("/gemini/v1beta/v1beta/batches/b:cancel", gemini("batches/b", "cancel")),
        ("/gemini/v1/files/x:download", gemini("files/x", "download", "v1")),
        ("/v1beta/files/x%3Adownload", gemini("files/x", "download")),
        ("/v1/files:register", gemini("files", "register", "v1")),
        ("/v1beta/models/a:b:generateContent", gemini("models/a:b", "generateContent")),
        ("/v1beta/environments/e/files/src/main.py", gemini("environments/e/files/src/main.py")),
        ("/v1beta/gizmos/g/parts", gemini("gizmos/g/parts")),
        ("/gemini/gizmos", gemini("gizmos", version="")),
        ("/upload/v1beta/files", gemini("files", door="upload")),
        ("/gemini/upload/v1beta/files", gemini("files", door="upload")),
        ("/gemini/v1beta/upload/v1beta/files", gemini("files", door="upload")),
        ("/gemini/v1beta/upload/v1/files/", gemini("files", version="v1", door="upload")),
        ("/upload/files", gemini("files", version="", door="upload")),
        (
            "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore",
            gemini("fileSearchStores/s", "uploadToFileSearchStore", door="upload"),
        ),
        ("/download/v1beta/files/x:download", gemini("files/x", "download", door="download")),
        ("/v1/models", Route(Api.SHARED, "v1", "models", "")),
        ("/models", Route(Api.SHARED, "", "models", "")),
        ("/v1/files/file-abc/content", Route(Api.SHARED, "v1", "files/file-abc/content", "")),
        ("/files", Route(Api.SHARED, "", "files", "")),
        ("/v1/batches/b/cancel", Route(Api.SHARED, "v1", "batches/b/cancel", "")),
        ("/v1/gizmos", Route(Api.SHARED, "v1", "gizmos", "")),
        ("/v1/chat/completions", Route(Api.OPENAI, "v1", "chat/completions", "")),
        ("/audio/speech", Route(Api.OPENAI, "", "audio/speech", "")),
        ("/images/edits/", Route(Api.OPENAI, "", "images/edits", "")),
        ("/dashboard/billing/usage", Route(Api.OPENAI, "", "dashboard/billing/usage", "")),
        ("/v1/uploads", Route(Api.OPENAI, "v1", "uploads", "")),
        ("/v1/vector_stores/vs/files", Route(Api.OPENAI, "v1", "vector_stores/vs/files", "")),
        ("/hf/v1/files", Route(Api.OPENAI, "v1", "files", "")),
        ("/openai/v1/models/ft:gemini:x", Route(Api.COMPATIBLE, "v1", "models/ft:gemini:x", "")),
        ("/openai/v1/v1/chat/completions/", Route(Api.COMPATIBLE, "v1", "chat/completions", "")),
        ("/openai/chat/completions", Route(Api.OPENAI, "", "chat/completions", "")),
        ("/openai/v1/deployments/M/embeddings", Route(Api.OPENAI, "v1", "embeddings", "")),
        ("/v1/openai/chat/completions", Route(Api.OPENAI, "v1", "chat/completions", "")),
        ("/v1beta/openai/files", Route(Api.OPENAI, "v1beta", "files", "")),
        ("/v1/messages", Route(Api.ANTHROPIC, "v1", "messages", "")),
        ("/v1/v1/messages/count_tokens", Route(Api.ANTHROPIC, "v1", "messages/count_tokens", "")),
        (
            "/vertex-express/v1beta/models/m:generateContent",
            Route(Api.GEMINI, "v1beta", "models/m", "generateContent", provider="vertex"),
        ),
        (
            "/vertex-express/v1beta/v1beta1/publishers/google/models/m:countTokens",
            Route(Api.GEMINI, "v1beta1", "models/m", "countTokens", provider="vertex"),
        ),
        ("/vertex-express/v1/models", Route(Api.GEMINI, "v1", "models", "", provider="vertex")),
        ("/agents", Route(Api.NONE, "", "agents", "")),
        ("/upload", Route(Api.NONE, "", "", "")),
        ("/keys", Route(Api.NONE, "", "keys", "")),
    ],
)
def test_what_a_path_means(path: str, route: Route) -> None:
    assert read_route(path) == route


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/files/../models/m:generateContent",
        "/v1beta/files/..%2fmodels",
        "/v1beta/files/%2e%2e/%2E%2E/x",
        "/gemini/./v1beta/files",
        "/upload/v1beta/../files",
        "/vertex-express/v1/models/..%2f..%2fx",
        "/v1/files/..",
    ],
)
def test_a_path_that_climbs_names_nothing(path: str) -> None:
    assert read_route(path).resource == ""


@pytest.mark.parametrize(
    "path", ["/v1beta/files/%252e%252e/x", "/v1beta/files/..x", "/v1beta/files/x..", "/v1beta/files/...%20"]
)
def test_dots_that_climb_nowhere_are_part_of_a_name(path: str) -> None:
    assert read_route(path).resource.startswith("files/")
