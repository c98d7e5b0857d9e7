"""Styles by name, what they have in common, and which of them can be drawn here."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import GraphUnreadable, GraphUnsupported, StyleDamaged, StyleMissing, UnknownStyle
from core.look import Look
from core.photo import Array
from core.releases import RELEASES
from core.weights import WeightsFolder

if TYPE_CHECKING:
    # Names alone must not load torch and OpenCV: the command line and the doctor ask for them.
    import torch

    from core.faces import Face

log = logging.getLogger(__name__)

BUILT_IN: Final = ("ink", "sketch-ink", "pop")
STYLE_NAMES: Final = (*BUILT_IN, *RELEASES)
# The first of these that is installed is what people get who have not chosen.
_DEFAULTS: Final = ("anime", "ink")


class Style(Protocol):
    """A named way of drawing. Called inside torch.inference_mode()."""

    def draw(
        self, photos: Sequence[Array], faces: "Sequence[Sequence[Face]]", looks: Sequence[Look]
    ) -> list[Array]:
        """Draw each photo in its look, with care for the faces named for it.

        uint8 RGB [H, W, 3] in, at most look.working_size on the longest side; the same out, the longest side
        exactly look.size.
        """
        ...


Build = Callable[[str, "torch.device"], Style]


def built_in(name: str, device: "torch.device") -> Style:
    """One of BUILT_IN, ready to draw on `device`. Raises UnknownStyle."""
    if name not in BUILT_IN:
        raise UnknownStyle(given=name, choices=", ".join(BUILT_IN))
    from core.styles.ink import InkStyle
    from core.styles.ink_parameters import INK, POP, SKETCH_INK

    return InkStyle(device, {"ink": INK, "sketch-ink": SKETCH_INK, "pop": POP}[name])


class Styles:
    """The styles that can be drawn with the weights in a folder.

    `precision`: "auto", or "full" for networks that calculate in 32 bits whatever the device. `elsewhere` names
    the styles that somebody else draws for us, and then there are no others; none: we draw ourselves.
    """

    def __init__(
        self, weights: WeightsFolder, precision: str = "auto", elsewhere: Callable[[], Collection[str]] = tuple
    ) -> None:
        self._weights = weights
        self._precision = precision
        self._elsewhere = elsewhere

    @property
    def installed(self) -> tuple[str, ...]:
        """The names of those that can be drawn now."""
        return tuple(name for name in STYLE_NAMES if self.has(name))

    @property
    def default(self) -> str:
        """The style of people who have not chosen one."""
        return next((name for name in _DEFAULTS if self.has(name)), BUILT_IN[0])

    def has(self, name: str) -> bool:
        """Whether this style can be drawn now."""
        if others := self._elsewhere():
            return name in others
        return name in BUILT_IN or self._weights.installed(name) is not None

    def build(self, name: str, device: "torch.device") -> Style:
        """A style ready to draw on `device`. Raises UnknownStyle, StyleMissing or StyleDamaged."""
        if name not in RELEASES:
            return built_in(name, device)
        weights = self._weights.installed(name)
        if weights is None:
            raise self.missing(name)
        from core.styles.dctnet import DctNetStyle

        try:
            return DctNetStyle(device, weights, self._precision)
        except (GraphUnreadable, GraphUnsupported, OSError) as error:
            log.error("the weights of %s cannot be used: %s", name, error)
            raise StyleDamaged(style=name) from error

    def missing(self, name: str) -> StyleMissing:
        """What to say about a style that is not installed."""
        return StyleMissing(style=name, choices=", ".join(self.installed))
