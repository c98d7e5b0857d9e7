"""The page, in Gradio: its tabs, its look, its languages. Imported only when the web app starts."""

import logging
from html import escape
from typing import Any, Final

import gradio as gr
from fastapi import FastAPI
from gradio.i18n import I18nData

from bots.locales import LANGUAGES, Locale, Locales
from bots.web import markup
from bots.web.batch_tab import BatchTab
from bots.web.chat_tab import ChatTab
from bots.web.files import FOLDER, Files
from bots.web.head import HeadScript
from bots.web.inputs import QUIETLY, NotUnderstood, Sentence, Word
from bots.web.scripting import Endpoints
from bots.web.services import Door, Services
from bots.web.settings_tab import SettingsTab
from bots.web.single_tab import SingleTab
from bots.web.theme import build_theme
from bots.web.uploads import upload_routes
from bots.web.visitors import Visitors, visitor_of
from core.errors import UserError

log = logging.getLogger(__name__)

MOST_EVENTS: Final = 1000
MOST_SESSIONS: Final = 1000
# How long a sentence stays in a corner of the page.
SHOWN_SECONDS: Final = 10


class Page(gr.Blocks):
    """Blocks whose errors are sentences in the visitor's language; what nobody foresaw goes to our log."""

    def __init__(self, locales: Locales, **options: Any) -> None:
        super().__init__(**options)
        self._locales = locales

    async def preprocess_data(self, *args: Any, **options: Any) -> list[Any]:
        try:
            return await super().preprocess_data(*args, **options)
        except Exception as error:
            # Our own page asks for nothing that its fields do not take.
            log.info("a request was not understood: %.200s", error)
            raise NotUnderstood from error

    async def process_api(self, block_fn: Any, inputs: Any, *args: Any, **options: Any) -> dict[str, Any]:
        try:
            return await super().process_api(block_fn, inputs, *args, **options)
        except Exception as error:
            locale = self._locale(options.get("request"))
            text = _sentence(locale, error)
            if (event := options.get("event_id")) is not None:
                # Gradio shows it as HTML; scripts get it as it is.
                self._queue.log_message(event, escape(text, quote=False), "", "warning", SHOWN_SECONDS)
            raise gr.Error(text, visible=False, print_exception=False) from error

    def _locale(self, request: Any) -> Locale:
        first = request[0] if isinstance(request, list) else request
        return self._locales.of(visitor_of(first).language if first is not None else None)


def _sentence(locale: Locale, error: Exception) -> str:
    if isinstance(error, UserError):
        return locale.error(error)
    if isinstance(error, NotUnderstood):
        return locale.say("web-not-understood")
    if isinstance(error, Sentence):
        return str(error)
    log.error("a request of the page failed", exc_info=error)
    return locale.say("something-broke")


class Words:
    """Labels in all languages: Gradio's own part in the browser puts in that of the visitor."""

    def __init__(self, locales: Locales) -> None:
        self._locales = locales
        self._used: set[str] = set()

    def __call__(self, name: str) -> Any:
        """Stands for a sentence of the locales."""
        self._used.add(name)
        return I18nData(name)

    @property
    def translations(self) -> gr.I18n:
        """Of all labels that were asked for."""
        return gr.I18n(
            **{
                language: {name: self._locales.of(language).say(name) for name in self._used}
                for language in LANGUAGES
            }
        )


def build_app(services: Services, door: Door) -> FastAPI:
    """The web application."""
    app = FastAPI(title="Cartoonbot", docs_url=None, redoc_url=None, openapi_url=None)
    words = Words(services.locales)
    app.router.routes += Files(services).routes
    app.router.routes += upload_routes(services.shelf, door.make_room, door.most_bytes, services.locales)
    blocks = _blocks(services, words)
    # Gradio checks the file paths in requests against its own folders only once it is launched, and mounting
    # does not say that it is: without this line a request could read any file of this machine.
    blocks.has_launched = True
    # Scripts wait in one of these until all is drawn; pages need one for a moment.
    blocks.max_threads = MOST_EVENTS
    # Else whoever waits is told of each that waits before them, at each change.
    blocks.queue(status_update_rate=30)
    # Each is some hundred kilobytes. A page whose session is gone looks for its last job.
    blocks.state_session_capacity = MOST_SESSIONS
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        root_path=door.root_path or None,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        css_paths=FOLDER / "page.css",
        favicon_path=str(FOLDER / "icon.svg"),
        i18n=words.translations,
        theme=build_theme(),
    )
    app.add_middleware(HeadScript, script=(FOLDER / "page.js").read_text(encoding="utf-8"))
    app.add_middleware(
        Visitors,
        password=door.password,
        is_open=door.is_open,
        root_path=door.root_path,
        shelf=services.shelf,
        locales=services.locales,
    )
    return app


def _blocks(services: Services, word: Word) -> Page:
    with Page(services.locales, title="Cartoonbot", analytics_enabled=False) as blocks:
        header = gr.HTML()
        with gr.Tabs():
            with gr.Tab(word("web-tab-chat"), id="chat"):
                chat = ChatTab(services, word)
            with gr.Tab(word("web-tab-single"), id="single"):
                single = SingleTab(services, word)
            with gr.Tab(word("web-tab-batch"), id="batch"):
                batch = BatchTab(services, word)
            with gr.Tab(word("web-tab-settings"), id="settings"):
                settings = SettingsTab(services, word, [single.look, batch.look])

        async def greet(request: gr.Request) -> str:
            return markup.header(services.locale(await services.person(request)))

        blocks.load(greet, None, [header], **QUIETLY)
        blocks.load(chat.open, None, chat.shown, **QUIETLY)
        blocks.load(single.open, None, single.shown, **QUIETLY)
        blocks.load(batch.open, None, batch.shown, **QUIETLY)
        blocks.load(settings.open, None, settings.shown, **QUIETLY)
        Endpoints(services)
    return blocks
