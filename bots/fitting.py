"""A cartoon that is too heavy for its chat -> a JPEG that is not."""

import io
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from bots.delivery import Result
from core.photo import Array, Limits, decode, resized
from core.writing import sync, to_disk

# Those of photos are for strangers' files; cartoons are our own.
NO_LIMITS: Final = Limits(sys.maxsize, sys.maxsize)
QUALITIES: Final = (95, 88, 80, 70)
# After the last of them, the longest side goes down step by step, to no less than so many pixels.
STEP: Final = 0.8
SMALLEST: Final = 64


def fit(result: Result, path: Path, most_bytes: int) -> Result:
    """Encode a cartoon anew into `path`: the best JPEG of at most `most_bytes`, or the smallest where none is.

    Takes a while: for a thread. Raises PhotoError when it is damaged, and StorageUnwritable.
    """
    cartoon = decode(result.path, NO_LIMITS, max(result.width, result.height))
    picture, data = cartoon, b""
    for picture, quality in _versions(cartoon):
        data = _jpeg(picture, quality)
        if len(data) <= most_bytes:
            break
    unfinished = path.with_name(path.name + ".part")
    with to_disk():
        unfinished.write_bytes(data)
        # It appears whole or not at all: the next run takes it as it is.
        sync(unfinished)
        unfinished.replace(path)
    height, width = picture.shape[:2]
    name = Path(result.name).with_suffix(path.suffix).name
    return replace(result, path=path, name=name, weight=len(data), width=width, height=height)


def _versions(cartoon: Array) -> Generator[tuple[Array, int]]:
    """The cartoon with the quality to encode it at, ever lighter."""
    for quality in QUALITIES:
        yield cartoon, quality
    size = int(max(cartoon.shape[:2]) * STEP)
    while size >= SMALLEST:
        yield resized(cartoon, size), QUALITIES[-1]
        size = int(size * STEP)


def _jpeg(picture: Array, quality: int) -> bytes:
    buffer = io.BytesIO()
    # Sharp in colour, as core.photo.encode makes them.
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling="4:4:4")
    return buffer.getvalue()
