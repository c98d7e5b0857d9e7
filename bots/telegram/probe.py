"""Whether a message that was being sent when the connection broke, or the program died, has arrived.

Telegram's Bot API cannot be asked for messages. But messages are numbered: those of private chats and basic groups
by one counter of the bot's account, those of a supergroup by one of its own. So a message that was sent has one of
the next numbers after the last one known, and a message can be edited to what it is already: Telegram says "not
modified" for one that is there, "not found" for one that is not, and something else for other people's.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Generator, Iterable
from itertools import islice
from typing import Any, Final

from telegram import Bot, Message
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from bots.replies import Reply
from bots.telegram.wire import keyboard, name_of, wait_of
from core.jobs import Chat

log = logging.getLogger(__name__)

# How far beyond the latest number that is known: others' messages come in between.
REACH: Final = 30
# The most questions about one message.
MOST_QUESTIONS: Final = 150
# Messages that were seen, so none of them is the lost one.
REMEMBERED: Final = 10_000
LONGEST_PAUSE: Final = 60.0
SUPERGROUPS_BELOW: Final = -1_000_000_000_000


class Probe:
    """Knows the latest message numbers, from all messages that it is shown. `pace` is held for each question.

    `known` is what earlier runs knew: chats, each with its highest number.
    """

    def __init__(
        self,
        bot: Bot,
        pace: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]],
        known: Iterable[tuple[str, int]] = (),
    ) -> None:
        self._bot = bot
        self._pace = pace
        self._latest: defaultdict[str, int] = defaultdict(int)
        for chat, number in known:
            self._latest[_counter(chat)] = max(self._latest[_counter(chat)], number)
        self._seen: OrderedDict[tuple[str, int], None] = OrderedDict()

    def saw(self, message: Message) -> None:
        """A message came in, or was sent and answered for."""
        self._note(_counter(str(message.chat_id)), message.message_id)

    def trace(self, chat: Chat) -> str:
        """What a message sent now to this chat will be numbered after."""
        return str(max(self._latest[_counter(chat.chat)], int(chat.message or 0)))

    async def find(self, chat: Chat, what: Reply, trace: str, count: int) -> list[str] | None:
        """The message of this text and buttons that came after the trace; or, with `count`, the messages of as
        many files, the first one with this caption. None when there is none.
        """
        counter = _counter(chat.chat)
        for number in islice(self._candidates(counter, int(trace)), MOST_QUESTIONS):
            if await self._is_there(chat, number, what, in_caption=count > 0):
                # What is sent next must not be taken for these.
                found = range(number, number + max(1, count))
                for each in found:
                    self._note(counter, each)
                return [name_of(chat.chat, each) for each in found]
        return None

    def _note(self, counter: str, number: int) -> None:
        self._latest[counter] = max(self._latest[counter], number)
        self._seen[counter, number] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _candidates(self, counter: str, after: int) -> Generator[int]:
        self._latest[counter] = max(self._latest[counter], after)
        number = after + 1
        # What is seen meanwhile moves the end.
        while number <= self._latest[counter] + REACH:
            if (counter, number) not in self._seen:
                yield number
            number += 1

    async def _is_there(self, chat: Chat, number: int, what: Reply, *, in_caption: bool) -> bool:
        place: dict[str, Any] = {
            "chat_id": int(chat.chat),
            "message_id": number,
            "reply_markup": keyboard(what.buttons),
        }

        def ask() -> Awaitable[Message | bool]:
            if in_caption:
                return self._bot.edit_message_caption(caption=what.text or None, **place)
            return self._bot.edit_message_text(what.text, **place)

        pause = 1.0
        while True:
            try:
                edited = await self._pace(ask)
            except BadRequest as error:
                return "not modified" in error.message.lower()
            except Forbidden:
                return False
            except RetryAfter as error:
                await asyncio.sleep(wait_of(error))
            except TelegramError as error:
                log.warning("Telegram: no answer about an earlier message (%s)", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                # It had other words: ours only if it answers what ours would.
                answered = edited.reply_to_message if isinstance(edited, Message) else None
                return answered is not None and str(answered.message_id) == chat.message


def _counter(chat: str) -> str:
    return chat if int(chat) < SUPERGROUPS_BELOW else "account"
