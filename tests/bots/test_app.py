"""The program as a whole: what it refuses to start on, and what a stop costs."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from threading import Event

import httpx
import pytest

from bots.app import App
from bots.housekeeping import Housekeeping, Retention
from core.errors import ConfigError
from core.jobs import Chat, Owner
from core.look import Look
from core.photo import Array
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.shelf import Shelf
from storage.spool import Spool
from storage.transcripts import Transcripts
from tests.fakes.telegram import Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

ANNA = Person(id=1001, first_name="Anna", language_code="en")
LI = Person(id=1002, first_name="Li", language_code="en")
PHOTO = jpeg_bytes(gradient(200, 150))


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []


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
    assert photo_id
    await jobs.enqueue([photo_id])
    for _ in range(5):
        assert await jobs.start(photo_id) == 0
        assert await jobs.attempt([photo_id]) == {photo_id}
        await jobs.put_all_back({photo_id})
    await jobs.recover(attempts=3)
    (left,) = [job async for job in jobs.open_jobs()]
    assert left.photos[0].failure is None
    await database.close()


async def test_a_program_with_nobody_to_talk_to_says_what_to_set(tmp_path: Path):
    with pytest.raises(ConfigError, match="set TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN, or WEB_CHAT=on"):
        await App(settings_in(tmp_path, web_chat="off"), QuickEngine).run(asyncio.Event())


async def test_the_web_chat_opens_by_itself_only_where_there_is_no_bot(telegram: TelegramServer, tmp_path: Path):
    async with running(settings_in(tmp_path / "bot", telegram), QuickEngine) as app:
        assert [*app.front_ends] == ["telegram"]
    async with running(settings_in(tmp_path / "none"), QuickEngine) as app:
        assert [*app.front_ends] == ["web"]


async def test_a_web_app_that_others_reach_wants_a_password_or_says_aloud_that_it_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(ConfigError, match="WEB_PASSWORD"):
        async with running(settings_in(tmp_path / "shut", web_host="0.0.0.0"), QuickEngine):
            pass
    assert "WEB_OPEN" not in caplog.text
    async with running(settings_in(tmp_path / "open", web_host="0.0.0.0", web_open=True), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        assert app.web.url.startswith("http://127.0.0.1:")
    assert "everybody who reaches 0.0.0.0 may use the web app" in caplog.text


async def test_a_private_bot_tells_strangers_once_an_album_how_to_get_in(telegram: TelegramServer, tmp_path: Path):
    settings = settings_in(tmp_path, telegram, access="allowlist", admin_ids=f"telegram:{LI.id}")
    async with running(settings, QuickEngine):
        await telegram.send_album(ANNA, [PHOTO] * 3, gap=0.0)
        refusal = "This bot is private. Whoever runs it can let you in with this command: /allow telegram:1001"
        await telegram.wait_for_message(ANNA.id, lambda m: m.text == refusal)
        await telegram.send_text(LI, "/allow 1001")
        await telegram.wait_for_message(LI.id, lambda m: "telegram:1001" in (m.text or ""))
        await telegram.send_photo(ANNA, PHOTO)
        await telegram.wait_for_message(ANNA.id, lambda m: m.file is not None)
        assert [message.text for message in telegram.chat(ANNA.id).messages].count(refusal) == 1


async def test_the_daily_limit_takes_what_is_left_and_tells_the_rest(telegram: TelegramServer, tmp_path: Path):
    settings = settings_in(tmp_path, telegram, quota_photos_per_day=2)
    async with running(settings, QuickEngine):
        await telegram.send_album(ANNA, [PHOTO] * 6, gap=0.0)
        await telegram.wait_for_message(
            ANNA.id, lambda m: (m.text or "").startswith("Photos 3 to 6: Your 2 photos for today are used up.")
        )
        await telegram.wait_for(lambda: len(telegram.chat(ANNA.id).albums) == 1)


class HeldEngine(QuickEngine):
    """Draws when it is released."""

    def __init__(self, released: Event) -> None:
        super().__init__()
        self._released = released

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self._released.wait(20)
        return super().stylize(photos, looks)


async def test_a_full_spool_is_told_and_photos_are_taken_again_when_there_is_room(
    telegram: TelegramServer, tmp_path: Path
):
    settings = settings_in(tmp_path, telegram, spool_megabytes=1, metrics_port=0)
    released = Event()
    async with running(settings, lambda *_: HeldEngine(released)) as app:
        assert app.health
        await app.health.ready.wait()
        async with httpx.AsyncClient(base_url=app.health.url) as client:
            await telegram.send_document(ANNA, PHOTO + bytes(1_100_000), "large.jpg", "image/jpeg")
            await telegram.wait_for_message(ANNA.id, lambda m: "Got your photo" in (m.text or ""))
            await telegram.send_photo(LI, PHOTO)
            await telegram.wait_for_message(LI.id, lambda m: "I cannot store anything right" in (m.text or ""))
            answer = await client.get("/readyz")
            assert answer.status_code == 503
            assert answer.json()["troubles"] == ["the data folder is full or cannot be written"]
            released.set()
            await telegram.wait_for_message(ANNA.id, lambda m: m.file is not None)
            async with asyncio.timeout(20):
                while (await client.get("/readyz")).status_code != 200:
                    continue
            await telegram.send_photo(LI, PHOTO)
            await telegram.wait_for_message(LI.id, lambda m: m.file is not None)
            counts = (await client.get("/metrics")).text
    assert 'cartoonbot_photos_settled_total{outcome="done"} 2.0' in counts
    assert "cartoonbot_event_loop_lag_seconds_count" in counts


async def test_what_is_too_old_is_forgotten(tmp_path: Path):
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    jobs, people, spool = Jobs(database), People(database), Spool(tmp_path / "spool")
    now, day = time.time(), 86400
    kept: list[int] = []
    for age, closed in ((8, True), (6, True), (8, False), (15, False)):
        job_id = await jobs.open_job(Owner("web", "1"), Chat("web", "1"), "en", Look())
        photo_id = await jobs.add_photo(job_id, 1, "", "r")
        assert photo_id
        spool.source(photo_id).write_bytes(b"here")
        if closed:
            await jobs.cancel(Owner("web", "1"))
        if age in (6, 8) and not (age == 8 and closed):
            kept.append(photo_id)
        async with database.transaction() as connection:
            await connection.execute("UPDATE jobs SET created_at = ? WHERE id = ?", (now - age * day, job_id))
    shelf, transcripts = Shelf(tmp_path / "web"), Transcripts(database)
    files = [shelf.result("anna", name) for name in ("old.jpg", "new.jpg")]
    for age, file in ((25, files[0]), (23, files[1])):
        file.write_bytes(b"here")
        os.utime(file, (now - age * 3600, now - age * 3600))
        number = await transcripts.add("anna", {"text": file.stem})
        async with database.transaction() as connection:
            await connection.execute(
                "UPDATE web_messages SET created_at = ? WHERE id = ?", (now - age * 3600, number)
            )
    kept_so_long = Retention(closed_days=7, unclosed_days=14, web_hours=24)
    await Housekeeping(
        jobs, people, spool, shelf, transcripts, tmp_path, kept_so_long, lambda: "2026-11-23"
    ).tidy_up()
    assert [file.exists() for file in files] == [False, True]
    assert [said["text"] for _, said in await transcripts.of("anna")] == ["new"]
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == [f"{each}.source" for each in kept]
    await database.close()
