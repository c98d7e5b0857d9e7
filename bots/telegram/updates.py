"""How Telegram's updates come in: fetched by long polling, or posted to a webhook.

An update is confirmed only after it is handled: a program that dies in between gets it again.
"""

import asyncio
import hmac
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, InputFile, Update
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from bots.serving import listen, serve, url_of
from bots.telegram.wire import wait_of
from core.errors import ConfigError

log = logging.getLogger(__name__)
T = TypeVar("T")
# Never raises; what it took needs no second try.
Handle = Callable[[Update], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]

POLL: Final = timedelta(seconds=30)
# Updates that a poll brings at most, and polls that are waited for at the start in a flood that does not end.
PAGE, MOST_FIRST = 100, 30
# Beyond the time that Telegram holds a poll.
READ_SECONDS: Final = 10.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
OUTAGE_SECONDS: Final = 60.0
CALM_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 300.0
SECOND_CHECK_SECONDS: Final = 5.0

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
MOST_BODY_BYTES: Final = 1_000_000
# Telegram itself keeps the order within a chat, however many connections there are.
CONNECTIONS: Final = 20
REMEMBERED: Final = 1000

# Not only the library's errors: what a proxy answers may be JSON of another shape, which it stumbles over.
NO_ANSWER: Final = (TelegramError, AttributeError, KeyError, TypeError, ValueError)

WRONG_TOKEN: Final = "Telegram does not know TELEGRAM_BOT_TOKEN. Ask @BotFather for /token and set it again."
CONFLICT: Final = (
    "Telegram: another program takes this bot's messages with the same TELEGRAM_BOT_TOKEN (%r). Stop that "
    "program; if it is not yours, ask @BotFather for /revoke and set the new token. This one keeps trying."
)
FAILED: Final = "Telegram: a call failed (%r); it is repeated until it succeeds"
UNREADABLE: Final = (
    "Telegram sent an update that this version cannot read; it is left out. "
    "A newer version may read it: pip install -U python-telegram-bot"
)
REMEDY: Final = (
    "Set TELEGRAM_WEBHOOK_PORT to another number and TELEGRAM_WEBHOOK_HOST to an address of this machine."
)


