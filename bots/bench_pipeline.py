"""Photos through the very pipeline that people's photos go through, round by round, with a clock around it."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bots.bench_photos import FreshPhotos
from core.engine import Engine
from core.errors import UserError
from core.jobs import Owner, Ticket
from core.look import Look
from core.photo import Limits
from core.queue import FairQueue
from core.studio import Rules, Studio

# Each round is one album of one person.
OWNER: Final = Owner("bench", "bench")
JOB: Final = "bench"


@dataclass(frozen=True, slots=True)
class Setting:
    """What may differ between two measurements."""

    look: Look
    device: str = "auto"
    batch_size: int = 4
    precision: str = "auto"


BuildEngine = Callable[[Setting], Engine]


@dataclass(frozen=True, slots=True)
class Work:
    """A round: so many photos, those in the files in turn. `source`: where they are from, in words."""

    files: Sequence[Path]
    photos: int
    source: str
    limits: Limits


@dataclass(slots=True)
class Round:
    """`seconds` from the first photo in the queue to the last cartoon on disk; `busy`: the device's part of them.

    `batches`: how many of each number of photos were drawn; `failed`: how many were not, as when memory runs out.
    """

    seconds: float = 0.0
    busy: float = 0.0
    batches: Counter[int] = field(default_factory=Counter[int])
    failed: int = 0


def measured(settings: Sequence[Setting], build_engine: BuildEngine, work: Work, rounds: int) -> list[list[Round]]:
    """The rounds of each setting, in alternation: A B, A B. One more of each comes first and does not count.

    Raises ConfigError when there is no such device, EngineStuck, and the error of a photo that was not drawn.
    """
    return asyncio.run(_measured(settings, build_engine, work, rounds))


async def _measured(
    settings: Sequence[Setting], build_engine: BuildEngine, work: Work, rounds: int
) -> list[list[Round]]:
    async with AsyncExitStack() as opened:
        pipelines = [
            await opened.enter_async_context(_pipeline(setting, build_engine, work)) for setting in settings
        ]
        drawn = [[await pipeline.draw() for pipeline in pipelines] for _ in range(rounds + 1)]
    return [list(of_one) for of_one in zip(*drawn[1:], strict=True)]


@asynccontextmanager
async def _pipeline(setting: Setting, build_engine: BuildEngine, work: Work) -> AsyncGenerator["_Pipeline"]:
    """At work, and warm between rounds."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = _Pipeline(setting, build_engine, work, Path(folder))
        try:
            await pipeline.studio.open()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pipeline.studio.run())
                yield pipeline
                pipeline.studio.stop()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            await asyncio.to_thread(pipeline.studio.close)


class _Pipeline:
    """Queue and studio as the program has them. It is the studio's watcher itself."""

    def __init__(self, setting: Setting, build_engine: BuildEngine, work: Work, folder: Path) -> None:
        self._look = setting.look
        self._photos = FreshPhotos(work.files, work.limits)
        self._count = work.photos
        self._folder = folder
        self._queue: FairQueue[Ticket] = FairQueue(work.photos, work.photos)
        self._ledger = _Ledger()
        self._files = _Files(folder)
        self._settled: asyncio.Queue[str] = asyncio.Queue()
        self._round = Round()
        self.studio = Studio(
            self._queue,
            lambda: build_engine(setting),
            self._ledger,
            self._files,
            self,
            self._settled.put_nowait,
            # What fails ends the measurement; another attempt would only blur the figures.
            Rules(limits=work.limits, batch_size=setting.batch_size, attempts=1),
        )

    async def draw(self) -> Round:
        """All photos once. Raises the error of the first that failed."""
        self._round = Round()
        self._files.sources = await asyncio.to_thread(self._photos.into, self._folder, self._count)
        now = asyncio.get_running_loop().time()
        tickets = [Ticket(number, JOB, OWNER, self._look, now) for number in range(self._count)]
        begun = time.perf_counter()
        self._queue.put(OWNER, tickets)
        for _ in tickets:
            await self._settled.get()
        self._round.seconds = time.perf_counter() - begun
        if self._ledger.failures:
            raise self._ledger.failures[0]
        return self._round

    def batch_drawn(self, style: str, photos: int, seconds: float) -> None:
        self._round.batches[photos] += 1
        self._round.busy += seconds

    def batch_failed(self, reason: str) -> None:
        self._round.failed += 1

    def photo_settled(self, failure: str | None, waited: float, served: float) -> None:
        """The ledger has the failures, and the round is timed as a whole."""


class _Ledger:
    """Every photo is wanted; what is kept is why some failed."""

    def __init__(self) -> None:
        self.failures: list[UserError] = []

    async def start(self, photo_id: int) -> int | None:
        return 0

    async def attempt(self, photo_ids: Sequence[int]) -> Collection[int]:
        return photo_ids

    async def put_back(self, photo_id: int, counted: bool) -> bool:
        return True

    async def finish(self, photo_id: int) -> bool:
        return True

    async def fail(self, photo_id: int, error: UserError) -> bool:
        self.failures.append(error)
        return True


class _Files:
    """Cartoons are written into the folder, a round's over those of the one before."""

    def __init__(self, folder: Path) -> None:
        self.sources: list[Path] = []
        self._folder = folder

    def source(self, photo_id: int) -> Path:
        return self.sources[photo_id]

    def result(self, photo_id: int, file_format: str) -> Path:
        return self._folder / f"{photo_id}.{file_format}"

    def forget(self, photo_id: int) -> None:
        """The folder goes as a whole."""
