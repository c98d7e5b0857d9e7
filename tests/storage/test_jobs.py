"""Jobs as rows: only legal moves happen, late photos reopen a job, and a restart takes up what was left."""

import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.errors import PhotoTooLarge, PhotoTruncated
from core.jobs import CLOSED, MOVES, SETTLED, Chat, Failure, Job, Owner, Photo, PhotoStatus
from core.look import Look, SheetKind
from storage.database import Database
from storage.jobs import PAGE, UNSETTLED, CalledOff, Jobs

ANNA, BERTA = Owner("telegram", "1"), Owner("telegram", "2")
CHAT = Chat("telegram", "-100", thread="7", message="42")
LOOK = Look("ink", 0.9, 1536, "png", "main")
PATHS = {
    PhotoStatus.ARRIVING: [],
    PhotoStatus.QUEUED: [PhotoStatus.QUEUED],
    PhotoStatus.RUNNING: [PhotoStatus.QUEUED, PhotoStatus.RUNNING],
    PhotoStatus.DONE: [PhotoStatus.QUEUED, PhotoStatus.RUNNING, PhotoStatus.DONE],
    PhotoStatus.FAILED: [PhotoStatus.FAILED],
    PhotoStatus.ANSWERED: [PhotoStatus.FAILED, PhotoStatus.ANSWERED],
    PhotoStatus.CANCELLED: [PhotoStatus.CANCELLED],
}
# In an order in which one job can have them all: calling off, which stops all of a person's, comes first.
ALL_AT_ONCE = (PhotoStatus.CANCELLED, *(status for status in PhotoStatus if status is not PhotoStatus.CANCELLED))
FAR_FUTURE = 1e12


@dataclass
class Ledger:
    """Jobs, with the one that a test is about."""

    jobs: Jobs
    job_id: str

    async def photo(self, place: int = 1, status: PhotoStatus = PhotoStatus.ARRIVING) -> int:
        photo_id = await self.jobs.add_photo(self.job_id, place, f"{place}.jpg", f"file-{place}")
        assert photo_id is not None
        for step in PATHS[status]:
            await self.move(photo_id, step)
        return photo_id

    async def move(self, photo_id: int, status: PhotoStatus) -> None:
        """Ask for a move, legal or not."""
        match status:
            case PhotoStatus.QUEUED:
                if not await self.jobs.enqueue([photo_id]):
                    await self.jobs.put_back(photo_id)
            case PhotoStatus.RUNNING:
                await self.jobs.start(photo_id)
            case PhotoStatus.DONE:
                await self.jobs.finish(photo_id)
            case PhotoStatus.FAILED:
                await self.jobs.fail(photo_id, PhotoTruncated())
            case PhotoStatus.CANCELLED:
                await self.jobs.cancel(ANNA)
            case _:
                await self.jobs.answered({photo_id: None})

    async def another_job(self, owner: Owner = ANNA, chat: Chat = CHAT) -> "Ledger":
        return Ledger(self.jobs, await self.jobs.open_job(owner, chat, "en", LOOK))

    async def open_jobs(self) -> list[Job]:
        return [job async for job in self.jobs.open_jobs()]

    async def job(self) -> Job:
        job = await self.jobs.job(self.job_id)
        assert job is not None
        return job

    async def statuses(self) -> list[PhotoStatus]:
        return [photo.status for photo in (await self.job()).photos]


async def many_jobs(database: Database, number: int, status: PhotoStatus) -> None:
    """Old jobs with a photo each: job0, job1 and so on, the first one the oldest."""
    async with database.transaction() as connection:
        await connection.executemany(
            "INSERT INTO jobs (id, platform, user, chat, language, style, strength, size, format, faces, "
            "created_at) VALUES (?, 'web', 'b', 'c', 'en', 'ink', 0.7, 1024, 'jpg', 'all', ?)",
            [(f"job{each}", float(each)) for each in range(number)],
        )
        await connection.executemany(
            "INSERT INTO photos (job_id, place, name, reference, status) VALUES (?, 1, '', '', ?)",
            [(f"job{each}", status) for each in reversed(range(number))],
        )


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


