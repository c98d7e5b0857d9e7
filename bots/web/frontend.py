"""The web app as a front end: cartoons come to the shelf of whose they are, and words into their chat."""

import asyncio
import gc
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bots.delivery import Limits, Parcel
from bots.frontend import Note
from bots.replies import Reply
from bots.serving import listen, serve, url_of
from bots.web.places import is_desk, user_of
from bots.web.services import Door, Services
from bots.web.visitors import check_reach
from core.errors import PhotoUnavailable
from core.jobs import Chat
from core.writing import linked, to_disk

log = logging.getLogger(__name__)

REMEDY: Final = "Set WEB_PORT to another number, or 0, and WEB_HOST to an address of this machine."
# A page shows whatever there is.
LIMITS: Final = Limits(album_items=1000, request_bytes=2**40, file_bytes=2**40, album_buttons=True)


class WebFrontEnd:
    """Serves the page. Port 0 takes a free one; `url` tells which.

    Raises ConfigError where others could reach it, and nobody has said that they may.
    """

    def __init__(self, host: str, port: int, services: Services, door: Door) -> None:
        check_reach(host, door.password, is_open=door.is_open)
        if door.is_open and door.password is None:
            log.warning("WEB_OPEN is set: everybody who reaches %s may use the web app without a password", host)
        self._host = host
        self._port = port
        self._services = services
        self._door = door
        self._chat = services.chat
        self._shelf = services.shelf
        self.downloads = False
        self.ready = asyncio.Event()
        self.url = ""

    def limits_of(self, chat: Chat) -> Limits:
        """See FrontEnd.limits_of."""
        return LIMITS

    def line_of(self, chat: Chat) -> str:
        """See FrontEnd.line_of."""
        return chat.chat

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError when the port is taken."""
        with listen(self._host, self._port, REMEDY) as listener:
            # Importing gradio takes seconds, and the other front ends should not wait for it.
            app = await asyncio.to_thread(self._build)
            self.url = url_of(listener)
            await serve(app, listener, self.ready)

    async def fetch(self, reference: str, path: Path) -> None:
        """Take an upload from the shelf, by its person and address. Raises PhotoUnavailable."""
        user, _, address = reference.partition("/")
        source = self._shelf.find(user, address)
        if source is None:
            raise PhotoUnavailable
        try:
            # Kept as long as what is made of it.
            os.utime(source)
            await asyncio.to_thread(linked, source, path)
        except FileNotFoundError as error:
            raise PhotoUnavailable from error

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        """See FrontEnd.say. On a desk nothing is said: it shows what there is."""
        return None if is_desk(chat) else await self._chat.say(user_of(chat), reply)

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        """See FrontEnd.edit."""
        return await self._chat.edit(user_of(chat), message, reply)

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        """See FrontEnd.delete."""
        if messages:
            await self._chat.delete(user_of(chat), messages)
        return True

    async def show_activity(self, chat: Chat) -> None:
        """Messages tell how far it is."""

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> list[str]:
        """See FrontEnd.deliver. Cartoons come to the shelf; on a desk, they are named by their address there."""
        user = user_of(chat)
        sources = [parcel.archive] if parcel.archive else [result.path for result in parcel.results]
        files = [self._shelf.result(user, source.name) for source in sources]
        # The spool forgets its own after delivery.
        with to_disk():
            for source, file in zip(sources, files, strict=True):
                await asyncio.to_thread(linked, source, file)
        if is_desk(chat):
            return [self._shelf.address(user, file) for file in files]
        trace = "/".join(str(result.photo_id) for result in parcel.results)
        await note(trace)
        message = await self._chat.show(user, parcel, files, caption, trace)
        return [message] * len(parcel.results)

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> list[str] | None:
        """See FrontEnd.arrived."""
        message = await self._chat.shown(user_of(chat), trace)
        return None if message is None else [message] * len(parcel.results)

    def _build(self) -> Any:
        # Gradio reads these when it is imported, and when it makes a page.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = str(self._shelf.folder)
        # It sums up thousands of past events after each one, for a page of its own that is closed here.
        os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
        os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
        from bots.web.page import build_app

        app = build_app(self._services, self._door)
        # Gradio is hundreds of thousands of objects that stay. To look through them for garbage again and again
        # would hold up the loop for a quarter of a second each time.
        gc.collect()
        gc.freeze()
        return app
