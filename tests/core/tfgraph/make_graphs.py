# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false
"""Writes graphs/: small frozen graphs, what TensorFlow is given and what it makes of it.

Run once, by a Python that has tensorflow-cpu: `python tests/core/tfgraph/make_graphs.py`. Each graph is a file
`<name>.pb`; beside it `<name>.npz` holds the placeholder's value, "input", and the value of each output by the
name of its node. test_tensorflow.py compares.
"""

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

# The plain kernels: the same values on every processor.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import tensorflow as tf
from tensorflow import raw_ops as raw

Array = np.ndarray[Any, Any]
Build = Callable[[Any], dict[str, Any]]


def main() -> None:
    folder = Path(__file__).parent / "graphs"
    folder.mkdir(exist_ok=True)
    for build, x in (
        (convolutions, values(1, 6, 5, 4)),
        (depthwise_and_grouped_convolutions, values(1, 7, 6, 4)),
        (transposed_convolutions, values(2, 3, 4, 3)),
        (atrous_convolutions, values(1, 7, 6, 3)),
        (channels_first, values(1, 4, 6, 5)),
        (fused_by_grappler, values(1, 7, 6, 3)),
        (half_precision, values(1, 5, 6, 3)),
        (batch_norms, values(2, 5, 4, 3)),
        (instance_and_layer_norms, values(2, 5, 4, 4)),
        (activations, values(1, 5, 7, 1) * 3),
        (pools, values(1, 7, 6, 2)),
        (pads, values(1, 4, 5, 2)),
        (resizes_up, values(1, 4, 5, 1)),
        (resizes_down, values(1, 13, 18, 1)),
        (resizes_of_pictures, np.random.default_rng(1).integers(0, 256, (1, 5, 6, 3), np.uint8)),
        (arithmetic_of_floats, values(1, 4, 5, 2) * 2),
        (arithmetic_of_integers, np.random.default_rng(2).integers(-9, 10, (4, 5, 2), np.int32)),
        (arithmetic_of_shapes, values(4, 7, 10, 3)),
        (functions_of_one_value, values(1, 4, 5, 2)),
        (reductions, values(2, 4, 5, 3)),
        (reductions_of_integers, np.random.default_rng(3).integers(-3, 4, (3, 4, 2), np.int32)),
        (matrix_products, values(2, 3, 4)),
        (strided_slices, values(6, 5, 4)),
        (shapes, values(1, 3, 4, 6)),
        (slices_and_gathers, values(3, 4, 6)),
        (depth_and_space, values(1, 4, 6, 8)),
        (choices, values(3, 4, 2)),
        (constants, values(6)),
    ):
        write(folder / build.__name__, x, build)
    picture = scene(24, 32)
    write(folder / "dctnet_tiny", picture, lambda x: cartoon(x, 0, [0, 0, 0]), "input_image")
    write(folder / "dctnet_tiny_head", picture, lambda x: cartoon(x, 1, [-0.25, -0.25, 0.25]), "input_image")


