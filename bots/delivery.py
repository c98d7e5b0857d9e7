"""Results -> messages that fit a platform's limits. Nothing is sent here."""

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.writing import to_disk

# What a ZIP adds to each file, at most: two headers with its name.
ZIP_HEADERS: Final = 1000
# A picture of more pixels than this, width and height together, is no photo to Telegram.
PHOTO_SIDES: Final = 10_000


class Kind(StrEnum):
    """How a platform shows a picture: at once and perhaps scaled down, or as a file, untouched; or many in one."""

    PHOTO = "photo"
    DOCUMENT = "document"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Result:
    """A cartoon in the spool. `weight` in bytes, `width` and `height` in pixels; `name` is what people see.

    `reference` is how its front end knows the photo. `alt` is for who cannot see it, at most 1024 characters.
    """

    photo_id: int
    path: Path
    name: str
    weight: int
    width: int
    height: int
    reference: str
    alt: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform takes. Characters, bytes and pixels; the defaults are Telegram's.

    `request_bytes` is for all files of a message together, `file_bytes` for each. `album_buttons`: several files
    in one message can carry buttons, too.
    """

    text: int = 4096
    album_items: int = 10
    request_bytes: int = 50_000_000
    file_bytes: int = 50_000_000
    photo_bytes: int = 10_000_000
    photo_longest: int = 1280
    photo_ratio: float = 20.0
    album_buttons: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message: results of one kind, in order; or, of kind ZIP, one file `archive` that will hold them."""

    kind: Kind
    results: tuple[Result, ...]
    archive: Path | None = None
    name: str = ""

    @property
    def single(self) -> bool:
        """Whether it is one file, which can carry buttons; albums cannot."""
        return self.archive is not None or len(self.results) == 1


def pack(results: Sequence[Result], limits: Limits, delivery: str = "auto") -> list[Parcel]:
    """As few messages as the limits allow, of even length, in the order given. `delivery` as in core.look.

    By itself, they go as photos when that loses nothing for any of them, else all as documents: an album cannot
    mix them. Photos that were asked for and are too large for one still go as documents.
    """
    if delivery == "zip" and len(results) > 1:
        return _archives(results, limits)
    fits = _loses_nothing if delivery == "auto" else _can_be_photo
    as_photos = delivery in ("auto", "photo") and all(fits(result, limits) for result in results)
    kind = Kind.PHOTO if as_photos else Kind.DOCUMENT
    return [Parcel(kind, tuple(part)) for part in _parts(results, limits)]


def write_archive(parcel: Parcel) -> None:
    """Write the ZIP of a parcel of that kind: 01.png, 02.png and so on. Raises StorageUnwritable."""
    assert parcel.archive is not None
    unfinished = parcel.archive.with_name(parcel.archive.name + ".part")
    # Pictures are compressed already.
    with to_disk(), zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for result in parcel.results:
            archive.write(result.path, result.name)
    unfinished.replace(parcel.archive)


def _archives(results: Sequence[Result], limits: Limits) -> list[Parcel]:
    """ZIPs below the limits of a request and of a file; each beside the first of its pictures."""
    most = min(limits.request_bytes, limits.file_bytes)
    parts: list[list[Result]] = []
    weight = 0
    for result in results:
        weight += result.weight + ZIP_HEADERS
        if not parts or weight > most:
            parts.append([])
            weight = result.weight + ZIP_HEADERS
        parts[-1].append(result)
    return [
        Parcel(
            Kind.ZIP,
            tuple(part),
            part[0].path.with_name(f"{part[0].photo_id}.zip"),
            "cartoons.zip" if len(parts) == 1 else f"cartoons-{number}-of-{len(parts)}.zip",
        )
        for number, part in enumerate(parts, start=1)
    ]


def _loses_nothing(result: Result, limits: Limits) -> bool:
    return (
        result.path.suffix == ".jpg"
        and max(result.width, result.height) <= limits.photo_longest
        and _can_be_photo(result, limits)
    )


def _can_be_photo(result: Result, limits: Limits) -> bool:
    longest, shortest = max(result.width, result.height), min(result.width, result.height)
    return (
        longest <= limits.photo_ratio * shortest
        and longest + shortest <= PHOTO_SIDES
        and result.weight <= limits.photo_bytes
    )


def _parts(results: Sequence[Result], limits: Limits) -> list[list[Result]]:
    # Eleven are nicer as 6 and 5 than as 10 and a single one.
    even = math.ceil(len(results) / max(1, math.ceil(len(results) / limits.album_items)))
    parts: list[list[Result]] = []
    weight = 0
    for result in results:
        weight += result.weight
        if not parts or len(parts[-1]) == even or weight > limits.request_bytes:
            parts.append([])
            weight = result.weight
        parts[-1].append(result)
    return parts
