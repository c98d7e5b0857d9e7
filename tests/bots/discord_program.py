"""The real program at the stand-in Discord: how it starts, what people see of it, and what it leaves behind."""

import io
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from PIL import Image

from core.engine import Engine
from core.styles.registry import Build
from tests.fakes.discord import Channel, DiscordServer, Interaction, Message
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

PHOTO = jpeg_bytes(gradient(120, 80))
FILE = ("cat.jpg", PHOTO)


@asynccontextmanager
async def watched() -> AsyncGenerator[DiscordServer]:
    """A Discord with which nothing may go wrong: no violation, no flood, and nobody pinged who did not ask."""
    async with DiscordServer() as server:
        yield server
        assert not server.violations, server.violations
        assert not server.floods, server.floods
        spoken = [call.payload for call in server.calls if call.method != "GET" and "/messages" in call.route]
        allowed = [
            payload["allowed_mentions"]["parse"] for payload in spoken if payload and payload.get("content")
        ]
        assert not any(allowed), "somebody who did not ask may be pinged"


@asynccontextmanager
async def serving(
    server: DiscordServer,
    folder: Path,
    build_engine: Callable[[str, Build], Engine] = QuickEngine,
    **changes: object,
) -> AsyncGenerator[None]:
    """The program from when it hears people and they see its commands."""
    settings = settings_in(folder, None, server, **{"album_seconds": 0.1, **changes})
    async with running(settings, build_engine):
        await server.until(lambda: server.gateway.connected and server.commands.registered)
        yield


def cartoons(channel: Channel) -> list[Message]:
    """The bot's messages with files."""
    return [message for message in channel.messages if message.author.is_bot and message.attachments]


async def cartoon(server: DiscordServer, channel: Channel, number: int = 1) -> Message:
    """The first message of the bot with files there, or the one of that number, when it has come."""
    await server.until(lambda: len(cartoons(channel)) >= number)
    return cartoons(channel)[number - 1]


async def drawn(server: DiscordServer, interaction: Interaction) -> Message:
    """The message that brings the cartoons to who asked by an interaction, when they are in it."""
    found = await server.until(lambda: [each for each in answers(interaction) if each.attachments])
    return found[0]


def answers(interaction: Interaction) -> list[Message]:
    """All messages that answer it and are still to be seen."""
    first = [interaction.answer] if interaction.answer is not None else []
    return [message for message in (*first, *interaction.followups) if not message.deleted]


async def told(server: DiscordServer, channel: Channel, words: str) -> Message:
    """The first message of the bot there with these words."""
    found = await server.until(
        lambda: [each for each in channel.messages if each.author.is_bot and words in each.content]
    )
    return found[0]


def labels(message: Message) -> list[str]:
    """What its buttons say."""
    return [part["label"] for part in message.parts if "label" in part]


def size_of(message: Message, number: int = 0) -> tuple[int, int]:
    """Width and height of a picture in it, as its bytes have them."""
    with Image.open(io.BytesIO(message.attachments[number].data)) as image:
        image.load()
        return image.size


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "cartoonbot.sqlite3", isolation_level=None)) as database:
        return database.execute(query).fetchall()


def statuses(folder: Path) -> dict[object, object]:
    """How many photos have each status."""
    return dict(rows(folder, "SELECT status, count(*) FROM photos GROUP BY status"))  # type: ignore[arg-type]


def spooled(folder: Path, suffix: str) -> list[bytes]:
    """The files in the spool with this suffix, in the order of their photos."""
    files = sorted((folder / "spool").glob(f"*.{suffix}"), key=lambda path: int(path.name.partition(".")[0]))
    return [path.read_bytes() for path in files]
