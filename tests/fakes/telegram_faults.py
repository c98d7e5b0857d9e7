"""What can go wrong between the bot and the stand-in Telegram."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from aiohttp import web

from tests.fakes.telegram_chats import Json

DOWNLOAD = "download"


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
    def late_error(cls) -> "Fault":
        """The call succeeds, people see its effect, and the server fails after it."""
        return cls(answer=(500, refusal(500, "Internal Server Error")))

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


class Weather:
    """Faults by chance: each call fails with the probability `rate`, in a way drawn at random.

    `rate` may be changed at any time, 0 is calm; `struck` counts the faults by their kind.
    """

    def __init__(self, rate: float = 0.0, seed: int = 0) -> None:
        self.rate = rate
        self.struck: Counter[str] = Counter()
        self._random = Random(seed)
        refused: dict[str, Callable[[], Fault]] = {
            "flood control": lambda: Fault.retry_after(1),
            "server error": Fault.server_error,
            "bad gateway": Fault.bad_gateway,
            "dropped": Fault.dropped,
        }
        self._of_polls = refused  # without effect: an update is not lost on its way
        self._of_downloads = {name: refused[name] for name in ("server error", "dropped")}
        self._of_calls = refused | {"answer lost": Fault.answer_lost, "held": self._held}

    def fault(self, method: str) -> Fault:
        """What befalls the next call of a method: mostly nothing."""
        if self._random.random() >= self.rate:
            return Fault()
        kinds = {"getUpdates": self._of_polls, DOWNLOAD: self._of_downloads}.get(method, self._of_calls)
        kind = self._random.choice([*kinds])
        self.struck[kind] += 1
        return kinds[kind]()

    def _held(self) -> Fault:
        gate = asyncio.Event()
        asyncio.get_running_loop().call_later(self._random.uniform(0.2, 1.0), gate.set)
        return Fault.held(gate)


def refusal(status: int, description: str, **parameters: int) -> Json:
    """The body of an answer that is not ok."""
    body: Json = {"ok": False, "error_code": status, "description": description}
    return body | ({"parameters": parameters} if parameters else {})
