"""Keeps the data folder small: what is over is forgotten in time, and the spool is measured."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from core.errors import StorageUnwritable
from storage.jobs import Jobs
from storage.people import People
from storage.shelf import Shelf
from storage.spool import Spool
from storage.transcripts import Transcripts

log = logging.getLogger(__name__)

# Of the spool's limit.
SHELF_SHARE: Final = 0.5
MINUTE: Final = 60.0
MINUTES_BETWEEN_ROUNDS: Final = 60
HOUR: Final = 3600.0
DAY: Final = 86400.0
# What people had forgotten is in copies of the database from before that.
COPY_DAYS: Final = 7


class Retention(NamedTuple):
    """Days that closed jobs are kept, and those whose chat is not reached; hours for what browsers look at."""

    closed_days: float
    unclosed_days: float
    web_hours: float


class Housekeeping:
    """`folder` is where the database is."""

    def __init__(
        self,
        jobs: Jobs,
        people: People,
        spool: Spool,
        shelf: Shelf,
        transcripts: Transcripts,
        folder: Path,
        retention: Retention,
        today: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._people = people
        self._spool = spool
        self._shelf = shelf
        self._transcripts = transcripts
        self._folder = folder
        self._retention = retention
        self._today = today

    async def run(self) -> None:
        """Measure each minute, and tidy up each hour, until cancelled."""
        while True:
            await self.tidy_up()
            for _ in range(MINUTES_BETWEEN_ROUNDS):
                await asyncio.to_thread(self._measure)
                await asyncio.sleep(MINUTE)

    async def tidy_up(self) -> None:
        """Forget what is old enough."""
        now = time.time()
        kept = self._retention
        closed, unclosed = now - kept.closed_days * DAY, now - kept.unclosed_days * DAY
        try:
            await self._people.forget_old_days(self._today())
            while photo_ids := await self._jobs.forget_old(closed, unclosed):
                await asyncio.to_thread(self._forget_files, photo_ids)
            await self._transcripts.forget_old(now - kept.web_hours * HOUR)
            await asyncio.to_thread(self._shelf.sweep, now - kept.web_hours * HOUR)
            await asyncio.to_thread(self._remove_old_copies, now - COPY_DAYS * DAY)
        except (StorageUnwritable, OSError) as error:
            log.warning("tidying up has to wait: the data folder cannot be written (%s)", error.__cause__ or error)

    def _measure(self) -> None:
        try:
            # What browsers may still look at must not keep new photos out.
            self._shelf.trim(SHELF_SHARE * self._spool.limit)
            self._spool.measure()
        except OSError as error:
            log.warning("the spool cannot be measured (%s)", error)

    def _remove_old_copies(self, before: float) -> None:
        """Of the database, from before its changes."""
        for copy in self._folder.glob("*.before-*"):
            if copy.stat().st_mtime < before:
                copy.unlink()
                log.info("removed an old copy of the database: %s", copy.name)

    def _forget_files(self, photo_ids: list[int]) -> None:
        for photo_id in photo_ids:
            self._spool.forget(photo_id)
