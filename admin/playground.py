"""`/playground`: one prompt to one model, sent by the browser itself as any client would send it.

So what is seen is what clients see: the same route, the same token, the same proxies in between.
"""

import asyncio

from admin.base import PageHandler
from admin.contexts.playground import ModelNames, PlaygroundPage, TokenChoice, Trace
from admin.snippets import snippets_of
from admin.trial import DIALECTS, Dialect, Trial
from gateway.control.desk import Desk
from gateway.errors import GatewayError
from gateway.store.records import StoredCall

TOKEN_SHOWN = "YOUR_TOKEN"  # noqa: S105 - stands for one
_MODELS_S = 8.0
_RECORD_LOOKS, _RECORD_LOOK_S = 20, 0.1


class PlaygroundHandler(PageHandler):
    """The page; posted, it shows the same call in other words."""

    section = "playground"

    async def get(self) -> None:
        asked = Trial(
            dialect=_dialect(self.get_query_argument("dialect", "")),
            model=self.get_query_argument("model", "") or self.services.live.current.test_model,
            prompt=self.words("Say hello in three languages."),
        )
        await self._show(asked, token_id=0)

    head = get

    async def post(self) -> None:
        await self._show(read_trial(self), token_id=read_token(self), sent=not self.is_htmx)

    async def _show(self, trial: Trial, *, token_id: int, sent: bool = False) -> None:
        trial = trial.bounded()
        services = self.services
        services.model_list.refresh_soon()
        page = PlaygroundPage(
            trial=trial,
            models=tuple(sorted(services.model_list.names)),
            tokens=await token_choices(services.desk),
            token_id=token_id,
            snippets=snippets_of(trial, self.origin, TOKEN_SHOWN),
            sent=sent,
        )
        await self.show("pages/playground.html", page, fragment="fragments/playground/code.html")


class PlaygroundCallHandler(PageHandler):
    """`/playground/call`: the request to send, as JSON; with a token when the page does not know it yet."""

    async def post(self) -> None:
        trial = read_trial(self).bounded()
        request: dict[str, object] = {"path": trial.path, "body": trial.body, "stream": trial.stream}
        if not self.get_body_argument("known", ""):
            request["token"] = await self.desk.tokens.reveal(read_token(self), self.actor)
        self.write_json(request)


class PlaygroundModelsHandler(PageHandler):
    """`/playground/models`: the names to choose from, once the upstream's list was read."""

    async def get(self) -> None:
        try:
            async with asyncio.timeout(_MODELS_S):
                listing = await self.services.model_list.current()
        except (GatewayError, TimeoutError):
            names = None
        else:
            names = tuple(sorted(listing.names))
        self.finish(self.render_part("fragments/playground/models.html", ModelNames(names)))


class PlaygroundTraceHandler(PageHandler):
    """`/playground/trace/ID`: what became of a call that was just made."""

    async def get(self, request_id: str) -> None:
        found = await self._find(request_id)
        self.finish(self.render_part("fragments/playground/trace.html", Trace(request_id, found)))

    async def _find(self, request_id: str) -> StoredCall | None:
        """The record, which is written a moment after the call has ended."""
        for _ in range(_RECORD_LOOKS):
            found = await self.desk.calls.read_by_request_id(request_id)
            if found is not None:
                return found
            await asyncio.sleep(_RECORD_LOOK_S)
        return None


async def token_choices(desk: Desk) -> tuple[TokenChoice, ...]:
    """The access tokens that are enabled; the administrator's own is for nobody's client."""
    views = await desk.tokens.all()
    return tuple(
        TokenChoice(view.id, view.name or f"#{view.id} {view.alias}")
        for view in views
        if view.id and view.enabled
    )


def read_trial(handler: PageHandler) -> Trial:
    """The trial that a form holds."""
    field = handler.get_body_argument
    return Trial(
        dialect=_dialect(field("dialect", "")),
        model=field("model", ""),
        system=field("system", ""),
        prompt=field("prompt", "", strip=False),
        stream=bool(field("stream", "")),
    )


def read_token(handler: PageHandler) -> int:
    """The token that a form chose; 0 for none."""
    text = handler.get_body_argument("token", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _dialect(name: str) -> Dialect:
    return next((dialect for dialect in DIALECTS if dialect == name), "openai")
