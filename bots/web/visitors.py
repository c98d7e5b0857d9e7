"""The door of the web app: who a browser is, and who is answered at all."""

import hashlib
import ipaddress
import logging
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.locales import Locales
from bots.web.gradio_door import API, GradioDoor
from bots.web.login import Login, Tokens
from bots.web.refusals import Refused
from core.errors import ConfigError
from storage.shelf import Shelf

log = logging.getLogger(__name__)

# The same for everybody, and may be kept for everybody by whatever is in between.
SHARED: Final = ("/assets/", "/static/", "/theme.css", "/icon.svg", "/example.jpg", "/favicon.ico")
HEADERS: Final = {
    # Nothing leaves. Gradio writes scripts and styles into its page and compiles some, shows pictures from memory,
    # and plays from it.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    # Nothing is told to other sites. "no-referrer" would have browsers hide from us where our own forms come from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser: letters and digits that it alone has, and the tag of its language where it tells one."""

    user: str
    language: str | None


class Visitors:
    """ASGI middleware that knows browsers by a cookie, and lets in only who may come in.

    With a `password`, whoever has given it. Else, unless the app `is_open` to all, whoever is on this machine and
    asks for it by that name: another site whose name leads here (DNS rebinding) is refused, and so is a proxy.
    Requests that another site makes are refused always. `root_path` is below what a proxy shows the app, whether
    the proxy removes it or not.
    """

    def __init__(
        self, app: ASGIApp, *, password: str | None, is_open: bool, root_path: str, shelf: Shelf, locales: Locales
    ) -> None:
        self._app = GradioDoor(app, shelf)
        self._is_for_this_machine = password is None and not is_open
        self._root_path = root_path
        self._locales = locales
        self._tokens = Tokens(password, root_path)
        self._login = Login(password, root_path, self._tokens) if password else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._below_root(scope)
        request = Request(scope, receive)
        cookies: list[str] = []
        is_answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                _dress(MutableHeaders(scope=message), request.url.path, cookies)
            await send(message)

        locale = self._locales.of(_language(request))
        try:
            self._check(request)
            await self._welcome(request, cookies, send_with_headers)
        except Refused as refused:
            as_json = request.url.path.endswith("/queue/join")
            await refused.response(locale, as_json=as_json)(scope, receive, send_with_headers)
        except ClientDisconnect:
            # Nobody is there to answer.
            return
        except Exception as error:
            if is_answered:
                # Gradio finds out in the middle of a stream that there is no such session.
                log.info("an answer broke off: %s", error)
                return
            log.exception("a request failed")
            await Refused(500, "something-broke").response(locale)(scope, receive, send_with_headers)

    async def _welcome(self, request: Request, cookies: list[str], send: Send) -> None:
        token = self._tokens.known(request)
        is_login = request.scope["path"].rstrip("/") == "/login"
        if self._login and (token is None or is_login):
            answer = await self._login.answer(request, self._locales.of(_language(request)))
            await answer(request.scope, request.receive, send)
            return
        if token is None:
            token = self._tokens.new()
            if not request.url.path.startswith(SHARED):
                cookies.append(self._tokens.cookie(request, token))
        user = hashlib.sha256(token.encode()).hexdigest()[:32]
        request.state.visitor = Visitor(user, _language(request))
        await self._app(request.scope, request.receive, send)

    def _check(self, request: Request) -> None:
        hosts = _hosts(request)
        if self._is_for_this_machine and not all(is_loopback(_hostname(host)) for host in hosts):
            raise Refused(400, "web-unknown-host")
        if not _is_from_here(request, hosts):
            raise Refused(403, "web-other-site")

    def _below_root(self, scope: Scope) -> Scope:
        path = scope["path"]
        # More than once, as Gradio removes it too: what it sees must be what was looked at.
        while self._root_path and f"{path}/".startswith(f"{self._root_path}/"):
            path = path.removeprefix(self._root_path) or "/"
        return {**scope, "path": path}


def _dress(headers: MutableHeaders, path: str, cookies: list[str]) -> None:
    headers.update(HEADERS)
    if cookies:
        # Nobody else must be taken for this visitor.
        headers["cache-control"] = "private, no-store"
    elif path.startswith(API):
        headers.setdefault("cache-control", "private")
    for cookie in cookies:
        headers.append("set-cookie", cookie)


def visitor_of(request: Any) -> Visitor:
    """Who sent it: a request of Starlette's or of Gradio's that came through Visitors."""
    return cast("Visitor", request.state.visitor)


def check_reach(host: str, password: str | None, *, is_open: bool) -> None:
    """Raises ConfigError where other machines could reach the app, and nobody has said that they may."""
    if not (is_loopback(host) or password or is_open):
        raise ConfigError(
            f"With WEB_HOST={host} other machines can reach the web app. Set WEB_PASSWORD to what visitors have "
            "to type, or WEB_OPEN=1 to let in everybody, or WEB_HOST=127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's, and reached from it alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hosts(request: Request) -> list[str]:
    """The names that the app was asked for by: as it is told, and as a proxy before it was told."""
    forwarded = ",".join(request.headers.getlist("x-forwarded-host"))
    names = [name.strip() for name in forwarded.split(",") if name.strip()]
    return [request.headers.get("host", ""), *names]


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_from_here(request: Request, hosts: list[str]) -> bool:
    """Whether a page of this app, a person, or a program made the request, and not a page of another site.

    No page can choose what its browser says as Sec-Fetch-Site and Origin, nor send X-Forwarded-Host elsewhere
    without asking first, and that is refused here.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site == "same-origin":
        return True
    if origin is not None:
        name = origin.partition("://")[2]
        return name != "" and name.lower() in [host.lower() for host in hosts]
    return request.method in ("GET", "HEAD") or site not in ("cross-site", "same-site")


def _language(request: Request) -> str | None:
    """What the browser likes most."""
    liked = request.headers.get("accept-language", "")
    return liked.split(",")[0].split(";")[0].strip() or None
