"""Kills the program again and again while people send photos: `python -m tests.soak.kill --kills 100`.

Every photo must end in a cartoon, or in a sentence that says why not. The exit code is 0 only when none is lost.
Photos whose cartoon came more than once are counted too.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fakes.telegram import TelegramServer
from tests.soak.crowd import Crowd
from tests.soak.program import Program
from tests.soak.report import parser, run

# How long a start takes, about, and how long the program may live then.
START_SECONDS: Final = 2.0
LIFE_SECONDS: Final = 3.0
# One kill of so many comes while the program starts.
DURING_START: Final = 5


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run in a folder of its own; the report."""
    random, began = Random(options.seed), time.monotonic()
    life = 1.5 if options.quick else LIFE_SECONDS
    async with TelegramServer() as telegram:
        crowd = Crowd(telegram, options.people, options.photos, options.seed)
        async with Program(telegram, folder) as program, asyncio.TaskGroup() as sending:
            for number in range(options.kills):
                for customer, item in crowd.items[number :: options.kills]:
                    moment = random.uniform(0, START_SECONDS + life)
                    sending.create_task(crowd.send(customer, item, moment))
                if random.randrange(DURING_START) == 0:
                    await asyncio.sleep(random.uniform(0, START_SECONDS))
                else:
                    await program.ready()
                    await asyncio.sleep(random.uniform(0, life))
                await program.kill()
            await crowd.answered(quiet=25 if options.quick else 60)
        crowd.count()
        return crowd.report() | facts(options, program, telegram.violations, began)


def facts(
    options: argparse.Namespace, program: Program, violations: Sequence[str], began: float
) -> dict[str, Any]:
    """What a report tells of the run itself; `began` is of time.monotonic()."""
    return {
        "kills": options.kills,
        "starts": program.starts,
        "crashes": program.crashes,
        "violations": violations[:10],
        "seconds": round(time.monotonic() - began, 1),
        "seed": options.seed,
    }


def chosen(description: str | None, quick: tuple[int, int, int], full: tuple[int, int, int]) -> argparse.Namespace:
    """The options of the command line; people, photos and kills, where they are not among them, of either size."""
    options = parser(description)
    options.add_argument("--kills", type=int, help="how often the program is killed")
    given = options.parse_args()
    people, photos, kills = quick if given.quick else full
    given.people = given.people or people
    given.photos = given.photos or photos
    given.kills = given.kills or kills
    return given


def main() -> int:
    return run(soak, chosen(__doc__, quick=(12, 60, 3), full=(300, 3000, 100)))


if __name__ == "__main__":
    sys.exit(main())
