"""A clock for tests: time passes only when nothing else is to be done."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class JumpingClock(selectors.SelectSelector):
    """A clock that stands while there is work, and jumps to the next timer when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


def on_jumping_clock(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, with the loop's time jumping."""
    clock = JumpingClock()

    def loop_factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(clock)
        loop.time = lambda: clock.now
        return loop

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)
