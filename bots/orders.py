"""What people may do with their own work: call it off, and have it forgotten."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from core.jobs import Job, Owner, Ticket
from core.queue import FairQueue
from storage.jobs import Jobs
from storage.spool import Spool
from storage.user_settings import UserSettings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted; `settings` tells whether there were any."""

    photos: int
    jobs: int
    settings: bool


class Orders:
    """Everything of one person at once. `on_settled` hears of each job that was called off.

    `on_forgotten` hears of each job that nothing more will come of.
    """

    def __init__(
        self,
        jobs: Jobs,
        queue: FairQueue[Ticket],
        spool: Spool,
        settings: UserSettings,
        on_settled: Callable[[str], None],
        on_forgotten: Callable[[Job], None],
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._spool = spool
        self._settings = settings
        self._on_settled = on_settled
        self._on_forgotten = on_forgotten

    async def cancel(self, owner: Owner, before: int | None = None) -> int:
        """Call off the person's photos that are not drawn yet; how many. What is drawn is delivered.

        Only those placed `before` where that is given: a platform may bring an old word again after a restart.
        """
        called_off = await self._jobs.cancel(owner, before)
        await self._drop(owner, {photo_id for _, photo_id in called_off})
        for job_id in dict.fromkeys(job_id for job_id, _ in called_off):
            self._on_settled(job_id)
        return len(called_off)

    async def forget(self, owner: Owner) -> Forgotten:
        """Delete the person's jobs, photos and settings, drawn or not; nothing more is delivered."""
        jobs = await self._jobs.forget(owner)
        photo_ids = {photo.id for job in jobs for photo in job.photos}
        await self._drop(owner, photo_ids)
        for job in jobs:
            self._on_forgotten(job)
        return Forgotten(len(photo_ids), len(jobs), await self._settings.forget(owner))

    async def _drop(self, owner: Owner, photo_ids: Collection[int]) -> None:
        self._queue.remove(owner, lambda ticket: ticket.photo_id in photo_ids)
        await asyncio.to_thread(self._forget_files, photo_ids)

    def _forget_files(self, photo_ids: Collection[int]) -> None:
        for photo_id in photo_ids:
            self._spool.forget(photo_id)
