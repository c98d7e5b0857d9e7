"""Keeps the data folder small: what is over is forgotten in time, and the spool is measured."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from core.errors import StorageUnwritable
from storage.jobs import Jobs
from storage.people import People
from storage.spool import Spool

log = logging.getLogger(__name__)

MINUTE: Final = 60.0
MINUTES_BETWEEN_ROUNDS: Final = 60
DAY: Final = 86400.0


class Housekeeping:
    """`retention_days` is for jobs that are closed, `undelivered_days` for those whose chat is not reached."""

    def __init__(
        self,
        jobs: Jobs,
        people: People,
        spool: Spool,
        retention_days: float,
        undelivered_days: float,
        today: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._people = people
        self._spool = spool
        self._retention_days = retention_days
        self._undelivered_days = undelivered_days
        self._today = today

    async def run(self) -> None:
        """Measure each minute, and tidy up each hour, until cancelled."""
        while True:
            await self.tidy_up()
            for _ in range(MINUTES_BETWEEN_ROUNDS):
                await asyncio.to_thread(self._spool.measure)
                await asyncio.sleep(MINUTE)

    async def tidy_up(self) -> None:
        """Forget what is old enough."""
        now = time.time()
        closed, unclosed = now - self._retention_days * DAY, now - self._undelivered_days * DAY
        try:
            await self._people.forget_old_days(self._today())
            while photo_ids := await self._jobs.forget_old(closed, unclosed):
                await asyncio.to_thread(self._forget_files, photo_ids)
        except StorageUnwritable as error:
            log.warning("tidying up has to wait: the data folder cannot be written (%s)", error.__cause__)

    def _forget_files(self, photo_ids: list[int]) -> None:
        for photo_id in photo_ids:
            self._spool.forget(photo_id)
