"""Uploads over real HTTP: they land on the visitor's own shelf, piece by piece, or leave nothing behind."""

import asyncio
import contextlib
import io
import json
import os
import tempfile
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import psutil
import pytest
from playwright.async_api import expect

from bots.locales import Locale
from bots.web.uploads import FILE_BYTES
from core.errors import StorageUnwritable
from storage.shelf import LONGEST_NAME
from storage.spool import Spool
from tests.bots.doorway import Doorway, doorway, gradio_settings, uploaded, visiting
from tests.bots.test_web_visitors import chromium, needs_browser, status

__all__ = ["gradio_settings"]

MULTIPART = {"Content-Type": "multipart/form-data; boundary=xyz"}
HEAD = b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'


def files_of(door: Doorway) -> list[Path]:
    return [path for path in door.shelf.folder.rglob("*") if path.is_file()]


async def send(door: Doorway, browser: aiohttp.ClientSession, data: aiohttp.FormData) -> tuple[int, str]:
    async with browser.post(f"{door.api}/upload", data=data) as answer:
        return answer.status, await answer.text()


def paths_in(answer: str) -> list[Path]:
    return [Path(path) for path in json.loads(answer)]


def many(number: int) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for place in range(number):
        form.add_field("files", f"photo {place}".encode(), filename="photo.jpg")
    return form


async def test_files_land_on_the_visitors_shelf_in_their_order(tmp_path: Path):
    async with doorway(tmp_path) as door, visiting(door) as (browser, user):
        answered, text = await send(door, browser, many(50))
        assert answered == 200
        paths = paths_in(text)
        assert [path.read_text() for path in paths] == [f"photo {place}" for place in range(50)]
        assert all(path.is_relative_to(door.shelf.folder / user / "uploads") for path in paths)
        assert sorted(files_of(door)) == sorted(paths)


async def test_a_file_of_any_bytes_comes_as_it_is(tmp_path: Path):
    data = os.urandom(70_001) + b"\r\n--xyz\r\n--" + bytes(range(256)) + b"\r"
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        for content in (b"", data):
            answered, text = await send(door, browser, uploaded("photo.jpg", content))
            assert answered == 200
            assert [path.read_bytes() for path in paths_in(text)] == [content]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("..", "photo"),
        ("x" * 300 + ".jpeg", "x" * LONGEST_NAME + ".jpeg"),
        ("猫.png", "猫.png"),
        ("🐈.png", "_.png"),
        ('a"b.jpg', "a_22b.jpg"),
        ("", "photo"),
        ("a\0b.jpg", "a_b.jpg"),
    ],
)
async def test_odd_names_are_made_safe(tmp_path: Path, name: str, kept: str):
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        head = HEAD.replace(b"a.jpg", name.replace("\\", "\\\\").replace('"', "%22").encode())
        async with browser.post(
            f"{door.api}/upload", data=head + b"data\r\n--xyz--\r\n", headers=MULTIPART
        ) as answer:
            assert answer.status == 200
            paths = paths_in(await answer.text())
        assert [(path.name, path.read_bytes()) for path in paths] == [(kept, b"data")]


async def test_what_is_no_file_is_passed_over(tmp_path: Path):
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        form = aiohttp.FormData({"note": "a word"})
        form.add_field("files", b"data", filename="a.jpg")
        answered, text = await send(door, browser, form)
        assert answered == 200
        assert [path.name for path in paths_in(text)] == ["a.jpg"]


async def test_a_heavy_file_is_refused_with_its_limit_and_leaves_nothing(tmp_path: Path):
    async with doorway(tmp_path, most_bytes=2_500_000) as door, visiting(door) as (browser, _):
        form = many(3)
        form.add_field("files", io.BytesIO(b"x" * 2_500_001), filename="heavy.jpg")
        assert await send(door, browser, form) == (413, Locale("en").say("web-upload-heavy", limit=2.5))
        assert files_of(door) == []
        form = aiohttp.FormData()
        form.add_field("files", io.BytesIO(b"x" * 2_500_000), filename="just-right.jpg")
        assert (await send(door, browser, form))[0] == 200


