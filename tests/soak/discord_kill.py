"""Kills the program again and again while people on Discord send photos: `python -m tests.soak.discord_kill`.

They use commands, forms and menus at any time, and write while they are heard. Every photo that was accepted, by
an acknowledgement or by being heard, must end in a cartoon, or in a sentence that says why not. The exit code is 0
only when none is lost. Photos whose cartoon came more than once are counted too.
"""

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fakes.discord import DiscordServer
from tests.soak.discord_crowd import Crowd
from tests.soak.kill import DURING_START, LIFE_SECONDS, START_SECONDS, chosen, facts
from tests.soak.program import Program
from tests.soak.report import run

QUICK_LIFE_SECONDS: Final = 1.0
# And one of so many before the program hears that cartoons of it have arrived.
AT_ARRIVAL: Final = 2


async def cartoons_arrive(discord: DiscordServer, seconds: float) -> None:
    """Wait until Discord has taken cartoons, and not answered yet; for so many seconds at most."""
    since = len(discord.calls)

    def have_arrived() -> bool:
        return any(call.files and call.status == HTTPStatus.OK for call in islice(discord.calls, since, None))

    with suppress(TimeoutError):
        await discord.until(have_arrived, seconds)


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run in a folder of its own; the report."""
    random, began = Random(options.seed), time.monotonic()
    life = QUICK_LIFE_SECONDS if options.quick else LIFE_SECONDS
    async with DiscordServer() as discord:
        crowd = Crowd(discord, options.people, options.photos, options.seed)
        async with Program(discord, folder) as program:
            await program.ready()
            await discord.until(lambda: discord.commands.registered)
            async with asyncio.TaskGroup() as sending:
                for number in range(options.kills):
                    for errand in crowd.errands[number :: options.kills]:
                        moment = random.uniform(0, START_SECONDS + life)
                        sending.create_task(crowd.send(*errand, moment))
                    if random.randrange(DURING_START) == 0:
                        await asyncio.sleep(random.uniform(0, START_SECONDS))
                    else:
                        await program.ready()
                        crowd.is_heard()
                        await asyncio.sleep(random.uniform(0, life))
                    await crowd.is_unheard(folder / "data" / "cartoonbot.sqlite3")
                    if random.randrange(AT_ARRIVAL) == 0:
                        await cartoons_arrive(discord, life)
                    await program.kill()
                await program.ready()
                crowd.is_heard()
            await crowd.answered(quiet=25 if options.quick else 60)
        crowd.count()
        return crowd.report() | facts(options, program, discord.violations, began)


def main() -> int:
    return run(soak, chosen(__doc__, quick=(12, 60, 3), full=(40, 1000, 50)))


if __name__ == "__main__":
    sys.exit(main())
