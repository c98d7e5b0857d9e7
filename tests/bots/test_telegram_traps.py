"""What chat bots like this one get wrong, end to end: the real program and library against the stand-in Telegram.

What others test:
    an album splits or loses photos: test_telegram, an_album_of_ten, twenty_photos, a_late_sibling
    inference blocks the heartbeat: test_responsiveness, /help is answered while real ink draws 20 photos
    one big result fails: test_telegram, a_picture_that_telegram_refuses_goes_as_a_file, does_not_take_at_all
    an album is sent twice when its answer is lost: test_telegram, whose_answer_got_lost
    jobs vanish at a restart or a kill: test_telegram, what_a_stop_interrupts; tests/soak/test_quick
    settings live in memory: test_telegram, style_is_remembered_after_a_restart
    every rotation there is: tests/core/test_photo; every path a server may name: test_telegram_files
    everybody waits for one chat's flood control: test_telegram_crowd
"""

import asyncio
import io
import itertools
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from threading import Event, Semaphore

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageStat

from core.look import Look
from core.photo import Array, resized
from tests.fakes.telegram import Fault, File, Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

ANNA = Person(1001, "Anna", "en")
LI = Person(1002, "Li", "en")
CARL = Person(1003, "Carl", "en")
PHOTO = jpeg_bytes(gradient(120, 80))
DAY = 24 * 3600.0
EDIT_SECONDS = 3.0
# What cameras write, and what it asks for.
ORIENTATION, TURN_CLOCKWISE = 0x0112, 6


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []
        assert server.floods == []


