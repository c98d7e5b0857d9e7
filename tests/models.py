"""DCT-Net model folders: one made of the project's own small graphs, and the way to the shared one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.photo import Array
from core.releases import HEADS, MASK, WHOLE_PICTURE
from core.styles.heads import SIDE
from core.weights import Installed, WeightsFolder

SHARED_MODEL = Path(__file__).resolve().parents[2] / "shared" / "models" / "dctnet-layout"
GRAPHS = Path(__file__).resolve().parent / "core" / "tfgraph" / "graphs"


def model_folder(folder: Path) -> Path:
    """The folder, filled like a release: two tiny networks, of which the one for heads tints red, and a mask."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(GRAPHS / "dctnet_tiny.pb", folder / WHOLE_PICTURE)
    shutil.copyfile(GRAPHS / "dctnet_tiny_head.pb", folder / HEADS)
    Image.fromarray(head_mask()).save(folder / MASK, quality=95)
    return folder


def installed(folder: Path, style: str = "anime") -> Installed:
    """The tiny model, installed as a style below `folder`."""
    return WeightsFolder(folder / "weights").install(style, model_folder(folder / "download"))


def shared_model(folder: Path) -> Installed:
    """The model beside the project, with trained networks, installed below `folder`; or a skip without it."""
    if not SHARED_MODEL.is_dir():
        pytest.skip("no ../shared/models/dctnet-layout beside this checkout")
    return WeightsFolder(folder / "weights").install("anime", SHARED_MODEL)


def head_mask() -> Array:
    """White within an upright ellipse, black outside, soft between, as released: uint8 [288, 288, 3]."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2
    inside = np.clip((1 - np.hypot(x / 114, y / 129)) * 7, 0, 1)
    return np.repeat((inside * 255).astype(np.uint8)[..., None], 3, 2)
