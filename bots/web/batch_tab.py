"""The Batch tab: many photos in one look, watched one by one, and all cartoons in one ZIP."""

import hashlib
from typing import Any

import gradio as gr

from bots.frontend import Person
from bots.web import markup
from bots.web.inputs import QUIETLY, TICK, TICKING, LookInputs, Word, paths_of
from bots.web.services import Services
from bots.web.views import JobView
from core.errors import BatchTooLarge, NoPhoto
from core.look import Look

DESK = "batch"


class BatchTab:
    """Built inside the page's Blocks."""

    def __init__(self, services: Services, word: Word) -> None:
        self._services = services
        self._job = gr.State("")
        self._seen = gr.State("")
        self._clock = gr.Timer(TICK, active=False)
        with gr.Row():
            with gr.Column(min_width=300):
                self._photos = gr.File(
                    label=word("web-photos"),
                    elem_id="batch-photos",
                    file_count="multiple",
                    height=240,
                    buttons=[],
                )
                self._photos.preprocess = paths_of
                self.look = LookInputs(services, word)
                self._begin = gr.Button(word("web-draw-all"), variant="primary")
            with gr.Column(min_width=300, scale=2):
                with gr.Row():
                    self._cancel = gr.Button(word("button-cancel"), variant="stop", visible=False)
                    self._archive = gr.Button(word("web-zip"), variant="primary", visible=False)
                self._cards = gr.HTML(js_on_load="listen(element, trigger)", elem_id="batch-cards")
        self.shown = [self._job, self._seen, self._clock, self._cards, self._begin, self._cancel, self._archive]
        self._begin.click(self._draw, [self._photos, *self.look.inputs], self.shown, **QUIETLY)
        self._cancel.click(self._call_off, [self._job], self.shown, **QUIETLY)
        gr.on([self._clock.tick, self._cards.focus], self._look, [self._job, self._seen], self.shown, **TICKING)

    async def open(self, request: gr.Request) -> tuple[Any, ...]:
        """What a page shows that has just been opened: the last batch, which may be under way."""
        person = await self._services.person(request)
        return await self._shown(person, await self._services.desk.latest(person, DESK))

    async def _draw(self, request: gr.Request, photos: list[str], *fields: Any) -> tuple[Any, ...]:
        return await self._start(await self._services.person(request), photos, self.look.read(*fields))

    async def _start(self, person: Person, photos: list[str], look: Look) -> tuple[Any, ...]:
        if not photos:
            raise NoPhoto
        if len(photos) > self._services.most_photos:
            raise BatchTooLarge(given=len(photos), most=self._services.most_photos)
        job_id = await self._services.desk.start(person, DESK, self._services.own(person, photos), look)
        return await self._shown(person, await self._services.desk.view(person, job_id))

    async def _call_off(self, request: gr.Request, job_id: str) -> tuple[Any, ...]:
        person = await self._services.person(request)
        called_off = await self._services.desk.cancel(person, job_id)
        locale = self._services.locale(person)
        gr.Info(locale.say("cancelled", photos=called_off))
        return await self._shown(person, await self._services.desk.view(person, job_id))

    async def _look(self, request: gr.Request, job_id: str, seen: str) -> tuple[Any, ...]:
        person = await self._services.person(request)
        return await self._shown(person, await self._services.desk.watched(person, DESK, job_id), seen)

    async def _shown(self, person: Person, view: JobView | None, seen: str = "") -> tuple[Any, ...]:
        """Job, digest, clock, cards, and which buttons there are to press."""
        locale = self._services.locale(person)
        if view is None:
            hidden = gr.update(visible=False)
            return (
                "",
                "",
                gr.Timer(active=False),
                markup.empty(locale, "batch"),
                gr.update(interactive=True),
                hidden,
                hidden,
            )
        cards = markup.job(locale, view)
        digest = hashlib.sha256(cards.encode()).hexdigest()
        clock = gr.Timer(active=not view.is_over)
        if digest == seen:
            return view.id, seen, clock, *[gr.skip()] * 4
        done = any(photo.cartoon for photo in view.photos)
        archive = gr.update(visible=view.is_over and done, link=f"zip/{view.id}")
        begin, cancel = gr.update(interactive=view.is_over), gr.update(visible=not view.is_over)
        return view.id, digest, clock, cards, begin, cancel, archive
