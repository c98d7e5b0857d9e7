"""One SQLite connection, its schema, and its transactions."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Self

import aiosqlite

from core.errors import Closed, ConfigError, StorageUnwritable

# Primary result codes that are the disk's fault, or another program's that holds the file.
UNWRITABLE: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
    }
)


class Database:
    """The program's one connection. Writes go through `transaction()`, one at a time."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection: aiosqlite.Connection | None = connection
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the file and bring its schema up to date.

        Raises ConfigError when the file was written by a newer version of the program.
        """
        # autocommit: transactions begin where we say so.
        connection = await aiosqlite.connect(path, isolation_level=None)
        connection.row_factory = aiosqlite.Row
        database = cls(connection)
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = FULL")
            await connection.execute("PRAGMA foreign_keys = ON")
            await connection.execute("PRAGMA busy_timeout = 5000")
            await database._migrate(path)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def reading(self) -> aiosqlite.Connection:
        """The connection, for single SELECTs."""
        if self._connection is None:
            raise Closed("The database is closed.")
        return self._connection

    async def select(self, query: str, values: Sequence[object] = ()) -> list[aiosqlite.Row]:
        """All rows of a single SELECT. Raises StorageUnwritable when the disk does not let it."""
        with _named():
            cursor = await self.reading.execute(query, values)
            return [*await cursor.fetchall()]

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[aiosqlite.Connection]:
        """All of it or nothing: BEGIN IMMEDIATE, then COMMIT, or ROLLBACK on any error or cancellation.

        Raises StorageUnwritable when the disk is full, read-only or broken; it can be tried again.
        """
        async with self._writing:
            connection = self.reading
            with _named():
                try:
                    await connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    await connection.execute("COMMIT")
                except BaseException:
                    # Unlike a ROLLBACK statement this is content when BEGIN itself was what failed.
                    await connection.rollback()
                    raise

    async def close(self) -> None:
        """May be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _migrate(self, path: Path) -> None:
        """Run the numbered files of storage/migrations that this database has not seen, in order.

        What was there before each is kept beside it, as NAME.before-0002 and so on.
        """
        cursor = await self.reading.execute("PRAGMA user_version")
        row = await cursor.fetchone()
        version = int(row[0]) if row else 0
        files = migrations()
        if version > len(files):
            raise ConfigError(
                f"The database has schema {version}, newer than this program's {len(files)}. "
                "Run the newer version again, or set DATA_DIR to another folder."
            )
        for number, file in enumerate(files[version:], start=version + 1):
            if version:
                await self._back_up(path.with_name(f"{path.name}.before-{number:04}"))
            async with self.transaction() as connection:
                for statement in _statements(file.read_text(encoding="utf-8")):
                    await connection.execute(statement)
                await connection.execute(f"PRAGMA user_version = {number}")

    async def _back_up(self, copy: Path) -> None:
        """The copy appears whole or not at all."""
        unfinished = copy.with_name(copy.name + ".part")
        await asyncio.to_thread(unfinished.unlink, missing_ok=True)
        await self.reading.execute("VACUUM INTO ?", (str(unfinished),))
        await asyncio.to_thread(unfinished.replace, copy)


def migrations() -> list[Traversable]:
    """The files of storage/migrations, in order: one for each version of the schema."""
    files = resources.files("storage").joinpath("migrations").iterdir()
    return sorted((file for file in files if file.name.endswith(".sql")), key=lambda file: file.name)


@contextmanager
def _named() -> Generator[None]:
    """The disk's faults, among all that SQLite may say, as StorageUnwritable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in UNWRITABLE:
            raise StorageUnwritable from error
        raise


def _statements(script: str) -> list[str]:
    """The statements of a migration, split at line ends (executescript would commit on its own)."""
    return [part.strip() for part in re.split(r";\s*\n", script + "\n") if part.strip()]
