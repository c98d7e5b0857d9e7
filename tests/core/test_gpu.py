"""The same drawings on a GPU as on a CPU, in less memory than it is allowed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine import LocalEngine, cap_memory, device_bytes
from core.errors import OutOfMemory
from core.look import Look
from core.photo import Array
from core.styles.registry import BUILT_IN, Styles
from core.weights import WeightsFolder
from tests.models import shared_model
from tests.pictures import sample_photo

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
ANIME = Look("anime", 1.0, 1024)


@pytest.fixture
def no_cap() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def drawn(device: str, look: Look, weights: Path = Path("nowhere"), precision: str = "auto") -> Array:
    engine = LocalEngine(device, Styles(WeightsFolder(weights), precision).build)
    return engine.stylize([sample_photo("astronaut")], [look])[0]


def difference(one: Array, other: Array) -> float:
    """In levels of 255, on average."""
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("style", BUILT_IN)
def test_built_in_styles_are_drawn_as_on_a_cpu(style: str):
    look = Look(style)
    assert difference(drawn("cuda", look), drawn("cpu", look)) < 1


@pytest.mark.parametrize(("precision", "most"), [("full", 0.5), ("auto", 1.5)])
def test_networks_draw_as_on_a_cpu(tmp_path: Path, precision: str, most: float):
    shared_model(tmp_path)
    weights = tmp_path / "weights"
    exact = drawn("cpu", ANIME, weights, "full")
    assert difference(drawn("cuda", ANIME, weights, precision), exact) < most


def test_a_batch_takes_less_than_two_gigabytes(tmp_path: Path):
    shared_model(tmp_path)
    engine = LocalEngine("cuda", Styles(WeightsFolder(tmp_path / "weights")).build)
    torch.cuda.empty_cache()
    engine.stylize([sample_photo("astronaut")] * 4, [ANIME] * 4)
    assert 0 < device_bytes() < 2e9


@pytest.mark.usefixtures("no_cap")
def test_what_goes_beyond_the_cap_does_not_fit():
    torch.cuda.empty_cache()
    engine = LocalEngine("cuda", memory_gb=0.01)
    with pytest.raises(OutOfMemory):
        engine.stylize([sample_photo("astronaut")], [Look(size=2048)])


@pytest.mark.usefixtures("no_cap")
def test_a_cap_above_what_there_is_takes_all():
    cap_memory(torch.device("cuda", 0), 1e6)
    assert drawn("cuda", Look(size=512)).shape[2] == 3
