"""The chat of each browser: what is written and pressed there, and what is said to it."""

import asyncio
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from bots.actions import FILES as AS_FILES
from bots.actions import Action
from bots.buttons import Buttons
from bots.conversation import Conversation, sheet_of
from bots.delivery import Parcel
from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locales
from bots.replies import Button, Pressed, Reply, Rows
from bots.web.places import chat_of, owner_of
from bots.web.views import Message, Picture
from core.errors import UserError
from core.jobs import MAX_PHOTOS
from core.look import SheetKind
from core.writing import to_disk
from storage.jobs import Jobs
from storage.shelf import Shelf
from storage.transcripts import Transcripts

# Where browsers fetch what is on their shelf, below the page.
FILES: Final = "files/"
# As many as other chats let a message have.
MOST_LETTERS: Final = 4096


class WebChat:
    """One chat a person, kept as a transcript that any page of theirs shows."""

    def __init__(
        self,
        conversation: Conversation,
        reception: Hearing,
        buttons: Buttons,
        jobs: Jobs,
        transcripts: Transcripts,
        shelf: Shelf,
        locales: Locales,
    ) -> None:
        self._conversation = conversation
        self._reception = reception
        self._buttons = buttons
        self._jobs = jobs
        self._transcripts = transcripts
        self._shelf = shelf
        self._locales = locales

    async def messages(self, user: str) -> list[Message]:
        """The end of the chat, oldest first."""
        return [_message(number, said) for number, said in await self._transcripts.of(user)]

    async def is_waiting(self, user: str) -> bool:
        """Whether something is still to come."""
        return await self._jobs.has_open(owner_of(user), chat_of(user))

    async def hear(self, person: Person, text: str, uploads: Sequence[Path]) -> None:
        """A message of the person, with files on their shelf; answers come as messages."""
        # JavaScript has halves of letters, which no file or database takes.
        text = text[:MOST_LETTERS].encode(errors="replace").decode()
        if not (text.strip() or uploads):
            return
        user = person.owner.user
        pictures = [self._upload(user, path) for path in uploads]
        await self._transcripts.add(user, _said(is_own=True, text=text, pictures=pictures))
        sheet, caption = sheet_of(text)
        command = text.partition(" ")[0].lower()
        if not uploads or (command.startswith("/") and sheet is None and command != "/cartoon"):
            # A command that comes with photos, and is not about them, is obeyed before they are drawn.
            answer = await self._answer(person, text, sheet)
            if answer is not None:
                await self.say(user, answer)
            caption = ""
        if not uploads:
            return
        if len(uploads) > MAX_PHOTOS:
            text = self._locales.of(person.language).say("too-many-photos", most=MAX_PHOTOS)
            await self.say(user, Reply(text))
        photos = [
            HeardPhoto(
                person,
                chat_of(user),
                place,
                path.name,
                f"{user}/{self._shelf.address(user, path)}",
                caption,
                weight=path.stat().st_size,
                sheet=sheet,
            )
            for place, path in enumerate(uploads[:MAX_PHOTOS])
        ]
        try:
            await self._reception.take(photos)
        except UserError as error:
            await self.say(user, Reply(self._locales.of(person.language).error(error)))

    async def press(self, person: Person, action: str, message: int) -> Pressed:
        """A button of a message: what it changes is changed; the rest is for who pressed it."""
        user = person.owner.user
        pressed = await self._buttons.press(person, action, uuid.uuid4().hex, chat_of(user))
        changes: dict[str, Any] = {}
        if pressed.text is not None:
            changes["text"] = pressed.text
        if pressed.buttons is not None:
            changes["buttons"] = _plain(pressed.buttons)
        if changes:
            await self._transcripts.change(user, message, changes)
        if pressed.gone:
            await self.delete(user, pressed.gone)
        return pressed

    async def say(self, user: str, reply: Reply) -> str:
        """A message of ours; its number."""
        pictures: list[Picture] = []
        if reply.picture is not None:
            path = self._shelf.result(user, f"{uuid.uuid4().hex}{reply.picture.suffix}")
            with to_disk():
                await asyncio.to_thread(shutil.copyfile, reply.picture, path)
            pictures.append(self._picture(user, path, reply.picture.name))
        said = _said(text=reply.text, pictures=pictures, buttons=reply.buttons)
        return str(await self._transcripts.add(user, said))

    async def edit(self, user: str, message: str, reply: Reply) -> bool:
        """Change a message of ours; whether it is there."""
        changes = {"text": reply.text, "buttons": _plain(reply.buttons)}
        return await self._transcripts.change(user, int(message), changes)

    async def delete(self, user: str, messages: Sequence[str]) -> None:
        """Messages go, and the cartoons that are in them."""
        # What a desk's job made is in no message.
        numbers = {int(message) for message in messages if message.isdecimal()}
        for message in await self.messages(user):
            if message.id in numbers:
                for picture in (*message.pictures, *message.files):
                    path = self._shelf.find(user, address_of(picture))
                    if path is not None:
                        path.unlink(missing_ok=True)
        await self._transcripts.remove(user, [*numbers])

    async def show(self, user: str, parcel: Parcel, files: Sequence[Path], caption: Reply, trace: str) -> str:
        """A message with cartoons, whose files are on the person's shelf; its number."""
        shown: list[Picture] = []
        if parcel.archive is None:
            shown = [
                self._picture(user, path, each.name, each.alt, each.width, each.height)
                for each, path in zip(parcel.results, files, strict=True)
            ]
        archives = [self._picture(user, path, parcel.name) for path in files] if parcel.archive else []
        said = _said(text=caption.text, pictures=shown, files=archives, buttons=caption.buttons)
        return str(await self._transcripts.add(user, said, trace))

    async def shown(self, user: str, trace: str) -> str | None:
        """The message with that trace, if it was said."""
        number = await self._transcripts.traced(user, trace)
        return None if number is None else str(number)

    async def _answer(self, person: Person, text: str, sheet: SheetKind | None) -> Reply | None:
        """What to say; None where a job has begun that tells of itself."""
        if sheet is not None:
            locale = self._locales.of(person.language)
            try:
                origin = uuid.uuid4().hex
                pressed = await self._buttons.compare(person, chat_of(person.owner.user), sheet, origin)
            except UserError as error:
                return Reply(locale.error(error))
            if pressed is not None:
                return None if pressed.is_drawing else Reply(pressed.toast)
        return await self._conversation.answer(person, text)

    def _upload(self, user: str, path: Path) -> Picture:
        return replace(self._picture(user, path, path.name), small=True)

    def _picture(
        self,
        user: str,
        path: Path,
        name: str,
        alt: str = "",
        width: int | None = None,
        height: int | None = None,
    ) -> Picture:
        return Picture(url_of(self._shelf, user, path), name, alt, width, height)


