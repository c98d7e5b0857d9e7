"""The browsers of the tests see what a page does behind one's back."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image
from playwright.async_api import Error, expect

from tests.bots.browsers import browsing, chromium, needs_browser, visiting

pytestmark = needs_browser
QUIET = '<link rel="icon" href="data:,"><p>Nothing to see</p>'


@asynccontextmanager
async def serving(page: str) -> AsyncGenerator[str]:
    """A site with this page, which also says the number that the visitor has in a cookie; and with quiet pages."""
    numbers = count(1)

    async def home(request: web.Request) -> web.Response:
        number = request.cookies.get("number") or str(next(numbers))
        answer = web.Response(text=f"<!doctype html><h1>You are {number}</h1>{page}", content_type="text/html")
        answer.set_cookie("number", number)
        return answer

    async def other(request: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html>{QUIET}", content_type="text/html")

    site = web.Application()
    site.router.add_get("/", home)
    site.router.add_get("/{path}", other)
    runner = web.AppRunner(site)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_a_page_that_keeps_to_itself_passes():
    async with serving(f"{QUIET}<script>fetch('/more')</script>") as url, browsing(url) as visit:
        await expect(visit.page.get_by_text("Nothing to see")).to_be_visible()
        await visit.page.wait_for_load_state("networkidle")
        assert {url, f"{url}more"} <= set(visit.requests)
        assert (visit.errors, visit.console) == ([], [])


@pytest.mark.parametrize(
    "page",
    [
        '<img src="http://outside.example/x.png">',
        '<img src="http://192.0.2.1/x.png">',
        '<link rel="stylesheet" href="https://outside.example/font.css">',
        "<script>fetch('http://outside.example/').catch(() => 0)</script>",
    ],
)
async def test_a_request_that_leaves_the_machine_is_seen(page: str):
    async with serving(page) as url:
        with pytest.raises(AssertionError, match=r"the page asked \['(outside\.example|192\.0\.2\.1)'\]"):
            async with browsing(url):
                pass


async def test_a_socket_that_leaves_the_machine_is_seen():
    async def opened_a_socket(url: str) -> None:
        async with browsing(url) as visit, visit.page.expect_event("websocket"):
            await visit.page.evaluate("void new WebSocket('ws://outside.example/')")

    async with serving(QUIET) as url:
        with pytest.raises(AssertionError, match=r"the page asked \['outside\.example'\]"):
            await opened_a_socket(url)


async def test_what_another_tab_asks_is_seen():
    async def asked_in_a_popup(url: str) -> None:
        async with browsing(url) as visit:
            async with visit.page.expect_popup() as opening:
                await visit.page.evaluate("void window.open('/popup')")
            popup = await opening.value
            await popup.evaluate("fetch('http://outside.example/').catch(() => 0)")

    async with serving(QUIET) as url:
        with pytest.raises(AssertionError, match=r"the page asked .*outside\.example"):
            await asked_in_a_popup(url)


async def test_chromiums_own_log_tells_what_nobody_listens_for():
    async def asked_unheard(url: str) -> None:
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(url)

    async with serving('<img src="http://outside.example/x.png">') as url:
        with pytest.raises(AssertionError, match=r"Chromium asked \['outside\.example'\]"):
            await asked_unheard(url)


async def test_a_script_that_fails_fails_the_test():
    async with serving("<script>console.error('oh dear'); throw new Error('broken')</script>") as url:
        with pytest.raises(AssertionError, match=r"scripts failed: .*broken"):
            async with browsing(url) as visit:
                assert visit.console == ["oh dear"]


async def test_the_tests_own_error_comes_first():
    async with serving('<img src="http://outside.example/x.png">') as url:
        with pytest.raises(Error, match="nowhere"):
            async with browsing(url) as visit:
                await visit.page.evaluate("nowhere()")


async def test_people_are_as_they_are_asked_to_be():
    async with serving(QUIET) as url:
        async with browsing(url, language="zh-CN", width=390, height=844, dark=True) as visit:
            seen = await visit.page.evaluate(
                "[navigator.language, innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]"
            )
        assert seen == ["zh-CN", 390, 844, True]
        async with browsing(url, headers={"Cookie": "number=7"}) as visit:
            await expect(visit.page.get_by_role("heading")).to_have_text("You are 7")


async def test_two_people_have_cookies_of_their_own():
    async with (
        serving(QUIET) as url,
        chromium() as browser,
        visiting(browser, url) as anna,
        visiting(browser, url) as li,
    ):
        await anna.page.reload()
        await expect(anna.page.get_by_role("heading")).to_have_text("You are 1")
        await expect(li.page.get_by_role("heading")).to_have_text("You are 2")


async def test_screenshots_are_written_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = tmp_path / "asked.png"
    async with serving(QUIET) as url, browsing(url, width=600, height=400) as visit:
        monkeypatch.delenv("SCREENSHOTS", raising=False)
        await visit.screenshot("unasked")
        monkeypatch.setenv("SCREENSHOTS", str(tmp_path))
        await visit.screenshot("asked")
    assert names_in(tmp_path) == [asked.name]
    with Image.open(asked) as image:
        assert image.size == (600, 400)