def write(path: Path, taken: Array, build: Build, placeholder: str = "x") -> None:
    """A graph and what TensorFlow makes of `taken`. All sides but the last are unknown to the graph."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(taken.dtype, [*[None] * (taken.ndim - 1), taken.shape[-1]], placeholder)
        with tf.name_scope("g"):
            built = build(x)
        outputs = {name: tf.identity(value, name) for name, value in built.items()}
        assert [each.op.name for each in outputs.values()] == list(outputs)
        # Some exporters leave out attributes at their defaults; here the small graphs do, the cartoons do not.
        meta = tf.compat.v1.train.export_meta_graph(graph=graph, strip_default_attrs=placeholder == "x")
    # So that it runs without a GPU what is laid out for one.
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.cpu_layout_conversion = 1  # NCHW_TO_NHWC
    with tf.compat.v1.Session(graph=graph, config=config) as session:
        given = session.run(outputs, {x: taken})
    share_constants(meta.graph_def)
    path.with_suffix(".pb").write_bytes(meta.graph_def.SerializeToString(deterministic=True))
    np.savez_compressed(path.with_suffix(".npz"), input=taken, **given)


def share_constants(frozen: Any) -> None:
    """Keeps one constant of each value, and nothing that TensorFlow infers: the files are small."""
    first: dict[bytes, str] = {}
    names: dict[str, str] = {}
    nodes = list(frozen.node)
    for node in nodes:
        node.attr.pop("_output_shapes", None)
        if node.op == "Const":
            names[node.name] = first.setdefault(node.attr["value"].SerializeToString(), node.name)
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
    del frozen.node[:]
    frozen.node.extend(node for node in nodes if names.get(node.name, node.name) == node.name)


def values(*sides: int) -> Array:
    """Numbers between -2 and 2, none of them 0, always the same for the same sides."""
    steps = np.random.default_rng(sides).integers(-128, 128, sides)
    return ((steps + 0.5) / 64).astype(np.float32)


def convolutions(x: Any) -> dict[str, Any]:
    sizes = ((1, 1, 2), (2, 3, 1), (2, 3, 2), (3, 3, 1), (3, 3, 2), (3, 3, 3), (5, 4, 2), (5, 4, 3))
    outputs = {
        f"{padding}_{height}x{width}_stride_{stride}".lower(): raw.Conv2D(
            input=x, filter=filters(height, width, 4, 2), strides=[1, stride, stride, 1], padding=padding
        )
        for padding, (height, width, stride) in product(("SAME", "VALID"), sizes)
    }
    kernel = filters(3, 2, 4, 2)
    explicit = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 1, 0, 0]}
    return outputs | {
        "explicit": raw.Conv2D(input=x, filter=kernel, strides=[1, 1, 1, 1], **explicit),
        "explicit_stride_2": raw.Conv2D(input=x, filter=kernel, strides=[1, 2, 2, 1], **explicit),
        "two_strides": raw.Conv2D(input=x, filter=kernel, strides=[1, 2, 1, 1], padding="SAME"),
        "same_dilated": tf.nn.conv2d(x, kernel, 1, "SAME", dilations=[2, 3]),
        "valid_dilated": tf.nn.conv2d(x, kernel, 1, "VALID", dilations=2),
        "bias": raw.BiasAdd(value=x, bias=values(4)),
        "old_bias": raw.BiasAddV1(value=x, bias=values(4)),
    }


def depthwise_and_grouped_convolutions(x: Any) -> dict[str, Any]:
    kernel = filters(3, 4, 4, 2)

    def depthwise(padding: Any, stride: int = 1, dilation: int = 1) -> Any:
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], padding, dilations=[dilation, dilation])

    return {
        "same": depthwise("SAME"),
        "same_stride_2": depthwise("SAME", 2),
        "valid_stride_3": depthwise("VALID", 3),
        "explicit": depthwise([[0, 0], [2, 1], [0, 3], [0, 0]], 2),
        # Python spells these as a way to batches and back.
        "same_dilated": depthwise("SAME", 1, 2),
        "separable": tf.nn.separable_conv2d(x, kernel, filters(1, 1, 8, 3), [1, 1, 1, 1], "SAME"),
        "grouped": tf.nn.conv2d(x, filters(3, 3, 2, 6), 2, "SAME"),
    }


def transposed_convolutions(x: Any) -> dict[str, Any]:
    sides = tf.shape(x)

    def transposed(kernel: int, stride: int, height: Any, width: Any, padding: Any) -> Any:
        size = tf.stack([sides[0], height, width, 2])
        return tf.nn.conv2d_transpose(x, filters(kernel, kernel, 2, 3), size, stride, padding)

    return {
        "same_4x4_stride_2": transposed(4, 2, sides[1] * 2, sides[2] * 2, "SAME"),
        "same_3x3_stride_2": transposed(3, 2, sides[1] * 2, sides[2] * 2, "SAME"),
        "same_to_odd_sizes": transposed(3, 2, 5, 7, "SAME"),
        "same_5x5_stride_1": transposed(5, 1, sides[1], sides[2], "SAME"),
        "same_kernel_below_stride": transposed(2, 3, 9, 11, "SAME"),
        "valid_3x3_stride_2": transposed(3, 2, sides[1] * 2 + 1, sides[2] * 2 + 1, "VALID"),
        "valid_with_a_rest": transposed(3, 2, sides[1] * 2 + 2, sides[2] * 2 + 2, "VALID"),
        "explicit": transposed(4, 2, 6, 9, [[0, 0], [1, 1], [1, 0], [0, 0]]),
    }


def atrous_convolutions(x: Any) -> dict[str, Any]:
    """As they were exported before convolutions had dilations."""
    kernel = filters(3, 3, 3, 2)
    sides = tf.shape(x)
    rests = [(-side) % 2 for side in (sides[1], sides[2])]
    paddings = tf.stack([[2, 2 + rests[0]], [2, 2 + rests[1]]])
    crops = tf.stack([[0, rests[0]], [0, rests[1]]])
    batches = raw.SpaceToBatchND(input=x, block_shape=[2, 2], paddings=paddings)
    drawn = raw.Conv2D(input=batches, filter=kernel, strides=[1, 1, 1, 1], padding="VALID")
    uneven = raw.SpaceToBatchND(input=x, block_shape=[3, 2], paddings=[[1, 1], [0, 0]])
    return {
        "by_batches": raw.BatchToSpaceND(input=drawn, block_shape=[2, 2], crops=crops),
        "by_python": tf.nn.atrous_conv2d(x, kernel, 2, "SAME"),
        "uneven_blocks": uneven,
        "uneven_blocks_and_back": raw.BatchToSpaceND(input=uneven, block_shape=[3, 2], crops=[[1, 1], [0, 1]]),
    }


def channels_first(x: Any) -> dict[str, Any]:
    """[N, C, H, W] = [1, 4, 6, 5], as graphs for a GPU have it."""
    norm = {"scale": values(4), "offset": values(4) + 1, "data_format": "NCHW"}
    window = {"strides": [1, 1, 2, 2], "data_format": "NCHW"}
    explicit = [0, 0, 0, 0, 1, 0, 0, 2]
    size = tf.stack([tf.shape(x)[0], 2, 12, 9])
    return {
        "convolution": raw.Conv2D(input=x, filter=filters(3, 3, 4, 3), padding="SAME", **window),
        "convolution_explicit": raw.Conv2D(
            input=x, filter=filters(3, 3, 4, 3), padding="EXPLICIT", explicit_paddings=explicit, **window
        ),
        "depthwise": raw.DepthwiseConv2dNative(input=x, filter=filters(3, 2, 4, 2), padding="SAME", **window),
        "transposed": raw.Conv2DBackpropInput(
            input_sizes=size, filter=filters(3, 3, 2, 4), out_backprop=x, padding="SAME", **window
        ),
        "max_pool": raw.MaxPool(input=x, ksize=[1, 1, 3, 2], padding="SAME", **window),
        "average_pool": raw.AvgPool(value=x, ksize=[1, 1, 3, 2], padding="SAME", **window),
        "bias": raw.BiasAdd(value=x, bias=values(4), data_format="NCHW"),
        "trained": raw.FusedBatchNormV3(
            x=x, mean=values(4), variance=np.abs(values(4)), is_training=False, **norm
        )[0],
        "training": raw.FusedBatchNormV3(x=x, mean=[], variance=[], is_training=True, **norm)[0],
    }


def fused_by_grappler(x: Any) -> dict[str, Any]:
    """What TensorFlow's own optimizer leaves in a graph that is saved after it. Python has no word for these."""
    kernel, bias = tf.constant(filters(3, 3, 3, 4)), tf.constant(values(4))
    scale, offset, mean, variance = (tf.constant(np.abs(values(4)) + i) for i in range(4))

    def convolved(*fused: str, arguments: Any = (bias,), **more: Any) -> Any:
        plane = {"strides": [1, 2, 2, 1], "padding": "SAME"} | more
        return unspoken("_FusedConv2D", [x, kernel], arguments, fused_ops=fused, **plane)

    return {
        "bias": convolved("BiasAdd"),
        "bias_relu": convolved("BiasAdd", "Relu"),
        "bias_relu6": convolved("BiasAdd", "Relu6"),
        "bias_elu": convolved("BiasAdd", "Elu"),
        "bias_leaky_relu": convolved("BiasAdd", "LeakyRelu", leakyrelu_alpha=0.3),
        "norm": convolved("FusedBatchNorm", arguments=(scale, offset, mean, variance), epsilon=0.01),
        "norm_relu": convolved("FusedBatchNorm", "Relu", arguments=(scale, offset, mean, variance), epsilon=0.01),
    }


