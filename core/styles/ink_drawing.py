"""A drawing in ink: smooth fields made on a canvas, and the pen that puts them on paper of any size.

See core.styles.ink for the steps and their papers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from core.styles.colour import srgb_from_lab
from core.styles.flow import (
    bilateral_along,
    bounds_of,
    difference_across,
    flow_of,
    gaussian,
    gradient,
    pixel_grid,
    sampled,
    sampled_within,
    smoothed_along,
    tightening,
)
from core.styles.ink_parameters import Amounts, InkParameters
from core.styles.portrait import Frame, pixel_centres

_STEEP: Final = 3.0  # of an edge to be tightened, in Lab units per pixel


class Care(NamedTuple):
    """How places are treated otherwise than the rest: factors on InkParameters, [1, 1, h, w]."""

    line_sigma: Tensor
    fill_range: Tensor
    lines: Tensor  # on their response

    @classmethod
    def of(cls, frames: Sequence[Frame], canvas: Tensor, parameters: InkParameters) -> Self:
        """The care that faces on a canvas [1, 3, h, w] get; frames in pixels of the canvas."""
        height, width = canvas.shape[-2:]
        line_sigma, fill_range, lines = canvas.new_ones(3, 1, 1, height, width)
        for frame in frames:
            rows, columns = frame.window((1.4, 1.5), height, width)
            x, y = pixel_centres(rows, columns, canvas.device)
            skin, features = frame.skin(x, y), frame.features(x, y)
            skin = skin * (1 - features)
            for care, on_skin, on_features in (
                (line_sigma, parameters.face_fineness, parameters.face_fineness),
                (fill_range, parameters.skin_range, parameters.feature_range),
                (lines, parameters.skin_lines, parameters.feature_lines),
            ):
                care[..., rows, columns] *= 1 + (on_skin - 1) * skin + (on_features - 1) * features
        return cls(line_sigma, fill_range, lines)


class Traits(NamedTuple):
    """What is measured on a photo once, before it is drawn."""

    noise: float  # of L*
    edges: tuple[float, float]  # where one level of luminance ends, and one of chroma

    @classmethod
    def of(cls, canvas: Tensor, parameters: InkParameters) -> Self:
        """The traits of a photo in Lab, float32 [1, 3, h, w]."""
        lightness, chroma = canvas[:, :1], canvas[:, 1:].square().sum(1, True).sqrt()
        step = parameters.chroma_step
        edges = quiet_edge(lightness, 100 / parameters.levels), quiet_edge(chroma, step) if step else 0.0
        return cls(noise_of(lightness), edges)


class Drawing(NamedTuple):
    """A drawing's smooth fields on the canvas, ready for any size."""

    fill: Tensor  # Lab [1, 3, h, w]
    tightening: Tensor  # where to fetch the fill from, grid offsets [1, 2, h, w]
    hardness: Tensor  # of the steps between levels [1, 1, h, w]
    lines: Tensor  # response, to be held against the threshold of ink [1, 1, h, w]
    edges: tuple[float, float]  # where one level of luminance ends, and one of chroma


def sketch(canvas: Tensor, care: Care, traits: Traits, amounts: Amounts, parameters: InkParameters) -> Drawing:
    """The drawing of a photo in Lab, float32 [1, 3, h, w]."""
    range_sigma = (
        care.fill_range * (parameters.fill_range * amounts.fill_range) + parameters.noise_range * traits.noise
    )
    fill = _flattened(canvas, range_sigma, parameters)
    # One pass takes the noise away and leaves the fine lines that further passes would melt.
    lines = _lines(fill, care, traits.noise, amounts, parameters)
    for _ in range(parameters.passes - 1):
        fill = _flattened(fill, range_sigma, parameters)
    for _ in range(2):
        grid = pixel_grid(fill) + tightening(fill, _STEEP, parameters.tightness)
        fill = sampled_within(fill, bounds_of(fill), grid)
    shift = tightening(fill, _STEEP, parameters.tightness).permute(0, 3, 1, 2)
    return Drawing(fill, shift, _hardness(fill[:, :1], parameters), lines, traits.edges)


class Pen:
    """Puts a drawing on paper. `density`: pixels of the canvas a pixel of the paper."""

    def __init__(self, drawing: Drawing, density: float, amounts: Amounts, parameters: InkParameters) -> None:
        self._drawing = drawing
        self._bounds = bounds_of(drawing.fill)
        self._amounts = amounts
        self._parameters = parameters
        self._threshold = parameters.line_threshold * amounts.line_threshold
        # A ramp of the same width on paper at every size: crisp at 2048, not jagged at 512.
        self._ramp = min(self._threshold, parameters.line_ramp * density)

    def drawn(self, paper: Tensor, grid: Tensor) -> Tensor:
        """The drawing at a grid [1, h, w, 2], over the photo there: sRGB 0-1, [1, 3, h, w] in and out."""
        drawing, amounts = self._drawing, self._amounts
        shift = sampled(drawing.tightening, grid).permute(0, 2, 3, 1)
        fill = sampled_within(drawing.fill, self._bounds, grid + shift)
        hardness = sampled(drawing.hardness, grid)
        colours = srgb_from_lab(toned(fill, drawing.edges, hardness, amounts, self._parameters))
        colours = torch.lerp(paper, colours, amounts.fill_share)
        lines = sampled(drawing.lines, grid, "bicubic")
        cover = ((lines - self._threshold) / (2 * self._ramp) + 0.5).clamp_(0, 1)
        return colours * (1 - self._parameters.ink * amounts.ink * cover * cover * (3 - 2 * cover))


