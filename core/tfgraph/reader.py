"""Frozen TensorFlow graphs, read from their protobuf bytes with no TensorFlow and no protobuf library.

The messages are GraphDef, NodeDef, AttrValue, TensorProto and TensorShapeProto of tensorflow/core/framework; the
wire format is https://protobuf.dev/programming-guides/encoding/. Files come from strangers: every length is
checked against what is there, and constants may not grow beyond a bound, however small the file is.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import GraphUnreadable

MAX_FILE_BYTES: Final = 1 << 28
MAX_NODES: Final = 100_000
MAX_LIST: Final = 10_000  # values of an attribute
MAX_CONSTANT_BYTES: Final = 1 << 30  # of all constants of a graph together
MAX_LEFT_OUT_BYTES: Final = 1 << 26  # of those of their values that the file leaves out, being all the same
MAX_RANK: Final = 16

Constant = npt.NDArray[Any]
Shape = tuple[int, ...] | None  # -1: unknown length; None: unknown rank
Attribute = Any  # bytes, int, float, bool, np.dtype, Shape, Constant, or a list of these


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `inputs` name other nodes: "name", "name:1" for another output, "^name" for mere order."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


# DataType of tensorflow/core/framework/types.proto, as far as numpy has it. bfloat16 is read as float32.
DTYPES: Final[Mapping[int, np.dtype[Any]]] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int8),
    9: np.dtype(np.int64),
    10: np.dtype(np.bool_),
    14: np.dtype(np.float32),
    17: np.dtype(np.uint16),
    19: np.dtype(np.float16),
    22: np.dtype(np.uint32),
    23: np.dtype(np.uint64),
}
_STRING: Final = 7
_BFLOAT16: Final = 14
_HALF: Final = 19

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED_LENGTHS: Final[Mapping[int, int]] = {1: 8, 5: 4}
_LONGEST_VARINT: Final = 10


def read_graph(path: Path) -> list[Node]:
    """The nodes of a frozen GraphDef, in the file's order. Raises GraphUnreadable, or OSError."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise GraphUnreadable(f"{path.name} has {size} bytes; a graph has at most {MAX_FILE_BYTES}.")
    try:
        return _Reader().graph(memoryview(path.read_bytes()))
    except (_Malformed, UnicodeDecodeError, struct.error) as error:
        raise GraphUnreadable(f"{path.name} is not a whole TensorFlow graph: {error}.") from error


class _Malformed(Exception):
    """The bytes do not follow the format."""


