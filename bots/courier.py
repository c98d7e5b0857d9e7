"""Takes settled jobs to the people who asked: packs, sends, writes down, and lets the spool forget."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bots.delivery import Kind, Parcel, Result, pack
from bots.frontend import FrontEnd
from bots.locales import Locale, Locales
from core.errors import ChatGone, PhotoFailed, Refused, ResultRefused
from core.jobs import Failure, Job, Photo, PhotoStatus
from core.photo import Limits, inspect
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)

LONGEST_NAME: Final = 40


class Courier:
    """Answers each job once all its photos are settled. A late sibling is answered by itself.

    `on_answered` hears of each job that nothing more is coming for in this run.
    """

    def __init__(
        self,
        jobs: Jobs,
        spool: Spool,
        front_ends: Mapping[str, FrontEnd],
        locales: Locales,
        on_answered: Callable[[Job], None],
    ) -> None:
        self._jobs = jobs
        self._spool = spool
        self._front_ends = front_ends
        self._locales = locales
        self._on_answered = on_answered
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def settled(self, job_id: str) -> None:
        """A photo of the job is done or failed: look after the job, after any look still under way."""
        run = asyncio.create_task(self._answer(job_id, after=self._runs.get(job_id)))
        self._runs[job_id] = run
        self._tasks.add(run)
        run.add_done_callback(lambda done: self._forget_run(job_id, done))

    async def close(self, grace: float) -> None:
        """Give what is being sent `grace` seconds; the rest is sent after the next start."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for run in late:
                run.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _forget_run(self, job_id: str, run: asyncio.Task[None]) -> None:
        self._tasks.discard(run)
        if self._runs.get(job_id) is run:
            del self._runs[job_id]

    async def _answer(self, job_id: str, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        job = await self._jobs.job(job_id)
        if job is None or not job.settled:
            return
        try:
            await self._send(job)
        except (ChatGone, Refused) as error:
            log.info("job %s has nobody to answer: %s", job_id, error)
            await self._written_off(job.photos)
        except Exception:
            log.exception("job %s could not be answered; the next start tries again", job_id)
        self._on_answered(job)

    async def _send(self, job: Job) -> None:
        front_end = self._front_ends.get(job.chat.platform)
        if front_end is None:
            log.warning("job %s waits for %s, which is not running", job.id, job.chat.platform)
            return
        locale = self._locales.of(job.language)
        results = await asyncio.to_thread(self._results, job)
        caption = locale.say("done", photos=len(results))
        refused: set[int] = set()
        for parcel in pack(results, front_end.limits):
            members = {result.photo_id for result in parcel.results}
            if await _accepted(front_end, job, parcel, caption):
                await self._written_off([photo for photo in job.photos if photo.id in members])
                caption = ""
            else:
                refused |= members
        failures = _failures(job, {result.photo_id for result in results}, refused)
        for text in _told(locale, job, failures, front_end.limits.text):
            await front_end.say(job.chat, text)
        await self._written_off([photo for photo in job.photos if photo.id in failures])

    def _results(self, job: Job) -> list[Result]:
        """The cartoons that are in the spool, with their measures; the files are our own, so no limits."""
        results: list[Result] = []
        for number, photo in enumerate(job.photos, start=1):
            path = self._spool.result(photo.id, job.look.format)
            if photo.status is PhotoStatus.DONE and path.is_file():
                width, height = inspect(path, Limits())
                name = f"{number:02}-{job.look.style}{path.suffix}"
                results.append(Result(photo.id, path, name, path.stat().st_size, width, height))
        return results

    async def _written_off(self, photos: Sequence[Photo]) -> None:
        await self._jobs.answered([photo.id for photo in photos])
        for photo in photos:
            self._spool.forget(photo.id)


async def _accepted(front_end: FrontEnd, job: Job, parcel: Parcel, caption: str) -> bool:
    """Whether the platform took the cartoons, as files where it did not want them as pictures."""
    for kind in dict.fromkeys((parcel.kind, Kind.DOCUMENT)):
        try:
            await front_end.deliver(job.chat, replace(parcel, kind=kind), caption)
        except Refused as error:
            log.warning("job %s: %s as %s", job.id, error, kind)
        else:
            return True
    return False


def _failures(job: Job, found: set[int], refused: set[int]) -> dict[int, Failure]:
    """Why each photo without a delivered cartoon has none, by its id, in the order sent."""
    failures: dict[int, Failure] = {}
    for photo in job.photos:
        if photo.status is PhotoStatus.FAILED and photo.failure:
            failures[photo.id] = photo.failure
        elif photo.id in refused:
            failures[photo.id] = Failure.of(ResultRefused())
        elif photo.status is PhotoStatus.DONE and photo.id not in found:
            # Its file is gone from the spool: somebody tidied up.
            failures[photo.id] = Failure.of(PhotoFailed())
    return failures


def _told(locale: Locale, job: Job, failures: Mapping[int, Failure], limit: int) -> list[str]:
    """Messages of at most `limit` characters that name each failed photo; a lone photo needs no number."""
    messages: list[str] = []
    for number, photo in enumerate(job.photos, start=1):
        if photo.id not in failures:
            continue
        name = _short(photo.name) or locale.say("photo-name")
        sentence = "photo-failed-only" if len(job.photos) == 1 else "photo-failed-line"
        line = locale.say(sentence, number=number, name=name, reason=locale.error(failures[photo.id]))
        if messages and len(messages[-1]) + 1 + len(line) <= limit:
            messages[-1] += "\n" + line
        else:
            messages.append(line)
    return messages


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
