"""Corners, end to end: captions that change, buttons of others, rights, refusals, kills."""

import asyncio
import io
import sqlite3
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bots.courier import Courier
from bots.locales import Locales
from bots.outbox import Outbox, Rates
from core.jobs import Chat as Place
from core.jobs import Job, Owner
from core.look import Look
from storage.database import Database
from storage.jobs import Jobs
from tests.bots.test_reception import GOOD, house_in
from tests.clock import on_jumping_clock
from tests.fakes.telegram import ANONYMOUS_ADMIN, Chat, Fault, Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in
from tests.workshop import HeldEngine

ANNA, BERTA, CARL, OLGA, LI = (
    Person(1000 + number, name) for number, name in enumerate(("Anna", "Berta", "Carl", "Olga", "Li"))
)
PHOTO = jpeg_bytes(gradient(120, 80))
NOT_YOURS = "These buttons are not yours. Send me a photo of your own!"
FRIENDS, FORUM = -500, -1_000_000_000_700


@pytest.fixture
async def telegram() -> AsyncGenerator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert server.violations == []
        assert server.floods == []


async def cartoon(telegram: TelegramServer, chat: Chat, words: str = "Here is your cartoon") -> Message:
    """The first message with a file and these words."""
    return await telegram.wait_for_message(
        chat.id, lambda m: m.file is not None and words in (m.caption or ""), timeout=20
    )


async def told(telegram: TelegramServer, chat: Chat, words: str) -> Message:
    return await telegram.wait_for_message(chat.id, lambda m: words in (m.text or ""), timeout=20)


def said(telegram: TelegramServer, chat: Chat) -> list[str]:
    """All sentences of the bot there, those that are deleted by now among them."""
    return [call.fields["text"] for call in telegram.calls_to("sendMessage", chat.id)]


def drawn(telegram: TelegramServer, chat: Chat) -> list[str]:
    """What is under the cartoons of a chat."""
    return [message.caption or "" for message in chat.messages if message.file is not None]


async def press(telegram: TelegramServer, person: Person, message: Message, label: str) -> str:
    """The toast."""
    query = await telegram.press_button(person, message, message.buttons[label])
    return await telegram.wait_for(lambda: telegram.callback_answers[query]) or ""


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "cartoonbot.sqlite3")) as database, database:
        return database.execute(query).fetchall()


# Captions


async def test_a_changed_caption_draws_anew_or_says_what_is_wrong(telegram: TelegramServer, tmp_path: Path):
    annas, bertas, carls = (telegram.chat(person.id) for person in (ANNA, BERTA, CARL))
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        annas_photo, bertas_photo, carls_photo = [
            await telegram.send_photo(person, PHOTO, "0.9") for person in (ANNA, BERTA, CARL)
        ]
        for chat in (annas, bertas, carls):
            await cartoon(telegram, chat, "ink 0.9")
        await telegram.edit_caption(ANNA, annas_photo, "0.7")
        await telegram.edit_caption(BERTA, bertas_photo, "7")
        await telegram.send_text(CARL, "/forget")
        await told(telegram, carls, "I deleted all")
        await telegram.edit_caption(CARL, carls_photo, "at the beach")
        await told(telegram, bertas, '"7" is not a strength')
        await cartoon(telegram, annas, "ink 0.7")
    assert (len(drawn(telegram, bertas)), len(drawn(telegram, carls))) == (1, 1)
    # Two of Anna's, one of Berta's, and nothing of Carl's, who is not heard of any more.
    assert rows(tmp_path, "SELECT user, count(*) FROM jobs GROUP BY user") == [
        (str(ANNA.id), 2),
        (str(BERTA.id), 1),
    ]


async def test_a_new_caption_beyond_the_quota_keeps_the_first_cartoon(telegram: TelegramServer, tmp_path: Path):
    engine, chat = HeldEngine(), telegram.chat(ANNA.id)
    async with running(settings_in(tmp_path, telegram, quota_photos_per_day=1), lambda *_: engine):
        photo = await telegram.send_photo(ANNA, PHOTO, "0.9")
        await engine.next_batch()
        await telegram.edit_caption(ANNA, photo, "0.5")
        await told(telegram, chat, "Your photo for today is used up.")
        engine.release_all()
        await cartoon(telegram, chat, "ink 0.9")


