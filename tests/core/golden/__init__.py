"""Drawings as they were when last approved by eye, reduced to 160 pixels: <style>-<photo>.png.

After a wanted change of a style, renew them with `python -m tests.core.golden` and look at what changed.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from core.faces import Face
from core.look import Look
from core.photo import Array, fitted
from core.styles import registry
from tests.pictures import sample_photo

FOLDER: Final = Path(__file__).parent
# As the face finder sees it: written down, so that these drawings do not depend on its weights.
ASTRONAUT_FACE: Final = Face(
    box=(177.3, 61.2, 268.2, 177.5),
    points=((203.3, 102.1), (247.0, 101.5), (224.4, 125.1), (205.0, 144.1), (242.4, 143.5)),
    score=0.87,
)
FACES: Final[dict[str, tuple[Face, ...]]] = {"astronaut": (ASTRONAUT_FACE,), "chelsea": (), "coffee": ()}
_LONGEST: Final = 160


def file_of(style: str, photo: str) -> Path:
    return FOLDER / f"{style}-{photo}.png"


def drawn(style: str, photo: str) -> Array:
    """The photo drawn in that style as people first get it, at the smallest size, then reduced."""
    look = Look(style=style, size=512)
    with torch.inference_mode():
        built = registry.built_in(style, torch.device("cpu"))
        (drawing,) = built.draw([sample_photo(photo)], [FACES[photo]], [look])
    height, width = fitted(drawing.shape[0], drawing.shape[1], _LONGEST)
    return np.asarray(cv2.resize(drawing, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