def unspoken(op: str, inputs: Any, arguments: Any, **attributes: Any) -> Any:
    """An operation of TensorFlow that Python cannot spell, by a node written by hand."""
    node = tf.compat.v1.NodeDef(name="y", op=op)
    feeds = {f"in{i}:0": value for i, value in enumerate([*inputs, *arguments])}
    node.input.extend(feeds)
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["num_args"].i = len(arguments)
    node.attr["TArgs"].list.type.extend([tf.float32.as_datatype_enum] * len(arguments))
    for key, value in attributes.items():
        match value:
            case float():
                node.attr[key].f = value
            case str():
                node.attr[key].s = value.encode()
            case [str(), *_]:
                node.attr[key].list.s.extend(each.encode() for each in value)
            case _:
                node.attr[key].list.i.extend(value)
    definition = tf.compat.v1.GraphDef(node=[node])
    definition.versions.producer = tf.compat.v1.get_default_graph().graph_def_versions.producer
    for name in feeds:
        placeholder = definition.node.add(name=name.removesuffix(":0"), op="Placeholder")
        placeholder.attr["dtype"].type = tf.float32.as_datatype_enum
    return tf.import_graph_def(definition, feeds, ["y:0"])[0]


def half_precision(x: Any) -> dict[str, Any]:
    """Weights kept as halves to save space, and a layer that computes in halves."""
    kernel = tf.constant(filters(3, 3, 3, 2).astype(np.float16))
    halves = tf.nn.conv2d(tf.cast(x, tf.float16), kernel, 1, "SAME")
    return {
        "weights": tf.nn.conv2d(x, tf.cast(kernel, tf.float32), 1, "SAME"),
        "layer": tf.cast(halves, tf.float32) + values(2),
        "halves": halves,
    }


def batch_norms(x: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for name, norm in (("v1", raw.FusedBatchNorm), ("v2", raw.FusedBatchNormV2), ("v3", raw.FusedBatchNormV3)):
        given = {"x": x, "scale": values(3), "offset": values(3) * 2, "epsilon": 0.01}
        outputs[name] = norm(mean=values(3), variance=np.abs(values(3)), is_training=False, **given)[0]
        trained = norm(mean=[], variance=[], is_training=True, **given)
        outputs |= {f"{name}_training": trained[0], f"{name}_mean": trained[1], f"{name}_variance": trained[2]}
    by_hand = tf.nn.batch_normalization(x, values(3), np.abs(values(3)), values(3) * 2, values(3), 0.01)
    return outputs | {"by_hand": by_hand}


def instance_and_layer_norms(x: Any) -> dict[str, Any]:
    number, height, width = (tf.shape(x)[axis] for axis in range(3))
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    # tf.contrib.layers.instance_norm, and Addons' through groups of one channel.
    instance = tf.nn.batch_normalization(x, mean, variance, values(4), values(4) + 1, 1e-5)
    grouped = tf.reshape(x, tf.stack([number, height, width, 2, 2]))
    group_mean, group_variance = tf.nn.moments(grouped, [1, 2, 4], keepdims=True)
    group = (grouped - group_mean) * raw.Rsqrt(x=group_variance + 1e-3)
    by_hand = (x - tf.reduce_mean(x, [1, 2], keepdims=True)) / tf.sqrt(
        tf.reduce_mean(tf.square(x - tf.reduce_mean(x, [1, 2], keepdims=True)), [1, 2], keepdims=True) + 1e-5
    )
    layer_mean = tf.reduce_mean(x, -1, keepdims=True)
    layer_variance = tf.reduce_mean(tf.math.squared_difference(x, tf.stop_gradient(layer_mean)), -1, keepdims=True)
    # Keras: a layer norm is a batch norm in training, over one channel for each picture.
    rows = tf.reshape(x, [1, number * height * width, -1, 1])
    ones, zeros = tf.ones([tf.shape(rows)[1]]), tf.zeros([tf.shape(rows)[1]])
    keras = raw.FusedBatchNormV3(
        x=rows, scale=ones, offset=zeros, mean=[], variance=[], epsilon=1e-3, data_format="NCHW"
    )[0]
    demodulated = tf.math.l2_normalize(x, -1, 1e-8)
    return {
        "instance": instance,
        "instance_by_hand": by_hand,
        "group": tf.reshape(group, tf.shape(x)),
        "layer": (x - layer_mean) * tf.math.rsqrt(layer_variance + 1e-3) * values(4) + values(4),
        "layer_of_keras": tf.reshape(keras, tf.shape(x)),
        "pixel": x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + 1e-8),
        "length": demodulated,
    }


