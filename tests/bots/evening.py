"""A stage for evenings on Telegram: people, the real program, and what becomes visible, one thing at a time."""

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from core.engine import Engine
from core.styles.registry import Build
from tests.fakes.telegram import Chat, Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

PHOTO = jpeg_bytes(gradient(300, 200))
PATIENCE = 30.0
# Entries of the story, each perhaps after the name of a group.
OF_THE_BOT = re.compile(r"(\(.*?\) )?bot\b")
# It comes and goes with the time that drawing takes.
ACTIVITY = re.compile(r"(\(.*?\) )?bot is ")
TRAILING_SPACE = re.compile(r" +$", re.MULTILINE)
ANSWERED = re.compile(r" -> \[reply to \d+\]")

Scenes = Sequence[tuple[str, Sequence[str]]]


class Evening:
    """One bot and its people. What the bot does is named by `shows`, all of it and in order."""

    def __init__(self, telegram: TelegramServer, folder: Path, **settings: object) -> None:
        self.telegram = telegram
        self.folder = folder
        self._settings = settings_in(folder, telegram, None, **settings)
        self._headings: list[tuple[str, int]] = []
        self._named = 0

    @asynccontextmanager
    async def program(self, build_engine: Callable[[str, Build], Engine] = QuickEngine) -> AsyncGenerator[None]:
        """The program from start to stop; each time but the first is a restart."""
        if self.telegram.story:
            self.telegram.story.append("~ the program stops, and starts again ~")
        async with running(self._settings, build_engine):
            yield

    def scene(self, heading: str) -> None:
        """What is seen from now on is told under this heading."""
        self._headings.append((heading, len(self.telegram.story)))

    def guest(self, person: Person, chat: Chat | None = None, thread_id: int | None = None) -> "Guest":
        """A person who writes in a group, or else to the bot alone."""
        return Guest(self, person, chat or self.telegram.chat(person.id), thread_id)

    async def shows(self, *words: str) -> None:
        """The next things that the bot does, whenever they come, are these: some words of each."""
        for expected in words:
            entry = await self.telegram.wait_for(self._next, PATIENCE)
            assert entry is not None
            assert expected in entry, f"expected {expected!r} in {entry!r} after {self.telegram.story[-8:]}"
            self._named += 1

    async def draws(self, look: str = "ink 0.7") -> None:
        """One photo on its way, from the first word to the last."""
        await self.shows("Got your photo", f"Here is your cartoon: {look}", "bot deletes")

    def over(self) -> Scenes:
        """The scenes with what was seen in each. Nothing may have been wrong, or unexpected."""
        assert self.telegram.violations == []
        assert self.telegram.floods == []
        assert self._next() is None, self._next()
        story = self.telegram.story
        ends = [*(begin for _, begin in self._headings[1:]), len(story)]
        return [
            (heading, list(_readable(story[begin:end])))
            for (heading, begin), end in zip(self._headings, ends, strict=True)
        ]

    def _next(self) -> str | None:
        """What the bot did after all that was named."""
        done = [entry for entry in self.telegram.story if OF_THE_BOT.match(entry) and not ACTIVITY.match(entry)]
        return done[self._named] if len(done) > self._named else None


class Guest:
    """What one person does in one chat."""

    def __init__(self, evening: Evening, person: Person, chat: Chat, thread_id: int | None) -> None:
        self.person = person
        self.chat = chat
        self._evening = evening
        self._telegram = evening.telegram
        self._thread_id = thread_id

    async def says(self, text: str, about: Message | None = None) -> Message:
        return await self._telegram.send_text(
            self.person, text, self.chat, reply_to=about, thread_id=self._thread_id
        )

    async def asks(self, text: str, *answers: str) -> None:
        """Say it, and see each of the answers."""
        await self.says(text)
        await self._evening.shows(*answers)

    async def sends_photo(
        self, caption: str | None = None, album: str | None = None, about: Message | None = None
    ) -> Message:
        """`album` is what photos of one album have in common."""
        return await self._telegram.send_photo(
            self.person, PHOTO, caption, album, self.chat, reply_to=about, thread_id=self._thread_id
        )

    async def sends_file(
        self, data: bytes, name: str, mime_type: str = "image/jpeg", album: str | None = None
    ) -> Message:
        return await self._telegram.send_document(
            self.person, data, name, mime_type, None, album, self.chat, thread_id=self._thread_id
        )

    async def sends_album(self, photos: int, forwarded_from: Person | None = None) -> None:
        await self._telegram.send_album(
            self.person, [PHOTO] * photos, gap=0.0, chat=self.chat, forwarded_from=forwarded_from
        )

    async def sends_other(self, kind: str, album: str | None = None) -> None:
        await self._telegram.send_other(self.person, kind, self.chat, media_group_id=album)

    async def edits_caption(self, message: Message, caption: str) -> None:
        await self._telegram.edit_caption(self.person, message, caption)

    async def presses(self, label: str, *answers: str, on: Message | None = None) -> None:
        """Press the button that begins so on the latest message with one, and see each of the answers."""
        message, data = self._button(label, [on] if on else reversed(self.chat.messages))
        await self._telegram.press_button(self.person, message, data)
        await self._evening.shows(*answers)

    def sees(self, words: str) -> Message:
        """The bot's latest message with these words."""
        return next(
            message for message in reversed(self.chat.messages) if words in (message.text or message.caption or "")
        )

    def _button(self, label: str, messages: Iterable[Message]) -> tuple[Message, str]:
        for message in messages:
            for shown, data in message.buttons.items():
                if shown.startswith(label):
                    return message, data
        raise AssertionError(f"there is no button {label!r} in {self.chat.messages}")


def markdown(title: str, introduction: str, acts: Iterable[tuple[str, Scenes]]) -> str:
    """A document of all scenes."""
    parts = [f"# {title}", introduction]
    for name, scenes in acts:
        parts.append(f"## {name}")
        for heading, entries in scenes:
            parts.append(f"### {heading}")
            parts.append("\n".join(["```text", *entries, "```"]))
    return "\n\n".join(parts) + "\n"


def _readable(entries: Iterable[str]) -> Iterator[str]:
    """Without numbers of messages; what repeats is counted."""
    latest, times = "", 0
    for entry in [*(entry for entry in entries if not ACTIVITY.match(entry)), ""]:
        if entry == latest:
            times += 1
            continue
        if latest:
            shown = TRAILING_SPACE.sub("", ANSWERED.sub(", in reply:", latest))
            yield f"{shown}   (x{times})" if times > 1 else shown
        latest, times = entry, 1
