"""Telegram: updates -> conversation and reception; sentences and cartoons -> Bot API calls."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from telegram import (
    BotCommand,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    Update,
    User,
)
from telegram.constants import ChatType
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

from bots.conversation import Conversation, is_for_us
from bots.delivery import Kind, Limits, Parcel, Result
from bots.frontend import HeardPhoto, Hearing, Note, Person
from bots.locales import LANGUAGES, Locales
from bots.outbox import Busy, Outbox, Rates, Unreached
from bots.telegram.probe import Probe
from bots.telegram.wire import PLATFORM, address, chat_of, heard_photo, is_group, translated, wait_of
from core.errors import ConfigError, PhotoTooHeavy, PhotoUnavailable, UserError
from core.jobs import Chat, Owner

log = logging.getLogger(__name__)

MENU: Final = ("style", "size", "format", "faces", "settings", "cancel", "forget", "help")
HEALTH_SECONDS: Final = 300.0
WRONG_TOKEN: Final = "Telegram does not know TELEGRAM_BOT_TOKEN. Ask @BotFather for /token and set it again."


class TelegramFrontEnd:
    """One bot, by long polling. Private chats are answered; elsewhere only commands are.

    `known` are chats with the highest message number that earlier runs knew of.
    """

    limits = Limits()

    def __init__(
        self,
        token: str,
        api_url: str,
        conversation: Conversation,
        reception: Hearing,
        locales: Locales,
        known: Iterable[tuple[str, int]],
    ) -> None:
        self._conversation = conversation
        self._reception = reception
        self._locales = locales
        self._outbox = Outbox(Rates())
        self.ready = asyncio.Event()
        # The library's own switch to durations as timedelta; without it every flood control logs a warning.
        os.environ.setdefault("PTB_TIMEDELTA", "true")
        self._application: Application[Any, Any, Any, Any, Any, Any] = (
            ApplicationBuilder()
            .token(token)
            .base_url(f"{api_url.rstrip('/')}/bot")
            .base_file_url(f"{api_url.rstrip('/')}/file/bot")
            .update_queue(_HandledFirst(self._handle))
            .connect_timeout(10)
            # Telegram can take long over an album; giving up early would send it twice.
            .read_timeout(120)
            .write_timeout(30)
            .media_write_timeout(180)
            .pool_timeout(30)
            .build()
        )
        self._probe = Probe(self._application.bot, self._outbox.paced, known)
        self._complained_about: str | None = None
        self._application.add_handler(MessageHandler(filters.UpdateType.MESSAGE, self._hear))
        self._application.add_error_handler(self._report)

    async def run(self) -> None:
        """Poll until cancelled. Waits while Telegram cannot be reached; raises ConfigError for a wrong token."""
        application = self._application
        try:
            await self._start()
            updater = application.updater
            assert updater is not None  # polling was not switched off above
            await updater.start_polling(
                timeout=timedelta(seconds=30),
                allowed_updates=[Update.MESSAGE],
                bootstrap_retries=-1,
                error_callback=_polling_failed,
            )
            await application.start()
            self.ready.set()
            log.info("Telegram: listening as @%s", application.bot.username)
            await self._set_menus()
            await self._watch_token()
        finally:
            await self._stop()

    async def fetch(self, reference: str, path: Path) -> None:
        """Download by file_id; one try.

        Raises PhotoTooHeavy (bots get no more than 20 MB), PhotoUnavailable, Busy or Unreached.
        """
        await self.ready.wait()
        try:
            file = await self._application.bot.get_file(reference)
            data = await file.download_as_bytearray()
        except BadRequest as error:
            if "too big" in error.message.lower():
                raise PhotoTooHeavy(megabytes="20+", limit=20) from error
            raise PhotoUnavailable from error
        except RetryAfter as error:
            raise Busy(wait_of(error)) from error
        except TelegramError as error:
            raise Unreached(error.message) from error
        await asyncio.to_thread(path.write_bytes, data)

    async def say(self, chat: Chat, text: str) -> None:
        """Send a sentence as a reply. Raises ChatGone or Refused."""
        await self.ready.wait()
        await self._outbox.send(chat.chat, lambda: self._send_text(chat, text), group=is_group(chat))

    async def deliver(self, chat: Chat, parcel: Parcel, caption: str, note: Note) -> None:
        """Send cartoons as a picture, a file or an album. Raises ChatGone or Refused."""
        trace = ""

        async def send() -> None:
            nonlocal trace
            # In this chat's turn: what was sent to it before has its number already. Only once: should the first
            # of several tries arrive late, it is still after this trace.
            if not trace:
                trace = self._probe.trace(chat)
                await note(trace)
            await translated(self._send_parcel(chat, parcel, caption))

        async def arrived() -> bool:
            return await self._probe.arrived(chat, caption, trace, len(parcel.results))

        await self.ready.wait()
        await self._outbox.send(chat.chat, send, group=is_group(chat), arrived=arrived)

    async def arrived(self, chat: Chat, parcel: Parcel, caption: str, trace: str) -> bool:
        """Look for a message after the trace. See bots.telegram.probe."""
        await self.ready.wait()
        return await self._probe.arrived(chat, caption, trace, len(parcel.results))

    async def _start(self) -> None:
        pause = 1.0
        while True:
            try:
                await self._application.initialize()
            except InvalidToken as error:
                raise ConfigError(WRONG_TOKEN) from error
            except TelegramError as error:
                log.warning("Telegram cannot be reached (%s); trying again in %g s", error, pause)
                await asyncio.sleep(wait_of(error) if isinstance(error, RetryAfter) else pause)
                pause = min(2 * pause, 60.0)
            else:
                return

    async def _stop(self) -> None:
        self.ready.clear()
        updater = self._application.updater
        if updater is not None and updater.running:
            await updater.stop()
        if self._application.running:
            await self._application.stop()
        await self._outbox.close(grace=2.0)
        await self._application.shutdown()
        # The library leaves its connections open where it did not come as far as that.
        await self._application.bot.shutdown()

    async def _watch_token(self) -> None:
        """The library stops polling without a word when a token is revoked."""
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            try:
                await self._application.bot.get_me()
            except InvalidToken as error:
                raise ConfigError(WRONG_TOKEN) from error
            except TelegramError as error:
                log.warning("Telegram: no answer to a health check (%s)", error)

    async def _set_menus(self) -> None:
        for language in LANGUAGES:
            locale = self._locales.of(language)
            commands = [BotCommand(name, locale.say(f"menu-{name}")) for name in MENU]
            code = None if language == "en" else language.split("-")[0]
            try:
                await self._application.bot.set_my_commands(commands, language_code=code)
            except TelegramError as error:
                log.warning("Telegram: the command menu was not set (%s)", error)

    async def _hear(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        message, user = update.message, update.effective_user
        if message is None or user is None:
            return
        self._probe.saw(message)
        person = Person(Owner(PLATFORM, str(user.id)), user.language_code)
        chat = chat_of(message)
        private = message.chat.type == ChatType.PRIVATE
        commanded = message.text and message.text.startswith("/")
        if commanded and not private and not is_for_us(message.text or "", self._application.bot.username):
            return
        if message.text and (private or commanded):
            self._post(chat, await self._conversation.answer(person, message.text, message.message_id))
        elif private and (photo := heard_photo(message, person, chat)):
            await self._take(photo)
        elif private:
            self._post(chat, await self._conversation.answer(person, ""))

    async def _take(self, photo: HeardPhoto) -> None:
        try:
            await self._reception.hear(photo)
        except UserError as error:
            # Once an album, not once a photo.
            if photo.group is None or photo.group != self._complained_about:
                self._complained_about = photo.group
                self._post(photo.chat, self._locales.of(photo.person.language).error(error))

    async def _handle(self, update: Update) -> None:
        await self._application.process_update(update)

    async def _report(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        log.error("an update could not be handled", exc_info=context.error)
        if isinstance(update, Update) and update.message is not None:
            user: User | None = update.effective_user
            locale = self._locales.of(user.language_code if user else None)
            self._post(chat_of(update.message), locale.say("something-broke"))

    def _post(self, chat: Chat, text: str) -> None:
        self._outbox.post(chat.chat, lambda: self._send_text(chat, text), group=is_group(chat))

    async def _send_text(self, chat: Chat, text: str) -> None:
        sent = await translated(self._application.bot.send_message(text=text, **address(chat)))
        self._probe.saw(sent)

    async def _send_parcel(self, chat: Chat, parcel: Parcel, caption: str) -> None:
        if len(parcel.results) == 1:
            sent = [await self._send_one(chat, parcel.results[0], parcel.kind, caption)]
        else:
            sent = await self._send_album(chat, parcel, caption)
        for message in sent:
            self._probe.saw(message)

    async def _send_one(self, chat: Chat, result: Result, kind: Kind, caption: str) -> Message:
        bot = self._application.bot
        with result.path.open("rb") as file:
            picture = InputFile(file, filename=result.name, read_file_handle=False)
            if kind is Kind.PHOTO:
                return await bot.send_photo(photo=picture, caption=caption or None, **address(chat))
            return await bot.send_document(document=picture, caption=caption or None, **address(chat))

    async def _send_album(self, chat: Chat, parcel: Parcel, caption: str) -> Sequence[Message]:
        kind = InputMediaPhoto if parcel.kind is Kind.PHOTO else InputMediaDocument
        with ExitStack() as files:
            media = [
                kind(_attached(files, result), caption=caption if place == 0 and caption else None)
                for place, result in enumerate(parcel.results)
            ]
            return await self._application.bot.send_media_group(media=media, **address(chat))


class _HandledFirst(asyncio.Queue[object]):
    """What the library's polling fills; an update is handled before that returns.

    The library asks for the next updates only then, and asking is what tells Telegram that these have arrived: a
    program that dies in between gets them again.
    """

    def __init__(self, handle: Callable[[Update], Awaitable[None]]) -> None:
        super().__init__()
        self._handle = handle

    async def put(self, item: object) -> None:
        if isinstance(item, Update):
            await self._handle(item)
        else:
            await super().put(item)


def _attached(files: ExitStack, result: Result) -> InputFile:
    file = files.enter_context(result.path.open("rb"))
    return InputFile(file, filename=result.name, attach=True, read_file_handle=False)


def _polling_failed(error: TelegramError) -> None:
    log.warning("Telegram: polling was interrupted (%s); it goes on by itself", error)
