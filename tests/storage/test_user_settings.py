"""What each person has chosen is their own, and outlives a restart."""

from pathlib import Path

from core.jobs import Owner
from core.look import Look, Preferences
from storage.database import Database
from storage.user_settings import UserSettings

ANNA = Owner("telegram", "1")
CHOICE = Preferences(Look("anime", 0.35, 2048, "webp", "main"), "zip", "zh-CN")


async def test_a_choice_is_remembered_after_a_restart_for_its_owner_only(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    await UserSettings(database).keep(ANNA, CHOICE)
    await database.close()

    database = await Database.open(tmp_path / "settings.sqlite3")
    settings = UserSettings(database)
    assert await settings.of(ANNA) == CHOICE
    # The same number on another platform is another person.
    assert await settings.of(Owner("discord", "1")) is None
    assert await settings.of(Owner("telegram", "2")) is None
    await database.close()


async def test_the_last_choice_counts(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    settings = UserSettings(database)
    # No language is one too: that of the app.
    for choice in (CHOICE, Preferences(Look(strength=0.2))):
        await settings.keep(ANNA, choice)
        assert await settings.of(ANNA) == choice
    await database.close()


async def test_a_forgotten_choice_is_gone_and_only_the_owners(tmp_path: Path):
    database = await Database.open(tmp_path / "settings.sqlite3")
    settings, berta = UserSettings(database), Owner("telegram", "2")
    for owner in (ANNA, berta):
        await settings.keep(owner, CHOICE)
    assert await settings.forget(ANNA)
    assert not await settings.forget(ANNA)
    assert await settings.of(ANNA) is None
    assert await settings.of(berta) == CHOICE
    await database.close()
