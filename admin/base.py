"""What every page of the admin has in common: who may see it, what a browser may do with it, how it answers.

A page is shown whole, or as the fragment that htmx asked for; a change is answered with the fragment, or with
a redirect when a browser sent the form itself.
"""

import base64
import binascii
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from admin.catalogues import translations_of
from admin.contexts.frame import Frame, Gate, Refused
from admin.parts import Parts
from admin.readers import THEMES, Reader, Theme, choose_language, choose_numbers, is_zone
from gateway import __version__
from gateway.control.desk import Desk
from gateway.control.pasting import Preview
from gateway.control.results import Actor
from gateway.control.sessions import Session
from gateway.control.undo import Undo
from gateway.errors import StoreUnavailable
from gateway.handlers.base import BaseHandler
from gateway.services import Services

SESSION_COOKIE = "gateway_session"
_SAID_COOKIE = "gateway_said"
_MOST_SAID = 400
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cache-Control", "no-store"),
    ("Vary", "Cookie, Accept-Language, HX-Request-Type"),
)


class PageHandler(BaseHandler):
    """A page or a change for whoever is signed in."""

    is_open: ClassVar[bool] = False
    """Whether also those may come who are not signed in."""
    is_watched: ClassVar[bool] = False
    """Asked again and again by a page that only stands open: that does not make its session longer."""
    section: str = ""
    """The place in the navigation the page belongs to."""

    parts: Parts
    reader: Reader
    session: Session | None

    def initialize(self, services: Services, parts: Parts) -> None:  # type: ignore[override]  # Tornado hands in what the route names
        super().initialize(services)
        self.parts = parts
        self.session = None
        self.reader = self._read_reader()

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in _HEADERS:
            self.set_header(name, value)

    async def prepare(self) -> None:
        if self.request.method not in ("GET", "HEAD"):
            self.check_xsrf_cookie()
        self.session = await self._find_session()
        if self.session is None and not self.is_open:
            self._ask_to_sign_in()

    # Answers

    async def show(self, page: str, context: Any, *, fragment: str = "", status: int = 200) -> None:
        """Answer with a page, or with its fragment when htmx asked for a part.

        page, fragment   templates; without a fragment it is always the whole page
        """
        self.set_status(status)
        if fragment and self.wants_fragment:
            await self.show_part(fragment, context)
        else:
            frame = await self._frame()
            renderer = self.parts.renderer
            self.finish(await renderer.render_in_turns(page, context, reader=self.reader, frame=frame))

    async def show_part(self, fragment: str, context: Any) -> None:
        """Answer with a fragment that may be long."""
        frame = self._gate()
        renderer = self.parts.renderer
        self.finish(await renderer.render_in_turns(fragment, context, reader=self.reader, frame=frame))

    def render_part(self, fragment: str, context: Any) -> str:
        """The text of a fragment for this reader."""
        return self.parts.renderer.render(fragment, context, reader=self.reader, frame=self._gate())

    def go(self, path: str, *, said: str = "") -> None:
        """Lead to another page after a change, where `said` is told once."""
        if said:
            self._put_said(said)
        if self.is_htmx:
            self.set_header("HX-Redirect", path)
            self.set_status(204)
            self.finish()
        else:
            self.redirect(path, status=303)

    async def undo_asked(self, undo: Undo) -> str:
        """The deletion that the address names and that may still be taken back, "" for none."""
        batch = self.get_query_argument("undo", "")
        return batch if await undo.holds(batch) else ""

    def pasted(self) -> str:
        """What was pasted into the field `text`, and what stands in the files sent as `file`."""
        texts = [self.get_body_argument("text", "", strip=False).replace("\r\n", "\n")]
        texts += [text_of_file(sent["body"]) for sent in self.request.files.get("file", ())]
        return "\n".join(filter(None, texts))

    def only_looks(self, preview: Preview | None) -> bool:
        """Whether a form asks what its text holds, or was sent before somebody saw what is odd about it."""
        if self.get_body_argument("step", "") == "look":
            return True
        return preview is not None and not (
            preview.is_plain or self.get_body_argument("seen", "") == preview.mark
        )

    def events_address(self) -> str:
        """Where the page's live parts come from."""
        return "/events"

    @property
    def desk(self) -> Desk:
        """What the page reads and changes."""
        return self.services.desk

    @property
    def actor(self) -> Actor:
        """Who changes something."""
        return Actor("admin", self.request.remote_ip or "")

    @property
    def now_ms(self) -> int:
        return int(self.parts.lookout.now_s * 1000)

    @property
    def origin(self) -> str:
        """Scheme and host as the reader reached us."""
        return f"{self.request.protocol}://{self.request.host}"

    def words(self, message: str) -> str:
        """A message in the reader's language; scripts/catalogue.py finds it by this method's name."""
        return translations_of(self.reader.language).gettext(message)

    @property
    def is_htmx(self) -> bool:
        """Whether htmx asks, not the browser itself."""
        return self.request.headers.get("HX-Request") == "true"

    @property
    def wants_fragment(self) -> bool:
        """Whether only a part of the page is asked for."""
        return self.request.headers.get("HX-Request-Type") == "partial"

    def compute_etag(self) -> None:
        """Nobody keeps a page, so nobody asks whether it changed."""

    def write_error(self, status_code: int, **more: Any) -> None:
        """Say what went wrong on a page of its own, or where the change was made."""
        error = more.get("exc_info", (None, None, None))[1]
        if isinstance(error, StoreUnavailable):
            status_code = 503
        self.set_status(status_code)
        context = Refused(status_code, self._here())
        if self.is_htmx:
            self.set_header("HX-Retarget", "#toasts")
            self.set_header("HX-Reswap", "beforeend")
            self.finish(self.render_part("fragments/frame/refusal.html", context))
            return
        gate = Gate(__version__, self._token(), "/")
        self.finish(self.parts.renderer.render("pages/refused.html", context, reader=self.reader, frame=gate))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What the database does not do is told by the store, and is no error of ours."""
        if not isinstance(value, StoreUnavailable):
            super().log_exception(typ, value, tb)

    # Cookies

    def set_cookie(self, name: str, value: Any, *arguments: Any, **attributes: Any) -> None:
        """Every cookie of the admin: not for scripts, not for other sites, over TLS where there is any."""
        attributes.setdefault("httponly", True)
        attributes.setdefault("samesite", "Lax")
        attributes.setdefault("path", "/")
        if self.request.protocol == "https":
            attributes.setdefault("secure", True)
        super().set_cookie(name, value, *arguments, **attributes)

    def keep_session(self, token: str) -> None:
        """Have the browser keep a session's token as long as the session lasts."""
        self.set_cookie(SESSION_COOKIE, token, max_age=self.parts.sessions.lifetime_s)

    def _put_said(self, said: str) -> None:
        encoded = base64.urlsafe_b64encode(said[:_MOST_SAID].encode()).decode().rstrip("=")
        self.set_cookie(_SAID_COOKIE, encoded, max_age=60)

    def _take_said(self) -> str:
        encoded = self.get_cookie(_SAID_COOKIE, "")
        if not encoded:
            return ""
        self.clear_cookie(_SAID_COOKIE)
        try:
            return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()[:_MOST_SAID]
        except (binascii.Error, ValueError):
            return ""

    # Who

    def _read_reader(self) -> Reader:
        accepted = self.request.headers.get("Accept-Language", "")
        language = choose_language(self.get_cookie("language", "") or "", accepted)
        zone = (self.get_cookie("zone", "") or "").replace("%2F", "/")
        return Reader(
            language=language,
            numbers=choose_numbers(accepted, language),
            zone=zone if is_zone(zone) else self.services.live.current.timezone,
            theme=_theme(self.get_cookie("theme", "") or ""),
        )

    @property
    def session_token(self) -> str:
        """What the browser shows of a session; "" for none."""
        return self.get_cookie(SESSION_COOKIE, "") or ""

    async def _find_session(self) -> Session | None:
        session = await self.parts.sessions.find(self.session_token, extend=not self.is_watched)
        if session is not None and session.lifetime_s is not None:
            self.keep_session(self.session_token)
        return session

    def _ask_to_sign_in(self) -> None:
        is_page = self.request.method in ("GET", "HEAD")
        gate = f"/?{urlencode({'next': self._here()})}" if is_page and self._here() != "/" else "/"
        if self.is_htmx:
            self.set_status(401)
            self.set_header("HX-Redirect", gate)
            self.finish()
        else:
            self.redirect(gate, status=303)

    # What stands around

    async def _frame(self) -> Frame | Gate:
        if self.session is None:
            return self._gate()
        return Frame(
            version=__version__,
            xsrf=self._token(),
            here=self._here(),
            section=self.section,
            pulse=await self.parts.lookout.pulse(),
            tokens=len(self.services.tokens),
            events=self.events_address(),
            said=self._take_said(),
        )

    def _gate(self) -> Gate:
        return Gate(__version__, self._token(), self._here())

    def _token(self) -> str:
        return self.xsrf_token.decode()

    def _here(self) -> str:
        return local_path(self.request.uri or "/")


def text_of_file(content: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 as Windows writes it; its byte order mark comes off."""
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_wide else "utf-8-sig", "replace")


def local_path(address: str) -> str:
    """A path of ours with its query, "/" for anything that would lead elsewhere."""
    parts = urlsplit(address.replace("\\", "/"))
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//"):
        return "/"
    if not address.isprintable() or len(address) > 2000:
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _theme(name: str) -> Theme:
    for theme in THEMES:
        if name == theme:
            return theme
    return "system"
