"""The ink styles: the ones that registry builds, and INK with one parameter changed where that shows its use."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import LocalEngine
from core.errors import UnknownStyle
from core.faces import Face
from core.look import Look
from core.photo import Array, Limits, decode, fitted, resized
from core.styles import registry
from core.styles.ink import InkStyle
from core.styles.ink_parameters import INK
from core.styles.portrait import Frame
from core.styles.registry import Style
from tests.core import golden
from tests.pictures import SHARED_PHOTOS, sample_photo

Plane = npt.NDArray[Any]

CPU = torch.device("cpu")
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
DARK = 60  # a channel below this is ink on the light grounds used here
SHARED = ("group_of_five.jpg", "portrait_glasses.jpg", "scene_building.jpg")


@pytest.fixture(scope="module", params=registry.BUILT_IN)
def style(request: pytest.FixtureRequest) -> Style:
    return registry.built_in(request.param, CPU)


@pytest.fixture(scope="module")
def ink() -> Style:
    return registry.built_in("ink", CPU)


@pytest.fixture(scope="module")
def sketch_ink() -> Style:
    return registry.built_in("sketch-ink", CPU)


@pytest.fixture(scope="module")
def pop() -> Style:
    return registry.built_in("pop", CPU)


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine("cpu")


@pytest.fixture(scope="module")
def scene() -> Array:
    """Sky, hill, sun, a wall with windows, and mild grain: 512x1024."""
    height, width = 768, 1024
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([120 + y / 8, 160 + y / 10, 230 - y / 20], -1)
    picture[y > 520 + 60 * np.sin(x / 150)] = (90, 140, 60)
    picture[(x - 800) ** 2 + (y - 180) ** 2 < 90**2] = (250, 220, 120)
    picture[300:640, 120:480] = (190, 120, 100)
    for left in (160, 270, 380):
        picture[360:440, left : left + 60] = (60, 70, 90)
        picture[500:580, left : left + 60] = (230, 225, 210)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0)
    picture += np.random.default_rng(1).normal(0, 4, (height, width, 1))
    return as_bytes(picture[128:640])


@pytest.fixture(scope="module")
def crowd() -> tuple[Array, Face]:
    """A photo of 768 pixels with one face 40 pixels high, and that face."""
    left, top, right, bottom = golden.ASTRONAUT_FACE.box
    side = round(512 * 40 / (bottom - top))
    before, factor = (768 - side) // 2, side / 512
    after = 768 - side - before
    photo = cv2.copyMakeBorder(
        resized(sample_photo("astronaut"), side), before, after, before, after, cv2.BORDER_REPLICATE
    )
    box = (left * factor + before, top * factor + before, right * factor + before, bottom * factor + before)
    points = tuple((x * factor + before, y * factor + before) for x, y in golden.ASTRONAUT_FACE.points)
    return np.asarray(photo, np.uint8), Face(box, points, 0.9)


@pytest.fixture(scope="module")
def with_care(style: Style, crowd: tuple[Array, Face]) -> Array:
    """The crowd drawn as large as it is, with care for its face."""
    photo, face = crowd
    return draw(style, photo, 768, faces=[face])


@pytest.fixture(scope="module")
def without_care(style: Style, crowd: tuple[Array, Face]) -> Array:
    return draw(style, crowd[0], 768)


def test_unknown_name_is_refused():
    with pytest.raises(UnknownStyle):
        registry.built_in("oil", CPU)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(600, 800, (768, 1024)), (800, 600, (1024, 768)), (1, 1, (1024, 1024)), (1, 5000, (1, 1024))],
)
def test_fitted_keeps_proportions(height: int, width: int, expected: tuple[int, int]):
    assert fitted(height, width, 1024) == expected


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((300, 450), 512, (341, 512)),
        ((450, 300), 512, (512, 341)),
        ((1, 1), 512, (512, 512)),
        ((26, 1024), 1024, (26, 1024)),
        ((1024, 26), 1024, (1024, 26)),
        ((1, 700), 700, (1, 700)),
        ((1, 5000), 2048, (1, 2048)),
        ((20, 30), 600, (400, 600)),
    ],
)
def test_result_has_exactly_the_asked_size(
    ink: Style, shape: tuple[int, int], size: int, expected: tuple[int, int]
):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    drawn = draw(ink, photo, size)
    assert drawn.shape == (*expected, 3)
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize(
    ("shape", "place"),
    [((1, 1), (1, 0.5)), *product(((1, 5000), (15, 60)), ((0, 0), (1, 0.5), (-0.2, 1), (-90, 0)))],
)
def test_a_face_at_the_edge_or_beyond_it_is_drawn(
    style: Style, shape: tuple[int, int], place: tuple[float, float]
):
    """The face's centre is at `place`, a share of the photo's width and height, its eyes 8 pixels apart."""
    height, width = shape
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    x, y = place[0] * width, place[1] * height
    dots = ((-4, -4), (4, -4), (0, 0), (-3, 4), (3, 4))
    face = Face((0, 0, width, height), tuple((x + right, y + down) for right, down in dots), 0.9)
    assert draw(style, photo, 512, faces=[face]).shape == (*fitted(height, width, 512), 3)


def test_same_photo_gives_the_same_drawing(style: Style, crowd: tuple[Array, Face], with_care: Array):
    photo, face = crowd
    before = photo.copy()
    assert np.array_equal(draw(style, photo, 768, faces=[face]), with_care)
    assert np.array_equal(photo, before)


def test_photos_of_one_batch_keep_their_own_faces_and_looks(ink: Style, crowd: tuple[Array, Face]):
    photo, face = crowd
    wall, (strip, its_face) = mottled(128, 1), rows_of(photo, face, slice(264, 504))
    looks = [Look(size=512, strength=0.3), Look(size=640, strength=1.0)]
    with torch.inference_mode():
        first, second = ink.draw([wall, strip], [(), (its_face,)], looks)
    assert np.array_equal(first, draw(ink, wall, 512, 0.3))
    assert np.array_equal(second, draw(ink, strip, 640, 1.0, [its_face]))


@pytest.mark.parametrize("name", registry.BUILT_IN)
@pytest.mark.parametrize("photo", golden.FACES)
def test_the_drawing_is_the_golden_one(name: str, photo: str):
    expected = cv2.imread(str(golden.file_of(name, photo)), cv2.IMREAD_COLOR_RGB)
    assert expected is not None
    drawn = golden.drawn(name, photo).astype(float)
    # Not equal bytes: another CPU sums in another order, and beside a threshold of ink that can move a pixel.
    assert np.abs(drawn - expected).mean() <= 1.0
    assert psnr(drawn, expected) >= 34


def test_distance_to_the_photo_grows_with_strength(style: Style, scene: Array):
    assert_grows(scene, [draw(style, scene, 512, strength) for strength in STRENGTHS])


def test_distance_to_a_portrait_grows_with_strength(style: Style):
    photo, face = rows_of(sample_photo("astronaut"), golden.ASTRONAUT_FACE, slice(16, 240))
    assert_grows(photo, [draw(style, photo, 512, strength, [face]) for strength in STRENGTHS])


@pytest.mark.parametrize("name", SHARED)
def test_distance_to_a_shared_photo_grows_with_strength(engine: LocalEngine, name: str):
    looks = [Look(size=512, strength=strength) for strength in STRENGTHS[1:5]]
    photo = shared(name, looks[0])
    assert_grows(photo, engine.stylize([photo] * len(looks), looks))


def test_every_size_shows_the_same_drawing(style: Style, scene: Array):
    assert_same_drawing(draw(style, scene, 1024), draw(style, scene, 2048))


def test_every_size_shows_the_same_small_face(style: Style, crowd: tuple[Array, Face]):
    photo, face = crowd
    assert_same_drawing(draw(style, photo, 1024, faces=[face]), draw(style, photo, 2048, faces=[face]))


@pytest.mark.parametrize("name", SHARED)
def test_every_size_shows_the_same_drawing_of_a_shared_photo(engine: LocalEngine, name: str):
    looks = [Look(size=1024), Look(size=2048)]
    assert_same_drawing(*engine.stylize([shared(name, look) for look in looks], looks))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_grey_stays_flat_and_grey(style: Style, level: int):
    drawn = draw(style, np.full((100, 300, 3), level, np.uint8), 512, 1.0).astype(int)
    assert np.ptp(drawn) <= 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_grey_keeps_its_lightness(ink: Style, level: int):
    drawn = draw(ink, np.full((100, 300, 3), level, np.uint8), 512, 1.0).astype(int)
    assert abs(drawn.mean() - level) < 24  # half a level of luminance, and the lift


# A fixture of module scope is the same for every example.
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grey=st.integers(10, 245), seed=st.integers(0, 999))
def test_a_wall_stays_one_level(style: Style, grey: int, seed: int):
    wall = mottled(grey, seed)
    drawn = draw(style, wall, 1024, 1.0)
    assert lightness(drawn).std() < 0.7 * lightness(wall).std()
    # Nor does any patch of it leave the level.
    assert np.ptp(broad(lightness(drawn))) < 0.7 * np.ptp(broad(lightness(wall)))


@pytest.mark.parametrize("grain", [0, 3])
def test_a_sky_has_no_speckle(style: Style, grain: float):
    y = np.mgrid[0:384, 0:1024][0]
    noise = np.random.default_rng(2).normal(0, grain, (384, 1024, 1))
    sky = as_bytes(np.stack([110 + y / 6, 150 + y / 8, 225 - y / 16], -1) + noise)
    drawn = lightness(draw(style, sky, 1024, 1.0))
    around = cv2.medianBlur(np.rint(drawn * 2.55).astype(np.uint8), 15) / 2.55
    assert np.abs(drawn - around).max() < 2
    assert drawn.std(1).max() < 0.5  # along a row the sky is even


@pytest.mark.parametrize("strength", [0.7, 1.0])
def test_noise_in_the_dark_is_not_ink(style: Style, strength: float):
    random = np.random.default_rng(3)
    noisy = as_bytes(np.full((240, 640, 3), 28.0) + random.normal(0, 7, (240, 640, 3)))
    drawn = draw(style, noisy, 640, strength).astype(float)
    inked = drawn.mean(-1) < 0.5 * np.median(drawn)
    assert inked.mean() < 0.002
    assert drawn.mean(-1).std() < noisy.mean(-1).std()


@pytest.mark.parametrize("degrees", [0, 7, 30, 80])
def test_a_straight_edge_gets_one_straight_line_without_gaps(style: Style, degrees: float):
    y, x = np.mgrid[0:512, 0:512] - 255.5
    angle = np.radians(degrees)
    light = np.clip(x * np.cos(angle) + y * np.sin(angle) + 0.5, 0, 1)
    noise = np.random.default_rng(4).normal(0, 2, light.shape)
    photo = as_bytes(np.repeat((130 + 95 * light + noise)[..., None], 3, 2))
    drawn = draw(style, photo, 1024, 1.0).mean(-1)
    upright = cv2.warpAffine(drawn, cv2.getRotationMatrix2D((511.5, 511.5), degrees, 1), (1024, 1024))
    around = upright[300:724, 480:544]
    assert around.min(1).max() < DARK
    depth = np.clip(np.median(around[:, :16]) - around - 20, 0, None)
    places = (depth * np.arange(64)).sum(1) / depth.sum(1)
    assert np.ptp(places) < 1
    assert (around < DARK).sum(1).max() < 10  # one line, not two


def test_disc_gets_one_continuous_line_and_no_halo(ink: Style):
    y, x = np.mgrid[0:600, 0:600]
    radius = np.hypot(x - 300, y - 300)
    light, dark = 225.0, 130.0
    edge = np.clip(radius - 200, 0, 1)[..., None]
    drawn = draw(ink, as_bytes(np.repeat(dark + (light - dark) * edge, 3, 2)), 600, 1.0).astype(float)
    polar = cv2.warpPolar(drawn, (300, 1440), (300, 300), 300, cv2.WARP_POLAR_LINEAR).mean(-1)
    line = polar[:, 190:206].min(1)
    assert line.max() < DARK  # at every angle
    outside, inside = polar[:, 215:280], polar[:, 20:180]
    assert np.ptp(outside) < 3
    assert np.ptp(inside) < 3
    assert polar.max() <= outside.max() + 3  # no light band beside the line
    assert (polar < DARK).sum(1).max() < 12  # one line, not two


def test_grass_gets_fewer_lines_than_it_has(ink: Style):
    everywhere = InkStyle(CPU, replace(INK, crowding=0))
    share, full = ((draw(style, grass(), 1024, 1.0).mean(-1) < 50).mean() for style in (ink, everywhere))
    assert 0.02 < share < 0.75 * full


@pytest.mark.parametrize("skin", [(236, 188, 165), (198, 134, 103), (110, 70, 52)])
@pytest.mark.parametrize(("name", "turn", "liveliest"), [("ink", 3, 1.25), ("pop", 8, 1.7)])
def test_skin_keeps_its_hue(name: str, turn: float, liveliest: float, skin: tuple[int, int, int]):
    patch = np.full((60, 240, 3), skin, np.uint8)
    before, after = (lab(p)[0, 0] for p in (patch, draw(registry.built_in(name, CPU), patch, 512, 1.0)))
    turned = np.degrees(np.arctan2(after[2], after[1]) - np.arctan2(before[2], before[1]))
    assert abs(turned) < turn
    assert 1.0 <= np.hypot(*after[1:]) / np.hypot(*before[1:]) < liveliest


def test_a_sketchs_paper_is_white(sketch_ink: Style):
    y, x = np.mgrid[0:400, 0:1024].astype(np.float32)
    photo = np.stack([225 + x / 60, 220 + x / 60, 205 + x / 60], -1)
    cv2.circle(photo, (500, 200), 90, (120, 60, 50), -1, cv2.LINE_AA)
    photo = as_bytes(photo + np.random.default_rng(5).normal(0, 3, (400, 1024, 1)))
    ground = np.hypot(x - 500, y - 200) > 110
    for strength in (0.7, 1.0):
        drawn = draw(sketch_ink, photo, 1024, strength)
        assert drawn[ground].min() > 235
        assert chroma(drawn)[ground].max() < 3 < chroma(photo)[ground].mean()


def test_pop_has_fewer_levels_of_luminance_than_ink(pop: Style, ink: Style, scene: Array):
    of_pop, of_ink = (levels(draw(style, scene, 512, 1.0)) for style in (pop, ink))
    assert of_pop < 0.9 * of_ink
    assert of_ink < 0.9 * levels(resized(scene, 512))


def test_around_a_head_drawn_anew_there_is_no_seam(
    crowd: tuple[Array, Face], with_care: Array, without_care: Array
):
    changed = np.abs(with_care.astype(float) - without_care).mean(-1)
    x, y = torch.arange(768)[None] + 0.5, torch.arange(768)[:, None] + 0.5
    head = Frame.of(crowd[1]).head(x, y).numpy()
    rim = (head > 0.05) & (head < 0.3)
    assert changed[head > 0.7].mean() > 6  # the head is drawn anew
    assert changed[rim].mean() < 3.5  # of 255; measured 1.5 to 2.4
    assert changed[head == 0].max() < 4  # the line under the chin, at most


def test_a_small_face_keeps_its_eyes(crowd: tuple[Array, Face], with_care: Array, without_care: Array):
    contrast, without = (pupils_below_cheeks(drawn, crowd[1]) for drawn in (with_care, without_care))
    assert contrast > 80
    assert contrast > 1.25 * without


def draw(style: Style, photo: Array, size: int, strength: float = 0.7, faces: Sequence[Face] = ()) -> Array:
    with torch.inference_mode():
        return style.draw([photo], [faces], [Look(size=size, strength=strength)])[0]


def assert_grows(photo: Array, drawings: Sequence[Array]) -> None:
    """Drawings of growing strength go farther from the photo with every step."""
    height, width = drawings[0].shape[:2]
    reference = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(float)
    distances = [float(np.abs(drawing - reference).mean()) for drawing in drawings]
    assert all(b > a * 1.005 for a, b in pairwise(distances)), distances


def assert_same_drawing(small: Array, large: Array) -> None:
    reduced = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert psnr(small.astype(float), reduced) >= 26


def psnr(one: Plane, other: Plane) -> float:
    """In dB."""
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((one - other) ** 2))))


def shared(name: str, look: Look) -> Array:
    path: Path = SHARED_PHOTOS / name
    if not path.exists():
        pytest.skip(f"no ../shared/photos/{name} beside this checkout")
    return decode(path, Limits(), look.working_size)


def rows_of(photo: Array, face: Face, rows: slice) -> tuple[Array, Face]:
    """These rows of a photo, and the face as it is in them. Wide photos are drawn more quickly than others."""
    left, top, right, bottom = face.box
    points = tuple((x, y - rows.start) for x, y in face.points)
    return photo[rows], Face((left, top - rows.start, right, bottom - rows.start), points, face.score)


def mottled(grey: int, seed: int) -> Array:
    """A wall with slow mottling of 4 of 255 to either side, and fine grain: uint8 [96, 1024, 3]."""
    random = np.random.default_rng(seed)
    slow = cv2.GaussianBlur(random.normal(0, 1, (96, 1024)), (0, 0), 40)
    slow -= slow.mean()
    plane = grey + 4 * slow / np.abs(slow).max() + random.normal(0, 1.5, slow.shape)
    return as_bytes(np.repeat(plane[..., None], 3, 2))


def grass() -> Array:
    random = np.random.default_rng(6)
    picture = np.full((192, 1024, 3), (80, 120, 50), np.uint8)
    for _ in range(5000):
        x, y = random.integers((0, 0), (1024, 192)).tolist()
        lean, length, light = random.normal(0, 0.35), random.integers(10, 30), random.uniform(0.45, 1.5)
        tip = round(x + length * np.sin(lean)), round(y - length * np.cos(lean))
        cv2.line(picture, (x, y), tip, (90 * light, 130 * light, 55 * light), 2, cv2.LINE_AA)
    return picture


def pupils_below_cheeks(drawn: Array, face: Face) -> float:
    """How much darker than the cheeks the pupils are, of 255, in a drawing of the photo's own size."""
    grey, reach = drawn.astype(float).mean(-1), Frame.of(face).unit / 8
    rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]] + 0.5
    left_eye, right_eye, nose, *_ = face.points
    around = [
        grey[np.hypot(columns - x, rows - y) < reach]
        for x, y in (left_eye, right_eye, (left_eye[0], nose[1]), (right_eye[0], nose[1]))
    ]
    pupils, cheeks = np.concatenate(around[:2]), np.concatenate(around[2:])
    return float(cheeks.mean() - pupils.mean())


def levels(picture: Array) -> float:
    """How many levels of luminance a picture has: the exponential of their histogram's entropy."""
    share = np.histogram(lightness(picture), bins=50, range=(0, 100))[0] / (picture.size / 3)
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def lab(picture: Array) -> Plane:
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def lightness(picture: Array) -> Plane:
    return lab(picture)[..., 0]


def chroma(picture: Array) -> Plane:
    return np.hypot(*np.moveaxis(lab(picture)[..., 1:], -1, 0))


def broad(plane: Plane) -> Plane:
    return cv2.GaussianBlur(plane, (0, 0), 6)


def as_bytes(picture: npt.NDArray[Any]) -> Array:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
