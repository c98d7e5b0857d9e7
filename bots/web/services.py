"""What the page is made for: the services behind it, and who may reach them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bots import samples
from bots.conversation import Conversation
from bots.frontend import Person
from bots.locales import Locale, Locales
from bots.web.chat import WebChat
from bots.web.desk import Desk
from bots.web.places import owner_of
from bots.web.thumbnails import Thumbnails
from bots.web.visitors import visitor_of
from core.errors import PhotoUnavailable
from core.styles.registry import Styles
from core.writing import to_disk
from storage.shelf import Shelf

# What the page tells of the program, by the names of markup.about.
About = Callable[[Locale], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class Door:
    """Who may come in, and under which path. `most_bytes` is for one upload.

    `make_room` counts so many more bytes, and raises StorageUnwritable when there is no room for them.
    """

    password: str | None
    is_open: bool
    root_path: str
    most_bytes: int
    make_room: Callable[[int], None]


@dataclass(frozen=True)
class Services:
    """What the tabs ask. `most_photos` is for a batch."""

    conversation: Conversation
    chat: WebChat
    desk: Desk
    styles: Styles
    shelf: Shelf
    thumbnails: Thumbnails
    locales: Locales
    facts: About
    most_photos: int

    async def person(self, request: Any) -> Person:
        """Who looks at the page; Gradio's own requests are understood, too."""
        visitor = visitor_of(request)
        return await self.conversation.introduced(owner_of(visitor.user), visitor.language)

    def locale(self, person: Person) -> Locale:
        """The language they are answered in."""
        return self.locales.of(person.language)

    async def example(self, person: Person) -> Path:
        """A photo to try, among their uploads. Raises StorageUnwritable."""
        path = self.shelf.upload(person.owner.user, samples.SITTER.name)
        with to_disk():
            await asyncio.to_thread(shutil.copyfile, samples.SITTER, path)
        return path

    def own(self, person: Person, paths: Sequence[str]) -> list[Path]:
        """Their uploads. Raises PhotoUnavailable when one is not theirs, or gone."""
        found = [self.shelf.find(person.owner.user, path) for path in paths]
        if not all(found):
            raise PhotoUnavailable
        return [path for path in found if path is not None]
