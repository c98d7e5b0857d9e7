"""Telegram, Discord and the web chat in one process: one queue, one device, and to each its own."""

import asyncio
import sqlite3
import time
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

from gradio_client import Client, handle_file

from core.look import Look
from core.photo import Array
from tests.fakes.discord import DiscordServer
from tests.fakes.telegram import Person, TelegramServer
from tests.running import QuickEngine, running, settings_in
from tests.soak.crowd import Color, color_of, jpeg_of

FIRST: Color = (112, 112, 112)
# What is sent on each platform, while the first photo is on the device.
REDS: list[Color] = [(240, 16, 16), (240, 80, 16), (240, 16, 80)]
GREENS: list[Color] = [(16, 240, 16), (80, 240, 16), (16, 240, 80)]
BLUES: list[Color] = [(16, 16, 240), (80, 16, 240), (16, 80, 240)]
ALL = [*REDS, *GREENS, *BLUES]
PATIENCE = 30.0


class HeldEngine(QuickEngine):
    """Holds its first batch until so many photos have left the queue; `seen` are the colours of each batch."""

    def __init__(self, folder: Path, photos: int) -> None:
        super().__init__()
        self.begun = Event()
        self.seen: list[list[Color | None]] = []
        self._folder = folder
        self._photos = photos

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.seen.append([_seen(photo) for photo in photos])
        if not self.begun.is_set():
            self.begun.set()
            self._hold()
        return super().stylize(photos, looks)

    def _hold(self) -> None:
        until, question = time.monotonic() + PATIENCE, "SELECT count(*) FROM photos WHERE status = 'running'"
        with closing(sqlite3.connect(self._folder / "cartoonbot.sqlite3")) as rows:
            while rows.execute(question).fetchone()[0] < self._photos and time.monotonic() < until:
                time.sleep(0.02)


def sent_by_script(url: str, folder: Path, photos: Sequence[bytes]) -> list[bytes]:
    """What the web app draws of photos that a script gives it; to be called in a thread."""
    files: list[Any] = []
    for number, photo in enumerate(photos):
        (folder / f"{number}.jpg").write_bytes(photo)
        files.append(handle_file(folder / f"{number}.jpg"))
    script = Client(url, verbose=False, download_files=str(folder))
    try:
        archive, failed = script.predict(files, api_name="/batch")
    finally:
        script.close()
    assert failed == []
    with zipfile.ZipFile(archive) as cartoons:
        return [cartoons.read(name) for name in cartoons.namelist()]


def _seen(photo: Array) -> Color | None:
    red, green, blue = (round(value) for value in photo.reshape(-1, 3).mean(axis=0))
    return color_of(jpeg_of((red, green, blue)))


def _colors(cartoons: Sequence[bytes]) -> list[Color | None]:
    return [color_of(cartoon) for cartoon in cartoons]


async def test_one_batch_holds_photos_of_all_platforms_and_each_cartoon_comes_back_where_it_was_asked_for(
    tmp_path: Path,
):
    engine = HeldEngine(tmp_path, 1 + len(ALL))
    first, anna = Person(id=1000, first_name="First"), Person(id=1001, first_name="Anna")
    async with TelegramServer() as telegram, DiscordServer() as discord:
        settings = settings_in(tmp_path, telegram, discord, web_chat="on", album_seconds=0.3, batch_size=len(ALL))
        ben = discord.person("Ben")
        room = discord.dm(ben)
        async with running(settings, lambda *_: engine) as app:
            assert app.web
            await app.web.ready.wait()
            await app.front_ends["discord"].ready.wait()
            await telegram.send_photo(first, jpeg_of(FIRST))
            assert await asyncio.to_thread(engine.begun.wait, PATIENCE)
            blues = [jpeg_of(color) for color in BLUES]
            script = asyncio.create_task(asyncio.to_thread(sent_by_script, app.web.url, tmp_path, blues))
            await telegram.send_album(anna, [jpeg_of(color) for color in REDS], gap=0.0)
            await ben.send(room, files=[(f"{place}.jpg", jpeg_of(color)) for place, color in enumerate(GREENS)])
            async with asyncio.timeout(PATIENCE):
                assert _colors(await script) == BLUES
            await telegram.wait_for_message(first.id, lambda message: message.file is not None)
            await telegram.wait_for_message(anna.id, lambda message: "Here are" in (message.text or ""))
            (answer,) = await discord.until(
                lambda: [each for each in room.messages if each.attachments and each.author is discord.me]
            )
    assert engine.seen[0] == [FIRST]
    assert any(all(set(batch) & set(sent) for sent in (REDS, GREENS, BLUES)) for batch in engine.seen), engine.seen
    for person, sent in ((first, [FIRST]), (anna, REDS)):
        drawn = [message.data for message in telegram.chat(person.id).messages if message.file is not None]
        assert _colors(drawn) == sent
    assert _colors([file.data for file in answer.attachments]) == GREENS
    assert telegram.violations == discord.violations == []
