"""How the bot answers what people ask in the stand-in Discord: callbacks, then the webhook of the token."""

from typing import Any

from tests.fakes.discord_asked import (
    ACKNOWLEDGE_SECONDS,
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    Callback,
    Interaction,
    answer_type,
    callback_wire,
    interaction_wire,
)
from tests.fakes.discord_calls import Call, Refused
from tests.fakes.discord_chats import EPHEMERAL, LOADING, PLAIN, Channel, Message
from tests.fakes.discord_content import changed_content, check_sizes, new_content, numbered
from tests.fakes.discord_messages import Handler
from tests.fakes.discord_objects import Json, User
from tests.fakes.discord_world import World

ALLOWED = {
    COMMAND: {Callback.ANSWER, Callback.DEFERRED_ANSWER, Callback.MODAL},
    COMPONENT: {*Callback} - {Callback.CHOICES},
    AUTOCOMPLETE: {Callback.CHOICES},
    MODAL_SUBMIT: {*Callback} - {Callback.CHOICES, Callback.MODAL},
}
USER_INSTALL_FOLLOWUPS = 5
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = f"{WEBHOOK}/messages/@original"
FOLLOWUP = f"{WEBHOOK}/messages/{{message_id}}"


class Interactions:
    """All interactions, and the routes by which they are answered. A token lives for `token_seconds`."""

    def __init__(self, world: World) -> None:
        self.token_seconds = 900.0
        self._world = world
        self._by_token: dict[str, Interaction] = {}
        self.routes: dict[tuple[str, str], Handler] = {
            ("POST", CALLBACK): self._callback,
            ("POST", WEBHOOK): self._follow_up,
            ("GET", ORIGINAL): self._get,
            ("PATCH", ORIGINAL): self._edit,
            ("DELETE", ORIGINAL): self._delete,
            ("GET", FOLLOWUP): self._get,
            ("PATCH", FOLLOWUP): self._edit,
            ("DELETE", FOLLOWUP): self._delete,
        }

    def begin(
        self,
        type: int,  # noqa: A002
        person: User,
        channel: Channel,
        data: Json,
        installed: str,
        message: Message | None = None,
    ) -> Interaction:
        """Send the bot a new interaction."""
        world = self._world
        number = next(world.ids)
        interaction = Interaction(
            number,
            f"token-{number}",
            type,
            person,
            channel,
            data,
            installed,
            message,
            world.gateway.changed,
        )
        self._by_token[interaction.token] = interaction
        wire = interaction_wire(interaction, world.application_id)
        home = channel.guild if channel.guild and channel.guild.has_bot else None
        world.gateway.dispatch("INTERACTION_CREATE", lambda intents: wire, home, 0)
        return interaction

    async def _callback(self, call: Call) -> tuple[int, Any]:
        interaction = self._by_token.get(call.parameters["interaction_token"])
        if interaction is None or interaction.id != call.id("interaction_id"):
            raise Refused(10062)
        if interaction.ack is not None:
            self._world.violations.append(f"a second callback to {interaction!r}")
            raise Refused(40060)
        after = call.at - interaction.created
        if after > ACKNOWLEDGE_SECONDS:
            self._world.violations.append(f"a callback {after:.1f} s after the interaction; 3 s are allowed")
            raise Refused(10062)
        kind = call.payload["type"]
        if kind not in ALLOWED[interaction.type]:
            self._world.violations.append(f"callback type {kind} is no answer to {interaction!r}")
            raise Refused(50035)
        await self._carry_out(interaction, kind, call.payload.get("data") or {}, call)
        interaction.ack, interaction.acked_after = kind, after
        await self._world.gateway.wake()
        if call.query.get("with_response") in ("1", "true"):
            return 200, callback_wire(interaction)
        return 204, None

    async def _carry_out(self, interaction: Interaction, kind: int, data: Json, call: Call) -> None:
        match kind:
            case Callback.ANSWER:
                interaction.answer = await self._say(interaction, data, call)
            case Callback.DEFERRED_ANSWER:
                interaction.answer = await self._say(interaction, data, call, thinking=True)
            case Callback.DEFERRED_UPDATE:
                interaction.answer = interaction.message
            case Callback.UPDATE:
                interaction.answer = interaction.message
                await self._update(interaction.message, data, call)
                if interaction.message is not None:
                    self._world.rates.edited(call, interaction.message)
            case Callback.CHOICES:
                interaction.choices = data["choices"]
            case _:
                interaction.modal = data | {"components": numbered(data["components"])}
                self._world.told.form_shown(interaction.person, interaction.channel, data)

    async def _say(self, interaction: Interaction, data: Json, call: Call, thinking: bool = False) -> Message:
        world = self._world
        channel = interaction.channel
        check_sizes(call, channel.file_limit)
        content: Json = {"flags": LOADING} if thinking else new_content(world.cdn, call, data, channel)
        hidden = data.get("flags", 0) & EPHEMERAL
        message = Message(
            next(world.ids),
            channel,
            world.me,
            type=PLAIN if interaction.ack is not None else answer_type(interaction),
            webhook=world.application_id,
            metadata=interaction.metadata(),
            installed=interaction.installed,
            only_for=interaction.person if hidden else None,
            **content | {"flags": content["flags"] | hidden},
        )
        return await world.post(message)

    async def _follow_up(self, call: Call) -> tuple[int, Any]:
        """A new message; or what a deferred answer becomes, seen by those who saw that one."""
        interaction = self._living(call)
        if interaction.answer is not None and interaction.answer.thinking:
            await self._update(interaction.answer, call.payload, call)
            return 200, interaction.answer.wire()
        abroad = interaction.channel.guild is not None and not interaction.channel.guild.has_bot
        if abroad and len(interaction.followups) >= USER_INSTALL_FOLLOWUPS:
            raise Refused(40094)
        message = await self._say(interaction, call.payload, call)
        interaction.followups.append(message)
        await self._world.gateway.wake()
        return 200, message.wire()

    async def _get(self, call: Call) -> tuple[int, Any]:
        return 200, self._message(self._living(call), call).wire()

    async def _edit(self, call: Call) -> tuple[int, Any]:
        interaction = self._living(call)
        message = self._message(interaction, call)
        if not message.thinking:
            self._world.rates.edited(call, message)
        interaction.updated = interaction.updated or message is interaction.answer
        await self._update(message, call.payload or {}, call)
        return 200, message.wire()

    async def _delete(self, call: Call) -> tuple[int, Any]:
        interaction = self._living(call)
        message = self._message(interaction, call)
        if message is interaction.answer:
            interaction.answer = None
        await self._world.remove(message, self._world.me)
        return 204, None

    async def _update(self, message: Message | None, data: Json, call: Call) -> None:
        if message is None:
            raise Refused(10008)
        check_sizes(call, message.channel.file_limit)
        changes = changed_content(self._world.cdn, call, data, message.channel, message.attachments)
        if message.thinking:
            changes["flags"] = message.flags & ~LOADING
        await self._world.change(message, **changes)

    def _living(self, call: Call) -> Interaction:
        """The interaction of a webhook's token. Raises Refused before its callback and after its life."""
        interaction = self._by_token.get(call.parameters["webhook_token"])
        if interaction is None or interaction.ack is None or call.id("webhook_id") != self._world.application_id:
            raise Refused(10015)
        if interaction.expired or call.at - interaction.created > self.token_seconds:
            raise Refused(50027)
        return interaction

    def _message(self, interaction: Interaction, call: Call) -> Message:
        number = call.id("message_id")
        if call.route == ORIGINAL and interaction.answer is not None:
            number = interaction.answer.id
        for message in (interaction.answer, *interaction.followups):
            if message is not None and message.id == number and not message.deleted:
                return message
        raise Refused(10008)
