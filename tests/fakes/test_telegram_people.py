"""What people do in the stand-in Telegram, and who belongs to its chats, seen through the real library."""

from typing import Any

import pytest
from telegram import (
    Bot,
    ChatMemberAdministrator,
    ChatMemberLeft,
    ChatMemberMember,
    ChatMemberOwner,
    Message,
    MessageEntity,
    MessageOriginUser,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden

from tests.fakes.telegram import ANONYMOUS_ADMIN, Person, TelegramServer
from tests.fakes.test_telegram import picture

ANN = Person(7, "Ann", "de")
BOB = Person(8, "Bob")


async def test_people_edit_what_they_sent(telegram: TelegramServer, bot: Bot) -> None:
    photo = await telegram.send_photo(ANN, picture(), caption="0.9")
    text = await telegram.send_text(ANN, "/style 0.8")
    await telegram.edit_caption(ANN, photo, "0.3")
    await telegram.edit_text(ANN, text, "/style 0.5")
    *_, first, second = await bot.get_updates()
    assert first.edited_message
    assert second.edited_message
    assert (first.edited_message.caption, first.edited_message.message_id) == ("0.3", photo.message_id)
    assert (second.edited_message.text, text.edits) == ("/style 0.5", ["/style 0.8"])
    assert second.edited_message.edit_date
    with pytest.raises(ValueError, match="Bob cannot edit"):
        await telegram.edit_text(BOB, text, "mine")


@pytest.mark.parametrize("kind", ["sticker", "video", "voice", "animation", "contact"])
async def test_what_is_no_photo_reaches_the_bot_whole(telegram: TelegramServer, bot: Bot, kind: str) -> None:
    await telegram.send_other(ANN, kind, caption="for you", media_group_id="5")
    (update,) = await bot.get_updates()
    message = update.message
    assert message
    assert (message.caption, message.media_group_id) == ("for you", "5")
    attachment: Any = message.effective_attachment
    assert type(attachment).__name__.lower() == kind
    assert bool(message.document) == (kind == "animation")
    if kind != "contact":
        assert await (await attachment.get_file()).download_as_bytearray()


async def test_service_messages_and_unknown_kinds(telegram: TelegramServer, bot: Bot) -> None:
    group = telegram.group(-500)
    pinned = await telegram.send_text(ANN, "hello", group)
    await telegram.send_other(ANN, "pinned_message", group)
    await telegram.send_other(BOB, "new_chat_members", group)
    _, first, second = [update.message for update in await bot.get_updates()]
    assert first
    assert isinstance(first.pinned_message, Message)
    assert first.pinned_message.message_id == pinned.message_id
    assert second
    assert [user.id for user in second.new_chat_members] == [BOB.id]
    with pytest.raises(ValueError, match="poem"):
        await telegram.send_other(ANN, "poem")


async def test_forwarded_albums_name_their_origin(telegram: TelegramServer, bot: Bot) -> None:
    await telegram.send_album(ANN, [picture()] * 2, gap=0, forwarded_from=BOB)
    for update in await bot.get_updates():
        assert update.message
        assert isinstance(update.message.forward_origin, MessageOriginUser)
        assert update.message.forward_origin.sender_user.id == BOB.id
    assert telegram.story == ["Ann: [forwarded from Bob] [album photo 64x48]"] * 2


async def test_an_anonymous_admin_writes_as_the_group(telegram: TelegramServer, bot: Bot) -> None:
    group = telegram.group(-1001234567890)
    await telegram.send_text(ANONYMOUS_ADMIN, "/style 0.8", group)
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.sender_chat
    assert update.message.from_user
    assert (update.message.sender_chat.id, update.message.from_user.id) == (group.id, 1087968824)
    assert group.messages == []


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("😀 @cartoon_test_bot 0.8", ["@cartoon_test_bot"]),
        ("/style@cartoon_test_bot @friend", ["@friend"]),
        ("ann@example.org, @ab, @@nobody, @Ann_1!", ["@Ann_1"]),
    ],
)
async def test_mentions_are_entities(telegram: TelegramServer, bot: Bot, text: str, mentions: list[str]) -> None:
    await telegram.send_text(ANN, text)
    await telegram.send_photo(ANN, picture(), caption=text)
    first, second = [update.message for update in await bot.get_updates()]
    assert first
    assert second
    assert [*first.parse_entities([MessageEntity.MENTION]).values()] == mentions
    assert [*second.parse_caption_entities([MessageEntity.MENTION]).values()] == mentions


