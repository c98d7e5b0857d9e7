"""Everything goes wrong at once while people send photos: `python -m tests.soak.faults`.

A fifth of all calls to Telegram fail in one way or another, the engine raises on 5 % of its batches and runs
out of memory twice, and for a fifth of the time the disk is full. Every photo must end in a cartoon, or in a
sentence that says why not. The exit code is 0 only when none is lost.
"""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fakes.telegram import TelegramServer, Weather
from tests.soak.crowd import Crowd
from tests.soak.disk import small_disk
from tests.soak.program import RAISED, RAN_OUT, Program
from tests.soak.report import parser, run

FAILING_CALLS: Final = 0.2
FAILING_BATCHES: Final = 0.05
OUT_OF_MEMORY: Final = (3, 8)
# Longer than the pauses between tries that a run of bad luck leads to.
QUIET_SECONDS: Final = 70
QUIET_SECONDS_QUICK: Final = 35


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run in a folder of its own; the report."""
    random, began = Random(options.seed), time.monotonic()
    duration = 8.0 if options.quick else 180.0
    async with TelegramServer() as telegram:
        crowd = Crowd(telegram, options.people, options.photos, options.seed)
        flags = ["--failing", str(FAILING_BATCHES), "--seed", str(options.seed)]
        flags += ["--out-of-memory", *map(str, OUT_OF_MEMORY)]
        program = Program(telegram, folder, *flags, DATA_DIR=str(folder / "disk" / "data"))
        with small_disk(folder / "disk", lambda: program.pid) as disk:
            async with program, asyncio.TaskGroup() as sending:
                await program.ready()
                telegram.weather = Weather(FAILING_CALLS, options.seed)
                for customer, item in crowd.items:
                    sending.create_task(crowd.send(customer, item, random.uniform(0, duration)))
                await asyncio.sleep(0.4 * duration)
                await disk.full(0.2 * duration)
                await crowd.answered(quiet=QUIET_SECONDS_QUICK if options.quick else QUIET_SECONDS)
            # The file system goes with all that is on it.
            shutil.copytree(folder / "disk" / "data", folder / "data")
        crowd.count()
        return {
            **crowd.report(),
            "failed_calls": dict(telegram.weather.struck),
            "failed_batches": program.logged(RAISED),
            "out_of_memory": program.logged(RAN_OUT),
            "disk": disk.kind,
            "starts": program.starts,
            "crashes": program.crashes,
            "violations": telegram.violations[:10],
            "seconds": round(time.monotonic() - began, 1),
            "seed": options.seed,
        }


def main() -> int:
    options = parser(__doc__).parse_args()
    people, photos = (12, 60) if options.quick else (300, 3000)
    options.people = options.people or people
    options.photos = options.photos or photos
    return run(soak, options)


if __name__ == "__main__":
    sys.exit(main())
