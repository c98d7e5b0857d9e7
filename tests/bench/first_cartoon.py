"""How long a stranger waits for the first cartoon: a fresh clone, `make run`, a photo dropped into the page.

    .venv/bin/python -m tests.bench.first_cartoon [COMMIT]

The clone and its environment are thrown away afterwards; packages come from wherever pip is set up to take them.
Prints seconds since `make run` was typed, once with everything to install, and once more with nothing.
"""

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, expect

from bots.samples import SITTER
from tests.bots.browsers import chromium, visiting

ROOT: Final = Path(__file__).resolve().parents[2]
INSTALLING: Final = 1800.0
# A setting of whoever runs this must not change what is measured.
PREFIXES: Final = ("TELEGRAM_", "DISCORD_", "WEB_", "DATA_DIR", "WEIGHTS_DIR")


async def measured(browser: Browser, clone: Path, name: str) -> None:
    """One start, one cartoon, one stop. The browser is open already, as people's are."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIXES)}
    begun = time.monotonic()

    def tell(what: str) -> None:
        print(f"{name}: {what} after {time.monotonic() - begun:.1f} s", flush=True)

    program = await asyncio.create_subprocess_exec(
        "make",
        "run",
        cwd=clone,
        env={**environment, "WEB_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(INSTALLING):
            url = await _address(program)
        tell("the page can be opened")
        await _draw(browser, url, tell)
    finally:
        os.killpg(program.pid, signal.SIGINT)
        await program.wait()


async def _address(program: asyncio.subprocess.Process) -> str:
    assert program.stdout
    async for line in program.stdout:
        if found := re.search(r"http://[\d.:]+", line.decode()):
            return found[0]
    raise RuntimeError("the program ended before it told its address")


async def _draw(browser: Browser, url: str, tell: Callable[[str], None]) -> None:
    async with visiting(browser, url) as visit:
        box = visit.page.get_by_role("textbox").first
        await expect(box).to_be_visible(timeout=60_000)
        tell("the page is there")
        await visit.page.locator("input[type=file]").first.set_input_files(SITTER)
        await expect(visit.page.get_by_role("button", name="Remove")).to_have_count(1, timeout=60_000)
        await box.press("Enter")
        cartoon = visit.page.locator("#chat img[src*='results/']")
        await expect(cartoon).to_be_visible(timeout=120_000)
        tell("the cartoon is on the screen")


async def main(commit: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "cartoonbot"
        for command in (
            ["git", "clone", "-q", str(ROOT), str(clone)],
            ["git", "-C", str(clone), "checkout", "-q", commit],
        ):
            cloning = await asyncio.create_subprocess_exec(*command)
            if await cloning.wait():
                raise SystemExit(f"{' '.join(command)} failed")
        async with chromium() as browser:
            await measured(browser, clone, "first start")
            await measured(browser, clone, "second start")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "HEAD"))
