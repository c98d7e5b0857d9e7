"""One program a data folder: two would answer each other's jobs."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the folder for this process; the system lets go of it however the process ends. Raises ConfigError."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"Another Cartoonbot is using the data folder {folder}. Stop it, or set DATA_DIR to another."
            ) from error
        yield