async def test_wishes_can_change(ledger: Ledger):
    await ledger.jobs.change_wishes(ledger.job_id, Look(strength=0.3), "zip")
    job = await ledger.job()
    assert (job.look, job.delivery) == (Look(strength=0.3), "zip")


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


async def test_starting_tells_how_often_the_device_had_the_photo_or_that_nobody_wants_it(ledger: Ledger):
    photo_id = await ledger.photo(status=PhotoStatus.QUEUED)
    assert await ledger.jobs.start(photo_id) == 0
    assert await ledger.jobs.start(photo_id) is None
    assert await ledger.jobs.start(photo_id + 1) is None
    for _ in range(2):
        await ledger.jobs.attempt([photo_id])
    await ledger.jobs.put_back(photo_id)
    assert await ledger.jobs.start(photo_id) == 2


async def test_only_photos_that_are_running_are_attempted_and_put_back(ledger: Ledger):
    photos = {status: await ledger.photo(status=status) for status in ALL_AT_ONCE}
    assert await ledger.jobs.attempt([*photos.values(), 999]) == {photos[PhotoStatus.RUNNING]}
    assert await ledger.jobs.attempt([]) == set()
    put_back = [status for status, photo_id in photos.items() if await ledger.jobs.put_back(photo_id)]
    assert put_back == [PhotoStatus.RUNNING]
    assert await ledger.jobs.start(photos[PhotoStatus.QUEUED]) == 0


async def test_what_was_called_off_is_neither_put_back_nor_finished_nor_queued(ledger: Ledger):
    arriving, running = await ledger.photo(1), await ledger.photo(2, PhotoStatus.RUNNING)
    await ledger.jobs.cancel(ANNA)
    assert not await ledger.jobs.put_back(running)
    assert not await ledger.jobs.finish(running)
    assert await ledger.jobs.attempt([running]) == set()
    assert await ledger.jobs.enqueue([arriving]) == []
    await ledger.jobs.fail(running, PhotoTruncated())
    assert await ledger.statuses() == [PhotoStatus.CANCELLED, PhotoStatus.CANCELLED]


async def test_finishing_and_putting_back_tell_that_they_did(ledger: Ledger):
    first, second = [await ledger.photo(place, PhotoStatus.RUNNING) for place in (1, 2)]
    assert await ledger.jobs.finish(first)
    assert await ledger.jobs.put_back(second)
    assert await ledger.statuses() == [PhotoStatus.DONE, PhotoStatus.QUEUED]


async def test_queueing_tells_which_are_still_wanted(ledger: Ledger):
    photos = {status: await ledger.photo(status=status) for status in ALL_AT_ONCE}
    assert await ledger.jobs.enqueue([*photos.values(), 999]) == [photos[PhotoStatus.ARRIVING]]


async def test_calling_off_stops_what_is_unsettled_of_one_person_in_all_jobs(ledger: Ledger):
    photos = {status: await ledger.photo(place, status) for place, status in enumerate(ALL_AT_ONCE)}
    other_job = await ledger.another_job()
    other_photo = await other_job.photo(1, PhotoStatus.QUEUED)
    somebody_else = await ledger.another_job(BERTA)
    await somebody_else.photo(1, PhotoStatus.RUNNING)
    assert set(await ledger.jobs.cancel(ANNA)) == {
        *(CalledOff(ANNA, ledger.job_id, photos[status]) for status in UNSETTLED),
        CalledOff(ANNA, other_job.job_id, other_photo),
    }
    assert await ledger.statuses() == [
        status if status in SETTLED else PhotoStatus.CANCELLED for status in ALL_AT_ONCE
    ]
    assert await somebody_else.statuses() == [PhotoStatus.RUNNING]
    assert await ledger.jobs.cancel(ANNA) == []


