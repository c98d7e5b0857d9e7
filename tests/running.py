"""The real program, run inside a test: real SQLite, real spool, real front ends; the engine may be a quick one."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from bots.access import Access
from bots.administration import Administration
from bots.app import App
from bots.conversation import Conversation
from bots.locales import Locales
from bots.orders import Orders
from bots.samples import StylePictures
from core.config import Settings
from core.engine import Engine, LocalEngine
from core.errors import LookError
from core.jobs import Owner
from core.look import Look
from core.photo import Array, fitted
from core.styles.registry import Build, Styles, built_in
from storage.database import Database
from storage.people import People
from storage.user_settings import UserSettings
from tests.fakes.discord import DiscordServer
from tests.fakes.telegram import TelegramServer

TODAY = "2026-11-23"
RETENTION_DAYS = 7
FACTS = {
    "waiting": 12,
    "drawn": 340,
    "failed": 5,
    "people_today": 6,
    "photos_today": 78,
    "spool_megabytes": 9.5,
    "uptime_hours": 1000.25,
}


class QuickEngine:
    """Paints each photo in one flat colour of the asked size: everything but the drawing is real."""

    def __init__(self, device: str = "cpu", build: Build = built_in) -> None:
        self.batches: list[list[Look]] = []

    def prepare(self, photo: Array) -> None:
        pass

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.batches.append(list(looks))
        return [_flat(photo, look) for photo, look in zip(photos, looks, strict=True)]

    def close(self) -> None:
        pass


def settings_in(
    folder: Path,
    telegram: TelegramServer | None = None,
    discord: DiscordServer | None = None,
    **changes: object,
) -> Settings:
    """Settings that depend on nothing outside the test."""
    folders = {"data_dir": folder, "weights_dir": folder / "weights"}
    # Opening the page takes a second; with a bot it opens where a test asks for it.
    chat: dict[str, object] = {"web_port": 0, "album_seconds": 2.0}
    rows: dict[str, object] = {**folders, **chat, "device": "cpu", **changes}
    if telegram is not None:
        rows = {"telegram_bot_token": SecretStr(telegram.token), "telegram_api_url": telegram.url, **rows}
    if discord is not None:
        rows = {
            "discord_bot_token": SecretStr(discord.token),
            "discord_api_url": discord.api_url,
            "discord_cdn_urls": discord.cdn_url,
            **rows,
        }
    return Settings(_env_file=None, **rows)  # type: ignore[call-arg,arg-type]


def conversation_of(
    database: Database,
    styles: Styles,
    missing: Callable[[str], LookError],
    orders: Orders,
    pictures: StylePictures,
    *,
    admin_ids: frozenset[str] = frozenset(),
    allowlist: bool = False,
) -> Conversation:
    """A conversation on a day that does not end, where /stats tells FACTS."""
    people = People(database)
    access = Access(people, admin_ids, allowlist, quota=0, today=lambda: TODAY)
    administration = Administration(people, access, _facts)
    settings = UserSettings(database)
    return Conversation(
        settings,
        styles,
        missing,
        partial(asyncio.to_thread, pictures.sheet),
        Locales(),
        access,
        orders,
        administration,
        {"days": RETENTION_DAYS, "hours": 24},
    )


async def _facts() -> dict[str, int | float]:
    return FACTS


async def nothing_more(owner: Owner) -> None:
    """No front end keeps anything of a person itself."""


@asynccontextmanager
async def running(
    settings: Settings, build_engine: Callable[[str, Build], Engine] = LocalEngine
) -> AsyncGenerator[App]:
    """The program from start to stop; its errors are the test's."""
    stop = asyncio.Event()
    app = App(settings, build_engine)
    task = asyncio.create_task(app.run(stop))
    started = asyncio.create_task(app.started.wait())
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    try:
        if task.done():
            task.result()
        yield app
    finally:
        started.cancel()
        stop.set()
        await task


def _flat(photo: Array, look: Look) -> Array:
    height, width = fitted(photo.shape[0], photo.shape[1], look.size)
    return np.full((height, width, 3), photo.reshape(-1, 3).mean(axis=0), np.uint8)
