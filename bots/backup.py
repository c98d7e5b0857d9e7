"""`cartoonbot backup` and `cartoonbot restore`: the data folder as one tar, and back.

cartoonbot.sqlite3   the database at one moment
spool/...            the files of the photos that were in flight then, and what browsers may still look at
SHA256SUMS           as sha256sum writes it; last, so an archive that broke off has none
"""

import contextlib
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from core.errors import ConfigError
from core.writing import linked, sync
from storage.lock import locked
from storage.snapshot import check, snapshot

DATABASE: Final = "cartoonbot.sqlite3"
SPOOL: Final = "spool"
SUMS: Final = "SHA256SUMS"
# Of folders in the data folder: with what a restore replaced, and with a backup that is being made or restored.
REPLACED: Final = "replaced-"
STAGING: Final = ".cartoonbot-backup-"
MOST_FILES: Final = 1_000_000
DAY: Final = 86400.0


def back_up(folder: Path, file: Path) -> int:
    """Write the data folder, which a program may be using, into a new file; how many bytes that is.

    The file appears whole or not at all, for its owner alone. Raises ConfigError.
    """
    if not (folder / DATABASE).is_file():
        raise ConfigError(
            f"There is nothing to back up: {folder / DATABASE} is missing. "
            "Set DATA_DIR to the folder that Cartoonbot uses, or run this where its .env is."
        )
    if file.exists():
        raise ConfigError(f"{file} is there already. Name another file, or remove that one.")
    _remove_leftovers(folder)
    unfinished = file.with_name(f"{file.name}.part")
    try:
        # In the data folder, where names for the spool's files cost no copies.
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as name:
            staging = Path(name)
            snapshot(
                folder / DATABASE,
                staging / DATABASE,
                lambda photo_ids: _link_spool(folder / SPOOL, staging / SPOOL, photo_ids),
            )
            unfinished.unlink(missing_ok=True)
            _pack(staging, unfinished)
        sync(unfinished)
        unfinished.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"The backup could not be made ({error}). Free some space, or name a file in a folder that you may "
            f"write; {folder} is as it was."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    return file.stat().st_size


def restore(file: Path, folder: Path, *, replace: bool = False) -> Path | None:
    """Bring a backup into the data folder, all of it or nothing.

    With `replace` also where there is a database or a spool already: where they are now. Other things in the
    folder stay. Raises ConfigError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            there = sorted([*folder.glob(f"{DATABASE}*"), *folder.glob(SPOOL)])
            if there and not replace:
                raise ConfigError(
                    f"The data folder {folder} is not empty: {there[0].name} is in it. Set DATA_DIR to a new one, "
                    "or add --replace: what is there now is kept beside."
                )
            with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as name:
                _unpack(file, Path(name))
                return _put_in_place(Path(name), folder, there)
    except (tarfile.TarError, sqlite3.Error, ValueError) as error:
        raise ConfigError(
            f"{file} is damaged, or no backup of Cartoonbot ({error}). Take another one; nothing was changed."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{file} could not be restored ({error}); {folder} is as it was. Free some space there, or see that "
            "you may read the one and write the other."
        ) from error


class _Summed:
    """A file whose checksum grows as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.sum.update(piece)
        return piece


def _remove_leftovers(folder: Path) -> None:
    """Of commands that were killed: they keep files on the disk that the program has removed."""
    for path in folder.glob(f"{STAGING}*"):
        if path.stat().st_mtime < time.time() - DAY:
            shutil.rmtree(path, ignore_errors=True)


def _link_spool(spool: Path, kept: Path, photo_ids: set[int]) -> None:
    """Give the files of these photos, and those of browsers, names that the program does not remove."""
    for parent, _, names in os.walk(spool):
        for path in (Path(parent, name) for name in names if not name.endswith(".part")):
            number = path.name.partition(".")[0]
            if path.parent == spool and not (number.isdecimal() and int(number) in photo_ids):
                continue
            target = kept / path.relative_to(spool)
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            # It may have gone just now.
            with contextlib.suppress(FileNotFoundError):
                linked(path, target)


def _pack(staging: Path, file: Path) -> None:
    sums: list[str] = []
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as output, tarfile.open(fileobj=output, mode="w") as archive:
        for path in sorted(path for path in staging.rglob("*") if path.is_file()):
            name = path.relative_to(staging).as_posix()
            member = tarfile.TarInfo(name)
            with path.open("rb") as content:
                status = os.fstat(content.fileno())
                member.size, member.mtime, member.mode = status.st_size, status.st_mtime, 0o600
                summed = _Summed(content)
                archive.addfile(member, summed)  # pyright: ignore[reportArgumentType]
            sums.append(f"{summed.sum.hexdigest()}  {name}\n")
        listing = "".join(sums).encode()
        member = tarfile.TarInfo(SUMS)
        member.size, member.mtime, member.mode = len(listing), time.time(), 0o600
        archive.addfile(member, io.BytesIO(listing))


def _unpack(file: Path, folder: Path) -> None:
    """Unpack it; every file is there and unchanged then. Raises TarError, ValueError, sqlite3.Error."""
    # Without compression no file in it is larger than the archive. By hand: Python has filters since 3.11.4 only.
    with tarfile.open(file, "r:") as archive:
        members = _checked(archive)
        if shutil.disk_usage(folder).free < sum(member.size for member in members):
            raise OSError("there is too little room")
        for member in members:
            target, content = folder / member.name, archive.extractfile(member)
            assert content is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as output:
                shutil.copyfileobj(content, output)
    _check_sums(folder, sorted(member.name for member in members))
    check(folder / DATABASE)


def _checked(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Its members, if they are plain files, each with a name of its own that leads nowhere else."""
    members: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        path = PurePosixPath(member.name)
        if not member.isreg() or member.issparse() or member.name in members:
            raise ValueError(f"{member.name} in it is no plain file, or there twice")
        is_ours = member.name in (DATABASE, SUMS) or (path.parts[:1] == (SPOOL,) and len(path.parts) > 1)
        if not is_ours or ".." in path.parts or str(path) != member.name:
            raise ValueError(f"{member.name} in it is none of ours")
        members[member.name] = member
        if len(members) > MOST_FILES:
            raise ValueError("it has too many files")
    return [*members.values()]


def _check_sums(folder: Path, names: list[str]) -> None:
    if SUMS not in names or DATABASE not in names:
        raise ValueError("its end is missing")
    sums: dict[str, str] = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        known, _, name = line.partition("  ")
        sums[name] = known
    if sorted([*sums, SUMS]) != names:
        raise ValueError("it has not the files that it lists")
    for name, known in sums.items():
        with (folder / name).open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != known:
                raise ValueError(f"{name} in it has changed")


def _put_in_place(staging: Path, folder: Path, there: list[Path]) -> Path | None:
    """Put what is there away, if anything, and what is staged in its place; where the former is now.

    Everything is where it was when that raises OSError, as it does for a mount point.
    """
    replaced = folder / f"{REPLACED}{time.strftime('%Y%m%d-%H%M%S')}" if there else None
    (staging / SUMS).unlink()
    os.sync()
    with contextlib.ExitStack() as undo:
        moves: list[tuple[Path, Path]] = []
        if replaced is not None:
            replaced.mkdir()
            undo.callback(replaced.rmdir)
            moves += [(path, replaced / path.name) for path in there]
        # The photos first: a database without them would give them up.
        moves += [(path, folder / path.name) for path in sorted(staging.iterdir(), reverse=True)]
        for path, target in moves:
            path.rename(target)
            undo.callback(target.rename, path)
        undo.pop_all()
    return replaced
