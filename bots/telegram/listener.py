"""What people do on Telegram -> the conversation, the reception and the buttons.

In private chats everything is answered. In groups the bot is silent unless it is commanded, mentioned or replied
to, or an administrator of the group has sent /auto on.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from telegram import Bot, CallbackQuery, ChatMemberUpdated, Document, Message, PhotoSize, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError

from bots.buttons import Buttons
from bots.conversation import COMMANDS, DRAW, Conversation, sheet_of
from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locales
from bots.orders import Orders
from bots.replies import Reply
from bots.telegram.groups import Groups
from bots.telegram.sending import Sending
from bots.telegram.wire import PLATFORM, chat_of, heard_photo, origin_of, source_of
from core.errors import UserError
from core.jobs import Owner
from core.look import SheetKind
from storage.auto_chats import AutoChats

log = logging.getLogger(__name__)

AUTO: Final = "auto"
KINDS: Final = (Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
# Albums whose photos nobody asked for yet: a later caption may, and then they all are.
OVERHEARD: Final = 200
# Album ids that something was said about.
SPOKEN_OF: Final = 1000
OUT: Final = (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)


class Listener:
    """Takes one update at a time; what it has heard is kept when `hear` returns."""

    def __init__(
        self,
        bot: Bot,
        sending: Sending,
        conversation: Conversation,
        reception: Hearing,
        buttons: Buttons,
        orders: Orders,
        auto_chats: AutoChats,
        locales: Locales,
    ) -> None:
        self._bot = bot
        self._sending = sending
        self._conversation = conversation
        self._reception = reception
        self._buttons = buttons
        self._orders = orders
        self._groups = Groups(bot, auto_chats)
        self._locales = locales
        self._overheard: OrderedDict[str, list[HeardPhoto]] = OrderedDict()
        self._wanted = _Remembered(OVERHEARD)
        self._spoken_of = _Remembered(SPOKEN_OF)

    async def hear(self, update: Update) -> None:
        """Never raises: what goes wrong is logged, and said."""
        try:
            if update.callback_query is not None:
                await self._press(update.callback_query)
            elif update.edited_message is not None:
                await self._hear_again(update.edited_message)
            elif update.my_chat_member is not None:
                await self._note_membership(update.my_chat_member)
            elif update.message is not None:
                self._sending.saw(update.message)
                await self._hear_message(update.message)
        except Exception:
            log.exception("an update could not be handled")
            message = update.message
            if message is not None and (message.chat.type == ChatType.PRIVATE or self._is_addressed(message)):
                user = update.effective_user
                words = self._locales.of(user.language_code if user else None).say("something-broke")
                self._sending.post(chat_of(message), Reply(words))

    async def _hear_message(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._sending.moved(str(message.chat_id), str(message.migrate_to_chat_id))
        owner, source = _owner_of(message), source_of(message)
        if owner is None or (message.text and not self._is_addressed(message)):
            return
        language = message.from_user.language_code if message.from_user else None
        person = await self._conversation.introduced(owner, language)
        if message.text:
            await self._hear_words(message, person)
        elif source is not None:
            caption = self._without_mention(message.caption or "")
            await self._hear_photo(message, heard_photo(message, person, chat_of(message), source, caption))
        elif (
            message.chat.type == ChatType.PRIVATE
            and message.effective_attachment is not None
            and self._spoken_of.is_new(message.media_group_id)
        ):
            self._sending.post(chat_of(message), await self._conversation.answer(person, ""))

    async def _hear_words(self, message: Message, person: Person) -> None:
        text = message.text or ""
        mentioned, command = self._is_mentioned(text), self._command_of(text)
        words = " ".join(text.split(maxsplit=1)[1:]) if command else self._without_mention(text)
        about = message.reply_to_message or message.external_reply
        source = source_of(about) if about else None
        if command in ("cartoon", "compare") or (mentioned and command is None and source):
            await self._draw_what_is_replied_to(message, person, source, command or "cartoon", words)
        elif command == AUTO:
            await self._set_auto(message, person, words)
        else:
            plain = text if command or text.startswith("/") else words
            chat = chat_of(message)
            self._sending.post(chat, await self._conversation.answer(person, plain, chat))

    async def _draw_what_is_replied_to(
        self,
        message: Message,
        person: Person,
        source: PhotoSize | Document | None,
        command: str,
        words: str,
    ) -> None:
        chat = chat_of(message)
        sheet, caption = sheet_of(f"/{command} {words}")
        if source is not None:
            photo = heard_photo(message, person, chat, source, caption)
            await self._take(replace(photo, sheet=sheet, alone=True))
        elif sheet is None or not await self._compare_latest(message, person, sheet):
            self._sending.post(chat, await self._conversation.answer(person, f"/{command}"))

    async def _compare_latest(self, message: Message, person: Person, sheet: SheetKind) -> bool:
        chat = chat_of(message)
        try:
            return await self._buttons.compare(person, chat, sheet, origin_of(message)) is not None
        except UserError as error:
            self._sending.post(chat, Reply(self._locales.of(person.language).error(error)))
            return True

    async def _hear_photo(self, message: Message, photo: HeardPhoto) -> None:
        if self._command_of(photo.caption) == "compare":
            sheet, caption = sheet_of(photo.caption)
            photo = replace(photo, sheet=sheet, caption=caption, alone=True)
        if self._is_asked_for(message):
            for sibling in self._overheard.pop(photo.group or "", []):
                await self._take(sibling)
            if photo.group is not None:
                self._wanted.is_new(photo.group)
            await self._take(photo)
        elif await self._groups.draws_all(message.chat_id):
            await self._take(replace(photo, asked=False))
        elif photo.group is not None:
            self._overheard.setdefault(photo.group, []).append(photo)
            if len(self._overheard) > OVERHEARD:
                self._overheard.popitem(last=False)

    def _is_asked_for(self, message: Message) -> bool:
        """Whether somebody wants just this photo to be drawn."""
        if message.chat.type == ChatType.PRIVATE:
            return True
        caption, answered = message.caption or "", message.reply_to_message
        return (
            self._is_mentioned(caption)
            or self._command_of(caption) in (*DRAW, "compare")
            or (answered is not None and answered.from_user is not None and answered.from_user.id == self._bot.id)
            or (message.media_group_id is not None and message.media_group_id in self._wanted)
        )

    async def _take(self, photo: HeardPhoto) -> None:
        try:
            await self._reception.hear(photo, complete=photo.alone)
        except UserError as error:
            # Once an album, not once a photo; and not to those who have not asked for anything.
            if photo.asked and self._spoken_of.is_new(photo.group):
                words = self._locales.of(photo.person.language).error(error)
                self._sending.post(photo.chat, Reply(words))

    async def _hear_again(self, message: Message) -> None:
        """A caption that is changed asks for the photo, or its album, to be drawn anew."""
        owner, source = _owner_of(message), source_of(message)
        if owner is None or source is None:
            return
        if not self._is_asked_for(message) and not await self._groups.draws_all(message.chat_id):
            return
        language = message.from_user.language_code if message.from_user else None
        person = await self._conversation.introduced(owner, language)
        caption = self._without_mention(message.caption or "")
        photo = heard_photo(message, person, chat_of(message), source, caption)
        edited = int(message.edit_date.timestamp()) if message.edit_date else 0
        try:
            known, remark = await self._buttons.reword(photo, f"{photo.origin}/edited/{edited}")
        except UserError as error:
            known, remark = True, self._locales.of(person.language).error(error)
        if remark:
            self._sending.post(photo.chat, Reply(remark))
        if not known and self._conversation.is_request(photo.caption):
            await self._take(photo)

    async def _press(self, query: CallbackQuery) -> None:
        user = query.from_user
        person = await self._conversation.introduced(Owner(PLATFORM, str(user.id)), user.language_code)
        data, origin = query.data or "", f"{PLATFORM}/press/{query.id}"
        pressed = await self._buttons.press(person, data, origin)
        if pressed.is_refused and (group := await self._group_of(query)):
            pressed = await self._buttons.press(replace(person, owner=group), data, origin)
        self._sending.answer_press(query, pressed, self._locales.of(person.language).say("delete-too-old"))

    async def _group_of(self, query: CallbackQuery) -> Owner | None:
        """The group that who pressed a button may act for: its administrators write in its name too."""
        place = query.message.chat if query.message else None
        if place is None or place.type == ChatType.PRIVATE:
            return None
        try:
            may = await self._groups.is_administrator(place.id, query.from_user.id)
        except TelegramError as error:
            log.info("Telegram does not tell who administers a group (%s)", error)
            return None
        return Owner(PLATFORM, str(place.id)) if may else None

    async def _note_membership(self, change: ChatMemberUpdated) -> None:
        """Blocked, or removed from a group: nothing more is drawn for it."""
        if change.new_chat_member.status in OUT:
            chat = str(change.chat.id)
            called_off = await self._orders.abandon(PLATFORM, chat)
            await self._groups.left(change.chat.id)
            log.info("nobody to answer any more: %d photos called off", called_off)

    async def _set_auto(self, message: Message, person: Person, words: str) -> None:
        locale = self._locales.of(person.language)
        answer = await self._groups.set_auto(message, locale, words.strip().lower())
        self._sending.post(chat_of(message), Reply(answer))

    def _is_addressed(self, message: Message) -> bool:
        """Whether somebody speaks to the bot."""
        text = message.text or message.caption or ""
        private = message.chat.type == ChatType.PRIVATE
        return private or self._is_mentioned(text) or self._command_of(text) is not None

    def _is_mentioned(self, text: str) -> bool:
        return re.search(self._mention, text, re.IGNORECASE) is not None

    def _without_mention(self, text: str) -> str:
        return re.sub(self._mention, "", text, count=1, flags=re.IGNORECASE).strip()

    @property
    def _mention(self) -> str:
        # Not where it belongs to a command, as in /cartoon@our_bot, nor in the longer name of another bot.
        return rf"(?<!\S)@{re.escape(self._bot.username or '')}(?!\w)"

    def _command_of(self, text: str) -> str | None:
        """The command a text begins with, if it is one of ours, and not some other bot's."""
        if not text.startswith("/"):
            return None
        name, _, addressee = text.split(maxsplit=1)[0][1:].lower().partition("@")
        ours = not addressee or addressee == (self._bot.username or "").lower()
        return name if ours and (addressee or name in (*COMMANDS, AUTO)) else None


class _Remembered:
    """The latest `limit` names."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._names: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, name: Hashable) -> bool:
        return name in self._names

    def is_new(self, name: Hashable | None) -> bool:
        """Whether it was not remembered before; it is from now on. None is always new."""
        if name is None:
            return True
        known = name in self._names
        self._names[name] = None
        if len(self._names) > self._limit:
            self._names.popitem(last=False)
        return not known


def _owner_of(message: Message) -> Owner | None:
    """Who asks; a group or a channel where somebody writes in its name. Other bots are not answered."""
    if message.sender_chat is not None:
        return Owner(PLATFORM, str(message.sender_chat.id))
    user = message.from_user
    return None if user is None or user.is_bot else Owner(PLATFORM, str(user.id))
