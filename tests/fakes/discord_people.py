"""What people do in the stand-in Discord: they write, send files, use commands, press, choose, fill in forms."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.fakes.discord_asked import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from tests.fakes.discord_chats import PLAIN, REPLY, Channel, Message
from tests.fakes.discord_commands import (
    MESSAGE_MENU,
    SLASH,
    Commands,
    check_values,
    leaf,
    nested,
)
from tests.fakes.discord_forms import Form, chosen
from tests.fakes.discord_interactions import Interactions
from tests.fakes.discord_objects import Attachment, Component, Json, User, bits
from tests.fakes.discord_world import World

CHOICES_SECONDS = 3.0

NamedFile = tuple[str, bytes]


class Person(User):
    """Somebody who uses Discord. What the client of Discord makes impossible is an AssertionError."""

    def __init__(
        self, world: World, commands: Commands, interactions: Interactions, name: str, locale: str
    ) -> None:
        super().__init__(next(world.ids), name, locale)
        self._world = world
        self._commands = commands
        self._interactions = interactions
        world.users[self.id] = self

    @property
    def closed_dms(self) -> bool:
        """Whether the bot's direct messages are refused."""
        return self in self._world.closed

    @closed_dms.setter
    def closed_dms(self, closed: bool) -> None:
        (self._world.closed.add if closed else self._world.closed.discard)(self)

    async def send(
        self,
        channel: Channel,
        text: str = "",
        files: Sequence[NamedFile] = (),
        mention: bool = False,
        reply_to: Message | None = None,
        spoiler: bool = False,
        alt: str = "",
    ) -> Message:
        """Write a message; `mention` names the bot in it, `spoiler` and `alt` are for every file."""
        message = Message(
            next(self._world.ids),
            channel,
            self,
            f"<@{self._world.me.id}> {text}".strip() if mention else text,
            REPLY if reply_to else PLAIN,
            [self._upload(channel, f"SPOILER_{name}" if spoiler else name, data, alt) for name, data in files],
            reference=reply_to,
        )
        assert message.content or message.attachments, "an empty message cannot be sent"
        return await self._world.post(message)

    async def edit(self, message: Message, text: str) -> None:
        assert message.author is self, f"{self.name} cannot edit what {message.author.name} wrote"
        assert not message.deleted, f"{message!r} is deleted"
        await self._world.change(message, content=text)

    async def delete(self, message: Message) -> None:
        guild = message.channel.guild
        assert message.author is self or (guild and self in guild.admins) or message.only_for is self, "not theirs"
        await self._world.remove(message, self)

    async def slash(
        self, channel: Channel, command: str, values: Json | None = None, installed: str = "guild"
    ) -> Interaction:
        """Use a slash command such as "admin allow". Attachments are pairs of name and bytes, users are people."""
        registered, names, options = self._slash(channel, command, installed)
        kept: Json = {}
        sent: list[Json] = []
        check_values(options, values or {})
        for option in options:
            if option["name"] in (values or {}):
                value = kept[option["name"]] = self._kept((values or {})[option["name"]])
                sent.append({"name": option["name"], "type": option["type"], "value": _sent(value)})
        self._world.told.commanded(self, channel, command, kept)
        data = _command_data(registered) | {"options": nested(names, sent)}
        return self._ask(COMMAND, channel, data | _resolved(kept.values(), channel), installed)

    async def complete(
        self, channel: Channel, command: str, option: str, typed: str, installed: str = "guild"
    ) -> list[Json]:
        """Type into an option and get the choices the bot offers for it."""
        registered, names, options = self._slash(channel, command, installed)
        found = next((each for each in options if each["name"] == option), None)
        assert found, f"/{command} has no option {option!r}"
        assert found.get("autocomplete"), f"/{command} does not complete the option {option!r}"
        sent = [{"name": option, "type": found["type"], "value": typed, "focused": True}]
        data = _command_data(registered) | {"options": nested(names, sent)}
        interaction = self._ask(AUTOCOMPLETE, channel, data, installed)
        await interaction.acknowledged(CHOICES_SECONDS)
        choices = interaction.choices or []
        self._world.told.completed(self, channel, option, typed, choices)
        return choices

    async def menu(
        self, channel: Channel, command: str, message: Message, installed: str = "guild"
    ) -> Interaction:
        """Use a command out of the menu of a message."""
        registered = self._commands.find(command, MESSAGE_MENU, self, channel, self._check(channel, installed))
        self._world.told.picked(self, channel, command, message)
        resolved = {"messages": {str(message.id): message.wire()}}
        data = _command_data(registered) | {"target_id": str(message.id), "resolved": resolved}
        return self._ask(COMMAND, channel, data, installed)

    async def submit(self, opened: Interaction, values: dict[str, Any]) -> Interaction:
        """Fill in and send the form that an interaction was answered with, by the custom ids of its fields.

        A field for files takes pairs of name and bytes, a select a value or label, a text field text.
        """
        assert opened.modal is not None, f"{opened!r} was not answered with a form"
        form = Form(opened.modal, self._kept)
        data = form.filled(values)
        self._world.told.submitted(self, opened.channel, opened.modal, form.values)
        attachments = [each for value in form.values.values() if isinstance(value, list) for each in value]
        data |= _resolved(attachments, opened.channel)
        return self._ask(MODAL_SUBMIT, opened.channel, data, opened.installed, opened.message)

    async def press(self, message: Message, button: str) -> Interaction:
        """Press a button, found by its label or custom id."""
        self._check_sees(message)
        found = _control(message, Component.BUTTON, ("label", "custom_id"), button)
        assert "custom_id" in found, f"the button {button!r} is a link"
        self._world.told.pressed(self, message, found.get("label") or found["custom_id"])
        return self._use(message, found)

    async def choose(self, message: Message, select: str, choice: str) -> Interaction:
        """Choose a label or value from a select, found by its placeholder or custom id."""
        self._check_sees(message)
        found = _control(message, Component.STRING_SELECT, ("placeholder", "custom_id"), select)
        option = chosen(found, choice)
        self._world.told.chose(self, message, option["label"])
        return self._use(message, found, values=[option["value"]])

    def _use(self, message: Message, part: Json, **more: Any) -> Interaction:
        self._world.rates.pressed(message)
        data = {"custom_id": part["custom_id"], "component_type": part["type"], "id": part["id"], **more}
        return self._ask(COMPONENT, message.channel, data, message.installed, message)

    def _ask(
        self, kind: int, channel: Channel, data: Json, installed: str, message: Message | None = None
    ) -> Interaction:
        return self._interactions.begin(kind, self, channel, data, installed, message)

    def _slash(self, channel: Channel, command: str, installed: str) -> tuple[Json, list[str], list[Json]]:
        name, *names = command.split()
        registered = self._commands.find(name, SLASH, self, channel, self._check(channel, installed))
        return registered, names, leaf(registered, names)

    def _check(self, channel: Channel, installed: str) -> str:
        guild = channel.guild
        assert installed == "user" or guild is None or guild.has_bot, f"the bot is not in {guild}"
        return installed

    def _check_sees(self, message: Message) -> None:
        assert message.only_for in (None, self), f"{self.name} does not see {message!r}"
        assert not message.deleted, f"{message!r} is deleted"

    def _upload(self, channel: Channel, name: str, data: bytes, alt: str) -> Attachment:
        return self._world.cdn.keep(name, data, alt, channel_id=channel.id)

    def _kept(self, value: Any) -> Any:
        """A file as the CDN keeps it, for a command or a form; all else as it is."""
        if isinstance(value, tuple):
            name, data = value
            return self._world.cdn.keep(name, data, channel_id=None)
        return value


def _command_data(command: Json) -> Json:
    return {"id": command["id"], "name": command["name"], "type": command["type"]}


def _sent(value: Any) -> Any:
    return str(value.id) if isinstance(value, Attachment | User) else value


def _resolved(values: Iterable[Any], channel: Channel) -> Json:
    """The files and people among the values, in full."""
    files = {str(each.id): each.wire() for each in values if isinstance(each, Attachment)}
    people = [each for each in values if isinstance(each, User)]
    resolved: Json = {"attachments": files} if files else {}
    if people:
        resolved["users"] = {str(each.id): each.wire() for each in people}
    if people and (guild := channel.guild):
        resolved["members"] = {
            str(each.id): guild.member() | {"permissions": bits(guild.permissions_of(each))} for each in people
        }
    return {"resolved": resolved} if resolved else {}


def _control(message: Message, kind: int, names: Sequence[str], wanted: str) -> Json:
    """The button or select of which one of the names is as wanted."""
    offered = {tuple(part.get(name) for name in names): part for part in message.parts if part["type"] == kind}
    found = next((part for called, part in offered.items() if wanted in called), None)
    assert found, f"no {wanted!r} on the message; there are {[*offered]}"
    assert not found.get("disabled"), f"it is disabled: {found}"
    return found
