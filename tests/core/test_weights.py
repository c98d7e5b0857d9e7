"""Weights on disk and from a hub: whole or not there, whatever happens on the way."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.errors import WeightsUnavailable
from core.releases import RELEASES
from core.tfgraph import load_graph
from core.weights import Installed, WeightsFolder
from tests.core.tfgraph.graphs import graph, node
from tests.fakes.modelscope import LISTING, Asked, Fault, Hub
from tests.pictures import gradient, jpeg_bytes

ANIME = RELEASES["anime"].model_id
NAMES = ("cartoon_bg.pb", "cartoon_h.pb", "alpha.jpg")


def weights(padding: int = 0, op: str = "Cast") -> bytes:
    """A graph that casts its picture to uint8; `padding`, in bytes, makes it heavier."""
    attributes = {"DstT": np.dtype(np.uint8), "note": "x" * padding}
    return graph(node("y", op, ["x"], attributes))


def model(padding: int = 100_000) -> dict[str, bytes]:
    """The files of a published model, those we do not need among them."""
    return {
        "README.md": b"read me",
        "configuration.json": b"{}",
        "cartoon_bg.pb": weights(padding),
        "cartoon_h.pb": weights(padding + 1),
        "alpha.jpg": jpeg_bytes(gradient(32, 32)),
        "detector.pb": b"a network for faces",
        "assets/cartoon_bg.pb": b"somewhere else",
    }


def needed(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: files[name] for name in NAMES}


def on_disk(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(installed: Installed) -> dict[str, bytes]:
    """What is installed, by the names it must have."""
    paths = (installed.whole_picture, installed.heads, installed.mask)
    assert tuple(path.name for path in paths) == NAMES
    return {path.name: path.read_bytes() for path in paths}


def downloads() -> list[psutil.Process]:
    """The processes that download for us; other tests have other ones."""
    return [child for child in psutil.Process().children() if "core.weights_download" in child.cmdline()]


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> WeightsFolder:
    return WeightsFolder(tmp_path / "weights")


# What is published


def test_the_seven_styles_are_those_of_modelscope():
    assert {style: release.model_id for style, release in RELEASES.items()} == {
        "anime": "damo/cv_unet_person-image-cartoon_compound-models",
        "3d": "damo/cv_unet_person-image-cartoon-3d_compound-models",
        "handdrawn": "damo/cv_unet_person-image-cartoon-handdrawn_compound-models",
        "sketch": "damo/cv_unet_person-image-cartoon-sketch_compound-models",
        "artstyle": "damo/cv_unet_person-image-cartoon-artstyle_compound-models",
        "design": "damo/cv_unet_person-image-cartoon-sd-design_compound-models",
        "illustration": "damo/cv_unet_person-image-cartoon-sd-illustration_compound-models",
    }
    assert next(iter(RELEASES)) == "anime"
    assert RELEASES["3d"].page == f"https://modelscope.cn/models/{RELEASES['3d'].model_id}"


# From a folder


def test_a_folder_is_installed_with_what_is_needed_and_nothing_else(folder: WeightsFolder, tmp_path: Path):
    files = model()
    source = on_disk(files, tmp_path / "source")
    assert folder.installed("anime") is None
    installed = folder.install("anime", source)
    assert installed == folder.installed("anime")
    assert contents(installed) == needed(files)
    assert installed.bytes == sum(len(content) for content in needed(files).values())
    assert installed.source == str(source)
    assert {Path(path).name for path in everything(tmp_path / "weights")} == {*NAMES, "manifest.json", ".lock"}
    assert folder.verify("anime") == []
    assert [folder.installed(style) for style in RELEASES if style != "anime"] == [None] * 6


@pytest.mark.parametrize("word", ["anime", "sd-design", "3d"])
def test_files_named_after_the_style_get_their_usual_names(folder: WeightsFolder, tmp_path: Path, word: str):
    files = model()
    released = {f"cartoon_{word}_bg.pb": files["cartoon_bg.pb"], f"cartoon_{word}_h.pb": files["cartoon_h.pb"]}
    source = on_disk({**released, "alpha.jpg": files["alpha.jpg"]}, tmp_path / "source")
    assert contents(folder.install("design", source)) == needed(files)


def test_the_usual_name_is_meant_where_there_are_others_too(folder: WeightsFolder, tmp_path: Path):
    files = model()
    source = on_disk({**files, "cartoon_old_bg.pb": weights(7)}, tmp_path / "source")
    assert contents(folder.install("anime", source)) == needed(files)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cartoon_h.pb": None}, "There is no cartoon_h.pb in the folder"),
        ({"alpha.jpg": None}, "There is no alpha.jpg in the folder"),
        (
            {"cartoon_bg.pb": None, "cartoon_a_bg.pb": weights(), "cartoon_b_bg.pb": weights()},
            "it could be any of cartoon_a_bg.pb, cartoon_b_bg.pb",
        ),
        ({"cartoon_bg.pb": weights(1000)[:-7]}, "cartoon_bg.pb is not a whole TensorFlow graph"),
        ({"cartoon_h.pb": b""}, "cartoon_h.pb is not a whole TensorFlow graph"),
        ({"cartoon_h.pb": weights(op="Daydream")}, "operation Daydream"),
        ({"alpha.jpg": b"words"}, "alpha.jpg is not a picture"),
        ({"alpha.jpg": jpeg_bytes(gradient(64, 64))[:400]}, "alpha.jpg is not a picture"),
    ],
)
def test_what_cannot_be_used_is_named_and_what_was_installed_stays(
    folder: WeightsFolder, tmp_path: Path, change: dict[str, bytes | None], sentence: str
):
    before = folder.install("anime", on_disk(model(), tmp_path / "good"))
    there = everything(tmp_path / "weights")
    files = {name: content for name, content in {**model(), **change}.items() if content is not None}
    with pytest.raises(WeightsUnavailable) as raised:
        folder.install("anime", on_disk(files, tmp_path / "bad"))
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert folder.installed("anime") == before
    assert folder.verify("anime") == []
    assert everything(tmp_path / "weights") == there


def test_a_folder_that_is_not_there_is_named(folder: WeightsFolder, tmp_path: Path):
    with pytest.raises(WeightsUnavailable, match="nowhere cannot be read: No such file or directory"):
        folder.install("anime", tmp_path / "nowhere")


def test_a_weights_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "weights").write_text("a file where a folder should be")
    folder = WeightsFolder(tmp_path / "weights")
    source = on_disk(model(), tmp_path / "source")
    with pytest.raises(WeightsUnavailable, match=r"weights cannot be written .* set WEIGHTS_DIR"):
        folder.install("anime", source)
    with pytest.raises(WeightsUnavailable, match=r"weights cannot be written .* set WEIGHTS_DIR"):
        folder.pull("anime", print)
    assert folder.installed("anime") is None


# Whole, or not there


def test_who_found_the_old_files_can_still_read_them_after_they_are_replaced(
    folder: WeightsFolder, tmp_path: Path
):
    versions = [model(padding) for padding in (10, 20, 30)]
    sources = [on_disk(files, tmp_path / str(place)) for place, files in enumerate(versions)]
    first = folder.install("anime", sources[0])
    second = folder.install("anime", sources[1])
    assert folder.installed("anime") == second
    assert contents(first) == needed(versions[0])
    assert contents(second) == needed(versions[1])
    third = folder.install("anime", sources[2])
    assert contents(second) == needed(versions[1])
    assert contents(third) == needed(versions[2])
    assert not first.whole_picture.exists()


def test_what_a_crash_left_does_not_count_and_goes_at_the_next_install(folder: WeightsFolder, tmp_path: Path):
    files = model()
    staged = on_disk(needed(files), tmp_path / "weights" / "anime" / "files-0badc0de")
    (tmp_path / "weights" / "anime" / "manifest.json.new").write_text('{"folder": "files-0badc0de"')
    assert folder.installed("anime") is None
    assert folder.verify("anime") == []
    installed = folder.install("anime", on_disk(files, tmp_path / "source"))
    assert contents(installed) == needed(files)
    assert not staged.exists()
    assert not (tmp_path / "weights" / "anime" / "manifest.json.new").exists()


def test_a_file_that_was_lost_or_cut_means_not_installed(folder: WeightsFolder, tmp_path: Path):
    source = on_disk(model(), tmp_path / "source")
    installed = folder.install("anime", source)
    installed.mask.unlink()
    assert folder.installed("anime") is None
    assert folder.verify("anime") == ["alpha.jpg"]
    installed = folder.install("anime", source)
    installed.heads.write_bytes(installed.heads.read_bytes()[:-1])
    assert folder.installed("anime") is None
    assert folder.verify("anime") == ["cartoon_h.pb"]


def test_a_changed_byte_is_seen_by_the_checksum(folder: WeightsFolder, tmp_path: Path):
    installed = folder.install("anime", on_disk(model(), tmp_path / "source"))
    content = bytearray(installed.whole_picture.read_bytes())
    content[len(content) // 2] ^= 1
    installed.whole_picture.write_bytes(content)
    assert folder.installed("anime") == installed
    assert folder.verify("anime") == ["cartoon_bg.pb"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {"cartoon_bg.pb": 3}}', "\x00"])
def test_a_manifest_of_another_form_means_not_installed(folder: WeightsFolder, tmp_path: Path, content: str):
    installed = folder.install("anime", on_disk(model(), tmp_path / "source"))
    (tmp_path / "weights" / "anime" / "manifest.json").write_text(content)
    assert folder.installed("anime") is None
    assert folder.verify("anime") == ["manifest.json"]
    assert folder.install("anime", tmp_path / "source") != installed


@pytest.mark.parametrize("name", ["ink", "", ".", "..", "../weights/anime", "anime/", "/etc", "a\x00b"])
def test_what_is_no_style_with_weights_is_never_looked_for(folder: WeightsFolder, tmp_path: Path, name: str):
    folder.install("anime", on_disk(model(), tmp_path / "source"))
    assert folder.installed(name) is None
    assert folder.verify(name) == []


# From a hub


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncGenerator[Hub]:
    """A hub with the model of "anime", which the client finds; and a home, to see that it stays empty."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with Hub() as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        hub.publish(ANIME, model())
        yield hub


