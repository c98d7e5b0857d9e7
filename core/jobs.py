"""Jobs and their photos: what is asked, by whom, where the answer goes, and how far it has come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from core.errors import UserError, Value
from core.look import Look

MAX_PHOTOS: Final = 20


class PhotoStatus(StrEnum):
    """How far one photo has come. A job has no status of its own: it is as far as its photos."""

    ARRIVING = "arriving"  # heard of; its bytes are still with the platform
    QUEUED = "queued"  # its bytes are in the spool
    RUNNING = "running"  # taken by the studio
    DONE = "done"  # its cartoon is in the spool
    FAILED = "failed"  # the person has not been told yet
    ANSWERED = "answered"  # cartoon sent or failure told; the spool may forget it
    CANCELLED = "cancelled"  # called off by the person, who knows; the spool may forget it


_CALLED_OFF: Final = frozenset({PhotoStatus.FAILED, PhotoStatus.CANCELLED})
MOVES: Final[Mapping[PhotoStatus, frozenset[PhotoStatus]]] = {
    PhotoStatus.ARRIVING: _CALLED_OFF | {PhotoStatus.QUEUED},
    PhotoStatus.QUEUED: _CALLED_OFF | {PhotoStatus.RUNNING},
    PhotoStatus.RUNNING: _CALLED_OFF | {PhotoStatus.DONE, PhotoStatus.QUEUED},
    PhotoStatus.DONE: frozenset({PhotoStatus.ANSWERED}),
    PhotoStatus.FAILED: frozenset({PhotoStatus.ANSWERED}),
    PhotoStatus.ANSWERED: frozenset(),
    PhotoStatus.CANCELLED: frozenset(),
}
# Nothing is left to draw; and nothing is left to do at all.
SETTLED: Final = frozenset({PhotoStatus.DONE, PhotoStatus.FAILED, PhotoStatus.ANSWERED, PhotoStatus.CANCELLED})
CLOSED: Final = frozenset({PhotoStatus.ANSWERED, PhotoStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks: a person on a platform."""

    platform: str
    user: str


@dataclass(frozen=True, slots=True)
class Chat:
    """Where the answer goes. `message` is what it replies to; `thread` is a topic, or on Discord who asked."""

    platform: str
    chat: str
    thread: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a photo has no cartoon: a UserError's code and values, as kept in the database."""

    code: str
    values: Mapping[str, Value]

    @classmethod
    def of(cls, error: UserError) -> "Failure":
        return cls(error.code, error.values)


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture of a job. `reference` is how its platform finds the bytes again; `place` sorts it.

    `trace`, once it is being sent, is how its front end finds out whether it arrived. `answer`, once it has, is
    the message that its cartoon is in.
    """

    id: int
    place: int
    name: str
    reference: str
    status: PhotoStatus
    failure: Failure | None = None
    trace: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One person's request: 1-20 photos in the order sent, one look, one chat, one language.

    `delivery` is one of core.look.DELIVERIES. `progress` is the message that tells how far it has come. Where
    nobody `asked` for it, only cartoons are worth a word.
    """

    id: str
    owner: Owner
    chat: Chat
    language: str
    look: Look
    photos: tuple[Photo, ...]
    delivery: str = "auto"
    progress: str | None = None
    asked: bool = True

    @property
    def drawable(self) -> tuple[Photo, ...]:
        """The photos that were neither unusable nor called off."""
        return tuple(
            photo for photo in self.photos if photo.failure is None and photo.status is not PhotoStatus.CANCELLED
        )

    @property
    def settled(self) -> bool:
        """Nothing is left to draw."""
        return all(photo.status in SETTLED for photo in self.photos)

    @property
    def closed(self) -> bool:
        """Nothing is left to do at all."""
        return all(photo.status in CLOSED for photo in self.photos)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A photo in the queue: all that the studio needs. `since`: when it was queued, on the loop's clock."""

    photo_id: int
    job_id: str
    owner: Owner
    look: Look
    since: float


class Ledger(Protocol):
    """Where the studio writes down what becomes of photos. storage.jobs keeps it.

    Every method raises StorageUnwritable when the disk does not take it.
    """

    async def start(self, photo_id: int) -> int | None:
        """QUEUED -> RUNNING; how often the device had it before. None when it is no longer wanted."""
        ...

    async def attempt(self, photo_ids: Sequence[int]) -> Collection[int]:
        """The device is about to have them, once more; those that are still wanted."""
        ...

    async def put_back(self, photo_id: int, counted: bool) -> bool:
        """RUNNING -> QUEUED. False when it is no longer wanted. Not `counted`, the last attempt was none."""
        ...

    async def finish(self, photo_id: int) -> bool:
        """RUNNING -> DONE. False when it is no longer wanted."""
        ...

    async def fail(self, photo_id: int, error: UserError) -> bool:
        """Any unsettled status -> FAILED. False when it is no longer wanted."""
        ...


class Files(Protocol):
    """Where the bytes of photos in flight are. storage.spool keeps them."""

    def source(self, photo_id: int) -> Path:
        """The photo as it came."""
        ...

    def result(self, photo_id: int, file_format: str) -> Path:
        """Its cartoon."""
        ...

    def forget(self, photo_id: int) -> None:
        """Remove all files of a photo, finished or not."""
        ...
