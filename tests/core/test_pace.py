"""How long drawing takes: averages that follow what is measured."""

import pytest

from core.look import Look, SheetKind
from core.pace import NEWEST, Pace
from core.sheet import SHEET_STRENGTHS
from core.styles.registry import STYLE_NAMES

INK, ANIME, LARGE = Look("ink"), Look("anime"), Look("ink", size=2048)
SHEET = Look("ink", sheet=SheetKind.STRENGTHS)


def test_nothing_is_claimed_before_anything_was_measured():
    pace = Pace()
    assert pace.of(INK) is None
    assert pace.until_done(3, 1, INK) is None


def test_the_first_batch_is_taken_as_it_is_photo_by_photo():
    pace = Pace()
    pace.drawn(INK, photos=4, seconds=2.0)
    assert pace.of(INK) == 0.5


def test_a_later_batch_moves_the_average_a_little():
    pace = Pace()
    pace.drawn(INK, 1, 1.0)
    pace.drawn(INK, 2, 4.0)
    assert pace.of(INK) == pytest.approx(1.0 + NEWEST)


def test_it_comes_to_what_is_measured_again_and_again():
    pace = Pace()
    pace.drawn(INK, 1, 100.0)
    for _ in range(60):
        pace.drawn(INK, 1, 2.0)
    assert pace.of(INK) == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("other", [ANIME, LARGE, SHEET])
def test_each_style_size_and_sheet_has_its_own_pace(other: Look):
    pace = Pace()
    pace.drawn(INK, 1, 1.0)
    pace.drawn(other, 1, 9.0)
    assert (pace.of(INK), pace.of(other)) == (1.0, 9.0)


def test_what_was_never_drawn_is_guessed_from_all_that_was():
    pace = Pace()
    pace.drawn(INK, 1, 1.0)
    pace.drawn(ANIME, 1, 2.0)
    assert pace.of(LARGE) == pytest.approx(1.0 + NEWEST)


def test_others_count_at_the_overall_pace_and_own_photos_at_their_own():
    pace = Pace()
    pace.drawn(INK, 1, 1.0)
    pace.drawn(ANIME, 1, 6.0)
    overall = 1.0 + 5.0 * NEWEST
    assert pace.until_done(10, 2, ANIME) == pytest.approx(10 * overall + 2 * 6.0)
    assert pace.until_done(0, 1, INK) == 1.0


def test_a_sheet_says_nothing_of_photos():
    pace = Pace()
    pace.drawn(SHEET, 1, 100.0)
    assert pace.of(SHEET) == 100.0
    assert pace.of(INK) is None
    assert pace.of(ANIME) is None
    pace.drawn(INK, 1, 1.0)
    pace.drawn(SHEET, 1, 100.0)
    assert pace.of(INK) == pace.of(ANIME) == 1.0
    assert pace.until_done(10, 1, SHEET) == pytest.approx(10 * 1.0 + 100.0)


@pytest.mark.parametrize(
    ("kind", "drawings"),
    [
        (SheetKind.BEFORE, 1),
        (SheetKind.STRENGTHS, len(SHEET_STRENGTHS)),
        (SheetKind.STYLES, len(STYLE_NAMES)),
    ],
)
def test_a_sheet_that_was_never_drawn_is_guessed_from_the_pace_of_its_photo(kind: SheetKind, drawings: int):
    pace = Pace()
    assert pace.of(Look("anime", sheet=kind)) is None
    pace.drawn(INK, 1, 1.0)
    assert pace.of(Look("anime", sheet=kind)) == pytest.approx(drawings * 1.0)
    pace.drawn(ANIME, 1, 3.0)
    assert pace.of(Look("anime", sheet=kind)) == pytest.approx(drawings * 3.0)


@pytest.mark.parametrize(("ahead", "own", "seconds"), [(0, 1, 2.0), (0, 4, 2.0), (3, 1, 2.0), (12, 4, 8.0)])
def test_lanes_draw_at_once_as_many_as_there_are(ahead: int, own: int, seconds: float):
    pace = Pace(lanes=4)
    pace.drawn(INK, photos=1, seconds=2.0)
    assert pace.until_done(ahead, own, INK) == pytest.approx(seconds)