async def test_calling_off_one_job_leaves_the_others(ledger: Ledger):
    photos = {status: await ledger.photo(place, status) for place, status in enumerate(ALL_AT_ONCE)}
    other_job = await ledger.another_job()
    await other_job.photo(1, PhotoStatus.QUEUED)
    assert set(await ledger.jobs.cancel_job(ledger.job_id)) == {
        CalledOff(ANNA, ledger.job_id, photos[status]) for status in UNSETTLED
    }
    assert await other_job.statuses() == [PhotoStatus.QUEUED]
    assert await ledger.jobs.cancel_job(ledger.job_id) == await ledger.jobs.cancel_job("no such job") == []


async def test_calling_off_all_of_a_chat_tells_whose_it_was(ledger: Ledger):
    mine = await ledger.photo(1, PhotoStatus.QUEUED)
    await ledger.photo(2, PhotoStatus.DONE)
    bertas_job = await ledger.another_job(BERTA)
    bertas = await bertas_job.photo(1, PhotoStatus.RUNNING)
    elsewhere = await ledger.another_job(BERTA, Chat("telegram", "-101"))
    await elsewhere.photo(1)
    other_platform = await ledger.another_job(Owner("web", "1"), Chat("web", CHAT.chat))
    await other_platform.photo(1)
    assert set(await ledger.jobs.cancel_chat(CHAT.platform, CHAT.chat)) == {
        CalledOff(ANNA, ledger.job_id, mine),
        CalledOff(BERTA, bertas_job.job_id, bertas),
    }
    assert await ledger.statuses() == [PhotoStatus.CANCELLED, PhotoStatus.DONE]
    assert await elsewhere.statuses() == await other_platform.statuses() == [PhotoStatus.ARRIVING]


async def test_a_chat_that_moved_is_answered_where_it_is_now(ledger: Ledger):
    await ledger.jobs.tell_progress_in(ledger.job_id, "50")
    elsewhere = await ledger.another_job(ANNA, Chat("telegram", "-101", message="7"))
    other_platform = await ledger.another_job(Owner("web", "1"), Chat("web", CHAT.chat, message="7"))
    before = [await elsewhere.job(), await other_platform.job()]
    await ledger.jobs.move_chat("telegram", CHAT.chat, "-100200")
    moved = await ledger.job()
    # The messages of old are not there.
    assert (moved.chat, moved.progress) == (Chat("telegram", "-100200", CHAT.thread), None)
    assert [await elsewhere.job(), await other_platform.job()] == before


async def test_the_unsettled_jobs_of_a_person_are_found_oldest_first(ledger: Ledger):
    for place, status in enumerate(ALL_AT_ONCE):
        await ledger.photo(place, status)
    for status in (PhotoStatus.DONE, PhotoStatus.ANSWERED):
        await (await ledger.another_job()).photo(1, status)
    await ledger.another_job()
    younger = await ledger.another_job()
    await younger.photo(1, PhotoStatus.RUNNING)
    await (await ledger.another_job(BERTA)).photo(1, PhotoStatus.QUEUED)
    assert await ledger.jobs.unsettled(ANNA) == [await ledger.job(), await younger.job()]
    assert await ledger.jobs.unsettled(Owner("web", ANNA.user)) == []


async def test_the_latest_job_of_a_person_in_a_chat_is_found(ledger: Ledger):
    assert await ledger.jobs.latest(BERTA, CHAT) is None
    await ledger.photo()
    younger = await ledger.another_job()
    await younger.photo(1, PhotoStatus.DONE)
    # Nothing of this one can be drawn.
    await (await ledger.another_job()).photo(1, PhotoStatus.FAILED)
    for other in (await ledger.another_job(BERTA), await ledger.another_job(ANNA, Chat("telegram", "-101"))):
        await other.photo()
    # Whatever message is answered, and in whatever topic.
    for chat in (CHAT, Chat("telegram", CHAT.chat)):
        assert await ledger.jobs.latest(ANNA, chat) == await younger.job()


