"""Graphs as modules: against TensorFlow's own results, and operation by operation against numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from core.errors import GraphUnreadable, GraphUnsupported
from core.tfgraph import load_graph
from tests.core.tfgraph.graphs import constant, graph, node

LAYOUT = Path(__file__).resolve().parents[4] / "shared" / "models" / "dctnet-layout"
CARTOONS = [("bg", "dct_input"), ("bg", "liuyifei4"), ("bg", "party7"), ("h", "head")]
CONSTANTS = {
    "picture filter": (3, 3, 3, 1),
    "per channel": (3,),
    "filters": (3, 3, 3, 8),
    "bias": (8,),
    "deep filters": (3, 3, 8, 1),
    "per deep channel": (1, 8),
}
Plane = npt.NDArray[Any]


@pytest.mark.parametrize(("net", "name"), CARTOONS)
def test_a_cartoon_network_gives_what_tensorflow_gives(net: str, name: str):
    taken, given = expected(net, name)
    drawn = load_graph(LAYOUT / f"cartoon_{net}.pb")(torch.from_numpy(taken)).numpy()
    assert (drawn.dtype, drawn.shape) == (np.uint8, taken.shape)
    off = np.abs(drawn.astype(int) - given)
    assert (off <= 1).mean() >= 0.999
    assert off.max() <= 3


@pytest.mark.parametrize(("net", "name"), CARTOONS)
def test_in_bfloat16_a_cartoon_network_stays_close(net: str, name: str):
    taken, given = expected(net, name)
    network = load_graph(LAYOUT / f"cartoon_{net}.pb").lower(torch.bfloat16)
    drawn = network(torch.from_numpy(taken)).numpy()
    assert 10 * np.log10(255**2 / np.mean((drawn.astype(float) - given) ** 2)) >= 50


def test_only_convolutions_that_draw_are_lowered(tmp_path: Path):
    """Each constant here has a shape of its own, by which it is found again."""
    convolution = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    nodes = [
        *(constant(name, np.ones(sides, np.float32)) for name, sides in CONSTANTS.items()),
        node("blurred", "DepthwiseConv2dNative", ["x", "picture filter"], convolution),
        node("brighter", "Mul", ["blurred", "per channel"]),
        node("wide", "Conv2D", ["brighter", "filters"], convolution),
        node("biased", "BiasAdd", ["wide", "bias"]),
        node("deep", "DepthwiseConv2dNative", ["biased", "deep filters"], convolution),
        node("y", "Mul", ["deep", "per deep channel"]),
    ]
    path = tmp_path / "graph.pb"
    path.write_bytes(graph(*nodes))
    module = load_graph(path).lower(torch.bfloat16)
    lowered = {tuple(each.shape) for each in module.buffers() if each.dtype == torch.bfloat16}
    assert lowered == {CONSTANTS[name] for name in ("filters", "bias", "deep filters")}
    assert {each.dtype for each in module.buffers()} == {torch.bfloat16, torch.float32}


def test_a_bias_is_of_the_kind_of_its_filters(tmp_path: Path):
    """Filters stored as float16 and cast by the graph stay float32."""
    half, full = np.dtype(np.float16), np.dtype(np.float32)
    nodes = [
        constant("stored", np.ones((3, 3, 2, 5), np.float16)),
        constant("bias", np.ones(5, np.float32)),
        node("filters", "Cast", ["stored"], {"SrcT": half, "DstT": full}),
        node("drawn", "Conv2D", ["x", "filters"], {"strides": [1, 1, 1, 1], "padding": "VALID"}),
        node("y", "BiasAdd", ["drawn", "bias"]),
    ]
    path = tmp_path / "graph.pb"
    path.write_bytes(graph(*nodes))
    y = load_graph(path).lower(torch.bfloat16)(torch.ones(1, 3, 3, 2))
    assert torch.equal(y, torch.full((1, 1, 1, 5), 19.0))


def test_in_float16_a_network_stays_close_on_a_cpu():
    path = Path(__file__).parent / "graphs" / "dctnet_tiny.pb"
    with np.load(path.with_suffix(".npz")) as stored:
        taken = torch.from_numpy(stored["input"])
    full, lowered = load_graph(path)(taken), load_graph(path).lower(torch.float16)(taken)
    assert lowered.dtype == torch.uint8
    assert (full.int() - lowered.int()).abs().max() <= 1


@pytest.mark.parametrize(
    ("index", "numpys"),
    [
        (((0, 0), (0, 0), (1, 1), {"begin_mask": 3, "end_mask": 3}), np.s_[:, :]),
        (((1, 0), (3, 2), (1, 1), {}), np.s_[1:3, 0:2]),
        (((-1, 0), (0, 0), (-1, 1), {"end_mask": 3}), np.s_[::-1, :]),
        (((5, -1), (0, 0), (-2, -1), {"end_mask": 2}), np.s_[5:0:-2, -1::-1]),
        (((0, 2), (1, 3), (1, 1), {"new_axis_mask": 1, "shrink_axis_mask": 2}), np.s_[None, 2]),
        (((0, 1), (0, 2), (1, 1), {"ellipsis_mask": 1, "shrink_axis_mask": 2}), np.s_[..., 1]),
    ],
)
def test_strided_slices_are_those_of_numpy(tmp_path: Path, index: tuple[Any, ...], numpys: Any):
    *ends, masks = index
    names = ["begin", "end", "strides"]
    constants = [constant(name, np.array(end, np.int32)) for name, end in zip(names, ends, strict=True)]
    x = np.arange(6 * 4 * 3, dtype=np.float32).reshape(6, 4, 3)
    y = run(tmp_path, x, *constants, node("y", "StridedSlice", ["x", *names], masks))
    assert np.array_equal(y, x[numpys])


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_convolutions_are_the_sums_they_should_be(
    tmp_path: Path, op: str, padding: str, stride: int, dilation: int
):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 7, 8, 3)).astype(np.float32)
    weights = random.normal(size=(3, 2, 3, 4)).astype(np.float32)
    attributes = {"strides": [1, stride, stride, 1], "dilations": [1, dilation, dilation, 1], "padding": padding}
    y = run(tmp_path, x, constant("w", weights), node("y", op, ["x", "w"], attributes))
    assert np.allclose(y, convolved(x, weights, op, padding, stride, dilation), atol=1e-4)


def test_a_transposed_convolution_undoes_the_strides(tmp_path: Path):
    random = np.random.default_rng(1)
    small, weights = random.normal(size=(1, 4, 4, 5)), random.normal(size=(3, 3, 2, 5))
    large = random.normal(size=(1, 7, 8, 2))
    attributes = {"strides": [1, 2, 2, 1], "padding": "SAME"}
    sides = constant("sides", np.array([1, 7, 8, 2], np.int32))
    filters = constant("w", weights.astype(np.float32))
    y = run(
        tmp_path,
        small.astype(np.float32),
        sides,
        filters,
        node("y", "Conv2DBackpropInput", ["sides", "w", "x"], attributes),
    )
    # The adjoint: <conv(a), b> = <a, transposed(b)>.
    forward = convolved(large, weights, "Conv2D", "SAME", 2, 1)
    assert np.vdot(forward, small) == pytest.approx(np.vdot(large, y), rel=1e-4)


@pytest.mark.parametrize(("aligned", "halved"), [(False, False), (True, False), (False, True)])
def test_bilinear_resizing_follows_each_convention(tmp_path: Path, aligned: bool, halved: bool):
    x = np.random.default_rng(2).normal(size=(1, 5, 4, 2)).astype(np.float32)
    attributes = {"align_corners": aligned, "half_pixel_centers": halved}
    size = constant("size", np.array([9, 8], np.int32))
    y = run(tmp_path, x, size, node("y", "ResizeBilinear", ["x", "size"], attributes))
    for row, column in ((0, 0), (3, 5), (8, 7), (4, 2)):
        down, across = (
            place * (old - 1) / (new - 1)
            if aligned
            else (place + 0.5) * old / new - 0.5
            if halved
            else place * old / new
            for place, old, new in ((row, 5, 9), (column, 4, 8))
        )
        assert np.allclose(y[0, row, column], between(x[0], down, across), atol=1e-5)


@pytest.mark.parametrize("mode", ["REFLECT", "SYMMETRIC"])
def test_mirrored_pads_are_those_of_numpy(tmp_path: Path, mode: str):
    x = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)
    sides = np.array([[0, 0], [2, 1], [1, 2], [0, 0]], np.int32)
    y = run(tmp_path, x, constant("p", sides), node("y", "MirrorPad", ["x", "p"], {"mode": mode}))
    assert np.array_equal(y, np.pad(x, sides, "reflect" if mode == "REFLECT" else "symmetric"))


def test_sizes_may_depend_on_the_picture(tmp_path: Path):
    nodes = [
        node("shape", "Shape", ["x"], {"out_type": np.dtype(np.int32)}),
        *(constant(name, np.array([place], np.int32)) for name, place in (("one", 1), ("two", 2), ("three", 3))),
        node("height", "StridedSlice", ["shape", "one", "two", "one"], {"shrink_axis_mask": 1}),
        node("width", "StridedSlice", ["shape", "two", "three", "one"], {"shrink_axis_mask": 1}),
        constant("twice", np.array(2, np.int32)),
        node("tall", "Mul", ["height", "twice"]),
        node("size", "Pack", ["tall", "width"], {"N": 2, "axis": 0}),
        node("y", "ResizeNearestNeighbor", ["x", "size"]),
    ]
    x = np.random.default_rng(3).normal(size=(1, 3, 5, 2)).astype(np.float32)
    assert np.array_equal(run(tmp_path, x, *nodes), np.repeat(x, 2, 1))


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("y", "FlashAttention", ["x"])], ["FlashAttention", '"y"', "graph.pb"]),
        ([node("y", "Conv2D", ["x", "x"])], ['"y"', "Conv2D", "padding"]),
        ([node("y", "Relu", ["nobody"])], ['"nobody"']),
        ([node("c", "Const"), node("y", "Add", ["x", "c"])], ['constant "c"']),
        (
            [node("a", "Relu", ["b"]), node("b", "Relu", ["a"]), node("y", "Add", ["x", "a"])],
            ["depends on itself"],
        ),
        ([node("y", "Relu", ["x"]), node("z", "Relu", ["x"])], ["2 outputs"]),
    ],
)
def test_what_cannot_run_is_refused_at_loading(tmp_path: Path, nodes: list[bytes], words: list[str]):
    path = tmp_path / "graph.pb"
    path.write_bytes(graph(*nodes))
    with pytest.raises(GraphUnsupported) as refused:
        load_graph(path)
    assert all(word in str(refused.value) for word in words)


def test_a_photo_is_no_graph(tmp_path: Path):
    path = tmp_path / "photo.pb"
    Image.new("RGB", (8, 8)).save(path, "JPEG")
    with pytest.raises(GraphUnreadable, match="is not a whole TensorFlow graph"):
        load_graph(path)


def run(folder: Path, x: Plane, *nodes: bytes) -> Plane:
    path = folder / "graph.pb"
    path.write_bytes(graph(*nodes))
    return load_graph(path, "y")(torch.from_numpy(x)).numpy()


def expected(net: str, name: str) -> tuple[Plane, Plane]:
    """What TensorFlow was given (float32 BGR [H, W, 3]) and what it made of it (uint8 BGR)."""
    if not LAYOUT.exists():
        pytest.skip("no ../shared/models/dctnet-layout beside this checkout")
    pictures = (Image.open(LAYOUT / "expected" / f"{name}_{part}.png").convert("RGB") for part in ("input", net))
    taken, given = (np.ascontiguousarray(np.asarray(picture)[..., ::-1]) for picture in pictures)
    return taken.astype(np.float32), given


def convolved(x: Plane, weights: Plane, op: str, padding: str, stride: int, dilation: int) -> Plane:
    """By the definition: a sum for each place."""
    height, width = weights.shape[:2]
    reach = ((height - 1) * dilation + 1, (width - 1) * dilation + 1)
    if padding == "SAME":
        outs = [-(-side // stride) for side in x.shape[1:3]]
        missing = [
            max(0, (out - 1) * stride + far - side)
            for out, far, side in zip(outs, reach, x.shape[1:3], strict=True)
        ]
        x = np.pad(x, [(0, 0), *((each // 2, each - each // 2) for each in missing), (0, 0)])
    outs = [(side - far) // stride + 1 for side, far in zip(x.shape[1:3], reach, strict=True)]
    sums: list[Plane] = []
    for row in range(outs[0]):
        for column in range(outs[1]):
            top, left = row * stride, column * stride
            patch = x[:, top : top + reach[0] : dilation, left : left + reach[1] : dilation]
            if op == "Conv2D":
                sums.append(np.einsum("nhwi,hwio->no", patch, weights))
            else:
                sums.append(np.einsum("nhwi,hwim->nim", patch, weights).reshape(len(x), -1))
    return np.stack(sums, 1).reshape(len(x), *outs, -1)


def between(picture: Plane, down: float, across: float) -> Plane:
    """A picture [H, W, C] between its pixels; beyond its edge it is as at its edge."""
    rows = np.clip([np.floor(down), np.floor(down) + 1], 0, picture.shape[0] - 1).astype(int)
    columns = np.clip([np.floor(across), np.floor(across) + 1], 0, picture.shape[1] - 1).astype(int)
    upper, lower = (
        picture[row, columns[0]] + (picture[row, columns[1]] - picture[row, columns[0]]) * (across % 1)
        for row in rows
    )
    return upper + (lower - upper) * (down % 1)
