"""What was said in the chats of the web app, as rows, until it is old: no platform keeps it for us."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage.database import Database

# What a page shows of a long chat.
MOST_SHOWN: Final = 60


class Transcripts:
    """By person. What is said is any JSON object."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: str, said: Mapping[str, Any], trace: str | None = None) -> int:
        """A new message at the end; its number. `trace` finds it again."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO web_messages (user, said, trace, created_at) VALUES (?, ?, ?, ?)",
                (user, json.dumps(said), trace, time.time()),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    async def change(self, user: str, number: int, said: Mapping[str, Any]) -> bool:
        """Put this in the place of what some keys of a message were; whether it is there."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE web_messages SET said = json_patch(said, ?) WHERE user = ? AND id = ?",
                (json.dumps(said), user, number),
            )
        return cursor.rowcount > 0

    async def remove(self, user: str, numbers: Sequence[int]) -> None:
        """Messages of the person go; those of others stay."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "DELETE FROM web_messages WHERE user = ? AND id = ?", [(user, number) for number in numbers]
            )

    async def of(self, user: str) -> list[tuple[int, dict[str, Any]]]:
        """The person's last messages with their numbers, oldest first."""
        rows = await self._database.select(
            "SELECT id, said FROM web_messages WHERE user = ? ORDER BY id DESC LIMIT ?", (user, MOST_SHOWN)
        )
        return [(row["id"], json.loads(row["said"])) for row in reversed(rows)]

    async def traced(self, user: str, trace: str) -> int | None:
        """The message with that trace."""
        rows = await self._database.select(
            "SELECT id FROM web_messages WHERE user = ? AND trace = ?", (user, trace)
        )
        return rows[0]["id"] if rows else None

    async def forget(self, user: str) -> None:
        """All of a person goes."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM web_messages WHERE user = ?", (user,))

    async def forget_old(self, before: float) -> None:
        """What was said before a time (seconds since 1970) goes."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM web_messages WHERE created_at < ?", (before,))
