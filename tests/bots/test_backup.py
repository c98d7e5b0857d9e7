"""A backup of a program that runs, brought back elsewhere; and what is said where that cannot be."""

import asyncio
import errno
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from bots.backup import back_up, restore
from bots.cli import cli
from core.errors import ConfigError
from core.jobs import Chat, Owner
from core.look import Look
from core.photo import Array
from storage.database import Database
from storage.jobs import Jobs
from storage.snapshot import snapshot
from storage.spool import Spool
from tests.fakes.telegram import Message, Person, TelegramServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

ANNA = Person(id=1001, first_name="Anna", language_code="en")
PHOTO = jpeg_bytes(gradient(200, 150))


class HeldEngine(QuickEngine):
    """Draws when it is released."""

    def __init__(self, released: Event) -> None:
        super().__init__()
        self._released = released

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self._released.wait(20)
        return super().stylize(photos, looks)


async def one_photo_in(folder: Path) -> int:
    """A data folder with a photo that waits to be drawn; its number."""
    spool = Spool(folder / "spool")
    database = await Database.open(folder / "cartoonbot.sqlite3")
    jobs = Jobs(database)
    job_id = await jobs.open_job(Owner("web", "1"), Chat("web", "1"), "en", Look())
    photo_id = await jobs.add_photo(job_id, 1, "", "r")
    assert photo_id
    spool.source(photo_id).write_bytes(PHOTO)
    await jobs.enqueue([photo_id])
    await database.close()
    return photo_id


