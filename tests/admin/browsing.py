"""A browser without a window: cookies kept, forms sent as people send them, pages taken apart."""

from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPMessage
from http.cookies import Morsel, SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.admin.html import Element, parse
from tests.integration.running import RunningGateway

ADMIN_TOKEN = "sk-test-admin"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def page(self) -> Element:
        return parse(self.text)

    @property
    def place(self) -> str:
        """Where a redirect leads."""
        return self.headers["location"] or self.headers["hx-redirect"] or ""


class Browser:
    """One browser; `headers` go with every request."""

    def __init__(self, gateway: RunningGateway, **headers: str) -> None:
        self._netloc = urlsplit(gateway.url).netloc
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.cookies: dict[str, Morsel[str]] = {}

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        return self.ask(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        xsrf: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a form; with the page's own token unless told otherwise."""
        if "_xsrf" not in self.cookies:
            self.get("/")
        sent = dict(fields or {})
        if xsrf:
            sent["_xsrf"] = self.cookies["_xsrf"].value
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.ask("POST", path, urlencode(sent), headers=form)

    def sign_in(self, token: str = ADMIN_TOKEN, **fields: str) -> Answer:
        return self.post("/sign-in", {"token": token, **fields})

    def ask(self, method: str, path: str, body: str | None = None, *, headers: Mapping[str, str]) -> Answer:
        sent = {**self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={each.value}" for name, each in self.cookies.items())
        with closing(HTTPConnection(self._netloc, timeout=15)) as connection:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            self._keep(response.headers)
            return Answer(response.status, response.headers, response.read().decode())

    def _keep(self, headers: HTTPMessage) -> None:
        for line in headers.get_all("set-cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"] or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel
