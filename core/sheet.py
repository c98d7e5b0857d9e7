"""Compare sheets: one photo in several looks, laid out as labelled tiles in one picture."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.look import Look, SheetKind
from core.photo import WHITE, Array, fitted, resized

if TYPE_CHECKING:
    # For its type alone: laying out tiles does not need torch.
    from core.engine import Engine

SHEET_STRENGTHS: Final = (0.3, 0.5, 0.7, 0.9)
SHEET_LONGEST: Final = 4096
# Width by height.
WIDEST_PAIR: Final = 3.2
# Shares of a tile's longest side, so that every size shows the same sheet.
MARGIN: Final = 0.05
LABEL: Final = 0.048
INK: Final = (96, 96, 96)


class SheetEngine:
    """Draws sheets, too, with an engine that draws photos. `styles`: those that a sheet of styles shows.

    The other engine is closed with it.
    """

    def __init__(self, engine: "Engine", styles: Callable[[], Collection[str]]) -> None:
        self._engine = engine
        self._styles = styles

    def prepare(self, photo: Array) -> None:
        self._engine.prepare(photo)

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """See Engine.stylize; where a look asks for a sheet, that is the result: `compare` says how large."""
        plain = [index for index, look in enumerate(looks) if look.sheet is None]
        results: dict[int, Array] = {}
        if plain:
            drawn = self._engine.stylize([photos[index] for index in plain], [looks[index] for index in plain])
            results.update(zip(plain, drawn, strict=True))
        for index, look in enumerate(looks):
            if look.sheet is not None:
                results[index] = compare(self._engine, photos[index], looks_of(look, self._styles()))
        return [results[index] for index in range(len(photos))]

    def close(self) -> None:
        self._engine.close()


def looks_of(look: Look, styles: Collection[str]) -> list[Look]:
    """What the look's sheet shows beside the photo: looks without a sheet, in `styles` where it shows styles."""
    plain = replace(look, sheet=None)
    match look.sheet:
        case SheetKind.STRENGTHS:
            return [replace(plain, strength=strength) for strength in SHEET_STRENGTHS]
        case SheetKind.STYLES:
            return [replace(plain, style=style) for style in styles]
        case _:
            return [plain]


def compare(engine: "Engine", photo: Array, looks: Sequence[Look]) -> Array:
    """The photo (uint8 RGB [H, W, 3]) and its drawings in looks of one size, as one sheet (uint8 RGB).

    Tiles measure that size, or less where the sheet would be longer than SHEET_LONGEST. They are drawn one by one,
    so a sheet takes no more memory than a photo. Raises what the engine raises.
    """
    labels = ["photo", *(f"{each.style} {each.strength:g}" for each in looks)]
    columns, size = _best_layout(photo, labels, looks[0].size)
    looks = [replace(each, size=size) for each in looks]
    # A photo smaller than that is drawn from its own pixels, as it would be alone.
    source = resized(photo, min(looks[0].working_size, max(photo.shape[:2])))
    drawn = [picture for look in looks for picture in engine.stylize([source], [look])]
    return sheet([resized(source, size), *drawn], labels, columns)


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
    tiles: int
    columns: int
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
            tiles=len(labels),
            columns=columns,
            margin=math.ceil(longest * MARGIN),
            gap=math.ceil(longest * LABEL / 3),
            label_width=math.ceil(max(font.getlength(label) for label in labels)),
            label_height=math.ceil(font.getbbox("Ag", anchor="la")[3]),
            font=font,
        )

    @property
    def rows(self) -> int:
        return math.ceil(self.tiles / self.columns)

    @property
    def holes(self) -> int:
        """How many tiles the last row lacks."""
        return self.rows * self.columns - self.tiles

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
        """(left, top) of a tile. A last row that is not full stands in the middle."""
        row, column = divmod(index, self.columns)
        across, down = self.pitch
        inset = (across - self.margin - self.tile_width) // 2
        if row == self.rows - 1:
            inset += self.holes * across // 2
        return self.margin + column * across + inset, self.margin + row * down


def _best_layout(photo: Array, labels: Sequence[str], size: int) -> tuple[int, int]:
    """The columns that bring the sheet close to a square with few holes; the size of its tiles, at most `size`.

    A pair stands side by side, unless that makes it wider than WIDEST_PAIR.
    """
    height, width = fitted(photo.shape[0], photo.shape[1], size)
    layouts = [_Layout.of(height, width, labels, columns) for columns in range(1, len(labels) + 1)]

    def badness(layout: _Layout) -> float:
        return abs(math.log(layout.width / layout.height)) + 0.2 * layout.holes

    row = layouts[-1]
    pair = len(labels) == 2 and row.width <= WIDEST_PAIR * row.height
    best = row if pair else min(layouts, key=badness)
    # Everything grows with the tiles but for rounding up, a few pixels a tile; those are set aside.
    spare = 4 * (max(best.columns, best.rows) + 1)
    return best.columns, min(size, size * (SHEET_LONGEST - spare) // max(best.width, best.height))
