"""How far jobs have come: one message for each, changed now and then, and gone when the cartoons are there."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bots.locales import LANGUAGES, Locales
from bots.progress import LONGEST_GAP, SHORTEST_GAP, Progress
from bots.replies import Button, Reply
from core.errors import ChatGone, PhotoTruncated, Refused
from core.jobs import Chat, Job, Owner, Ticket
from core.look import Look
from core.pace import Forecast
from core.queue import FairQueue
from storage.database import Database
from storage.jobs import Jobs
from tests.clock import on_jumping_clock
from tests.memory_chat import Deleted, Edited, MemoryChat, Said

ANNA, BEN = Owner("memory", "anna"), Owner("memory", "ben")
LOOK = "ink 0.7, 1024 px, jpg"
# On a clock that jumps; a test that waits longer than this waits for what never comes.
PATIENCE = 100_000.0


class NotingChat(MemoryChat):
    """Notes what it is told, and when. Whoever posts or edits waits until the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[float, Said | Edited | Deleted]] = []
        self.entered, self.open = asyncio.Event(), asyncio.Event()
        # Set when it is written down which message tells the progress.
        self.noted = asyncio.Event()
        self.open.set()

    @property
    def told(self) -> list[Said | Edited | Deleted]:
        return [note for _, note in self.notes]

    @property
    def edits(self) -> list[str]:
        return [note.text for note in self.told if isinstance(note, Edited)]

    @property
    def times(self) -> list[float]:
        return [time for time, note in self.notes if not isinstance(note, Deleted)]

    async def say(self, chat: Chat, reply: Reply) -> str | None:
        await self._let_in()
        message = await super().say(chat, reply)
        self._note(Said(chat.chat, reply.text))
        return message

    async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
        await self._let_in()
        self._note(Edited(message, reply.text))
        return True

    async def delete(self, chat: Chat, messages: Sequence[str]) -> bool:
        for message in messages:
            self._note(Deleted(message))
        return True

    async def show_activity(self, chat: Chat) -> None:
        self.noted.set()

    async def until(self, count: int) -> None:
        """Until so many things have been told."""
        async with asyncio.timeout(PATIENCE):
            while len(self.notes) < count:
                self.changed.clear()
                await self.changed.wait()

    async def _let_in(self) -> None:
        self.entered.set()
        await self.open.wait()

    def _note(self, note: Said | Edited | Deleted) -> None:
        self.notes.append((asyncio.get_running_loop().time(), note))
        self.changed.set()


class Office:
    """Progress over real rows and a real queue, where each photo takes so many seconds, if that is known."""

    def __init__(self, database: Database) -> None:
        self.jobs = Jobs(database)
        self.queue: FairQueue[Ticket] = FairQueue(10_000, 10_000)
        self.chat = NotingChat()
        self.seconds: float | None = None
        self.progress = self.restarted()

    def restarted(self) -> Progress:
        """As a new start makes it: it knows nothing but the rows."""
        return Progress(self.jobs, self._forecast, {"memory": self.chat}, Locales())

    async def take(self, owner: Owner, photos: int, language: str = "en") -> Job:
        """A job whose photos are queued."""
        job_id = await self.jobs.open_job(owner, Chat("memory", owner.user), language, Look())
        photo_ids: list[int] = []
        for place in range(photos):
            photo_id = await self.jobs.add_photo(job_id, place, "", f"{place}")
            assert photo_id is not None
            photo_ids.append(photo_id)
        await self.jobs.enqueue(photo_ids)
        self.queue.put(owner, [Ticket(photo_id, job_id, owner, Look(), 0.0) for photo_id in photo_ids])
        return await self.job(job_id)

    async def job(self, job_id: str) -> Job:
        job = await self.jobs.job(job_id)
        assert job is not None
        return job

    async def start(self) -> int:
        """Draw the next photo; its number."""
        photo_id = (await self.queue.get()).item.photo_id
        assert await self.jobs.start(photo_id) is not None
        return photo_id

    def _forecast(self, owner: Owner, jobs: Collection[str], photos: int, look: Look) -> Forecast:
        ahead = self.queue.ahead_of(owner, lambda ticket: ticket.job_id in jobs)
        return Forecast(ahead, None if self.seconds is None else self.seconds * (ahead + photos))


