"""Jobs and their photos: what is asked, by whom, where the answer goes, and how far it has come."""

from collections.abc import Mapping
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


MOVES: Final[Mapping[PhotoStatus, frozenset[PhotoStatus]]] = {
    PhotoStatus.ARRIVING: frozenset({PhotoStatus.QUEUED, PhotoStatus.FAILED}),
    PhotoStatus.QUEUED: frozenset({PhotoStatus.RUNNING, PhotoStatus.FAILED}),
    PhotoStatus.RUNNING: frozenset({PhotoStatus.DONE, PhotoStatus.FAILED, PhotoStatus.QUEUED}),
    PhotoStatus.DONE: frozenset({PhotoStatus.ANSWERED}),
    PhotoStatus.FAILED: frozenset({PhotoStatus.ANSWERED}),
    PhotoStatus.ANSWERED: frozenset(),
}
SETTLED: Final = frozenset({PhotoStatus.DONE, PhotoStatus.FAILED, PhotoStatus.ANSWERED})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks: a person on a platform."""

    platform: str
    user: str


@dataclass(frozen=True, slots=True)
class Chat:
    """Where the answer goes. `message` is what it replies to; `thread` is a forum topic."""

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
    """One picture of a job. `reference` is how its platform finds the bytes again; `place` sorts it."""

    id: int
    place: int
    name: str
    reference: str
    status: PhotoStatus
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One person's request: 1-20 photos in the order sent, one look, one chat, one language."""

    id: str
    owner: Owner
    chat: Chat
    language: str
    look: Look
    photos: tuple[Photo, ...]

    @property
    def settled(self) -> bool:
        """Nothing is left to draw."""
        return all(photo.status in SETTLED for photo in self.photos)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A photo's place in the queue: all that the studio needs to draw it. `source` and `result` are files."""

    photo_id: int
    job_id: str
    owner: Owner
    look: Look
    source: Path
    result: Path


class Ledger(Protocol):
    """Where the studio writes down what became of a photo. storage.jobs keeps it."""

    async def start(self, photo_id: int) -> bool:
        """QUEUED -> RUNNING. False when it is no longer wanted."""
        ...

    async def finish(self, photo_id: int) -> None:
        """RUNNING -> DONE."""
        ...

    async def fail(self, photo_id: int, error: UserError) -> None:
        """Any unsettled status -> FAILED."""
        ...
