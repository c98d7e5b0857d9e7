"""One connection, numbered migrations, all-or-nothing transactions: on real SQLite files."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.errors import Closed, ConfigError, StorageUnwritable
from core.jobs import Chat, Failure, Job, Owner, Photo, PhotoStatus
from core.look import Look, Preferences
from storage.auto_chats import AutoChats
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.user_settings import UserSettings

MIGRATIONS = sorted((Path(__file__).resolve().parents[2] / "storage" / "migrations").glob("*.sql"))


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


def write_version(path: Path, version: int, *rows: str) -> None:
    """The file as an earlier release left it: a row of settings, and these that SQL inserts."""
    connection = sqlite3.connect(path)
    for migration in MIGRATIONS[:version]:
        connection.executescript(migration.read_text(encoding="utf-8"))
    connection.execute("INSERT INTO user_settings VALUES ('telegram', '1', 'ink', 0.9, 1536, 'png', 'main')")
    for row in rows:
        connection.execute(row)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()


def settings_in(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        columns = "platform, user, style, strength, size, format, faces"
        return connection.execute(f"SELECT {columns} FROM user_settings").fetchall()
    finally:
        connection.close()


async def test_what_was_there_before_a_migration_is_kept_beside_it(path: Path):
    write_version(path, 1)
    row = settings_in(path)
    copy = path.with_name(path.name + ".before-0002")
    # A backup that was cut short does not stand in the way.
    unfinished = path.with_name(copy.name + ".part")
    unfinished.write_bytes(b"half of a database")
    await (await Database.open(path)).close()
    assert settings_in(path) == settings_in(copy) == row
    assert schema_version(path) == len(MIGRATIONS)
    assert schema_version(copy) == 1
    connection = sqlite3.connect(copy)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"jobs", "photos"} <= tables
    assert "people" not in tables
    assert not unfinished.exists()
    kept = copy.read_bytes()
    await (await Database.open(path)).close()
    assert copy.read_bytes() == kept


async def test_jobs_and_settings_of_the_second_version_are_whole_in_the_third(path: Path):
    write_version(
        path,
        2,
        "INSERT INTO jobs VALUES "
        "('j', 'telegram', '1', '-100', '7', '42', 'zh-CN', 'pop', 0.4, 512, 'webp', 'all', 9)",
        "INSERT INTO photos VALUES "
        "(5, 'j', 1, 'a.jpg', 'file-a', 'done', NULL, NULL, 1, 'telegram/-100/42', '44')",
        "INSERT INTO photos VALUES "
        "(6, 'j', 2, '', 'file-b', 'failed', 'photo-too-large', '{\"limit\": 64}', 0, NULL, NULL)",
        "INSERT INTO people VALUES ('telegram', '1', 'allowed', 50)",
    )
    database = await Database.open(path)
    jobs, anna, chat = Jobs(database), Owner("telegram", "1"), Chat("telegram", "-100", "7", "42")
    photos = (
        Photo(5, 1, "a.jpg", "file-a", PhotoStatus.DONE, None, "44"),
        Photo(6, 2, "", "file-b", PhotoStatus.FAILED, Failure("photo-too-large", {"limit": 64})),
    )
    job = Job("j", anna, chat, "zh-CN", Look("pop", 0.4, 512, "webp", "all"), photos)
    assert [each async for each in jobs.open_jobs()] == [job]
    assert await jobs.job_of("telegram/-100/42") == "j"
    assert await jobs.closed_with_progress() == []
    assert await UserSettings(database).of(anna) == Preferences(Look("ink", 0.9, 1536, "png", "main"))
    assert await People(database).quota_of(anna) == 50
    assert not await AutoChats(database).has("telegram", "-100")
    await database.close()
    assert schema_version(path.with_name(path.name + ".before-0003")) == 2


async def test_a_migration_that_fails_leaves_the_database_as_it_was(path: Path):
    write_version(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("CREATE INDEX photos_open ON photos (job_id)")
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="photos_open already exists"):
        await Database.open(path)
    assert schema_version(path) == 1
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'people'").fetchall() == []
    connection.execute("DROP INDEX photos_open")
    connection.close()
    await (await Database.open(path)).close()
    assert schema_version(path) == len(MIGRATIONS)


async def test_a_new_database_leaves_no_copies_beside_it(path: Path):
    await (await Database.open(path)).close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_full_disk_takes_back_all_of_a_transaction_and_it_works_again_afterwards(database: Database):
    """SQLite meets the same end whether the disk or the number of pages it may use is what is full."""
    connection = database.reading
    cursor = await connection.execute("PRAGMA page_count")
    (pages,) = await cursor.fetchone() or (0,)
    await connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageUnwritable) as caught:
        await two_notes(database, "short", "long" * 10_000)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert caught.value.__cause__.sqlite_errorcode == sqlite3.SQLITE_FULL
    assert await notes(database) == []
    await note(database, "fits")
    await connection.execute(f"PRAGMA max_page_count = {10 * pages + 100}")
    await note(database, "long" * 10_000)
    assert await notes(database) == ["fits", "long" * 10_000]


async def test_a_disk_that_cannot_be_written_is_told_apart_and_it_works_again_afterwards(database: Database):
    await database.reading.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageUnwritable) as caught:
        await note(database, "refused")
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert caught.value.__cause__.sqlite_errorcode == sqlite3.SQLITE_READONLY
    await database.reading.execute("PRAGMA query_only = OFF")
    await note(database, "after")
    assert await notes(database) == ["after"]


async def test_another_program_that_holds_the_file_makes_it_unwritable_for_a_while(path: Path, database: Database):
    await database.reading.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnwritable):
        await note(database, "refused")
    other.execute("ROLLBACK")
    other.close()
    await note(database, "after")
    assert await notes(database) == ["after"]


async def test_a_mistake_of_ours_is_not_taken_for_the_disks(database: Database):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO nowhere VALUES (1)")


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
