"""Who was let in or shut out, personal quotas, and how many photos each person sent today."""

from enum import StrEnum

from core.jobs import Owner
from storage.database import Database


class Standing(StrEnum):
    """What an administrator decided about a person."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"


class People:
    """What is known of each person besides their look. Days are UTC, such as "2026-11-23"."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing_of(self, owner: Owner) -> Standing | None:
        """None for somebody about whom nothing was decided."""
        rows = await self._database.select(
            "SELECT standing FROM people WHERE platform = ? AND user = ?", (owner.platform, owner.user)
        )
        return Standing(rows[0]["standing"]) if rows and rows[0]["standing"] else None

    async def set_standing(self, owner: Owner, standing: Standing) -> None:
        """Let the person in, or shut them out."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO people (platform, user, standing) VALUES (?, ?, ?) "
                "ON CONFLICT (platform, user) DO UPDATE SET standing = excluded.standing",
                (owner.platform, owner.user, standing),
            )

    async def quota_of(self, owner: Owner) -> int | None:
        """The person's own photos a day, 0 for as many as they like; None where the general quota holds."""
        rows = await self._database.select(
            "SELECT quota FROM people WHERE platform = ? AND user = ?", (owner.platform, owner.user)
        )
        return rows[0]["quota"] if rows else None

    async def set_quota(self, owner: Owner, quota: int) -> None:
        """The person's own photos a day; 0 for as many as they like."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO people (platform, user, quota) VALUES (?, ?, ?) "
                "ON CONFLICT (platform, user) DO UPDATE SET quota = excluded.quota",
                (owner.platform, owner.user, quota),
            )

    async def count(self, owner: Owner, day: str, photos: int, limit: int | None = None) -> bool:
        """Count photos that the person sends, all or none; False where that would be more than `limit` a day."""
        async with self._database.transaction() as connection:
            if limit is not None and await self.photos_of(owner, day) + photos > limit:
                return False
            await connection.execute(
                "INSERT INTO photos_of_day (platform, user, day, photos) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (platform, user, day) DO UPDATE SET photos = photos + excluded.photos",
                (owner.platform, owner.user, day, photos),
            )
        return True

    async def photos_of(self, owner: Owner, day: str) -> int:
        """How many photos the person sent that day."""
        rows = await self._database.select(
            "SELECT photos FROM photos_of_day WHERE platform = ? AND user = ? AND day = ?",
            (owner.platform, owner.user, day),
        )
        return rows[0]["photos"] if rows else 0

    async def totals(self, day: str) -> tuple[int, int]:
        """How many people sent photos that day, and how many photos."""
        rows = await self._database.select(
            "SELECT COUNT(*), COALESCE(SUM(photos), 0) FROM photos_of_day WHERE day = ?", (day,)
        )
        return rows[0][0], rows[0][1]

    async def forget_old_days(self, today: str) -> None:
        """Forget the counts of all days before today."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM photos_of_day WHERE day < ?", (today,))
