"""Names of what lives in one project, read from paths, addresses and answers."""

from typing import Any

import pytest

from gateway.protocols.object_names import made_object, named_object, owner_of

HOST = "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("files/abc-1", "files/abc-1"),
        ("/files/abc", "files/abc"),
        (f"{HOST}/v1beta/files/abc", "files/abc"),
        (f"{HOST}/v1beta/files/abc:download?alt=media", "files/abc"),
        ("https://proxy.example/gemini/v1/files/abc", "files/abc"),
        ("cachedContents/c", "cachedContents/c"),
        ("fileSearchStores/s/documents/d", "fileSearchStores/s"),
        ("models/veo-3/operations/op-1", "models/veo-3/operations/op-1"),
        ("models/gemini-3.5-flash", None),
        ("https://example.com/files/abc", None),
        ("gs://bucket/files/abc", None),
        ("https://youtu.be/abc", None),
        ("files/", None),
        ("files/a b", None),
        ("", None),
    ],
)
def test_what_a_name_or_an_address_speaks_of(text: str, name: str | None) -> None:
    assert named_object(text) == name


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("files", None),
        ("files/abc", "files/abc"),
        ("batches/b", "batches/b"),
        ("interactions/i/cancel", "interactions/i"),
        ("fileSearchStores/s/documents/d", "fileSearchStores/s"),
        ("fileSearchStores/s/upload/operations/o", "fileSearchStores/s"),
        ("environments/e/files/src/main.py", "environments/e"),
        ("triggers/t/executions", "triggers/t"),
        ("models/m", None),
        ("models/m/operations", None),
        ("models/m/operations/o", "models/m/operations/o"),
        ("tunedModels/t/operations/o", "tunedModels/t"),
        ("files/%00", None),
        ("", None),
    ],
)
def test_whose_a_path_is(resource: str, name: str | None) -> None:
    assert owner_of(resource) == name


@pytest.mark.parametrize(
    ("collection", "answer", "name"),
    [
        ("files", {"file": {"name": "files/abc", "uri": "x"}}, "files/abc"),
        ("cachedContents", {"name": "cachedContents/c", "model": "models/m"}, "cachedContents/c"),
        ("models", {"name": "batches/b", "metadata": {}}, "batches/b"),
        ("models", {"name": "models/veo/operations/o"}, "models/veo/operations/o"),
        ("models", {"name": "models/veo"}, None),
        ("tunedModels", {"name": "tunedModels/t/operations/o"}, "tunedModels/t"),
        ("interactions", {"id": "v1_abc", "object": "interaction"}, "interactions/v1_abc"),
        ("agents", {"name": "My agent", "id": "a-1"}, "agents/a-1"),
        ("agents", {"name": "My/agent", "id": "a-1"}, "agents/a-1"),
        ("webhooks", {"id": "webhooks/w"}, "webhooks/w"),
        ("models", {"totalTokens": 3}, None),
        ("files", {"file": {"name": 3}, "id": 4, "name": None}, None),
    ],
)
def test_what_an_answer_says_it_made(collection: str, answer: dict[str, Any], name: str | None) -> None:
    assert made_object(collection, answer) == name
