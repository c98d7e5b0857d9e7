"""A stand-in ModelScope hub: real HTTP for the real client.

    async with Hub() as hub:
        hub.publish("damo/model", {"cartoon_bg.pb": data, "README.md": b"..."})
        # the client under test gets hub.environment
        hub.fail("cartoon_bg.pb", Fault(cut_after=1000))
        ...
        assert hub.asked_for("cartoon_bg.pb") == [Asked("cartoon_bg.pb", None), Asked("cartoon_bg.pb", 1000)]

As on the real one, a model's listing gives sizes and checksums, large files are redirected to storage that knows
ranges, and small ones come at once and whole. There is one revision, master. Not modelled: logins, private models,
listings of thousands of files.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiohttp import web

LISTING: Final = "(listing)"
# What git itself holds; anything larger is in storage.
SMALL_BYTES: Final = 10_000


@dataclass(frozen=True)
class Fault:
    """How an answer goes wrong: by its status, or by its content.

    `content` is sent for what is listed. After `cut_after` bytes of the answer the connection closes; after
    `hang_after` bytes nothing more comes until `gate` is set.
    """

    status: int | None = None
    content: bytes | None = None
    cut_after: int | None = None
    hang_after: int | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Asked:
    """One request: for a file by its path, or for LISTING; from which byte, if the client named one."""

    path: str
    start: int | None = None


class Hub:
    """The server. `asked`: every request for a listing or a file, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._models: dict[str, dict[str, bytes]] = {}
        self._faults: list[tuple[str, Fault]] = []
        self._lasting: dict[str, Fault] = {}
        self._changed = asyncio.Condition()
        app = web.Application()
        app.router.add_get("/api/v1/models/{owner}/{name}/repo/files", self._list)
        app.router.add_get("/api/v1/models/{owner}/{name}/repo", self._serve)
        app.router.add_get("/storage/{owner}/{name}/{path:.+}", self._serve_stored)
        # Answers that hang are cut short at the end of a test.
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """What points the client here, whatever proxy there is."""
        return {"MODELSCOPE_ENDPOINT": self.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def publish(self, model: str, files: Mapping[str, bytes]) -> None:
        """Have a model with these files, by their paths; any path may be listed, also a hostile one."""
        self._models[model] = dict(files)

    def fail(self, path: str, fault: Fault, *, times: int | None = 1) -> None:
        """Let the next answers about a file, or about LISTING, go wrong; with `times` None, all from now on."""
        if times is None:
            self._lasting[path] = fault
        else:
            self._faults += [(path, fault)] * times

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()
        self._lasting.clear()

    def asked_for(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path == path]

    async def wait_for(self, path: str, timeout: float = 60) -> None:  # noqa: ASYNC109
        """Until a file, or LISTING, has been asked for. Raises TimeoutError."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.asked_for(path))

    # The wire

    async def _list(self, request: web.Request) -> web.StreamResponse:
        files = self._files(request)
        fault = await self._note(Asked(LISTING))
        rows = [row(path, content) for path, content in files.items()]
        if fault.status is not None:
            return refusal(fault.status, "not\ntoday")
        if fault.hang_after is not None:
            await fault.gate.wait()
        return web.json_response({"Code": 200, "Data": {"Files": rows}, "Message": "success", "Success": True})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.query["FilePath"]
        content = self._files(request).get(path)
        if content is None:
            raise missing(f"the file {path} does not exist")
        if len(content) > SMALL_BYTES:
            owner, name = request.match_info["owner"], request.match_info["name"]
            checksum = hashlib.sha256(content).hexdigest()
            raise web.HTTPFound(f"/storage/{owner}/{name}/{path}", headers={"X-Linked-ETag": f'"{checksum}"'})
        return await self._send(request, path, content, None)

    async def _serve_stored(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        content = self._models["{owner}/{name}".format(**request.match_info)][path]
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        return await self._send(request, path, content, int(wanted[1]) if wanted else None)

    async def _send(
        self, request: web.Request, path: str, content: bytes, start: int | None
    ) -> web.StreamResponse:
        fault = await self._note(Asked(path, start))
        if fault.status is not None:
            return refusal(fault.status, "not\ntoday")
        content = content if fault.content is None else fault.content
        answer = web.StreamResponse()
        if start is not None:
            answer.set_status(206)
            answer.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start or 0 :]
        answer.content_length = len(rest)
        await answer.prepare(request)
        if fault.cut_after is not None:
            await answer.write(rest[: fault.cut_after])
            assert request.transport is not None
            request.transport.close()
            return answer
        if fault.hang_after is not None:
            await answer.write(rest[: fault.hang_after])
            await fault.gate.wait()
            rest = rest[fault.hang_after :]
        await answer.write(rest)
        return answer

    def _files(self, request: web.Request) -> dict[str, bytes]:
        model = "{owner}/{name}".format(**request.match_info)
        if model not in self._models:
            raise missing(f"the model {model} does not exist")
        if request.query["Revision"] != "master":
            raise missing("there is no such revision")
        return self._models[model]

    async def _note(self, asked: Asked) -> Fault:
        """Write a request down; what is to go wrong with it."""
        async with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        for place, (path, fault) in enumerate(self._faults):
            if path == asked.path:
                del self._faults[place]
                return fault
        return self._lasting.get(asked.path, Fault())


def row(path: str, content: bytes) -> dict[str, Any]:
    """A file as a listing tells it."""
    return {
        "Name": path.rpartition("/")[2],
        "Path": path,
        "Type": "blob",
        "Size": len(content),
        "Sha256": hashlib.sha256(content).hexdigest(),
        "IsLFS": len(content) > SMALL_BYTES,
        "Revision": "0123456789abcdef0123456789abcdef01234567",
    }


def refusal(status: int, message: str) -> web.Response:
    return web.json_response({"Code": status, "Message": message, "Success": False}, status=status)


def missing(message: str) -> web.HTTPNotFound:
    answer = refusal(404, message)
    return web.HTTPNotFound(text=answer.text, content_type="application/json")
