"""How far each job has come, told in one message that is edited, and deleted when the cartoons are there."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bots.actions import CANCEL, Action
from bots.frontend import FrontEnd
from bots.locales import Locale, Locales
from bots.replies import Button, Reply, Rows
from bots.wording import described, wait_words
from core.errors import ChatGone, Refused
from core.jobs import SETTLED, Job, Owner, PhotoStatus
from core.look import Look
from core.pace import Forecast
from core.writing import until_written
from storage.jobs import Jobs

log = logging.getLogger(__name__)

# Seconds. One message is looked after each tick, the most overdue first: however many there are, they take a share
# of the platform's rate only. While a job only waits, its message changes less often, the longer the wait.
TICK: Final = 0.12
SHORTEST_GAP, LONGEST_GAP = 3.0, 30.0
LOOKS_DURING_A_WAIT: Final = 10
CELLS: Final = 10
UNDER_WAY: Final = frozenset({PhotoStatus.RUNNING, PhotoStatus.DONE})
WAITED_FOR: Final = frozenset({PhotoStatus.QUEUED, PhotoStatus.RUNNING})


@dataclass(eq=False)
class _Told:
    """A job and its message, whose name `posting` gives: None where it cannot be edited. Times are the loop's.

    `is_held`: it may be the answer by now.
    """

    job_id: str
    posting: "asyncio.Task[str | None]"
    text: str = ""
    next_look: float = 0.0
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    # The person may have deleted it.
    is_there: bool = True
    is_held: bool = False

    @property
    def is_idle(self) -> bool:
        return self.posting.done() and not self.looking.locked()

    async def name(self) -> str | None:
        """The message's name once nothing is on its way to it any more."""
        message = await self.posting
        async with self.looking:
            return message


