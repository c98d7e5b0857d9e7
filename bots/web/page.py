"""The page itself, in Gradio: a chat that takes photos and commands. Imported only when the web chat starts."""

import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import gradio as gr
from fastapi import FastAPI, Response
from gradio import themes
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bots.locales import LANGUAGES, Locales
from core.jobs import MAX_PHOTOS

Converse = Callable[[str, str | None, str, Sequence[tuple[Path, str]]], AsyncGenerator[str | Path]]
Message = dict[str, Any]

OWN_NAMES: Final = ("127.0.0.1", "localhost")
# What every browser shows; other uploads appear by name.
SHOWN: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif")
# Gradio's own bound, above ours, so that a heavy file gets our sentence.
UPLOAD_BYTES: Final = 200_000_000
# Uploads and results go an hour to a day after they were made.
SWEEP_EVERY, KEEP = 3600, 86400
# Gradio's Share buttons upload to a stranger's server.
NO_SHARING: Final = 'button[title="Share"], button[aria-label="Share"] { display: none !important; }'


class OwnPagesOnly(BaseHTTPMiddleware):
    """Refuses what a page of another origin sends."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return PlainTextResponse("This page answers its own visitors only.", status_code=403)
        return await call_next(request)


def build_app(converse: Converse, locales: Locales, results: Path) -> FastAPI:
    """The web application: the chat at /."""
    app = FastAPI(title="Cartoonbot", docs_url=None, redoc_url=None, openapi_url=None)
    # Another site in the same browser must not speak to this page, neither by its own name (DNS rebinding)
    # nor by posting here.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OWN_NAMES)
    app.add_middleware(OwnPagesOnly)
    translated = gr.I18n(**{language: _labels(locales, language) for language in LANGUAGES})
    results.mkdir(parents=True, exist_ok=True)
    blocks = _blocks(converse, locales, translated)
    # Gradio checks the file paths in requests against its own folders only once it is launched, and mounting
    # does not say that it is: without this line a request could read any file of this machine.
    blocks.has_launched = True
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        allowed_paths=[str(results.resolve())],
        max_file_size=UPLOAD_BYTES,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        css=NO_SHARING,
        i18n=translated,
        theme=themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    )


def _blocks(converse: Converse, locales: Locales, translated: gr.I18n) -> Any:
    with gr.Blocks(
        title="Cartoonbot", analytics_enabled=False, fill_height=True, delete_cache=(SWEEP_EVERY, KEEP)
    ) as blocks:
        # Kept by the browser, so that settings are still there tomorrow.
        person = gr.BrowserState("", storage_key="cartoonbot-person", secret="cartoonbot")
        chat = gr.Chatbot(
            label=translated("web-label"), scale=1, buttons=[], feedback_options=None, layout="bubble"
        )
        entry = gr.MultimodalTextbox(
            label=translated("web-entry"),
            info=translated("web-hint"),
            file_count="multiple",
            sources=["upload"],
            autofocus=True,
            max_plain_text_length=10_000,
        )

        def greet(request: gr.Request, known: str) -> tuple[list[Message], str]:
            hello = locales.of(_language(request)).say("welcome", most=MAX_PHOTOS)
            return [_said(hello)], known or uuid.uuid4().hex

        async def respond(
            request: gr.Request, message: Message, history: list[Message], user: str
        ) -> AsyncGenerator[tuple[Any, list[Message]]]:
            text, files = message.get("text") or "", [Path(file) for file in message.get("files") or []]
            history = [*history, *_asked(text, files)]
            yield None, history
            uploads = [(file, file.name) for file in files]
            async for item in converse(user or uuid.uuid4().hex, _language(request), text, uploads):
                history = [*history, _said(item) if isinstance(item, str) else _shown(item)]
                yield gr.skip(), history

        blocks.load(greet, [person], [chat, person], api_visibility="private")
        entry.submit(
            respond, [entry, chat, person], [entry, chat], concurrency_limit=None, api_visibility="private"
        )
    return blocks


def _labels(locales: Locales, language: str) -> dict[str, str]:
    locale = locales.of(language)
    return {name: locale.say(name) for name in ("web-label", "web-entry", "web-hint")}


def _language(request: Any) -> str | None:
    header: str = request.headers.get("accept-language", "")
    return header.split(",")[0].split(";")[0].strip() or None


def _asked(text: str, files: list[Path]) -> list[Message]:
    shown = [{"role": "user", "content": _picture(file)} for file in files if file.suffix.lower() in SHOWN]
    named = [file.name for file in files if file.suffix.lower() not in SHOWN]
    words = "\n".join(part for part in (*named, text) if part)
    return [*shown, *([{"role": "user", "content": words}] if words else [])]


def _said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _shown(cartoon: Path) -> Message:
    return {"role": "assistant", "content": _picture(cartoon)}


def _picture(path: Path) -> gr.Image:
    return gr.Image(str(path), buttons=["download", "fullscreen"], show_label=False, container=False)
