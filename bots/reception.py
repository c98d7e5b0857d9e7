"""From a heard photo to a queued job: noted as a row, fetched into the spool, judged, queued, acknowledged."""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from bots.access import Access
from bots.albums import Album, Albums
from bots.conversation import Conversation
from bots.frontend import FrontEnd, HeardPhoto
from bots.intake import Intake
from bots.locales import Locales
from bots.outbox import Busy, Unreached
from bots.progress import Progress
from bots.replies import Reply
from core.errors import (
    ChatGone,
    PhotoError,
    PhotoFailed,
    PhotoTooHeavy,
    PhotoUnavailable,
    StorageUnwritable,
    UserError,
)
from core.jobs import Chat, Job, Owner, Photo, PhotoStatus, Ticket
from core.look import Preferences
from core.photo import Limits, inspect
from core.queue import FairQueue
from core.writing import sync, to_disk, until_written
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)
T = TypeVar("T")

# How long a photo is tried for while its platform does not give it, with pauses of up to so much.
FETCH_SECONDS, LONGEST_FETCH_PAUSE = 3600.0, 30.0


@dataclass(eq=False)
class _Gathering:
    """Photos of a job on their way in; each fetch tells whether its photo can be drawn."""

    job_id: str
    owner: Owner
    look_is_final: bool = False
    arriving: int = 0
    fetches: dict[int, asyncio.Task[bool]] = field(default_factory=dict[int, asyncio.Task[bool]])
    noted: asyncio.Event = field(default_factory=asyncio.Event)


