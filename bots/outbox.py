"""Throttled sending: in order within a chat, within the rates, and no chat waits for another one's penalty."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from asyncio_throttle.throttler import Throttler

from core.errors import CartoonbotError, ChatGone

log = logging.getLogger(__name__)
T = TypeVar("T")

# Chats we keep the pace of; those idle longest are forgotten first.
LANES: Final = 4096
LONGEST_WAIT: Final = 60.0
REPEATS: Final = 2
# Messages to a chat that may wait to be posted; somebody who asks for more gets no answer to them.
MOST_POSTED: Final = 5
# What nobody waits for takes at most this share of a rate; the rest is for answers.
OFFERED_SHARE: Final = 0.3


class Busy(CartoonbotError):
    """The platform asks to wait `seconds` before the next message to this chat."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait {seconds:g} s")
        self.seconds = seconds


class Unreached(CartoonbotError):
    """The platform did not take the message; worth another try."""


class Doubtful(CartoonbotError):
    """The connection broke before the answer: the message may have arrived or not."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages allowed: a second over all chats, a second to one chat, a minute to one group."""

    overall: int = 30
    chat: int = 1
    group: int = 20


@dataclass(eq=False)
class _Lane:
    throttlers: tuple[Throttler, ...]
    # Seconds between offers, and the loop's time of the next one.
    gap: float
    next_offer: float = 0.0
    posted: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def pace(self) -> AsyncGenerator[None]:
        for throttler in self.throttlers:
            await throttler.acquire()
        yield


class Outbox:
    """One platform's way out."""

    def __init__(self, rates: Rates, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._rates = rates
        self._sleep = sleep
        self._overall = Throttler(rates.overall, 1.0)
        self._next_offer = 0.0
        self._door = asyncio.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._posted: set[asyncio.Task[None]] = set()

    async def send(
        self,
        chat: str,
        call: Callable[[], Awaitable[T]],
        *,
        group: bool = False,
        arrived: Callable[[], Awaitable[bool | None]] | None = None,
    ) -> T | None:
        """Make the call when it is this chat's turn; again after Busy or Unreached, for as long as it takes.

        After Doubtful, `arrived` is asked first; if it did, that is all, with None. Where nobody can tell (None),
        it is made again REPEATS times: a second copy is the price of losing nothing, but there is an end to it.
        Everything else is the caller's.
        """
        lane = self._lane(chat, group)
        async with lane.turn:
            pause, repeats = 1.0, 0
            while True:
                async with lane.pace(), self._overall_turn():
                    try:
                        return await call()
                    except Busy as error:
                        wait = error.seconds
                    except (Unreached, Doubtful) as error:
                        if isinstance(error, Doubtful):
                            has_arrived = await arrived() if arrived is not None else None
                            if has_arrived:
                                return None
                            if has_arrived is None and (repeats := repeats + 1) > REPEATS:
                                raise
                        wait = pause
                        pause = min(2 * pause, LONGEST_WAIT)
                        log.warning("chat platform not reached (%s); trying again in %g s", error, wait)
                await self._sleep(wait)

    async def offer(self, chat: str, call: Callable[[], Awaitable[object]], *, group: bool = False) -> bool:
        """Make a call that nobody waits for, if there is room to spare just now; whether it was made.

        It is not tried again. After Busy the chat's turn is kept until the wait is over.
        """
        lane, now = self._lane(chat, group), asyncio.get_running_loop().time()
        if lane.turn.locked() or self._door.locked() or now < max(lane.next_offer, self._next_offer):
            return False
        lane.next_offer = now + lane.gap
        self._next_offer = now + 1 / (OFFERED_SHARE * self._rates.overall)
        async with lane.turn, lane.pace(), self._overall_turn():
            try:
                await call()
            except Busy as error:
                await self._sleep(error.seconds)
                return False
            except (Unreached, Doubtful) as error:
                log.info("something of no weight was not sent (%s)", error)
                return False
        return True

    def is_free(self, chat: str) -> bool:
        """Whether nothing is being sent to the chat, and it asked for no wait."""
        return chat not in self._lanes or not self._lanes[chat].turn.locked()

    async def in_turn(self, chat: str, call: Callable[[], Awaitable[T]], *, group: bool = False) -> T:
        """Make a call that is no message, when it is this chat's turn."""
        async with self._lane(chat, group).turn:
            return await self.paced(call)

    async def paced(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that no chat sees, within the overall rate."""
        async with self._overall_turn():
            return await call()

    def post(
        self,
        chat: str,
        call: Callable[[], Awaitable[object]],
        *,
        group: bool = False,
        arrived: Callable[[], Awaitable[bool | None]] | None = None,
    ) -> None:
        """Send without waiting for it, in order after what was posted before. Failures are logged.

        Dropped where MOST_POSTED wait already: cartoons for the same chat would come after them.
        """
        lane = self._lane(chat, group)
        if lane.posted >= MOST_POSTED:
            log.info("an answer was dropped: the chat gets too many")
            return
        lane.posted += 1
        task = asyncio.create_task(self._post(lane, chat, call, group, arrived))
        self._posted.add(task)
        task.add_done_callback(self._posted.discard)

    async def close(self, grace: float) -> None:
        """Give what was posted `grace` seconds, then drop it."""
        if self._posted:
            _, late = await asyncio.wait(self._posted, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @asynccontextmanager
    async def _overall_turn(self) -> AsyncGenerator[None]:
        # One at a time asks the throttler, which polls: they go in order, and a thousand cost no more than one.
        async with self._door:
            await self._overall.acquire()
        yield

    async def _post(
        self,
        lane: _Lane,
        chat: str,
        call: Callable[[], Awaitable[object]],
        group: bool,
        arrived: Callable[[], Awaitable[bool | None]] | None,
    ) -> None:
        try:
            await self.send(chat, call, group=group, arrived=arrived)
        except ChatGone as error:
            log.info("nobody to answer: %s", error)
        except Exception:
            log.exception("a message could not be sent")
        finally:
            lane.posted -= 1

    def _lane(self, chat: str, group: bool) -> _Lane:
        lane = self._lanes.pop(chat, None)
        if lane is None:
            throttlers = [Throttler(self._rates.chat, 1.0, retry_interval=0.05)]
            gap = 1 / self._rates.chat
            if group:
                throttlers.append(Throttler(self._rates.group, 60.0, retry_interval=0.05))
                gap = 60 / (OFFERED_SHARE * self._rates.group)
            lane = _Lane(tuple(throttlers), gap)
        self._lanes[chat] = lane
        if len(self._lanes) > LANES:
            idle = next((name for name, other in self._lanes.items() if not other.turn.locked()), chat)
            if idle != chat:
                del self._lanes[idle]
        return lane
