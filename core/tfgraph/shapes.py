"""Operations that look at, make and change shapes."""

import math
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.tfgraph.arithmetic import of_either
from core.tfgraph.reader import Node
from core.tfgraph.values import Operations, Run, Value, host, integers, text, together

operations: Final = Operations()


@operations("Shape")
def _shape(node: Node) -> Run:
    dtype = node.attributes.get("out_type") or np.dtype(np.int32)
    return lambda value: np.array(value.shape, dtype)


@operations("ShapeN")
def _shapes(node: Node) -> Run:
    dtype = node.attributes.get("out_type") or np.dtype(np.int32)
    return lambda *values: tuple(np.array(value.shape, dtype) for value in values)


operations.plain(lambda value: np.array(len(value.shape), np.int32), "Rank")


@operations("Size")
def _size(node: Node) -> Run:
    dtype = node.attributes.get("out_type") or np.dtype(np.int32)
    return lambda value: np.array(math.prod(value.shape), dtype)


@operations("Range")
def _range(_: Node) -> Run:
    def run(*ends: Value) -> Value:
        start, stop, step = (host(end) for end in ends)
        return np.arange(start.item(), stop.item(), step.item()).astype(start.dtype)

    return run


@operations("LinSpace")
def _linear(_: Node) -> Run:
    def run(start: Value, stop: Value, number: Value) -> Value:
        first, last = host(start), host(stop)
        return np.linspace(first.item(), last.item(), integers(number)[0], dtype=first.dtype)

    return run


@operations("Reshape")
def _reshape(_: Node) -> Run:
    return lambda value, shape: value.reshape(integers(shape))


@operations("ExpandDims")
def _expand(_: Node) -> Run:
    def run(value: Value, axis: Value) -> Value:
        (at,) = integers(axis)
        return value.unsqueeze(at) if isinstance(value, Tensor) else np.expand_dims(value, at)

    return run


@operations("Squeeze")
def _squeeze(node: Node) -> Run:
    axes = node.attributes.get("squeeze_dims") or node.attributes.get("axis") or []

    def run(value: Value) -> Value:
        gone = {axis % len(value.shape) for axis in axes} or {i for i, side in enumerate(value.shape) if side == 1}
        return value.reshape([side for i, side in enumerate(value.shape) if i not in gone])

    return run


@operations("Transpose")
def _transpose(_: Node) -> Run:
    def run(value: Value, order: Value) -> Value:
        axes = integers(order)
        return value.permute(axes) if isinstance(value, Tensor) else value.transpose(axes)

    return run


@operations("Pack")
def _pack(node: Node) -> Run:
    axis = node.attributes.get("axis", 0)
    return lambda *values: _joined(values, axis, torch.stack, np.stack)


@operations("ConcatV2")
def _concatenate(_: Node) -> Run:
    return lambda *values: _joined(values[:-1], integers(values[-1])[0], torch.cat, np.concatenate)


@operations("Concat")
def _concatenate_old(_: Node) -> Run:
    return lambda axis, *values: _joined(values, integers(axis)[0], torch.cat, np.concatenate)


def _joined(values: tuple[Value, ...], axis: int, of_tensors: Any, of_hosts: Any) -> Value:
    values = together(values)
    return of_tensors(values, axis) if isinstance(values[0], Tensor) else of_hosts(values, axis)


@operations("Unpack")
def _unpack(node: Node) -> Run:
    axis = node.attributes.get("axis", 0)

    def run(value: Value) -> tuple[Value, ...]:
        if isinstance(value, Tensor):
            return value.unbind(axis)
        return tuple(np.moveaxis(value, axis, 0))

    return run


@operations("Split")
def _split(node: Node) -> Run:
    parts = node.attributes["num_split"]

    def run(axis: Value, value: Value) -> tuple[Value, ...]:
        (at,) = integers(axis)
        return tuple(value.chunk(parts, at)) if isinstance(value, Tensor) else tuple(np.split(value, parts, at))

    return run