def activations(x: Any) -> dict[str, Any]:
    return {
        "relu": tf.nn.relu(x),
        "relu6": tf.nn.relu6(x),
        "leaky_relu": raw.LeakyRelu(features=x, alpha=0.1),
        "leaky_relu_by_maximum": tf.maximum(0.2 * x, x),
        "prelu": tf.nn.relu(x) + np.float32(0.25) * (x - tf.abs(x)) * 0.5,
        "elu": tf.nn.elu(x),
        "selu": tf.nn.selu(x),
        "sigmoid": tf.sigmoid(x),
        "tanh": tf.tanh(x),
        "softplus": tf.nn.softplus(x * 8),
        "softsign": tf.nn.softsign(x),
        "erf": tf.math.erf(x),
        "swish": x * tf.sigmoid(x),
        "hard_swish": x * tf.nn.relu6(x + 3) / 6,
        "mish": x * tf.tanh(tf.math.softplus(x)),
        "gelu": tf.nn.gelu(x),
        "gelu_by_tanh": tf.nn.gelu(x, approximate=True),
        "softmax": tf.nn.softmax(tf.transpose(x, [0, 1, 3, 2])),
        "log_softmax": tf.nn.log_softmax(tf.transpose(x, [0, 1, 3, 2])),
        "of_a_constant": tf.nn.sigmoid(tf.constant(0.3)) * x,
        "of_a_plane_of_ones": tf.nn.relu(tf.fill(tf.shape(x), -2.0)) + x,
    }


def pools(x: Any) -> dict[str, Any]:
    outputs = {
        f"{name}_{padding}_{height}x{width}_stride_{stride}".lower(): pool(
            **{value: x}, ksize=[1, height, width, 1], strides=[1, stride, stride, 1], padding=padding
        )
        for (name, value, pool), padding, (height, width, stride) in product(
            (("max", "input", raw.MaxPool), ("average", "value", raw.AvgPool)),
            ("SAME", "VALID"), ((2, 2, 2), (3, 4, 1), (3, 4, 2), (2, 3, 3)),
        )
    }  # fmt: skip
    ones = tf.nn.avg_pool2d(tf.ones(tf.shape(x)), 3, 1, "SAME")
    explicit = raw.MaxPool(
        input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="EXPLICIT",
        explicit_paddings=[0, 0, 1, 1, 0, 1, 0, 0],
    )  # fmt: skip
    return outputs | {"average_of_ones": ones * x, "max_explicit": explicit, "whole": tf.reduce_mean(x, [1, 2])}


def pads(x: Any) -> dict[str, Any]:
    sides = [[0, 0], [2, 1], [1, 3], [0, 0]]
    integers = tf.cast(x * 8, tf.int32)
    return {
        "zeros": raw.Pad(input=x, paddings=sides),
        "value": raw.PadV2(input=x, paddings=sides, constant_values=-1.5),
        "reflect": raw.MirrorPad(input=x, paddings=sides, mode="REFLECT"),
        "symmetric": raw.MirrorPad(input=x, paddings=sides, mode="SYMMETRIC"),
        "channels": raw.Pad(input=x, paddings=[[0, 1], [0, 0], [0, 0], [1, 2]]),
        "integers": raw.PadV2(input=integers, paddings=sides, constant_values=7),
        "booleans": raw.Pad(input=x > 0, paddings=sides),
        "ones": raw.Pad(input=tf.ones(tf.shape(x)), paddings=sides),
        "mirrored_ones": raw.MirrorPad(input=tf.ones(tf.shape(x)), paddings=sides, mode="REFLECT"),
        "of_a_shape": raw.PadV2(input=tf.shape(x), paddings=[[1, 2]], constant_values=9),
        "long_sides": raw.Pad(input=x, paddings=tf.constant(sides, tf.int64)),
        "to_a_multiple_of_8": tf.pad(
            x, [[0, 0], [0, (-tf.shape(x)[1]) % 8], [0, (-tf.shape(x)[2]) % 8], [0, 0]], "CONSTANT", 255
        ),
    }


def resizes_up(x: Any) -> dict[str, Any]:
    sides = tf.shape(x)
    twice, thrice = sides[1:3] * 2, tf.cast(tf.cast(sides[1:3], tf.float32) * 3.0, tf.int32)
    return {
        f"{name}_{size}": value
        for size, wanted in (("twice", twice), ("thrice", thrice), ("odd", [7, 9]))
        for name, value in resizes(x, wanted).items()
    }


def resizes_down(x: Any) -> dict[str, Any]:
    return {
        f"{name}_{size}": value
        for size, wanted in (("half", [6, 9]), ("row", [1, 5]), ("same", [13, 18]))
        for name, value in resizes(x, wanted).items()
        if size != "same" or "bicubic" in name
    }


