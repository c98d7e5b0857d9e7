"""Discord's commands: what they are called, what they offer, and whom they call. They decide nothing."""

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import discord
from discord import app_commands
from discord.app_commands import (
    AppCommandContext,
    AppInstallationType,
    Choice,
    TranslationContextTypes,
    locale_str,
)

from bots.administration import MAX_QUOTA
from bots.discord.wire import Interaction
from bots.locales import LANGUAGES, Locales
from bots.panel import AUTOMATIC
from bots.wording import strength_text
from core.errors import LookError
from core.jobs import MAX_PHOTOS
from core.look import (
    DELIVERIES,
    FACES,
    FORMATS,
    MAX_SIZE,
    MAX_STRENGTH,
    MIN_SIZE,
    MIN_STRENGTH,
    SheetKind,
    parse_strength,
)

log = logging.getLogger(__name__)
Callback = TypeVar("Callback", bound=Callable[..., Coroutine[Any, Any, None]])

Strength = app_commands.Range[float, MIN_STRENGTH, MAX_STRENGTH]
Size = app_commands.Range[int, MIN_SIZE, MAX_SIZE]
# Longer than any name: with it, all that is chosen must fit into the id of a window.
Style = app_commands.Range[str, 1, 32]
Quota = app_commands.Range[int, 0, MAX_QUOTA]
# What the library calls Discord's languages that ours are shown in; all others see the English base.
CHINESE: Final = (discord.Locale.chinese, discord.Locale.taiwan_chinese)
# Commands that are their own text, and the sentences that describe them.
PLAIN: Final = ("settings", "queue", "cancel", "forget", "privacy", "help")


class Handlers(Protocol):
    """What is done when a command is used."""

    async def draw(self, interaction: Interaction, photo: discord.Attachment, caption: str) -> None:
        """/cartoon; the caption is as of a photo, such as "/style ink 0.7 /size 2048"."""
        ...

    async def batch(self, interaction: Interaction, caption: str) -> None:
        """/batch, which is still to ask for the photos."""
        ...

    async def draw_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Of a message's menu."""
        ...

    async def compare(self, interaction: Interaction, photo: discord.Attachment | None, kind: str) -> None:
        """/compare; `kind` is SheetKind.STRENGTHS or STYLES."""
        ...

    async def answer(self, interaction: Interaction, text: str) -> None:
        """All others, as text: "/style 0.8", "/allow discord:123"."""
        ...

    def styles(self) -> Sequence[str]:
        """Those installed."""
        ...


def build_tree(
    client: discord.Client, handlers: Handlers, locales: Locales
) -> app_commands.CommandTree[discord.Client]:
    """All commands, in English with their Chinese translations; not yet registered with Discord."""
    words = _Words(locales)
    tree = _Tree(client, words, locales)
    suggestions = _Suggestions(handlers, locales)
    drawing, settings = _drawing(handlers, words, suggestions), _settings(handlers, words, suggestions)
    for command in (*drawing, *settings, *_plain(handlers, words), _administration(handlers, words)):
        tree.add_command(command)
    return tree


class _Words(app_commands.Translator):
    """The names and descriptions that Discord shows."""

    def __init__(self, locales: Locales) -> None:
        self._locales = locales

    def of(self, message: str, **values: str | int) -> locale_str:
        """A sentence in English, which is translated when it is sent."""
        english = self._locales.of("en").say(message, **values)
        return locale_str(english, message=message, values=values)

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        if locale not in CHINESE or "message" not in string.extras:
            # Some names are the same everywhere.
            return None
        return self._locales.of(locale.value).say(string.extras["message"], **string.extras["values"])

    def options(self, **descriptions: str) -> Callable[[Callback], Callback]:
        """Name each option after its parameter, and describe it by the sentence given."""
        names = {option: self.of(f"option-{option.replace('_', '-')}") for option in descriptions}
        described = {option: self.of(message) for option, message in descriptions.items()}

        def decorate(callback: Callback) -> Callback:
            return app_commands.rename(**names)(app_commands.describe(**described)(callback))

        return decorate


