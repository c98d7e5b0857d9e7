"""Platform-neutral chat: what people write or press -> what is kept and what is answered, as plain data."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bots import samples
from bots.access import Access
from bots.actions import PAGE, Action
from bots.administration import Administration
from bots.frontend import Person
from bots.locales import Locale, Locales, parse_language
from bots.orders import Orders
from bots.panel import MAIN, SETTINGS, page_buttons, page_text
from bots.replies import Pressed, Reply
from bots.wording import facts, wait_words
from core.errors import LookError, StrengthOutOfRange, UnknownStyle, UserError
from core.jobs import MAX_PHOTOS, Chat, Owner
from core.look import (
    FORMATS,
    MAX_SIZE,
    MAX_STRENGTH,
    MIN_SIZE,
    MIN_STRENGTH,
    Look,
    Preferences,
    SheetKind,
    parse_delivery,
    parse_faces,
    parse_format,
    parse_size,
    parse_strength,
)
from core.styles.registry import STYLE_NAMES, Styles
from storage.user_settings import UserSettings

# The style of who has not chosen one: whatever is the default, now and later.
UNCHOSEN: Final = ""
# All that a person may set by a command of that name.
CHANGES: Final = ("style", "strength", "size", "format", "faces", "deliver", "language")
COMMANDS: Final = (
    *CHANGES,
    "start",
    "help",
    "settings",
    "queue",
    "privacy",
    "cartoon",
    "compare",
    "cancel",
    "forget",
)
# What also those may ask who are shut out: it is about what is theirs.
FOR_EVERYBODY: Final = ("privacy", "forget")
# "/style@some_bot ink 0.9" in a caption, up to the next command.
CLAUSE: Final = re.compile(r"(?<!\S)/([A-Za-z]\w*)(?:@\w+)?((?:(?!\s/[A-Za-z]).)*)", re.DOTALL)
# What comes with photos, and how they are asked for.
DRAW: Final = ("cartoon", "style")


class Conversation:
    """Answers commands and keeps what they set. `missing` says what to tell who asks for a style not installed.

    `style_picture` gives a picture of all styles, `kept` how long what is kept: values of the
    sentence about it.
    """

    def __init__(
        self,
        settings: UserSettings,
        styles: Styles,
        missing: Callable[[str], LookError],
        style_picture: Callable[[], Awaitable[Path]],
        locales: Locales,
        access: Access,
        orders: Orders,
        administration: Administration,
        kept: Mapping[str, float],
    ) -> None:
        self._settings = settings
        self._styles = styles
        self._missing = missing
        self._style_picture = style_picture
        self._locales = locales
        self._access = access
        self._orders = orders
        self._administration = administration
        self._for_so_long = kept
        self._changes: Mapping[str, Callable[[Preferences, str], Preferences]] = {
            "style": self._with_style,
            "strength": _with_strength,
            "size": _with_size,
            "format": _with_format,
            "faces": _with_faces,
            "deliver": _with_delivery,
            "language": _with_language,
        }

    async def introduced(self, owner: Owner, language: str | None) -> Person:
        """Who writes, in the language they have chosen, or else in that of their app."""
        kept = await self._settings.of(owner)
        return Person(owner, (kept and kept.language) or language, language)

    async def refusal(self, person: Person) -> Reply | None:
        """What to say to who may not use the bot."""
        try:
            await self._access.admit(person.owner)
        except UserError as error:
            return Reply(self._locales.of(person.language).error(error))
        return None

    async def answer(self, person: Person, text: str, chat: Chat | None = None) -> Reply:
        """The reply to a text message, commands included ("/style 0.8", "/style@some_bot ink").

        `chat` with its message tells which photos came before, where its platform may bring it again after a
        restart.
        """
        locale = self._locales.of(person.language)
        try:
            command, *rest = text.split(maxsplit=1) or [""]
            if not command.startswith("/") or _name(command) not in FOR_EVERYBODY:
                await self._access.admit(person.owner)
            if not command.startswith("/"):
                wanted = "send-a-photo" if command else "photos-only"
                return Reply(locale.say_on(person.owner.platform, wanted))
            if _name(command) == "cancel":
                return Reply(locale.say("cancelled", photos=await self._orders.cancel(person.owner, chat)))
            return await self._obey(person, locale, command, rest[0] if rest else "")
        except UserError as error:
            return Reply(locale.error(error))

    async def press(self, person: Person, action: Action) -> Pressed:
        """A button of the person's settings panel. Raises UserError for a value that cannot be kept."""
        preferences, page, toast = await self._kept(person.owner), action.value, ""
        if action.verb != PAGE:
            page, _, value = action.value.partition(":")
            if page in SETTINGS:
                preferences = await self._keep(person.owner, page, value)
                # It may be the language that was changed.
                person = await self.introduced(person.owner, person.app_language)
                toast = self._locales.of(person.language).say("kept-short")
        if page not in (MAIN, *SETTINGS):
            raise LookError
        reply = self._page(person, preferences, page)
        return Pressed(toast, reply.text, reply.buttons)

    async def keep(self, owner: Owner, preferences: Preferences) -> None:
        """All that a person may set, at once."""
        await self._settings.keep(owner, preferences)

    async def preferences(self, owner: Owner) -> Preferences:
        """What the person has set, in a style that can be drawn."""
        return self._drawable(await self._kept(owner))

    async def wishes(self, person: Person, caption: str) -> tuple[Preferences, str | None]:
        """The person's preferences, changed by a caption such as "0.9" or "ink 0.9 /size 2048", and what to say.

        Most captions are not meant for us: without a command only a lone number out of range, or a style that is
        not installed, is worth a word.
        """
        kept = wanted = await self._kept(person.owner)
        locale = self._locales.of(person.language)
        commands = CLAUSE.findall(caption)
        words = CLAUSE.sub("", caption)
        remark = None
        try:
            wanted = self._with_style(wanted, words)
        except LookError as error:
            lone_number = isinstance(error, StrengthOutOfRange) and len(words.split()) == 1
            if lone_number or not isinstance(error, StrengthOutOfRange | UnknownStyle):
                remark = locale.error(error)
        try:
            for name, argument in commands:
                change = self._changes.get("style" if name.lower() in DRAW else name.lower())
                wanted = change(wanted, argument) if change else wanted
        except UserError as error:
            remark = locale.error(error)
        drawable = self._drawable(wanted)
        if remark is None and kept.look.style == wanted.look.style not in (UNCHOSEN, drawable.look.style):
            remark = locale.say("style-gone", style=wanted.look.style, instead=drawable.look.style)
        return drawable, remark

    def is_request(self, caption: str) -> bool:
        """Whether a caption asks for something, and is not just what the photo is about."""
        words = CLAUSE.sub("", caption).strip()
        if len(words) < len(caption.strip()):
            return True
        try:
            Look().with_style_words(words, STYLE_NAMES)
        except StrengthOutOfRange:
            return len(words.split()) == 1
        except UnknownStyle:
            return False
        return bool(words)

    async def _obey(self, person: Person, locale: Locale, command: str, argument: str) -> Reply:
        name = _name(command)
        if name in CHANGES:
            return await self._set(person, locale, name, argument)
        match name:
            case "start":
                return await self._welcome(person, locale, argument)
            case "help":
                return Reply(self._help(person.owner.platform, locale))
            case "settings":
                return self._page(person, await self._kept(person.owner), MAIN)
            case "queue":
                return Reply(await self._outlook(person.owner, locale))
            case "privacy":
                return Reply(locale.say_on(person.owner.platform, "privacy", **self._for_so_long))
            case "cartoon" | "compare":
                # With a photo it would not have come here.
                return Reply(locale.say_on(person.owner.platform, f"{name}-what"))
            case "forget":
                gone = await self._orders.forget(person.owner)
                facts_of_it = {"photos": gone.photos, "jobs": gone.jobs, "settings": int(gone.settings)}
                return Reply(locale.say("forgotten", **facts_of_it))
            case _:
                done = await self._administration.answer(person.owner, locale, name, argument)
                unknown = locale.say_on(person.owner.platform, "unknown-command", command=command[:32])
                return Reply(done or unknown)

    async def _welcome(self, person: Person, locale: Locale, parameter: str) -> Reply:
        """A link to the bot may carry a style, such as t.me/some_bot?start=anime."""
        words = [locale.say("welcome", most=MAX_PHOTOS)]
        style = parameter.strip().lower().replace("_", "-")
        if style in STYLE_NAMES:
            try:
                kept = await self._keep(person.owner, "style", style)
                words.append(locale.say("kept", **facts(self._drawable(kept).look)))
            except LookError as error:
                words.append(locale.error(error))
        return Reply("\n\n".join(words), picture=samples.welcome())

    async def _outlook(self, owner: Owner, locale: Locale) -> str:
        photos, forecast = await self._orders.outlook(owner)
        return locale.say("outlook", photos=photos, ahead=forecast.ahead, **wait_words(forecast.seconds))

    async def _set(self, person: Person, locale: Locale, name: str, argument: str) -> Reply:
        """Change a preference by an argument, or show its page where there is none."""
        if not argument.strip():
            page = self._page(person, await self._kept(person.owner), name)
            return replace(page, picture=await self._style_picture()) if name == "style" else page
        kept = await self._keep(person.owner, name, argument)
        locale = self._locales.of(kept.language or person.app_language)
        if name in ("deliver", "language"):
            return Reply(page_text(locale, self._drawable(kept), name, person.owner.platform))
        return Reply(locale.say("kept", **facts(self._drawable(kept).look)))

    async def _keep(self, owner: Owner, name: str, value: str) -> Preferences:
        preferences = self._changes[name](await self._kept(owner), value)
        await self._settings.keep(owner, preferences)
        return preferences

    def _page(self, person: Person, preferences: Preferences, page: str) -> Reply:
        locale = self._locales.of(person.language)
        shown = self._drawable(preferences)
        text = page_text(locale, shown, page, person.owner.platform)
        if page == "style":
            text = f"{text}\n\n{self._style_lines(locale)}"
        return Reply(text, page_buttons(locale, person.owner.user, shown, page, self._styles.installed))

    async def _kept(self, owner: Owner) -> Preferences:
        """What the person has set; the style is UNCHOSEN where they have named none."""
        return await self._settings.of(owner) or Preferences(Look(style=UNCHOSEN))

    def _drawable(self, preferences: Preferences) -> Preferences:
        """In a style that is here: the default one where none was chosen, or the chosen one is gone."""
        look = preferences.look
        if self._styles.has(look.style):
            return preferences
        return replace(preferences, look=replace(look, style=self._styles.default))

    def _with_style(self, preferences: Preferences, text: str) -> Preferences:
        look = preferences.look
        try:
            asked = replace(look, style=UNCHOSEN).with_style_words(text, STYLE_NAMES)
        except UnknownStyle as error:
            raise UnknownStyle(given=error.values["given"], choices=", ".join(self._styles.installed)) from error
        if asked.style == UNCHOSEN:
            asked = replace(asked, style=look.style)
        elif not self._styles.has(asked.style):
            raise self._missing(asked.style)
        return replace(preferences, look=asked)

    def _help(self, platform: str, locale: Locale) -> str:
        return locale.say_on(
            platform,
            "help",
            most=MAX_PHOTOS,
            weakest=MIN_STRENGTH,
            strongest=MAX_STRENGTH,
            styles=self._style_lines(locale),
            formats=", ".join(FORMATS),
            smallest=MIN_SIZE,
            largest=MAX_SIZE,
        )

    def _style_lines(self, locale: Locale) -> str:
        return "\n".join(
            locale.say("style-line", name=name, description=locale.say(f"style-{name}"))
            for name in self._styles.installed
        )


def sheet_of(text: str) -> tuple[SheetKind | None, str]:
    """The sheet that "/compare" or "/compare styles" asks for, and the other words; None for all other words."""
    command, *words = text.split() or [""]
    if not command.startswith("/") or _name(command) != "compare":
        return None, text
    sheet = SheetKind.STYLES if SheetKind.STYLES in (word.lower() for word in words) else SheetKind.STRENGTHS
    return sheet, " ".join(word for word in words if word.lower() not in {*SheetKind})


def _name(command: str) -> str:
    """ "style" of "/style@some_bot"."""
    return command[1:].partition("@")[0].lower()


def _with_strength(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, look=replace(preferences.look, strength=parse_strength(text)))


def _with_size(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, look=replace(preferences.look, size=parse_size(text)))


def _with_format(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, look=replace(preferences.look, format=parse_format(text)))


def _with_faces(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, look=replace(preferences.look, faces=parse_faces(text)))


def _with_delivery(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, delivery=parse_delivery(text))


def _with_language(preferences: Preferences, text: str) -> Preferences:
    return replace(preferences, language=parse_language(text))
