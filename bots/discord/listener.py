"""What people write on Discord -> the conversation and the reception.

Messages are heard in direct messages and where they mention the bot: there Discord shows their pictures to a bot
without the message content intent.
"""

import logging
import re

import discord

from bots.buttons import Buttons
from bots.conversation import Conversation, sheet_of
from bots.discord.noting import Noting, heard
from bots.discord.sending import Sending
from bots.discord.wire import PLATFORM, Picture, Place, pictures_of
from bots.locales import Locale, Locales
from bots.replies import Reply
from core.errors import UserError
from core.jobs import Chat

log = logging.getLogger(__name__)


class Listener:
    """What goes wrong is logged, and said."""

    def __init__(
        self,
        client: discord.Client,
        sending: Sending,
        conversation: Conversation,
        noting: Noting,
        buttons: Buttons,
        locales: Locales,
    ) -> None:
        self._client = client
        self._sending = sending
        self._conversation = conversation
        self._noting = noting
        self._buttons = buttons
        self._locales = locales

    async def hear(self, message: discord.Message) -> None:
        """A message that somebody wrote. Never raises."""
        self._sending.ways.saw(message.id)
        if message.author.bot or message.is_system() or message.webhook_id is not None:
            return
        if not self._is_addressed(message):
            return
        chat = Place(message.channel.id, message.author.id, message.id).chat
        try:
            with self._sending.at_work():
                await self._hear(message, chat)
        except Exception:
            log.exception("a message could not be handled")
            words = self._locale_of(message).say("something-broke")
            self._sending.post(chat, Reply(words))

    async def _hear(self, message: discord.Message, chat: Chat) -> None:
        person = await self._noting.person(message.author.id, _language_of(message))
        sheet, caption = sheet_of(self._without_mention(message.content))
        pictures, source = pictures_of(message), message.id
        if not pictures:
            pictures, source = _answered_by(message)
        if pictures and not _may_attach(message):
            self._sending.post(chat, Reply(self._locales.of(person.language).say("cannot-attach")))
        elif pictures:
            refusal = await self._noting.note(
                person, chat, message.id, pictures, caption, sheet, source=source, together=True
            )
            if refusal is not None:
                self._sending.post(chat, refusal)
        elif message.guild is not None and _answered(message) is not None:
            self._sending.post(chat, Reply(self._locales.of(person.language).say("answered-without-picture")))
        elif sheet is not None:
            reply = await self._noting.compare(person, chat, sheet, f"{PLATFORM}/{message.id}")
            if reply is not None:
                self._sending.post(chat, reply)
        else:
            self._sending.post(chat, await self._conversation.answer(person, caption, chat))

    async def hear_again(self, message: discord.Message) -> None:
        """Words that are changed ask for the photos beside them to be drawn anew. Never raises."""
        if message.edited_at is None or message.author.bot or not self._is_addressed(message):
            return
        chat = Place(message.channel.id, message.author.id, message.id).chat
        try:
            with self._sending.at_work():
                await self._hear_again(message, chat, round(message.edited_at.timestamp() * 1000))
        except UserError as error:
            self._sending.post(chat, Reply(self._locale_of(message).error(error)))
        except Exception:
            log.exception("a change of a message could not be handled")

    async def _hear_again(self, message: discord.Message, chat: Chat, edited: int) -> None:
        pictures = pictures_of(message)
        if not pictures:
            return
        person = await self._noting.person(message.author.id, _language_of(message))
        caption = self._without_mention(message.content)
        photo = heard(person, chat, message.id, 0, pictures[0], caption, message.id)
        known, remark = await self._buttons.reword(photo, f"{PLATFORM}/{message.id}/edited/{edited}")
        if remark:
            self._sending.post(chat, Reply(remark))
        if not known and (message.guild is not None or self._conversation.is_request(caption)):
            # It has become one that mentions the bot.
            await self._hear(message, chat)

    def _locale_of(self, message: discord.Message) -> Locale:
        return self._locales.of(self._noting.language_of(message.author.id) or _language_of(message))

    def _is_addressed(self, message: discord.Message) -> bool:
        """Whether somebody speaks to the bot: directly, by name, or by replying to it."""
        return message.guild is None or (self._client.user is not None and self._client.user in message.mentions)

    def _without_mention(self, text: str) -> str:
        user = self._client.user
        return re.sub(rf"<@!?{user.id}>", "", text).strip() if user is not None else text


def _answered_by(message: discord.Message) -> tuple[list[Picture], int]:
    """The pictures of the message that this one replies to, where Discord shows them, and its id."""
    answered = _answered(message)
    return (pictures_of(answered), answered.id) if answered else ([], 0)


def _answered(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to, if it is there and no bot's."""
    answered = message.reference.resolved if message.reference else None
    return answered if isinstance(answered, discord.Message) and not answered.author.bot else None


def _language_of(message: discord.Message) -> str | None:
    """That of the server."""
    return message.guild.preferred_locale.value if message.guild else None


def _may_attach(message: discord.Message) -> bool:
    """Whether the bot may answer with pictures where a message is."""
    if message.guild is None or not isinstance(message.channel, discord.abc.GuildChannel | discord.Thread):
        return True
    try:
        return message.channel.permissions_for(message.guild.me).attach_files
    except discord.ClientException:
        # A thread of a channel that the bot does not know: sending tells.
        return True
