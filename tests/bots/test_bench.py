"""`cartoonbot bench`: the figures of a report agree with one another, and wrong usage is a sentence."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from typer.testing import CliRunner, Result

from bots.bench import STAGES, Bench, enlarged_samples
from bots.cli import cli
from bots.samples import samples
from core.errors import FacesUnavailable
from core.faces import installed_weights
from core.look import Look
from core.photo import Limits, inspect
from core.styles.registry import built_in
from tests.pictures import gradient, jpeg_bytes

QUICK = ("--size", "512", "--rounds", "1")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the .env of this checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEVICE", "cpu")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_bytes(gradient(600, 400)))
    return path


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["bench", *map(str, arguments)])


def without_faces() -> dict[str, Any]:
    """The report of one sample by a bench without a face finder."""
    look, cpu = Look(size=512), torch.device("cpu")
    return Bench(look, built_in(look.style, cpu), cpu, Limits(), None).run(samples()[:1], 1, "a sample")


def test_the_figures_of_one_photo_agree_with_one_another(photo: Path):
    done = bench(photo, *QUICK, "--strength", "0.5", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [report[name] for name in ("photos", "rounds", "style", "strength", "size")] == [1, 1, "ink", 0.5, 512]
    stages = [value for value in report["stages_ms"].values() if value is not None]
    assert tuple(report["stages_ms"]) == STAGES
    assert min(stages) > 0
    assert sum(stages) == pytest.approx(report["seconds_per_photo"] * 1000, rel=0.01, abs=0.5)
    assert report["photos_per_second"] * report["seconds_per_photo"] == pytest.approx(1, rel=0.02)
    opencv = report["opencv_ms"]
    assert opencv["both"] == pytest.approx(opencv["stylization"] + opencv["edgePreservingFilter"], abs=0.02)
    for name, milliseconds in opencv.items():
        over_style = milliseconds / report["stages_ms"]["style"]
        over_all_in = milliseconds / (report["seconds_per_photo"] * 1000)
        assert report["opencv_over_style"][name] == pytest.approx(over_style, rel=0.01, abs=0.001)
        assert report["opencv_over_all_in"][name] == pytest.approx(over_all_in, rel=0.01, abs=0.001)
    assert 0 < report["style_in_convolutions"] < 0.5  # ink has one, to estimate noise
    assert report["machine"]["cpus"] >= 1
    assert report["machine"]["device"] == "cpu"
    assert 50 < report["peak_memory_mb"] < 100_000


def test_faces_are_timed_or_the_reader_is_told_why_not(photo: Path):
    done = bench(photo, *QUICK, "--json")
    timed = json.loads(done.stdout)["stages_ms"]["faces"]
    reason = why_no_faces()
    assert (timed is None) == bool(reason)
    assert done.stderr.strip() == reason


def test_without_a_face_finder_its_stage_is_null_and_the_others_are_measured():
    stages = without_faces()["stages_ms"]
    assert [name for name in STAGES if stages[name] is None] == ["faces"]


def test_without_opencv_s_photo_module_its_figures_are_null(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(cv2, "stylization")
    report = without_faces()
    for part in ("opencv_ms", "opencv_over_style", "opencv_over_all_in"):
        assert report[part]["edgePreservingFilter"] > 0
        assert report[part]["stylization"] is None
        assert report[part]["both"] is None


def test_without_photos_the_samples_are_drawn_and_the_report_says_so():
    report = json.loads(bench(*QUICK, "--json").stdout)
    assert report["photos"] == len(samples())
    assert report["source"] == "Cartoonbot's samples, stored at 512 px"


def test_samples_are_stored_at_the_asked_size(tmp_path: Path):
    stored = enlarged_samples(tmp_path, 700)
    assert [path.name for path in stored] == [
        "astronaut.jpg", "chelsea.jpg", "coffee.jpg", "grace_hopper.jpg", "rocket.jpg"
    ]  # fmt: skip
    assert {max(inspect(path, Limits())) for path in stored} == {700}


def test_people_get_a_table(photo: Path):
    done = bench(photo, *QUICK)
    assert done.exit_code == 0, done.output
    for word in (*STAGES, "all in", "photos a second", "OpenCV stylization", "OpenCV both", "peak memory"):
        assert word in " ".join(done.stdout.split())


def why_no_faces() -> str:
    """Empty where the weights are installed."""
    try:
        installed_weights()
    except FacesUnavailable as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--style", "oil"], 'There is no style "oil"'),
        (["--size", "99999"], "whole number from 512 to 2048"),
        (["--rounds", "0"], "Invalid value for '--rounds'"),
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
