"""Squares around heads: where they lie, what is cut out, and the way back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from core.faces import Face
from core.styles.heads import POINTS, SIDE, Head, Places, similarity

Plane = npt.NDArray[Any]

# POINTS as places of a square whose sides are 1: a pixel's centre is at a half.
MEANT = (POINTS + (0.5 + 0.5j)) / SIDE

places = st.builds(complex, st.floats(-500, 500), st.floats(-500, 500))
turns = st.floats(-np.pi, np.pi)
scales = st.floats(0.02, 50)

# (Side of the square in pixels, degrees, centre) in a photo of 240x320; from the third on partly outside.
HEADS = [
    (120.0, 0, 160 + 120j),
    (60.0, 30, 100 + 90j),
    (200.0, -30, 60 + 110j),
    (150.0, 30, 270 + 60j),
    (150.0, 160, 170 + 190j),
    (700.0, 12, 160 + 120j),
]


@given(turn=turns, scale=scales, move=places)
def test_a_similarity_is_found_exactly(turn: float, scale: float, move: complex):
    a = scale * np.exp(1j * turn)
    found_a, found_b = similarity(POINTS, a * POINTS + move)
    assert found_a == pytest.approx(a, rel=1e-9)
    assert found_b == pytest.approx(move, abs=1e-8 * (1 + abs(move) + 300 * scale))


@given(seed=st.integers(0, 9999), number=st.integers(2, 9))
def test_of_other_points_the_nearest_similarity_is_found(seed: int, number: int):
    random = np.random.default_rng(seed)
    given, meant = random.normal(size=(2, number)) * 50 + 1j * random.normal(size=(2, number)) * 50
    zero, one = np.zeros(number), np.ones(number)
    equations = np.concatenate(
        [np.stack([given.real, -given.imag, one, zero], 1), np.stack([given.imag, given.real, zero, one], 1)]
    )
    right, turned, x, y = np.linalg.lstsq(equations, np.concatenate([meant.real, meant.imag]), rcond=None)[0]
    a, b = similarity(given, meant)
    assert a == pytest.approx(complex(right, turned), abs=1e-8)
    assert b == pytest.approx(complex(x, y), abs=1e-6)


@given(place=places)
def test_points_that_coincide_are_moved_alone(place: complex):
    assert similarity(np.full(5, place), POINTS) == pytest.approx((1, POINTS.mean() - place))


@given(place=places)
def test_five_equal_points_are_a_head_of_one_pixel(place: complex):
    head = Head.of(face_at(np.full(5, place)))
    assert head.side == 1
    assert head.a * place + head.b == pytest.approx(MEANT.mean())


@given(turn=turns, scale=st.floats(20, 3000), centre=places)
def test_a_head_brings_the_five_points_where_they_belong(turn: float, scale: float, centre: complex):
    points = around(scale, turn, centre)
    head = Head.of(face_at(points))
    assert head.side == pytest.approx(scale)
    assert head.a * points + head.b == pytest.approx(MEANT)


def test_the_points_are_those_of_the_released_pipeline():
    """The reference points of the design for a square of 112, plus 1, pulled to the centre by 0.75."""
    reference = np.array([38.29 + 51.70j, 73.53 + 51.50j, 56.03 + 71.74j, 41.55 + 92.37j, 70.73 + 92.20j]) + 1 + 1j
    assert np.abs(((reference - 56 - 56j) * 0.75 + 56 + 56j) / 112 * 288 - POINTS).max() < 0.02


@given(turn=turns, scale=scales, move=places, factor=st.floats(0.05, 20), by=places)
def test_a_head_goes_with_its_photo(turn: float, scale: float, move: complex, factor: float, by: complex):
    points = around(scale * SIDE, turn, move)
    head = Head.of(face_at(points))
    for moved, there in (
        (head.scaled(factor), points * factor),
        (head.shifted(by), points + by),
        (head.scaled(factor).shifted(by), points * factor + by),
    ):
        assert moved.a * there + moved.b == pytest.approx(MEANT, abs=1e-6)
    assert head.scaled(factor).side == pytest.approx(head.side * factor)


@given(turn=turns, scale=st.floats(0.5, 300), centre=places, height=st.integers(1, 90), width=st.integers(1, 90))
def test_a_window_holds_the_square_and_little_more(
    turn: float, scale: float, centre: complex, height: int, width: int
):
    head = Head.of(face_at(around(scale, turn, centre)))
    rows, columns = head.window(height, width)
    assert 0 <= rows.start <= rows.stop <= height
    assert 0 <= columns.start <= columns.stop <= width
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    square = head.a * (x + 1j * y) + head.b
    within = (np.abs(square.real - 0.5) < 0.5) & (np.abs(square.imag - 0.5) < 0.5)
    outside = np.ones_like(within)
    outside[rows, columns] = False
    assert not (within & outside).any()
    assert head.touches(height, width) or not within.any()
    if head.touches(height, width):
        reach = scale * (abs(np.cos(turn)) + abs(np.sin(turn)))  # across, and down
        assert rows.stop - rows.start <= reach + 2
        assert columns.stop - columns.start <= reach + 2


@pytest.mark.parametrize("centre", [-52 + 40j, 152 + 40j, 50 - 52j, 50 + 132j, -5000 - 5000j])
def test_a_square_beside_the_photo_does_not_touch_it(centre: complex):
    inwards = (50 + 40j) - centre
    head = Head.of(face_at(around(100, 0, centre)))
    assert not head.touches(80, 100)
    assert head.shifted(inwards / abs(inwards) * (abs(inwards) - 40)).touches(80, 100)


@pytest.mark.parametrize("side", [288, 432])
@pytest.mark.parametrize("degrees", [0, 30, -30, 180])
@pytest.mark.parametrize(
    ("square", "centre"),
    [
        (300.0, 700 + 400j),
        (48.0, 700 + 400j),  # much smaller than the square it becomes
        (1600.0, 700 + 400j),  # and much larger
        (330.0, 60 + 300j),  # partly outside
    ],
)
def test_a_cut_head_has_its_eyes_where_they_belong(square: float, centre: complex, degrees: float, side: int):
    points = around(square, np.radians(degrees), centre)
    photo = dotted(points, 800, 1400, spread=0.02 * square)
    cut = Head.of(face_at(points)).cut(photo, side)
    assert cut.shape == (1, 3, side, side)
    shown = (points.real > 0) & (points.real < 1400) & (points.imag > 0) & (points.imag < 800)
    assert shown[:2].any()
    for eye in np.flatnonzero(shown[:2]):
        found = brightest(cut[0, int(eye)].numpy(), MEANT[eye] * side, 0.06 * side)
        assert abs(found - MEANT[eye] * side) < 0.004 * side


def test_a_large_head_is_cut_without_flicker():
    """One pixel in two is white: what is reduced to a seventh is grey, and not some pixels of it."""
    checks = ((torch.arange(1500)[:, None] + torch.arange(1500)) % 2).float().expand(1, 3, 1500, 1500)
    cut = Head.of(face_at(around(2000, 0.2, 750 + 750j))).cut(checks, SIDE)
    assert (cut - 0.5).abs().max() < 0.1


def test_beyond_the_photo_a_cut_goes_on_mirrored():
    ramp = torch.linspace(0, 1, 200).expand(1, 3, 100, 200)
    # The square's left half is outside.
    cut = Head.of(face_at(around(80, 0, 0 + 50j))).cut(ramp, 80)[0, 0]
    assert torch.allclose(cut, cut.flip(1), atol=1e-3)
    assert cut[:, -1].mean() == pytest.approx(39 / 199, abs=1e-3)


@pytest.mark.parametrize(("square", "degrees", "centre"), HEADS)
def test_a_cut_head_laid_back_is_the_photo(square: float, degrees: float, centre: complex):
    photo = waves(240, 320)
    head = Head.of(face_at(around(square, np.radians(degrees), centre)))
    rows, columns = head.window(240, 320)
    grid = head.grid(rows, columns, torch.device("cpu"))
    cut = head.cut(photo, max(SIDE, round(square)))
    back = torch.nn.functional.grid_sample(cut, grid, padding_mode="border", align_corners=False)
    within = (grid.abs() < 0.99).all(-1)[0]
    assert within.sum() > 0.15 * min(square**2, within.numel())
    assert (back - photo[..., rows, columns])[..., within].abs().max() < 0.02


@given(
    turn=turns,
    scale=st.floats(0.3, 4000),
    centre=st.builds(complex, st.floats(-300, 300), st.floats(-300, 300)),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
)
def test_whatever_touches_a_photo_can_be_cut(turn: float, scale: float, centre: complex, height: int, width: int):
    head = Head.of(face_at(around(scale, turn, centre)))
    assume(head.touches(height, width))
    cut = head.cut(torch.full((1, 3, height, width), 0.5), 32)
    assert torch.allclose(cut, torch.full((1, 3, 32, 32), 0.5), atol=1e-3)


def around(side: float, turn: float, centre: complex) -> Places:
    """The five points of a head whose square has this side, is turned clockwise, and lies around the centre."""
    return (MEANT - (0.5 + 0.5j)) * side * np.exp(1j * turn) + centre


def face_at(points: Sequence[complex] | Places) -> Face:
    return Face((0, 0, 1, 1), tuple((complex(each).real, complex(each).imag) for each in points), 0.9)


def dotted(points: Places, height: int, width: int, spread: float) -> Tensor:
    """A dark photo with a red dot on the first point and a green one on the second: [1, 3, height, width]."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    dots = [np.exp(-(np.abs(x + 1j * y - point) ** 2) / (2 * spread**2)) for point in points[:2]]
    return torch.from_numpy(np.stack([*dots, np.zeros_like(x)])[None].astype(np.float32))


def brightest(plane: Plane, around: complex, reach: float) -> complex:
    """The middle of the dot at a place or near it: beyond the photo there may be its mirror image."""
    rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]] + 0.5
    plane = np.where(np.abs(columns + 1j * rows - around) < reach, plane, 0)
    dot = plane > 0.6 * plane.max()
    return complex(columns[dot].mean(), rows[dot].mean())


def waves(height: int, width: int) -> Tensor:
    """A photo that is smooth everywhere and nowhere flat: [1, 3, height, width]."""
    y, x = torch.arange(height)[:, None], torch.arange(width)[None]
    planes = [torch.sin(x / (9 + i) + i) * torch.cos(y / (11 - i)) for i in range(3)]
    return torch.stack(planes)[None] / 2 + 0.5