class _Reader:
    """Reads one file; counts what its constants take."""

    def __init__(self) -> None:
        self._constant_bytes = 0
        self._left_out_bytes = 0

    def graph(self, data: memoryview) -> list[Node]:
        nodes: dict[str, Node] = {}
        for number, value in _fields(data):
            if number == 1:
                node = self._node(_message(value))
                if node.name in nodes:
                    raise _Malformed(f'two nodes are named "{node.name}"')
                nodes[node.name] = node
                if len(nodes) > MAX_NODES:
                    raise _Malformed(f"it has more than {MAX_NODES} nodes")
        if not nodes:
            raise _Malformed("it has no nodes")
        return list(nodes.values())

    def _node(self, data: memoryview) -> Node:
        name = op = ""
        inputs: list[str] = []
        attributes: dict[str, Attribute] = {}
        for number, value in _fields(data):
            match number:
                case 1:
                    name = _text(value)
                case 2:
                    op = _text(value)
                case 3:
                    inputs.append(_text(value))
                case 5:
                    key, attribute = self._entry(_message(value))
                    attributes[key] = attribute
                case _:
                    pass
        if not name or not op:
            raise _Malformed("a node has no name or no operation")
        return Node(name, op, tuple(inputs), attributes)

    def _entry(self, data: memoryview) -> tuple[str, Attribute]:
        key, attribute = "", None
        for number, value in _fields(data):
            if number == 1:
                key = _text(value)
            elif number == 2:
                attribute = self._attribute(_message(value))
        return key, attribute

    def _attribute(self, data: memoryview) -> Attribute:
        attribute: Attribute = None
        for number, value in _fields(data):
            attribute = self._list(_message(value)) if number == 1 else self._value(number, value)
        return attribute

    def _list(self, data: memoryview) -> list[Attribute]:
        values: list[Attribute] = []
        for number, value in _fields(data):
            bytes_left = _LONGEST_VARINT * (MAX_LIST - len(values))
            if bytes_left <= 0 or (not isinstance(value, int) and len(value) > bytes_left):
                raise _Malformed(f"a list has more than {MAX_LIST} values")
            if isinstance(value, int) or number not in (3, 4, 5, 6):
                values.append(self._value(number, value))
            elif number == 4:
                values += _fixed(value, "<f4").tolist()
            else:
                values += [self._value(number, item) for item in _varints(value).tolist()]
        return values

    def _value(self, number: int, value: int | memoryview) -> Attribute:
        match number:
            case 2:
                return bytes(_message(value))
            case 3:
                return _signed(_integer(value))
            case 4:
                return _float(value)
            case 5:
                return bool(_integer(value))
            case 6:
                return DTYPES.get(_integer(value))
            case 7:
                return _shape(_message(value))
            case 8:
                return self._tensor(_message(value))
            case _:
                return None

    def _tensor(self, data: memoryview) -> Constant:
        dtype, shape, content = 0, (), memoryview(b"")
        for number, value in _fields(data):
            match number:
                case 1:
                    dtype = _integer(value)
                case 2:
                    shape = _shape(_message(value))
                case 4:
                    content = _message(value)
                case _:
                    pass
        if dtype == _STRING:
            # Nothing that draws computes with strings; they sit in assertions that nobody reads.
            return np.empty(0, np.object_)
        if dtype not in DTYPES or shape is None or not all(0 <= side <= MAX_CONSTANT_BYTES for side in shape):
            raise _Malformed(f"a constant of type {dtype} and shape {shape} cannot be read")
        count = math.prod(shape)
        # A side of 0 counts as 1: numpy takes no sides whose product is beyond it, even for an empty constant.
        self._constant_bytes += math.prod(max(side, 1) for side in shape) * DTYPES[dtype].itemsize
        if self._constant_bytes > MAX_CONSTANT_BYTES:
            raise _Malformed(f"its constants would take more than {MAX_CONSTANT_BYTES} bytes")
        flat = _raw(content, dtype) if content else _typed(data, dtype, count)
        if flat.size > count or (content and flat.size != count):
            raise _Malformed(f"a constant of shape {shape} has {flat.size} values")
        return self._filled(flat, count).reshape(shape)

    def _filled(self, flat: Constant, count: int) -> Constant:
        """All `count` values: the last one stands for all that follow; no value at all stands for zeros."""
        if flat.size == count:
            return flat
        self._left_out_bytes += (count - flat.size) * flat.itemsize
        if self._left_out_bytes > MAX_LEFT_OUT_BYTES:
            raise _Malformed(f"it leaves out more than {MAX_LEFT_OUT_BYTES} bytes of its constants")
        last = flat[-1] if flat.size else 0
        return np.concatenate([flat, np.full(count - flat.size, last, flat.dtype)])


_REST_OF_TENSOR: Final = 1024  # bytes: its type and its shape
# The field of TensorProto that holds the values of each DataType.
_VALUE_FIELDS: Final[Mapping[int, int]] = {
    1: 5, 2: 6, 3: 7, 4: 7, 5: 7, 6: 7, 9: 10, 10: 11, 14: 13, 17: 7, 19: 13, 22: 16, 23: 17,
}  # fmt: skip
_FIXED_VALUES: Final[Mapping[int, str]] = {5: "<f4", 6: "<f8"}  # all others are varints


