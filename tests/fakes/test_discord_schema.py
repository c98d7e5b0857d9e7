"""The check of calls to the stand-in Discord finds nothing in what discord.py sends, and all that is broken."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp import web
from discord import app_commands
from discord.http import Route, handle_message_parameters
from discord.webhook.async_ import (
    AsyncWebhookAdapter,
    interaction_message_response_params,
    interaction_response_params,
)

from tests.fakes.discord_schema import (
    ALSO_SENT,
    LOCALES,
    MEGABYTE,
    Json,
    Upload,
    broken_limits,
    problems,
    published_schema,
)

needs_schema = pytest.mark.skipif(published_schema() is None, reason="the published OpenAPI schema is not here")

MESSAGES, MESSAGE = "/channels/11/messages", "/channels/11/messages/12"
ORIGINAL = "/webhooks/99/TOKEN/messages/@original"
CALLBACK = "/interactions/7/TOKEN/callback"
COMMANDS = "/applications/99/commands"
USER = {"id": "99", "username": "cartoonbot", "discriminator": "0", "avatar": None}
APPLICATION = {
    "name": "cartoonbot",
    "icon": None,
    "description": "",
    "rpc_origins": [],
    "bot_public": True,
    "bot_require_code_grant": False,
    "owner": USER,
    "verify_key": "",
    "flags": 0,
}
# A kept attachment as Discord tells of it.
KEPT = {
    "id": "1300000000000000000",
    "filename": "a.png",
    "size": 3,
    "url": "http://a/a",
    "proxy_url": "http://a/b",
}
ANSWER = {
    "id": "12",
    "channel_id": "11",
    "type": 0,
    "author": USER,
    "content": "",
    "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": None,
    "pinned": False,
    "tts": False,
    "mention_everyone": False,
    "mentions": [],
    "mention_roles": [],
    "attachments": [KEPT],
    "embeds": [],
}


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    payload: Any
    files: list[Upload]

    def problems(self) -> list[str]:
        return problems(self.method, self.path, self.query, self.payload, self.files)


class Recorder:
    """Takes every call below its root and answers as well as discord.py needs."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def serve(self, request: web.Request) -> web.Response:
        call = Call(request.method, request.path, dict(request.query), None, [])
        if request.content_type == "multipart/form-data":
            for name, part in (await request.post()).items():
                if isinstance(part, web.FileField):
                    call.files.append(Upload(part.filename, part.content_type, part.file.read(), name))
                else:
                    call.payload = json.loads(str(part))
        elif request.can_read_body:
            call.payload = await request.json()
        self.calls.append(call)
        # discord.py reads JSON only where no charset is named.
        return web.Response(body=json.dumps(self._answer(call)), headers={"Content-Type": "application/json"})

    def _answer(self, call: Call) -> Any:
        if call.path.endswith("@me"):
            return USER | APPLICATION
        return [] if call.path == COMMANDS else ANSWER


class Bot:
    """discord.py with what its calls need."""

    def __init__(self, client: discord.Client, session: aiohttp.ClientSession) -> None:
        self.client = client
        self.channel = client.get_partial_messageable(11)
        self.session = session
        self.adapter = AsyncWebhookAdapter()

    async def answer(self, kind: int, **message: Any) -> None:
        params = interaction_message_response_params(type=kind, **message)
        await self.adapter.create_interaction_response(7, "TOKEN", session=self.session, params=params)

    async def answer_raw(self, kind: int, data: Json | None = None) -> None:
        params = interaction_response_params(kind, data)
        await self.adapter.create_interaction_response(7, "TOKEN", session=self.session, params=params)


@pytest.fixture
async def recorder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recorder.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    monkeypatch.setattr(Route, "BASE", f"http://{host}:{port}")
    yield recorder
    await runner.cleanup()


@pytest.fixture
async def bot(recorder: Recorder) -> AsyncIterator[Bot]:
    async with discord.Client(intents=discord.Intents.none()) as client, aiohttp.ClientSession() as session:
        await client.login("token")
        yield Bot(client, session)


def photo(name: str = "a.png") -> discord.File:
    return discord.File(BytesIO(b"png"), name, description="Ann as a cartoon")


def view() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Again", custom_id="again", emoji="🔁"))
    view.add_item(discord.ui.Button(label="Help", url="https://example.org/help"))
    options = [discord.SelectOption(label="Hayao", value="hayao", description="Soft colours", default=True)]
    view.add_item(discord.ui.Select(custom_id="style", placeholder="Style", options=options))
    return view


