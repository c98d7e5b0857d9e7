"""Cartoons for scripts: what goes in comes out drawn, and what cannot be drawn says why."""

import re
import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cartoonizer import Cartoonizer, draw
from core.errors import (
    Closed,
    ConfigError,
    NotAPhoto,
    OutOfMemory,
    SizeOutOfRange,
    StrengthOutOfRange,
    StyleDamaged,
    StyleMissing,
    UnknownFaces,
    UnknownStyle,
)
from core.look import WORKING_SIZE, Look
from core.memory import MemoryLimits
from core.photo import Array, encode, resized
from tests import models
from tests.pictures import gradient, jpeg_bytes, sample_photo
from tests.workshop import TroubledEngine, is_dark, trouble_with_more_than

ROOT = Path(__file__).resolve().parents[2]
LOOK = Look(size=512)


@pytest.fixture(scope="module")
def ink() -> Iterator[Cartoonizer]:
    with Cartoonizer(device="cpu", batch_size=2) as cartoonizer:
        yield cartoonizer


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    """Wide, and so drawn quickly."""
    path = tmp_path / "cat.jpg"
    path.write_bytes(jpeg_bytes(gradient(60, 15)))
    return path


def is_cartoon(cartoon: object, shape: Sequence[int]) -> bool:
    """Whether it is a drawing of this shape, not one flat colour."""
    return (
        isinstance(cartoon, np.ndarray)
        and cartoon.dtype == np.uint8
        and cartoon.shape == tuple(shape)
        and cartoon.std() > 10
    )


def test_one_photo_gives_its_cartoon_and_several_a_list(ink: Cartoonizer, cat: Path):
    from_path = ink.cartoonize(cat, size=512)
    assert is_cartoon(from_path, (128, 512, 3))
    assert np.array_equal(ink.cartoonize(str(cat), size=512), from_path)
    upright = gradient(15, 60)
    first, second, third = ink.cartoonize(iter([cat, upright, cat]), size=512)
    assert np.array_equal(first, from_path)
    assert is_cartoon(second, (512, 128, 3))
    assert np.array_equal(third, from_path)
    assert ink.cartoonize([]) == []
    assert len(ink.cartoonize([cat], size=512)) == 1


def test_an_array_is_drawn_like_the_file_of_it_and_stays_as_it_is(ink: Cartoonizer, tmp_path: Path):
    picture = gradient(60, 15)
    # As OpenCV reads it, turned to RGB the usual way: no contiguous array.
    view = np.ascontiguousarray(picture[..., ::-1])[..., ::-1]
    file = tmp_path / "same.png"
    file.write_bytes(encode(picture, "png"))
    assert np.array_equal(ink.cartoonize(view, size=512), ink.cartoonize(file, size=512))
    assert np.array_equal(view, gradient(60, 15))


def test_an_array_larger_than_needed_is_reduced_first(ink: Cartoonizer):
    large = resized(sample_photo("coffee")[:150], 2000)
    drawn = ink.cartoonize(large, size=600)
    assert max(drawn.shape) == 600
    assert np.array_equal(drawn, ink.cartoonize(resized(large, WORKING_SIZE), size=600))


def test_strength_and_faces_reach_the_drawing(ink: Cartoonizer, cat: Path):
    gentle, strong = (ink.cartoonize(cat, size=512, strength=strength, faces="main") for strength in (0.1, 1.0))
    assert not np.array_equal(gentle, strong)


