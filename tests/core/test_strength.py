"""Strength, for styles that have no such setting: from the photo to the cartoon in steps, and nothing twice."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.photo import Array, resized
from core.styles.strength import mixed
from tests.pictures import gradient, sample_photo

Plane = npt.NDArray[Any]

STRENGTHS = [round(0.1 * step, 1) for step in range(1, 11)]
SAMPLES = ("astronaut", "chelsea", "coffee", "grace_hopper", "rocket")
DARK, LIGHT = 0.05, 0.95


def test_the_strongest_is_the_cartoon_itself():
    photo, cartoon = tensor(gradient(90, 60)), tensor(posterized(gradient(90, 60)))
    assert torch.equal(mixed(photo, cartoon, 1.0), cartoon)


@pytest.mark.parametrize("name", SAMPLES)
def test_distance_to_a_photo_grows_with_every_step(name: str):
    photo = resized(sample_photo(name), 160)
    for draw in (posterized, inked, displaced, swapped, monochrome):
        assert_grows(photo, draw(photo))


def test_distance_to_smooth_and_flat_pictures_grows_with_every_step():
    smooth, flat = gradient(160, 120), np.full((120, 160, 3), 128, np.uint8)
    for photo, cartoon in ((smooth, posterized(smooth)), (smooth, flat), (flat, smooth)):
        assert_grows(photo, cartoon)


def test_distance_to_what_a_cartoon_contradicts_grows_with_every_step():
    """There the cartoon takes over halfway, and what is left to grow is little."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    negative = (255 - resized(sample_photo("coffee"), 256)).astype(np.uint8)
    assert_grows(noise, np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8), least=0)
    assert_grows(np.asarray(255 - negative, np.uint8), negative, least=0)


def test_the_weakest_is_close_to_the_photo_and_the_strong_ones_to_the_cartoon():
    photo = resized(sample_photo("astronaut"), 256)
    for cartoon in (posterized(photo), inked(photo)):
        whole = apart(tensor(cartoon), tensor(photo))
        assert apart(mixed(tensor(photo), tensor(cartoon), 0.1), tensor(photo)) < 0.3 * whole
        assert apart(mixed(tensor(photo), tensor(cartoon), 0.9), tensor(cartoon)) < 0.2 * whole


def test_a_light_filter_takes_on_colours_and_leaves_lines_out():
    """At 0.3 of a cartoon with other colours and with lines across a plain."""
    photo = torch.full((1, 3, 200, 200), 0.6)
    cartoon = torch.tensor([0.9, 0.6, 0.3]).view(1, 3, 1, 1).repeat(1, 1, 200, 200)
    cartoon[..., 100:102, :] = 0
    light = mixed(photo, cartoon, 0.3)
    assert light[0, :, 30, 30].tolist() == pytest.approx([0.76, 0.6, 0.44], abs=0.03)
    assert light[0, 1, 60, 30] - light[0, 1, 90:112, 30].min() < 0.15  # of a line that is 0.6 deep


@pytest.mark.parametrize("width", [3, 8, 12, 20, 40])
@pytest.mark.parametrize("move", [3, 5, 8, 12, 16, 20])
def test_a_bar_that_the_cartoon_has_moved_is_shown_once(width: int, move: int):
    photo, cartoon = (bar(24, 200, left, width) for left in (70, 70 + move))
    for strength in (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.49, 0.5, 0.6, 0.7, 0.8, 0.9):
        section = mixed(photo, cartoon, strength)[0, 0, 12].numpy()
        assert second_minimum(section) < (LIGHT - DARK) / 3, strength


@pytest.mark.parametrize("move", [8, 20])
def test_in_a_large_picture_too_a_moved_bar_is_shown_once(move: int):
    photo, cartoon = (bar(640, 1024, left, 12) for left in (500, 500 + move))
    for strength in (0.2, 0.3, 0.35, 0.4, 0.5):
        section = mixed(photo, cartoon, strength)[0, 0, 300].numpy()
        assert second_minimum(section) < (LIGHT - DARK) / 3, strength


@pytest.mark.parametrize("strength", [0.1, 0.2, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("move", [3, 5])
def test_of_two_edges_close_together_one_is_plain(strength: float, move: int):
    """Between them it is dark in the photo and light in the cartoon; grey would show both edges."""
    photo, cartoon = bar(24, 300, 120, 60), bar(24, 300, 120 + move, 60)
    between = mixed(photo, cartoon, strength)[0, 0, 12, 120 : 120 + move].mean().item()
    shown = DARK if strength < 0.5 else LIGHT
    assert abs(between - shown) < 0.3 * (LIGHT - DARK)


@pytest.mark.parametrize("strength", [0.5, 0.6])
def test_of_two_lines_side_by_side_the_cartoons_alone_is_shown_from_halfway_on(strength: float):
    section = mixed(bar(24, 300, 120, 3), bar(24, 300, 123, 3), strength)[0, 0, 12].numpy()
    assert LIGHT - section[120:123].mean() < 0.1 * (LIGHT - DARK)
    assert LIGHT - section[123:126].mean() > 0.7 * (LIGHT - DARK)


def test_a_line_where_the_photo_has_none_comes_in_with_strength():
    photo, cartoon = torch.full((1, 3, 300, 300), LIGHT), bar(300, 300, 150, 3)
    depths = [float(LIGHT - mixed(photo, cartoon, strength)[0, 0, 40, 151]) for strength in STRENGTHS]
    assert all(b > a for a, b in pairwise(depths))
    assert depths[0] < 0.1 * depths[-1]
    assert depths[-1] == pytest.approx(LIGHT - DARK)


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2), (1, 3), (7, 5), (400, 600)])
@pytest.mark.parametrize("strength", [0.1, 0.3, 0.5, 0.55, 0.9])
def test_values_stay_those_of_pictures_of_any_shape(shape: tuple[int, int], strength: float):
    random = np.random.default_rng(0)
    photo, cartoon = (torch.from_numpy(random.integers(0, 2, (1, 3, *shape))).float() for _ in range(2))
    before = photo.clone(), cartoon.clone()
    done = mixed(photo, cartoon, strength)
    assert done.shape == photo.shape
    assert 0 <= done.min() <= done.max() <= 1
    assert not done.isnan().any()
    assert torch.equal(photo, before[0])
    assert torch.equal(cartoon, before[1])


