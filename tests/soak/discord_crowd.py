"""People on Discord who send photos in every way there is, and the count of what came back for each photo.

A photo has a colour of its own among all that are sent in its channel. Whoever got no acknowledgement asks again,
with photos of new colours: what comes of the first try does not count as a second answer to the other.
"""

import asyncio
import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fakes.discord import Channel, DiscordServer, Interaction, Message, Person
from tests.soak.crowd import COLORS, LINGER, LISTED, Color, Photo, Sentences, color_of, jpeg_of

NamedFile = tuple[str, bytes]

NO_COLOR: Final = (-1, -1, -1)
# People to a channel or a thread.
SHARING: Final = 2
# Files of a message, and of a field of the form.
MOST_FILES: Final = 10
# A message that a killed program has not noted is gone. It notes one within milliseconds, where it has a core.
NOTED_SECONDS: Final = 10.0
# Of so many acknowledged interactions the token of one dies, after so many seconds at most.
DYING, LIFE_SECONDS = 5, 1.0


class Way(StrEnum):
    """How photos are sent."""

    CARTOON = "/cartoon"
    BATCH = "/batch"
    MENU = "menu"
    MESSAGE = "message"


# Photos at once.
MOST: Final = {Way.CARTOON: 1, Way.BATCH: 2 * MOST_FILES, Way.MENU: MOST_FILES, Way.MESSAGE: MOST_FILES}


# In direct messages all photos are for the bot; where it is not, messages do not reach it.
DIRECTLY: Final = (Way.CARTOON, Way.BATCH, Way.MESSAGE)
AT_HOME: Final = (Way.CARTOON, Way.BATCH, Way.MENU, Way.MESSAGE)
ABROAD: Final = (Way.CARTOON, Way.BATCH, Way.MENU)


@dataclass(eq=False)
class Request:
    """Photos that are sent together. `number` is that of the message or the interaction, 0 until it is sent."""

    photos: list[Photo]
    number: int = 0
    accepted: bool = False

    def is_noted(self, rows: sqlite3.Connection) -> bool:
        """Whether the program has all photos of a message."""
        noted = rows.execute("SELECT count(*) FROM photos WHERE origin LIKE ?", [f"discord/{self.number}/%"])
        return noted.fetchone()[0] == len(self.photos)

    @property
    def files(self) -> list[NamedFile]:
        return [(f"{place}.jpg", jpeg_of(photo.color)) for place, photo in enumerate(self.photos)]


@dataclass(eq=False)
class Room:
    """A channel, how its people have the bot there, what they do there, and the colours that are left for it."""

    channel: Channel
    ways: Sequence[Way]
    colors: Iterator[Color]
    installed: str = "guild"


@dataclass(eq=False)
class Customer:
    """A person and what they sent."""

    person: Person
    room: Room
    hand: asyncio.Lock = field(default_factory=asyncio.Lock)
    requests: list[Request] = field(default_factory=list[Request])

    def request(self, size: int) -> Request:
        """Photos to be sent. Raises StopIteration where the room has no more colours."""
        self.requests.append(Request([Photo(next(self.room.colors)) for _ in range(size)]))
        return self.requests[-1]


