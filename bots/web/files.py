"""What pages fetch besides Gradio's own: files of the visitor's shelf, small or whole, and the page's pictures."""

import asyncio
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from bots import samples
from bots.web.services import Services
from bots.web.views import MEDIA_TYPES
from bots.web.visitors import visitor_of
from core.errors import UserError

FOLDER: Final = Path(__file__).resolve().parent
# A file on a shelf never changes under its address.
FOR_GOOD: Final = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
SVG: Final = "image/svg+xml"


class Files:
    """A visitor finds what is theirs, and nobody else's."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.routes = [
            Route("/files/{address:path}", self._file),
            Route("/zip/{job_id}", self._archive),
            Route("/icon.svg", self._icon),
            Route("/example.jpg", self._example),
        ]

    async def _file(self, request: Request) -> Response:
        """A file of the shelf, or with `small` its thumbnail."""
        user = visitor_of(request).user
        path = await asyncio.to_thread(self._services.shelf.find, user, request.path_params["address"])
        if path is None:
            return self._gone(request)
        if "small" in request.query_params:
            return await self._thumbnail(user, path)
        kind = MEDIA_TYPES.get(path.suffix.lower())
        if kind is None:
            # Not for a browser to show by itself.
            return FileResponse(path, filename=path.name, headers=FOR_GOOD)
        return FileResponse(path, media_type=kind, headers=FOR_GOOD)

    async def _thumbnail(self, user: str, path: Path) -> Response:
        try:
            small = await asyncio.to_thread(self._services.thumbnails.of, user, path)
        except (UserError, FileNotFoundError):
            return FileResponse(FOLDER / "no_picture.svg", media_type=SVG)
        return FileResponse(small, media_type=MEDIA_TYPES[small.suffix], headers=FOR_GOOD)

    async def _archive(self, request: Request) -> Response:
        """All cartoons of a job."""
        person = await self._services.person(request)
        try:
            path = await self._services.desk.archive(person, request.path_params["job_id"])
        except UserError:
            return self._gone(request)
        return FileResponse(path, filename=path.name, headers={"Cache-Control": "no-store"})

    async def _icon(self, request: Request) -> Response:
        return FileResponse(FOLDER / "icon.svg", media_type=SVG)

    async def _example(self, request: Request) -> Response:
        return FileResponse(samples.welcome(), media_type="image/jpeg")

    def _gone(self, request: Request) -> Response:
        locale = self._services.locales.of(visitor_of(request).language)
        return PlainTextResponse(locale.say("web-file-gone"), status_code=404)
