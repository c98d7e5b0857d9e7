"""Guilds of the stand-in Discord with their channels and threads, and how each looks on the wire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from tests.fakes.discord_chats import Channel
from tests.fakes.discord_objects import (
    MEBIBYTE,
    MEMBER_PERMISSIONS,
    PERMISSIONS,
    Json,
    Snowflakes,
    User,
    bits,
    timestamp,
)

Place = TypeVar("Place", bound="GuildChannel")

FILE_LIMITS = [10 * MEBIBYTE, 10 * MEBIBYTE, 50 * MEBIBYTE, 100 * MEBIBYTE]  # by premium tier


@dataclass(eq=False)
class GuildChannel(Channel):
    """A text channel. `deny` names the permissions the bot does not have in it."""

    home: "Guild" = field(kw_only=True, repr=False)
    deny: set[str] = field(default_factory=set[str], kw_only=True)

    @property
    def guild(self) -> "Guild":
        return self.home

    @property
    def file_limit(self) -> int:
        return self.home.file_limit

    @property
    def title(self) -> str:
        return f"{self.home.name} #{self.name}"

    @property
    def permissions(self) -> set[str]:
        """What the bot may do here."""
        return MEMBER_PERMISSIONS - self.deny if self.home.has_bot else set()

    def bot_may(self, permission: str) -> bool:
        return permission in self.permissions

    def thread(self, name: str) -> "Thread":
        """A public thread of this channel."""
        return self.home.add(Thread(next(self.home.ids), name, home=self.home, deny=self.deny, parent=self))

    def delete(self) -> None:
        """Somebody deletes it, with all that is in it."""
        del self.home.channels[self.id]
        self.home.tell("CHANNEL_DELETE", self.home, self.wire())

    def wire(self) -> Json:
        overwrite = {"id": str(self.home.me.id), "type": 1, "allow": "0", "deny": bits(self.deny)}
        return {
            "id": str(self.id),
            "guild_id": str(self.home.id),
            "type": self.type,
            "name": self.name,
            "position": 0,
            "permission_overwrites": [overwrite] if self.deny else [],
            "parent_id": None,
            "topic": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "last_message_id": self.last_message_id,
            "flags": 0,
        }


@dataclass(eq=False)
class Thread(GuildChannel):
    """A public thread; the permissions are those of its parent."""

    type: ClassVar[int] = 11

    parent: GuildChannel = field(kw_only=True, repr=False)

    @property
    def title(self) -> str:
        return f"{self.parent.title}, {self.name}"

    def bot_may(self, permission: str) -> bool:
        if permission == "send_messages":
            permission = "send_messages_in_threads"
        return super().bot_may(permission)

    def wire(self) -> Json:
        return {
            "id": str(self.id),
            "guild_id": str(self.home.id),
            "parent_id": str(self.parent.id),
            "owner_id": str(self.home.owner_id),
            "type": self.type,
            "name": self.name,
            "last_message_id": self.last_message_id,
            "message_count": len(self.by_id),
            "total_message_sent": len(self.by_id),
            "member_count": 1,
            "rate_limit_per_user": 0,
            "flags": 0,
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": 1440,
                "archive_timestamp": timestamp(self.id),
                "locked": False,
            },
        }


@dataclass(eq=False)
class Guild:
    """A server, in the words of people. `admins` are the people who may administer it, its owner aside."""

    id: int
    name: str
    me: User = field(repr=False)
    owner_id: int
    ids: Snowflakes = field(repr=False)
    channels: dict[int, Channel] = field(repr=False)
    tell: Callable[[str, "Guild", Json], None] = field(repr=False)
    locale: str = "en-US"
    premium_tier: int = 0
    has_bot: bool = True
    admins: set[User] = field(default_factory=set[User])

    @property
    def file_limit(self) -> int:
        return FILE_LIMITS[self.premium_tier]

    @property
    def own_channels(self) -> list[GuildChannel]:
        return [each for each in self.channels.values() if isinstance(each, GuildChannel) and each.home is self]

    def channel(self, name: str, deny: set[str] | None = None) -> GuildChannel:
        """A text channel in which the bot lacks the permissions named."""
        return self.add(GuildChannel(next(self.ids), name, home=self, deny=deny or set()))

    def add(self, place: Place) -> Place:
        if unknown := place.deny - PERMISSIONS.keys():
            raise ValueError(f"there are no such permissions here: {unknown}")
        self.channels[place.id] = place
        self.tell("THREAD_CREATE" if isinstance(place, Thread) else "CHANNEL_CREATE", self, place.wire())
        return place

    def remove_bot(self) -> None:
        """Somebody throws the bot out."""
        self.tell("GUILD_DELETE", self, {"id": str(self.id)})
        self.has_bot = False

    def permissions_of(self, person: User) -> set[str]:
        if person is self.me:
            return set(MEMBER_PERMISSIONS)
        return {*PERMISSIONS} if person in self.admins else set(MEMBER_PERMISSIONS)

    def member(self) -> Json:
        """A member without its user, as messages carry it."""
        return {
            "roles": [],
            "joined_at": timestamp(self.id),
            "premium_since": None,
            "nick": None,
            "avatar": None,
            "communication_disabled_until": None,
            "pending": False,
            "deaf": False,
            "mute": False,
            "flags": 0,
        }

    def partial_wire(self) -> Json:
        """As interactions carry it."""
        return {"id": str(self.id), "locale": self.locale, "features": []}

    def wire(self) -> Json:
        places = self.own_channels
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "splash": None,
            "description": None,
            "owner_id": str(self.owner_id),
            "preferred_locale": self.locale,
            "premium_tier": self.premium_tier,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "afk_timeout": 300,
            "afk_channel_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": [self._everyone()],
            "joined_at": timestamp(self.id),
            "large": False,
            "unavailable": False,
            "member_count": 2,
            "members": [self.member() | {"user": self.me.wire()}],
            "channels": [place.wire() for place in places if not isinstance(place, Thread)],
            "threads": [place.wire() for place in places if isinstance(place, Thread)],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def _everyone(self) -> Json:
        return {
            "id": str(self.id),
            "name": "@everyone",
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": bits(MEMBER_PERMISSIONS),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
