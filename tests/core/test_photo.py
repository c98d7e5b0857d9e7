"""Photos from strangers: every kind of bad input gives pixels or one clear error."""

import io
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from core.errors import (
    NotAPhoto,
    PhotoEmpty,
    PhotoTooHeavy,
    PhotoTruncated,
)
from core.photo import Array, Limits, decode, encode, inspect, side_by_side
from tests.pictures import gradient, jpeg_bytes, png_bomb

LIMITS = Limits()
Save = Callable[[bytes], Path]


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    def save(data: bytes) -> Path:
        path = tmp_path / "photo"
        path.write_bytes(data)
        return path

    return save


def bytes_of(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def close(pixels: Array, expected: Array, tolerance: int) -> bool:
    return int(np.abs(pixels.astype(int) - expected.astype(int)).max()) <= tolerance


@pytest.mark.parametrize("data", [b"hello, this is text", b"%PDF-1.7\n", b"<svg xmlns='x'/>", b"\x00" * 64])
def test_what_is_not_a_picture_is_refused(saved: Save, data: bytes):
    with pytest.raises(NotAPhoto):
        inspect(saved(data), LIMITS)


def test_an_empty_file_is_named_empty(saved: Save):
    with pytest.raises(PhotoEmpty):
        inspect(saved(b""), LIMITS)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_truncated_jpeg_is_refused_and_never_half_drawn(saved: Save, kept: float):
    data = jpeg_bytes(gradient(400, 300))
    with pytest.raises(PhotoTruncated):
        decode(saved(data[: int(len(data) * kept)]), LIMITS, 1024)


def test_a_heavy_file_is_refused_before_it_is_read(saved: Save):
    with pytest.raises(PhotoTooHeavy) as caught:
        inspect(saved(b"\xff" * 25_000_000), LIMITS)
    assert caught.value.values == {"megabytes": 25.0, "limit": 20.0}


# In a process of its own, for the peak of memory is that of a whole process; in kilobytes.
REFUSE_A_BOMB = """
import sys
from pathlib import Path
from core.errors import PhotoTooLarge
from core.photo import Limits, decode
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
try:
    decode(Path(sys.argv[1]), Limits(), 1024)
except PhotoTooLarge as error:
    print("refused")
before = peak()
for _ in range(20):
    try:
        decode(Path(sys.argv[1]), Limits(), 1024)
    except PhotoTooLarge:
        pass
print(peak(), before)
"""


@pytest.mark.parametrize("side", [30_000, 12_000])
def test_a_png_bomb_is_refused_from_its_header_and_memory_stays_flat(saved: Save, side: int):
    done = subprocess.run(
        [sys.executable, "-c", REFUSE_A_BOMB, saved(png_bomb(side))],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    verdict, measures = done.stdout.splitlines()
    peak, at_start = map(int, measures.split())
    assert verdict == "refused"
    # Pillow, NumPy and the interpreter are about 60 MB; the pictures would be 430 MB and more.
    assert peak < 150_000
    assert peak - at_start < 5_000


@pytest.mark.parametrize("file_format", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(saved: Save, file_format: str):
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    data = bytes_of(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50)
    pixels = decode(saved(data), LIMITS, 1024)
    assert pixels.shape == (48, 64, 3)
    assert close(pixels, np.full((48, 64, 3), (255, 0, 0), np.uint8), 4)


def test_cmyk_becomes_rgb(saved: Save):
    cmyk = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    pixels = decode(saved(bytes_of(cmyk, "JPEG")), LIMITS, 1024)
    assert pixels[16, 16, 0] > 200
    assert pixels[16, 16, 2] < 60


def test_sixteen_bit_grey_keeps_its_tones(saved: Save):
    ramp = np.tile(np.linspace(0, 65535, 64, dtype=np.uint16), (8, 1))
    pixels = decode(saved(bytes_of(Image.fromarray(ramp), "PNG")), LIMITS, 1024)
    assert close(pixels[0, :, 0], (ramp[0] // 257).astype(np.uint8), 1)


def test_transparency_is_laid_on_white(saved: Save):
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 20, 40))
    for image in (picture, picture.quantize(4)):
        pixels = decode(saved(bytes_of(image, "PNG")), LIMITS, 1024)
        assert tuple(pixels[20, 35]) == (255, 255, 255)
        assert tuple(pixels[20, 5]) == (0, 0, 255)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_applied(saved: Save, turn: int):
    upright = gradient(60, 40)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(upright)
    stored = stored.transpose(undo[turn]) if turn in undo else stored
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = decode(saved(bytes_of(stored, "JPEG", quality=98, subsampling=0, exif=exif)), LIMITS, 1024)
    assert pixels.shape == upright.shape
    assert close(pixels, upright, 12)


def test_heic_is_read(saved: Save):
    picture = gradient(80, 64)
    heic = pillow_heif.from_pillow(Image.fromarray(picture))
    buffer = io.BytesIO()
    heic.save(buffer, quality=95)
    pixels = decode(saved(buffer.getvalue()), LIMITS, 1024)
    assert pixels.shape == picture.shape
    assert close(pixels, picture, 24)


def test_a_truncated_heic_is_refused(saved: Save):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(gradient(256, 256))).save(buffer, quality=95)
    with pytest.raises(PhotoTruncated):
        decode(saved(buffer.getvalue()[: len(buffer.getvalue()) // 2]), LIMITS, 1024)


def test_a_wide_gamut_profile_is_converted_and_a_broken_one_ignored(saved: Save):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (lab, b"not a profile"):
        data = bytes_of(Image.fromarray(gradient(30, 20)), "PNG", icc_profile=profile)
        assert close(decode(saved(data), LIMITS, 1024), gradient(30, 20), 0)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = bytes_of(Image.fromarray(gradient(30, 20)), "PNG", icc_profile=srgb)
    assert close(decode(saved(data), LIMITS, 1024), gradient(30, 20), 2)


def test_a_single_pixel_and_a_panorama_are_photos(saved: Save):
    assert decode(saved(jpeg_bytes(gradient(1, 1))), LIMITS, 1024).shape == (1, 1, 3)
    assert decode(saved(jpeg_bytes(gradient(4000, 100))), LIMITS, 1024).shape == (26, 1024, 3)


def test_large_photos_are_reduced_to_what_is_needed(saved: Save):
    assert decode(saved(jpeg_bytes(gradient(3000, 2000))), LIMITS, 1200).shape == (800, 1200, 3)


@pytest.mark.parametrize(("file_format", "name"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_results_are_written_in_the_asked_format_without_metadata(file_format: str, name: str):
    picture = gradient(90, 70)
    with Image.open(io.BytesIO(encode(picture, file_format))) as image:
        assert image.format == name
        assert close(np.asarray(image.convert("RGB")), picture, 0 if name == "PNG" else 24)
        assert not image.getexif()


def test_jpeg_results_keep_full_colour_resolution():
    with Image.open(io.BytesIO(encode(gradient(64, 64), "jpg"))) as image:
        sampling = {(part[1], part[2]) for part in image.layer}  # type: ignore[attr-defined]
    assert sampling == {(1, 1)}


def test_side_by_side_shows_photo_left_and_cartoon_right():
    photo, cartoon = np.zeros((20, 30, 3), np.uint8), np.full((40, 60, 3), 255, np.uint8)
    pair = side_by_side(photo, cartoon)
    assert pair.shape == (40, 120, 3)
    assert pair[:, :60].max() == 0
    assert pair[:, 60:].min() == 255


def test_the_bomb_of_these_tests_is_a_valid_png_header():
    assert zlib.crc32(png_bomb(30_000)[12:29]) == int.from_bytes(png_bomb(30_000)[29:33], "big")
