"""Photos from Discord's CDN by real HTTP, and servers that lie, dawdle and send elsewhere."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from bots.discord.attachments import Attachments
from bots.outbox import Busy, Unreached
from core.errors import PhotoTooHeavy, PhotoUnavailable

ROOT = Path(__file__).resolve().parents[2]
PHOTO = os.urandom(700_000)
SIGNED = "/attachments/1/2/cat.png?ex=66aabbcc&is=66aa6a4c&hm=51697e"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A web server that answers as the test wants, and notes what it is asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = whole
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        return await self.answer(request)


async def started(server: Server) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    return runner


async def serving() -> AsyncGenerator[Server]:
    server = Server()
    runner = await started(server)
    yield server
    await runner.cleanup()


cdn = pytest.fixture(serving, name="cdn")
elsewhere = pytest.fixture(serving, name="elsewhere")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def attachments(cdn: Server) -> AsyncGenerator[Attachments]:
    async with Attachments([cdn.url], len(PHOTO)) as attachments:
        yield attachments


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "photo-1.src"


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


async def whole(_: web.Request) -> web.StreamResponse:
    return web.Response(body=PHOTO)


async def without_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(PHOTO)
    return response


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(PHOTO))})
    await response.prepare(request)
    await response.write(PHOTO[: len(PHOTO) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def hung_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def byte_by_byte(request: web.Request) -> web.StreamResponse:
    """Never silent for long, and never done."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.01)  # the slowness is what is served


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(64 * 1024))


def saying(status: int, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers, body=b"no photo")

    return answer


def sending_on(*places: str) -> Answer:
    """To one place after another, then the photo."""
    left = list(places)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": left.pop(0)}) if left else web.Response(body=PHOTO)

    return answer


@pytest.mark.parametrize("answer", [whole, without_length])
async def test_a_photo_comes_whole(cdn: Server, attachments: Attachments, target: Path, answer: Answer):
    cdn.answer = answer
    await attachments.fetch(cdn.url + SIGNED, target)
    assert content(target) == PHOTO
    assert cdn.asked == [SIGNED]


async def test_a_photo_is_asked_for_as_it_is_so_that_nothing_unpacks_to_more(
    cdn: Server, attachments: Attachments, target: Path
):
    await attachments.fetch(cdn.url + SIGNED, target)
    assert cdn.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "trick",
    [
        "{elsewhere}/cat.png",
        "http://127.0.0.1/cat.png",
        "{cdn}1/cat.png",
        "{cdn}.evil.example/cat.png",
        "{cdn}@{other}/cat.png",
        "http://127.0.0.1@{other}/cat.png",
        "http://anna:secret@{host}/cat.png",
        "http://{host}.:80/cat.png",
        "http://127.0.0.1.:{port}/cat.png",
        "http://127.1:{port}/cat.png",
        "http://LOCALHOST:{port}/cat.png",
        "HTTP://{host}/cat.png",
        "https://{host}/cat.png",
        "http:/{host}/cat.png",
        "http:\\\\{host}/cat.png",
        " {cdn}/cat.png",
        "{cdn}\\@{other}/cat.png",
        "{cdn}\t/cat.png",
        "{cdn}/\n{other}/cat.png",
        "{cdn}?@{other}/cat.png",
        "{cdn}",
        "//{host}/cat.png",
        "file:///etc/hostname",
        "",
    ],
)
async def test_what_is_not_on_the_cdn_is_not_asked_for(
    cdn: Server, elsewhere: Server, attachments: Attachments, target: Path, trick: str
):
    host, other = cdn.url.removeprefix("http://"), elsewhere.url.removeprefix("http://")
    url = trick.format(cdn=cdn.url, elsewhere=elsewhere.url, host=host, other=other, port=host.split(":")[1])
    with pytest.raises(PhotoUnavailable):
        await attachments.fetch(url, target)
    assert cdn.asked == elsewhere.asked == []
    assert content(target) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.discordapp.com.evil.example/a",
        "https://cdn.discordapp.com:443/a",
        "https://cdn.discordapp.com:444/a",
        "https://cdn.discordapp.com./a",
        "https://CDN.discordapp.com/a",
        "https://cdn.discordapp.com@evil.example/a",
        "http://cdn.discordapp.com/a",
    ],
)
async def test_lookalikes_of_the_real_cdn_are_refused(target: Path, url: str, caplog: pytest.LogCaptureFixture):
    async with Attachments(["https://cdn.discordapp.com", "https://media.discordapp.net"], 10) as attachments:
        with pytest.raises(PhotoUnavailable):
            await attachments.fetch(url, target)
    assert "not on Discord" in caplog.text


