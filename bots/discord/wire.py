"""Between discord.py's objects and errors and our own."""

import json
from collections.abc import Awaitable, Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2s
from itertools import groupby
from typing import Any, Final, TypeVar

import aiohttp
import discord
from discord.utils import escape_markdown, snowflake_time

from bots.actions import FILES, Action
from bots.outbox import Busy, Doubtful, Unreached
from bots.panel import CHOSEN
from bots.replies import Button, Rows
from core.errors import ChatGone, Refused, TooLarge
from core.jobs import Chat

T = TypeVar("T")
Interaction = discord.Interaction[discord.Client]

PLATFORM: Final = "discord"
# What a message takes, in characters and bytes; a request with all its files takes no more than MOST_BYTES.
TEXT_CHARACTERS: Final = 2000
FILE_BYTES: Final = 10 * 1024 * 1024
MOST_BYTES: Final = 25 * 1024 * 1024
# The life of an interaction's token, less what a request may take.
TOKEN_LIFE: Final = timedelta(minutes=15) - timedelta(seconds=30)
NONCE_BYTES: Final = 12
# Lists of choices have names of their own; what is chosen is an action.
LIST: Final = "list"
PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff", ".avif")
UNKNOWN_MESSAGE, CANNOT_EDIT_OTHERS, TOO_LARGE = 10008, 50005, 40005
# Where the bot may not read what it would reply to.
CANNOT_REPLY: Final = 160002
# Unknown channel, server or webhook; the person takes no messages; a token that has died.
GONE: Final = frozenset({10003, 10004, 10015, 50007, 50027})
# A flag of attachments.
SPOILER: Final = 1 << 3
RATE_LIMITED, HEAVY, UNAUTHORIZED = 429, 413, 401


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: to the interaction that asks for it while its token lives, to a channel, to a person.

    `message` is what it replies to. `interaction` and `token` are 0 and "" where a message asks. `file_bytes` is
    the heaviest file that the interaction takes.
    """

    channel: int
    user: int
    message: int | None = None
    interaction: int = 0
    token: str = ""
    file_bytes: int = FILE_BYTES

    @property
    def chat(self) -> Chat:
        """As jobs keep it. A token is of no use to anybody after a quarter of an hour."""
        asked = f"{self.user}"
        if self.token:
            asked = f"{self.user}:{self.file_bytes}:{self.interaction}:{self.token}"
        return Chat(PLATFORM, str(self.channel), asked, str(self.message) if self.message else None)

    @classmethod
    def of(cls, chat: Chat) -> "Place":
        """Where a job is answered."""
        user, *rest = (chat.thread or "0").split(":", 3)
        message = int(chat.message) if chat.message else None
        if len(rest) < 3:
            return cls(int(chat.chat), int(user), message)
        return cls(int(chat.chat), int(user), message, int(rest[1]), rest[2], int(rest[0]))

    @property
    def is_alive(self) -> bool:
        """Whether the interaction still takes answers."""
        return bool(self.token) and datetime.now(UTC) < snowflake_time(self.interaction) + TOKEN_LIFE

    @property
    def latest(self) -> int:
        """The latest of the numbers it came with: what is sent later has a higher one."""
        return max(self.message or 0, self.interaction)


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that came with a message, by its ids, or with an interaction, by its URL.

    The ids work for as long as the message is there and the bot may read it; a URL for about a day. It is kept
    for what comes with a command, which is in no message, and from a menu, whose message the bot may not read.
    """

    attachment: int
    url: str
    channel: int = 0
    message: int = 0
    spoiler: bool = False

    @property
    def reference(self) -> str:
        """As jobs keep it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of(cls, reference: str) -> "Source":
        return cls(**json.loads(reference))


@dataclass(frozen=True, slots=True)
class Picture:
    """An attachment as it came. `weight` in bytes."""

    id: int
    name: str
    url: str
    weight: int
    kind: str = ""
    spoiler: bool = False

    @classmethod
    def of(cls, attachment: discord.Attachment) -> "Picture":
        return cls(
            attachment.id,
            attachment.filename,
            attachment.url,
            attachment.size,
            attachment.content_type or "",
            attachment.is_spoiler(),
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Picture":
        """As in the payload of an interaction."""
        name = str(data["filename"])
        spoiler = bool(int(data.get("flags") or 0) & SPOILER) or name.startswith("SPOILER_")
        return cls(
            int(data["id"]), name, str(data["url"]), int(data["size"]), data.get("content_type") or "", spoiler
        )

    @property
    def may_be_drawn(self) -> bool:
        """Whether it may be a picture; its bytes tell for sure."""
        return self.kind.startswith("image/") or (
            not self.kind.startswith(("video/", "audio/", "text/")) and self.name.lower().endswith(PICTURES)
        )


def pictures_of(message: discord.Message) -> list[Picture]:
    """The pictures of a message, and of one that it forwards."""
    carriers = [message.attachments, *(snapshot.attachments for snapshot in message.message_snapshots)]
    pictures = [Picture.of(attachment) for attachments in carriers for attachment in attachments]
    return [picture for picture in pictures if picture.may_be_drawn]


async def translated(call: Awaitable[T]) -> T:
    """The call's result, with Discord's errors in the outbox's words.

    Raises Busy, Unreached, Doubtful, ChatGone, TooLarge or Refused.
    """
    try:
        return await call
    except discord.HTTPException as error:
        raise _meaning(error) from error
    except aiohttp.ClientConnectorError as error:
        raise Unreached(_named(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Doubtful(_named(error)) from error


def _meaning(error: discord.HTTPException) -> Exception:
    # Its text may hold what people wrote.
    name = f"HTTP {error.status}, error code {error.code}"
    if error.status == RATE_LIMITED:
        return Busy(float(error.response.headers.get("Retry-After") or 1))
    if error.status >= 500:
        return Doubtful(name)
    if error.status == HEAVY or error.code == TOO_LARGE:
        return TooLarge(name)
    if error.code in GONE:
        return ChatGone(name)
    if error.status == UNAUTHORIZED:
        # The bot's token was taken back: nobody is gone, and whoever runs the bot is told by the gateway.
        return Unreached(name)
    if isinstance(error, discord.Forbidden) and error.code != CANNOT_EDIT_OTHERS:
        return ChatGone(name)
    return Refused(name)


def _named(error: Exception) -> str:
    """Without the address, which holds the tokens of interactions."""
    return type(error).__name__


def nonce_of(photo_ids: Iterable[int]) -> str:
    """What a message with the cartoons of these photos is marked by: Discord takes one such message only."""
    return blake2s(",".join(map(str, photo_ids)).encode(), digest_size=NONCE_BYTES).hexdigest()


def name_of(message: discord.Message | discord.PartialMessage) -> str:
    """A message of ours, for good."""
    return f"{message.channel.id}/{message.id}"


def place_of(name: str) -> tuple[int, int]:
    """The channel and the id of a message."""
    channel, _, number = name.partition("/")
    return int(channel), int(number)


def content_of(text: str) -> str:
    """Words as they are: names of files and styles are no markup."""
    return escape_markdown(text)


def parts_of(text: str) -> list[str]:
    """Words as messages of at most TEXT_CHARACTERS, cut between lines where that can be."""
    parts = [""]
    for line in content_of(text).splitlines(keepends=True):
        while len(parts[-1]) + len(line) > TEXT_CHARACTERS:
            if parts[-1]:
                parts.append("")
            else:
                parts[-1], line = line[:TEXT_CHARACTERS], line[TEXT_CHARACTERS:]
        parts[-1] += line
    return [part.strip("\n") for part in parts if part.strip()]


def view_of(rows: Rows) -> discord.ui.View | None:
    """Buttons, and lists of choices, as Discord draws them under a message.

    They are not kept by the library: whatever is pressed comes back as an action, after a restart too.
    """
    view = discord.ui.View(timeout=None)
    for row, items in enumerate(_drawn(rows)):
        for item in items:
            item.row = row
            view.add_item(item)
    view.stop()
    return view if view.children else None


def _drawn(rows: Rows) -> Generator[Sequence[discord.ui.Item[Any]]]:
    """Rows that are choices become lists. Cartoons as files are what everybody gets here, so nobody is asked."""
    kept = [tuple(button for button in row if Action.read(button.action).verb != FILES) for row in rows]
    for are_choices, group in groupby(
        (row for row in kept if row), lambda row: all(each.is_choice for each in row)
    ):
        group_rows = list(group)
        if are_choices:
            choices = [button for row in group_rows for button in row]
            yield [_list_of(choices)]
        else:
            yield from ([_button_of(button) for button in row] for row in group_rows)


def _list_of(choices: Sequence[Button]) -> discord.ui.Item[Any]:
    options = [
        discord.SelectOption(
            label=choice.label.removeprefix(CHOSEN), value=choice.action, default=choice.label.startswith(CHOSEN)
        )
        for choice in choices
    ]
    page = Action.read(choices[0].action).value.partition(":")[0]
    return discord.ui.Select(custom_id=f"{LIST}:{page}", options=options)


def _button_of(button: Button) -> discord.ui.Item[Any]:
    style = discord.ButtonStyle.primary if button.label.startswith(CHOSEN) else discord.ButtonStyle.secondary
    return discord.ui.Button(label=button.label.removeprefix(CHOSEN), custom_id=button.action, style=style)
