"""Reception and courier together, between a small front end in memory and real rows, files and pictures."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bots.access import Access
from bots.albums import Albums
from bots.courier import Courier
from bots.delivery import Limits as MessageLimits
from bots.delivery import Parcel
from bots.frontend import FrontEnd, HeardPhoto, Note, Person
from bots.intake import Intake
from bots.locales import Locales
from bots.orders import Orders
from bots.outbox import Busy, Unreached
from bots.reception import Reception, worded
from core.errors import Blocked, ChatGone, PhotoUnavailable, Refused, StorageUnwritable
from core.jobs import Chat, Job, Owner, Photo, PhotoStatus, Ticket
from core.look import Look
from core.metrics import Metrics
from core.photo import Limits
from core.queue import FairQueue
from core.studio import Rules, Studio
from core.styles.registry import Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People, Standing
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.pictures import gradient, jpeg_bytes
from tests.running import TODAY, QuickEngine, conversation_of

GOOD = jpeg_bytes(gradient(60, 40))
ANNA = Person(Owner("memory", "anna"), "en")
# A photo of 41 bytes that is none.
WORDS = b"just some words, and nothing of a picture"


@dataclass(frozen=True)
class Said:
    """A sentence in a chat."""

    chat: str
    text: str


@dataclass(frozen=True)
class Delivered:
    """Cartoons in a chat, by the names that people see."""

    chat: str
    names: tuple[str, ...]
    caption: str


Event = Said | Delivered


@dataclass
class MemoryChat:
    """A chat platform in memory: `uploads` are its files by reference; what happens comes out of `events`."""

    uploads: dict[str, bytes] = field(default_factory=dict[str, bytes])
    events: "asyncio.Queue[Event]" = field(default_factory=lambda: asyncio.Queue[Event]())
    fetched: list[str] = field(default_factory=list[str])
    known: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    order: list[str] = field(default_factory=list[str])
    away: list[Exception] = field(default_factory=list[Exception])
    refusing: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    broken: bool = False

    @property
    def limits(self) -> MessageLimits:
        return MessageLimits()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def fetch(self, reference: str, path: Path) -> None:
        self.fetched.append(reference)
        if self.away:
            raise self.away.pop()
        if reference not in self.uploads:
            raise PhotoUnavailable
        await asyncio.to_thread(path.write_bytes, self.uploads[reference])

    async def say(self, chat: Chat, text: str) -> None:
        if self.gone:
            raise ChatGone("the bot was blocked")
        if self.refusing and "notes.txt" in text:
            self.refusing -= 1
            raise Refused("not this one")
        self.events.put_nowait(Said(chat.chat, text))

    async def deliver(self, chat: Chat, parcel: Parcel, caption: str, note: Note) -> None:
        if self.gone:
            raise ChatGone("the bot was blocked")
        self.order.append(f"deliver {parcel.results[0].name}")
        await note(f"trace {parcel.results[0].name}")
        if self.broken:
            raise OSError("the platform answers nonsense")
        assert all(result.path.stat().st_size == result.weight for result in parcel.results)
        names = tuple(result.name for result in parcel.results)
        self.events.put_nowait(Delivered(chat.chat, names, caption))

    async def arrived(self, chat: Chat, parcel: Parcel, caption: str, trace: str) -> bool:
        self.asked.append(trace)
        self.order.append(f"arrived {trace}")
        return trace in self.known

    async def next_events(self, count: int) -> list[Event]:
        async with asyncio.timeout(20):
            return [await self.events.get() for _ in range(count)]


class StalledChat(MemoryChat):
    """Never gets a sentence out."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.left = False

    async def say(self, chat: Chat, text: str) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


