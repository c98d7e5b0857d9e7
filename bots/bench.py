"""`cartoonbot bench`: how fast this machine draws, or which of two settings draws faster."""

import os
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import cv2
import torch

from bots.bench_pipeline import BuildEngine, Round, Setting, Work, measured
from bots.bench_stages import StageBench
from core.engine import pick_device

# getrusage counts in KiB on Linux, in bytes on macOS.
RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


def report_on(settings: Sequence[Setting], build_engine: BuildEngine, work: Work, rounds: int) -> dict[str, Any]:
    """What one setting does, or two compared, ready for JSON. Raises what `measured` raises."""
    drawn = measured(settings, build_engine, work, rounds)
    # Before OpenCV's filters have theirs.
    peaks = _peaks()
    figures = [_figures(setting, work, of_one) for setting, of_one in zip(settings, drawn, strict=True)]
    if len(settings) == 1:
        findings = {**figures[0], **_stages(settings[0], build_engine, work, rounds)}
    else:
        findings = {"settings": figures, **_ratios(*drawn)}
    return {
        "source": work.source,
        "photos": work.photos,
        "different_photos": len(work.files),
        "rounds": rounds,
        **findings,
        **peaks,
        "machine": _machine(pick_device(settings[0].device)),
    }


def _figures(setting: Setting, work: Work, rounds: Sequence[Round]) -> dict[str, Any]:
    """Medians over the rounds; `batches` of all of them together, by their number of photos."""
    seconds = statistics.median(each.seconds for each in rounds)
    batches = sum((each.batches for each in rounds), Counter[int]())
    look = asdict(setting.look)
    del look["sheet"]
    return {
        **look,
        "batch_size": setting.batch_size,
        "device": setting.device,
        "precision": setting.precision,
        "photos_per_second": round(work.photos / seconds, 3),
        "seconds": round(seconds, 4),
        "seconds_by_round": [round(each.seconds, 4) for each in rounds],
        "batches": {str(photos): batches[photos] for photos in sorted(batches, reverse=True)},
        "failed_batches": sum(each.failed for each in rounds),
        "device_busy": round(statistics.median(each.busy / each.seconds for each in rounds), 3),
    }


def _ratios(first: Sequence[Round], second: Sequence[Round]) -> dict[str, Any]:
    """How many times as long the second setting takes, pair by pair."""
    ratios = [late.seconds / early.seconds for early, late in zip(first, second, strict=True)]
    summary = {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    return {
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": {name: round(ratio, 3) for name, ratio in summary.items()},
    }


def _stages(setting: Setting, build_engine: BuildEngine, work: Work, rounds: int) -> dict[str, Any]:
    on_gpu = pick_device(setting.device).type == "cuda"
    engine = build_engine(setting)
    try:
        return StageBench(engine, setting.look, work.limits, on_gpu=on_gpu).run(work.files, rounds)
    finally:
        engine.close()


def _peaks() -> dict[str, int]:
    """The most memory, in MB, that this process has held so far; on the device what PyTorch has reserved there."""
    gpus = range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)
    return {
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e6),
        "peak_device_memory_mb": round(sum(torch.cuda.max_memory_reserved(gpu) for gpu in gpus) / 1e6),
    }


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "opencv_threads": cv2.getNumThreads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "torch": torch.__version__,
        "opencv": cv2.__version__,
    }
