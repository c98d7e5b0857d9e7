"""The program around the web app's front end and desk, without the page: real rows, files and pictures."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

from bots.frontend import Person
from bots.replies import Button
from bots.web.chat import WebChat, address_of
from bots.web.desk import Desk
from bots.web.frontend import WebFrontEnd
from bots.web.places import PLATFORM, owner_of
from bots.web.services import Door, Services
from bots.web.thumbnails import Thumbnails
from bots.web.views import Message, Picture
from core.jobs import Job, Owner
from core.look import Look
from core.photo import Array, Limits
from storage.database import Database
from storage.shelf import Shelf
from storage.transcripts import Transcripts
from tests.bots.house import GOOD, House, lived_in
from tests.running import QuickEngine

ANNA, BEN = Person(owner_of("anna"), "en", "en"), Person(owner_of("ben"), "en", "en")
LI = Person(owner_of("li"), "zh-CN", "zh-CN")
PATIENCE = 20.0


class HeldEngine(QuickEngine):
    """Holds each batch after the first until it is released. `held`: one is."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.released = Event(), Event()

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        if self.batches:
            self.held.set()
            self.released.wait(PATIENCE)
        return super().stylize(photos, looks)


class WebHouse(House):
    """As bots.app builds it where only the web app is open."""

    def __init__(self, database: Database, folder: Path, queue_limit: int, user_limit: int) -> None:
        super().__init__(database, folder, queue_limit, user_limit, window=0.0)
        self.shelf, self.transcripts = Shelf(self.spool.folder / "web"), Transcripts(database)
        self.chat = WebChat(
            self.conversation,
            self.reception,
            self.buttons,
            self.jobs,
            self.transcripts,
            self.shelf,
            self.locales,
        )
        self.desk = Desk(
            self.reception,
            self.orders,
            self.jobs,
            self.spool,
            self.shelf,
            self.locales,
            self.forecast,
            Limits(file_bytes=1_000_000),
        )
        self.services = Services(
            self.conversation,
            self.chat,
            self.desk,
            self.styles,
            self.shelf,
            Thumbnails(self.shelf, Limits()),
            self.locales,
            _no_facts,
            most_photos=20,
        )
        self.door = Door(None, is_open=False, root_path="", most_bytes=1_000_000, make_room=self.spool.make_room)
        self.web = self.front_ends[PLATFORM] = WebFrontEnd("127.0.0.1", 0, self.services, self.door)

    def over(self, job: Job) -> None:
        super().over(job)
        self.desk.over(job)

    def forgotten(self, job: Job) -> None:
        super().forgotten(job)
        self.desk.over(job)

    async def forget_more(self, owner: Owner) -> None:
        await self.transcripts.forget(owner.user)
        self.shelf.forget(owner.user)

    def upload(self, person: Person, name: str, data: bytes = GOOD) -> Path:
        """A file that the person brought."""
        path = self.shelf.upload(person.owner.user, name)
        path.write_bytes(data)
        return path

    async def tell(self, person: Person, text: str, *names: str) -> list[Message]:
        """What is written with photos of these names, and the chat once nothing more will come."""
        await self.chat.hear(person, text, [self.upload(person, name) for name in names])
        return await self.quiet(person)

    async def press(self, person: Person, message: Message, label: str) -> str:
        """A button of a message; what it says to who presses it."""
        return (await self.chat.press(person, button_of(message, label).action, message.id)).toast

    async def quiet(self, person: Person) -> list[Message]:
        """The person's chat once nothing more will come."""
        async with asyncio.timeout(PATIENCE):
            while await self.chat.is_waiting(person.owner.user):
                await self.answered.get()
        await self.courier.close(grace=PATIENCE)
        return await self.chat.messages(person.owner.user)

    def file(self, person: Person, picture: Picture) -> Path | None:
        """What is behind an address that the page shows to a person."""
        return self.shelf.find(person.owner.user, address_of(picture))

    def files_of(self, person: Person) -> list[Path]:
        """All that is on the person's shelf."""
        return [path for path in (self.shelf.folder / person.owner.user).rglob("*") if path.is_file()]


def button_of(message: Message, label: str) -> Button:
    (button,) = [button for row in message.buttons for button in row if button.label == label]
    return button


@asynccontextmanager
async def web_house_in(folder: Path, queue_limit: int = 100, user_limit: int = 60) -> AsyncGenerator[WebHouse]:
    database = await Database.open(folder / "cartoonbot.sqlite3")
    async with lived_in(WebHouse(database, folder, queue_limit, user_limit)) as house:
        yield house


async def _no_facts(_: object) -> dict[str, str]:
    return {}