def _typed(data: memoryview, dtype: int, count: int) -> Constant:
    """The values in the typed field of a TensorProto, at most `count`: packed together, one by one, or both."""
    if len(data) > (count + 1) * (_LONGEST_VARINT + 2) + _REST_OF_TENSOR:
        # Refused before it is unpacked: what is packed grows many times over.
        raise _Malformed(f"{len(data)} bytes are too many for {count} values")
    parts: list[Constant] = []
    for number, value in _fields(data):
        if number == _VALUE_FIELDS[dtype]:
            fixed = _FIXED_VALUES.get(number)
            if fixed:
                parts.append(_fixed(_message(value), fixed))
            else:
                parts.append(np.array([value], np.uint64) if isinstance(value, int) else _varints(value))
    bits = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    if dtype == _HALF:
        return bits.astype(np.uint16).view(np.float16)
    if dtype == _BFLOAT16:
        return (bits.astype(np.uint32) << 16).view(np.float32)
    # Negative numbers are written as 64-bit two's complement, whatever their own width.
    return (bits.view(np.int64) if bits.dtype == np.uint64 else bits).astype(DTYPES[dtype])


def _raw(content: memoryview, dtype: int) -> Constant:
    """The values in tensor_content: little-endian, row by row."""
    if dtype == _BFLOAT16:
        return (_fixed(content, "<u2").astype(np.uint32) << 16).view(np.float32)
    return _fixed(content, DTYPES[dtype].newbyteorder("<")).astype(DTYPES[dtype])


def _fixed(data: memoryview, dtype: "str | np.dtype[Any]") -> Constant:
    if len(data) % np.dtype(dtype).itemsize:
        raise _Malformed("a constant ends within a value")
    return np.frombuffer(data, dtype)


def _varints(data: memoryview) -> npt.NDArray[np.uint64]:
    """All varints of a packed field at once: seven bits a byte, the lowest first, the last byte below 128."""
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets < 128)
    if octets.size and (not ends.size or ends[-1] != octets.size - 1):
        raise _Malformed("a list ends within a number")
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)[: ends.size]
    lengths = ends - starts + 1
    longest = int(lengths.max(initial=0))
    if longest > _LONGEST_VARINT:
        raise _Malformed("a number is too long")
    values = np.zeros(ends.size, np.uint64)
    for place in range(longest):
        has = lengths > place
        values[has] |= (octets[starts[has] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
    return values


def _shape(data: memoryview) -> Shape:
    sides: list[int] = []
    for number, value in _fields(data):
        if number == 3 and _integer(value):
            return None
        if number == 2:
            side = 0
            for inner, length in _fields(_message(value)):
                if inner == 1:
                    side = _signed(_integer(length))
            sides.append(side)
    if len(sides) > MAX_RANK:
        raise _Malformed(f"a shape has {len(sides)} sides")
    return tuple(sides)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: number, and an integer (varint) or bytes (all else)."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, form = key >> 3, key & 7
        if form == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if form == _BYTES:
            length, at = _varint(data, at)
        elif form in _FIXED_LENGTHS:
            length = _FIXED_LENGTHS[form]
        else:
            raise _Malformed(f"a field has the unknown wire type {form}")
        if length > end - at:
            raise _Malformed("it is cut short")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(data):
            raise _Malformed("it is cut short")
        octet = data[at + place]
        value |= (octet & 127) << 7 * place
        if octet < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at + place + 1
    raise _Malformed("a number is too long")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _Malformed("a number stands where a message should")
    return value


def _integer(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise _Malformed("a message stands where a number should")
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(value: int | memoryview) -> str:
    return str(_message(value), "utf-8")


def _float(value: int | memoryview) -> float:
    data = _message(value)
    if len(data) != 4:
        raise _Malformed("a float has not four bytes")
    return float(struct.unpack("<f", data)[0])
