"""A hundred thousand photos wait. How quick is the queue, and how much memory does waiting take?

`python -m tests.soak.scale [--json] [--quick]`: first the queue alone, each operation timed while it is that long;
then the whole program started on a data folder with so many queued photos, as after a restart, drawing for a while
with a quick engine. The photos belong to batches of browsers that were closed, so their cartoons are drawn and
come to the shelves of these. Photos wait as rows and files: memory is sampled all the time, and compared with the
program idle.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from core.jobs import Owner, Ticket
from core.look import Look
from core.queue import FairQueue
from storage.database import Database
from storage.spool import Spool
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in
from tests.soak import report

ALBUM: Final = 20
SAMPLES: Final = 1000
SAMPLE_EVERY: Final = 0.2


async def queue_alone(photos: int, seed: int) -> dict[str, Any]:
    """Microseconds an operation at that length, and bytes a photo."""
    chance = random.Random(seed)
    queue: FairQueue[Ticket] = FairQueue(2 * photos, photos)
    owners = [Owner("web", str(number)) for number in range(photos // ALBUM)]
    before = psutil.Process().memory_info().rss
    begun = time.perf_counter()
    for job, owner in enumerate(owners):
        look = Look()
        tickets = [Ticket(ALBUM * job + place, str(job), owner, look, 0.0) for place in range(ALBUM)]
        queue.put(owner, tickets)
    filled = time.perf_counter() - begun
    memory = psutil.Process().memory_info().rss - before

    def timed(work: Callable[[int], object]) -> float:
        begun = time.perf_counter()
        for number in range(SAMPLES):
            work(number)
        return round((time.perf_counter() - begun) / SAMPLES * 1e6, 1)

    places = timed(lambda _: queue.ahead_of(chance.choice(owners)))
    newcomers = [Owner("new", str(number)) for number in range(SAMPLES)]
    singles = timed(lambda n: queue.put(newcomers[n], [Ticket(-n, "new", newcomers[n], Look(), 0.0)]))
    albums = timed(
        lambda _: queue.remove(chance.choice(owners), lambda ticket: ticket.photo_id % 2 == 0),
    )
    begun = time.perf_counter()
    for _ in range(SAMPLES):
        await queue.get()
    got = (time.perf_counter() - begun) / SAMPLES * 1e6
    return {
        "put_microseconds_a_photo": round(filled / photos * 1e6, 1),
        "put_single_microseconds": singles,
        "place_microseconds": places,
        "cancel_album_microseconds": albums,
        "get_microseconds": round(got, 1),
        "memory_bytes_a_photo": round(memory / photos),
    }


async def fill(folder: Path, photos: int) -> None:
    """Rows and files as the reception leaves them, written in one go."""
    database = await Database.open(folder / "cartoonbot.sqlite3")
    await database.close()
    await asyncio.to_thread(write_rows, folder, photos)


def write_rows(folder: Path, photos: int) -> None:
    spool, picture = Spool(folder / "spool"), jpeg_bytes(gradient(60, 40))
    connection = sqlite3.connect(folder / "cartoonbot.sqlite3")
    look = ("ink", 0.7, 512, "jpg", "all")
    with connection:
        connection.executemany(
            "INSERT INTO jobs (id, platform, user, chat, language, style, strength, size, format, faces, "
            "created_at) VALUES (?, 'web', ?, ?, 'en', ?, ?, ?, ?, ?, ?)",
            ((f"job {job}", f"{job}", f"{job}.batch", *look, time.time()) for job in range(photos // ALBUM)),
        )
        connection.executemany(
            "INSERT INTO photos (id, job_id, place, name, reference, status) VALUES (?, ?, ?, ?, 'r', 'queued')",
            (
                (number + 1, f"job {number // ALBUM}", number % ALBUM, f"IMG_{number:08}.jpg")
                for number in range(photos)
            ),
        )
    connection.close()
    for number in range(photos):
        spool.source(number + 1).write_bytes(picture)


@asynccontextmanager
async def sampled_memory() -> AsyncGenerator[list[int]]:
    """The program's resident bytes, again and again."""
    process, samples = psutil.Process(), list[int]()

    async def sample() -> None:
        while True:
            samples.append(process.memory_info().rss)
            await asyncio.sleep(SAMPLE_EVERY)

    sampling = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        sampling.cancel()


async def idle(folder: Path) -> int:
    """Resident bytes of the program with nothing to do."""
    async with running(settings_in(folder), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        return psutil.Process().memory_info().rss


async def program(folder: Path, photos: int, seconds: float) -> dict[str, Any]:
    """Started on so many photos; memory while it starts and draws."""
    nothing = await idle(folder / "idle")
    data = folder / "full"
    data.mkdir()
    await fill(data, photos)
    settings = settings_in(data, queue_limit=photos, spool_megabytes=1e6)
    async with sampled_memory() as samples:
        begun = time.monotonic()
        async with running(settings, QuickEngine) as app:
            started = time.monotonic() - begun
            at_start = len(samples)
            assert app.web
            await app.web.ready.wait()
            await asyncio.sleep(seconds)  # drawing: how long is what this measures over
        peak = max(samples)
    done = sqlite3.connect(data / "cartoonbot.sqlite3").execute(
        "SELECT count(*) FROM photos WHERE status IN ('done', 'answered')"
    )
    settled = done.fetchone()[0]
    wrong = sqlite3.connect(data / "cartoonbot.sqlite3").execute(
        "SELECT count(*) FROM photos WHERE status NOT IN ('done', 'answered', 'queued')"
    )
    megabyte = 1e6
    return {
        "idle_megabytes": round(nothing / megabyte),
        "start_seconds": round(started, 1),
        "after_start_megabytes": round(samples[min(at_start, len(samples) - 1)] / megabyte),
        "peak_megabytes": round(peak / megabyte),
        "peak_above_idle_megabytes": round((peak - nothing) / megabyte),
        "last_quarter_mean_megabytes": round(
            sum(samples[-len(samples) // 4 :]) / len(samples[-len(samples) // 4 :]) / megabyte
        ),
        "drawn": settled,
        "drawn_a_second": round(settled / seconds),
        "neither_waiting_nor_done": wrong.fetchone()[0],
    }


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    photos = (options.photos or (5_000 if options.quick else 100_000)) // ALBUM * ALBUM
    found = await program(folder, photos, 2 if options.quick else 120)
    alone = await queue_alone(photos, options.seed)
    return {
        "photos": photos,
        "queue": alone,
        "program": found,
        "lost": found["neither_waiting_nor_done"],
        "astray": int(found["peak_above_idle_megabytes"] >= 300),
    }


if __name__ == "__main__":
    sys.exit(report.run(soak, report.parser(__doc__).parse_args()))
