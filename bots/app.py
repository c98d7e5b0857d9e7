"""The composition root: builds, opens, supervises and closes everything. Nobody else constructs services."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from bots.albums import Albums
from bots.conversation import Conversation
from bots.courier import Courier
from bots.frontend import FrontEnd
from bots.locales import Locales
from bots.pulls import Pulls
from bots.reception import Reception
from bots.telegram.frontend import TelegramFrontEnd
from bots.telegram.wire import PLATFORM as TELEGRAM
from bots.web.frontend import PLATFORM as WEB
from bots.web.frontend import WebFrontEnd
from core.config import Settings
from core.engine import Engine, LocalEngine
from core.errors import ConfigError
from core.jobs import Job, Ticket
from core.metrics import Metrics
from core.queue import FairQueue
from core.studio import Studio
from core.styles.registry import Build, Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.lock import locked
from storage.spool import Spool
from storage.user_settings import UserSettings

log = logging.getLogger(__name__)

# A photo by itself waits this long for a second one.
LONE_SECONDS = 0.5
# What a stop gives messages that are being sent.
GRACE_SECONDS = 5.0


class _Services(NamedTuple):
    """What is stopped in order when the program stops."""

    reception: Reception
    studio: Studio
    courier: Courier
    jobs: Jobs


class App:
    """One run of the program."""

    def __init__(self, settings: Settings, build_engine: Callable[[str, Build], Engine] = LocalEngine) -> None:
        self._settings = settings
        self._build_engine = build_engine
        self.front_ends: dict[str, FrontEnd] = {}
        self.web: WebFrontEnd | None = None
        self.started = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises ConfigError when the program cannot start as set up."""
        async with AsyncExitStack() as closing:
            services = await self._open(closing)
            drawing = asyncio.create_task(services.studio.run(), name="studio")
            serving = [asyncio.create_task(end.run(), name=name) for name, end in self.front_ends.items()]
            stopping = asyncio.create_task(stop.wait(), name="stop")
            self.started.set()
            try:
                ended, _ = await asyncio.wait([drawing, *serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Nothing new comes in, nothing new is drawn, what is drawn gets its grace, then the chats close.
                await services.reception.close()
                await _cancelled([drawing, stopping])
                await services.jobs.put_back()
                await services.courier.close(GRACE_SECONDS)
                await _cancelled(serving)
            for task in ended - {stopping}:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended although nobody stopped it")

    async def _open(self, closing: AsyncExitStack) -> _Services:
        """Build the services from the inside out; what was opened is closed in reverse."""
        settings = self._settings
        folder = settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            closing.enter_context(locked(folder))
            spool = Spool(folder / "spool")
            database = await Database.open(folder / "cartoonbot.sqlite3")
        except (OSError, sqlite3.DatabaseError) as error:
            raise ConfigError(
                f"The data folder {folder} cannot be used ({error}). "
                "Set DATA_DIR to another one, or free some space."
            ) from error
        closing.push_async_callback(database.close)

        jobs, locales = Jobs(database), Locales()
        weights = WeightsFolder(settings.weights_dir)
        styles = Styles(weights)
        pulls = Pulls(styles, weights, automatic=settings.auto_pull)
        closing.push_async_callback(pulls.close)
        conversation = Conversation(UserSettings(database), styles, pulls.asked, locales)
        queue: FairQueue[Ticket] = FairQueue(settings.queue_limit, settings.user_limit)
        metrics = Metrics(waiting=queue.__len__)
        engine = await asyncio.to_thread(self._build_engine, settings.device, styles.build)

        courier = Courier(jobs, spool, self.front_ends, locales, on_answered=self._answered)
        studio = Studio(
            queue, engine, jobs, metrics, courier.settled, settings.limits, batch_size=settings.batch_size
        )
        closing.push_async_callback(asyncio.to_thread, studio.close)
        reception = Reception(
            conversation,
            Albums(settings.album_seconds, LONE_SECONDS),
            jobs,
            spool,
            queue,
            self.front_ends,
            locales,
            settings.limits,
            courier.settled,
        )

        self.web = WebFrontEnd(
            settings.web_port, folder / "web", conversation, reception, locales, metrics.exposition
        )
        self.front_ends[WEB] = self.web
        if settings.telegram_bot_token is not None:
            token = settings.telegram_bot_token.get_secret_value()
            self.front_ends[TELEGRAM] = TelegramFrontEnd(
                token, settings.telegram_api_url, conversation, reception, locales
            )

        left = await jobs.recover(settings.attempts)
        swept = spool.sweep([photo.id for job in left for photo in job.photos])
        if left or swept:
            log.info("taking up %d jobs of the last run; removed %d stray files", len(left), swept)
        await reception.resume(left)
        return _Services(reception, studio, courier, jobs)

    def _answered(self, job: Job) -> None:
        if self.web is not None:
            self.web.answered(job)


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
