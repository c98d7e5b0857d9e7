"""The folder of photos in flight: files are named by photo, and go when nobody wants them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import StorageUnwritable
from storage.spool import RESERVED_BYTES, RESERVED_SHARE, Spool


def test_a_photo_has_its_own_source_and_result(tmp_path: Path):
    spool = Spool(tmp_path / "data" / "spool")
    paths = {spool.source(1), spool.source(2), spool.result(1, "jpg"), spool.result(1, "png")}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {tmp_path / "data" / "spool"}
    assert spool.result(1, "png").suffix == ".png"


def test_the_folder_is_there_and_may_have_been_before(tmp_path: Path):
    Spool(tmp_path / "spool").source(1).write_bytes(b"photo")
    assert Spool(tmp_path / "spool").source(1).read_bytes() == b"photo"


def test_forgetting_removes_all_files_of_one_photo_finished_or_not(tmp_path: Path):
    spool = Spool(tmp_path)
    kept = [spool.source(12), spool.result(21, "jpg"), spool.source(11)]
    unfinished = [
        tmp_path / name for name in ("1.jpg.part", "1.fitted.jpg", "1.fitted.jpg.part", "1.zip", "1.zip.part")
    ]
    for path in [*kept, spool.source(1), spool.result(1, "jpg"), *unfinished]:
        path.write_bytes(b"bytes")
    spool.forget(1)
    spool.forget(1)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_sweeping_keeps_the_wanted_photos_and_counts_the_rest(tmp_path: Path):
    spool = Spool(tmp_path)
    for photo_id in (1, 2, 12):
        spool.source(photo_id).write_bytes(b"bytes")
    for path in (spool.fitted(1), spool.fitted(2), tmp_path / "2.webp.part"):
        path.write_bytes(b"half")
    assert spool.sweep([1, 99]) == 4
    assert {*tmp_path.iterdir()} == {spool.source(1), spool.fitted(1)}
    assert spool.sweep([1]) == 0


def test_sweeping_takes_what_is_nobodys(tmp_path: Path):
    spool = Spool(tmp_path)
    for name in ("1.source", "1.jpg", "01x.source", "probe", "notes.txt", ".source"):
        (tmp_path / name).write_bytes(b"bytes")
    assert spool.sweep({1}) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.jpg", "1.source"]


def test_all_bytes_that_are_in_it_are_measured(tmp_path: Path):
    spool = Spool(tmp_path)
    assert spool.used == 0
    spool.source(1).write_bytes(b"12345")
    (tmp_path / "2.png.part").write_bytes(b"123")
    assert spool.used == 0
    spool.measure()
    assert spool.used == 8
    spool.forget(1)
    spool.measure()
    assert spool.used == 3


def test_a_file_of_several_names_is_measured_once_in_whatever_folder(tmp_path: Path):
    spool = Spool(tmp_path)
    spool.source(1).write_bytes(b"12345")
    folder = tmp_path / "web" / "anna"
    folder.mkdir(parents=True)
    (folder / "cartoon.jpg").hardlink_to(spool.source(1))
    (folder / "upload.jpg").write_bytes(b"123")
    spool.measure()
    assert spool.used == 8
    # The other name still keeps the bytes.
    spool.forget(1)
    spool.measure()
    assert spool.used == 8


def test_folders_are_swept_by_nobody(tmp_path: Path):
    spool = Spool(tmp_path)
    for folder in ("web", "7"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "9.source").write_bytes(b"bytes")
    spool.source(9).write_bytes(b"bytes")
    assert spool.sweep([]) == 1
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "7/9.source",
        "web/9.source",
    ]


def test_there_is_room_up_to_the_limit(tmp_path: Path):
    spool = Spool(tmp_path, limit=10)
    spool.source(1).write_bytes(b"123456789")
    spool.measure()
    spool.check_room()
    spool.used += 1
    with pytest.raises(StorageUnwritable):
        spool.check_room()
    with pytest.raises(StorageUnwritable):
        spool.check_writable()
    spool.forget(1)
    spool.measure()
    spool.check_room()


def test_room_that_was_made_is_taken_before_anything_is_measured(tmp_path: Path):
    spool = Spool(tmp_path, limit=10)
    spool.make_room(9)
    spool.make_room(5)
    assert spool.used == 14
    with pytest.raises(StorageUnwritable):
        spool.make_room(0)
    assert spool.used == 14
    spool.measure()
    spool.make_room(1)


@pytest.mark.parametrize(("total", "reserved"), [(10**9, int(RESERVED_SHARE * 10**9)), (10**13, RESERVED_BYTES)])
def test_some_of_the_disk_is_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, reserved: int
):
    free = reserved
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=total, free=free))
    spool = Spool(tmp_path)
    spool.check_room()
    free -= 1
    with pytest.raises(StorageUnwritable):
        spool.check_room()


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path):
    spool = Spool(tmp_path)
    spool.source(1).write_bytes(b"photo")
    spool.check_writable()
    assert list(tmp_path.iterdir()) == [spool.source(1)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_noticed_and_so_is_that_it_has_room_again(tmp_path: Path):
    spool = Spool(tmp_path)
    (tmp_path / "probe").symlink_to("/dev/full")
    with pytest.raises(StorageUnwritable) as caught:
        spool.check_writable()
    assert isinstance(caught.value.__cause__, OSError)
    (tmp_path / "probe").unlink()
    spool.check_writable()
