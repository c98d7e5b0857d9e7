"""Whether a lost message arrived: the real client library against the stand-in's message numbers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto

from bots.replies import Button, Reply
from bots.telegram.probe import Probe
from bots.telegram.wire import keyboard, name_of
from core.jobs import Chat
from tests.fakes.telegram import Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes

ANNA = Person(1001)
PICTURE = jpeg_bytes(gradient(40, 30))
CAPTION = "Here is your cartoon: ink 0.7."
DONE = Reply(CAPTION, ((Button("Delete", "delete:1"),),))


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncGenerator[Bot]:
    async with Bot(telegram.token, telegram.base_url, telegram.base_file_url) as bot:
        yield bot


async def at_once(call: Callable[[], Awaitable[Any]]) -> Any:
    return await call()


async def test_what_was_found_is_not_taken_for_what_is_sent_next(telegram: TelegramServer, bot: Bot):
    asked = await telegram.send_photo(ANNA, PICTURE)
    chat, probe = Chat("telegram", str(ANNA.id), message=str(asked.message_id)), Probe(bot, at_once)
    trace = probe.trace(chat)
    assert not await probe.find(chat, DONE, trace, 1)
    # Sent, and the answer lost: the probe is not shown it.
    lost = await bot.send_photo(ANNA.id, PICTURE, caption=CAPTION, reply_markup=keyboard(DONE.buttons))
    assert await probe.find(chat, DONE, trace, 1) == [name_of(chat.chat, lost.message_id)]
    assert not await probe.find(chat, DONE, probe.trace(chat), 1)
    assert not await probe.find(chat, DONE, trace, 1)


async def test_a_cartoon_with_other_words_that_answers_another_message_is_not_ours(
    telegram: TelegramServer, bot: Bot
):
    first, second = [await telegram.send_photo(ANNA, PICTURE) for _ in range(2)]
    await bot.send_photo(ANNA.id, PICTURE, caption="3 of them", reply_to_message_id=first.message_id)
    chat, probe = Chat("telegram", str(ANNA.id), message=str(second.message_id)), Probe(bot, at_once)
    assert not await probe.find(chat, DONE, probe.trace(chat), 1)
    ours = Chat("telegram", str(ANNA.id), message=str(first.message_id))
    await bot.send_photo(ANNA.id, PICTURE, caption="other words", reply_to_message_id=first.message_id)
    assert await probe.find(ours, DONE, probe.trace(ours), 1)


async def test_sentences_and_other_peoples_messages_are_no_cartoons(telegram: TelegramServer, bot: Bot):
    asked = await telegram.send_photo(ANNA, PICTURE)
    chat, probe = Chat("telegram", str(ANNA.id), message=str(asked.message_id)), Probe(bot, at_once)
    await bot.send_message(ANNA.id, CAPTION)
    await telegram.send_photo(ANNA, PICTURE, caption=CAPTION)
    await bot.send_photo((await telegram.send_text(Person(7), "hi")).chat.id, PICTURE, caption=CAPTION)
    assert not await probe.find(chat, DONE, probe.trace(chat), 1)


async def test_what_earlier_runs_knew_bounds_where_it_looks(telegram: TelegramServer, bot: Bot):
    asked = await telegram.send_photo(ANNA, PICTURE)
    for _ in range(100):
        await telegram.send_text(Person(7), "others write, too")
    lost = await bot.send_photo(ANNA.id, PICTURE, caption=CAPTION, reply_markup=keyboard(DONE.buttons))
    chat = Chat("telegram", str(ANNA.id), message=str(asked.message_id))
    assert not await Probe(bot, at_once).find(chat, DONE, str(asked.message_id), 1)
    known = [("7", lost.message_id - 5)]
    assert Probe(bot, at_once, known).trace(chat) == str(lost.message_id - 5)
    assert await Probe(bot, at_once, known).find(chat, DONE, str(lost.message_id - 5), 1)


async def test_a_sentence_and_an_album_are_found_by_what_they_say(telegram: TelegramServer, bot: Bot):
    asked = await telegram.send_photo(ANNA, PICTURE)
    chat, probe = Chat("telegram", str(ANNA.id), message=str(asked.message_id)), Probe(bot, at_once)
    trace = probe.trace(chat)
    album = await bot.send_media_group(ANNA.id, [InputMediaPhoto(PICTURE)] * 3)
    said = await bot.send_message(ANNA.id, CAPTION, reply_markup=keyboard(DONE.buttons))
    assert await probe.find(chat, DONE, trace, 0) == [name_of(chat.chat, said.message_id)]
    assert await probe.find(chat, Reply(""), trace, 3) == [
        name_of(chat.chat, message.message_id) for message in album
    ]
    assert await probe.find(chat, DONE, trace, 0) is None
