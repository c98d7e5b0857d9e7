"""Whether a message that was being sent when the connection broke, or the program died, has arrived.

Telegram's Bot API cannot be asked for messages. But messages are numbered: those of private chats and basic groups
by one counter of the bot's account, those of a supergroup by one of its own. So a message that was sent has one of
the next numbers after the last one known, and a caption can be edited to what it is already: Telegram says "not
modified" for a message that is there, "not found" for one that is not, and something else for other people's.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from telegram import Bot, Message
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from bots.telegram.wire import wait_of
from core.jobs import Chat

log = logging.getLogger(__name__)

# Numbers tried: others' messages come in between, more the longer an answer was lost.
REACH: Final = 30
# Our own latest messages, which are no answer to where a lost one is.
REMEMBERED: Final = 10_000
TRIES: Final = 8
SUPERGROUPS_BELOW: Final = -1_000_000_000_000


class Probe:
    """Knows the latest message numbers, from all messages that it is shown. `pace` is held for each question."""

    def __init__(self, bot: Bot, pace: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]) -> None:
        self._bot = bot
        self._pace = pace
        self._latest: dict[str, int] = {}
        self._own: OrderedDict[tuple[int, int], None] = OrderedDict()

    def saw(self, message: Message, *, own: bool = False) -> None:
        """A message came in, or was sent."""
        self._reached(str(message.chat_id), message.message_id)
        if own:
            self._own[message.chat_id, message.message_id] = None
            if len(self._own) > REMEMBERED:
                self._own.popitem(last=False)

    def trace(self, chat: Chat) -> str:
        """What a message sent now to this chat will be numbered after."""
        return str(max(self._latest.get(_counter(chat.chat), 0), int(chat.message or 0)))

    async def arrived(self, chat: Chat, caption: str, trace: str) -> bool:
        """Whether a message with a file and this caption was sent to the chat after the trace."""
        after = int(trace)
        self._reached(chat.chat, after)
        for number in range(after + 1, after + 1 + REACH):
            if (int(chat.chat), number) not in self._own and await self._is_there(chat, number, caption):
                self._reached(chat.chat, number)
                return True
        return False

    async def _is_there(self, chat: Chat, number: int, caption: str) -> bool:
        pause = 1.0
        for _ in range(TRIES):
            try:
                await self._pace(
                    lambda: self._bot.edit_message_caption(int(chat.chat), number, caption=caption or None)
                )
            except BadRequest as error:
                return "not modified" in error.message.lower()
            except Forbidden:
                return False
            except RetryAfter as error:
                await asyncio.sleep(wait_of(error))
            except TelegramError as error:
                log.warning("Telegram: no answer about an earlier message (%s)", error)
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return True
        return False

    def _reached(self, chat: str, number: int) -> None:
        counter = _counter(chat)
        self._latest[counter] = max(self._latest.get(counter, 0), number)


def _counter(chat: str) -> str:
    return chat if int(chat) < SUPERGROUPS_BELOW else "account"
