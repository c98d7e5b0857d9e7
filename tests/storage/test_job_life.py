"""The life of jobs on a real database: whatever happens in whatever order, photos make legal moves only."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from core.errors import PhotoTruncated
from core.jobs import CLOSED, MOVES, SETTLED, Chat, Job, Owner, PhotoStatus
from core.look import Look
from storage.database import Database
from storage.jobs import CalledOff, Jobs

T = TypeVar("T")
ATTEMPTS = 2
OWNERS = tuple(Owner("telegram", user) for user in "1234")
CHATS = ("-100", "-101")


@dataclass
class Known:
    """What the model knows of a photo."""

    job: str
    status: PhotoStatus = PhotoStatus.ARRIVING
    attempts: int = 0
    trace: str | None = None
    answer: str | None = None
    failed: bool = False

    def move(self, status: PhotoStatus, *only: PhotoStatus) -> bool:
        legal = status in MOVES[self.status] and (not only or self.status in only)
        if legal:
            self.status = status
            self.failed |= status is PhotoStatus.FAILED
        return legal


class JobLife(RuleBasedStateMachine):
    """Rules take any photo, in any status, forgotten ones too: the ledger has to know what may happen to it."""

    photos: Bundle[int] = Bundle("photos")
    some = st.lists(photos, min_size=1, max_size=5).map(lambda photos: list(dict.fromkeys(photos)))

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.owners: dict[str, Owner] = {}
        self.chats: dict[str, str] = {}
        self.progress: dict[str, str | None] = {}
        self.known: dict[int, Known] = {}
        self.last: dict[int, PhotoStatus] = {}
        self.ever = 0
        self.open()

    @initialize(target=photos)
    def open_first_job(self):
        return self.open_job(OWNERS[0], CHATS[0], 3)

    @rule(target=photos, owner=st.sampled_from(OWNERS), chat=st.sampled_from(CHATS), number=st.integers(1, 3))
    def open_job(self, owner: Owner, chat: str, number: int):
        job_id = self.wait(self.jobs.open_job(owner, Chat(owner.platform, chat), "en", Look()))
        self.owners[job_id], self.chats[job_id], self.progress[job_id] = owner, chat, None
        return multiple(*(self.new_photo(job_id) for _ in range(number)))

    @rule(target=photos, photo=photos)
    def add_late_photo(self, photo: int):
        job_id = self.known[photo].job if photo in self.known else "forgotten"
        if job_id in self.owners:
            return self.new_photo(job_id)
        assert self.wait(self.jobs.add_photo(job_id, 1, "late.jpg", "file")) is None
        return multiple()

    @rule(photos=some)
    def enqueue(self, photos: list[int]) -> None:
        wanted = [photo for photo in photos if self.moves(photo, PhotoStatus.QUEUED, PhotoStatus.ARRIVING)]
        assert self.wait(self.jobs.enqueue(photos)) == wanted

    @rule(photo=photos)
    def start(self, photo: int) -> None:
        tries = self.known[photo].attempts if self.moves(photo, PhotoStatus.RUNNING) else None
        assert self.wait(self.jobs.start(photo)) == tries

    @rule(photos=some)
    def attempt(self, photos: list[int]) -> None:
        """The device has no photo more often than it may."""
        photos = [photo for photo in photos if photo not in self.known or self.known[photo].attempts < ATTEMPTS]
        running = {photo for photo in photos if self.status(photo) is PhotoStatus.RUNNING}
        for photo in running:
            self.known[photo].attempts += 1
        assert self.wait(self.jobs.attempt(photos)) == running

    @rule(photo=photos)
    def put_back(self, photo: int) -> None:
        put_back = self.moves(photo, PhotoStatus.QUEUED, PhotoStatus.RUNNING)
        assert self.wait(self.jobs.put_back(photo)) == put_back

    @rule(photo=photos)
    def finish(self, photo: int) -> None:
        assert self.wait(self.jobs.finish(photo)) == self.moves(photo, PhotoStatus.DONE)

    @rule(photo=photos)
    def fail(self, photo: int) -> None:
        self.moves(photo, PhotoStatus.FAILED)
        self.wait(self.jobs.fail(photo, PhotoTruncated()))

    @rule(photos=some)
    def take_to_device(self, photos: list[int]) -> None:
        """The usual way, so that many photos come that far."""
        self.enqueue(photos)
        for photo in photos:
            self.start(photo)
        self.attempt(photos)

    @rule(photos=some)
    def draw(self, photos: list[int]) -> None:
        self.take_to_device(photos)
        for photo in photos:
            self.finish(photo)

    @rule(photos=some, trace=st.sampled_from("xyz"))
    def sending(self, photos: list[int], trace: str) -> None:
        for photo in photos:
            if photo in self.known:
                self.known[photo].trace = trace
        self.wait(self.jobs.sending(photos, trace))

    @rule(photos=some, message=st.sampled_from(["7", "8", None]))
    def answered(self, photos: list[int], message: str | None) -> None:
        for photo in photos:
            if self.moves(photo, PhotoStatus.ANSWERED):
                self.known[photo].answer = message
        self.wait(self.jobs.answered(dict.fromkeys(photos, message)))

    @rule(photo=photos, message=st.sampled_from(["7", None]))
    def tell_progress(self, photo: int, message: str | None) -> None:
        job_id = self.known[photo].job if photo in self.known else "forgotten"
        if job_id in self.progress:
            self.progress[job_id] = message
        self.wait(self.jobs.tell_progress_in(job_id, message))

    @rule(owner=st.sampled_from(OWNERS))
    def cancel(self, owner: Owner) -> None:
        called_off = self.call_off(lambda job_id: self.owners[job_id] == owner)
        assert set(self.wait(self.jobs.cancel(owner))) == called_off

    @rule(photo=photos)
    def cancel_job(self, photo: int) -> None:
        chosen = self.known[photo].job if photo in self.known else "forgotten"
        called_off = self.call_off(lambda job_id: job_id == chosen)
        assert set(self.wait(self.jobs.cancel_job(chosen))) == called_off

    @rule(chat=st.sampled_from(CHATS))
    def cancel_chat(self, chat: str) -> None:
        called_off = self.call_off(lambda job_id: self.chats[job_id] == chat)
        assert set(self.wait(self.jobs.cancel_chat("telegram", chat))) == called_off

    @rule(chat=st.sampled_from(CHATS), new_chat=st.sampled_from(CHATS))
    def move_chat(self, chat: str, new_chat: str) -> None:
        for job_id, its_chat in self.chats.items():
            if its_chat == chat:
                self.chats[job_id], self.progress[job_id] = new_chat, None
        self.wait(self.jobs.move_chat("telegram", chat, new_chat))

    @rule(owner=st.sampled_from(OWNERS))
    def forget(self, owner: Owner) -> None:
        ids = {job_id for job_id, its_owner in self.owners.items() if its_owner == owner}
        forgotten = self.wait(self.jobs.forget(owner))
        assert {job.id for job in forgotten} == ids
        for job in forgotten:
            assert {photo.id: photo.status for photo in job.photos} == self.statuses_of(job.id)
        self.drop(ids)

    @rule()
    def forget_old(self) -> None:
        """All jobs are old enough to go if they are closed."""
        ids = {job_id for job_id in self.owners if CLOSED.issuperset(self.statuses_of(job_id).values())}
        photos = {photo for photo, known in self.known.items() if known.job in ids}
        assert set(self.wait(self.jobs.forget_old(time.time() + 1, 0.0))) == photos
        self.drop(ids)

    @rule(photos=some)
    def stop_and_start(self, photos: list[int]) -> None:
        """Some of what the device had is interrupted."""
        interrupted = [photo for photo in photos if photo not in self.known or self.known[photo].attempts]
        for photo in interrupted:
            if self.status(photo) is PhotoStatus.RUNNING:
                self.known[photo].attempts -= 1
        for known in self.known.values():
            known.move(PhotoStatus.QUEUED, PhotoStatus.RUNNING)
        self.wait(self.jobs.put_all_back(interrupted))
        self.wait(self.database.close())
        self.open()
        self.wait(self.jobs.recover(ATTEMPTS))

    @rule()
    def crash_and_start(self) -> None:
        for known in self.known.values():
            if known.attempts >= ATTEMPTS and known.status is PhotoStatus.RUNNING:
                known.move(PhotoStatus.FAILED)
            else:
                known.move(PhotoStatus.QUEUED, PhotoStatus.RUNNING)
        self.wait(self.database.close())
        self.open()
        self.wait(self.jobs.recover(ATTEMPTS))

    @rule(photo=photos, turns=st.integers(0, 12))
    def crash_while_finishing(self, photo: int, turns: int) -> None:
        """Interrupted at any moment it is done or not done, and the next start goes on from there."""

        async def interrupted() -> None:
            finishing = asyncio.create_task(self.jobs.finish(photo))
            for _ in range(turns):
                await asyncio.sleep(0)
            finishing.cancel()
            await asyncio.wait([finishing])

        self.wait(interrupted())
        rows = self.rows()
        if photo in rows and rows[photo].status is PhotoStatus.DONE:
            assert self.status(photo) is PhotoStatus.DONE or self.moves(photo, PhotoStatus.DONE)
        self.crash_and_start()

    @invariant()
    def rows_are_as_known_and_the_closed_stay_closed(self) -> None:
        rows = self.rows()
        assert rows == self.known
        for photo, row in rows.items():
            before = self.last.get(photo)
            assert before not in CLOSED or row.status is before
            assert row.attempts <= ATTEMPTS
        self.last = {photo: row.status for photo, row in rows.items()}

    @invariant()
    def what_is_open_is_found(self) -> None:
        open_photos = {photo for photo, known in self.known.items() if known.status not in CLOSED}
        assert self.wait(self.jobs.open_photos()) == open_photos
        found = self.wait(self.all_open_jobs())
        traced = {self.known[photo].job for photo in open_photos if self.known[photo].trace is not None}
        unfinished = [job_id for job_id in self.owners if not CLOSED.issuperset(self.statuses_of(job_id).values())]
        # What was being sent comes first.
        assert [job.id for job in found] == sorted(unfinished, key=lambda job_id: job_id not in traced)
        for job in found:
            statuses = self.statuses_of(job.id)
            assert job.owner == self.owners[job.id]
            assert {photo.id: photo.status for photo in job.photos} == statuses
            assert job.settled == SETTLED.issuperset(statuses.values())
            assert (job.chat.chat, job.progress) == (self.chats[job.id], self.progress[job.id])
            assert all((photo.failure is not None) == self.known[photo.id].failed for photo in job.photos)

    @invariant()
    def what_is_unsettled_and_what_is_closed_but_for_its_message_is_found(self) -> None:
        for owner in OWNERS:
            unsettled = [
                job_id
                for job_id, its_owner in self.owners.items()
                if its_owner == owner and not SETTLED.issuperset(self.statuses_of(job_id).values())
            ]
            assert [job.id for job in self.wait(self.jobs.unsettled(owner))] == unsettled
        closed = [
            job_id
            for job_id, message in self.progress.items()
            if message is not None and CLOSED.issuperset(self.statuses_of(job_id).values())
        ]
        assert [job.id for job in self.wait(self.jobs.closed_with_progress())] == closed

    def teardown(self) -> None:
        self.wait(self.database.close())
        self.runner.close()
        self.folder.cleanup()

    def open(self) -> None:
        self.database = self.wait(Database.open(Path(self.folder.name) / "jobs.sqlite3"))
        self.jobs = Jobs(self.database)

    def rows(self) -> dict[int, Known]:
        return self.wait(self.read_rows())

    async def read_rows(self) -> dict[int, Known]:
        cursor = await self.database.reading.execute("SELECT * FROM photos")
        return {
            row["id"]: Known(
                row["job_id"],
                PhotoStatus(row["status"]),
                row["attempts"],
                row["trace"],
                row["answer"],
                row["failure_code"] is not None,
            )
            for row in await cursor.fetchall()
        }

    async def all_open_jobs(self) -> list[Job]:
        return [job async for job in self.jobs.open_jobs()]

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def new_photo(self, job_id: str) -> int:
        photo = self.wait(self.jobs.add_photo(job_id, 1, "1.jpg", "file"))
        assert photo is not None
        assert photo > self.ever
        self.ever = photo
        self.known[photo] = Known(job_id)
        return photo

    def moves(self, photo: int, status: PhotoStatus, *only: PhotoStatus) -> bool:
        return photo in self.known and self.known[photo].move(status, *only)

    def status(self, photo: int) -> PhotoStatus | None:
        return self.known[photo].status if photo in self.known else None

    def statuses_of(self, job_id: str) -> dict[int, PhotoStatus]:
        return {photo: known.status for photo, known in self.known.items() if known.job == job_id}

    def call_off(self, wanted: Callable[[str], bool]) -> set[CalledOff]:
        """As the ledger should, in the jobs for which it is true."""
        return {
            CalledOff(self.owners[known.job], known.job, photo)
            for photo, known in self.known.items()
            if wanted(known.job) and known.move(PhotoStatus.CANCELLED)
        }

    def drop(self, ids: set[str]) -> None:
        for job_id in ids:
            del self.owners[job_id], self.chats[job_id], self.progress[job_id]
        self.known = {photo: known for photo, known in self.known.items() if known.job not in ids}


TestJobLife = JobLife.TestCase
TestJobLife.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
