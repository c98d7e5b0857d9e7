"""The desks of the Single and the Batch tab, and of scripts: a request with its own look, watched to its end."""

import asyncio
import uuid
import zipfile
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locale, Locales
from bots.orders import Orders
from bots.web.chat import address_of, url_of
from bots.web.places import desk_of
from bots.web.views import JobView, PhotoView, Picture, State
from bots.wording import described
from core.errors import PhotoUnavailable
from core.jobs import SETTLED, Job, Owner, Photo, PhotoStatus
from core.look import Look, Preferences
from core.pace import Forecast
from core.photo import Limits, decode, encode, resized
from core.writing import linked, to_disk
from storage.jobs import Jobs
from storage.shelf import Shelf
from storage.spool import Spool

ARCHIVE: Final = "cartoons.zip"
STATES: Final = {
    PhotoStatus.ARRIVING: State.WAITING,
    PhotoStatus.QUEUED: State.WAITING,
    PhotoStatus.RUNNING: State.DRAWING,
    PhotoStatus.DONE: State.DONE,
    PhotoStatus.FAILED: State.FAILED,
    PhotoStatus.CANCELLED: State.CANCELLED,
}


class Desk:
    """`forecast` is the studio's. A person sees and touches their own jobs only, whatever they ask for."""

    def __init__(
        self,
        reception: Hearing,
        orders: Orders,
        jobs: Jobs,
        spool: Spool,
        shelf: Shelf,
        locales: Locales,
        forecast: Callable[[Owner, Collection[str], int, Look], Forecast],
        limits: Limits,
    ) -> None:
        self._reception = reception
        self._orders = orders
        self._jobs = jobs
        self._spool = spool
        self._shelf = shelf
        self._locales = locales
        self._forecast = forecast
        self._limits = limits
        # Of jobs that somebody waits for, for as long as anybody does.
        self._ends: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def start(self, person: Person, desk: str, uploads: Sequence[Path], look: Look) -> str:
        """Draw files on the person's shelf; the id of the job. Raises UserError when nothing is taken."""
        user = person.owner.user
        photos = [
            HeardPhoto(
                person,
                desk_of(user, desk),
                place,
                path.name,
                f"{user}/{self._shelf.address(user, path)}",
                weight=path.stat().st_size,
                wishes=Preferences(look, "file"),
            )
            for place, path in enumerate(uploads)
        ]
        return await self._reception.take(photos)

    async def view(self, person: Person, job_id: str) -> JobView | None:
        """How far a job of the person is; None where there is none."""
        job = await self._own(person, job_id)
        return None if job is None else await self._view(person, job)

    async def latest(self, person: Person, desk: str) -> JobView | None:
        """The last job of a desk, such as one that goes on after the page was closed."""
        job = await self._jobs.latest(person.owner, desk_of(person.owner.user, desk))
        view = None if job is None else await self._view(person, job)
        return view if view and any(photo.upload or photo.cartoon for photo in view.photos) else None

    async def watched(self, person: Person, desk: str, job_id: str) -> JobView | None:
        """The job that a page watches, or the last one of its desk where the page does not know any more."""
        return await (self.view(person, job_id) if job_id else self.latest(person, desk))

    async def finished(self, person: Person, job_id: str) -> JobView | None:
        """A job of the person once nothing more will come of it; None where it was forgotten."""
        end = self._ends.setdefault(job_id, asyncio.Event())
        job = await self._own(person, job_id)
        if job is not None and not job.closed:
            await end.wait()
        return await self.view(person, job_id)

    def over(self, job: Job) -> None:
        """Nothing more will come of this job."""
        end = self._ends.get(job.id)
        if end is not None:
            end.set()

    async def cancel(self, person: Person, job_id: str) -> int:
        """Call off what is not drawn yet of a job of the person; how many photos."""
        job = await self._own(person, job_id)
        return 0 if job is None else await self._orders.cancel_job(job.id)

    async def before(self, person: Person, view: JobView) -> Path | None:
        """The photo of a single cartoon as the cartoon's size shows it, as JPEG; None where it is gone."""
        job = await self._own(person, view.id)
        if job is None or not job.photos:
            return None
        user, photo = person.owner.user, job.photos[0]
        source = self._shelf.find(user, photo.reference.partition("/")[2])
        if source is None:
            return None
        target = self._shelf.result(user, f"{photo.id}-before.jpg")
        if not target.exists():
            await asyncio.to_thread(self._write_before, source, job.look.size, target)
        return target

    async def file(self, person: Person, view: JobView) -> Path | None:
        """The cartoon of a job of one photo, under the name that it is saved by."""
        found = self._files(person, view)
        if not found:
            return None
        path, name = found[0]
        target = self._shelf.result(person.owner.user, name, view.id)
        with to_disk():
            await asyncio.to_thread(linked, path, target)
        return target

    async def archive(self, person: Person, job_id: str) -> Path:
        """A ZIP of all cartoons of a job, in the order of the photos. Raises PhotoUnavailable."""
        view = await self.view(person, job_id)
        files = self._files(person, view) if view else []
        if not files:
            raise PhotoUnavailable
        target = self._shelf.result(person.owner.user, ARCHIVE, job_id)
        await asyncio.to_thread(_write_zip, files, target)
        return target

    def _files(self, person: Person, view: JobView) -> list[tuple[Path, str]]:
        """The cartoons that are there, and what each is called."""
        cartoons = [photo.cartoon for photo in view.photos if photo.cartoon is not None]
        found = [(self._shelf.find(person.owner.user, address_of(each)), each.name) for each in cartoons]
        return [(path, name) for path, name in found if path is not None]

    async def _own(self, person: Person, job_id: str) -> Job | None:
        job = await self._jobs.job(job_id)
        return job if job is not None and job.owner == person.owner else None

    async def _view(self, person: Person, job: Job) -> JobView:
        locale = self._locales.of(person.language)
        photos = await asyncio.to_thread(
            lambda: [self._photo(locale, job, number, photo) for number, photo in enumerate(job.photos, start=1)]
        )
        left = sum(photo.status not in SETTLED for photo in job.photos)
        outlook = self._forecast(job.owner, {job.id}, left, job.look) if left else Forecast(0, None)
        return JobView(
            job.id, described(locale, job.look), photos, outlook.ahead, outlook.seconds, job.look.sheet is not None
        )

    def _photo(self, locale: Locale, job: Job, number: int, photo: Photo) -> PhotoView:
        user = job.owner.user
        source = self._shelf.find(user, photo.reference.partition("/")[2])
        upload = self._picture(user, source, photo.name) if source else None
        if photo.failure is not None:
            return PhotoView(number, photo.name, State.FAILED, upload, reason=_begun(locale.error(photo.failure)))
        name = _name(job, number, photo)
        cartoon = None
        if photo.status in (PhotoStatus.DONE, PhotoStatus.ANSWERED):
            path = self._cartoon(job, photo)
            if path is not None:
                alt = locale.say("alt-text", name=photo.name, look=described(locale, job.look))
                cartoon = self._picture(user, path, name, alt)
        state = STATES.get(photo.status, State.DONE)
        if state is State.DONE and cartoon is None:
            # Kept for as long as was said.
            return PhotoView(number, photo.name, State.FAILED, upload, reason=locale.say("web-file-gone"))
        return PhotoView(number, photo.name, state, upload, cartoon)

    def _cartoon(self, job: Job, photo: Photo) -> Path | None:
        """Where it is on the shelf; as soon as it is drawn, and not only once all of its job are."""
        source = self._spool.result(photo.id, job.look.format)
        target = self._shelf.result(job.owner.user, source.name)
        if not target.exists() and photo.status is PhotoStatus.DONE:
            try:
                with to_disk():
                    linked(source, target)
            except FileNotFoundError:
                # Delivered in this very moment.
                pass
        return target if target.exists() else None

    def _picture(self, user: str, path: Path, name: str, alt: str = "") -> Picture:
        return Picture(url_of(self._shelf, user, path), name, alt, small=True)

    def _write_before(self, source: Path, size: int, target: Path) -> None:
        photo = resized(decode(source, self._limits, size), size)
        with _whole(target) as unfinished:
            unfinished.write_bytes(encode(photo, "jpg"))


def _name(job: Job, number: int, photo: Photo) -> str:
    """What the cartoon is called when it is saved: after its photo, and in the order sent."""
    stem = f"{Path(photo.name).stem}-{job.look.sheet or job.look.style}"
    return f"{stem if len(job.photos) == 1 else f'{number:02}-{stem}'}.{job.look.format}"


def _begun(reason: str) -> str:
    """A reason that stands by itself; elsewhere it follows the name of its photo."""
    return reason[:1].upper() + reason[1:]


def _write_zip(files: Sequence[tuple[Path, str]], target: Path) -> None:
    # Pictures are compressed already.
    with _whole(target) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            archive.write(path, name)


@contextmanager
def _whole(target: Path) -> Generator[Path]:
    """Where to write a file that is then there as a whole, however many write it at once."""
    unfinished = target.with_name(f"{uuid.uuid4().hex}.part")
    try:
        with to_disk():
            yield unfinished
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