class Polling:
    """Long polling. Updates of `kinds`, such as "message", are handled one after the other, oldest first."""

    def __init__(
        self,
        bot: Bot,
        handle: Handle,
        kinds: Sequence[str],
        sleep: Sleep = asyncio.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self._bot = bot
        self._handle = handle
        self._kinds = kinds
        self._sleep = sleep
        self._clock = clock

    async def run(self, ready: asyncio.Event) -> None:
        """Poll until cancelled. `ready` is set while updates come. Raises ConfigError for a wrong token."""
        try:
            await _together(self._poll(ready), watch_token(self._bot, self._sleep))
        finally:
            ready.clear()

    async def _poll(self, ready: asyncio.Event) -> None:
        line = _Line(self._bot, ready, self._sleep, self._clock)
        # Telegram gives no updates to who polls while an earlier run's webhook is set.
        await line.until_answered(self._bot.delete_webhook)
        offset, polls = 0, 0
        while True:
            # The offset confirms all updates before it.
            updates = await line.until_answered(partial(self._ask, offset, ready))
            for update in updates:
                await _hand_over(update, self._handle)
                offset = update.update_id + 1
            polls += 1
            # What came while the program was down is heard first: who looks for an earlier message among the
            # latest ones must know them.
            if len(updates) < PAGE or polls >= MOST_FIRST:
                ready.set()

    async def _ask(self, offset: int, ready: asyncio.Event) -> Sequence[Update]:
        # At first, and after a long outage, the answer should not wait until somebody writes.
        wait = POLL if ready.is_set() else timedelta(0)
        try:
            return await self._bot.get_updates(
                offset, timeout=wait, allowed_updates=self._kinds, read_timeout=READ_SECONDS
            )
        except TelegramError:
            raise
        except Exception:
            # The library could not read one of them, and would stumble over it for ever. It warns about this call.
            raw_updates = await self._bot.do_api_request("getUpdates", {"offset": offset})
            return [_read(raw, self._bot) for raw in raw_updates]


class Webhook:
    """Takes updates that Telegram posts to `url`; `host` and `port` are where this machine listens for them.

    TLS ends in front of it. `certificate` is the public part of one that is self-signed, for Telegram to trust.
    `secret`, 1-256 characters of A-Z a-z 0-9 _ -, proves that it is Telegram who posts. Port 0 takes a free one;
    the attribute `url` tells the local address.
    """

    def __init__(
        self,
        bot: Bot,
        handle: Handle,
        kinds: Sequence[str],
        url: str,
        host: str,
        port: int,
        secret: str,
        certificate: Path | None,
        sleep: Sleep = asyncio.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self._bot = bot
        self._handle = handle
        self._kinds = kinds
        self._public_url = url
        self._host = host
        self._port = port
        self._secret = secret
        self._certificate = certificate
        self._sleep = sleep
        self._clock = clock
        self._turn = asyncio.Lock()
        self._handled: deque[int] = deque(maxlen=REMEMBERED)
        self.url = ""

    async def run(self, ready: asyncio.Event) -> None:
        """Listen until cancelled; `ready` is set once Telegram posts here, and goes on to after the end.

        Raises ConfigError for a wrong token, a port that is taken, or an address that Telegram does not take.
        """
        path = urlsplit(self._public_url).path or "/"
        app = Starlette(routes=[Route(path, self._receive, methods=["POST"])])
        listening = asyncio.Event()
        with listen(self._host, self._port, REMEDY) as listener:
            self.url = url_of(listener)
            try:
                await _together(
                    serve(app, listener, listening),
                    self._register(listening, ready),
                    watch_token(self._bot, self._sleep),
                )
            finally:
                ready.clear()

    async def _register(self, listening: asyncio.Event, ready: asyncio.Event) -> None:
        await listening.wait()
        line = _Line(self._bot, ready, self._sleep, self._clock)
        certificate = await asyncio.to_thread(self._read_certificate)
        await line.until_answered(partial(self._set, certificate))
        ready.set()
        log.info("Telegram: messages come in at %s", self._public_url)

    async def _set(self, certificate: InputFile | None) -> None:
        try:
            await self._bot.set_webhook(
                self._public_url,
                certificate,
                max_connections=CONNECTIONS,
                allowed_updates=self._kinds,
                secret_token=self._secret,
            )
        except BadRequest as error:
            raise ConfigError(
                f"Telegram does not take TELEGRAM_WEBHOOK_URL {self._public_url} ({error.message}). It must be an "
                "https address on port 443, 80, 88 or 8443 that can be reached from everywhere."
            ) from error

    def _read_certificate(self) -> InputFile | None:
        if self._certificate is None:
            return None
        try:
            # As an upload always: in the library's local mode, a path would be sent in its place.
            return InputFile(self._certificate.read_bytes(), filename=self._certificate.name)
        except OSError as error:
            raise ConfigError(f"The webhook's certificate {self._certificate} cannot be read: {error}.") from error

    async def _receive(self, request: Request) -> Response:
        secret = request.headers.get(SECRET_HEADER, "")
        # Should ours be empty, nobody knows it.
        if not (secret and hmac.compare_digest(secret.encode(), self._secret.encode())):
            return Response(status_code=403)
        try:
            body = await _body(request)
            if body is None:
                return Response(status_code=413)
            update = _read(json.loads(body), self._bot)
        except (ClientDisconnect, ValueError):
            return Response(status_code=400)
        async with self._turn:
            # Telegram repeats what it has no answer to yet.
            if update.update_id not in self._handled:
                await _hand_over(update, self._handle)
                self._handled.append(update.update_id)
        return Response()


async def watch_token(bot: Bot, sleep: Sleep = asyncio.sleep) -> None:
    """Check the token every CHECK_SECONDS. Raises ConfigError once Telegram does not know it any more."""
    while True:
        await sleep(CHECK_SECONDS)
        await check_token(bot, sleep)


async def check_token(bot: Bot, sleep: Sleep = asyncio.sleep) -> None:
    """Raises ConfigError when Telegram refuses the token twice; a single refusal may be a proxy's."""
    for first in (True, False):
        try:
            await bot.get_me()
        except InvalidToken as error:
            if not first:
                raise ConfigError(WRONG_TOKEN) from error
            await sleep(SECOND_CHECK_SECONDS)
        except NO_ANSWER as error:
            log.warning("Telegram: no answer to a check of the token (%r)", error)
            return
        else:
            return


class _Line:
    """Calls that are made until they are answered. An outage is told once, and again when it is over.

    `ready` is cleared when an outage lasts.
    """

    def __init__(self, bot: Bot, ready: asyncio.Event, sleep: Sleep, clock: Clock) -> None:
        self._bot = bot
        self._ready = ready
        self._sleep = sleep
        self._clock = clock
        self._told = ""
        self._last_answer = self._last_failure = clock()

    async def until_answered(self, call: Callable[[], Awaitable[T]]) -> T:
        """Raises ConfigError when Telegram does not know the token."""
        pause = FIRST_PAUSE
        while True:
            try:
                answer = await call()
            except NO_ANSWER as error:
                if isinstance(error, InvalidToken):
                    await check_token(self._bot, self._sleep)
                wait = wait_of(error) if isinstance(error, RetryAfter) else pause
                self._failed(error, wait)
            else:
                self._answered()
                return answer
            await self._sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _failed(self, error: Exception, wait: float) -> None:
        complaint = CONFLICT if isinstance(error, Conflict) else FAILED
        if complaint != self._told:
            log.warning(complaint, error)
            self._told = complaint
        self._last_failure = self._clock()
        if self._last_failure + wait - self._last_answer > OUTAGE_SECONDS:
            self._ready.clear()

    def _answered(self) -> None:
        self._last_answer = self._clock()
        # Two programs that poll take turns at succeeding: a single answer says little.
        if self._told and self._last_answer - self._last_failure >= CALM_SECONDS:
            log.info("Telegram: the trouble is over")
            self._told = ""


async def _hand_over(update: Update, handle: Handle) -> None:
    try:
        await handle(update)
    except Exception:
        log.exception("an update could not be handled; it is left out")


def _read(raw: Any, bot: Bot) -> Update:
    """The update; one without content where the library cannot read it. Raises ValueError when it is none."""
    match raw:
        case {"update_id": int(number)}:
            try:
                return Update.de_json(raw, bot)
            except Exception:
                log.exception(UNREADABLE)
                return Update(number)
        case _:
            raise ValueError("not an update")


async def _body(request: Request) -> bytes | None:
    """None when it is too much. Raises ClientDisconnect."""
    if int(request.headers.get("content-length", 0)) > MOST_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            return None
    return bytes(body)


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first fails or this is cancelled; then end the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
