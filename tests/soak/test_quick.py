"""The soak tests in their quick forms, as anybody would run them."""

import asyncio
import json
import signal
import sys
from typing import Any

from tests.soak.program import ROOT


async def soaked(name: str) -> dict[str, Any]:
    """The report of a quick run, which ends with 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.soak.{name}",
        "--quick",
        "--json",
        "--seed=1",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            # So that it stops its own child, too.
            process.send_signal(signal.SIGINT)
            await process.wait()
    assert process.returncode == 0, (output + errors).decode()
    return json.loads(output)


async def test_a_program_that_is_killed_loses_nothing() -> None:
    report = await soaked("kill")
    assert report["lost"] == 0
    assert report["answered"] == report["photos"] == 60
    assert report["starts"] == report["kills"] + 1
    assert report["crashes"] == report["violations"] == []


async def test_a_program_that_is_killed_on_discord_loses_nothing_and_sends_nothing_twice() -> None:
    report = await soaked("discord_kill")
    assert report["lost"] == report["duplicates"] == 0
    assert report["answered"] == report["photos"] == 60
    assert report["tokens_died"] > 0
    assert report["starts"] == report["kills"] + 1
    assert report["crashes"] == report["violations"] == []


async def test_weather_and_a_full_disk_lose_nothing() -> None:
    report = await soaked("faults")
    assert report["lost"] == 0
    assert report["answered"] == report["photos"] == 60
    assert report["failed_batches"] > 0
    assert report["out_of_memory"] == 2
    assert report["crashes"] == report["violations"] == []


async def test_a_newcomer_is_served_within_two_batches() -> None:
    report = await soaked("fairness")
    assert report["most_batches_until_drawn"] <= 2
    assert report["lost"] == 0
    assert report["violations"] == []


async def test_many_waiting_photos_take_little_memory() -> None:
    report = await soaked("scale")
    assert report["program"]["peak_above_idle_megabytes"] < 300
    assert report["program"]["drawn"] > 0
    assert report["lost"] == 0