def test_a_monochrome_cartoon_takes_the_colours_away():
    photo = resized(sample_photo("coffee"), 256)
    grey = monochrome(photo)
    chroma = [np.ptp(mixed(tensor(photo), tensor(grey), each).numpy(), 1).mean() for each in STRENGTHS]
    assert all(b < a for a, b in pairwise(chroma))
    assert chroma[-1] == 0


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.7])
def test_of_two_monochrome_pictures_none_gets_colours(strength: float):
    grey = monochrome(resized(sample_photo("coffee"), 256))
    assert np.ptp(mixed(tensor(grey), tensor(inked(grey)), strength).numpy(), 1).max() < 1e-4


@settings(max_examples=20, deadline=None)
@given(level=st.floats(0, 1), other=st.floats(0, 1), strength=st.floats(0.1, 1))
def test_flats_stay_flat_and_lie_between_the_two(level: float, other: float, strength: float):
    done = mixed(torch.full((1, 3, 30, 40), level), torch.full((1, 3, 30, 40), other), strength)
    assert np.ptp(done.numpy()) < 1e-4
    assert min(level, other) - 1e-4 <= done.mean() <= max(level, other) + 1e-4


@pytest.mark.parametrize("strength", [0.3, 0.5, 0.8])
def test_every_size_shows_the_same_mix(strength: float):
    photo = resized(sample_photo("chelsea"), 512)
    cartoon = posterized(photo)
    doubled = [np.asarray(cv2.resize(each, (1024, 682)), np.uint8) for each in (photo, cartoon)]
    large = mixed(tensor(doubled[0]), tensor(doubled[1]), strength)
    small = mixed(tensor(photo), tensor(cartoon), strength)
    reduced = torch.nn.functional.avg_pool2d(large, 2)
    assert apart(small, reduced) < 0.005


def test_the_cartoon_of_a_photo_that_is_itself_is_the_photo():
    photo = tensor(resized(sample_photo("rocket"), 256))
    for strength in (0.1, 0.5, 1.0):
        assert apart(mixed(photo, photo.clone(), strength), photo) < 0.012


def assert_grows(photo: Array, cartoon: Array, least: float = 0.003) -> None:
    """The mean distance to the photo grows with every tenth, by more than this share of the whole."""
    start, end = tensor(photo), tensor(cartoon)
    distances = [apart(mixed(start, end, strength), start) for strength in STRENGTHS]
    assert all(b - a > least * distances[-1] for a, b in pairwise([0.0, *distances])), distances


def apart(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().mean().item()


def second_minimum(section: Plane) -> float:
    """How deep the lesser of two minima of a section is below the highest value between them, at the most."""
    left, right = np.minimum.accumulate(section), np.minimum.accumulate(section[::-1])[::-1]
    return float((section - np.maximum(left, right)).max())


def bar(height: int, across: int, left: int, width: int) -> Tensor:
    """An upright dark bar on a light ground."""
    picture = torch.full((1, 3, height, across), LIGHT)
    picture[..., left : left + width] = DARK
    return picture


def posterized(photo: Array) -> Array:
    smooth = cv2.GaussianBlur(photo, (0, 0), 2.5)
    return (smooth // 64 * 64 + 32).astype(np.uint8)


def inked(photo: Array) -> Array:
    """Smooth, with black lines."""
    grey = cv2.GaussianBlur(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), (0, 0), 1).astype(np.float32)
    lines = cv2.GaussianBlur(grey, (0, 0), 1) - cv2.GaussianBlur(grey, (0, 0), 2) < -3
    return np.where(lines[..., None], 0, cv2.GaussianBlur(photo, (0, 0), 3)).astype(np.uint8)


def displaced(photo: Array) -> Array:
    """Drawn four pixels to the right."""
    return np.roll(posterized(photo), 4, 1)


def swapped(photo: Array) -> Array:
    """In other colours."""
    return np.ascontiguousarray(photo[..., ::-1])


def monochrome(photo: Array) -> Array:
    return np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, 2).astype(np.uint8)


def tensor(picture: Array) -> Tensor:
    return torch.tensor(picture).permute(2, 0, 1)[None].float() / 255
