"""Commands, menus, windows and buttons on Discord -> the conversation, the reception and the buttons.

All of them are interactions, which must be acknowledged within 3 s.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import discord
from discord.utils import MISSING

from bots.actions import CANCEL, Action
from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.discord.modal import asked_in, is_batch, modal_of, uploaded_in
from bots.discord.noting import Noting
from bots.discord.sending import Sending
from bots.discord.wire import (
    PLATFORM,
    Interaction,
    Picture,
    Place,
    parts_of,
    pictures_of,
    translated,
    view_of,
)
from bots.frontend import Person
from bots.locales import Locales
from bots.replies import Pressed, Reply
from core.errors import CartoonbotError
from core.jobs import MAX_PHOTOS, Chat
from core.look import SheetKind
from core.styles.registry import Styles

log = logging.getLogger(__name__)
T = TypeVar("T")

# Seconds that noting photos may take before their interaction is acknowledged; Discord waits 3.
NOTING_SECONDS: Final = 1.5
NOBODY: Final = discord.AllowedMentions.none()


class Interactions:
    """What bots.discord.commands calls, and bots.discord.components. What goes wrong is logged, and said."""

    def __init__(
        self,
        sending: Sending,
        conversation: Conversation,
        noting: Noting,
        buttons: Buttons,
        styles: Styles,
        locales: Locales,
    ) -> None:
        self._sending = sending
        self._conversation = conversation
        self._noting = noting
        self._buttons = buttons
        self._styles = styles
        self._locales = locales

    def styles(self) -> Sequence[str]:
        """Those that can be drawn, for commands to offer."""
        return self._styles.installed

    async def draw(self, interaction: Interaction, photo: discord.Attachment, caption: str) -> None:
        """/cartoon with a photo."""
        await self._draw(interaction, [Picture.of(photo)], caption)

    async def batch(self, interaction: Interaction, caption: str) -> None:
        """/batch: ask for up to 20 photos, if they can be drawn."""
        self._sending.ways.saw(interaction.id)
        if not interaction.app_permissions.attach_files:
            await self._tell(interaction, "cannot-attach")
            return
        person = await self._person(interaction)
        refusal = await self._conversation.refusal(person)
        if refusal is not None:
            await _given_up(interaction.response.send_message(refusal.text, ephemeral=True))
            return
        modal = modal_of(self._locales.of(person.language), caption)
        await _given_up(interaction.response.send_modal(modal))

    async def submitted(self, interaction: Interaction) -> None:
        """The photos of /batch come as an interaction that the library knows nothing of after a restart."""
        if not is_batch(interaction):
            return
        try:
            await self._draw(interaction, uploaded_in(interaction), asked_in(interaction))
        except Exception:
            log.exception("photos could not be handled")
            await self._tell(interaction, "something-broke")

    async def draw_message(self, interaction: Interaction, message: discord.Message) -> None:
        """The pictures of any message, from its menu."""
        pictures = pictures_of(message)[:MAX_PHOTOS]
        if not pictures:
            await self._tell(interaction, "message-without-picture")
            return
        await self._draw(interaction, pictures, "", message=message)

    async def compare(self, interaction: Interaction, photo: discord.Attachment | None, kind: str) -> None:
        """/compare with a photo, or for the latest one."""
        sheet = SheetKind(kind)
        if photo is not None:
            await self._draw(interaction, [Picture.of(photo)], "", sheet)
            return
        chat = self._chat_of(interaction)

        async def noting() -> Reply | None:
            person = await self._person(interaction)
            return await self._noting.compare(person, chat, sheet, f"{PLATFORM}/press/{interaction.id}")

        await self._begin(interaction, noting())

    async def answer(self, interaction: Interaction, text: str) -> None:
        """Any other command, as text; the answer is for who asked alone."""
        self._sending.ways.saw(interaction.id)
        with self._sending.at_work():
            await _given_up(interaction.response.defer(ephemeral=True, thinking=True))
            person = await self._person(interaction)
            await self._fill(interaction, await self._conversation.answer(person, text))

    async def press(self, interaction: Interaction, text: str) -> None:
        """A button, or a choice from a list. Never raises."""
        try:
            await self._press(interaction, text)
        except Exception:
            log.exception("a button could not be handled")
            await self._tell(interaction, "something-broke")

    async def _press(self, interaction: Interaction, text: str) -> None:
        chat = self._chat_of(interaction)

        async def pressing() -> Pressed:
            person = await self._person(interaction)
            return await self._buttons.press(person, text, f"{PLATFORM}/press/{interaction.id}", chat)

        async def acknowledge(_: Pressed | None) -> None:
            # It shows nothing by itself: what comes of it may change the message, or be a message of its own.
            await _given_up(interaction.response.defer())

        pressed = await self._done_first(interaction, pressing(), acknowledge)
        await self._show(interaction, pressed, chat)
        if pressed.is_refused or pressed.is_error or Action.read(text).verb == CANCEL:
            # Of all else something is to be seen.
            await _given_up(interaction.followup.send(pressed.toast, ephemeral=True))

    async def _show(self, interaction: Interaction, pressed: Pressed, chat: Chat) -> None:
        if pressed.gone and interaction.message is not None:
            message = f"{interaction.message.channel.id}/{interaction.message.id}"
            if not await self._sending.delete(chat, [*pressed.gone, message]):
                await self._tell(interaction, "delete-not-allowed")
            return
        changes: dict[str, Any] = {}
        if pressed.text is not None:
            changes["content"] = parts_of(pressed.text)[0]
        if pressed.buttons is not None:
            changes["view"] = view_of(pressed.buttons)
        if changes:
            await _given_up(interaction.edit_original_response(**changes, allowed_mentions=NOBODY))

    async def _draw(
        self,
        interaction: Interaction,
        pictures: Sequence[Picture],
        caption: str,
        sheet: SheetKind | None = None,
        message: discord.Message | None = None,
    ) -> None:
        if not interaction.app_permissions.attach_files:
            await self._tell(interaction, "cannot-attach")
            return
        chat = self._chat_of(interaction, message)
        await self._begin(interaction, self._noted_for(interaction, chat, pictures, caption, sheet, message))

    async def _begin(self, interaction: Interaction, noting: Coroutine[Any, Any, Reply | None]) -> None:
        """Note what is to be drawn; what is said instead is for who asked alone."""
        told = False

        async def acknowledge(instead: Reply | None) -> None:
            nonlocal told
            told = instead is not None
            if instead is None:
                deferred = await _given_up(interaction.response.defer(thinking=True))
                if deferred is not None and deferred.message_id is not None:
                    self._sending.ways.shows_thinking(interaction.id, deferred.message_id)
            else:
                words = parts_of(instead.text)[0]
                await _given_up(interaction.response.send_message(words, ephemeral=True, allowed_mentions=NOBODY))

        instead = await self._done_first(interaction, noting, acknowledge)
        if instead is not None and not told:
            # It took too long to say it to them alone.
            await self._fill(interaction, instead)

    async def _done_first(
        self,
        interaction: Interaction,
        work: Coroutine[Any, Any, T],
        acknowledge: Callable[[T | None], Awaitable[None]],
    ) -> T:
        """Keep what is asked for, and only then acknowledge it, so that it outlives a restart; but not too late.

        `acknowledge` is given what has come of it, None where it is still under way.
        """
        with self._sending.at_work(), self._sending.ways.unacknowledged(interaction.id):
            task = asyncio.create_task(work)
            done, _ = await asyncio.wait([task], timeout=NOTING_SECONDS)
            await acknowledge(task.result() if done else None)
        return await task

    async def _noted_for(
        self,
        interaction: Interaction,
        chat: Chat,
        pictures: Sequence[Picture],
        caption: str,
        sheet: SheetKind | None,
        message: discord.Message | None,
    ) -> Reply | None:
        person = await self._person(interaction)
        if not pictures:
            return Reply(self._locales.of(person.language).say_on(PLATFORM, "photos-only"))
        source = message.id if message is not None else 0
        return await self._noting.note(person, chat, interaction.id, pictures, caption, sheet, source=source)

    async def _tell(self, interaction: Interaction, sentence: str) -> None:
        """Say it to who asked alone, be it acknowledged or not."""
        self._sending.ways.saw(interaction.id)
        words = self._locales.of((await self._person(interaction)).language).say(sentence)
        if interaction.response.is_done():
            await _given_up(interaction.followup.send(words, ephemeral=True))
        else:
            await _given_up(interaction.response.send_message(words, ephemeral=True))

    async def _fill(self, interaction: Interaction, reply: Reply) -> None:
        """The answer to an interaction that is acknowledged; longer ones in several messages."""
        first, *rest = parts_of(reply.text)
        files = [discord.File(reply.picture)] if reply.picture else []
        await _given_up(
            interaction.edit_original_response(
                content=first,
                attachments=files,
                view=None if rest else view_of(reply.buttons),
                allowed_mentions=NOBODY,
            )
        )
        for part in rest:
            view = view_of(reply.buttons) if part is rest[-1] else None
            said = interaction.followup.send(part, ephemeral=True, view=view or MISSING, allowed_mentions=NOBODY)
            await _given_up(said)

    def _chat_of(self, interaction: Interaction, message: discord.Message | None = None) -> Chat:
        self._sending.ways.saw(interaction.id)
        assert interaction.channel_id is not None  # commands and buttons are always in one
        return Place(
            interaction.channel_id,
            interaction.user.id,
            message.id if message is not None else None,
            interaction.id,
            interaction.token,
            interaction.filesize_limit,
        ).chat

    async def _person(self, interaction: Interaction) -> Person:
        return await self._noting.person_whose_app_tells(interaction.user.id, interaction.locale.value)


async def _given_up(call: Awaitable[T]) -> T | None:
    """A call that is of no use later: its failure is logged. What was heard is kept, whatever becomes of it."""
    try:
        return await translated(call)
    except CartoonbotError as error:
        log.warning("Discord: an interaction was not answered (%s)", error)
        return None
