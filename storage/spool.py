"""The folder of photos in flight: a source and a result a photo, named by the photo's number."""

import contextlib
import shutil
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

from core.errors import StorageUnwritable
from core.look import FORMATS

FITTED: Final = "fitted.jpg"
SUFFIXES: Final = ("source", *(name + end for name in (*FORMATS, FITTED, "zip") for end in ("", ".part")))
# What is left to the database and to results when a disk runs full, as a share of it and in bytes.
RESERVED_SHARE, RESERVED_BYTES = 0.02, 200_000_000


class Spool:
    """Names the files; what is in them is for others to write. Created when first used.

    `limit`, in bytes, is how much may be in it before `check_room` refuses; `used` is what was there when last
    measured, with the sources that came and the files that went since.
    """

    def __init__(self, folder: Path, limit: float = float("inf")) -> None:
        self.folder = folder
        self.limit = limit
        self.used = 0
        folder.mkdir(parents=True, exist_ok=True)

    def source(self, photo_id: int) -> Path:
        """Where the photo's bytes are, as they came."""
        return self.folder / f"{photo_id}.source"

    def result(self, photo_id: int, file_format: str) -> Path:
        """Where its cartoon is."""
        return self.folder / f"{photo_id}.{file_format}"

    def fitted(self, photo_id: int) -> Path:
        """Where its cartoon is once more, as a JPEG that its chat takes, if it had to be made smaller."""
        return self.folder / f"{photo_id}.{FITTED}"

    def forget(self, photo_id: int) -> None:
        """Remove all files of a photo, finished or not."""
        for suffix in SUFFIXES:
            path = self.folder / f"{photo_id}.{suffix}"
            self.used = max(0, self.used - _size(path))
            path.unlink(missing_ok=True)

    def check_room(self) -> None:
        """Raises StorageUnwritable when the spool is full, or the disk nearly."""
        try:
            disk = shutil.disk_usage(self.folder)
        except OSError as error:
            raise StorageUnwritable from error
        if self.used >= self.limit or disk.free < min(RESERVED_SHARE * disk.total, RESERVED_BYTES):
            raise StorageUnwritable

    def make_room(self, more: int) -> None:
        """Count so many bytes more. Raises StorageUnwritable when there is no room for them."""
        self.check_room()
        self.used += more

    def check_writable(self) -> None:
        """Raises StorageUnwritable when there is no room, or a file cannot be written."""
        self.check_room()
        probe = self.folder / "probe"
        try:
            probe.write_bytes(b"may I?")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnwritable from error

    def measure(self) -> None:
        """Count the bytes that are in it."""
        # Each file once, under however many names.
        sizes: dict[int, int] = {}
        for path in self.folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if not stat.S_ISDIR(status.st_mode):
                    sizes[status.st_ino] = status.st_size
        self.used = sum(sizes.values())

    def sweep(self, wanted: Collection[int]) -> int:
        """Remove the files of all photos but the wanted ones; how many were removed."""
        removed = 0
        for path in self.folder.iterdir():
            number = path.name.partition(".")[0]
            # Folders are others' (storage.shelf).
            if not path.is_dir() and not (number.isdecimal() and int(number) in wanted):
                path.unlink(missing_ok=True)
                removed += 1
        return removed


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
