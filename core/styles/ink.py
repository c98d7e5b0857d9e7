"""The `ink` style: flat colours under clean ink lines, drawn from the photo alone.

1. structure tensor -> edge tangent flow (Kang et al. 2007, "Coherent Line Drawing"; Kyprianidis & Doellner
   2008, "Image Abstraction by Structure Adaptive Filtering");
2. passes of a bilateral filter in Lab, across the flow, then along it (same papers);
3. edges of colour tightened by warping (Arad & Gotsman 1999, "Enhancement by Image-Dependent Warping");
4. flow-based difference of Gaussians (Winnemoeller et al. 2012, "XDoG"), smoothed along the flow;
5. soft luminance quantization (Winnemoeller et al. 2006, "Real-Time Video Abstraction"), ink over it.

Steps 1 to 4 make smooth fields on a canvas whose longest side is always the same, so every size shows the
same drawing. Thresholds of lines, quantization and the last warp happen at the final size, where a
threshold of a smooth field is a sharp edge at any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from core.look import Look
from core.photo import Array, fitted
from core.styles.colour import lab_from_srgb, srgb_from_lab
from core.styles.flow import (
    bilateral_along,
    bounds_of,
    difference_across,
    flow_of,
    gaussian,
    gradient,
    grid_steps,
    pixel_grid,
    sampled,
    sampled_within,
    smoothed_along,
)

_STRIP_PIXELS: Final = 1 << 19  # bounds the memory of finishing: about 15 floats a pixel


@dataclass(frozen=True, slots=True)
class InkParameters:
    """How ink is drawn at full strength. Lengths are pixels of the canvas; colours and responses Lab units."""

    canvas: int = 832  # longest side
    passes: int = 3
    flow_sigma: float = 2.0
    fill_sigma: float = 3.0  # of the bilateral filter, in space
    fill_range: float = 7.5  # and in colour
    noise_range: float = 2.0  # widens the range by this many times the photo's noise
    tightness: float = 3.0  # how far edges of colour are drawn together
    levels: int = 8  # of luminance
    saturation: float = 0.2  # lift of medium chroma; greys and vivid colours stay
    brightness: float = 10.0  # lift of middle tones: a quarter of this at L* 50
    line_sigma: float = 1.3
    line_flow_sigma: float = 2.5
    line_length: float = 6.0  # sigma of the smoothing along the flow
    line_threshold: float = 0.45  # where ink covers half
    line_ramp: float = 0.9  # response from half to full ink, were the canvas the final size
    noise_threshold: float = 0.3  # raises the threshold by this many times the photo's noise
    ink: float = 0.92  # darkest line: the share of light it takes away


@dataclass(frozen=True, slots=True)
class Amounts:
    """What strength turns: factors on InkParameters, and the share of the drawing in the colours."""

    fill_share: float
    fill_range: float
    quantization: float
    line_sigma: float
    line_threshold: float
    ink: float

    @classmethod
    def at(cls, strength: float) -> Self:
        """The amounts for a strength of 0.1-1.0: all of them grow with it but the line threshold, which falls."""
        return cls(
            fill_share=1 - 1.2 * max(0.0, 0.9 - strength) ** 1.7,
            fill_range=0.25 + 0.75 * strength,
            quantization=strength,
            line_sigma=0.5 + 0.5 * strength,
            line_threshold=1 + 2 * (1 - strength),
            ink=min(1.0, 0.25 + 0.95 * strength),
        )


class Drawing(NamedTuple):
    """A drawing's smooth fields on the canvas, ready for any size."""

    fill: Tensor  # Lab [1, 3, h, w]
    tightening: Tensor  # where to fetch the fill from, grid offsets [1, 2, h, w]
    lines: Tensor  # response, to be held against the threshold of ink [1, 1, h, w]


