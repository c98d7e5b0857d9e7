"""What every front end is to the rest of the program, and what it hears and hands over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bots.delivery import Limits, Parcel
from core.jobs import Chat, Owner

# Writes a trace down.
Note = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes, and the language tag that the platform reports for them, such as "zh-hans"."""

    owner: Owner
    language: str | None


@dataclass(frozen=True, slots=True)
class HeardPhoto:
    """A photo somebody sent, before its bytes are fetched.

    `reference` is how the front end fetches it, now or after a restart. `place` sorts the photos of a job.
    `group` is the platform's album id. `weight` is in bytes, where the platform tells. `origin` names the message
    it came with, where the platform may bring that again after a restart.
    """

    person: Person
    chat: Chat
    place: int
    name: str
    reference: str
    caption: str = ""
    group: str | None = None
    weight: int | None = None
    origin: str | None = None


class Hearing(Protocol):
    """Where front ends take the photos they hear of: bots.reception."""

    async def hear(self, photo: HeardPhoto, *, complete: bool = False) -> str:
        """Note a photo, so that it outlives a restart; returns its job's id. `complete`: no more follow.

        Raises UserError when nothing was noted: the person may not send any, or the disk takes nothing.
        """
        ...


class FrontEnd(Protocol):
    """A chat platform. Its methods may be called from any task of the event loop."""

    @property
    def limits(self) -> Limits:
        """What one message may carry."""
        ...

    @property
    def ready(self) -> asyncio.Event:
        """Set while people can be heard and answered."""
        ...

    async def run(self) -> None:
        """Serve until cancelled, then tidy up. Raises ConfigError when it cannot start as set up."""
        ...

    async def fetch(self, reference: str, path: Path) -> None:
        """Download a photo's bytes into `path`; one try.

        Raises PhotoError, or Busy or Unreached when another try later may help.
        """
        ...

    async def say(self, chat: Chat, text: str) -> None:
        """Send a sentence of at most `limits.text` characters. Raises ChatGone or Refused."""
        ...

    async def deliver(self, chat: Chat, parcel: Parcel, caption: str, note: Note) -> None:
        """Send cartoons. Raises ChatGone or Refused.

        Immediately before, `note` is told a trace by which `arrived` can find out what became of them.
        """
        ...

    async def arrived(self, chat: Chat, parcel: Parcel, caption: str, trace: str) -> bool:
        """Whether cartoons that were being sent when an earlier run ended have arrived."""
        ...
