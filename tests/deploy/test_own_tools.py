"""What the programs that these files are for say of them, where such a program is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY


def run(tool: str, *arguments: str | Path, folder: Path = DEPLOY) -> None:
    """Its complaints are the test's."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed here")
    done = subprocess.run(
        [tool, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_systemd_takes_the_unit(tmp_path: Path):
    unit = (DEPLOY / "cartoonbot.service").read_text(encoding="utf-8")
    # The program is not installed there; something that can be run has to be.
    here = unit.replace("/opt/cartoonbot/.venv/bin/cartoonbot", sys.executable)
    (tmp_path / "cartoonbot.service").write_text(here, encoding="utf-8")
    run("systemd-analyze", "verify", "./cartoonbot.service", folder=tmp_path)


def compose() -> tuple[str, ...]:
    """As a part of Docker, or a program of its own."""
    plugin = ("docker", "compose")
    if (
        shutil.which("docker")
        and not subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode
    ):
        return plugin
    return ("docker-compose",)


@pytest.mark.parametrize("files", [["compose.yaml"], ["compose.yaml", "compose.gpu.yaml"]])
def test_compose_takes_its_files(files: list[str]):
    names = [word for file in files for word in ("--file", file)]
    run(*compose(), *names, "--profile", "bot-api", "--profile", "monitoring", "config", "--quiet")


def test_hadolint_takes_the_dockerfile():
    run("hadolint", "--failure-threshold", "info", "Dockerfile")


def test_prometheus_takes_its_files():
    run("promtool", "check", "config", "prometheus.yml")
