"""Serving over real HTTP: answers without an end of their own, and connections that nobody needs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bots import serving
from bots.serving import listen, serve, url_of

PATIENCE = 20.0


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    """Its address; it is stopped in the end."""
    ready = asyncio.Event()
    with listen("127.0.0.1", 0, "") as listener:
        running = asyncio.create_task(serve(app, listener, ready))
        try:
            await ready.wait()
            yield url_of(listener)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            assert not ready.is_set()


class Endless:
    """Answers that go on until who asked is gone: a stream, and one that breaks off."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            if path == "/stream":
                await StreamingResponse(self._told())(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"word\n", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self.ended.append(path)

    async def _told(self) -> AsyncGenerator[bytes]:
        yield b"word\n"
        await asyncio.Event().wait()


@pytest.mark.parametrize("path", ["/stream", "/broken off"])
async def test_a_stop_ends_answers_that_have_no_end(path: str, caplog: pytest.LogCaptureFixture):
    app = Endless()
    async with aiohttp.ClientSession() as session:
        async with served(app) as url:
            answer = await session.get(url + path)
            assert await answer.content.readline() == b"word\n"
            assert app.ended == []
        assert app.ended == [path]
        with contextlib.suppress(aiohttp.ClientPayloadError):
            assert await answer.content.read() == b""
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_stop_waits_for_an_answer_that_comes():
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_: Request) -> Response:
        asked.set()
        await go_on.wait()
        return PlainTextResponse("here it is")

    async with aiohttp.ClientSession() as session:
        async with served(Starlette(routes=[Route("/", answer)])) as url:
            asking = asyncio.create_task(session.get(url))
            await asked.wait()
            asyncio.get_running_loop().call_soon(go_on.set)
        assert await (await asking).text() == "here it is"


async def test_connections_that_ask_for_nothing_are_closed_and_others_are_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving, "SILENT_SECONDS", 0.1)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_: Request) -> Response:
        asked.set()
        await go_on.wait()
        return PlainTextResponse("here it is")

    async with (
        served(Starlette(routes=[Route("/", answer)])) as url,
        aiohttp.ClientSession() as session,
        asyncio.timeout(PATIENCE),
    ):
        asking = asyncio.create_task(session.get(url))
        await asked.wait()
        for said in (b"", b"GET / HTTP/1.1\r\nHost: "):
            reader, writer = await _connected(url)
            writer.write(said)
            assert await reader.read() == b""
            writer.close()
        # It came before them, and so would have been closed before them.
        go_on.set()
        assert await (await asking).text() == "here it is"


async def test_there_are_no_more_connections_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 2)
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("hello"))])
    async with served(app) as url, asyncio.timeout(PATIENCE):
        kept = [await _connected(url) for _ in range(2)]
        for _ in range(2):
            reader, writer = await _connected(url)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        for reader, writer in kept:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"hello")
            writer.close()
        async with aiohttp.request("GET", url) as answer:
            assert await answer.text() == "hello"


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_address_told_is_one_that_a_browser_here_can_open(host: str):
    with listen(host, 0, "") as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
