"""A small Gradio app behind the real door, served over real HTTP: what each test of the door knocks at."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request

from bots.locales import Locales
from bots.serving import listen, serve, url_of
from bots.web.uploads import upload_routes
from bots.web.visitors import Visitors, visitor_of
from storage.shelf import Shelf

LISTENING = """
element.addEventListener("click", event => {
    const button = event.target.closest("[data-action]");
    if (button) trigger("click", {action: button.dataset.action});
});
"""


@dataclass
class Doorway:
    """An app that is being served. `go_on` lets its endpoint /tale come to the end."""

    url: str
    shelf: Shelf
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def api(self) -> str:
        return f"{self.url}/gradio_api"


@pytest.fixture(autouse=True)
def gradio_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the program sets them before it imports gradio."""
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "shelf"))


@asynccontextmanager
async def doorway(
    folder: Path,
    password: str | None = None,
    *,
    is_open: bool = False,
    root_path: str = "",
    most_bytes: int = 100_000,
    make_room: Callable[[int], None] = lambda _: None,
) -> AsyncGenerator[Doorway]:
    shelf = Shelf(folder / "shelf")
    with listen("127.0.0.1", 0, "") as listener:
        door = Doorway(url_of(listener), shelf)
        locales = Locales()
        app = await asyncio.to_thread(_app, door, root_path)
        app.router.routes[:0] = upload_routes(shelf, make_room, most_bytes, locales)
        app.add_middleware(
            Visitors, password=password, is_open=is_open, root_path=root_path, shelf=shelf, locales=locales
        )
        ready = asyncio.Event()
        serving = asyncio.create_task(serve(app, listener, ready))
        await ready.wait()
        try:
            yield door
        finally:
            door.go_on.set()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


@asynccontextmanager
async def visiting(door: Doorway) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    """A browser of its own, and the person it is."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{door.url}/who") as answer:
            assert answer.status == 200, await answer.text()
            who = await answer.json()
        yield session, who["user"]


def uploaded(name: str, data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("files", data, filename=name)
    return form


def _app(door: Doorway, root_path: str) -> FastAPI:
    import gradio as gr
    from gradio import themes
    from gradio.events import api

    app = FastAPI()

    @app.get("/who")
    def who(request: Request) -> dict[str, str | None]:
        visitor = visitor_of(request)
        return {"user": visitor.user, "language": visitor.language}

    def me(request: gr.Request) -> str:
        return visitor_of(request).user

    def weigh(file: str) -> int:
        return Path(file).stat().st_size

    def look(picture: dict[str, str]) -> str:
        return f"{Path(picture['path']).stat().st_size} bytes"

    def make(text: str, request: gr.Request) -> str:
        path = door.shelf.result(visitor_of(request).user, "made.txt")
        path.write_text(text)
        return str(path)

    async def tell() -> AsyncGenerator[str]:
        yield "once upon a time"
        await door.go_on.wait()
        yield "the end"

    def press(event: gr.EventData) -> str:
        return f"pressed {event.action}"

    with gr.Blocks(analytics_enabled=False) as blocks:
        with gr.Tabs():
            with gr.Tab("One"):
                text, number, told = gr.Textbox(label="Text"), gr.Number(), gr.Textbox(label="Told")
                file, made = gr.File(label="File", file_count="multiple"), gr.File(label="Made")
                image = gr.Image(label="Image", type="filepath", sources=["upload"])
                gr.Slider(0.1, 1.0, label="Strength")
                gr.Dropdown(["ink", "pop"], label="Style")
            with gr.Tab("Two"):
                gr.ImageSlider(label="Before and after")
                gr.Gallery(label="Gallery")
        html = gr.HTML('<button type="button" data-action="redo">Press</button>', js_on_load=LISTENING)
        timer = gr.Timer(0.2)
        timer.tick(lambda: "ticked", None, told, api_visibility="private")
        html.click(press, None, text, api_visibility="private")
        seen = gr.Textbox(label="Seen")
        # Gradio's own reading of a picture leaves its file open.
        image.change(look, image, seen, preprocess=False, api_visibility="private")
        api(me, api_name="me")
        api(tell, api_name="tale")
        single = gr.File(visible=False)
        gr.Button(visible=False).click(weigh, single, number, api_name="weigh")
        gr.Button(visible=False).click(make, text, made, api_name="make")
        file.change(lambda files: f"{len(files)} files", file, text, api_visibility="private")
    blocks.has_launched = True
    options: dict[str, Any] = {"footer_links": [], "run_history": False, "ssr_mode": False, "show_error": False}
    theme = themes.Default(font=["system-ui"], font_mono=["monospace"])
    return gr.mount_gradio_app(app, blocks, path="/", root_path=root_path or None, theme=theme, **options)
