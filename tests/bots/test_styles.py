"""`cartoonbot styles` against a stand-in hub, run as a stranger would: a process of its own where that matters."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import Result

from bots.samples import PORTRAIT_SIDE
from core.photo import Limits, inspect
from core.releases import RELEASES
from core.weights import WeightsFolder
from tests.bots.test_cli import ROOT, Command, cartoonbot, command
from tests.core.test_weights import ANIME, NAMES, model, on_disk
from tests.fakes.modelscope import LISTING, Fault, Hub

__all__ = ["command"]

Pull = Callable[..., Awaitable[Result]]


@pytest.fixture
async def hub() -> AsyncGenerator[Hub]:
    async with Hub() as hub:
        hub.publish(ANIME, model())
        hub.publish(RELEASES["3d"].model_id, model(2_000_000))
        yield hub


@pytest.fixture
def pull(hub: Hub, command: Command) -> Pull:
    """Installs styles by their names from the hub."""

    async def pulled(*names: str) -> Result:
        return await asyncio.to_thread(command, "styles", "pull", *names, **hub.environment)

    return pulled


def listed(command: Command) -> dict[str, dict[str, object]]:
    done = command("styles", "--json")
    assert done.exit_code == 0, done.output
    return {row["style"]: row for row in json.loads(done.stdout)["styles"]}


def test_the_list_says_what_is_built_in_what_is_installed_and_how_to_add_one(command: Command, tmp_path: Path):
    source = on_disk(model(1_200_000), tmp_path / "mine")
    assert command("styles", "pull", "sketch", "--from", source).exit_code == 0
    done = command("styles")
    assert done.exit_code == 0, done.output
    *rows, last = done.stdout.splitlines()
    assert last.startswith("To add one: cartoonbot styles pull NAME")
    columns = [re.split(r"  +", row.rstrip()) for row in rows]
    assert columns[0] == ["style", "installed", "licence", "source"]
    assert columns[1] == ["ink", "built in", "MIT", "Cartoonbot"]
    assert ["anime", "no", "Apache-2.0", ANIME] in columns
    assert [row[:3] for row in columns if row[0] == "sketch"] == [["sketch", "yes, 2 MB", "not known"]]
    assert [row[0] for row in columns[-7:]] == list(RELEASES)


def test_the_list_as_json(command: Command, tmp_path: Path):
    rows = listed(command)
    assert rows["ink"] == {
        "style": "ink",
        "built_in": True,
        "installed": True,
        "bytes": None,
        "licence": "MIT",
        "source": "Cartoonbot",
    }
    assert rows["3d"] == {
        "style": "3d",
        "built_in": False,
        "installed": False,
        "bytes": None,
        "licence": "Apache-2.0",
        "source": RELEASES["3d"].model_id,
    }
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_files_is_installed_and_listed(command: Command, tmp_path: Path):
    source = on_disk(model(), tmp_path / "mine")
    done = cartoonbot("styles", "pull", "anime", "--from", source, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "anime is installed (1 MB). Use it with /style anime, or --style anime.\n"
    assert done.stderr == ""
    row = listed(command)["anime"]
    assert row["installed"] is True
    assert row["bytes"] == sum(len(model()[name]) for name in NAMES)
    assert row["source"] == str(source)
    assert row["licence"] is None


async def test_styles_are_downloaded_by_name_once(hub: Hub, pull: Pull, command: Command):
    done = await pull("anime", "3d", "anime")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "anime is installed (1 MB). Use it with /style anime, or --style anime.",
        "3d is installed (4 MB). Use it with /style 3d, or --style 3d.",
    ]
    assert done.stderr == ""
    assert len(hub.asked_for("cartoon_bg.pb")) == 2
    assert listed(command)["3d"]["licence"] == "Apache-2.0"


async def test_what_is_installed_is_left_alone_unless_asked_again(hub: Hub, pull: Pull):
    assert (await pull("anime")).exit_code == 0
    hub.asked.clear()
    done = await pull("anime")
    assert done.exit_code == 0
    assert done.stdout == "anime is already installed (1 MB). To install it anew, add --again.\n"
    assert hub.asked == []
    done = await pull("anime", "--again")
    assert done.stdout.startswith("anime is installed (1 MB).")
    assert {each.path for each in hub.asked} == {LISTING, *NAMES}


async def test_one_style_that_fails_does_not_keep_the_others_away(pull: Pull):
    done = await pull("sketch", "anime")
    assert done.exit_code == 1
    assert done.stdout.startswith("anime is installed")
    assert done.stderr.startswith("ModelScope does not have sketch any more")
    assert done.stderr.count("\n") == 1


async def test_a_hub_out_of_order_is_one_sentence(hub: Hub, pull: Pull):
    hub.fail("cartoon_bg.pb", Fault(status=500), times=None)
    done = await pull("anime")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("ModelScope is out of order just now: wait a while and try again")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["oil"], 'There is no style "oil" to install. Please use: anime, 3d, handdrawn'),
        (["../anime"], 'There is no style "../anime" to install.'),
        (["anime", "ink"], "ink is built in: there is nothing to download."),
        (["anime", "3d", "--from", "."], "with --from, name just that one"),
        (["anime", "--from", "nowhere"], "nowhere"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_two(
    command: Command, tmp_path: Path, arguments: list[str], sentence: str
):
    done = command("styles", "pull", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_installed_style_has_an_example_picture_and_a_missing_one_is_drawn_anew(
    command: Command, tmp_path: Path
):
    source = on_disk(model(), tmp_path / "mine")
    for again in ([], ["--again"]):
        assert command("styles", "pull", "anime", "--from", source, *again).exit_code == 0
        installed = WeightsFolder(tmp_path / "weights").installed("anime")
        assert installed is not None
        assert inspect(installed.sample, Limits()) == (PORTRAIT_SIDE, PORTRAIT_SIDE)
    installed.sample.unlink()
    assert "already installed" in command("styles", "pull", "anime").stdout
    assert installed.sample.is_file()


def test_a_weights_folder_that_cannot_be_made_is_named(command: Command, tmp_path: Path):
    source = on_disk(model(), tmp_path / "mine")
    (tmp_path / "taken").write_text("a file where a folder should be")
    done = command("styles", "pull", "anime", "--from", source, WEIGHTS_DIR="taken")
    assert done.exit_code == 1
    assert f"The weights folder {tmp_path / 'taken'} cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_ctrl_c_stops_quietly_and_the_same_command_goes_on(hub: Hub, pull: Pull, tmp_path: Path):
    hub.fail("cartoon_bg.pb", Fault(hang_after=30_000))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bots", "styles", "pull", "anime",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **hub.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await hub.wait_for("cartoon_bg.pb")
    program.send_signal(signal.SIGINT)
    out, complaint = await program.communicate()
    assert program.returncode == 130
    assert out == b""
    assert complaint == b"Stopped. What was downloaded is kept: the same command goes on from there.\n"
    done = await pull("anime")
    assert done.stdout.startswith("anime is installed")
