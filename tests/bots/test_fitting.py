"""A cartoon that is too heavy comes as the best JPEG that is not."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bots.delivery import Result
from bots.fitting import NO_LIMITS, QUALITIES, SMALLEST, STEP, fit
from core.errors import PhotoTruncated, StorageUnwritable
from core.photo import Array, decode, encode
from core.sheet import SHEET_LONGEST
from tests.pictures import gradient


def noise(width: int, height: int) -> Array:
    """The heaviest picture of its size: uint8 RGB [height, width, 3]."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def in_spool(folder: Path, picture: Array, file_format: str = "png") -> Result:
    path = folder / f"7.{file_format}"
    path.write_bytes(encode(picture, file_format))
    height, width = picture.shape[:2]
    name = f"01-ink.{file_format}"
    return Result(7, path, name, path.stat().st_size, width, height, "photo 7", "a cartoon")


def fitted(result: Result, most_bytes: int) -> Result:
    """The result made to fit, which is what it says it is."""
    smaller = fit(result, result.path.with_name("7.fitted.jpg"), most_bytes)
    assert smaller.weight == smaller.path.stat().st_size <= most_bytes
    with Image.open(smaller.path) as image:
        assert (image.format, image.size) == ("JPEG", (smaller.width, smaller.height))
    return smaller


@pytest.mark.parametrize("file_format", ["png", "webp"])
def test_it_comes_as_a_jpeg_of_the_same_size_that_looks_the_same(tmp_path: Path, file_format: str):
    picture = gradient(400, 300)
    result = in_spool(tmp_path, picture, file_format)
    smaller = fitted(result, 100_000)
    assert (smaller.width, smaller.height, smaller.name) == (400, 300, "01-ink.jpg")
    assert (smaller.photo_id, smaller.reference, smaller.alt) == (7, "photo 7", "a cartoon")
    assert smaller.weight == len(encode(decode(result.path, NO_LIMITS, 400), "jpg"))
    again = decode(smaller.path, NO_LIMITS, 400).astype(int)
    assert np.abs(again - picture).mean() < 3
    assert {path.name for path in tmp_path.iterdir()} == {f"7.{file_format}", "7.fitted.jpg"}


def test_the_quality_goes_down_before_the_size(tmp_path: Path):
    result = in_spool(tmp_path, noise(200, 100))
    # Each as heavy as it may be, and then one byte less.
    most, weights = result.weight, list[int]()
    for _ in QUALITIES:
        smaller = fitted(result, most)
        assert (smaller.width, smaller.height) == (200, 100)
        weights.append(smaller.weight)
        most = smaller.weight - 1
    assert weights[0] == len(encode(noise(200, 100), "jpg"))
    smaller = fitted(result, most)
    assert (smaller.width, smaller.height) == (int(200 * STEP), int(100 * STEP))


def test_what_cannot_be_as_light_as_asked_is_as_light_as_can_be(tmp_path: Path):
    result = in_spool(tmp_path, noise(200, 100))
    smaller = fit(result, tmp_path / "7.fitted.jpg", 1)
    assert SMALLEST <= smaller.width < SMALLEST / STEP
    assert smaller.weight == smaller.path.stat().st_size > 1


def test_a_fitted_cartoon_can_be_made_smaller_once_more(tmp_path: Path):
    smaller = fitted(in_spool(tmp_path, noise(200, 100)), 20_000)
    smallest = fitted(smaller, int(0.6 * smaller.weight))
    assert smallest.path == smaller.path


def test_the_largest_picture_there_is_can_be_made_smaller(tmp_path: Path):
    result = in_spool(tmp_path, np.zeros((SHEET_LONGEST, SHEET_LONGEST, 3), np.uint8))
    with warnings.catch_warnings(action="error"):
        assert fitted(result, result.weight * 10).width == SHEET_LONGEST


def test_a_damaged_cartoon_is_told_and_leaves_nothing_behind(tmp_path: Path):
    result = in_spool(tmp_path, noise(200, 100))
    result.path.write_bytes(result.path.read_bytes()[:5000])
    with pytest.raises(PhotoTruncated):
        fit(result, tmp_path / "7.fitted.jpg", 20_000)
    assert list(tmp_path.iterdir()) == [result.path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_leaves_what_was_there_before(tmp_path: Path):
    result = in_spool(tmp_path, noise(200, 100))
    before = fitted(result, 20_000).path.read_bytes()
    (tmp_path / "7.fitted.jpg.part").symlink_to("/dev/full")
    with pytest.raises(StorageUnwritable):
        fit(result, tmp_path / "7.fitted.jpg", 10_000)
    assert (tmp_path / "7.fitted.jpg").read_bytes() == before