@operations("SplitV")
def _split_by_sizes(_: Node) -> Run:
    def run(value: Value, sizes: Value, axis: Value) -> tuple[Value, ...]:
        (at,), lengths = integers(axis), integers(sizes)
        rest = value.shape[at] - sum(length for length in lengths if length >= 0)
        lengths = [rest if length < 0 else length for length in lengths]
        if isinstance(value, Tensor):
            return value.split(lengths, at)
        return tuple(np.split(value, np.cumsum(lengths)[:-1], at))

    return run


@operations("Fill")
def _fill(_: Node) -> Run:
    return lambda shape, value: np.full(integers(shape), host(value))


@operations("Tile")
def _tile(_: Node) -> Run:
    def run(value: Value, times: Value) -> Value:
        return value.tile(integers(times)) if isinstance(value, Tensor) else np.tile(value, integers(times))

    return run


@operations("BroadcastTo")
def _broadcast(_: Node) -> Run:
    def run(value: Value, shape: Value) -> Value:
        sides = integers(shape)
        return value.expand(sides) if isinstance(value, Tensor) else np.broadcast_to(value, sides).copy()

    return run


@operations("Gather", "GatherV2")
def _gather(node: Node) -> Run:
    if node.attributes.get("batch_dims"):
        raise ValueError("places for each batch are not known here")

    def run(value: Value, places: Value, axis: Value | None = None) -> Value:
        at = 0 if axis is None else integers(axis)[0]
        if not isinstance(value, Tensor):
            return np.take(value, host(places), at)
        index = torch.as_tensor(places, device=value.device)
        at %= value.dim()
        taken = value.index_select(at, index.reshape(-1))
        return taken.reshape(*value.shape[:at], *index.shape, *value.shape[at + 1 :])

    return run


