"""What the bench draws: photos that are new to the engine every time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bots.samples import samples
from core.photo import Limits, decode, encode, inspect, resized

# The patch's side is so small a part of the photo's longest.
PATCH: Final = 64


def enlarged_samples(folder: Path, size: int) -> list[Path]:
    """The samples stored in `folder` as JPEG, longest side `size`: decoding has as many pixels as drawing."""
    return [_enlarged(sample, folder, size) for sample in samples()]


class FreshPhotos:
    """Copies of photos that differ from one another: an engine remembers the faces of a photo it has seen.

    Each is a JPEG of the photo at its own size, with a small patch of another colour in the corner.
    """

    def __init__(self, photos: Sequence[Path], limits: Limits) -> None:
        self._photos = photos
        self._limits = limits
        self._made = 0

    def into(self, folder: Path, count: int) -> list[Path]:
        """So many more, the photos in turn from the first on, in files that replace earlier ones.

        Raises PhotoError.
        """
        return [
            self._copy(self._photos[number % len(self._photos)], folder / f"{number}.source")
            for number in range(count)
        ]

    def _copy(self, photo: Path, target: Path) -> Path:
        pixels = decode(photo, self._limits, max(inspect(photo, self._limits))).copy()
        side = max(1, max(pixels.shape) // PATCH)
        # Steps large enough to outlive the compression; 4096 colours are more than an engine remembers.
        pixels[:side, :side] = [self._made // step % 16 * 16 for step in (1, 16, 256)]
        target.write_bytes(encode(pixels, "jpg"))
        self._made += 1
        return target


def _enlarged(sample: Path, folder: Path, size: int) -> Path:
    path = folder / sample.name
    path.write_bytes(encode(resized(decode(sample, Limits(), size), size), "jpg"))
    return path
