"""The Settings tab: what the Chat and the other tabs begin with, the language, and what the program is."""

from dataclasses import replace
from typing import Any

import gradio as gr

from bots.frontend import Person
from bots.locales import LANGUAGES, parse_language
from bots.panel import AUTOMATIC
from bots.web import markup
from bots.web.inputs import QUIETLY, LookInputs, Word
from bots.web.services import Services


class SettingsTab:
    """Built inside the page's Blocks. `others` are the fields of other tabs that begin with what is set."""

    def __init__(self, services: Services, word: Word, others: list[LookInputs]) -> None:
        self._services = services
        self._others = others
        with gr.Row():
            with gr.Column(min_width=300):
                self._hint = gr.HTML()
                self._look = LookInputs(services, word)
                self._language = gr.Radio(
                    [(word(f"web-language-{name}"), name) for name in (AUTOMATIC, *LANGUAGES)],
                    value=AUTOMATIC,
                    label=word("web-language"),
                )
                keep = gr.Button(word("web-keep"), variant="primary")
            with gr.Column(min_width=300):
                self._about = gr.HTML(elem_id="about")
        fields = [field for look in others for field in look.inputs]
        self.shown = [*self._look.inputs, self._language, self._hint, self._about, *fields]
        keep.click(self._keep, [*self._look.inputs, self._language], self.shown, **QUIETLY)

    async def open(self, request: gr.Request) -> list[Any]:
        """What is set."""
        return await self._shown(await self._services.person(request))

    async def _keep(self, request: gr.Request, *fields: Any) -> list[Any]:
        person = await self._services.person(request)
        *look, language = fields
        present = await self._services.conversation.preferences(person.owner)
        wanted = replace(present, look=self._look.read(*look), language=parse_language(str(language)))
        await self._services.conversation.keep(person.owner, wanted)
        person = await self._services.person(request)
        locale = self._services.locale(person)
        gr.Info(locale.say("kept-short"))
        return await self._shown(person)

    async def _shown(self, person: Person) -> list[Any]:
        locale = self._services.locale(person)
        preferences = await self._services.conversation.preferences(person.owner)
        look = [self._look, *self._others]
        fields = [each.show(locale, preferences.look) for each in look]
        privacy = await self._services.conversation.answer(person, "/privacy")
        about = markup.about(locale, await self._services.facts(locale)) + markup.note(locale, privacy.text)
        hint = markup.note(locale, locale.say("web-settings-hint"))
        return [
            *fields[0],
            preferences.language or AUTOMATIC,
            hint,
            about,
            *(field for each in fields[1:] for field in each),
        ]