@operations("StridedSlice")
def _strided_slice(node: Node) -> Run:
    masks = {
        name: node.attributes.get(f"{name}_mask", 0)
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    if not all(isinstance(mask, int) for mask in masks.values()):
        raise ValueError("a mask is no whole number")

    def run(value: Value, begin: Value, end: Value, strides: Value) -> Value:
        index: list[Any] = []
        for place, (start, stop, step) in enumerate(
            zip(integers(begin), integers(end), integers(strides), strict=True)
        ):
            asked = {name for name, mask in masks.items() if mask >> place & 1}
            if "ellipsis" in asked:
                index.append(...)
            elif "new_axis" in asked:
                index.append(None)
            elif "shrink_axis" in asked:
                index.append(start)
            else:
                index.append(slice(None if "begin" in asked else start, None if "end" in asked else stop, step))
        return _sliced(value, index)

    return run


@operations("Slice")
def _slice(_: Node) -> Run:
    def run(value: Value, begin: Value, size: Value) -> Value:
        starts, sizes = integers(begin), integers(size)
        return value[
            tuple(
                slice(start, None if length < 0 else start + length)
                for start, length in zip(starts, sizes, strict=True)
            )
        ]

    return run


def _sliced(value: Value, index: list[Any]) -> Value:
    backwards = any(isinstance(part, slice) and part.step < 0 for part in index)
    if not isinstance(value, Tensor):
        return np.array(value[tuple(index)], order="C")
    if not backwards:
        return value[tuple(index)]
    # PyTorch does not step backwards: the places are written out, axis by axis.
    around = index.index(...) if ... in index else len(index)
    missing = value.dim() - sum(part is not None and part is not ... for part in index)
    full = [*index[:around], *[slice(None, None, 1)] * missing, *index[around + 1 :]]
    axis = 0
    for part in full:
        if part is None:
            continue
        if isinstance(part, slice) and part.step < 0:
            places = range(value.shape[axis])[part]
            value = value.index_select(axis, torch.tensor(places, dtype=torch.int64, device=value.device))
        axis += 1
    forward = [slice(None) if isinstance(part, slice) and part.step < 0 else part for part in full]
    return value[tuple(forward)]


@operations("Pad", "PadV2", "MirrorPad")
def _pad(node: Node) -> Run:
    mode = text(node.attributes.get("mode", b"CONSTANT"))

    def run(value: Tensor, paddings: Value, fill: Value | None = None) -> Value:
        sides = host(paddings).reshape(-1, 2).astype(int).tolist()
        if mode == "CONSTANT":
            flat = [side for pair in reversed(sides) for side in pair]
            return F.pad(value, flat, value=0.0 if fill is None else float(host(fill).item()))
        for axis, (before, after) in enumerate(sides):
            if before or after:
                places = _mirrored(value.shape[axis], before, after, mode)
                value = value.index_select(axis, places.to(value.device))
        return value

    return of_either(run)


@operations("Reverse", "ReverseV2")
def _reverse(node: Node) -> Run:
    def run(value: Value, axes: Value) -> Value:
        # The old spelling says of each axis whether it is meant.
        turned = np.flatnonzero(host(axes)).tolist() if node.op == "Reverse" else integers(axes)
        return value.flip(turned) if isinstance(value, Tensor) else np.flip(value, tuple(turned)).copy()

    return run


def _mirrored(length: int, before: int, after: int, mode: str) -> Tensor:
    """The places that a side shows when it is mirrored at its ends, the ends themselves once or twice."""
    places = np.arange(length)
    padded = (
        np.pad(places, (before, after), "reflect")
        if mode == "REFLECT"
        else np.pad(places, (before, after), "symmetric")
    )
    return torch.from_numpy(padded)


@operations("DepthToSpace", "SpaceToDepth")
def _depth_and_space(node: Node) -> Run:
    block = node.attributes["block_size"]
    if text(node.attributes.get("data_format", b"NHWC")) != "NHWC":
        raise ValueError("only data_format NHWC is known here")

    def to_space(value: Tensor) -> Value:
        number, height, width, depth = value.shape
        parts = value.reshape(number, height, width, block, block, depth // block**2)
        return parts.permute(0, 1, 3, 2, 4, 5).reshape(number, height * block, width * block, -1)

    def to_depth(value: Tensor) -> Value:
        number, height, width, depth = value.shape
        parts = value.reshape(number, height // block, block, width // block, block, depth)
        return parts.permute(0, 1, 3, 2, 4, 5).reshape(number, height // block, width // block, -1)

    return to_space if node.op == "DepthToSpace" else to_depth


@operations("SpaceToBatchND")
def _space_to_batch(_: Node) -> Run:
    def run(value: Tensor, blocks: Value, paddings: Value) -> Value:
        sizes, pads = integers(blocks), host(paddings).astype(int).tolist()
        value = F.pad(value, [0, 0, *(side for pair in reversed(pads) for side in pair)])
        number, depth = value.shape[0], value.shape[-1]
        sides = [length // block for length, block in zip(value.shape[1:-1], sizes, strict=True)]
        split = [side for pair in zip(sides, sizes, strict=True) for side in pair]
        many = len(sizes)
        order = [*range(2, 2 * many + 1, 2), 0, *range(1, 2 * many, 2), 2 * many + 1]
        return value.reshape(number, *split, depth).permute(order).reshape(-1, *sides, depth)

    return run


@operations("BatchToSpaceND")
def _batch_to_space(_: Node) -> Run:
    def run(value: Tensor, blocks: Value, crops: Value) -> Value:
        sizes, cuts = integers(blocks), host(crops).astype(int).tolist()
        many, sides, depth = len(sizes), value.shape[1:-1], value.shape[-1]
        parts = value.reshape(*sizes, -1, *sides, depth)
        order = [many, *(axis for i in range(many) for axis in (many + 1 + i, i)), 2 * many + 1]
        whole = parts.permute(order).reshape(
            -1, *(side * size for side, size in zip(sides, sizes, strict=True)), depth
        )
        index = [
            slice(None),
            *(slice(before, side - after) for (before, after), side in zip(cuts, whole.shape[1:-1], strict=True)),
        ]
        return whole[tuple(index)]

    return run
