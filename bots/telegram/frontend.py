"""One Telegram bot: how it starts, what it fetches, and how it ends."""

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final

from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeAllGroupChats, BotCommandScopeDefault
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.delivery import Limits
from bots.frontend import Hearing
from bots.locales import LANGUAGES, Locales
from bots.orders import Orders
from bots.telegram.files import fetch
from bots.telegram.listener import KINDS, Listener
from bots.telegram.sending import Sending
from bots.telegram.updates import WRONG_TOKEN, Polling, Webhook
from bots.telegram.wire import wait_of
from core.config import Settings
from core.errors import ConfigError
from storage.auto_chats import AutoChats

log = logging.getLogger(__name__)

MENU: Final = (
    "style",
    "settings",
    "compare",
    "queue",
    "cancel",
    "size",
    "format",
    "faces",
    "deliver",
    "language",
    "privacy",
    "forget",
    "help",
)
GROUP_MENU: Final = ("cartoon", "compare", "style", "settings", "auto", "cancel", "help")
# A local Bot API server takes files of 2000 MB.
LOCAL_BYTES: Final = 2_000_000_000
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class TelegramFrontEnd(Sending):
    """Brings updates to a listener and cartoons to people.

    Telegram is asked for updates; with TELEGRAM_WEBHOOK_URL it posts them. With TELEGRAM_LOCAL_MODE photos are
    read from the folder of a local Bot API server. See Sending for `known` and `on_moved`.
    """

    def __init__(
        self,
        settings: Settings,
        conversation: Conversation,
        reception: Hearing,
        buttons: Buttons,
        orders: Orders,
        auto_chats: AutoChats,
        locales: Locales,
        known: Iterable[tuple[str, int]],
        on_moved: Callable[[str, str], Awaitable[None]],
    ) -> None:
        local = settings.telegram_local_mode
        bot = _bot(settings)
        limits = Limits(request_bytes=LOCAL_BYTES, file_bytes=LOCAL_BYTES) if local else Limits()
        super().__init__(bot, limits, known, on_moved)
        self._most_bytes = settings.limits.file_bytes
        self._local_folder = settings.telegram_local_folder if local else None
        self._locales = locales
        listener = Listener(bot, self, conversation, reception, buttons, orders, auto_chats, locales)
        if settings.telegram_webhook_url:
            secret = settings.telegram_webhook_secret
            self.updates = Webhook(
                bot,
                listener.hear,
                KINDS,
                settings.telegram_webhook_url,
                settings.telegram_webhook_host,
                settings.telegram_webhook_port,
                secret.get_secret_value() if secret else secrets.token_urlsafe(32),
                settings.telegram_webhook_certificate,
            )
        else:
            self.updates = Polling(bot, listener.hear, KINDS)

    async def run(self) -> None:
        """Serve until cancelled. Waits while Telegram cannot be reached; raises ConfigError for a wrong token."""
        menus = None
        try:
            await self._start()
            log.info("Telegram: listening as @%s", self._bot.username)
            menus = asyncio.create_task(self._set_menus())
            await self.updates.run(self.ready)
        finally:
            if menus is not None:
                menus.cancel()
                await asyncio.gather(menus, return_exceptions=True)
            await self.close()
            await self._bot.shutdown()

    async def fetch(self, reference: str, path: Path) -> None:
        """See FrontEnd.fetch: by file_id."""
        await self.ready.wait()
        await fetch(self._bot, reference, path, self._most_bytes, self._local_folder)

    async def _start(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._bot.initialize()
            except InvalidToken as error:
                raise ConfigError(WRONG_TOKEN) from error
            except TelegramError as error:
                log.warning("Telegram cannot be reached (%s); trying again in %g s", error, pause)
                await asyncio.sleep(wait_of(error) if isinstance(error, RetryAfter) else pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return

    async def _set_menus(self) -> None:
        """The commands that people's apps offer, in private chats and in groups, in each language."""
        for language in LANGUAGES:
            await self._set_menu(language, MENU, BotCommandScopeDefault())
            await self._set_menu(language, GROUP_MENU, BotCommandScopeAllGroupChats())

    async def _set_menu(self, language: str, names: Iterable[str], scope: BotCommandScope) -> None:
        locale = self._locales.of(language)
        commands = [BotCommand(name, locale.say(f"menu-{name}")) for name in names]
        code = None if language == "en" else language.split("-")[0]
        while True:
            try:
                await self._bot.set_my_commands(commands, scope, code)
            except TelegramError as error:
                log.warning("Telegram: the command menu was not set (%s); trying again later", error)
                await asyncio.sleep(LONGEST_PAUSE)
            else:
                return


def _bot(settings: Settings) -> Bot:
    assert settings.telegram_bot_token is not None  # whoever builds this has looked
    if settings.telegram_local_mode and settings.telegram_local_folder is None:
        raise ConfigError(
            "TELEGRAM_LOCAL_MODE needs TELEGRAM_LOCAL_FOLDER: the folder where that server keeps files."
        )
    # The library's own switch to durations as timedelta; without it every flood control logs a warning.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    url = settings.telegram_api_url.rstrip("/")
    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        # Telegram can take long over an album; giving up early would send it twice.
        request=HTTPXRequest(
            connection_pool_size=256, connect_timeout=10, read_timeout=120, write_timeout=30, pool_timeout=30
        ),
        get_updates_request=HTTPXRequest(connect_timeout=10, pool_timeout=30),
        local_mode=settings.telegram_local_mode,
    )
