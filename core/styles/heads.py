"""Where the heads of a photo are, as DCT-Net's head network is shown them: upright squares around five points.

Places are complex numbers, x + iy: a similarity (turning, scaling and moving) is then just a * z + b.
"""

from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from core.faces import Face
from core.styles.portrait import pixel_centres
from core.styles.resample import reshaped

Places = npt.NDArray[np.complex128]

SIDE: Final = 288
# Where the five points belong in a square of that side, in pixels from the centre of its first one: those of the
# released pipeline (modelscope, models/cv/cartoon/mtcnn_pytorch/src/align_trans.py) for a square of 112, pulled to
# its middle.
_OF_112: Final = np.array(
    [39.2946 + 52.6963j, 74.5318 + 52.5014j, 57.0252 + 72.7366j, 42.5493 + 93.3655j, 71.7299 + 93.2041j]
)
_MIDDLE: Final = 56 + 56j
POINTS: Final = ((_OF_112 - _MIDDLE) * 0.75 + _MIDDLE) * (SIDE / 112)

_COINCIDING: Final = 1e-24  # spread of points that are one, as a share of their squares


class Head(NamedTuple):
    """A head in a photo: the place z of the photo is at a * z + b of the square, whose sides are 1."""

    a: complex
    b: complex

    @classmethod
    def of(cls, face: Face) -> Self:
        """The head around a face. Lengths are pixels of the photo; a pixel's centre is at a half."""
        places = np.array([complex(*point) for point in face.points])
        return cls(*similarity(places, (POINTS + (0.5 + 0.5j)) / SIDE))

    @property
    def side(self) -> float:
        """The square's side in pixels of the photo."""
        return 1 / abs(self.a)

    def scaled(self, factor: float) -> Self:
        """The head in a photo scaled by `factor`."""
        return self._replace(a=self.a / factor)

    def window(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the photo's pixels that the square touches; may be empty."""
        corners = (np.array([0, 1, 1j, 1 + 1j]) - self.b) / self.a
        top, bottom = np.floor(corners.imag.min()), np.ceil(corners.imag.max())
        left, right = np.floor(corners.real.min()), np.ceil(corners.real.max())
        rows = slice(*np.clip([top, bottom], 0, height).astype(int).tolist())
        return rows, slice(*np.clip([left, right], 0, width).astype(int).tolist())

    def touches(self, height: int, width: int) -> bool:
        """Whether any of the square is in the photo."""
        return all(part.stop > part.start for part in self.window(height, width))

    def shifted(self, by: complex) -> Self:
        """The head in a photo moved by (x, y) as x + iy."""
        return self._replace(b=self.b - self.a * by)

    def cut(self, photo: Tensor, side: int) -> Tensor:
        """The square cut out of a photo, float [1, 3, H, W] -> [1, 3, side, side]; mirrored beyond its edges."""
        rows, columns = self.window(*photo.shape[-2:])
        part = photo[..., rows, columns]
        height, width = part.shape[-2:]
        head = self.shifted(-complex(columns.start, rows.start))
        x = y = (torch.arange(side, device=photo.device) + 0.5) / side
        grid = _grid(x[None], y[:, None], 1 / head.a, -head.b / head.a, 1 / width, 1 / height)
        # Reduced first where it would be sampled too sparsely.
        scale = min(1.0, side / self.side)
        part = reshaped(part, (max(1, round(height * scale)), max(1, round(width * scale))))
        return F.grid_sample(part, grid, padding_mode="reflection", align_corners=False)

    def grid(self, rows: slice, columns: slice, device: torch.device) -> Tensor:
        """Where the pixels of a window of the photo are in the square, for grid_sample: [1, h, w, 2]."""
        x, y = pixel_centres(rows, columns, device)
        return _grid(x, y, self.a, self.b, 1, 1)


def similarity(places: Places, meant: Places) -> tuple[complex, complex]:
    """a and b of the similarity a * z + b that brings the places nearest to the meant ones; complex arrays.

    Least squares in closed form ("Least-squares estimation of transformation parameters between two point
    patterns", Umeyama 1991), which complex numbers make one line. Points that all coincide give a scale of one.
    """
    centred, aim = places - places.mean(), meant - meant.mean()
    spread = np.vdot(centred, centred).real
    # The mean of equal numbers may be off by their last digit.
    apart = spread > _COINCIDING * np.vdot(places, places).real
    a = complex(np.vdot(centred, aim) / spread) if apart else 1 + 0j
    return a, complex(meant.mean() - a * places.mean())


def _grid(x: Tensor, y: Tensor, a: complex, b: complex, across: float, down: float) -> Tensor:
    """Where a * (x + iy) + b is, in units of `across` and `down`, for grid_sample: [1, h, w, 2]."""
    to_x = (a.real * x - a.imag * y + b.real) * across
    to_y = (a.imag * x + a.real * y + b.imag) * down
    return torch.stack(torch.broadcast_tensors(to_x * 2 - 1, to_y * 2 - 1), -1)[None]