def resizes(x: Any, size: Any) -> dict[str, Any]:
    return {
        f"{name}_{convention}": resize(images=x, size=size, **arguments)
        for name, resize in (
            ("bilinear", raw.ResizeBilinear),
            ("nearest", raw.ResizeNearestNeighbor),
            ("bicubic", raw.ResizeBicubic),
        )
        for convention, arguments in (
            ("legacy", {}),
            ("aligned", {"align_corners": True}),
            ("halved", {"half_pixel_centers": True}),
        )
    }


def resizes_of_pictures(x: Any) -> dict[str, Any]:
    """Of uint8: all but the nearest neighbour give floats, the same size too."""
    return {f"{name}_up": value for name, value in resizes(x, [7, 9]).items()} | {
        "bilinear_same": raw.ResizeBilinear(images=x, size=[5, 6]),
        "there_and_back": tf.cast(tf.cast(x, tf.float32) * 0.7 + 3.0, tf.uint8),
        "swapped": raw.ReverseV2(tensor=x, axis=[-1]),
    }


def arithmetic_of_floats(x: Any) -> dict[str, Any]:
    y = tf.constant(values(5, 2))
    outputs = pairs(x, y) | {
        "real_div": raw.RealDiv(x=x, y=y),
        "pow": raw.Pow(x=tf.abs(x), y=y),
        "square_by_pow": raw.Pow(x=x, y=2.0),
        "approximate": tf.abs(x - y) < 0.5,
    }
    return outputs | {
        "div_no_nan": raw.DivNoNan(x=x, y=tf.nn.relu(y)),
        "sum_of_three": tf.add_n([x, x * 0.5, tf.square(x)]),
        "clip": tf.clip_by_value(x, -0.75, 1.25),
        "clip_by_planes": raw.ClipByValue(t=x, clip_value_min=-tf.abs(x) / 2, clip_value_max=tf.abs(x) / 3),
        "scalar": tf.reduce_mean(x) * 2.0,
    }


def arithmetic_of_integers(x: Any) -> dict[str, Any]:
    y = tf.constant(np.random.default_rng(4).choice([-4, -3, -1, 2, 3, 5], (5, 2)).astype(np.int32))
    longs = tf.cast(x, tf.int64)
    return pairs(x, y) | {
        "pow": raw.Pow(x=x, y=tf.abs(y)),
        "truncate_div": raw.TruncateDiv(x=x, y=y),
        "negative": -x,
        "absolute": tf.abs(x),
        "sign": tf.sign(x),
        "square": tf.square(x),
        "long": longs * (1 << 33) // 5,
        "sum_of_three": tf.add_n([x, x, x]),
        "floats": tf.cast(x, tf.float32) / 4,
        "booleans": tf.cast(x, tf.bool),
        "bytes": tf.cast(tf.abs(x), tf.uint8),
        "clip": tf.clip_by_value(x, -3, 4),
    }


def arithmetic_of_shapes(x: Any) -> dict[str, Any]:
    """Sizes are computed on the host, by numpy."""
    sides, divisors = tf.shape(x) - 6, tf.constant([3, -2, 4, -2])
    ratio = tf.cast(tf.shape(x)[1], tf.float32) / 3
    return pairs(sides, divisors) | {
        "truncate_div": raw.TruncateDiv(x=sides, y=divisors),
        "rounded_up": tf.cast(tf.math.ceil(ratio), tf.int32) * 3,
        "half": tf.cast(tf.cast(tf.shape(x)[1:3], tf.float32) * 0.5, tf.int32),
        "ratio": ratio * tf.sqrt(ratio),
        "root": tf.math.rsqrt(ratio),
        "div_no_nan": tf.math.divide_no_nan(tf.cast(sides, tf.float32), [3.0, 0.0, 2.0, 0.0]),
        "negative": -sides,
        "total": tf.reduce_prod(tf.shape(x)),
        "longest": tf.reduce_max(tf.shape(x)[1:3]),
        "count": tf.size(x),
        "long_count": tf.size(x, out_type=tf.int64),
        "long_shape": tf.shape(x, out_type=tf.int64),
        "rank": raw.Rank(input=x),
        "range": tf.range(tf.shape(x)[1]),
        "range_of_floats": tf.range(0.5, tf.cast(tf.shape(x)[1], tf.float32), 0.25),
        "range_down": tf.range(tf.shape(x)[1], -2, -3),
        "ramp": raw.LinSpace(start=-1.0, stop=1.0, num=tf.shape(x)[2]),
        "sum_of_three": tf.add_n([sides, sides, divisors]),
        "clip": tf.clip_by_value(sides, -3, 2),
        "same": tf.reduce_all(tf.equal(tf.shape(x), [4, 7, 10, 3])),
        "chosen": tf.where(sides > 0, sides, divisors),
    }


def pairs(x: Any, y: Any) -> dict[str, Any]:
    """The operations of two numbers, in old spellings and new ones."""
    return {
        "add": raw.Add(x=x, y=y),
        "add_v2": raw.AddV2(x=x, y=y),
        "sub": raw.Sub(x=x, y=y),
        "mul": raw.Mul(x=x, y=y),
        "div": raw.Div(x=x, y=y),
        "floor_div": raw.FloorDiv(x=x, y=y),
        "floor_mod": raw.FloorMod(x=x, y=y),
        "mod": raw.Mod(x=x, y=y),
        "maximum": raw.Maximum(x=x, y=y),
        "minimum": raw.Minimum(x=x, y=y),
        "squared_difference": raw.SquaredDifference(x=x, y=y),
        "greater": raw.Greater(x=x, y=y),
        "greater_equal": raw.GreaterEqual(x=x, y=y),
        "less": raw.Less(x=x, y=y),
        "less_equal": raw.LessEqual(x=x, y=y),
        "equal": raw.Equal(x=x, y=y),
        "not_equal": raw.NotEqual(x=x, y=y),
        "logical_and": raw.LogicalAnd(x=x > 0, y=y > 0),
        "logical_or": raw.LogicalOr(x=x > 0, y=y > 0),
        "logical_not": raw.LogicalNot(x=x > 0),
    }


