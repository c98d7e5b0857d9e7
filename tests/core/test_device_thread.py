"""The device's thread: what comes back, what does not, and how we get away from a call that is stuck."""

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from core.device_thread import DeviceThread
from core.errors import EngineStuck

LONG = 60.0


@pytest.fixture
def device() -> Iterator[DeviceThread]:
    device = DeviceThread()
    yield device
    device.close(lambda: None, LONG)


class Stuck:
    """Work that does not return until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.released.wait(LONG)
        return "late"


async def stuck_call(device: DeviceThread) -> Stuck:
    """A call whose deadline is over and that is still under way."""
    stuck = Stuck()
    with pytest.raises(EngineStuck):
        await device.call(0.01, stuck)
    assert await asyncio.to_thread(stuck.begun.wait, LONG)
    return stuck


async def test_work_gives_its_result(device: DeviceThread):
    assert await device.call(LONG, divmod, 17, 5) == (3, 2)


class OddError(BaseException):
    """Not even an Exception; a driver's bindings may raise such a thing."""


@pytest.mark.parametrize("error", [ValueError, MemoryError, TimeoutError, OddError])
async def test_work_raises_what_it_raises_and_the_next_goes_on(device: DeviceThread, error: type[BaseException]):
    def failing() -> None:
        raise error("what went wrong")

    with pytest.raises(error, match="what went wrong"):
        await device.call(LONG, failing)
    assert await device.call(LONG, divmod, 17, 5) == (3, 2)


async def test_all_calls_are_on_one_thread_that_is_not_ours(device: DeviceThread):
    threads = {await device.call(LONG, threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_one_call_after_the_other(device: DeviceThread):
    stuck, order = Stuck(), list[int]()
    first = asyncio.create_task(device.call(LONG, stuck))
    others = [asyncio.create_task(device.call(LONG, order.append, number)) for number in range(3)]
    assert await asyncio.to_thread(stuck.begun.wait, LONG)
    assert order == []
    stuck.released.set()
    assert await first == "late"
    await asyncio.gather(*others)
    assert order == [0, 1, 2]


async def test_after_the_deadline_nobody_waits_any_more(device: DeviceThread):
    stuck = await stuck_call(device)
    stuck.released.set()
    assert await device.call(LONG, divmod, 17, 5) == (3, 2)


async def test_what_was_given_up_before_it_began_is_not_done(device: DeviceThread):
    stuck, order = await stuck_call(device), list[str]()
    with pytest.raises(EngineStuck):
        await device.call(0.01, order.append, "given up")
    stuck.released.set()
    await device.call(LONG, order.append, "wanted")
    assert order == ["wanted"]


async def test_a_stuck_thread_is_left_behind_and_tidies_up_when_it_comes_back(device: DeviceThread):
    stuck = await stuck_call(device)
    tidied, tidier = threading.Event(), list[int]()

    def last() -> None:
        tidier.append(threading.get_ident())
        tidied.set()

    device.abandon(last)
    new_thread = await device.call(LONG, threading.get_ident)
    assert not tidied.is_set()
    stuck.released.set()
    assert await asyncio.to_thread(tidied.wait, LONG)
    assert tidier != [new_thread]
    assert await device.call(LONG, threading.get_ident) == new_thread


async def test_closing_waits_for_the_current_call_and_for_the_last_one():
    device, order = DeviceThread(), list[str]()
    stuck = Stuck()
    calling = asyncio.create_task(device.call(LONG, stuck))
    assert await asyncio.to_thread(stuck.begun.wait, LONG)
    closing = asyncio.create_task(asyncio.to_thread(device.close, lambda: order.append("closed"), LONG))
    stuck.released.set()
    await closing
    assert order == ["closed"]
    assert await calling == "late"


async def test_closing_waits_no_longer_than_it_is_told():
    device, tidied = DeviceThread(), threading.Event()
    stuck = await stuck_call(device)
    begun = time.monotonic()
    device.close(tidied.set, 0.05)
    assert 0.05 <= time.monotonic() - begun < LONG / 2
    assert not tidied.is_set()
    stuck.released.set()
    assert await asyncio.to_thread(tidied.wait, LONG)


def test_a_call_that_returns_after_its_event_loop_was_closed_does_no_harm():
    device, tidied = DeviceThread(), threading.Event()
    stuck = asyncio.run(stuck_call(device))
    stuck.released.set()
    assert asyncio.run(device.call(LONG, divmod, 17, 5)) == (3, 2)
    device.close(tidied.set, LONG)
    assert tidied.is_set()


def test_an_event_loop_that_ends_while_a_call_is_awaited_does_no_harm():
    device, stuck = DeviceThread(), Stuck()

    async def ended_in_the_middle() -> None:
        calling = asyncio.create_task(device.call(LONG, stuck))
        assert await asyncio.to_thread(stuck.begun.wait, LONG)
        assert not calling.done()

    asyncio.run(ended_in_the_middle())
    stuck.released.set()
    assert asyncio.run(device.call(LONG, divmod, 17, 5)) == (3, 2)
    device.close(lambda: None, LONG)


async def test_nothing_of_a_call_is_kept_in_memory_until_the_next_one(device: DeviceThread):
    class Pixels:
        pass

    pixels, gone = Pixels(), threading.Event()
    weakref.finalize(pixels, gone.set)
    assert await device.call(LONG, id, pixels) == id(pixels)
    del pixels
    assert await asyncio.to_thread(gone.wait, LONG)
