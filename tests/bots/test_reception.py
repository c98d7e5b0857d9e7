"""Reception and courier together, between a small front end in memory and real rows, files and pictures."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from bots.buttons import result_buttons
from bots.courier import Courier
from bots.delivery import Kind
from bots.frontend import HeardPhoto
from bots.intake import AT_ONCE_OF_ONE
from bots.locales import Locales
from bots.outbox import Busy, Unreached
from bots.reception import Reception
from bots.replies import Reply
from core.errors import Blocked, OwnerQueueFull, StorageUnwritable
from core.jobs import Chat, Owner, PhotoStatus
from core.look import SHEET_SIZE, Look, Preferences, SheetKind
from storage.people import Standing
from tests.bots.house import ANNA, GOOD, House, house_in
from tests.memory_chat import Deleted, Delivered, MemoryChat, Said
from tests.running import TODAY

# A photo of 41 bytes that is none.
WORDS = b"just some words, and nothing of a picture"


class CrowdedChat(MemoryChat):
    """Gives nothing before so many ask at once."""

    def __init__(self, together: int) -> None:
        super().__init__(downloads=False)
        self._all_here = asyncio.Barrier(together)

    async def fetch(self, reference: str, path: Path) -> None:
        await self._all_here.wait()
        await super().fetch(reference, path)


class StalledChat(MemoryChat):
    """Never gets a sentence out."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.left = False

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


async def test_an_album_is_acknowledged_once_and_comes_back_as_one(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)], caption="0.9")
        assert await house.platform.next_events(3) == [
            Said("home", "Got your 2 photos: ink 0.9, 1024 px, jpg. I'm drawing now."),
            Delivered("home", ("01-ink.jpg", "02-ink.jpg"), ""),
            Said("home", "Here are your 2 cartoons: ink 0.9."),
        ]
        await house.finish(job_id)
        assert {*house.platform.changes} == {Deleted("1")}
        assert await house.leaves_nothing_behind()


async def test_a_photo_is_a_row_before_its_bytes_are_fetched(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house:
        house.platform.uploads["photo"] = GOOD
        job_id = await house.reception.hear(HeardPhoto(ANNA, Chat("memory", "home"), 1, "", "photo"))
        assert [photo.status for photo in await house.photos(job_id)] == [PhotoStatus.ARRIVING]


async def test_a_full_queue_takes_what_fits_and_says_once_what_does_not(tmp_path: Path):
    async with house_in(tmp_path, queue_limit=2) as house:
        job_id = await house.send([(f"{number}.jpg", GOOD) for number in range(6)])
        (queued,) = await house.platform.next_events(1)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your 2 photos")
        assert len(house.platform.fetched) == len(house.queue) == 2
        async with house.drawing():
            delivered, refused, done = await house.platform.next_events(3)
            await house.finish(job_id)
        assert isinstance(refused, Said)
        assert refused.text.startswith("Photos 3 to 6: So many photos are waiting (2)")
        assert delivered == Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "")
        assert done == Said("home", "Here are your 2 cartoons: ink 0.7.")
        assert await house.leaves_nothing_behind()


async def test_one_persons_full_queue_leaves_what_they_already_queued(tmp_path: Path):
    async with house_in(tmp_path, user_limit=2) as house:
        await house.send([("a.jpg", GOOD)], chat="first")
        await house.platform.next_events(1)
        await house.send([("b.jpg", GOOD), ("c.jpg", GOOD)], chat="second")
        await house.platform.next_events(1)
        assert len(house.queue) == 2
        async with house.drawing():
            events = await house.platform.next_events(3)
        (refused,) = [event for event in events if isinstance(event, Said)]
        assert refused.chat == "second"
        assert refused.text.startswith("Photo 2 (c.jpg): 2 of your photos are still waiting, and 2 is the most")