@pytest.mark.parametrize("ending", ["?hm=secret", "#hm=secret", "?a#hm=secret"])
async def test_a_refused_address_is_logged_without_its_signature(
    attachments: Attachments, target: Path, ending: str, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(PhotoUnavailable):
        await attachments.fetch(f"http://evil.example/cat.png{ending}", target)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "http://evil.example/cat.png" in record.getMessage()
    assert "secret" not in caplog.text


async def test_redirects_within_the_cdn_are_followed(cdn: Server, attachments: Attachments, target: Path):
    cdn.answer = sending_on("/b?hm=1", f"{cdn.url}/c", "d")
    await attachments.fetch(f"{cdn.url}/a", target)
    assert content(target) == PHOTO
    assert cdn.asked == ["/a", "/b?hm=1", "/c", "/d"]


async def test_redirects_from_one_of_its_hosts_to_another_are_followed(
    cdn: Server, elsewhere: Server, target: Path
):
    cdn.answer = sending_on(f"{elsewhere.url}/b")
    async with Attachments([cdn.url, elsewhere.url], len(PHOTO)) as attachments:
        await attachments.fetch(f"{cdn.url}/a", target)
    assert content(target) == PHOTO


@pytest.mark.parametrize(
    "place",
    ["{elsewhere}/b", "//{other}/b", "http://u@{host}/b", "http://{host}@{other}/b", "file:///etc/hostname"],
)
async def test_redirects_to_other_places_are_not_followed(
    cdn: Server, elsewhere: Server, attachments: Attachments, target: Path, place: str
):
    host, other = cdn.url.removeprefix("http://"), elsewhere.url.removeprefix("http://")
    cdn.answer = sending_on(place.format(cdn=cdn.url, elsewhere=elsewhere.url, host=host, other=other))
    with pytest.raises(PhotoUnavailable):
        await attachments.fetch(f"{cdn.url}/a", target)
    assert elsewhere.asked == []
    assert cdn.asked == ["/a"]


async def test_redirects_come_to_an_end(cdn: Server, attachments: Attachments, target: Path):
    cdn.answer = sending_on(*["/again"] * 9)
    with pytest.raises(PhotoUnavailable):
        await attachments.fetch(f"{cdn.url}/a", target)
    assert cdn.asked == ["/a", "/again", "/again", "/again"]


async def test_a_photo_that_says_it_is_too_heavy_is_not_taken(cdn: Server, target: Path):
    async with Attachments([cdn.url], 600_000) as attachments:
        with pytest.raises(PhotoTooHeavy) as caught:
            await attachments.fetch(f"{cdn.url}/a", target)
    assert caught.value.values == {"megabytes": 0.7, "limit": 0.6}
    assert content(target) is None


@pytest.mark.parametrize("answer", [without_length, endless])
async def test_a_photo_that_grows_too_heavy_is_left_off(cdn: Server, target: Path, answer: Answer):
    cdn.answer = answer
    async with Attachments([cdn.url], 600_000) as attachments:
        with pytest.raises(PhotoTooHeavy) as caught:
            await attachments.fetch(f"{cdn.url}/a", target)
    assert caught.value.values == {"megabytes": "0.6+", "limit": 0.6}
    assert content(target) is None


@pytest.mark.parametrize("answer", [cut_short, hung_up])
async def test_a_photo_that_breaks_off_is_worth_another_try(
    cdn: Server, attachments: Attachments, target: Path, answer: Answer
):
    cdn.answer = answer
    with pytest.raises(Unreached):
        await attachments.fetch(f"{cdn.url}/a", target)
    assert content(target) is None
    cdn.answer = whole
    await attachments.fetch(f"{cdn.url}/a", target)
    assert content(target) == PHOTO


async def test_a_photo_that_trickles_is_given_up_after_its_time(cdn: Server, target: Path):
    cdn.answer = byte_by_byte
    start = time.monotonic()
    async with Attachments([cdn.url], len(PHOTO), deadline=0.3) as attachments:
        with pytest.raises(Unreached, match=r"longer than 0\.3 s"):
            await attachments.fetch(f"{cdn.url}/a", target)
    assert 0.3 <= time.monotonic() - start < 10
    assert content(target) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, PhotoUnavailable),
        (404, PhotoUnavailable),
        (410, PhotoUnavailable),
        (415, PhotoUnavailable),
        (204, PhotoUnavailable),
        (304, PhotoUnavailable),
        (500, Unreached),
        (503, Unreached),
    ],
)
async def test_answers_say_whether_another_try_may_help(
    cdn: Server, attachments: Attachments, target: Path, status: int, error: type[Exception]
):
    cdn.answer = saying(status)
    with pytest.raises(error):
        await attachments.fetch(f"{cdn.url}/a", target)
    assert content(target) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({}, 30),
    ],
)
async def test_asked_to_wait_it_says_how_long(
    cdn: Server, attachments: Attachments, target: Path, headers: dict[str, str], seconds: int
):
    cdn.answer = saying(429, **headers)
    with pytest.raises(Busy) as caught:
        await attachments.fetch(f"{cdn.url}/a", target)
    assert caught.value.seconds == seconds


