"""The web chat in a real browser: a dropped portrait comes back as a cartoon."""

import io
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from PIL import Image
from playwright.async_api import Page, async_playwright, expect

from core.errors import ConfigError
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium"
)


@asynccontextmanager
async def browsing(url: str, language: str = "en-GB") -> AsyncGenerator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        page = await browser.new_page(locale=language, viewport={"width": 1100, "height": 900})
        await page.goto(url)
        try:
            yield page
        finally:
            await browser.close()


async def send(page: Page, text: str = "", files: list[tuple[str, bytes]] | None = None) -> None:
    if files:
        payload = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
        await page.locator("input[type=file]").first.set_input_files(payload)  # type: ignore[arg-type]
        await expect(page.get_by_role("button", name="Remove")).to_have_count(len(files), timeout=15_000)
    box = page.get_by_role("textbox")
    await box.fill(text)
    await box.press("Enter")


@needs_browser
async def test_a_dropped_portrait_comes_back_as_a_cartoon_and_a_bad_file_as_a_sentence(tmp_path: Path):
    async with running(settings_in(tmp_path), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        async with browsing(app.web.url) as page:
            await expect(page.get_by_text("Send me a photo")).to_be_visible(timeout=20_000)
            await send(page, "/size 640")
            await expect(
                page.get_by_text("Kept: ink, strength 0.7, 640 px, jpg, special care for all faces.")
            ).to_be_visible()
            good = ("me.jpg", jpeg_bytes(gradient(300, 400)))
            await send(page, "", [good, ("notes.jpg", b"not a picture at all")])
            await expect(page.get_by_text("Here is your cartoon: ink 0.7.")).to_be_visible(timeout=20_000)
            await expect(page.get_by_text("this is not a picture I can read")).to_be_visible()
            await expect(page.locator("button[title=Share], button[aria-label=Share]").first).to_be_hidden()
            cartoon = page.locator("img[src*='01-ink']")
            await expect(cartoon).to_be_visible()
            response = await page.request.get(str(await cartoon.get_attribute("src")))
            with Image.open(io.BytesIO(await response.body())) as image:
                assert (image.size, image.format) == ((480, 640), "JPEG")


@needs_browser
async def test_the_page_speaks_the_browsers_language(tmp_path: Path):
    async with running(settings_in(tmp_path), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        async with browsing(app.web.url, "zh-CN") as page:
            await expect(page.get_by_text("发给我一张照片")).to_be_visible(timeout=20_000)
            await send(page, "/style 7")
            await expect(page.get_by_text("不能作为强度")).to_be_visible()


async def test_a_second_program_on_the_same_port_says_what_to_change(tmp_path: Path):
    async with running(settings_in(tmp_path / "one"), QuickEngine) as app:
        assert app.web
        await app.web.ready.wait()
        port = int(app.web.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match="WEB_PORT"):
            async with running(settings_in(tmp_path / "two", web_port=port), QuickEngine):
                pass


async def test_a_request_cannot_read_files_outside_the_pages_own(tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("nobody may read this")
    async with running(settings_in(tmp_path / "data"), QuickEngine) as app, aiohttp.ClientSession() as session:
        assert app.web
        await app.web.ready.wait()
        api = f"{app.web.url}/gradio_api"
        async with session.get(f"{app.web.url}/config") as answer:
            config = await answer.json()
        respond = next(row["id"] for row in config["dependencies"] if len(row["inputs"]) == 3)
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        history = [{"role": "user", "content": [{"type": "file", "file": file}]}]
        body = {
            "data": [{"text": "/help", "files": []}, history, ""],
            "fn_index": respond,
            "session_hash": "stranger",
        }
        async with session.post(f"{api}/queue/join", json=body) as joined:
            assert joined.status == 200
        async with session.get(f"{api}/queue/data?session_hash=stranger") as events:
            said = await events.text()
        assert "process_completed" in said
        assert "file=" not in said
        async with session.get(f"{api}/file={secret}") as answer:
            assert answer.status in (403, 404)


async def test_other_sites_cannot_speak_to_the_page(tmp_path: Path):
    async with running(settings_in(tmp_path), QuickEngine) as app, aiohttp.ClientSession() as session:
        assert app.web
        await app.web.ready.wait()
        for headers, status in (
            ({}, 200),
            ({"Origin": app.web.url}, 200),
            ({"Host": "evil.example"}, 400),
            ({"Origin": "http://evil.example"}, 403),
        ):
            async with session.get(f"{app.web.url}/config", headers=headers) as answer:
                assert answer.status == status, headers
