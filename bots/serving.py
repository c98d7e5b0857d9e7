"""Serving HTTP inside the program's own event loop: the listening socket, and uvicorn until cancelled."""

import asyncio
import errno
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from core.errors import ConfigError


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
    """Where a browser finds it."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: ASGIApp, listener: socket.socket, ready: asyncio.Event, on_stop: Callable[[], None] = lambda: None
) -> None:
    """Serve until cancelled. `ready` is set while it answers; `on_stop` ends what answers are under way."""
    # Without a log_config of its own, what uvicorn logs goes the way of all logs.
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        ready.clear()
        server.should_exit = True
        on_stop()
        await serving


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