def toned(
    lab: Tensor, edges: tuple[float, float], hardness: Tensor, amounts: Amounts, parameters: InkParameters
) -> Tensor:
    """Lab in levels, livelier and lighter, and where asked for as a wash on paper; [1, 3, h, w]."""
    lightness, chroma_plane = lab[:, :1].clamp(0, 100), lab[:, 1:]
    levels = stepped(lightness, 100 / parameters.levels, edges[0], hardness)
    lightness = torch.lerp(lightness, levels, amounts.quantization)
    lightness = lightness + parameters.brightness * lightness / 100 * (1 - lightness / 100)
    chroma = chroma_plane.square().sum(1, True).sqrt()
    lift = 1 + parameters.saturation * chroma / (chroma + 15) * (1 - chroma / 130).clamp(min=0)
    if parameters.chroma_step:
        # Chroma alone, so that the hue of skin stays.
        levels = stepped(chroma, parameters.chroma_step, edges[1], hardness).clamp_(min=0)
        lift = lift * torch.lerp(chroma, levels, amounts.quantization) / chroma.clamp(min=1)
    lab = torch.cat([lightness, chroma_plane * lift], 1)
    if parameters.wash:
        white = lab.new_tensor([100.0, 0.0, 0.0]).view(1, 3, 1, 1)
        lab = torch.lerp(white, lab, parameters.wash * amounts.wash * (1 - lightness / 100))
    return lab


def stepped(values: Tensor, step: float, edge: float, hardness: Tensor) -> Tensor:
    """Values drawn away from `edge` and its neighbours at every `step`, by a tanh of that hardness."""
    nearest = edge + torch.round((values - edge) / step) * step
    return nearest + step / 2 * torch.tanh((values - nearest) * (hardness / step)) / torch.tanh(hardness / 2)


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


def quiet_edge(values: Tensor, step: float) -> float:
    """Where levels may end, every `step`, with the fewest even places near it: a wall keeps one level."""
    smooth = gaussian(values, 3.0)
    dx, dy = gradient(smooth)
    evenness = 1 / (1 + (dx * dx + dy * dy) / 0.2**2)
    edges = torch.arange(0, step, 0.5, device=values.device).view(-1, 1, 1, 1)
    smooth, evenness = smooth[..., ::4, ::4], evenness[..., ::4, ::4]
    away = torch.remainder(smooth - edges + step / 2, step) - step / 2
    crossed = (evenness * torch.exp(-((away / 2) ** 2))).sum((1, 2, 3))
    return float(edges.flatten()[crossed.argmin()])


def _flattened(picture: Tensor, range_sigma: Tensor, parameters: InkParameters) -> Tensor:
    flow = flow_of(picture, parameters.flow_sigma)
    for directions in (flow.across, flow.along):
        picture = bilateral_along(picture, directions, parameters.fill_sigma, range_sigma, step=2)
    return picture


def _hardness(lightness: Tensor, parameters: InkParameters) -> Tensor:
    dx, dy = gradient(gaussian(lightness, 3.0))
    steepness = (dx * dx + dy * dy).sqrt()
    share = (steepness / parameters.steep).clamp_(max=1)
    return parameters.softest + (parameters.hardest - parameters.softest) * share


def _lines(picture: Tensor, care: Care, noise: float, amounts: Amounts, parameters: InkParameters) -> Tensor:
    flow = flow_of(picture, parameters.line_flow_sigma)
    lightness = picture[:, :1]
    sigma = parameters.line_sigma * amounts.line_sigma
    response = difference_across(lightness, flow.across * care.line_sigma, sigma)
    response = smoothed_along(response, flow.along, parameters.line_length, step=2)
    response -= parameters.noise_threshold * noise
    surroundings = gaussian(lightness, 4.0)
    # The eye sees ratios: dark hair needs less of a step than a white wall. Near black there is only noise.
    gain = (50 / (surroundings + 20)).clamp_(max=1.5) * ((surroundings - 2) / 16).clamp_(0.2, 1)
    # Where no direction prevails there is grain, not a line.
    gain *= (2.5 * flow.coherence).clamp_(max=1)
    response *= gain * care.lines
    # In grass and fur, only the strongest lines are drawn.
    inked = F.avg_pool2d((response / parameters.line_threshold - 0.5).clamp(0, 2), 4, ceil_mode=True)
    crowd = gaussian(inked, parameters.crowd_sigma / 4) - parameters.crowd_free
    crowd = F.interpolate(crowd.clamp_(min=0), size=response.shape[-2:], mode="bilinear")
    return response.sub_(crowd, alpha=parameters.crowding * parameters.line_threshold)
