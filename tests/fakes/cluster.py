"""Stand-in workers: real HTTP, as core.wire says, for the real client.

    async with Workers() as workers:
        workers.fail(Fault(status=503), times=2)
        # the client under test gets workers.url and workers.token
        ...
        assert workers.asked == ["/healthz", "/stylize", "/stylize", "/stylize"]

A photo's cartoon has one colour: that of the photo's first pixel, so that mixed-up answers show. What is not as
core.wire says is answered with 400, which no test of the client can pass over.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Self

import numpy as np
from aiohttp import web

from core.errors import UserError
from core.look import Look
from core.photo import Array, fitted
from core.wire import LOOK_HEADER, MEDIA_TYPE, packed, packed_error, unpacked, unpacked_look


@dataclass(frozen=True)
class Fault:
    """How an answer goes wrong: by its status, its body, or since the connection is dropped after that, if any.

    With `gate`, it is held until that is set.
    """

    status: int = 200
    body: bytes | None = None
    drop: bool = False
    gate: asyncio.Event | None = None


class Workers:
    """The server. `asked`: the path of every request, `times`: of the monotonic clock, when each came;
    `drawn`: how often each colour was answered; `most_at_once`: the most photos there were at a time."""

    def __init__(self, token: str | None = "open sesame", styles: tuple[str, ...] = ("ink", "anime")) -> None:
        self.url = ""
        self.token = token
        self.styles = styles
        self.asked: list[str] = []
        self.times: list[float] = []
        self.drawn: Counter[int] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        self._faults: list[tuple[str, Fault]] = []
        self._lasting: dict[str, Fault] = {}
        self._changed = asyncio.Condition()
        # A photo of 2048 pixels weighs 12 MB.
        app = web.Application(client_max_size=1 << 24)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_post("/stylize", self._stylize)
        # Answers that are held are cut short at the end of a test.
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def fail(self, fault: Fault, *, path: str = "/stylize", times: int | None = 1) -> None:
        """Let the next answers at a path go wrong; with `times` None, all from now on."""
        if times is None:
            self._lasting[path] = fault
        else:
            self._faults += [(path, fault)] * times

    def refuse(self, error: UserError) -> None:
        """Let the next photo be one that cannot be drawn."""
        self.fail(Fault(422, packed_error(error)))

    def go_away(self) -> None:
        """Drop every connection from now on, until `mend`."""
        for path in ("/stylize", "/healthz"):
            self.fail(Fault(drop=True), path=path, times=None)

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()
        self._lasting.clear()

    async def wait_for(self, path: str, times: int = 1, timeout: float = 60) -> None:  # noqa: ASYNC109
        """Until a path has been asked for so often. Raises TimeoutError."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.asked.count(path) >= times)

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._faulty(request)
        return faulty or web.json_response({"styles": list(self.styles), "device": "cpu (CPU)"})

    async def _stylize(self, request: web.Request) -> web.StreamResponse:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.read()
            if faulty := await self._faulty(request):
                return faulty
            if request.content_type != MEDIA_TYPE:
                raise web.HTTPBadRequest
            cartoon = flat(unpacked(body), unpacked_look(request.headers[LOOK_HEADER]))
            self.drawn[int(cartoon[0, 0, 0])] += 1
            return web.Response(body=packed(cartoon), content_type=MEDIA_TYPE)
        except (ValueError, UserError) as error:
            raise web.HTTPBadRequest from error
        finally:
            self._at_once -= 1

    async def _faulty(self, request: web.Request) -> web.StreamResponse | None:
        """Write a request down; the answer, where it is not the right one."""
        async with self._changed:
            self.asked.append(request.path)
            self.times.append(monotonic())
            self._changed.notify_all()
        fault = self._next(request.path)
        if fault.gate is not None:
            await fault.gate.wait()
        if fault.drop:
            return await _dropped(request, fault.body)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if fault.status == 200 and fault.body is None:
            return None
        return web.Response(status=fault.status, body=fault.body)

    def _next(self, path: str) -> Fault:
        for place, (where, fault) in enumerate(self._faults):
            if where == path:
                del self._faults[place]
                return fault
        return self._lasting.get(path, Fault())


async def _dropped(request: web.Request, body: bytes | None) -> web.StreamResponse:
    answer = web.StreamResponse()
    if body is not None:
        answer.content_length = len(body) + 1
        await answer.prepare(request)
        await answer.write(body)
    assert request.transport is not None
    request.transport.close()
    return answer


def flat(photo: Array, look: Look) -> Array:
    """The cartoon of the right size in the colour of the photo's first pixel."""
    height, width = fitted(photo.shape[0], photo.shape[1], look.size)
    return np.full((height, width, 3), photo[0, 0], np.uint8)
