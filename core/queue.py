"""How waiting works: fair turns between people, and micro-batches. Nothing else in the program waits its turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from core.errors import OwnerQueueFull, QueueFull

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round-robin between owners, one item a turn, first come first served within an owner.

    A person who queues 20 photos does not make the next person wait for 20. Every operation is O(1)
    but `ahead_of`, which is O(owners). Bounded by `limit` items in all and `owner_limit` an owner.
    """

    def __init__(self, limit: int, owner_limit: int) -> None:
        self._limit = limit
        self._owner_limit = owner_limit
        self._lines: OrderedDict[Hashable, deque[T]] = OrderedDict()
        self._size = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return self._size

    def put(self, owner: Hashable, items: Sequence[T], *, bounded: bool = True) -> None:
        """Queue all items or none. `bounded=False` is for what was accepted before a restart.

        Raises QueueFull or OwnerQueueFull.
        """
        waiting = len(self._lines.get(owner, ()))
        if bounded and self._size + len(items) > self._limit:
            raise QueueFull(waiting=self._size, limit=self._limit)
        if bounded and waiting + len(items) > self._owner_limit:
            raise OwnerQueueFull(waiting=waiting, limit=self._owner_limit)
        if items:
            self._lines.setdefault(owner, deque()).extend(items)
            self._size += len(items)
            self._filled.set()

    async def get(self) -> T:
        """The next item in fair order; waits for one. Nothing is lost when the waiting is cancelled."""
        while not self._size:
            await self._filled.wait()
        owner, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[owner] = line
        self._size -= 1
        if not self._size:
            self._filled.clear()
        return item

    def ahead_of(self, owner: Hashable) -> int:
        """How many items of others are served before the owner's last one, if nobody else comes."""
        own = len(self._lines.get(owner, ()))
        ahead, rounds = 0, own
        for other, line in self._lines.items():
            if other == owner:
                # Who comes after the owner in a round has had one turn less by the owner's last.
                rounds = own - 1
            else:
                ahead += min(len(line), rounds)
        return ahead


async def take_batch(source: asyncio.Queue[T], limit: int, window: float) -> list[T]:
    """1 to `limit` items: waits for the first, and only then opens the window of `window` seconds."""
    batch = [await source.get()]
    try:
        async with asyncio.timeout(window):
            while len(batch) < limit:
                batch.append(await source.get())
    except TimeoutError:
        pass
    return batch
