"""What people may do with their own work: call it off, and have it forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from core.jobs import SETTLED, Chat, Job, Owner, Ticket
from core.look import Look
from core.pace import Forecast
from core.queue import FairQueue
from storage.jobs import CalledOff, Jobs
from storage.spool import Spool
from storage.user_settings import UserSettings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted; `settings` tells whether there were any."""

    photos: int
    jobs: int
    settings: bool


class Orders:
    """What a person has asked for. `on_settled` hears of each job that was called off.

    `forecast` is the studio's.
    `on_forgotten` hears of each job that nothing more will come of, `forget_more` deletes what front ends
    keep of a person themselves.
    """

    def __init__(
        self,
        jobs: Jobs,
        queue: FairQueue[Ticket],
        spool: Spool,
        settings: UserSettings,
        forecast: Callable[[Owner, Collection[str], int, Look], Forecast],
        on_settled: Callable[[str], None],
        on_forgotten: Callable[[Job], None],
        forget_more: Callable[[Owner], Awaitable[None]],
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._spool = spool
        self._settings = settings
        self._forecast = forecast
        self._on_settled = on_settled
        self._on_forgotten = on_forgotten
        self._forget_more = forget_more

    async def cancel(self, owner: Owner, before: Chat | None = None) -> int:
        """Call off the person's photos that are not drawn yet; how many. What is drawn is delivered.

        Not those that came to this chat after the message of `before`: a platform may bring an old word again
        after a restart.
        """
        return await self._called_off(await self._jobs.cancel(owner, before))

    async def cancel_job(self, job_id: str) -> int:
        """Call off those photos of one job that are not drawn yet; how many. What is drawn is delivered."""
        return await self._called_off(await self._jobs.cancel_job(job_id))

    async def abandon(self, platform: str, chat: str) -> int:
        """Call off all that would be answered in a chat where nobody can be answered any more; how many photos."""
        return await self._called_off(await self._jobs.cancel_chat(platform, chat))

    async def outlook(self, owner: Owner) -> tuple[int, Forecast]:
        """How many photos of the person are not drawn yet, and when they will be."""
        jobs = await self._jobs.unsettled(owner)
        if not jobs:
            return 0, Forecast(0, None)
        photos = sum(photo.status not in SETTLED for job in jobs for photo in job.photos)
        return photos, self._forecast(owner, {job.id for job in jobs}, photos, jobs[-1].look)

    async def forget(self, owner: Owner) -> Forgotten:
        """Delete the person's jobs, photos and settings, drawn or not; nothing more is delivered."""
        jobs = await self._jobs.forget(owner)
        photo_ids = {photo.id for job in jobs for photo in job.photos}
        await self._drop(owner, photo_ids)
        for job in jobs:
            self._on_forgotten(job)
        await self._forget_more(owner)
        return Forgotten(len(photo_ids), len(jobs), await self._settings.forget(owner))

    async def _called_off(self, photos: Sequence[CalledOff]) -> int:
        for owner in {photo.owner for photo in photos}:
            await self._drop(owner, {photo.photo_id for photo in photos if photo.owner == owner})
        for job_id in dict.fromkeys(photo.job_id for photo in photos):
            self._on_settled(job_id)
        return len(photos)

    async def _drop(self, owner: Owner, photo_ids: Collection[int]) -> None:
        self._queue.remove(owner, lambda ticket: ticket.photo_id in photo_ids)
        await asyncio.to_thread(self._forget_files, photo_ids)

    def _forget_files(self, photo_ids: Collection[int]) -> None:
        for photo_id in photo_ids:
            self._spool.forget(photo_id)