def functions_of_one_value(x: Any) -> dict[str, Any]:
    positive = tf.abs(x)
    with tf.control_dependencies([raw.Assert(condition=True, data=["the picture is empty", tf.shape(x)])]):
        ordered = tf.identity(x)
    return {
        "abs": positive,
        "neg": raw.Neg(x=x),
        "square": tf.square(x),
        "sqrt": tf.sqrt(positive),
        "rsqrt": tf.math.rsqrt(positive),
        "reciprocal": raw.Reciprocal(x=x),
        "inv": raw.Inv(x=x),
        "exp": tf.exp(x),
        "expm1": tf.math.expm1(x),
        "log": tf.math.log(positive),
        "log1p": tf.math.log1p(positive),
        "floor": tf.floor(x),
        "ceil": tf.math.ceil(x),
        "round": tf.round(tf.round(x * 8) / 2),
        "rint": raw.Rint(x=tf.round(x * 8) / 2),
        "sign": tf.sign(x),
        "sin": tf.sin(x),
        "cos": tf.cos(x),
        "erfc": tf.math.erfc(x),
        "zeros_like": raw.ZerosLike(x=x),
        "ones_like": raw.OnesLike(x=x),
        "identity": tf.identity(x),
        "ordered": ordered,
        "stop_gradient": tf.stop_gradient(x),
        "prevent_gradient": raw.PreventGradient(input=x, message="none"),
        "snapshot": raw.Snapshot(input=x),
        "check_numerics": raw.CheckNumerics(tensor=x, message="not a number"),
        "ensure_shape": tf.ensure_shape(x, [1, None, 5, 2]),
        "placeholder_with_default": tf.compat.v1.placeholder_with_default(x, None) * 2,
        "identity_of_many": tf.identity_n([x, x + 1])[1],
    }


def reductions(x: Any) -> dict[str, Any]:
    reducers = {
        "mean": tf.reduce_mean, "sum": tf.reduce_sum, "max": tf.reduce_max, "min": tf.reduce_min,
        "prod": tf.reduce_prod,
    }  # fmt: skip
    outputs: dict[str, Any] = {}
    for name, reduce in reducers.items():
        outputs |= {
            f"{name}_kept": reduce(x, [1, 2], keepdims=True),
            f"{name}_last": reduce(x, -1),
            f"{name}_all": reduce(x),
            f"{name}_none": reduce(x, []),
        }
    return outputs | {
        "whether_all": tf.reduce_all(x > -1.5, [1, -1]),
        "whether_any": tf.reduce_any(x > 1.5, [1, -1], keepdims=True),
        "arg_max": tf.argmax(x, -1),
        "arg_min": tf.argmin(x, 1, output_type=tf.int32),
        "variance": tf.math.reduce_variance(x, [1, 2]),
    }


def reductions_of_integers(x: Any) -> dict[str, Any]:
    return {
        "sum": tf.reduce_sum(x, 1),
        "prod": tf.reduce_prod(x, [1, 2]),
        "max": tf.reduce_max(x, 0),
        "min": tf.reduce_min(x),
        "count": tf.reduce_sum(tf.cast(x > 0, tf.int32)),
    }


def matrix_products(x: Any) -> dict[str, Any]:
    rows = tf.reshape(x, [-1, 4])
    return {
        "plain": tf.matmul(rows, filters(4, 5)),
        "both_transposed": tf.matmul(rows, filters(5, 6), transpose_a=True, transpose_b=True),
        "batch": raw.BatchMatMul(x=x, y=x, adj_y=True),
        "batch_v2": raw.BatchMatMulV2(x=x, y=filters(2, 4, 5)),
        "gram": tf.matmul(rows, rows, transpose_a=True) / 6,
        "einsum": tf.einsum("nij,njk->nik", x, filters(2, 4, 5)),
    }


