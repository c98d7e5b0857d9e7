"""What administrators may do in a chat: let people in, shut them out, change their quota, look at the figures."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bots.access import Access, written
from bots.locales import Locale
from core.jobs import Owner
from storage.people import People, Standing

# Where people have numbers.
PLATFORMS: Final = ("telegram", "discord")
LONGEST_NUMBER: Final = 20
MAX_QUOTA: Final = 100_000


class Administration:
    """Answers the commands of administrators. `facts` are the figures of /stats, by the names in its sentence."""

    def __init__(
        self, people: People, access: Access, facts: Callable[[], Awaitable[Mapping[str, str | int | float]]]
    ) -> None:
        self._people = people
        self._access = access
        self._facts = facts

    async def answer(self, admin: Owner, locale: Locale, command: str, argument: str) -> str | None:
        """The reply to "allow", "ban", "quota" or "stats"; None for other commands, and for other people."""
        if not self._access.is_admin(admin):
            return None
        match command:
            case "allow":
                return await self._allow(admin, locale, argument)
            case "ban":
                return await self._ban(admin, locale, argument)
            case "quota":
                return await self._set_quota(admin, locale, argument)
            case "stats":
                return locale.say("stats", **await self._facts())
            case _:
                return None

    async def _allow(self, admin: Owner, locale: Locale, argument: str) -> str:
        owner = _person(argument, admin)
        if owner is None:
            return locale.say_on(admin.platform, "allow-usage")
        await self._people.set_standing(owner, Standing.ALLOWED)
        return locale.say("allowed", person=written(owner))

    async def _ban(self, admin: Owner, locale: Locale, argument: str) -> str:
        owner = _person(argument, admin)
        if owner is None:
            return locale.say_on(admin.platform, "ban-usage")
        if self._access.is_admin(owner):
            return locale.say("ban-admin", person=written(owner))
        await self._people.set_standing(owner, Standing.BLOCKED)
        return locale.say_on(admin.platform, "banned", person=written(owner))

    async def _set_quota(self, admin: Owner, locale: Locale, argument: str) -> str:
        who, _, number = argument.strip().partition(" ")
        owner, quota = _person(who, admin), _whole(number.strip())
        if owner is None or quota is None or quota > MAX_QUOTA:
            return locale.say_on(admin.platform, "quota-usage", most=MAX_QUOTA)
        await self._people.set_quota(owner, quota)
        return locale.say("quota-set", person=written(owner), quota=quota)


def _person(text: str, admin: Owner) -> Owner | None:
    """The person meant by "telegram:1234", or by "1234" on the administrator's own platform."""
    platform, colon, number = text.strip().rpartition(":")
    platform = platform.lower() if colon else admin.platform
    user = _whole(number)
    return None if user is None or platform not in PLATFORMS else Owner(platform, str(user))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None
