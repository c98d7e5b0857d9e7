"""Discord's commands: what is registered, in both languages, whom they call, and when they are registered anew."""

import asyncio
import copy
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any

import discord
import pytest
from discord import app_commands

from bots.discord.commands import build_tree
from bots.discord.syncing import sync
from bots.discord.wire import Interaction
from bots.locales import Locale, Locales
from core.jobs import MAX_PHOTOS
from core.look import MAX_SIZE, MAX_STRENGTH, MIN_SIZE, MIN_STRENGTH
from core.styles.registry import STYLE_NAMES
from tests.fakes.discord import Channel, DiscordServer, Person
from tests.fakes.discord_bot import point_at

Json = dict[str, Any]
Tree = app_commands.CommandTree[discord.Client]
# Commands without options.
SETTINGS = ("style", "size", "format", "faces", "deliver", "language")
PLAIN = ("settings", "queue", "cancel", "forget", "privacy", "help")
SUBCOMMAND, TEXT, INTEGER, USER, NUMBER, ATTACHMENT = 1, 3, 4, 6, 10, 11
PHOTO = ("cat.png", b"the bytes of a photo")
# Discord's languages, and which of ours is spoken to people in them.
SPOKEN = [("en-US", "en"), ("en-GB", "en"), ("de", "en"), ("zh-CN", "zh-CN"), ("zh-TW", "zh-CN")]
PATIENCE = 20


class Recorder:
    """Handlers that note what they are asked, then say `first_words` and raise `error` where these are set."""

    def __init__(self) -> None:
        self.installed = ["ink", "sketch-ink", "3d"]
        self.error: Exception | None = None
        self.first_words = ""
        self.asked: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()

    async def draw(self, interaction: Interaction, photo: discord.Attachment, caption: str) -> None:
        await self._note(interaction, "draw", photo.filename, caption)

    async def batch(self, interaction: Interaction, caption: str) -> None:
        await self._note(interaction, "batch", caption)

    async def draw_message(self, interaction: Interaction, message: discord.Message) -> None:
        await self._note(interaction, "draw_message", message.content, message.attachments[0].filename)

    async def compare(self, interaction: Interaction, photo: discord.Attachment | None, kind: str) -> None:
        await self._note(interaction, "compare", photo and photo.filename, kind)

    async def answer(self, interaction: Interaction, text: str) -> None:
        await self._note(interaction, "answer", text)

    def styles(self) -> Sequence[str]:
        return self.installed

    async def _note(self, interaction: Interaction, *asked: object) -> None:
        self.asked.put_nowait(asked)
        if self.first_words:
            await interaction.response.send_message(self.first_words)
        if self.error:
            raise self.error


