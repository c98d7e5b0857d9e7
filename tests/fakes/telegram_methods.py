"""What each Bot API method does to the chats of the stand-in Telegram."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.telegram_calls import Call, Refused
from tests.fakes.telegram_chats import Chat, File, Json, Message, Person
from tests.fakes.telegram_files import Files
from tests.fakes.telegram_membership import Membership
from tests.fakes.telegram_schema import MEGABYTE, file_source, uploaded

QUERY_SECONDS = 30
SHUT_OUT = {
    "private": "Forbidden: bot was blocked by the user",
    "group": "Forbidden: bot was kicked from the group chat",
    "supergroup": "Forbidden: bot was kicked from the supergroup chat",
}


class Methods(Membership):
    """The bot's side of the chats: `methods` maps each name to what answers it."""

    def __init__(self, me: Person, files: Files) -> None:
        super().__init__(me, files)
        self.methods: dict[str, Callable[[Call], Awaitable[Any]]] = {
            "getMe": self._get_me,
            "sendMessage": self._send_message,
            "sendChatAction": self._send_chat_action,
            "sendPhoto": self._send_photo,
            "sendDocument": self._send_document,
            "sendMediaGroup": self._send_media_group,
            "answerCallbackQuery": self._answer_callback_query,
            "getFile": self._get_file,
            "getChatMember": self._get_chat_member,
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

    async def _send_message(self, call: Call) -> Json:
        return self._post(call, {"text": call.fields["text"]})[0]

    async def _send_chat_action(self, call: Call) -> bool:
        self._story.acting(self._known_chat(call), call.fields.get("message_thread_id"), call.fields["action"])
        return True

    async def _send_photo(self, call: Call) -> Json:
        photo = self._photo(call, file_source(call.fields, "photo"))
        return self._post(call, {"photo": photo, "caption": call.fields.get("caption")})[0]

    async def _send_document(self, call: Call) -> Json:
        document = self._document(call, file_source(call.fields, "document"))
        return self._post(call, {"document": document, "caption": call.fields.get("caption")})[0]

    async def _send_media_group(self, call: Call) -> list[Json]:
        group_id = self.new_group_id()
        contents = [self._media(call, item) | {"media_group_id": group_id} for item in call.fields["media"]]
        return self._post(call, *contents)

    async def _answer_callback_query(self, call: Call) -> bool:
        query_id, text = call.fields["callback_query_id"], call.fields.get("text", "")
        query = self._queries.pop(query_id, None)
        if query is None or query.age_seconds > QUERY_SECONDS:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.callback_answers[query_id] = text
        if text:
            self._story.answered(query.person, query.message, text, call.fields.get("show_alert", False))
        return True

    async def _get_file(self, call: Call) -> Json:
        file = self.files.by_id.get(call.fields["file_id"])
        if file is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if self.files.folder is None and len(file.data) > 20 * MEGABYTE:
            raise Refused(400, "Bad Request: file is too big")
        return {
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(file.data),
            "file_path": self.files.path_of(file),
        }

    async def _get_chat_member(self, call: Call) -> Json:
        member = self.member(self._known_chat(call), call.fields["user_id"])
        if member is None:
            raise Refused(400, "Bad Request: user not found")
        return member

    def _post(self, call: Call, *contents: Json) -> list[Json]:
        """Put a message of the bot into its chat, or the messages of an album."""
        chat = self._known_chat(call)
        common = {
            "reply_to": self._replied(chat, call.fields.get("reply_parameters")),
            "thread_id": call.fields.get("message_thread_id"),
            "reply_markup": call.fields.get("reply_markup"),
        }
        messages = [self.new_message(chat, self.me, **common, **content) for content in contents]
        self._story.said(*messages)
        return [message.wire() for message in messages]

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
        if chat.migrated_to is not None:
            complaint = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, complaint, migrate_to_chat_id=chat.migrated_to)
        if chat.bot_status == "kicked":
            raise Refused(403, SHUT_OUT[chat.type])
        return chat

    def _media(self, call: Call, item: Json) -> Json:
        """The photo or document of an InputMedia, and its caption."""
        take = self._photo if item["type"] == "photo" else self._document
        return {item["type"]: take(call, item["media"]), "caption": item.get("caption")}

    def _photo(self, call: Call, source: str) -> list[File]:
        if upload := uploaded(source, call.files):
            return self.files.keep_photo(upload.data)
        file = self._known_file(source)
        if not file.width:
            raise Refused(400, "Bad Request: can't use file of type Document as Photo")
        return [file]

    def _document(self, call: Call, source: str) -> File:
        if upload := uploaded(source, call.files):
            return self.files.keep_document(upload.data, upload.name, upload.mime_type)
        return self._known_file(source)

    def _known_file(self, file_id: str) -> File:
        if file_id not in self.files.by_id:
            raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return self.files.by_id[file_id]
