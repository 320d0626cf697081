"""Tokens, settings, calls and the overview through the API."""

import csv
import io
from typing import Any

import orjson
import pytest

from tests.admin.api.scripting import Script
from tests.integration.calling import chat, record_of
from tests.integration.proxy import SmallProxy
from tests.integration.running import TOKEN, RunningGateway


def test_tokens_are_added_limited_shown_and_deleted(script: Script, running: RunningGateway) -> None:
    added = script.post("/tokens", {"name": "Alice", "limits": {"models": ["gemini-9-*"]}})
    token_id, secret = added.json["id"], added.json["secret"]
    bearer = {"authorization": f"Bearer {secret}"}
    refused = chat(running, bearer)
    changed = script.patch(f"/tokens/{token_id}", {"name": "Bob", "limits": {}})
    served = chat(running, bearer)
    record_of(running, served.request_id)
    used = script.get(f"/tokens/{token_id}/models").json["models"]
    listed = script.get("/tokens")

    assert (added.status, refused.status, served.status) == (201, 403, 200)
    assert (changed.json["name"], changed.json["limits"]["models"]) == ("Bob", None)
    assert [(use["calls"]) for use in used] == [2]
    assert [token["name"] for token in listed.json["tokens"]] == ["", "", "Bob"]
    assert secret.encode() not in listed.body
    assert script.post(f"/tokens/{token_id}/reveal").json["secret"] == secret
    deleted = script.delete(f"/tokens/{token_id}").json
    assert (deleted["deleted"], script.get(f"/tokens/{token_id}").status) == (1, 404)
    assert script.post("/tokens/undo", {"batch": deleted["undo"]}).json == {"restored": 1}
    assert script.post("/tokens/undo", {"batch": deleted["undo"]}).status == 404
    assert script.delete(f"/tokens/{token_id}").json["deleted"] == 1
    assert chat(running, bearer).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 1}, "name"),
        ({"secret": "x"}, "secret"),
        ({"limits": {"requests_per_minute": "9"}}, "limits.requests_per_minute"),
        ({"limits": {"colour": 1}}, "limits.colour"),
        ({"limits": []}, "limits"),
        ({"secret": TOKEN}, "secret"),
    ],
)
def test_a_token_that_cannot_be_is_refused_by_its_field(script: Script, body: Any, field: str) -> None:
    reply = script.post("/tokens", body)

    assert (reply.status, reply.wrong) == (422, [field])


def test_settings_are_listed_changed_and_reset(script: Script, running: RunningGateway) -> None:
    before = {each["name"]: each for each in script.get("/settings").json["settings"]}
    changed = script.patch("/settings", {"MAX_RETRIES": 9, "SHOW_THINKING_PROCESS": "no"})
    now = running.on_loop(lambda services: services.live.current)
    wrong = script.patch("/settings", {"MAX_RETRIES": "many", "TIME_OUT": 5})
    reset = script.post("/settings/reset", {"names": ["MAX_RETRIES"]})
    everything = script.post("/settings/reset", {"all": True})

    assert before["AUTH_TOKEN"]["value"] == "•••"
    assert (before["MAX_RETRIES"]["low"], before["MAX_RETRIES"]["origin"]) == (0, "default")
    assert changed.json == {"changed": ["MAX_RETRIES", "SHOW_THINKING_PROCESS"]}
    assert (now.max_retries, now.show_thinking_process) == (9, False)
    assert (wrong.status, wrong.wrong) == (422, ["MAX_RETRIES"])
    assert reset.json == {"reset": ["MAX_RETRIES"]}
    assert everything.status == 200
    assert running.on_loop(lambda services: services.live.current.show_thinking_process) is True
    assert script.post("/settings/reset", {}).status == 422
    assert script.get("/settings").status == 200  # the administrator's token came from the environment


@pytest.mark.parametrize("form", ["env", "json"])
def test_settings_are_exported_and_imported(script: Script, running: RunningGateway, form: str) -> None:
    script.patch("/settings", {"TIME_OUT": 77})

    exported = script.post("/settings/export", {"format": form, "secrets": False})
    script.post("/settings/reset", {"names": ["TIME_OUT"]})
    imported = script.ask("POST", "/settings/import", exported.body)

    assert b"AUTH_TOKEN" not in exported.body
    assert imported.json == {"changed": ["TIME_OUT"]}
    assert running.on_loop(lambda services: services.live.current.time_out) == 77
    assert script.ask("POST", "/settings/import", b"nothing here").status == 422
    assert script.post("/settings/export", {"format": "xml"}).wrong == ["format"]


