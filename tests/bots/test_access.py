"""Who is let in, and for how many photos a day."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bots.access import Access
from core.errors import Blocked, NotInvited, QuotaReached
from core.jobs import Owner
from storage.database import Database
from storage.people import People, Standing

ANNA, ADMIN = Owner("telegram", "1234"), Owner("telegram", "9")
AT_HOME = Owner("web", "1234")


class Calendar:
    """The day it is."""

    today = "2026-11-23"

    def __call__(self) -> str:
        return self.today


@pytest.fixture
async def people(tmp_path: Path) -> AsyncGenerator[People]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield People(database)
    await database.close()


def access_to(people: People, *, allowlist: bool = False, quota: int = 0, today: Calendar | None = None) -> Access:
    return Access(people, frozenset({"telegram:9"}), allowlist, quota, today or Calendar())


async def counted(access: Access, owner: Owner, photos: int) -> int:
    """How many of so many photos at the same time were within the quota."""
    results = await asyncio.gather(*(access.count_photos(owner, 1) for _ in range(photos)), return_exceptions=True)
    refusals = [result for result in results if result is not None]
    assert all(isinstance(refusal, QuotaReached) for refusal in refusals)
    return photos - len(refusals)


async def test_an_open_door_is_open_to_all_but_the_blocked(people: People):
    access = access_to(people)
    await access.admit(ANNA)
    await people.set_standing(ANNA, Standing.BLOCKED)
    with pytest.raises(Blocked):
        await access.admit(ANNA)
    await people.set_standing(ANNA, Standing.ALLOWED)
    await access.admit(ANNA)


async def test_with_an_allowlist_only_the_invited_come_in_and_others_hear_who_they_are(people: People):
    access = access_to(people, allowlist=True)
    with pytest.raises(NotInvited) as refusal:
        await access.admit(ANNA)
    assert refusal.value.values == {"person": "telegram:1234", "platform": "telegram"}
    await people.set_standing(ANNA, Standing.ALLOWED)
    await access.admit(ANNA)
    with pytest.raises(NotInvited):
        await access.admit(Owner("discord", "1234"))
    await people.set_standing(ANNA, Standing.BLOCKED)
    with pytest.raises(Blocked):
        await access.admit(ANNA)


@pytest.mark.parametrize("owner", [ADMIN, AT_HOME])
async def test_administrators_and_who_sits_at_this_machine_are_always_let_in(people: People, owner: Owner):
    await people.set_standing(owner, Standing.BLOCKED)
    await access_to(people, allowlist=True).admit(owner)


def test_an_administrator_is_one_on_their_own_platform_only(people: People):
    access = access_to(people)
    assert access.is_admin(ADMIN)
    assert not any(access.is_admin(owner) for owner in (ANNA, AT_HOME, Owner("discord", "9")))


async def test_a_quota_holds_for_each_person_and_for_photos_at_the_same_time(people: People):
    access = access_to(people, quota=3)
    assert await counted(access, ANNA, 10) == 3
    assert await counted(access, ADMIN, 10) == 3
    with pytest.raises(QuotaReached) as refusal:
        await access.count_photos(ANNA, 1)
    assert refusal.value.values == {"limit": 3}


async def test_a_new_day_brings_new_photos(people: People):
    today = Calendar()
    access = access_to(people, quota=2, today=today)
    assert await counted(access, ANNA, 3) == 2
    today.today = "2026-11-24"
    assert await counted(access, ANNA, 3) == 2


@pytest.mark.parametrize(
    ("general", "personal", "most"), [(2, 4, 4), (4, 2, 2), (0, 2, 2), (2, 0, 10), (0, 0, 10)]
)
async def test_a_personal_quota_wins_and_none_is_no_limit(people: People, general: int, personal: int, most: int):
    await people.set_quota(ANNA, personal)
    assert await counted(access_to(people, quota=general), ANNA, 10) == most


async def test_photos_are_counted_without_a_quota_too(people: People):
    await counted(access_to(people), ANNA, 5)
    assert await people.photos_of(ANNA, Calendar.today) == 5
    # A quota set in the middle of the day counts what came before.
    await people.set_quota(ANNA, 6)
    assert await counted(access_to(people), ANNA, 5) == 1


async def test_several_photos_count_all_together_or_not_at_all(people: People):
    access = access_to(people, quota=5)
    await access.count_photos(ANNA, 3)
    with pytest.raises(QuotaReached):
        await access.count_photos(ANNA, 3)
    assert await people.photos_of(ANNA, Calendar.today) == 3
    await access.count_photos(ANNA, 2)
