"""What fits on the device, as learnt from running out of memory."""

from typing import Final

from core.look import MIN_SIZE, Look, SheetKind

# After so many batches that went well at the limit, the larger size, or one photo more, is tried.
RISE_AFTER: Final = 100

_Kind = tuple[str, int, SheetKind | None]


class MemoryLimits:
    """The most photos at once, and the largest size drawn, by style, asked size and sheet."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._photos: dict[_Kind, int] = {}
        self._sizes: dict[_Kind, int] = {}
        self._went_well: dict[_Kind, int] = {}

    def photos(self, look: Look) -> int:
        """How many photos of this look to draw at once."""
        return self._photos.get(_kind(look), self._batch_size)

    def size(self, look: Look) -> int:
        """The size, in pixels, to draw it at: the asked one, or what the device has memory for."""
        return self._sizes.get(_kind(look), look.size)

    def ran_out(self, look: Look, photos: int) -> bool:
        """Learn that so many photos do not fit: half as many next time, or one at half the size.

        Whether there is anything smaller left to try.
        """
        kind = _kind(look)
        self._went_well.pop(kind, None)
        if photos > 1:
            self._photos[kind] = photos // 2
            return True
        smaller = max(MIN_SIZE, self.size(look) // 2)
        possible = smaller < self.size(look)
        self._sizes[kind] = smaller
        return possible

    def fitted(self, look: Look, photos: int) -> None:
        """Learn that so many photos fit. What ran out once may have been another program's doing."""
        kind = _kind(look)
        if kind not in self._sizes and photos < self._photos.get(kind, self._batch_size + 1):
            return
        self._went_well[kind] = self._went_well.get(kind, 0) + 1
        if self._went_well[kind] == RISE_AFTER:
            del self._went_well[kind]
            self._rise(look)

    def _rise(self, look: Look) -> None:
        kind = _kind(look)
        if kind in self._sizes:
            self._sizes[kind] = min(2 * self._sizes[kind], look.size)
            if self._sizes[kind] == look.size:
                del self._sizes[kind]
        else:
            self._photos[kind] += 1
            if self._photos[kind] == self._batch_size:
                del self._photos[kind]


def _kind(look: Look) -> _Kind:
    return look.style, look.size, look.sheet
