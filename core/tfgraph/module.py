"""A frozen TensorFlow graph as a torch module."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import GraphUnsupported
from core.tfgraph.plan import CONVOLUTIONS, Step, batch_ends, last_output, ordered, planned
from core.tfgraph.reader import Node, read_graph
from core.tfgraph.values import Value

# A convolution of each channel by itself over so few channels works on a picture, and is part of a filter.
_PICTURE_CHANNELS: Final = 4
_TRIAL_SIDE: Final = 64
_TRIAL_ERROR: Final = 0.01


def load_graph(path: Path, output: str | None = None) -> "GraphModule":
    """The module of a frozen graph: called with what its one placeholder takes, it returns what the graph returns.

    `output` names the node to return; without it, the one that no other node uses. Raises GraphUnreadable for a
    damaged file, GraphUnsupported when an operation cannot be mapped, and OSError.
    """
    return GraphModule(read_graph(path), path.name, output)


class GraphModule(nn.Module):
    """Runs a graph's operations in order. Constants of floats are buffers, so `.to(device)` works."""

    def __init__(self, nodes: Sequence[Node], file: str, output: str | None = None) -> None:
        super().__init__()
        self._file = file
        self._output = output or last_output(nodes, file)
        order = ordered({node.name: node for node in nodes}, self._output, file)
        placeholders = [node for node in order if node.op == "Placeholder"]
        if len(placeholders) != 1:
            raise GraphUnsupported(f"{file} takes {len(placeholders)} inputs; a picture is the only one there is.")
        self._placeholder = placeholders[0]
        self._hosts: dict[str, Value] = {}
        self._buffer_names: dict[str, str] = {}
        for node in order:
            if node.op == "Const":
                self._keep(node)
        constants = {**self._hosts, **self._constant_tensors()}
        self._plan = planned(order, constants, self._output, file)
        self._ends = batch_ends(self._plan, self._placeholder.name, self._output, constants)
        self._takes_many: bool | None = None

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """What the graph makes of what its placeholder takes (DCT-Net: float32 BGR 0-255 [H, W, 3] -> uint8).

        Where it takes one picture [H, W, C], several of one shape [N, H, W, C] give [N, ...], as if one by one.
        """
        if pictures.dim() != 4 or not self._takes_one():
            return self._run(pictures)
        if len(pictures) > 1 and self._takes_many is None:
            self._takes_many = self._tried_with_many(pictures)
        if len(pictures) > 1 and self._takes_many:
            return self._run(pictures, self._ends)
        return self._one_by_one(pictures)

    def lower(self, dtype: torch.dtype) -> Self:
        """Calculate convolutions in `dtype` (torch.bfloat16 or float16), and what follows from them alone.

        What is done to pictures themselves, such as scaling them or a guided filter, stays float32: rounding
        there would be seen.
        """
        for step in self._plan:
            names = [self._buffer_names[name] for name, _ in step.inputs if name in self._buffer_names]
            if step.node.op in CONVOLUTIONS and self._may_be_lowered(step):
                for name in names:
                    self.register_buffer(name, self.get_buffer(name).to(dtype))
        return self

    def _may_be_lowered(self, step: Step) -> bool:
        filters = self._buffer_names.get(step.inputs[1][0])
        if filters is None:
            # They are computed, and a bias has to be of their kind.
            return False
        few = self.get_buffer(filters).shape[2] <= _PICTURE_CHANNELS
        return not (few and step.node.op == "DepthwiseConv2dNative")

    def _run(self, pictures: Tensor, idle: Collection[str] = ()) -> Tensor:
        """The graph's result; the steps named in `idle` give what they take."""
        values: dict[str, Value | tuple[Value, ...]] = {**self._hosts, **self._constant_tensors()}
        values[self._placeholder.name] = pictures
        for step in self._plan:
            taken = [_picked(values[name], place) for name, place in step.inputs]
            values[step.name] = taken[0] if step.name in idle else step.run(*taken)
            del taken
            for name in step.done_with:
                del values[name]
        result = _picked(values[self._output], 0)
        return result if isinstance(result, Tensor) else torch.from_numpy(result)

    def _tried_with_many(self, pictures: Tensor) -> bool:
        """Whether several pictures at once become what each becomes alone: nothing in a graph says so."""
        if not self._ends:
            return False
        shape = (2, _TRIAL_SIDE, _TRIAL_SIDE, pictures.shape[-1])
        # One bright, one dark: means over both at once are those of neither.
        brightness = torch.tensor([255.0, 64.0], device=pictures.device).view(2, 1, 1, 1)
        trial = (torch.rand(shape, device=pictures.device) * brightness).to(pictures.dtype)
        try:
            together, alone = self._run(trial, self._ends).float(), self._one_by_one(trial).float()
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, TypeError, IndexError):
            return False
        if together.shape != alone.shape:
            return False
        return bool((together - alone).abs().mean() <= _TRIAL_ERROR * alone.abs().max())

    def _takes_one(self) -> bool:
        """Whether the graph is for one picture. A placeholder need not say; then it is where a batch is made."""
        shape = self._placeholder.attributes.get("shape")
        return bool(self._ends) if shape is None else len(shape) == 3

    def _one_by_one(self, pictures: Tensor) -> Tensor:
        return torch.stack([self._run(picture) for picture in pictures])

    def _constant_tensors(self) -> dict[str, Tensor]:
        return {node: self.get_buffer(name) for node, name in self._buffer_names.items()}

    def _keep(self, node: Node) -> None:
        value = node.attributes.get("value")
        if not isinstance(value, np.ndarray):
            raise GraphUnsupported(f'{self._file}: the constant "{node.name}" has no value.')
        if value.dtype.kind != "f" or value.ndim == 0:
            self._hosts[node.name] = value
            return
        constant = torch.from_numpy(np.ascontiguousarray(value)).clone()
        if constant.dim() == 4:
            # Filters: laid out so that a convolution takes them as they are.
            constant = (
                constant.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last).permute(2, 3, 1, 0)
            )
        name = f"constant_{len(self._buffer_names)}"
        self.register_buffer(name, constant)
        self._buffer_names[node.name] = name


def _picked(value: Value | tuple[Value, ...], place: int) -> Value:
    return value[place] if isinstance(value, tuple) else value