class House:
    """The program around one front end in memory, as bots.app builds it.

    `settled` tells which job the courier was asked to look after, `answered` which one it is done with.
    """

    def __init__(self, database: Database, folder: Path, queue_limit: int, user_limit: int, window: float) -> None:
        self.platform = MemoryChat()
        self.database = database
        self.jobs, self.spool = Jobs(database), Spool(folder / "spool")
        self.settings = UserSettings(database)
        self.queue: FairQueue[Ticket] = FairQueue(queue_limit, user_limit)
        self.settled: asyncio.Queue[str] = asyncio.Queue()
        self.answered: asyncio.Queue[Job] = asyncio.Queue()
        self._locales = Locales()
        styles = Styles(WeightsFolder(folder / "weights"))
        front_ends: dict[str, FrontEnd] = {"memory": self.platform}
        self.delivered: list[int] = []
        self.courier = Courier(
            self.jobs, self.spool, front_ends, self._locales, self.answered.put_nowait, self.delivered.append
        )
        self.orders = Orders(
            self.jobs, self.queue, self.spool, self.settings, self._settle, self.answered.put_nowait
        )
        self.metrics = Metrics(self.queue.__len__, lambda: self.spool.used, lambda: 0)
        self.studio = Studio(
            self.queue, QuickEngine, self.jobs, self.spool, self.metrics, self._settle, Rules(Limits())
        )
        self.people = People(database)
        self.reception = Reception(
            conversation_of(database, styles, styles.missing, self.orders),
            Access(self.people, frozenset(), allowlist=False, quota=0, today=lambda: TODAY),
            Intake(1000, 1000),
            Albums(window, window),
            self.jobs,
            self.spool,
            self.queue,
            self.studio.estimate,
            front_ends,
            self._locales,
            Limits(file_bytes=1_000_000),
            self._settle,
        )

    async def send(self, files: Sequence[tuple[str, bytes]], caption: str = "", chat: str = "home") -> str:
        """Photos of one album, all at once; the job's id."""
        heard = [
            HeardPhoto(
                ANNA,
                Chat("memory", chat, message="7"),
                place,
                name,
                f"{chat}/{name}",
                "" if place else caption,
                group=f"album in {chat}",
                weight=len(data),
            )
            for place, (name, data) in enumerate(files)
        ]
        self.platform.uploads |= {photo.reference: data for photo, (_, data) in zip(heard, files, strict=True)}
        # Heard together they take turns at the reception, and a window of no seconds closes after the last.
        (job_id,) = set(await asyncio.gather(*(self.reception.hear(photo) for photo in heard)))
        return job_id

    @asynccontextmanager
    async def drawing(self) -> AsyncGenerator[None]:
        await self.studio.open()
        run = asyncio.create_task(self.studio.run())
        try:
            yield
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await asyncio.to_thread(self.studio.close)

    async def finish(self, job_id: str) -> None:
        """Wait until each photo of the job is answered, and the courier has put its pen down."""
        async with asyncio.timeout(20):
            while {photo.status for photo in await self.photos(job_id)} != {PhotoStatus.ANSWERED}:
                await self.answered.get()
        # Reading sees a write before its commit; an empty write waits its turn behind it.
        await self.jobs.answered([])
        await self.courier.close(grace=20)

    async def photos(self, job_id: str) -> tuple[Photo, ...]:
        job = await self.jobs.job(job_id)
        assert job is not None
        return job.photos

    async def leaves_nothing_behind(self) -> bool:
        files = list(self.spool.source(0).parent.iterdir())
        return not files and not await self.left()

    async def restart(self) -> None:
        """Take up what an earlier run left, as the program does."""
        await self.jobs.recover(attempts=3)
        await self.reception.resume(self.jobs.open_jobs())

    async def left(self) -> list[Job]:
        return [job async for job in self.jobs.open_jobs()]

    def _settle(self, job_id: str) -> None:
        self.courier.settled(job_id)
        self.settled.put_nowait(job_id)


@asynccontextmanager
async def house_in(
    folder: Path, queue_limit: int = 100, user_limit: int = 60, window: float = 0.0
) -> AsyncGenerator[House]:
    """A house that is closed like the program; `window` is in seconds."""
    database = await Database.open(folder / "cartoonbot.sqlite3")
    house = House(database, folder, queue_limit, user_limit, window)
    try:
        yield house
    finally:
        await house.courier.close(grace=20)
        await house.reception.close()
        await database.close()


