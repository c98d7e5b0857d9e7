"""The stand-in Telegram, seen through the real python-telegram-bot."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from tests.fakes.telegram import Fault, Person, TelegramServer, Weather
from tests.fakes.telegram_chats import Json
from tests.fakes.telegram_schema import MEGABYTE, published_schema

ANN = Person(7, "Ann", "de")
needs_schema = pytest.mark.skipif(published_schema() is None, reason="the published Bot API schema is not here")


def picture(width: int = 64, height: int = 48, color: str = "teal", form: str = "PNG") -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), color).save(data, form)
    return data.getvalue()


def buttons(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data=data)]])


@pytest.fixture(autouse=True)
def durations_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the library warns whenever it makes a RetryAfter."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


async def test_bot_knows_itself(telegram: TelegramServer, bot: Bot) -> None:
    assert bot.username == "cartoon_test_bot"
    assert await bot.set_my_commands([BotCommand("style", "How strong")])
    assert await bot.log_out()
    assert [call.method for call in telegram.calls] == ["getMe", "setMyCommands", "logOut"]
    assert telegram.violations == []


async def test_wrong_token_is_refused(telegram: TelegramServer) -> None:
    with pytest.raises(InvalidToken):
        async with Bot("1:WRONG", base_url=telegram.base_url):
            pass


async def test_application_answers_a_command_and_a_button(telegram: TelegramServer) -> None:
    async def style(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message
        await update.message.reply_text(f"strength {context.args}", reply_markup=buttons("redo:1"), do_quote=True)

    async def redo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        await update.callback_query.answer("Once more")
        await update.callback_query.edit_message_text("redone")

    builder = Application.builder().token(telegram.token)
    app = builder.base_url(telegram.base_url).base_file_url(telegram.base_file_url).build()
    app.add_handlers([CommandHandler("style", style), CallbackQueryHandler(redo)])
    assert app.updater
    async with app:
        await app.updater.start_polling()
        await app.start()
        command = await telegram.send_text(ANN, "/style 0.8")
        reply = await telegram.wait_for_message(ANN.id)
        assert (reply.text, reply.reply_to) == ("strength ['0.8']", command)

        query = await telegram.press_button(ANN, reply, reply.buttons["Again"])
        await telegram.wait_for(lambda: reply.text == "redone")
        assert (telegram.callback_answers[query], reply.edits) == ("Once more", ["strength ['0.8']"])
        assert reply.buttons == {}
        await app.updater.stop()
        await app.stop()
    assert telegram.violations == []


async def test_command_entities_count_utf16_units(telegram: TelegramServer, bot: Bot) -> None:
    await telegram.send_text(ANN, "😀 /style@cartoon_test_bot 0.8, not http://a/b")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.parse_entities() == {update.message.entities[0]: "/style@cartoon_test_bot"}
    assert update.message.from_user
    assert update.message.from_user.language_code == "de"


async def test_an_offset_confirms_updates(telegram: TelegramServer, bot: Bot) -> None:
    for text in ("one", "two", "three"):
        await telegram.send_text(ANN, text)
    first, second = await bot.get_updates(limit=2)
    again = await bot.get_updates(offset=second.update_id)
    assert [update.message and update.message.text for update in again] == ["two", "three"]
    assert first.update_id < second.update_id
    assert await bot.get_updates(offset=again[-1].update_id + 1) == ()


async def test_long_poll_wakes_for_an_update_and_yields_to_a_newer_poll(
    telegram: TelegramServer, bot: Bot
) -> None:
    other = Bot(telegram.token, base_url=telegram.base_url)
    async with other, asyncio.TaskGroup() as tasks:
        older = tasks.create_task(outcome(other.get_updates(timeout=30)))
        await telegram.wait_for(lambda: telegram.calls_to("getUpdates"))
        newer = tasks.create_task(outcome(bot.get_updates(timeout=30, allowed_updates=["message"])))
        await telegram.wait_for(lambda: len(telegram.calls_to("getUpdates")) == 2)
        await telegram.send_text(ANN, "hello")
    assert isinstance(older.result(), Conflict)
    assert len(newer.result()) == 1


async def test_photo_downloads_byte_exact_at_its_largest_size(telegram: TelegramServer, bot: Bot) -> None:
    data = picture(640, 480)
    await telegram.send_photo(ANN, data, caption="/style 0.3")
    (update,) = await bot.get_updates()
    assert update.message
    sizes = update.message.photo
    assert [(size.width, size.height) for size in sizes] == [(90, 68), (320, 240), (640, 480)]
    assert sizes[-1].file_size == len(data)
    assert await (await sizes[-1].get_file()).download_as_bytearray() == data
    assert await (await sizes[0].get_file()).download_as_bytearray() != data
    assert update.message.parse_caption_entities(["bot_command"])
    with pytest.raises(BadRequest, match="Wrong file_id"):
        await bot.get_file(sizes[-1].file_unique_id)


async def test_data_that_is_no_picture_still_arrives_as_a_photo(telegram: TelegramServer, bot: Bot) -> None:
    await telegram.send_photo(ANN, b"not a picture")
    (update,) = await bot.get_updates()
    assert update.message
    assert [(size.width, size.height) for size in update.message.photo] == [(90, 90)]


async def test_document_over_20_megabytes_cannot_be_fetched(telegram: TelegramServer, bot: Bot) -> None:
    await telegram.send_document(ANN, bytes(20 * MEGABYTE + 1), "huge.tiff", "image/tiff")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.document
    with pytest.raises(BadRequest, match="File is too big"):
        await update.message.document.get_file()


@pytest.mark.parametrize("documents", [False, True])
async def test_album_items_share_one_group_id(telegram: TelegramServer, bot: Bot, documents: bool) -> None:
    photos = [picture(color=color) for color in ("red", "green", "blue")]
    sent = await telegram.send_album(ANN, photos, gap=0.01, caption="/style 0.5", documents=documents)
    messages = [update.message for update in await bot.get_updates() if update.message]
    assert {message.media_group_id for message in messages} == {sent[0].media_group_id}
    assert [message.caption for message in messages] == ["/style 0.5", None, None]
    assert [message.data for message in sent] == photos
    assert all(bool(message.document) == documents for message in messages)


async def test_forum_topics_keep_their_thread(telegram: TelegramServer, bot: Bot) -> None:
    forum = telegram.group(-1001234567890, forum=True)
    question = await telegram.send_text(ANN, "/style", forum, thread_id=5)
    (update,) = await bot.get_updates()
    assert update.message
    assert (update.message.message_thread_id, update.message.chat.is_forum) == (5, True)
    await bot.send_message(forum.id, "in the topic", message_thread_id=5)
    assert forum.messages[0].thread_id == question.thread_id == 5


async def test_sent_album_is_byte_exact_and_seen_as_one(telegram: TelegramServer, bot: Bot) -> None:
    photos = [picture(color=color) for color in ("red", "green")]
    sent = await bot.send_media_group(ANN.id, [InputMediaPhoto(data, caption="done") for data in photos])
    (album,) = telegram.chat(ANN.id).albums
    assert [message.data for message in album] == photos
    assert sent[0].media_group_id == sent[1].media_group_id == album[0].media_group_id
    assert await (await sent[1].photo[-1].get_file()).download_as_bytearray() == photos[1]
    assert telegram.violations == []


async def test_sent_photo_and_document_can_be_sent_again_by_id(telegram: TelegramServer, bot: Bot) -> None:
    data = picture()
    photo = await bot.send_photo(ANN.id, data, reply_markup=buttons("redo"))
    document = await bot.send_document(ANN.id, data, filename="cartoon.png", caption="lossless")
    assert document.document
    assert (document.document.file_name, document.document.mime_type) == ("cartoon.png", "image/png")
    await bot.send_photo(ANN.id, photo.photo[-1].file_id)
    await bot.send_document(ANN.id, document.document.file_id)
    assert [message.data for message in telegram.chat(ANN.id).messages] == [data] * 4
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await bot.send_photo(ANN.id, "no-such-file")


async def test_edits_and_deletions_show(telegram: TelegramServer, bot: Bot) -> None:
    message = await bot.send_message(ANN.id, "waiting", reply_markup=buttons("stop"))
    await message.edit_text("drawing")
    with pytest.raises(BadRequest, match="not modified"):
        await message.edit_text("drawing")
    (shown,) = telegram.chat(ANN.id).messages
    await telegram.press_button(ANN, shown, "stop")
    with pytest.raises(ValueError, match="no button"):
        await telegram.press_button(ANN, shown, "start")
    await message.delete()
    assert telegram.chat(ANN.id).messages == []
    for gone in (message.delete, lambda: message.edit_text("late")):
        with pytest.raises(BadRequest, match="not found"):
            await gone()
    assert telegram.violations == []


async def test_captions_can_be_edited_and_asked_after(telegram: TelegramServer, bot: Bot) -> None:
    question = await telegram.send_photo(ANN, picture(), caption="mine")
    photo = await bot.send_photo(ANN.id, picture())
    text = await bot.send_message(ANN.id, "no picture")
    for caption in (None, ""):
        with pytest.raises(BadRequest, match="not modified"):
            await bot.edit_message_caption(ANN.id, photo.message_id, caption=caption)
    edited = await bot.edit_message_caption(ANN.id, photo.message_id, caption="done")
    assert isinstance(edited, Message)
    assert (edited.caption, edited.photo) == ("done", photo.photo)
    shown = telegram.chat(ANN.id).find(photo.message_id)
    assert shown
    assert (shown.caption, shown.edits) == ("done", [""])
    for message_id, complaint in (
        (question.message_id, "Message can't be edited"),
        (text.message_id, "There is no caption in the message to edit"),
        (text.message_id + 1, "Message to edit not found"),
    ):
        with pytest.raises(BadRequest, match=complaint):
            await bot.edit_message_caption(ANN.id, message_id, caption="late")
    await bot.delete_message(ANN.id, photo.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_caption(ANN.id, photo.message_id, caption="late")
    assert telegram.violations == []


async def test_private_chats_and_basic_groups_share_one_counter(telegram: TelegramServer, bot: Bot) -> None:
    telegram.group(-500)
    ids = [(await telegram.send_photo(ANN, picture(640, 480))).message_id]
    ids += [message.message_id for message in await bot.send_media_group(-500, [InputMediaPhoto(picture())] * 2)]
    ids.append((await bot.send_message(ANN.id, "done")).message_id)
    ids.append((await telegram.send_text(Person(8), "hello")).message_id)
    assert ids == [*range(ids[0], ids[0] + 5)]


async def test_supergroups_count_their_messages_themselves(telegram: TelegramServer, bot: Bot) -> None:
    busy, quiet = telegram.group(-1001234567890), telegram.group(-1001234567891)
    first = await bot.send_message(busy.id, "one")
    await bot.send_message(ANN.id, "elsewhere")
    second = await bot.send_message(busy.id, "two")
    elsewhere = await bot.send_message(quiet.id, "one")
    assert second.message_id == first.message_id + 1
    assert elsewhere.message_id == first.message_id


async def test_replies_need_their_message(telegram: TelegramServer, bot: Bot) -> None:
    with pytest.raises(BadRequest, match="replied not found"):
        await bot.send_message(ANN.id, "hello", reply_to_message_id=99)
    await bot.send_message(ANN.id, "hello", reply_to_message_id=99, allow_sending_without_reply=True)
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(404, "hello")
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query("long-gone")
    assert telegram.violations == []


Refusable = Callable[[Bot], Any]

BEYOND_LIMITS: dict[str, Refusable] = {
    "message text is empty": lambda bot: bot.send_message(ANN.id, " "),
    "message is too long: 4097": lambda bot: bot.send_message(ANN.id, "a" * 4097),
    "message is too long: 201": lambda bot: bot.answer_callback_query("1", "a" * 201),
    "caption is too long: 1026": lambda bot: bot.send_photo(ANN.id, picture(), caption="a" * 1026),
    "callback_data of 66 bytes": lambda bot: bot.send_message(ANN.id, "a", reply_markup=buttons("é" * 33)),
    "callback_data of 0 bytes": lambda bot: bot.send_message(ANN.id, "a", reply_markup=buttons("")),
    "thread not found": lambda bot: bot.send_message(ANN.id, "a", message_thread_id=1),
    "IMAGE_PROCESS_FAILED": lambda bot: bot.send_photo(ANN.id, b"no picture"),
    "PHOTO_INVALID_DIMENSIONS: 2100x100": lambda bot: bot.send_photo(ANN.id, picture(2100, 100)),
    "PHOTO_INVALID_DIMENSIONS: 9000x1001": lambda bot: bot.send_photo(ANN.id, picture(9000, 1001)),
    "too big for a photo": lambda bot: bot.send_photo(ANN.id, picture() + bytes(10 * MEGABYTE)),
    "too big for a document": lambda bot: bot.send_document(ANN.id, bytes(50 * MEGABYTE + 1)),
    "2-10 items, not 1": lambda bot: bot.send_media_group(ANN.id, [InputMediaPhoto(picture())]),
    "2-10 items, not 11": lambda bot: bot.send_media_group(ANN.id, [InputMediaPhoto(picture())] * 11),
    "caption is too long: 1025": lambda bot: bot.send_media_group(
        ANN.id, [InputMediaPhoto(picture()), InputMediaPhoto(picture(), caption="a" * 1025)]
    ),
    "can't be mixed": lambda bot: bot.send_media_group(
        ANN.id, [InputMediaPhoto(picture()), InputMediaDocument(picture())]
    ),
    "reply_markup is not a field": lambda bot: bot.send_media_group(
        ANN.id, [InputMediaPhoto(picture())] * 2, api_kwargs={"reply_markup": buttons("redo")}
    ),
    "wrong parameter action": lambda bot: bot.send_chat_action(ANN.id, "painting"),
}

TO_ANN: Json = {"chat_id": ANN.id}
OFF_SCHEMA: dict[str, tuple[str, Json]] = {
    "colour is not a field": ("sendMessage", TO_ANN | {"text": "a", "colour": "red"}),
    "text is required": ("sendMessage", TO_ANN),
    "text must be String": ("sendMessage", TO_ANN | {"text": 4}),
    "message_id must be Integer": ("deleteMessage", TO_ANN | {"message_id": "latest"}),
    "show_alert must be Boolean": ("answerCallbackQuery", {"callback_query_id": "1", "show_alert": 1}),
    "reply_parameters must be ReplyParameters": (
        "sendMessage",
        TO_ANN | {"text": "a", "reply_parameters": 4},
    ),
    "reply_parameters.message_id must be Integer": (
        "sendMessage",
        TO_ANN | {"text": "a", "reply_parameters": {"message_id": "4"}},
    ),
    "inline_keyboard[0][0].colour is not a field": (
        "sendMessage",
        TO_ANN | {"text": "a", "reply_markup": {"inline_keyboard": [[{"text": "b", "colour": "c"}]]}},
    ),
    "media[0].size is not a field of InputMediaPhoto": (
        "sendMediaGroup",
        TO_ANN | {"media": [{"type": "photo", "media": "1", "size": 3}]},
    ),
    "media[0].type 'drawing' is none of": (
        "sendMediaGroup",
        TO_ANN | {"media": [{"type": "drawing", "media": "1"}]},
    ),
    "nothing was uploaded as photo1": ("sendPhoto", TO_ANN | {"photo": "attach://photo1"}),
}


@pytest.mark.parametrize("problem", BEYOND_LIMITS)
async def test_limits_are_violations(telegram: TelegramServer, bot: Bot, problem: str) -> None:
    with pytest.raises(BadRequest):
        await BEYOND_LIMITS[problem](bot)
    (violation,) = telegram.violations
    assert problem in violation
    assert telegram.chat(ANN.id).messages == []


@needs_schema
@pytest.mark.parametrize("problem", OFF_SCHEMA)
async def test_what_the_schema_does_not_know_is_a_violation(telegram: TelegramServer, problem: str) -> None:
    method, fields = OFF_SCHEMA[problem]
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{telegram.base_url}{telegram.token}/{method}", json=fields)
    (violation,) = telegram.violations
    assert problem in violation
    assert answer.json() == {
        "ok": False,
        "error_code": 400,
        "description": f"Bad Request: {violation.removeprefix(method + ': ')}",
    }


async def test_unknown_method_is_a_violation(telegram: TelegramServer, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        await bot.get_my_star_balance()
    assert telegram.violations == ["getMyStarBalance: there is no such method here"]


async def test_json_urlencoded_and_query_calls_read_alike(telegram: TelegramServer) -> None:
    url = f"{telegram.base_url}{telegram.token}/sendMessage"
    fields = {"chat_id": ANN.id, "text": "12"}
    async with httpx.AsyncClient() as client:
        for answer in (
            await client.post(url, json=fields),
            await client.post(url, data=fields),
            await client.get(url, params=fields),
        ):
            assert answer.json()["ok"]
    assert [call.fields for call in telegram.calls] == [fields] * 3


FAULTS: list[tuple[Fault, type[Exception]]] = [
    (Fault.retry_after(2), RetryAfter),
    (Fault.server_error(), NetworkError),
    (Fault.bad_gateway(), NetworkError),
    (Fault.dropped(), NetworkError),
    (Fault.blocked(), Forbidden),
    (Fault.reply_not_found(), BadRequest),
    (Fault.refused(400, "Bad Request: upgraded", migrate_to_chat_id=-100), ChatMigrated),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_faults_reach_the_bot_as_errors(
    telegram: TelegramServer, bot: Bot, fault: Fault, error: type[Exception]
) -> None:
    telegram.fail("sendMessage", fault, times=2, chat_id=ANN.id)
    telegram.chat(8)
    for _ in range(2):
        with pytest.raises(error):
            await bot.send_message(ANN.id, "hello")
        await bot.send_message(8, "others are not disturbed")
    assert telegram.chat(ANN.id).messages == []
    await bot.send_message(ANN.id, "hello")
    assert len(telegram.chat(ANN.id).messages) == 1


async def test_lost_answer_leaves_the_message_in_the_chat(telegram: TelegramServer, bot: Bot) -> None:
    telegram.fail(None, Fault.answer_lost())
    with pytest.raises(NetworkError):
        await bot.send_media_group(ANN.id, [InputMediaPhoto(picture())] * 2)
    assert len(telegram.chat(ANN.id).albums) == 1


async def test_held_upload_goes_on_when_released(telegram: TelegramServer, bot: Bot) -> None:
    gate = asyncio.Event()
    telegram.fail("sendPhoto", Fault.held(gate))
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(bot.send_photo(ANN.id, picture()))
        await telegram.wait_for(lambda: telegram.calls_to("sendPhoto"))
        await bot.send_message(ANN.id, "meanwhile")
        assert not upload.done()
        gate.set()
    assert [message.text for message in telegram.chat(ANN.id).messages] == ["meanwhile", None]


async def test_held_call_times_out_at_the_bot(telegram: TelegramServer, bot: Bot) -> None:
    telegram.fail("sendMessage", Fault.held(asyncio.Event()))
    with pytest.raises(TimedOut):
        await bot.send_message(ANN.id, "hello", read_timeout=0.1)


async def test_downloads_fail_too(telegram: TelegramServer, bot: Bot) -> None:
    gate = asyncio.Event()
    sent = await telegram.send_photo(ANN, picture())
    assert sent.file
    file = await bot.get_file(sent.file.file_id)
    telegram.fail("download", Fault.dropped())
    telegram.fail("download", Fault.server_error())
    telegram.fail("download", Fault.held(gate))
    for _ in range(2):
        with pytest.raises(NetworkError):
            await file.download_as_bytearray()
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(file.download_as_bytearray())
        await telegram.wait_for(lambda: len(telegram.calls_to("download")) == 3)
        gate.set()
    assert slow.result() == sent.data


async def test_weather_strikes_by_chance_and_can_be_ended(telegram: TelegramServer, bot: Bot) -> None:
    telegram.weather = Weather(rate=0.5, seed=3)
    outcomes = [await outcome(bot.send_message(ANN.id, str(number))) for number in range(60)]
    failed = [error for error in outcomes if isinstance(error, TelegramError)]
    struck = telegram.weather.struck
    assert {*struck} == {"flood control", "server error", "bad gateway", "dropped", "answer lost", "held"}
    assert 15 < struck.total() < 45
    assert len(failed) == struck.total() - struck["held"]
    assert {error.retry_after for error in failed if isinstance(error, RetryAfter)} == {timedelta(seconds=1)}
    shown = [message.text for message in telegram.chat(ANN.id).messages]
    # What the bot knows to have sent, and what only people know of.
    assert len(shown) == 60 - len(failed) + struck["answer lost"]
    telegram.weather.rate = 0
    assert await bot.send_message(ANN.id, "calm")


async def test_weather_eats_no_updates_and_leaves_downloads_whole(telegram: TelegramServer, bot: Bot) -> None:
    sent = await telegram.send_photo(ANN, picture())
    assert sent.file
    file = await bot.get_file(sent.file.file_id)
    telegram.weather = Weather(rate=1, seed=5)
    assert all([isinstance(await outcome(bot.get_updates()), TelegramError) for _ in range(12)])
    assert {*telegram.weather.struck} == {"flood control", "server error", "bad gateway", "dropped"}
    telegram.weather = Weather(rate=1, seed=5)
    assert all([isinstance(await outcome(file.download_as_bytearray()), TelegramError) for _ in range(12)])
    assert {*telegram.weather.struck} == {"server error", "dropped"}
    # Faults that a test asks for come first.
    telegram.fail("sendMessage", Fault.blocked())
    assert isinstance(await outcome(bot.send_message(ANN.id, "hello")), Forbidden)
    telegram.weather.rate = 0
    (update,) = await bot.get_updates()
    assert update.message
    assert await file.download_as_bytearray() == sent.data


async def test_a_fault_for_an_unknown_method_is_a_mistake_of_the_test(telegram: TelegramServer) -> None:
    with pytest.raises(ValueError, match="sendPicture"):
        telegram.fail("sendPicture", Fault.blocked())


async def test_waiting_in_vain_names_the_last_calls(telegram: TelegramServer, bot: Bot) -> None:
    with pytest.raises(TimeoutError, match="the last calls were: getMe"):
        await telegram.wait_for_message(ANN.id, timeout=0.01)


async def outcome(call: Any) -> Any:
    """What the call gives back, or the error it raises."""
    try:
        return await call
    except Exception as error:
        return error
