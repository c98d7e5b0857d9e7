"""Styles by name, and what they have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import UnknownStyle
from core.look import Look
from core.photo import Array

if TYPE_CHECKING:
    # Names alone must not load torch and OpenCV: the command line and the doctor ask for them.
    import torch

    from core.faces import Face

STYLE_NAMES: Final[tuple[str, ...]] = ("ink", "sketch-ink", "pop")


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


def build(name: str, device: "torch.device") -> Style:
    """A style ready to draw on `device`. Raises UnknownStyle."""
    if name not in STYLE_NAMES:
        raise UnknownStyle(given=name, choices=", ".join(STYLE_NAMES))
    from core.styles.ink import InkStyle
    from core.styles.ink_parameters import INK, POP, SKETCH_INK

    return InkStyle(device, {"ink": INK, "sketch-ink": SKETCH_INK, "pop": POP}[name])