async def test_a_server_that_is_not_there_is_worth_another_try(target: Path):
    server = Server()
    await (await started(server)).cleanup()
    async with Attachments([server.url], 10) as attachments:
        with pytest.raises(Unreached):
            await attachments.fetch(f"{server.url}/a", target)


async def test_a_target_that_cannot_be_written_is_no_fault_of_the_photo(
    cdn: Server, attachments: Attachments, tmp_path: Path
):
    with pytest.raises(FileNotFoundError):
        await attachments.fetch(f"{cdn.url}/a", tmp_path / "swept away" / "photo-1.src")


async def test_it_goes_by_way_of_the_proxy_of_its_surroundings(
    elsewhere: Server, target: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    async with Attachments(["http://cdn.example"], len(PHOTO)) as attachments:
        await attachments.fetch("http://cdn.example" + SIGNED, target)
    assert content(target) == PHOTO
    assert elsewhere.headers[0]["Host"] == "cdn.example"


PROGRAM = """
import asyncio, sys
from pathlib import Path
from bots.discord.attachments import Attachments
from bots.logs import log_to_terminal
from bots.outbox import Unreached
from core.config import Settings

log_to_terminal(Settings(_env_file=None))

async def main(origin, path, target):
    async with Attachments([origin], 10_000_000) as attachments:
        await attachments.fetch(origin + path, Path(target))
        await attachments.fetch(origin + path.replace("cat", "moved"), Path(target))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_even_debugging_logs_no_signature(cdn: Server, target: Path):
    async def answer(request: web.Request) -> web.StreamResponse:
        if "moved" in request.path:
            return web.Response(status=302, headers={"Location": "http://evil.example/?hm=51697e"})
        return web.Response(body=PHOTO)

    cdn.answer = answer
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOG_LEVEL": "DEBUG"}
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, cdn.url, SIGNED, str(target)),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, log = await program.communicate()
    assert len(cdn.asked) == 2
    assert b"evil.example" in log
    assert b"PhotoUnavailable" in log
    assert b"51697e" not in log


NOW = 1_700_000_000
