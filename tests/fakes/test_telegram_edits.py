"""How the bot edits, deletes and answers buttons in the stand-in Telegram, seen through the real library."""

from collections.abc import Callable
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    CallbackQuery,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
)
from telegram.error import BadRequest

from tests.fakes.telegram import Person, TelegramServer
from tests.fakes.test_telegram import buttons, picture

ANN = Person(7, "Ann", "de")
DAY = 24 * 3600


async def test_an_edit_without_a_keyboard_removes_it(telegram: TelegramServer, bot: Bot) -> None:
    edits: list[Callable[[Message], Any]] = [
        lambda message: message.edit_text("new") if message.text else message.edit_caption("new"),
        lambda message: message.edit_reply_markup(),
        lambda message: message.edit_media(InputMediaPhoto(picture(color="red"))),
    ]
    for edit in edits:
        for message in (
            await bot.send_message(ANN.id, "old", reply_markup=buttons("stop")),
            await bot.send_photo(ANN.id, picture(), reply_markup=buttons("stop")),
        ):
            assert (await edit(message)).reply_markup is None
    assert all(message.buttons == {} for message in telegram.chat(ANN.id).messages)
    assert telegram.violations == []


async def test_media_replace_a_text_or_a_photo(telegram: TelegramServer, bot: Bot) -> None:
    sent = await bot.send_message(ANN.id, "Drawing")
    data = picture(300, 200)
    edited = await sent.edit_media(InputMediaPhoto(data, caption="0.5"), reply_markup=buttons("redo"))
    assert isinstance(edited, Message)
    assert (edited.text, edited.caption, edited.photo[-1].width) == (None, "0.5", 300)
    (shown,) = telegram.chat(ANN.id).messages
    assert (shown.data, shown.edits, shown.buttons) == (data, ["Drawing"], {"Again": "redo"})
    same = InputMediaPhoto(edited.photo[-1].file_id, caption="0.5")
    with pytest.raises(BadRequest, match="not modified"):
        await sent.edit_media(same, reply_markup=buttons("redo"))
    await sent.edit_reply_markup(buttons("other"))
    with pytest.raises(BadRequest, match="not modified"):
        await sent.edit_reply_markup(buttons("other"))
    await sent.edit_media(InputMediaDocument(data, filename="cartoon.png"))
    assert shown.document
    assert (shown.document.name, shown.photo, shown.caption) == ("cartoon.png", (), None)
    album = await bot.send_media_group(ANN.id, [InputMediaPhoto(data)] * 2)
    with pytest.raises(BadRequest, match="in the album"):
        await album[0].edit_media(InputMediaDocument(data))
    assert telegram.violations == []


async def test_what_was_deleted_or_is_not_the_bots_cannot_be_edited(telegram: TelegramServer, bot: Bot) -> None:
    gone = await bot.send_message(ANN.id, "going")
    await gone.delete()
    theirs = await telegram.send_text(ANN, "mine")
    for number, complaint in ((gone.message_id, "to edit not found"), (theirs.message_id, "can't be edited")):
        for call in (
            bot.edit_message_text("late", ANN.id, number),
            bot.edit_message_caption(ANN.id, number, caption="late"),
            bot.edit_message_reply_markup(ANN.id, number),
            bot.edit_message_media(InputMediaPhoto(picture()), ANN.id, number),
        ):
            with pytest.raises(BadRequest, match=complaint):
                await call


async def test_deletions_keep_to_what_telegram_allows(telegram: TelegramServer, bot: Bot) -> None:
    group = telegram.group(-500)
    theirs, mine = await telegram.send_text(ANN, "hi", group), await bot.send_message(group.id, "hello")
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_message(group.id, theirs.message_id)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_messages(group.id, [theirs.message_id, mine.message_id])
    assert len(group.history) == 2
    group.admins.add(bot.id)
    assert await bot.delete_messages(group.id, [theirs.message_id, 404, mine.message_id])
    assert group.history == []

    private = await telegram.send_text(ANN, "in private")
    assert await bot.delete_message(ANN.id, private.message_id)
    old = await telegram.send_text(ANN, "long ago")
    old.date -= 2 * DAY + 1
    with pytest.raises(BadRequest, match="can't be deleted for everyone"):
        await bot.delete_message(ANN.id, old.message_id)
    assert telegram.violations == []


# Buttons


async def pressed(bot: Bot) -> CallbackQuery:
    query = (await bot.get_updates())[-1].callback_query
    assert query
    return query


