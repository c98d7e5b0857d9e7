"""From a heard photo to a queued job: noted as a row, fetched into the spool, judged, queued, acknowledged."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from bots.albums import Album, Albums
from bots.conversation import Conversation
from bots.frontend import FrontEnd, HeardPhoto
from bots.locales import Locales
from core.errors import ChatGone, OwnerQueueFull, PhotoError, PhotoFailed, PhotoTooHeavy, QueueFull
from core.jobs import Chat, Job, Photo, PhotoStatus, Ticket
from core.photo import Limits, inspect
from core.queue import FairQueue
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(eq=False)
class _Gathering:
    """Photos of a job on their way in; each fetch tells whether its photo can be drawn."""

    job_id: str
    look_is_final: bool = False
    fetches: dict[int, asyncio.Task[bool]] = field(default_factory=dict[int, asyncio.Task[bool]])
    noted: asyncio.Event = field(default_factory=asyncio.Event)


class Reception:
    """Where photos come in. `on_settled` hears of jobs that need no drawing any more."""

    def __init__(
        self,
        conversation: Conversation,
        albums: Albums,
        jobs: Jobs,
        spool: Spool,
        queue: FairQueue[Ticket],
        front_ends: Mapping[str, FrontEnd],
        locales: Locales,
        limits: Limits,
        on_settled: Callable[[str], None],
    ) -> None:
        self._conversation = conversation
        self._albums = albums
        self._jobs = jobs
        self._spool = spool
        self._queue = queue
        self._front_ends = front_ends
        self._locales = locales
        self._limits = limits
        self._on_settled = on_settled
        # Lives as long as its album can still see a late sibling.
        self._gatherings: WeakKeyDictionary[Album, _Gathering] = WeakKeyDictionary()
        self._noting = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def hear(self, photo: HeardPhoto, *, complete: bool = False) -> str:
        """Note a photo; returns its job's id. It is a row when this returns; the rest happens by itself.

        `complete` says that no more photos follow, where a front end knows.
        """
        # One at a time: the second photo of an album must find the job that the first one opens.
        async with self._noting:
            owner, chat = photo.person.owner, photo.chat
            now = asyncio.get_running_loop().time()
            album, opened = self._albums.note((owner, chat.chat, chat.thread), photo.group, now, complete=complete)
            try:
                gathering = await self._gathering(album, photo)
                photo_id = await self._jobs.add_photo(gathering.job_id, photo.place, photo.name, photo.reference)
            except BaseException:
                # Nobody would ever close it: the next photo opens a new one.
                if opened:
                    self._albums.close(album)
                raise
            fetch = self._fetch(photo_id, chat, photo.reference, photo.weight)
            gathering.fetches[photo_id] = self._spawn(fetch)
            gathering.noted.set()
            if opened:
                self._spawn(self._close_when_quiet(album))
        return gathering.job_id

    async def resume(self, jobs: Sequence[Job]) -> None:
        """Take up what an earlier run left: fetch, queue or answer it, without asking anybody anything."""
        for job in jobs:
            if job.chat.platform not in self._front_ends:
                # Its token is unset this time; the rows and files wait for a start with it.
                continue
            queued = [photo for photo in job.photos if photo.status is PhotoStatus.QUEUED]
            self._queue.put(job.owner, [self._ticket(job, photo) for photo in queued], bounded=False)
            arriving = [photo for photo in job.photos if photo.status is PhotoStatus.ARRIVING]
            if arriving:
                gathering = _Gathering(job.id)
                for photo in arriving:
                    fetch = self._fetch(photo.id, job.chat, photo.reference, None)
                    gathering.fetches[photo.id] = self._spawn(fetch)
                self._spawn(self._submit(gathering))
            elif job.settled:
                self._on_settled(job.id)

    async def close(self) -> None:
        """Only note from now on; what has not come in yet is fetched after the next start. May be called twice."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _gathering(self, album: Album, photo: HeardPhoto) -> _Gathering:
        """The album's job, opened by its first photo; the first caption decides its look, if it comes in time."""
        gathering = self._gatherings.get(album)
        if gathering is not None and (gathering.look_is_final or not photo.caption):
            return gathering
        look, remark = await self._conversation.look_for(photo.person, photo.caption)
        if remark:
            self._spawn(self._say(photo.chat, remark))
        if gathering is None:
            language = self._locales.of(photo.person.language).language
            job_id = await self._jobs.open_job(photo.person.owner, photo.chat, language, look)
            gathering = self._gatherings[album] = _Gathering(job_id)
        else:
            await self._jobs.change_look(gathering.job_id, look)
        gathering.look_is_final = bool(photo.caption)
        return gathering

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
        batch = _Gathering(gathering.job_id, fetches=gathering.fetches)
        # A late sibling starts a batch of its own in the same job, and in the same look.
        gathering.fetches = {}
        gathering.look_is_final = True
        await self._submit(batch)

    async def _submit(self, batch: _Gathering) -> None:
        """Once all its bytes are here: rows QUEUED, places in the queue, and only then the word "queued"."""
        usable = {photo_id for photo_id, fetch in batch.fetches.items() if await fetch}
        job = await self._jobs.job(batch.job_id)
        if job is None:
            return
        photos = [photo for photo in job.photos if photo.id in usable]
        try:
            await self._jobs.enqueue([photo.id for photo in photos])
            self._queue.put(job.owner, [self._ticket(job, photo) for photo in photos])
        except (QueueFull, OwnerQueueFull) as error:
            await self._refuse(job, photos, error)
            return
        if photos:
            facts = {"style": job.look.style, "strength": job.look.strength, "size": job.look.size}
            ahead = self._queue.ahead_of(job.owner)
            locale = self._locales.of(job.language)
            text = locale.say("queued", photos=len(photos), format=job.look.format, ahead=ahead, **facts)
            await self._say(job.chat, text)
        self._on_settled(job.id)

    async def _refuse(self, job: Job, photos: list[Photo], error: QueueFull | OwnerQueueFull) -> None:
        """No room: said once, not once a photo."""
        for photo in photos:
            await self._jobs.fail(photo.id, error)
        await self._say(job.chat, self._locales.of(job.language).error(error))
        await self._jobs.answered([photo.id for photo in photos])
        for photo in photos:
            self._spool.forget(photo.id)
        self._on_settled(job.id)

    async def _fetch(self, photo_id: int, chat: Chat, reference: str, weight: int | None) -> bool:
        """Bring the bytes into the spool and judge them by their header; whether they can be drawn."""
        path = self._spool.source(photo_id)
        try:
            if weight is not None and weight > self._limits.file_bytes:
                limit = round(self._limits.file_bytes / 1e6, 1)
                raise PhotoTooHeavy(megabytes=round(weight / 1e6, 1), limit=limit)
            await self._front_ends[chat.platform].fetch(reference, path)
            await asyncio.to_thread(inspect, path, self._limits)
        except PhotoError as error:
            await self._jobs.fail(photo_id, error)
            return False
        except Exception:
            log.exception("photo %d could not be fetched", photo_id)
            await self._jobs.fail(photo_id, PhotoFailed())
            return False
        return True

    async def _say(self, chat: Chat, text: str) -> None:
        try:
            await self._front_ends[chat.platform].say(chat, text)
        except ChatGone as error:
            log.info("nobody to answer: %s", error)
        except Exception:
            # A word that does not arrive must not stop the cartoons behind it.
            log.exception("a sentence could not be sent")

    def _ticket(self, job: Job, photo: Photo) -> Ticket:
        result = self._spool.result(photo.id, job.look.format)
        return Ticket(photo.id, job.id, job.owner, job.look, self._spool.source(photo.id), result)

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
