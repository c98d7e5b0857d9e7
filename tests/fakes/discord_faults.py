"""What a test lets go wrong between the bot and the stand-in Discord."""

from dataclasses import dataclass
from typing import NoReturn

from tests.fakes.discord_calls import Call, Refused


class ConnectionLostError(Exception):
    """There is to be no answer at all."""


@dataclass
class Fault:
    """A fault that waits for its calls. With `after` a call takes effect, and only then goes wrong.

    `status` is an HTTP status, one of Discord's own codes, or 0 for a connection that is closed without an answer.
    """

    method: str
    route_part: str
    status: int
    times: int
    after: bool
    retry_after: float | None
    is_global: bool

    def meets(self, call: Call) -> bool:
        return self.times > 0 and call.method == self.method and self.route_part in f"{call.route} {call.path}"

    def strike(self) -> NoReturn:
        if self.status == 0:
            raise ConnectionLostError
        if self.status == 429:
            raise too_many(self.retry_after or 1.0, is_global=self.is_global)
        raise Refused(self.status)


def too_many(retry_after: float, *, is_global: bool = False) -> Refused:
    """A refusal that says how many seconds to wait."""
    refused = Refused(429, "You are being rate limited.", retry_after=retry_after)
    refused.body["global"] = is_global
    return refused
