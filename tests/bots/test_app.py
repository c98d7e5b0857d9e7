"""The program as a whole: what it refuses to start on, and what a stop costs."""

import asyncio
from pathlib import Path

import pytest

from bots.app import App
from core.errors import ConfigError
from core.jobs import Chat, Owner
from core.look import Look
from storage.database import Database
from storage.jobs import Jobs
from tests.running import QuickEngine, running, settings_in


async def test_a_second_program_on_the_same_data_folder_refuses_and_says_why(tmp_path: Path):
    async with running(settings_in(tmp_path), QuickEngine):
        with pytest.raises(ConfigError, match="Another Cartoonbot is using the data folder"):
            await App(settings_in(tmp_path), QuickEngine).run(asyncio.Event())
    async with running(settings_in(tmp_path), QuickEngine):
        pass


async def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    (tmp_path / "cartoonbot.sqlite3").write_bytes(b"not a database at all " * 100)
    with pytest.raises(ConfigError, match="file is not a database"):
        await App(settings_in(tmp_path), QuickEngine).run(asyncio.Event())


async def test_orderly_stops_do_not_use_up_a_photos_attempts(tmp_path: Path):
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    jobs = Jobs(database)
    job_id = await jobs.open_job(Owner("web", "1"), Chat("web", "1"), "en", Look())
    photo_id = await jobs.add_photo(job_id, 1, "", "r")
    await jobs.enqueue([photo_id])
    for _ in range(5):
        assert await jobs.start(photo_id)
        await jobs.put_back()
    (left,) = await jobs.recover(attempts=3)
    assert left.photos[0].failure is None
    await database.close()
