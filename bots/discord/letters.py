"""Messages on their way to Discord."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import discord

from bots.delivery import Parcel
from bots.discord.wire import Source, nonce_of, parts_of
from bots.replies import Reply, Rows


@dataclass(frozen=True, slots=True)
class Letter:
    """A message. `mention`: the person is named where nothing else tells them of it."""

    content: str
    buttons: Rows = ()
    parcel: Parcel | None = None
    picture: Path | None = None
    nonce: str = ""
    quiet: bool = False
    mention: bool = False

    @classmethod
    def with_cartoons(cls, parcel: Parcel, caption: Reply) -> "Letter":
        """Cartoons and the words with them. However often they are sent, they are marked the same."""
        return cls(
            "".join(parts_of(caption.text)[:1]),
            caption.buttons,
            parcel,
            nonce=nonce_of(result.photo_id for result in parcel.results),
            mention=bool(caption.buttons),
        )

    def files(self) -> list[discord.File]:
        """Opened for each try; the library closes them."""
        if self.picture is not None:
            return [discord.File(self.picture)]
        if self.parcel is None:
            return []
        if self.parcel.archive is not None:
            return [discord.File(self.parcel.archive, self.parcel.name)]
        return [
            discord.File(
                result.path,
                result.name,
                spoiler=Source.of(result.reference).spoiler,
                description=result.alt or None,
            )
            for result in self.parcel.results
        ]

    def attached(self) -> list[tuple[str, int]]:
        """The names of its cartoons as they are at Discord, and their bytes."""
        if self.parcel is None:
            return []
        files = self.files()
        for file in files:
            file.close()
        paths = [self.parcel.archive] if self.parcel.archive else [result.path for result in self.parcel.results]
        return [(file.filename, path.stat().st_size) for file, path in zip(files, paths, strict=True)]


def letters_of(reply: Reply) -> list[Letter]:
    """A reply in as many messages as it takes; picture and buttons come with the last."""
    *before, last = parts_of(reply.text) or [""]
    return [
        *(Letter(content, nonce=_fresh_nonce(), quiet=reply.quiet) for content in before),
        Letter(
            last,
            reply.buttons,
            picture=reply.picture,
            nonce=_fresh_nonce(),
            quiet=reply.quiet,
            mention=not reply.quiet,
        ),
    ]


def carries(message: discord.Message, attached: Sequence[tuple[str, int]]) -> bool:
    """Whether a message has these files."""
    return [(attachment.filename, attachment.size) for attachment in message.attachments] == [*attached]


def _fresh_nonce() -> str:
    return uuid4().hex[:24]