async def test_a_caption_that_comes_with_the_second_photo_says_how_all_are_sent_and_failures_are_told_at_once(
    telegram: TelegramServer, tmp_path: Path
):
    chat = telegram.chat(ANNA.id)
    async with running(settings_in(tmp_path, telegram, album_seconds=0.3), QuickEngine):
        await telegram.send_photo(ANNA, PHOTO, media_group_id="1")
        await telegram.send_photo(ANNA, PHOTO, "/deliver zip", media_group_id="1")
        for name, data in (("notes.txt", b"just some words"), ("empty.jpg", b"")):
            await telegram.send_document(ANNA, data, name, "image/jpeg", media_group_id="1")
        archive = await cartoon(telegram, chat, "Here are your 2 cartoons")
        await told(telegram, chat, "Photo 4 (empty.jpg): the file is empty.")
    with zipfile.ZipFile(io.BytesIO(archive.data)) as pictures:
        assert pictures.namelist() == ["01.jpg", "02.jpg"]
    (failures,) = [text for text in said(telegram, chat) if "Photo " in text]
    assert [line.split(":")[0] for line in failures.split("\n")] == ["Photo 3 (notes.txt)", "Photo 4 (empty.jpg)"]


# Buttons and commands


async def test_two_taps_on_a_button_draw_once_what_can_be_drawn(telegram: TelegramServer, tmp_path: Path):
    engine, chat = HeldEngine(), telegram.chat(ANNA.id)
    async with running(settings_in(tmp_path, telegram, album_seconds=0.3), lambda *_: engine):
        await telegram.send_document(ANNA, b"just some words", "notes.txt", "image/jpeg", media_group_id="1")
        await telegram.send_photo(ANNA, PHOTO, media_group_id="1")
        engine.release()
        first = await cartoon(telegram, chat)
        assert await press(telegram, ANNA, first, "0.3") == await press(telegram, ANNA, first, "0.3")
        engine.release_all()
        await cartoon(telegram, chat, "ink 0.3")
    photos = "SELECT strength, count(*) FROM jobs JOIN photos ON job_id = jobs.id GROUP BY strength"
    assert rows(tmp_path, photos) == [(0.3, 1), (0.7, 2)]


async def test_what_was_called_off_is_not_drawn_again(tmp_path: Path):
    async with house_in(tmp_path) as house:
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
        await house.platform.next_events(1)
        first, _ = await house.photos(job_id)
        await house.jobs.start(first.id)
        await house.jobs.finish(first.id)
        assert await house.orders.cancel_job(job_id) == 1
        await house.reception.draw_again(await house.job(job_id), "press 1")
        (again,) = await house.jobs.unsettled(Owner("memory", "anna"))
        assert [photo.name for photo in again.photos] == ["a.jpg"]


async def test_to_compare_what_was_never_usable_is_answered_with_a_sentence(
    telegram: TelegramServer, tmp_path: Path
):
    chat = telegram.chat(ANNA.id)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        await telegram.send_document(ANNA, b"just some words", "notes.txt", "image/jpeg")
        await told(telegram, chat, "notes.txt: this is not a picture")
        await telegram.send_text(ANNA, "/compare")
        await told(telegram, chat, "Please send me a photo first")


async def test_compare_is_answered_in_the_topic_where_it_is_asked_for(telegram: TelegramServer, tmp_path: Path):
    forum = telegram.group(FORUM, "Forum", forum=True)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot", chat=forum, thread_id=5)
        assert (await cartoon(telegram, forum)).thread_id == 5
        await telegram.send_text(ANNA, "/compare", chat=forum, thread_id=9)
        assert (await cartoon(telegram, forum, "Several strengths")).thread_id == 9


async def test_calling_off_in_a_supergroup_calls_off_what_waits_in_private_too(
    telegram: TelegramServer, tmp_path: Path
):
    engine, forum = HeldEngine(), telegram.group(FORUM, "Forum")
    async with running(settings_in(tmp_path, telegram, batch_size=1), lambda *_: engine):
        await telegram.send_text(LI, "/queue")
        photo = await telegram.send_photo(ANNA, PHOTO)
        await engine.next_batch()
        command = await telegram.send_text(ANNA, "/cancel", chat=forum)
        # Each chat counts on its own.
        assert photo.message_id > command.message_id
        await told(telegram, forum, "I called off your photo.")
        engine.release_all()
    assert rows(tmp_path, "SELECT status FROM photos") == [("cancelled",)]


