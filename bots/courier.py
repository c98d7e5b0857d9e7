"""Takes settled jobs to the people who asked: packs, sends, writes down, and lets the spool forget."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from bots.delivery import Result, pack
from bots.frontend import FrontEnd
from bots.locales import Locale, Locales
from core.errors import ChatGone
from core.jobs import Failure, Job, Photo, PhotoStatus
from core.photo import Limits, inspect
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)


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

    def settled(self, job_id: str) -> None:
        """A photo of the job is done or failed: look after the job, after any look still under way."""
        run = asyncio.create_task(self._answer(job_id, after=self._runs.get(job_id)))
        self._runs[job_id] = run
        run.add_done_callback(lambda done: self._forget_run(job_id, done))

    async def close(self, grace: float) -> None:
        """Give what is being sent `grace` seconds; the rest is sent after the next start."""
        if self._runs:
            _, late = await asyncio.wait(self._runs.values(), timeout=grace)
            for run in late:
                run.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _forget_run(self, job_id: str, run: asyncio.Task[None]) -> None:
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
        except ChatGone as error:
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
        done = [photo for photo in job.photos if photo.status is PhotoStatus.DONE]
        results = await asyncio.to_thread(self._results, job, done)
        caption = locale.say("done", photos=len(results))
        for parcel in pack(results, front_end.limits):
            await front_end.deliver(job.chat, parcel, caption)
            sent = {result.photo_id for result in parcel.results}
            await self._written_off([photo for photo in done if photo.id in sent])
            caption = ""
        failed = [photo for photo in job.photos if photo.status is PhotoStatus.FAILED]
        if failed:
            await front_end.say(job.chat, _failures(locale, job))
            await self._written_off(failed)

    def _results(self, job: Job, done: list[Photo]) -> list[Result]:
        """The cartoons with their measures; the files are our own, so no limits."""
        results: list[Result] = []
        for photo in done:
            path = self._spool.result(photo.id, job.look.format)
            width, height = inspect(path, Limits())
            name = f"{job.photos.index(photo) + 1:02}-{job.look.style}{path.suffix}"
            results.append(Result(photo.id, path, name, path.stat().st_size, width, height))
        return results

    async def _written_off(self, photos: list[Photo] | tuple[Photo, ...]) -> None:
        await self._jobs.answered([photo.id for photo in photos])
        for photo in photos:
            self._spool.forget(photo.id)


def _failures(locale: Locale, job: Job) -> str:
    """One message that names each failed photo; a lone photo needs no number."""
    lines: list[str] = []
    for number, photo in enumerate(job.photos, start=1):
        if photo.status is not PhotoStatus.FAILED:
            continue
        reason = locale.error(photo.failure or Failure("photo-failed", {}))
        name = photo.name or locale.say("photo-name")
        if len(job.photos) == 1:
            lines.append(locale.say("photo-failed-only", name=name, reason=reason))
        else:
            lines.append(locale.say("photo-failed-line", number=number, name=name, reason=reason))
    return "\n".join(lines)