async def test_photos_that_all_fail_are_told_in_one_message(tmp_path: Path):
    files = [("notes.txt", WORDS), ("empty.jpg", b""), ("pdf.jpg", b"%PDF-1.7")]
    async with house_in(tmp_path) as house:
        job_id = await house.send(files)
        (told,) = await house.platform.next_events(1)
        assert isinstance(told, Said)
        assert [line.split(":")[0] for line in told.text.split("\n")] == [
            "Photo 1 (notes.txt)",
            "Photo 2 (empty.jpg)",
            "Photo 3 (pdf.jpg)",
        ]
        await house.finish(job_id)
        assert house.platform.events.empty()
        assert await house.leaves_nothing_behind()


async def test_a_photo_too_heavy_for_us_is_not_even_fetched(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.send([("heavy.jpg", bytes(1_500_000))])
        (told,) = await house.platform.next_events(1)
        assert told == Said(
            "home", "heavy.jpg: the file has 1.5 MB, and I can take up to 1 MB. Please send a smaller one."
        )
        assert house.platform.fetched == []


async def test_a_photo_the_platform_lost_is_told_by_its_name(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.reception.hear(HeardPhoto(ANNA, Chat("memory", "home"), 1, "a.jpg", "lost"))
        assert await house.platform.next_events(1) == [
            Said("home", "a.jpg: I could not fetch it. Please send it again.")
        ]


async def test_the_good_photos_of_an_album_come_back_and_the_bad_ones_are_named(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD), ("notes.txt", WORDS), ("c.jpg", GOOD)])
        queued, delivered, told, done = await house.platform.next_events(4)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your 2 photos")
        assert delivered == Delivered("home", ("01-ink.jpg", "03-ink.jpg"), "")
        assert done == Said("home", "Here are your 2 cartoons: ink 0.7.")
        assert isinstance(told, Said)
        assert told.text.startswith("Photo 2 (notes.txt): this is not a picture I can read.")
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_late_sibling_is_answered_by_itself_in_the_same_job(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD)])
        await house.finish(job_id)
        await house.platform.next_events(2)
        assert await house.send([("b.jpg", GOOD)]) == job_id
        _, delivered = await house.platform.next_events(2)
        assert delivered == Delivered("home", ("02-ink.jpg",), "Here is your cartoon: ink 0.7.")
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_late_caption_does_not_change_what_is_already_drawn(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD)])
        await house.finish(job_id)
        await house.settings.keep(ANNA.owner, Preferences(Look(format="png")))
        await house.send([("b.jpg", GOOD)], caption="0.9")
        events = await house.platform.next_events(4)
        assert [event.names for event in events if isinstance(event, Delivered)] == [
            ("01-ink.jpg",),
            ("02-ink.jpg",),
        ]
        job = await house.jobs.job(job_id)
        assert job is not None
        assert job.look == Look()


