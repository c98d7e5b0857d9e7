"""A disk that is full for a while, for a program that runs in another process."""

import asyncio
import errno
import os
import resource
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

TOP_UP_SECONDS: Final = 0.02
BLOCKS: Final = (1 << 20, 1 << 12)


class Disk(Protocol):
    """Where the program's data is. `kind` says what makes it full."""

    kind: str

    async def full(self, seconds: float) -> None:
        """Refuse writes for so long."""
        ...


@contextmanager
def small_disk(folder: Path, pid: Callable[[], int]) -> Generator[Disk]:
    """A file system of 64 MB at `folder`; where mounting is not permitted, limits for the process `pid`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "cartoonbot-soak", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        yield Forbidden(pid)
        return
    try:
        yield Ballast(folder / "ballast")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes all the room there is: writes fail with ENOSPC, SQLite's as "database or disk is full"."""

    kind = "tmpfs"

    def __init__(self, file: Path) -> None:
        self._file = file

    async def full(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT)
        try:
            while time.monotonic() < until:
                _fill(descriptor)
                # What the program removes makes room again.
                await asyncio.sleep(TOP_UP_SECONDS)
        finally:
            os.close(descriptor)
            self._file.unlink()


class Forbidden:
    """A file size limit of nothing: writes fail with EFBIG, SQLite's as "disk I/O error"."""

    kind = "RLIMIT_FSIZE"

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid

    async def full(self, seconds: float) -> None:
        pid = self._pid()
        usual, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
        await asyncio.sleep(seconds)
        with suppress(ProcessLookupError):  # it has crashed, and its successor has no such limit
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (usual, most))


def _fill(descriptor: int) -> None:
    for block in BLOCKS:
        try:
            while True:
                os.write(descriptor, bytes(block))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
