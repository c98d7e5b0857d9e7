"""The guilds, channels and messages of the stand-in Discord, and who hears of what happens in them."""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.discord_cdn import Cdn
from tests.fakes.discord_chats import Channel, DirectMessages, Message
from tests.fakes.discord_gateway import Gateway, Intent
from tests.fakes.discord_guilds import Guild
from tests.fakes.discord_objects import Json, Snowflakes, User
from tests.fakes.discord_rates import Rates
from tests.fakes.discord_story import Story

MENTION = re.compile(r"<@!?(\d+)>")


class World:
    """Everything one bot can meet."""

    def __init__(self, token: str) -> None:
        self.ids = Snowflakes()
        self.token = token
        self.application_id = next(self.ids)
        self.me = User(next(self.ids), "Cartoonbot", is_bot=True)
        self.owner = User(next(self.ids), "Olga")
        self.users: dict[int, User] = {self.me.id: self.me}
        self.closed: set[User] = set()  # people who take no direct messages
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.cdn = Cdn(self.ids, self.application_id)
        self.violations: list[str] = []
        self.gateway = Gateway(token, self.application_id, self.me, self.guilds.values, self.violations)
        self.told = Story()
        self.rates = Rates()

    async def post(self, message: Message) -> Message:
        """Show a new message to all who may see it."""
        message.mentions = self._mentioned(message)
        self.told.said(message)
        if not message.ephemeral:
            message.channel.by_id[message.id] = message
            self._announce("MESSAGE_CREATE", message)
        await self.gateway.wake()
        return message

    async def change(self, message: Message, **changes: Any) -> None:
        """Show it differently; what a deferred answer becomes is no edit of it."""
        if message.thinking:
            vars(message).update(changes)
            self.told.said(message)
        else:
            message.edit(**changes)
            self.told.edited(message)
        message.mentions = self._mentioned(message)
        if not message.ephemeral:
            self._announce("MESSAGE_UPDATE", message)
        await self.gateway.wake()

    async def remove(self, message: Message, by: User) -> None:
        message.deleted = True
        message.channel.by_id.pop(message.id, None)
        self.told.deleted(message, by)
        guild = message.channel.guild
        gone = {"id": str(message.id), "channel_id": str(message.channel.id)}
        gone |= {"guild_id": str(guild.id)} if guild else {}
        if not message.ephemeral:
            self._tell("MESSAGE_DELETE", message.channel, lambda intents: gone)
        await self.gateway.wake()

    def tell_of_guild(self, event: str, guild: Guild, data: Json) -> None:
        """Tell the bot of a guild it is in, or of something in it."""
        if guild.has_bot:
            self.gateway.dispatch(event, lambda intents: data, guild, Intent.GUILDS)

    def readable(self, message: Message, granted: bool) -> bool:
        """Whether the bot may read what is in a message; `granted` is whether it has that intent."""
        return granted or message.channel.guild is None or message.author is self.me or self.me in message.mentions

    def direct_messages(self, person: User) -> DirectMessages:
        for channel in self.channels.values():
            if isinstance(channel, DirectMessages) and channel.person is person:
                return channel
        channel = DirectMessages(next(self.ids), person.name, person=person)
        self.channels[channel.id] = channel
        return channel

    def _announce(self, event: str, message: Message) -> None:
        def make(intents: int) -> Json:
            return message.wire(lambda each: self.readable(each, bool(intents & Intent.MESSAGE_CONTENT)))

        self._tell(event, message.channel, make)

    def _tell(self, event: str, channel: Channel, make: Callable[[int], Json]) -> None:
        guild = channel.guild
        if guild is None:
            self.gateway.dispatch(event, make, None, Intent.DIRECT_MESSAGES)
        elif channel.bot_may("view_channel"):
            self.gateway.dispatch(event, make, guild, Intent.GUILD_MESSAGES)

    def _mentioned(self, message: Message) -> list[User]:
        """Whom the content names, and whom a reply answers."""
        named = [int(number) for number in MENTION.findall(message.content)]
        if message.reference and message.pings:
            named.append(message.reference.author.id)
        return [self.users[number] for number in dict.fromkeys(named) if number in self.users]
