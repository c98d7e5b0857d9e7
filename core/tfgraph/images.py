"""Convolutions, pooling, normalization and resizing.

Pictures are [N, H, W, C], as in TensorFlow: seen as [N, C, H, W] they are PyTorch's channels-last, so that no
data moves on the way into a convolution and out of it.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.tfgraph import arithmetic
from core.tfgraph.reader import Node
from core.tfgraph.values import Operations, Run, Value, integers, tensor, text

operations: Final = Operations()


class _Window:
    """How a convolution or a pool moves over a picture: (rows, columns) of each attribute."""

    def __init__(self, node: Node) -> None:
        attributes = node.attributes
        self.channels_first = text(attributes.get("data_format", b"NHWC")) == "NCHW"
        self.strides = self._plane(attributes.get("strides"))
        self.dilations = self._plane(attributes.get("dilations"))
        self.size = self._plane(attributes.get("ksize"))
        self.padding = text(attributes["padding"])
        explicit = attributes.get("explicit_paddings") or [0] * 8
        pairs = list(zip(explicit[::2], explicit[1::2], strict=True))
        self._explicit = pairs[2:] if self.channels_first else pairs[1:3]

    def _plane(self, sides: object) -> tuple[int, int]:
        if not sides:
            return 1, 1
        if not isinstance(sides, list) or len(sides) != 4:
            raise ValueError("it needs one number for each side of a batch of pictures")
        return (sides[2], sides[3]) if self.channels_first else (sides[1], sides[2])

    def entered(self, picture: Tensor) -> Tensor:
        """[N, C, H, W] of a picture in the graph's layout."""
        return picture if self.channels_first else picture.permute(0, 3, 1, 2)

    def left(self, picture: Tensor) -> Tensor:
        """The way back."""
        return picture if self.channels_first else picture.permute(0, 2, 3, 1)

    def paddings(self, sides: Sequence[int], kernel: Sequence[int]) -> list[tuple[int, int]]:
        """Before and after, for rows and columns. SAME puts the odd pixel after."""
        if self.padding == "EXPLICIT":
            return [(int(before), int(after)) for before, after in self._explicit]
        if self.padding == "VALID":
            return [(0, 0), (0, 0)]
        return [
            _same(side, width, stride, dilation)
            for side, width, stride, dilation in zip(sides, kernel, self.strides, self.dilations, strict=True)
        ]


