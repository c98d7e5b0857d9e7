"""How updates come in: the real client library over real HTTP, with time that a test drives."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from aiohttp import web
from telegram import Bot, Update

from bots.telegram.updates import CHECK_SECONDS, SECRET_HEADER, WRONG_TOKEN, Polling, Webhook
from core.errors import ConfigError
from tests.fakes.telegram import Fault, Person, TelegramServer

ANNA = Person(1001, "Anna")
KINDS = ["message"]
SECRET = "a-secret_1"
PUBLIC_URL = "https://bot.example.org/telegram"
UNAUTHORIZED = Fault.refused(401, "Unauthorized")
NOT_FOUND = Fault.refused(404, "Not Found")
CONFLICT = Fault.refused(409, "Conflict: terminated by other getUpdates request")
RETRIES = "it is repeated until it succeeds"
OVER = "the trouble is over"


class Time:
    """Passes when somebody sleeps, at once; only the check of the token waits for the test to set `check`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.check = asyncio.Event()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds == CHECK_SECONDS:
            await self.check.wait()
            self.check.clear()
            return
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Heard:
    """A handler that notes texts; `hold` stops it in the middle, until set."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.texts: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.busy = 0

    async def handle(self, update: Update) -> None:
        assert self.busy == 0, "two at a time"
        self.busy += 1
        try:
            text = (update.message and update.message.text) or ""
            self.begun.put_nowait(text)
            await self.hold.wait()
            if text == "broken":
                raise RuntimeError("a bug in the handler")
            self.texts.append(text)
        finally:
            self.busy -= 1

    async def hears(self, *texts: str) -> None:
        """Wait until the handling of these, and of nothing else, has begun."""
        async with asyncio.timeout(10):
            assert [await self.begun.get() for _ in texts] == list(texts)


class Runnable(Protocol):
    async def run(self, ready: asyncio.Event) -> None: ...


@asynccontextmanager
async def running(way: Runnable) -> AsyncGenerator[asyncio.Event]:
    """Runs, from being ready until the end of the block."""
    ready = asyncio.Event()
    run = asyncio.create_task(way.run(ready))
    waiting = asyncio.create_task(ready.wait())
    try:
        async with asyncio.timeout(10):
            await asyncio.wait([run, waiting], return_when=asyncio.FIRST_COMPLETED)
        if run.done():
            run.result()
        yield ready
        if run.done():
            run.result()
    finally:
        waiting.cancel()
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        assert not ready.is_set()


async def failure_of(run: Awaitable[None]) -> str:
    with pytest.raises(ConfigError) as caught:
        await asyncio.wait_for(run, 10)
    return str(caught.value)


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
async def bot(telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Bot]:
    # As the front end sets it: without it, flood control makes the library warn.
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    async with Bot(telegram.token, telegram.base_url, telegram.base_file_url) as bot:
        yield bot


@pytest.fixture
async def heard() -> Heard:
    return Heard()


@pytest.fixture
async def time() -> Time:
    return Time()


@pytest.fixture
def polling(bot: Bot, heard: Heard, time: Time) -> Polling:
    return Polling(bot, heard.handle, KINDS, time.sleep, time.clock)


async def polled_past(telegram: TelegramServer, polls: int) -> None:
    """Wait until Telegram has been polled that often."""
    await telegram.wait_for(lambda: len(telegram.calls_to("getUpdates")) >= polls)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        row.getMessage()
        for row in caplog.records
        if row.levelno >= logging.WARNING and row.name == "bots.telegram.updates"
    ]


async def test_updates_are_handled_in_order_and_nothing_that_waits_is_dropped(
    telegram: TelegramServer, polling: Polling, heard: Heard
):
    await telegram.send_text(ANNA, "one")
    await telegram.send_text(ANNA, "two")
    async with running(polling):
        await heard.hears("one", "two")
        await telegram.send_text(ANNA, "three")
        await heard.hears("three")
        await polled_past(telegram, 3)
    assert heard.texts == ["one", "two", "three"]
    assert [call.fields for call in telegram.calls_to("deleteWebhook")] == [{}]
    assert telegram.calls_to("getUpdates")[-1].fields["timeout"] == 30
    assert all(call.fields["allowed_updates"] == KINDS for call in telegram.calls_to("getUpdates"))


async def test_what_was_being_handled_at_the_end_comes_again_and_what_was_handled_does_not(
    telegram: TelegramServer, bot: Bot, polling: Polling, heard: Heard
):
    async with running(polling):
        await telegram.send_text(ANNA, "handled")
        await heard.hears("handled")
        await polled_past(telegram, 3)
        heard.hold.clear()
        await telegram.send_text(ANNA, "half way")
        await heard.hears("half way")
        polls = len(telegram.calls_to("getUpdates"))
        await bot.get_me()
        # The next poll, which confirms it, had the time of a whole call, and was not made.
        assert len(telegram.calls_to("getUpdates")) == polls
    assert heard.texts == ["handled"]
    heard.hold.set()
    async with running(polling):
        await heard.hears("half way")


async def test_an_update_that_breaks_the_handler_is_logged_and_left_out(
    telegram: TelegramServer, polling: Polling, heard: Heard, caplog: pytest.LogCaptureFixture
):
    async with running(polling):
        await telegram.send_text(ANNA, "broken")
        await telegram.send_text(ANNA, "fine")
        await heard.hears("broken", "fine")
    assert warnings_in(caplog) == ["an update could not be handled; it is left out"]


@pytest.mark.filterwarnings("ignore:Please use 'Bot.getUpdates'")
async def test_an_update_that_the_library_cannot_read_does_not_stop_those_after_it(
    telegram: TelegramServer, polling: Polling, heard: Heard, caplog: pytest.LogCaptureFixture
):
    unreadable = {"ok": True, "result": [{"update_id": 1, "message": {}}]}
    telegram.fail("getUpdates", Fault(answer=(200, unreadable)), times=2)
    async with running(polling):
        await telegram.send_text(ANNA, "fine")
        await heard.hears("", "fine")
    assert [warning.startswith("Telegram sent an update that this") for warning in warnings_in(caplog)] == [True]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.server_error(),
        Fault.bad_gateway(),
        Fault.dropped(),
        Fault.refused(400, "Bad Request: out of order"),
        Fault(answer=(200, "<html>Please log in to this network</html>")),
    ],
    ids=["500", "502", "dropped", "400", "not JSON"],
)
async def test_an_outage_is_told_once_and_polling_goes_on_with_growing_pauses(
    telegram: TelegramServer,
    polling: Polling,
    heard: Heard,
    time: Time,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
):
    caplog.set_level(logging.INFO)
    telegram.fail("deleteWebhook", fault)
    telegram.fail("getUpdates", fault, times=7)
    async with running(polling):
        await telegram.send_text(ANNA, "hello")
        await heard.hears("hello")
        assert time.slept == [1, 1, 2, 4, 8, 16, 30, 30]
        assert [RETRIES in warning for warning in warnings_in(caplog)] == [True]
        assert OVER not in caplog.text
        time.now += 60
        await telegram.send_text(ANNA, "still there")
        await heard.hears("still there")
        assert caplog.text.count(OVER) == 1


@pytest.mark.filterwarnings("ignore:Please use 'Bot.getUpdates'")
@pytest.mark.parametrize("answer", [(200, "{}"), (200, "[]"), (502, "[]"), (200, '{"ok": true, "result": true}')])
async def test_json_that_is_not_telegrams_is_outlived(
    telegram: TelegramServer, polling: Polling, heard: Heard, answer: tuple[int, str]
):
    for method in ("deleteWebhook", "getUpdates", "getUpdates"):
        telegram.fail(method, Fault(answer=answer))
    async with running(polling):
        await telegram.send_text(ANNA, "hello")
        await heard.hears("hello")


async def test_flood_control_is_obeyed(telegram: TelegramServer, polling: Polling, time: Time):
    telegram.fail("getUpdates", Fault.retry_after(17), times=2)
    async with running(polling):
        assert time.slept == [17, 17]


async def test_ready_ends_with_a_long_outage_and_comes_back_without_waiting_for_a_message(
    telegram: TelegramServer, polling: Polling, heard: Heard
):
    async with running(polling) as ready:
        for faults, stays in ((3, True), (9, False)):
            gate = asyncio.Event()
            telegram.fail("getUpdates", Fault.server_error(), times=faults)
            telegram.fail("getUpdates", Fault.held(gate))
            polls = len(telegram.calls_to("getUpdates"))
            await telegram.send_text(ANNA, "wakes the poll under way")
            await polled_past(telegram, polls + faults + 1)
            assert ready.is_set() == stays
            gate.set()
            await asyncio.wait_for(ready.wait(), 5)
            await heard.hears("wakes the poll under way")


async def test_a_conflict_says_what_to_do_once_however_often_it_comes_and_goes(
    telegram: TelegramServer, polling: Polling, heard: Heard, time: Time, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    async with running(polling):
        for text in ("one", "two", "three"):
            telegram.fail("getUpdates", CONFLICT, times=2)
            await telegram.send_text(ANNA, text)
            await heard.hears(text)
        (warning,) = warnings_in(caplog)
        assert "another program takes this bot's messages" in warning
        assert "Stop that program" in warning
        assert "/revoke" in warning
        assert OVER not in caplog.text
        time.now += 120
        await telegram.send_text(ANNA, "calm")
        await heard.hears("calm")
        assert caplog.text.count(OVER) == 1
        telegram.fail("getUpdates", CONFLICT)
        await telegram.send_text(ANNA, "and again")
        await heard.hears("and again")
        assert warnings_in(caplog) == [warning, warning]


@pytest.mark.parametrize("refused", [UNAUTHORIZED, NOT_FOUND], ids=["401", "404"])
async def test_a_stray_refusal_of_the_token_is_outlived(
    telegram: TelegramServer, polling: Polling, heard: Heard, refused: Fault
):
    telegram.fail("deleteWebhook", refused)
    telegram.fail("getUpdates", refused, times=3)
    telegram.fail("getMe", refused)
    async with running(polling):
        await telegram.send_text(ANNA, "hello")
        await heard.hears("hello")


@pytest.mark.parametrize("refused", [UNAUTHORIZED, NOT_FOUND], ids=["401", "404"])
async def test_a_token_that_is_refused_again_and_again_ends_it(
    telegram: TelegramServer, polling: Polling, time: Time, refused: Fault
):
    telegram.fail("getUpdates", refused)
    telegram.fail("getMe", refused, times=2)
    assert await failure_of(polling.run(asyncio.Event())) == WRONG_TOKEN
    assert time.slept == [5]


async def test_a_check_that_cannot_be_made_is_no_refusal(telegram: TelegramServer, polling: Polling, heard: Heard):
    telegram.fail("getUpdates", UNAUTHORIZED)
    telegram.fail("getMe", UNAUTHORIZED)
    telegram.fail("getMe", Fault.bad_gateway())
    async with running(polling):
        await telegram.send_text(ANNA, "hello")
        await heard.hears("hello")


async def test_the_check_of_the_token_finds_it_revoked_while_a_poll_waits(
    telegram: TelegramServer, polling: Polling, time: Time
):
    run = asyncio.create_task(polling.run(asyncio.Event()))
    await polled_past(telegram, 2)
    checks = len(telegram.calls_to("getMe"))
    time.check.set()
    await telegram.wait_for(lambda: len(telegram.calls_to("getMe")) == checks + 1)
    assert not run.done()
    telegram.fail("getMe", UNAUTHORIZED, times=2)
    time.check.set()
    assert await failure_of(run) == WRONG_TOKEN


class Registrar:
    """A Bot API server for setWebhook alone: `asked` is what was set, `answers` what it says before its yes."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers: list[tuple[int, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] != "setWebhook":
            return web.json_response({"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Bot"}})
        fields = {
            name: value.file.read() if isinstance(value, web.FileField) else value
            for name, value in (await request.post()).items()
        }
        self.asked.put_nowait(fields)
        status, description = self.answers.pop(0) if self.answers else (200, "")
        answer = {"ok": status == 200, "result": True, "description": description}
        return web.json_response(answer, status=status)


