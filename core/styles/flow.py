"""The edge tangent flow of a picture, and smoothing that follows it.

The flow is the eigenvector field of the smoothed structure tensor: "Image and Video Abstraction by
Anisotropic Kuwahara Filtering" (Kyprianidis et al. 2009); "Image Abstraction by Structure Adaptive
Filtering" (Kyprianidis & Doellner 2008); the idea of following it is "Coherent Line Drawing" (Kang et al. 2007).

Pictures are float32 [1, C, H, W]; fields of directions are [1, 2, H, W], x first; lengths are pixels.
Borders repeat their last pixel, so any side, even of one pixel, is long enough for any radius.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_STRIP_PIXELS: Final = 1 << 16


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
    """The picture at the points of grids [N, h, w, 2]: [N, C, h, w]."""
    number, height, width = grid.shape[:3]
    # On a CPU, PyTorch gives each core whole pictures of a batch: cut into bands, all cores have some.
    bands = math.gcd(height, max(1, torch.get_num_threads() // number)) if picture.device.type == "cpu" else 1
    samples = F.grid_sample(
        picture.expand(number * bands, -1, -1, -1),
        grid.reshape(number * bands, height // bands, width, 2),
        mode=mode,
        padding_mode="border",
        align_corners=False,
    )
    return samples.unflatten(0, (number, bands)).transpose(1, 2).flatten(2, 3)


def sampled_within(picture: Tensor, bounds: Tensor, grid: Tensor) -> Tensor:
    """Bicubic samples kept within the `bounds_of` the picture: sharp, and no halo from overshooting."""
    low, high = sampled(bounds, grid, "nearest").chunk(2, 1)
    return sampled(picture, grid, "bicubic").clamp_(low, high)


def bounds_of(picture: Tensor) -> Tensor:
    """The lowest, then the highest value among each 3x3 pixels: [1, 2C, H, W]."""
    return torch.cat([_over_neighbours(picture, torch.minimum), _over_neighbours(picture, torch.maximum)], 1)


def tightening(picture: Tensor, steep: float, tightness: float) -> Tensor:
    """Offsets [1, H, W, 2] that fetch each colour from a little farther off the nearest edge, up to `tightness`.

    "Enhancement by Image-Dependent Warping" (Arad & Gotsman 1999): soft edges become narrow without a halo. An
    edge of `steep` picture units per pixel counts half.
    """
    dx, dy = gradient(picture)
    # Not the structure tensor: the middle of a thin stroke must not count as an edge, or the stroke melts.
    steepness = (dx * dx + dy * dy).sum(1, True).sqrt()
    edges = gaussian(steepness / (steepness + steep), 0.8)
    return grid_steps(torch.cat(gradient(edges), 1)) * -tightness


def bilateral_along(picture: Tensor, directions: Tensor, sigma: float, range_sigma: Tensor, step: int) -> Tensor:
    """One-dimensional bilateral filter on the straight line through each pixel, out to 2 sigma.

    Shorter vectors in `directions` shorten sigma there. `range_sigma` [1, 1, H, W] is a distance between
    colours, in picture units; each sample stands for `step` pixels (1 or 2).
    """
    smooth = torch.empty_like(picture)
    sharpness = -0.5 / (range_sigma * range_sigma)
    for here, grid, steps in _strips(picture, grid_steps(directions)):
        centre, total = picture[..., here, :], picture[..., here, :].clone()
        weights = torch.ones_like(centre[:, :1])
        for distance in _distances(sigma, step):
            nearness = math.log(step) - distance * distance / (2 * sigma * sigma)
            colours = sampled(picture, torch.add(grid, steps, alpha=distance))
            similar = (colours - centre).square_().sum(1, True).mul_(sharpness[..., here, :])
            for colour, weight in zip(colours.split(1), similar.add_(nearness).exp_().split(1), strict=True):
                total.addcmul_(colour, weight)
                weights += weight
        torch.div(total, weights, out=smooth[..., here, :])
    return smooth


def difference_across(picture: Tensor, directions: Tensor, sigma: float) -> Tensor:
    """Wide minus narrow Gaussian on the line through each pixel: positive on the dark side of an edge.

    The narrow one has `sigma`, the wide one 1.6 sigma, which comes close to a Laplacian (Marr & Hildreth 1980).
    Shorter vectors in `directions` shorten both there.
    """
    wide_sigma = 1.6 * sigma
    distances = _distances(1.2 * wide_sigma, 1)
    narrow = [math.exp(-(distance * distance) / (2 * sigma * sigma)) for distance in distances]
    wide = [math.exp(-(distance * distance) / (2 * wide_sigma * wide_sigma)) for distance in distances]
    narrow_sum, wide_sum = 1 + 2 * sum(narrow), 1 + 2 * sum(wide)
    response = picture * (1 / wide_sum - 1 / narrow_sum)
    for here, grid, steps in _strips(picture, grid_steps(directions)):
        for index, distance in enumerate(distances):
            weight = wide[index] / wide_sum - narrow[index] / narrow_sum
            pair = sampled(picture, torch.add(grid, steps, alpha=distance)).sum(0, True)
            response[..., here, :].add_(pair, alpha=weight)
    return response


def smoothed_along(picture: Tensor, directions: Tensor, sigma: float, step: int) -> Tensor:
    """Gaussian smoothing on the curve that follows the flow through each pixel, out to 2 sigma.

    Each sample stands for `step` pixels (1 or 2).
    """
    field = grid_steps(directions)
    planes = field.permute(0, 3, 1, 2)
    smooth = picture.clone()
    for here, grid, start in _strips(picture, field):
        points, heading, reached, total = grid, start, 0.0, smooth[..., here, :]
        weight_sum = 1.0
        for distance in _distances(sigma, step):
            points = torch.add(points, heading, alpha=distance - reached)
            reached = distance
            weight = step * math.exp(-(distance * distance) / (2 * sigma * sigma))
            total.add_(sampled(picture, points).sum(0, True), alpha=weight)
            weight_sum += 2 * weight
            # A tangent has no sign of its own: go on the way we came. Nearest, for between two opposite
            # tangents a mean would vanish.
            turned = sampled(planes, points, "nearest").permute(0, 2, 3, 1)
            heading = torch.where((turned * heading).sum(-1, keepdim=True) < 0, -turned, turned)
        total /= weight_sum
    return smooth


def _strips(picture: Tensor, steps: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Parts of a picture that a CPU's cache holds (a GPU takes it whole): rows, their grid, steps both ways.

    The grid is [1, h, W, 2], the steps [2, h, W, 2]: forward and back, which two cores sample side by side.
    """
    height, width = picture.shape[-2:]
    rows = max(1, _STRIP_PIXELS // width) if picture.device.type == "cpu" else height
    grid = pixel_grid(picture)
    for top in range(0, height, rows):
        here = slice(top, min(top + rows, height))
        yield here, grid[:, here], torch.cat([steps[:, here], -steps[:, here]])


def _distances(sigma: float, step: int) -> list[float]:
    """Where to sample, out to 2 sigma: 1, 2, 3... or 1.5, 3.5..., each between two pixels and so their mean."""
    return [step * i - (step - 1) / 2 for i in range(1, max(1, round(2 * sigma / step)) + 1)]


def _over_neighbours(picture: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    for axis, sides in ((3, (1, 1, 0, 0)), (2, (0, 0, 1, 1))):
        padded, length = F.pad(picture, sides, mode="replicate"), picture.shape[axis]
        picture = choose(picture, choose(padded.narrow(axis, 0, length), padded.narrow(axis, 2, length)))
    return picture
