"""Pictures at other sizes, and means over windows. Pictures are float32 [1, C, H, W]."""

import torch
import torch.nn.functional as F
from torch import Tensor

Shape = tuple[int, int]


def reshaped(picture: Tensor, shape: Shape) -> Tensor:
    """A picture of values 0-1 at another shape (H, W)."""
    if picture.shape[-2:] == shape:
        return picture
    return F.interpolate(picture, size=shape, mode="bicubic", antialias=True).clamp_(0, 1)


def stretched(field: Tensor, shape: Shape) -> Tensor:
    """A smooth field of any values at another shape (H, W)."""
    if field.shape[-2:] == shape:
        return field
    return F.interpolate(field, size=shape, mode="bilinear", align_corners=False)


def luminance(picture: Tensor) -> Tensor:
    """sRGB [1, 3, H, W] -> [1, 1, H, W], as luma of ITU-R BT.601."""
    red, green, blue = picture.split(1, 1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def box_mean(picture: Tensor, radius: int) -> Tensor:
    """The mean over (2 radius + 1) squared pixels; beyond the edges, over those that are there."""
    for axis, length in ((2, picture.shape[2]), (3, picture.shape[3])):
        reach = min(radius, length - 1)
        counts = torch.ones(length, device=picture.device)
        sides = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
        sums = _window_sums(F.pad(picture, sides), axis, 2 * reach + 1)
        shares = 1 / _window_sums(F.pad(counts, (reach, reach)), 0, 2 * reach + 1)
        picture = sums.mul_(shares if axis == 3 else shares[:, None])
    return picture


def _window_sums(values: Tensor, axis: int, width: int) -> Tensor:
    """Sums of `width` neighbours along an axis: the result is shorter by width - 1.

    Sums of 1, 2, 4, ... neighbours are added up. On a CPU that is many times faster than pooling.
    """
    length, start, size = values.shape[axis] - width + 1, 0, 1
    total = torch.zeros_like(values.narrow(axis, 0, length))
    while width:
        if width & 1:
            total += values.narrow(axis, start, length)
            start += size
        width //= 2
        if width:
            rest = values.shape[axis] - size
            values = values.narrow(axis, 0, rest) + values.narrow(axis, size, rest)
            size *= 2
    return total


def local_line(guide: Tensor, picture: Tensor, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """The line picture = slope * guide + offset that fits each window best, slope and offset [1, C, H, W].

    "Guided Image Filtering" (He, Sun & Tang 2013), equations 5 and 6. A guide that varies by less than
    sqrt(epsilon) within a window is taken as flat there.
    """
    means = box_mean(torch.cat([guide, picture, guide * picture, guide * guide], 1), radius)
    mean, result, product, square = means.chunk(4, 1)
    slope = (product - mean * result) / (square - mean * mean + epsilon)
    return slope, result - slope * mean
