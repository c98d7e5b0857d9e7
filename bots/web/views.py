"""What the page shows, as plain data: messages of the chat, and jobs with their photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bots.replies import Rows

# What every browser can show; other files appear by name, and are only saved.
MEDIA_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that a browser may fetch. `url` is relative to the page; `alt` is for who cannot see it.

    `small`: a thumbnail is shown in its place, of files of any kind. Width and height are in pixels; None where
    nobody has looked.
    """

    url: str
    name: str
    alt: str = ""
    width: int | None = None
    height: int | None = None
    small: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the chat. `is_own`: the person said it. `files` are offered for download."""

    id: int
    is_own: bool
    text: str
    pictures: Sequence[Picture] = ()
    files: Sequence[Picture] = ()
    buttons: Rows = ()


class State(StrEnum):
    """How far a photo is, as people see it."""

    WAITING = "waiting"
    DRAWING = "drawing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo of a job: `number` counts from 1, `reason` says why it failed. `upload` may be gone."""

    number: int
    name: str
    state: State
    upload: Picture | None = None
    cartoon: Picture | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job. `ahead`: photos that come first; `seconds` until it is done, None where nobody knows.

    `look` is in words; `is_sheet`: each result is a sheet of several drawings.
    """

    id: str
    look: str
    photos: Sequence[PhotoView]
    ahead: int = 0
    seconds: float | None = None
    is_sheet: bool = False

    @property
    def is_over(self) -> bool:
        """Nothing more will come."""
        return all(photo.state not in (State.WAITING, State.DRAWING) for photo in self.photos)
