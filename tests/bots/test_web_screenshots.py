"""Pictures of the page for the documentation, of photos that ship with the program.

SCREENSHOTS=docs/screenshots pytest tests/bots/test_web_screenshots.py
"""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from core.engine import LocalEngine
from tests.bots.browsers import Visit, needs_browser
from tests.bots.pages import NOT_A_PICTURE, PATIENCE, Site, button, choose, file, opened, say
from tests.pictures import SAMPLE_PHOTOS
from tests.running import settings_in

FOLDER = Path(os.environ.get("SCREENSHOTS", ""))
MOST_BYTES = 400_000

pytestmark = [
    needs_browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="no SCREENSHOTS: a folder to write them to"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("screenshots")), LocalEngine) as site:
        yield site


async def test_a_chat_by_day(site: Site):
    async with site.visit() as visit:
        await say(visit.page, "", sample("astronaut"))
        await expect(visit.page.get_by_text("Here is your cartoon")).to_be_visible()
        await write(visit, "chat-light")


async def test_a_chat_at_night(site: Site):
    async with site.visit(dark=True) as visit:
        await say(visit.page, "pop 0.8", sample("coffee"), sample("chelsea"), sample("rocket"))
        await expect(visit.page.get_by_text("Here are your 3 cartoons")).to_be_visible()
        await write(visit, "chat-dark")


async def test_one_photo(site: Site):
    async with site.visit("single", height=1150) as visit:
        await draw_one(visit.page, sample("grace_hopper"))
        await write(visit, "single")


async def test_a_batch(site: Site):
    async with site.visit("batch", height=1000) as visit:
        await draw_many(visit.page)
        await write(visit, "batch")


async def test_settings(site: Site):
    async with site.visit("settings") as visit:
        await expect(visit.page.get_by_role("term").first).to_be_visible()
        await write(visit, "settings")


async def test_a_chat_on_a_phone(site: Site):
    async with site.visit(width=390, height=844) as visit:
        await say(visit.page, "0.9", sample("chelsea"))
        await expect(visit.page.get_by_text("Here is your cartoon")).to_be_visible()
        await write(visit, "phone-chat")


async def test_a_batch_on_a_phone_at_night(site: Site):
    async with site.visit("batch", width=390, height=844, dark=True) as visit:
        await draw_many(visit.page)
        archive = visit.page.get_by_role("link", name="Download all as ZIP")
        await write(visit, "phone-batch-dark", scrolled_to=archive)


async def test_a_chat_in_chinese(site: Site):
    async with site.visit(language="zh-CN") as visit:
        await say(visit.page, "/style 0.8")
        await say(visit.page, "", sample("coffee"))
        await expect(visit.page.get_by_role("img", name="coffee.jpg 的卡通画")).to_be_visible()
        await write(visit, "chinese")


def sample(name: str) -> FilePayload:
    return file(f"{name}.jpg", (SAMPLE_PHOTOS / f"{name}.jpg").read_bytes())


async def draw_one(page: Page, photo: FilePayload) -> None:
    await choose(page, "single", photo)
    await button(page, "Draw").click()
    await expect(page.get_by_test_id("imageslider-image").last).to_be_visible()


async def draw_many(page: Page) -> None:
    photos = [sample(name) for name in ("astronaut", "chelsea", "coffee", "grace_hopper", "rocket")]
    await choose(page, "batch", *photos, file("shopping list.jpg", NOT_A_PICTURE))
    await button(page, "Draw all").click()
    await expect(page.get_by_role("link", name="Download all as ZIP")).to_be_visible(timeout=2 * PATIENCE)


async def write(visit: Visit, name: str, scrolled_to: Locator | None = None) -> None:
    """A screenshot of 256 colours, once all pictures in it are there."""
    pictures = visit.page.locator("img:visible")
    await pictures.evaluate_all("all => Promise.all(all.map(each => (each.loading = 'eager', each.decode())))")
    # Where the pointer is, something may light up.
    await visit.page.mouse.move(0, 0)
    await (scrolled_to or visit.page.locator("body")).evaluate("element => element.scrollIntoView()")
    await visit.screenshot(name)
    path = FOLDER / f"{name}.png"
    with Image.open(path) as shot:
        shot.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES
