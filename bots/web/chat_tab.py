"""The Chat tab: the same conversation as in Telegram and Discord, in a browser."""

import hashlib
from html import escape
from typing import Any

import gradio as gr

from bots.frontend import Person
from bots.web import markup
from bots.web.inputs import QUIETLY, TICK, TICKING, NotUnderstood, Word
from bots.web.services import Services


class ChatTab:
    """Built inside the page's Blocks."""

    def __init__(self, services: Services, word: Word) -> None:
        self._services = services
        self.log = gr.HTML(js_on_load="listen(element, trigger)", elem_id="chat")
        # What the log shows, as a digest: looked at again and again, and mostly the same.
        self._seen = gr.State("")
        self._clock = gr.Timer(TICK, active=False)
        self._entry = gr.MultimodalTextbox(
            label=word("web-entry"),
            info=word("web-hint"),
            file_count="multiple",
            sources=["upload"],
            autofocus=True,
            max_plain_text_length=10_000,
        )
        self.shown = [self.log, self._seen, self._clock]
        self._entry.submit(
            self._send, [self._entry], [self._entry, *self.shown], **QUIETLY, trigger_mode="multiple"
        )
        self.log.click(self._press, None, self.shown, **QUIETLY, trigger_mode="multiple")
        gr.on([self._clock.tick, self.log.focus], self._look, [self._seen], self.shown, **TICKING)

    async def open(self, request: gr.Request) -> tuple[Any, ...]:
        """What a page shows that has just been opened."""
        return await self._shown(await self._services.person(request))

    async def _send(self, request: gr.Request, message: dict[str, Any]) -> tuple[Any, ...]:
        person = await self._services.person(request)
        uploads = self._services.own(person, message.get("files") or [])
        await self._services.chat.hear(person, message.get("text") or "", uploads)
        return None, *await self._shown(await self._services.person(request))

    async def _press(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        person = await self._services.person(request)
        try:
            action = str(event.action)
            message = 0 if action == markup.TRY else int(event.message)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise NotUnderstood from error
        if action == markup.TRY:
            await self._services.chat.hear(person, "", [await self._services.example(person)])
            return await self._shown(person)
        pressed = await self._services.chat.press(person, action, message)
        if pressed.toast and not pressed.is_drawing:
            (gr.Warning if pressed.is_error else gr.Info)(escape(pressed.toast, quote=False))
        return await self._shown(await self._services.person(request))

    async def _look(self, request: gr.Request, seen: str) -> tuple[Any, ...]:
        return await self._shown(await self._services.person(request), seen)

    async def _shown(self, person: Person, seen: str = "") -> tuple[Any, ...]:
        """The log, its digest, and the clock, which goes on until nothing more comes."""
        user = person.owner.user
        page = markup.chat(self._services.locale(person), await self._services.chat.messages(user))
        digest = hashlib.sha256(page.encode()).hexdigest()
        # Asked for last, so that the clock does not stop for what has just begun.
        is_waiting = await self._services.chat.is_waiting(user)
        if digest == seen:
            return gr.skip(), seen, gr.Timer(active=is_waiting)
        return page, digest, gr.Timer(active=True)
