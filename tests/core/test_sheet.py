"""Compare sheets: every tile whole and in its place, every label by its tile, and the whole of a handy size."""

from collections.abc import Sequence

import numpy as np
import pytest

from bots.bench import samples
from core.engine import LocalEngine
from core.look import Look
from core.photo import Array, Limits, decode
from core.sheet import (
    SHEET_LONGEST,
    SHEET_STRENGTHS,
    SheetKind,
    compare,
    sheet,
    strength_looks,
    style_looks,
)
from core.styles.registry import BUILT_IN
from tests.pictures import gradient

LABELS = ("photo", "ink 0.3", "ink 0.5", "sketch-ink 0.7", "Ag")


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine("cpu")


@pytest.fixture(scope="module")
def photo() -> Array:
    return decode(samples()[0], Limits(), 512)


def tiles(count: int, height: int = 90, width: int = 120) -> list[Array]:
    """Pictures that differ, none of them white anywhere."""
    return [np.roll(gradient(width, height), 7 * number, axis=1) for number in range(count)]


def place_of(tile: Array, whole: Array) -> tuple[int, int]:
    """(top, left) of the tile within the whole, which must hold it pixel by pixel."""
    first_row = whole.tobytes().find(tile[0].tobytes())
    top, left = divmod(first_row // 3, whole.shape[1])
    height, width = tile.shape[:2]
    assert np.array_equal(whole[top : top + height, left : left + width], tile)
    return top, left


def without(pictures: list[Array], whole: Array) -> Array:
    """The sheet with its tiles painted over in white: its labels alone."""
    rest = whole.copy()
    for picture in pictures:
        top, left = place_of(picture, whole)
        rest[top : top + picture.shape[0], left : left + picture.shape[1]] = 255
    return rest


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_tiles_are_found_unchanged_in_reading_order(columns: int):
    pictures = tiles(5)
    whole = sheet(pictures, LABELS, columns)
    assert whole.dtype == np.uint8
    places = [place_of(picture, whole) for picture in pictures]
    assert places == sorted(places)
    assert len({top for top, _ in places}) == -(-5 // columns)
    assert len({left for _, left in places}) == columns


@pytest.mark.parametrize(("height", "width"), [(90, 120), (300, 20)])
def test_each_label_leaves_its_ink_under_its_own_tile_and_nowhere_else(height: int, width: int):
    pictures = tiles(4, height, width)
    blank = sheet(pictures, [""] * 3 + ["sketch-ink 0.7"], 2)
    for number, picture in enumerate(pictures):
        labels = [""] * 4
        labels[number] = "sketch-ink 0.7"
        whole = sheet(pictures, labels, 2)
        assert whole.shape == blank.shape
        rows, columns = np.nonzero((without(pictures, whole) < 255).any(axis=-1))
        top, left = place_of(picture, whole)
        assert top + height <= rows.min()
        assert rows.max() < min(top + 1.3 * height, whole.shape[0])
        assert abs((columns.min() + columns.max()) / 2 - (left + width / 2)) <= 2
        assert columns.min() > 0
        assert columns.max() < whole.shape[1] - 1


def test_labels_are_grey_on_white():
    pictures = tiles(2)
    rest = without(pictures, sheet(pictures, ["ink", "pop"], 2))
    assert (rest == 255).all(axis=-1).mean() > 0.9
    assert 60 < rest.min() < 160
    assert (rest.min(axis=-1) == rest.max(axis=-1)).all()


def test_a_sheet_looks_the_same_at_every_size():
    small = sheet(tiles(4, 384, 512), LABELS[:4], 2)
    large = sheet(tiles(4, 1536, 2048), LABELS[:4], 2)
    assert large.shape[:2] == pytest.approx((small.shape[0] * 4, small.shape[1] * 4), rel=0.01)
    inks = [(whole[:, :, 0] == 96).mean() for whole in (small, large)]
    assert inks[0] == pytest.approx(inks[1], rel=0.35)


@pytest.mark.parametrize(
    ("pictures", "labels"),
    [([], []), (tiles(2), ["one"]), ([*tiles(1), *tiles(1, 91)], ["one", "two"])],
)
def test_a_sheet_of_nothing_of_mixed_shapes_or_without_labels_is_refused(pictures: list[Array], labels: list[str]):
    with pytest.raises(ValueError, match="one shape, and a label for each"):
        sheet(pictures, labels, 2)


def test_looks_of_a_sheet_differ_in_one_thing():
    look = Look(strength=0.4, size=600, format="png", faces="main")
    assert [each.strength for each in strength_looks(look)] == list(SHEET_STRENGTHS)
    assert [each.style for each in style_looks(look, ["pop", "ink"])] == ["pop", "ink"]
    assert {(e.size, e.format, e.faces) for e in strength_looks(look) + style_looks(look, ["pop"])} == {
        (600, "png", "main")
    }


@pytest.mark.parametrize("kind", SheetKind)
def test_a_sheet_holds_the_photo_and_every_drawing_of_its_kind(engine: LocalEngine, photo: Array, kind: SheetKind):
    look = Look(size=512)
    looks = strength_looks(look) if kind is SheetKind.STRENGTHS else style_looks(look, BUILT_IN)
    whole = compare(engine, photo, looks)
    pictures = [photo, *engine.stylize([photo] * len(looks), looks)]
    places = [place_of(picture, whole) for picture in pictures]
    assert places == sorted(places)
    assert len(set(places)) == len(looks) + 1


@pytest.mark.parametrize(("height", "width", "least"), [(64, 64, 4000), (64, 96, 4000), (24, 96, 0), (96, 32, 0)])
def test_the_largest_sheet_uses_what_chats_take_and_no_more(
    engine: LocalEngine, height: int, width: int, least: int
):
    whole = compare(engine, gradient(width, height), strength_looks(Look(size=2048)))
    assert least <= max(whole.shape[:2]) <= SHEET_LONGEST
    assert max(whole.shape[:2]) < 2 * min(whole.shape[:2])


def test_a_small_sheet_is_not_made_larger_than_asked_for(engine: LocalEngine, photo: Array):
    whole = compare(engine, photo, style_looks(Look(size=512), BUILT_IN))
    assert max(whole.shape[:2]) < 512 * (len(BUILT_IN) + 1) * 1.2


def test_a_photo_larger_than_its_tile_reaches_the_engine_at_its_working_size():
    # The engine's bargain: photos of at most look.working_size. LocalEngine cannot show what it was given.
    seen: list[tuple[int, int]] = []

    class Listener(LocalEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            seen.extend(
                (max(photo.shape[:2]), look.working_size) for photo, look in zip(photos, looks, strict=True)
            )
            return super().stylize(photos, looks)

    compare(Listener("cpu"), gradient(2048, 2048), strength_looks(Look(size=2048)))
    assert all(longest == working_size < 2048 for longest, working_size in seen)
    assert len(seen) == len(SHEET_STRENGTHS)
