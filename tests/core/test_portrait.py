"""A face's own coordinates, and the masks of its parts."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.faces import Face
from core.styles.portrait import Frame, Point

# Eyes 40 apart, the mouth 40 below them: the unit is 40, and the centre (100, 100).
UPRIGHT: tuple[Point, ...] = ((80, 80), (120, 80), (100, 104), (86, 120), (114, 120))
LOCAL: tuple[Point, ...] = ((-0.5, -0.5), (0.5, -0.5), (0, 0.1), (-0.35, 0.5), (0.35, 0.5))

coordinates = st.floats(-500, 500)
scales = st.floats(0.2, 10)
angles = st.floats(-180, 180)


def test_an_upright_face_has_its_eyes_above_and_its_mouth_below_the_centre():
    frame = frame_of(UPRIGHT)
    assert frame.centre == (100, 100)
    assert frame.right == (1, 0)
    assert frame.unit == 40
    assert nearly(frame.points, LOCAL)


def test_a_face_turned_aside_is_measured_from_eyes_to_mouth():
    assert frame_of(((95, 80), (105, 80), (108, 104), (95, 120), (105, 120))).unit == 40


@given(degrees=angles, x=coordinates, y=coordinates, factor=scales)
def test_a_face_moved_turned_and_scaled_keeps_its_own_coordinates(
    degrees: float, x: float, y: float, factor: float
):
    angle = math.radians(degrees)
    cos, sin = math.cos(angle) * factor, math.sin(angle) * factor
    moved = frame_of(tuple((x + cos * u - sin * v, y + sin * u + cos * v) for u, v in UPRIGHT))
    assert nearly(moved.points, LOCAL)
    assert moved.unit == pytest.approx(40 * factor)
    assert moved.right == pytest.approx((math.cos(angle), math.sin(angle)), abs=1e-9)


@given(x=coordinates, y=coordinates, factor=scales)
def test_a_frame_scaled_and_shifted_is_that_of_the_face_scaled_and_shifted(x: float, y: float, factor: float):
    moved = frame_of(UPRIGHT).scaled(factor).shifted(x, y)
    again = frame_of(tuple((px * factor + x, py * factor + y) for px, py in UPRIGHT))
    assert nearly([moved.centre, moved.right], [again.centre, again.right])
    assert moved.unit == pytest.approx(again.unit)
    assert nearly(moved.points, again.points)


def test_five_equal_points_are_an_upright_face_of_one_pixel():
    frame = frame_of(((7, 9),) * 5)
    assert (frame.centre, frame.right, frame.unit) == ((7, 9), (1, 0), 1)


def test_a_window_holds_the_reach_around_the_centre():
    assert frame_of(UPRIGHT).window((1.0, 1.5), 300, 300) == (slice(40, 160), slice(60, 140))


def test_a_window_ends_at_the_edges_of_the_photo():
    assert frame_of(UPRIGHT).window((1.0, 1.5), 110, 90) == (slice(40, 110), slice(60, 90))
    assert frame_of(UPRIGHT).shifted(-90, -90).window((1.0, 1.5), 110, 90) == (slice(0, 70), slice(0, 50))


@given(x=st.floats(-3000, 3000), y=st.floats(-3000, 3000), height=st.integers(1, 300), width=st.integers(1, 300))
def test_a_window_lies_in_the_photo_wherever_the_face_is(x: float, y: float, height: int, width: int):
    rows, columns = frame_of(UPRIGHT).shifted(x, y).window((2.1, 2.6), height, width)
    for span, length in ((rows, height), (columns, width)):
        assert 0 <= span.start <= length
        assert 0 <= span.stop <= length
    left, right, top, bottom = x + 100 - 84, x + 100 + 84, y + 100 - 104, y + 100 + 104
    outside = left >= width or right <= 0 or top >= height or bottom <= 0
    assert outside == (len(range(height)[rows]) * len(range(width)[columns]) == 0)


@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
def test_a_window_holds_the_whole_mask_however_the_face_is_turned(degrees: float):
    frame = frame_of(turned(UPRIGHT, degrees))
    x, y = torch.arange(300)[None] + 0.5, torch.arange(300)[:, None] + 0.5
    for mask, reach in ((frame.skin, (1.4, 1.5)), (frame.head, (1.9, 2.4))):
        rows, columns = frame.window(reach, 300, 300)
        assert mask(x, y)[rows, columns].count_nonzero() == mask(x, y).count_nonzero() > 0


@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
def test_masks_are_full_on_their_part_of_the_face_and_nothing_far_off(degrees: float):
    points = turned(UPRIGHT, degrees)
    frame = frame_of(points)
    cheeks, crown = turned(((82, 104), (118, 104)), degrees), turned(((100, 55),), degrees)
    far = turned(((100, -40), (220, 100), (100, 230)), degrees)
    assert values(frame.features, points) == pytest.approx([1] * 5, abs=1e-3)
    assert values(frame.skin, points[:3] + cheeks) == pytest.approx([1] * 5)
    assert values(frame.head, points + cheeks + crown) == pytest.approx([1] * 8)
    assert values(frame.features, crown) == [0]
    for mask in (frame.head, frame.skin, frame.features):
        assert values(mask, far) == [0] * 3


def test_the_head_covers_the_skin_and_both_fade_smoothly():
    frame = frame_of(UPRIGHT)
    x, y = torch.arange(200)[None] + 0.5, torch.arange(-60, 240)[:, None] + 0.5
    head, skin = frame.head(x, y), frame.skin(x, y)
    assert (head >= skin).all()
    for mask in (head, skin):
        assert 0 == mask.min() < mask.max() == 1
        assert mask.diff(dim=0).abs().max() < 0.2


def frame_of(points: tuple[Point, ...]) -> Frame:
    return Frame.of(Face((0, 0, 1, 1), points, 0.9))


def turned(points: tuple[Point, ...], degrees: float) -> tuple[Point, ...]:
    """The points turned about the centre of the upright face."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return tuple(
        (100 + cos * (x - 100) - sin * (y - 100), 100 + sin * (x - 100) + cos * (y - 100)) for x, y in points
    )


def values(mask: Callable[[Tensor, Tensor], Tensor], points: Sequence[Point]) -> list[float]:
    x, y = torch.tensor(points).unbind(1)
    return mask(x, y).tolist()


def nearly(points: Sequence[Point], others: Sequence[Point]) -> bool:
    return all(math.dist(one, other) < 1e-6 for one, other in zip(points, others, strict=True))
