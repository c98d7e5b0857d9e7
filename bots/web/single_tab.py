"""The Single tab: one photo, its cartoon beside it, and the same at several strengths."""

from typing import Any

import gradio as gr

from bots.frontend import Person
from bots.web import markup
from bots.web.inputs import QUIETLY, TICK, TICKING, LookInputs, Word, path_of
from bots.web.services import Services
from bots.web.views import JobView
from core.errors import NoPhoto
from core.look import Look, SheetKind

DESK = "single"


class SingleTab:
    """Built inside the page's Blocks."""

    def __init__(self, services: Services, word: Word) -> None:
        self._services = services
        self._job = gr.State("")
        self._clock = gr.Timer(TICK, active=False)
        with gr.Row():
            with gr.Column(min_width=300):
                self._photo = gr.Image(
                    label=word("web-photo"),
                    elem_id="single-photo",
                    sources=["upload", "clipboard"],
                    buttons=[],
                    height=320,
                )
                self._photo.preprocess = path_of
                self.look = LookInputs(services, word)
                self._begin = gr.Button(word("web-draw"), variant="primary")
                self._begin_sheet = gr.Button(word("web-compare"))
            with gr.Column(min_width=300, scale=2):
                self._cancel = gr.Button(word("button-cancel"), variant="stop", visible=False)
                self._progress = gr.HTML(js_on_load="listen(element, trigger)", elem_id="single-progress")
                self._slider = gr.ImageSlider(
                    label=word("web-before-after"), buttons=["fullscreen"], visible=False, interactive=False
                )
                self._sheet = gr.Image(
                    label=word("web-sheet"), buttons=["fullscreen"], visible=False, interactive=False
                )
                self._download = gr.DownloadButton(word("web-download-cartoon"), visible=False)
        self.shown = [
            self._job,
            self._clock,
            self._begin,
            self._begin_sheet,
            self._cancel,
            self._progress,
            self._slider,
            self._sheet,
            self._download,
        ]
        inputs = [self._photo, *self.look.inputs]
        self._begin.click(self._draw, inputs, self.shown, **QUIETLY)
        self._begin_sheet.click(self._compare, inputs, self.shown, **QUIETLY)
        self._progress.click(self._try, None, [self._photo], **QUIETLY)
        self._cancel.click(self._call_off, [self._job], self.shown, **QUIETLY)
        gr.on([self._clock.tick, self._progress.focus], self._look, [self._job], self.shown, **TICKING)

    async def open(self, request: gr.Request) -> tuple[Any, ...]:
        """What a page shows that has just been opened: the last cartoon."""
        person = await self._services.person(request)
        return await self._shown(person, await self._services.desk.latest(person, DESK))

    async def _try(self, request: gr.Request) -> str:
        return str(await self._services.example(await self._services.person(request)))

    async def _draw(self, request: gr.Request, photo: str | None, *look: Any) -> tuple[Any, ...]:
        return await self._start(request, photo, self.look.read(*look))

    async def _compare(self, request: gr.Request, photo: str | None, *look: Any) -> tuple[Any, ...]:
        return await self._start(request, photo, self.look.read(*look).on_sheet(SheetKind.STRENGTHS))

    async def _start(self, request: gr.Request, photo: str | None, look: Look) -> tuple[Any, ...]:
        person = await self._services.person(request)
        if photo is None:
            raise NoPhoto
        job_id = await self._services.desk.start(person, DESK, self._services.own(person, [photo]), look)
        return await self._shown(person, await self._services.desk.view(person, job_id))

    async def _call_off(self, request: gr.Request, job_id: str) -> tuple[Any, ...]:
        person = await self._services.person(request)
        await self._services.desk.cancel(person, job_id)
        return await self._shown(person, await self._services.desk.view(person, job_id))

    async def _look(self, request: gr.Request, job_id: str) -> tuple[Any, ...]:
        person = await self._services.person(request)
        return await self._shown(person, await self._services.desk.watched(person, DESK, job_id))

    async def _shown(self, person: Person, view: JobView | None) -> tuple[Any, ...]:
        """Job, clock, which buttons there are to press, and what there is to see."""
        locale, hidden = self._services.locale(person), gr.update(visible=False)
        is_over = view is None or view.is_over
        clock, begin = gr.Timer(active=not is_over), gr.update(interactive=is_over)
        buttons = begin, begin, gr.update(visible=not is_over)
        if view is None:
            return "", clock, *buttons, markup.empty(locale, "single"), hidden, hidden, hidden
        if not is_over:
            return view.id, clock, *buttons, markup.job(locale, view), gr.skip(), gr.skip(), gr.skip()
        file = await self._services.desk.file(person, view)
        if file is None:
            return view.id, clock, *buttons, markup.job(locale, view), hidden, hidden, hidden
        before = None if view.is_sheet else await self._services.desk.before(person, view)
        slider = gr.update(visible=before is not None, value=before and (str(before), str(file)))
        sheet = gr.update(visible=before is None, value=None if before else str(file))
        return view.id, clock, *buttons, "", slider, sheet, gr.update(visible=True, value=str(file))
