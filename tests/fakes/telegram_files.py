"""The files the stand-in Telegram keeps, and the folder in which a local Bot API server puts them."""

import warnings
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

from PIL import Image

from tests.fakes.telegram_chats import File

THUMBNAIL_SIDES = (90, 320)
NOT_A_PICTURE = (90, 90)


class Files:
    """All files of one bot. With a folder they are handed over there, not by HTTP.

    `false_path` is what a test has getFile answer in place of the true path.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.by_id: dict[str, File] = {}
        self.by_path: dict[str, File] = {}
        self.folder = folder
        self.false_path: str | None = None
        self._numbers = count(1000)

    def keep(self, folder: str, data: bytes, **facts: Any) -> File:
        number = next(self._numbers)
        # As long as real ones, so that none fits into the 64 bytes of callback_data.
        file_id = f"AgACAgIAAxkBAAI{number:06}".ljust(83, "A")
        file = File(file_id, f"AQAD{number:012}", f"{folder}_{number}", data, **facts)
        self.by_id[file_id] = self.by_path[file.path] = file
        return file

    def keep_document(self, data: bytes, name: str | None, mime_type: str | None) -> File:
        return self.keep("documents/file", data, name=name, mime_type=mime_type)

    def keep_photo(self, data: bytes) -> list[File]:
        """Every size of a photo, smallest first; the last is the very bytes given."""
        width, height = picture_size(data) or NOT_A_PICTURE
        pictures = [*thumbnails(data), (data, width, height)]
        return [self.keep("photos/file", bits, width=wide, height=high) for bits, wide, high in pictures]

    def path_of(self, file: File) -> str:
        """The file_path of getFile: part of an address, or where a local server has just put the file."""
        if self.false_path is not None:
            return self.false_path
        if self.folder is None:
            return file.path
        path = self.folder.absolute() / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        return str(path)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, or None when Pillow cannot read the data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # only the header is read
            with Image.open(BytesIO(data)) as picture:
                return picture.size
    except (OSError, Image.DecompressionBombError):
        return None


def thumbnails(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Real smaller copies (JPEG bytes, width, height), so that a bot taking the wrong size is found out."""
    for side in THUMBNAIL_SIDES:
        if max(picture_size(data) or (0, 0)) <= side:
            return
        try:
            with Image.open(BytesIO(data)) as picture:
                picture.thumbnail((side, side))
                small = BytesIO()
                picture.convert("RGB").save(small, "JPEG")
                yield small.getvalue(), picture.width, picture.height
        except OSError:  # a picture cut short has a header but no pixels
            return
