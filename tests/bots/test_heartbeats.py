"""Discord is answered in time while real drawing takes all there is of the machine."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.discord import DiscordServer, Interaction
from tests.pictures import SHARED_PHOTOS, gradient, jpeg_bytes
from tests.running import running, settings_in

# Seconds. Discord itself asks for one every 41: this often, many fall into the drawing.
INTERVAL = 0.5
ACKNOWLEDGED = 3.0
PHOTOS = 10
PATIENCE = 120.0

pytestmark = pytest.mark.alone


def large_photos() -> Sequence[tuple[str, bytes]]:
    """So many that drawing them takes a while."""
    found = sorted(SHARED_PHOTOS.glob("*.jpg")) if SHARED_PHOTOS.is_dir() else []
    photos = [path.read_bytes() for path in found] or [jpeg_bytes(gradient(1600, 1200))]
    return [(f"{number}.jpg", data) for number, data in zip(range(PHOTOS), itertools.cycle(photos), strict=False)]


async def program(folder: Path, discord: DiscordServer, ready: Event, done: Event) -> None:
    async with running(settings_in(folder, None, discord)) as app:
        await app.front_ends["discord"].ready.wait()
        ready.set()
        await asyncio.to_thread(done.wait)


async def test_no_heartbeat_is_missed_and_commands_are_acknowledged_while_ten_large_photos_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    ready, done = Event(), Event()
    async with DiscordServer() as discord:
        discord.interval = INTERVAL
        anna, ben = discord.person("Anna"), discord.person("Ben")
        room = discord.dm(anna)
        # In a thread and loop of its own: what the stand-in does is not the program's work.
        running_program = asyncio.create_task(
            asyncio.to_thread(lambda: asyncio.run(program(tmp_path, discord, ready, done)))
        )
        try:
            await asyncio.to_thread(ready.wait)
            await discord.until(lambda: discord.commands.registered)
            began = time.monotonic()
            await anna.send(room, "/size 2048", large_photos())
            asked: list[Interaction] = []
            while not any(message.attachments for message in room.messages if message.author is discord.me):
                assert time.monotonic() - began < PATIENCE
                interaction = await ben.slash(discord.dm(ben), "help")
                asked.append(await interaction.answered())
                beaten = len(discord.heartbeats)
                await discord.until(lambda beaten=beaten: len(discord.heartbeats) > beaten)
            seconds = time.monotonic() - began
            beats = [at for _, at in discord.heartbeats if began <= at <= began + seconds]
        finally:
            done.set()
            await running_program
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    slowest = max(each.acked_after or 0.0 for each in asked)
    with capsys.disabled():
        print(
            f"\n{PHOTOS} photos drawn in {seconds:.1f} s; {len(beats)} heartbeats, due every {INTERVAL} s: "
            f"median gap {statistics.median(gaps):.3f} s, worst {max(gaps):.3f} s; "
            f"{len(asked)} commands, the slowest acknowledged in {slowest * 1e3:.0f} ms"
        )
    assert max(gaps) < 2 * INTERVAL
    assert len(beats) > 0.9 * seconds / INTERVAL
    assert len(discord.identifies) == 1
    assert discord.resumes == []
    assert slowest < ACKNOWLEDGED
    assert discord.violations == []
