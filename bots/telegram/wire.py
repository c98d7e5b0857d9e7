"""Between Telegram's objects and errors and our own."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final, TypeVar

import httpx
from telegram import Message, ReplyParameters
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bots.frontend import HeardPhoto, Person
from bots.outbox import Busy, Doubtful, Unreached
from core.errors import ChatGone, Refused
from core.jobs import Chat

T = TypeVar("T")

PLATFORM: Final = "telegram"
# Errors of a request that never left: repeating it cannot send anything twice.
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
GONE: Final = ("chat not found", "user not found", "peer_id_invalid", "have no rights", "not enough rights")


async def translated(call: Awaitable[T]) -> T:
    """The call's result, with Telegram's errors in the outbox's words.

    Raises Busy, Unreached, Doubtful, ChatGone or Refused.
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
            raise Refused(error.message) from error
        if isinstance(error.__cause__, NEVER_SENT):
            raise Unreached(error.message) from error
        # A server's error, too, may come after the message was sent.
        raise Doubtful(error.message) from error


def heard_photo(message: Message, person: Person, chat: Chat) -> HeardPhoto | None:
    """The picture a message carries: the largest photo size, or a file. Animations are files to Telegram too."""
    if message.photo:
        source, name = message.photo[-1], ""
    elif message.document:
        source, name = message.document, message.document.file_name or ""
    else:
        return None
    return HeardPhoto(
        person=person,
        chat=chat,
        place=message.message_id,
        name=name,
        reference=source.file_id,
        caption=message.caption or "",
        group=message.media_group_id,
        weight=source.file_size,
        origin=f"{PLATFORM}/{message.chat_id}/{message.message_id}",
    )


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


def is_group(chat: Chat) -> bool:
    """Groups and channels have negative numbers."""
    return chat.chat.startswith("-")


def wait_of(error: RetryAfter) -> float:
    """Seconds that flood control asks for."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
