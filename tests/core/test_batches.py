"""Micro-batches: who is drawn with whom and when, on a clock that never makes us wait."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from core.batches import Batches, Decoded
from core.jobs import Owner, Ticket
from core.look import Look, SheetKind
from core.queue import Turn
from tests.clock import on_jumping_clock

WIDE, HIGH = (2, 3, 3), (3, 2, 3)


def decoded(
    number: int,
    style: str = "ink",
    shape: tuple[int, ...] = WIDE,
    tag: float = 0.0,
    tries: int = 0,
    since: float = 0.0,
    strength: float = 0.7,
    sheet: SheetKind | None = None,
) -> Decoded:
    owner = Owner("telegram", str(number))
    ticket = Ticket(number, "job", owner, Look(style, strength, sheet=sheet), since=0.0)
    return Decoded(Turn(False, tag, number, owner, ticket), np.zeros(shape, np.uint8), tries, since)


def numbers(batch: Sequence[Decoded]) -> list[int]:
    return [photo.ticket.photo_id for photo in batch]


async def all_batches(photos: Sequence[Decoded], limit: int = 4) -> list[list[int]]:
    batches = Batches(window=0.0)
    for photo in photos:
        batches.add(photo)
    taken: list[list[int]] = []
    while sum(map(len, taken)) < len(photos):
        taken.append(numbers(await batches.take(lambda first: limit)))
    return taken


async def test_photos_of_one_style_and_shape_are_drawn_together():
    photos = [decoded(1), decoded(2, "anime"), decoded(3, shape=HIGH), decoded(4), decoded(5, "anime"), decoded(6)]
    assert await all_batches(photos) == [[1, 4, 6], [2, 5], [3]]


async def test_photos_of_different_strength_are_drawn_together():
    assert await all_batches([decoded(1, strength=0.3), decoded(2, strength=0.9)]) == [[1, 2]]


async def test_the_most_urgent_photo_decides_and_the_more_urgent_of_its_kind_go_with_it():
    photos = [
        decoded(1, tag=5.0),
        decoded(2, "anime", tag=4.0),
        decoded(3, tag=3.0),
        decoded(4, tag=6.0),
        decoded(5, "anime", tag=7.0),
    ]
    assert await all_batches(photos, limit=2) == [[3, 1], [2, 5], [4]]


async def test_equally_urgent_photos_keep_their_order():
    assert await all_batches([decoded(3), decoded(1), decoded(2)], limit=1) == [[1], [2], [3]]


async def test_what_failed_before_is_drawn_alone():
    photos = [decoded(1), decoded(2, tries=1), decoded(3, tries=2), decoded(4)]
    assert await all_batches(photos) == [[1, 4], [2], [3]]


async def test_sheets_are_drawn_alone():
    before, styles = SheetKind.BEFORE, SheetKind.STYLES
    photos = [decoded(1), decoded(2, sheet=before), decoded(3, sheet=before), decoded(4), decoded(5, sheet=styles)]
    assert await all_batches(photos) == [[1, 4], [2], [3], [5]]


async def test_the_limit_is_that_of_the_first_photo():
    batches = Batches(window=0.0)
    for photo in (decoded(1), decoded(2), decoded(3), decoded(4, "anime", tag=1.0), decoded(5, "anime", tag=1.0)):
        batches.add(photo)
    limits = {"ink": 3, "anime": 1}
    taken = [numbers(await batches.take(lambda first: limits[first.ticket.look.style])) for _ in range(3)]
    assert taken == [[1, 2, 3], [4], [5]]


def taken_from(arrivals: Sequence[tuple[float, int]], limit: int, window: float) -> list[tuple[float, list[int]]]:
    """When each batch was taken, and what was in it; photos come at the given times."""

    async def scenario() -> list[tuple[float, list[int]]]:
        loop = asyncio.get_running_loop()
        batches = Batches(window)
        for when, number in arrivals:
            loop.call_at(when, batches.add, decoded(number, since=when))
        taken: list[tuple[float, list[int]]] = []
        while sum(len(batch) for _, batch in taken) < len(arrivals):
            batch = numbers(await batches.take(lambda first: limit))
            taken.append((round(loop.time(), 6), batch))
        return taken

    return on_jumping_clock(scenario())


def test_the_window_opens_when_the_first_photo_comes():
    assert taken_from([(10.0, 1), (10.9, 2), (11.1, 3)], limit=4, window=1.0) == [(11.0, [1, 2]), (12.1, [3])]


def test_a_full_batch_does_not_wait_for_its_window():
    arrivals = [(1.0, number) for number in range(4)]
    assert taken_from(arrivals, limit=4, window=3600.0) == [(1.0, [0, 1, 2, 3])]


def test_who_fills_a_batch_ends_the_waiting():
    assert taken_from([(1.0, 1), (2.0, 2)], limit=2, window=3600.0) == [(2.0, [1, 2])]


def test_what_misses_a_window_is_in_the_next_batch():
    arrivals = [(float(when), when) for when in range(6)]
    assert [batch for _, batch in taken_from(arrivals, limit=4, window=1.5)] == [[0, 1], [2, 3], [4, 5]]


def test_a_photo_that_waited_while_the_device_was_busy_does_not_wait_again():
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        batches = Batches(window=1.0)
        batches.add(decoded(1, since=0.0))
        await asyncio.sleep(5.0)
        await batches.take(lambda first: 4)
        return loop.time()

    assert on_jumping_clock(scenario()) == pytest.approx(5.0)


@pytest.mark.parametrize("alone", [decoded(1, tries=1), decoded(1, sheet=SheetKind.STRENGTHS)])
def test_what_is_drawn_alone_waits_for_nobody(alone: Decoded):
    async def scenario() -> tuple[list[int], float]:
        batches = Batches(window=3600.0)
        batches.add(alone)
        return numbers(await batches.take(lambda first: 4)), asyncio.get_running_loop().time()

    assert on_jumping_clock(scenario()) == ([1], 0.0)


async def test_a_cancelled_take_loses_nothing():
    batches = Batches(window=3600.0)
    taking = asyncio.create_task(batches.take(lambda first: 2))
    await asyncio.sleep(0)
    batches.add(decoded(1, since=asyncio.get_running_loop().time()))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    batches.add(decoded(2))
    assert numbers(await batches.take(lambda first: 2)) == [1, 2]


@pytest.mark.parametrize("waiting", [0, 1])
async def test_closing_ends_the_waiting_and_gives_nothing(waiting: int):
    batches = Batches(window=3600.0)
    for number in range(waiting):
        batches.add(decoded(number, since=asyncio.get_running_loop().time()))
    taking = asyncio.create_task(batches.take(lambda first: 2))
    await asyncio.sleep(0)
    batches.close()
    assert await taking == []
    batches.add(decoded(7, tries=1))
    assert await batches.take(lambda first: 1) == []
