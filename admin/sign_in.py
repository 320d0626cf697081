"""Signing in and out, and the reader's choices of language and theme."""

from typing import Any

from admin import guessing
from admin.base import SESSION_COOKIE, PageHandler, local_path
from admin.contexts.sign_in import SignIn
from admin.readers import LANGUAGES, THEMES
from gateway.log import get_logger

log = get_logger("gateway.admin")
_CHOICE_S = 400 * 86_400
"""As long as browsers keep a cookie at most."""


class SignInHandler(PageHandler):
    """`/sign-in`: the form's target; `/` shows the form (overview.py)."""

    is_open = True

    def get(self) -> None:
        self.redirect("/")

    head = get

    async def post(self) -> None:
        now_s = self.services.engine.wall_s()
        place = local_path(self.get_body_argument("next", "/"))
        wait_s = guessing.wait_s(self.parts, self.request, now_s)
        if wait_s:
            self.set_header("Retry-After", str(wait_s))
            await show_sign_in(self, place, status=429, wait_s=wait_s)
            return
        secret = self.get_body_argument("token", "", strip=True)
        if not self.parts.sessions.is_right(secret):
            guessing.count_wrong(self.parts, self.request, now_s)
            log.warning("sign_in_refused", peer=self.request.remote_ip)
            await show_sign_in(self, place, status=401, wrong=True)
            return
        self.parts.peers.was_right(self.request.remote_ip or "")
        self.keep_session(await self.parts.sessions.begin())
        log.info("signed_in", peer=self.request.remote_ip)
        self.go(place)


class SignOutHandler(PageHandler):
    """`/sign-out`: this browser, or all of them with `everywhere`."""

    is_open = True

    async def post(self) -> None:
        if self.session is not None:
            if self.get_body_argument("everywhere", ""):
                await self.parts.sessions.end_all()
            else:
                await self.parts.sessions.end(self.session_token)
        self.clear_cookie(SESSION_COOKIE)
        self.go("/")


class ChoicesHandler(PageHandler):
    """`/choices`: language and theme, kept in the browser; also before one is signed in."""

    is_open = True

    def post(self) -> None:
        for name, values in (("language", LANGUAGES), ("theme", THEMES)):
            value = self.get_body_argument(name, "")
            if value in values:
                self.set_cookie(name, value, max_age=_CHOICE_S)
        self.go(local_path(self.get_body_argument("here", "/")))


class OldSignInHandler(PageHandler):
    """`/auth` of gemini-balance, whose form had no token against forged requests: signing in begins anew."""

    is_open = True

    def check_xsrf_cookie(self) -> None:
        """Nothing is changed here."""

    def get(self) -> None:
        self.redirect("/", status=303)

    head = post = get


class MovedHandler(PageHandler):
    """A page that gemini-balance had at another address.

    place   where it is now
    """

    is_open = True

    def initialize(self, place: str, **more: Any) -> None:  # type: ignore[override]  # as the route names them
        super().initialize(**more)
        self._place = place

    def get(self) -> None:
        query = self.request.query
        self.redirect(f"{self._place}?{query}" if query else self._place, status=302)

    head = get


async def show_sign_in(
    handler: PageHandler, place: str, *, status: int = 200, wrong: bool = False, wait_s: int = 0
) -> None:
    """Show the form that asks for the administrator's token."""
    context = SignIn(next=place, wrong=wrong, wait_s=wait_s)
    await handler.show("pages/sign_in.html", context, status=status)