class SteppedEngine(QuickEngine):
    """Draws one batch for each step that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = Event()
        self.steps = Semaphore(0)

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.entered.set()
        self.steps.acquire(timeout=60)
        return super().stylize(photos, looks)

    def go(self) -> None:
        """Draw whatever comes."""
        self.steps.release(1000)


class SameEngine(QuickEngine):
    """Gives the photos back, only in another size."""

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        return [resized(photo, look.size) for photo, look in zip(photos, looks, strict=True)]


class Trap:
    """A web server that nobody should ever ask; counts who does."""

    def __init__(self) -> None:
        self.visits = 0
        self.address = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Trap"]:
        async with await asyncio.start_server(self._visit, "127.0.0.1", 0) as server:
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    def _visit(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


def cartoons(telegram: TelegramServer, chat_id: int) -> list[Message]:
    return [message for message in telegram.chat(chat_id).messages if message.file is not None]


async def wait_for_cartoons(telegram: TelegramServer, chat_id: int, count: int = 1) -> list[Message]:
    await telegram.wait_for(lambda: len(cartoons(telegram, chat_id)) >= count, timeout=30)
    return cartoons(telegram, chat_id)


async def wait_until_told(telegram: TelegramServer, chat_id: int) -> Message:
    """The message that tells of the progress of a job."""
    return await telegram.wait_for_message(chat_id, lambda m: "Cancel" in m.buttons)


def people_delete(*messages: Message) -> None:
    for message in messages:
        message.chat.history.remove(message)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the program logged for whoever runs it to look into."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno > logging.INFO and record.name.partition(".")[0] in ("bots", "core", "storage")
    ]


def statuses(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "cartoonbot.sqlite3")) as database:
        return {status for (status,) in database.execute("SELECT status FROM photos")}


# Everybody waits for one person


async def test_ten_photos_that_come_slowly_keep_nobody_waiting(telegram: TelegramServer, tmp_path: Path):
    gate = asyncio.Event()
    async with running(settings_in(tmp_path, telegram, album_seconds=0.5), QuickEngine):
        telegram.fail("download", Fault.held(gate), times=4)
        await telegram.send_album(ANNA, [PHOTO] * 10, gap=0.0)
        await telegram.wait_for(lambda: len(telegram.calls_to("download")) == 4)
        await telegram.send_photo(LI, PHOTO)
        await wait_for_cartoons(telegram, LI.id)
        assert not cartoons(telegram, ANNA.id)
        gate.set()
        await wait_for_cartoons(telegram, ANNA.id, 10)


async def test_a_cartoon_that_goes_out_slowly_keeps_nobody_waiting(telegram: TelegramServer, tmp_path: Path):
    gate = asyncio.Event()
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        telegram.fail("sendPhoto", Fault.held(gate), chat_id=ANNA.id)
        await telegram.send_photo(ANNA, PHOTO)
        await telegram.wait_for(lambda: telegram.calls_to("sendPhoto", ANNA.id))
        await telegram.send_photo(LI, PHOTO)
        await wait_for_cartoons(telegram, LI.id)
        assert not cartoons(telegram, ANNA.id)
        gate.set()
        await wait_for_cartoons(telegram, ANNA.id)


# Too many messages


async def test_twenty_who_wait_get_one_message_each_that_is_edited_at_leisure(
    telegram: TelegramServer, tmp_path: Path
):
    engine = SteppedEngine()
    people = [Person(2000 + number, f"Person {number}") for number in range(20)]

    def served() -> int:
        return sum(bool(cartoons(telegram, person.id)) for person in people)

    async with running(settings_in(tmp_path, telegram, batch_size=1), lambda *_: engine):
        for person in people:
            await telegram.send_photo(person, PHOTO)
        told = [await wait_until_told(telegram, person.id) for person in people]
        for step in range(1, 11):
            engine.steps.release()
            await telegram.wait_for(lambda least=step: served() >= least)
        await telegram.wait_for(lambda: len(telegram.calls_to("editMessageText")) >= 3)
        engine.go()
        await telegram.wait_for(lambda: served() == 20 and all(message.gone for message in told), timeout=20)
    for message in told:
        assert len(telegram.calls_to("sendMessage", message.chat.id)) == 1
        times = [call.time for call in telegram.calls_to("editMessageText", message.chat.id)]
        assert all(later - earlier >= EDIT_SECONDS for earlier, later in itertools.pairwise(times))


async def test_flood_control_of_edits_delays_only_its_own_chat_and_no_longer_than_asked(
    telegram: TelegramServer, tmp_path: Path
):
    engine = SteppedEngine()
    async with running(settings_in(tmp_path, telegram, album_seconds=0.5), lambda *_: engine):
        telegram.fail("editMessageText", Fault.retry_after(3), chat_id=ANNA.id)
        await telegram.send_album(ANNA, [PHOTO] * 2, gap=0.0)
        await telegram.send_photo(LI, PHOTO)
        await telegram.wait_for(lambda: telegram.calls_to("editMessageText", ANNA.id), timeout=20)
        refused = telegram.calls_to("editMessageText", ANNA.id)[0].time
        engine.go()
        await wait_for_cartoons(telegram, LI.id)
        assert not cartoons(telegram, ANNA.id)
        await wait_for_cartoons(telegram, ANNA.id, 2)
        (album,) = telegram.calls_to("sendMediaGroup", ANNA.id)
        assert telegram.calls_to("sendPhoto", LI.id)[0].time < refused + 3
        assert 3 <= album.time - refused < 6


# Buttons


async def test_a_button_pressed_while_the_program_was_down_works_although_it_is_too_late_to_answer(
    telegram: TelegramServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        await telegram.send_photo(ANNA, PHOTO)
        (cartoon,) = await wait_for_cartoons(telegram, ANNA.id)
    query = await telegram.press_button(ANNA, cartoon, cartoon.buttons["0.3"])
    telegram.age_queries()
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        _, again = await wait_for_cartoons(telegram, ANNA.id, 2)
        assert again.caption == "Here is your cartoon: ink 0.3."
        await telegram.wait_for(lambda: telegram.calls_to("answerCallbackQuery"))
    assert telegram.callback_answers[query] is None
    assert complaints(caplog) == []


async def test_a_button_is_answered_at_once_while_its_chat_waits_out_flood_control(
    telegram: TelegramServer, tmp_path: Path
):
    async with running(settings_in(tmp_path, telegram, shutdown_seconds=1), QuickEngine):
        await telegram.send_photo(ANNA, PHOTO)
        (cartoon,) = await wait_for_cartoons(telegram, ANNA.id)
        telegram.fail("sendMessage", Fault.retry_after(30), chat_id=ANNA.id)
        await telegram.send_text(ANNA, "/help")
        await telegram.wait_for(lambda: len(telegram.calls_to("sendMessage", ANNA.id)) == 2)
        pressed = time.monotonic()
        query = await telegram.press_button(ANNA, cartoon, cartoon.buttons["0.9"])
        await telegram.wait_for(lambda: telegram.callback_answers[query])
        assert telegram.calls_to("answerCallbackQuery")[0].time - pressed < 1.0


# Results that get lost


async def test_a_result_a_day_late_finds_the_chat_although_the_person_deleted_what_led_to_it(
    telegram: TelegramServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    engine = SteppedEngine()
    async with running(settings_in(tmp_path, telegram, shutdown_seconds=1), lambda *_: engine):
        sent = await telegram.send_photo(ANNA, PHOTO)
        told = await wait_until_told(telegram, ANNA.id)
        await asyncio.to_thread(engine.entered.wait, 20)
    engine.go()
    people_delete(sent, told)
    with closing(sqlite3.connect(tmp_path / "cartoonbot.sqlite3")) as database, database:
        assert database.execute("UPDATE jobs SET created_at = created_at - ?", (DAY,)).rowcount == 1
    caplog.clear()
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        (cartoon,) = await wait_for_cartoons(telegram, ANNA.id)
        assert cartoon.caption == "Here is your cartoon: ink 0.7."
        assert cartoon.reply_to is None
    assert statuses(tmp_path) == {"answered"}
    assert complaints(caplog) == []


async def test_a_result_for_a_topic_that_was_deleted_comes_to_the_group(telegram: TelegramServer, tmp_path: Path):
    forum = telegram.group(-1_000_000_000_700, "Forum", forum=True)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        telegram.fail("sendPhoto", Fault.refused(400, "Bad Request: message thread not found"))
        await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot", chat=forum, thread_id=5)
        (cartoon,) = await wait_for_cartoons(telegram, forum.id)
        assert cartoon.thread_id is None


async def test_an_album_that_telegram_refuses_twice_goes_one_by_one(telegram: TelegramServer, tmp_path: Path):
    async with running(settings_in(tmp_path, telegram, album_seconds=0.5), QuickEngine):
        telegram.fail("sendMediaGroup", Fault.refused(413, "Request Entity Too Large"))
        telegram.fail("sendMediaGroup", Fault.refused(400, "Bad Request: failed to send message #1"))
        sent = await telegram.send_album(ANNA, [PHOTO] * 2, gap=0.0)
        drawn = await wait_for_cartoons(telegram, ANNA.id, 2)
        assert [message.document is not None for message in drawn] == [True, True]
        assert [message.reply_to for message in drawn] == [sent[0], sent[0]]
        closing_words = await telegram.wait_for_message(ANNA.id, lambda m: "Here are" in (m.text or ""))
        assert "0.5" in closing_words.buttons
    assert len(telegram.calls_to("sendMediaGroup")) == 2


async def test_those_who_are_gone_close_their_jobs_quietly(
    telegram: TelegramServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Blocked, kicked without a word, an account deleted; and Li is served meanwhile."""
    engine, friends = SteppedEngine(), telegram.group(-1_000_000_000_500, "Friends")
    async with running(settings_in(tmp_path, telegram), lambda *_: engine):
        await telegram.send_photo(ANNA, PHOTO)
        await telegram.send_photo(LI, PHOTO, "@cartoon_test_bot", chat=friends)
        await telegram.send_photo(CARL, PHOTO)
        for chat_id in (ANNA.id, friends.id, CARL.id):
            await wait_until_told(telegram, chat_id)
        await telegram.block(ANNA)
        friends.bot_status = "kicked"
        del telegram.chats[CARL.id]
        await telegram.send_photo(LI, PHOTO)
        await wait_until_told(telegram, LI.id)
        engine.go()
        await wait_for_cartoons(telegram, LI.id)
        for chat_id in (friends.id, CARL.id):
            await telegram.wait_for(lambda chat_id=chat_id: telegram.calls_to("sendPhoto", chat_id))
    assert not telegram.calls_to("sendPhoto", ANNA.id)
    assert statuses(tmp_path) == {"answered", "cancelled"}
    assert not list((tmp_path / "spool").iterdir())
    assert complaints(caplog) == []


