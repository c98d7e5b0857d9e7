"""The ways a message can go: to the interaction that asked for it, into the channel, to the person directly.

An interaction takes answers for 15 minutes. In channels and direct messages a nonce keeps a second try from making
a second message; a message that is changed into the answer can be changed twice.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import discord
from discord.utils import MISSING

from bots.discord.letters import Letter, carries
from bots.discord.wire import (
    CANNOT_REPLY,
    TEXT_CHARACTERS,
    UNKNOWN_MESSAGE,
    Place,
    name_of,
    place_of,
    translated,
    view_of,
)
from core.errors import ChatGone, Refused, TooLarge

log = logging.getLogger(__name__)

NO_WAY: Final = "neither the channel nor the person takes messages"
# Interactions that show that the bot is thinking.
REMEMBERED: Final = 1000
# How many messages are looked at for a lost one.
REACH: Final = 200
# Traces: a message that was to be changed, or a place with the latest number before; a person's place is "@1234".
INTO, AFTER, PERSON = "into", "after", "@"
# What is in a message until the cartoons are.
ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True)
class Way:
    """`prepare` comes first, and gives the trace by which `Ways.find` finds out whether the letter arrived.

    `where` tells one way from another.
    """

    where: str
    send: Callable[[Letter], Awaitable[discord.Message]]
    prepare: Callable[[], Awaitable[str]]


class Ways:
    """Single calls, without pace or patience. Any may raise what `translated` raises."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._unacknowledged: dict[int, asyncio.Event] = {}
        # By interaction, the messages that show that the bot is thinking.
        self._thinking: OrderedDict[int, int] = OrderedDict()
        # By nonce, the messages that letters are to be put into.
        self._begun: OrderedDict[str, str] = OrderedDict()
        self._latest = 0

    def saw(self, number: int) -> None:
        """A message or an interaction came in, or a message was sent: later ones have higher numbers."""
        self._latest = max(self._latest, number)

    @contextmanager
    def unacknowledged(self, interaction: int) -> Generator[None]:
        """Held until an interaction is acknowledged: Discord takes no answer before."""
        acknowledged = self._unacknowledged[interaction] = asyncio.Event()
        try:
            yield
        finally:
            acknowledged.set()
            del self._unacknowledged[interaction]

    def shows_thinking(self, interaction: int, message: int) -> None:
        """The first answer to an interaction takes the place of this message."""
        self._thinking[interaction] = message
        if len(self._thinking) > REMEMBERED:
            self._thinking.popitem(last=False)

    def ends_thinking(self, place: Place) -> str | None:
        """The message that shows that the bot is thinking, where nothing has taken its place and nothing will."""
        message = self._thinking.pop(place.interaction, None)
        return f"{place.channel}/{message}" if message is not None else None

    def for_words(self, place: Place) -> list[Callable[[Letter], Awaitable[discord.Message]]]:
        """Those that are open for a sentence, the first first."""
        by_token = [partial(self._say_by_token, place)] if place.is_alive else []
        return [*by_token, self._to_channel(place).send, self._to_person(place).send]

    def for_cartoons(self, place: Place, into: str | None, nonce: str) -> list[Way]:
        """Those that are open for cartoons; `into` is the message that tells how far they are.

        By its token an interaction takes no nonce, but messages can be changed as often as one likes.
        """
        in_chats = [self._to_channel(place), self._to_person(place)]
        if not place.is_alive:
            return in_chats
        thinking = self._thinking.get(place.interaction)
        into = self._begun.get(nonce) or into or (f"{place.channel}/{thinking}" if thinking else None)
        by_change = [self._into(place, into)] if into is not None else []
        return [*by_change, in_chats[0], self._into_new(place, nonce), in_chats[1]]

    def begun(self, nonce: str, trace: str) -> None:
        """A letter with this nonce was to be put into the message of the trace, and is not in it."""
        kind, message, *_ = trace.split(":")
        if kind == INTO:
            self._begun[nonce] = message
            if len(self._begun) > REMEMBERED:
                self._begun.popitem(last=False)

    async def change(self, place: Place, message: str, letter: Letter) -> None:
        """Other words and buttons in a message of ours; its files stay."""
        if place.is_alive:
            try:
                await translated(self._webhook(place).edit_message(place_of(message)[1], **_changes(letter)))
            except ChatGone as error:
                log.debug("Discord: not changed by its token (%s)", error)
            else:
                return
        await translated(self._partial(message).edit(**_changes(letter)))

    async def delete(self, place: Place, message: str) -> None:
        """A message of ours goes, if it is still there."""
        if place.is_alive:
            try:
                await translated(self._webhook(place).delete_message(place_of(message)[1]))
            except (ChatGone, Refused) as error:
                # It may be another interaction's.
                log.debug("Discord: not deleted by its token (%s)", error)
            else:
                return
        try:
            await translated(self._partial(message).delete())
        except Refused as error:
            if error.__cause__ is None or getattr(error.__cause__, "code", None) != UNKNOWN_MESSAGE:
                raise

    async def show_typing(self, place: Place) -> None:
        """For some seconds."""

        async def show() -> None:
            await self._client.get_partial_messageable(place.channel).typing()

        await translated(show())

    async def message(self, channel: int, number: int) -> discord.Message:
        """A message as it is now."""
        return await translated(self._client.get_partial_messageable(channel).fetch_message(number))

    async def channel(self, number: int) -> discord.abc.Messageable | None:
        """A chat with all that is known of it; None where nobody can write."""
        found = self._client.get_channel(number) or await translated(self._client.fetch_channel(number))
        return found if isinstance(found, discord.abc.Messageable) else None

    async def read(self, channel: discord.abc.Messageable, after: int) -> list[discord.Message]:
        """What was written in a chat after a message of that number, the oldest first; no more than REACH."""
        history = channel.history(limit=REACH, after=discord.Object(after), oldest_first=True)
        return await translated(_listed(history))

    async def find(self, place: Place, trace: str, attached: Sequence[tuple[str, int]]) -> str | None:
        """The message with these files that went the way of the trace; "" for none, None if nobody can tell."""
        kind, where, *after = trace.split(":")
        try:
            if kind == INTO:
                message = await self._latest_of(place, where)
                return name_of(message) if carries(message, attached) else ""
            channel: discord.abc.Messageable = (
                await self._direct(int(where.removeprefix(PERSON)))
                if where.startswith(PERSON)
                else self._client.get_partial_messageable(int(where))
            )
            return await translated(self._search(channel, int(after[0]), attached))
        except (ChatGone, Refused) as error:
            log.info("Discord does not tell whether cartoons arrived (%s)", error)
            return None

    async def _latest_of(self, place: Place, message: str) -> discord.Message:
        """A message of ours as it is now; where the bot is no member, its token alone shows it."""
        channel, number = place_of(message)
        if place.is_alive:
            try:
                return await translated(self._webhook(place).fetch_message(number))
            except (ChatGone, Refused) as error:
                log.debug("Discord: not shown by its token (%s)", error)
        return await self.message(channel, number)

    def _into(self, place: Place, message: str) -> Way:
        async def prepare() -> str:
            return f"{INTO}:{message}"

        return Way(message, partial(self._put_into, place, message), prepare)

    def _into_new(self, place: Place, nonce: str) -> Way:
        """A message of its own, which is there before the cartoons are: they cannot come twice then."""

        async def prepare() -> str:
            if nonce not in self._begun:
                self.begun(nonce, f"{INTO}:{name_of(await self._posted(place, Letter(ELLIPSIS)))}")
            return f"{INTO}:{self._begun[nonce]}"

        async def send(letter: Letter) -> discord.Message:
            return await self._put_into(place, self._begun[nonce], letter)

        return Way("new", send, prepare)

    async def _put_into(self, place: Place, message: str, letter: Letter) -> discord.Message:
        _, number = place_of(message)
        edited = await self._edited(place, number, letter)
        if edited is None:
            self._begun.pop(letter.nonce, None)
            raise ChatGone("the message is gone")
        if self._thinking.get(place.interaction) == number:
            del self._thinking[place.interaction]
        self._begun.pop(letter.nonce, None)
        return edited

    async def _say_by_token(self, place: Place, letter: Letter) -> discord.Message:
        acknowledged = self._unacknowledged.get(place.interaction)
        if acknowledged is not None:
            await acknowledged.wait()
        thinking = self._thinking.get(place.interaction)
        if thinking is not None:
            # It may be filled twice, should the first answer get lost.
            filled = await self._edited(place, thinking, letter)
            if filled is not None:
                self._thinking.pop(place.interaction, None)
                return filled
        # After a restart the first one takes the place of "is thinking", too.
        sent = await self._posted(place, letter)
        self._thinking.pop(place.interaction, None)
        return sent

    async def _posted(self, place: Place, letter: Letter) -> discord.Message:
        sending = self._webhook(place).send(
            letter.content or MISSING,
            files=letter.files(),
            view=view_of(letter.buttons) or MISSING,
            silent=letter.quiet,
            allowed_mentions=discord.AllowedMentions.none(),
            wait=True,
        )
        return self._noted(await translated(sending))

    def _to_channel(self, place: Place) -> Way:
        async def send(letter: Letter) -> discord.Message:
            channel = self._client.get_partial_messageable(place.channel)
            reference = None
            if place.message is not None:
                reference = discord.MessageReference(
                    message_id=place.message, channel_id=place.channel, fail_if_not_exists=False
                )
            try:
                return await self._sent(channel, place, letter, reference)
            except ChatGone as error:
                if getattr(error.__cause__, "code", None) != CANNOT_REPLY:
                    raise
                return await self._sent(channel, place, letter, None)

        return Way("channel", send, partial(self._trace, place, str(place.channel)))

    def _to_person(self, place: Place) -> Way:
        async def send(letter: Letter) -> discord.Message:
            return await self._sent(await self._direct(place.user), place, letter, None)

        return Way("person", send, partial(self._trace, place, f"{PERSON}{place.user}"))

    async def _sent(
        self,
        channel: discord.PartialMessageable | discord.DMChannel,
        place: Place,
        letter: Letter,
        reference: discord.MessageReference | None,
    ) -> discord.Message:
        # No reply tells who asked by an interaction, nor anybody where the bot may not reply.
        untold = place.token or reference is None
        named = f"<@{place.user}> " if letter.mention and untold and place.channel == channel.id else ""
        words: dict[str, Any] = {
            "files": letter.files(),
            "view": view_of(letter.buttons) or MISSING,
            "silent": letter.quiet,
            "nonce": letter.nonce,
            "allowed_mentions": discord.AllowedMentions(
                everyone=False, roles=False, users=[discord.Object(place.user)], replied_user=not place.token
            ),
        }
        if reference is not None:
            words["reference"] = reference
        content = named + letter.content
        if len(content) > TEXT_CHARACTERS:
            content = letter.content
        return self._noted(await translated(channel.send(content or None, **words)))

    async def _edited(self, place: Place, message: int, letter: Letter) -> discord.Message | None:
        """Turn a message into the letter by its token; None where it is gone, as people may delete it."""
        changes: dict[str, Any] = {**_changes(letter), "attachments": letter.files()}
        try:
            return await translated(self._webhook(place).edit_message(message, **changes))
        except TooLarge:
            raise
        except Refused as error:
            log.info("Discord: a message could not be changed (%s)", error)
            return None

    async def _direct(self, user: int) -> discord.DMChannel:
        return await translated(self._client.create_dm(discord.Object(user)))

    async def _search(
        self, channel: discord.abc.Messageable, after: int, attached: Sequence[tuple[str, int]]
    ) -> str:
        async for message in channel.history(limit=REACH, after=discord.Object(after), oldest_first=True):
            if message.author == self._client.user and carries(message, attached):
                return name_of(message)
        return ""

    def _webhook(self, place: Place) -> discord.Webhook:
        assert self._client.application_id is not None  # signed in
        return discord.Webhook.partial(self._client.application_id, place.token, client=self._client)

    def _partial(self, message: str) -> discord.PartialMessage:
        channel, number = place_of(message)
        return self._client.get_partial_messageable(channel).get_partial_message(number)

    async def _trace(self, place: Place, where: str) -> str:
        return f"{AFTER}:{where}:{max(self._latest, place.latest)}"

    def _noted(self, message: discord.Message) -> discord.Message:
        self.saw(message.id)
        return message


async def _listed(messages: AsyncIterator[discord.Message]) -> list[discord.Message]:
    return [message async for message in messages]


def _changes(letter: Letter) -> dict[str, Any]:
    return {
        "content": letter.content,
        "view": view_of(letter.buttons),
        "allowed_mentions": discord.AllowedMentions.none(),
    }
