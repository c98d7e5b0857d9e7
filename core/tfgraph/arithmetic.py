"""Elementwise operations and reductions."""

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.tfgraph.reader import Node
from core.tfgraph.values import TORCH_DTYPES, Host, Operations, Run, Value, host, integers, tensor, text, together

operations: Final = Operations()
# They give what they take.
ALIASES: Final = (
    "Identity",
    "StopGradient",
    "PreventGradient",
    "Snapshot",
    "CheckNumerics",
    "EnsureShape",
    "PlaceholderWithDefault",
)


def _elementwise(of_tensors: Callable[..., Tensor], of_hosts: Callable[..., Any]) -> Run:
    def run(*values: Value) -> Value:
        values = together(values)
        if isinstance(values[0], Tensor):
            return of_tensors(*values)
        return np.asarray(of_hosts(*values), _kind(values[0], of_hosts))

    return run


def of_either(run: Callable[..., Value]) -> Run:
    """Lets what PyTorch does to its first value be done to one on the host, too."""

    def run_either(value: Value, *others: Value) -> Value:
        if isinstance(value, Tensor):
            return run(value, *others)
        return host(run(torch.from_numpy(np.array(value, order="C")), *others))

    return run_either


def _kind(value: Value, of_hosts: Callable[..., Any]) -> Any:
    """TensorFlow keeps the type where numpy would widen it; comparisons give booleans."""
    return None if of_hosts in _COMPARISONS else host(value).dtype


def _quotient(x: Tensor, y: Tensor) -> Tensor:
    """The old division: whole numbers are cut towards zero."""
    return torch.div(x, y, rounding_mode=None if x.is_floating_point() else "trunc")


def _host_quotient(x: Host, y: Host) -> Host:
    quotient = np.true_divide(x, y)
    return quotient if x.dtype.kind == "f" else np.trunc(quotient)


def _safe_quotient(x: Tensor, y: Tensor) -> Tensor:
    """0 where y is 0."""
    return torch.where(y == 0, 0, x / y)


def _host_safe_quotient(x: Host, y: Host) -> Host:
    return np.divide(x, y, out=np.zeros(np.broadcast_shapes(x.shape, y.shape), x.dtype), where=y != 0)


def _total(*values: Any) -> Any:
    return reduce(add, values)


_COMPARISONS: Final = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)

for names, of_tensors, of_hosts in (
    (("Add", "AddV2"), torch.add, np.add),
    (("Sub",), torch.sub, np.subtract),
    (("Mul",), torch.mul, np.multiply),
    (("AddN",), _total, _total),
    (("Div", "TruncateDiv"), _quotient, _host_quotient),
    (("DivNoNan",), _safe_quotient, _host_safe_quotient),
    (("RealDiv",), torch.true_divide, np.true_divide),
    (("FloorDiv",), partial(torch.div, rounding_mode="floor"), np.floor_divide),
    (("FloorMod",), torch.remainder, np.mod),
    (("Mod", "TruncateMod"), torch.fmod, np.fmod),
    (("Pow",), torch.pow, np.power),
    (("Maximum",), torch.maximum, np.maximum),
    (("Minimum",), torch.minimum, np.minimum),
    (("SquaredDifference",), lambda x, y: (x - y).square(), lambda x, y: np.square(x - y)),
    (("Greater",), torch.gt, np.greater),
    (("GreaterEqual",), torch.ge, np.greater_equal),
    (("Less",), torch.lt, np.less),
    (("LessEqual",), torch.le, np.less_equal),
    (("Equal",), torch.eq, np.equal),
    (("NotEqual",), torch.ne, np.not_equal),
    (("LogicalAnd",), torch.logical_and, np.logical_and),
    (("LogicalOr",), torch.logical_or, np.logical_or),
    (("LogicalNot",), torch.logical_not, np.logical_not),
    (("Abs",), torch.abs, np.abs),
    (("Neg",), torch.neg, np.negative),
    (("Square",), torch.square, np.square),
    (("Sqrt",), torch.sqrt, np.sqrt),
    (("Rsqrt",), torch.rsqrt, lambda x: 1 / np.sqrt(x)),
    (("Reciprocal", "Inv"), torch.reciprocal, np.reciprocal),
    (("Exp",), torch.exp, np.exp),
    (("Expm1",), torch.expm1, np.expm1),
    (("Log",), torch.log, np.log),
    (("Log1p",), torch.log1p, np.log1p),
    (("Floor",), torch.floor, np.floor),
    (("Ceil",), torch.ceil, np.ceil),
    (("Round", "Rint"), torch.round, np.rint),
    (("Sign",), torch.sign, np.sign),
    (("Sin",), torch.sin, np.sin),
    (("Cos",), torch.cos, np.cos),
    (("ZerosLike",), torch.zeros_like, np.zeros_like),
    (("OnesLike",), torch.ones_like, np.ones_like),
):
    operations.plain(_elementwise(of_tensors, of_hosts), *names)

