"""The released pipeline's geometry, oddities included: against its own alignment, as modelscope installs it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from core.faces import Face
from core.photo import Array, resized
from core.styles.dctnet_exact import ReleasedPipeline
from core.styles.heads import SIDE
from core.tfgraph import load_graph
from core.weights import Installed
from tests import models
from tests.core.golden import ASTRONAUT_FACE
from tests.core.test_heads import around, face_at
from tests.core.tfgraph.graphs import constant, graph, node
from tests.pictures import gradient, sample_photo

Plane = npt.NDArray[Any]

CPU = torch.device("cpu")
LEFT, RIGHT = (250, 20, 20), (20, 20, 250)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return models.installed(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def pipeline(weights: Installed) -> ReleasedPipeline:
    return ReleasedPipeline(CPU, weights)


@pytest.fixture(scope="module")
def two_sided(weights: Installed, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Weights that leave the picture as it is, and make of any head a square that is red at the left, blue at the
    right."""
    folder = tmp_path_factory.mktemp("two-sided")
    to_bytes = {"SrcT": np.dtype(np.float32), "DstT": np.dtype(np.uint8)}
    halves = np.empty((SIDE, SIDE, 3), np.float32)
    halves[:, : SIDE // 2], halves[:, SIDE // 2 :] = LEFT[::-1], RIGHT[::-1]
    (folder / "whole.pb").write_bytes(graph(node("y", "Cast", ["x"], to_bytes)))
    (folder / "head.pb").write_bytes(
        graph(
            constant("nothing", np.zeros((1, 1, 1), np.float32)),
            constant("halves", halves),
            node("black", "Mul", ["x", "nothing"]),
            node("drawn", "Add", ["black", "halves"]),
            node("y", "Cast", ["drawn"], to_bytes),
        )
    )
    return replace(weights, whole_picture=folder / "whole.pb", heads=folder / "head.pb")


@pytest.fixture(scope="module")
def alignment() -> Iterator[Any]:
    """The released modules that align heads. They need neither TensorFlow nor the packages around them."""
    root = find_spec("modelscope")
    assert root is not None
    assert root.origin is not None
    folder = Path(root.origin).parent / "models/cv/cartoon/mtcnn_pytorch/src"
    names = ("released", "released.matlab_cp2tform", "released.align_trans")
    for name, file in zip(names, ("__init__", "matlab_cp2tform", "align_trans"), strict=True):
        search = [str(folder)] if name == "released" else None
        spec = spec_from_file_location(name, folder / f"{file}.py", submodule_search_locations=search)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    yield sys.modules["released.align_trans"]
    for name in names:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("height", "width", "reduced", "padded"),
    [
        (96, 128, (96, 128), (96, 128)),
        (96, 120, (96, 120), (112, 128)),  # both sides grow, the one that fits too
        (100, 128, (100, 128), (112, 144)),
        (100, 90, (100, 90), (112, 96)),
        (800, 1001, (720, 900), (736, 912)),
        (1001, 800, (900, 720), (912, 736)),
        (720, 800, (720, 800), (720, 800)),
        (1, 40, (1, 40), (16, 48)),
    ],
)
def test_without_a_face_the_result_is_the_network_s_own_at_the_reduced_size(
    pipeline: ReleasedPipeline,
    weights: Installed,
    height: int,
    width: int,
    reduced: tuple[int, int],
    padded: tuple[int, int],
):
    photo = np.asarray(cv2.resize(sample_photo("coffee"), (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = reduced
    page = np.full((*padded, 3), 255, np.float32)
    page[:rows, :columns] = cv2.resize(photo, (columns, rows), interpolation=cv2.INTER_AREA)[..., ::-1]
    expected = load_graph(weights.whole_picture)(torch.from_numpy(page)).numpy()[:rows, :columns, ::-1]
    drawn = pipeline.draw(photo, [])
    assert (drawn.dtype, drawn.shape) == (np.uint8, (rows, columns, 3))
    assert np.array_equal(drawn, expected)


@pytest.mark.parametrize(("height", "width"), [(300, 410), (900, 800)])
def test_with_faces_the_result_is_what_the_released_code_makes(
    pipeline: ReleasedPipeline, weights: Installed, alignment: Any, height: int, width: int
):
    photo = np.asarray(cv2.resize(sample_photo("coffee"), (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    faces = [
        face_at(around(side * height / 300, np.radians(degrees), centre * height / 300))
        for side, degrees, centre in ((160, 10, 120 + 110j), (90, -30, 200 + 200j), (120, 0, 290 + 20j))
    ]
    before = photo.copy()
    drawn, expected = pipeline.draw(photo, faces), released(photo, faces, weights, alignment)
    assert (drawn.dtype, drawn.shape) == (np.uint8, photo.shape)
    off = np.abs(drawn.astype(int) - expected)
    assert (off <= 1).mean() > 0.999
    assert off.mean() < 0.05
    assert np.array_equal(photo, before)
    # And the heads are there.
    plain = cv2.resize(pipeline.draw(photo, []), (width, height), interpolation=cv2.INTER_AREA)
    assert (np.abs(drawn.astype(int) - plain).max(-1) > 30).mean() > 0.1


@pytest.mark.parametrize(
    ("narrow", "reflected"), [(1.0, False), (0.9, False), (0.5, False), (0.2, True), (0.1, True)]
)
@pytest.mark.parametrize("degrees", [0, 25])
def test_a_narrow_face_is_drawn_mirrored_and_a_frontal_one_is_not(
    two_sided: Installed, alignment: Any, narrow: float, degrees: float, reflected: bool
):
    photo = np.full((400, 400, 3), 128, np.uint8)
    upright = around(250, 0, 0j)
    turn = np.exp(1j * np.radians(degrees))
    face = face_at((upright.real * narrow + 1j * upright.imag) * turn + (200 + 200j))
    drawn = ReleasedPipeline(CPU, two_sided).draw(photo, [face])
    expected = released(photo, [face], two_sided, alignment)
    assert (np.abs(drawn.astype(int) - expected) <= 1).mean() > 0.995
    # Cheeks to both sides of the middle, across the face.
    left, right = (drawn[round(200 + p.imag), round(200 + p.real)] for p in (-40 * turn, 40 * turn))
    sides = (RIGHT, LEFT) if reflected else (LEFT, RIGHT)
    assert np.abs(np.array([left, right], int) - np.array(sides)).max() <= 3


def test_later_faces_are_drawn_over_earlier_ones(two_sided: Installed):
    photo = np.full((400, 400, 3), 128, np.uint8)
    first, second = (face_at(around(200, 0, centre)) for centre in (150 + 200j, 250 + 200j))
    pipeline = ReleasedPipeline(CPU, two_sided)
    assert pipeline.draw(photo, [first, second])[200, 200].tolist() == pytest.approx(LEFT, abs=3)
    assert pipeline.draw(photo, [second, first])[200, 200].tolist() == pytest.approx(RIGHT, abs=3)


def test_a_face_outside_the_photo_changes_the_size_alone(pipeline: ReleasedPipeline):
    photo = gradient(900, 800)
    away = face_at(around(200, 0, -1000 - 1000j))
    plain, drawn = pipeline.draw(photo, []), pipeline.draw(photo, [away])
    assert plain.shape == (720, 810, 3)
    assert drawn.shape == photo.shape
    enlarged = cv2.resize(plain.astype(np.float32), (900, 800), interpolation=cv2.INTER_AREA)
    assert np.abs(drawn - enlarged).max() <= 0.5001


def test_a_trained_model_draws_the_face_again(tmp_path: Path):
    pipeline = ReleasedPipeline(CPU, models.shared_model(tmp_path))
    photo = np.ascontiguousarray(sample_photo("astronaut")[:320, 64:384])
    face = face_at([complex(x - 64, y) for x, y in ASTRONAUT_FACE.points])
    plain, drawn = pipeline.draw(photo, []), pipeline.draw(photo, [face])
    changed = np.abs(drawn.astype(int) - plain).max(-1)
    nose_x, nose_y = map(round, face.points[2])
    assert (changed[nose_y - 20 : nose_y + 20, nose_x - 20 : nose_x + 20] > 8).mean() > 0.8
    assert not changed[260:].any()
    assert 5 < np.abs(drawn.astype(int) - resized(photo, 320)).mean() < 50


def released(photo: Array, faces: Sequence[Face], weights: Installed, alignment: Any) -> Array:
    """As image_cartoon_pipeline.py draws it in `forward`, with its own alignment, in RGB."""
    height, width = photo.shape[:2]
    scale = min(1.0, 720 / min(height, width))
    columns, rows = int(width * scale + 1e-6), int(height * scale + 1e-6)
    small = cv2.resize(photo, (columns, rows), interpolation=cv2.INTER_AREA)
    padded = np.full(((rows // 16 + 1) * 16, (columns // 16 + 1) * 16, 3), 255, np.uint8)
    padded[:rows, :columns] = small
    result = run(weights.whole_picture, padded)[:rows, :columns].astype(float)
    mask = cv2.imread(str(weights.mask), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    for face in faces:
        points = np.array(face.points) * (columns / width, rows / height) - 0.5
        square, back = alignment.warp_and_crop_face(
            small,
            points,
            ratio=0.75,
            reference_pts=alignment.get_reference_facial_points(default_square=True),
            crop_size=(SIDE, SIDE),
            return_trans_inv=True,
        )
        head = cv2.warpAffine(run(weights.heads, square), back, (columns, rows))
        share = cv2.warpAffine(mask.astype(np.float32) / 255, back, (columns, rows))[..., None]
        result = share * head + (1 - share) * result
    return np.rint(cv2.resize(result, (width, height), interpolation=cv2.INTER_AREA)).astype(np.uint8)


def run(path: Path, picture: Plane) -> Array:
    """What a network makes of an RGB picture, in RGB."""
    bgr = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1], np.float32))
    return np.ascontiguousarray(load_graph(path)(bgr).numpy()[..., ::-1])