def nothing(here: int, total: int) -> None:
    """Nobody watches."""


async def pulled(folder: WeightsFolder) -> Installed:
    return await asyncio.to_thread(folder.pull, "anime", nothing)


async def refused(folder: WeightsFolder) -> str:
    """The one sentence with which a download fails."""
    with pytest.raises(WeightsUnavailable) as raised:
        await pulled(folder)
    assert folder.installed("anime") is None
    assert "\n" not in str(raised.value)
    assert "--from DIR" in str(raised.value)
    return str(raised.value)


async def test_a_download_fetches_what_is_needed_and_leaves_nothing_behind(
    hub: Hub, folder: WeightsFolder, tmp_path: Path
):
    threads, environment = threading.active_count(), dict(os.environ)
    steps: list[tuple[int, int]] = []
    installed = await asyncio.to_thread(folder.pull, "anime", lambda here, total: steps.append((here, total)))
    assert contents(installed) == needed(model())
    assert installed.source == ANIME
    assert {each.path for each in hub.asked} == {LISTING, *NAMES}
    assert all(len(hub.asked_for(name)) == 1 for name in NAMES)
    assert {total for _, total in steps} == {installed.bytes}
    assert steps == sorted(steps)
    assert steps[-1][0] == installed.bytes
    assert {Path(path).name for path in everything(tmp_path / "weights")} == {*NAMES, "manifest.json", ".lock"}
    assert everything(tmp_path / "home") == set()
    assert dict(os.environ) == environment
    assert downloads() == []
    assert threading.active_count() <= threads + 1  # the pool's thread in which it ran


