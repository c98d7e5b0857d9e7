"""How fast photos are fetched: each person and each chat at their pace, and not too many at once."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from typing import Final

from asyncio_throttle.throttler import Throttler

from core.jobs import Chat, Owner

# Fetches at once: in all, and of one person, so that one who sends slowly does not take all places.
AT_ONCE: Final = 32
AT_ONCE_OF_ONE: Final = 4
# People and chats we keep the pace of; those idle longest are forgotten first.
LANES: Final = 4096
MINUTE: Final = 60.0


class _Lane:
    def __init__(self, rate: int) -> None:
        self.pace = Throttler(rate, MINUTE, retry_interval=0.05)
        self.places = asyncio.Semaphore(AT_ONCE_OF_ONE)
        self.users = 0


class Intake:
    """`person_rate` and `chat_rate` are photos a minute; more wait, and nobody waits for another one's."""

    def __init__(self, person_rate: int, chat_rate: int) -> None:
        self._person_rate = person_rate
        self._chat_rate = chat_rate
        self._places = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[Hashable, _Lane] = {}

    @asynccontextmanager
    async def turn(self, owner: Owner, chat: Chat) -> AsyncGenerator[None]:
        """Held while a photo is fetched."""
        person = self._lane(owner, self._person_rate)
        place = self._lane((chat.platform, chat.chat), self._chat_rate)
        person.users += 1
        place.users += 1
        try:
            async with person.places, person.pace, place.pace, self._places:
                yield
        finally:
            person.users -= 1
            place.users -= 1

    def _lane(self, key: Hashable, rate: int) -> _Lane:
        lane = self._lanes[key] = self._lanes.pop(key, None) or _Lane(rate)
        if len(self._lanes) > LANES:
            idle = (name for name, other in self._lanes.items() if not other.users and other is not lane)
            self._lanes.pop(next(idle, None), None)
        return lane