async def test_a_sheet_and_how_it_is_sent_are_kept(ledger: Ledger):
    look = replace(LOOK, sheet=SheetKind.STYLES)
    job_id = await ledger.jobs.open_job(ANNA, CHAT, "en", look, "zip")
    job = await ledger.jobs.job(job_id)
    assert job is not None
    assert (job.look, job.delivery) == (look, "zip")
    await ledger.jobs.change_wishes(job_id, LOOK, "auto")
    job = await ledger.jobs.job(job_id)
    assert job is not None
    assert (job.look, job.delivery) == (LOOK, "auto")


async def test_the_message_that_tells_progress_is_kept_as_long_as_it_is_there(ledger: Ledger):
    await ledger.jobs.tell_progress_in(ledger.job_id, "50")
    await ledger.jobs.tell_progress_in("no such job", "51")
    assert (await ledger.job()).progress == "50"
    await ledger.jobs.tell_progress_in(ledger.job_id, None)
    assert (await ledger.job()).progress is None


@pytest.mark.parametrize("status", PhotoStatus)
async def test_jobs_that_are_closed_but_for_their_progress_message_are_found(ledger: Ledger, status: PhotoStatus):
    await ledger.photo(1, status)
    await ledger.photo(2, PhotoStatus.ANSWERED)
    without = await ledger.another_job()
    await without.photo(1, PhotoStatus.ANSWERED)
    await ledger.jobs.tell_progress_in(ledger.job_id, "50")
    assert await ledger.jobs.closed_with_progress() == ([await ledger.job()] if status in CLOSED else [])


async def test_each_answered_photo_knows_the_message_that_its_cartoon_is_in(ledger: Ledger):
    sent = [await ledger.photo(place, PhotoStatus.DONE) for place in (1, 2)]
    failed, waiting = await ledger.photo(3, PhotoStatus.FAILED), await ledger.photo(4, PhotoStatus.QUEUED)
    await ledger.jobs.answered({sent[0]: "60", sent[1]: "61", failed: None, waiting: "62", 999: "63"})
    photos = (await ledger.job()).photos
    assert [photo.answer for photo in photos] == ["60", "61", None, None]
    assert await ledger.statuses() == [PhotoStatus.ANSWERED] * 3 + [PhotoStatus.QUEUED]
    # Told twice, it stays as it was.
    await ledger.jobs.answered({sent[0]: "70"})
    assert (await ledger.job()).photos[0].answer == "60"


async def test_the_same_user_name_on_another_platform_is_somebody_else(ledger: Ledger):
    await ledger.photo()
    assert await ledger.jobs.cancel(Owner("web", ANNA.user)) == []
    assert await ledger.jobs.forget(Owner("web", ANNA.user)) == []
    assert await ledger.statuses() == [PhotoStatus.ARRIVING]


async def test_a_message_is_known_by_the_photo_it_brought(ledger: Ledger):
    assert await ledger.jobs.job_of("telegram 5") is None
    await ledger.jobs.add_photo(ledger.job_id, 1, "1.jpg", "file-1", origin="telegram 5")
    assert await ledger.jobs.job_of("telegram 5") == ledger.job_id
    with pytest.raises(sqlite3.IntegrityError):
        await ledger.jobs.add_photo(ledger.job_id, 2, "1.jpg", "file-1", origin="telegram 5")
    assert len((await ledger.job()).photos) == 1


async def test_how_to_find_out_whether_photos_arrived_is_kept(ledger: Ledger):
    sent, unsent = await ledger.photo(1, PhotoStatus.DONE), await ledger.photo(2, PhotoStatus.DONE)
    await ledger.jobs.sending([sent], "after message 17")
    photos = (await ledger.job()).photos
    assert [(photo.id, photo.trace) for photo in photos] == [(sent, "after message 17"), (unsent, None)]


