"""What every front end is to the rest of the program, and what it hears and hands over."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bots.delivery import Limits, Parcel
from core.jobs import Chat, Owner


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes, and the language tag that the platform reports for them, such as "zh-hans"."""

    owner: Owner
    language: str | None


@dataclass(frozen=True, slots=True)
class HeardPhoto:
    """A photo somebody sent, before its bytes are fetched.

    `reference` is how the front end fetches it, now or after a restart. `place` sorts the photos of a job.
    `group` is the platform's album id. `weight` is in bytes, where the platform tells.
    """

    person: Person
    chat: Chat
    place: int
    name: str
    reference: str
    caption: str = ""
    group: str | None = None
    weight: int | None = None


class Hearing(Protocol):
    """Where front ends take the photos they hear of: bots.reception."""

    async def hear(self, photo: HeardPhoto, *, complete: bool = False) -> str:
        """Note a photo, so that it outlives a restart; returns its job's id. `complete`: no more follow."""
        ...


class FrontEnd(Protocol):
    """A chat platform. Its methods may be called from any task of the event loop."""

    @property
    def limits(self) -> Limits:
        """What one message may carry."""
        ...

    async def run(self) -> None:
        """Serve until cancelled, then tidy up. Raises ConfigError when it cannot start as set up."""
        ...

    async def fetch(self, reference: str, path: Path) -> None:
        """Download a photo's bytes into `path`. Raises PhotoError."""
        ...

    async def say(self, chat: Chat, text: str) -> None:
        """Send a sentence of at most `limits.text` characters. Raises ChatGone or Refused."""
        ...

    async def deliver(self, chat: Chat, parcel: Parcel, caption: str) -> None:
        """Send cartoons. Raises ChatGone or Refused."""
        ...
