"""Photos that people sent while nobody listened: before a start, or while the connection was lost for good.

Discord tells nothing twice. So the chats that jobs know of are read from their latest messages on; what was
written elsewhere is not found.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Final

import discord
from discord.utils import time_snowflake, utcnow

from bots.discord.listener import Listener
from bots.discord.sending import Sending
from bots.discord.wire import pictures_of
from core.errors import CartoonbotError

log = logging.getLogger(__name__)

# How old a message may be, and how far before the latest message that jobs know of one may be that was not heard.
OLDEST: Final = timedelta(days=1)
BEFORE: Final = int(timedelta(minutes=10).total_seconds() * 1000) << 22
# Chats that are read at a start, those with the latest jobs first.
MOST_CHATS: Final = 200


class Missed:
    """`known` are the chats in which people write to the bot, each with the latest message that jobs know of."""

    def __init__(
        self,
        client: discord.Client,
        sending: Sending,
        listener: Listener,
        known: Callable[[], Awaitable[Collection[tuple[str, int]]]],
    ) -> None:
        self._client = client
        self._sending = sending
        self._listener = listener
        self._known = known

    async def hear(self) -> None:
        """Look for them once, and let the listener hear them."""
        oldest = time_snowflake(utcnow() - OLDEST)
        chats = sorted(await self._known(), key=lambda known: known[1], reverse=True)
        for chat, latest in chats[:MOST_CHATS]:
            try:
                messages = await self._sending.read(int(chat), max(oldest, latest - BEFORE))
            except CartoonbotError as error:
                log.info("Discord: a chat cannot be read for what was missed (%s)", error)
                continue
            for message in self._unanswered(messages):
                await self._listener.hear(message)

    def _unanswered(self, messages: Collection[discord.Message]) -> list[discord.Message]:
        """Those with pictures that came after the bot's last answer to whoever sent them."""
        authors = {message.id: message.author.id for message in messages}
        answered: dict[int, int] = {}
        for message in messages:
            if message.author == self._client.user and message.reference is not None:
                author = authors.get(message.reference.message_id or 0)
                if author is not None:
                    answered[author] = max(message.id, answered.get(author, 0))
        return [
            message
            for message in messages
            if pictures_of(message) and message.id > answered.get(message.author.id, 0)
        ]
