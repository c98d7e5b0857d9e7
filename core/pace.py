"""How long drawing takes, as measured: to tell people when it is their turn, and to notice a stuck device."""

from typing import Final

from core.look import Look

# How much the latest batch weighs against all before it.
NEWEST: Final = 0.2


class Pace:
    """Seconds a photo by style and size: moving averages over the batches of this run."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, int], float] = {}
        self._overall: float | None = None

    def drawn(self, look: Look, photos: int, seconds: float) -> None:
        """Note a batch."""
        each = seconds / photos
        kind = (look.style, look.size)
        self._seconds[kind] = _moved(self._seconds.get(kind), each)
        self._overall = _moved(self._overall, each)

    def of(self, look: Look) -> float | None:
        """Seconds a photo; of whatever was drawn, where this style and size were not. None at the very start."""
        return self._seconds.get((look.style, look.size), self._overall)

    def until_done(self, ahead: int, own: int, look: Look) -> float | None:
        """Seconds until `own` photos in this look are drawn when `ahead` photos of any look are drawn before."""
        each = self.of(look)
        return None if each is None or self._overall is None else ahead * self._overall + own * each


def _moved(average: float | None, value: float) -> float:
    return value if average is None else average + NEWEST * (value - average)
