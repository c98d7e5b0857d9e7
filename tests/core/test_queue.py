"""Fair turns between people: what everybody is promised, in any state that the queue can come to."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import OwnerQueueFull, QueueFull
from core.queue import REMEMBERED, FairQueue, Turn

Result = TypeVar("Result")
LIMIT, OWNER_LIMIT = 12, 5
OWNERS = "abcdef"
ALBUMS = st.lists(st.integers(2, 20), min_size=1, max_size=30)
# Which share of what waits is served before; any state of the queue is reached by some.
SHARES = st.floats(0, 1)

slowly = settings(max_examples=60, deadline=None)


def queue_of(waiting: Mapping[str, int]) -> FairQueue[str]:
    """Each owner with that many items, named "anna 1", "anna 2" ..."""
    queue: FairQueue[str] = FairQueue(limit=100_000, owner_limit=2000)
    for owner, number in waiting.items():
        put(queue, owner, number)
    return queue


def put(queue: FairQueue[str], owner: str, number: int, first: int = 1) -> None:
    queue.put(owner, [f"{owner} {each}" for each in range(first, first + number)])


def albums(sizes: list[int]) -> dict[str, int]:
    return {f"album{place}": size for place, size in enumerate(sizes)}


def next_turn(queue: FairQueue[str]) -> Turn[str]:
    """`get` as it is when something waits: it does not wait itself, so no event loop is needed."""
    try:
        queue.get().send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits, though there is something")


def served(queue: FairQueue[str], number: int | None = None) -> list[str]:
    return [next_turn(queue).item for _ in range(len(queue) if number is None else number)]


def test_single_photos_come_first_and_albums_take_turns():
    queue = queue_of({"anna": 3, "ben": 1, "chen": 3})
    assert served(queue) == ["ben 1", "anna 1", "chen 1", "anna 2", "chen 2", "anna 3", "chen 3"]


def test_single_photos_are_served_in_the_order_they_came():
    queue = queue_of({"anna": 1, "ben": 1, "chen": 1})
    assert served(queue) == ["anna 1", "ben 1", "chen 1"]


def test_who_comes_back_waits_behind_those_already_there():
    queue = queue_of({"anna": 1, "ben": 1})
    assert served(queue, 1) == ["anna 1"]
    queue.put("anna", ["anna 2"])
    assert served(queue) == ["ben 1", "anna 2"]


def test_a_turn_tells_whose_it_is():
    turn = next_turn(queue_of({"anna": 1}))
    assert (turn.owner, turn.item, turn.start) == ("anna", "anna 1", 0.0)


@slowly
@given(ALBUMS, SHARES)
@example([2] * 5, 0.9)
@example([2] * 100, 0.82)
@example([5] * 100, 0.97)
@example([20] * 50, 0.5)
def test_a_newcomers_single_photo_is_the_next_one_served(sizes: list[int], share: float):
    queue = queue_of(albums(sizes))
    served(queue, int(share * len(queue)))
    put(queue, "newcomer", 1)
    assert served(queue, 1) == ["newcomer 1"]


@slowly
@given(ALBUMS, SHARES, st.integers(2, 5))
def test_newcomers_at_once_wait_for_one_album_photo_at_most_for_each_before_them(
    sizes: list[int], share: float, newcomers: int
):
    """All of them before all albums would not do: with newcomers enough, albums would starve."""
    queue = queue_of(albums(sizes))
    served(queue, int(share * len(queue)))
    for number in range(newcomers):
        put(queue, f"newcomer{number}", 1)
    order = served(queue)
    places = [order.index(f"newcomer{number} 1") for number in range(newcomers)]
    assert places == sorted(places)
    assert all(place <= 2 * number for number, place in enumerate(places))


@slowly
@given(st.integers(1, 20), st.integers(0, 200))
@example(1, 0)
@example(50, 0)
def test_single_photos_one_after_another_leave_half_of_the_service_to_albums(owners: int, served_before: int):
    """A next single photo comes when the one before is served: there always is one."""
    queue = queue_of(albums([1000] * owners))
    served(queue, served_before)
    put(queue, "newcomer0", 1)
    rounds, shares, arrivals = 20, Counter[str](), count(1)
    for _ in range(2 * rounds * owners):
        owner = str(next_turn(queue).owner)
        shares[owner] += 1
        if owner.startswith("newcomer"):
            put(queue, f"newcomer{next(arrivals)}", 1)
    assert min(shares[f"album{number}"] for number in range(owners)) >= rounds - 2
    assert sum(number for owner, number in shares.items() if owner.startswith("newcomer")) >= rounds


@pytest.mark.parametrize("owners", [1, 2, 10])
def test_nobody_starves_when_a_single_photo_comes_for_every_one_served(owners: int):
    queue = queue_of(albums([1000] * owners))
    rounds, shares = 20, Counter[str]()
    for number in range(2 * rounds * owners):
        put(queue, f"newcomer{number}", 1)
        shares[str(next_turn(queue).owner)] += 1
    assert min(shares[f"album{number}"] for number in range(owners)) >= rounds - 2


@slowly
@given(st.integers(2, 200), st.integers(2, 200))
def test_two_with_long_lines_share_evenly(first: int, second: int):
    queue = queue_of({"anna": first, "ben": second})
    shares: Counter[str] = Counter()
    while queue.waiting("anna") and queue.waiting("ben"):
        shares[str(next_turn(queue).owner)] += 1
        assert abs(shares["anna"] - shares["ben"]) <= 1


@slowly
@given(ALBUMS, SHARES)
def test_a_newcomers_album_takes_turns_with_those_who_are_there(sizes: list[int], share: float):
    """It neither catches up with what others got before nor waits for all of theirs."""
    queue = queue_of(albums([size + 20 for size in sizes]))
    served(queue, int(share * 20 * len(sizes)))
    there = {str(turn) for turn in albums(sizes) if queue.waiting(turn) > 10}
    put(queue, "anna", 10)
    shares: Counter[str] = Counter()
    while queue.waiting("anna"):
        shares[str(next_turn(queue).owner)] += 1
        assert all(abs(shares["anna"] - shares[owner]) <= 2 for owner in there)


@slowly
@given(st.integers(1, 20), st.integers(0, 25))
def test_one_photo_after_another_is_no_way_to_get_more_than_others(owners: int, pause: int):
    """Someone comes back with one photo when the one before has been served and `pause` others with it."""
    queue = queue_of(albums([200] * owners))
    put(queue, "anna", 1)
    rounds, mine, back = 20, 0, 0
    for time in range(rounds * (owners + 1)):
        if next_turn(queue).owner == "anna":
            mine, back = mine + 1, time + pause
        if time >= back and not queue.waiting("anna"):
            put(queue, "anna", 1)
    assert mine <= rounds + 2
    assert pause or mine >= rounds - 2


@slowly
@given(ALBUMS, SHARES, st.data())
def test_when_some_photos_are_called_off_nobody_waits_longer(sizes: list[int], share: float, data: st.DataObject):
    def reached() -> FairQueue[str]:
        queue = queue_of({"anna": 1} | albums(sizes))
        put(queue, "anna", 7, first=2)
        served(queue, int(share * (len(queue) - 1)))
        return queue

    order = served(reached())
    owner = data.draw(st.sampled_from(sorted({item.split()[0] for item in order})))
    own = [item for item in order if item.split()[0] == owner]
    unwanted = data.draw(st.sets(st.sampled_from(own)))
    queue = reached()
    assert queue.remove(owner, unwanted.__contains__) == [item for item in own if item in unwanted]
    after = served(queue)
    assert set(after) == set(order) - unwanted
    assert all(place <= order.index(item) for place, item in enumerate(after))


@slowly
@given(ALBUMS, SHARES)
def test_calling_off_and_asking_again_is_no_way_forward(sizes: list[int], share: float):
    queue = queue_of({"anna": 20} | albums(sizes))
    served(queue, int(share * (len(queue) - 1)))
    ahead = queue.ahead_of("anna")
    if again := queue.remove("anna", lambda item: True):
        queue.put("anna", again)
    assert queue.ahead_of("anna") >= ahead


def test_who_was_ahead_is_not_forgotten_among_many_who_come_and_go():
    crowd = 450
    queue = queue_of(albums([20] * crowd))
    for number in range(REMEMBERED + 10):
        owner = "anna" if number == REMEMBERED - 10 else f"newcomer{number}"
        put(queue, owner, 1)
        while next_turn(queue).owner != owner:
            pass
    put(queue, "anna", 1)
    assert queue.ahead_of("anna") >= crowd // 2


def test_a_full_queue_takes_all_of_an_album_or_nothing():
    queue: FairQueue[str] = FairQueue(limit=3, owner_limit=3)
    put(queue, "anna", 2)
    with pytest.raises(QueueFull) as caught:
        put(queue, "ben", 2)
    assert caught.value.values == {"waiting": 2, "limit": 3}
    assert len(queue) == 2
    put(queue, "ben", 1)
    assert served(queue) == ["ben 1", "anna 1", "anna 2"]


def test_one_person_cannot_fill_the_queue():
    queue: FairQueue[str] = FairQueue(limit=100, owner_limit=3)
    put(queue, "anna", 2)
    with pytest.raises(OwnerQueueFull) as caught:
        put(queue, "anna", 2)
    assert caught.value.values == {"waiting": 2, "limit": 3}
    assert len(queue) == 2
    put(queue, "ben", 3)


def test_room_is_asked_for_in_all_and_for_one_person_apart():
    queue: FairQueue[str] = FairQueue(limit=10, owner_limit=3)
    put(queue, "anna", 2)
    queue.check("anna", 1, arriving=7, arriving_of_owner=0)
    with pytest.raises(QueueFull) as all_taken:
        queue.check("anna", 1, arriving=8, arriving_of_owner=0)
    assert all_taken.value.values == {"waiting": 10, "limit": 10}
    with pytest.raises(OwnerQueueFull) as own_taken:
        queue.check("anna", 1, arriving=1, arriving_of_owner=1)
    assert own_taken.value.values == {"waiting": 3, "limit": 3}
    queue.check("ben", 3, arriving=5, arriving_of_owner=0)


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
    assert (await waiting).item == 1


async def test_a_cancelled_wait_loses_nothing():
    queue: FairQueue[int] = FairQueue(limit=2, owner_limit=2)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("anna", [1])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(queue) == 1
    assert (await queue.get()).item == 1


async def test_two_who_wait_for_one_item_both_get_theirs():
    queue: FairQueue[int] = FairQueue(9, 9)
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.put("anna", [1])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    queue.put("anna", [2])
    assert sorted(turn.item for turn in await asyncio.gather(*waiting)) == [1, 2]


async def test_who_waits_is_not_woken_by_what_was_called_off():
    queue: FairQueue[int] = FairQueue(9, 9)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("anna", [1])
    assert queue.remove("anna", lambda item: True) == [1]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.put("anna", [2])
    assert (await waiting).item == 2


def test_calling_off_for_somebody_who_waits_for_nothing_is_fine():
    queue = queue_of({"anna": 2})
    assert queue.remove("ben", lambda item: True) == []
    assert queue.ahead_of("ben") == queue.waiting("ben") == 0


def test_what_a_person_asked_for_before_comes_before_some_of_their_photos():
    queue = queue_of({"anna": 4, "ben": 1, "chen": 2})
    # ben 1, anna 1, chen 1, anna 2, chen 2, anna 3, anna 4
    assert queue.ahead_of("anna") == 3
    assert queue.ahead_of("anna", {"anna 3", "anna 4"}.__contains__) == 5
    assert queue.ahead_of("anna", {"anna 1", "anna 3"}.__contains__) == 4
    assert queue.ahead_of("anna", {"ben 1"}.__contains__) == 0


class QueueBesideModel(RuleBasedStateMachine):
    """The queue beside plain lists, one a person; what it does is done again to see what would come next."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[str] = FairQueue(LIMIT, OWNER_LIMIT)
        self.done: list[Callable[[FairQueue[str]], object]] = []
        self.lines: dict[str, list[str]] = {owner: [] for owner in OWNERS}
        self.made = count()
        self.clock = 0.0

    @rule(owner=st.sampled_from(OWNERS), number=st.sampled_from([0, 1, 1, 1, 2, 3, 6]), bounded=st.booleans())
    def put(self, owner: str, number: int, bounded: bool) -> None:
        items = [f"{owner} {each}" for each in islice(self.made, number)]
        fits = self.total() + number <= LIMIT
        fits_owner = len(self.lines[owner]) + number <= OWNER_LIMIT
        try:
            self.do(lambda queue: queue.put(owner, items, bounded=bounded))
        except QueueFull:
            assert bounded
            assert not fits
        except OwnerQueueFull:
            assert bounded
            assert fits
            assert not fits_owner
        else:
            assert not bounded or (fits and fits_owner)
            self.lines[owner] += items

    @precondition(lambda self: self.total())
    @rule()
    def get(self) -> None:
        turn = self.do(next_turn)
        assert self.lines[str(turn.owner)].pop(0) == turn.item

    @rule(owner=st.sampled_from(OWNERS), marks=st.lists(st.booleans(), min_size=40, max_size=40))
    def remove(self, owner: str, marks: list[bool]) -> None:
        unwanted = [item for item, mark in zip(self.lines[owner], marks, strict=False) if mark]
        assert self.do(lambda queue: queue.remove(owner, unwanted.__contains__)) == unwanted
        self.lines[owner] = [item for item in self.lines[owner] if item not in unwanted]

    @invariant()
    def lengths_agree(self) -> None:
        assert len(self.queue) == self.total()
        assert all(self.queue.waiting(owner) == len(line) for owner, line in self.lines.items())

    @invariant()
    def nothing_is_lost_or_doubled_and_places_are_exact(self) -> None:
        order = served(self.replica())
        for owner, line in self.lines.items():
            assert [item for item in order if item.split()[0] == owner] == line
            ahead = order.index(line[-1]) - (len(line) - 1) if line else 0
            assert self.queue.ahead_of(owner) == ahead
        assert len(order) == self.total()

    @precondition(lambda self: self.total())
    @rule(marks=st.lists(st.booleans(), min_size=40, max_size=40))
    def places_of_some_are_exact(self, marks: list[bool]) -> None:
        order = served(self.replica())
        for owner, line in self.lines.items():
            some = [item for item, mark in zip(line, marks, strict=False) if mark]
            ahead = order.index(some[-1]) - (len(some) - 1) if some else 0
            assert self.queue.ahead_of(owner, some.__contains__) == ahead

    @invariant()
    def the_clock_never_falls(self) -> None:
        """A newcomer starts now."""
        replica = self.replica()
        replica.put("newcomer", ["newcomer 1"], bounded=False)
        while (turn := next_turn(replica)).owner != "newcomer":
            pass
        assert turn.start >= self.clock
        self.clock = turn.start

    def do(self, step: Callable[[FairQueue[str]], Result]) -> Result:
        self.done.append(step)
        try:
            return step(self.queue)
        except (QueueFull, OwnerQueueFull):
            self.done.pop()
            raise

    def replica(self) -> FairQueue[str]:
        replica: FairQueue[str] = FairQueue(LIMIT, OWNER_LIMIT)
        for step in self.done:
            step(replica)
        return replica

    def total(self) -> int:
        return sum(map(len, self.lines.values()))


TestQueueBesideModel = QueueBesideModel.TestCase
TestQueueBesideModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
