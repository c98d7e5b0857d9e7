"""The inference task: takes photos in fair order and sees each one through.

    queue -> decode, find faces (threads) -> micro-batch on the device (one thread) -> encode (threads) -> ledger

The stages overlap, each with bounded room, so memory does not grow with the queue. What goes wrong with one photo
stays with it: decoding comes before batching, and a batch that fails is drawn again photo by photo. When the
device has not answered for many times the usual time, its engine is given up and another one draws. Nothing is
forgotten: what cannot be written down waits until it can.

A device that is elsewhere (core.cluster) takes several batches at once: each has a lane, a thread of its own.
"""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from PIL import Image

from core.batches import Batches, Decoded
from core.device_thread import DeviceThread
from core.engine import Engine, device_bytes
from core.errors import EngineAway, EngineStuck, OutOfMemory, PhotoFailed, UserError
from core.jobs import Files, Ledger, Owner, Ticket
from core.look import Look, SheetKind
from core.memory import MemoryLimits
from core.pace import Forecast, Pace
from core.photo import Array, Limits, decode, encode, fitted, resized
from core.queue import FairQueue, Turn
from core.writing import sync, to_disk, until_written

log = logging.getLogger(__name__)

# With many lanes, how many batches wait in memory besides those that are drawn.
MOST_BATCHES_BESIDE: Final = 8
# A batch is late beyond all doubt after so many times the usual.
LATE: Final = 20
# After so many restarts without a drawing in between, a new process is what may help.
MOST_RESTARTS: Final = 5


