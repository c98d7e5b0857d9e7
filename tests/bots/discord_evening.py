"""A stage for evenings on Discord: people, the real program, and what becomes visible, one thing at a time."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from core.engine import Engine
from core.styles.registry import Build
from tests.bots.evening import OF_THE_BOT, PATIENCE, PHOTO, Scenes
from tests.fakes.discord import Channel, DiscordServer, Interaction, Message, Person
from tests.fakes.discord_people import NamedFile
from tests.running import QuickEngine, running, settings_in

# Signs that something is under way. They come and go with the time that drawing takes.
ACTIVITY = re.compile(r"(\(.*?\) )?bot( is typing|.*: thinking\.\.\.)$")
# Lists have no words of their own; Discord shows what is chosen.
NAME_OF_LIST = re.compile(r"<list:\w+: ")
FILE = r'[^\s,\[\]]+(?: \d+x\d+)?(?: \[spoiler\])?(?: "[^"]*")?'
BETWEEN = re.compile(rf"(\[{FILE}, )(?:{FILE}, ){{2,}}(?={FILE}\])")


def photos(number: int, start: int = 1) -> list[NamedFile]:
    """So many files, by names that count on from `start`."""
    return [(f"photo-{place}.jpg", PHOTO) for place in range(start, start + number)]


class Evening:
    """One bot and its people. What the bot does is named by `shows`, all of it and in order."""

    def __init__(self, discord: DiscordServer, folder: Path) -> None:
        self.discord = discord
        self.folder = folder
        self.anna = discord.person("Anna")
        self.li = discord.person("Li", "zh-CN")
        self._headings: list[tuple[str, int]] = []
        self._named = 0

    @asynccontextmanager
    async def program(
        self, build_engine: Callable[[str, Build], Engine] = QuickEngine, **settings: object
    ) -> AsyncGenerator[None]:
        """The program from start to stop; each time but the first is a restart."""
        discord = self.discord
        if discord.story:
            discord.story.append("~ the program stops, and starts again ~")
        quick: dict[str, object] = {"album_seconds": 1.0, **settings}
        async with running(settings_in(self.folder, None, discord, **quick), build_engine) as app:
            await asyncio.wait_for(app.front_ends["discord"].ready.wait(), PATIENCE)
            await discord.until(lambda: discord.commands.registered, PATIENCE)
            yield

    def scene(self, heading: str) -> None:
        """What is seen from now on is told under this heading."""
        self._headings.append((heading, len(self.discord.story)))

    def guest(self, person: Person, channel: Channel | None = None, installed: str = "guild") -> "Guest":
        """A person in a channel, or else with the bot alone; `installed` is for whom the bot is."""
        return Guest(self, person, channel or self.discord.dm(person), installed)

    async def shows(self, *words: str) -> None:
        """The next things that the bot does, whenever they come, are these: some words of each."""
        for expected in words:
            try:
                entry = await self.discord.until(self._next, PATIENCE)
            except TimeoutError as error:
                error.add_note(f"expected was {expected!r}")
                raise
            assert entry is not None  # until() waits for that
            assert expected in entry, f"expected {expected!r} in {entry!r} after {self.discord.story[-8:]}"
            self._named += 1

    async def shows_in_any_order(self, *words: str) -> None:
        """The same for things that do not wait for each other; they are told in the order named."""
        await self.discord.until(lambda: len(self._done()) >= self._named + len(words), PATIENCE)
        places = self._done()[self._named : self._named + len(words)]
        story = self.discord.story
        entries = [story[place] for place in places]
        ordered = [entry for expected in words for entry in entries if expected in entry]
        assert sorted(ordered) == sorted(entries), f"expected {words!r} in {entries!r}"
        for place, entry in zip(places, ordered, strict=True):
            story[place] = entry
        self._named += len(words)

    async def draws(self, look: str = "ink 0.7") -> None:
        """One photo of a message on its way, from the first word to the last."""
        await self.shows("Got your photo", f"Here is your cartoon: {look}", "bot deletes")

    def over(self) -> Scenes:
        """The scenes with what was seen in each. Nothing may have been wrong, too fast, or unexpected."""
        assert self.discord.violations == []
        assert self.discord.floods == []
        assert self._next() is None, self._next()
        story = self._story()
        ends = [*(begin for _, begin in self._headings[1:]), len(story)]
        return [
            (heading, list(_readable(story[begin:end])))
            for (heading, begin), end in zip(self._headings, ends, strict=True)
        ]

    def _next(self) -> str | None:
        """What the bot did after all that was named."""
        left = self._done()[self._named :]
        return self._story()[left[0]] if left else None

    def _done(self) -> Sequence[int]:
        """The places in the story of what the bot did."""
        return [
            place
            for place, entry in enumerate(self._story())
            if OF_THE_BOT.match(entry) and not ACTIVITY.match(entry)
        ]

    def _story(self) -> Sequence[str]:
        """With names instead of numbers, which no two evenings share."""
        story = "\0".join(self.discord.story)
        for user in self.discord.users.values():
            story = story.replace(f"<@{user.id}>", f"@{user.name}").replace(str(user.id), f"{user.name}'s id")
        return story.split("\0") if story else []


class Guest:
    """What one person does in one channel."""

    def __init__(self, evening: Evening, person: Person, channel: Channel, installed: str) -> None:
        self.person = person
        self.channel = channel
        self._evening = evening
        self._installed = installed

    async def says(
        self,
        text: str = "",
        files: Sequence[NamedFile] = (),
        *,
        to_bot: bool = False,
        about: Message | None = None,
        spoiler: bool = False,
    ) -> Message:
        """Write a message; `to_bot` names the bot in it, `about` is what it replies to."""
        return await self.person.send(self.channel, text, files, to_bot, about, spoiler)

    async def uses(self, command: str, *answers: str, **values: object) -> Interaction:
        """Use a command with these values, and see each of the answers."""
        interaction = await self.person.slash(self.channel, command, values, self._installed)
        return await self._sees(interaction, answers)

    async def types(self, command: str, option: str, text: str) -> list[str]:
        """Type into an option; the values that are offered."""
        choices = await self.person.complete(self.channel, command, option, text, self._installed)
        return [choice["value"] for choice in choices]

    async def cartoonizes(self, message: Message, *answers: str) -> Interaction:
        """Choose that from the menu of a message."""
        interaction = await self.person.menu(self.channel, "Cartoonize", message, self._installed)
        return await self._sees(interaction, answers)

    async def submits(
        self, opened: Interaction, *answers: str, photos: Sequence[NamedFile], more: Sequence[NamedFile] = ()
    ) -> Interaction:
        """Send the form of /batch."""
        return await self._sees(await self.person.submit(opened, {"photos": photos, "more": more}), answers)

    async def presses(self, label: str, *answers: str, on: Message | None) -> Interaction:
        """Press a button of a message, and see each of the answers."""
        assert on is not None, "there is no message"
        return await self._sees(await self.person.press(on, label), answers)

    async def chooses(self, choice: str, *answers: str, on: Message | None) -> Interaction:
        """Choose from the list of a message, and see each of the answers."""
        assert on is not None, "there is no message"
        (select,) = [part["custom_id"] for part in on.parts if "options" in part]
        return await self._sees(await self.person.choose(on, select, choice), answers)

    def sees(self, words: str) -> Message:
        """The latest message in the channel with these words."""
        return next(message for message in reversed(self.channel.messages) if words in message.content)

    async def _sees(self, interaction: Interaction, answers: Sequence[str]) -> Interaction:
        await self._evening.shows(*answers)
        return interaction


def _readable(entries: Iterable[str]) -> Iterator[str]:
    """What there is to see, with the first and the last of many files."""
    for entry in entries:
        if not ACTIVITY.match(entry):
            shortened = BETWEEN.sub(r"\1..., ", NAME_OF_LIST.sub("<", entry))
            yield "\n".join(line.rstrip(" ") for line in shortened.split("\n"))
