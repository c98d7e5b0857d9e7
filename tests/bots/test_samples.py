"""The pictures that show the styles: small, in order, and made anew when a style comes or goes."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bots.pulls import Pulls
from bots.samples import (
    PORTRAIT_SIDE,
    SHEET_LONGEST,
    SITTER,
    StylePictures,
    draw_sample,
    packaged,
    samples,
    welcome,
)
from core.photo import Array, Limits, decode, inspect, resized
from core.releases import RELEASES, WHOLE_PICTURE
from core.styles.registry import BUILT_IN, STYLE_NAMES, Styles
from core.weights import WeightsFolder
from tests.core.test_weights import ANIME, model
from tests.fakes.modelscope import Hub
from tests.models import installed, shared_model
from tests.test_walls import run_python

PACKAGED = [packaged(name) for name in ("photo", *BUILT_IN)]


@pytest.fixture
def weights(tmp_path: Path) -> WeightsFolder:
    return WeightsFolder(tmp_path / "weights")


@pytest.fixture
def pictures(weights: WeightsFolder, tmp_path: Path) -> StylePictures:
    return StylePictures(Styles(weights), weights, tmp_path / "made")


def picture(path: Path) -> Array:
    return decode(path, Limits(), 4096)


def place(tile: Array, sheet: Array) -> tuple[int, int]:
    """Where a tile is in a sheet: (top, left) in pixels. Styles draw alike, so it has to match well."""
    _, score, _, (left, top) = cv2.minMaxLoc(cv2.matchTemplate(sheet, tile, cv2.TM_CCOEFF_NORMED))
    assert score > 0.995
    return top, left


def assert_shows(sheet: Array, tiles: list[Path]) -> None:
    """Exactly these tiles, in reading order, each above a label, on white."""
    places = [place(picture(tile), sheet) for tile in tiles]
    assert places == sorted(places)
    assert len(set(places)) == len(tiles)
    rest = sheet.copy()
    for top, left in places:
        below = rest[top + PORTRAIT_SIDE + 3 : top + PORTRAIT_SIDE + 30, left : left + PORTRAIT_SIDE]
        assert below.min() < 140
        below[:] = 255
        rest[top - 8 : top + PORTRAIT_SIDE + 8, left - 8 : left + PORTRAIT_SIDE + 8] = 255
    assert rest.min() > 225


def test_the_welcome_is_a_photo_beside_its_cartoon_within_what_chats_take_at_once():
    assert inspect(welcome(), Limits()) == (1280, 640)
    assert welcome().stat().st_size < 250_000
    photo, cartoon = np.hsplit(picture(welcome()), 2)
    assert place(resized(picture(SITTER), 640)[100:500, 100:500], photo) == (100, 100)
    assert 5 < np.abs(photo.astype(int) - cartoon).mean() < 40


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_packaged_tiles_are_small_squares(path: Path):
    assert inspect(path, Limits()) == (PORTRAIT_SIDE, PORTRAIT_SIDE)
    assert path.stat().st_size < 60_000


def test_the_samples_are_photos_alone():
    assert SITTER in samples()
    assert welcome() not in samples()


def test_the_sheet_shows_the_photo_and_then_each_style_with_its_label(pictures: StylePictures):
    assert_shows(picture(pictures.sheet()), PACKAGED)


def test_the_sheet_is_made_once(pictures: StylePictures, weights: WeightsFolder, tmp_path: Path):
    first = pictures.sheet()
    made = first.stat()
    assert pictures.sheet() == first
    # As after a restart.
    assert StylePictures(Styles(weights), weights, tmp_path / "made").sheet() == first
    assert first.stat() == made
    assert list(first.parent.iterdir()) == [first]


def test_a_style_that_comes_is_shown_and_one_that_goes_is_not(
    pictures: StylePictures, weights: WeightsFolder, tmp_path: Path
):
    before = pictures.sheet()
    anime = shared_model(tmp_path)
    assert pictures.sheet() == before, "without a tile a style is left out"
    draw_sample(weights, "anime")
    after = pictures.sheet()
    assert after != before
    assert_shows(picture(after), [*PACKAGED, anime.sample])
    shutil.rmtree(tmp_path / "weights" / "anime")
    assert pictures.sheet() == before


def test_a_tile_is_drawn_once_for_the_weights_it_shows(
    pictures: StylePictures, weights: WeightsFolder, tmp_path: Path
):
    tiny = installed(tmp_path)
    draw_sample(weights, "anime")
    drawn, sheet = tiny.sample.stat(), pictures.sheet()
    draw_sample(weights, "anime")
    assert tiny.sample.stat() == drawn
    trained = shared_model(tmp_path)
    assert pictures.sheet() != sheet, "the tile of replaced weights is not shown"
    draw_sample(weights, "anime")
    assert trained.sample.read_bytes() != tiny.sample.read_bytes()
    assert_shows(picture(pictures.sheet()), [*PACKAGED, trained.sample])


def test_all_styles_fit_on_one_sheet_and_only_the_sheet_before_is_kept(
    pictures: StylePictures, weights: WeightsFolder, tmp_path: Path
):
    sheets = [pictures.sheet()]
    for style in RELEASES:
        installed(tmp_path, style)
        draw_sample(weights, style)
        sheets.append(pictures.sheet())
    assert len(set(sheets)) == 1 + len(RELEASES)
    assert set(sheets[0].parent.iterdir()) == set(sheets[-2:])
    assert Styles(weights).installed == STYLE_NAMES
    width, height = inspect(sheets[-1], Limits())
    assert max(width, height) == SHEET_LONGEST
    assert 0.7 < width / height < 1.4


def test_a_style_that_cannot_be_drawn_lacks_its_tile_and_that_is_said(
    pictures: StylePictures, weights: WeightsFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    damaged = installed(tmp_path).whole_picture
    assert damaged.name == WHOLE_PICTURE
    damaged.write_bytes(bytes(damaged.stat().st_size))
    draw_sample(weights, "anime")
    said = [record.getMessage() for record in caplog.records if record.name == "bots.samples"]
    assert len(said) == 1
    assert said[0].endswith("To try again: cartoonbot styles pull anime")
    assert_shows(picture(pictures.sheet()), PACKAGED)


def test_a_style_that_is_not_there_is_not_drawn(weights: WeightsFolder, tmp_path: Path):
    draw_sample(weights, "anime")
    assert list(tmp_path.iterdir()) == []


async def test_a_download_that_somebody_asked_for_brings_a_tile(
    weights: WeightsFolder, monkeypatch: pytest.MonkeyPatch
):
    pulls = Pulls(Styles(weights), weights, automatic=True)
    async with Hub() as hub:
        hub.publish(ANIME, model())
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        pulls.asked("anime")
        await pulls.ended()
    await pulls.close()
    anime = weights.installed("anime")
    assert anime is not None
    assert inspect(anime.sample, Limits()) == (PORTRAIT_SIDE, PORTRAIT_SIDE)


WITHOUT_TORCH = """
import sys
from pathlib import Path
from bots.samples import StylePictures
from core.styles.registry import Styles
from core.weights import WeightsFolder

weights = WeightsFolder(Path("weights"))
print(StylePictures(Styles(weights), weights, Path(sys.argv[1])).sheet().suffix, "torch" in sys.modules)
"""


def test_showing_pictures_does_not_load_torch(tmp_path: Path):
    assert run_python(WITHOUT_TORCH, str(tmp_path), environment={"PATH": os.environ["PATH"]}) == ".jpg False\n"
