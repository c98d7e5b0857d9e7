"""Damaged files, always the same ones: each becomes a module or is refused. tests/soak goes on for longer."""

import os
from pathlib import Path
from random import Random

from tests.soak.fuzz_tfgraph import ALLOWED, LOADED, MUCH_MEMORY, Tally, Worker, damaged, outcome_of, seed_files

FILES = 1000


def test_a_damaged_file_is_loaded_or_refused(tmp_path: Path):
    random, seeds, path = Random(0), seed_files(), tmp_path / "graph.pb"
    outcomes: list[str] = []
    for number in range(FILES):
        path.write_bytes(damaged(random, seeds))
        outcomes.append(outcome_of(path))
        assert outcomes[-1] in ALLOWED, f"file {number}"
    # Damage that nothing survives would only try the reader.
    assert all(outcomes.count(each) > FILES // 20 for each in ALLOWED)


def test_the_undamaged_files_are_all_loaded(tmp_path: Path):
    for data in seed_files():
        (tmp_path / "graph.pb").write_bytes(data)
        assert outcome_of(tmp_path / "graph.pb") == LOADED


def test_what_goes_wrong_is_found_and_kept_and_the_rest_goes_on(tmp_path: Path):
    tally = Tally(tmp_path)
    with Worker(misbehaving) as worker:
        for data in (b"fine", b"raise", b"raise", b"exit", b"hoard", b"hoard too much", b"fine"):
            tally.add(data, worker.tried(data))
    assert tally.outcomes == {
        LOADED: 2,
        "ValueError: as asked": 2,
        "the process ended with 7": 1,
        "module with much memory": 1,
        "MemoryError: ": 1,
    }
    kept = [tally.kinds[kind].read_bytes() for kind in tally.outcomes if kind != LOADED]
    assert kept == [b"raise", b"exit", b"hoard", b"hoard too much"]
    assert len(list(tmp_path.iterdir())) == 4


def misbehaving(path: Path) -> object:
    """Does what the file says."""
    match path.read_bytes():
        case b"raise":
            raise ValueError("as asked")
        case b"exit":
            os._exit(7)
        case b"hoard":
            return bytearray(b"x") * (MUCH_MEMORY + (64 << 20))
        case b"hoard too much":
            return bytearray(1 << 40)
        case _:
            return None