@pytest.fixture
async def server() -> AsyncGenerator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
async def client(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[discord.Client]:
    """Logged in; nothing is heard yet."""
    point_at(server, monkeypatch)
    async with discord.Client(intents=discord.Intents(guilds=True), guild_ready_timeout=0.1) as client:
        await client.login(server.token)
        yield client


@pytest.fixture
def handlers() -> Recorder:
    return Recorder()


@pytest.fixture
def tree(client: discord.Client, handlers: Recorder) -> Tree:
    return build_tree(client, handlers, Locales())


@pytest.fixture
async def payload(server: DiscordServer, client: discord.Client, tree: Tree) -> list[Json]:
    """All commands, as they are sent."""
    await sync(client, tree)
    (call,) = server.calls_to("PUT", "/commands")
    return call.payload


@pytest.fixture
async def listening(client: discord.Client, payload: list[Json]) -> AsyncGenerator[None]:
    """The commands are registered, and it is heard who uses them."""
    connection = asyncio.create_task(client.connect())
    async with asyncio.timeout(PATIENCE):
        await client.wait_until_ready()
    yield
    await client.close()
    await connection


@pytest.fixture
def anna(server: DiscordServer) -> Person:
    return server.person("Anna")


@pytest.fixture
def channel(server: DiscordServer, anna: Person) -> Channel:
    return server.dm(anna)


def parts(commands: Sequence[Json]) -> Iterator[Json]:
    """Commands with their options and choices, however deep."""
    for part in commands:
        yield part
        yield from parts([*part.get("options", []), *part.get("choices", [])])


def named(commands: Sequence[Json], name: str) -> Json:
    """The command or subcommand of that name: "cartoon", "admin quota"."""
    first, _, rest = name.partition(" ")
    (found,) = [command for command in commands if command["name"] == first]
    return named(found["options"], rest) if rest else found


def test_all_commands_are_there(payload: list[Json]):
    assert {command["name"]: command["type"] for command in payload} == {
        **dict.fromkeys(("cartoon", "batch", "compare", *SETTINGS, *PLAIN, "admin"), 1),
        "Cartoonize": 3,
    }
    subcommands = named(payload, "admin")["options"]
    assert [(each["type"], each["name"]) for each in subcommands] == [
        (SUBCOMMAND, name) for name in ("allow", "ban", "quota", "stats")
    ]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cartoon", [("photo", ATTACHMENT, True), ("strength", NUMBER), ("style", TEXT), ("size", INTEGER)]),
        ("batch", [("strength", NUMBER), ("style", TEXT), ("size", INTEGER)]),
        ("compare", [("photo", ATTACHMENT), ("kind", TEXT)]),
        ("style", [("value", TEXT)]),
        ("size", [("value", INTEGER)]),
        ("faces", [("value", TEXT)]),
        ("language", [("value", TEXT)]),
        ("help", []),
        ("admin allow", [("user", USER), ("id", TEXT)]),
        ("admin ban", [("user", USER), ("id", TEXT)]),
        ("admin quota", [("photos", INTEGER, True), ("user", USER), ("id", TEXT)]),
        ("admin stats", []),
    ],
)
def test_options_come_in_this_order(payload: list[Json], name: str, options: list[tuple[Any, ...]]):
    found = [(each["name"], each["type"], each["required"]) for each in named(payload, name)["options"]]
    assert found == [(option, kind, bool(required)) for option, kind, *required in options]


@pytest.mark.parametrize("name", ["cartoon", "batch"])
def test_numbers_are_bounded_and_styles_suggested(payload: list[Json], name: str):
    *_, strength, style, size = named(payload, name)["options"]
    assert (strength["min_value"], strength["max_value"]) == (MIN_STRENGTH, MAX_STRENGTH) == (0.1, 1.0)
    assert (size["min_value"], size["max_value"]) == (MIN_SIZE, MAX_SIZE) == (512, 2048)
    assert style["autocomplete"] is True


def test_a_batch_takes_as_many_photos_as_a_job(payload: list[Json]):
    assert f" {MAX_PHOTOS} " in named(payload, "batch")["description"]


def test_choices_have_values_that_chats_understand_and_names_in_both_languages(payload: list[Json]):
    (kind,) = named(payload, "compare")["options"][1:]
    assert [(each["name"], each["value"]) for each in kind["choices"]] == [
        ("several strengths", "strengths"),
        ("all styles", "styles"),
    ]
    (language,) = named(payload, "language")["options"]
    assert [
        (each["name"], each["value"], each["name_localizations"]["zh-CN"]) for each in language["choices"]
    ] == [
        ("as my app", "auto", Locale("zh-CN").say("language-value", value="auto")),
        ("English", "en", "English"),
        ("中文", "zh-CN", "中文"),
    ]


def test_everything_is_said_in_chinese_too_and_in_no_third_language(payload: list[Json]):
    admin = named(payload, "admin")
    same_everywhere = [*admin["options"], admin, *named(payload, "format")["options"][0]["choices"]]
    for part in parts(payload):
        said = [] if part in same_everywhere else [part["name_localizations"]]
        if "description" in part:
            said.append(part["description_localizations"])
            assert part["description_localizations"]["zh-CN"] != part["description"]
        assert all(each.keys() == {"zh-CN", "zh-TW"} for each in said)


def test_what_is_sent_fits_discord(payload: list[Json]):
    # The stand-in checks it against the published schema.
    for part in parts(payload):
        names = {part["name"], *(part.get("name_localizations") or {}).values()}
        texts = names | {part.get("description", "-"), *part.get("description_localizations", {}).values()}
        assert all(1 <= len(text) <= 100 for text in texts)
        # Names of menus and choices may have spaces and capitals.
        if "description" in part:
            assert all(re.fullmatch(r"[-_\w]{1,32}", name) and name == name.lower() for name in names)


