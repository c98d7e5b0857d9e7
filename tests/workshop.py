"""A studio with all its real parts: SQLite file, spool, queue, pictures; and engines that make trouble."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
from PIL import Image

from core.engine import Engine
from core.jobs import Chat, Owner, Photo, Ticket
from core.look import Look
from core.metrics import Metrics
from core.photo import Array
from core.queue import FairQueue
from core.studio import Rules, Studio
from storage.database import Database
from storage.jobs import Jobs
from storage.spool import Spool
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine

GOOD = jpeg_bytes(gradient(60, 40))
# Of the same shape, so it is drawn together with good ones.
DARK = jpeg_bytes(np.zeros((40, 60, 3), np.uint8))
ANNA, BEN = Owner("telegram", "1"), Owner("telegram", "2")
SMALL = Look(size=512)
# Batches fill up before this window closes, so their sizes do not depend on how busy the machine is.
LONG = 3600.0
PATIENCE = 20.0
Trouble = Callable[[Sequence[Array], Sequence[Look]], None]


def no_trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
    pass


def trouble_with_more_than(most: int, error: Exception) -> Trouble:
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if len(photos) > most:
            raise error

    return trouble


def is_dark(photo: Array) -> bool:
    return bool(photo.mean() < 10)


class TroubledEngine:
    """The quick engine behind a trouble, which may raise before the photos are drawn. Notes what it is handed."""

    def __init__(self, trouble: Trouble = no_trouble) -> None:
        self.prepared: list[tuple[int, ...]] = []
        self.batches: list[list[tuple[Look, tuple[int, ...]]]] = []
        self.closed = threading.Event()
        self._trouble = trouble
        self._quick = QuickEngine()

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]

    def prepare(self, photo: Array) -> None:
        self.prepared.append(photo.shape)

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.batches.append([(look, photo.shape) for photo, look in zip(photos, looks, strict=True)])
        self._trouble(photos, looks)
        return self._quick.stylize(photos, looks)

    def close(self) -> None:
        self.closed.set()


class HeldEngine(TroubledEngine):
    """Holds each batch until it is released; the trouble comes after that."""

    def __init__(self, trouble: Trouble = no_trouble) -> None:
        super().__init__(self._hold)
        self._then = trouble
        self._came = threading.Semaphore(0)
        self._released = threading.Semaphore(0)
        self._free = False

    async def next_batch(self) -> list[tuple[Look, tuple[int, ...]]]:
        """Wait until the next batch is on the device; what is in it."""
        assert await asyncio.to_thread(self._came.acquire, timeout=PATIENCE)
        return self.batches[-1]

    def release(self) -> None:
        self._released.release()

    def release_all(self) -> None:
        self._free = True
        self._released.release()

    def _hold(self, photos: Sequence[Array], looks: Sequence[Look]) -> None:
        self._came.release()
        if not self._free:
            self._released.acquire(timeout=PATIENCE)
        self._then(photos, looks)


class Gate:
    """Whoever comes to it waits until it is opened."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    async def reached(self) -> None:
        """Until somebody waits."""
        assert await asyncio.to_thread(self._reached.wait, PATIENCE)

    def open(self) -> None:
        self._opened.set()

    def wait(self) -> None:
        self._reached.set()
        self._opened.wait(PATIENCE)


class SlowPath(PosixPath):
    """A file on a disk that is slow to answer: `before` it is open, or to give what is in it `after` that."""

    before: Gate | None = None
    after: Gate | None = None

    def open(self, *arguments: Any, **options: Any) -> Any:
        if self.before is not None:
            self.before.wait()
        file = super().open(*arguments, **options)
        if self.after is not None:
            self.after.wait()
        return file


