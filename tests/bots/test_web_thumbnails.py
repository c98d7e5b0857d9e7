"""Thumbnails: small, upright, made once, of whatever kind of photo; and a sign in place of what is no picture."""

from pathlib import Path

import pytest
from PIL import Image

from bots.web.thumbnails import LONGEST, Thumbnails
from core.errors import NotAPhoto
from core.photo import Limits
from storage.shelf import Shelf
from tests.pictures import gradient, jpeg_bytes


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def uploaded(shelf: Shelf, name: str, data: bytes) -> Path:
    path = shelf.upload("anna", name)
    path.write_bytes(data)
    return path


def test_a_large_photo_becomes_small_and_a_small_one_is_left_as_large(shelf: Shelf):
    thumbnails = Thumbnails(shelf, Limits())
    for size, shown in (((1500, 1000), (LONGEST, 320)), ((300, 200), (300, 200))):
        with Image.open(thumbnails.of("anna", uploaded(shelf, "a.jpg", jpeg_bytes(gradient(*size))))) as small:
            assert (small.size, small.format) == (shown, "JPEG")


def test_a_tiff_is_shown_too(shelf: Shelf):
    path = shelf.upload("anna", "scan.tiff")
    Image.new("RGB", (800, 600), "orange").save(path)
    with Image.open(Thumbnails(shelf, Limits()).of("anna", path)) as small:
        assert (small.size, small.format) == ((LONGEST, 360), "JPEG")


def test_it_is_made_once_and_anew_for_another_file_of_that_name(shelf: Shelf):
    thumbnails, path = Thumbnails(shelf, Limits()), uploaded(shelf, "a.jpg", jpeg_bytes(gradient(600, 600)))
    first = thumbnails.of("anna", path)
    made = first.stat().st_mtime_ns
    assert thumbnails.of("anna", path) == first
    assert first.stat().st_mtime_ns == made
    path.write_bytes(jpeg_bytes(gradient(500, 500)))
    assert thumbnails.of("anna", path) != first


def test_what_is_no_picture_has_none_and_leaves_nothing(shelf: Shelf, tmp_path: Path):
    path = uploaded(shelf, "a.jpg", b"not a picture")
    with pytest.raises(NotAPhoto):
        Thumbnails(shelf, Limits()).of("anna", path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
