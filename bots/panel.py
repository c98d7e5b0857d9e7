"""The settings panel: one message, a page for each setting. Pure: nothing is kept or sent here."""

from collections.abc import Callable, Sequence
from typing import Final

from bots.actions import PAGE, SET, Action
from bots.locales import LANGUAGES, Locale
from bots.replies import Button, Rows
from bots.wording import facts, strength_text
from core.look import DELIVERIES, FACES, FORMATS, MAX_STRENGTH, MIN_STRENGTH, Preferences

MAIN: Final = "main"
# Each setting has a page, and a command of that name.
SETTINGS: Final = ("style", "strength", "size", "format", "faces", "deliver", "language")
STRENGTHS: Final = (0.3, 0.5, 0.7, 0.9, 1.0)
FINE_STEP: Final = 0.05
SIZES: Final = (512, 768, 1024, 1280, 1536, 2048)
# The language of the person's app.
AUTOMATIC: Final = "auto"
CHOSEN: Final = "• "


def values(preferences: Preferences) -> dict[str, str]:
    """What is set, by setting, as on buttons and in commands."""
    look = preferences.look
    return {
        "style": look.style,
        "strength": strength_text(look.strength),
        "size": str(look.size),
        "format": look.format,
        "faces": look.faces,
        "deliver": preferences.delivery,
        "language": preferences.language or AUTOMATIC,
    }


def page_text(locale: Locale, preferences: Preferences, page: str, platform: str) -> str:
    """What is set (the main page), or what one setting does and is."""
    known = {**facts(preferences.look), "deliver": preferences.delivery, "platform": platform}
    language = preferences.language or AUTOMATIC
    return locale.say("settings" if page == MAIN else f"page-{page}", **known, language=language)


def page_buttons(locale: Locale, user: str, preferences: Preferences, page: str, styles: Sequence[str]) -> Rows:
    """The buttons of a page. `styles` are those that can be drawn."""
    if page == MAIN:
        shown = [
            Button(locale.say(f"setting-{name}", value=_label(locale, name, value)), str(Action(PAGE, user, name)))
            for name, value in values(preferences).items()
        ]
        return _rows(shown, 2)
    present = values(preferences)[page]

    def button(value: str, label: str, *, is_choice: bool = False) -> Button:
        mark = CHOSEN if value == present else ""
        return Button(mark + label, str(Action(SET, user, f"{page}:{value}")), is_choice=is_choice)

    def choice(value: str) -> Button:
        return button(value, _label(locale, page, value), is_choice=True)

    back = (Button(locale.say("button-all-settings"), str(Action(PAGE, user, MAIN))),)
    match page:
        case "style":
            rows = _rows([choice(name) for name in styles], 3)
        case "strength":
            rows = (
                tuple(choice(strength_text(value)) for value in STRENGTHS),
                _fine(preferences.look.strength, button),
            )
        case "size":
            rows = _rows([choice(str(size)) for size in SIZES], 3)
        case "format":
            rows = _rows([choice(name) for name in FORMATS], 3)
        case "faces":
            rows = _rows([choice(name) for name in FACES], 2)
        case "deliver":
            rows = _rows([choice(name) for name in DELIVERIES], 2)
        case _:
            rows = _rows([choice(name) for name in (AUTOMATIC, *LANGUAGES)], 3)
    return *rows, back


def _fine(strength: float, button: Callable[[str, str], Button]) -> tuple[Button, ...]:
    """A little less and a little more, where that is within the range."""
    steps = (round(strength - FINE_STEP, 2), round(strength + FINE_STEP, 2))
    return tuple(
        button(strength_text(value), f"{sign} {strength_text(value)}")
        for sign, value in zip("−+", steps, strict=True)
        if MIN_STRENGTH <= value <= MAX_STRENGTH
    )


def _label(locale: Locale, name: str, value: str) -> str:
    """A value as people read it; most are written as they are."""
    return locale.say(f"{name}-value", value=value) if name in ("faces", "deliver", "language") else value


def _rows(buttons: Sequence[Button], columns: int) -> Rows:
    return tuple(tuple(buttons[start : start + columns]) for start in range(0, len(buttons), columns))
