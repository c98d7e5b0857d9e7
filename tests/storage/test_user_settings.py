"""Each person's look is their own, and outlives a restart."""

from pathlib import Path

from core.jobs import Owner
from core.look import Look
from storage.database import Database
from storage.user_settings import UserSettings

ANNA = Owner("telegram", "1")
LOOK = Look("anime", 0.35, 2048, "webp", "main")


async def test_a_look_is_remembered_after_a_restart_for_its_owner_only(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    await UserSettings(database).keep(ANNA, LOOK)
    await database.close()

    database = await Database.open(tmp_path / "settings.sqlite3")
    settings = UserSettings(database)
    assert await settings.look_of(ANNA) == LOOK
    # The same number on another platform is another person.
    assert await settings.look_of(Owner("discord", "1")) is None
    assert await settings.look_of(Owner("telegram", "2")) is None
    await database.close()


async def test_the_last_choice_counts(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    settings = UserSettings(database)
    for look in (LOOK, Look(strength=0.2)):
        await settings.keep(ANNA, look)
    assert await settings.look_of(ANNA) == Look(strength=0.2)
    await database.close()


async def test_a_forgotten_choice_is_gone_and_only_the_owners(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    settings, berta = UserSettings(database), Owner("telegram", "2")
    for owner in (ANNA, berta):
        await settings.keep(owner, LOOK)
    assert await settings.forget(ANNA)
    assert not await settings.forget(ANNA)
    assert await settings.look_of(ANNA) is None
    assert await settings.look_of(berta) == LOOK
    await database.close()
