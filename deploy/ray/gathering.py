"""Where photos wait for the next batch. It needs no ray."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Gathering:
    """Lets photos into serve.batch, at most a batch of them at a time, and only once all before them are out.

    By itself serve.batch goes on closing batches while one is drawn, each after its wait; so photos that come
    one by one would be drawn one by one, however many wait.
    """

    def __init__(self, photos: int) -> None:
        self._seats = asyncio.Semaphore(photos)
        self._inside = 0
        self._open = asyncio.Event()
        self._open.set()

    @asynccontextmanager
    async def seat(self) -> AsyncGenerator[None]:
        """Around a photo's time in serve.batch."""
        async with self._seats:
            await self._open.wait()
            self._inside += 1
            try:
                yield
            finally:
                self._inside -= 1
                if not self._inside:
                    self._open.set()

    def close(self) -> None:
        """A batch begins: who comes now is for the next one."""
        # With nobody inside, nobody would open it again: its photos were called off, or came in by a former one.
        if self._inside:
            self._open.clear()
