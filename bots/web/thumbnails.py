"""Small pictures of what lies on the shelf: photos weigh megabytes, and not every browser shows every kind."""

import hashlib
from pathlib import Path
from typing import Final

from core.photo import Limits, decode, encode, resized
from core.writing import to_disk
from storage.shelf import Shelf

# Pixels of the longest side: twice what a card shows, for sharp screens.
LONGEST: Final = 480
FOLDER: Final = "small"


class Thumbnails:
    """Made when first asked for, and kept beside the results. `limits` are those of photos."""

    def __init__(self, shelf: Shelf, limits: Limits) -> None:
        self._shelf = shelf
        self._limits = limits

    def of(self, user: str, path: Path) -> Path:
        """The small JPEG of a file of the person. Raises PhotoError, StorageUnwritable."""
        version = f"{self._shelf.address(user, path)}?{path.stat().st_mtime_ns}"
        target = self._shelf.result(user, f"{hashlib.sha256(version.encode()).hexdigest()[:32]}.jpg", FOLDER)
        if not target.exists():
            photo = decode(path, self._limits, LONGEST)
            small = resized(photo, LONGEST) if max(photo.shape) > LONGEST else photo
            unfinished = target.with_suffix(".part")
            with to_disk():
                unfinished.write_bytes(encode(small, "jpg"))
            unfinished.replace(target)
        return target
