"""The DCT-Net styles, with tiny networks: the one for heads tints red, which shows where heads were drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.faces import Face
from core.look import Look
from core.photo import Array, fitted, resized
from core.styles.dctnet import CANVAS, LEAST_CANVAS, MOST_HEADS, DctNetStyle, canvas_shape, half_precision
from core.styles.heads import SIDE, Head
from core.tfgraph import load_graph
from tests import models
from tests.core.golden import ASTRONAUT_FACE
from tests.core.test_heads import around, face_at
from tests.pictures import gradient, sample_photo

Plane = npt.NDArray[Any]

CPU = torch.device("cpu")
# Where the scene is flat.
GROUNDS = (np.s_[500:1000, 400:800], np.s_[420:580, 1350:1550], np.s_[100:180, 100:2000])


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> DctNetStyle:
    return DctNetStyle(CPU, models.installed(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def scene() -> Array:
    """Shapes with hard edges on flat grounds, every ground with the grain of a camera: 1536x2048."""
    picture = np.full((1536, 2048, 3), (90, 120, 150), np.uint8)
    cv2.rectangle(picture, (300, 200), (900, 1300), (215, 200, 170), -1)
    cv2.circle(picture, (1450, 500), 300, (40, 60, 50), -1, cv2.LINE_AA)
    for x in range(1100, 1900, 40):
        cv2.line(picture, (x, 900), (x + 60, 1450), (230, 220, 60), 3, cv2.LINE_AA)
    grain = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


# Sizes


@pytest.mark.parametrize("with_faces", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [
        (300, 400, (512, 1024)),
        (400, 300, (700,)),
        (333, 333, (512,)),
        (767, 1024, (1023,)),
        (60, 2048, (512, 2048)),
        (2048, 60, (1024,)),
        (1, 700, (512, 2048)),
        (1, 1, (512,)),
        (17, 40, (512, 1024)),
        (99, 70, (2048,)),
    ],
)
def test_the_result_has_the_asked_size(
    style: DctNetStyle, height: int, width: int, sizes: tuple[int, ...], with_faces: bool
):
    photo = resized(gradient(64, 48), 64)
    photo = np.asarray(cv2.resize(photo, (width, height)), np.uint8)
    centre = complex(width / 2, height / 2)
    faces = [face_of(0.9 * min(height, width), 0, centre), face_of(60, 20, 0j)] if with_faces else []
    for size in sizes:
        drawn = draw(style, photo, size, 0.7, faces)
        assert drawn.shape == (*fitted(height, width, size), 3)
        assert max(drawn.shape) == size
        assert drawn.dtype == np.uint8


@given(height=st.integers(1, 2048), width=st.integers(1, 2048))
def test_a_canvas_is_as_large_as_released_or_larger_for_small_photos(height: int, width: int):
    rows, columns = canvas_shape(height, width)
    assert min(rows, columns) <= CANVAS
    if min(height, width) > CANVAS:
        assert min(rows, columns) == CANVAS
    elif max(height, width) >= LEAST_CANVAS:
        assert (rows, columns) == (height, width)
    else:
        assert max(rows, columns) == LEAST_CANVAS
    # In the photo's proportions, to half a pixel.
    scale = max(rows, columns) / max(height, width)
    assert abs(rows - height * scale) <= 1
    assert abs(columns - width * scale) <= 1


def test_a_small_result_is_the_large_one_reduced(style: DctNetStyle):
    photo = sample_photo("astronaut")
    small, large = (draw(style, photo, size, 1.0, [ASTRONAUT_FACE]) for size in (512, 1024))
    assert np.abs(resized(large, 512).astype(int) - small).mean() < 4


# Repeatable, alone or together


def test_the_same_photo_gives_the_same_picture_and_is_not_changed(style: DctNetStyle):
    photo, faces = sample_photo("astronaut"), [ASTRONAUT_FACE]
    before = photo.copy()
    first = draw(style, photo, 768, 0.7, faces)
    assert np.array_equal(first, draw(style, photo, 768, 0.7, faces))
    assert np.array_equal(photo, before)
    # Neither at its own size, where nothing is resized, nor where it cannot be written.
    photo.flags.writeable = False
    draw(style, photo, 512, 0.3, faces)
    assert np.array_equal(photo, before)


def test_photos_of_a_batch_are_drawn_as_each_alone(style: DctNetStyle):
    """Shapes, faces, sizes and strengths of their own; two share their shape."""
    astronaut = resized(sample_photo("astronaut"), 400)
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    photos = [astronaut, resized(sample_photo("coffee"), 512), mirrored, gradient(90, 60)]
    faces = [
        [face_of(150, 0, 180 + 100j), face_of(90, 20, 330 + 300j)],
        [],
        [face_of(120, -10, 200 + 90j)],
        [face_of(40, 0, 45 + 30j)],
    ]
    sizes_and_strengths = ((512, 1.0), (640, 0.5), (600, 0.7), (512, 0.9))
    looks = [Look(size=size, strength=strength) for size, strength in sizes_and_strengths]
    with torch.inference_mode():
        together = style.draw(photos, faces, looks)
        for photo, found, look, drawn in zip(photos, faces, looks, together, strict=True):
            (alone,) = style.draw([photo], [found], [look])
            off = np.abs(alone.astype(int) - drawn)
            # In bfloat16 a sum of several pictures may round otherwise than that of one.
            assert off.mean() < 0.1
            assert off.max() <= 12


def test_more_photos_than_fit_one_pass_are_all_drawn(style: DctNetStyle):
    photos = [np.full((512, 512, 3), 20 * level, np.uint8) for level in range(1, 9)]
    with torch.inference_mode():
        drawn = style.draw(photos, [()] * 8, [Look(size=512, strength=1.0)] * 8)
    levels = [each[100:400, 100:400].mean() for each in drawn]
    assert levels == sorted(levels)
    assert levels == pytest.approx([draw(style, photo, 512)[100:400, 100:400].mean() for photo in photos], abs=1)


# Heads


def test_every_face_of_a_crowd_is_drawn_by_the_head_network(style: DctNetStyle):
    photo, faces = crowd()
    assert len(faces) == 25
    changed = redness(draw(style, photo, 900, faces=faces)) - redness(draw(style, photo, 900))
    alphas = [mask_of(face, changed.shape, 1) for face in faces]
    for alpha in alphas:
        assert changed[alpha > 0.9].mean() > 40
        assert (changed[alpha > 0.99] > 15).mean() > 0.99
    assert not changed[np.max(alphas, 0) == 0].any()
    assert changed[(np.max(alphas, 0) > 0) & (np.max(alphas, 0) < 0.2)].mean() < 12  # softly


def test_of_more_faces_than_anybody_gathers_the_largest_are_drawn(style: DctNetStyle):
    places = [40 * (place % 12) + 36 + 1j * (40 * (place // 12) + 36) for place in range(MOST_HEADS + 1)]
    *largest, smallest = [face_of(30 - place / MOST_HEADS, 0, centre) for place, centre in enumerate(places)]
    photo = np.full((512, 512, 3), 128, np.uint8)
    drawn = draw(style, photo, 512, faces=[smallest, *largest])
    assert np.array_equal(drawn, draw(style, photo, 512, faces=largest))
    assert not np.array_equal(drawn, draw(style, photo, 512, faces=largest[:-1]))


def test_without_faces_no_head_is_drawn(style: DctNetStyle):
    photo, _ = crowd()
    plain = redness(draw(style, photo, 1024))
    # The tiny network for the whole picture is greenish.
    assert np.percentile(plain, 99) < 20


def test_faces_too_small_to_be_seen_are_left(style: DctNetStyle):
    photo, _ = crowd()
    plain = draw(style, photo, 512)
    unseen, seen = (face_of(side * 900 / 512, 10, 440 + 420j) for side in (23, 25))
    assert np.array_equal(draw(style, photo, 512, faces=[unseen]), plain)
    assert not np.array_equal(draw(style, photo, 512, faces=[seen]), plain)
    # At twice the size it is seen.
    assert not np.array_equal(draw(style, photo, 1024, faces=[unseen]), draw(style, photo, 1024))


@pytest.mark.parametrize("centre", [-300 + 200j, 400 - 5000j, 1100 + 200j, 400 + 830j, -1e6 + 1e6j])
def test_faces_outside_the_photo_harm_nothing(style: DctNetStyle, centre: complex):
    photo = gradient(800, 600)
    assert np.array_equal(draw(style, photo, 512, faces=[face_of(300, 15, centre)]), draw(style, photo, 512))


@pytest.mark.parametrize("height", [333, 334, 335, 500, 1])
def test_a_face_that_just_touches_the_photo_harms_nothing(style: DctNetStyle, height: int):
    """Where the result is smaller, not even a pixel of it may be left."""
    photo = gradient(1000, height)
    for inside in (0.05, 0.6, 1.5):
        drawn = draw(style, photo, 512, faces=[face_of(200, 0, complex(500, height + 100 - inside))])
        assert drawn.shape == (*fitted(height, 1000, 512), 3)


def test_equal_points_are_no_head(style: DctNetStyle):
    photo = gradient(400, 300)
    for place in (200.123 + 100.456j, 0j, 399.9 + 1.7j, 0.1 + 0.1j):
        assert np.array_equal(draw(style, photo, 512, faces=[face_at([place] * 5)]), draw(style, photo, 512))


@pytest.mark.parametrize("centre", [0 + 0j, 800 + 300j, 400 + 600j, 790 + 590j])
def test_a_face_partly_outside_is_drawn_where_it_is_inside(style: DctNetStyle, centre: complex):
    photo, face = gradient(800, 600), face_of(260, 30, centre)
    changed = redness(draw(style, photo, 800, faces=[face])) - redness(draw(style, photo, 800))
    alpha = mask_of(face, changed.shape, 1)
    assert (alpha > 0.99).sum() > 5000
    assert (changed[alpha > 0.99] > 5).mean() > 0.97
    assert not changed[alpha == 0].any()


def test_of_overlapping_heads_the_smaller_lies_on_top(style: DctNetStyle):
    photo = resized(sample_photo("coffee"), 600)
    large, small = face_of(330, 0, 260 + 190j), face_of(120, -20, 340 + 250j)
    alone, other = (draw(style, photo, 600, faces=[face]) for face in (small, large))
    top = mask_of(small, alone.shape, 1) == 1
    beside = (mask_of(small, alone.shape, 1) == 0) & (mask_of(large, alone.shape, 1) == 1)
    assert np.abs(alone[top].astype(int) - other[top]).mean() > 1  # the two can be told apart
    for faces in ([large, small], [small, large]):
        both = draw(style, photo, 600, faces=faces)
        assert np.abs(both[top].astype(int) - alone[top]).max() <= 8
        assert np.abs(both[top].astype(int) - alone[top]).mean() < 0.1
        assert np.abs(both[beside].astype(int) - other[beside]).mean() < 0.1


@pytest.mark.parametrize(("side", "size"), [(700, 1024), (700, 2048), (80, 1024), (2600, 1024)])
def test_a_head_of_any_size_stays_in_place(style: DctNetStyle, side: float, size: int):
    """An edge of the photo goes on straight through the head drawn over it."""
    photo = np.full((768, 1024, 3), (200, 190, 180), np.uint8)
    photo[:, 512:] = (70, 60, 50)
    drawn = draw(style, photo, size, faces=[face_of(side, 25, 520 + 384j)]).astype(float).mean(-1)
    alpha = mask_of(face_of(side, 25, 520 + 384j), drawn.shape, size / 1024)
    reach = 30 if side > 100 else 10
    columns = slice(size // 2 - reach, size // 2 + reach)
    rows = (alpha[:, columns] > 0.99).all(1)
    assert rows.sum() > 10
    places = [half_way(row) for row in drawn[rows][:, columns]]
    assert np.abs(np.array(places) - reach).max() < 0.004 * side * size / 1024 + 0.7


@pytest.mark.parametrize(("side", "shown"), [(700, 432), (300, 288)])
def test_a_head_is_what_the_network_makes_of_its_square(
    style: DctNetStyle, tmp_path: Path, side: float, shown: int
):
    """Larger squares for large heads; both are reduced here, so that nothing of the photo is added."""
    photo, face = resized(sample_photo("astronaut"), 1024), face_of(side, 10, 500 + 480j)
    square = Head.of(face).cut(torch.tensor(photo).permute(2, 0, 1)[None].float() / 255, shown)
    network = load_graph(models.installed(tmp_path).heads).lower(half_precision(CPU))
    bgr = network(square[0].flip(0).permute(1, 2, 0) * 255).numpy()
    half = round(side / 2)
    reduced = cv2.resize(bgr[..., ::-1].astype(np.float32), (half, half), interpolation=cv2.INTER_AREA)
    head = Head.of(face).scaled(0.5)
    a, b = 1 / (head.a * half), -head.b / head.a
    b += (0.5 + 0.5j) * (a - 1)  # OpenCV's pixels have their centres at whole numbers
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    expected = cv2.warpAffine(reduced, matrix, (512, 512))
    inside = mask_of(face, (512, 512), 0.5) == 1
    assert inside.sum() > 9000
    assert np.abs(draw(style, photo, 512, faces=[face]) - expected)[inside].mean() < 1.5


def test_a_small_head_does_not_flicker(style: DctNetStyle):
    """Stripes finer than the result's pixels become grey in it."""
    photo = np.full((1536, 2048, 3), 60, np.uint8)
    photo[:, np.arange(2048) // 3 % 2 == 1] = 200
    face = face_of(240, 20, 1000 + 700j)
    assert draw(style, photo, 512, faces=[face])[mask_of(face, (384, 512), 0.25) == 1].std(0).mean() < 15


def test_a_mask_without_an_edge_ends_where_the_square_ends(tmp_path: Path):
    weights = models.installed(tmp_path)
    cv2.imwrite(str(weights.mask), np.full((SIDE, SIDE, 3), 255, np.uint8))
    whole, face, photo = DctNetStyle(CPU, weights), face_of(200, 30, 250 + 250j), gradient(512, 512)
    changed = redness(draw(whole, photo, 512, faces=[face])) - redness(draw(whole, photo, 512))
    head = Head.of(face)
    x, y = np.meshgrid(np.arange(512) + 0.5, np.arange(512) + 0.5)
    place = head.a * (x + 1j * y) + head.b - (0.5 + 0.5j)
    far = np.maximum(np.abs(place.real), np.abs(place.imag))
    assert not changed[far > 0.51].any()
    assert (changed[far < 0.48] > 5).mean() > 0.98


# Sharpness


def test_at_full_size_edges_are_sharp_and_flats_do_not_get_the_grain(style: DctNetStyle, scene: Array):
    reduced, drawn = draw(style, scene, max(canvas_shape(1536, 2048))), draw(style, scene, 2048)
    plain = np.asarray(cv2.resize(reduced, (2048, 1536), interpolation=cv2.INTER_LINEAR), np.uint8)
    widths = [width(picture[600:900, 880:920]) for picture in (drawn, plain, scene)]
    print(f"width of an edge, pixels: drawn {widths[0]:.2f}, bilinear {widths[1]:.2f}, photo {widths[2]:.2f}")
    assert widths[0] < 0.5 * widths[1]
    for ground in GROUNDS:
        assert grain(drawn[ground]) < 0.35 * grain(scene[ground])
    assert_within(drawn, reduced)


def test_a_large_head_is_sharp_too(style: DctNetStyle, scene: Array):
    face = face_of(1300, 0, 900 + 760j)
    drawn = draw(style, scene, 2048, faces=[face])
    square = Head.of(face).cut(torch.tensor(scene).permute(2, 0, 1)[None].float() / 255, SIDE)
    coarse = (square[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    coarse = np.asarray(cv2.resize(coarse, (1300, 1300), interpolation=cv2.INTER_LINEAR), np.uint8)
    widths = [width(drawn[600:900, 880:920]), width(coarse[500:800, 630:670])]
    print(f"width of an edge in a head, pixels: drawn {widths[0]:.2f}, cut at 288 {widths[1]:.2f}")
    assert widths[0] < 0.5 * widths[1]
    assert grain(drawn[500:1000, 500:800]) < 0.35 * grain(scene[500:1000, 500:800])


def test_an_edge_between_equally_light_colours_is_sharp_too(style: DctNetStyle):
    """The photo's brightness has nothing to add there."""
    photo = np.full((1200, 1600, 3), (200, 60, 60), np.uint8)
    photo[:, 800:] = (60, 131, 60)
    reduced, drawn = draw(style, photo, max(canvas_shape(1200, 1600))), draw(style, photo, 1600)
    plain = np.asarray(cv2.resize(reduced, (1600, 1200), interpolation=cv2.INTER_LINEAR), np.uint8)
    red, plain_red = (width(picture[500:700, 785:815, :1]) for picture in (drawn, plain))
    print(f"width of an edge of colour, pixels: drawn {red:.2f}, bilinear {plain_red:.2f}")
    assert red < 0.85 * plain_red


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "rocket"])
def test_enlarging_adds_no_halo(style: DctNetStyle, name: str):
    photo = resized(sample_photo(name), 1200)
    canvas = canvas_shape(*photo.shape[:2])
    assert_within(draw(style, photo, 1200), draw(style, photo, max(canvas)))


def test_weak_strengths_are_close_to_the_photo(style: DctNetStyle):
    photo = sample_photo("astronaut")
    distances = [
        np.abs(draw(style, photo, 512, strength, [ASTRONAUT_FACE]).astype(int) - photo).mean()
        for strength in (0.1, 0.5, 1.0)
    ]
    assert distances[0] < 0.4 * distances[1] < 0.6 * distances[2]


# Trained networks


def test_a_trained_model_draws_a_portrait(tmp_path: Path):
    trained = DctNetStyle(CPU, models.shared_model(tmp_path))
    photo, faces = sample_photo("astronaut"), [ASTRONAUT_FACE]
    plain, drawn = draw(trained, photo, 768), draw(trained, photo, 768, faces=faces)
    assert drawn.shape == (768, 768, 3)
    changed = redness(drawn) - redness(plain)
    alpha = mask_of(ASTRONAUT_FACE, changed.shape, 1.5)
    assert changed[alpha > 0.99].mean() > 5
    assert not changed[alpha == 0].any()
    distance = np.abs(drawn.astype(int) - resized(photo, 768)).mean()
    assert 8 < distance < 45  # a cartoon, and still of this photo


def draw(style: DctNetStyle, photo: Array, size: int, strength: float = 1.0, faces: Sequence[Face] = ()) -> Array:
    with torch.inference_mode():
        return style.draw([photo], [faces], [Look("anime", strength, size)])[0]


def face_of(side: float, degrees: float, centre: complex) -> Face:
    """A face whose head's square has this side and lies around the centre."""
    return face_at(around(side, np.radians(degrees), centre))


def crowd() -> tuple[Array, list[Face]]:
    """A photo of 900 pixels and 25 faces in it, of many sizes, turned, apart from each other."""
    random = np.random.default_rng(5)
    picture = np.full((900, 900, 3), 128.0) + random.normal(0, 12, (90, 90, 3)).repeat(10, 0).repeat(10, 1)
    faces: list[Face] = []
    for row in range(5):
        for column in range(5):
            centre = complex(90 + 180 * column, 90 + 180 * row)
            faces.append(face_of(random.uniform(40, 170), random.uniform(-40, 40), centre))
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 4), 0, 255).astype(np.uint8), faces


