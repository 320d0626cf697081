"""Requests about what lives in a project: caches, batches, stores, interactions, tokens, files, videos.

Made, shown, listed, changed and removed by the key of its own project only; uploads are uploads.py's.
Source: Gemini API reference, the resources' own pages.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from gateway.simulator import field_names
from gateway.simulator.answers import Answer, json_answer
from gateway.simulator.belongings import Belonging, Belongings, timestamp
from gateway.simulator.field_names import RefusedError, known_fields, read_json, refuse
from gateway.simulator.http1 import HttpRequest
from gateway.simulator.interactions import interact
from gateway.simulator.replies import token_count
from gateway.simulator.uploads import Uploads

Generate = Callable[[str, object, str], dict[str, Any]]
"""Answer (model id, body, project) with a whole reply. Raises RefusedError."""

_PATH = re.compile(
    r"/(?:(upload|download)/)?(v1|v1beta|v1alpha)/"
    r"((?:files|cachedContents|batches|fileSearchStores|interactions|auth_tokens)(?:/[^:]*)?"
    r"|models/[^/:]+/operations/[^/:]+)(?::([A-Za-z]+))?"
)
_LISTS = {"batches": "operations"}
_USUAL_LIFE_S = 3600
_USUAL_PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class ObjectCall:
    """A request about things of a project, its path read.

    resource   `files`, `files/abc`, `interactions/x/cancel`
    """

    request: HttpRequest
    project: str
    now_s: float
    door: str
    version: str
    resource: str
    verb: str
    query: dict[str, str]

    @property
    def collection(self) -> str:
        return self.resource.partition("/")[0]


def read_object_path(path: str) -> tuple[str, str, str, str] | None:
    """Read (door, version, resource, verb) of an undecoded path; None when it is about something else."""
    match = _PATH.fullmatch(unquote(path))
    return None if match is None else (match[1] or "", match[2], match[3], match[4] or "")


@dataclass(frozen=True, slots=True)
class Objects:
    """The things of all projects, and what may be asked about them."""

    belongings: Belongings
    uploads: Uploads
    generate: Generate

    def answer(self, call: ObjectCall) -> Answer:
        """Answer a request. Raises RefusedError."""
        method = call.request.method
        if call.door == "upload":
            store = call.resource if call.collection == "fileSearchStores" else ""
            return self.uploads.begin(call.request, call.version, call.project, store, call.now_s)
        if method == "GET":
            return self._read(call)
        if method == "DELETE":
            self.belongings.remove(call.resource, call.project)
            return json_answer({})
        if method == "PATCH":
            return self._patch(call)
        if call.verb or call.resource.count("/") == 2:
            return self._act(call)
        return self._make(call)

    def make_batch(self, model_id: str, body: object, project: str, now_s: float) -> Answer:
        """Take a batch of generations; it is done when it is next looked at."""
        batch = known_fields(known_fields(body, {"batch": "batch"}).get("batch"), field_names.BATCH, "batch")
        given = batch.get("inputConfig") or {}
        file_name = given.get("fileName") or given.get("file_name")
        if file_name:
            lines = self.belongings.get(file_name, project).content.splitlines()
            requests = [orjson.loads(line) for line in lines if line.strip()]
        else:
            requests = (given.get("requests") or {}).get("requests") or []
        if not requests:
            refuse("* BatchGenerateContentRequest.batch.input_config: input is not specified\n")
        answers = [self._batched(model_id, each, project) for each in requests]
        name = f"batches/{self.belongings.new_id('batches')}"
        metadata = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": f"models/{model_id}",
            "displayName": batch.get("displayName", ""),
            "createTime": timestamp(now_s),
            "updateTime": timestamp(now_s),
            "batchStats": {"requestCount": str(len(requests)), "pendingRequestCount": str(len(requests))},
            "state": "BATCH_STATE_PENDING",
            "name": name,
        }
        kept = Belonging(project, {"name": name, "metadata": metadata}, (answers, bool(file_name)))
        return json_answer(self.belongings.add(name, kept).shown)

    def make_video(self, model_id: str, body: object, project: str, now_s: float) -> Answer:
        """Begin a video; the first answer says only that it was begun."""
        fields = known_fields(body, field_names.PREDICT)
        if not fields.get("instances"):
            refuse("* PredictLongRunningRequest.instances: is not specified\n")
        content = orjson.dumps(fields["instances"])
        video = self.uploads.add_file(project, {}, "video/mp4", content, now_s, source="GENERATED")
        samples = [{"video": {"uri": f"{video['uri']}:download?alt=media"}}]
        name = f"models/{model_id}/operations/{self.belongings.new_id('operations')}"
        response = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse",
            "generateVideoResponse": {"generatedSamples": samples},
        }
        self.belongings.add(name, Belonging(project, {"name": name, "done": True, "response": response}))
        return json_answer({"name": name})

    def _batched(self, model_id: str, each: dict[str, Any], project: str) -> dict[str, Any]:
        marks: dict[str, Any] = {name: each[name] for name in ("key", "metadata") if name in each}
        try:
            return {**marks, "response": self.generate(model_id, each.get("request"), project)}
        except RefusedError as refused:
            return {**marks, "error": refused.answer.body["error"]}

    def _read(self, call: ObjectCall) -> Answer:
        store, _, member = call.resource.rpartition("/")
        if member == "documents":
            self.belongings.get(store, call.project)
        if not store or member == "documents":
            return self._list(call, member)
        thing = self.belongings.get(call.resource, call.project)
        if call.verb == "download" or call.query.get("alt") == "media":
            if thing.shown.get("source") != "GENERATED":
                refuse("Only generated files may be downloaded.")
            return Answer(200, str(thing.shown["mimeType"]), (thing.content,))
        if call.collection == "batches":
            self._complete(thing, call)
        return json_answer(thing.shown)

    def _list(self, call: ObjectCall, member: str) -> Answer:
        things = [thing.shown for thing in self.belongings.listed(f"{call.resource}/", call.project)]
        start = int(call.query.get("pageToken") or 0)
        size = int(call.query.get("pageSize") or _USUAL_PAGE_SIZE)
        page: dict[str, Any] = {}
        if things:
            page[_LISTS.get(member, member)] = things[start : start + size]
        if start + size < len(things):
            page["nextPageToken"] = str(start + size)
        return json_answer(page)

    def _complete(self, thing: Belonging, call: ObjectCall) -> None:
        if thing.shown.get("done"):
            return
        answers, from_file = thing.content
        metadata = thing.shown["metadata"]
        metadata |= {"state": "BATCH_STATE_SUCCEEDED", "endTime": timestamp(call.now_s)}
        failed = sum("error" in answer for answer in answers)
        metadata["batchStats"] |= {
            "pendingRequestCount": "0",
            "successfulRequestCount": str(len(answers) - failed),
            **({"failedRequestCount": str(failed)} if failed else {}),
        }
        output: dict[str, Any] = {"inlinedResponses": {"inlinedResponses": answers}}
        if from_file:
            content = b"".join(orjson.dumps(answer) + b"\n" for answer in answers)
            file = self.uploads.add_file(
                call.project, {}, "application/json", content, call.now_s, source="GENERATED"
            )
            output = {"responsesFile": file["name"]}
        metadata["output"] = output
        thing.shown |= {"done": True, "response": output}

    def _patch(self, call: ObjectCall) -> Answer:
        thing = self.belongings.get(call.resource, call.project)
        fields = known_fields(read_json(call.request.body), field_names.CACHED_CONTENT)
        thing.shown |= {"expireTime": _expiry(fields, call.now_s), "updateTime": timestamp(call.now_s)}
        return json_answer(thing.shown)

    def _act(self, call: ObjectCall) -> Answer:
        """Cancel what runs, import a file into a store; nothing else can be done to a thing."""
        name, _, action = call.resource.rpartition("/") if not call.verb else (call.resource, "", call.verb)
        thing = self.belongings.get(name, call.project)
        if action == "importFile" and call.collection == "fileSearchStores":
            return self._import(call)
        if action != "cancel":
            refuse(f"The method {action} is not known for {name}.")
        if call.collection == "batches":
            thing.shown["metadata"]["state"] = "BATCH_STATE_CANCELLED"
            thing.shown["done"] = True
            return json_answer({})
        thing.shown["status"] = "cancelled"
        return json_answer(thing.shown)

    def _import(self, call: ObjectCall) -> Answer:
        fields = known_fields(read_json(call.request.body), field_names.UPLOAD)
        file = self.belongings.get(str(fields.get("fileName")), call.project)
        return json_answer(self.uploads.add_document(call.resource, file.project, file.shown, file.content))

    def _make(self, call: ObjectCall) -> Answer:
        body = read_json(call.request.body)
        if call.collection == "interactions":
            return interact(self.belongings, self.generate, body, call.project, call.now_s)
        if call.collection == "cachedContents":
            return self._make_cache(call, body)
        if call.collection == "auth_tokens":
            known_fields(body, field_names.AUTH_TOKEN)
            return json_answer({"name": f"auth_tokens/{self.belongings.new_id('auth_tokens')}"})
        if call.collection != "fileSearchStores":
            refuse(f"{call.collection} cannot be made by a POST.")
        name = f"fileSearchStores/{self.belongings.new_id('fileSearchStores')}"
        shown = {
            "name": name,
            **known_fields(body, field_names.FILE_SEARCH_STORE),
            "createTime": timestamp(call.now_s),
            "updateTime": timestamp(call.now_s),
        }
        return json_answer(self.belongings.add(name, Belonging(call.project, shown)).shown)

    def _make_cache(self, call: ObjectCall, body: object) -> Answer:
        fields = known_fields(body, field_names.CACHED_CONTENT)
        if not fields.get("model"):
            refuse("* CreateCachedContentRequest.model: unexpected model name format\n")
        name = f"cachedContents/{self.belongings.new_id('cachedContents')}"
        size = len(orjson.dumps([fields.get("contents"), fields.get("systemInstruction")]))
        shown = {
            "name": name,
            "model": fields["model"],
            "displayName": fields.get("displayName", ""),
            "createTime": timestamp(call.now_s),
            "updateTime": timestamp(call.now_s),
            "expireTime": _expiry(fields, call.now_s),
            "usageMetadata": {"totalTokenCount": token_count(size)},
        }
        return json_answer(self.belongings.add(name, Belonging(call.project, shown)).shown)


def _expiry(fields: dict[str, Any], now_s: float) -> str:
    """When a cache ends, by its life or by its end."""
    if "expireTime" in fields:
        return timestamp(datetime.fromisoformat(fields["expireTime"]).timestamp())
    life_s = float(str(fields.get("ttl") or f"{_USUAL_LIFE_S}s").removesuffix("s"))
    return timestamp(now_s + life_s)
