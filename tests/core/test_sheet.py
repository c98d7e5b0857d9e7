"""Compare sheets: every tile whole and in its place, every label by its tile, and the whole of a handy size."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bots.samples import samples
from core.engine import LocalEngine
from core.errors import Closed
from core.look import Look, SheetKind
from core.photo import Array, Limits, decode
from core.sheet import SHEET_LONGEST, SHEET_STRENGTHS, WIDEST_PAIR, SheetEngine, compare, looks_of, sheet
from core.styles.registry import BUILT_IN
from tests.pictures import gradient
from tests.running import QuickEngine

LABELS = ("photo", "ink 0.3", "ink 0.5", "sketch-ink 0.7", "Ag")
STRENGTHS = Look(size=2048, sheet=SheetKind.STRENGTHS)


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine("cpu")


@pytest.fixture(scope="module")
def photo() -> Array:
    # Wide, and so drawn quickly.
    return decode(samples()[0], Limits(), 512)[64:224]


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
    rows = {top: [left for other, left in places if other == top] for top, _ in places}
    *full, last = map(len, rows.values())
    assert full == [columns] * (4 // columns)
    assert last == 5 - sum(full)
    for lefts in rows.values():
        right_margin = whole.shape[1] - (max(lefts) + pictures[0].shape[1])
        assert min(lefts) == pytest.approx(right_margin, abs=2), "a row is not in the middle"


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
    look = Look("pop", 0.4, 600, "png", "main")
    strengths = looks_of(replace(look, sheet=SheetKind.STRENGTHS), BUILT_IN)
    assert strengths == [replace(look, strength=strength) for strength in SHEET_STRENGTHS]
    styles = looks_of(replace(look, sheet=SheetKind.STYLES), ["pop", "ink"])
    assert styles == [look, replace(look, style="ink")]
    assert looks_of(replace(look, sheet=SheetKind.BEFORE), BUILT_IN) == [look]


@pytest.mark.parametrize("kind", SheetKind)
def test_a_sheet_holds_the_photo_and_every_drawing_of_its_kind(engine: LocalEngine, photo: Array, kind: SheetKind):
    look = Look(size=512, sheet=kind)
    looks = looks_of(look, BUILT_IN)
    (whole,) = SheetEngine(engine, lambda: BUILT_IN).stylize([photo], [look])
    pictures = [photo, *(engine.stylize([photo], [each])[0] for each in looks)]
    places = [place_of(picture, whole) for picture in pictures]
    assert places == sorted(places)
    assert len(set(places)) == len(looks) + 1


@pytest.mark.parametrize(("height", "width"), [(64, 36), (64, 64), (48, 64), (36, 64)])
def test_photo_and_cartoon_stand_side_by_side(height: int, width: int):
    whole = compare(QuickEngine(), gradient(width, height), [Look(size=512)])
    assert 2 * width / height / 1.3 < whole.shape[1] / whole.shape[0] <= WIDEST_PAIR


def test_a_panorama_stands_above_its_cartoon():
    whole = compare(QuickEngine(), gradient(96, 32), [Look(size=512)])
    assert whole.shape[1] < 1.5 * 512


def test_photos_go_to_the_engine_together_and_the_drawings_of_sheets_one_by_one():
    quick = QuickEngine()
    plain, other = Look(size=512), Look("pop", size=600)
    before, styles = (replace(plain, sheet=kind) for kind in (SheetKind.BEFORE, SheetKind.STYLES))
    photos = tiles(5)
    looks = [before, plain, styles, other, plain]
    results = SheetEngine(quick, lambda: ["ink", "pop"]).stylize(photos, looks)
    assert quick.batches == [[plain, other, plain], [plain], [plain], [replace(plain, style="pop")]]
    for index in (1, 3, 4):
        assert np.array_equal(results[index], QuickEngine().stylize([photos[index]], [looks[index]])[0])
    for index in (0, 2):
        expected = compare(QuickEngine(), photos[index], looks_of(looks[index], ["ink", "pop"]))
        assert np.array_equal(results[index], expected)


def test_sheets_alone_ask_the_engine_for_no_empty_batch():
    quick = QuickEngine()
    SheetEngine(quick, lambda: BUILT_IN).stylize(tiles(1), [Look(size=512, sheet=SheetKind.BEFORE)])
    assert quick.batches == [[Look(size=512)]]


def test_a_sheet_of_styles_shows_those_installed_when_it_is_drawn():
    quick = QuickEngine()
    installed = ["ink"]
    sheets = SheetEngine(quick, lambda: installed)
    for _ in range(2):
        sheets.stylize(tiles(1), [Look(size=512, sheet=SheetKind.STYLES)])
        installed.append("pop")
    assert [look.style for batch in quick.batches for look in batch] == ["ink", "ink", "pop"]


def test_the_inner_engine_is_closed_with_it(photo: Array):
    inner = LocalEngine("cpu")
    sheets = SheetEngine(inner, lambda: BUILT_IN)
    sheets.close()
    sheets.close()
    with pytest.raises(Closed):
        inner.stylize([photo], [Look()])


@pytest.mark.parametrize(("height", "width", "least"), [(64, 64, 4000), (64, 96, 4000), (24, 96, 0), (96, 32, 0)])
def test_the_largest_sheet_uses_what_chats_take_and_no_more(height: int, width: int, least: int):
    whole = compare(QuickEngine(), gradient(width, height), looks_of(STRENGTHS, BUILT_IN))
    assert least <= max(whole.shape[:2]) <= SHEET_LONGEST
    assert max(whole.shape[:2]) < 2 * min(whole.shape[:2])


def test_a_small_sheet_is_not_made_larger_than_asked_for(photo: Array):
    whole = compare(QuickEngine(), photo, looks_of(Look(size=512, sheet=SheetKind.STYLES), BUILT_IN))
    assert max(whole.shape[:2]) < 512 * (len(BUILT_IN) + 1) * 1.2


def test_a_photo_larger_than_its_tile_reaches_the_engine_at_its_working_size():
    # The engine's bargain: photos of at most look.working_size.
    seen: list[tuple[int, int]] = []

    class Listener(QuickEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            seen.extend(
                (max(photo.shape[:2]), look.working_size) for photo, look in zip(photos, looks, strict=True)
            )
            return super().stylize(photos, looks)

    compare(Listener(), gradient(2048, 2048), looks_of(STRENGTHS, BUILT_IN))
    assert all(longest == working_size < 2048 for longest, working_size in seen)
    assert len(seen) == len(SHEET_STRENGTHS)
