"""Pictures and who sent them -> photos that the reception notes."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.discord.attachments import Links
from bots.discord.wire import PLATFORM, Picture, Source
from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locales
from bots.replies import Reply
from core.errors import UserError
from core.jobs import Chat, Owner
from core.look import SheetKind

# People whose app has told its language.
REMEMBERED: Final = 10_000


class Noting:
    """What messages and interactions have in common."""

    def __init__(
        self, conversation: Conversation, reception: Hearing, buttons: Buttons, locales: Locales, links: Links
    ) -> None:
        self._conversation = conversation
        self._reception = reception
        self._buttons = buttons
        self._locales = locales
        self._links = links
        # A message does not tell the language of its author's app; a command does.
        self._languages: OrderedDict[int, str] = OrderedDict()

    async def person(self, user: int, language: str | None) -> Person:
        """Who writes, where their app does not tell its language: the one told last, or else `language`."""
        return await self._introduced(user, self.language_of(user) or language)

    async def person_whose_app_tells(self, user: int, language: str) -> Person:
        """Who uses a command or a button."""
        self._languages.pop(user, None)
        self._languages[user] = language
        if len(self._languages) > REMEMBERED:
            self._languages.popitem(last=False)
        return await self._introduced(user, language)

    def language_of(self, user: int) -> str | None:
        """What their app told last."""
        return self._languages.get(user)

    async def note(
        self,
        person: Person,
        chat: Chat,
        number: int,
        pictures: Sequence[Picture],
        caption: str,
        sheet: SheetKind | None,
        *,
        source: int,
        together: bool = False,
    ) -> Reply | None:
        """Note photos that the message or the interaction of that number brought; what to say if one is refused.

        `source` is the message that they are in, 0 where they are in none. `together`: they came by a message, so
        those of the person's next one belong to them, and the bot may ask for it again.
        """
        if together:
            for picture in pictures:
                self._links.keep(picture.id, picture.url)
            pictures = [replace(picture, url="") for picture in pictures]
        photos = [
            heard(person, chat, number, place, picture, caption, source) for place, picture in enumerate(pictures)
        ]
        try:
            if together or sheet is not None:
                for photo in photos:
                    alone = sheet is not None
                    await self._reception.hear(replace(photo, sheet=sheet, alone=alone), complete=alone)
            else:
                # Discord says it once only: all of it is noted, or nothing.
                await self._reception.take(photos)
        except UserError as error:
            return Reply(self._locales.of(person.language).error(error))
        return None

    async def compare(self, person: Person, chat: Chat, sheet: SheetKind, origin: str) -> Reply | None:
        """Draw a sheet of the latest photo; what to say where there is none."""
        try:
            pressed = await self._buttons.compare(person, chat, sheet, origin)
        except UserError as error:
            return Reply(self._locales.of(person.language).error(error))
        if pressed is None:
            return await self._conversation.answer(person, "/compare")
        return None if pressed.is_drawing else Reply(pressed.toast)

    async def _introduced(self, user: int, language: str | None) -> Person:
        return await self._conversation.introduced(Owner(PLATFORM, str(user)), language)


def heard(
    person: Person, chat: Chat, number: int, place: int, picture: Picture, caption: str, source: int
) -> HeardPhoto:
    """The photo at a place of a message or an interaction; `source` is the message that it is in, 0 where none."""
    return HeardPhoto(
        person,
        chat,
        number + place,
        picture.name.removeprefix("SPOILER_"),
        Source(picture.id, picture.url, int(chat.chat), source, picture.spoiler).reference,
        caption,
        group=str(number),
        weight=picture.weight,
        origin=f"{PLATFORM}/{number}/{picture.id}",
    )