@pytest.fixture
async def registrar() -> Registrar:
    return Registrar()


@pytest.fixture
async def webhook(registrar: Registrar, heard: Heard, time: Time) -> AsyncGenerator[Callable[..., Webhook]]:
    app = web.Application()
    app.router.add_post("/bot123:abc/{method}", registrar.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]

    def build(port: int = 0, certificate: Path | None = None, secret: str = SECRET) -> Webhook:
        return Webhook(
            bot, heard.handle, KINDS, PUBLIC_URL, "127.0.0.1", port, secret, certificate, time.sleep, time.clock
        )

    async with Bot("123:abc", f"http://{host}:{port}/bot") as bot:
        yield build
    await runner.cleanup()


def update(text: str, number: int) -> dict[str, Any]:
    chat = {"id": 1001, "type": "private"}
    return {"update_id": number, "message": {"message_id": number, "date": 0, "chat": chat, "text": text}}


@asynccontextmanager
async def posting(webhook: Webhook) -> AsyncGenerator[httpx.AsyncClient]:
    """What Telegram is to a running webhook: it knows the secret."""
    async with (
        running(webhook),
        httpx.AsyncClient(base_url=webhook.url, headers={SECRET_HEADER: SECRET}, trust_env=False) as client,
    ):
        yield client


