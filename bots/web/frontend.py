"""The web chat as a front end: each message of a browser is a chat of its own, answered into an inbox."""

import asyncio
import os
import shutil
import socket
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn

from bots.conversation import Conversation
from bots.delivery import Limits, Parcel
from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locales
from core.errors import ChatGone, ConfigError, PhotoUnavailable
from core.jobs import MAX_PHOTOS, Chat, Job, Owner

PLATFORM: Final = "web"
HOST: Final = "127.0.0.1"
# What an answer is made of: a sentence, or the file of a cartoon.
Item = str | Path
Inbox = asyncio.Queue[Item | None]


class WebFrontEnd:
    """Serves the page on this machine only. Port 0 takes a free one; `url` tells which.

    `folder` holds uploads and results for as long as their page may show them. `exposition` is what /metrics says.
    """

    limits = Limits(album_items=MAX_PHOTOS, request_bytes=2**40)

    def __init__(
        self,
        port: int,
        folder: Path,
        conversation: Conversation,
        reception: Hearing,
        locales: Locales,
        exposition: Callable[[], bytes],
    ) -> None:
        self._port = port
        self._folder = folder
        self._results = folder / "results"
        self._conversation = conversation
        self._reception = reception
        self._locales = locales
        self._exposition = exposition
        self._inboxes: dict[str, Inbox] = {}
        self.ready = asyncio.Event()
        self.url = ""

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError when the port is taken."""
        with _listen(self._port) as listener:
            # Importing gradio takes seconds, and the other front ends should not wait for it.
            app = await asyncio.to_thread(self._build)
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, access_log=False)
            server = _Server(config, self.ready)
            self.url = f"http://{HOST}:{listener.getsockname()[1]}"
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                await asyncio.shield(serving)
            finally:
                self.ready.clear()
                server.should_exit = True
                for inbox in self._inboxes.values():
                    inbox.put_nowait(None)
                await serving

    async def fetch(self, reference: str, path: Path) -> None:
        """Copy an upload. Raises PhotoUnavailable."""
        try:
            await asyncio.to_thread(shutil.copyfile, reference, path)
        except OSError as error:
            raise PhotoUnavailable from error

    async def say(self, chat: Chat, text: str) -> None:
        """Put a sentence into the page. Raises ChatGone when the page was closed."""
        self._inbox(chat).put_nowait(text)

    async def deliver(self, chat: Chat, parcel: Parcel, caption: str) -> None:
        """Put cartoons into the page. Raises ChatGone when the page was closed."""
        inbox = self._inbox(chat)
        if caption:
            inbox.put_nowait(caption)
        # The spool forgets its files after delivery; Gradio copies these when it shows them.
        folder = self._results / chat.chat
        folder.mkdir(parents=True, exist_ok=True)
        for result in parcel.results:
            inbox.put_nowait(Path(await asyncio.to_thread(shutil.copyfile, result.path, folder / result.name)))

    def answered(self, job: Job) -> None:
        """Nothing more is coming for this job."""
        inbox = self._inboxes.get(job.chat.chat)
        if inbox is not None:
            inbox.put_nowait(None)

    async def converse(
        self, user: str, language: str | None, text: str, uploads: Sequence[tuple[Path, str]]
    ) -> AsyncGenerator[Item]:
        """Everything the program says to one message with its uploads (path and name)."""
        person = Person(Owner(PLATFORM, user), language)
        if not uploads or text.startswith("/"):
            # A command that comes with photos is obeyed before they are drawn.
            yield await self._conversation.answer(person, text)
            text = ""
        if not uploads:
            return
        if len(uploads) > MAX_PHOTOS:
            yield self._locales.of(language).say("too-many-photos", most=MAX_PHOTOS)
        with self._opened_inbox() as (chat, inbox):
            chosen = uploads[:MAX_PHOTOS]
            for place, (path, name) in enumerate(chosen):
                heard = HeardPhoto(
                    person, chat, place, name, str(path), text, group=chat.chat, weight=path.stat().st_size
                )
                await self._reception.hear(heard, complete=place == len(chosen) - 1)
            while (item := await inbox.get()) is not None:
                yield item

    @contextmanager
    def _opened_inbox(self) -> Generator[tuple[Chat, Inbox]]:
        chat = Chat(PLATFORM, uuid.uuid4().hex)
        inbox: Inbox = asyncio.Queue()
        self._inboxes[chat.chat] = inbox
        try:
            yield chat, inbox
        finally:
            del self._inboxes[chat.chat]
            shutil.rmtree(self._results / chat.chat, ignore_errors=True)

    def _inbox(self, chat: Chat) -> Inbox:
        inbox = self._inboxes.get(chat.chat)
        if inbox is None:
            raise ChatGone("the page was closed")
        return inbox

    def _build(self) -> Any:
        # Gradio reads these when it is imported and when it stores its first file.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = str((self._folder / "uploads").resolve())
        from bots.web.page import build_app

        # Nobody is looking at what an earlier run showed.
        shutil.rmtree(self._folder, ignore_errors=True)
        return build_app(self.converse, self._locales, self._results, self._exposition)


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to the program, which has more to close than this server."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} on {HOST} is taken, perhaps by another Cartoonbot. Set WEB_PORT to another number, or 0."
        ) from error
    return listener