async def test_a_release_with_a_word_in_its_names_is_downloaded_too(hub: Hub, folder: WeightsFolder):
    files = model()
    words = {"cartoon_anime_bg.pb": files["cartoon_bg.pb"], "cartoon_anime_h.pb": files["cartoon_h.pb"]}
    hub.publish(ANIME, {**words, "alpha.jpg": files["alpha.jpg"], "cartoon.png": b"a picture"})
    assert contents(await pulled(folder)) == needed(files)
    assert {each.path for each in hub.asked} == {LISTING, *words, "alpha.jpg"}


async def test_a_dropped_connection_is_taken_up_again_where_it_ended(hub: Hub, folder: WeightsFolder):
    hub.fail("cartoon_bg.pb", Fault(cut_after=40_000))
    assert contents(await pulled(folder)) == needed(model())
    assert hub.asked_for("cartoon_bg.pb") == [Asked("cartoon_bg.pb"), Asked("cartoon_bg.pb", 40_000)]


async def test_the_next_download_goes_on_from_what_the_last_one_left(hub: Hub, folder: WeightsFolder):
    hub.fail("cartoon_bg.pb", Fault(cut_after=20_000), times=None)
    assert "what was downloaded is kept" in await refused(folder)
    assert [each.start for each in hub.asked_for("cartoon_bg.pb")] == [None, 20_000, 40_000]
    hub.mend()
    hub.asked.clear()
    steps: list[int] = []
    installed = await asyncio.to_thread(folder.pull, "anime", lambda here, total: steps.append(here))
    assert contents(installed) == needed(model())
    assert [each for each in hub.asked if each.path != LISTING] == [Asked("cartoon_bg.pb", 60_000)]
    assert steps[-1] == installed.bytes
    assert max(steps) == installed.bytes


