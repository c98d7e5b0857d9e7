"""Reports of `cartoonbot bench` for people: one table each."""

from typing import Any, Final

from rich.table import Table

# What two settings may differ in, by its name in a report.
NAMES: Final = ("style", "strength", "size", "format", "faces", "batch_size", "device", "precision")


def table(report: dict[str, Any]) -> Table:
    """The report for people."""
    return _comparison(report) if "settings" in report else _speed(report)


def _speed(report: dict[str, Any]) -> Table:
    """The pipeline as a whole, its stages one by one, and OpenCV's filters beside them."""
    rows = _empty(report, report, "ms a photo", "times our style", "times one by one")
    milliseconds = report["seconds"] / report["photos"] * 1000
    rows.add_row(f"pipeline: {report['photos_per_second']:.2f} photos/s", _figure(milliseconds))
    rows.add_row(f"  {report['photos']} photos: {report['seconds']:.2f} s")
    rows.add_row(f"  batches of {_batches(report)}")
    rows.add_row(f"  device busy: {report['device_busy']:.0%}", end_section=True)
    share = report["style_in_convolutions"]
    for name, milliseconds in report["stages_ms"].items():
        rows.add_row(name, _figure(milliseconds))
        if name == "style" and share is not None:
            rows.add_row(f"  in convolutions: {share:.0%}", _figure(milliseconds * share))
    rows.add_row("one by one", _figure(report["one_by_one_ms"]), end_section=True)
    for name, milliseconds in report["opencv_ms"].items():
        ratios = report["opencv_over_style"][name], report["opencv_over_one_by_one"][name]
        rows.add_row(f"OpenCV {name}", _figure(milliseconds), *(_figure(ratio, 2) for ratio in ratios))
    return rows


def _comparison(report: dict[str, Any]) -> Table:
    """Two settings side by side, round by round."""
    first, second = report["settings"]
    rows = _empty(report, first, _beside(first, second), _beside(second, first), "times as long")
    by_round = zip(first["seconds_by_round"], second["seconds_by_round"], report["ratios"], strict=True)
    for number, (early, late, ratio) in enumerate(by_round, 1):
        rows.add_row(f"seconds, round {number}", _figure(early, 2), _figure(late, 2), _figure(ratio, 3))
    rows.add_section()
    ratio = report["ratio"]
    seconds = (_figure(each["seconds"], 2) for each in (first, second))
    rows.add_row("seconds, median", *seconds, _figure(ratio["median"], 3))
    rows.add_row("least and most", "", "", f"{ratio['least']:.3f} to {ratio['most']:.3f}", end_section=True)
    rows.add_row("photos/s", *(_figure(each["photos_per_second"], 2) for each in (first, second)))
    rows.add_row("batches of", *(_batches(each) for each in (first, second)))
    rows.add_row("device busy", *(f"{each['device_busy']:.0%}" for each in (first, second)))
    return rows


def _empty(report: dict[str, Any], setting: dict[str, Any], *heads: str) -> Table:
    machine = report["machine"]
    look = f"{setting['style']} {setting['strength']:g} at {setting['size']} px as {setting['format']}"
    memory = f"peak memory {report['peak_memory_mb']} MB"
    if report["peak_device_memory_mb"]:
        memory += f", on the device {report['peak_device_memory_mb']} MB"
    rows = Table(
        title=f"{look}; photos: {report['photos']} ({report['source']}); rounds: {report['rounds']}",
        caption=f"{machine['device']}, {machine['cpus']} CPUs, {machine['torch_threads']} threads, "
        f"PyTorch {machine['torch']}, OpenCV {machine['opencv']}, {memory}",
        title_justify="left",
        caption_justify="left",
    )
    rows.add_column("")
    for head in heads:
        rows.add_column(head, justify="right")
    return rows


def _beside(setting: dict[str, Any], other: dict[str, Any]) -> str:
    """What it has that the other one has not: "size 2048"."""
    names = [name for name in NAMES if setting[name] != other[name]]
    return ", ".join(f"{name.replace('_', '-')} {setting[name]}" for name in names) or "the same"


def _batches(setting: dict[str, Any]) -> str:
    """ "4 (5x), 1 (2x)": their numbers of photos, and how often each came in all rounds."""
    drawn = ", ".join(f"{photos} ({times}x)" for photos, times in setting["batches"].items())
    failed = setting["failed_batches"]
    return f"{drawn}; {failed} failed" if failed else drawn


def _figure(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
