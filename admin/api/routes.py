"""The API's route table on one screen. static/openapi.yaml describes it."""

from typing import Any

from admin.api import calls, keys, moving, old, overview, settings, tokens, undo
from admin.api.base import NoSuchAddress
from admin.parts import Parts
from gateway.services import Services

PREFIX = "/api/admin"
_ADDRESSES: tuple[tuple[str, Any], ...] = (
    (r"/overview", overview.OverviewHandler),  # GET ?period=1h|8h|24h|7d
    (r"/pool", overview.PoolHandler),  # GET
    (r"/attention", overview.AttentionHandler),  # GET ?kind=&limit=
    (r"/keys", keys.KeysHandler),  # GET ?text=&provider=&state=&reason=&tag=&project=&model=&sort=… · POST
    (r"/keys/find", keys.KeysFindHandler),  # POST {filter, page, page_size}
    (r"/keys/(-?[0-9]{1,18})", keys.KeyHandler),  # GET · PATCH · DELETE
    (r"/keys/tasks", keys.KeyTasksHandler),  # POST {action, ids | filter, edit}
    (r"/keys/undo", undo.KeyUndoHandler),  # POST {batch}
    (r"/keys/reveal", keys.RevealHandler),  # POST {ids}
    (r"/keys/export", keys.KeyExportHandler),  # POST {format, ids | filter}
    (r"/keys/tags", keys.TagsHandler),  # GET
    (r"/tokens", tokens.TokensHandler),  # GET · POST {name, secret, limits}
    (r"/tokens/undo", undo.TokenUndoHandler),  # POST {batch}
    (r"/tokens/([0-9]{1,18})", tokens.TokenHandler),  # GET · PATCH · DELETE
    (r"/tokens/([0-9]{1,18})/reveal", tokens.TokenRevealHandler),  # POST
    (r"/tokens/([0-9]{1,18})/models", tokens.TokenModelsHandler),  # GET ?days=
    (r"/settings", settings.SettingsHandler),  # GET · PATCH {NAME: value, …}
    (r"/settings/reset", settings.SettingResetHandler),  # POST {names | all}
    (r"/settings/export", settings.SettingExportHandler),  # POST {format, secrets}
    (r"/settings/import", settings.SettingImportHandler),  # POST, a file as the body
    (r"/proxies/check", settings.ProxyCheckHandler),  # POST {proxies}
    (r"/calls", calls.CallsHandler),  # GET ?since_ms=&until_ms=&token_id=&model=&dialect=&status=…
    (r"/calls/delete", calls.CallDeleteHandler),  # POST {ids | filter}
    (r"/calls/export", calls.CallExportHandler),  # GET ?format=csv|jsonl and filters
    (r"/calls/([A-Za-z0-9._:-]{1,128})", calls.CallHandler),  # GET, by id or request id
    (r"/moving-in", moving.MovingInHandler),  # GET · POST
    (r"/tasks", overview.TasksHandler),  # GET
    (r"/tasks/([0-9a-f]{24})", overview.TaskHandler),  # GET
    (r"/tasks/([0-9a-f]{24})/stop", overview.TaskStopHandler),  # POST
    (r"/audit", overview.AuditHandler),  # GET ?limit=&before_id=&subject=
)
_OLD: tuple[tuple[str, Any], ...] = (
    (r"(?:/hf)?/v1/keys/list", old.KeysListHandler),
    (r"(?:/gemini)?/v1beta/reset-all-fail-counts", old.ResetAllHandler),
    (r"(?:/gemini)?/v1beta/reset-selected-fail-counts", old.ResetSelectedHandler),
    (r"(?:/gemini)?/v1beta/reset-fail-count/([^/]{1,500})", old.ResetOneHandler),
    (r"(?:/gemini)?/v1beta/verify-key/([^/]{1,500})", old.VerifyOneHandler),
    (r"(?:/gemini)?/v1beta/verify-selected-keys", old.VerifySelectedHandler),
)


def make_api_routes(services: Services, parts: Parts) -> list[tuple[Any, ...]]:
    """Routes for the application; they come before the pages' own."""
    shared = {"services": services, "parts": parts}
    return [
        *((PREFIX + address, handler, shared) for address, handler in _ADDRESSES),
        (PREFIX + r"(?:/.*)?", NoSuchAddress, shared),
        *((address, handler, shared) for address, handler in _OLD),
    ]
