"""What is no page: people are told so on one, programs by the error they can read."""

from typing import Any

from admin.base import PageHandler
from gateway.handlers.base import BaseHandler


class NoSuchPageHandler(PageHandler):
    """Every address that nobody else took; the last in the table."""

    is_open = True

    async def prepare(self) -> None:
        self.send_error(404)

    def write_error(self, status_code: int, **more: Any) -> None:
        if self.request.method in ("GET", "HEAD") and "text/html" in self.request.headers.get("Accept", ""):
            super().write_error(status_code, **more)
        else:
            BaseHandler.write_error(self, status_code, **more)
