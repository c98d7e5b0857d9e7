"""Fair turns between people, and micro-batches: against a simple model, on a clock that never makes us wait."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import OwnerQueueFull, QueueFull
from core.queue import FairQueue, take_batch

T = TypeVar("T")
LIMIT, OWNER_LIMIT = 12, 5


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


def queue_of(waiting: Mapping[str, int]) -> FairQueue[str]:
    """Each owner with that many items, named "anna 1", "anna 2" ..."""
    queue: FairQueue[str] = FairQueue(limit=2000, owner_limit=60)
    for owner, count in waiting.items():
        queue.put(owner, [f"{owner} {number}" for number in range(1, count + 1)])
    return queue


async def served(queue: FairQueue[str], count: int | None = None) -> list[str]:
    return [await queue.get() for _ in range(len(queue) if count is None else count)]


async def test_people_take_turns_and_each_ones_photos_keep_their_order():
    queue = queue_of({"anna": 3, "ben": 1, "chen": 2})
    assert await served(queue) == ["anna 1", "ben 1", "chen 1", "anna 2", "chen 2", "anna 3"]


async def test_a_newcomer_is_not_made_to_wait_for_all_twenty_of_another():
    queue = queue_of({"anna": 20})
    await served(queue, 4)
    queue.put("ben", ["ben 1"])
    assert "ben 1" in await served(queue, 2)


async def test_a_newcomer_waits_for_one_photo_of_each_other_person_at_most():
    queue = queue_of({f"person{number}": 20 for number in range(50)})
    await served(queue, 73)
    queue.put("ben", ["ben 1"])
    before = await served(queue, 50)
    assert len({item.split()[0] for item in before}) == 50
    assert await queue.get() == "ben 1"


async def test_who_comes_back_waits_behind_those_already_there():
    queue = queue_of({"anna": 1, "ben": 2})
    assert await queue.get() == "anna 1"
    queue.put("anna", ["anna 2"])
    assert await served(queue) == ["ben 1", "anna 2", "ben 2"]


async def test_a_full_queue_takes_all_of_an_album_or_nothing():
    queue: FairQueue[int] = FairQueue(limit=3, owner_limit=3)
    queue.put("anna", [1, 2])
    with pytest.raises(QueueFull) as caught:
        queue.put("ben", [3, 4])
    assert caught.value.values == {"waiting": 2, "limit": 3}
    assert len(queue) == 2
    queue.put("ben", [3])
    assert [await queue.get() for _ in range(3)] == [1, 3, 2]


def test_one_person_cannot_fill_the_queue():
    queue: FairQueue[int] = FairQueue(limit=100, owner_limit=3)
    queue.put("anna", [1, 2])
    with pytest.raises(OwnerQueueFull) as caught:
        queue.put("anna", [3, 4])
    assert caught.value.values == {"waiting": 2, "limit": 3}
    assert len(queue) == 2
    queue.put("ben", [5, 6, 7])


def test_what_was_accepted_before_a_restart_is_never_refused():
    queue: FairQueue[int] = FairQueue(limit=2, owner_limit=1)
    queue.put("anna", range(10), bounded=False)
    assert len(queue) == 10
    with pytest.raises(QueueFull):
        queue.put("ben", [1])


async def test_an_empty_put_wakes_nobody():
    queue: FairQueue[int] = FairQueue(limit=2, owner_limit=2)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("anna", [])
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.put("anna", [1])
    assert await waiting == 1


async def test_a_cancelled_wait_loses_nothing():
    queue: FairQueue[int] = FairQueue(limit=2, owner_limit=2)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("anna", [1])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(queue) == 1
    assert await queue.get() == 1


def test_a_newcomer_hears_how_many_are_served_before():
    queue = queue_of({"anna": 20, "ben": 1, "chen": 2})
    assert queue.ahead_of("anna") == 3
    assert queue.ahead_of("chen") == 3
    assert queue.ahead_of("nobody") == 0


def test_a_batch_opens_its_window_at_its_first_photo():
    async def scenario() -> tuple[list[int], float]:
        loop = asyncio.get_running_loop()
        source: asyncio.Queue[int] = asyncio.Queue()
        for when, item in ((10.0, 1), (10.9, 2), (11.1, 3)):
            loop.call_at(when, source.put_nowait, item)
        return await take_batch(source, limit=4, window=1.0), loop.time()

    batch, ended = on_jumping_clock(scenario())
    assert batch == [1, 2]
    assert ended == pytest.approx(11.0)


def test_a_full_batch_does_not_wait_for_its_window():
    async def scenario() -> tuple[list[int], float, int]:
        source: asyncio.Queue[int] = asyncio.Queue()
        for item in range(5):
            source.put_nowait(item)
        batch = await take_batch(source, limit=4, window=3600.0)
        return batch, asyncio.get_running_loop().time(), source.qsize()

    assert on_jumping_clock(scenario()) == ([0, 1, 2, 3], 0.0, 1)


def test_what_misses_a_window_is_in_the_next_batch():
    async def scenario() -> list[list[int]]:
        loop = asyncio.get_running_loop()
        source: asyncio.Queue[int] = asyncio.Queue()
        for when in range(6):
            loop.call_at(when, source.put_nowait, when)
        return [await take_batch(source, limit=4, window=1.5) for _ in range(3)]

    assert on_jumping_clock(scenario()) == [[0, 1], [2, 3], [4, 5]]


class QueueBesideModel(RuleBasedStateMachine):
    """The queue against a list of people in turn, each with a list of items."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[int] = FairQueue(LIMIT, OWNER_LIMIT)
        self.turns: list[tuple[str, list[int]]] = []
        self.made = 0
        self.runner = asyncio.Runner()

    @rule(owner=st.sampled_from("abcd"), count=st.integers(0, 6), bounded=st.booleans())
    def put(self, owner: str, count: int, bounded: bool) -> None:
        items = [self.made + number for number in range(count)]
        own = next((line for name, line in self.turns if name == owner), [])
        try:
            self.queue.put(owner, items, bounded=bounded)
        except QueueFull:
            assert bounded
            assert self.total() + count > LIMIT
            return
        except OwnerQueueFull:
            assert bounded
            assert len(own) + count > OWNER_LIMIT
            return
        assert not bounded or (self.total() + count <= LIMIT and len(own) + count <= OWNER_LIMIT)
        self.made += count
        if items and not own:
            self.turns.append((owner, own))
        own.extend(items)

    @precondition(lambda self: self.turns)
    @rule()
    def get(self) -> None:
        owner, line = self.turns.pop(0)
        assert self.runner.run(self.queue.get()) == line.pop(0)
        if line:
            self.turns.append((owner, line))

    @rule()
    def cancelled_get(self) -> None:
        async def scenario() -> None:
            waiting = asyncio.create_task(self.queue.get())
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()

        self.runner.run(scenario())

    @invariant()
    def lengths_agree(self) -> None:
        assert len(self.queue) == self.total()

    def total(self) -> int:
        return sum(len(line) for _, line in self.turns)

    def teardown(self) -> None:
        self.runner.close()


TestQueueBesideModel = QueueBesideModel.TestCase
TestQueueBesideModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


async def test_ahead_of_counts_what_is_served_before():
    queue = queue_of({"anna": 1, "ben": 3, "cleo": 2})
    ahead = {name: queue.ahead_of(name) for name in ("anna", "ben", "cleo")}
    order = await served(queue)
    assert ahead["anna"] == order.index("anna 1")
    assert ahead["ben"] == order.index("ben 3") - 2
    assert ahead["cleo"] == order.index("cleo 2") - 1


async def test_two_who_wait_for_one_item_both_get_theirs():
    queue: FairQueue[int] = FairQueue(9, 9)
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.put("anna", [1])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    queue.put("anna", [2])
    assert sorted(await asyncio.gather(*waiting)) == [1, 2]
