"""Bringing the photos that people sent to Telegram: by HTTP, or from a local Bot API server's folder."""

import asyncio
import logging
import os
import shutil
from pathlib import Path
from urllib.parse import quote

from telegram import Bot
from telegram.error import BadRequest, RetryAfter, TelegramError

from bots.outbox import Busy, Unreached
from bots.telegram.wire import wait_of
from core.errors import PhotoTooHeavy, PhotoUnavailable

log = logging.getLogger(__name__)


async def fetch(bot: Bot, reference: str, path: Path, most_bytes: int, local_folder: Path | None) -> None:
    """Bring a file into `path` by its file_id; one try. `local_folder` is where a local server keeps its files.

    Raises PhotoTooHeavy, PhotoUnavailable, Busy or Unreached.
    """
    try:
        file = await bot.get_file(reference)
        if not file.file_path:
            raise PhotoUnavailable
        # Not the library's download: it reads any file of this machine that bears the name the server gives.
        place = file.file_path.removeprefix(f"{bot.base_file_url}/")
        if Path(place).is_absolute():
            await asyncio.to_thread(_copy, bot, place, path, most_bytes, local_folder)
            return
        _check(file.file_size or 0, most_bytes)
        # Into memory, over the bot's own connections: Telegram hands out no more than 20 MB.
        data = await bot.request.retrieve(f"{bot.base_file_url}/{quote(place)}")
    except BadRequest as error:
        if "too big" in error.message.lower():
            raise PhotoTooHeavy(megabytes="20+", limit=20) from error
        raise PhotoUnavailable from error
    except RetryAfter as error:
        raise Busy(wait_of(error)) from error
    except TelegramError as error:
        raise Unreached(error.message) from error
    _check(len(data), most_bytes)
    await asyncio.to_thread(path.write_bytes, data)


def _copy(bot: Bot, place: str, path: Path, most_bytes: int, folder: Path | None) -> None:
    """Copy a file that a local server keeps, if it is one of its own."""
    try:
        source = Path(place).resolve(strict=True)
        # Neither a way out through a link or "..", nor a pipe that would never end.
        if folder is None or not source.is_relative_to(folder.resolve()) or not source.is_file():
            raise PermissionError("not a file of the local server")
        file = source.open("rb")
    except (OSError, RuntimeError, ValueError) as error:
        log.warning(
            "The Bot API server keeps a photo at %s, and this program may read no file there. "
            "Set TELEGRAM_LOCAL_FOLDER to the server's folder, which both must see under the same path.",
            place.replace(bot.token, "[token]"),
        )
        raise PhotoUnavailable from error
    with file:
        _check(os.fstat(file.fileno()).st_size, most_bytes)
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)


def _check(weight: int, most_bytes: int) -> None:
    if weight > most_bytes:
        raise PhotoTooHeavy(megabytes=round(weight / 1e6, 1), limit=round(most_bytes / 1e6, 1))
