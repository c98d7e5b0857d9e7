"""The stand-in Telegram and the real library, for the tests of the stand-in."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot

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
