"""Writes small frozen graphs, as TensorFlow writes them, so that the reader can be tried on every spelling."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

TYPES = {"float32": 1, "int32": 3, "uint8": 4, "int64": 9, "bool": 10, "float16": 19}


def varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    octets = bytearray()
    while number > 127:
        octets.append(number & 127 | 128)
        number >>= 7
    return bytes([*octets, number])


def field(number: int, value: int | float | bytes) -> bytes:
    """A field: varint for an integer, four bytes for a float, length and content for bytes."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def shape(sides: Sequence[int]) -> bytes:
    return b"".join(field(2, field(1, side)) for side in sides)


def tensor(dtype: int, sides: Sequence[int], values: bytes) -> bytes:
    """A TensorProto; `values`: its fields that hold the values."""
    return field(1, dtype) + field(2, shape(sides)) + values


def raw(array: npt.NDArray[Any]) -> bytes:
    """A TensorProto with its values as raw bytes."""
    return tensor(TYPES[str(array.dtype)], array.shape, field(4, array.tobytes()))


def attribute(value: object) -> bytes:
    match value:
        case bool():
            return field(5, int(value))
        case int():
            return field(3, value)
        case float():
            return field(4, value)
        case str():
            return field(2, value.encode())
        case np.dtype():
            return field(6, TYPES[str(value)])
        case np.ndarray():
            return field(8, raw(value))
        case bytes():
            return field(8, value)
        case list():
            return field(1, _listed(value))
        case tuple():
            return field(7, shape(value))
        case _:
            raise TypeError(f"no attribute is a {type(value)}")


def _listed(values: Sequence[Any]) -> bytes:
    """A list of texts, or of whole numbers."""
    if values and isinstance(values[0], str):
        return b"".join(field(2, each.encode()) for each in values)
    return field(3, b"".join(varint(int(each)) for each in values))


def node(name: str, op: str, inputs: Sequence[str] = (), attributes: Mapping[str, object] | None = None) -> bytes:
    """A GraphDef with this one node; graphs are joined by joining their bytes."""
    content = field(1, name.encode()) + field(2, op.encode())
    content += b"".join(field(3, each.encode()) for each in inputs)
    for key, value in (attributes or {}).items():
        content += field(5, field(1, key.encode()) + field(2, attribute(value)))
    return field(1, content)


def constant(name: str, value: npt.NDArray[Any]) -> bytes:
    return node(name, "Const", (), {"dtype": value.dtype, "value": value})


def graph(*nodes: bytes, sides: tuple[int, ...] | None = None) -> bytes:
    """A placeholder "x" of floats, and these nodes. `sides` of the placeholder: -1 where any length will do."""
    attributes = {"dtype": np.dtype(np.float32)} | ({"shape": sides} if sides else {})
    return node("x", "Placeholder", (), attributes) + b"".join(nodes)
