"""Telegram end to end: the real program and the real client library against the stand-in server."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from threading import Event

import pytest
from PIL import Image
from pydantic import SecretStr

from bots.app import App
from core.config import Settings
from core.errors import ConfigError
from core.look import Look
from core.photo import Array
from storage.database import Database
from tests.fakes.telegram import Fault, Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes, png_bomb, png_bytes
from tests.running import QuickEngine, running, settings_in

ANNA = Person(id=1001, first_name="Anna", language_code="en")
LI = Person(id=1002, first_name="Li", language_code="zh-hans")


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []


def at_once(folder: Path, telegram: TelegramServer, **changes: object) -> Settings:
    """Settings for photos that come one by one: none is waited for long."""
    return settings_in(folder, telegram, None, album_seconds=0.2, **changes)


def size_of(message: Message) -> tuple[int, int]:
    with Image.open(io.BytesIO(message.data)) as image:
        return image.size


async def jobs_in(folder: Path) -> int:
    database = await Database.open(folder / "cartoonbot.sqlite3")
    cursor = await database.reading.execute("SELECT count(*) FROM jobs")
    row = await cursor.fetchone()
    await database.close()
    return int(row[0]) if row else -1


async def pictures(telegram: TelegramServer, person: Person, count: int) -> list[Message]:
    def seen() -> list[Message] | None:
        found = [message for message in telegram.chat(person.id).messages if message.file is not None]
        return found if len(found) >= count else None

    return await telegram.wait_for(seen, timeout=30) or []


def said(telegram: TelegramServer, person: Person) -> list[str]:
    """All words the bot sent by themselves, those that are deleted by now among them."""
    return [call.fields["text"] for call in telegram.calls_to("sendMessage", person.id)]


async def test_one_photo_comes_back_as_one_cartoon_that_answers_it(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        sent = await telegram.send_photo(ANNA, jpeg_bytes(gradient(900, 600)))
        (cartoon,) = await pictures(telegram, ANNA, 1)
        assert size_of(cartoon) == (1024, 683)
        assert cartoon.photo
        assert cartoon.reply_to is sent
        assert cartoon.caption == "Here is your cartoon: ink 0.7."
        assert said(telegram, ANNA) == ["Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now."]
        await telegram.wait_for(lambda: telegram.chat(ANNA.id).messages == [cartoon])


async def test_an_album_of_ten_arriving_over_six_seconds_is_one_job_and_one_album(
    telegram: TelegramServer, tmp_path: Path
):
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        photos = [jpeg_bytes(gradient(400 + 10 * number, 400)) for number in range(10)]
        await telegram.send_album(ANNA, photos, gap=0.66)
        cartoons = await pictures(telegram, ANNA, 10)
        assert len({cartoon.media_group_id for cartoon in cartoons}) == 1
        assert [size_of(cartoon)[1] for cartoon in cartoons] == [
            round(1024 * 400 / (400 + 10 * number)) for number in range(10)
        ]
        assert await jobs_in(tmp_path) == 1


async def test_twenty_photos_sent_as_two_albums_are_one_job(telegram: TelegramServer, tmp_path: Path):
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        photos = [jpeg_bytes(gradient(200, 200)) for _ in range(20)]
        await telegram.send_album(ANNA, photos[:10], gap=0.05)
        await telegram.send_album(ANNA, photos[10:], gap=0.05)
        cartoons = await pictures(telegram, ANNA, 20)
        assert [len(album) for album in telegram.chat(ANNA.id).albums] == [10, 10]
        assert len(cartoons) == 20
        assert await jobs_in(tmp_path) == 1
        await telegram.wait_for_message(ANNA.id, lambda m: m.text == "Here are your 20 cartoons: ink 0.7.")
        assert said(telegram, ANNA)[0] == "Got your 20 photos: ink 0.7, 1024 px, jpg. I'm drawing now."
        assert len(said(telegram, ANNA)) == 2


async def test_a_late_sibling_joins_the_same_job(telegram: TelegramServer, tmp_path: Path):
    settings = settings_in(tmp_path, telegram, album_seconds=0.2)
    async with running(settings, QuickEngine):
        data = jpeg_bytes(gradient(200, 200))
        await telegram.send_photo(ANNA, data, media_group_id="77", caption="0.9")
        await pictures(telegram, ANNA, 1)
        # While the first is on its way out, its message would go on for the second.
        await telegram.wait_for(lambda: telegram.calls_to("deleteMessages", ANNA.id))
        await telegram.send_photo(ANNA, data, media_group_id="77")
        await pictures(telegram, ANNA, 2)
        assert await jobs_in(tmp_path) == 1
        assert said(telegram, ANNA) == ["Got your photo: ink 0.9, 1024 px, jpg. I'm drawing now."] * 2


async def test_style_is_remembered_after_a_restart(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        await telegram.send_text(ANNA, "/style 0.8")
        await telegram.wait_for_message(
            ANNA.id, lambda m: m.text == "Kept: ink, strength 0.8, 1024 px, jpg, special care for all faces."
        )
    async with running(at_once(tmp_path, telegram), QuickEngine):
        await telegram.send_text(ANNA, "/settings")
        await telegram.wait_for_message(ANNA.id, lambda m: "Strength: 0.8" in (m.text or ""))
        await telegram.send_text(LI, "/settings")
        await telegram.wait_for_message(LI.id, lambda m: "强度：0.7" in (m.text or ""))


WORDS = (
    ("/start", "Hello! Send me a photo"),
    ("/help", "/style 0.8 – how strong, 0.1 to 1"),
    ("/style 7", '"7" is not a strength I can use. Please send a number from 0.1 to 1,'),
    ("/style abc", 'There is no style "abc".'),
    ("/style nan", '"nan" is not a strength'),
    ("/style", "Your style is ink at strength 0.7."),
    ("/style ink", "Kept: ink"),
    ("/style@cartoonbot ink 0,5", "Kept: ink, strength 0.5"),
    ("/size 99999", '"99999" is not a size I can use. Please send a whole number from 512 to 2048'),
    ("/size 1536", "Kept: ink, strength 0.7, 1536 px"),
    ("/format gif", 'There is no format "gif". Please send one of: jpg, png, webp.'),
    ("/format JPEG", "Kept: ink, strength 0.7, 1024 px, jpg, special care for all faces."),
    ("/style", "/style pop – few flat, lively colours and bold lines"),
    ("/style Pop 0.9", "Kept: pop, strength 0.9"),
    ("/faces main", "Kept: ink, strength 0.7, 1024 px, jpg, special care for the largest face only."),
    ("/faces", "All faces get special care. /faces main leaves it at the largest one."),
    ("/faces none", '"none" is not possible for faces. Please use one of: all, main.'),
    ("/dance", "I don't know /dance."),
    ("good morning", "Please send me a photo"),
)


async def test_words_are_answered(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        for number, (command, answer) in enumerate(WORDS):
            # Somebody whose settings nobody has changed.
            newcomer = Person(2000 + number, "Newcomer", "en")
            await telegram.send_text(newcomer, command)
            await telegram.wait_for_message(
                newcomer.id, lambda m, words=answer: words in (m.text or m.caption or "")
            )


async def test_a_wrong_setting_leaves_the_old_one(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        for text in ("/style 0.4", "/style 7", "/style abc", "/size 99999", "/settings"):
            await telegram.send_text(ANNA, text)
        panel = await telegram.wait_for_message(ANNA.id, lambda m: "Your settings" in (m.text or ""))
        assert "Strength: 0.4" in (panel.text or "")
        assert "Size: 1024 px" in (panel.text or "")


async def test_a_png_result_and_a_large_one_go_as_files(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        await telegram.send_text(ANNA, "/format png")
        await telegram.send_document(ANNA, png_bytes(gradient(300, 200)), "cat.png", "image/png")
        (first,) = await pictures(telegram, ANNA, 1)
        assert first.document
        await telegram.send_text(ANNA, "/format jpg")
        await telegram.send_text(ANNA, "/size 2048")
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(300, 200)))
        second = (await pictures(telegram, ANNA, 2))[1]
        assert second.document
        assert size_of(second) == (2048, 1365)


async def test_bad_photos_are_named_and_the_rest_of_the_album_comes_back(telegram: TelegramServer, tmp_path: Path):
    good = jpeg_bytes(gradient(300, 200))
    files = [
        ("one.jpg", good),
        ("notes.txt", b"just some words"),
        ("cut.jpg", good[: len(good) // 2]),
        ("empty.jpg", b""),
        ("bomb.png", png_bomb(30_000)),
        ("heavy.jpg", good + bytes(25_000_000)),
        ("wide.jpg", jpeg_bytes(gradient(4000, 100))),
    ]
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        for name, data in files:
            await telegram.send_document(ANNA, data, name, "image/jpeg", media_group_id="5")
        cartoons = await pictures(telegram, ANNA, 2)
        await telegram.wait_for_message(ANNA.id, lambda m: "Photo 3" in (m.text or ""))
        assert [size_of(cartoon) for cartoon in cartoons] == [(1024, 683), (1024, 26)]
        # What is wrong with a header is told at once, a cut only when the picture is decoded.
        texts = [message.text or "" for message in telegram.chat(ANNA.id).messages]
        assert sorted(line for text in texts for line in text.split("\n") if line.startswith("Photo ")) == [
            "Photo 2 (notes.txt): this is not a picture I can read. "
            "Please send a JPEG, PNG, WebP, GIF or HEIC picture.",
            "Photo 3 (cut.jpg): the picture is damaged or cut short. Please send it again.",
            "Photo 4 (empty.jpg): the file is empty. Please send it again.",
            "Photo 5 (bomb.png): the picture has more than 179 million pixels, and I can take up to 64 million. "
            "Please make it smaller and send it again.",
            "Photo 6 (heavy.jpg): the file has 25 MB, and I can take up to 20 MB. Please send a smaller one.",
        ]
    assert not list((tmp_path / "spool").iterdir())


async def test_a_caption_changes_one_photo_only(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        data = jpeg_bytes(gradient(200, 200))
        for caption in ("0.9", "ink 0.3", "my lovely cat", "7"):
            before = len([m for m in telegram.chat(ANNA.id).messages if m.file is not None])
            await telegram.send_photo(ANNA, data, caption=caption)
            await pictures(telegram, ANNA, before + 1)
        texts = said(telegram, ANNA)
        assert [text.split(",")[0].removeprefix("Got your photo: ") for text in texts if "Got" in text] == [
            "ink 0.9",
            "ink 0.3",
            "ink 0.7",
            "ink 0.7",
        ]
        assert any(text.startswith('"7" is not a strength') for text in texts)


async def test_chinese_people_read_chinese(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        await telegram.send_photo(LI, jpeg_bytes(gradient(200, 200)))
        (cartoon,) = await pictures(telegram, LI, 1)
        assert cartoon.caption == "你的卡通画好了：ink 0.7。"


async def test_flood_control_server_errors_and_dropped_connections_lose_nothing(
    telegram: TelegramServer, tmp_path: Path
):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        telegram.fail("sendMessage", Fault.retry_after(1))
        telegram.fail("sendPhoto", Fault.server_error())
        telegram.fail("getFile", Fault.dropped())
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        assert len(await pictures(telegram, ANNA, 1)) == 1


async def test_a_blocked_bot_closes_the_job_quietly(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        telegram.fail("sendPhoto", Fault.blocked(), chat_id=ANNA.id)
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        await telegram.wait_for(lambda: telegram.calls_to("sendPhoto", ANNA.id))
        await telegram.send_photo(LI, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, LI, 1)
    assert not list((tmp_path / "spool").iterdir())


class InterruptedEngine(QuickEngine):
    """Draws until it is told to go on, as a program that is stopped in the middle of its work."""

    def __init__(self, entered: Event, go_on: Event) -> None:
        super().__init__()
        self._entered = entered
        self._go_on = go_on

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self._entered.set()
        self._go_on.wait(20)
        return super().stylize(photos, looks)


async def test_a_stop_finishes_what_is_on_the_device_and_sends_it_once(telegram: TelegramServer, tmp_path: Path):
    entered, go_on = Event(), Event()
    settings = at_once(tmp_path, telegram)
    async with running(settings, lambda *_: InterruptedEngine(entered, go_on)):
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(300, 200)))
        await asyncio.to_thread(entered.wait)
        asyncio.get_running_loop().call_soon(go_on.set)
    assert len(await pictures(telegram, ANNA, 1)) == 1
    async with running(settings, QuickEngine):
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(300, 200)))
        assert len(await pictures(telegram, ANNA, 2)) == 2


async def test_what_a_stop_interrupts_is_finished_after_the_next_start_and_sent_once(
    telegram: TelegramServer, tmp_path: Path
):
    entered, go_on = Event(), Event()
    settings = at_once(tmp_path, telegram, shutdown_seconds=1)
    async with running(settings, lambda *_: InterruptedEngine(entered, go_on)):
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(300, 200)))
        await asyncio.to_thread(entered.wait)
        # Longer than the batch on the device is given.
        asyncio.get_running_loop().call_later(2.0, go_on.set)
    assert not [message for message in telegram.chat(ANNA.id).messages if message.file is not None]
    async with running(settings, QuickEngine):
        await pictures(telegram, ANNA, 1)
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(300, 200)))
        assert len(await pictures(telegram, ANNA, 2)) == 2


async def test_a_picture_that_telegram_refuses_goes_as_a_file(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        telegram.fail("sendPhoto", Fault.refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        (cartoon,) = await pictures(telegram, ANNA, 1)
        assert cartoon.document


async def test_a_result_that_telegram_does_not_take_at_all_is_told(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        # As a photo, as a file, and ever lighter.
        for method in ("sendPhoto", *["sendDocument"] * 4):
            telegram.fail(method, Fault.refused(413, "Request Entity Too Large"))
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        await telegram.wait_for_message(ANNA.id, lambda m: "does not take the finished picture" in (m.text or ""))


async def test_many_failures_with_long_names_fit_into_messages(telegram: TelegramServer, tmp_path: Path):
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        for number in range(20):
            # Two reasons in turn, as neighbours that fail for the same one are told together.
            await telegram.send_document(
                ANNA,
                b"words" if number % 2 else b"",
                f"{number:03}" + "x" * 200 + ".txt",
                "image/jpeg",
                media_group_id="9",
            )
        await telegram.wait_for_message(ANNA.id, lambda m: "Photo 20 (" in (m.text or ""))


async def test_a_sentence_whose_answer_gets_lost_is_said_once(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        telegram.fail("sendMessage", Fault.answer_lost())
        await telegram.send_text(ANNA, "/help")
        await telegram.send_text(ANNA, "/settings")
        await telegram.wait_for_message(ANNA.id, lambda m: "Your settings" in (m.text or ""), timeout=30)
        assert len(telegram.calls_to("sendMessage")) == 2


@pytest.mark.parametrize("count", [1, 3])
async def test_a_cartoon_whose_answer_got_lost_is_found_and_not_sent_twice(
    telegram: TelegramServer, tmp_path: Path, count: int
):
    method = "sendPhoto" if count == 1 else "sendMediaGroup"
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        telegram.fail(method, Fault.answer_lost())
        # Others' messages come in between.
        await telegram.send_text(LI, "/help")
        await telegram.send_album(ANNA, [jpeg_bytes(gradient(200, 200))] * count, gap=0.0)
        await pictures(telegram, ANNA, count)
        await telegram.send_photo(LI, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, LI, 1)
        assert len(await pictures(telegram, ANNA, count)) == count
        assert len(telegram.calls_to(method, ANNA.id)) == 1
        assert telegram.calls_to("editMessageCaption", ANNA.id)


async def test_a_cartoon_that_arrived_before_a_server_error_is_found(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        telegram.fail("sendPhoto", Fault.late_error())
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, ANNA, 1)
        await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, ANNA, 2)
        assert len(telegram.calls_to("sendPhoto")) == 2


async def test_a_message_that_telegram_brings_again_is_one_photo(telegram: TelegramServer, tmp_path: Path):
    async with running(at_once(tmp_path, telegram), QuickEngine):
        message = await telegram.send_photo(ANNA, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, ANNA, 1)
        origin = f"telegram/{ANNA.id}/{message.message_id}"
        connection = sqlite3.connect(tmp_path / "cartoonbot.sqlite3")
        assert connection.execute("SELECT count(*) FROM photos WHERE origin = ?", (origin,)).fetchone() == (1,)
        connection.close()
        await telegram.deliver_again(message)
        await telegram.send_photo(LI, jpeg_bytes(gradient(200, 200)))
        await pictures(telegram, LI, 1)
        assert len(await pictures(telegram, ANNA, 1)) == 1


async def test_flood_control_at_the_start_is_waited_out(telegram: TelegramServer, tmp_path: Path):
    telegram.fail("getMe", Fault.retry_after(1))
    async with running(at_once(tmp_path, telegram), QuickEngine):
        await telegram.send_text(ANNA, "/help")
        await telegram.wait_for_message(ANNA.id, lambda m: "/size 1024" in (m.text or ""))


async def test_a_wrong_token_is_named_without_its_text(telegram: TelegramServer, tmp_path: Path):
    settings = settings_in(tmp_path, telegram, telegram_bot_token=SecretStr("123456:WRONG"))
    with pytest.raises(ConfigError, match="TELEGRAM_BOT_TOKEN") as caught:
        await App(settings, QuickEngine).run(asyncio.Event())
    assert "WRONG" not in str(caught.value)


async def test_groups_hear_only_commands_that_are_meant_for_us(telegram: TelegramServer, tmp_path: Path):
    group = telegram.group(-100500, "Friends")
    async with running(at_once(tmp_path, telegram), QuickEngine):
        for text in ("hello all", "/ban@other_bot x", "/dance", "/style 0.6"):
            await telegram.send_text(ANNA, text, chat=group)
        await telegram.wait_for_message(group.id, lambda m: "strength 0.6" in (m.text or ""))
        assert len(group.messages) == 1
