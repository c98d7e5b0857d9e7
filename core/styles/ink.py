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
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.faces import Face
from core.look import Look
from core.photo import Array, fitted
from core.styles.colour import lab_from_srgb
from core.styles.flow import pixel_grid
from core.styles.ink_drawing import Care, Pen, Traits, sketch
from core.styles.ink_parameters import Amounts, InkParameters
from core.styles.portrait import Frame, pixel_centres
from core.styles.resample import reshaped

_PAPER_STRIP_PIXELS: Final = 1 << 19  # bounds the memory of finishing: about 15 floats a pixel
# A photo of a school's yard must not take a minute: canvases of heads, in sizes of the photo's own.
_HEADS_BUDGET: Final = 2.0
_LEAST_ZOOM: Final = 1.2


class InkStyle:
    """Draws with ink on `device`; see core.styles.registry.Style."""

    def __init__(self, device: torch.device, parameters: InkParameters) -> None:
        self._device = device
        self._parameters = parameters

    def draw(self, photos: Sequence[Array], faces: Sequence[Sequence[Face]], looks: Sequence[Look]) -> list[Array]:
        """uint8 RGB [H, W, 3] in, the same out with the longest side exactly look.size."""
        return [self._drawn(*each) for each in zip(photos, faces, looks, strict=True)]

    def _drawn(self, photo: Array, faces: Sequence[Face], look: Look) -> Array:
        pixels = (
            torch.tensor(np.ascontiguousarray(photo), device=self._device).permute(2, 0, 1)[None].float() / 255
        )
        page = _Page(pixels, look, self._parameters)
        frames = sorted(map(Frame.of, faces), key=lambda frame: -frame.unit)
        page.draw_all(frames)
        page.draw_heads(frames)
        return page.picture.cpu().numpy()


class _Page:
    """One photo, sRGB 0-1 [1, 3, h, w], on its way to a picture, uint8 RGB [H, W, 3]."""

    def __init__(self, photo: Tensor, look: Look, parameters: InkParameters) -> None:
        height, width = photo.shape[-2:]
        self._photo = photo
        self._parameters = parameters
        self._amounts = Amounts.at(look.strength)
        self._paper = reshaped(photo, fitted(height, width, look.size))
        # Pixels of the canvas, and of the paper, a pixel of the photo.
        self._scale = parameters.canvas / max(height, width)
        self._enlarged = look.size / max(height, width)
        self._canvas = lab_from_srgb(reshaped(photo, fitted(height, width, parameters.canvas)))
        self._traits = Traits.of(self._canvas, parameters)
        self.picture = torch.empty(*self._paper.shape[-2:], 3, dtype=torch.uint8, device=photo.device)

    def draw_all(self, frames: Sequence[Frame]) -> None:
        """The whole photo, with care for the faces of these frames."""
        care = Care.of([frame.scaled(self._scale) for frame in frames], self._canvas, self._parameters)
        drawing = sketch(self._canvas, care, self._traits, self._amounts, self._parameters)
        pen = Pen(drawing, self._scale / self._enlarged, self._amounts, self._parameters)
        grid = pixel_grid(self._paper)
        rows = max(1, _PAPER_STRIP_PIXELS // self.picture.shape[1])
        for top in range(0, len(self.picture), rows):
            strip = slice(top, top + rows)
            drawn = pen.drawn(self._paper[..., strip, :], grid[:, strip])
            self.picture[strip] = drawn.mul_(255).round_()[0].permute(1, 2, 0)

    def draw_heads(self, frames: Sequence[Frame]) -> None:
        """Heads that are small on the canvas, the largest first, once more from canvases of their own."""
        budget = _HEADS_BUDGET * self._canvas[0, 0].numel()
        for frame in frames:
            zoom = min(self._parameters.zoom, self._parameters.face_unit / (frame.unit * self._scale))
            if zoom >= _LEAST_ZOOM and budget > 0:
                budget -= self._draw_head(frame, zoom)

    def _draw_head(self, frame: Frame, zoom: float) -> int:
        """How many pixels its canvas had."""
        rows, columns = frame.window((2.1, 2.6), *self._photo.shape[-2:])
        cut = self._photo[..., rows, columns]
        place = frame.scaled(self._enlarged)
        down, across = place.window((1.9, 2.4), *self.picture.shape[:2])
        under = self.picture[down, across]
        if not cut.numel() or not under.numel():
            return 0
        height, width = cut.shape[-2:]
        scale = self._scale * zoom
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        canvas = lab_from_srgb(reshaped(cut, shape))
        care = Care.of([frame.shifted(-columns.start, -rows.start).scaled(scale)], canvas, self._parameters)
        # The pen is as wide as on the large canvas.
        care.line_sigma.mul_(zoom)
        drawing = sketch(canvas, care, self._traits, self._amounts, self._parameters)
        pen = Pen(drawing, scale / self._enlarged, self._amounts, self._parameters)

        x, y = pixel_centres(down, across, cut.device)
        grid_x = (x / self._enlarged - columns.start) * (2 / width) - 1
        grid_y = (y / self._enlarged - rows.start) * (2 / height) - 1
        grid = torch.stack(torch.broadcast_tensors(grid_x, grid_y), -1)[None]
        head = pen.drawn(self._paper[..., down, across], grid).mul_(255)[0].permute(1, 2, 0)
        under.copy_(torch.lerp(under.float(), head, place.head(x, y)[..., None]).round_())
        return shape[0] * shape[1]
