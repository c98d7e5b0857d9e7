"""Where what a button asks for is answered, and that it is drawn once."""

from dataclasses import replace
from pathlib import Path

import pytest

from bots.actions import FILES, REDO, RESTYLE, SHEET, Action
from core.jobs import Chat
from core.look import Look, SheetKind
from tests.bots.house import ANNA, GOOD, House, house_in
from tests.memory_chat import Delivered

ELSEWHERE = Chat("memory", "elsewhere", "a thread", "99")


async def answered_job(house: House) -> str:
    job_id = await house.drawn([GOOD, GOOD], Look())
    house.platform.uploads = {photo.reference: GOOD for photo in await house.photos(job_id)}
    house.courier.settled(job_id)
    await house.finish(job_id)
    house.platform.left_events()
    return job_id


@pytest.mark.parametrize(
    ("verb", "value"), [(REDO, "0.9"), (RESTYLE, "pop"), (FILES, ""), (SHEET, SheetKind.BEFORE)]
)
async def test_what_is_drawn_anew_is_answered_where_the_platform_says(tmp_path: Path, verb: str, value: str):
    async with house_in(tmp_path) as house:
        job_id = await answered_job(house)
        before = (await house.job(job_id)).chat
        for origin, chat in (("first", None), ("second", ELSEWHERE)):
            await house.buttons.press(ANNA, str(Action(verb, job_id, value)), origin, chat)
        again, elsewhere = await house.jobs.unsettled(ANNA.owner)
        assert (again.chat, elsewhere.chat) == (before, ELSEWHERE)
        async with house.drawing():
            await house.finish(elsewhere.id)
            await house.finish(again.id)
        delivered = [event.chat for event in house.platform.left_events() if isinstance(event, Delivered)]
        assert {*delivered} == {"home", "elsewhere"}
        assert (await house.job(job_id)).chat == before


async def test_a_button_that_is_pressed_twice_draws_once_whatever_the_answer_replies_to(tmp_path: Path):
    async with house_in(tmp_path) as house:
        redo = str(Action(REDO, await answered_job(house), "0.9"))
        for press in range(3):
            chat = replace(ELSEWHERE, thread=None if press else "a thread", message=str(press))
            await house.buttons.press(ANNA, redo, f"press {press}", chat)
        assert len(await house.jobs.unsettled(ANNA.owner)) == 1
        await house.buttons.press(ANNA, redo, "press 3", replace(ELSEWHERE, chat="a third place"))
        assert len(await house.jobs.unsettled(ANNA.owner)) == 2
