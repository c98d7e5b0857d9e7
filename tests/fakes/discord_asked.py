"""What a person asked of the bot in the stand-in Discord, what came of it, and how both look on the wire."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from tests.fakes.discord_chats import MENU_ANSWER, PLAIN, SLASH_ANSWER, Channel, Message
from tests.fakes.discord_objects import MEMBER_PERMISSIONS, Json, User, bits

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5  # types of interactions
ACKNOWLEDGE_SECONDS = 3.0
# What answers to interactions may always have where the bot is not.
ABROAD = {"attach_files", "embed_links"}


class Callback(IntEnum):
    """Types of callbacks."""

    ANSWER = 4
    DEFERRED_ANSWER = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False)
class Interaction:
    """Something a person asked, and all that the bot answered to it.

    `ack` is the type of the callback, `acked_after` the seconds it took. `answer` is the message that the bot's
    @original means: a new one, or after an update the one that was pressed. `message` is the one pressed, or the
    one a form was opened from.
    """

    id: int
    token: str = field(repr=False)
    type: int
    person: User
    channel: Channel = field(repr=False)
    data: Json
    installed: str
    message: Message | None = field(repr=False)
    changed: asyncio.Condition = field(repr=False)
    created: float = field(default_factory=time.monotonic, repr=False)
    expired: bool = False
    ack: int | None = None
    acked_after: float | None = None
    modal: Json | None = None
    choices: list[Json] | None = None
    answer: Message | None = None
    followups: list[Message] = field(default_factory=list[Message])
    updated: bool = False

    @property
    def ephemeral(self) -> bool:
        """Whether only that person sees the answer."""
        return self.answer is not None and self.answer.ephemeral

    @property
    def is_answered(self) -> bool:
        """Whether there is more to see than that the bot is thinking."""
        match self.ack:
            case None:
                return False
            case Callback.DEFERRED_ANSWER:
                return self.answer is None or not self.answer.thinking
            case Callback.DEFERRED_UPDATE:
                return self.updated or bool(self.followups)
            case _:
                return True

    async def answered(self, timeout: float = 10) -> "Interaction":  # noqa: ASYNC109
        """Wait for the answer, a form or choices. Raises TimeoutError after `timeout` seconds."""
        await self._wait(lambda: self.is_answered, timeout)
        return self

    async def acknowledged(self, timeout: float = ACKNOWLEDGE_SECONDS) -> "Interaction":  # noqa: ASYNC109
        """Wait for the callback. Raises TimeoutError after `timeout` seconds."""
        await self._wait(lambda: self.ack is not None, timeout)
        return self

    async def expire(self) -> None:
        """The token's life is over."""
        self.expired = True

    def metadata(self) -> Json:
        """As messages that answer it carry it."""
        metadata: Json = {
            "id": str(self.id),
            "type": self.type,
            "user": self.person.wire(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.message is not None and self.type == COMPONENT:
            metadata["interacted_message_id"] = str(self.message.id)
        return metadata

    def owners(self) -> Json:
        """By kind of installation, whose it is."""
        if self.installed == "user":
            return {"1": str(self.person.id)}
        return {"0": str(self.channel.guild.id) if self.channel.guild else "0"}

    async def _wait(self, predicate: Callable[[], bool], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(predicate)
        except TimeoutError:
            raise TimeoutError(f"not answered within {seconds} s: {self!r}") from None


def answer_type(interaction: Interaction) -> int:
    """The type of the first message that answers it."""
    if interaction.type != COMMAND:
        return PLAIN
    return MENU_ANSWER if "target_id" in interaction.data else SLASH_ANSWER


def callback_wire(interaction: Interaction) -> Json:
    """What a callback is answered with when it asks for that."""
    callback: Json = {"id": str(interaction.id), "type": interaction.type}
    resource: Json = {"type": interaction.ack}
    if interaction.answer is not None:
        callback["response_message_id"] = str(interaction.answer.id)
        callback["response_message_loading"] = interaction.answer.thinking
        callback["response_message_ephemeral"] = interaction.ephemeral
        resource["message"] = interaction.answer.wire()
    return {"interaction": callback, "resource": resource}


def interaction_wire(interaction: Interaction, application_id: int) -> Json:
    """As the gateway sends it, with all that the bot may read without any intent."""
    channel, guild, person = interaction.channel, interaction.channel.guild, interaction.person
    wire: Json = {
        "id": str(interaction.id),
        "application_id": str(application_id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "locale": person.locale,
        "attachment_size_limit": channel.file_limit,
        "authorizing_integration_owners": interaction.owners(),
        "entitlements": [],
    }
    if interaction.message is not None:
        wire["message"] = interaction.message.wire()
    if guild is None:
        return wire | {
            "user": person.wire(),
            "channel": channel.wire() | {"permissions": bits(MEMBER_PERMISSIONS)},
            "app_permissions": bits(MEMBER_PERMISSIONS),
            "context": 1,
        }
    may = bits(guild.permissions_of(person))
    return wire | {
        "guild_id": str(guild.id),
        "guild": guild.partial_wire(),
        "guild_locale": guild.locale,
        "member": guild.member() | {"user": person.wire(), "permissions": may},
        "channel": channel.wire() | {"permissions": may},
        "app_permissions": bits(
            {name for name in MEMBER_PERMISSIONS if channel.bot_may(name)} if guild.has_bot else ABROAD
        ),
        "context": 0,
    }
