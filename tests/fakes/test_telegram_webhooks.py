"""How updates and files reach the bot from the stand-in Telegram otherwise than by polling and HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, InvalidToken

from tests.fakes.telegram import Person, TelegramServer
from tests.fakes.telegram_chats import Json
from tests.fakes.telegram_schema import MEGABYTE
from tests.fakes.test_telegram import picture

ANN = Person(7, "Ann", "de")
BOB = Person(8, "Bob")


def bot_of(telegram: TelegramServer) -> Bot:
    return Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url)


class Receiver:
    """A bot's web server: what was posted to it; `answers` are the first statuses it gives, then 200."""

    def __init__(self, *answers: int) -> None:
        self.url = ""
        self.posted: asyncio.Queue[tuple[str | None, Json]] = asyncio.Queue()
        self._answers = [*answers]

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Receiver"]:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def next_text(self) -> str:
        _, update = await self.posted.get()
        return update["message"]["text"]

    async def _take(self, request: web.Request) -> web.Response:
        await self.posted.put((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        return web.Response(status=self._answers.pop(0) if self._answers else 200)


async def test_a_webhook_gets_all_updates_in_order_until_it_takes_them(telegram: TelegramServer, bot: Bot) -> None:
    await telegram.send_text(ANN, "before")
    async with Receiver(500, 302, 204).serving() as receiver:
        await bot.set_webhook(receiver.url, secret_token="123", max_connections=1)
        await telegram.send_text(ANN, "after")
        await telegram.send_text(ANN, "later")
        posts = [await receiver.posted.get() for _ in range(5)]
        assert [update["message"]["text"] for _, update in posts] == ["before"] * 3 + ["after", "later"]
        assert {secret for secret, _ in posts} == {"123"}
        assert {Update.de_json(update, bot).update_id for _, update in posts} == {1000, 1001, 1002}
        info = await bot.get_webhook_info()
        assert (info.url, info.max_connections) == (receiver.url, 1)
        assert info.last_error_message == "Wrong response from the webhook: 302 Found"
        await bot.delete_webhook()
    assert telegram.violations == []


async def test_a_webhook_hears_only_what_it_asked_for(telegram: TelegramServer, bot: Bot) -> None:
    async with Receiver().serving() as receiver:
        await bot.set_webhook(receiver.url, allowed_updates=["message"], certificate=b"a certificate")
        await telegram.block(BOB)
        await telegram.send_text(ANN, "hello")
        assert await receiver.next_text() == "hello"
        info = await bot.get_webhook_info()
        assert (info.has_custom_certificate, info.allowed_updates) == (True, ("message",))
        assert telegram.webhook
        assert telegram.webhook.certificate
        assert telegram.webhook.certificate.data == b"a certificate"
        await bot.set_webhook(receiver.url)
        await telegram.block(ANN)
        await telegram.send_text(BOB, "still only messages", telegram.group(-500))
        assert await receiver.next_text() == "still only messages"
    assert telegram.violations == []


async def test_an_unreachable_webhook_loses_nothing(telegram: TelegramServer, bot: Bot) -> None:
    async with Receiver().serving() as receiver:
        url = receiver.url
    await bot.set_webhook(url)
    await telegram.send_text(ANN, "hello")
    await telegram.wait_for(lambda: telegram.webhook and telegram.webhook.last_error)
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 1
    assert (info.last_error_message or "").startswith("Connection failed")
    assert await bot.set_webhook("")
    assert (await bot.get_webhook_info()).url == ""
    assert len(await bot.get_updates()) == 1


async def test_webhooks_and_polling_exclude_each_other(telegram: TelegramServer, bot: Bot) -> None:
    async with Receiver().serving() as receiver, bot_of(telegram) as other:
        poll = asyncio.create_task(other.get_updates(timeout=30))
        await telegram.wait_for(lambda: telegram.calls_to("getUpdates"))
        await bot.set_webhook(receiver.url)
        with pytest.raises(Conflict, match="terminated by setWebhook"):
            await poll
        with pytest.raises(Conflict, match="while webhook is active; use deleteWebhook"):
            await bot.get_updates()
    await telegram.send_text(ANN, "nobody takes this")
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()
    with pytest.raises(BadRequest, match="an https url must be provided"):
        await bot.set_webhook("http://example.org/hook")


# A local Bot API server


async def test_a_local_server_hands_files_over_in_its_folder(tmp_path: Path) -> None:
    data = picture(640, 480)
    async with TelegramServer(local_folder=tmp_path) as telegram, bot_of(telegram) as bot:
        photo = await telegram.send_photo(ANN, data)
        large = await telegram.send_document(ANN, bytes(20 * MEGABYTE + 1), "large.tiff", "image/tiff")
        for message, folder in ((photo, "photos"), (large, "documents")):
            assert message.file
            file = await bot.get_file(message.file.file_id)
            path = Path(file.file_path or "")
            assert path.parent == tmp_path / telegram.token / folder
            assert await file.download_as_bytearray() == message.data
        assert photo.file
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{telegram.base_file_url}{telegram.token}/{photo.file.path}")
        assert answer.status_code == 404
        assert await bot.send_document(ANN.id, bytes(50 * MEGABYTE + 1), filename="large.bin")
        assert telegram.violations == []


async def test_a_server_may_lie_about_paths(telegram: TelegramServer, bot: Bot) -> None:
    sent = await telegram.send_photo(ANN, picture())
    assert sent.file
    telegram.lie_about_paths("../../elsewhere")
    file = await bot.get_file(sent.file.file_id)
    assert (file.file_path or "").endswith("/../../elsewhere")
    with pytest.raises(InvalidToken):
        await file.download_as_bytearray()
    telegram.lie_about_paths(None)
    assert await (await bot.get_file(sent.file.file_id)).download_as_bytearray() == sent.data