async def test_buttons_of_whoever_wrote_as_the_group_work_for_its_administrators_alone(
    telegram: TelegramServer, tmp_path: Path
):
    club = telegram.group(FORUM, "Photo club")
    club.admins.add(OLGA.id)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        await telegram.send_text(ANNA, "hello", chat=club)
        await telegram.send_photo(ANONYMOUS_ADMIN, PHOTO, "@cartoon_test_bot", chat=club)
        first = await cartoon(telegram, club)
        assert await press(telegram, ANNA, first, "0.3") == NOT_YOURS
        # Telegram tells about others for certain only where the bot is an administrator.
        telegram.fail("getChatMember", Fault.refused(400, "Bad Request: member list is inaccessible"))
        assert await press(telegram, ANNA, first, "0.3") == NOT_YOURS
        assert await press(telegram, OLGA, first, "0.3") == "On its way: ink 0.3, 1024 px, jpg."
        await cartoon(telegram, club, "ink 0.3")


# Groups


async def test_a_group_hears_nothing_of_what_is_meant_for_a_bot_of_a_longer_name_or_for_nobody(
    telegram: TelegramServer, tmp_path: Path
):
    friends = telegram.group(FRIENDS)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        for text in ("/start@cartoon_test_bot_dev", "@cartoon_test_bot_dev hello"):
            await telegram.send_text(ANNA, text, chat=friends)
        await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot_dev", chat=friends)
        await telegram.send_text(ANNA, "/cancel", chat=friends)
        await told(telegram, friends, "Nothing of yours is waiting.")
        rows(tmp_path, "ALTER TABLE user_settings RENAME TO broken")
        await telegram.send_text(ANNA, "what a day", chat=friends)
        await telegram.send_photo(ANNA, PHOTO, "at the beach", chat=friends)
        await telegram.send_text(ANNA, "/help", chat=friends)
        await told(telegram, friends, "Something went wrong on my side.")
    assert len(friends.messages) == 2


async def test_a_group_that_wants_every_photo_reads_no_word_about_what_is_not_drawn(
    telegram: TelegramServer, tmp_path: Path
):
    club = telegram.group(FRIENDS, "Photo club")
    club.admins.add(OLGA.id)
    async with running(settings_in(tmp_path, telegram, quota_photos_per_day=1), QuickEngine):
        await telegram.send_text(OLGA, "/auto on", chat=club)
        await told(telegram, club, "From now on I draw every photo sent here.")
        await telegram.send_photo(ANNA, PHOTO, chat=club)
        await cartoon(telegram, club)
        await telegram.send_other(ANNA, "animation", club)
        await telegram.send_document(BERTA, b"%PDF-1.7", "bill.pdf", "application/pdf", chat=club)
        await telegram.send_document(BERTA, b"just some words", "cat.jpg", "image/jpeg", chat=club)
        await telegram.send_photo(ANNA, PHOTO, chat=club)
        await telegram.send_photo(OLGA, PHOTO, chat=club)
        await telegram.wait_for(lambda: len(drawn(telegram, club)) == 2)
    assert len(club.messages) == 3
    refused = "SELECT failure_code, status FROM photos WHERE failure_code IS NOT NULL ORDER BY failure_code"
    assert rows(tmp_path, refused) == [("not-a-photo", "answered"), ("quota-reached", "answered")]


async def test_a_group_that_takes_no_photos_gets_files(telegram: TelegramServer, tmp_path: Path):
    friends = telegram.group(FRIENDS)
    async with running(settings_in(tmp_path, telegram), QuickEngine):
        words = "Bad Request: not enough rights to send photos to the chat"
        telegram.fail("sendPhoto", Fault.refused(400, words))
        await telegram.send_photo(ANNA, PHOTO, "@cartoon_test_bot", chat=friends)
        assert (await cartoon(telegram, friends)).document is not None


def test_thirty_commands_in_a_group_delay_a_cartoon_by_less_than_twenty_seconds():
    async def crowded() -> tuple[list[str], float]:
        outbox, sent = Outbox(Rates()), list[str]()

        def message(text: str) -> Callable[[], Awaitable[None]]:
            async def call() -> None:
                sent.append(text)

            return call

        for number in range(30):
            outbox.post("friends", message(f"answer {number}"), group=True)
        await outbox.send("friends", message("cartoon"), group=True)
        return sent, asyncio.get_running_loop().time()

    sent, seconds = on_jumping_clock(crowded())
    assert sent[-1] == "cartoon"
    assert seconds < 20


# What goes wrong in the middle


