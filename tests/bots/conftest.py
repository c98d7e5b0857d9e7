"""The stand-in Discord with two people and a place, for the tests of the whole program there."""

from collections.abc import AsyncGenerator

import pytest

from tests.bots.discord_program import watched
from tests.fakes import discord_rates
from tests.fakes.discord import DiscordServer, Guild, GuildChannel, Person


@pytest.fixture
async def server() -> AsyncGenerator[DiscordServer]:
    async with watched() as server:
        yield server


@pytest.fixture
def anna(server: DiscordServer) -> Person:
    return server.person("Anna")


@pytest.fixture
def li(server: DiscordServer) -> Person:
    return server.person("Li")


@pytest.fixture
def guild(server: DiscordServer) -> Guild:
    return server.guild("Friends")


@pytest.fixture
def channel(guild: Guild) -> GuildChannel:
    return guild.channel("photos")


@pytest.fixture
def many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels take as many as are sent: after five the library would wait for five seconds."""
    monkeypatch.setattr(discord_rates, "MESSAGES", (50, 5.0))
