"""How long drawing takes, as measured: to tell people when it is their turn, and to notice a stuck device."""

from dataclasses import replace
from typing import Final, NamedTuple

from core.look import Look, SheetKind
from core.sheet import looks_of
from core.styles.registry import STYLE_NAMES

# How much the latest batch weighs against all before it.
NEWEST: Final = 0.2

_Kind = tuple[str, int, SheetKind | None]


class Forecast(NamedTuple):
    """`ahead`: how many others are drawn before; `seconds` until all are done, None where nothing was measured."""

    ahead: int
    seconds: float | None


class Pace:
    """Seconds a photo by style, size and sheet: moving averages over the batches of this run.

    `lanes`: how many batches are drawn at once.
    """

    def __init__(self, lanes: int = 1) -> None:
        self._lanes = lanes
        self._seconds: dict[_Kind, float] = {}
        # Of photos alone: a sheet takes several times as long.
        self._overall: float | None = None

    def drawn(self, look: Look, photos: int, seconds: float) -> None:
        """Note a batch."""
        each = seconds / photos
        self._seconds[_kind(look)] = _moved(self._seconds.get(_kind(look)), each)
        if look.sheet is None:
            self._overall = _moved(self._overall, each)

    def of(self, look: Look) -> float | None:
        """Seconds a photo; of whatever was drawn, where this style and size were not. None at the very start.

        A sheet that was not drawn yet takes as long as its drawings, those of all styles where it shows them.
        """
        if _kind(look) in self._seconds or look.sheet is None:
            return self._seconds.get(_kind(look), self._overall)
        each = self.of(replace(look, sheet=None))
        return None if each is None else each * len(looks_of(look, STYLE_NAMES))

    def until_done(self, ahead: int, own: int, look: Look) -> float | None:
        """Seconds until `own` photos in this look are drawn when `ahead` photos of any look are drawn before."""
        each = self.of(look)
        if each is None or self._overall is None:
            return None
        return (ahead * self._overall + own * each) / max(1, min(self._lanes, ahead + own))


def _kind(look: Look) -> _Kind:
    return look.style, look.size, look.sheet


def _moved(average: float | None, value: float) -> float:
    return value if average is None else average + NEWEST * (value - average)
