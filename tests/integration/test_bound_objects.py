"""Files, caches, batches, interactions: bound to the key that made them and the token that may use them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.store import writer
from tests.fakes import gemini_errors
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import MODEL, Answer, call, eventually
from tests.integration.conftest import Lasting
from tests.integration.running import KEYS, RunningGateway

ALICE, BOB, ADMIN = "sk-alice-0001", "sk-bob-0002", "sk-test-admin"
BATCHES = (":batchGenerateContent", ":asyncBatchEmbedContent")
ORIGIN = "https://generativelanguage.googleapis.com/v1beta"


class Project:
    """The upstream's side: what is made under a key can be reached with that key only."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self.owners: dict[str, str] = {}
        self._numbers = count(1)
        upstream.reply(self.make, when=lambda seen: seen.method == "POST" and self._is_made(seen))
        upstream.error(gemini_errors.file_forbidden("x"), when=self._is_foreign)
        upstream.reply(self.tell, when=lambda seen: self._owned(seen) is not None)

    def make(self, seen: SeenRequest) -> dict[str, Any]:
        collection = seen.path.removeprefix("/v1beta/").partition(":")[0]
        number = next(self._numbers)
        if seen.path.endswith(BATCHES):
            made: dict[str, Any] = {
                "name": f"batches/b-{number}",
                "metadata": {"state": "BATCH_STATE_PENDING"},
            }
        elif collection == "interactions":
            made = {"object": "interaction", "steps": [], "id": f"v1_i-{number}"}
        else:
            made = {"name": f"{collection}/o-{number}", "model": f"models/{MODEL}"}
        self.owners[made.get("name") or f"interactions/{made['id']}"] = seen.key or ""
        return made

    def tell(self, seen: SeenRequest) -> dict[str, Any]:
        name = self._owned(seen) or ""
        if seen.method == "DELETE":
            del self.owners[name]
            return {}
        return {"name": name, "asked": seen.path}

    @staticmethod
    def _is_made(seen: SeenRequest) -> bool:
        path = seen.path.removeprefix("/v1beta/")
        return path in ("cachedContents", "interactions", "fileSearchStores") or path.endswith(BATCHES)

    def _owned(self, seen: SeenRequest) -> str | None:
        named = "/".join(seen.path.removeprefix("/v1beta/").partition(":")[0].split("/")[:2])
        return named if named in self.owners else None

    def _is_foreign(self, seen: SeenRequest) -> bool:
        named = self._owned(seen)
        return named is not None and self.owners[named] != seen.key


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lasting]:
    settings = {"HTTP_FRONT": str(request.param), "ALLOWED_TOKENS": f"{ALICE},{BOB}"}
    with pytest.MonkeyPatch.context() as patch, FakeUpstream() as upstream:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.005)
        with RunningGateway(tmp_path_factory.mktemp("lasting"), upstream.url, settings) as gateway:
            yield Lasting(settings["HTTP_FRONT"], gateway, upstream)


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting) -> RunningGateway:
    return lasting.gateway


@pytest.fixture
def project(fake_upstream: FakeUpstream) -> Project:
    return Project(fake_upstream)


def ask(
    gateway: RunningGateway,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str = ALICE,
    version: str = "v1beta",
) -> Answer:
    sent = None if body is None and method != "POST" else orjson.dumps(body or {})
    return call(gateway, f"/v1beta/{path}", sent, method=method, headers={"x-goog-api-key": token})


def make(gateway: RunningGateway, collection: str = "cachedContents", *, token: str = ALICE) -> str:
    answer = ask(gateway, "POST", collection, {"model": f"models/{MODEL}"}, token=token)
    assert answer.status == 200
    name: str = answer.json.get("name") or f"interactions/{answer.json['id']}"
    return name


def file_call(*uris: str, **more: Any) -> dict[str, Any]:
    parts = [{"fileData": {"fileUri": uri, "mimeType": "text/plain"}} for uri in uris]
    return {"contents": [{"role": "user", "parts": [*parts, {"text": "hi"}]}], **more}


