"""The ink style, through the registry as everybody else gets it."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from core.errors import UnknownStyle
from core.look import Look
from core.photo import Array, fitted
from core.styles import registry
from core.styles.registry import Style

PHOTOS = Path(__file__).parents[3] / "shared" / "photos"
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
INK = 60  # a channel below this is ink on the light grounds used here


@pytest.fixture(scope="module")
def ink() -> Style:
    return registry.build("ink", torch.device("cpu"))


@pytest.fixture(scope="module")
def scene() -> Array:
    """Sky, hill, sun, a wall with windows, and mild grain: 768x1024."""
    height, width = 768, 1024
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([120 + y / 8, 160 + y / 10, 230 - y / 20], -1)
    picture[y > 520 + 60 * np.sin(x / 150)] = (90, 140, 60)
    picture[(x - 800) ** 2 + (y - 180) ** 2 < 90**2] = (250, 220, 120)
    picture[300:640, 120:480] = (190, 120, 100)
    for left in (160, 270, 380):
        picture[360:440, left : left + 60] = (60, 70, 90)
        picture[500:580, left : left + 60] = (230, 225, 210)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0)
    picture += np.random.default_rng(1).normal(0, 4, (height, width, 1))
    return _bytes(picture)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownStyle):
        registry.build("oil", torch.device("cpu"))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(600, 800, (768, 1024)), (800, 600, (1024, 768)), (1, 1, (1024, 1024)), (1, 5000, (1, 1024))],
)
def test_fitted_keeps_proportions(height: int, width: int, expected: tuple[int, int]) -> None:
    assert fitted(height, width, 1024) == expected


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((300, 450), 512, (341, 512)),
        ((450, 300), 512, (512, 341)),
        ((1, 1), 512, (512, 512)),
        ((26, 1024), 1024, (26, 1024)),
        ((1024, 26), 1024, (1024, 26)),
        ((1, 700), 700, (1, 700)),
        ((20, 30), 600, (400, 600)),
    ],
)
def test_result_has_exactly_the_asked_size(
    ink: Style, shape: tuple[int, int], size: int, expected: tuple[int, int]
) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    drawn = _drawn(ink, photo, size)
    assert drawn.shape == (*expected, 3)
    assert drawn.dtype == np.uint8


def test_same_photo_gives_the_same_drawing(ink: Style, scene: Array) -> None:
    before = scene.copy()
    assert np.array_equal(_drawn(ink, scene, 512), _drawn(ink, scene, 512))
    assert np.array_equal(scene, before)


def test_photos_of_one_batch_keep_their_own_looks(ink: Style, scene: Array) -> None:
    looks = [Look(size=512, strength=0.3), Look(size=640, strength=1.0)]
    with torch.inference_mode():
        first, second = ink.draw([scene, scene[:, :300]], looks)
    assert np.array_equal(first, _drawn(ink, scene, 512, 0.3))
    assert np.array_equal(second, _drawn(ink, scene[:, :300], 640, 1.0))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_grey_stays_flat_and_grey(ink: Style, level: int) -> None:
    drawn = _drawn(ink, np.full((100, 300, 3), level, np.uint8), 512, 1.0).astype(int)
    assert np.ptp(drawn) <= 1
    assert abs(drawn.mean() - level) < 24  # half a level of luminance, and the lift


@pytest.mark.parametrize("strength", [0.7, 1.0])
def test_noise_in_the_dark_is_not_ink(ink: Style, strength: float) -> None:
    random = np.random.default_rng(3)
    noisy = _bytes(np.full((240, 640, 3), 28.0) + random.normal(0, 7, (240, 640, 3)))
    drawn = _drawn(ink, noisy, 640, strength).astype(float)
    inked = drawn.mean(-1) < 0.5 * np.median(drawn)
    assert inked.mean() < 0.002
    assert drawn.mean(-1).std() < noisy.mean(-1).std()


def test_disc_gets_one_continuous_line_and_no_halo(ink: Style) -> None:
    y, x = np.mgrid[0:600, 0:600]
    radius = np.hypot(x - 300, y - 300)
    light, dark = 225.0, 130.0
    edge = np.clip(radius - 200, 0, 1)[..., None]
    drawn = _drawn(ink, _bytes(np.repeat(dark + (light - dark) * edge, 3, 2)), 600, 1.0).astype(float)
    polar = cv2.warpPolar(drawn, (300, 1440), (300, 300), 300, cv2.WARP_POLAR_LINEAR).mean(-1)
    line = polar[:, 190:206].min(1)
    assert line.max() < INK  # at every angle
    outside, inside = polar[:, 215:280], polar[:, 20:180]
    assert np.ptp(outside) < 3
    assert np.ptp(inside) < 3
    assert polar.max() <= outside.max() + 3  # no light band beside the line
    assert (polar < INK).sum(1).max() < 12  # one line, not two


def test_distance_to_the_photo_grows_with_strength(ink: Style, scene: Array) -> None:
    _assert_grows(ink, scene)


def test_distance_to_a_real_photo_grows_with_strength(ink: Style) -> None:
    _assert_grows(ink, _reduced(_photos()[-1], 512))


def test_every_size_shows_the_same_drawing(ink: Style, scene: Array) -> None:
    assert _psnr_between_sizes(ink, scene) >= 26


def test_every_size_shows_the_same_drawing_of_a_real_photo(ink: Style) -> None:
    assert _psnr_between_sizes(ink, _reduced(_photos()[0], 1024)) >= 26


@pytest.mark.parametrize("skin", [(236, 188, 165), (198, 134, 103), (110, 70, 52)])
def test_skin_keeps_its_hue(ink: Style, skin: tuple[int, int, int]) -> None:
    patch = np.full((60, 240, 3), skin, np.uint8)
    drawn = _drawn(ink, patch, 512, 1.0)
    before, after = (
        cv2.cvtColor(p[:1, :1].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0] for p in (patch, drawn)
    )
    turned = np.degrees(np.arctan2(after[2], after[1]) - np.arctan2(before[2], before[1]))
    assert abs(turned) < 3
    assert 1.0 <= np.hypot(*after[1:]) / np.hypot(*before[1:]) < 1.2


def _drawn(style: Style, photo: Array, size: int, strength: float = 0.7) -> Array:
    with torch.inference_mode():
        return style.draw([photo], [Look(size=size, strength=strength)])[0]


def _assert_grows(style: Style, photo: Array) -> None:
    size = 512
    height, width = fitted(photo.shape[0], photo.shape[1], size)
    reference = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(float)
    drawings = [_drawn(style, photo, size, strength) for strength in STRENGTHS]
    distances = [float(np.abs(drawing - reference).mean()) for drawing in drawings]
    assert all(b > a * 1.02 for a, b in pairwise(distances)), distances


def _psnr_between_sizes(style: Style, photo: Array) -> float:
    small = _drawn(style, photo, 1024).astype(float)
    large = _drawn(style, photo, 2048)
    reduced = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA).astype(float)
    return float(10 * np.log10(255**2 / np.mean((small - reduced) ** 2)))


def _photos() -> list[Path]:
    photos = sorted(PHOTOS.glob("*.*"))
    if not photos:
        pytest.skip("the shared photos (../shared/photos) are not here")
    return photos


def _reduced(path: Path, size: int) -> Array:
    picture = cv2.imread(str(path))
    assert picture is not None
    height, width = fitted(picture.shape[0], picture.shape[1], size)
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return _bytes(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def _bytes(picture: npt.NDArray[Any]) -> Array:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
