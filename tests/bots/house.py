"""The program around one front end in memory, with real rows, files and pictures; an engine that is quick."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bots.access import Access
from bots.albums import Albums
from bots.buttons import Buttons
from bots.courier import Courier
from bots.frontend import FrontEnd, HeardPhoto, Person
from bots.intake import Intake
from bots.locales import Locales
from bots.orders import Orders
from bots.progress import Progress
from bots.reception import Reception
from bots.samples import StylePictures
from core.engine import Engine
from core.jobs import Chat, Job, Owner, Photo, PhotoStatus, Ticket
from core.look import Look
from core.metrics import Metrics
from core.pace import Forecast
from core.photo import Limits
from core.queue import FairQueue
from core.sheet import SheetEngine
from core.studio import Rules, Studio
from core.styles.registry import Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.memory_chat import MemoryChat
from tests.pictures import gradient, jpeg_bytes
from tests.running import TODAY, QuickEngine, conversation_of

GOOD = jpeg_bytes(gradient(60, 40))
ANNA = Person(Owner("memory", "anna"), "en")
H = TypeVar("H", bound="House")


class House:
    """Everything around the front end, as bots.app builds it.

    `settled` tells which job the courier was asked to look after, `answered` which one it is done with.
    """

    def __init__(self, database: Database, folder: Path, queue_limit: int, user_limit: int, window: float) -> None:
        self.platform = MemoryChat()
        self.database = database
        self.jobs, self.spool = Jobs(database), Spool(folder / "spool")
        self.settings = UserSettings(database)
        self.queue: FairQueue[Ticket] = FairQueue(queue_limit, user_limit)
        self.settled: asyncio.Queue[str] = asyncio.Queue()
        self.answered: asyncio.Queue[Job] = asyncio.Queue()
        self.locales = Locales()
        self.engine: Engine = QuickEngine()
        weights = WeightsFolder(folder / "weights")
        self.styles = styles = Styles(weights)
        self.front_ends: dict[str, FrontEnd] = {"memory": self.platform}
        self.delivered: list[int] = []
        self.progress = Progress(self.jobs, self.forecast, self.front_ends, self.locales)
        self.courier = Courier(
            self.jobs,
            self.spool,
            self.front_ends,
            self.locales,
            self.progress,
            self.over,
            self.delivered.append,
        )
        self.orders = Orders(
            self.jobs,
            self.queue,
            self.spool,
            self.settings,
            self.forecast,
            self._settle,
            self.forgotten,
            self.forget_more,
        )
        self.metrics = Metrics(self.queue.__len__, lambda: self.spool.used, lambda: 0)
        self.studio = Studio(
            self.queue,
            lambda: SheetEngine(self.engine, lambda: styles.installed),
            self.jobs,
            self.spool,
            self.metrics,
            self._settle,
            Rules(),
        )
        self.people = People(database)
        pictures = StylePictures(styles, weights, folder)
        self.conversation = conversation = conversation_of(database, styles, styles.missing, self.orders, pictures)
        access = Access(self.people, frozenset(), allowlist=False, quota=0, today=lambda: TODAY)
        self.reception = Reception(
            conversation,
            access,
            Intake(1000, 1000),
            Albums(window, window),
            self.jobs,
            self.spool,
            self.queue,
            self.progress,
            self.front_ends,
            self.locales,
            Limits(file_bytes=1_000_000),
            self._settle,
        )
        self.buttons = Buttons(conversation, self.reception, self.orders, access, self.jobs, styles, self.locales)

    async def send(self, files: Sequence[tuple[str, bytes]], caption: str = "", chat: str = "home") -> str:
        """Photos of one album, all at once; the job's id."""
        heard = [
            HeardPhoto(
                ANNA,
                Chat("memory", chat, message="7"),
                place,
                name,
                f"{chat}/{name}",
                "" if place else caption,
                group=f"album in {chat}",
                weight=len(data),
            )
            for place, (name, data) in enumerate(files)
        ]
        self.platform.uploads |= {photo.reference: data for photo, (_, data) in zip(heard, files, strict=True)}
        # Heard together they take turns at the reception, and a window of no seconds closes after the last.
        (job_id,) = set(await asyncio.gather(*(self.reception.hear(photo) for photo in heard)))
        return job_id

    async def drawn(
        self, cartoons: Sequence[bytes], look: Look, delivery: str = "auto", chat: str = "home"
    ) -> str:
        """A job with these cartoons in the spool and nothing delivered yet; its id."""
        job_id = await self.jobs.open_job(ANNA.owner, Chat("memory", chat), "en", look, delivery)
        for place, cartoon in enumerate(cartoons):
            photo_id = await self.jobs.add_photo(job_id, place, f"{place}.jpg", f"reference {place}")
            assert photo_id
            self.spool.source(photo_id).write_bytes(GOOD)
            self.spool.result(photo_id, look.format).write_bytes(cartoon)
            await self.jobs.enqueue([photo_id])
            await self.jobs.start(photo_id)
            await self.jobs.finish(photo_id)
        return job_id

    @asynccontextmanager
    async def drawing(self) -> AsyncGenerator[None]:
        await self.studio.open()
        run = asyncio.create_task(self.studio.run())
        try:
            yield
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await asyncio.to_thread(self.studio.close)

    async def finish(self, job_id: str) -> None:
        """Wait until each photo of the job is answered, and the courier has put its pen down."""
        async with asyncio.timeout(20):
            while {photo.status for photo in await self.photos(job_id)} != {PhotoStatus.ANSWERED}:
                await self.answered.get()
        # Reading sees a write before its commit; an empty write waits its turn behind it.
        await self.jobs.answered({})
        await self.courier.close(grace=20)

    async def job(self, job_id: str) -> Job:
        job = await self.jobs.job(job_id)
        assert job is not None
        return job

    async def photos(self, job_id: str) -> tuple[Photo, ...]:
        return (await self.job(job_id)).photos

    async def leaves_nothing_behind(self) -> bool:
        files = list(self.spool.source(0).parent.iterdir())
        return not files and not await self.left() and not await self.jobs.closed_with_progress()

    async def restart(self) -> None:
        """Take up what an earlier run left, as the program does."""
        await self.jobs.recover(attempts=3)
        await self.reception.resume(self.jobs.open_jobs())
        for job in await self.jobs.closed_with_progress():
            self.courier.settled(job.id)

    def over(self, job: Job) -> None:
        """Nothing more will come of it."""
        self.answered.put_nowait(job)

    def forgotten(self, job: Job) -> None:
        """Somebody does not want it any more."""
        self.progress.drop(job)

    async def forget_more(self, owner: Owner) -> None:
        """No front end keeps anything of a person itself."""

    async def left(self) -> list[Job]:
        return [job async for job in self.jobs.open_jobs()]

    def forecast(self, owner: Owner, jobs: Collection[str], photos: int, look: Look) -> Forecast:
        return self.studio.forecast(owner, jobs, photos, look)

    def _settle(self, job_id: str) -> None:
        self.courier.settled(job_id)
        self.settled.put_nowait(job_id)


@asynccontextmanager
async def house_in(
    folder: Path, queue_limit: int = 100, user_limit: int = 60, window: float = 0.0
) -> AsyncGenerator[House]:
    """A house with people in it; `window` is in seconds."""
    database = await Database.open(folder / "cartoonbot.sqlite3")
    async with lived_in(House(database, folder, queue_limit, user_limit, window)) as house:
        yield house


@asynccontextmanager
async def lived_in(house: H) -> AsyncGenerator[H]:
    """Its progress messages are kept up to date, and it is closed like the program."""
    progress = asyncio.create_task(house.progress.run())
    try:
        yield house
    finally:
        await house.courier.close(grace=20)
        await house.reception.close()
        progress.cancel()
        await asyncio.wait([progress])
        await house.database.close()
