"""What people do in the stand-in Telegram: they type, send photos and press buttons."""

import asyncio
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import count
from typing import Any

from PIL import Image

from tests.fakes.telegram_chats import Chat, File, Json, Message, Person

THUMBNAIL_SIDES = (90, 320)
# Supergroups have ids below this and count their messages on their own.
SUPERGROUPS = -1_000_000_000_000
NOT_A_PICTURE = (90, 90)


class People:
    """All chats of one bot, the updates that wait for it, and the hands that type, send and press."""

    def __init__(self) -> None:
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, File] = {}
        self.files_by_path: dict[str, File] = {}
        self.callback_answers: dict[str, str | None] = {}
        self._updates: list[Json] = []
        self._arrived = asyncio.Condition()
        self._numbers = count(1000)
        # By supergroup; all other chats of the bot's account share the one of None.
        self._message_ids: defaultdict[int | None, Iterator[int]] = defaultdict(lambda: count(1000))

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
            photo=self.keep_photo(data),
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
            document=self.keep_document(data, file_name, mime_type),
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
    ) -> list[Message]:
        """Send an album as Telegram delivers it: one update per item, `gap` seconds apart, one group id."""
        group_id = self.new_group_id()
        sent: list[Message] = []
        for number, data in enumerate(photos, start=1):
            if sent:
                await asyncio.sleep(gap)  # the gap is the thing modelled, not a way to synchronise
                caption = None
            item = (
                {"document": self.keep_document(data, f"photo-{number}.jpg", "image/jpeg")}
                if documents
                else {"photo": self.keep_photo(data)}
            )
            sent.append(
                await self._say(
                    person, chat, caption=caption, media_group_id=group_id, thread_id=thread_id, **item
                )
            )
        return sent

    async def deliver_again(self, message: Message) -> None:
        """The same message in a second update, as to a bot that died before it confirmed the first."""
        await self._announce(message=message.wire())

    async def press_button(self, person: Person, message: Message, callback_data: str) -> str:
        """Press a button and give back the callback query's id, the key of its `callback_answers`.

        A button that an edit has removed may still be pressed, as on a slow phone.
        Raises ValueError when the message never had such a button.
        """
        if callback_data not in message.offered:
            raise ValueError(f"no button {callback_data!r} on {message!r}")
        query_id = f"query-{next(self._numbers)}"
        await self._announce(
            callback_query={
                "id": query_id,
                "from": person.wire(),
                "message": message.wire(),
                "chat_instance": str(message.chat.id),
                "data": callback_data,
            }
        )
        self.callback_answers[query_id] = None
        return query_id

    def keep_document(self, data: bytes, name: str | None, mime_type: str | None) -> File:
        return self._keep("documents/file", data, name=name, mime_type=mime_type)

    def keep_photo(self, data: bytes) -> list[File]:
        """Every size of a photo, smallest first; the last is the very bytes given."""
        width, height = picture_size(data) or NOT_A_PICTURE
        pictures = [*thumbnails(data), (data, width, height)]
        return [self._keep("photos/file", bits, width=wide, height=high) for bits, wide, high in pictures]

    def new_group_id(self) -> str:
        return f"139{next(self._numbers):014}"

    def new_message(self, chat: Chat, sender: Person, **content: Any) -> Message:
        counter = self._message_ids[chat.id if chat.id < SUPERGROUPS else None]
        message = Message(next(counter), chat, sender, int(time.time()), **content)
        chat.history.append(message)
        return message

    def _keep(self, folder: str, data: bytes, **facts: Any) -> File:
        number = next(self._numbers)
        # As long as real ones, so that none fits into the 64 bytes of callback_data.
        file_id = f"AgACAgIAAxkBAAI{number:06}".ljust(83, "A")
        file = File(file_id, f"AQAD{number:012}", f"{folder}_{number}", data, **facts)
        self.files[file_id] = self.files_by_path[file.path] = file
        return file

    async def _say(self, person: Person, chat: Chat | None, **content: Any) -> Message:
        message = self.new_message(chat or self.chat(person.id), person, **content)
        await self._announce(message=message.wire())
        return message

    async def _announce(self, **update: Json) -> None:
        async with self._arrived:
            self._updates.append({"update_id": next(self._numbers), **update})
            self._arrived.notify_all()


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, or None when Pillow cannot read the data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # only the header is read
            with Image.open(BytesIO(data)) as picture:
                return picture.size
    except (OSError, Image.DecompressionBombError):
        return None


def thumbnails(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Real smaller copies (JPEG bytes, width, height), so that a bot taking the wrong size is found out."""
    for side in THUMBNAIL_SIDES:
        if max(picture_size(data) or (0, 0)) <= side:
            return
        try:
            with Image.open(BytesIO(data)) as picture:
                picture.thumbnail((side, side))
                small = BytesIO()
                picture.convert("RGB").save(small, "JPEG")
                yield small.getvalue(), picture.width, picture.height
        except OSError:  # a picture cut short has a header but no pixels
            return


def pending(updates: Iterable[Json], allowed: Sequence[str]) -> list[Json]:
    """Those updates whose kind the bot asked for; an empty list asks for all."""
    return [update for update in updates if not allowed or not update.keys().isdisjoint(allowed)]