def files_in(folder: Path) -> dict[str, bytes]:
    """What is there, by name, but for the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


async def test_photos_of_a_running_program_are_drawn_where_its_backup_is_restored(tmp_path: Path):
    released = Event()
    kept, archive = tmp_path / "data" / "spool" / "web" / "anna" / "results" / "7.jpg", tmp_path / "backup.tar"
    async with TelegramServer() as telegram:
        async with running(settings_in(tmp_path / "data", telegram), lambda *_: HeldEngine(released)):
            await telegram.send_photo(ANNA, PHOTO)
            await telegram.wait_for_message(ANNA.id, lambda message: "Got your photo" in (message.text or ""))
            kept.parent.mkdir(parents=True)
            kept.write_bytes(b"what a browser may look at")
            (tmp_path / "data" / "spool" / "999.jpg").write_bytes(b"of no photo")
            # The program goes on meanwhile.
            size = await asyncio.to_thread(back_up, tmp_path / "data", archive)
            assert size == archive.stat().st_size
            released.set()
            await telegram.wait_for_message(ANNA.id, lambda message: message.file is not None)
        assert restore(archive, tmp_path / "elsewhere") is None
        restored = files_in(tmp_path / "elsewhere")
        assert sorted(restored) == ["cartoonbot.sqlite3", "spool/1.source", "spool/web/anna/results/7.jpg"]
        assert restored["spool/web/anna/results/7.jpg"] == kept.read_bytes()

        def cartoons() -> list[Message]:
            return [message for message in telegram.chat(ANNA.id).messages if message.file is not None]

        assert len(cartoons()) == 1
        async with running(settings_in(tmp_path / "elsewhere", telegram), QuickEngine):
            await telegram.wait_for(lambda: len(cartoons()) == 2)
        assert telegram.violations == []
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert not list((tmp_path / "data").glob(".cartoonbot-*"))


async def test_a_backup_is_of_one_moment_and_the_program_never_waits_for_it(tmp_path: Path):
    photo_id = await one_photo_in(tmp_path / "data")
    database = tmp_path / "data" / "cartoonbot.sqlite3"
    kept: list[set[int]] = []

    def keep(photo_ids: set[int]) -> None:
        kept.append(photo_ids)
        with closing(sqlite3.connect(database, timeout=0)) as program, program:
            if len(kept) == 1:
                # Too late for its files; and another one came.
                program.execute(
                    "INSERT INTO photos (job_id, place, name, reference, status) "
                    "SELECT job_id, 2, name, reference, status FROM photos"
                )
                program.execute("UPDATE photos SET status = 'answered' WHERE id = ?", (photo_id,))
            else:
                program.execute("UPDATE photos SET status = 'running'")

    snapshot(database, tmp_path / "copy", keep)
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        rows = copy.execute("SELECT id, status FROM photos ORDER BY id").fetchall()
    assert (kept, rows) == ([{photo_id}, {2}], [(photo_id, "answered"), (2, "queued")])


def shortened(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-12_000])


def emptied(archive: Path) -> None:
    archive.write_bytes(b"")


def with_a_changed_photo(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[content.index(PHOTO) + 300] ^= 1
    archive.write_bytes(content)


def with_a_changed_header(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"spool/1.source", b"spool/2.source", 1))


def packed(archive: Path, change: Callable[[dict[str, bytes]], None], *more: tarfile.TarInfo) -> None:
    """Pack it anew after a change, with sums that are right."""
    with tarfile.open(archive) as old:
        files = {member.name: content.read() for member in old if (content := old.extractfile(member))}
    change(files)
    del files["SHA256SUMS"]
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    with tarfile.open(archive, "w") as new:
        for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
        for member in more:
            new.addfile(member)


def with_a_way_out(archive: Path) -> None:
    packed(archive, lambda files: files.update({"spool/../../out": b"here"}))


def with_a_strange_file(archive: Path) -> None:
    packed(archive, lambda files: files.update({".env": b"TELEGRAM_BOT_TOKEN=1"}))


def with_a_link(archive: Path) -> None:
    link = tarfile.TarInfo("spool/2.source")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    packed(archive, lambda files: None, link)


def with_a_database_that_is_none(archive: Path) -> None:
    packed(archive, lambda files: files.update({"cartoonbot.sqlite3": b"not a database at all " * 100}))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (shortened, "its end is missing|unexpected end of data"),
        (emptied, "empty file"),
        (with_a_changed_photo, "spool/1.source in it has changed"),
        (with_a_changed_header, "its end is missing|bad checksum"),
        (with_a_way_out, "spool/../../out in it is none of ours"),
        (with_a_strange_file, ".env in it is none of ours"),
        (with_a_link, "spool/2.source in it is no plain file"),
        (with_a_database_that_is_none, "file is not a database"),
    ],
)
async def test_what_is_no_whole_backup_changes_nothing(tmp_path: Path, damage: Callable[[Path], None], why: str):
    await one_photo_in(tmp_path / "data")
    archive = tmp_path / "backup.tar"
    back_up(tmp_path / "data", archive)
    damage(archive)
    with pytest.raises(ConfigError, match=rf"damaged, or no backup of Cartoonbot \(({why})"):
        restore(archive, tmp_path / "elsewhere")
    assert files_in(tmp_path / "elsewhere") == {}
    assert {name.split("/")[0] for name in files_in(tmp_path)} == {"data", "backup.tar"}


async def test_the_backup_of_a_newer_program_names_the_version_to_install(tmp_path: Path):
    await one_photo_in(tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "cartoonbot.sqlite3")) as database:
        database.execute("PRAGMA user_version = 999")
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    with pytest.raises(ConfigError, match=r"made by a newer Cartoonbot.*schema 999.*Install that version"):
        restore(tmp_path / "backup.tar", tmp_path / "elsewhere")
    assert files_in(tmp_path / "elsewhere") == {}


async def test_a_folder_in_use_is_never_restored_into(tmp_path: Path):
    await one_photo_in(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    async with TelegramServer() as telegram, running(settings_in(tmp_path / "data", telegram), QuickEngine):
        with pytest.raises(ConfigError, match="Another Cartoonbot is using the data folder"):
            restore(tmp_path / "backup.tar", tmp_path / "data", replace=True)


async def test_what_is_in_the_folder_is_replaced_only_when_told_and_kept_then(tmp_path: Path):
    await one_photo_in(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    other = tmp_path / "other"
    (other / "spool").mkdir(parents=True)
    (other / "spool" / "5.source").write_bytes(b"somebody's")
    with pytest.raises(ConfigError, match=r"not empty.*--replace"):
        restore(tmp_path / "backup.tar", other)
    assert files_in(other) == {"spool/5.source": b"somebody's"}
    replaced = restore(tmp_path / "backup.tar", other, replace=True)
    assert replaced is not None
    assert files_in(replaced) == {"spool/5.source": b"somebody's"}
    assert (other / "spool" / "1.source").read_bytes() == PHOTO
    assert not (other / "spool" / "5.source").exists()


async def test_things_of_others_in_the_folder_stay_where_they_are(tmp_path: Path):
    await one_photo_in(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    other = tmp_path / "other"
    (other / "lost+found").mkdir(parents=True)
    (other / "styles-1.jpg").write_bytes(b"a picture")
    assert restore(tmp_path / "backup.tar", other) is None
    assert restore(tmp_path / "backup.tar", other, replace=True)
    assert (other / "lost+found").is_dir()
    assert (other / "styles-1.jpg").is_file()


@pytest.mark.parametrize("moved", range(5))
async def test_where_something_cannot_be_moved_everything_is_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
):
    """Out go the database, a copy of it and the spool; in come a spool and a database."""
    await one_photo_in(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    other = tmp_path / "other"
    (other / "spool").mkdir(parents=True)
    for name in ("cartoonbot.sqlite3", "cartoonbot.sqlite3.before-0002", "spool/5.source"):
        (other / name).write_bytes(name.encode())
    before = files_in(other)
    obstacles, rename = iter([*[False] * moved, True]), Path.rename

    def rename_as_at_a_mount_point(path: Path, target: Path) -> Path:
        if next(obstacles, False):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_as_at_a_mount_point)
    with pytest.raises(ConfigError, match=r"could not be restored \(.*busy.*other is as it was"):
        restore(tmp_path / "backup.tar", other, replace=True)
    assert files_in(other) == before
    assert {path.name for path in other.iterdir()} == {*(name.split("/")[0] for name in before), "lock"}


async def test_what_cannot_be_backed_up_is_said_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nothing to back up.*DATA_DIR"):
        back_up(tmp_path / "data", tmp_path / "backup.tar")
    await one_photo_in(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"could not be made.*name a file in a folder that you may write"):
        back_up(tmp_path / "data", tmp_path / "nowhere" / "backup.tar")
    (tmp_path / "backup.tar").write_bytes(b"yesterday's")
    with pytest.raises(ConfigError, match="is there already"):
        back_up(tmp_path / "data", tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").read_bytes() == b"yesterday's"
    assert not list((tmp_path / "data").glob(".cartoonbot-*"))


async def test_what_a_killed_backup_left_goes_after_a_day_and_nothing_of_others(tmp_path: Path):
    await one_photo_in(tmp_path / "data")
    names = (".cartoonbot-backup-old", 25), (".cartoonbot-backup-new", 23), ("backup-weekly", 1000)
    for name, age in names:
        left = tmp_path / "data" / name
        left.mkdir()
        then = time.time() - age * 3600
        os.utime(left, (then, then))
    back_up(tmp_path / "data", tmp_path / "backup.tar")
    left_over = {path.name for path in (tmp_path / "data").glob("*backup-*")}
    assert left_over == {".cartoonbot-backup-new", "backup-weekly"}


async def test_the_commands_say_what_they_did_and_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    await one_photo_in(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    done = runner.invoke(cli, ["backup", "backup.tar"], env={"DATA_DIR": "data"})
    assert (done.exit_code, done.stdout.split(" (")[0]) == (0, "data is backed up in backup.tar")
    assert "Your .env and the weights are not in it." in done.stdout
    done = runner.invoke(cli, ["restore", "backup.tar"], env={"DATA_DIR": "data"})
    assert done.exit_code == 1
    assert "add --replace" in done.stderr
    done = runner.invoke(cli, ["restore", "backup.tar", "--replace"], env={"DATA_DIR": "data"})
    assert done.exit_code == 0
    assert "backup.tar is restored into data. Start Cartoonbot" in done.stdout
    assert "What was there before is in data/replaced-" in done.stdout
