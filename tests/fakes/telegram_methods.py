"""What each Bot API method does to the chats of the stand-in Telegram."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_chats import Chat, File, Json, Message, Person
from tests.fakes.telegram_people import People, pending
from tests.fakes.telegram_schema import MEGABYTE, Upload, file_source, uploaded

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)


class Refused(Exception):
    """Telegram answers that it will not do this."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


@dataclass(frozen=True)
class Call:
    """One request of the bot. `time` is in seconds of time.monotonic(); a file's key is its form name."""

    method: str
    fields: Json
    files: dict[str, Upload] = field(default_factory=dict[str, Upload])
    time: float = field(default_factory=time.monotonic)


class Methods(People):
    """The bot's side of the chats: `methods` maps each name to what answers it."""

    def __init__(self, me: Person) -> None:
        super().__init__()
        self.me = me
        self._poll: Call | None = None
        self.methods: dict[str, Callable[[Call], Awaitable[Any]]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "deleteWebhook": self._delete_webhook,
            "setMyCommands": self._nothing,
            "sendMessage": self._send_message,
            "editMessageText": self._edit_message_text,
            "editMessageCaption": self._edit_message_caption,
            "deleteMessage": self._delete_message,
            "sendChatAction": self._nothing,
            "sendPhoto": self._send_photo,
            "sendDocument": self._send_document,
            "sendMediaGroup": self._send_media_group,
            "answerCallbackQuery": self._answer_callback_query,
            "getFile": self._get_file,
            "logOut": self._nothing,
            "close": self._nothing,
        }

    async def _nothing(self, call: Call) -> bool:
        return True

    async def _get_me(self, call: Call) -> Json:
        return self.me.wire() | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    async def _get_updates(self, call: Call) -> list[Json]:
        """Long polling. An offset confirms all updates before it; a newer poll ends an older one with 409."""
        offset = call.fields.get("offset", 0)
        allowed = call.fields.get("allowed_updates", [])
        self._updates = (
            self._updates[offset:] if offset < 0 else [u for u in self._updates if u["update_id"] >= offset]
        )
        self._poll = call
        async with self._arrived:
            self._arrived.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(call.fields.get("timeout", 0)):
                    await self._arrived.wait_for(lambda: pending(self._updates, allowed) or self._poll is not call)
        if self._poll is not call:
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        return pending(self._updates, allowed)[: call.fields.get("limit", 100)]

    async def _delete_webhook(self, call: Call) -> bool:
        if call.fields.get("drop_pending_updates"):
            self._updates.clear()
        return True

    async def _send_message(self, call: Call) -> Json:
        return self._post(call, text=call.fields["text"])

    async def _send_photo(self, call: Call) -> Json:
        return self._post(
            call,
            caption=call.fields.get("caption"),
            photo=self._photo(call, file_source(call.fields, "photo")),
        )

    async def _send_document(self, call: Call) -> Json:
        document = self._document(call, file_source(call.fields, "document"))
        return self._post(call, caption=call.fields.get("caption"), document=document)

    async def _send_media_group(self, call: Call) -> list[Json]:
        group_id = self.new_group_id()
        contents: list[Json] = []
        for item in call.fields["media"]:
            take = self._photo if item["type"] == "photo" else self._document
            file = take(call, item["media"])
            contents.append({item["type"]: file, "caption": item.get("caption"), "media_group_id": group_id})
        return [self._post(call, **content) for content in contents]

    async def _edit_message_text(self, call: Call) -> bool | Json:
        message = self._own_message(call)
        text, reply_markup = call.fields["text"], call.fields.get("reply_markup")
        if message.text is None:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        if (message.text, message.reply_markup) == (text, reply_markup):
            raise Refused(400, NOT_MODIFIED)
        message.edit(text, reply_markup)
        return message.wire()

    async def _edit_message_caption(self, call: Call) -> Json:
        message = self._own_message(call)
        # No caption and an empty one are the same.
        caption, reply_markup = call.fields.get("caption") or None, call.fields.get("reply_markup")
        if message.file is None:
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        if (message.caption or None, message.reply_markup) == (caption, reply_markup):
            raise Refused(400, NOT_MODIFIED)
        message.edit_caption(caption, reply_markup)
        return message.wire()

    async def _delete_message(self, call: Call) -> bool:
        message = self._known_message(call, "message to delete not found")
        message.chat.history.remove(message)
        return True

    async def _answer_callback_query(self, call: Call) -> bool:
        query_id = call.fields["callback_query_id"]
        if query_id not in self.callback_answers:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.callback_answers[query_id] = call.fields.get("text", "")
        return True

    async def _get_file(self, call: Call) -> Json:
        file = self.files.get(call.fields["file_id"])
        if file is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.data) > 20 * MEGABYTE:
            raise Refused(400, "Bad Request: file is too big")
        return {
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(file.data),
            "file_path": file.path,
        }

    def _post(self, call: Call, **content: Any) -> Json:
        """Put a message of the bot into its chat."""
        chat = self._known_chat(call)
        message = self.new_message(
            chat,
            self.me,
            reply_to=self._replied(chat, call.fields.get("reply_parameters")),
            thread_id=call.fields.get("message_thread_id"),
            reply_markup=call.fields.get("reply_markup"),
            **content,
        )
        return message.wire()

    def _replied(self, chat: Chat, reply_parameters: Json | None) -> Message | None:
        if reply_parameters is None:
            return None
        message = chat.find(reply_parameters["message_id"])
        if message is None and not reply_parameters.get("allow_sending_without_reply"):
            raise Refused(400, "Bad Request: message to be replied not found")
        return message

    def _known_chat(self, call: Call) -> Chat:
        chat = self.chats.get(call.fields["chat_id"])
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        return chat

    def _known_message(self, call: Call, complaint: str) -> Message:
        message = self._known_chat(call).find(call.fields["message_id"])
        if message is None:
            raise Refused(400, f"Bad Request: {complaint}")
        return message

    def _own_message(self, call: Call) -> Message:
        message = self._known_message(call, "message to edit not found")
        if not message.sender.is_bot:
            raise Refused(400, "Bad Request: message can't be edited")
        return message

    def _photo(self, call: Call, source: str) -> list[File]:
        if upload := uploaded(source, call.files):
            return self.keep_photo(upload.data)
        file = self._known_file(source)
        if not file.width:
            raise Refused(400, "Bad Request: can't use file of type Document as Photo")
        return [file]

    def _document(self, call: Call, source: str) -> File:
        if upload := uploaded(source, call.files):
            return self.keep_document(upload.data, upload.name, upload.mime_type)
        return self._known_file(source)

    def _known_file(self, file_id: str) -> File:
        if file_id not in self.files:
            raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return self.files[file_id]
