"""The start page: is it working, and what to do next."""

from admin.contexts import StartPage
from admin.rendering import Renderer
from gateway import __version__
from gateway.handlers.base import BaseHandler
from gateway.pool.key import KeyState
from gateway.services import Services

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


class StartHandler(BaseHandler):
    """`/`."""

    renderer: Renderer

    def initialize(self, services: Services, renderer: Renderer) -> None:  # type: ignore[override]  # Tornado hands in what the route names
        super().initialize(services)
        self.renderer = renderer

    def get(self) -> None:
        services = self.services
        counts = services.pool.counts(services.engine.wall_s()).keys
        page = StartPage(
            version=__version__,
            origin=f"{self.request.protocol}://{self.request.host}",
            keys_ready=counts[KeyState.ACTIVE],
            keys_total=sum(counts.values()),
            tokens=len(services.tokens),
        )
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.finish(self.renderer.render("pages/start.html", page))

    head = get
