"""People, files, messages and chats of the stand-in Telegram, and how each looks on the wire."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

# Each group is named after the type of its entity.
ENTITIES = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w+)?)|(?P<mention>(?<![\w/.@])@[A-Za-z]\w{3,31}\b)"
)
# As the bot does them and as people see them.
CHAT_ACTIONS = {"typing": "typing", "upload_photo": "uploading a photo", "upload_document": "uploading a file"}


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


# Whoever writes in a group as the group.
ANONYMOUS_ADMIN = Person(1087968824, "Group", None, "GroupAnonymousBot", is_bot=True)


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
    """A conversation: private (its id is the person's), group or supergroup, perhaps with forum topics.

    `creator` and `admins` are user ids, the bot's among them where it is one. `bot_status` is "member" or
    "kicked", which in a private chat means blocked.
    """

    id: int
    type: str = "private"
    title: str | None = None
    is_forum: bool = False
    creator: int | None = None
    admins: set[int] = field(default_factory=set[int])
    bot_status: str = "member"
    migrated_to: int | None = None
    history: list["Message"] = field(default_factory=list["Message"], repr=False)

    @property
    def messages(self) -> list["Message"]:
        """What the bot said and has not deleted, oldest first; `history` has the people's messages too."""
        return [message for message in self.history if message.from_bot]

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
    """One bubble in a chat, as it looks now; `edits` holds the texts and captions it showed before.

    `other` is content as on the wire: stickers, service messages. `offered` has every callback_data that was ever
    on a button, with the button's label.
    """

    message_id: int
    chat: Chat = field(repr=False)
    sender: Person
    date: int
    text: str | None = None
    caption: str | None = None
    photo: Sequence[File] = ()
    document: File | None = None
    media_group_id: str | None = None
    other: Json = field(default_factory=dict[str, Any])
    forwarded_from: Person | None = None
    thread_id: int | None = None
    reply_to: "Message | None" = field(default=None, repr=False)
    reply_markup: Json | None = None
    edits: list[str] = field(default_factory=list[str])
    offered: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def __post_init__(self) -> None:
        self._offer(self.reply_markup)

    @property
    def from_bot(self) -> bool:
        return self.sender.is_bot and self.sender != ANONYMOUS_ADMIN

    @property
    def gone(self) -> bool:
        """Whether it was deleted."""
        return self.chat.find(self.message_id) is not self

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

    def edit_text(self, text: str, reply_markup: Json | None = None) -> None:
        if self.text is not None:
            self.edits.append(self.text)
        self.text = text
        self._offer(reply_markup)

    def edit_caption(self, caption: str | None, reply_markup: Json | None = None) -> None:
        self.edits.append(self.caption or "")
        self.caption = caption
        self._offer(reply_markup)

    def edit_media(
        self, photo: Sequence[File], document: File | None, caption: str | None, reply_markup: Json | None
    ) -> None:
        self.edits.append(self.text or self.caption or "")
        self.text, self.photo, self.document, self.caption = None, photo, document, caption
        self._offer(reply_markup)

    def edit_reply_markup(self, reply_markup: Json | None) -> None:
        self._offer(reply_markup)

    def origin(self) -> Json | None:
        """Where a forwarded message comes from."""
        if self.forwarded_from is None:
            return None
        return {"type": "user", "date": self.date, "sender_user": self.forwarded_from.wire()}

    def wire(self) -> Json:
        reply = self.reply_to.wire() if self.reply_to and not self.reply_to.gone else {}
        reply.pop("reply_to_message", None)  # Telegram does not nest replies any deeper
        return _without_none(
            message_id=self.message_id,
            date=self.date,
            edit_date=self.date if self.edits else None,
            chat=self.chat.wire(),
            sender_chat=self.chat.wire() if self.sender == ANONYMOUS_ADMIN else None,
            forward_origin=self.origin(),
            text=self.text,
            entities=text_entities(self.text) or None,
            caption=self.caption,
            caption_entities=text_entities(self.caption) or None,
            photo=[size.wire() for size in self.photo] or None,
            document=self.document.wire() if self.document else None,
            media_group_id=self.media_group_id,
            message_thread_id=self.thread_id,
            is_topic_message=True if self.thread_id else None,
            reply_to_message=reply or None,
            reply_markup=self.reply_markup,
        ) | {"from": self.sender.wire(), **self.other}

    def accessible_wire(self) -> Json:
        """As `wire`, or the little that Telegram tells of a message that was deleted."""
        return {"chat": self.chat.wire(), "message_id": self.message_id, "date": 0} if self.gone else self.wire()

    def _offer(self, reply_markup: Json | None) -> None:
        self.reply_markup = reply_markup
        self.offered.update((data, label) for label, data in self.buttons.items())


def text_entities(text: str | None) -> list[Json]:
    """The commands and mentions Telegram finds in a text; offsets and lengths in UTF-16 units."""
    return [
        {
            "type": found.lastgroup,
            "offset": _utf16_length(found.string[: found.start()]),
            "length": _utf16_length(found.group()),
        }
        for found in ENTITIES.finditer(text or "")
    ]


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _without_none(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
