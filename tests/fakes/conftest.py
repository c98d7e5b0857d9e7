"""The stand-ins for chats and the real libraries, for the tests of the stand-ins."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot

from tests.fakes.discord import DiscordServer, GuildChannel, Person
from tests.fakes.discord_bot import point_at
from tests.fakes.telegram import TelegramServer


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A server that has a private chat with person 7."""
    async with TelegramServer() as server:
        server.chat(7)
        yield server


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot:
        yield bot


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    """A Discord that the library talks to."""
    async with DiscordServer() as server:
        point_at(server, monkeypatch)
        yield server


@pytest.fixture
def anna(server: DiscordServer) -> Person:
    return server.person("Anna")


@pytest.fixture
def channel(server: DiscordServer) -> GuildChannel:
    return server.guild("Friends").channel("photos")
