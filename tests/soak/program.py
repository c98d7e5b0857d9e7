"""The real program with a quick engine as a process of its own: `python -m tests.soak.program`.

Settings come from the environment, and SIGTERM stops it. `Program` starts it beside a stand-in Telegram or
Discord and starts it again whenever it ends.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from bots.app import App
from bots.logs import log_to_terminal
from core.config import Settings, load_settings
from core.engine import Engine
from core.errors import OutOfMemory
from core.look import Look
from core.photo import Array
from core.styles.registry import Build
from tests.fakes.discord import DiscordServer
from tests.fakes.telegram import TelegramServer
from tests.running import QuickEngine

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).parents[2]
RAISED: Final = "the engine raises"
RAN_OUT: Final = "the engine runs out of memory"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 40.0
# What a supervisor waits before it starts a program that ended by itself.
RESTART_SECONDS: Final = 1.0


class TroubledEngine(QuickEngine):
    """Raises on a share of all batches, by chance, and has not memory enough for some, by their number."""

    def __init__(self, failing: float, out_of_memory: Sequence[int], seed: int) -> None:
        super().__init__()
        self._failing = failing
        self._out_of_memory = out_of_memory
        self._random = Random(seed)
        self._number = 0

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self._number += 1
        if self._number in self._out_of_memory:
            log.warning(RAN_OUT)
            raise OutOfMemory("as the soak test asks")
        if self._random.random() < self._failing:
            log.warning(RAISED)
            raise RuntimeError("as the soak test asks")
        return super().stylize(photos, looks)


class Program:
    """Keeps the program running in `folder` while entered.

    `starts` counts its starts, `crashes` are the exit codes that nobody wanted.
    `flags` are those of this module's command line; `settings` are rows of the environment.
    """

    def __init__(
        self, platform: TelegramServer | DiscordServer, folder: Path, *flags: str, **settings: str
    ) -> None:
        self._platform = platform
        self._flags = flags
        self._folder = folder
        self.log = folder / "program.log"
        self.starts = 0
        self.crashes: list[int] = []
        self._begun_before = 0
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None
        self._running = asyncio.Event()
        self._supervision: asyncio.Task[None] | None = None
        foreign = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        self._environment = foreign | {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            **_access_to(platform),
            "DATA_DIR": str(folder / "data"),
            "WEIGHTS_DIR": str(folder / "weights"),
            "DEVICE": "cpu",
            "WEB_PORT": "0",
            "ALBUM_SECONDS": "0.3",
            "ATTEMPTS": "10",
            "QUEUE_LIMIT": "100000",
            "USER_LIMIT": "60",
            "PERSON_PHOTOS_PER_MINUTE": "1000000",
            "CHAT_PHOTOS_PER_MINUTE": "1000000",
            **settings,
        }

    @property
    def pid(self) -> int:
        assert self._process is not None  # entered
        return self._process.pid

    async def __aenter__(self) -> Self:
        self._supervision = asyncio.create_task(self._supervise())
        await self._running.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it in order, or by force where it takes too long, which counts as a crash."""
        self._stopping = True
        assert self._process is not None  # entered
        assert self._supervision is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self._supervision), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._supervision

    async def ready(self) -> None:
        """Wait until it hears people. Raises TimeoutError with the end of its log."""
        platform = self._platform
        wait = platform.until if isinstance(platform, DiscordServer) else platform.wait_for
        try:
            await wait(self._listens, START_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(f"the program does not start:\n{self.log.read_text()[-4000:]}") from error

    async def kill(self) -> None:
        """SIGKILL it, and wait until it is started again."""
        assert self._process is not None  # entered
        self._running.clear()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._running.wait()

    def logged(self, words: str) -> int:
        """How often its log has these words."""
        return self.log.read_text(encoding="utf-8", errors="replace").count(words)

    async def _supervise(self) -> None:
        while not self._stopping:
            self._begun_before = self._begun()
            with self.log.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "tests.soak.program",
                    *self._flags,
                    cwd=self._folder,
                    env=self._environment,
                    stdout=output,
                    stderr=output,
                )
            self.starts += 1
            self._running.set()
            code = await self._process.wait()
            if code != (0 if self._stopping else -signal.SIGKILL):
                self.crashes.append(code)
                await asyncio.sleep(RESTART_SECONDS)

    def _listens(self) -> bool:
        if isinstance(self._platform, DiscordServer):
            begun = len(self._platform.identifies) > self._begun_before
        else:
            since = islice(self._platform.calls, self._begun_before, None)
            begun = any(call.method == "getUpdates" for call in since)
        return self._running.is_set() and begun

    def _begun(self) -> int:
        """How many events there were so far, of those among which its beginning to listen is found."""
        platform = self._platform
        return len(platform.identifies if isinstance(platform, DiscordServer) else platform.calls)


def _access_to(platform: TelegramServer | DiscordServer) -> dict[str, str]:
    """As rows of the environment."""
    if isinstance(platform, DiscordServer):
        return {
            "DISCORD_BOT_TOKEN": platform.token,
            "DISCORD_API_URL": platform.api_url,
            "DISCORD_CDN_URLS": platform.cdn_url,
        }
    return {"TELEGRAM_BOT_TOKEN": platform.token, "TELEGRAM_API_URL": platform.url}


async def serve(settings: Settings, failing: float, out_of_memory: Sequence[int], seed: int) -> None:
    """Run until SIGTERM."""

    def build(device: str, build_style: Build) -> Engine:
        return TroubledEngine(failing, out_of_memory, seed)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await App(settings, build).run(stop)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failing", type=float, default=0.0, help="share of batches the engine raises on")
    parser.add_argument(
        "--out-of-memory", type=int, nargs="*", default=[], help="numbers of batches that do not fit"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the chance of failing")
    options = parser.parse_args()
    settings = load_settings()
    log_to_terminal(settings)
    asyncio.run(serve(settings, options.failing, options.out_of_memory, options.seed))


if __name__ == "__main__":
    main()
