"""A frozen TensorFlow graph as a torch module."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import GraphUnsupported
from core.tfgraph import arithmetic, images, shapes
from core.tfgraph.reader import Node, read_graph
from core.tfgraph.values import Run, Value

_TABLES: Final = (arithmetic.operations, shapes.operations, images.operations)
_SOURCES: Final = ("Placeholder", "Const")
# They order or check things in TensorFlow's runtime, and compute nothing.
_SILENT: Final = ("NoOp", "Assert")


def load_graph(path: Path, output: str | None = None) -> nn.Module:
    """The module of a frozen graph: called with what its one placeholder takes, it returns what the graph returns.

    `output` names the node to return; without it, the one that no other node uses. Raises GraphUnreadable for a
    damaged file, GraphUnsupported when an operation cannot be mapped, and OSError.
    """
    return GraphModule(read_graph(path), path.name, output)


class _Step:
    """One operation of the plan: what it runs, on which values, and which values nobody needs after it."""

    def __init__(self, node: Node, run: Run, inputs: list[tuple[str, int]]) -> None:
        self.node = node
        self.run = run
        self.inputs = inputs
        self.done_with: list[str] = []


class GraphModule(nn.Module):
    """Runs a graph's operations in order. Constants of floats are buffers, so `.to(torch.bfloat16)` works."""

    def __init__(self, nodes: Sequence[Node], file: str, output: str | None = None) -> None:
        super().__init__()
        self._file = file
        by_name = {node.name: node for node in nodes}
        self._output = output or _last(nodes, file)
        order = _ordered(by_name, self._output, file)
        placeholders = [node for node in order if node.op == "Placeholder"]
        if len(placeholders) != 1:
            raise GraphUnsupported(f"{file} takes {len(placeholders)} inputs; a picture is the only one there is.")
        self.placeholder = placeholders[0]
        self._hosts: dict[str, Value] = {}
        self._buffer_names: dict[str, str] = {}
        for node in order:
            if node.op == "Const":
                self._keep(node)
        self._plan = [self._step(node) for node in order if node.op not in _SOURCES]
        self._mark_last_uses()

    @torch.inference_mode()
    def forward(self, picture: Tensor) -> Tensor:
        """What the graph makes of what its placeholder takes (DCT-Net: float32 BGR 0-255 [H, W, 3] -> uint8)."""
        values: dict[str, Value | tuple[Value, ...]] = dict(self._hosts)
        for name, buffer in self._buffer_names.items():
            values[name] = self.get_buffer(buffer)
        values[self.placeholder.name] = picture
        for step in self._plan:
            values[step.node.name] = step.run(*(_picked(values[name], place) for name, place in step.inputs))
            for name in step.done_with:
                del values[name]
        result = _picked(values[self._output], 0)
        return result if isinstance(result, Tensor) else torch.from_numpy(result)

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

    def _step(self, node: Node) -> _Step:
        build = next((found for table in _TABLES if (found := table.get(node.op))), None)
        if build is None:
            raise GraphUnsupported(f'{self._file}: operation {node.op} of node "{node.name}" is not known here.')
        try:
            run = build(node)
        except (KeyError, ValueError, TypeError) as error:
            raise GraphUnsupported(
                f'{self._file}: node "{node.name}" ({node.op}) lacks or misuses an attribute: {error}.'
            ) from error
        return _Step(node, run, [_reference(name) for name in node.inputs if not name.startswith("^")])

    def _mark_last_uses(self) -> None:
        """Pictures are freed as soon as nothing needs them."""
        kept = {*self._hosts, *self._buffer_names, self._output}
        seen: set[str] = set()
        for step in reversed(self._plan):
            for name, _ in step.inputs:
                if name not in seen and name not in kept:
                    step.done_with.append(name)
                seen.add(name)


def _ordered(nodes: dict[str, Node], output: str, file: str) -> list[Node]:
    """The nodes that the output needs, each after its inputs."""
    order: dict[str, Node] = {}
    waiting = [output]
    entered: set[str] = set()
    while waiting:
        name = waiting[-1]
        if name in order:
            waiting.pop()
            continue
        node = nodes.get(name)
        if node is None:
            raise GraphUnsupported(f'{file}: a node "{name}" is used and not there.')
        needed = [source for source, _ in map(_reference, _data_inputs(node)) if source not in order]
        if not needed:
            order[name] = node
            waiting.pop()
        elif name in entered:
            raise GraphUnsupported(f'{file}: node "{name}" depends on itself.')
        else:
            entered.add(name)
            waiting += needed
    return list(order.values())


def _data_inputs(node: Node) -> list[str]:
    return [name for name in node.inputs if not name.startswith("^")]


def _last(nodes: Sequence[Node], file: str) -> str:
    """The one node whose output nobody uses."""
    used = {_reference(name)[0] for node in nodes for name in _data_inputs(node)}
    ends = [node.name for node in nodes if node.name not in used and node.op not in (*_SILENT, *_SOURCES)]
    if len(ends) != 1:
        raise GraphUnsupported(f"{file} has {len(ends)} outputs; name the one that is meant.")
    return ends[0]


def _reference(name: str) -> tuple[str, int]:
    """A node, and which of its outputs."""
    node, _, place = name.removeprefix("^").partition(":")
    return node, int(place) if place.isdigit() else 0


def _picked(value: Value | tuple[Value, ...], place: int) -> Value:
    return value[place] if isinstance(value, tuple) else value