def mask_of(face: Face, shape: tuple[int, ...], scale: float) -> Plane:
    """How much of each pixel is the head's, by the mask's own formula; 0 only where nothing can be."""
    head = Head.of(face).scaled(scale)
    x, y = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    place = (head.a * (x + 1j * y) + head.b - (0.5 + 0.5j)) * SIDE
    inside = np.clip((1 - np.hypot(place.real / 114, place.imag / 129)) * 7, 0, 1)
    beyond = np.hypot(place.real / 127, place.imag / 142) > 1  # JPEG rings, and samples lie between pixels
    return np.where(beyond, 0, np.maximum(inside, 0.001))


def redness(picture: Array) -> Plane:
    """How much more red than green."""
    return picture[..., 0].astype(float) - picture[..., 1]


def width(edge: Array) -> float:
    """Of an upright edge, [rows, columns around it, 3]: pixels that its steepest part would take for the whole."""
    section = edge.astype(float).mean((0, 2))
    return float(np.ptp(section) / np.abs(np.diff(section)).max())


def half_way(section: Plane) -> float:
    """Where a section crosses the middle of its ends; a pixel's centre is at a half."""
    share = (section - section[0]) / (section[-1] - section[0])
    return float(np.interp(0.5, np.maximum.accumulate(share), np.arange(len(share)) + 0.5))


def energy(picture: Array) -> float:
    """Mean square of the gradient."""
    grey = picture.astype(float).mean(-1)
    return float(np.square(np.diff(grey, axis=0)).mean() + np.square(np.diff(grey, axis=1)).mean())


def grain(ground: Array) -> float:
    return float(ground.astype(float).std((0, 1)).mean())


def assert_within(large: Array, small: Array) -> None:
    """Nothing is lighter or darker than what the small drawing has near it, but for rounding."""
    kernel, sides = np.ones((5, 5)), large.shape[1::-1]
    low, high = (
        cv2.resize(extreme(small, kernel), sides, interpolation=cv2.INTER_NEAREST).astype(int)
        for extreme in (cv2.erode, cv2.dilate)
    )
    assert (large - low).min() >= -1
    assert (high - large).min() >= -1
