"""Keys through the API: from pasting to exporting, and gemini-balance's old addresses."""

from typing import Any

import pytest

from tests.admin.api.scripting import Reply, Script
from tests.admin.conftest import StartGateway
from tests.control.gateways import fake_key
from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import KEYS, RunningGateway


def ids(script: Script, query: str = "") -> list[int]:
    return [key["id"] for key in script.get(f"/keys{query}").json["keys"]]


def test_keys_are_added_shown_changed_and_deleted(script: Script) -> None:
    seen = script.post("/keys", {"text": f"{fake_key(1)} {KEYS[0]}", "dry_run": True})
    added = script.post("/keys", {"text": fake_key(1), "tags": ["free"], "note": "mine"})
    (key_id,) = added.json["ids"]
    shown = script.get(f"/keys/{key_id}").json
    changed = script.patch(f"/keys/{key_id}", {"enabled": False, "add_tags": ["x"]})
    deleted = script.delete(f"/keys/{key_id}")
    gone = script.get(f"/keys/{key_id}")
    back = script.post("/keys/undo", {"batch": deleted.json["undo"]})

    assert (seen.status, seen.json["new"]) == (200, 1)
    assert (added.status, added.json["known"]) == (201, 0)
    assert (shown["state"], shown["tags"], shown["note"]) == ("active", ["free"], "mine")
    assert shown["events"][0]["event"] == "added"
    assert (changed.json["state"], changed.json["tags"]) == ("disabled", ["free", "x"])
    assert (deleted.json["deleted"], gone.status, back.json) == (1, 404, {"restored": 1})
    assert script.post("/keys/undo", {"batch": "none"}).status == 404
    assert fake_key(1).encode() not in seen.body + added.body + script.get("/keys").body


def test_a_list_is_filtered_sorted_and_paged(script: Script) -> None:
    script.post("/keys", {"text": "\n".join(fake_key(number) for number in range(7)), "tags": ["free"]})

    page = script.get("/keys?tag=free&page=2&page_size=3&sort=added&descending=true").json

    assert (page["total"], page["pages"], len(page["keys"])) == (7, 3, 3)
    assert page["counts"]["ready"] == 7
    assert ids(script, "?state=dead") == []
    assert script.get("/keys/tags").json == {"tags": ["free"]}


def test_a_whole_key_is_found_by_a_posted_filter_and_refused_in_an_address(script: Script) -> None:
    script.post("/keys", {"text": "\n".join(fake_key(number) for number in range(3)), "tags": ["free"]})

    found = script.post("/keys/find", {"filter": {"text": fake_key(1)}})
    refused = script.get(f"/keys?text={fake_key(1)}")
    page = script.post("/keys/find", {"filter": {"tag": "free"}, "page": 2, "page_size": 2}).json

    (key,) = found.json["keys"]
    assert (found.json["total"], key["tags"]) == (1, ["free"])
    assert (page["total"], page["pages"], len(page["keys"])) == (3, 2, 1)
    assert script.post("/keys/find", {}).json["total"] == 3 + len(KEYS)
    assert refused.status == 422
    assert "/api/admin/keys/find" in refused.json["error"]["message"]
    assert fake_key(1).encode() not in found.body + refused.body
    assert script.post("/keys/find", {"text": "x"}).status == 422
    assert script.post("/keys/find", {"filter": {"state": "odd"}}).status == 422


def test_the_paid_key_is_listed_with_its_setting_and_cannot_be_changed(start_gateway: StartGateway) -> None:
    secret = "AIza-a-paid-key-0123456789-abcdefghijkl"
    script = Script(start_gateway(PAID_KEY=secret))
    (paid, *others) = script.get("/keys").json["keys"]
    place = f"/keys/{paid['id']}"

    assert (paid["provider"], paid["origin"], paid["state"]) == ("paid", "setting", "active")
    assert [key["provider"] for key in others] == ["gemini"] * len(KEYS)
    assert (script.get("/keys").json["total"], ids(script, "?page=2&page_size=2")) == (len(KEYS), [3])
    assert ids(script, "?provider=paid") == [paid["id"]]
    assert ids(script, "?state=dead") == []
    assert script.get(place).json["alias"] == paid["alias"]
    assert secret.encode() not in script.get("/keys").body + script.get(place).body
    task = {"action": "delete", "ids": [paid["id"], others[0]["id"]]}
    changes = (
        script.patch(place, {"enabled": False}),
        script.delete(place),
        script.post("/keys/tasks", task),
    )
    for refused in changes:
        assert refused.status == 422
        assert "PAID_KEY" in refused.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/keys", {"text": 5}, "text"),
        ("POST", "/keys", {}, "text"),
        ("POST", "/keys", {"text": "k" * 20, "wait": 1}, "wait"),
        ("POST", "/keys", {"text": "k" * 20, "weight": "1"}, "weight"),
        ("POST", "/keys", {"text": "k" * 20, "tags": "free"}, "tags"),
        ("PATCH", "/keys/1", {"enabled": 1}, "enabled"),
        ("PATCH", "/keys/1", {"weight": 101}, "weight"),
        ("POST", "/keys/tasks", {"action": "check"}, "ids"),
        ("POST", "/keys/tasks", {"action": "check", "ids": [1], "filter": {}}, "ids"),
        ("POST", "/keys/tasks", {"action": "burn", "ids": [1]}, "action"),
        ("POST", "/keys/tasks", {"action": "check", "ids": ["1"]}, "ids"),
        ("POST", "/keys/tasks", {"action": "check", "filter": {"colour": "red"}}, "filter.colour"),
        ("POST", "/keys/tasks", {"action": "check", "filter": {"state": "red"}}, "state"),
        ("POST", "/keys/tasks", {"action": "edit", "ids": [1]}, "edit"),
        ("POST", "/keys/export", {"format": "xls", "filter": {}}, "format"),
        ("GET", "/keys?state=red", None, "state"),
        ("GET", "/keys?sort=colour", None, "sort"),
        ("GET", "/keys?page=x", None, "page"),
        ("GET", "/overview?period=1y", None, "period"),
    ],
)
def test_what_is_wrong_is_named(script: Script, method: str, path: str, body: Any, field: str) -> None:
    reply = script.ask(method, path, body)

    assert (reply.status, reply.wrong) == (422, [field])


