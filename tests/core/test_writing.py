"""A disk that cannot be written for a while: told apart, waited out, said once; on a clock that does not wait."""

import asyncio
import errno
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.errors import StorageUnwritable
from core.writing import FIRST_PAUSE, LONGEST_PAUSE, linked, to_disk, until_written
from tests.clock import on_jumping_clock


class Disk:
    """Refuses a number of writes, and knows when they were asked for."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.times: list[float] = []

    async def write(self) -> str:
        self.times.append(asyncio.get_running_loop().time())
        if len(self.times) <= self.refusals:
            with to_disk():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return "written"


def test_a_file_has_two_names_and_its_bytes_once(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"cartoon")
    target.write_bytes(b"whatever was there before")
    for _ in range(2):
        linked(source, target)
        assert target.samefile(source)
    source.unlink()
    assert target.read_bytes() == b"cartoon"


def test_a_file_that_is_gone_gets_no_second_name(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        linked(tmp_path / "gone", tmp_path / "target")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path("/tmp").stat().st_dev,
    reason="no second file system",
)
def test_on_another_file_system_it_is_a_copy(tmp_path: Path):
    source = tmp_path / "source"
    source.write_bytes(b"cartoon")
    with TemporaryDirectory(dir="/dev/shm") as folder:
        target = Path(folder) / "target"
        linked(source, target)
        assert (target.read_bytes(), target.samefile(source)) == (b"cartoon", False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_apart():
    with pytest.raises(StorageUnwritable) as caught, to_disk(), Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"cartoon")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES],
    ids=errno.errorcode.get,
)
def test_what_is_the_disks_fault(number: int):
    with pytest.raises(StorageUnwritable), to_disk():
        raise OSError(number, os.strerror(number))


def test_other_errors_stay_what_they_are(tmp_path: Path):
    with pytest.raises(FileNotFoundError), to_disk():
        (tmp_path / "nowhere" / "1.jpg").write_bytes(b"cartoon")
    with pytest.raises(ValueError, match="not ours"), to_disk():
        raise ValueError("not ours")


def test_what_is_written_at_once_is_written_once_and_nothing_is_said(caplog: pytest.LogCaptureFixture):
    disk = Disk(refusals=0)
    with caplog.at_level(logging.INFO, logger="core.writing"):
        assert on_jumping_clock(until_written(disk.write)) == "written"
    assert disk.times == [0.0]
    assert caplog.records == []


def test_it_is_tried_again_with_longer_and_longer_pauses_until_it_is_written():
    disk = Disk(refusals=8)
    assert on_jumping_clock(until_written(disk.write)) == "written"
    pauses = [later - earlier for earlier, later in pairwise(disk.times)]
    expected = [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(8)]
    assert pauses == pytest.approx(expected)


def test_a_long_wait_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="core.writing"):
        on_jumping_clock(until_written(Disk(refusals=20).write))
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert os.strerror(errno.ENOSPC) in caplog.messages[0]


async def test_other_errors_end_the_trying():
    async def write() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await until_written(write)


def test_nothing_is_written_once_the_waiting_is_cancelled():
    disk = Disk(refusals=3)

    async def scenario() -> None:
        waiting = asyncio.create_task(until_written(disk.write))
        await asyncio.sleep(FIRST_PAUSE / 2)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await asyncio.sleep(10 * LONGEST_PAUSE)

    on_jumping_clock(scenario())
    assert disk.times == [0.0]


def test_many_may_give_a_file_the_same_second_name_at_once(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"cartoon")
    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(linked, source, target) for _ in range(1000)]:
            each.result()
    assert sorted(tmp_path.iterdir()) == [source, target]
