"""Photos between bytes on disk and uint8 RGB arrays: sniffing, limits, orientation, colour, encoding.

Bytes come from strangers. A photo is judged from its header first (`inspect`), so that a picture of
30000x30000 pixels costs nothing; only then is it decoded, straight to the size that is needed.
"""

import io
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from core.errors import (
    HeicUnsupported,
    NotAPhoto,
    PhotoEmpty,
    PhotoTooHeavy,
    PhotoTooLarge,
    PhotoTruncated,
)

Array = npt.NDArray[np.uint8]

# Pillow is offered these and no other format: fewer decoders, fewer doors.
READABLE: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
HEIC_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
JPEG_QUALITY: Final = 95
WEBP_QUALITY: Final = 92
# Drawings are 5 to 10 % smaller than at level 3 with the usual strategy, in two thirds of the time.
PNG_STRATEGY: Final = zlib.Z_RLE
WHITE: Final = (255, 255, 255)
# What Pillow and libheif raise on damaged data, in their own code and in the codecs below it.
DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    TypeError,
    ZeroDivisionError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most a photo may weigh (bytes) and measure (pixels, width times height)."""

    file_bytes: int = 20_000_000
    pixels: int = 64_000_000


def inspect(path: Path, limits: Limits) -> tuple[int, int]:
    """(width, height) in pixels as stored, read from the file's header alone.

    Raises PhotoEmpty, PhotoTooHeavy, NotAPhoto, PhotoTooLarge or HeicUnsupported.
    """
    with _opened(path, limits) as image:
        return image.size


def decode(path: Path, limits: Limits, longest: int) -> Array:
    """The photo upright, in sRGB, on white, first frame: uint8 RGB [H, W, 3].

    Photos longer than `longest` pixels are reduced to it; smaller ones keep their size.
    Raises what `inspect` raises, and PhotoTruncated for damaged data.
    """
    with _opened(path, limits) as image:
        try:
            # JPEG can decode straight to a half, a quarter or an eighth.
            image.draft("RGB", (longest, longest))
            return _pixels(image, longest)
        except DAMAGE as error:
            raise PhotoTruncated from error


def encode(cartoon: Array, file_format: str) -> bytes:
    """uint8 RGB [H, W, 3] -> the bytes of a "jpg" (4:4:4, quality 95), "png" or "webp", without metadata."""
    image = Image.fromarray(cartoon)
    buffer = io.BytesIO()
    if file_format == "jpg":
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    elif file_format == "webp":
        image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    else:
        image.save(buffer, "PNG", compress_type=PNG_STRATEGY)
    return buffer.getvalue()


def side_by_side(photo: Array, cartoon: Array) -> Array:
    """Photo left, cartoon right, both at the cartoon's height: uint8 RGB [H, 2W, 3]."""
    # Not `resized`: rounding the photo's own proportions could be a pixel off the cartoon.
    left = Image.fromarray(photo).resize(cartoon.shape[1::-1], Image.Resampling.LANCZOS)
    return np.hstack([np.asarray(left), cartoon])


def resized(photo: Array, size: int) -> Array:
    """uint8 RGB [H, W, 3] with the longest side exactly `size`."""
    height, width = fitted(photo.shape[0], photo.shape[1], size)
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS))


def fitted(height: int, width: int, size: int) -> tuple[int, int]:
    """(height, width) in the same proportions, the longest side exactly `size`, the other at least 1."""
    longest = max(height, width)
    return max(1, round(height * size / longest)), max(1, round(width * size / longest))


@contextmanager
def _opened(path: Path, limits: Limits) -> Generator[Image.Image]:
    """The image with only its header read, within limits."""
    weight = path.stat().st_size
    if weight == 0:
        raise PhotoEmpty
    if weight > limits.file_bytes:
        raise PhotoTooHeavy(megabytes=_mega(weight), limit=_mega(limits.file_bytes))
    with path.open("rb") as file:
        try:
            image = _open_heic(path) if _is_heic(file.read(12)) else Image.open(file, formats=_readable())
        except UnidentifiedImageError as error:
            raise NotAPhoto from error
        except Image.DecompressionBombError as error:
            raise PhotoTooLarge(megapixels=179, limit=_mega(limits.pixels)) from error
        except DAMAGE as error:
            raise PhotoTruncated from error
        with image:
            width, height = image.size
            if width * height > limits.pixels:
                raise PhotoTooLarge(megapixels=int(width * height / 1e6), limit=_mega(limits.pixels))
            yield image


def _readable() -> list[str]:
    """READABLE less what this build of Pillow lacks (AVIF, where it was built without)."""
    Image.init()
    return [name for name in READABLE if name in Image.OPEN]


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def _open_heic(path: Path) -> ImageFile.ImageFile:
    try:
        # Opened by name: registering the plugin with Pillow would change it for the whole process.
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise HeicUnsupported from error
    return HeifImageFile(path)


def _pixels(image: Image.Image, longest: int) -> Array:
    profile: bytes | None = image.info.get("icc_profile")
    ImageOps.exif_transpose(image, in_place=True)
    image = _eight_bits(image)
    # Reducing before colour work keeps the peak of memory near the size of the decoded picture.
    if max(image.size) > longest:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if image.mode != "RGBA":
        return np.asarray(_in_srgb(image, profile))
    white = Image.new("RGB", image.size, WHITE)
    white.paste(_in_srgb(image.convert("RGB"), profile), mask=image.getchannel("A"))
    return np.asarray(white)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The same picture as L, RGB, CMYK, LAB or, where anything is see-through, RGBA."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _scaled_grey(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _scaled_grey(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or floats as 8 bits; Pillow's own conversion would clip it to white."""
    grey = np.nan_to_num(np.asarray(image, dtype=np.float32))
    brightest = float(grey.max(initial=0.0))
    full = next((top for top in (1.0, 255.0, 65535.0) if brightest <= top), brightest)
    return Image.fromarray((grey.clip(0, full) * (255 / full)).round().astype(np.uint8))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return _converted(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A broken profile, or one for other channels: the plain conversion is close enough.
            pass
    return image.convert("RGB")


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB") if converted is None else converted


def _mega(count: int) -> float:
    return round(count / 1e6, 1)
