"""Platform-neutral chat: what people write -> what is kept and what is answered, as plain text."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bots.access import Access
from bots.administration import Administration
from bots.frontend import Person
from bots.locales import Locale, Locales
from bots.orders import Orders
from core.errors import LookError, StrengthOutOfRange, UnknownStyle, UserError
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

# The style of who has not chosen one: whatever is the default, now and later.
UNCHOSEN: Final = ""
COMMANDS: Final = ("start", "help", "style", "size", "format", "faces", "settings", "cancel", "forget")


def is_for_us(text: str, name: str) -> bool:
    """Whether a command in a group is one of ours: named after us ("/x@our_bot"), or known and nobody else's."""
    command, _, addressee = text.split(maxsplit=1)[0].removeprefix("/").partition("@")
    return addressee.lower() == name.lower() if addressee else command.lower() in COMMANDS


class Conversation:
    """Answers commands and keeps what they set. `missing` says what to tell who asks for a style not installed."""

    def __init__(
        self,
        settings: UserSettings,
        styles: Styles,
        missing: Callable[[str], LookError],
        locales: Locales,
        access: Access,
        orders: Orders,
        administration: Administration,
    ) -> None:
        self._settings = settings
        self._styles = styles
        self._missing = missing
        self._locales = locales
        self._access = access
        self._orders = orders
        self._administration = administration
        self._changes: Mapping[str, Callable[[Look, str], Look]] = {
            "style": self._with_style,
            "size": _with_size,
            "format": _with_format,
            "faces": _with_faces,
        }

    async def answer(self, person: Person, text: str, place: int | None = None) -> str:
        """The reply to a text message, commands included ("/style 0.8", "/style@some_bot ink").

        `place` sorts the message among photos, where its platform may bring it again after a restart.
        """
        locale = self._locales.of(person.language)
        try:
            await self._access.admit(person.owner)
            if not text.strip().startswith("/"):
                return locale.say("send-a-photo")
            command, *rest = text.split(maxsplit=1)
            if _name(command) == "cancel":
                return locale.say("cancelled", photos=await self._orders.cancel(person.owner, place))
            return await self._obey(person, locale, command, rest[0] if rest else "")
        except UserError as error:
            return locale.error(error)

    async def look_for(self, person: Person, caption: str) -> tuple[Look, str | None]:
        """The person's look, changed by a caption such as "0.9" or "ink 0.9", and what to say about it.

        Most captions are not meant for us: only a lone number out of range, or a style that is not installed, is
        worth a word.
        """
        kept = await self._kept(person)
        locale = self._locales.of(person.language)
        words = caption.strip().removeprefix("/style").strip()
        remark = None
        try:
            look = self._with_style(kept, words)
        except LookError as error:
            look, lone_number = kept, isinstance(error, StrengthOutOfRange) and len(words.split()) == 1
            if lone_number or not isinstance(error, StrengthOutOfRange | UnknownStyle):
                remark = locale.error(error)
        drawable = self._drawable(look)
        if remark is None and look.style not in (UNCHOSEN, drawable.style):
            remark = locale.say("style-gone", style=look.style, instead=drawable.style)
        return drawable, remark

    async def _obey(self, person: Person, locale: Locale, command: str, argument: str) -> str:
        name = _name(command)
        if name in self._changes:
            return await self._set(person, locale, name, argument)
        match name:
            case "start":
                return locale.say("welcome", most=MAX_PHOTOS)
            case "help":
                return self._help(locale)
            case "settings":
                return locale.say("settings", **_facts(self._drawable(await self._kept(person))))
            case "forget":
                gone = await self._orders.forget(person.owner)
                return locale.say("forgotten", photos=gone.photos, jobs=gone.jobs, settings=int(gone.settings))
            case _:
                done = await self._administration.answer(person.owner, locale, name, argument)
                return done or locale.say("unknown-command", command=command[:32])

    async def _set(self, person: Person, locale: Locale, name: str, argument: str) -> str:
        """Change the look by an argument, or tell the present one where there is none."""
        look = await self._kept(person)
        if not argument.strip():
            return locale.say(f"{name}-now", **_facts(self._drawable(look)), **self._ranges(locale))
        look = self._changes[name](look, argument)
        await self._settings.keep(person.owner, look)
        return locale.say("kept", **_facts(self._drawable(look)))

    async def _kept(self, person: Person) -> Look:
        """What the person has set; the style is UNCHOSEN where they have named none."""
        return await self._settings.look_of(person.owner) or Look(style=UNCHOSEN)

    def _drawable(self, look: Look) -> Look:
        """The look in a style that is here: the default one where none was chosen, or the chosen one is gone."""
        return look if self._styles.has(look.style) else replace(look, style=self._styles.default)

    def _with_style(self, look: Look, text: str) -> Look:
        try:
            asked = replace(look, style=UNCHOSEN).with_style_words(text, STYLE_NAMES)
        except UnknownStyle as error:
            raise UnknownStyle(given=error.values["given"], choices=", ".join(self._styles.installed)) from error
        if asked.style == UNCHOSEN:
            return replace(asked, style=look.style)
        if not self._styles.has(asked.style):
            raise self._missing(asked.style)
        return asked

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


def _name(command: str) -> str:
    """ "style" of "/style@some_bot"."""
    return command[1:].partition("@")[0].lower()


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
