"""Commands, forms, menus, buttons and selects of the stand-in Discord, through the real discord.py."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands, ui

from tests.fakes.discord import DiscordServer, GuildChannel, Person
from tests.fakes.discord_bot import Client, running
from tests.fakes.test_discord import picture, upload

PHOTO = ("my cat.jpg", picture(90, 60))

INK = discord.SelectOption(label="Ink", value="ink", default=True)

Asked = discord.Interaction[discord.Client]


class Form(ui.Modal, title="Cartoon"):
    photos = ui.Label(text="Photos", component=ui.FileUpload(custom_id="photos", min_values=1, max_values=10))
    note = ui.Label(text="Note", component=ui.TextInput[Any](custom_id="note", required=False))
    style = ui.Label(
        text="Style",
        component=ui.Select[Any](
            custom_id="style",
            options=[
                discord.SelectOption(label="Ink", value="ink", default=True),
                discord.SelectOption(label="Wash"),
            ],
        ),
    )

    async def on_submit(self, interaction: Asked, /) -> None:
        photos, note, style = (label.component for label in (self.photos, self.note, self.style))
        assert isinstance(photos, ui.FileUpload)
        assert isinstance(note, ui.TextInput)
        assert isinstance(style, ui.Select)
        names = [f"{file.filename} {file.width}x{file.height}" for file in photos.values]
        await interaction.response.send_message(f"{names} {note.value!r} {style.values}")


class Buttons(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.select(custom_id="look", placeholder="Look", options=[INK])
    async def look(self, interaction: Asked, select: ui.Select["Buttons"]) -> None:
        await interaction.response.send_message(f"{select.values}", ephemeral=True)

    @ui.button(label="Again", custom_id="again", style=discord.ButtonStyle.primary)
    async def again(self, interaction: Asked, button: ui.Button["Buttons"]) -> None:
        await interaction.response.edit_message(content="once more")

    @ui.button(label="Later", custom_id="later")
    async def later(self, interaction: Asked, button: ui.Button["Buttons"]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: Asked, button: ui.Button["Buttons"]) -> None:
        raise NotImplementedError


class Cartoonist(Client):
    """A bot with every kind of command; `gate` holds the answer of /cartoon back."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.tree.add_command(self.cartoon_command())
        self.tree.add_command(app_commands.Command(name="form", description="Form", callback=self.form))
        self.tree.add_command(app_commands.ContextMenu(name="Cartoonize", callback=self.cartoonize))
        admin = app_commands.Group(name="admin", description="Administer")
        admin.add_command(app_commands.Command(name="allow", description="Allow", callback=self.allow))
        admin.default_permissions = discord.Permissions(manage_guild=True)
        self.tree.add_command(admin)
        for command in self.tree.get_commands(type=None):
            command.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    def cartoon_command(self) -> "app_commands.Command[Any, ..., Any]":
        @app_commands.describe(photo="A photo", strength="How strong", style="Which style")
        async def cartoon(
            interaction: Asked,
            photo: discord.Attachment,
            strength: app_commands.Range[float, 0, 1] = 0.5,
            style: str | None = None,
        ) -> None:
            await interaction.response.defer(ephemeral=strength < 0.5, thinking=True)
            await self.gate.wait()
            assert await photo.read() == PHOTO[1]
            await interaction.followup.send(f"{photo.filename} {strength} {style}", file=upload())
            await interaction.followup.send("and a second one", view=Buttons())

        async def styles(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
            names = [name for name in ("ink", "inkwash", "paint") if name.startswith(typed)]
            return [app_commands.Choice(name=name.title(), value=name) for name in names]

        command = app_commands.Command(name="cartoon", description="Draw", callback=cartoon)
        command.autocomplete("style")(styles)
        return command

    async def form(self, interaction: Asked) -> None:
        await interaction.response.send_modal(Form())

    async def cartoonize(self, interaction: Asked, message: discord.Message) -> None:
        sizes = [len(await file.read()) for file in message.attachments]
        await interaction.response.send_message(f"{message.content} {sizes}", file=upload(), ephemeral=True)

    async def allow(self, interaction: Asked, person: discord.User) -> None:
        await interaction.response.send_message(f"{person.name} is welcome", view=Buttons())


@pytest.fixture
async def anna(server: DiscordServer) -> Person:
    return server.person("Anna", locale="zh-CN")


@pytest.fixture
async def channel(server: DiscordServer) -> GuildChannel:
    return server.guild("Friends", locale="zh-CN").channel("photos")


@pytest.fixture
async def client(server: DiscordServer, channel: GuildChannel) -> AsyncIterator[Cartoonist]:
    async with running(Cartoonist(), server) as client:
        yield client
    assert server.violations == []


async def test_a_slash_command_is_thought_about_then_answered(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    client.gate.clear()
    asked = await anna.slash(channel, "cartoon", {"photo": PHOTO, "strength": 0.8})
    await asked.acknowledged()
    assert asked.answer
    assert (asked.ack, asked.answer.thinking, asked.is_answered, asked.ephemeral) == (5, True, False, False)
    heard = await client.asked.get()
    assert (heard.locale, heard.guild_locale) == (discord.Locale.chinese, discord.Locale.chinese)
    assert heard.filesize_limit == 10 * 1024 * 1024
    assert heard.app_permissions.attach_files
    assert "ephemeral-attachments" in heard.data["resolved"]["attachments"].popitem()[1]["url"]  # type: ignore[index]
    client.gate.set()
    await asked.answered()
    assert asked.answer.content == "my_cat.jpg 0.8 None"
    assert asked.answer.attachments[0].name == "cat.png"
    await server.until(lambda: asked.followups)
    assert channel.messages == [asked.answer, *asked.followups]
    assert (await heard.original_response()).content == asked.answer.content
    await asked.expire()
    with pytest.raises(discord.HTTPException) as refused:
        await heard.followup.send("too late")
    assert (refused.value.status, refused.value.code) == (401, 50027)


async def test_what_a_deferred_answer_becomes_is_seen_by_those_who_saw_it(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    asked = await anna.slash(channel, "cartoon", {"photo": PHOTO, "strength": 0.25, "style": "ink"})
    await server.until(lambda: asked.followups)
    assert asked.ephemeral
    assert not asked.followups[0].ephemeral
    assert channel.messages == asked.followups


async def test_only_what_is_registered_can_be_asked(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    with pytest.raises(AssertionError, match="no command 'nothing'; registered are"):
        await anna.slash(channel, "nothing")
    with pytest.raises(AssertionError, match=r"required: \['photo'\]"):
        await anna.slash(channel, "cartoon")
    with pytest.raises(AssertionError, match=r"no such options: \{'size'\}"):
        await anna.slash(channel, "cartoon", {"photo": PHOTO, "size": 3})
    with pytest.raises(AssertionError, match=r"3 is not within 0\.0 and 1\.0"):
        await anna.slash(channel, "cartoon", {"photo": PHOTO, "strength": 3})
    with pytest.raises(AssertionError, match="Anna lacks the permissions"):
        await anna.slash(channel, "admin allow", {"person": anna})
    channel.home.admins.add(anna)
    with pytest.raises(AssertionError, match="needs a subcommand"):
        await anna.slash(channel, "admin")
    allowed = await (await anna.slash(channel, "admin allow", {"person": anna})).answered()
    assert allowed.answer
    assert allowed.answer.content == "anna is welcome"


async def test_commands_keep_their_ids_and_while_the_same_their_versions(
    server: DiscordServer, client: Cartoonist, anna: Person
) -> None:
    before = {each["name"]: (each["id"], each["version"]) for each in server.commands.registered}
    form = client.tree.get_command("form")
    assert isinstance(form, app_commands.Command)
    form.description = "Another form"
    form.allowed_contexts = app_commands.AppCommandContext(guild=True)
    await client.tree.sync()
    after = {each["name"]: (each["id"], each["version"]) for each in server.commands.registered}
    assert {name for name in after if after[name] != before[name]} == {"form"}
    assert after["form"][0] == before["form"][0]
    assert len(server.calls_to("PUT", "/commands")) == 2
    fetched = await client.tree.fetch_commands()
    assert {str(each.id) for each in fetched} == {number for number, _ in after.values()}
    with pytest.raises(AssertionError, match="'form' is not offered in context 1"):
        await anna.slash(server.dm(anna), "form")
    hello: Any = {"name": "hello", "description": "Hello"}
    added = await client.http.upsert_global_command(server.application_id, hello)
    again = await client.http.upsert_global_command(server.application_id, hello)
    assert (added["id"], added["version"]) == (again["id"], again["version"])
    form_command = next(each for each in fetched if each.name == "form")
    await form_command.delete()
    with pytest.raises(discord.NotFound, match="Unknown application command"):
        await form_command.delete()


async def test_typing_offers_choices(client: Cartoonist, anna: Person, channel: GuildChannel) -> None:
    choices = await anna.complete(channel, "cartoon", "style", "ink")
    assert [choice["value"] for choice in choices] == ["ink", "inkwash"]


async def test_a_form_takes_files_text_and_choices(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    opened = await (await anna.slash(channel, "form")).answered()
    assert opened.modal
    with pytest.raises(AssertionError, match="'Photos' takes 1 to 10, not 0"):
        await anna.submit(opened, {})
    with pytest.raises(AssertionError, match=r"no such fields: \{'size'\}"):
        await anna.submit(opened, {"size": "3"})
    sent = await anna.submit(opened, {"photos": [PHOTO, PHOTO], "note": "please", "style": "Wash"})
    await sent.answered()
    assert sent.answer
    assert sent.answer.content == "['my_cat.jpg 90x60', 'my_cat.jpg 90x60'] 'please' ['Wash']"
    assert server.story == [
        "(Friends #photos) Anna: /form",
        "(Friends #photos) bot shows Anna the form Cartoon\n    Photos: <1-10 files>\n    Note: <text: >\n"
        "    Style: <style: *Ink* | Wash>",
        "(Friends #photos) Anna submits Cartoon: Photos=[my_cat.jpg 90x60, my_cat.jpg 90x60] Note=please"
        " Style=[Wash]",
        "(Friends #photos) bot: ['my_cat.jpg 90x60', 'my_cat.jpg 90x60'] 'please' ['Wash']",
    ]


async def test_a_menu_works_on_any_message(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    abroad = server.guild("Abroad", has_bot=False).channel("general")
    for place, installed in ((channel, "guild"), (abroad, "user")):
        sent = await anna.send(place, "look", [PHOTO])
        asked = await (await anna.menu(place, "Cartoonize", sent, installed=installed)).answered()
        assert asked.answer
        assert (asked.answer.content, asked.ephemeral) == (f"look [{len(PHOTO[1])}]", True)
        assert asked.answer.attachments[0].data == picture(form="PNG")
        assert asked.answer not in place.messages
    with pytest.raises(AssertionError, match="the bot is not in"):
        await anna.menu(abroad, "Cartoonize", abroad.messages[0])


async def test_where_the_bot_is_not_only_the_token_works(
    server: DiscordServer, client: Cartoonist, anna: Person
) -> None:
    abroad = server.guild("Abroad", has_bot=False).channel("general")
    asked = await anna.slash(abroad, "cartoon", {"photo": PHOTO, "strength": 0.8}, installed="user")
    await server.until(lambda: asked.followups)
    heard = await client.asked.get()
    assert heard.is_user_integration()
    assert heard.channel_id == abroad.id
    assert (await heard.original_response()).id == abroad.messages[0].id
    with pytest.raises(discord.Forbidden) as refused:
        await client.get_partial_messageable(abroad.id).send("hello")
    assert refused.value.code == 50001
    for _ in range(4):
        await heard.followup.send("more")
    with pytest.raises(discord.Forbidden) as refused:
        await heard.followup.send("too much")
    assert refused.value.code == 40094
    pressed = await anna.press(asked.followups[0], "Again")
    await pressed.answered()
    assert asked.followups[0].content == "once more"


async def test_buttons_and_selects_are_answered(
    server: DiscordServer, client: Cartoonist, anna: Person, channel: GuildChannel
) -> None:
    asked = await anna.slash(channel, "cartoon", {"photo": PHOTO})
    await server.until(lambda: asked.followups)
    (shown,) = asked.followups
    pressed = await (await anna.press(shown, "again")).answered()
    assert (pressed.ack, pressed.answer, shown.content) == (7, shown, "once more")
    pressed = await (await anna.press(shown, "Later")).answered()
    assert (pressed.ack, shown.content, shown.edits) == (6, "later", ["and a second one", "once more"])
    with pytest.raises(AssertionError, match="disabled"):
        await anna.press(shown, "Off")
    with pytest.raises(AssertionError, match=r"there are .*'Again', 'again'.*'Off'"):
        await anna.press(shown, "Now")
    with pytest.raises(AssertionError, match=r"only \['Ink'\]"):
        await anna.choose(shown, "Look", "Wash")
    chosen = await (await anna.choose(shown, "Look", "Ink")).answered()
    assert chosen.answer
    assert (chosen.answer.content, chosen.ephemeral) == ("['ink']", True)
    assert (chosen.acked_after or 3) < 3
    assert server.floods == []
    assert server.story[-7:] == [
        "(Friends #photos) bot: and a second one\n    <Look: *Ink*>\n    [*Again*] [Later] [Off (off)]",
        "(Friends #photos) Anna presses [Again]",
        "(Friends #photos) bot edits: once more\n    <Look: *Ink*>\n    [*Again*] [Later] [Off (off)]",
        "(Friends #photos) Anna presses [Later]",
        "(Friends #photos) bot edits: later\n    <Look: *Ink*>\n    [*Again*] [Later] [Off (off)]",
        "(Friends #photos) Anna chooses <Ink>",
        "(Friends #photos) bot, only to Anna: ['ink']",
    ]
