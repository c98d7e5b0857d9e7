"""Sentences, pictures and cartoons -> Bot API calls, through the outbox."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from telegram import Bot, CallbackQuery, Message
from telegram.constants import ChatAction
from telegram.error import ChatMigrated, TelegramError

from bots.delivery import Limits, Parcel
from bots.frontend import Note
from bots.outbox import Busy, Outbox, Rates
from bots.replies import Pressed, Reply
from bots.telegram.calls import send_parcel, send_reply
from bots.telegram.probe import Probe
from bots.telegram.wire import (
    PLATFORM,
    address,
    chat_of,
    is_group,
    keyboard,
    name_of,
    place_of,
    translated,
)
from core.errors import CartoonbotError, ChatGone, Refused
from core.jobs import Chat

log = logging.getLogger(__name__)
T = TypeVar("T")

TOAST_CHARACTERS: Final = 200
# Longer ones are shown until they are put away.
SHORT_TOAST: Final = 60
DELETED_AT_ONCE: Final = 100
TRIES: Final = 4
# For calls that others wait behind.
SHORT_SECONDS: Final = 10.0
GRACE: Final = 2.0
NO_TOPIC: Final = "thread not found"


class Sending:
    """All that goes out. `known` are chats with the highest message number that earlier runs knew of.

    `on_moved` hears of a group that has another number from now on: the old one, and the new one.
    """

    def __init__(
        self,
        bot: Bot,
        limits: Limits,
        known: Iterable[tuple[str, int]],
        on_moved: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self.downloads = True
        self.ready = asyncio.Event()
        self._bot = bot
        self._limits = limits
        self._outbox = Outbox(Rates())
        self._probe = Probe(bot, self._outbox.paced, known)
        self._on_moved = on_moved
        self._moved: dict[str, str] = {}
        # Pictures of our own are uploaded once.
        self._uploaded: dict[Path, str] = {}
        self._answers: set[asyncio.Task[None]] = set()

    def limits_of(self, chat: Chat) -> Limits:
        """See FrontEnd.limits_of: all chats are alike."""
        return self._limits

    def line_of(self, chat: Chat) -> str:
        """See FrontEnd.line_of: lost cartoons are looked for in the whole chat."""
        return chat.chat

    def saw(self, message: Message) -> None:
        """A message came in."""
        self._probe.saw(message)

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        """See FrontEnd.say."""
        await self.ready.wait()
        saying = _Saying(self, chat, reply)
        await self._outbox.send(chat.chat, saying.send, group=is_group(chat), arrived=saying.arrived)
        return saying.name

    def post(self, chat: Chat, reply: Reply) -> None:
        """Say it without waiting. Failures are logged."""
        saying = _Saying(self, chat, reply)
        self._outbox.post(chat.chat, saying.send, group=is_group(chat), arrived=saying.arrived)

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        """See FrontEnd.edit."""
        if not self.ready.is_set():
            return False

        place, number = place_of(message)

        def change() -> Awaitable[Message | bool]:
            buttons = keyboard(reply.buttons)
            return translated(
                self._bot.edit_message_text(
                    reply.text, place, number, reply_markup=buttons, read_timeout=SHORT_SECONDS
                )
            )

        try:
            return await self._outbox.offer(chat.chat, change, group=is_group(chat))
        except ChatMigrated as error:
            raise Refused(error.message) from error
        except Refused as error:
            if "not modified" not in str(error).lower():
                raise
            return True

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        """See FrontEnd.delete."""
        await self.ready.wait()
        by_chat: dict[int, list[int]] = {}
        for place, number in dict.fromkeys(place_of(message) for message in messages):
            by_chat.setdefault(place, []).append(number)
        gone = [
            await self._deleted(chat, place, numbers[start : start + DELETED_AT_ONCE])
            for place, numbers in by_chat.items()
            for start in range(0, len(numbers), DELETED_AT_ONCE)
        ]
        return all(gone)

    async def show_activity(self, chat: Chat) -> None:
        """See FrontEnd.show_activity. In groups it would only tell strangers."""
        if is_group(chat) or not self.ready.is_set() or not self._outbox.is_free(chat.chat):
            return
        try:
            await self._outbox.paced(
                lambda: self._bot.send_chat_action(
                    int(chat.chat), ChatAction.UPLOAD_PHOTO, read_timeout=SHORT_SECONDS
                )
            )
        except TelegramError as error:
            log.debug("Telegram: a sign of activity was not taken (%s)", error)

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> list[str]:
        """See FrontEnd.deliver; always a message of its own, as words cannot become files."""
        trace, sent = "", list[str]()

        async def send() -> None:
            nonlocal trace, sent
            # In this chat's turn: what was sent to it before has its number already. Only once: should the first
            # of several tries arrive late, it is still after this trace.
            if not trace:
                trace = self._probe.trace(chat)
                await note(trace)
            sent = await self._called(chat, lambda where: self._send_parcel(where, parcel, caption))

        async def arrived() -> bool:
            nonlocal sent
            sent = await self._found(chat, parcel, caption, trace)
            return bool(sent)

        await self.ready.wait()
        await self._outbox.send(chat.chat, send, group=is_group(chat), arrived=arrived)
        return _for_each(parcel, sent)

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> list[str] | None:
        """See FrontEnd.arrived: look for a message after the trace, as bots.telegram.probe does it."""
        await self.ready.wait()
        found = await self._found(chat, parcel, caption, trace)
        return _for_each(parcel, found) if found else None

    def answer_press(self, query: CallbackQuery, pressed: Pressed, sorry: str) -> None:
        """Show what came of a button, without waiting; `sorry` where its messages cannot be deleted."""
        task = asyncio.create_task(self._answer_press(query, pressed, sorry))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def moved(self, chat: str, new_chat: str) -> None:
        """A group has become a supergroup, which has another number."""
        self._moved[chat] = new_chat
        log.info("a group has another number now")
        await self._on_moved(chat, new_chat)

    async def close(self) -> None:
        """Give what was posted a moment."""
        self.ready.clear()
        await self._outbox.close(grace=GRACE)
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    async def _found(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> list[str]:
        count = 1 if parcel.single else len(parcel.results)
        return await self._probe.find(self._here(chat), caption, trace, count) or []

    def _here(self, chat: Chat) -> Chat:
        """Where a chat is now. Its messages did not come along."""
        moved = self._moved.get(chat.chat)
        return chat if moved is None else Chat(chat.platform, moved)

    async def _called(self, chat: Chat, call: Callable[[dict[str, Any]], Awaitable[T]]) -> T:
        """The result of a call that is given where the chat is. Raises what `translated` raises."""
        try:
            return await translated(call(address(self._here(chat))))
        except ChatMigrated as error:
            await self.moved(chat.chat, str(error.new_chat_id))
            return await translated(call(address(self._here(chat))))
        except Refused as error:
            if chat.thread is None or NO_TOPIC not in str(error).lower():
                raise
            # The topic was deleted: the rest of the group is still there.
            return await translated(call(address(replace(self._here(chat), thread=None))))

    async def say_once(self, chat: Chat, reply: Reply) -> Message:
        """One try at a message."""
        sent = await self._called(chat, lambda where: send_reply(self._bot, where, reply, self._uploaded))
        self._probe.saw(sent)
        return sent

    def trace(self, chat: Chat) -> str:
        """What a message sent now to this chat will be numbered after."""
        return self._probe.trace(chat)

    async def find_said(self, chat: Chat, reply: Reply, trace: str) -> str | None:
        """The message that was said after the trace, if it arrived."""
        found = await self._probe.find(self._here(chat), reply, trace, 1 if reply.picture else 0)
        return found[0] if found else None

    async def _send_parcel(self, where: dict[str, Any], parcel: Parcel, caption: Reply) -> list[str]:
        sent = await send_parcel(self._bot, where, parcel, caption)
        for message in sent:
            self._probe.saw(message)
        return [name_of(message.chat_id, message.message_id) for message in sent]

    async def _deleted(self, chat: Chat, place: int, numbers: Sequence[int]) -> bool:
        """Whether a call that may be repeated did it."""
        pause = 1.0
        for _ in range(TRIES):
            try:
                return await self._outbox.in_turn(
                    chat.chat,
                    lambda: translated(self._bot.delete_messages(place, numbers, read_timeout=SHORT_SECONDS)),
                    group=is_group(chat),
                )
            except (ChatGone, Refused, ChatMigrated) as error:
                log.info("messages could not be deleted: %s", error)
                return False
            except CartoonbotError as error:
                await asyncio.sleep(error.seconds if isinstance(error, Busy) else pause)
                pause *= 2
        return False

    async def _answer_press(self, query: CallbackQuery, pressed: Pressed, sorry: str) -> None:
        message = query.message
        if message is None or not pressed.gone:
            await self._show_toast(query, pressed.toast)
            # One that was deleted comes without its words.
            if isinstance(message, Message) and message.is_accessible:
                self._show(chat_of(message), message, pressed)
            return
        chat = Chat(PLATFORM, str(message.chat.id))
        names = [*pressed.gone, name_of(message.chat.id, message.message_id)]
        if self._outbox.is_free(chat.chat):
            await self._show_toast(query, pressed.toast if await self.delete(chat, names) else sorry)
        else:
            # Who pressed it should not wait for what the chat has to wait for.
            await self._show_toast(query, pressed.toast)
            await self.delete(chat, names)

    async def _show_toast(self, query: CallbackQuery, toast: str) -> None:
        if len(toast) > TOAST_CHARACTERS:
            toast = toast[: TOAST_CHARACTERS - 1] + "…"
        try:
            await self._bot.answer_callback_query(
                query.id, toast or None, show_alert=len(toast) > SHORT_TOAST, read_timeout=SHORT_SECONDS
            )
        except TelegramError as error:
            # It may be too old: pressed while the program was down.
            log.info("Telegram: a button was not answered (%s)", error)

    def _show(self, chat: Chat, message: Message, pressed: Pressed) -> None:
        """Change the message of a button that was pressed, in turn with what else is said there."""
        if pressed.text is None and pressed.buttons is None:
            return
        place: dict[str, Any] = {
            "chat_id": message.chat_id,
            "message_id": message.message_id,
            "reply_markup": keyboard(pressed.buttons or ()),
        }

        async def change() -> None:
            if pressed.text is None:
                await translated(self._bot.edit_message_reply_markup(**place))
            elif message.text is not None:
                await translated(self._bot.edit_message_text(pressed.text, **place))
            else:
                await translated(self._bot.edit_message_caption(caption=pressed.text, **place))

        self._outbox.post(chat.chat, lambda: _but_for_refusals(change), group=is_group(chat))


class _Saying:
    """A message on its way: `name` once it has arrived, whether its answer has or not."""

    def __init__(self, sending: Sending, chat: Chat, reply: Reply) -> None:
        self._sending = sending
        self._chat = chat
        self._reply = reply
        self._trace = ""
        self.name: str | None = None

    async def send(self) -> None:
        # Only once: should the first of several tries arrive late, it is still after this trace.
        self._trace = self._trace or self._sending.trace(self._chat)
        sent = await self._sending.say_once(self._chat, self._reply)
        self.name = name_of(sent.chat_id, sent.message_id)

    async def arrived(self) -> bool:
        self.name = await self._sending.find_said(self._chat, self._reply, self._trace)
        return self.name is not None


async def _but_for_refusals(change: Callable[[], Awaitable[None]]) -> None:
    try:
        await change()
    except Refused as error:
        # Pressed twice, or deleted in the meantime.
        log.debug("Telegram: a message was not changed (%s)", error)


def _for_each(parcel: Parcel, messages: Sequence[str]) -> list[str]:
    """The message of each result; a ZIP holds all."""
    return [*messages] * (len(parcel.results) if parcel.archive else 1)
