"""The `ink` styles: flat colours under clean ink lines, drawn from the photo alone.

1. structure tensor -> edge tangent flow (Kang et al. 2007, "Coherent Line Drawing"; Kyprianidis & Doellner
   2008, "Image Abstraction by Structure Adaptive Filtering");
2. passes of a bilateral filter in Lab, across the flow, then along it (same papers);
3. edges of colour tightened by warping (Arad & Gotsman 1999, "Enhancement by Image-Dependent Warping");
4. flow-based difference of Gaussians (Winnemoeller et al. 2012, "XDoG"), smoothed along the flow;
5. luminance quantization, hard where light falls off and soft on walls and skies (Winnemoeller et al. 2006,
   "Real-Time Video Abstraction", section 3.3), ink over it.

Steps 1 to 4 make smooth fields on a canvas whose longest side is always the same, so every size shows the
same drawing. Thresholds of lines, quantization and the last warp happen at the final size, where a
threshold of a smooth field is a sharp edge at any size. Faces get finer lines, cleaner skin and crisper
features; a small face is drawn on a larger canvas of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from core.faces import Face
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
from core.styles.portrait import Frame

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

    levels: int = 7  # of luminance
    softest: float = 3.0  # steps between levels, where the light is even
    hardest: float = 25.0  # and where it falls off
    steep: float = 0.4  # by this a pixel
    chroma_step: float | None = None  # between levels of chroma; None: chroma has no levels
    saturation: float = 0.2  # lift of medium chroma; greys and vivid colours stay
    brightness: float = 10.0  # lift of middle tones: a quarter of this at L* 50
    wash: float | None = None  # on white paper, black is a wash of this share; None: there is no paper

    line_sigma: float = 1.3
    line_flow_sigma: float = 2.5
    line_length: float = 6.0  # sigma of the smoothing along the flow
    line_threshold: float = 0.45  # where ink covers half
    line_ramp: float = 0.9  # response from half to full ink, were the canvas the final size
    noise_threshold: float = 0.3  # raises the threshold by this many times the photo's noise
    crowding: float = 3.0  # raises the threshold by this many times itself where all is ink
    crowd_free: float = 0.15  # the share of ink around a line that does not count as a crowd
    crowd_sigma: float = 10.0
    ink: float = 0.92  # darkest line: the share of light it takes away

    # In faces, as factors on the above.
    face_fineness: float = 0.75  # on the width of lines
    skin_range: float = 1.5  # on the range of the bilateral filter
    feature_range: float = 0.6
    skin_lines: float = 0.6  # on the response of lines
    feature_lines: float = 1.3
    # A face whose unit (see core.styles.portrait) is smaller than this is drawn larger, up to `zoom` times.
    face_unit: float = 64.0
    zoom: float = 3.0


INK: Final = InkParameters()
SKETCH_INK: Final = InkParameters(wash=0.6, ink=0.8, line_ramp=1.6, line_threshold=0.38)
POP: Final = InkParameters(
    levels=4,
    softest=8.0,
    hardest=40.0,
    chroma_step=12.0,
    saturation=0.9,
    brightness=20.0,
    line_sigma=1.8,
    face_fineness=0.85,
    ink=1.0,
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What strength turns: factors on InkParameters, and the share of the drawing in the colours."""

    fill_share: float
    fill_range: float
    quantization: float
    line_sigma: float
    line_threshold: float
    ink: float
    wash: float

    @classmethod
    def at(cls, strength: float) -> Self:
        """The amounts for a strength of 0.1-1.0: all grow with it, but the line threshold and the wash fall."""
        return cls(
            fill_share=1 - 1.2 * max(0.0, 0.9 - strength) ** 1.7,
            fill_range=0.25 + 0.75 * strength,
            quantization=strength,
            line_sigma=0.5 + 0.5 * strength,
            line_threshold=1 + 2 * (1 - strength),
            ink=min(1.0, 0.25 + 0.95 * strength),
            wash=1 + 0.6 * (1 - strength),
        )


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
            y = torch.arange(rows.start, rows.stop, device=canvas.device)[:, None] + 0.5
            x = torch.arange(columns.start, columns.stop, device=canvas.device)[None] + 0.5
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


class InkStyle:
    """Draws with ink on `device`; see core.styles.registry.Style."""

    def __init__(self, device: torch.device, parameters: InkParameters) -> None:
        self._device = device
        self._parameters = parameters

    def draw(self, photos: Sequence[Array], faces: Sequence[Sequence[Face]], looks: Sequence[Look]) -> list[Array]:
        """uint8 RGB [H, W, 3] in, the same out with the longest side exactly look.size."""
        return [self._drawn(*each) for each in zip(photos, faces, looks, strict=True)]

    def _drawn(self, photo: Array, faces: Sequence[Face], look: Look) -> Array:
        pixels = torch.tensor(photo, device=self._device).permute(2, 0, 1)[None].float() / 255
        page = _Page(pixels, look, self._parameters)
        frames = sorted(map(Frame.of, faces), key=lambda frame: -frame.unit)
        page.draw_all(frames)
        for frame in frames:
            page.draw_head(frame)
        return page.picture.cpu().numpy()


