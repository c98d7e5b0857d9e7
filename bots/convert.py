"""`cartoonbot convert`: files and folders of photos -> a folder of cartoons."""

import logging
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bots.locales import Locale
from core.engine import Engine
from core.errors import PhotoFailed, UserError
from core.look import Look, SheetKind
from core.photo import SUFFIXES, Array, Limits, decode, encode, side_by_side

log = logging.getLogger(__name__)


def gather(paths: Sequence[Path], out: Path | None = None) -> list[Path]:
    """The files named, and the pictures in the folders named, each once, folders in order of name.

    What an earlier run wrote into `out` is not a photo, should `out` lie within one of the folders.
    """
    photos: dict[Path, Path] = {}
    results = out.resolve() if out else None
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if _is_picture(file))
            if path.resolve() != results:
                files = [file for file in files if results not in file.resolve().parents]
        for file in files:
            photos.setdefault(file.resolve(), file)
    return list(photos.values())


class Conversion:
    """One run of the command: each photo becomes one file in `out`, named after it.

    With `pairs` photo and cartoon side by side are another file, with `sheet` the sheet of that kind.
    """

    def __init__(
        self,
        engine: Engine,
        look: Look,
        out: Path,
        limits: Limits,
        locale: Locale,
        *,
        pairs: bool = False,
        sheet: SheetKind | None = None,
    ) -> None:
        self._engine = engine
        self._look = look
        self._out = out
        self._limits = limits
        self._locale = locale
        self._pairs = pairs
        self._sheet = sheet
        self._taken: set[Path] = set()
        self._written: list[Path] = []

    def run(self, photos: Sequence[Path]) -> Iterator[dict[str, Any]]:
        """Convert one by one; a row of the report for each: photo, cartoon, width, height, seconds, error.

        A bad photo is a row with an error; the rest go on. Raises OSError when `out` cannot be written.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        self._taken |= {photo.resolve() for photo in photos}
        for photo in photos:
            started = time.perf_counter()
            try:
                cartoon, extras, shape = self._drawn(photo)
            except UserError as error:
                yield _row(photo, started, error=self._locale.error(error))
                continue
            # Named after the style, too: a cartoon must not replace a cat.jpg beside the cat.png it is made of.
            target = self._write(f"{photo.stem}-{self._look.style}", cartoon)
            for end, data in extras.items():
                # A sheet of all styles is no style's.
                stem = photo.stem if end == SheetKind.STYLES else target.stem
                self._write(f"{stem}-{end}", data)
            yield _row(photo, started, cartoon=target, shape=shape)

    def zip_to(self, archive: Path) -> None:
        """All files written so far in one ZIP. Pictures are compressed already, so they are only stored."""
        archive.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
            for path in self._written:
                file.write(path, path.name)

    def _drawn(self, photo: Path) -> tuple[bytes, dict[str, bytes], tuple[int, int]]:
        """A photo's cartoon; what else was asked for, by the end of its name; (width, height) of the cartoon."""
        try:
            pixels = decode(photo, self._limits, self._look.working_size)
            cartoon = self._engine.stylize([pixels], [self._look])[0]
            extras: dict[str, Array] = {}
            if self._pairs:
                extras["compare"] = side_by_side(pixels, cartoon)
            if self._sheet:
                extras[self._sheet] = self._engine.stylize([pixels], [replace(self._look, sheet=self._sheet)])[0]
            files = {end: encode(picture, self._look.format) for end, picture in extras.items()}
            return encode(cartoon, self._look.format), files, cartoon.shape[1::-1]
        except UserError:
            raise
        except Exception as error:
            log.exception("%s could not be drawn", photo)
            raise PhotoFailed from error

    def _write(self, stem: str, data: bytes) -> Path:
        path = self._free_name(stem)
        path.write_bytes(data)
        self._written.append(path)
        return path

    def _free_name(self, stem: str) -> Path:
        """A name in the folder that is neither a photo's nor another result's of this run."""
        number = 1
        path = self._out / f"{stem}.{self._look.format}"
        while path.resolve() in self._taken:
            number += 1
            path = self._out / f"{stem}-{number}.{self._look.format}"
        self._taken.add(path.resolve())
        return path


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")


def _row(
    photo: Path,
    started: float,
    cartoon: Path | None = None,
    shape: tuple[int, int] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    width, height = shape or (None, None)
    return {
        "photo": str(photo),
        "cartoon": str(cartoon) if cartoon else None,
        "width": width,
        "height": height,
        "seconds": round(time.perf_counter() - started, 3),
        "error": error,
    }