COLLECTIONS = [
    "cachedContents",
    "interactions",
    "fileSearchStores",
    f"models/{MODEL}:batchGenerateContent",
    f"models/{MODEL}:asyncBatchEmbedContent",
]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_a_call_made_stays_with_its_key(
    gateway: RunningGateway, project: Project, collection: str
) -> None:
    name = make(gateway, collection)

    answers = [ask(gateway, "GET", name) for _ in range(6)]
    inside = [ask(gateway, "POST", f"{name}:cancel"), ask(gateway, "GET", f"{name}/parts/p")]

    assert [answer.status for answer in answers + inside] == [200] * 8
    assert all(answer.attempts == 1 for answer in answers)


def test_calls_that_name_nothing_go_round_all_keys(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    make(gateway)
    for _ in range(6):
        ask(gateway, "POST", f"models/{MODEL}:generateContent", file_call())

    used = [str(seen.key) for seen in fake_upstream.requests[1:]]
    assert sorted(used) == sorted([*KEYS, *KEYS])


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
@pytest.mark.parametrize("spelling", ["cachedContent", "cached_content"])
def test_a_cache_inside_a_body_binds_the_call(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project, verb: str, spelling: str
) -> None:
    name = make(gateway)

    for _ in range(4):
        answer = ask(gateway, "POST", f"models/{MODEL}:{verb}", file_call(**{spelling: name}))
        assert answer.status == 200

    assert {seen.key for seen in fake_upstream.requests} == {project.owners[name]}


def test_a_store_inside_a_tool_binds_the_call(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway, "fileSearchStores")
    tools = [{"file_search": {"file_search_store_names": [name]}}]

    for _ in range(4):
        ask(gateway, "POST", f"models/{MODEL}:generateContent", file_call(tools=tools))

    assert {seen.key for seen in fake_upstream.requests} == {project.owners[name]}


def test_an_interaction_goes_on_where_it_began(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway, "interactions")
    body = {"model": MODEL, "input": "more", "previous_interaction_id": name.partition("/")[2]}

    for _ in range(4):
        assert ask(gateway, "POST", "interactions", body).status == 200

    assert {seen.key for seen in fake_upstream.requests} == {project.owners[name]}


def test_a_bound_call_never_moves_to_another_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway)
    fake_upstream.forget()
    fake_upstream.error(gemini_errors.rate_minute())

    answer = ask(gateway, "POST", f"models/{MODEL}-x:generateContent", file_call(cachedContent=name))

    assert answer.status == 429
    assert [seen.key for seen in fake_upstream.requests] == [project.owners[name]]