def test_no_two_names_are_the_same_in_a_language(payload: list[Json]):
    families = [each["options"] for each in parts(payload) if each.get("options")]
    assert len(families) == 13
    for family in [[each for each in payload if each["type"] == 1], *families]:
        names = [name for each in family for name in {each["name"], _in_chinese(each)}]
        assert len(names) == len(set(names))


def _in_chinese(part: Json) -> str:
    return (part.get("name_localizations") or {}).get("zh-CN", part["name"])


def test_commands_are_for_servers_and_people_and_those_of_administrators_for_servers(payload: list[Json]):
    for command in payload:
        is_admin = command["name"] == "admin"
        assert command["integration_types"] == ([0] if is_admin else [0, 1])
        assert command["contexts"] == ([0, 1] if is_admin else [0, 1, 2])
        assert command["default_member_permissions"] == (1 << 3 if is_admin else None)


@pytest.mark.parametrize(
    ("command", "values", "asked"),
    [
        ("cartoon", {"photo": PHOTO}, ("draw", "cat.png", "")),
        ("cartoon", {"photo": PHOTO, "strength": 0.75}, ("draw", "cat.png", "/style 0.75")),
        ("cartoon", {"photo": PHOTO, "size": 2048}, ("draw", "cat.png", "/size 2048")),
        (
            "cartoon",
            {"photo": PHOTO, "strength": 1, "style": "ink", "size": 2048},
            ("draw", "cat.png", "/style ink 1.0 /size 2048"),
        ),
        ("batch", {}, ("batch", "")),
        ("batch", {"style": "ink", "size": 512}, ("batch", "/style ink /size 512")),
        ("compare", {}, ("compare", None, "strengths")),
        ("compare", {"photo": PHOTO, "kind": "styles"}, ("compare", "cat.png", "styles")),
        ("style", {"value": "ink 0.8"}, ("answer", "/style ink 0.8")),
        ("language", {"value": "zh-CN"}, ("answer", "/language zh-CN")),
        *((name, {}, ("answer", f"/{name}")) for name in (*SETTINGS, *PLAIN)),
        ("size", {"value": 1400}, ("answer", "/size 1400")),
        ("faces", {"value": "main"}, ("answer", "/faces main")),
        ("admin allow", {"id": "telegram:1234"}, ("answer", "/allow telegram:1234")),
        ("admin allow", {}, ("answer", "/allow")),
        ("admin ban", {"id": "telegram:1234"}, ("answer", "/ban telegram:1234")),
        ("admin quota", {"id": "telegram:1234", "photos": 0}, ("answer", "/quota telegram:1234 0")),
        ("admin quota", {"photos": 50}, ("answer", "/quota 50")),
        ("admin stats", {}, ("answer", "/stats")),
    ],
)
@pytest.mark.usefixtures("listening")
async def test_a_command_calls_whom_it_is_for(
    anna: Person, channel: Channel, handlers: Recorder, command: str, values: Json, asked: tuple[object, ...]
):
    await anna.slash(channel, command, values)
    assert await handlers.asked.get() == asked


@pytest.mark.parametrize(
    ("command", "values", "text"),
    [
        ("allow", {}, "/allow discord:{user}"),
        ("ban", {"id": "telegram:1234"}, "/ban discord:{user}"),
        ("quota", {"photos": 50}, "/quota discord:{user} 50"),
    ],
)
@pytest.mark.usefixtures("listening")
async def test_administrators_name_people_of_discord_too(
    server: DiscordServer, anna: Person, handlers: Recorder, command: str, values: Json, text: str
):
    channel, bert = server.dm(anna), server.person("Bert")
    await anna.slash(channel, f"admin {command}", {"user": bert, **values})
    assert await handlers.asked.get() == ("answer", text.format(user=bert.id))


@pytest.mark.usefixtures("listening")
async def test_the_menu_of_a_message_draws_its_photo(anna: Person, channel: Channel, handlers: Recorder):
    message = await anna.send(channel, "look at this", [PHOTO])
    await anna.menu(channel, "Cartoonize", message)
    assert await handlers.asked.get() == ("draw_message", "look at this", "cat.png")


