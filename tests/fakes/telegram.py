"""A stand-in Telegram Bot API server: real HTTP for the real client, checked against the published schema.

    async with TelegramServer() as telegram:
        # the bot under test gets telegram.token, telegram.base_url and telegram.base_file_url
        await telegram.send_text(Person(7), "/style 0.8")
        answer = await telegram.wait_for_message(7)
        assert telegram.violations == []

The rest of it: telegram_chats (what people see), telegram_story (the same, told), telegram_people, _others and
_membership (what people do), telegram_methods, _edits, _updates and _profile (what a call does), telegram_files,
telegram_rates (what is called too often), telegram_schema (what a call must look like) and telegram_faults (what
goes wrong on the way).
Not modelled: parse_mode (recorded, not parsed), privacy mode, the ageing of files, a call in a webhook's answer.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from aiohttp import web

from tests.fakes.telegram_calls import Call, Refused, read_call
from tests.fakes.telegram_chats import ANONYMOUS_ADMIN, Chat, File, Json, Message, Person
from tests.fakes.telegram_edits import Edits
from tests.fakes.telegram_faults import DOWNLOAD, Expected, Fault, Weather, refusal
from tests.fakes.telegram_files import Files
from tests.fakes.telegram_profile import Profile
from tests.fakes.telegram_schema import DOCUMENT_LIMIT, LOCAL_DOCUMENT_LIMIT, MEGABYTE, Upload, problems
from tests.fakes.telegram_updates import Webhook

__all__ = [
    "ANONYMOUS_ADMIN",
    "Call",
    "Chat",
    "Fault",
    "File",
    "Message",
    "Person",
    "TelegramServer",
    "Upload",
    "Weather",
]

Seen = TypeVar("Seen")

GRACE_SECONDS = 0.05


class TelegramServer(Edits):
    """The server: `calls` is what the bot asked, `violations` what it got wrong, `chat(id)` what people see.

    With a `local_folder` it is a local Bot API server: files are not served but written into
    <local_folder>/<token>, and may be larger.
    """

    def __init__(self, token: str = f"123456:{'TESTS' * 7}", *, local_folder: Path | None = None) -> None:
        me = Person(int(token.partition(":")[0]), "Cartoonbot", None, "cartoon_test_bot", is_bot=True)
        super().__init__(me, Files(local_folder / token if local_folder else None))
        self.profile = Profile()
        self.methods |= self.updates.methods | self.profile.methods
        self.token = token
        self.url = ""
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.weather = Weather()
        self._expected: list[Expected] = []
        self._document_limit = LOCAL_DOCUMENT_LIMIT if local_folder else DOCUMENT_LIMIT
        app = web.Application(client_max_size=(LOCAL_DOCUMENT_LIMIT + 1) * MEGABYTE)
        app.router.add_route("*", "/bot{token}/{method}", self._serve_method)
        app.router.add_get("/file/bot{token}/{path:.+}", self._serve_file)
        # Held calls and long polls are cut short at the end of a test.
        self._runner = web.AppRunner(app, shutdown_timeout=GRACE_SECONDS)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.updates.close()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @property
    def commands(self) -> dict[tuple[str, str], list[Json]]:
        """The menus, by the type of their scope and by language, "" for all the others."""
        return self.profile.commands

    @property
    def webhook(self) -> Webhook | None:
        return self.updates.webhook

    def lie_about_paths(self, path: str | None) -> None:
        """Let getFile answer this path for every file, or the truth again."""
        self.files.false_path = path

    def fail(self, method: str | None, fault: Fault, *, times: int = 1, chat_id: int | None = None) -> None:
        """Let the next `times` calls of a method fail, in that chat or in any.

        The method "download" stands for fetching a file; None for any method except getUpdates.
        """
        if method not in (None, DOWNLOAD, *self.methods):
            raise ValueError(f"the stand-in has no method {method}")
        self._expected.append(Expected(fault, method, chat_id, times))

    def calls_to(self, method: str, chat_id: int | None = None) -> list[Call]:
        """The calls of one method, in one chat or in all."""
        return [
            call for call in self.calls if call.method == method and chat_id in (None, call.fields.get("chat_id"))
        ]

    async def wait_for(self, predicate: Callable[[], Seen], timeout: float = 10) -> Seen:  # noqa: ASYNC109
        """Wait until the predicate is true, asked again after every call and update, and give its value back.

        Raises TimeoutError, naming the last calls, after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout), self._changed:
                return await self._changed.wait_for(predicate)
        except TimeoutError:
            last = ", ".join(call.method for call in self.calls[-10:])
            raise TimeoutError(f"not seen within {timeout} s; the last calls were: {last or 'none'}") from None

    async def wait_for_message(
        self,
        chat_id: int,
        predicate: Callable[[Message], object] = lambda message: True,
        timeout: float = 10,  # noqa: ASYNC109
    ) -> Message:
        """The bot's first message in a chat that fits, now or when it comes."""

        def fitting() -> Message | None:
            return next((each for each in self.chat(chat_id).messages if predicate(each)), None)

        message = await self.wait_for(fitting, timeout)
        assert message is not None
        return message

    # The wire

    async def _serve_method(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return web.json_response(refusal(401, "Unauthorized"), status=401)
        try:
            call = await read_call(request)
        except ConnectionResetError:
            return web.Response()  # for nobody: the bot went away while it was asking
        await self._note(call)
        if call.method not in self.methods:
            self.violations.append(f"{call.method}: there is no such method here")
            return web.json_response(refusal(404, "Not Found"), status=404)
        if wrong := problems(call.method, call.fields, call.files, self._document_limit):
            self.violations.extend(f"{call.method}: {problem}" for problem in wrong)
            return web.json_response(refusal(400, f"Bad Request: {wrong[0]}"), status=400)
        return await self._carry_out(call, request)

    async def _carry_out(self, call: Call, request: web.Request) -> web.StreamResponse:
        fault = self._next_fault(call.method, call.fields.get("chat_id"))
        if fault.gate:
            await fault.gate.wait()
        response = await self._answer(call) if fault.takes_effect else web.Response()
        response = fault.response() or response
        if fault.cut:
            hang_up(request)
        return response

    async def _answer(self, call: Call) -> web.Response:
        try:
            result = await self.methods[call.method](call)
            self._rates.carried_out(call, result)
        except Refused as refused:
            body = refusal(refused.status, str(refused), **refused.parameters)
            return web.json_response(body, status=refused.status)
        finally:
            await self._wake()
        return web.json_response({"ok": True, "result": result})

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        file = self.files.by_path.get(path)
        if request.match_info["token"] != self.token or file is None or self.files.folder is not None:
            return web.json_response(refusal(404, "Not Found"), status=404)
        await self._note(Call(DOWNLOAD, {"file_path": path}))
        fault = self._next_fault(DOWNLOAD, None)
        if fault.gate:
            await fault.gate.wait()
        if fault.cut:
            return await break_off(request, file.data)
        return fault.response() or web.Response(body=file.data)

    def _next_fault(self, method: str, chat_id: object) -> Fault:
        for expected in self._expected:
            if expected.meets(method, chat_id):
                expected.times -= 1
                return expected.fault
        return self.weather.fault(method)

    async def _note(self, call: Call) -> None:
        self.calls.append(call)
        await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def break_off(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send half of a file, then close the connection."""
    response = web.StreamResponse()
    response.content_length = len(data)
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    hang_up(request)
    return response


def hang_up(request: web.Request) -> None:
    """Close the connection at once, without a word."""
    if request.transport:
        request.transport.abort()
