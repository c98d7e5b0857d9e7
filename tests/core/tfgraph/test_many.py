"""Several pictures at once become what each becomes alone, whatever the graph does with a batch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from core.tfgraph import GraphModule, load_graph
from tests.core.tfgraph.graphs import constant, graph, node

TINY = Path(__file__).parent / "graphs" / "dctnet_tiny.pb"
PLANE = {"strides": [1, 1, 1, 1], "padding": "SAME"}
WEIGHTS = np.random.default_rng(0).normal(size=(3, 3, 3, 3)).astype(np.float32)
PICTURE = (-1, -1, 3)

LIFTED = constant("first", np.array(0, np.int32)) + node("lifted", "ExpandDims", ["x", "first"])
DROPPED = node("y", "Squeeze", ["drawn"], {"squeeze_dims": [0]})
BLURRED = constant("w", WEIGHTS) + node("drawn", "Conv2D", ["lifted", "w"], PLANE)


def mixed_over(*axes: int) -> bytes:
    """What is lifted less its mean over these axes."""
    return (
        constant("axes", np.array(axes, np.int32))
        + node("mean", "Mean", ["lifted", "axes"], {"keep_dims": True})
        + node("drawn", "Sub", ["lifted", "mean"])
    )


def reshaped_to(*sides: int) -> bytes:
    """What is lifted in another shape, less its mean over the middle of it, and back."""
    return (
        constant("sides", np.array(sides, np.int32))
        + constant("axis", np.array(1, np.int32))
        + node("shape", "Shape", ["lifted"])
        + node("flat", "Reshape", ["lifted", "sides"])
        + node("mean", "Mean", ["flat", "axis"], {"keep_dims": True})
        + node("centred", "Sub", ["flat", "mean"])
        + node("drawn", "Reshape", ["centred", "shape"])
    )


class Convolutions(TorchFunctionMode):
    """Counts them."""

    count = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.count += func is F.conv2d
        return func(*args, **(kwargs or {}))


def test_a_network_draws_each_of_several_pictures_as_it_draws_it_alone():
    several = pictures(3, 40, 56) * 127 + 128
    network = load_graph(TINY)
    together, alone = network(several), torch.stack([network(picture) for picture in several])
    assert (together.shape, together.dtype) == (several.shape, torch.uint8)
    # A sum in another order may fall on the other side of a level.
    off = (together.int() - alone.int()).abs()
    assert off.max() <= 1
    assert (off == 0).float().mean() >= 0.999


def test_several_pictures_take_as_many_convolutions_as_one():
    several = pictures(3, 40, 56)
    network = load_graph(TINY)
    network(several[:2])  # tries whether it may
    with Convolutions() as for_one:
        network(several[0])
    with Convolutions() as for_three:
        network(several)
    assert for_one.count == for_three.count > 10


def test_a_plain_network_takes_several_at_once(tmp_path: Path):
    network = loaded(tmp_path, LIFTED, BLURRED, DROPPED)
    several = pictures(3, 8, 6)
    together = compared(network, several)
    inside = several.permute(0, 3, 1, 2)
    expected = F.conv2d(inside, torch.from_numpy(WEIGHTS).permute(3, 2, 0, 1), padding=1).permute(0, 2, 3, 1)
    assert torch.allclose(together, expected, atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (0, 1, 2), (0, 1, 2, 3)])
def test_a_graph_that_would_mix_pictures_gets_them_one_by_one(tmp_path: Path, axes: tuple[int, ...]):
    """A mean over all pixels of several pictures is close to that of each, where each is noise."""
    several = pictures(3, 8, 6) + torch.tensor([0.0, 1.0, 5.0]).view(3, 1, 1, 1)
    together = compared(loaded(tmp_path, LIFTED, mixed_over(*axes), DROPPED), several)
    own = tuple(axis for axis in axes if axis > 0)
    expected = several - several.mean(own, keepdim=True) if own else torch.zeros_like(several)
    assert torch.allclose(together, expected, atol=1e-5)


def test_a_normalization_over_the_batch_is_one_over_each_picture(tmp_path: Path):
    ones, zeros, none = (np.array(values, np.float32) for values in ([1] * 3, [0] * 3, []))
    constants = [constant("one", ones), constant("zero", zeros), constant("none", none)]
    trained = {"is_training": True, "epsilon": 1e-3}
    norm = node("drawn", "FusedBatchNormV3", ["lifted", "one", "zero", "none", "none"], trained)
    several = pictures(2, 8, 6) * torch.tensor([1.0, 10.0]).view(2, 1, 1, 1)
    together = compared(loaded(tmp_path, LIFTED, *constants, norm, DROPPED), several)
    variances = together.var((1, 2), correction=0)
    assert torch.allclose(variances, torch.ones(2, 3), atol=5e-3)


@pytest.mark.parametrize("sides", [(1, 8, 6, 3), (1, -1, 3), (1, -1), (1, 48, 3)])
def test_a_graph_made_for_a_batch_of_one_gets_pictures_one_by_one(tmp_path: Path, sides: tuple[int, ...]):
    compared(loaded(tmp_path, LIFTED, reshaped_to(*sides), DROPPED), pictures(3, 8, 6) * 9)


def test_a_graph_that_takes_a_part_while_it_lifts_takes_it_of_each(tmp_path: Path):
    """x[newaxis, 2:, :] in one step."""
    lifted = [
        constant("begin", np.array([0, 2, 0], np.int32)),
        constant("end", np.array([0, 0, 0], np.int32)),
        constant("stride", np.array([1, 1, 1], np.int32)),
        node(
            "lifted",
            "StridedSlice",
            ["x", "begin", "end", "stride"],
            {"new_axis_mask": 1, "begin_mask": 4, "end_mask": 6},
        ),
    ]
    network = loaded(tmp_path, *lifted, BLURRED, DROPPED)
    assert compared(network, pictures(2, 8, 6)).shape == (2, 6, 6, 3)


@pytest.mark.parametrize("axes", [[0], [0, 1], [0, 1, 2]])
def test_a_graph_without_a_batch_draws_them_one_by_one(tmp_path: Path, axes: list[int]):
    nodes = [
        constant("axes", np.array(axes, np.int32)),
        node("mean", "Mean", ["x", "axes"], {"keep_dims": True}),
        node("y", "Sub", ["x", "mean"]),
    ]
    several = pictures(3, 8, 6)
    expected = several - several.mean([axis + 1 for axis in axes], keepdim=True)
    assert torch.allclose(compared(loaded(tmp_path, *nodes), several), expected, atol=1e-6)


def test_pictures_may_be_of_whole_numbers(tmp_path: Path):
    cast = node("floats", "Cast", ["x"], {"SrcT": np.dtype(np.uint8), "DstT": np.dtype(np.float32)})
    lifted = constant("first", np.array(0, np.int32)) + node("lifted", "ExpandDims", ["floats", "first"])
    several = (pictures(3, 8, 6) * 50 + 128).clamp(0, 255).byte()
    assert compared(loaded(tmp_path, cast, lifted, BLURRED, DROPPED), several).dtype == torch.float32


@pytest.mark.parametrize("middle", [BLURRED, mixed_over(0), reshaped_to(1, 8, 6, 3)])
def test_one_picture_may_come_as_a_batch_of_one(tmp_path: Path, middle: bytes):
    network = loaded(tmp_path, LIFTED, middle, DROPPED)
    one = pictures(1, 8, 6)
    assert torch.equal(network(one), network(one[0])[None])


def test_pictures_of_other_sizes_follow_each_other(tmp_path: Path):
    network = loaded(tmp_path, LIFTED, BLURRED, DROPPED)
    for sides in ((2, 8, 6), (3, 5, 7), (1, 9, 4), (2, 64, 64)):
        compared(network, pictures(*sides))


@pytest.mark.parametrize("sides", [(-1, -1, -1, 3), None])
def test_a_graph_of_batches_gets_the_batch_as_it_is(tmp_path: Path, sides: tuple[int, ...] | None):
    nodes = [
        constant("axes", np.array([0], np.int32)),
        node("mean", "Mean", ["x", "axes"], {"keep_dims": True}),
        node("y", "Sub", ["x", "mean"]),
    ]
    several = pictures(3, 8, 6)
    y = loaded(tmp_path, *nodes, sides=sides)(several)
    assert torch.allclose(y, several - several.mean(0, keepdim=True))


def loaded(folder: Path, *nodes: bytes, sides: tuple[int, ...] | None = PICTURE) -> GraphModule:
    """The module of these nodes, whose placeholder "x" takes one picture."""
    path = folder / "graph.pb"
    path.write_bytes(graph(*nodes, sides=sides))
    return load_graph(path, "y")


def compared(network: GraphModule, several: Tensor) -> Tensor:
    """What the network makes of them together, which must be what it makes of each."""
    before = several.clone()
    together, alone = network(several), torch.stack([network(picture) for picture in several])
    assert together.shape == alone.shape
    assert torch.allclose(together, alone, rtol=0, atol=1e-6 * float(alone.abs().max()))
    assert torch.equal(several, before)
    return together


def pictures(number: int, height: int, width: int) -> Tensor:
    """Noise around 0, float32 [N, H, W, 3]."""
    return torch.randn(number, height, width, 3, generator=torch.Generator().manual_seed(6))
