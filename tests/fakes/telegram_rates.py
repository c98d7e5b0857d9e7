"""How fast the stand-in Telegram is called, held against the rates that Telegram asks bots to keep."""

from bisect import insort
from collections import defaultdict
from typing import Any

from tests.fakes.telegram_calls import Call
from tests.fakes.telegram_chats import Json, Message

# How many calls within how many seconds.
PRIVATE = (15, 10)
GROUP = (20, 60)
OVERALL = (30, 1)
# Between edits that nobody asked for, with what clocks and loops may be off.
EDIT_SECONDS, TOLERANCE = 3.0, 0.05


class Rates:
    """Keeps count of the calls that were carried out; an album is one call. `floods` are the sentences."""

    def __init__(self) -> None:
        self.floods: list[str] = []
        self._times: defaultdict[object, list[float]] = defaultdict(list)
        # When each message was sent or last edited, by chat and message.
        self._shown: dict[tuple[int, int], float] = {}
        self._pressed: set[tuple[int, int]] = set()

    def carried_out(self, call: Call, result: Any) -> None:
        """Count a call, with the message or messages it answers with."""
        if not call.method.startswith(("send", "edit")) or call.method == "sendChatAction":
            return
        messages: list[Json] = result if isinstance(result, list) else [result]
        self._count(call, messages[0]["chat"])
        for message in messages:
            self._show(call, (message["chat"]["id"], message["message_id"]))

    def pressed(self, message: Message) -> None:
        """Someone asked for the next edit of this message."""
        self._pressed.add((message.chat.id, message.message_id))

    def _count(self, call: Call, chat: Json) -> None:
        sending = call.method.startswith("send")
        if chat["type"] == "private":
            self._window(call, chat["id"], PRIVATE, f"messages and edits in the private chat {chat['id']}")
        elif sending:
            self._window(call, chat["id"], GROUP, f"messages in the group {chat['id']}")
        if sending:
            self._window(call, "overall", OVERALL, "messages overall")

    def _window(self, call: Call, key: object, rate: tuple[int, int], what: str) -> None:
        most, seconds = rate
        times = self._times[key]
        insort(times, call.time)
        while times[0] <= times[-1] - seconds:
            del times[0]
        if len(times) > most:
            self.floods.append(f"{len(times)} {what} within {seconds} s; at most {most} are welcome")

    def _show(self, call: Call, message: tuple[int, int]) -> None:
        since = call.time - self._shown.get(message, call.time - EDIT_SECONDS)
        if call.method == "editMessageText" and message not in self._pressed and since < EDIT_SECONDS - TOLERANCE:
            chat, number = message
            self.floods.append(
                f"message {number} in chat {chat} changed its text {since:.2f} s after it was last shown; "
                f"{EDIT_SECONDS:g} s are welcome"
            )
        self._shown[message] = call.time
        self._pressed.discard(message)