class Crowd:
    """All people of one run: a quarter each write to the bot, in channels, in threads, and where it is not.

    Raises ValueError for more photos than can be told apart.
    """

    def __init__(self, discord: DiscordServer, people: int, photos: int, seed: int) -> None:
        self._discord = discord
        self._random = Random(seed)
        self._sentences = Sentences()
        self._colors: dict[int, Color | None] = {}
        # Messages are only sent while they are heard: those that are not would be gone.
        self._heard = asyncio.Event()
        self._written: list[Request] = []
        shares = [photos // people + (number < photos % people) for number in range(people)]
        # As many again are for those who have to ask again.
        if 2 * SHARING * max(shares) > len(COLORS):
            raise ValueError(f"at most {len(COLORS) // 2 // SHARING} photos a person can be told apart")
        self.customers = [*self._people(people)]
        self.errands = [
            (customer, way, size)
            for customer, share in zip(self.customers, shares, strict=True)
            for way, size in self._errands(customer.room.ways, share)
        ]
        self._random.shuffle(self.errands)
        self._asked_again = self._acknowledgements = 0
        # Of the last count:
        self._duplicates: Counter[str] = Counter()
        self._astray = self._unmatched = 0

    def is_heard(self) -> None:
        """The program hears messages from now on."""
        self._heard.set()

    async def is_unheard(self, rows: Path) -> None:
        """From now on messages wait; the program has noted all others in its `rows` when this returns."""
        self._heard.clear()
        until = time.monotonic() + NOTED_SECONDS
        with closing(sqlite3.connect(rows)) as connection:
            while self._written and time.monotonic() < until:
                self._written = [request for request in self._written if not request.is_noted(connection)]
                await asyncio.sleep(0.01)
        # What is not noted yet is lost, and told as that.
        self._written.clear()

    async def send(self, customer: Customer, way: Way, size: int, after: float) -> None:
        """Send photos, in `after` seconds or when the last are sent, and again until they are accepted."""
        await asyncio.sleep(after)
        async with customer.hand:
            if way is Way.MESSAGE:
                await self._write(customer, customer.request(size))
            elif way is Way.BATCH:
                opened = await self._acknowledged(lambda: self._slash(customer, "batch", {}))
                await self._ask(customer, size, lambda request: self._submit(customer, opened, request))
            elif way is Way.MENU:
                await self._ask(customer, size, lambda request: self._pick(customer, request))
            else:
                await self._ask(customer, size, lambda request: self._command(customer, request))

    async def answered(self, quiet: float) -> None:
        """Wait until each accepted photo is answered, or until nothing new was seen for `quiet` seconds."""
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < quiet:
            self.count()
            if all(photo.answered for photo in self._photos(accepted=True)):
                await asyncio.sleep(LINGER)
                return
            if (now := len(self._discord.story)) != seen:
                seen, since = now, time.monotonic()
            await asyncio.sleep(0.5)

    def count(self) -> None:
        """Count from what all channels show now."""
        self._duplicates.clear()
        self._astray = self._unmatched = 0
        visitors: defaultdict[int, list[Customer]] = defaultdict(list)
        for customer in self.customers:
            for channel in {customer.room.channel.id, self._discord.dm(customer.person).id}:
                visitors[channel].append(customer)
        for photo in self._photos():
            photo.cartoons = photo.failures = 0
        for channel, customers in visitors.items():
            for message in self._discord.channels[channel].messages:
                if message.author is self._discord.me:
                    self._count_cartoons(customers, message)
                    self._count_sentences(customers, message)

    def report(self) -> dict[str, Any]:
        """The figures of the last count, for JSON. All but the duplicates are of accepted photos."""
        photos = self._photos(accepted=True)
        return {
            "people": len(self.customers),
            "photos": len(photos),
            "answered": sum(photo.answered for photo in photos),
            "drawn": sum(photo.cartoons > 0 for photo in photos),
            "failed_told": sum(photo.failures > 0 and not photo.cartoons for photo in photos),
            "lost": sum(not photo.answered for photo in photos),
            "duplicates": sum(photo.cartoons > 1 for photo in self._photos()),
            "duplicates_by_kind": dict(self._duplicates),
            "told_though_drawn": sum(photo.cartoons > 0 and photo.failures > 0 for photo in photos),
            "astray": self._astray,
            "unmatched_sentences": self._unmatched,
            "asked_again": self._asked_again,
            "tokens_died": self._acknowledgements // DYING,
            "sentences": dict(self._said().most_common(LISTED)),
            "lost_photos": [*self._lost()][:LISTED],
        }

    # How they send

    def _people(self, people: int) -> Iterator[Customer]:
        home, abroad = self._discord.guild("Friends"), self._discord.guild("Strangers", has_bot=False)
        rooms: dict[int, Room] = {}
        for number in range(people):
            person, kind = self._discord.person(f"Person {number}"), number % 4
            if kind == 0:
                rooms[kind] = Room(self._discord.dm(person), DIRECTLY, self._palette())
            elif number // 4 % SHARING == 0:
                channel = (abroad if kind == 3 else home).channel(f"photos-{number}")
                place = channel.thread("cartoons") if kind == 2 else channel
                ways, installed = (ABROAD, "user") if kind == 3 else (AT_HOME, "guild")
                rooms[kind] = Room(place, ways, self._palette(), installed)
            yield Customer(person, rooms[kind])

    def _palette(self) -> Iterator[Color]:
        return iter(self._random.sample(COLORS, len(COLORS)))

    def _errands(self, ways: Sequence[Way], photos: int) -> Iterator[tuple[Way, int]]:
        while photos:
            way = self._random.choice(ways)
            size = min(photos, self._random.randint(1, MOST[way]))
            yield way, size
            photos -= size

    async def _write(self, customer: Customer, request: Request) -> None:
        while not self._heard.is_set():
            await self._heard.wait()
        self._written.append(request)
        channel, in_guild = customer.room.channel, customer.room.channel.guild is not None
        message = await customer.person.send(channel, files=request.files, mention=in_guild)
        request.number, request.accepted = message.id, True

    async def _ask(
        self, customer: Customer, size: int, begin: Callable[[Request], Awaitable[Interaction]]
    ) -> None:
        """Ask for cartoons until that is acknowledged, each time with other photos."""

        async def begun() -> Interaction:
            request = customer.request(size)
            interaction = await begin(request)
            request.number = interaction.id
            return interaction

        interaction = await self._acknowledged(begun)
        customer.requests[-1].accepted = True
        self._acknowledgements += 1
        if self._acknowledgements % DYING == 0:
            await asyncio.sleep(self._random.uniform(0, LIFE_SECONDS))
            await interaction.expire()

    async def _acknowledged(self, begin: Callable[[], Awaitable[Interaction]]) -> Interaction:
        while True:
            interaction = await begin()
            try:
                return await interaction.acknowledged()
            except TimeoutError:
                self._asked_again += 1

    async def _slash(self, customer: Customer, command: str, values: dict[str, NamedFile]) -> Interaction:
        room = customer.room
        return await customer.person.slash(room.channel, command, values, room.installed)

    async def _command(self, customer: Customer, request: Request) -> Interaction:
        return await self._slash(customer, "cartoon", {"photo": request.files[0]})

    async def _submit(self, customer: Customer, opened: Interaction, request: Request) -> Interaction:
        files = request.files
        return await customer.person.submit(opened, {"photos": files[:MOST_FILES], "more": files[MOST_FILES:]})

    async def _pick(self, customer: Customer, request: Request) -> Interaction:
        room = customer.room
        message = await customer.person.send(room.channel, files=request.files)
        return await customer.person.menu(room.channel, "Cartoonize", message, room.installed)

    # How it is counted

    def _photos(self, *, accepted: bool = False) -> list[Photo]:
        requests = [request for customer in self.customers for request in customer.requests]
        return [photo for request in requests if request.accepted or not accepted for photo in request.photos]

    def _count_cartoons(self, customers: Sequence[Customer], message: Message) -> None:
        sent = {photo.color: photo for each in customers for request in each.requests for photo in request.photos}
        for file in message.attachments:
            if file.id not in self._colors:
                self._colors[file.id] = color_of(file.data)
            photo = sent.get(self._colors[file.id] or NO_COLOR)
            if photo is None:
                self._astray += 1
                continue
            photo.cartoons += 1
            if photo.cartoons > 1:
                self._duplicates["by a token" if message.webhook else "by itself"] += 1

    def _count_sentences(self, customers: Sequence[Customer], message: Message) -> None:
        """A sentence answers the photos of a message or an interaction, by their numbers."""
        number = message.reference.id if message.reference else int((message.metadata or {}).get("id", 0))
        asked = [request for each in customers for request in each.requests if request.number == number]
        for numbers in self._sentences.failures(message.content):
            if len(asked) != 1 or numbers.stop > len(asked[0].photos) + 1:
                self._unmatched += 1
                continue
            for place in numbers:
                asked[0].photos[place - 1].failures += 1

    def _said(self) -> Counter[str]:
        """How often the bot said each sentence, numbers aside."""
        channels = {customer.room.channel.id: customer.room.channel for customer in self.customers}
        return Counter(
            re.sub(r"\d+", "#", line)
            for channel in channels.values()
            for message in channel.messages
            if message.author is self._discord.me
            for line in message.content.splitlines()
        )

    def _lost(self) -> Iterator[str]:
        for customer in self.customers:
            for request in customer.requests:
                lost = [place for place, photo in enumerate(request.photos, 1) if not photo.answered]
                if request.accepted and lost:
                    yield f"{customer.room.channel!r}: {lost} of {len(request.photos)} of {request.number}"
