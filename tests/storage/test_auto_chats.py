"""Groups in which every photo is drawn: each by itself, kept over restarts."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.auto_chats import AutoChats
from storage.database import Database


@pytest.fixture
async def chats(tmp_path: Path) -> AsyncGenerator[AutoChats]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield AutoChats(database)
    await database.close()


async def test_it_is_off_until_it_is_set_and_for_that_chat_alone(chats: AutoChats):
    assert not await chats.has("telegram", "-100")
    for _ in range(2):
        await chats.set("telegram", "-100", on=True)
        assert await chats.has("telegram", "-100")
    assert not await chats.has("telegram", "-101")
    assert not await chats.has("discord", "-100")
    for _ in range(2):
        await chats.set("telegram", "-100", on=False)
        assert not await chats.has("telegram", "-100")


@pytest.mark.parametrize("known_already", [False, True])
async def test_it_moves_along_with_its_chat(chats: AutoChats, known_already: bool):
    await chats.set("telegram", "-100", on=True)
    await chats.set("discord", "-100", on=True)
    await chats.set("telegram", "-100200", on=known_already)
    await chats.move("telegram", "-100", "-100200")
    assert not await chats.has("telegram", "-100")
    assert await chats.has("telegram", "-100200")
    assert await chats.has("discord", "-100")


async def test_a_chat_where_it_is_off_moves_without_it(chats: AutoChats):
    await chats.move("telegram", "-100", "-100200")
    assert not await chats.has("telegram", "-100200")


async def test_it_outlives_a_restart(tmp_path: Path):
    for expected in (False, True):
        database = await Database.open(tmp_path / "restarted.sqlite3")
        chats = AutoChats(database)
        assert await chats.has("telegram", "-100") is expected
        await chats.set("telegram", "-100", on=True)
        await database.close()