# Other people's work


async def test_nobody_stops_other_peoples_work(telegram: TelegramServer, tmp_path: Path):
    engine, friends = SteppedEngine(), telegram.group(-1_000_000_000_500, "Friends")
    async with running(settings_in(tmp_path, telegram), lambda *_: engine):
        ours = await telegram.send_photo(LI, PHOTO, "@cartoon_test_bot", chat=friends)
        told = await wait_until_told(telegram, friends.id)
        await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot", chat=friends)
        await telegram.wait_for(lambda: len(telegram.calls_to("sendMessage", friends.id)) == 2)
        query = await telegram.press_button(ANNA, told, told.buttons["Cancel"])
        answer = await telegram.wait_for(lambda: telegram.callback_answers[query])
        assert answer == "These buttons are not yours. Send me a photo of your own!"
        await telegram.send_text(ANNA, "/cancel", chat=friends)
        await telegram.wait_for_message(friends.id, lambda m: m.text == "I called off your photo.")
        engine.go()
        (cartoon,) = await wait_for_cartoons(telegram, friends.id)
        assert cartoon.reply_to is ours
    assert statuses(tmp_path) == {"answered", "cancelled"}


# What people send


async def test_addresses_that_people_write_are_never_asked(telegram: TelegramServer, tmp_path: Path):
    async with Trap().serving() as trap, running(settings_in(tmp_path, telegram), QuickEngine):
        url = f"http://{trap.address}/photo.jpg"
        for number, text in enumerate((url, f"/cartoon {url}", f"/compare {url}", f"/style {url}")):
            person = Person(2000 + number)
            await telegram.send_text(person, text)
            await telegram.wait_for_message(person.id)
        await telegram.send_photo(ANNA, PHOTO, caption=url)
        await telegram.send_document(LI, PHOTO, url, "image/jpeg", caption=f"/cartoon {url}")
        await wait_for_cartoons(telegram, ANNA.id)
        await wait_for_cartoons(telegram, LI.id)
        assert trap.visits == 0