async def test_forgetting_a_person_deletes_their_jobs_and_tells_what_they_were(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    await ledger.photo(2, PhotoStatus.RUNNING)
    younger = await ledger.another_job()
    somebody_else = await ledger.another_job(BERTA)
    await somebody_else.photo()
    expected = [await ledger.job(), await younger.job()]
    assert await ledger.jobs.forget(ANNA) == expected
    assert await ledger.jobs.job(ledger.job_id) is None
    assert await ledger.jobs.forget(ANNA) == []
    assert await ledger.jobs.open_photos() == {(await somebody_else.job()).photos[0].id}


async def test_a_photo_that_comes_for_a_forgotten_job_is_not_noted(ledger: Ledger):
    await ledger.jobs.forget(ANNA)
    assert await ledger.jobs.add_photo(ledger.job_id, 1, "1.jpg", "file-1", origin="telegram 5") is None
    assert await ledger.jobs.job_of("telegram 5") is None


async def test_old_jobs_are_forgotten_by_whether_anything_is_left_to_do(ledger: Ledger, database: Database):
    ids: dict[tuple[float, PhotoStatus], int] = {}
    for time in (10.0, 20.0, 30.0):
        for status in PhotoStatus:
            job = await ledger.another_job()
            ids[time, status] = await job.photo(1, PhotoStatus.ARRIVING)
            async with database.transaction() as connection:
                await connection.execute("UPDATE jobs SET created_at = ? WHERE id = ?", (time, job.job_id))
                await connection.execute("UPDATE photos SET status = ? WHERE job_id = ?", (status, job.job_id))
    old = await ledger.jobs.forget_old(closed_before=30.0, open_before=20.0)
    assert set(old) == {
        photo for (time, status), photo in ids.items() if time < 20.0 or (time < 30.0 and status in CLOSED)
    }
    assert await ledger.jobs.forget_old(closed_before=30.0, open_before=20.0) == []
    assert await ledger.jobs.open_photos() == {
        photo for (_, status), photo in ids.items() if photo not in old and status not in CLOSED
    }


async def test_a_job_with_anything_left_to_do_is_kept_whole(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    await ledger.photo(2, PhotoStatus.DONE)
    assert await ledger.jobs.forget_old(closed_before=FAR_FUTURE, open_before=0.0) == []
    assert len((await ledger.job()).photos) == 2


async def test_many_old_jobs_are_forgotten_a_few_at_a_time(ledger: Ledger, database: Database):
    await many_jobs(database, PAGE + 50, PhotoStatus.ANSWERED)
    parts = [len(await ledger.jobs.forget_old(FAR_FUTURE, 0.0)) for _ in range(3)]
    assert parts == [PAGE, 50, 0]


async def test_many_open_jobs_are_read_oldest_first_each_once(ledger: Ledger, database: Database):
    await many_jobs(database, 2 * PAGE + 50, PhotoStatus.DONE)
    assert [job.id for job in await ledger.open_jobs()] == [f"job{number}" for number in range(2 * PAGE + 50)]


async def test_a_failure_keeps_its_code_and_values(ledger: Ledger):
    photo_id = await ledger.photo()
    await ledger.jobs.fail(photo_id, PhotoTooLarge(megapixels="179+", limit=64.0))
    await ledger.jobs.fail(photo_id, PhotoTruncated())
    (photo,) = (await ledger.job()).photos
    assert photo.failure == Failure("photo-too-large", {"megapixels": "179+", "limit": 64.0})


async def test_a_late_photo_opens_a_settled_job_again(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    assert (await ledger.job()).settled
    assert await ledger.open_jobs() == []
    late = await ledger.photo(2)
    assert not (await ledger.job()).settled
    assert [job.id for job in await ledger.open_jobs()] == [ledger.job_id]
    assert await ledger.jobs.open_photos() == {late}


async def test_photo_numbers_are_never_given_twice(ledger: Ledger, database: Database):
    first = await ledger.photo()
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM photos")
    assert await ledger.photo() > first


@pytest.mark.parametrize("status", PhotoStatus)
async def test_a_job_is_open_until_the_person_has_or_knows_all(ledger: Ledger, status: PhotoStatus):
    photo_id = await ledger.photo(1, status)
    closed = status in CLOSED
    assert await ledger.open_jobs() == ([] if closed else [await ledger.job()])
    assert await ledger.jobs.open_photos() == (set() if closed else {photo_id})


@pytest.mark.parametrize("status", PhotoStatus)
async def test_something_is_left_to_do_for_a_person_until_they_have_or_know_all(
    ledger: Ledger, status: PhotoStatus
):
    assert not await ledger.jobs.has_open(ANNA, CHAT)
    await ledger.photo(1, PhotoStatus.ANSWERED)
    await ledger.photo(2, status)
    assert await ledger.jobs.has_open(ANNA, CHAT) is (status not in CLOSED)
    assert not await ledger.jobs.has_open(BERTA, CHAT)
    # The same number elsewhere is somebody else.
    assert not await ledger.jobs.has_open(Owner("web", ANNA.user), CHAT)


async def test_what_was_forgotten_leaves_nothing_to_do(ledger: Ledger):
    await ledger.photo()
    assert await ledger.jobs.has_open(ANNA, CHAT)
    await ledger.jobs.forget(ANNA)
    assert not await ledger.jobs.has_open(ANNA, CHAT)


async def test_what_is_open_is_found_oldest_first(ledger: Ledger):
    await ledger.photo(1, PhotoStatus.ANSWERED)
    younger = await ledger.another_job()
    await younger.photo(1, PhotoStatus.DONE)
    youngest = await ledger.another_job()
    await youngest.photo(1, PhotoStatus.ARRIVING)
    assert [job.id for job in await ledger.open_jobs()] == [younger.job_id, youngest.job_id]


async def test_a_restart_queues_what_was_running_and_leaves_the_rest(ledger: Ledger):
    for place, status in enumerate(ALL_AT_ONCE):
        await ledger.photo(place, status)
    await ledger.jobs.recover(attempts=3)
    expected = [PhotoStatus.QUEUED if status is PhotoStatus.RUNNING else status for status in ALL_AT_ONCE]
    assert await ledger.statuses() == expected


async def test_a_photo_that_the_device_had_at_too_many_ends_has_failed(ledger: Ledger):
    photo_id = await ledger.photo(status=PhotoStatus.QUEUED)
    for tries in range(2):
        assert await ledger.jobs.start(photo_id) == tries
        await ledger.jobs.attempt([photo_id])
        await ledger.jobs.recover(attempts=3)
        assert await ledger.statuses() == [PhotoStatus.QUEUED]
    assert await ledger.jobs.start(photo_id) == 2
    await ledger.jobs.attempt([photo_id])
    await ledger.jobs.recover(attempts=3)
    (photo,) = (await ledger.job()).photos
    assert photo.status is PhotoStatus.FAILED
    assert photo.failure == Failure("photo-failed", {})


async def test_a_photo_that_the_device_never_had_is_queued_at_any_number_of_restarts(ledger: Ledger):
    photo_id = await ledger.photo(status=PhotoStatus.QUEUED)
    for _ in range(5):
        assert await ledger.jobs.start(photo_id) == 0
        await ledger.jobs.recover(attempts=1)


async def test_an_orderly_stop_puts_all_back_and_interrupted_attempts_do_not_count(ledger: Ledger):
    photos = [await ledger.photo(place, status) for place, status in enumerate(ALL_AT_ONCE)]
    never, decoded, on_device = [await ledger.photo(place, PhotoStatus.RUNNING) for place in (10, 11, 12)]
    for attempted in ([decoded, on_device], [on_device]):
        await ledger.jobs.attempt(attempted)
    settled = [photo for photo, status in zip(photos, ALL_AT_ONCE, strict=True) if status in SETTLED]
    await ledger.jobs.put_all_back([on_device, *settled])
    expected = [PhotoStatus.QUEUED if status is PhotoStatus.RUNNING else status for status in ALL_AT_ONCE]
    assert await ledger.statuses() == [*expected, *[PhotoStatus.QUEUED] * 3]
    assert [await ledger.jobs.start(photo_id) for photo_id in (never, decoded, on_device)] == [0, 1, 1]