async def test_a_stop_between_the_album_and_the_words_under_it_leaves_them_to_the_next_start(
    telegram: TelegramServer, tmp_path: Path
):
    engine, chat = HeldEngine(), telegram.chat(ANNA.id)
    settings = settings_in(tmp_path, telegram, album_seconds=0.3, shutdown_seconds=1)
    async with running(settings, lambda *_: engine):
        await telegram.send_album(ANNA, [PHOTO] * 2, gap=0.0)
        await told(telegram, chat, "Got your 2 photos")
        # It never comes to its end.
        telegram.fail("sendMessage", Fault.held(asyncio.Event()))
        engine.release_all()
        await telegram.wait_for(lambda: len(telegram.calls_to("sendMessage")) == 2, timeout=20)
    # Only what people wait for makes a sound.
    silent = [call.fields.get("disable_notification", False) for call in telegram.calls_to("sendMessage")]
    assert silent == [True, False]
    async with running(settings, QuickEngine):
        words = await told(telegram, chat, "Here are your 2 cartoons")
        assert "0.5" in words.buttons
    assert len(telegram.calls_to("sendMediaGroup")) == 1
    assert len(chat.messages) == 3
    async with running(settings, QuickEngine):
        await telegram.send_text(LI, "/queue")
        await told(telegram, telegram.chat(LI.id), "Nothing of yours is waiting.")
    assert len(chat.messages) == 3


async def test_a_late_sibling_that_is_drawn_while_the_others_are_sent_is_still_told_of(
    telegram: TelegramServer, tmp_path: Path
):
    engine, chat, gate = HeldEngine(), telegram.chat(ANNA.id), asyncio.Event()
    async with running(settings_in(tmp_path, telegram, album_seconds=0.3), lambda *_: engine):
        telegram.fail("sendMediaGroup", Fault.held(gate))
        for _ in range(2):
            await telegram.send_photo(ANNA, PHOTO, media_group_id="1")
        await engine.next_batch()
        engine.release()
        await telegram.wait_for(lambda: telegram.calls_to("sendMediaGroup"))
        await telegram.send_photo(ANNA, PHOTO, media_group_id="1")
        await engine.next_batch()
        gate.set()
        await told(telegram, chat, "Here are your 2 cartoons")
        await telegram.wait_for_message(ANNA.id, lambda m: "Cancel" in m.buttons)
        engine.release_all()
        await cartoon(telegram, chat)


async def test_photos_are_drawn_again_all_or_none(tmp_path: Path):
    async with house_in(tmp_path, user_limit=3) as house:
        async with house.drawing():
            job_id = await house.send([(f"{number}.jpg", GOOD) for number in range(3)])
            await house.finish(job_id)
        job = await house.job(job_id)
        rows(
            tmp_path,
            "CREATE TRIGGER full BEFORE INSERT ON photos WHEN NEW.place = 2 "
            "BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        with pytest.raises(sqlite3.IntegrityError, match="full"):
            await house.reception.draw_again(job, "press 1")
        assert rows(tmp_path, "SELECT id FROM jobs") == [(job_id,)]
        assert len(rows(tmp_path, "SELECT id FROM photos")) == 3
        rows(tmp_path, "DROP TRIGGER full")
        # There is room for three, as nothing of the first try counts as on its way.
        await house.reception.draw_again(job, "press 2")
        assert len(rows(tmp_path, "SELECT id FROM photos")) == 6


class JobsThatGoOn(Jobs):
    """While somebody looks at a job for the second time, one of its photos is finished."""

    def __init__(self, database: Database, photo_id: int) -> None:
        super().__init__(database)
        self._photo_id = photo_id
        self._looks = 0

    async def job(self, job_id: str) -> Job | None:
        job = await super().job(job_id)
        self._looks += 1
        if self._looks == 2:
            await self.finish(self._photo_id)
        return job


async def test_a_job_that_settles_while_it_is_looked_at_is_not_over_before_it_is_sent(tmp_path: Path):
    async with house_in(tmp_path) as house:
        job_id = await house.jobs.open_job(Owner("memory", "anna"), Place("memory", "home"), "en", Look())
        photo_id = await house.jobs.add_photo(job_id, 1, "", "photo")
        assert photo_id
        await house.jobs.enqueue([photo_id])
        await house.jobs.start(photo_id)
        await house.jobs.tell_progress_in(job_id, "4")
        over: list[Job] = []
        courier = Courier(
            JobsThatGoOn(house.database, photo_id),
            house.spool,
            {"memory": house.platform},
            Locales(),
            house.progress,
            over.append,
            house.delivered.append,
        )
        courier.settled(job_id)
        await courier.close(grace=20)
        assert (await house.job(job_id)).settled
        assert (house.platform.changes, over) == ([], [])
