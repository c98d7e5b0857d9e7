"""The web chat as a front end: each message of a browser is a chat of its own, answered into an inbox."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bots.conversation import Conversation, sheet_of
from bots.delivery import Limits, Parcel
from bots.frontend import HeardPhoto, Hearing, Note
from bots.locales import Locales
from bots.replies import Reply
from bots.serving import listen, serve, url_of
from core.errors import ChatGone, PhotoUnavailable, UserError
from core.jobs import MAX_PHOTOS, Chat, Job, Owner

PLATFORM: Final = "web"
HOST: Final = "127.0.0.1"
REMEDY: Final = "Set WEB_PORT to another number, or 0."
# What an answer is made of: a sentence, or the file of a cartoon.
Item = str | Path
Inbox = asyncio.Queue[Item | None]
LIMITS: Final = Limits(album_items=MAX_PHOTOS, request_bytes=2**40, file_bytes=2**40)


class WebFrontEnd:
    """Serves the page on this machine only. Port 0 takes a free one; `url` tells which.

    `folder` holds uploads and results for as long as their page may show them.
    """

    def __init__(
        self,
        port: int,
        folder: Path,
        conversation: Conversation,
        reception: Hearing,
        locales: Locales,
    ) -> None:
        self._port = port
        self._folder = folder
        self._results = folder / "results"
        self._conversation = conversation
        self._reception = reception
        self._locales = locales
        self._inboxes: dict[str, Inbox] = {}
        self.ready = asyncio.Event()
        self.url = ""

    def limits_of(self, chat: Chat) -> Limits:
        """The page shows whatever there is."""
        return LIMITS

    def line_of(self, chat: Chat) -> str:
        """See FrontEnd.line_of: each message is a chat of its own."""
        return chat.chat

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError when the port is taken."""
        with listen(HOST, self._port, REMEDY) as listener:
            # Importing gradio takes seconds, and the other front ends should not wait for it.
            app = await asyncio.to_thread(self._build)
            self.url = url_of(listener)
            await serve(app, listener, self.ready, self._end_answers)

    async def fetch(self, reference: str, path: Path) -> None:
        """Copy an upload. Raises PhotoUnavailable."""
        try:
            await asyncio.to_thread(shutil.copyfile, reference, path)
        except FileNotFoundError as error:
            raise PhotoUnavailable from error

    async def say(self, chat: Chat, reply: Reply) -> None:
        """Put a sentence into the page, where it stays as it is. Raises ChatGone when the page was closed."""
        self._inbox(chat).put_nowait(reply.text)

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        """What is in the page stays as it is."""
        return False

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        """What is in the page stays there."""
        return False

    async def show_activity(self, chat: Chat) -> None:
        """The page shows by itself that it waits."""

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> list[None]:
        """Put cartoons into the page. Raises ChatGone when the page was closed."""
        inbox = self._inbox(chat)
        if caption.text:
            inbox.put_nowait(caption.text)
        # The spool forgets its files after delivery; Gradio copies these when it shows them.
        folder = self._results / chat.chat
        folder.mkdir(parents=True, exist_ok=True)
        files = [(result.path, result.name) for result in parcel.results]
        for path, name in [(parcel.archive, parcel.name)] if parcel.archive else files:
            inbox.put_nowait(Path(await asyncio.to_thread(shutil.copyfile, path, folder / name)))
        return [None] * len(parcel.results)

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> None:
        """No page outlives the program."""

    def over(self, job: Job) -> None:
        """Nothing more is coming for this job."""
        inbox = self._inboxes.get(job.chat.chat)
        if inbox is not None:
            inbox.put_nowait(None)

    async def converse(
        self, user: str, language: str | None, text: str, uploads: Sequence[tuple[Path, str]]
    ) -> AsyncGenerator[Item]:
        """Everything the program says to one message with its uploads (path and name)."""
        person = await self._conversation.introduced(Owner(PLATFORM, user), language)
        sheet, caption = sheet_of(text)
        if not uploads or (text.startswith("/") and sheet is None and not text.startswith("/cartoon")):
            # A command that comes with photos, and is not about them, is obeyed before they are drawn.
            yield (await self._conversation.answer(person, text)).text
            caption = ""
        if not uploads:
            return
        if len(uploads) > MAX_PHOTOS:
            yield self._locales.of(person.language).say("too-many-photos", most=MAX_PHOTOS)
        with self._opened_inbox() as (chat, inbox):
            chosen = uploads[:MAX_PHOTOS]
            for place, (path, name) in enumerate(chosen):
                heard = HeardPhoto(
                    person,
                    chat,
                    place,
                    name,
                    str(path),
                    caption,
                    group=chat.chat,
                    weight=path.stat().st_size,
                    sheet=sheet,
                )
                try:
                    await self._reception.hear(heard, complete=place == len(chosen) - 1)
                except UserError as error:
                    yield self._locales.of(person.language).error(error)
                    return
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

    def _end_answers(self) -> None:
        for inbox in self._inboxes.values():
            inbox.put_nowait(None)

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
        return build_app(self.converse, self._locales, self._results)
