"""The DCT-Net styles: a network for the whole picture, and one for heads.

"DCT-Net: Domain-Calibrated Translation for Portrait Stylization" (Men et al. 2022). As in the released pipeline
(modelscope, pipelines/cv/image_cartoon_pipeline.py) the whole picture is drawn with its shorter side at most 720
pixels, and each head as an upright square of 288 pixels that is laid over it through a soft mask. Unlike it, the
result always has the size asked for, with faces or without, and is sharp at any: what the photo shows beyond the
size of the drawing comes back where the drawing follows the photo ("Fast Guided Filter", He & Sun 2015).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from core.faces import Face
from core.look import Look
from core.photo import Array, fitted
from core.styles.flow import bounds_of, pixel_grid, sampled, tightening
from core.styles.heads import SIDE, Head
from core.styles.resample import Shape, box_mean, local_line, luminance, reshaped
from core.styles.strength import mixed
from core.tfgraph import GraphModule, load_graph
from core.weights import Installed

CANVAS: Final = 720  # shorter side of the whole picture as its network sees it, at most
LEAST_CANVAS: Final = 512  # its longer side, to which the smallest photos are enlarged
# Heads that are larger than this on the canvas are drawn at it. Drawn at 288 they would be coarser than all around
# them; at their full size they would hardly be a cartoon, because the network learnt from squares of about 288.
LARGE_SIDE: Final = 432
_MULTIPLE: Final = 16  # of the sides that the networks take
# Drawn at once, which bounds the memory. A CPU is busy enough with less.
_CPU_PASS_PIXELS: Final = 1 << 20
_PASS_PIXELS: Final = 1 << 22
_LEAST_HEAD: Final = 24  # pixels of the result: below, nobody sees a face
# A collage of thousands of faces must not take all day: the largest ones, and so many in memory.
MOST_HEADS: Final = 120
_HEADS_TOGETHER: Final = 24

# How details of the photo come back: windows, and contrast below which the photo is flat.
_DETAIL_RADIUS: Final = 2
_DETAIL_EPSILON: Final = 0.04**2
_DETAIL_GAIN: Final = 1.2
# How edges of what was drawn smaller are tightened: sRGB 0-1 per pixel, and pixels.
_STEEP: Final = 0.03
_TIGHTNESS: Final = 2.0


class DctNetStyle:
    """Draws with the networks of one release on `device`; see core.styles.registry.Style.

    `precision`: "auto" calculates convolutions in what is fastest there, "full" in 32 bits.
    """

    def __init__(self, device: torch.device, weights: Installed, precision: str = "auto") -> None:
        self._device = device
        dtype = torch.float32 if precision == "full" else half_precision(device)
        self._whole = load_graph(weights.whole_picture).lower(dtype).to(device)
        self._heads = load_graph(weights.heads).lower(dtype).to(device)
        with Image.open(weights.mask) as mask:
            alpha = np.asarray(mask.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.float32) / 255
        self._mask = torch.from_numpy(alpha).to(device)[None, None]

    def draw(self, photos: Sequence[Array], faces: Sequence[Sequence[Face]], looks: Sequence[Look]) -> list[Array]:
        """uint8 RGB [H, W, 3] in, the same out with the longest side exactly look.size."""
        pages = [_Page(self._pixels(photo), look) for photo, look in zip(photos, looks, strict=True)]
        for page, drawn in zip(pages, _drawn(self._whole, [page.canvas for page in pages]), strict=True):
            page.lay_whole(drawn)
        heads = [(page, head) for page, found in zip(pages, faces, strict=True) for head in page.heads(found)]
        for start in range(0, len(heads), _HEADS_TOGETHER):
            some = heads[start : start + _HEADS_TOGETHER]
            squares = [page.square(head) for page, head in some]
            for (page, head), square, drawn in zip(some, squares, _drawn(self._heads, squares), strict=True):
                page.lay_head(head, square, drawn, self._mask)
        return [page.finished() for page in pages]

    def _pixels(self, photo: Array) -> Tensor:
        pixels = torch.tensor(np.ascontiguousarray(photo), device=self._device)
        return pixels.permute(2, 0, 1)[None].float() / 255


class _Page:
    """One photo, sRGB 0-1 [1, 3, h, w], on its way to a cartoon."""

    def __init__(self, photo: Tensor, look: Look) -> None:
        height, width = photo.shape[-2:]
        self._look = look
        self._photo = photo
        self._shape = fitted(height, width, look.size)
        self._paper = reshaped(photo, self._shape)
        self._enlarged = look.size / max(height, width)
        self.canvas = reshaped(photo, canvas_shape(height, width))
        self._cartoon = self._paper

    def lay_whole(self, drawn: Tensor) -> None:
        """The whole picture, drawn as large as the canvas."""
        if self._look.size <= max(drawn.shape[-2:]):
            self._cartoon = reshaped(drawn, self._shape)
            return
        self._cartoon = _enlarged(drawn, self.canvas, self._paper, pixel_grid(self._paper))

    def heads(self, faces: Sequence[Face]) -> list[Head]:
        """Those large enough to be seen, the largest first: smaller ones are often in front of it."""
        shape = self._photo.shape[-2:]
        heads = sorted(map(Head.of, faces), key=lambda head: -head.side)
        seen = [head for head in heads if head.touches(*shape) and head.side * self._enlarged >= _LEAST_HEAD]
        return seen[:MOST_HEADS]

    def square(self, head: Head) -> Tensor:
        """What the head network is shown: [1, 3, s, s]."""
        on_canvas = head.side * max(self.canvas.shape[-2:]) / max(self._photo.shape[-2:])
        return head.cut(self._photo, SIDE if on_canvas < LARGE_SIDE else LARGE_SIDE)

    def lay_head(self, head: Head, square: Tensor, drawn: Tensor, mask: Tensor) -> None:
        """A head, drawn from its square, over what is there."""
        placed = head.scaled(self._enlarged)
        rows, columns = placed.window(*self._shape)
        under = self._cartoon[..., rows, columns]
        grid = placed.grid(rows, columns, under.device)
        if placed.side > drawn.shape[-1]:
            cartoon = _enlarged(drawn, square, self._paper[..., rows, columns], grid)
        else:
            # Sampled as it is it would be too sparse.
            side = max(1, round(placed.side))
            cartoon = sampled(reshaped(drawn, (side, side)), grid)
        alpha = F.grid_sample(mask, grid, padding_mode="zeros", align_corners=False)
        under.copy_(torch.lerp(under, cartoon, alpha))

    def finished(self) -> Array:
        """uint8 RGB [H, W, 3] at the look's strength."""
        done = mixed(self._paper, self._cartoon, self._look.strength)
        return done.mul(255).round_().to(torch.uint8)[0].permute(1, 2, 0).cpu().numpy()


