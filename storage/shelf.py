"""What browsers brought, and what they may still look at: a folder a person, in the spool, for some hours."""

import re
import shutil
import uuid
from collections import Counter
from pathlib import Path
from typing import Final

# Bytes; longer names are cut, so that they fit any file system in any script.
LONGEST_NAME: Final = 150
UNSAFE: Final = re.compile(r"[^\w .()-]+")
UNSAFE_IN_SUFFIX: Final = re.compile(r"[^A-Za-z0-9.]+")


class Shelf:
    """Names the files; what is in them is for others to write. `user` is the person's, of letters and digits.

    A person's files are found below their own folder only, so nobody can name another one's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def upload(self, user: str, name: str) -> Path:
        """A new place for a file that a person brings, under the name that it has with them, made safe."""
        folder = self._of(user) / "uploads" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder / safe_name(name)

    def result(self, user: str, name: str, folder: str = "") -> Path:
        """Where a file is that was made for a person, such as "12.jpg"; its folder is there."""
        parent = self._of(user) / "results" / folder
        parent.mkdir(parents=True, exist_ok=True)
        return parent / safe_name(name)

    def address(self, user: str, path: Path) -> str:
        """How `find` finds a file of the person again, and they alone: "results/12.jpg"."""
        return path.relative_to(self._of(user)).as_posix()

    def find(self, user: str, address: str) -> Path | None:
        """The file of the person at an address, or at an absolute path; None where there is none of theirs."""
        own = self._of(user)
        try:
            path = (own / address).resolve()
            return path if path.is_relative_to(own) and path.is_file() else None
        except (OSError, ValueError, RuntimeError):
            # Too long, no text of a file system, links in a circle.
            return None

    def forget(self, user: str) -> None:
        """Remove all files of a person."""
        shutil.rmtree(self._of(user), ignore_errors=True)

    def sweep(self, before: float) -> None:
        """Remove the files that were last written before a time (seconds since 1970), and folders left empty."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            try:
                if path.is_dir():
                    if path.stat().st_mtime < before:
                        path.rmdir()
                elif path.stat().st_mtime < before:
                    path.unlink()
            except OSError:
                # Not empty, or somebody else was quicker.
                continue

    def trim(self, most_bytes: float) -> None:
        """Remove the oldest files until what is left has at most so many bytes."""
        found = [(path, path.stat()) for path in self.folder.rglob("*") if path.is_file()]
        total = sum({status.st_ino: status.st_size for _, status in found}.values())
        names = Counter(status.st_ino for _, status in found)
        for path, status in sorted(found, key=lambda each: each[1].st_mtime):
            if total <= most_bytes:
                return
            path.unlink(missing_ok=True)
            names[status.st_ino] -= 1
            # A file under several names goes with the last of them.
            if not names[status.st_ino]:
                total -= status.st_size

    def _of(self, user: str) -> Path:
        if not user.isalnum():
            raise ValueError("a person of the web app is letters and digits")
        return self.folder / user


def safe_name(name: str) -> str:
    """A file name without what file systems or browsers could take for something else; its suffix stays."""
    path = Path(name.replace("\\", "/").rpartition("/")[2])
    stem, suffix = UNSAFE.sub("_", path.stem).strip(" ."), UNSAFE_IN_SUFFIX.sub("", path.suffix)[:10]
    short = stem.encode()[:LONGEST_NAME].decode(errors="ignore")
    return (short or "photo") + suffix
