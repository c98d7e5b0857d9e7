"""What holds the event loop up is measured."""

import asyncio
import time

import pytest

from bots.lag import watch_loop


async def test_a_held_up_loop_is_seen_and_a_free_one_is_not_late():
    lags: asyncio.Queue[float] = asyncio.Queue()
    watching = asyncio.create_task(watch_loop(lags.put_nowait, every=0.01))
    try:
        # The next sleep has begun when this one is told.
        assert await lags.get() >= 0
        # Nothing but the loop's own thread can hold it up.
        time.sleep(0.3)  # noqa: ASYNC251
        assert await lags.get() >= 0.28
        free = [await lags.get() for _ in range(20)]
        assert 0 <= min(free) < 0.1
    finally:
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
