"""The stand-in Discord's CDN: files under links that expire, and what can go wrong with them."""

import asyncio
import hashlib
import mimetypes
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

from aiohttp import web

from tests.fakes.discord_objects import Attachment, Snowflakes
from tests.fakes.telegram_files import picture_size

CHUNK = 64 * 1024
LINK_SECONDS = 24 * 3600

Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


class CdnFaults:
    """The next downloads go wrong, each in the way asked for, in the order asked for."""

    def __init__(self) -> None:
        self._waiting: list[Answer] = []

    def redirect(self, to: str, times: int = 1) -> None:
        async def answer(request: web.Request, data: bytes) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": to})

        self._waiting += [answer] * times

    def status(self, status: int, times: int = 1) -> None:
        async def answer(request: web.Request, data: bytes) -> web.StreamResponse:
            return web.Response(status=status, text="refused")

        self._waiting += [answer] * times

    def endless_body(self, times: int = 1) -> None:
        """Bytes without length and without end, for as long as they are read."""
        self._waiting += [_endless] * times

    def slow_body(self, seconds: float, times: int = 1) -> None:
        """A pause between the first half and the second."""

        async def answer(request: web.Request, data: bytes) -> web.StreamResponse:
            response = await _first_half(request, data, len(data))
            await asyncio.sleep(seconds)  # the slowness is the thing modelled
            await response.write(data[len(data) // 2 :])
            return response

        self._waiting += [answer] * times

    def wrong_length(self, times: int = 1) -> None:
        """More bytes announced than come."""
        self._waiting += [_cut_short] * times

    def next(self) -> Answer | None:
        return self._waiting.pop(0) if self._waiting else None


class Cdn:
    """All files. `requests` are the paths that were asked for; a link made now is good for `link_seconds`."""

    def __init__(self, ids: Snowflakes, application_id: int) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.faults = CdnFaults()
        self.link_seconds = LINK_SECONDS
        self._ids = ids
        self._application_id = application_id
        self._files: dict[str, Attachment] = {}
        self._secret = 0

    def keep(
        self, name: str, data: bytes, description: str | None = None, *, channel_id: int | None
    ) -> Attachment:
        """Keep a file sent to a channel, or with None one given to a command or a modal."""
        number = next(self._ids)
        name = name.replace(" ", "_")
        folder = "ephemeral-attachments" if channel_id is None else "attachments"
        width, height = picture_size(data) or (None, None)
        file = Attachment(
            number,
            f"/{folder}/{channel_id or self._application_id}/{number}/{name}",
            name,
            data,
            mimetypes.guess_type(name)[0],
            width,
            height,
            description or None,
            self._link,
            ephemeral=channel_id is None,
        )
        self._files[file.path] = file
        return file

    def expire_links(self) -> None:
        """No link given out so far is good any longer."""
        self._secret += 1

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        file = self._files.get(path)
        if file is None or not self._is_good(path, request.query.get("ex", ""), request.query.get("hm", "")):
            return web.Response(status=404, text="This content is no longer available.")
        if fault := self.faults.next():
            return await fault(request, file.data)
        return web.Response(body=file.data, content_type=file.content_type or "application/octet-stream")

    def _link(self, file: Attachment) -> str:
        now = int(time.time())
        expires = f"{now + self.link_seconds:x}"
        query = urlencode({"ex": expires, "is": f"{now:x}", "hm": self._sign(file.path, expires)})
        return f"{self.url}{quote(file.path)}?{query}&"

    def _is_good(self, path: str, expires: str, signature: str) -> bool:
        return signature == self._sign(path, expires) and int(expires, 16) > time.time()

    def _sign(self, path: str, expires: str) -> str:
        return hashlib.sha256(f"{self._secret} {path} {expires}".encode()).hexdigest()


async def _first_half(request: web.Request, data: bytes, length: int) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = length
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    return response


async def _cut_short(request: web.Request, data: bytes) -> web.StreamResponse:
    response = await _first_half(request, data, len(data))
    if request.transport:
        request.transport.close()
    return response


async def _endless(request: web.Request, data: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(CHUNK))