def test_many_keys_are_checked_as_a_task(script: Script, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.leaked(), key=KEYS[1])

    done = script.finished(script.post("/keys/tasks", {"action": "check", "filter": {}}))

    assert (done["state"], done["done"], done["total"]) == ("done", 3, 3)
    assert {group["outcome"]: group["count"] for group in done["groups"]} == {"ok": 2, "key_leaked": 1}
    assert [task["id"] for task in script.get("/tasks").json["tasks"]] == [done["id"]]
    assert len(ids(script, "?state=dead&reason=key_leaked")) == 1
    script.finished(script.post("/keys/tasks", {"action": "reset", "filter": {"state": "dead"}}))
    assert len(ids(script, "?state=ready")) == 3


def _secrets(reply: Reply) -> list[str]:
    return [key["secret"] for key in reply.json["keys"]]


@pytest.mark.parametrize("form", ["text", "csv", "jsonl"])
def test_keys_leave_in_the_clear_only_when_asked_and_that_is_noted(script: Script, form: str) -> None:
    exported = script.post("/keys/export", {"format": form, "filter": {}})
    revealed = script.post("/keys/reveal", {"ids": ids(script)[:1]})

    assert exported.status == 200
    assert all(secret.encode() in exported.body for secret in KEYS)
    assert exported.headers["content-disposition"].startswith("attachment")
    assert _secrets(revealed) == [KEYS[0]]
    assert [entry["action"] for entry in script.get("/audit").json["entries"]] == ["revealed", "exported"]


def test_a_note_that_a_spreadsheet_would_run_is_made_harmless(script: Script) -> None:
    script.patch(f"/keys/{ids(script)[0]}", {"note": '=HYPERLINK("http://evil")'})

    exported = script.post("/keys/export", {"format": "csv", "ids": ids(script)[:1]})

    assert b"'=HYPERLINK" in exported.body


# gemini-balance's own addresses


def test_the_old_list_of_keys_has_its_old_shape(script: Script, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.leaked(), key=KEYS[1])
    script.finished(script.post("/keys/tasks", {"action": "check", "filter": {}}))

    listed = script.get("/v1/keys/list").json

    assert listed["status"] == "success"
    assert set(listed["data"]["valid_keys"]) == {KEYS[0], KEYS[2]}
    assert set(listed["data"]["invalid_keys"]) == {KEYS[1]}
    assert listed["total"] == 3


def test_the_old_addresses_verify_and_reset(
    script: Script, running: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.api_key_invalid(), key=KEYS[1], times=2)

    one = script.post(f"/gemini/v1beta/verify-key/{KEYS[0]}").json
    other = script.post(f"/v1beta/verify-key/{KEYS[1]}").json
    many = script.post("/gemini/v1beta/verify-selected-keys", {"keys": [*KEYS, "unknown"]}).json
    dead = ids(script, "?state=dead")
    reset = script.post("/gemini/v1beta/reset-selected-fail-counts", {"keys": list(KEYS)}).json

    assert one == {"status": "valid"}
    assert other["status"] == "invalid"
    assert (many["valid_count"], many["invalid_count"]) == (2, 2)
    assert set(many["failed_keys"]) == {KEYS[1], "unknown"}
    assert len(dead) == 1
    assert (reset["success"], reset["reset_count"]) == (True, 3)
    assert ids(script, "?state=dead") == []
    assert script.post(f"/gemini/v1beta/reset-fail-count/{KEYS[0]}").json["success"]
    assert script.post("/gemini/v1beta/reset-fail-count/unknown").status == 404
    assert script.post("/gemini/v1beta/reset-all-fail-counts?key_type=invalid").json["reset_count"] == 0
    assert script.post("/gemini/v1beta/reset-all-fail-counts").json["reset_count"] == 3
    assert script.post("/gemini/v1beta/verify-selected-keys", {"keys": []}).status == 400