async def test_telegram_is_told_where_to_post_and_what(webhook: Callable[..., Webhook], registrar: Registrar):
    async with running(webhook()):
        assert registrar.asked.get_nowait() == {
            "url": PUBLIC_URL,
            "allowed_updates": '["message"]',
            "max_connections": "20",
            "secret_token": SECRET,
        }
    assert registrar.asked.empty(), "the end of the program leaves the webhook as it is"


async def test_a_certificate_is_uploaded(webhook: Callable[..., Webhook], registrar: Registrar, tmp_path: Path):
    certificate = tmp_path / "public.pem"
    certificate.write_bytes(b"-----BEGIN CERTIFICATE-----")
    async with running(webhook(certificate=certificate)):
        assert registrar.asked.get_nowait()["certificate"] == b"-----BEGIN CERTIFICATE-----"
    certificate.unlink()
    assert str(certificate) in await failure_of(webhook(certificate=certificate).run(asyncio.Event()))


async def test_telegram_is_told_again_until_it_answers(
    webhook: Callable[..., Webhook], registrar: Registrar, time: Time
):
    registrar.answers = [(502, "Bad Gateway"), (500, "Internal Server Error"), (401, "Unauthorized")]
    async with running(webhook()):
        assert time.slept == [1, 2, 4]
        assert registrar.asked.qsize() == 4