def url_of(shelf: Shelf, user: str, path: Path) -> str:
    """Where the page finds a file of the person. Another file of that name has another one: browsers keep them."""
    return f"{FILES}{shelf.address(user, path)}?{path.stat().st_mtime_ns}"


def address_of(picture: Picture) -> str:
    """Where it is on the shelf."""
    return picture.url.removeprefix(FILES).partition("?")[0]


def _said(
    *,
    is_own: bool = False,
    text: str,
    pictures: Sequence[Picture] = (),
    files: Sequence[Picture] = (),
    buttons: Rows = (),
) -> dict[str, Any]:
    return {
        "is_own": is_own,
        "text": text,
        "pictures": [asdict(picture) for picture in pictures],
        "files": [asdict(file) for file in files],
        "buttons": _plain(buttons),
    }


def _plain(buttons: Rows) -> list[list[dict[str, Any]]]:
    """As kept; without what a page need not offer: it shows cartoons as the files that they are."""
    return [[asdict(each) for each in row if Action.read(each.action).verb != AS_FILES] for row in buttons]


def _message(number: int, said: Mapping[str, Any]) -> Message:
    return Message(
        number,
        said["is_own"],
        said["text"],
        [Picture(**picture) for picture in said["pictures"]],
        [Picture(**file) for file in said["files"]],
        tuple(tuple(Button(**button) for button in row) for row in said["buttons"]),
    )
