"""What is kept on the disk: the database's tables, the spool, and the shelf of the web app."""

import sqlite3
from contextlib import AsyncExitStack
from typing import NamedTuple, Self

from core.config import Settings
from core.errors import ConfigError, StorageUnwritable
from storage.auto_chats import AutoChats
from storage.database import Database
from storage.jobs import Jobs
from storage.lock import locked
from storage.people import People
from storage.shelf import Shelf
from storage.spool import Spool
from storage.transcripts import Transcripts
from storage.user_settings import UserSettings


class Stores(NamedTuple):
    """All of it, of one run."""

    jobs: Jobs
    people: People
    spool: Spool
    user_settings: UserSettings
    auto_chats: AutoChats
    shelf: Shelf
    transcripts: Transcripts

    @classmethod
    async def open(cls, settings: Settings, closing: AsyncExitStack) -> Self:
        """Open the data folder, which nobody else may have open. Raises ConfigError when it cannot be used."""
        folder = settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            closing.enter_context(locked(folder))
            spool = Spool(folder / "spool", settings.spool_megabytes * 1e6)
            shelf = Shelf(spool.folder / "web")
            database = await Database.open(folder / "cartoonbot.sqlite3")
            closing.push_async_callback(database.close)
            await Jobs(database).recover(settings.attempts)
        except (OSError, sqlite3.DatabaseError, StorageUnwritable) as error:
            raise ConfigError(
                f"The data folder {folder} cannot be used ({error.__cause__ or error}). "
                "Set DATA_DIR to another one, or free some space."
            ) from error
        return cls(
            Jobs(database),
            People(database),
            spool,
            UserSettings(database),
            AutoChats(database),
            shelf,
            Transcripts(database),
        )