async def test_a_pressed_button_brings_its_whole_message(telegram: TelegramServer, bot: Bot) -> None:
    asked = await telegram.send_photo(ANN, picture())
    sent = await bot.send_photo(
        ANN.id, picture(300, 200), reply_to_message_id=asked.message_id, reply_markup=buttons("redo")
    )
    (shown,) = telegram.chat(ANN.id).messages
    await telegram.press_button(ANN, shown, "redo")
    message = (await pressed(bot)).message
    assert isinstance(message, Message)
    assert message.reply_to_message
    assert message.reply_to_message.message_id == asked.message_id
    assert (message.photo, message.reply_markup) == (sent.photo, buttons("redo"))
    await bot.delete_message(ANN.id, asked.message_id)
    await telegram.press_button(ANN, shown, "redo")
    message = (await pressed(bot)).message
    assert isinstance(message, Message)
    assert message.reply_to_message is None


async def test_a_button_pressed_on_a_deleted_message_tells_little(telegram: TelegramServer, bot: Bot) -> None:
    sent = await bot.send_message(ANN.id, "going", reply_markup=buttons("stop"))
    (shown,) = telegram.chat(ANN.id).messages
    await sent.delete()
    await telegram.press_button(ANN, shown, "stop")
    message = (await pressed(bot)).message
    assert message
    assert not message.is_accessible
    assert (message.chat.id, message.message_id) == (ANN.id, sent.message_id)


async def test_a_query_is_answered_once_and_within_30_seconds(telegram: TelegramServer, bot: Bot) -> None:
    await bot.send_message(ANN.id, "waiting", reply_markup=buttons("stop"))
    (shown,) = telegram.chat(ANN.id).messages
    in_time, late = [await telegram.press_button(ANN, shown, "stop") for _ in range(2)]
    telegram.age_queries(29)
    await bot.answer_callback_query(in_time, "Stopped")
    with pytest.raises(BadRequest, match="response timeout expired or query id is invalid"):
        await bot.answer_callback_query(in_time, "Stopped again")
    telegram.age_queries(2)
    with pytest.raises(BadRequest, match="response timeout expired or query id is invalid"):
        await bot.answer_callback_query(late, "Stopped")
    assert telegram.callback_answers == {in_time: "Stopped", late: None}


# What the bot says about itself


async def test_menus_and_descriptions_are_kept(telegram: TelegramServer, bot: Bot) -> None:
    menu = [BotCommand("style", "How strong")]
    await bot.set_my_commands(menu)
    await bot.set_my_commands(menu, language_code="zh")
    await bot.set_my_commands(menu, scope=BotCommandScopeAllGroupChats())
    await bot.set_my_commands(menu, scope=BotCommandScopeChat(ANN.id))
    await bot.delete_my_commands(scope=BotCommandScopeAllGroupChats())
    await bot.delete_my_commands(language_code="de")
    wire = [{"command": "style", "description": "How strong"}]
    assert telegram.commands == {("default", ""): wire, ("default", "zh"): wire, ("chat", ""): wire}
    await bot.set_my_description("123", language_code="zh")
    await bot.set_my_short_description("Cartoons")
    assert telegram.profile.descriptions == {"zh": "123"}
    assert telegram.profile.short_descriptions == {"": "Cartoons"}
    assert telegram.violations == []


BEYOND_LIMITS: dict[str, Callable[[Bot], Any]] = {
    "not 101": lambda bot: bot.delete_messages(ANN.id, [*range(101)]),
    "not 0": lambda bot: bot.delete_messages(ANN.id, []),
    "IMAGE_PROCESS_FAILED": lambda bot: bot.edit_message_media(InputMediaPhoto(b"none"), ANN.id, 1),
    "BOT_COMMAND_INVALID: 'Style'": lambda bot: bot.set_my_commands([("Style", "How strong")]),
    "BOT_COMMAND_DESCRIPTION_INVALID": lambda bot: bot.set_my_commands([("style", "")]),
    "BOT_COMMANDS_TOO_MUCH: 101": lambda bot: bot.set_my_commands([("style", "How strong")] * 101),
    "wrong language_code 'zh-CN'": lambda bot: bot.set_my_commands([], language_code="zh-CN"),
    "longer than 512": lambda bot: bot.set_my_description("a" * 513),
    "longer than 120": lambda bot: bot.set_my_short_description("a" * 121),
    "unallowed characters": lambda bot: bot.set_webhook("http://127.0.0.1", secret_token="a b"),
    "max_connections is 1-100": lambda bot: bot.set_webhook("http://127.0.0.1", max_connections=101),
}


@pytest.mark.parametrize("problem", BEYOND_LIMITS)
async def test_limits_are_violations(telegram: TelegramServer, bot: Bot, problem: str) -> None:
    with pytest.raises(BadRequest):
        await BEYOND_LIMITS[problem](bot)
    (violation,) = telegram.violations
    assert problem in violation