async def test_an_album_is_acknowledged_once_and_comes_back_as_one(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)], caption="0.9")
        assert await house.platform.next_events(2) == [
            Said("home", "Got your 2 photos: ink 0.9, 1024 px, jpg. I'm drawing now."),
            Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "Here are your 2 cartoons."),
        ]
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_photo_is_a_row_before_its_bytes_are_fetched(tmp_path: Path):
    async with house_in(tmp_path, window=30.0) as house:
        house.platform.uploads["photo"] = GOOD
        job_id = await house.reception.hear(HeardPhoto(ANNA, Chat("memory", "home"), 1, "", "photo"))
        assert [photo.status for photo in await house.photos(job_id)] == [PhotoStatus.ARRIVING]


async def test_a_full_queue_takes_what_fits_and_says_once_what_does_not(tmp_path: Path):
    async with house_in(tmp_path, queue_limit=2) as house:
        job_id = await house.send([(f"{number}.jpg", GOOD) for number in range(6)])
        queued, refused = await house.platform.next_events(2)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your 2 photos")
        assert isinstance(refused, Said)
        assert refused.text.startswith("Photos 3 to 6: So many photos are waiting (2)")
        assert len(house.platform.fetched) == len(house.queue) == 2
        async with house.drawing():
            (delivered,) = await house.platform.next_events(1)
            await house.finish(job_id)
        assert delivered == Delivered("home", ("01-ink.jpg", "02-ink.jpg"), "Here are your 2 cartoons.")
        assert await house.leaves_nothing_behind()


async def test_one_persons_full_queue_leaves_what_they_already_queued(tmp_path: Path):
    async with house_in(tmp_path, user_limit=2) as house:
        await house.send([("a.jpg", GOOD)], chat="first")
        await house.platform.next_events(1)
        await house.send([("b.jpg", GOOD), ("c.jpg", GOOD)], chat="second")
        _, refused = await house.platform.next_events(2)
        assert isinstance(refused, Said)
        assert refused.chat == "second"
        assert refused.text.startswith("Photo 2 (c.jpg): 2 of your photos are still waiting, and 2 is the most")
        assert len(house.queue) == 2


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
        queued, told, delivered = await house.platform.next_events(3)
        assert isinstance(queued, Said)
        assert queued.text.startswith("Got your 2 photos")
        assert delivered == Delivered("home", ("01-ink.jpg", "03-ink.jpg"), "Here are your 2 cartoons.")
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
        assert delivered == Delivered("home", ("02-ink.jpg",), "Here is your cartoon.")
        await house.finish(job_id)
        assert await house.leaves_nothing_behind()


async def test_a_late_caption_does_not_change_what_is_already_drawn(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        job_id = await house.send([("a.jpg", GOOD)])
        await house.finish(job_id)
        await house.settings.keep(ANNA.owner, Look(format="png"))
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
    async with house_in(tmp_path) as house:
        await house.restart()
        (delivered,) = await house.platform.next_events(1)
        assert isinstance(delivered, Delivered)
        await house.finish(job_id)
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
        assert delivered == Delivered("home", ("02-ink.jpg",), "Here is your cartoon.")
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
            assert events == [Delivered("home", ("02-ink.jpg",), "Here is your cartoon.")]
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
        assert house.studio.estimate(10, 1, Look()) is None
        async with house.drawing():
            job_id = await house.send([("a.jpg", GOOD)], chat="first")
            await house.finish(job_id)
            await house.platform.next_events(2)
        # The quick engine takes next to nothing for a photo, so for 60 of them no time is told.
        estimate = house.studio.estimate(10, 50, Look())
        assert estimate is not None
        assert 0 < estimate < 15
        await house.send([("b.jpg", GOOD)], chat="second")
        assert await house.platform.next_events(1) == [
            Said("second", "Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now.")
        ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ("none", 0)), (14.0, ("none", 0)), (41.0, ("seconds", 50)), (91.0, ("minutes", 2))],
)
def test_waits_are_rounded_up(seconds: float | None, words: tuple[str, int]):
    assert worded(seconds) == words