@pytest.mark.usefixtures("listening")
async def test_who_has_installed_it_for_themselves_can_use_it_where_it_is_not(
    server: DiscordServer, anna: Person, handlers: Recorder
):
    channel = server.guild("Strangers", has_bot=False).channel("photos")
    await anna.slash(channel, "cartoon", {"photo": PHOTO}, installed="user")
    assert await handlers.asked.get() == ("draw", "cat.png", "")
    with pytest.raises(AssertionError, match="not offered"):
        await anna.slash(channel, "admin stats", installed="user")


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("", ["ink", "sketch-ink", "3d"]),
        ("INK ", ["ink", "sketch-ink"]),
        ("3", ["3d"]),
        ("oil", []),
        ("0.8", ["0.8", "ink 0.8", "sketch-ink 0.8", "3d 0.8"]),
        ("ink 80%", ["ink 0.8", "sketch-ink 0.8"]),
        ("3d 1", ["3d 1.0"]),
        ("ink 7", []),
    ],
)
@pytest.mark.usefixtures("listening")
async def test_styles_are_suggested_at_the_strength_that_is_typed(
    anna: Person, channel: Channel, typed: str, values: list[str]
):
    choices = await anna.complete(channel, "style", "value", typed)
    assert [choice["value"] for choice in choices] == values


@pytest.mark.parametrize(("locale", "language"), SPOKEN)
@pytest.mark.usefixtures("listening")
async def test_suggested_styles_are_described_in_the_language_of_discord(
    server: DiscordServer, locale: str, language: str
):
    person = server.person("Bo", locale)
    description = Locale(language).say("style-ink")
    for command, option, typed in (("cartoon", "style", "ink"), ("style", "value", "ink 0.8")):
        first, *_ = await person.complete(server.dm(person), command, option, typed)
        assert first == {"name": f"{typed} – {description}", "value": typed}


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.usefixtures("listening")
async def test_all_styles_can_be_suggested(server: DiscordServer, handlers: Recorder, locale: str):
    handlers.installed = list(STYLE_NAMES)
    person = server.person("Bo", locale)
    choices = await person.complete(server.dm(person), "style", "value", "0.75")
    assert [choice["value"] for choice in choices] == ["0.75", *(f"{name} 0.75" for name in STYLE_NAMES)]
    assert len(choices) <= 25
    assert all(1 <= len(choice["name"]) <= 100 for choice in choices)


@pytest.mark.parametrize(("locale", "language"), SPOKEN)
@pytest.mark.usefixtures("listening")
async def test_who_meets_an_error_is_told_kindly_and_alone(
    server: DiscordServer, handlers: Recorder, locale: str, language: str, caplog: pytest.LogCaptureFixture
):
    handlers.error = RuntimeError("no more memory")
    person = server.person("Bo", locale)
    asked = await (await person.slash(server.dm(person), "help")).answered()
    assert asked.answer is not None
    assert asked.answer.content == Locale(language).say("something-broke")
    assert asked.ephemeral
    assert "RuntimeError: no more memory" in caplog.text


@pytest.mark.usefixtures("listening")
async def test_an_error_after_an_answer_is_told_too(
    server: DiscordServer, anna: Person, channel: Channel, handlers: Recorder
):
    handlers.first_words, handlers.error = "On its way", RuntimeError("no more memory")
    asked = await anna.slash(channel, "help")
    await server.until(lambda: asked.followups)
    (told,) = asked.followups
    assert told.content == Locale("en").say("something-broke")
    assert told.only_for is anna


@pytest.mark.usefixtures("listening")
async def test_a_command_that_is_gone_is_answered_too(server: DiscordServer, anna: Person, channel: Channel):
    server.commands.registered.append({**named(server.commands.registered, "help"), "name": "old"})
    asked = await (await anna.slash(channel, "old")).answered()
    assert asked.answer is not None
    assert asked.answer.content == Locale("en").say("something-broke")


@pytest.mark.usefixtures("listening")
async def test_where_nobody_can_be_told_the_error_is_logged_all_the_same(
    server: DiscordServer, anna: Person, channel: Channel, handlers: Recorder, caplog: pytest.LogCaptureFixture
):
    handlers.error = RuntimeError("no more memory")
    caplog.set_level("INFO", "bots.discord.commands")
    server.fail("POST", "/callback", 404)
    asked = await anna.slash(channel, "help")
    await handlers.asked.get()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "CommandTree-invoker"))
    assert "RuntimeError: no more memory" in caplog.text
    assert "nobody could be told that it failed (NotFound)" in caplog.text
    assert asked.token not in caplog.text


