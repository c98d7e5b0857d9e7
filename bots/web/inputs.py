"""What the tabs have in common: how they look for news, and the fields that say what a photo should become."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import gradio as gr

from bots.locales import Locale
from bots.web.services import Services
from core.look import (
    FACES,
    FORMATS,
    MAX_SIZE,
    MAX_STRENGTH,
    MIN_SIZE,
    MIN_STRENGTH,
    Look,
    parse_faces,
    parse_format,
    parse_size,
    parse_strength,
    parse_style,
)
from core.styles.registry import STYLE_NAMES

# A label, in the language of whoever looks at it.
Word = Callable[[str], Any]

# Seconds between looks for news while something is under way.
TICK: Final = 0.8
# Nothing blinks while pages look for news, and none of it is for scripts.
QUIETLY: Final[Mapping[str, Any]] = {
    "show_progress": "hidden",
    "concurrency_limit": None,
    "api_visibility": "private",
}
# Gradio's part in the browser may close its stream of answers just as another request joins, whose answer then
# comes with the next stream only. Waiting for that answer first, a clock would stand still for good.
TICKING: Final[Mapping[str, Any]] = {**QUIETLY, "trigger_mode": "multiple"}
STRENGTH_STEP: Final = 0.05
SIZE_STEP: Final = 64


class Sentence(Exception):
    """An error in words for whoever made the request."""


class NotUnderstood(Exception):
    """A request holds what nothing on the page does."""


def path_of(payload: Any) -> str | None:
    """In place of an input's `preprocess`: Gradio does not open a photo, whose bytes are ours to judge.

    A subclass would have Gradio write a stub file beside this one.
    """
    return payload.path if payload is not None else None


def paths_of(payload: Any) -> list[str]:
    """The same for several; Gradio would leave an empty file behind for each."""
    return [file.path for file in payload] if payload is not None else []


def look_of(styles: Sequence[str], style: Any, strength: Any, size: Any, file_format: Any, faces: Any) -> Look:
    """What fields or a script say, as a look in one of `styles`. Raises LookError for what is out of its range."""
    return Look(
        style=parse_style(str(style), styles),
        strength=parse_strength(str(strength)),
        # Numbers come as floats where somebody typed them.
        size=parse_size(f"{size:g}" if isinstance(size, float) else str(size)),
        format=parse_format(str(file_format)),
        faces=parse_faces(str(faces)),
    )


class LookInputs:
    """Style, strength, size, format and faces."""

    def __init__(self, services: Services, word: Word) -> None:
        self._services = services
        self.inputs = [
            gr.Dropdown([*STYLE_NAMES], value=Look().style, label=word("web-style"), filterable=False),
            gr.Slider(
                MIN_STRENGTH,
                MAX_STRENGTH,
                Look().strength,
                step=STRENGTH_STEP,
                label=word("web-strength"),
                info=word("web-strength-hint"),
                buttons=[],
            ),
            gr.Slider(
                MIN_SIZE,
                MAX_SIZE,
                Look().size,
                step=SIZE_STEP,
                label=word("web-size"),
                info=word("web-size-hint"),
                buttons=[],
            ),
            gr.Radio([(name.upper(), name) for name in FORMATS], value=Look().format, label=word("web-format")),
            gr.Radio(
                [(word(f"web-faces-{name}"), name) for name in FACES], value=Look().faces, label=word("web-faces")
            ),
        ]

    def show(self, locale: Locale, look: Look) -> list[Any]:
        """The fields filled with a look."""
        styles = [
            (locale.say("web-style-line", name=name, description=locale.say(f"style-{name}")), name)
            for name in self._services.styles.installed
        ]
        return [
            gr.update(choices=styles, value=look.style),
            look.strength,
            look.size,
            look.format,
            look.faces,
        ]

    def read(self, *fields: Any) -> Look:
        """The look that the fields say, in the order of `inputs`. Raises LookError."""
        return look_of(self._services.styles.installed, *fields)
