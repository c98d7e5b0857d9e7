"""Means over windows, lines through them, and pictures at other sizes: against numpy, by their definitions."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.styles.resample import box_mean, local_line, luminance, reshaped, stretched

Plane = npt.NDArray[Any]


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), radius=st.integers(0, 6), seed=st.integers(0, 99))
def test_a_box_mean_is_the_mean_of_the_pixels_that_are_there(rows: int, columns: int, radius: int, seed: int):
    picture = noise(2, rows, columns, seed)
    means = box_mean(picture, radius).numpy()[0]
    assert np.allclose(means, [windowed(plane, radius) for plane in picture.numpy()[0]], atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 50), (3, 70), (1, 1)])
def test_a_line_is_found_where_the_picture_is_one_of_the_guide(shape: tuple[int, int]):
    guide = noise(3, *shape)
    slope, offset = (torch.tensor(values).view(1, 3, 1, 1) for values in ([0.5, -2.0, 0.0], [0.1, 0.7, 0.3]))
    slopes, offsets = local_line(guide, guide * slope + offset, 2, 1e-9)
    assert torch.allclose(slopes * guide + offsets, guide * slope + offset, atol=1e-4)
    if min(shape) > 1:
        assert torch.allclose(slopes, slope.expand_as(slopes), atol=1e-3)
        assert torch.allclose(offsets, offset.expand_as(offsets), atol=1e-3)


def test_each_window_has_its_own_line():
    guide = noise(1, 20, 60)
    left_half = torch.arange(60) < 30
    slopes, offsets = local_line(guide, torch.where(left_half, guide * 0.5 + 0.2, 0.9 - guide), 3, 1e-9)
    assert torch.allclose(slopes[..., :27], torch.tensor(0.5), atol=1e-3)
    assert torch.allclose(offsets[..., :27], torch.tensor(0.2), atol=1e-3)
    assert torch.allclose(slopes[..., 33:], torch.tensor(-1.0), atol=1e-3)
    assert torch.allclose(offsets[..., 33:], torch.tensor(0.9), atol=1e-3)


def test_a_line_is_the_one_of_least_squares_with_slopes_held_back():
    guide, picture = noise(1, 5, 5, 1), noise(1, 5, 5, 2)
    epsilon = 0.02
    slope, offset = (field[0, 0, 2, 2].item() for field in local_line(guide, picture, 2, epsilon))
    x, y = guide.numpy().ravel(), picture.numpy().ravel()
    # One more equation, sqrt(n epsilon) * slope = 0, is the penalty n epsilon slope^2.
    equations = np.vstack([np.column_stack([x, np.ones(25)]), [np.sqrt(25 * epsilon), 0]])
    expected = np.linalg.lstsq(equations, np.append(y, 0), rcond=None)[0]
    assert (slope, offset) == pytest.approx(tuple(expected), abs=1e-5)


def test_over_a_flat_guide_the_line_is_the_mean():
    picture = noise(1, 9, 9)
    slope, offset = local_line(torch.full((1, 1, 9, 9), 0.4), picture, 1, 0.01)
    assert slope.abs().max() < 1e-4
    assert torch.allclose(offset, box_mean(picture, 1), atol=1e-4)


def test_a_picture_of_the_same_shape_stays_as_it_is():
    picture = noise(3, 7, 9)
    assert torch.equal(reshaped(picture, (7, 9)), picture)
    assert torch.equal(stretched(picture, (7, 9)), picture)


@pytest.mark.parametrize("shape", [(16, 20), (160, 201), (1, 1), (300, 3)])
def test_another_shape_keeps_places_and_the_range_of_a_picture(shape: tuple[int, int]):
    """A ramp across stays one; black and white stay without overshoot."""
    ramp = torch.linspace(0.5 / 80, 1 - 0.5 / 80, 80).expand(1, 3, 64, 80)
    meant = (torch.arange(shape[1]) + 0.5) / shape[1]
    inner = (meant > 0.1) & (meant < 0.9)
    for resize in (reshaped, stretched):
        there = resize(ramp, shape)
        assert there.shape[-2:] == shape
        assert (there - meant)[..., inner].abs().max() < 0.01
    checks = ((torch.arange(64)[:, None] // 8 + torch.arange(80) // 8) % 2).float().expand(1, 3, 64, 80)
    assert 0 <= reshaped(checks, shape).min() <= reshaped(checks, shape).max() <= 1


def test_a_reduced_picture_is_a_mean_and_not_a_choice():
    checks = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float().expand(1, 1, 64, 64)
    assert (reshaped(checks, (20, 20)) - 0.5).abs().max() < 0.05


def test_luminance_weighs_green_most():
    colours = torch.eye(3).view(1, 3, 3, 1)
    assert luminance(colours).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    assert luminance(torch.ones(1, 3, 2, 2)).flatten().tolist() == pytest.approx([1] * 4)


def windowed(plane: Plane, radius: int) -> Plane:
    """By the definition: a mean for each place."""
    rows, columns = plane.shape
    means = [
        plane[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1].mean()
        for y in range(rows)
        for x in range(columns)
    ]
    return np.reshape(means, (rows, columns))


def noise(channels: int, rows: int, columns: int, seed: int = 0) -> Tensor:
    values = np.random.default_rng(seed).uniform(size=(1, channels, rows, columns))
    return torch.from_numpy(values.astype(np.float32))
