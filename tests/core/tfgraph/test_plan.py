"""What the plan makes shorter and lighter changes no value: against PyTorch's and numpy's own results."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import GraphUnsupported
from core.tfgraph import load_graph
from core.tfgraph.plan import ordered, planned
from core.tfgraph.reader import read_graph
from tests.core.tfgraph.graphs import constant, graph, node

Plane = npt.NDArray[Any]

FLOAT, INT = np.dtype(np.float32), np.dtype(np.int32)
UNPACKED = node("parts", "Unpack", ["x"], {"num": 2, "axis": 0})
PLANE = {"strides": [1, 1, 1, 1], "padding": "SAME"}
WEIGHTS = np.random.default_rng(0).normal(size=(3, 3, 3, 3)).astype(np.float32)
BIAS = np.array([0.5, -1, 2], np.float32)
CONVOLUTION = constant("w", WEIGHTS) + node("c", "Conv2D", ["x", "w"], PLANE)


def test_a_chain_of_aliases_is_not_run_and_changes_nothing(tmp_path: Path):
    nodes = [
        node("a", "Identity", ["x"]),
        node("b", "StopGradient", ["a:0", "^x"]),
        node("c", "CheckNumerics", ["b"]),
        constant("two", np.array(2, np.float32)),
        node("given", "PlaceholderWithDefault", ["two"]),
        node("y", "Mul", ["c", "given"]),
    ]
    x = pictures(1, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, *nodes), 2 * x)
    assert operations(tmp_path, *nodes) == {"Mul": 1}


def test_an_alias_stands_for_the_one_output_that_it_names(tmp_path: Path):
    x = pictures(2, 4, 5, 3)
    y = run(tmp_path, x, UNPACKED, node("second", "Identity", ["parts:1"]), node("y", "Neg", ["second"]))
    assert np.array_equal(y, -x[1])


@pytest.mark.parametrize("op", ["Identity", "StopGradient", "EnsureShape", "PlaceholderWithDefault"])
def test_the_output_may_be_an_alias(tmp_path: Path, op: str):
    x = pictures(1, 4, 5, 3)
    y = run(tmp_path, x, node("n", "Neg", ["x"]), node("a", "Identity", ["n"]), node("y", op, ["a"]))
    assert np.array_equal(y, -x)


@pytest.mark.parametrize("factors", [["x", "slope"], ["slope", "x"]])
@pytest.mark.parametrize("sides", [["x", "m"], ["m", "x"]])
@pytest.mark.parametrize("slope", [0.2, 1.0])
def test_the_larger_of_x_and_a_share_of_it_is_a_leaky_relu(
    tmp_path: Path, slope: float, sides: list[str], factors: list[str]
):
    nodes = [
        constant("slope", np.array(slope, np.float32)),
        node("m", "Mul", factors),
        node("y", "Maximum", sides),
    ]
    x = pictures(1, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, *nodes), np.maximum(x, np.float32(slope) * x))
    assert operations(tmp_path, *nodes) == {"LeakyRelu": 1}


@pytest.mark.parametrize("factor", [2.0, -0.5, 0.0, [0.1, 0.2, 3.0]])
def test_the_larger_of_x_and_another_multiple_is_no_leaky_relu(tmp_path: Path, factor: Any):
    factors = np.array(factor, np.float32)
    nodes = [constant("slope", factors), node("m", "Mul", ["x", "slope"]), node("y", "Maximum", ["x", "m"])]
    x = pictures(1, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, *nodes), np.maximum(x, factors * x))
    assert operations(tmp_path, *nodes) == {"Mul": 1, "Maximum": 1}


def test_the_larger_of_two_parts_of_x_is_no_leaky_relu(tmp_path: Path):
    nodes = [
        constant("slope", np.array(0.5, np.float32)),
        UNPACKED,
        node("m", "Mul", ["parts:1", "slope"]),
        node("y", "Maximum", ["parts", "m"]),
    ]
    x = pictures(2, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, *nodes), np.maximum(x[0], x[1] / 2))


def test_the_larger_of_x_and_its_square_is_no_leaky_relu(tmp_path: Path):
    x = pictures(1, 4, 5, 3)
    y = run(tmp_path, x, node("m", "Mul", ["x", "x"]), node("y", "Maximum", ["x", "m"]))
    assert np.array_equal(y, np.maximum(x, x * x))


def test_a_share_of_x_that_is_used_elsewhere_too_stays(tmp_path: Path):
    nodes = [
        constant("slope", np.array(0.25, np.float32)),
        node("m", "Mul", ["x", "slope"]),
        node("l", "Maximum", ["x", "m"]),
        node("y", "Sub", ["l", "m"]),
    ]
    x = pictures(1, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, *nodes), np.maximum(x, x / 4) - x / 4)
    assert operations(tmp_path, *nodes) == {"Mul": 1, "LeakyRelu": 1, "Sub": 1}


def test_what_a_shape_gives_may_be_the_larger_of_itself_and_a_share(tmp_path: Path):
    nodes = [
        node("shape", "Shape", ["x"], {"out_type": INT}),
        node("sides", "Cast", ["shape"], {"SrcT": INT, "DstT": FLOAT}),
        constant("half", np.array(0.5, np.float32)),
        node("m", "Mul", ["sides", "half"]),
        node("y", "Maximum", ["sides", "m"]),
    ]
    assert run(tmp_path, pictures(1, 4, 5, 3), *nodes).tolist() == [1, 4, 5, 3]


@pytest.mark.parametrize("op", ["BiasAdd", "BiasAddV1"])
@pytest.mark.parametrize("convolution", ["Conv2D", "DepthwiseConv2dNative"])
def test_a_convolution_and_its_bias_are_one_step(tmp_path: Path, convolution: str, op: str):
    kernel = [constant("w", WEIGHTS[..., :1]), node("c", convolution, ["x", "w"], PLANE)]
    size = 3 if convolution == "DepthwiseConv2dNative" else 1
    nodes = [
        *kernel,
        constant("bias", BIAS[:size]),
        node("named", "Identity", ["bias"]),
        node("y", op, ["c", "named"]),
    ]
    x = pictures(2, 6, 7, 3)
    assert np.allclose(run(tmp_path, x, *nodes), run(tmp_path, x, *kernel, output="c") + BIAS[:size], atol=1e-5)
    assert operations(tmp_path, *nodes) == {convolution: 1}


def test_a_convolution_that_is_also_used_without_its_bias_stays_without(tmp_path: Path):
    nodes = [
        CONVOLUTION,
        constant("bias", BIAS),
        node("b", "BiasAdd", ["c", "bias"]),
        node("r", "Relu", ["b"]),
        node("y", "Sub", ["r", "c"]),
    ]
    x = pictures(1, 6, 7, 3)
    raw = convolved(x)
    assert np.allclose(run(tmp_path, x, *nodes), np.maximum(raw + BIAS, 0) - raw, atol=1e-5)
    assert operations(tmp_path, *nodes) == {"Conv2D": 1, "BiasAdd": 1, "Relu": 1, "Sub": 1}


def test_a_bias_of_rows_is_not_taken_for_one_of_channels(tmp_path: Path):
    biased = node("y", "BiasAdd", ["c", "bias"], {"data_format": "NCHW"})
    x = pictures(1, 3, 5, 3)
    y = run(tmp_path, x, CONVOLUTION, constant("bias", BIAS), biased)
    assert np.allclose(y, convolved(x) + BIAS[:, None, None], atol=1e-5)


def test_a_bias_that_is_computed_is_added_afterwards(tmp_path: Path):
    nodes = [
        CONVOLUTION,
        constant("axes", np.array([0, 1, 2], np.int32)),
        node("m", "Mean", ["x", "axes"]),
        node("y", "BiasAdd", ["c", "m"]),
    ]
    x = pictures(1, 6, 7, 3)
    assert np.allclose(run(tmp_path, x, *nodes), convolved(x) + x.mean((0, 1, 2)), atol=1e-5)
    # Its precision is its own, whatever that of the filters.
    assert operations(tmp_path, *nodes) == {"Conv2D": 1, "Mean": 1, "BiasAdd": 1}


def test_a_convolution_that_two_look_at_keeps_its_values(tmp_path: Path):
    x = pictures(1, 6, 7, 3)
    raw = convolved(x)
    for last in (["r", "c"], ["c", "r"]):
        y = run(tmp_path, x, CONVOLUTION, node("r", "Relu", ["c"]), node("y", "Sub", last))
        expected = np.minimum(raw, 0) if last[0] == "c" else -np.minimum(raw, 0)
        assert np.allclose(y, expected, atol=1e-5)


def test_a_convolution_that_is_seen_in_another_shape_too_keeps_its_values(tmp_path: Path):
    nodes = [
        CONVOLUTION,
        constant("flat", np.array([-1], np.int32)),
        node("v", "Reshape", ["c", "flat"]),
        node("r", "Relu", ["c"]),
        node("s", "Reshape", ["r", "flat"]),
        node("y", "Sub", ["v", "s"]),
    ]
    x = pictures(1, 6, 7, 3)
    assert np.allclose(run(tmp_path, x, *nodes), np.minimum(convolved(x), 0).reshape(-1), atol=1e-5)


def test_an_activation_that_two_look_at_keeps_its_values(tmp_path: Path):
    nodes = [
        CONVOLUTION,
        node("l", "LeakyRelu", ["c"], {"alpha": 0.5}),
        node("r", "Relu", ["l"]),
        node("y", "Sub", ["l", "r"]),
    ]
    x = pictures(1, 6, 7, 3)
    assert np.allclose(run(tmp_path, x, *nodes), np.minimum(convolved(x) / 2, 0), atol=1e-5)


@pytest.mark.parametrize("op", ["Add", "AddV2"])
@pytest.mark.parametrize("sides", [["c", "x"], ["x", "c"], ["c", "c"]])
def test_a_sum_leaves_what_it_sums_to_others(tmp_path: Path, sides: list[str], op: str):
    x = pictures(1, 6, 7, 3)
    values = {"x": x, "c": convolved(x)}
    total = sum(values[side] for side in sides)
    assert np.allclose(run(tmp_path, x, CONVOLUTION, node("y", op, sides)), total, atol=1e-5)
    for other in ("x", "c"):
        y = run(tmp_path, x, CONVOLUTION, node("s", op, sides), node("y", "Mul", ["s", other]))
        assert np.allclose(y, total * values[other], atol=1e-4)


def test_a_sum_that_two_look_at_keeps_its_values(tmp_path: Path):
    x = pictures(1, 6, 7, 3)
    y = run(
        tmp_path,
        x,
        CONVOLUTION,
        node("s", "AddV2", ["c", "x"]),
        node("r", "Relu", ["s"]),
        node("y", "Sub", ["s", "r"]),
    )
    assert np.allclose(y, np.minimum(convolved(x) + x, 0), atol=1e-5)


@pytest.mark.parametrize("sides", [["c", "x"], ["x", "c"]])
def test_a_sum_may_be_larger_than_either(tmp_path: Path, sides: list[str]):
    """A convolution to one row, and a picture: neither has room for the sum."""
    tall = {"strides": [1, 6, 1, 1], "padding": "SAME"}
    nodes = [constant("w", WEIGHTS), node("c", "Conv2D", ["x", "w"], tall)]
    x = pictures(1, 6, 7, 3)
    row = run(tmp_path, x, *nodes, output="c")
    assert row.shape == (1, 1, 7, 3)
    assert np.allclose(run(tmp_path, x, *nodes, node("y", "AddV2", sides)), row + x, atol=1e-6)


def test_activations_and_sums_of_the_placeholder_leave_it_alone(tmp_path: Path):
    """`run` compares what it gave with what is left of it."""
    x = pictures(1, 4, 5, 3)
    chain = [node("a", "Identity", ["x"]), node("r", "Relu", ["a"]), node("y", "AddV2", ["r", "x"])]
    assert np.array_equal(run(tmp_path, x, *chain), np.maximum(x, 0) + x)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 4), (7, 7)])
def test_a_convolution_to_few_channels_is_the_plain_one(
    tmp_path: Path, kernel: tuple[int, int], outputs: int, bias: bool
):
    """Widths that divide by four, where a CPU computes several columns at once, and others."""
    random = np.random.default_rng(3)
    weights = random.normal(size=(*kernel, 6, outputs)).astype(np.float32)
    biases = random.normal(size=outputs).astype(np.float32)
    for padding, width in [("SAME", 8), ("SAME", 12), ("SAME", 9), ("SAME", 10), ("SAME", 11)] + [
        ("VALID", rest + kernel[1] - 1) for rest in (4, 5, 6, 7, 8)
    ]:
        nodes = [constant("w", weights), node("c", "Conv2D", ["x", "w"], PLANE | {"padding": padding})]
        if bias:
            nodes += [constant("bias", biases), node("y", "BiasAdd", ["c", "bias"])]
        x = pictures(2, 9, width, 6)
        y = run(tmp_path, x, *nodes, output="y" if bias else "c")
        expected = convolved(x, weights, padding) + (biases if bias else 0)
        assert y.shape == expected.shape
        assert np.allclose(y, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("times", [(2, 2), (4, 4), (2, 4), (8, 1)])
@pytest.mark.parametrize("sides", [(1, 1), (1, 5), (3, 7), (5, 3)])
def test_bilinear_by_a_power_of_two_is_the_general_one(
    tmp_path: Path, sides: tuple[int, int], times: tuple[int, int], halved: bool, dtype: type
):
    x = np.random.default_rng(4).integers(0, 256, (2, *sides, 3)).astype(dtype)
    size = np.array([side * time for side, time in zip(sides, times, strict=True)], np.int32)
    resized = node("y", "ResizeBilinear", ["x", "size"], {"half_pixel_centers": halved})
    y = run(tmp_path, x, constant("size", size), resized)
    expected = x.astype(np.float64)
    for axis, length in ((1, size[0]), (2, size[1])):
        expected = between(expected, axis, int(length), halved)
    # Shares of a power of two are exact.
    assert y.dtype == np.float32
    assert np.array_equal(y, expected)


@pytest.mark.parametrize("halved", [False, True])
def test_bilinear_to_a_little_more_than_a_multiple_has_all_its_pixels(tmp_path: Path, halved: bool):
    x = pictures(1, 3, 5, 2)
    resized = node("y", "ResizeBilinear", ["x", "size"], {"half_pixel_centers": halved})
    y = run(tmp_path, x, constant("size", np.array([7, 21], np.int32)), resized)
    assert np.allclose(y, between(between(x, 1, 7, halved), 2, 21, halved), atol=1e-5)


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        ("Maximum", ["x"]),
        ("Maximum", ["x", "x", "x"]),
        ("Identity", []),
        ("Conv2D", ["x"]),
        ("Conv2DBackpropInput", ["x", "x"]),
        ("BiasAdd", ["x"]),
        ("ExpandDims", ["x"]),
        ("Relu", ["x", "x"]),
    ],
)
def test_a_node_with_too_few_or_too_many_inputs_is_refused(tmp_path: Path, op: str, inputs: list[str]):
    with pytest.raises(GraphUnsupported, match=rf'"y" \({op}\) has {len(inputs)} inputs, not \d'):
        load_graph(written(tmp_path, [node("y", op, inputs, PLANE), node("z", "Sub", ["x", "y"])]))


def test_a_product_of_three_is_refused(tmp_path: Path):
    nodes = [node("m", "Mul", ["x", "x", "x"]), node("y", "Maximum", ["x", "m"])]
    with pytest.raises(GraphUnsupported, match=r'"m" \(Mul\) has 3 inputs, not 2'):
        load_graph(written(tmp_path, nodes))


@pytest.mark.parametrize("place", ["²", "9" * 5000, "-1", ""])
def test_an_output_that_is_no_number_is_taken_for_the_first(tmp_path: Path, place: str):
    x = pictures(1, 4, 5, 3)
    assert np.array_equal(run(tmp_path, x, node("y", "Neg", [f"x:{place}"])), -x)


@pytest.mark.parametrize("number", [7, 1 << 40])
@pytest.mark.parametrize(
    ("op", "attribute"), [("Conv2D", "padding"), ("Conv2D", "data_format"), ("BiasAdd", "data_format")]
)
def test_a_number_where_text_should_be_is_refused(tmp_path: Path, op: str, attribute: str, number: int):
    """Turned to bytes, the larger one would take a terabyte."""
    with pytest.raises(GraphUnsupported, match="int stands where text should"):
        load_graph(written(tmp_path, [node("y", op, ["x", "x"], PLANE | {attribute: number})]))


@pytest.mark.parametrize("strides", [[1, 1], 1.0, np.array(1, np.int32), np.ones(4, np.int32)])
def test_strides_that_are_not_four_numbers_are_refused(tmp_path: Path, strides: object):
    with pytest.raises(GraphUnsupported, match=r'"y" \(Conv2D\)'):
        load_graph(written(tmp_path, [node("y", "Conv2D", ["x", "x"], PLANE | {"strides": strides})]))


def test_a_mask_that_is_no_number_is_refused(tmp_path: Path):
    masks = {"shrink_axis_mask": np.array([1, 2], np.int32)}
    with pytest.raises(GraphUnsupported, match="a mask is no whole number"):
        load_graph(written(tmp_path, [node("y", "StridedSlice", ["x", "x", "x", "x"], masks)]))


def test_a_convolution_merged_into_itself_is_refused(tmp_path: Path):
    attributes = {"padding": "SAME", "fused_ops": ["_FusedConv2D"]}
    with pytest.raises(GraphUnsupported, match="_FusedConv2D is merged into it"):
        load_graph(written(tmp_path, [node("y", "_FusedConv2D", ["x", "x"], attributes)]))


def run(folder: Path, x: Plane, *nodes: bytes, output: str = "y") -> Plane:
    """What the graph gives for `x`, which must be what it was afterwards."""
    given = torch.from_numpy(x.copy())
    drawn = load_graph(written(folder, nodes), output)(given).numpy()
    assert np.array_equal(given.numpy(), x)
    return drawn


def operations(folder: Path, *nodes: bytes) -> Counter[str]:
    """The operations of the steps that give "y"."""
    read = {each.name: each for each in read_graph(written(folder, nodes))}
    order = ordered(read, "y", "graph.pb")
    constants = {each.name: each.attributes["value"] for each in order if each.op == "Const"}
    return Counter(step.node.op for step in planned(order, constants, "y", "graph.pb"))


def written(folder: Path, nodes: Sequence[bytes]) -> Path:
    path = folder / "graph.pb"
    path.write_bytes(graph(*nodes))
    return path


def pictures(*sides: int) -> Plane:
    """Values below and above 0, float32."""
    return np.random.default_rng(5).normal(size=sides).astype(np.float32)


def convolved(x: Plane, weights: Plane = WEIGHTS, padding: str = "SAME") -> Plane:
    """PyTorch's convolution of [N, H, W, C], float64."""
    inside = torch.from_numpy(x).double().permute(0, 3, 1, 2)
    if padding == "SAME":
        height, width = weights.shape[0] - 1, weights.shape[1] - 1
        inside = F.pad(inside, (width // 2, width - width // 2, height // 2, height - height // 2))
    filters: Tensor = torch.from_numpy(weights).double().permute(3, 2, 0, 1)
    return F.conv2d(inside, filters).permute(0, 2, 3, 1).numpy()


def between(values: Plane, axis: int, length: int, halved: bool) -> Plane:
    """Bilinear along one axis by the definition; beyond its edge a picture is as at its edge."""
    side = values.shape[axis]
    places = np.arange(length)
    places = (places + 0.5) * side / length - 0.5 if halved else places * side / length
    lower = np.floor(places)
    before, after = (values.take(np.clip(at, 0, side - 1).astype(int), axis) for at in (lower, lower + 1))
    share = (places - lower).reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    return before + (after - before) * share
