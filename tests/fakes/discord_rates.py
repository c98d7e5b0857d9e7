"""How fast the stand-in Discord is called: its rate limits, and what good manners ask beyond them."""

import hashlib
import time
from bisect import insort
from dataclasses import dataclass

from tests.fakes.discord_calls import Call
from tests.fakes.discord_chats import Message

# How many calls within how many seconds, for each route and major parameter.
MESSAGES = (5, 5.0)
WEBHOOKS = (5, 2.0)
OTHERS = (50, 1.0)
OVERALL = (50, 1.0)
# Between edits that nobody asked for, with what clocks and loops may be off.
EDIT_SECONDS, TOLERANCE = 3.0, 0.05
MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_token")


@dataclass(eq=False)
class Bucket:
    """What is left of one limit until it is whole again at `resets`, in seconds of time.monotonic()."""

    name: str
    limit: int
    seconds: float
    remaining: int = 0
    resets: float = 0.0

    def take(self) -> bool:
        """Count a call; False when there are too many."""
        now = time.monotonic()
        if now >= self.resets:
            self.remaining, self.resets = self.limit, now + self.seconds
        if self.remaining == 0:
            return False
        self.remaining -= 1
        return True

    @property
    def reset_after(self) -> float:
        return max(0.0, self.resets - time.monotonic())

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.name,
        }


class Rates:
    """`floods` are the sentences about where the bot was faster than is welcome; it is not refused for them."""

    def __init__(self) -> None:
        self.floods: list[str] = []
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._overall: list[float] = []
        self._edited: dict[int, float] = {}
        self._pressed: set[int] = set()

    def bucket(self, call: Call) -> Bucket:
        majors = (call.parameters[name] for name in MAJOR_PARAMETERS if name in call.parameters)
        key = (call.method, call.route, *majors)
        if key not in self._buckets:
            name = hashlib.md5(f"{call.method} {call.route}".encode(), usedforsecurity=False).hexdigest()
            self._buckets[key] = Bucket(name, *_limit(call))
        return self._buckets[key]

    def called(self, call: Call) -> None:
        """Count a call against the limit of all together, which what answers interactions is exempt from."""
        if call.route.startswith(("/interactions", "/webhooks")):
            return
        most, seconds = OVERALL
        insort(self._overall, call.at)
        while self._overall[0] <= self._overall[-1] - seconds:
            del self._overall[0]
        if len(self._overall) > most:
            self.floods.append(f"{len(self._overall)} requests within {seconds:g} s; at most {most} are welcome")

    def pressed(self, message: Message) -> None:
        """Someone asked for the next edit of this message."""
        self._pressed.add(message.id)

    def edited(self, call: Call, message: Message) -> None:
        """Count a change of what a message says; what brings files is an answer, which somebody waits for."""
        if call.files:
            return
        since = call.at - self._edited.get(message.id, call.at - EDIT_SECONDS)
        if message.id not in self._pressed and since < EDIT_SECONDS - TOLERANCE:
            self.floods.append(
                f"message {message.id} was edited {since:.2f} s after the edit before; "
                f"{EDIT_SECONDS:g} s are welcome"
            )
        self._edited[message.id] = call.at
        self._pressed.discard(message.id)


def _limit(call: Call) -> tuple[int, float]:
    if call.route.startswith("/webhooks"):
        return WEBHOOKS
    return MESSAGES if "/messages" in call.route and call.method in ("POST", "PATCH", "DELETE") else OTHERS
