"""`cartoonbot bench`: the figures of a report agree with one another, and wrong usage is a sentence."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from bots.bench import report_on
from bots.bench_photos import FreshPhotos, enlarged_samples
from bots.bench_pipeline import Setting, Work, measured
from bots.bench_stages import STAGES, StageBench
from bots.bench_table import table
from bots.cli import cli
from core.errors import PhotoFailed
from core.look import Look
from core.photo import Array, Limits, decode, inspect
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine
from tests.test_walls import BARE_HOST, run_python

SMALL = Look(size=512)
QUICK = ("--style", "ink", "--size", "512")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the .env of this checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEVICE", "cpu")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_bytes(gradient(150, 100)))
    return path


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["bench", *map(str, arguments)])


def printed(report: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=150)
    console.print(table(report))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def quick(setting: Setting) -> QuickEngine:
    return QuickEngine()


def test_the_figures_of_a_real_run_agree_with_one_another(photo: Path):
    done = bench(photo, *QUICK, "--strength", "0.5", "--photos", "1", "--rounds", "1", "--format", "png", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    asked = ("photos", "different_photos", "rounds", "style", "strength", "size", "format", "batch_size", "device")
    assert [report[name] for name in asked] == [1, 1, 1, "ink", 0.5, 512, "png", 4, "cpu"]
    assert report["source"] == "yours, stored as JPEG"
    assert report["seconds"] == report["seconds_by_round"][0]
    assert report["photos_per_second"] * report["seconds"] == pytest.approx(1, rel=0.02)
    assert report["batches"] == {"1": 1}
    assert report["failed_batches"] == 0
    assert 0 < report["device_busy"] <= 1

    assert tuple(report["stages_ms"]) == STAGES
    assert min(report["stages_ms"].values()) >= 0
    assert sum(report["stages_ms"].values()) == pytest.approx(report["one_by_one_ms"], abs=0.05)
    opencv = report["opencv_ms"]
    assert opencv["both"] == pytest.approx(opencv["stylization"] + opencv["edgePreservingFilter"], abs=0.02)
    for name, milliseconds in opencv.items():
        over_style = milliseconds / report["stages_ms"]["style"]
        over_all = milliseconds / report["one_by_one_ms"]
        assert report["opencv_over_style"][name] == pytest.approx(over_style, rel=0.01, abs=0.001)
        assert report["opencv_over_one_by_one"][name] == pytest.approx(over_all, rel=0.01, abs=0.001)
    assert 0 < report["style_in_convolutions"] < 0.5  # ink has one, to estimate noise

    assert report["machine"]["cpus"] >= 1
    assert report["machine"]["device"] == "cpu"
    assert 50 < report["peak_memory_mb"] < 100_000
    assert report["peak_device_memory_mb"] == 0
    shown = printed(report)
    for word in (*STAGES, "pipeline", "photos/s", "batches of", "OpenCV stylization", "OpenCV both", "peak"):
        assert word in shown


def test_two_settings_are_compared_round_by_round(photo: Path):
    settings = [Setting(SMALL, "cpu"), Setting(replace(SMALL, format="png"), "cpu", 1, "full")]
    report = report_on(settings, quick, Work([photo], 2, "a gradient", Limits()), 2)
    first, second = report["settings"]
    names = ("format", "batch_size", "precision", "size")
    assert [first[name] for name in names] == ["jpg", 4, "auto", 512]
    assert [second[name] for name in names] == ["png", 1, "full", 512]
    pairs = zip(first["seconds_by_round"], second["seconds_by_round"], strict=True)
    ratios = [late / early for early, late in pairs]
    assert report["ratios"] == pytest.approx(ratios, rel=0.02)
    assert report["ratio"]["least"] == min(report["ratios"])
    assert report["ratio"]["most"] == max(report["ratios"])
    assert report["ratio"]["median"] == pytest.approx(sum(report["ratios"]) / 2, abs=0.002)
    shown = printed(report)
    for word in (
        "format png, batch-size 1, precision full",
        "seconds, round 2",
        "times as long",
        "least and most",
    ):
        assert word in shown


def test_people_get_a_table():
    changes = ("--compare", "size=600", "--compare", "precision=full")
    done = bench(*QUICK, "--photos", "1", "--rounds", "1", *changes)
    assert done.exit_code == 0, done.output
    shown = " ".join(done.stdout.split())
    for word in ("samples, stored at 600 px", "size 512", "size 600", "seconds, round 1", "device busy"):
        assert word in shown


def test_settings_take_turns_and_the_warm_up_does_not_count(photo: Path):
    drawn: list[str] = []

    class Noting(QuickEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            drawn.append(looks[0].format)
            return super().stylize(photos, looks)

    settings = [Setting(Look(size=512, format=name)) for name in ("jpg", "png")]
    rounds = measured(settings, lambda setting: Noting(), Work([photo], 1, "", Limits()), 2)
    assert drawn == ["jpg", "png"] * 3
    assert [[each.batches for each in of_one] for of_one in rounds] == [[{1: 1}] * 2] * 2


def test_all_photos_of_a_round_are_drawn_in_batches(photo: Path):
    work = Work([photo], 10, "", Limits())
    report = report_on([Setting(SMALL, device="cpu", batch_size=2)], quick, work, 2)
    assert set(report["batches"]) <= {"1", "2"}
    assert sum(int(photos) * times for photos, times in report["batches"].items()) == 20
    assert report["photos_per_second"] * report["seconds"] == pytest.approx(10, rel=0.02)
    assert report["style_in_convolutions"] is None


def test_a_photo_that_cannot_be_drawn_ends_the_measurement(photo: Path):
    class Broken(QuickEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            raise RuntimeError("not today")

    with pytest.raises(PhotoFailed):
        measured([Setting(SMALL)] * 2, lambda setting: Broken(), Work([photo], 3, "", Limits()), 1)


def test_no_photo_comes_twice_for_an_engine_remembers_faces(photo: Path, tmp_path: Path):
    fresh = FreshPhotos([photo], Limits())
    pictures = [decode(path, Limits(), 100) for _ in range(5) for path in fresh.into(tmp_path, 60)]
    assert len({picture.tobytes() for picture in pictures}) == 300
    assert {picture.shape for picture in pictures} == {decode(photo, Limits(), 100).shape}
    assert np.abs(pictures[0].astype(int) - pictures[-1]).mean() < 1


def test_without_opencv_s_photo_module_its_figures_are_null(photo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(cv2, "stylization")
    report = StageBench(QuickEngine(), SMALL, Limits(), on_gpu=False).run([photo], 1)
    for part in ("opencv_ms", "opencv_over_style", "opencv_over_one_by_one"):
        assert report[part]["edgePreservingFilter"] > 0
        assert report[part]["stylization"] is None
        assert report[part]["both"] is None


def test_samples_are_stored_at_the_asked_size(tmp_path: Path):
    stored = enlarged_samples(tmp_path, 700)
    assert [path.name for path in stored] == [
        "astronaut.jpg", "chelsea.jpg", "coffee.jpg", "grace_hopper.jpg", "rocket.jpg"
    ]  # fmt: skip
    assert {max(inspect(path, Limits())) for path in stored} == {700}


def test_measuring_needs_no_more_than_a_gpu_host_has():
    assert run_python(BARE_HOST, "bots.bench", environment={"PATH": ""}) == "1\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--style", "oil"], 'There is no style "oil"'),
        (["--size", "99999"], "whole number from 512 to 2048"),
        (["--rounds", "0"], "Invalid value for '--rounds'"),
        (["--photos", "0"], "Invalid value for '--photos'"),
        (["--compare", "colour=red"], "--compare colour=red: write NAME=VALUE, such as size=2048. NAME is any of"),
        (["--compare", "size"], "--compare size: write NAME=VALUE"),
        (["--compare", "size=9"], "whole number from 512 to 2048"),
        (["--compare", "batch-size=0"], "--compare batch-size=0: Input should be greater than or equal to 1."),
        (["--compare", "precision=half"], "--compare precision=half: Input should be 'auto' or 'full'."),
        (["--compare", "device=abacus"], "DEVICE=abacus does not work here"),
        (["nowhere.jpg"], "nowhere.jpg' does not exist"),
        (["empty"], "There are no photos there."),
        (["notes.jpg"], "notes.jpg: this is not a picture I can read."),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_two(tmp_path: Path, arguments: list[str], sentence: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.jpg").write_text("words")
    done = bench(*arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.replace("│", " ").split())
