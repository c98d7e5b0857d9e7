"""What the stand-in Telegram counts and tells."""

from telegram import Bot, InlineKeyboardMarkup, InputMediaPhoto

from tests.fakes.telegram import Person, TelegramServer
from tests.fakes.telegram_calls import Call
from tests.fakes.telegram_rates import Rates
from tests.fakes.test_telegram import buttons, picture

ANN = Person(7, "Ann", "de")
BOB = Person(8, "Bob")


def called(rates: Rates, method: str, time: float, chat_id: int = 7, message_id: int = 1) -> None:
    chat = {"id": chat_id, "type": "private" if chat_id > 0 else "group"}
    rates.carried_out(Call(method, {}, time=time), {"chat": chat, "message_id": message_id})


def test_a_private_chat_takes_bursts_but_no_flood() -> None:
    rates = Rates()
    for number in range(15):
        called(rates, "sendMessage" if number % 2 else "editMessageCaption", number / 100)
    called(rates, "sendMessage", 5, chat_id=8)
    called(rates, "sendPhoto", 10.1)
    rates.carried_out(Call("sendChatAction", {}, time=0.1), True)
    assert rates.floods == []
    for number in range(15):
        called(rates, "sendPhoto", 10.2 + number / 100)
    (flood,) = rates.floods
    assert flood == "16 messages and edits in the private chat 7 within 10 s; at most 15 are welcome"


def test_a_group_takes_20_messages_a_minute_and_any_edits() -> None:
    rates = Rates()
    for number in range(20):
        called(rates, "sendMessage", number * 3, chat_id=-5)
        called(rates, "editMessageCaption", number * 3, chat_id=-5)
    called(rates, "sendMessage", 60, chat_id=-5)
    assert rates.floods == []
    called(rates, "sendMessage", 61, chat_id=-5)
    assert rates.floods == ["21 messages in the group -5 within 60 s; at most 20 are welcome"]


def test_thirty_messages_a_second_are_the_most_for_all_chats() -> None:
    rates = Rates()
    for number in range(31):
        called(rates, "sendMessage", number / 29.5, chat_id=100 + number)
    assert rates.floods == []
    called(rates, "sendMessage", 31 / 29.5, chat_id=500)
    called(rates, "sendMessage", 31 / 29.5, chat_id=501)
    assert rates.floods == ["31 messages overall within 1 s; at most 30 are welcome"]


async def test_texts_change_every_three_seconds_unless_someone_asks(telegram: TelegramServer, bot: Bot) -> None:
    rates = Rates()
    called(rates, "sendMessage", 0)
    called(rates, "editMessageText", 2.96)
    called(rates, "editMessageReplyMarkup", 3)
    called(rates, "editMessageText", 6)
    assert rates.floods == []
    called(rates, "editMessageText", 8.9)
    assert rates.floods == ["message 1 in chat 7 changed its text 2.90 s after it was last shown; 3 s are welcome"]

    await bot.send_message(ANN.id, "first", reply_markup=buttons("next"))
    (shown,) = telegram.chat(ANN.id).messages
    await telegram.press_button(ANN, shown, "next")
    await bot.edit_message_text("second", ANN.id, shown.message_id)
    assert telegram.floods == []
    await bot.edit_message_text("third", ANN.id, shown.message_id)
    (flood,) = telegram.floods
    assert flood.startswith(f"message {shown.message_id} in chat 7 changed its text ")


# The story


async def test_the_story_of_a_photo(telegram: TelegramServer, bot: Bot) -> None:
    sent = await telegram.send_photo(ANN, picture(900, 600), caption="0.9")
    status = await bot.send_message(ANN.id, "Got your photo.", reply_markup=buttons("cancel"))
    await bot.send_chat_action(ANN.id, "upload_photo")
    await bot.send_chat_action(ANN.id, "upload_photo")
    keys = [[{"text": "0.3", "callback_data": "3"}, {"text": "0.5", "callback_data": "5"}]]
    keys += [[{"text": "Look", "url": "https://example.org"}]]
    await status.edit_text(
        "Drawing:\nphoto 1", reply_markup=InlineKeyboardMarkup.de_json({"inline_keyboard": keys})
    )
    (shown,) = telegram.chat(ANN.id).messages
    query = await telegram.press_button(ANN, shown, "5")
    await bot.answer_callback_query(query, "Drawing again")
    await telegram.send_text(ANN, "/style", reply_to=sent)
    await bot.send_media_group(
        ANN.id, [InputMediaPhoto(picture(), caption="Done"), InputMediaPhoto(picture(40, 30))]
    )
    await bot.send_document(ANN.id, picture(), filename="01-ink.png")
    await status.delete()
    await bot.delete_message(ANN.id, sent.message_id)
    await telegram.send_other(ANN, "sticker")
    await telegram.block(ANN)
    assert telegram.story == [
        'Ann: [photo 900x600] "0.9"',
        "bot: Got your photo.   [Again]",
        "bot is uploading a photo",
        "bot edits: Drawing:\n    photo 1\n    [0.3] [0.5]\n    [Look]",
        "Ann presses [0.5]",
        "bot toast to Ann: Drawing again",
        f"Ann -> [reply to {sent.message_id}] /style",
        'bot: [album of 2 photos 64x48, 40x30] "Done"',
        "bot: [document 01-ink.png 64x48]",
        'bot deletes: "Drawing:\n    photo 1"',
        'bot deletes what Ann sent: [photo 900x600] "0.9"',
        "Ann: [sticker]",
        "Ann blocks the bot",
    ]


async def test_the_story_of_a_group(telegram: TelegramServer, bot: Bot) -> None:
    forum = telegram.group(-1001234567890, "Drawings", forum=True)
    said = await telegram.send_text(ANN, "hello", forum, thread_id=5)
    await telegram.edit_text(ANN, said, "hello all")
    await bot.send_message(forum.id, "hello", message_thread_id=5, reply_markup=buttons("hi"))
    query = await telegram.press_button(BOB, forum.messages[0], "hi")
    await bot.answer_callback_query(query, "Hello Bob", show_alert=True)
    await telegram.send_text(BOB, "bye", forum)
    await telegram.kick(forum, ANN)
    assert telegram.story == [
        "(Drawings, topic 5) Ann: hello",
        "(Drawings, topic 5) Ann edits: hello all",
        "(Drawings, topic 5) bot: hello   [Again]",
        "(Drawings, topic 5) Bob presses [Again]",
        "(Drawings, topic 5) bot alert to Bob: Hello Bob",
        "(Drawings) Bob: bye",
        "(Drawings) Ann removes the bot",
    ]