class Modal(discord.ui.Modal, title="Your photos"):
    photos: discord.ui.Label[Any] = discord.ui.Label(
        text="Photos", description="Up to ten", component=discord.ui.FileUpload(custom_id="photos", max_values=10)
    )
    strength: discord.ui.Label[Any] = discord.ui.Label(
        text="Strength", component=discord.ui.TextInput(custom_id="strength")
    )


class Translator(app_commands.Translator):
    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        return "画卡通" if locale is discord.Locale.chinese else None


@app_commands.command(name="cartoon", description="Draws your photo")
@app_commands.choices(style=[app_commands.Choice(name="Hayao", value="hayao")])
@app_commands.describe(photo="Your photo", style="The style", strength="0-1")
async def cartoon(
    interaction: discord.Interaction,
    photo: discord.Attachment,
    style: str = "hayao",
    strength: app_commands.Range[float, 0, 1] = 1.0,
    palette: str = "warm",
) -> None: ...


@cartoon.autocomplete("palette")
async def _palettes(  # pyright: ignore[reportUnusedFunction]  # discord.py calls it
    interaction: discord.Interaction, current: str
) -> list[app_commands.Choice[str]]:
    return []


async def _redraw(interaction: discord.Interaction, message: discord.Message) -> None: ...


async def sync(bot: Bot) -> None:
    tree = app_commands.CommandTree(bot.client)
    tree.add_command(cartoon)
    tree.add_command(app_commands.ContextMenu(name="Draw as a Cartoon", callback=_redraw))
    await tree.set_translator(Translator())
    await tree.sync()


async def reply(bot: Bot) -> None:
    await bot.channel.get_partial_message(10).reply("Here", mention_author=False)


async def edit_with_new_and_kept_files(bot: Bot) -> None:
    sent = await bot.channel.send("Wait")
    await sent.edit(content="Done", attachments=[*sent.attachments, photo()], view=view())


async def follow_up(bot: Bot) -> None:
    with handle_message_parameters("Here", file=photo(), view=view()) as params:
        await bot.adapter.execute_webhook(
            99, "TOKEN", session=bot.session, multipart=params.multipart, files=params.files, wait=True
        )


async def edit_original(bot: Bot) -> None:
    with handle_message_parameters("Here", attachments=[photo()], view=None) as params:
        await bot.adapter.edit_original_interaction_response(
            99, "TOKEN", session=bot.session, multipart=params.multipart, files=params.files
        )


async def delete_original(bot: Bot) -> None:
    await bot.adapter.delete_original_interaction_response(99, "TOKEN", session=bot.session)


REAL_CALLS: dict[str, Callable[[Bot], Coroutine[Any, Any, Any]]] = {
    "login": lambda bot: bot.client.application_info(),
    "message with files and view": lambda bot: bot.channel.send(
        "Hi", files=[photo(), photo("b.png")], view=view(), nonce="1" * 25
    ),
    "message with embed": lambda bot: bot.channel.send(
        embed=discord.Embed(title="Hi", description="Ann", colour=7)
    ),
    "reply": reply,
    "edit": edit_with_new_and_kept_files,
    "history": lambda bot: bot.client.http.logs_from(11, 50, after=1),
    "typing": lambda bot: bot.client.http.send_typing(11),
    "delete": lambda bot: bot.channel.get_partial_message(12).delete(),
    "reaction": lambda bot: bot.channel.get_partial_message(12).add_reaction("👀"),
    "direct messages": lambda bot: bot.client.http.start_private_message(5),
    "follow-up": follow_up,
    "edit of the original": edit_original,
    "delete of the original": delete_original,
    "answer": lambda bot: bot.answer(
        4, content="Hi", file=photo(), view=view(), flags=discord.MessageFlags(ephemeral=True)
    ),
    "deferral": lambda bot: bot.answer_raw(5, {"flags": 64}),
    "deferred update": lambda bot: bot.answer_raw(6),
    "update": lambda bot: bot.answer(7, content="Hi", attachments=[photo()], view=view()),
    "autocomplete": lambda bot: bot.answer_raw(
        8, {"choices": [app_commands.Choice(name="Half", value=0.5).to_dict()]}
    ),
    "modal": lambda bot: bot.answer_raw(9, Modal(custom_id="photos").to_dict()),
    "commands": sync,
}


