"""Groups: who administers them, and whether every photo is drawn there."""

from typing import Final

from telegram import Bot, Chat, Message
from telegram.constants import ChatMemberStatus, ChatType

from bots.locales import Locale
from bots.telegram.wire import PLATFORM
from storage.auto_chats import AutoChats

ADMINISTRATORS: Final = (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)
# An answer that is late keeps everybody's updates waiting.
SHORT_SECONDS: Final = 5.0


class Groups:
    """Asks Telegram for members, and keeps what /auto sets."""

    def __init__(self, bot: Bot, auto_chats: AutoChats) -> None:
        self._bot = bot
        self._auto_chats = auto_chats

    async def draws_all(self, group: int) -> bool:
        """Whether every photo of the group is drawn."""
        return await self._auto_chats.has(PLATFORM, str(group))

    async def left(self, group: int) -> None:
        """The bot is no member any more."""
        await self._auto_chats.set(PLATFORM, str(group), on=False)

    async def is_administrator(self, group: int, user: int) -> bool:
        """Raises TelegramError where Telegram does not tell."""
        member = await self._bot.get_chat_member(group, user, read_timeout=SHORT_SECONDS)
        return member.status in ADMINISTRATORS

    async def set_auto(self, message: Message, locale: Locale, choice: str) -> str:
        """What "/auto on", "/auto off" or "/auto" is answered, and what it asks for is kept."""
        if message.chat.type == ChatType.PRIVATE:
            return locale.say("auto-in-groups")
        if choice not in ("on", "off"):
            state = "on" if await self.draws_all(message.chat_id) else "off"
            return locale.say("auto-now", state=state)
        if not await self._is_by_administrator(message):
            return locale.say("auto-not-allowed")
        await self._auto_chats.set(PLATFORM, str(message.chat_id), on=choice == "on")
        if choice == "off":
            return locale.say("auto-off")
        return locale.say("auto-on", sees="yes" if await self._sees_all(message.chat) else "no")

    async def _is_by_administrator(self, message: Message) -> bool:
        if message.sender_chat is not None:
            # Who writes as the group itself is one of its administrators.
            return message.sender_chat.id == message.chat_id
        user = message.from_user
        return user is not None and await self.is_administrator(message.chat_id, user.id)

    async def _sees_all(self, chat: Chat) -> bool:
        """Whether Telegram shows the bot photos that are not meant for it."""
        return self._bot.can_read_all_group_messages or await self.is_administrator(chat.id, self._bot.id)
