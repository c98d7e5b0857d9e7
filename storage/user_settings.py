"""What each person has chosen."""

from typing import Final

from core.jobs import Owner
from core.look import Look, Preferences
from storage.database import Database

LOOK: Final = ("style", "strength", "size", "format", "faces")
COLUMNS: Final = (*LOOK, "delivery", "language")


class UserSettings:
    """Each person's preferences, kept over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owner: Owner) -> Preferences | None:
        """The person's preferences; None for somebody who has not chosen any."""
        rows = await self._database.select(
            f"SELECT {', '.join(COLUMNS)} FROM user_settings WHERE platform = ? AND user = ?",
            (owner.platform, owner.user),
        )
        if not rows:
            return None
        row = rows[0]
        return Preferences(Look(**{name: row[name] for name in LOOK}), row["delivery"], row["language"])

    async def keep(self, owner: Owner, preferences: Preferences) -> None:
        """Remember them as the person's own."""
        look = [getattr(preferences.look, name) for name in LOOK]
        async with self._database.transaction() as connection:
            await connection.execute(
                f"INSERT OR REPLACE INTO user_settings (platform, user, {', '.join(COLUMNS)}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (owner.platform, owner.user, *look, preferences.delivery, preferences.language),
            )

    async def forget(self, owner: Owner) -> bool:
        """Delete what the person has chosen; whether there was anything."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "DELETE FROM user_settings WHERE platform = ? AND user = ?", (owner.platform, owner.user)
            )
        return cursor.rowcount == 1