class _Page:
    """One photo, sRGB 0-1 [1, 3, h, w], on its way to a picture, uint8 RGB [H, W, 3]."""

    def __init__(self, photo: Tensor, look: Look, parameters: InkParameters) -> None:
        height, width = photo.shape[-2:]
        self._photo = photo
        self._parameters = parameters
        self._amounts = Amounts.at(look.strength)
        self._paper = resized(photo, fitted(height, width, look.size))
        # Pixels of the canvas, and of the paper, a pixel of the photo.
        self._scale = parameters.canvas / max(height, width)
        self._enlarged = look.size / max(height, width)
        self._canvas = lab_from_srgb(resized(photo, fitted(height, width, parameters.canvas)))
        self._traits = Traits.of(self._canvas, parameters)
        self.picture = torch.empty(*self._paper.shape[-2:], 3, dtype=torch.uint8, device=photo.device)

    def draw_all(self, frames: Sequence[Frame]) -> None:
        """The whole photo, with care for the faces of these frames."""
        care = Care.of([frame.scaled(self._scale) for frame in frames], self._canvas, self._parameters)
        drawing = sketch(self._canvas, care, self._traits, self._amounts, self._parameters)
        pen = Pen(drawing, self._scale / self._enlarged, self._amounts, self._parameters)
        grid = pixel_grid(self._paper)
        rows = max(1, _STRIP_PIXELS // self.picture.shape[1])
        for top in range(0, len(self.picture), rows):
            strip = slice(top, top + rows)
            drawn = pen.drawn(self._paper[..., strip, :], grid[:, strip])
            self.picture[strip] = drawn.mul_(255).round_()[0].permute(1, 2, 0)

    def draw_head(self, frame: Frame) -> None:
        """A head that is small on the canvas, once more, from a canvas of its own."""
        zoom = min(self._parameters.zoom, self._parameters.face_unit / (frame.unit * self._scale))
        rows, columns = frame.window((2.1, 2.6), *self._photo.shape[-2:])
        cut = self._photo[..., rows, columns]
        place = frame.scaled(self._enlarged)
        down, across = place.window((1.9, 2.4), *self.picture.shape[:2])
        under = self.picture[down, across]
        if zoom < 1.2 or not cut.numel() or not under.numel():
            return
        height, width = cut.shape[-2:]
        scale = self._scale * zoom
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        canvas = lab_from_srgb(resized(cut, shape))
        care = Care.of([frame.shifted(-columns.start, -rows.start).scaled(scale)], canvas, self._parameters)
        # The pen is as wide as on the large canvas.
        care.line_sigma.mul_(zoom)
        drawing = sketch(canvas, care, self._traits, self._amounts, self._parameters)
        pen = Pen(drawing, scale / self._enlarged, self._amounts, self._parameters)

        y = torch.arange(down.start, down.stop, device=cut.device)[:, None] + 0.5
        x = torch.arange(across.start, across.stop, device=cut.device)[None] + 0.5
        grid_x = (x / self._enlarged - columns.start) * (2 / width) - 1
        grid_y = (y / self._enlarged - rows.start) * (2 / height) - 1
        grid = torch.stack(torch.broadcast_tensors(grid_x, grid_y), -1)[None]
        head = pen.drawn(self._paper[..., down, across], grid).mul_(255)[0].permute(1, 2, 0)
        under.copy_(torch.lerp(under.float(), head, place.head(x, y)[..., None]).round_())


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
        grid = pixel_grid(fill) + _tightening(fill, parameters.tightness)
        fill = sampled_within(fill, bounds_of(fill), grid)
    tightening = _tightening(fill, parameters.tightness).permute(0, 3, 1, 2)
    return Drawing(fill, tightening, _hardness(fill[:, :1], parameters), lines, traits.edges)


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
    edge = edge + torch.round((values - edge) / step) * step
    return edge + step / 2 * torch.tanh((values - edge) * (hardness / step)) / torch.tanh(hardness / 2)


def resized(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """sRGB 0-1 [1, 3, H, W] at another shape."""
    if picture.shape[-2:] == shape:
        return picture
    return F.interpolate(picture, size=shape, mode="bicubic", antialias=True).clamp_(0, 1)


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


def _tightening(fill: Tensor, tightness: float) -> Tensor:
    """Offsets [1, h, w, 2] that fetch each colour from a little farther off the nearest edge."""
    dx, dy = gradient(fill)
    # Not the structure tensor: the middle of a thin stroke must not count as an edge, or the stroke melts.
    steepness = (dx * dx + dy * dy).sum(1, True).sqrt()
    edges = gaussian(steepness / (steepness + 3), 0.8)
    return grid_steps(torch.cat(gradient(edges), 1)) * -tightness


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
