"""Channels and messages of the stand-in Discord, and how each looks on the wire."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from tests.fakes.discord_objects import MEBIBYTE, Attachment, Json, User, timestamp, walk, without_none

if TYPE_CHECKING:
    from tests.fakes.discord_guilds import Guild

DIRECT_MESSAGE_LIMIT = 10 * MEBIBYTE
EPHEMERAL, LOADING = 1 << 6, 1 << 7  # flags of a message
PLAIN, REPLY, SLASH_ANSWER, MENU_ANSWER = 0, 19, 20, 23  # types of a message


@dataclass(eq=False)
class Channel:
    """A place for messages: `messages` are those that all in it can see now, oldest first."""

    type: ClassVar[int] = 0

    id: int
    name: str
    by_id: dict[int, "Message"] = field(default_factory=dict[int, "Message"], repr=False)

    @property
    def guild(self) -> "Guild | None":
        return None

    @property
    def file_limit(self) -> int:
        """The most bytes of one file."""
        return DIRECT_MESSAGE_LIMIT

    @property
    def title(self) -> str:
        """How people call it: "" for a direct message."""
        return ""

    @property
    def messages(self) -> list["Message"]:
        return [*self.by_id.values()]

    @property
    def last_message_id(self) -> str | None:
        return str(max(self.by_id)) if self.by_id else None

    def bot_may(self, permission: str) -> bool:
        """Whether the bot has a permission here, by its name."""
        return True

    def wire(self) -> Json:
        raise NotImplementedError


@dataclass(eq=False)
class DirectMessages(Channel):
    """The bot and one person."""

    type: ClassVar[int] = 1

    person: User = field(kw_only=True)

    def wire(self) -> Json:
        return {
            "id": str(self.id),
            "type": self.type,
            "last_message_id": self.last_message_id,
            "recipients": [self.person.wire()],
            "flags": 0,
        }


@dataclass(eq=False)
class Message:
    """One message as it looks now; `edits` holds the contents it showed before.

    `only_for` is the one person who sees an ephemeral message. `thinking` is a deferred answer without content.
    `metadata` and `installed` are of the interaction that a message answers; `pings` is for whom it replies to.
    """

    id: int
    channel: Channel = field(repr=False)
    author: User
    content: str = ""
    type: int = PLAIN
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json], repr=False)
    mentions: list[User] = field(default_factory=list[User])
    reference: "Message | None" = field(default=None, repr=False)
    pings: bool = True
    flags: int = 0
    nonce: str | None = None
    webhook: int | None = None
    metadata: Json | None = field(default=None, repr=False)
    installed: str = "guild"
    only_for: User | None = None
    edits: list[str] = field(default_factory=list[str])
    edited_at: float | None = None
    deleted: bool = False

    @property
    def thinking(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def ephemeral(self) -> bool:
        return self.only_for is not None

    @property
    def parts(self) -> Iterator[Json]:
        """Every component, those within others too."""
        return walk(self.components)

    def edit(self, **changes: Any) -> None:
        """Show something else from now on."""
        self.edits.append(self.content)
        self.edited_at = time.time()
        for name, value in changes.items():
            setattr(self, name, value)

    def wire(self, readable: Callable[["Message"], bool] = lambda message: True) -> Json:
        """As the bot gets it: what is not `readable` comes without its content."""
        guild = self.channel.guild
        edited = datetime.fromtimestamp(self.edited_at, UTC).isoformat() if self.edited_at else None
        wire = without_none(
            id=str(self.id),
            channel_id=str(self.channel.id),
            guild_id=str(guild.id) if guild else None,
            author=self.author.wire(),
            member=guild.member() if guild and self.webhook is None else None,
            type=self.type,
            content=self.content,
            timestamp=timestamp(self.id),
            tts=False,
            mention_everyone=False,
            mentions=[user.wire() for user in self.mentions],
            mention_roles=[],
            attachments=[each.wire() for each in self.attachments],
            embeds=self.embeds,
            components=self.components,
            pinned=False,
            flags=self.flags,
            nonce=self.nonce,
            webhook_id=str(self.webhook) if self.webhook else None,
            application_id=str(self.webhook) if self.webhook else None,
            interaction_metadata=self.metadata,
        )
        wire["edited_timestamp"] = edited
        if not readable(self):
            wire |= {"content": "", "attachments": [], "embeds": [], "components": []}
        return wire | self._reference(readable)

    def _reference(self, readable: Callable[["Message"], bool]) -> Json:
        if self.reference is None:
            return {}
        guild = self.channel.guild
        pointer = {"type": 0, "message_id": str(self.reference.id), "channel_id": str(self.reference.channel.id)}
        answered = None
        if not self.reference.deleted:
            answered = self.reference.wire(readable)
            answered.pop("referenced_message", None)  # Discord does not nest replies any deeper
        return {
            "message_reference": pointer | ({"guild_id": str(guild.id)} if guild else {}),
            "referenced_message": answered,
        }
