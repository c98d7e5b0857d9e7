"""What of Gradio's own routes is open, and that each visitor reaches their own files and sessions only."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.web.refusals import Refused, body_of
from storage.shelf import Shelf

API: Final = "/gradio_api/"
# What the page and gradio_client ask for. The rest is for what is not used here: loading files from other servers,
# editing the app in the browser, deep links, streams, calls past the queue.
OPEN: Final = frozenset(
    {
        "app_id",
        "cancel",
        "info",
        "queue/data",
        "queue/join",
        "reset",
        "theme.css",
        "upload",
        "upload_progress",
    }
)
BODIES: Final = frozenset({"cancel", "queue/join", "reset"})
CLOSED: Final = frozenset({"login", "logout", "monitoring", "openapi.json", "svelte"})
SESSION: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
FILES: Final = ("file=", "file/")
HEARTBEAT: Final = "heartbeat/"
BODY_BYTES: Final = 4_000_000


class GradioDoor:
    """ASGI middleware inside Visitors. Raises Refused.

    Gradio gives the results of a session to whoever names it. Here each name begins with the visitor, so that
    the same name of two visitors is two sessions.
    """

    def __init__(self, app: ASGIApp, shelf: Shelf) -> None:
        self._app = app
        self._shelf = shelf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            scope, receive = await self._narrowed(scope, receive)
        await self._app(scope, receive, send)

    async def _narrowed(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        before, api, route = scope["path"].partition(API)
        if before.strip("/").partition("/")[0] in CLOSED:
            raise Refused(404, "web-not-found")
        if not api:
            return scope, receive
        user = scope["state"]["visitor"].user
        if route.startswith(FILES):
            return _moved(scope, f"file={self._found(user, route[len(FILES[0]) :])}"), receive
        if route.startswith(HEARTBEAT):
            return _moved(scope, HEARTBEAT + _owned(user, route.removeprefix(HEARTBEAT))), receive
        if route.rstrip("/") not in OPEN:
            raise Refused(404, "web-not-found")
        query = [
            (name, _owned(user, value) if name == "session_hash" else value)
            for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        ]
        scope = {**scope, "query_string": urlencode(query).encode()}
        if scope["method"] == "POST" and route.rstrip("/") in BODIES:
            return await self._with_own_body(scope, receive, user)
        return scope, receive

    async def _with_own_body(self, scope: Scope, receive: Receive, user: str) -> tuple[Scope, Receive]:
        try:
            asked = json.loads(await body_of(Request(scope, receive), BODY_BYTES))
        except (ValueError, RecursionError) as error:
            raise Refused(400, "web-not-understood") from error
        if not isinstance(asked, dict):
            raise Refused(400, "web-not-understood")
        # Gradio would take any file below its folder for the component's, and fetch an address from the web.
        for path in _paths(asked):
            self._found(user, path)
        if "session_hash" in asked:
            asked["session_hash"] = _owned(user, asked["session_hash"])
        body = json.dumps(asked).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        return {**scope, "headers": [*headers, length]}, _said_first(body, receive)

    def _found(self, user: str, address: str) -> str:
        path = self._shelf.find(user, address)
        if path is None:
            raise Refused(404, "web-file-missing")
        return str(path)


def _owned(user: str, session: object) -> str:
    """Gradio keeps what it is given, however long."""
    if not SESSION.fullmatch(str(session)):
        raise Refused(400, "web-not-understood")
    return f"{user}.{session}"


def _moved(scope: Scope, route: str) -> Scope:
    path = API + route
    return {**scope, "path": path, "raw_path": quote(path).encode()}


def _said_first(body: bytes, receive: Receive) -> Receive:
    """Give the body, then whatever else comes."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def receive_next() -> Message:
        nonlocal message
        if message is None:
            return await receive()
        first, message = message, None
        return first

    return receive_next


def _paths(value: Any) -> Iterator[str]:
    """Each "path" in it, however deep: Gradio takes a mapping with one for a file."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("path"), str):
                yield each["path"]
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
