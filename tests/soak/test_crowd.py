"""The count that the soak tests rely on: each answer, sent by hand, is counted for the right photo."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from telegram import Bot, InputMediaPhoto, ReplyParameters

from bots.locales import Locale
from core.errors import PhotoFailed, StorageUnwritable
from core.jobs import Failure
from tests.fakes.telegram import TelegramServer
from tests.soak.crowd import COLORS, Crowd, Photo, color_of, jpeg_of

PEOPLE, PHOTOS = 2, 16


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot:
        yield bot


@pytest.fixture
async def crowd(telegram: TelegramServer) -> Crowd:
    """All their photos are sent, albums among them."""
    crowd = Crowd(telegram, PEOPLE, PHOTOS, seed=1)
    await asyncio.gather(*(crowd.send(customer, item, after=0) for customer, item in crowd.items))
    return crowd


def photos_of(crowd: Crowd, place: int) -> tuple[int, list[Photo]]:
    customer = crowd.customers[place]
    return customer.person.id, customer.photos


@pytest.mark.parametrize("color", COLORS[::7])
def test_colors_survive_jpeg(color: tuple[int, int, int]) -> None:
    assert color_of(jpeg_of(color)) == color


async def test_without_answers_all_photos_are_lost(crowd: Crowd) -> None:
    crowd.count()
    assert crowd.report()["lost"] == crowd.report()["photos"] == PHOTOS
    await crowd.answered(quiet=0.01)


async def test_a_cartoon_counts_for_its_photo_and_a_second_one_as_a_duplicate(crowd: Crowd, bot: Bot) -> None:
    chat, (first, second, third, *_) = photos_of(crowd, 0)
    await bot.send_photo(chat, jpeg_of(first.color))
    await bot.send_media_group(chat, [InputMediaPhoto(jpeg_of(each.color)) for each in (first, second)])
    crowd.count()
    assert (first.cartoons, second.cartoons, third.cartoons) == (2, 1, 0)
    report = crowd.report()
    assert (report["drawn"], report["duplicates"], report["lost"]) == (2, 1, PHOTOS - 2)
    assert report["duplicates_by_kind"] == {"in an album": 1}


async def test_a_cartoon_in_the_wrong_chat_is_astray(crowd: Crowd, bot: Bot) -> None:
    _, (mine, *_) = photos_of(crowd, 0)
    other, _ = photos_of(crowd, 1)
    await bot.send_photo(other, jpeg_of(mine.color))
    await bot.send_photo(other, jpeg_of((44, 100, 156)))
    crowd.count()
    assert (crowd.report()["astray"], crowd.report()["answered"]) == (2, 0)


async def test_a_sentence_of_failure_counts_for_the_photo_that_it_names(crowd: Crowd, bot: Bot) -> None:
    locale = Locale("en")
    chat, photos = photos_of(crowd, 0)
    reason = locale.error(Failure.of(PhotoFailed()))
    lines = [locale.say("photo-failed-line", number=number, name="photo", reason=reason) for number in (1, 3)]
    await bot.send_message(chat, "\n".join(lines), reply_parameters=ReplyParameters(photos[4].message_id))
    alone = locale.say("photo-failed-only", name="photo", reason=reason)
    await bot.send_message(chat, alone, reply_parameters=ReplyParameters(photos[1].message_id))
    await bot.send_message(chat, alone)
    crowd.count()
    assert [place for place, photo in enumerate(photos) if photo.failures] == [1, 4, 6]
    report = crowd.report()
    assert (report["failed_told"], report["unmatched_sentences"], report["lost"]) == (3, 1, PHOTOS - 3)


async def test_photos_that_failed_alike_are_told_together(crowd: Crowd, bot: Bot) -> None:
    chat, photos = photos_of(crowd, 0)
    text = Locale("en").say("photos-failed-line", first=2, last=4, reason="it rains.")
    await bot.send_message(chat, text, reply_parameters=ReplyParameters(photos[1].message_id))
    crowd.count()
    assert [place for place, photo in enumerate(photos) if photo.failures] == [2, 3, 4]


async def test_a_refusal_stands_for_the_rest_of_its_album(crowd: Crowd, bot: Bot) -> None:
    sentence = Locale("en").error(StorageUnwritable())
    customer, album = next((customer, item) for customer, item in crowd.items if len(item) > 2)
    await bot.send_message(customer.person.id, sentence, reply_parameters=ReplyParameters(album[0].message_id))
    await bot.send_photo(customer.person.id, jpeg_of(album[1].color))
    crowd.count()
    assert [photo.refusals for photo in album] == [1, 0] + [1] * (len(album) - 2)
    report = crowd.report()
    assert report["refused_told"] == sum(photo.refusals for photo in customer.photos) == len(album) - 1
    assert report["told_though_drawn"] == 0


async def test_other_sentences_answer_nothing(crowd: Crowd, bot: Bot) -> None:
    chat, (first, *_) = photos_of(crowd, 0)
    for text in ("Got your photo: ink 0.7", Locale("en").say("something-broke")):
        await bot.send_message(chat, text, reply_parameters=ReplyParameters(first.message_id))
    crowd.count()
    assert crowd.report()["lost"] == PHOTOS
