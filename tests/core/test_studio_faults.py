"""The studio when things go wrong: a device that hangs, a full disk, work called off, and an end at any moment."""

import asyncio
import logging
import shutil
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineStuck
from core.jobs import Owner
from core.look import Look
from core.photo import Array
from core.studio import MOST_RESTARTS, Rules
from tests.workshop import (
    ANNA,
    BEN,
    DARK,
    GOOD,
    LONG,
    PATIENCE,
    SMALL,
    Gate,
    HeldEngine,
    Trouble,
    TroubledEngine,
    Workshop,
    all_decoded,
    is_dark,
    trouble_with_more_than,
    workshop_in,
)

ONE_BY_ONE = Rules(batch_size=1)
TWO_AT_ONCE = Rules(batch_size=2, window=LONG)


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncGenerator[Workshop]:
    async with workshop_in(tmp_path) as workshop:
        yield workshop


def cannot_see(times: int) -> Trouble:
    """Fails so many times on batches with a dark photo."""
    left = times

    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        nonlocal left
        if left and any(is_dark(photo) for photo in photos):
            left -= 1
            raise RuntimeError("I cannot see")

    return trouble


# A device that does not answer.


class Devices:
    """Builds engines that do not return from batches with such a photo, until they are let go."""

    def __init__(self, unanswered: Callable[[Array], bool]) -> None:
        self.engines: list[TroubledEngine] = []
        self._unanswered = unanswered
        self._let_go = threading.Event()

    @property
    def sizes(self) -> list[int]:
        return [size for engine in self.engines for size in engine.sizes]

    def build(self) -> TroubledEngine:
        self.engines.append(TroubledEngine(self._hang))
        return self.engines[-1]

    async def let_go(self) -> None:
        """The abandoned ones return at last; each must be closed then."""
        self._let_go.set()
        for engine in self.engines:
            assert await asyncio.to_thread(engine.closed.wait, PATIENCE)

    def _hang(self, photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if any(self._unanswered(photo) for photo in photos):
            self._let_go.wait(PATIENCE)


async def test_a_photo_that_hangs_the_device_fails_and_new_engines_draw_the_others(workshop: Workshop):
    await workshop.take([GOOD, GOOD, DARK, GOOD])
    devices = Devices(is_dark)
    studio = workshop.studio(devices.build, Rules(batch_size=4, window=LONG, first_deadline=1, least_deadline=1))
    await studio.open()
    run = asyncio.create_task(studio.run())
    async with asyncio.timeout(PATIENCE):
        await workshop.all_settled(4)
        studio.stop()
        await run
    assert await workshop.codes() == [None, None, "photo-failed", None]
    assert await workshop.statuses() == ["done", "done", "failed", "done"]
    # All together first, then each alone, and the bad one once more.
    assert devices.sizes == [4, 1, 1, 1, 1, 1]
    assert workshop.counted('cartoonbot_batch_failures_total{reason="stuck"} 3.0')
    assert len(devices.engines) == 4
    assert not any(engine.closed.is_set() for engine in devices.engines)
    await asyncio.to_thread(studio.close)
    await devices.let_go()


async def test_a_device_that_stays_stuck_ends_the_run(workshop: Workshop):
    await workshop.take([GOOD] * 4)
    devices = Devices(lambda photo: True)
    studio = workshop.studio(devices.build, Rules(batch_size=1, first_deadline=0.5))
    await studio.open()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(EngineStuck):
            await studio.run()
    assert len(devices.engines) == MOST_RESTARTS + 1
    assert devices.sizes == [1] * (MOST_RESTARTS + 1)
    await workshop.jobs.recover(attempts=3)
    assert await workshop.statuses() == ["queued"] * 4
    # The last engine is still at it: no use waiting for it.
    studio.close(seconds=0)
    await devices.let_go()


async def test_an_engine_that_is_not_built_in_time_is_stuck(workshop: Workshop):
    gate = Gate()

    def build() -> TroubledEngine:
        gate.wait()
        return TroubledEngine()

    studio = workshop.studio(build, Rules(first_deadline=0.1))
    with pytest.raises(EngineStuck):
        await studio.open()
    gate.open()
    await asyncio.to_thread(studio.close)


# Work that is called off.


async def call_off(workshop: Workshop, owner: Owner) -> None:
    for photo in await workshop.jobs.cancel(owner):
        workshop.spool.forget(photo.photo_id)


async def test_photos_called_off_while_queued_are_not_drawn(workshop: Workshop):
    await workshop.take([GOOD] * 3)
    await call_off(workshop, ANNA)
    (bens,) = await workshop.take([GOOD], SMALL, BEN)
    engine = TroubledEngine()
    await workshop.draw(engine, ONE_BY_ONE, 1)
    assert engine.sizes == [1]
    assert await workshop.statuses() == ["cancelled"] * 3 + ["done"]
    assert workshop.files() == {f"{bens}.source", f"{bens}.jpg"}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_photo_called_off_before_or_after_its_file_is_opened_is_not_drawn(workshop: Workshop, moment: str):
    (annas,) = await workshop.take([GOOD])
    gate = Gate()
    setattr(workshop.spool.slow_source(annas), moment, gate)
    engine = TroubledEngine()
    async with workshop.drawing(engine, ONE_BY_ONE) as studio:
        await gate.reached()
        await call_off(workshop, ANNA)
        gate.open()
        await all_decoded()
        # Would be drawn after it.
        (bens,) = await workshop.take([GOOD], SMALL, BEN)
        assert await workshop.settled.get() == workshop.job_ids[1]
    assert not studio.in_hand()
    assert engine.sizes == [1]
    assert await workshop.statuses() == ["cancelled", "done"]
    assert workshop.files() == {f"{bens}.source", f"{bens}.jpg"}
    assert workshop.metrics.drawn == 1
    assert workshop.metrics.failed == 0


@pytest.mark.parametrize("forgotten", [False, True])
async def test_photos_called_off_while_on_the_device_are_not_kept(workshop: Workshop, forgotten: bool):
    await workshop.take([GOOD] * 2)
    engine = HeldEngine()
    async with workshop.drawing(engine, TWO_AT_ONCE) as studio:
        await engine.next_batch()
        await call_off(workshop, ANNA)
        if forgotten:
            await workshop.jobs.forget(ANNA)
        engine.release_all()
    assert not studio.in_hand()
    assert await workshop.statuses() == ([] if forgotten else ["cancelled"] * 2)
    assert workshop.files() == set()
    assert workshop.settled.empty()
    assert workshop.metrics.drawn == workshop.metrics.failed == 0


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_photo_called_off_while_it_fails_is_neither_tried_again_nor_failed(
    workshop: Workshop, attempts: int
):
    await workshop.take([GOOD])
    engine = HeldEngine(trouble_with_more_than(0, RuntimeError("never")))
    async with workshop.drawing(engine, Rules(batch_size=1, attempts=attempts)) as studio:
        await engine.next_batch()
        await call_off(workshop, ANNA)
        engine.release_all()
    assert not studio.in_hand()
    assert len(workshop.queue) == 0
    assert await workshop.statuses() == ["cancelled"]
    assert workshop.settled.empty()
    assert workshop.metrics.failed == 0


# A disk that is full for a while.


@contextmanager
def warning_of_a_full_disk() -> Generator[asyncio.Event]:
    """Set when the log gives one."""
    given = asyncio.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "cannot be written" in record.getMessage():
                given.set()

    listener, log = Listener(), logging.getLogger("core.writing")
    log.addHandler(listener)
    try:
        yield given
    finally:
        log.removeHandler(listener)


async def make_each_step_need_room(workshop: Workshop) -> None:
    await workshop.database.reading.execute("CREATE TABLE ballast (bytes BLOB)")
    await workshop.database.reading.execute(
        "CREATE TRIGGER heavy AFTER UPDATE ON photos BEGIN INSERT INTO ballast VALUES (zeroblob(50000)); END"
    )


@asynccontextmanager
async def full_database(workshop: Workshop) -> AsyncGenerator[None]:
    """No page more for SQLite, until that has kept somebody from writing."""
    with warning_of_a_full_disk() as warning:
        # SQLite takes it for as many pages as there are.
        await workshop.database.reading.execute("PRAGMA max_page_count = 1")
        yield
        await warning.wait()
    await workshop.database.reading.execute("PRAGMA max_page_count = 1000000")


async def test_a_full_database_is_waited_out_at_every_step(workshop: Workshop):
    *_, bad = await workshop.take([GOOD, DARK, b"words"])
    gate = workshop.spool.slow_source(bad).before = Gate()
    await make_each_step_need_room(workshop)
    engine = HeldEngine(cannot_see(times=2))
    # Starts, one end by failing, attempts of parts, one more putting back, and the other ends.
    async with full_database(workshop):
        drawing = workshop.drawing(engine, TWO_AT_ONCE)
        await drawing.__aenter__()
    await gate.reached()
    await engine.next_batch()
    async with full_database(workshop):
        gate.open()
    await workshop.all_settled(1)
    for _ in range(3):
        async with full_database(workshop):
            engine.release()
        await engine.next_batch()
    async with full_database(workshop):
        engine.release()
    await workshop.all_settled(2)
    await drawing.__aexit__(None, None, None)
    assert engine.sizes == [2, 1, 1, 1]
    assert await workshop.codes() == [None, None, "not-a-photo"]
    assert await workshop.statuses() == ["done", "done", "failed"]
    assert workshop.metrics.drawn == 2
    assert workshop.metrics.failed == 1


async def test_a_full_spool_is_waited_out(workshop: Workshop):
    photo_ids = await workshop.take([GOOD] * 10)
    no_room = [workshop.spool.folder / f"{photo_id}.jpg.part" for photo_id in photo_ids]
    for path in no_room:
        # Writing there fails as on a full disk.
        path.symlink_to("/dev/full")
    with warning_of_a_full_disk() as warning:
        async with workshop.drawing(TroubledEngine(), TWO_AT_ONCE):
            await warning.wait()
            assert "done" not in await workshop.statuses()
            for path in no_room:
                path.unlink()
            await workshop.all_settled(10)
    assert await workshop.statuses() == ["done"] * 10
    assert [workshop.result_size(photo_id) for photo_id in photo_ids] == [(512, 341)] * 10
    assert workshop.files() == {f"{photo_id}.{end}" for photo_id in photo_ids for end in ("source", "jpg")}


async def test_an_end_while_the_disk_is_full_loses_nothing(workshop: Workshop):
    await workshop.take([GOOD] * 4)
    await make_each_step_need_room(workshop)
    engine = HeldEngine()
    studio = workshop.studio(lambda: engine, TWO_AT_ONCE)
    await studio.open()
    run = asyncio.create_task(studio.run())
    await engine.next_batch()
    async with full_database(workshop):
        engine.release_all()
    run.cancel()
    await asyncio.wait([run])
    await asyncio.to_thread(studio.close)
    assert run.cancelled()
    await workshop.jobs.recover(attempts=3)
    waiting = await workshop.restart()
    await workshop.draw(TroubledEngine(), ONE_BY_ONE, waiting)
    assert await workshop.statuses() == ["done"] * 4


# An end at any moment.


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine; each time that it is about to wait, it tells."""

    def __init__(self, work: Coroutine[Any, Any, Any], waits: Callable[[], None]) -> None:
        self._work = work
        self._waits = waits

    def send(self, value: Any) -> Any:
        waiting_for = self._work.send(value)
        self._waits()
        return waiting_for

    def throw(self, *error: Any) -> Any:
        waiting_for = self._work.throw(*error)
        self._waits()
        return waiting_for

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


def task_cancelled_at(moment: int, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that is cancelled when it, or one of those that it begins, is about to wait for the n-th time.

    0: before it has begun.
    """
    loop = asyncio.get_running_loop()
    left = moment

    def waits() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            task.cancel()

    def watched_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(Watched(work, waits), loop=loop, **options)

    loop.set_task_factory(watched_task)
    task = asyncio.create_task(work)
    if moment == 0:
        task.cancel()
    task.add_done_callback(lambda _: loop.set_task_factory(None))
    return task


async def serve(workshop: Workshop, moment: int | None = None) -> bool:
    """Serve all that waits, or until that moment; whether it came to the end."""
    waiting = await workshop.restart()

    def on_settled(job_id: str) -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting:
            studio.stop()

    rules = Rules(batch_size=2, window=0, attempts=10)
    studio = workshop.studio(lambda: TroubledEngine(cannot_see(times=2)), rules, on_settled)
    await studio.open()
    if not waiting:
        studio.stop()
    run = asyncio.create_task(studio.run()) if moment is None else task_cancelled_at(moment, studio.run())
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([run])
    studio.close()
    if run.cancelled():
        return False
    run.result()
    return True


async def check_whole(workshop: Workshop) -> None:
    """Whatever is done has its cartoon, and nothing half is left."""
    for photo in await workshop.photos():
        if photo.status == "done":
            assert workshop.result_size(photo.id) == (512, 341)
    assert not [name for name in workshop.files() if name.endswith(".part")]


async def test_an_end_at_any_moment_loses_nothing_and_repeats_nothing(tmp_path: Path):
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    async with workshop_in(tmp_path / "model") as workshop:
        await workshop.take([GOOD, DARK, b"words", GOOD, GOOD])
        connection = workshop.database.reading
        await connection.execute("CREATE TABLE settled (photo INTEGER, status TEXT)")
        await connection.execute(
            "CREATE TRIGGER settling AFTER UPDATE OF status ON photos WHEN NEW.status IN ('done', 'failed') "
            "BEGIN INSERT INTO settled VALUES (NEW.id, NEW.status); END"
        )
    moment = ended = 0
    # How often they wait differs a little from run to run.
    while ended < 5:
        folder = tmp_path / str(moment)
        shutil.copytree(tmp_path / "model", folder)
        async with workshop_in(folder) as workshop:
            connection = workshop.database.reading
            # Nobody pulls the plug here.
            await connection.execute("PRAGMA synchronous = OFF")
            ended += await serve(workshop, moment)
            await check_whole(workshop)
            await workshop.jobs.recover(attempts=10)
            assert await serve(workshop)
            await check_whole(workshop)
            assert await workshop.codes() == [None, None, "not-a-photo", None, None]
            assert await workshop.statuses() == ["done", "done", "failed", "done", "done"]
            cursor = await connection.execute("SELECT photo, status FROM settled ORDER BY photo")
            rows = [tuple(row) for row in await cursor.fetchall()]
            assert rows == [(1, "done"), (2, "done"), (3, "failed"), (4, "done"), (5, "done")]
        shutil.rmtree(folder)
        moment += 1
    assert moment > 50
    assert not complaints
