"""The edge tangent flow of a picture, and smoothing that follows it.

The flow is the eigenvector field of the smoothed structure tensor: "Image and Video Abstraction by
Anisotropic Kuwahara Filtering" (Kyprianidis et al. 2009); "Image Abstraction by Structure Adaptive
Filtering" (Kyprianidis & Doellner 2008); the idea of following it is "Coherent Line Drawing" (Kang et al. 2007).

Pictures are float32 [1, C, H, W]; fields of directions are [1, 2, H, W], x first; lengths are pixels.
Borders repeat their last pixel, so any side, even of one pixel, is long enough for any radius.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Flow(NamedTuple):
    """Where edges run. `across` and `along` are unit vectors [1, 2, H, W]; the rest is [1, 1, H, W]."""

    across: Tensor
    along: Tensor
    coherence: Tensor  # 0 where no direction is better than another, 1 on a straight edge


def flow_of(picture: Tensor, sigma: float) -> Flow:
    """The flow of a picture, its structure tensor smoothed by a Gaussian of `sigma`."""
    dx, dy = gradient(picture)
    products = torch.cat([(dx * dx).sum(1, True), (dx * dy).sum(1, True), (dy * dy).sum(1, True)], 1)
    xx, xy, yy = gaussian(products, sigma).split(1, 1)
    spread = torch.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    larger = (xx + yy + spread) / 2
    # Of the two formulas for the same eigenvector, each is exact where the other vanishes.
    upright = yy > xx
    x = torch.where(upright, xy, larger - yy)
    y = torch.where(upright, larger - xx, xy)
    length = torch.sqrt(x * x + y * y)
    flat = length < 1e-12
    x = torch.where(flat, 1.0, x / length.clamp(min=1e-12))
    y = torch.where(flat, 0.0, y / length.clamp(min=1e-12))
    coherence = spread / (xx + yy).clamp(min=1e-9)
    return Flow(torch.cat([x, y], 1), torch.cat([-y, x], 1), coherence)


def gradient(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives by x and by y: Scharr's filter (3, 10, 3), in picture units per pixel."""
    padded = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    smooth_y = (3 * (padded[..., :-2, :] + padded[..., 2:, :]) + 10 * padded[..., 1:-1, :]) / 32
    smooth_x = (3 * (padded[..., :-2] + padded[..., 2:]) + 10 * padded[..., 1:-1]) / 32
    return smooth_y[..., 2:] - smooth_y[..., :-2], smooth_x[..., 2:, :] - smooth_x[..., :-2, :]


