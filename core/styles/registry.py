"""Styles by name, and what they have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import UnknownStyle
from core.look import Look
from core.photo import Array

if TYPE_CHECKING:
    # Names alone must not load torch: the command line and the doctor ask for them.
    import torch

STYLE_NAMES: Final[tuple[str, ...]] = ("ink",)


class Style(Protocol):
    """A named way of drawing. Called inside torch.inference_mode()."""

    def draw(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """Draw each photo in its look.

        uint8 RGB [H, W, 3] in, at most look.size on the longest side; the same out, the longest side
        exactly look.size.
        """
        ...


def build(name: str, device: "torch.device") -> Style:
    """A style ready to draw on `device`. Raises UnknownStyle."""
    if name == "ink":
        from core.styles.ink import InkStyle

        return InkStyle(device)
    raise UnknownStyle(given=name, choices=", ".join(STYLE_NAMES))
