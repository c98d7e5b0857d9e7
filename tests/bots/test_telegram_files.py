"""Photos by HTTP and from a local server's folder: the real client library, and servers that lie."""

import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from telegram import Bot

from bots.outbox import Busy, Unreached
from bots.telegram.files import fetch
from core.errors import PhotoTooHeavy, PhotoUnavailable

TOKEN = "123456:abc"
PHOTO = b"all the bytes of a photo"


class Server:
    """A Bot API server that says of each file what the test wants."""

    def __init__(self) -> None:
        self.facts: dict[str, object] = {"file_path": "photos/file 1?.jpg"}
        self.refusal: tuple[int, dict[str, object]] | None = None
        self.data: bytes | None = PHOTO
        self.downloads: list[str] = []

    async def get_file(self, request: web.Request) -> web.Response:
        if self.refusal is not None:
            status, body = self.refusal
            return web.json_response({"ok": False, **body}, status=status)
        file_id = (await request.post())["file_id"]
        result = {"file_id": file_id, "file_unique_id": "u", **self.facts}
        return web.json_response({"ok": True, "result": result})

    async def download(self, request: web.Request) -> web.Response:
        self.downloads.append(request.match_info["path"])
        if self.data is None:
            return web.json_response({"ok": False, "description": "Not Found"}, status=404)
        return web.Response(body=self.data)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def bot(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Bot]:
    # As the front end sets it: without it, flood control makes the library warn.
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    app = web.Application()
    app.router.add_post(f"/bot{TOKEN}/getMe", me)
    app.router.add_post(f"/bot{TOKEN}/getFile", server.get_file)
    app.router.add_get(f"/file/bot{TOKEN}/{{path:.*}}", server.download)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    url = f"http://{host}:{port}"
    async with Bot(TOKEN, f"{url}/bot", f"{url}/file/bot", local_mode=True) as bot:
        yield bot
    await runner.cleanup()


async def me(_: web.Request) -> web.Response:
    return web.json_response({"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Bot"}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A local server's folder, in which a bot's files lie under its token."""
    folder = tmp_path / "telegram-bot-api"
    (folder / TOKEN / "photos").mkdir(parents=True)
    return folder


@pytest.fixture
def photo(folder: Path, server: Server) -> Path:
    """A photo in there, of which the server tells."""
    photo = folder / TOKEN / "photos" / "file_1.jpg"
    photo.write_bytes(PHOTO)
    server.facts = {"file_path": str(photo)}
    return photo


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of this machine that is none of the server's."""
    secret = tmp_path / "secret.txt"
    secret.write_text("nobody else's business")
    return secret


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "photo-1.src"


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


async def test_a_photo_comes_by_http(bot: Bot, server: Server, target: Path):
    await fetch(bot, "f", target, len(PHOTO), None)
    assert content(target) == PHOTO
    assert server.downloads == ["photos/file 1?.jpg"]


@pytest.mark.parametrize("told", [True, False])
async def test_a_photo_that_is_too_heavy_is_not_written(bot: Bot, server: Server, target: Path, told: bool):
    server.data = bytes(1_500_000)
    if told:
        server.facts["file_size"] = 1_500_000
    with pytest.raises(PhotoTooHeavy) as caught:
        await fetch(bot, "f", target, 1_000_000, None)
    assert caught.value.values == {"megabytes": 1.5, "limit": 1.0}
    assert content(target) is None
    assert len(server.downloads) == (0 if told else 1)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"description": "Bad Request: file is too big"}, PhotoTooHeavy),
        (400, {"description": "Bad Request: wrong file_id"}, PhotoUnavailable),
        (429, {"description": "Too Many Requests", "parameters": {"retry_after": 9}}, Busy),
        (500, {"description": "Internal Server Error"}, Unreached),
        (404, {"description": "Not Found"}, Unreached),
    ],
)
async def test_refusals_say_whether_another_try_may_help(
    bot: Bot, server: Server, target: Path, status: int, body: dict[str, object], error: type[Exception]
):
    server.refusal = status, body
    with pytest.raises(error) as caught:
        await fetch(bot, "f", target, 10**6, None)
    assert not isinstance(caught.value, Busy) or caught.value.seconds == 9


async def test_a_download_that_fails_is_worth_another_try(bot: Bot, server: Server, target: Path):
    server.data = None
    with pytest.raises(Unreached):
        await fetch(bot, "f", target, 10**6, None)


