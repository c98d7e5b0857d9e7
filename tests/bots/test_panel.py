"""The settings panel: each page in both languages, what is set marked, and every value one that can be kept."""

from dataclasses import replace

import pytest

from bots.actions import MOST_BYTES, PAGE, SET, Action
from bots.locales import LANGUAGES, Locale, parse_language
from bots.panel import (
    AUTOMATIC,
    CHOSEN,
    FINE_STEP,
    MAIN,
    SETTINGS,
    SIZES,
    STRENGTHS,
    page_buttons,
    page_text,
    values,
)
from bots.replies import Button
from bots.wording import strength_text
from core.look import (
    DELIVERIES,
    FACES,
    FORMATS,
    MAX_STRENGTH,
    MIN_STRENGTH,
    Look,
    Preferences,
    parse_delivery,
    parse_faces,
    parse_format,
    parse_size,
    parse_strength,
    parse_style,
)
from core.styles.registry import STYLE_NAMES

# As long as they come: what is signed and has 64 bits.
USER = "-9223372036854775808"
PREFERENCES = [
    Preferences(),
    Preferences(Look("illustration", 0.35, 2048, "webp", "main"), "zip", "zh-CN"),
    *(replace(Preferences(), delivery=delivery) for delivery in DELIVERIES),
    *(replace(Preferences(), language=language) for language in LANGUAGES),
]
PAGES = (MAIN, *SETTINGS)
CHOICES = {
    "style": STYLE_NAMES,
    "strength": tuple(map(strength_text, STRENGTHS)),
    "size": tuple(map(str, SIZES)),
    "format": FORMATS,
    "faces": FACES,
    "deliver": DELIVERIES,
    "language": (AUTOMATIC, *LANGUAGES),
}


def buttons(page: str, preferences: Preferences, language: str = "en") -> list[Button]:
    return [
        button for row in page_buttons(Locale(language), USER, preferences, page, STYLE_NAMES) for button in row
    ]


def chosen(page: str, button: Button) -> str:
    """The value that a button of a page sets."""
    action = Action.read(button.action)
    assert (action.verb, action.subject) == (SET, USER)
    name, _, value = action.value.partition(":")
    assert name == page
    return value


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("preferences", PREFERENCES)
def test_every_page_is_shown_in_both_languages_and_its_buttons_fit(
    preferences: Preferences, page: str, language: str
):
    assert page_text(Locale(language), preferences, page, "telegram")
    shown = buttons(page, preferences, language)
    assert all(button.label and len(button.action.encode()) <= MOST_BYTES for button in shown)


@pytest.mark.parametrize("preferences", PREFERENCES)
def test_the_main_page_leads_to_each_setting_and_shows_what_is_set(preferences: Preferences):
    shown = buttons(MAIN, preferences)
    assert [button.action for button in shown] == [f"{PAGE}:{USER}:{name}" for name in SETTINGS]
    labels = {name: button.label for name, button in zip(SETTINGS, shown, strict=True)}
    for name in ("style", "strength", "size", "format"):
        assert values(preferences)[name] in labels[name]


@pytest.mark.parametrize("page", SETTINGS)
@pytest.mark.parametrize("preferences", PREFERENCES)
def test_a_page_offers_every_value_marks_the_present_one_and_leads_back(preferences: Preferences, page: str):
    *choices, back = buttons(page, preferences)
    assert back.action == f"{PAGE}:{USER}:{MAIN}"
    present = values(preferences)[page]
    marked = {button.label.startswith(CHOSEN): chosen(page, button) for button in choices}
    offered = [chosen(page, button) for button in choices]
    assert tuple(offered[: len(CHOICES[page])]) == CHOICES[page]
    assert marked.get(True) == (present if present in CHOICES[page] else None)


@pytest.mark.parametrize("page", PAGES)
def test_the_values_of_a_setting_can_be_told_from_the_other_buttons(page: str):
    choices = [button for button in buttons(page, PREFERENCES[1]) if button.is_choice]
    assert tuple(chosen(page, button) for button in choices) == CHOICES.get(page, ())


@pytest.mark.parametrize("strength", [MIN_STRENGTH, 0.12, 0.35, 0.7, 0.97, MAX_STRENGTH])
def test_a_little_less_and_a_little_more_stay_within_the_range(strength: float):
    preferences = Preferences(Look(strength=strength))
    fine = buttons("strength", preferences)[len(STRENGTHS) : -1]
    offered = [parse_strength(chosen("strength", button)) for button in fine]
    wanted = [strength - FINE_STEP, strength + FINE_STEP]
    assert offered == pytest.approx([each for each in wanted if MIN_STRENGTH <= each <= MAX_STRENGTH])
    assert [button.label[0] for button in fine] == ["−" if each < strength else "+" for each in offered]


def test_every_offered_value_can_be_kept():
    parse = {
        "style": lambda text: parse_style(text, STYLE_NAMES),
        "strength": lambda text: strength_text(parse_strength(text)),
        "size": lambda text: str(parse_size(text)),
        "format": parse_format,
        "faces": parse_faces,
        "deliver": parse_delivery,
        "language": lambda text: parse_language(text) or AUTOMATIC,
    }
    for page in SETTINGS:
        for button in buttons(page, PREFERENCES[1])[:-1]:
            value = chosen(page, button)
            assert parse[page](value) == value
