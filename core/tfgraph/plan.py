"""The order in which a graph's operations run, made shorter and lighter where that changes no value."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from core.errors import GraphUnsupported
from core.tfgraph import arithmetic, images, shapes
from core.tfgraph.reader import Node
from core.tfgraph.values import Build, Run, Value, text

_TABLES: Final = (arithmetic.operations, shapes.operations, images.operations)
SOURCES: Final = ("Placeholder", "Const")
# They order or check things in TensorFlow's runtime, and compute nothing.
SILENT: Final = ("NoOp", "Assert")
CONVOLUTIONS: Final = ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput")
_TAKE_BIAS: Final = ("Conv2D", "DepthwiseConv2dNative")
_BIASES: Final = ("BiasAdd", "BiasAddV1")
# What they return is nobody else's memory.
_FRESH: Final = (*CONVOLUTIONS, *_BIASES)
# How many values the operations take whose inputs are looked at here.
_TAKEN: Final[Mapping[str, int]] = {
    **dict.fromkeys((*arithmetic.ALIASES, "Relu", "LeakyRelu"), 1),
    **dict.fromkeys((*_TAKE_BIAS, *_BIASES, "Maximum", "Mul", "Add", "AddV2", "ExpandDims"), 2),
    "Conv2DBackpropInput": 3,
}

_PLACE: Final = re.compile("[0-9]{1,9}")

Reference = tuple[str, int]  # a node, and which of its outputs


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: its result's name, what it runs on which values, and which values nobody needs after it."""

    name: str
    node: Node
    run: Run
    inputs: tuple[Reference, ...]
    done_with: list[str] = field(default_factory=list[str])


def last_output(nodes: Iterable[Node], file: str) -> str:
    """The one node whose output nobody uses. Raises GraphUnsupported."""
    nodes = list(nodes)
    used = {_reference(name)[0] for node in nodes for name in _data_inputs(node)}
    ends = [node.name for node in nodes if node.name not in used and node.op not in (*SILENT, *SOURCES)]
    if len(ends) != 1:
        raise GraphUnsupported(f"{file} has {len(ends)} outputs; name the one that is meant.")
    return ends[0]


def ordered(nodes: Mapping[str, Node], output: str, file: str) -> list[Node]:
    """The nodes that the output needs, each after its inputs. Raises GraphUnsupported."""
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


def planned(order: Sequence[Node], constants: Mapping[str, Value], output: str, file: str) -> list[Step]:
    """The steps that give the node `output`. `constants` are those of the graph. Raises GraphUnsupported."""
    steps = _without_aliases([_step(node, file) for node in order if node.op not in SOURCES], output)
    steps = _with_leaky_relus(steps, constants, output)
    steps = _in_place(_with_biases(steps, constants, output), output)
    _mark_last_uses(steps, {*constants, output})
    return steps


def _step(node: Node, file: str) -> Step:
    build = _builder(node.op)
    if build is None:
        raise GraphUnsupported(f'{file}: operation {node.op} of node "{node.name}" is not known here.')
    inputs = tuple(map(_reference, _data_inputs(node)))
    taken = _TAKEN.get(node.op, len(inputs))
    if len(inputs) != taken:
        raise GraphUnsupported(f'{file}: node "{node.name}" ({node.op}) has {len(inputs)} inputs, not {taken}.')
    try:
        run = build(node)
    except (KeyError, ValueError, TypeError) as error:
        raise GraphUnsupported(
            f'{file}: node "{node.name}" ({node.op}) lacks or misuses an attribute: {error}.'
        ) from error
    return Step(node.name, node, run, inputs)


def batch_ends(
    steps: Sequence[Step], placeholder: str, output: str, constants: Mapping[str, Value]
) -> tuple[str, ...]:
    """Where a graph for one picture makes a batch of one from it, and where it takes it out again: two names.

    Between them a graph has a batch already, so that without these two it takes several pictures. Empty where they
    are not found.
    """
    producers = {step.name: step for step in steps}
    takers: dict[str, list[Step]] = {}
    for step in steps:
        for name, _ in step.inputs:
            takers.setdefault(name, []).append(step)
    first, last = placeholder, producers.get(output)
    while len(followers := takers.get(first, [])) == 1 and not _adds_batch(followers[0], constants):
        first = followers[0].name
    while last is not None and not _drops_batch(last):
        sources = [name for name, _ in last.inputs if name not in constants]
        last = producers.get(sources[0]) if len(sources) == 1 else None
    return (followers[0].name, last.name) if len(followers) == 1 and last is not None else ()


def _adds_batch(step: Step, constants: Mapping[str, Value]) -> bool:
    if step.node.op == "ExpandDims":
        return _axis(step, constants) == 0
    masks = step.node.attributes
    return step.node.op == "StridedSlice" and masks.get("new_axis_mask") == 1


def _drops_batch(step: Step) -> bool:
    attributes = step.node.attributes
    if step.node.op == "Squeeze":
        return (attributes.get("squeeze_dims") or attributes.get("axis") or [0]) == [0]
    return step.node.op == "StridedSlice" and attributes.get("shrink_axis_mask") == 1


