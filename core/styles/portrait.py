"""Where a face's head, skin and features lie: soft masks in the face's own upright coordinates.

A face's unit of length is its eye distance, or the way from eyes to mouth where that is longer (a face
turned aside); u points to the right along the eyes, v down to the mouth, (0, 0) is between eyes and mouth.
"""

import math
from typing import NamedTuple, Self, TypeVar

import torch
from torch import Tensor

from core.faces import Face

Point = tuple[float, float]
T = TypeVar("T", float, Tensor)


class Frame(NamedTuple):
    """A face's own coordinates in its photo. Lengths are pixels of the photo."""

    centre: Point
    right: Point  # unit vector
    unit: float
    points: tuple[Point, ...]  # the face's five points as (u, v)

    @classmethod
    def of(cls, face: Face) -> Self:
        """The frame that a face's five points span."""
        left_eye, right_eye, _, left_mouth, right_mouth = face.points
        eyes, mouth = _middle(left_eye, right_eye), _middle(left_mouth, right_mouth)
        centre = _middle(eyes, mouth)
        # Both the line of the eyes and the line down the face tell how it is turned; their sum errs less.
        x = right_eye[0] - left_eye[0] + mouth[1] - eyes[1]
        y = right_eye[1] - left_eye[1] - mouth[0] + eyes[0]
        length = math.hypot(x, y)
        right = (x / length, y / length) if length else (1.0, 0.0)
        unit = max(1.0, math.dist(left_eye, right_eye), math.dist(eyes, mouth))
        frame = cls(centre, right, unit, ())
        return frame._replace(points=tuple(frame._local(x, y) for x, y in face.points))

    def window(self, reach: Point, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of a photo of that shape within `reach` (u, v) of the centre; may be empty."""
        (x, y), (cos, sin), (u, v) = self.centre, map(abs, self.right), reach
        across, down = (u * cos + v * sin) * self.unit, (u * sin + v * cos) * self.unit
        return _span(y - down, y + down, height), _span(x - across, x + across, width)

    def scaled(self, factor: float) -> Self:
        """The frame in a photo scaled by `factor`."""
        x, y = self.centre
        return self._replace(centre=(x * factor, y * factor), unit=self.unit * factor)

    def shifted(self, x: float, y: float) -> Self:
        """The frame moved by (x, y)."""
        return self._replace(centre=(self.centre[0] + x, self.centre[1] + y))

    def head(self, x: Tensor, y: Tensor) -> Tensor:
        """1 on the head with its hair, 0 off it, at pixels (x, y)."""
        return _ellipse(*self._local(x, y), (0.0, -0.2), (1.5, 1.75))

    def skin(self, x: Tensor, y: Tensor) -> Tensor:
        """1 on the face, 0 off it; the jaw's line is off it."""
        return _ellipse(*self._local(x, y), (0.0, -0.15), (0.95, 1.05))

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """1 on eyes with their brows, nose and mouth, 0 elsewhere."""
        u, v = self._local(x, y)
        left_eye, right_eye, nose, left_mouth, right_mouth = self.points
        mouth, half = _middle(left_mouth, right_mouth), math.dist(left_mouth, right_mouth) / 2
        ellipses = (
            ((left_eye[0], left_eye[1] - 0.1), (0.46, 0.36)),
            ((right_eye[0], right_eye[1] - 0.1), (0.46, 0.36)),
            ((nose[0], nose[1] + 0.1), (0.34, 0.2)),
            (mouth, (half + 0.2, 0.32)),
        )
        return torch.stack([_ellipse(u, v, centre, radii) for centre, radii in ellipses]).amax(0)

    def _local(self, x: T, y: T) -> tuple[T, T]:
        across, down = x - self.centre[0], y - self.centre[1]
        cos, sin = self.right
        return (across * cos + down * sin) / self.unit, (down * cos - across * sin) / self.unit


def pixel_centres(rows: slice, columns: slice, device: torch.device) -> tuple[Tensor, Tensor]:
    """(x, y) of the pixels of a window, to be broadcast: [1, w] and [h, 1]."""
    x = torch.arange(columns.start, columns.stop, device=device)[None] + 0.5
    y = torch.arange(rows.start, rows.stop, device=device)[:, None] + 0.5
    return x, y


def _span(start: float, stop: float, length: int) -> slice:
    """The pixels from start to stop of `length` pixels."""
    return slice(min(length, max(0, math.floor(start))), max(0, min(length, math.ceil(stop))))


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _ellipse(u: Tensor, v: Tensor, centre: Point, radii: Point) -> Tensor:
    """1 well inside an upright ellipse, 0 well outside, smooth between."""
    distance = ((u - centre[0]) / radii[0]).square() + ((v - centre[1]) / radii[1]).square()
    inside = ((1.5 - distance) / 1.1).clamp(0, 1)
    return inside * inside * (3 - 2 * inside)
