"""DCT-Net with the geometry of the released pipeline, to the pixel, for tests/bench/compare_released.py.

See modelscope 1.40, pipelines/cv/image_cartoon_pipeline.py and models/cv/cartoon. What is odd there is odd
here: the size is another one where there is no face, enlarging blurs, and faces in profile may be drawn mirrored.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from core.faces import Face
from core.photo import Array
from core.styles.heads import POINTS, SIDE, Places, similarity
from core.tfgraph import GraphModule, load_graph
from core.weights import Installed

_SHORTER_SIDE: Final = 720
_MULTIPLE: Final = 16
_WHITE: Final = (255, 255, 255)

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


class ReleasedPipeline:
    """Draws one photo at a time, in float32, with the networks of one release."""

    def __init__(self, device: torch.device, weights: Installed) -> None:
        self._device = device
        self._whole, self._head = (load_graph(path).to(device) for path in (weights.whole_picture, weights.heads))
        mask = cv2.imdecode(np.fromfile(weights.mask, np.uint8), cv2.IMREAD_COLOR)
        mask = cv2.resize(np.asarray(mask), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self._mask = cv2.cvtColor(mask, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255

    def draw(self, photo: Array, faces: Sequence[Face]) -> Array:
        """uint8 RGB [H, W, 3] in; the same out, at the photo's size or, without faces, at the reduced one."""
        height, width = photo.shape[:2]
        reduced = _reduced(photo)
        rows, columns = reduced.shape[:2]
        result = self._drawn(self._whole, _padded(reduced))[:rows, :columns]
        if not faces:
            return result
        scale = complex(columns / width, rows / height)
        blended = result.astype(np.float32)
        for face in faces:
            places = np.array([complex(x * scale.real - 0.5, y * scale.imag - 0.5) for x, y in face.points])
            blended = self._with_head(blended, reduced, places)
        enlarged = cv2.resize(blended, (width, height), interpolation=cv2.INTER_AREA)
        return np.rint(enlarged).clip(0, 255).astype(np.uint8)

    def _with_head(self, result: Floats, photo: Array, places: Places) -> Floats:
        to_photo = _released_similarity(places)
        square = cv2.warpAffine(photo, cv2.invertAffineTransform(to_photo), (SIDE, SIDE), borderValue=_WHITE)
        sides = photo.shape[1::-1]
        # As there: warped back as whole levels, and dark where the square ends.
        head = cv2.warpAffine(self._drawn(self._head, np.asarray(square, np.uint8)), to_photo, sides)
        mask = cv2.warpAffine(self._mask, to_photo, sides)[..., None]
        return np.asarray(mask * head + (1 - mask) * result, np.float32)

    def _drawn(self, network: GraphModule, picture: Array) -> Array:
        bgr = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1], np.float32)).to(self._device)
        return network(bgr).cpu().numpy()[..., ::-1]


def _reduced(photo: Array) -> Array:
    height, width = photo.shape[:2]
    most = _SHORTER_SIDE
    if min(height, width) > most:
        height, width = (
            (int(most * height / width), most) if height > width else (most, int(most * width / height))
        )
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _padded(photo: Array) -> Array:
    """White below and to the right; where one side is no multiple of 16, both grow."""
    height, width = photo.shape[:2]
    if height % _MULTIPLE == 0 and width % _MULTIPLE == 0:
        return photo
    below, beyond = (_MULTIPLE - side % _MULTIPLE for side in (height, width))
    padded = cv2.copyMakeBorder(photo, 0, below, 0, beyond, cv2.BORDER_CONSTANT, value=_WHITE)
    return np.asarray(padded, np.uint8)


def _released_similarity(places: Places) -> Matrix:
    """[2, 3] from the square to the photo, as matlab_cp2tform.py finds it there.

    It fits the square's points to the photo's with and without a reflection, inverts both, and takes what brings
    the photo's points nearer: nearer to points that it has mirrored before, so that a narrow face is reflected.
    """
    mirrored = -POINTS.conjugate()
    a, b = similarity(POINTS, places)
    reflected_a, reflected_b = similarity(mirrored, places)
    plain_error = np.linalg.norm((places - b) / a - mirrored)
    reflected_error = np.linalg.norm(-((places - reflected_b) / reflected_a).conjugate() - mirrored)
    if plain_error <= reflected_error:
        return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    a, b = reflected_a, reflected_b
    return np.array([[-a.real, -a.imag, b.real], [-a.imag, a.real, b.imag]])
