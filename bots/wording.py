"""Looks and waits in words."""

import math
from collections.abc import Mapping
from typing import Final

from bots.locales import Locale
from core.look import Look

# Seconds: shorter waits are not worth a word, longer ones are told in minutes.
SHORT_WAIT, LONG_WAIT = 15.0, 90.0
ROUND_TO: Final = 10


def facts(look: Look) -> dict[str, object]:
    """What sentences about a look are filled with."""
    return {
        "style": look.style,
        "strength": look.strength,
        "size": look.size,
        "format": look.format,
        "faces": look.faces,
        "sheet": look.sheet or "none",
    }


def strength_text(strength: float) -> str:
    """ "1.0", "0.9", "0.75"."""
    return f"{strength:.2f}".removesuffix("0")


def described(locale: Locale, look: Look) -> str:
    """A look in a few words: "ink 0.7, 1024 px, jpg"."""
    return locale.say("look", **facts(look))


def wait_words(seconds: float | None) -> Mapping[str, object]:
    """A wait as people say it: its `unit` ("none", "seconds" or "minutes") and how many, `wait`."""
    if seconds is None or seconds < SHORT_WAIT:
        return {"unit": "none", "wait": 0}
    if seconds < LONG_WAIT:
        return {"unit": "seconds", "wait": math.ceil(seconds / ROUND_TO) * ROUND_TO}
    return {"unit": "minutes", "wait": math.ceil(seconds / 60)}
