"""The Batch tab in a real browser."""

import io
import re
import zipfile
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from bots.locales import Locale
from core.jobs import MAX_PHOTOS
from tests.bots.browsers import needs_browser
from tests.bots.pages import NOT_A_PICTURE, Site, button, choose, file, opened, photo, reload
from tests.running import settings_in

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]
BAD = 7


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("batch"))) as site:
        yield site


async def test_twenty_photos_with_a_bad_one_become_a_zip_of_nineteen(site: Site):
    async with site.visit("batch") as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="Many photos at once")).to_be_visible()
        await choose(page, "batch", *holiday())
        with site.engine.held() as permits:
            await button(page, "Draw all").click()
            await expect(progress(page)).to_contain_text("1 of 20 done")
            await expect(button(page, "Draw all")).to_be_disabled()
            await expect(cards(page)).to_have_count(20)
            await expect(card(page, BAD)).to_contain_text("Not drawn")
            await expect(card(page, BAD)).to_contain_text("This is not a picture I can read.")
            await expect(card(page, 1)).to_contain_text("Drawing")
            await expect(card(page, 20)).to_contain_text("Waiting")
            await expect(page.get_by_role("link", name="Download all as ZIP")).to_be_hidden()
            permits.release()
            await expect(card(page, 1)).to_contain_text("Done")
            bar = page.get_by_role("progressbar", name="Photos drawn")
            await expect(bar).to_have_attribute("value", re.compile("^[2-5]$"))
            await expect(progress(page)).to_contain_text(f"{await bar.get_attribute('value')} of 20 done")
            # Nothing is lost with the page.
            await reload(page, "batch")
            await expect(card(page, 1)).to_contain_text("Done")
            await expect(card(page, 20)).to_contain_text("Waiting")
            await expect(button(page, "Draw all")).to_be_disabled()
        await expect(progress(page)).to_have_text(
            "Your 19 cartoons are ready. One photo could not be drawn; below is why."
        )
        await expect(page.get_by_role("img", name="20 holiday.jpg as a cartoon")).to_be_visible()
        await expect(button(page, "Draw all")).to_be_enabled()
        await expect(button(page, "Cancel")).to_be_hidden()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download all as ZIP").click()
        archive = zipfile.ZipFile(await (await downloading.value).path())
        drawn = [number for number in range(1, 21) if number != BAD]
        assert archive.namelist() == [f"{number:02}-{number:02} holiday-ink.jpg" for number in drawn]
        for number, name in zip(drawn, archive.namelist(), strict=True):
            with Image.open(io.BytesIO(archive.read(name))) as cartoon:
                assert cartoon.convert("L").getpixel((0, 0)) == pytest.approx(10 * number, abs=2)


async def test_what_is_drawn_when_a_batch_is_called_off_stays(site: Site):
    async with site.visit("batch") as visit:
        page = visit.page
        await choose(page, "batch", *holiday())
        with site.engine.held() as permits:
            await button(page, "Draw all").click()
            permits.release()
            await expect(card(page, 1)).to_contain_text("Done")
            await button(page, "Cancel").click()
            await expect(card(page, 20)).to_contain_text("Cancelled")
        await expect(button(page, "Cancel")).to_be_hidden()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download all as ZIP").click()
        archive = zipfile.ZipFile(await (await downloading.value).path())
        assert "01-01 holiday-ink.jpg" in archive.namelist()
        assert len(archive.namelist()) == await cards(page).filter(has_text="Done").count()
        assert await cards(page).filter(has_text="Cancelled").count() >= 8


async def test_a_text_among_the_photos_is_named_and_the_rest_is_drawn(site: Site):
    async with site.visit("batch") as visit:
        page = visit.page
        notes: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": NOT_A_PICTURE}
        await choose(page, "batch", photo("a.jpg"), notes, photo("b.jpg"))
        await button(page, "Draw all").click()
        await expect(progress(page)).to_contain_text("Your 2 cartoons are ready. One photo could not be drawn")
        bad = cards(page).filter(has_text="notes.txt")
        await expect(bad).to_contain_text("Not drawn")
        await expect(bad).to_contain_text("This is not a picture I can read.")
        await expect(cards(page).filter(has_text="Done")).to_have_count(2)


async def test_what_cannot_begin_is_told(site: Site):
    async with site.visit("batch") as visit:
        page = visit.page
        await button(page, "Draw all").click()
        toast = page.get_by_test_id("toast-text")
        await expect(toast).to_have_text(Locale("en").say("no-photo"))
        await choose(page, "batch", *holiday(), photo("one too many.jpg"))
        await button(page, "Draw all").click()
        await expect(toast.nth(1)).to_have_text(Locale("en").say("batch-too-large", given=21, most=MAX_PHOTOS))
        await expect(cards(page)).to_have_count(0)


def holiday() -> list[FilePayload]:
    """Twenty photos in twenty greys, of which one is not a photo."""
    photos = [photo(f"{number:02} holiday.jpg", 10 * number) for number in range(1, 21)]
    photos[BAD - 1] = file(photos[BAD - 1]["name"], NOT_A_PICTURE)
    return photos


def cards(page: Page) -> Locator:
    return page.get_by_role("list").get_by_role("listitem")


def card(page: Page, number: int) -> Locator:
    return cards(page).filter(has_text=f"{number:02} holiday.jpg")


def progress(page: Page) -> Locator:
    return page.get_by_role("tabpanel").get_by_role("status")
