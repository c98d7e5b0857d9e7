"""What the tests of the web app's tabs share: a program with a Chromium, and people who use the page."""

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from bots.locales import Locale
from core.config import Settings
from core.engine import Engine
from core.look import Look
from core.photo import Array
from core.styles.registry import Build
from tests.bots.browsers import Visit, chromium, visiting
from tests.pictures import jpeg_bytes
from tests.running import QuickEngine, running

# Milliseconds after which what is expected will not come, even on a busy machine.
PATIENCE: Final = 30_000
NOT_A_PICTURE: Final = b"a shopping list"


class PatientEngine(QuickEngine):
    """A QuickEngine that can be told to wait."""

    def __init__(self) -> None:
        super().__init__()
        self._permits: threading.Semaphore | None = None

    @contextmanager
    def held(self) -> Generator[threading.Semaphore]:
        """Until the end, each batch waits for a `release` of this semaphore."""
        permits = self._permits = threading.Semaphore(0)
        try:
            yield permits
        finally:
            self._permits = None
            permits.release(1000)

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        drawn = super().stylize(photos, looks)
        if (permits := self._permits) is not None:
            permits.acquire()
        return drawn


@dataclass(frozen=True)
class Site:
    """A running program, and a browser to visit it with."""

    url: str
    engine: PatientEngine
    browser: Browser

    @asynccontextmanager
    async def visit(
        self,
        tab: str = "chat",
        *,
        language: str = "en-GB",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
    ) -> AsyncGenerator[Visit]:
        """A person of their own who has opened a tab: "chat", "single", "batch" or "settings"."""
        visitor = visiting(self.browser, self.url, language=language, width=width, height=height, dark=dark)
        async with visitor as visit:
            await show(visit.page, tab, language)
            yield visit
            # What nobody foresaw would be told in these words.
            broken = _locale(language).say("something-broke")
            await expect(visit.page.get_by_text(broken)).to_have_count(0)


@asynccontextmanager
async def opened(
    settings: Settings, build_engine: Callable[[str, Build], Engine] | None = None
) -> AsyncGenerator[Site]:
    """A site that draws with its own engine, unless another one is to be built."""
    engine = PatientEngine()
    expect.set_options(timeout=PATIENCE)
    async with running(settings, build_engine or (lambda device, build: engine)) as app, chromium() as browser:
        assert app.web
        await app.web.ready.wait()
        yield Site(app.web.url, engine, browser)


async def show(page: Page, tab: str, language: str = "en-GB") -> None:
    """Choose a tab, once the page is there."""
    await page.get_by_role("tab", name=_locale(language).say(f"web-tab-{tab}"), exact=True).click()


async def reload(page: Page, tab: str) -> None:
    await page.reload()
    await show(page, tab)


def photo(name: str, shade: int = 100, width: int = 300, height: int = 400) -> FilePayload:
    """A photo in one grey, which its cartoon keeps."""
    return file(name, jpeg_bytes(np.full((height, width, 3), shade, np.uint8)))


def file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


async def choose(page: Page, tab: str, *files: FilePayload) -> None:
    """Choose files on the Single or the Batch tab, and wait until they are there."""
    field = page.locator("#single-photo" if tab == "single" else "#batch-photos")
    await field.locator("input[type=file]").set_input_files(files)
    if tab == "single":
        await expect(field.get_by_role("button", name="Remove Image")).to_be_visible()
    else:
        await expect(field.get_by_role("button", name="Remove this file")).to_have_count(len(files))


async def say(page: Page, text: str = "", *files: FilePayload) -> None:
    """Write in the chat, with files."""
    if files:
        await page.get_by_test_id("file-upload").first.set_input_files(files)
        await expect(page.get_by_role("button", name="Remove file")).to_have_count(len(files))
    entry = page.get_by_role("textbox")
    await entry.fill(text)
    await entry.press("Enter")
    await expect(entry).to_have_value("")


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def set_number(page: Page, label: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=label)
    await field.fill(value)
    await field.press("Tab")


def _locale(language: str) -> Locale:
    return Locale("zh-CN" if language.startswith("zh") else "en")
