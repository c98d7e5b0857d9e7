"""Jobs as rows. A photo's status changes only by the moves that core.jobs allows."""

import json
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict

import aiosqlite

from core.errors import PhotoFailed, UserError
from core.jobs import MOVES, Chat, Failure, Job, Owner, Photo, PhotoStatus
from core.look import Look
from storage.database import Database

log = logging.getLogger(__name__)


class Jobs:
    """The ledger of jobs and photos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_job(self, owner: Owner, chat: Chat, language: str, look: Look) -> str:
        """A new job without photos; its id."""
        job_id = uuid.uuid4().hex
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id,
                    owner.platform,
                    owner.user,
                    chat.chat,
                    chat.thread,
                    chat.message,
                    language,
                    *asdict(look).values(),
                    time.time(),
                ),
            )
        return job_id

    async def add_photo(self, job_id: str, place: int, name: str, reference: str) -> int:
        """Note a photo of the job before its bytes are fetched (ARRIVING); its id."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO photos (job_id, place, name, reference, status) VALUES (?, ?, ?, ?, ?)",
                (job_id, place, name, reference, PhotoStatus.ARRIVING),
            )
        return cursor.lastrowid or 0

    async def change_look(self, job_id: str, look: Look) -> None:
        """What the job's photos should become, while none of them is queued."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET style = ?, strength = ?, size = ?, format = ?, faces = ? WHERE id = ?",
                (*asdict(look).values(), job_id),
            )

    async def enqueue(self, photo_ids: Sequence[int]) -> None:
        """ARRIVING -> QUEUED: their bytes are in the spool."""
        async with self._database.transaction() as connection:
            for photo_id in photo_ids:
                await _move(connection, photo_id, PhotoStatus.QUEUED)

    async def start(self, photo_id: int) -> bool:
        """QUEUED -> RUNNING, one more attempt. False when it is no longer wanted."""
        async with self._database.transaction() as connection:
            moved = await _move(connection, photo_id, PhotoStatus.RUNNING)
            if moved:
                await connection.execute("UPDATE photos SET attempts = attempts + 1 WHERE id = ?", (photo_id,))
        return moved

    async def finish(self, photo_id: int) -> None:
        """RUNNING -> DONE."""
        async with self._database.transaction() as connection:
            if not await _move(connection, photo_id, PhotoStatus.DONE):
                log.warning("photo %d was drawn although nobody waits for it", photo_id)

    async def fail(self, photo_id: int, error: UserError) -> None:
        """Any unsettled status -> FAILED."""
        async with self._database.transaction() as connection:
            await _fail(connection, photo_id, error)

    async def put_back(self) -> None:
        """RUNNING -> QUEUED for all that an orderly stop interrupts; it does not count as an attempt."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE photos SET status = ?, attempts = attempts - 1 WHERE status = ?",
                (PhotoStatus.QUEUED, PhotoStatus.RUNNING),
            )

    async def answered(self, photo_ids: Sequence[int]) -> None:
        """DONE or FAILED -> ANSWERED: the person has it."""
        async with self._database.transaction() as connection:
            for photo_id in photo_ids:
                await _move(connection, photo_id, PhotoStatus.ANSWERED)

    async def job(self, job_id: str) -> Job | None:
        """The job with its photos in the order sent."""
        cursor = await self._database.reading.execute("SELECT * FROM jobs WHERE id = ?", (job_id,))
        row = await cursor.fetchone()
        if row is None:
            return None
        cursor = await self._database.reading.execute(
            "SELECT * FROM photos WHERE job_id = ? ORDER BY place, id", (job_id,)
        )
        return _job(row, [_photo(photo) for photo in await cursor.fetchall()])

    async def recover(self, attempts: int) -> list[Job]:
        """What an earlier run left unanswered, oldest first, as startup takes it up again.

        RUNNING photos are QUEUED again, or FAILED when they were tried `attempts` times.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "SELECT id, attempts FROM photos WHERE status = ?", (PhotoStatus.RUNNING,)
            )
            for photo_id, tried in list(await cursor.fetchall()):
                if tried >= attempts:
                    await _fail(connection, photo_id, PhotoFailed())
                else:
                    await _move(connection, photo_id, PhotoStatus.QUEUED)
        cursor = await self._database.reading.execute(
            "SELECT id FROM jobs WHERE id IN (SELECT job_id FROM photos WHERE status <> ?) ORDER BY created_at",
            (PhotoStatus.ANSWERED,),
        )
        jobs = [await self.job(row["id"]) for row in await cursor.fetchall()]
        return [job for job in jobs if job is not None]


async def _move(connection: aiosqlite.Connection, photo_id: int, status: PhotoStatus) -> bool:
    """Change a photo's status if that is a legal move from where it is; whether it was."""
    origins = [origin for origin, targets in MOVES.items() if status in targets]
    marks = ", ".join("?" * len(origins))
    cursor = await connection.execute(
        f"UPDATE photos SET status = ? WHERE id = ? AND status IN ({marks})", (status, photo_id, *origins)
    )
    return cursor.rowcount == 1


async def _fail(connection: aiosqlite.Connection, photo_id: int, error: UserError) -> None:
    if await _move(connection, photo_id, PhotoStatus.FAILED):
        await connection.execute(
            "UPDATE photos SET failure_code = ?, failure_values = ? WHERE id = ?",
            (error.code, json.dumps(error.values), photo_id),
        )


def _job(row: aiosqlite.Row, photos: list[Photo]) -> Job:
    return Job(
        id=row["id"],
        owner=Owner(row["platform"], row["user"]),
        chat=Chat(row["platform"], row["chat"], row["thread"], row["message"]),
        language=row["language"],
        look=Look(row["style"], row["strength"], row["size"], row["format"], row["faces"]),
        photos=tuple(photos),
    )


def _photo(row: aiosqlite.Row) -> Photo:
    code = row["failure_code"]
    failure = Failure(code, json.loads(row["failure_values"])) if code else None
    return Photo(row["id"], row["place"], row["name"], row["reference"], PhotoStatus(row["status"]), failure)
