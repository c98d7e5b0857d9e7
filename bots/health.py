"""For who watches the program: /healthz (it lives), /readyz (it can work) and /metrics (Prometheus)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bots.serving import listen, serve, url_of

EXPOSITION_TYPE: Final = "text/plain; version=0.0.4"
REMEDY: Final = "Set METRICS_PORT to another number, or 0, and METRICS_HOST to an address of this machine."


class HealthServer:
    """Port 0 takes a free one; `url` tells which.

    `exposition` is what /metrics says. `troubles` are plain sentences about what keeps the program from working;
    none: ready. Both are asked anew each time.
    """

    def __init__(
        self,
        host: str,
        port: int,
        exposition: Callable[[], bytes],
        troubles: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._host = host
        self._port = port
        self._exposition = exposition
        self._troubles = troubles
        self.ready = asyncio.Event()
        self.url = ""

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError when the port or the address cannot be used."""
        with listen(self._host, self._port, REMEDY) as listener:
            self.url = url_of(listener)
            routes = [
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ]
            await serve(Starlette(routes=routes), listener, self.ready)

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, _: Request) -> Response:
        troubles = list(await self._troubles())
        status = "not ready" if troubles else "ready"
        return JSONResponse({"status": status, "troubles": troubles}, 503 if troubles else 200)

    async def _metrics(self, _: Request) -> Response:
        return Response(self._exposition(), media_type=EXPOSITION_TYPE)
