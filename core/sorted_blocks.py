"""A sorted collection that stays quick with a hundred thousand members, and knows the rank of each."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T", bound=Any)

# Blocks are halved beyond this: short enough to shift in a microsecond, long enough that there are few of them.
LONGEST: Final = 512


class SortedBlocks(Generic[T]):
    """Members in order, in sorted blocks; `<` must order any two of them.

    Finding is a binary search over the blocks and in one of them; adding and removing shift one short block, and a
    rank adds up the lengths of the blocks before.
    """

    def __init__(self) -> None:
        self._blocks: list[list[T]] = []
        self._lasts: list[T] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        for block in self._blocks:
            yield from block

    def add(self, member: T) -> None:
        self._size += 1
        if not self._blocks:
            self._blocks.append([member])
            self._lasts.append(member)
            return
        place = min(bisect_left(self._lasts, member), len(self._blocks) - 1)
        block = self._blocks[place]
        insort(block, member)
        if len(block) > LONGEST:
            middle = len(block) // 2
            self._blocks[place : place + 1] = [block[:middle], block[middle:]]
            self._lasts.insert(place, block[middle - 1])
            place += 1
        self._lasts[place] = self._blocks[place][-1]

    def pop_first(self) -> T:
        """Raises IndexError when there is none."""
        first = self._blocks[0][0]
        self._drop(0, 0)
        return first

    def remove(self, member: T) -> None:
        """Raises ValueError when it is not there."""
        place, index = self._find(member)
        self._drop(place, index)

    def rank(self, member: T) -> int:
        """How many members come before it. Raises ValueError when it is not there."""
        place, index = self._find(member)
        return sum(map(len, self._blocks[:place])) + index

    def _find(self, member: T) -> tuple[int, int]:
        place = bisect_left(self._lasts, member)
        if place < len(self._blocks):
            block = self._blocks[place]
            index = bisect_left(block, member)
            if index < len(block) and block[index] == member:
                return place, index
        raise ValueError("it is not there")

    def _drop(self, place: int, index: int) -> None:
        block = self._blocks[place]
        del block[index]
        self._size -= 1
        if block:
            self._lasts[place] = block[-1]
        else:
            del self._blocks[place], self._lasts[place]
