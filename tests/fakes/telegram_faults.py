"""What can go wrong between the bot and the stand-in Telegram."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from tests.fakes.telegram_chats import Json


@dataclass(frozen=True)
class Fault:
    """One way for a call to go wrong; the class methods below make them.

    A call meets, in this order: the wait for `gate`, the `answer` given in place of the real one,
    and `cut`, which closes the connection without any answer, before or after the call `takes_effect`.
    """

    gate: asyncio.Event | None = None
    answer: tuple[int, Json | str] | None = None
    cut: bool = False
    takes_effect: bool = True

    @classmethod
    def retry_after(cls, seconds: int) -> "Fault":
        """Flood control."""
        return cls.refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    @classmethod
    def server_error(cls) -> "Fault":
        return cls.refused(500, "Internal Server Error")

    @classmethod
    def bad_gateway(cls) -> "Fault":
        """A proxy's page in HTML where JSON is expected."""
        return cls(answer=(502, "<html><body><h1>502 Bad Gateway</h1></body></html>"), takes_effect=False)

    @classmethod
    def dropped(cls) -> "Fault":
        """The connection closes before anything happens; a download breaks off half way."""
        return cls(cut=True, takes_effect=False)

    @classmethod
    def answer_lost(cls) -> "Fault":
        """The call succeeds, people see its effect, and the bot never hears of it."""
        return cls(cut=True)

    @classmethod
    def held(cls, gate: asyncio.Event) -> "Fault":
        """A slow transfer: nothing happens until the test sets the gate, then all goes well."""
        return cls(gate=gate)

    @classmethod
    def blocked(cls) -> "Fault":
        return cls.refused(403, "Forbidden: bot was blocked by the user")

    @classmethod
    def reply_not_found(cls) -> "Fault":
        return cls.refused(400, "Bad Request: message to be replied not found")

    @classmethod
    def refused(cls, status: int, description: str, **parameters: int) -> "Fault":
        """Any refusal in Telegram's own form, such as 400 with migrate_to_chat_id."""
        return cls(answer=(status, refusal(status, description, **parameters)), takes_effect=False)

    def response(self) -> web.Response | None:
        if self.answer is None:
            return None
        status, body = self.answer
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)


@dataclass
class Expected:
    """A fault that waits for its calls. A method of None means any but getUpdates, which would eat it."""

    fault: Fault
    method: str | None
    chat_id: int | None
    times: int

    def meets(self, method: str, chat_id: object) -> bool:
        if self.times == 0 or self.chat_id not in (None, chat_id):
            return False
        return method == self.method or (self.method is None and method != "getUpdates")


def refusal(status: int, description: str, **parameters: int) -> Json:
    """The body of an answer that is not ok."""
    body: Json = {"ok": False, "error_code": status, "description": description}
    return body | ({"parameters": parameters} if parameters else {})