def gaussian(picture: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, cut at 2.5 sigma."""
    radius = max(1, math.ceil(2.5 * sigma))
    weights = [math.exp(-(i * i) / (2 * sigma * sigma)) for i in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    for axis, sides in ((3, (radius, radius, 0, 0)), (2, (0, 0, radius, radius))):
        padded, length = F.pad(picture, sides, mode="replicate"), picture.shape[axis]
        # Shifted sums: several times faster on a CPU than a depthwise convolution.
        picture = padded.narrow(axis, radius, length) * (weights[0] / total)
        for i in range(1, radius + 1):
            pair = padded.narrow(axis, radius - i, length) + padded.narrow(axis, radius + i, length)
            picture.add_(pair, alpha=weights[i] / total)
    return picture


def pixel_grid(picture: Tensor) -> Tensor:
    """The centres of all pixels, in the -1 to 1 coordinates of grid_sample: [1, H, W, 2]."""
    height, width = picture.shape[-2:]
    x = (torch.arange(width, device=picture.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=picture.device) * 2 + 1) / height - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]


def grid_steps(directions: Tensor) -> Tensor:
    """A field in pixels [1, 2, H, W] as offsets of grid_sample [1, H, W, 2]."""
    height, width = directions.shape[-2:]
    return directions.permute(0, 2, 3, 1).contiguous() * directions.new_tensor([2 / width, 2 / height])


def sampled(picture: Tensor, grid: Tensor, mode: str = "bilinear") -> Tensor:
    """The picture at the points of a grid [1, h, w, 2]."""
    return F.grid_sample(picture, grid, mode=mode, padding_mode="border", align_corners=False)


def sampled_within(picture: Tensor, bounds: Tensor, grid: Tensor) -> Tensor:
    """Bicubic samples kept within the `bounds_of` the picture: sharp, and no halo from overshooting."""
    low, high = sampled(bounds, grid, "nearest").chunk(2, 1)
    return sampled(picture, grid, "bicubic").clamp_(low, high)


def bounds_of(picture: Tensor) -> Tensor:
    """The lowest, then the highest value among each 3x3 pixels: [1, 2C, H, W]."""
    return torch.cat([_over_neighbours(picture, torch.minimum), _over_neighbours(picture, torch.maximum)], 1)


def bilateral_along(picture: Tensor, directions: Tensor, sigma: float, range_sigma: float, step: int) -> Tensor:
    """One-dimensional bilateral filter on the straight line through each pixel, out to 2 sigma.

    `range_sigma` is a distance between colours, in picture units; each sample stands for `step` pixels (1 or 2).
    """
    grid, steps = pixel_grid(picture), grid_steps(directions)
    total, weights = picture.clone(), torch.ones_like(picture[:, :1])
    for distance in _distances(sigma, step):
        nearness = -(distance * distance) / (2 * sigma * sigma)
        for offset in (distance, -distance):
            colour = sampled(picture, torch.add(grid, steps, alpha=offset))
            difference = (colour - picture).square_().sum(1, True)
            weight = torch.exp(nearness - difference / (2 * range_sigma * range_sigma)).mul_(step)
            total.addcmul_(colour, weight)
            weights += weight
    return total / weights


def difference_across(picture: Tensor, directions: Tensor, sigma: float) -> Tensor:
    """Wide minus narrow Gaussian on the line through each pixel: positive on the dark side of an edge.

    The narrow one has `sigma`, the wide one 1.6 sigma, which comes close to a Laplacian (Marr & Hildreth 1980).
    """
    grid, steps = pixel_grid(picture), grid_steps(directions)
    wide_sigma = 1.6 * sigma
    narrow, wide, narrow_sum, wide_sum = picture.clone(), picture.clone(), 1.0, 1.0
    for distance in _distances(1.2 * wide_sigma, 1):
        pair = sampled(picture, torch.add(grid, steps, alpha=distance))
        pair += sampled(picture, torch.add(grid, steps, alpha=-distance))
        narrow_weight = math.exp(-(distance * distance) / (2 * sigma * sigma))
        wide_weight = math.exp(-(distance * distance) / (2 * wide_sigma * wide_sigma))
        narrow.add_(pair, alpha=narrow_weight)
        wide.add_(pair, alpha=wide_weight)
        narrow_sum += 2 * narrow_weight
        wide_sum += 2 * wide_weight
    return wide / wide_sum - narrow / narrow_sum


def smoothed_along(picture: Tensor, directions: Tensor, sigma: float, step: int) -> Tensor:
    """Gaussian smoothing on the curve that follows the flow through each pixel, out to 2 sigma.

    Each sample stands for `step` pixels (1 or 2).
    """
    field = grid_steps(directions)
    field_planes = field.permute(0, 3, 1, 2)
    total, weight_sum = picture.clone(), 1.0
    for start in (field, -field):
        points, heading, reached = pixel_grid(picture), start, 0.0
        for distance in _distances(sigma, step):
            points = torch.add(points, heading, alpha=distance - reached)
            reached = distance
            weight = step * math.exp(-(distance * distance) / (2 * sigma * sigma))
            total.add_(sampled(picture, points), alpha=weight)
            weight_sum += weight
            # A tangent has no sign of its own: go on the way we came. Nearest, for between two opposite
            # tangents a mean would vanish.
            turned = sampled(field_planes, points, "nearest").permute(0, 2, 3, 1)
            heading = torch.where((turned * heading).sum(-1, keepdim=True) < 0, -turned, turned)
    return total / weight_sum


def _distances(sigma: float, step: int) -> list[float]:
    """Where to sample, out to 2 sigma: 1, 2, 3... or 1.5, 3.5..., each between two pixels and so their mean."""
    return [step * i - (step - 1) / 2 for i in range(1, max(1, round(2 * sigma / step)) + 1)]


def _over_neighbours(picture: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    for axis, sides in ((3, (1, 1, 0, 0)), (2, (0, 0, 1, 1))):
        padded, length = F.pad(picture, sides, mode="replicate"), picture.shape[axis]
        picture = choose(picture, choose(padded.narrow(axis, 0, length), padded.narrow(axis, 2, length)))
    return picture
