"""Who may use the bot, and for how many photos a day."""

from collections.abc import Callable, Collection
from typing import Final

from core.errors import Blocked, NotInvited, QuotaReached
from core.jobs import Owner
from storage.people import People, Standing

# The platform that has a door of its own: this machine alone, or a password.
AT_HOME: Final = "web"


class Access:
    """The door and the daily limit.

    `admin_ids` are as in "telegram:1234". `allowlist`: only whom an administrator let in may come. `quota` is in
    photos a day, 0 for no limit. `today` tells the day in UTC, such as "2026-11-23".
    """

    def __init__(
        self, people: People, admin_ids: Collection[str], allowlist: bool, quota: int, today: Callable[[], str]
    ) -> None:
        self._people = people
        self._admin_ids = admin_ids
        self._allowlist = allowlist
        self._quota = quota
        self._today = today

    async def admit(self, owner: Owner) -> None:
        """Raises Blocked or NotInvited for somebody who may not use the bot.

        Administrators, and whom the web app let in, always may.
        """
        if owner.platform == AT_HOME or self.is_admin(owner):
            return
        standing = await self._people.standing_of(owner)
        if standing is Standing.BLOCKED:
            raise Blocked
        if self._allowlist and standing is not Standing.ALLOWED:
            raise NotInvited(person=written(owner), platform=owner.platform)

    async def count_photos(self, owner: Owner, photos: int) -> None:
        """Count so many more photos of today. Raises QuotaReached, and counts none, when that is too many."""
        personal = await self._people.quota_of(owner)
        limit = self._quota if personal is None else personal
        if not await self._people.count(owner, self._today(), photos, limit or None):
            raise QuotaReached(limit=limit)

    def is_admin(self, owner: Owner) -> bool:
        """Whether the person may let people in and shut them out."""
        return written(owner) in self._admin_ids


def written(owner: Owner) -> str:
    """A person as administrators write them: "telegram:1234"."""
    return f"{owner.platform}:{owner.user}"