async def test_a_download_can_be_stopped_and_goes_on_later(hub: Hub, tmp_path: Path):
    folder = WeightsFolder(tmp_path / "weights", patience=600)
    hub.fail("cartoon_bg.pb", Fault(hang_after=30_000))

    class StopError(Exception):
        pass

    def stop(here: int, total: int) -> None:
        if here > 130_000:  # the other two files, and all that comes of this one
            raise StopError

    with pytest.raises(StopError):
        await asyncio.to_thread(folder.pull, "anime", stop)
    assert len(hub.asked_for("cartoon_bg.pb")) == 1  # a client left to itself would have asked again
    assert downloads() == []
    assert folder.installed("anime") is None
    assert contents(await pulled(folder)) == needed(model())
    assert hub.asked_for("cartoon_bg.pb")[1].start


@pytest.mark.parametrize(
    "content", [weights(100_000)[::-1], weights(100_000)[:-5], b""], ids=["other", "shorter", "empty"]
)
async def test_content_that_is_not_what_was_listed_is_refused(hub: Hub, folder: WeightsFolder, content: bytes):
    hub.fail("cartoon_bg.pb", Fault(content=content), times=None)
    assert "not what ModelScope lists" in await refused(folder)
    assert len(hub.asked_for("cartoon_bg.pb")) <= 3
    hub.mend()
    assert contents(await pulled(folder)) == needed(model())


async def test_a_listed_graph_that_cannot_be_run_is_refused(hub: Hub, folder: WeightsFolder):
    hub.publish(ANIME, {**model(), "cartoon_h.pb": weights(op="Daydream")})
    with pytest.raises(WeightsUnavailable, match="operation Daydream"):
        await pulled(folder)
    assert folder.installed("anime") is None


async def test_errors_of_the_hub_that_pass_are_waited_out(hub: Hub, folder: WeightsFolder):
    hub.fail(LISTING, Fault(status=500))
    hub.fail("cartoon_h.pb", Fault(status=503))
    assert contents(await pulled(folder)) == needed(model())


@pytest.mark.parametrize("path", [LISTING, "cartoon_h.pb"])
async def test_a_hub_out_of_order_is_tried_three_times(hub: Hub, folder: WeightsFolder, path: str):
    hub.fail(path, Fault(status=500), times=None)
    assert "ModelScope is out of order" in await refused(folder)
    assert len(hub.asked_for(path)) == 3


async def test_any_other_refusal_is_told_in_its_own_words(hub: Hub, folder: WeightsFolder):
    hub.fail(LISTING, Fault(status=403), times=None)
    sentence = await refused(folder)
    assert "The download of anime failed" in sentence
    assert "not\ntoday" not in sentence
    assert "not today" in sentence
    assert len(hub.asked_for(LISTING)) == 1


async def test_a_hub_that_cannot_be_reached_is_tried_three_times(
    hub: Hub, folder: WeightsFolder, monkeypatch: pytest.MonkeyPatch
):
    attempts = 0

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert "cannot be reached: check the connection" in await refused(folder)
    assert attempts == 3
    assert hub.asked == []
    # And the port that nobody listens on any more.
    assert "cannot be reached: check the connection" in await refused(folder)


