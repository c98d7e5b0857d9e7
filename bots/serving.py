"""Serving HTTP inside the program's own event loop: the listening socket, and uvicorn until cancelled."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.errors import ConfigError

# A program may often have 1024 files open, connections among them.
MOST_CONNECTIONS: Final = 500
# For the first request to be made.
SILENT_SECONDS: Final = 20.0


def listen(host: str, port: int, remedy: str) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigError, which ends in `remedy`: what to set."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken, perhaps by another Cartoonbot" if taken else f"cannot be used ({error})"
        raise ConfigError(f"Port {port} on {host} {why}. {remedy}") from error


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port, *_ = listener.getsockname()
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: ASGIApp, listener: socket.socket, ready: asyncio.Event) -> None:
    """Serve until cancelled. `ready` is set while it answers; answers without an end of their own end then."""
    stopping = asyncio.Event()
    # Without a log_config of its own, what uvicorn logs goes the way of all logs.
    config = uvicorn.Config(
        _Endable(app, stopping),
        http=_Protocol,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        ready.clear()
        server.should_exit = True
        stopping.set()
        await serving


class _Protocol(H11Protocol):
    """Connections that ask for nothing are closed, and there are not more than the program has files to spare."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._silence = self.loop.call_later(SILENT_SECONDS, self._close_if_silent)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._silence.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if not self.cycle:
            self.transport.close()


class _Endable:
    """ASGI middleware: from `stopping` on, apps hear that whom they answer is gone, and their answers end."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = is_over = False

        async def watched_send(message: Message) -> None:
            nonlocal has_begun, is_over
            has_begun = True
            is_over = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        async def receive_or_end() -> Message:
            heard = asyncio.ensure_future(receive())
            stopped = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait([heard, stopped], return_when=asyncio.FIRST_COMPLETED)
                return heard.result() if heard.done() else {"type": "http.disconnect"}
            finally:
                heard.cancel()
                stopped.cancel()

        await self._app(scope, receive_or_end, watched_send)
        if has_begun and not is_over:
            # Broken off, which its protocol must not notice.
            await send({"type": "http.response.body", "body": b""})


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to the program, which has more to close than this server."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
