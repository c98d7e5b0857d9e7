"""What flows along a graph's edges, and how operations are registered."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.tfgraph.reader import Node

# What shapes are computed with stays in numpy on the host: a device need not be asked for each size.
Host = npt.NDArray[Any]
Value = Tensor | Host
# One value for each input of the node; a tuple where the node has several outputs.
Run = Callable[..., Value | tuple[Value, ...]]
Build = Callable[[Node], Run]

TORCH_DTYPES: Final[Mapping[np.dtype[Any], torch.dtype]] = {
    np.dtype(np.float64): torch.float64,
    np.dtype(np.float32): torch.float32,
    np.dtype(np.float16): torch.float16,
    np.dtype(np.int64): torch.int64,
    np.dtype(np.int32): torch.int32,
    np.dtype(np.int16): torch.int16,
    np.dtype(np.int8): torch.int8,
    np.dtype(np.uint8): torch.uint8,
    np.dtype(np.bool_): torch.bool,
}


class Operations:
    """A table of operations by their names in TensorFlow."""

    def __init__(self) -> None:
        self._builds: dict[str, Build] = {}

    def __call__(self, *names: str) -> Callable[[Build], Build]:
        """Decorates what builds the operations of these names from their node."""

        def register(build: Build) -> Build:
            self._builds.update(dict.fromkeys(names, build))
            return build

        return register

    def plain(self, run: Run, *names: str) -> None:
        """Registers an operation that needs nothing of its node."""
        self._builds.update(dict.fromkeys(names, lambda _: run))

    def get(self, name: str) -> Build | None:
        """What builds the operation, or None for one that is not in the table."""
        return self._builds.get(name)


def host(value: Value) -> Host:
    """A value on the host; what a shape is computed from is there already."""
    return value.cpu().numpy() if isinstance(value, Tensor) else value


def text(attribute: object) -> str:
    """An attribute that must be text. Raises TypeError for any other: bytes() of a number would take that much."""
    if not isinstance(attribute, bytes):
        raise TypeError(f"{type(attribute).__name__} stands where text should")
    return attribute.decode()


def integers(value: Value) -> list[int]:
    """A value of rank 0 or 1 as integers."""
    return [int(number) for number in host(value).reshape(-1)]


def tensor(value: Value, like: Tensor) -> Tensor:
    """A value as a tensor on `like`'s device; floats take its precision."""
    if isinstance(value, Tensor):
        return value
    # Copied: some are read-only, or run backwards.
    made = torch.from_numpy(np.array(value, order="C")).to(like.device)
    return made.to(like.dtype) if made.is_floating_point() and like.is_floating_point() else made


def together(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """All on the host, or all tensors."""
    like = next((value for value in values if isinstance(value, Tensor)), None)
    return values if like is None else tuple(tensor(value, like) for value in values)
