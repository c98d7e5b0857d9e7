"""The Chat tab in a real browser: photos dropped there come back as cartoons."""

import base64
import io
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from bots.locales import Locale
from core.errors import ConfigError
from tests.bots.browsers import LOOPBACK, needs_browser
from tests.bots.pages import NOT_A_PICTURE, Site, button, file, opened, photo, reload, say
from tests.running import QuickEngine, running, settings_in

in_browser = pytest.mark.asyncio(loop_scope="module")

DROP = """([entry, files]) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files) {
        data.items.add(new File([Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0))], name, { type }));
    }
    for (const event of ["dragenter", "dragover", "drop"]) {
        entry.dispatchEvent(new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("chat"))) as site:
        yield site


@needs_browser
@in_browser
async def test_dropped_photos_come_back_as_cartoons_and_a_bad_file_as_a_sentence(site: Site):
    async with site.visit() as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="Send me a photo")).to_be_visible()
        await say(page, "/size 640")
        await expect(said(page).last).to_contain_text("Kept: ink, strength 0.7, 640 px, jpg")
        await drop(page, photo("one.jpg", 50), file("list.jpg", NOT_A_PICTURE), photo("two.jpg", 150))
        await say(page, "0.9")
        await expect(said(page).filter(has_text="Photo 2 (list.jpg): this is not a picture")).to_be_visible()
        answer = said(page).filter(has_text="Here are your 2 cartoons: ink 0.9.")
        cartoon = answer.get_by_role("img", name="two.jpg as a cartoon: ink 0.9, 640 px, jpg")
        await expect(cartoon).to_be_visible()
        data = await page.request.get(f"{site.url}/{await cartoon.get_attribute('src')}")
        with Image.open(io.BytesIO(await data.body())) as image:
            assert (image.size, image.format) == ((480, 640), "JPEG")
            assert image.convert("L").getpixel((0, 0)) == pytest.approx(150, abs=2)
        # Who comes back finds all of it; what spoke of the drawing has gone by then.
        await expect(said(page).filter(has_text="I'm drawing now")).to_have_count(0)
        log = await said(page).all_inner_texts()
        await reload(page, "chat")
        await expect(answer).to_be_visible()
        await expect(said(page)).to_have_count(len(log))
        assert await said(page).all_inner_texts() == log


@needs_browser
@in_browser
async def test_buttons_draw_again_in_another_strength_or_style_and_delete(site: Site):
    async with site.visit() as visit:
        page = visit.page
        await say(page, "", photo("me.jpg"))
        first = said(page).filter(has_text="Here is your cartoon: ink 0.7.")
        await expect(button(first, "• 0.7")).to_have_attribute("aria-current", "true")
        await button(first, "0.5").click()
        second = said(page).filter(has_text="Here is your cartoon: ink 0.5.")
        await expect(second).to_be_visible()
        await button(second, "Another style").click()
        await button(second, "pop").click()
        third = said(page).filter(has_text="Here is your cartoon: pop 0.5.")
        await expect(third.get_by_role("img", name="me.jpg as a cartoon")).to_be_visible()
        # The styles have made room for what was there before them.
        await expect(button(second, "Another style")).to_be_visible()
        await button(second, "Delete").click()
        await expect(second).to_have_count(0)
        await expect(third).to_be_visible()


@needs_browser
@in_browser
async def test_settings_are_changed_by_keyboard_which_stays_where_it_is(site: Site):
    async with site.visit() as visit:
        page = visit.page
        await say(page, "/settings")
        panel = said(page).nth(1)
        await press(page, button(panel, "Strength: 0.7"))
        await expect(panel).to_contain_text("Your strength is 0.7.")
        await press(page, button(panel, "+ 0.75"))
        await expect(panel).to_contain_text("Your strength is 0.75.")
        await press(page, button(panel, "‹ All settings"))
        await expect(button(panel, "Strength: 0.75")).to_be_visible()
        await say(page, "", photo("me.jpg"))
        again = button(said(page).filter(has_text="Here is your cartoon: ink 0.75."), "0.9")
        await press(page, again)
        await expect(said(page).filter(has_text="Here is your cartoon: ink 0.9.")).to_be_visible()
        await expect(again).to_be_focused()


@needs_browser
@in_browser
async def test_photos_that_are_not_drawn_yet_can_be_called_off(site: Site):
    async with site.visit() as visit:
        page = visit.page
        with site.engine.held():
            await say(page, "", *[photo(f"{number}.jpg") for number in range(6)])
            await button(page, "Cancel").click()
            await expect(page.get_by_test_id("toast-text")).to_contain_text("I called off")
            await expect(button(page, "Cancel")).to_have_count(0)


@needs_browser
@in_browser
async def test_the_page_speaks_the_browsers_language(site: Site):
    async with site.visit(language="zh-CN") as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="发一张照片给我")).to_be_visible()
        await say(page, "/style 7")
        await expect(said(page, "对话").last).to_contain_text("不能作为强度")
        assert await page.evaluate("document.documentElement.lang") == "zh-CN"


@needs_browser
@in_browser
async def test_who_has_no_photo_tries_it_with_ours(site: Site):
    async with site.visit() as visit:
        page = visit.page
        await button(page, Locale("en").say("web-try")).click()
        cartoon = (
            said(page).filter(has_text="Here is your cartoon: ink 0.7.").get_by_role("img", name="as a cartoon")
        )
        await expect(cartoon).to_be_visible()
        assert await cartoon.evaluate("async image => (await image.decode(), image.naturalWidth)") == 1024


@needs_browser
@in_browser
async def test_the_page_as_it_is_sent_names_no_other_machine(site: Site):
    async with site.visit() as visit:
        page = await (await visit.page.request.get(site.url)).text()
        named = re.findall(r"""(?:src|href|content)=["']?(?:https?:)?//([^"'/:]+)""", page)
        assert {*named} <= {*LOOPBACK}
        assert "cartoonbot-language" in page


async def test_a_second_program_on_the_same_port_says_what_to_change(tmp_path: Path):
    async with running(settings_in(tmp_path / "one"), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        port = int(app.web.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match="WEB_PORT"):
            async with running(settings_in(tmp_path / "two", web_port=port), QuickEngine):
                pass


def said(page: Page, log: str = "Conversation") -> Locator:
    """The messages, of both sides."""
    return page.get_by_role("log", name=log).get_by_role("article")


async def drop(page: Page, *files: FilePayload) -> None:
    """As from a folder on the desktop."""
    dropped = [
        {"name": each["name"], "type": each["mimeType"], "bytes": base64.b64encode(each["buffer"]).decode()}
        for each in files
    ]
    entry = await page.get_by_role("textbox").element_handle()
    await page.evaluate(DROP, [entry, dropped])
    await expect(page.get_by_role("button", name="Remove file")).to_have_count(len(files))


async def press(page: Page, wanted: Locator) -> None:
    """By keyboard alone: back from the entry until it is there, or from wherever the focus is."""
    await expect(wanted).to_be_visible()
    for _ in range(30):
        if await wanted.evaluate("button => button === document.activeElement"):
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Shift+Tab")
    raise AssertionError(f"no way to {wanted} by keyboard")
