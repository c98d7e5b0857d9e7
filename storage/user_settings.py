"""What each person has chosen."""

from dataclasses import asdict

from core.jobs import Owner
from core.look import Look
from storage.database import Database

COLUMNS = ("style", "strength", "size", "format", "faces")


class UserSettings:
    """Each person's look, kept over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look_of(self, owner: Owner) -> Look | None:
        """The person's look; None for somebody who has not chosen one."""
        rows = await self._database.select(
            f"SELECT {', '.join(COLUMNS)} FROM user_settings WHERE platform = ? AND user = ?",
            (owner.platform, owner.user),
        )
        return Look(**dict(rows[0])) if rows else None

    async def keep(self, owner: Owner, look: Look) -> None:
        """Remember the look as the person's own."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"INSERT OR REPLACE INTO user_settings (platform, user, {', '.join(COLUMNS)}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (owner.platform, owner.user, *asdict(look).values()),
            )

    async def forget(self, owner: Owner) -> bool:
        """Delete what the person has chosen; whether there was anything."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "DELETE FROM user_settings WHERE platform = ? AND user = ?", (owner.platform, owner.user)
            )
        return cursor.rowcount == 1
