"""What the bot does in the channels of the stand-in Discord, as itself: it sends, edits, deletes and reads."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.discord_calls import Call, Refused
from tests.fakes.discord_chats import PLAIN, REPLY, Channel, DirectMessages, Message
from tests.fakes.discord_content import changed_content, check_sizes, new_content
from tests.fakes.discord_objects import Json
from tests.fakes.discord_world import World

Handler = Callable[[Call], Awaitable[tuple[int, Any]]]

CHANNEL = "/channels/{channel_id}"
MESSAGES = f"{CHANNEL}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"
NONCE_SECONDS = 300.0
DEFAULT_PAGE = 50


class Messages:
    """The routes of channels and their messages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: dict[str, tuple[float, Message]] = {}
        self.routes: dict[tuple[str, str], Handler] = {
            ("POST", "/users/@me/channels"): self._open,
            ("GET", CHANNEL): self._channel,
            ("GET", MESSAGES): self._list,
            ("POST", MESSAGES): self._send,
            ("GET", MESSAGE): self._get,
            ("PATCH", MESSAGE): self._edit,
            ("DELETE", MESSAGE): self._delete,
            ("POST", f"{CHANNEL}/typing"): self._typing,
        }

    async def _open(self, call: Call) -> tuple[int, Any]:
        person = self._world.users.get(int(call.payload["recipient_id"]))
        if person is None or person.is_bot:
            raise Refused(10013)
        return 200, self._world.direct_messages(person).wire()

    async def _channel(self, call: Call) -> tuple[int, Any]:
        return 200, self._place(call).wire()

    async def _list(self, call: Call) -> tuple[int, Any]:
        """Newest first; of those after an id, the oldest, as Discord does."""
        channel = self._place(call)
        messages = channel.messages if channel.bot_may("read_message_history") else []
        limit = int(call.query.get("limit", DEFAULT_PAGE))
        if "before" in call.query:
            messages = [each for each in messages if each.id < int(call.query["before"])]
        if "after" in call.query:
            messages = [each for each in messages if each.id > int(call.query["after"])][:limit]
        return 200, [self._shown(each) for each in reversed(messages[-limit:])]

    async def _get(self, call: Call) -> tuple[int, Any]:
        return 200, self._shown(self._message(call, "read_message_history"))

    async def _send(self, call: Call) -> tuple[int, Any]:
        payload: Json = call.payload or {}
        channel = self._place(call, "send_messages")
        if isinstance(channel, DirectMessages) and channel.person in self._world.closed:
            raise Refused(50007)
        check_sizes(call, channel.file_limit)
        if call.files and not channel.bot_may("attach_files"):
            raise Refused(50013)
        if earlier := self._earlier(payload):
            return 200, earlier.wire()
        reference = self._referenced(channel, payload.get("message_reference"))
        message = Message(
            next(self._world.ids),
            channel,
            self._world.me,
            type=REPLY if reference else PLAIN,
            reference=reference,
            pings=(payload.get("allowed_mentions") or {}).get("replied_user", True),
            nonce=payload.get("nonce"),
            **new_content(self._world.cdn, call, payload, channel),
        )
        if message.nonce is not None:
            self._nonces[message.nonce] = call.at, message
        await self._world.post(message)
        return 200, message.wire()

    async def _edit(self, call: Call) -> tuple[int, Any]:
        message = self._message(call)
        if message.author is not self._world.me:
            raise Refused(50005)
        check_sizes(call, message.channel.file_limit)
        if call.files and not message.channel.bot_may("attach_files"):
            raise Refused(50013)
        changes = changed_content(self._world.cdn, call, call.payload or {}, message.channel, message.attachments)
        self._world.rates.edited(call, message)
        await self._world.change(message, **changes)
        return 200, message.wire()

    async def _delete(self, call: Call) -> tuple[int, Any]:
        message = self._message(call)
        if message.author is not self._world.me:
            if isinstance(message.channel, DirectMessages):
                raise Refused(50003)
            if not message.channel.bot_may("manage_messages"):
                raise Refused(50013)
        await self._world.remove(message, self._world.me)
        return 204, None

    async def _typing(self, call: Call) -> tuple[int, Any]:
        self._world.told.typing(self._place(call, "send_messages"))
        return 204, None

    def _place(self, call: Call, *permissions: str) -> Channel:
        """The channel of a call. Raises Refused when the bot may not see it, or not do that in it."""
        channel = self._world.channels.get(call.id("channel_id"))
        if channel is None:
            raise Refused(10003)
        if not channel.bot_may("view_channel"):
            raise Refused(50001)
        if not all(map(channel.bot_may, permissions)):
            raise Refused(50013)
        return channel

    def _message(self, call: Call, *permissions: str) -> Message:
        message = self._place(call, *permissions).by_id.get(call.id("message_id"))
        if message is None:
            raise Refused(10008)
        return message

    def _shown(self, message: Message) -> Json:
        granted = self._world.gateway.content_intent
        return message.wire(lambda each: self._world.readable(each, granted))

    def _earlier(self, payload: Json) -> Message | None:
        """The message that was already sent with this nonce."""
        if not payload.get("enforce_nonce"):
            return None
        sent_at, message = self._nonces.get(payload.get("nonce", ""), (0.0, None))
        return message if time.monotonic() - sent_at < NONCE_SECONDS else None

    def _referenced(self, channel: Channel, reference: Json | None) -> Message | None:
        if reference is None:
            return None
        if not channel.bot_may("read_message_history"):
            raise Refused(160002)
        found = channel.by_id.get(int(reference["message_id"]))
        if found is None and reference.get("fail_if_not_exists", True):
            unknown = {"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}
            raise Refused(50035, errors={"message_reference": {"_errors": [unknown]}})
        return found