def test_two_objects_of_two_keys_are_a_clear_error(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    first, second = make(gateway), make(gateway, "fileSearchStores")
    if project.owners[second] == project.owners[first]:  # each kind goes round the keys by itself
        second = make(gateway, "fileSearchStores")
    assert project.owners[second] != project.owners[first]
    fake_upstream.forget()
    tools = [{"fileSearch": {"fileSearchStoreNames": [second]}}]

    answer = ask(
        gateway, "POST", f"models/{MODEL}:generateContent", file_call(cachedContent=first, tools=tools)
    )

    assert answer.status == 400
    assert first in answer.error["message"]
    assert second in answer.error["message"]
    assert fake_upstream.requests == []


def test_what_nobody_knows_is_asked_of_any_key_and_answered_honestly(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.file_forbidden("unknown"))

    answers = [
        ask(gateway, "GET", "files/unknown"),
        ask(gateway, "POST", f"models/{MODEL}:generateContent", file_call(f"{ORIGIN}/files/unknown")),
    ]

    assert [(answer.status, answer.attempts) for answer in answers] == [(403, 1)] * 2
    assert "unknown" in answers[0].error["message"]


# Whose they are.


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_another_token_can_neither_see_nor_delete_nor_use_it(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project, collection: str
) -> None:
    name = make(gateway, collection)
    asked = len(fake_upstream.requests)

    answers = [ask(gateway, method, name, token=BOB) for method in ("GET", "DELETE")]

    for answer in answers:
        assert answer.status in (403, 404)
        assert answer.error["message"]
    assert len(fake_upstream.requests) == asked
    assert ask(gateway, "GET", name, token=ADMIN).status == 200


def test_another_token_s_cache_cannot_be_used(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway)

    answer = ask(gateway, "POST", f"models/{MODEL}:generateContent", file_call(cachedContent=name), token=BOB)

    assert (answer.status, answer.error["status"]) == (403, "PERMISSION_DENIED")
    assert "CachedContent not found" in answer.error["message"]
    assert ask(gateway, "DELETE", name).status == 200


def test_what_was_deleted_is_forgotten(gateway: RunningGateway, project: Project) -> None:
    name = make(gateway)

    assert ask(gateway, "DELETE", name).json == {}

    listed = ask(gateway, "GET", "cachedContents?pageSize=100")
    assert name not in [entry["name"] for entry in listed.json["cachedContents"]]


# Lists.


def test_a_list_shows_the_token_s_own_objects_of_all_keys(gateway: RunningGateway, project: Project) -> None:
    ours = [make(gateway, "fileSearchStores") for _ in range(4)]
    theirs = make(gateway, "fileSearchStores", token=BOB)
    eventually(lambda: names_of(gateway, "fileSearchStores")[:4] == ours[::-1])

    assert len({project.owners[name] for name in ours}) > 1
    assert theirs not in names_of(gateway, "fileSearchStores")
    assert names_of(gateway, "fileSearchStores", token=BOB) == [theirs]
    assert {*ours, theirs} <= set(names_of(gateway, "fileSearchStores", token=ADMIN))
    for name in [*ours, theirs]:
        ask(gateway, "DELETE", name, token=ADMIN)


def names_of(gateway: RunningGateway, collection: str, *, token: str = ALICE) -> list[str]:
    answer = ask(gateway, "GET", f"{collection}?pageSize=20", token=token)
    assert answer.status == 200
    return [entry["name"] for entry in answer.json[collection]]


def test_a_list_comes_by_pages(gateway: RunningGateway, project: Project) -> None:
    names = [make(gateway, f"models/{MODEL}:batchGenerateContent", token=BOB) for _ in range(5)]
    eventually(lambda: len(ask(gateway, "GET", "batches?pageSize=50", token=BOB).json["operations"]) >= 5)

    seen: list[str] = []
    token = ""
    while True:
        page = ask(gateway, "GET", f"batches?pageSize=2&pageToken={token}", token=BOB).json
        seen += [entry["name"] for entry in page["operations"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
        assert len(page["operations"]) <= 2

    assert seen[: len(names)] == names[::-1]


@pytest.mark.parametrize("query", ["pageSize=many", "pageToken=nonsense", "pageToken=%00"])
def test_a_page_that_makes_no_sense_is_refused(gateway: RunningGateway, query: str) -> None:
    answer = ask(gateway, "GET", f"files?{query}")

    assert (answer.status, answer.error["status"]) == (400, "INVALID_ARGUMENT")


def test_what_the_upstream_no_longer_has_leaves_the_list(gateway: RunningGateway, project: Project) -> None:
    name = make(gateway, token=BOB)
    eventually(lambda: name in names_of(gateway, "cachedContents", token=BOB))
    del project.owners[name]

    assert name not in names_of(gateway, "cachedContents", token=BOB)
    eventually(lambda: name not in names_of(gateway, "cachedContents", token=BOB))


def test_what_cannot_be_looked_at_now_is_listed_by_its_name(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway, token=BOB)
    eventually(lambda: name in names_of(gateway, "cachedContents", token=BOB))
    fake_upstream.forget()
    fake_upstream.error(gemini_errors.rate_minute())

    page = ask(gateway, "GET", "cachedContents", token=BOB).json

    assert {"name": name} in page["cachedContents"]


# What answers speak of.


def test_a_batch_s_results_are_fetched_from_where_it_lives(
    gateway: RunningGateway, fake_upstream: FakeUpstream, project: Project
) -> None:
    name = make(gateway, f"models/{MODEL}:batchGenerateContent")
    owner = project.owners[name]
    fake_upstream.forget()
    done = {"name": name, "done": True, "response": {"responsesFile": "files/batch-results-1"}}
    fake_upstream.reply(done, when=lambda seen: seen.path.endswith(name))
    fake_upstream.reply(b"{}\n{}\n", headers={"Content-Type": "application/jsonl"})

    ask(gateway, "GET", name)
    eventually(lambda: _is_known(gateway, "files/batch-results-1"))
    answers = [ask(gateway, "GET", "files/batch-results-1:download?alt=media") for _ in range(3)]

    assert [answer.body for answer in answers] == [b"{}\n{}\n"] * 3
    assert {seen.key for seen in fake_upstream.requests} == {owner}
    assert ask(gateway, "GET", "files/batch-results-1:download?alt=media", token=BOB).status == 403


def _is_known(gateway: RunningGateway, name: str) -> bool:
    services = gateway.services
    assert services is not None
    return bool(services.store.read_sync(lambda: services.store.objects.find([name])))


@pytest.mark.parametrize("form", ["whole", "sse", "array"])
def test_a_reply_that_goes_on_goes_on_with_its_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream, form: str
) -> None:
    token = f"continuation-{form}-" + "x" * 1000
    candidate = {
        "content": {"role": "model", "parts": [{"text": "so far"}]},
        "finishReason": "CONTINUATION",
        "continuationToken": token,
    }
    if form == "whole":
        fake_upstream.reply({"candidates": [candidate]}, times=1)
    else:
        text = {"candidates": [{"content": {"role": "model", "parts": [{"text": "first"}]}}]}
        fake_upstream.stream([text, {"candidates": [candidate]}], times=1)
    verb = {
        "whole": "generateContent",
        "sse": "streamGenerateContent?alt=sse",
        "array": "streamGenerateContent",
    }

    ask(gateway, "POST", f"models/{MODEL}:{verb[form]}", file_call())
    for _ in range(4):
        ask(gateway, "POST", f"models/{MODEL}:{verb[form]}", file_call(continuationToken=token))

    assert len({seen.key for seen in fake_upstream.requests}) == 1


def test_objects_are_known_after_a_restart(tmp_path: Path) -> None:
    settings = {"ALLOWED_TOKENS": f"{ALICE},{BOB}"}
    with FakeUpstream() as upstream:
        project = Project(upstream)
        with RunningGateway(tmp_path, upstream.url, settings) as first:
            name = make(first)
        with RunningGateway(tmp_path, upstream.url, settings) as second:
            answers = [ask(second, "GET", name) for _ in range(4)]
            foreign = ask(second, "GET", name, token=BOB)

    assert [answer.status for answer in answers] == [200] * 4
    assert foreign.status == 403
    assert {seen.key for seen in upstream.requests} == {project.owners[name]}


def test_without_isolation_tokens_share_what_they_make(tmp_path: Path) -> None:
    settings = {"ALLOWED_TOKENS": f"{ALICE},{BOB}", "FILES_USER_ISOLATION_ENABLED": "false"}
    with FakeUpstream() as upstream, RunningGateway(tmp_path, upstream.url, settings) as gateway:
        Project(upstream)
        name = make(gateway)
        eventually(lambda: name in names_of(gateway, "cachedContents", token=BOB))

        assert ask(gateway, "GET", name, token=BOB).status == 200
        assert ask(gateway, "DELETE", name, token=BOB).status == 200
