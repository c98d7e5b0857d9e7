"""Ids, permissions, people and attachments of the stand-in Discord, and how each looks on the wire."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Json = dict[str, Any]

EPOCH_MS = 1420070400000
MEBIBYTE = 1024 * 1024
PERMISSIONS = {
    "administrator": 1 << 3,
    "manage_guild": 1 << 5,
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "use_application_commands": 1 << 31,
    "send_messages_in_threads": 1 << 38,
    "use_external_apps": 1 << 50,
}
ADMIN_PERMISSIONS = {"administrator", "manage_guild", "manage_messages"}
MEMBER_PERMISSIONS = PERMISSIONS.keys() - ADMIN_PERMISSIONS


class Component(IntEnum):
    """Types of components."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    TEXT_DISPLAY = 10
    LABEL = 18
    FILE_UPLOAD = 19


class Snowflakes:
    """Ids that grow with time, each in a millisecond of its own, so that guilds spread over the shards."""

    def __init__(self) -> None:
        self._milliseconds = 0

    def __next__(self) -> int:
        self._milliseconds = max(self._milliseconds + 1, int(time.time() * 1000) - EPOCH_MS)
        return self._milliseconds << 22


def bits(names: Iterable[str]) -> str:
    """Permissions as on the wire."""
    return str(sum(PERMISSIONS[name] for name in names))


def timestamp(snowflake: int) -> str:
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH_MS) / 1000, UTC).isoformat()


@dataclass(eq=False)
class User:
    """Somebody with a Discord account; the bot is one too."""

    id: int
    name: str
    locale: str = "en-US"
    is_bot: bool = False

    def wire(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.name.lower(),
            "global_name": None if self.is_bot else self.name,
            "discriminator": "0000" if self.is_bot else "0",
            "avatar": None,
            "bot": self.is_bot,
            "public_flags": 0,
        }


@dataclass(eq=False)
class Attachment:
    """A file on the CDN; width and height are pixels, None for what is no picture. `url` is a fresh link."""

    id: int
    path: str
    name: str
    data: bytes = field(repr=False)
    content_type: str | None
    width: int | None
    height: int | None
    description: str | None
    link: Callable[["Attachment"], str] = field(repr=False)
    ephemeral: bool = False

    @property
    def spoiler(self) -> bool:
        return self.name.startswith("SPOILER_")

    @property
    def url(self) -> str:
        return self.link(self)

    def wire(self) -> Json:
        url = self.url
        return without_none(
            id=str(self.id),
            filename=self.name,
            size=len(self.data),
            url=url,
            proxy_url=url,
            content_type=self.content_type,
            width=self.width,
            height=self.height,
            description=self.description,
            ephemeral=self.ephemeral or None,
            flags=1 << 3 if self.spoiler else 0,
        )


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component, parents first."""
    for each in components:
        yield each
        yield from walk(each.get("components", []))
        yield from walk([each[key] for key in ("component", "accessory") if key in each])


def without_none(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
