"""Uploads: what browsers bring goes straight to their shelf, piece by piece, and never whole into memory."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bots.locales import Locales
from bots.web.refusals import Refused
from bots.web.visitors import visitor_of
from core.errors import StorageUnwritable
from core.writing import to_disk
from storage.shelf import Shelf

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FILES: Final = 50
# What the headers of the parts may weigh beside the files.
HEADER_BYTES: Final = 1_000_000
CHECK_EVERY_BYTES: Final = 8_000_000
# What even an empty file takes.
FILE_BYTES: Final = 4096
# A bar that hears of no upload for so long ends.
PROGRESS_SECONDS: Final = 30.0

Step = dict[str, str | int]


def upload_routes(
    shelf: Shelf, make_room: Callable[[int], None], most_bytes: int, locales: Locales
) -> list[Route]:
    """Where Gradio's page and gradio_client upload; they go before Gradio's own.

    A file weighs `most_bytes` at most. `make_room` raises StorageUnwritable where there is none; it is called in
    a thread.
    """
    uploads = _Uploads(shelf, make_room, most_bytes, locales)
    return [
        Route("/gradio_api/upload", uploads.take, methods=["POST"]),
        Route("/gradio_api/upload_progress", uploads.tell, methods=["GET"]),
    ]


class _Uploads:
    def __init__(self, shelf: Shelf, make_room: Callable[[int], None], most_bytes: int, locales: Locales) -> None:
        self._shelf = shelf
        self._make_room = make_room
        self._most_bytes = most_bytes
        self._locales = locales
        self._progress: dict[tuple[str, str], asyncio.Queue[Step]] = {}

    async def take(self, request: Request) -> Response:
        """The paths of the files, as a list."""
        visitor = visitor_of(request)
        locale = self._locales.of(visitor.language)
        watched = (visitor.user, request.query_params.get("upload_id", ""))
        steps = self._progress.setdefault(watched, asyncio.Queue())
        try:
            paths = await self._store(request, visitor.user, steps)
        except Refused as refused:
            return refused.response(locale)
        except StorageUnwritable as error:
            return PlainTextResponse(locale.error(error), 507)
        finally:
            self._progress.pop(watched, None)
            steps.put_nowait({"msg": "done"})
        return JSONResponse([str(path) for path in paths])

    async def tell(self, request: Request) -> Response:
        """How far an upload is, as events, to its end."""
        watched = (visitor_of(request).user, request.query_params.get("upload_id", ""))
        return StreamingResponse(self._told(watched), media_type="text/event-stream")

    async def _store(self, request: Request, user: str, steps: asyncio.Queue[Step]) -> list[Path]:
        receiving = _Receiving(self._shelf, user, self._make_room, self._most_bytes)
        pieces = request.stream()
        try:
            await asyncio.to_thread(receiving.begin, request.headers.get("content-type", ""))
            async for piece in pieces:
                for step in await asyncio.to_thread(receiving.feed, piece):
                    steps.put_nowait(step)
            return receiving.finish()
        except (Refused, StorageUnwritable):
            # Browsers listen to an answer only when they have sent everything.
            await _drain(pieces, MOST_FILES * self._most_bytes)
            raise
        finally:
            receiving.close()

    async def _told(self, watched: tuple[str, str]) -> AsyncGenerator[str]:
        # The page asks while its upload begins, so either may come first.
        steps = self._progress.setdefault(watched, asyncio.Queue())
        step: Step = {}
        try:
            while step.get("msg") != "done":
                try:
                    step = await asyncio.wait_for(steps.get(), PROGRESS_SECONDS)
                except TimeoutError:
                    step = {"msg": "done"}
                yield f"data: {json.dumps(step)}\n\n"
        finally:
            if self._progress.get(watched) is steps:
                del self._progress[watched]


class _Receiving:
    """One upload, in a thread: its parts become files. What is not finished leaves nothing when it is closed."""

    def __init__(self, shelf: Shelf, user: str, make_room: Callable[[int], None], most_bytes: int) -> None:
        self._shelf = shelf
        self._user = user
        self._make_room = make_room
        self._most_bytes = most_bytes
        self._left = MOST_FILES * most_bytes + HEADER_BYTES
        self._unchecked = 0
        self._parts = 0
        self._paths: list[Path] = []
        self._file: IO[bytes] | None = None
        self._size = 0
        self._name = b""
        self._value = b""
        self._original = ""
        self._steps: list[Step] = []
        self._is_whole = False

    def begin(self, content_type: str) -> None:
        """Raises Refused when it is no upload, StorageUnwritable when there is no room."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Refused(400, "web-upload-broken")
        self._make_room(0)
        callbacks: dict[str, Any] = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self._close_file,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], cast("MultipartCallbacks", callbacks))
        except FormParserError as error:
            raise Refused(400, "web-upload-broken") from error

    def feed(self, piece: bytes) -> list[Step]:
        """Write a piece of the body; what was written of which file. Raises Refused, StorageUnwritable."""
        self._left -= len(piece)
        if self._left < 0:
            raise self._too_heavy()
        self._unchecked += len(piece)
        if self._unchecked > CHECK_EVERY_BYTES:
            self._make_room(self._unchecked)
            self._unchecked = 0
        try:
            with to_disk():
                self._parser.write(piece)
        except FormParserError as error:
            raise Refused(400, "web-upload-broken") from error
        steps, self._steps = self._steps, []
        return steps

    def finish(self) -> list[Path]:
        """The files. Raises Refused when the end is missing, StorageUnwritable."""
        if not self._is_whole:
            raise Refused(400, "web-upload-broken")
        self._make_room(self._unchecked + FILE_BYTES * len(self._paths))
        paths, self._paths = self._paths, []
        return paths

    def close(self) -> None:
        """Remove the files that nobody got."""
        self._close_file()
        for path in self._paths:
            shutil.rmtree(path.parent, ignore_errors=True)

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_FILES:
            raise Refused(413, "web-upload-many", most=MOST_FILES)
        self._disposition = b""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename")
        if name is None:
            return
        self._original = name.decode(errors="replace")
        path = self._shelf.upload(self._user, self._original)
        self._paths.append(path)
        self._file = path.open("wb")
        self._size = 0

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        self._size += end - start
        if self._size > self._most_bytes:
            raise self._too_heavy()
        self._file.write(data[start:end])
        self._steps.append({"msg": "update", "orig_name": self._original, "chunk_size": end - start})

    def _close_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _end(self) -> None:
        self._is_whole = True

    def _too_heavy(self) -> Refused:
        return Refused(413, "web-upload-heavy", limit=self._most_bytes / 1e6)


async def _drain(pieces: AsyncIterator[bytes], most: int) -> None:
    async for piece in pieces:
        most -= len(piece)
        if most < 0:
            return
