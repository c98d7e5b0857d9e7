"""The password of the web app: cookies that prove it was given, and the page that asks for it."""

import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable
from html import escape
from importlib import resources
from string import Template
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bots.locales import Locale
from bots.web.refusals import Refused, body_of

COOKIE: Final = "cartoonbot"
COOKIE_SECONDS: Final = 365 * 86400
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
FORM_BYTES: Final = 4096
TRIES: Final = 10
TRY_SECONDS: Final = 60
# From all addresses together: without a proxy that says so, they may not be what they seem.
MOST_TRIES: Final = 300


class Tokens:
    """What a browser is known by. With a password, only a token that was given for it counts."""

    def __init__(self, password: str | None, root_path: str) -> None:
        self._password = password
        self._path = root_path or "/"

    def new(self) -> str:
        """A token that nobody can guess."""
        return secrets.token_urlsafe(32)

    def known(self, request: Request) -> str | None:
        """The token that the browser brings; None where it brings none that counts."""
        token, _, proof = request.cookies.get(COOKIE, "").partition(".")
        if not TOKEN.fullmatch(token):
            return None
        # Bytes, as compare_digest takes no text beyond ASCII.
        is_proved = hmac.compare_digest(proof.encode(), self._proof(token).encode())
        return token if self._password is None or is_proved else None

    def cookie(self, request: Request, token: str) -> str:
        """The header that has the browser bring the token from now on, for a year."""
        value = f"{token}.{self._proof(token)}" if self._password else token
        secure = "; Secure" if request.url.scheme == "https" else ""
        return f"{COOKIE}={value}; Path={self._path}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"

    def _proof(self, token: str) -> str:
        return hmac.new((self._password or "").encode(), token.encode(), hashlib.sha256).hexdigest()


class Tries:
    """Wrong passwords: at most TRIES of an address in TRY_SECONDS, MOST_TRIES of all. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._wrong: Counter[str] = Counter()

    def check(self, address: str) -> None:
        """Raises Refused when the address has no try left."""
        if self._clock() - self._since >= TRY_SECONDS:
            self._since = self._clock()
            self._wrong.clear()
        network = _network(address)
        if self._wrong[network] >= TRIES or self._wrong.total() >= MOST_TRIES:
            raise Refused(429, "web-login-wait")

    def count(self, address: str) -> None:
        """A wrong password came from there."""
        self._wrong[_network(address)] += 1


class Login:
    """Answers whoever has not given the password yet."""

    def __init__(self, password: str, root_path: str, tokens: Tokens) -> None:
        self._password = password
        self._root_path = root_path
        self._tokens = tokens
        self._tries = Tries()
        page = resources.files("bots.web").joinpath("login.html").read_text(encoding="utf-8")
        self._page = Template(page)

    async def answer(self, request: Request, locale: Locale) -> Response:
        """The way in: the page that asks, or what comes of the password. Raises Refused."""
        if request.method == "POST" and request.scope["path"].rstrip("/") == "/login":
            return await self._enter(request, locale)
        if _is_browser(request):
            return self._asking(locale)
        raise Refused(401, "web-login-needed")

    async def _enter(self, request: Request, locale: Locale) -> Response:
        form = parse_qs((await body_of(request, FORM_BYTES)).decode(errors="replace"))
        address = request.client.host if request.client else ""
        try:
            self._tries.check(address)
            if not hmac.compare_digest(form.get("password", [""])[0].encode(), self._password.encode()):
                self._tries.count(address)
                raise Refused(401, "web-login-wrong")
        except Refused as refused:
            if not _is_browser(request):
                raise
            return self._asking(locale, refused)
        answer: Response = JSONResponse({"success": True})
        if _is_browser(request):
            answer = RedirectResponse(f"{self._root_path}/", status_code=303)
        # A new one: what a browser brought before the password may be known to others.
        answer.headers["set-cookie"] = self._tokens.cookie(request, self._tokens.new())
        return answer

    def _asking(self, locale: Locale, refused: Refused | None = None) -> Response:
        problem = locale.say(refused.message) if refused else ""
        page = self._page.substitute(
            language=locale.language,
            action=escape(f"{self._root_path}/login"),
            title=escape(locale.say("web-label")),
            hint=escape(locale.say("web-login-hint")),
            label=escape(locale.say("web-login-label")),
            button=escape(locale.say("web-login-button")),
            problem=escape(problem),
        )
        return HTMLResponse(page, refused.status if refused else 401, {"Cache-Control": "no-store"})


def _is_browser(request: Request) -> bool:
    """Whether it asks for a page, which `fetch` and gradio_client do not."""
    return "text/html" in request.headers.get("accept", "")


def _network(address: str) -> str:
    """Who owns one IPv6 address owns 2^64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        # A proxy may name its clients as it likes.
        return address[:64]
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
