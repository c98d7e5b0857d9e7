"""The web app below a path of a proxy, behind a password, in a real browser."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from playwright.async_api import expect
from pydantic import SecretStr
from yarl import URL

from bots.locales import Locale
from tests.bots.browsers import needs_browser, visiting
from tests.bots.pages import button, choose, opened, photo, say, show
from tests.running import settings_in

PASSWORD = "let me in, please"
BELOW = "/cartoons"
# What belongs to a connection and not to what comes through it.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


@needs_browser
async def test_the_page_works_behind_a_password_and_below_a_path(tmp_path: Path):
    settings = settings_in(tmp_path, web_password=SecretStr(PASSWORD), web_root_path=BELOW)
    async with opened(settings) as site, proxy(site.url) as url, visiting(site.browser, url) as visit:
        page = visit.page
        entry = page.get_by_label(Locale("en").say("web-login-label"))
        await entry.fill("let me out")
        await button(page, "Come in").click()
        await expect(page.get_by_role("alert")).to_have_text(Locale("en").say("web-login-wrong"))
        await entry.fill(PASSWORD)
        await button(page, "Come in").click()
        await show(page, "chat")
        await say(page, "", photo("me.jpg"))
        cartoon = page.get_by_role("img", name="me.jpg as a cartoon")
        await expect(cartoon).to_be_visible()
        assert await cartoon.evaluate("async image => (await image.decode(), image.naturalWidth)") == 768
        await show(page, "batch")
        await choose(page, "batch", photo("a.jpg"), photo("b.jpg"))
        await button(page, "Draw all").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download all as ZIP").click()
        assert (await downloading.value).suggested_filename == "cartoons.zip"
    # Nothing of it was asked for above the path, where other apps may be.
    asked = [URL(address) for address in visit.requests if address.startswith("http")]
    assert [address for address in asked if not address.path.startswith(BELOW)] == []


@asynccontextmanager
async def proxy(target: str) -> AsyncGenerator[str]:
    """A proxy that shows `target` below a path, which it takes off; the address of that."""
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            if not request.raw_path.startswith(f"{BELOW}/"):
                raise web.HTTPNotFound
            asked = session.request(
                request.method,
                URL(target + request.raw_path.removeprefix(BELOW), encoded=True),
                headers={name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP},
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            )
            async with asked as answer:
                response = web.StreamResponse(status=answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        response.headers.add(name, value)
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                return response

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{BELOW}/"
        finally:
            await runner.cleanup()
