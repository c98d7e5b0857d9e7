"""The HTTP side of a worker, as core.wire says. It needs no ray."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import EngineStuck, OutOfMemory, PhotoFailed, UserError
from core.look import Look
from core.photo import Array
from core.wire import (
    DRAWING_FAILED,
    LOOK_HEADER,
    MEDIA_TYPE,
    packed,
    packed_bytes,
    packed_error,
    unpacked,
    unpacked_look,
)

log = logging.getLogger(__name__)


def ingress(
    draw: Callable[[Array, Look], Awaitable[Array]], about: Callable[[], Mapping[str, Any]], token: str | None
) -> Starlette:
    """Answers with what `draw` gives, and at /healthz with `about`. A `token` of None lets everybody in.

    `draw` raises UserError for a photo or a look that cannot be drawn, OutOfMemory, EngineStuck, and anything
    else for what another try may mend.
    """

    async def stylize(request: Request) -> Response:
        photo, look = await _order(request)
        try:
            cartoon = await draw(photo, look)
        except (UserError, OutOfMemory, EngineStuck):
            raise
        except Exception:
            # Here, since Starlette raises anew what a handler of any Exception has answered.
            log.exception("a photo could not be drawn")
            return Response(status_code=DRAWING_FAILED)
        return Response(packed(cartoon), media_type=MEDIA_TYPE)

    async def healthz(request: Request) -> Response:
        return JSONResponse(about())

    return Starlette(
        routes=[Route("/stylize", stylize, methods=["POST"]), Route("/healthz", healthz)],
        middleware=[Middleware(_Guard, token=token)] if token is not None else [],
        exception_handlers={
            UserError: _cannot_be_drawn,
            OutOfMemory: _nothing_but(507),
            EngineStuck: _nothing_but(503),
            # Nobody hears it.
            ClientDisconnect: _nothing_but(400),
        },
    )


class _Guard:
    """Lets nobody past without the token; no body is read before."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                answer = Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)


async def _order(request: Request) -> tuple[Array, Look]:
    """Raises LookError, and PhotoFailed for what is no look or no picture."""
    try:
        look = unpacked_look(request.headers.get(LOOK_HEADER, ""))
        return unpacked(await _body(request, packed_bytes(look.working_size, look.working_size))), look
    except ValueError as error:
        log.warning("refused: %s", error)
        raise PhotoFailed from error


async def _body(request: Request, most: int) -> bytes:
    """Raises ValueError for one of more bytes than `most`; before it is read, where it tells its length."""
    heavy = ValueError(f"a photo for this look has {most} bytes at most")
    if int(request.headers.get("content-length", 0)) > most:
        raise heavy
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise heavy
    return bytes(body)


async def _cannot_be_drawn(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)  # of those alone
    return Response(packed_error(error), 422, media_type="application/json")


def _nothing_but(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        log.warning("%d: %s", status, error or type(error).__name__)
        return Response(status_code=status)

    return answer
