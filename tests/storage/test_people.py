"""What administrators decide about a person is kept, and photos are counted a day, all or none."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.jobs import Owner
from storage.database import Database
from storage.people import People, Standing

ANNA, BERTA = Owner("telegram", "1"), Owner("telegram", "2")
# The same number on another platform is another person.
ELSEWHERE = Owner("discord", "1")
YESTERDAY, TODAY = "2026-11-30", "2026-12-01"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await Database.open(tmp_path / "people.sqlite3")
    yield database
    await database.close()


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


async def test_nothing_is_known_of_a_stranger(people: People):
    assert await people.standing_of(ANNA) is None
    assert await people.quota_of(ANNA) is None
    assert await people.photos_of(ANNA, TODAY) == 0


async def test_decisions_outlive_a_restart_for_their_person_only(tmp_path: Path):
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    await People(database).set_standing(ANNA, Standing.BLOCKED)
    await People(database).set_quota(BERTA, 0)
    await database.close()

    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    people = People(database)
    everybody = (ANNA, BERTA, ELSEWHERE)
    assert [await people.standing_of(owner) for owner in everybody] == [Standing.BLOCKED, None, None]
    assert [await people.quota_of(owner) for owner in everybody] == [None, 0, None]
    await database.close()


async def test_standing_and_quota_change_without_touching_each_other(people: People):
    await people.set_standing(ANNA, Standing.BLOCKED)
    await people.set_quota(ANNA, 50)
    await people.set_standing(ANNA, Standing.ALLOWED)
    assert (await people.standing_of(ANNA), await people.quota_of(ANNA)) == (Standing.ALLOWED, 50)
    await people.set_quota(ANNA, 7)
    assert (await people.standing_of(ANNA), await people.quota_of(ANNA)) == (Standing.ALLOWED, 7)


async def test_photos_are_counted_by_person_and_day(people: People):
    for owner, day, photos in ((ANNA, YESTERDAY, 5), (ANNA, TODAY, 2), (ANNA, TODAY, 1), (ELSEWHERE, TODAY, 4)):
        assert await people.count(owner, day, photos)
    assert await people.photos_of(ANNA, YESTERDAY) == 5
    assert await people.photos_of(ANNA, TODAY) == 3
    assert await people.photos_of(ELSEWHERE, TODAY) == 4
    assert await people.totals(TODAY) == (2, 7)
    assert await people.totals("2027-01-01") == (0, 0)


async def test_what_would_be_too_many_is_not_counted_at_all(people: People):
    assert not await people.count(ANNA, TODAY, 4, limit=3)
    assert await people.count(ANNA, TODAY, 2, limit=3)
    assert not await people.count(ANNA, TODAY, 2, limit=3)
    assert await people.count(ANNA, TODAY, 1, limit=3)
    assert await people.photos_of(ANNA, TODAY) == 3


async def test_photos_counted_at_the_same_time_do_not_slip_past_the_limit(people: People):
    counted = await asyncio.gather(*(people.count(ANNA, TODAY, 1, limit=3) for _ in range(10)))
    assert sorted(counted) == [False] * 7 + [True] * 3
    assert await people.photos_of(ANNA, TODAY) == 3


async def test_days_that_are_over_are_forgotten(people: People):
    for day in ("2026-11-01", YESTERDAY, TODAY):
        await people.count(ANNA, day, 1)
    await people.forget_old_days(TODAY)
    assert [await people.photos_of(ANNA, day) for day in ("2026-11-01", YESTERDAY, TODAY)] == [0, 0, 1]
