"""How far a finished cartoon is from its photo, where the style itself has no such setting.

Two things are mixed, one after the other. First the photo takes on the cartoon's colours, keeping its own
structures: a guided filter of the cartoon with the photo as its guide, as in "Learning to Cartoonize Using
White-box Cartoon Representations" (Wang & Yu 2020, section 3.5). Then the cartoon's own structures come in.
Where both have edges at different places, a mix would show them twice; there it is one or the other.
"""

from typing import Final

import torch
from torch import Tensor

from core.styles.resample import box_mean, local_line, reshaped, stretched

# Strengths, and how much the two mixes hold at them.
_STEPS: Final = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
_COLOURS: Final = (0.2, 0.5, 0.85, 0.92, 0.96, 1.0)
_STRUCTURES: Final = (0.0, 0.08, 0.3, 0.6, 0.88, 1.0)
# From here on the cartoon's structures are shown where they are not the photo's.
_TAKEOVER: Final = 0.5

# The filter works on a small picture ("Fast Guided Filter", He & Sun 2015).
_SMALL: Final = 360
_RADIUS: Final = 8  # wide enough that a line of the cartoon beside the photo's is no second line in the colours
_EPSILON: Final = 0.01**2 * 4
_WINDOW: Final = 2
_EDGE: Final = 0.03  # standard deviation within a window from which on there is an edge


def mixed(photo: Tensor, cartoon: Tensor, strength: float) -> Tensor:
    """The cartoon at a strength of 0.1-1.0; at 1.0 it is returned untouched. sRGB 0-1 [1, 3, H, W] each."""
    if strength >= 1:
        return cartoon
    height, width = photo.shape[-2:]
    scale = min(1.0, _SMALL / min(height, width))
    small = max(1, round(height * scale)), max(1, round(width * scale))
    guide, drawn = reshaped(photo, small), reshaped(cartoon, small)
    slope, offset = (box_mean(each, _RADIUS) for each in local_line(guide, drawn, _RADIUS, _EPSILON))
    coloured = stretched(slope, (height, width)).mul_(photo).add_(stretched(offset, (height, width))).clamp_(0, 1)
    coloured = torch.lerp(photo, coloured, _at(strength, _COLOURS))

    apart = stretched(_apart(guide, drawn), (height, width))
    share, choice = _at(strength, _STRUCTURES), float(strength >= _TAKEOVER)
    return torch.lerp(coloured, cartoon, share + (choice - share) * apart)


def _apart(photo: Tensor, cartoon: Tensor) -> Tensor:
    """1 where both have edges and not the same ones, 0 where a mix of them shows nothing twice: [1, 1, h, w]."""
    pair = torch.cat([photo.mean(1, True), cartoon.mean(1, True)], 1)
    means = box_mean(torch.cat([pair, pair * pair, pair[:, :1] * pair[:, 1:]], 1), _WINDOW)
    deviations = (means[:, 2:4] - means[:, :2].square()).clamp(min=0).sqrt()
    common = deviations.prod(1, True)
    covariance = means[:, 4:] - means[:, :1] * means[:, 1:2]
    disagreement = (common - covariance) / (common + _EDGE**2)
    return box_mean(disagreement.clamp(0, 1), _WINDOW)


def _at(strength: float, values: tuple[float, ...]) -> float:
    """Between the two steps around a strength."""
    for low, high, first, second in zip(_STEPS, _STEPS[1:], values, values[1:], strict=False):
        if strength <= high:
            return first + (second - first) * (strength - low) / (high - low)
    return values[-1]
