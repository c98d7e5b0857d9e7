"""The composition root: builds, opens, supervises and closes everything. Nobody else constructs services."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

from bots.access import Access
from bots.administration import Administration
from bots.albums import Albums
from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.courier import Courier
from bots.engines import Engines
from bots.frontend import FrontEnd
from bots.health import HealthServer
from bots.housekeeping import Housekeeping, Retention
from bots.intake import Intake
from bots.lag import watch_loop
from bots.locales import Locale, Locales
from bots.orders import Orders
from bots.progress import Progress
from bots.pulls import Pulls
from bots.reception import Reception
from bots.samples import StylePictures
from bots.stores import Stores
from bots.web.chat import WebChat
from bots.web.desk import Desk
from bots.web.frontend import WebFrontEnd
from bots.web.places import PLATFORM as WEB
from bots.web.services import About, Door, Services
from bots.web.thumbnails import Thumbnails
from core.config import Settings
from core.engine import Engine
from core.errors import ConfigError, StorageUnwritable
from core.jobs import Job, Owner, Ticket
from core.metrics import Metrics
from core.queue import FairQueue
from core.studio import Studio
from core.styles.registry import Build, Styles
from core.weights import WeightsFolder
from storage.jobs import Jobs
from storage.people import People
from storage.spool import Spool

log = logging.getLogger(__name__)

# A photo by itself waits this long for a second one.
LONE_SECONDS = 0.5
# Of the time for a stop: for the batch on the device, then for messages that are being sent, then for the engine.
DRAWING_SHARE, SENDING_SHARE, ENGINE_SHARE = 0.5, 0.15, 0.15


class _Running(NamedTuple):
    """What runs, and is stopped in order when the program stops."""

    reception: Reception
    studio: Studio
    courier: Courier
    jobs: Jobs
    helpers: list[asyncio.Task[None]]


class _Talk(NamedTuple):
    """What front ends hear and answer with."""

    conversation: Conversation
    reception: Reception
    buttons: Buttons
    orders: Orders
    styles: Styles
    locales: Locales


class App:
    """One run of the program."""

    def __init__(self, settings: Settings, build_engine: Callable[[str, Build], Engine] | None = None) -> None:
        self._settings = settings
        self._build_engine = build_engine
        self._begun = time.monotonic()
        self.front_ends: dict[str, FrontEnd] = {}
        self.web: WebFrontEnd | None = None
        self._desk: Desk | None = None
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

    async def _stop(self, services: _Running, drawing: asyncio.Task[None]) -> None:
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

    async def _open(self, closing: AsyncExitStack) -> _Running:
        """Build the services from the inside out; what was opened is closed in reverse."""
        settings = self._settings
        stores = await Stores.open(settings, closing)
        jobs, people, spool = stores.jobs, stores.people, stores.spool
        locales = Locales()
        weights = WeightsFolder(settings.weights_dir)
        engines = Engines(settings, weights, self._build_engine)
        styles = engines.styles
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
            engines.build,
            jobs,
            spool,
            metrics,
            courier.settled,
            engines.rules,
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
            stores.user_settings,
            studio.forecast,
            on_settled=courier.settled,
            on_forgotten=forgotten,
            forget_more=partial(_forget_on_the_web, stores),
        )
        conversation = Conversation(
            stores.user_settings,
            styles,
            pulls.asked,
            partial(asyncio.to_thread, StylePictures(styles, weights, settings.data_dir).sheet),
            locales,
            access,
            orders,
            Administration(people, access, partial(self._facts, queue, metrics, people, spool)),
            {"days": settings.retention_days, "hours": settings.web_keep_hours},
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
        talk = _Talk(conversation, reception, buttons, orders, styles, locales)
        await self._build_bots(talk, stores)
        self._build_web(talk, stores, studio, partial(self._about, queue, engines))
        if not self.front_ends:
            raise ConfigError(
                "There is nobody to talk to: set TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN, or WEB_CHAT=on."
            )

        await _take_up(jobs, spool, reception, courier)
        helpers = self._start_helpers(progress, stores, metrics)
        return _Running(reception, studio, courier, jobs, helpers)

    async def _build_bots(self, talk: _Talk, stores: Stores) -> None:
        settings, jobs, auto_chats = self._settings, stores.jobs, stores.auto_chats
        # Each library only where it is needed: loading both is half a second of the start.
        if settings.telegram_bot_token is not None:
            from bots.telegram.frontend import TelegramFrontEnd
            from bots.telegram.wire import PLATFORM as TELEGRAM

            async def moved(chat: str, new_chat: str) -> None:
                await jobs.move_chat(TELEGRAM, chat, new_chat)
                await auto_chats.move(TELEGRAM, chat, new_chat)

            known = await jobs.latest_messages(TELEGRAM)
            self.front_ends[TELEGRAM] = TelegramFrontEnd(
                settings,
                talk.conversation,
                talk.reception,
                talk.buttons,
                talk.orders,
                auto_chats,
                talk.locales,
                known,
                moved,
            )
        if settings.discord_bot_token is not None:
            from bots.discord.frontend import DiscordFrontEnd
            from bots.discord.wire import PLATFORM as DISCORD

            self.front_ends[DISCORD] = DiscordFrontEnd(
                settings,
                talk.conversation,
                talk.reception,
                talk.buttons,
                talk.styles,
                talk.locales,
                known=partial(jobs.latest_messages, DISCORD),
            )

    def _build_web(self, talk: _Talk, stores: Stores, studio: Studio, about: About) -> None:
        settings, shelf = self._settings, stores.shelf
        if settings.web_chat == "off" or (settings.web_chat == "auto" and self.front_ends):
            return
        chat = WebChat(
            talk.conversation, talk.reception, talk.buttons, stores.jobs, stores.transcripts, shelf, talk.locales
        )
        self._desk = Desk(
            talk.reception,
            talk.orders,
            stores.jobs,
            stores.spool,
            shelf,
            talk.locales,
            studio.forecast,
            settings.limits,
        )
        services = Services(
            talk.conversation,
            chat,
            self._desk,
            talk.styles,
            shelf,
            Thumbnails(shelf, settings.limits),
            talk.locales,
            about,
            settings.web_batch_photos,
        )
        password = settings.web_password
        door = Door(
            password.get_secret_value() if password else None,
            settings.web_open,
            settings.web_root_path,
            settings.limits.file_bytes,
            stores.spool.make_room,
        )
        self.web = self.front_ends[WEB] = WebFrontEnd(settings.web_host, settings.web_port, services, door)

    def _start_helpers(self, progress: Progress, stores: Stores, metrics: Metrics) -> list[asyncio.Task[None]]:
        settings = self._settings
        housekeeping = Housekeeping(
            stores.jobs,
            stores.people,
            stores.spool,
            stores.shelf,
            stores.transcripts,
            settings.data_dir,
            Retention(settings.retention_days, settings.undelivered_days, settings.web_keep_hours),
            _today,
        )
        helpers = {
            "housekeeping": housekeeping.run(),
            "loop watch": watch_loop(metrics.loop_lagged),
            "progress": progress.run(),
        }
        if settings.metrics_port is not None:
            troubles = partial(self._troubles, stores.spool)
            self.health = HealthServer(settings.metrics_host, settings.metrics_port, metrics.exposition, troubles)
            helpers["health"] = self.health.run()
        return [asyncio.create_task(work, name=name) for name, work in helpers.items()]

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

    async def _about(self, queue: FairQueue[Ticket], engines: Engines, locale: Locale) -> Mapping[str, str]:
        """What the page tells of the program."""
        return {
            "model": ", ".join(engines.styles.installed),
            "device": await asyncio.to_thread(engines.label),
            "version": version("cartoonbot"),
            "queue": locale.say("web-about-waiting", photos=len(queue)),
        }

    def _over(self, job: Job) -> None:
        if self._desk is not None:
            self._desk.over(job)


async def _take_up(jobs: Jobs, spool: Spool, reception: Reception, courier: Courier) -> None:
    """Go on with what an earlier run left."""
    swept = await asyncio.to_thread(spool.sweep, await jobs.open_photos())
    if swept:
        log.info("removed %d files that belong to nothing", swept)
    await reception.resume(jobs.open_jobs())
    for job in await jobs.closed_with_progress():
        # Answered, but for the last words.
        courier.settled(job.id)


async def _forget_on_the_web(stores: Stores, owner: Owner) -> None:
    if owner.platform == WEB:
        await stores.transcripts.forget(owner.user)
        await asyncio.to_thread(stores.shelf.forget, owner.user)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