async def test_too_many_files_are_refused_and_leave_nothing(tmp_path: Path):
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        assert await send(door, browser, many(51)) == (413, Locale("en").say("web-upload-many", most=50))
        assert files_of(door) == []


async def test_an_upload_without_end_is_ended(tmp_path: Path):
    async def endless() -> AsyncGenerator[bytes]:
        yield b'--xyz\r\nContent-Disposition: form-data; name="no file"\r\n\r\n'
        while True:
            yield b"x" * 60_000

    async with doorway(tmp_path, most_bytes=1000) as door, visiting(door) as (browser, _):
        answered: list[int] = []
        # Whether the answer gets through to who goes on sending is for their side to see.
        with contextlib.suppress(aiohttp.ClientError):
            async with asyncio.timeout(20):
                answered.append(
                    await status(browser.post(f"{door.api}/upload", data=endless(), headers=MULTIPART))
                )
        assert answered in ([], [413])


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (HEAD + b"half of it", MULTIPART),
        (HEAD + b"data\r\n--xy", MULTIPART),
        (b"", MULTIPART),
        (b"not a form at all", MULTIPART),
        (b"--xyz\r\nContent-Dis", MULTIPART),
        (b"--xyz\r\nbad header\r\n\r\n", MULTIPART),
        (b"--xyz\r\nX: " + b"y" * 100_000, MULTIPART),
        (HEAD + b"data\r\n--xyz--\r\n", {"Content-Type": "multipart/form-data"}),
        (HEAD + b"data\r\n--xyz--\r\n", {"Content-Type": "multipart/form-data; boundary=" + "x" * 1000}),
        (b"[]", {"Content-Type": "application/json"}),
    ],
    ids=["half", "no end", "empty", "text", "header", "bad header", "long header", "none", "long", "json"],
)
async def test_a_broken_upload_is_told_so_and_leaves_nothing(tmp_path: Path, body: bytes, headers: dict[str, str]):
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        chinese = headers | {"Accept-Language": "zh"}
        async with browser.post(f"{door.api}/upload", data=body, headers=chinese) as answer:
            assert (answer.status, await answer.text()) == (400, Locale("zh-CN").say("web-upload-broken"))
        assert files_of(door) == []


async def test_a_browser_that_goes_away_leaves_nothing(tmp_path: Path):
    under_way = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(_: int) -> None:
        if files_of(door):
            loop.call_soon_threadsafe(under_way.set)

    async with doorway(tmp_path, most_bytes=20_000_000, make_room=look) as door:
        host, port = door.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: 20000000\r\n"
        head += f"Content-Type: {MULTIPART['Content-Type']}\r\n\r\n"
        writer.write(head.encode() + HEAD + b"x" * 10_000_000)
        await under_way.wait()
        writer.close()
    assert files_of(door) == []


async def test_without_room_nothing_is_taken(tmp_path: Path):
    def no_room(_: int) -> None:
        raise StorageUnwritable

    async with doorway(tmp_path, make_room=no_room) as door, visiting(door) as (browser, _):
        sentence = Locale("en").say("storage-unwritable")
        assert await send(door, browser, uploaded("a.jpg", b"x" * 90_000)) == (507, sentence)
        assert files_of(door) == []


async def test_room_is_looked_for_again_while_files_come(tmp_path: Path):
    looks: list[bool] = []

    def room_for_a_while(_: int) -> None:
        looks.append(bool(files_of(door)))
        if len(looks) == 3:
            raise StorageUnwritable

    data = io.BytesIO(b"x" * 30_000_000)
    async with doorway(tmp_path, most_bytes=30_000_000, make_room=room_for_a_while) as door:
        async with visiting(door) as (browser, _):
            form = aiohttp.FormData()
            form.add_field("files", data, filename="a.jpg")
            assert await send(door, browser, form) == (507, Locale("en").say("storage-unwritable"))
        assert looks == [False, True, True]
        assert files_of(door) == []


