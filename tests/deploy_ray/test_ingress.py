"""The HTTP side of a worker over real HTTP, asked by plain HTTP and by the bot's own engine; no ray is needed."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import httpx
import numpy as np
import pytest
import uvicorn

from core.cluster import ClusterEngine
from core.errors import EngineStuck, OutOfMemory, StyleMissing
from core.look import Look
from core.photo import Array, fitted
from core.wire import DRAWING_FAILED, LOOK_HEADER, packed, packed_bytes, packed_look, unpacked
from deploy.ray.ingress import ingress

TOKEN = "a token of nobody"
HEADERS = {"Authorization": f"Bearer {TOKEN}", LOOK_HEADER: packed_look(Look(size=512))}
PHOTO = np.full((8, 10, 3), (200, 100, 50), np.uint8)


class Drawing:
    """Paints each photo in one flat colour, or raises what it is given, and remembers what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[Array, Look]] = []
        self._error = error

    async def __call__(self, photo: Array, look: Look) -> Array:
        self.asked.append((photo, look))
        if self._error is not None:
            raise self._error
        return np.full((*fitted(photo.shape[0], photo.shape[1], look.size), 3), photo[0, 0], np.uint8)


@asynccontextmanager
async def served(drawing: Drawing, token: str | None = TOKEN) -> AsyncGenerator[str]:
    """Where it answers."""
    app = ingress(drawing, lambda: {"styles": ["ink"], "device": "cpu"}, token)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        serving = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def answer(
    url: str, body: bytes = packed(PHOTO), *, token: str | None = TOKEN, look: str = HEADERS[LOOK_HEADER]
) -> httpx.Response:
    headers = {LOOK_HEADER: look} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
    async with httpx.AsyncClient() as client:
        return await client.post(f"{url}/stylize", content=body, headers=headers)


async def test_a_photo_comes_back_as_a_cartoon_in_its_look() -> None:
    drawing, look = Drawing(), Look("pop", 0.35, 600, "png", "main")
    async with served(drawing) as url:
        got = await answer(url, look=packed_look(look))
    assert got.status_code == 200
    cartoon = unpacked(got.content)
    assert cartoon.shape == (480, 600, 3)
    assert (cartoon == PHOTO[0, 0]).all()
    [(photo, asked)] = drawing.asked
    assert asked == look
    assert (photo == PHOTO).all()


async def test_the_bot_s_engine_draws_here() -> None:
    photos = [np.full((6, 9, 3), level, np.uint8) for level in range(0, 250, 25)]
    async with served(Drawing()) as url:
        engine = await asyncio.to_thread(ClusterEngine, [url], TOKEN, 30.0)
        try:
            drawn = await asyncio.to_thread(engine.stylize, photos, [Look(size=512)] * len(photos))
            assert engine.styles == ("ink",)
        finally:
            await asyncio.to_thread(engine.close)
    assert [int(cartoon[0, 0, 0]) for cartoon in drawn] == [*range(0, 250, 25)]


@pytest.mark.parametrize("token", [None, "another token", TOKEN + "x"])
async def test_nobody_comes_in_without_the_token(token: str | None) -> None:
    drawing = Drawing()
    async with served(drawing) as url, httpx.AsyncClient() as client:
        assert (await answer(url, token=token)).status_code == 401
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        assert (await client.get(f"{url}/healthz", headers=headers)).status_code == 401
    assert drawing.asked == []


async def test_health_tells_styles_and_device() -> None:
    async with served(Drawing()) as url, httpx.AsyncClient() as client:
        got = await client.get(f"{url}/healthz", headers=HEADERS)
    assert (got.status_code, got.json()) == (200, {"styles": ["ink"], "device": "cpu"})


async def test_everybody_comes_in_where_it_is_open() -> None:
    async with served(Drawing(), token=None) as url:
        assert (await answer(url, token=None)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1234",
        packed(PHOTO)[:-1],
        packed(PHOTO) + b"x",
        b"\xff" * 40,
        bytes(packed_bytes(1024, 1024) + 1),
    ],
    ids=["empty", "short", "cut", "longer", "sides", "heavy"],
)
async def test_what_is_no_photo_is_said_to_be_none(body: bytes) -> None:
    drawing = Drawing()
    async with served(drawing) as url:
        got = await answer(url, body)
    assert (got.status_code, got.json()) == (422, {"code": "photo-failed", "values": {}})
    assert drawing.asked == []


@pytest.mark.parametrize("tells_length", [True, False])
async def test_a_body_beyond_all_bounds_is_not_read(tells_length: bool) -> None:
    """The answer is there before the body is; only its beginning is ever sent."""
    most = packed_bytes(1024, 1024)
    async with served(Drawing()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        form = f"Content-Length: {most * 1000}" if tells_length else "Transfer-Encoding: chunked"
        lines = ["POST /stylize HTTP/1.1", "Host: x", form, *(f"{name}: {HEADERS[name]}" for name in HEADERS)]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if not tells_length:
            writer.write(f"{most + 1:x}\r\n".encode() + bytes(most + 1) + b"\r\n")
        await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 422 ")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("look", ["", "{}", "[1]", "no json", packed_look(Look()).replace("0.7", "[]")])
async def test_what_is_no_look_draws_nothing(look: str) -> None:
    drawing = Drawing()
    async with served(drawing) as url:
        assert (await answer(url, look=look)).status_code == 422
    assert drawing.asked == []


async def test_a_look_beyond_its_bounds_is_named() -> None:
    async with served(Drawing()) as url:
        got = await answer(url, look=packed_look(Look(size=4096)))
    assert got.status_code == 422
    assert got.json() == {"code": "size-out-of-range", "values": {"given": "4096", "low": 512, "high": 2048}}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StyleMissing(style="anime", choices="ink"), 422),
        (OutOfMemory("1 photos do not fit"), 507),
        (EngineStuck("The device did not answer."), 503),
    ],
)
async def test_each_end_has_its_status(error: Exception, status: int) -> None:
    async with served(Drawing(error)) as url:
        got = await answer(url)
    assert got.status_code == status
    if status == 422:
        assert got.json() == {"code": "style-missing", "values": {"style": "anime", "choices": "ink"}}


async def test_a_photo_that_fails_asks_for_another_try_and_is_told_to_the_log_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(Drawing(RuntimeError("a path of ours"))) as url:
        got = await answer(url)
    assert (got.status_code, got.content) == (DRAWING_FAILED, b"")
    [told] = [record for record in caplog.records if record.exc_info]
    assert (told.name, told.message) == ("deploy.ray.ingress", "a photo could not be drawn")
    assert "a path of ours" in caplog.text


async def test_who_leaves_in_the_middle_of_a_photo_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    drawing = Drawing()
    async with served(drawing) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        lines = ["POST /stylize HTTP/1.1", "Host: x", "Content-Length: 300"]
        lines += [f"{name}: {value}" for name, value in HEADERS.items()]
        writer.write("\r\n".join([*lines, "", "abc"]).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await answer(url)).status_code == 200
    assert len(drawing.asked) == 1
    assert "Exception in ASGI application" not in caplog.text


async def test_many_photos_at_once_keep_their_own_cartoons() -> None:
    photos = [np.full((5, 7, 3), level, np.uint8) for level in range(32)]
    async with served(Drawing()) as url, aiohttp.ClientSession(headers=HEADERS) as session:

        async def color(photo: Array) -> int:
            async with session.post(f"{url}/stylize", data=packed(photo)) as got:
                return int(unpacked(await got.read())[0, 0, 0])

        assert await asyncio.gather(*map(color, photos)) == [*range(32)]
