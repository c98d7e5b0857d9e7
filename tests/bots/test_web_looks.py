"""How the page looks and reads in a real browser: on phones, in the dark, and to those who do not see it."""

import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.bots.browsers import needs_browser
from tests.bots.pages import NOT_A_PICTURE, Site, button, choose, file, opened, photo, say, show
from tests.running import settings_in

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]
TABS = ("chat", "single", "batch", "settings")
PHONES = (390, 360)
# What a screen reader would call by its role alone; icons within buttons are no more than that.
NAMELESS = re.compile(
    r"^ *- (button|combobox|group|link|log|progressbar|radio|slider|spinbutton|tab|textbox)\b(?! \").*", re.M
)
# WCAG 2: the contrast of each text that is seen to what is behind it.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([red, green, blue]) => [red, green, blue]
        .map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const color = rgba(getComputedStyle(each).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255];
    };
    const seen = { opacityProperty: true, visibilityProperty: true };
    const isSeen = (element) => element.checkVisibility(seen) && !element.closest(":disabled");
    // Signs are no texts.
    const isText = (node) => node.nodeType === Node.TEXT_NODE && /\\p{L}/u.test(node.textContent);
    const texts = [...document.querySelectorAll("body *")]
        .filter((element) => isSeen(element) && [...element.childNodes].some(isText));
    return texts.map((element) => {
        const [light, dark] = [rgba(getComputedStyle(element).color), behind(element)]
            .map(luminance).sort((one, other) => other - one);
        return [element.textContent.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
    });
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("looks"))) as site:
        yield site


async def test_nothing_is_wider_than_a_phone(site: Site):
    async with site.visit(width=max(PHONES), height=844) as visit:
        await use(visit.page)
        for width in PHONES:
            await visit.page.set_viewport_size({"width": width, "height": 844})
            for tab in TABS:
                await show(visit.page, tab)
                wide = await visit.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{tab} is {wide} px wide on {width}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_text_can_be_read(site: Site, dark: bool):
    async with site.visit(dark=dark) as visit:
        await use(visit.page)
        for tab in TABS:
            await show(visit.page, tab)
            background = await visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == ("rgb(23, 20, 18)" if dark else "rgb(250, 247, 242)")
            contrasts = await visit.page.evaluate(CONTRASTS)
            assert len(contrasts) > 10
            assert {text: ratio for text, ratio in contrasts if ratio < 4.5} == {}


async def test_everything_that_is_used_has_a_name(site: Site):
    async with site.visit() as visit:
        await use(visit.page)
        for tab in TABS:
            await show(visit.page, tab)
            pictures = visit.page.locator("img:visible")
            assert await pictures.evaluate_all("all => all.filter(each => !each.hasAttribute('alt')).length") == 0
            read = await visit.page.get_by_role("main").aria_snapshot()
            assert [found[0] for found in NAMELESS.finditer(read)] == [], f"{tab}:\n{read}"
            assert "common." not in read  # what Gradio has no words for


async def use(page: Page) -> None:
    """Leave something to see on each tab."""
    await say(page, "some words", photo("me.jpg"), file("list of what to buy.jpg", NOT_A_PICTURE))
    await expect(page.get_by_text("Here is your cartoon")).to_be_visible()
    await show(page, "single")
    await choose(page, "single", photo("me.jpg"))
    await button(page, "Draw").click()
    await expect(page.get_by_test_id("imageslider-image").last).to_be_visible()
    await show(page, "batch")
    await choose(page, "batch", photo("me.jpg"), file("list of what to buy.jpg", NOT_A_PICTURE))
    await button(page, "Draw all").click()
    await expect(page.get_by_role("link", name="Download all as ZIP")).to_be_visible()
