"""Compare sheets: one photo in several looks, laid out as labelled tiles in one picture."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.look import Look
from core.photo import WHITE, Array, fitted, resized

if TYPE_CHECKING:
    # For its type alone: laying out tiles does not need torch.
    from core.engine import Engine

SHEET_STRENGTHS: Final = (0.3, 0.5, 0.7, 0.9)
SHEET_LONGEST: Final = 4096
# Shares of a tile's longest side, so that every size shows the same sheet.
MARGIN: Final = 0.05
LABEL: Final = 0.048
INK: Final = (96, 96, 96)


class SheetKind(StrEnum):
    """What differs from tile to tile."""

    STRENGTHS = "strengths"
    STYLES = "styles"


def compare(engine: "Engine", photo: Array, looks: Sequence[Look]) -> Array:
    """The photo (uint8 RGB [H, W, 3]) and its drawings in looks of one size, as one sheet (uint8 RGB).

    Tiles measure that size, or less where the sheet would be longer than SHEET_LONGEST. All looks are drawn in
    one call of the engine. Raises OutOfMemory when they do not fit together.
    """
    labels = ["photo", *(f"{each.style} {each.strength:g}" for each in looks)]
    columns, size = _best_layout(photo, labels, looks[0].size)
    looks = [replace(each, size=size) for each in looks]
    # A photo smaller than that is drawn from its own pixels, as it would be alone.
    source = resized(photo, min(looks[0].working_size, max(photo.shape[:2])))
    drawn = engine.stylize([source] * len(looks), looks)
    return sheet([resized(source, size), *drawn], labels, columns)


def strength_looks(look: Look) -> list[Look]:
    """The look at each of SHEET_STRENGTHS."""
    return [replace(look, strength=strength) for strength in SHEET_STRENGTHS]


def style_looks(look: Look, styles: Collection[str]) -> list[Look]:
    """The look in each of the styles."""
    return [replace(look, style=style) for style in styles]


def sheet(pictures: Sequence[Array], labels: Sequence[str], columns: int) -> Array:
    """Pictures of one shape (uint8 RGB [H, W, 3]) in rows of `columns` on white, each above its ASCII label.

    The same type out. Raises ValueError when there is no picture, shapes differ, or labels are not one a picture.
    """
    if len({picture.shape for picture in pictures}) != 1 or len(labels) != len(pictures):
        raise ValueError("a sheet takes pictures of one shape, and a label for each")
    height, width = pictures[0].shape[:2]
    layout = _Layout.of(height, width, labels, columns)
    canvas = Image.new("RGB", (layout.width, layout.height), WHITE)
    pen = ImageDraw.Draw(canvas)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = layout.corner(index)
        canvas.paste(Image.fromarray(picture), (left, top))
        # Anchored by its ascender, a label's place does not depend on its letters.
        place = (left + width / 2, top + height + layout.gap)
        pen.text(place, label, fill=INK, font=layout.font, anchor="ma")
    return np.asarray(canvas)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything is, in pixels."""

    tile_height: int
    tile_width: int
    columns: int
    rows: int
    margin: int
    gap: int  # between a tile and its label
    label_width: int
    label_height: int
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont

    @classmethod
    def of(cls, height: int, width: int, labels: Sequence[str], columns: int) -> Self:
        """The layout for tiles of [height, width]."""
        longest = max(height, width)
        font = ImageFont.load_default(longest * LABEL)
        return cls(
            tile_height=height,
            tile_width=width,
            columns=columns,
            rows=math.ceil(len(labels) / columns),
            margin=math.ceil(longest * MARGIN),
            gap=math.ceil(longest * LABEL / 3),
            label_width=math.ceil(max(font.getlength(label) for label in labels)),
            label_height=math.ceil(font.getbbox("Ag", anchor="la")[3]),
            font=font,
        )

    @property
    def pitch(self) -> tuple[int, int]:
        """From one tile to the next: (right, down). A label may be wider than a narrow tile."""
        across = max(self.tile_width, self.label_width) + self.margin
        return across, self.tile_height + self.gap + self.label_height + self.margin

    @property
    def width(self) -> int:
        return self.margin + self.columns * self.pitch[0]

    @property
    def height(self) -> int:
        return self.margin + self.rows * self.pitch[1]

    def corner(self, index: int) -> tuple[int, int]:
        """(left, top) of a tile."""
        row, column = divmod(index, self.columns)
        across, down = self.pitch
        inset = (across - self.margin - self.tile_width) // 2
        return self.margin + column * across + inset, self.margin + row * down


def _best_layout(photo: Array, labels: Sequence[str], size: int) -> tuple[int, int]:
    """The columns that bring the sheet close to a square with few holes; the size of its tiles, at most `size`."""
    height, width = fitted(photo.shape[0], photo.shape[1], size)
    layouts = [_Layout.of(height, width, labels, columns) for columns in range(1, len(labels) + 1)]

    def badness(layout: _Layout) -> float:
        holes = layout.rows * layout.columns - len(labels)
        return abs(math.log(layout.width / layout.height)) + 0.2 * holes

    best = min(layouts, key=badness)
    # Everything grows with the tiles but for rounding up, a few pixels a tile; those are set aside.
    spare = 4 * (max(best.columns, best.rows) + 1)
    return best.columns, min(size, size * (SHEET_LONGEST - spare) // max(best.width, best.height))