async def test_an_address_that_telegram_does_not_take_is_a_matter_of_settings(
    webhook: Callable[..., Webhook], registrar: Registrar
):
    registrar.answers = [(400, "Bad Request: bad webhook: Failed to resolve host")]
    failure = await failure_of(webhook().run(asyncio.Event()))
    assert "TELEGRAM_WEBHOOK_URL https://bot.example.org/telegram" in failure
    assert "failed to resolve host" in failure


async def test_a_port_that_is_taken_is_a_matter_of_settings(webhook: Callable[..., Webhook]):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert "TELEGRAM_WEBHOOK_PORT" in await failure_of(webhook(port=port).run(asyncio.Event()))


async def test_updates_are_answered_only_when_handled_one_at_a_time_in_order(
    webhook: Callable[..., Webhook], heard: Heard
):
    heard.hold.clear()
    async with posting(webhook()) as client:
        posts: list[asyncio.Task[httpx.Response]] = []
        posts.append(asyncio.create_task(client.post("/telegram", json=update("first", 11))))
        await heard.hears("first")
        # The next is there and waits for its turn, by the time a request after it is answered.
        posts.append(asyncio.create_task(client.post("/telegram", json=update("second", 12))))
        assert (await client.post("/elsewhere")).status_code == 404
        assert not any(post.done() for post in posts)
        assert heard.begun.empty()
        heard.hold.set()
        assert [(await post).status_code for post in posts] == [200, 200]
    assert heard.texts == ["first", "second"]


