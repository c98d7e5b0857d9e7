"""The inference task with a real spool, real rows and real pictures: one bad photo is one failed photo."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from core.errors import OutOfMemory, PhotoTooLarge
from core.jobs import Chat, Job, Owner, Photo, PhotoStatus, Ticket
from core.look import Look
from core.metrics import Metrics
from core.photo import Array, Limits
from core.queue import FairQueue
from core.studio import Studio
from storage.database import Database
from storage.jobs import Jobs
from storage.spool import Spool
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine

GOOD = jpeg_bytes(gradient(60, 40))
ANNA = Owner("telegram", "1")
# Batches fill up before this window closes, so their sizes do not depend on how busy the machine is.
LONG = 3600.0
Stylize = Callable[[Sequence[Array], Sequence[Look]], list[Array]]


class TroubledEngine:
    """The quick engine behind a trouble: called with the photos of each batch before they are drawn."""

    def __init__(self, trouble: Callable[[Sequence[Array]], None]) -> None:
        self.sizes: list[int] = []
        self.closed = 0
        self._trouble = trouble
        self._quick = QuickEngine()

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.sizes.append(len(photos))
        self._trouble(photos)
        return self._quick.stylize(photos, looks)

    def close(self) -> None:
        self.closed += 1


class HeldEngine(TroubledEngine):
    """Holds each batch until released; `reached` tells when the first one came."""

    def __init__(self) -> None:
        super().__init__(self._hold)
        self.reached = threading.Event()
        self.released = threading.Event()

    def _hold(self, photos: Sequence[Array]) -> None:
        self.reached.set()
        self.released.wait(20)


class Workshop:
    """Rows, files and a queue, filled with one job, and a studio that serves it."""

    def __init__(self, jobs: Jobs, spool: Spool) -> None:
        self.jobs = jobs
        self.spool = spool
        self.queue: FairQueue[Ticket] = FairQueue(100, 100)
        self.metrics = Metrics(waiting=self.queue.__len__)
        self.settled: asyncio.Queue[str] = asyncio.Queue()
        self.job_id = ""

    async def take(self, photos: Sequence[bytes], look: Look) -> None:
        self.job_id = await self.jobs.open_job(ANNA, Chat("telegram", "1"), "en", look)
        for place, data in enumerate(photos):
            photo_id = await self.jobs.add_photo(self.job_id, place, f"{place}.jpg", "reference")
            self.spool.source(photo_id).write_bytes(data)
            await self.jobs.enqueue([photo_id])
            source, result = self.spool.source(photo_id), self.spool.result(photo_id, look.format)
            self.queue.put(ANNA, [Ticket(photo_id, self.job_id, ANNA, look, source, result)])

    @asynccontextmanager
    async def drawing(self, engine: TroubledEngine, batch_size: int) -> AsyncGenerator[Studio]:
        studio = Studio(
            self.queue, engine, self.jobs, self.metrics, self.settled.put_nowait, Limits(), batch_size, LONG
        )
        run = asyncio.create_task(studio.run())
        try:
            yield studio
        finally:
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            await asyncio.to_thread(studio.close)

    async def draw(self, engine: TroubledEngine, batch_size: int, count: int) -> list[Photo]:
        """Serve until `count` photos are settled; the job's photos then."""
        async with self.drawing(engine, batch_size), asyncio.timeout(20):
            for _ in range(count):
                assert await self.settled.get() == self.job_id
        return list((await self.job()).photos)

    async def job(self) -> Job:
        job = await self.jobs.job(self.job_id)
        assert job is not None
        return job

    async def statuses(self) -> list[PhotoStatus]:
        return [photo.status for photo in (await self.job()).photos]


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncGenerator[Workshop]:
    database = await Database.open(tmp_path / "jobs.sqlite3")
    yield Workshop(Jobs(database), Spool(tmp_path / "spool"))
    await database.close()


