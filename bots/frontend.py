"""What every front end is to the rest of the program, and what it hears and hands over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bots.delivery import Limits, Parcel
from bots.replies import Reply
from core.jobs import Chat, Job, Owner
from core.look import Preferences, SheetKind

# Writes a trace down.
Note = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes, and in which language they are answered, as a tag such as "zh-hans".

    `app_language` is what the platform reports, whatever they have chosen.
    """

    owner: Owner
    language: str | None
    app_language: str | None = None


@dataclass(frozen=True, slots=True)
class HeardPhoto:
    """A photo somebody sent, before its bytes are fetched.

    `reference` is how the front end fetches it, now or after a restart. `place` sorts the photos of a job.
    `group` is the platform's album id. `weight` is in bytes, where the platform tells. `origin` names the message
    it came with, where the platform may bring that again after a restart. `sheet`: it is to be compared on one.
    `alone`: it is a job by itself, whatever else comes. `asked`: somebody wants it drawn. `wishes`: what it should
    become, where that is not left to what the person has set and to the caption.
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
    sheet: SheetKind | None = None
    alone: bool = False
    asked: bool = True
    wishes: Preferences | None = None


class Hearing(Protocol):
    """Where front ends take the photos they hear of: bots.reception."""

    async def hear(self, photo: HeardPhoto, *, complete: bool = False) -> str:
        """Note a photo, so that it outlives a restart; returns its job's id. `complete`: no more follow.

        Raises UserError when nothing was noted: the person may not send any, or the disk takes nothing.
        """
        ...

    async def take(self, photos: Sequence[HeardPhoto]) -> str:
        """Note a whole request, of which no more photos follow; all of it or nothing. Its job's id.

        The first photo says for whom, where and how; each may still be refused, which is told with the rest.
        Raises UserError when nothing was noted: the person may not send any, or the disk takes nothing.
        """
        ...

    async def draw_again(self, job: Job, origin: str) -> None:
        """Fetch a job's photos once more and draw them, as a job of its own. `origin` names what asked for it.

        Look, delivery, language and chat are those of `job`, which may differ from what they were.
        Raises UserError when nothing was noted.
        """
        ...


class FrontEnd(Protocol):
    """A chat platform. Its methods may be called from any task of the event loop."""

    @property
    def ready(self) -> asyncio.Event:
        """Set while people can be heard and answered."""
        ...

    @property
    def downloads(self) -> bool:
        """Whether fetching photos asks another machine, which must not be asked too often."""
        ...

    def limits_of(self, chat: Chat) -> Limits:
        """What one message to this chat may carry."""
        ...

    def line_of(self, chat: Chat) -> str:
        """Jobs of the same line are answered one after another."""
        ...

    async def run(self) -> None:
        """Serve until cancelled, then tidy up. Raises ConfigError when it cannot start as set up."""
        ...

    async def fetch(self, reference: str, path: Path) -> None:
        """Download a photo's bytes into `path`; one try.

        Raises PhotoError, or Busy or Unreached when another try later may help.
        """
        ...

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        """Send a message of at most as many characters as the chat's limits allow.

        Its name; None where it cannot be changed later.

        Raises ChatGone or Refused.
        """
        ...

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        """Change a message of ours if there is room to spare just now; whether it was done.

        Raises ChatGone or Refused when it cannot be changed any more.
        """
        ...

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        """Delete messages of ours, and whatever else still says that an answer is coming; whether they are gone.

        Never raises.
        """
        ...

    async def show_activity(self, chat: Chat) -> None:
        """Let the person see for some seconds that a picture is being made, if there is room to spare just now."""
        ...

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> Sequence[str | None]:
        """Send cartoons; the name of the message that each result is in. Raises ChatGone or Refused, TooLarge too.

        An album shows no buttons. Immediately before, `note` is told a trace by which `arrived` can find out what
        became of them. `into` is the message that tells how far the job has come; a platform may turn it into the
        answer.
        """
        ...

    async def arrived(self, chat: Chat, parcel: Parcel, caption: Reply, trace: str) -> Sequence[str] | None:
        """The messages of cartoons that were being sent when an earlier run ended, if they have arrived."""
        ...
