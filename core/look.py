"""Look: what a photo should become, its bounds, and how people write it."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self

from core.errors import (
    SizeOutOfRange,
    StrengthOutOfRange,
    UnknownDelivery,
    UnknownFaces,
    UnknownFormat,
    UnknownStyle,
)

MIN_STRENGTH: Final = 0.1
MAX_STRENGTH: Final = 1.0
MIN_SIZE: Final = 512
MAX_SIZE: Final = 2048
WORKING_SIZE: Final = 1024
SHEET_SIZE: Final = 640
FORMATS: Final = ("jpg", "png", "webp")
FACES: Final = ("all", "main")
DELIVERIES: Final = ("auto", "photo", "file", "zip")


class SheetKind(StrEnum):
    """What a sheet shows beside the photo: its cartoon, the cartoon at several strengths, or in all styles."""

    BEFORE = "before"
    STRENGTHS = "strengths"
    STYLES = "styles"


@dataclass(frozen=True, slots=True)
class Look:
    """Style, strength 0.1-1.0, size (longest side in pixels, 512-2048), file format, faces to treat.

    With `sheet`, several drawings on one picture, each of that size or less.
    """

    style: str = "ink"
    strength: float = 0.7
    size: int = 1024
    format: str = "jpg"
    faces: str = "all"
    sheet: SheetKind | None = None

    def on_sheet(self, sheet: SheetKind) -> Self:
        """This look as a chat shows it at once, on a sheet."""
        return replace(self, size=SHEET_SIZE, format="jpg", sheet=sheet)

    @property
    def working_size(self) -> int:
        """Longest side, in pixels, to which a photo is reduced before it is drawn: a small cartoon, too, is
        drawn from a photo with all its lines."""
        return max(self.size, WORKING_SIZE)

    def with_style_words(self, text: str, styles: Collection[str]) -> Self:
        """This look changed by words such as "0.8", "ink" or "ink 0.8".

        Raises UnknownStyle, or StrengthOutOfRange for a number outside the range.
        """
        look = self
        for word in text.split():
            if _is_number(word):
                look = replace(look, strength=parse_strength(word))
            else:
                look = replace(look, style=parse_style(word, styles))
        return look


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person has chosen: a look, how results are sent, and a language (None: that of their app)."""

    look: Look = field(default_factory=Look)
    delivery: str = "auto"
    language: str | None = None


def parse_strength(text: str) -> float:
    """A strength from "0.8", "0,8" or "80%". Raises StrengthOutOfRange."""
    text = text.strip()
    try:
        value = float(text.rstrip("%").replace(",", "."))
    except ValueError:
        value = math.nan
    if text.endswith("%"):
        value /= 100
    if not MIN_STRENGTH <= value <= MAX_STRENGTH:
        raise StrengthOutOfRange(given=_shown(text), low=MIN_STRENGTH, high=MAX_STRENGTH)
    return round(value, 2)


def parse_size(text: str) -> int:
    """A longest side in pixels from "1024" or "1024px". Raises SizeOutOfRange."""
    digits = text.strip().lower().removesuffix("px").strip()
    value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else -1
    if not MIN_SIZE <= value <= MAX_SIZE:
        raise SizeOutOfRange(given=_shown(text), low=MIN_SIZE, high=MAX_SIZE)
    return value


def parse_format(text: str) -> str:
    """One of FORMATS; "jpeg" and a leading dot are understood. Raises UnknownFormat."""
    word = text.strip().lower().removeprefix(".")
    word = "jpg" if word == "jpeg" else word
    if word not in FORMATS:
        raise UnknownFormat(given=_shown(text), choices=", ".join(FORMATS))
    return word


def parse_faces(text: str) -> str:
    """One of FACES. Raises UnknownFaces."""
    word = text.strip().lower()
    if word not in FACES:
        raise UnknownFaces(given=_shown(text), choices=", ".join(FACES))
    return word


def parse_delivery(text: str) -> str:
    """One of DELIVERIES; their plurals are understood. Raises UnknownDelivery."""
    word = text.strip().lower().removesuffix("s")
    if word not in DELIVERIES:
        raise UnknownDelivery(given=_shown(text), choices=", ".join(DELIVERIES))
    return word


def parse_style(text: str, styles: Collection[str]) -> str:
    """One of `styles`, whatever its case. Raises UnknownStyle."""
    word = text.strip().lower()
    if word not in styles:
        raise UnknownStyle(given=_shown(text), choices=", ".join(styles))
    return word


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?([\d.,]+%?|nan|inf)", word, re.IGNORECASE) is not None


def _shown(text: str) -> str:
    """What a person typed, short enough to be said back."""
    text = text.strip()
    return text if len(text) <= 32 else text[:31] + "…"
