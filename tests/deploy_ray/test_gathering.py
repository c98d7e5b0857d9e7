"""Photos wait for the next batch together, not one behind the other."""

import asyncio

import pytest

from deploy.ray.gathering import Gathering


class Door:
    """Photos at the door of serve.batch: `inside` in the order in which they came in, until they are let out."""

    def __init__(self, gathering: Gathering) -> None:
        self.inside: list[int] = []
        self._gathering = gathering
        self._out: dict[int, asyncio.Event] = {}
        self._photos: dict[int, asyncio.Task[None]] = {}

    async def comes(self, *photos: int) -> None:
        for photo in photos:
            self._out[photo] = asyncio.Event()
            self._photos[photo] = asyncio.create_task(self._stay(photo))
        await settled()

    async def goes(self, *photos: int) -> None:
        for photo in photos:
            self._out[photo].set()
        await settled()

    async def is_called_off(self, photo: int) -> None:
        self._photos[photo].cancel()
        await settled()

    async def _stay(self, photo: int) -> None:
        async with self._gathering.seat():
            self.inside.append(photo)
            try:
                await self._out[photo].wait()
            finally:
                self.inside.remove(photo)


async def settled() -> None:
    """Everything that can go on has."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def gathering() -> Gathering:
    return Gathering(3)


@pytest.fixture
async def door(gathering: Gathering) -> Door:
    return Door(gathering)


async def test_no_more_than_a_batch_goes_in(door: Door) -> None:
    await door.comes(1, 2, 3, 4)
    assert door.inside == [1, 2, 3]


async def test_who_comes_while_a_batch_is_drawn_goes_in_with_the_others(gathering: Gathering, door: Door) -> None:
    await door.comes(1)
    gathering.close()
    await door.comes(2)
    await door.comes(3, 4, 5)
    assert door.inside == [1]
    await door.goes(1)
    assert door.inside == [2, 3, 4]


async def test_a_batch_that_was_closed_too_early_is_not_followed_by_another_such(
    gathering: Gathering, door: Door
) -> None:
    """Photo 2 came too late for the batch of photo 1 and makes one by itself; 3 and 4 wait for each other."""
    await door.comes(1, 2)
    gathering.close()
    await door.comes(3, 4)
    await door.goes(1)
    assert door.inside == [2]
    gathering.close()
    await door.goes(2)
    assert door.inside == [3, 4]


async def test_photos_called_off_keep_nobody_out(gathering: Gathering, door: Door) -> None:
    await door.comes(1, 2)
    gathering.close()
    await door.comes(3, 4)
    for photo in (3, 1, 2):
        await door.is_called_off(photo)
    assert door.inside == [4]


async def test_a_batch_of_nobody_inside_keeps_nobody_out(gathering: Gathering, door: Door) -> None:
    """Its photos came in by the Gathering before this one, or were called off."""
    gathering.close()
    await door.comes(1)
    assert door.inside == [1]