def _same(side: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    missing = max(0, (-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side)
    return missing // 2, missing - missing // 2


def _padded(picture: Tensor, paddings: Sequence[tuple[int, int]], fill: float = 0.0) -> tuple[Tensor, list[int]]:
    """The picture [N, C, H, W], padded where its two sides differ, and what is left to the operation itself."""
    if all(before == after for before, after in paddings) and fill == 0:
        return picture, [before for before, _ in paddings]
    (top, bottom), (first, last) = paddings
    return F.pad(picture, (first, last, top, bottom), value=fill), [0, 0]


@operations("Conv2D", "DepthwiseConv2dNative")
def _convolution(node: Node) -> Run:
    window = _Window(node)
    depthwise = node.op == "DepthwiseConv2dNative"
    narrow = not window.channels_first and window.strides == window.dilations == (1, 1)

    def run(picture: Value, filters: Tensor, bias: Tensor | None = None) -> Value:
        inside = window.entered(tensor(picture, filters).to(filters.dtype))
        weights = filters.permute(3, 2, 0, 1)  # rows, columns, in, out -> out, in, rows, columns
        groups = inside.shape[1] // weights.shape[1]
        if depthwise:
            groups = inside.shape[1]
            weights = filters.permute(2, 3, 0, 1).reshape(-1, 1, *filters.shape[:2])
        inside, padding = _padded(inside, window.paddings(inside.shape[2:], filters.shape[:2]))
        if narrow and groups == 1 and _worth_bundling(inside, weights, padding):
            return _bundled(inside, weights, bias, padding)
        return window.left(F.conv2d(inside, weights, bias, window.strides, padding, window.dilations, groups))

    return run


def _worth_bundling(picture: Tensor, weights: Tensor, padding: Sequence[int]) -> bool:
    outputs, inputs, _, columns = weights.shape
    width = picture.shape[3] + 2 * padding[1] - columns + 1
    return picture.device.type == "cpu" and outputs <= _FEW < inputs and width % _BUNDLE == 0


def _bundled(picture: Tensor, weights: Tensor, bias: Tensor | None, padding: Sequence[int]) -> Tensor:
    """A convolution to few channels, [N, C, H, W] -> [N, H, W, few], computed for several columns at once.

    A CPU's vectors hold 16 output channels. Neighbouring columns side by side fill them, each with the filter
    moved to its place; the values are the same.
    """
    outputs, inputs, rows, columns = weights.shape
    moved = weights.new_zeros(_BUNDLE, outputs, inputs, rows, columns + _BUNDLE - 1)
    for place in range(_BUNDLE):
        moved[place, ..., place : place + columns] = weights
    moved = moved.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    biases = None if bias is None else bias.repeat(_BUNDLE)
    bundles = F.conv2d(picture, moved, biases, (1, _BUNDLE), padding).permute(0, 2, 3, 1)
    return bundles.reshape(*bundles.shape[:2], -1, outputs)


@operations("Conv2DBackpropInput")
def _transposed_convolution(node: Node) -> Run:
    window = _Window(node)

    def run(sides: Value, filters: Tensor, picture: Tensor) -> Value:
        asked = integers(sides)
        height, width = asked[2:] if window.channels_first else asked[1:3]
        (top, _), (first, _) = window.paddings((height, width), filters.shape[:2])
        weights = filters.permute(3, 2, 0, 1)  # rows, columns, out, in -> in, out, rows, columns
        whole = F.conv_transpose2d(
            window.entered(picture).to(weights.dtype), weights, None, window.strides, dilation=window.dilations
        )
        below, beyond = max(0, top + height - whole.shape[2]), max(0, first + width - whole.shape[3])
        whole = F.pad(whole, (0, beyond, 0, below)) if below or beyond else whole
        return window.left(whole[:, :, top : top + height, first : first + width])

    return run


@operations("_FusedConv2D")
def _fused_convolution(node: Node) -> Run:
    """A convolution, and what TensorFlow's optimizer merged into it: a bias or a normalization, an activation."""
    convolution = _convolution(node)
    merged = [_merged(node, text(name)) for name in node.attributes["fused_ops"]]

    def run(picture: Value, filters: Tensor, *arguments: Tensor) -> Value:
        result: Any = convolution(picture, filters)
        for number, each in enumerate(merged):
            # The first one takes all there is to take.
            result = each(result, *arguments) if number == 0 else each(result)
            result = result[0] if isinstance(result, tuple) else result
        return result

    return run


def _merged(node: Node, op: str) -> Run:
    attributes = {"alpha": node.attributes.get("leakyrelu_alpha", 0.2), "is_training": False}
    build = operations.get(op) or arithmetic.operations.get(op)
    if build is None or op == node.op:
        raise ValueError(f"{op} is merged into it and not known here")
    return build(Node(node.name, op, (), {**node.attributes, **attributes}))


@operations("BiasAdd", "BiasAddV1")
def _bias(node: Node) -> Run:
    if text(node.attributes.get("data_format", b"NHWC")) == "NCHW":
        return lambda picture, bias: picture + bias.view(-1, *[1] * (picture.dim() - 2))
    return lambda picture, bias: picture + bias


@operations("MaxPool", "AvgPool")
def _pool(node: Node) -> Run:
    window = _Window(node)

    def run(picture: Tensor) -> Value:
        inside = window.entered(picture)
        paddings = window.paddings(inside.shape[2:], window.size)
        if node.op == "MaxPool":
            inside, _ = _padded(inside, paddings, -torch.inf)
            return window.left(F.max_pool2d(inside, window.size, window.strides))
        # What is beyond the edge does not count.
        share = torch.ones_like(inside[:1, :1])
        (top, bottom), (first, last) = paddings
        inside, share = (F.pad(plane, (first, last, top, bottom)) for plane in (inside, share))
        sums, shares = (F.avg_pool2d(plane, window.size, window.strides) for plane in (inside, share))
        return window.left(sums / shares)

    return arithmetic.of_either(run)


@operations("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm(node: Node) -> Run:
    epsilon = node.attributes.get("epsilon", 1e-4)
    training = node.attributes.get("is_training", True)
    channels_first = text(node.attributes.get("data_format", b"NHWC")) == "NCHW"

    def run(picture: Tensor, *values: Value) -> tuple[Value, ...]:
        inside = picture if channels_first else picture.permute(0, 3, 1, 2)
        scale, offset, mean, variance = (tensor(value, inside).to(inside.dtype) for value in values)
        known = (None, None) if training else (mean, variance)
        done = F.batch_norm(inside, *known, scale, offset, training, 0.0, epsilon)
        if training:
            mean, variance = inside.mean((0, 2, 3)), inside.var((0, 2, 3), correction=1)
        return (done if channels_first else done.permute(0, 2, 3, 1)), mean, variance, mean, variance, mean

    return run


_FEW: Final = 4  # channels of a picture
_BUNDLE: Final = 4

# Powers of two, whose shares are exact.
_EXACT_TIMES: Final = (2, 4, 8)


@operations("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
def _resize(node: Node) -> Run:
    """See tensorflow/core/kernels/image/resize_*_op.cc."""
    aligned = bool(node.attributes.get("align_corners", False))
    halved = bool(node.attributes.get("half_pixel_centers", False))
    taps = {"ResizeBilinear": _bilinear, "ResizeNearestNeighbor": _nearest, "ResizeBicubic": _bicubic}[node.op]

    def run(picture: Tensor, size: Value) -> Value:
        height, width = integers(size)
        if node.op != "ResizeNearestNeighbor" and not picture.is_floating_point():
            picture = picture.float()
        # TensorFlow goes along rows first; sums of floats depend on it.
        for axis, length in ((2, width), (1, height)):
            times, rest = divmod(length, picture.shape[axis])
            if node.op == "ResizeBilinear" and times in _EXACT_TIMES and not rest and not aligned:
                picture = _multiplied(picture, axis, times, halved)
            elif length != picture.shape[axis] or node.op == "ResizeBicubic":
                picture = _resampled(picture, axis, *taps(picture.shape[axis], length, aligned, halved))
        return picture

    return run


def _multiplied(picture: Tensor, axis: int, times: int, halved: bool) -> Tensor:
    """Bilinear along one axis, as `_resampled` does it, but without looking places up: between two old pixels
    the new ones fall at the same shares everywhere."""
    last = picture.shape[axis] - 1
    here, there = picture.narrow(axis, 0, last), picture.narrow(axis, 1, last)
    shape = list(picture.shape)
    shape.insert(axis + 1, times)
    larger = picture.new_empty(shape)
    for phase in range(times):
        share = (phase + 0.5) / times - 0.5 if halved else phase / times
        pixels = larger.select(axis + 1, phase)
        if share == 0:
            pixels.copy_(picture)
            continue
        # Before the first pixel, or after the last one, there is nothing to share with.
        start, alone = (1, 0) if share < 0 else (0, last)
        torch.lerp(here, there, share % 1, out=pixels.narrow(axis, start, last))
        pixels.select(axis, alone).copy_(picture.select(axis, alone))
    return larger.flatten(axis, axis + 1)


def _places(side: int, length: int, aligned: bool, halved: bool) -> Any:
    """Where each new pixel falls among the old ones, float32."""
    if aligned and length > 1:
        scale = np.float32(side - 1) / np.float32(length - 1)
    else:
        scale = np.float32(side) / np.float32(length)
    pixels = np.arange(length, dtype=np.float32)
    return (pixels + np.float32(0.5)) * scale - np.float32(0.5) if halved else pixels * scale


def _bilinear(side: int, length: int, aligned: bool, halved: bool) -> tuple[Any, Any]:
    places = _places(side, length, aligned, halved)
    lower = np.floor(places)
    share = places - lower
    index = np.stack([np.clip(lower, 0, side - 1), np.clip(lower + 1, 0, side - 1)]).astype(np.int64)
    return index, share


def _nearest(side: int, length: int, aligned: bool, halved: bool) -> tuple[Any, Any]:
    places = _places(side, length, aligned, halved)
    if halved:
        places = np.floor(places + np.float32(0.5))
    places = np.floor(places + np.float32(0.5)) if aligned else np.floor(places)
    return np.clip(places, 0, side - 1).astype(np.int64)[None], None


def _bicubic(side: int, length: int, aligned: bool, halved: bool) -> tuple[Any, Any]:
    places = _places(side, length, aligned, halved)
    lower = np.floor(places)
    # A table of 1024 steps, and Keys' kernel with a = -0.75, or -0.5 with half-pixel centres.
    share = np.rint((places - lower) * 1024) / 1024
    a = -0.5 if halved else -0.75
    distances = np.abs(np.stack([share + 1, share, 1 - share, 2 - share]))
    near = ((a + 2) * distances - (a + 3)) * distances**2 + 1
    far = ((a * distances - 5 * a) * distances + 8 * a) * distances - 4 * a
    weights = np.where(distances <= 1, near, far)
    wanted = lower + np.arange(-1, 3)[:, None]
    index = np.clip(wanted, 0, side - 1)
    if halved:
        weights = np.where(wanted == index, weights, 0)
        weights /= weights.sum(0)
    return index.astype(np.int64), weights.astype(np.float32)


def _resampled(picture: Tensor, axis: int, index: Any, weights: Any) -> Tensor:
    """Sums of old pixels along an axis: one (nearest), two by a share (bilinear) or four by weights (bicubic)."""
    rows = [picture.index_select(axis, torch.from_numpy(each).to(picture.device)) for each in index]
    if weights is None:
        return rows[0]
    shape = [1] * picture.dim()
    shape[axis] = -1
    factors = torch.from_numpy(np.atleast_2d(weights)).to(picture.device, picture.dtype)
    if len(rows) == 2:
        return torch.lerp(rows[0], rows[1], factors[0].view(shape))
    return torch.stack([row * factor.view(shape) for row, factor in zip(rows, factors, strict=True)]).sum(0)
