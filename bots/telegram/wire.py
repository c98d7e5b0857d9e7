"""Between Telegram's objects and errors and our own."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final, TypeVar

import httpx
from telegram import (
    Document,
    ExternalReplyInfo,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    PhotoSize,
    ReplyParameters,
)
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bots.frontend import HeardPhoto, Person
from bots.outbox import Busy, Doubtful, Unreached
from bots.replies import Rows
from core.errors import ChatGone, Refused, TooLarge
from core.jobs import Chat

T = TypeVar("T")

PLATFORM: Final = "telegram"
UNKNOWN_KIND: Final = "application/octet-stream"
# Errors of a request that never left: repeating it cannot send anything twice.
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
GONE: Final = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "have no rights to send a message",
    "not enough rights to send text",
    "need administrator rights",
)


async def translated(call: Awaitable[T]) -> T:
    """The call's result, with Telegram's errors in the outbox's words.

    Raises Busy, Unreached, Doubtful, ChatGone, TooLarge or Refused.
    """
    try:
        return await call
    except RetryAfter as error:
        raise Busy(wait_of(error)) from error
    except Forbidden as error:
        raise ChatGone(error.message) from error
    except BadRequest as error:
        if any(words in error.message.lower() for words in GONE):
            raise ChatGone(error.message) from error
        raise Refused(error.message) from error
    except NetworkError as error:
        if "too large" in error.message.lower():
            raise TooLarge(error.message) from error
        if isinstance(error.__cause__, NEVER_SENT):
            raise Unreached(error.message) from error
        # A server's error, too, may come after the message was sent.
        raise Doubtful(error.message) from error


def source_of(carrier: Message | ExternalReplyInfo) -> PhotoSize | Document | None:
    """The picture a message carries: the largest photo size, or a file that may be one.

    Telegram shows moving pictures as files too.
    """
    if carrier.photo:
        return carrier.photo[-1]
    file = carrier.document
    kind = (file.mime_type or UNKNOWN_KIND) if file else ""
    return file if not carrier.animation and kind.startswith(("image/", UNKNOWN_KIND)) else None


def heard_photo(
    message: Message, person: Person, chat: Chat, source: PhotoSize | Document, caption: str
) -> HeardPhoto:
    """A photo as it came with a message."""
    return HeardPhoto(
        person=person,
        chat=chat,
        place=message.message_id,
        name=(source.file_name or "") if isinstance(source, Document) else "",
        reference=source.file_id,
        caption=caption,
        group=message.media_group_id,
        weight=source.file_size,
        origin=origin_of(message),
    )


def origin_of(message: Message) -> str:
    """What a photo of this message is remembered by."""
    return f"{PLATFORM}/{message.chat_id}/{message.message_id}"


def chat_of(message: Message) -> Chat:
    """Where to answer a message."""
    topic = message.message_thread_id if message.is_topic_message else None
    # Telegram refuses the id of the general topic, 1, although it sends it.
    thread = str(topic) if topic and topic != 1 else None
    return Chat(PLATFORM, str(message.chat_id), thread, str(message.message_id))


def address(chat: Chat) -> dict[str, Any]:
    """A chat as the fields that every sending method has."""
    reply = ReplyParameters(int(chat.message), allow_sending_without_reply=True) if chat.message else None
    return {
        "chat_id": int(chat.chat),
        "message_thread_id": int(chat.thread) if chat.thread else None,
        "reply_parameters": reply,
    }


def name_of(chat: int | str, number: int) -> str:
    """A message, for good: a group that moves takes its messages along under other numbers."""
    return f"{chat}/{number}"


def place_of(name: str) -> tuple[int, int]:
    """The chat and the number of a message."""
    chat, _, number = name.partition("/")
    return int(chat), int(number)


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Buttons as Telegram draws them under a message."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.action) for button in row] for row in rows]
    )


def is_group(chat: Chat) -> bool:
    """Groups and channels have negative numbers."""
    return chat.chat.startswith("-")


def wait_of(error: RetryAfter) -> float:
    """Seconds that flood control asks for."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
