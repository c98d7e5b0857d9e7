"""Jobs as rows. A photo's status changes only by the moves that core.jobs allows."""

import json
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final, NamedTuple

import aiosqlite

from core.errors import PhotoFailed, UserError
from core.jobs import MOVES, SETTLED, Chat, Failure, Job, Owner, Photo, PhotoStatus
from core.look import Look, SheetKind
from storage.database import Database

PAGE: Final = 200
UNSETTLED: Final = tuple(status for status in PhotoStatus if status not in SETTLED)
OF_OWNER: Final = "SELECT id FROM jobs WHERE platform = ? AND user = ?"
# Word for word the condition of the index photos_open, so that it is used.
IS_OPEN: Final = "status NOT IN ('answered', 'cancelled')"


class CalledOff(NamedTuple):
    """A photo that nobody wants any more."""

    owner: Owner
    job_id: str
    photo_id: int


class Jobs:
    """The ledger of jobs and photos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_job(
        self,
        owner: Owner,
        chat: Chat,
        language: str,
        look: Look,
        delivery: str = "auto",
        *,
        asked: bool = True,
        photos: Sequence[Photo] = (),
        origin: str = "",
    ) -> str:
        """A new job; its id. With `photos`, those of another job, ARRIVING once more; all of it or nothing.

        Each of them comes from `origin` and its place.
        """
        job_id = uuid.uuid4().hex
        row = {
            "id": job_id,
            "platform": owner.platform,
            "user": owner.user,
            "chat": chat.chat,
            "thread": chat.thread,
            "message": chat.message,
            "language": language,
            **asdict(look),
            "delivery": delivery,
            "asked": asked,
            "created_at": time.time(),
        }
        async with self._database.transaction() as connection:
            await connection.execute(
                f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()]
            )
            await connection.executemany(
                "INSERT INTO photos (job_id, place, name, reference, origin, status) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        job_id,
                        photo.place,
                        photo.name,
                        photo.reference,
                        f"{origin}/{photo.place}",
                        PhotoStatus.ARRIVING,
                    )
                    for photo in photos
                ],
            )
        return job_id

    async def job_of(self, origin: str) -> str | None:
        """The id of the job that a message's photo is in already."""
        rows = await self._database.select("SELECT job_id FROM photos WHERE origin = ?", (origin,))
        return rows[0]["job_id"] if rows else None

    async def add_photo(
        self, job_id: str, place: int, name: str, reference: str, origin: str | None = None
    ) -> int | None:
        """Note a photo of the job before its bytes are fetched (ARRIVING); its id. `origin` names its message.

        None when the job has been forgotten.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO photos (job_id, place, name, reference, origin, status) "
                "SELECT id, ?, ?, ?, ?, ? FROM jobs WHERE id = ?",
                (place, name, reference, origin, PhotoStatus.ARRIVING, job_id),
            )
        return cursor.lastrowid if cursor.rowcount else None

    async def change_wishes(self, job_id: str, look: Look, delivery: str) -> None:
        """What the job's photos should become, and how they are sent, while none of them is queued."""
        changes = {**asdict(look), "delivery": delivery}
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in changes)} WHERE id = ?",
                (*changes.values(), job_id),
            )

    async def enqueue(self, photo_ids: Sequence[int]) -> list[int]:
        """ARRIVING -> QUEUED: their bytes are in the spool. Those that are still wanted."""
        async with self._database.transaction() as connection:
            return [
                photo_id
                for photo_id in photo_ids
                if await _move(connection, photo_id, PhotoStatus.QUEUED, PhotoStatus.ARRIVING)
            ]

    async def start(self, photo_id: int) -> int | None:
        """QUEUED -> RUNNING; how often the device had it before. None when it is no longer wanted."""
        async with self._database.transaction() as connection:
            if not await _move(connection, photo_id, PhotoStatus.RUNNING):
                return None
            cursor = await connection.execute("SELECT attempts FROM photos WHERE id = ?", (photo_id,))
            row = await cursor.fetchone()
        return row["attempts"] if row else None

    async def attempt(self, photo_ids: Sequence[int]) -> set[int]:
        """The device is about to have them, once more; those that are still wanted."""
        wanted: set[int] = set()
        async with self._database.transaction() as connection:
            for photo_id in photo_ids:
                cursor = await connection.execute(
                    "UPDATE photos SET attempts = attempts + 1 WHERE id = ? AND status = ?",
                    (photo_id, PhotoStatus.RUNNING),
                )
                if cursor.rowcount:
                    wanted.add(photo_id)
        return wanted

    async def put_back(self, photo_id: int, counted: bool = True) -> bool:
        """RUNNING -> QUEUED. False when it is no longer wanted. Not `counted`, the last attempt was none."""
        async with self._database.transaction() as connection:
            wanted = await _move(connection, photo_id, PhotoStatus.QUEUED, PhotoStatus.RUNNING)
            if wanted and not counted:
                await connection.execute("UPDATE photos SET attempts = attempts - 1 WHERE id = ?", (photo_id,))
        return wanted

    async def finish(self, photo_id: int) -> bool:
        """RUNNING -> DONE. False when it is no longer wanted."""
        async with self._database.transaction() as connection:
            return await _move(connection, photo_id, PhotoStatus.DONE)

    async def fail(self, photo_id: int, error: UserError) -> bool:
        """Any unsettled status -> FAILED. False when it is no longer wanted."""
        async with self._database.transaction() as connection:
            return await _fail(connection, photo_id, error)

    async def cancel(self, owner: Owner, before: Chat | None = None) -> list[CalledOff]:
        """Any unsettled status -> CANCELLED, for a person's photos.

        Of those in the chat of `before`, only the ones placed before its message: elsewhere numbers say nothing.
        """
        if before is None or before.message is None:
            return await self._cancel(f"job_id IN ({OF_OWNER})", owner.platform, owner.user)
        which = f"job_id IN ({OF_OWNER}) AND (place < ? OR job_id NOT IN (SELECT id FROM jobs WHERE chat = ?))"
        return await self._cancel(which, owner.platform, owner.user, int(before.message), before.chat)

    async def cancel_job(self, job_id: str) -> list[CalledOff]:
        """Any unsettled status -> CANCELLED, for the photos of a job."""
        return await self._cancel("job_id = ?", job_id)

    async def cancel_chat(self, platform: str, chat: str) -> list[CalledOff]:
        """Any unsettled status -> CANCELLED, for what would be answered in a chat."""
        which = "job_id IN (SELECT id FROM jobs WHERE platform = ? AND chat = ?)"
        return await self._cancel(which, platform, chat)

    async def _cancel(self, which: str, *values: str | int) -> list[CalledOff]:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                f"UPDATE photos SET status = ? WHERE status IN (?, ?, ?) AND {which} RETURNING job_id, id, "
                "(SELECT platform FROM jobs WHERE id = job_id), (SELECT user FROM jobs WHERE id = job_id)",
                (PhotoStatus.CANCELLED, *UNSETTLED, *values),
            )
            return [
                CalledOff(Owner(platform, user), job_id, photo_id)
                for job_id, photo_id, platform, user in await cursor.fetchall()
            ]

    async def move_chat(self, platform: str, chat: str, new_chat: str) -> None:
        """A chat has another name now; what answers would have replied to is not there any more."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET chat = ?, message = NULL, progress = NULL WHERE platform = ? AND chat = ?",
                (new_chat, platform, chat),
            )

    async def unsettled(self, owner: Owner) -> list[Job]:
        """The jobs of a person with photos that are not drawn yet, oldest first."""
        which = f"{OF_OWNER} AND EXISTS (SELECT 1 FROM photos WHERE job_id = jobs.id AND status IN (?, ?, ?))"
        return await _jobs(self._database.select, which, [owner.platform, owner.user, *UNSETTLED])

    async def has_open(self, owner: Owner, chat: Chat) -> bool:
        """Whether something is left to do for a person in a chat."""
        rows = await self._database.select(
            f"SELECT 1 FROM photos WHERE {IS_OPEN} AND job_id IN ({OF_OWNER} AND chat = ?) LIMIT 1",
            (owner.platform, owner.user, chat.chat),
        )
        return bool(rows)

    async def latest(self, owner: Owner, chat: Chat) -> Job | None:
        """The job of a person in a chat that was made last, of those with a photo that can be drawn."""
        which = (
            f"SELECT id FROM ({OF_OWNER} AND chat = ? AND EXISTS (SELECT 1 FROM photos WHERE job_id = jobs.id "
            "AND failure_code IS NULL AND status <> 'cancelled') ORDER BY created_at DESC LIMIT 1)"
        )
        return next(iter(await _jobs(self._database.select, which, [owner.platform, owner.user, chat.chat])), None)

    async def tell_progress_in(self, job_id: str, message: str | None) -> None:
        """Note which message tells how far the job has come; None when it is gone."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE jobs SET progress = ? WHERE id = ?", (message, job_id))

    async def closed_with_progress(self) -> list[Job]:
        """Jobs with nothing left to do whose progress message is still there."""
        which = (
            "SELECT id FROM jobs WHERE progress IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM photos WHERE job_id = jobs.id AND {IS_OPEN})"
        )
        return await _jobs(self._database.select, which, [])

    async def sending(self, photo_ids: Sequence[int], trace: str) -> None:
        """Note how to find out whether they arrived, before they are sent."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "UPDATE photos SET trace = ? WHERE id = ?", [(trace, photo_id) for photo_id in photo_ids]
            )

    async def answered(self, answers: Mapping[int, str | None]) -> None:
        """DONE or FAILED -> ANSWERED: the person has it; by photo, the message that its cartoon is in."""
        async with self._database.transaction() as connection:
            for photo_id, message in answers.items():
                if await _move(connection, photo_id, PhotoStatus.ANSWERED):
                    await connection.execute("UPDATE photos SET answer = ? WHERE id = ?", (message, photo_id))

    async def forget(self, owner: Owner) -> list[Job]:
        """Delete all jobs of a person; what they were."""
        async with self._database.transaction() as connection:
            jobs = await _jobs(connection.execute_fetchall, OF_OWNER, [owner.platform, owner.user])
            await connection.execute(
                "DELETE FROM jobs WHERE platform = ? AND user = ?", (owner.platform, owner.user)
            )
        return jobs

    async def forget_old(self, closed_before: float, open_before: float) -> list[int]:
        """Delete jobs made before these times (seconds since 1970), by whether anything is left to do for them.

        A few at a time: the numbers of their photos, none when there are no such jobs.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "SELECT id FROM jobs WHERE created_at < CASE WHEN EXISTS (SELECT 1 FROM photos WHERE "
                f"job_id = jobs.id AND {IS_OPEN}) THEN ? ELSE ? END ORDER BY created_at LIMIT ?",
                (open_before, closed_before, PAGE),
            )
            jobs = [row["id"] for row in await cursor.fetchall()]
            marks = ", ".join("?" * len(jobs))
            cursor = await connection.execute(f"SELECT id FROM photos WHERE job_id IN ({marks})", jobs)
            photos = [row["id"] for row in await cursor.fetchall()]
            await connection.execute(f"DELETE FROM jobs WHERE id IN ({marks})", jobs)
        return photos

    async def job(self, job_id: str) -> Job | None:
        """The job with its photos in the order sent."""
        return next(iter(await _jobs(self._database.select, "?", [job_id])), None)

    async def put_all_back(self, interrupted: Collection[int]) -> None:
        """RUNNING -> QUEUED for all that an orderly stop leaves unfinished.

        The attempt at those it interrupted on the device does not count.
        """
        async with self._database.transaction() as connection:
            await connection.executemany(
                "UPDATE photos SET attempts = attempts - 1 WHERE id = ? AND status = ?",
                [(photo_id, PhotoStatus.RUNNING) for photo_id in interrupted],
            )
            await connection.execute(
                "UPDATE photos SET status = ? WHERE status = ?", (PhotoStatus.QUEUED, PhotoStatus.RUNNING)
            )

    async def recover(self, attempts: int) -> None:
        """After a run that ended in the middle of things: RUNNING -> QUEUED, or FAILED for those that the device
        had `attempts` times."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "SELECT id, attempts FROM photos WHERE status = ?", (PhotoStatus.RUNNING,)
            )
            for photo_id, tried in list(await cursor.fetchall()):
                if tried >= attempts:
                    await _fail(connection, photo_id, PhotoFailed())
                else:
                    await _move(connection, photo_id, PhotoStatus.QUEUED)

    async def latest_messages(self, platform: str) -> list[tuple[str, int]]:
        """Each chat of messages, with the highest number of one that its jobs know of."""
        # Answers and progress are in messages named by chat and number.
        rows = await self._database.select(
            "SELECT chat, max(max(CAST(message AS INTEGER)), max(coalesce(CAST(trace AS INTEGER), 0)), "
            "max(coalesce(CAST(substr(answer, instr(answer, '/') + 1) AS INTEGER), 0)), "
            "max(coalesce(CAST(substr(progress, instr(progress, '/') + 1) AS INTEGER), 0))) AS latest "
            "FROM jobs JOIN photos ON job_id = jobs.id WHERE platform = ? AND message IS NOT NULL GROUP BY chat",
            (platform,),
        )
        return [(row["chat"], row["latest"]) for row in rows]

    async def open_photos(self) -> set[int]:
        """The numbers of all photos that something is left to do for."""
        return {row["id"] for row in await self._database.select(f"SELECT id FROM photos WHERE {IS_OPEN}")}

    async def open_jobs(self) -> AsyncGenerator[Job]:
        """All jobs that something is left to do for; read in pages, as there may be many.

        First those that were being sent, then the oldest.
        """
        rows = await self._database.select(
            f"SELECT jobs.id, max(photos.trace IS NOT NULL) AS sending FROM jobs JOIN photos ON job_id = jobs.id "
            f"WHERE {IS_OPEN} GROUP BY jobs.id ORDER BY sending DESC, created_at"
        )
        ids = [row["id"] for row in rows]
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            jobs = {job.id: job for job in await _jobs(self._database.select, ", ".join("?" * len(page)), page)}
            for job_id in page:
                if job_id in jobs:
                    yield jobs[job_id]


async def _jobs(
    select: Callable[[str, Sequence[object]], Awaitable[Iterable[aiosqlite.Row]]],
    which: str,
    values: Sequence[str],
) -> list[Job]:
    """The jobs with these ids (a list of marks, or a query), each with its photos in order."""
    photos: dict[str, list[Photo]] = {}
    for row in await select(f"SELECT * FROM photos WHERE job_id IN ({which}) ORDER BY place, id", values):
        photos.setdefault(row["job_id"], []).append(_photo(row))
    rows = await select(f"SELECT * FROM jobs WHERE id IN ({which}) ORDER BY created_at", values)
    return [_job(row, photos.get(row["id"], [])) for row in rows]


async def _move(connection: aiosqlite.Connection, photo_id: int, status: PhotoStatus, *only: PhotoStatus) -> bool:
    """Change a photo's status if that is a legal move from where it is, or from `only` there; whether it was."""
    origins = only or [origin for origin, targets in MOVES.items() if status in targets]
    marks = ", ".join("?" * len(origins))
    cursor = await connection.execute(
        f"UPDATE photos SET status = ? WHERE id = ? AND status IN ({marks})", (status, photo_id, *origins)
    )
    return cursor.rowcount == 1


