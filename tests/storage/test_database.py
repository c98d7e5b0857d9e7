"""One connection, numbered migrations, all-or-nothing transactions: on real SQLite files."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.errors import Closed, ConfigError
from storage.database import Database

MIGRATIONS = list((Path(__file__).resolve().parents[2] / "storage" / "migrations").glob("*.sql"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cartoonbot.sqlite3"


@pytest.fixture
async def database(path: Path) -> AsyncGenerator[Database]:
    database = await Database.open(path)
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE notes (text TEXT NOT NULL)")
    yield database
    await database.close()


async def note(database: Database, text: str | None) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO notes VALUES (?)", (text,))


async def two_notes(database: Database, first: str | None, second: str | None) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO notes VALUES (?)", (first,))
        await asyncio.sleep(0)
        await connection.execute("INSERT INTO notes VALUES (?)", (second,))


async def notes(database: Database) -> list[str]:
    cursor = await database.reading.execute("SELECT text FROM notes ORDER BY rowid")
    return [row["text"] for row in await cursor.fetchall()]


def schema_version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


async def test_migrations_apply_once_and_data_outlives_a_restart(path: Path, database: Database):
    await note(database, "kept")
    await database.close()
    version = schema_version(path)
    assert version >= 1
    again = await Database.open(path)
    assert await notes(again) == ["kept"]
    await again.close()
    assert schema_version(path) == version


async def test_every_migration_is_counted(path: Path, database: Database):
    assert schema_version(path) == len(MIGRATIONS)
    cursor = await database.reading.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {"jobs", "photos", "user_settings"} <= {row["name"] for row in await cursor.fetchall()}


async def test_a_newer_schema_is_refused_and_left_alone(path: Path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(ConfigError, match="schema 999, newer than"):
        await Database.open(path)
    assert schema_version(path) == 999


async def test_what_is_committed_is_on_disk_in_wal_mode(path: Path, database: Database):
    await note(database, "kept")
    other = sqlite3.connect(path)
    assert other.execute("SELECT text FROM notes").fetchall() == [("kept",)]
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


async def test_an_error_takes_back_all_of_a_transaction(database: Database):
    with pytest.raises(sqlite3.IntegrityError):
        await two_notes(database, "half", None)
    assert await notes(database) == []
    await note(database, "after")
    assert await notes(database) == ["after"]


async def test_a_cancellation_takes_back_all_of_a_transaction(database: Database):
    half_way = asyncio.Event()

    async def interrupted() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO notes VALUES ('half')")
            half_way.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(interrupted())
    await half_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await notes(database) == []
    await note(database, "after")
    assert await notes(database) == ["after"]


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancellation_at_any_moment_leaves_the_connection_usable(database: Database, turns: int):
    task = asyncio.create_task(note(database, "perhaps"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await note(database, "after")
    assert not database.reading.in_transaction
    assert (await notes(database))[-1] == "after"


async def test_transactions_take_turns(database: Database):
    await asyncio.gather(*(two_notes(database, text, text) for text in "abc"))
    assert await notes(database) == ["a", "a", "b", "b", "c", "c"]


async def test_foreign_keys_are_watched(database: Database):
    with pytest.raises(sqlite3.IntegrityError):
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO photos (job_id, place, name, reference, status) VALUES ('none', 1, '', '', 'queued')"
            )


async def test_use_after_close_says_so_and_closing_twice_is_fine(database: Database):
    await database.close()
    await database.close()
    with pytest.raises(Closed):
        _ = database.reading
    with pytest.raises(Closed):
        await note(database, "late")
