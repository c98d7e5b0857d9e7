"""Takes settled jobs to the people who asked: packs, sends, writes down, and lets the spool forget."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import Final
from weakref import WeakValueDictionary

from bots.buttons import result_buttons
from bots.delivery import Limits as MessageLimits
from bots.delivery import Parcel, Result, pack
from bots.fitting import NO_LIMITS, fit
from bots.frontend import FrontEnd
from bots.handover import Handover
from bots.locales import Locale, Locales
from bots.progress import Progress
from bots.replies import Reply
from bots.wording import described, facts
from core.errors import (
    ChatGone,
    OwnerQueueFull,
    PhotoError,
    PhotoFailed,
    QueueFull,
    QuotaReached,
    Refused,
    ResultRefused,
    StorageUnwritable,
)
from core.jobs import Failure, Job, Photo, PhotoStatus
from core.photo import inspect
from core.writing import until_written
from storage.jobs import Jobs
from storage.spool import Spool

log = logging.getLogger(__name__)

LONGEST_NAME: Final = 40
# Seconds between tries at a job whose answer went wrong.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
# Reasons that are not the photo's.
REFUSALS: Final = frozenset(kind.code for kind in (QueueFull, OwnerQueueFull, QuotaReached, StorageUnwritable))
SENT: Final = (PhotoStatus.DONE, PhotoStatus.ANSWERED)
# Photos in a row that failed for the same reason are told together from so many on.
WORTH_JOINING: Final = 3


class Courier:
    """Delivers each job once all its photos are settled. A late sibling is delivered by itself.

    `on_answered` hears of each job that nothing more is coming for in this run, `on_delivered` how many cartoons
    have arrived.
    """

    def __init__(
        self,
        jobs: Jobs,
        spool: Spool,
        front_ends: Mapping[str, FrontEnd],
        locales: Locales,
        progress: Progress,
        on_answered: Callable[[Job], None],
        on_delivered: Callable[[int], None],
    ) -> None:
        self._jobs = jobs
        self._spool = spool
        self._front_ends = front_ends
        self._locales = locales
        self._progress = progress
        self._on_answered = on_answered
        self._on_delivered = on_delivered
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._closing = asyncio.Event()

    def settled(self, job_id: str) -> None:
        """A photo of the job is done or failed: look after the job, after any look still under way."""
        run = asyncio.create_task(self._answer(job_id, after=self._runs.get(job_id)))
        self._runs[job_id] = run
        self._tasks.add(run)
        run.add_done_callback(lambda done: self._forget_run(job_id, done))

    async def close(self, grace: float) -> None:
        """Give what is being sent `grace` seconds; the rest is sent after the next start."""
        self._closing.set()
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
        pause = FIRST_PAUSE
        while not await self._tended(job_id, pause):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
            if self._closing.is_set():
                # The next start tries again.
                return
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _tended(self, job_id: str, pause: float) -> bool:
        try:
            await self._tend(job_id)
        except Exception:
            log.exception("a job could not be answered; trying again in %g s", pause, extra={"job": job_id})
            return False
        return True

    async def _tend(self, job_id: str) -> None:
        job = await self._jobs.job(job_id)
        if job is None:
            return
        # One job at a time in each line, in the order they settled: while one is looked for or sent, no other
        # cartoon comes that could be taken for it.
        front_end = self._front_ends.get(job.chat.platform)
        line = front_end.line_of(job.chat) if front_end is not None else job.chat.chat
        turn = self._turns.setdefault((job.chat.platform, line), asyncio.Lock())
        async with turn:
            # As it is now.
            job = await self._jobs.job(job_id)
            if job is None:
                return
            try:
                await self._send(job)
            except (ChatGone, Refused) as error:
                log.info("nobody to answer: %s", error, extra={"job": job_id})
                await self._written_off(
                    {
                        photo.id: None
                        for photo in job.photos
                        if photo.status in (PhotoStatus.DONE, PhotoStatus.FAILED)
                    }
                )
        # Another photo of it may have come while these were sent.
        job = await self._jobs.job(job_id)
        if job is None:
            return
        if job.closed:
            await self._progress.end(job)
            self._on_answered(job)
        else:
            self._progress.resume(job)

    async def _send(self, job: Job) -> None:
        front_end = self._front_ends.get(job.chat.platform)
        if front_end is None:
            log.warning("a job waits for %s, which is not running", job.chat.platform, extra={"job": job.id})
            return
        if not job.settled:
            return
        locale = self._locales.of(job.language)
        limits = front_end.limits_of(job.chat)
        results = await until_written(lambda: asyncio.to_thread(self._results, job, locale, limits.file_bytes))
        delivered, alone = await self._deliver(front_end, job, results, limits)
        failures = _failures(job, {result.photo_id for result in results}, {each.photo_id for each in delivered})
        if job.asked:
            for text in _told(locale, job, failures, limits.text):
                await front_end.say(job.chat, Reply(text))
        await self._written_off(dict.fromkeys(failures))
        if (delivered and not alone) or _was_interrupted(job):
            # As long as the row knows of its message, the words are still to be said.
            latest = await self._jobs.job(job.id)
            if latest is not None and latest.closed:
                await self._progress.withdraw(latest)
            photos = sum(photo.failure is None and photo.status in SENT for photo in job.photos)
            photos += len(delivered) - len(results)
            await front_end.say(job.chat, self._closing_words(job, photos, delivered))

    async def _deliver(
        self, front_end: FrontEnd, job: Job, results: Sequence[Result], limits: MessageLimits
    ) -> tuple[list[Result], bool]:
        """Send the cartoons; those that were taken, as they were, and whether the closing words are with them."""
        parcels = [*_parcels(job, results, limits)]
        # Buttons are under the cartoon itself, or under all of several messages.
        alone = len(parcels) == 1 and (limits.album_buttons or parcels[0][0].single)

        def caption(shown: Sequence[Result]) -> Reply:
            return self._closing_words(job, len(shown), shown) if alone else Reply("")

        handover = Handover(front_end, job, self._jobs, self._spool, caption)
        into = await self._progress.message_of(job) if parcels else None
        delivered: dict[Result, str | None] = {}
        for parcel, trace in parcels:
            sent = await handover.send(parcel, trace, into)
            into = None
            delivered |= sent
            await self._written_off({result.photo_id: message for result, message in sent.items()})
            self._on_delivered(len(sent))
            log.info("delivered %d cartoons", len(sent), extra={"job": job.id})
        # A single message may have been refused, and come as several, or in part.
        whole = len(delivered) == len(results) and len({*delivered.values()}) == 1
        return [*delivered], alone and whole

    def _results(self, job: Job, locale: Locale, most_bytes: int) -> list[Result]:
        """The cartoons that are in the spool, each of at most so many bytes."""
        results: list[Result] = []
        for number, photo in enumerate(job.photos, start=1):
            if photo.status is not PhotoStatus.DONE:
                continue
            try:
                result = self._result(job, number, photo, locale)
                if result.weight > most_bytes:
                    result = fit(result, self._spool.fitted(photo.id), most_bytes)
                results.append(result)
            except (FileNotFoundError, PhotoError):
                # Told as failed; the others of the job must not wait for it for ever.
                log.error("a cartoon is missing or damaged", extra={"job": job.id, "photo": photo.id})
        return results

    def _result(self, job: Job, number: int, photo: Photo, locale: Locale) -> Result:
        """Raises FileNotFoundError or PhotoError."""
        path = self._spool.fitted(photo.id)
        if not path.exists():
            path = self._spool.result(photo.id, job.look.format)
        width, height = inspect(path, NO_LIMITS)
        style = "" if job.delivery == "zip" else f"-{job.look.sheet or job.look.style}"
        name, look = _short(photo.name), described(locale, job.look)
        return Result(
            photo.id,
            path,
            f"{number:02}{style}{path.suffix}",
            path.stat().st_size,
            width,
            height,
            photo.reference,
            locale.say("alt-text", name=name, look=look) if name else locale.say("alt-text-unnamed", look=look),
        )

    def _closing_words(self, job: Job, photos: int, sent: Sequence[Result]) -> Reply:
        """What is said of so many cartoons, with the buttons for all of them."""
        locale = self._locales.of(job.language)
        text = locale.say("done", photos=photos, **facts(job.look))
        fitted = sum(result.path == self._spool.fitted(result.photo_id) for result in sent)
        if fitted:
            text += "\n" + locale.say("fitted", photos=fitted, format=job.look.format)
        return Reply(text, result_buttons(locale, job))

    async def _written_off(self, answers: Mapping[int, str | None]) -> None:
        """Recorded first: a file without a row is swept up at the next start, a row without a file is a loss."""
        await until_written(lambda: self._jobs.answered(answers))
        await asyncio.to_thread(self._forget_files, answers.keys())

    def _forget_files(self, photo_ids: Collection[int]) -> None:
        for photo_id in photo_ids:
            self._spool.forget(photo_id)


def _parcels(job: Job, results: Sequence[Result], limits: MessageLimits) -> Generator[tuple[Parcel, str | None]]:
    """The messages to send; first those that an earlier run was sending, as it packed them, with their traces."""
    traces = {photo.id: photo.trace for photo in job.photos}
    for trace in sorted({traces[result.photo_id] for result in results}, key=lambda each: each is None):
        part = [result for result in results if traces[result.photo_id] == trace]
        for parcel in pack(part, limits, job.delivery):
            yield parcel, trace


def _was_interrupted(job: Job) -> bool:
    """Whether an earlier run ended between the last of several messages and the words under them."""
    return job.closed and job.progress is not None and len({photo.answer for photo in job.photos} - {None}) > 1


def _failures(job: Job, found: set[int], delivered: Collection[int]) -> dict[int, Failure]:
    """Why each photo without a delivered cartoon has none, by its id, in the order sent."""
    failures: dict[int, Failure] = {}
    for photo in job.photos:
        if photo.status is PhotoStatus.FAILED and photo.failure:
            failures[photo.id] = photo.failure
        elif photo.id in found and photo.id not in delivered:
            failures[photo.id] = Failure.of(ResultRefused())
        elif job.settled and photo.status is PhotoStatus.DONE and photo.id not in found:
            # Its file is gone from the spool: somebody tidied up.
            failures[photo.id] = Failure.of(PhotoFailed())
    return failures


def _told(locale: Locale, job: Job, failures: Mapping[int, Failure], limit: int) -> list[str]:
    """Messages of at most `limit` characters that name each failed photo; a lone photo needs no number."""
    messages: list[str] = []
    failed = [(number, photo) for number, photo in enumerate(job.photos, start=1) if photo.id in failures]
    for run in _runs(failed, failures):
        (first, photo), (last, _) = run[0], run[-1]
        reason = locale.error(failures[photo.id])
        if len(run) >= WORTH_JOINING:
            line = locale.say("photos-failed-line", first=first, last=last, reason=reason)
        else:
            line = (
                reason
                if len(job.photos) == 1 and failures[photo.id].code in REFUSALS
                else locale.say(
                    "photo-failed-only" if len(job.photos) == 1 else "photo-failed-line",
                    number=first,
                    name=_short(photo.name) or locale.say("photo-name"),
                    reason=reason,
                )
            )
        if messages and len(messages[-1]) + 1 + len(line) <= limit:
            messages[-1] += "\n" + line
        else:
            messages.append(line)
    return messages


def _runs(
    failed: Sequence[tuple[int, Photo]], failures: Mapping[int, Failure]
) -> Generator[Sequence[tuple[int, Photo]]]:
    """Neighbours that failed for the same reason together, if they are many; else each by itself."""
    start = 0
    for end in range(1, len(failed) + 1):
        before, photo = failed[end - 1]
        if end < len(failed):
            number, following = failed[end]
            if number == before + 1 and failures[following.id] == failures[photo.id]:
                continue
        run = failed[start:end]
        yield from [run] if len(run) >= WORTH_JOINING else [[each] for each in run]
        start = end


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