async def test_a_file_path_that_points_elsewhere_is_not_followed(telegram: TelegramServer, tmp_path: Path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    async with Trap().serving() as trap, running(settings_in(tmp_path, telegram), QuickEngine):
        for path in (str(photo), f"//{trap.address}/a.jpg"):
            telegram.lie_about_paths(path)
            sent = await telegram.send_photo(ANNA, PHOTO)
            sorry = await telegram.wait_for_message(ANNA.id, lambda m, sent=sent: m.reply_to is sent)
            assert sorry.text == "photo: I could not fetch it. Please send it again."
        for path in (f"http://{trap.address}/a.jpg", f"@{trap.address}/a.jpg", "../../a.jpg"):
            telegram.lie_about_paths(path)
            sent = await telegram.send_photo(LI, PHOTO)
            # The second time it asks, it has had its answer to the first.
            await telegram.wait_for(lambda photo=sent.file: times_asked(telegram, photo) == 2)
        assert trap.visits == 0
        assert not cartoons(telegram, ANNA.id) + cartoons(telegram, LI.id)


def times_asked(telegram: TelegramServer, file: File | None) -> int:
    assert file is not None
    return sum(call.fields["file_id"] == file.file_id for call in telegram.calls_to("getFile"))


async def test_files_come_back_upright_whatever_the_camera_wrote(telegram: TelegramServer, tmp_path: Path):
    upright = Image.fromarray(gradient(120, 180))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = TURN_CLOCKWISE
    jpeg, heic = io.BytesIO(), io.BytesIO()
    lying.save(jpeg, "JPEG", quality=95, exif=exif)
    pillow_heif.from_pillow(upright).save(heic, quality=95)
    async with running(settings_in(tmp_path, telegram, album_seconds=0.5), SameEngine):
        await telegram.send_document(ANNA, jpeg.getvalue(), "IMG_1.jpg", "image/jpeg", media_group_id="1")
        await telegram.send_document(ANNA, heic.getvalue(), "IMG_2.HEIC", "image/heic", media_group_id="1")
        for cartoon in await wait_for_cartoons(telegram, ANNA.id, 2):
            with Image.open(io.BytesIO(cartoon.data)) as drawn:
                difference = ImageChops.difference(drawn.resize(upright.size), upright)
            assert max(ImageStat.Stat(difference).mean) < 5


async def test_the_general_topic_is_answered_without_its_number(telegram: TelegramServer, tmp_path: Path):
    forum = telegram.group(-1_000_000_000_700, "Forum", forum=True)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        for topic in (1, 5):
            await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot", chat=forum, thread_id=topic)
        general, other = await wait_for_cartoons(telegram, forum.id, 2)
        assert {general.thread_id, other.thread_id} == {None, 5}
