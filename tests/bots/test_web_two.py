"""Two browsers at the web app at once: both are served, and neither sees what is the other's."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bots.locales import Locale
from tests.bots.browsers import needs_browser
from tests.bots.pages import Site, button, choose, opened, photo, say, set_number, show
from tests.running import settings_in

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]

# Whatever a page shows or links to of this program, as whole addresses.
ADDRESSES = """() => [...document.querySelectorAll("[src], [href]")].map(each => each.src || each.href)
    .filter(address => /\\/(files|zip)\\/|file=/.test(address))"""
FORGED = """([log, action]) => log.insertAdjacentHTML(
    "beforeend", `<button type="button" data-action="${action}" data-message="1">${action}</button>`)"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with opened(settings_in(tmp_path_factory.mktemp("two"))) as site:
        yield site


async def test_one_photo_does_not_wait_for_anothers_twenty(site: Site):
    async with site.visit("batch") as many, site.visit("single") as one:
        await choose(many.page, "batch", *[photo(f"{number}.jpg") for number in range(20)])
        await choose(one.page, "single", photo("me.jpg"))
        await set_number(one.page, "Strength", "0.4")
        with site.engine.held():
            await button(many.page, "Draw all").click()
            await expect(many.page.get_by_role("listitem").first).to_contain_text("Drawing")
            await button(one.page, "Draw").click()
            await expect(one.page.get_by_role("listitem")).to_have_count(1)
            begun = sum(len(batch) for batch in site.engine.batches)
        await expect(one.page.get_by_test_id("imageslider-image").last).to_be_visible()
        await expect(many.page.get_by_text("Your 20 cartoons are ready.")).to_be_visible()
        strengths = [look.strength for batch in site.engine.batches for look in batch]
        # Two micro-batches of four may be decoded already, and one more on its way there.
        assert strengths.index(0.4) - begun <= 12


async def test_what_is_on_a_page_is_found_by_its_own_browser_alone(site: Site):
    async with site.visit("batch") as anna, site.visit() as li:
        page = anna.page
        await choose(page, "batch", photo("a.jpg"), photo("b.jpg"))
        await button(page, "Draw all").click()
        await expect(page.get_by_role("link", name="Download all as ZIP")).to_be_visible()
        addresses: set[str] = {*await page.evaluate(ADDRESSES)}
        await show(page, "chat")
        await say(page, "", photo("c.jpg"))
        await expect(page.get_by_text("Here is your cartoon")).to_be_visible()
        addresses |= {*await page.evaluate(ADDRESSES)}
        for kind in ("/files/results/", "/files/uploads/", "/zip/", "/gradio_api/file="):
            assert any(kind in address for address in addresses), kind
        for address in addresses:
            assert (await page.request.get(address)).status == 200, address
            assert (await li.page.request.get(address)).status == 404, address


async def test_nobody_presses_the_buttons_of_another(site: Site):
    async with site.visit() as anna, site.visit() as li:
        with site.engine.held():
            await say(anna.page, "these are Anna's", *[photo(f"{number}.jpg") for number in range(6)])
            cancel = button(anna.page, "Cancel")
            job = (await cancel.get_attribute("data-action") or "").removeprefix("cancel:")
            await say(li.page, "/queue")
            await expect(li.page.get_by_role("article").last).to_contain_text("Nothing of yours is waiting.")
            refusals = li.page.get_by_test_id("toast-text").filter(has_text=Locale("en").say("button-not-yours"))
            for told, action in enumerate((f"cancel:{job}", f"redo:{job}:0.5", f"delete:{job}"), start=1):
                await li.page.evaluate(FORGED, [await li.page.get_by_role("log").element_handle(), action])
                await button(li.page, action).click()
                await expect(refusals).to_have_count(told)
        await expect(anna.page.get_by_text("Here are your 6 cartoons")).to_be_visible()
        await expect(anna.page.get_by_role("log")).to_contain_text("these are Anna's")
        await expect(li.page.get_by_role("log")).not_to_contain_text("Anna")
        await expect(li.page.get_by_role("log").get_by_role("img")).to_have_count(0)
