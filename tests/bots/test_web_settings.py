"""The Settings tab in a real browser."""

from collections.abc import AsyncGenerator
from importlib.metadata import version

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from bots.locales import Locale
from tests.bots.browsers import needs_browser
from tests.bots.pages import Site, button, opened, reload, say, set_number, show
from tests.running import settings_in

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]
CHINESE = Locale("zh-CN")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("settings"))) as site:
        yield site


async def test_what_is_saved_is_what_every_tab_begins_with_in_this_browser_alone(site: Site):
    async with site.visit("settings") as visit, site.visit("settings") as other:
        page = visit.page
        await page.get_by_role("combobox", name="Style").click()
        await page.get_by_role("option", name="pop – few flat, lively colours and bold lines").click()
        await set_number(page, "Strength", "0.45")
        await set_number(page, "Size", "768")
        await page.get_by_role("radio", name="WEBP").check()
        await page.get_by_role("radio", name="the largest face").check()
        await button(page, "Save").click()
        await expect(page.get_by_test_id("toast-text")).to_have_text("Kept.")
        for tab in ("single", "batch"):
            await show(page, tab)
            await expect_look(page, "pop – few flat, lively colours and bold lines", "0.45", "768", "WEBP")
            await expect(page.get_by_role("radio", name="the largest face")).to_be_checked()
        await reload(page, "single")
        await expect_look(page, "pop – few flat, lively colours and bold lines", "0.45", "768", "WEBP")
        await show(page, "chat")
        await say(page, "/settings")
        answer = page.get_by_role("article").nth(1)
        for line in ("Style: pop", "Strength: 0.45", "Size: 768 px", "Format: webp", "the largest face"):
            await expect(answer).to_contain_text(line)
        # And what the chat sets, the tabs show.
        await say(page, "/style ink 0.9")
        await reload(page, "settings")
        await expect_look(page, "ink – flat colours under clean ink lines", "0.9", "768", "WEBP")
        await reload(other.page, "settings")
        await expect_look(other.page, "ink – flat colours under clean ink lines", "0.7", "1024", "JPG")


async def test_the_language_is_what_was_chosen_until_it_is_the_browsers_again(site: Site):
    async with site.visit("settings") as visit:
        page = visit.page
        # What is set has been filled in, and will not be again.
        await expect(page.get_by_role("term")).to_have_count(4)
        await page.get_by_role("radio", name="中文").check()
        await button(page, "Save").click()
        # Labels are Chinese as well, and the tab is still open.
        await expect(tab(page, CHINESE.say("web-tab-settings"))).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("radio", name="中文")).to_be_checked()
        await page.get_by_role("radio", name=CHINESE.say("web-language-auto")).check()
        await button(page, CHINESE.say("web-keep")).click()
        await expect(tab(page, "Settings")).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("radio", name="as my browser")).to_be_checked()
        await expect(
            page.get_by_role("paragraph").filter(has_text="Turns your photos into cartoons.")
        ).to_be_visible()


async def test_labels_follow_the_language_of_the_chat_with_one_new_page(site: Site):
    async with site.visit() as visit:
        page = visit.page
        pages: list[str] = []
        page.on("domcontentloaded", lambda loaded: pages.append(loaded.url))
        await say(page, "/language zh-CN")
        await expect(tab(page, CHINESE.say("web-tab-settings"))).to_be_visible()
        await expect(page.get_by_role("textbox", name=CHINESE.say("web-entry"))).to_be_visible()
        await say(page, "/style 7")
        await expect(page.get_by_role("article").last).to_contain_text("不能作为强度")
        assert len(pages) == 1
        await say(page, "/language auto")
        await expect(tab(page, "Settings")).to_be_visible()
        await say(page, "/style 7")
        await expect(page.get_by_role("article").last).to_contain_text("is not a strength")
        assert len(pages) == 2


async def test_the_tab_that_was_open_is_open_again(site: Site):
    async with site.visit("batch") as visit:
        page = visit.page
        await page.reload()
        await expect(tab(page, "Batch")).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("heading", name="Many photos at once")).to_be_visible()


async def test_the_page_tells_what_runs_here(site: Site):
    async with site.visit("settings") as visit:
        await expect(visit.page.get_by_role("term")).to_have_count(4)
        facts = dict(
            zip(
                await visit.page.get_by_role("term").all_inner_texts(),
                await visit.page.get_by_role("definition").all_inner_texts(),
                strict=True,
            )
        )
        assert facts == {
            "Styles": "ink, sketch-ink, pop",
            "Device": "cpu (CPU)",
            "Version": version("cartoonbot"),
            "Queue": "nobody is waiting",
        }


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name, exact=True)


async def expect_look(page: Page, style: str, strength: str, size: str, file_format: str) -> None:
    await expect(page.get_by_role("combobox", name="Style")).to_have_value(style)
    await expect(page.get_by_role("spinbutton", name="Strength")).to_have_value(strength)
    await expect(page.get_by_role("spinbutton", name="Size")).to_have_value(size)
    await expect(page.get_by_role("radio", name=file_format)).to_be_checked()
