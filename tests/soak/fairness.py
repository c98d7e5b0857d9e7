"""Many albums wait; somebody comes with one photo. How many micro-batches until it is drawn?

`python -m tests.soak.fairness [--json] [--quick]`: the whole program, real rows, spool and Telegram client, and an
engine that draws a batch when it is told to, so that batches can be counted. Newcomers come at once, in the middle
and late; each comes alone. Also: how honest the times are that people are told.
"""

import argparse
import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Semaphore
from typing import Any, Final

from core.look import Look
from core.photo import Array
from tests.fakes.telegram import Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in
from tests.soak import report

ALBUM: Final = 20
PATIENCE: Final = 120.0
# A newcomer's photos have a strength that no album has.
NEWCOMERS_STRENGTH: Final = 0.3
TOLD: Final = re.compile(r"about (a|\d+) (second|minute)")


class CountedEngine(QuickEngine):
    """Draws a batch for each permit, in `seconds` a photo; `waiting` tells that the next one is here."""

    def __init__(self, permits: Semaphore, waiting: Semaphore, seconds: float) -> None:
        super().__init__()
        self._permits = permits
        self._waiting = waiting
        self._seconds = seconds

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self._waiting.release()
        self._permits.acquire()
        time.sleep(self._seconds * len(photos))
        return super().stylize(photos, looks)


class AlbumSenders:
    """People with albums of 20, and what came back to them."""

    def __init__(self, telegram: TelegramServer, people: int) -> None:
        self.telegram = telegram
        self.people = [Person(2000 + number, f"Album {number}") for number in range(people)]

    async def send_all(self) -> None:
        photo = jpeg_bytes(gradient(90, 60))
        for person in self.people:
            for _ in range(2):
                await self.telegram.send_album(person, [photo] * (ALBUM // 2), gap=0.0)

    async def all_queued(self) -> None:
        await asyncio.gather(*(heard(self.telegram, person) for person in self.people))


async def heard(telegram: TelegramServer, person: Person) -> str:
    """The word "queued", which the message may not say any more."""

    def said() -> str | None:
        messages = telegram.chat(person.id).messages
        texts = (text for message in messages for text in (*message.edits, message.text or ""))
        return next((text for text in texts if text.startswith("Got your")), None)

    told = await telegram.wait_for(said, PATIENCE)
    assert told is not None
    return told


async def newcomers(telegram: TelegramServer, folder: Path, people: int, moments: Sequence[int]) -> dict[str, Any]:
    """Each newcomer comes after so many batches; how many until theirs is drawn, beyond the one running."""
    permits, waiting = Semaphore(0), Semaphore(0)
    engine = CountedEngine(permits, waiting, seconds=0.01)
    settings = settings_in(folder, telegram, queue_limit=2 * ALBUM * people, album_seconds=1.0)
    crowd = AlbumSenders(telegram, people)
    waits: list[int] = []
    drawn = 0
    async with running(settings, lambda *_: engine):
        await crowd.send_all()
        await crowd.all_queued()
        await asyncio.to_thread(waiting.acquire)  # the first batch is on the device
        for number, moment in enumerate(moments):
            while drawn < moment:
                permits.release()
                await asyncio.to_thread(waiting.acquire)
                drawn += 1
            newcomer = Person(9000 + number, "Newcomer")
            await telegram.send_photo(newcomer, jpeg_bytes(gradient(90, 60)), caption=str(NEWCOMERS_STRENGTH))
            await heard(telegram, newcomer)
            seen, before = len(engine.batches), _singles(engine)
            while _singles(engine) == before:
                permits.release()
                await asyncio.to_thread(waiting.acquire)
                drawn += 1
            # The batch that was on the device when it came does not count.
            waits.append(len(engine.batches) - seen - 1)
        permits.release(10**6)
        chats = [person.id for person in crowd.people]
        await telegram.wait_for(lambda: all(_cartoons(telegram, chat) == ALBUM for chat in chats), PATIENCE)
    sizes = Counter(len(batch) for batch in engine.batches)
    return {
        "albums": people,
        "newcomers_came_after_batches": [*moments],
        "batches_until_drawn": waits,
        "most_batches_until_drawn": max(waits),
        "batches_by_size": {str(size): count for size, count in sorted(sizes.items())},
        "photos_lost": sum(ALBUM - _cartoons(telegram, chat) for chat in chats),
    }


async def honesty(folder: Path, people: int) -> dict[str, Any]:
    """The time that the last of several people with albums is told, and how long it really takes.

    Each photo takes the same, and one was drawn before, so there is something to tell from.
    """
    permits, waiting = Semaphore(10**6), Semaphore(0)
    engine = CountedEngine(permits, waiting, seconds=0.25)
    async with TelegramServer() as telegram:
        settings = settings_in(folder, telegram, queue_limit=2000, album_seconds=1.0)
        crowd = AlbumSenders(telegram, people)
        async with running(settings, lambda *_: engine):
            first = Person(8000, "First")
            await telegram.send_photo(first, jpeg_bytes(gradient(90, 60)))
            await telegram.wait_for_message(first.id, lambda m: m.file is not None, timeout=PATIENCE)
            await crowd.send_all()
            await crowd.all_queued()
            last = Person(8001, "Last")
            for _ in range(2):
                await telegram.send_album(last, [jpeg_bytes(gradient(90, 60))] * (ALBUM // 2), gap=0.0)
            told = await heard(telegram, last)
            begun = time.monotonic()
            await telegram.wait_for(lambda: _cartoons(telegram, last.id) == ALBUM, PATIENCE)
            real = time.monotonic() - begun
    return {"told": told.partition(". ")[2], "told_seconds": _seconds(told), "real_seconds": round(real, 1)}


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    people = options.people or (6 if options.quick else 50)
    last = people * ALBUM // 4
    moments = [0, 1, last // 4, last // 2, last - 8]
    async with TelegramServer() as telegram:
        found = await newcomers(telegram, folder / "newcomers", people, moments)
        found["violations"] = telegram.violations
    if not options.quick:
        found["times"] = await honesty(folder / "times", people=12)
    found["lost"] = found["photos_lost"]
    found["astray"] = int(found["most_batches_until_drawn"] > 2)
    return found


def _singles(engine: QuickEngine) -> int:
    return sum(look.strength == NEWCOMERS_STRENGTH for batch in engine.batches for look in batch)


def _cartoons(telegram: TelegramServer, chat_id: int) -> int:
    return sum(message.file is not None for message in telegram.chat(chat_id).messages)


def _seconds(told: str) -> int | None:
    found = TOLD.search(told)
    if found is None:
        return None
    return (1 if found[1] == "a" else int(found[1])) * (60 if found[2] == "minute" else 1)


if __name__ == "__main__":
    sys.exit(report.run(soak, report.parser(__doc__).parse_args()))