@asynccontextmanager
async def office_in(folder: Path) -> AsyncGenerator[Office]:
    database = await Database.open(folder / "cartoonbot.sqlite3")
    office = Office(database)
    try:
        async with looked_after(office.progress):
            yield office
    finally:
        await database.close()


@asynccontextmanager
async def looked_after(progress: Progress) -> AsyncGenerator[None]:
    run = asyncio.create_task(progress.run())
    try:
        yield
    finally:
        run.cancel()
        await asyncio.wait([run])


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Time passes at once, more of it while the disk works: nothing here may depend on how much."""
    on_jumping_clock(scenario)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_message_is_changed_as_photos_are_drawn_and_deleted_at_the_end(tmp_path: Path, language: str):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            chat, progress = office.chat, office.progress
            job = await office.take(ANNA, 3, language)
            progress.begin(job)
            progress.begin(job)
            await chat.until(1)
            for drawn in range(3):
                photo_id = await office.start()
                await chat.until(drawn + 2)
                # The last one fails, which settles the job as well.
                if drawn < 2:
                    await office.jobs.finish(photo_id)
                else:
                    await office.jobs.fail(photo_id, PhotoTruncated())
            await progress.end(await office.job(job.id))
            assert (await office.job(job.id)).progress is None
            told = len(chat.notes)
            await asyncio.sleep(10 * SHORTEST_GAP)
            assert len(chat.notes) == told
        said, *edits, deleted = chat.told
        assert isinstance(said, Said)
        assert deleted == Deleted("1")
        assert [edit.message for edit in edits if isinstance(edit, Edited)] == ["1"] * len(edits)
        bars = [edit.split("\n")[1] for edit in chat.edits]
        assert bars == ["░░░░░░░░░░ 0/3", "▓▓▓░░░░░░░ 1/3", "▓▓▓▓▓▓░░░░ 2/3"]
        assert all(later - earlier >= SHORTEST_GAP for earlier, later in pairwise(chat.times))

    run(scenario())


def test_the_message_says_what_was_asked_for_and_has_a_button_to_call_it_off(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            office.progress.begin(job)
            await office.chat.until(1)
            cancel = Button("Cancel", f"cancel:{job.id}")
            reply = Reply(f"Got your 2 photos: {LOOK}. I'm drawing now.", ((cancel,),), quiet=True)
            assert office.chat.replies == {"1": reply}

    run(scenario())


def test_nothing_is_changed_while_nothing_is_new(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            office.progress.begin(job)
            await asyncio.sleep(20 * LONGEST_GAP)
            assert office.chat.told == [Said("anna", f"Got your 2 photos: {LOOK}. I'm drawing now.")]
            # It is still looked after.
            await office.start()
            await office.chat.until(2)

    run(scenario())


def test_a_long_wait_is_told_and_looked_at_less_often(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            office.seconds = 600.0
            office.progress.begin(await office.take(ANNA, 2))
            await office.chat.until(1)
            while len(office.chat.notes) < 5:
                # There is something new whenever it is looked at.
                office.seconds += 60
                await asyncio.sleep(SHORTEST_GAP)
            assert all("It should take about" in edit for edit in office.chat.edits)
            assert all(later - earlier >= LONGEST_GAP for earlier, later in pairwise(office.chat.times[1:]))

    run(scenario())


def test_a_job_that_ends_while_its_message_is_on_its_way_has_it_deleted(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            office.chat.open.clear()
            job = await office.take(ANNA, 1)
            office.progress.begin(job)
            await office.chat.entered.wait()
            await office.jobs.finish(await office.start())
            ending = asyncio.create_task(office.progress.end(await office.job(job.id)))
            await asyncio.sleep(10 * SHORTEST_GAP)
            assert not ending.done()
            office.chat.open.set()
            await ending
            assert [type(note) for note in office.chat.told] == [Said, Deleted]
            assert (await office.job(job.id)).progress is None

    run(scenario())


def test_a_change_that_is_on_its_way_is_waited_for_before_the_message_goes(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            office.progress.begin(job)
            await office.chat.until(1)
            office.chat.open.clear()
            office.chat.entered.clear()
            first = await office.start()
            await office.chat.entered.wait()
            await office.jobs.finish(first)
            await office.jobs.finish(await office.start())
            ending = asyncio.create_task(office.progress.end(await office.job(job.id)))
            await asyncio.sleep(10 * SHORTEST_GAP)
            assert not ending.done()
            office.chat.open.set()
            await ending
            await asyncio.sleep(10 * SHORTEST_GAP)
            assert [type(note) for note in office.chat.told] == [Said, Edited, Deleted]

    run(scenario())


def test_a_restart_goes_on_with_the_message_of_the_run_before(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            office.progress.begin(job)
            await office.chat.noted.wait()
        async with office_in(tmp_path) as office:
            job = await office.job(job.id)
            office.progress.begin(job)
            for photo in job.photos:
                assert await office.jobs.start(photo.id) is not None
            await office.chat.until(1)
            for photo in job.photos:
                await office.jobs.finish(photo.id)
            await office.progress.end(await office.job(job.id))
            *edits, last = office.chat.told
            assert edits
            assert all(isinstance(note, Edited) and note.message == "1" for note in edits)
            assert last == Deleted("1")
            assert (await office.job(job.id)).progress is None

    run(scenario())


def test_a_message_that_became_the_answer_stays_and_what_comes_later_gets_another(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            chat, progress = office.chat, office.progress
            job = await office.take(ANNA, 2)
            progress.begin(job)
            await chat.noted.wait()
            first = await office.start()
            assert await progress.message_of(job) == "1"
            told = len(chat.notes)
            # There is something new to say, and somebody wants it said.
            await office.jobs.finish(first)
            progress.begin(await office.job(job.id))
            await asyncio.sleep(10 * SHORTEST_GAP)
            assert len(chat.notes) == told
            await office.jobs.answered({first: "1"})
            progress.resume(await office.job(job.id))
            await chat.until(told + 1)
            await office.jobs.finish(await office.start())
            await progress.end(await office.job(job.id))
            new, *_, last = chat.told[told:]
            assert new == Said("anna", f"Got your photo: {LOOK}. I'm drawing now.")
            assert last == Deleted("2")
            changed = [note.message for note in chat.told[told:] if isinstance(note, Edited | Deleted)]
            assert {*changed} == {"2"}

    run(scenario())


def test_a_message_that_did_not_become_the_answer_is_gone_on_with(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            office.progress.begin(job)
            await office.chat.noted.wait()
            first = await office.start()
            assert await office.progress.message_of(job) == "1"
            told = len(office.chat.notes)
            await office.jobs.finish(first)
            await office.jobs.answered({first: "9"})
            office.progress.resume(await office.job(job.id))
            await office.chat.until(told + 1)
            assert office.chat.told[told] == Edited("1", f"Got your photo: {LOOK}. I'm drawing now.")

    run(scenario())


def test_what_is_on_its_way_is_waited_for_before_the_message_becomes_the_answer(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            chat = office.chat
            job = await office.take(ANNA, 2)
            for kind in (Said, Edited):
                chat.open.clear()
                chat.entered.clear()
                if kind is Said:
                    office.progress.begin(job)
                else:
                    await office.start()
                    office.progress.resume(job)
                await chat.entered.wait()
                asking = asyncio.create_task(office.progress.message_of(job))
                await asyncio.sleep(10 * SHORTEST_GAP)
                assert not asking.done()
                chat.open.set()
                assert await asking == "1"
                assert type(chat.told[-1]) is kind

    run(scenario())


def test_a_message_that_is_gone_cannot_become_the_answer(tmp_path: Path):
    class CleanedChat(NotingChat):
        async def edit(self, chat: Chat, message: str, reply: Reply) -> bool:
            await super().edit(chat, message, reply)
            raise Refused("message not found")

    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            office.chat = CleanedChat()
            progress = office.restarted()
            assert await progress.message_of(await office.take(BEN, 1)) is None
            async with looked_after(progress):
                job = await office.take(ANNA, 2)
                progress.begin(job)
                await office.queue.get()
                await office.start()
                await office.chat.until(2)
                assert await progress.message_of(job) is None

    run(scenario())


@pytest.mark.parametrize(("answer", "last"), [("1", []), ("9", [Deleted("1")])])
def test_after_a_restart_the_rows_tell_whether_the_message_is_the_answer(
    tmp_path: Path, answer: str, last: list[Deleted]
):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 1)
            await office.jobs.tell_progress_in(job.id, "1")
            photo_id = await office.start()
            await office.jobs.finish(photo_id)
            assert await office.progress.message_of(await office.job(job.id)) == "1"
            await office.jobs.answered({photo_id: answer})
            progress = office.restarted()
            assert await progress.message_of(await office.job(job.id)) == (None if answer == "1" else "1")
            await progress.end(await office.job(job.id))
            assert office.chat.told == last
            assert (await office.job(job.id)).progress is None

    run(scenario())


def test_a_message_that_may_be_the_answer_since_a_kill_is_left_alone_until_that_is_known(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            job = await office.take(ANNA, 2)
            await office.jobs.tell_progress_in(job.id, "1")
            first = await office.start()
            await office.jobs.finish(first)
            await office.jobs.sending([first], "a trace")
            progress = office.restarted()
            async with looked_after(progress):
                for take_up in (progress.begin, progress.resume):
                    take_up(await office.job(job.id))
                    await asyncio.sleep(10 * SHORTEST_GAP)
                    assert office.chat.told == []
                await office.jobs.answered({first: "1"})
                progress.resume(await office.job(job.id))
                await office.chat.until(1)
                (new,) = office.chat.told
                assert isinstance(new, Said)

    run(scenario())


def test_the_message_of_a_forgotten_job_goes_by_itself(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            office.progress.begin(await office.take(ANNA, 1))
            await office.chat.until(1)
            (job,) = await office.jobs.forget(ANNA)
            office.progress.drop(job)
            await office.chat.until(2)
            assert office.chat.told[1] == Deleted("1")

    run(scenario())


def test_jobs_have_messages_of_their_own(tmp_path: Path):
    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            jobs = [await office.take(owner, 2) for owner in (ANNA, BEN)]
            for job in jobs:
                office.progress.begin(job)
            await office.chat.until(2)
            for _ in range(4):
                await office.jobs.finish(await office.start())
            for job in reversed(jobs):
                await office.progress.end(await office.job(job.id))
            said = [note.chat for note in office.chat.told if isinstance(note, Said)]
            deleted = [note.message for note in office.chat.told if isinstance(note, Deleted)]
            assert (said, deleted) == (["anna", "ben"], ["2", "1"])

    run(scenario())


@pytest.mark.parametrize(
    ("error", "level"), [(ChatGone("blocked"), logging.INFO), (ValueError("nonsense"), logging.ERROR)]
)
def test_a_message_that_could_not_be_said_is_not_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, level: int
):
    class UnwillingChat(NotingChat):
        async def say(self, chat: Chat, reply: Reply) -> str | None:
            if chat.chat == ANNA.user:
                raise error
            return await super().say(chat, reply)

    async def scenario() -> None:
        async with office_in(tmp_path) as office:
            office.chat = UnwillingChat()
            progress = office.restarted()
            async with looked_after(progress):
                annas, bens = [await office.take(owner, 2) for owner in (ANNA, BEN)]
                progress.begin(annas)
                progress.begin(bens)
                await office.chat.until(1)
                for _ in range(2):
                    await office.start()
                await office.chat.until(2)
                await progress.end(annas)
                await progress.end(bens)
            assert [note for note in office.chat.told if not isinstance(note, Edited)] == [
                Said("ben", f"Got your 2 photos: {LOOK}. 2 photos come first."),
                Deleted("1"),
            ]

    caplog.set_level(logging.INFO, "bots.progress")
    run(scenario())
    assert [record.levelno for record in caplog.records] == [level]