class Progress:
    """`forecast` is the studio's."""

    def __init__(
        self,
        jobs: Jobs,
        forecast: Callable[[Owner, Collection[str], int, Look], Forecast],
        front_ends: Mapping[str, FrontEnd],
        locales: Locales,
    ) -> None:
        self._jobs = jobs
        self._forecast = forecast
        self._front_ends = front_ends
        self._locales = locales
        self._told: dict[str, _Told] = {}
        # Jobs whose message is gone and whose row still knows of it.
        self._withdrawn: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, job: Job) -> None:
        """Say that the job's photos are queued, or go on with the message that says so."""
        if job.id in self._told or not job.asked:
            return
        self._withdrawn.discard(job.id)
        message = _message(job)
        if message is not None:
            self._told[job.id] = _Told(job.id, self._spawn(_known(message)), is_held=_is_being_sent(job))
        elif not job.settled:
            reply = self._reply(job)
            self._told[job.id] = _Told(job.id, self._spawn(self._post(job, reply)), reply.text)

    async def message_of(self, job: Job) -> str | None:
        """The job's message, so that the answer can go into it; None where there is none, or it may be gone.

        From now on it stays as it is, until `resume`.
        """
        told = self._told.get(job.id)
        if told is None:
            return _message(job)
        told.is_held = True
        message = await told.name()
        return message if told.is_there else None

    def resume(self, job: Job) -> None:
        """The job is not over: go on with its message, or with a new one where it has become the answer."""
        told = self._told.get(job.id)
        if told is None:
            return
        if not _is_answer(job, job.progress):
            told.is_held = _is_being_sent(job)
        else:
            # It stays held: a look at it may be on its way.
            del self._told[job.id]
            # Those that are still on their way are told when they have come.
            if any(photo.status in WAITED_FOR for photo in job.photos):
                self.begin(job)

    async def end(self, job: Job) -> None:
        """The job is answered, or forgotten: its message goes, and nothing is left to do for it."""
        if job.id not in self._withdrawn:
            await self.withdraw(job)
        self._withdrawn.discard(job.id)
        await until_written(lambda: self._jobs.tell_progress_in(job.id, None))

    async def withdraw(self, job: Job) -> None:
        """The message goes, unless it has become the answer: `job` is as in the database.

        Until `end` its row still knows of it, as of a job with something left to do.
        """
        told = self._told.pop(job.id, None)
        # A change under way must not come after.
        message = job.progress if told is None else await told.name()
        front_end = self._front_ends.get(job.chat.platform)
        if front_end is not None and not _is_answer(job, message):
            await front_end.delete(job.chat, [message] if message is not None else [])
        self._withdrawn.add(job.id)

    def drop(self, job: Job) -> None:
        """The job is forgotten: its message goes soon."""
        self._spawn(self.end(job))

    async def run(self) -> None:
        """Look after all messages until cancelled."""
        try:
            while True:
                await asyncio.sleep(TICK)
                now = asyncio.get_running_loop().time()
                due = [told for told in self._told.values() if told.next_look <= now and told.is_idle]
                if due:
                    self._spawn(self._look_after(min(due, key=lambda told: told.next_look)))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _post(self, job: Job, reply: Reply) -> str | None:
        front_end = self._front_ends[job.chat.platform]
        try:
            message = await front_end.say(job.chat, reply)
            if message is not None:
                await until_written(lambda: self._jobs.tell_progress_in(job.id, message))
        except ChatGone as error:
            log.info("nobody to answer: %s", error)
            return None
        except Exception:
            # A word that does not arrive must not stop the cartoons behind it.
            log.exception("a sentence could not be sent")
            return None
        if job.id in self._told:
            self._told[job.id].next_look = asyncio.get_running_loop().time() + SHORTEST_GAP
            # The message has ended what people saw of it before.
            self._spawn(front_end.show_activity(job.chat))
        return message

    async def _look_after(self, told: _Told) -> None:
        async with told.looking:
            job = await self._jobs.job(told.job_id)
            if job is None:
                self._told.pop(told.job_id, None)
                return
            gap = SHORTEST_GAP
            if not job.settled:
                reply = self._reply(job)
                gap = await self._change(told, job, reply)
            told.next_look = asyncio.get_running_loop().time() + gap

    async def _change(self, told: _Told, job: Job, reply: Reply) -> float:
        """Show what is new; seconds until it is worth looking again."""
        front_end = self._front_ends[job.chat.platform]
        message = told.posting.result()
        if message is not None and told.is_there and not told.is_held and reply.text != told.text:
            try:
                if await front_end.edit(job.chat, message, reply):
                    told.text = reply.text
            except (ChatGone, Refused):
                told.is_there = False
        if _has_begun(job):
            await front_end.show_activity(job.chat)
            return SHORTEST_GAP
        wait = self._outlook(job).seconds or 0.0
        return min(max(SHORTEST_GAP, wait / LOOKS_DURING_A_WAIT), LONGEST_GAP)

    def _reply(self, job: Job) -> Reply:
        locale, outlook = self._locales.of(job.language), self._outlook(job)
        total = sum(photo.status is not PhotoStatus.CANCELLED for photo in job.photos)
        wait = wait_words(outlook.seconds)
        look = described(locale, job.look)
        if total > 1 and _has_begun(job):
            done = total - _left(job)
            bar = "▓" * (CELLS * done // total)
            text = locale.say(
                "drawing",
                photos=total,
                look=look,
                bar=bar.ljust(CELLS, "░"),
                done=done,
                ahead=outlook.ahead,
                **wait,
            )
        else:
            text = locale.say("queued", photos=_left(job), look=look, ahead=outlook.ahead, **wait)
        return Reply(text, _cancel_button(locale, job), quiet=True)

    def _outlook(self, job: Job) -> Forecast:
        return self._forecast(job.owner, {job.id}, _left(job), job.look)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a progress message was not looked after", exc_info=task.exception())


async def _known(message: str) -> str:
    return message


def _cancel_button(locale: Locale, job: Job) -> Rows:
    return ((Button(locale.say("button-cancel"), str(Action(CANCEL, job.id))),),)


def _message(job: Job) -> str | None:
    """The message that tells how far the job has come; one that has become the answer does not any more."""
    return None if _is_answer(job, job.progress) else job.progress


def _is_answer(job: Job, message: str | None) -> bool:
    return message is not None and any(photo.answer == message for photo in job.photos)


def _is_being_sent(job: Job) -> bool:
    """Whether nobody knows yet what became of a cartoon, and so of the message that it may have gone into."""
    return any(photo.status is PhotoStatus.DONE and photo.trace is not None for photo in job.photos)


def _left(job: Job) -> int:
    """How many photos are not drawn yet."""
    return sum(photo.status not in SETTLED for photo in job.photos)


def _has_begun(job: Job) -> bool:
    return any(photo.status in UNDER_WAY for photo in job.photos)
