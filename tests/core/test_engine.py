"""The local engine: styles are drawn together, results keep their order, and memory trouble has its own name."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from core.engine import LocalEngine, pick_device
from core.errors import Closed, ConfigError, OutOfMemory, UnknownStyle
from core.look import Look
from core.photo import Array
from core.styles import registry
from tests.pictures import gradient


class Dye:
    """A style that fills a photo with one value, and notes what it was asked."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.batches: list[int] = []
        self.in_inference_mode = False

    def draw(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.batches.append(len(photos))
        self.in_inference_mode = torch.is_inference_mode_enabled()
        return [np.full_like(photo, self.value) for photo in photos]


class TooMuch:
    def draw(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture
def dyes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Dye]:
    """Two quick styles on offer beside one that never fits."""
    offered = {"red": Dye(10), "blue": Dye(20)}
    built: dict[str, registry.Style] = {**offered, "huge": TooMuch()}
    monkeypatch.setattr(registry, "build", lambda name, device: built[name])
    return offered


def test_mixed_styles_are_drawn_together_and_results_keep_the_order_given(dyes: dict[str, Dye]):
    engine = LocalEngine("cpu")
    photos = [gradient(10 + number, 8) for number in range(5)]
    names = ["red", "blue", "red", "blue", "red"]
    drawn = engine.stylize(photos, [Look(style=name) for name in names])
    assert [cartoon.shape for cartoon in drawn] == [photo.shape for photo in photos]
    assert [int(cartoon[0, 0, 0]) for cartoon in drawn] == [10, 20, 10, 20, 10]
    assert [dye.batches for dye in dyes.values()] == [[3], [2]]
    assert all(dye.in_inference_mode for dye in dyes.values())


def test_no_photos_are_no_work(dyes: dict[str, Dye]):
    assert LocalEngine("cpu").stylize([], []) == []


def test_a_full_device_is_out_of_memory(dyes: dict[str, Dye]):
    with pytest.raises(OutOfMemory, match="2 photos do not fit on cpu"):
        LocalEngine("cpu").stylize([gradient(8, 8)] * 2, [Look(style="red"), Look(style="huge")])


def test_an_unknown_style_is_named():
    with pytest.raises(UnknownStyle) as caught:
        LocalEngine("cpu").stylize([gradient(8, 8)], [Look(style="oil")])
    assert caught.value.values["given"] == "oil"


def test_a_closed_engine_says_so_and_closes_twice(dyes: dict[str, Dye]):
    engine = LocalEngine("cpu")
    engine.stylize([gradient(8, 8)], [Look(style="red")])
    engine.close()
    engine.close()
    with pytest.raises(Closed):
        engine.stylize([gradient(8, 8)], [Look(style="red")])


def test_auto_takes_the_gpu_where_there_is_one():
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_is_taken_by_its_name():
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here_is_a_config_error_that_says_what_to_set(name: str):
    with pytest.raises(ConfigError, match="Set DEVICE=auto"):
        pick_device(name)
