"""What browsers bring and get: each finds their own files only, under names that harm nobody."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.shelf import LONGEST_NAME, Shelf, safe_name


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "web")


def put(shelf: Shelf, user: str, name: str = "cat.jpg") -> Path:
    path = shelf.upload(user, name)
    path.write_bytes(b"photo")
    return path


def test_uploads_of_one_name_have_places_of_their_own(shelf: Shelf):
    first, second = put(shelf, "anna"), put(shelf, "anna")
    assert first != second
    assert first.name == second.name == "cat.jpg"


def test_a_result_has_one_place_and_its_folder_is_there(shelf: Shelf):
    path = shelf.result("anna", "cat.jpg", "job")
    assert path == shelf.result("anna", "cat.jpg", "job") != shelf.result("anna", "cat.jpg")
    path.write_bytes(b"cartoon")


def test_a_file_is_found_by_its_address_and_its_path(shelf: Shelf):
    for path in (put(shelf, "anna"), shelf.result("anna", "12.jpg")):
        path.write_bytes(b"here")
        assert shelf.find("anna", shelf.address("anna", path)) == path
        assert shelf.find("anna", str(path)) == path
    assert shelf.address("anna", shelf.result("anna", "12.jpg")) == "results/12.jpg"


def test_nobody_finds_what_is_somebody_elses(shelf: Shelf):
    path = put(shelf, "anna")
    (shelf.folder / "secret").write_bytes(b"of the program")
    # One whose name begins like another's.
    neighbours = put(shelf, "anna2")
    address = shelf.address("anna", path)
    for asked in (
        str(path),
        address,
        f"../anna/{address}",
        f"uploads/../../anna/{address}",
        f"{shelf.folder}/ben/../anna/{address}",
        f"file://{path}",
        "../secret",
        str(shelf.folder / "secret"),
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
    ):
        assert shelf.find("ben", asked) is None, asked
    assert shelf.find("anna", str(neighbours)) is None


def test_what_is_no_file_is_not_found(shelf: Shelf):
    path = put(shelf, "anna")
    for asked in (
        "",
        ".",
        "/",
        "uploads",
        str(path.parent),
        f"{path}\0",
        "a\0b",
        "\ud800",
        "x" * 5000,
        "~",
        "a/" * 3000,
        f"{path}/more",
    ):
        assert shelf.find("anna", asked) is None, asked[:20]


def test_a_link_leads_nowhere_outside(shelf: Shelf, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for anybody")
    folder = shelf.result("anna", "12.jpg").parent
    for name, target in (
        ("file", secret),
        ("folder", tmp_path),
        ("other", put(shelf, "ben")),
        ("loop", folder / "loop"),
    ):
        (folder / name).symlink_to(target)
    for asked in ("file", "folder/secret", "other", "loop", "loop/loop"):
        assert shelf.find("anna", f"results/{asked}") is None, asked


@given(st.text(), st.sampled_from(["", "/", "../", "../anna/", "results/", "results/../../anna/results/"]))
def test_no_address_leads_out(tmp_path_factory: pytest.TempPathFactory, text: str, before: str):
    shelf = Shelf(tmp_path_factory.getbasetemp() / "shared shelf")
    shelf.result("anna", "1.jpg").write_bytes(b"hers")
    found = shelf.find("ben", before + text)
    assert found is None
    hers = shelf.find("anna", before + text)
    assert hers is None or hers.is_relative_to(shelf.folder / "anna")


@pytest.mark.parametrize("user", ["", ".", "..", "a/b", "../anna", "a.b", "a b", "/etc", "a\0"])
def test_a_person_is_letters_and_digits(shelf: Shelf, user: str):
    for ask in (
        lambda: shelf.find(user, "x"),
        lambda: shelf.upload(user, "x"),
        lambda: shelf.result(user, "x"),
        lambda: shelf.forget(user),
    ):
        with pytest.raises(ValueError, match="letters and digits"):
            ask()
    assert [*shelf.folder.rglob("*")] == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.jpg", "cat.jpg"),
        ("My cat (2).JPG", "My cat (2).JPG"),
        ("猫の写真.png", "猫の写真.png"),
        ("../../etc/passwd", "passwd"),
        ("a/b.jpg", "b.jpg"),
        ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("\\\\server\\share\\cat.jpg", "cat.jpg"),
        ("C:cat.jpg", "C_cat.jpg"),
        ("cat.jpg:stream", "cat.jpgstream"),
        ("..", "photo"),
        (".", "photo"),
        ("", "photo"),
        ("...", "photo"),
        ("cat.", "cat"),
        ("🐈.jpg", "_.jpg"),
        ("a\0b\r\n.jpg", "a_b_.jpg"),
        ("<img onerror=x>.jpg", "_img onerror_x_.jpg"),
        ("gpj.\u202ecat.jpg", "gpj._cat.jpg"),
        ("x" * 300 + ".jpeg", "x" * LONGEST_NAME + ".jpeg"),
        ("cat." + "x" * 300, "cat." + "x" * 9),
    ],
)
def test_names_are_made_safe(name: str, safe: str):
    assert safe_name(name) == safe


@given(st.text())
def test_any_name_can_be_written_and_found_again(tmp_path_factory: pytest.TempPathFactory, name: str):
    shelf = Shelf(tmp_path_factory.getbasetemp() / "shared shelf")
    path = put(shelf, "anna", name)
    assert shelf.find("anna", shelf.address("anna", path)) == path
    assert path.parent.parent == shelf.folder / "anna" / "uploads"
    assert path.name.strip(" .") != ""
    shelf.forget("anna")


@pytest.mark.parametrize("letter", ["a", "é", "猫", "𠀀"])
def test_the_longest_names_fit_any_file_system(shelf: Shelf, letter: str):
    path = put(shelf, "anna", f"{letter * 300}.{letter * 300}")
    assert len(path.name.encode()) <= 255


def test_to_be_forgotten_takes_all_of_one_person(shelf: Shelf):
    gone, kept = put(shelf, "anna"), put(shelf, "ben")
    for _ in range(2):
        shelf.forget("anna")
    assert not gone.exists()
    assert not (shelf.folder / "anna").exists()
    assert kept.exists()
    assert put(shelf, "anna").exists()


def test_sweeping_takes_what_is_old_and_the_folders_it_leaves(shelf: Shelf):
    now = time.time()
    old, new, gone = put(shelf, "anna"), put(shelf, "anna"), put(shelf, "ben")
    for path in (old, gone):
        os.utime(path, (now - 100, now - 100))
    # Only folders that were empty for long go: in a new one a file may be about to come.
    coming = shelf.upload("chloe", "cat.jpg").parent
    for folder in (old.parent, gone.parent, gone.parent.parent, gone.parent.parent.parent):
        os.utime(folder, (now - 100, now - 100))
    shelf.sweep(now - 50)
    assert new.exists()
    assert coming.is_dir()
    assert not old.exists()
    assert not gone.exists()
    # Emptied just now.
    assert gone.parent.is_dir()
    for folder in (old.parent, gone.parent):
        os.utime(folder, (now - 100, now - 100))
    shelf.sweep(now - 50)
    assert not old.parent.exists()
    assert not gone.parent.exists()


def test_where_nobody_brought_anything_there_is_nothing_to_sweep_or_forget(shelf: Shelf):
    shelf.sweep(time.time())
    shelf.forget("anna")
    assert shelf.find("anna", "results/1.jpg") is None


def test_sweeping_leaves_what_links_point_to(shelf: Shelf, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"not ours")
    (shelf.result("anna", "1.jpg").parent / "link").symlink_to(outside)
    shelf.sweep(time.time() + 100)
    assert (outside / "file").exists()


def aged(path: Path, age: int, data: bytes = b"12345") -> Path:
    path.write_bytes(data)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_trimming_takes_the_oldest_of_whoever_until_the_rest_fits(shelf: Shelf):
    old, new = aged(shelf.upload("anna", "a.jpg"), 3), aged(shelf.result("anna", "1.jpg"), 1)
    middle = aged(shelf.result("ben", "2.jpg"), 2)
    for most, left in ((15, {old, middle, new}), (14, {middle, new}), (5, {new}), (0, set[Path]())):
        shelf.trim(most)
        assert {path for path in shelf.folder.rglob("*") if path.is_file()} == left


def test_trimming_counts_a_file_of_several_names_once_and_until_its_last_name_goes(shelf: Shelf):
    old, new = aged(shelf.result("anna", "1.jpg"), 2), aged(shelf.result("anna", "2.jpg"), 1)
    for number in range(3):
        shelf.result("anna", f"{number}.jpg", "job").hardlink_to(old)
    shelf.trim(10)
    assert len([*shelf.folder.rglob("*.jpg")]) == 5
    shelf.trim(9)
    assert [*shelf.folder.rglob("*.jpg")] == [new]
