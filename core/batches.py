"""Micro-batches: decoded photos wait here for the device, those that can be drawn together side by side."""

import asyncio
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from core.jobs import Ticket
from core.photo import Array
from core.queue import Turn

# Photos of one kind are drawn together: style and shape; or, for one to be drawn alone, the photo's own number.
Kind = tuple[str, tuple[int, ...]]
ALONE: Final = "alone"


@dataclass(eq=False)
class Decoded:
    """A photo ready to be drawn. `pixels`: uint8 RGB [H, W, 3]; `tries`: how often the device had it before."""

    turn: Turn[Ticket]
    pixels: Array = field(repr=False)
    tries: int
    since: float

    @property
    def ticket(self) -> Ticket:
        return self.turn.item

    @property
    def alone(self) -> bool:
        """Whether it is drawn by itself: a sheet, which takes long enough; and what failed or never came back,
        which must not take others along again."""
        return self.tries > 0 or self.ticket.look.sheet is not None

    @property
    def kind(self) -> Kind:
        if self.alone:
            return ALONE, (self.ticket.photo_id,)
        return self.ticket.look.style, self.pixels.shape


class Batches:
    """The most urgent photo decides what is drawn next, and those of its kind go with it.

    `window`, in seconds, opens when a photo comes: so long it waits for others of its kind, if they are few.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._photos: list[Decoded] = []
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, photo: Decoded) -> None:
        insort(self._photos, photo, key=lambda each: each.turn)
        self._changed.set()

    def close(self) -> None:
        """`take` gives nothing more."""
        self._closed = True
        self._changed.set()

    async def take(self, limit: Callable[[Decoded], int]) -> list[Decoded]:
        """The next batch, of at most `limit(its first photo)` photos; waits for one. Empty once closed.

        Nothing is lost when the waiting is cancelled.
        """
        clock = asyncio.get_running_loop().time
        while not self._closed:
            self._changed.clear()
            patience = None
            if self._photos:
                first = self._photos[0]
                batch = [photo for photo in self._photos if photo.kind == first.kind][: limit(first)]
                patience = min(photo.since for photo in batch) + self._window - clock()
                if len(batch) == limit(first) or first.alone or patience <= 0:
                    self._photos = [photo for photo in self._photos if photo not in batch]
                    return batch
            try:
                async with asyncio.timeout(patience):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return []
