"""A client of the real discord.py at the stand-in Discord, for the tests of the stand-in."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bots.discord.frontend import end_heartbeats
from tests.fakes.discord import DiscordServer

Running = TypeVar("Running", bound=discord.Client)


class Client(discord.Client):
    """Keeps what it hears for tests that wait for it; `tree` holds its commands."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        default = discord.Intents.default()
        default.message_content = True
        super().__init__(intents=intents or default, guild_ready_timeout=0.1)
        self.tree = app_commands.CommandTree(self)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.edited: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.left: asyncio.Queue[discord.Guild] = asyncio.Queue()
        self.asked: asyncio.Queue[discord.Interaction] = asyncio.Queue()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.put_nowait(message)

    async def on_message_edit(self, before: discord.Message, after: discord.Message) -> None:
        self.edited.put_nowait(after)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.left.put_nowait(guild)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self.asked.put_nowait(interaction)


def point_at(server: DiscordServer, patch: pytest.MonkeyPatch) -> None:
    """Let the library talk to the stand-in."""
    patch.setattr(Route, "BASE", server.api_url)
    patch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))


@asynccontextmanager
async def running(client: Running, server: DiscordServer) -> AsyncGenerator[Running]:
    """The client, from when it is ready to when it has closed."""
    try:
        async with client:
            connection = asyncio.create_task(client.start(server.token))
            ready = asyncio.create_task(client.wait_until_ready())
            await asyncio.wait([connection, ready], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if connection.done():
                connection.result()
            yield client
            await client.close()
            await connection
    finally:
        await end_heartbeats()
