"""People, files, messages and chats of the stand-in Telegram, and how each looks on the wire."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w+)?")


@dataclass(frozen=True)
class Person:
    """Somebody with a Telegram account; the bot is one too."""

    id: int
    first_name: str = "Ann"
    language_code: str | None = "en"
    username: str | None = None
    is_bot: bool = False

    def wire(self) -> Json:
        return _without_none(
            id=self.id,
            is_bot=self.is_bot,
            first_name=self.first_name,
            username=self.username,
            language_code=self.language_code,
        )


@dataclass(frozen=True)
class File:
    """Bytes Telegram keeps. Width and height are pixels, 0 for a document."""

    file_id: str
    unique_id: str
    path: str
    data: bytes = field(repr=False)
    name: str | None = None
    mime_type: str | None = None
    width: int = 0
    height: int = 0

    def wire(self) -> Json:
        shape = {"width": self.width, "height": self.height} if self.width else {}
        return shape | _without_none(
            file_id=self.file_id,
            file_unique_id=self.unique_id,
            file_size=len(self.data),
            file_name=self.name,
            mime_type=self.mime_type,
        )


@dataclass(eq=False)
class Chat:
    """A conversation: private (its id is the person's), group or supergroup, perhaps with forum topics."""

    id: int
    type: str = "private"
    title: str | None = None
    is_forum: bool = False
    history: list["Message"] = field(default_factory=list["Message"], repr=False)

    @property
    def messages(self) -> list["Message"]:
        """What the bot said and has not deleted, oldest first; `history` has the people's messages too."""
        return [message for message in self.history if message.sender.is_bot]

    @property
    def albums(self) -> list[list["Message"]]:
        """The bot's messages that Telegram shows as one album, grouped by media_group_id."""
        groups: dict[str, list[Message]] = {}
        for message in self.messages:
            if message.media_group_id:
                groups.setdefault(message.media_group_id, []).append(message)
        return list(groups.values())

    def find(self, message_id: int) -> "Message | None":
        # Ids rise with time.
        place = bisect_left(self.history, message_id, key=lambda message: message.message_id)
        found = self.history[place : place + 1]
        return found[0] if found and found[0].message_id == message_id else None

    def wire(self) -> Json:
        return _without_none(id=self.id, type=self.type, title=self.title, is_forum=self.is_forum or None)


@dataclass(eq=False)
class Message:
    """One bubble in a chat, as it looks now; `edits` holds the texts and captions it showed before."""

    message_id: int
    chat: Chat = field(repr=False)
    sender: Person
    date: int
    text: str | None = None
    caption: str | None = None
    photo: Sequence[File] = ()
    document: File | None = None
    media_group_id: str | None = None
    thread_id: int | None = None
    reply_to: "Message | None" = field(default=None, repr=False)
    reply_markup: Json | None = None
    edits: list[str] = field(default_factory=list[str])
    offered: set[str] = field(default_factory=set[str], repr=False)

    def __post_init__(self) -> None:
        self.offered.update(self.buttons.values())

    @property
    def file(self) -> File | None:
        """The document, or the photo at its full size."""
        return self.photo[-1] if self.photo else self.document

    @property
    def data(self) -> bytes:
        """The bytes of the file. Raises ValueError when the message has none."""
        if self.file is None:
            raise ValueError(f"message {self.message_id} has no file")
        return self.file.data

    @property
    def buttons(self) -> dict[str, str]:
        """Label -> callback_data of every callback button."""
        rows = (self.reply_markup or {}).get("inline_keyboard", [])
        return {key["text"]: key["callback_data"] for row in rows for key in row if "callback_data" in key}

    def edit(self, text: str, reply_markup: Json | None) -> None:
        if self.text is not None:
            self.edits.append(self.text)
        self.text, self.reply_markup = text, reply_markup
        self.offered.update(self.buttons.values())

    def edit_caption(self, caption: str | None, reply_markup: Json | None) -> None:
        self.edits.append(self.caption or "")
        self.caption, self.reply_markup = caption, reply_markup
        self.offered.update(self.buttons.values())

    def wire(self) -> Json:
        reply = self.reply_to.wire() if self.reply_to else {}
        reply.pop("reply_to_message", None)  # Telegram does not nest replies any deeper
        return _without_none(
            message_id=self.message_id,
            date=self.date,
            edit_date=self.date if self.edits else None,
            chat=self.chat.wire(),
            text=self.text,
            entities=command_entities(self.text) or None,
            caption=self.caption,
            caption_entities=command_entities(self.caption) or None,
            photo=[size.wire() for size in self.photo] or None,
            document=self.document.wire() if self.document else None,
            media_group_id=self.media_group_id,
            message_thread_id=self.thread_id,
            is_topic_message=True if self.thread_id else None,
            reply_to_message=reply or None,
            reply_markup=self.reply_markup,
        ) | {"from": self.sender.wire()}


def command_entities(text: str | None) -> list[Json]:
    """The bot_command entities Telegram finds in a text; offsets and lengths in UTF-16 units."""
    return [
        {
            "type": "bot_command",
            "offset": _utf16_length(found.string[: found.start()]),
            "length": _utf16_length(found.group()),
        }
        for found in COMMAND.finditer(text or "")
    ]


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _without_none(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