async def _fail(connection: aiosqlite.Connection, photo_id: int, error: UserError) -> bool:
    if not await _move(connection, photo_id, PhotoStatus.FAILED):
        return False
    await connection.execute(
        "UPDATE photos SET failure_code = ?, failure_values = ? WHERE id = ?",
        (error.code, json.dumps(error.values), photo_id),
    )
    return True


def _job(row: aiosqlite.Row, photos: list[Photo]) -> Job:
    return Job(
        id=row["id"],
        owner=Owner(row["platform"], row["user"]),
        chat=Chat(row["platform"], row["chat"], row["thread"], row["message"]),
        language=row["language"],
        look=Look(
            row["style"],
            row["strength"],
            row["size"],
            row["format"],
            row["faces"],
            SheetKind(row["sheet"]) if row["sheet"] else None,
        ),
        photos=tuple(photos),
        delivery=row["delivery"],
        progress=row["progress"],
        asked=bool(row["asked"]),
    )


def _photo(row: aiosqlite.Row) -> Photo:
    code = row["failure_code"]
    failure = Failure(code, json.loads(row["failure_values"])) if code else None
    return Photo(
        row["id"],
        row["place"],
        row["name"],
        row["reference"],
        PhotoStatus(row["status"]),
        failure,
        row["trace"],
        row["answer"],
    )
