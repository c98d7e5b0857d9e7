"""Platform-neutral chat: what people write -> what is kept and what is answered, as plain text."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bots.frontend import Person
from bots.locales import Locale, Locales
from core.errors import LookError, StrengthOutOfRange, StyleArriving, StyleMissing
from core.jobs import MAX_PHOTOS
from core.look import (
    FORMATS,
    MAX_SIZE,
    MAX_STRENGTH,
    MIN_SIZE,
    MIN_STRENGTH,
    Look,
    parse_faces,
    parse_format,
    parse_size,
)
from core.styles.registry import STYLE_NAMES, Styles
from storage.user_settings import UserSettings

COMMANDS: Final = ("start", "help", "style", "size", "format", "faces", "settings")


def is_for_us(text: str, name: str) -> bool:
    """Whether a command in a group is one of ours: named after us ("/x@our_bot"), or known and nobody else's."""
    command, _, addressee = text.split(maxsplit=1)[0].removeprefix("/").partition("@")
    return addressee.lower() == name.lower() if addressee else command.lower() in COMMANDS


class Conversation:
    """Answers commands and keeps what they set. `missing` says what to tell who asks for a style not installed."""

    def __init__(
        self, settings: UserSettings, styles: Styles, missing: Callable[[str], LookError], locales: Locales
    ) -> None:
        self._settings = settings
        self._styles = styles
        self._missing = missing
        self._locales = locales

    async def answer(self, person: Person, text: str) -> str:
        """The reply to a text message, commands included ("/style 0.8", "/style@some_bot ink")."""
        locale = self._locales.of(person.language)
        if not text.strip().startswith("/"):
            return locale.say("send-a-photo")
        command, *rest = text.split(maxsplit=1)
        argument = rest[0] if rest else ""
        match command[1:].partition("@")[0].lower():
            case "start":
                return locale.say("welcome", most=MAX_PHOTOS)
            case "help":
                return self._help(locale)
            case "settings":
                return locale.say("settings", **_facts(await self._look_of(person)))
            case "style":
                return await self._set(person, argument, "style-now", self._with_style)
            case "size":
                return await self._set(person, argument, "size-now", _with_size)
            case "format":
                return await self._set(person, argument, "format-now", _with_format)
            case "faces":
                return await self._set(person, argument, "faces-now", _with_faces)
            case _:
                return locale.say("unknown-command", command=command[:32])

    async def look_for(self, person: Person, caption: str) -> tuple[Look, str | None]:
        """The person's look, changed by a caption such as "0.9" or "ink 0.9", and what to say about it.

        Most captions are not meant for us: only a lone number out of range, or a style that is not installed, is
        worth a word.
        """
        look = await self._look_of(person)
        words = caption.strip().removeprefix("/style").strip()
        try:
            return self._with_style(look, words), None
        except LookError as error:
            lone_number = isinstance(error, StrengthOutOfRange) and len(words.split()) == 1
            telling = lone_number or isinstance(error, StyleMissing | StyleArriving)
            if not self._styles.has(look.style):
                look = replace(look, style=self._styles.default)
            return look, self._locales.of(person.language).error(error) if telling else None

    async def _set(self, person: Person, argument: str, ask: str, changed: Callable[[Look, str], Look]) -> str:
        """Change the look by an argument, or tell the present one where there is none."""
        locale = self._locales.of(person.language)
        look = await self._look_of(person)
        if not argument.strip():
            return locale.say(ask, **_facts(look), **self._ranges(locale))
        try:
            look = changed(look, argument)
        except LookError as error:
            return locale.error(error)
        await self._settings.keep(person.owner, look)
        return locale.say("kept", **_facts(look))

    async def _look_of(self, person: Person) -> Look:
        return await self._settings.look_of(person.owner) or Look(style=self._styles.default)

    def _with_style(self, look: Look, text: str) -> Look:
        look = look.with_style_words(text, STYLE_NAMES)
        if not self._styles.has(look.style):
            raise self._missing(look.style)
        return look

    def _help(self, locale: Locale) -> str:
        ranges = self._ranges(locale)
        return locale.say("help", most=MAX_PHOTOS, weakest=MIN_STRENGTH, strongest=MAX_STRENGTH, **ranges)

    def _ranges(self, locale: Locale) -> dict[str, object]:
        lines = [
            locale.say("style-line", name=name, description=locale.say(f"style-{name}"))
            for name in self._styles.installed
        ]
        return {
            "styles": "\n".join(lines),
            "formats": ", ".join(FORMATS),
            "smallest": MIN_SIZE,
            "largest": MAX_SIZE,
        }


def _with_size(look: Look, text: str) -> Look:
    return replace(look, size=parse_size(text))


def _with_format(look: Look, text: str) -> Look:
    return replace(look, format=parse_format(text))


def _with_faces(look: Look, text: str) -> Look:
    return replace(look, faces=parse_faces(text))


def _facts(look: Look) -> dict[str, object]:
    return {
        "style": look.style,
        "strength": look.strength,
        "size": look.size,
        "format": look.format,
        "faces": look.faces,
    }
