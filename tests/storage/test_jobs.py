"""Jobs as rows: only legal moves happen, late photos reopen a job, and a restart takes up what was left."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import PhotoTooLarge, PhotoTruncated
from core.jobs import MOVES, SETTLED, Chat, Failure, Job, Owner, Photo, PhotoStatus
from core.look import Look
from storage.database import Database
from storage.jobs import Jobs

ANNA = Owner("telegram", "1")
CHAT = Chat("telegram", "-100", thread="7", message="42")
LOOK = Look("ink", 0.9, 1536, "png", "main")
PATHS = {
    PhotoStatus.ARRIVING: [],
    PhotoStatus.QUEUED: [PhotoStatus.QUEUED],
    PhotoStatus.RUNNING: [PhotoStatus.QUEUED, PhotoStatus.RUNNING],
    PhotoStatus.DONE: [PhotoStatus.QUEUED, PhotoStatus.RUNNING, PhotoStatus.DONE],
    PhotoStatus.FAILED: [PhotoStatus.FAILED],
    PhotoStatus.ANSWERED: [PhotoStatus.FAILED, PhotoStatus.ANSWERED],
}


@dataclass
class Ledger:
    """Jobs, with the one that a test is about."""

    jobs: Jobs
    job_id: str

    async def photo(self, place: int = 1, status: PhotoStatus = PhotoStatus.ARRIVING) -> int:
        photo_id = await self.jobs.add_photo(self.job_id, place, f"{place}.jpg", f"file-{place}")
        for step in PATHS[status]:
            await self.move(photo_id, step)
        return photo_id

    async def move(self, photo_id: int, status: PhotoStatus) -> None:
        """Ask for a move, legal or not."""
        match status:
            case PhotoStatus.QUEUED:
                await self.jobs.enqueue([photo_id])
            case PhotoStatus.RUNNING:
                await self.jobs.start(photo_id)
            case PhotoStatus.DONE:
                await self.jobs.finish(photo_id)
            case PhotoStatus.FAILED:
                await self.jobs.fail(photo_id, PhotoTruncated())
            case _:
                await self.jobs.answered([photo_id])

    async def job(self) -> Job:
        job = await self.jobs.job(self.job_id)
        assert job is not None
        return job

    async def statuses(self) -> list[PhotoStatus]:
        return [photo.status for photo in (await self.job()).photos]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await Database.open(tmp_path / "jobs.sqlite3")
    yield database
    await database.close()


@pytest.fixture
async def ledger(database: Database) -> Ledger:
    jobs = Jobs(database)
    return Ledger(jobs, await jobs.open_job(ANNA, CHAT, "zh-CN", LOOK))


async def test_a_job_is_read_back_as_it_was_opened(ledger: Ledger):
    assert await ledger.job() == Job(ledger.job_id, ANNA, CHAT, "zh-CN", LOOK, ())
    assert await ledger.jobs.job("no such job") is None


async def test_photos_are_in_the_order_sent_whatever_the_order_heard(ledger: Ledger):
    third, first, second = [await ledger.photo(place) for place in (30, 10, 20)]
    photos = (await ledger.job()).photos
    assert [photo.id for photo in photos] == [first, second, third]
    assert photos[0] == Photo(first, 10, "10.jpg", "file-10", PhotoStatus.ARRIVING)


async def test_a_look_can_change(ledger: Ledger):
    await ledger.jobs.change_look(ledger.job_id, Look(strength=0.3))
    assert (await ledger.job()).look == Look(strength=0.3)


@pytest.mark.parametrize("status", PhotoStatus)
async def test_a_photo_comes_to_every_status_by_legal_moves(ledger: Ledger, status: PhotoStatus):
    await ledger.photo(status=status)
    assert await ledger.statuses() == [status]
    assert (await ledger.job()).settled == (status in SETTLED)


@pytest.mark.parametrize("target", [status for status in PhotoStatus if status is not PhotoStatus.ARRIVING])
@pytest.mark.parametrize("origin", PhotoStatus)
async def test_only_legal_moves_happen(ledger: Ledger, origin: PhotoStatus, target: PhotoStatus):
    photo_id = await ledger.photo(status=origin)
    await ledger.move(photo_id, target)
    assert await ledger.statuses() == [target if target in MOVES[origin] else origin]


async def test_starting_tells_whether_the_photo_is_still_wanted(ledger: Ledger):
    photo_id = await ledger.photo(status=PhotoStatus.QUEUED)
    assert await ledger.jobs.start(photo_id)
    assert not await ledger.jobs.start(photo_id)
    assert not await ledger.jobs.start(photo_id + 1)


async def test_a_failure_keeps_its_code_and_values(ledger: Ledger):
    photo_id = await ledger.photo()
    await ledger.jobs.fail(photo_id, PhotoTooLarge(megapixels="179+", limit=64.0))
    await ledger.jobs.fail(photo_id, PhotoTruncated())
    (photo,) = (await ledger.job()).photos
    assert photo.failure == Failure("photo-too-large", {"megapixels": "179+", "limit": 64.0})


async def test_a_late_photo_opens_a_settled_job_again(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    assert (await ledger.job()).settled
    await ledger.photo(2)
    assert not (await ledger.job()).settled
    (job,) = await ledger.jobs.recover(attempts=3)
    assert job.id == ledger.job_id


async def test_photo_numbers_are_never_given_twice(ledger: Ledger, database: Database):
    first = await ledger.photo()
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM photos")
    assert await ledger.photo() > first


async def test_a_restart_finds_what_is_unanswered_oldest_first(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    younger = Ledger(ledger.jobs, await ledger.jobs.open_job(ANNA, CHAT, "en", LOOK))
    await younger.photo(1, PhotoStatus.DONE)
    youngest = Ledger(ledger.jobs, await ledger.jobs.open_job(ANNA, CHAT, "en", LOOK))
    await youngest.photo(1, PhotoStatus.ARRIVING)
    assert [job.id for job in await ledger.jobs.recover(attempts=3)] == [younger.job_id, youngest.job_id]


async def test_a_restart_queues_what_was_running_and_leaves_the_rest(ledger: Ledger):
    for place, status in enumerate(PhotoStatus):
        await ledger.photo(place, status)
    await ledger.jobs.recover(attempts=3)
    expected = [PhotoStatus.QUEUED if status is PhotoStatus.RUNNING else status for status in PhotoStatus]
    assert await ledger.statuses() == expected


async def test_a_photo_that_was_running_at_too_many_ends_has_failed(ledger: Ledger):
    photo_id = await ledger.photo(status=PhotoStatus.QUEUED)
    for _ in range(2):
        assert await ledger.jobs.start(photo_id)
        await ledger.jobs.recover(attempts=3)
        assert await ledger.statuses() == [PhotoStatus.QUEUED]
    assert await ledger.jobs.start(photo_id)
    ((photo,),) = [job.photos for job in await ledger.jobs.recover(attempts=3)]
    assert photo.status is PhotoStatus.FAILED
    assert photo.failure == Failure("photo-failed", {})
