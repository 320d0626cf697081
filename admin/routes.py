"""The admin's route table, loaded by entrance.py."""

from typing import Any

from admin.api.routes import make_api_routes
from admin.call_actions import CallDeleteHandler, CallsDeleteHandler
from admin.call_page import CallPageHandler
from admin.calls import CallsExportHandler, CallsHandler, NewerCallsHandler
from admin.connect import ConnectHandler
from admin.events import Broadcaster
from admin.key_actions import KeyDoHandler, KeysDoHandler, KeysExportHandler, KeysUndoHandler
from admin.key_adding import KeysAddHandler
from admin.key_page import KeyPageHandler
from admin.keys import KeyRowsHandler, KeysFindHandler, KeysHandler
from admin.live import Composer, EventsHandler
from admin.lookout import Lookout
from admin.moving import TakeLogsHandler
from admin.no_such_page import NoSuchPageHandler
from admin.overview import OverviewHandler
from admin.parts import STATIC, Parts, StaticFiles
from admin.playground import (
    PlaygroundCallHandler,
    PlaygroundHandler,
    PlaygroundModelsHandler,
    PlaygroundTraceHandler,
)
from admin.proxies import ProxiesHandler, ProxyRemoveHandler, SettingWaysHandler
from admin.rendering import Renderer
from admin.search import SearchHandler
from admin.settings import (
    SettingExportHandler,
    SettingImportHandler,
    SettingResetHandler,
    SettingsHandler,
)
from admin.sign_in import ChoicesHandler, MovedHandler, OldSignInHandler, SignInHandler, SignOutHandler
from admin.tokens import (
    TokenDeleteHandler,
    TokenHandler,
    TokenRevealHandler,
    TokensHandler,
    TokenSwitchHandler,
    TokenUndoHandler,
)
from admin.work import TaskHandler, TaskStopHandler
from gateway.control.sessions import SessionBook
from gateway.services import Services

_MOVED = {"/keys_status": "/keys", "/config": "/settings", "/logs": "/calls"}
"""gemini-balance's addresses, which people have in their bookmarks."""


def make_routes(services: Services, renderer: Renderer) -> list[tuple[Any, ...]]:
    """Routes over a running gateway's services; made on its loop."""
    parts = make_parts(services, renderer)
    shared = {"services": services, "parts": parts}
    return [
        *make_api_routes(services, parts),
        (r"/", OverviewHandler, shared),
        (r"/events(?:/(\w+))?", EventsHandler, shared),
        (r"/playground", PlaygroundHandler, shared),
        (r"/playground/call", PlaygroundCallHandler, shared),
        (r"/playground/models", PlaygroundModelsHandler, shared),
        (r"/playground/trace/([A-Za-z0-9._:-]{1,128})", PlaygroundTraceHandler, shared),
        (r"/connect", ConnectHandler, shared),
        (r"/search", SearchHandler, shared),
        (r"/tokens", TokensHandler, shared),
        (r"/tokens/undo/([0-9a-f]{1,64})", TokenUndoHandler, shared),
        (r"/tokens/(\d{1,18})", TokenHandler, shared),
        (r"/tokens/(\d{1,18})/reveal", TokenRevealHandler, shared),
        (r"/tokens/(\d{1,18})/switch", TokenSwitchHandler, shared),
        (r"/tokens/(\d{1,18})/delete", TokenDeleteHandler, shared),
        (r"/calls", CallsHandler, shared),
        (r"/calls/newer", NewerCallsHandler, shared),
        (r"/calls/export", CallsExportHandler, shared),
        (r"/calls/delete", CallsDeleteHandler, shared),
        (r"/calls/([0-9]{1,19})/delete", CallDeleteHandler, shared),
        (r"/calls/([A-Za-z0-9._:-]{1,128})", CallPageHandler, shared),
        (r"/keys", KeysHandler, shared),
        (r"/keys/find", KeysFindHandler, shared),
        (r"/keys/rows", KeyRowsHandler, shared),
        (r"/keys/add", KeysAddHandler, shared),
        (r"/keys/do", KeysDoHandler, shared),
        (r"/keys/export", KeysExportHandler, shared),
        (r"/keys/undo/([0-9a-f]{1,64})", KeysUndoHandler, shared),
        (r"/keys/(-?[0-9]{1,18})", KeyPageHandler, shared),
        (r"/keys/(-?[0-9]{1,18})/do", KeyDoHandler, shared),
        (r"/tasks/([0-9a-f]{1,64})", TaskHandler, shared),
        (r"/tasks/([0-9a-f]{1,64})/stop", TaskStopHandler, shared),
        (r"/settings", SettingsHandler, shared),
        (r"/settings/reset", SettingResetHandler, shared),
        (r"/settings/export", SettingExportHandler, shared),
        (r"/settings/import", SettingImportHandler, shared),
        (r"/settings/take-logs", TakeLogsHandler, shared),
        (r"/settings/ways", SettingWaysHandler, shared),
        (r"/settings/proxies", ProxiesHandler, shared),
        (r"/settings/proxies/remove", ProxyRemoveHandler, shared),
        (r"/sign-in", SignInHandler, shared),
        (r"/sign-out", SignOutHandler, shared),
        (r"/choices", ChoicesHandler, shared),
        (r"/auth", OldSignInHandler, shared),
        *((old, MovedHandler, {**shared, "place": new}) for old, new in _MOVED.items()),
        (r"/(?!static/).*", NoSuchPageHandler, shared),
    ]


def make_renderer() -> Renderer:
    """What renders the pages; reads the translations, on any thread."""
    return Renderer(StaticFiles(STATIC).url)


def make_parts(services: Services, renderer: Renderer) -> Parts:
    """What the handlers share, over a running gateway's services."""
    lookout = Lookout(services)
    live = Broadcaster(Composer(lookout, renderer))
    services.farewells.append(live.end)
    return Parts(renderer, SessionBook(services.store, services.live), lookout, live)
