"""The whole program behind a webhook, and beside a local Bot API server."""

import asyncio
import io
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from bots.app import App
from bots.telegram.frontend import TelegramFrontEnd
from bots.telegram.updates import SECRET_HEADER, Webhook
from core.config import Settings
from core.errors import ConfigError
from tests.fakes.telegram import Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

ANNA = Person(1001, "Anna", "en")
LI = Person(1002, "Li", "en")
PHOTO = jpeg_bytes(gradient(120, 80))
SECRET = SecretStr("only-telegram-knows")
PATH = "/telegram"


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def webhook_settings(telegram: TelegramServer, tmp_path: Path) -> Settings:
    """A webhook on a port of its own; Telegram is told the address before the program listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}{PATH}"
    return settings_in(tmp_path, telegram, telegram_webhook_url=url, telegram_webhook_port=port)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the local server keeps its files."""
    return tmp_path / "telegram-bot-api"


@pytest.fixture
async def local(folder: Path) -> AsyncGenerator[TelegramServer]:
    async with TelegramServer(local_folder=folder) as server:
        yield server
        assert server.violations == []


def cartoons(telegram: TelegramServer, person: Person) -> list[Message]:
    return [message for message in telegram.chat(person.id).messages if message.file is not None]


async def wait_for_cartoons(telegram: TelegramServer, person: Person, count: int = 1) -> list[Message]:
    await telegram.wait_for(lambda: len(cartoons(telegram, person)) >= count, timeout=30)
    return cartoons(telegram, person)


def address_of(app: App) -> str:
    """Where the program itself listens for Telegram's posts."""
    front_end = app.front_ends["telegram"]
    assert isinstance(front_end, TelegramFrontEnd)
    assert isinstance(front_end.updates, Webhook)
    return front_end.updates.url.rstrip("/") + PATH


def uncompressed_png(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(gradient(width, height)).save(data, "PNG", compress_level=0)
    return data.getvalue()


async def test_photos_are_posted_and_cartoons_come_back(
    telegram: TelegramServer, webhook_settings: Settings, tmp_path: Path
):
    certificate = tmp_path / "public.pem"
    certificate.write_bytes(b"-----BEGIN CERTIFICATE-----")
    changes = {"telegram_webhook_secret": SECRET, "telegram_webhook_certificate": certificate}
    async with running(webhook_settings.model_copy(update=changes), QuickEngine):
        sent = await telegram.send_photo(ANNA, PHOTO)
        (cartoon,) = await wait_for_cartoons(telegram, ANNA)
        assert cartoon.reply_to is sent
        assert telegram.calls_to("getUpdates") == []
        assert telegram.webhook
        assert telegram.webhook.url == webhook_settings.telegram_webhook_url
        assert telegram.webhook.secret_token == SECRET.get_secret_value()
        assert telegram.webhook.certificate
        assert telegram.webhook.certificate.data == certificate.read_bytes()


async def test_who_does_not_know_the_secret_is_not_heard(telegram: TelegramServer, webhook_settings: Settings):
    forged = await telegram.send_text(LI, "/help")
    update = {"update_id": 1, "message": forged.wire()}
    async with running(webhook_settings, QuickEngine) as app, httpx.AsyncClient() as client:
        await telegram.wait_for_message(LI.id)
        for secret in ({}, {SECRET_HEADER: "guessed"}):
            answer = await client.post(address_of(app), json=update, headers=secret)
            assert answer.status_code == 403
        # What would have been answered before this is not.
        await telegram.send_text(LI, "/settings")
        await telegram.wait_for_message(LI.id, lambda m: "Your settings" in (m.text or ""))
        assert len(telegram.chat(LI.id).messages) == 2


async def test_what_was_posted_while_the_program_was_down_is_answered_once(
    telegram: TelegramServer, webhook_settings: Settings
):
    async with running(webhook_settings, QuickEngine):
        await telegram.send_photo(ANNA, PHOTO)
        await wait_for_cartoons(telegram, ANNA)
    await telegram.send_photo(ANNA, PHOTO)
    await telegram.wait_for(lambda: telegram.webhook and telegram.webhook.last_error)
    # With another secret, as it was not set.
    async with running(webhook_settings, QuickEngine):
        await wait_for_cartoons(telegram, ANNA, 2)
        await telegram.send_photo(LI, PHOTO)
        await wait_for_cartoons(telegram, LI)
    assert [len(cartoons(telegram, person)) for person in (ANNA, LI)] == [2, 1]


async def test_a_local_server_brings_photos_of_more_than_20_megabytes(
    local: TelegramServer, folder: Path, tmp_path: Path
):
    heavy = uncompressed_png(2700, 2700)
    assert len(heavy) > 20 * 2**20
    settings = settings_in(
        tmp_path, local, telegram_local_mode=True, telegram_local_folder=folder, photo_megabytes=40
    )
    async with running(settings, QuickEngine):
        await local.send_document(ANNA, heavy, "heavy.png", "image/png")
        (cartoon,) = await wait_for_cartoons(local, ANNA)
        with Image.open(io.BytesIO(cartoon.data)) as drawn:
            assert drawn.size == (1024, 1024)
    assert local.calls_to("download") == []


async def test_a_path_outside_of_the_local_servers_folder_costs_that_photo_alone(
    local: TelegramServer, folder: Path, tmp_path: Path
):
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(PHOTO)
    settings = settings_in(tmp_path, local, telegram_local_mode=True, telegram_local_folder=folder)
    async with running(settings, QuickEngine):
        for name in ("1.jpg", "2.jpg"):
            await local.send_document(ANNA, PHOTO, name, "image/jpeg", media_group_id="7")
        await local.wait_for(lambda: len([path for path in folder.rglob("*") if path.is_file()]) == 2)
        local.lie_about_paths(str(outside))
        await local.send_document(ANNA, PHOTO, "3.jpg", "image/jpeg", media_group_id="7")
        await wait_for_cartoons(local, ANNA, 2)
        await local.wait_for_message(ANNA.id, lambda m: "Here are your 2 cartoons" in (m.text or ""))
    assert len(cartoons(local, ANNA)) == 2
    texts = [message.text for message in local.chat(ANNA.id).messages if message.text]
    assert [text for text in texts if "Here are" not in text] == [
        "Photo 3 (3.jpg): I could not fetch it. Please send it again."
    ]


async def test_local_mode_without_a_folder_does_not_start(local: TelegramServer, tmp_path: Path):
    settings = settings_in(tmp_path, local, telegram_local_mode=True)
    with pytest.raises(ConfigError) as caught:
        await App(settings, QuickEngine).run(asyncio.Event())
    assert str(caught.value) == (
        "TELEGRAM_LOCAL_MODE needs TELEGRAM_LOCAL_FOLDER: the folder where that server keeps files."
    )
