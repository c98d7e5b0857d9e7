"""Pictures that show what Cartoonbot does: those it comes with, and those of the styles that are installed."""

import hashlib
import io
import logging
import math
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from core.look import Look
from core.photo import Array, Limits, decode, resized
from core.sheet import sheet
from core.styles.registry import BUILT_IN, Styles
from core.weights import WeightsFolder
from core.writing import sync, to_disk

if TYPE_CHECKING:
    # Only drawing needs torch; showing pictures does not.
    from core.engine import Engine

log = logging.getLogger(__name__)

FOLDER: Final = Path(__file__).resolve().parent
SITTER: Final = FOLDER / "astronaut.jpg"
# The square of head and shoulders in it: left, top, side, as shares of the whole picture's side.
PORTRAIT: Final = (0.156, 0.0, 0.528)
PORTRAIT_SIDE: Final = 384
SHEET_LONGEST: Final = 1280
JPEG_QUALITY: Final = 88


def samples() -> list[Path]:
    """The photos that come with Cartoonbot, in order of name."""
    return sorted(path for path in FOLDER.glob("*.jpg") if path != welcome())


def welcome() -> Path:
    """A photo and its cartoon side by side, as JPEG."""
    return FOLDER / "welcome.jpg"


def packaged(name: str) -> Path:
    """The portrait in a built-in style, or "photo": the portrait itself."""
    return FOLDER / "styles" / f"{name}.jpg"


def portrait(picture: Array) -> Array:
    """Head and shoulders of SITTER or of a drawing of it: uint8 RGB [PORTRAIT_SIDE, PORTRAIT_SIDE, 3]."""
    left, top, side = (round(share * len(picture)) for share in PORTRAIT)
    return resized(picture[top : top + side, left : left + side], PORTRAIT_SIDE)


def drawn_portrait(engine: "Engine", style: str) -> Array:
    """The portrait as a style draws it at the recommended strength."""
    look = Look(style=style)
    # Drawn whole, and cut after that: a small tile wants the bolder lines.
    return portrait(engine.stylize([decode(SITTER, Limits(), look.working_size)], [look])[0])


def as_jpeg(picture: Array) -> bytes:
    """uint8 RGB [H, W, 3] as a small JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def draw_sample(weights: WeightsFolder, style: str) -> None:
    """Draw the portrait in an installed style on the CPU and keep it with the weights, unless it is there.

    Where that fails, a warning is logged: the style lacks nothing but its tile.
    """
    installed = weights.installed(style)
    if installed is None or installed.sample.exists():
        return
    from core.engine import LocalEngine

    try:
        drawn = drawn_portrait(LocalEngine("cpu", Styles(weights).build), style)
        _write_whole(installed.sample, as_jpeg(drawn))
    except Exception as error:
        log.warning(
            "%s can be used; only its example picture is missing (%s). To try again: cartoonbot styles pull %s",
            style,
            error,
            style,
        )


class StylePictures:
    """One picture of all installed styles, kept in a folder and made anew when they change."""

    def __init__(self, styles: Styles, weights: WeightsFolder, folder: Path) -> None:
        self._styles = styles
        self._weights = weights
        self._folder = folder
        self._making = threading.Lock()

    def sheet(self) -> Path:
        """A JPEG with the photo and each installed style that has a tile, at most SHEET_LONGEST pixels long.

        Takes a moment when styles have changed: for a thread. Its name changes with what it shows. Raises
        StorageUnwritable.
        """
        tiles = self._tiles()
        with self._making, to_disk():
            path = self._folder / f"styles-{_digest(tiles)}.jpg"
            if not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                # The latest stays until the next: somebody may be about to send it.
                for old in sorted(self._folder.glob("styles-*"), key=_written)[:-1]:
                    old.unlink()
                _write_whole(path, as_jpeg(_laid_out(tiles)))
            return path

    def _tiles(self) -> dict[str, bytes]:
        """Labels and JPEGs in the order in which they are shown."""
        paths = {name: self._path(name) for name in ("photo", *self._styles.installed)}
        return {name: path.read_bytes() for name, path in paths.items() if path is not None and path.exists()}

    def _path(self, name: str) -> Path | None:
        if name == "photo" or name in BUILT_IN:
            return packaged(name)
        installed = self._weights.installed(name)
        return None if installed is None else installed.sample


def _laid_out(tiles: dict[str, bytes]) -> Array:
    # A tile that another release drew may have another size.
    pictures = [resized(np.asarray(Image.open(io.BytesIO(tile))), PORTRAIT_SIDE) for tile in tiles.values()]
    laid_out = sheet(pictures, list(tiles), math.ceil(math.sqrt(len(tiles))))
    return resized(laid_out, min(SHEET_LONGEST, max(laid_out.shape)))


def _digest(tiles: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, tile in tiles.items():
        digest.update(f"{name} {len(tile)}\n".encode() + tile)
    return digest.hexdigest()[:16]


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        new.write_bytes(content)
        sync(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
