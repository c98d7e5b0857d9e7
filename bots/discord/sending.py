"""Sentences, pictures and cartoons -> messages on Discord, through the outbox, the first way that is open."""

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import discord

from bots.delivery import Limits, Parcel
from bots.discord.letters import Letter, letters_of
from bots.discord.ways import NO_WAY, Ways
from bots.discord.wire import FILE_BYTES, MOST_BYTES, TEXT_CHARACTERS, Place, name_of
from bots.frontend import Note
from bots.outbox import Busy, Outbox, Rates
from bots.replies import Reply
from core.errors import CartoonbotError, ChatGone, Refused
from core.jobs import Chat

log = logging.getLogger(__name__)

# What a request takes besides its files, in bytes.
REQUEST_OVERHEAD: Final = 64 * 1024
FILES: Final = 10
# Requests a second in all, less than half of Discord's 50: those of two seconds may arrive within one. The library
# knows the limits of each channel.
RATES: Final = Rates(overall=24, chat=1)
TRIES: Final = 4
# Seconds at the end: for what was heard, and then for what is to be said.
HEARING_GRACE, GRACE = 5.0, 2.0


class Sending:
    """All that goes out. `signed_in` is to be set once the client can call, `ready` while people are heard."""

    def __init__(self, client: discord.Client) -> None:
        self.downloads = True
        self.ready = asyncio.Event()
        self.signed_in = asyncio.Event()
        self.ways = Ways(client)
        self._client = client
        self._outbox = Outbox(RATES)
        self._at_work: set[asyncio.Task[Any]] = set()

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Held while somebody is heard: Discord says nothing twice, so the end waits for it."""
        task = asyncio.current_task()
        assert task is not None
        self._at_work.add(task)
        try:
            yield
        finally:
            self._at_work.discard(task)

    def limits_of(self, chat: Chat) -> Limits:
        """See FrontEnd.limits_of: servers with boosts take heavier files."""
        place = Place.of(chat)
        guild = getattr(self._client.get_channel(place.channel), "guild", None)
        heaviest = guild.filesize_limit if isinstance(guild, discord.Guild) else FILE_BYTES
        if place.is_alive:
            heaviest = place.file_bytes
        request = MOST_BYTES - REQUEST_OVERHEAD
        return Limits(
            text=TEXT_CHARACTERS,
            album_items=FILES,
            request_bytes=request,
            file_bytes=min(heaviest, request),
            # Whatever is attached stays as it is: a file.
            photo_bytes=0,
            album_buttons=True,
        )

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        """See FrontEnd.say; what is longer than a message comes as several."""
        await self.signed_in.wait()
        place, name = Place.of(chat), None
        for letter in letters_of(reply):
            name = await self._outbox.send(_lane(place), lambda letter=letter: self._said(place, letter))
        return name

    def post(self, chat: Chat, reply: Reply) -> None:
        """Say it without waiting. Failures are logged."""
        place = Place.of(chat)
        for letter in letters_of(reply):
            self._outbox.post(_lane(place), lambda letter=letter: self._said(place, letter))

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        """See FrontEnd.edit."""
        if not self.signed_in.is_set():
            return False
        place = Place.of(chat)
        return await self._outbox.offer(
            _lane(place), lambda: self.ways.change(place, message, letters_of(reply)[0])
        )

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        """See FrontEnd.delete."""
        await self.signed_in.wait()
        place = Place.of(chat)
        thinking = self.ways.ends_thinking(place)
        names = dict.fromkeys([*messages, thinking] if thinking else messages)
        gone = [await self._deleted(place, message) for message in names]
        return all(gone)

    async def show_activity(self, chat: Chat) -> None:
        """See FrontEnd.show_activity. An interaction shows by itself that it is under way."""
        place = Place.of(chat)
        if place.token or not self.signed_in.is_set() or not self._outbox.is_free(_lane(place)):
            return
        try:
            await self._outbox.paced(lambda: self.ways.show_typing(place))
        except CartoonbotError as error:
            log.debug("Discord: a sign of activity was not taken (%s)", error)

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> list[str]:
        """See FrontEnd.deliver. As long as an interaction takes answers, its own message becomes the answer."""
        await self.signed_in.wait()
        place, letter = Place.of(chat), Letter.with_cartoons(parcel, caption)
        # The first for each way: should the first of several tries arrive late, it is still after this trace.
        traces: dict[str, str] = {}
        name = ""

        async def send() -> None:
            nonlocal name
            closed = ChatGone(NO_WAY)
            for way in self.ways.for_cartoons(place, into, letter.nonce):
                try:
                    if way.where not in traces:
                        traces[way.where] = await way.prepare()
                        await note(traces[way.where])
                    name = name_of(await way.send(letter))
                except ChatGone as error:
                    closed = error
                else:
                    return
            raise closed

        async def arrived() -> bool | None:
            nonlocal name
            attached = await asyncio.to_thread(letter.attached)
            found = [await self.ways.find(place, trace, attached) for trace in traces.values()]
            name = next(filter(None, found), "")
            return None if not name and None in found else bool(name)

        await self._outbox.send(_lane(place), send, arrived=arrived)
        return [name] * len(parcel.results)

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> list[str] | None:
        """See FrontEnd.arrived: by looking, where the bot may read what is written."""
        await self.signed_in.wait()
        letter = Letter.with_cartoons(parcel, caption)
        attached = await asyncio.to_thread(letter.attached)
        name = await self._outbox.paced(lambda: self.ways.find(Place.of(chat), trace, attached))
        if name == "":
            self.ways.begun(letter.nonce, trace)
        return [name] * len(parcel.results) if name else None

    def line_of(self, chat: Chat) -> str:
        """See FrontEnd.line_of: by person."""
        return f"{chat.chat} {chat.thread}"

    async def message(self, channel: int, number: int) -> discord.Message:
        """A message as it is now. Raises what `translated` raises."""
        return await self._outbox.paced(lambda: self.ways.message(channel, number))

    async def read(self, channel: int, after: int) -> list[discord.Message]:
        """What was written in a chat after a message of that number. Raises what `translated` raises."""
        place = await self._outbox.paced(lambda: self.ways.channel(channel))
        return await self._outbox.paced(lambda: self.ways.read(place, after)) if place is not None else []

    async def close(self) -> None:
        """Give what was heard, and what was posted, a moment."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=HEARING_GRACE)
        await self._outbox.close(grace=GRACE)

    async def _said(self, place: Place, letter: Letter) -> str:
        closed = ChatGone(NO_WAY)
        for send in self.ways.for_words(place):
            try:
                return name_of(await send(letter))
            except ChatGone as error:
                closed = error
        raise closed

    async def _deleted(self, place: Place, message: str) -> bool:
        pause = 1.0
        for _ in range(TRIES):
            try:
                await self._outbox.in_turn(_lane(place), lambda: self.ways.delete(place, message))
            except (ChatGone, Refused) as error:
                log.info("a message could not be deleted: %s", error)
                return False
            except CartoonbotError as error:
                await asyncio.sleep(error.seconds if isinstance(error, Busy) else pause)
                pause *= 2
            else:
                return True
        return False


def _lane(place: Place) -> str:
    """In order for each person; nobody waits for another one's answer. The library knows a channel's limits."""
    return f"interaction {place.interaction}" if place.is_alive else f"{place.channel} {place.user}"
