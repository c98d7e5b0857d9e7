"""Every graph in graphs/ gives what TensorFlow gave for it; make_graphs.py wrote both."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.tfgraph import load_graph

GRAPHS = Path(__file__).parent / "graphs"
# Sums of float32 in another order; in float16, where eleven bits are all there is, by a unit in the last place.
TOLERANCES = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}


def outputs() -> list[tuple[str, str]]:
    """Each graph, and each of its outputs."""
    found: list[tuple[str, str]] = []
    for path in sorted(GRAPHS.glob("*.npz")):
        with np.load(path) as stored:
            found += [(path.stem, name) for name in stored.files if name != "input"]
    return found


def test_there_are_graphs_to_try():
    graphs = {path.stem for path in GRAPHS.glob("*.pb")}
    assert graphs, f"{GRAPHS} has no graphs; make_graphs.py writes them"
    assert graphs == {name for name, _ in outputs()}


@pytest.mark.parametrize(("name", "output"), outputs())
def test_tensorflow_gives_the_same(name: str, output: str):
    with np.load(GRAPHS / f"{name}.npz") as stored:
        taken, expected = stored["input"], stored[output]
    given = load_graph(GRAPHS / f"{name}.pb", output)(torch.from_numpy(taken)).numpy()
    assert (given.dtype, given.shape) == (expected.dtype, expected.shape)
    tolerance = TOLERANCES.get(str(expected.dtype))
    if output == "output_image":
        # A rounded picture: what lies between two levels may fall on either side.
        off = np.abs(given.astype(int) - expected)
        assert (off <= 1).mean() >= 0.999
        assert off.max() <= 3
    elif tolerance is None:
        assert np.array_equal(given, expected)
    else:
        size = np.abs(expected).max(initial=0)
        assert np.allclose(given, expected, rtol=0, atol=tolerance * max(size, 1e-3))


@pytest.mark.parametrize("name", ["dctnet_tiny", "dctnet_tiny_head"])
def test_the_only_output_of_a_graph_needs_no_name(name: str):
    taken = torch.full((16, 24, 3), 128.0)
    path = GRAPHS / f"{name}.pb"
    assert torch.equal(load_graph(path)(taken), load_graph(path, "output_image")(taken))
