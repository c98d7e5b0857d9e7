"""What buttons carry: little enough for every platform, read back as it was written, and never trusted."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.actions import BACK, CANCEL, DELETE, FILES, MOST_BYTES, PAGE, REDO, RESTYLE, SET, SHEET, STYLES, Action
from bots.buttons import result_buttons, style_buttons
from bots.locales import LANGUAGES, Locale
from bots.panel import CHOSEN
from core.jobs import Chat, Job, Owner
from core.look import Look, SheetKind
from core.styles.registry import STYLE_NAMES

OWNER = Owner("telegram", "1")
VERBS = (CANCEL, REDO, RESTYLE, STYLES, BACK, SHEET, FILES, DELETE, PAGE, SET)
WORDS = st.text(st.characters(codec="ascii", exclude_characters=":"), min_size=1, max_size=20)


def job(look: Look) -> Job:
    return Job(uuid.uuid4().hex, OWNER, Chat("telegram", "1"), "en", look, ())


@given(st.sampled_from(VERBS), WORDS, st.text(st.characters(codec="ascii"), max_size=20))
def test_an_action_is_read_back_as_it_was_written(verb: str, subject: str, value: str):
    action = Action(verb, subject, value)
    assert Action.read(str(action)) == action


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("", Action("", "")),
        ("cancel", Action("cancel", "")),
        (":", Action("", "")),
        ("set:1:style:pop", Action(SET, "1", "style:pop")),
        ("画:画:画", Action("画", "画", "画")),
    ],
)
def test_whatever_comes_back_is_read_without_an_error(text: str, action: Action):
    assert Action.read(text) == action


def test_what_a_platform_would_not_keep_is_an_error_at_once():
    assert len(str(Action(SET, "1", "x" * 58))) == MOST_BYTES
    for value in ("x" * 59, "画" * 20):
        with pytest.raises(ValueError, match="64 bytes"):
            str(Action(SET, "1", value))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sheet", [None, *SheetKind])
def test_buttons_under_results_are_about_their_job_and_small_enough(sheet: SheetKind | None, language: str):
    made = job(Look(sheet=sheet))
    actions = [button.action for row in result_buttons(Locale(language), made) for button in row]
    assert len(set(actions)) == len(actions)
    assert actions[-1] == f"{DELETE}:{made.id}"
    assert all(Action.read(action).subject == made.id and len(action) <= MOST_BYTES for action in actions)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_style_can_be_asked_for_and_the_present_one_is_marked(language: str):
    made = job(Look("sketch-ink"))
    *rows, last = style_buttons(Locale(language), made, STYLE_NAMES)
    choices = {button.label: button.action for row in rows for button in row}
    assert choices == {
        (CHOSEN if name == "sketch-ink" else "") + name: f"{RESTYLE}:{made.id}:{name}" for name in STYLE_NAMES
    }
    assert all(len(action.encode()) <= MOST_BYTES for action in choices.values())
    assert [button.action for button in last] == [f"{BACK}:{made.id}"]


@pytest.mark.parametrize(("strength", "marked"), [(0.7, ["• 0.7"]), (1.0, ["• 1.0"]), (0.75, [])])
def test_the_strength_of_the_result_is_marked(strength: float, marked: list[str]):
    labels = [button.label for row in result_buttons(Locale("en"), job(Look(strength=strength))) for button in row]
    assert [label for label in labels if label.startswith(CHOSEN)] == marked