async def test_commands_are_registered_at_the_first_start_and_not_at_the_second(
    server: DiscordServer, client: discord.Client, tree: Tree
):
    assert await sync(client, tree) is True
    assert await sync(client, tree) is False
    assert len(server.calls_to("PUT", "/commands")) == 1


def retold(command: Json) -> Json:
    """The same as Discord may tell it: without what is the default, permissions as text, in another order."""
    command = copy.deepcopy(command)
    for part in parts([command]):
        for name in ("required", "options", "name_localizations", "description_localizations", "nsfw"):
            if not part.get(name):
                part.pop(name, None)
    del command["dm_permission"]
    permissions = command["default_member_permissions"]
    return {
        **command,
        "default_member_permissions": None if permissions is None else str(permissions),
        "integration_types": command["integration_types"][::-1],
        "contexts": command["contexts"][::-1],
        "handler": None,
    }


async def test_what_discord_tells_in_other_words_is_the_same(
    server: DiscordServer, client: discord.Client, tree: Tree
):
    await sync(client, tree)
    server.commands.registered = [retold(command) for command in reversed(server.commands.registered)]
    assert await sync(client, tree) is False


def other_description(commands: list[Json]) -> None:
    named(commands, "cartoon")["description"] = "Draw"


def other_translation(commands: list[Json]) -> None:
    named(commands, "cartoon")["description_localizations"]["zh-CN"] = "画"


def lost_translations(commands: list[Json]) -> None:
    named(commands, "cartoon")["name_localizations"] = None


def one_more(commands: list[Json]) -> None:
    commands.append({**named(commands, "help"), "name": "old"})


def one_less(commands: list[Json]) -> None:
    commands.pop()


def other_menu(commands: list[Json]) -> None:
    named(commands, "Cartoonize")["name"] = "Draw"


def other_order_of_options(commands: list[Json]) -> None:
    named(commands, "batch")["options"].reverse()


def other_bound(commands: list[Json]) -> None:
    named(commands, "cartoon")["options"][1]["min_value"] = 0.2


def a_bound_too_many(commands: list[Json]) -> None:
    named(commands, "style")["options"][0]["max_length"] = 10


def choices_too_many(commands: list[Json]) -> None:
    named(commands, "style")["options"][0]["choices"] = [{"name": "ink", "value": "ink"}]


def other_choice(commands: list[Json]) -> None:
    named(commands, "language")["options"][0]["choices"][1]["value"] = "en-GB"


def no_suggestions(commands: list[Json]) -> None:
    named(commands, "style")["options"][0]["autocomplete"] = False


def optional(commands: list[Json]) -> None:
    named(commands, "cartoon")["options"][0]["required"] = False


def other_subcommand(commands: list[Json]) -> None:
    named(commands, "admin ban")["options"][0]["description"] = "Whom"


def for_everybody(commands: list[Json]) -> None:
    named(commands, "admin")["default_member_permissions"] = None


def in_fewer_places(commands: list[Json]) -> None:
    named(commands, "help")["contexts"] = [0]


def for_servers_alone(commands: list[Json]) -> None:
    named(commands, "help")["integration_types"] = [0]


@pytest.mark.parametrize(
    "change",
    [
        other_description,
        other_translation,
        lost_translations,
        one_more,
        one_less,
        other_menu,
        other_order_of_options,
        other_bound,
        a_bound_too_many,
        choices_too_many,
        other_choice,
        no_suggestions,
        optional,
        other_subcommand,
        for_everybody,
        in_fewer_places,
        for_servers_alone,
    ],
)
async def test_any_difference_registers_them_anew(
    server: DiscordServer, client: discord.Client, tree: Tree, change: Callable[[list[Json]], None]
):
    await sync(client, tree)
    server.commands.registered = copy.deepcopy(server.commands.registered)
    change(server.commands.registered)
    assert await sync(client, tree) is True
    first, second = server.calls_to("PUT", "/commands")
    assert first.payload == second.payload
    assert await sync(client, tree) is False
