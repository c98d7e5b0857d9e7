"""The buttons under results and progress messages: which there are, and what becomes of pressing them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from bots.access import Access
from bots.actions import BACK, CANCEL, DELETE, FILES, PAGE, REDO, RESTYLE, SET, SHEET, STYLES, Action
from bots.conversation import Conversation
from bots.frontend import HeardPhoto, Hearing, Person
from bots.locales import Locale, Locales
from bots.orders import Orders
from bots.panel import CHOSEN, STRENGTHS
from bots.replies import Button, Pressed, Rows
from bots.wording import described, strength_text
from core.errors import LookError, UserError
from core.jobs import Chat, Job
from core.look import Look, SheetKind, parse_strength, parse_style
from core.styles.registry import Styles
from storage.jobs import Jobs

STYLES_A_ROW: Final = 3


def result_buttons(locale: Locale, job: Job) -> Rows:
    """What a person may want next, under the results of a job."""

    def button(name: str, verb: str, value: str = "") -> Button:
        return Button(locale.say(name), str(Action(verb, job.id, value)))

    shown = job.look.strength if job.look.sheet is None else None
    again = tuple(_choice(job, REDO, strength_text(value), value == shown) for value in STRENGTHS)
    others = (
        button("button-another-style", STYLES),
        button("button-compare", SHEET, SheetKind.STRENGTHS),
        button("button-before-after", SHEET, SheetKind.BEFORE),
    )
    delete = button("button-delete", DELETE)
    match job.look.sheet:
        case None:
            return again, others, (button("button-as-files", FILES), delete)
        case SheetKind.STRENGTHS:
            return again, (delete,)
        case SheetKind.STYLES:
            return ((button("button-another-style", STYLES), delete),)
        case _:
            return ((delete,),)


def style_buttons(locale: Locale, job: Job, styles: Sequence[str]) -> Rows:
    """In place of these: the styles that the job can be drawn in."""
    names = [_choice(job, RESTYLE, name, name == job.look.style) for name in styles]
    rows = [tuple(names[start : start + STYLES_A_ROW]) for start in range(0, len(names), STYLES_A_ROW)]
    return *rows, (Button(locale.say("button-back"), str(Action(BACK, job.id))),)


def _choice(job: Job, verb: str, value: str, chosen: bool) -> Button:
    return Button((CHOSEN if chosen else "") + value, str(Action(verb, job.id, value)))


class Buttons:
    """Looks up whose a button is, and does what it asks for. Nothing of a button is kept: it outlives restarts."""

    def __init__(
        self,
        conversation: Conversation,
        reception: Hearing,
        orders: Orders,
        access: Access,
        jobs: Jobs,
        styles: Styles,
        locales: Locales,
    ) -> None:
        self._conversation = conversation
        self._reception = reception
        self._orders = orders
        self._access = access
        self._jobs = jobs
        self._styles = styles
        self._locales = locales
        self._verbs: dict[str, Callable[[Person, Job, str, str], Awaitable[Pressed]]] = {
            CANCEL: self._cancel,
            REDO: self._redo,
            RESTYLE: self._restyle,
            STYLES: self._show_styles,
            BACK: self._go_back,
            SHEET: self._compare,
            FILES: self._send_as_files,
            DELETE: self._delete,
        }

    async def press(self, person: Person, text: str, origin: str, chat: Chat | None = None) -> Pressed:
        """A button that came back as `text`. `origin` names the press, should its platform bring it again.

        What is drawn anew is answered in `chat`, where given, instead of in the job's own.
        """
        action = Action.read(text)
        try:
            await self._access.admit(person.owner)
            if action.verb in (PAGE, SET) and action.subject == person.owner.user:
                return await self._conversation.press(person, action)
            return await self._press_of_job(person, action, origin, chat)
        except UserError as error:
            return Pressed(self._locales.of(person.language).error(error), is_error=True)

    async def compare(self, person: Person, chat: Chat, sheet: SheetKind, origin: str) -> Pressed | None:
        """Draw the sheet of what the person sent last in this chat; None where there is nothing.

        Raises UserError when it is not taken.
        """
        await self._access.admit(person.owner)
        job = await self._jobs.latest(person.owner, chat)
        if job is None:
            return None
        # The answer goes to where it is asked for, be it another topic.
        return await self._compare(person, replace(job, chat=chat), sheet, origin)

    async def reword(self, photo: HeardPhoto, origin: str) -> tuple[bool, str | None]:
        """The caption of a photo was changed: draw its job anew if that asks for something else.

        Whether the photo is known, and what to say. Raises UserError when it is not taken.
        """
        job_id = await self._jobs.job_of(photo.origin or "")
        job = await self._jobs.job(job_id) if job_id else None
        if job is None:
            return False, None
        if not self._conversation.is_request(photo.caption):
            return True, None
        await self._access.admit(photo.person.owner)
        wishes, remark = await self._conversation.wishes(photo.person, photo.caption)
        if remark is None and (wishes.look, wishes.delivery) != (job.look, job.delivery):
            await self._draw(photo.person, job, wishes.look, wishes.delivery, origin)
            await self._orders.cancel_job(job.id)
        return True, remark

    async def _press_of_job(self, person: Person, action: Action, origin: str, chat: Chat | None) -> Pressed:
        locale = self._locales.of(person.language)
        if action.verb in (PAGE, SET):
            return Pressed(locale.say("button-not-yours"), is_refused=True)
        if action.verb not in self._verbs:
            return Pressed(locale.say("button-too-old"), is_error=True)
        job = await self._jobs.job(action.subject)
        if job is None:
            return Pressed(locale.say("button-too-old"), is_error=True)
        if job.owner != person.owner:
            return Pressed(locale.say("button-not-yours"), is_refused=True)
        return await self._verbs[action.verb](person, replace(job, chat=chat or job.chat), action.value, origin)

    async def _cancel(self, person: Person, job: Job, _: str, __: str) -> Pressed:
        called_off = await self._orders.cancel_job(job.id)
        toast = self._locales.of(person.language).say("cancelled", photos=called_off)
        # A message that tells of nothing any more keeps no button.
        return Pressed(toast, buttons=None if called_off else ())

    async def _redo(self, person: Person, job: Job, value: str, origin: str) -> Pressed:
        look, delivery = await self._as_before(person, job)
        return await self._draw(person, job, replace(look, strength=parse_strength(value)), delivery, origin)

    async def _restyle(self, person: Person, job: Job, value: str, origin: str) -> Pressed:
        style = parse_style(value, self._styles.installed)
        look, delivery = await self._as_before(person, job)
        pressed = await self._draw(person, job, replace(look, style=style), delivery, origin)
        return replace(pressed, buttons=result_buttons(self._locales.of(person.language), job))

    async def _show_styles(self, person: Person, job: Job, _: str, __: str) -> Pressed:
        locale = self._locales.of(person.language)
        return Pressed(buttons=style_buttons(locale, job, self._styles.installed))

    async def _go_back(self, person: Person, job: Job, _: str, __: str) -> Pressed:
        return Pressed(buttons=result_buttons(self._locales.of(person.language), job))

    async def _compare(self, person: Person, job: Job, value: str, origin: str) -> Pressed:
        if value not in {*SheetKind}:
            raise LookError
        sheet = SheetKind(value)
        look = job.look.on_sheet(sheet)
        if sheet is not SheetKind.BEFORE:
            # A sheet of each photo of an album would be a wall of them, and take as long.
            job = replace(job, photos=job.drawable[:1])
        return await self._draw(person, job, look, "photo", origin)

    async def _send_as_files(self, person: Person, job: Job, _: str, origin: str) -> Pressed:
        return await self._draw(person, job, job.look, "file", origin)

    async def _delete(self, person: Person, job: Job, _: str, __: str) -> Pressed:
        messages = dict.fromkeys(photo.answer for photo in job.photos if photo.answer is not None)
        return Pressed(self._locales.of(person.language).say("deleted"), gone=tuple(messages))

    async def _as_before(self, person: Person, job: Job) -> tuple[Look, str]:
        """The look and the delivery of the job; a sheet's are not for cartoons."""
        if job.look.sheet is None:
            return job.look, job.delivery
        preferences = await self._conversation.preferences(person.owner)
        look = replace(preferences.look, style=job.look.style, strength=job.look.strength)
        return look, preferences.delivery

    async def _draw(self, person: Person, job: Job, look: Look, delivery: str, origin: str) -> Pressed:
        locale = self._locales.of(person.language)
        again = replace(job, look=look, delivery=delivery, language=locale.language)
        is_new = not any(_is_same(again, other) for other in await self._jobs.unsettled(job.owner))
        if is_new:
            await self._reception.draw_again(again, origin)
        return Pressed(locale.say("drawing-again", look=described(locale, look)), is_drawing=is_new)


def _is_same(job: Job, other: Job) -> bool:
    """Whether two jobs make the same of the same photos for the same chat: a button was pressed twice."""
    ours, theirs = (
        (
            each.look,
            each.delivery,
            # Not what it replies to: that may be each press.
            (each.chat.platform, each.chat.chat),
            [photo.reference for photo in each.drawable],
        )
        for each in (job, other)
    )
    return ours == theirs
