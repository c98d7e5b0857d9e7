"""Calling photos off and having them forgotten, with real rows, a real queue and real files."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from pathlib import Path

import pytest

from bots.orders import Forgotten, Orders
from core.errors import PhotoFailed
from core.jobs import Chat, Job, Owner, PhotoStatus, Ticket
from core.look import Look, Preferences
from core.pace import Forecast
from core.queue import FairQueue
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People, Standing
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.running import nothing_more

ANNA, BERTA = Owner("telegram", "1"), Owner("telegram", "2")
CHOICE = Preferences(Look(strength=0.9))
STATUSES = (PhotoStatus.ARRIVING, PhotoStatus.QUEUED, PhotoStatus.RUNNING, PhotoStatus.DONE, PhotoStatus.FAILED)


class Workshop:
    """Orders between a real ledger, queue and spool; `settled` are the jobs that would be delivered."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.jobs, self.spool, self.settings = Jobs(database), Spool(folder / "spool"), UserSettings(database)
        self.queue: FairQueue[Ticket] = FairQueue(100, 60)
        self.settled: list[str] = []
        self.forgotten: list[Job] = []
        self.orders = Orders(
            self.jobs,
            self.queue,
            self.spool,
            self.settings,
            self._forecast,
            self.settled.append,
            self.forgotten.append,
            nothing_more,
        )

    def _forecast(self, owner: Owner, jobs: Collection[str], photos: int, look: Look) -> Forecast:
        """Photos ahead take a second each, own ones ten."""
        ahead = self.queue.ahead_of(owner, lambda ticket: ticket.job_id in jobs)
        return Forecast(ahead, ahead + 10.0 * photos)

    async def job(self, owner: Owner, *statuses: PhotoStatus, chat: str | None = None) -> str:
        """A job with a photo in each status, as the reception and the studio leave them; its id."""
        job_id = await self.jobs.open_job(owner, Chat(owner.platform, chat or owner.user), "en", Look())
        for place, status in enumerate(statuses):
            photo_id = await self.jobs.add_photo(job_id, place, f"{place}.jpg", f"{job_id} {place}")
            assert photo_id
            self.spool.source(photo_id).write_bytes(b"a photo")
            await self._bring_to(status, owner, job_id, photo_id)
        return job_id

    async def _bring_to(self, status: PhotoStatus, owner: Owner, job_id: str, photo_id: int) -> None:
        if status is PhotoStatus.ARRIVING:
            return
        if status is PhotoStatus.FAILED:
            await self.jobs.fail(photo_id, PhotoFailed())
            return
        await self.jobs.enqueue([photo_id])
        if status is PhotoStatus.QUEUED:
            self.queue.put(owner, [Ticket(photo_id, job_id, owner, Look(), since=0.0)])
            return
        assert await self.jobs.start(photo_id) is not None
        if status is PhotoStatus.DONE:
            self.spool.result(photo_id, "jpg").write_bytes(b"a cartoon")
            await self.jobs.finish(photo_id)

    async def statuses(self, job_id: str) -> list[PhotoStatus]:
        job = await self.jobs.job(job_id)
        assert job is not None
        return [photo.status for photo in job.photos]

    async def photos_with_files(self, job_id: str) -> list[int]:
        """The places of the job's photos that are still in the spool."""
        job = await self.jobs.job(job_id)
        assert job is not None
        return [photo.place for photo in job.photos if self.spool.source(photo.id).exists()]

    def files(self) -> set[str]:
        return {path.suffix for path in self.spool.source(0).parent.iterdir()}


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncGenerator[Workshop]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield Workshop(database, tmp_path)
    await database.close()


async def test_what_is_not_drawn_is_called_off_and_what_is_drawn_is_delivered(workshop: Workshop):
    job_id = await workshop.job(ANNA, *STATUSES)
    assert await workshop.orders.cancel(ANNA) == 3
    off = PhotoStatus.CANCELLED
    assert await workshop.statuses(job_id) == [off, off, off, PhotoStatus.DONE, PhotoStatus.FAILED]
    assert await workshop.photos_with_files(job_id) == [3, 4]
    assert len(workshop.queue) == 0
    assert workshop.settled == [job_id]


async def test_each_job_settles_once_and_only_if_something_of_it_was_called_off(workshop: Workshop):
    first = await workshop.job(ANNA, PhotoStatus.QUEUED, PhotoStatus.QUEUED)
    await workshop.job(ANNA, PhotoStatus.DONE)
    third = await workshop.job(ANNA, PhotoStatus.ARRIVING, PhotoStatus.QUEUED)
    assert await workshop.orders.cancel(ANNA) == 4
    assert sorted(workshop.settled) == sorted([first, third])


async def test_nobody_elses_photos_are_called_off(workshop: Workshop):
    await workshop.job(ANNA, PhotoStatus.QUEUED)
    bertas = await workshop.job(BERTA, PhotoStatus.QUEUED, PhotoStatus.RUNNING)
    elsewhere = await workshop.job(Owner("discord", "1"), PhotoStatus.QUEUED)
    assert await workshop.orders.cancel(ANNA) == 1
    assert await workshop.statuses(bertas) == [PhotoStatus.QUEUED, PhotoStatus.RUNNING]
    assert await workshop.statuses(elsewhere) == [PhotoStatus.QUEUED]
    assert (workshop.queue.waiting(ANNA), workshop.queue.waiting(BERTA), len(workshop.queue)) == (0, 1, 2)


