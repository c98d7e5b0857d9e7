"""The inference task: takes photos in fair order and sees each one through.

    queue -> decode (threads) -> micro-batch on the device (one thread) -> encode (threads) -> ledger

The stages overlap; `room` bounds how many photos are between the queue and the ledger, so memory does not
grow with the queue. A bad photo fails alone: decoding comes before batching, and a batch that fails is drawn
again photo by photo.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from core.engine import Engine
from core.errors import OutOfMemory, PhotoFailed, UserError
from core.jobs import Ledger, Ticket
from core.photo import Array, Limits, decode, encode
from core.queue import FairQueue, take_batch

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo ready to be drawn. `pixels`: uint8 RGB [H, W, 3], longest side at most the look's working size."""

    ticket: Ticket
    pixels: Array


class Watcher(Protocol):
    """Who wants to know how work goes; core.metrics counts it."""

    def batch_drawn(self, photos: int, seconds: float) -> None: ...
    def photo_settled(self, done: bool) -> None: ...


class Studio:
    """The one consumer of the queue. `run()` until cancelled, then `close()`.

    `on_settled` is called with a job's id, on the event loop, after each of its photos is done or failed.
    `window` is in seconds.
    """

    def __init__(
        self,
        queue: FairQueue[Ticket],
        engine: Engine,
        ledger: Ledger,
        watcher: Watcher,
        on_settled: Callable[[str], None],
        limits: Limits,
        batch_size: int = 4,
        window: float = 0.02,
    ) -> None:
        self._queue = queue
        self._engine = engine
        self._ledger = ledger
        self._watcher = watcher
        self._on_settled = on_settled
        self._limits = limits
        self._batch_size = batch_size
        self._window = window
        self._room = asyncio.Semaphore(3 * batch_size)
        self._decoded: asyncio.Queue[Decoded] = asyncio.Queue()
        self._device_thread = ThreadPoolExecutor(1, "device")
        self._codec_threads = ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2), "codec")

    async def run(self) -> None:
        """Serve the queue until cancelled. Photos in flight then stay RUNNING in the ledger."""
        async with asyncio.TaskGroup() as photos:
            photos.create_task(self._draw_batches(photos))
            while True:
                await self._room.acquire()
                photos.create_task(self._decode(await self._queue.get()))

    def close(self) -> None:
        """Wait for the threads' current work and free the engine. May be called twice."""
        self._codec_threads.shutdown(cancel_futures=True)
        self._device_thread.shutdown(cancel_futures=True)
        self._engine.close()

    async def _decode(self, ticket: Ticket) -> None:
        try:
            if not await self._ledger.start(ticket.photo_id):
                self._room.release()
                return
            pixels = await self._in_thread(
                self._codec_threads, decode, ticket.source, self._limits, ticket.look.working_size
            )
        except Exception as error:
            await self._settle(ticket, error)
        else:
            self._decoded.put_nowait(Decoded(ticket, pixels))

    async def _draw_batches(self, photos: asyncio.TaskGroup) -> None:
        while True:
            batch = await take_batch(self._decoded, self._batch_size, self._window)
            for photo, outcome in zip(batch, await self._draw(batch), strict=True):
                photos.create_task(self._encode(photo.ticket, outcome))

    async def _draw(self, batch: list[Decoded]) -> list[Array | Exception]:
        """One outcome a photo. What fails together is tried again in smaller parts."""
        looks = [photo.ticket.look for photo in batch]
        started = asyncio.get_running_loop().time()
        try:
            drawn = await self._in_thread(
                self._device_thread, self._engine.stylize, [photo.pixels for photo in batch], looks
            )
            if len(drawn) != len(batch):
                raise RuntimeError(f"the engine drew {len(drawn)} of {len(batch)} photos")
        except Exception as error:
            if len(batch) == 1:
                return [error]
            step = max(1, len(batch) // 2) if isinstance(error, OutOfMemory) else 1
            log.warning("a batch of %d failed (%r); trying again by %d", len(batch), error, step)
            parts = [batch[start : start + step] for start in range(0, len(batch), step)]
            return [outcome for part in parts for outcome in await self._draw(part)]
        self._watcher.batch_drawn(len(batch), asyncio.get_running_loop().time() - started)
        return [*drawn]

    async def _encode(self, ticket: Ticket, outcome: Array | Exception) -> None:
        if isinstance(outcome, Exception):
            await self._settle(ticket, outcome)
            return
        try:
            await self._in_thread(self._codec_threads, _write, ticket, outcome)
        except Exception as error:
            await self._settle(ticket, error)
        else:
            await self._settle(ticket, None)

    async def _settle(self, ticket: Ticket, error: Exception | None) -> None:
        """Write down what became of the photo, and tell."""
        try:
            if error is None:
                await self._ledger.finish(ticket.photo_id)
            else:
                if not isinstance(error, UserError):
                    log.error("photo %d failed", ticket.photo_id, exc_info=error)
                reason = error if isinstance(error, UserError) else PhotoFailed()
                await self._ledger.fail(ticket.photo_id, reason)
            self._watcher.photo_settled(done=error is None)
            self._on_settled(ticket.job_id)
        except Exception:
            # The row stays RUNNING; the next start queues it again.
            log.exception("could not write down what became of photo %d", ticket.photo_id)
        finally:
            self._room.release()

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        """The one place where threads meet the event loop."""
        return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)


def _write(ticket: Ticket, cartoon: Array) -> None:
    """The result appears whole or not at all."""
    data = encode(cartoon, ticket.look.format)
    unfinished: Path = ticket.result.with_name(ticket.result.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(ticket.result)
