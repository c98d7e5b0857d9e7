"""Time the released DCT-Net pipeline and ours in turn, on the same photos, faces and weights.

    tests/bench/make_reference_env.sh
    .venv/bin/python -m tests.bench.compare_released MODEL_DIR PHOTOS...

The released pipeline runs under TensorFlow in an environment of its own (.reference-env), as a process that waits
while ours draws, and the other way round. Both get the same decoded pixels and the same faces, so neither finding
faces nor files count. Pixels are compared, too: ours in exact mode must be what TensorFlow makes.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from bots.convert import gather
from core.engine import keep_freed_memory
from core.faces import Face, FaceFinder
from core.look import Look
from core.photo import Array, Limits, decode
from core.styles.dctnet import DctNetStyle
from core.styles.dctnet_exact import ReleasedPipeline
from core.weights import WeightsFolder

ROOT = Path(__file__).resolve().parents[2]
SIZE = 1024


class Released:
    """The worker in its own environment."""

    def __init__(self, python: Path, model: Path) -> None:
        command = [str(python), str(Path(__file__).with_name("released_pipeline.py")), str(model)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def draw(self, photo: Path, faces: Sequence[Face], out: Path) -> dict[str, Any]:
        """Its answer: seconds, height, width, faces, error."""
        request = {"photo": str(photo), "faces": [face.points for face in faces], "out": str(out)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(
                "The reference environment does not answer. Make it: tests/bench/make_reference_env.sh"
            )
        answer: dict[str, Any] = json.loads(line)
        if answer["error"]:
            raise SystemExit(f"The released pipeline failed on {photo}: {answer['error']}")
        return answer


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path, help="a DCT-Net model folder, with its face graphs")
    options.add_argument("photos", type=Path, nargs="+", help="photos, or folders of photos")
    options.add_argument("--python", type=Path, default=ROOT / ".reference-env" / "bin" / "python")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(asked.model.resolve(), gather(asked.photos), asked.python, asked.rounds, Path(folder))


def compare(model: Path, photos: Sequence[Path], python: Path, rounds: int, folder: Path) -> None:
    """Print a row for each photo: median seconds of both, the ratio of each pair, and how far pixels differ."""
    weights = WeightsFolder(folder / "weights").install("anime", model)
    released, finder, cpu = Released(python, model), FaceFinder.installed(), torch.device("cpu")
    keep_freed_memory()  # as the engine does
    ours, exact = DctNetStyle(cpu, weights), ReleasedPipeline(cpu, weights)
    print(
        f"{'photo':28} {'size':>10} faces  released  ours   ratio of pairs (median, least)  pixels: most, within 1"
    )
    ratios: list[float] = []
    for number, photo in enumerate(photos):
        pixels = decode(photo, Limits(), SIZE)
        faces, look = finder.find(pixels), Look("anime", 1.0, max(pixels.shape[:2]))
        stored, out = folder / f"{number}.png", folder / f"{number}-released.png"
        cv2.imwrite(str(stored), pixels[..., ::-1])
        pairs: list[tuple[float, float]] = []
        for counts in [False, *[True] * rounds]:
            theirs = released.draw(stored, faces, out)["seconds"]
            mine = _seconds(ours, pixels, faces, look)
            if counts:
                pairs.append((theirs, mine))
        each = [theirs / mine for theirs, mine in pairs]
        ratios += each
        theirs, mine = (statistics.median(side) for side in zip(*pairs, strict=True))
        with torch.inference_mode():
            most, within = _difference(exact.draw(pixels, faces), decode(out, Limits(), SIZE))
        print(
            f"{photo.stem:28} {pixels.shape[1]:>5}x{pixels.shape[0]:<4} {len(faces):>5} {theirs:8.3f} {mine:7.3f}"
            f"  {statistics.median(each):6.2f} {min(each):6.2f} {most:>4} {within:9.4%}",
            flush=True,
        )
    print(f"over all pairs: released / ours = {statistics.median(ratios):.2f} (median), {min(ratios):.2f} (least)")
    print(
        f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}; ours at strength 1, the photo's own size"
    )


def _seconds(style: DctNetStyle, photo: Array, faces: Sequence[Face], look: Look) -> float:
    with torch.inference_mode():
        started = time.perf_counter()
        style.draw([photo], [faces], [look])
        return time.perf_counter() - started


def _difference(one: Array, other: Array) -> tuple[int, float]:
    """The most that two pictures differ in a value, and the share of values at most one level apart."""
    if one.shape != other.shape:
        raise SystemExit(f"The released result is {other.shape}, and ours in exact mode is {one.shape}.")
    apart = np.abs(one.astype(int) - other)
    return int(apart.max()), float((apart <= 1).mean())


if __name__ == "__main__":
    main()