class _Tree(app_commands.CommandTree[discord.Client]):
    """Everywhere, for servers and for people, unless a command says otherwise."""

    def __init__(self, client: discord.Client, words: _Words, locales: Locales) -> None:
        super().__init__(
            client,
            allowed_contexts=AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=AppInstallationType(guild=True, user=True),
        )
        self._words = words
        self._locales = locales

    @property
    def translator(self) -> app_commands.Translator:
        return self._words

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        log.error("a command failed", exc_info=error)
        sentence = self._locales.of(interaction.locale.value).say("something-broke")
        try:
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
        except Exception as failure:
            # An interaction can be answered for three seconds, and for 15 minutes once it was acknowledged.
            log.info("nobody could be told that it failed (%s)", type(failure).__name__)


class _Suggestions:
    """What Discord offers while somebody types; they may send something else."""

    def __init__(self, handlers: Handlers, locales: Locales) -> None:
        self._handlers = handlers
        self._locales = locales

    async def style(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """Installed styles."""
        return self._choices(interaction, typed)

    async def value(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """Installed styles, at the strength that was typed, if one was."""
        *_, last = typed.split() or [""]
        try:
            strength = strength_text(parse_strength(last))
        except LookError:
            return self._choices(interaction, typed)
        style = typed.rstrip().removesuffix(last)
        # A strength alone leaves the style as it is, so it is offered before those that change it.
        alone = [] if style else [Choice(name=strength, value=strength)]
        return [*alone, *self._choices(interaction, style, f" {strength}")]

    def _choices(self, interaction: Interaction, typed: str, ending: str = "") -> list[Choice[str]]:
        locale = self._locales.of(interaction.locale.value)
        return [
            Choice(
                name=locale.say("choice-style", name=style + ending, description=locale.say(f"style-{style}")),
                value=style + ending,
            )
            for style in self._handlers.styles()
            if typed.strip().lower() in style
        ]


Commands = Iterable["app_commands.Command[Any, ..., None] | app_commands.ContextMenu"]


def _drawing(handlers: Handlers, words: _Words, suggestions: _Suggestions) -> Commands:
    look = {"strength": "about-strength", "style": "about-style", "size": "about-size"}

    @app_commands.command(name=words.of("command-cartoon"), description=words.of("about-cartoon"))
    @words.options(photo="about-photo", **look)
    @app_commands.autocomplete(style=suggestions.style)
    async def cartoon(
        interaction: Interaction,
        photo: discord.Attachment,
        strength: Strength | None = None,
        style: Style | None = None,
        size: Size | None = None,
    ) -> None:
        await handlers.draw(interaction, photo, _caption(strength, style, size))

    @app_commands.command(name=words.of("command-batch"), description=words.of("about-batch", most=MAX_PHOTOS))
    @words.options(**look)
    @app_commands.autocomplete(style=suggestions.style)
    async def batch(
        interaction: Interaction,
        strength: Strength | None = None,
        style: Style | None = None,
        size: Size | None = None,
    ) -> None:
        await handlers.batch(interaction, _caption(strength, style, size))

    async def draw_message(interaction: Interaction, message: discord.Message) -> None:
        await handlers.draw_message(interaction, message)

    @app_commands.command(name=words.of("command-compare"), description=words.of("about-compare"))
    @words.options(photo="about-compared-photo", kind="about-kind")
    @app_commands.choices(
        kind=[
            Choice(name=words.of(f"choice-{kind}"), value=kind.value)
            for kind in (SheetKind.STRENGTHS, SheetKind.STYLES)
        ]
    )
    async def compare(
        interaction: Interaction, photo: discord.Attachment | None = None, kind: str = SheetKind.STRENGTHS.value
    ) -> None:
        await handlers.compare(interaction, photo, kind)

    menu = app_commands.ContextMenu(name=words.of("command-draw-message"), callback=draw_message)
    return cartoon, batch, menu, compare


def _settings(handlers: Handlers, words: _Words, suggestions: _Suggestions) -> Commands:
    """Each sets what is given with it; without, it shows what is set, and offers more."""

    @app_commands.command(name=words.of("command-style"), description=words.of("menu-style"))
    @words.options(value="about-style-value")
    @app_commands.autocomplete(value=suggestions.value)
    async def style(interaction: Interaction, value: str | None = None) -> None:
        await handlers.answer(interaction, _setting("style", value))

    @app_commands.command(name=words.of("command-size"), description=words.of("menu-size"))
    @words.options(value="about-size-value")
    async def size(interaction: Interaction, value: Size | None = None) -> None:
        await handlers.answer(interaction, _setting("size", value))

    def of_choices(name: str, labels: Mapping[str, locale_str | str]) -> "app_commands.Command[Any, ..., None]":
        @app_commands.command(name=words.of(f"command-{name}"), description=words.of(f"menu-{name}"))
        @words.options(value="about-choice")
        @app_commands.choices(value=[Choice(name=label, value=value) for value, label in labels.items()])
        async def callback(interaction: Interaction, value: str | None = None) -> None:
            await handlers.answer(interaction, _setting(name, value))

        return callback

    def labelled(name: str, values: Iterable[str]) -> Mapping[str, locale_str]:
        return {value: words.of(f"{name}-value", value=value) for value in values}

    return (
        style,
        size,
        of_choices("format", {name: name for name in FORMATS}),
        of_choices("faces", labelled("faces", FACES)),
        of_choices("deliver", labelled("deliver", DELIVERIES)),
        of_choices("language", labelled("language", (AUTOMATIC, *LANGUAGES))),
    )


def _plain(handlers: Handlers, words: _Words) -> Commands:
    def command(name: str) -> "app_commands.Command[Any, ..., None]":
        @app_commands.command(name=words.of(f"command-{name}"), description=words.of(f"menu-{name}"))
        async def callback(interaction: Interaction) -> None:
            await handlers.answer(interaction, f"/{name}")

        return callback

    return [command(name) for name in PLAIN]


def _administration(handlers: Handlers, words: _Words) -> app_commands.Group:
    """A person is one of Discord's, or written as "telegram:1234"; who is no administrator here is not obeyed."""
    admin = app_commands.Group(
        # Not translated: Discord then shows none of its commands (discord-api-docs, issue 5105).
        name="admin",
        description=words.of("about-admin"),
        allowed_contexts=AppCommandContext(guild=True, dm_channel=True, private_channel=False),
        allowed_installs=AppInstallationType(guild=True, user=False),
        default_permissions=discord.Permissions(administrator=True),
    )
    person = {"user": "about-user", "user_id": "about-user-id"}

    @admin.command(name="allow", description=words.of("about-allow"))
    @words.options(**person)
    async def allow(
        interaction: Interaction, user: discord.User | None = None, user_id: str | None = None
    ) -> None:
        await handlers.answer(interaction, _order("/allow", user, user_id))

    @admin.command(name="ban", description=words.of("about-ban"))
    @words.options(**person)
    async def ban(interaction: Interaction, user: discord.User | None = None, user_id: str | None = None) -> None:
        await handlers.answer(interaction, _order("/ban", user, user_id))

    @admin.command(name="quota", description=words.of("about-quota"))
    @words.options(photos="about-photos", **person)
    async def quota(
        interaction: Interaction, photos: Quota, user: discord.User | None = None, user_id: str | None = None
    ) -> None:
        await handlers.answer(interaction, f"{_order('/quota', user, user_id)} {photos}")

    @admin.command(name="stats", description=words.of("about-stats"))
    async def stats(interaction: Interaction) -> None:
        await handlers.answer(interaction, "/stats")

    return admin


def _caption(strength: float | None, style: str | None, size: int | None) -> str:
    """As a command: words alone would be taken for what the photo is about, where a style does not exist."""
    look = [style or "", strength_text(strength) if strength else ""]
    clauses = [f"/style {' '.join(filter(None, look))}" if any(look) else "", f"/size {size}" if size else ""]
    return " ".join(filter(None, clauses))


def _setting(name: str, value: str | int | None) -> str:
    return f"/{name}" if value is None else f"/{name} {value}"


def _order(command: str, user: discord.User | None, user_id: str | None) -> str:
    """ "/allow discord:1234"; without a person, the answer to the command says how to name one."""
    person = f"discord:{user.id}" if user else user_id
    return f"{command} {person}" if person else command
