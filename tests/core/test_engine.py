"""The local engine: styles are drawn together, results keep their order, faces are found and cared for, and
memory trouble has its own name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from core.engine import LocalEngine, pick_device
from core.errors import Closed, ConfigError, OutOfMemory, UnknownStyle
from core.faces import INSTALL_COMMAND, Face
from core.look import Look
from core.photo import Array, resized
from core.styles import registry
from tests.core.golden import ASTRONAUT_FACE
from tests.pictures import gradient, require_face_weights, sample_photo


class Dye:
    """A style that fills a photo with one value, and notes what it was asked."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.batches: list[int] = []
        self.in_inference_mode = False

    def draw(self, photos: Sequence[Array], faces: Sequence[Sequence[Face]], looks: Sequence[Look]) -> list[Array]:
        self.batches.append(len(photos))
        self.in_inference_mode = torch.is_inference_mode_enabled()
        return [np.full_like(photo, self.value) for photo in photos]


class TooMuch:
    def draw(self, photos: Sequence[Array], faces: Sequence[Sequence[Face]], looks: Sequence[Look]) -> list[Array]:
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture
def dyes() -> dict[str, Dye]:
    return {"red": Dye(10), "blue": Dye(20)}


def engine_with(dyes: dict[str, Dye]) -> LocalEngine:
    """An engine with two quick styles beside one that never fits."""
    styles: dict[str, registry.Style] = {**dyes, "huge": TooMuch()}
    return LocalEngine("cpu", lambda name, device: styles[name])


def test_mixed_styles_are_drawn_together_and_results_keep_the_order_given(dyes: dict[str, Dye]):
    engine = engine_with(dyes)
    photos = [gradient(10 + number, 8) for number in range(5)]
    names = ["red", "blue", "red", "blue", "red"]
    drawn = engine.stylize(photos, [Look(style=name) for name in names])
    assert [cartoon.shape for cartoon in drawn] == [photo.shape for photo in photos]
    assert [int(cartoon[0, 0, 0]) for cartoon in drawn] == [10, 20, 10, 20, 10]
    assert [dye.batches for dye in dyes.values()] == [[3], [2]]
    assert all(dye.in_inference_mode for dye in dyes.values())


def test_no_photos_are_no_work(dyes: dict[str, Dye]):
    assert engine_with(dyes).stylize([], []) == []


def test_a_full_device_is_out_of_memory(dyes: dict[str, Dye]):
    with pytest.raises(OutOfMemory, match="2 photos do not fit on cpu"):
        engine_with(dyes).stylize([gradient(8, 8)] * 2, [Look(style="red"), Look(style="huge")])


def test_an_unknown_style_is_named():
    with pytest.raises(UnknownStyle) as caught:
        LocalEngine("cpu").stylize([gradient(8, 8)], [Look(style="oil")])
    assert caught.value.values["given"] == "oil"


def test_a_closed_engine_says_so_and_closes_twice(dyes: dict[str, Dye]):
    engine = engine_with(dyes)
    engine.stylize([gradient(8, 8)], [Look(style="red")])
    engine.close()
    engine.close()
    with pytest.raises(Closed):
        engine.stylize([gradient(8, 8)], [Look(style="red")])


def test_the_astronauts_face_is_found_and_drawn_with_care():
    require_face_weights()
    photo, look = sample_photo("astronaut"), Look(size=512)
    (drawn,) = LocalEngine("cpu").stylize([photo], [look])
    changed = difference(drawn, plain(photo, look))
    left, top, right, bottom = (round(value) for value in ASTRONAUT_FACE.box)
    inside = changed[top:bottom, left:right]
    assert inside.mean() > 2
    assert inside.sum() > 0.7 * changed.sum()


def test_the_main_face_of_two_people_is_the_larger_one():
    require_face_weights()
    astronaut = sample_photo("astronaut")
    photo = np.zeros((512, 768, 3), np.uint8)
    photo[:256, :256], photo[:, 256:] = resized(astronaut, 256), astronaut
    looks = [Look(size=768, faces="all"), Look(size=768, faces="main")]
    both, main = (
        difference(drawn, plain(photo, looks[0])) for drawn in LocalEngine("cpu").stylize([photo] * 2, looks)
    )
    smaller, larger = (slice(0, 256), slice(0, 240)), (slice(0, 512), slice(256, 768))
    assert both[smaller].max() > 20
    assert main[smaller].max() == 0
    assert both[larger].max() > 20
    assert main[larger].max() > 20


def test_without_the_weights_photos_are_drawn_and_the_command_that_brings_them_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("sys.path", [])
        elsewhere.setattr("sys.path_importer_cache", {})
        engine = LocalEngine("cpu")
    (message,) = caplog.messages
    assert message.endswith(f"To mend it, run: {INSTALL_COMMAND}")
    photo, look = sample_photo("astronaut"), Look(size=512)
    (drawn,) = engine.stylize([photo], [look])
    assert np.array_equal(drawn, plain(photo, look))


def test_auto_takes_the_gpu_where_there_is_one():
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_is_taken_by_its_name():
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here_is_a_config_error_that_says_what_to_set(name: str):
    with pytest.raises(ConfigError, match="Set DEVICE=auto"):
        pick_device(name)


def plain(photo: Array, look: Look) -> Array:
    """The photo drawn without care for faces."""
    with torch.inference_mode():
        return registry.built_in(look.style, torch.device("cpu")).draw([photo], [()], [look])[0]


def difference(one: Array, other: Array) -> npt.NDArray[Any]:
    """Between two pictures, at each pixel, mean of its channels: [H, W]."""
    return np.abs(one.astype(float) - other).mean(-1)