class Watcher(Protocol):
    """Who wants to know how work goes; core.metrics counts it. Times are in seconds."""

    def batch_drawn(self, style: str, photos: int, seconds: float) -> None: ...
    def batch_failed(self, reason: str) -> None: ...
    def photo_settled(self, failure: str | None, waited: float, served: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the studio works: `attempts` at a photo before it counts as failed; times in seconds.

    A style's first batch, which loads it, may take `first_deadline`; later ones `least_deadline`, or many times
    what is usual. `lanes`: how many batches the engine is handed at once, each from a thread of its own.
    """

    limits: Limits = field(default_factory=Limits)
    batch_size: int = 4
    lanes: int = 1
    attempts: int = 3
    window: float = 0.02
    first_deadline: float = 600.0
    least_deadline: float = 60.0


class Studio:
    """The one consumer of the queue: `open()`, then `run()` until `stop()` or cancelled, then `close()`.

    `on_settled` is called with a job's id, on the event loop, after each of its photos is done or failed.
    """

    def __init__(
        self,
        queue: FairQueue[Ticket],
        build_engine: Callable[[], Engine],
        ledger: Ledger,
        files: Files,
        watcher: Watcher,
        on_settled: Callable[[str], None],
        rules: Rules,
    ) -> None:
        self._queue = queue
        self._build_engine = build_engine
        self._ledger = ledger
        self._files = files
        self._watcher = watcher
        self._on_settled = on_settled
        self._rules = rules
        self._engine: Engine | None = None
        self._warm: set[tuple[str, SheetKind | None]] = set()
        self._restarts = 0
        self._restarting = asyncio.Lock()
        self._pace = Pace(rules.lanes)
        self._memory = MemoryLimits(rules.batch_size)
        self._batches = Batches(rules.window)
        # The batches on the device and the next ones beside them; some on their way out.
        next_ones = min(rules.lanes, MOST_BATCHES_BESIDE)
        self._room = asyncio.Semaphore((rules.lanes + next_ones) * rules.batch_size)
        self._way_out = asyncio.Semaphore((1 + next_ones) * rules.batch_size)
        # Photos that left the queue and are not settled, by job.
        self._in_hand: Counter[str] = Counter()
        # The numbers of the photos that the device had when `run` was cancelled.
        self.interrupted: set[int] = set()
        # Memory held on the device after the latest batch; asking for it could wait for a device that hangs.
        self.device_bytes = 0
        self._stopping = asyncio.Event()
        self._lanes = [DeviceThread() for _ in range(rules.lanes)]
        self._codec_threads = ThreadPoolExecutor(max(2, os.cpu_count() or 2), "codec")

    async def open(self) -> None:
        """Build the engine. Raises ConfigError when there is no such device, EngineStuck when it is too slow."""
        self._engine = await self._lanes[0].call(self._rules.first_deadline, self._build_engine)

    async def run(self) -> None:
        """Serve the queue. Photos in hand when it is cancelled stay RUNNING in the ledger.

        Raises EngineStuck when the device does not come back.
        """
        try:
            async with asyncio.TaskGroup() as photos:
                feeding = photos.create_task(self._feed(photos))
                for lane in self._lanes:
                    photos.create_task(self._draw_batches(photos, lane))
                await self._stopping.wait()
                feeding.cancel()
                self._batches.close()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    def stop(self) -> None:
        """Begin nothing new; `run` ends when the batch on the device, if any, is drawn and written down."""
        self._stopping.set()

    def close(self, seconds: float = 10.0) -> None:
        """Wait for the threads' current work, `seconds` at most for the device, and free the engine."""
        self._codec_threads.shutdown(cancel_futures=True)
        for lane in self._lanes:
            lane.close(self._free, seconds / len(self._lanes))

    def in_hand(self, besides: Collection[str] = ()) -> int:
        """How many photos have left the queue and are not settled yet, not counting those of some jobs."""
        return sum(photos for job_id, photos in self._in_hand.items() if job_id not in besides)

    def forecast(self, owner: Owner, jobs: Collection[str], photos: int, look: Look) -> Forecast:
        """When so many photos in this look, of some jobs of one owner, will be drawn, if nobody else comes."""
        ahead = self._queue.ahead_of(owner, lambda ticket: ticket.job_id in jobs) + self.in_hand(jobs)
        return Forecast(ahead, self._pace.until_done(ahead, photos, look))

    async def _feed(self, photos: asyncio.TaskGroup) -> None:
        while True:
            await self._room.acquire()
            turn = await self._queue.get()
            photos.create_task(self._decode(turn))

    async def _decode(self, turn: Turn[Ticket]) -> None:
        ticket = turn.item
        clock = asyncio.get_running_loop().time
        self._in_hand[ticket.job_id] += 1
        try:
            tries = await until_written(lambda: self._ledger.start(ticket.photo_id))
            if tries is None:
                self._room.release()
                self._let_go(ticket)
                return
            pixels = await asyncio.get_running_loop().run_in_executor(self._codec_threads, self._opened, ticket)
        except Exception as error:
            self._room.release()
            await self._settle(ticket, error, clock())
        else:
            self._batches.add(Decoded(turn, pixels, tries, clock()))

    def _opened(self, ticket: Ticket) -> Array:
        pixels = decode(self._files.source(ticket.photo_id), self._rules.limits, ticket.look.working_size)
        assert self._engine is not None  # open() comes before run()
        try:
            self._engine.prepare(pixels)
        except Exception:
            # What it was for is done when the photo is drawn, and failing counts then.
            log.warning("photo %d could not be prepared", ticket.photo_id, exc_info=True)
        return pixels

    async def _draw_batches(self, photos: asyncio.TaskGroup, lane: DeviceThread) -> None:
        clock = asyncio.get_running_loop().time
        while batch := await self._batches.take(lambda first: self._memory.photos(first.ticket.look)):
            begun = clock()
            outcomes = await self._attempt(batch, lane)
            for photo in batch:
                await self._way_out.acquire()
                self._room.release()
                photos.create_task(self._see_out(photo, outcomes.get(photo.ticket.photo_id), begun))

    async def _attempt(self, batch: Sequence[Decoded], lane: DeviceThread) -> dict[int, Array | Exception]:
        """What became of each photo, by its number; nothing of those that are no longer wanted."""
        ids = [photo.ticket.photo_id for photo in batch]
        wanted = await until_written(lambda: self._ledger.attempt(ids))
        batch = [photo for photo in batch if photo.ticket.photo_id in wanted]
        for photo in batch:
            photo.tries += 1
        try:
            return await self._draw(batch, lane) if batch else {}
        except asyncio.CancelledError:
            self.interrupted.update(ids)
            raise

    async def _draw(self, batch: Sequence[Decoded], lane: DeviceThread) -> dict[int, Array | Exception]:
        """What became of each photo. What fails together is tried again in smaller parts."""
        look, engine = batch[0].ticket.look, self._engine
        assert engine is not None  # open() comes before run()
        try:
            drawn = await self._on_device(batch, engine, lane)
        except OutOfMemory as error:
            self._watcher.batch_failed("out-of-memory")
            if not self._memory.ran_out(look, len(batch)):
                return _all(batch, error)
            log.warning("%s; from now on smaller", error)
            part, again = len(batch), self._draw
        except EngineStuck as error:
            self._watcher.batch_failed("stuck")
            await self._restart(engine, lane)
            return _all(batch, error)
        except Exception as error:
            self._watcher.batch_failed("failed")
            if len(batch) == 1:
                return _all(batch, error)
            log.warning("a batch of %d failed (%r); trying again one by one", len(batch), error)
            part, again = 1, self._attempt
        else:
            self._restarts = 0
            self._memory.fitted(look, len(batch))
            return {photo.ticket.photo_id: cartoon for photo, cartoon in zip(batch, drawn, strict=True)}
        outcomes: dict[int, Array | Exception] = {}
        while batch:
            # The first part may have shown that less fits.
            part = min(part, self._memory.photos(look))
            outcomes |= await again(batch[:part], lane)
            batch = batch[part:]
        return outcomes

    async def _on_device(self, batch: Sequence[Decoded], engine: Engine, lane: DeviceThread) -> list[Array]:
        """Raises whatever the engine raises, and EngineStuck when it does not answer."""
        looks = [photo.ticket.look for photo in batch]
        sizes = [self._memory.size(look) for look in looks]
        each = self._pace.of(looks[0])
        patience = self._rules.first_deadline
        # A sheet shows styles that no photo may have asked for yet.
        kind = (looks[0].style, looks[0].sheet)
        if each is not None and kind in self._warm:
            patience = max(self._rules.least_deadline, LATE * each * len(batch))
        clock = asyncio.get_running_loop().time
        begun = clock()
        drawn, self.device_bytes = await lane.call(
            patience, _stylized, engine, [photo.pixels for photo in batch], looks, sizes
        )
        seconds = clock() - begun
        self._pace.drawn(looks[0], len(batch), seconds)
        self._watcher.batch_drawn(looks[0].style, len(batch), seconds)
        self._warm.add(kind)
        return drawn

    async def _restart(self, engine: Engine, lane: DeviceThread) -> None:
        lane.abandon(engine.close)
        async with self._restarting:
            if self._engine is not engine:
                # Another lane was first.
                return
            self._restarts += 1
            if self._restarts > MOST_RESTARTS:
                raise EngineStuck("The device did not answer, not even after restarts of the engine.")
            log.error("the device does not answer: starting another engine (restart %d)", self._restarts)
            self._warm.clear()
            self._engine = await lane.call(self._rules.first_deadline, self._build_engine)

    async def _see_out(self, photo: Decoded, outcome: Array | Exception | None, begun: float) -> None:
        """Write the cartoon, or try again later, or fail."""
        ticket = photo.ticket
        try:
            if outcome is None:
                self._let_go(ticket)
            elif isinstance(outcome, EngineAway):
                # No fault of the photo's: it waits for as long as it takes.
                await self._queue_again(ticket, outcome, counted=False)
            elif isinstance(outcome, Exception):
                if isinstance(outcome, UserError) or photo.tries >= self._rules.attempts:
                    await self._settle(ticket, outcome, begun)
                else:
                    await self._queue_again(ticket, outcome)
            else:
                await self._write(ticket, outcome)
                await self._settle(ticket, None, begun)
        except Exception as error:
            await self._settle(ticket, error, begun)
        finally:
            self._way_out.release()

    async def _write(self, ticket: Ticket, cartoon: Array) -> None:
        result = self._files.result(ticket.photo_id, ticket.look.format)
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(self._codec_threads, encode, cartoon, ticket.look.format)
        await until_written(lambda: loop.run_in_executor(self._codec_threads, _write, result, data))

    async def _queue_again(self, ticket: Ticket, error: Exception, counted: bool = True) -> None:
        log.warning("photo %d failed (%r); it will be tried again", ticket.photo_id, error)
        if await until_written(lambda: self._ledger.put_back(ticket.photo_id, counted)):
            self._queue.put(ticket.owner, [ticket], bounded=False)
        self._let_go(ticket)

    async def _settle(self, ticket: Ticket, error: Exception | None, begun: float) -> None:
        """Write down what became of the photo, and tell, unless it was called off."""
        reason = error if error is None or isinstance(error, UserError) else PhotoFailed()
        try:
            wanted = await until_written(lambda: self._write_down(ticket, reason))
        except Exception:
            # The row stays RUNNING; the next start queues it again.
            log.exception("what became of photo %d could not be written down", ticket.photo_id)
        else:
            if not wanted:
                return
            if reason is not error:
                log.error("a photo failed", exc_info=error, extra={"photo": ticket.photo_id, "job": ticket.job_id})
            now = asyncio.get_running_loop().time()
            self._watcher.photo_settled(reason.code if reason else None, begun - ticket.since, now - begun)
            self._on_settled(ticket.job_id)
        finally:
            self._let_go(ticket)

    async def _write_down(self, ticket: Ticket, reason: UserError | None) -> bool:
        if reason is not None:
            return await self._ledger.fail(ticket.photo_id, reason)
        finished = await self._ledger.finish(ticket.photo_id)
        if not finished:
            # Called off while it was drawn.
            await asyncio.to_thread(self._files.forget, ticket.photo_id)
        return finished

    def _let_go(self, ticket: Ticket) -> None:
        self._in_hand[ticket.job_id] -= 1
        if not self._in_hand[ticket.job_id]:
            del self._in_hand[ticket.job_id]

    def _free(self) -> None:
        if self._engine is not None:
            self._engine.close()


def _all(batch: Sequence[Decoded], error: Exception) -> dict[int, Array | Exception]:
    return {photo.ticket.photo_id: error for photo in batch}


def _stylized(
    engine: Engine, photos: Sequence[Array], looks: Sequence[Look], sizes: Sequence[int]
) -> tuple[list[Array], int]:
    """The cartoons at the looks' sizes, and the bytes held on the device.

    Where memory allows only a smaller size, they are drawn at that and enlarged; but sheets are smaller then.
    """
    thrifty = [
        photo if size == look.size or max(photo.shape) <= size else resized(photo, size)
        for photo, look, size in zip(photos, looks, sizes, strict=True)
    ]
    drawn = engine.stylize(thrifty, [replace(look, size=size) for look, size in zip(looks, sizes, strict=True)])
    if len(drawn) != len(photos):
        raise RuntimeError(f"the engine drew {len(drawn)} of {len(photos)} photos")
    cartoons = [
        cartoon if size == look.size or look.sheet else _enlarged(cartoon, photo, look.size)
        for cartoon, photo, look, size in zip(drawn, photos, looks, sizes, strict=True)
    ]
    return cartoons, device_bytes()


def _enlarged(cartoon: Array, photo: Array, size: int) -> Array:
    """The cartoon in the photo's proportions, its own being rounded already."""
    height, width = fitted(photo.shape[0], photo.shape[1], size)
    return np.asarray(Image.fromarray(cartoon).resize((width, height), Image.Resampling.LANCZOS))


def _write(result: Path, data: bytes) -> None:
    """The result appears whole or not at all."""
    unfinished = result.with_name(result.name + ".part")
    with to_disk():
        unfinished.write_bytes(data)
        unfinished.replace(result)
        sync(result)