def _axis(step: Step, constants: Mapping[str, Value]) -> int | None:
    axis = constants.get(step.inputs[1][0])
    return int(axis) if isinstance(axis, np.ndarray) and axis.size == 1 else None


def _builder(op: str) -> Build | None:
    return next((found for table in _TABLES if (found := table.get(op))), None)


def _without_aliases(steps: Iterable[Step], output: str) -> list[Step]:
    """Nodes that give what they take are not run; who asks for them gets what they took."""
    meant: dict[str, Reference] = {}
    kept: list[Step] = []
    for step in steps:
        inputs = tuple(meant.get(name, (name, place)) for name, place in step.inputs)
        if step.node.op in arithmetic.ALIASES and inputs and step.name != output:
            meant[step.name] = inputs[0]
        else:
            kept.append(replace(step, inputs=inputs))
    return kept


def _with_leaky_relus(steps: list[Step], constants: Mapping[str, Value], output: str) -> list[Step]:
    """Maximum(x, slope * x), as older graphs have it, is one operation."""
    producers = {step.name: step for step in steps}
    made = [_leaky_relu(step, producers, constants) or step for step in steps]
    used = {name for step in made for name, _ in step.inputs} | {output}
    return [step for step in made if step.name in used]


def _leaky_relu(step: Step, producers: Mapping[str, Step], constants: Mapping[str, Value]) -> Step | None:
    if step.node.op != "Maximum":
        return None
    for whole, part in (step.inputs, step.inputs[::-1]):
        scaled = producers.get(part[0])
        if scaled is None or scaled.node.op != "Mul" or whole not in scaled.inputs:
            continue
        (factor,) = [name for name, place in scaled.inputs if (name, place) != whole] or [""]
        slope = constants.get(factor)
        if isinstance(slope, np.ndarray) and slope.ndim == 0 and 0 < slope <= 1:
            node = replace(step.node, op="LeakyRelu", attributes={"alpha": float(slope)})
            return replace(step, node=node, run=arithmetic.leaky_relu(node), inputs=(whole,))
    return None


def _with_biases(steps: list[Step], constants: Mapping[str, Value], output: str) -> list[Step]:
    """A convolution adds its bias itself."""
    uses = _uses(steps, output)
    kept: dict[str, Step] = {}
    for step in steps:
        source = kept.get(step.inputs[0][0]) if step.inputs else None
        if (
            source is not None
            and _are_convolution_and_bias(source, step)
            and uses[source.name] == 1
            and step.inputs[1][0] in constants
        ):
            del kept[source.name]
            kept[step.name] = replace(source, name=step.name, inputs=(*source.inputs, step.inputs[1]))
        else:
            kept[step.name] = step
    return list(kept.values())


def _are_convolution_and_bias(one: Step, other: Step) -> bool:
    if one.node.op not in _TAKE_BIAS or other.node.op not in _BIASES or len(one.inputs) != 2:
        return False
    layout, other_layout = (text(step.node.attributes.get("data_format", b"NHWC")) for step in (one, other))
    return layout == other_layout


def _in_place(steps: list[Step], output: str) -> list[Step]:
    """Where nobody else looks at a picture any more, an activation or a sum takes its memory."""
    uses = _uses(steps, output)
    fresh: set[str] = set()
    made: list[Step] = []
    for step in steps:
        free = [name in fresh and uses[name] == 1 for name, _ in step.inputs]
        into = _INTO.get(step.node.op)
        if into is not None and any(free):
            inputs = step.inputs if free[0] else step.inputs[::-1]
            step = replace(step, run=into(step), inputs=inputs)
            fresh.add(step.name)
        elif step.node.op in _FRESH:
            fresh.add(step.name)
        made.append(step)
    return made


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _added_into(step: Step) -> Run:
    def run(total: Value, other: Value) -> Value | tuple[Value, ...]:
        if isinstance(other, Tensor) and isinstance(total, Tensor) and _alike(total, other):
            return total.add_(other)
        return step.run(total, other)

    return run


_INTO: Final[Mapping[str, Callable[[Step], Run]]] = {
    "Relu": lambda _: F.relu_,
    "LeakyRelu": lambda step: partial(F.leaky_relu_, negative_slope=step.node.attributes.get("alpha", 0.2)),
    "Add": _added_into,
    "AddV2": _added_into,
}


def _uses(steps: Iterable[Step], output: str) -> Counter[str]:
    """How often each value is asked for."""
    uses = Counter(name for step in steps for name, _ in step.inputs)
    uses[output] += 1
    return uses


def _mark_last_uses(steps: Sequence[Step], kept: Collection[str]) -> None:
    """Pictures are freed as soon as nothing needs them."""
    seen: set[str] = set()
    for step in reversed(steps):
        for name, _ in step.inputs:
            if name not in seen and name not in kept:
                step.done_with.append(name)
            seen.add(name)


def _data_inputs(node: Node) -> list[str]:
    return [name for name in node.inputs if not name.startswith("^")]


def _reference(name: str) -> Reference:
    node, _, place = name.removeprefix("^").partition(":")
    return node, int(place) if _PLACE.fullmatch(place) else 0