def canvas_shape(height: int, width: int) -> Shape:
    """(height, width) of the canvas for a photo: as released, but that a small photo is enlarged."""
    scale = min(CANVAS / min(height, width), max(1.0, LEAST_CANVAS / max(height, width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def half_precision(device: torch.device) -> torch.dtype:
    """What convolutions are fastest in on a device, without a visible loss."""
    if device.type == "cuda":
        return torch.float16
    # Of no use where the processor has no instructions for it. Older releases of PyTorch do not tell.
    able = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def _enlarged(drawn: Tensor, seen: Tensor, photo: Tensor, grid: Tensor) -> Tensor:
    """What was drawn from a reduced photo, `seen`, at the larger grid of the photo [1, h, w, 2]: sharp.

    Only brightness has details: in a drawing of other colours, those of the photo would be wrong ones.
    """
    reduced = luminance(seen)
    shift = tightening(drawn, _STEEP, _TIGHTNESS).permute(0, 3, 1, 2)
    layers = sampled(torch.cat([reduced, _gain(reduced, luminance(drawn)), shift, bounds_of(drawn)], 1), grid)
    reduced, gain, shift, low, high = layers.split((1, 1, 2, 3, 3), 1)
    base = sampled(drawn, grid + shift.permute(0, 2, 3, 1), "bicubic")
    return base.addcmul_(gain, luminance(photo) - reduced).clamp_(low, high)


def _gain(photo: Tensor, cartoon: Tensor) -> Tensor:
    """How much of the photo's detail the cartoon shows, from its own structures: 0 where it leaves it out."""
    slope, _ = local_line(photo, cartoon, _DETAIL_RADIUS, _DETAIL_EPSILON)
    return box_mean(slope, _DETAIL_RADIUS).clamp_(0, _DETAIL_GAIN)


def _drawn(network: GraphModule, pictures: Sequence[Tensor]) -> list[Tensor]:
    """Each picture, sRGB 0-1 [1, 3, h, w], as the network draws it; those of one shape go through it together."""
    shapes: dict[Shape, list[int]] = {}
    for index, picture in enumerate(pictures):
        height, width = picture.shape[-2:]
        shapes.setdefault((height + -height % _MULTIPLE, width + -width % _MULTIPLE), []).append(index)
    drawn: dict[int, Tensor] = {}
    for (height, width), members in shapes.items():
        most = _CPU_PASS_PIXELS if pictures[0].device.type == "cpu" else _PASS_PIXELS
        together = max(1, most // (height * width))
        for start in range(0, len(members), together):
            some = members[start : start + together]
            results = network(torch.cat([_entering(pictures[index], height, width) for index in some]))
            for index, result in zip(some, results, strict=True):
                rows, columns = pictures[index].shape[-2:]
                drawn[index] = result[:rows, :columns].flip(-1).permute(2, 0, 1)[None].float() / 255
    return [drawn[index] for index in range(len(pictures))]


def _entering(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture as the networks take it: BGR 0-255 [1, height, width, 3], its last pixels repeated."""
    rows, columns = picture.shape[-2:]
    padded = F.pad(picture, (0, width - columns, 0, height - rows), mode="replicate")
    return padded.flip(1).permute(0, 2, 3, 1) * 255
