"""`/events`: the live parts of the page that asks, as one stream of server-sent events.

Every page has the sentence at its top; a page with more of them has a view in VIEWS.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from tornado.iostream import StreamClosedError

from admin.base import PageHandler
from admin.contexts.frame import Sentence
from admin.events import LONGEST_S, QUIET_S, Subscription, Topic, as_event
from admin.lookout import Lookout
from admin.overview import overview_page
from admin.readers import Reader
from admin.rendering import Renderer


@dataclass(frozen=True, slots=True)
class View:
    """A page's live part: the element it goes into, its template, and what that is given."""

    target: str
    template: str
    context: Callable[[Lookout, Topic], Awaitable[Any]]


VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "overview": View(
            "#overview",
            "fragments/overview/live.html",
            lambda lookout, topic: overview_page(
                lookout, dict(topic.query), topic.reader, origin=topic.origin
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes a topic: the sentence, and the page's own live part."""

    lookout: Lookout
    renderer: Renderer

    async def __call__(self, topic: Topic) -> str:
        sentence = Sentence(await self.lookout.pulse())
        parts = [self._part("#sentence", "fragments/frame/sentence.html", sentence, topic.reader)]
        view = VIEWS.get(topic.page)
        if view is not None:
            context = await view.context(self.lookout, topic)
            parts.append(self._part(view.target, view.template, context, topic.reader))
        return "".join(parts)

    def _part(self, target: str, template: str, context: Any, reader: Reader) -> str:
        text = self.renderer.render(template, context, reader=reader)
        return f'<hx-partial hx-target="{target}" hx-swap="outerMorph">{text}</hx-partial>'


class EventsHandler(PageHandler):
    """`/events` and `/events/PAGE`."""

    is_watched = True

    async def get(self, page: str = "") -> None:
        if page and page not in VIEWS:
            self.send_error(404)
            return
        query = tuple(sorted(parse_qsl(self.request.query)))[:8]
        # The theme changes no word: readers of both share what is composed.
        topic = Topic(page, query, self.origin, replace(self.reader, theme="system"))
        subscription = self.parts.live.join(topic)
        if subscription is None:
            self.set_header("Retry-After", "30")
            self.send_error(503)
            return
        self.set_header("Content-Type", "text/event-stream; charset=UTF-8")
        self.set_header("X-Accel-Buffering", "no")  # nginx would keep events until it has a page of them
        self._subscription = subscription
        try:
            await self._tell(subscription)
        except StreamClosedError:
            pass
        finally:
            self.parts.live.leave(topic, subscription)

    def on_connection_close(self) -> None:
        self._subscription.end()

    async def _tell(self, subscription: Subscription) -> None:
        await self.flush()
        ends_s = self.parts.lookout.now_s + LONGEST_S
        while self.parts.lookout.now_s < ends_s:
            text = await subscription.take(QUIET_S)
            if subscription.is_over:
                return
            self.write(as_event(text) if text is not None else ": still here\n\n")
            await self.flush()

    def _ask_to_sign_in(self) -> None:
        """A stream cannot lead elsewhere: static/js/offline.js has the page loaded anew."""
        self.set_status(401)
        self.finish()
