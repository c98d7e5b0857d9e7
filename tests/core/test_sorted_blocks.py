"""The sorted collection beside a plain sorted list."""

from bisect import insort

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.sorted_blocks import LONGEST, SortedBlocks

NUMBERS = st.integers(0, 5 * LONGEST)


class BlocksBesideList(RuleBasedStateMachine):
    """Members are all different, as turns are. Many come and go at once, so that there are several blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: SortedBlocks[int] = SortedBlocks()
        self.plain: list[int] = []

    @rule(numbers=st.lists(NUMBERS, max_size=9))
    def add(self, numbers: list[int]) -> None:
        for number in numbers:
            if number not in self.plain:
                self.blocks.add(number)
                insort(self.plain, number)

    @rule(start=NUMBERS, step=st.integers(1, 7), size=st.integers(0, 2 * LONGEST), falling=st.booleans())
    def add_many(self, start: int, step: int, size: int, falling: bool) -> None:
        numbers = list(range(start, start + step * size, step))
        self.add(numbers[::-1] if falling else numbers)

    @precondition(lambda self: self.plain)
    @rule(times=st.integers(1, LONGEST))
    def pop_first(self, times: int) -> None:
        for _ in range(min(times, len(self.plain))):
            assert self.blocks.pop_first() == self.plain.pop(0)

    @precondition(lambda self: self.plain)
    @rule(start=NUMBERS, size=st.integers(1, LONGEST))
    def remove(self, start: int, size: int) -> None:
        first = start % len(self.plain)
        for number in self.plain[first : first + size]:
            self.blocks.remove(number)
        del self.plain[first : first + size]

    @rule(number=NUMBERS)
    def rank(self, number: int) -> None:
        if number in self.plain:
            assert self.blocks.rank(number) == self.plain.index(number)
        else:
            with pytest.raises(ValueError, match="not there"):
                self.blocks.rank(number)
            with pytest.raises(ValueError, match="not there"):
                self.blocks.remove(number)

    @invariant()
    def the_same_in_the_same_order(self) -> None:
        assert list(self.blocks) == self.plain
        assert len(self.blocks) == len(self.plain)


TestBlocksBesideList = BlocksBesideList.TestCase
TestBlocksBesideList.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("order", [1, -1])
def test_members_that_come_in_order_are_found_at_once(order: int):
    """The newest one is at an end, where blocks are halved."""
    blocks: SortedBlocks[int] = SortedBlocks()
    for number in range(5 * LONGEST):
        blocks.add(order * number)
        assert blocks.rank(order * number) == (number if order > 0 else 0)
        assert blocks.rank(0) == (0 if order > 0 else number)


def test_every_rank_is_right_across_many_blocks():
    blocks: SortedBlocks[int] = SortedBlocks()
    numbers = [number * 7919 % 10_007 for number in range(10 * LONGEST)]
    for number in numbers:
        blocks.add(number)
    assert [blocks.rank(number) for number in sorted(numbers)] == list(range(len(numbers)))


def test_nothing_comes_out_of_an_empty_one():
    blocks: SortedBlocks[int] = SortedBlocks()
    with pytest.raises(IndexError):
        blocks.pop_first()
    with pytest.raises(ValueError, match="not there"):
        blocks.rank(1)
    blocks.add(1)
    assert blocks.pop_first() == 1
    with pytest.raises(IndexError):
        blocks.pop_first()
