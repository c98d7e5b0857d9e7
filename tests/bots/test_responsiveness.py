"""The event loop stays free while both cores draw."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.telegram import Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import running, settings_in

TICK = 0.005

pytestmark = pytest.mark.alone


@asynccontextmanager
async def measured_delays() -> AsyncGenerator[list[float]]:
    """How late the loop comes back from each short sleep, in seconds."""
    delays: list[float] = []

    async def tick() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            delays.append(time.perf_counter() - started - TICK)

    ticking = asyncio.create_task(tick())
    try:
        yield delays
    finally:
        ticking.cancel()


async def program(folder: Path, telegram: TelegramServer, ready: Event, warm: Event, done: Event) -> list[float]:
    """The program, and how late its loop was between `warm` and `done`."""
    async with running(settings_in(folder, telegram, web_chat="on")) as app:
        assert app.web
        await app.web.ready.wait()
        ready.set()
        await asyncio.to_thread(warm.wait)
        async with measured_delays() as delays:
            await asyncio.to_thread(done.wait)
        return delays


async def test_the_loop_is_never_held_up_while_twenty_photos_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    anna = Person(id=1001, first_name="Anna", language_code="en")
    ben = Person(id=1002, first_name="Ben", language_code="en")
    photos = [jpeg_bytes(gradient(800 + number, 600)) for number in range(20)]
    ready, warm, done = Event(), Event(), Event()
    async with TelegramServer() as telegram:
        # In a thread and loop of its own: parsing uploads is the stand-in's work, not the program's.
        running_program = asyncio.create_task(
            asyncio.to_thread(lambda: asyncio.run(program(tmp_path, telegram, ready, warm, done)))
        )
        try:
            await asyncio.to_thread(ready.wait)
            # The first drawing loads the style; after it the program runs as it will for hours.
            await telegram.send_photo(anna, photos[0])
            await telegram.wait_for_message(anna.id, lambda m: m.file is not None, timeout=60)
            warm.set()
            await telegram.send_album(anna, photos[:10], gap=0.0)
            await telegram.send_album(anna, photos[10:], gap=0.0)
            # Its message may say by now how far they have come.
            queued = ("Got your 20 photos", "Drawing your 20 photos")
            await telegram.wait_for_message(anna.id, lambda m: (m.text or "").startswith(queued), timeout=60)
            asked = time.perf_counter()
            await telegram.send_text(ben, "/help")
            await telegram.wait_for_message(ben.id, lambda m: "/size 1024" in (m.text or ""))
            helped = time.perf_counter() - asked
            drawn_before = len(telegram.calls_to("sendMediaGroup"))
            await telegram.wait_for(lambda: len(telegram.calls_to("sendMediaGroup")) == 2, timeout=150)
        finally:
            warm.set()
            done.set()
            delays = sorted(await running_program)
    worst, usual = delays[-1], delays[int(len(delays) * 0.99)]
    with capsys.disabled():
        print(
            f"\nevent loop, {len(delays)} ticks: worst {worst * 1e3:.1f} ms late, "
            f"99 % under {usual * 1e3:.1f} ms; "
            f"/help answered in {helped * 1e3:.0f} ms"
        )
    assert drawn_before == 0
    assert worst < 0.2
