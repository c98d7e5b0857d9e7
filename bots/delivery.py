"""Results -> messages that fit a platform's limits. Pure: nothing is sent here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """How a platform shows a picture: at once and perhaps scaled down, or as a file, untouched."""

    PHOTO = "photo"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Result:
    """A cartoon in the spool. `weight` in bytes, `width` and `height` in pixels; `name` is what people see."""

    photo_id: int
    path: Path
    name: str
    weight: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform takes. Characters, bytes and pixels; the defaults are Telegram's."""

    text: int = 4096
    album_items: int = 10
    request_bytes: int = 50_000_000
    photo_bytes: int = 10_000_000
    photo_longest: int = 1280
    photo_ratio: float = 20.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message: results of one kind, in order."""

    kind: Kind
    results: tuple[Result, ...]


def pack(results: Sequence[Result], limits: Limits) -> list[Parcel]:
    """As few messages as the limits allow, of even length, in the order given.

    They go as photos when that loses nothing for any of them, else all as documents: an album cannot mix them.
    """
    kind = Kind.PHOTO if all(_loses_nothing(result, limits) for result in results) else Kind.DOCUMENT
    return [Parcel(kind, tuple(part)) for part in _parts(results, limits)]


def _loses_nothing(result: Result, limits: Limits) -> bool:
    longest, shortest = max(result.width, result.height), min(result.width, result.height)
    return (
        result.path.suffix == ".jpg"
        and longest <= limits.photo_longest
        and longest <= limits.photo_ratio * shortest
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