def test_one_bad_photo_is_named_and_the_others_are_drawn(ink: Cartoonizer, cat: Path, tmp_path: Path):
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture at all")
    missing = tmp_path / "gone.jpg"
    grey = np.zeros((40, 60), np.uint8)
    rows = list(ink.each([cat, notes, missing, grey, cat], size=512))
    assert [photo is given for (photo, _), given in zip(rows, [cat, notes, missing, grey, cat], strict=True)]
    (_, first), (_, not_a_photo), (_, absent), (_, flat), (_, last) = rows
    assert is_cartoon(first, (128, 512, 3))
    assert is_cartoon(last, (128, 512, 3))
    assert isinstance(not_a_photo, NotAPhoto)
    assert str(not_a_photo) == f"The file is not a picture of a kind we read. (photo {notes})"
    assert isinstance(absent, FileNotFoundError)
    assert str(missing) in str(absent)
    assert isinstance(flat, TypeError)
    assert str(flat) == "A photo is a uint8 RGB array [H, W, 3], not uint8 [40, 60]."
    with pytest.raises(NotAPhoto, match=re.escape(str(notes))):
        ink.cartoonize([cat, notes, cat], size=512)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (np.zeros((4, 4, 3)), r"float64 \[4, 4, 3\]"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \[0, 4, 3\]"),
        (Image.new("RGB", (4, 4)), "not Image"),
        (b"bytes", "not bytes"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_photo_is_refused_with_what_it_is(ink: Cartoonizer, photo: Array, words: str):
    with pytest.raises(TypeError, match=words):
        ink.cartoonize(photo)


def test_photos_are_taken_as_they_are_needed(ink: Cartoonizer):
    taken: list[int] = []

    def photos() -> Iterator[Array]:
        for number in range(100):
            taken.append(number)
            yield gradient(60, 15)

    next(ink.each(photos(), size=512))
    assert taken == [0, 1]


def test_a_single_photo_is_not_taken_for_several(ink: Cartoonizer, cat: Path):
    with pytest.raises(TypeError, match="hand a single one to cartoonize"):
        ink.each(str(cat))


def test_settings_out_of_range_are_told_before_anything_is_drawn(ink: Cartoonizer, cat: Path):
    with pytest.raises(StrengthOutOfRange, match=r"given 7, low 0\.1, high 1\.0"):
        ink.each([cat], strength=7)
    with pytest.raises(SizeOutOfRange, match="given 100, low 512, high 2048"):
        ink.cartoonize(cat, size=100)
    with pytest.raises(UnknownFaces, match="choices all, main"):
        ink.cartoonize(cat, faces="none")
    with pytest.raises(UnknownStyle, match="given oil, choices ink"):
        Cartoonizer(style="oil")
    with pytest.raises(ConfigError, match="DEVICE=cuda:99"):
        Cartoonizer(device="cuda:99")
    with pytest.raises(ConfigError, match="batch_size=0"):
        Cartoonizer(batch_size=0)


def test_a_style_that_is_not_installed_says_what_brings_it(tmp_path: Path):
    with pytest.raises(StyleMissing, match=r"cartoonbot styles pull brings them\. \(style anime"):
        Cartoonizer(style="anime", weights_dir=tmp_path)


def test_an_installed_style_draws(tmp_path: Path, cat: Path):
    models.installed(tmp_path)
    with Cartoonizer(style="Anime", device="cpu", weights_dir=str(tmp_path / "weights")) as cartoonizer:
        cartoons = cartoonizer.cartoonize([cat, gradient(50, 50), cat], size=512)
    assert [cartoon.shape for cartoon in cartoons] == [(128, 512, 3), (512, 512, 3), (128, 512, 3)]


def test_damaged_weights_are_no_fault_of_the_photos(tmp_path: Path, cat: Path):
    weights = models.installed(tmp_path)
    weights.heads.write_bytes(bytes(weights.heads.stat().st_size))
    with (
        Cartoonizer(style="anime", device="cpu", weights_dir=tmp_path / "weights") as cartoonizer,
        pytest.raises(StyleDamaged, match="style anime"),
    ):
        list(cartoonizer.each([cat], size=512))


def test_a_closed_one_says_so_and_closes_twice(cat: Path):
    with Cartoonizer(device="cpu") as cartoonizer:
        cartoonizer.close()
    with pytest.raises(Closed):
        cartoonizer.cartoonize(cat)
    with pytest.raises(Closed):
        list(cartoonizer.each([cat, cat]))


def test_what_does_not_fit_is_halved_and_remembered():
    engine = TroubledEngine(trouble_with_more_than(2, OutOfMemory()))
    memory = MemoryLimits(8)
    cartoons = draw(engine, memory, [gradient(60, 40)] * 7, LOOK)
    assert [cartoon.shape for cartoon in cartoons if isinstance(cartoon, np.ndarray)] == [(341, 512, 3)] * 7
    assert engine.sizes == [7, 3, 1, 2, 4, 2, 2]
    assert memory.photos(LOOK) == 2


def test_a_photo_too_large_for_the_device_says_what_to_ask_for():
    (error,) = draw(
        TroubledEngine(trouble_with_more_than(0, OutOfMemory())), MemoryLimits(4), [gradient(60, 40)], LOOK
    )
    assert isinstance(error, OutOfMemory)
    assert str(error) == "This photo does not fit on the device at 512 pixels: ask for less."


def test_a_photo_that_breaks_the_drawing_fails_alone():
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if any(is_dark(photo) for photo in photos):
            raise RuntimeError("too dark")

    memory = MemoryLimits(4)
    bright, dark = gradient(60, 40), np.zeros((40, 60, 3), np.uint8)
    outcomes = draw(TroubledEngine(trouble), memory, [bright, bright, dark, bright], LOOK)
    assert [repr(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [
        "RuntimeError('too dark')"
    ]
    assert isinstance(outcomes[2], RuntimeError)
    assert memory.photos(LOOK) == 4


def test_the_example_of_the_readme_runs(
    tmp_path: Path, cat: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Use it from Python")[2]
    example = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert example
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(cat.read_bytes())
    (tmp_path / "holiday" / "notes.txt").write_text("no picture at all")
    (tmp_path / "example.py").write_text(example[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py")
    beach, notes = capsys.readouterr().out.splitlines()
    assert beach == f"{Path('holiday/beach.jpg')} (256, 1024, 3)"
    assert notes.startswith("holiday/notes.txt The file is not a picture of a kind we read.")
    with Image.open(tmp_path / "cat.png") as image:
        assert (image.size, image.format) == ((1024, 256), "PNG")
