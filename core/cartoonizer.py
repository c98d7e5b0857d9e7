"""Cartoons for scripts: photos in, arrays out.

with Cartoonizer(style="ink") as cartoonizer:
    cartoon = cartoonizer.cartoonize("cat.jpg", strength=0.8)
Path("cat.png").write_bytes(core.photo.encode(cartoon, "png"))
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar, overload

import numpy as np

from core.engine import Engine, LocalEngine
from core.errors import Closed, ConfigError, LookError, OutOfMemory, PhotoError
from core.look import Look, parse_faces, parse_size, parse_strength, parse_style
from core.memory import MemoryLimits
from core.photo import Array, Limits, decode, resized
from core.styles.registry import STYLE_NAMES, Styles
from core.weights import WeightsFolder

# The path of a picture file, or uint8 RGB [H, W, 3].
PhotoLike = str | Path | Array
_P = TypeVar("_P", bound=PhotoLike)


class Cartoonizer:
    """Draws photos in one style, on one device, for one thread at a time. Close it, or use it in `with`.

    `style` is any name that `cartoonbot styles` lists. `device` is "auto" (the first CUDA GPU, else the CPU),
    "cpu", "cuda" or "cuda:N". `weights_dir` is where `cartoonbot styles pull` installs. `batch_size`: the most
    photos that the device takes at once.

    Photos are paths of files within core.photo.Limits, or arrays of any size, uint8 RGB [H, W, 3].
    Cartoons are uint8 RGB [h, w, 3] in the photo's proportions; core.photo.encode makes files of them.

    Raises UnknownStyle, StyleMissing (its weights are not installed), or ConfigError for another argument.
    """

    def __init__(
        self,
        style: str = "ink",
        device: str = "auto",
        weights_dir: str | Path = Path("weights"),
        batch_size: int = 4,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size} draws nothing: it must be 1 or more.")
        styles = Styles(WeightsFolder(Path(weights_dir)))
        self._style = parse_style(style, STYLE_NAMES)
        if not styles.has(self._style):
            raise styles.missing(self._style)
        self._engine = LocalEngine(device, styles.build)
        self._memory = MemoryLimits(batch_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the device. May be called twice; drawing raises Closed from then on."""
        self._engine.close()

    @overload
    def cartoonize(
        self, photos: PhotoLike, *, strength: float = 0.7, size: int = 1024, faces: str = "all"
    ) -> Array: ...
    @overload
    def cartoonize(
        self, photos: Iterable[PhotoLike], *, strength: float = 0.7, size: int = 1024, faces: str = "all"
    ) -> list[Array]: ...
    def cartoonize(self, photos: Any, *, strength: float = 0.7, size: int = 1024, faces: str = "all") -> Any:
        """One photo -> its cartoon; several photos -> the list of theirs, in the same order.

        `strength` 0.1-1.0; `size` is the longest side in pixels, 512-2048; `faces` that get special care:
        "all", or "main" (only the largest). The first photo that cannot be drawn raises its error; see `each`.
        """
        one = _is_one(photos)
        cartoons: list[Array] = []
        for _, cartoon in self.each([photos] if one else photos, strength=strength, size=size, faces=faces):
            if isinstance(cartoon, Exception):
                raise cartoon
            cartoons.append(cartoon)
        return cartoons[0] if one else cartoons

    def each(
        self, photos: Iterable[_P], *, strength: float = 0.7, size: int = 1024, faces: str = "all"
    ) -> Iterator[tuple[_P, Array | Exception]]:
        """Each photo with its cartoon, or with the error because of which it has none: the others go on.

        Photos are taken and drawn while you iterate, so there may be more of them than fit into memory.
        A photo's error is a PhotoError, OSError (its file cannot be opened), TypeError (it is no such array),
        OutOfMemory, or whatever else drawing it raised. Raises StrengthOutOfRange, SizeOutOfRange, UnknownFaces,
        StyleDamaged or Closed.
        """
        if _is_one(photos):
            raise TypeError("each() takes several photos; hand a single one to cartoonize().")
        look = Look(self._style, parse_strength(str(strength)), parse_size(str(size)), faces=parse_faces(faces))
        return self._each(iter(photos), look)

    def _each(self, photos: Iterator[_P], look: Look) -> Iterator[tuple[_P, Array | Exception]]:
        while batch := list(islice(photos, self._memory.photos(look))):
            read = [_read(photo, look.working_size) for photo in batch]
            good = [pixels for pixels in read if not isinstance(pixels, Exception)]
            drawn = iter(draw(self._engine, self._memory, good, look))
            for photo, pixels in zip(batch, read, strict=True):
                yield photo, pixels if isinstance(pixels, Exception) else next(drawn)


def draw(engine: Engine, memory: MemoryLimits, photos: Sequence[Array], look: Look) -> list[Array | Exception]:
    """Each photo's cartoon or error. Photos that fail together are drawn again in halves, down to each alone."""
    if not photos:
        return []
    try:
        cartoons = engine.stylize(photos, [look] * len(photos))
    except (LookError, Closed):
        raise
    except OutOfMemory:
        if len(photos) == 1:
            return [OutOfMemory(f"This photo does not fit on the device at {look.size} pixels: ask for less.")]
        memory.ran_out(look, len(photos))
    except Exception as error:
        if len(photos) == 1:
            return [error]
    else:
        memory.fitted(look, len(photos))
        return [*cartoons]
    # Not above: while an error is handled, its traceback keeps what the device had no room for.
    half = len(photos) // 2
    return draw(engine, memory, photos[:half], look) + draw(engine, memory, photos[half:], look)


def _is_one(photos: object) -> bool:
    return isinstance(photos, str | bytes | np.ndarray) or not isinstance(photos, Iterable)


def _read(photo: object, longest: int) -> Array | Exception:
    """The photo's pixels, reduced to `longest` where it is larger; or what is wrong with it."""
    try:
        return _pixels(photo, longest)
    except Exception as error:
        return error


def _pixels(photo: object, longest: int) -> Array:
    if isinstance(photo, str | Path):
        try:
            return decode(Path(photo), Limits(), longest)
        except PhotoError as error:
            error.values["photo"] = str(photo)
            raise
    if not isinstance(photo, np.ndarray):
        raise TypeError(f"A photo is a path or a uint8 RGB array [H, W, 3], not {type(photo).__name__}.")
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise TypeError(f"A photo is a uint8 RGB array [H, W, 3], not {photo.dtype} {list(photo.shape)}.")
    return resized(photo, longest) if max(photo.shape) > longest else photo
