"""The Single tab in a real browser."""

import io
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Locator, Page, expect

from bots.locales import Locale
from tests.bots.browsers import needs_browser
from tests.bots.pages import NOT_A_PICTURE, Site, button, choose, file, opened, photo, reload, set_number, show
from tests.running import settings_in

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("single"))) as site:
        yield site


async def test_a_photo_is_drawn_as_it_is_asked_for_and_shown_beside_itself(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="One photo, just as you like it")).to_be_visible()
        await expect(page.get_by_role("img", name="A photo and, beside it, its cartoon")).to_be_visible()
        await choose(page, "single", photo("me.jpg", 90))
        await set_number(page, "Strength", "0.4")
        await set_number(page, "Size", "640")
        await page.get_by_role("radio", name="PNG").check()
        await button(page, "Draw").click()
        before, after = shown_beside_each_other(page)
        await expect(after).to_be_visible()
        assert await size_of(before) == await size_of(after) == [480, 640]
        look = site.engine.batches[-1][0]
        assert (look.style, look.strength, look.size, look.format) == ("ink", 0.4, 640, "png")
        name, data = await download(page)
        assert name == "me-ink.png"
        response = await page.request.get(str(await after.get_attribute("src")))
        assert data == await response.body()
        with Image.open(io.BytesIO(data)) as cartoon:
            assert (cartoon.format, cartoon.size, cartoon.getpixel((0, 0))) == ("PNG", (480, 640), (90, 90, 90))
        # Who comes back finds what was drawn last.
        await reload(page, "single")
        await expect(after).to_be_visible()
        assert await download(page) == (name, data)


async def test_strengths_are_compared_on_one_sheet(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        await choose(page, "single", photo("me.jpg"))
        drawn = len(site.engine.batches)
        await button(page, Locale("en").say("web-compare")).click()
        await expect(page.locator("img[src*='me-strengths.jpg']")).to_be_visible()
        await expect(page.get_by_test_id("imageslider-image")).to_have_count(0)
        assert {0.3, 0.5, 0.7, 0.9} <= {look.strength for batch in site.engine.batches[drawn:] for look in batch}
        name, _ = await download(page)
        assert name == "me-strengths.jpg"


async def test_what_cannot_be_drawn_is_told(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        await button(page, "Draw").click()
        # A toast, and what is read aloud.
        await expect(page.get_by_test_id("toast-text")).to_have_text(Locale("en").say("no-photo"))
        await choose(page, "single", file("list.jpg", NOT_A_PICTURE))
        await button(page, "Draw").click()
        card = page.get_by_role("listitem").filter(has_text="list.jpg")
        await expect(card).to_contain_text("Not drawn")
        await expect(card).to_contain_text("This is not a picture I can read.")
        await expect(button(page, "Download the cartoon")).to_be_hidden()


async def test_who_has_no_photo_tries_it_with_ours(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        await button(page, Locale("en").say("web-try")).click()
        await expect(button(page, "Remove Image")).to_be_visible()
        await button(page, "Draw").click()
        _, after = shown_beside_each_other(page)
        await expect(after).to_be_visible()


async def test_a_photo_is_called_off_while_it_is_drawn(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        await choose(page, "single", photo("me.jpg"))
        with site.engine.held():
            await button(page, "Draw").click()
            await expect(button(page, "Draw")).to_be_disabled()
            await expect(button(page, Locale("en").say("web-compare"))).to_be_disabled()
            await button(page, "Cancel").click()
            await expect(page.get_by_role("listitem").filter(has_text="me.jpg")).to_contain_text("Cancelled")
            await expect(button(page, "Cancel")).to_be_hidden()
            await expect(button(page, "Draw")).to_be_enabled()


async def test_another_tab_of_the_browser_shows_the_cartoon_when_it_is_looked_at(site: Site):
    async with site.visit("single") as visit:
        page = visit.page
        other = await page.context.new_page()
        await other.goto(site.url)
        await show(other, "single")
        await expect(other.get_by_role("heading", name="One photo, just as you like it")).to_be_visible()
        await choose(page, "single", photo("me.jpg"))
        await button(page, "Draw").click()
        await expect(shown_beside_each_other(page)[1]).to_be_visible()
        await expect(other.get_by_test_id("imageslider-image")).to_have_count(0)
        # Without a screen, tabs are always visible.
        await other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(shown_beside_each_other(other)[1]).to_be_visible()


def shown_beside_each_other(page: Page) -> tuple[Locator, Locator]:
    pictures = page.get_by_test_id("imageslider-image")
    return pictures.nth(0), pictures.nth(1)


async def size_of(picture: Locator) -> list[int]:
    """In pixels, once it is there."""
    await picture.evaluate("image => image.decode()")
    return await picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")


async def download(page: Page) -> tuple[str, bytes]:
    async with page.expect_download() as downloading:
        await button(page, "Download the cartoon").click()
    downloaded = await downloading.value
    path = await downloaded.path()
    return downloaded.suggested_filename, path.read_bytes()