async def test_a_file_without_a_path_is_unavailable(bot: Bot, server: Server, target: Path):
    server.facts = {}
    with pytest.raises(PhotoUnavailable):
        await fetch(bot, "f", target, 10**6, None)


async def test_a_relative_path_is_never_one_of_this_machine(
    bot: Bot, server: Server, target: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(secret.parent)
    server.facts = {"file_path": secret.name}
    await fetch(bot, "f", target, 10**6, None)
    assert content(target) == PHOTO
    assert server.downloads == [secret.name]


@pytest.mark.parametrize("exists", [True, False])
async def test_without_a_folder_no_path_of_this_machine_is_read(
    bot: Bot, server: Server, target: Path, secret: Path, exists: bool, caplog: pytest.LogCaptureFixture
):
    server.facts = {"file_path": str(secret) if exists else "/no/such/file"}
    with pytest.raises(PhotoUnavailable):
        await fetch(bot, "f", target, 10**6, None)
    assert content(target) is None
    assert server.downloads == []
    assert "Set TELEGRAM_LOCAL_FOLDER" in caplog.text


async def test_a_local_servers_photo_is_copied(bot: Bot, server: Server, photo: Path, folder: Path, target: Path):
    await fetch(bot, "f", target, len(PHOTO), folder)
    assert content(target) == PHOTO
    assert content(photo) == PHOTO
    assert server.downloads == []


async def test_the_folder_may_be_a_link_itself(bot: Bot, photo: Path, folder: Path, target: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    await fetch(bot, "f", target, len(PHOTO), link)
    assert content(target) == PHOTO


async def test_a_local_photo_that_is_too_heavy_is_not_copied(bot: Bot, photo: Path, folder: Path, target: Path):
    with photo.open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(PhotoTooHeavy) as caught:
        await fetch(bot, "f", target, 20_000_000, folder)
    assert caught.value.values == {"megabytes": 2000.0, "limit": 20.0}
    assert content(target) is None


def outside(photo: Path, secret: Path) -> str:
    return str(secret)


def beside_with_the_same_beginning(photo: Path, secret: Path) -> str:
    folder = photo.parents[2]
    other = folder.with_name(f"{folder.name}-2") / "file.jpg"
    other.parent.mkdir()
    other.write_bytes(PHOTO)
    return str(other)


def up_and_out(photo: Path, secret: Path) -> str:
    return f"{photo.parent}/../../../{secret.name}"


def link_to_outside(photo: Path, secret: Path) -> str:
    photo.unlink()
    photo.symlink_to(secret)
    return str(photo)


def folder_that_links_to_outside(photo: Path, secret: Path) -> str:
    link = photo.parent / "link"
    link.symlink_to(secret.parent)
    return str(link / secret.name)


def link_in_a_circle(photo: Path, secret: Path) -> str:
    photo.unlink()
    photo.symlink_to(photo)
    return str(photo)


def pipe(photo: Path, secret: Path) -> str:
    photo.unlink()
    os.mkfifo(photo)
    return str(photo)


def directory(photo: Path, secret: Path) -> str:
    return str(photo.parent)


def missing(photo: Path, secret: Path) -> str:
    photo.unlink()
    return str(photo)


@pytest.mark.parametrize(
    "trick",
    [
        outside,
        beside_with_the_same_beginning,
        up_and_out,
        link_to_outside,
        folder_that_links_to_outside,
        link_in_a_circle,
        pipe,
        directory,
        missing,
    ],
)
async def test_what_is_not_a_file_in_the_folder_is_not_read(
    bot: Bot,
    server: Server,
    photo: Path,
    secret: Path,
    folder: Path,
    target: Path,
    trick: Callable[[Path, Path], str],
    caplog: pytest.LogCaptureFixture,
):
    server.facts = {"file_path": trick(photo, secret)}
    with pytest.raises(PhotoUnavailable):
        await fetch(bot, "f", target, 10**6, folder)
    assert content(target) is None
    assert server.downloads == []
    assert "TELEGRAM_LOCAL_FOLDER" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_server_that_is_not_in_local_mode_gives_its_photos_by_http_all_the_same(
    bot: Bot, server: Server, folder: Path, target: Path
):
    await fetch(bot, "f", target, 10**6, folder)
    assert content(target) == PHOTO


async def test_a_target_that_cannot_be_written_is_no_fault_of_the_photo(bot: Bot, photo: Path, folder: Path):
    with pytest.raises(FileNotFoundError):
        await fetch(bot, "f", folder / "swept away" / "photo-1.src", 10**6, folder)
