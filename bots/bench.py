"""`cartoonbot bench`: how fast this machine draws, stage by stage, beside the filters that OpenCV offers."""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import torch
from rich.table import Table

from bots.samples import samples
from core.engine import keep_freed_memory
from core.faces import FaceFinder, chosen
from core.look import Look
from core.photo import Limits, decode, encode, resized
from core.styles.registry import Style

STAGES: Final = ("decode", "faces", "style", "encode")
# What OpenCV itself has for such pictures, each at its own defaults; a build without its photo module lacks them.
FILTERS: Final = ("stylization", "edgePreservingFilter")
# getrusage counts in KiB on Linux, in bytes on macOS.
RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024

Seconds = dict[str, float]


def enlarged_samples(folder: Path, size: int) -> list[Path]:
    """The samples stored in `folder` as JPEG, longest side `size`: decoding has as many pixels as drawing."""
    return [_enlarged(sample, folder, size) for sample in samples()]


class Bench:
    """Draws photos one by one as the studio does, with a clock at every stage."""

    def __init__(
        self, look: Look, style: Style, device: torch.device, limits: Limits, finder: FaceFinder | None
    ) -> None:
        if device.type == "cpu":
            keep_freed_memory()
        self._look = look
        self._style = style
        self._device = device
        self._limits = limits
        self._finder = finder

    def run(self, photos: Sequence[Path], rounds: int, source: str) -> dict[str, Any]:
        """The report, ready for JSON. One more round comes first and does not count. Raises PhotoError."""
        with torch.inference_mode():
            ours = self._rounds(self._draw, photos, rounds)
        # Before OpenCV's filters have theirs.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e6
        all_in = statistics.mean(sum(drawn.values()) for drawn in ours)
        stages = {name: _mean_ms(ours, name) for name in STAGES}
        convolutions = self._convolutions(photos)
        opencv = _opencv_ms(self._rounds(self._filter, photos, rounds))
        return {
            "source": source,
            "photos": len(photos),
            "rounds": rounds,
            "style": self._look.style,
            "strength": self._look.strength,
            "size": self._look.size,
            "photos_per_second": round(1 / all_in, 3),
            "seconds_per_photo": round(all_in, 4),
            "stages_ms": stages,
            "style_in_convolutions": convolutions,
            "opencv_ms": opencv,
            "opencv_over_style": _ratios(opencv, stages["style"]),
            "opencv_over_all_in": _ratios(opencv, all_in * 1000),
            "peak_memory_mb": round(peak),
            "machine": _machine(self._device),
        }

    def _rounds(self, work: Callable[[Path], Seconds], photos: Sequence[Path], rounds: int) -> list[Seconds]:
        """What `work` took for each photo in each round that counts."""
        seconds = [work(photo) for _ in range(rounds + 1) for photo in photos]
        return seconds[len(photos) :]

    def _draw(self, photo: Path) -> Seconds:
        """One photo from file to file's bytes: the seconds of each stage; "faces" only where there is a finder."""
        laps = {"start": self._now()}
        pixels = decode(photo, self._limits, self._look.working_size)
        laps["decode"] = self._now()
        faces = ()
        if self._finder:
            faces = chosen(self._finder.detect(pixels), self._look.faces)
            laps["faces"] = self._now()
        cartoon = self._style.draw([pixels], [faces], [self._look])[0]
        laps["style"] = self._now()
        encode(cartoon, self._look.format)
        laps["encode"] = self._now()
        return {name: end - start for (_, start), (name, end) in pairwise(laps.items())}

    @torch.inference_mode()
    def _convolutions(self, photos: Sequence[Path]) -> float:
        """The share of the style's time that convolutions take, in a round of its own: watching costs time."""
        seconds = busy = 0.0
        for photo in photos:
            pixels = decode(photo, self._limits, self._look.working_size)
            faces = chosen(self._finder.detect(pixels), self._look.faces) if self._finder else ()
            with torch.profiler.profile() as watched:
                start = self._now()
                self._style.draw([pixels], [faces], [self._look])
                seconds += self._now() - start
            rows = [row for row in watched.key_averages() if "convolution" in row.key]
            on_gpu = self._device.type == "cuda"
            busy += sum(row.self_device_time_total if on_gpu else row.self_cpu_time_total for row in rows) / 1e6
        return round(busy / seconds, 3)

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

    def _now(self) -> float:
        """The clock, once the device has done all it was given."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def table(report: dict[str, Any]) -> Table:
    """The report for people."""
    machine = report["machine"]
    look = f"{report['style']} {report['strength']:g} at {report['size']} px"
    rows = Table(
        title=f"{look}; photos: {report['photos']} ({report['source']}); rounds: {report['rounds']}",
        caption=f"{machine['device']}, {machine['cpus']} CPUs, {machine['torch_threads']} threads, "
        f"PyTorch {machine['torch']}, OpenCV {machine['opencv']}, peak memory {report['peak_memory_mb']} MB",
        title_justify="left",
        caption_justify="left",
    )
    rows.add_column("")
    rows.add_column("ms a photo", justify="right")
    rows.add_column("times our style", justify="right")
    rows.add_column("times all in", justify="right")
    for name, milliseconds in report["stages_ms"].items():
        rows.add_row(name, _figure(milliseconds))
        if name == "style":
            share = report["style_in_convolutions"]
            rows.add_row(f"  of it in convolutions: {share:.0%}", _figure(milliseconds * share))
    all_in = f"{report['photos_per_second']:.2f} photos a second"
    rows.add_row(f"all in: {all_in}", _figure(report["seconds_per_photo"] * 1000), end_section=True)
    for name, milliseconds in report["opencv_ms"].items():
        ratios = report["opencv_over_style"][name], report["opencv_over_all_in"][name]
        rows.add_row(f"OpenCV {name}", _figure(milliseconds), *(_figure(ratio, 2) for ratio in ratios))
    return rows


def _enlarged(sample: Path, folder: Path, size: int) -> Path:
    path = folder / sample.name
    path.write_bytes(encode(resized(decode(sample, Limits(), size), size), "jpg"))
    return path


def _mean_ms(measured: Sequence[Seconds], name: str) -> float | None:
    """Over photos and rounds; None for what was not there to measure."""
    seconds = [row[name] for row in measured if name in row]
    return round(statistics.mean(seconds) * 1000, 2) if seconds else None


def _opencv_ms(measured: Sequence[Seconds]) -> dict[str, float | None]:
    each = {name: _mean_ms(measured, name) for name in FILTERS}
    there = [milliseconds for milliseconds in each.values() if milliseconds is not None]
    return {**each, "both": round(sum(there), 2) if len(there) == len(FILTERS) else None}


def _ratios(opencv: dict[str, float | None], ours: float | None) -> dict[str, float | None]:
    """How many times as long as `ours` each takes: above 1 we are faster."""
    return {name: round(theirs / ours, 3) if theirs and ours else None for name, theirs in opencv.items()}


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "opencv_threads": cv2.getNumThreads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "torch": torch.__version__,
        "opencv": cv2.__version__,
    }


def _figure(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