async def test_an_update_that_comes_again_is_handled_once(webhook: Callable[..., Webhook], heard: Heard):
    heard.hold.clear()
    async with posting(webhook()) as client:
        first = asyncio.create_task(client.post("/telegram", json=update("once", 11)))
        await heard.hears("once")
        meanwhile = asyncio.create_task(client.post("/telegram", json=update("once", 11)))
        assert (await client.post("/elsewhere")).status_code == 404
        assert not meanwhile.done()
        heard.hold.set()
        assert (await first).status_code == (await meanwhile).status_code == 200
        assert (await client.post("/telegram", json=update("once", 11))).status_code == 200
        assert (await client.post("/telegram", json=update("another", 12))).status_code == 200
    assert heard.texts == ["once", "another"]


async def test_what_was_being_handled_at_the_end_is_not_answered_so_that_telegram_posts_it_again(
    webhook: Callable[..., Webhook], heard: Heard
):
    heard.hold.clear()
    hook = webhook()
    async with httpx.AsyncClient(headers={SECRET_HEADER: SECRET}, trust_env=False) as client:
        async with running(hook):
            post = asyncio.create_task(client.post(f"{hook.url}/telegram", json=update("half way", 11)))
            await heard.hears("half way")
        with suppress(httpx.HTTPError):
            assert (await post).status_code == 500
        heard.hold.set()
        async with running(hook):
            assert (await client.post(f"{hook.url}/telegram", json=update("half way", 11))).status_code == 200
    assert heard.texts == ["half way"]


@pytest.mark.parametrize("secret", ["", "a-secret_2", "sécret"])
async def test_only_who_knows_the_secret_is_heard(webhook: Callable[..., Webhook], heard: Heard, secret: str):
    async with posting(webhook()) as client:
        headers = [(SECRET_HEADER.encode(), secret.encode())]
        wrong = await client.post("/telegram", json=update("let me in", 11), headers=headers)
        assert (wrong.status_code, wrong.content) == (403, b"")
        del client.headers[SECRET_HEADER]
        missing = await client.post("/telegram", json=update("let me in", 11))
        assert (missing.status_code, missing.content) == (403, b"")
    assert heard.texts == []


async def test_an_empty_secret_is_known_to_nobody(webhook: Callable[..., Webhook], heard: Heard):
    async with posting(webhook(secret="")) as client:
        for headers in ({}, {SECRET_HEADER: ""}):
            client.headers.pop(SECRET_HEADER, None)
            assert (await client.post("/telegram", json=update("hello", 11), headers=headers)).status_code == 403
    assert heard.texts == []


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff\xfe{", b"[]", b'{"message": {}}', b'{"update_id": "7"}'])
async def test_what_is_no_update_is_refused(webhook: Callable[..., Webhook], heard: Heard, body: bytes):
    async with posting(webhook()) as client:
        assert (await client.post("/telegram", content=body)).status_code == 400
        assert (await client.get("/telegram")).status_code == 405
        assert (await client.post("/telegram", json=update("fine", 11))).status_code == 200
    assert heard.texts == ["fine"]


async def test_an_update_that_the_library_cannot_read_is_taken_so_that_it_does_not_come_for_ever(
    webhook: Callable[..., Webhook], heard: Heard
):
    async with posting(webhook()) as client:
        assert (await client.post("/telegram", json={"update_id": 7, "message": {}})).status_code == 200
    assert heard.texts == [""]


async def test_too_much_is_refused_whether_its_length_is_told_or_not(
    webhook: Callable[..., Webhook], heard: Heard
):
    async def drops() -> AsyncGenerator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    async with posting(webhook()) as client:
        assert (await client.post("/telegram", content=b" " * 1_000_001)).status_code == 413
        assert (await client.post("/telegram", content=drops())).status_code == 413
        most = b'{"update_id": 7}'.ljust(1_000_000)
        assert (await client.post("/telegram", content=most)).status_code == 200
    assert heard.texts == [""]