def test_a_changed_admin_token_is_the_one_that_counts(script: Script, running: RunningGateway) -> None:
    assert script.patch("/settings", {"AUTH_TOKEN": "sk-brand-new"}).status == 200

    assert script.get("/keys").status == 401
    assert Script(running, "sk-brand-new").get("/keys").status == 200


def test_calls_are_found_read_exported_and_deleted(script: Script, running: RunningGateway) -> None:
    answers = [chat(running) for _ in range(3)]
    for answer in answers:
        record_of(running, answer.request_id)

    page = script.get("/calls?limit=2").json
    rest = script.get(f"/calls?limit=2&before_id={page['next_before_id']}").json
    one = script.get(f"/calls/{answers[1].request_id}").json
    same = script.get(f"/calls/{one['id']}").json
    as_csv = script.get("/calls/export?format=csv")
    as_lines = script.get("/calls/export?format=jsonl&outcome=success,broken")

    assert [call["request_id"] for call in (*page["calls"], *rest["calls"])] == [
        answer.request_id for answer in reversed(answers)
    ]
    assert rest["next_before_id"] is None
    assert one == same
    assert (one["status"], len(one["attempts"]), one["error"]) == (200, 1, None)
    rows = list(csv.DictReader(io.StringIO(as_csv.body.decode())))
    assert {row["request_id"] for row in rows} == {answer.request_id for answer in answers}
    assert len([orjson.loads(line) for line in as_lines.body.splitlines()]) == len(
        [answer for answer in answers if answer.status == 200]
    )

    assert script.post("/calls/delete", {"ids": [one["id"]]}).json == {"deleted": 1}
    assert script.get(f"/calls/{one['id']}").status == 404
    assert script.finished(script.post("/calls/delete", {"filter": {}}))["state"] == "done"
    assert script.get("/calls").json["calls"] == []
    assert script.post("/calls/delete", {"filter": {}}).status == 409
    assert script.post("/calls/delete", {}).wrong == ["ids"]
    assert script.get("/calls?status=abc").wrong == ["status"]


def test_the_overview_tells_of_calls_and_pool(script: Script, running: RunningGateway) -> None:
    record_of(running, chat(running).request_id)

    overview = script.get("/overview?period=1h").json
    pool = script.get("/pool").json

    assert overview["outcomes"] == {"success": 1}
    assert (overview["success_rate"], len(overview["steps"])) == (1.0, 60)
    assert overview["models"][0]["calls"] == 1
    assert pool["keys"]["gemini"] == {"active": 3, "resting": 0, "disabled": 0, "dead": 0}
    assert pool["models"][0]["keys"]["open"] == 3
    assert script.get("/attention?kind=rate_day").json == {"keys": []}


def test_the_audit_is_read_by_subject_and_page(script: Script) -> None:
    for seconds in (60, 61, 62):
        script.patch("/settings", {"TIME_OUT": seconds})
    script.patch("/settings", {"MAX_RETRIES": 1})

    entries = script.get("/audit?subject=setting+TIME_OUT&limit=2").json["entries"]
    older = script.get(f"/audit?subject=setting+TIME_OUT&before_id={entries[-1]['id']}").json["entries"]

    assert [entry["detail"]["to"] for entry in (*entries, *older)] == ["62", "61", "60"]
    assert {entry["actor"] for entry in entries} == {"api"}
    assert entries[0]["peer"] == "127.0.0.1"


def test_proxies_are_checked_before_they_are_used(script: Script, running: RunningGateway) -> None:
    with SmallProxy() as proxy:
        given = [f"http://u:secret@{proxy.address}", "127.0.0.1:9"]
        checked = script.post("/proxies/check", {"proxies": given})
    direct = script.post("/proxies/check", {})

    assert [way["ok"] for way in checked.json["ways"]] == [True, False]
    assert b"secret" not in checked.body
    assert [(way["proxy"], way["ok"]) for way in direct.json["ways"]] == [("", True)]
    assert script.post("/proxies/check", {"proxies": ["gopher://x"]}).wrong == ["proxies"]
