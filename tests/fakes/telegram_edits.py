"""How the bot changes and deletes messages in the stand-in Telegram."""

import time

from tests.fakes.telegram_calls import Call, Refused
from tests.fakes.telegram_chats import Chat, Json, Message, Person
from tests.fakes.telegram_files import Files
from tests.fakes.telegram_methods import Methods

DELETABLE_SECONDS = 48 * 3600
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)


class Edits(Methods):
    """An edit without reply_markup takes the keyboard away."""

    def __init__(self, me: Person, files: Files) -> None:
        super().__init__(me, files)
        self.methods |= {
            "editMessageText": self._edit_message_text,
            "editMessageCaption": self._edit_message_caption,
            "editMessageMedia": self._edit_message_media,
            "editMessageReplyMarkup": self._edit_message_reply_markup,
            "deleteMessage": self._delete_message,
            "deleteMessages": self._delete_messages,
        }

    async def _edit_message_text(self, call: Call) -> Json:
        message = self._own_message(call)
        text, reply_markup = call.fields["text"], call.fields.get("reply_markup")
        if message.text is None:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        if (message.text, message.reply_markup) == (text, reply_markup):
            raise Refused(400, NOT_MODIFIED)
        message.edit_text(text, reply_markup)
        return self._edited(message)

    async def _edit_message_caption(self, call: Call) -> Json:
        message = self._own_message(call)
        # No caption and an empty one are the same.
        caption, reply_markup = call.fields.get("caption") or None, call.fields.get("reply_markup")
        if message.file is None:
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        if (message.caption or None, message.reply_markup) == (caption, reply_markup):
            raise Refused(400, NOT_MODIFIED)
        message.edit_caption(caption, reply_markup)
        return self._edited(message)

    async def _edit_message_media(self, call: Call) -> Json:
        message = self._own_message(call)
        new = self._media(call, call.fields["media"])
        photo, document, caption = new.get("photo", ()), new.get("document"), new["caption"]
        file, reply_markup = photo[-1] if photo else document, call.fields.get("reply_markup")
        if message.media_group_id and bool(message.photo) != bool(photo):
            raise Refused(400, "Bad Request: can't use media of the specified type in the album")
        if (message.file, message.caption, message.reply_markup) == (file, caption, reply_markup):
            raise Refused(400, NOT_MODIFIED)
        message.edit_media(photo, document, caption, reply_markup)
        return self._edited(message)

    async def _edit_message_reply_markup(self, call: Call) -> Json:
        message, reply_markup = self._own_message(call), call.fields.get("reply_markup")
        if message.reply_markup == reply_markup:
            raise Refused(400, NOT_MODIFIED)
        message.edit_reply_markup(reply_markup)
        return self._edited(message)

    async def _delete_message(self, call: Call) -> bool:
        message = self._known_chat(call).find(call.fields["message_id"])
        if message is None:
            raise Refused(400, "Bad Request: message to delete not found")
        self._delete([message])
        return True

    async def _delete_messages(self, call: Call) -> bool:
        """Those that are not there are skipped; one that may not be deleted keeps the others, too."""
        found = map(self._known_chat(call).find, call.fields["message_ids"])
        self._delete([message for message in found if message is not None])
        return True

    def _edited(self, message: Message) -> Json:
        self._story.edited(message)
        return message.wire()

    def _delete(self, messages: list[Message]) -> None:
        for message in messages:
            if time.time() - message.date > DELETABLE_SECONDS:
                raise Refused(400, "Bad Request: message can't be deleted for everyone")
            if not (message.from_bot or self._may_delete_all_in(message.chat)):
                raise Refused(400, "Bad Request: message can't be deleted")
        for message in messages:
            self._story.deleted(message)
            message.chat.history.remove(message)

    def _may_delete_all_in(self, chat: Chat) -> bool:
        return chat.type == "private" or self.me.id in chat.admins

    def _own_message(self, call: Call) -> Message:
        message = self._known_chat(call).find(call.fields["message_id"])
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if not message.from_bot:
            raise Refused(400, "Bad Request: message can't be edited")
        return message