for names, activation in (
    (("Relu",), F.relu),
    (("Relu6",), F.relu6),
    (("Elu",), F.elu),
    (("Selu",), F.selu),
    (("Softplus",), F.softplus),
    (("Softsign",), F.softsign),
    (("Sigmoid",), torch.sigmoid),
    (("Tanh",), torch.tanh),
    (("Erf",), torch.erf),
    (("Erfc",), torch.erfc),
    (("Softmax",), partial(F.softmax, dim=-1)),
    (("LogSoftmax",), partial(F.log_softmax, dim=-1)),
):
    operations.plain(of_either(activation), *names)

operations.plain(lambda value, *_: value, *ALIASES)
operations.plain(lambda *values: values, "IdentityN")


@operations("LeakyRelu")
def leaky_relu(node: Node) -> Run:
    """x, or `alpha` times x where that is more."""
    return of_either(partial(F.leaky_relu, negative_slope=node.attributes.get("alpha", 0.2)))


@operations("ClipByValue")
def _clip(_: Node) -> Run:
    def run(value: Value, low: Value, high: Value) -> Value:
        value, low, high = together((value, low, high))
        if isinstance(value, Tensor):
            return torch.minimum(torch.maximum(value, tensor(low, value)), tensor(high, value))
        return np.clip(value, host(low), host(high))

    return run


@operations("Select", "SelectV2")
def _select(node: Node) -> Run:
    def run(choose: Value, yes: Value, no: Value) -> Value:
        choose, yes, no = together((choose, yes, no))
        if isinstance(choose, Tensor) and isinstance(yes, Tensor) and isinstance(no, Tensor):
            if node.op == "Select" and choose.dim() == 1:
                # The old spelling chooses whole rows by a vector.
                choose = choose.reshape(-1, *[1] * (yes.dim() - 1))
            return torch.where(choose, yes, no)
        return np.where(host(choose), host(yes), host(no))

    return run


@operations("Cast")
def _cast(node: Node) -> Run:
    dtype = node.attributes["DstT"]
    source = TORCH_DTYPES.get(node.attributes.get("SrcT", dtype))

    def run(value: Value) -> Value:
        if not isinstance(value, Tensor):
            return value.astype(dtype)
        target = TORCH_DTYPES[dtype]
        # Floats of another precision than the graph's own: it was lowered, and stays so.
        lowered = value.is_floating_point() and value.dtype != source
        return value if lowered and target.is_floating_point else value.to(target)

    return run


@operations("Mean", "Sum", "Max", "Min", "Prod", "All", "Any")
def _reduce(node: Node) -> Run:
    keep = bool(node.attributes.get("keep_dims", False))
    of_hosts = getattr(np, node.op.lower())

    def run(value: Value, axes: Value) -> Value:
        dimensions = integers(axes)
        if not isinstance(value, Tensor):
            return np.asarray(of_hosts(value, axis=tuple(dimensions), keepdims=keep), value.dtype)
        if not dimensions:
            return value
        match node.op:
            case "Mean":
                return value.mean(dimensions, keep)
            case "Sum":
                return value.sum(dimensions, keep, dtype=value.dtype)
            case "Max":
                return value.amax(dimensions, keep)
            case "Min":
                return value.amin(dimensions, keep)
            case _:
                for dimension in sorted((axis % value.dim() for axis in dimensions), reverse=True):
                    value = getattr(value, node.op.lower())(dimension, keep).to(value.dtype)
                return value

    return run


@operations("ArgMax", "ArgMin")
def _place_of_extreme(node: Node) -> Run:
    dtype = TORCH_DTYPES[node.attributes.get("output_type") or np.dtype(np.int64)]
    find = torch.argmax if node.op == "ArgMax" else torch.argmin
    return lambda value, axis: find(value, integers(axis)[0]).to(dtype)


@operations("Einsum")
def _einsum(node: Node) -> Run:
    equation = text(node.attributes["equation"])
    return lambda *values: torch.einsum(equation, *values)


@operations("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _matrix_product(node: Node) -> Run:
    turn_left = node.attributes.get("transpose_a") or node.attributes.get("adj_x")
    turn_right = node.attributes.get("transpose_b") or node.attributes.get("adj_y")

    def run(left: Tensor, right: Tensor) -> Value:
        return (left.mT if turn_left else left) @ (right.mT if turn_right else right)

    return run
