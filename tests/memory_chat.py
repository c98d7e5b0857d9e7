"""A chat platform in memory: a front end whose files a test gives, and whose messages a test reads."""

import asyncio
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bots.delivery import Kind, Limits, Parcel
from bots.frontend import Note
from bots.replies import Reply
from core.errors import ChatGone, PhotoUnavailable, Refused, TooLarge
from core.jobs import Chat


@dataclass(frozen=True)
class Said:
    """A sentence in a chat."""

    chat: str
    text: str


@dataclass(frozen=True)
class Delivered:
    """Cartoons in a chat, by the names that people see, those in an archive too."""

    chat: str
    names: tuple[str, ...]
    caption: str
    kind: Kind = Kind.PHOTO


@dataclass(frozen=True)
class Edited:
    """A message says something else now."""

    message: str
    text: str


@dataclass(frozen=True)
class Deleted:
    """A message is gone."""

    message: str


@dataclass
class MemoryChat:
    """`uploads` are its files by reference; what comes new into chats comes out of `events`.

    `replies` are all messages by their names, `changes` what became of them, `parcels` all that it took. Messages
    above `heaviest` bytes are too large for it. Where it `turns` messages, the progress becomes the answer. Before
    it delivers, it sets `delivering` and waits for `may_deliver`.
    """

    uploads: dict[str, bytes] = field(default_factory=dict[str, bytes])
    events: "asyncio.Queue[Said | Delivered]" = field(default_factory=lambda: asyncio.Queue[Said | Delivered]())
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    changes: list[Edited | Deleted] = field(default_factory=list[Edited | Deleted])
    fetched: list[str] = field(default_factory=list[str])
    known: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    order: list[str] = field(default_factory=list[str])
    away: list[Exception] = field(default_factory=list[Exception])
    parcels: list[Parcel] = field(default_factory=list[Parcel])
    limits: Limits = field(default_factory=Limits)
    heaviest: float = float("inf")
    turns: bool = False
    refusing: int = 0
    refused_kinds: frozenset[Kind] = frozenset()
    downloads: bool = True
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    delivering: asyncio.Event = field(default_factory=asyncio.Event)
    may_deliver: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    broken: bool = False

    def __post_init__(self) -> None:
        self.may_deliver.set()

    def limits_of(self, chat: Chat) -> Limits:
        return self.limits

    def line_of(self, chat: Chat) -> str:
        return chat.chat

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def fetch(self, reference: str, path: Path) -> None:
        self.fetched.append(reference)
        if self.away:
            raise self.away.pop()
        if reference not in self.uploads:
            raise PhotoUnavailable
        await asyncio.to_thread(path.write_bytes, self.uploads[reference])

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        if self.gone:
            raise ChatGone("the bot was blocked")
        if self.refusing and "notes.txt" in reply.text:
            self.refusing -= 1
            raise Refused("not this one")
        self.events.put_nowait(Said(chat.chat, reply.text))
        return self._named(reply)

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        self.changes.append(Edited(message, reply.text))
        self.changed.set()
        return True

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        self.changes += [Deleted(message) for message in messages]
        self.changed.set()
        return True

    async def show_activity(self, chat: Chat) -> None:
        pass

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> Sequence[str | None]:
        if self.gone:
            raise ChatGone("the bot was blocked")
        self.order.append(f"deliver {parcel.results[0].name}")
        await note(f"trace {parcel.results[0].name}")
        self.delivering.set()
        await self.may_deliver.wait()
        if self.broken:
            raise OSError("the platform answers nonsense")
        if parcel.kind in self.refused_kinds:
            raise Refused(f"no {parcel.kind} here")
        assert all(result.path.stat().st_size == result.weight for result in parcel.results)
        names = tuple(result.name for result in parcel.results)
        if parcel.archive is not None:
            with zipfile.ZipFile(parcel.archive) as archive:
                assert archive.testzip() is None
                names = (parcel.name, *archive.namelist())
        if sum(path.stat().st_size for path in _files(parcel)) > self.heaviest:
            raise TooLarge("413")
        self.parcels.append(parcel)
        self.events.put_nowait(Delivered(chat.chat, names, caption.text, parcel.kind))
        if into is not None and self.turns:
            self.replies[into] = caption
            return [into] * len(parcel.results)
        if parcel.single:
            return [self._named(caption)] * len(parcel.results)
        return [self._named(caption) for _ in parcel.results]

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> Sequence[str] | None:
        self.asked.append(trace)
        self.order.append(f"arrived {trace}")
        return [self._named(caption) for _ in parcel.results] if trace in self.known else None

    def left_events(self) -> list[Said | Delivered]:
        """What nobody has read yet."""
        return [self.events.get_nowait() for _ in range(self.events.qsize())]

    async def next_events(self, count: int) -> list[Said | Delivered]:
        async with asyncio.timeout(20):
            return [await self.events.get() for _ in range(count)]

    def _named(self, reply: Reply) -> str:
        name = str(len(self.replies) + 1)
        self.replies[name] = reply
        return name


def _files(parcel: Parcel) -> list[Path]:
    return [parcel.archive] if parcel.archive else [result.path for result in parcel.results]
