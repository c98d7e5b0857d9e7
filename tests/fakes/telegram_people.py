"""What people do in the stand-in Telegram: they type, send photos, edit what they sent and press buttons."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.fakes.telegram_chats import Chat, Message, Person
from tests.fakes.telegram_files import Files
from tests.fakes.telegram_others import other_content
from tests.fakes.telegram_rates import Rates
from tests.fakes.telegram_story import Story
from tests.fakes.telegram_updates import Updates

# Supergroups have ids below this and count their messages on their own.
SUPERGROUPS = -1_000_000_000_000


@dataclass(eq=False)
class Query:
    """A pressed button that waits for its answer."""

    person: Person
    message: Message
    age_seconds: float = 0.0


class People:
    """All chats of one bot, and the hands that type, send and press in them."""

    def __init__(self, me: Person, files: Files) -> None:
        self.me = me
        self.files = files
        self._changed = asyncio.Condition()
        self.updates = Updates(self._changed)
        self.chats: dict[int, Chat] = {}
        self.callback_answers: dict[str, str | None] = {}
        self._story = Story()
        self._rates = Rates()
        self._queries: dict[str, Query] = {}
        self._numbers = count(1000)
        # By supergroup; all other chats of the bot's account share the one of None.
        self._message_ids: defaultdict[int | None, Iterator[int]] = defaultdict(lambda: count(1000))

    @property
    def story(self) -> list[str]:
        """What people saw happen in all chats, one entry for each event, for reading."""
        return self._story.entries

    @property
    def floods(self) -> list[str]:
        """Where the bot was faster than Telegram allows, as sentences; it is never refused for it."""
        return self._rates.floods

    def chat(self, chat_id: int) -> Chat:
        """The chat of that id; a private one begins here if there was none."""
        return self.chats.setdefault(chat_id, Chat(chat_id))

    def group(self, chat_id: int, title: str = "Friends", forum: bool = False) -> Chat:
        """A group the bot is a member of: a supergroup, whose ids are below -1000000000000, or a basic one."""
        kind = "supergroup" if chat_id < SUPERGROUPS else "group"
        return self.chats.setdefault(chat_id, Chat(chat_id, kind, title, forum))

    async def send_text(
        self,
        person: Person,
        text: str,
        chat: Chat | None = None,
        *,
        thread_id: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return await self._say(person, chat, text=text, thread_id=thread_id, reply_to=reply_to)

    async def send_photo(
        self,
        person: Person,
        data: bytes,
        caption: str | None = None,
        media_group_id: str | None = None,
        chat: Chat | None = None,
        *,
        thread_id: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return await self._say(
            person,
            chat,
            photo=self.files.keep_photo(data),
            caption=caption,
            media_group_id=media_group_id,
            thread_id=thread_id,
            reply_to=reply_to,
        )

    async def send_document(
        self,
        person: Person,
        data: bytes,
        file_name: str,
        mime_type: str,
        caption: str | None = None,
        media_group_id: str | None = None,
        chat: Chat | None = None,
        *,
        thread_id: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return await self._say(
            person,
            chat,
            document=self.files.keep_document(data, file_name, mime_type),
            caption=caption,
            media_group_id=media_group_id,
            thread_id=thread_id,
            reply_to=reply_to,
        )

    async def send_album(
        self,
        person: Person,
        photos: Sequence[bytes],
        gap: float = 0.6,
        caption: str | None = None,
        documents: bool = False,
        chat: Chat | None = None,
        *,
        thread_id: int | None = None,
        forwarded_from: Person | None = None,
    ) -> list[Message]:
        """Send an album as Telegram delivers it: one update per item, `gap` seconds apart, one group id."""
        group_id = self.new_group_id()
        sent: list[Message] = []
        for number, data in enumerate(photos, start=1):
            if sent:
                await asyncio.sleep(gap)  # the gap is the thing modelled, not a way to synchronise
                caption = None
            item = (
                {"document": self.files.keep_document(data, f"photo-{number}.jpg", "image/jpeg")}
                if documents
                else {"photo": self.files.keep_photo(data)}
            )
            sent.append(
                await self._say(
                    person,
                    chat,
                    caption=caption,
                    media_group_id=group_id,
                    thread_id=thread_id,
                    forwarded_from=forwarded_from,
                    **item,
                )
            )
        return sent

    async def send_other(
        self,
        person: Person,
        kind: str,
        chat: Chat | None = None,
        *,
        caption: str | None = None,
        media_group_id: str | None = None,
        thread_id: int | None = None,
    ) -> Message:
        """Send what is neither text nor photo nor file; telegram_others has the kinds."""
        other = other_content(kind, person, chat or self.chat(person.id), self.files)
        return await self._say(
            person, chat, other=other, caption=caption, media_group_id=media_group_id, thread_id=thread_id
        )

    async def edit_text(self, person: Person, message: Message, text: str) -> None:
        """Raises ValueError when it is not this person's message, or deleted."""
        _check_author(person, message)
        message.edit_text(text)
        await self._announce_edit(message)

    async def edit_caption(self, person: Person, message: Message, caption: str | None) -> None:
        """Raises ValueError when it is not this person's message, or deleted."""
        _check_author(person, message)
        message.edit_caption(caption)
        await self._announce_edit(message)

    async def deliver_again(self, message: Message) -> None:
        """The same message in a second update, as to a bot that died before it confirmed the first."""
        await self.updates.add(message=message.wire())

    async def press_button(self, person: Person, message: Message, callback_data: str) -> str:
        """Press a button and give back the callback query's id, the key of its `callback_answers`.

        A button that an edit has removed may still be pressed, as on a slow phone.
        Raises ValueError when the message never had such a button.
        """
        if callback_data not in message.offered:
            raise ValueError(f"no button {callback_data!r} on {message!r}")
        query_id = f"query-{next(self._numbers)}"
        self.callback_answers[query_id] = None
        self._queries[query_id] = Query(person, message)
        self._rates.pressed(message)
        self._story.pressed(person, message, message.offered[callback_data])
        await self.updates.add(
            callback_query={
                "id": query_id,
                "from": person.wire(),
                "message": message.accessible_wire(),
                "chat_instance": str(message.chat.id),
                "data": callback_data,
            }
        )
        return query_id

    def age_queries(self, seconds: float = 31.0) -> None:
        """Let so much time pass for all queries without an answer; after 30 s there can be none."""
        for query in self._queries.values():
            query.age_seconds += seconds

    def new_group_id(self) -> str:
        return f"139{next(self._numbers):014}"

    def new_message(self, chat: Chat, sender: Person, **content: Any) -> Message:
        counter = self._message_ids[chat.id if chat.id < SUPERGROUPS else None]
        message = Message(next(counter), chat, sender, int(time.time()), **content)
        chat.history.append(message)
        return message

    async def _say(self, person: Person, chat: Chat | None, **content: Any) -> Message:
        message = self.new_message(chat or self.chat(person.id), person, **content)
        self._story.said(message)
        if message.chat.bot_status != "kicked":
            await self.updates.add(message=message.wire())
        return message

    async def _announce_edit(self, message: Message) -> None:
        self._story.edited(message)
        await self.updates.add(edited_message=message.wire())


def _check_author(person: Person, message: Message) -> None:
    if message.sender != person or message.gone:
        raise ValueError(f"{person.first_name} cannot edit {message!r}")
