"""One photo at a time with a clock at every stage, beside the filters that OpenCV offers for such pictures."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import torch

from bots.bench_photos import FreshPhotos
from core.engine import Engine
from core.look import Look
from core.photo import Limits, decode, encode, resized

STAGES: Final = ("decode", "faces", "style", "encode")
# What OpenCV itself has for such pictures, each at its own defaults; a build without its photo module lacks them.
FILTERS: Final = ("stylization", "edgePreservingFilter")

Seconds = dict[str, float]


class StageBench:
    """Each stage by itself; in the pipeline they overlap. `on_gpu`: whether that is where the engine draws."""

    def __init__(self, engine: Engine, look: Look, limits: Limits, *, on_gpu: bool) -> None:
        self._engine = engine
        self._look = look
        self._limits = limits
        self._on_gpu = on_gpu

    def run(self, files: Sequence[Path], rounds: int) -> dict[str, Any]:
        """This part of the report, ready for JSON: times in ms a photo, ratios above 1 where we are faster.

        One more round comes first and does not count. Raises PhotoError.
        """
        photos = FreshPhotos(files, self._limits)
        with tempfile.TemporaryDirectory() as folder:
            ours = _rounds(self._draw, lambda: photos.into(Path(folder), len(files)), rounds)
            convolutions = self._convolutions(photos.into(Path(folder), len(files)))
        theirs = _rounds(self._filter, lambda: files, rounds)
        stages = {name: _median_ms(row[name] for row in ours) for name in STAGES}
        all_in = _median_ms(sum(row.values()) for row in ours)
        opencv = {name: _median_ms(row[name] for row in theirs if name in row) for name in FILTERS}
        parts = [milliseconds for milliseconds in opencv.values() if milliseconds is not None]
        opencv["both"] = round(sum(parts), 2) if len(parts) == len(FILTERS) else None
        return {
            "stages_ms": stages,
            "one_by_one_ms": all_in,
            "style_in_convolutions": convolutions,
            "opencv_ms": opencv,
            "opencv_over_style": _ratios(opencv, stages["style"]),
            "opencv_over_one_by_one": _ratios(opencv, all_in),
        }

    def _draw(self, photo: Path) -> Seconds:
        """One photo from file to file's bytes: the seconds of each stage."""
        laps = {"start": time.perf_counter()}
        pixels = decode(photo, self._limits, self._look.working_size)
        laps["decode"] = time.perf_counter()
        self._engine.prepare(pixels)
        laps["faces"] = time.perf_counter()
        cartoon = self._engine.stylize([pixels], [self._look])[0]
        laps["style"] = time.perf_counter()
        encode(cartoon, self._look.format)
        laps["encode"] = time.perf_counter()
        return {name: end - start for (_, start), (name, end) in pairwise(laps.items())}

    def _convolutions(self, photos: Sequence[Path]) -> float | None:
        """The share of the style's time that convolutions take, in a round of its own: watching costs time.

        None where none is seen, as inside a graph of CUDA.
        """
        seconds = busy = 0.0
        for photo in photos:
            pixels = decode(photo, self._limits, self._look.working_size)
            self._engine.prepare(pixels)
            with torch.profiler.profile() as watched:
                start = time.perf_counter()
                self._engine.stylize([pixels], [self._look])
                seconds += time.perf_counter() - start
            for row in watched.key_averages():
                if "convolution" in row.key:
                    busy += (row.self_device_time_total if self._on_gpu else row.self_cpu_time_total) / 1e6
        return round(busy / seconds, 3) if busy else None

    def _filter(self, photo: Path) -> Seconds:
        """The seconds of each of OpenCV's filters on the photo at the size of the cartoon."""
        pixels = resized(decode(photo, self._limits, self._look.size), self._look.size)
        seconds: Seconds = {}
        for name in FILTERS:
            if apply := getattr(cv2, name, None):
                start = time.perf_counter()
                apply(pixels)
                seconds[name] = time.perf_counter() - start
        return seconds


def _rounds(work: Callable[[Path], Seconds], photos: Callable[[], Sequence[Path]], rounds: int) -> list[Seconds]:
    """What `work` took for a photo on average, in each round that counts."""
    measured = [[work(photo) for photo in photos()] for _ in range(rounds + 1)]
    return [{name: statistics.mean(row[name] for row in rows) for name in rows[0]} for rows in measured[1:]]


def _median_ms(seconds: Iterable[float]) -> float | None:
    """Over rounds; None for what was not there to measure."""
    there = list(seconds)
    return round(statistics.median(there) * 1000, 2) if there else None


def _ratios(opencv: dict[str, float | None], ours: float | None) -> dict[str, float | None]:
    return {name: round(theirs / ours, 3) if theirs and ours else None for name, theirs in opencv.items()}