@pytest.mark.parametrize("name", REAL_CALLS)
async def test_what_discord_py_sends_is_without_problems(recorder: Recorder, bot: Bot, name: str) -> None:
    before = len(recorder.calls)
    await REAL_CALLS[name](bot)
    assert len(recorder.calls) > before
    assert [(call.path, call.problems()) for call in recorder.calls if call.problems()] == []


def objects(value: Any) -> Iterator[Json]:
    """All objects in the value but those whose keys are locales."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)
    if isinstance(value, dict) and not any(map(LOCALES.fullmatch, value)):
        yield value


@needs_schema
@pytest.mark.parametrize("name", REAL_CALLS)
async def test_each_mutation_of_what_is_sent_is_one_problem(recorder: Recorder, bot: Bot, name: str) -> None:
    also_sent = set[str]().union(*ALSO_SENT.values())
    await REAL_CALLS[name](bot)
    for call in recorder.calls:
        whole = deepcopy(call.payload)
        for number, each in enumerate(objects(whole)):
            call.payload = deepcopy(whole)
            mutant = list(objects(call.payload))[number]
            mutant["surprise"] = 1
            assert [problem.partition(".surprise ")[1] for problem in call.problems()] == [".surprise "]
            del mutant["surprise"]
            for key in each:
                kept, mutant[key] = mutant[key], object()
                found = call.problems()
                assert len(found) == 1 or (found == [] and key in also_sent)
                assert all(f".{key} must be " in problem for problem in found)
                mutant[key] = kept
        call.query["surprise"] = "1"
        call.payload = whole
        assert call.problems() == ["surprise is not a query parameter here"]


def upload(field: str = "files[0]", data: bytes = b"png") -> Upload:
    return Upload("a.png", "image/png", data, field)


def message(**changes: Any) -> Json:
    return {"content": "Hi"} | changes


def with_rows(*rows: list[Json]) -> Json:
    return message(components=[{"type": 1, "components": row} for row in rows])


def button(custom_id: str = "again", label: str = "Again") -> Json:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": label}


def buttons(count: int, first: int = 0) -> list[Json]:
    return [button(f"again {number}") for number in range(first, first + count)]


def option(**changes: Any) -> Json:
    return {"label": "Hayao", "value": "hayao"} | changes


def select(*options: Json) -> Json:
    return {"type": 3, "custom_id": "style", "options": [*options]}


def callback(kind: int, **data: Any) -> Json:
    return {"type": kind, "data": data}


def modal(upload_changes: Json | None = None, label: str = "Photos", **changes: Any) -> Json:
    file_upload: Json = {"type": 19, "custom_id": "photos"} | (upload_changes or {})
    labelled = {"type": 18, "label": label, "component": file_upload}
    return callback(9, **({"custom_id": "photos", "title": "Your photos", "components": [labelled]} | changes))


def command(**changes: Any) -> Json:
    return {"name": "cartoon", "description": "Draws your photo"} | changes


def command_option(**changes: Any) -> Json:
    return {"type": 3, "name": "style", "description": "The style"} | changes


def choice(**changes: Any) -> Json:
    return {"name": "Hayao", "value": "hayao"} | changes


def texts(count: int) -> list[Json]:
    return [{"type": 10, "content": "Hi"}] * count


LONG = "a" * 101
# What is said, of which call.
BROKEN_SHAPES: dict[str, tuple[str, str, Any]] = {
    "there is no POST /channels/11/message": ("POST", "/channels/11/message", {}),
    "there is no PUT /channels/11/messages": ("PUT", MESSAGES, {}),
    "there is no GET /": ("GET", "/", None),
    "channel_id must look like": ("POST", "/channels/eleven/messages", {}),
    "POST /channels/{channel_id}/messages needs a body": ("POST", MESSAGES, None),
    "GET /channels/{channel_id}/messages takes no JSON": ("GET", MESSAGES, {}),
    "body must be object, not []": ("POST", MESSAGES, []),
    "body.text is not a property of MessageCreateRequest": ("POST", MESSAGES, {"text": "Hi"}),
    "body.content must be string or null, not 5": ("POST", MESSAGES, {"content": 5}),
    "body.tts must be boolean or null, not 1": ("POST", MESSAGES, {"tts": 1}),
    "body.flags must be integer or null, not True": ("POST", MESSAGES, {"flags": True}),
    "body.nonce must be integer or string or null, not []": ("POST", MESSAGES, {"nonce": []}),
    "body.sticker_ids[0] must look like": ("POST", MESSAGES, {"sticker_ids": ["one"]}),
    "body.sticker_ids[0] is too large for an id": ("POST", MESSAGES, {"sticker_ids": [2**63]}),
    "the length of body.sticker_ids must be 0-3, not 4": ("POST", MESSAGES, {"sticker_ids": [1, 2, 3, 4]}),
    "body.attachments[0].id is required by MessageAttachmentRequest": ("POST", MESSAGES, {"attachments": [{}]}),
    "body.type must be 8 or 4 or 5 or 12 or 9 or 1 or 13 or 6 or 7, not 10": ("POST", CALLBACK, {"type": 10}),
    "body.type must be 8 or 4 or 5 or 12 or 9 or 1 or 13 or 6 or 7, not None": ("POST", CALLBACK, {}),
    "body.data.title is required by ModalInteractionCallbackRequestData": (
        "POST",
        CALLBACK,
        callback(9, custom_id="photos", components=texts(1)),
    ),
    "body.components[0].components[0].type must be 2 or 8 or": ("POST", MESSAGES, with_rows([{"type": 19}])),
    "body.components[0].components[0].style must be 1 or 2 or": (
        "POST",
        MESSAGES,
        with_rows([button() | {"style": 7}]),
    ),
    "body.components[0].components[0].style is required by": ("POST", MESSAGES, with_rows([{"type": 2}])),
    "body.components[0].id must be at least 0": ("POST", MESSAGES, {"components": [{"type": 14, "id": -1}]}),
    "body[0].options[0].max_length must be at most 6000": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(max_length=6001)])],
    ),
}


@needs_schema
@pytest.mark.parametrize("problem", BROKEN_SHAPES)
def test_a_broken_shape_is_told_without_a_flood(problem: str) -> None:
    method, path, payload = BROKEN_SHAPES[problem]
    found = problems(method, path, {}, payload, [])
    assert problem in found[0]
    assert len(found) <= 2


@needs_schema
def test_parameters_are_read_as_what_they_mean() -> None:
    assert problems("GET", MESSAGES, {"limit": "100", "after": "0"}, None, []) == []
    assert problems("GET", MESSAGES, {"limit": "101"}, None, []) == ["limit must be at most 100, not 101"]
    assert problems("GET", MESSAGES, {"limit": "many"}, None, []) == ["limit must be integer, not 'many'"]
    assert problems("PATCH", ORIGINAL, {"with_components": "1"}, {}, []) == []
    assert problems("PATCH", ORIGINAL, {"with_components": "yes"}, {}, []) == [
        "with_components must be boolean, not 'yes'"
    ]


@needs_schema
def test_files_go_only_where_they_are_taken() -> None:
    assert problems("POST", MESSAGES, {}, None, [upload()]) == []
    assert problems("PUT", COMMANDS, {}, [], [upload()]) == [
        "PUT /applications/{application_id}/commands takes no files"
    ]


@needs_schema
def test_the_locales_are_those_of_the_schema() -> None:
    schema = published_schema()
    assert schema is not None
    published = [each["const"] for each in schema["components"]["schemas"]["AvailableLocalesEnum"]["oneOf"]]
    assert published == LOCALES.pattern.split("|")


BROKEN_LIMITS: dict[str, tuple[str, str, Any, list[Upload]]] = {
    "content must be 0-2000, not 2001": ("POST", MESSAGES, message(content="a" * 2001), []),
    "content must be 0-2000, not 2002": ("PATCH", MESSAGE, message(content="a" * 2002), []),
    "content must be 0-2000, not 2003": ("PATCH", ORIGINAL, message(content="a" * 2003), []),
    "content must be 0-2000, not 2004": ("POST", "/webhooks/99/TOKEN", message(content="a" * 2004), []),
    "content must be 0-2000, not 2005": ("POST", CALLBACK, callback(4, content="a" * 2005), []),
    "content must be 0-2000, not 2006": ("POST", CALLBACK, callback(7, content="a" * 2006), []),
    "nonce must be 0-25, not 26": ("POST", MESSAGES, message(nonce="1" * 26), []),
    "cannot send an empty message": ("POST", MESSAGES, {"content": " ", "embeds": []}, []),
    "empty message": ("POST", CALLBACK, callback(4), []),
    "at most 10 files go with a message, not 11": (
        "POST",
        MESSAGES,
        {},
        [*(upload(f"files[{number}]") for number in range(10)), upload("files[9]")],
    ),
    "files[0] is too large: 10485761 bytes": ("POST", MESSAGES, {}, [upload(data=bytes(10 * MEGABYTE + 1))]),
    "the request is too large: 27262976 bytes": (
        "POST",
        MESSAGES,
        {},
        [upload(f"files[{number}]", bytes(26 * MEGABYTE // 4)) for number in range(4)],
    ),
    "files[0] to files[9], not photo": ("POST", MESSAGES, {}, [upload("photo")]),
    "files[0] comes twice": ("POST", MESSAGES, {}, [upload(), upload()]),
    "attachment 1 is none of the files": ("POST", MESSAGES, {"attachments": [{"id": 1}]}, [upload()]),
    "attachment 1300000000000000000 is none": (
        "POST",
        MESSAGES,
        {"attachments": [{"id": KEPT["id"]}]},
        [upload()],
    ),
    "attachment 2 is none of the files": ("PATCH", MESSAGE, {"attachments": [{"id": 2}]}, [upload()]),
    "description of attachment 0 must be 0-1024": (
        "POST",
        MESSAGES,
        {"attachments": [{"id": 0, "description": "a" * 1025}]},
        [upload()],
    ),
    "at most 5 action rows, not 6": ("POST", MESSAGES, with_rows(*(buttons(1, row) for row in range(6))), []),
    "at most 5 buttons, not 6": ("POST", MESSAGES, with_rows(buttons(6)), []),
    "a select is alone in its row": ("POST", MESSAGES, with_rows([select(option()), button()]), []),
    "options of the component 'style' must be 1-25, not 0": ("POST", MESSAGES, with_rows([select()]), []),
    "options of the component 'style' must be 1-25, not 26": (
        "POST",
        MESSAGES,
        with_rows([select(*[option()] * 26)]),
        [],
    ),
    "option's label must be 1-100, not 101": ("POST", MESSAGES, with_rows([select(option(label=LONG))]), []),
    "option's value must be 1-100, not 101": ("POST", MESSAGES, with_rows([select(option(value=LONG))]), []),
    "option's description must be 0-100": ("POST", MESSAGES, with_rows([select(option(description=LONG))]), []),
    "custom_id must be 1-100, not 0": ("POST", MESSAGES, with_rows([button("")]), []),
    "custom_id must be 1-100, not 101": ("POST", MESSAGES, with_rows([button(LONG)]), []),
    "custom_id 'again' is not the only one": ("POST", MESSAGES, with_rows([button()], [button()]), []),
    "label of the component 'again' must be 0-80": ("POST", MESSAGES, with_rows([button(label="a" * 81)]), []),
    "modal's title must be 1-45, not 46": ("POST", CALLBACK, modal(title="a" * 46), []),
    "modal's custom_id must be 1-100, not 0": ("POST", CALLBACK, modal(custom_id=""), []),
    "modal's components must be 1-5, not 0": ("POST", CALLBACK, modal(components=[]), []),
    "modal's components must be 1-5, not 6": ("POST", CALLBACK, modal(components=texts(6)), []),
    "must be 1-45, not 47": ("POST", CALLBACK, modal(label="a" * 47), []),
    "max_values of the component 'photos' must be 1-10, not 11": ("POST", CALLBACK, modal({"max_values": 11}), []),
    "max_values of the component 'photos' must be 1-10, not 0": ("POST", CALLBACK, modal({"max_values": 0}), []),
    "min_values of the component 'photos' must be 0-10": ("POST", CALLBACK, modal({"min_values": 11}), []),
    "choices of the answer must be 0-25, not 26": ("POST", CALLBACK, callback(8, choices=[choice()] * 26), []),
    "choice's name of the answer must be 1-100": ("POST", CALLBACK, callback(8, choices=[choice(name=LONG)]), []),
    "list of commands must be 0-100, not 101": ("PUT", COMMANDS, [command()] * 101, []),
    "the name 'Cartoon'": ("PUT", COMMANDS, [command(type=1, name="Cartoon")], []),
    "the name 'my cartoon'": ("POST", COMMANDS, command(name="my cartoon"), []),
    "the name ''": ("PUT", "/applications/99/guilds/5/commands", [command(name="")], []),
    f"the name '{'a' * 33}'": ("PUT", COMMANDS, [command(name="a" * 33)], []),
    "the name '画 卡通'": ("PUT", COMMANDS, [command(name_localizations={"zh-CN": "画 卡通"})], []),
    "the name 'Style'": ("PUT", COMMANDS, [command(options=[command_option(name="Style")])], []),
    "description of /cartoon must be 1-100, not 0": ("PUT", COMMANDS, [command(description="")], []),
    "description of /cartoon must be 1-100, not 101": (
        "PUT",
        COMMANDS,
        [command(description_localizations={"zh-CN": LONG})],
        [],
    ),
    "description of /cartoon style must be 1-100": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(description=LONG)])],
        [],
    ),
    "translated to zh-Hans": ("PUT", COMMANDS, [command(name_localizations={"zh-Hans": "画"})], []),
    "translated to en": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(description_localizations={"en": "A"})])],
        [],
    ),
    "options of /cartoon must be 0-25, not 26": ("PUT", COMMANDS, [command(options=[command_option()] * 26)], []),
    "choices of /cartoon style must be 0-25, not 26": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(choices=[choice()] * 26)])],
        [],
    ),
    "choice's value of /cartoon style must be 1-100": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(choices=[choice(value=LONG)])])],
        [],
    ),
    "/cartoon has a required option after one that is not": (
        "PUT",
        COMMANDS,
        [command(options=[command_option(), command_option(name="photo", type=11, required=True)])],
        [],
    ),
}


@pytest.mark.parametrize("problem", BROKEN_LIMITS)
def test_a_broken_limit_is_told_even_without_the_schema(problem: str) -> None:
    method, path, payload, files = BROKEN_LIMITS[problem]
    assert any(problem in each for each in broken_limits(method, path, payload, files, 10 * MEGABYTE))
    assert problems(method, path, {}, payload, files)


AT_THE_LIMITS: list[tuple[str, str, Any, list[Upload]]] = [
    ("POST", MESSAGES, message(content="画" * 2000, nonce="1" * 25), []),
    ("POST", MESSAGES, {}, [upload(data=bytes(10 * MEGABYTE))]),
    ("POST", MESSAGES, {}, [upload(f"files[{number}]", bytes(5 * MEGABYTE // 2)) for number in range(10)]),
    ("POST", MESSAGES, {"attachments": [{"id": "0", "description": "a" * 1024}]}, [upload()]),
    ("PATCH", MESSAGE, {"attachments": [{"id": KEPT["id"]}, {"id": 0}]}, [upload()]),
    ("PATCH", MESSAGE, {"content": "", "attachments": []}, []),
    ("POST", MESSAGES, with_rows(*(buttons(5, 5 * row) for row in range(5))), []),
    ("POST", MESSAGES, with_rows([button("a" * 100, "a" * 80)], [select(*[option(label="a" * 100)] * 25)]), []),
    ("POST", CALLBACK, callback(7), []),
    ("POST", CALLBACK, callback(8, choices=[choice()] * 25), []),
    ("POST", CALLBACK, modal({"min_values": 0, "max_values": 10}, "a" * 45, title="a" * 45), []),
    ("POST", CALLBACK, modal(components=texts(5)), []),
    ("PUT", COMMANDS, [command()] * 100 + [{"type": kind, "name": "Draw as a Cartoon"} for kind in (2, 3)], []),
    (
        "PUT",
        COMMANDS,
        [command(name="a" * 32, name_localizations={"zh-CN": "画_-'7"}, description="a" * 100)],
        [],
    ),
    ("PUT", COMMANDS, [command(name="画", description="a")], []),
    ("PUT", COMMANDS, [command(options=[command_option(choices=[choice()] * 25)] * 25)], []),
]


@pytest.mark.parametrize("number", range(len(AT_THE_LIMITS)))
def test_what_is_just_allowed_is_taken(number: int) -> None:
    method, path, payload, files = AT_THE_LIMITS[number]
    assert list(broken_limits(method, path, payload, files, 10 * MEGABYTE)) == []
    assert problems(method, path, {}, payload, files) == []


def test_the_file_limit_is_the_callers() -> None:
    assert problems("POST", MESSAGES, {}, {}, [upload(data=bytes(5))], file_limit=5) == []
    assert problems("POST", MESSAGES, {}, {}, [upload(data=bytes(6))], file_limit=5) == [
        "files[0] is too large: 6 bytes, at most 5"
    ]
