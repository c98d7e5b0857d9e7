"""A copy of the database at one moment, while a program may be using it; and whether a copy can be used."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from core.errors import ConfigError
from core.jobs import PhotoStatus
from storage.database import migrations

# Nothing of them is in the spool any more, or not all of it yet: those are fetched anew.
WITHOUT_FILES: Final = (PhotoStatus.ANSWERED, PhotoStatus.CANCELLED, PhotoStatus.ARRIVING)
# Each is needed only where somebody's photo was closed just then.
MOST_TRIES: Final = 100


def snapshot(database: Path, copy: Path, keep: Callable[[set[int]], None]) -> None:
    """Copy the database, without ever making a program wait that writes into it. Raises sqlite3.Error.

    `keep` gets the numbers of the photos that have files at that moment, to put those into safety; again, with
    others, where it was too late for some.
    """
    address = f"{database.resolve().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as then,
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as now,
        closing(sqlite3.connect(copy)) as target,
    ):
        for _ in range(MOST_TRIES):
            # What it reads first is what it goes on to see.
            then.execute("BEGIN")
            photo_ids = _with_files(then)
            keep(photo_ids)
            # Files go after their rows: those of photos that are still there were there all the time.
            if photo_ids <= _with_files(now):
                then.backup(target)
                return
            then.execute("ROLLBACK")
    raise sqlite3.OperationalError("too much is going on; please try again")


def check(copy: Path) -> None:
    """Raises ConfigError when the copy is newer than this program, and sqlite3.Error when it is damaged."""
    # Immutable: looking at it leaves no files beside it.
    address = f"{copy.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
    known = len(migrations())
    if schema > known:
        raise ConfigError(
            f"The backup was made by a newer Cartoonbot: its database has schema {schema}, and this one knows up "
            f"to {known}. Install that version or a later one, and restore then; nothing was changed."
        )
    if verdict != "ok" or schema < 1:
        raise sqlite3.DatabaseError("its database is damaged")


def _with_files(connection: sqlite3.Connection) -> set[int]:
    rows = connection.execute("SELECT id FROM photos WHERE status NOT IN (?, ?, ?)", WITHOUT_FILES)
    return {photo_id for (photo_id,) in rows}
