"""The composition root: builds, opens, supervises and closes everything. Nobody else constructs services."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from bots.access import Access
from bots.administration import Administration
from bots.albums import Albums
from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.courier import Courier
from bots.discord.frontend import DiscordFrontEnd
from bots.discord.wire import PLATFORM as DISCORD
from bots.frontend import FrontEnd
from bots.health import HealthServer
from bots.housekeeping import Housekeeping
from bots.intake import Intake
from bots.lag import watch_loop
from bots.locales import Locales
from bots.orders import Orders
from bots.progress import Progress
from bots.pulls import Pulls
from bots.reception import Reception
from bots.samples import StylePictures
from bots.telegram.frontend import TelegramFrontEnd
from bots.telegram.wire import PLATFORM as TELEGRAM
from bots.web.frontend import PLATFORM as WEB
from bots.web.frontend import WebFrontEnd
from core.config import Settings
from core.engine import Engine, LocalEngine
from core.errors import ConfigError, StorageUnwritable
from core.jobs import Job, Ticket
from core.metrics import Metrics
from core.queue import FairQueue
from core.sheet import SheetEngine
from core.studio import Rules, Studio
from core.styles.registry import Build, Styles
from core.weights import WeightsFolder
from storage.auto_chats import AutoChats
from storage.database import Database
from storage.jobs import Jobs
from storage.lock import locked
from storage.people import People
from storage.spool import Spool
from storage.user_settings import UserSettings

log = logging.getLogger(__name__)

# A photo by itself waits this long for a second one.
LONE_SECONDS = 0.5
# Of the time for a stop: for the batch on the device, then for messages that are being sent, then for the engine.
DRAWING_SHARE, SENDING_SHARE, ENGINE_SHARE = 0.5, 0.15, 0.15


class _Services(NamedTuple):
    """What runs, and is stopped in order when the program stops."""

    reception: Reception
    studio: Studio
    courier: Courier
    jobs: Jobs
    helpers: list[asyncio.Task[None]]


class App:
    """One run of the program."""

    def __init__(self, settings: Settings, build_engine: Callable[[str, Build], Engine] = LocalEngine) -> None:
        self._settings = settings
        self._build_engine = build_engine
        self._begun = time.monotonic()
        self.front_ends: dict[str, FrontEnd] = {}
        self.web: WebFrontEnd | None = None
        self.health: HealthServer | None = None
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
                ended, _ = await asyncio.wait(
                    [drawing, *serving, *services.helpers, stopping], return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                await self._stop(services, drawing)
                await _cancelled([*serving, *services.helpers, stopping])
            for task in ended - {stopping}:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended although nobody stopped it")

    async def _stop(self, services: _Services, drawing: asyncio.Task[None]) -> None:
        """Nothing new comes in; the batch on the device is finished; what is drawn gets its time to be sent."""
        log.info("stopping; what is unfinished is taken up at the next start")
        allowed = self._settings.shutdown_seconds
        await services.reception.close()
        services.studio.stop()
        await asyncio.wait([drawing], timeout=DRAWING_SHARE * allowed)
        await _cancelled([drawing])
        try:
            await services.jobs.put_all_back(services.studio.interrupted)
        except StorageUnwritable:
            log.warning("the data folder cannot be written; the next start finds out what was under way")
        await services.courier.close(SENDING_SHARE * allowed)

    async def _open(self, closing: AsyncExitStack) -> _Services:
        """Build the services from the inside out; what was opened is closed in reverse."""
        settings = self._settings
        jobs, people, spool, user_settings, auto_chats = await self._open_storage(closing)
        locales = Locales()
        weights = WeightsFolder(settings.weights_dir)
        styles = Styles(weights)
        pulls = Pulls(styles, weights, automatic=settings.auto_pull)
        closing.push_async_callback(pulls.close)

        queue: FairQueue[Ticket] = FairQueue(settings.queue_limit, settings.user_limit)
        metrics = Metrics(queue.__len__, lambda: spool.used, lambda: studio.device_bytes)
        progress = Progress(
            jobs, lambda *photos_of_jobs: studio.forecast(*photos_of_jobs), self.front_ends, locales
        )
        courier = Courier(
            jobs, spool, self.front_ends, locales, progress, on_answered=self._over, on_delivered=metrics.delivered
        )
        studio = Studio(
            queue,
            partial(self._build_sheet_engine, styles),
            jobs,
            spool,
            metrics,
            courier.settled,
            Rules(settings.limits, settings.batch_size, settings.attempts),
        )
        closing.push_async_callback(asyncio.to_thread, studio.close, ENGINE_SHARE * settings.shutdown_seconds)
        await studio.open()

        access = Access(
            people, settings.admin_ids, settings.access == "allowlist", settings.quota_photos_per_day, _today
        )

        def forgotten(job: Job) -> None:
            progress.drop(job)
            self._over(job)

        orders = Orders(
            jobs,
            queue,
            spool,
            user_settings,
            studio.forecast,
            on_settled=courier.settled,
            on_forgotten=forgotten,
        )
        conversation = Conversation(
            user_settings,
            styles,
            pulls.asked,
            partial(asyncio.to_thread, StylePictures(styles, weights, settings.data_dir).sheet),
            locales,
            access,
            orders,
            Administration(people, access, partial(self._facts, queue, metrics, people, spool)),
            settings.retention_days,
        )
        reception = Reception(
            conversation,
            access,
            Intake(settings.person_photos_per_minute, settings.chat_photos_per_minute),
            Albums(settings.album_seconds, LONE_SECONDS),
            jobs,
            spool,
            queue,
            progress,
            self.front_ends,
            locales,
            settings.limits,
            courier.settled,
        )
        buttons = Buttons(conversation, reception, orders, access, jobs, styles, locales)
        if settings.telegram_bot_token is not None:

            async def moved(chat: str, new_chat: str) -> None:
                await jobs.move_chat(TELEGRAM, chat, new_chat)
                await auto_chats.move(TELEGRAM, chat, new_chat)

            known = await jobs.latest_messages(TELEGRAM)
            self.front_ends[TELEGRAM] = TelegramFrontEnd(
                settings, conversation, reception, buttons, orders, auto_chats, locales, known, moved
            )
        if settings.discord_bot_token is not None:
            self.front_ends[DISCORD] = DiscordFrontEnd(
                settings,
                conversation,
                reception,
                buttons,
                styles,
                locales,
                known=partial(jobs.latest_messages, DISCORD),
            )
        self._build_web(conversation, reception, locales)

        await _take_up(jobs, spool, reception, courier)
        helpers = self._start_helpers(progress, jobs, people, spool, metrics)
        return _Services(reception, studio, courier, jobs, helpers)

    def _start_helpers(
        self, progress: Progress, jobs: Jobs, people: People, spool: Spool, metrics: Metrics
    ) -> list[asyncio.Task[None]]:
        settings = self._settings
        housekeeping = Housekeeping(
            jobs, people, spool, settings.data_dir, settings.retention_days, settings.undelivered_days, _today
        )
        helpers = {
            "housekeeping": housekeeping.run(),
            "loop watch": watch_loop(metrics.loop_lagged),
            "progress": progress.run(),
        }
        if settings.metrics_port is not None:
            troubles = partial(self._troubles, spool)
            self.health = HealthServer(settings.metrics_host, settings.metrics_port, metrics.exposition, troubles)
            helpers["health"] = self.health.run()
        return [asyncio.create_task(work, name=name) for name, work in helpers.items()]

    async def _open_storage(self, closing: AsyncExitStack) -> tuple[Jobs, People, Spool, UserSettings, AutoChats]:
        folder = self._settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            closing.enter_context(locked(folder))
            spool = Spool(folder / "spool", self._settings.spool_megabytes * 1e6)
            database = await Database.open(folder / "cartoonbot.sqlite3")
            closing.push_async_callback(database.close)
            await Jobs(database).recover(self._settings.attempts)
        except (OSError, sqlite3.DatabaseError, StorageUnwritable) as error:
            raise ConfigError(
                f"The data folder {folder} cannot be used ({error.__cause__ or error}). "
                "Set DATA_DIR to another one, or free some space."
            ) from error
        return Jobs(database), People(database), spool, UserSettings(database), AutoChats(database)

    def _build_web(self, conversation: Conversation, reception: Reception, locales: Locales) -> None:
        settings = self._settings
        if settings.web_chat == "on" or (settings.web_chat == "auto" and not self.front_ends):
            self.web = WebFrontEnd(settings.web_port, settings.data_dir / "web", conversation, reception, locales)
            self.front_ends[WEB] = self.web
        if not self.front_ends:
            raise ConfigError(
                "There is nobody to talk to: set TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN, or WEB_CHAT=on."
            )

    def _build_sheet_engine(self, styles: Styles) -> Engine:
        return SheetEngine(self._build_engine(self._settings.device, styles.build), lambda: styles.installed)

    async def _facts(
        self, queue: FairQueue[Ticket], metrics: Metrics, people: People, spool: Spool
    ) -> Mapping[str, str | int | float]:
        people_today, photos_today = await people.totals(_today())
        return {
            "waiting": len(queue),
            "drawn": metrics.drawn,
            "failed": metrics.failed,
            "people_today": people_today,
            "photos_today": photos_today,
            "spool_megabytes": round(spool.used / 1e6, 1),
            "uptime_hours": round((time.monotonic() - self._begun) / 3600, 1),
        }

    async def _troubles(self, spool: Spool) -> Sequence[str]:
        """Why the program cannot serve people just now."""
        troubles = [f"{name} is not connected" for name, end in self.front_ends.items() if not end.ready.is_set()]
        try:
            await asyncio.to_thread(spool.check_writable)
        except StorageUnwritable:
            troubles.append("the data folder is full or cannot be written")
        return troubles

    def _over(self, job: Job) -> None:
        if self.web is not None:
            self.web.over(job)


async def _take_up(jobs: Jobs, spool: Spool, reception: Reception, courier: Courier) -> None:
    """Go on with what an earlier run left."""
    swept = await asyncio.to_thread(spool.sweep, await jobs.open_photos())
    if swept:
        log.info("removed %d files that belong to nothing", swept)
    await reception.resume(jobs.open_jobs())
    for job in await jobs.closed_with_progress():
        # Answered, but for the last words.
        courier.settled(job.id)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
