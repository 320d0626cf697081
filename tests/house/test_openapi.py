"""static/openapi.yaml describes what is served: nothing less, nothing more, and in the shapes it says."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from openapi_spec_validator import validate
from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler

from admin.api.base import ApiHandler, NoSuchAddress
from admin.routes import make_renderer, make_routes
from gateway import __version__
from gateway.app import make_app
from gateway.control.key_tasks import ACTIONS
from gateway.control.key_views import KeyChoice
from gateway.control.overview import PERIODS
from gateway.handlers.gemini import VERBS
from gateway.handlers.gemini_passing import OPERATIONS as PASSED
from gateway.handlers.openai import OPERATIONS
from gateway.handlers.plain import HealthHandler, MetricsHandler
from gateway.protocols.paths import DOORS, VERSIONS
from gateway.services import Services
from gateway.store.key_query import KeySort
from tests.integration.calling import BEARER, GEMINI_BODY, call, chat
from tests.integration.conftest import Lasting
from tests.integration.running import RunningGateway

FILE = Path(__file__).parents[2] / "static" / "openapi.yaml"
ADMIN = {"authorization": "Bearer sk-test-admin", "content-type": "application/json"}
METHODS = ("get", "head", "post", "put", "patch", "delete")
BODIES = {"POST": GEMINI_BODY, "PATCH": b"{}", "PUT": b"{}"}

Json = dict[str, Any]


@cache
def described() -> Json:
    """The document, with its anchors resolved."""
    document: Json = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def resolved(node: Json) -> Json:
    """What a reference within the document stands for."""
    while "$ref" in node:
        name = node["$ref"]
        node = described()
        for part in name.removeprefix("#/").split("/"):
            node = node[part]
    return node


def operations(*tags: str) -> Iterator[tuple[str, str, str]]:
    """(method, path as written, path with its examples) of every operation with one of these tags."""
    for path, item in described()["paths"].items():
        for method in METHODS:
            if method in item and item[method]["tags"][0] in tags:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                yield method.upper(), path, example(path, parameters)


def example(path: str, parameters: list[Json]) -> str:
    """Fill a path and its query with the examples its parameters have."""
    query = []
    for parameter in map(resolved, parameters):
        value = str(parameter["example"])
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif value:
            query.append(f"{parameter['name']}={value}")
    return f"{path}?{'&'.join(query)}" if query else path


@pytest.fixture
def gateway(lasting: Lasting) -> RunningGateway:
    lasting.upstream.forget()
    return lasting.gateway


def test_the_document_is_openapi() -> None:
    validate(described())

    assert described()["info"]["version"] == __version__


def test_every_operation_of_openai_is_described() -> None:
    resources = [path.removeprefix("/v1/") for _, path, _ in operations("OpenAI")]

    assert {each if each in OPERATIONS else each.partition("/")[0] for each in resources} == set(OPERATIONS)


def test_every_native_method_and_collection_is_described() -> None:
    paths = [path for _, path, _ in operations("Gemini")]
    verbs = {path.rpartition(":")[2] for path in paths if "/models/{model}:" in path}
    collections = set(resolved({"$ref": "#/components/parameters/collection"})["schema"]["enum"])
    doors = {path.split("/")[1] for path in paths} - VERSIONS

    assert verbs == VERBS | {name for name in PASSED if name.startswith(("async", "batchGen", "predict"))}
    assert verbs | collections | {"interactions"} == VERBS | PASSED
    assert doors == DOORS
    assert {path.rpartition(":")[2] for _, path, _ in operations("Vertex express") if ":" in path} == VERBS


def rules_of(services: Services) -> list[tuple[re.Pattern[str], type[RequestHandler]]]:
    plain, admins = make_app(services), Application(make_routes(services, make_renderer()))
    return [
        (rule.matcher.regex, rule.target)
        for application in (plain, admins)
        for rule in application.wildcard_router.rules
        if isinstance(rule.matcher, PathMatches) and isinstance(rule.target, type)
    ]


def test_every_plain_and_admin_address_is_described(gateway: RunningGateway) -> None:
    rules = gateway.on_loop(rules_of)
    described_ones = {
        (pattern.pattern, method)
        for method, _, path in operations("Admin", "Old", "Operation")
        for pattern in [next(each for each, _ in rules if each.match(path.partition("?")[0]))]
    }
    served = {
        (pattern.pattern, method.upper())
        for pattern, handler in rules
        if issubclass(handler, ApiHandler | HealthHandler | MetricsHandler) and handler is not NoSuchAddress
        for method in METHODS
        if getattr(handler, method) is not getattr(RequestHandler, method)
    }

    assert sorted(served - described_ones) == [], "not described"
    assert sorted(described_ones - served) == [], "not served"


@pytest.mark.parametrize("tag", [each["name"] for each in described()["tags"]])
def test_every_operation_described_is_served(gateway: RunningGateway, tag: str) -> None:
    headers = BEARER if tag in ("OpenAI", "Anthropic", "Gemini", "Vertex express") else ADMIN
    not_served = []
    for method, _, target in operations(tag):
        answer = call(gateway, target, BODIES.get(method), method=method, headers=headers)
        words = answer.body.decode("utf-8", "replace")
        if answer.status in (401, 405, 501) or (answer.status == 404 and "There is no route" in words):
            not_served.append((method, target, answer.status, words[:200]))

    assert not_served == []


def test_a_method_that_is_not_described_is_refused(gateway: RunningGateway) -> None:
    written = {(method, path) for method, path, _ in operations("OpenAI", "Admin")}
    taken = [
        (method, target, answer.status)
        for _, path, target in operations("OpenAI", "Admin")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if (method, path) not in written
        for answer in [call(gateway, target, BODIES.get(method), method=method, headers=ADMIN)]
        if answer.status not in (404, 405)
    ]

    assert taken == []


def test_the_choices_described_are_those_that_are_taken() -> None:
    schemas, paths = described()["components"]["schemas"], described()["paths"]
    (period,) = paths["/api/admin/overview"]["get"]["parameters"]
    body = paths["/api/admin/keys/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert schemas["KeyChoice"]["enum"] == list(get_args(KeyChoice))
    assert schemas["KeySort"]["enum"] == list(get_args(KeySort))
    assert body["properties"]["action"]["enum"] == list(ACTIONS)
    assert period["schema"]["enum"] == list(PERIODS)


@pytest.mark.parametrize(
    ("path", "member", "schema"),
    [
        ("overview", "", "Overview"),
        ("pool", "", "Pool"),
        ("keys", "", "KeyPage"),
        ("keys", "keys", "Key"),
        ("keys/1", "", "KeyDetail"),
        ("tokens", "tokens", "Token"),
        ("settings", "settings", "Setting"),
        ("calls", "calls", "Call"),
        ("tasks", "tasks", "Task"),
        ("audit", "entries", "AuditEntry"),
        ("nothing", "", "AdminError"),
    ],
)
def test_the_admin_answers_in_the_shapes_described(
    gateway: RunningGateway, path: str, member: str, schema: str
) -> None:
    chat(gateway)
    call(gateway, "/api/admin/keys/tasks", b'{"action": "reset", "ids": [1]}', headers=ADMIN)

    found = call(gateway, f"/api/admin/{path}", None, method="GET", headers=ADMIN).json
    shown = found[member][0] if member else found

    declared = described()["components"]["schemas"][schema]
    inherited = [resolved(each)["properties"] for each in declared.get("allOf", ())]
    properties = dict(pair for each in (*inherited, declared["properties"]) for pair in each.items())
    only_single = {"error", "request"} if schema == "Call" else set()
    assert set(shown) == set(properties) - only_single
    for name, value in shown.items():
        validate_value(value, properties[name], f"{schema}.{name}")


def validate_value(value: object, schema: Json, where: str) -> None:
    """Check the type of a value, as far as the schema says one."""
    kinds = resolved(schema).get("type", [])
    names = [kinds] if isinstance(kinds, str) else kinds
    kind = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}.get(
        type(value), "array" if isinstance(value, list) else "object"
    )
    assert not names or kind in names or (kind == "integer" and "number" in names), (where, kind, names)


def test_the_document_can_be_had(gateway: RunningGateway) -> None:
    answer = call(gateway, "/static/openapi.yaml", None, method="GET", headers={})

    assert answer.status == 200
    assert answer.body == FILE.read_bytes()