def no_trouble(photos: Sequence[Array]) -> None:
    pass


def trouble_with_more_than(most: int, error: Exception) -> Callable[[Sequence[Array]], None]:
    def trouble(photos: Sequence[Array]) -> None:
        if len(photos) > most:
            raise error

    return trouble


def codes(photos: Sequence[Photo]) -> list[str | None]:
    return [photo.failure.code if photo.failure else None for photo in photos]


@pytest.mark.parametrize("file_format", ["jpg", "png", "webp"])
async def test_results_are_whole_files_of_the_asked_size_and_format(workshop: Workshop, file_format: str):
    await workshop.take([GOOD, GOOD], Look(size=512, format=file_format))
    photos = await workshop.draw(TroubledEngine(no_trouble), 2, 2)
    results = [workshop.spool.result(photo.id, file_format) for photo in photos]
    for result in results:
        with Image.open(result) as image:
            image.load()
            assert image.size == (512, 341)
    files = set(results[0].parent.iterdir())
    assert files == {*results, *(workshop.spool.source(photo.id) for photo in photos)}


async def test_a_bad_photo_fails_alone_and_before_batching(workshop: Workshop):
    await workshop.take([GOOD, GOOD[: len(GOOD) // 2], GOOD, b"words", GOOD], Look(size=512))
    engine = TroubledEngine(no_trouble)
    photos = await workshop.draw(engine, 3, 5)
    assert codes(photos) == [None, "photo-truncated", None, "not-a-photo", None]
    assert [photo.status for photo in photos].count(PhotoStatus.DONE) == 3
    assert engine.sizes == [3]
    counts = workshop.metrics.exposition().decode()
    assert 'cartoonbot_photos_total{outcome="done"} 3.0' in counts
    assert 'cartoonbot_photos_total{outcome="failed"} 2.0' in counts


async def test_a_photo_whose_file_is_gone_fails_alone(workshop: Workshop):
    await workshop.take([GOOD, GOOD], Look(size=512))
    first = (await workshop.job()).photos[0]
    workshop.spool.forget(first.id)
    photos = await workshop.draw(TroubledEngine(no_trouble), 1, 2)
    assert codes(photos) == ["photo-failed", None]


async def test_a_photo_no_longer_wanted_is_not_drawn_and_gives_its_room_back(workshop: Workshop):
    await workshop.take([GOOD] * 8, Look(size=512))
    wanted = (await workshop.job()).photos[-1]
    for photo in (await workshop.job()).photos[:-1]:
        await workshop.jobs.fail(photo.id, PhotoTooLarge(megapixels=99, limit=64))
    engine = TroubledEngine(no_trouble)
    photos = await workshop.draw(engine, 1, 1)
    assert engine.sizes == [1]
    assert photos[-1].id == wanted.id
    assert photos[-1].status is PhotoStatus.DONE


async def test_a_batch_that_fails_is_drawn_again_one_by_one(workshop: Workshop):
    await workshop.take([GOOD] * 4, Look(size=512))
    engine = TroubledEngine(trouble_with_more_than(1, RuntimeError("batches are beyond me")))
    photos = await workshop.draw(engine, 4, 4)
    assert engine.sizes == [4, 1, 1, 1, 1]
    assert codes(photos) == [None] * 4


async def test_a_photo_that_breaks_its_batch_fails_alone(workshop: Workshop):
    def trouble(photos: Sequence[Array]) -> None:
        if any(photo.shape[0] == 7 for photo in photos):
            raise RuntimeError("seven rows are unlucky")

    await workshop.take([GOOD, jpeg_bytes(gradient(60, 7)), GOOD], Look(size=512))
    photos = await workshop.draw(TroubledEngine(trouble), 3, 3)
    assert codes(photos) == [None, "photo-failed", None]


async def test_the_engines_own_word_about_a_photo_reaches_the_person(workshop: Workshop):
    engine = TroubledEngine(trouble_with_more_than(0, PhotoTooLarge(megapixels=99, limit=64)))
    await workshop.take([GOOD], Look(size=512))
    (photo,) = await workshop.draw(engine, 1, 1)
    assert photo.failure is not None
    assert photo.failure.code == "photo-too-large"
    assert photo.failure.values == {"megapixels": 99, "limit": 64}


async def test_an_engine_that_loses_a_photo_is_caught(workshop: Workshop):
    class Forgetful(TroubledEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            drawn = super().stylize(photos, looks)
            return drawn[1:] if len(drawn) > 1 else drawn

    await workshop.take([GOOD] * 3, Look(size=512))
    engine = Forgetful(no_trouble)
    photos = await workshop.draw(engine, 3, 3)
    assert engine.sizes == [3, 1, 1, 1]
    assert codes(photos) == [None] * 3


async def test_out_of_memory_halves_the_batch(workshop: Workshop):
    await workshop.take([GOOD] * 8, Look(size=512))
    engine = TroubledEngine(trouble_with_more_than(2, OutOfMemory()))
    photos = await workshop.draw(engine, 8, 8)
    assert engine.sizes == [8, 4, 2, 2, 4, 2, 2]
    assert codes(photos) == [None] * 8


async def test_a_photo_too_large_for_the_device_by_itself_fails(workshop: Workshop):
    await workshop.take([GOOD] * 2, Look(size=512))
    engine = TroubledEngine(trouble_with_more_than(0, OutOfMemory()))
    photos = await workshop.draw(engine, 2, 2)
    assert engine.sizes == [2, 1, 1]
    assert codes(photos) == ["photo-failed"] * 2


async def test_each_photo_gets_its_own_cartoon(workshop: Workshop):
    shapes = [(60, 40), (40, 60), (50, 50), (60, 20)]
    await workshop.take([jpeg_bytes(gradient(*shape)) for shape in shapes], Look(size=512, format="png"))
    sizes: list[tuple[int, int]] = []
    for photo in await workshop.draw(TroubledEngine(no_trouble), 4, 4):
        with Image.open(workshop.spool.result(photo.id, "png")) as image:
            sizes.append(image.size)
    assert sizes == [(512, 341), (341, 512), (512, 512), (512, 171)]


async def test_photos_in_flight_are_bounded(workshop: Workshop):
    await workshop.take([GOOD] * 20, Look(size=512))
    engine = HeldEngine()
    async with workshop.drawing(engine, 2):
        assert await asyncio.to_thread(engine.reached.wait, 20)
        assert len(workshop.queue) == 20 - 3 * 2
        engine.released.set()
        async with asyncio.timeout(20):
            for _ in range(20):
                await workshop.settled.get()
    assert await workshop.statuses() == [PhotoStatus.DONE] * 20


async def test_a_stopped_studio_leaves_rows_running_and_the_next_start_takes_them_up(workshop: Workshop):
    await workshop.take([GOOD] * 2, Look(size=512))
    engine = HeldEngine()
    async with workshop.drawing(engine, 2) as studio:
        assert await asyncio.to_thread(engine.reached.wait, 20)
        # Let go only when run() is cancelled: close() waits for the device's current work.
        asyncio.get_running_loop().call_soon(engine.released.set)
    assert await workshop.statuses() == [PhotoStatus.RUNNING] * 2
    (job,) = await workshop.jobs.recover(attempts=2)
    assert [photo.status for photo in job.photos] == [PhotoStatus.QUEUED] * 2
    assert engine.closed == 1
    studio.close()
    assert engine.closed == 2

    assert await workshop.jobs.start(job.photos[0].id)
    (job,) = await workshop.jobs.recover(attempts=2)
    assert [photo.status for photo in job.photos] == [PhotoStatus.FAILED, PhotoStatus.QUEUED]
    assert codes(job.photos) == ["photo-failed", None]
