"""Writing to a disk that may be full for a while: told apart from other errors, and waited out."""

import asyncio
import errno
import logging
import os
import shutil
import uuid
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from core.errors import StorageUnwritable

log = logging.getLogger(__name__)
T = TypeVar("T")

# What the system says when it is the disk's fault: full, over quota, read-only, too large, broken.
UNWRITABLE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES})
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0


@contextmanager
def to_disk() -> Generator[None]:
    """Raises StorageUnwritable in place of an OSError that is the disk's fault."""
    try:
        yield
    except OSError as error:
        if error.errno in UNWRITABLE:
            raise StorageUnwritable from error
        raise


def sync(path: Path) -> None:
    """Return once the file and its name are on the disk itself, and would outlive a power cut."""
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def linked(source: Path, target: Path) -> None:
    """Have the file under another name, too; as a copy where the file system cannot do better.

    What was under that name before is gone; there is a file all the time. Raises FileNotFoundError.
    """
    unfinished = target.with_name(f"{uuid.uuid4().hex}.part")
    try:
        try:
            os.link(source, unfinished)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    finally:
        # Where both names are one file already, it was left.
        unfinished.unlink(missing_ok=True)


async def until_written(write: Callable[[], Awaitable[T]]) -> T:
    """What `write` gives once the disk takes it: made again, with pauses, while it raises StorageUnwritable.

    For what must not be forgotten.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            written = await write()
        except StorageUnwritable as error:
            if pause == FIRST_PAUSE:
                log.error(
                    "The data folder cannot be written (%s). Free some space; work goes on by itself then.",
                    error.__cause__,
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if pause > FIRST_PAUSE:
                log.info("the data folder can be written again")
            return written