class SlowSpool(Spool):
    """A spool in which some photos' sources are on a slow disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.slow: dict[int, SlowPath] = {}

    def slow_source(self, photo_id: int) -> SlowPath:
        self.slow[photo_id] = SlowPath(self.source(photo_id))
        return self.slow[photo_id]

    def source(self, photo_id: int) -> Path:
        return self.slow.get(photo_id) or super().source(photo_id)


class Workshop:
    """Rows, files and a queue of photos, and studios that serve it."""

    def __init__(self, database: Database, spool: SlowSpool) -> None:
        self.database = database
        self.jobs = Jobs(database)
        self.spool = spool
        self.queue: FairQueue[Ticket] = FairQueue(1000, 1000)
        self.metrics = Metrics(self.queue.__len__, lambda: 0, lambda: 0)
        self.settled: asyncio.Queue[str] = asyncio.Queue()
        self.job_ids: list[str] = []

    async def take(self, photos: Sequence[bytes], look: Look = SMALL, owner: Owner = ANNA) -> list[int]:
        """Queue a job; its photos' numbers."""
        job_id = await self.jobs.open_job(owner, Chat(owner.platform, owner.user), "en", look)
        self.job_ids.append(job_id)
        photo_ids: list[int] = []
        for place, data in enumerate(photos):
            photo_id = await self.jobs.add_photo(job_id, place, f"{place}.jpg", "reference")
            assert photo_id is not None
            self.spool.source(photo_id).write_bytes(data)
            photo_ids.append(photo_id)
        assert await self.jobs.enqueue(photo_ids) == photo_ids
        self.put(job_id, photo_ids, look, owner)
        return photo_ids

    def put(self, job_id: str, photo_ids: Sequence[int], look: Look, owner: Owner) -> None:
        now = asyncio.get_running_loop().time()
        self.queue.put(owner, [Ticket(photo_id, job_id, owner, look, now) for photo_id in photo_ids])

    async def restart(self) -> int:
        """A queue as after a new start: of what the rows say; how many photos wait."""
        self.queue = FairQueue(1000, 1000)
        self.job_ids = []
        async for job in self.jobs.open_jobs():
            self.job_ids.append(job.id)
            queued = [photo.id for photo in job.photos if photo.status == "queued"]
            self.put(job.id, queued, job.look, job.owner)
        return len(self.queue)

    def studio(
        self, build_engine: Callable[[], Engine], rules: Rules, on_settled: Callable[[str], None] | None = None
    ) -> Studio:
        on_settled = on_settled or self.settled.put_nowait
        return Studio(self.queue, build_engine, self.jobs, self.spool, self.metrics, on_settled, rules)

    @asynccontextmanager
    async def drawing(self, engine: Engine, rules: Rules) -> AsyncGenerator[Studio]:
        """A studio at work; stopped in order at the end."""
        studio = self.studio(lambda: engine, rules)
        await studio.open()
        run = asyncio.create_task(studio.run())
        try:
            async with asyncio.timeout(PATIENCE):
                yield studio
                studio.stop()
                await run
        finally:
            run.cancel()
            await asyncio.wait([run])
            await asyncio.to_thread(studio.close)
            if not run.cancelled():
                run.result()

    async def all_settled(self, count: int) -> None:
        for _ in range(count):
            assert await self.settled.get() in self.job_ids

    async def draw(self, engine: Engine, rules: Rules, count: int) -> list[Photo]:
        """Serve until `count` photos are settled; all photos then."""
        async with self.drawing(engine, rules) as studio:
            await self.all_settled(count)
        assert not studio.in_hand(), "the studio thinks that it still has photos in hand"
        return await self.photos()

    async def photos(self) -> list[Photo]:
        """All photos of all jobs, in the order taken."""
        jobs = [await self.jobs.job(job_id) for job_id in self.job_ids]
        return [photo for job in jobs if job is not None for photo in job.photos]

    async def statuses(self) -> list[str]:
        return [photo.status.value for photo in await self.photos()]

    async def codes(self) -> list[str | None]:
        """Why photos failed."""
        return [photo.failure.code if photo.failure else None for photo in await self.photos()]

    def files(self) -> set[str]:
        """The names of those in the spool."""
        return {path.name for path in self.spool.folder.iterdir()}

    def result_size(self, photo_id: int, file_format: str = "jpg") -> tuple[int, int]:
        """Of a cartoon that is whole."""
        with Image.open(self.spool.result(photo_id, file_format)) as image:
            image.load()
            return image.size

    def counted(self, line: str) -> bool:
        """Whether the metrics say so."""
        return line in self.metrics.exposition().decode().splitlines()


@asynccontextmanager
async def workshop_in(folder: Path) -> AsyncGenerator[Workshop]:
    spool = SlowSpool(folder / "spool")
    database = await Database.open(folder / "jobs.sqlite3")
    try:
        yield Workshop(database, spool)
    finally:
        await database.close()


async def all_decoded() -> None:
    """Until each photo that a studio took is decoded, or settled already."""
    while decoding := [task for task in asyncio.all_tasks() if _name(task) == "_decode"]:
        await asyncio.wait(decoding)


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__name__", "")