# Membership


async def test_who_blocks_the_bot_is_not_reached_until_they_unblock_it(telegram: TelegramServer, bot: Bot) -> None:
    message = await bot.send_message(ANN.id, "hello")
    await telegram.block(ANN)
    calls = (
        lambda: bot.send_message(ANN.id, "?"),
        lambda: bot.send_chat_action(ANN.id, "typing"),
        message.delete,
    )
    for call in calls:
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await call()
    await telegram.unblock(ANN)
    assert await bot.send_message(ANN.id, "welcome back")
    statuses = [
        (change.from_user.id, change.old_chat_member.status, change.new_chat_member.status)
        for update in await bot.get_updates()
        if (change := update.my_chat_member)
    ]
    assert statuses == [(ANN.id, "member", "kicked"), (ANN.id, "kicked", "member")]
    assert telegram.violations == []


@pytest.mark.parametrize(("chat_id", "kind"), [(-500, "group"), (-1001234567890, "supergroup")])
async def test_a_bot_that_was_kicked_hears_and_says_nothing(
    telegram: TelegramServer, bot: Bot, chat_id: int, kind: str
) -> None:
    group = telegram.group(chat_id)
    group.admins.add(bot.id)
    await telegram.kick(group)
    await telegram.send_text(ANN, "is it gone?", group)
    (update,) = await bot.get_updates()
    assert update.my_chat_member
    assert isinstance(update.my_chat_member.old_chat_member, ChatMemberAdministrator)
    assert update.my_chat_member.new_chat_member.status == "kicked"
    with pytest.raises(Forbidden, match=f"bot was kicked from the {kind} chat"):
        await bot.send_message(group.id, "no")


async def test_members_and_their_ranks(telegram: TelegramServer, bot: Bot) -> None:
    group = telegram.group(-500)
    group.creator = 1
    group.admins.add(ANN.id)
    await telegram.send_text(ANN, "hello", group)
    await telegram.send_text(BOB, "hello", group)
    await telegram.send_text(Person(9), "in private")
    ranks = {number: type(await bot.get_chat_member(group.id, number)) for number in (1, 7, 8, 9, bot.id)}
    assert ranks == {
        1: ChatMemberOwner,
        ANN.id: ChatMemberAdministrator,
        BOB.id: ChatMemberMember,
        9: ChatMemberLeft,
        bot.id: ChatMemberMember,
    }
    assert isinstance(await bot.get_chat_member(ANN.id, ANN.id), ChatMemberMember)
    with pytest.raises(BadRequest, match="User not found"):
        await bot.get_chat_member(group.id, 404)
    assert telegram.violations == []


async def test_a_group_that_becomes_a_supergroup_moves(telegram: TelegramServer, bot: Bot) -> None:
    group = telegram.group(-500)
    group.admins.add(ANN.id)
    old = await bot.send_message(group.id, "before")
    moved = await telegram.migrate(group)
    assert (moved.id, moved.type, moved.title, moved.admins) == (-1000000000500, "supergroup", "Friends", {ANN.id})
    for call in (lambda: bot.send_message(group.id, "after"), old.delete):
        with pytest.raises(ChatMigrated) as caught:
            await call()
        assert caught.value.new_chat_id == moved.id
    last, first = [update.message for update in await bot.get_updates()]
    assert last
    assert first
    assert (last.chat.id, last.migrate_to_chat_id) == (group.id, moved.id)
    assert (first.chat.id, first.migrate_from_chat_id) == (moved.id, group.id)
    assert (await bot.send_message(moved.id, "after")).chat.type == "supergroup"