class Reception:
    """Where photos come in. `on_settled` hears of jobs that need no drawing any more."""

    def __init__(
        self,
        conversation: Conversation,
        access: Access,
        intake: Intake,
        albums: Albums,
        jobs: Jobs,
        spool: Spool,
        queue: FairQueue[Ticket],
        progress: Progress,
        front_ends: Mapping[str, FrontEnd],
        locales: Locales,
        limits: Limits,
        on_settled: Callable[[str], None],
    ) -> None:
        self._conversation = conversation
        self._access = access
        self._intake = intake
        self._albums = albums
        self._jobs = jobs
        self._spool = spool
        self._queue = queue
        self._progress = progress
        self._front_ends = front_ends
        self._locales = locales
        self._limits = limits
        self._on_settled = on_settled
        # Lives as long as its album can still see a late sibling.
        self._gatherings: WeakKeyDictionary[Album, _Gathering] = WeakKeyDictionary()
        # Photos on their way into the queue.
        self._arriving: Counter[Owner] = Counter()
        self._noting = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def hear(self, photo: HeardPhoto, *, complete: bool = False) -> str:
        """Note a photo; returns its job's id. It is a row when this returns; the rest happens by itself.

        `complete` says that no more photos follow, where a front end knows.
        Raises UserError when nothing was noted: the person may not send any, or the disk takes nothing.
        """
        # One at a time: the second photo of an album must find the job that the first one opens.
        async with self._noting:
            if photo.origin and (known := await self._jobs.job_of(photo.origin)):
                return known
            owner, chat = photo.person.owner, photo.chat
            await self._access.admit(owner)
            now = asyncio.get_running_loop().time()
            key = (owner, chat.chat, chat.thread, photo.origin if photo.alone else None)
            album, opened = self._albums.note(key, photo.group, now, complete=complete)
            try:
                refusal = await self._refusal(owner)
                gathering, photo_id = await self._noted(album, photo)
            except BaseException:
                # Nobody would ever close it: the next photo opens a new one.
                if opened:
                    self._albums.close(album)
                raise
            if refusal is None:
                self._begin(gathering, photo_id, chat, photo.reference, photo.weight)
            else:
                self._refuse(gathering, photo_id, refusal)
            gathering.noted.set()
            if opened:
                self._spawn(self._close_when_quiet(album))
        return gathering.job_id

    async def take(self, photos: Sequence[HeardPhoto]) -> str:
        """See Hearing.take. Whoever waits for it may stop waiting; it is done all the same."""
        return await self._to_its_end(self._take(photos))

    async def _take(self, photos: Sequence[HeardPhoto]) -> str:
        first, origin = photos[0], uuid.uuid4().hex
        owner, chat = first.person.owner, first.chat
        async with self._noting:
            await self._access.admit(owner)
            wishes, remark = await self._wishes(first)
            noted = [
                Photo(0, place, photo.name, photo.reference, PhotoStatus.ARRIVING)
                for place, photo in enumerate(photos)
            ]
            gathering = _Gathering(await self._open_job(first, wishes, photos=noted, origin=origin), owner)
            if remark:
                self._spawn(self._say(chat, remark))
            job = await self._jobs.job(gathering.job_id)
            # Forgotten in this very moment: nothing is left to do.
            for photo, heard in zip(job.photos if job else (), photos, strict=False):
                refusal = await self._refusal(owner)
                if refusal is None:
                    self._begin(gathering, photo.id, chat, heard.reference, heard.weight)
                else:
                    self._refuse(gathering, photo.id, refusal)
            self._spawn(self._submit(gathering))
        return gathering.job_id

    async def draw_again(self, job: Job, origin: str) -> None:
        """See Hearing.draw_again. The second time that `origin` asks, it asks for nothing."""
        await self._to_its_end(self._draw_again(job, origin))

    async def _draw_again(self, job: Job, origin: str) -> None:
        photos = job.drawable
        if not photos:
            raise PhotoUnavailable
        async with self._noting:
            if await self._jobs.job_of(f"{origin}/{photos[0].place}"):
                return
            self._spool.check_room()
            self._queue.check(job.owner, len(photos), self._arriving.total(), self._arriving[job.owner])
            await self._access.count_photos(job.owner, len(photos))
            job_id = await self._jobs.open_job(
                job.owner, job.chat, job.language, job.look, job.delivery, photos=photos, origin=origin
            )
            opened = await self._jobs.job(job_id)
            assert opened is not None  # nobody else knows of it
            gathering = _Gathering(job_id, job.owner)
            for photo in opened.photos:
                self._begin(gathering, photo.id, job.chat, photo.reference, None)
            self._spawn(self._submit(gathering))

    async def resume(self, jobs: AsyncIterable[Job]) -> None:
        """Take up what an earlier run left: fetch, queue or answer it, without asking anybody anything."""
        async for job in jobs:
            if job.chat.platform not in self._front_ends:
                # Its token is unset this time; the rows and files wait for a start with it.
                continue
            queued = [photo for photo in job.photos if photo.status is PhotoStatus.QUEUED]
            self._queue.put(job.owner, self._tickets(job, queued), bounded=False)
            if job.progress is not None:
                self._progress.begin(job)
            arriving = [photo for photo in job.photos if photo.status is PhotoStatus.ARRIVING]
            if arriving:
                gathering = _Gathering(job.id, job.owner)
                for photo in arriving:
                    self._begin(gathering, photo.id, job.chat, photo.reference, None)
                self._spawn(self._submit(gathering))
            elif job.settled:
                self._on_settled(job.id)

    async def close(self) -> None:
        """Only note from now on; what has not come in yet is fetched after the next start. May be called twice."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refusal(self, owner: Owner) -> UserError | None:
        """Why one more photo of this person is not taken now, if so; it is told with the rest of its job."""
        try:
            self._spool.check_room()
            self._queue.check(owner, 1, self._arriving.total(), self._arriving[owner])
            await self._access.count_photos(owner, 1)
        except UserError as error:
            return error
        return None

    async def _noted(self, album: Album, photo: HeardPhoto) -> tuple[_Gathering, int]:
        gathering = await self._gathering(album, photo)
        while True:
            photo_id = await self._jobs.add_photo(
                gathering.job_id, photo.place, photo.name, photo.reference, photo.origin
            )
            if photo_id is not None:
                return gathering, photo_id
            # The person had it forgotten in the middle of an album; what still comes is a new one.
            wishes, _ = await self._wishes(photo)
            gathering.job_id = await self._open_job(photo, wishes)

    async def _gathering(self, album: Album, photo: HeardPhoto) -> _Gathering:
        """The album's job, opened by its first photo; the first caption decides its look, if it comes in time."""
        gathering = self._gatherings.get(album)
        if gathering is not None and (gathering.look_is_final or not photo.caption):
            return gathering
        wishes, remark = await self._wishes(photo)
        if remark and photo.asked:
            self._spawn(self._say(photo.chat, remark))
        if gathering is None:
            job_id = await self._open_job(photo, wishes)
            gathering = self._gatherings[album] = _Gathering(job_id, photo.person.owner)
        else:
            await self._jobs.change_wishes(gathering.job_id, wishes.look, wishes.delivery)
        gathering.look_is_final = bool(photo.caption)
        return gathering

    async def _wishes(self, photo: HeardPhoto) -> tuple[Preferences, str | None]:
        """What the person wants of this photo, and what to say about it."""
        if photo.wishes is not None:
            return photo.wishes, None
        wishes, remark = await self._conversation.wishes(photo.person, photo.caption)
        if photo.sheet is not None:
            wishes = replace(wishes, look=wishes.look.on_sheet(photo.sheet), delivery="photo")
        return wishes, remark

    async def _open_job(
        self, photo: HeardPhoto, wishes: Preferences, photos: Sequence[Photo] = (), origin: str = ""
    ) -> str:
        language = self._locales.of(photo.person.language).language
        return await self._jobs.open_job(
            photo.person.owner,
            photo.chat,
            language,
            wishes.look,
            wishes.delivery,
            asked=photo.asked,
            photos=photos,
            origin=origin,
        )

    def _begin(self, gathering: _Gathering, photo_id: int, chat: Chat, reference: str, weight: int | None) -> None:
        self._arriving[gathering.owner] += 1
        gathering.arriving += 1
        fetch = self._fetch(photo_id, gathering.owner, chat, reference, weight)
        gathering.fetches[photo_id] = self._spawn(fetch)

    def _refuse(self, gathering: _Gathering, photo_id: int, refusal: UserError) -> None:
        gathering.fetches[photo_id] = self._spawn(self._failed(photo_id, refusal))

    async def _close_when_quiet(self, album: Album) -> None:
        clock = asyncio.get_running_loop().time
        gathering = self._gatherings[album]
        while album.is_open:
            # A photo more may put the end off, or bring it: the last one of a full or complete album.
            gathering.noted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(album.closes_at - clock()):
                    await gathering.noted.wait()
            async with self._noting:
                if album.closes_at <= clock():
                    self._albums.close(album)
        batch = replace(gathering)
        # A late sibling starts a batch of its own in the same job, and in the same look.
        gathering.fetches, gathering.arriving = {}, 0
        gathering.look_is_final = True
        await self._submit(batch)

    async def _submit(self, batch: _Gathering) -> None:
        """Once all its bytes are here: rows QUEUED, places in the queue, and only then the word "queued"."""
        try:
            usable = [photo_id for photo_id, fetch in batch.fetches.items() if await fetch]
            queued = set(await until_written(lambda: self._jobs.enqueue(usable)))
            # Called off, or forgotten, while their bytes were on the way.
            for photo_id in set(usable) - queued:
                await asyncio.to_thread(self._spool.forget, photo_id)
            job = await until_written(lambda: self._jobs.job(batch.job_id))
            if job is None:
                return
            photos = [photo for photo in job.photos if photo.id in queued]
            self._queue.put(job.owner, self._tickets(job, photos), bounded=False)
            if photos:
                # Before anything else can happen to the job: its message is there to be deleted when it is over.
                self._progress.begin(job)
        finally:
            self._arriving[batch.owner] -= batch.arriving
            if not self._arriving[batch.owner]:
                del self._arriving[batch.owner]
        log.info("queued %d photos", len(photos), extra={"job": job.id})
        self._on_settled(job.id)

    async def _fetch(self, photo_id: int, owner: Owner, chat: Chat, reference: str, weight: int | None) -> bool:
        """Bring the bytes into the spool and judge them by their header; whether they can be drawn."""
        path = self._spool.source(photo_id)
        try:
            if weight is not None and weight > self._limits.file_bytes:
                limit = round(self._limits.file_bytes / 1e6, 1)
                raise PhotoTooHeavy(megabytes=round(weight / 1e6, 1), limit=limit)
            with to_disk():
                await self._bring(owner, chat, reference, path)
                await asyncio.to_thread(sync, path)
            await asyncio.to_thread(inspect, path, self._limits)
            self._spool.used += path.stat().st_size
        except (PhotoError, StorageUnwritable) as error:
            return await self._failed(photo_id, error)
        except FileNotFoundError:
            # Called off, and swept away, in the meantime.
            return await self._failed(photo_id, PhotoFailed())
        except Exception:
            log.exception("a photo could not be fetched", extra={"photo": photo_id})
            return await self._failed(photo_id, PhotoFailed())
        return True

    async def _bring(self, owner: Owner, chat: Chat, reference: str, path: Path) -> None:
        """Try until it is here; others fetch during the pauses. Raises PhotoUnavailable after a long time."""
        clock, front_end = asyncio.get_running_loop().time, self._front_ends[chat.platform]
        until, pause = clock() + FETCH_SECONDS, 1.0
        while True:
            async with self._intake.turn(owner, chat) if front_end.downloads else contextlib.nullcontext():
                try:
                    return await front_end.fetch(reference, path)
                except (Busy, Unreached) as error:
                    wait = error.seconds if isinstance(error, Busy) else pause
                    if clock() + wait > until:
                        raise PhotoUnavailable from error
                    log.warning("a photo could not be fetched yet (%s); trying again in %g s", error, wait)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_FETCH_PAUSE)

    async def _failed(self, photo_id: int, error: UserError) -> bool:
        await until_written(lambda: self._jobs.fail(photo_id, error))
        try:
            await asyncio.to_thread(self._spool.forget, photo_id)
        except OSError as trouble:
            # The courier forgets it once more, and so does the next start.
            log.warning("a photo's file could not be removed (%s)", trouble, extra={"photo": photo_id})
        return False

    async def _say(self, chat: Chat, text: str) -> None:
        try:
            await self._front_ends[chat.platform].say(chat, Reply(text))
        except ChatGone as error:
            log.info("nobody to answer: %s", error)
        except Exception:
            # A word that does not arrive must not stop the cartoons behind it.
            log.exception("a sentence could not be sent")

    def _tickets(self, job: Job, photos: Sequence[Photo]) -> list[Ticket]:
        now = asyncio.get_running_loop().time()
        return [Ticket(photo.id, job.id, job.owner, job.look, now) for photo in photos]

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Half of it would leave photos that never come, and places in the queue that are never given back."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._closed:
            task.cancel()
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the reception failed", exc_info=task.exception())
