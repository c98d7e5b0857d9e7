"""The command line that the soak tests share, and how they tell what they found."""

import argparse
import asyncio
import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any


def parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every soak test. `--quick` is for the test suite: less of all, within 50 seconds."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="print the report as JSON")
    options.add_argument("--quick", action="store_true", help="a small run, within 50 seconds")
    options.add_argument("--people", type=int, help="how many people send photos")
    options.add_argument("--photos", type=int, help="how many photos they send in all")
    options.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of all chance in it")
    return options


def run(soak: Callable[[argparse.Namespace, Path], Awaitable[dict[str, Any]]], options: argparse.Namespace) -> int:
    """Run a soak test in a new folder and tell its report; the exit code.

    0 when nothing was lost and nothing came to strangers; else the folder is kept.
    """

    async def soaked() -> dict[str, Any]:
        return await soak(options, folder)

    folder = Path(tempfile.mkdtemp(prefix="cartoonbot-soak-"))
    report = asyncio.run(soaked())
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in report.items():
            print(f"{name.replace('_', ' '):>20}  {value}")
    if report["lost"] or report["astray"]:
        print(f"The program's data and its log are kept in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0