async def test_a_photo_that_could_not_be_noted_does_not_swallow_the_next_one(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.database.reading.execute("PRAGMA query_only = ON")
        with pytest.raises(StorageUnwritable):
            await house.send([("a.jpg", GOOD)])
        await house.database.reading.execute("PRAGMA query_only = OFF")
        await house.send([("b.jpg", GOOD)])
        assert await house.platform.next_events(1) == [
            Said("home", "Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now.")
        ]


async def test_a_person_who_left_closes_the_job_quietly(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with house_in(tmp_path) as house:
        house.platform.gone = True
        async with house.drawing(), asyncio.timeout(20):
            await house.send([("a.jpg", GOOD), ("notes.txt", WORDS)])
            for _ in range(2):  # once queued, once drawn
                await house.settled.get()
        await house.courier.close(grace=20)
        assert house.platform.events.empty()
        assert await house.leaves_nothing_behind()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_could_not_be_delivered_waits_for_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with house_in(tmp_path) as house:
        house.platform.broken = True
        async with house.drawing(), asyncio.timeout(20):
            job_id = await house.send([("a.jpg", GOOD)])
            for _ in range(2):
                await house.settled.get()
        await house.courier.close(grace=20)
        assert "could not be answered" in caplog.text
        assert [photo.status for photo in await house.photos(job_id)] == [PhotoStatus.DONE]
        said = house.platform.replies
    async with house_in(tmp_path) as house:
        house.platform.replies |= said
        await house.restart()
        (delivered,) = await house.platform.next_events(1)
        assert isinstance(delivered, Delivered)
        await house.finish(job_id)
        # The message of the run before.
        assert house.platform.changes == [Deleted("1")]
        assert await house.leaves_nothing_behind()


async def test_a_restart_fetches_queues_and_delivers_what_was_left(tmp_path: Path):
    left: dict[str, str] = {}
    async with house_in(tmp_path) as house:
        for chat in ("arriving", "queued", "done"):
            left[chat] = await house.jobs.open_job(ANNA.owner, Chat("memory", chat), "en", Look(size=512))
            photo_id = await house.jobs.add_photo(left[chat], 1, "", f"reference of {chat}")
            assert photo_id
            if chat == "arriving":
                continue
            house.spool.source(photo_id).write_bytes(GOOD)
            await house.jobs.enqueue([photo_id])
            if chat == "queued":
                continue
            house.spool.result(photo_id, "jpg").write_bytes(GOOD)
            assert await house.jobs.start(photo_id) == 0
            await house.jobs.finish(photo_id)

    async with house_in(tmp_path) as house, house.drawing():
        house.platform.uploads["reference of arriving"] = GOOD
        await house.restart()
        events = await house.platform.next_events(4)
        assert {event.chat for event in events if isinstance(event, Delivered)} == set(left)
        # Who was told "queued" before the restart is not told again.
        assert [event.chat for event in events if isinstance(event, Said)] == ["arriving"]
        assert house.platform.fetched == ["reference of arriving"]
        for job_id in left.values():
            await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_restart_takes_up_more_than_the_queue_would_accept(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.send([(f"{number}.jpg", GOOD) for number in range(5)])
        await house.platform.next_events(1)
    async with house_in(tmp_path, queue_limit=1, user_limit=1) as house, house.drawing():
        await house.restart()
        (delivered,) = await house.platform.next_events(1)
        assert isinstance(delivered, Delivered)
        assert len(delivered.names) == 5


async def test_a_stop_while_an_album_arrives_loses_nothing(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house:
        await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.uploads = {"home/a.jpg": GOOD, "home/b.jpg": GOOD}
        await house.restart()
        _, delivered = await house.platform.next_events(2)
        assert isinstance(delivered, Delivered)
        assert len(delivered.names) == 2


async def test_a_complete_album_is_taken_at_once(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house:
        house.platform.uploads["a"] = GOOD
        for place in range(3):
            heard = HeardPhoto(ANNA, Chat("memory", "home"), place, "a", "a", group="g")
            await house.reception.hear(heard, complete=place == 2)
        async with asyncio.timeout(5):
            (said,) = await house.platform.next_events(1)
        assert isinstance(said, Said)
        assert "3 photos" in said.text


async def test_a_cartoon_whose_file_is_gone_is_told_and_not_tried_for_ever(tmp_path: Path):
    async with house_in(tmp_path) as house:
        job_id = await house.jobs.open_job(ANNA.owner, Chat("memory", "home"), "en", Look())
        photo_id = await house.jobs.add_photo(job_id, 1, "cat.jpg", "r")
        assert photo_id
        await house.jobs.enqueue([photo_id])
        await house.jobs.start(photo_id)
        await house.jobs.finish(photo_id)
        await house.restart()
        (said,) = await house.platform.next_events(1)
        await house.courier.close(10)
        assert isinstance(said, Said)
        assert said.text.startswith("cat.jpg: drawing it failed")
        assert (await house.photos(job_id))[0].status is PhotoStatus.ANSWERED


async def test_a_start_without_a_platforms_token_leaves_its_photos_for_the_next_one(tmp_path: Path):
    async with house_in(tmp_path) as house:
        stranger = Owner("elsewhere", "1")
        job_id = await house.jobs.open_job(stranger, Chat("elsewhere", "1"), "en", Look())
        await house.jobs.add_photo(job_id, 1, "", "r")
        await house.restart()
        await house.send([("a.jpg", GOOD)])
        await house.platform.next_events(1)
        assert (await house.photos(job_id))[0].status is PhotoStatus.ARRIVING


async def test_closing_the_courier_ends_every_run_of_a_job(tmp_path: Path):
    async with house_in(tmp_path) as house:
        stalled = StalledChat()
        house.courier = Courier(
            house.jobs,
            house.spool,
            {"memory": stalled},
            Locales(),
            house.progress,
            house.answered.put_nowait,
            house.delivered.append,
        )
        async with house.drawing(), asyncio.timeout(10):
            await house.send([("a.txt", b"words")])
            await house.settled.get()
        (job,) = await house.left()
        house.courier.settled(job.id)
        await stalled.entered.wait()
        house.courier.settled(job.id)
        await house.courier.close(grace=0)
        assert stalled.left


async def test_what_was_being_sent_when_the_program_died_is_looked_for_and_not_sent_again(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.broken = True
        async with house.drawing(), asyncio.timeout(20):
            arrived = await house.send([("a.jpg", GOOD)], chat="first")
            lost = await house.send([("b.jpg", GOOD)], chat="second")
            for _ in range(4):
                await house.settled.get()
        await house.courier.close(grace=20)
        await house.database.reading.execute("UPDATE photos SET trace = 'known' WHERE job_id = ?", (arrived,))
    async with house_in(tmp_path) as house:
        house.platform.known = {"known"}
        await house.restart()
        (delivered,) = await house.platform.next_events(1)
        assert isinstance(delivered, Delivered)
        assert delivered.chat == "second"
        for job_id in (arrived, lost):
            await house.finish(job_id)
        assert sorted(house.platform.asked) == ["known", "trace 01-ink.jpg"]
        assert house.platform.events.empty()
        assert await house.leaves_nothing_behind()


async def test_a_damaged_cartoon_does_not_hold_up_the_others_of_its_job(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.broken = True
        async with house.drawing(), asyncio.timeout(20):
            job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
            for _ in range(3):
                await house.settled.get()
        await house.courier.close(grace=20)
        # As a power cut may leave it.
        house.spool.result((await house.photos(job_id))[0].id, "jpg").write_bytes(b"")
    async with house_in(tmp_path) as house:
        await house.restart()
        delivered, told = await house.platform.next_events(2)
        assert delivered == Delivered("home", ("02-ink.jpg",), "Here is your cartoon: ink 0.7.")
        assert isinstance(told, Said)
        assert told.text.startswith("Photo 1 (a.jpg): drawing it failed")
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_refused_sentence_leaves_the_photos_that_are_still_drawn_alone(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.refusing = 1
        job_id = await house.send([("notes.txt", WORDS), ("a.jpg", GOOD)])
        async with house.drawing():
            events = await house.platform.next_events(1)
            if isinstance(events[0], Said):
                events = await house.platform.next_events(1)
            assert events == [Delivered("home", ("02-ink.jpg",), "Here is your cartoon: ink 0.7.")]
            await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_fetch_that_fails_for_a_while_is_tried_again(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.away = [Busy(0.0), Unreached("away")]
        await house.send([("a.jpg", GOOD)])
        await house.platform.next_events(1)
        assert house.platform.fetched == ["home/a.jpg"] * 3


async def test_what_the_same_person_sent_before_comes_first_and_is_counted(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.send([(f"{number}.jpg", GOOD) for number in range(4)], chat="first")
        await house.platform.next_events(1)
        await house.send([("b.jpg", GOOD)], chat="second")
        (said,) = await house.platform.next_events(1)
        assert isinstance(said, Said)
        assert said.text == "Got your photo: ink 0.7, 1024 px, jpg. 4 photos come first."


async def test_what_was_being_sent_is_looked_for_before_anything_else_goes_to_its_chat(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.broken = True
        async with house.drawing(), asyncio.timeout(20):
            jobs = [await house.send([(f"{name}.jpg", GOOD)], chat=f"home{name}") for name in "ab"]
            for _ in range(4):
                await house.settled.get()
        await house.courier.close(grace=20)
        # Both in one chat, and only the later one was being sent.
        for query in (
            "UPDATE jobs SET chat = 'home'",
            f"UPDATE photos SET trace = CASE job_id WHEN '{jobs[1]}' THEN 'known' END",
        ):
            async with house.database.transaction() as connection:
                await connection.execute(query)
    async with house_in(tmp_path) as house:
        house.platform.known = {"known"}
        await house.restart()
        await house.platform.next_events(1)
        assert house.platform.order == ["arrived known", "deliver 01-ink.jpg"]
        for job_id in jobs:
            await house.finish(job_id)


async def test_a_message_that_a_platform_brings_twice_is_one_photo(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.uploads["a"] = GOOD
        heard = HeardPhoto(ANNA, Chat("memory", "home"), 1, "a.jpg", "a", origin="memory/home/1")
        job_id = await house.reception.hear(heard)
        await house.platform.next_events(2)
        await house.finish(job_id)
        assert await house.reception.hear(heard) == job_id
        assert len(await house.photos(job_id)) == 1


async def test_who_is_shut_out_is_told_and_nothing_is_kept(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.people.set_standing(ANNA.owner, Standing.BLOCKED)
        with pytest.raises(Blocked):
            await house.send([("a.jpg", GOOD)])
        assert await house.jobs.open_photos() == set()


async def test_photos_called_off_are_neither_drawn_nor_delivered(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
        await house.platform.next_events(1)
        assert await house.orders.cancel(ANNA.owner) == 2
        await house.courier.close(grace=20)
        assert house.platform.changes == [Deleted("1")]
        assert len(house.queue) == 0
        assert house.platform.events.empty()
        assert await house.leaves_nothing_behind()


async def test_what_is_forgotten_in_the_middle_of_an_album_stays_forgotten(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house, house.drawing():
        house.platform.uploads["a"] = GOOD
        heard = [HeardPhoto(ANNA, Chat("memory", "home"), place, "", "a", group="g") for place in range(3)]
        await house.reception.hear(heard[0])
        await house.reception.hear(heard[1])
        forgotten = await house.orders.forget(ANNA.owner)
        assert (forgotten.jobs, forgotten.photos) == (1, 2)
        job_id = await house.reception.hear(heard[2], complete=True)
        queued, delivered = await house.platform.next_events(2)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your photo:")
        assert isinstance(delivered, Delivered)
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_long_wait_is_told_from_what_was_measured(tmp_path: Path):
    async with house_in(tmp_path) as house:
        assert house.studio.forecast(ANNA.owner, (), 1, Look()).seconds is None
        async with house.drawing():
            job_id = await house.send([("a.jpg", GOOD)], chat="first")
            await house.finish(job_id)
            await house.platform.next_events(2)
        # The quick engine takes next to nothing for a photo, so for 50 of them no time is told.
        estimate = house.studio.forecast(ANNA.owner, (), 50, Look()).seconds
        assert estimate is not None
        assert 0 < estimate < 15
        await house.send([("b.jpg", GOOD)], chat="second")
        assert await house.platform.next_events(1) == [
            Said("second", "Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now.")
        ]


async def test_buttons_are_under_the_cartoon_itself_or_under_all_of_several(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        for files, last in (([("a.jpg", GOOD)], "2"), ([("a.jpg", GOOD), ("b.jpg", GOOD)], "6")):
            job_id = await house.send(files, chat=f"chat {len(files)}")
            await house.finish(job_id)
            buttons = result_buttons(Locales().of("en"), await house.job(job_id))
            under = {name for name, reply in house.platform.replies.items() if reply.buttons == buttons}
            assert under == {last}


async def test_it_is_known_which_message_each_cartoon_is_in(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD), ("notes.txt", WORDS), ("c.jpg", GOOD)])
        await house.finish(job_id)
        first, failed, third = [photo.answer for photo in await house.photos(job_id)]
        assert failed is None
        assert first != third
        assert {first, third} <= house.platform.replies.keys()


async def test_who_wants_an_archive_gets_one_with_the_buttons_and_a_lone_cartoon_as_a_file(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        await house.settings.keep(ANNA.owner, Preferences(delivery="zip"))
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)], chat="first")
        await house.finish(job_id)
        _, delivered = await house.platform.next_events(2)
        names, caption = ("cartoons.zip", "01.jpg", "02.jpg"), "Here are your 2 cartoons: ink 0.7."
        assert delivered == Delivered("first", names, caption, Kind.ZIP)
        assert {photo.answer for photo in await house.photos(job_id)} == {"2"}
        assert house.platform.replies["2"].buttons
        await house.finish(await house.send([("c.jpg", GOOD)], chat="second"))
        _, delivered = await house.platform.next_events(2)
        assert delivered == Delivered("second", ("01.jpg",), "Here is your cartoon: ink 0.7.", Kind.DOCUMENT)
        assert await house.leaves_nothing_behind()


@pytest.mark.parametrize(("delivery", "refused"), [("photo", Kind.PHOTO), ("zip", Kind.ZIP)])
async def test_what_a_platform_does_not_take_so_comes_as_files(tmp_path: Path, delivery: str, refused: Kind):
    async with house_in(tmp_path) as house, house.drawing():
        await house.settings.keep(ANNA.owner, Preferences(delivery=delivery))
        house.platform.refused_kinds = frozenset({refused})
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
        await house.finish(job_id)
        events = house.platform.left_events()
        delivered = [event for event in events if isinstance(event, Delivered)]
        assert {event.kind for event in delivered} == {Kind.DOCUMENT}
        assert [name[:2] for event in delivered for name in event.names] == ["01", "02"]
        assert None not in {photo.answer for photo in await house.photos(job_id)}
        assert await house.leaves_nothing_behind()


async def test_cartoons_that_a_platform_takes_in_no_way_are_told_and_nothing_is_called_done(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.refused_kinds = frozenset(Kind)
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
        await house.finish(job_id)
        _, told = await house.platform.next_events(2)
        assert isinstance(told, Said)
        assert told.text.count("the chat does not take the finished picture") == 2
        assert house.platform.events.empty()
        assert await house.leaves_nothing_behind()


async def test_a_sheet_is_a_job_by_itself_and_says_what_it_shows(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house, house.drawing():
        house.platform.uploads["a"] = GOOD
        await house.settings.keep(ANNA.owner, Preferences(Look(size=2048, format="png"), delivery="file"))
        heard = HeardPhoto(ANNA, Chat("memory", "home"), 1, "", "a", origin="m/1", alone=True)
        sheets = (SheetKind.STRENGTHS, SheetKind.STYLES)
        job_ids = [
            await house.reception.hear(replace(heard, sheet=sheet, origin=sheet, caption="pop 0.9"), complete=True)
            for sheet in sheets
        ]
        for job_id, sheet in zip(job_ids, sheets, strict=True):
            await house.finish(job_id)
            job = await house.job(job_id)
            assert job.look == Look("pop", 0.9, SHEET_SIZE, sheet=sheet)
        events = house.platform.left_events()
        assert {event.caption for event in events if isinstance(event, Delivered)} == {
            "Several strengths of pop.",
            "All styles at strength 0.9.",
        }
        assert await house.leaves_nothing_behind()


async def test_a_job_is_drawn_again_in_another_look_without_what_had_failed(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD), ("notes.txt", WORDS), ("c.jpg", GOOD)])
        await house.finish(job_id)
        before = await house.job(job_id)
        wanted = replace(before, look=Look("pop", 0.9), delivery="file", language="zh-CN")
        for _ in range(2):
            # A platform may bring a press twice.
            await house.reception.draw_again(wanted, "press 1")
        (again,) = await house.jobs.unsettled(ANNA.owner)
        await house.finish(again.id)
        again = await house.job(again.id)
        assert (again.look, again.delivery, again.language) == (Look("pop", 0.9), "file", "zh-CN")
        assert (again.owner, again.chat) == (before.owner, before.chat)
        assert [photo.name for photo in again.photos] == ["a.jpg", "c.jpg"]
        events = house.platform.left_events()
        assert Delivered("home", ("01-pop.jpg", "02-pop.jpg"), "", Kind.DOCUMENT) in events
        assert await house.leaves_nothing_behind()


def request(house: House, *names: str, wishes: Preferences | None = None, caption: str = "") -> list[HeardPhoto]:
    """All photos of one request; their bytes are with the platform."""
    house.platform.uploads |= dict.fromkeys(names, GOOD)
    chat = Chat("memory", "home")
    return [
        HeardPhoto(ANNA, chat, place, name, name, caption, weight=len(GOOD), wishes=wishes)
        for place, name in enumerate(names)
    ]


async def test_a_request_is_one_job_at_once_and_waits_for_no_more_photos(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house, house.drawing():
        job_id = await house.reception.take(request(house, "a.jpg", "b.jpg", caption="0.9"))
        assert [(photo.place, photo.name) for photo in await house.photos(job_id)] == [(0, "a.jpg"), (1, "b.jpg")]
        assert (await house.job(job_id)).look == Look(strength=0.9)
        queued, delivered, done = await house.platform.next_events(3)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your 2 photos: ink 0.9")
        assert delivered == Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "")
        assert done == Said("home", "Here are your 2 cartoons: ink 0.9.")
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_the_same_request_twice_is_two_jobs(tmp_path: Path):
    async with house_in(tmp_path) as house:
        photos = request(house, "a.jpg")
        first, second = await asyncio.gather(*(house.reception.take(photos) for _ in range(2)))
        assert first != second
        assert len(await house.jobs.unsettled(ANNA.owner)) == 2


async def test_a_request_with_its_own_wishes_leaves_what_is_set_and_captions_aside(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.settings.keep(ANNA.owner, Preferences(Look(size=2048), "zip"))
        wishes = Preferences(Look("pop", 0.3, 640, "png", "main"), "file")
        job_id = await house.reception.take(request(house, "a.jpg", wishes=wishes, caption="0.9"))
        job = await house.job(job_id)
        assert (job.look, job.delivery) == (wishes.look, "file")


async def test_a_wrong_word_with_a_request_is_told_and_the_photos_are_drawn(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        await house.reception.take(request(house, "a.jpg", caption="/size 9"))
        events = await house.platform.next_events(3)
        told = [event.text for event in events if isinstance(event, Said)]
        assert any(text.startswith('"9" is not a size I can use.') for text in told)
        assert any(isinstance(event, Delivered) for event in events)


async def test_of_a_request_what_fits_is_taken_and_the_rest_is_told(tmp_path: Path):
    async with house_in(tmp_path, user_limit=2) as house, house.drawing():
        names = [f"{number}.jpg" for number in range(6)]
        job_id = await house.reception.take(request(house, *names))
        await house.finish(job_id)
        events = house.platform.left_events()
        assert Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "") in events
        assert any(isinstance(event, Said) and event.text.startswith("Photos 3 to 6: 2 of") for event in events)
        # A refused photo is not one of today's.
        assert await house.people.photos_of(ANNA.owner, TODAY) == 2


@pytest.mark.parametrize("reads", range(8))
@pytest.mark.parametrize("is_again", [False, True])
async def test_who_stops_waiting_for_a_request_leaves_nothing_half_done(
    tmp_path: Path, reads: int, *, is_again: bool
):
    async with house_in(tmp_path, user_limit=4) as house, house.drawing():
        first = await house.reception.take(request(house, "a.jpg", "b.jpg"))
        await house.finish(first)
        job = await house.job(first)
        reception, photos = house.reception, request(house, "c.jpg", "d.jpg")
        given_up = asyncio.create_task(
            reception.draw_again(job, "press 1") if is_again else _taken(reception, photos)
        )
        # Each is answered behind a question of the request's own.
        for _ in range(reads):
            await house.jobs.job(first)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        # Behind the other one, and with it as many as may wait.
        last = await reception.take(photos)
        for row in await house.database.select("SELECT id FROM jobs", ()):
            await house.finish(row["id"])
        # Nobody has a place that is not theirs.
        again = await reception.take(request(house, "1.jpg", "2.jpg", "3.jpg", "4.jpg"))
        await house.finish(again)
        assert not [photo for job_id in (last, again) for photo in await house.photos(job_id) if photo.failure]
        assert await house.leaves_nothing_behind()


async def _taken(reception: Reception, photos: list[HeardPhoto]) -> None:
    await reception.take(photos)


async def test_photos_that_are_here_already_wait_for_no_turn(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        names = [f"{number}.jpg" for number in range(AT_ONCE_OF_ONE + 1)]
        house.platform = house.front_ends["memory"] = CrowdedChat(len(names))
        await house.finish(await house.reception.take(request(house, *names)))


async def test_of_a_request_that_may_not_be_made_nothing_is_noted(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.people.set_standing(ANNA.owner, Standing.BLOCKED)
        with pytest.raises(Blocked):
            await house.reception.take(request(house, "a.jpg"))
        await house.people.set_standing(ANNA.owner, Standing.ALLOWED)
        await house.database.reading.execute("PRAGMA query_only = ON")
        with pytest.raises(StorageUnwritable):
            await house.reception.take(request(house, "a.jpg"))
        await house.database.reading.execute("PRAGMA query_only = OFF")
        assert await house.left() == []


async def test_a_request_that_arrives_at_a_stop_is_taken_up_by_the_next_start(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.reception.close()
        job_id = await house.reception.take(request(house, "a.jpg", "b.jpg"))
    async with house_in(tmp_path) as house, house.drawing():
        request(house, "a.jpg", "b.jpg")
        await house.restart()
        await house.finish(job_id)
        assert Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "") in house.platform.left_events()


async def test_what_there_is_no_room_for_is_not_drawn_again_at_all(tmp_path: Path):
    async with house_in(tmp_path, user_limit=2) as house:
        async with house.drawing():
            job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
            await house.finish(job_id)
        await house.send([("c.jpg", GOOD)], chat="second")
        await house.platform.next_events(4)
        with pytest.raises(OwnerQueueFull):
            await house.reception.draw_again(await house.job(job_id), "press 1")
        assert len(await house.jobs.unsettled(ANNA.owner)) == 1
        assert await house.people.photos_of(ANNA.owner, TODAY) == 3


async def test_forgetting_takes_the_progress_message_along(tmp_path: Path):
    async with house_in(tmp_path) as house:
        await house.send([("a.jpg", GOOD)])
        await house.platform.next_events(1)
        await house.orders.forget(ANNA.owner)
        await house.platform.changed.wait()
        assert house.platform.changes == [Deleted("1")]


@pytest.mark.parametrize(
    ("answers", "words"),
    [(("5", "6"), [Said("home", "Here are your 2 cartoons: ink 0.7.")]), (("5", "5"), []), ((None, None), [])],
)
async def test_a_kill_before_the_last_words_leaves_them_to_the_next_start(
    tmp_path: Path, answers: tuple[str | None, ...], words: list[Said]
):
    async with house_in(tmp_path) as house:
        job_id = await house.jobs.open_job(ANNA.owner, Chat("memory", "home"), "en", Look())
        for place, answer in enumerate(answers):
            photo_id = await house.jobs.add_photo(job_id, place, "", f"{place}")
            assert photo_id
            await house.jobs.enqueue([photo_id])
            await house.jobs.start(photo_id)
            await house.jobs.finish(photo_id)
            await house.jobs.answered({photo_id: answer})
        await house.jobs.tell_progress_in(job_id, "4")
        await house.restart()
        await house.courier.close(grace=20)
        assert house.platform.left_events() == words
        assert {*house.platform.changes} == {Deleted("4")}
        assert await house.leaves_nothing_behind()


async def test_a_late_sibling_is_not_called_done_before_it_is(tmp_path: Path):
    async with house_in(tmp_path) as house:
        async with house.drawing():
            job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
            await house.finish(job_id)
            await house.platform.next_events(3)
        await house.send([("c.jpg", GOOD)])
        assert await house.platform.next_events(1) == [
            Said("home", "Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now.")
        ]
        house.courier.settled(job_id)
        await house.courier.close(grace=20)
        assert house.platform.events.empty()
