"""The routes beside the calls: the health check and the metrics."""

import asyncio

from tornado.web import HTTPError

from gateway import __version__
from gateway.handlers.base import BaseHandler
from gateway.metrics.exposition import write_text
from gateway.pool.key import KeyState


class HealthHandler(BaseHandler):
    """`/health`: 200 while the process can serve calls, also when it has no usable key and says so."""

    def get(self) -> None:
        services = self.services
        counts = services.pool.counts(services.engine.wall_s()).keys
        store = services.store.health()
        body = {
            "status": "healthy",
            "version": __version__,
            "keys": {state.value: count for state, count in counts.items()},
            "database": "ok" if store.ok else "unreachable",
        }
        if not counts[KeyState.ACTIVE]:
            body["detail"] = "No key is usable now: calls will be refused until one is added or comes back."
        if services.draining:
            body["status"] = "draining"
            self.write_json(body, status=503)
            return
        self.write_json(body)

    head = get


class MetricsHandler(BaseHandler):
    """`/metrics` for Prometheus: METRICS_TOKEN opens it, and the administrator's token."""

    async def get(self) -> None:
        if not self.is_admitted(self.services.live.current.metrics_token):
            raise HTTPError(401)
        accept = self.request.headers.get("Accept", "")
        siblings = self.services.siblings
        if siblings is None:
            # Thousands of lines are written on a thread, between the calls.
            totals = self.services.metrics.totals()
            text, media_type = await asyncio.to_thread(write_text, totals, accept)
        else:
            text, media_type = await siblings.exposition(accept)
        self.set_header("Content-Type", media_type)
        self.finish(text)
