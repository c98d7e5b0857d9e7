"""The page's functions for scripts, by name: gradio_client calls them.

A script is a visitor like any other: gradio_client keeps the cookie of its first request.
"""

from typing import Any, Final

import gradio as gr

from bots.frontend import Person
from bots.web.inputs import Sentence, look_of, path_of, paths_of
from bots.web.services import Services
from bots.web.views import JobView, State
from core.errors import BatchTooLarge, NoPhoto, PhotoUnavailable
from core.look import Look

DESK: Final = "api"


class Endpoints:
    """/cartoonize, /batch and /styles. Built inside the page's Blocks, where nobody sees them.

    What is left out of a look is as the script's visitor has it set: as it comes.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        with gr.Row(visible=False):
            photo, photos = gr.File(label="photo"), gr.File(label="photos", file_count="multiple")
            photo.preprocess, photos.preprocess = path_of, paths_of
            look = [
                gr.Textbox(None, label="style"),
                gr.Number(None, label="strength"),
                gr.Number(None, label="size"),
                gr.Textbox(None, label="format"),
                gr.Textbox(None, label="faces"),
            ]
            cartoon, archive = gr.File(label="cartoon"), gr.File(label="cartoons")
            failed, styles = gr.JSON(label="failed"), gr.JSON(label="styles")
            button = gr.Button()
        options: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
        button.click(self._cartoonize, [photo, *look], cartoon, api_name="cartoonize", **options)
        button.click(self._batch, [photos, *look], [archive, failed], api_name="batch", **options)
        button.click(self._styles, None, styles, api_name="styles", **options)

    async def _cartoonize(
        self,
        request: gr.Request,
        photo: str | None,
        style: str | None = None,
        strength: float | None = None,
        size: float | None = None,
        format: str | None = None,  # noqa: A002 - scripts call it by this name
        faces: str | None = None,
    ) -> str:
        """One photo; its cartoon."""
        person = await self._services.person(request)
        look = await self._look(person, style, strength, size, format, faces)
        view = await self._drawn(person, [photo] if photo else [], look)
        cartoon = await self._services.desk.file(person, view)
        if cartoon is None:
            raise Sentence(view.photos[0].reason)
        return str(cartoon)

    async def _batch(
        self,
        request: gr.Request,
        photos: list[str] | None,
        style: str | None = None,
        strength: float | None = None,
        size: float | None = None,
        format: str | None = None,  # noqa: A002 - scripts call it by this name
        faces: str | None = None,
    ) -> tuple[str | None, list[dict[str, Any]]]:
        """Many photos; a ZIP of their cartoons, and for each that has none its number, name and why."""
        person = await self._services.person(request)
        look = await self._look(person, style, strength, size, format, faces)
        view = await self._drawn(person, photos or [], look)
        failed = [
            {"number": photo.number, "name": photo.name, "reason": photo.reason}
            for photo in view.photos
            if photo.state is not State.DONE
        ]
        all_failed = len(failed) == len(view.photos)
        return None if all_failed else str(await self._services.desk.archive(person, view.id)), failed

    async def _styles(self) -> list[str]:
        """The styles that can be drawn."""
        return [*self._services.styles.installed]

    async def _drawn(self, person: Person, photos: list[str], look: Look) -> JobView:
        if not photos:
            raise NoPhoto
        if len(photos) > self._services.most_photos:
            raise BatchTooLarge(given=len(photos), most=self._services.most_photos)
        desk = self._services.desk
        job_id = await desk.start(person, DESK, self._services.own(person, photos), look)
        view = await desk.finished(person, job_id)
        if view is None:
            raise PhotoUnavailable
        return view

    async def _look(
        self, person: Person, style: Any, strength: Any, size: Any, file_format: Any, faces: Any
    ) -> Look:
        kept = (await self._services.conversation.preferences(person.owner)).look
        return look_of(
            self._services.styles.installed,
            style or kept.style,
            kept.strength if strength is None else strength,
            kept.size if size is None else size,
            file_format or kept.format,
            faces or kept.faces,
        )