@pytest.mark.parametrize("files", [[b"x" * 50_000], [b""] * 3])
async def test_what_was_brought_counts_at_once(tmp_path: Path, files: list[bytes]):
    spool = Spool(tmp_path / "spool", limit=3 * FILE_BYTES)
    async with doorway(tmp_path, make_room=spool.make_room) as door, visiting(door) as (browser, _):
        for data in files:
            assert (await send(door, browser, uploaded("a.jpg", data)))[0] == 200
        sentence = Locale("en").say("storage-unwritable")
        assert await send(door, browser, uploaded("a.jpg", b"")) == (507, sentence)
        assert len(files_of(door)) == len(files)


async def test_a_heavy_upload_is_neither_in_memory_nor_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    total, piece = 200_000_000, b"x" * 1_000_000
    process = psutil.Process()
    most = 0

    async def body() -> AsyncGenerator[bytes]:
        nonlocal most
        yield HEAD
        for _ in range(total // len(piece)):
            yield piece
            most = max(most, process.memory_info().rss)
            assert list(aside.iterdir()) == []
        yield b"\r\n--xyz--\r\n"

    async with doorway(tmp_path, most_bytes=total) as door, visiting(door) as (browser, _):
        before = process.memory_info().rss
        async with browser.post(f"{door.api}/upload", data=body(), headers=MULTIPART) as answer:
            assert answer.status == 200
            paths = paths_in(await answer.text())
        assert [path.stat().st_size for path in paths] == [total]
        assert most - before < total / 4


async def test_how_far_an_upload_is_is_told_to_its_end(tmp_path: Path):
    at_check, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(_: int) -> None:
        loop.call_soon_threadsafe(at_check.set)
        go_on.wait(20)

    async with doorway(tmp_path, make_room=wait) as door, visiting(door) as (browser, _):
        url = f"{door.api}/upload?upload_id=abc"
        sending = asyncio.create_task(browser.post(url, data=uploaded("a.jpg", b"x" * 90_000)))
        await at_check.wait()
        async with browser.get(f"{door.api}/upload_progress?upload_id=abc") as events:
            go_on.set()
            told = [json.loads(line[5:]) async for line in events.content if line.startswith(b"data:")]
        (await sending).close()
        assert told[-1] == {"msg": "done"}
        assert sum(step["chunk_size"] for step in told[:-1]) == 90_000
        assert {step["orig_name"] for step in told[:-1]} == {"a.jpg"}


async def test_who_asks_before_the_upload_begins_hears_of_it(tmp_path: Path):
    async with doorway(tmp_path) as door, visiting(door) as (browser, _):
        events = await browser.get(f"{door.api}/upload_progress?upload_id=abc")
        assert await status(browser.post(f"{door.api}/upload?upload_id=abc", data=uploaded("a.jpg", b"x"))) == 200
        assert b'"a.jpg"' in await events.content.read()


@needs_browser
async def test_gradios_page_uploads_and_its_bar_ends(tmp_path: Path):
    async with doorway(tmp_path) as door, chromium() as browser:
        page = await browser.new_page()
        await page.goto(door.url)
        await expect(page.get_by_label("Told")).to_have_value("ticked", timeout=20_000)
        pictures = [
            {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": b"x" * 50_000} for number in range(20)
        ]
        await page.locator("input[type=file]").first.set_input_files(pictures)  # type: ignore[arg-type]
        await expect(page.get_by_label("Text")).to_have_value("20 files", timeout=20_000)
        await expect(page.get_by_text("Uploading")).to_have_count(0)
        await expect(page.get_by_role("cell", name="19.jpg")).to_be_visible()
        assert len(list(door.shelf.folder.glob("*/uploads/*/*.jpg"))) == 20
