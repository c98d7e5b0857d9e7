"""Results -> messages within a platform's limits: nothing lost or out of order, nothing scaled down unasked."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.delivery import PHOTO_SIDES, ZIP_HEADERS, Kind, Limits, Parcel, Result, pack, write_archive
from core.jobs import MAX_PHOTOS
from core.look import DELIVERIES
from storage.spool import Spool

LIMITS = Limits()


def result(
    number: int = 0, suffix: str = ".jpg", weight: int = 100_000, width: int = 1024, height: int = 768
) -> Result:
    name = f"{number}{suffix}"
    return Result(number, Path(name), name, weight, width, height, reference=f"photo {number}", alt="a cartoon")


def lengths(count: int, limits: Limits = LIMITS) -> list[int]:
    return [len(parcel.results) for parcel in pack([result(number) for number in range(count)], limits)]


def kinds(*results: Result, delivery: str = "auto") -> set[Kind]:
    return {parcel.kind for parcel in pack(results, LIMITS, delivery)}


def in_spool(folder: Path, weights: Sequence[int]) -> list[Result]:
    """Results whose files are there, of so many bytes."""
    results: list[Result] = []
    for number, weight in enumerate(weights, start=1):
        path = folder / f"{number}.png"
        path.write_bytes(bytes([number]) * weight)
        results.append(Result(number, path, f"{number:02}.png", weight, 640, 480, f"photo {number}", "a cartoon"))
    return results


def written(parcel: Parcel) -> dict[str, bytes]:
    """What is in the archive of a parcel, once it is written."""
    write_archive(parcel)
    assert parcel.archive is not None
    with zipfile.ZipFile(parcel.archive) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (10, [10]), (11, [6, 5]), (12, [6, 6]), (19, [10, 9]), (20, [10, 10]), (21, [7, 7, 7])],
)
def test_albums_are_split_evenly(count: int, expected: list[int]):
    assert lengths(count) == expected


def test_a_platform_with_larger_albums_needs_no_split():
    assert lengths(20, Limits(album_items=20)) == [20]


def test_a_small_jpeg_goes_as_a_photo():
    assert kinds(result()) == {Kind.PHOTO}
    assert kinds(result(width=1280, height=64)) == {Kind.PHOTO}
    assert kinds(result(width=64, height=1280)) == {Kind.PHOTO}
    assert kinds(result(weight=10_000_000)) == {Kind.PHOTO}


@pytest.mark.parametrize(
    "lossy",
    [
        result(suffix=".png"),
        result(suffix=".webp"),
        result(width=1281),
        result(height=1281),
        result(width=1280, height=63),
        result(width=63, height=1280),
        result(weight=10_000_001),
    ],
    ids=["png", "webp", "wide", "high", "flat", "thin", "heavy"],
)
def test_what_would_lose_something_goes_as_a_document_and_takes_the_album_along(lossy: Result):
    assert kinds(lossy) == {Kind.DOCUMENT}
    assert kinds(result(1), result(2), lossy, *(result(number) for number in range(3, 15))) == {Kind.DOCUMENT}


def test_heavy_results_are_sent_in_more_messages():
    heavy = [result(number, ".png", weight=20_000_000) for number in range(5)]
    assert [len(parcel.results) for parcel in pack(heavy, LIMITS)] == [2, 2, 1]


def test_a_request_may_be_exactly_full():
    full = [result(number, ".png", weight=25_000_000) for number in range(2)]
    assert len(pack(full, LIMITS)) == 1


def test_what_is_too_heavy_for_any_message_still_goes_by_itself():
    parcels = pack([result(0), result(1, weight=60_000_000), result(2)], LIMITS)
    assert [[each.photo_id for each in parcel.results] for parcel in parcels] == [[0], [1], [2]]


@pytest.mark.parametrize(
    "large", [result(suffix=".png"), result(suffix=".webp"), result(width=2048, height=2048), result(width=1281)]
)
def test_who_asks_for_photos_gets_photos_and_who_asks_for_files_gets_files(large: Result):
    assert kinds(result(), large, delivery="photo") == {Kind.PHOTO}
    assert kinds(result(), large, delivery="file") == {Kind.DOCUMENT}
    assert kinds(result(), delivery="file") == {Kind.DOCUMENT}


@pytest.mark.parametrize(
    "no_photo",
    [
        result(weight=10_000_001),
        result(width=1280, height=63),
        result(width=PHOTO_SIDES - 1000, height=1001),
    ],
    ids=["heavy", "flat", "large"],
)
def test_what_no_platform_takes_as_a_photo_goes_as_a_document_whatever_was_asked_for(no_photo: Result):
    assert kinds(no_photo, delivery="photo") == kinds(result(), no_photo, delivery="photo") == {Kind.DOCUMENT}


def test_a_single_result_is_not_packed_into_an_archive():
    assert pack([result(suffix=".png")], LIMITS, "zip") == [Parcel(Kind.DOCUMENT, (result(suffix=".png"),))]


def test_an_archive_holds_all_files_under_their_names(tmp_path: Path):
    results = in_spool(tmp_path, [3000, 10, 2000])
    (parcel,) = pack(results, LIMITS, "zip")
    assert (parcel.kind, parcel.results, parcel.single) == (Kind.ZIP, tuple(results), True)
    assert parcel.name == "cartoons.zip"
    assert written(parcel) == {each.name: each.path.read_bytes() for each in results}
    # Written again, after a kill: whole again, and nothing is left beside it.
    assert written(parcel) == {each.name: each.path.read_bytes() for each in results}
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".zip"}
    # The spool forgets it together with its first picture.
    assert parcel.archive == results[0].path.with_suffix(".zip")


def test_archives_stay_below_the_limit_of_a_request(tmp_path: Path):
    limits = Limits(request_bytes=10_000)
    results = in_spool(tmp_path, [4000, 4000, 5000, 100, 12_000])
    parcels = pack(results, limits, "zip")
    assert [[each.photo_id for each in parcel.results] for parcel in parcels] == [[1, 2], [3, 4], [5]]
    assert [parcel.name for parcel in parcels] == [f"cartoons-{number}-of-3.zip" for number in (1, 2, 3)]
    for parcel in parcels:
        assert written(parcel).keys() == {each.name for each in parcel.results}
        assert parcel.archive is not None
        size = parcel.archive.stat().st_size
        assert size <= limits.request_bytes or len(parcel.results) == 1
        assert size <= sum(each.weight + ZIP_HEADERS for each in parcel.results)


def test_archives_stay_below_the_limit_of_a_file_too(tmp_path: Path):
    results = in_spool(tmp_path, [4000, 4000, 4000])
    parcels = pack(results, Limits(request_bytes=100_000, file_bytes=10_000), "zip")
    assert [len(parcel.results) for parcel in parcels] == [2, 1]


def test_an_archive_of_a_fitted_cartoon_is_still_forgotten_with_it(tmp_path: Path):
    spool = Spool(tmp_path)
    path = spool.fitted(7)
    path.write_bytes(b"smaller")
    results = [replace(result(7), path=path), *in_spool(tmp_path, [10])]
    (parcel,) = pack(results, LIMITS, "zip")
    write_archive(parcel)
    spool.forget(7)
    assert [each.name for each in tmp_path.iterdir()] == ["1.png"]


RESULTS = st.lists(
    st.builds(
        result,
        number=st.integers(1, 10**6),
        suffix=st.sampled_from([".jpg", ".png"]),
        weight=st.integers(1, 60_000_000),
        width=st.integers(1, 2048),
        height=st.integers(1, 2048),
    ),
    max_size=25,
)


@given(RESULTS, st.sampled_from(DELIVERIES))
def test_every_result_is_sent_once_and_in_order(results: list[Result], delivery: str):
    assert [each for parcel in pack(results, LIMITS, delivery) for each in parcel.results] == results


@given(RESULTS, st.sampled_from(DELIVERIES))
def test_every_message_is_within_the_limits(results: list[Result], delivery: str):
    for parcel in pack(results, LIMITS, delivery):
        assert parcel.results
        assert parcel.single or len(parcel.results) <= LIMITS.album_items
        weight = sum(each.weight for each in parcel.results)
        assert weight <= LIMITS.request_bytes or len(parcel.results) == 1


@given(RESULTS, st.sampled_from(DELIVERIES))
def test_all_messages_of_a_job_are_of_one_kind(results: list[Result], delivery: str):
    assert len({parcel.kind for parcel in pack(results, LIMITS, delivery)}) <= 1


@given(st.integers(1, MAX_PHOTOS))
def test_a_light_job_takes_as_few_messages_as_possible_and_of_even_length(count: int):
    sizes = lengths(count)
    assert len(sizes) == -(-count // LIMITS.album_items)
    assert max(sizes) - min(sizes) <= 1