def strided_slices(x: Any) -> dict[str, Any]:
    return {
        "first_rows": x[:2],
        "last": x[-1],
        "last_of_last": x[..., -1],
        "ends": x[1:-1, 1:],
        "steps": x[::2, 1::3],
        "backwards": x[::-1, :, ::-1],
        "backwards_from_within": x[4:1:-2, -2::-1],
        "new_axes": x[tf.newaxis, :, 1, tf.newaxis],
        "everything": x[1, tf.newaxis, ..., ::-1, tf.newaxis, 2],
        "empty": x[3:2],
        "beyond": x[-100:100, 2:100],
        "not_a_step": x[...],
        "by_size": x[: tf.shape(x)[1] - 2, : -(tf.shape(x)[0] // 3)],
        "shape_backwards": tf.shape(x)[::-1],
        "shape_ends": tf.shape(x)[1:3],
        "shape_last": tf.shape(x)[-1],
    }


def shapes(x: Any) -> dict[str, Any]:
    sides = tf.shape(x)
    number, height, width, depth = tf.unstack(sides)
    third, rest, last = tf.split(x, [1, -1, 2], 3)
    numbers = tf.shape_n([x, third])

    def ramp(number: Any) -> Any:
        return raw.LinSpace(start=-1.0, stop=1.0, num=number)

    return {
        "reshape": tf.reshape(x, [number, height * width, -1]),
        "reshape_packed": tf.reshape(x, tf.stack([number * height, width, depth // 2, 2])),
        "reshape_to_a_scalar": tf.reshape(x[0, 0, 0, :1], []),
        "pack": tf.stack([x, x + 1], 1),
        "pack_last": tf.stack([x, x + 1], -1),
        "pack_sizes": tf.stack([height, 2 * width, 3]),
        "unpack": tf.unstack(x, axis=-1)[2],
        "fill": tf.fill([height, width], 0.5) + x[0, :, :, 0],
        "fill_alone": tf.fill(sides[1:3], 7),
        "expand": tf.expand_dims(x, 2),
        "expand_last": tf.expand_dims(x[0], -1),
        "squeeze": tf.squeeze(x),
        "squeeze_one": tf.squeeze(x[:, :1], [1]),
        "squeeze_last": tf.squeeze(x[..., :1], [-1]),
        "concat": tf.concat([x, x * 2, tf.ones([1, height, width, 2])], 3),
        "concat_last": tf.concat([x, x], -1),
        "old_concat": raw.Concat(concat_dim=1, values=[x, x]),
        "concat_sizes": tf.concat([sides[:1], [2, 3], sides[3:]], 0),
        "split": tf.split(x, 3, 3)[1],
        "split_sizes": tf.split(sides, 2)[1],
        "split_by_sizes": third,
        "split_by_sizes_rest": rest,
        "split_by_sizes_last": last,
        "split_shape_by_sizes": tf.split(sides, [1, 3])[1],
        "transpose": tf.transpose(x, [0, 3, 1, 2]),
        "transpose_reversed": tf.transpose(x),
        "tile": tf.tile(x[:, :, :, :2], [1, 2, 1, 2]),
        "tile_by_size": tf.tile(x[:, :1, :1], [1, height, width, 1]),
        "broadcast": tf.broadcast_to(x[:, :1], sides),
        "broadcast_constant": tf.broadcast_to(tf.constant(0.25), sides),
        "shapes": tf.stack(numbers),
        "reverse": tf.reverse(x, [1, -1]),
        "old_reverse": raw.Reverse(tensor=x, dims=[False, True, True, False]),
        "reverse_sizes": tf.reverse(sides, [0]),
        "zeros_of_a_shape": tf.zeros(sides) + x,
        "coordinates": tf.stack(tf.meshgrid(ramp(width), ramp(height)), -1),
    }


def slices_and_gathers(x: Any) -> dict[str, Any]:
    places = tf.constant([2, 0, 2])
    return {
        "slice": raw.Slice(input=x, begin=[1, 0, 2], size=[2, -1, 3]),
        "slice_by_size": raw.Slice(input=x, begin=[0, 0, 0], size=tf.shape(x) - 1),
        "slice_sizes": raw.Slice(input=tf.shape(x), begin=[1], size=[2]),
        "old_gather": raw.Gather(params=x, indices=places),
        "gather": tf.gather(x, places),
        "gather_channels": tf.gather(x, [2, 1, 0], axis=-1),
        "gather_table": tf.gather(x, [[0, 1], [2, 3]], axis=1),
        "gather_one": tf.gather(x, 1, axis=2),
        "gather_by_values": tf.gather(x, tf.cast(x[:, 0, 0] > 0, tf.int32)),
        "gather_sizes": tf.gather(tf.shape(x), [2, 0]),
        "gather_constants": tf.gather(values(6), tf.argmax(x, -1)),
    }


def depth_and_space(x: Any) -> dict[str, Any]:
    return {
        "to_space": raw.DepthToSpace(input=x, block_size=2),
        "to_depth": raw.SpaceToDepth(input=x, block_size=2),
        "there_and_back": raw.DepthToSpace(input=raw.SpaceToDepth(input=x, block_size=2), block_size=2),
    }


def choices(x: Any) -> dict[str, Any]:
    rows = x[:, 0, 0] > 0
    return {
        "select": raw.Select(condition=x > 0, x=x, y=-x * 2),
        "select_rows": raw.Select(condition=rows, x=x, y=-x),
        "select_all": raw.Select(condition=tf.shape(x)[0] > 2, x=x, y=-x),
        "select_rows_of_constants": raw.Select(condition=[True, False, True], x=x, y=-x),
        "select_v2": raw.SelectV2(condition=x > 0, t=x, e=0.5),
        "select_v2_broadcast": raw.SelectV2(condition=rows[:, None, None], t=x, e=tf.constant(values(2))),
        "select_v2_constants": raw.SelectV2(condition=x > 1, t=1.0, e=-1.0),
        "select_by_size": raw.SelectV2(condition=tf.shape(x)[0] > 5, t=x, e=x * 3),
        "select_integers": raw.SelectV2(condition=x > 0, t=tf.cast(x * 9, tf.int32), e=-7),
    }


def constants(x: Any) -> dict[str, Any]:
    """A constant in every encoding of a TensorProto."""
    floats, halves = values(6), values(6).astype(np.float16)
    lists: dict[str, Any] = {
        "typed_floats": (tf.float32, "float_val", floats.tolist()),
        "splat": (tf.float32, "float_val", [0.75]),
        "two_and_a_splat": (tf.float32, "float_val", [0.75, 2.5]),
        "zeros": (tf.float32, "float_val", []),
        "doubles": (tf.float64, "double_val", floats.tolist()),
        "integers": (tf.int32, "int_val", [1, -2, 300, -70000, 5, 6]),
        "longs": (tf.int64, "int64_val", [1 << 40, -1]),
        "bytes": (tf.uint8, "int_val", [255, 0, 7]),
        "signed_bytes": (tf.int8, "int_val", [-128, 127]),
        "booleans": (tf.bool, "bool_val", [True, False, True, True, False, False]),
        "halves": (tf.float16, "half_val", halves.view(np.uint16).tolist()),
        "brain_floats": (tf.bfloat16, "half_val", (floats.view(np.uint32) >> 16).tolist()),
    }
    outputs = {name: tf.cast(encoded(*parts), tf.float32) * x for name, parts in lists.items()}
    return outputs | {
        "content": tf.constant(floats) * x,
        "content_of_halves": tf.cast(tf.constant(halves), tf.float32) * x,
        "content_of_integers": tf.cast(tf.constant([3, -1, 2, 4, 5, -6]), tf.float32) * x,
        "scalar": x * 3.5,
    }


def encoded(dtype: Any, field: str, numbers: list[Any]) -> Any:
    node = tf.compat.v1.NodeDef(name="y", op="Const")
    node.attr["dtype"].type = dtype.as_datatype_enum
    proto = node.attr["value"].tensor
    proto.dtype = dtype.as_datatype_enum
    proto.tensor_shape.dim.add(size=6)
    getattr(proto, field).extend(numbers)
    return tf.import_graph_def(tf.compat.v1.GraphDef(node=[node]), return_elements=["y:0"])[0]


def filters(*sides: int, seed: int = 0) -> Array:
    """Random weights that keep the size of what they weigh."""
    spread = 1 / np.sqrt(np.prod(sides[:-1]))
    return np.random.default_rng([seed, *sides]).normal(0, spread, sides).astype(np.float32)


def scene(height: int, width: int) -> Array:
    """A sky, a meadow and a sun: BGR, 0-255, float32 [H, W, 3]."""
    down, across = np.mgrid[:height, :width] / [[[height]], [[width]]]
    picture = np.stack([230 - 60 * down, 150 + 60 * down, 90 + 80 * across], -1)
    picture[down > 0.6 + 0.08 * np.sin(6 * across)] = [60, 150, 70]
    picture[(down - 0.3) ** 2 + (across - 0.6) ** 2 < 0.03] = [110, 190, 240]
    grain = np.random.default_rng(5).normal(0, 4, picture.shape)
    return np.clip(picture + grain, 0, 255).round().astype(np.float32)


def cartoon(picture: Any, seed: int, tint: list[float]) -> dict[str, Any]:
    """A U-Net laid out as DCT-Net's, with 4 channels for 32 and one residual block for four."""
    sides = iter(range(99))

    def convolved(x: Any, kernel: int, depth: int, gain: float, stride: int = 1, bias: Any = 0.0) -> Any:
        """Close to the identity times `gain`, so that what comes out looks like what went in."""
        taken = x.shape[-1]
        weights = 0.05 * filters(kernel, kernel, taken, depth, seed=100 * seed + next(sides))
        weights[kernel // 2, kernel // 2] += gain * np.eye(taken, depth)
        kept = tf.identity(tf.constant(weights, tf.float32))
        drawn = raw.Conv2D(input=x, filter=kept, strides=[1, stride, stride, 1], padding="SAME")
        biases = np.broadcast_to(np.array(bias, np.float32), depth)
        return raw.BiasAdd(value=drawn, bias=tf.identity(tf.constant(biases)))

    def leaky(x: Any) -> Any:
        return raw.LeakyRelu(features=x, alpha=0.2)

    def twice(x: Any) -> Any:
        size = tf.stack([tf.shape(x)[1] * 2, tf.shape(x)[2] * 2])
        return raw.ResizeBilinear(images=x, size=size)

    photo = picture[:, :, :][tf.newaxis] / 127.5 - 1.0
    # Lifted by 1, the picture stays above 0, where the activations leave it alone.
    full = leaky(convolved(photo, 7, 4, 1, bias=1.0))
    half = leaky(convolved(leaky(convolved(full, 3, 4, 1, 2)), 3, 8, 1))
    quarter = leaky(convolved(leaky(convolved(half, 3, 8, 1, 2)), 3, 8, 1))
    quarter = quarter + convolved(leaky(convolved(quarter, 3, 8, 0.1)), 3, 8, 0.1)
    back = twice(leaky(convolved(quarter, 3, 8, 1))) + half
    back = twice(leaky(convolved(leaky(convolved(back, 3, 8, 0.5)), 3, 4, 1))) + full
    drawn = convolved(leaky(convolved(back, 3, 4, 0.5)), 7, 3, 1.25, bias=np.array(tint) - 1.25)
    clipped = tf.clip_by_value(guided(photo, drawn)[0], -0.999999, 0.999999)
    return {"output_image": tf.cast((clipped + 1.0) * 127.5, tf.uint8)}


def guided(guide: Any, x: Any) -> Any:
    """The guided filter of radius 1, as DCT-Net's graphs have it."""

    def box(plane: Any) -> Any:
        weights = np.ones((3, 3, plane.shape[-1], 1), np.float32) / 9
        return tf.nn.depthwise_conv2d(plane, weights, [1, 1, 1, 1], "SAME")

    sides = tf.shape(guide)
    share = box(tf.ones(tf.stack([1, sides[1], sides[2], 1])))

    def mean(plane: Any) -> Any:
        return box(plane) / share

    covariance = mean(guide * x) - mean(guide) * mean(x)
    slope = covariance / (mean(guide * guide) - mean(guide) * mean(guide) + 0.005)
    return mean(slope) * guide + mean(x - slope * mean(guide))


if __name__ == "__main__":
    main()