class InkStyle:
    """Draws with ink on `device`; see core.styles.registry.Style."""

    def __init__(self, device: torch.device, parameters: InkParameters | None = None) -> None:
        self._device = device
        self._parameters = parameters or InkParameters()

    def draw(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """uint8 RGB [H, W, 3] in, the same out with the longest side exactly look.size."""
        return [self._drawn(photo, look) for photo, look in zip(photos, looks, strict=True)]

    def _drawn(self, photo: Array, look: Look) -> Array:
        height, width = photo.shape[:2]
        amounts = Amounts.at(look.strength)
        pixels = torch.tensor(photo, device=self._device).permute(2, 0, 1)[None].float() / 255
        shape = fitted(height, width, self._parameters.canvas)
        canvas = F.interpolate(pixels, size=shape, mode="bicubic", antialias=True).clamp_(0, 1)
        drawing = sketch(lab_from_srgb(canvas), amounts, self._parameters)
        return finish(drawing, pixels, fitted(height, width, look.size), amounts, self._parameters)


def sketch(canvas: Tensor, amounts: Amounts, parameters: InkParameters) -> Drawing:
    """Fill, its tightening and lines of a photo in Lab, float32 [1, 3, h, w]."""
    noise = noise_of(canvas[:, :1])
    range_sigma = parameters.fill_range * amounts.fill_range + parameters.noise_range * noise
    fill = _flattened(canvas, range_sigma, parameters)
    # One pass takes the noise away and leaves the fine lines that further passes would melt.
    lines = _lines(fill, noise, amounts, parameters)
    for _ in range(parameters.passes - 1):
        fill = _flattened(fill, range_sigma, parameters)
    for _ in range(2):
        grid = pixel_grid(fill) + _tightening(fill, parameters.tightness)
        fill = sampled_within(fill, bounds_of(fill), grid)
    return Drawing(fill, _tightening(fill, parameters.tightness).permute(0, 3, 1, 2), lines)


def finish(
    drawing: Drawing, photo: Tensor, shape: tuple[int, int], amounts: Amounts, parameters: InkParameters
) -> Array:
    """The drawing at its final size, uint8 RGB [H, W, 3]; `photo` is sRGB 0-1, float32 [1, 3, any, any]."""
    height, width = shape
    bounds = bounds_of(drawing.fill)
    # A ramp of the same width in final pixels at every size: crisp at 2048, not jagged at 512.
    threshold = parameters.line_threshold * amounts.line_threshold
    ramp = min(threshold, parameters.line_ramp * parameters.canvas / max(shape))
    picture = torch.empty(height, width, 3, dtype=torch.uint8, device=photo.device)
    rows = max(1, _STRIP_PIXELS // width)
    for strip, grid in zip(picture.split(rows), pixel_grid(photo.new_empty(shape)).split(rows, 1), strict=True):
        shift = sampled(drawing.tightening, grid).permute(0, 2, 3, 1)
        fill = sampled_within(drawing.fill, bounds, grid + shift)
        colours = srgb_from_lab(_toned(fill, amounts, parameters))
        if amounts.fill_share < 1:
            colours = torch.lerp(sampled(photo, grid, "bicubic"), colours, amounts.fill_share)
        cover = ((sampled(drawing.lines, grid, "bicubic") - threshold) / (2 * ramp) + 0.5).clamp_(0, 1)
        colours *= 1 - parameters.ink * amounts.ink * cover * cover * (3 - 2 * cover)
        strip.copy_(colours[0].permute(1, 2, 0).mul(255).round_().clamp_(0, 255))
    return picture.cpu().numpy()


def noise_of(lightness: Tensor) -> float:
    """Standard deviation of the noise in [1, 1, h, w], in its own units.

    The mask of "Fast Noise Variance Estimation" (Immerkaer 1996), but the lower quartile in place of the
    mean: texture fools only the upper ones.
    """
    padded = F.pad(lightness, (1, 1, 1, 1), mode="replicate")
    mask = lightness.new_tensor([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])[None, None]
    residue = F.conv2d(padded, mask).abs().flatten()
    quartile = residue.kthvalue(max(1, residue.numel() // 4)).values.item()
    return quartile / (0.3186 * 6)  # the lower quartile of |N(0, 1)|; the norm of the mask


def _flattened(picture: Tensor, range_sigma: float, parameters: InkParameters) -> Tensor:
    flow = flow_of(picture, parameters.flow_sigma)
    for directions in (flow.across, flow.along):
        picture = bilateral_along(picture, directions, parameters.fill_sigma, range_sigma, step=2)
    return picture


def _tightening(fill: Tensor, tightness: float) -> Tensor:
    """Offsets [1, h, w, 2] that fetch each colour from a little farther off the nearest edge."""
    dx, dy = gradient(fill)
    # Not the structure tensor: the middle of a thin stroke must not count as an edge, or the stroke melts.
    steepness = (dx * dx + dy * dy).sum(1, True).sqrt()
    edges = gaussian(steepness / (steepness + 3), 0.8)
    return grid_steps(torch.cat(gradient(edges), 1)) * -tightness


def _lines(picture: Tensor, noise: float, amounts: Amounts, parameters: InkParameters) -> Tensor:
    flow = flow_of(picture, parameters.line_flow_sigma)
    lightness = picture[:, :1]
    sigma = parameters.line_sigma * amounts.line_sigma
    response = difference_across(lightness, flow.across, sigma)
    response = smoothed_along(response, flow.along, parameters.line_length, step=2)
    response -= parameters.noise_threshold * noise
    surroundings = gaussian(lightness, 4.0)
    # The eye sees ratios: dark hair needs less of a step than a white wall. Near black there is only noise.
    gain = (50 / (surroundings + 20)).clamp_(max=1.5) * ((surroundings - 2) / 16).clamp_(0.2, 1)
    # Where no direction prevails there is grain, not a line.
    gain *= (2.5 * flow.coherence).clamp_(max=1)
    return response * gain


def _toned(lab: Tensor, amounts: Amounts, parameters: InkParameters) -> Tensor:
    lightness, chroma_plane = lab[:, :1].clamp(0, 100), lab[:, 1:]
    step = 100 / parameters.levels
    level = torch.round(lightness / step) * step
    level += step / 2 * torch.tanh((lightness - level) * (5 / step))
    lightness = torch.lerp(lightness, level, amounts.quantization)
    lightness = lightness + parameters.brightness * lightness / 100 * (1 - lightness / 100)
    chroma = chroma_plane.square().sum(1, True).sqrt()
    lift = parameters.saturation * chroma / (chroma + 15) * (1 - chroma / 130).clamp(min=0)
    return torch.cat([lightness, chroma_plane * (1 + lift)], 1)
