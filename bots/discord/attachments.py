"""Bringing the photos that people sent to Discord, from its CDN and from nowhere else."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Collection, Generator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import httpx

from bots.outbox import Busy, Unreached
from core.errors import PhotoTooHeavy, PhotoUnavailable

log = logging.getLogger(__name__)

# Seconds: to connect, between two pieces of a body, and for a photo from first to last.
CONNECT, BETWEEN, DEADLINE = 10.0, 30.0, 300.0
# Seconds, where the server asks to wait and says not for how long; and the most we take its word for.
USUAL_WAIT: Final = 30
LONGEST_WAIT: Final = 3600
# Links to pictures.
REMEMBERED: Final = 10_000
MOST_REDIRECTS: Final = 3
PIECE: Final = 256 * 1024


class Attachments:
    """The way to the CDN. `origins` are written as "https://cdn.discordapp.com"; `deadline` is seconds a photo."""

    def __init__(self, origins: Collection[str], most_bytes: int, deadline: float = DEADLINE) -> None:
        self._origins = tuple(f"{origin}/" for origin in origins)
        self._most_bytes = most_bytes
        self._deadline = deadline
        # Packed bodies could unpack to a thousand times of what was counted.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(BETWEEN, connect=CONNECT), headers={"Accept-Encoding": "identity"}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def fetch(self, url: str, path: Path) -> None:
        """Bring an attachment into `path`; one try, and nothing is left there if it fails.

        Raises PhotoTooHeavy, PhotoUnavailable, Busy or Unreached.
        """
        try:
            async with asyncio.timeout(self._deadline):
                await self._fetch(url, path)
        except TimeoutError as error:
            raise Unreached(f"a photo took longer than {self._deadline:g} s") from error
        except httpx.HTTPError as error:
            raise Unreached(f"a photo did not arrive: {type(error).__name__}") from error
        except httpx.InvalidURL as error:
            raise PhotoUnavailable from error

    async def _fetch(self, url: str, path: Path) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            self._check_origin(url)
            async with self._client.stream("GET", url) as response:
                if response.next_request is None:
                    _check_status(response)
                    await self._store(response, path)
                    return
                url = str(response.next_request.url)
        raise PhotoUnavailable

    async def _store(self, response: httpx.Response, path: Path) -> None:
        told = int(response.headers.get("Content-Length", 0))
        if told > self._most_bytes:
            raise self._too_heavy(round(told / 1e6, 1))
        with _whole(path) as file:
            async for piece in response.aiter_raw(PIECE):
                if response.num_bytes_downloaded > self._most_bytes:
                    raise self._too_heavy(f"{round(self._most_bytes / 1e6, 1):g}+")
                await asyncio.to_thread(file.write, piece)

    def _too_heavy(self, megabytes: float | str) -> PhotoTooHeavy:
        return PhotoTooHeavy(megabytes=megabytes, limit=round(self._most_bytes / 1e6, 1))

    def _check_origin(self, url: str) -> None:
        # Letter by letter, with the slash that ends an origin: what is written in another way is not Discord's.
        if not url.startswith(self._origins):
            # The query of an address is what opens it.
            log.warning("a photo was not fetched, for it is not on Discord: %r", re.split("[?#]", url)[0][:200])
            raise PhotoUnavailable


class Links:
    """Where the pictures of the latest messages are. Later the messages are asked for them."""

    def __init__(self) -> None:
        self._urls: OrderedDict[int, str] = OrderedDict()

    def keep(self, attachment: int, url: str) -> None:
        """By the number of the attachment."""
        self._urls[attachment] = url
        if len(self._urls) > REMEMBERED:
            self._urls.popitem(last=False)

    def of(self, attachment: int) -> str:
        """Empty where it is not known."""
        return self._urls.get(attachment, "")


@contextmanager
def _whole(path: Path) -> Generator[BinaryIO]:
    """A file to write, which is taken away again unless all of it is written."""
    try:
        with path.open("wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _check_status(response: httpx.Response) -> None:
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        wait = response.headers.get("Retry-After", "")
        # It may also be a date.
        seconds = int(wait) if re.fullmatch(r"\d{1,9}", wait) else USUAL_WAIT
        raise Busy(min(seconds, LONGEST_WAIT))
    if response.is_server_error:
        raise Unreached(f"the CDN answers {response.status_code}")
    if response.status_code != HTTPStatus.OK:
        raise PhotoUnavailable