async def test_a_photo_called_off_while_it_is_drawn_does_not_come_back(workshop: Workshop):
    job_id = await workshop.job(ANNA, PhotoStatus.RUNNING)
    job = await workshop.jobs.job(job_id)
    assert job is not None
    await workshop.orders.cancel(ANNA)
    assert not await workshop.jobs.finish(job.photos[0].id)
    assert await workshop.statuses(job_id) == [PhotoStatus.CANCELLED]


async def test_calling_off_twice_or_nothing_does_nothing(workshop: Workshop):
    assert await workshop.orders.cancel(ANNA) == 0
    await workshop.job(ANNA, PhotoStatus.QUEUED)
    counts = await asyncio.gather(workshop.orders.cancel(ANNA), workshop.orders.cancel(ANNA))
    assert sorted(counts) == [0, 1]
    assert len(workshop.settled) == 1


async def test_all_of_a_person_is_forgotten_and_nothing_delivered(workshop: Workshop):
    job_ids = [await workshop.job(ANNA, *STATUSES), await workshop.job(ANNA, PhotoStatus.QUEUED)]
    await workshop.settings.keep(ANNA, CHOICE)
    assert await workshop.orders.forget(ANNA) == Forgotten(photos=6, jobs=2, settings=True)
    assert [await workshop.jobs.job(job_id) for job_id in job_ids] == [None, None]
    assert await workshop.settings.of(ANNA) is None
    assert workshop.files() == set()
    assert len(workshop.queue) == 0
    assert workshop.settled == []
    assert [job.id for job in workshop.forgotten] == job_ids
    assert await workshop.orders.forget(ANNA) == Forgotten(photos=0, jobs=0, settings=False)


async def test_what_others_sent_and_what_administrators_decided_stays(workshop: Workshop):
    people = People(workshop.database)
    await people.set_standing(ANNA, Standing.BLOCKED)
    await people.count(ANNA, "2026-11-23", 5)
    bertas = await workshop.job(BERTA, PhotoStatus.QUEUED, PhotoStatus.DONE)
    await workshop.settings.keep(BERTA, CHOICE)
    await workshop.orders.forget(ANNA)
    assert await people.standing_of(ANNA) is Standing.BLOCKED
    assert await people.photos_of(ANNA, "2026-11-23") == 5
    assert await workshop.statuses(bertas) == [PhotoStatus.QUEUED, PhotoStatus.DONE]
    assert await workshop.photos_with_files(bertas) == [0, 1]
    assert await workshop.settings.of(BERTA) == CHOICE
    assert workshop.queue.waiting(BERTA) == 1


async def test_one_job_is_called_off_and_the_others_of_its_owner_go_on(workshop: Workshop):
    job_id = await workshop.job(ANNA, *STATUSES)
    other = await workshop.job(ANNA, PhotoStatus.QUEUED, PhotoStatus.RUNNING)
    assert await workshop.orders.cancel_job(job_id) == 3
    assert await workshop.statuses(job_id) == [PhotoStatus.CANCELLED] * 3 + [PhotoStatus.DONE, PhotoStatus.FAILED]
    assert await workshop.statuses(other) == [PhotoStatus.QUEUED, PhotoStatus.RUNNING]
    assert (workshop.queue.waiting(ANNA), workshop.settled) == (1, [job_id])
    assert await workshop.orders.cancel_job(job_id) == await workshop.orders.cancel_job("no such job") == 0
    assert workshop.settled == [job_id]


async def test_a_chat_that_is_gone_calls_off_what_anybody_asked_for_there(workshop: Workshop):
    jobs = [
        await workshop.job(owner, PhotoStatus.QUEUED, PhotoStatus.DONE, chat="-100") for owner in (ANNA, BERTA)
    ]
    elsewhere = await workshop.job(ANNA, PhotoStatus.QUEUED)
    assert await workshop.orders.abandon("telegram", "-100") == 2
    for job_id in jobs:
        assert await workshop.statuses(job_id) == [PhotoStatus.CANCELLED, PhotoStatus.DONE]
        assert await workshop.photos_with_files(job_id) == [1]
    assert await workshop.statuses(elsewhere) == [PhotoStatus.QUEUED]
    assert (workshop.queue.waiting(ANNA), workshop.queue.waiting(BERTA)) == (1, 0)
    assert sorted(workshop.settled) == sorted(jobs)


async def test_the_outlook_counts_what_waits_and_what_comes_before(workshop: Workshop):
    assert await workshop.orders.outlook(ANNA) == (0, Forecast(0, None))
    await workshop.job(BERTA, *[PhotoStatus.QUEUED] * 3)
    await workshop.job(ANNA, PhotoStatus.DONE, PhotoStatus.FAILED)
    assert await workshop.orders.outlook(ANNA) == (0, Forecast(0, None))
    await workshop.job(ANNA, PhotoStatus.DONE, PhotoStatus.RUNNING, PhotoStatus.ARRIVING)
    assert await workshop.orders.outlook(ANNA) == (2, Forecast(0, 20.0))
    await workshop.job(ANNA, PhotoStatus.QUEUED, PhotoStatus.QUEUED)
    assert await workshop.orders.outlook(ANNA) == (4, Forecast(2, 42.0))
