"""The reader of frozen graphs: every spelling of a constant, and bytes that are no graph."""

import resource
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import GraphUnreadable
from core.tfgraph.reader import Node, read_graph
from tests.core.tfgraph.graphs import TYPES, constant, field, graph, node, raw, tensor, varint

SMALL = graph(
    constant("weights", np.arange(6, dtype=np.float32).reshape(2, 3)),
    node("y", "Add", ["x", "weights:0", "^x"], {"T": np.dtype(np.float32), "keep": True, "sides": [1, -2, 300]}),
)


def read(folder: Path, data: bytes) -> dict[str, Node]:
    path = folder / "graph.pb"
    path.write_bytes(data)
    return {each.name: each for each in read_graph(path)}


def test_nodes_and_attributes_are_read(tmp_path: Path):
    nodes = read(tmp_path, SMALL)
    assert [each.op for each in nodes.values()] == ["Placeholder", "Const", "Add"]
    assert nodes["y"].inputs == ("x", "weights:0", "^x")
    assert nodes["y"].attributes == {"T": np.dtype(np.float32), "keep": True, "sides": [1, -2, 300]}
    assert nodes["weights"].attributes["value"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (raw(np.array([1.5, -2], np.float32)), [1.5, -2]),
        (raw(np.array([True, False])), [True, False]),
        (raw(np.array([0.5, -3], np.float16)), [0.5, -3]),
        (tensor(1, [3], field(5, np.array([1, 2, 3], "<f4").tobytes())), [1, 2, 3]),
        (tensor(1, [2], field(5, 1.0) + field(5, 2.5)), [1, 2.5]),  # not packed
        (tensor(1, [4], field(5, 7.0)), [7, 7, 7, 7]),  # a splat
        (tensor(1, [3], field(5, np.array([1, 2], "<f4").tobytes())), [1, 2, 2]),  # the last one goes on
        (tensor(1, [2], b""), [0, 0]),
        (tensor(3, [3], field(7, varint(5) + varint(-6) + varint(300))), [5, -6, 300]),
        (tensor(9, [2], field(10, varint(-(2**40))) + field(10, 9)), [-(2**40), 9]),
        (tensor(4, [2], field(7, varint(255) + varint(0))), [255, 0]),
        (tensor(10, [2], field(11, varint(1))), [True, True]),
        (tensor(19, [2], field(13, varint(0x3C00) + varint(0xC000))), [1, -2]),  # half
        (tensor(14, [2], field(13, varint(0x3F80) + varint(0xC000))), [1, -2]),  # bfloat16
        (tensor(14, [1], field(4, b"\x80\x3f")), [1]),
        (tensor(1, [], field(5, 0.25)), 0.25),
        (tensor(1, [0, 4], b""), []),
    ],
)
def test_a_constant_is_read_in_every_spelling(tmp_path: Path, content: bytes, expected: object):
    value = read(tmp_path, node("c", "Const", (), {"value": content}))["c"].attributes["value"]
    assert value.tolist() == expected


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no nodes"),
        (b"not a graph at all", "."),
        (SMALL + SMALL, 'two nodes are named "x"'),
        (field(1, field(1, b"nameless op")), "no name or no operation"),
        (node("c", "Const", (), {"value": tensor(1, [2], field(4, b"\0" * 12))}), "has 3 values"),
        (node("c", "Const", (), {"value": tensor(1, [2], field(4, b"\0" * 7))}), "ends within a value"),
        (node("c", "Const", (), {"value": tensor(1, [-1], b"")}), "cannot be read"),
        (node("c", "Const", (), {"value": tensor(99, [1], b"")}), "cannot be read"),
        (node("c", "Const", (), {"value": tensor(1, [0, 2**62, 2**62], b"")}), "cannot be read"),
        (node("c", "Const", (), {"value": tensor(1, [1] * 99, b"")}), "99 sides"),
        # No values at all, and sides that numpy does not take.
        (node("c", "Const", (), {"value": tensor(1, [0, 2**30, 2**30, 2**30], b"")}), "more than"),
        (varint(1 << 3 | 3), "wire type 3"),
        (b"\xff" * 11, "too long"),
    ],
)
def test_what_is_no_graph_is_said_to_be_none(tmp_path: Path, data: bytes, word: str):
    with pytest.raises(GraphUnreadable, match=word):
        read(tmp_path, data)


@pytest.mark.parametrize("sides", [[1 << 20, 1 << 20], [1 << 25]])
def test_a_small_file_cannot_ask_for_much_memory(tmp_path: Path, sides: list[int]):
    bomb = node("c", "Const", (), {"value": tensor(TYPES["float32"], sides, field(5, 1.0))})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(GraphUnreadable, match="more than"):
        read(tmp_path, bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_what_constants_leave_out_is_counted_together(tmp_path: Path):
    content = tensor(TYPES["uint8"], [1 << 26], field(7, 1))
    half = tensor(TYPES["uint8"], [1 << 25], field(7, 1))
    assert read(tmp_path, node("c", "Const", (), {"value": content}))["c"].attributes["value"].sum() == 1 << 26
    with pytest.raises(GraphUnreadable, match="leaves out more than"):
        read(tmp_path, b"".join(node(name, "Const", (), {"value": half}) for name in "abc"))


@pytest.mark.parametrize("length", range(1, len(SMALL), 3))
def test_a_file_cut_short_is_never_taken_for_more_than_it_is(tmp_path: Path, length: int):
    whole = read(tmp_path, SMALL)
    try:
        nodes = read(tmp_path, SMALL[:length])
    except GraphUnreadable:
        return
    # Cut between two nodes: those before the cut are whole.
    assert [(each.name, each.op, each.inputs) for each in nodes.values()] == [
        (each.name, each.op, each.inputs) for each in list(whole.values())[: len(nodes)]
    ]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_give_a_graph_or_a_clear_error(tmp_path: Path, data: st.DataObject):
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(GraphUnreadable):
        assert read(tmp_path, bytes(content))
