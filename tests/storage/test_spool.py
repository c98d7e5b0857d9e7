"""The folder of photos in flight: files are named by photo, and go when nobody wants them."""

from pathlib import Path

from storage.spool import Spool


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
    for path in [*kept, spool.source(1), spool.result(1, "jpg"), tmp_path / "1.jpg.part"]:
        path.write_bytes(b"bytes")
    spool.forget(1)
    spool.forget(1)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_sweeping_keeps_the_wanted_photos_and_counts_the_rest(tmp_path: Path):
    spool = Spool(tmp_path)
    for photo_id in (1, 2, 12):
        spool.source(photo_id).write_bytes(b"bytes")
    (tmp_path / "2.webp.part").write_bytes(b"half")
    assert spool.sweep([1, 99]) == 3
    assert list(tmp_path.iterdir()) == [spool.source(1)]
    assert spool.sweep([1]) == 0
