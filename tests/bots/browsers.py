"""Real browsers for the tests of the web app, which note whom their pages speak to: to nobody but this machine.

    SCREENSHOTS=docs/screenshots pytest tests/bots/test_web_screenshots.py

also writes down there what the page looks like.
"""

import json
import os
import shutil
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium"
)

LOOPBACK: Final = ("127.0.0.1", "localhost")
_NOWHERE: Final = "http://127.0.0.1:9"  # the port for what is to be thrown away
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP * ~NOTFOUND, {', '.join(f'EXCLUDE {host}' for host in LOOPBACK)}",
    # Whom Chromium asks of its own accord, whatever else it is told.
    f"--gaia-url={_NOWHERE}",
    f"--component-updater=url-source={_NOWHERE}",
    f"--autofill-server-url={_NOWHERE}",
)


@dataclass(frozen=True)
class Visit:
    """One person's browser. The lists grow while it is open, and hold what happens in any of its tabs.

    `requests`: the addresses asked for, those of WebSockets too; `errors`: what scripts did not catch; `console`:
    the errors told there.
    """

    page: Page
    requests: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])
    console: list[str] = field(default_factory=list[str])

    async def screenshot(self, name: str) -> None:
        """Write what is to be seen to `name`.png in the folder SCREENSHOTS, where that is set."""
        if folder := os.environ.get("SCREENSHOTS"):
            await self.page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A browser that finds no machine but this one. At the end it must not have asked another, nor by itself."""
    with TemporaryDirectory() as folder:
        netlog = Path(folder) / "netlog.json"
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*_FLAGS, f"--log-net-log={netlog}"]
            )
            try:
                yield browser
            finally:
                await browser.close()
        hosts = outside_hosts(netlog)
    assert not hosts, f"Chromium asked {sorted(hosts)}"


@asynccontextmanager
async def visiting(
    browser: Browser,
    url: str,
    *,
    language: str = "en-GB",
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    headers: Mapping[str, str] | None = None,
) -> AsyncGenerator[Visit]:
    """A person who opens `url`, with cookies of their own.

    At the end no tab may have asked another machine, and no script may have failed.
    """
    context = await browser.new_context(
        locale=language,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        extra_http_headers=dict(headers or {}),
    )
    try:
        visit = Visit(await context.new_page())
        context.on("request", lambda request: visit.requests.append(request.url))
        context.on("weberror", lambda error: visit.errors.append(str(error.error)))
        context.on("console", lambda said: visit.console.append(said.text) if said.type == "error" else None)
        context.on("page", lambda page: _note_sockets(page, visit))
        _note_sockets(visit.page, visit)
        await visit.page.goto(url)
        yield visit
    finally:
        await context.close()
    hosts = _outside(visit.requests)
    assert not hosts, f"the page asked {sorted(hosts)}"
    assert not visit.errors, f"scripts failed: {visit.errors}"


@asynccontextmanager
async def browsing(
    url: str,
    *,
    language: str = "en-GB",
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    headers: Mapping[str, str] | None = None,
) -> AsyncGenerator[Visit]:
    """`visiting` in a browser of its own."""
    async with (
        chromium() as browser,
        visiting(browser, url, language=language, width=width, height=height, dark=dark, headers=headers) as visit,
    ):
        yield visit


def outside_hosts(netlog: Path) -> set[str]:
    """The hosts beyond this machine that Chromium asked, or tried to, by its own log (--log-net-log)."""
    log = json.loads(netlog.read_text(encoding="utf-8"))
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    events = [event for event in log["events"] if event["type"] == started]
    return _outside(event["params"]["url"] for event in events if "url" in event.get("params", {}))


def _outside(urls: Iterable[str]) -> set[str]:
    """The hosts of these addresses that are other machines; "data:" and "blob:" have none."""
    hosts = {urlsplit(url.removeprefix("blob:")).hostname for url in urls}
    return {host for host in hosts if host is not None and host not in LOOPBACK}


def _note_sockets(page: Page, visit: Visit) -> None:
    page.on("websocket", lambda socket: visit.requests.append(socket.url))
