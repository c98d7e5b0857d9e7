"""Gets a job's cartoons into its chat, and where that does not take them so, in another way or smaller."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bots.delivery import Kind, Parcel, Result, write_archive
from bots.fitting import fit
from bots.frontend import FrontEnd
from bots.replies import Reply
from core.errors import PhotoError, Refused, TooLarge
from core.jobs import Job
from core.writing import until_written
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)

# The most tries at one message, each of them lighter by this factor where weight is the reason.
MOST_TRIES: Final = 5
LIGHTER: Final = 0.6


class Handover:
    """`caption` is what is said with a parcel of these cartoons."""

    def __init__(
        self,
        front_end: FrontEnd,
        job: Job,
        jobs: Jobs,
        spool: Spool,
        caption: Callable[[Sequence[Result]], Reply],
    ) -> None:
        self._front_end = front_end
        self._job = job
        self._jobs = jobs
        self._spool = spool
        self._caption = caption

    async def send(self, parcel: Parcel, trace: str | None, into: str | None) -> dict[Result, str | None]:
        """Send a parcel unless it has arrived already: each cartoon that was taken, as it was, with its message.

        `trace` is an earlier run's. Raises ChatGone.
        """
        if trace is not None:
            caption = self._caption(parcel.results)
            found = await self._front_end.arrived(self._job.chat, parcel, caption, trace)
            if found is not None:
                log.info("cartoons of the last run had arrived", extra={"job": self._job.id})
                return dict(zip(parcel.results, found, strict=False))
        if parcel.archive is not None:
            await until_written(lambda: asyncio.to_thread(write_archive, parcel))
        taken = await self._try(parcel, self._caption, into)
        if not taken and not _is_lone(parcel):
            # One that is not wanted at all leaves the others.
            for result in parcel.results:
                taken |= await self._try(Parcel(Kind.DOCUMENT, (result,)), lambda _: Reply(""), None)
        return taken

    async def _try(
        self, parcel: Parcel, caption: Callable[[Sequence[Result]], Reply], into: str | None
    ) -> dict[Result, str | None]:
        """Send one message. What is not wanted as pictures may be as files, and a lone cartoon smaller."""
        ids = [result.photo_id for result in parcel.results]

        async def note(trace: str) -> None:
            await until_written(lambda: self._jobs.sending(ids, trace))

        for _ in range(MOST_TRIES):
            try:
                sent = await self._front_end.deliver(self._job.chat, parcel, caption(parcel.results), note, into)
            except Refused as error:
                log.warning("refused as %s: %s", parcel.kind, error, extra={"job": self._job.id})
                instead = await self._instead_of(parcel, error)
                if instead is None:
                    break
                parcel = instead
            else:
                return dict(zip(parcel.results, sent, strict=True))
        return {}

    async def _instead_of(self, parcel: Parcel, error: Refused) -> Parcel | None:
        """What to try next as one message, if anything."""
        if parcel.kind is Kind.PHOTO:
            # Files may weigh more.
            return replace(parcel, kind=Kind.DOCUMENT)
        if not isinstance(error, TooLarge) or not _is_lone(parcel):
            return None
        (result,) = parcel.results
        path, most_bytes = self._spool.fitted(result.photo_id), int(LIGHTER * result.weight)
        try:
            lighter = await until_written(lambda: asyncio.to_thread(fit, result, path, most_bytes))
        except PhotoError as trouble:
            log.error("a cartoon is damaged: %s", trouble, extra={"photo": result.photo_id})
            return None
        return replace(parcel, results=(lighter,))


def _is_lone(parcel: Parcel) -> bool:
    """Whether it is one cartoon, as itself."""
    return parcel.archive is None and len(parcel.results) == 1