@pytest.mark.parametrize("path", [LISTING, "cartoon_bg.pb"])
async def test_a_hub_that_falls_silent_is_given_up_after_some_patience(hub: Hub, tmp_path: Path, path: str):
    hub.fail(path, Fault(hang_after=100), times=None)
    folder = WeightsFolder(tmp_path / "weights", patience=2)
    assert "ModelScope has sent nothing for 2 s" in await refused(folder)
    assert len(hub.asked_for(path)) == 1


async def test_a_model_that_is_gone_is_told_from_a_hub_out_of_reach(hub: Hub, folder: WeightsFolder):
    with pytest.raises(WeightsUnavailable) as raised:
        await asyncio.to_thread(folder.pull, "sketch", nothing)
    assert "does not have sketch any more" in str(raised.value)
    assert RELEASES["sketch"].page in str(raised.value)


async def test_a_model_without_a_needed_file_is_told_so(hub: Hub, folder: WeightsFolder):
    hub.publish(ANIME, {name: content for name, content in model().items() if name != "cartoon_h.pb"})
    with pytest.raises(WeightsUnavailable, match=f"There is no cartoon_h.pb in {ANIME} on ModelScope"):
        await pulled(folder)
    assert {each.path for each in hub.asked} == {LISTING}


async def test_names_that_lead_elsewhere_are_never_written(hub: Hub, folder: WeightsFolder, tmp_path: Path):
    hostile = (
        "../cartoon_bg.pb",
        "cartoon_/../../../out_bg.pb",
        "/tmp/cartoon_h.pb",
        "..\\alpha.jpg",
        "../alpha.jpg",
    )
    hub.publish(ANIME, {**dict.fromkeys(hostile, b"hostile"), **model()})
    assert contents(await pulled(folder)) == needed(model())
    assert {each.path for each in hub.asked} == {LISTING, *NAMES}
    hub.publish(ANIME, dict.fromkeys(hostile, b"hostile"))
    with pytest.raises(WeightsUnavailable, match=r"There is no cartoon_bg\.pb"):
        await pulled(folder)
    assert everything(tmp_path) == {f"weights/{path}" for path in everything(tmp_path / "weights")}


async def test_two_downloads_at_once_are_one(hub: Hub, folder: WeightsFolder, tmp_path: Path):
    gate = asyncio.Event()
    hub.fail("cartoon_bg.pb", Fault(hang_after=10, gate=gate))
    first = asyncio.create_task(pulled(folder))
    await hub.wait_for("cartoon_bg.pb")
    second = asyncio.create_task(pulled(WeightsFolder(tmp_path / "weights")))
    third = asyncio.create_task(pulled(folder))
    gate.set()
    installed = await asyncio.gather(first, second, third)
    assert contents(installed[0]) == needed(model())
    assert installed[0] == installed[1] == installed[2] == folder.installed("anime")
    assert all(len(hub.asked_for(name)) == 1 for name in NAMES)


async def test_a_new_version_is_downloaded_in_place_of_the_old_one(hub: Hub, folder: WeightsFolder):
    old = await pulled(folder)
    newer = model(120_000)
    hub.publish(ANIME, newer)
    assert contents(await pulled(folder)) == needed(newer)
    assert contents(old) == needed(model())


async def test_what_is_installed_can_be_run(hub: Hub, folder: WeightsFolder):
    import torch

    installed = await pulled(folder)
    photo = torch.tensor([[[3.0, 2.0, 255.0]]])
    assert torch.equal(load_graph(installed.whole_picture)(photo), photo.to(torch.uint8))


def test_the_manifest_says_where_the_files_came_from(folder: WeightsFolder, tmp_path: Path):
    source = on_disk(model(), tmp_path / "source")
    installed = folder.install("anime", source)
    manifest = json.loads((tmp_path / "weights" / "anime" / "manifest.json").read_text())
    assert manifest["source"] == str(source)
    assert manifest["folder"] == installed.mask.parent.name
    assert manifest["files"].keys() == set(NAMES)
    assert all(len(fact["sha256"]) == 64 for fact in manifest["files"].values())
